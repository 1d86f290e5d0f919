/* SPDX-License-Identifier: Apache-2.0
 * intake.c - leads come in. A chunk is taken whole or refused whole; each row has
 * an outcome of its own. A row is known by its id, which comes from its source's
 * key: the same row again gets its first answer, whoever repeats it and whenever. */
#include "core/core_private.h"

#include <stdlib.h>
#include <string.h>

#include "core/contact.h"
#include "core/limits.h"

static struct import *import_find(struct core *core, struct id id)
{
    struct import *import;
    HASH_FIND(hh, core->imports, &id, sizeof id, import);
    return import;
}

static void import_touch(struct core *core, struct import *import)
{
    HASH_DEL(core->imports, import);
    HASH_ADD(hh, core->imports, id, sizeof import->id, import);
    import->changed_us = core->now_us;
    if (import->dirty)
        return;
    import->dirty = true;
    import->dirty_next = core->dirty_imports;
    core->dirty_imports = import;
}

void import_drop(struct core *core, struct import *import)
{
    HASH_DEL(core->imports, import);
    free(import->standing);
    free(import);
}

static int by_change(const struct import *a, const struct import *b)
{
    return a->changed_us < b->changed_us ? -1 : a->changed_us > b->changed_us;
}

void imports_loaded(struct core *core)
{
    HASH_SORT(core->imports, by_change);
}

/* What nobody touched for the longest: a day at least, so that nobody goes on with it. Its rows stay known by their
 * keys. */
static bool make_room(struct core *core)
{
    struct import *oldest = core->imports;
    if (HASH_COUNT(core->imports) < IMPORTS_MAX)
        return true;
    if (core->now_us - oldest->changed_us < DAY_MS * 1000)
        return false;
    record_import_gone(core, oldest->id);
    import_drop(core, oldest);
    return true;
}

void intake_manifest(struct core *core, uint32_t peer, const struct msg *msg)
{
    const struct msg_manifest *manifest = &msg->manifest;
    struct msg answer = {.kind = MSG_MANIFEST_STATE, .manifest_state = {.import = manifest->import}};
    struct import *import = import_find(core, manifest->import);
    if (!import && manifest->rows == 0) { /* only asked: nothing stands */
        effects_msg(core->effects, peer, &answer);
        return;
    }
    if (!import && (!core_has_room_for_source(core, manifest->source) || !make_room(core))) {
        answer.manifest_state.reason = REASON_TOO_MANY;
        effects_msg(core->effects, peer, &answer);
        return;
    }
    if (!import) {
        import = calloc(1, sizeof *import);
        assert(import);
        import->id = manifest->import;
        import->source = core_source(core, manifest->source);
        import->rows = manifest->rows;
        import->chunks = manifest->chunks;
        import->standing = calloc((manifest->chunks + 7) / 8 + 1, 1);
        assert(import->standing);
        HASH_ADD(hh, core->imports, id, sizeof import->id, import);
        import_touch(core, import);
    } else if (manifest->rows && (import->rows != manifest->rows || import->chunks != manifest->chunks)) {
        answer.manifest_state.reason = REASON_OP_ID_REUSED;
        effects_msg(core->effects, peer, &answer);
        return;
    }
    answer.manifest_state.standing = slice_of(import->standing, (import->chunks + 7) / 8);
    answer.manifest_state.accepted = import->accepted;
    answer.manifest_state.duplicate = import->duplicate;
    answer.manifest_state.rejected = import->rejected;
    effects_msg(core->effects, peer, &answer);
}

uint32_t intake_programme_of(const struct core *core, struct slice source)
{
    const struct policy *policy = &core->policy;
    for (uint32_t i = 0; i < policy->n_sources; i++)
        if (slice_is(source, policy->sources[i].name))
            return policy->sources[i].programme;
    return policy->default_programme ? policy->default_programme - 1 : NONE;
}

static void copy_input(struct lead *lead, const struct row *row)
{
    struct feature features[FEATURES_MAX];
    const uint32_t n = row->n_attributes < FEATURES_MAX ? row->n_attributes : FEATURES_MAX;
    for (uint32_t i = 0; i < n; i++) {
        const struct attribute *attribute = &row->attributes[i];
        features[i] = (struct feature){feature_key(attribute->name.at, attribute->name.len), feature_of(attribute)};
    }
    leads_set_input(lead, features, n, row->raw, row->added);
}

static struct lead *admit(struct core *core, const struct row *row, uint32_t source, uint32_t programme,
                          const struct msg_chunk *chunk, uint32_t number, const struct newcomer *newcomer)
{
    struct lead *lead = leads_add(core, row->lead);
    lead->op = chunk->op;
    lead->op_row = (uint16_t) number;
    lead->source = source;
    lead->seq = ++core->seq;
    lead->received_us = core->now_us;
    copy_input(lead, row);
    lead->priority = row->priority;
    lead->value_cents = row->value_cents;
    lead->cost_cents = row->cost_cents;
    lead->programme = (uint16_t) programme;
    core->programmes[programme].count[LEAD_RECEIVED]++;
    core->programmes[programme].received++;
    contacts_place(core, lead, newcomer);
    return lead;
}

/* A row that was never seen: its person may be known all the same, and its source at a limit. */
static enum reason judge(struct core *core, const struct row *row, uint32_t programme, struct meter *meter,
                         struct newcomer *ret)
{
    *ret = contacts_judge(core, programme, row->raw);
    return ret->refused == REASON_OK && meter ? limits_admit(core, meter, row->cost_cents) : ret->refused;
}

