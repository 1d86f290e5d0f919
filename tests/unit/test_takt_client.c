/* SPDX-License-Identifier: Apache-2.0
 * test_takt_client.c - libtakt through its public header, against a scripted
 * broker in the same thread: what is repeated and under which op, what leaves in
 * one frame, and when a lead may no longer be shown. */
#include "client/takt.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/lib/fake_broker.h"

enum { VALID_MS = 20000, OFFERED = 4, OWNED = 5, CLOSED_WON = 16 };

struct ends {
    struct fake_broker broker;
    takt_t *takt;
    struct takt_event events[32]; /* taken by drive(); what they borrow is gone */
    int n_events, n_seen;
};

static void drive(void *context)
{
    struct ends *ends = context;
    assert_true(ends->n_events < 32);
    if (takt_next(ends->takt, &ends->events[ends->n_events], 0) == 1)
        ends->n_events++;
}

static int open_broker(void **state)
{
    static struct ends ends;
    memset(&ends, 0, sizeof ends);
    fake_open(&ends.broker);
    ends.broker.drive = drive;
    ends.broker.context = &ends;
    *state = &ends;
    return 0;
}

static int close_broker(void **state)
{
    struct ends *ends = *state;
    takt_close(&ends->takt);
    fake_close(&ends->broker);
    return 0;
}

/* The next event, which must be of this kind. */
static struct takt_event expect(struct ends *ends, enum takt_event_kind kind)
{
    struct takt_event event = {0};
    if (ends->n_seen < ends->n_events)
        event = ends->events[ends->n_seen++];
    else
        assert_int_equal(takt_next(ends->takt, &event, PATIENCE_MS), 1);
    assert_int_equal(event.kind, kind);
    return event;
}

static void expect_nothing(struct ends *ends, int for_ms)
{
    struct takt_event event;
    assert_int_equal(ends->n_seen, ends->n_events);
    assert_int_equal(takt_next(ends->takt, &event, for_ms), 0);
}

static void open_as(struct ends *ends, enum takt_role role)
{
    static const char *const skills[] = {"spanish", "term life", NULL};
    struct takt_options options = {.role = role, .endpoint = ends->broker.endpoint, .name = "ann"};
    if (role == TAKT_AGENT) {
        options.team = "north";
        options.intent = TAKT_AVAILABLE;
        options.capacity = 3;
        options.skills = skills;
    }
    ends->takt = takt_open(&options, NULL);
    assert_non_null(ends->takt);
    fake_welcome(&ends->broker, 1);
    expect(ends, TAKT_CONNECTED);
}

/* The broker forgets the session; the next hello gets a new one. */
static void lose_session(struct ends *ends, uint64_t session)
{
    fake_refuse(&ends->broker, REASON_HELLO_FIRST, 0, 0);
    expect(ends, TAKT_DISCONNECTED);
    fake_welcome(&ends->broker, session);
    expect(ends, TAKT_CONNECTED);
}

/* ---- every role ----------------------------------------------------------------- */

static void test_a_handle_says_who_it_is_and_learns_the_position(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    static const char *const skills[] = {"spanish", "term life", NULL};
    struct takt_options options = {.role = TAKT_AGENT,
                                   .endpoint = ends->broker.endpoint,
                                   .name = "ann",
                                   .team = "north",
                                   .intent = TAKT_ON_DEMAND,
                                   .capacity = 3,
                                   .skills = skills};
    ends->takt = takt_open(&options, NULL);
    assert_false(takt_connected(ends->takt));
    fake_expect(&ends->broker, MSG_HELLO, &msg);
    assert_int_equal(msg.hello.role, ROLE_AGENT);
    assert_memory_equal(msg.hello.name.at, "ann", 3);
    assert_memory_equal(msg.hello.team.at, "north", 5);
    assert_int_equal(msg.hello.intent, INTENT_ON_DEMAND);
    assert_int_equal(msg.hello.capacity, 3);
    assert_int_equal(msg.hello.n_skills, 2);
    assert_memory_equal(msg.hello.skills[1].at, "term life", 9);
    fake_refuse(&ends->broker, REASON_BUSY, msg.seq, 1);
    fake_welcome(&ends->broker, 9);
    struct takt_event event = expect(ends, TAKT_CONNECTED);
    assert_int_equal(event.position.epoch, 7);
    assert_int_equal(event.position.beat, 100);
    assert_true(takt_connected(ends->takt));
}

