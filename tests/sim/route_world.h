/* SPDX-License-Identifier: Apache-2.0
 * route_world.h - a small world under a policy as a user writes it: YAML in, leads
 * told as "state=CA zip=90210", and where they wait or whom they reached. */
#ifndef TAKT_TESTS_ROUTE_WORLD_H
#define TAKT_TESTS_ROUTE_WORLD_H

#include "tests/sim/story.h"

/* The policy must be good. Its timers are those of the world: unclaimed after 2 s, offers last 1 s. */
struct sim *world_new(const char *yaml);
void world_apply(struct sim *sim, const char *yaml); /* comes into force, or the test fails */
/* What the linter says, line by line; "" = nothing. Static, until the next call. */
const char *world_findings(const char *yaml);

struct id world_lead(struct sim *sim, const char *source, const char *attributes);
const char *world_pool(struct sim *sim, struct id lead); /* where it waits; "" when it does not. Static */
/* A field of `takt explain`; "" when it has none. Static. */
const char *world_explain(struct sim *sim, struct id lead, const char *field);

#define assert_pool(sim, lead, name) assert_string_equal(world_pool((sim), (lead)), (name))

#endif