static bool same_request(const struct lead *lead, const struct msg_chunk *chunk, uint32_t number)
{
    return id_equal(lead->op, chunk->op) && lead->op_row == number;
}

/* What was given counts: what is found out may change with the tables it is found in. */
static bool same_payload(const struct lead *lead, const struct row *row)
{
    return lead->given_len == row->raw.len && memcmp(lead->raw, row->raw.at, row->raw.len) == 0;
}

/* Reasons to refuse the chunk whole, before anything of it is done. */
static enum reason refusal(struct core *core, const struct msg_chunk *chunk)
{
    uint64_t waiting = 0, fresh = 0;
    if (!core_has_room_for_source(core, chunk->source))
        return REASON_TOO_MANY;
    for (uint32_t i = 0; i < chunk->n_rows; i++) {
        const struct row *row = &chunk->rows[i];
        const struct lead *lead = row->reject == REASON_OK ? leads_find(core, row->lead) : NULL;
        if (lead && same_request(lead, chunk, i) && !same_payload(lead, row))
            return REASON_OP_ID_REUSED;
        fresh += row->reject == REASON_OK && !lead;
    }
    for (uint32_t p = 0; p < core->policy.n_programmes; p++)
        waiting += core->programmes[p].count[LEAD_POOLED] + core->programmes[p].count[LEAD_HELD];
    /* a repeat takes no room and must be answered */
    return fresh && waiting + fresh > core->policy.waiting_max ? REASON_BUSY : REASON_OK;
}

static enum reason known(const struct lead *lead, const struct row *row, const struct msg_chunk *chunk, uint32_t number)
{
    if (same_request(lead, chunk, number))
        return REASON_OK;
    return same_payload(lead, row) ? REASON_DUPLICATE_KEY : REASON_PAYLOAD_DIFFERS;
}

static void count_import(struct core *core, const struct msg_chunk *chunk, const uint32_t *outcomes)
{
    struct import *import = import_find(core, chunk->import);
    if (id_is_none(chunk->import) || !import || chunk->number >= import->chunks)
        return;
    uint8_t *byte = &import->standing[chunk->number / 8];
    const uint8_t bit = (uint8_t) (1u << chunk->number % 8);
    if (*byte & bit)
        return;
    *byte |= bit;
    for (uint32_t i = 0; i < chunk->n_rows; i++) {
        if (outcomes[i] == REASON_OK)
            import->accepted++;
        else if (outcomes[i] == REASON_DUPLICATE_KEY || outcomes[i] == REASON_PAYLOAD_DIFFERS)
            import->duplicate++;
        else
            import->rejected++;
    }
    import_touch(core, import);
}

void intake_chunk(struct core *core, uint32_t peer, const struct msg *msg)
{
    const struct msg_chunk *chunk = &msg->chunk;
    struct id leads[CHUNK_ROWS_MAX];
    uint32_t outcomes[CHUNK_ROWS_MAX], warnings[CHUNK_ROWS_MAX];
    assert(chunk->n_rows <= CHUNK_ROWS_MAX);
    const enum reason refused = refusal(core, chunk);
    if (refused != REASON_OK) {
        effects_msg(core->effects, peer,
                    &(struct msg){.kind = MSG_RECEIPT,
                                  .receipt = {.op = chunk->op,
                                              .reason = refused,
                                              .level = 1,
                                              .retry_after_ms = refused == REASON_BUSY ? BUSY_RETRY_MS : 0}});
        return;
    }
    const uint32_t source = core_source(core, chunk->source), programme = intake_programme_of(core, chunk->source);
    struct meter *meter = limits_of_source(core, chunk->source, programme);
    for (uint32_t i = 0; i < chunk->n_rows; i++) {
        const struct row *row = &chunk->rows[i];
        enum reason reject = row->reject;
        leads[i] = (struct id){0};
        warnings[i] = reject == REASON_OK ? contact_check(row, &reject) : 0;
        outcomes[i] = reject == REASON_OK && programme == NONE ? REASON_NO_PROGRAMME : reject;
        const struct lead *lead = outcomes[i] == REASON_OK ? leads_find(core, row->lead) : NULL;
        struct newcomer newcomer = {0};
        if (outcomes[i] == REASON_OK && !lead)
            outcomes[i] = judge(core, row, programme, meter, &newcomer);
        if (outcomes[i] != REASON_OK) {
            if (outcomes[i] == REASON_DUPLICATE_CONTACT && newcomer.first)
                leads[i] = newcomer.first->id;
            core->rejected++;
            core->dirty_cell = true;
            continue;
        }
        outcomes[i] = lead ? known(lead, row, chunk, i) : REASON_OK;
        warnings[i] |= newcomer.warnings;
        if (!lead)
            admit(core, row, source, programme, chunk, i, &newcomer);
        leads[i] = row->lead;
    }
    count_import(core, chunk, outcomes);
    effects_msg(core->effects, peer,
                &(struct msg){.kind = MSG_RECEIPT,
                              .receipt = {.op = chunk->op,
                                          .level = 1,
                                          .epoch = core->epoch,
                                          .n_rows = chunk->n_rows,
                                          .leads = leads,
                                          .outcomes = outcomes,
                                          .warnings = warnings}});
}
