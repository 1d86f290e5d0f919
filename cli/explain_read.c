/* SPDX-License-Identifier: Apache-2.0
 * explain_read.c - what a decision was made from, out of the log. See explain.h.
 * Rows that are a state and no history come last (report/walk.h): they are taken
 * where nothing older is known, for what never changes and for names. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) assert(!msg)
#include <uthash.h>

#include "broker/entry.h"
#include "cli/explain.h"
#include "core/then.h"
#include "policy/policy_yaml.h"

struct kept { /* a row: the last one of its key */
    UT_hash_handle hh;
    struct buf whole;
    uint8_t key[2 + UINT8_MAX]; /* the type and the key */
};

struct held { /* a lead in somebody's hands */
    struct id lead;
    UT_hash_handle hh;
    uint32_t owner;
};

struct explain {
    struct id id;
    struct image *image;
    struct policy *policy;
    bool has_lead, has_policy, has_raw;
    struct image_lead lead;
    struct snapshot *snapshot;
    struct explain_lead *leads; /* of the snapshot */
    struct buf agents;          /* struct explain_agent, by index */
    struct held *held;
    struct buf raw;
    struct kept *kept;   /* rows of agents, limits, the cell and the lead, as they were then */
    uint32_t lead_place; /* in the snapshot */
    bool has_place;
};

struct explain *explain_new(struct id lead)
{
    struct explain *explain = calloc(1, sizeof *explain);
    struct policy *policy = malloc(sizeof *policy);
    assert(explain && policy);
    policy_defaults(policy);
    explain->id = lead;
    explain->policy = policy;
    explain->image = image_new();
    return explain;
}

void explain_destroy(struct explain **explain_p)
{
    struct explain *explain = *explain_p;
    struct held *held, *next;
    if (!explain)
        return;
    for (uint32_t i = 0; explain->snapshot && explain->leads && i < explain->snapshot->n_leads; i++)
        free(explain->leads[i].features);
    free(explain->leads);
    struct kept *kept, *next_kept;
    HASH_ITER(hh, explain->kept, kept, next_kept)
    {
        HASH_DEL(explain->kept, kept);
        buf_fini(&kept->whole);
        free(kept);
    }
    HASH_ITER(hh, explain->held, held, next)
    {
        HASH_DEL(explain->held, held);
        free(held);
    }
    snapshot_destroy(&explain->snapshot);
    image_destroy(&explain->image);
    buf_fini(&explain->agents);
    buf_fini(&explain->raw);
    free(explain->policy);
    free(explain);
    *explain_p = NULL;
}

static void keep(struct explain *explain, const struct row_ref *row)
{
    uint8_t key[2 + UINT8_MAX] = {(uint8_t) row->type, (uint8_t) row->key.len};
    struct kept *kept;
    memcpy(key + 2, row->key.at, row->key.len);
    HASH_FIND(hh, explain->kept, key, row->key.len + 2, kept);
    if (!kept) {
        kept = calloc(1, sizeof *kept);
        assert(kept);
        memcpy(kept->key, key, sizeof key);
        HASH_ADD_KEYPTR(hh, explain->kept, kept->key, row->key.len + 2, kept);
    }
    kept->whole.len = 0;
    buf_add(&kept->whole, row->whole.at, row->whole.len);
}

/* ---- the first time: the decision ------------------------------------------------------ */

/* Its row stands before the snapshot of the same beat. */
bool explain_find_row(void *arg, const struct row_ref *row, const struct entry *entry)
{
    struct explain *explain = arg;
    struct image_lead lead;
    if (row->type == ROW_LEAD && row->key.len == 16 && id_equal(id_from_bytes(row->key.at), explain->id)) {
        if (!image_lead(explain->image, row, &lead))
            return false;
        if (!entry && explain->has_lead)
            return true;
        if (!explain->has_lead || explain->lead.decision.request != lead.decision.request)
            keep(explain, row); /* as the decision left it */
        explain->lead = lead;
        explain->has_lead = true;
        return true;
    }
    if (!explain->has_lead || explain->lead.decision.winner == IMAGE_NOBODY ||
        !snapshot_is_of(row, explain->lead.decision.request))
        return true;
    snapshot_destroy(&explain->snapshot);
    explain->snapshot = snapshot_new(row);
    return explain->snapshot != NULL;
}

bool explain_wants_more(const struct explain *explain)
{
    return explain->has_lead;
}

