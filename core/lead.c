/* SPDX-License-Identifier: Apache-2.0
 * lead.c - a lead, its state and its place. lead_move() is the only writer of
 * the state; arm() is the only place where a lead's deadline is armed, so that
 * "one armed deadline a live lead" cannot be forgotten by a handler. */
#include "core/core_private.h"
#include "core/limits.h"

#include <string.h>

enum fence_rule { SAME, RISE };
static const uint8_t fences[LEAD_MOVES] = {
#define LEAD_MOVE(from, event, to, fence) fence,
#include "core/lead_states.def"
};

enum { /* lines of the list */
#define LEAD_MOVE(from, event, to, fence) LINE_##from##_##event##_##to,
#include "core/lead_states.def"
};
static const uint8_t lines[LEAD_STATES][MOVE_SUPPRESS + 1][LEAD_STATES] = {
/* 1 + its line; 0: there is no such move */
#define LEAD_MOVE(from, event, to, fence) [LEAD_##from][MOVE_##event][LEAD_##to] = 1 + LINE_##from##_##event##_##to,
#include "core/lead_states.def"
};

const char *const lead_move_labels[LEAD_MOVES] = {
#define LEAD_MOVE(from, event, to, fence) "from=\"" #from "\",event=\"" #event "\",to=\"" #to "\"",
#include "core/lead_states.def"
};

/* ---- pools ---------------------------------------------------------------------- */

static void enter_pool(struct core *core, struct lead *lead)
{
    struct pool *pool = pool_of(core, lead);
    heap_add(&pool->waiting, &lead->place, lead_key(core, lead));
    pool->depth++;
    allocate_mark(core, pool);
    if (pool->ring == RING_TEAM)
        unit_refresh(core, pool->team);
}

static void leave_pool(struct core *core, struct lead *lead)
{
    struct pool *pool = pool_of(core, lead);
    aside_leave(core, pool, lead);
    pool->depth--;
    lead->ask = 0;
    lead->ring = RING_OWN;
    lead->team = NONE;
    if (pool->ring == RING_TEAM)
        unit_refresh(core, pool->team);
}

/* The order of its pool changed. */
void lead_reorder(struct core *core, struct lead *lead)
{
    if (heap_has(&lead->place))
        aside_moved(core, pool_of(core, lead), lead);
}

void lead_requeue(struct core *core, struct lead *lead)
{
    lead->ask = 0;
    if (lead->state != LEAD_POOLED)
        return;
    if (lead->passed)
        aside_pass(core, pool_of(core, lead), lead);
    else
        heap_add(&pool_of(core, lead)->waiting, &lead->place, lead_key(core, lead));
}

/* ---- what must be sealed ------------------------------------------------------------ */

void lead_touch(struct core *core, struct lead *lead)
{
    if (lead->dirty)
        return;
    lead->dirty = true;
    lead->dirty_next = core->dirty_leads;
    core->dirty_leads = lead;
}

/* ---- what a row alone would not show ---------------------------------------------------- */

static void keep_step(struct core *core, struct lead *lead, enum reason reason)
{
    const struct step step = {lead->steps, lead->owner, (uint16_t) reason, lead->state};
    buf_add(&core->steps, &step, sizeof step);
    lead->steps = (uint32_t) (core->steps.len / sizeof step);
    lead->moved = false;
}

void lead_noted(struct core *core, struct lead *lead)
{
    if (lead->moved)
        keep_step(core, lead, lead->reason);
    keep_step(core, lead, REASON_NOTED);
    lead->noted = true;
    lead_touch(core, lead);
}

/* ---- the one deadline -------------------------------------------------------------------- */

int64_t lead_gap_ms(const struct core *core, const struct lead *lead)
{
    const struct programme *programme = programme_of(core, lead->programme);
    if (programme->n_gaps == 0)
        return 0;
    uint32_t i = lead->attempts ? lead->attempts - 1 : 0;
    return programme->gap_ms[i < programme->n_gaps ? i : programme->n_gaps - 1];
}

