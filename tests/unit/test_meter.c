/* SPDX-License-Identifier: Apache-2.0
 * test_meter.c - what was given against quotas: every kind at its edge, fractions,
 * clocks that change, and a thousand random schedules against a list of all that
 * was given, counted anew each time. */
#include "core/meter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>

#include "policy/policy_zones.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 3600000, GIVEN_MAX = 2048 };

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

struct bench { /* one subject */
    struct meter_counts counts;
    struct meter_quotas quotas;
    struct zone zone;
};

static struct bench bench_in(const char *zone)
{
    struct bench bench = {.zone = zone_of(zone)};
    meter_init(&bench.counts);
    return bench;
}

static struct bench bench_of(const char *zone, enum limit_per per, uint64_t leads_milli)
{
    struct bench bench = bench_in(zone);
    bench.quotas.most[per][UNIT_LEADS] = leads_milli;
    return bench;
}

static struct standing at(struct bench *bench, int64_t now_ms)
{
    bench->quotas.zone = &bench->zone;
    return meter_standing(&bench->counts, &bench->quotas, now_ms);
}

static uint32_t room(struct bench *bench, int64_t now_ms)
{
    return at(bench, now_ms).room;
}

static void take(struct bench *bench, int64_t now_ms, uint64_t cents)
{
    assert_true(room(bench, now_ms) > 0);
    meter_take(&bench->counts, &bench->quotas, now_ms * 1000, cents);
}

/* As many as it may have; returns how many. */
static uint32_t take_all(struct bench *bench, int64_t now_ms)
{
    uint32_t n = 0;
    for (; room(bench, now_ms) > 0; n++)
        take(bench, now_ms, 0);
    return n;
}

/* ---- edges ------------------------------------------------------------------------------- */

/* proves 003-34: sliding, and never more than the cap within any sixty minutes */
static void an_hour_slides_and_opens_when_a_lead_is_sixty_minutes_old(void **state)
{
    (void) state;
    struct bench bench = bench_of("UTC", PER_HOUR, 2000);
    const int64_t t = utc(2026, 3, 10, 10, 0);
    take(&bench, t + 59 * SECOND_MS, 0);
    take(&bench, t + 30 * MINUTE_MS, 0);
    assert_int_equal(room(&bench, t + 30 * MINUTE_MS), 0);
    assert_int_equal(at(&bench, t + 30 * MINUTE_MS).why, REASON_CAP_HOUR);
    assert_int_equal(room(&bench, t + 61 * MINUTE_MS - 1), 0);
    assert_int_equal(at(&bench, t + 31 * MINUTE_MS).free_ms, t + 61 * MINUTE_MS);
    assert_int_equal(room(&bench, t + 61 * MINUTE_MS), 1);
    take(&bench, t + 61 * MINUTE_MS, 0);
    assert_int_equal(room(&bench, t + 91 * MINUTE_MS - 1), 0);
    assert_int_equal(room(&bench, t + 91 * MINUTE_MS), 1);
}

/* proves 3-14: the windows are those of the subject's own wall clock */
static void a_day_ends_at_midnight_of_the_place_and_not_a_millisecond_before(void **state)
{
    (void) state;
    struct bench bench = bench_of("America/New_York", PER_DAY, 3000);
    const int64_t midnight = utc(2026, 1, 15, 5, 0); /* there it is five hours earlier */
    assert_int_equal(take_all(&bench, midnight - DAY_MS + 1), 3);
    assert_int_equal(at(&bench, midnight - DAY_MS + 1).why, REASON_CAP_DAY);
    assert_int_equal(at(&bench, midnight - DAY_MS + 1).free_ms, midnight);
    assert_int_equal(room(&bench, midnight - 1), 0);
    assert_int_equal(room(&bench, midnight), 3);
}

static void a_day_of_23_hours_and_one_of_25_are_days(void **state)
{
    (void) state;
    const struct {
        int64_t begins, hours;
    } days[] = {{utc(2026, 3, 8, 5, 0), 23}, {utc(2026, 11, 1, 4, 0), 25}};
    for (int i = 0; i < 2; i++) {
        struct bench bench = bench_of("America/New_York", PER_DAY, 1000);
        take(&bench, days[i].begins, 0);
        const int64_t ends = days[i].begins + days[i].hours * HOUR_MS;
        assert_int_equal(at(&bench, days[i].begins).free_ms, ends);
        assert_int_equal(room(&bench, ends - 1), 0);
        assert_int_equal(room(&bench, ends), 1);
    }
}