const struct image_lead *explain_lead_row(const struct explain *explain)
{
    return explain->has_lead ? &explain->lead : NULL;
}

/* ---- the second time: what its window was ------------------------------------------------ */

static bool is_past(const struct explain *explain, const struct entry *entry)
{
    return !entry || !explain->snapshot || (int64_t) entry->time_ms > explain->snapshot->built_us / 1000;
}

static struct explain_agent *agent_at(struct explain *explain, uint32_t index)
{
    while (explain->agents.len <= index * sizeof(struct explain_agent))
        buf_add(&explain->agents, &(struct explain_agent){0}, sizeof(struct explain_agent));
    return (struct explain_agent *) (void *) explain->agents.at + index;
}

static void copy_name(char to[NAME_BYTES_MAX + 1], struct slice from)
{
    assert(from.len <= NAME_BYTES_MAX);
    memset(to, 0, NAME_BYTES_MAX + 1);
    if (from.len > 0)
        memcpy(to, from.at, from.len);
}

/* Who came later is known by name. */
static bool take_agent(struct explain *explain, const struct row_ref *row, bool past)
{
    struct image_agent image;
    if (!image_agent(row, &image) || image.name.len > NAME_BYTES_MAX)
        return false;
    struct explain_agent *agent = agent_at(explain, image.index);
    if (past && agent->name[0])
        return true;
    copy_name(agent->name, image.name);
    copy_name(agent->team, image.team);
    agent->as_was = image;
    agent->as_was.name = agent->as_was.team = (struct slice){0};
    agent->known = !past && !image.gone;
    return true;
}

static void take_input_of(struct explain_lead *lead, const struct image_input *input)
{
    if (lead->known)
        return;
    *lead = (struct explain_lead){.known = true,
                                  .received_us = input->received_us,
                                  .priority = input->priority,
                                  .value_cents = input->value_cents,
                                  .n_features = input->n_features,
                                  .features = malloc((input->n_features + 1) * sizeof *lead->features)};
    assert(lead->features);
    if (input->n_features > 0)
        memcpy(lead->features, input->features, input->n_features * sizeof *lead->features);
}

static bool take_input(struct explain *explain, const struct row_ref *row)
{
    struct image_input input;
    if (!image_input(row, &input))
        return false;
    if (id_equal(input.id, explain->id) && !explain->has_raw) {
        buf_add(&explain->raw, input.raw.at, input.raw.len);
        explain->has_raw = true;
        keep(explain, row);
    }
    for (uint32_t i = 0; i < explain->snapshot->n_leads; i++)
        if (explain->snapshot->leads[i].seq == input.seq) {
            take_input_of(&explain->leads[i], &input);
            if (id_equal(input.id, explain->id)) {
                explain->lead_place = i;
                explain->has_place = true;
            }
        }
    return true;
}

static bool take_lead(struct explain *explain, const struct row_ref *row)
{
    struct image_lead image;
    struct held *held;
    if (!image_lead(explain->image, row, &image))
        return false;
    const char *state = lead_state_name(image.state);
    const bool in_hand = strcmp(state, "OFFERED") == 0 || strcmp(state, "OWNED") == 0 ||
                         strcmp(state, "WORKING") == 0 || strcmp(state, "WRAP_UP") == 0;
    HASH_FIND(hh, explain->held, &image.id, sizeof image.id, held);
    if (held && !in_hand) {
        HASH_DEL(explain->held, held);
        free(held);
    } else if (in_hand && !held) {
        held = calloc(1, sizeof *held);
        assert(held);
        held->lead = image.id;
        HASH_ADD(hh, explain->held, lead, sizeof held->lead, held);
    }
    if (in_hand)
        held->owner = image.owner;
    return true;
}

static bool take_policy(struct explain *explain, const struct row_ref *row)
{
    struct policy_glance glance;
    struct buf lines = {0};
    if (!policy_glance(row, &glance))
        return false;
    if (explain->snapshot && glance.version == explain->snapshot->policy_version && !explain->has_policy)
        explain->has_policy =
            policy_parse((const char *) glance.text.at, glance.text.len, "policy", explain->policy, &lines) == 0;
    buf_fini(&lines);
    return true;
}

