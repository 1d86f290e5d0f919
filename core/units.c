/* SPDX-License-Identifier: Apache-2.0
 * units.c - the tree of units above the teams: names, what lies below what, and in
 * push_pull which team has room for one more lead. Which rule sends a lead where is
 * routes.c, which pool it waits in place.c.
 *
 * Teams are numbered from left to right through the tree, so that all below a
 * unit are an interval; one bit each says who has room. Handing a lead down costs
 * a look at some words of bits, with ten teams as with thousands. */
#include "core/core_private.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_SLOTS = 2 * POLICY_TEAMS_MAX, ROOM_WORDS = POLICY_TEAMS_MAX / 64 };

struct tree {
    uint32_t names[NAME_SLOTS];                                       /* 1 + unit; by the hash of its name */
    uint32_t from[POLICY_TEAMS_MAX], to[POLICY_TEAMS_MAX];            /* of each unit: its teams' numbers */
    uint32_t team[POLICY_TEAMS_MAX];                                  /* by number */
    uint32_t of[POLICY_PROGRAMMES_MAX], of_to[POLICY_PROGRAMMES_MAX]; /* the same of a whole programme */
    uint64_t room[ROOM_WORDS];                                        /* by number: a lead more would fit */
};

/* ---- names --------------------------------------------------------------------------- */

static uint32_t slot_of(const void *name, size_t len)
{
    return key_hash(name, len) % NAME_SLOTS;
}

uint32_t unit_find(const struct core *core, uint32_t programme, struct slice name)
{
    for (uint32_t at = slot_of(name.at, name.len); core->tree->names[at]; at = (at + 1) % NAME_SLOTS) {
        const uint32_t unit = core->tree->names[at] - 1;
        if (core->policy.teams[unit].programme == programme && slice_is(name, core->policy.teams[unit].name))
            return unit;
    }
    return NONE;
}

uint32_t team_find(const struct core *core, struct slice name)
{
    for (uint32_t at = slot_of(name.at, name.len); core->tree->names[at]; at = (at + 1) % NAME_SLOTS) {
        const uint32_t unit = core->tree->names[at] - 1;
        if (unit_is_team(core, unit) && slice_is(name, core->policy.teams[unit].name))
            return unit;
    }
    return NONE;
}

/* ---- what lies below ------------------------------------------------------------------- */

struct leaf {
    uint32_t team, way[2 + POLICY_UNITS_DEEP]; /* programme, then 1 + each unit from the top down to the team */
};

static struct leaf leaf_of(const struct core *core, uint32_t team)
{
    uint32_t ups[POLICY_UNITS_DEEP], n = 0;
    struct leaf leaf = {.team = team};
    for (uint32_t unit = team; unit != NONE && n < POLICY_UNITS_DEEP; unit = unit_above(core, unit))
        ups[n++] = unit;
    leaf.way[0] = core->policy.teams[team].programme;
    for (uint32_t i = 0; i < n; i++)
        leaf.way[1 + i] = ups[n - 1 - i] + 1;
    return leaf;
}

static int by_way(const void *a, const void *b)
{
    const struct leaf *x = a, *y = b;
    for (size_t i = 0; i < sizeof x->way / sizeof *x->way; i++)
        if (x->way[i] != y->way[i])
            return x->way[i] < y->way[i] ? -1 : 1;
    return 0;
}

static void number_teams(struct core *core)
{
    struct tree *tree = core->tree;
    struct leaf *leaves = calloc(core->policy.n_teams + 1, sizeof *leaves);
    uint32_t n = 0;
    assert(leaves);
    for (uint32_t i = 0; i < core->policy.n_teams; i++)
        if (unit_is_team(core, i))
            leaves[n++] = leaf_of(core, i);
    qsort(leaves, n, sizeof *leaves, by_way);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t programme = leaves[i].way[0];
        tree->team[i] = leaves[i].team;
        if (tree->of_to[programme] == 0)
            tree->of[programme] = i;
        tree->of_to[programme] = i + 1;
        for (uint32_t unit = leaves[i].team; unit != NONE; unit = unit_above(core, unit)) {
            if (tree->to[unit] == 0)
                tree->from[unit] = i;
            tree->to[unit] = i + 1;
        }
    }
    free(leaves);
}

static void list_filters(struct core *core)
{
    core->filters =
        reallocarray(core->filters, (size_t) core->policy.n_teams + core->policy.n_agents + 1, sizeof *core->filters);
    assert(core->filters);
    core->n_filters = 0;
    for (uint32_t i = 0; i < core->policy.n_teams; i++)
        if (core->policy.teams[i].only.n)
            core->filters[core->n_filters++] = core->policy.teams[i].only;
    for (uint32_t i = 0; i < core->policy.n_agents; i++)
        if (core->policy.agents[i].only.n)
            core->filters[core->n_filters++] = core->policy.agents[i].only;
}