static void a_week_begins_on_monday_and_a_month_on_its_first(void **state)
{
    (void) state;
    struct bench week = bench_of("UTC", PER_WEEK, 1000), month = bench_of("UTC", PER_MONTH, 1000);
    take(&week, utc(2026, 3, 4, 12, 0), 0); /* a Wednesday */
    assert_int_equal(at(&week, utc(2026, 3, 4, 12, 0)).why, REASON_CAP_WEEK);
    assert_int_equal(room(&week, utc(2026, 3, 9, 0, 0) - 1), 0);
    assert_int_equal(room(&week, utc(2026, 3, 9, 0, 0)), 1);
    take(&month, utc(2028, 2, 3, 12, 0), 0);
    assert_int_equal(at(&month, utc(2028, 2, 3, 12, 0)).why, REASON_CAP_MONTH);
    assert_int_equal(room(&month, utc(2028, 2, 29, 23, 59) + 59999), 0);
    assert_int_equal(room(&month, utc(2028, 3, 1, 0, 0)), 1);
    take(&month, utc(2028, 12, 31, 23, 59), 0);
    assert_int_equal(at(&month, utc(2028, 12, 31, 23, 59)).free_ms, utc(2029, 1, 1, 0, 0));
}

static void of_several_closed_limits_the_one_that_opens_last_is_named(void **state)
{
    (void) state;
    struct bench bench = bench_of("UTC", PER_HOUR, 1000);
    const int64_t t = utc(2026, 3, 10, 12, 0);
    bench.quotas.most[PER_DAY][UNIT_LEADS] = 1000;
    take(&bench, t, 0);
    assert_int_equal(at(&bench, t).why, REASON_CAP_DAY);
    assert_int_equal(at(&bench, t).free_ms, utc(2026, 3, 11, 0, 0));
}

/* A core begins its time at 0, before its first event. */
static void the_first_hour_of_all_times_is_an_hour(void **state)
{
    (void) state;
    struct bench bench = bench_of("UTC", PER_HOUR, 2000);
    assert_int_equal(room(&bench, 0), 2);
    take(&bench, MINUTE_MS, 0);
    assert_int_equal(room(&bench, 2 * MINUTE_MS), 1);
}

/* ---- fractions --------------------------------------------------------------------------- */

/* proves the defect of Odoo: a monthly capacity below 15 gave a daily quota of 0 */
static void half_a_lead_a_day_is_fifteen_in_thirty_days_and_never_two_at_once(void **state)
{
    (void) state;
    struct bench bench = bench_of("UTC", PER_DAY, 500);
    uint32_t sum = 0;
    for (int64_t day = 0; day < 30; day++) {
        const uint32_t n = take_all(&bench, utc(2026, 4, 1, 9, 0) + day * DAY_MS);
        assert_in_range(n, 0, 1);
        sum += n;
    }
    assert_int_equal(sum, 15);
}

static void no_quota_however_small_is_none(void **state)
{
    (void) state;
    for (uint64_t a_month = 1; a_month < 15; a_month++) {
        struct bench bench = bench_of("UTC", PER_DAY, a_month * 1000 / 30);
        uint32_t sum = 0;
        for (int64_t day = 0; day < 300; day++)
            sum += take_all(&bench, utc(2026, 1, 1, 9, 0) + day * DAY_MS);
        assert_in_range(sum, a_month * 10 - 1, a_month * 10 + 1);
    }
}

static void a_fraction_says_when_its_next_lead_comes(void **state)
{
    (void) state;
    struct bench bench = bench_of("UTC", PER_DAY, 250);
    const int64_t t = utc(2026, 4, 1, 9, 0);
    take(&bench, t, 0);
    assert_int_equal(at(&bench, t).free_ms, utc(2026, 4, 5, 0, 0));
    assert_int_equal(room(&bench, utc(2026, 4, 5, 0, 0) - 1), 0);
    assert_int_equal(room(&bench, utc(2026, 4, 5, 0, 0)), 1);
}

