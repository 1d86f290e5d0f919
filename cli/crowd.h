/* SPDX-License-Identifier: Apache-2.0
 * crowd.h - many simulated agents in one process, each with its own connection,
 * served by one loop. What one of them does is crew.h's; when it is enough is
 * decided by whoever runs them: `takt crew`, `takt bench`. */
#ifndef TAKT_CLI_CROWD_H
#define TAKT_CLI_CROWD_H

#include "cli/crew.h"

enum { CROWD_MAX = 2000 };

struct crowd;

/* `n` agents, named PREFIX-0001 and so on, each on its way to its session. `plan`
 * and `counts` outlive them. NULL after saying on stderr what is wrong. */
struct crowd *crowd_new(const struct crew_plan *plan, struct crew_counts *counts, uint32_t n, const char *prefix,
                        uint64_t seed);
void crowd_destroy(struct crowd **crowd_p);

/* Call crowd_turn() when the descriptor is readable and at crowd_next_us(). */
int crowd_fd(const struct crowd *crowd);
int64_t crowd_next_us(const struct crowd *crowd);
void crowd_turn(struct crowd *crowd, int64_t now_us);

unsigned crowd_holds(const struct crowd *crowd); /* leads in all hands */

#endif
