/* SPDX-License-Identifier: Apache-2.0
 * presence.c - agents: sessions, intent, leases, ready. Intent is what the agent
 * set and machinery never overwrites it; everything else is derived here. An
 * agent is eligible because its lease lives, never because nobody disabled it. */
#include "core/core_private.h"
#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

/* ---- the lease ------------------------------------------------------------------------ */

/* Who left has nothing to come back to; who fell silent keeps what it owns for the grace. */
static void gone(struct core *core, struct agent *agent, int64_t valid_until_ms, enum reason why)
{
    agent_set_present(core, agent, false);
    agent->peer = 0;
    if (agent->ready)
        agent_ready_refuse(core, agent, REASON_READY_LAPSED);
    agent->gone_ms = run_ms(core);
    agent->valid_until_ms = valid_until_ms;
    core->presence_losses++;
    agent_touch(core, agent);
    for (struct lead *lead = agent->held, *next; lead; lead = next) {
        next = lead->held_next;
        if (lead->state == LEAD_OFFERED || (lead->state == LEAD_OWNED && why == REASON_AGENT_LEFT))
            revoke_begin(core, lead, why);
    }
    agent_update(core, agent);
}

static void orphan(struct core *core, struct agent *agent)
{
    for (struct lead *lead = agent->held, *next; lead; lead = next) {
        next = lead->held_next;
        if (lead->state != LEAD_PIPELINE)
            revoke_begin(core, lead, REASON_ORPHANED);
    }
}

void presence_timer_fire(struct core *core, struct agent *agent)
{
    const int64_t now = run_ms(core), lease_ms = core->policy.lease_ms;
    if (agent->ready && agent->ready_until_ms <= now)
        agent_ready_refuse(core, agent, REASON_READY_LAPSED);
    if (agent->present && agent->heard_ms + lease_ms <= now)
        gone(core, agent, agent->heard_ms + lease_ms + core->policy.guard_ms, REASON_LEASE_LOST);
    if (!agent->present && agent->gone_ms + core->policy.orphan_grace_ms <= now)
        orphan(core, agent);
    if (turnover_check(core, agent))
        return;
    activity_check(core, agent);
    agent_update(core, agent);
}

/* ---- sessions ---------------------------------------------------------------------------- */

static struct peer *peer_at(struct core *core, uint32_t peer)
{
    if (peer >= core->n_peers) {
        uint32_t room = core->n_peers ? core->n_peers : 64;
        while (room <= peer)
            room *= 2;
        core->peers = realloc(core->peers, room * sizeof *core->peers);
        assert(core->peers);
        memset(core->peers + core->n_peers, 0, (room - core->n_peers) * sizeof *core->peers);
        core->n_peers = room;
    }
    return &core->peers[peer];
}

static void offer_again(struct core *core, struct agent *agent)
{
    for (struct lead *lead = agent->held; lead; lead = lead->held_next)
        if (lead->state != LEAD_PIPELINE)
            pull_show(core, lead, agent, lead->timer.at_ms - run_ms(core));
}

static void agent_hello(struct core *core, uint32_t peer, const struct msg *msg)
{
    const struct msg_hello *hello = &msg->hello;
    struct agent *agent = agent_find(core, hello->name);
    uint32_t team = hello->team.len ? team_find(core, hello->team) : agent ? agent->team : policy_first_team(core);
    if (team == NONE) {
        effects_error(core->effects, peer, REASON_UNKNOWN_TEAM, msg->seq, "", 0);
        return;
    }
    const int64_t absent_ms = !agent ? INT64_MAX : agent->present ? 0 : run_ms(core) - agent->gone_ms;
    if (!agent && (core->n_known < core->policy.agents_max || turnover_make_room(core)))
        agent = agent_new(core, hello->name, core->n_agents);
    if (!agent) {
        effects_error(core->effects, peer, REASON_TOO_MANY, msg->seq, "agents_max of the policy", 0);
        return;
    }
    if (agent->peer && agent->peer != peer) { /* the newer session holds the name */
        effects_error(core->effects, agent->peer, REASON_SESSION_FENCED, 0, "", 0);
        core->peers[agent->peer].session = 0;
    }
    const bool same_program = hello->replaces && (hello->replaces == agent->session || agent->session == 0);
    if (!same_program && agent->valid_until_ms > agent->shown_until_ms)
        agent->shown_until_ms = agent->valid_until_ms;
    const bool was_offline = agent->intent == INTENT_OFFLINE;
    agent_leave_scopes(core, agent);
    agent_set_present(core, agent, false);
    const bool moved = team != agent->team;
    if (moved)
        limits_moved(core, agent);
    agent_set_team(core, agent, team);
    if (moved)
        place_leave_agent(core, agent);
    agent_keep_open(core, agent);
    limits_follow(core, agent);
    limits_hold(core, agent);
    limits_arrived(core, agent, absent_ms);
    agent->intent = hello->intent;
    agent->capacity = hello->capacity;
    agent->n_skills = hello->n_skills;
    for (uint32_t i = 0; i < hello->n_skills; i++)
        agent->skills[i] = (uint32_t) feature_of(&(struct attribute){.text = hello->skills[i]});
    agent_set_present(core, agent, true);
    agent->slots_seen = agent->cards_seen = agent->due_seen = 0;
    if (!same_program || was_offline) /* a line that broke and came back says nothing about who is there */
        activity_intent(core, agent);
    agent->peer = peer;
    agent->session = core->peers[peer].session;
    agent->heard_ms = run_ms(core);
    agent->heard_seq = msg->seq;
    agent->valid_until_ms = run_ms(core) + core->policy.lease_ms + core->policy.guard_ms;
    core->peers[peer].index = agent->index;
    agent_touch(core, agent);
    duty_follow(core, agent);
}

