/* SPDX-License-Identifier: Apache-2.0
 * test_policy_limits.c - the keys of pacing: what they set, and that every planted
 * fault is told with its place. */
#include "policy/policy_yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PROGRAMME "programmes:\n  - {name: fresh, teams: [north], sources: [web]"

static struct policy *read_good(const char *text)
{
    struct policy *policy = malloc(sizeof *policy);
    struct buf lines = {0};
    assert_non_null(policy);
    if (policy_parse(text, strlen(text), "policy", policy, &lines) != 0)
        fail_msg("%.*s", (int) lines.len, (const char *) lines.at);
    buf_fini(&lines);
    return policy;
}

static void limits_stand_in_one_list_with_their_scope(void **state)
{
    (void) state;
    struct policy *policy = read_good(PROGRAMME ", limits: [{of: team, name: north, per: month, money: 250.50},\n"
                                                "     {of: agent, per: day, leads: 0.5}]}\n"
                                                "limits: [{of: source, per: hour, leads: 40}]\n");
    assert_int_equal(policy->n_limits, 3);
    const struct policy_limit *team = &policy->limits[0], *agent = &policy->limits[1], *source = &policy->limits[2];
    assert_string_equal(team->name, "north");
    assert_true(!team->of_cell && team->programme == 0 && team->of == LIMIT_TEAM && team->per == PER_MONTH);
    assert_true(team->unit == UNIT_CENTS && team->most == 25050);
    assert_true(agent->of == LIMIT_AGENT && agent->per == PER_DAY && agent->unit == UNIT_LEADS && agent->most == 500);
    assert_true(source->of_cell && source->of == LIMIT_SOURCE && source->per == PER_HOUR && source->most == 40000);
    free(policy);
}

static void ramp_evidence_and_patience_are_read_and_have_defaults(void **state)
{
    (void) state;
    struct policy *policy = read_good(PROGRAMME ", ramp: {leads: 5, lasts: 90m, after: 2d}, unworked_max: 4,\n"
                                                "     evidence: [act, disposition], timers: {inactive: 45m}}\n");
    const struct programme *programme = &policy->programmes[0];
    assert_int_equal(programme->ramp_leads, 5);
    assert_int_equal(programme->ramp_ms, 90 * 60000);
    assert_int_equal(programme->ramp_after_ms, 2 * 86400000);
    assert_int_equal(programme->unworked_max, 4);
    assert_int_equal(programme->evidence, EVIDENCE_ACT | EVIDENCE_DISPOSITION);
    assert_int_equal(programme->inactive_ms, 45 * 60000);
    free(policy);
    policy = read_good(PROGRAMME "}\n");
    assert_int_equal(policy->programmes[0].ramp_leads, 0);
    assert_int_equal(policy->programmes[0].unworked_max, 0);
    assert_int_equal(policy->programmes[0].evidence, EVIDENCE_ALL);
    assert_int_equal(policy->programmes[0].inactive_ms, 20 * 60000);
    assert_int_equal(policy->n_limits, 0);
    free(policy);
}

#define LIMITS(list) PROGRAMME ", limits: [" list "]}\n"

