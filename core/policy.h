/* SPDX-License-Identifier: Apache-2.0
 * policy.h - the compiled policy: what the core and the workers read. Made from
 * YAML by policy/ (which holds the defaults and checks every range); plain data,
 * no pointers, so that one memcpy keeps it. */
#ifndef TAKT_CORE_POLICY_H
#define TAKT_CORE_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "core/calendar.h"

enum {
    POLICY_PROGRAMMES_MAX = 16,
    POLICY_TEAMS_MAX = 8192, /* with the units above them; each may have a small pool */
    POLICY_SOURCES_MAX = 256,
    POLICY_WEIGHTS_MAX = 64,
    POLICY_GAPS_MAX = 8,
    POLICY_NAME_MAX = 64,
    POLICY_AGENTS_MAX = 1024,
    POLICY_AGENT_WEIGHT_MAX = 1000,
    POLICY_ZONES_MAX = 64,
    POLICY_HOURS_MAX = 32,
    POLICY_HOURS_SPANS_MAX = 16,
    POLICY_HOURS_CLOSED_MAX = 32,
    POLICY_CALLING_MAX = 64,
    POLICY_UNITS_DEEP = 6, /* a team and the units above it: how many at most */
    POLICY_ROUTES_MAX = 16384,
    POLICY_WHEN_MAX = 8,       /* attributes that one rule looks at */
    POLICY_TESTS_MAX = 32768,  /* of all routes and filters */
    POLICY_VALUES_MAX = 65536, /* of all tests, licences and orders */
    POLICY_LIMITS_MAX = 256,
    POLICY_OWNERS_MAX = 48, /* of a lead, over all rounds: so many are excluded for good */
    POLICY_ORDER_KEYS_MAX = 3,
    POLICY_ORDER_NUMBERS_MAX = 2, /* of them: so many are compared as numbers */
    POLICY_ORDER_VALUES_MAX = 64,
    POLICY_ATTRIBUTE_MAX = 32,
    POLICY_POOLS_MAX = 512, /* units with an order or timers of their own */
};

enum mode { MODE_PUSH = 1, MODE_PULL, MODE_PUSH_PULL };
enum widen { WIDEN_PROGRAMME = 1, WIDEN_CELL };
enum pull {
    PULL_BLIND,
    PULL_PREVIEW,
    PULL_CHOOSE
};                                                 /* who asks gets a lead, is offered one, or may take it off a list */
enum earn { EARN_DISPOSITION, EARN_FIRST_ACTION }; /* of a lead asked for: what pays for the next */

/* ---- pacing ---- */
enum limit_of { LIMIT_AGENT = 1, LIMIT_TEAM, LIMIT_SOURCE };
enum limit_per { PER_HOUR, PER_DAY, PER_WEEK, PER_MONTH, PERIODS, PER_OUTCOME = PERIODS, LIMIT_PERS };
enum limit_unit { UNIT_LEADS, UNIT_CENTS, UNITS };
enum evidence { /* of work, bits */
                EVIDENCE_ACT = 1,
                EVIDENCE_NOTE = 2,
                EVIDENCE_DISPOSITION = 4,
                EVIDENCE_ACCEPT = 8,
                EVIDENCE_READY = 16,
                EVIDENCE_ALL = 31
};

/* The most specific one holds: by name before all of a programme before all of the cell. */
struct policy_limit {
    char name[POLICY_NAME_MAX + 1]; /* "" = each */
    bool of_cell;                   /* else of `programme` only */
    uint8_t of, per, unit;
    uint16_t number; /* in its list, from 0 */
    uint32_t programme;
    uint64_t most; /* thousandths of leads, or cents */
};

/* One line of scoring: if the lead's attribute matches, add. */
struct weight {
    uint32_t key; /* feature_key() of the attribute */
    enum { WEIGHT_IS = 1, WEIGHT_RANGE, WEIGHT_SKILL } kind;
    int64_t is;           /* WEIGHT_IS: feature_text() or the number */
    int64_t from, to;     /* WEIGHT_RANGE: from <= number < to */
    int32_t add_permille; /* WEIGHT_SKILL: when the attribute's text is one of the agent's skills */
};

static inline bool weight_is_met(const struct weight *weight, int64_t value) /* by the lead alone */
{
    return weight->kind == WEIGHT_IS      ? value == weight->is
           : weight->kind == WEIGHT_RANGE ? value >= weight->from && value < weight->to
                                          : false;
}

/* p = clamp(base + sum of weights + agent's close rate x performance - open x load, 1..1000) permille
 * score = p x value x 2^(-age / half_life) / 1000, in cents, fixed point, 0..INT32_MAX */
