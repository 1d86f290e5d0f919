/* SPDX-License-Identifier: Apache-2.0
 * test_calendar.c - wall clocks and weekly hours over changes of the clock: the tables against
 * the C library, hours against a look at every minute. */
#include "core/calendar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>
#include <time.h>

#include "policy/policy_zones.h"

enum { MINUTE_MS = 60000, HOUR_MS = 3600000 };

static const char *const zones[] = {"America/New_York",    "America/Chicago", "America/Phoenix",   "Pacific/Honolulu",
                                    "Australia/Lord_Howe", "Europe/Berlin",   "Africa/Casablanca", "UTC",
                                    "Asia/Kolkata",        "America/Adak"};
enum { ZONES = sizeof zones / sizeof *zones };

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 24;
}

static struct zone zone_of(const char *name)
{
    struct zone zone;
    assert_true(policy_zone(name, &zone));
    return zone;
}

static int64_t utc(int32_t year, uint32_t month, uint32_t day, int64_t hour, int64_t minute)
{
    return calendar_day_of(year, month, day) * DAY_MS + hour * HOUR_MS + minute * MINUTE_MS;
}

static void the_wall_clock_is_that_of_the_zone_database(void **state)
{
    (void) state;
    uint64_t seed = 1;
    for (int z = 0; z < ZONES; z++) {
        const struct zone zone = zone_of(zones[z]);
        setenv("TZ", zones[z], 1);
        tzset();
        for (int i = 0; i < 20000; i++) {
            const int64_t at_s = INT64_C(1577836800) + (int64_t) (next_random(&seed) % (40u * 365u * 86400u));
            const time_t at = (time_t) at_s;
            struct tm local;
            localtime_r(&at, &local);
            assert_int_equal(calendar_local_ms(&zone, at_s * 1000), (at_s + local.tm_gmtoff) * 1000);
        }
    }
    unsetenv("TZ");
    tzset();
}

static void dates_are_those_of_the_calendar(void **state)
{
    (void) state;
    for (int64_t day = -200000; day < 200000; day++) {
        const time_t at = (time_t) (day * 86400);
        struct tm date;
        int32_t year;
        uint32_t month, of_month;
        gmtime_r(&at, &date);
        calendar_date(day, &year, &month, &of_month);
        assert_int_equal(year, date.tm_year + 1900);
        assert_int_equal(month, date.tm_mon + 1);
        assert_int_equal(of_month, date.tm_mday);
        assert_int_equal(calendar_day_of(year, month, of_month), day);
    }
}

static void a_time_that_the_change_skips_begins_with_it_and_one_that_comes_twice_the_first_time(void **state)
{
    (void) state;
    const struct zone zone = zone_of("America/New_York");
    /* 2026-03-08: 02:00 becomes 03:00, at 07:00 UTC; 2026-11-01: 02:00 becomes 01:00, at 06:00 UTC */
    assert_int_equal(calendar_utc_ms(&zone, utc(2026, 3, 8, 2, 30)), utc(2026, 3, 8, 7, 0));
    assert_int_equal(calendar_utc_ms(&zone, utc(2026, 11, 1, 1, 30)), utc(2026, 11, 1, 5, 30));
    assert_int_equal(calendar_day_begins_ms(&zone, calendar_day_of(2026, 11, 2)), utc(2026, 11, 2, 5, 0));
    assert_int_equal(calendar_day(&zone, utc(2026, 11, 2, 4, 59)), calendar_day_of(2026, 11, 1));
}

static void hours_stay_the_same_on_the_wall_clock_when_the_clocks_change(void **state)
{
    (void) state;
    const struct zone zone = zone_of("America/Chicago");
    const struct hours hours = {.n_spans = 1, .spans = {{8 * 60, 7 * 1440}}, .n_closed = 0};
    struct hours daily = {.n_spans = 7};
    for (uint32_t day = 0; day < 7; day++)
        daily.spans[day] = (struct hours_span){day * 1440 + 8 * 60, day * 1440 + 21 * 60};
    assert_true(calendar_open(&hours, &zone, utc(2026, 3, 7, 20, 0)));
    /* 08:00 is 14:00 UTC in winter and 13:00 in summer */
    assert_int_equal(calendar_opens_ms(&daily, &zone, utc(2026, 3, 7, 8, 0)), utc(2026, 3, 7, 14, 0));
    assert_int_equal(calendar_opens_ms(&daily, &zone, utc(2026, 3, 8, 8, 0)), utc(2026, 3, 8, 13, 0));
    assert_int_equal(calendar_opens_ms(&daily, &zone, utc(2026, 10, 31, 8, 0)), utc(2026, 10, 31, 13, 0));
    assert_int_equal(calendar_opens_ms(&daily, &zone, utc(2026, 11, 1, 8, 0)), utc(2026, 11, 1, 14, 0));
}

