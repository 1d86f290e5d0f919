/* SPDX-License-Identifier: Apache-2.0
 * test_belief.c - diaries of believed ownership: what was shown to whom, and
 * whether two ever saw the same lead at one instant. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/belief.h"

#define LEAD_A "0000000000000000000000000000000a"
#define LEAD_B "0000000000000000000000000000000b"

enum { DIARIES_MAX = 4 };

struct diaries {
    char folder[32];
    char paths[DIARIES_MAX][64];
    int n;
    struct belief_counts counts;
    char told[4096];
};

static void add_diary(struct diaries *diaries, const char *lines)
{
    if (diaries->n == 0) {
        snprintf(diaries->folder, sizeof diaries->folder, "/tmp/takt-belief-XXXXXX");
        assert_non_null(mkdtemp(diaries->folder));
    }
    char path[64];
    snprintf(path, sizeof path, "%s/%d", diaries->folder, diaries->n);
    memcpy(diaries->paths[diaries->n++], path, sizeof path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(lines, file);
    fclose(file);
}

static void check(struct diaries *diaries)
{
    const char *paths[DIARIES_MAX];
    for (int i = 0; i < diaries->n; i++)
        paths[i] = diaries->paths[i];
    FILE *out = fmemopen(diaries->told, sizeof diaries->told, "w");
    assert_int_equal(belief_check(paths, diaries->n, out, &diaries->counts), 0);
    fclose(out);
    for (int i = 0; i < diaries->n; i++)
        unlink(diaries->paths[i]);
    rmdir(diaries->folder);
}

static void one_after_the_other_is_one_owner_at_a_time(void **state)
{
    (void) state;
    struct diaries diaries = {0};
    add_diary(&diaries,
              "* 1\n+ ana " LEAD_A " 5 10\n- ana " LEAD_A " 5 20\n+ ana " LEAD_B " 7 30\n- ana " LEAD_B " 7 31\n");
    add_diary(&diaries, "* 1\n+ ben " LEAD_A " 6 20\n- ben " LEAD_A " 6 40\n");
    check(&diaries);
    assert_int_equal(diaries.counts.two_owners, 0);
    assert_int_equal(diaries.counts.intervals, 3);
    assert_int_equal(diaries.counts.leads, 2);
    assert_int_equal(diaries.counts.agents, 2);
    assert_int_equal(diaries.counts.open, 0);
    assert_int_equal(diaries.counts.damaged, 0);
}

static void an_overlap_of_a_microsecond_is_found_and_named(void **state)
{
    (void) state;
    struct diaries diaries = {0};
    add_diary(&diaries, "* 1\n+ ana " LEAD_A " 5 10\n- ana " LEAD_A " 5 21\n");
    add_diary(&diaries, "* 1\n+ ben " LEAD_A " 6 20\n- ben " LEAD_A " 6 40\n");
    check(&diaries);
    assert_int_equal(diaries.counts.two_owners, 1);
    assert_non_null(strstr(diaries.told, LEAD_A));
    assert_non_null(strstr(diaries.told, "ana"));
    assert_non_null(strstr(diaries.told, "ben"));
}

static void a_short_belief_inside_a_long_one_is_found(void **state)
{
    (void) state;
    struct diaries diaries = {0};
    add_diary(&diaries,
              "* 1\n+ ana " LEAD_A " 5 10\n+ ana " LEAD_A " 8 12\n- ana " LEAD_A " 8 13\n- ana " LEAD_A " 5 100\n");
    add_diary(&diaries, "* 1\n+ ben " LEAD_A " 6 50\n- ben " LEAD_A " 6 51\n");
    check(&diaries);
    assert_int_equal(diaries.counts.two_owners, 1);
}

static void what_a_killed_program_showed_lasts_until_it_was_killed(void **state)
{
    (void) state;
    struct diaries early = {0}, late = {0};
    add_diary(&early, "* 1\n+ ana " LEAD_A " 5 10\n! 30\n");
    add_diary(&early, "* 1\n+ ben " LEAD_A " 6 29\n- ben " LEAD_A " 6 60\n");
    check(&early);
    assert_int_equal(early.counts.two_owners, 1);
    assert_int_equal(early.counts.open, 1);
    add_diary(&late, "* 1\n+ ana " LEAD_A " 5 10\n! 30\n* 100\n+ ana " LEAD_B " 9 110\n");
    add_diary(&late, "* 1\n+ ben " LEAD_A " 6 31\n- ben " LEAD_A " 6 60\n");
    check(&late);
    assert_int_equal(late.counts.two_owners, 0);
}

static void lines_that_are_none_are_counted_and_not_guessed_at(void **state)
{
    (void) state;
    struct diaries diaries = {0};
    add_diary(&diaries, "* 1\n+ ana " LEAD_A " 5\nnonsense\n- ana " LEAD_A " 5 20\n+ ana " LEAD_A " 5 30 40\n");
    check(&diaries);
    assert_int_equal(diaries.counts.damaged, 4);
    assert_int_equal(diaries.counts.intervals, 0);
}

static void what_is_written_reads_back(void **state)
{
    (void) state;
    struct diaries diaries = {0};
    add_diary(&diaries, "");
    struct belief_log *log = belief_open(diaries.paths[0]);
    assert_non_null(log);
    belief_start(log, "ana", LEAD_A, UINT64_MAX);
    belief_start(log, "ben", LEAD_B, 1);
    belief_stop(log, "ana", LEAD_A, UINT64_MAX);
    belief_close(&log);
    assert_null(log);
    check(&diaries);
    assert_int_equal(diaries.counts.damaged, 0);
    assert_int_equal(diaries.counts.lines, 4);
    assert_int_equal(diaries.counts.intervals, 2);
    assert_int_equal(diaries.counts.open, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_after_the_other_is_one_owner_at_a_time),
        cmocka_unit_test(an_overlap_of_a_microsecond_is_found_and_named),
        cmocka_unit_test(a_short_belief_inside_a_long_one_is_found),
        cmocka_unit_test(what_a_killed_program_showed_lasts_until_it_was_killed),
        cmocka_unit_test(lines_that_are_none_are_counted_and_not_guessed_at),
        cmocka_unit_test(what_is_written_reads_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