struct scoring {
    int32_t base_permille;
    int32_t load_permille;        /* taken off for each lead the agent holds */
    int32_t performance_permille; /* added at a close rate of 1, smoothed towards the base */
    uint64_t value_cents;         /* of a lead that names none */
    int64_t half_life_ms;         /* 0 = no decay */
    uint32_t n_weights;
    struct weight weights[POLICY_WEIGHTS_MAX];
};

/* When a lead may be called, by the state it is in. */
struct calling {
    uint32_t hours; /* index in the policy's */
    int64_t state;  /* feature_text(); 0 = those that are not named */
};

/* ---- routing: conditions, the tree of units, rules ------------------------------- */

struct policy_range { /* some of policy->tests or policy->values */
    uint32_t first, n;
};

/* Of a lead's attribute: it is one of the values, or with `between`: values[0] <= it < values[1]. Values are those
 * of features, see feature_of(), and ascend; with `zip` one below 0 stands for all zips that begin so. */
struct policy_test {
    uint32_t key; /* feature_key() of the attribute */
    bool between, zip;
    struct policy_range values;
};

/* A unit with kind >= UNIT_OFFICE has teams below it, and is there once for each programme that these work on. */
enum unit_kind { UNIT_TEAM, UNIT_INSIDE, UNIT_FIELD, UNIT_OFFICE, UNIT_AREA, UNIT_REGION, UNIT_DIVISION };
struct policy_team { /* a leaf of the tree, or a unit above; known by its programme and name */
    char name[POLICY_NAME_MAX + 1];
    uint32_t programme;
    enum unit_kind kind;
    uint32_t in;              /* 1 + index of the unit above it; 0 = none */
    uint32_t shift, zone;     /* 1 + index in hours and zones; 0 = as above it */
    uint32_t pool;            /* 1 + index in pools; 0 = all is as in the programme */
    struct policy_range only; /* tests that a lead must pass for the agents in it */
};

/* ---- pools: in which order their leads go, and how long they may take --------------- */

enum lead_order { ORDER_OLDEST_FIRST, ORDER_NEWEST_FIRST, ORDER_RANDOM };
enum order_by { ORDER_LOWEST, ORDER_HIGHEST, ORDER_LISTED };
struct order_key {
    char name[POLICY_ATTRIBUTE_MAX + 1]; /* of the attribute: what an explanation calls it */
    enum order_by by;
    bool zip, contacts; /* contacts: who does not bring it has as many as there are ways to reach the person */
    uint32_t key;       /* feature_key() of the name */
    struct policy_range
        values; /* ORDER_LISTED: the first ones first; as those of a test, but in the order of the file */
};
struct policy_order {      /* within a priority; leads that are equal by all keys go by the last word */
    uint32_t n_keys, line; /* line: in the text of the policy; 0 = it is not said there */
    struct order_key keys[POLICY_ORDER_KEYS_MAX];
    enum lead_order last;
};

/* What a unit says of its pool and of its agents' leads, and units above it where it says nothing. */
struct policy_pool {
    bool has_order; /* else the programme's */
    struct policy_order order;
    int64_t offer_ms, first_action_ms, unclaimed_ms; /* 0 = the programme's */
};

enum route_set { ROUTES_FIRST, ROUTES_AGAIN, ROUTE_SETS }; /* `routes`, and `reroutes` of leads that were taken back */
enum route_target { ROUTE_NOWHERE, ROUTE_TO_TEAM, ROUTE_TO_AGENT, ROUTE_TO_PROGRAMME }; /* NOWHERE: in a faulty file */
struct policy_route {
    uint32_t programme, line; /* line: in the text of the policy */
    uint32_t number;          /* in its set, from 0 */
    enum route_set set;
    enum route_target target;
    uint32_t to;              /* index in policy->teams or policy->agents */
    struct policy_range when; /* tests, all of which hold */
};

enum duplicates { DUPLICATES_ACCEPT, DUPLICATES_REJECT, DUPLICATES_MERGE, DUPLICATES_ATTACH }; /* contacts.c */

