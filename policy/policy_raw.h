/* SPDX-License-Identifier: Apache-2.0
 * policy_raw.h - a policy file as it is written: every scalar still text, NULL
 * where the key is missing. libcyaml would turn a missing number into 0, and 0
 * is a value here. Internal to policy/; the only code that knows libcyaml. */
#ifndef TAKT_POLICY_POLICY_RAW_H
#define TAKT_POLICY_POLICY_RAW_H

#include <stddef.h>
#include <stdint.h>

struct raw_weight {
#define WEIGHT_WORD(key, allowed, initial, text) char *key;
#include "policy/policy_keys.def"
};

struct raw_test { /* of a `when` or `only`: policy_scan() makes a list of that mapping */
    char *attribute, **is, *from, *to;
    uint32_t is_count;
};

struct raw_order { /* of an `order`, a list even of the one word that it may be */
    char *alone;   /* that word */
    char *word;    /* of a list: one that is no attribute */
    char *attribute, *by, **is;
    uint32_t is_count;
};

struct raw_agent {
#define AGENT_WORD(key, allowed, initial, text) char *key;
#define AGENT_LIST(key, least, most, of, initial, text)                                                                \
    char **key;                                                                                                        \
    uint32_t key##_count;
#define AGENT_TESTS(key, most, text)                                                                                   \
    struct raw_test *key;                                                                                              \
    uint32_t key##_count;
#include "policy/policy_keys.def"
};

struct raw_timers {
#define TIMER_KEY(key, member, kind, initial, least, most, text) char *key;
#include "policy/policy_keys.def"
};

struct raw_unit {
#define UNIT_WORD(key, allowed, initial, text) char *key;
#define UNIT_ORDER(key, allowed, initial, text)                                                                        \
    struct raw_order *key;                                                                                             \
    uint32_t key##_count;
#define UNIT_TESTS(key, most, text)                                                                                    \
    struct raw_test *key;                                                                                              \
    uint32_t key##_count;
#define UNIT_MAP(key, text) struct raw_##key key; /* of timers those of UNIT_TIMER */
#include "policy/policy_keys.def"
};

struct raw_route {
#define ROUTE_WORD(key, allowed, initial, text) char *key;
#define ROUTE_TESTS(key, most, text)                                                                                   \
    struct raw_test *key;                                                                                              \
    uint32_t key##_count;
#include "policy/policy_keys.def"
};

struct raw_score {
#define SCORE_KEY(key, member, kind, initial, least, most, text) char *key;
#define SCORE_MAPS(key, most, of, text)                                                                                \
    struct raw_##of *key;                                                                                              \
    uint32_t key##_count;
#include "policy/policy_keys.def"
};

struct raw_hours {
#define HOURS_WORD(key, allowed, initial, text) char *key;
#define HOURS_LIST(key, least, most, of, initial, text)                                                                \
    char **key;                                                                                                        \
    uint32_t key##_count;
#include "policy/policy_keys.def"
};

struct raw_calling {
#define CALLING_WORD(key, allowed, initial, text) char *key;
#define CALLING_LIST(key, least, most, of, initial, text)                                                              \
    char **key;                                                                                                        \
    uint32_t key##_count;
#include "policy/policy_keys.def"
};

struct raw_ramp {
#define RAMP_KEY(key, member, kind, initial, least, most, text) char *key;
#include "policy/policy_keys.def"
};

struct raw_limit {
#define LIMIT_WORD(key, allowed, initial, text) char *key;
#include "policy/policy_keys.def"
};

struct raw_programme {
#define PROGRAMME_WORD(key, allowed, initial, text) char *key;
#define PROGRAMME_ORDER(key, allowed, initial, text)                                                                   \
    struct raw_order *key;                                                                                             \
    uint32_t key##_count;
#define PROGRAMME_LIST(key, least, most, of, initial, text)                                                            \
    char **key;                                                                                                        \
    uint32_t key##_count;
#define PROGRAMME_KEY(key, member, kind, initial, least, most, text) char *key;
#define PROGRAMME_MAPS(key, most, of, text)                                                                            \
    struct raw_##of *key;                                                                                              \
    uint32_t key##_count;
#define PROGRAMME_MAP(key, text) struct raw_##key key;
#include "policy/policy_keys.def"
};

struct raw_policy {
#define CELL_WORD(key, allowed, initial, text) char *key;
#define CELL_KEY(key, member, kind, initial, least, most, text) char *key;
#define CELL_LIST(key, least, most, of, initial, text)                                                                 \
    char **key;                                                                                                        \
    uint32_t key##_count;
#define CELL_MAPS(key, most, of, text)                                                                                 \
    struct raw_##of *key;                                                                                              \
    uint32_t key##_count;
#include "policy/policy_keys.def"
};

/* Loads what policy_scan() found sound. */
struct raw_policy *raw_read(const char *text, size_t len);
void raw_free(struct raw_policy **raw_p);

#endif
