/* SPDX-License-Identifier: Apache-2.0
 * test_buf.c - the growing buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/buf.h"

static void test_what_is_added_stays_in_order(void **state)
{
    struct buf buf = {0};
    (void) state;
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t bytes[3] = {(uint8_t) i, (uint8_t) (i >> 8), 7};
        if (i % 2 == 0)
            buf_add(&buf, bytes, 3);
        else
            memcpy(buf_more(&buf, 3), bytes, 3);
    }
    assert_int_equal(buf.len, 15000);
    for (unsigned i = 0; i < 5000; i++) {
        uint8_t bytes[3] = {(uint8_t) i, (uint8_t) (i >> 8), 7};
        assert_memory_equal(buf.at + 3 * i, bytes, 3);
    }
    buf_add(&buf, NULL, 0);
    assert_int_equal(buf.len, 15000);
    buf_fini(&buf);
    assert_null(buf.at);
    assert_int_equal(buf.len + buf.room, 0);
}

static void test_printing_fits_exactly_and_counts_no_nul(void **state)
{
    (void) state;
    for (int width = 0; width < 600; width++) {
        struct buf buf = {0};
        buf_add(&buf, "ab", 2);
        buf_printf(&buf, "%*s|", width, "");
        buf_printf(&buf, "%d", 42);
        assert_int_equal(buf.len, 2 + width + 1 + 2);
        assert_memory_equal(buf.at + buf.len - 3, "|42", 3);
        assert_memory_equal(buf.at, "ab", 2);
        buf_fini(&buf);
    }
}

static void test_a_buffer_that_is_used_again_does_not_grow(void **state)
{
    struct buf buf = {0};
    (void) state;
    memset(buf_more(&buf, 1000), 'x', 1000);
    size_t room = buf.room;
    const uint8_t *at = buf.at;
    buf.len = 0;
    memset(buf_more(&buf, 1000), 'y', 1000);
    assert_ptr_equal(buf.at, at);
    assert_int_equal(buf.room, room);
    buf_fini(&buf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_added_stays_in_order),
        cmocka_unit_test(test_printing_fits_exactly_and_counts_no_nul),
        cmocka_unit_test(test_a_buffer_that_is_used_again_does_not_grow),
    };
    return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
