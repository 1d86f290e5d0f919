/* SPDX-License-Identifier: Apache-2.0
 * record_lead.c - the two rows of a lead: what came in, and the mutable part. */
#include "core/record_bytes.h"

#include <stdlib.h>

void record_input(const struct core *core, const struct lead *lead, struct buf *body)
{
    const size_t at = row_begin_id(body, ROW_INPUT, lead->id);
    put_id(body, lead->op);
    put_u16(body, lead->op_row);
    put_u64(body, lead->seq);
    put_i64(body, lead->received_us);
    put_u32(body, (uint32_t) lead->priority);
    put_u64(body, lead->value_cents);
    put_u32(body, lead->cost_cents);
    put_text(body, core->sources[lead->source]);
    put_u8(body, (uint8_t) lead->n_features);
    for (uint32_t i = 0; i < lead->n_features; i++) {
        put_u32(body, lead->features[i].key);
        put_i64(body, lead->features[i].value);
    }
    put_u32(body, lead->raw_len);
    buf_add(body, lead->raw, lead->raw_len);
    row_end(body, at);
}

enum {
    FLAG_DUE = 1,
    FLAG_NOTED = 2,
    FLAG_LATE = 4,
    FLAG_CONTACTED = 8,
    FLAG_ALERTED = 16,
    FLAG_APPOINTMENT = 32,
    FLAG_DECIDED = 64
};

/* The first part is what lead_glance() reads: keep the two together. */
static void put_glance(const struct core *core, const struct lead *lead, struct buf *body)
{
    char name[2 * NAME_BYTES_MAX + 8];
    const struct pool *pool = &core->pools[pool_index(core, lead->programme, lead->ring, lead->team)];
    pool_name(core, pool, name);
    put_u8(body, lead->state);
    put_f64(body, lead_rank(core, lead));
    put_i64(body, lead->timer.appointment ? lead->due_ms : lead->due_ms + core->paused_ms);
    put_text(body, name);
}

bool lead_glance(struct slice payload, struct lead_glance *ret)
{
    struct reader reader = {payload.at, payload.at + payload.len, false};
    if (get_u8(&reader) != RECORD_VERSION)
        return false;
    *ret = (struct lead_glance){.state = get_u8(&reader)};
    ret->rank = get_f64(&reader);
    ret->due_ms = get_i64(&reader);
    const struct slice name = get_text(&reader);
    if (reader.bad || name.len >= sizeof ret->pool_name)
        return false;
    memcpy(ret->pool_name, name.at, name.len);
    ret->terminal = ret->state >= LEAD_CLOSED_WON;
    ret->waiting = ret->state == LEAD_POOLED;
    return true;
}

static void put_decision(const struct decision *decision, struct buf *body)
{
    put_u64(body, decision->request);
    put_i64(body, decision->at_us);
    put_u32(body, decision->winner);
    put_u32(body, decision->runner_up);
    put_u32(body, decision->policy_version);
    put_u32(body, decision->candidates);
    put_u32(body, (uint32_t) decision->score);
    put_u32(body, (uint32_t) decision->margin);
    put_u16(body, decision->by);
}

static struct decision get_decision(struct reader *reader)
{
    struct decision decision = {.request = get_u64(reader)};
    decision.at_us = get_i64(reader);
    decision.winner = get_u32(reader);
    decision.runner_up = get_u32(reader);
    decision.policy_version = get_u32(reader);
    decision.candidates = get_u32(reader);
    decision.score = (int32_t) get_u32(reader);
    decision.margin = (int32_t) get_u32(reader);
    decision.by = get_u16(reader);
    return decision;
}

void record_lead(const struct core *core, const struct lead *lead, struct buf *body)
{
    const size_t at = row_begin_id(body, ROW_LEAD, lead->id);
    const bool decided = lead->decision.winner != NONE;
    put_glance(core, lead, body);
    put_u8(body, (uint8_t) ((lead->due ? FLAG_DUE : 0) | (lead->noted ? FLAG_NOTED : 0) | (lead->late ? FLAG_LATE : 0) |
                            (lead->contacted ? FLAG_CONTACTED : 0) | (lead->alerted ? FLAG_ALERTED : 0) |
                            (lead->timer.appointment ? FLAG_APPOINTMENT : 0) | (decided ? FLAG_DECIDED : 0)));
    put_u8(body, lead->ring);
    put_text(body, programme_of(core, lead->programme)->name);
    put_text(body, lead->team == NONE ? "" : core->policy.teams[lead->team].name);
    put_u32(body, lead->owner);
    put_u32(body, lead->former);
    put_u64(body, lead->fence);
    put_u8(body, lead->attempts);
    put_u8(body, lead->distributions);
    put_u16(body, lead->reason);
    put_u16(body, lead->disposition);
    put_i64(body, lead->state_us);
    put_i64(body, lead->pooled_us);
    put_i64(body, lead->handed_us);
    put_i64(body, lead->due_ms);
    if (decided)
        put_decision(&lead->decision, body);
    put_u8(body, lead->n_excludes);
    for (uint32_t i = 0; i < lead->n_excludes; i++) {
        put_u32(body, lead->excludes[i].agent);
        put_u16(body, lead->excludes[i].reason);
        put_i64(body, lead->excludes[i].until_ms);
    }
    put_u8(body, lead->n_receipts);
    for (uint32_t i = 0; i < lead->n_receipts; i++) {
        const uint32_t from = lead->n_receipts < RECEIPTS_KEPT ? 0 : lead->receipt_next; /* oldest first */
        put_id(body, lead->receipts[(from + i) % RECEIPTS_KEPT]);
    }
    row_end(body, at);
}

