/* SPDX-License-Identifier: Apache-2.0
 * test_policy_lint.c - what is wrong with a policy although each value in it is
 * good: the kinds of fault that a manager plants without seeing it, each with one
 * policy that has it, and told at its line and column; and near ones that are good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "policy/policy_yaml.h"

#define PROGRAMME(keys) "programmes:\n  - {name: home, teams: [a, b], sources: [web],\n     " keys "}\n"
#define UNITS(list) "units:\n" list

static struct planted {
    const char *kind, *text;
    const char *told; /* "" = it is good */
} planted[] = {
    {"an unreachable rule", PROGRAMME("routes: [{when: {state: CA}, to: a},\n{when: {state: CA, product: x}, to: a}]"),
     "4:1 UNREACHABLE programmes[0].routes[1]: is never reached: the rule in line 3 catches all of it\n"},
    {"overlapping territory", PROGRAMME("routes: [{when: {zip: [946*, 947*]}, to: a},\n{when: {zip: 947*}, to: b}]"),
     "4:1 OVERLAP programmes[0].routes[1]: the same leads go to a already, by the rule in line 3\n"},
    {"an unknown zone", PROGRAMME("zone: America/Chicgo"),
     "3:12 BAD_VALUE programmes[0].zone: is \"America/Chicgo\"; allowed is a zone of the system's database, such as "
     "America/Chicago\n"},
    {"a folder of zones", PROGRAMME("zone: America"),
     "3:12 BAD_VALUE programmes[0].zone: is \"America\"; allowed is a zone of the system's database, such as "
     "America/Chicago\n"},
    {"no zone although there is the key", PROGRAMME("zone: \"\""),
     "3:12 BAD_VALUE programmes[0].zone: is \"\"; allowed is a zone of the system's database, such as "
     "America/Chicago\n"},

    {"an empty pool: no team", "programmes:\n  - {name: home, teams: []}\n",
     "2:25 MISSING programmes[0].teams: is missing or empty: nobody could take a lead of this programme\n"},
    {"an empty pool: a unit without teams", PROGRAMME("routes: [{to: west}]") "units: [{name: west, kind: area}]\n",
     "3:20 MISSING programmes[0].routes[0].to: is west, and no team of this programme is in it: nobody could take the "
     "lead\n"},
    {"an empty pool: nobody licensed", PROGRAMME("licence: state, agents: [{name: ana}]"),
     "3:15 CONFLICT programmes[0].licence: is wanted, and none of agents has any: nobody could take a lead of this "
     "programme\n"},
    {"an empty pool: nobody licensed for these leads",
     PROGRAMME("licence: state, agents: [{name: ana, licences: [CA, NV]}],\nroutes: [{when: {state: TX}, to: a}]"),
     "4:34 CONFLICT programmes[0].routes[0].to: is a, and nobody there may have these leads: no listed agent has the "
     "licence\n"},
    {"an empty pool: the agent meant is not licensed",
     PROGRAMME("licence: state, agents: [{name: ana, licences: [CA]}, {name: ben, licences: [TX]}],\n"
               "routes: [{when: {state: TX}, to: ana}]"),
     "4:34 CONFLICT programmes[0].routes[0].to: is ana, and nobody there may have these leads: no listed agent has "
     "the licence\n"},
    {"an empty pool: the team's filter leaves the leads out",
     PROGRAMME("routes: [{when: {loan: {to: 100}}, to: b}]") UNITS("  - {name: b, only: {loan: {from: 100}}}\n"),
     "3:45 CONFLICT programmes[0].routes[0].to: is b, and nobody there may have these leads: a filter leaves them "
     "out\n"},
    {"an empty pool: a filter above, or one below, in all teams",
     PROGRAMME("routes: [{when: {state: NV, loan: 50}, to: west}]")
         UNITS("  - {name: west, kind: region}\n  - {name: north, kind: area, in: west, only: {state: CA}}\n"
               "  - {name: a, in: north}\n  - {name: b, in: west, only: {loan: {from: 100}}}\n"),
     "3:49 CONFLICT programmes[0].routes[0].to: is west, and nobody there may have these leads: a filter leaves them "
     "out\n"},
    {"an empty pool: the agent's own filter",
     PROGRAMME("agents: [{name: ana, only: {zip: 946*}}], routes: [{when: {zip: [9561*, 95701]}, to: ana}]"),
     "3:91 CONFLICT programmes[0].routes[0].to: is ana, and nobody there may have these leads: a filter leaves them "
     "out\n"},
    {"filters that leave something",
     PROGRAMME("agents: [{name: ana, only: {zip: 946*, loan: {from: 100}}}],\n"
               "routes: [{when: {zip: 94612}, to: ana}, {when: {zip: 94*}, to: ana},\n"
               "{when: {zip: 95*, loan: 7}, to: west}, {when: {loan: 200}, to: west}]")
         UNITS("  - {name: west, kind: area}\n  - {name: a, in: west, only: {loan: "
               "{to: 50}}}\n  - {name: b, in: west, only: {loan: {from: 50}}}\n"),
     ""},
    {"nothing, zero and less are numbers like others",
     PROGRAMME("routes: [{when: {balance: [0, -7]}, to: a}, {when: {balance: 5}, to: b}]")
         UNITS("  - {name: a, only: {balance: {from: -10, to: 1}}}\n  - {name: b, only: {balance: {from: 0}}}\n"),
     ""},
    {"an unreachable rule: below zero",
     PROGRAMME("routes: [{when: {balance: {from: -10, to: 1}}, to: a},\n{when: {balance: [-7, 0]}, to: a}]"),
     "4:1 UNREACHABLE programmes[0].routes[1]: is never reached: the rule in line 3 catches all of it\n"},
    {"an empty pool: a filter leaves out what is below zero",
     PROGRAMME("routes: [{when: {balance: [-7, 0]}, to: a}]") UNITS("  - {name: a, only: {balance: {from: 1}}}\n"),
     "3:46 CONFLICT programmes[0].routes[0].to: is a, and nobody there may have these leads: a filter leaves them "
     "out\n"},
    {"licences for zips, of which rules name the beginnings",
     PROGRAMME("licence: zip, agents: [{name: ana, licences: [94612, 94613, 95814]}],\n"
               "routes: [{when: {zip: 946*}, to: a}, {when: {zip: {from: 95000, to: 96000}}, to: a}]"),
     ""},
    {"a licence that no lead would match", PROGRAMME("licence: zip, agents: [{name: ana, licences: [946*]}]"),
     "3:51 BAD_VALUE programmes[0].agents[0].licences: have a zip that ends with *; a licence is for a whole one\n"},
    {"licences of another programme serve who widens to the cell",
     "programmes:\n  - {name: home, teams: [a], licence: state, widen: cell, routes: [{when: {state: TX}, to: a}]}\n"
     "  - {name: far, teams: [b], licence: state, agents: [{name: ana, licences: [TX]}]}\n",
     ""},

    {"a limit of nothing", PROGRAMME("limits: [{of: agent, per: day, leads: 0}]"),
     "3:44 OUT_OF_RANGE programmes[0].limits[0].leads: is \"0\"; allowed is 0.01 to 1000000.00\n"},
    {"a cap above a wider one",
     PROGRAMME("limits: [{of: team, per: week, money: 500},\n"
               "{of: team, per: day, money: 501}]"),
     "4:1 CONFLICT programmes[0].limits[1]: the limit per day can never be reached: the one per week is lower\n"},
    {"a cap by name above the wider one of all",
     PROGRAMME("limits: [{of: agent, per: week, leads: 20},\n"
               "{of: agent, name: ana, per: day, leads: 25}]"),
     "4:1 CONFLICT programmes[0].limits[1]: the limit per day can never be reached: the one per week is lower\n"},
    {"a cap of a programme above the wider one of the cell",
     PROGRAMME("limits: [{of: source, per: day, leads: 200}]") "limits: [{of: source, per: month, leads: 150}]\n",
     "3:15 CONFLICT programmes[0].limits[0]: the limit per day can never be reached: the one per month is lower\n"},
    {"a ramp above the cap it leads to", PROGRAMME("ramp: {leads: 6}, limits: [{of: agent, per: hour, leads: 6}]"),
     "3:20 CONFLICT programmes[0].ramp.leads: is 6, and nobody gets more than 6 in an hour anyway\n"},
    {"caps that all hold for somebody",
     PROGRAMME(
         "ramp: {leads: 3}, limits: [{of: agent, per: hour, leads: 6}, {of: agent, per: day, leads: 20},\n"
         "{of: agent, name: ana, per: day, leads: 40}, {of: agent, name: ana, per: week, leads: 100},\n"
         "{of: agent, name: ben, per: week, leads: 10}, {of: team, per: day, leads: 500}]") "limits: [{of: source, "
                                                                                            "per: day, leads: 9}, {of: "
                                                                                            "agent, per: week, leads: "
                                                                                            "60}]\n",
     ""},

    {"no end action: one owner and nothing after", PROGRAMME("distributions_max: 1, recycles_max: 0"),
     "3:25 CONFLICT programmes[0].distributions_max: is 1, and nothing follows"},
    {"redistribution that loops",
     "programmes:\n  - {name: home, teams: [a], redistribute_to: far}\n"
     "  - {name: far, teams: [b], redistribute_to: home}\n",
     "2:47 CONFLICT programmes[0].redistribute_to: leads back to this programme: leads would go round for ever\n"},
};

