/* SPDX-License-Identifier: Apache-2.0
 * bench_rules.c - what routing costs: a policy of RULES rules of five kinds, and
 * LEADS leads that go through intake, in the core alone, as in bench_core.c. Each
 * lead has the attributes that all kinds test, and half of the leads match a rule.
 *
 *   bench_rules RULES LEADS
 *
 * Prints one JSON object: the CPU of intake and placing a lead, that of the look-up
 * within it, and how long the policy took to be read, judged and compiled. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/core.h"
#include "core/routes.h"
#include "policy/policy_yaml.h"

enum { PEER_SOURCE = 1, TEAMS = 1000, KINDS = 5, ATTRIBUTES = 6, CHUNK_ROWS = 250 };

struct text {
    char of[ATTRIBUTES][24];
};

static int64_t cpu_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void write_rule(struct buf *yaml, uint32_t i)
{
    static const char *const kinds[KINDS] = {"zip: \"%05u\"", "zip: \"%04u*\", product: p%u",
                                             "state: s%u, source: bench", "area_code: %u, product: p%u",
                                             "campaign: c%u, budget: {from: %u, to: %u}"};
    const uint32_t n = i / KINDS;
    char when[80];
    switch (i % KINDS) {
    case 0:
        snprintf(when, sizeof when, kinds[0], n * 7);
        break;
    case 2:
        snprintf(when, sizeof when, kinds[2], n);
        break;
    case 4:
        snprintf(when, sizeof when, kinds[4], n / 20, n % 20 * 100, n % 20 * 100 + 100);
        break;
    default:
        snprintf(when, sizeof when, kinds[i % KINDS], n, n % 3);
    }
    buf_printf(yaml, "  - {when: {%s}, to: t%u}\n", when, i % TEAMS);
}

static void read_policy(uint32_t rules, struct policy *ret)
{
    struct buf yaml = {0}, lines = {0};
    buf_printf(&yaml, "programmes:\n- name: bench\n  timers: {unclaimed: 1d}\n  teams: [");
    for (uint32_t i = 0; i < TEAMS; i++)
        buf_printf(&yaml, "t%u,%s", i, i % 100 ? "" : "\n    ");
    buf_printf(&yaml, "]\n  routes:\n");
    for (uint32_t i = 0; i < rules; i++)
        write_rule(&yaml, i);
    if (policy_parse((const char *) yaml.at, yaml.len, "bench", ret, &lines) != 0) {
        fprintf(stderr, "%.*s", (int) lines.len, (const char *) lines.at);
        exit(1);
    }
    buf_fini(&yaml);
    buf_fini(&lines);
}

/* What its kind of rule wants, of a rule that is there or of one that is not; the rest matches nothing. */
static void make_lead(uint32_t i, uint32_t rules, struct text *text, struct attribute *ret)
{
    static const char *const names[ATTRIBUTES] = {"zip", "product", "state", "area_code", "campaign", "budget"};
    const uint32_t rule = (uint32_t) ((uint64_t) i * 2654435761u % rules), n = rule / KINDS, kind = rule % KINDS;
    const bool match = i % 2;
    snprintf(text->of[0], 24,
             kind == 0 && match   ? "%05u"
             : kind == 1 && match ? "%04u9"
                                  : "x%u",
             kind == 0 ? n * 7 : n);
    snprintf(text->of[1], 24, "p%u", n % 3);
    snprintf(text->of[2], 24, kind == 2 && match ? "s%u" : "none%u", n);
    snprintf(text->of[3], 24, kind == 3 && match ? "%u" : "1%09u", n);
    snprintf(text->of[4], 24, kind == 4 && match ? "c%u" : "none%u", n / 20);
    snprintf(text->of[5], 24, "%u", n % 20 * 100 + 50);
    for (int a = 0; a < ATTRIBUTES; a++)
        ret[a] = (struct attribute){.name = slice_of(names[a], strlen(names[a])),
                                    .text = slice_of(text->of[a], strlen(text->of[a]))};
}

static void step(struct core *core, struct effects *effects, const struct msg *msg)
{
    core_step(core,
              &(struct event){.kind = msg ? EVENT_MESSAGE : EVENT_TIME,
                              .now_us = INT64_C(1700000000000000),
                              .peer = PEER_SOURCE,
                              .msg = msg},
              effects);
}

