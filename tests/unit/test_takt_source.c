/* SPDX-License-Identifier: Apache-2.0
 * test_takt_source.c - what a lead source sends, what is repeated and under which
 * op, and what it is told. */
#include "client/takt.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/lib/client_ends.h"

static takt_text text(const char *at)
{
    return (takt_text){at, strlen(at)};
}

static takt_id chunk(struct client_ends *ends, uint32_t number)
{
    const struct takt_attribute attributes[] = {{.name = text("state"), .text = text("TX")},
                                                {.name = text("age"), .number = -41}};
    struct takt_lead leads[] = {{.key = text("k1"), .name = text("A"), .phone = text("5551234")},
                                {.key = text("k2"), .remarks = text("late"), .priority = -7}};
    leads[1].attributes = attributes;
    leads[1].n_attributes = 2;
    leads[1].value_cents = 123456;
    takt_id op = takt_new_op(ends->takt), import = {{1, 2, 3}};
    assert_int_equal(takt_chunk(ends->takt, op, "web", &import, number, leads, 2), TAKT_OK);
    return op;
}

static void send_receipt(struct client_ends *ends, struct id op, enum reason reason, uint32_t retry_after_ms)
{
    const struct id leads[] = {{1, 1}, {2, 2}};
    const uint32_t outcomes[] = {REASON_OK, REASON_DUPLICATE_KEY}, warnings[] = {0, 4};
    struct msg msg = {.kind = MSG_RECEIPT,
                      .receipt = {.op = op, .reason = reason, .level = 1, .retry_after_ms = retry_after_ms}};
    if (reason == REASON_OK) {
        msg.receipt.epoch = 7;
        msg.receipt.beat = 200;
        msg.receipt.n_rows = 2;
        msg.receipt.leads = leads;
        msg.receipt.outcomes = outcomes;
        msg.receipt.warnings = warnings;
    }
    fake_send(&ends->broker, &msg);
}

static bool same_op(takt_id op, struct id id)
{
    uint8_t bytes[16];
    id_to_bytes(id, bytes);
    return !memcmp(op.bytes, bytes, 16);
}

static void test_a_chunk_arrives_whole_and_its_receipt_comes_back(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_SOURCE);
    takt_id op = chunk(ends, 5);
    assert_int_equal(takt_out(ends->takt), 1);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    assert_true(same_op(op, msg.chunk.op));
    assert_int_equal(msg.chunk.number, 5);
    assert_memory_equal(msg.chunk.source.at, "web", 3);
    assert_int_equal(msg.chunk.n_rows, 2);
    const struct row *row = &msg.chunk.rows[1];
    assert_int_equal(row->reject, REASON_OK);
    assert_memory_equal(row->key.at, "k2", 2);
    assert_memory_equal(row->remarks.at, "late", 4);
    assert_int_equal(row->priority, -7);
    assert_int_equal(row->value_cents, 123456);
    assert_int_equal(row->n_attributes, 2);
    assert_memory_equal(row->attributes[0].text.at, "TX", 2);
    assert_int_equal(row->attributes[1].number, -41);
    assert_null(row->attributes[1].text.at);
    send_receipt(ends, msg.chunk.op, REASON_OK, 0);
    struct takt_event event = ends_expect(ends, TAKT_RECEIPT);
    assert_memory_equal(&event.op, &op, sizeof op);
    assert_int_equal(event.receipt.n_rows, 2);
    assert_int_equal(event.receipt.ids[1].bytes[15], 2);
    assert_int_equal(event.receipt.outcomes[1], REASON_DUPLICATE_KEY);
    assert_int_equal(event.receipt.warnings[1], 4);
    assert_int_equal(event.receipt.beat, 200);
    assert_int_equal(takt_out(ends->takt), 0);
    send_receipt(ends, msg.chunk.op, REASON_OK, 0);
    ends_expect_nothing(ends, 50);
}

