/* SPDX-License-Identifier: Apache-2.0
 * lead_exclude.c - who may not have a lead: who had it, for good, and who declined
 * it, for a while. Bounded: when it is full, the one that would end first gives
 * way, and since past owners are at most POLICY_OWNERS_MAX, that is none of them. */
#include "core/core_private.h"

#include <stdlib.h>

const struct exclude *lead_excluded(const struct lead *lead, uint32_t agent, int64_t run_now_ms)
{
    for (uint32_t i = 0; i < lead->n_excludes; i++)
        if (lead->excludes[i].agent == agent && lead->excludes[i].until_ms > run_now_ms)
            return &lead->excludes[i];
    return NULL;
}

static void put(struct core *core, struct lead *lead, uint32_t agent, enum reason reason, int64_t until_ms)
{
    uint32_t slot = lead->n_excludes, oldest = 0;
    for (uint32_t i = 0; i < lead->n_excludes; i++) {
        if (lead->excludes[i].agent == agent) {
            slot = i;
            break;
        }
        if (lead->excludes[i].until_ms <= run_ms(core))
            slot = i;
        if (lead->excludes[i].until_ms < lead->excludes[oldest].until_ms)
            oldest = i;
    }
    if (slot == lead->n_excludes && lead->n_excludes == EXCLUSIONS_MAX)
        slot = oldest;
    if (slot == lead->n_excludes) {
        if (lead->n_excludes == lead->excludes_room) {
            lead->excludes_room = (uint8_t) (lead->excludes_room ? lead->excludes_room * 2 : 2);
            lead->excludes = realloc(lead->excludes, lead->excludes_room * sizeof *lead->excludes);
            assert(lead->excludes);
        }
        lead->n_excludes++;
    } else if (lead->excludes[slot].agent == agent && lead->excludes[slot].until_ms > until_ms) {
        return; /* an exclusion for ever is not shortened */
    }
    lead->excludes[slot] = (struct exclude){agent, (uint16_t) reason, until_ms};
    lead_touch(core, lead);
}

void lead_exclude(struct core *core, struct lead *lead, uint32_t agent, enum reason reason, int64_t until_ms)
{
    turnover_names(core, lead, -1, true);
    put(core, lead, agent, reason, until_ms);
    turnover_names(core, lead, +1, true);
}

void lead_admit(struct core *core, struct lead *lead, uint32_t agent)
{
    turnover_names(core, lead, -1, true);
    for (uint32_t i = 0; i < lead->n_excludes; i++)
        while (i < lead->n_excludes && lead->excludes[i].agent == agent)
            lead->excludes[i] = lead->excludes[--lead->n_excludes];
    turnover_names(core, lead, +1, true);
}