/* proves features.md 4-17: the list, each kind once and more */
static void a_planted_fault_is_told_at_its_line_and_column(void **state)
{
    const struct planted *it = *state;
    struct policy *policy = malloc(sizeof *policy);
    struct policy_findings findings = {0};
    struct buf told = {0};
    assert_non_null(policy);
    const int result = policy_read(it->text, strlen(it->text), policy, &findings);
    for (uint32_t f = 0; f < findings.n; f++) {
        const struct policy_finding *one = &findings.at[f];
        buf_printf(&told, "%u:%u %s %s: %s\n", one->line, one->column, policy_fault_name(one->fault), one->path,
                   one->text);
    }
    buf_add(&told, "", 1);
    if (strncmp((const char *) told.at, it->told, strlen(it->told)) != 0 || (it->told[0] ? result == 0 : told.len > 1))
        fail_msg("in:\n%s\nexpected: %s\nfound: %s", it->text, it->told, (const char *) told.at);
    buf_fini(&told);
    findings_fini(&findings);
    free(policy);
}

/* ---- many ----------------------------------------------------------------------------------- */

/* What is told of the first faults, a line each; `ret_cpu_s` as long as that took. */
static char *told_of(const struct buf *text, double *ret_cpu_s)
{
    struct policy *policy = malloc(sizeof *policy);
    struct buf told = {0};
    const clock_t begun = clock();
    assert_non_null(policy);
    policy_parse((const char *) text->at, text->len, "p", policy, &told);
    *ret_cpu_s = (double) (clock() - begun) / CLOCKS_PER_SEC;
    free(policy);
    buf_add(&told, "", 1);
    return (char *) told.at;
}