static void test_a_chunk_without_receipt_is_sent_again_under_the_same_op(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_SOURCE);
    takt_id op = chunk(ends, 0);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    uint64_t seq = msg.seq;
    int64_t from_us = clock_mono_us();
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    assert_in_range(clock_mono_us() - from_us, 1900000, 2500000);
    assert_true(same_op(op, msg.chunk.op));
    assert_true(msg.seq > seq);
    assert_memory_equal(msg.chunk.rows[0].key.at, "k1", 2);
    send_receipt(ends, msg.chunk.op, REASON_OK, 0);
    ends_expect(ends, TAKT_RECEIPT);
}

static void test_what_is_unanswered_is_sent_again_in_order_in_the_next_session(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    takt_id ops[3];
    ends_open(ends, TAKT_SOURCE);
    for (uint32_t i = 0; i < 3; i++)
        ops[i] = chunk(ends, i);
    for (int i = 0; i < 3; i++) {
        fake_expect(&ends->broker, MSG_CHUNK, &msg);
        if (i == 0)
            send_receipt(ends, msg.chunk.op, REASON_BUSY, 60000); /* put off behind the others */
    }
    ends_expect(ends, TAKT_BUSY);
    ends_lose_session(ends, 2);
    for (int i = 0; i < 3; i++) {
        fake_expect(&ends->broker, MSG_CHUNK, &msg);
        assert_true(same_op(ops[i], msg.chunk.op));
        assert_int_equal(msg.session, 2);
    }
}

static void test_what_is_unanswered_survives_a_crash_of_the_broker(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_SOURCE);
    takt_id op = chunk(ends, 0);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    struct pollfd fd = {.fd = takt_fd(ends->takt), .events = POLLIN};
    fake_close_router(&ends->broker);
    assert_int_equal(poll(&fd, 1, PATIENCE_MS), 1);
    takt_id later = chunk(ends, 1); /* asked before the handle has looked at its socket */
    ends_expect(ends, TAKT_DISCONNECTED);
    fake_reopen(&ends->broker);
    fake_welcome(&ends->broker, 2);
    ends_expect(ends, TAKT_CONNECTED);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    assert_true(same_op(op, msg.chunk.op));
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    assert_true(same_op(later, msg.chunk.op));
}

static void test_at_most_a_window_of_chunks_is_out(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_SOURCE);
    struct takt_lead lead = {.key = text("k")};
    unsigned window = takt_window(ends->takt);
    assert_int_equal(window, 64);
    for (uint32_t i = 0; i < window; i++)
        chunk(ends, i);
    takt_id op = takt_new_op(ends->takt);
    assert_int_equal(takt_chunk(ends->takt, op, "web", NULL, 8, &lead, 1), TAKT_EBUSY);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    send_receipt(ends, msg.chunk.op, REASON_OK, 0);
    ends_expect(ends, TAKT_RECEIPT);
    assert_int_equal(takt_chunk(ends->takt, op, "web", NULL, 8, &lead, 1), TAKT_OK);
    assert_int_equal(takt_chunk(ends->takt, op, "web", NULL, 8, &lead, 1), TAKT_EBUSY);
}

static void test_a_busy_broker_gets_the_chunk_again_when_it_said(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_SOURCE);
    takt_id op = chunk(ends, 0);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    send_receipt(ends, msg.chunk.op, REASON_BUSY, 300);
    struct takt_event event = ends_expect(ends, TAKT_BUSY);
    int64_t from_us = clock_mono_us();
    assert_int_equal(event.wait_ms, 300);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    assert_in_range(clock_mono_us() - from_us, 250000, 1500000);
    assert_true(same_op(op, msg.chunk.op));
    fake_refuse(&ends->broker, REASON_BUSY, msg.seq, 100);
    ends_expect(ends, TAKT_BUSY);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    assert_true(same_op(op, msg.chunk.op));
}

