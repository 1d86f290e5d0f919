/* SPDX-License-Identifier: Apache-2.0
 * test_wire_limits.c - what is too much: numbers, lists, frames, memory.
 *
 * Each limit is passed at its last value and refused at the next, and the refusal
 * must come before anything was unpacked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/wire_internal.h"
#include "tests/lib/wire_bytes.h"
#include "tests/lib/wire_samples.h"

static struct wire *wire;
static uint8_t bytes[2 * FRAME_BYTES_MAX];

static int setup(void **state)
{
    (void) state;
    wire = wire_new();
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    wire_destroy(&wire);
    return 0;
}

static void test_unknown_fields_are_allowed_up_to_sixteen(void **state)
{
    (void) state;
    for (unsigned n = 16; n <= 17; n++) {
        struct buf heard = {0};
        for (unsigned i = 0; i < n; i++) {
            wire_bytes_put(&heard, 1000 + i, PUT_VARINT, i);
        }
        wire_bytes_put(&heard, 1, PUT_VARINT, 5);
        assert_int_equal(wire_bytes_decode(wire, MSG_HEARD, &heard), n == 16 ? REASON_OK : REASON_BAD_FIELD);
    }
    assert_string_equal(wire_why(wire), "Heard: too many unknown fields");
}

static void test_numbers_too_large_for_their_field_are_refused_and_not_cut_down(void **state)
{
    static const struct {
        enum msg_kind kind;
        uint32_t field;
        uint64_t value;
        const char *why;
    } cases[] = {
        {MSG_HEARD, 2, UINT64_C(1) << 32, "Heard.valid_ms: number too large for its type"},
        {MSG_HELLO, 1, (UINT64_C(1) << 32) + 1, "Hello.protocol: number too large for its type"},
        {MSG_HELLO, 2, UINT64_C(1) << 31, "Hello.role: number too large for its type"},
        {MSG_HELLO, 2, UINT64_MAX, "Hello.role: number too large for its type"},
        {MSG_REPORT, 5, 2, "Report.more: number too large for its type"},
        {MSG_RECEIPT, 7, UINT64_C(1) << 32, "Receipt.outcomes: number too large for its type"},
    };
    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf body = {0};
        wire_bytes_put(&body, cases[i].field, PUT_VARINT, cases[i].value);
        assert_int_equal(wire_bytes_decode(wire, cases[i].kind, &body), REASON_BAD_FIELD);
        assert_string_equal(wire_why(wire), cases[i].why);
    }
    struct buf body = {0};
    wire_bytes_add(&body, 8, "\x00\xff\xff\xff\xff\x10", 6); /* packed: 0 and more than 2^32 */
    assert_int_equal(wire_bytes_decode(wire, MSG_RECEIPT, &body), REASON_BAD_FIELD);
    assert_string_equal(wire_why(wire), "Receipt.warnings: number too large for its type");
    wire_bytes_add(&body, 8, "\x00\xff", 2); /* packed: the last one has no end */
    assert_int_equal(wire_bytes_decode(wire, MSG_RECEIPT, &body), REASON_BAD_FRAME);
    assert_string_equal(wire_why(wire), "Receipt.warnings: not encoded as the schema says");
    wire_bytes_add(&body, 26, "\x00\xff", 2); /* packed fixed32: half a one */
    assert_int_equal(wire_bytes_decode(wire, MSG_REQUEST, &body), REASON_BAD_FRAME);
    assert_string_equal(wire_why(wire), "Request.feature_keys: not encoded as the schema says");
}

