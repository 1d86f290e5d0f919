/* SPDX-License-Identifier: Apache-2.0
 * policy_followup.c - see policy_followup.h. A limit that was not written gives way
 * to one that was: a default contradicts nobody. */
#include "policy/policy_followup.h"

#include <stdio.h>
#include <string.h>

#include "policy/policy_near.h"

static void read_target(struct policy_findings *findings, const char *text, struct policy *policy, uint32_t number)
{
    struct near near = {0};
    char hint[64];
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        if (strcmp(policy->programmes[i].name, text) == 0)
            policy->programmes[number].redistribute_to = i + 1;
        near_try(&near, text, policy->programmes[i].name);
    }
    if (policy->programmes[number].redistribute_to == 0)
        finding_add(findings, FAULT_NO_SUCH_NAME, "redistribute_to",
                    "is \"%.70s\"; allowed is the name of a programme%s", text, near_hint(&near, hint));
}

/* Of its own sources: those of another programme are vetted there, or not. */
static void read_vet_sources(struct policy_findings *findings, const struct raw_programme *raw, struct policy *policy,
                             uint32_t number)
{
    for (uint32_t i = 0; i < raw->vet_sources_count; i++) {
        struct near near = {0};
        char path[40], hint[64];
        bool known = false;
        for (uint32_t s = 0; s < policy->n_sources; s++) {
            struct policy_member *source = &policy->sources[s];
            if (source->programme != number)
                continue;
            near_try(&near, raw->vet_sources[i], source->name);
            if (strcmp(source->name, raw->vet_sources[i]) == 0)
                known = source->vet = policy->programmes[number].vet_some = true;
        }
        snprintf(path, sizeof path, "vet_sources[%u]", i);
        if (!known)
            finding_add(findings, FAULT_NO_SUCH_NAME, path,
                        "is \"%.70s\"; allowed is one of this programme's sources%s", raw->vet_sources[i],
                        near_hint(&near, hint));
    }
}

void followup_read(struct policy_findings *findings, const struct raw_policy *raw, struct policy *policy)
{
    for (uint32_t i = 0; i < raw->programmes_count; i++) {
        const struct raw_programme *from = &raw->programmes[i];
        struct programme *programme = &policy->programmes[i];
        snprintf(findings->where, sizeof findings->where, "programmes[%u].", i);
        if (!from->attempts_min && programme->attempts_min > programme->attempts_max)
            programme->attempts_min = programme->attempts_max;
        if (!from->recycles_max && programme->cool_off_ms >= programme->age_max_ms)
            programme->recycles_max = 0;
        read_vet_sources(findings, from, policy, i);
        if (from->redistribute_to)
            read_target(findings, from->redistribute_to, policy, i);
    }
    findings->where[0] = '\0';
}

static bool comes_back(const struct policy *policy, uint32_t number)
{
    uint32_t at = number;
    for (uint32_t i = 0; i < policy->n_programmes && policy->programmes[at].redistribute_to; i++) {
        at = policy->programmes[at].redistribute_to - 1;
        if (at == number)
            return true;
    }
    return false;
}

void followup_lint(const struct policy *policy, struct policy_findings *findings)
{
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        const struct programme *programme = &policy->programmes[i];
        const uint32_t owners = programme->distributions_max * (programme->recycles_max + 1);
        snprintf(findings->where, sizeof findings->where, "programmes[%u].", i);
        if (programme->attempts_min > programme->attempts_max)
            finding_add(findings, FAULT_CONFLICT, "attempts_min", "is %u; allowed is at most attempts_max, %u",
                        programme->attempts_min, programme->attempts_max);
        if (programme->recycles_max && programme->cool_off_ms >= programme->age_max_ms)
            finding_add(findings, FAULT_CONFLICT, "recycles_max",
                        "is %u, but that can never happen: cool_off is not shorter than age_max",
                        programme->recycles_max);
        if (programme->distributions_max == 1 && !programme->recycles_max && !programme->redistribute_to)
            finding_add(findings, FAULT_CONFLICT, "distributions_max",
                        "is 1, and nothing follows: a lead dies with its first owner. Set recycles_max or "
                        "redistribute_to, or a higher one");
        if (owners > POLICY_OWNERS_MAX)
            finding_add(findings, FAULT_CONFLICT, "distributions_max",
                        "is %u, with recycles_max %u that is %u owners; a lead remembers %d",
                        programme->distributions_max, programme->recycles_max, owners, POLICY_OWNERS_MAX);
        if (comes_back(policy, i))
            finding_add(findings, FAULT_CONFLICT, "redistribute_to",
                        "leads back to this programme: leads would go round for ever");
    }
    findings->where[0] = '\0';
}