/* Whom nobody holds, its age may end first. */
static void arm(struct core *core, struct lead *lead, int64_t appointment_ms)
{
    const struct programme *programme = programme_of(core, lead->programme);
    int64_t after_ms = 0, age_end_ms = INT64_MAX;
    switch (lead->state) {
    case LEAD_HELD:
        after_ms = programme->vet_ms;
        age_end_ms = followup_age_end_ms(core, lead);
        break;
    case LEAD_COOLING:
        after_ms = programme->cool_off_ms;
        age_end_ms = followup_age_end_ms(core, lead);
        break;
    case LEAD_POOLED:
        after_ms = lead_timer_ms(core, lead, POOL_UNCLAIMED);
        age_end_ms = followup_age_end_ms(core, lead);
        break;
    case LEAD_OFFERED:
        after_ms = lead_timer_ms(core, lead, POOL_OFFER);
        break;
    case LEAD_OWNED:
        after_ms = lead_timer_ms(core, lead, POOL_FIRST_ACTION);
        break;
    case LEAD_WORKING:
        after_ms = programme->activity_ms;
        break;
    case LEAD_WRAP_UP:
        after_ms = lead->late ? programme->disposition_hard_ms : programme->disposition_ms;
        break;
    case LEAD_REVOKING:
        after_ms = core->agents[lead->former]->valid_until_ms - run_ms(core);
        break;
    case LEAD_PIPELINE:
        after_ms = lead->due ? programme->pipeline_grace_ms : lead_gap_ms(core, lead);
        break;
    default:
        assert(lead_terminal(lead));
        core_disarm(core, &lead->timer);
        return;
    }
    if (age_end_ms < (appointment_ms ? appointment_ms : now_ms(core) + after_ms))
        core_arm(core, &lead->timer, age_end_ms, true);
    else if (appointment_ms)
        core_arm(core, &lead->timer, appointment_ms, true);
    else
        core_arm(core, &lead->timer, run_ms(core) + (after_ms > 0 ? after_ms : 0), false);
}

/* ---- moves ----------------------------------------------------------------------------------- */

static enum fence_rule check_move(struct core *core, enum lead_state from, enum lead_event event, enum lead_state to)
{
    const unsigned line = lines[from][event][to];
    assert(line > 0); /* or this move is not in lead_states.def */
    core->moved[line - 1]++;
    return fences[line - 1];
}

static void hold(struct core *core, struct lead *lead, uint32_t agent_index)
{
    struct agent *agent = core->agents[agent_index];
    lead->owner = agent_index;
    lead->held_prev = NULL;
    lead->held_next = agent->held;
    if (agent->held)
        agent->held->held_prev = lead;
    agent->held = lead;
    agent->held_cents += lead->cost_cents;
}

static void let_go(struct core *core, struct lead *lead)
{
    struct agent *agent = core->agents[lead->owner];
    if (lead->held_prev)
        lead->held_prev->held_next = lead->held_next;
    else
        agent->held = lead->held_next;
    if (lead->held_next)
        lead->held_next->held_prev = lead->held_prev;
    lead->held_prev = lead->held_next = NULL;
    agent->held_cents -= lead->cost_cents;
    lead->owner = NONE;
}

static void leave_state(struct core *core, struct lead *lead)
{
    core->programmes[lead->programme].count[lead->state]--;
    if (lead->state == LEAD_POOLED)
        leave_pool(core, lead);
    if (lead->owner != NONE) {
        agent_hold(core->agents[lead->owner], lead->state, -1);
        if (lead->state == LEAD_PIPELINE && lead->due)
            core->agents[lead->owner]->due--;
    }
    lead->ask = 0;
}

static void move(struct core *core, struct lead *lead, enum lead_event event, enum lead_state to, uint32_t agent,
                 enum reason reason)
{
    const enum fence_rule fence = check_move(core, lead->state, event, to);
    const uint32_t before = lead->owner;
    const bool in_hand = lead->state == LEAD_OWNED || lead->state == LEAD_WORKING || lead->state == LEAD_WRAP_UP;
    if (lead->moved)
        keep_step(core, lead, lead->reason);
    lead->moved = true;
    const bool ends =
        (to >= LEAD_CLOSED_WON) != lead_terminal(lead); /* or begins anew: all that it names counts or not */
    if (ends || lead->former != NONE)
        turnover_names(core, lead, -1, ends);
    leave_state(core, lead);
    if (lead->owner != NONE && lead->owner != agent)
        let_go(core, lead);
    if (to == LEAD_REVOKING)
        lead->former = before;
    else
        lead->former = NONE;
    lead->due = event == MOVE_DUE;
    lead->late = event == MOVE_LATE;
    lead->state = (uint8_t) to;
    lead->reason = (uint16_t) reason;
    lead->state_us = core->now_us;
    if (fence == RISE)
        lead->fence = core->epoch << 32 | ((lead->fence & UINT32_MAX) + 1);
    core->programmes[lead->programme].count[to]++;
    core->programmes[lead->programme].dirty = true;
    if (agent != NONE) {
        if (lead->owner == NONE)
            hold(core, lead, agent);
        agent_hold(core->agents[agent], to, +1);
        if (lead->due)
            core->agents[agent]->due++;
    }
    if (in_hand && (agent != before || to == LEAD_PIPELINE))
        agent_freed(core, core->agents[before]);
    if (ends || lead->former != NONE)
        turnover_names(core, lead, +1, ends);
    lead_touch(core, lead);
}

