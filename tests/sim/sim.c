/* SPDX-License-Identifier: Apache-2.0
 * sim.c - see sim.h. Messages are copied as plain structs; what they borrow is
 * copied with them. The log is a list of bodies: a beat stands when its body is
 * in it, and only then do its messages leave. */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEER_SOURCE = 1, PEER_WORKER = 2, PEER_AGENTS = 16, MAILS_MAX = 8192 };

struct mail {                    /* one message under way */
    bool used, to_broker;
    int64_t at_us;
    uint64_t order;
    uint32_t peer;
    struct msg msg;
    void *own[4];                /* what the message borrows */
};

struct submission { struct id op; char source[16]; uint32_t first, n; bool answered; int64_t again_us; };

struct sim {
    struct policy policy;
    struct core *core;
    struct effects *effects;
    struct buf *log;             /* bodies that stand */
    uint32_t n_log;
    uint64_t epoch, random, seed, order, source_session, worker_session[4];
    int64_t now_us, worker_hello_us;
    struct sim_faults faults;
    int64_t last_us[2][PEER_AGENTS + SIM_AGENTS_MAX];
    struct mail *mails;
    uint32_t mails_top;          /* all in use are below it */
    struct sim_agent agents[SIM_AGENTS_MAX];
    uint32_t n_agents, n_workers, keys;
    struct submission subs[512];
    uint32_t n_subs;
    struct id acked[SIM_LEADS_MAX];
    uint32_t n_acked;
    struct id last_lead;
};

uint32_t sim_rand(struct sim *sim, uint32_t below)
{
    sim->random ^= sim->random << 13;
    sim->random ^= sim->random >> 7;
    sim->random ^= sim->random << 17;
    return below ? (uint32_t) (sim->random >> 16) % below : 0;
}

static bool happens(struct sim *sim, uint32_t permille) { return sim_rand(sim, 1000) < permille; }

/* ---- mail ------------------------------------------------------------------------ */

static void *copy(const void *at, size_t len)
{
    void *to = malloc(len + 1);
    assert_non_null(to);
    if (len)
        memcpy(to, at, len);
    return to;
}

static void own(struct mail *mail)
{
    struct msg *msg = &mail->msg;
    if (msg->kind == MSG_AGENT_SAYS) {
        msg->says.acts = mail->own[0] = copy(msg->says.acts, msg->says.n_acts * sizeof(struct act));
    } else if (msg->kind == MSG_AGENT_HEARS) {
        msg->hears.results = mail->own[0] = copy(msg->hears.results, msg->hears.n_results * sizeof(struct act_result));
        msg->hears.withdrawals = mail->own[1] = copy(msg->hears.withdrawals, msg->hears.n_withdrawals * sizeof(struct withdrawal));
        msg->hears.offers = mail->own[2] = copy(msg->hears.offers, msg->hears.n_offers * sizeof(struct offer));
    } else if (msg->kind == MSG_RECEIPT) {
        msg->receipt.leads = mail->own[0] = copy(msg->receipt.leads, msg->receipt.n_rows * sizeof(struct id));
        msg->receipt.outcomes = mail->own[1] = copy(msg->receipt.outcomes, msg->receipt.n_rows * sizeof(uint32_t));
        msg->receipt.warnings = NULL;
    } else if (msg->kind == MSG_DECISION) {
        msg->decision.verdicts = mail->own[0] = copy(msg->decision.verdicts, msg->decision.n_verdicts * sizeof(struct verdict));
    } else if (msg->kind == MSG_REQUEST) {
        msg->request.leads = mail->own[0] = copy(msg->request.leads, msg->request.n_leads * sizeof(struct request_lead));
        msg->request.agents = mail->own[1] = copy(msg->request.agents, msg->request.n_agents * sizeof(struct request_agent));
        msg->request.excluded = mail->own[2] = copy(msg->request.excluded, msg->request.n_excluded * sizeof(struct exclusion));
    }
}

