/* SPDX-License-Identifier: Apache-2.0
 * policy_places.c - the places of programmes, teams and units in the tables. They are
 * known by name and keep their place over all changes of the policy, so that
 * leads, agents, pools and scopes need not be touched; a programme that is gone
 * keeps its own, retired, while ended leads are counted in it. */
#include "core/core_private.h"
#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

/* ---- by name ------------------------------------------------------------------------------ */

static uint32_t find_programme(const struct policy *policy, const char *name)
{
    for (uint32_t i = 0; i < policy->n_programmes; i++)
        if (name[0] && strcmp(policy->programmes[i].name, name) == 0)
            return i;
    return NONE;
}

/* Where a team or unit of `policy` stands now; NONE: it is new here. A team is known by its name alone, since it may
 * change its programme. */
uint32_t policy_place_now(const struct core *core, const struct policy *policy, uint32_t i)
{
    const struct policy_team *team = &policy->teams[i];
    const struct slice name = slice_of(team->name, strlen(team->name));
    if (!team->name[0])
        return NONE;
    if (team->kind < UNIT_OFFICE)
        return team_find(core, name);
    const uint32_t programme = find_programme(&core->policy, policy->programmes[team->programme].name);
    const uint32_t unit = programme == NONE ? NONE : unit_find(core, programme, name);
    return unit != NONE && !unit_is_team(core, unit) ? unit : NONE;
}

bool policy_stays(const struct core *core, const struct policy *policy, uint32_t programme)
{
    return find_programme(policy, programme_of(core, programme)->name) != NONE;
}

/* No lead ever came, and none is in it. While loading, leads are not counted yet. */
bool policy_is_empty(const struct core *core, uint32_t programme)
{
    const struct programme_state *state = &core->programmes[programme];
    uint64_t sum = state->received + state->moved_in;
    for (unsigned s = 0; s < LEAD_STATES; s++)
        sum += state->count[s];
    for (uint32_t i = 0; core->loading && i < core->leads.n && sum == 0; i++)
        sum += lead_at(&core->leads, i)->programme == programme;
    return sum == 0;
}

uint32_t policy_first_team(const struct core *core)
{
    uint32_t team = 0;
    while (team + 1 < core->policy.n_teams && !unit_is_team(core, team))
        team++;
    return team;
}

/* ---- places --------------------------------------------------------------------------------- */

/* Its rules go, and with "" its name too. */
static void retire(struct programme *programme, const char *name)
{
    struct programme gone = {.retired = name[0], .mode = MODE_PUSH, .widen = WIDEN_PROGRAMME};
    memcpy(gone.name, name, strlen(name));
    *programme = gone;
}

/* Teams and units, and what names them by their place. */
static void arrange_teams(const struct core *core, const struct policy *policy, const uint32_t *programmes,
                          struct policy *new)
{
    uint32_t *place = calloc((size_t) policy->n_teams + 1, sizeof *place), free_place = 0;
    assert(place);
    new->n_teams = core->policy.n_teams;
    memset(new->teams, 0, sizeof new->teams);
    for (uint32_t i = 0; i < policy->n_teams; i++)
        if ((place[i] = policy_place_now(core, policy, i)) != NONE)
            new->teams[place[i]] = policy->teams[i];
    for (uint32_t i = 0; i < policy->n_teams; i++) {
        while (place[i] == NONE && new->teams[free_place].name[0])
            free_place++;
        if (place[i] == NONE)
            new->teams[place[i] = free_place] = policy->teams[i];
        new->n_teams = place[i] >= new->n_teams ? place[i] + 1 : new->n_teams;
    }
    for (uint32_t i = 0; i < new->n_teams; i++) {
        struct policy_team *team = &new->teams[i];
        team->programme = team->name[0] ? programmes[team->programme] : NONE;
        team->in = team->in ? place[team->in - 1] + 1 : 0;
    }
    for (uint32_t i = 0; i < new->n_routes; i++) {
        struct policy_route *route = &new->routes[i];
        route->programme = programmes[route->programme];
        route->to = route->target == ROUTE_TO_TEAM ? place[route->to] : route->to;
    }
    free(place);
}

