/* SPDX-License-Identifier: Apache-2.0
 * test_policy.c - what a missing key means, what each key sets, and that every
 * planted fault is found, named by its place and with what is allowed. */
#include "policy/policy_yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/msg.h"

static const int64_t second = 1000, minute = 60000, hour = 3600000, day = 86400000;

/* The least a policy can be. */
#define LEAST "programmes:\n  - {name: a, teams: [t]}\n"
/* A programme with one more key, and one key more at the top. */
#define WITH(key) "programmes:\n  - {name: a, teams: [t], " key "}\n"
#define TOP(key) LEAST key "\n"

struct parsed {
    struct policy *policy;
    struct buf findings;
    int result;
};

static struct parsed parse(const char *text)
{
    struct parsed parsed = {.policy = malloc(sizeof(struct policy))};
    assert_non_null(parsed.policy);
    memset(parsed.policy, 0xa5, sizeof *parsed.policy);
    parsed.result = policy_parse(text, strlen(text), "p.yaml", parsed.policy, &parsed.findings);
    buf_add(&parsed.findings, "", 1);
    return parsed;
}

static void done(struct parsed *parsed)
{
    free(parsed->policy);
    buf_fini(&parsed->findings);
}

static struct parsed parse_good(const char *text)
{
    struct parsed parsed = parse(text);
    assert_string_equal((const char *) parsed.findings.at, "");
    assert_int_equal(parsed.result, 0);
    return parsed;
}

static void a_missing_key_of_the_cell_has_its_default(void **state)
{
    (void) state;
    struct parsed parsed = parse_good(LEAST);
    const struct policy *p = parsed.policy;
    assert_int_equal(p->version, 1);
    assert_string_equal(p->cell, "main");
    assert_int_equal(p->heartbeat_ms, 5 * second);
    assert_int_equal(p->lease_ms, 20 * second);
    assert_int_equal(p->guard_ms, 2 * second);
    assert_int_equal(p->orphan_grace_ms, 60 * second);
    assert_int_equal(p->scorer_deadline_ms, 20);
    assert_int_equal(p->waiting_max, 1000000);
    assert_int_equal(p->agents_max, 20000);
    assert_int_equal(p->default_programme, 1);
    assert_int_equal(p->n_programmes, 1);
    assert_int_equal(p->n_teams, 1);
    assert_int_equal(p->n_sources, 0);
    done(&parsed);
}

static void check_programme_defaults(const struct programme *p)
{
    assert_int_equal(p->strategy, STRATEGY_BEST_SCORE);
    assert_int_equal(p->widen, WIDEN_PROGRAMME);
    assert_int_equal(p->order.last, ORDER_OLDEST_FIRST);
    assert_int_equal(p->untouched_max, 3);
    assert_int_equal(p->depth_per_agent, 3);
    assert_int_equal(p->attempts_max, 7);
    assert_int_equal(p->attempts_min, 5);
    assert_int_equal(p->distributions_max, 3);
    assert_int_equal(p->misses_max, 3);
    assert_int_equal(p->offer_ms, 20 * second);
    assert_int_equal(p->first_action_ms, 5 * minute);
    assert_int_equal(p->activity_ms, 20 * minute);
    assert_int_equal(p->disposition_ms, 10 * minute);
    assert_int_equal(p->disposition_hard_ms, 2 * hour);
    assert_int_equal(p->unclaimed_ms, 60 * second);
    assert_int_equal(p->pipeline_grace_ms, 30 * minute);
    assert_int_equal(p->ready_ms, 10 * minute);
    assert_int_equal(p->decline_exclusion_ms, 15 * minute);
    assert_int_equal(p->penalty_ms, 10 * second);
    assert_int_equal(p->penalty_max_ms, 60 * second);
    const int64_t gaps[] = {5 * minute, 30 * minute, 4 * hour, day, 3 * day, 7 * day};
    assert_int_equal(p->n_gaps, 6);
    assert_memory_equal(p->gap_ms, gaps, sizeof gaps);
    assert_int_equal(p->scoring.base_permille, 100);
    assert_int_equal(p->scoring.load_permille, 10);
    assert_int_equal(p->scoring.performance_permille, 0);
    assert_int_equal(p->scoring.value_cents, 10000);
    assert_int_equal(p->scoring.half_life_ms, 0);
    assert_int_equal(p->scoring.n_weights, 0);
}

static void a_missing_key_of_a_programme_has_its_default_by_mode(void **state)
{
    (void) state;
    struct parsed parsed = parse_good("programmes:\n"
                                      "  - {name: a, teams: [t]}\n"
                                      "  - {name: b, mode: pull, teams: [u]}\n"
                                      "  - {name: c, mode: push_pull, teams: [v]}\n");
    const struct programme *p = parsed.policy->programmes;
    const struct {
        enum mode mode;
        uint32_t wip_max;
        bool note_required;
    } expected[] = {{MODE_PUSH, 3, false}, {MODE_PULL, 1, true}, {MODE_PUSH_PULL, 3, false}};
    for (int i = 0; i < 3; i++) {
        check_programme_defaults(&p[i]);
        assert_int_equal(p[i].mode, expected[i].mode);
        assert_int_equal(p[i].wip_max, expected[i].wip_max);
        assert_int_equal(p[i].note_required, expected[i].note_required);
        assert_int_equal(parsed.policy->teams[i].programme, i);
    }
    done(&parsed);
}

static void the_defaults_are_a_policy_by_themselves(void **state)
{
    (void) state;
    struct policy *policy = malloc(sizeof *policy);
    assert_non_null(policy);
    policy_defaults(policy);
    assert_int_equal(policy->n_programmes, 1);
    assert_int_equal(policy->n_teams, 1);
    assert_int_equal(policy->default_programme, 1);
    assert_int_equal(policy->heartbeat_ms, 5 * second);
    check_programme_defaults(&policy->programmes[0]);
    free(policy);
}

