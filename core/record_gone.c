/* SPDX-License-Identifier: Apache-2.0
 * record_gone.c - rows that say of a thing that it is no more: of agents, who are
 * forgotten, of what their limits have counted, and of imports. The next row of the same key,
 * in the same beat at the earliest, begins another life. */
#include "core/limits.h"
#include "core/record_bytes.h"

static struct writer begin(struct buf *body, enum row_type type, const void *key, size_t key_len, size_t payload_max)
{
    struct writer writer = row_begin(body, type, key, key_len, payload_max);
    writer.at[-1] = ROW_GONE;
    return writer;
}

/* Who reads the log from here on, or backwards, learns whose the index was. */
void record_agent_gone(struct core *core, const struct agent *agent)
{
    struct writer row =
        begin(&core->gone, ROW_AGENT, agent->name, strlen(agent->name), NUMBER_BYTES_MAX + 1 + NAME_BYTES_MAX);
    put_uint(&row, agent->index);
    put_text(&row, core->policy.teams[agent->team].name);
    row_end(&row);
    core->n_gone++;
}

void record_meter_gone(struct core *core, const char *key)
{
    struct writer row = begin(&core->gone, ROW_METER, key, strlen(key), 0);
    row_end(&row);
    core->n_gone++;
}

void record_import_gone(struct core *core, struct id id)
{
    uint8_t key[16];
    id_to_bytes(id, key);
    struct writer row = begin(&core->gone, ROW_IMPORT, key, sizeof key, 0);
    row_end(&row);
    core->n_gone++;
}

/* A row that is read again may be older than the name's next life. */
static bool apply_agent(struct core *core, struct slice name, struct reader *reader)
{
    struct agent *agent = agent_find(core, name);
    const uint32_t index = get_u32(reader);
    get_text(reader); /* the team */
    if (reader->bad || reader->at != reader->end || index >= AGENTS_EVER)
        return false;
    agent_indexes(core, index + 1);
    if (agent && agent->index == index)
        agent_drop(core, agent);
    return true;
}

bool record_apply_gone(struct core *core, const struct row_ref *row)
{
    struct reader reader = {row->payload.at + 1, row->payload.at + row->payload.len, false};
    if (row->type == ROW_AGENT)
        return apply_agent(core, row->key, &reader);
    if (row->type == ROW_METER && reader.at == reader.end) {
        limits_drop(core, row->key);
        return true;
    }
    if (row->type != ROW_IMPORT || row->key.len != 16 || reader.at != reader.end)
        return false;
    const struct id id = id_from_bytes(row->key.at);
    struct import *import;
    HASH_FIND(hh, core->imports, &id, sizeof id, import);
    if (import)
        import_drop(core, import);
    return true;
}
