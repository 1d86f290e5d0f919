/* SPDX-License-Identifier: Apache-2.0
 * test_entry.c - log entries to bytes and back; every damage is seen. */
#include "broker/entry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { BODY_BYTES = 37, BYTES = ENTRY_HEAD_BYTES + BODY_BYTES + ENTRY_CHECK_BYTES };

static const struct entry_hash previous = {.bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static void encode_sample(uint8_t bytes[BYTES])
{
    uint8_t body[BODY_BYTES];
    memset(body, 0x5a, sizeof body);
    const struct entry entry = {
        .at = {7, 1ull << 40}, .time_ms = 1700000000123, .policy_version = 9, .body = {body, sizeof body}};
    struct entry_hash hash;
    assert_int_equal(entry_size(BODY_BYTES), BYTES);
    entry_encode(&entry, &previous, bytes, &hash);
}

static void what_was_encoded_is_decoded(void **state)
{
    (void) state;
    uint8_t bytes[BYTES];
    struct entry entry;
    struct entry_hash before;
    encode_sample(bytes);
    assert_null(entry_decode((struct slice){bytes, BYTES}, &entry, &before));
    assert_int_equal(entry.at.epoch, 7);
    assert_int_equal(entry.at.beat, 1ull << 40);
    assert_int_equal(entry.time_ms, 1700000000123);
    assert_int_equal(entry.policy_version, 9);
    assert_false(entry.takeover);
    assert_int_equal(entry.body.len, BODY_BYTES);
    assert_int_equal(entry.body.at[BODY_BYTES - 1], 0x5a);
    assert_memory_equal(&before, &previous, sizeof before);
}

static void an_empty_body_and_a_takeover_are_entries_too(void **state)
{
    (void) state;
    uint8_t bytes[ENTRY_HEAD_BYTES + ENTRY_CHECK_BYTES];
    const struct entry in = {.at = {1, 0}, .takeover = true};
    struct entry entry;
    struct entry_hash before, hash;
    entry_encode(&in, &previous, bytes, &hash);
    assert_null(entry_decode((struct slice){bytes, sizeof bytes}, &entry, &before));
    assert_true(entry.takeover);
    assert_int_equal(entry.body.len, 0);
}

/* Pins the layout of docs/LOG.md: a change of it needs a new version. */
static void the_layout_is_the_documented_one(void **state)
{
    (void) state;
    uint8_t bytes[BYTES];
    static const uint8_t head[] = {'T',  'A',  'K', 'L', 2, 0, 0, 0, 7,          0, 0,    0,    0,    0,
                                   0,    0,    0,   0,   0, 0, 0, 1, 0,          0, 0x7b, 0x68, 0xe5, 0xcf,
                                   0x8b, 0x01, 0,   0,   9, 0, 0, 0, BODY_BYTES, 0, 0,    0};
    encode_sample(bytes);
    assert_memory_equal(bytes, head, sizeof head);
    assert_memory_equal(bytes + 40, &previous, sizeof previous);
}

static void every_flipped_bit_is_seen(void **state)
{
    (void) state;
    uint8_t bytes[BYTES];
    struct entry entry = {.policy_version = 77};
    struct entry_hash before;
    encode_sample(bytes);
    for (unsigned bit = 0; bit < 8 * BYTES; bit++) {
        bytes[bit / 8] ^= (uint8_t) (1u << bit % 8);
        assert_non_null(entry_decode((struct slice){bytes, BYTES}, &entry, &before));
        assert_int_equal(entry.policy_version, 77); /* untouched */
        bytes[bit / 8] ^= (uint8_t) (1u << bit % 8);
    }
    assert_null(entry_decode((struct slice){bytes, BYTES}, &entry, &before));
}

static void every_shorter_or_longer_entry_is_refused(void **state)
{
    (void) state;
    uint8_t bytes[BYTES + 1] = {0};
    struct entry entry;
    struct entry_hash before;
    encode_sample(bytes);
    for (uint32_t len = 0; len < BYTES; len++) {
        uint8_t *exact = malloc(len > 0 ? len : 1); /* so that a sanitizer sees a read behind it */
        memcpy(exact, bytes, len);
        assert_non_null(entry_decode((struct slice){exact, len}, &entry, &before));
        free(exact);
    }
    assert_non_null(entry_decode((struct slice){bytes, BYTES + 1}, &entry, &before));
}

static void a_version_or_flag_not_known_is_refused_though_its_check_is_right(void **state)
{
    (void) state;
    static const struct {
        uint32_t at;
        uint8_t value;
        bool known;
    } cases[] = {{4, 0, false}, {4, 1, true}, {4, 2, true}, {4, 3, false}, {6, 2, false}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint8_t bytes[BYTES];
        struct entry entry;
        struct entry_hash before;
        encode_sample(bytes);
        bytes[cases[i].at] = cases[i].value;
        const uint64_t check = entry_check(bytes, BYTES - ENTRY_CHECK_BYTES);
        memcpy(bytes + BYTES - ENTRY_CHECK_BYTES, &check, sizeof check);
        const char *wrong = entry_decode((struct slice){bytes, BYTES}, &entry, &before);
        if (cases[i].known)
            assert_null(wrong);
        else
            assert_non_null(strstr(wrong, "not known here"));
    }
}

static void hashes_differ_where_entries_differ(void **state)
{
    (void) state;
    uint8_t bytes[BYTES];
    struct entry_hash a, b;
    encode_sample(bytes);
    entry_hash((struct slice){bytes, BYTES}, &a);
    bytes[60] ^= 1;
    entry_hash((struct slice){bytes, BYTES}, &b);
    assert_memory_not_equal(&a, &b, sizeof a);
}

/* Both methods of the hash, for short and for long, and their seams. */
static void check_and_hash_are_those_of_the_bytes(void **state)
{
    (void) state;
    static uint8_t body[70000], bytes[70000 + ENTRY_HEAD_BYTES + ENTRY_CHECK_BYTES];
    for (uint32_t i = 0; i < sizeof body; i++)
        body[i] = (uint8_t) (i * i >> 5);
    for (uint32_t len = 0; len <= sizeof body; len += len < 2000 ? 1 : 997) {
        const struct entry entry = {.at = {3, 4}, .body = {body, len}};
        const size_t size = entry_size(len);
        struct entry_hash hash, again;
        uint64_t check;
        entry_encode(&entry, &previous, bytes, &hash);
        memcpy(&check, bytes + size - ENTRY_CHECK_BYTES, sizeof check);
        assert_true(check == entry_check(bytes, size - ENTRY_CHECK_BYTES));
        entry_hash((struct slice){bytes, (uint32_t) size}, &again);
        assert_memory_equal(&hash, &again, sizeof hash);
    }
}

static void positions_are_ordered_by_epoch_then_beat(void **state)
{
    (void) state;
    assert_true(position_compare((struct position){1, 9}, (struct position){2, 0}) < 0);
    assert_true(position_compare((struct position){2, 0}, (struct position){1, 9}) > 0);
    assert_true(position_compare((struct position){2, 1}, (struct position){2, 2}) < 0);
    assert_true(position_compare((struct position){2, 2}, (struct position){2, 1}) > 0);
    assert_int_equal(position_compare((struct position){2, 2}, (struct position){2, 2}), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_encoded_is_decoded),
        cmocka_unit_test(an_empty_body_and_a_takeover_are_entries_too),
        cmocka_unit_test(the_layout_is_the_documented_one),
        cmocka_unit_test(every_flipped_bit_is_seen),
        cmocka_unit_test(every_shorter_or_longer_entry_is_refused),
        cmocka_unit_test(a_version_or_flag_not_known_is_refused_though_its_check_is_right),
        cmocka_unit_test(hashes_differ_where_entries_differ),
        cmocka_unit_test(check_and_hash_are_those_of_the_bytes),
        cmocka_unit_test(positions_are_ordered_by_epoch_then_beat),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
