/* SPDX-License-Identifier: Apache-2.0
 * test_cli.c - options by a table, and where a running takt is found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/cli.h"

static const struct cli_usage usage = {
    .synopsis = "t FILE", .about = "x", .example = "t a", .words_least = 1, .words_most = 2};

struct values {
    struct cli_common common;
    const char *map;
    int64_t rate;
};

/* Reads up to five words after the command's own; *ret_words are what is left. */
static int read_options(struct values *values, char *const *words, char **ret_words, int *ret_exit)
{
    static char *argv[8];
    static char name[] = "t";
    const struct cli_option options[] = {
        {"map", "MAP", CLI_TEXT, &values->map, 0, 0, "map"},
        {"rate", "N", CLI_NUMBER, &values->rate, 1, 1000, "rate"},
        CLI_COMMON_OPTIONS(values->common),
        CLI_END,
    };
    int argc = 1;
    argv[0] = name;
    for (; *words; words++)
        argv[argc++] = *words;
    argv[argc] = NULL;
    *values = (struct values){0};
    int n = cli_options(&usage, options, argc, argv, ret_exit);
    ret_words[0] = n > 0 ? argv[1] : NULL;
    ret_words[1] = n > 1 ? argv[2] : NULL;
    return n;
}

static void options_and_words_may_be_mixed(void **state)
{
    (void) state;
    struct values values;
    char *words[2];
    int exit_code;
    char *const mixed[] = {"a.csv", "--map", "m", "--rate=5", "b.csv", "--json", NULL};
    assert_int_equal(read_options(&values, mixed, words, &exit_code), 2);
    assert_string_equal(words[0], "a.csv");
    assert_string_equal(words[1], "b.csv");
    assert_string_equal(values.map, "m");
    assert_int_equal(values.rate, 5);
    assert_true(values.common.json);
    char *const dash[] = {"--", "--map", NULL};
    assert_int_equal(read_options(&values, dash, words, &exit_code), 1);
    assert_string_equal(words[0], "--map");
}

static void a_wrong_command_line_is_usage(void **state)
{
    (void) state;
    struct values values;
    char *words[2];
    char *const wrong[][5] = {{"a", "--nope", NULL},
                              {"a", "--rate", "x", NULL},
                              {"a", "--rate", "0", NULL},
                              {"a", "--rate", "1001", NULL},
                              {"a", "--rate", NULL},
                              {"a", "b", "c", NULL},
                              {NULL}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int exit_code = -1;
        assert_int_equal(read_options(&values, wrong[i], words, &exit_code), -1);
        assert_int_equal(exit_code, CLI_USAGE);
    }
}

static void help_ends_the_command_well(void **state)
{
    (void) state;
    struct values values;
    char *words[2];
    int exit_code = -1;
    char *const help[] = {"--help", NULL};
    assert_int_equal(read_options(&values, help, words, &exit_code), -1);
    assert_int_equal(exit_code, CLI_DONE);
}

static void an_endpoint_is_given_or_found_in_the_directory(void **state)
{
    (void) state;
    char dir[] = "/tmp/takt-cli-XXXXXX", path[64], endpoint[256];
    assert_non_null(mkdtemp(dir));
    struct cli_common common = {.dir = dir};
    assert_false(cli_endpoint(&common, "source", endpoint));
    snprintf(path, sizeof path, "%s/endpoints", dir);
    FILE *file = fopen(path, "w");
    fputs("sources tcp://127.0.0.1:1\nsource tcp://127.0.0.1:7701\nmetrics http://127.0.0.1:9/metrics\n", file);
    fclose(file);
    assert_true(cli_endpoint(&common, "source", endpoint));
    assert_string_equal(endpoint, "tcp://127.0.0.1:7701");
    assert_false(cli_endpoint(&common, "agent", endpoint));
    common.endpoint = "ipc:///x";
    assert_true(cli_endpoint(&common, "agent", endpoint));
    assert_string_equal(endpoint, "ipc:///x");
    common = (struct cli_common){0};
    assert_int_equal(setenv("TAKT_DIR", dir, 1), 0);
    assert_string_equal(cli_dir(&common), dir);
    assert_int_equal(unsetenv("TAKT_DIR"), 0);
    assert_string_equal(cli_dir(&common), "./takt-data");
    unlink(path);
    rmdir(dir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_and_words_may_be_mixed),
        cmocka_unit_test(a_wrong_command_line_is_usage),
        cmocka_unit_test(help_ends_the_command_well),
        cmocka_unit_test(an_endpoint_is_given_or_found_in_the_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
