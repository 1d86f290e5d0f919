/* SPDX-License-Identifier: Apache-2.0
 * routes.c - the index of the rules. A rule becomes entries, one for each
 * combination of the values it wants: [CA, NV] x [web, tv] are four. Entries that
 * test the same attributes, the same number of digits of a zip and the same range
 * are a group; the hash of group and values leads to them. A look-up makes one
 * hash for each group of its programme, the most binding ones first, and stops
 * where no later one could count more.
 *
 * Entries of one hash differ in their range: they are sorted by where it begins,
 * each with the furthest end so far, so that slices of a number are found by
 * halving. Whatever an entry does not say is tested when it is found. */
#include "core/routes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { COMBINATIONS_MAX = 64 };

struct group {
    uint32_t programme;
    enum route_set set;
    uint32_t n_keys, keys[POLICY_WHEN_MAX]; /* ascending: of the tests for values */
    uint32_t zip;                           /* 1 + which of them is a zip; 0 = none */
    uint32_t zip_len;                       /* of its prefix, see struct route_match */
    uint32_t range_key;                     /* 0: no range */
    uint32_t first;                         /* its lowest route */
};

struct entry {
    uint64_t hash;
    int64_t from, to, to_most; /* to_most: of this one and those before it, of the same hash */
    uint32_t route;
};

struct routes {
    const struct policy *policy;
    struct group *groups;
    uint32_t n_groups;
    uint32_t *order;                                           /* groups, the most binding first */
    struct policy_range of[POLICY_PROGRAMMES_MAX][ROUTE_SETS]; /* in order */
    struct entry *entries;                                     /* by hash, then `from` */
    uint32_t n_entries, room;
    uint32_t *slots, mask; /* 1 + the first entry of a hash */
};

/* ---- facts and tests --------------------------------------------------------------- */

bool facts_get(const struct facts *facts, uint32_t key, int64_t *ret_value)
{
    for (uint32_t i = 0; i < facts->n; i++)
        if (facts->features[i].key == key) {
            *ret_value = facts->features[i].value;
            return true;
        }
    return false;
}

bool values_have(const struct policy *policy, struct policy_range values, int64_t value)
{
    const int64_t *at = policy->values + values.first;
    uint32_t from = 0;
    for (uint32_t to = values.n; from < to;) {
        const uint32_t middle = from + (to - from) / 2;
        if (at[middle] < value)
            from = middle + 1;
        else
            to = middle;
    }
    return from < values.n && at[from] == value;
}

static bool test_holds(const struct policy *policy, const struct policy_test *test, const struct facts *facts)
{
    const int64_t *values = policy->values + test->values.first;
    int64_t value;
    if (!facts_get(facts, test->key, &value))
        return false;
    if (test->between)
        return values[0] <= value && value < values[1];
    if (values_have(policy, test->values, value))
        return true;
    if (!test->zip || test->values.n == 0 || values[0] >= 0)
        return false;
    for (uint32_t n = zip_len(value); n > 0; n--)
        if (values_have(policy, test->values, -zip_begin(value, n)))
            return true;
    return false;
}

bool tests_hold(const struct policy *policy, struct policy_range tests, const struct facts *facts)
{
    for (uint32_t i = 0; i < tests.n; i++)
        if (!test_holds(policy, &policy->tests[tests.first + i], facts))
            return false;
    return true;
}

/* ---- building ------------------------------------------------------------------------ */

struct chosen { /* the tests of a rule that its entries speak for */
    const struct policy_test *tests[POLICY_WHEN_MAX], *range;
    uint32_t n;
};

