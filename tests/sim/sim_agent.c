/* SPDX-License-Identifier: Apache-2.0
 * sim_agent.c - the agents of the simulator: what they say, hear, believe and do.
 * They keep docs/PROTOCOL.md to the letter (what may be shown how long), since the
 * promise that is checked is about what agents believe, not what the core knows. */
#include "tests/sim/sim_private.h"

#include <string.h>

/* ---- belief ------------------------------------------------------------------------ */

struct sim_held *sim_held(struct sim_agent *agent, struct id lead)
{
    for (uint32_t i = 0; i < agent->n_held; i++)
        if (id_equal(agent->held[i].lead, lead))
            return &agent->held[i];
    return NULL;
}

static void forget(struct sim_agent *agent, struct sim_held *it)
{
    *it = agent->held[--agent->n_held];
}

bool sim_agent_believes(const struct sim *sim, const struct sim_held *held)
{
    return sim->now_us < held->valid_until_us - sim->policy.guard_ms * 1000;
}

/* What is over stays over: no later Heard brings it back. */
static void forget_what_is_over(const struct sim *sim, struct sim_agent *agent)
{
    for (uint32_t i = agent->n_held; i > 0; i--)
        if (!sim_agent_believes(sim, &agent->held[i - 1]))
            forget(agent, &agent->held[i - 1]);
}

static int64_t validity(const struct sim_agent *agent, uint64_t seq, uint32_t valid_ms)
{
    if (agent->seq - seq >= 1024)
        return 0;
    return agent->sent_us[seq % 1024] + (int64_t) valid_ms * 1000;
}

/* ---- saying ------------------------------------------------------------------------ */

static void say(struct sim *sim, struct sim_agent *agent, struct msg msg)
{
    if (agent->silent || !agent->on)
        return;
    msg.session = msg.kind == MSG_HELLO ? 0 : agent->session;
    msg.seq = ++agent->seq;
    agent->sent_us[agent->seq % 1024] = sim->now_us;
    sim_post(sim, true, agent->peer, &msg);
}

void sim_hello(struct sim *sim, struct sim_agent *agent)
{
    if (agent->session)
        agent->replaces = agent->session;
    agent->session = 0;
    say(sim, agent,
        (struct msg){.kind = MSG_HELLO,
                     .hello = {.protocol = 1,
                               .role = ROLE_AGENT,
                               .name = slice_of(agent->name, strlen(agent->name)),
                               .team = slice_of(agent->team, strlen(agent->team)),
                               .intent = agent->intent,
                               .capacity = agent->capacity,
                               .skills = {slice_of(agent->skill, agent->skill ? strlen(agent->skill) : 0)},
                               .n_skills = agent->skill != NULL,
                               .replaces = agent->replaces}});
}

void sim_bye(struct sim *sim, struct sim_agent *agent)
{
    say(sim, agent, (struct msg){.kind = MSG_BYE});
    agent->on = false;
    agent->n_held = 0;
}

void sim_cut(struct sim *sim, struct sim_agent *agent)
{
    core_step(sim->core, &(struct event){.kind = EVENT_PEER_GONE, .now_us = sim->now_us, .peer = agent->peer},
              sim->effects);
}

void sim_say(struct sim *sim, struct sim_agent *agent, const struct act *act)
{
    say(sim, agent, (struct msg){.kind = MSG_AGENT_SAYS, .says = {.acts = act, .n_acts = 1}});
}

void sim_act(struct sim *sim, struct sim_agent *agent, struct id lead, enum act_verb verb, uint32_t code,
             const char *note)
{
    struct sim_held *it = sim_held(agent, lead);
    sim_say(sim, agent,
            &(struct act){.op = {agent->peer, ++agent->ops},
                          .lead = lead,
                          .fence = it ? it->fence : 0,
                          .verb = verb,
                          .code = code,
                          .note = slice_of(note, note ? strlen(note) : 0),
                          .at_ms = sim->now_us / 1000 + 60000});
    if (it && (verb == VERB_DECLINE || verb == VERB_RELEASE))
        forget(agent, it); /* who says so shows it no more */
}

void sim_ready_again(struct sim *sim, struct sim_agent *agent, uint32_t wait_ms)
{
    say(sim, agent,
        (struct msg){.kind = MSG_AGENT_SAYS,
                     .says = {.has_ready = true, .ready_op = {agent->peer, agent->ops}, .ready_wait_ms = wait_ms}});
}