static void test_bad_options_are_refused_with_a_reason(void **state)
{
    (void) state;
    static const struct takt_options bad[] = {
        {.role = TAKT_SOURCE, .endpoint = "tcp://10.0.0.1:7701", .name = "a"},
        {.role = TAKT_SOURCE, .endpoint = "nonsense", .name = "a"},
        {.role = TAKT_SOURCE, .name = "a"},
        {.role = TAKT_SOURCE, .endpoint = "tcp://127.0.0.1:7701"},
        {.role = TAKT_SOURCE, .endpoint = "tcp://127.0.0.1:7701", .name = "a b"},
        {.role = TAKT_WORKER, .endpoint = "tcp://127.0.0.1:7701", .name = "a"},
        {.role = 9, .endpoint = "tcp://127.0.0.1:7701", .name = "a"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char why[160] = "";
        assert_null(takt_open(&bad[i], why));
        assert_true(strlen(why) > 0);
    }
    takt_t *none = NULL;
    takt_close(&none);
}

static void test_a_refusal_for_good_ends_the_handle_and_what_it_shows(void **state)
{
    struct ends *ends = *state;
    struct takt_event event;
    open_as(ends, TAKT_AGENT);
    fake_refuse(&ends->broker, REASON_SESSION_FENCED, 0, 0);
    event = expect(ends, TAKT_REFUSED);
    assert_int_equal(event.reason, REASON_SESSION_FENCED);
    assert_int_equal(takt_next(ends->takt, &event, PATIENCE_MS), TAKT_EREFUSED);
    assert_int_equal(takt_ready(ends->takt, 0), TAKT_EREFUSED);
}

static void test_a_handle_does_only_what_its_role_may(void **state)
{
    struct ends *ends = *state;
    open_as(ends, TAKT_SOURCE);
    takt_id id = takt_new_op(ends->takt);
    assert_int_equal(takt_accept(ends->takt, id, 1), TAKT_EUSAGE);
    assert_int_equal(takt_query(ends->takt, 1, NULL, 0), TAKT_EUSAGE);
    assert_true(strlen(takt_why(ends->takt)) > 0);
}

static void test_it_can_be_driven_by_a_foreign_loop(void **state)
{
    struct ends *ends = *state;
    open_as(ends, TAKT_OPERATOR);
    struct takt_event event;
    assert_int_equal(takt_next(ends->takt, &event, 0), 0);
    assert_int_equal(takt_query(ends->takt, QUERY_STATUS, NULL, 10), TAKT_OK);
    assert_int_equal(takt_timeout_ms(ends->takt), 0);
    struct msg msg;
    fake_expect(&ends->broker, MSG_QUERY, &msg);
    while (takt_next(ends->takt, &event, 0))
        ;
    fake_send(&ends->broker, &(struct msg){.kind = MSG_REPORT, .report = {.what = QUERY_STATUS}});
    int64_t until_us = clock_mono_us() + PATIENCE_MS * 1000;
    int got = 0;
    while (!got) {
        assert_true(clock_mono_us() < until_us);
        struct pollfd fd = {.fd = takt_fd(ends->takt), .events = POLLIN};
        int timeout_ms = takt_timeout_ms(ends->takt);
        assert_in_range(timeout_ms, 0, 5000);
        poll(&fd, 1, timeout_ms);
        got = takt_next(ends->takt, &event, 0);
    }
    assert_int_equal(event.kind, TAKT_REPORT);
    assert_true(clock_mono_us() - until_us + PATIENCE_MS * 1000 < 1000000);
}

static void test_names_and_ids_are_readable(void **state)
{
    (void) state;
    char text[33];
    takt_id id = {{0xab, 1}}, back;
    takt_id_text(id, text);
    assert_string_equal(text, "ab010000000000000000000000000000");
    assert_true(takt_id_parse(text, &back));
    assert_memory_equal(&id, &back, sizeof id);
    assert_false(takt_id_parse("xyz", &back));
    assert_string_equal(takt_reason_name(REASON_OWES_NOTE), "OWES_NOTE");
    assert_string_equal(takt_state_name(OWNED), "OWNED");
    assert_string_equal(takt_state_name(999), "?");
    assert_int_equal(takt_disposition("no-answer"), DISPOSITION_NO_ANSWER);
    assert_string_equal(takt_disposition_word(DISPOSITION_NO_ANSWER), "no-answer");
    assert_int_equal(takt_query_by_name("ORPHANS"), QUERY_ORPHANS);
    assert_int_equal(takt_query_by_name("NOTHING"), 0);
}

/* ---- sources -------------------------------------------------------------------- */

static takt_text text(const char *at)
{
    return (takt_text){at, strlen(at)};
}

static takt_id chunk(struct ends *ends, uint32_t number)
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

static void send_receipt(struct ends *ends, struct id op, enum reason reason, uint32_t retry_after_ms)
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
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_SOURCE);
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
    struct takt_event event = expect(ends, TAKT_RECEIPT);
    assert_memory_equal(&event.op, &op, sizeof op);
    assert_int_equal(event.receipt.n_rows, 2);
    assert_int_equal(event.receipt.ids[1].bytes[15], 2);
    assert_int_equal(event.receipt.outcomes[1], REASON_DUPLICATE_KEY);
    assert_int_equal(event.receipt.warnings[1], 4);
    assert_int_equal(event.receipt.beat, 200);
    assert_int_equal(takt_out(ends->takt), 0);
    send_receipt(ends, msg.chunk.op, REASON_OK, 0);
    expect_nothing(ends, 50);
}