/* A zip always, since it decides what counts; else the longest list; more of them while they multiply to few. */
static struct chosen choose(const struct policy *policy, const struct policy_route *route)
{
    struct chosen chosen = {0};
    const struct policy_test *tests = policy->tests + route->when.first, *main = NULL;
    uint64_t product = 1;
    for (uint32_t i = 0; i < route->when.n; i++) {
        if (tests[i].between && !chosen.range)
            chosen.range = &tests[i];
        if (!tests[i].between && (!main || (!main->zip && (tests[i].zip || tests[i].values.n > main->values.n))))
            main = &tests[i];
    }
    if (main)
        product = main->values.n;
    for (uint32_t i = 0; i < route->when.n; i++) { /* as they stand: by key */
        if (tests[i].between || (&tests[i] != main && product * tests[i].values.n > COMBINATIONS_MAX))
            continue;
        product *= &tests[i] == main ? 1 : tests[i].values.n;
        chosen.tests[chosen.n++] = &tests[i];
    }
    return chosen;
}

static uint32_t group_of(struct routes *routes, const struct policy_route *route, const struct chosen *chosen,
                         uint32_t zip_length)
{
    struct group group = {.programme = route->programme,
                          .set = route->set,
                          .n_keys = chosen->n,
                          .zip_len = zip_length,
                          .range_key = chosen->range ? chosen->range->key : 0};
    for (uint32_t i = 0; i < chosen->n; i++) {
        group.keys[i] = chosen->tests[i]->key;
        group.zip = chosen->tests[i]->zip ? i + 1 : group.zip;
    }
    group.first = (uint32_t) (route - routes->policy->routes);
    for (uint32_t i = 0; i < routes->n_groups; i++) {
        const struct group *known = &routes->groups[i];
        if (known->programme == group.programme && known->set == group.set && known->n_keys == group.n_keys &&
            known->zip_len == group.zip_len && known->range_key == group.range_key &&
            memcmp(known->keys, group.keys, sizeof group.keys) == 0)
            return i;
    }
    if ((routes->n_groups & (routes->n_groups - 1)) == 0) {
        routes->groups = reallocarray(routes->groups, 2 * (size_t) routes->n_groups + 1, sizeof group);
        assert(routes->groups);
    }
    routes->groups[routes->n_groups] = group;
    return routes->n_groups++;
}

static void add_entry(struct routes *routes, const struct policy_route *route, const struct chosen *chosen,
                      const int64_t *values)
{
    uint32_t zip_length = 0;
    for (uint32_t i = 0; i < chosen->n; i++)
        if (chosen->tests[i]->zip)
            zip_length = values[i] < 0 ? zip_len(-values[i]) : ROUTE_ZIP_WHOLE;
    struct entry entry = {.hash = group_of(routes, route, chosen, zip_length),
                          .from = INT64_MIN,
                          .to = INT64_MAX,
                          .route = (uint32_t) (route - routes->policy->routes)};
    entry.hash = facts_mix(0, entry.hash + 1);
    for (uint32_t i = 0; i < chosen->n; i++)
        entry.hash =
            facts_mix(entry.hash, (uint64_t) (chosen->tests[i]->zip && values[i] < 0 ? -values[i] : values[i]));
    if (chosen->range) {
        entry.from = routes->policy->values[chosen->range->values.first];
        entry.to = routes->policy->values[chosen->range->values.first + 1];
    }
    if (routes->n_entries == routes->room) {
        routes->room = routes->room ? 2 * routes->room : 64;
        routes->entries = reallocarray(routes->entries, routes->room, sizeof entry);
        assert(routes->entries);
    }
    routes->entries[routes->n_entries++] = entry;
}

/* Every combination of the values: an odometer. */
static void add_route(struct routes *routes, const struct policy_route *route)
{
    const struct chosen chosen = choose(routes->policy, route);
    uint32_t turn[POLICY_WHEN_MAX] = {0};
    int64_t values[POLICY_WHEN_MAX];
    for (uint32_t i = 0; i < route->when.n; i++)
        if (routes->policy->tests[route->when.first + i].values.n == 0)
            return; /* of a faulty file: nothing is one of no values */
    for (uint32_t at = 0; at < POLICY_WHEN_MAX;) {
        for (uint32_t i = 0; i < chosen.n; i++)
            values[i] = routes->policy->values[chosen.tests[i]->values.first + turn[i]];
        add_entry(routes, route, &chosen, values);
        for (at = 0; at < chosen.n && ++turn[at] == chosen.tests[at]->values.n; at++)
            turn[at] = 0;
        if (at == chosen.n)
            return;
    }
}

