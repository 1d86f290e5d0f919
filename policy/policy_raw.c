/* SPDX-License-Identifier: Apache-2.0
 * policy_raw.c - the schema of a policy file for libcyaml. What it loads went
 * through policy_scan() before, since libcyaml stops at its first fault; so here
 * nothing can be wrong any more but our own tables. */
#include "policy/policy_raw.h"

#include <assert.h>
#include <stdlib.h>

#include <cyaml/cyaml.h>

#include "core/policy.h"

#define TEXT(type, key) CYAML_FIELD_STRING_PTR(#key, CYAML_FLAG_OPTIONAL, type, key, 0, CYAML_UNLIMITED)
#define LIST(type, key, entry, least, most)                                                                            \
    CYAML_FIELD_SEQUENCE(#key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, key, entry, least, most)

static const cyaml_schema_value_t text_schema = {CYAML_VALUE_STRING(CYAML_FLAG_POINTER, char, 0, CYAML_UNLIMITED)};

static const cyaml_schema_field_t weight_fields[] = {
#define WEIGHT_WORD(key, allowed, initial, text) TEXT(struct raw_weight, key),
#include "policy/policy_keys.def"
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t weight_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_weight, weight_fields)};

static const cyaml_schema_field_t score_fields[] = {
#define SCORE_KEY(key, member, kind, initial, least, most, text) TEXT(struct raw_score, key),
#define SCORE_MAPS(key, most, of, text) LIST(struct raw_score, key, &of##_schema, 0, most),
#include "policy/policy_keys.def"
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t timers_fields[] = {
#define TIMER_KEY(key, member, kind, initial, least, most, text) TEXT(struct raw_timers, key),
#include "policy/policy_keys.def"
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t test_fields[] = {
    TEXT(struct raw_test, attribute),
    LIST(struct raw_test, is, &text_schema, 0, POLICY_VALUES_MAX),
    TEXT(struct raw_test, from),
    TEXT(struct raw_test, to),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t test_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_test, test_fields)};

static const cyaml_schema_field_t order_fields[] = {
    TEXT(struct raw_order, alone),
    TEXT(struct raw_order, word),
    TEXT(struct raw_order, attribute),
    TEXT(struct raw_order, by),
    LIST(struct raw_order, is, &text_schema, 0, POLICY_ORDER_VALUES_MAX),
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t order_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_order, order_fields)};
#define ORDER(type, key) LIST(type, key, &order_schema, 0, POLICY_ORDER_KEYS_MAX + 1)

static const cyaml_schema_field_t agent_fields[] = {
#define AGENT_WORD(key, allowed, initial, text) TEXT(struct raw_agent, key),
#define AGENT_LIST(key, least, most, of, initial, text) LIST(struct raw_agent, key, &text_schema, least, most),
#define AGENT_TESTS(key, most, text) LIST(struct raw_agent, key, &test_schema, 0, most),
#include "policy/policy_keys.def"
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t agent_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_agent, agent_fields)};

static const cyaml_schema_field_t hours_fields[] = {
#define HOURS_WORD(key, allowed, initial, text) TEXT(struct raw_hours, key),
#define HOURS_LIST(key, least, most, of, initial, text) LIST(struct raw_hours, key, &text_schema, least, most),
#include "policy/policy_keys.def"
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t hours_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_hours, hours_fields)};

static const cyaml_schema_field_t calling_fields[] = {
#define CALLING_WORD(key, allowed, initial, text) TEXT(struct raw_calling, key),
#define CALLING_LIST(key, least, most, of, initial, text) LIST(struct raw_calling, key, &text_schema, least, most),
#include "policy/policy_keys.def"
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t calling_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_calling, calling_fields)};
static const cyaml_schema_field_t unit_fields[] = {
#define UNIT_WORD(key, allowed, initial, text) TEXT(struct raw_unit, key),
#define UNIT_ORDER(key, allowed, initial, text) ORDER(struct raw_unit, key),
#define UNIT_TESTS(key, most, text) LIST(struct raw_unit, key, &test_schema, 0, most),
#define UNIT_MAP(key, text) CYAML_FIELD_MAPPING(#key, CYAML_FLAG_OPTIONAL, struct raw_unit, key, key##_fields),
#include "policy/policy_keys.def"
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t unit_schema = {CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_unit, unit_fields)};

static const cyaml_schema_field_t route_fields[] = {
#define ROUTE_WORD(key, allowed, initial, text) TEXT(struct raw_route, key),
#define ROUTE_TESTS(key, most, text) LIST(struct raw_route, key, &test_schema, 0, most),
#include "policy/policy_keys.def"
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t route_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_route, route_fields)};
static const cyaml_schema_field_t ramp_fields[] = {
#define RAMP_KEY(key, member, kind, initial, least, most, text) TEXT(struct raw_ramp, key),
#include "policy/policy_keys.def"
    CYAML_FIELD_END,
};

static const cyaml_schema_field_t limit_fields[] = {
#define LIMIT_WORD(key, allowed, initial, text) TEXT(struct raw_limit, key),
#include "policy/policy_keys.def"
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t limit_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_limit, limit_fields)};

static const cyaml_schema_field_t programme_fields[] = {
#define PROGRAMME_WORD(key, allowed, initial, text) TEXT(struct raw_programme, key),
#define PROGRAMME_ORDER(key, allowed, initial, text) ORDER(struct raw_programme, key),
#define PROGRAMME_LIST(key, least, most, of, initial, text) LIST(struct raw_programme, key, &text_schema, least, most),
#define PROGRAMME_KEY(key, member, kind, initial, least, most, text) TEXT(struct raw_programme, key),
#define PROGRAMME_MAPS(key, most, of, text) LIST(struct raw_programme, key, &of##_schema, 0, most),
#define PROGRAMME_MAP(key, text)                                                                                       \
    CYAML_FIELD_MAPPING(#key, CYAML_FLAG_OPTIONAL, struct raw_programme, key, key##_fields),
#include "policy/policy_keys.def"
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t programme_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct raw_programme, programme_fields)};

static const cyaml_schema_field_t policy_fields[] = {
#define CELL_WORD(key, allowed, initial, text) TEXT(struct raw_policy, key),
#define CELL_KEY(key, member, kind, initial, least, most, text) TEXT(struct raw_policy, key),
#define CELL_LIST(key, least, most, of, initial, text) LIST(struct raw_policy, key, &text_schema, least, most),
#define CELL_MAPS(key, most, of, text) LIST(struct raw_policy, key, &of##_schema, 0, most),
#include "policy/policy_keys.def"
    CYAML_FIELD_END,
};
static const cyaml_schema_value_t policy_schema = {
    CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct raw_policy, policy_fields)};

static const cyaml_config_t config = {.mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR};

struct raw_policy *raw_read(const char *text, size_t len)
{
    struct raw_policy *raw = NULL;
    const cyaml_err_t error =
        cyaml_load_data((const uint8_t *) text, len, &config, &policy_schema, (cyaml_data_t **) &raw, NULL);
    if (error == CYAML_ERR_OOM)
        abort();
    assert(error == CYAML_OK && raw != NULL); /* what was scanned fits: both schemas are made from one list of keys */
    return raw;
}

void raw_free(struct raw_policy **raw_p)
{
    if (*raw_p != NULL)
        cyaml_free(&config, &policy_schema, *raw_p, 0);
    *raw_p = NULL;
}