static void test_a_chunk_without_receipt_is_sent_again_under_the_same_op(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_SOURCE);
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
    expect(ends, TAKT_RECEIPT);
}

static void test_what_is_unanswered_is_sent_again_in_order_in_the_next_session(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    takt_id ops[3];
    open_as(ends, TAKT_SOURCE);
    for (uint32_t i = 0; i < 3; i++)
        ops[i] = chunk(ends, i);
    for (int i = 0; i < 3; i++)
        fake_expect(&ends->broker, MSG_CHUNK, &msg);
    lose_session(ends, 2);
    for (int i = 0; i < 3; i++) {
        fake_expect(&ends->broker, MSG_CHUNK, &msg);
        assert_true(same_op(ops[i], msg.chunk.op));
        assert_int_equal(msg.session, 2);
    }
}

static void test_what_is_unanswered_survives_a_crash_of_the_broker(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_SOURCE);
    takt_id op = chunk(ends, 0);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    fake_close_router(&ends->broker);
    expect(ends, TAKT_DISCONNECTED);
    assert_int_equal(takt_flush(ends->takt), TAKT_OK);
    takt_id later = chunk(ends, 1);
    fake_reopen(&ends->broker);
    fake_welcome(&ends->broker, 2);
    expect(ends, TAKT_CONNECTED);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    assert_true(same_op(op, msg.chunk.op));
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    assert_true(same_op(later, msg.chunk.op));
}

static void test_at_most_a_window_of_chunks_is_out(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_SOURCE);
    struct takt_lead lead = {.key = text("k")};
    unsigned window = takt_window(ends->takt);
    assert_int_equal(window, 8);
    for (uint32_t i = 0; i < window; i++)
        chunk(ends, i);
    takt_id op = takt_new_op(ends->takt);
    assert_int_equal(takt_chunk(ends->takt, op, "web", NULL, 8, &lead, 1), TAKT_EBUSY);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    send_receipt(ends, msg.chunk.op, REASON_OK, 0);
    expect(ends, TAKT_RECEIPT);
    assert_int_equal(takt_chunk(ends->takt, op, "web", NULL, 8, &lead, 1), TAKT_OK);
    assert_int_equal(takt_chunk(ends->takt, op, "web", NULL, 8, &lead, 1), TAKT_EBUSY);
}

static void test_a_busy_broker_gets_the_chunk_again_when_it_said(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_SOURCE);
    takt_id op = chunk(ends, 0);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    send_receipt(ends, msg.chunk.op, REASON_BUSY, 300);
    struct takt_event event = expect(ends, TAKT_BUSY);
    int64_t from_us = clock_mono_us();
    assert_int_equal(event.wait_ms, 300);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    assert_in_range(clock_mono_us() - from_us, 250000, 1500000);
    assert_true(same_op(op, msg.chunk.op));
    fake_refuse(&ends->broker, REASON_BUSY, msg.seq, 100);
    expect(ends, TAKT_BUSY);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    assert_true(same_op(op, msg.chunk.op));
}