static const char full[] =
    "version: 1\ncell: east-1\nheartbeat: 1s\nlease: 4s\nguard: 500ms\norphan_grace: 0\nscorer_deadline: 5\n"
    "waiting_max: 99\nagents_max: 12\ndefault_programme: b\n"
    "programmes:\n"
    "  - {name: a, teams: [t1], sources: [s1]}\n"
    "  - name: b\n    mode: pull\n    strategy: joint_optimum\n    teams: [t2, t3]\n    sources: [s2, s3]\n"
    "    widen: cell\n    note_required: false\n    order: newest_first\n    wip_max: 2\n    untouched_max: 4\n"
    "    depth_per_agent: 5\n    attempts_max: 6\n    distributions_max: 8\n    misses_max: 9\n"
    "    timers: {offer: 1s, first_action: 2m, activity: 3h, disposition: 4s, disposition_hard: 5d,\n"
    "             unclaimed: 250ms, pipeline_grace: 6s, ready: 7000}\n"
    "    agents: [{name: ana, weight: 3}, {name: ben}]\n    decline_exclusion: 8s\n    penalty: 9s\n    penalty_max: "
    "10s\n    attempt_gaps: [1s, 2m]\n"
    "    score:\n      base: 11\n      load: 12\n      performance: 13\n      value: 99.5\n      half_life: 14h\n"
    "      weights:\n"
    "        - {attribute: product, is: Refinance, add: 15}\n"
    "        - {attribute: rooms, is: 4, add: -16}\n"
    "        - {attribute: amount, from: -5, to: 10, add: 17}\n"
    "        - {attribute: amount, from: 10, add: 18}\n"
    "        - {attribute: language, skill: true, add: 19}\n";

static void every_key_of_the_cell_is_read(void **state)
{
    (void) state;
    struct parsed parsed = parse_good(full);
    const struct policy *p = parsed.policy;
    assert_int_equal(p->version, 1);
    assert_string_equal(p->cell, "east-1");
    assert_int_equal(p->heartbeat_ms, 1 * second);
    assert_int_equal(p->lease_ms, 4 * second);
    assert_int_equal(p->guard_ms, 500);
    assert_int_equal(p->orphan_grace_ms, 0);
    assert_int_equal(p->scorer_deadline_ms, 5);
    assert_int_equal(p->waiting_max, 99);
    assert_int_equal(p->agents_max, 12);
    assert_int_equal(p->default_programme, 2);
    assert_int_equal(p->n_agents, 2);
    assert_string_equal(p->agents[0].name, "ana");
    assert_int_equal(p->agents[0].weight, 3);
    assert_string_equal(p->agents[1].name, "ben");
    assert_int_equal(p->agents[1].weight, 1);
    assert_int_equal(p->agents[1].programme, 1);
    assert_int_equal(p->n_teams, 3);
    assert_string_equal(p->teams[2].name, "t3");
    assert_int_equal(p->teams[2].programme, 1);
    assert_int_equal(p->n_sources, 3);
    assert_string_equal(p->sources[0].name, "s1");
    assert_int_equal(p->sources[0].programme, 0);
    done(&parsed);
}

static void every_key_of_a_programme_is_read(void **state)
{
    (void) state;
    struct parsed parsed = parse_good(full);
    const struct programme *p = &parsed.policy->programmes[1];
    assert_string_equal(p->name, "b");
    assert_int_equal(p->mode, MODE_PULL);
    assert_int_equal(p->strategy, STRATEGY_JOINT_OPTIMUM);
    assert_int_equal(p->widen, WIDEN_CELL);
    assert_false(p->note_required);
    assert_int_equal(p->order.last, ORDER_NEWEST_FIRST);
    assert_int_equal(p->wip_max, 2);
    assert_int_equal(p->untouched_max, 4);
    assert_int_equal(p->depth_per_agent, 5);
    assert_int_equal(p->attempts_max, 6);
    assert_int_equal(p->distributions_max, 8);
    assert_int_equal(p->misses_max, 9);
    assert_int_equal(p->offer_ms, 1 * second);
    assert_int_equal(p->first_action_ms, 2 * minute);
    assert_int_equal(p->activity_ms, 3 * hour);
    assert_int_equal(p->disposition_ms, 4 * second);
    assert_int_equal(p->disposition_hard_ms, 5 * day);
    assert_int_equal(p->unclaimed_ms, 250);
    assert_int_equal(p->pipeline_grace_ms, 6 * second);
    assert_int_equal(p->ready_ms, 7 * second);
    assert_int_equal(p->decline_exclusion_ms, 8 * second);
    assert_int_equal(p->penalty_ms, 9 * second);
    assert_int_equal(p->penalty_max_ms, 10 * second);
    assert_int_equal(p->n_gaps, 2);
    assert_int_equal(p->gap_ms[1], 2 * minute);
    done(&parsed);
}

static void every_key_of_a_score_is_read(void **state)
{
    (void) state;
    struct parsed parsed = parse_good(full);
    const struct scoring *s = &parsed.policy->programmes[1].scoring;
    assert_int_equal(s->base_permille, 11);
    assert_int_equal(s->load_permille, 12);
    assert_int_equal(s->performance_permille, 13);
    assert_int_equal(s->value_cents, 9950);
    assert_int_equal(s->half_life_ms, 14 * hour);
    assert_int_equal(s->n_weights, 5);
    assert_int_equal(s->weights[0].key, feature_key("product", 7));
    assert_int_equal(s->weights[0].kind, WEIGHT_IS);
    assert_int_equal(s->weights[0].is, feature_text("refinance", 9));
    assert_int_equal(s->weights[0].add_permille, 15);
    assert_int_equal(s->weights[1].is, 4);
    assert_int_equal(s->weights[1].add_permille, -16);
    assert_int_equal(s->weights[2].kind, WEIGHT_RANGE);
    assert_int_equal(s->weights[2].from, -5);
    assert_int_equal(s->weights[2].to, 10);
    assert_int_equal(s->weights[3].from, 10);
    assert_true(s->weights[3].to > INT64_C(1000000000));
    assert_int_equal(s->weights[4].kind, WEIGHT_SKILL);
    done(&parsed);
}

