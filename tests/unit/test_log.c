/* SPDX-License-Identifier: Apache-2.0
 * test_log.c - one event is one line, whatever is in it. */
#include "common/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Log one event at `level` with `value` in it; returns what came out on stderr. */
static const char *logged(enum log_level level, const char *value)
{
    static char text[4096];
    int ends[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    log_line(level, "test.event", "key=%s", value);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(ends[1]);
    ssize_t n = read(ends[0], text, sizeof text - 1);
    close(ends[0]);
    text[n > 0 ? n : 0] = '\0';
    return text;
}

static void test_a_line_has_time_program_level_event_and_values(void **state)
{
    (void) state;
    log_open("takt-test", LOG_INFO);
    const char *line = logged(LOG_WARN, "1");
    assert_int_equal(line[10], 'T');
    assert_int_equal(line[23], 'Z');
    assert_string_equal(line + 24, " takt-test warn test.event key=1\n");
}

static void test_a_level_below_the_threshold_is_not_written(void **state)
{
    (void) state;
    log_open("takt-test", LOG_WARN);
    assert_string_equal(logged(LOG_INFO, "1"), "");
    assert_true(strlen(logged(LOG_ERROR, "1")) > 0);
}

static void test_a_value_cannot_forge_a_line(void **state)
{
    (void) state;
    log_open("takt-test", LOG_INFO);
    const char *line = logged(LOG_INFO, "a\nforged\x1b[2J\x7f");
    assert_string_equal(strstr(line, "key="), "key=a?forged?[2J?\n");
}

static void test_a_long_value_is_cut_and_the_line_still_ends(void **state)
{
    (void) state;
    char value[3000];
    memset(value, 'x', sizeof value - 1);
    value[sizeof value - 1] = '\0';
    log_open("takt-test", LOG_INFO);
    const char *line = logged(LOG_INFO, value);
    assert_in_range(strlen(line), 900, 1100);
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_line_has_time_program_level_event_and_values),
        cmocka_unit_test(test_a_level_below_the_threshold_is_not_written),
        cmocka_unit_test(test_a_value_cannot_forge_a_line),
        cmocka_unit_test(test_a_long_value_is_cut_and_the_line_still_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