static void test_a_refused_frame_is_told_and_not_repeated(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_SOURCE);
    takt_id op = chunk(ends, 0);
    fake_expect(&ends->broker, MSG_CHUNK, &msg);
    fake_refuse(&ends->broker, REASON_OP_ID_REUSED, msg.seq, 0);
    struct takt_event event = expect(ends, TAKT_RECEIPT);
    assert_int_equal(event.reason, REASON_OP_ID_REUSED);
    assert_memory_equal(&event.op, &op, sizeof op);
    assert_int_equal(event.receipt.n_rows, 0);
    assert_int_equal(takt_out(ends->takt), 0);
}

static void test_a_chunk_that_cannot_be_a_frame_is_refused_at_once(void **state)
{
    struct ends *ends = *state;
    static char remarks[1900];
    static struct takt_lead leads[300];
    open_as(ends, TAKT_SOURCE);
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
    struct ends *ends = *state;
    struct msg msg;
    takt_id import = {{9, 8, 7}};
    open_as(ends, TAKT_SOURCE);
    assert_int_equal(takt_manifest(ends->takt, import, "web", 600, 3), TAKT_OK);
    assert_int_equal(takt_manifest(ends->takt, import, "web", 600, 3), TAKT_EBUSY);
    fake_expect(&ends->broker, MSG_MANIFEST, &msg);
    assert_int_equal(msg.manifest.rows, 600);
    lose_session(ends, 2);
    fake_expect(&ends->broker, MSG_MANIFEST, &msg);
    fake_send(&ends->broker, &(struct msg){.kind = MSG_MANIFEST_STATE,
                                           .manifest_state = {.import = msg.manifest.import,
                                                              .standing = slice_of("\x05", 1),
                                                              .accepted = 500}});
    struct takt_event event = expect(ends, TAKT_MANIFEST);
    assert_memory_equal(&event.manifest.import, &import, sizeof import);
    assert_int_equal(event.manifest.standing_len, 1);
    assert_int_equal(event.manifest.standing[0], 5);
    assert_int_equal(event.manifest.accepted, 500);
}

/* ---- agents --------------------------------------------------------------------- */

static uint8_t row_bytes[256];

static struct slice encoded_row(void)
{
    const struct attribute attribute = {.name = slice_of("state", 5), .text = slice_of("TX", 2)};
    const struct row row = {.key = slice_of("k1", 2),
                            .name = slice_of("A. Person", 9),
                            .attributes = &attribute,
                            .n_attributes = 1};
    return slice_of(row_bytes, wire_encode_row(&row, row_bytes, sizeof row_bytes));
}

static struct offer offer_of(uint64_t lead, uint64_t fence, uint64_t valid_seq, uint32_t valid_ms)
{
    return (struct offer){.lead = {0, lead},
                          .fence = fence,
                          .state = OFFERED,
                          .valid_seq = valid_seq,
                          .valid_ms = valid_ms,
                          .answer_ms = 15000,
                          .score = 42,
                          .row = encoded_row()};
}

static void send_offers(struct ends *ends, const struct offer *offers, uint32_t n)
{
    fake_send(&ends->broker,
              &(struct msg){.kind = MSG_AGENT_HEARS, .hears = {.offers = offers, .n_offers = n}});
}

/* One lead, valid since the hello (the first frame). */
static struct takt_event offer_one(struct ends *ends, uint64_t lead, uint64_t fence, uint32_t valid_ms)
{
    struct offer offer = offer_of(lead, fence, 1, valid_ms);
    send_offers(ends, &offer, 1);
    return expect(ends, TAKT_OFFER);
}

static void send_withdrawal(struct ends *ends, uint64_t lead, uint64_t fence)
{
    const struct withdrawal withdrawal = {.lead = {0, lead}, .fence = fence, .reason = REASON_FIRST_ACTION_LATE};
    fake_send(&ends->broker, &(struct msg){.kind = MSG_AGENT_HEARS,
                                           .hears = {.withdrawals = &withdrawal, .n_withdrawals = 1}});
}

static void send_result(struct ends *ends, const struct act *act, enum reason reason, uint32_t lead_state)
{
    const struct act_result result = {.op = act->op, .lead = act->lead, .reason = reason, .state = lead_state};
    fake_send(&ends->broker,
              &(struct msg){.kind = MSG_AGENT_HEARS, .hears = {.results = &result, .n_results = 1}});
}

