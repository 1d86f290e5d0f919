/* SPDX-License-Identifier: Apache-2.0
 * bench_core.c - what the rules cost: the core alone, fed by hand, with no
 * socket, no frame and no Redis. Beats are as the broker makes them: messages,
 * EVENT_TIME, scoring requests answered at once, everything sealed, everything
 * read out. Time is made up, CPU is measured.
 *
 *   life AGENTS LIVE STEPS   LIVE leads always open, half of them in hands; each
 *                            step moves one: accept, action, end of the attempt,
 *                            disposition; a chunk replaces what was closed
 *   import AGENTS LEADS      chunks of 256, decided by the real scorer, accepted
 *
 * Prints one JSON object. "core" counts core_step(), core_seal() and the reading
 * of effects, and nothing that this program does to make the messages. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/core.h"
#include "core/lead_states.h"
#include "worker/score.h"

enum {
    PEER_SOURCE = 1,
    PEER_WORKER,
    PEER_AGENTS,
    AGENTS_MAX = 20000,
    BEAT_STEPS = 256, /* as many as the broker takes of a role */
    BEAT_US = 3200,   /* 256 leads at 80,000 a second */
    RAW_BYTES = 290,
    ACTS_OF_A_LEAD = 4, /* and as many heartbeats as acts / HEARTBEAT_EACH */
    HEARTBEAT_EACH = 4,
    ATTRIBUTES = 4,
};

struct held {
    struct id lead;
    uint64_t fence;
    unsigned state;
};

struct hand { /* of an agent: a queue, oldest first */
    uint64_t session, seq;
    struct held *held;
    uint32_t n, at, room;
    int64_t heartbeat_us;
};

struct bench {
    struct policy policy;
    struct core *core;
    struct effects *effects;
    struct buf body;
    struct scorer *scorer;
    struct hand *hands;
    uint32_t n_agents, numbers, chunks;
    uint64_t source_session, worker_session, worker_seq, ops;
    int64_t now_us, core_ns, worker_ns;
    uint64_t steps, sealed_bytes, offers, closed, accepted;
    uint64_t acts, heartbeats, decisions, times;
};

static void fail(const char *what)
{
    fprintf(stderr, "bench_core: %s\n", what);
    exit(1);
}

static int64_t cpu_ns(void)
{
    struct timespec at;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (int64_t) at.tv_sec * 1000000000 + at.tv_nsec;
}

static void step(struct bench *bench, enum event_kind kind, uint32_t peer, const struct msg *msg)
{
    core_step(bench->core, &(struct event){.kind = kind, .now_us = bench->now_us, .peer = peer, .msg = msg},
              bench->effects);
    bench->steps++;
}

/* ---- what comes out ------------------------------------------------------------------ */

static void hold(struct hand *hand, const struct offer *offer)
{
    if (hand->n == hand->room) {
        if (hand->at > 0) { /* what was closed made room at the front */
            memmove(hand->held, hand->held + hand->at, (hand->n - hand->at) * sizeof *hand->held);
            hand->n -= hand->at;
            hand->at = 0;
        }
        hand->room = hand->room > 0 ? 2 * hand->room : 8;
        hand->held = reallocarray(hand->held, hand->room, sizeof *hand->held);
        if (hand->held == NULL)
            fail("no memory");
    }
    hand->held[hand->n++] = (struct held){offer->lead, offer->fence, offer->state};
}

static void hear(struct bench *bench, uint32_t peer, const struct msg *msg)
{
    if (msg->kind == MSG_ERROR)
        fail("a peer was refused");
    if (msg->kind == MSG_RECEIPT && msg->receipt.reason != REASON_OK)
        fail("a chunk was refused");
    if (msg->kind == MSG_WELCOME) {
        *(peer == PEER_SOURCE   ? &bench->source_session
          : peer == PEER_WORKER ? &bench->worker_session
                                : &bench->hands[peer - PEER_AGENTS].session) = msg->welcome.session;
    }
    if (msg->kind != MSG_AGENT_HEARS)
        return;
    for (uint32_t i = 0; i < msg->hears.n_results; i++)
        if (msg->hears.results[i].reason != REASON_OK)
            fail("an act was refused");
    for (uint32_t i = 0; i < msg->hears.n_offers; i++)
        hold(&bench->hands[peer - PEER_AGENTS], &msg->hears.offers[i]);
    bench->offers += msg->hears.n_offers;
}

