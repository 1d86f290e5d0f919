/* SPDX-License-Identifier: Apache-2.0
 * routes.h - which rule of the policy places a lead. The rules are compiled into an
 * index, so that a look-up costs what the kinds of rules cost, not how many there
 * are: rules that test the same attributes stand in one table, hashed by the values
 * they want, and one probe a table finds them (tuple space search).
 *
 * Of all rules that match, the one with the longest zip prefix counts, a whole zip
 * being longest and no zip shortest; among equals the first in the file. */
#ifndef TAKT_CORE_ROUTES_H
#define TAKT_CORE_ROUTES_H

#include "core/policy.h"
#include "proto/msg.h"

enum { ROUTE_NONE = UINT32_MAX };

struct facts { /* what rules and filters see of a lead; of two of a key the first counts */
    const struct feature *features;
    uint32_t n;
};

/* The lead's value of this attribute; false: it has none. */
bool facts_get(const struct facts *facts, uint32_t key, int64_t *ret_value);

bool values_have(const struct policy *policy, struct policy_range values, int64_t value);

/* All of these tests hold. */
bool tests_hold(const struct policy *policy, struct policy_range tests, const struct facts *facts);

static inline uint64_t facts_mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9e3779b97f4a7c15u;
    return hash ^ hash >> 29;
}

struct route_match {
    uint32_t route;   /* of policy->routes */
    uint32_t zip_len; /* of the prefix that matched: 0 = the rule has no zip, ROUTE_ZIP_WHOLE = all of it */
};
enum { ROUTE_ZIP_WHOLE = ZIP_MAX + 1 };

struct routes;
struct routes *routes_new(const struct policy *policy); /* borrows the policy */
void routes_destroy(struct routes **routes_p);

/* Which of policy->routes, or ROUTE_NONE. A programme that has no ROUTES_AGAIN goes by its ROUTES_FIRST again. */
uint32_t routes_find(const struct routes *routes, uint32_t programme, enum route_set set, const struct facts *facts);

/* Those that match, in the order in which they count: the first `room` of them. Returns how many. For a linter:
 * of rules that differ in their range alone, and are about this lead, it looks at ROUTES_LOOKED_AT_MAX. */
enum { ROUTES_LOOKED_AT_MAX = 256 };
uint32_t routes_all(const struct routes *routes, uint32_t programme, enum route_set set, const struct facts *facts,
                    struct route_match *ret, uint32_t room);

#endif
