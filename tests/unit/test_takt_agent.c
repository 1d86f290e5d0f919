/* SPDX-License-Identifier: Apache-2.0
 * test_takt_agent.c - what an agent is shown and for how long, which of its acts
 * leave together, and what is repeated. */
#include "client/takt.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/lib/client_ends.h"

enum { VALID_MS = 20000, OFFERED = 4, OWNED = 5, CLOSED_WON = 16 };

static uint8_t row_bytes[256];

static struct slice encoded_row(void)
{
    const struct attribute attribute = {.name = slice_of("state", 5), .text = slice_of("TX", 2)};
    const struct row row = {
        .key = slice_of("k1", 2), .name = slice_of("A. Person", 9), .attributes = &attribute, .n_attributes = 1};
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

static void send_offers(struct client_ends *ends, const struct offer *offers, uint32_t n)
{
    fake_send(&ends->broker, &(struct msg){.kind = MSG_AGENT_HEARS, .hears = {.offers = offers, .n_offers = n}});
}

/* One lead, valid since the hello (the first frame). */
static struct takt_event offer_one(struct client_ends *ends, uint64_t lead, uint64_t fence, uint32_t valid_ms)
{
    struct offer offer = offer_of(lead, fence, 1, valid_ms);
    send_offers(ends, &offer, 1);
    return ends_expect(ends, TAKT_OFFER);
}

static void send_withdrawal(struct client_ends *ends, uint64_t lead, uint64_t fence)
{
    const struct withdrawal withdrawal = {.lead = {0, lead}, .fence = fence, .reason = REASON_FIRST_ACTION_LATE};
    fake_send(&ends->broker,
              &(struct msg){.kind = MSG_AGENT_HEARS, .hears = {.withdrawals = &withdrawal, .n_withdrawals = 1}});
}

static void send_result(struct client_ends *ends, const struct act *act, enum reason reason, uint32_t lead_state)
{
    const struct act_result result = {.op = act->op, .lead = act->lead, .reason = reason, .state = lead_state};
    fake_send(&ends->broker, &(struct msg){.kind = MSG_AGENT_HEARS, .hears = {.results = &result, .n_results = 1}});
}

static void test_a_preview_shows_what_it_may_and_all_of_it_once_it_is_accepted(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_AGENT);
    struct offer offer = offer_of(5, 77, 1, VALID_MS);
    offer.see = SEE_COARSE;
    send_offers(ends, &offer, 1);
    struct takt_event event = ends_expect(ends, TAKT_OFFER);
    assert_int_equal(event.see, TAKT_SEE_COARSE);
    assert_null(event.lead.name.at);
    assert_null(event.lead.key.at);
    assert_int_equal(event.lead.n_attributes, 1);
    assert_memory_equal(event.lead.attributes[0].text.at, "TX", 2);
    send_offers(ends, &offer, 1); /* again, as after a loss: nothing new to show */
    assert_int_equal(takt_accept(ends->takt, event.lead_id, event.fence), TAKT_OK);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    const struct act act = msg.says.acts[0];
    send_result(ends, &act, REASON_OK, OWNED);
    ends_expect(ends, TAKT_ACTED);
    offer.see = SEE_FULL;
    offer.state = OWNED;
    send_offers(ends, &offer, 1);
    event = ends_expect(ends, TAKT_OFFER);
    assert_int_equal(event.see, TAKT_SEE_FULL);
    assert_int_equal(event.state, OWNED);
    assert_memory_equal(event.lead.name.at, "A. Person", 9);

    offer = offer_of(6, 78, 1, VALID_MS);
    offer.see = SEE_NONE;
    send_offers(ends, &offer, 1);
    event = ends_expect(ends, TAKT_OFFER);
    assert_int_equal(event.lead_id.bytes[15], 6);
    assert_int_equal(event.lead.n_attributes, 0);
}

