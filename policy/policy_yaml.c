/* SPDX-License-Identifier: Apache-2.0
 * policy_yaml.c - a policy file to the compiled policy: missing keys get their
 * defaults, every value is checked against its range. The file's shape is
 * policy_scan.c, single values policy_values.c, what needs several keys
 * policy_lint.c. All faults are reported, not the first one alone. */
#include "policy/policy_yaml.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_followup.h"
#include "policy/policy_hours.h"
#include "policy/policy_limits.h"
#include "policy/policy_lint.h"
#include "policy/policy_near.h"
#include "policy/policy_order.h"
#include "policy/policy_pull.h"
#include "policy/policy_raw.h"
#include "policy/policy_routes.h"
#include "policy/policy_scan.h"
#include "policy/policy_take.h"
#include "policy/policy_values.h"
#include "proto/msg.h"

#define KEY(raw_type, type, key, member, kind, initial, least, most)                                                   \
    {#key, VALUE_##kind, offsetof(struct raw_type, key), offsetof(struct type, member), initial, least, most},

static const struct key cell_keys[] = {
#define CELL_KEY(key, member, kind, initial, least, most, text)                                                        \
    KEY(raw_policy, policy, key, member, kind, initial, least, most)
#include "policy/policy_keys.def"
};
static const struct key programme_keys[] = {
#define PROGRAMME_KEY(key, member, kind, initial, least, most, text)                                                   \
    KEY(raw_programme, programme, key, member, kind, initial, least, most)
#include "policy/policy_keys.def"
};
static const struct key timer_keys[] = {
#define TIMER_KEY(key, member, kind, initial, least, most, text)                                                       \
    KEY(raw_timers, programme, key, member, kind, initial, least, most)
#include "policy/policy_keys.def"
};
static const struct key score_keys[] = {
#define SCORE_KEY(key, member, kind, initial, least, most, text)                                                       \
    KEY(raw_score, scoring, key, member, kind, initial, least, most)
#include "policy/policy_keys.def"
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const struct value_word modes[] = {
    {"push", MODE_PUSH}, {"pull", MODE_PULL}, {"push_pull", MODE_PUSH_PULL}, {NULL, 0}};
static const struct value_word duplicates[] = {{"accept", DUPLICATES_ACCEPT},
                                               {"reject", DUPLICATES_REJECT},
                                               {"merge", DUPLICATES_MERGE},
                                               {"attach", DUPLICATES_ATTACH},
                                               {NULL, 0}};
static const struct value_word widens[] = {{"programme", WIDEN_PROGRAMME}, {"cell", WIDEN_CELL}, {NULL, 0}};
static const struct value_word strategies[] = {
#define STRATEGY(number, name, word, keeps, text) {word, number},
#include "proto/strategies.def"
#undef STRATEGY
    {NULL, 0}};

static const int64_t gaps_initial[] = {5 * 60000,    30 * 60000,       4 * 3600000,
                                       24 * 3600000, 3 * 24 * 3600000, 7 * 24 * 3600000};

/* ---- defaults ------------------------------------------------------------------ */

/* One lead at a time, and a note on each, is what pulling means (001-06). */
static void programme_defaults(struct programme *programme, enum mode mode)
{
    memset(programme, 0, sizeof *programme);
    take_initial(programme_keys, COUNT(programme_keys), programme);
    take_initial(timer_keys, COUNT(timer_keys), programme);
    take_initial(score_keys, COUNT(score_keys), &programme->scoring);
    pacing_defaults(programme);
    programme->mode = mode;
    programme->strategy = STRATEGY_BEST_SCORE;
    programme->widen = WIDEN_PROGRAMME;
    programme->n_gaps = COUNT(gaps_initial);
    memcpy(programme->gap_ms, gaps_initial, sizeof gaps_initial);
    if (mode == MODE_PULL) {
        programme->wip_max = 1;
        programme->note_required = true;
    }
}

void policy_defaults(struct policy *ret)
{
    memset(ret, 0, sizeof *ret);
    take_initial(cell_keys, COUNT(cell_keys), ret);
    snprintf(ret->cell, sizeof ret->cell, "main");
    programme_defaults(&ret->programmes[0], MODE_PUSH);
    snprintf(ret->programmes[0].name, sizeof ret->programmes[0].name, "default");
    snprintf(ret->teams[0].name, sizeof ret->teams[0].name, "default");
    ret->n_programmes = ret->n_teams = ret->default_programme = 1;
}

/* ---- scoring ------------------------------------------------------------------- */

static bool read_number(struct policy_findings *findings, const char *path, const char *text, int64_t initial,
                        int64_t *ret)
{
    *ret = initial;
    return text == NULL || take_value(findings, path, text, VALUE_COUNT, -VALUE_NUMBER_MAX, VALUE_NUMBER_MAX, ret);
}

static void read_condition(struct policy_findings *findings, const char *path, const struct raw_weight *raw,
                           struct weight *ret_weight)
{
    char key[64];
    const bool is_range = raw->from != NULL || raw->to != NULL, is_skill = raw->skill != NULL;
    if ((raw->is != NULL) + is_range + is_skill != 1) {
        finding_add(findings, FAULT_CONFLICT, path, "needs one of: is, from and to, skill");
    } else if (is_skill) {
        ret_weight->kind = WEIGHT_SKILL;
        snprintf(key, sizeof key, "%s.skill", path);
        if (strcmp(raw->skill, "true") != 0)
            finding_add(findings, FAULT_BAD_VALUE, key, "is \"%.40s\"; allowed is true", raw->skill);
    } else if (is_range) {
        ret_weight->kind = WEIGHT_RANGE;
        snprintf(key, sizeof key, "%s.from", path);
        const bool has_from = read_number(findings, key, raw->from, -VALUE_NUMBER_MAX, &ret_weight->from);
        snprintf(key, sizeof key, "%s.to", path);
        if (read_number(findings, key, raw->to, VALUE_NUMBER_MAX, &ret_weight->to) && has_from &&
            ret_weight->from >= ret_weight->to)
            finding_add(findings, FAULT_CONFLICT, path,
                        "from must be less than to, which is no longer part of the range");
    } else {
        const char *name = raw->attribute != NULL ? raw->attribute : "";
        ret_weight->kind = WEIGHT_IS;
        ret_weight->is = feature_of(
            &(struct attribute){.name = slice_of(name, strlen(name)), .text = slice_of(raw->is, strlen(raw->is))});
    }
}

static void read_weight(struct policy_findings *findings, uint32_t number, const struct raw_weight *raw,
                        struct weight *ret_weight)
{
    char path[40], key[64];
    int64_t value;
    snprintf(path, sizeof path, "score.weights[%u]", number);
    snprintf(key, sizeof key, "%s.attribute", path);
    if (raw->attribute == NULL)
        finding_add(findings, FAULT_MISSING, key, "is missing");
    else if (!value_is_attribute(raw->attribute))
        finding_add(findings, FAULT_BAD_VALUE, key, "is \"%.40s\"; allowed are 1 to 32 of a-z, 0-9 and _",
                    raw->attribute);
    else
        ret_weight->key = feature_key(raw->attribute, strlen(raw->attribute));
    snprintf(key, sizeof key, "%s.add", path);
    if (raw->add == NULL)
        finding_add(findings, FAULT_MISSING, key, "is missing");
    else if (take_value(findings, key, raw->add, VALUE_PERMILLE, -1000, 1000, &value))
        ret_weight->add_permille = (int32_t) value;
    read_condition(findings, path, raw, ret_weight);
}

static void read_score(struct policy_findings *findings, const struct raw_score *raw, struct scoring *scoring)
{
    take_keys(findings, "score.", score_keys, COUNT(score_keys), raw, scoring);
    scoring->n_weights = raw->weights_count;
    for (uint32_t i = 0; i < raw->weights_count; i++)
        read_weight(findings, i, &raw->weights[i], &scoring->weights[i]);
}

/* ---- programmes ---------------------------------------------------------------- */

static bool has_room(struct policy_findings *findings, const char *path, uint32_t n, uint32_t most)
{
    if (n < most)
        return true;
    finding_add(findings, FAULT_TOO_MANY, path, "the cell has more than %u", most);
    return false;
}

/* What a cell has of teams, and of sources, lies in one table. */
static void read_teams(struct policy_findings *findings, const struct raw_programme *raw, uint32_t number,
                       struct policy *policy)
{
    for (uint32_t i = 0; i < raw->teams_count; i++) {
        char path[32];
        snprintf(path, sizeof path, "teams[%u]", i);
        if (!has_room(findings, path, policy->n_teams, POLICY_TEAMS_MAX))
            return;
        struct policy_team *team = &policy->teams[policy->n_teams++];
        team->programme = number;
        take_name(findings, path, raw->teams[i], team->name);
    }
}

static void read_sources(struct policy_findings *findings, const struct raw_programme *raw, uint32_t number,
                         struct policy *policy)
{
    for (uint32_t i = 0; i < raw->sources_count; i++) {
        char path[32];
        snprintf(path, sizeof path, "sources[%u]", i);
        if (!has_room(findings, path, policy->n_sources, POLICY_SOURCES_MAX))
            return;
        struct policy_member *source = &policy->sources[policy->n_sources++];
        source->programme = number;
        take_name(findings, path, raw->sources[i], source->name);
    }
}

static void read_agents(struct policy_findings *findings, const struct raw_programme *raw, uint32_t number,
                        struct policy *policy)
{
    for (uint32_t i = 0; i < raw->agents_count; i++) {
        char path[40];
        int64_t weight = 1;
        snprintf(path, sizeof path, "agents[%u]", i);
        if (policy->n_agents == POLICY_AGENTS_MAX) {
            finding_add(findings, FAULT_TOO_MANY, path, "the cell has more than %d", POLICY_AGENTS_MAX);
            return;
        }
        struct policy_agent *agent = &policy->agents[policy->n_agents++];
        agent->programme = number;
        snprintf(path, sizeof path, "agents[%u].name", i);
        take_name(findings, path, raw->agents[i].name, agent->name);
        snprintf(path, sizeof path, "agents[%u].weight", i);
        if (raw->agents[i].weight != NULL)
            take_value(findings, path, raw->agents[i].weight, VALUE_COUNT, 1, POLICY_AGENT_WEIGHT_MAX, &weight);
        agent->weight = (uint32_t) weight;
    }
}

static void read_gaps(struct policy_findings *findings, const struct raw_programme *raw, struct programme *programme)
{
    if (raw->attempt_gaps == NULL)
        return;
    programme->n_gaps = raw->attempt_gaps_count;
    for (uint32_t i = 0; i < raw->attempt_gaps_count; i++) {
        char path[32];
        snprintf(path, sizeof path, "attempt_gaps[%u]", i);
        take_value(findings, path, raw->attempt_gaps[i], VALUE_MS, 0, INT64_C(365) * 86400000, &programme->gap_ms[i]);
    }
}

static void read_programme(struct policy_findings *findings, const struct raw_programme *raw, uint32_t number,
                           struct policy *policy)
{
    struct programme *programme = &policy->programmes[number];
    snprintf(findings->where, sizeof findings->where, "programmes[%u].", number);
    programme_defaults(programme, (enum mode) take_word(findings, "mode", raw->mode, modes, MODE_PUSH));
    take_name(findings, "name", raw->name, programme->name);
    programme->strategy =
        (uint32_t) take_word(findings, "strategy", raw->strategy, strategies, (int) programme->strategy);
    programme->duplicates =
        (enum duplicates) take_word(findings, "duplicates", raw->duplicates, duplicates, DUPLICATES_ACCEPT);
    programme->widen = (enum widen) take_word(findings, "widen", raw->widen, widens, (int) programme->widen);
    take_keys(findings, "", programme_keys, COUNT(programme_keys), raw, programme);
    take_keys(findings, "timers.", timer_keys, COUNT(timer_keys), &raw->timers, programme);
    pull_read(findings, raw, programme);
    order_read(findings, "", raw->order, raw->order_count, policy, &programme->order);
    read_gaps(findings, raw, programme);
    read_score(findings, &raw->score, &programme->scoring);
    pacing_read(findings, raw, policy, programme);
    read_teams(findings, raw, number, policy);
    read_sources(findings, raw, number, policy);
    const uint32_t first = policy->n_agents;
    read_agents(findings, raw, number, policy);
    calling_read(findings, raw, policy, programme);
    filters_read(findings, raw, programme, first, policy);
    limits_read(findings, raw->limits, raw->limits_count, number, policy);
}

static void read_default_programme(struct policy_findings *findings, const char *text, struct policy *policy)
{
    if (text == NULL)
        return;
    policy->default_programme = 0;
    if (strcmp(text, "none") == 0)
        return;
    struct near near = {0};
    char hint[64];
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        if (strcmp(policy->programmes[i].name, text) == 0)
            policy->default_programme = i + 1;
        near_try(&near, text, policy->programmes[i].name);
    }
    if (policy->default_programme == 0)
        finding_add(findings, FAULT_NO_SUCH_NAME, "default_programme",
                    "is \"%.70s\"; allowed is none or the name of a programme%s", text, near_hint(&near, hint));
}

static void read_policy(struct policy_findings *findings, const struct raw_policy *raw, struct policy *ret)
{
    policy_defaults(ret);
    ret->n_programmes = raw->programmes_count;
    ret->n_teams = 0;
    take_keys(findings, "", cell_keys, COUNT(cell_keys), raw, ret);
    if (raw->cell != NULL && value_is_cell(raw->cell))
        snprintf(ret->cell, sizeof ret->cell, "%s", raw->cell);
    else if (raw->cell != NULL)
        finding_add(findings, FAULT_BAD_VALUE, "cell", "is \"%.40s\"; allowed are 1 to 32 of a-z, 0-9 and -",
                    raw->cell);
    zones_read(findings, raw, ret);
    hours_read(findings, raw, ret);
    struct names units = {0};
    for (uint32_t i = 0; i < raw->programmes_count; i++)
        read_programme(findings, &raw->programmes[i], i, ret);
    units_read(findings, raw, ret, &units);
    routes_read(findings, raw, &units, ret);
    names_fini(&units);
    findings->where[0] = '\0';
    if (raw->programmes_count == 0)
        finding_add(findings, FAULT_MISSING, "programmes", "is missing or empty; a cell has 1 to %d",
                    POLICY_PROGRAMMES_MAX);
    read_default_programme(findings, raw->default_programme, ret);
    limits_read(findings, raw->limits, raw->limits_count, NONE_OF_THEM, ret);
    followup_read(findings, raw, ret);
}

int policy_read(const char *text, size_t len, struct policy *ret, struct policy_findings *findings)
{
    struct policy_index *index = policy_index_new();
    struct buf sound = {0};
    findings->index = index;
    if (policy_scan(text, len, findings, index, &sound)) {
        struct raw_policy *raw = raw_read((const char *) sound.at, sound.len);
        read_policy(findings, raw, ret);
        raw_free(&raw);
        policy_lint(ret, findings);
        routes_lint(ret, findings);
        limits_lint(ret, findings);
    }
    buf_fini(&sound);
    policy_index_free(&index);
    findings->index = NULL;
    findings_sort(findings);
    return findings->n == 0 ? 0 : -1;
}

int policy_parse(const char *text, size_t len, const char *name, struct policy *ret, struct buf *lines)
{
    struct policy_findings findings = {0};
    const int result = policy_read(text, len, ret, &findings);
    findings_print(&findings, name, lines);
    findings_fini(&findings);
    return result;
}

int policy_read_file(const char *path, struct buf *ret_text, struct policy_findings *findings)
{
    FILE *file = fopen(path, "re");
    uint8_t *to = buf_more(ret_text, POLICY_TEXT_MAX + 1);
    const size_t len = file != NULL ? fread(to, 1, POLICY_TEXT_MAX + 1, file) : 0;
    ret_text->len -= POLICY_TEXT_MAX + 1 - len;
    if (file == NULL || ferror(file) != 0)
        finding_add_at(findings, FAULT_UNREADABLE, 0, 0, "", "%s", strerror(errno));
    else if (len > POLICY_TEXT_MAX)
        finding_add_at(findings, FAULT_UNREADABLE, 0, 0, "", "is longer than %d KiB, the most a policy may be",
                       POLICY_TEXT_MAX / 1024);
    if (file != NULL)
        fclose(file);
    return findings->n == 0 ? 0 : -1;
}

int policy_load(const char *path, struct policy *ret, struct buf *lines)
{
    struct policy_findings findings = {0};
    struct buf text = {0};
    int result = policy_read_file(path, &text, &findings);
    if (result == 0)
        result = policy_read((const char *) text.at, text.len, ret, &findings);
    findings_print(&findings, path, lines);
    findings_fini(&findings);
    buf_fini(&text);
    return result;
}
