/* SPDX-License-Identifier: Apache-2.0
 * image.c - rows as plain values. See image.h. What is no lead is read by hand as
 * far as it is wanted: the fields stand in the order of record.c. */
#include "core/image.h"

#include <stdlib.h>

#include "core/record_bytes.h"

struct image {
    struct core *core;
    struct lead *lead; /* each row is read into it */
    struct buf steps;  /* struct image_step */
};

/* Rows bring the names of their programmes, so any policy does. */
struct image *image_new(void)
{
    struct image *image = calloc(1, sizeof *image);
    struct policy *policy = calloc(1, sizeof *policy);
    assert(image && policy);
    policy->n_programmes = policy->n_teams = 1;
    image->core = core_new(policy);
    image->lead = leads_add(image->core, (struct id){0, 1});
    free(policy);
    return image;
}

void image_destroy(struct image **image_p)
{
    if (!*image_p)
        return;
    core_destroy(&(*image_p)->core);
    buf_fini(&(*image_p)->steps);
    free(*image_p);
    *image_p = NULL;
}

static bool open_row(const struct row_ref *row, enum row_type type, uint32_t key_len, struct reader *ret_reader)
{
    *ret_reader = (struct reader){row->payload.at, row->payload.at + row->payload.len, false};
    return row->type == type && (key_len == 0 || row->key.len == key_len) && get_u8(ret_reader) == RECORD_VERSION;
}

static const struct image_step *in_order(struct image *image, uint32_t *ret_n)
{
    const struct step *steps = (const struct step *) (const void *) image->core->steps.at;
    const uint32_t n = (uint32_t) (image->core->steps.len / sizeof *steps);
    image->steps.len = 0;
    for (uint32_t i = n; i > 0; i--) { /* a row has the newest first */
        const struct image_step step = {steps[i - 1].state, steps[i - 1].reason, steps[i - 1].agent};
        buf_add(&image->steps, &step, sizeof step);
    }
    const struct image_step last = {image->lead->state, image->lead->reason, image->lead->owner};
    if (image->lead->moved)
        buf_add(&image->steps, &last, sizeof last);
    *ret_n = n + image->lead->moved;
    return (const struct image_step *) (const void *) image->steps.at;
}

static void name_places(const struct lead_glance *glance, struct image_lead *ret)
{
    const size_t len = strcspn(glance->pool_name, "/>");
    assert(len < sizeof ret->programme);
    memcpy(ret->programme, glance->pool_name, len);
    ret->programme[len] = '\0';
    ret->pool[0] = ret->team[0] = '\0';
    if (!glance->waiting)
        return;
    memcpy(ret->pool, glance->pool_name, sizeof ret->pool);
    if (ret->pool[len] == '/' && ret->pool[len + 1] != '+')
        strncat(ret->team, ret->pool + len + 1, sizeof ret->team - 1);
}

static struct image_decision decision_of(const struct lead *lead)
{
    if (!lead->past || lead->past->decision.winner == NONE)
        return (struct image_decision){.winner = IMAGE_NOBODY, .runner_up = IMAGE_NOBODY};
    const struct decision *decision = &lead->past->decision;
    return (struct image_decision){.request = decision->request,
                                   .at_us = decision->at_us,
                                   .winner = decision->winner,
                                   .runner_up = decision->runner_up,
                                   .policy_version = decision->policy_version,
                                   .candidates = decision->candidates,
                                   .score = decision->score,
                                   .margin = decision->margin,
                                   .by = decision->by,
                                   .strategy = decision->strategy};
}

bool image_lead(struct image *image, const struct row_ref *row, struct image_lead *ret)
{
    struct reader reader;
    struct lead_glance glance;
    struct lead *lead = image->lead;
    if (!open_row(row, ROW_LEAD, 16, &reader) || !lead_glance(row->payload, &glance))
        return false;
    if (lead->past)
        lead->past->decision.winner = NONE;
    if (!record_apply_lead(image->core, lead, &reader))
        return false;
    name_places(&glance, ret);
    ret->id = id_from_bytes(row->key.at);
    ret->state = lead->state;
    ret->reason = lead->reason;
    ret->state_us = lead->state_us;
    ret->terminal = glance.terminal;
    ret->worked_on = lead->contacted;
    ret->owner = lead->owner;
    ret->winner = lead->past ? lead->past->decision.winner : NONE;
    ret->fence = lead->fence;
    ret->attempts = lead->attempts;
    ret->disposition = lead->disposition;
    ret->due_ms = glance.due_ms;
    ret->handed_us = lead->handed_us;
    ret->moved_last = lead->moved;
    ret->steps = in_order(image, &ret->n_steps);
    ret->decision = decision_of(lead);
    ret->route = (struct image_route){lead->route_version, lead->route_line, lead->route_number, lead->rerouted};
    return true;
}

