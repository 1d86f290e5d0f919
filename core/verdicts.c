/* SPDX-License-Identifier: Apache-2.0
 * verdicts.c - a window's end: a worker's verdicts, or the plain order's, each
 * checked against the state of now and granted or given back, row by row. */
#include "core/core_private.h"
#include "core/limits.h"
#include "core/plain.h"

/* ---- applying verdicts --------------------------------------------------------------------- */

static bool excluded(const struct ask *ask, uint32_t lead, uint32_t agent)
{
    const uint32_t end = lead + 1 < ask->n_leads ? ask->excluded_from[lead + 1] : ask->n_excluded;
    for (uint32_t i = ask->excluded_from[lead]; i < end; i++)
        if (ask->excluded[i].agent == agent)
            return true;
    return false;
}

void verdict_tell(struct core *core, struct lead *lead, struct agent *agent)
{
    const enum pool_timer timer = lead->state == LEAD_OFFERED ? POOL_OFFER : POOL_FIRST_ACTION;
    pull_show(core, lead, agent, lead_timer_ms(core, lead, timer));
}

/* What the strategy must find again at the next window, also after a restart. A lead that comes back to its owner is
 * nobody's turn; nor is one by the plain order, which keeps no round, a turn in it. */
static void move_turn(struct core *core, const struct ask *ask, const struct lead *lead, struct agent *agent,
                      uint64_t turn, enum reason by)
{
    const enum keeps keeps = strategy_keeps(ask->strategy);
    if (lead->state == LEAD_PIPELINE)
        return;
    if (keeps == KEEPS_GIVEN)
        agent->served_us = core->now_us;
    else if (keeps == KEEPS_PASS && by != REASON_PLAIN_ORDER)
        agent->turn = (agent->turn > turn ? agent->turn : turn) + turn_step(agent->weight);
    else
        return;
    agent_touch(core, agent);
}

/* Decided; now it moves, and leaves. */
static void hand_over(struct core *core, struct lead *lead, struct agent *agent, bool accepted, enum reason by)
{
    lead->noted = false;
    lead->passed = false;
    lead->refusals = 0;
    core->programmes[lead->programme].offers++;
    agent->given_us = core->now_us;
    activity_given(core, agent);
    if (accepted) {
        lead_move(core, lead, MOVE_GRANT, LEAD_OWNED, agent->index, by);
        lead_handed(core, lead);
    } else {
        lead_move(core, lead, MOVE_OFFER, LEAD_OFFERED, agent->index, by);
    }
    agent_ready_consume(core, agent, lead->id);
    verdict_tell(core, lead, agent);
}

static uint8_t charge(struct core *core, struct agent *agent, const struct lead *lead)
{
    const uint8_t later = programme_of(core, lead->programme)->balance_permille ? COUNTED_LATER : 0;
    return limits_take(core, agent, lead->cost_cents) | later;
}

static void grant(struct core *core, const struct ask *ask, struct lead *lead, struct agent *agent,
                  const struct verdict *verdict, enum reason by)
{
    struct programme_state *state = &core->programmes[lead->programme];
    const uint8_t counted = lead->state == LEAD_PIPELINE ? 0 : charge(core, agent, lead);
    leads_past(lead)->decision = (struct decision){
        .request = ask->id,
        .at_us = core->now_us,
        .winner = agent->index,
        .runner_up =
            verdict->runner_up && verdict->runner_up <= ask->n_agents ? ask->agents[verdict->runner_up - 1] : NONE,
        .policy_version = core->policy.version,
        .candidates = ask->n_agents,
        .score = verdict->score,
        .margin = verdict->margin,
        .by = (uint16_t) by,
        .strategy = ask->strategy,
        .counted = counted};
    *(by == REASON_PLAIN_ORDER ? &state->decided_plain : &state->decided_scored) += 1;
    state->decided_greedy += by == REASON_GREEDY;
    move_turn(core, ask, lead, agent, ask->request_agents[verdict->agent - 1].turn, by);
    /* its own again, or accepted by asking */
    const bool accepted = lead->state == LEAD_PIPELINE || (agent->ready && !pull_previews(core, agent));
    hand_over(core, lead, agent, accepted, by);
}

/* It was the agent who decided. The lead may be in a request, whose verdict on it does not hold any more then. */
void verdict_chosen(struct core *core, struct lead *lead, struct agent *agent)
{
    struct pool *pool = pool_of(core, lead);
    const uint8_t counted = charge(core, agent, lead);
    leads_past(lead)->decision = (struct decision){.at_us = core->now_us,
                                                   .winner = agent->index,
                                                   .runner_up = NONE,
                                                   .policy_version = core->policy.version,
                                                   .candidates = 1,
                                                   .by = REASON_CHOSEN,
                                                   .strategy = (uint8_t) programme_of(core, lead->programme)->strategy,
                                                   .counted = counted};
    aside_leave(core, pool, lead);
    hand_over(core, lead, agent, true, REASON_CHOSEN);
}

