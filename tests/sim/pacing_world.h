/* SPDX-License-Identifier: Apache-2.0
 * pacing_world.h - what the tests of pacing share: a world in which nothing is late
 * within days and hands are large, and what an operator is told in it. */
#ifndef TAKT_TESTS_PACING_WORLD_H
#define TAKT_TESTS_PACING_WORLD_H

#include "core/limits.h"
#include "tests/sim/story.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND, HOUR = 60 * MINUTE, DAY = 24 * HOUR };

struct policy *slow_policy(void);                    /* of sim_policy(), fresh at each call */
struct sim *slow_story(const struct policy *policy); /* sources and workers are slow, too */
void add_limit(struct policy *policy, enum limit_of of, const char *name, enum limit_per per, enum limit_unit unit,
               uint64_t most);
struct policy *policy_with(enum limit_of of, enum limit_per per, uint64_t leads_milli);

struct id lead_that_costs(struct sim *sim, const char *source, uint32_t cents);
void leads(struct sim *sim, const char *source, uint32_t n);
void crowd_in_trouble(struct sim *sim); /* sixteen agents in four teams, and everything goes wrong at times */
void crash(struct sim *sim);            /* and all are connected again */

uint32_t in_hand(struct sim *sim, const struct sim_agent *agent);
enum reason why_none(struct sim *sim, const struct sim_agent *agent); /* OK: it has a card */

/* A cell of the operator's table: of the row in which some cell is `row`. */
const char *told(struct sim *sim, enum query_what what, const char *arg, const char *row, const char *column);
const char *explained(struct sim *sim, struct id lead, const char *agent); /* why not to this one */

#endif