/* `policy` with its programmes and teams in the places of those of the same name. */
struct policy *policy_arrange(const struct core *core, const struct policy *policy)
{
    const struct policy *old = &core->policy;
    struct policy *new = malloc(sizeof *new);
    uint32_t place[POLICY_PROGRAMMES_MAX];
    assert(new);
    *new = *policy;
    new->n_programmes = old->n_programmes;
    memcpy(new->programmes, old->programmes, sizeof new->programmes);
    for (uint32_t i = 0; i < old->n_programmes; i++) {
        struct programme *programme = &new->programmes[i];
        if (programme->name[0] && !policy_stays(core, policy, i))
            retire(programme, policy_is_empty(core, i) ? "" : old->programmes[i].name);
    }
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        uint32_t to = find_programme(old, policy->programmes[i].name);
        for (uint32_t free = 0; to == NONE && free < POLICY_PROGRAMMES_MAX; free++)
            if (free >= new->n_programmes || !new->programmes[free].name[0])
                to = free;
        assert(to != NONE); /* refuse_programmes() counted them, and what is loaded was live once */
        new->programmes[to] = policy->programmes[i];
        new->n_programmes = to >= new->n_programmes ? to + 1 : new->n_programmes;
        place[i] = to;
    }
    arrange_teams(core, policy, place, new);
    for (uint32_t i = 0; i < policy->n_sources; i++)
        new->sources[i].programme = place[policy->sources[i].programme];
    for (uint32_t i = 0; i < policy->n_agents; i++)
        new->agents[i].programme = place[policy->agents[i].programme];
    for (uint32_t i = 0; i < policy->n_limits; i++)
        if (!policy->limits[i].of_cell)
            new->limits[i].programme = place[policy->limits[i].programme];
    for (uint32_t i = 0; i < new->n_programmes; i++) /* those of the old one have none: they were retired */
        if (new->programmes[i].redistribute_to)
            new->programmes[i].redistribute_to = place[new->programmes[i].redistribute_to - 1] + 1;
    if (policy->default_programme)
        new->default_programme = place[policy->default_programme - 1] + 1;
    return new;
}

/* Pools stand where their programme and team do; what is in them stays. */
void policy_place_pools(struct core *core)
{
    static const enum ring rings[] = {RING_OWN, RING_WIDE, RING_LAST};
    core->n_pools = POLICY_PROGRAMMES_MAX * 3 + core->policy.n_teams;
    for (uint32_t i = 0; i < core->n_pools; i++) {
        struct pool *pool = &core->pools[i];
        const bool of_team = i >= POLICY_PROGRAMMES_MAX * 3;
        pool->team = of_team ? i - POLICY_PROGRAMMES_MAX * 3 : NONE;
        pool->programme = (uint16_t) (of_team ? core->policy.teams[pool->team].programme : i / 3);
        pool->ring = of_team ? RING_TEAM : rings[i % 3];
    }
    routes_destroy(&core->routes); /* it was of the former rules */
    units_arrange(core);
    core->cell_wide = false;
    for (uint32_t i = 0; i < core->policy.n_programmes; i++) {
        struct programme_state *state = &core->programmes[i];
        core->cell_wide |= programme_of(core, i)->widen == WIDEN_CELL;
        const uint32_t most = programme_of(core, i)->distributions_max;
        if (most > state->distributions_most)
            state->distributions_most = most;
    }
}

bool policy_is_same_unit(const struct policy_team *a, const struct policy_team *b)
{
    return a->programme == b->programme && (a->kind < UNIT_OFFICE) == (b->kind < UNIT_OFFICE) &&
           strcmp(a->name, b->name) == 0;
}

void policy_set(struct core *core, const struct policy *arranged, uint32_t version)
{
    for (uint32_t i = 0; i < POLICY_PROGRAMMES_MAX; i++) /* another programme's place, or a free one */
        if (strcmp(arranged->programmes[i].name, programme_of(core, i)->name) != 0)
            core->programmes[i] = (struct programme_state){0};
    core->policy = *arranged;
    core->policy.version = version;
    policy_place_pools(core);
}

/* ---- while loading ------------------------------------------------------------------------------ */

void core_load_policy(struct core *core, const struct policy *policy, uint32_t version)
{
    const bool first = core->policy.version == 0 && core->leads.n == 0 && core->n_agents == 0;
    struct policy *arranged = first ? NULL : policy_arrange(core, policy);
    if (first) /* of what stood in for it nothing stays */
        memset(core->programmes, 0, POLICY_PROGRAMMES_MAX * sizeof *core->programmes);
    units_keep_turns(core, first ? policy : arranged, true);
    policy_set(core, first ? policy : arranged, version);
    free(arranged);
}

/* Its leads and counters are known now: what nothing is counted in needs no place. */
void policy_loaded(struct core *core)
{
    limits_place(core);
    for (uint32_t i = 0; i < core->n_known; i++) {
        agent_set_team(core, core->known[i], core->known[i]->team);
        limits_follow(core, core->known[i]);
    }
    units_arrange(core); /* who is present, and so which pool has room, came with the rows */
    for (uint32_t i = 0; i < core->policy.n_programmes; i++)
        if (programme_of(core, i)->retired && policy_is_empty(core, i)) {
            core->programmes[i] = (struct programme_state){0};
            retire(&core->policy.programmes[i], "");
        }
}

/* A programme that no policy here has, but leads or counters do. */
uint32_t policy_retire(struct core *core, struct slice name)
{
    struct policy *policy = &core->policy;
    uint32_t i = 0;
    while (i < policy->n_programmes && policy->programmes[i].name[0])
        i++;
    if (i == POLICY_PROGRAMMES_MAX || name.len == 0 || name.len > POLICY_NAME_MAX)
        return NONE;
    char text[POLICY_NAME_MAX + 1] = "";
    memcpy(text, name.at, name.len);
    retire(&policy->programmes[i], text);
    core->programmes[i] = (struct programme_state){0};
    policy->n_programmes = i >= policy->n_programmes ? i + 1 : policy->n_programmes;
    return i;
}
