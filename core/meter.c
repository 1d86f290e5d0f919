/* SPDX-License-Identifier: Apache-2.0
 * meter.c - see meter.h. Windows are rolled on when something is counted, never
 * by looking: so what is kept depends on what happened alone, and a restart finds
 * the same. */
#include "core/meter.h"

#include <stddef.h>

enum { MINUTE_MS = 60000, WEEK_DAYS = 7, MONTHS = 12 };

/* ---- windows of the wall clock ----------------------------------------------------- */

/* The first day of the window that begins `later` windows after the one of `day`. */
static int64_t window_day(enum limit_per per, int64_t day, int64_t later)
{
    int32_t year;
    uint32_t month, of_month;
    if (per == PER_DAY)
        return day + later;
    if (per == PER_WEEK) /* 1970-01-01 was a Thursday */
        return day - (day + 3) % WEEK_DAYS + later * WEEK_DAYS;
    calendar_date(day, &year, &month, &of_month);
    const int64_t months = (int64_t) year * MONTHS + month - 1 + later;
    return calendar_day_of((int32_t) (months / MONTHS), (uint32_t) (months % MONTHS) + 1, 1);
}

static int64_t windows_between(enum limit_per per, int64_t from_day, int64_t to_day)
{
    int32_t from_year, to_year;
    uint32_t from_month, to_month, of_month;
    if (per != PER_MONTH)
        return (to_day - from_day) / (per == PER_DAY ? 1 : WEEK_DAYS);
    calendar_date(from_day, &from_year, &from_month, &of_month);
    calendar_date(to_day, &to_year, &to_month, &of_month);
    return ((int64_t) to_year - from_year) * MONTHS + to_month - from_month;
}

/* ---- quotas of a window --------------------------------------------------------------- */