static void default_programme_none_refuses_other_sources(void **state)
{
    (void) state;
    struct parsed parsed = parse_good(WITH("sources: [s]") "default_programme: none\n");
    assert_int_equal(parsed.policy->default_programme, 0);
    done(&parsed);
}

/* Each with what is told of it: line:column, what kind of fault, path, and in words. */
static const struct fault {
    const char *text, *told;
} faults[] = {
    {TOP("lese: 5s"), "3:1 UNKNOWN_KEY lese: is no key that is known here; did you mean lease?\n"},
    {WITH("ofer: 5s"), "2:27 UNKNOWN_KEY programmes[0].ofer: is no key that is known here\n"},
    {WITH("timers: {ofer: 5s}"),
     "2:36 UNKNOWN_KEY programmes[0].timers.ofer: is no key that is known here; did you mean offer?\n"},
    {WITH("score: {bas: 5}"),
     "2:35 UNKNOWN_KEY programmes[0].score.bas: is no key that is known here; did you mean base?\n"},
    {WITH("score: {weights: [{atribute: x}]}"),
     "2:45 CONFLICT programmes[0].score.weights[0]: needs one of: is, from and to, skill\n"
     "2:45 MISSING programmes[0].score.weights[0].add: is missing\n"
     "2:45 MISSING programmes[0].score.weights[0].attribute: is missing\n"
     "2:46 UNKNOWN_KEY programmes[0].score.weights[0].atribute: is no key that is known here; did you mean "
     "attribute?\n"},
    {TOP("lease: 5s\nlease: 6s"), "4:1 DUPLICATE lease: is there twice; the first is in line 3\n"},
    {"programmes: [\n", "2:1 SYNTAX no YAML: while parsing a flow node, did not find expected node content\n"},
    {"", "1:1 MISSING is empty\n"},
    {LEAST "---\nversion: 2\n", "3:1 NOT_PLAIN another document; a policy is one\n"},
    {"- a\n", "1:1 WRONG_KIND is a list; a mapping belongs here\n"},
    {TOP("version: 0"), "3:10 OUT_OF_RANGE version: is \"0\"; allowed is 1\n"},
    {TOP("version: x"), "3:10 BAD_VALUE version: is \"x\"; allowed is a whole number\n"},
    {TOP("cell: East"), "3:7 BAD_VALUE cell: is \"East\"; allowed are 1 to 32 of a-z, 0-9 and -\n"},
    {TOP("heartbeat: 10"), "3:12 OUT_OF_RANGE heartbeat: is \"10\"; allowed is 50ms to 1m\n"},
    {TOP("heartbeat: 5 s"),
     "3:12 BAD_VALUE heartbeat: is \"5 s\"; allowed is a duration such as 20s, 5m, 24h or 250ms\n"},
    {TOP("heartbeat: 1.5s"),
     "3:12 BAD_VALUE heartbeat: is \"1.5s\"; allowed is a duration such as 20s, 5m, 24h or 250ms\n"},
    {TOP("heartbeat: -5s"),
     "3:12 BAD_VALUE heartbeat: is \"-5s\"; allowed is a duration such as 20s, 5m, 24h or 250ms\n"},
    {TOP("heartbeat:"), "3:11 BAD_VALUE heartbeat: is \"\"; allowed is a duration such as 20s, 5m, 24h or 250ms\n"},
    {TOP("lease: 11m"), "3:8 OUT_OF_RANGE lease: is \"11m\"; allowed is 150ms to 10m\n"},
    {TOP("lease: 99999999999999999999s"),
     "3:8 BAD_VALUE lease: is \"99999999999999999999s\"; allowed is a duration such as 20s, 5m, 24h or 250ms\n"},
    {TOP("lease: 9999999999999999d"),
     "3:8 BAD_VALUE lease: is \"9999999999999999d\"; allowed is a duration such as 20s, 5m, 24h or 250ms\n"},
    {TOP("lease: 14s"),
     "3:8 CONFLICT lease: is 14s; allowed is at least 3 x heartbeat, or one lost message ends a session\n"},
    {TOP("guard: 20s"), "3:8 CONFLICT guard: must be shorter than lease, 20s\n"},
    {TOP("guard: 0"), "3:8 OUT_OF_RANGE guard: is \"0\"; allowed is 10ms to 1m\n"},
    {TOP("orphan_grace: 2h"), "3:15 OUT_OF_RANGE orphan_grace: is \"2h\"; allowed is 0 to 1h\n"},
    {TOP("scorer_deadline: 1m"), "3:18 OUT_OF_RANGE scorer_deadline: is \"1m\"; allowed is 1ms to 10s\n"},
    {TOP("waiting_max: 0"), "3:14 OUT_OF_RANGE waiting_max: is \"0\"; allowed is 1 to 100000000\n"},
    {TOP("agents_max: 1000000"), "3:13 OUT_OF_RANGE agents_max: is \"1000000\"; allowed is 1 to 100000\n"},
    {TOP("default_programme: b"),
     "3:20 NO_SUCH_NAME default_programme: is \"b\"; allowed is none or the name of a programme\n"},
    {TOP("default_programme: none"),
     "3:20 CONFLICT default_programme: is none and no programme names a source: no lead could come in\n"},
    {"version: 1\n", "1:1 MISSING programmes: is missing or empty; a cell has 1 to 16\n"},
    {"programmes:\n  - {teams: [t]}\n", "2:5 MISSING programmes[0].name: is missing\n"},
    {"programmes:\n  - {name: a b, teams: [t]}\n",
     "2:12 BAD_VALUE programmes[0].name: is \"a b\"; allowed are 1 to 64 letters, digits and . _ @ -\n"},
    {"programmes:\n  - {name: a}\n",
     "2:5 MISSING programmes[0].teams: is missing or empty: nobody could take a lead of this programme\n"},
    {"programmes:\n  - {name: a, teams: []}\n",
     "2:22 MISSING programmes[0].teams: is missing or empty: nobody could take a lead of this programme\n"},
    {"programmes:\n  - {name: a, teams: [\"t\\n\"]}\n",
     "2:23 BAD_VALUE programmes[0].teams[0]: is \"t?\"; allowed are 1 to 64 letters, digits and . _ @ -\n"},
    {"programmes:\n  - {name: a, teams: [t, t]}\n",
     "2:26 DUPLICATE programmes[0].teams[1]: \"t\" is there twice; a name belongs to one place\n"},
    {LEAST "  - {name: b, teams: [t]}\n",
     "3:23 DUPLICATE programmes[1].teams[0]: \"t\" is there twice; a name belongs to one place\n"},
    {LEAST "  - {name: a, teams: [u]}\n",
     "3:12 DUPLICATE programmes[1].name: \"a\" is there twice; a name belongs to one place\n"},
    {WITH("sources: [s]") "  - {name: b, teams: [u], sources: [s]}\n",
     "3:37 DUPLICATE programmes[1].sources[0]: \"s\" is there twice; a name belongs to one place\n"},
    {WITH("sources: [s, \"\"]"),
     "2:40 BAD_VALUE programmes[0].sources[1]: is \"\"; allowed are 1 to 64 letters, digits and . _ @ -\n"},
    {WITH("mode: shove"), "2:33 BAD_VALUE programmes[0].mode: is \"shove\"; allowed is one of push, pull, push_pull\n"},
    {WITH("agents: [{name: a, weight: 0}]"),
     "2:54 OUT_OF_RANGE programmes[0].agents[0].weight: is \"0\"; allowed is 1 to 1000\n"},
    {WITH("agents: [{weight: 2}]"), "2:36 MISSING programmes[0].agents[0].name: is missing\n"},
    {WITH("agents: [{name: a}, {name: b}, {name: a}]"),
     "2:65 DUPLICATE programmes[0].agents[2].name: \"a\" is there twice; a name belongs to one place\n"},
    {WITH("strategy: shove"), "2:37 BAD_VALUE programmes[0].strategy: is \"shove\"; allowed is one of best_score, "},
    {WITH("widen: all"), "2:34 BAD_VALUE programmes[0].widen: is \"all\"; allowed is one of programme, cell\n"},
    {WITH("order: fifo"),
     "2:34 BAD_VALUE programmes[0].order: is \"fifo\"; allowed is one of oldest_first, newest_first, random\n"},
    {WITH("note_required: yes"), "2:42 BAD_VALUE programmes[0].note_required: is \"yes\"; allowed is true or false\n"},
    {WITH("wip_max: 0"), "2:36 OUT_OF_RANGE programmes[0].wip_max: is \"0\"; allowed is 1 to 20000\n"},
    {WITH("wip_max: 20001"), "2:36 OUT_OF_RANGE programmes[0].wip_max: is \"20001\"; allowed is 1 to 20000\n"},
    {WITH("untouched_max: 0"), "2:42 OUT_OF_RANGE programmes[0].untouched_max: is \"0\"; allowed is 1 to 20000\n"},
    {WITH("depth_per_agent: 0"), "2:44 OUT_OF_RANGE programmes[0].depth_per_agent: is \"0\"; allowed is 1 to 20000\n"},
    {WITH("attempts_max: 0"), "2:41 OUT_OF_RANGE programmes[0].attempts_max: is \"0\"; allowed is 1 to 250\n"},
    {WITH("distributions_max: 0"), "2:46 OUT_OF_RANGE programmes[0].distributions_max: is \"0\"; allowed is 1 to 48\n"},
    {WITH("misses_max: 0"), "2:39 OUT_OF_RANGE programmes[0].misses_max: is \"0\"; allowed is 1 to 100\n"},
    {WITH("attempts_min: 251"), "2:41 OUT_OF_RANGE programmes[0].attempts_min: is \"251\"; allowed is 0 to 250\n"},
    {WITH("attempts_min: 8"), "2:41 CONFLICT programmes[0].attempts_min: is 8; allowed is at most attempts_max, 7\n"},
    {WITH("attempts_day: 251"), "2:41 OUT_OF_RANGE programmes[0].attempts_day: is \"251\"; allowed is 0 to 250\n"},
    {WITH("recycles_max: 41"), "2:41 OUT_OF_RANGE programmes[0].recycles_max: is \"41\"; allowed is 0 to 40\n"},
    {WITH("recycles_max: 2, cool_off: 30d"),
     "2:41 CONFLICT programmes[0].recycles_max: is 2, but that can never happen: cool_off is not shorter than "
     "age_max\n"},
    {WITH("cool_off: 366d"), "2:37 OUT_OF_RANGE programmes[0].cool_off: is \"366d\"; allowed is 0 to 365d\n"},
    {WITH("age_max: 0"), "2:36 OUT_OF_RANGE programmes[0].age_max: is \"0\"; allowed is 50ms to 3650d\n"},
    {WITH("vet: maybe"), "2:32 BAD_VALUE programmes[0].vet: is \"maybe\"; allowed is true or false\n"},
    {WITH("sources: [web], vet_sources: [wbe]"),
     "2:57 NO_SUCH_NAME programmes[0].vet_sources[0]: is \"wbe\"; allowed is one of this programme's sources; did you "
     "mean web?\n"},
    {WITH("vet_rejects_late: 1"),
     "2:45 BAD_VALUE programmes[0].vet_rejects_late: is \"1\"; allowed is true or false\n"},
    {WITH("timers: {vet: 0}"), "2:41 OUT_OF_RANGE programmes[0].timers.vet: is \"0\"; allowed is 50ms to 365d\n"},
    {WITH("distributions_max: 1, recycles_max: 0"),
     "2:46 CONFLICT programmes[0].distributions_max: is 1, and nothing follows: a lead dies with its first owner. Set "
     "recycles_max or redistribute_to, or a higher one\n"},
    {WITH("distributions_max: 17"),
     "2:46 CONFLICT programmes[0].distributions_max: is 17, with recycles_max 2 that is 51 owners; a lead remembers "
     "48\n"},
    {WITH("redistribute_to: b"),
     "2:44 NO_SUCH_NAME programmes[0].redistribute_to: is \"b\"; allowed is the name of a programme\n"},
    {WITH("redistribute_to: a"),
     "2:44 CONFLICT programmes[0].redistribute_to: leads back to this programme: leads would go round for ever\n"},
    {"programmes:\n  - {name: a, teams: [t], redistribute_to: b}\n  - {name: b, teams: [u], redistribute_to: c}\n"
     "  - {name: c, teams: [v], redistribute_to: a}\n",
     "2:44 CONFLICT programmes[0].redistribute_to: leads back to this programme: leads would go round for ever\n"
     "3:44 CONFLICT programmes[1].redistribute_to: leads back to this programme: leads would go round for ever\n"
     "4:44 CONFLICT programmes[2].redistribute_to: leads back to this programme: leads would go round for ever\n"},
    {WITH("decline_exclusion: 31d"),
     "2:46 OUT_OF_RANGE programmes[0].decline_exclusion: is \"31d\"; allowed is 0 to 30d\n"},
    {WITH("penalty: 11m"), "2:36 OUT_OF_RANGE programmes[0].penalty: is \"11m\"; allowed is 0 to 10m\n"},
    {WITH("penalty_max: 2h"), "2:40 OUT_OF_RANGE programmes[0].penalty_max: is \"2h\"; allowed is 0 to 1h\n"},
    {WITH("penalty: 2m"), "2:36 CONFLICT programmes[0].penalty: is 2m; allowed is at most penalty_max, 1m\n"},
    {WITH("attempt_gaps: []"), "2:41 MISSING programmes[0].attempt_gaps: is empty; allowed are 1 to 8 entries\n"},
    {WITH("attempt_gaps: [5m, x]"),
     "2:46 BAD_VALUE programmes[0].attempt_gaps[1]: is \"x\"; allowed is a duration such as 20s, 5m, 24h or 250ms\n"},
    {WITH("attempt_gaps: [1, 2, 3, 4, 5, 6, 7, 8, 9]"),
     "2:66 TOO_MANY programmes[0].attempt_gaps: has more than 8 entries\n"},
    {WITH("timers: {offer: 2d}"), "2:43 OUT_OF_RANGE programmes[0].timers.offer: is \"2d\"; allowed is 50ms to 1d\n"},
    {WITH("timers: {first_action: 0}"),
     "2:50 OUT_OF_RANGE programmes[0].timers.first_action: is \"0\"; allowed is 50ms to 30d\n"},
    {WITH("timers: {activity: 0}"),
     "2:46 OUT_OF_RANGE programmes[0].timers.activity: is \"0\"; allowed is 50ms to 30d\n"},
    {WITH("timers: {disposition: 0}"),
     "2:49 OUT_OF_RANGE programmes[0].timers.disposition: is \"0\"; allowed is 50ms to 30d\n"},
    {WITH("timers: {disposition_hard: 0}"),
     "2:54 OUT_OF_RANGE programmes[0].timers.disposition_hard: is \"0\"; allowed is 50ms to 30d\n"},
    {WITH("timers: {disposition: 3h}"),
     "2:49 CONFLICT programmes[0].timers.disposition: is 3h; allowed is at most timers.disposition_hard, 2h\n"},
    {WITH("timers: {unclaimed: 0}"),
     "2:47 OUT_OF_RANGE programmes[0].timers.unclaimed: is \"0\"; allowed is 50ms to 30d\n"},
    {WITH("timers: {pipeline_grace: 0}"),
     "2:52 OUT_OF_RANGE programmes[0].timers.pipeline_grace: is \"0\"; allowed is 50ms to 30d\n"},
    {WITH("timers: {ready: 0}"), "2:43 OUT_OF_RANGE programmes[0].timers.ready: is \"0\"; allowed is 50ms to 1d\n"},
    {WITH("score: {base: 1001}"), "2:41 OUT_OF_RANGE programmes[0].score.base: is \"1001\"; allowed is 0 to 1000\n"},
    {WITH("score: {base: 0.1}"),
     "2:41 BAD_VALUE programmes[0].score.base: is \"0.1\"; allowed is a whole number (thousandths)\n"},
    {WITH("score: {load: -1}"), "2:41 OUT_OF_RANGE programmes[0].score.load: is \"-1\"; allowed is 0 to 1000\n"},
    {WITH("score: {performance: 2000}"),
     "2:48 OUT_OF_RANGE programmes[0].score.performance: is \"2000\"; allowed is 0 to 1000\n"},
    {WITH("score: {value: 0}"),
     "2:42 OUT_OF_RANGE programmes[0].score.value: is \"0\"; allowed is 0.01 to 10000000000.00\n"},
    {WITH("score: {value: 1.234}"),
     "2:42 BAD_VALUE programmes[0].score.value: is \"1.234\"; allowed is an amount such as 120 or 99.50\n"},
    {WITH("score: {half_life: 4000d}"),
     "2:46 OUT_OF_RANGE programmes[0].score.half_life: is \"4000d\"; allowed is 0 to 3650d\n"},
    {WITH("score: {weights: [{attribute: X, is: 1, add: 1}]}"),
     "2:57 BAD_VALUE programmes[0].score.weights[0].attribute: is \"X\"; allowed are 1 to 32 of a-z, 0-9 and _\n"},
    {WITH("score: {weights: [{is: 1, add: 1}]}"),
     "2:45 MISSING programmes[0].score.weights[0].attribute: is missing\n"},
    {WITH("score: {weights: [{attribute: x, is: 1}]}"),
     "2:45 MISSING programmes[0].score.weights[0].add: is missing\n"},
    {WITH("score: {weights: [{attribute: x, is: 1, add: 1001}]}"),
     "2:72 OUT_OF_RANGE programmes[0].score.weights[0].add: is \"1001\"; allowed is -1000 to 1000\n"},
    {WITH("score: {weights: [{attribute: x, add: 1}]}"),
     "2:45 CONFLICT programmes[0].score.weights[0]: needs one of: is, from and to, skill\n"},
    {WITH("score: {weights: [{attribute: x, is: 1, from: 2, add: 1}]}"),
     "2:45 CONFLICT programmes[0].score.weights[0]: needs one of: is, from and to, skill\n"},
    {WITH("score: {weights: [{attribute: x, skill: no, add: 1}]}"),
     "2:67 BAD_VALUE programmes[0].score.weights[0].skill: is \"no\"; allowed is true\n"},
    {WITH("score: {weights: [{attribute: x, from: 5, to: 5, add: 1}]}"),
     "2:45 CONFLICT programmes[0].score.weights[0]: from must be less than to, which is no longer part of the range\n"},
    {WITH("score: {weights: [{attribute: x, from: low, add: 1}]}"),
     "2:66 BAD_VALUE programmes[0].score.weights[0].from: is \"low\"; allowed is a whole number\n"},
    {TOP("lease: &a 20s\nguard: *a"), "3:8 NOT_PLAIN an anchor (&); write it out where it is meant\n"
                                      "4:8 NOT_PLAIN an alias (*); write out what it stands for\n"},
    {"a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nprogrammes: *c\n",
     "1:1 UNKNOWN_KEY a: is no key that is known here\n"
     "1:4 NOT_PLAIN an anchor (&); write it out where it is meant\n"
     "2:1 UNKNOWN_KEY b: is no key that is known here\n"
     "2:4 NOT_PLAIN an anchor (&); write it out where it is meant\n"
     "2:8 NOT_PLAIN an alias (*); write out what it stands for\n"
     "2:11 NOT_PLAIN an alias (*); write out what it stands for\n"
     "3:1 UNKNOWN_KEY c: is no key that is known here\n"
     "3:4 NOT_PLAIN an anchor (&); write it out where it is meant\n"
     "3:8 NOT_PLAIN an alias (*); write out what it stands for\n"
     "3:11 NOT_PLAIN an alias (*); write out what it stands for\n"
     "4:13 NOT_PLAIN an alias (*); write out what it stands for\n"
     "4:13 MISSING programmes: is missing or empty; a cell has 1 to 16\n"},
    {TOP("\tlease: 5s"), "3:1 SYNTAX a tab; use blanks\n"},
    {TOP("lease:\t30s"), "3:7 SYNTAX a tab; use blanks\n"},
    {WITH("timers: [5s]"), "2:35 WRONG_KIND programmes[0].timers: is a list; a mapping belongs here\n"},
    {WITH("teams: t, teams: [u]"), "2:27 DUPLICATE programmes[0].teams: is there twice; the first is in line 2\n"
                                   "2:37 DUPLICATE programmes[0].teams: is there twice; the first is in line 2\n"},
    {TOP("? [a]\n: 1"), "3:3 WRONG_KIND a key must be a word\n"},
    {"programmes: [5, {name: b, teams: [u]}, {name: c, teams: [[x], v]}]\n",
     "1:14 WRONG_KIND programmes[0]: is a single value; a mapping belongs here\n"
     "1:58 WRONG_KIND programmes[2].teams[0]: is a list; a single value belongs here\n"},
    {"programmes:\n  - name: a\n    teams: [t]\n    wip_max: {a: 1}\n    mode: puhs\n",
     "4:14 WRONG_KIND programmes[0].wip_max: is a mapping; a single value belongs here\n"
     "5:11 BAD_VALUE programmes[0].mode: is \"puhs\"; allowed is one of push, pull, push_pull; did you mean push?\n"},
    {WITH("timers: {offer: 1s, offer: 2s}"),
     "2:47 DUPLICATE programmes[0].timers.offer: is there twice; the first is in line 2\n"},
    {TOP("lease: !!int 5"), "3:8 NOT_PLAIN a tag (!); a policy has none\n"
                            "3:8 OUT_OF_RANGE lease: is \"5\"; allowed is 150ms to 10m\n"},
    {"programmes:\n  - name: \"a\n",
     "3:1 SYNTAX no YAML: while scanning a quoted scalar, found unexpected end of stream\n"},
    {"a: b: c\n", "1:1 UNKNOWN_KEY a: is no key that is known here\n"
                  "1:5 SYNTAX no YAML: mapping values are not allowed in this context\n"},
    {"lease: \xff\n", "1:8 SYNTAX no YAML: invalid leading UTF-8 octet\n"},
    {"# \x01\n", "1:1 MISSING is empty\n"
                 "1:3 SYNTAX a control character\n"},
    {TOP("<<: {lease: 5s}"), "3:1 UNKNOWN_KEY <<: is no key that is known here\n"},
    {"programme:\n  - {name: a, teams: [t]}\n",
     "1:1 UNKNOWN_KEY programme: is no key that is known here; did you mean programmes?\n"
     "1:1 MISSING programmes: is missing or empty; a cell has 1 to 16\n"},
    {TOP("default_programme: fersh"),
     "3:20 NO_SUCH_NAME default_programme: is \"fersh\"; allowed is none or the name of a programme\n"},
    {WITH("sources: [\"a\\0b\"]"), "2:37 BAD_VALUE programmes[0].sources[0]: holds a NUL\n"},
    {"programmes:\n  - {name: fresh, teams: [t]}\ndefault_programme: fersh\n",
     "3:20 NO_SUCH_NAME default_programme: is \"fersh\"; allowed is none or the name of a programme; did you mean "
     "fresh?\n"},
    {WITH("strategy: best_scor"), "2:37 BAD_VALUE programmes[0].strategy: is \"best_scor\"; allowed is one of "
                                  "best_score, joint_optimum, round_robin, longest_idle, weighted_round_robin, "
                                  "fewest_open, least_recent, top_down, random; did you mean best_score?\n"},
    {TOP("zone: America/Chigaco"), "3:7 BAD_VALUE zone: is \"America/Chigaco\"; allowed is a zone of the system's "
                                   "database, such as America/Chicago\n"},
    {TOP("zones: [UTC, ../etc]"), "3:14 BAD_VALUE zones[1]: is \"../etc\"; allowed is a zone of the system's "
                                  "database, such as America/Chicago\n"},
    {TOP("hours: [{name: h}]"), "3:9 MISSING hours[0].open: is missing or empty: it would never be open\n"},
    {TOP("hours: [{name: h, open: [mon-fri 8:00-21:00]}]"),
     "3:26 BAD_VALUE hours[0].open[0]: is \"mon-fri 8:00-21:00\"; allowed are days and times such as mon-fri "
     "08:00-21:00\n"},
    {TOP("hours: [{name: h, open: [fri-mon 08:00-21:00]}]"),
     "3:26 BAD_VALUE hours[0].open[0]: is \"fri-mon 08:00-21:00\"; allowed are days and times such as mon-fri "
     "08:00-21:00\n"},
    {TOP("hours: [{name: h, open: [mon 08:00-24:01]}]"),
     "3:26 BAD_VALUE hours[0].open[0]: is \"mon 08:00-24:01\"; allowed are days and times such as mon-fri "
     "08:00-21:00\n"},
    {TOP("hours: [{name: h, open: [mon-fri 08:00-12:00, fri 11:00-13:00]}]"),
     "3:25 CONFLICT hours[0].open: two of its times overlap\n"},
    {TOP("hours: [{name: h, open: [mon 08:00-12:00], closed: [2027-02-29]}]"),
     "3:53 BAD_VALUE hours[0].closed[0]: is \"2027-02-29\"; allowed is a day such as 12-25, or 2026-07-03\n"},
    {TOP("hours: [{name: h, open: [mon 08:00-12:00]}, {name: h, open: [tue 08:00-12:00]}]"),
     "3:52 DUPLICATE hours[1].name: \"h\" is there twice; a name belongs to one place\n"},
    {WITH("calling: [{hours: day}]"),
     "2:45 NO_SUCH_NAME programmes[0].calling[0].hours: is \"day\"; allowed is a name of the cell's hours\n"},
    {WITH("calling: [{states: [TX]}]"), "2:37 MISSING programmes[0].calling[0].hours: is missing\n"},
    {"hours: [{name: h, open: [mon 08:00-12:00]}]\nprogrammes:\n  - {name: a, teams: [t], calling: [{hours: h}, "
     "{hours: h}]}\n",
     "3:57 DUPLICATE programmes[0].calling[1].hours: a state has one kind of hours, and this one has them above\n"},
};

