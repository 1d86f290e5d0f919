/* SPDX-License-Identifier: Apache-2.0
 * record.c - rows out and in: what changed in a beat becomes after-images, and
 * after-images become state again. docs/LOG.md describes each payload. A payload
 * begins with its version; a reader refuses one it does not know. Programmes and
 * teams are written by name, since indexes belong to one version of a policy. */
#include "core/core_private.h"

#include <stdlib.h>
#include <string.h>

enum { RECORD_VERSION = 1, ROW_HEAD = 6 };

/* ---- bytes ------------------------------------------------------------------------- */

#define PUTTER(name, type)                                                                                             \
    static void put_##name(struct buf *buf, type value) { memcpy(buf_more(buf, sizeof value), &value, sizeof value); }
PUTTER(u8, uint8_t)
PUTTER(u16, uint16_t)
PUTTER(u32, uint32_t)
PUTTER(u64, uint64_t)
PUTTER(i64, int64_t)
PUTTER(f64, double)

static void put_text(struct buf *buf, const char *text)
{
    const size_t len = strlen(text);
    assert(len <= UINT8_MAX);
    put_u8(buf, (uint8_t) len);
    buf_add(buf, text, len);
}

static void put_id(struct buf *buf, struct id id) { id_to_bytes(id, buf_more(buf, 16)); }

struct reader { const uint8_t *at, *end; bool bad; };

static const uint8_t *take(struct reader *reader, size_t len)
{
    static const uint8_t zeros[16];
    if ((size_t) (reader->end - reader->at) < len) {
        reader->bad = true;
        reader->at = reader->end;
        return len <= sizeof zeros ? zeros : NULL;
    }
    const uint8_t *at = reader->at;
    reader->at += len;
    return at;
}

#define GETTER(name, type)                                                                                             \
    static type get_##name(struct reader *reader)                                                                      \
    {                                                                                                                  \
        type value;                                                                                                    \
        memcpy(&value, take(reader, sizeof value), sizeof value);                                                      \
        return value;                                                                                                  \
    }
GETTER(u8, uint8_t)
GETTER(u16, uint16_t)
GETTER(u32, uint32_t)
GETTER(u64, uint64_t)
GETTER(i64, int64_t)
GETTER(f64, double)

static struct slice get_slice(struct reader *reader, uint32_t len)
{
    const uint8_t *at = take(reader, len);
    return reader->bad ? (struct slice){0} : slice_of(at, len);
}

static struct slice get_text(struct reader *reader) { return get_slice(reader, get_u8(reader)); }
static struct id get_id(struct reader *reader) { return id_from_bytes(take(reader, 16)); }

static bool same(struct slice slice, const char *text)
{
    return strlen(text) == slice.len && memcmp(text, slice.at, slice.len) == 0;
}

/* ---- rows ------------------------------------------------------------------------------ */

static size_t row_begin(struct buf *body, enum row_type type, const void *key, size_t key_len)
{
    const size_t at = body->len;
    put_u8(body, (uint8_t) type);
    put_u32(body, 0);
    put_u8(body, (uint8_t) key_len);
    buf_add(body, key, key_len);
    put_u8(body, RECORD_VERSION);
    return at;
}

static void row_end(struct buf *body, size_t at)
{
    const uint32_t length = (uint32_t) (body->len - at - 5);
    memcpy(body->at + at + 1, &length, sizeof length);
}

int row_next(struct slice body, uint32_t *at, struct row_ref *ret)
{
    if (*at == body.len)
        return 0;
    uint32_t length;
    if (body.len - *at < ROW_HEAD)
        return -1;
    const uint8_t *row = body.at + *at;
    memcpy(&length, row + 1, sizeof length);
    if (length > body.len - *at - 5 || length < 1u + row[5])
        return -1;
    *ret = (struct row_ref){.type = row[0], .key = slice_of(row + ROW_HEAD, row[5]),
                            .payload = slice_of(row + ROW_HEAD + row[5], length - 1 - row[5]),
                            .whole = slice_of(row, length + 5)};
    *at += length + 5;
    return 1;
}