/* ---- a beat ------------------------------------------------------------------------------ */

static void answer_requests(struct bench *bench)
{
    struct msg request, answer = {.kind = MSG_DECISION, .session = bench->worker_session};
    uint32_t peer;
    bool wants_policy;

    while (effects_next_ask(bench->effects, &peer, &request, &wants_policy)) {
        const int64_t start_ns = cpu_ns();
        score_request(bench->scorer, &bench->policy.programmes[0].scoring, &request.request, &answer.decision);
        answer.seq = ++bench->worker_seq;
        const int64_t end_ns = cpu_ns();
        bench->worker_ns += end_ns - start_ns;
        step(bench, EVENT_MESSAGE, peer, &answer);
        bench->decisions++;
        bench->core_ns += cpu_ns() - end_ns;
    }
}

/* Its messages are in already: allocate, decide, seal, read out. */
static void end_beat(struct bench *bench)
{
    struct msg msg;
    uint32_t peer;
    int64_t start_ns = cpu_ns();

    step(bench, EVENT_TIME, 0, NULL);
    bench->times++;
    bench->core_ns += cpu_ns() - start_ns;
    answer_requests(bench);
    start_ns = cpu_ns();
    bench->body.len = 0;
    core_seal(bench->core, &bench->body);
    while (effects_next_out(bench->effects, &peer, &msg))
        hear(bench, peer, &msg);
    effects_clear(bench->effects);
    bench->core_ns += cpu_ns() - start_ns;
    bench->sealed_bytes += bench->body.len;
    bench->now_us += BEAT_US;
}

/* ---- what goes in ---------------------------------------------------------------------------- */

static struct slice slice_of_text(const char *text)
{
    return slice_of(text, strlen(text));
}

static void send_chunk(struct bench *bench, uint32_t n)
{
    static uint8_t raw[CHUNK_ROWS_MAX][RAW_BYTES];
    static struct row rows[CHUNK_ROWS_MAX];
    static struct attribute attributes[ATTRIBUTES];
    static const char *const names[ATTRIBUTES] = {"state", "product", "zip", "amount"};

    for (uint32_t i = 0; i < ATTRIBUTES; i++)
        attributes[i] = (struct attribute){.name = slice_of_text(names[i]), .number = 150000};
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t number = ++bench->numbers;
        rows[i] = (struct row){.raw = slice_of(raw[i], RAW_BYTES),
                               .lead = {UINT64_C(0x9E3779B97F4A7C15) * number, number},
                               .name = slice_of_text("Ada Morgan"),
                               .phone = slice_of_text("+13035550143"),
                               .attributes = attributes,
                               .n_attributes = ATTRIBUTES};
    }
    const struct msg msg = {
        .kind = MSG_CHUNK,
        .session = bench->source_session,
        .seq = ++bench->chunks,
        .chunk = {.op = {1, bench->chunks}, .source = slice_of_text("bench"), .rows = rows, .n_rows = n}};
    const int64_t start_ns = cpu_ns();
    step(bench, EVENT_MESSAGE, PEER_SOURCE, &msg);
    bench->core_ns += cpu_ns() - start_ns;
}

/* What an agent does next with a lead it holds. */
static struct act next_act(struct bench *bench, const struct held *held)
{
    struct act act = {.op = {2, ++bench->ops}, .lead = held->lead, .fence = held->fence};

