/* SPDX-License-Identifier: Apache-2.0
 * policy_lint_routes.c - rules that no lead reaches, territory that two rules
 * claim, and targets of which nobody may have the leads. Each combination of values that a rule wants is tried as a
 * lead of its own: the index says which rules match it, and one that counts before this rule and wants nothing more
 * catches all leads of that combination. So ten thousand rules are judged without comparing each with each. */
#include <stdio.h>
#include <stdlib.h>

#include "core/routes.h"
#include "policy/policy_routes.h"

/* Of a policy at its bounds, so much is looked at that a check stays within a second; what lies beyond is good. */
enum { TRIED_A_RULE_MAX = 4096, MATCHES_MAX = 64, VISITS_MAX = 1 << 22 };

struct lint {
    const struct policy *policy;
    struct policy_findings *findings;
    struct routes *routes;
    uint32_t *below,
        *beside;     /* of each team or unit, 1 + index: the first one in it, the next one in the same; 0 = none */
    uint32_t visits; /* of combinations and of teams, over all rules */
};

/* What `by` wants of this attribute is true of every lead that one combination of the rule is about: `one` of its
 * values, or its range. */
static bool implied(const struct policy *policy, const struct policy_test *by, const struct policy_test *own,
                    int64_t one)
{
    const int64_t *values = policy->values + by->values.first, *range = policy->values + own->values.first;
    if (by->between && own->between)
        return values[0] <= range[0] && range[1] <= values[1];
    if (by->between)
        return !(own->zip && one < 0) && values[0] <= one && one < values[1]; /* not of a zip's beginning */
    if (own->between)
        return false;
    if (values_have(policy, by->values, one))
        return true;
    const int64_t zip = one < 0 ? -one : one;
    for (uint32_t n = by->zip ? zip_len(zip) : 0; n > 0; n--)
        if (values_have(policy, by->values, -zip_begin(zip, n)))
            return true;
    return false;
}

static const struct policy_test *test_of(const struct policy *policy, struct policy_range when, uint32_t key)
{
    for (uint32_t i = 0; i < when.n; i++)
        if (policy->tests[when.first + i].key == key)
            return &policy->tests[when.first + i];
    return NULL;
}

static bool catches(const struct policy *policy, const struct policy_route *by, const struct policy_route *own,
                    const int64_t *combination)
{
    for (uint32_t i = 0; i < by->when.n; i++) {
        const struct policy_test *wants = &policy->tests[by->when.first + i];
        const struct policy_test *has = test_of(policy, own->when, wants->key);
        if (has == NULL || !implied(policy, wants, has, combination[has - policy->tests - own->when.first]))
            return false;
    }
    return true;
}

/* The rule that catches this combination before `own`, or NULL. */
static const struct policy_route *catcher(const struct lint *lint, const struct policy_route *own,
                                          const int64_t *combination)
{
    const struct policy *policy = lint->policy;
    struct feature features[POLICY_WHEN_MAX];
    struct route_match matches[MATCHES_MAX];
    uint32_t zip_length = 0;
    for (uint32_t i = 0; i < own->when.n; i++) {
        const struct policy_test *test = &policy->tests[own->when.first + i];
        features[i] = (struct feature){test->key, combination[i] < 0 && test->zip ? -combination[i] : combination[i]};
        if (test->zip && !test->between)
            zip_length = combination[i] < 0 ? zip_len(-combination[i]) : ROUTE_ZIP_WHOLE;
    }
    const struct facts facts = {features, own->when.n};
    const uint32_t n = routes_all(lint->routes, own->programme, own->set, &facts, matches, MATCHES_MAX);
    for (uint32_t i = 0; i < n; i++) {
        const struct policy_route *by = &policy->routes[matches[i].route];
        if (by < own && by->target != ROUTE_NOWHERE && matches[i].zip_len == zip_length &&
            catches(policy, by, own, combination))
            return by;
    }
    return NULL;
}