/* One more than the limit of each repeated field, as empty elements. */
static void test_lists_longer_than_their_limit_are_refused_before_anything_is_unpacked(void **state)
{
    static const struct {
        enum msg_kind kind;
        uint32_t field, max;
    } cases[] = {
        {MSG_HELLO, 7, SKILLS_MAX},
        {MSG_CHUNK, 5, CHUNK_ROWS_MAX},
        {MSG_RECEIPT, 7, CHUNK_ROWS_MAX},
        {MSG_RECEIPT, 8, CHUNK_ROWS_MAX},
        {MSG_AGENT_SAYS, 1, ACTS_MAX},
        {MSG_AGENT_HEARS, 1, HEARS_ITEMS_MAX},
        {MSG_AGENT_HEARS, 2, HEARS_ITEMS_MAX},
        {MSG_AGENT_HEARS, 3, HEARS_ITEMS_MAX},
        {MSG_REQUEST, 9, REQUEST_AGENTS_MAX},
        {MSG_REQUEST, 10, REQUEST_EXCLUDED_MAX},
        {MSG_REQUEST, 20, REQUEST_LEADS_MAX},
        {MSG_REQUEST, 21, REQUEST_LEADS_MAX},
        {MSG_REQUEST, 22, REQUEST_LEADS_MAX},
        {MSG_REQUEST, 23, REQUEST_LEADS_MAX},
        {MSG_REQUEST, 24, REQUEST_LEADS_MAX},
        {MSG_REQUEST, 25, REQUEST_LEADS_MAX},
        {MSG_DECISION, 3, REQUEST_LEADS_MAX},
        {MSG_DECISION, 4, REQUEST_LEADS_MAX},
        {MSG_DECISION, 5, REQUEST_LEADS_MAX},
        {MSG_DECISION, 6, REQUEST_LEADS_MAX},
        {MSG_REPORT, 3, REPORT_COLUMNS_MAX},
        {MSG_REPORT, 4, REPORT_CELLS_MAX},
    };
    (void) state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool packed = (cases[i].kind == MSG_RECEIPT || cases[i].kind == MSG_REQUEST || cases[i].kind == MSG_DECISION) &&
                      !(cases[i].kind == MSG_REQUEST && cases[i].field == 9);
        struct buf body = {0};
        if (packed) {
            memset(bytes, 0, cases[i].max + 1);
            wire_bytes_add(&body, cases[i].field, bytes, cases[i].max + 1);
        }
        for (uint32_t k = 0; !packed && k <= cases[i].max; k++)
            wire_bytes_add(&body, cases[i].field, NULL, 0);
        assert_int_equal(wire_bytes_decode(wire, cases[i].kind, &body), REASON_BAD_FIELD);
        assert_non_null(strstr(wire_why(wire), ": too many elements"));
        assert_int_equal(wire->frame.used, 0);
    }
}

static void test_a_frame_that_would_unpack_to_megabytes_is_refused(void **state)
{
    struct buf body = {0};
    (void) state;
    for (uint32_t i = 0; i < 3 * HEARS_ITEMS_MAX; i++) /* all within the limits, and all empty */
        wire_bytes_add(&body, 1 + i % 3, NULL, 0);
    assert_int_not_equal(wire_bytes_decode(wire, MSG_AGENT_HEARS, &body), REASON_OK);
    while (body.len < FRAME_BYTES_MAX - 64) /* unknown fields */
        wire_bytes_put(&body, 1000, PUT_VARINT, 0);
    assert_int_equal(wire_bytes_decode(wire, MSG_AGENT_HEARS, &body), REASON_BAD_FIELD);
    assert_int_equal(wire->frame.used, 0);
    while (body.len < FRAME_BYTES_MAX - 64) /* unpacked elements of a packed field */
        wire_bytes_put(&body, 10, PUT_VARINT, 0);
    assert_int_equal(wire_bytes_decode(wire, MSG_REQUEST, &body), REASON_BAD_FIELD);
    assert_string_equal(wire_why(wire), "Request: too many fields");
    assert_int_equal(wire->frame.used, 0);
}

