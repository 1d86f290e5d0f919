/* SPDX-License-Identifier: Apache-2.0
 * cards.c - agents as allocation sees them: a card is permission to hand over one
 * more lead. Standing cards belong to who is available, earned ones to who asked
 * and owes nothing. Every change that may touch them ends in agent_update(). */
#include "core/core_private.h"
#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

/* With ret_lead NULL only whether: naming the lead is a walk over all it holds. Where a first action earns, a lead
 * being worked on owes nothing: it got there in time, or it would have been taken back. */
static enum reason owes(const struct agent *agent, const struct programme *programme, struct id *ret_lead)
{
    const uint32_t working = programme->earn == EARN_FIRST_ACTION ? 0 : agent->working;
    const uint32_t offered = programme->pull == PULL_BLIND ? 0 : agent->offered;
    if (!ret_lead)
        return offered + agent->owned + working + agent->wrap_up > 0 ? REASON_OWES_DISPOSITION : REASON_OK;
    for (const struct lead *lead = agent->held; lead; lead = lead->held_next) {
        *ret_lead = lead->id;
        if (lead->state == LEAD_WRAP_UP)
            return programme->note_required && !lead->noted ? REASON_OWES_NOTE : REASON_OWES_DISPOSITION;
        if (lead->state == LEAD_WORKING && working)
            return REASON_OWES_DISPOSITION;
        if (lead->state == LEAD_OWNED)
            return REASON_OWES_FIRST_ACTION;
        if (lead->state == LEAD_OFFERED && offered)
            return REASON_OWES_ANSWER;
    }
    *ret_lead = (struct id){0};
    return REASON_OK;
}

static uint32_t wip_max(const struct core *core, const struct agent *agent)
{
    const uint32_t limit = programme_of(core, agent->programme)->wip_max;
    return agent->capacity && agent->capacity < limit ? agent->capacity : limit;
}

/* Leads its hands have room for: those of its own pipeline need nothing more. */
static uint32_t hand_slots(const struct core *core, const struct agent *agent, enum reason *ret_why,
                           struct id *ret_lead)
{
    const struct programme *programme = programme_of(core, agent->programme);
    const uint32_t open = agent_open(agent);
    const uint32_t untouched = agent->offered + agent->owned, wip = wip_max(core, agent);
    const enum reason off = duty_why_not(core, agent);
    if (ret_lead)
        *ret_lead = (struct id){0};
    *ret_why = REASON_OK;
    if (!agent->present || !agent->peer || agent->intent == INTENT_OFFLINE)
        *ret_why = REASON_NOT_CONNECTED;
    else if (agent->intent == INTENT_AWAY)
        *ret_why = REASON_AWAY;
    else if (off != REASON_OK)
        *ret_why = off;
    else if (run_ms(core) - agent->heard_ms >= 2 * core->policy.heartbeat_ms)
        *ret_why = REASON_SUSPECT;
    else if (agent->paused)
        *ret_why = (enum reason) agent->paused;
    else if (agent->penalty_until_ms > run_ms(core))
        *ret_why = REASON_PENALTY;
    else if (agent->wrap_up)
        *ret_why = owes(agent, programme, ret_lead);
    else if (open >= wip)
        *ret_why = programme->mode == MODE_PUSH ? REASON_WIP_FULL : owes(agent, programme, ret_lead);
    else if (untouched >= programme->untouched_max)
        *ret_why = REASON_UNTOUCHED_OVER;
    if (*ret_why == REASON_OK && open >= wip)
        *ret_why = REASON_WIP_FULL;
    if (*ret_why != REASON_OK)
        return 0;
    const uint32_t room = programme->untouched_max - untouched;
    return wip - open < room ? wip - open : room;
}

/* Earned cards: in a pull programme always, elsewhere when the agent works on demand. */
bool agent_earns(const struct core *core, const struct agent *agent)
{
    return programme_of(core, agent->programme)->mode == MODE_PULL || agent->intent == INTENT_ON_DEMAND;
}