static size_t row_begin_id(struct buf *body, enum row_type type, struct id id)
{
    uint8_t key[16];
    id_to_bytes(id, key);
    return row_begin(body, type, key, sizeof key);
}

/* ---- leads ------------------------------------------------------------------------------- */

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

enum { FLAG_DUE = 1, FLAG_NOTED = 2, FLAG_LATE = 4, FLAG_CONTACTED = 8, FLAG_ALERTED = 16, FLAG_APPOINTMENT = 32,
       FLAG_DECIDED = 64 };

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
        const uint32_t from = lead->n_receipts < RECEIPTS_KEPT ? 0 : lead->receipt_next;  /* oldest first */
        put_id(body, lead->receipts[(from + i) % RECEIPTS_KEPT].op);
    }
    row_end(body, at);
}

static bool apply_input(struct core *core, struct lead *lead, struct reader *reader)
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

static uint32_t programme_by_name(const struct core *core, struct slice name)
{
    for (uint32_t i = 0; i < core->policy.n_programmes; i++)
        if (same(name, core->policy.programmes[i].name))
            return i;
    return NONE;
}

static uint32_t team_by_name(const struct core *core, struct slice name)
{
    for (uint32_t i = 0; i < core->policy.n_teams; i++)
        if (same(name, core->policy.teams[i].name))
            return i;
    return NONE;
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
        lead->receipts[i] = (struct lead_receipt){get_id(reader), REASON_OK};
    lead->receipt_next = (uint8_t) (lead->n_receipts % RECEIPTS_KEPT);
}

static bool apply_lead(struct core *core, struct lead *lead, struct slice payload, struct reader *reader)
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
    const uint32_t programme = programme_by_name(core, get_text(reader));
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
    if (reader->bad || reader->at != reader->end || programme == NONE || lead->ring > RING_LAST ||
        (lead->ring == RING_TEAM) != (lead->team != NONE) || strcmp(lead_state_name(lead->state), "?") == 0)
        return false;
    lead->programme = (uint16_t) programme;
    return true;
}

/* ---- agents, programmes, imports, the cell --------------------------------------------------- */

static void record_agent(const struct core *core, const struct agent *agent, struct buf *body)
{
    const size_t at = row_begin(body, ROW_AGENT, agent->name, strlen(agent->name));
    put_u32(body, agent->index);
    put_text(body, core->policy.teams[agent->team].name);
    put_u8(body, (uint8_t) agent->intent);
    put_u32(body, agent->away_code);
    put_u32(body, agent->capacity);
    put_u8(body, (uint8_t) agent->n_skills);
    for (uint32_t i = 0; i < agent->n_skills; i++)
        put_u32(body, agent->skills[i]);
    put_u8(body, (uint8_t) ((agent->present ? 1 : 0) | (agent->paused ? 2 : 0) | (agent->ready ? 4 : 0)));
    put_u32(body, agent->misses);
    put_i64(body, agent->penalty_until_ms);
    put_i64(body, agent->penalty_ms);
    put_i64(body, agent->idle_since_us);
    put_u32(body, agent->won);
    put_u32(body, agent->closed);
    put_i64(body, agent->gone_ms);
    put_i64(body, agent->ready_until_ms);
    put_u32(body, agent->ready_wait_ms);
    put_id(body, agent->ready_last.op);
    put_id(body, agent->ready_last.lead);
    put_u16(body, (uint16_t) agent->ready_last.reason);
    put_u32(body, agent->ready_last.wait_ms);
    row_end(body, at);
}

