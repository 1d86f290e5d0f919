/* SPDX-License-Identifier: Apache-2.0
 * policy_limits.c - see policy_limits.h. A limit that another one makes pointless
 * is a fault: who wrote it believes that it does something. */
#include "policy/policy_limits.h"

#include <stdio.h>
#include <string.h>

#include "policy/policy_hours.h"
#include "policy/policy_names.h"
#include "policy/policy_take.h"

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static const struct key ramp_keys[] = {
#define RAMP_KEY(key, member, kind, initial, least, most, text)                                                        \
    {#key, VALUE_##kind, offsetof(struct raw_ramp, key), offsetof(struct programme, member), initial, least, most},
#include "policy/policy_keys.def"
};

static const struct value_word subjects[] = {
    {"agent", LIMIT_AGENT}, {"team", LIMIT_TEAM}, {"source", LIMIT_SOURCE}, {NULL, 0}};
static const struct value_word periods[] = {{"hour", PER_HOUR},   {"day", PER_DAY},         {"week", PER_WEEK},
                                            {"month", PER_MONTH}, {"outcome", PER_OUTCOME}, {NULL, 0}};
static const struct value_word evidences[] = {
    {"act", EVIDENCE_ACT},       {"note", EVIDENCE_NOTE},   {"disposition", EVIDENCE_DISPOSITION},
    {"accept", EVIDENCE_ACCEPT}, {"ready", EVIDENCE_READY}, {NULL, 0}};

/* ---- ramp and evidence ------------------------------------------------------------- */

void pacing_defaults(struct programme *programme)
{
    take_initial(ramp_keys, COUNT(ramp_keys), programme);
    programme->evidence = EVIDENCE_ALL;
}

void pacing_read(struct policy_findings *findings, const struct raw_programme *raw, struct policy *policy,
                 struct programme *programme)
{
    if (raw->zone != NULL)
        programme->zone = zone_take(findings, "zone", raw->zone, policy);
    if (raw->shift != NULL)
        programme->shift = hours_take(findings, "shift", raw->shift, policy) + 1;
    take_keys(findings, "ramp.", ramp_keys, COUNT(ramp_keys), &raw->ramp, programme);
    if (raw->evidence == NULL)
        return;
    programme->evidence = 0;
    for (uint32_t i = 0; i < raw->evidence_count; i++) {
        char path[32];
        snprintf(path, sizeof path, "evidence[%u]", i);
        programme->evidence |= (uint32_t) take_word(findings, path, raw->evidence[i], evidences, 0);
    }
}

/* ---- one limit ------------------------------------------------------------------------ */

struct entry { /* of the list in hand */
    struct policy_findings *findings;
    char path[24]; /* "limits[3]" */
};

static const char *key_of(const struct entry *entry, const char *key, char ret_path[40])
{
    snprintf(ret_path, 40, "%s%s%s", entry->path, *key ? "." : "", key);
    return ret_path;
}

static int take_choice(const struct entry *entry, const char *key, const char *text, const struct value_word *words)
{
    char path[40];
    if (text != NULL)
        return take_word(entry->findings, key_of(entry, key, path), text, words, -1);
    finding_add(entry->findings, FAULT_MISSING, key_of(entry, key, path), "is missing");
    return -1;
}

/* Agents come and go; teams and sources stand in the policy. */
static void check_name(const struct entry *entry, const struct policy_limit *limit, const struct policy *policy)
{
    const bool team = limit->of == LIMIT_TEAM;
    struct names names = {0};
    char path[40], hint[64];
    bool known = false;
    if (!limit->name[0] || limit->of == LIMIT_AGENT || (!team && policy->default_programme != 0))
        return;
    for (uint32_t i = 0; i < (team ? policy->n_teams : policy->n_sources) && !known; i++) {
        const char *name = team ? policy->teams[i].name : policy->sources[i].name;
        const uint32_t programme = team ? policy->teams[i].programme : policy->sources[i].programme;
        if ((!limit->of_cell && programme != limit->programme) || (team && policy->teams[i].kind >= UNIT_OFFICE))
            continue;
        known = known || strcmp(name, limit->name) == 0;
        names_add(&names, (struct name){.text = name});
    }
    if (!known)
        finding_add(entry->findings, FAULT_NO_SUCH_NAME, key_of(entry, "name", path),
                    "is \"%s\"; no %s here has this name%s", limit->name, team ? "team" : "source",
                    names_hint(entry->findings, &names, 0, limit->name, hint));
    names_fini(&names);
}

static bool take_amount(const struct entry *entry, const struct raw_limit *raw, struct policy_limit *ret)
{
    char path[40];
    int64_t value;
    if ((raw->leads != NULL) == (raw->money != NULL)) {
        finding_add(entry->findings, FAULT_CONFLICT, entry->path, "needs one of: leads, money");
        return false;
    }
    ret->unit = raw->leads != NULL ? UNIT_LEADS : UNIT_CENTS;
    const int64_t most = raw->leads != NULL ? INT64_C(100000000) : INT64_C(1000000000000);
    if (!take_value(entry->findings, key_of(entry, raw->leads != NULL ? "leads" : "money", path),
                    raw->leads != NULL ? raw->leads : raw->money, VALUE_MONEY, 1, most, &value))
        return false;
    ret->most = (uint64_t) value * (raw->leads != NULL ? 10 : 1); /* leads in thousandths */
    if (raw->leads == NULL || (ret->per != PER_HOUR && ret->per != PER_OUTCOME) || value % 100 == 0)
        return true;
    finding_add(entry->findings, FAULT_BAD_VALUE, path, "is \"%.40s\"; %s", raw->leads,
                ret->per == PER_HOUR ? "an hour slides and saves nothing up: say it per day"
                                     : "no time passes here that would save a fraction up: say whole leads");
    return false;
}

static bool take_limit(const struct entry *entry, const struct raw_limit *raw, const struct policy *policy,
                       struct policy_limit *ret)
{
    char path[40];
    const int of = take_choice(entry, "of", raw->of, subjects), per = take_choice(entry, "per", raw->per, periods);
    if (raw->name != NULL)
        take_name(entry->findings, key_of(entry, "name", path), raw->name, ret->name);
    if (of < 0 || per < 0)
        return false;
    ret->of = (uint8_t) of;
    ret->per = (uint8_t) per;
    if (ret->per == PER_OUTCOME && ret->of != LIMIT_AGENT) {
        finding_add(entry->findings, FAULT_CONFLICT, key_of(entry, "per", path),
                    "is outcome, and leads are worked to one by agents: say of: agent");
        return false;
    }
    check_name(entry, ret, policy);
    return take_amount(entry, raw, ret);
}

/* ---- against the others ---------------------------------------------------------------- */

static const char *const period_names[LIMIT_PERS] = {"hour", "day", "week", "month", "outcome"};

static bool is_there_twice(const struct policy_limit *limit, const struct policy_limit *other)
{
    return limit->of == other->of && limit->per == other->per && limit->unit == other->unit &&
           strcmp(limit->name, other->name) == 0;
}

/* Which one per `per` holds for all whom this limit is about, as the core chooses it; NULL = none. */
static const struct policy_limit *beside(const struct policy *policy, const struct policy_limit *limit, int per)
{
    const struct policy_limit *best = NULL;
    int most_special = 0;
    for (uint32_t i = 0; i < policy->n_limits; i++) {
        const struct policy_limit *other = &policy->limits[i];
        const int special = 1 + !other->of_cell + 2 * (other->name[0] != '\0');
        const bool about_it = other->of == limit->of && other->unit == limit->unit && other->per == per &&
                              (other->of_cell || (!limit->of_cell && other->programme == limit->programme)) &&
                              (!other->name[0] || strcmp(other->name, limit->name) == 0);
        if (about_it && special > most_special) {
            best = other;
            most_special = special;
        }
    }
    return best;
}

static void lint_ramp(const struct policy *policy, uint32_t number, struct policy_findings *findings)
{
    const uint32_t leads = policy->programmes[number].ramp_leads;
    const struct policy_limit each = {.of = LIMIT_AGENT, .unit = UNIT_LEADS, .programme = number};
    const struct policy_limit *hour = beside(policy, &each, PER_HOUR);
    if (leads > 0 && hour != NULL && UINT64_C(1000) * leads >= hour->most)
        finding_add(findings, FAULT_CONFLICT, "ramp.leads", "is %u, and nobody gets more than %u in an hour anyway",
                    leads, (uint32_t) (hour->most / 1000));
}

/* Where no weight looks at the lead alone, all are equally easy; and who chooses is not balanced by others. */
static void lint_balance(const struct programme *programme, struct policy_findings *findings)
{
    bool told_apart = false;
    for (uint32_t i = 0; i < programme->scoring.n_weights; i++)
        told_apart |= programme->scoring.weights[i].kind != WEIGHT_SKILL;
    if (programme->balance_permille == 0)
        return;
    if (!told_apart)
        finding_add(findings, FAULT_CONFLICT, "balance",
                    "is %u, and no weight of score tells an easy lead from a hard one", programme->balance_permille);
    if (programme->mode == MODE_PULL && programme->pull == PULL_CHOOSE)
        finding_add(findings, FAULT_CONFLICT, "balance", "is %u, and with pull choose agents take what they like",
                    programme->balance_permille);
}

void limits_lint(const struct policy *policy, struct policy_findings *findings)
{
    for (uint32_t i = 0; i < policy->n_limits; i++) {
        const struct policy_limit *limit = &policy->limits[i], *wide;
        char path[24];
        snprintf(path, sizeof path, "limits[%u]", limit->number);
        findings->where[0] = '\0';
        if (!limit->of_cell)
            snprintf(findings->where, sizeof findings->where, "programmes[%u].", limit->programme);
        for (int per = limit->per + 1; per < PERIODS; per++)
            if ((wide = beside(policy, limit, per)) != NULL && limit->most > wide->most) {
                finding_add(findings, FAULT_CONFLICT, path,
                            "the limit per %s can never be reached: the one per %s is lower", period_names[limit->per],
                            period_names[per]);
                break;
            }
    }
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        snprintf(findings->where, sizeof findings->where, "programmes[%u].", i);
        lint_ramp(policy, i, findings);
        lint_balance(&policy->programmes[i], findings);
    }
    findings->where[0] = '\0';
}

void limits_read(struct policy_findings *findings, const struct raw_limit *raw, uint32_t n, uint32_t programme,
                 struct policy *policy)
{
    const uint32_t first = policy->n_limits;
    for (uint32_t i = 0; i < n; i++) {
        struct entry entry = {.findings = findings};
        struct policy_limit limit = {
            .of_cell = programme == NONE_OF_THEM, .programme = programme, .number = (uint16_t) i};
        snprintf(entry.path, sizeof entry.path, "limits[%u]", i);
        if (policy->n_limits == POLICY_LIMITS_MAX) {
            finding_add(findings, FAULT_TOO_MANY, entry.path, "the cell has more than %d", POLICY_LIMITS_MAX);
            return;
        }
        if (!take_limit(&entry, &raw[i], policy, &limit))
            continue;
        for (uint32_t k = first; k < policy->n_limits; k++)
            if (is_there_twice(&limit, &policy->limits[k]))
                finding_add(findings, FAULT_DUPLICATE, entry.path, "this limit per %s is there twice",
                            period_names[limit.per]);
        policy->limits[policy->n_limits++] = limit;
    }
}
