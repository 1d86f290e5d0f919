/* SPDX-License-Identifier: Apache-2.0
 * sim_peers.c - the sources and the scoring workers of the simulator. */
#include "tests/sim/sim_private.h"

#include <string.h>

enum { OPS_OF_SUBMISSIONS = 77, OPS_BY_HAND = 78, IMPORTS = 79 };

/* ---- sources --------------------------------------------------------------------------- */

struct id sim_lead_id(uint32_t key)
{
    return (struct id){0x9E3779B97F4A7C15u * (key + 1), key + 1};
}

/* Chunks are stepped at once: what they borrow need not outlive the call. */
static void send_chunk(struct sim *sim, const struct msg_chunk *chunk)
{
    assert_true(sim->source_session != 0);
    sim_step(sim, PEER_SOURCE,
             &(struct msg){.session = sim->source_session, .seq = 1, .kind = MSG_CHUNK, .chunk = *chunk});
}

static struct slice slice_of_text(const char *text)
{
    return slice_of(text, strlen(text));
}

void sim_chunk(struct sim *sim, uint64_t op, const char *source, uint64_t import, uint32_t number,
               const struct sim_row *rows, uint32_t n)
{
    struct row full[CHUNK_ROWS_MAX];
    struct attribute places[CHUNK_ROWS_MAX][2];
    assert_true(n <= CHUNK_ROWS_MAX);
    for (uint32_t i = 0; i < n; i++) {
        full[i] = (struct row){.raw = slice_of_text(rows[i].payload),
                               .added = slice_of_text(rows[i].added ? rows[i].added : ""),
                               .lead = sim_lead_id(rows[i].key),
                               .reject = rows[i].reject,
                               .priority = rows[i].priority,
                               .cost_cents = rows[i].cost_cents,
                               .value_cents = rows[i].value_cents,
                               .name = slice_of(rows[i].no_contact ? NULL : "Ada", rows[i].no_contact ? 0 : 3),
                               .attributes = places[i]};
        if (rows[i].attributes) {
            full[i].attributes = rows[i].attributes;
            full[i].n_attributes = rows[i].n_attributes;
        }
        if (rows[i].zone)
            places[i][full[i].n_attributes++] =
                (struct attribute){slice_of_text("zone"), slice_of_text(rows[i].zone), 0};
        if (rows[i].state)
            places[i][full[i].n_attributes++] =
                (struct attribute){slice_of_text("state"), slice_of_text(rows[i].state), 0};
    }
    send_chunk(sim, &(struct msg_chunk){.op = {OPS_BY_HAND, op},
                                        .import = {import ? IMPORTS : 0, import},
                                        .number = number,
                                        .source = slice_of_text(source),
                                        .rows = full,
                                        .n_rows = n});
}

void sim_manifest(struct sim *sim, uint64_t import, const char *source, uint32_t rows, uint32_t chunks)
{
    sim_step(sim, PEER_SOURCE,
             &(struct msg){
                 .session = sim->source_session,
                 .seq = 1,
                 .kind = MSG_MANIFEST,
                 .manifest = {
                     .import = {IMPORTS, import}, .source = slice_of_text(source), .rows = rows, .chunks = chunks}});
}

static void send_submission(struct sim *sim, struct submission *sub)
{
    struct row rows[CHUNK_ROWS_MAX];
    char raw[CHUNK_ROWS_MAX][24];
    for (uint32_t i = 0; i < sub->n; i++) {
        snprintf(raw[i], sizeof raw[i], "row-%u", sub->first + i);
        rows[i] = (struct row){.raw = slice_of_text(raw[i]),
                               .lead = sim_lead_id(sub->first + i),
                               .name = slice_of("Ada", 3),
                               .priority = (int32_t) (sub->first + i) % 3};
    }
    send_chunk(
        sim, &(struct msg_chunk){.op = sub->op, .source = slice_of_text(sub->source), .rows = rows, .n_rows = sub->n});
    sub->again_us = sim->now_us + 500000;
}