static void test_an_offer_shows_the_lead_and_is_accepted(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_AGENT);
    struct takt_event event = offer_one(ends, 5, 77, VALID_MS);
    assert_int_equal(event.lead_id.bytes[15], 5);
    assert_int_equal(event.fence, 77);
    assert_int_equal(event.state, OFFERED);
    assert_int_equal(event.score, 42);
    assert_int_equal(event.answer_ms, 15000);
    assert_int_equal(event.lead.name.len, 9);
    assert_memory_equal(event.lead.name.at, "A. Person", 9);
    assert_null(event.lead.email.at);
    assert_int_equal(event.lead.n_attributes, 1);
    assert_memory_equal(event.lead.attributes[0].text.at, "TX", 2);
    assert_int_equal(takt_accept(ends->takt, event.lead_id, event.fence), TAKT_OK);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.n_acts, 1);
    assert_int_equal(msg.says.acts[0].verb, VERB_ACCEPT);
    assert_int_equal(msg.says.acts[0].fence, 77);
    struct act act = msg.says.acts[0];
    send_result(ends, &act, REASON_OK, OWNED);
    event = expect(ends, TAKT_ACTED);
    assert_int_equal(event.state, OWNED);
    assert_int_equal(event.fence, 77);
    assert_int_equal(event.lead_id.bytes[15], 5);
    send_result(ends, &act, REASON_OK, OWNED);
    expect_nothing(ends, 50);
}

static void test_acts_on_the_offers_of_one_frame_leave_in_one_frame(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    struct offer offers[160];
    open_as(ends, TAKT_AGENT);
    for (uint64_t i = 0; i < 160; i++)
        offers[i] = offer_of(i + 1, 10, 1, VALID_MS);
    send_offers(ends, offers, 160);
    for (int i = 0; i < 160; i++) {
        struct takt_event event = expect(ends, TAKT_OFFER);
        assert_int_equal(takt_accept(ends->takt, event.lead_id, event.fence), TAKT_OK);
    }
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.n_acts, 160);
    assert_int_equal(msg.says.acts[159].lead.lo, 160);
}

static void test_more_acts_than_a_frame_takes_go_on_in_the_next(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    takt_id lead = {{1}};
    static char note[NOTE_BYTES_MAX + 2];
    open_as(ends, TAKT_AGENT);
    for (int i = 0; i < ACTS_MAX + 1; i++)
        assert_int_equal(takt_action(ends->takt, lead, (uint64_t) i), TAKT_OK);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.n_acts, ACTS_MAX);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.n_acts, 1);

    memset(note, 'n', NOTE_BYTES_MAX);
    for (int i = 0; i < 200; i++)
        assert_int_equal(takt_note(ends->takt, lead, 1, note), TAKT_OK);
    note[NOTE_BYTES_MAX] = 'n';
    assert_int_equal(takt_note(ends->takt, lead, 1, note), TAKT_ETOOBIG);
    assert_int_equal(takt_note(ends->takt, lead, 1, "bell \a"), TAKT_EUSAGE);
    uint32_t n = 0;
    while (n < 200) {
        fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
        assert_int_equal(msg.says.acts[0].note.len, NOTE_BYTES_MAX);
        n += msg.says.n_acts;
    }
    assert_int_equal(n, 200);
}

static void test_an_unanswered_act_keeps_its_op_in_the_next_session(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_AGENT);
    struct takt_event event = offer_one(ends, 5, 77, VALID_MS);
    takt_accept(ends->takt, event.lead_id, event.fence);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    struct id op = msg.says.acts[0].op;
    takt_dispose(ends->takt, event.lead_id, event.fence, DISPOSITION_SALE, "signed", 5);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    lose_session(ends, 2);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.n_acts, 2);
    assert_true(id_equal(op, msg.says.acts[0].op));
    assert_int_equal(msg.says.acts[1].code, DISPOSITION_SALE);
    assert_int_equal(msg.says.acts[1].at_ms, 5);
    assert_memory_equal(msg.says.acts[1].note.at, "signed", 6);
}

static void test_a_lead_is_withdrawn_a_guard_before_its_validity_ends(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    ends->broker.guard_ms = 200;
    int64_t before_us = clock_mono_us();
    open_as(ends, TAKT_AGENT);
    int64_t after_us = clock_mono_us(); /* the hello was sent in between */
    offer_one(ends, 5, 77, 500);
    struct takt_event event = expect(ends, TAKT_WITHDRAWN);
    assert_in_range(clock_mono_us(), before_us + 300000, after_us + 450000);
    assert_int_equal(event.lead_id.bytes[15], 5);
    assert_int_equal(event.fence, 77);
    assert_int_equal(event.reason, REASON_VALIDITY_OVER);
    expect(ends, TAKT_DISCONNECTED); /* in a new session the broker offers again what is still ours */
    fake_expect(&ends->broker, MSG_HELLO, &msg);
}

