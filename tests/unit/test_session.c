/* SPDX-License-Identifier: Apache-2.0
 * test_session.c - hello, heartbeats, and every way a session can end and begin
 * again, against a scripted broker. Where time must pass, the session is handed
 * a clock that runs ahead instead. */
#include "client/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/lib/fake_broker.h"

struct ends {
    struct fake_broker broker;
    struct net *net;
    struct session *session;
    int64_t ahead_us; /* of the session's clock */
    struct msg msg;
    enum session_news news[64]; /* what drive() was told */
    int n_news;
};

static int64_t now_of(const struct ends *ends)
{
    return clock_mono_us() + ends->ahead_us;
}

static void drive(void *context)
{
    struct ends *ends = context;
    enum session_news news;
    while ((news = session_step(ends->session, now_of(ends), &ends->msg)) != SESSION_QUIET) {
        assert_true(ends->n_news < 64);
        ends->news[ends->n_news++] = news;
        if (news == SESSION_GOT)
            return; /* keep the message for the test */
    }
}

static void wait_for(struct ends *ends, enum session_news wanted)
{
    int64_t until_us = clock_mono_us() + PATIENCE_MS * 1000;
    while (ends->n_news == 0 || ends->news[ends->n_news - 1] != wanted) {
        assert_true(clock_mono_us() < until_us);
        drive(ends);
        session_wait(ends->session, clock_mono_us() + 2000);
    }
}

static int open_ends(void **state)
{
    static struct ends ends;
    char why[160];
    memset(&ends, 0, sizeof ends);
    fake_open(&ends.broker);
    ends.net = net_new();
    struct session_options options = {.net = ends.net, .endpoint = ends.broker.endpoint, .hwm = 100};
    options.hello = (struct msg_hello){.role = ROLE_AGENT, .name = slice_of("ann", 3), .team = slice_of("north", 5)};
    ends.session = session_new(&options, why);
    assert_non_null(ends.session);
    ends.broker.drive = drive;
    ends.broker.context = &ends;
    *state = &ends;
    return 0;
}

static int close_ends(void **state)
{
    struct ends *ends = *state;
    session_destroy(&ends->session);
    net_destroy(&ends->net);
    fake_close(&ends->broker);
    return 0;
}

static void get_up(struct ends *ends, uint64_t session)
{
    fake_welcome(&ends->broker, session);
    wait_for(ends, SESSION_IS_UP);
    assert_true(session_is_up(ends->session));
    fake_heartbeat(&ends->broker); /* the first comes at once */
    wait_for(ends, SESSION_GOT);
}

static void test_hello_is_answered_and_frames_carry_session_and_rising_seq(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    assert_int_equal(session_send(ends->session, &(struct msg){.kind = MSG_HEARTBEAT}, now_of(ends)), 0);
    get_up(ends, 42);
    assert_int_equal(session_welcome(ends->session)->lease_ms, FAKE_LEASE_MS);
    int64_t sent_us = now_of(ends);
    uint64_t first = session_send(ends->session, &(struct msg){.kind = MSG_HEARTBEAT}, sent_us);
    uint64_t second = session_send(ends->session, &(struct msg){.kind = MSG_HEARTBEAT}, sent_us + 5);
    assert_true(first > 0);
    assert_int_equal(second, first + 1);
    assert_int_equal(session_sent_us(ends->session, first), sent_us);
    assert_int_equal(session_sent_us(ends->session, second), sent_us + 5);
    assert_int_equal(session_sent_us(ends->session, second + 1), 0);
    assert_int_equal(session_sent_us(ends->session, 0), 0);
    fake_expect(&ends->broker, MSG_HEARTBEAT, &msg);
    assert_int_equal(msg.session, 42);
    assert_int_equal(msg.seq, first);
}