static bool apply_agent(struct core *core, struct slice name, struct reader *reader)
{
    const uint32_t index = get_u32(reader);
    const uint32_t team = team_by_name(core, get_text(reader));
    if (reader->bad || team == NONE || index >= core->policy.agents_max || name.len > NAME_BYTES_MAX)
        return false;
    struct agent *agent = agent_find(core, name);
    if (!agent) {                        /* rows may come in any order: the index is the record's */
        if (core->agents[index])
            return false;
        const uint32_t n = core->n_agents;
        core->n_agents = index;
        agent = agent_new(core, name);
        if (core->n_agents < n)
            core->n_agents = n;
    }
    if (agent->index != index)
        return false;
    agent->team = team;
    agent->programme = core->policy.teams[team].programme;
    agent->intent = get_u8(reader);
    agent->away_code = get_u32(reader);
    agent->capacity = get_u32(reader);
    agent->n_skills = get_u8(reader);
    if (agent->n_skills > SKILLS_MAX)
        return false;
    for (uint32_t i = 0; i < agent->n_skills; i++)
        agent->skills[i] = get_u32(reader);
    const uint8_t flags = get_u8(reader);
    agent->present = flags & 1;
    agent->paused = flags & 2;
    agent->ready = flags & 4;
    agent->misses = get_u32(reader);
    agent->penalty_until_ms = get_i64(reader);
    agent->penalty_ms = get_i64(reader);
    agent->idle_since_us = get_i64(reader);
    agent->won = get_u32(reader);
    agent->closed = get_u32(reader);
    agent->gone_ms = get_i64(reader);
    agent->ready_until_ms = get_i64(reader);
    agent->ready_wait_ms = get_u32(reader);
    agent->ready_last.op = get_id(reader);
    agent->ready_last.lead = get_id(reader);
    agent->ready_last.reason = get_u16(reader);
    agent->ready_last.wait_ms = get_u32(reader);
    return !reader->bad && reader->at == reader->end;
}

static void record_programme(const struct core *core, uint32_t index, struct buf *body)
{
    const struct programme_state *state = &core->programmes[index];
    const char *name = programme_of(core, index)->name;
    const size_t at = row_begin(body, ROW_PROGRAMME, name, strlen(name));
    put_u64(body, state->rotation);
    put_u32(body, state->refill_turn);
    const uint64_t counts[] = {state->received, state->offers, state->accepts, state->declines, state->lapses,
                               state->redistributions, state->alerts, state->decided_scored, state->decided_plain};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        put_u64(body, counts[i]);
    row_end(body, at);
}

static bool apply_programme(struct core *core, struct slice name, struct reader *reader)
{
    const uint32_t index = programme_by_name(core, name);
    if (index == NONE)
        return false;
    struct programme_state *state = &core->programmes[index];
    state->rotation = get_u64(reader);
    state->refill_turn = get_u32(reader);
    uint64_t *counts[] = {&state->received, &state->offers, &state->accepts, &state->declines, &state->lapses,
                          &state->redistributions, &state->alerts, &state->decided_scored, &state->decided_plain};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        *counts[i] = get_u64(reader);
    return !reader->bad && reader->at == reader->end;
}

static void record_import(const struct core *core, const struct import *import, struct buf *body)
{
    const size_t at = row_begin_id(body, ROW_IMPORT, import->id);
    put_text(body, core->sources[import->source]);
    put_u32(body, import->rows);
    put_u32(body, import->chunks);
    put_u32(body, import->accepted);
    put_u32(body, import->duplicate);
    put_u32(body, import->rejected);
    buf_add(body, import->standing, (import->chunks + 7) / 8);
    row_end(body, at);
}

