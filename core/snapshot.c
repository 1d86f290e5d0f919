/* SPDX-License-Identifier: Apache-2.0
 * snapshot.c - the row of a decision's window: written when at least one of its
 * verdicts was granted, read by who explains one. See snapshot.h. */
#include "core/snapshot.h"

#include <stdlib.h>

#include "core/record_bytes.h"

static_assert((int) SNAPSHOT_AGENTS_MAX == (int) ASK_AGENTS_MAX, "one number, for readers of the log");

static bool has_turns(unsigned strategy)
{
    return strategy == STRATEGY_WEIGHTED_ROUND_ROBIN || strategy == STRATEGY_TOP_DOWN;
}

void record_snapshot(struct core *core, const struct ask *ask)
{
    uint8_t key[8];
    memcpy(key, &ask->id, sizeof key);
    const size_t numbers = 9 + 8 * (size_t) ask->n_agents + 2 * (size_t) ask->n_leads + 3 * (size_t) ask->n_excluded;
    struct writer row =
        row_begin(&core->snapshots, ROW_SNAPSHOT, key, sizeof key, numbers * NUMBER_BYTES_MAX + NAME_BYTES_MAX);
    put_text(&row, programme_of(core, ask->programme)->name);
    put_uint(&row, core->policy.version);
    put_uint(&row, ask->strategy);
    put_uint(&row, ask->rotation);
    put_int(&row, ask->built_us);
    put_uint(&row, ask->n_leads);
    for (uint32_t i = 0; i < ask->n_leads; i++) {
        put_int(&row, (int64_t) (ask->leads[i]->seq - (i > 0 ? ask->leads[i - 1]->seq : 0)));
        put_uint(&row, ask->request_leads[i].only_agent);
    }
    put_uint(&row, ask->n_agents);
    for (uint32_t i = 0; i < ask->n_agents; i++) {
        const struct request_agent *agent = &ask->request_agents[i];
        put_uint(&row, ask->agents[i]);
        put_uint(&row, agent->slots);
        put_uint(&row, agent->open);
        put_uint(&row, agent->idle_ms);
        put_uint(&row, agent->won);
        put_uint(&row, agent->closed);
        if (!has_turns(ask->strategy))
            continue;
        put_uint(&row, agent->turn);
        put_uint(&row, agent->weight);
    }
    put_uint(&row, ask->n_excluded);
    for (uint32_t i = 0; i < ask->n_excluded; i++) {
        put_uint(&row, ask->excluded[i].lead);
        put_uint(&row, ask->excluded[i].agent);
        put_uint(&row, ask->excluded_why[i]);
    }
    row_end(&row);
}

bool snapshot_is_of(const struct row_ref *row, uint64_t request)
{
    return row->type == ROW_SNAPSHOT && row->key.len == sizeof request &&
           memcmp(row->key.at, &request, sizeof request) == 0;
}

static void *room_for(size_t n, size_t size)
{
    void *room = calloc(n + 1, size);
    assert(room);
    return room;
}

static void get_leads(struct snapshot *snapshot, struct reader *reader)
{
    uint64_t seq = 0;
    snapshot->n_leads = (uint32_t) get_uint(reader, ASK_LEADS_MAX);
    snapshot->leads = room_for(snapshot->n_leads, sizeof *snapshot->leads);
    for (uint32_t i = 0; i < snapshot->n_leads; i++) {
        seq += (uint64_t) get_int(reader);
        snapshot->leads[i] = (struct snapshot_lead){seq, get_u32(reader)};
    }
}

/* A strategy that keeps no turn of an agent has it go by its index: core/window.c:turn_of. */
static void get_agents(struct snapshot *snapshot, struct reader *reader)
{
    snapshot->n_agents = (uint32_t) get_uint(reader, ASK_AGENTS_MAX);
    snapshot->agents = room_for(snapshot->n_agents, sizeof *snapshot->agents);
    for (uint32_t i = 0; i < snapshot->n_agents; i++) {
        struct snapshot_agent *agent = &snapshot->agents[i];
        agent->index = get_u32(reader);
        agent->as_seen.slots = get_u32(reader);
        agent->as_seen.open = get_u32(reader);
        agent->as_seen.idle_ms = get_u32(reader);
        agent->as_seen.won = get_u32(reader);
        agent->as_seen.closed = get_u32(reader);
        const bool turns = has_turns(snapshot->strategy);
        agent->as_seen.turn = turns ? get_u64(reader) : (uint64_t) agent->index + 1;
        agent->as_seen.weight = turns ? get_u32(reader) : 1;
    }
}

static void get_exclusions(struct snapshot *snapshot, struct reader *reader)
{
    snapshot->n_excluded = (uint32_t) get_uint(reader, ASK_EXCLUDED_MAX);
    snapshot->excluded = room_for(snapshot->n_excluded, sizeof *snapshot->excluded);
    for (uint32_t i = 0; i < snapshot->n_excluded; i++) {
        struct snapshot_exclusion *one = &snapshot->excluded[i];
        one->lead = get_u32(reader);
        one->agent = get_u32(reader);
        one->reason = get_u16(reader);
        reader->bad = reader->bad || one->lead >= snapshot->n_leads || one->agent >= snapshot->n_agents;
    }
}

struct snapshot *snapshot_new(const struct row_ref *row)
{
    struct reader reader = {row->payload.at, row->payload.at + row->payload.len, false};
    struct snapshot *snapshot = room_for(1, sizeof *snapshot);
    if (row->type != ROW_SNAPSHOT || row->key.len != sizeof snapshot->request || get_u8(&reader) != RECORD_VERSION)
        reader.bad = true;
    else
        memcpy(&snapshot->request, row->key.at, sizeof snapshot->request);
    const struct slice programme = get_text(&reader);
    if (programme.len > 0)
        memcpy(snapshot->programme, programme.at, programme.len);
    snapshot->policy_version = get_u32(&reader);
    snapshot->strategy = get_u8(&reader);
    snapshot->rotation = get_u64(&reader);
    snapshot->built_us = get_int(&reader);
    get_leads(snapshot, &reader);
    get_agents(snapshot, &reader);
    get_exclusions(snapshot, &reader);
    for (uint32_t i = 0; i < snapshot->n_leads; i++)
        reader.bad = reader.bad || snapshot->leads[i].only_agent > snapshot->n_agents;
    if (reader.bad || reader.at != reader.end || snapshot->strategy == 0 || snapshot->strategy >= STRATEGIES)
        snapshot_destroy(&snapshot);
    return snapshot;
}

void snapshot_destroy(struct snapshot **snapshot_p)
{
    struct snapshot *snapshot = *snapshot_p;
    if (!snapshot)
        return;
    free(snapshot->leads);
    free(snapshot->agents);
    free(snapshot->excluded);
    free(snapshot);
    *snapshot_p = NULL;
}
