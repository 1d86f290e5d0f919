/* SPDX-License-Identifier: Apache-2.0
 * policy_lint.c - what can be wrong in a policy although each value is in range:
 * names that are taken twice, timers that contradict each other, leads that
 * could come from nowhere or go to nobody. Reads the compiled policy, so that it
 * judges what will be in force, defaults included. */
#include "policy/policy_lint.h"

#include <stdio.h>
#include <string.h>

#include "policy/policy_values.h"

static void expect_at_most(struct findings *findings, const char *key, int64_t ms, const char *limit_key,
                           int64_t limit_ms)
{
    char text[VALUE_TEXT_MAX], limit[VALUE_TEXT_MAX];
    if (ms <= limit_ms)
        return;
    value_print(VALUE_MS, ms, text);
    value_print(VALUE_MS, limit_ms, limit);
    finding_add(findings, key, "is %s; allowed is at most %s, %s", text, limit_key, limit);
}

static void lint_cell(const struct policy *policy, struct findings *findings)
{
    char lease[VALUE_TEXT_MAX];
    value_print(VALUE_MS, policy->lease_ms, lease);
    if (policy->lease_ms < 3 * policy->heartbeat_ms)
        finding_add(findings, "lease", "is %s; allowed is at least 3 x heartbeat, or one lost message ends a session",
                    lease);
    if (policy->guard_ms >= policy->lease_ms)
        finding_add(findings, "guard", "must be shorter than lease, %s", lease);
}

/* The names of one table, which lies about in structs of `size` bytes. */
static void lint_names(struct findings *findings, const char *key, const void *names, uint32_t n, size_t size)
{
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < i; k++) {
            const char *name = (const char *) names + i * size;
            if (strcmp(name, (const char *) names + k * size) == 0) {
                finding_add(findings, key, "\"%s\" is there twice; a name belongs to one place", name);
                break;
            }
        }
}

static void lint_programme(const struct policy *policy, uint32_t number, struct findings *findings)
{
    const struct programme *programme = &policy->programmes[number];
    uint32_t n_teams = 0;
    for (uint32_t i = 0; i < policy->n_teams; i++)
        n_teams += policy->teams[i].programme == number;
    if (n_teams == 0)
        finding_add(findings, "teams", "is missing or empty: nobody could take a lead of this programme");
    expect_at_most(findings, "penalty", programme->penalty_ms, "penalty_max", programme->penalty_max_ms);
    expect_at_most(findings, "timers.disposition", programme->disposition_ms, "timers.disposition_hard",
                   programme->disposition_hard_ms);
}

void policy_lint(const struct policy *policy, struct findings *findings)
{
    findings->where[0] = '\0';
    lint_cell(policy, findings);
    lint_names(findings, "programmes", policy->programmes, policy->n_programmes, sizeof policy->programmes[0]);
    lint_names(findings, "teams", policy->teams, policy->n_teams, sizeof policy->teams[0]);
    lint_names(findings, "sources", policy->sources, policy->n_sources, sizeof policy->sources[0]);
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        snprintf(findings->where, sizeof findings->where, "programmes[%u].", i);
        lint_programme(policy, i, findings);
    }
    findings->where[0] = '\0';
    if (policy->default_programme == 0 && policy->n_sources == 0)
        finding_add(findings, "default_programme", "is none and no programme names a source: no lead could come in");
}