static void update_holders(struct core *core, uint32_t before, uint32_t after)
{
    if (before != NONE && after != before)
        limits_hold(core, core->agents[before]);
    if (after != NONE && after != before)
        limits_hold(core, core->agents[after]);
    if (before != NONE)
        agent_update(core, core->agents[before]);
    if (after != NONE && after != before)
        agent_update(core, core->agents[after]);
}

void lead_move(struct core *core, struct lead *lead, enum lead_event event, enum lead_state to, uint32_t agent,
               enum reason reason)
{
    assert(to != LEAD_POOLED);
    const uint32_t before = lead->owner;
    move(core, lead, event, to, agent, reason);
    arm(core, lead, 0);
    update_holders(core, before, agent);
}

void lead_pipeline(struct core *core, struct lead *lead, int64_t appointment_ms)
{
    const uint32_t owner = lead->owner;
    move(core, lead, MOVE_DISPOSE_PIPELINE, LEAD_PIPELINE, owner, REASON_DISPOSED_PIPELINE);
    arm(core, lead, appointment_ms);
    agent_update(core, core->agents[owner]);
}

/* The same lead is looked at again then. */
void lead_wait(struct core *core, struct lead *lead, enum lead_state to, int64_t appointment_ms, enum reason reason)
{
    assert(lead->owner == NONE && (to == LEAD_HELD || to == LEAD_COOLING));
    move(core, lead, to == LEAD_HELD ? MOVE_HOLD : MOVE_COOL, to, NONE, reason);
    arm(core, lead, appointment_ms);
}

void lead_transfer(struct core *core, struct lead *lead, uint32_t programme)
{
    assert(lead->state != LEAD_POOLED);
    core->programmes[lead->programme].count[lead->state]--;
    core->programmes[lead->programme].dirty = true;
    lead->programme = (uint16_t) programme;
    lead->home = NONE; /* a unit of the programme it leaves */
    core->programmes[programme].count[lead->state]++;
    core->programmes[programme].moved_in++;
    core->programmes[programme].dirty = true;
    lead_touch(core, lead);
}

static void postpone(struct core *core, struct lead *lead, int64_t until_ms, enum reason reason)
{
    const uint32_t owner = lead->owner;
    move(core, lead, MOVE_POSTPONE, LEAD_PIPELINE, owner, reason);
    arm(core, lead, until_ms);
    agent_update(core, core->agents[owner]);
}

void lead_pool(struct core *core, struct lead *lead, enum lead_event event, enum ring ring, uint32_t team,
               enum reason reason)
{
    const uint32_t before = lead->owner;
    const bool was_waiting = lead->state == LEAD_POOLED;
    const struct timer kept = lead->timer;
    move(core, lead, event, LEAD_POOLED, NONE, reason);
    lead->ring = (uint8_t) ring;
    lead->team = team;
    if (event != MOVE_REFILL)
        lead->home = ring == RING_TEAM ? team : NONE;
    lead->passed = false;
    lead->refusals = 0;
    if (!was_waiting && (lead->contacted || event != MOVE_LET_GO)) /* untouched, it waits for the same thing still */
        lead->pooled_us = core->now_us;
    enter_pool(core, lead);
    if (event == MOVE_REFILL || event == MOVE_REPOOL) /* between upstream and a team its wait does not start anew */
        core_arm(core, &lead->timer, kept.at_ms, kept.appointment);
    else
        arm(core, lead, 0);
    update_holders(core, before, NONE);
    calling_hold(core, lead);
}

void lead_attach(struct core *core, struct lead *lead)
{
    core->programmes[lead->programme].count[lead->state]++;
    if (lead_terminal(lead))
        return;
    turnover_names(core, lead, +1, true);
    if (lead->owner != NONE) {
        struct agent *agent = core->agents[lead->owner];
        hold(core, lead, lead->owner);
        agent_hold(agent, lead->state, +1);
        if (lead->state == LEAD_PIPELINE && lead->due)
            agent->due++;
        if (lead->state != LEAD_PIPELINE && lead->past && lead->past->decision.by != REASON_ASSIGNED &&
            lead->past->decision.at_us > agent->given_us)
            agent->given_us = lead->past->decision.at_us;
    }
    if (lead->state == LEAD_POOLED)
        enter_pool(core, lead);
    core_arm(core, &lead->timer, lead->timer.at_ms, lead->timer.appointment);
}

