/* SPDX-License-Identifier: Apache-2.0
 * policy_lint.c - what can be wrong in a policy although each value is in range:
 * names that are taken twice, timers that contradict each other, leads that
 * could come from nowhere or go to nobody. Reads the compiled policy, so that it
 * judges what will be in force, defaults included. */
#include "policy/policy_lint.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_followup.h"
#include "policy/policy_pull.h"
#include "policy/policy_values.h"

static void expect_at_most(struct policy_findings *findings, const char *key, int64_t ms, const char *limit_key,
                           int64_t limit_ms)
{
    char text[VALUE_TEXT_MAX], limit[VALUE_TEXT_MAX];
    if (ms <= limit_ms)
        return;
    value_print(VALUE_MS, ms, text);
    value_print(VALUE_MS, limit_ms, limit);
    finding_add(findings, FAULT_CONFLICT, key, "is %s; allowed is at most %s, %s", text, limit_key, limit);
}

static void lint_cell(const struct policy *policy, struct policy_findings *findings)
{
    char lease[VALUE_TEXT_MAX];
    value_print(VALUE_MS, policy->lease_ms, lease);
    if (policy->lease_ms < 3 * policy->heartbeat_ms)
        finding_add(findings, FAULT_CONFLICT, "lease",
                    "is %s; allowed is at least 3 x heartbeat, or one lost message ends a session", lease);
    if (policy->guard_ms >= policy->lease_ms)
        finding_add(findings, FAULT_CONFLICT, "guard", "must be shorter than lease, %s", lease);
}

struct named { /* entry `place` of a list of its programme */
    const char *name;
    uint32_t programme, place;
};

static int by_name(const void *a, const void *b)
{
    const struct named *x = a, *y = b;
    const int order = strcmp(x->name, y->name);
    return order != 0                     ? order
           : x->programme != y->programme ? (x->programme > y->programme) * 2 - 1
                                          : (x->place > y->place) - (x->place < y->place);
}

/* `across`: over all programmes, not within one. */
static void lint_names(struct policy_findings *findings, const char *list, const char *key, struct named *names,
                       uint32_t n, bool across)
{
    qsort(names, n, sizeof *names, by_name);
    for (uint32_t i = 1; i < n; i++) {
        char path[64];
        if (names[i].name[0] == '\0' || strcmp(names[i].name, names[i - 1].name) != 0 ||
            (!across && names[i].programme != names[i - 1].programme))
            continue;
        snprintf(path, sizeof path, "programmes[%u].%s[%u]%s", names[i].programme, list, names[i].place, key);
        finding_add(findings, FAULT_DUPLICATE, path, "\"%s\" is there twice; a name belongs to one place",
                    names[i].name);
    }
}

/* An agent may be listed by several programmes, since who moves to another team takes its place there. */
static void lint_lists(struct policy_findings *findings, const struct policy *policy)
{
    struct named *names = calloc((size_t) policy->n_teams + policy->n_sources + policy->n_agents + 1, sizeof *names);
    uint32_t n = 0, places[POLICY_PROGRAMMES_MAX] = {0};
    if (names == NULL)
        abort();
    for (uint32_t i = 0; i < policy->n_teams; i++)
        if (policy->teams[i].kind < UNIT_OFFICE)
            names[n++] =
                (struct named){policy->teams[i].name, policy->teams[i].programme, places[policy->teams[i].programme]++};
    lint_names(findings, "teams", "", names, n, true);
    memset(places, 0, sizeof places);
    n = policy->n_sources;
    for (uint32_t i = 0; i < n; i++)
        names[i] = (struct named){policy->sources[i].name, policy->sources[i].programme,
                                  places[policy->sources[i].programme]++};
    lint_names(findings, "sources", "", names, n, true);
    memset(places, 0, sizeof places);
    n = policy->n_agents;
    for (uint32_t i = 0; i < n; i++)
        names[i] =
            (struct named){policy->agents[i].name, policy->agents[i].programme, places[policy->agents[i].programme]++};
    lint_names(findings, "agents", ".name", names, n, false);
    free(names);
}

static void lint_programmes(struct policy_findings *findings, const struct policy *policy)
{
    for (uint32_t i = 0; i < policy->n_programmes; i++)
        for (uint32_t k = 0; k < i; k++) {
            const char *name = policy->programmes[i].name;
            char path[32];
            snprintf(path, sizeof path, "programmes[%u].name", i);
            if (name[0] != '\0' && strcmp(name, policy->programmes[k].name) == 0)
                finding_add(findings, FAULT_DUPLICATE, path, "\"%s\" is there twice; a name belongs to one place",
                            name);
        }
}

/* A programme that wants licences names somebody who has one. */
static void lint_licences(const struct policy *policy, uint32_t number, struct policy_findings *findings)
{
    const struct programme *programme = &policy->programmes[number];
    bool licensed = programme->licence_key == 0;
    for (uint32_t i = 0; i < policy->n_agents && !licensed; i++)
        licensed = policy->agents[i].licences.n > 0 &&
                   (policy->agents[i].programme == number || programme->widen == WIDEN_CELL);
    if (!licensed)
        finding_add(findings, FAULT_CONFLICT, "licence",
                    "is wanted, and none of agents has any: nobody could take a lead of this programme");
}

static void lint_programme(const struct policy *policy, uint32_t number, struct policy_findings *findings)
{
    const struct programme *programme = &policy->programmes[number];
    uint32_t n_teams = 0;
    for (uint32_t i = 0; i < policy->n_teams; i++)
        n_teams += policy->teams[i].programme == number;
    if (n_teams == 0)
        finding_add(findings, FAULT_MISSING, "teams",
                    "is missing or empty: nobody could take a lead of this programme");
    lint_licences(policy, number, findings);
    expect_at_most(findings, "penalty", programme->penalty_ms, "penalty_max", programme->penalty_max_ms);
    expect_at_most(findings, "timers.disposition", programme->disposition_ms, "timers.disposition_hard",
                   programme->disposition_hard_ms);
    pull_lint(findings, programme);
}

void policy_lint(const struct policy *policy, struct policy_findings *findings)
{
    findings->where[0] = '\0';
    lint_cell(policy, findings);
    lint_programmes(findings, policy);
    lint_lists(findings, policy);
    followup_lint(policy, findings);
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        snprintf(findings->where, sizeof findings->where, "programmes[%u].", i);
        lint_programme(policy, i, findings);
    }
    findings->where[0] = '\0';
    if (policy->default_programme == 0 && policy->n_sources == 0)
        finding_add(findings, FAULT_CONFLICT, "default_programme",
                    "is none and no programme names a source: no lead could come in");
}