static void test_an_arena_that_ends_makes_the_decode_fail_and_nothing_else(void **state)
{
    struct wire small = *wire;
    struct msg msg;
    struct slice frame;
    (void) state;
    for (unsigned i = 0; wire_sample(i) != NULL; i++) {
        assert_true(wire_encode(wire, wire_sample(i), &frame));
        assert_int_equal(wire_decode(wire, frame.at, frame.len, &msg), REASON_OK);
        size_t needed = wire->frame.used;
        small.frame.allocator.allocator_data = &small.frame;
        for (small.frame.room = 0; small.frame.room < needed; small.frame.room += 8) {
            enum reason reason = wire_decode(&small, frame.at, frame.len, &msg);
            if (reason == REASON_OK) /* then only rows fell out, each saying so */
                assert_int_equal(msg.kind, MSG_CHUNK);
            else
                assert_true(reason == REASON_BAD_FRAME || reason == REASON_BAD_FIELD);
        }
    }
}

static void test_the_largest_honest_frames_pass(void **state)
{
    static struct slice cells[REPORT_CELLS_MAX], columns[REPORT_COLUMNS_MAX];
    static struct withdrawal withdrawals[HEARS_ITEMS_MAX];
    static const char types[] = "ssssssssssssssssssssssssssssssss";
    struct msg msg, report = {.kind = MSG_REPORT}, hears = {.kind = MSG_AGENT_HEARS};
    struct slice frame;
    (void) state;
    for (uint32_t i = 0; i < REPORT_CELLS_MAX; i++)
        cells[i] = slice_of("123456", i % 7);
    report.report = (struct msg_report){.what = QUERY_POOLS,
                                        .columns = columns,
                                        .types = types,
                                        .cells = cells,
                                        .n_columns = REPORT_COLUMNS_MAX,
                                        .n_rows = REPORT_CELLS_MAX / REPORT_COLUMNS_MAX};
    assert_true(wire_encode(wire, &report, &frame));
    assert_int_equal(wire_decode(wire, frame.at, frame.len, &msg), REASON_OK);
    for (uint32_t i = 0; i < HEARS_ITEMS_MAX; i++)
        withdrawals[i] = (struct withdrawal){.lead = {1, i + 1}, .fence = 1};
    hears.hears = (struct msg_agent_hears){.withdrawals = withdrawals, .n_withdrawals = HEARS_ITEMS_MAX - 1000};
    assert_true(wire_encode(wire, &hears, &frame));
    assert_int_equal(wire_decode(wire, frame.at, frame.len, &msg), REASON_OK);
    assert_int_equal(msg.hears.n_withdrawals, HEARS_ITEMS_MAX - 1000);
}

static void test_a_frame_over_256_kib_is_neither_made_nor_read(void **state)
{
    static struct slice cells[8];
    static const struct slice column = {(const uint8_t *) "c", 1};
    struct msg report = {.kind = MSG_REPORT};
    struct slice frame;
    (void) state;
    memset(bytes, 'x', sizeof bytes);
    for (uint32_t i = 0; i < 8; i++)
        cells[i] = slice_of(bytes, i < 3 ? 65536 : i < 4 ? 65000 : 1);
    report.report = (struct msg_report){
        .what = QUERY_STATUS, .columns = &column, .types = "s", .cells = cells, .n_columns = 1, .n_rows = 4};
    assert_true(wire_encode(wire, &report, &frame));
    assert_in_range(frame.len, 261000, FRAME_BYTES_MAX);
    struct msg msg;
    assert_int_equal(wire_decode(wire, frame.at, frame.len, &msg), REASON_OK);
    report.report.n_rows = 8;
    cells[3].len = 65536;
    assert_false(wire_encode(wire, &report, &frame));
    assert_int_equal(wire_decode(wire, bytes, FRAME_BYTES_MAX + 1, &msg), REASON_FRAME_TOO_LARGE);
}