static void post_once(struct sim *sim, bool to_broker, uint32_t peer, const struct msg *msg)
{
    for (uint32_t i = 0; i < MAILS_MAX; i++) {
        struct mail *mail = &sim->mails[i];
        if (mail->used)
            continue;
        int64_t *last_us = &sim->last_us[to_broker][peer];   /* a connection keeps its order */
        const int64_t at_us = sim->now_us + 50 + sim_rand(sim, (uint32_t) sim->faults.delay_us + 1);
        *last_us = at_us > *last_us ? at_us : *last_us;
        *mail = (struct mail){.used = true, .to_broker = to_broker, .peer = peer, .msg = *msg, .order = sim->order++,
                              .at_us = *last_us};
        own(mail);
        if (i >= sim->mails_top)
            sim->mails_top = i + 1;
        return;
    }
    fail_msg("seed %" PRIu64 ": too much mail under way", sim->seed);
}

static void post(struct sim *sim, bool to_broker, uint32_t peer, const struct msg *msg)
{
    if (happens(sim, sim->faults.lose))
        return;
    post_once(sim, to_broker, peer, msg);
    if (to_broker && happens(sim, sim->faults.repeat))   /* clients repeat what was not answered */
        post_once(sim, to_broker, peer, msg);
}

static void drop(struct mail *mail)
{
    for (int i = 0; i < 4; i++)
        free(mail->own[i]);
    *mail = (struct mail){0};
}

static struct mail *next_mail(struct sim *sim)
{
    struct mail *best = NULL;
    while (sim->mails_top && !sim->mails[sim->mails_top - 1].used)
        sim->mails_top--;
    for (uint32_t i = 0; i < sim->mails_top; i++) {
        struct mail *mail = &sim->mails[i];
        if (mail->used && (!best || mail->at_us < best->at_us || (mail->at_us == best->at_us && mail->order < best->order)))
            best = mail;
    }
    return best;
}

/* ---- agents ------------------------------------------------------------------------- */

static void agent_send(struct sim *sim, struct sim_agent *agent, struct msg msg)
{
    if (agent->silent)
        return;
    msg.session = msg.kind == MSG_HELLO ? 0 : agent->session;
    msg.seq = ++agent->seq;
    agent->sent_us[agent->seq % 1024] = sim->now_us;
    post(sim, true, agent->peer, &msg);
}

static void agent_hello(struct sim *sim, struct sim_agent *agent)
{
    agent->session = 0;
    agent_send(sim, agent, (struct msg){.kind = MSG_HELLO, .hello = {
        .protocol = 1, .role = ROLE_AGENT, .name = slice_of(agent->name, strlen(agent->name)),
        .team = slice_of(agent->team, strlen(agent->team)), .intent = agent->intent}});
}

static struct sim_held *held(struct sim_agent *agent, struct id lead)
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

static bool believes(const struct sim *sim, const struct sim_held *it)
{
    return sim->now_us < it->valid_until_us - sim->policy.guard_ms * 1000;
}

static int64_t validity(const struct sim_agent *agent, uint64_t seq, uint32_t valid_ms)
{
    if (agent->seq - seq >= 1024)
        return 0;
    return agent->sent_us[seq % 1024] + (int64_t) valid_ms * 1000;
}

void sim_act(struct sim *sim, struct sim_agent *agent, struct id lead, enum act_verb verb, uint32_t code, const char *note)
{
    struct sim_held *it = held(agent, lead);
    struct act act = {.op = {agent->peer, ++agent->ops}, .lead = lead, .fence = it ? it->fence : 0, .verb = verb,
                      .code = code, .note = slice_of(note, note ? strlen(note) : 0),
                      .at_ms = sim->now_us / 1000 + 60000};
    agent_send(sim, agent, (struct msg){.kind = MSG_AGENT_SAYS, .says = {.acts = &act, .n_acts = 1}});
    if (it && (verb == VERB_DECLINE || verb == VERB_RELEASE))
        forget(agent, it);               /* who says so shows it no more */
}

