/* SPDX-License-Identifier: Apache-2.0
 * bench_aside.c - what it costs that many leads wait which few may have: LEADS of one
 * state in a programme that asks for a licence, AGENTS who are licensed for another
 * and ask again and again, in the core alone, as in bench_core.c.
 *
 *   bench_aside nobody|one AGENTS LEADS READIES
 *
 * nobody: no agent is licensed for them, and each `ready` is answered that there is
 * nothing. one: one agent is, asks, gets one and ends it, while the others wait on
 * for what they may have. Prints one JSON object: CPU of a `ready`. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/core.h"
#include "core/lead_states.h"
#include "policy/policy_yaml.h"

enum { PEER_SOURCE = 1, PEER_AGENTS = 2, CHUNK_ROWS = 250 };

struct hand {
    uint64_t session, seq, fence;
    struct id lead; /* none: it has none */
};

struct bench {
    struct core *core;
    struct effects *effects;
    struct buf body;
    struct hand *hands;
    uint64_t source_session, ops, given, refused;
    int64_t now_us;
};

static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void read_policy(struct policy *ret)
{
    static const char yaml[] = "programmes:\n"
                               "- name: bench\n"
                               "  mode: pull\n"
                               "  note_required: false\n"
                               "  timers: {unclaimed: 1d, ready: 1h, first_action: 1d}\n"
                               "  teams: [all]\n"
                               "  licence: state\n"
                               "  agents:\n"
                               "  - {name: agent-0, licences: [CA]}\n"
                               "  - {name: agent-1, licences: [AZ]}\n";
    struct buf lines = {0};
    if (policy_parse(yaml, sizeof yaml - 1, "bench", ret, &lines) != 0) {
        fprintf(stderr, "%.*s", (int) lines.len, (const char *) lines.at);
        exit(1);
    }
    buf_fini(&lines);
}

static void hear(struct bench *bench, uint32_t peer, const struct msg *msg)
{
    struct hand *hand = peer >= PEER_AGENTS ? &bench->hands[peer - PEER_AGENTS] : NULL;
    if (msg->kind == MSG_WELCOME)
        *(hand ? &hand->session : &bench->source_session) = msg->welcome.session;
    if (msg->kind != MSG_AGENT_HEARS || !hand)
        return;
    for (uint32_t i = 0; i < msg->hears.n_offers; i++) {
        hand->lead = msg->hears.offers[i].lead;
        hand->fence = msg->hears.offers[i].fence;
        bench->given++;
    }
    bench->refused += msg->hears.has_ready && msg->hears.ready.reason == REASON_NO_LEAD;
}

static void step(struct bench *bench, uint32_t peer, const struct msg *msg)
{
    core_step(
        bench->core,
        &(struct event){.kind = msg ? EVENT_MESSAGE : EVENT_TIME, .now_us = bench->now_us, .peer = peer, .msg = msg},
        bench->effects);
}

static void end_beat(struct bench *bench)
{
    struct msg msg;
    uint32_t peer;
    step(bench, 0, NULL);
    bench->body.len = 0;
    core_seal(bench->core, &bench->body);
    while (effects_next_out(bench->effects, &peer, &msg))
        hear(bench, peer, &msg);
    effects_clear(bench->effects);
    bench->now_us += 100;
}

static void hello(struct bench *bench, uint32_t peer, enum role role, const char *name)
{
    step(bench, peer,
         &(struct msg){.kind = MSG_HELLO,
                       .seq = 1,
                       .hello = {.protocol = PROTOCOL_VERSION,
                                 .role = role,
                                 .name = slice_of(name, strlen(name)),
                                 .intent = role == ROLE_AGENT ? INTENT_ON_DEMAND : 0}});
}

static void take_in(struct bench *bench, uint32_t leads)
{
    static const char state[] = "state";
    struct attribute attribute = {.name = slice_of(state, 5), .text = slice_of("CA", 2)};
    struct row rows[CHUNK_ROWS];
    for (uint32_t at = 0; at < leads; at += CHUNK_ROWS) {
        for (uint32_t i = 0; i < CHUNK_ROWS; i++)
            rows[i] = (struct row){.lead = {at + i + 1, at + i + 1},
                                   .raw = slice_of("row", 3),
                                   .name = slice_of("Ada", 3),
                                   .attributes = &attribute,
                                   .n_attributes = 1};
        step(bench, PEER_SOURCE,
             &(struct msg){
                 .kind = MSG_CHUNK,
                 .session = bench->source_session,
                 .seq = at + 2,
                 .chunk = {.op = {1, at + 1}, .source = slice_of("bench", 5), .rows = rows, .n_rows = CHUNK_ROWS}});
        end_beat(bench);
    }
}