void units_arrange(struct core *core)
{
    if (!core->tree)
        core->tree = malloc(sizeof *core->tree);
    assert(core->tree);
    struct tree *tree = core->tree;
    *tree = (struct tree){0};
    for (uint32_t i = 0; i < core->policy.n_teams; i++) {
        const char *name = core->policy.teams[i].name;
        uint32_t at = slot_of(name, strlen(name));
        if (!name[0])
            continue;
        while (tree->names[at])
            at = (at + 1) % NAME_SLOTS;
        tree->names[at] = i + 1;
    }
    number_teams(core);
    list_filters(core);
    for (uint32_t i = 0; i < core->policy.n_teams; i++)
        if (unit_is_team(core, i))
            unit_refresh(core, i);
}

void units_fini(struct core *core)
{
    free(core->tree);
    free(core->filters);
    core->tree = NULL;
}

bool unit_has(const struct core *core, uint32_t unit, uint32_t team)
{
    while (team != NONE && team != unit)
        team = unit_above(core, team);
    return team == unit;
}

/* ---- push_pull: pools of limited depth ------------------------------------------------------ */

uint32_t team_depth_max(const struct core *core, uint32_t team)
{
    const struct programme *programme = programme_of(core, core->policy.teams[team].programme);
    const uint64_t depth = (uint64_t) core->team_present[team] * programme->depth_per_agent;
    return depth < UINT32_MAX ? (uint32_t) depth : UINT32_MAX;
}

static void look_upstream(struct core *core, uint32_t programme, uint32_t team)
{
    struct pool *own = &core->pools[pool_index(programme, RING_OWN, NONE)];
    for (uint32_t unit = unit_above(core, team); unit != NONE; unit = unit_above(core, unit)) {
        struct pool *pool = &core->pools[pool_index(programme, RING_TEAM, unit)];
        if (pool->waiting.n)
            allocate_mark(core, pool);
    }
    if (own->waiting.n)
        allocate_mark(core, own);
}

void unit_refresh(struct core *core, uint32_t team)
{
    const uint32_t programme = core->policy.teams[team].programme;
    if (!unit_is_team(core, team) || programme_of(core, programme)->mode != MODE_PUSH_PULL)
        return;
    const struct pool *pool = &core->pools[pool_index(programme, RING_TEAM, team)];
    const uint32_t number = core->tree->from[team];
    const uint64_t bit = UINT64_C(1) << number % 64;
    if (pool->depth >= team_depth_max(core, team)) {
        core->tree->room[number / 64] &= ~bit;
    } else {
        core->tree->room[number / 64] |= bit;
        look_upstream(core, programme, team);
    }
}

/* The first number in [from, to) with room, or NONE. */
static uint32_t first_with_room(const struct tree *tree, uint32_t from, uint32_t to)
{
    while (from < to) {
        const uint64_t word = tree->room[from / 64] >> from % 64;
        if (word) {
            const uint32_t found = from + (uint32_t) __builtin_ctzll(word);
            return found < to ? found : NONE;
        }
        from = (from / 64 + 1) * 64;
    }
    return NONE;
}

bool unit_has_room(const struct core *core, uint32_t unit)
{
    return first_with_room(core->tree, core->tree->from[unit], core->tree->to[unit]) != NONE;
}

/* The next one after the team of the last turn, from left to right and round again. */
static uint32_t team_in_turn(const struct core *core, uint32_t from, uint32_t to, uint32_t turn)
{
    const struct tree *tree = core->tree;
    uint32_t after = from;
    if (turn < core->policy.n_teams && tree->from[turn] >= from && tree->to[turn] <= to &&
        tree->to[turn] > tree->from[turn])
        after = tree->to[turn];
    const uint32_t found = first_with_room(tree, after, to);
    return found != NONE ? found : first_with_room(tree, from, after);
}

void unit_refill(struct core *core, struct pool *upstream)
{
    const struct tree *tree = core->tree;
    const bool of_unit = upstream->ring == RING_TEAM;
    const uint32_t from = of_unit ? tree->from[upstream->team] : tree->of[upstream->programme];
    const uint32_t to = of_unit ? tree->to[upstream->team] : tree->of_to[upstream->programme];
    uint32_t number;
    while (upstream->waiting.n && (number = team_in_turn(core, from, to, upstream->turn)) != NONE) {
        struct lead *lead = heap_entry(heap_first(&upstream->waiting), struct lead, place);
        unit_turn(core, upstream, tree->team[number]);
        lead_pool(core, lead, MOVE_REFILL, RING_TEAM, upstream->turn, REASON_REFILL);
    }
    if (upstream->waiting.n)
        upstream->dry_us = core->now_us;
}
