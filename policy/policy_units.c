/* SPDX-License-Identifier: Apache-2.0
 * policy_units.c - the tree: which unit stands in which. A file names each unit
 * once, for the whole cell; the compiled policy has it once for each programme
 * that has a team below it, since a team works on one programme and a pool holds
 * the leads of one. */
#include "policy/policy_routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_hours.h"
#include "policy/policy_order.h"
#include "policy/policy_take.h"

static const struct value_word kinds[] = {
    {"division", UNIT_DIVISION}, {"region", UNIT_REGION}, {"area", UNIT_AREA}, {"office", UNIT_OFFICE},
    {"inside", UNIT_INSIDE},     {"field", UNIT_FIELD},   {"team", UNIT_TEAM}, {NULL, 0}};

struct unit { /* of the file */
    char name[POLICY_NAME_MAX + 1];
    enum unit_kind kind;
    uint32_t in;   /* 1 + index of the one above; 0 = none */
    uint32_t team; /* 1 + index in policy->teams; 0 = it is no team */
    struct policy_range only;
    uint32_t places[POLICY_PROGRAMMES_MAX]; /* 1 + its index in policy->teams, by programme */
    uint32_t shift, zone, pool;             /* as in struct policy_team */
    struct policy_pool own;                 /* what it says itself */
    bool has_own, settled;                  /* settled: `pool` is known */
};

