/* SPDX-License-Identifier: Apache-2.0
 * sim.c - the world of the simulator: time, mail, the beat, the log and what is
 * checked after each beat. Messages are copied as plain structs; what they borrow
 * is copied with them. The log is a list of bodies: a beat stands when its body is
 * in it, and only then do its messages leave. */
#include "tests/sim/sim_private.h"

#include <stdlib.h>
#include <string.h>

uint32_t sim_rand(struct sim *sim, uint32_t below)
{
    sim->random ^= sim->random << 13;
    sim->random ^= sim->random >> 7;
    sim->random ^= sim->random << 17;
    return below ? (uint32_t) (sim->random >> 16) % below : 0;
}

/* ---- mail ------------------------------------------------------------------------ */

static void *copy(const void *at, size_t len)
{
    void *to = malloc(len + 1);
    assert_non_null(to);
    if (len)
        memcpy(to, at, len);
    return to;
}

/* What leads and agents of a request are scored by: it may change while the request is under way. */
static void own_what_is_weighed(struct mail *mail)
{
    const struct msg_request *request = &mail->msg.request;
    struct request_lead *leads = mail->own[0];
    struct request_agent *agents = mail->own[1];
    struct buf all = {0};
    for (uint32_t i = 0; i < request->n_leads; i++)
        buf_add(&all, leads[i].features, leads[i].n_features * sizeof *leads[i].features);
    for (uint32_t i = 0; i < request->n_agents; i++)
        buf_add(&all, agents[i].skills, agents[i].n_skills * sizeof *agents[i].skills);
    const uint8_t *at = mail->own[3] = copy(all.at, all.len);
    for (uint32_t i = 0; i < request->n_leads; at += leads[i].n_features * sizeof *leads[i].features, i++)
        leads[i].features = (const void *) at;
    for (uint32_t i = 0; i < request->n_agents; at += agents[i].n_skills * sizeof *agents[i].skills, i++)
        agents[i].skills = (const void *) at;
    buf_fini(&all);
}

static void own(struct mail *mail)
{
    struct msg *msg = &mail->msg;
    void **own = mail->own;
#define OWN(i, list, n) ((list) = own[i] = copy((list), (n) * sizeof *(list)))
    if (msg->kind == MSG_AGENT_SAYS) {
        OWN(0, msg->says.acts, msg->says.n_acts);
    } else if (msg->kind == MSG_AGENT_HEARS) {
        OWN(0, msg->hears.results, msg->hears.n_results);
        OWN(1, msg->hears.withdrawals, msg->hears.n_withdrawals);
        OWN(2, msg->hears.offers, msg->hears.n_offers);
        OWN(3, msg->hears.candidates, msg->hears.n_candidates);
    } else if (msg->kind == MSG_RECEIPT) {
        OWN(0, msg->receipt.leads, msg->receipt.n_rows);
        OWN(1, msg->receipt.outcomes, msg->receipt.n_rows);
        OWN(2, msg->receipt.warnings, msg->receipt.n_rows);
    } else if (msg->kind == MSG_MANIFEST_STATE) {
        OWN(0, msg->manifest_state.standing.at, msg->manifest_state.standing.len);
    } else if (msg->kind == MSG_DECISION) {
        OWN(0, msg->decision.verdicts, msg->decision.n_verdicts);
    } else if (msg->kind == MSG_REQUEST) {
        OWN(0, msg->request.leads, msg->request.n_leads);
        OWN(1, msg->request.agents, msg->request.n_agents);
        OWN(2, msg->request.excluded, msg->request.n_excluded);
        own_what_is_weighed(mail);
    }
#undef OWN
}

void sim_post_once(struct sim *sim, bool to_broker, uint32_t peer, const struct msg *msg, int64_t after_us)
{
    for (uint32_t i = 0; i < MAILS_MAX; i++) {
        struct mail *mail = &sim->mails[i];
        if (mail->used)
            continue;
        int64_t *last_us = &sim->last_us[to_broker][peer]; /* a connection keeps its order */
        const int64_t at_us = sim->now_us + 50 + after_us + sim_rand(sim, (uint32_t) sim->faults.delay_us + 1);
        *last_us = at_us > *last_us ? at_us : *last_us;
        *mail = (struct mail){
            .used = true, .to_broker = to_broker, .peer = peer, .msg = *msg, .order = sim->order++, .at_us = *last_us};
        own(mail);
        if (i >= sim->mails_top)
            sim->mails_top = i + 1;
        return;
    }
    fail_msg("seed %" PRIu64 ": too much mail under way", sim->seed);
}