bool record_apply_input(struct core *core, struct lead *lead, struct reader *reader)
{
    lead->op = get_id(reader);
    lead->op_row = get_u16(reader);
    lead->seq = get_u64(reader);
    lead->received_us = get_i64(reader);
    lead->priority = (int32_t) get_u32(reader);
    lead->value_cents = get_u64(reader);
    lead->cost_cents = get_u32(reader);
    const struct slice source = get_text(reader);
    if (reader->bad || source.len > NAME_BYTES_MAX)
        return false;
    lead->source = core_source(core, source);
    lead->n_features = get_u8(reader);
    if (lead->n_features > FEATURES_MAX)
        return false;
    lead->features = realloc(lead->features, (lead->n_features + 1) * sizeof *lead->features);
    assert(lead->features);
    for (uint32_t i = 0; i < lead->n_features; i++) {
        lead->features[i].key = get_u32(reader);
        lead->features[i].value = get_i64(reader);
    }
    const struct slice raw = get_slice(reader, get_u32(reader));
    if (reader->bad)
        return false;
    lead->raw = realloc(lead->raw, raw.len + 1);
    assert(lead->raw);
    memcpy(lead->raw, raw.at, raw.len);
    lead->raw_len = raw.len;
    if (lead->seq > core->seq)
        core->seq = lead->seq;
    return reader->at == reader->end;
}

static void apply_lists(struct lead *lead, struct reader *reader)
{
    lead->n_excludes = get_u8(reader);
    if (lead->n_excludes > EXCLUSIONS_MAX) {
        reader->bad = true;
        lead->n_excludes = 0;
        return;
    }
    lead->excludes_room = lead->n_excludes;
    lead->excludes = realloc(lead->excludes, (lead->n_excludes + 1u) * sizeof *lead->excludes);
    assert(lead->excludes);
    for (uint32_t i = 0; i < lead->n_excludes; i++) {
        lead->excludes[i].agent = get_u32(reader);
        lead->excludes[i].reason = get_u16(reader);
        lead->excludes[i].until_ms = get_i64(reader);
    }
    lead->n_receipts = get_u8(reader);
    if (lead->n_receipts > RECEIPTS_KEPT) {
        reader->bad = true;
        lead->n_receipts = 0;
    }
    for (uint32_t i = 0; i < lead->n_receipts; i++)
        lead->receipts[i] = get_id(reader);
    lead->receipt_next = (uint8_t) (lead->n_receipts % RECEIPTS_KEPT);
}

bool record_apply_lead(struct core *core, struct lead *lead, struct slice payload, struct reader *reader)
{
    struct lead_glance glance;
    if (!lead_glance(payload, &glance))
        return false;
    lead->state = get_u8(reader);
    get_f64(reader);
    get_i64(reader);
    get_text(reader);
    const uint8_t flags = get_u8(reader);
    lead->due = flags & FLAG_DUE;
    lead->noted = flags & FLAG_NOTED;
    lead->late = flags & FLAG_LATE;
    lead->contacted = flags & FLAG_CONTACTED;
    lead->alerted = flags & FLAG_ALERTED;
    lead->timer.appointment = flags & FLAG_APPOINTMENT;
    lead->ring = get_u8(reader);
    uint32_t programme = programme_by_name(core, get_text(reader));
    const struct slice team = get_text(reader);
    lead->team = team.len ? team_by_name(core, team) : NONE;
    lead->owner = get_u32(reader);
    lead->former = get_u32(reader);
    lead->fence = get_u64(reader);
    lead->attempts = get_u8(reader);
    lead->distributions = get_u8(reader);
    lead->reason = get_u16(reader);
    lead->disposition = get_u16(reader);
    lead->state_us = get_i64(reader);
    lead->pooled_us = get_i64(reader);
    lead->handed_us = get_i64(reader);
    lead->due_ms = get_i64(reader);
    if (flags & FLAG_DECIDED)
        lead->decision = get_decision(reader);
    apply_lists(lead, reader);
    if (reader->bad || reader->at != reader->end || lead->ring > RING_LAST ||
        (lead->ring == RING_TEAM) != (team.len > 0) || strcmp(lead_state_name(lead->state), "?") == 0)
        return false;
    if (programme == NONE) /* gone from the policy: its leads go to the default, and are not lost */
        programme = core->policy.default_programme ? core->policy.default_programme - 1 : 0;
    if (lead->ring == RING_TEAM && (lead->team == NONE || core->policy.teams[lead->team].programme != programme)) {
        lead->ring = RING_OWN;
        lead->team = NONE;
    }
    lead->programme = (uint16_t) programme;
    return true;
}