static void of_many_rules_that_catch_one_the_first_is_named(void **state)
{
    enum { RULES = 90 };
    (void) state;
    struct buf text = {0};
    double cpu_s;
    buf_printf(&text, "programmes:\n  - name: home\n    teams: [a]\n    routes:\n");
    for (int i = 0; i < RULES; i++)
        buf_printf(&text, "      - {when: {loan: {from: %d, to: %d}}, to: a}\n", i, 1000 - i);
    char *told = told_of(&text, &cpu_s), *at = told;
    for (int i = 1; i < RULES; i++, at++) {
        at = strstr(at, "the rule in line 5 catches all of it");
        if (at == NULL)
            fail_msg("%d of %d name the first one:\n%s", i - 1, RULES - 1, told);
    }
    free(told);
    buf_fini(&text);
}

enum { TEAMS = 8100 };
static void put_teams(struct buf *text)
{
    buf_printf(text, "programmes:\n  - name: home\n    teams:\n");
    for (int i = 0; i < TEAMS; i++)
        buf_printf(text, "      - team-of-the-north-%05d\n", i);
}

static void put_names_that_are_nowhere(struct buf *text)
{
    buf_printf(text, "    limits:\n");
    for (int i = 0; i < 256; i++)
        buf_printf(text, "      - {of: team, name: team-of-the-south-%05d, per: day, leads: 5}\n", i);
    buf_printf(text, "units:\n");
    for (int i = 0; i < TEAMS; i++)
        buf_printf(text, "  - {name: team-of-the-north-%05d, in: team-of-the-south-%05d}\n", i, i);
}

static void put_filters_that_leave_out(struct buf *text)
{
    buf_printf(text, "    routes:\n");
    for (int i = 0; i < POLICY_ROUTES_MAX; i++)
        buf_printf(text, "      - {when: {zip: %d}, to: west}\n", 10000 + i);
    buf_printf(text, "units:\n  - {name: west, kind: region}\n");
    for (int i = 0; i < TEAMS - 1; i++)
        buf_printf(text, "  - {name: team-of-the-north-%05d, in: west, only: {zip: %d}}\n", i, 50000 + i);
    buf_printf(text, "  - {name: team-of-the-north-%05d, in: west}\n", TEAMS - 1);
}

static void put_slices_that_overlap(struct buf *text)
{
    buf_printf(text, "    routes:\n");
    for (int i = 0; i < POLICY_ROUTES_MAX; i++)
        buf_printf(text, "      - {when: {loan: {from: %d, to: %d}}, to: team-of-the-north-%05d}\n", i, i + 20000,
                   i & 1);
}

/* The broker judges a policy within its beat, and agents are waiting meanwhile: under a second, or two where the
 * machine is slow, times SLOWED by a sanitizer. */
static void a_policy_at_its_bounds_is_judged_soon(void **state)
{
    void (*const puts[])(struct buf *) = {put_names_that_are_nowhere, put_filters_that_leave_out,
                                          put_slices_that_overlap};
    (void) state;
    for (size_t i = 0; i < sizeof puts / sizeof *puts; i++) {
        struct buf text = {0};
        double cpu_s;
        put_teams(&text);
        puts[i](&text);
        char *told = told_of(&text, &cpu_s);
        if (cpu_s > 2 * SLOWED || strstr(told, "more than") != NULL)
            fail_msg("policy %zu took %.1f s of CPU time: %.200s", i, cpu_s, told);
        free(told);
        buf_fini(&text);
    }
}

int main(void)
{
    enum { PLANTED = sizeof planted / sizeof *planted };
    struct CMUnitTest tests[PLANTED + 2] = {
        [PLANTED] = cmocka_unit_test(of_many_rules_that_catch_one_the_first_is_named),
        [PLANTED + 1] = cmocka_unit_test(a_policy_at_its_bounds_is_judged_soon),
    };
    for (size_t i = 0; i < PLANTED; i++)
        tests[i] = (struct CMUnitTest){.name = planted[i].kind,
                                       .test_func = a_planted_fault_is_told_at_its_line_and_column,
                                       .initial_state = &planted[i]};
    return _cmocka_run_group_tests("planted faults", tests, PLANTED + 2, NULL, NULL);
}
