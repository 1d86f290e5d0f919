/* SPDX-License-Identifier: Apache-2.0
 * check.c - the four invariants, counted from scratch and compared with what the
 * core keeps as it goes. Run after every simulated beat and by `takt fsck`. */
#include "core/core_private.h"

#include <stdlib.h>

struct tally {
    uint32_t offered, owned, working, wrap_up, pipeline, due, lent, direct, awaited, excluded;
    uint64_t cents;
};

struct check {
    const struct core *core;
    struct buf *findings, unread;
    uint32_t n;
    struct tally *agents;
    uint32_t *depths, distributions_most; /* a lead may have come from another programme */
    uint64_t (*counts)[LEAD_STATES];
};

static struct buf *finding(struct check *check, const struct lead *lead)
{
    struct buf *to = check->findings ? check->findings : &check->unread;
    char hex[33];
    check->n++;
    check->unread.len = 0; /* nobody asked for the words */
    if (lead) {
        id_to_hex(lead->id, hex);
        buf_printf(to, "%s ", hex);
    }
    return to;
}

#define found(check, lead, ...) (buf_printf(finding(check, lead), __VA_ARGS__), newline(check))
static void newline(struct check *check)
{
    if (check->findings)
        buf_add(check->findings, "\n", 1);
}

/* Nothing will ever move it: the one thing that must not be. Whoever has it, a deadline of its own must run. */
bool check_is_dead(const struct lead *lead)
{
    return !lead_terminal(lead) && !heap_has(&lead->timer.node);
}

static bool has_owner(unsigned state)
{
    return state == LEAD_OFFERED || state == LEAD_OWNED || state == LEAD_WORKING || state == LEAD_WRAP_UP ||
           state == LEAD_PIPELINE;
}

static void tally_owner(struct check *check, const struct lead *lead)
{
    struct tally *tally = &check->agents[lead->owner];
    tally->offered += lead->state == LEAD_OFFERED;
    tally->owned += lead->state == LEAD_OWNED;
    tally->working += lead->state == LEAD_WORKING;
    tally->wrap_up += lead->state == LEAD_WRAP_UP;
    tally->pipeline += lead->state == LEAD_PIPELINE;
    tally->due += lead->state == LEAD_PIPELINE && lead->due;
    tally->cents += lead->cost_cents;
}

static void check_waiting(struct check *check, const struct lead *lead)
{
    const struct core *core = check->core;
    const struct pool *pool = pool_of((struct core *) core, lead);
    *(lead->ring == RING_AGENT ? &check->agents[lead->team].direct : &check->depths[pool->index]) += 1;
    if (heap_has(&lead->place) == (lead->ask != 0))
        found(check, lead, "waiting, but neither in its pool's heap nor in a request, or in both");
    if (lead->ask && !window_ask_of((struct core *) core, lead->ask))
        found(check, lead, "in a request that is over");
    if (!heap_has(&lead->place))
        return;
    const struct heap *heap = lead->aside    ? &core->asides[lead->aside - 1]->leads
                              : lead->passed ? &pool->passed
                                             : &pool->waiting;
    const struct heap_key at = heap->at[lead->place.place - 1].key, key = lead_key(core, lead);
    if (at.first != key.first || at.second != key.second)
        found(check, lead, "not where the order of its pool has it");
}

static void tally_names(struct check *check, const struct lead *lead)
{
    const uint32_t assign_to = followup_look(lead)->assign_to;
    if (lead_terminal(lead))
        return;
    if (lead->former != NONE)
        check->agents[lead->former].awaited++;
    if (assign_to != NONE)
        check->agents[assign_to].awaited++;
    for (uint32_t i = 0; i < lead->n_excludes; i++)
        check->agents[lead->excludes[i].agent].excluded += lead->excludes[i].until_ms == INT64_MAX;
}

static void check_lead(struct check *check, const struct lead *lead)
{
    const struct core *core = check->core;
    check->counts[lead->programme][lead->state]++;
    if (check_is_dead(lead))
        found(check, lead, "no deadline is armed in state %s", lead_state_name(lead->state));
    else if (lead_terminal(lead) && heap_has(&lead->timer.node))
        found(check, lead, "a deadline is armed on an ended lead");
    if (has_owner(lead->state) != (lead->owner != NONE))
        found(check, lead, "state %s and owner do not fit", lead_state_name(lead->state));
    else if (lead->owner != NONE)
        tally_owner(check, lead);
    tally_names(check, lead);
    if ((lead->state == LEAD_REVOKING) != (lead->former != NONE))
        found(check, lead, "state %s and former owner do not fit", lead_state_name(lead->state));
    if (lead->state == LEAD_POOLED)
        check_waiting(check, lead);
    else if (heap_has(&lead->place))
        found(check, lead, "in a pool's heap in state %s", lead_state_name(lead->state));
    if (has_owner(lead->state) && lead->fence == 0)
        found(check, lead, "owned without a fence");
    if (lead->fence >> 32 > core->epoch)
        found(check, lead, "a fence of an epoch that has not begun");
    if (lead->distributions > check->distributions_most)
        found(check, lead, "given out more often than it may be");
}

