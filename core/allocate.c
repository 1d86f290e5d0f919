/* SPDX-License-Identifier: Apache-2.0
 * allocate.c - everything is a match between a lead and a card. Pools that may
 * match are marked; at the end of the beat each marked pool gets windows of its
 * first leads and of the agents who have been free the longest. A worker scores
 * and decides a window; with no worker, or none in time, the plain order does
 * (pool order; longest idle). Every verdict is checked, row by row, against the
 * state of now: a lead in a request is marked, not locked; slots lent to a
 * request are not promised to another. */
#include "core/core_private.h"

#include <stdlib.h>
#include <string.h>

enum { DUE_PER_AGENT = 8, POOLS_FOR_ONE = 2 * POLICY_PROGRAMMES_MAX + POLICY_UNITS_DEEP + 2 };

/* ---- marking ---------------------------------------------------------------------- */

void allocate_mark(struct core *core, struct pool *pool)
{
    if (pool->dirty)
        return;
    pool->dirty = true;
    core->dirty_pools[core->n_dirty_pools++] = pool;
}

void allocate_retry(struct core *core, struct pool *pool)
{
    struct heap_node *node;
    while ((node = heap_take(&pool->passed))) {
        struct lead *lead = heap_entry(node, struct lead, place);
        lead->passed = false;
        heap_add(&pool->waiting, node, lead_key(core, lead));
    }
    if (pool->waiting.n)
        allocate_mark(core, pool);
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
static uint32_t pools_for(struct core *core, const struct agent *agent, struct pool *ret[POOLS_FOR_ONE])
{
    uint32_t n = 0;
    for (uint32_t p = 0; p < core->policy.n_programmes; p++)
        if (p == agent->programme || programme_of(core, p)->widen == WIDEN_CELL) {
            ret[n++] = &core->pools[pool_index(core, p, RING_LAST, NONE)];
            ret[n++] = &core->pools[pool_index(core, p, RING_WIDE, NONE)];
        }
    if (agent->direct)
        ret[n++] = agent->direct;
    for (uint32_t unit = agent->team; unit != NONE; unit = unit_above(core, unit))
        ret[n++] = &core->pools[pool_index(core, agent->programme, RING_TEAM, unit)];
    ret[n++] = &core->pools[pool_index(core, agent->programme, RING_OWN, NONE)];
    return n;
}

void allocate_agent(struct core *core, struct agent *agent)
{
    struct pool *pools[POOLS_FOR_ONE];
    const uint32_t n = pools_for(core, agent, pools);
    for (uint32_t i = 0; i < n; i++)
        allocate_retry(core, pools[i]);
    if (agent->due)
        list_due(core, agent);
}

/* Pools that found no card while slots were lent to a request that did not use them. */
void allocate_mark_dry(struct core *core, const struct agent *agent)
{
    struct pool *pools[POOLS_FOR_ONE];
    const uint32_t n = pools_for(core, agent, pools);
    for (uint32_t i = 0; i < n; i++)
        if (pools[i]->dry)
            allocate_retry(core, pools[i]);
}

static void mark_as_short(struct core *core, struct pool *pool, bool is_short)
{
    if (is_short && !pool->short_of)
        core->short_pools[core->n_short_pools++] = pool;
    pool->short_of |= is_short;
}

/* Not before the last request is over: two pools that lend each other's slots would try for ever. */
void allocate_mark_short(struct core *core)
{
    if (core->n_asks)
        return;
    for (uint32_t i = 0; i < core->n_short_pools; i++) {
        core->short_pools[i]->short_of = false;
        allocate_retry(core, core->short_pools[i]);
    }
    core->n_short_pools = 0;
}

/* ---- building a window ------------------------------------------------------------------ */

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

static struct scope *scope_of(struct core *core, const struct pool *pool)
{
    if (pool->ring == RING_TEAM)
        return &core->team_scopes[pool->team];
    return of_cell(core, pool) ? &core->cell_scope : &core->programme_scopes[pool->programme];
}

static struct heap *cards_of(struct core *core, const struct pool *pool)
{
    struct scope *scope = scope_of(core, pool);
    return pool->ring == RING_LAST ? &scope->able : &scope->card;
}

uint32_t allocate_free_slots(const struct core *core, const struct agent *agent, enum ring ring)
{
    enum reason why;
    const uint32_t slots =
        ring == RING_LAST ? agent_slots(core, agent, &why, NULL) : agent_cards(core, agent, &why, NULL);
    return slots > agent->lent ? slots - agent->lent : 0;
}

static struct ask *ask_new(struct core *core, const struct pool *pool)
{
    for (uint32_t i = 0;; i++) {
        assert(i < ASKS_MAX); /* worker_pick() lends no more than there are */
        if (!core->asks[i] && !(core->asks[i] = calloc(1, sizeof(struct ask))))
            abort();
        struct ask *ask = core->asks[i];
        if (ask->id)
            continue;
        ask->id = core->epoch << 40 | ++core->ask_id;
        core->n_asks++;
        ask->pool = (struct pool *) pool;
        ask->programme = pool->programme;
        ask->strategy = (uint8_t) programme_of(core, pool->programme)->strategy;
        ask->rotation = core->programmes[pool->programme].rotation;
        ask->worker = NONE;
        ask->asked_us = 0;
        ask->n_leads = ask->n_agents = ask->n_excluded = 0;
        ask->timer.owner = TIMER_ASK;
        return ask;
    }
}

struct ask *allocate_ask_of(struct core *core, uint64_t id)
{
    for (uint32_t i = 0; i < ASKS_MAX; i++)
        if (core->asks[i] && core->asks[i]->id == id)
            return core->asks[i];
    return NULL;
}

/* Where the agent stands among others, as the window's strategy counts it. A weighted
 * turn from long ago is one lead owed, and no more: absence is made up for by nobody. */
static uint64_t turn_of(const struct ask *ask, const struct agent *agent)
{
    const uint64_t step = turn_step(agent->weight);
    if (ask->strategy == STRATEGY_TOP_DOWN)
        return agent->list_place;
    if (ask->strategy != STRATEGY_WEIGHTED_ROUND_ROBIN)
        return agent->index + 1;
    return ask->rotation > step && agent->turn < ask->rotation - step ? ask->rotation - step : agent->turn;
}

static void add_agent(struct core *core, struct ask *ask, struct agent *agent, uint32_t free)
{
    const uint32_t i = ask->n_agents++;
    agent->in_ask = ask->id;
    agent->ask_place = i;
    ask->agents[i] = agent->index;
    ask->slots[i] = free;
    const int64_t since_us = strategy_keeps(ask->strategy) == KEEPS_GIVEN ? agent->served_us : agent->queue_us;
    const int64_t idle_ms = (core->now_us - since_us) / 1000;
    ask->request_agents[i] = (struct request_agent){.open = agent_open(agent),
                                                    .idle_ms = idle_ms < 0            ? 0
                                                               : idle_ms > UINT32_MAX ? UINT32_MAX
                                                                                      : (uint32_t) idle_ms,
                                                    .weight = agent->weight,
                                                    .turn = turn_of(ask, agent),
                                                    .won = agent->won,
                                                    .closed = agent->closed,
                                                    .n_skills = agent->n_skills,
                                                    .skills = agent->skills};
}

void allocate_end_ask(struct core *core, struct ask *ask)
{
    core_disarm(core, &ask->timer);
    ask->id = 0;
    core->n_asks--;
}

/* What an exclusion keeps waiting is tried again when it is over. */
static void watch(struct core *core, struct pool *pool, int64_t until_ms)
{
    if (until_ms < INT64_MAX && (!heap_has(&pool->timer.node) || until_ms < pool->timer.at_ms))
        core_arm(core, &pool->timer, until_ms, false);
}

static bool exclude(struct ask *ask, const struct agent *agent)
{
    if (ask->n_excluded == sizeof ask->excluded / sizeof *ask->excluded)
        return false;
    ask->excluded[ask->n_excluded++] = (struct exclusion){(uint16_t) ask->n_leads, (uint16_t) agent->ask_place};
    return true;
}

/* Returns false when there is no room for what keeps this lead from the window's agents. */
static bool add_exclusions(struct core *core, struct ask *ask, const struct lead *lead)
{
    const uint32_t before = ask->n_excluded;
    bool room = true;
    for (uint32_t e = 0; e < lead->n_excludes && room; e++) {
        const struct agent *agent = core->agents[lead->excludes[e].agent];
        if (agent->in_ask != ask->id || lead->excludes[e].until_ms <= run_ms(core))
            continue;
        room = exclude(ask, agent);
        watch(core, ask->pool, lead->excludes[e].until_ms);
    }
    if (pair_has_rules(core, lead->programme) && room) {
        ask->n_excluded = before; /* those above are among these */
        for (uint32_t i = 0; i < ask->n_agents && room; i++) {
            enum reason why;
            if (!pair_allowed(core, lead, core->agents[ask->agents[i]], &why))
                room = exclude(ask, core->agents[ask->agents[i]]);
        }
    }
    if (!room)
        ask->n_excluded = before;
    return room;
}

static bool add_lead(struct core *core, struct ask *ask, struct lead *lead, uint32_t only_agent)
{
    const uint32_t excluded_from = ask->n_excluded;
    if (ask->n_leads == ASK_LEADS_MAX || !add_exclusions(core, ask, lead))
        return false;
    ask->excluded_from[ask->n_leads] = excluded_from;
    const int64_t age_ms = (core->now_us - lead->received_us) / 1000;
    lead->ask = ask->id;
    lead->met_free = lead->pooled_us > pool_of(core, lead)->dry_us;
    ask->leads[ask->n_leads] = lead;
    ask->request_leads[ask->n_leads++] = (struct request_lead){.age_ms = age_ms < 0            ? 0
                                                                         : age_ms > UINT32_MAX ? UINT32_MAX
                                                                                               : (uint32_t) age_ms,
                                                               .attempts = lead->attempts,
                                                               .priority = lead->priority,
                                                               .value_cents = lead->value_cents,
                                                               .only_agent = only_agent,
                                                               .n_features = lead->n_features,
                                                               .features = lead->features};
    return true;
}

/* The due leads of the window's agents, in rank order. */
static uint32_t gather_due(struct core *core, const struct ask *ask, struct lead *due[ASK_LEADS_MAX])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < ask->n_agents; i++) {
        const struct agent *agent = core->agents[ask->agents[i]];
        uint32_t own = 0;
        for (struct lead *lead = agent->due ? agent->held : NULL; lead && own < DUE_PER_AGENT; lead = lead->held_next) {
            if (lead->state != LEAD_PIPELINE || !lead->due || lead->ask || n == ASK_LEADS_MAX ||
                calling_closed(core, lead))
                continue;
            uint32_t at = n++;
            for (; at > 0 && heap_before(lead_key(core, lead), lead_key(core, due[at - 1])); at--)
                due[at] = due[at - 1];
            due[at] = lead;
            own++;
        }
    }
    return n;
}

