/* SPDX-License-Identifier: Apache-2.0
 * pair.c - may this agent have this lead at all? What stands between the two has
 * its one home here: the window's exclusions, the check of a verdict against the
 * state of now, and explanations all ask it. How many leads an agent may have is
 * cards.c; which agents a pool is for, allocate.c. */
#include "core/core_private.h"
#include "core/limits.h"

/* The agent's own filter, and those of its team and the units above it. */
static bool passes(const struct core *core, const struct agent *agent, const struct facts *facts)
{
    const struct policy *policy = &core->policy;
    if (agent->list_place < policy->n_agents && !tests_hold(policy, policy->agents[agent->list_place].only, facts))
        return false;
    for (uint32_t unit = agent->team; unit != NONE; unit = unit_above(core, unit))
        if (!tests_hold(policy, policy->teams[unit].only, facts))
            return false;
    return true;
}

static bool licensed(const struct core *core, const struct lead *lead, const struct agent *agent,
                     const struct facts *facts)
{
    const struct policy *policy = &core->policy;
    const uint32_t key = programme_of(core, lead->programme)->licence_key;
    int64_t value;
    return !key || (facts_get(facts, key, &value) && agent->list_place < policy->n_agents &&
                    values_have(policy, policy->agents[agent->list_place].licences, value));
}

bool pair_has_rules(const struct core *core, uint32_t programme)
{
    return core->any_filter || core->budgets || programme_of(core, programme)->licence_key;
}

enum reason pair_rules(const struct core *core, const struct lead *lead, const struct agent *agent)
{
    struct feature room[FEATURES_MAX + 1];
    if (!pair_has_rules(core, lead->programme))
        return REASON_OK;
    const struct facts facts = place_facts(core, lead, room);
    return !licensed(core, lead, agent, &facts) ? REASON_NO_LICENCE
           : !passes(core, agent, &facts)       ? REASON_FILTERED
                                                : REASON_OK;
}

bool pair_allowed(const struct core *core, const struct lead *lead, const struct agent *agent, enum reason *ret_why)
{
    const struct exclude *exclude = lead_excluded(lead, agent->index, run_ms(core));
    *ret_why = exclude ? exclude->reason : pair_rules(core, lead, agent);
    if (*ret_why == REASON_OK && lead->state != LEAD_PIPELINE && !limits_affords(core, agent, lead))
        *ret_why = REASON_BUDGET;
    return *ret_why == REASON_OK;
}