    act.verb = held->state == LEAD_OFFERED   ? VERB_ACCEPT
               : held->state == LEAD_OWNED   ? VERB_ACTION
               : held->state == LEAD_WORKING ? VERB_ATTEMPT_END
                                             : VERB_DISPOSITION;
    if (act.verb == VERB_DISPOSITION)
        act.code = DISPOSITION_NOT_INTERESTED;
    return act;
}

static void say(struct bench *bench, uint32_t agent, const struct act *acts, uint32_t n, struct msg *ret)
{
    struct hand *hand = &bench->hands[agent];

    *ret = (struct msg){.session = hand->session, .seq = ++hand->seq, .kind = n > 0 ? MSG_AGENT_SAYS : MSG_HEARTBEAT};
    ret->says.acts = acts;
    ret->says.n_acts = n;
    bench->acts += n;
    bench->heartbeats += n == 0;
}

/* One act a frame, agents in turn, each its oldest lead that is not finished. */
static void work(struct bench *bench, uint32_t *turn)
{
    static struct act acts[BEAT_STEPS];
    static struct msg msgs[BEAT_STEPS];
    static uint32_t peers[BEAT_STEPS];
    uint32_t n = 0;

    for (uint32_t tried = 0; n < BEAT_STEPS && tried < bench->n_agents; tried++) {
        const uint32_t agent = (*turn)++ % bench->n_agents;
        struct hand *hand = &bench->hands[agent];
        const bool rests = (*turn / bench->n_agents) % (HEARTBEAT_EACH + 1) == agent % (HEARTBEAT_EACH + 1);
        peers[n] = PEER_AGENTS + agent;
        if (rests) {
            say(bench, agent, NULL, 0, &msgs[n++]);
        } else if (hand->at < hand->n) {
            struct held *held = &hand->held[hand->at];
            acts[n] = next_act(bench, held);
            say(bench, agent, &acts[n], 1, &msgs[n]);
            held->state++; /* OFFERED, OWNED, WORKING, WRAP_UP follow each other */
            if (acts[n++].verb == VERB_DISPOSITION) {
                hand->at++;
                bench->closed++;
            }
        }
    }
    const int64_t start_ns = cpu_ns();
    for (uint32_t i = 0; i < n; i++)
        step(bench, EVENT_MESSAGE, peers[i], &msgs[i]);
    bench->core_ns += cpu_ns() - start_ns;
}

/* Each agent takes what it was offered, in one frame; those who were silent for long say that they live. */
static void accept_all(struct bench *bench)
{
    static struct act acts[ACTS_MAX];
    struct msg msg;

    for (uint32_t agent = 0; agent < bench->n_agents; agent++) {
        struct hand *hand = &bench->hands[agent];
        uint32_t n = 0;
        for (; hand->at < hand->n && n < ACTS_MAX; hand->at++)
            acts[n++] = next_act(bench, &hand->held[hand->at]);
        if (n == 0 && bench->now_us - hand->heartbeat_us < bench->policy.heartbeat_ms * 1000)
            continue;
        hand->heartbeat_us = bench->now_us;
        say(bench, agent, acts, n, &msg);
        const int64_t start_ns = cpu_ns();
        step(bench, EVENT_MESSAGE, PEER_AGENTS + agent, &msg);
        bench->core_ns += cpu_ns() - start_ns;
        bench->accepted += n;
    }
}

/* ---- the house ----------------------------------------------------------------------------------- */

