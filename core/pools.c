/* SPDX-License-Identifier: Apache-2.0
 * pools.c - where each pool stands and what it is called. Three of a programme and
 * one of each team and unit stand in one table; an agent has one of its own once a
 * rule sent a lead to it. What happens in a pool is allocate.c. */
#include "core/core_private.h"

#include <string.h>

uint32_t pool_index(uint32_t programme, enum ring ring, uint32_t team)
{
    switch (ring) {
    case RING_TEAM:
        return POLICY_PROGRAMMES_MAX * 3 + team;
    case RING_AGENT:
        assert(!"an agent's pool is its own");
        break;
    case RING_WIDE:
        return programme * 3 + 1;
    case RING_LAST:
        return programme * 3 + 2;
    case RING_OWN:
        break;
    }
    return programme * 3;
}

void pool_name_of(struct slice programme, enum ring ring, struct slice team, char ret_name[POOL_NAME_MAX])
{
    static const char wide[] = "+wide", last[] = "+last";
    const struct slice rest = ring == RING_TEAM || ring == RING_AGENT ? team
                              : ring == RING_WIDE                     ? slice_of(wide, strlen(wide))
                              : ring == RING_LAST                     ? slice_of(last, strlen(last))
                                                                      : slice_of(wide, 0);
    assert(programme.len + rest.len + 2 <= POOL_NAME_MAX);
    memcpy(ret_name, programme.at, programme.len);
    ret_name[programme.len] = ring == RING_AGENT ? '>' : '/';
    memcpy(ret_name + programme.len + 1, rest.at, rest.len);
    ret_name[rest.len ? programme.len + 1 + rest.len : programme.len] = 0;
}

const char *pool_member(const struct core *core, enum ring ring, uint32_t team)
{
    return ring == RING_TEAM ? core->policy.teams[team].name : ring == RING_AGENT ? core->agents[team]->name : "";
}

void pool_name(const struct core *core, const struct pool *pool, char ret_name[POOL_NAME_MAX])
{
    const char *programme = programme_of(core, pool->programme)->name;
    const char *team = pool_member(core, pool->ring, pool->team);
    pool_name_of(slice_of(programme, strlen(programme)), pool->ring, slice_of(team, strlen(team)), ret_name);
}

struct pool *pool_of(struct core *core, const struct lead *lead)
{
    if (lead->ring == RING_AGENT)
        return core->agents[lead->team]->direct;
    return &core->pools[pool_index(lead->programme, lead->ring, lead->team)];
}