static void every_planted_fault_is_told_with_its_place_and_what_is_allowed(void **state)
{
    (void) state;
    struct policy *policy = malloc(sizeof *policy);
    assert_non_null(policy);
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct policy_findings findings = {0};
        struct buf told = {0};
        assert_int_equal(policy_read(faults[i].text, strlen(faults[i].text), policy, &findings), -1);
        for (uint32_t f = 0; f < findings.n; f++) {
            const struct policy_finding *one = &findings.at[f];
            buf_printf(&told, "%u:%u %s %s%s%s\n", one->line, one->column, policy_fault_name(one->fault), one->path,
                       one->path[0] ? ": " : "", one->text);
        }
        buf_add(&told, "", 1);
        if (strncmp((const char *) told.at, faults[i].told, strlen(faults[i].told)) != 0)
            fail_msg("in:\n%s\nexpected: %s\nfound: %s", faults[i].text, faults[i].told, (const char *) told.at);
        buf_fini(&told);
        findings_fini(&findings);
    }
    free(policy);
}

static void hours_are_read_day_by_day(void **state)
{
    (void) state;
    struct parsed it = parse_good("zone: America/Chicago\n"
                                  "hours:\n"
                                  "  - {name: texas, open: [sat 09:00-12:00, mon-tue 08:30-24:00], closed: [12-25]}\n"
                                  "programmes:\n"
                                  "  - {name: a, teams: [t], calling: [{hours: texas, states: [TX, LA]}]}\n");
    const struct hours *hours = &it.policy->hours[0].hours;
    assert_int_equal(hours->n_spans, 3);
    assert_int_equal(hours->spans[0].from_min, 8 * 60 + 30);
    assert_int_equal(hours->spans[0].to_min, 24 * 60);
    assert_int_equal(hours->spans[2].from_min, 5 * 1440 + 9 * 60);
    assert_int_equal(hours->closed[0].month, 12);
    assert_int_equal(hours->closed[0].day, 25);
    assert_string_equal(it.policy->zones[0].zone.name, "America/Chicago");
    assert_int_equal(it.policy->zones[0].zone.turns[0].offset_s, -5 * 3600); /* summer of 2020 */
    assert_true(it.policy->n_zones > 20);                                    /* those of the United States */
    assert_int_equal(it.policy->programmes[0].n_calling, 2);
    assert_int_equal(it.policy->programmes[0].calling[1].state, feature_text("LA", 2));
    done(&it);
}

