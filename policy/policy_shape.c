/* SPDX-License-Identifier: Apache-2.0
 * policy_shape.c - tables made from policy_keys.def; what is a list or a mapping
 * in itself has its line here. */
#include "policy/policy_shape.h"

#include <stddef.h>

#include "core/policy.h"

static const struct field weight_fields[] = {
#define WEIGHT_WORD(key, allowed, initial, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field timer_fields[] = {
#define TIMER_KEY(key, member, kind, initial, least, most, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field score_fields[] = {
#define SCORE_KEY(key, member, kind, initial, least, most, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#include "policy/policy_keys.def"
    {"weights", SHAPE_MAPS, 0, POLICY_WEIGHTS_MAX, weight_fields},
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
const struct field range_fields[] = {
    {"from", SHAPE_VALUE, 0, 0, NULL},
    {"to", SHAPE_VALUE, 0, 0, NULL},
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field agent_fields[] = {
#define AGENT_WORD(key, allowed, initial, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#define AGENT_LIST(key, least, most, of, initial, text) {#key, SHAPE_VALUES, least, most, NULL},
#include "policy/policy_keys.def"
    {"only", SHAPE_TESTS, 0, POLICY_WHEN_MAX, NULL},
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field unit_timer_fields[] = {
#define UNIT_TIMER(key) {#key, SHAPE_VALUE, 0, 0, NULL},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field unit_fields[] = {
#define UNIT_WORD(key, allowed, initial, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#define UNIT_ORDER(key, allowed, initial, text) {#key, SHAPE_ORDER, 1, POLICY_ORDER_KEYS_MAX + 1, NULL},
#include "policy/policy_keys.def"
    {"timers", SHAPE_MAP, 0, 0, unit_timer_fields},
    {"only", SHAPE_TESTS, 0, POLICY_WHEN_MAX, NULL},
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field route_fields[] = {
#define ROUTE_WORD(key, allowed, initial, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#include "policy/policy_keys.def"
    {"when", SHAPE_TESTS, 0, POLICY_WHEN_MAX, NULL},
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field hours_fields[] = {
#define HOURS_WORD(key, allowed, initial, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#define HOURS_LIST(key, least, most, of, initial, text) {#key, SHAPE_VALUES, least, most, NULL},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field calling_fields[] = {
#define CALLING_WORD(key, allowed, initial, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#define CALLING_LIST(key, least, most, of, initial, text) {#key, SHAPE_VALUES, least, most, NULL},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field ramp_fields[] = {
#define RAMP_KEY(key, member, kind, initial, least, most, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field limit_fields[] = {
#define LIMIT_WORD(key, allowed, initial, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field programme_fields[] = {
#define PROGRAMME_WORD(key, allowed, initial, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#define PROGRAMME_ORDER(key, allowed, initial, text) {#key, SHAPE_ORDER, 1, POLICY_ORDER_KEYS_MAX + 1, NULL},
#define PROGRAMME_LIST(key, least, most, of, initial, text) {#key, SHAPE_VALUES, least, most, NULL},
#define PROGRAMME_KEY(key, member, kind, initial, least, most, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#include "policy/policy_keys.def"
    {"agents", SHAPE_MAPS, 0, POLICY_AGENTS_MAX, agent_fields},
    {"calling", SHAPE_MAPS, 0, POLICY_CALLING_MAX, calling_fields},
    {"routes", SHAPE_MAPS, 0, POLICY_ROUTES_MAX, route_fields},
    {"reroutes", SHAPE_MAPS, 0, POLICY_ROUTES_MAX, route_fields},
    {"limits", SHAPE_MAPS, 0, POLICY_LIMITS_MAX, limit_fields},
    {"ramp", SHAPE_MAP, 0, 0, ramp_fields},
    {"timers", SHAPE_MAP, 0, 0, timer_fields},
    {"score", SHAPE_MAP, 0, 0, score_fields},
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
const struct field policy_fields[] = {
#define CELL_WORD(key, allowed, initial, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#define CELL_KEY(key, member, kind, initial, least, most, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#define CELL_LIST(key, least, most, of, initial, text) {#key, SHAPE_VALUES, least, most, NULL},
#include "policy/policy_keys.def"
    {"hours", SHAPE_MAPS, 0, POLICY_HOURS_MAX, hours_fields},
    {"limits", SHAPE_MAPS, 0, POLICY_LIMITS_MAX, limit_fields},
    {"programmes", SHAPE_MAPS, 0, POLICY_PROGRAMMES_MAX, programme_fields},
    {"units", SHAPE_MAPS, 0, POLICY_TEAMS_MAX, unit_fields},
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
_Static_assert(sizeof programme_fields / sizeof *programme_fields <= FIELDS_MAX, "a line each is remembered");