/* New leads it could be given now, card or not: what "best available" may count on. */
uint32_t agent_slots(const struct core *core, const struct agent *agent, enum reason *ret_why, struct id *ret_lead)
{
    const uint32_t slots = hand_slots(core, agent, ret_why, ret_lead);
    const uint32_t room = slots ? limits_room(core, agent, ret_why) : 0;
    return room < slots ? room : slots;
}

static uint32_t cards_of(const struct core *core, const struct agent *agent, uint32_t slots, enum reason *ret_why,
                         struct id *ret_lead)
{
    if (slots == 0)
        return 0;
    if (agent_earns(core, agent)) {
        /* one lead at a time: earning means nothing is owed on any lead in hand */
        if ((*ret_why = owes(agent, programme_of(core, agent->programme), ret_lead)) != REASON_OK)
            return 0;
        if (!agent->ready)
            *ret_why = REASON_NO_READY;
        return agent->ready ? 1 : 0;
    }
    return slots;
}

uint32_t agent_cards(const struct core *core, const struct agent *agent, enum reason *ret_why, struct id *ret_lead)
{
    return cards_of(core, agent, agent_slots(core, agent, ret_why, ret_lead), ret_why, ret_lead);
}

/* What comes back to its owner is no new lead: limits do not hold it up. */
uint32_t agent_due_cards(const struct core *core, const struct agent *agent)
{
    enum reason why;
    return agent->due ? cards_of(core, agent, hand_slots(core, agent, &why, NULL), &why, NULL) : 0;
}

/* Less what is lent. In the last ring it need not have asked: as with new leads. */
uint32_t agent_free_due(const struct core *core, const struct agent *agent, enum ring ring)
{
    enum reason why;
    const uint32_t slots = ring == RING_LAST ? hand_slots(core, agent, &why, NULL) : agent_due_cards(core, agent);
    return slots > agent->lent ? slots - agent->lent : 0;
}

static void place(struct heap *heap, struct agent_node *node, bool in)
{
    if (in == heap_has(&node->node))
        return;
    if (in)
        heap_add(heap, &node->node, (struct heap_key){node->agent->queue_us, node->agent->index});
    else
        heap_remove(heap, &node->node);
}

uint32_t agent_scopes(struct core *core, const struct agent *agent, struct scope *ret_scopes[SCOPES])
{
    uint32_t n = 0;
    ret_scopes[n++] = &core->programme_scopes[agent->programme];
    for (uint32_t unit = agent->team; unit != NONE; unit = unit_above(core, unit))
        ret_scopes[n++] = &core->team_scopes[unit];
    if (core->cell_wide) /* else no pool is everybody's */
        ret_scopes[n++] = &core->cell_scope;
    return n;
}

void agent_leave_scopes(struct core *core, struct agent *agent)
{
    struct scope *scopes[SCOPES];
    const uint32_t n = agent_scopes(core, agent, scopes);
    for (uint32_t i = 0; i < n; i++) {
        place(&scopes[i]->able, &agent->able[i], false);
        place(&scopes[i]->card, &agent->card[i], false);
        scopes[i]->lent -= agent->lent_whole;
    }
    agent->lent_whole = false;
}

/* A timer that is early is set right when it fires: heartbeats need not move it. */
static void set_timer(struct core *core, struct agent *agent)
{
    const struct policy *policy = &core->policy;
    int64_t at = INT64_MAX;
    if (agent->present) {
        const int64_t suspect = agent->heard_ms + 2 * policy->heartbeat_ms;
        at = suspect > run_ms(core) ? suspect : agent->heard_ms + policy->lease_ms;
    } else {
        at = agent_open(agent) > 0 ? agent->gone_ms + policy->orphan_grace_ms : turnover_due_ms(core, agent);
    }
    if (agent->penalty_until_ms > run_ms(core) && agent->penalty_until_ms < at)
        at = agent->penalty_until_ms;
    if (agent->ready && agent->ready_until_ms < at)
        at = agent->ready_until_ms;
    const int64_t inactive = activity_ends_ms(core, agent);
    if (inactive < at)
        at = inactive;
    if (at == INT64_MAX)
        core_disarm(core, &agent->timer);
    else if (!heap_has(&agent->timer.node) || agent->timer.at_ms > at)
        core_arm(core, &agent->timer, at, false);
}

