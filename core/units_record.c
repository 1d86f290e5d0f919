/* SPDX-License-Identifier: Apache-2.0
 * units_record.c - whose turn it is to be refilled, over restarts and policies: the
 * row of a pool that hands its leads down. Pools and teams are written by name: a
 * place in the tables may be another's when the log is read again. */
#include "core/record_bytes.h"

#include <stdlib.h>

void unit_turn(struct core *core, struct pool *upstream, uint32_t team)
{
    upstream->turn = team;
    if (upstream->turned)
        return;
    upstream->turned = true;
    core->turned_pools[core->n_turned_pools++] = upstream;
}

/* Another policy is coming: a place will be another's or nobody's, or its turn was of a team that is no more. What is
 * new gets a row, or one of its name's former life would speak for it. */
void units_keep_turns(struct core *core, const struct policy *new, bool loading)
{
    enum { TEAMS_FROM = POLICY_PROGRAMMES_MAX * 3 };
    const struct policy *old = &core->policy;
    const uint32_t n_teams = old->n_teams > new->n_teams ? old->n_teams : new->n_teams;
    for (uint32_t i = 0; i < TEAMS_FROM + n_teams; i += i < TEAMS_FROM ? 3 : 1) {
        struct pool *pool = &core->pools[i];
        const struct policy_team *team = i < TEAMS_FROM ? NULL : &new->teams[i - TEAMS_FROM];
        const char *name = team ? team->name : new->programmes[i / 3].name;
        const bool same = team ? policy_is_same_unit(&old->teams[i - TEAMS_FROM], team)
                               : strcmp(old->programmes[i / 3].name, name) == 0;
        const bool stays = pool->turn == NONE || strcmp(old->teams[pool->turn].name, new->teams[pool->turn].name) == 0;
        if (same && stays)
            continue;
        pool->turn = NONE;
        if (!loading && name[0] && (!team || team->kind >= UNIT_OFFICE))
            unit_turn(core, pool, NONE);
    }
}

static void record(const struct core *core, const struct pool *pool, struct buf *body)
{
    char name[POOL_NAME_MAX];
    pool_name(core, pool, name);
    struct writer row = row_begin(body, ROW_TURN, name, strlen(name), NUMBER_BYTES_MAX + NAME_BYTES_MAX);
    put_text(&row, pool->turn == NONE ? "" : core->policy.teams[pool->turn].name);
    row_end(&row);
}

uint32_t units_seal(struct core *core, struct buf *body)
{
    uint32_t rows = 0;
    for (uint32_t i = 0; i < core->n_turned_pools; i++) {
        struct pool *pool = core->turned_pools[i];
        const bool is_there = pool->ring == RING_TEAM ? core->policy.teams[pool->team].name[0]
                                                      : programme_of(core, pool->programme)->name[0];
        if (is_there)
            record(core, pool, body);
        rows += is_there;
        pool->turned = false;
    }
    core->n_turned_pools = 0;
    return rows;
}

/* Of a pool or a team that is gone from the policy there is none. */
bool units_apply(struct core *core, struct slice key, struct reader *reader)
{
    const uint8_t *slash = memchr(key.at, '/', key.len);
    const uint32_t len = slash ? (uint32_t) (slash - key.at) : key.len;
    const uint32_t programme = programme_by_name(core, slice_of(key.at, len));
    const struct slice team = get_text(reader);
    if (reader->bad || reader->at != reader->end)
        return false;
    const uint32_t unit =
        programme == NONE || !slash ? NONE : unit_find(core, programme, slice_of(key.at + len + 1, key.len - len - 1));
    if (programme == NONE || (slash && unit == NONE))
        return true;
    core->pools[pool_index(programme, slash ? RING_TEAM : RING_OWN, unit)].turn = team_find(core, team);
    return true;
}

static int by_name(const void *a, const void *b, void *core)
{
    char x[POOL_NAME_MAX], y[POOL_NAME_MAX];
    pool_name(core, *(struct pool *const *) a, x);
    pool_name(core, *(struct pool *const *) b, y);
    return strcmp(x, y);
}

void units_dump(const struct core *core, struct buf *body)
{
    struct pool **pools = calloc(core->n_pools, sizeof(struct pool *));
    uint32_t n = 0;
    assert(pools);
    for (uint32_t i = 0; i < core->n_pools; i++)
        if (core->pools[i].turn != NONE)
            pools[n++] = &core->pools[i];
    qsort_r(pools, n, sizeof(struct pool *), by_name, (void *) core);
    for (uint32_t i = 0; i < n; i++)
        record(core, pools[i], body);
    free(pools);
}