static const struct {
    const char *text, *told;
} faults[] = {
    {LIMITS("{per: day, leads: 1}"), "MISSING programmes[0].limits[0].of: is missing"},
    {LIMITS("{of: agent, leads: 1}"), "MISSING programmes[0].limits[0].per: is missing"},
    {LIMITS("{of: agents, per: day, leads: 1}"),
     "BAD_VALUE programmes[0].limits[0].of: is \"agents\"; allowed is one of agent, team, source; did you mean agent?"},
    {LIMITS("{of: agent, per: year, leads: 1}"),
     "BAD_VALUE programmes[0].limits[0].per: is \"year\"; allowed is one of hour, day, week, month, outcome"},
    {LIMITS("{of: agent, per: day}"), "CONFLICT programmes[0].limits[0]: needs one of: leads, money"},
    {LIMITS("{of: agent, per: day, leads: 1, money: 1}"),
     "CONFLICT programmes[0].limits[0]: needs one of: leads, money"},
    {LIMITS("{of: agent, per: day, leads: 0}"),
     "OUT_OF_RANGE programmes[0].limits[0].leads: is \"0\"; allowed is 0.01 to 1000000.00"},
    {LIMITS("{of: agent, per: day, money: lots}"),
     "BAD_VALUE programmes[0].limits[0].money: is \"lots\"; allowed is an amount such as 120 or 99.50"},
    {LIMITS("{of: agent, per: hour, leads: 0.5}"),
     "BAD_VALUE programmes[0].limits[0].leads: is \"0.5\"; an hour slides and saves nothing up: say it per day"},
    {LIMITS("{of: agent, per: outcome, leads: 2.5}"), "BAD_VALUE programmes[0].limits[0].leads: is \"2.5\"; no time "
                                                      "passes here that would save a fraction up: say whole "
                                                      "leads"},
    {LIMITS("{of: team, per: outcome, money: 500}"),
     "CONFLICT programmes[0].limits[0].per: is outcome, and leads are worked to one by agents: say of: agent"},
    {LIMITS("{of: team, name: nort, per: day, leads: 5}"),
     "NO_SUCH_NAME programmes[0].limits[0].name: is \"nort\"; no team here has this name; did you mean north?"},
    {LIMITS("{of: agent, per: day, leads: 5}, {of: agent, per: day, leads: 6}"),
     "DUPLICATE programmes[0].limits[1]: this limit per day is there twice"},
    {LIMITS("{of: agent, per: day, leads: 5}, {of: agent, per: hour, leads: 6}"),
     "CONFLICT programmes[0].limits[1]: the limit per hour can never be reached: the one per day is lower"},
    {PROGRAMME "}\ndefault_programme: none\nlimits: [{of: source, name: wep, per: day, leads: 5}]\n",
     "NO_SUCH_NAME limits[0].name: is \"wep\"; no source here has this name; did you mean web?"},
    {PROGRAMME ", evidence: [sleep]}\n",
     "BAD_VALUE programmes[0].evidence[0]: is \"sleep\"; allowed is one of act, note, disposition, accept, ready"},
    {PROGRAMME ", balance: 20, score: {weights: [{attribute: language, skill: true, add: 100}]}}\n",
     "CONFLICT programmes[0].balance: is 20, and no weight of score tells an easy lead from a hard one"},
    {PROGRAMME ", balance: 20, mode: pull, pull: choose, score: {weights: [{attribute: quality, is: A, add: 9}]}}\n",
     "CONFLICT programmes[0].balance: is 20, and with pull choose agents take what they like"},
    {PROGRAMME ", balance: 1001}\n", "OUT_OF_RANGE programmes[0].balance: is \"1001\"; allowed is 0 to 1000"},
    {PROGRAMME ", ramp: {leads: -1}}\n", "OUT_OF_RANGE programmes[0].ramp.leads: is \"-1\"; allowed is 0 to 20000"},
};

static void every_planted_fault_is_told_with_its_place(void **state)
{
    (void) state;
    struct policy *policy = malloc(sizeof *policy);
    assert_non_null(policy);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct policy_findings findings = {0};
        char told[600];
        assert_int_equal(policy_read(faults[i].text, strlen(faults[i].text), policy, &findings), -1);
        const struct policy_finding *one = &findings.at[0];
        snprintf(told, sizeof told, "%s %s: %s", policy_fault_name(one->fault), one->path, one->text);
        assert_string_equal(told, faults[i].told);
        assert_int_equal(findings.n, 1);
        assert_true(one->line > 0);
        findings_fini(&findings);
    }
    free(policy);
}

static void too_many_limits_are_refused(void **state)
{
    (void) state;
    struct buf text = {0};
    struct policy *policy = malloc(sizeof *policy);
    struct policy_findings findings = {0};
    assert_non_null(policy);
    buf_printf(&text, "%s, limits: [", PROGRAMME);
    for (int i = 0; i < 200; i++)
        buf_printf(&text, "{of: agent, name: a%d, per: day, leads: 1},\n      ", i);
    buf_printf(&text, "]}\nlimits:\n");
    for (int i = 0; i < 57; i++)
        buf_printf(&text, "  - {of: agent, name: a%d, per: day, leads: 1}\n", i);
    assert_int_equal(policy_read((const char *) text.at, text.len, policy, &findings), -1);
    assert_string_equal(findings.at[0].text, "the cell has more than 256");
    findings_fini(&findings);
    buf_fini(&text);
    free(policy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits_stand_in_one_list_with_their_scope),
        cmocka_unit_test(ramp_evidence_and_patience_are_read_and_have_defaults),
        cmocka_unit_test(every_planted_fault_is_told_with_its_place),
        cmocka_unit_test(too_many_limits_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