bool image_input(const struct row_ref *row, struct image_input *ret)
{
    struct reader reader;
    if (!open_row(row, ROW_INPUT, 16, &reader))
        return false;
    ret->id = id_from_bytes(row->key.at);
    get_id(&reader);  /* the op that brought it ... */
    get_u16(&reader); /* ... and its row there */
    ret->seq = get_u64(&reader);
    ret->received_us = get_int(&reader);
    ret->priority = get_i32(&reader);
    ret->value_cents = get_u64(&reader);
    ret->cost_cents = get_u32(&reader);
    ret->source = get_text(&reader);
    ret->n_features = get_u8(&reader);
    reader.bad = reader.bad || ret->n_features > ROW_ATTRIBUTES_MAX;
    for (uint32_t i = 0; i < ret->n_features && !reader.bad; i++) {
        memcpy(&ret->features[i].key, take(&reader, 4), 4);
        ret->features[i].value = get_int(&reader);
    }
    ret->raw = get_slice(&reader, get_u32(&reader));
    return !reader.bad;
}

static bool image_agent_gone(const struct row_ref *row, struct image_agent *ret)
{
    struct reader reader = {row->payload.at + 1, row->payload.at + row->payload.len, false};
    *ret = (struct image_agent){.name = row->key, .gone = true, .index = get_u32(&reader)};
    ret->team = get_text(&reader);
    return !reader.bad && ret->index < AGENTS_EVER;
}

bool image_agent(const struct row_ref *row, struct image_agent *ret)
{
    struct reader reader;
    if (row->type == ROW_AGENT && row_is_gone(row))
        return image_agent_gone(row, ret);
    if (!open_row(row, ROW_AGENT, 0, &reader))
        return false;
    ret->name = row->key;
    ret->gone = false;
    ret->index = get_u32(&reader);
    ret->team = get_text(&reader);
    const uint8_t intent = get_u8(&reader);
    get_u32(&reader); /* away code */
    get_u32(&reader); /* capacity */
    ret->n_skills = get_u8(&reader);
    reader.bad = reader.bad || ret->n_skills > SKILLS_MAX;
    for (uint32_t i = 0; i < ret->n_skills && !reader.bad; i++)
        ret->skills[i] = get_u32(&reader);
    const uint8_t flags = get_u8(&reader);
    ret->on_duty = (flags & 1) && (intent == INTENT_AVAILABLE || intent == INTENT_ON_DEMAND);
    get_u32(&reader); /* misses */
    get_int(&reader); /* penalised until */
    get_int(&reader); /* ... and for how long the next time */
    ret->idle_since_us = get_int(&reader);
    ret->won = get_u32(&reader);
    ret->closed = get_u32(&reader);
    return !reader.bad && ret->index < AGENTS_EVER;
}

bool image_import(const struct row_ref *row, struct image_import *ret)
{
    struct reader reader;
    if (!open_row(row, ROW_IMPORT, 16, &reader))
        return false;
    ret->id = id_from_bytes(row->key.at);
    ret->source = get_text(&reader);
    get_u32(&reader); /* rows */
    get_u32(&reader); /* chunks */
    ret->accepted = get_u32(&reader);
    ret->duplicate = get_u32(&reader);
    ret->rejected = get_u32(&reader);
    return !reader.bad;
}

bool image_cell(const struct row_ref *row, struct image_cell *ret)
{
    struct reader reader;
    if (!open_row(row, ROW_CELL, 0, &reader))
        return false;
    ret->paused_ms = get_int(&reader);
    get_u64(&reader); /* rows rejected */
    ret->now_us = get_int(&reader);
    return !reader.bad;
}
