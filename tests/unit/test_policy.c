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
    assert_false(p->newest_first);
    assert_int_equal(p->untouched_max, 3);
    assert_int_equal(p->depth_per_agent, 3);
    assert_int_equal(p->attempts_max, 7);
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
    "version: 7\ncell: east-1\nheartbeat: 1s\nlease: 4s\nguard: 500ms\norphan_grace: 0\nscorer_deadline: 5\n"
    "waiting_max: 99\nagents_max: 12\ndefault_programme: b\n"
    "programmes:\n"
    "  - {name: a, teams: [t1], sources: [s1]}\n"
    "  - name: b\n    mode: pull\n    strategy: joint_optimum\n    teams: [t2, t3]\n    sources: [s2, s3]\n"
    "    widen: cell\n    note_required: false\n    order: newest_first\n    wip_max: 2\n    untouched_max: 4\n"
    "    depth_per_agent: 5\n    attempts_max: 6\n    distributions_max: 8\n    misses_max: 9\n"
    "    timers: {offer: 1s, first_action: 2m, activity: 3h, disposition: 4s, disposition_hard: 5d,\n"
    "             unclaimed: 250ms, pipeline_grace: 6s, ready: 7000}\n"
    "    decline_exclusion: 8s\n    penalty: 9s\n    penalty_max: 10s\n    attempt_gaps: [1s, 2m]\n"
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
    assert_int_equal(p->version, 7);
    assert_string_equal(p->cell, "east-1");
    assert_int_equal(p->heartbeat_ms, 1 * second);
    assert_int_equal(p->lease_ms, 4 * second);
    assert_int_equal(p->guard_ms, 500);
    assert_int_equal(p->orphan_grace_ms, 0);
    assert_int_equal(p->scorer_deadline_ms, 5);
    assert_int_equal(p->waiting_max, 99);
    assert_int_equal(p->agents_max, 12);
    assert_int_equal(p->default_programme, 2);
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
    assert_true(p->newest_first);
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

