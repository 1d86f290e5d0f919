/* SPDX-License-Identifier: Apache-2.0
 * test_takt_client.c - libtakt through its public header, against a scripted
 * broker in the same thread: what holds for every role, and operators. */
#include "client/takt.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/lib/client_ends.h"

enum { OWNED = 5 };

/* ---- every role ----------------------------------------------------------------- */

static void test_a_handle_says_who_it_is_and_learns_the_position(void **state)
{
    struct client_ends *ends = *state;
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
    struct takt_event event = ends_expect(ends, TAKT_CONNECTED);
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
    struct client_ends *ends = *state;
    struct takt_event event;
    ends_open(ends, TAKT_AGENT);
    fake_refuse(&ends->broker, REASON_SESSION_FENCED, 0, 0);
    event = ends_expect(ends, TAKT_REFUSED);
    assert_int_equal(event.reason, REASON_SESSION_FENCED);
    assert_int_equal(takt_next(ends->takt, &event, PATIENCE_MS), TAKT_EREFUSED);
    assert_int_equal(takt_ready(ends->takt, 0), TAKT_EREFUSED);
}

static void test_a_handle_does_only_what_its_role_may(void **state)
{
    struct client_ends *ends = *state;
    ends_open(ends, TAKT_SOURCE);
    takt_id id = takt_new_op(ends->takt);
    assert_int_equal(takt_accept(ends->takt, id, 1), TAKT_EUSAGE);
    assert_int_equal(takt_query(ends->takt, 1, NULL, 0), TAKT_EUSAGE);
    assert_true(strlen(takt_why(ends->takt)) > 0);
}

static void test_it_can_be_driven_by_a_foreign_loop(void **state)
{
    struct client_ends *ends = *state;
    ends_open(ends, TAKT_OPERATOR);
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

/* ---- operators ------------------------------------------------------------------ */

static void send_report(struct client_ends *ends)
{
    const struct slice columns[] = {slice_of("state", 5), slice_of("n", 1)};
    const struct slice cells[] = {slice_of("OWNED", 5), slice_of("3", 1), slice_of("POOLED", 6), slice_of("9", 1)};
    fake_send(
        &ends->broker,
        &(struct msg){
            .kind = MSG_REPORT,
            .report = {
                .what = QUERY_STATUS, .columns = columns, .types = "sn", .cells = cells, .n_columns = 2, .n_rows = 2}});
}

static void test_a_query_is_answered_by_a_table(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_OPERATOR);
    assert_int_equal(takt_query(ends->takt, 999, NULL, 1), TAKT_EUSAGE);
    assert_int_equal(takt_query(ends->takt, QUERY_STATUS, "north", 10), TAKT_OK);
    assert_int_equal(takt_query(ends->takt, QUERY_STATUS, NULL, 10), TAKT_EBUSY);
    fake_expect(&ends->broker, MSG_QUERY, &msg);
    assert_memory_equal(msg.query.arg.at, "north", 5);
    assert_int_equal(msg.query.limit, 10);
    send_report(ends);
    struct takt_event event = ends_expect(ends, TAKT_REPORT);
    assert_int_equal(event.report.n_rows, 2);
    assert_memory_equal(event.report.columns[1].at, "n", 1);
    assert_memory_equal(event.report.cells[2].at, "POOLED", 6);
    assert_memory_equal(event.report.types, "sn", 2);
    send_report(ends);
    ends_expect_nothing(ends, 50);
}

static void test_a_policy_is_sent_as_it_is_and_answered_by_its_version(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_OPERATOR);
    static char large[POLICY_TEXT_MAX + 1];
    assert_int_equal(takt_apply(ends->takt, large, sizeof large), TAKT_ETOOBIG);
    assert_int_equal(takt_apply(ends->takt, "", 0), TAKT_EUSAGE);
    assert_int_equal(takt_apply(ends->takt, "programmes:\n", 12), TAKT_OK);
    assert_int_equal(takt_query(ends->takt, QUERY_STATUS, NULL, 10), TAKT_EBUSY);
    fake_expect(&ends->broker, MSG_APPLY, &msg);
    assert_int_equal(msg.apply.text.len, 12);
    assert_memory_equal(msg.apply.text.at, "programmes:\n", 12);
    fake_send(&ends->broker,
              &(struct msg){.kind = MSG_REPORT, .report = {.what = QUERY_POLICIES, .reason = REASON_POLICY_UNCHANGED}});
    const struct takt_event event = ends_expect(ends, TAKT_REPORT);
    assert_int_equal(event.reason, REASON_POLICY_UNCHANGED);
}