static void absence_saves_up_no_more_than_the_quota_rounded_up(void **state)
{
    (void) state;
    struct bench bench = bench_of("UTC", PER_DAY, 2500);
    take(&bench, utc(2026, 4, 1, 9, 0), 0);
    assert_int_equal(take_all(&bench, utc(2026, 4, 20, 9, 0)), 3);
    assert_int_equal(take_all(&bench, utc(2026, 4, 21, 9, 0)), 2);
    assert_int_equal(take_all(&bench, utc(2026, 4, 22, 9, 0)), 3);
}

/* ---- money, ramp, throttle, refunds ------------------------------------------------------------ */

/* proves 4-07: the burn guard */
static void a_budget_closes_when_it_is_spent_and_says_what_it_can_still_afford(void **state)
{
    (void) state;
    struct bench bench = bench_in("UTC");
    const int64_t t = utc(2026, 4, 1, 9, 0);
    bench.quotas.most[PER_DAY][UNIT_CENTS] = 10000;
    take(&bench, t, 6000);
    assert_int_equal(at(&bench, t).cents, 4000);
    assert_int_equal(at(&bench, t).wake_ms, utc(2026, 4, 2, 0, 0)); /* dearer leads may be had then */
    take(&bench, t, 4000);
    assert_int_equal(at(&bench, t).why, REASON_BUDGET);
    assert_int_equal(room(&bench, utc(2026, 4, 2, 0, 0) - 1), 0);
    assert_int_equal(at(&bench, utc(2026, 4, 2, 0, 0)).cents, 10000);
}

static void a_budget_of_an_hour_slides(void **state)
{
    (void) state;
    struct bench bench = bench_in("UTC");
    const int64_t t = utc(2026, 4, 1, 9, 0);
    bench.quotas.most[PER_HOUR][UNIT_CENTS] = 100;
    take(&bench, t, 60);
    take(&bench, t + 5 * MINUTE_MS, 40);
    assert_int_equal(at(&bench, t + 6 * MINUTE_MS).free_ms, t + 61 * MINUTE_MS);
    assert_int_equal(at(&bench, t + 61 * MINUTE_MS).cents, 60);
    assert_int_equal(at(&bench, t + 61 * MINUTE_MS).wake_ms, t + 66 * MINUTE_MS);
}

/* proves 3-07 */
static void a_ramp_holds_for_its_time_and_then_no_more(void **state)
{
    (void) state;
    struct bench bench = bench_of("UTC", PER_HOUR, 50000);
    const int64_t t = utc(2026, 4, 1, 9, 0);
    bench.quotas.ramp_leads = 5;
    bench.counts.ramp_until_ms = t + 30 * MINUTE_MS;
    assert_int_equal(take_all(&bench, t), 5);
    assert_int_equal(at(&bench, t).why, REASON_RAMP);
    assert_int_equal(at(&bench, t).free_ms, t + 30 * MINUTE_MS);
    assert_int_equal(room(&bench, t + 30 * MINUTE_MS - 1), 0);
    assert_int_equal(room(&bench, t + 30 * MINUTE_MS), 45);
}

/* proves 000-04 */
static void leads_that_nobody_works_on_close_until_somebody_does(void **state)
{
    (void) state;
    struct bench bench = bench_in("UTC");
    const int64_t t = utc(2026, 4, 1, 9, 0);
    bench.quotas.unworked_max = 3;
    assert_int_equal(take_all(&bench, t), 3);
    assert_int_equal(at(&bench, t).why, REASON_UNWORKED_OVER);
    assert_int_equal(at(&bench, t).free_ms, INT64_MAX); /* time alone does not help */
    bench.counts.unworked = 0;
    assert_int_equal(room(&bench, t), 3);
}

static void a_refund_opens_the_windows_it_was_counted_in_and_no_others(void **state)
{
    (void) state;
    struct bench bench = bench_of("UTC", PER_DAY, 2000);
    const int64_t t = utc(2026, 4, 1, 23, 59);
    bench.quotas.most[PER_MONTH][UNIT_LEADS] = 3000;
    take(&bench, t, 100);
    take(&bench, t, 100);
    assert_int_equal(room(&bench, t), 0);
    meter_refund(&bench.counts, &bench.quotas, t * 1000, 100);
    assert_int_equal(room(&bench, t), 1);
    assert_int_equal(meter_used(&bench.counts, &bench.quotas, PER_MONTH, UNIT_CENTS, t), 100);
    take(&bench, t + MINUTE_MS, 0);                            /* the next day */
    meter_refund(&bench.counts, &bench.quotas, t * 1000, 100); /* of the day before */
    assert_int_equal(meter_used(&bench.counts, &bench.quotas, PER_DAY, UNIT_LEADS, t + MINUTE_MS), 1);
    assert_int_equal(meter_used(&bench.counts, &bench.quotas, PER_MONTH, UNIT_LEADS, t + MINUTE_MS), 1);
}