static void check_agent(struct check *check, const struct agent *agent)
{
    const struct tally *tally = &check->agents[agent->index];
    const uint32_t open = tally->offered + tally->owned + tally->working + tally->wrap_up;
    if (tally->offered != agent->offered || tally->owned != agent->owned || tally->working != agent->working ||
        tally->wrap_up != agent->wrap_up || tally->pipeline != agent->pipeline || tally->due != agent->due ||
        tally->cents != agent->held_cents)
        found(check, NULL, "agent %u: its counts are not those of its leads", agent->index);
    if (open > programme_of(check->core, agent->programme)->wip_max && open > agent->kept_open)
        found(check, NULL, "agent %u: holds %u leads, may hold %u", agent->index, open,
              programme_of(check->core, agent->programme)->wip_max);
    if (tally->lent != agent->lent)
        found(check, NULL, "agent %u: lent slots %u, in requests %u", agent->index, agent->lent, tally->lent);
    if (tally->awaited != agent->awaited || tally->excluded != agent->excluded)
        found(check, NULL, "agent %u: %u and %u leads name it, kept %u and %u", agent->index, tally->awaited,
              tally->excluded, agent->awaited, agent->excluded);
    if (tally->direct != (agent->direct ? agent->direct->depth : 0))
        found(check, NULL, "agent %u: leads for it alone %u, in its pool %u", agent->index, tally->direct,
              agent->direct ? agent->direct->depth : 0);
    if (!agent->present && open > 0 && !heap_has(&agent->timer.node))
        found(check, NULL, "agent %u: gone with leads and no timer", agent->index);
}

static void check_sums(struct check *check)
{
    const struct core *core = check->core;
    uint64_t sum = 0;
    for (uint32_t p = 0; p < core->policy.n_programmes; p++)
        for (uint32_t s = 0; s < LEAD_STATES; s++) {
            sum += core->programmes[p].count[s];
            if (check->counts[p][s] != core->programmes[p].count[s])
                found(check, NULL, "programme %u state %s: counted %llu, kept %llu", p, lead_state_name(s),
                      (unsigned long long) check->counts[p][s], (unsigned long long) core->programmes[p].count[s]);
        }
    if (sum != core->leads.n)
        found(check, NULL, "taken in %llu, sum over states %llu", (unsigned long long) core->leads.n,
              (unsigned long long) sum);
    for (uint32_t i = 0; i < core->n_pools; i++)
        if (check->depths[i] != core->pools[i].depth)
            found(check, NULL, "pool %u: depth %u, leads %u", i, core->pools[i].depth, check->depths[i]);
}

/* Somebody has a card, and leads that he may have stand aside as if nobody had. */
/* Each of them, not only the first, by whose kind the group is judged. */
static void check_kind(struct check *check, const struct aside *aside, const struct agent *agent)
{
    for (uint32_t i = 0; i < aside->leads.n; i++) {
        const struct lead *lead = heap_entry(aside->leads.at[i].node, const struct lead, place);
        struct pair_lead pair;
        pair_begin(check->core, lead, &pair);
        if (pair_kind(check->core, &pair, agent) == REASON_OK)
            found(check, lead, "stands aside, and agent %u may have it", agent->index);
    }
}

static void check_aside(struct check *check, struct pool *pool)
{
    struct core *core = (struct core *) check->core;
    const struct agent *only = pool->ring == RING_AGENT ? core->agents[pool->team] : NULL;
    const struct heap *cards = pool->asides ? pool_cards(core, pool) : NULL;
    for (const struct aside *aside = pool->asides; aside; aside = aside->hh.next)
        for (uint32_t i = 0; i < cards->n && !heap_has(&aside->open); i++) {
            const struct agent *agent = agent_at(cards->at[i].node);
            if ((!only || (agent == only && allocate_in_scope(core, pool, agent))) &&
                allocate_free_slots(core, agent, pool->ring) > 0)
                check_kind(check, aside, agent);
        }
}

uint32_t core_check(const struct core *core, struct buf *findings)
{
    struct check check = {.core = core, .findings = findings};
    check.agents = calloc(core->n_agents + 1, sizeof *check.agents);
    check.depths = calloc(core->n_pools, sizeof *check.depths);
    check.counts = calloc(core->policy.n_programmes, sizeof *check.counts);
    assert(check.agents && check.depths && check.counts);
    for (uint32_t i = 0; i < core->policy.n_programmes; i++)
        if (core->programmes[i].distributions_most > check.distributions_most)
            check.distributions_most = core->programmes[i].distributions_most;
    for (uint32_t i = 0; i < ASKS_MAX; i++) {
        const struct ask *ask = core->asks[i];
        for (uint32_t a = 0; ask && ask->id && a < ask->n_agents; a++)
            check.agents[ask->agents[a]].lent += ask->slots[a];
    }
    for (uint32_t i = 0; i < core->leads.n; i++)
        check_lead(&check, lead_at(&core->leads, i));
    for (uint32_t i = 0; i < core->n_known; i++)
        check_agent(&check, core->known[i]);
    check_sums(&check);
    for (uint32_t i = 0; i < core->n_pools; i++)
        check_aside(&check, &core->pools[i]);
    for (uint32_t i = 0; i < core->n_known; i++)
        if (core->known[i]->direct)
            check_aside(&check, core->known[i]->direct);
    free(check.agents);
    free(check.depths);
    free(check.counts);
    buf_fini(&check.unread);
    return check.n;
}
