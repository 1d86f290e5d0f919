/* SPDX-License-Identifier: Apache-2.0
 * then.c - see then.h. Leads in hands are counted as being worked on: which of them
 * were not, the log knows, but no limit that could be told apart by it matters to who
 * had a card. */
#include "core/then.h"

#include <stdlib.h>

#include "core/core_private.h"

struct then {
    struct core *core;
};

struct then *then_new(const struct policy *policy, uint32_t version)
{
    struct then *then = calloc(1, sizeof *then);
    assert(then);
    then->core = core_new(policy);
    core_load_policy(then->core, policy, version);
    return then;
}

void then_destroy(struct then **then_p)
{
    if (!*then_p)
        return;
    core_destroy(&(*then_p)->core);
    free(*then_p);
    *then_p = NULL;
}

bool then_row(struct then *then, const struct row_ref *row)
{
    return core_apply(then->core, row);
}

bool then_begin(struct then *then, int64_t now_us, const uint32_t *open, uint32_t n)
{
    struct core *core = then->core;
    if (!core_loaded(core))
        return false;
    core->now_us = now_us;
    for (uint32_t i = 0; i < core->n_known; i++) {
        struct agent *agent = core->known[i];
        agent->peer = agent->present;
        agent->offered = agent->owned = agent->wrap_up = 0;
        agent->working = agent->index < n ? open[agent->index] : 0;
        agent->heard_ms = run_ms(core);
    }
    return true;
}

enum reason then_why_none(const struct then *then, struct id id, uint32_t index)
{
    struct core *core = then->core;
    const struct lead *lead = leads_find(core, id);
    const struct agent *agent = index < core->n_agents ? core->agents[index] : NULL;
    enum reason why = REASON_OK;
    if (!agent)
        return REASON_NOT_CONNECTED;
    if (lead && !pair_allowed(core, lead, agent, &why))
        return why;
    return agent_cards(core, agent, &why, NULL) > 0 ? REASON_OK : why;
}