/* New and due leads in one ranking: what decides may go by it. */
static void add_leads(struct core *core, struct ask *ask, struct pool *pool, uint64_t want)
{
    struct lead *due[ASK_LEADS_MAX];
    const uint32_t n_due = gather_due(core, ask, due);
    for (uint32_t at = 0;;) {
        struct heap_node *node = ask->n_leads < want ? heap_first(&pool->waiting) : NULL;
        if (at < n_due && (!node || heap_before(lead_key(core, due[at]), pool->waiting.at[0].key))) {
            if (!add_lead(core, ask, due[at], core->agents[due[at]->owner]->ask_place + 1))
                return;
            at++;
        } else {
            struct lead *lead = node ? heap_entry(node, struct lead, place) : NULL;
            if (lead && calling_hold(core, lead))
                continue;
            if (!lead || !add_lead(core, ask, lead, 0))
                return;
            heap_remove(&pool->waiting, node);
        }
    }
}

static void lend(struct core *core, struct ask *ask)
{
    for (uint32_t i = 0; i < ask->n_agents; i++) {
        struct agent *agent = core->agents[ask->agents[i]];
        if (ask->slots[i] > ask->n_leads)
            ask->slots[i] = ask->n_leads;
        ask->request_agents[i].slots = ask->slots[i];
        agent->lent += ask->slots[i];
        agent_update(core, agent);
    }
}