static bool apply_import(struct core *core, struct id id, struct reader *reader)
{
    struct import *import;
    const struct slice source = get_text(reader);
    const uint32_t rows = get_u32(reader), chunks = get_u32(reader);
    if (reader->bad || chunks > CHUNKS_MAX || source.len > NAME_BYTES_MAX)
        return false;
    HASH_FIND(hh, core->imports, &id, sizeof id, import);
    if (!import) {
        import = calloc(1, sizeof *import);
        assert(import);
        import->id = id;
        import->standing = calloc((chunks + 7) / 8 + 1, 1);
        assert(import->standing);
        HASH_ADD(hh, core->imports, id, sizeof import->id, import);
        import->chunks = chunks;
    }
    import->source = core_source(core, source);
    import->rows = rows;
    import->accepted = get_u32(reader);
    import->duplicate = get_u32(reader);
    import->rejected = get_u32(reader);
    const struct slice standing = get_slice(reader, (chunks + 7) / 8);
    if (reader->bad || reader->at != reader->end || chunks != import->chunks)
        return false;
    memcpy(import->standing, standing.at, standing.len);
    return true;
}

static void record_cell(const struct core *core, struct buf *body)
{
    const size_t at = row_begin(body, ROW_CELL, "cell", 4);
    put_i64(body, core->paused_ms);
    put_u64(body, core->rejected);
    put_i64(body, core->now_us);
    row_end(body, at);
}

static bool apply_cell(struct core *core, struct reader *reader)
{
    core->paused_ms = get_i64(reader);
    core->rejected = get_u64(reader);
    const int64_t at_us = get_i64(reader);
    if (at_us > core->last_us)
        core->last_us = at_us;
    return !reader->bad && reader->at == reader->end;
}

/* The features a decision was made from, once a window: with the lead's own row
 * they give the same scores again. Log only. */
void record_snapshot(struct core *core, const struct ask *ask)
{
    struct buf *body = &core->snapshots;
    uint8_t key[8];
    memcpy(key, &ask->id, sizeof key);
    const size_t at = row_begin(body, ROW_SNAPSHOT, key, sizeof key);
    put_text(body, programme_of(core, ask->programme)->name);
    put_u32(body, core->policy.version);
    put_u8(body, (uint8_t) programme_of(core, ask->programme)->strategy);
    put_u64(body, ask->rotation);
    put_u16(body, (uint16_t) ask->n_leads);
    put_u16(body, (uint16_t) ask->n_agents);
    for (uint32_t i = 0; i < ask->n_agents; i++) {
        const struct request_agent *agent = &ask->request_agents[i];
        put_u32(body, ask->agents[i]);
        put_u32(body, agent->slots);
        put_u32(body, agent->open);
        put_u32(body, agent->idle_ms);
        put_u32(body, agent->won);
        put_u32(body, agent->closed);
    }
    row_end(body, at);
}

/* ---- sealing a beat, loading, dumping ------------------------------------------------------------ */

uint32_t core_seal(struct core *core, struct buf *body)
{
    uint32_t rows = 0;
    for (struct lead *lead = core->dirty_leads; lead; lead = lead->dirty_next, rows++) {
        if (lead->fresh)
            record_input(core, lead, body);
        record_lead(core, lead, body);
        lead->dirty = lead->fresh = false;
    }
    for (struct agent *agent = core->dirty_agents; agent; agent = agent->dirty_next, rows++) {
        record_agent(core, agent, body);
        agent->dirty = false;
    }
    for (struct import *import = core->dirty_imports; import; import = import->dirty_next, rows++) {
        record_import(core, import, body);
        import->dirty = false;
    }
    core->dirty_leads = NULL;
    core->dirty_agents = NULL;
    core->dirty_imports = NULL;
    for (uint32_t i = 0; i < core->policy.n_programmes; i++)
        if (core->programmes[i].dirty) {
            record_programme(core, i, body);
            core->programmes[i].dirty = false;
            rows++;
        }
    if (rows || core->dirty_cell) {
        record_cell(core, body);
        core->dirty_cell = false;
        rows++;
    }
    buf_add(body, core->snapshots.at, core->snapshots.len);
    core->snapshots.len = 0;
    return rows;
}