static void test_columns_of_unequal_length_are_refused(void **state)
{
    struct buf body = {0};
    (void) state;
    wire_bytes_put(&body, 20, PUT_VARINT, 1);
    assert_int_equal(wire_bytes_decode(wire, MSG_REQUEST, &body), REASON_BAD_FIELD);
    assert_string_equal(wire_why(wire), "request: columns of leads not equally long");
    for (uint32_t field = 20; field <= 25; field++)
        wire_bytes_put(&body, field, PUT_VARINT, field == 25 ? 49 : 0);
    assert_int_equal(wire_bytes_decode(wire, MSG_REQUEST, &body), REASON_BAD_FIELD);
    assert_string_equal(wire_why(wire), "request.feature_count: over the features sent");
    wire_bytes_add(&body, 26, "\0\0\0\0", 4);
    assert_int_equal(wire_bytes_decode(wire, MSG_REQUEST, &body), REASON_BAD_FIELD);
    assert_string_equal(wire_why(wire), "request: columns of features not equally long");
    wire_bytes_add(&body, 26, "\0\0\0\0", 4);
    wire_bytes_add(&body, 27, "\0\0\0\0\0\0\0\0", 8);
    assert_int_equal(wire_bytes_decode(wire, MSG_REQUEST, &body), REASON_BAD_FIELD);
    assert_string_equal(wire_why(wire), "request.feature_count: under the features sent");
    wire_bytes_put(&body, 10, PUT_VARINT, UINT32_MAX);
    assert_int_equal(wire_bytes_decode(wire, MSG_REQUEST, &body), REASON_BAD_FIELD);
    wire_bytes_put(&body, 3, PUT_VARINT, 1);
    assert_int_equal(wire_bytes_decode(wire, MSG_DECISION, &body), REASON_BAD_FIELD);
    wire_bytes_add(&body, 1, "0123456789abcdef", 16);
    wire_bytes_put(&body, 7, PUT_VARINT, 1);
    assert_int_equal(wire_bytes_decode(wire, MSG_RECEIPT, &body), REASON_BAD_FIELD);
    for (unsigned missing = 6; missing <= 8; missing++) { /* lead_ids, outcomes, warnings */
        wire_bytes_add(&body, 1, "0123456789abcdef", 16);
        if (missing != 6)
            wire_bytes_add(&body, 6, "0123456789abcdef", 16);
        if (missing != 7)
            wire_bytes_put(&body, 7, PUT_VARINT, 0);
        if (missing != 8)
            wire_bytes_put(&body, 8, PUT_VARINT, 0);
        assert_int_equal(wire_bytes_decode(wire, MSG_RECEIPT, &body), REASON_BAD_FIELD);
        assert_string_equal(wire_why(wire), "receipt.lead_ids, outcomes, warnings: not equally many");
    }
    wire_bytes_add(&body, 1, "0123456789abcde", 15);
    assert_int_equal(wire_bytes_decode(wire, MSG_RECEIPT, &body), REASON_BAD_FIELD);
    assert_string_equal(wire_why(wire), "receipt.op: not 16 bytes");
    wire_bytes_put(&body, 1, PUT_VARINT, 1);
    wire_bytes_add(&body, 4, "a", 1); /* a cell, and no column */
    assert_int_equal(wire_bytes_decode(wire, MSG_REPORT, &body), REASON_BAD_FIELD);
    assert_string_equal(wire_why(wire), "report.cells: not whole rows");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_fields_are_allowed_up_to_sixteen),
        cmocka_unit_test(test_numbers_too_large_for_their_field_are_refused_and_not_cut_down),
        cmocka_unit_test(test_lists_longer_than_their_limit_are_refused_before_anything_is_unpacked),
        cmocka_unit_test(test_a_frame_that_would_unpack_to_megabytes_is_refused),
        cmocka_unit_test(test_an_arena_that_ends_makes_the_decode_fail_and_nothing_else),
        cmocka_unit_test(test_the_largest_honest_frames_pass),
        cmocka_unit_test(test_a_frame_over_256_kib_is_neither_made_nor_read),
        cmocka_unit_test(test_columns_of_unequal_length_are_refused),
    };
    return cmocka_run_group_tests_name("wire_limits", tests, setup, teardown);
}