static const struct fault {
    const char *text, *finding;
} faults[] = {
    /* the YAML itself: line and column */
    {TOP("lese: 5s"), "p.yaml: line 3, column 1: Unexpected key: lese\n"},
    {WITH("ofer: 5s"), "p.yaml: line 2, column 27: Unexpected key: ofer\n"},
    {WITH("timers: {ofer: 5s}"), "Unexpected key: ofer\n"},
    {WITH("score: {bas: 5}"), "Unexpected key: bas\n"},
    {WITH("score: {weights: [{atribute: x}]}"), "Unexpected key: atribute\n"},
    {TOP("lease: 5s\nlease: 6s"), "column 8: Mapping field already seen: lease\n"},
    {"programmes: [\n", "p.yaml: line 1, column 13: libyaml: did not find expected"},
    {"", "p.yaml: is empty\n"},
    {LEAST "---\nversion: 2\n", "p.yaml: Ignoring documents after first"},
    {"- a\n", "p.yaml: Expecting MAPPING"},
    /* the cell */
    {TOP("version: 0"), "p.yaml: version: is \"0\"; allowed is 1 to 4294967295\n"},
    {TOP("version: x"), "p.yaml: version: is \"x\"; allowed is a whole number\n"},
    {TOP("cell: East"), "p.yaml: cell: is \"East\"; allowed are 1 to 32 of a-z, 0-9 and -\n"},
    {TOP("heartbeat: 10"), "p.yaml: heartbeat: is \"10\"; allowed is 50ms to 1m\n"},
    {TOP("heartbeat: 5 s"), "p.yaml: heartbeat: is \"5 s\"; allowed is a duration such as 20s, 5m, 24h or 250ms\n"},
    {TOP("heartbeat: 1.5s"), "allowed is a duration"},
    {TOP("heartbeat: -5s"), "allowed is a duration"},
    {TOP("heartbeat:"), "p.yaml: heartbeat: is \"\"; allowed is a duration"},
    {TOP("lease: 11m"), "p.yaml: lease: is \"11m\"; allowed is 150ms to 10m\n"},
    {TOP("lease: 99999999999999999999s"), "p.yaml: lease: is \"99999999999999999999s\"; allowed is a duration"},
    {TOP("lease: 9999999999999999d"), "p.yaml: lease: is \"9999999999999999d\"; allowed is a duration"},
    {TOP("lease: 14s"), "p.yaml: lease: is 14s; allowed is at least 3 x heartbeat"},
    {TOP("guard: 20s"), "p.yaml: guard: must be shorter than lease, 20s\n"},
    {TOP("guard: 0"), "p.yaml: guard: is \"0\"; allowed is 10ms to 1m\n"},
    {TOP("orphan_grace: 2h"), "p.yaml: orphan_grace: is \"2h\"; allowed is 0 to 1h\n"},
    {TOP("scorer_deadline: 1m"), "p.yaml: scorer_deadline: is"},
    {TOP("waiting_max: 0"), "p.yaml: waiting_max: is"},
    {TOP("agents_max: 1000000"), "p.yaml: agents_max: is"},
    {TOP("default_programme: b"), "p.yaml: default_programme: is \"b\"; allowed is none or the name of a programme\n"},
    {TOP("default_programme: none"), "p.yaml: default_programme: is none and no programme names a source"},
    {"version: 1\n", "p.yaml: programmes: is missing or empty; a cell has 1 to 16\n"},
    /* names */
    {"programmes:\n  - {teams: [t]}\n", "p.yaml: programmes[0].name: is missing\n"},
    {"programmes:\n  - {name: a b, teams: [t]}\n", "p.yaml: programmes[0].name: is \"a b\"; allowed are 1 to 64"},
    {"programmes:\n  - {name: a}\n", "p.yaml: programmes[0].teams: is missing or empty"},
    {"programmes:\n  - {name: a, teams: []}\n", "p.yaml: programmes[0].teams: is missing or empty"},
    {"programmes:\n  - {name: a, teams: [\"t\\n\"]}\n", "p.yaml: programmes[0].teams: is"},
    {"programmes:\n  - {name: a, teams: [t, t]}\n", "p.yaml: teams: \"t\" is there twice"},
    {LEAST "  - {name: b, teams: [t]}\n", "p.yaml: teams: \"t\" is there twice"},
    {LEAST "  - {name: a, teams: [u]}\n", "p.yaml: programmes: \"a\" is there twice"},
    {WITH("sources: [s]") "  - {name: b, teams: [u], sources: [s]}\n", "p.yaml: sources: \"s\" is there twice"},
    {WITH("sources: [s, \"\"]"), "p.yaml: programmes[0].sources: is \"\""},
    /* a programme */
    {WITH("mode: shove"), "p.yaml: programmes[0].mode: is \"shove\"; allowed is one of push, pull, push_pull\n"},
    {WITH("strategy: random"), "programmes[0].strategy: is \"random\"; allowed is one of best_score, joint_optimum, "
                               "round_robin, longest_idle\n"},
    {WITH("widen: all"), "programmes[0].widen: is \"all\"; allowed is one of programme, cell\n"},
    {WITH("order: fifo"), "programmes[0].order: is \"fifo\"; allowed is one of oldest_first, newest_first\n"},
    {WITH("note_required: yes"), "programmes[0].note_required: is \"yes\"; allowed is true or false\n"},
    {WITH("wip_max: 0"), "programmes[0].wip_max: is \"0\"; allowed is 1 to 20000\n"},
    {WITH("wip_max: 20001"), "programmes[0].wip_max: is"},
    {WITH("untouched_max: 0"), "programmes[0].untouched_max: is"},
    {WITH("depth_per_agent: 0"), "programmes[0].depth_per_agent: is"},
    {WITH("attempts_max: 0"), "programmes[0].attempts_max: is"},
    {WITH("distributions_max: 0"), "programmes[0].distributions_max: is \"0\"; allowed is 1 to 100\n"},
    {WITH("misses_max: 0"), "programmes[0].misses_max: is"},
    {WITH("decline_exclusion: 31d"), "programmes[0].decline_exclusion: is \"31d\"; allowed is 0 to 30d\n"},
    {WITH("penalty: 11m"), "programmes[0].penalty: is"},
    {WITH("penalty_max: 2h"), "programmes[0].penalty_max: is"},
    {WITH("penalty: 2m"), "programmes[0].penalty: is 2m; allowed is at most penalty_max, 1m\n"},
    {WITH("attempt_gaps: []"), "p.yaml: line 2, column 41: Insufficient entries (0 of 1 min)"},
    {WITH("attempt_gaps: [5m, x]"), "programmes[0].attempt_gaps: is \"x\"; allowed is a duration"},
    {WITH("attempt_gaps: [1, 2, 3, 4, 5, 6, 7, 8, 9]"), "Excessive entries (8 max)"},
    {WITH("timers: {offer: 2d}"), "programmes[0].timers.offer: is \"2d\"; allowed is 50ms to 1d\n"},
    {WITH("timers: {first_action: 0}"), "programmes[0].timers.first_action: is"},
    {WITH("timers: {activity: 0}"), "programmes[0].timers.activity: is"},
    {WITH("timers: {disposition: 0}"), "programmes[0].timers.disposition: is"},
    {WITH("timers: {disposition_hard: 0}"), "programmes[0].timers.disposition_hard: is"},
    {WITH("timers: {disposition: 3h}"), "timers.disposition: is 3h; allowed is at most timers.disposition_hard, 2h\n"},
    {WITH("timers: {unclaimed: 0}"), "programmes[0].timers.unclaimed: is"},
    {WITH("timers: {pipeline_grace: 0}"), "programmes[0].timers.pipeline_grace: is"},
    {WITH("timers: {ready: 0}"), "programmes[0].timers.ready: is"},
    /* its score */
    {WITH("score: {base: 1001}"), "programmes[0].score.base: is \"1001\"; allowed is 0 to 1000\n"},
    {WITH("score: {base: 0.1}"), "programmes[0].score.base: is \"0.1\"; allowed is a whole number (thousandths)\n"},
    {WITH("score: {load: -1}"), "programmes[0].score.load: is"},
    {WITH("score: {performance: 2000}"), "programmes[0].score.performance: is"},
    {WITH("score: {value: 0}"), "programmes[0].score.value: is \"0\"; allowed is 0.01 to 10000000000.00\n"},
    {WITH("score: {value: 1.234}"), "programmes[0].score.value: is \"1.234\"; allowed is an amount such as"},
    {WITH("score: {half_life: 4000d}"), "programmes[0].score.half_life: is"},
    {WITH("score: {weights: [{attribute: X, is: 1, add: 1}]}"), "score.weights[0]: attribute is \"X\"; allowed are"},
    {WITH("score: {weights: [{is: 1, add: 1}]}"), "score.weights[0]: attribute is \"\"; allowed are"},
    {WITH("score: {weights: [{attribute: x, is: 1}]}"), "score.weights[0]: add is missing\n"},
    {WITH("score: {weights: [{attribute: x, is: 1, add: 1001}]}"), "score.weights[0]: is \"1001\"; allowed is -1000"},
    {WITH("score: {weights: [{attribute: x, add: 1}]}"), "score.weights[0]: needs one of: is, from and to, skill\n"},
    {WITH("score: {weights: [{attribute: x, is: 1, from: 2, add: 1}]}"), "score.weights[0]: needs one of"},
    {WITH("score: {weights: [{attribute: x, skill: no, add: 1}]}"), "score.weights[0]: skill is \"no\"; allowed is"},
    {WITH("score: {weights: [{attribute: x, from: 5, to: 5, add: 1}]}"), "score.weights[0]: from must be less than to"},
    {WITH("score: {weights: [{attribute: x, from: low, add: 1}]}"), "score.weights[0]: is \"low\"; allowed is a whole"},
};

