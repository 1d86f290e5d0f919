/* SPDX-License-Identifier: Apache-2.0
 * policy_routes.c - rules and filters: what a lead's attributes must be, and who
 * gets it then. Values become what the core compares, see feature_of(); of each
 * test they are sorted, so that a list of a thousand zips is searched, not walked. */
#include "policy/policy_routes.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_index.h"
#include "policy/policy_take.h"
#include "proto/msg.h"

/* ---- values ---------------------------------------------------------------------- */

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

/* "902*" of the attribute zip is every zip that begins so. */
static bool read_one(struct policy_findings *findings, const char *path, const char *attribute, const char *text,
                     int64_t *ret)
{
    const size_t len = strlen(text);
    const bool is_zip = strcmp(attribute, "zip") == 0, begins = len > 0 && text[len - 1] == '*';
    const struct attribute value = {.name = slice_of(attribute, strlen(attribute)),
                                    .text = slice_of(text, len - begins)};
    if (len == 0) {
        finding_add(findings, FAULT_BAD_VALUE, path, "is empty");
        return false;
    }
    if (begins && !is_zip) {
        finding_add(findings, FAULT_BAD_VALUE, path, "is \"%.40s\"; only a zip may end with *", text);
        return false;
    }
    *ret = feature_of(&value);
    if (is_zip && *ret == 0) {
        finding_add(findings, FAULT_BAD_VALUE, path, "is \"%.40s\"; a zip has letters or digits", text);
        return false;
    }
    if (begins)
        *ret = -*ret;
    return true;
}

static bool has_room(struct policy_findings *findings, const char *path, uint32_t n, uint32_t wanted, uint32_t most,
                     const char *what)
{
    if (wanted <= most - n)
        return true;
    finding_add(findings, FAULT_TOO_MANY, path, "the cell has more than %u %s", most, what);
    return false;
}

struct policy_range values_take(struct policy_findings *findings, const char *path, const char *attribute,
                                char *const *texts, uint32_t n, struct policy *policy)
{
    struct policy_range range = {.first = policy->n_values};
    if (!has_room(findings, path, policy->n_values, n, POLICY_VALUES_MAX, "values in rules, filters and orders"))
        return range;
    int64_t *values = &policy->values[policy->n_values];
    for (uint32_t i = 0; i < n; i++) {
        char entry[FINDING_PATH_MAX];
        snprintf(entry, sizeof entry, "%.140s[%u]", path, i);
        range.n += read_one(findings, entry, attribute, texts[i], &values[range.n]);
    }
    policy->n_values += range.n;
    return range;
}

/* Each once, and as they are searched. */
static struct policy_range read_values(struct policy_findings *findings, const char *path, const char *attribute,
                                       char *const *texts, uint32_t n, struct policy *policy)
{
    struct policy_range range = values_take(findings, path, attribute, texts, n, policy);
    int64_t *values = &policy->values[range.first];
    qsort(values, range.n, sizeof *values, by_value);
    uint32_t n_unlike = 0;
    for (uint32_t i = 0; i < range.n; i++)
        if (i == 0 || values[i] != values[n_unlike - 1])
            values[n_unlike++] = values[i];
    policy->n_values -= range.n - n_unlike;
    range.n = n_unlike;
    return range;
}

/* ---- tests ----------------------------------------------------------------------- */

static bool read_bound(struct policy_findings *findings, const char *path, const char *key, const char *text,
                       const char *attribute, int64_t initial, int64_t *ret)
{
    char place[FINDING_PATH_MAX];
    snprintf(place, sizeof place, "%.120s.%s", path, key);
    *ret = initial;
    if (text == NULL)
        return true;
    if (strcmp(attribute, "zip") == 0)
        return read_one(findings, place, attribute, text, ret);
    return take_value(findings, place, text, VALUE_COUNT, -VALUE_NUMBER_MAX, VALUE_NUMBER_MAX, ret);
}

