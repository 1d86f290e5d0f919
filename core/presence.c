/* SPDX-License-Identifier: Apache-2.0
 * presence.c - agents: sessions, intent, leases, cards. Intent is what the agent
 * set and machinery never overwrites it; everything else is derived here. An
 * agent is eligible because its lease lives, never because nobody disabled it. */
#include "core/core_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- cards ----------------------------------------------------------------------- */

bool agent_before(const struct heap_node *a, const struct heap_node *b)
{
    const struct agent *x = agent_at(a), *y = agent_at(b);
    return x->queue_us != y->queue_us ? x->queue_us < y->queue_us : x->index < y->index;
}

static enum reason owes(const struct agent *agent, const struct programme *programme, struct id *ret_lead)
{
    for (const struct lead *lead = agent->held; lead; lead = lead->held_next) {
        *ret_lead = lead->id;
        if (lead->state == LEAD_WRAP_UP)
            return programme->note_required && !lead->noted ? REASON_OWES_NOTE : REASON_OWES_DISPOSITION;
        if (lead->state == LEAD_WORKING)
            return REASON_OWES_DISPOSITION;
        if (lead->state == LEAD_OWNED)
            return REASON_OWES_FIRST_ACTION;
    }
    *ret_lead = (struct id){0};
    return REASON_OK;
}

static uint32_t wip_max(const struct core *core, const struct agent *agent)
{
    const uint32_t limit = programme_of(core, agent->programme)->wip_max;
    return agent->capacity && agent->capacity < limit ? agent->capacity : limit;
}

