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
    return core->n_filters || core->budgets || programme_of(core, programme)->licence_key;
}

/* Facts are gathered once for all agents that a lead is held against. */
void pair_begin(const struct core *core, const struct lead *lead, struct pair_lead *ret)
{
    ret->lead = lead;
    ret->n_facts = pair_has_rules(core, lead->programme) ? place_facts(core, lead, ret->room).n : 0;
}

static enum reason rules(const struct core *core, const struct pair_lead *pair, const struct agent *agent)
{
    const struct facts facts = {pair->room, pair->n_facts};
    if (facts.n == 0) /* without rules: with them there is at least its source */
        return REASON_OK;
    return !licensed(core, pair->lead, agent, &facts) ? REASON_NO_LICENCE
           : !passes(core, agent, &facts)             ? REASON_FILTERED
                                                      : REASON_OK;
}

enum reason pair_rules(const struct core *core, const struct lead *lead, const struct agent *agent)
{
    struct pair_lead pair;
    pair_begin(core, lead, &pair);
    return rules(core, &pair, agent);
}

/* What is the same for all leads of a kind. */
enum reason pair_kind(const struct core *core, const struct pair_lead *pair, const struct agent *agent)
{
    const enum reason why = rules(core, pair, agent);
    if (why == REASON_OK && pair->lead->state != LEAD_PIPELINE && !limits_affords(core, agent, pair->lead))
        return REASON_BUDGET;
    return why;
}

bool pair_may(const struct core *core, const struct pair_lead *pair, const struct agent *agent, enum reason *ret_why)
{
    const struct exclude *exclude = lead_excluded(pair->lead, agent->index, run_ms(core));
    *ret_why = exclude ? exclude->reason : pair_kind(core, pair, agent);
    return *ret_why == REASON_OK;
}

bool pair_allowed(const struct core *core, const struct lead *lead, const struct agent *agent, enum reason *ret_why)
{
    struct pair_lead pair;
    pair_begin(core, lead, &pair);
    return pair_may(core, &pair, agent, ret_why);
}

/* Leads that the same filters let through, of the same value for the licence and, where money is counted, the same
 * cost, are of one kind: agents may have all of them or none. */
uint64_t pair_kind_of(const struct core *core, const struct lead *lead)
{
    struct pair_lead pair;
    pair_begin(core, lead, &pair);
    const struct facts facts = {pair.room, pair.n_facts};
    const uint32_t key = programme_of(core, lead->programme)->licence_key;
    uint64_t hash = core->budgets ? facts_mix(1, lead->cost_cents) : 0, bits = 1;
    int64_t value;
    if (key && facts_get(&facts, key, &value))
        hash = facts_mix(facts_mix(hash, 1), (uint64_t) value);
    for (uint32_t i = 0; i < core->n_filters; i++) {
        bits = bits << 1 | tests_hold(&core->policy, core->filters[i], &facts);
        if (bits >> 63) {
            hash = facts_mix(hash, bits);
            bits = 1;
        }
    }
    return facts_mix(hash, bits);
}
