/* SPDX-License-Identifier: Apache-2.0
 * activity.c - is there somebody? A heartbeat proves a connection, work proves an
 * agent: who holds or was given leads and shows no work for the programme's time
 * is PAUSED and gets nothing new until it acts or says its intent. And the pause
 * by an operator, which only an operator ends.
 *
 * The clock runs only while something is there to be done: who waits for a lead
 * is not called inactive. It is in no record: a restart counts as a sign of life,
 * since nobody could show one meanwhile. */
#include "core/core_private.h"

#include <string.h>

#include "core/limits.h"

int64_t activity_ends_ms(const struct core *core, const struct agent *agent)
{
    const int64_t patience_ms = programme_of(core, agent->programme)->inactive_ms;
    const bool awaited =
        patience_ms && agent->quiet_ms && agent->present && !agent->paused && agent->intent == INTENT_AVAILABLE;
    return awaited ? agent->quiet_ms + patience_ms : INT64_MAX;
}

void activity_given(struct core *core, struct agent *agent)
{
    if (!agent->quiet_ms)
        agent->quiet_ms = run_ms(core);
}

static void set_pause(struct core *core, struct agent *agent, enum reason why)
{
    agent->paused = (uint16_t) why;
    agent->pause_note[0] = 0;
    agent_touch(core, agent);
}

static void is_there(struct core *core, struct agent *agent)
{
    agent->quiet_ms = agent_open(agent) ? run_ms(core) : 0;
}

void activity_seen(struct core *core, struct agent *agent, uint32_t evidence)
{
    if (evidence & (EVIDENCE_ACT | EVIDENCE_DISPOSITION))
        limits_acted(core, agent);
    if (!(programme_of(core, agent->programme)->evidence & evidence))
        return;
    is_there(core, agent);
    if (agent->paused != REASON_INACTIVE)
        return;
    set_pause(core, agent, REASON_OK);
    agent_update(core, agent);
}

void activity_check(struct core *core, struct agent *agent)
{
    if (activity_ends_ms(core, agent) > run_ms(core))
        return;
    agent->quiet_ms = 0;
    set_pause(core, agent, REASON_INACTIVE);
}

void activity_intent(struct core *core, struct agent *agent)
{
    agent->misses = 0;
    is_there(core, agent);
    if (agent->paused != REASON_PAUSED_BY_OPERATOR)
        set_pause(core, agent, REASON_OK);
    limits_acted(core, agent);
}

bool activity_pause(struct core *core, struct slice name, struct slice note)
{
    struct agent *agent = agent_find(core, name);
    if (!agent)
        return false;
    set_pause(core, agent, REASON_PAUSED_BY_OPERATOR);
    memcpy(agent->pause_note, note.at, note.len);
    agent->pause_note[note.len] = 0;
    agent_update(core, agent);
    return true;
}

bool activity_resume(struct core *core, struct slice name)
{
    struct agent *agent = agent_find(core, name);
    if (!agent)
        return false;
    set_pause(core, agent, REASON_OK);
    activity_intent(core, agent);
    agent_update(core, agent);
    return true;
}
