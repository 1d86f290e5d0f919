/* SPDX-License-Identifier: Apache-2.0
 * test_policies.c - the text of an applied policy, as it came over the wire: plain, packed, damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "broker/policies.h"
#include "common/gzip.h"

static struct buf plain, packed;

static int read_default(void **state)
{
    (void) state;
    FILE *file = fopen(POLICIES "/default.yaml", "rb");
    assert_non_null(file);
    plain.len = fread(buf_more(&plain, 1 << 16), 1, 1 << 16, file);
    fclose(file);
    assert_in_range(plain.len, 1000, (1 << 16) - 1);
    gzip_pack(slice_of(plain.at, plain.len), &packed);
    return 0;
}

static int drop_default(void **state)
{
    (void) state;
    buf_fini(&plain);
    buf_fini(&packed);
    return 0;
}

static void a_packed_policy_is_read_as_the_plain_one(void **state)
{
    (void) state;
    struct policies policies = {0};
    struct msg_apply apply = {.text = slice_of(packed.at, packed.len)};
    policies_read(&policies, &apply);
    assert_non_null(apply.policy);
    assert_int_equal(apply.faults.len, 0);
    assert_int_equal(apply.text.len, plain.len);
    assert_memory_equal(apply.text.at, plain.at, plain.len);
    policies_fini(&policies);
}

/* It must not look like a fault of the file, least of all like an empty one. */
static void what_was_damaged_on_its_way_is_called_so(void **state)
{
    (void) state;
    struct policies policies = {0};
    struct buf bomb = {0}, zeros = {0};
    memset(buf_more(&zeros, POLICY_TEXT_MAX + 1), ' ', POLICY_TEXT_MAX + 1);
    gzip_pack(slice_of(zeros.at, zeros.len), &bomb);
    packed.at[packed.len / 2] ^= 0x40;
    const struct slice texts[] = {slice_of(packed.at, packed.len), slice_of(packed.at, 10),
                                  slice_of(bomb.at, bomb.len)};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct msg_apply apply = {.text = texts[i]};
        policies_read(&policies, &apply);
        assert_null(apply.policy);
        assert_true(slice_is(apply.faults, "policy: came as gzip that is damaged, or longer than 2097152 bytes\n"));
    }
    packed.at[packed.len / 2] ^= 0x40;
    struct msg_apply apply = {.text = slice_of(packed.at, packed.len)};
    policies_read(&policies, &apply);
    assert_non_null(apply.policy);
    assert_int_equal(apply.faults.len, 0);
    policies_fini(&policies);
    buf_fini(&bomb);
    buf_fini(&zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_packed_policy_is_read_as_the_plain_one),
        cmocka_unit_test(what_was_damaged_on_its_way_is_called_so),
    };
    return cmocka_run_group_tests(tests, read_default, drop_default);
}
