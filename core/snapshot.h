/* SPDX-License-Identifier: Apache-2.0
 * snapshot.h - what a decision was made from, as the log keeps it: a window's leads
 * and agents in their order, who was kept from whom, and why. With the inputs of its
 * leads, the skills of its agents and the policy it names it gives the same choice
 * again, bit for bit: nothing of today's state is asked.
 *
 * A lead is named by its place in the order of arrival, one byte or two where its id
 * takes sixteen: its input has both. */
#ifndef TAKT_CORE_SNAPSHOT_H
#define TAKT_CORE_SNAPSHOT_H

#include "core/record.h"
#include "proto/msg.h"

enum { SNAPSHOT_AGENTS_MAX = 128 }; /* of a window */

struct snapshot_lead {
    uint64_t seq;        /* its input's */
    uint32_t only_agent; /* 1 + place of the agent it was kept for, 0 = anyone */
};
struct snapshot_agent {
    uint32_t index;
    struct request_agent as_seen; /* without its skills: its own row has them */
};
struct snapshot_exclusion {
    uint32_t lead, agent; /* places */
    enum reason reason;
};

struct snapshot {
    uint64_t request, rotation;
    char programme[NAME_BYTES_MAX + 1];
    uint32_t policy_version;
    enum strategy strategy;
    int64_t built_us; /* the window: ages count up to here */
    uint32_t n_leads, n_agents, n_excluded;
    struct snapshot_lead *leads;
    struct snapshot_agent *agents;
    struct snapshot_exclusion *excluded;
};

bool snapshot_is_of(const struct row_ref *row, uint64_t request);
struct snapshot *snapshot_new(const struct row_ref *row); /* NULL: damaged */
void snapshot_destroy(struct snapshot **snapshot_p);

/* What chance went by: the same for a request whenever it is decided. */
static inline uint64_t snapshot_seed(uint64_t request)
{
    return request * UINT64_C(0x9E3779B97F4A7C15);
}

/* What the lead's age was taken for, at most 49 days. */
static inline uint32_t snapshot_age_ms(int64_t from_us, int64_t to_us)
{
    const int64_t age_ms = (to_us - from_us) / 1000;
    return age_ms < 0 ? 0 : age_ms > UINT32_MAX ? UINT32_MAX : (uint32_t) age_ms;
}

#endif