/* With `only`, that agent's own due leads compete with the pool's for its cards. */
static struct ask *build(struct core *core, struct pool *pool, struct agent *only)
{
    struct heap *cards = only ? NULL : cards_of(core, pool);
    struct ask *ask = ask_new(core, pool);
    uint64_t total = 0;
    ask->of_one = only != NULL && pool->ring != RING_AGENT;
    pool->dry = false;
    mark_as_short(core, pool, pool->ring != RING_AGENT && scope_of(core, pool)->lent > 0);
    while (ask->n_agents < ASK_AGENTS_MAX && (only ? ask->n_agents == 0 : cards->n > 0)) {
        struct agent *agent = only;
        if (!only) {
            agent = agent_at(heap_first(cards));
            heap_remove(cards, heap_first(cards)); /* agent_update() in lend() puts it back */
        }
        const uint32_t free = allocate_free_slots(core, agent, pool->ring);
        if (free || only)
            add_agent(core, ask, agent, free);
        total += free;
    }
    add_leads(core, ask, pool, total * 4 < ASK_LEADS_MIN ? ASK_LEADS_MIN : total * 4);
    lend(core, ask);
    return ask;
}

/* ---- asking ------------------------------------------------------------------------------------ */

static bool any_worker(const struct core *core)
{
    for (uint32_t i = 0; i < core->n_workers; i++)
        if (worker_may_be_asked(&core->workers[i]))
            return true;
    return false;
}

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
    if (!worker && any_worker(core)) { /* all have their hands full: an answer or a lapse comes soon */
        if (only)
            allocate_agent(core, only);
        allocate_mark(core, pool);
        core->blocked = true;
        return false;
    }
    struct ask *ask = build(core, pool, only);
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
static bool is_upstream(const struct core *core, const struct pool *pool)
{
    return programme_of(core, pool->programme)->mode == MODE_PUSH_PULL &&
           (pool->ring == RING_OWN || (pool->ring == RING_TEAM && !unit_is_team(core, pool->team)));
}

static void run_pool(struct core *core, struct pool *pool)
{
    struct agent *only = pool->ring == RING_AGENT ? core->agents[pool->team] : NULL;
    if (pool->waiting.n == 0) /* also what was of a unit that is no more */
        return;
    if (is_upstream(core, pool)) {
        unit_refill(core, pool);
        return;
    }
    while (pool->waiting.n) {
        if (only ? !allocate_in_scope(core, pool, only) || allocate_free_slots(core, only, pool->ring) == 0
                 : cards_of(core, pool)->n == 0) {
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
    return &core->pools[pool_index(core, agent->programme, team ? RING_TEAM : RING_OWN, agent->team)];
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
        if (allocate_free_slots(core, agent, RING_OWN) > 0)
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