static void test_a_heard_extends_what_is_held(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    ends->broker.heartbeat_ms = 400;
    open_as(ends, TAKT_AGENT);
    offer_one(ends, 5, 77, 500);
    offer_one(ends, 6, 78, 500);
    fake_expect(&ends->broker, MSG_HEARTBEAT, &msg);
    int64_t heard_us = clock_mono_us();
    fake_send(&ends->broker, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = msg.seq, .valid_ms = 600}});
    expect(ends, TAKT_WITHDRAWN);
    assert_in_range(clock_mono_us(), heard_us + 400000, heard_us + 750000);
    expect(ends, TAKT_WITHDRAWN);
}

static void test_an_offer_that_is_over_or_of_an_unknown_frame_is_not_shown(void **state)
{
    struct ends *ends = *state;
    ends->broker.guard_ms = 2000;
    open_as(ends, TAKT_AGENT);
    struct offer offers[] = {offer_of(1, 1, 1, 2000), offer_of(2, 1, 999, VALID_MS), offer_of(3, 1, 1, VALID_MS)};
    send_offers(ends, offers, 3);
    struct takt_event event = expect(ends, TAKT_OFFER);
    assert_int_equal(event.lead_id.bytes[15], 3);
    expect_nothing(ends, 20);
}

static void test_a_lead_offered_again_is_renewed_silently_and_one_that_is_not_ends(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    ends->broker.heartbeat_ms = 300;
    open_as(ends, TAKT_AGENT);
    offer_one(ends, 1, 10, 1000);
    offer_one(ends, 2, 10, 1000);
    fake_expect(&ends->broker, MSG_HEARTBEAT, &msg);
    int64_t from_us = clock_mono_us();
    fake_refuse(&ends->broker, REASON_HELLO_FIRST, msg.seq, 0);
    expect(ends, TAKT_DISCONNECTED);
    fake_welcome(&ends->broker, 2);
    expect(ends, TAKT_CONNECTED);
    fake_expect(&ends->broker, MSG_HEARTBEAT, &msg);
    struct offer again = offer_of(1, 10, msg.seq, VALID_MS);
    send_offers(ends, &again, 1);
    fake_send(&ends->broker, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = msg.seq, .valid_ms = VALID_MS}});
    struct takt_event event = expect(ends, TAKT_WITHDRAWN);
    assert_int_equal(event.lead_id.bytes[15], 2); /* the Heard of this session did not extend it */
    assert_true(clock_mono_us() - from_us < 1500000);
    expect_nothing(ends, 50);
}

static void test_a_newer_fence_is_a_new_offer_and_an_older_one_nothing(void **state)
{
    struct ends *ends = *state;
    open_as(ends, TAKT_AGENT);
    offer_one(ends, 1, 10, VALID_MS);
    struct takt_event event = offer_one(ends, 1, 12, VALID_MS);
    assert_int_equal(event.fence, 12);
    struct offer older = offer_of(1, 11, 1, VALID_MS);
    send_offers(ends, &older, 1);
    send_withdrawal(ends, 1, 11);
    expect_nothing(ends, 50);
}

static void test_a_withdrawal_is_told_first_and_acknowledged_after(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_AGENT);
    offer_one(ends, 5, 77, VALID_MS);
    send_withdrawal(ends, 5, 78);
    struct takt_event event = expect(ends, TAKT_WITHDRAWN);
    assert_int_equal(event.lead_id.bytes[15], 5);
    assert_int_equal(event.fence, 77);
    assert_int_equal(event.reason, REASON_FIRST_ACTION_LATE);
    ends->broker.drive = NULL;
    assert_false(fake_take(&ends->broker, &msg, 50)); /* the caller may still be clearing its screen */
    ends->broker.drive = drive;
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.n_acts, 1);
    assert_int_equal(msg.says.acts[0].verb, VERB_WITHDRAWN);
    assert_int_equal(msg.says.acts[0].lead.lo, 5);
    assert_int_equal(msg.says.acts[0].fence, 78);
    send_withdrawal(ends, 5, 78);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.acts[0].verb, VERB_WITHDRAWN);
    expect_nothing(ends, 50);
    assert_int_equal(takt_out(ends->takt), 0);
}