/* Longest free first; who holds leads stands behind, last served last. A lead
 * that was declined or missed leaves no trace: the idle clock did not move. */
static void set_place(struct core *core, struct agent *agent)
{
    const bool holds = agent_open(agent) > 0;
    const int64_t queue_us = holds && agent->given_us > agent->idle_since_us ? agent->given_us : agent->idle_since_us;
    if (queue_us == agent->queue_us)
        return;
    agent_leave_scopes(core, agent);
    agent->queue_us = queue_us;
}

void agent_update(struct core *core, struct agent *agent)
{
    enum reason why;
    set_place(core, agent);
    if (agent->kept_open > agent_open(agent))
        agent_keep_open(core, agent);
    struct scope *scopes[SCOPES];
    const uint32_t n_scopes = agent_scopes(core, agent, scopes);
    const uint32_t hands = hand_slots(core, agent, &why, NULL), room = hands ? limits_room(core, agent, &why) : 0;
    const uint32_t slots = room < hands ? room : hands;
    const uint32_t cards = cards_of(core, agent, slots, &why, NULL);
    const uint32_t due = agent->due ? cards_of(core, agent, hands, &why, NULL) : 0;
    const bool lent_whole = (slots && slots <= agent->lent) || (cards && cards <= agent->lent);
    for (uint32_t i = 0; i < n_scopes; i++) {
        place(&scopes[i]->able, &agent->able[i], slots > agent->lent);
        place(&scopes[i]->card, &agent->card[i], cards > agent->lent);
        scopes[i]->lent += lent_whole;
        scopes[i]->lent -= agent->lent_whole;
    }
    agent->lent_whole = lent_whole;
    if (slots > agent->slots_seen || cards > agent->cards_seen || due > agent->due_seen)
        allocate_agent(core, agent);
    agent->slots_seen = slots;
    agent->cards_seen = cards;
    agent->due_seen = due;
    set_timer(core, agent);
    duty_arm(core, agent);
}

void agent_set_present(struct core *core, struct agent *agent, bool present)
{
    if (agent->present == present)
        return;
    if (!present)
        balance_leaves(core, agent);
    agent->present = present;
    core->team_present[agent->team] += present ? 1u : -1u;
    if (present)
        balance_joins(core, agent);
    unit_refresh(core, agent->team);
    agent_touch(core, agent);
}

/* ---- making, counting -------------------------------------------------------------- */

struct agent *agent_find(struct core *core, struct slice name)
{
    struct agent *agent;
    HASH_FIND(hh, core->agents_by_name, name.at, name.len, agent);
    return agent;
}

/* Untouched memory of a great table costs nothing, so it is not cleared by hand. */
void agent_indexes(struct core *core, uint32_t given)
{
    if (given > core->n_agents)
        core->n_agents = given;
    if (given <= core->agents_room)
        return;
    const uint32_t room = given < 512 ? 1024 : 2 * given;
    struct agent **agents = calloc(room, sizeof(struct agent *));
    assert(agents);
    if (core->agents_room)
        memcpy(agents, core->agents, core->agents_room * sizeof(struct agent *));
    free(core->agents);
    core->agents = agents;
    core->agents_room = room;
}

struct agent *agent_new(struct core *core, struct slice name, uint32_t index)
{
    if (core->n_known == AGENTS_CEILING || index >= AGENTS_EVER)
        return NULL;
    agent_indexes(core, index + 1);
    if (core->agents[index])
        return NULL;
    struct agent *agent = calloc(1, sizeof *agent);
    assert(agent && name.len <= NAME_BYTES_MAX);
    if (name.len > 0)
        memcpy(agent->name, name.at, name.len);
    agent->index = index;
    agent->timer.owner = TIMER_AGENT;
    agent->duty.owner = TIMER_DUTY;
    agent->idle_since_us = core->now_us;
    for (int i = 0; i < SCOPES; i++)
        agent->card[i].agent = agent->able[i].agent = agent;
    HASH_ADD_KEYPTR(hh, core->agents_by_name, agent->name, name.len, agent);
    core->agents[index] = core->known[core->n_known++] = agent;
    core->dirty_cell = true;
    return agent;
}