static void make_policy(struct policy *policy, uint32_t wip)
{
    const int64_t day_ms = 24 * 3600 * 1000;

    *policy = (struct policy){.version = 1,
                              .cell = "bench",
                              .heartbeat_ms = 5000,
                              .lease_ms = 20000,
                              .guard_ms = 2000,
                              .orphan_grace_ms = 60000,
                              .scorer_deadline_ms = 1000,
                              .waiting_max = 10000000,
                              .agents_max = AGENTS_MAX,
                              .n_programmes = 1,
                              .n_teams = 1,
                              .n_sources = 1,
                              .programmes = {{.name = "import",
                                              .mode = MODE_PUSH,
                                              .strategy = STRATEGY_BEST_SCORE,
                                              .widen = WIDEN_PROGRAMME,
                                              .wip_max = wip,
                                              .untouched_max = wip,
                                              .attempts_max = 7,
                                              .distributions_max = 3,
                                              .misses_max = 3,
                                              .offer_ms = day_ms,
                                              .first_action_ms = day_ms,
                                              .activity_ms = day_ms,
                                              .disposition_ms = day_ms,
                                              .disposition_hard_ms = day_ms,
                                              .unclaimed_ms = day_ms,
                                              .pipeline_grace_ms = day_ms,
                                              .ready_ms = day_ms,
                                              .scoring = {.base_permille = 400,
                                                          .load_permille = 1,
                                                          .performance_permille = 200,
                                                          .value_cents = 25000,
                                                          .half_life_ms = day_ms}}},
                              .teams = {{.name = "bench"}},
                              .sources = {{.name = "bench"}}};
    const char key[] = "amount";
    policy->programmes[0].scoring.n_weights = 1;
    policy->programmes[0].scoring.weights[0] = (struct weight){.key = feature_key(key, sizeof key - 1),
                                                               .kind = WEIGHT_RANGE,
                                                               .from = 100000,
                                                               .to = 250000,
                                                               .add_permille = 25};
}

static void hello(struct bench *bench, uint32_t peer, enum role role, const char *name)
{
    const struct msg msg = {.kind = MSG_HELLO,
                            .seq = 1,
                            .hello = {.protocol = PROTOCOL_VERSION,
                                      .role = role,
                                      .name = slice_of_text(name),
                                      .team = slice_of_text(role == ROLE_AGENT ? "bench" : ""),
                                      .intent = INTENT_AVAILABLE,
                                      .capacity = role == ROLE_WORKER ? 16 : 0}};
    step(bench, EVENT_MESSAGE, peer, &msg);
}

static void open_bench(struct bench *bench, uint32_t agents, uint32_t wip)
{
    char name[24];

    bench->n_agents = agents;
    bench->hands = calloc(agents, sizeof *bench->hands);
    bench->scorer = scorer_new();
    make_policy(&bench->policy, wip);
    bench->core = core_new(&bench->policy);
    bench->effects = effects_new();
    bench->now_us = INT64_C(1700000000000000);
    core_epoch(bench->core, 1, bench->now_us, true);
    hello(bench, PEER_SOURCE, ROLE_SOURCE, "bench-source");
    hello(bench, PEER_WORKER, ROLE_WORKER, "bench-worker");
    for (uint32_t i = 0; i < agents; i++) {
        snprintf(name, sizeof name, "bench-agent-%" PRIu32, i);
        hello(bench, PEER_AGENTS + i, ROLE_AGENT, name);
        bench->hands[i].heartbeat_us = bench->now_us;
    }
    end_beat(bench);
    step(bench, EVENT_MESSAGE, PEER_WORKER,
         &(struct msg){.kind = MSG_HEARTBEAT, .session = bench->worker_session, .seq = ++bench->worker_seq});
    end_beat(bench);
}

static void close_bench(struct bench *bench)
{
    if (core_check(bench->core, NULL) > 0)
        fail("the core's invariants do not hold");
    core_destroy(&bench->core);
    effects_destroy(&bench->effects);
    scorer_destroy(&bench->scorer);
    buf_fini(&bench->body);
    for (uint32_t i = 0; i < bench->n_agents; i++)
        free(bench->hands[i].held);
    free(bench->hands);
}

static void forget_counts(struct bench *bench)
{
    bench->core_ns = bench->worker_ns = 0;
    bench->steps = bench->sealed_bytes = bench->offers = bench->closed = bench->accepted = 0;
    bench->acts = bench->heartbeats = bench->decisions = bench->times = 0;
    bench->chunks = 0;
}

static void keep_worker(struct bench *bench)
{
    const struct msg msg = {.kind = MSG_HEARTBEAT, .session = bench->worker_session, .seq = ++bench->worker_seq};

    step(bench, EVENT_MESSAGE, PEER_WORKER, &msg);
}