bool explain_gather_row(void *arg, const struct row_ref *row, const struct entry *entry)
{
    struct explain *explain = arg;
    const bool past = is_past(explain, entry);
    if (explain->snapshot && !explain->leads) {
        explain->leads = calloc(explain->snapshot->n_leads + 1, sizeof *explain->leads);
        assert(explain->leads);
    }
    switch (row->type) {
    case ROW_AGENT:
        if (!past)
            keep(explain, row);
        return take_agent(explain, row, past);
    case ROW_POLICY:
        return take_policy(explain, row);
    case ROW_INPUT:
        return !explain->snapshot || take_input(explain, row);
    case ROW_LEAD:
        return past || take_lead(explain, row);
    case ROW_CELL:
    case ROW_METER:
        if (!past)
            keep(explain, row);
        return true;
    default:
        return true;
    }
}

/* ---- the window ------------------------------------------------------------------------------ */

const char *explain_agent_name(const struct explain *explain, uint32_t index)
{
    const struct explain_agent *agents = (const struct explain_agent *) (const void *) explain->agents.at;
    if (index == IMAGE_NOBODY)
        return "nobody";
    return index < explain->agents.len / sizeof *agents && agents[index].name[0] ? agents[index].name : "?";
}

static void count_held(struct explain *explain)
{
    const size_t n = explain->agents.len / sizeof(struct explain_agent);
    for (uint32_t i = 0; i < n; i++)
        agent_at(explain, i)->open = 0;
    for (const struct held *held = explain->held; held; held = held->hh.next)
        if (held->owner < n)
            agent_at(explain, held->owner)->open++;
}

static bool is_whole(const struct explain *explain, struct explain_window *ret, const char **ret_why)
{
    const struct snapshot *snapshot = explain->snapshot;
    for (uint32_t i = 0; i < snapshot->n_leads; i++)
        if (!explain->leads[i].known) {
            *ret_why = "the log no longer has how each lead of the window came in";
            return false;
        }
    for (uint32_t i = 0; i < snapshot->n_agents; i++)
        if (strcmp(explain_agent_name(explain, snapshot->agents[i].index), "?") == 0) {
            *ret_why = "the log no longer has all agents of the window";
            return false;
        }
    if (!explain->has_place)
        *ret_why = "the window that the record names did not have this lead: this is a fault of takt";
    ret->lead = explain->lead_place;
    return explain->has_place;
}

/* Who could not be asked, and why, by the rules of the broker. */
static void find_why_none(struct explain *explain)
{
    const uint32_t n = (uint32_t) (explain->agents.len / sizeof(struct explain_agent));
    uint32_t *open = calloc(n + 1, sizeof *open);
    struct then *then = then_new(explain->policy, explain->snapshot->policy_version);
    bool good = open != NULL;
    for (uint32_t i = 0; i < n && good; i++)
        open[i] = agent_at(explain, i)->open;
    for (const struct kept *kept = explain->kept; kept && good; kept = kept->hh.next) {
        uint32_t at = 0;
        struct row_ref row;
        good = row_next(slice_of(kept->whole.at, (uint32_t) kept->whole.len), &at, &row) > 0 && then_row(then, &row);
    }
    good = good && then_begin(then, explain->snapshot->built_us, open, n);
    for (uint32_t i = 0; i < n && good; i++)
        agent_at(explain, i)->why_none = then_why_none(then, explain->id, i);
    then_destroy(&then);
    free(open);
}

bool explain_window(struct explain *explain, struct explain_window *ret, const char **ret_why)
{
    *ret = (struct explain_window){.snapshot = explain->snapshot, .policy = explain->policy, .leads = explain->leads};
    if (!explain->snapshot || !explain->leads) {
        *ret_why = "what it was made from is no longer in the log, which was trimmed; --archive FOLDER may have it";
        return false;
    }
    if (!explain->has_policy) {
        *ret_why = "the policy it was made by is not in the log, or this program cannot read it any more";
        return false;
    }
    for (uint32_t i = 0; i < explain->policy->n_programmes; i++)
        if (strcmp(explain->policy->programmes[i].name, explain->snapshot->programme) == 0)
            ret->programme = &explain->policy->programmes[i];
    if (!ret->programme) {
        *ret_why = "the policy it names has no such programme";
        return false;
    }
    if (!is_whole(explain, ret, ret_why))
        return false;
    count_held(explain);
    find_why_none(explain);
    ret->agents = (const struct explain_agent *) (const void *) explain->agents.at;
    ret->n_agents = (uint32_t) (explain->agents.len / sizeof *ret->agents);
    ret->raw = slice_of(explain->raw.at, (uint32_t) explain->raw.len);
    return true;
}