static void say(struct bench *bench, uint32_t agent, struct msg_agent_says says)
{
    struct hand *hand = &bench->hands[agent];
    step(bench, PEER_AGENTS + agent,
         &(struct msg){.kind = MSG_AGENT_SAYS, .session = hand->session, .seq = ++hand->seq + 1, .says = says});
}

static void ready(struct bench *bench, uint32_t agent, uint32_t wait_ms)
{
    say(bench, agent,
        (struct msg_agent_says){.has_ready = true, .ready_op = {2, ++bench->ops}, .ready_wait_ms = wait_ms});
    end_beat(bench);
}

static void finish(struct bench *bench, uint32_t agent)
{
    static const unsigned verbs[] = {VERB_ACTION, VERB_ATTEMPT_END, VERB_DISPOSITION};
    struct hand *hand = &bench->hands[agent];
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs && !id_is_none(hand->lead); i++) {
        const struct act act = {.op = {3, ++bench->ops},
                                .verb = verbs[i],
                                .lead = hand->lead,
                                .fence = hand->fence,
                                .code = verbs[i] == VERB_DISPOSITION ? DISPOSITION_NOT_INTERESTED : 0};
        say(bench, agent, (struct msg_agent_says){.acts = &act, .n_acts = 1});
    }
    hand->lead = (struct id){0};
    end_beat(bench);
}

int main(int argc, char **argv)
{
    struct bench bench = {.now_us = INT64_C(1700000000000000), .effects = effects_new()};
    struct policy *policy = malloc(sizeof *policy);
    uint32_t numbers[3] = {0};
    for (int i = 2; i < argc && i < 5; i++)
        numbers[i - 2] = (uint32_t) strtoul(argv[i], NULL, 10);
    const bool one = argc == 5 && strcmp(argv[1], "one") == 0;
    if (argc != 5 || (!one && strcmp(argv[1], "nobody") != 0) || numbers[0] < 2 || numbers[2] == 0 || !policy) {
        fputs("usage: bench_aside nobody|one AGENTS LEADS READIES\n", stderr);
        return 2;
    }
    read_policy(policy);
    bench.core = core_new(policy);
    bench.hands = calloc(numbers[0], sizeof *bench.hands);
    core_epoch(bench.core, 1, bench.now_us, true);
    hello(&bench, PEER_SOURCE, ROLE_SOURCE, "bench");
    for (uint32_t i = one ? 0 : 1; i < numbers[0]; i++) {
        char name[24];
        snprintf(name, sizeof name, "agent-%" PRIu32, i);
        hello(&bench, PEER_AGENTS + i, ROLE_AGENT, name);
    }
    end_beat(&bench);
    for (uint32_t i = 1; one && i < numbers[0]; i++)
        ready(&bench, i, 3600 * 1000);
    take_in(&bench, numbers[1]);
    for (uint32_t i = 1; !one && i < numbers[0]; i++)
        ready(&bench, i, 0);
    bench.given = bench.refused = 0;
    const int64_t begun_ns = cpu_ns();
    for (uint32_t i = 0; i < numbers[2]; i++) {
        const uint32_t agent = one ? 0 : 1 + i % (numbers[0] - 1);
        ready(&bench, agent, 0);
        if (one)
            finish(&bench, agent);
    }
    printf("{\"mode\":\"%s\",\"agents\":%u,\"leads\":%u,\"given\":%" PRIu64 ",\"refused\":%" PRIu64
           ",\"ready_us\":%.3f}\n",
           argv[1], numbers[0], numbers[1], bench.given, bench.refused,
           (double) (cpu_ns() - begun_ns) / 1e3 / numbers[2]);
    core_destroy(&bench.core);
    effects_destroy(&bench.effects);
    buf_fini(&bench.body);
    free(bench.hands);
    free(policy);
    return 0;
}