static void test_what_is_given_up_is_not_withdrawn_later(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_AGENT);
    struct takt_event event = offer_one(ends, 5, 77, 400);
    takt_dispose(ends->takt, event.lead_id, event.fence, DISPOSITION_SALE, NULL, 0);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    send_result(ends, &msg.says.acts[0], REASON_OK, CLOSED_WON);
    expect(ends, TAKT_ACTED);
    expect_nothing(ends, 500);
}

static void test_a_stale_fence_ends_the_lead_for_the_agent(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_AGENT);
    struct takt_event event = offer_one(ends, 5, 77, VALID_MS);
    takt_action(ends->takt, event.lead_id, event.fence);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    send_result(ends, &msg.says.acts[0], REASON_STALE_FENCE, OWNED);
    event = expect(ends, TAKT_ACTED);
    assert_int_equal(event.reason, REASON_STALE_FENCE);
    event = expect(ends, TAKT_WITHDRAWN);
    assert_int_equal(event.fence, 77);
    expect_nothing(ends, 20);
}

static void test_a_fenced_session_shows_nothing_any_more(void **state)
{
    struct ends *ends = *state;
    struct takt_event event;
    open_as(ends, TAKT_AGENT);
    offer_one(ends, 5, 77, VALID_MS);
    offer_one(ends, 6, 78, VALID_MS);
    fake_refuse(&ends->broker, REASON_SESSION_FENCED, 0, 0);
    expect(ends, TAKT_REFUSED);
    expect(ends, TAKT_WITHDRAWN);
    expect(ends, TAKT_WITHDRAWN);
    assert_int_equal(takt_next(ends->takt, &event, 0), TAKT_EREFUSED);
}

static void test_one_ready_is_out_at_a_time_and_its_refusal_names_what_is_owed(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_AGENT);
    assert_int_equal(takt_ready(ends->takt, 3000), TAKT_OK);
    assert_int_equal(takt_ready(ends->takt, 3000), TAKT_EBUSY);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_true(msg.says.has_ready);
    assert_int_equal(msg.says.ready_wait_ms, 3000);
    struct id op = msg.says.ready_op;
    lose_session(ends, 2);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_true(id_equal(op, msg.says.ready_op));
    fake_send(&ends->broker, &(struct msg){.kind = MSG_AGENT_HEARS,
                                           .hears = {.has_ready = true,
                                                     .ready = {.op = op,
                                                               .lead = {0, 9},
                                                               .reason = REASON_OWES_DISPOSITION,
                                                               .wait_ms = 12}}});
    struct takt_event event = expect(ends, TAKT_READY_ANSWER);
    assert_int_equal(event.reason, REASON_OWES_DISPOSITION);
    assert_int_equal(event.lead_id.bytes[15], 9);
    assert_int_equal(event.wait_ms, 12);
    assert_int_equal(takt_ready(ends->takt, 0), TAKT_OK);
}

static void test_an_intent_is_said_until_the_broker_was_heard_and_in_the_next_hello(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_AGENT);
    assert_int_equal(takt_intent(ends->takt, (enum takt_intent) 9, 0), TAKT_EUSAGE);
    assert_int_equal(takt_intent(ends->takt, TAKT_AVAILABLE, 0), TAKT_OK);
    assert_int_equal(takt_intent(ends->takt, TAKT_AWAY, 4), TAKT_OK);
    assert_int_equal(takt_out(ends->takt), 0);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_true(msg.says.has_intent);
    assert_int_equal(msg.says.intent, INTENT_AWAY);
    assert_int_equal(msg.says.away_code, 4);
    fake_refuse(&ends->broker, REASON_BUSY, msg.seq, 20);
    expect(ends, TAKT_BUSY);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.intent, INTENT_AWAY);
    fake_send(&ends->broker, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = msg.seq, .valid_ms = 1}});
    expect_nothing(ends, 20);
    fake_refuse(&ends->broker, REASON_HELLO_FIRST, 0, 0);
    expect(ends, TAKT_DISCONNECTED);
    fake_expect(&ends->broker, MSG_HELLO, &msg);
    assert_int_equal(msg.hello.intent, INTENT_AWAY);
}

/* ---- operators ------------------------------------------------------------------ */