/* Leads it could be given now, card or not: what "best available" may count on. */
uint32_t agent_slots(const struct core *core, const struct agent *agent, enum reason *ret_why, struct id *ret_lead)
{
    const struct programme *programme = programme_of(core, agent->programme);
    const uint32_t open = agent->offered + agent->owned + agent->working + agent->wrap_up;
    const uint32_t untouched = agent->offered + agent->owned, wip = wip_max(core, agent);
    *ret_lead = (struct id){0};
    *ret_why = REASON_OK;
    if (!agent->present || !agent->peer || agent->intent == INTENT_OFFLINE)
        *ret_why = REASON_NOT_CONNECTED;
    else if (agent->intent == INTENT_AWAY)
        *ret_why = REASON_AWAY;
    else if (run_ms(core) - agent->heard_ms >= 2 * core->policy.heartbeat_ms)
        *ret_why = REASON_SUSPECT;
    else if (agent->paused)
        *ret_why = REASON_PAUSED;
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

/* Earned cards: in a pull programme always, in push/pull when the agent works on demand. */
static bool earns(const struct core *core, const struct agent *agent)
{
    const enum mode mode = programme_of(core, agent->programme)->mode;
    return mode == MODE_PULL || (mode == MODE_PUSH_PULL && agent->intent == INTENT_ON_DEMAND);
}

uint32_t agent_cards(const struct core *core, const struct agent *agent, enum reason *ret_why, struct id *ret_lead)
{
    const uint32_t slots = agent_slots(core, agent, ret_why, ret_lead);
    if (slots == 0)
        return 0;
    if (earns(core, agent)) {
        /* one lead at a time: earning means nothing is owed on any lead in hand */
        if ((*ret_why = owes(agent, programme_of(core, agent->programme), ret_lead)) != REASON_OK)
            return 0;
        if (!agent->ready)
            *ret_why = REASON_NO_READY;
        return agent->ready ? 1 : 0;
    }
    if (agent->intent != INTENT_AVAILABLE) {
        *ret_why = REASON_NO_READY;
        return 0;
    }
    return slots;
}

static void place(struct heap *heap, struct agent_node *node, bool in)
{
    if (in == heap_has(&node->node))
        return;
    if (in)
        heap_add(heap, &node->node);
    else
        heap_remove(heap, &node->node);
}

static void leave_scopes(struct core *core, struct agent *agent)
{
    struct scope *scopes[SCOPES] = {&core->team_scopes[agent->team], &core->programme_scopes[agent->programme],
                                    &core->cell_scope};
    for (int i = 0; i < SCOPES; i++) {
        place(&scopes[i]->able, &agent->able[i], false);
        place(&scopes[i]->card, &agent->card[i], false);
    }
}

/* A timer that is early is set right when it fires: heartbeats need not move it. */
static void set_timer(struct core *core, struct agent *agent)
{
    const struct policy *policy = &core->policy;
    int64_t at = INT64_MAX;
    if (agent->present) {
        const int64_t suspect = agent->heard_ms + 2 * policy->heartbeat_ms;
        at = suspect > run_ms(core) ? suspect : agent->heard_ms + policy->lease_ms;
    } else if (agent->offered + agent->owned + agent->working + agent->wrap_up > 0) {
        at = agent->gone_ms + policy->orphan_grace_ms;
    }
    if (agent->penalty_until_ms > run_ms(core) && agent->penalty_until_ms < at)
        at = agent->penalty_until_ms;
    if (agent->ready && agent->ready_until_ms < at)
        at = agent->ready_until_ms;
    if (at == INT64_MAX)
        core_disarm(core, &agent->timer);
    else if (!heap_has(&agent->timer.node) || agent->timer.at_ms > at)
        core_arm(core, &agent->timer, at, false);
}

/* Longest free first; who holds leads stands behind, last served last. A lead
 * that was declined or missed leaves no trace: the idle clock did not move. */
static void set_place(struct core *core, struct agent *agent)
{
    const bool holds = agent->offered + agent->owned + agent->working + agent->wrap_up > 0;
    const int64_t queue_us = holds && agent->given_us > agent->idle_since_us ? agent->given_us : agent->idle_since_us;
    if (queue_us == agent->queue_us)
        return;
    leave_scopes(core, agent);
    agent->queue_us = queue_us;
}

void agent_update(struct core *core, struct agent *agent)
{
    enum reason why;
    struct id lead;
    set_place(core, agent);
    struct scope *scopes[SCOPES] = {&core->team_scopes[agent->team], &core->programme_scopes[agent->programme],
                                    &core->cell_scope};
    const uint32_t slots = agent_slots(core, agent, &why, &lead);
    const uint32_t cards = slots ? agent_cards(core, agent, &why, &lead) : 0;
    for (int i = 0; i < SCOPES; i++) {
        place(&scopes[i]->able, &agent->able[i], slots > agent->lent);
        place(&scopes[i]->card, &agent->card[i], cards > agent->lent);
    }
    if (slots > agent->slots_seen || cards > agent->cards_seen)
        allocate_agent(core, agent);
    agent->slots_seen = slots;
    agent->cards_seen = cards;
    set_timer(core, agent);
}

static void set_present(struct core *core, struct agent *agent, bool present)
{
    if (agent->present == present)
        return;
    agent->present = present;
    core->team_present[agent->team] += present ? 1u : -1u;
    agent_touch(core, agent);
}

/* ---- making, counting -------------------------------------------------------------- */

struct agent *agent_find(struct core *core, struct slice name)
{
    struct agent *agent;
    HASH_FIND(hh, core->agents_by_name, name.at, name.len, agent);
    return agent;
}

struct agent *agent_new(struct core *core, struct slice name)
{
    if (core->n_agents == core->policy.agents_max)
        return NULL;
    struct agent *agent = calloc(1, sizeof *agent);
    assert(agent && name.len <= NAME_BYTES_MAX);
    memcpy(agent->name, name.at, name.len);
    agent->index = core->n_agents;
    agent->timer.owner = TIMER_AGENT;
    agent->idle_since_us = core->now_us;
    agent->penalty_ms = 0;
    for (int i = 0; i < SCOPES; i++)
        agent->card[i].agent = agent->able[i].agent = agent;
    HASH_ADD_KEYPTR(hh, core->agents_by_name, agent->name, name.len, agent);
    core->agents[core->n_agents++] = agent;
    core->dirty_cell = true;
    return agent;
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
    core->programmes[agent->programme].lapses++;
    agent->misses++;
    if (agent->misses >= programme_of(core, agent->programme)->misses_max)
        agent->paused = true;
    penalise(core, agent);
}

void agent_declined(struct core *core, struct agent *agent)
{
    core->programmes[agent->programme].declines++;
    penalise(core, agent);
}

/* ---- the lease ------------------------------------------------------------------------ */

static void gone(struct core *core, struct agent *agent, int64_t valid_until_ms)
{
    set_present(core, agent, false);
    agent->ready = false;
    agent->peer = 0;
    agent->gone_ms = run_ms(core);
    agent->valid_until_ms = valid_until_ms;
    core->presence_losses++;
    agent_touch(core, agent);
    for (struct lead *lead = agent->held, *next; lead; lead = next) {
        next = lead->held_next;
        if (lead->state == LEAD_OFFERED)
            revoke_begin(core, lead, REASON_LEASE_LOST);
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

void agent_timer_fire(struct core *core, struct agent *agent)
{
    const int64_t now = run_ms(core), lease_ms = core->policy.lease_ms;
    if (agent->ready && agent->ready_until_ms <= now)
        agent_ready_refuse(core, agent, REASON_READY_LAPSED);
    if (agent->present && agent->heard_ms + lease_ms <= now)
        gone(core, agent, agent->heard_ms + lease_ms + core->policy.guard_ms);
    if (!agent->present && agent->gone_ms + core->policy.orphan_grace_ms <= now)
        orphan(core, agent);
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

static uint32_t team_of(const struct core *core, struct slice name)
{
    for (uint32_t i = 0; i < core->policy.n_teams; i++)
        if (strlen(core->policy.teams[i].name) == name.len &&
            memcmp(core->policy.teams[i].name, name.at, name.len) == 0)
            return i;
    return NONE;
}

static void offer_again(struct core *core, struct agent *agent)
{
    for (struct lead *lead = agent->held; lead; lead = lead->held_next)
        if (lead->state != LEAD_PIPELINE)
            effects_offer(core->effects, agent->peer, &(struct offer){
                .lead = lead->id, .fence = lead->fence, .state = lead->state, .valid_seq = agent->heard_seq,
                .valid_ms = (uint32_t) core->policy.lease_ms, .attempts = lead->attempts,
                .answer_ms = (uint32_t) (lead->due_ms > run_ms(core) ? lead->due_ms - run_ms(core) : 0),
                .score = lead->decision.score, .row = slice_of(lead->raw, lead->raw_len)});
}

static void agent_hello(struct core *core, uint32_t peer, const struct msg *msg)
{
    const struct msg_hello *hello = &msg->hello;
    struct agent *agent = agent_find(core, hello->name);
    uint32_t team = hello->team.len ? team_of(core, hello->team) : agent ? agent->team : 0;
    if (team == NONE) {
        effects_error(core->effects, peer, REASON_UNKNOWN_TEAM, msg->seq, "", 0);
        return;
    }
    if (!agent && !(agent = agent_new(core, hello->name))) {
        effects_error(core->effects, peer, REASON_TOO_MANY, msg->seq, "agents_max of the policy", 0);
        return;
    }
    if (agent->peer && agent->peer != peer) {    /* the newer session holds the name */
        effects_error(core->effects, agent->peer, REASON_SESSION_FENCED, 0, "", 0);
        core->peers[agent->peer].session = 0;
    }
    leave_scopes(core, agent);
    set_present(core, agent, false);
    agent->team = team;
    agent->programme = core->policy.teams[team].programme;
    agent->intent = hello->intent;
    agent->capacity = hello->capacity;
    agent->n_skills = hello->n_skills;
    for (uint32_t i = 0; i < hello->n_skills; i++)
        agent->skills[i] = (uint32_t) feature_text(hello->skills[i].at, hello->skills[i].len);
    set_present(core, agent, true);
    agent->slots_seen = agent->cards_seen = 0;
    agent->paused = false;
    agent->peer = peer;
    agent->session = core->peers[peer].session;
    agent->heard_ms = run_ms(core);
    agent->heard_seq = msg->seq;
    agent->valid_until_ms = run_ms(core) + core->policy.lease_ms + core->policy.guard_ms;
    core->peers[peer].index = agent->index;
    agent_touch(core, agent);
    agent_update(core, agent);
}

void presence_hello(struct core *core, uint32_t peer, const struct msg *msg)
{
    struct peer *p = peer_at(core, peer);
    if (p->session && p->role == ROLE_WORKER)
        worker_leave(core, p->index);
    *p = (struct peer){.role = msg->hello.role, .index = NONE, .session = core->epoch << 32 | ++core->sessions};
    if (p->role == ROLE_WORKER) {
        worker_hello(core, peer, msg);
    } else if (p->role == ROLE_AGENT) {
        agent_hello(core, peer, msg);
        p = peer_at(core, peer);
        if (p->index == NONE) {
            p->session = 0;
            return;
        }
    }
    effects_msg(core->effects, peer, &(struct msg){
        .kind = MSG_WELCOME, .welcome = {
            .session = p->session, .epoch = core->epoch, .level = 1, .rows_max = CHUNK_ROWS_MAX,
            .heartbeat_ms = (uint32_t) core->policy.heartbeat_ms, .lease_ms = (uint32_t) core->policy.lease_ms,
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
    if (!agent->present) {               /* back within the grace: what it still owns is its own again */
        set_present(core, agent, true);
        agent->peer = peer;
    }
    if (suspect || !heap_has(&agent->timer.node))
        agent_update(core, agent);
}

void presence_heartbeat(struct core *core, uint32_t peer, const struct msg *msg)
{
    effects_msg(core->effects, peer, &(struct msg){
        .kind = MSG_HEARD, .heard = {.seq = msg->seq, .valid_ms = (uint32_t) core->policy.lease_ms}});
}

void presence_bye(struct core *core, uint32_t peer, const struct msg *msg)
{
    (void) msg;
    struct peer *p = &core->peers[peer];
    if (p->role == ROLE_WORKER)
        worker_leave(core, p->index);
    if (p->role == ROLE_AGENT) {         /* it shows nothing any more: no validity to wait for */
        core->agents[p->index]->intent = INTENT_OFFLINE;
        gone(core, core->agents[p->index], run_ms(core));
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
        core->agents[p->index]->peer = 0;    /* no offers; the lease decides about the rest */
        agent_update(core, core->agents[p->index]);
    }
    p->session = 0;
}

/* ---- intent and ready ------------------------------------------------------------------------ */

void presence_intent(struct core *core, struct agent *agent, const struct msg_agent_says *says)
{
    agent->intent = says->intent;
    agent->away_code = says->away_code;
    agent->paused = false;
    agent->misses = 0;
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
    answer_ready(core, agent, reason, (struct id){0}, 0);
    agent_update(core, agent);
}

void presence_ready(struct core *core, struct agent *agent, const struct msg_agent_says *says)
{
    enum reason why;
    struct id lead;
    if (!id_is_none(says->ready_op) && id_equal(says->ready_op, agent->ready_last.op)) {
        if (!agent->ready || agent->ready_wait_ms > 0)   /* asked again: the same answer */
            effects_ready(core->effects, agent->peer, &agent->ready_last);
        return;
    }
    agent->ready_last = (struct ready_result){.op = says->ready_op};
    agent->ready = true;
    const uint32_t cards = agent_cards(core, agent, &why, &lead);
    if (cards == 0) {
        agent->ready = false;
        const int64_t penalty = agent->penalty_until_ms - run_ms(core);
        answer_ready(core, agent, why, lead, why == REASON_PENALTY && penalty > 0 ? (uint32_t) penalty : 0);
        agent_update(core, agent);
        return;
    }
    const int64_t life_ms = programme_of(core, agent->programme)->ready_ms;
    agent->ready_wait_ms = says->ready_wait_ms;
    agent->ready_until_ms = run_ms(core) + (says->ready_wait_ms && says->ready_wait_ms < life_ms ? says->ready_wait_ms : life_ms);
    if (says->ready_wait_ms)
        answer_ready(core, agent, REASON_OK, (struct id){0}, 0);
    else if (!agent->now_listed) {       /* answered at the end of this beat's allocation, lead or not */
        agent->now_listed = true;
        core->now_agents[core->n_now_agents++] = agent->index;
    }
    agent_touch(core, agent);
    agent_update(core, agent);
}