static bool read_between(struct policy_findings *findings, const char *path, const struct raw_test *raw,
                         struct policy *policy, struct policy_test *test)
{
    int64_t bounds[2];
    const bool is_zip = strcmp(raw->attribute, "zip") == 0;
    if (!has_room(findings, path, policy->n_values, 2, POLICY_VALUES_MAX, "values in rules, filters and orders") ||
        !read_bound(findings, path, "from", raw->from, raw->attribute, is_zip ? 1 : -VALUE_NUMBER_MAX, &bounds[0]) ||
        !read_bound(findings, path, "to", raw->to, raw->attribute, is_zip ? INT64_MAX : VALUE_NUMBER_MAX, &bounds[1]))
        return false;
    if (bounds[0] >= bounds[1]) {
        finding_add(findings, FAULT_CONFLICT, path, "from must be less than to, which is no longer part of the range");
        return false;
    }
    test->between = true;
    test->values = (struct policy_range){policy->n_values, 2};
    memcpy(&policy->values[policy->n_values], bounds, sizeof bounds);
    policy->n_values += 2;
    return true;
}

static int by_key(const void *a, const void *b)
{
    const struct policy_test *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

struct policy_range tests_read(struct policy_findings *findings, const char *path, const struct raw_test *raw,
                               uint32_t n, struct policy *policy)
{
    struct policy_range range = {.first = policy->n_tests};
    if (!has_room(findings, path, policy->n_tests, n, POLICY_TESTS_MAX, "tests in rules and filters"))
        return range;
    for (uint32_t i = 0; i < n; i++) {
        char place[FINDING_PATH_MAX];
        struct policy_test *test = &policy->tests[policy->n_tests];
        *test = (struct policy_test){.key = feature_key(raw[i].attribute, strlen(raw[i].attribute)),
                                     .zip = strcmp(raw[i].attribute, "zip") == 0};
        snprintf(place, sizeof place, "%.100s.%.40s", path, raw[i].attribute);
        if (raw[i].is == NULL) {
            if (!read_between(findings, place, &raw[i], policy, test))
                continue;
        } else {
            test->values = read_values(findings, place, raw[i].attribute, raw[i].is, raw[i].is_count, policy);
        }
        policy->n_tests++;
        range.n++;
    }
    qsort(&policy->tests[range.first], range.n, sizeof(struct policy_test), by_key);
    return range;
}

/* ---- filters --------------------------------------------------------------------- */

void filters_read(struct policy_findings *findings, const struct raw_programme *raw, struct programme *programme,
                  uint32_t first, struct policy *policy)
{
    const char *licence = raw->licence;
    char path[48];
    if (licence != NULL && !value_is_attribute(licence))
        finding_add(findings, FAULT_BAD_VALUE, "licence", "is \"%.40s\"; allowed are 1 to 32 of a-z, 0-9 and _",
                    licence);
    else if (licence != NULL)
        programme->licence_key = feature_key(licence, strlen(licence));
    for (uint32_t i = 0; i < raw->agents_count && first + i < policy->n_agents; i++) {
        const struct raw_agent *from = &raw->agents[i];
        struct policy_agent *agent = &policy->agents[first + i];
        snprintf(path, sizeof path, "agents[%u].only", i);
        agent->only = tests_read(findings, path, from->only, from->only_count, policy);
        snprintf(path, sizeof path, "agents[%u].licences", i);
        if (from->licences_count > 0 && licence == NULL)
            finding_add(findings, FAULT_CONFLICT, path, "mean nothing without the programme's licence");
        else
            agent->licences = read_values(findings, path, licence != NULL ? licence : "", from->licences,
                                          from->licences_count, policy);
        if (licence != NULL && strcmp(licence, "zip") == 0 && agent->licences.n > 0 &&
            policy->values[agent->licences.first] < 0)
            finding_add(findings, FAULT_BAD_VALUE, path, "have a zip that ends with *; a licence is for a whole one");
    }
}

/* ---- rules ----------------------------------------------------------------------- */

enum target { TARGET_TEAM, TARGET_AGENT, TARGET_PROGRAMME }; /* in this order one of several of a name is meant */

struct targets {
    struct names names; /* group: programme */
    const struct names *units;
};

static void list_targets(struct targets *targets, const struct policy *policy)
{
    for (uint32_t i = 0; i < policy->n_teams; i++)
        names_add(&targets->names, (struct name){policy->teams[i].name, policy->teams[i].programme, TARGET_TEAM, i});
    for (uint32_t i = 0; i < policy->n_agents; i++)
        names_add(&targets->names, (struct name){policy->agents[i].name, policy->agents[i].programme, TARGET_AGENT, i});
    for (uint32_t i = 0; i < policy->n_programmes; i++)
        names_add(&targets->names, (struct name){policy->programmes[i].name, i, TARGET_PROGRAMME, i});
    names_end(&targets->names);
}

static void read_target(struct policy_findings *findings, const char *path, const char *text,
                        const struct targets *targets, struct policy_route *route)
{
    char hint[64] = "";
    uint32_t n, n_units;
    if (text == NULL) {
        finding_add(findings, FAULT_MISSING, path, "is missing");
        return;
    }
    const struct name *found = names_find(&targets->names, route->programme, text, &n);
    if (found == NULL && names_find(targets->units, 0, text, &n_units) != NULL) {
        finding_add(findings, FAULT_MISSING, path,
                    "is %.70s, and no team of this programme is in it: nobody could take the lead", text);
    } else if (found == NULL) {
        finding_add(findings, FAULT_NO_SUCH_NAME, path,
                    "is \"%.70s\"; no unit, team or listed agent of this programme is called that%s", text,
                    names_hint(findings, &targets->names, route->programme, text, hint));
    } else if (n > 1 && found[0].kind == TARGET_TEAM && found[1].kind == TARGET_AGENT) {
        finding_add(findings, FAULT_CONFLICT, path, "is \"%s\", and both a team and an agent are called that", text);
    } else {
        route->target = (enum route_target)(found->kind + ROUTE_TO_TEAM);
        route->to = found->index;
    }
}

static void read_set(struct policy_findings *findings, const char *key, const struct raw_route *raw, uint32_t n,
                     uint32_t programme, enum route_set set, const struct targets *targets, struct policy *policy)
{
    for (uint32_t i = 0; i < n; i++) {
        char path[64], place[FINDING_PATH_MAX];
        uint32_t column;
        snprintf(path, sizeof path, "%s[%u]", key, i);
        if (!has_room(findings, path, policy->n_routes, 1, POLICY_ROUTES_MAX, "rules"))
            return;
        const uint32_t told = findings->n + findings->n_more;
        struct policy_route *route = &policy->routes[policy->n_routes++];
        *route = (struct policy_route){.programme = programme, .set = set, .number = i};
        snprintf(place, sizeof place, "%s%s", findings->where, path);
        policy_index_find(findings->index, place, &route->line, &column);
        snprintf(path, sizeof path, "%s[%u].when", key, i);
        route->when = tests_read(findings, path, raw[i].when, raw[i].when_count, policy);
        snprintf(path, sizeof path, "%s[%u].to", key, i);
        read_target(findings, path, raw[i].to, targets, route);
        if (told != findings->n + findings->n_more)
            route->target = ROUTE_NOWHERE; /* what it would catch is not judged */
    }
}

void routes_read(struct policy_findings *findings, const struct raw_policy *raw, const struct names *units,
                 struct policy *policy)
{
    struct targets targets = {.units = units};
    list_targets(&targets, policy);
    for (uint32_t i = 0; i < raw->programmes_count; i++) {
        const struct raw_programme *programme = &raw->programmes[i];
        snprintf(findings->where, sizeof findings->where, "programmes[%u].", i);
        read_set(findings, "routes", programme->routes, programme->routes_count, i, ROUTES_FIRST, &targets, policy);
        read_set(findings, "reroutes", programme->reroutes, programme->reroutes_count, i, ROUTES_AGAIN, &targets,
                 policy);
    }
    findings->where[0] = '\0';
    names_fini(&targets.names);
}