/* Its timers are read as a programme's, whose ranges they have. */
static const struct key timer_keys[] = {
#define TIMER_KEY(key, member, kind, initial, least, most, text)                                                       \
    {#key, VALUE_##kind, offsetof(struct raw_timers, key), offsetof(struct programme, member), initial, least, most},
#include "policy/policy_keys.def"
};

struct tree {
    struct policy_findings *findings;
    struct policy *policy;
    struct unit *units;
    uint32_t n;
    struct names teams, *names;
};

static void read_own(struct tree *tree, uint32_t i, const struct raw_unit *raw)
{
    struct unit *unit = &tree->units[i];
    struct programme timers = {0};
    char path[48];
    snprintf(path, sizeof path, "units[%u].", i);
    unit->own.has_order = raw->order != NULL;
    order_read(tree->findings, path, raw->order, raw->order_count, tree->policy, &unit->own.order);
    snprintf(path, sizeof path, "units[%u].timers.", i);
    take_keys(tree->findings, path, timer_keys, sizeof timer_keys / sizeof *timer_keys, &raw->timers, &timers);
    unit->has_own = unit->own.has_order;
#define UNIT_TIMER(key) unit->has_own |= (unit->own.key##_ms = timers.key##_ms) > 0;
#include "policy/policy_keys.def"
}

/* One that is wrong stays without a place; the others can be judged all the same. */
static void read_unit(struct tree *tree, uint32_t i, const struct raw_unit *raw)
{
    struct unit *unit = &tree->units[i];
    char path[48];
    uint32_t n;
    snprintf(path, sizeof path, "units[%u].name", i);
    take_name(tree->findings, path, raw->name, unit->name);
    const struct name *team = unit->name[0] != '\0' ? names_find(&tree->teams, 0, unit->name, &n) : NULL;
    snprintf(path, sizeof path, "units[%u].kind", i);
    unit->kind =
        (enum unit_kind) take_word(tree->findings, path, raw->kind, kinds, team != NULL ? UNIT_TEAM : UNIT_OFFICE);
    if (raw->shift != NULL) {
        snprintf(path, sizeof path, "units[%u].shift", i);
        unit->shift = hours_take(tree->findings, path, raw->shift, tree->policy) + 1;
    }
    if (raw->zone != NULL) {
        snprintf(path, sizeof path, "units[%u].zone", i);
        unit->zone = zone_take(tree->findings, path, raw->zone, tree->policy) + 1;
    }
    snprintf(path, sizeof path, "units[%u].only", i);
    unit->only = tests_read(tree->findings, path, raw->only, raw->only_count, tree->policy);
    read_own(tree, i, raw);
    if (unit->name[0] == '\0')
        return;
    names_add(tree->names, (struct name){.text = raw->name, .index = i});
    snprintf(path, sizeof path, "units[%u].kind", i);
    if (team == NULL && raw->kind == NULL)
        finding_add(tree->findings, FAULT_MISSING, path,
                    "is missing; only a team of a programme may do without, and none is called %s", unit->name);
    else if (team == NULL && unit->kind < UNIT_OFFICE)
        finding_add(tree->findings, FAULT_NO_SUCH_NAME, path, "is \"%s\", and no programme has a team %s", raw->kind,
                    unit->name);
    else if (team != NULL && unit->kind >= UNIT_OFFICE)
        finding_add(tree->findings, FAULT_CONFLICT, path, "is \"%s\", and %s is a team of a programme", raw->kind,
                    unit->name);
    else if (team != NULL)
        unit->team = team->index + 1;
}

static void lint_unit_names(struct tree *tree)
{
    for (uint32_t i = 0; i < tree->n; i++) {
        char path[48];
        uint32_t n;
        const struct name *first = names_find(tree->names, 0, tree->units[i].name, &n);
        snprintf(path, sizeof path, "units[%u].name", i);
        if (first != NULL && first->index != i)
            finding_add(tree->findings, FAULT_DUPLICATE, path, "\"%s\" is there twice; a name belongs to one place",
                        first->text);
    }
}

static void read_above(struct tree *tree, uint32_t i, const char *text)
{
    char path[48], hint[64];
    uint32_t n;
    snprintf(path, sizeof path, "units[%u].in", i);
    const struct name *above = text != NULL ? names_find(tree->names, 0, text, &n) : NULL;
    if (text != NULL && above == NULL)
        finding_add(tree->findings, FAULT_NO_SUCH_NAME, path, "is \"%.70s\", and no unit is called that%s", text,
                    names_hint(tree->findings, tree->names, 0, text, hint));
    else if (above != NULL && tree->units[above->index].kind < UNIT_OFFICE)
        finding_add(tree->findings, FAULT_CONFLICT, path, "is \"%s\", a team, and a team has nothing below it",
                    above->text);
    else if (above != NULL)
        tree->units[i].in = above->index + 1;
}

/* Told at each unit of a circle; cut there, so that a walk upwards ends. */
static void cut_circles(struct tree *tree)
{
    for (uint32_t i = 0; i < tree->n; i++) {
        char path[48];
        uint32_t deep = 1, at = tree->units[i].in;
        while (at > 0 && at - 1 != i && deep <= POLICY_UNITS_DEEP) {
            at = tree->units[at - 1].in;
            deep++;
        }
        if (at == 0 && deep <= POLICY_UNITS_DEEP)
            continue;
        snprintf(path, sizeof path, "units[%u].in", i);
        if (at > 0 && at - 1 == i)
            finding_add(tree->findings, FAULT_CONFLICT, path, "goes in a circle: %s would be part of itself",
                        tree->units[i].name);
        else
            finding_add(tree->findings, FAULT_CONFLICT, path, "lies deeper than %d units", POLICY_UNITS_DEEP);
        tree->units[i].in = 0;
    }
}

/* What it does not say itself is as above it. */
static uint32_t settle_pool(struct tree *tree, uint32_t i)
{
    struct unit *unit = &tree->units[i];
    struct policy *policy = tree->policy;
    char path[48];
    if (unit->settled)
        return unit->pool;
    unit->settled = true;
    unit->pool = unit->in > 0 ? settle_pool(tree, unit->in - 1) : 0;
    if (!unit->has_own)
        return unit->pool;
    if (policy->n_pools == POLICY_POOLS_MAX) {
        snprintf(path, sizeof path, "units[%u]", i);
        finding_add(tree->findings, FAULT_TOO_MANY, path, "is one more than %d units with an order or timers",
                    POLICY_POOLS_MAX);
        return unit->pool;
    }
    struct policy_pool *pool = &policy->pools[policy->n_pools++];
    *pool = unit->own;
    if (unit->pool > 0) {
        const struct policy_pool *above = &policy->pools[unit->pool - 1];
        if (!pool->has_order)
            pool->order = above->order;
        pool->has_order |= above->has_order;
#define UNIT_TIMER(key) pool->key##_ms = pool->key##_ms > 0 ? pool->key##_ms : above->key##_ms;
#include "policy/policy_keys.def"
    }
    return unit->pool = policy->n_pools;
}

/* The place of unit `i` of the file in the programme; made, with those above it, when it is not there yet. */
static uint32_t place_unit(struct tree *tree, uint32_t i, uint32_t programme)
{
    struct unit *unit = &tree->units[i];
    struct policy *policy = tree->policy;
    char path[48];
    if (unit->places[programme] > 0)
        return unit->places[programme];
    const uint32_t in = unit->in > 0 ? place_unit(tree, unit->in - 1, programme) : 0;
    if (policy->n_teams == POLICY_TEAMS_MAX) {
        snprintf(path, sizeof path, "units[%u]", i);
        finding_add(tree->findings, FAULT_TOO_MANY, path, "the cell has more than %d teams and units",
                    POLICY_TEAMS_MAX);
        return 0;
    }
    struct policy_team *place = &policy->teams[policy->n_teams++];
    *place = (struct policy_team){.programme = programme,
                                  .kind = unit->kind,
                                  .in = in,
                                  .shift = unit->shift,
                                  .zone = unit->zone,
                                  .pool = settle_pool(tree, i),
                                  .only = unit->only};
    memcpy(place->name, unit->name, sizeof place->name);
    return unit->places[programme] = policy->n_teams;
}

static void place_team(struct tree *tree, const struct unit *unit)
{
    struct policy_team *team = &tree->policy->teams[unit->team - 1];
    team->kind = unit->kind;
    team->shift = unit->shift;
    team->zone = unit->zone;
    team->pool = settle_pool(tree, (uint32_t) (unit - tree->units));
    team->only = unit->only;
    team->in = unit->in > 0 ? place_unit(tree, unit->in - 1, team->programme) : 0;
}

/* Do leads of this programme ever wait in the pool of a unit or of one agent? */
static bool has_unit_pools(const struct raw_policy *raw, const struct policy *policy, uint32_t programme)
{
    const struct raw_programme *from = &raw->programmes[programme];
    return from->routes_count + from->reroutes_count > 0 || policy->programmes[programme].mode == MODE_PUSH_PULL ||
           policy->programmes[programme].duplicates == DUPLICATES_ATTACH;
}

/* What orders a pool that no lead enters would be believed to do something. */
static void lint_own(struct tree *tree, uint32_t i, const struct raw_policy *raw)
{
    const struct unit *unit = &tree->units[i];
    const char *of = NULL;
    char path[48];
    bool used = !unit->own.has_order && unit->own.unclaimed_ms == 0;
    for (uint32_t p = 0; p < tree->policy->n_programmes && !used; p++) {
        const bool here = unit->team > 0 ? tree->policy->teams[unit->team - 1].programme == p : unit->places[p] > 0;
        used = here && has_unit_pools(raw, tree->policy, p);
        of = here ? tree->policy->programmes[p].name : of;
    }
    snprintf(path, sizeof path, "units[%u].%s", i, unit->own.has_order ? "order" : "timers.unclaimed");
    if (!used && of == NULL)
        finding_add(tree->findings, FAULT_CONFLICT, path, "has no effect: no team is in this unit");
    else if (!used)
        finding_add(tree->findings, FAULT_CONFLICT, path,
                    "has no effect: %s has no routes, so its leads wait for the whole programme", of);
}

void units_read(struct policy_findings *findings, const struct raw_policy *raw, struct policy *policy,
                struct names *ret_units)
{
    struct tree tree = {.findings = findings, .policy = policy, .n = raw->units_count, .names = ret_units};
    const uint32_t n_teams = policy->n_teams;
    if (tree.n == 0)
        return;
    tree.units = calloc(tree.n, sizeof *tree.units);
    if (tree.units == NULL)
        abort();
    findings->where[0] = '\0';
    for (uint32_t i = 0; i < n_teams; i++)
        names_add(&tree.teams, (struct name){.text = policy->teams[i].name, .index = i});
    names_end(&tree.teams);
    for (uint32_t i = 0; i < tree.n; i++)
        read_unit(&tree, i, &raw->units[i]);
    names_end(tree.names);
    lint_unit_names(&tree);
    for (uint32_t i = 0; i < tree.n; i++)
        read_above(&tree, i, raw->units[i].in);
    cut_circles(&tree);
    for (uint32_t i = 0; i < tree.n; i++)
        if (tree.units[i].team > 0)
            place_team(&tree, &tree.units[i]);
    for (uint32_t i = 0; i < tree.n; i++)
        lint_own(&tree, i, raw);
    names_fini(&tree.teams);
    free(tree.units);
}
