/* SPDX-License-Identifier: Apache-2.0
 * test_supervise.c - children that are kept alive, on real processes. Each wait
 * is for a condition and has a bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/supervise.h"
#include "common/clock.h"

enum { BOUND_MS = 10 * 1000 };

struct world {
    char folder[32];
    struct supervisor *supervisor;
};

static int set_up(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    snprintf(world->folder, sizeof world->folder, "/tmp/takt-supervise-XXXXXX");
    assert_non_null(mkdtemp(world->folder));
    world->supervisor = supervise_new(world->folder, -1);
    *state = world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    supervise_destroy(&world->supervisor);
    char path[64];
    static const char *const names[] = {"child.log", "child.log.1", "flag"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        snprintf(path, sizeof path, "%s/%s", world->folder, names[i]);
        unlink(path);
    }
    rmdir(world->folder);
    free(world);
    return 0;
}

static int start_shell(struct world *world, const char *script, const char *ready_word, int final_exit)
{
    struct child_options options = {.name = "child",
                                    .args = {"/bin/sh", "-c", script},
                                    .ready_word = ready_word,
                                    .final_exit = final_exit,
                                    .final_why = "as it should"};
    return supervise_start(world->supervisor, &options);
}

typedef bool condition_fn(const struct supervisor *supervisor, int child);

static bool turn_until(struct world *world, int child, condition_fn *holds)
{
    int64_t until_us = clock_mono_us() + BOUND_MS * 1000;
    while (!holds(world->supervisor, child)) {
        if (clock_mono_us() > until_us)
            return false;
        supervise_turn(world->supervisor, 10);
    }
    return true;
}

static bool has_died_once(const struct supervisor *supervisor, int child)
{
    return supervise_deaths(supervisor, child) == 1;
}

static bool has_died_four_times(const struct supervisor *supervisor, int child)
{
    return supervise_deaths(supervisor, child) == 4;
}

static void a_child_is_ready_when_its_output_says_so(void **state)
{
    struct world *world = *state;
    char flag[64], script[160];
    snprintf(flag, sizeof flag, "%s/flag", world->folder);
    snprintf(script, sizeof script, "while ! [ -e %s ]; do sleep 0.01; done; echo all is ready now; exec sleep 60",
             flag);
    int child = start_shell(world, script, "is ready", 0);
    supervise_turn(world->supervisor, 50);
    assert_true(supervise_is_up(world->supervisor, child));
    assert_false(supervise_is_ready(world->supervisor, child));
    fclose(fopen(flag, "w"));
    assert_true(turn_until(world, child, supervise_is_ready));
}

static void a_killed_child_is_back_within_a_second(void **state)
{
    struct world *world = *state;
    int child = start_shell(world, "echo ready; exec sleep 60", "ready", 0);
    assert_true(turn_until(world, child, supervise_is_ready));
    pid_t first = supervise_pid(world->supervisor, child);
    int64_t killed_us = clock_mono_us();
    kill(first, SIGKILL);
    assert_true(turn_until(world, child, has_died_once));
    assert_true(turn_until(world, child, supervise_is_ready));
    assert_true(clock_mono_us() - killed_us < 1000 * 1000);
    assert_int_not_equal(supervise_pid(world->supervisor, child), first);
}

static void a_child_that_dies_at_once_is_tried_ever_more_slowly(void **state)
{
    struct world *world = *state;
    int child = start_shell(world, "exit 1", NULL, 0);
    int64_t began_us = clock_mono_us();
    assert_true(turn_until(world, child, has_died_four_times)); /* after 0, 100, 200 ms of waiting */
    assert_true(clock_mono_us() - began_us >= 300 * 1000);
}

struct told {
    struct child_event events[4];
    int n;
};

static void take_event(void *arg, const struct child_event *event)
{
    struct told *told = arg;
    assert_in_range(told->n, 0, 3);
    assert_string_equal(event->name, "child");
    told->events[told->n++] = *event;
}