void lead_handed(struct core *core, struct lead *lead)
{
    if (lead->handed_us)
        return;
    lead->handed_us = core->now_us;
    histogram_add(lead->met_free ? &core->hand_free : &core->hand_busy, core->now_us - lead->received_us);
}

/* ---- what happens when the deadline is over ----------------------------------------------------- */

static void unclaimed(struct core *core, struct lead *lead)
{
    struct programme_state *state = &core->programmes[lead->programme];
    if (calling_hold(core, lead)) /* nobody may take it: that is no alert */
        return;
    if (lead->ring == RING_LAST) {
        lead->alerted = true;
        state->alerts++;
        lead_pool(core, lead, MOVE_UNCLAIMED_ALERT, RING_LAST, NONE, REASON_UNCLAIMED_ALERT);
        return;
    }
    place_wider(core, lead);
}

/* What was agreed with the customer goes to somebody who is there; another attempt waits for its owner's next shift. */
static bool put_off(struct core *core, struct lead *lead)
{
    const struct agent *owner = core->agents[lead->owner];
    const enum reason off = duty_why_not(core, owner);
    const bool agreed = lead->disposition && disposition_class(lead->disposition) == CLASS_CALLBACK;
    const int64_t opens_ms = calling_opens_ms(core, lead);
    if (opens_ms > now_ms(core)) {
        postpone(core, lead, opens_ms, REASON_LEAD_OUT_OF_HOURS);
        return true;
    }
    if (off == REASON_OK)
        return false;
    const int64_t begins_ms = duty_begins_ms(core, owner);
    if (off == REASON_ABSENT || agreed || begins_ms == CALENDAR_NEVER)
        revoke_begin(core, lead, off);
    else
        postpone(core, lead, begins_ms, off);
    return true;
}

static void due_again(struct core *core, struct lead *lead)
{
    lead_move(core, lead, MOVE_DUE, LEAD_PIPELINE, lead->owner, REASON_DUE_AGAIN);
    allocate_agent(core, core->agents[lead->owner]);
}

static void first_action_late(struct core *core, struct lead *lead)
{
    const bool closed = calling_closed(core, lead);
    struct agent *owner = core->agents[lead->owner];
    if (!closed && owner->present)
        agent_declined(core, owner); /* taken, and left lying */
    revoke_begin(core, lead, closed ? REASON_LEAD_OUT_OF_HOURS : REASON_FIRST_ACTION_LATE);
}

void lead_due_fire(struct core *core, struct lead *lead)
{
    switch (lead->state) {
    case LEAD_POOLED:
        if (!followup_ends_by_age(core, lead))
            unclaimed(core, lead);
        break;
    case LEAD_HELD:
    case LEAD_COOLING:
        followup_due_fire(core, lead);
        break;
    case LEAD_OFFERED:
        core->programmes[lead->programme].lapses++;
        agent_missed(core, core->agents[lead->owner]);
        revoke_begin(core, lead, REASON_OFFER_LAPSED);
        break;
    case LEAD_OWNED:
        first_action_late(core, lead);
        break;
    case LEAD_WORKING:
        if (core->agents[lead->owner]->present) /* worked leads are kept while their owner is alive */
            lead_move(core, lead, MOVE_ATTEMPT_END, LEAD_WRAP_UP, lead->owner, REASON_ACTIVITY_LATE);
        else
            revoke_begin(core, lead, REASON_ACTIVITY_LATE);
        break;
    case LEAD_WRAP_UP:
        if (!lead->late) /* the agent is blocked meanwhile: it owes a disposition */
            lead_move(core, lead, MOVE_LATE, LEAD_WRAP_UP, lead->owner, REASON_DISPOSITION_LATE);
        else
            revoke_begin(core, lead, REASON_DISPOSITION_LATE);
        break;
    case LEAD_REVOKING:
        revoke_let_go(core, lead, REASON_VALIDITY_OVER);
        break;
    case LEAD_PIPELINE:
        if (put_off(core, lead))
            break;
        if (!lead->due)
            due_again(core, lead);
        else
            revoke_begin(core, lead, REASON_PIPELINE_LATE);
        break;
    default:
        assert(!"a deadline in a state that has none");
    }
}