void sim_submit(struct sim *sim, const char *source, uint32_t n)
{
    assert_true(sim->n_subs < SUBMISSIONS_MAX && n <= CHUNK_ROWS_MAX);
    struct submission *sub = &sim->subs[sim->n_subs++];
    *sub = (struct submission){.op = {OPS_OF_SUBMISSIONS, sim->n_subs}, .first = sim->keys, .n = n};
    snprintf(sub->source, sizeof sub->source, "%s", source);
    sim->keys += n;
    sim->last_lead = sim_lead_id(sim->keys - 1);
}

void sim_submissions_move(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->n_subs && sim->source_session; i++)
        if (!sim->subs[i].answered && sim->subs[i].again_us <= sim->now_us)
            send_submission(sim, &sim->subs[i]);
}

static void keep_receipt(struct sim *sim, const struct msg_receipt *receipt)
{
    sim->receipt = (struct sim_receipt){.reason = receipt->reason,
                                        .n_heard = sim->receipt.n_heard + 1,
                                        .n_rows = receipt->n_rows,
                                        .retry_after_ms = receipt->retry_after_ms};
    for (uint32_t i = 0; i < receipt->n_rows; i++) {
        sim->receipt.leads[i] = receipt->leads[i];
        sim->receipt.outcomes[i] = receipt->outcomes[i];
        sim->receipt.warnings[i] = receipt->warnings[i];
    }
}

static void hear_receipt(struct sim *sim, const struct msg_receipt *receipt)
{
    keep_receipt(sim, receipt);
    if (receipt->reason != REASON_OK || receipt->op.hi != OPS_OF_SUBMISSIONS)
        return;
    struct submission *sub = &sim->subs[receipt->op.lo - 1];
    for (uint32_t i = 0; i < receipt->n_rows && !sub->answered; i++) {
        assert_int_equal(receipt->outcomes[i], REASON_OK);
        assert_true(sim->n_acked < SIM_LEADS_MAX);
        sim->acked[sim->n_acked++] = receipt->leads[i];
    }
    sub->answered = true;
}

static void source_hear(struct sim *sim, const struct msg *msg)
{
    if (msg->kind == MSG_WELCOME) {
        sim->source_session = msg->welcome.session;
    } else if (msg->kind == MSG_ERROR) {
        sim->source_session = 0;
    } else if (msg->kind == MSG_RECEIPT) {
        hear_receipt(sim, &msg->receipt);
    } else if (msg->kind == MSG_MANIFEST_STATE) {
        sim->manifest_state = msg->manifest_state;
        if (msg->manifest_state.standing.len)
            memcpy(sim->standing, msg->manifest_state.standing.at, msg->manifest_state.standing.len);
        sim->manifest_state.standing.at = sim->standing;
    }
}

/* ---- workers ------------------------------------------------------------------------------ */

/* Any valid decision will do, and now and then a foul one. */
static void judge_by_chance(struct sim *sim, const struct msg_request *request, struct verdict *verdicts)
{
    uint32_t taken[ASK_AGENTS_MAX] = {0};
    for (uint32_t i = 0; i < request->n_leads; i++) {
        const uint32_t only = request->leads[i].only_agent;
        const uint32_t a = only ? only - 1 : sim_rand(sim, request->n_agents);
        bool bad = taken[a] >= request->agents[a].slots;
        for (uint32_t e = 0; e < request->n_excluded; e++)
            bad = bad || (request->excluded[e].lead == i && request->excluded[e].agent == a);
        if (bad && !happens(sim, sim->faults.worker_mute / 4))
            continue;
        taken[a]++;
        verdicts[i] = (struct verdict){.agent = a + 1, .score = (int32_t) i};
    }
}