void sim_post(struct sim *sim, bool to_broker, uint32_t peer, const struct msg *msg)
{
    if (happens(sim, sim->faults.lose))
        return;
    sim_post_once(sim, to_broker, peer, msg, 0);
    if (to_broker && happens(sim, sim->faults.repeat)) /* clients repeat what was not answered */
        sim_post_once(sim, to_broker, peer, msg, 0);
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
        if (mail->used &&
            (!best || mail->at_us < best->at_us || (mail->at_us == best->at_us && mail->order < best->order)))
            best = mail;
    }
    return best;
}

/* ---- the log ---------------------------------------------------------------------------- */

/* The text of a policy is its place in the list of those that were made. */
static const struct policy *policy_of(const struct sim *sim, struct slice text)
{
    assert_true(text.len == 1 && text.at[0] < sim->n_policies);
    return sim->policies[text.at[0]];
}

static void apply(const struct sim *sim, struct core *core, const struct buf *body)
{
    struct row_ref row;
    struct policy_glance glance;
    uint32_t at = 0;
    int more;
    while ((more = row_next(slice_of(body->at, body->len), &at, &row)) == 1) {
        if (policy_glance(&row, &glance) && core_wants_policy(core, glance.version))
            core_load_policy(core, policy_of(sim, glance.text), glance.version);
        assert_true(core_apply(core, &row));
    }
    assert_int_equal(more, 0);
}

/* ---- moves that happened ------------------------------------------------------------------ */

static uint64_t *moves_seen(void)
{
    static uint64_t seen[LEAD_MOVES];
    return seen;
}

const uint64_t *sim_moves_seen(void)
{
    return moves_seen();
}

static void remember_moves(const struct core *core)
{
    for (uint32_t i = 0; i < LEAD_MOVES; i++)
        moves_seen()[i] += core->moved[i];
}

/* ---- the broker ----------------------------------------------------------------------------- */

/* What the view does to who loads: its rows may be newer than the log's that follow; policies come first, then
 * counters. */
static void apply_view(const struct sim *sim, struct core *core)
{
    struct policy_glance glance, newest = {0};
    struct row_ref row;
    for (uint32_t i = 0; i < sim->n_log; i++)
        for (uint32_t at = 0; row_next(slice_of(sim->log[i].at, sim->log[i].len), &at, &row) == 1;)
            if (policy_glance(&row, &glance))
                newest = glance;
    if (!newest.version)
        return;
    core_load_policy(core, policy_of(sim, newest.text), newest.version);
    for (uint32_t i = 0; i < sim->n_log; i++)
        for (uint32_t at = 0; row_next(slice_of(sim->log[i].at, sim->log[i].len), &at, &row) == 1;)
            if (row.type == ROW_PROGRAMME)
                assert_true(core_apply(core, &row));
}

static struct core *load_core(const struct sim *sim, bool as_from_a_view)
{
    struct policy first = sim->policy;
    if (as_from_a_view && sim->n_policies)
        first.version = 0;
    struct core *core = core_new(&first);
    if (as_from_a_view)
        apply_view(sim, core);
    if (core_policy(core)->version == 0) { /* none of them stood */
        core_destroy(&core);
        core = core_new(&sim->policy);
    }
    for (uint32_t i = 0; i < sim->n_log; i++)
        apply(sim, core, &sim->log[i]);
    assert_true(core_loaded(core));
    return core;
}

static void load(struct sim *sim)
{
    remember_moves(sim->core);
    core_destroy(&sim->core);
    sim->source_session = 0; /* connections break with the process */
    memset(sim->worker_session, 0, sizeof sim->worker_session);
    sim->others_us = sim->now_us;
    struct core *other = load_core(sim, true);
    sim->core = load_core(sim, false);
    sim_same_state(sim, sim->core, other, "loaded from the log, and with the newest policy first");
    core_epoch(other, sim->epoch + 1, sim->now_us, true);
    assert_int_equal(core_check(other, NULL), 0);
    core_destroy(&other);
    sim_same_state(sim, sim->core, sim->follower, "loaded from the log, and told each beat twice");
    core_epoch(sim->core, ++sim->epoch, sim->now_us, true);
}