static void test_the_time_of_a_frame_is_forgotten_and_not_mixed_up(void **state)
{
    struct ends *ends = *state;
    get_up(ends, 1);
    uint64_t first = session_send(ends->session, &(struct msg){.kind = MSG_HEARTBEAT}, 1000);
    struct msg msg;
    for (int i = 0; i < 1024; i++) {
        /* the queue is short, and what the other end took counts a moment later */
        const int64_t until_us = clock_mono_us() + 2000 * 1000;
        while (!session_send(ends->session, &(struct msg){.kind = MSG_HEARTBEAT}, 2000))
            assert_true(clock_mono_us() < until_us);
        fake_expect(&ends->broker, MSG_HEARTBEAT, &msg);
    }
    assert_int_equal(session_sent_us(ends->session, first), 0);
    assert_int_equal(session_sent_us(ends->session, first + 1), 2000);
}

static void test_a_heartbeat_leaves_when_it_is_due_even_between_other_frames(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    get_up(ends, 1);
    assert_false(fake_take(&ends->broker, &msg, 50));
    session_send(ends->session, &(struct msg){.kind = MSG_BYE}, now_of(ends));
    fake_expect(&ends->broker, MSG_BYE, &msg);
    ends->ahead_us += FAKE_HEARTBEAT_MS * 1000;
    fake_expect(&ends->broker, MSG_HEARTBEAT, &msg);
    assert_false(fake_take(&ends->broker, &msg, 50));
}

static void test_while_the_answer_is_late_heartbeats_come_each_second(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    get_up(ends, 1);
    ends->ahead_us += FAKE_HEARTBEAT_MS * 1000;
    fake_expect(&ends->broker, MSG_HEARTBEAT, &msg);
    ends->ahead_us += 1000000;
    assert_true(fake_take(&ends->broker, &msg, 500));
    assert_int_equal(msg.kind, MSG_HEARTBEAT);
    ends->n_news = 0;
    fake_send(&ends->broker, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = msg.seq, .valid_ms = 1}});
    wait_for(ends, SESSION_GOT);
    ends->ahead_us += 1000000;
    assert_false(fake_take(&ends->broker, &msg, 50));
}

static void test_a_silent_broker_is_left_after_two_heartbeats_and_asked_again(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    get_up(ends, 1);
    for (int s = 0; s < 10; s++) {
        assert_true(session_is_up(ends->session));
        ends->ahead_us += 1000000;
        drive(ends);
    }
    ends->ahead_us += 1000000;
    wait_for(ends, SESSION_IS_DOWN);
    do
        assert_true(fake_take(&ends->broker, &msg, PATIENCE_MS));
    while (msg.kind == MSG_HEARTBEAT);
    assert_int_equal(msg.kind, MSG_HELLO);
}

static void test_a_pause_of_this_process_is_not_the_broker_s_silence(void **state)
{
    struct ends *ends = *state;
    get_up(ends, 1);
    ends->ahead_us += 60 * 1000000;
    drive(ends);
    drive(ends);
    assert_true(session_is_up(ends->session));
}

static void test_a_restarted_broker_has_the_agent_back_within_three_seconds(void **state)
{
    struct ends *ends = *state;
    get_up(ends, 1);
    fake_close_router(&ends->broker);
    wait_for(ends, SESSION_IS_DOWN);
    fake_reopen(&ends->broker);
    int64_t from_us = clock_mono_us();
    get_up(ends, 2);
    assert_true(clock_mono_us() - from_us < 3000000);
}

static void test_an_unknown_session_says_hello_again_at_once_on_the_same_connection(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    get_up(ends, 1);
    struct address before = ends->broker.peer;
    ends->ahead_us += 300000;
    uint64_t seq = session_send(ends->session, &(struct msg){.kind = MSG_HEARTBEAT}, now_of(ends));
    fake_expect(&ends->broker, MSG_HEARTBEAT, &msg);
    fake_refuse(&ends->broker, REASON_HELLO_FIRST, seq, 0);
    get_up(ends, 2);
    assert_int_equal(ends->news[ends->n_news - 3], SESSION_IS_DOWN); /* then up, then a Heard */
    assert_memory_equal(&before, &ends->broker.peer, sizeof before);
    assert_true(session_send(ends->session, &(struct msg){.kind = MSG_HEARTBEAT}, now_of(ends)) > seq);
    fake_expect(&ends->broker, MSG_HEARTBEAT, &msg);
    assert_int_equal(msg.session, 2);
}