void sim_ready(struct sim *sim, struct sim_agent *agent, uint32_t wait_ms)
{
    agent->ops++;
    sim_ready_again(sim, agent, wait_ms);
}

void sim_choose(struct sim *sim, struct sim_agent *agent, uint32_t list, struct id take)
{
    agent->n_candidates = 0;
    say(sim, agent,
        (struct msg){
            .kind = MSG_AGENT_SAYS,
            .says = {
                .has_ready = true, .ready_op = {agent->peer, ++agent->ops}, .ready_list = list, .ready_take = take}});
}

void sim_intent(struct sim *sim, struct sim_agent *agent, enum intent intent)
{
    agent->intent = intent;
    say(sim, agent, (struct msg){.kind = MSG_AGENT_SAYS, .says = {.has_intent = true, .intent = intent}});
}

/* ---- hearing ------------------------------------------------------------------------- */

static void hear_offer(struct sim *sim, struct sim_agent *agent, const struct offer *offer)
{
    struct sim_held *it = sim_held(agent, offer->lead);
    const int64_t until = validity(agent, offer->valid_seq, offer->valid_ms);
    agent->n_offers++;
    if (it && it->fence > offer->fence)
        return; /* an old one, late */
    if (!it) {
        if (until - sim->policy.guard_ms * 1000 <= sim->now_us || agent->n_held == SIM_HELD_MAX)
            return;
        it = &agent->held[agent->n_held++];
        *it = (struct sim_held){.lead = offer->lead};
    }
    it->fence = offer->fence;
    it->state = offer->state;
    it->attempts = offer->attempts;
    it->see = offer->see;
    it->confirmed = true;
    if (until > it->valid_until_us)
        it->valid_until_us = until;
}

static void hear_result(struct sim_agent *agent, const struct act_result *result)
{
    struct sim_held *it = sim_held(agent, result->lead);
    agent->result = *result;
    if (!it)
        return;
    if (result->reason == REASON_STALE_FENCE || result->state < LEAD_OFFERED || result->state > LEAD_WRAP_UP)
        forget(agent, it);
    else
        it->state = result->state;
}

static void hear_withdrawal(struct sim *sim, struct sim_agent *agent, const struct withdrawal *withdrawal)
{
    struct sim_held *it = sim_held(agent, withdrawal->lead);
    agent->n_withdrawals++;
    agent->withdrawal = *withdrawal;
    if (agent->clings)
        return;
    if (it && it->fence <= withdrawal->fence)
        forget(agent, it);
    sim_say(sim, agent, &(struct act){.lead = withdrawal->lead, .fence = withdrawal->fence, .verb = VERB_WITHDRAWN});
}

static void hear_news(struct sim *sim, struct sim_agent *agent, const struct msg_agent_hears *hears)
{
    for (uint32_t i = 0; i < hears->n_results; i++)
        hear_result(agent, &hears->results[i]);
    for (uint32_t i = 0; i < hears->n_withdrawals; i++)
        hear_withdrawal(sim, agent, &hears->withdrawals[i]);
    for (uint32_t i = 0; i < hears->n_offers; i++)
        hear_offer(sim, agent, &hears->offers[i]);
    for (uint32_t i = 0; i < hears->n_candidates && agent->n_candidates < CANDIDATES_MAX; i++)
        agent->candidates[agent->n_candidates++] = hears->candidates[i];
    if (hears->has_ready) {
        agent->ready = hears->ready;
        agent->n_readies++;
    }
}

static void hear_heard(struct sim *sim, struct sim_agent *agent, const struct msg_heard *heard)
{
    const int64_t until = validity(agent, heard->seq, heard->valid_ms);
    forget_what_is_over(sim, agent);
    for (uint32_t i = 0; i < agent->n_held; i++)
        if (agent->held[i].confirmed && until > agent->held[i].valid_until_us)
            agent->held[i].valid_until_us = until;
}

