/* SPDX-License-Identifier: Apache-2.0
 * test_worker.c - takt-worker as a process, with a scripted broker at the other
 * end: what it asks for, what it remembers, how it ends. */
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/clock.h"
#include "tests/lib/fake_broker.h"
#include "tests/lib/score_window.h"

struct ends {
    struct fake_broker broker;
    pid_t worker;
};

static pid_t start(const char *const *args)
{
    pid_t pid;
    assert_int_equal(posix_spawn(&pid, TAKT_WORKER, NULL, NULL, (char *const *) args, environ), 0);
    return pid;
}

static int exit_code_of(pid_t pid)
{
    int status;
    for (int64_t until_us = clock_mono_us() + PATIENCE_MS * 1000; clock_mono_us() < until_us;) {
        if (waitpid(pid, &status, WNOHANG) == pid)
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        net_wait(NULL, 0, NULL, 0, 2);
    }
    fail_msg("the worker did not end");
    return -1;
}

static int set_up(void **state)
{
    struct ends *ends = calloc(1, sizeof *ends);
    assert_non_null(ends);
    fake_open(&ends->broker);
    ends->worker = start(
        (const char *[]){TAKT_WORKER, "--endpoint", ends->broker.endpoint, "--name", "w1", "--capacity", "3", NULL});
    *state = ends;
    return 0;
}

static int tear_down(void **state)
{
    struct ends *ends = *state;
    if (waitpid(ends->worker, NULL, WNOHANG) == 0) {
        kill(ends->worker, SIGKILL);
        waitpid(ends->worker, NULL, 0);
    }
    fake_close(&ends->broker);
    free(ends);
    return 0;
}

/* Send the window's request, with the scoring if there is one; the answer borrows until the next. */
static struct msg_decision ask(struct ends *ends, struct window *window, uint32_t version,
                               const struct scoring *scoring)
{
    uint8_t bytes[4096];
    struct msg msg = {.kind = MSG_REQUEST};
    window->request.policy_version = version;
    if (scoring != NULL)
        window->request.policy = slice_of(bytes, scoring_encode(scoring, 1, bytes, sizeof bytes));
    msg.request = window->request;
    fake_send(&ends->broker, &msg);
    window->request.policy = (struct slice){0};
    fake_expect(&ends->broker, MSG_DECISION, &msg);
    assert_int_equal(msg.decision.id, window->request.id);
    assert_int_equal(msg.decision.policy_version, version);
    return msg.decision;
}

static void it_decides_as_the_library_does(void **state)
{
    struct ends *ends = *state;
    struct scorer *scorer = scorer_new();
    struct scoring scoring = rich_scoring();
    struct window window;
    fake_welcome(&ends->broker, 1);
    random_seed(21);
    for (unsigned i = 0; i < 40; i++) {
        window_fill(&window, (enum strategy)(1 + i % (STRATEGIES - 1)), 1 + below(LEADS_MAX), 1 + below(AGENTS_MAX));
        window.request.rotation = below(45);
        struct msg_decision got = ask(ends, &window, 5, i == 0 ? &scoring : NULL);
        struct msg_decision expected = decide(scorer, &window, &scoring);
        assert_int_equal(got.reason, REASON_OK);
        assert_int_equal(got.n_verdicts, expected.n_verdicts);
        assert_memory_equal(got.verdicts, expected.verdicts, got.n_verdicts * sizeof got.verdicts[0]);
        assert_int_equal(got.rotation, expected.rotation);
        assert_int_equal(got.total, expected.total);
    }
    scorer_destroy(&scorer);
}

static void it_asks_for_a_policy_it_lacks(void **state)
{
    struct ends *ends = *state;
    struct scoring scoring = plain_scoring();
    struct window window;
    fake_welcome(&ends->broker, 1);
    window_open(&window, STRATEGY_BEST_SCORE, 2, 2);
    assert_int_equal(ask(ends, &window, 5, NULL).reason, REASON_NEED_POLICY);
    assert_int_equal(ask(ends, &window, 5, &scoring).reason, REASON_OK);
    assert_int_equal(ask(ends, &window, 6, NULL).reason, REASON_NEED_POLICY);
    assert_int_equal(ask(ends, &window, 6, &scoring).reason, REASON_OK);
    assert_int_equal(ask(ends, &window, 5, NULL).reason, REASON_OK); /* a request may be older than the news */
    window.request.programme = 1;
    assert_int_equal(ask(ends, &window, 5, NULL).reason, REASON_NEED_POLICY);
    window.request.programme = 0;
    fake_refuse(&ends->broker, REASON_HELLO_FIRST, 0, 0); /* another session: versions may mean something else */
    fake_welcome(&ends->broker, 2);
    assert_int_equal(ask(ends, &window, 5, NULL).reason, REASON_NEED_POLICY);
}

