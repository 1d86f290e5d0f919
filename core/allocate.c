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

enum { DUE_PER_AGENT = 8 };

/* ---- marking ---------------------------------------------------------------------- */

void allocate_mark(struct core *core, struct pool *pool)
{
    if (pool->dirty)
        return;
    pool->dirty = true;
    core->dirty_pools[core->n_dirty_pools++] = pool;
}

static void mark_waiting(struct core *core, uint32_t index)
{
    if (core->pools[index].waiting.n)
        allocate_mark(core, &core->pools[index]);
}

/* The oldest first: leads that went unclaimed, then the agent's own pool. */
void allocate_agent(struct core *core, struct agent *agent)
{
    for (uint32_t p = 0; p < core->policy.n_programmes; p++)
        if (p == agent->programme || programme_of(core, p)->widen == WIDEN_CELL) {
            mark_waiting(core, pool_index(core, p, RING_LAST, NONE));
            mark_waiting(core, pool_index(core, p, RING_WIDE, NONE));
        }
    mark_waiting(core, pool_index(core, agent->programme, RING_TEAM, agent->team));
    mark_waiting(core, pool_index(core, agent->programme, RING_OWN, NONE));
    if (agent->due && !agent->due_listed) {
        agent->due_listed = true;
        core->due_agents[core->n_due_agents++] = agent->index;
    }
}

/* Pools that found no card while slots were lent to a request that did not use them. */
static void mark_dry(struct core *core, const struct agent *agent)
{
    for (uint32_t i = 0; i < 4; i++) {
        static const enum ring rings[] = {RING_LAST, RING_WIDE, RING_TEAM, RING_OWN};
        for (uint32_t p = 0; p < core->policy.n_programmes; p++) {
            const bool wide = rings[i] == RING_LAST || rings[i] == RING_WIDE;
            if (p != agent->programme && !(wide && programme_of(core, p)->widen == WIDEN_CELL))
                continue;
            const uint32_t index = pool_index(core, p, rings[i], agent->team);
            if (core->pools[index].dry)
                mark_waiting(core, index);
        }
    }
}

/* ---- push/pull: team pools of limited depth, refilled from upstream ------------------ */

static uint32_t team_depth_max(const struct core *core, const struct programme *programme, uint32_t team)
{
    uint64_t depth = (uint64_t) core->team_present[team] * programme->depth_per_agent;
    return depth < UINT32_MAX ? (uint32_t) depth : UINT32_MAX;
}

static struct pool *team_with_room(struct core *core, uint16_t programme)
{
    struct programme_state *state = &core->programmes[programme];
    const uint32_t n = core->policy.n_teams;
    for (uint32_t i = 1; i <= n; i++) {
        const uint32_t team = (state->refill_turn + i) % n;
        if (core->policy.teams[team].programme != programme)
            continue;
        struct pool *pool = &core->pools[pool_index(core, programme, RING_TEAM, team)];
        if (pool->depth < team_depth_max(core, programme_of(core, programme), team)) {
            state->refill_turn = team;
            return pool;
        }
    }
    return NULL;
}

static void refill(struct core *core, struct pool *upstream)
{
    struct pool *team;
    while (upstream->waiting.n && (team = team_with_room(core, upstream->programme))) {
        struct lead *lead = heap_entry(heap_first(&upstream->waiting), struct lead, place);
        lead_pool(core, lead, MOVE_REFILL, RING_TEAM, team->team, REASON_REFILL);
    }
    if (upstream->waiting.n)
        upstream->dry_us = core->now_us;
}

/* ---- building a window ------------------------------------------------------------------ */

static struct heap *cards_of(struct core *core, const struct pool *pool)
{
    struct scope *scope = &core->programme_scopes[pool->programme];
    if (pool->ring == RING_TEAM)
        scope = &core->team_scopes[pool->team];
    else if (pool->ring != RING_OWN && programme_of(core, pool->programme)->widen == WIDEN_CELL)
        scope = &core->cell_scope;
    return pool->ring == RING_LAST ? &scope->able : &scope->card;
}