static uint64_t at_most(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Less than a whole lead is left over from one window to the next: so a window gives the quota rounded up at most. */
static uint64_t left_milli(const struct window *window, uint64_t most_milli)
{
    const uint64_t allowed = most_milli + window->carry_milli, used = window->used[UNIT_LEADS] * LEAD_MILLI;
    return used < allowed ? allowed - used : 0;
}

/* `window` as it is on `day`. A wall clock that was put back does not open it again. */
static struct window rolled(const struct window *window, enum limit_per per, uint64_t most_milli, int64_t day)
{
    struct window now = {.day = window_day(per, day, 0), .carry_milli = LEAD_MILLI - 1};
    if (window->day < 0)
        return now;
    const int64_t later = windows_between(per, window->day, now.day);
    if (later <= 0)
        return *window;
    const uint64_t between = later > LEAD_MILLI ? LEAD_MILLI : (uint64_t) later - 1;
    const uint64_t left = left_milli(window, most_milli) + between * at_most(most_milli, LEAD_MILLI);
    now.carry_milli = (uint32_t) at_most(most_milli ? left : LEAD_MILLI, LEAD_MILLI - 1);
    return now;
}

void meter_init(struct meter_counts *counts)
{
    *counts = (struct meter_counts){0};
    for (int per = PER_DAY; per < PERIODS; per++)
        counts->windows[per].day = -1;
}

/* ---- where it stands --------------------------------------------------------------------- */

static void shut(struct standing *standing, enum reason why, int64_t free_ms)
{
    if (standing->room > 0 || free_ms > standing->free_ms) {
        standing->why = (uint16_t) why;
        standing->free_ms = free_ms;
    }
    standing->room = 0;
}

static void bound(struct standing *standing, uint64_t room, enum reason why, int64_t free_ms)
{
    if (room == 0)
        shut(standing, why, free_ms);
    else if (room < standing->room)
        standing->room = (uint32_t) room;
}

static void bound_cents(struct standing *standing, uint64_t most, uint64_t used, int64_t free_ms)
{
    const uint64_t left = used < most ? most - used : 0;
    if (left < standing->cents)
        standing->cents = left;
    if (used > 0 && free_ms < standing->wake_ms) /* a dearer lead can be afforded then */
        standing->wake_ms = free_ms;
    if (left == 0)
        shut(standing, REASON_BUDGET, free_ms);
}

static void sooner(int64_t *at_ms, int64_t other_ms)
{
    if (other_ms < *at_ms)
        *at_ms = other_ms;
}

static void look_at_window(const struct meter_counts *counts, const struct meter_quotas *quotas, enum limit_per per,
                           int64_t today, struct standing *standing)
{
    static const enum reason caps[PERIODS] = {
        [PER_DAY] = REASON_CAP_DAY, [PER_WEEK] = REASON_CAP_WEEK, [PER_MONTH] = REASON_CAP_MONTH};
    const uint64_t leads = quotas->most[per][UNIT_LEADS], cents = quotas->most[per][UNIT_CENTS];
    if (!leads && !cents)
        return;
    const struct window window = rolled(&counts->windows[per], per, leads, today);
    const int64_t next_ms = calendar_day_begins_ms(quotas->zone, window_day(per, window.day, 1));
    sooner(&standing->until_ms, next_ms);
    if (leads) {
        const uint64_t left = left_milli(&window, leads);
        /* a quota below one is saved up for over some windows */
        const uint64_t windows = left < LEAD_MILLI ? (LEAD_MILLI - left + leads - 1) / leads : 1;
        const int64_t day = window_day(per, window.day, (int64_t) windows);
        bound(standing, left / LEAD_MILLI, caps[per], calendar_day_begins_ms(quotas->zone, day));
    }
    if (cents)
        bound_cents(standing, cents, window.used[UNIT_CENTS], next_ms);
}

static bool counts_still(const struct meter_counts *counts, int64_t minute, int64_t now_minute)
{
    return minute >= 0 && minute <= counts->minute && minute > counts->minute - METER_MINUTES &&
           minute > now_minute - METER_MINUTES;
}

static uint64_t in_minute(const struct meter_counts *counts, enum limit_unit unit, int64_t minute, int64_t now_minute)
{
    return counts_still(counts, minute, now_minute) ? counts->minutes[minute % METER_MINUTES][unit] : 0;
}

static uint64_t in_hour(const struct meter_counts *counts, enum limit_unit unit, int64_t now_minute)
{
    uint64_t sum = 0;
    for (int64_t minute = now_minute - METER_MINUTES + 1; minute <= now_minute; minute++)
        sum += in_minute(counts, unit, minute, now_minute);
    return sum;
}

/* When so many minutes have left the hour that less than `below` is in it. */
static int64_t hour_below_ms(const struct meter_counts *counts, enum limit_unit unit, int64_t now_minute,
                             uint64_t below)
{
    uint64_t sum = in_hour(counts, unit, now_minute);
    int64_t minute = now_minute - METER_MINUTES + 1;
    for (; sum >= below && minute < now_minute; minute++)
        sum -= in_minute(counts, unit, minute, now_minute);
    return (sum >= below ? minute + METER_MINUTES : minute - 1 + METER_MINUTES) * MINUTE_MS;
}

static void look_at_hour(const struct meter_counts *counts, const struct meter_quotas *quotas, int64_t now_ms,
                         struct standing *standing)
{
    const uint64_t leads = quotas->most[PER_HOUR][UNIT_LEADS] / LEAD_MILLI, cents = quotas->most[PER_HOUR][UNIT_CENTS];
    const bool ramp = quotas->ramp_leads && counts->ramp_until_ms > now_ms;
    const int64_t minute = now_ms / MINUTE_MS;
    if (!leads && !cents && !ramp)
        return;
    const uint64_t used = in_hour(counts, UNIT_LEADS, minute), spent = in_hour(counts, UNIT_CENTS, minute);
    if (used || spent)
        sooner(&standing->until_ms, (minute + 1) * MINUTE_MS);
    if (leads)
        bound(standing, used < leads ? leads - used : 0, REASON_CAP_HOUR,
              used < leads ? 0 : hour_below_ms(counts, UNIT_LEADS, minute, leads));
    if (cents)
        bound_cents(standing, cents, spent,
                    spent ? hour_below_ms(counts, UNIT_CENTS, minute, spent < cents ? spent : cents) : 0);
    if (!ramp)
        return;
    int64_t free_ms = used < quotas->ramp_leads ? 0 : hour_below_ms(counts, UNIT_LEADS, minute, quotas->ramp_leads);
    sooner(&free_ms, counts->ramp_until_ms);
    sooner(&standing->until_ms, counts->ramp_until_ms);
    bound(standing, used < quotas->ramp_leads ? quotas->ramp_leads - used : 0, REASON_RAMP, free_ms);
}

/* Only outcomes make room, no clock. In money there is room for a lead of any cost, or for none: what is left over
 * would go to cheap ones alone. */
static void look_at_undecided(const struct meter_counts *counts, const struct meter_quotas *quotas,
                              struct standing *standing)
{
    const uint64_t leads = quotas->most[PER_OUTCOME][UNIT_LEADS] / LEAD_MILLI;
    const uint64_t cents = quotas->most[PER_OUTCOME][UNIT_CENTS];
    const uint64_t has = counts->undecided[UNIT_LEADS];
    if (leads)
        bound(standing, has < leads ? leads - has : 0, REASON_UNDECIDED_OVER, INT64_MAX);
    if (cents && counts->undecided[UNIT_CENTS] >= cents)
        shut(standing, REASON_UNDECIDED_OVER, INT64_MAX);
}

struct standing meter_standing(const struct meter_counts *counts, const struct meter_quotas *quotas, int64_t now_ms)
{
    struct standing standing = {.room = UINT32_MAX, .wake_ms = INT64_MAX, .until_ms = INT64_MAX, .cents = UINT64_MAX};
    const int64_t today = calendar_day(quotas->zone, now_ms);
    for (enum limit_per per = PER_DAY; per < PERIODS; per++)
        look_at_window(counts, quotas, per, today, &standing);
    look_at_hour(counts, quotas, now_ms, &standing);
    if (quotas->unworked_max)
        bound(&standing, counts->unworked < quotas->unworked_max ? quotas->unworked_max - counts->unworked : 0,
              REASON_UNWORKED_OVER, INT64_MAX);
    look_at_undecided(counts, quotas, &standing);
    if (standing.room == 0)
        sooner(&standing.wake_ms, standing.free_ms);
    return standing;
}

/* ---- counting ------------------------------------------------------------------------------- */

static void turn_minutes(struct meter_counts *counts, int64_t minute)
{
    const int64_t first = minute - counts->minute >= METER_MINUTES ? minute - METER_MINUTES + 1 : counts->minute + 1;
    for (int64_t m = first; m <= minute; m++)
        for (int unit = 0; unit < UNITS; unit++)
            counts->minutes[m % METER_MINUTES][unit] = 0;
    if (minute > counts->minute)
        counts->minute = minute;
}

void meter_take(struct meter_counts *counts, const struct meter_quotas *quotas, int64_t now_us, uint64_t cents)
{
    const int64_t today = calendar_day(quotas->zone, now_us / 1000);
    for (enum limit_per per = PER_DAY; per < PERIODS; per++) {
        struct window *window = &counts->windows[per];
        *window = rolled(window, per, quotas->most[per][UNIT_LEADS], today);
        window->used[UNIT_LEADS]++;
        window->used[UNIT_CENTS] += cents;
    }
    turn_minutes(counts, now_us / 1000 / MINUTE_MS);
    counts->minutes[counts->minute % METER_MINUTES][UNIT_LEADS]++;
    counts->minutes[counts->minute % METER_MINUTES][UNIT_CENTS] += cents;
    counts->unworked++;
}

static void take_off(uint64_t used[UNITS], uint64_t cents)
{
    used[UNIT_LEADS] -= used[UNIT_LEADS] > 0;
    used[UNIT_CENTS] -= at_most(cents, used[UNIT_CENTS]);
}

void meter_refund(struct meter_counts *counts, const struct meter_quotas *quotas, int64_t at_us, uint64_t cents)
{
    const int64_t day = calendar_day(quotas->zone, at_us / 1000), minute = at_us / 1000 / MINUTE_MS;
    for (enum limit_per per = PER_DAY; per < PERIODS; per++)
        if (counts->windows[per].day == window_day(per, day, 0))
            take_off(counts->windows[per].used, cents);
    if (counts_still(counts, minute, counts->minute))
        take_off(counts->minutes[minute % METER_MINUTES], cents);
    counts->unworked -= counts->unworked > 0;
}

uint64_t meter_used(const struct meter_counts *counts, const struct meter_quotas *quotas, enum limit_per per,
                    enum limit_unit unit, int64_t now_ms)
{
    if (per == PER_OUTCOME)
        return counts->undecided[unit];
    if (per == PER_HOUR)
        return in_hour(counts, unit, now_ms / MINUTE_MS);
    return rolled(&counts->windows[per], per, quotas->most[per][UNIT_LEADS], calendar_day(quotas->zone, now_ms))
        .used[unit];
}