struct programme {
    char name[POLICY_NAME_MAX + 1];
    bool retired; /* no longer in the policy; its ended leads are counted here. Only a core makes it so */
    enum mode mode;
    uint32_t strategy;        /* enum strategy */
    enum widen widen;         /* who may take a lead that its own pool left unclaimed */
    bool note_required;       /* a disposition needs a note */
    uint32_t wip_max;         /* leads an agent holds at once */
    uint32_t untouched_max;   /* OFFERED + OWNED leads of an agent */
    uint32_t depth_per_agent; /* push_pull: leads in a team's pool per member present */
    uint32_t attempts_max, distributions_max;
    uint32_t misses_max; /* lapsed offers in a row, then PAUSED */
    int64_t offer_ms, first_action_ms, activity_ms;
    int64_t disposition_ms, disposition_hard_ms;
    int64_t unclaimed_ms, pipeline_grace_ms, ready_ms;
    int64_t decline_exclusion_ms, penalty_ms, penalty_max_ms;
    /* follow-up: followup.c */
    uint32_t attempts_min, attempts_day, recycles_max;
    uint32_t redistribute_to; /* 1 + programme; 0: leads that come back stay in this one */
    int64_t cool_off_ms, age_max_ms;
    int64_t vet_ms;
    bool vet, vet_some, vet_rejects_late; /* vet_some: of some of its sources */
    uint32_t n_gaps;
    uint32_t n_calling; /* 0 = at any time */

    /* contacts */
    enum duplicates duplicates;
    int64_t look_back_ms;

    /* pulling */
    enum earn earn;
    enum pull pull;
    uint32_t see; /* enum see: of an offered lead, before it is accepted */
    uint32_t skips_max;

    /* routing */
    uint32_t licence_key; /* feature_key() of the attribute an agent must be licensed for; 0 = none */
    /* pacing */
    uint32_t zone;         /* in policy.zones: whose days its limits and shifts go by */
    uint32_t shift;        /* 1 + index in policy.hours: when its teams are on duty; 0 = always */
    int64_t inactive_ms;   /* without evidence of work, then PAUSED; 0 = never */
    uint32_t evidence;     /* what counts as such, bits */
    uint32_t unworked_max; /* leads given since the last act; 0 = any number */
    uint32_t ramp_leads;   /* in an hour, at the beginning; 0 = no ramp */
    int64_t ramp_ms, ramp_after_ms;
    uint32_t balance_permille; /* balance.c; 0 = easy leads and hard ones fall as they come */

    /* what is long stands last: what every step looks at lies together */
    struct policy_order order;
    int64_t gap_ms[POLICY_GAPS_MAX]; /* from the n-th attempt to the next; the last one repeats */
    struct calling calling[POLICY_CALLING_MAX];
    struct scoring scoring;
};

struct policy_agent { /* listed in a programme: TOP_DOWN goes by the order, WEIGHTED_ROUND_ROBIN by the weight */
    char name[POLICY_NAME_MAX + 1];
    uint32_t programme, weight;
    struct policy_range only;     /* tests that a lead must pass */
    struct policy_range licences; /* values of the attribute that the programme's licence names */
};
struct policy_member { /* a source of a programme */
    char name[POLICY_NAME_MAX + 1];
    bool vet; /* a source whose leads are vetted */
    uint32_t programme;
};

struct policy_zone { /* one that leads, teams or the cell may be in */
    int64_t text;    /* feature_text() of its name: what a lead's attribute `zone` says */
    bool leads;      /* leads may be there */
    struct zone zone;
};
struct policy_hours {
    char name[POLICY_NAME_MAX + 1];
    struct hours hours;
};

struct policy {
    uint32_t version;
    char cell[33]; /* [a-z0-9-]{1,32} */
    int64_t heartbeat_ms, lease_ms, guard_ms, orphan_grace_ms, scorer_deadline_ms;
    uint32_t waiting_max; /* leads waiting in the cell; above it intake is BUSY */
    uint32_t agents_max;
    int64_t forget_after_ms; /* who is gone so long is forgotten; 0 = nobody is */
    uint32_t n_programmes, n_teams, n_sources, n_agents, n_zones, n_hours; /* all together: every step asks for some */
    uint32_t n_routes, n_tests, n_values, n_pools, n_limits;
    uint32_t default_programme; /* 1 + index: of sources not listed; 0 = refuse them */
    struct programme programmes[POLICY_PROGRAMMES_MAX];
    struct policy_team teams[POLICY_TEAMS_MAX];
    struct policy_member sources[POLICY_SOURCES_MAX];
    struct policy_agent agents[POLICY_AGENTS_MAX]; /* in the order of the file */
    struct policy_zone zones[POLICY_ZONES_MAX];    /* the first is the cell's: its days begin at midnight there */
    struct policy_hours hours[POLICY_HOURS_MAX];

    /* routing */
    struct policy_route routes[POLICY_ROUTES_MAX]; /* in the order of the file */
    struct policy_test tests[POLICY_TESTS_MAX];
    int64_t values[POLICY_VALUES_MAX];
    struct policy_pool pools[POLICY_POOLS_MAX];
    struct policy_limit limits[POLICY_LIMITS_MAX];
};

#endif