/* Returns whether the verdict holds against the state of now. */
static bool holds(struct core *core, const struct ask *ask, uint32_t i, const struct verdict *verdict)
{
    const struct lead *lead = ask->leads[i];
    if (verdict->agent > ask->n_agents || excluded(ask, i, verdict->agent - 1) || calling_closed(core, lead))
        return false;
    const struct agent *agent = core->agents[ask->agents[verdict->agent - 1]];
    if (ask->request_leads[i].only_agent &&
        (ask->request_leads[i].only_agent != verdict->agent || lead->owner != agent->index))
        return false;
    const struct pool *pool = ask->pool;
    enum reason why;
    const uint32_t free = lead->state == LEAD_PIPELINE ? agent_free_due(core, agent, pool->ring)
                                                       : allocate_free_slots(core, agent, pool->ring);
    return free > 0 && allocate_in_scope(core, pool, agent) && pair_allowed(core, lead, agent, &why);
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
    uint32_t given = 0, granted = 0, slots = 0; /* given: by a verdict, whether it holds or not */
    give_back(core, ask);
    for (uint32_t i = 0; i < ask->n_agents; i++)
        slots += ask->slots[i];
    for (uint32_t i = 0; i < ask->n_leads; i++) {
        struct lead *lead = ask->leads[i];
        given += verdicts[i].agent > 0;
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
    /* there may be agents who were not asked about */
    const bool more = ask->of_one || (granted && (ask->n_agents == ASK_AGENTS_MAX || ask->fitted)) ||
                      (given && ask->balanced); /* who stood aside for another may have it now */
    for (uint32_t i = 0; i < ask->n_leads; i++) {
        struct lead *lead = ask->leads[i];
        if (lead->ask != ask->id)
            continue;
        lead->passed = slots > given && !more && !verdicts[i].agent && lead->state == LEAD_POOLED;
        lead_requeue(core, lead);
    }
    window_end(core, ask);
    for (uint32_t i = 0; i < ask->n_agents; i++) {
        agent_update(core, core->agents[ask->agents[i]]);
        if (slots > granted)
            allocate_back(core, core->agents[ask->agents[i]]);
    }
    allocate_mark_short(core);
    if (aside_any(ask->pool))
        allocate_mark(core, ask->pool);
    return granted;
}

/* ---- the plain order ------------------------------------------------------------------------ */

uint32_t verdict_plain(struct core *core, struct ask *ask)
{
    struct verdict verdicts[ASK_LEADS_MAX];
    const struct msg_request request = ask_request(core, ask);
    plain_decide(&request, verdicts);
    return apply(core, ask, verdicts, REASON_PLAIN_ORDER);
}

/* ---- answers --------------------------------------------------------------------------------------- */

static void count_greedy(struct programme_state *state, struct worker *worker, const struct msg_decision *decision)
{
    uint64_t gap_cents = 0; /* what the worker says is not believed to be in order */
    if (decision->bound > decision->total && decision->total >= 0)
        gap_cents = (uint64_t) (decision->bound - decision->total);
    worker->greedy++;
    worker->greedy_gap_cents += gap_cents;
    state->greedy_gap_cents += gap_cents;
}

void verdict_decision(struct core *core, uint32_t peer, const struct msg *msg)
{
    const struct msg_decision *decision = &msg->decision;
    struct worker *worker = &core->workers[core->peers[peer].index];
    struct ask *ask = window_ask_of(core, decision->id);
    worker_busy(worker, core->now_us, decision->spent_us);
    if (!ask || ask->worker != core->peers[peer].index) { /* it lapsed: the plain order took it */
        worker->too_late++;
        return;
    }
    worker->out--;
    const bool greedy = decision->reason == REASON_GREEDY;
    if ((decision->reason != REASON_OK && !greedy) || decision->n_verdicts != ask->n_leads) {
        worker->policy_version = 0;
        verdict_plain(core, ask);
        return;
    }
    worker->answered++;
    core->programmes[ask->programme].rotation = decision->rotation;
    core->programmes[ask->programme].dirty = true;
    for (uint32_t i = 0; i < decision->n_verdicts; i++)
        worker->dropped += decision->verdicts[i].agent != 0;
    if (greedy)
        count_greedy(&core->programmes[ask->programme], worker, decision);
    const uint32_t granted = apply(core, ask, decision->verdicts, greedy ? REASON_GREEDY : REASON_SCORED);
    worker->decided += granted;
    worker->dropped -= granted;
}

/* Its worker is gone before the deadline: the leads wait again, for the next one. */
void verdict_withdraw(struct core *core, struct ask *ask)
{
    give_back(core, ask);
    for (uint32_t i = 0; i < ask->n_leads; i++)
        if (ask->leads[i]->ask == ask->id)
            lead_requeue(core, ask->leads[i]);
    window_end(core, ask);
    for (uint32_t i = 0; i < ask->n_agents; i++) {
        allocate_agent(core, core->agents[ask->agents[i]]);
        agent_update(core, core->agents[ask->agents[i]]);
    }
    allocate_mark_short(core);
    aside_retry(core, ask->pool);
}

void verdict_lapsed(struct core *core, struct ask *ask)
{
    struct worker *worker = &core->workers[ask->worker];
    worker->out--;
    worker->lapsed++;
    worker->late = true;
    verdict_plain(core, ask);
}