static int by_hash(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return (x->route > y->route) - (x->route < y->route);
}

static void hash_entries(struct routes *routes)
{
    uint32_t n = 16;
    if (routes->n_entries > 0)
        qsort(routes->entries, routes->n_entries, sizeof *routes->entries, by_hash);
    while (n < 2 * routes->n_entries)
        n *= 2;
    routes->mask = n - 1;
    routes->slots = calloc(n, sizeof *routes->slots);
    assert(routes->slots);
    for (uint32_t i = 0; i < routes->n_entries; i++) {
        struct entry *entry = &routes->entries[i];
        entry->to_most = entry->to;
        if (i > 0 && entry[-1].hash == entry->hash) {
            entry->to_most = entry[-1].to_most > entry->to ? entry[-1].to_most : entry->to;
            continue;
        }
        uint32_t at = (uint32_t) entry->hash & routes->mask;
        while (routes->slots[at])
            at = (at + 1) & routes->mask;
        routes->slots[at] = i + 1;
    }
}

static int by_rank(const void *a, const void *b, void *groups)
{
    const struct group *x = (struct group *) groups + *(const uint32_t *) a,
                       *y = (struct group *) groups + *(const uint32_t *) b;
    if (x->programme != y->programme)
        return x->programme < y->programme ? -1 : 1;
    if (x->set != y->set)
        return x->set < y->set ? -1 : 1;
    if (x->zip_len != y->zip_len)
        return x->zip_len > y->zip_len ? -1 : 1;
    return (x->first > y->first) - (x->first < y->first);
}

static void order_groups(struct routes *routes)
{
    routes->order = calloc((size_t) routes->n_groups + 1, sizeof *routes->order);
    assert(routes->order);
    for (uint32_t i = 0; i < routes->n_groups; i++)
        routes->order[i] = i;
    if (routes->n_groups > 0)
        qsort_r(routes->order, routes->n_groups, sizeof *routes->order, by_rank, routes->groups);
    for (uint32_t i = 0; i < routes->n_groups; i++) {
        const struct group *group = &routes->groups[routes->order[i]];
        struct policy_range *of = &routes->of[group->programme][group->set];
        of->first = of->n == 0 ? i : of->first;
        of->n++;
    }
}

struct routes *routes_new(const struct policy *policy)
{
    struct routes *routes = calloc(1, sizeof *routes);
    assert(routes);
    routes->policy = policy;
    for (uint32_t i = 0; i < policy->n_routes; i++)
        add_route(routes, &policy->routes[i]);
    hash_entries(routes);
    order_groups(routes);
    return routes;
}

void routes_destroy(struct routes **routes_p)
{
    struct routes *routes = *routes_p;
    if (!routes)
        return;
    free(routes->groups);
    free(routes->order);
    free(routes->entries);
    free(routes->slots);
    free(routes);
    *routes_p = NULL;
}

/* ---- looking up ------------------------------------------------------------------------- */

struct hits { /* entries that the lead may match: from the last down to the first while to_most > value */
    uint32_t first, end;
    int64_t value; /* of the range */
};

