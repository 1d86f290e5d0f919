/* SPDX-License-Identifier: Apache-2.0
 * staff.h - agents and the policy as the log tells them: who is in which team, who
 * is on duty, for how long, and how many of them can draw from a pool.
 *
 * On duty is who is here and available or on demand; away is not, paused is: the
 * hours are those that somebody sat there to be given leads. */
#ifndef TAKT_REPORT_STAFF_H
#define TAKT_REPORT_STAFF_H

#include "core/image.h"
#include "core/policy.h"
#include "report/names.h"

struct window { /* of time: from <= t < until */
    int64_t from_us, until_us;
};

static inline bool window_has(const struct window *window, int64_t at_us)
{
    return at_us >= window->from_us && at_us < window->until_us;
}

struct duty {            /* an agent */
    uint32_t name, team; /* names_number() */
    bool known, on_duty;
    int64_t since_us, before_us; /* before_us: since when the duty ran that ended with since_us */
    int64_t duty_us;             /* within the window */
};

struct staff;

struct staff *staff_new(struct names *names, const struct window *window);
void staff_destroy(struct staff **staff_p);

/* Rows; false: damaged. */
bool staff_agent(struct staff *staff, const struct row_ref *row, int64_t at_us);
bool staff_policy(struct staff *staff, const struct row_ref *row);
bool staff_cell(struct staff *staff, const struct row_ref *row, int64_t at_us); /* an outage is no duty */
void staff_end(struct staff *staff, int64_t now_us);                            /* duties are counted up to now */

uint32_t staff_n(const struct staff *staff);                              /* ends the indexes */
const struct duty *staff_duty(const struct staff *staff, uint32_t agent); /* NULL: not known */
/* Agents on duty that can draw from this pool, by its name as in struct image_lead. */
uint32_t staff_of_pool(const struct staff *staff, const char *pool);
/* By the last policy; NULL: it has none of this name. */
const struct programme *staff_programme(const struct staff *staff, struct slice name);
const struct programme *staff_programme_of_team(const struct staff *staff, struct slice team);

#endif
