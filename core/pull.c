/* SPDX-License-Identifier: Apache-2.0
 * pull.c - what an agent sees of a lead, and when. Every offer leaves here: how
 * much of the row it shows is decided at this one place, and the encoder cuts it.
 *
 * Who previews may skip a few leads an hour. Each skip costs the credit and counts;
 * when they are used up leads come blind, and giving one back costs what it costs
 * anybody. So nobody can turn lead after lead over until a good one comes. */
#include "core/core_private.h"

enum { SKIPS_PERIOD_MS = 3600 * 1000 };

void pull_show(struct core *core, struct lead *lead, const struct agent *agent, int64_t answer_ms)
{
    const enum see see = lead->state == LEAD_OFFERED ? (enum see) programme_of(core, lead->programme)->see : SEE_FULL;
    lead->masked = see != SEE_FULL;
    effects_offer(core->effects, agent->peer,
                  &(struct offer){.lead = lead->id,
                                  .fence = lead->fence,
                                  .state = lead->state,
                                  .valid_seq = agent->heard_seq,
                                  .valid_ms = (uint32_t) core->policy.lease_ms,
                                  .attempts = lead->attempts,
                                  .score = lead_score(lead),
                                  .answer_ms = (uint32_t) (answer_ms > 0 ? answer_ms : 0),
                                  .see = see,
                                  .row = slice_of(lead->raw, lead->raw_len)});
}

static uint32_t skips_left(const struct core *core, const struct agent *agent)
{
    const uint32_t most = programme_of(core, agent->programme)->skips_max;
    const uint32_t used = run_ms(core) - agent->skips_since_ms < SKIPS_PERIOD_MS ? agent->skips : 0;
    return used < most ? most - used : 0;
}

bool pull_previews(const struct core *core, const struct agent *agent)
{
    return programme_of(core, agent->programme)->pull == PULL_PREVIEW && skips_left(core, agent) > 0;
}

bool pull_skip(struct core *core, struct agent *agent)
{
    if (!agent_earns(core, agent) || !pull_previews(core, agent))
        return false;
    if (agent->skips == 0 || run_ms(core) - agent->skips_since_ms >= SKIPS_PERIOD_MS) {
        agent->skips = 0;
        agent->skips_since_ms = run_ms(core);
    }
    agent->skips++;
    agent_touch(core, agent);
    return true;
}