static void all_faults_are_reported_at_once(void **state)
{
    (void) state;
    struct parsed parsed = parse("heartbeat: x\nprogrammes:\n  - {name: a, teams: [t], mode: x, wip_max: 0}\n");
    assert_int_equal(parsed.result, -1);
    assert_string_equal((const char *) parsed.findings.at,
                        "p.yaml:1:12: heartbeat: is \"x\"; allowed is a duration such as 20s, 5m, 24h or 250ms\n"
                        "p.yaml:3:33: programmes[0].mode: is \"x\"; allowed is one of push, pull, push_pull\n"
                        "p.yaml:3:45: programmes[0].wip_max: is \"0\"; allowed is 1 to 20000\n");
    done(&parsed);
}

/* Whatever it is, it is refused soon and told in bounds. */
static void a_hostile_text_is_refused_within_bounds(void **state)
{
    (void) state;
    static const struct {
        const char *head, *again, *told;
    } hostile[] = {
        {"", "[", "nested too deep"},
        {"", "{a: ", "no key that is known here"},
        {"a: &a [x]\nprogrammes: [", "*a, ", "an alias (*); write out what it stands for"},
        {"programmes: [", "{name: a, teams: [t]}, ", "programmes: has more than 16 entries"},
        {LEAST, "x: 1\n", "and 23"},
    };
    struct policy *policy = malloc(sizeof *policy);
    assert_non_null(policy);
    for (size_t i = 0; i < sizeof hostile / sizeof *hostile; i++) {
        struct buf text = {0}, lines = {0};
        buf_printf(&text, "%s", hostile[i].head);
        while (text.len < 120000)
            buf_printf(&text, "%s", hostile[i].again);
        assert_int_equal(policy_parse((const char *) text.at, text.len, "p", policy, &lines), -1);
        buf_add(&lines, "", 1);
        assert_non_null(strstr((const char *) lines.at, hostile[i].told));
        assert_true(lines.len < 64 * 1024);
        buf_fini(&text);
        buf_fini(&lines);
    }
    free(policy);
}

