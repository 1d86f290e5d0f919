/* SPDX-License-Identifier: Apache-2.0
 * test_watch.c - the figures of a live view, from tables by hand: totals, rates,
 * what is raised when, and that all three ways of showing say the same. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <jansson.h>

#include "cli/watch.h"

enum { CELLS_MAX = 64 };

/* "a b c;1 2 3;4 5 6": columns, then rows. */
static void give(struct watch *watch, enum watch_table which, const char *types, const char *words)
{
    static takt_text texts[CELLS_MAX];
    size_t n = 0;
    for (const char *at = words; *at; at += at[0] == ' ' || at[0] == ';') {
        texts[n].at = at;
        texts[n].len = strcspn(at, " ;");
        at += texts[n++].len;
        assert_true(n < CELLS_MAX);
    }
    const size_t columns = strlen(types);
    const struct print_table table = {
        .n_columns = columns, .n_rows = n / columns - 1, .columns = texts, .types = types, .cells = texts + columns};
    watch_take(watch, which, &table);
}

/* One refresh: totals of the one programme there is, and who is here. */
static void refresh(struct watch *watch, int64_t at_ms, int received, int waiting, int scored, int plain, int alerts,
                    int present, const char *worker_state)
{
    char status[256], pools[128], teams[128], workers[128];
    snprintf(status, sizeof status,
             "programme received waiting offered owned working wrap_up ended scored plain alerts never_contacted;"
             "fresh %d %d 1 2 3 4 7 %d %d %d %d",
             received, waiting, scored, plain, alerts, alerts / 9);
    snprintf(pools, sizeof pools, "pool waiting oldest;fresh %d 1500;fresh/+wide 0 0", waiting);
    snprintf(teams, sizeof teams, "team programme agents present lost;north fresh 5 %d 0", present);
    snprintf(workers, sizeof workers, "worker state;w1 %s", worker_state);
    give(watch, WATCH_STATUS, "snnnnnnnnnnn", status);
    give(watch, WATCH_POOLS, "snd", pools);
    give(watch, WATCH_TEAMS, "ssnnn", teams);
    give(watch, WATCH_WORKERS, "ss", workers);
    watch_refresh(watch, at_ms * 1000, INT64_C(1700000000000) + at_ms, true);
}

static json_t *as_json(const struct watch *watch)
{
    char *text = NULL;
    size_t len = 0;
    FILE *file = open_memstream(&text, &len);
    watch_json(watch, file);
    fclose(file);
    assert_ptr_equal(strchr(text, '\n'), text + len - 1); /* one line */
    json_t *json = json_loads(text, 0, NULL);
    assert_non_null(json);
    free(text);
    return json;
}

static double number(const struct watch *watch, const char *key)
{
    json_t *json = as_json(watch), *value = json_object_get(json, key);
    assert_non_null(value);
    const double got = json_is_null(value) ? -1 : json_number_value(value);
    json_decref(json);
    return got;
}

static void totals_are_sums_and_rates_are_differences(void **state)
{
    (void) state;
    struct watch *watch = watch_new();
    refresh(watch, 1000, 100, 40, 50, 0, 0, 3, "ready");
    assert_true(number(watch, "waiting") == 40);
    assert_true(number(watch, "in_hand") == 10);
    assert_true(number(watch, "oldest_ms") == 1500);
    assert_true(number(watch, "in_per_s") == -1); /* one look is no rate */
    refresh(watch, 3000, 300, 40, 150, 10, 0, 3, "ready");
    assert_true(number(watch, "in_per_s") == 100);
    assert_true(number(watch, "handed_per_s") == 55);
    assert_true(number(watch, "plain_per_s") == 5);
    assert_true(number(watch, "ended_per_s") == 0);
    watch_destroy(&watch);
}

static void an_alert_is_raised_with_its_cause_and_goes_with_it(void **state)
{
    (void) state;
    struct watch *watch = watch_new();
    refresh(watch, 1000, 100, 0, 50, 0, 7, 0, "ready");
    for (enum watch_alert alert = 0; alert < WATCH_ALERTS; alert++)
        assert_false(watch_is_raised(watch, alert)); /* nothing waits, and old alerts are old */
    refresh(watch, 2000, 110, 10, 50, 0, 7, 0, "ready");
    assert_true(watch_is_raised(watch, WATCH_NOBODY_HERE));
    refresh(watch, 3000, 110, 10, 50, 0, 8, 1, "late");
    assert_false(watch_is_raised(watch, WATCH_NOBODY_HERE));
    assert_true(watch_is_raised(watch, WATCH_UNCLAIMED));
    assert_true(watch_is_raised(watch, WATCH_NO_WORKER));
    assert_true(watch_is_raised(watch, WATCH_WORKER_LATE));
    refresh(watch, 4000, 110, 10, 50, 3, 8, 1, "ready");
    assert_true(watch_is_raised(watch, WATCH_FALLBACKS));
    assert_false(watch_is_raised(watch, WATCH_NO_WORKER));
    refresh(watch, 62000, 110, 10, 50, 3, 8, 1, "ready");
    assert_true(watch_is_raised(watch, WATCH_UNCLAIMED)); /* it is shown for a minute */
    refresh(watch, 64000, 110, 10, 50, 3, 8, 1, "ready");
    assert_false(watch_is_raised(watch, WATCH_UNCLAIMED));
    assert_false(watch_is_raised(watch, WATCH_NEVER_CONTACTED));
    refresh(watch, 64500, 110, 10, 50, 3, 9, 1, "ready"); /* one of the nine ended, and nobody ever acted on it */
    assert_true(watch_is_raised(watch, WATCH_NEVER_CONTACTED));
    watch_refresh(watch, 65000000, 1, false);
    assert_true(watch_is_raised(watch, WATCH_NO_ANSWER));
    assert_true(number(watch, "waiting") == 10); /* the last that was known */
    refresh(watch, 66000, 110, 10, 50, 3, 8, 1, "ready");
    assert_false(watch_is_raised(watch, WATCH_NO_ANSWER));
    watch_destroy(&watch);
}

static void the_view_has_what_waits_and_the_line_has_all_of_it_in_short(void **state)
{
    (void) state;
    struct watch *watch = watch_new();
    struct buf text = {0};
    char *line = NULL;
    size_t len = 0;
    watch_text(watch, &text); /* before anything is known */
    refresh(watch, 1000, 100, 1040, 50, 0, 0, 0, "drained");
    watch_text(watch, &text);
    buf_add(&text, "", 1);
    assert_non_null(strstr((char *) text.at, "waiting 1,040  in hand 10  oldest 1.5 s  in -/s"));
    assert_non_null(strstr((char *) text.at, "NOBODY_HERE: "));
    assert_null(strstr((char *) text.at, "+wide")); /* a pool in which nothing waits */
    FILE *file = open_memstream(&line, &len);
    watch_line(watch, file);
    fclose(file);
    assert_string_equal(line,
                        "2023-11-14 22:13:21Z  waiting 1,040  in hand 10  oldest 1.5 s  in -/s  handed -/s  ended -/s"
                        "  plain -/s  agents 0 of 5  workers 0 of 1  alerts NOBODY_HERE,NO_WORKER\n");
    free(line);
    buf_fini(&text);
    watch_destroy(&watch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(totals_are_sums_and_rates_are_differences),
        cmocka_unit_test(an_alert_is_raised_with_its_cause_and_goes_with_it),
        cmocka_unit_test(the_view_has_what_waits_and_the_line_has_all_of_it_in_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