static void test_a_refused_frame_is_told_and_not_repeated(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_SOURCE);
    takt_id op = chunk(ends, 0);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    fake_refuse(&ends->broker, REASON_OP_ID_REUSED, msg.seq, 0);
    struct takt_event event = ends_expect(ends, TAKT_RECEIPT);
    assert_int_equal(event.reason, REASON_OP_ID_REUSED);
    assert_memory_equal(&event.op, &op, sizeof op);
    assert_int_equal(event.receipt.n_rows, 0);
    assert_int_equal(takt_out(ends->takt), 0);
}

static void test_a_chunk_that_cannot_be_a_frame_is_refused_at_once(void **state)
{
    struct client_ends *ends = *state;
    static char remarks[1900];
    static struct takt_lead leads[300];
    ends_open(ends, TAKT_SOURCE);
    memset(remarks, 'x', sizeof remarks);
    for (int i = 0; i < 300; i++)
        leads[i] = (struct takt_lead){.key = text("k"), .remarks = {remarks, sizeof remarks}};
    takt_id op = takt_new_op(ends->takt), none = {{0}};
    assert_int_equal(takt_chunk(ends->takt, op, "web", NULL, 0, leads, 256), TAKT_ETOOBIG);
    assert_int_equal(takt_chunk(ends->takt, op, "web", NULL, 0, leads, 257), TAKT_EUSAGE);
    assert_int_equal(takt_chunk(ends->takt, op, "web", NULL, 0, leads, 0), TAKT_EUSAGE);
    assert_int_equal(takt_chunk(ends->takt, op, "w b", NULL, 0, leads, 1), TAKT_EUSAGE);
    assert_int_equal(takt_chunk(ends->takt, none, "web", NULL, 0, leads, 1), TAKT_EUSAGE);
    assert_int_equal(takt_chunk(ends->takt, op, "web", NULL, 0, leads, 100), TAKT_OK);
    struct msg msg;
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    assert_int_equal(msg.chunk.n_rows, 100);
}

static void test_a_manifest_is_answered_with_what_stands(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    takt_id import = {{9, 8, 7}};
    ends_open(ends, TAKT_SOURCE);
    assert_int_equal(takt_manifest(ends->takt, import, "web", 600, 3), TAKT_OK);
    assert_int_equal(takt_manifest(ends->takt, import, "web", 600, 3), TAKT_EBUSY);
    fake_expect(&ends->broker, MSG_MANIFEST, &msg);
    assert_int_equal(msg.manifest.rows, 600);
    ends_lose_session(ends, 2);
    fake_expect(&ends->broker, MSG_MANIFEST, &msg);
    fake_send(&ends->broker,
              &(struct msg){
                  .kind = MSG_MANIFEST_STATE,
                  .manifest_state = {.import = msg.manifest.import, .standing = slice_of("\x05", 1), .accepted = 500}});
    struct takt_event event = ends_expect(ends, TAKT_MANIFEST);
    assert_memory_equal(&event.manifest.import, &import, sizeof import);
    assert_int_equal(event.manifest.standing_len, 1);
    assert_int_equal(event.manifest.standing[0], 5);
    assert_int_equal(event.manifest.accepted, 500);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ends_set_up, ends_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_chunk_arrives_whole_and_its_receipt_comes_back),
        TEST(test_a_chunk_without_receipt_is_sent_again_under_the_same_op),
        TEST(test_what_is_unanswered_is_sent_again_in_order_in_the_next_session),
        TEST(test_what_is_unanswered_survives_a_crash_of_the_broker),
        TEST(test_at_most_a_window_of_chunks_is_out),
        TEST(test_a_busy_broker_gets_the_chunk_again_when_it_said),
        TEST(test_a_refused_frame_is_told_and_not_repeated),
        TEST(test_a_chunk_that_cannot_be_a_frame_is_refused_at_once),
        TEST(test_a_manifest_is_answered_with_what_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
