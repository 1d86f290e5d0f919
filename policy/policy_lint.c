/* SPDX-License-Identifier: Apache-2.0
 * policy_lint.c - what can be wrong in a policy although each value is in range:
 * names that are taken twice, timers that contradict each other, leads that
 * could come from nowhere or go to nobody. Reads the compiled policy, so that it
 * judges what will be in force, defaults included. */
#include "policy/policy_lint.h"

#include <stdio.h>
#include <string.h>

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

/* Teams or sources: entry `i` stands in its programme, behind the others there. */
static void lint_members(struct policy_findings *findings, const char *key, const struct policy_member *members,
                         uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint32_t place = 0;
        bool twice = false;
        for (uint32_t k = 0; k < i; k++) {
            place += members[k].programme == members[i].programme;
            twice |= strcmp(members[k].name, members[i].name) == 0;
        }
        char path[64];
        snprintf(path, sizeof path, "programmes[%u].%s[%u]", members[i].programme, key, place);
        if (twice && members[i].name[0] != '\0')
            finding_add(findings, FAULT_DUPLICATE, path, "\"%s\" is there twice; a name belongs to one place",
                        members[i].name);
    }
}

/* An agent may be listed by several programmes, since who moves to another team takes its place there. */
static void lint_agents(struct policy_findings *findings, const struct policy *policy)
{
    for (uint32_t i = 0; i < policy->n_agents; i++) {
        const struct policy_agent *agent = &policy->agents[i];
        uint32_t place = 0;
        bool twice = false;
        for (uint32_t k = 0; k < i; k++) {
            place += policy->agents[k].programme == agent->programme;
            twice |=
                policy->agents[k].programme == agent->programme && strcmp(policy->agents[k].name, agent->name) == 0;
        }
        char path[64];
        snprintf(path, sizeof path, "programmes[%u].agents[%u].name", agent->programme, place);
        if (twice && agent->name[0] != '\0')
            finding_add(findings, FAULT_DUPLICATE, path, "\"%s\" is there twice; a name belongs to one place",
                        agent->name);
    }
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

static void lint_programme(const struct policy *policy, uint32_t number, struct policy_findings *findings)
{
    const struct programme *programme = &policy->programmes[number];
    uint32_t n_teams = 0;
    for (uint32_t i = 0; i < policy->n_teams; i++)
        n_teams += policy->teams[i].programme == number;
    if (n_teams == 0)
        finding_add(findings, FAULT_MISSING, "teams",
                    "is missing or empty: nobody could take a lead of this programme");
    expect_at_most(findings, "penalty", programme->penalty_ms, "penalty_max", programme->penalty_max_ms);
    expect_at_most(findings, "timers.disposition", programme->disposition_ms, "timers.disposition_hard",
                   programme->disposition_hard_ms);
}

void policy_lint(const struct policy *policy, struct policy_findings *findings)
{
    findings->where[0] = '\0';
    lint_cell(policy, findings);
    lint_programmes(findings, policy);
    lint_members(findings, "teams", policy->teams, policy->n_teams);
    lint_members(findings, "sources", policy->sources, policy->n_sources);
    lint_agents(findings, policy);
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        snprintf(findings->where, sizeof findings->where, "programmes[%u].", i);
        lint_programme(policy, i, findings);
    }
    findings->where[0] = '\0';
    if (policy->default_programme == 0 && policy->n_sources == 0)
        finding_add(findings, FAULT_CONFLICT, "default_programme",
                    "is none and no programme names a source: no lead could come in");
}