static void send_report(struct ends *ends)
{
    const struct slice columns[] = {slice_of("state", 5), slice_of("n", 1)};
    const struct slice cells[] = {slice_of("OWNED", 5), slice_of("3", 1), slice_of("POOLED", 6), slice_of("9", 1)};
    fake_send(&ends->broker, &(struct msg){.kind = MSG_REPORT,
                                           .report = {.what = QUERY_STATUS,
                                                      .columns = columns,
                                                      .types = "sn",
                                                      .cells = cells,
                                                      .n_columns = 2,
                                                      .n_rows = 2}});
}

static void test_a_query_is_answered_by_a_table(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_OPERATOR);
    assert_int_equal(takt_query(ends->takt, 999, NULL, 1), TAKT_EUSAGE);
    assert_int_equal(takt_query(ends->takt, QUERY_STATUS, "north", 10), TAKT_OK);
    assert_int_equal(takt_query(ends->takt, QUERY_STATUS, NULL, 10), TAKT_EBUSY);
    fake_expect(&ends->broker, MSG_QUERY, &msg);
    assert_memory_equal(msg.query.arg.at, "north", 5);
    assert_int_equal(msg.query.limit, 10);
    send_report(ends);
    struct takt_event event = expect(ends, TAKT_REPORT);
    assert_int_equal(event.report.n_rows, 2);
    assert_memory_equal(event.report.columns[1].at, "n", 1);
    assert_memory_equal(event.report.cells[2].at, "POOLED", 6);
    assert_memory_equal(event.report.types, "sn", 2);
    send_report(ends);
    expect_nothing(ends, 50);
}

static void test_an_unanswered_query_is_asked_again_in_a_new_session(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    open_as(ends, TAKT_OPERATOR);
    takt_query(ends->takt, QUERY_STATUS, NULL, 10);
    fake_expect(&ends->broker, MSG_QUERY, &msg);
    expect(ends, TAKT_DISCONNECTED);
    fake_welcome(&ends->broker, 2);
    expect(ends, TAKT_CONNECTED);
    fake_expect(&ends->broker, MSG_QUERY, &msg);
    send_report(ends);
    expect(ends, TAKT_REPORT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_broker, close_broker)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_handle_says_who_it_is_and_learns_the_position),
        TEST(test_bad_options_are_refused_with_a_reason),
        TEST(test_a_refusal_for_good_ends_the_handle_and_what_it_shows),
        TEST(test_a_handle_does_only_what_its_role_may),
        TEST(test_it_can_be_driven_by_a_foreign_loop),
        TEST(test_names_and_ids_are_readable),
        TEST(test_a_chunk_arrives_whole_and_its_receipt_comes_back),
        TEST(test_a_chunk_without_receipt_is_sent_again_under_the_same_op),
        TEST(test_what_is_unanswered_is_sent_again_in_order_in_the_next_session),
        TEST(test_what_is_unanswered_survives_a_crash_of_the_broker),
        TEST(test_at_most_a_window_of_chunks_is_out),
        TEST(test_a_busy_broker_gets_the_chunk_again_when_it_said),
        TEST(test_a_refused_frame_is_told_and_not_repeated),
        TEST(test_a_chunk_that_cannot_be_a_frame_is_refused_at_once),
        TEST(test_a_manifest_is_answered_with_what_stands),
        TEST(test_an_offer_shows_the_lead_and_is_accepted),
        TEST(test_acts_on_the_offers_of_one_frame_leave_in_one_frame),
        TEST(test_more_acts_than_a_frame_takes_go_on_in_the_next),
        TEST(test_an_unanswered_act_keeps_its_op_in_the_next_session),
        TEST(test_a_lead_is_withdrawn_a_guard_before_its_validity_ends),
        TEST(test_a_heard_extends_what_is_held),
        TEST(test_an_offer_that_is_over_or_of_an_unknown_frame_is_not_shown),
        TEST(test_a_lead_offered_again_is_renewed_silently_and_one_that_is_not_ends),
        TEST(test_a_newer_fence_is_a_new_offer_and_an_older_one_nothing),
        TEST(test_a_withdrawal_is_told_first_and_acknowledged_after),
        TEST(test_what_is_given_up_is_not_withdrawn_later),
        TEST(test_a_stale_fence_ends_the_lead_for_the_agent),
        TEST(test_a_fenced_session_shows_nothing_any_more),
        TEST(test_one_ready_is_out_at_a_time_and_its_refusal_names_what_is_owed),
        TEST(test_an_intent_is_said_until_the_broker_was_heard_and_in_the_next_hello),
        TEST(test_a_query_is_answered_by_a_table),
        TEST(test_an_unanswered_query_is_asked_again_in_a_new_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