void sim_ready(struct sim *sim, struct sim_agent *agent, uint32_t wait_ms)
{
    agent->asked = true;
    agent_send(sim, agent, (struct msg){.kind = MSG_AGENT_SAYS, .says = {
        .has_ready = true, .ready_op = {agent->peer, ++agent->ops}, .ready_wait_ms = wait_ms}});
}

static void hear_offer(struct sim *sim, struct sim_agent *agent, const struct offer *offer)
{
    struct sim_held *it = held(agent, offer->lead);
    const int64_t until = validity(agent, offer->valid_seq, offer->valid_ms);
    if (it && it->fence > offer->fence)
        return;                          /* an old one, late */
    if (!it) {
        if (until - sim->policy.guard_ms * 1000 <= sim->now_us || agent->n_held == SIM_HELD_MAX)
            return;
        it = &agent->held[agent->n_held++];
        *it = (struct sim_held){.lead = offer->lead, .since_us = sim->now_us};
    }
    it->fence = offer->fence;
    it->state = offer->state;
    if (until > it->valid_until_us)
        it->valid_until_us = until;
}

static void hear_result(struct sim_agent *agent, const struct act_result *result)
{
    struct sim_held *it = held(agent, result->lead);
    agent->result = *result;
    if (!it)
        return;
    if (result->reason == REASON_STALE_FENCE || result->state == LEAD_PIPELINE || result->state >= LEAD_CLOSED_WON ||
        result->state == LEAD_POOLED || result->state == LEAD_REVOKING)
        forget(agent, it);
    else
        it->state = result->state;
}

static void agent_hear(struct sim *sim, struct sim_agent *agent, const struct msg *msg)
{
    if (agent->silent)
        return;
    if (msg->kind == MSG_WELCOME) {
        agent->session = msg->welcome.session;
    } else if (msg->kind == MSG_ERROR && msg->error.reason == REASON_HELLO_FIRST) {
        agent_hello(sim, agent);
    } else if (msg->kind == MSG_HEARD) {
        for (uint32_t i = 0; i < agent->n_held; i++) {
            const int64_t until = validity(agent, msg->heard.seq, msg->heard.valid_ms);
            if (until > agent->held[i].valid_until_us)
                agent->held[i].valid_until_us = until;
        }
    } else if (msg->kind == MSG_AGENT_HEARS) {
        for (uint32_t i = 0; i < msg->hears.n_results; i++)
            hear_result(agent, &msg->hears.results[i]);
        for (uint32_t i = 0; i < msg->hears.n_withdrawals; i++) {
            const struct withdrawal *withdrawal = &msg->hears.withdrawals[i];
            struct sim_held *it = held(agent, withdrawal->lead);
            if (it && it->fence <= withdrawal->fence)
                forget(agent, it);
            struct act ack = {.lead = withdrawal->lead, .fence = withdrawal->fence, .verb = VERB_WITHDRAWN};
            agent_send(sim, agent, (struct msg){.kind = MSG_AGENT_SAYS, .says = {.acts = &ack, .n_acts = 1}});
        }
        for (uint32_t i = 0; i < msg->hears.n_offers; i++)
            hear_offer(sim, agent, &msg->hears.offers[i]);
        if (msg->hears.has_ready) {
            agent->ready = msg->hears.ready;
            agent->asked = false;
        }
    }
}

