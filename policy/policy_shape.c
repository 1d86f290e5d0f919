/* SPDX-License-Identifier: Apache-2.0
 * policy_shape.c - tables made from policy_keys.def. What a test of an attribute has
 * for keys stands here, and in policy_raw.c: no file says `attribute`. */
#include "policy/policy_shape.h"

#include <stddef.h>

#include "core/policy.h"

static const struct field weight_fields[] = {
#define WEIGHT_WORD(key, allowed, initial, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field timers_fields[] = {
#define TIMER_KEY(key, member, kind, initial, least, most, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field score_fields[] = {
#define SCORE_KEY(key, member, kind, initial, least, most, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#define SCORE_MAPS(key, most, of, text) {#key, SHAPE_MAPS, 0, most, of##_fields},
#include "policy/policy_keys.def"
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
#define AGENT_TESTS(key, most, text) {#key, SHAPE_TESTS, 0, most, NULL},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field unit_timers_fields[] = {
#define UNIT_TIMER(key) {#key, SHAPE_VALUE, 0, 0, NULL},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field unit_fields[] = {
#define UNIT_WORD(key, allowed, initial, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#define UNIT_ORDER(key, allowed, initial, text) {#key, SHAPE_ORDER, 1, POLICY_ORDER_KEYS_MAX + 1, NULL},
#define UNIT_TESTS(key, most, text) {#key, SHAPE_TESTS, 0, most, NULL},
#define UNIT_MAP(key, text) {#key, SHAPE_MAP, 0, 0, unit_##key##_fields},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
static const struct field route_fields[] = {
#define ROUTE_WORD(key, allowed, initial, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#define ROUTE_TESTS(key, most, text) {#key, SHAPE_TESTS, 0, most, NULL},
#include "policy/policy_keys.def"
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
#define PROGRAMME_MAPS(key, most, of, text) {#key, SHAPE_MAPS, 0, most, of##_fields},
#define PROGRAMME_MAP(key, text) {#key, SHAPE_MAP, 0, 0, key##_fields},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
const struct field policy_fields[] = {
#define CELL_WORD(key, allowed, initial, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#define CELL_KEY(key, member, kind, initial, least, most, text) {#key, SHAPE_VALUE, 0, 0, NULL},
#define CELL_LIST(key, least, most, of, initial, text) {#key, SHAPE_VALUES, least, most, NULL},
#define CELL_MAPS(key, most, of, text) {#key, SHAPE_MAPS, 0, most, of##_fields},
#include "policy/policy_keys.def"
    {NULL, SHAPE_VALUE, 0, 0, NULL},
};
_Static_assert(sizeof programme_fields / sizeof *programme_fields <= FIELDS_MAX, "a line each is remembered");