static void every_planted_fault_is_found(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct parsed parsed = parse(faults[i].text);
        if (parsed.result != -1 || strstr((const char *) parsed.findings.at, faults[i].finding) == NULL)
            fail_msg("in:\n%s\nexpected: %s\nfound: %s", faults[i].text, faults[i].finding,
                     (const char *) parsed.findings.at);
        done(&parsed);
    }
}

static void all_faults_are_reported_at_once(void **state)
{
    (void) state;
    struct parsed parsed = parse("heartbeat: x\nprogrammes:\n  - {name: a, teams: [t], mode: x, wip_max: 0}\n");
    assert_int_equal(parsed.result, -1);
    assert_string_equal((const char *) parsed.findings.at,
                        "p.yaml: heartbeat: is \"x\"; allowed is a duration such as 20s, 5m, 24h or 250ms\n"
                        "p.yaml: programmes[0].mode: is \"x\"; allowed is one of push, pull, push_pull\n"
                        "p.yaml: programmes[0].wip_max: is \"0\"; allowed is 1 to 20000\n");
    done(&parsed);
}

static void too_many_teams_are_refused(void **state)
{
    (void) state;
    struct buf text = {0};
    for (int p = 0; p < 2; p++) {
        buf_printf(&text, "%s  - {name: p%d, teams: [", p == 0 ? "programmes:\n" : "", p);
        for (int t = 0; t < 513; t++)
            buf_printf(&text, "t%d-%d, ", p, t);
        buf_printf(&text, "]}\n");
    }
    buf_add(&text, "", 1);
    struct parsed parsed = parse((const char *) text.at);
    assert_int_equal(parsed.result, -1);
    assert_non_null(strstr((const char *) parsed.findings.at, "programmes[1].teams: the cell has more than 1024"));
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
        cmocka_unit_test(every_planted_fault_is_found),
        cmocka_unit_test(all_faults_are_reported_at_once),
        cmocka_unit_test(too_many_teams_are_refused),
        cmocka_unit_test(the_shipped_policies_are_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