static void test_a_list_is_told_lead_by_lead_and_one_of_it_is_taken(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_AGENT);
    assert_int_equal(takt_ready_list(ends->takt, 11), TAKT_EUSAGE);
    assert_int_equal(takt_ready_list(ends->takt, 0), TAKT_EUSAGE);
    assert_int_equal(takt_ready_list(ends->takt, 2), TAKT_OK);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.ready_list, 2);
    const struct offer candidates[] = {
        {.lead = {0, 5}, .state = 2, .attempts = 1, .see = SEE_COARSE, .row = encoded_row()},
        {.lead = {0, 6}, .state = 2, .see = SEE_NONE}};
    fake_send(&ends->broker, &(struct msg){.kind = MSG_AGENT_HEARS,
                                           .hears = {.candidates = candidates,
                                                     .n_candidates = 2,
                                                     .has_ready = true,
                                                     .ready = {.op = msg.says.ready_op}}});
    struct takt_event event = ends_expect(ends, TAKT_CANDIDATE);
    assert_int_equal(event.lead_id.bytes[15], 5);
    assert_int_equal(event.see, TAKT_SEE_COARSE);
    assert_null(event.lead.name.at);
    assert_memory_equal(event.lead.attributes[0].text.at, "TX", 2);
    const takt_id wanted = event.lead_id;
    assert_int_equal(ends_expect(ends, TAKT_CANDIDATE).lead_id.bytes[15], 6);
    assert_int_equal(ends_expect(ends, TAKT_READY_ANSWER).reason, 0);
    assert_int_equal(takt_ready_take(ends->takt, wanted), TAKT_OK);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.ready_take.lo, 5);
    assert_int_equal(msg.says.ready_list, 0);
}

static void test_an_offer_shows_the_lead_and_is_accepted(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_AGENT);
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
    event = ends_expect(ends, TAKT_ACTED);
    assert_int_equal(event.state, OWNED);
    assert_int_equal(event.fence, 77);
    assert_int_equal(event.lead_id.bytes[15], 5);
    send_result(ends, &act, REASON_OK, OWNED);
    ends_expect_nothing(ends, 50);
}

static void test_acts_on_the_offers_of_one_frame_leave_in_one_frame(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    struct offer offers[160];
    ends_open(ends, TAKT_AGENT);
    for (uint64_t i = 0; i < 160; i++)
        offers[i] = offer_of(i + 1, 10, 1, VALID_MS);
    send_offers(ends, offers, 160);
    for (int i = 0; i < 160; i++) {
        struct takt_event event = ends_expect(ends, TAKT_OFFER);
        assert_int_equal(takt_accept(ends->takt, event.lead_id, event.fence), TAKT_OK);
    }
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.n_acts, 160);
    assert_int_equal(msg.says.acts[159].lead.lo, 160);
}

static void test_more_acts_than_a_frame_takes_go_on_in_the_next(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    takt_id lead = {{1}};
    static char note[NOTE_BYTES_MAX + 2];
    ends_open(ends, TAKT_AGENT);
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
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_AGENT);
    struct takt_event event = offer_one(ends, 5, 77, VALID_MS);
    takt_accept(ends->takt, event.lead_id, event.fence);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    struct id op = msg.says.acts[0].op;
    takt_dispose(ends->takt, event.lead_id, event.fence, DISPOSITION_SALE, "signed", 5);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    ends_lose_session(ends, 2);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.n_acts, 2);
    assert_true(id_equal(op, msg.says.acts[0].op));
    assert_int_equal(msg.says.acts[1].code, DISPOSITION_SALE);
    assert_int_equal(msg.says.acts[1].at_ms, 5);
    assert_memory_equal(msg.says.acts[1].note.at, "signed", 6);
}

static void test_a_lead_is_withdrawn_a_guard_before_its_validity_ends(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends->broker.guard_ms = 200;
    int64_t before_us = clock_mono_us();
    ends_open(ends, TAKT_AGENT);
    int64_t after_us = clock_mono_us(); /* the hello was sent in between */
    offer_one(ends, 5, 77, 500);
    struct takt_event event = ends_expect(ends, TAKT_WITHDRAWN);
    assert_in_range(clock_mono_us(), before_us + 300000, after_us + 450000);
    assert_int_equal(event.lead_id.bytes[15], 5);
    assert_int_equal(event.fence, 77);
    assert_int_equal(event.reason, REASON_VALIDITY_OVER);
    ends_expect(ends, TAKT_DISCONNECTED); /* in a new session the broker offers again what is still ours */
    fake_expect(&ends->broker, MSG_HELLO, &msg);
}

static void test_a_heard_extends_what_is_held(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends->broker.heartbeat_ms = 400;
    ends_open(ends, TAKT_AGENT);
    offer_one(ends, 5, 77, 500);
    offer_one(ends, 6, 78, 500);
    fake_expect(&ends->broker, MSG_HEARTBEAT, &msg);
    int64_t heard_us = clock_mono_us();
    fake_send(&ends->broker, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = msg.seq, .valid_ms = 600}});
    ends_expect(ends, TAKT_WITHDRAWN);
    assert_in_range(clock_mono_us(), heard_us + 400000, heard_us + 750000);
    ends_expect(ends, TAKT_WITHDRAWN);
}