static void test_an_error_about_an_earlier_session_does_not_end_this_one(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    get_up(ends, 1);
    ends->ahead_us += 300000;
    uint64_t seq = session_send(ends->session, &(struct msg){.kind = MSG_HEARTBEAT}, now_of(ends));
    fake_expect(&ends->broker, MSG_HEARTBEAT, &msg);
    fake_refuse(&ends->broker, REASON_HELLO_FIRST, seq, 0);
    get_up(ends, 2);
    int n_news = ends->n_news;
    fake_refuse(&ends->broker, REASON_HELLO_FIRST, seq, 0);
    fake_refuse(&ends->broker, REASON_SESSION_FENCED, seq, 0);
    assert_false(fake_take(&ends->broker, &msg, 50));
    assert_int_equal(ends->n_news, n_news);
    assert_true(session_is_up(ends->session));
}

static void test_frames_of_another_session_and_repeated_ones_are_dropped(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    get_up(ends, 5);
    ends->n_news = 0;
    ends->broker.session = 4;
    fake_send(&ends->broker, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = 1, .valid_ms = 1}});
    ends->broker.session = 5;
    ends->broker.seq = 0;
    fake_send(&ends->broker, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = 1, .valid_ms = 2}});
    ends->broker.seq = 10;
    fake_send(&ends->broker, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = 1, .valid_ms = 3}});
    wait_for(ends, SESSION_GOT);
    assert_false(fake_take(&ends->broker, &msg, 20));
    assert_int_equal(ends->n_news, 1);
    assert_int_equal(ends->msg.heard.valid_ms, 3);
}

static void test_a_refusal_for_good_ends_it(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    fake_expect(&ends->broker, MSG_HELLO, &msg);
    fake_refuse(&ends->broker, REASON_UNKNOWN_TEAM, msg.seq, 0);
    wait_for(ends, SESSION_IS_REFUSED);
    assert_int_equal(session_refusal(ends->session), REASON_UNKNOWN_TEAM);
    assert_null(session_sock(ends->session));
    assert_int_equal(session_next_us(ends->session), INT64_MAX);
    ends->ahead_us += 60 * 1000000;
    assert_false(fake_take(&ends->broker, &msg, 50));
}

static void test_a_newer_session_of_the_same_name_ends_this_one_for_good(void **state)
{
    struct ends *ends = *state;
    get_up(ends, 1);
    fake_refuse(&ends->broker, REASON_SESSION_FENCED, 0, 0);
    wait_for(ends, SESSION_IS_REFUSED);
    assert_int_equal(session_refusal(ends->session), REASON_SESSION_FENCED);
}

static void test_a_busy_broker_is_greeted_again_when_it_said(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    fake_expect(&ends->broker, MSG_HELLO, &msg);
    fake_refuse(&ends->broker, REASON_BUSY, msg.seq, 60000);
    assert_false(fake_take(&ends->broker, &msg, 50));
    ends->ahead_us += 59 * 1000000;
    assert_false(fake_take(&ends->broker, &msg, 50));
    ends->ahead_us += 1000000;
    get_up(ends, 3);
}

