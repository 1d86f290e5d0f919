/* SPDX-License-Identifier: Apache-2.0
 * allocate.c - everything is a match between a lead and a card. Pools that may
 * match are marked; at the end of the beat each marked pool gets windows of its
 * first leads and of the agents who have been free the longest. A worker scores
 * and decides a window; with no worker, or none in time, the plain order does
 * (pool order; longest idle). Every verdict is checked, row by row, against the
 * state of now: a lead in a request is marked, not locked; slots lent to a
 * request are not promised to another. */
#include "core/core_private.h"
#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

/* ---- marking ---------------------------------------------------------------------- */

void allocate_mark(struct core *core, struct pool *pool)
{
    if (pool->dirty)
        return;
    pool->dirty = true;
    core->dirty_pools[core->n_dirty_pools++] = pool;
}

static void list_due(struct core *core, struct agent *agent)
{
    if (agent->due_listed)
        return;
    agent->due_listed = true;
    core->due_agents[core->n_due_agents++] = agent->index;
}

/* All from which it may take. The oldest first: leads that went unclaimed, then its own, its units', its programme's.
 */
uint32_t allocate_pools_for(struct core *core, const struct agent *agent, struct pool *ret[POOLS_FOR_ONE])
{
    uint32_t n = 0;
    for (uint32_t p = 0; p < core->policy.n_programmes; p++)
        if (p == agent->programme || programme_of(core, p)->widen == WIDEN_CELL) {
            ret[n++] = &core->pools[pool_index(p, RING_LAST, NONE)];
            ret[n++] = &core->pools[pool_index(p, RING_WIDE, NONE)];
        }
    if (agent->direct)
        ret[n++] = agent->direct;
    for (uint32_t unit = agent->team; unit != NONE; unit = unit_above(core, unit))
        ret[n++] = &core->pools[pool_index(agent->programme, RING_TEAM, unit)];
    ret[n++] = &core->pools[pool_index(agent->programme, RING_OWN, NONE)];
    return n;
}

void allocate_agent(struct core *core, struct agent *agent)
{
    struct pool *pools[POOLS_FOR_ONE];
    const uint32_t n = allocate_pools_for(core, agent, pools);
    for (uint32_t i = 0; i < n; i++)
        aside_look(core, pools[i], agent);
    if (agent->due)
        list_due(core, agent);
}

/* It was missing where its kinds were put aside, and from pools that found no card at all. */
void allocate_back(struct core *core, const struct agent *agent)
{
    struct pool *pools[POOLS_FOR_ONE];
    const uint32_t n = allocate_pools_for(core, agent, pools);
    for (uint32_t i = 0; i < n; i++) {
        aside_open(core, pools[i], agent);
        if (pools[i]->dry)
            aside_retry(core, pools[i]);
    }
}

/* Not before the last request is over: two pools that lend each other's slots would try for ever. */
void allocate_mark_short(struct core *core)
{
    if (core->n_asks)
        return;
    for (uint32_t i = 0; i < core->n_short_pools; i++) {
        core->short_pools[i]->short_of = false;
        aside_retry(core, core->short_pools[i]);
    }
    core->n_short_pools = 0;
}

/* ---- who takes from a pool ---------------------------------------------------------------- */

static bool of_cell(const struct core *core, const struct pool *pool)
{
    return (pool->ring == RING_WIDE || pool->ring == RING_LAST) &&
           programme_of(core, pool->programme)->widen == WIDEN_CELL;
}

bool allocate_in_scope(const struct core *core, const struct pool *pool, const struct agent *agent)
{
    if (pool->ring == RING_TEAM)
        return unit_has(core, pool->team, agent->team);
    if (pool->ring == RING_AGENT)
        return agent->index == pool->team && agent->programme == pool->programme;
    return agent->programme == pool->programme || of_cell(core, pool);
}

struct scope *pool_scope(struct core *core, const struct pool *pool)
{
    if (pool->ring == RING_TEAM)
        return &core->team_scopes[pool->team];
    return of_cell(core, pool) ? &core->cell_scope : &core->programme_scopes[pool->programme];
}

struct heap *pool_cards(struct core *core, const struct pool *pool)
{
    struct scope *scope = pool_scope(core, pool);
    return pool->ring == RING_LAST ? &scope->able : &scope->card;
}

uint32_t allocate_free_slots(const struct core *core, const struct agent *agent, enum ring ring)
{
    enum reason why;
    const uint32_t slots =
        ring == RING_LAST ? agent_slots(core, agent, &why, NULL) : agent_cards(core, agent, &why, NULL);
    return slots > agent->lent ? slots - agent->lent : 0;
}

/* ---- asking ------------------------------------------------------------------------------------ */