void sim_crash(struct sim *sim)
{
    effects_clear(sim->effects);
    for (uint32_t i = 0; i < sim->mails_top; i++)
        if (sim->mails[i].used)
            drop(&sim->mails[i]);
    sim->now_us += sim_rand(sim, 2000000);
    load(sim);
    sim_check(sim);
}

static void stand(struct sim *sim, struct buf *body)
{
    if (sim->n_log == sim->log_room) { /* doubled: a day has a hundred thousand beats */
        sim->log_room = sim->log_room ? 2 * sim->log_room : 1024;
        sim->log = realloc(sim->log, sim->log_room * sizeof *sim->log);
        assert_non_null(sim->log);
    }
    sim->log[sim->n_log++] = *body;
    apply(sim, sim->follower, body);
    apply(sim, sim->follower, body); /* rows say how it is, not what to add: twice is once */
}

/* ---- the operator: speaks and hears without a way between ----------------------------------- */

static void operator_hear(struct sim *sim, const struct msg *msg)
{
    if (msg->kind != MSG_REPORT)
        return;
    sim->applied = msg->report.reason;
    sim->applied_why[0] = 0;
    for (uint32_t i = 0; i < msg->report.n_rows && msg->report.n_columns == 1; i++)
        snprintf(sim->applied_why + strlen(sim->applied_why), sizeof sim->applied_why - strlen(sim->applied_why),
                 "%.*s\n", (int) msg->report.cells[i].len, (const char *) msg->report.cells[i].at);
}

static void apply_numbered(struct sim *sim, uint32_t number)
{
    const uint8_t text = (uint8_t) number;
    sim->applied = (enum reason) REASON_MAX;
    sim_step(sim, PEER_OPERATOR, &(struct msg){.kind = MSG_HELLO, .hello = {.role = ROLE_OPERATOR}});
    sim_step(sim, PEER_OPERATOR,
             &(struct msg){.session = sim->core->peers[PEER_OPERATOR].session,
                           .kind = MSG_APPLY,
                           .apply = {.text = slice_of(&text, 1), .policy = sim->policies[number]}});
}

void sim_apply(struct sim *sim, const struct policy *policy)
{
    assert_true(sim->n_policies < POLICIES_OF_SIM);
    sim->policies[sim->n_policies] = copy(policy, sizeof *policy);
    apply_numbered(sim, sim->n_policies++);
}

void sim_apply_again(struct sim *sim)
{
    apply_numbered(sim, sim->n_policies - 1);
}

enum reason sim_applied(const struct sim *sim, const char **ret_why)
{
    if (ret_why)
        *ret_why = sim->applied_why;
    return sim->applied;
}

void sim_query(struct sim *sim, enum query_what what, const char *arg)
{
    sim_step(sim, PEER_OPERATOR, &(struct msg){.kind = MSG_HELLO, .hello = {.role = ROLE_OPERATOR}});
    sim_step(sim, PEER_OPERATOR,
             &(struct msg){.session = sim->core->peers[PEER_OPERATOR].session,
                           .kind = MSG_QUERY,
                           .query = {.what = what, .arg = slice_of(arg, strlen(arg)), .limit = 10}});
}

void sim_order(struct sim *sim, uint64_t op, struct id lead, enum order_what what, const char *agent, uint32_t code)
{
    sim->applied = (enum reason) REASON_MAX;
    sim_step(sim, PEER_OPERATOR, &(struct msg){.kind = MSG_HELLO, .hello = {.role = ROLE_OPERATOR}});
    sim_step(sim, PEER_OPERATOR,
             &(struct msg){.session = sim->core->peers[PEER_OPERATOR].session,
                           .kind = MSG_ORDER,
                           .order = {.op = {7, op ? op : ++sim->orders},
                                     .lead = lead,
                                     .what = what,
                                     .code = code,
                                     .agent = slice_of(agent, strlen(agent)),
                                     .actor = slice_of("chief", 5),
                                     .why = slice_of("I say so", 8)}});
}

void sim_suppress(struct sim *sim, const char *contacts, bool remove)
{
    sim_step(sim, PEER_OPERATOR, &(struct msg){.kind = MSG_HELLO, .hello = {.role = ROLE_OPERATOR}});
    sim_step(sim, PEER_OPERATOR,
             &(struct msg){.session = sim->core->peers[PEER_OPERATOR].session,
                           .kind = MSG_SUPPRESS,
                           .suppress = {.contacts = slice_of(contacts, strlen(contacts)), .remove = remove}});
}