static void who_asked_is_told_that_a_child_serves_and_that_it_is_gone(void **state)
{
    struct world *world = *state;
    struct told told = {.n = 0};
    supervise_tell(world->supervisor, take_event, &told);
    int child = start_shell(world, "echo ready; echo ready; exec sleep 60", "ready", 0);
    assert_true(turn_until(world, child, supervise_is_ready));
    const pid_t first = supervise_pid(world->supervisor, child);
    assert_int_equal(told.n, 1);
    assert_true(told.events[0].is_up && told.events[0].pid == first);
    kill(first, SIGKILL);
    assert_true(turn_until(world, child, has_died_once));
    assert_int_equal(told.n, 2);
    assert_true(!told.events[1].is_up && told.events[1].pid == first && told.events[1].restart_ms == 0);
    assert_int_equal(WTERMSIG(told.events[1].status), SIGKILL);
    assert_true(turn_until(world, child, supervise_is_ready));
    supervise_stop(world->supervisor, child, 1000);
    assert_int_equal(told.n, 4);
    assert_true(!told.events[3].is_up && told.events[3].restart_ms < 0); /* as asked: it stays ended */
}

static void a_final_exit_code_is_final(void **state)
{
    struct world *world = *state;
    int child = start_shell(world, "exit 4", NULL, 4);
    assert_true(turn_until(world, child, has_died_once));
    for (int i = 0; i < 5; i++)
        supervise_turn(world->supervisor, 20);
    assert_false(supervise_is_up(world->supervisor, child));
    assert_int_equal(supervise_deaths(world->supervisor, child), 1);
}

static void a_child_that_will_not_end_is_killed(void **state)
{
    struct world *world = *state;
    int child = start_shell(world, "trap '' TERM; echo ready; while :; do sleep 0.05; done", "ready", 0);
    assert_true(turn_until(world, child, supervise_is_ready));
    supervise_stop(world->supervisor, child, 100);
    assert_false(supervise_is_up(world->supervisor, child));
    for (int i = 0; i < 3; i++)
        supervise_turn(world->supervisor, 20);
    assert_false(supervise_is_up(world->supervisor, child));
}

static void what_a_child_says_stands_in_its_log(void **state)
{
    struct world *world = *state;
    int child = start_shell(world, "echo to stdout; echo to stderr >&2; echo ready; exec sleep 60", "ready", 0);
    assert_true(turn_until(world, child, supervise_is_ready));
    char path[64], text[256] = "";
    snprintf(path, sizeof path, "%s/child.log", world->folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_non_null(strstr(text, "to stdout\n"));
    assert_non_null(strstr(text, "to stderr\n"));
}

static void a_log_does_not_grow_for_ever(void **state)
{
    struct world *world = *state;
    int child =
        start_shell(world, "head -c 11000000 /dev/zero | tr '\\0' 'x'; echo; echo ready; exec sleep 60", "ready", 0);
    assert_true(turn_until(world, child, supervise_is_ready));
    char path[64];
    struct stat now, old;
    snprintf(path, sizeof path, "%s/child.log", world->folder);
    assert_int_equal(stat(path, &now), 0);
    snprintf(path, sizeof path, "%s/child.log.1", world->folder);
    assert_int_equal(stat(path, &old), 0);
    assert_true(now.st_size < 10 * 1024 * 1024);
    assert_true(old.st_size < 11 * 1024 * 1024);
    assert_true(now.st_size + old.st_size >= 11000000);
}

static void a_signal_to_end_is_told_and_not_obeyed(void **state)
{
    struct world *world = *state;
    int child = start_shell(world, "exec sleep 60", NULL, 0);
    raise(SIGTERM);
    assert_int_equal(supervise_turn(world->supervisor, 1000), SIGTERM);
    assert_true(supervise_is_up(world->supervisor, child));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_child_is_ready_when_its_output_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_killed_child_is_back_within_a_second, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_child_that_dies_at_once_is_tried_ever_more_slowly, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_asked_is_told_that_a_child_serves_and_that_it_is_gone, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_final_exit_code_is_final, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_child_that_will_not_end_is_killed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_child_says_stands_in_its_log, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_does_not_grow_for_ever, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signal_to_end_is_told_and_not_obeyed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