/* The heartbeat that asks for nothing more. */
static void await_farewell(struct ends *ends, struct msg *ret_msg)
{
    do
        assert_true(fake_take(&ends->broker, ret_msg, PATIENCE_MS));
    while (ret_msg->kind != MSG_HEARTBEAT || !ret_msg->heartbeat.draining);
}

static void it_says_who_it_is_and_goodbye(void **state)
{
    struct ends *ends = *state;
    struct window window;
    struct msg msg;
    fake_expect(&ends->broker, MSG_HELLO, &msg);
    assert_int_equal(msg.hello.role, ROLE_WORKER);
    assert_int_equal(msg.hello.capacity, 3);
    assert_int_equal(msg.hello.name.len, 2);
    assert_memory_equal(msg.hello.name.at, "w1", 2);
    char pid[16];
    snprintf(pid, sizeof pid, "/%d", (int) ends->worker);
    assert_true(msg.hello.place.len > strlen(pid));
    assert_memory_equal(msg.hello.place.at + msg.hello.place.len - strlen(pid), pid, strlen(pid));
    fake_welcome(&ends->broker, 1); /* of its next hello */
    window_open(&window, STRATEGY_BEST_SCORE, 1, 1);
    ask(ends, &window, 5, NULL); /* answered, so the session stands */
    assert_int_equal(kill(ends->worker, SIGTERM), 0);
    await_farewell(ends, &msg);
    fake_send(&ends->broker, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = msg.seq, .valid_ms = FAKE_LEASE_MS}});
    fake_expect(&ends->broker, MSG_BYE, &msg);
    assert_int_equal(exit_code_of(ends->worker), 0);
}

static void asked_to_end_it_answers_what_is_on_its_way(void **state)
{
    struct ends *ends = *state;
    struct window window;
    struct msg msg;
    fake_welcome(&ends->broker, 1);
    window_open(&window, STRATEGY_BEST_SCORE, 1, 1);
    ask(ends, &window, 5, NULL);
    assert_int_equal(kill(ends->worker, SIGTERM), 0);
    await_farewell(ends, &msg);
    const uint64_t seq = msg.seq;
    for (unsigned i = 0; i < 3; i++) { /* they left before the broker knew */
        window.request.id = 100 + i;
        ask(ends, &window, 5, NULL);
    }
    assert_int_equal(waitpid(ends->worker, NULL, WNOHANG), 0);
    fake_send(&ends->broker, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = seq, .valid_ms = FAKE_LEASE_MS}});
    fake_expect(&ends->broker, MSG_BYE, &msg);
    assert_int_equal(exit_code_of(ends->worker), 0);
}

static void asked_twice_it_ends_at_once(void **state)
{
    struct ends *ends = *state;
    struct msg msg;
    fake_welcome(&ends->broker, 1);
    fake_heartbeat(&ends->broker);
    assert_int_equal(kill(ends->worker, SIGTERM), 0);
    await_farewell(ends, &msg);
    const int64_t asked_us = clock_mono_us();
    assert_int_equal(kill(ends->worker, SIGTERM), 0);
    assert_int_equal(exit_code_of(ends->worker), 0);
    assert_true(clock_mono_us() - asked_us < 1500 * 1000); /* it would wait 2 s for its Heard */
}

static void it_ends_when_another_takes_its_name(void **state)
{
    struct ends *ends = *state;
    fake_welcome(&ends->broker, 1);
    fake_refuse(&ends->broker, REASON_SESSION_FENCED, 0, 0);
    assert_int_equal(exit_code_of(ends->worker), 1);
}

static void a_wrong_command_line_is_refused(void **state)
{
    (void) state;
    static const char *const lines[][6] = {
        {TAKT_WORKER, NULL},
        {TAKT_WORKER, "--endpoint", "tcp://127.0.0.1:7703", "--capacity", "0", NULL},
        {TAKT_WORKER, "--endpoint", "tcp://127.0.0.1:7703", "--capacity", "4x", NULL},
        {TAKT_WORKER, "--endpoint", "tcp://192.0.2.1:7703", NULL}, /* not of this machine */
        {TAKT_WORKER, "--endpoint", "tcp://127.0.0.1:7703", "--name", "two words", NULL},
        {TAKT_WORKER, "--endpoint", "tcp://127.0.0.1:7703", "word", NULL},
        {TAKT_WORKER, "--colour", NULL},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(exit_code_of(start(lines[i])), 2);
    assert_int_equal(exit_code_of(start((const char *[]){TAKT_WORKER, "--help", NULL})), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_decides_as_the_library_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_asks_for_a_policy_it_lacks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_says_who_it_is_and_goodbye, set_up, tear_down),
        cmocka_unit_test_setup_teardown(asked_to_end_it_answers_what_is_on_its_way, set_up, tear_down),
        cmocka_unit_test_setup_teardown(asked_twice_it_ends_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_ends_when_another_takes_its_name, set_up, tear_down),
        cmocka_unit_test(a_wrong_command_line_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