uint32_t sim_log_len(const struct sim *sim)
{
    return sim->n_log;
}

static void end_beat(struct sim *sim)
{
    uint32_t peer;
    struct msg msg;
    bool wants;
    core_step(sim->core, &(struct event){.kind = EVENT_TIME, .now_us = sim->now_us}, sim->effects);
    while (effects_next_ask(sim->effects, &peer, &msg, &wants))
        sim_post(sim, false, peer, &msg);
    sim_check(sim);
    if (happens(sim, sim->faults.crash)) {
        sim_crash(sim);
        return;
    }
    struct buf body = {0};
    if (core_seal(sim->core, &body))
        stand(sim, &body);
    else
        buf_fini(&body);
    if (sim->beats++ % sim->audit_every == 0)
        sim_same_state(sim, sim->core, sim->follower, "the core, and what the log says");
    if (happens(sim, sim->faults.crash)) { /* it stands, but nobody is told */
        sim_crash(sim);
        return;
    }
    while (effects_next_out(sim->effects, &peer, &msg))
        if (peer == PEER_OPERATOR)
            operator_hear(sim, &msg);
        else
            sim_post(sim, false, peer, &msg);
    effects_clear(sim->effects);
}

void sim_step(struct sim *sim, uint32_t peer, const struct msg *msg)
{
    core_step(sim->core, &(struct event){.kind = EVENT_MESSAGE, .now_us = sim->now_us, .peer = peer, .msg = msg},
              sim->effects);
}

static void deliver(struct sim *sim, struct mail *mail)
{
    if (mail->to_broker)
        sim_step(sim, mail->peer, &mail->msg);
    else if (mail->peer >= PEER_AGENTS)
        sim_agent_hear(sim, &sim->agents[mail->peer - PEER_AGENTS], &mail->msg);
    else
        sim_others_hear(sim, mail->peer, &mail->msg);
}

static void deliver_due(struct sim *sim)
{
    struct mail *mail;
    while ((mail = next_mail(sim)) && mail->at_us <= sim->now_us) {
        struct mail taken = *mail;
        *mail = (struct mail){0};
        deliver(sim, &taken);
        drop(&taken);
    }
}

static void turn(struct sim *sim)
{
    deliver_due(sim);
    for (uint32_t i = 0; i < sim->n_agents; i++)
        if (sim->agents[i].on && sim->agents[i].next_us <= sim->now_us) {
            if (sim->agents[i].silent && !sim->agents[i].by_hand)
                sim_silence(sim, &sim->agents[i], false);
            sim_agent_move(sim, &sim->agents[i]);
        }
    if (sim->others_us <= sim->now_us) {
        sim_others_move(sim);
        sim->others_us = sim->now_us + sim->others_every_us;
    }
    sim_submissions_move(sim);
    end_beat(sim);
}

static int64_t next_us(struct sim *sim, int64_t until_us)
{
    int64_t next = until_us;
    const struct mail *mail = next_mail(sim);
    if (mail && mail->at_us < next)
        next = mail->at_us;
    if (core_next_us(sim->core) < next)
        next = core_next_us(sim->core);
    if (sim->others_us < next)
        next = sim->others_us;
    for (uint32_t i = 0; i < sim->n_agents; i++)
        if (sim->agents[i].on && sim->agents[i].next_us < next)
            next = sim->agents[i].next_us;
    return next;
}

void sim_run_ms(struct sim *sim, int64_t ms)
{
    const int64_t until_us = sim->now_us + ms * 1000;
    while (sim->now_us < until_us) {
        turn(sim);
        const int64_t next = next_us(sim, until_us);
        sim->now_us = next > sim->now_us ? next : sim->now_us + 1;
    }
}

void sim_stall(struct sim *sim, int64_t ms)
{
    sim->now_us += ms * 1000; /* before anybody is heard or judged, the core is told how late it is */
    core_step(sim->core, &(struct event){.kind = EVENT_TIME, .now_us = sim->now_us, .lag_us = ms * 1000}, sim->effects);
}

/* ---- life --------------------------------------------------------------------------------------- */

