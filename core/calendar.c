/* SPDX-License-Identifier: Apache-2.0
 * calendar.c - see calendar.h. Everything goes over the wall clock: an instant
 * is turned into it by the zone's table, hours are looked up there, and an
 * answer is turned back. A wall clock time that a change skips begins with the
 * change; one that comes twice begins the first time. */
#include "core/calendar.h"

enum { MINUTE_MS = 60000, WEEK_DAYS = 7, SEARCH_DAYS = 731 };

/* ---- zones ------------------------------------------------------------------------ */

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

static uint32_t turns_before(const struct zone *zone, int64_t utc_ms)
{
    const int64_t at_s = floor_div(utc_ms, 1000);
    uint32_t low = 0, high = zone->n_turns; /* turns before low are over, those from high on are to come */
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (zone->turns[middle].at_s <= at_s)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int64_t offset_after(const struct zone *zone, uint32_t turns)
{
    return 1000 * (int64_t) (turns ? zone->turns[turns - 1].offset_s : zone->offset_s);
}

int64_t calendar_local_ms(const struct zone *zone, int64_t utc_ms)
{
    return utc_ms + offset_after(zone, turns_before(zone, utc_ms));
}

int64_t calendar_utc_ms(const struct zone *zone, int64_t local_ms)
{
    for (uint32_t turn = turns_before(zone, local_ms - DAY_MS);; turn++) { /* offsets are within a day */
        const int64_t begins_ms = turn ? zone->turns[turn - 1].at_s * 1000 : INT64_MIN;
        const int64_t ends_ms = turn < zone->n_turns ? zone->turns[turn].at_s * 1000 : INT64_MAX;
        const int64_t at_ms = local_ms - offset_after(zone, turn);
        if (at_ms < ends_ms)
            return at_ms > begins_ms ? at_ms : begins_ms; /* skipped by the change: with it */
    }
}

int64_t calendar_day(const struct zone *zone, int64_t utc_ms)
{
    return floor_div(calendar_local_ms(zone, utc_ms), DAY_MS);
}

int64_t calendar_day_begins_ms(const struct zone *zone, int64_t day)
{
    return calendar_utc_ms(zone, day * DAY_MS);
}

/* ---- dates: Howard Hinnant, "chrono-compatible low-level date algorithms" ------------- */

enum { DAYS_AN_ERA = 146097, DAYS_TO_1970 = 719468 };

void calendar_date(int64_t day, int32_t *ret_year, uint32_t *ret_month, uint32_t *ret_day)
{
    const int64_t from_0 = day + DAYS_TO_1970, era = floor_div(from_0, DAYS_AN_ERA);
    const int64_t of_era = from_0 - era * DAYS_AN_ERA;
    const int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    const int64_t of_year = of_era - (365 * year + year / 4 - year / 100); /* from the first of March */
    const int64_t month = (5 * of_year + 2) / 153;
    *ret_day = (uint32_t) (of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (uint32_t) (month < 10 ? month + 3 : month - 9);
    *ret_year = (int32_t) (year + era * 400 + (*ret_month <= 2));
}

int64_t calendar_day_of(int32_t year, uint32_t month, uint32_t day)
{
    const int64_t from_march = (int64_t) year - (month <= 2), era = floor_div(from_march, 400);
    const int64_t of_era = from_march - era * 400;
    const int64_t of_year = (153 * (int64_t) (month > 2 ? month - 3 : month + 9) + 2) / 5 + (int64_t) day - 1;
    return era * DAYS_AN_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970;
}

/* ---- hours ------------------------------------------------------------------------------ */

static bool closed_on(const struct hours *hours, int64_t day)
{
    int32_t year;
    uint32_t month, of_month;
    if (hours->n_closed == 0)
        return false;
    calendar_date(day, &year, &month, &of_month);
    for (uint32_t i = 0; i < hours->n_closed; i++) {
        const struct hours_closed *closed = &hours->closed[i];
        if (closed->month == month && closed->day == of_month && (closed->year == 0 || closed->year == year))
            return true;
    }
    return false;
}

static int64_t week_begins_ms(int64_t local_ms) /* 1970-01-01 was a Thursday */
{
    const int64_t day = floor_div(local_ms, DAY_MS);
    return (day - (((day + 3) % WEEK_DAYS) + WEEK_DAYS) % WEEK_DAYS) * DAY_MS;
}

bool calendar_open(const struct hours *hours, const struct zone *zone, int64_t utc_ms)
{
    const int64_t local_ms = calendar_local_ms(zone, utc_ms),
                  minute = (local_ms - week_begins_ms(local_ms)) / MINUTE_MS;
    bool open = false;
    for (uint32_t i = 0; i < hours->n_spans; i++)
        open |= minute >= hours->spans[i].from_min && minute < hours->spans[i].to_min;
    return open && !closed_on(hours, floor_div(local_ms, DAY_MS));
}

/* The first open time at or after local_ms on a wall clock that nobody changes. */
static int64_t opens_local_ms(const struct hours *hours, int64_t local_ms)
{
    const int64_t today = floor_div(local_ms, DAY_MS);
    for (int64_t day = today; day < today + SEARCH_DAYS; day++) {
        const int64_t week_ms = week_begins_ms(day * DAY_MS), ends_ms = (day + 1) * DAY_MS;
        for (uint32_t i = 0; i < hours->n_spans && !closed_on(hours, day); i++) {
            const int64_t from_ms = week_ms + (int64_t) hours->spans[i].from_min * MINUTE_MS;
            const int64_t to_ms = week_ms + (int64_t) hours->spans[i].to_min * MINUTE_MS;
            int64_t at_ms = from_ms > day * DAY_MS ? from_ms : day * DAY_MS;
            if (at_ms < local_ms)
                at_ms = local_ms;
            if (at_ms < to_ms && at_ms < ends_ms)
                return at_ms;
        }
    }
    return CALENDAR_NEVER;
}

int64_t calendar_opens_ms(const struct hours *hours, const struct zone *zone, int64_t utc_ms)
{
    for (uint32_t turn = turns_before(zone, utc_ms);; turn++) { /* between two turns the offset stands */
        const int64_t ends_ms = turn < zone->n_turns ? zone->turns[turn].at_s * 1000 : INT64_MAX;
        const int64_t shift_ms = offset_after(zone, turn);
        const int64_t opens_ms = opens_local_ms(hours, utc_ms + shift_ms);
        if (opens_ms == CALENDAR_NEVER)
            return CALENDAR_NEVER;
        if (opens_ms - shift_ms < ends_ms)
            return opens_ms - shift_ms;
        utc_ms = ends_ms;
    }
}

/* The next instant on such a clock at which a span ends or a day begins. */
static int64_t edge_local_ms(const struct hours *hours, int64_t local_ms)
{
    const int64_t week_ms = week_begins_ms(local_ms);
    int64_t edge_ms = (floor_div(local_ms, DAY_MS) + 1) * DAY_MS;
    for (uint32_t i = 0; i < hours->n_spans; i++) {
        const int64_t to_ms = week_ms + (int64_t) hours->spans[i].to_min * MINUTE_MS;
        if (to_ms > local_ms && to_ms < edge_ms)
            edge_ms = to_ms;
    }
    return edge_ms;
}

int64_t calendar_closes_ms(const struct hours *hours, const struct zone *zone, int64_t utc_ms)
{
    const int64_t last_ms = utc_ms + SEARCH_DAYS * DAY_MS;
    while (utc_ms < last_ms && calendar_open(hours, zone, utc_ms)) {
        const uint32_t turn = turns_before(zone, utc_ms);
        const int64_t shift_ms = offset_after(zone, turn);
        const int64_t turns_ms = turn < zone->n_turns ? zone->turns[turn].at_s * 1000 : INT64_MAX;
        const int64_t edge_ms = edge_local_ms(hours, utc_ms + shift_ms) - shift_ms;
        utc_ms = edge_ms < turns_ms ? edge_ms : turns_ms;
    }
    return utc_ms < last_ms ? utc_ms : CALENDAR_NEVER;
}