static void print(const struct bench *bench, const char *mode, uint64_t leads)
{
    struct core_levels levels;

    core_levels(bench->core, &levels);
    printf("{\"mode\":\"%s\",\"agents\":%" PRIu32 ",\"finished\":%" PRIu64 ",\"live\":%" PRIu64 ",\"waiting\":%" PRIu64
           ",\"steps\":%" PRIu64 ",\"steps_per_s\":%.0f,\"core_us_per_lead\":%.3f,\"worker_us_per_lead\":%.3f"
           ",\"sealed_bytes_per_lead\":%.0f",
           mode, bench->n_agents, leads, levels.leads - levels.terminal, levels.waiting, bench->steps,
           (double) bench->steps * 1e9 / (double) bench->core_ns, (double) bench->core_ns / 1e3 / (double) leads,
           (double) bench->worker_ns / 1e3 / (double) leads, (double) bench->sealed_bytes / (double) leads);
    printf(",\"mix\":{\"acts\":%" PRIu64 ",\"heartbeats\":%" PRIu64 ",\"chunks\":%" PRIu32 ",\"decisions\":%" PRIu64
           ",\"times\":%" PRIu64 "}}\n",
           bench->acts, bench->heartbeats, bench->chunks, bench->decisions, bench->times);
}

/* ---- the two mixes ------------------------------------------------------------------------------------ */

static void run_life(struct bench *bench, uint32_t agents, uint32_t live, uint32_t steps)
{
    uint32_t turn = 0;
    uint64_t replaced = 0;

    open_bench(bench, agents, live / 2 / agents);
    for (uint32_t sent = 0; sent < live; sent += CHUNK_ROWS_MAX) {
        send_chunk(bench, live - sent < CHUNK_ROWS_MAX ? live - sent : CHUNK_ROWS_MAX);
        end_beat(bench);
    }
    for (bool counted = false; bench->steps < steps || !counted;) {
        if (!counted && bench->closed > live / 20) { /* warm: hands hold leads of every state */
            forget_counts(bench);
            replaced = 0;
            counted = true;
        }
        work(bench, &turn);
        keep_worker(bench);
        for (; bench->closed - replaced >= CHUNK_ROWS_MAX; replaced += CHUNK_ROWS_MAX)
            send_chunk(bench, CHUNK_ROWS_MAX);
        end_beat(bench);
    }
    print(bench, "life", bench->closed);
}

static void run_import(struct bench *bench, uint32_t agents, uint32_t leads)
{
    open_bench(bench, agents, 20000);
    for (uint32_t sent = 0; sent < 2 * leads; sent += CHUNK_ROWS_MAX) { /* the first half warms up */
        if (sent >= leads && sent < leads + CHUNK_ROWS_MAX)
            forget_counts(bench);
        send_chunk(bench, CHUNK_ROWS_MAX);
        keep_worker(bench);
        end_beat(bench);
        accept_all(bench);
    }
    print(bench, "import", bench->accepted);
}

int main(int argc, char **argv)
{
    static struct bench bench;
    uint32_t numbers[3] = {0};

    for (int i = 2; i < argc && i < 5; i++)
        numbers[i - 2] = (uint32_t) strtoul(argv[i], NULL, 10);
    const bool sound = numbers[0] > 0 && numbers[0] <= AGENTS_MAX && numbers[1] > 0;
    if (argc == 5 && sound && strcmp(argv[1], "life") == 0 && numbers[1] / 2 >= numbers[0] && numbers[2] > 0) {
        run_life(&bench, numbers[0], numbers[1], numbers[2]);
    } else if (argc == 4 && sound && strcmp(argv[1], "import") == 0) {
        run_import(&bench, numbers[0], numbers[1]);
    } else {
        fputs("usage: bench_core life AGENTS LIVE STEPS | import AGENTS LEADS\n", stderr);
        return 2;
    }
    close_bench(&bench);
    return 0;
}