static void leave_team(struct core *core, struct agent *agent)
{
    if (agent->mates_prev)
        agent->mates_prev->mates_next = agent->mates_next;
    else if (core->team_agents[agent->team] == agent)
        core->team_agents[agent->team] = agent->mates_next;
    if (agent->mates_next)
        agent->mates_next->mates_prev = agent->mates_prev;
}

static void join_team(struct core *core, struct agent *agent, uint32_t team)
{
    agent->team = team;
    agent->mates_prev = NULL;
    agent->mates_next = core->team_agents[team];
    if (agent->mates_next)
        agent->mates_next->mates_prev = agent;
    core->team_agents[team] = agent;
}

void agent_drop(struct core *core, struct agent *agent)
{
    uint32_t at = core->n_known;
    do
        at--;
    while (core->known[at] != agent);
    memmove(core->known + at, core->known + at + 1, (--core->n_known - at) * sizeof(struct agent *));
    core->agents[agent->index] = NULL;
    HASH_DEL(core->agents_by_name, agent);
    leave_team(core, agent);
    if (agent->direct)
        aside_fini(core, agent->direct);
    free(agent->direct);
    free(agent);
}

/* Who is not listed comes after those who are, in the order of arrival in the cell. */
void agent_set_team(struct core *core, struct agent *agent, uint32_t team)
{
    if (agent->programme != core->policy.teams[team].programme)
        agent->turn = agent->quality = 0;
    leave_team(core, agent);
    join_team(core, agent, team);
    agent->programme = core->policy.teams[team].programme;
    agent->weight = 1;
    agent->list_place = POLICY_AGENTS_MAX + agent->index;
    for (uint32_t i = 0; i < core->policy.n_agents; i++) {
        const struct policy_agent *listed = &core->policy.agents[i];
        if (listed->programme != agent->programme || strcmp(listed->name, agent->name) != 0)
            continue;
        agent->weight = listed->weight;
        agent->list_place = i;
    }
}

void agent_touch(struct core *core, struct agent *agent)
{
    if (agent->dirty)
        return;
    agent->dirty = true;
    agent->dirty_next = core->dirty_agents;
    core->dirty_agents = agent;
}

void agent_hold(struct agent *agent, unsigned state, int by)
{
    uint32_t *count = state == LEAD_OFFERED    ? &agent->offered
                      : state == LEAD_OWNED    ? &agent->owned
                      : state == LEAD_WORKING  ? &agent->working
                      : state == LEAD_WRAP_UP  ? &agent->wrap_up
                      : state == LEAD_PIPELINE ? &agent->pipeline
                                               : NULL;
    if (!count)
        return;
    assert(by > 0 || *count > 0);
    *count += (uint32_t) by;
}

void agent_freed(struct core *core, struct agent *agent)
{
    agent->idle_since_us = core->now_us;
    agent_touch(core, agent);
}

static void penalise(struct core *core, struct agent *agent)
{
    const struct programme *programme = programme_of(core, agent->programme);
    agent->penalty_ms = agent->penalty_ms ? agent->penalty_ms * 2 : programme->penalty_ms;
    if (agent->penalty_ms > programme->penalty_max_ms)
        agent->penalty_ms = programme->penalty_max_ms;
    agent->penalty_until_ms = run_ms(core) + agent->penalty_ms;
    agent_touch(core, agent);
}

void agent_missed(struct core *core, struct agent *agent)
{
    agent->misses++;
    if (agent->misses >= programme_of(core, agent->programme)->misses_max && !agent->paused)
        agent->paused = REASON_PAUSED;
    penalise(core, agent);
}

void agent_declined(struct core *core, struct agent *agent)
{
    penalise(core, agent);
}