static const char *target_name(const struct policy *policy, const struct policy_route *route)
{
    return route->target == ROUTE_TO_TEAM    ? policy->teams[route->to].name
           : route->target == ROUTE_TO_AGENT ? policy->agents[route->to].name
                                             : policy->programmes[route->programme].name;
}

/* ---- targets that are empty for these leads -------------------------------------------- */

/* Some value passes both. A zip's beginning against a range of zips is taken to. */
static bool meet(const struct policy *policy, const struct policy_test *a, const struct policy_test *b)
{
    const int64_t *as = policy->values + a->values.first, *bs = policy->values + b->values.first;
    if (a->values.n == 0 || b->values.n == 0 || (a->zip && a->between != b->between))
        return true;
    if (a->between && b->between)
        return as[0] < bs[1] && bs[0] < as[1];
    /* Values are looked up in the longer list. Zips are in both: either may have the beginning of the other's. */
    const bool of_a = !a->between && (a->zip || b->between || a->values.n <= b->values.n);
    for (uint32_t i = 0; of_a && i < a->values.n; i++)
        if (implied(policy, b, a, as[i]))
            return true;
    for (uint32_t i = 0; (!of_a || a->zip) && i < b->values.n; i++)
        if (implied(policy, a, b, bs[i]))
            return true;
    return false;
}

static bool passes(const struct policy *policy, struct policy_range when, struct policy_range only)
{
    for (uint32_t i = 0; i < only.n; i++) {
        const struct policy_test *filter = &policy->tests[only.first + i];
        const struct policy_test *wants = test_of(policy, when, filter->key);
        if (wants != NULL && !meet(policy, filter, wants))
            return false;
    }
    return true;
}

static bool licensed(const struct policy *policy, const struct policy_route *route, const struct policy_agent *agent)
{
    const struct policy_test *wants = test_of(policy, route->when, policy->programmes[route->programme].licence_key);
    if (wants == NULL)
        return true;
    const struct policy_test has = {.zip = wants->zip, .values = agent->licences};
    return has.values.n > 0 && meet(policy, &has, wants);
}

static void link_units(struct lint *lint)
{
    const struct policy *policy = lint->policy;
    lint->below = calloc(2 * (size_t) policy->n_teams + 2, sizeof *lint->below);
    if (lint->below == NULL)
        abort();
    lint->beside = lint->below + policy->n_teams + 1;
    for (uint32_t i = policy->n_teams; i > 0; i--) {
        const uint32_t in = policy->teams[i - 1].in;
        lint->beside[i] = lint->below[in];
        lint->below[in] = i;
    }
}

/* Leads of the rule pass the filter of this one, 1 + index, and if it is a unit, those down to some team in it. */
static bool some_team_may(struct lint *lint, const struct policy_route *route, uint32_t at)
{
    const struct policy_team *unit = &lint->policy->teams[at - 1];
    if (lint->visits == VISITS_MAX)
        return true;
    lint->visits++;
    bool may = passes(lint->policy, route->when, unit->only);
    if (!may || unit->kind < UNIT_OFFICE)
        return may;
    may = false;
    for (at = lint->below[at]; at > 0 && !may; at = lint->beside[at])
        may = some_team_may(lint, route, at);
    return may;
}

static bool target_may(struct lint *lint, const struct policy_route *route)
{
    const struct policy_team *teams = lint->policy->teams;
    for (uint32_t at = teams[route->to].in; at > 0; at = teams[at - 1].in)
        if (!passes(lint->policy, route->when, teams[at - 1].only))
            return false;
    return some_team_may(lint, route, route->to + 1);
}

