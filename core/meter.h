/* SPDX-License-Identifier: Apache-2.0
 * meter.h - what one agent, team or source was given, hour by hour and day by day,
 * and how much more it may get by its quotas. Knows no policy and no lead: which
 * quotas hold for whom, and what they mean for allocation, is limits.c.
 *
 * An hour slides. It is counted in minutes and a minute leaves whole, so that a
 * lead counts for 60 to 61 minutes: never too much within any hour. Days, weeks
 * (from Monday) and months are those of the subject's wall clock. What is left of
 * a quota is lost with its window, but for the fraction: 0.5 a day is a lead every
 * second day, and never two at once. */
#ifndef TAKT_CORE_METER_H
#define TAKT_CORE_METER_H

#include "core/calendar.h"
#include "core/policy.h"
#include "proto/msg.h"

enum { METER_MINUTES = 61, LEAD_MILLI = 1000, METER_DAY_MAX = 3000000 /* the year 10183 */ };

struct window {  /* the one in which something was counted last */
    int64_t day; /* its first, since 1970 on the wall clock; -1 = nothing was counted yet */
    uint64_t used[UNITS];
    uint32_t carry_milli; /* of a lead: what earlier windows left of it */
};

struct standing {
    uint32_t room;    /* leads it may be given now; UINT32_MAX = any number */
    uint16_t why;     /* enum reason, when there is none */
    int64_t free_ms;  /* when there will be some; INT64_MAX: time alone does not help */
    int64_t wake_ms;  /* when something opens that is closed now */
    int64_t until_ms; /* so long it stands, if nothing is counted */
    uint64_t cents;   /* a lead may cost so much; UINT64_MAX = anything */
};

struct meter_counts { /* ROW_METER */
    int64_t since_us; /* 0 = nothing was counted yet: nothing to keep */
    int64_t ramp_until_ms;
    uint32_t unworked;                      /* leads given since it last acted on one */
    uint64_t undecided[UNITS];              /* that it has: given, and not yet without it or at an end */
    struct window windows[PERIODS];         /* [PER_HOUR] is not used */
    int64_t minute;                         /* since 1970, the last one counted in */
    uint64_t minutes[METER_MINUTES][UNITS]; /* by minute, a ring */
};

struct meter_quotas {                  /* out of the policy */
    uint64_t most[LIMIT_PERS][UNITS];  /* thousandths of leads, or cents; 0 = no limit */
    uint32_t ramp_leads, unworked_max; /* 0 = no limit */
    const struct zone *zone;
};

void meter_init(struct meter_counts *counts);
struct standing meter_standing(const struct meter_counts *counts, const struct meter_quotas *quotas, int64_t now_ms);
void meter_take(struct meter_counts *counts, const struct meter_quotas *quotas, int64_t now_us, uint64_t cents);

/* What was taken at `at_us` came back. Windows that are over stay as they were, but for the fraction they leave. */
void meter_refund(struct meter_counts *counts, const struct meter_quotas *quotas, int64_t at_us, uint64_t cents);

/* Leads, or cents, counted in the window of now; PER_OUTCOME: undecided. */
uint64_t meter_used(const struct meter_counts *counts, const struct meter_quotas *quotas, enum limit_per per,
                    enum limit_unit unit, int64_t now_ms);

#endif