void presence_hello(struct core *core, uint32_t peer, const struct msg *msg)
{
    struct peer *p = peer_at(core, peer);
    presence_peer_gone(core, peer); /* whoever it was before */
    *p = (struct peer){.role = msg->hello.role, .index = NONE, .session = core->epoch << 32 | ++core->sessions};
    if (p->role == ROLE_WORKER) {
        worker_hello(core, peer, msg);
    } else if (p->role == ROLE_AGENT) {
        agent_hello(core, peer, msg);
    }
    if ((p->role == ROLE_WORKER || p->role == ROLE_AGENT) && p->index == NONE) {
        p->session = 0; /* it was refused */
        return;
    }
    effects_msg(core->effects, peer,
                &(struct msg){.kind = MSG_WELCOME,
                              .welcome = {.session = p->session,
                                          .epoch = core->epoch,
                                          .level = 1,
                                          .rows_max = CHUNK_ROWS_MAX,
                                          .heartbeat_ms = (uint32_t) core->policy.heartbeat_ms,
                                          .lease_ms = (uint32_t) core->policy.lease_ms,
                                          .guard_ms = (uint32_t) core->policy.guard_ms,
                                          .cell = slice_of(core->policy.cell, strlen(core->policy.cell))}});
    if (p->role == ROLE_AGENT)
        offer_again(core, core->agents[p->index]);
}

void presence_heard(struct core *core, uint32_t peer, const struct msg *msg)
{
    const struct peer *p = &core->peers[peer];
    if (p->role == ROLE_WORKER) {
        core->workers[p->index].heard_ms = run_ms(core);
        core->workers[p->index].late = false; /* it has its Welcome, and it lives */
        core_arm(core, &core->workers[p->index].timer, run_ms(core) + core->policy.lease_ms, false);
    }
    if (p->role != ROLE_AGENT)
        return;
    struct agent *agent = core->agents[p->index];
    const bool suspect = run_ms(core) - agent->heard_ms >= 2 * core->policy.heartbeat_ms;
    agent->heard_ms = run_ms(core);
    agent->valid_until_ms = agent->heard_ms + core->policy.lease_ms + core->policy.guard_ms;
    if (msg->seq > agent->heard_seq)
        agent->heard_seq = msg->seq;
    if (!agent->present) { /* back within the grace: what it still owns is its own again */
        agent_set_present(core, agent, true);
        agent->peer = peer;
    }
    if (suspect || !heap_has(&agent->timer.node))
        agent_update(core, agent);
}

void presence_heartbeat(struct core *core, uint32_t peer, const struct msg *msg)
{
    if (core->peers[peer].role == ROLE_WORKER && msg->heartbeat.draining)
        core->workers[core->peers[peer].index].leaving = true;
    effects_msg(
        core->effects, peer,
        &(struct msg){.kind = MSG_HEARD, .heard = {.seq = msg->seq, .valid_ms = (uint32_t) core->policy.lease_ms}});
}

void presence_bye(struct core *core, uint32_t peer, const struct msg *msg)
{
    (void) msg;
    struct peer *p = &core->peers[peer];
    if (p->role == ROLE_WORKER)
        worker_leave(core, p->index);
    if (p->role == ROLE_AGENT) { /* it shows nothing any more: no validity to wait for but of a device left before */
        struct agent *agent = core->agents[p->index];
        const int64_t now = run_ms(core);
        agent->intent = INTENT_OFFLINE;
        gone(core, agent, agent->shown_until_ms > now ? agent->shown_until_ms : now, REASON_AGENT_LEFT);
    }
    p->session = 0;
}

