/* SPDX-License-Identifier: Apache-2.0
 * small_cell.c - see small_cell.h. */
#include "tests/fuzz/small_cell.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_yaml.h"
#include "proto/wire.h"

enum { PEERS = 8, WAIT_MAX_MS = 30 * 24 * 3600 * 1000LL >> 10, LOG_MAX = 1 << 20, TURNS_MAX = 200 };

static const enum role roles[PEERS] = {ROLE_SOURCE, ROLE_AGENT,    ROLE_AGENT,  ROLE_AGENT,
                                       ROLE_WORKER, ROLE_OPERATOR, ROLE_SOURCE, ROLE_AGENT};

static const char policy_text[] = "version: 1\n"
                                  "cell: small\n"
                                  "waiting_max: 300\n"
                                  "agents_max: 6\n"
                                  "default_programme: fresh\n"
                                  "programmes:\n"
                                  "  - {name: fresh, mode: push, teams: [north], sources: [web]}\n"
                                  "  - {name: aged, mode: pull, teams: [desk], sources: [purchased]}\n"
                                  "  - {name: partner, mode: push_pull, teams: [east, west], sources: [partner],\n"
                                  "     depth_per_agent: 1}\n";

struct small_cell {
    struct core *core;
    struct effects *effects;
    struct wire *wire, *out;
    struct buf log;
    int64_t now_us;
    uint64_t epoch, seq, request;
    uint32_t request_leads;
    uint64_t sessions[PEERS], fences[PEERS];
    struct id leads[PEERS];
};

const struct policy *small_cell_policy(void)
{
    static struct policy *policy;
    struct buf findings = {0};
    if (policy == NULL) {
        policy = calloc(1, sizeof *policy);
        assert(policy);
        int failed = policy_parse(policy_text, strlen(policy_text), "small", policy, &findings);
        assert(!failed);
        buf_fini(&findings);
    }
    return policy;
}

struct small_cell *small_cell_new(void)
{
    static struct wire *in, *out; /* kept: they are large, and each input must find them as good as new */
    struct small_cell *cell = calloc(1, sizeof *cell);
    assert(cell);
    if (in == NULL) {
        in = wire_new();
        out = wire_new();
    }
    cell->core = core_new(small_cell_policy());
    cell->effects = effects_new();
    cell->wire = in;
    cell->out = out;
    cell->now_us = INT64_C(1700000000) * 1000000;
    core_epoch(cell->core, cell->epoch = 1, cell->now_us, true);
    return cell;
}

void small_cell_destroy(struct small_cell **cell_p)
{
    struct small_cell *cell = *cell_p;
    core_destroy(&cell->core);
    effects_destroy(&cell->effects);
    buf_fini(&cell->log);
    free(cell);
    *cell_p = NULL;
}

struct slice small_cell_log(const struct small_cell *cell)
{
    return slice_of(cell->log.at, cell->log.len);
}

void small_cell_turn(struct buf *turns, unsigned kind, const void *bytes, size_t len)
{
    assert(len <= UINT16_MAX);
    const uint8_t head[3] = {(uint8_t) kind, (uint8_t) len, (uint8_t) (len >> 8)};
    buf_add(turns, head, sizeof head);
    buf_add(turns, bytes, len);
}

/* ---- out ----------------------------------------------------------------------- */

static void hear(struct small_cell *cell, uint32_t peer, const struct msg *msg)
{
    struct slice frame;
    assert(peer >= 1 && peer <= PEERS);
    bool fits = wire_encode(cell->out, msg, &frame); /* asserts what a decoder would refuse */
    assert(fits);
    if (msg->kind == MSG_WELCOME)
        cell->sessions[peer - 1] = msg->welcome.session;
    if (msg->kind == MSG_AGENT_HEARS && msg->hears.n_offers) {
        cell->leads[peer - 1] = msg->hears.offers[0].lead;
        cell->fences[peer - 1] = msg->hears.offers[0].fence;
    }
    if (msg->kind == MSG_AGENT_HEARS && msg->hears.n_withdrawals) {
        cell->leads[peer - 1] = msg->hears.withdrawals[0].lead;
        cell->fences[peer - 1] = msg->hears.withdrawals[0].fence;
    }
    if (msg->kind == MSG_REQUEST) {
        cell->request = msg->request.id;
        cell->request_leads = msg->request.n_leads;
    }
}

