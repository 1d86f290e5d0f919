/* SPDX-License-Identifier: Apache-2.0
 * test_print.c - tables for people and as JSON. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>
#include <cmocka.h>

#include <jansson.h>

#include "cli/print.h"

#define TEXT(text)                                                                                                     \
    {                                                                                                                  \
        text, sizeof(text) - 1                                                                                         \
    }

static const takt_text columns[] = {TEXT("agent"), TEXT("open"), TEXT("idle"), TEXT("since")};
static const takt_text cells[] = {
    TEXT("ann"), TEXT("12"), TEXT("1500"), TEXT("1767254400000"), TEXT("Jos\xc3\xa9\x1b[31m"),
    TEXT("3"),   TEXT(""),   TEXT("-")};
static const struct print_table table = {4, 2, columns, "sndt", cells};

static void expect(void (*print)(FILE *, const struct print_table *), const struct print_table *of,
                   const char *expected)
{
    char *text = NULL;
    size_t len;
    FILE *file = open_memstream(&text, &len);
    print(file, of);
    fclose(file);
    assert_string_equal(text, expected);
    free(text);
}

static void a_table_is_aligned_and_drives_no_terminal(void **state)
{
    (void) state;
    expect(print_table, &table,
           "agent      open   idle                 since\n"
           "ann          12  1.5 s  2026-01-01 08:00:00Z\n"
           "Jos\xc3\xa9?[31m     3                            -\n");
}

static void json_has_numbers_as_numbers(void **state)
{
    (void) state;
    expect(print_json, &table,
           "[\n {\"agent\":\"ann\",\"open\":12,\"idle\":1500,\"since\":1767254400000},\n"
           " {\"agent\":\"Jos\xc3\xa9\\u001B[31m\",\"open\":3,\"idle\":null,\"since\":\"-\"}\n]\n");
    static const takt_text share[] = {TEXT("share")}, half[] = {TEXT("0.5")};
    expect(print_json, &(struct print_table){1, 1, share, "n", half}, "[\n {\"share\":0.5}\n]\n");
}

static void an_empty_table_has_its_header(void **state)
{
    (void) state;
    struct print_table empty = {4, 0, columns, "sndt", NULL};
    expect(print_table, &empty, "agent  open  idle  since\n");
    expect(print_json, &empty, "[]\n");
}

static void durations_and_counts_are_for_people(void **state)
{
    (void) state;
    static const struct {
        int64_t ms;
        const char *shown;
    } durations[] = {{0, "0 ms"},       {999, "999 ms"},       {1000, "1.0 s"},
                     {59999, "59.9 s"}, {65000, "1 min 05 s"}, {3780000, "1 h 03 min"}};
    char shown[32];
    for (size_t i = 0; i < sizeof durations / sizeof durations[0]; i++)
        assert_string_equal(print_duration(durations[i].ms, shown), durations[i].shown);
    assert_string_equal(print_count(0, shown), "0");
    assert_string_equal(print_count(999, shown), "999");
    assert_string_equal(print_count(1000, shown), "1,000");
    assert_string_equal(print_count(UINT64_MAX, shown), "18,446,744,073,709,551,615");
}

static void an_event_waits_for_no_reader(void **state)
{
    (void) state;
    int ends[2];
    char bytes[64] = "";
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    FILE *file = fdopen(ends[1], "w");
    print_event(file, json_pack("{s:i}", "n", 1));
    assert_int_equal(read(ends[0], bytes, sizeof bytes - 1), 8);
    assert_string_equal(bytes, "{\"n\":1}\n");
    assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, 4096), 4096);
    for (int i = 0; i < 1000; i++) /* more than it holds: who waited would wait for ever */
        print_event(file, json_pack("{s:i}", "n", i));
    assert_int_equal(fclose(file), 0);
    assert_int_equal(read(ends[0], bytes, 8), 8);
    close(ends[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_table_is_aligned_and_drives_no_terminal),
        cmocka_unit_test(json_has_numbers_as_numbers),
        cmocka_unit_test(an_empty_table_has_its_header),
        cmocka_unit_test(durations_and_counts_are_for_people),
        cmocka_unit_test(an_event_waits_for_no_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