static void work_on(struct sim *sim, struct sim_agent *agent, struct sim_held *it)
{
    static const uint32_t codes[] = {DISPOSITION_SALE, DISPOSITION_NOT_INTERESTED, DISPOSITION_NO_ANSWER, DISPOSITION_NO_ANSWER,
                                     DISPOSITION_CALLBACK, DISPOSITION_CONTACTED, DISPOSITION_WRONG_NUMBER};
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

static void agent_move(struct sim *sim, struct sim_agent *agent)
{
    agent->next_us = sim->now_us + 100000 + sim_rand(sim, 400000);
    if (agent->by_hand || agent->silent) {
        if (!agent->silent && agent->session)
            agent_send(sim, agent, (struct msg){.kind = MSG_HEARTBEAT});
        else if (!agent->silent)
            agent_hello(sim, agent);
        return;
    }
    if (happens(sim, sim->faults.silence)) {
        sim_silence(sim, agent, true);
        agent->next_us = sim->now_us + 1000000 + sim_rand(sim, 12000000);
        return;
    }
    if (!agent->session) {
        agent_hello(sim, agent);
        return;
    }
    agent_send(sim, agent, (struct msg){.kind = MSG_HEARTBEAT});
    for (uint32_t i = 0; i < agent->n_held;) {
        if (!believes(sim, &agent->held[i])) {
            forget(agent, &agent->held[i]);
            continue;
        }
        const uint32_t before = agent->n_held;
        work_on(sim, agent, &agent->held[i]);
        i += agent->n_held == before;
    }
    if (agent->intent == INTENT_ON_DEMAND && agent->n_held == 0)
        sim_ready(sim, agent, sim_rand(sim, 2) ? 0 : 2000);
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
    *agent = (struct sim_agent){.on = true, .intent = intent, .peer = PEER_AGENTS + sim->n_agents++, .next_us = sim->now_us};
    snprintf(agent->name, sizeof agent->name, "%s", name);
    snprintf(agent->team, sizeof agent->team, "%s", team);
    return agent;
}

/* ---- sources and workers ---------------------------------------------------------------- */

static struct id lead_id(uint32_t key) { return (struct id){0x9E3779B97F4A7C15u * (key + 1), key + 1}; }

static void send_chunk(struct sim *sim, struct submission *sub)
{
    static struct row rows[CHUNK_ROWS_MAX];
    static char raw[CHUNK_ROWS_MAX][24];
    for (uint32_t i = 0; i < sub->n; i++) {
        snprintf(raw[i], sizeof raw[i], "row-%u", sub->first + i);
        rows[i] = (struct row){.raw = slice_of(raw[i], strlen(raw[i])), .lead = lead_id(sub->first + i),
                               .name = slice_of("Ada", 3), .priority = (int32_t) (sub->first + i) % 3};
    }
    /* rows are static: what is still under way may see a later chunk's; so chunks are stepped at once */
    struct msg msg = {.session = sim->source_session, .seq = 1, .kind = MSG_CHUNK,
                      .chunk = {.op = sub->op, .source = slice_of(sub->source, strlen(sub->source)), .rows = rows, .n_rows = sub->n}};
    core_step(sim->core, &(struct event){.kind = EVENT_MESSAGE, .now_us = sim->now_us, .peer = PEER_SOURCE, .msg = &msg}, sim->effects);
    sub->again_us = sim->now_us + 500000;
}

void sim_submit(struct sim *sim, const char *source, uint32_t n)
{
    assert_true(sim->n_subs < 512);
    struct submission *sub = &sim->subs[sim->n_subs++];
    *sub = (struct submission){.op = {77, sim->n_subs}, .first = sim->keys, .n = n};
    snprintf(sub->source, sizeof sub->source, "%s", source);
    sim->keys += n;
    sim->last_lead = lead_id(sim->keys - 1);
}

static void source_hear(struct sim *sim, const struct msg *msg)
{
    if (msg->kind == MSG_WELCOME)
        sim->source_session = msg->welcome.session;
    if (msg->kind == MSG_ERROR)
        sim->source_session = 0;
    if (msg->kind != MSG_RECEIPT || msg->receipt.reason != REASON_OK)
        return;
    struct submission *sub = &sim->subs[msg->receipt.op.lo - 1];
    for (uint32_t i = 0; i < msg->receipt.n_rows && !sub->answered; i++) {
        assert_int_equal(msg->receipt.outcomes[i], REASON_OK);
        assert_true(sim->n_acked < SIM_LEADS_MAX);
        sim->acked[sim->n_acked++] = msg->receipt.leads[i];
    }
    sub->answered = true;
}

static void worker_hear(struct sim *sim, uint32_t peer, const struct msg *msg)
{
    const uint32_t w = peer - PEER_WORKER;
    if (msg->kind == MSG_WELCOME)
        sim->worker_session[w] = msg->welcome.session;
    if (msg->kind == MSG_ERROR)
        sim->worker_session[w] = 0;
    if (msg->kind != MSG_REQUEST || happens(sim, sim->faults.worker_mute))
        return;
    const struct msg_request *request = &msg->request;
    struct verdict verdicts[ASK_LEADS_MAX] = {0};
    uint32_t taken[ASK_AGENTS_MAX] = {0};
    for (uint32_t i = 0; i < request->n_leads; i++) {   /* any valid decision will do, and now and then a foul one */
        const uint32_t a = request->leads[i].only_agent ? request->leads[i].only_agent - 1 : sim_rand(sim, request->n_agents);
        bool bad = taken[a] >= request->agents[a].slots;
        for (uint32_t e = 0; e < request->n_excluded; e++)
            bad = bad || (request->excluded[e].lead == i && request->excluded[e].agent == a);
        if (bad && !happens(sim, sim->faults.worker_mute / 4))
            continue;
        taken[a]++;
        verdicts[i] = (struct verdict){.agent = a + 1, .score = (int32_t) i};
    }
    post(sim, true, peer, &(struct msg){.session = sim->worker_session[w], .seq = 9, .kind = MSG_DECISION,
                                        .decision = {.id = request->id, .verdicts = verdicts, .n_verdicts = request->n_leads,
                                                     .policy_version = request->policy_version}});
}

static void others_move(struct sim *sim)
{
    if (!sim->source_session)
        post_once(sim, true, PEER_SOURCE, &(struct msg){.seq = 1, .kind = MSG_HELLO, .hello = {
            .protocol = 1, .role = ROLE_SOURCE, .name = slice_of("src", 3)}});
    for (uint32_t w = 0; w < sim->n_workers; w++)
        if (!sim->worker_session[w])
            post_once(sim, true, PEER_WORKER + w, &(struct msg){.seq = 1, .kind = MSG_HELLO, .hello = {
                .protocol = 1, .role = ROLE_WORKER, .name = slice_of("w", 1), .capacity = 2}});
        else
            post_once(sim, true, PEER_WORKER + w, &(struct msg){.session = sim->worker_session[w], .seq = 2, .kind = MSG_HEARTBEAT});
}

/* ---- the broker ----------------------------------------------------------------------------- */

static void check(struct sim *sim)
{
    struct buf findings = {0};
    if (core_check(sim->core, &findings))
        fail_msg("seed %" PRIu64 " at %" PRId64 " ms: %.*s", sim->seed, sim->now_us / 1000, (int) findings.len, (char *) findings.at);
    buf_fini(&findings);
    for (uint32_t a = 0; a < sim->n_agents; a++)
        for (uint32_t i = 0; i < sim->agents[a].n_held; i++)
            for (uint32_t b = a + 1; b < sim->n_agents; b++) {
                const struct sim_held *mine = &sim->agents[a].held[i], *its = held(&sim->agents[b], mine->lead);
                if (its && believes(sim, mine) && believes(sim, its))
                    fail_msg("seed %" PRIu64 " at %" PRId64 " ms: %s and %s both believe they own lead %" PRIu64, sim->seed,
                             sim->now_us / 1000, sim->agents[a].name, sim->agents[b].name, mine->lead.lo);
            }
}

static void reload(struct sim *sim)
{
    core_destroy(&sim->core);
    sim->core = core_new(&sim->policy);
    for (uint32_t i = 0; i < sim->n_log; i++) {
        struct row_ref row;
        uint32_t at = 0;
        int more;
        while ((more = row_next(slice_of(sim->log[i].at, sim->log[i].len), &at, &row)) == 1)
            assert_true(core_apply(sim->core, &row));
        assert_int_equal(more, 0);
    }
    assert_true(core_loaded(sim->core));
    core_epoch(sim->core, ++sim->epoch, sim->now_us, true);
}

static void end_beat(struct sim *sim)
{
    uint32_t peer;
    struct msg msg;
    bool wants;
    core_step(sim->core, &(struct event){.kind = EVENT_TIME, .now_us = sim->now_us}, sim->effects);
    while (effects_next_ask(sim->effects, &peer, &msg, &wants))
        post(sim, false, peer, &msg);
    check(sim);
    if (happens(sim, sim->faults.crash)) {
        sim_crash(sim);
        return;
    }
    struct buf body = {0};
    if (core_seal(sim->core, &body)) {
        sim->log = realloc(sim->log, (sim->n_log + 1) * sizeof *sim->log);
        sim->log[sim->n_log++] = body;
    } else {
        buf_fini(&body);
    }
    if (happens(sim, sim->faults.crash)) {   /* it stands, but nobody is told */
        sim_crash(sim);
        return;
    }
    while (effects_next_out(sim->effects, &peer, &msg))
        post(sim, false, peer, &msg);
    effects_clear(sim->effects);
}

void sim_crash(struct sim *sim)
{
    effects_clear(sim->effects);
    for (uint32_t i = 0; i < MAILS_MAX; i++)
        if (sim->mails[i].used)
            drop(&sim->mails[i]);
    sim->now_us += sim_rand(sim, 2000000);
    reload(sim);
    check(sim);
}

static void deliver(struct sim *sim, struct mail *mail)
{
    if (mail->to_broker)
        core_step(sim->core, &(struct event){.kind = EVENT_MESSAGE, .now_us = sim->now_us, .peer = mail->peer, .msg = &mail->msg}, sim->effects);
    else if (mail->peer >= PEER_AGENTS)
        agent_hear(sim, &sim->agents[mail->peer - PEER_AGENTS], &mail->msg);
    else if (mail->peer >= PEER_WORKER)
        worker_hear(sim, mail->peer, &mail->msg);
    else
        source_hear(sim, &mail->msg);
}

static void turn(struct sim *sim)
{
    struct mail *mail;
    while ((mail = next_mail(sim)) && mail->at_us <= sim->now_us) {
        struct mail taken = *mail;
        mail->used = false;
        for (int i = 0; i < 4; i++)
            mail->own[i] = NULL;
        deliver(sim, &taken);
        drop(&taken);
    }
    for (uint32_t i = 0; i < sim->n_agents; i++)
        if (sim->agents[i].on && sim->agents[i].next_us <= sim->now_us) {
            if (sim->agents[i].silent && !sim->agents[i].by_hand)
                sim_silence(sim, &sim->agents[i], false);
            agent_move(sim, &sim->agents[i]);
        }
    if (sim->worker_hello_us <= sim->now_us) {
        others_move(sim);
        sim->worker_hello_us = sim->now_us + 300000;
    }
    for (uint32_t i = 0; i < sim->n_subs && sim->source_session; i++)
        if (!sim->subs[i].answered && sim->subs[i].again_us <= sim->now_us)
            send_chunk(sim, &sim->subs[i]);
    end_beat(sim);
}

void sim_run_ms(struct sim *sim, int64_t ms)
{
    const int64_t until_us = sim->now_us + ms * 1000;
    while (sim->now_us < until_us) {
        turn(sim);
        int64_t next = until_us;
        const struct mail *mail = next_mail(sim);
        if (mail && mail->at_us < next)
            next = mail->at_us;
        if (core_next_us(sim->core) < next)
            next = core_next_us(sim->core);
        if (sim->worker_hello_us < next)
            next = sim->worker_hello_us;
        for (uint32_t i = 0; i < sim->n_agents; i++)
            if (sim->agents[i].on && sim->agents[i].next_us < next)
                next = sim->agents[i].next_us;
        sim->now_us = next > sim->now_us ? next : sim->now_us + 1;
    }
}

/* ---- life --------------------------------------------------------------------------------------- */

struct policy *sim_policy(void)
{
    static struct policy policy;
    policy = (struct policy){.version = 1, .cell = "sim", .heartbeat_ms = 500, .lease_ms = 2000, .guard_ms = 200,
                             .orphan_grace_ms = 3000, .scorer_deadline_ms = 20, .waiting_max = 100000, .agents_max = SIM_AGENTS_MAX,
                             .n_programmes = 3, .n_teams = 4, .n_sources = 3, .default_programme = 1};
    static const char *const names[] = {"push", "pull", "pushpull"};
    for (uint32_t i = 0; i < 3; i++) {
        struct programme *p = &policy.programmes[i];
        snprintf(p->name, sizeof p->name, "%s", names[i]);
        *p = (struct programme){.mode = (enum mode)(MODE_PUSH + i), .strategy = STRATEGY_BEST_SCORE, .widen = i == 2 ? WIDEN_CELL : WIDEN_PROGRAMME,
                                .note_required = i == 1, .wip_max = i == 1 ? 1 : 3, .untouched_max = 3, .depth_per_agent = 3,
                                .attempts_max = 7, .distributions_max = 3, .misses_max = 3, .offer_ms = 2000, .first_action_ms = 5000,
                                .activity_ms = 8000, .disposition_ms = 4000, .disposition_hard_ms = 8000, .unclaimed_ms = 6000,
                                .pipeline_grace_ms = 8000, .ready_ms = 10000, .decline_exclusion_ms = 5000, .penalty_ms = 500,
                                .penalty_max_ms = 2000, .n_gaps = 2, .gap_ms = {1000, 3000}};
        snprintf(p->name, sizeof p->name, "%s", names[i]);
        snprintf(policy.sources[i].name, sizeof policy.sources[i].name, "to-%s", names[i]);
        policy.sources[i].programme = i;
    }
    static const char *const teams[] = {"east", "hunters", "north", "south"};
    for (uint32_t i = 0; i < 4; i++) {
        snprintf(policy.teams[i].name, sizeof policy.teams[i].name, "%s", teams[i]);
        policy.teams[i].programme = i < 2 ? i : 2;
    }
    return &policy;
}

struct sim *sim_new(uint64_t seed, const struct policy *policy)
{
    struct sim *sim = calloc(1, sizeof *sim);
    assert_non_null(sim);
    sim->policy = *policy;
    sim->seed = seed;
    sim->random = seed * 0x9E3779B97F4A7C15u + 1;
    sim->now_us = 1700000000000000;
    sim->mails = calloc(MAILS_MAX, sizeof *sim->mails);
    assert_non_null(sim->mails);
    sim->effects = effects_new();
    sim->core = core_new(policy);
    core_epoch(sim->core, ++sim->epoch, sim->now_us, true);
    sim->n_workers = 1;
    return sim;
}

void sim_destroy(struct sim **sim_p)
{
    struct sim *sim = *sim_p;
    for (uint32_t i = 0; i < MAILS_MAX; i++)
        drop(&sim->mails[i]);
    for (uint32_t i = 0; i < sim->n_log; i++)
        buf_fini(&sim->log[i]);
    free(sim->log);
    free(sim->mails);
    effects_destroy(&sim->effects);
    core_destroy(&sim->core);
    free(sim);
    *sim_p = NULL;
}

struct core *sim_core(struct sim *sim) { return sim->core; }
int64_t sim_now_ms(const struct sim *sim) { return sim->now_us / 1000; }
void sim_faults(struct sim *sim, struct sim_faults faults) { sim->faults = faults; }
void sim_workers(struct sim *sim, uint32_t n) { sim->n_workers = n; }
struct id sim_last_lead(const struct sim *sim) { return sim->last_lead; }
uint32_t sim_acked(const struct sim *sim) { return sim->n_acked; }

uint32_t sim_lost(struct sim *sim)
{
    uint32_t lost = 0;
    for (uint32_t i = 0; i < sim->n_acked; i++)
        lost += lead_find(sim->core, sim->acked[i]) == NULL;
    return lost;
}

unsigned sim_state(struct sim *sim, struct id lead)
{
    const struct lead *it = lead_find(sim->core, lead);
    return it ? it->state : 0;
}

const char *sim_owner(struct sim *sim, struct id lead)
{
    const struct lead *it = lead_find(sim->core, lead);
    return it && it->owner != NONE ? sim->core->agents[it->owner]->name : "";
}