static void step(struct small_cell *cell, enum event_kind kind, uint32_t peer, const struct msg *msg)
{
    core_step(cell->core, &(struct event){.kind = kind, .now_us = cell->now_us, .peer = peer, .msg = msg},
              cell->effects);
}

/* The end of a beat: the time, one entry, and then what may leave. */
static void beat(struct small_cell *cell)
{
    uint32_t peer;
    struct msg msg;
    bool wants_policy;
    step(cell, EVENT_TIME, 0, NULL);
    while (effects_next_ask(cell->effects, &peer, &msg, &wants_policy))
        hear(cell, peer, &msg);
    core_seal(cell->core, &cell->log);
    while (effects_next_out(cell->effects, &peer, &msg))
        hear(cell, peer, &msg);
    effects_clear(cell->effects);
    assert(core_check(cell->core, NULL) == 0);
}

/* ---- in ------------------------------------------------------------------------- */

static void fit_acts(const struct small_cell *cell, uint32_t peer, struct msg *msg, struct act acts[ACTS_MAX])
{
    memcpy(acts, msg->says.acts, msg->says.n_acts * sizeof *acts);
    for (uint32_t i = 0; i < msg->says.n_acts; i++) {
        acts[i].lead = cell->leads[peer];
        acts[i].fence = cell->fences[peer];
    }
    msg->says.acts = acts;
}

static void frame(struct small_cell *cell, uint32_t peer, bool fitting, const uint8_t *bytes, size_t len)
{
    static struct act acts[ACTS_MAX];
    struct msg msg;
    if (wire_decode(cell->wire, bytes, len, &msg) != REASON_OK ||
        (msg.kind == MSG_HELLO && msg.hello.role != roles[peer]))
        return;
    if (fitting && msg.kind != MSG_HELLO) {
        msg.session = cell->sessions[peer];
        msg.seq = ++cell->seq;
    }
    if (fitting && msg.kind == MSG_AGENT_SAYS && msg.says.n_acts && !id_is_none(cell->leads[peer]))
        fit_acts(cell, peer, &msg, acts);
    if (fitting && msg.kind == MSG_DECISION) {
        msg.decision.id = cell->request;
        if (msg.decision.n_verdicts > cell->request_leads)
            msg.decision.n_verdicts = cell->request_leads;
    }
    step(cell, EVENT_MESSAGE, peer + 1, &msg);
}

static void apply_all(struct core *core, struct slice body)
{
    struct row_ref row;
    uint32_t at = 0;
    int got;
    while ((got = row_next(body, &at, &row)) == 1) {
        bool applied = core_apply(core, &row);
        assert(applied);
    }
    assert(got == 0);
    bool loaded = core_loaded(core);
    assert(loaded);
}

/* What was sealed is all there is to know: a core made of it says the same. */
static void anew(struct small_cell *cell)
{
    struct buf before = {0}, after = {0};
    struct core *core = core_new(small_cell_policy());
    core_dump(cell->core, &before);
    apply_all(core, small_cell_log(cell));
    core_dump(core, &after);
    assert(before.len == after.len && (before.len == 0 || memcmp(before.at, after.at, before.len) == 0));
    core_destroy(&cell->core);
    cell->core = core;
    core_epoch(core, ++cell->epoch, cell->now_us, true);
    buf_fini(&before);
    buf_fini(&after);
}

void small_cell_play(struct small_cell *cell, const uint8_t *turns, size_t len)
{
    const uint8_t *at = turns, *end = turns + len;
    for (int n = 0; n < TURNS_MAX && end - at >= 3 && cell->log.len < LOG_MAX; n++) {
        const unsigned kind = at[0], peer = kind & 7;
        size_t size = at[1] | (size_t) at[2] << 8;
        uint32_t wait_ms = 0;
        at += 3;
        if (size > (size_t) (end - at))
            size = (size_t) (end - at);
        switch (kind & SMALL_ANEW) {
        case SMALL_FRAME:
            frame(cell, peer, kind & SMALL_FITTING, at, size);
            break;
        case SMALL_WAIT:
            memcpy(&wait_ms, at, size < sizeof wait_ms ? size : sizeof wait_ms);
            cell->now_us += (int64_t) (wait_ms % WAIT_MAX_MS) * 1000;
            break;
        case SMALL_GONE:
            step(cell, EVENT_PEER_GONE, peer + 1, NULL);
            break;
        default:
            anew(cell);
        }
        beat(cell);
        at += size;
    }
}