/* ---- a thousand schedules --------------------------------------------------------------------------- */

struct given {
    int64_t at_ms;
    uint64_t cents;
    bool back;
};

struct schedule {
    struct bench bench;
    struct given given[GIVEN_MAX];
    uint32_t n;
    uint64_t random;
};

static uint64_t next_random(struct schedule *schedule, uint64_t below)
{
    schedule->random = schedule->random * 6364136223846793005u + 1442695040888963407u;
    return (schedule->random >> 24) % below;
}

static int64_t window_of(const struct zone *zone, enum limit_per per, int64_t at_ms)
{
    const int64_t day = calendar_day(zone, at_ms);
    int32_t year;
    uint32_t month, of_month;
    calendar_date(day, &year, &month, &of_month);
    return per == PER_DAY ? day : per == PER_WEEK ? (day + 3) / 7 : (int64_t) year * 12 + month;
}

static uint64_t sum(const struct schedule *schedule, enum limit_per per, enum limit_unit unit, int64_t now_ms,
                    int64_t hour_ms)
{
    const struct zone *zone = &schedule->bench.zone;
    uint64_t n = 0;
    for (uint32_t i = 0; i < schedule->n; i++) {
        const struct given *given = &schedule->given[i];
        if (!given->back && (per == PER_HOUR ? given->at_ms > now_ms - hour_ms
                                             : window_of(zone, per, given->at_ms) == window_of(zone, per, now_ms)))
            n += unit == UNIT_LEADS ? 1000 : given->cents;
    }
    return n;
}

static uint64_t whole(uint64_t milli)
{
    return (milli + 999) / 1000 * 1000;
}

/* Never over; and, whole quotas alone, closed only for a reason. */
static void check(struct schedule *schedule, int64_t now_ms)
{
    const struct meter_quotas *quotas = &schedule->bench.quotas;
    bool reason = false;
    for (enum limit_per per = PER_HOUR; per < PERIODS; per++)
        for (enum limit_unit unit = UNIT_LEADS; unit < UNITS; unit++) {
            const uint64_t most = quotas->most[per][unit];
            if (!most)
                continue;
            assert_true(sum(schedule, per, unit, now_ms, HOUR_MS) <= (unit == UNIT_LEADS ? whole(most) : most));
            reason |= sum(schedule, per, unit, now_ms, HOUR_MS + MINUTE_MS) >= most || most % 1000;
        }
    const struct standing standing = at(&schedule->bench, now_ms);
    if (standing.room > 0)
        return;
    assert_true(reason);
    assert_true(standing.free_ms > now_ms);
    assert_int_equal(room(&schedule->bench, standing.free_ms - 1), 0);
    assert_true(room(&schedule->bench, standing.free_ms) > 0);
}

static void one_schedule(struct schedule *schedule, uint64_t seed)
{
    static const char *const zones[] = {"UTC", "America/New_York", "Europe/Berlin", "Australia/Lord_Howe"};
    static const uint64_t leads[PERIODS] = {5, 12, 40, 90};
    schedule->random = seed;
    schedule->n = 0;
    schedule->bench = bench_in(zones[seed % 4]);
    for (enum limit_per per = PER_HOUR; per < PERIODS; per++) {
        if (next_random(schedule, 2))
            schedule->bench.quotas.most[per][UNIT_LEADS] = 1000 * (1 + next_random(schedule, leads[per]));
        if (next_random(schedule, 4) == 0)
            schedule->bench.quotas.most[per][UNIT_CENTS] = 100 * (1 + next_random(schedule, leads[per]));
    }
    if (next_random(schedule, 4) == 0)
        schedule->bench.quotas.most[PER_DAY][UNIT_LEADS] = 1 + next_random(schedule, 5000);
    int64_t now_ms = utc(2026, 3 + (uint32_t) (seed % 2) * 7, 1 + (uint32_t) (seed % 28), 0, 0);
    const uint64_t step_ms = seed % 3 ? 40 * MINUTE_MS : 6 * HOUR_MS;
    for (int i = 0; i < 200; i++) {
        now_ms += (int64_t) next_random(schedule, step_ms);
        const uint64_t cents = next_random(schedule, 200);
        const struct standing standing = at(&schedule->bench, now_ms);
        if (standing.room > 0 && standing.cents >= cents && schedule->n < GIVEN_MAX) {
            meter_take(&schedule->bench.counts, &schedule->bench.quotas, now_ms * 1000, cents);
            schedule->given[schedule->n++] = (struct given){.at_ms = now_ms, .cents = cents};
        }
        struct given *back =
            schedule->n ? &schedule->given[schedule->n - 1 - next_random(schedule, schedule->n)] : NULL;
        if (back && !back->back && next_random(schedule, 5) == 0) {
            meter_refund(&schedule->bench.counts, &schedule->bench.quotas, back->at_ms * 1000, back->cents);
            back->back = true;
        }
        check(schedule, now_ms);
    }
}

