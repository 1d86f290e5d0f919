/* SPDX-License-Identifier: Apache-2.0
 * calendar.h - wall clocks of places, and weekly hours. A zone is a table of
 * transitions, made from the system's zone database by policy/policy_zones.c:
 * the core knows no file. Hours are intervals of a week on the wall clock, less
 * closed days, so that 08:00 stays 08:00 when the clocks change.
 *
 * utc_ms is ms since 1970 UTC; local_ms is what the wall clock there shows, as
 * if it were UTC. All are pure. */
#ifndef TAKT_CORE_CALENDAR_H
#define TAKT_CORE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define DAY_MS INT64_C(86400000)
#define CALENDAR_NEVER INT64_MAX

enum { ZONE_NAME_MAX = 32, ZONE_TURNS_MAX = 96, HOURS_SPANS_MAX = 16, HOURS_CLOSED_MAX = 32 };

struct zone {
    char name[ZONE_NAME_MAX + 1]; /* of the zone database, "America/Chicago" */
    int32_t offset_s;             /* east of UTC, before the first turn */
    uint32_t n_turns;
    struct zone_turn {
        int64_t at_s; /* since 1970 UTC */
        int32_t offset_s;
    } turns[ZONE_TURNS_MAX]; /* ascending; the last holds for ever */
};

struct hours {
    uint32_t n_spans, n_closed;
    struct hours_span {
        uint32_t from_min, to_min; /* minutes since Monday 00:00; from < to <= 7 x 1440 */
    } spans[HOURS_SPANS_MAX];      /* ascending, apart */
    struct hours_closed {
        uint16_t year; /* 0 = every year */
        uint8_t month, day;
    } closed[HOURS_CLOSED_MAX]; /* whole days on the wall clock */
};

int64_t calendar_local_ms(const struct zone *zone, int64_t utc_ms);

/* The first instant at which the wall clock there shows local_ms or more. */
int64_t calendar_utc_ms(const struct zone *zone, int64_t local_ms);

/* Days since 1970 on the wall clock there, and the first instant of such a day. */
int64_t calendar_day(const struct zone *zone, int64_t utc_ms);
int64_t calendar_day_begins_ms(const struct zone *zone, int64_t day);

/* Day of the proleptic Gregorian calendar, month and day from 1; and back. */
void calendar_date(int64_t day, int32_t *ret_year, uint32_t *ret_month, uint32_t *ret_day);
int64_t calendar_day_of(int32_t year, uint32_t month, uint32_t day);

bool calendar_open(const struct hours *hours, const struct zone *zone, int64_t utc_ms);

/* The first instant >= utc_ms at which it is open; CALENDAR_NEVER if it is not within two years. */
int64_t calendar_opens_ms(const struct hours *hours, const struct zone *zone, int64_t utc_ms);

/* The same, at which it is not. */
int64_t calendar_closes_ms(const struct hours *hours, const struct zone *zone, int64_t utc_ms);

#endif