static void test_an_order_is_sent_with_who_and_why_and_repeated_under_its_op(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    const takt_id lead = {{1, 2, 3}};
    ends_open(ends, TAKT_OPERATOR);
    assert_int_equal(takt_order_by_word("give"), 0);
    assert_int_equal(takt_order(ends->takt, 99, lead, "ben", 0, "chief", "why"), TAKT_EUSAGE);
    assert_int_equal(takt_order(ends->takt, ORDER_ASSIGN, lead, NULL, 0, "chief", "why"), TAKT_EUSAGE);
    assert_int_equal(takt_order(ends->takt, ORDER_RELEASE, lead, NULL, 0, "chief", NULL), TAKT_EUSAGE);
    assert_int_equal(takt_order(ends->takt, takt_order_by_word("assign"), lead, "ben", 0, "chief", "he knows her"),
                     TAKT_OK);
    assert_int_equal(takt_query(ends->takt, QUERY_STATUS, NULL, 10), TAKT_EBUSY);
    fake_expect(&ends->broker, MSG_ORDER, &msg);
    const struct id op = msg.order.op;
    assert_int_equal(msg.order.what, ORDER_ASSIGN);
    assert_memory_equal(msg.order.agent.at, "ben", 3);
    assert_memory_equal(msg.order.actor.at, "chief", 5);
    assert_memory_equal(msg.order.why.at, "he knows her", 12);
    ends_expect(ends, TAKT_DISCONNECTED); /* no answer came */
    fake_welcome(&ends->broker, 2);
    ends_expect(ends, TAKT_CONNECTED);
    fake_expect(&ends->broker, MSG_ORDER, &msg);
    assert_true(id_equal(msg.order.op, op));
    fake_send(&ends->broker,
              &(struct msg){.kind = MSG_REPORT, .report = {.what = QUERY_LEAD, .reason = REASON_WRONG_STATE}});
    const struct takt_event event = ends_expect(ends, TAKT_REPORT);
    assert_int_equal(event.reason, REASON_WRONG_STATE);
}

static void test_an_unanswered_query_is_asked_again_in_a_new_session(void **state)
{
    struct client_ends *ends = *state;
    struct msg msg;
    ends_open(ends, TAKT_OPERATOR);
    takt_query(ends->takt, QUERY_STATUS, NULL, 10);
    fake_expect(&ends->broker, MSG_QUERY, &msg);
    ends_expect(ends, TAKT_DISCONNECTED);
    fake_welcome(&ends->broker, 2);
    ends_expect(ends, TAKT_CONNECTED);
    fake_expect(&ends->broker, MSG_QUERY, &msg);
    send_report(ends);
    ends_expect(ends, TAKT_REPORT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, ends_set_up, ends_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_handle_says_who_it_is_and_learns_the_position),
        TEST(test_bad_options_are_refused_with_a_reason),
        TEST(test_a_refusal_for_good_ends_the_handle_and_what_it_shows),
        TEST(test_a_handle_does_only_what_its_role_may),
        TEST(test_it_can_be_driven_by_a_foreign_loop),
        TEST(test_names_and_ids_are_readable),
        TEST(test_a_query_is_answered_by_a_table),
        TEST(test_a_policy_is_sent_as_it_is_and_answered_by_its_version),
        TEST(test_an_order_is_sent_with_who_and_why_and_repeated_under_its_op),
        TEST(test_an_unanswered_query_is_asked_again_in_a_new_session),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