bool core_apply(struct core *core, const struct row_ref *row)
{
    struct reader reader = {row->payload.at, row->payload.at + row->payload.len, false};
    if (row->type == ROW_SNAPSHOT)
        return true;
    if (get_u8(&reader) != RECORD_VERSION)
        return false;
    if ((row->type == ROW_INPUT || row->type == ROW_LEAD || row->type == ROW_IMPORT) && row->key.len != 16)
        return false;
    switch (row->type) {
    case ROW_INPUT:
    case ROW_LEAD: {
        const struct id id = id_from_bytes(row->key.at);
        struct lead *lead = lead_find(core, id);
        if (!lead)
            lead = lead_new(core, id);
        lead->fresh = false;
        return row->type == ROW_INPUT ? apply_input(core, lead, &reader)
                                      : apply_lead(core, lead, row->payload, &reader);
    }
    case ROW_AGENT:
        return apply_agent(core, row->key, &reader);
    case ROW_PROGRAMME:
        return apply_programme(core, row->key, &reader);
    case ROW_IMPORT:
        return apply_import(core, id_from_bytes(row->key.at), &reader);
    case ROW_CELL:
        return apply_cell(core, &reader);
    case ROW_SNAPSHOT:
        break;
    }
    return false;
}

static int by_id(const void *a, const void *b)
{
    const struct lead *x = *(struct lead *const *) a, *y = *(struct lead *const *) b;
    if (x->id.hi != y->id.hi)
        return x->id.hi < y->id.hi ? -1 : 1;
    return x->id.lo < y->id.lo ? -1 : x->id.lo > y->id.lo;
}

static struct lead **sorted_leads(const struct core *core)
{
    struct lead **list = malloc((core->n_leads + 1) * sizeof(struct lead *));
    assert(list);
    size_t n = 0;
    for (struct lead *lead = core->leads; lead; lead = lead->hh.next)
        list[n++] = lead;
    qsort(list, n, sizeof(struct lead *), by_id);
    return list;
}

/* Returns false when records do not fit together: an owner that is nobody, a lead without its input. */
bool core_loaded(struct core *core)
{
    bool whole = true;
    for (uint32_t i = 0; i < core->n_agents && whole; i++)
        whole = core->agents[i] != NULL;
    if (!whole)
        return false;
    core->now_us = core->last_us;
    for (uint32_t i = 0; i < core->n_agents; i++) {
        struct agent *agent = core->agents[i];
        core->team_present[agent->team] += agent->present;
        agent->heard_ms = run_ms(core);
        agent->valid_until_ms = run_ms(core) + core->policy.lease_ms + core->policy.guard_ms;
        agent->dirty = false;
    }
    core->dirty_agents = NULL;
    core->dirty_cell = false;
    struct lead **leads = sorted_leads(core);    /* a fixed order, so that a load is repeatable */
    for (uint64_t i = 0; i < core->n_leads && whole; i++) {
        struct lead *lead = leads[i];
        whole = lead->raw && lead->state != LEAD_RECEIVED && (lead->owner == NONE || lead->owner < core->n_agents) &&
                (lead->state != LEAD_REVOKING || lead->former < core->n_agents) &&
                (lead->owner != NONE) == (lead->state >= LEAD_OFFERED && lead->state <= LEAD_PIPELINE &&
                                          lead->state != LEAD_REVOKING);
        for (uint32_t e = 0; e < lead->n_excludes && whole; e++)
            whole = lead->excludes[e].agent < core->n_agents;
        if (whole)
            lead_attach(core, lead);
    }
    free(leads);
    for (uint32_t i = 0; i < core->n_agents && whole; i++)
        agent_update(core, core->agents[i]);
    return whole;
}

void core_dump(const struct core *core, struct buf *body)
{
    struct lead **leads = sorted_leads(core);
    for (uint64_t i = 0; i < core->n_leads; i++) {
        record_input(core, leads[i], body);
        record_lead(core, leads[i], body);
    }
    free(leads);
    for (uint32_t i = 0; i < core->n_agents; i++)
        record_agent(core, core->agents[i], body);
    for (uint32_t i = 0; i < core->policy.n_programmes; i++)
        record_programme(core, i, body);
}