/* proves 003-34, 3-14: never over, with refunds, over changes of the clock */
static void a_thousand_random_schedules_are_never_over_and_never_closed_without_a_reason(void **state)
{
    (void) state;
    static struct schedule schedule;
    uint32_t given = 0;
    for (uint64_t seed = 1; seed <= 1000; seed++) {
        one_schedule(&schedule, seed);
        given += schedule.n;
    }
    printf("%u leads given\n", given);
    assert_true(given > 20000);
}

static void what_is_undecided_closes_and_no_clock_opens_it(void **state)
{
    (void) state;
    struct bench bench = bench_of("UTC", PER_OUTCOME, 2000);
    const int64_t t = INT64_C(1700000000000);
    bench.counts.undecided[UNIT_LEADS] = 1;
    struct standing standing = at(&bench, t);
    assert_int_equal(standing.room, 1);
    bench.counts.undecided[UNIT_LEADS] = 3; /* the limit came later */
    standing = at(&bench, t);
    assert_true(standing.room == 0 && standing.why == REASON_UNDECIDED_OVER);
    assert_true(standing.free_ms == INT64_MAX && standing.wake_ms == INT64_MAX && standing.until_ms == INT64_MAX);
    bench.quotas.most[PER_OUTCOME][UNIT_LEADS] = 0;
    bench.quotas.most[PER_OUTCOME][UNIT_CENTS] = 500;
    bench.counts.undecided[UNIT_CENTS] = 499; /* the next may cost anything */
    standing = at(&bench, t);
    assert_true(standing.room == UINT32_MAX && standing.cents == UINT64_MAX);
    bench.counts.undecided[UNIT_CENTS] = 500;
    assert_int_equal(at(&bench, t).room, 0);
    assert_int_equal(meter_used(&bench.counts, &bench.quotas, PER_OUTCOME, UNIT_CENTS, t), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_undecided_closes_and_no_clock_opens_it),
        cmocka_unit_test(an_hour_slides_and_opens_when_a_lead_is_sixty_minutes_old),
        cmocka_unit_test(a_day_ends_at_midnight_of_the_place_and_not_a_millisecond_before),
        cmocka_unit_test(a_day_of_23_hours_and_one_of_25_are_days),
        cmocka_unit_test(a_week_begins_on_monday_and_a_month_on_its_first),
        cmocka_unit_test(of_several_closed_limits_the_one_that_opens_last_is_named),
        cmocka_unit_test(the_first_hour_of_all_times_is_an_hour),
        cmocka_unit_test(half_a_lead_a_day_is_fifteen_in_thirty_days_and_never_two_at_once),
        cmocka_unit_test(no_quota_however_small_is_none),
        cmocka_unit_test(a_fraction_says_when_its_next_lead_comes),
        cmocka_unit_test(absence_saves_up_no_more_than_the_quota_rounded_up),
        cmocka_unit_test(a_budget_closes_when_it_is_spent_and_says_what_it_can_still_afford),
        cmocka_unit_test(a_budget_of_an_hour_slides),
        cmocka_unit_test(a_ramp_holds_for_its_time_and_then_no_more),
        cmocka_unit_test(leads_that_nobody_works_on_close_until_somebody_does),
        cmocka_unit_test(a_refund_opens_the_windows_it_was_counted_in_and_no_others),
        cmocka_unit_test(a_thousand_random_schedules_are_never_over_and_never_closed_without_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