static void test_an_offer_that_is_over_or_of_an_unknown_frame_is_not_shown(void **state)
{
    struct client_ends *ends = *state;
    ends->broker.guard_ms = 2000;
    ends_open(ends, TAKT_AGENT);
    struct offer offers[] = {offer_of(1, 1, 1, 2000), offer_of(2, 1, 999, VALID_MS), offer_of(3, 1, 1, VALID_MS)};
    send_offers(ends, offers, 3);
    struct takt_event event = ends_expect(ends, TAKT_OFFER);
    assert_int_equal(event.lead_id.bytes[15], 3);
    ends_expect_nothing(ends, 20);
}

static void test_a_lead_offered_again_is_renewed_silently_and_one_that_is_not_ends(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends->broker.heartbeat_ms = 300;
    ends_open(ends, TAKT_AGENT);
    offer_one(ends, 1, 10, 1000);
    offer_one(ends, 2, 10, 1000);
    fake_expect(&ends->broker, MSG_HEARTBEAT, &msg);
    int64_t from_us = clock_mono_us();
    fake_refuse(&ends->broker, REASON_HELLO_FIRST, msg.seq, 0);
    ends_expect(ends, TAKT_DISCONNECTED);
    fake_welcome(&ends->broker, 2);
    ends_expect(ends, TAKT_CONNECTED);
    fake_expect(&ends->broker, MSG_HEARTBEAT, &msg);
    struct offer again = offer_of(1, 10, msg.seq, VALID_MS);
    send_offers(ends, &again, 1);
    fake_send(&ends->broker, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = msg.seq, .valid_ms = VALID_MS}});
    struct takt_event event = ends_expect(ends, TAKT_WITHDRAWN);
    assert_int_equal(event.lead_id.bytes[15], 2); /* the Heard of this session did not extend it */
    assert_true(clock_mono_us() - from_us < 1500000);
    ends_expect_nothing(ends, 50);
}

static void test_a_newer_fence_is_a_new_offer_and_an_older_one_nothing(void **state)
{
    struct client_ends *ends = *state;
    ends_open(ends, TAKT_AGENT);
    offer_one(ends, 1, 10, VALID_MS);
    struct takt_event event = offer_one(ends, 1, 12, VALID_MS);
    assert_int_equal(event.fence, 12);
    struct offer older = offer_of(1, 11, 1, VALID_MS);
    send_offers(ends, &older, 1);
    send_withdrawal(ends, 1, 11);
    ends_expect_nothing(ends, 50);
}

static void test_a_withdrawal_is_told_first_and_acknowledged_after(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_AGENT);
    offer_one(ends, 5, 77, VALID_MS);
    send_withdrawal(ends, 5, 78);
    struct takt_event event = ends_expect(ends, TAKT_WITHDRAWN);
    assert_int_equal(event.lead_id.bytes[15], 5);
    assert_int_equal(event.fence, 77);
    assert_int_equal(event.reason, REASON_FIRST_ACTION_LATE);
    ends->broker.drive = NULL;
    assert_false(fake_take(&ends->broker, &msg, 50)); /* the caller may still be clearing its screen */
    ends->broker.drive = ends_drive;
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.n_acts, 1);
    assert_int_equal(msg.says.acts[0].verb, VERB_WITHDRAWN);
    assert_int_equal(msg.says.acts[0].lead.lo, 5);
    assert_int_equal(msg.says.acts[0].fence, 78);
    send_withdrawal(ends, 5, 78);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.acts[0].verb, VERB_WITHDRAWN);
    ends_expect_nothing(ends, 50);
    assert_int_equal(takt_out(ends->takt), 0);
}

static void test_what_is_given_up_is_not_withdrawn_later(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_AGENT);
    struct takt_event event = offer_one(ends, 5, 77, 400);
    takt_dispose(ends->takt, event.lead_id, event.fence, DISPOSITION_SALE, NULL, 0);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    send_result(ends, &msg.says.acts[0], REASON_OK, CLOSED_WON);
    ends_expect(ends, TAKT_ACTED);
    ends_expect_nothing(ends, 500);
}