static void a_closed_day_is_closed_from_midnight_to_midnight_there(void **state)
{
    (void) state;
    const struct zone zone = zone_of("America/New_York");
    const struct hours hours = {
        .n_spans = 1, .spans = {{0, 7 * 1440}}, .n_closed = 2, .closed = {{0, 12, 25}, {2026, 7, 3}}};
    assert_true(calendar_open(&hours, &zone, utc(2026, 12, 25, 4, 59)));
    assert_false(calendar_open(&hours, &zone, utc(2026, 12, 25, 5, 0)));
    assert_int_equal(calendar_opens_ms(&hours, &zone, utc(2026, 12, 25, 5, 0)), utc(2026, 12, 26, 5, 0));
    assert_false(calendar_open(&hours, &zone, utc(2026, 7, 3, 12, 0)));
    assert_true(calendar_open(&hours, &zone, utc(2027, 7, 3, 12, 0)));
}

static void what_never_opens_says_so(void **state)
{
    (void) state;
    const struct zone zone = zone_of("UTC");
    const struct hours hours = {0};
    assert_int_equal(calendar_opens_ms(&hours, &zone, utc(2026, 1, 1, 0, 0)), CALENDAR_NEVER);
    const struct hours always = {.n_spans = 1, .spans = {{0, 7 * 1440}}};
    assert_int_equal(calendar_closes_ms(&always, &zone, utc(2026, 1, 1, 0, 0)), CALENDAR_NEVER);
}

static struct hours some_hours(uint64_t *seed)
{
    struct hours hours = {.n_spans = 1 + (uint32_t) (next_random(seed) % 8)};
    uint32_t at = (uint32_t) (next_random(seed) % 900);
    for (uint32_t i = 0; i < hours.n_spans; i++) {
        const uint32_t from = at + 1 + (uint32_t) (next_random(seed) % 600);
        at = from + 1 + (uint32_t) (next_random(seed) % 600);
        hours.spans[i] = (struct hours_span){from, at};
    }
    hours.n_closed = 1;
    hours.closed[0] = (struct hours_closed){0, 11, 1};
    return hours;
}

static void it_opens_and_closes_at_the_first_such_minute_and_not_later(void **state)
{
    (void) state;
    static const uint32_t changes[][2] = {{3, 7}, {10, 31}, {6, 10}, {10, 24}, {4, 4}};
    uint64_t seed = 7;
    for (int z = 0; z < ZONES; z++) {
        const struct zone zone = zone_of(zones[z]);
        for (int c = 0; c < 5; c++)
            for (int round = 0; round < 4; round++) {
                const struct hours hours = some_hours(&seed);
                const int64_t from = utc(2026, changes[c][0], changes[c][1], 0, 0);
                int64_t opens = CALENDAR_NEVER, closes = CALENDAR_NEVER;
                for (int64_t at = from + 9 * DAY_MS; at >= from; at -= MINUTE_MS) {
                    const bool open = calendar_open(&hours, &zone, at);
                    opens = open ? at : opens;
                    closes = open ? closes : at;
                    if (closes != CALENDAR_NEVER)
                        assert_int_equal(calendar_closes_ms(&hours, &zone, at), closes);
                    if (opens != CALENDAR_NEVER)
                        assert_int_equal(calendar_opens_ms(&hours, &zone, at), opens);
                }
            }
    }
}

static void a_zone_that_the_system_does_not_know_is_none(void **state)
{
    (void) state;
    struct zone zone;
    assert_false(policy_zone("America/Nowhere", &zone));
    assert_false(policy_zone("../../../etc/passwd", &zone));
    assert_false(policy_zone("", &zone));
    assert_false(policy_zone("America", &zone)); /* a folder */
    assert_false(policy_zone("zone1970.tab", &zone));
    assert_false(policy_zone("leapseconds", &zone)); /* a text of the same folder */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_wall_clock_is_that_of_the_zone_database),
        cmocka_unit_test(dates_are_those_of_the_calendar),
        cmocka_unit_test(a_time_that_the_change_skips_begins_with_it_and_one_that_comes_twice_the_first_time),
        cmocka_unit_test(hours_stay_the_same_on_the_wall_clock_when_the_clocks_change),
        cmocka_unit_test(a_closed_day_is_closed_from_midnight_to_midnight_there),
        cmocka_unit_test(what_never_opens_says_so),
        cmocka_unit_test(it_opens_and_closes_at_the_first_such_minute_and_not_later),
        cmocka_unit_test(a_zone_that_the_system_does_not_know_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
