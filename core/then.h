/* SPDX-License-Identifier: Apache-2.0
 * then.h - agents as they were at one moment, out of rows of the log: why one of them
 * could not have a lead then, by the very functions that keep a lead from it in the
 * broker (cards.c, pair.c, limits.c).
 *
 * It is a core that nobody else sees, with the rows of that moment and one lead. What
 * a log does not have, the connection, is taken from presence. */
#ifndef TAKT_CORE_THEN_H
#define TAKT_CORE_THEN_H

#include "core/policy.h"
#include "core/record.h"

struct then;

struct then *then_new(const struct policy *policy, uint32_t version);
void then_destroy(struct then **then_p);

/* Rows of agents, limits and the cell, and the lead's two; in any order. False: damaged. */
bool then_row(struct then *then, const struct row_ref *row);
/* All are there, and so many leads are in hands: by agent's index, n of them. False: they do not fit together. */
bool then_begin(struct then *then, int64_t now_us, const uint32_t *open, uint32_t n);

/* Why this agent had no card for the lead; REASON_OK: it had one. */
enum reason then_why_none(const struct then *then, struct id id, uint32_t index); /* of the lead, of the agent */

#endif
