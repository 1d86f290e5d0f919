/* SPDX-License-Identifier: Apache-2.0
 * place.c - which pool a lead waits in: the one that the rules of its programme
 * say, and a wider one each time nobody took it: an agent's, its team's, the units
 * above it one by one, the programme's; from there as without rules, see rings in
 * docs/LEAD.md. */
#include "core/core_private.h"

#include <stdlib.h>
#include <string.h>

/* ---- what the rules see ------------------------------------------------------------ */

struct facts place_facts(const struct core *core, const struct lead *lead, struct feature ret_room[FEATURES_MAX + 1])
{
    static const char source[] = "source";
    const char *name = core->sources[lead->source];
    ret_room[0] = (struct feature){feature_key(source, sizeof source - 1),
                                   feature_of(&(struct attribute){.text = slice_of(name, strlen(name))})};
    if (lead->n_features)
        memcpy(ret_room + 1, lead->features, lead->n_features * sizeof *ret_room);
    return (struct facts){ret_room, lead->n_features + 1u};
}

static const struct policy_route *route_of(struct core *core, const struct lead *lead, enum route_set set)
{
    struct feature room[FEATURES_MAX + 1];
    if (core->policy.n_routes == 0)
        return NULL;
    if (!core->routes)
        core->routes = routes_new(&core->policy);
    const struct facts facts = place_facts(core, lead, room);
    const uint32_t route = routes_find(core->routes, lead->programme, set, &facts);
    return route == ROUTE_NONE ? NULL : &core->policy.routes[route];
}

/* ---- agents ----------------------------------------------------------------------------- */

struct pool *place_of_agent(struct agent *agent)
{
    if (!agent->direct) {
        agent->direct = calloc(1, sizeof *agent->direct);
        assert(agent->direct);
        *agent->direct = (struct pool){
            .index = NONE, .ring = RING_AGENT, .team = agent->index, .dry_us = INT64_MIN, .timer.owner = TIMER_POOL};
    }
    if (agent->direct->depth == 0)
        agent->direct->programme = (uint16_t) agent->programme;
    return agent->direct;
}

/* Its order is that of the agent's team, which may be another one now. */
static void reorder(const struct core *core, struct pool *pool)
{
    struct heap before = pool->waiting;
    pool->waiting = (struct heap){0};
    for (uint32_t i = 0; i < before.n; i++) {
        struct heap_node *node = before.at[i].node;
        *node = (struct heap_node){0};
        heap_add(&pool->waiting, node, lead_key(core, heap_entry(node, const struct lead, place)));
    }
    heap_fini(&before);
}

void place_leave_agent(struct core *core, struct agent *agent)
{
    struct pool *pool = agent->direct;
    if (!pool || !pool->depth)
        return;
    aside_end(core, pool); /* also those that stood aside */
    if (pool->programme == agent->programme) {
        reorder(core, pool);
        return;
    }
    for (struct heap_node *node; (node = heap_first(&pool->waiting));)
        place_wider(core, heap_entry(node, struct lead, place));
}

/* ---- into a pool ---------------------------------------------------------------------------- */

/* Where a limited pool is full, the unit above it takes what was meant for it, and hands it down again. */
static void into_unit(struct core *core, struct lead *lead, enum lead_event event, uint32_t unit, enum reason reason)
{
    const bool limited = programme_of(core, lead->programme)->mode == MODE_PUSH_PULL;
    if (limited && unit != NONE && unit_is_team(core, unit) && !unit_has_room(core, unit))
        unit = unit_above(core, unit);
    if (unit == NONE)
        lead_pool(core, lead, event, RING_OWN, NONE, reason);
    else
        lead_pool(core, lead, event, RING_TEAM, unit, reason);
}

static void into_team_of(struct core *core, struct lead *lead, enum lead_event event, const struct agent *agent,
                         enum reason reason)
{
    const bool same = agent->programme == lead->programme;
    into_unit(core, lead, event, same ? agent->team : NONE, reason);
}

bool place_with(struct core *core, struct lead *lead, enum lead_event event, struct agent *agent, enum reason reason)
{
    enum reason why;
    if (agent->programme != lead->programme || !pair_allowed(core, lead, agent, &why) ||
        place_of_agent(agent)->programme != lead->programme)
        return false;
    lead_pool(core, lead, event, RING_AGENT, agent->index, reason);
    return true;
}

/* An agent whom the lead must not reach, or who is not known here, stands for its team. */
static void into_agent(struct core *core, struct lead *lead, enum lead_event event, const char *name,
                       enum reason reason)
{
    struct agent *agent = agent_find(core, slice_of(name, strlen(name)));
    if (agent && place_with(core, lead, event, agent, reason))
        return;
    if (agent)
        into_team_of(core, lead, event, agent, reason);
    else
        lead_pool(core, lead, event, RING_OWN, NONE, reason);
}

void place_lead(struct core *core, struct lead *lead, enum lead_event event, enum route_set set, enum reason reason)
{
    const struct policy_route *route = route_of(core, lead, set);
    lead->route_version = route ? core->policy.version : 0;
    lead->route_line = route ? route->line : 0;
    lead->route_number = route ? (uint16_t) route->number : 0;
    lead->rerouted = route && route->set == ROUTES_AGAIN;
    if (route && route->target == ROUTE_TO_TEAM)
        into_unit(core, lead, event, route->to, reason);
    else if (route && route->target == ROUTE_TO_AGENT)
        into_agent(core, lead, event, core->policy.agents[route->to].name, reason);
    else
        lead_pool(core, lead, event, RING_OWN, NONE, reason);
}

void place_back(struct core *core, struct lead *lead, enum lead_event event, enum reason reason)
{
    place_lead(core, lead, event, lead->distributions ? ROUTES_AGAIN : ROUTES_FIRST, reason);
}

void place_wider(struct core *core, struct lead *lead)
{
    const enum ring ring = lead->ring;
    const uint32_t home = lead->home;
    if (ring == RING_AGENT)
        into_team_of(core, lead, MOVE_UNCLAIMED, core->agents[lead->team], REASON_WIDENED);
    else if (home != NONE && unit_above(core, home) != NONE)
        lead_pool(core, lead, MOVE_UNCLAIMED, RING_TEAM, unit_above(core, home), REASON_WIDENED);
    else if (home != NONE)
        lead_pool(core, lead, MOVE_UNCLAIMED, RING_OWN, NONE, REASON_WIDENED);
    else
        lead_pool(core, lead, MOVE_UNCLAIMED, ring == RING_WIDE ? RING_LAST : RING_WIDE, NONE, REASON_UNCLAIMED);
}
