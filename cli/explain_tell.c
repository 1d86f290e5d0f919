/* SPDX-License-Identifier: Apache-2.0
 * explain_tell.c - a decision in words: lines of a field and its value, for people and
 * for --json alike. Attributes of a lead are named as they came, which the policy's
 * hashes no longer know; contact data is no attribute and never told. */
#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"
#include "cli/print.h"
#include "proto/wire.h"

enum { FIELD_ROOM = 160, VALUE_ROOM = 400 };

struct telling {
    struct explain *explain;
    const struct explain_window *window;
    const struct image_decision *decision;
    const struct explain_why *why;
    struct explain_lines *to;
};

static void line(struct explain_lines *to, const char *field, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void line(struct explain_lines *to, const char *field, const char *format, ...)
{
    char value[VALUE_ROOM];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(value, sizeof value, format, arguments);
    va_end(arguments);
    buf_add(&to->text, field, strlen(field) + 1);
    buf_add(&to->text, value, strlen(value) + 1);
    to->n++;
}

static const char *name_of(const struct telling *telling, uint32_t index)
{
    return explain_agent_name(telling->explain, index);
}

static const char *money(uint64_t cents, char ret[32])
{
    snprintf(ret, 32, "%" PRIu64 ".%02" PRIu64, cents / 100, cents % 100);
    return ret;
}

/* ---- the parts of a score -------------------------------------------------------------------- */

/* "product=refinance" */
static void name_weight(const struct row *lead, uint32_t key, char ret[FIELD_ROOM])
{
    snprintf(ret, FIELD_ROOM, "an attribute it had");
    for (uint32_t i = 0; i < lead->n_attributes; i++) {
        const struct attribute *attribute = &lead->attributes[i];
        if (feature_key(attribute->name.at, attribute->name.len) != key)
            continue;
        if (attribute->text.at)
            snprintf(ret, FIELD_ROOM, "%.*s=%.*s", (int) attribute->name.len, attribute->name.at,
                     attribute->text.len > 60 ? 60 : (int) attribute->text.len, attribute->text.at);
        else
            snprintf(ret, FIELD_ROOM, "%.*s=%" PRId64, (int) attribute->name.len, attribute->name.at,
                     attribute->number);
        return;
    }
}

static void tell_part(const struct telling *telling, const char *who, const struct score_part *part,
                      const struct request_agent *agent, const struct row *lead)
{
    const struct scoring *scoring = &telling->window->programme->scoring;
    char name[FIELD_ROOM] = "base", field[2 * FIELD_ROOM], detail[FIELD_ROOM] = "";
    if (part->kind == PART_WEIGHT) {
        name_weight(lead, scoring->weights[part->weight].key, name);
        snprintf(detail, sizeof detail, " (weights[%u]%s)", part->weight,
                 scoring->weights[part->weight].kind == WEIGHT_SKILL ? ", a skill of this agent" : "");
    } else if (part->kind == PART_PERFORMANCE) {
        snprintf(name, sizeof name, "performance");
        snprintf(detail, sizeof detail, " (won %u of %u closed)", agent->won, agent->closed);
    } else if (part->kind == PART_LOAD) {
        snprintf(name, sizeof name, "load");
        snprintf(detail, sizeof detail, " (%u in hand)", agent->open);
    }
    snprintf(field, sizeof field, "%s %s", who, name);
    line(telling->to, field, "%+d%s", part->permille, detail);
}

/* The score of one agent, each input by its name. */
static void tell_parts(const struct telling *telling, const char *who, uint32_t place)
{
    char field[FIELD_ROOM], value[32], worth[32], age[32];
    const struct request_lead lead = explain_request_lead(telling->window, telling->window->lead);
    struct request_agent agent = explain_request_agent(telling->window, place);
    struct wire *wire = wire_new();
    struct row row = {0};
    struct score_parts parts;
    agent.open = telling->why->seen[place].open;
    score_parts(&telling->window->programme->scoring, &lead, &agent, &parts);
    if (wire_decode_row(wire, telling->window->raw, slice_of("", 0), &row) != REASON_OK)
        row = (struct row){0};
    for (uint32_t i = 0; i < parts.n_parts; i++)
        tell_part(telling, who, &parts.parts[i], &agent, &row);
    snprintf(field, sizeof field, "%s chance", who);
    line(telling->to, field, "%d thousandths%s", parts.chance, parts.chance != parts.points ? ", cut to 1..1000" : "");
    snprintf(field, sizeof field, "%s value", who);
    line(telling->to, field, "%s%s", money(parts.value_cents, value),
         lead.value_cents > 0 ? "" : ", as the policy says");
    snprintf(field, sizeof field, "%s age", who);
    line(telling->to, field, "%s, leaves %s of the value", print_duration(lead.age_ms, age),
         money(parts.worth_cents, worth));
    snprintf(field, sizeof field, "%s points", who);
    line(telling->to, field, "%d", parts.score);
    wire_destroy(&wire);
}

/* ---- why not the others -------------------------------------------------------------------------- */

static uint32_t place_of(const struct snapshot *snapshot, uint32_t index)
{
    uint32_t place = 0;
    while (place < snapshot->n_agents && snapshot->agents[place].index != index)
        place++;
    return place;
}

static enum reason excluded_for(const struct explain_window *window, uint32_t place)
{
    const struct snapshot *snapshot = window->snapshot;
    for (uint32_t i = 0; i < snapshot->n_excluded; i++)
        if (snapshot->excluded[i].lead == window->lead && snapshot->excluded[i].agent == place)
            return snapshot->excluded[i].reason;
    return REASON_OK;
}

/* 1: nobody who was not barred came before. */
static uint32_t rank_of(const struct explain_why *why, uint32_t place)
{
    uint32_t rank = 1;
    for (uint32_t i = 0; i < why->n_agents; i++)
        rank += !why->seen[i].barred && why->seen[i].order < why->seen[place].order;
    return rank;
}

static void tell_of_window(const struct telling *telling, uint32_t place)
{
    const struct snapshot *snapshot = telling->window->snapshot;
    const struct explain_why *why = telling->why;
    const struct score_seen *seen = &why->seen[place];
    const struct snapshot_agent *agent = &snapshot->agents[place];
    const enum reason excluded = excluded_for(telling->window, place);
    char field[FIELD_ROOM], stands[96] = "";
    snprintf(field, sizeof field, "agent %s", name_of(telling, agent->index));
    if (why->scored)
        snprintf(stands, sizeof stands, "; score %d, %+d to the winner", seen->score, seen->score - why->score);
    if (agent->index == telling->decision->winner)
        line(telling->to, field, "got it%s", stands);
    else if (excluded != REASON_OK)
        line(telling->to, field, "excluded: %s%s", reason_text(excluded), stands);
    else if (seen->barred || snapshot->leads[telling->window->lead].only_agent)
        line(telling->to, field, "the lead was kept for its owner%s", stands);
    else if (why->scored ? seen->slots == 0 : agent->as_seen.slots == 0)
        line(telling->to, field, "had no free slot at its turn: %u in hand, %u free before%s", seen->open,
             agent->as_seen.slots, stands);
    else if (why->scored)
        line(telling->to, field, "rank %u%s", rank_of(why, place), stands);
    else
        line(telling->to, field, "later in the plain order: free for %u s", agent->as_seen.idle_ms / 1000);
}

/* Of the programme, and not in the window. */
static bool is_of_programme(const struct telling *telling, const struct explain_agent *agent)
{
    const struct policy *policy = telling->window->policy;
    for (uint32_t i = 0; i < policy->n_teams; i++)
        if (strcmp(policy->teams[i].name, agent->team) == 0 &&
            &policy->programmes[policy->teams[i].programme] == telling->window->programme)
            return true;
    return false;
}

static void tell_of_outsider(const struct telling *telling, const struct explain_agent *agent)
{
    char field[FIELD_ROOM];
    const enum reason why = agent->why_none;
    snprintf(field, sizeof field, "agent %s", agent->name);
    if (why == REASON_OK)
        line(telling->to, field, "not asked: not of this pool, or behind those who were");
    else
        line(telling->to, field, "not asked: %s (%s, %u in hand)", reason_text(why), reason_name(why), agent->open);
}

/* ---- what would have given it to somebody ----------------------------------------------------------- */

static void add_word(struct buf *words, const char *text)
{
    buf_printf(words, "%s%s", words->len ? ", and " : "", text);
}

static void tell_change(const struct telling *telling, const struct explain_agent *agent,
                        const struct explain_change *change, bool does)
{
    const char *name = agent->name;
    struct buf words = {0};
    char field[FIELD_ROOM], text[160], span[32];
    snprintf(field, sizeof field, "to %s", name);
    snprintf(text, sizeof text, "a card: it had none (%.60s)", reason_text(agent->why_none));
    if (change->freed)
        add_word(&words, agent->why_none != REASON_OK ? text : "a free slot");
    if (change->admitted)
        add_word(&words, "no exclusion");
    snprintf(text, sizeof text, "%d thousandth%s more of score", change->permille, change->permille == 1 ? "" : "s");
    if (change->permille > 0)
        add_word(&words, text);
    snprintf(text, sizeof text, "having been free for %s longer", print_duration(change->idle_ms, span));
    if (change->idle_ms > 0)
        add_word(&words, text);
    snprintf(text, sizeof text, "%u lead%s fewer in hand", change->open_less, change->open_less == 1 ? "" : "s");
    if (change->open_less > 0)
        add_word(&words, text);
    if (does)
        line(telling->to, field, "%.*s would have given it to %s", (int) words.len, words.at, name);
    else if (words.len > 0)
        line(telling->to, field, "not even %.*s would have: others came first by the strategy", (int) words.len,
             words.at);
    else
        line(telling->to, field, "no slot, exclusion or score stood between: others came first by the strategy");
    buf_fini(&words);
}

/* Who was forgotten and came back has two indexes: then at most one of them was known. Or n_agents: nobody. */
static uint32_t find_agent(const struct explain_window *window, const char *name)
{
    uint32_t found = window->n_agents;
    for (uint32_t i = 0; i < window->n_agents; i++)
        if (strcmp(window->agents[i].name, name) == 0 && (found == window->n_agents || window->agents[i].known))
            found = i;
    return found;
}

static bool tell_of(const struct telling *telling, const char *name)
{
    const struct explain_window *window = telling->window;
    struct explain_change change;
    const uint32_t index = find_agent(window, name);
    if (index == window->n_agents)
        return false;
    const uint32_t place = place_of(window->snapshot, index);
    if (index == telling->decision->winner)
        line(telling->to, "to", "%s has got it", name);
    else if (place == window->snapshot->n_agents && !is_of_programme(telling, &window->agents[index]))
        line(telling->to, "to", "%s works on another programme: nothing of this window would have", name);
    else if (window->snapshot->leads[window->lead].only_agent)
        line(telling->to, "to", "nothing: it came back to its owner, and was kept for nobody else");
    else
        tell_change(telling, &window->agents[index], &change,
                    explain_smallest_change(
                        window, telling->why->by, place, index,
                        telling->why->scored && place < window->snapshot->n_agents ? &telling->why->seen[place] : NULL,
                        &change));
    return true;
}

/* ---- all of it --------------------------------------------------------------------------------------- */

static bool is_same(const struct explain_why *why, const struct image_decision *decision)
{
    return why->by == decision->by && why->winner == decision->winner && why->runner_up == decision->runner_up &&
           why->score == decision->score && why->margin == decision->margin;
}

static void tell_choice(const struct telling *telling)
{
    const struct explain_why *why = telling->why;
    const struct image_decision *decision = telling->decision;
    if (is_same(why, decision))
        line(telling->to, "recomputed", "the same choice, from the record alone");
    else
        line(telling->to, "recomputed",
             "THE RECORD DOES NOT GIVE THIS CHOICE, which is a fault of takt: please report it. It gives %s, then %s, "
             "score %d, margin %d (%s)",
             name_of(telling, why->winner), name_of(telling, why->runner_up), why->score, why->margin,
             reason_name(why->by));
}

static void tell_recorded(struct explain *explain, const struct image_lead *lead, struct explain_lines *to)
{
    const struct image_decision *decision = &lead->decision;
    line(to, "recorded", "%s, then %s, by %s of policy %u; score %d, margin %d",
         explain_agent_name(explain, decision->winner), explain_agent_name(explain, decision->runner_up),
         strategy_word(decision->strategy), decision->policy_version, decision->score, decision->margin);
    if (lead->route.policy_version > 0)
        line(to, "rule", "%s %s[%u], line %u of policy %u", lead->programme, lead->route.again ? "reroutes" : "routes",
             lead->route.number, lead->route.line, lead->route.policy_version);
}

static bool tell_window(const struct telling *telling, const char *agent)
{
    const struct explain_window *window = telling->window;
    const struct snapshot *snapshot = window->snapshot;
    char age[32];
    line(telling->to, "window", "%u leads, %u agents, %u exclusions; decided %s after it was made", snapshot->n_leads,
         snapshot->n_agents, snapshot->n_excluded,
         print_duration((telling->decision->at_us - snapshot->built_us) / 1000, age));
    tell_choice(telling);
    if (telling->why->scored) {
        const uint32_t winner = place_of(snapshot, telling->why->winner);
        const uint32_t runner_up = place_of(snapshot, telling->why->runner_up);
        if (winner < snapshot->n_agents)
            tell_parts(telling, "winner", winner);
        if (runner_up < snapshot->n_agents)
            tell_parts(telling, "runner_up", runner_up);
    }
    for (uint32_t i = 0; i < snapshot->n_agents; i++)
        tell_of_window(telling, i);
    for (uint32_t i = 0; i < window->n_agents; i++)
        if (window->agents[i].known && place_of(snapshot, i) == snapshot->n_agents &&
            is_of_programme(telling, &window->agents[i]))
            tell_of_outsider(telling, &window->agents[i]);
    return !agent || tell_of(telling, agent);
}

bool explain_tell(struct explain *explain, const char *agent, struct explain_lines *to)
{
    const struct image_lead *lead = explain_lead_row(explain);
    struct explain_window window;
    const char *missing;
    assert(lead);
    if (lead->decision.winner == IMAGE_NOBODY) {
        line(to, "recorded", "no decision yet");
        return true;
    }
    if (lead->decision.request == 0) {
        line(to, "recorded", "%s: %s; no window decided it", explain_agent_name(explain, lead->decision.winner),
             reason_text(lead->decision.by));
        return true;
    }
    tell_recorded(explain, lead, to);
    if (!explain_window(explain, &window, &missing)) {
        line(to, "recomputed", "no: %s", missing);
        return true;
    }
    struct explain_why why;
    explain_decide(&window, lead->decision.by, &why);
    const struct telling telling = {explain, &window, &lead->decision, &why, to};
    const bool known = tell_window(&telling, agent);
    free(why.seen);
    return known;
}