static void test_a_stale_fence_ends_the_lead_for_the_agent(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_AGENT);
    struct takt_event event = offer_one(ends, 5, 77, VALID_MS);
    takt_action(ends->takt, event.lead_id, event.fence);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    send_result(ends, &msg.says.acts[0], REASON_STALE_FENCE, OWNED);
    event = ends_expect(ends, TAKT_ACTED);
    assert_int_equal(event.reason, REASON_STALE_FENCE);
    event = ends_expect(ends, TAKT_WITHDRAWN);
    assert_int_equal(event.fence, 77);
    ends_expect_nothing(ends, 20);
}

static void test_a_fenced_session_shows_nothing_any_more(void **state)
{
    struct client_ends *ends = *state;
    struct takt_event event;
    ends_open(ends, TAKT_AGENT);
    offer_one(ends, 5, 77, VALID_MS);
    offer_one(ends, 6, 78, VALID_MS);
    fake_refuse(&ends->broker, REASON_SESSION_FENCED, 0, 0);
    ends_expect(ends, TAKT_REFUSED);
    ends_expect(ends, TAKT_WITHDRAWN);
    ends_expect(ends, TAKT_WITHDRAWN);
    assert_int_equal(takt_next(ends->takt, &event, 0), TAKT_EREFUSED);
}

static void test_one_ready_is_out_at_a_time_and_its_refusal_names_what_is_owed(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_AGENT);
    assert_int_equal(takt_ready(ends->takt, 3000), TAKT_OK);
    assert_int_equal(takt_ready(ends->takt, 3000), TAKT_EBUSY);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_true(msg.says.has_ready);
    assert_int_equal(msg.says.ready_wait_ms, 3000);
    struct id op = msg.says.ready_op;
    ends_lose_session(ends, 2);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_true(id_equal(op, msg.says.ready_op));
    fake_send(&ends->broker,
              &(struct msg){
                  .kind = MSG_AGENT_HEARS,
                  .hears = {.has_ready = true,
                            .ready = {.op = op, .lead = {0, 9}, .reason = REASON_OWES_DISPOSITION, .wait_ms = 12}}});
    struct takt_event event = ends_expect(ends, TAKT_READY_ANSWER);
    assert_int_equal(event.reason, REASON_OWES_DISPOSITION);
    assert_int_equal(event.lead_id.bytes[15], 9);
    assert_int_equal(event.wait_ms, 12);
    assert_int_equal(takt_ready(ends->takt, 0), TAKT_OK);
}

static void test_an_intent_is_said_until_the_broker_was_heard_and_in_the_next_hello(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_AGENT);
    assert_int_equal(takt_intent(ends->takt, (enum takt_intent) 9, 0), TAKT_EUSAGE);
    assert_int_equal(takt_intent(ends->takt, TAKT_AVAILABLE, 0), TAKT_OK);
    assert_int_equal(takt_intent(ends->takt, TAKT_AWAY, 4), TAKT_OK);
    assert_int_equal(takt_out(ends->takt), 0);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_true(msg.says.has_intent);
    assert_int_equal(msg.says.intent, INTENT_AWAY);
    assert_int_equal(msg.says.away_code, 4);
    fake_refuse(&ends->broker, REASON_BUSY, msg.seq, 20);
    ends_expect(ends, TAKT_BUSY);
    fake_expect(&ends->broker, MSG_AGENT_SAYS, &msg);
    assert_int_equal(msg.says.intent, INTENT_AWAY);
    fake_send(&ends->broker, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = msg.seq, .valid_ms = 1}});
    ends_expect_nothing(ends, 20);
    fake_refuse(&ends->broker, REASON_HELLO_FIRST, 0, 0);
    ends_expect(ends, TAKT_DISCONNECTED);
    fake_expect(&ends->broker, MSG_HELLO, &msg);
    assert_int_equal(msg.hello.intent, INTENT_AWAY);
    fake_refuse(&ends->broker, REASON_BUSY, msg.seq, 1);
    fake_welcome(&ends->broker, 2);
    ends_expect(ends, TAKT_CONNECTED);
    fake_heartbeat(&ends->broker);
    assert_false(fake_take(&ends->broker, &msg, 50)); /* the hello said it */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ends_set_up, ends_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_preview_shows_what_it_may_and_all_of_it_once_it_is_accepted),
        TEST(test_a_list_is_told_lead_by_lead_and_one_of_it_is_taken),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