static uint32_t free_slots(const struct core *core, const struct agent *agent, enum ring ring)
{
    enum reason why;
    struct id lead;
    const uint32_t slots = ring == RING_LAST ? agent_slots(core, agent, &why, &lead)
                                             : agent_cards(core, agent, &why, &lead);
    return slots > agent->lent ? slots - agent->lent : 0;
}

static struct ask *ask_new(struct core *core, const struct pool *pool)
{
    for (uint32_t i = 0;; i++) {
        assert(i < ASKS_MAX);            /* worker_pick() lends no more than there are */
        if (!core->asks[i] && !(core->asks[i] = calloc(1, sizeof(struct ask))))
            abort();
        struct ask *ask = core->asks[i];
        if (ask->id)
            continue;
        ask->id = core->epoch << 40 | ++core->ask_id;
        ask->pool = pool->index;
        ask->programme = pool->programme;
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

static void add_agent(struct core *core, struct ask *ask, struct agent *agent, uint32_t free)
{
    const uint32_t i = ask->n_agents++;
    agent->in_ask = ask->id;
    agent->ask_place = i;
    ask->agents[i] = agent->index;
    ask->slots[i] = free;
    const int64_t idle_ms = (core->now_us - agent->queue_us) / 1000;
    ask->request_agents[i] = (struct request_agent){
        .open = agent->offered + agent->owned + agent->working + agent->wrap_up,
        .idle_ms = idle_ms < 0 ? 0 : idle_ms > UINT32_MAX ? UINT32_MAX : (uint32_t) idle_ms,
        .weight = 1, .turn = agent->index + 1, .won = agent->won, .closed = agent->closed,
        .n_skills = agent->n_skills, .skills = agent->skills};
}

static bool add_exclusions(struct core *core, struct ask *ask, const struct lead *lead)
{
    const uint32_t before = ask->n_excluded;
    for (uint32_t e = 0; e < lead->n_excludes; e++) {
        const struct agent *agent = core->agents[lead->excludes[e].agent];
        if (agent->in_ask != ask->id || lead->excludes[e].until_ms <= run_ms(core))
            continue;
        if (ask->n_excluded == sizeof ask->excluded / sizeof *ask->excluded) {
            ask->n_excluded = before;
            return false;
        }
        ask->excluded[ask->n_excluded++] = (struct exclusion){(uint16_t) ask->n_leads, (uint16_t) agent->ask_place};
    }
    return true;
}

static bool add_lead(struct core *core, struct ask *ask, struct lead *lead, uint32_t only_agent)
{
    if (ask->n_leads == ASK_LEADS_MAX || !add_exclusions(core, ask, lead))
        return false;
    const int64_t age_ms = (core->now_us - lead->received_us) / 1000;
    const struct pool *pool = &core->pools[pool_index(core, lead->programme, lead->ring, lead->team)];
    lead->ask = ask->id;
    lead->met_free = lead->pooled_us > pool->dry_us;
    ask->leads[ask->n_leads] = lead;
    ask->request_leads[ask->n_leads++] = (struct request_lead){
        .age_ms = age_ms < 0 ? 0 : age_ms > UINT32_MAX ? UINT32_MAX : (uint32_t) age_ms, .attempts = lead->attempts,
        .priority = lead->priority, .value_cents = lead->value_cents, .only_agent = only_agent,
        .n_features = lead->n_features, .features = lead->features};
    return true;
}

static void add_due(struct core *core, struct ask *ask, const struct agent *agent)
{
    uint32_t n = 0;
    if (!agent->due)
        return;
    for (struct lead *lead = agent->held; lead && n < DUE_PER_AGENT; lead = lead->held_next)
        if (lead->state == LEAD_PIPELINE && lead->due && !lead->ask && add_lead(core, ask, lead, agent->ask_place + 1))
            n++;
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
    struct heap *cards = cards_of(core, pool);
    struct ask *ask = ask_new(core, pool);
    uint64_t total = 0;
    pool->dry = false;
    while (ask->n_agents < ASK_AGENTS_MAX && (only ? ask->n_agents == 0 : cards->n > 0)) {
        struct agent *agent = only;
        if (!only) {
            agent = agent_at(heap_first(cards));
            heap_remove(cards, heap_first(cards));   /* agent_update() in lend() puts it back */
        }
        const uint32_t free = free_slots(core, agent, pool->ring);
        if (free || only)
            add_agent(core, ask, agent, free);
        total += free;
    }
    for (uint32_t i = 0; i < ask->n_agents; i++)
        add_due(core, ask, core->agents[ask->agents[i]]);
    const uint64_t want = total * 4 < ASK_LEADS_MIN ? ASK_LEADS_MIN : total * 4;
    while (pool->waiting.n && ask->n_leads < want) {
        struct heap_node *node = heap_take(&pool->waiting);
        if (!add_lead(core, ask, heap_entry(node, struct lead, place), 0)) {
            heap_add(&pool->waiting, node);
            break;
        }
    }
    lend(core, ask);
    ask->rotation = core->programmes[pool->programme].rotation;
    return ask;
}

/* ---- applying verdicts --------------------------------------------------------------------- */

static bool excluded(const struct ask *ask, uint32_t lead, uint32_t agent)
{
    for (uint32_t i = 0; i < ask->n_excluded; i++)
        if (ask->excluded[i].lead == lead && ask->excluded[i].agent == agent)
            return true;
    return false;
}

static void offer(struct core *core, struct lead *lead, struct agent *agent)
{
    const struct programme *programme = programme_of(core, lead->programme);
    effects_offer(core->effects, agent->peer, &(struct offer){
        .lead = lead->id, .fence = lead->fence, .state = lead->state, .valid_seq = agent->heard_seq,
        .valid_ms = (uint32_t) core->policy.lease_ms, .attempts = lead->attempts, .score = lead->decision.score,
        .answer_ms = (uint32_t) (lead->state == LEAD_OFFERED ? programme->offer_ms : programme->first_action_ms),
        .row = slice_of(lead->raw, lead->raw_len)});
}

static void grant(struct core *core, const struct ask *ask, struct lead *lead, struct agent *agent,
                  const struct verdict *verdict, enum reason by)
{
    struct programme_state *state = &core->programmes[lead->programme];
    lead->decision = (struct decision){
        .request = ask->id, .at_us = core->now_us, .winner = agent->index,
        .runner_up = verdict->runner_up && verdict->runner_up <= ask->n_agents ? ask->agents[verdict->runner_up - 1] : NONE,
        .policy_version = core->policy.version, .candidates = ask->n_agents, .score = verdict->score,
        .margin = verdict->margin, .by = (uint16_t) by};
    lead->noted = false;
    lead->passed = lead->refusals = 0;
    *(by == REASON_SCORED ? &state->decided_scored : &state->decided_plain) += 1;
    state->offers++;
    agent->given_us = core->now_us;
    if (agent->ready || lead->state == LEAD_PIPELINE) {   /* asked for, or its own again: accepted by asking */
        lead_move(core, lead, MOVE_GRANT, LEAD_OWNED, agent->index, by);
        lead_handed(core, lead);
        agent_ready_consume(core, agent, lead->id);
    } else {
        lead_move(core, lead, MOVE_OFFER, LEAD_OFFERED, agent->index, by);
    }
    offer(core, lead, agent);
}

/* Returns whether the verdict holds against the state of now. */
static bool holds(struct core *core, const struct ask *ask, uint32_t i, const struct verdict *verdict)
{
    const struct lead *lead = ask->leads[i];
    if (verdict->agent > ask->n_agents || excluded(ask, i, verdict->agent - 1))
        return false;
    const struct agent *agent = core->agents[ask->agents[verdict->agent - 1]];
    if (ask->request_leads[i].only_agent && (ask->request_leads[i].only_agent != verdict->agent || lead->owner != agent->index))
        return false;
    return free_slots(core, agent, core->pools[ask->pool].ring) > 0 && !lead_excluded(lead, agent->index, run_ms(core));
}

static void give_back(struct core *core, struct ask *ask)
{
    for (uint32_t i = 0; i < ask->n_agents; i++) {
        assert(core->agents[ask->agents[i]]->lent >= ask->slots[i]);
        core->agents[ask->agents[i]]->lent -= ask->slots[i];
    }
}

/* Returns how many were granted; ends the request. */
static uint32_t apply(struct core *core, struct ask *ask, const struct verdict *verdicts, enum reason by)
{
    uint32_t granted = 0, slots = 0;
    struct pool *pool = &core->pools[ask->pool];
    give_back(core, ask);
    for (uint32_t i = 0; i < ask->n_agents; i++)
        slots += ask->slots[i];
    for (uint32_t i = 0; i < ask->n_leads; i++) {
        struct lead *lead = ask->leads[i];
        if (lead->ask != ask->id || !verdicts[i].agent)
            continue;
        if (holds(core, ask, i, &verdicts[i])) {
            grant(core, ask, lead, core->agents[ask->agents[verdicts[i].agent - 1]], &verdicts[i], by);
            granted++;
        } else {
            lead->refusals++;
        }
    }
    if (granted)
        record_snapshot(core, ask);
    effects_answered(core->effects, ask->asked_us);
    for (uint32_t i = 0; i < ask->n_leads; i++) {
        struct lead *lead = ask->leads[i];
        if (lead->ask != ask->id)
            continue;
        lead->passed += slots > granted && !verdicts[i].agent;
        lead_requeue(core, lead);
    }
    core_disarm(core, &ask->timer);
    ask->id = 0;
    for (uint32_t i = 0; i < ask->n_agents; i++) {
        agent_update(core, core->agents[ask->agents[i]]);
        if (slots > granted)
            mark_dry(core, core->agents[ask->agents[i]]);
    }
    const struct heap_node *first = heap_first(&pool->waiting);
    if (first && (granted || !heap_entry(first, const struct lead, place)->passed))
        allocate_mark(core, pool);
    return granted;
}

/* ---- the plain order ------------------------------------------------------------------------ */

static uint32_t plain_choice(const struct ask *ask, uint32_t lead, const uint32_t *taken, uint32_t not_agent)
{
    uint32_t best = NONE;
    for (uint32_t a = 0; a < ask->n_agents; a++) {
        const uint32_t only = ask->request_leads[lead].only_agent;
        if (a == not_agent || taken[a] >= ask->slots[a] || (only && only != a + 1) || excluded(ask, lead, a))
            continue;
        if (best == NONE || taken[a] < taken[best])   /* agents stand in the order of their idle time */
            best = a;
    }
    return best;
}

static uint32_t decide_plain(struct core *core, struct ask *ask)
{
    struct verdict verdicts[ASK_LEADS_MAX] = {0};
    uint32_t taken[ASK_AGENTS_MAX] = {0};
    for (uint32_t i = 0; i < ask->n_leads; i++) {
        const uint32_t agent = plain_choice(ask, i, taken, NONE);
        if (agent == NONE)
            continue;
        const uint32_t second = plain_choice(ask, i, taken, agent);
        taken[agent]++;
        verdicts[i] = (struct verdict){.agent = agent + 1, .runner_up = second == NONE ? 0 : second + 1};
    }
    return apply(core, ask, verdicts, REASON_PLAIN_ORDER);
}

/* ---- asking ------------------------------------------------------------------------------------ */

static bool any_worker(const struct core *core)
{
    for (uint32_t i = 0; i < core->n_workers; i++)
        if (core->workers[i].used && !core->workers[i].late)
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

/* Returns false when nothing more can be decided in this beat for this pool. */
static bool decide_window(struct core *core, struct pool *pool, struct agent *only)
{
    uint32_t index = NONE;
    struct worker *worker = worker_pick(core, &index);
    if (!worker && any_worker(core)) {   /* all have their hands full: an answer or a lapse comes soon */
        if (only)
            allocate_agent(core, only);
        allocate_mark(core, pool);
        core->blocked = true;
        return false;
    }
    struct ask *ask = build(core, pool, only);
    assert(ask->n_agents > 0);
    if (!worker || ask->n_leads == 0 || twice_refused(ask))
        return decide_plain(core, ask) > 0;
    ask->worker = index;
    ask->needs_policy = worker->policy_version != core->policy.version;
    worker->policy_version = core->policy.version;
    worker->out++;
    ask->asked_us = core->now_us;
    core_arm(core, &ask->timer, run_ms(core) + core->policy.scorer_deadline_ms, false);
    effects_ask(core->effects, core, ask);
    return true;
}

static void run_pool(struct core *core, struct pool *pool)
{
    if (pool->ring == RING_OWN && programme_of(core, pool->programme)->mode == MODE_PUSH_PULL) {
        refill(core, pool);
        return;
    }
    while (pool->waiting.n) {
        if (cards_of(core, pool)->n == 0) {
            pool->dry = true;
            pool->dry_us = core->now_us;
            return;
        }
        if (!decide_window(core, pool, NULL))
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
    const uint32_t n = core->n_due_agents;
    uint32_t list[ASK_AGENTS_MAX], taken = n < ASK_AGENTS_MAX ? n : ASK_AGENTS_MAX;
    memcpy(list, core->due_agents, taken * sizeof *list);
    core->n_due_agents -= taken;
    memmove(core->due_agents, core->due_agents + taken, core->n_due_agents * sizeof *core->due_agents);
    for (uint32_t i = 0; i < taken; i++) {
        struct agent *agent = core->agents[list[i]];
        agent->due_listed = false;
        if (agent->due && free_slots(core, agent, RING_OWN) > 0)
            decide_window(core, home_pool(core, agent), agent);
    }
}

static void answer_now(struct core *core)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < core->n_now_agents; i++) {
        struct agent *agent = core->agents[core->now_agents[i]];
        if (agent->ready && agent->lent) {   /* a request decides */
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

/* ---- answers --------------------------------------------------------------------------------------- */

void allocate_decision(struct core *core, uint32_t peer, const struct msg *msg)
{
    const struct msg_decision *decision = &msg->decision;
    struct worker *worker = &core->workers[core->peers[peer].index];
    struct ask *ask = allocate_ask_of(core, decision->id);
    worker->late = false;
    if (worker->out)
        worker->out--;
    if (!ask || ask->worker != core->peers[peer].index)
        return;                          /* it lapsed: the plain order took it */
    if (decision->reason != REASON_OK || decision->n_verdicts != ask->n_leads) {
        worker->policy_version = 0;
        decide_plain(core, ask);
        return;
    }
    worker->answered++;
    worker->spent_us += decision->spent_us;
    core->programmes[ask->programme].rotation = decision->rotation;
    core->programmes[ask->programme].dirty = true;
    apply(core, ask, decision->verdicts, REASON_SCORED);
}

/* Its worker is gone before the deadline: the leads wait again, for the next one. */
void allocate_withdraw(struct core *core, struct ask *ask)
{
    give_back(core, ask);
    for (uint32_t i = 0; i < ask->n_leads; i++)
        if (ask->leads[i]->ask == ask->id)
            lead_requeue(core, ask->leads[i]);
    core_disarm(core, &ask->timer);
    ask->id = 0;
    for (uint32_t i = 0; i < ask->n_agents; i++) {
        allocate_agent(core, core->agents[ask->agents[i]]);
        agent_update(core, core->agents[ask->agents[i]]);
    }
    mark_waiting(core, ask->pool);
}

void allocate_lapsed(struct core *core, struct ask *ask)
{
    struct worker *worker = &core->workers[ask->worker];
    worker->lapsed++;
    worker->late = true;
    decide_plain(core, ask);
}