static void decide(struct sim *sim, uint32_t w, const struct msg_request *request)
{
    struct verdict verdicts[ASK_LEADS_MAX + 1] = {0}; /* a foul worker may answer one too many */
    struct msg_decision decision = {.id = request->id,
                                    .verdicts = verdicts,
                                    .n_verdicts = request->n_leads,
                                    .rotation = request->rotation,
                                    .policy_version = request->policy_version};
    if (sim->judge)
        sim->judge(sim->judge_context, request, verdicts, &decision);
    else
        judge_by_chance(sim, request, verdicts);
    const struct msg msg = {.session = sim->worker_session[w], .seq = 9, .kind = MSG_DECISION, .decision = decision};
    if (sim->judge)
        sim_post_once(sim, true, PEER_WORKER + w, &msg, sim->judge_us);
    else
        sim_post(sim, true, PEER_WORKER + w, &msg);
}

static void worker_hear(struct sim *sim, uint32_t w, const struct msg *msg)
{
    if (sim->worker_left[w])
        return;
    if (msg->kind == MSG_WELCOME)
        sim->worker_session[w] = msg->welcome.session;
    if (msg->kind == MSG_ERROR)
        sim->worker_session[w] = 0;
    if (msg->kind != MSG_REQUEST)
        return;
    sim->asked++;
    if (!happens(sim, sim->faults.worker_mute))
        decide(sim, w, &msg->request);
}

void sim_judge(struct sim *sim, sim_judge_fn *judge, void *context, int64_t takes_us, bool is_complete)
{
    sim->judge = judge;
    sim->judge_is_complete = is_complete;
    sim->judge_context = context;
    sim->judge_us = takes_us;
}

void sim_worker_leaves(struct sim *sim)
{
    sim->worker_left[0] = true;
    core_step(sim->core, &(struct event){.kind = EVENT_PEER_GONE, .now_us = sim->now_us, .peer = PEER_WORKER},
              sim->effects);
}

void sim_worker_drains(struct sim *sim)
{
    sim_post_once(
        sim, true, PEER_WORKER,
        &(struct msg){
            .session = sim->worker_session[0], .seq = 2, .kind = MSG_HEARTBEAT, .heartbeat = {.draining = true}},
        0);
}

/* ---- both ------------------------------------------------------------------------------------ */

void sim_others_hear(struct sim *sim, uint32_t peer, const struct msg *msg)
{
    if (peer >= PEER_WORKER)
        worker_hear(sim, peer - PEER_WORKER, msg);
    else
        source_hear(sim, msg);
}

void sim_others_move(struct sim *sim)
{
    if (!sim->source_session)
        sim_post_once(sim, true, PEER_SOURCE,
                      &(struct msg){.seq = 1,
                                    .kind = MSG_HELLO,
                                    .hello = {.protocol = 1, .role = ROLE_SOURCE, .name = slice_of("src", 3)}},
                      0);
    for (uint32_t w = 0; w < sim->n_workers; w++) {
        struct msg msg = {.session = sim->worker_session[w], .seq = 2, .kind = MSG_HEARTBEAT};
        if (!sim->worker_session[w])
            msg = (struct msg){.seq = 1,
                               .kind = MSG_HELLO,
                               .hello = {.protocol = 1, .role = ROLE_WORKER, .name = slice_of("w", 1), .capacity = 2}};
        if (!sim->worker_left[w])
            sim_post_once(sim, true, PEER_WORKER + w, &msg, 0);
    }
}

void sim_workers(struct sim *sim, uint32_t n)
{
    assert_true(n <= WORKERS);
    sim->n_workers = n;
    sim->others_us = sim->now_us; /* they say hello now */
}

uint32_t sim_asked(const struct sim *sim)
{
    return sim->asked;
}
const struct sim_receipt *sim_receipt(const struct sim *sim)
{
    return &sim->receipt;
}
const struct msg_manifest_state *sim_manifest_state(const struct sim *sim)
{
    return &sim->manifest_state;
}
struct id sim_last_lead(const struct sim *sim)
{
    return sim->last_lead;
}