static int64_t take_in(struct core *core, uint32_t rules, uint32_t leads)
{
    static struct attribute attributes[CHUNK_ROWS][ATTRIBUTES];
    static struct text texts[CHUNK_ROWS];
    struct row rows[CHUNK_ROWS];
    struct effects *effects = effects_new();
    struct buf body = {0};
    uint32_t peer;
    int64_t spent = 0;
    struct msg out = {0};
    step(core, effects,
         &(struct msg){.kind = MSG_HELLO,
                       .seq = 1,
                       .hello = {.protocol = PROTOCOL_VERSION, .role = ROLE_SOURCE, .name = slice_of("bench", 5)}});
    effects_next_out(effects, &peer, &out);
    const uint64_t session = out.welcome.session;
    for (uint32_t at = 0; at < leads; at += CHUNK_ROWS) {
        for (uint32_t i = 0; i < CHUNK_ROWS; i++) {
            make_lead(at + i, rules, &texts[i], attributes[i]);
            rows[i] = (struct row){.lead = {at + i + 1, at + i + 1},
                                   .raw = slice_of("row", 3),
                                   .name = slice_of("Ada", 3),
                                   .attributes = attributes[i],
                                   .n_attributes = ATTRIBUTES};
        }
        const struct msg chunk = {
            .kind = MSG_CHUNK,
            .session = session,
            .seq = at + 2,
            .chunk = {.op = {1, at + 1}, .source = slice_of("bench", 5), .rows = rows, .n_rows = CHUNK_ROWS}};
        const int64_t begun = cpu_ns();
        step(core, effects, &chunk);
        spent += at > leads / 10 ? cpu_ns() - begun : 0; /* the first ones warm it */
        step(core, effects, NULL);
        body.len = 0;
        core_seal(core, &body);
        effects_clear(effects);
    }
    buf_fini(&body);
    effects_destroy(&effects);
    return spent;
}

static int64_t look_up(const struct policy *policy, uint32_t rules, uint32_t leads, uint32_t *ret_matched)
{
    struct routes *routes = routes_new(policy);
    struct attribute attributes[ATTRIBUTES];
    struct text text;
    const uint32_t kept = leads < 10000 ? leads : 10000;
    enum { FACTS = ATTRIBUTES + 1 }; /* and the source */
    struct feature *features = calloc((size_t) kept * FACTS, sizeof *features);
    if (!features)
        abort();
    for (uint32_t i = 0; i < kept; i++) {
        struct feature *own = features + (size_t) i * FACTS;
        make_lead(i, rules, &text, attributes);
        own[0] = (struct feature){feature_key("source", 6), feature_text("bench", 5)};
        for (int a = 0; a < ATTRIBUTES; a++)
            own[1 + a] = (struct feature){feature_key(attributes[a].name.at, attributes[a].name.len),
                                          feature_of(&attributes[a])};
    }
    *ret_matched = 0;
    const int64_t begun = cpu_ns();
    for (uint32_t i = 0; i < leads; i++) {
        const struct facts facts = {features + (size_t) (i % kept) * FACTS, FACTS};
        *ret_matched += routes_find(routes, 0, ROUTES_FIRST, &facts) != ROUTE_NONE;
    }
    const int64_t spent = cpu_ns() - begun;
    free(features);
    routes_destroy(&routes);
    return spent;
}

int main(int argc, char **argv)
{
    const uint32_t rules = argc == 3 ? (uint32_t) strtoul(argv[1], NULL, 10) : 0,
                   leads = argc == 3 ? (uint32_t) strtoul(argv[2], NULL, 10) : 0;
    if (rules < KINDS || rules > POLICY_ROUTES_MAX || leads < CHUNK_ROWS) {
        fprintf(stderr, "usage: bench_rules RULES LEADS\n");
        return 2;
    }
    struct policy *policy = malloc(sizeof *policy);
    uint32_t matched;
    if (!policy)
        abort();
    int64_t read_ns = cpu_ns();
    read_policy(rules, policy);
    read_ns = cpu_ns() - read_ns;
    struct core *core = core_new(policy);
    core_epoch(core, 1, INT64_C(1700000000000000), true);
    const double intake_us = (double) take_in(core, rules, leads) / 1e3 / (leads * 0.9);
    const double look_up_us = (double) look_up(policy, rules, leads, &matched) / 1e3 / leads;
    printf("{\"rules\":%u,\"leads\":%u,\"matched\":%u,\"intake_us\":%.3f,\"look_up_us\":%.3f,\"read_ms\":%.1f}\n",
           rules, leads, matched, intake_us, look_up_us, (double) read_ns / 1e6);
    core_destroy(&core);
    free(policy);
    return 0;
}