static void test_an_unanswered_hello_is_said_again_and_then_on_a_new_connection(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    fake_expect(&ends->broker, MSG_HELLO, &msg);
    struct address first = ends->broker.peer;
    uint64_t seq = msg.seq;
    ends->ahead_us += 1000000;
    fake_expect(&ends->broker, MSG_HELLO, &msg);
    assert_memory_equal(&first, &ends->broker.peer, sizeof first);
    assert_true(msg.seq > seq);
    ends->ahead_us += 2000000;
    fake_expect(&ends->broker, MSG_HELLO, &msg);
    ends->ahead_us += 4000000;
    fake_expect(&ends->broker, MSG_HELLO, &msg);
    assert_memory_not_equal(&first, &ends->broker.peer, sizeof first);
}

static void test_the_highest_position_seen_is_told_in_the_next_hello(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    get_up(ends, 1); /* at 7, 100 */
    session_saw(ends->session, 7, 150);
    session_saw(ends->session, 7, 120);
    session_saw(ends->session, 6, 999);
    session_set_intent(ends->session, INTENT_AWAY);
    session_restart(ends->session);
    wait_for(ends, SESSION_IS_DOWN);
    fake_expect(&ends->broker, MSG_HELLO, &msg);
    assert_int_equal(msg.hello.seen_epoch, 7);
    assert_int_equal(msg.hello.seen_beat, 150);
    assert_int_equal(msg.hello.intent, INTENT_AWAY);
    assert_int_equal(msg.session, 0);
}

static void test_its_descriptor_stays_and_becomes_readable_over_reconnects(void **state)
{
    struct ends *ends = *state;
    int fd = session_fd(ends->session);
    get_up(ends, 1);
    fake_reopen(&ends->broker);
    wait_for(ends, SESSION_IS_DOWN);
    get_up(ends, 2);
    assert_int_equal(session_fd(ends->session), fd);
    drive(ends);
    ends->n_news = 0;
    fake_send(&ends->broker, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = 1, .valid_ms = 1}});
    struct wait_fd wait = {.fd = fd};
    net_wait(NULL, 0, &wait, 1, PATIENCE_MS);
    assert_true(wait.readable);
    wait_for(ends, SESSION_GOT);
}

static void test_it_says_bye(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    get_up(ends, 1);
    session_destroy(&ends->session);
    ends->broker.drive = NULL;
    fake_expect(&ends->broker, MSG_BYE, &msg);
}

static void test_a_foreign_endpoint_is_refused_with_a_reason(void **state)
{
    struct ends *ends = *state;
    char why[160];
    struct session_options options = {.net = ends->net, .endpoint = "tcp://10.1.2.3:7701", .hwm = 10};
    assert_null(session_new(&options, why));
    assert_non_null(strstr(why, "loopback"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_ends, close_ends)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hello_is_answered_and_frames_carry_session_and_rising_seq),
        TEST(test_the_time_of_a_frame_is_forgotten_and_not_mixed_up),
        TEST(test_a_heartbeat_leaves_when_it_is_due_even_between_other_frames),
        TEST(test_while_the_answer_is_late_heartbeats_come_each_second),
        TEST(test_a_silent_broker_is_left_after_two_heartbeats_and_asked_again),
        TEST(test_a_pause_of_this_process_is_not_the_broker_s_silence),
        TEST(test_a_restarted_broker_has_the_agent_back_within_three_seconds),
        TEST(test_an_unknown_session_says_hello_again_at_once_on_the_same_connection),
        TEST(test_an_error_about_an_earlier_session_does_not_end_this_one),
        TEST(test_frames_of_another_session_and_repeated_ones_are_dropped),
        TEST(test_a_refusal_for_good_ends_it),
        TEST(test_a_newer_session_of_the_same_name_ends_this_one_for_good),
        TEST(test_a_busy_broker_is_greeted_again_when_it_said),
        TEST(test_an_unanswered_hello_is_said_again_and_then_on_a_new_connection),
        TEST(test_the_highest_position_seen_is_told_in_the_next_hello),
        TEST(test_its_descriptor_stays_and_becomes_readable_over_reconnects),
        TEST(test_it_says_bye),
        TEST(test_a_foreign_endpoint_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