/* Agents are known by their list alone, and whoever is not in it may be anywhere: only licences need one. */
static void lint_target(struct lint *lint, const struct policy_route *route)
{
    const struct policy *policy = lint->policy;
    const struct policy_agent *agent = route->target == ROUTE_TO_AGENT ? &policy->agents[route->to] : NULL;
    const struct programme *programme = &policy->programmes[route->programme];
    bool may = agent == NULL || passes(policy, route->when, agent->only), somebody = programme->licence_key == 0;
    char path[64];
    if (route->target == ROUTE_TO_TEAM)
        may = target_may(lint, route);
    for (uint32_t i = 0; i < policy->n_agents && !somebody; i++)
        somebody = (policy->agents[i].programme == route->programme || programme->widen == WIDEN_CELL) &&
                   (agent == NULL || agent == &policy->agents[i]) && licensed(policy, route, &policy->agents[i]);
    snprintf(path, sizeof path, "%s[%u].to", route->set == ROUTES_FIRST ? "routes" : "reroutes", route->number);
    if (!may)
        finding_add(lint->findings, FAULT_CONFLICT, path,
                    "is %s, and nobody there may have these leads: a filter leaves them out",
                    target_name(policy, route));
    else if (!somebody)
        finding_add(lint->findings, FAULT_CONFLICT, path,
                    "is %s, and nobody there may have these leads: no listed agent has the licence",
                    target_name(policy, route));
}

/* ---- rules ----------------------------------------------------------------------------- */

static void tell(const struct lint *lint, const struct policy_route *own, const struct policy_route *by, bool all)
{
    char path[64];
    const bool same_target = by->target == own->target && by->to == own->to;
    const bool alike = by->when.n == own->when.n;
    snprintf(path, sizeof path, "%s[%u]", own->set == ROUTES_FIRST ? "routes" : "reroutes", own->number);
    if (alike && !same_target)
        finding_add(lint->findings, FAULT_OVERLAP, path, "%s leads go to %s already, by the rule in line %u",
                    all ? "the same" : "some of the same", target_name(lint->policy, by), by->line);
    else if (all)
        finding_add(lint->findings, FAULT_UNREACHABLE, path, "is never reached: the rule in line %u catches all of it",
                    by->line);
}

/* Every combination, by an odometer; a range is tried at its beginning. */
static void lint_route(struct lint *lint, const struct policy_route *own)
{
    const struct policy *policy = lint->policy;
    const struct policy_route *first = NULL, *alike = NULL;
    uint32_t turn[POLICY_WHEN_MAX] = {0}, tried = 0, caught = 0, at = 0;
    while (at < own->when.n || tried == 0) {
        int64_t combination[POLICY_WHEN_MAX];
        for (uint32_t i = 0; i < own->when.n; i++) {
            const struct policy_test *test = &policy->tests[own->when.first + i];
            if (test->values.n == 0 || tried == TRIED_A_RULE_MAX || lint->visits == VISITS_MAX)
                return;
            combination[i] = policy->values[test->values.first + (test->between ? 0 : turn[i])];
        }
        const struct policy_route *by = catcher(lint, own, combination);
        lint->visits++;
        tried++;
        caught += by != NULL;
        first = first != NULL ? first : by;
        if (by != NULL && alike == NULL && by->when.n == own->when.n)
            alike = by;
        for (at = 0; at < own->when.n; at++) {
            const struct policy_test *test = &policy->tests[own->when.first + at];
            if (!test->between && ++turn[at] < test->values.n)
                break;
            turn[at] = 0;
        }
    }
    if (caught == tried)
        tell(lint, own, alike != NULL ? alike : first, true);
    else if (alike != NULL)
        tell(lint, own, alike, false);
}

void routes_lint(const struct policy *policy, struct policy_findings *findings)
{
    if (policy->n_routes == 0)
        return;
    struct lint lint = {.policy = policy, .findings = findings, .routes = routes_new(policy)};
    link_units(&lint);
    for (uint32_t i = 0; i < policy->n_routes; i++) {
        snprintf(findings->where, sizeof findings->where, "programmes[%u].", policy->routes[i].programme);
        if (policy->routes[i].target == ROUTE_NOWHERE)
            continue;
        lint_route(&lint, &policy->routes[i]);
        lint_target(&lint, &policy->routes[i]);
    }
    findings->where[0] = '\0';
    routes_destroy(&lint.routes);
    free(lint.below);
}