static bool twice_refused(const struct ask *ask)
{
    for (uint32_t i = 0; i < ask->n_leads; i++)
        if (ask->leads[i]->refusals >= 2)
            return true;
    return false;
}

/* Turns are handed out one window at a time: two that begin at the same turn would serve it twice. */
static bool turn_is_out(const struct core *core, uint32_t programme)
{
    const enum keeps keeps = strategy_keeps(programme_of(core, programme)->strategy);
    for (uint32_t i = 0; i < ASKS_MAX && (keeps == KEEPS_TURN || keeps == KEEPS_PASS); i++)
        if (core->asks[i] && core->asks[i]->id && core->asks[i]->programme == programme)
            return true;
    return false;
}

/* Returns false when nothing more can be decided in this beat for this pool. */
static bool decide_window(struct core *core, struct pool *pool, struct agent *only)
{
    uint32_t index = NONE;
    const bool in_turn = !turn_is_out(core, pool->programme);
    struct worker *worker = in_turn ? worker_pick(core, &index) : NULL;
    if (!worker && worker_any(core)) { /* all have their hands full: an answer or a lapse comes soon */
        if (only)
            allocate_agent(core, only);
        allocate_mark(core, pool);
        core->blocked = true;
        return false;
    }
    struct ask *ask = window_build(core, pool, only);
    if (!ask)
        return false;
    assert(ask->n_agents > 0);
    if (!worker || ask->n_leads == 0 || twice_refused(ask))
        return verdict_plain(core, ask) > 0;
    ask->worker = index;
    ask->needs_policy = worker->policy_version != core->policy.version;
    worker->policy_version = core->policy.version;
    worker->out++;
    ask->asked_us = core->now_us;
    core_arm(core, &ask->timer, run_ms(core) + core->policy.scorer_deadline_ms, false);
    effects_ask(core->effects, core, ask);
    return true;
}

/* In push_pull what is above the teams is handed down to them, and to nobody from there. */
bool allocate_is_upstream(const struct core *core, const struct pool *pool)
{
    return programme_of(core, pool->programme)->mode == MODE_PUSH_PULL &&
           (pool->ring == RING_OWN || (pool->ring == RING_TEAM && !unit_is_team(core, pool->team)));
}

static void run_pool(struct core *core, struct pool *pool)
{
    struct agent *only = pool->ring == RING_AGENT ? core->agents[pool->team] : NULL;
    if (!aside_any(pool)) /* also what was of a unit that is no more */
        return;
    if (allocate_is_upstream(core, pool)) {
        unit_refill(core, pool);
        return;
    }
    while (aside_any(pool)) {
        if (only ? !allocate_in_scope(core, pool, only) || allocate_free_slots(core, only, pool->ring) == 0
                 : pool_cards(core, pool)->n == 0) {
            pool->dry = true;
            pool->dry_us = core->now_us;
            return;
        }
        if (!decide_window(core, pool, only))
            return;
    }
}

static struct pool *home_pool(struct core *core, const struct agent *agent)
{
    const bool team = programme_of(core, agent->programme)->mode == MODE_PUSH_PULL;
    return &core->pools[pool_index(agent->programme, team ? RING_TEAM : RING_OWN, agent->team)];
}

static void run_due_agents(struct core *core)
{
    uint32_t *list = core->due_agents;
    const uint32_t n = core->n_due_agents;
    core->due_agents = core->running_agents;
    core->running_agents = list;
    core->n_due_agents = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct agent *agent = core->agents[list[i]];
        agent->due_listed = false;
        if (!agent->due)
            continue;
        if (agent_free_due(core, agent, RING_OWN) > 0)
            decide_window(core, home_pool(core, agent), agent);
        else if (agent->lent) /* the request may give a slot back */
            list_due(core, agent);
    }
}

static void answer_now(struct core *core)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < core->n_now_agents; i++) {
        struct agent *agent = core->agents[core->now_agents[i]];
        if (agent->ready && (agent->lent || core->n_dirty_pools)) { /* a request decides, or will */
            core->now_agents[kept++] = agent->index;
            continue;
        }
        agent->now_listed = false;
        if (agent->ready)
            agent_ready_refuse(core, agent, REASON_NO_LEAD);
    }
    core->n_now_agents = kept;
}

void allocate_run(struct core *core)
{
    core->blocked = false;
    if (core->n_due_agents)
        run_due_agents(core);
    for (uint32_t round = 0; round < 4 && core->n_dirty_pools; round++) {
        struct pool **list = core->dirty_pools;
        const uint32_t n = core->n_dirty_pools;
        core->dirty_pools = core->running_pools;
        core->running_pools = list;
        core->n_dirty_pools = 0;
        for (uint32_t i = 0; i < n; i++) {
            list[i]->dirty = false;
            run_pool(core, list[i]);
        }
    }
    answer_now(core);
}