static void too_many_teams_are_refused(void **state)
{
    (void) state;
    struct buf text = {0};
    for (int p = 0; p < 3; p++) {
        buf_printf(&text, "%s  - {name: p%d, teams: [", p == 0 ? "programmes:\n" : "", p);
        for (int t = 0; t < 2731; t++)
            buf_printf(&text, "t%d-%d, ", p, t);
        buf_printf(&text, "]}\n");
    }
    buf_add(&text, "", 1);
    struct parsed parsed = parse((const char *) text.at);
    assert_int_equal(parsed.result, -1);
    assert_non_null(
        strstr((const char *) parsed.findings.at, "programmes[2].teams[2730]: the cell has more than 8192"));
    done(&parsed);
    buf_fini(&text);
}

static void the_shipped_policies_are_good(void **state)
{
    (void) state;
    struct policy *policy = malloc(sizeof *policy);
    struct buf findings = {0};
    assert_non_null(policy);
    assert_int_equal(policy_load(POLICIES "/default.yaml", policy, &findings), 0);
    assert_int_equal(policy->n_programmes, 3);
    assert_int_equal(policy_load(POLICIES "/import-bench.yaml", policy, &findings), 0);
    assert_int_equal(policy->programmes[0].wip_max, 20000);
    assert_int_equal(policy->programmes[0].untouched_max, 20000);
    assert_int_equal(findings.len, 0);
    assert_int_equal(policy_load(POLICIES "/no-such.yaml", policy, &findings), -1);
    buf_add(&findings, "", 1);
    assert_non_null(strstr((const char *) findings.at, "no-such.yaml: No such file"));
    buf_fini(&findings);
    free(policy);
}