/* The first entry behind `first` that is of another hash or begins above the value. */
static uint32_t end_of(const struct routes *routes, uint32_t first, uint64_t hash, int64_t value)
{
    uint32_t from, to = first + 1;
    for (uint32_t step = 1; to < routes->n_entries && routes->entries[to].hash == hash; step *= 2)
        to = step < routes->n_entries - to ? to + step : routes->n_entries;
    for (from = first; from < to;) {
        const uint32_t middle = from + (to - from) / 2;
        if (routes->entries[middle].hash == hash && routes->entries[middle].from <= value)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool probe(const struct routes *routes, uint32_t index, const struct facts *facts, struct hits *ret)
{
    const struct group *group = &routes->groups[index];
    uint64_t hash = facts_mix(0, (uint64_t) index + 1);
    int64_t value = 0;
    for (uint32_t i = 0; i < group->n_keys; i++) {
        if (!facts_get(facts, group->keys[i], &value))
            return false;
        if (group->zip == i + 1 && group->zip_len < ROUTE_ZIP_WHOLE)
            value = zip_begin(value, group->zip_len);
        hash = facts_mix(hash, (uint64_t) value);
    }
    ret->value = 0;
    if (group->range_key && !facts_get(facts, group->range_key, &ret->value))
        return false;
    uint32_t at = (uint32_t) hash & routes->mask;
    while (routes->slots[at] && routes->entries[routes->slots[at] - 1].hash != hash)
        at = (at + 1) & routes->mask;
    if (!routes->slots[at])
        return false;
    ret->first = routes->slots[at] - 1;
    ret->end = end_of(routes, ret->first, hash, ret->value);
    return ret->end > ret->first;
}

/* The entry holds altogether: its range, and what it does not say. */
static bool holds(const struct routes *routes, const struct entry *entry, const struct hits *hits,
                  const struct facts *facts)
{
    return entry->to > hits->value && tests_hold(routes->policy, routes->policy->routes[entry->route].when, facts);
}

uint32_t routes_find(const struct routes *routes, uint32_t programme, enum route_set set, const struct facts *facts)
{
    const struct policy_range of = routes->of[programme][routes->of[programme][set].n ? set : ROUTES_FIRST];
    uint32_t best = ROUTE_NONE, best_zip = 0;
    for (uint32_t i = of.first; i < of.first + of.n; i++) {
        const struct group *group = &routes->groups[routes->order[i]];
        struct hits hits;
        if (best != ROUTE_NONE && (group->zip_len < best_zip || group->first > best))
            break;
        if (!probe(routes, routes->order[i], facts, &hits))
            continue;
        for (uint32_t e = hits.end; e > hits.first && routes->entries[e - 1].to_most > hits.value; e--)
            if (routes->entries[e - 1].route < best && holds(routes, &routes->entries[e - 1], &hits, facts)) {
                best = routes->entries[e - 1].route;
                best_zip = group->zip_len;
            }
    }
    return best;
}

static bool counts_before(const struct route_match *match, const struct route_match *other)
{
    return match->zip_len != other->zip_len ? match->zip_len > other->zip_len : match->route < other->route;
}

/* Where it belongs; the last one falls out when there is no room. */
static uint32_t insert_match(struct route_match *matches, uint32_t n, uint32_t room, struct route_match match)
{
    uint32_t at = n < room ? n : room - 1;
    for (; at > 0 && counts_before(&match, &matches[at - 1]); at--)
        matches[at] = matches[at - 1];
    matches[at] = match;
    return n < room ? n + 1 : n;
}

uint32_t routes_all(const struct routes *routes, uint32_t programme, enum route_set set, const struct facts *facts,
                    struct route_match *ret, uint32_t room)
{
    const struct policy_range of = routes->of[programme][set];
    uint32_t n = 0;
    assert(room > 0);
    for (uint32_t i = of.first; i < of.first + of.n; i++) {
        const uint32_t zip_len = routes->groups[routes->order[i]].zip_len;
        struct hits hits;
        if (!probe(routes, routes->order[i], facts, &hits))
            continue;
        const uint32_t last =
            hits.end - hits.first > ROUTES_LOOKED_AT_MAX ? hits.end - ROUTES_LOOKED_AT_MAX : hits.first;
        for (uint32_t e = hits.end; e > last && routes->entries[e - 1].to_most > hits.value; e--) {
            const struct route_match match = {routes->entries[e - 1].route, zip_len};
            if ((n < room || counts_before(&match, &ret[n - 1])) &&
                holds(routes, &routes->entries[e - 1], &hits, facts))
                n = insert_match(ret, n, room, match);
        }
    }
    return n;
}