void presence_peer_gone(struct core *core, uint32_t peer)
{
    if (peer >= core->n_peers || core->peers[peer].session == 0)
        return;
    struct peer *p = &core->peers[peer];
    if (p->role == ROLE_WORKER)
        worker_leave(core, p->index);
    if (p->role == ROLE_AGENT && core->agents[p->index]->peer == peer) {
        core->agents[p->index]->peer = 0; /* no offers; the lease decides about the rest */
        agent_update(core, core->agents[p->index]);
    }
    p->session = 0;
}

/* ---- intent and ready ------------------------------------------------------------------------ */

void presence_intent(struct core *core, struct agent *agent, const struct msg_agent_says *says)
{
    agent->intent = says->intent;
    agent->away_code = says->away_code;
    activity_intent(core, agent);
    if (agent->ready && says->intent != INTENT_AVAILABLE && says->intent != INTENT_ON_DEMAND)
        agent_ready_refuse(core, agent, REASON_AWAY);
    agent_touch(core, agent);
    agent_update(core, agent);
}

static void answer_ready(struct core *core, struct agent *agent, enum reason reason, struct id lead, uint32_t wait_ms)
{
    agent->ready_last.reason = reason;
    agent->ready_last.lead = lead;
    agent->ready_last.wait_ms = wait_ms;
    agent_touch(core, agent);
    if (agent->peer)
        effects_ready(core->effects, agent->peer, &agent->ready_last);
}

void agent_ready_consume(struct core *core, struct agent *agent, struct id lead)
{
    if (!agent->ready)
        return;
    agent->ready = false;
    answer_ready(core, agent, REASON_OK, lead, 0);
}

void agent_ready_refuse(struct core *core, struct agent *agent, enum reason reason)
{
    agent->ready = false;
    answer_ready(core, agent, reason, (struct id){0}, reason == REASON_NO_LEAD ? forecast_ms(core, agent) : 0);
    agent_update(core, agent);
}

/* Answered at the end of this beat's allocation, lead or not. */
static void list_now(struct core *core, struct agent *agent)
{
    if (agent->now_listed)
        return;
    agent->now_listed = true;
    core->now_agents[core->n_now_agents++] = agent->index;
}

static void take_chosen(struct core *core, struct agent *agent, struct id lead)
{
    const enum reason why = pull_take(core, agent, lead);
    if (why == REASON_OK)
        return; /* the credit is used, and answered */
    agent->ready = false;
    answer_ready(core, agent, why, lead, why == REASON_BUSY ? BUSY_RETRY_MS : 0);
    if (why == REASON_BUSY)
        agent->ready_last.op = (struct id){0}; /* it is asked again under the same op */
    agent_update(core, agent);
}

void presence_ready(struct core *core, struct agent *agent, const struct msg_agent_says *says)
{
    enum reason why;
    struct id lead;
    if (says->ready_list) {
        pull_list(core, agent, says);
        return;
    }
    if (!id_is_none(says->ready_op) && id_equal(says->ready_op, agent->ready_last.op)) {
        if (agent->ready && agent->ready_wait_ms == 0)
            list_now(core, agent); /* a crash came between: this beat answers */
        else
            effects_ready(core->effects, agent->peer, &agent->ready_last);
        return;
    }
    agent->ready_last = (struct ready_result){.op = says->ready_op};
    agent->ready = true;
    const uint32_t cards = agent_cards(core, agent, &why, &lead);
    if (cards == 0 && (!id_is_none(says->ready_take) || agent_due_cards(core, agent) == 0)) {
        agent->ready = false;
        const int64_t penalty = agent->penalty_until_ms - run_ms(core);
        answer_ready(core, agent, why, lead,
                     why != REASON_PENALTY ? limits_wait_ms(core, agent)
                     : penalty > 0         ? (uint32_t) penalty
                                           : 0);
        agent_update(core, agent);
        return;
    }
    if (!id_is_none(says->ready_take)) {
        take_chosen(core, agent, says->ready_take);
        return;
    }
    const int64_t life_ms = programme_of(core, agent->programme)->ready_ms;
    agent->ready_wait_ms = says->ready_wait_ms;
    agent->ready_until_ms =
        run_ms(core) + (says->ready_wait_ms && says->ready_wait_ms < life_ms ? says->ready_wait_ms : life_ms);
    if (says->ready_wait_ms)
        answer_ready(core, agent, REASON_OK, (struct id){0}, 0);
    else
        list_now(core, agent);
    agent_touch(core, agent);
    agent_update(core, agent);
}