/* What somebody is to read before the first lead: two screens at most, and the quickstart's one. */
static void each_template_is_a_good_policy_and_short(void **state)
{
    (void) state;
    static const char *const names[] = {"default",   "mortgage",    "real-estate",
                                        "insurance", "debt-credit", "other-finance"};
    struct policy *policy = malloc(sizeof *policy);
    struct buf findings = {0};
    assert_non_null(policy);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[256], line[512];
        uint32_t modes = 0, lines = 0;
        snprintf(path, sizeof path, "%s/%s.yaml", POLICIES, names[i]);
        if (policy_load(path, policy, &findings) != 0)
            fail_msg("%.*s", (int) findings.len, (const char *) findings.at);
        for (uint32_t p = 0; p < policy->n_programmes; p++)
            modes |= 1u << policy->programmes[p].mode;
        assert_true(modes & (modes - 1)); /* programmes side by side, each in its mode */
        FILE *file = fopen(path, "re");
        assert_non_null(file);
        while (fgets(line, sizeof line, file))
            lines++;
        fclose(file);
        assert_in_range(lines, 20, i == 0 ? 56 : 72);
    }
    assert_int_equal(findings.len, 0);
    free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_missing_key_of_the_cell_has_its_default),
        cmocka_unit_test(a_missing_key_of_a_programme_has_its_default_by_mode),
        cmocka_unit_test(the_defaults_are_a_policy_by_themselves),
        cmocka_unit_test(every_key_of_the_cell_is_read),
        cmocka_unit_test(every_key_of_a_programme_is_read),
        cmocka_unit_test(every_key_of_a_score_is_read),
        cmocka_unit_test(default_programme_none_refuses_other_sources),
        cmocka_unit_test(every_planted_fault_is_told_with_its_place_and_what_is_allowed),
        cmocka_unit_test(hours_are_read_day_by_day),
        cmocka_unit_test(all_faults_are_reported_at_once),
        cmocka_unit_test(a_hostile_text_is_refused_within_bounds),
        cmocka_unit_test(too_many_teams_are_refused),
        cmocka_unit_test(the_shipped_policies_are_good),
        cmocka_unit_test(each_template_is_a_good_policy_and_short),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