void sim_agent_hear(struct sim *sim, struct sim_agent *agent, const struct msg *msg)
{
    if (agent->silent || !agent->on)
        return;
    if (msg->kind == MSG_WELCOME) {
        agent->session = msg->welcome.session;
        for (uint32_t i = 0; i < agent->n_held; i++)
            agent->held[i].confirmed = false;
    } else if (msg->kind == MSG_ERROR) {
        agent->error = msg->error.reason;
        if (msg->error.reason == REASON_HELLO_FIRST)
            sim_hello(sim, agent);
        if (msg->error.reason == REASON_SESSION_FENCED)
            agent->on = false;
    } else if (msg->kind == MSG_HEARD) {
        hear_heard(sim, agent, &msg->heard);
    } else if (msg->kind == MSG_AGENT_HEARS) {
        hear_news(sim, agent, &msg->hears);
    }
}

/* ---- doing ------------------------------------------------------------------------------ */

static void work_on(struct sim *sim, struct sim_agent *agent, struct sim_held *it)
{
    static const uint32_t codes[] = {DISPOSITION_SALE,        DISPOSITION_NOT_INTERESTED, DISPOSITION_NO_ANSWER,
                                     DISPOSITION_NO_ANSWER,   DISPOSITION_CALLBACK,       DISPOSITION_CONTACTED,
                                     DISPOSITION_WRONG_NUMBER};
    const struct id lead = it->lead;
    const uint32_t dice = sim_rand(sim, 100);
    switch (it->state) {
    case LEAD_OFFERED:
        if (dice < 80)
            sim_act(sim, agent, lead, VERB_ACCEPT, 0, NULL);
        else if (dice < 90)
            sim_act(sim, agent, lead, VERB_DECLINE, 0, NULL);
        break;
    case LEAD_OWNED:
        if (dice < 90)
            sim_act(sim, agent, lead, VERB_ACTION, 0, NULL);
        else if (dice < 93)
            sim_act(sim, agent, lead, VERB_RELEASE, 0, NULL);
        break;
    case LEAD_WORKING:
        if (dice < 90)
            sim_act(sim, agent, lead, VERB_ATTEMPT_END, 0, NULL);
        break;
    case LEAD_WRAP_UP:
        if (dice < 90)
            sim_act(sim, agent, lead, VERB_DISPOSITION, codes[sim_rand(sim, 7)], "spoken to");
        break;
    default:
        break;
    }
}

static void work(struct sim *sim, struct sim_agent *agent)
{
    for (uint32_t i = 0; i < agent->n_held;) {
        const uint32_t before = agent->n_held;
        work_on(sim, agent, &agent->held[i]);
        i += agent->n_held == before;
    }
    if (agent->n_candidates && sim_rand(sim, 2))
        sim_choose(sim, agent, 0, agent->candidates[sim_rand(sim, agent->n_candidates)].lead);
    else if (agent->intent == INTENT_ON_DEMAND && agent->n_held == 0 && sim_rand(sim, 8) == 0)
        sim_choose(sim, agent, CANDIDATES_MAX, (struct id){0});
    else if (agent->intent == INTENT_ON_DEMAND && agent->n_held == 0)
        sim_ready(sim, agent, sim_rand(sim, 2) ? 0 : 2000);
}

void sim_agent_move(struct sim *sim, struct sim_agent *agent)
{
    const int64_t fifth_us = sim->policy.heartbeat_ms * 200; /* two to five moves a heartbeat */
    agent->next_us = sim->now_us + fifth_us + sim_rand(sim, (uint32_t) fifth_us * 4);
    forget_what_is_over(sim, agent);
    if (!agent->by_hand && happens(sim, sim->faults.silence)) {
        sim_silence(sim, agent, true);
        agent->next_us = sim->now_us + 1000000 + sim_rand(sim, 12000000);
        return;
    }
    if (!agent->session) {
        sim_hello(sim, agent);
        return;
    }
    say(sim, agent, (struct msg){.kind = MSG_HEARTBEAT});
    if (!agent->by_hand)
        work(sim, agent);
}

void sim_silence(struct sim *sim, struct sim_agent *agent, bool silent)
{
    agent->silent = silent;
    if (!silent)
        agent->next_us = sim->now_us;
}

struct sim_agent *sim_agent(struct sim *sim, const char *name, const char *team, enum intent intent)
{
    assert_true(sim->n_agents < SIM_AGENTS_MAX);
    struct sim_agent *agent = &sim->agents[sim->n_agents];
    *agent =
        (struct sim_agent){.on = true, .intent = intent, .peer = PEER_AGENTS + sim->n_agents++, .next_us = sim->now_us};
    snprintf(agent->name, sizeof agent->name, "%s", name);
    snprintf(agent->team, sizeof agent->team, "%s", team);
    return agent;
}
