/* SPDX-License-Identifier: Apache-2.0
 * turnover.c - who left and stays away is forgotten, so that a cell with newcomers
 * every day needs nobody to keep its list of agents. By a timer, after the
 * policy's time; when the table is full, before that, the longest gone first; or
 * by an operator. A row says so, and takes the agent out of the view.
 *
 * An index is never given again. Rows name agents by it, those of the log for as
 * long as there is an archive, so a second owner would be told another's history.
 * What is left of an agent is therefore eight bytes in a table, and no row. */
#include "core/core_private.h"
#include "core/limits.h"

#include <string.h>

enum { HOUR_MS = 3600000, FULL_MS = 1000 };

/* ---- who is named -------------------------------------------------------------------- */

void turnover_names(struct core *core, const struct lead *lead, int by, bool all)
{
    if (lead_terminal(lead))
        return;
    if (lead->former != NONE)
        core->agents[lead->former]->awaited += (uint32_t) by;
    if (!all)
        return;
    const uint32_t assign_to = followup_look(lead)->assign_to;
    if (assign_to != NONE)
        core->agents[assign_to]->awaited += (uint32_t) by;
    for (uint32_t i = 0; i < lead->n_excludes; i++) {
        struct agent *agent = core->agents[lead->excludes[i].agent];
        if (agent && lead->excludes[i].until_ms == INT64_MAX)
            agent->excluded += (uint32_t) by;
    }
}

/* ---- may it go? ----------------------------------------------------------------------- */

/* Something would be lost, or point nowhere. */
static enum reason must_stay(const struct agent *agent)
{
    const struct pool *direct = agent->direct;
    if (agent->present || agent->peer)
        return REASON_STILL_HERE;
    if (agent->held || agent->awaited || (direct && direct->depth))
        return REASON_HAS_LEADS;
    const bool in_hand = agent->lent || agent->due_listed || agent->now_listed;
    return in_hand || (direct && (direct->dirty || direct->short_of)) ? REASON_BUSY : REASON_OK;
}

/* Somebody counts on the cell to know it: only who says so may undo it. */
static bool is_administered(const struct core *core, const struct agent *agent)
{
    return agent->list_place < POLICY_AGENTS_MAX || agent->paused == REASON_PAUSED_BY_OPERATOR ||
           agent->absent_until_ms > now_ms(core);
}

/* Came back before that, it would not be as a newcomer. */
static int64_t patience_ms(const struct core *core, const struct agent *agent)
{
    const struct programme *programme = programme_of(core, agent->programme);
    const int64_t after_ms = core->policy.forget_after_ms;
    return programme->ramp_leads && programme->ramp_after_ms > after_ms ? programme->ramp_after_ms : after_ms;
}

int64_t turnover_due_ms(const struct core *core, const struct agent *agent)
{
    if (agent->present || agent->held || core->policy.forget_after_ms == 0)
        return INT64_MAX;
    const int64_t after_ms = patience_ms(core, agent), due_ms = agent->gone_ms + after_ms;
    const int64_t again_ms = agent->kept_ms + (after_ms < DAY_MS ? after_ms : DAY_MS);
    return agent->kept_ms && again_ms > due_ms ? again_ms : due_ms;
}

/* ---- forgetting ------------------------------------------------------------------------ */

static void unlink_dirty(struct core *core, struct agent *agent)
{
    struct agent **at = &core->dirty_agents;
    if (!agent->dirty)
        return;
    while (*at != agent)
        at = &(*at)->dirty_next;
    *at = agent->dirty_next;
}

static void forget(struct core *core, struct agent *agent)
{
    record_agent_gone(core, agent);
    limits_forget(core, agent);
    for (uint32_t i = 0; i < core->n_peers; i++) /* a line that was silent all the time may still have its session */
        if (core->peers[i].role == ROLE_AGENT && core->peers[i].index == agent->index)
            core->peers[i].session = 0;
    agent_leave_scopes(core, agent);
    unlink_dirty(core, agent);
    core_disarm(core, &agent->timer);
    core_disarm(core, &agent->duty);
    if (agent->direct)
        core_disarm(core, &agent->direct->timer);
    core->forgotten++;
    agent_drop(core, agent);
}

bool turnover_check(struct core *core, struct agent *agent)
{
    if (turnover_due_ms(core, agent) > run_ms(core))
        return false;
    if (must_stay(agent) != REASON_OK || is_administered(core, agent) || agent->excluded ||
        limits_count_now(core, agent)) {
        agent->kept_ms = run_ms(core);
        return false;
    }
    forget(core, agent);
    return true;
}

/* Past owners of leads that go on come last: forgotten, they could be given such a lead a second time. */
static bool goes_before(const struct agent *a, const struct agent *b)
{
    const bool one = a->excluded > 0, two = b->excluded > 0;
    return one != two ? two : a->gone_ms < b->gone_ms;
}

bool turnover_make_room(struct core *core)
{
    const int64_t after_ms = core->policy.forget_after_ms;
    const int64_t gone_before_ms = run_ms(core) - (after_ms && after_ms < HOUR_MS ? after_ms : HOUR_MS);
    struct agent *first = NULL;
    if (run_ms(core) < core->full_ms)
        return false;
    for (uint32_t i = 0; i < core->n_known; i++) {
        struct agent *agent = core->known[i];
        if (!agent->present && agent->gone_ms <= gone_before_ms && (!first || goes_before(agent, first)) &&
            must_stay(agent) == REASON_OK && !is_administered(core, agent))
            first = agent;
    }
    if (first)
        forget(core, first);
    else
        core->full_ms = run_ms(core) + FULL_MS;
    return first;
}

enum reason turnover_forget(struct core *core, struct slice name)
{
    struct agent *agent = agent_find(core, name);
    const enum reason why = agent ? must_stay(agent) : REASON_UNKNOWN_AGENT;
    if (why == REASON_OK)
        forget(core, agent);
    return why;
}
