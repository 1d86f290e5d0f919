/* SPDX-License-Identifier: Apache-2.0
 * duty.c - who is on duty: the shift of its team, on the wall clock of the team,
 * less absences that were planned. Off duty an agent gets nothing new, whatever
 * it says and however well it is connected; what it has not touched goes to
 * others at once and nobody is blamed; what it works on it may finish.
 *
 * One timer an agent, at the next instant at which this may change. An agent for
 * whom nothing is planned has none, and costs nothing. */
#include "core/core_private.h"

struct shift {
    const struct hours *hours; /* NULL: at any time */
    const struct zone *zone;
};

/* The nearest above the agent that says something; last its programme. */
static struct shift shift_of(const struct core *core, const struct agent *agent)
{
    const struct programme *programme = programme_of(core, agent->programme);
    uint32_t hours = 0, zone = 0;
    for (uint32_t unit = agent->team; unit != NONE && !(hours && zone); unit = unit_above(core, unit)) {
        hours = hours ? hours : core->policy.teams[unit].shift;
        zone = zone ? zone : core->policy.teams[unit].zone;
    }
    hours = hours ? hours : programme->shift;
    return (struct shift){hours ? &core->policy.hours[hours - 1].hours : NULL,
                          &core->policy.zones[zone ? zone - 1 : programme->zone].zone};
}

static bool is_absent(const struct core *core, const struct agent *agent)
{
    return now_ms(core) >= agent->absent_from_ms && now_ms(core) < agent->absent_until_ms;
}

enum reason duty_judge(const struct core *core, const struct agent *agent)
{
    const struct shift shift = shift_of(core, agent);
    if (is_absent(core, agent))
        return REASON_ABSENT;
    return shift.hours && !calendar_open(shift.hours, shift.zone, now_ms(core)) ? REASON_OFF_SHIFT : REASON_OK;
}

int64_t duty_begins_ms(const struct core *core, const struct agent *agent)
{
    const struct shift shift = shift_of(core, agent);
    const int64_t from_ms = is_absent(core, agent) ? agent->absent_until_ms : now_ms(core);
    return shift.hours ? calendar_opens_ms(shift.hours, shift.zone, from_ms) : from_ms;
}

static int64_t changes_ms(const struct core *core, const struct agent *agent)
{
    const struct shift shift = shift_of(core, agent);
    int64_t at_ms = CALENDAR_NEVER;
    if (shift.hours && calendar_open(shift.hours, shift.zone, now_ms(core)))
        at_ms = calendar_closes_ms(shift.hours, shift.zone, now_ms(core));
    else if (shift.hours)
        at_ms = calendar_opens_ms(shift.hours, shift.zone, now_ms(core));
    if (agent->absent_from_ms > now_ms(core) && agent->absent_from_ms < at_ms)
        at_ms = agent->absent_from_ms;
    if (is_absent(core, agent) && agent->absent_until_ms < at_ms)
        at_ms = agent->absent_until_ms;
    return shift.hours && at_ms == CALENDAR_NEVER ? now_ms(core) + 30 * DAY_MS : at_ms; /* to look again */
}

static void hand_back(struct core *core, struct agent *agent, enum reason why)
{
    if (agent->ready)
        agent_ready_refuse(core, agent, why);
    for (struct lead *lead = agent->held, *next; lead; lead = next) {
        next = lead->held_next;
        if (lead->state == LEAD_OFFERED || lead->state == LEAD_OWNED)
            revoke_begin(core, lead, why);
    }
}

void duty_arm(struct core *core, struct agent *agent)
{
    if (!duty_is_planned(core, agent) || heap_has(&agent->duty.node))
        return;
    /* after a restart its duty may have ended while nobody looked */
    const bool late = agent->offered + agent->owned > 0 && duty_why_not(core, agent) != REASON_OK;
    const int64_t at_ms = late ? now_ms(core) : changes_ms(core, agent);
    if (at_ms != CALENDAR_NEVER)
        core_arm(core, &agent->duty, at_ms, true);
}

void duty_follow(struct core *core, struct agent *agent)
{
    core_disarm(core, &agent->duty);
    agent_update(core, agent);
}

void duty_timer_fire(struct core *core, struct agent *agent)
{
    const enum reason why = duty_why_not(core, agent);
    if (why != REASON_OK)
        hand_back(core, agent, why);
    duty_follow(core, agent);
}

bool duty_plan_absence(struct core *core, struct slice name, int64_t from_ms, int64_t until_ms)
{
    struct agent *agent = agent_find(core, name);
    if (!agent)
        return false;
    agent->absent_from_ms = from_ms;
    agent->absent_until_ms = until_ms;
    agent_touch(core, agent);
    duty_timer_fire(core, agent);
    return true;
}