struct policy *sim_policy(void)
{
    static struct policy policy;
    static const char *const programmes[] = {"push", "pull", "pushpull"}, *const teams[] = {"east", "hunters", "north",
                                                                                            "south"};
    policy = (struct policy){.version = 1,
                             .cell = "sim",
                             .heartbeat_ms = 500,
                             .lease_ms = 2000,
                             .guard_ms = 200,
                             .orphan_grace_ms = 3000,
                             .scorer_deadline_ms = 20,
                             .waiting_max = 100000,
                             .agents_max = SIM_AGENTS_MAX,
                             .forget_after_ms = INT64_C(30) * DAY_MS,
                             .n_programmes = 3,
                             .n_teams = 4,
                             .n_sources = 3,
                             .default_programme = 1};
    for (uint32_t i = 0; i < 3; i++) {
        struct programme *p = &policy.programmes[i];
        *p = (struct programme){.mode = (enum mode)(MODE_PUSH + i),
                                .strategy = STRATEGY_BEST_SCORE,
                                .widen = i == 2 ? WIDEN_CELL : WIDEN_PROGRAMME,
                                .note_required = i == 1,
                                .wip_max = i == 1 ? 1 : 3,
                                .untouched_max = 3,
                                .depth_per_agent = 3,
                                .attempts_max = 7,
                                .distributions_max = 3,
                                .misses_max = 3,
                                .offer_ms = 2000,
                                .first_action_ms = 5000,
                                .activity_ms = 8000,
                                .disposition_ms = 4000,
                                .disposition_hard_ms = 8000,
                                .unclaimed_ms = 6000,
                                .pipeline_grace_ms = 8000,
                                .ready_ms = 10000,
                                .decline_exclusion_ms = 5000,
                                .penalty_ms = 500,
                                .penalty_max_ms = 2000,
                                .n_gaps = 2,
                                .gap_ms = {1000, 3000}};
        snprintf(p->name, sizeof p->name, "%s", programmes[i]);
        snprintf(policy.sources[i].name, sizeof policy.sources[i].name, "to-%s", programmes[i]);
        policy.sources[i].programme = i;
    }
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
    sim->agents = calloc(SIM_AGENTS_MAX, sizeof *sim->agents);
    sim->believed = malloc(SIM_AGENTS_MAX * SIM_HELD_MAX * sizeof *sim->believed);
    assert_true(sim->mails && sim->agents && sim->believed);
    sim->effects = effects_new();
    sim->core = core_new(policy);
    sim->follower = core_new(policy);
    core_epoch(sim->core, ++sim->epoch, sim->now_us, true);
    sim->n_workers = 1;
    sim->audit_every = 1;
    sim->others_every_us = 300000;
    return sim;
}

void sim_destroy(struct sim **sim_p)
{
    struct sim *sim = *sim_p;
    remember_moves(sim->core);
    for (uint32_t i = 0; i < sim->mails_top; i++)
        drop(&sim->mails[i]);
    for (uint32_t i = 0; i < sim->n_log; i++)
        buf_fini(&sim->log[i]);
    buf_fini(&sim->dumps[0]);
    buf_fini(&sim->dumps[1]);
    for (uint32_t i = 0; i < sim->n_policies; i++)
        free(sim->policies[i]);
    free(sim->log);
    free(sim->mails);
    free(sim->agents);
    free(sim->believed);
    effects_destroy(&sim->effects);
    core_destroy(&sim->core);
    core_destroy(&sim->follower);
    free(sim);
    *sim_p = NULL;
}

struct core *sim_core(struct sim *sim)
{
    return sim->core;
}
int64_t sim_now_ms(const struct sim *sim)
{
    return sim->now_us / 1000;
}
void sim_faults(struct sim *sim, struct sim_faults faults)
{
    sim->faults = faults;
}
void sim_audit_every(struct sim *sim, uint32_t beats)
{
    sim->audit_every = beats;
}
void sim_others_every(struct sim *sim, int64_t ms)
{
    sim->others_every_us = ms * 1000;
}
uint32_t sim_acked(const struct sim *sim)
{
    return sim->n_acked;
}

uint32_t sim_lost(struct sim *sim)
{
    uint32_t lost = 0;
    for (uint32_t i = 0; i < sim->n_acked; i++)
        lost += leads_find(sim->core, sim->acked[i]) == NULL;
    return lost;
}

unsigned sim_state(struct sim *sim, struct id lead)
{
    const struct lead *it = leads_find(sim->core, lead);
    return it ? it->state : 0;
}

const char *sim_owner(struct sim *sim, struct id lead)
{
    const struct lead *it = leads_find(sim->core, lead);
    return it && it->owner != NONE ? sim->core->agents[it->owner]->name : "";
}
