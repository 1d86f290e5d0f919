/* SPDX-License-Identifier: Apache-2.0
 * record.c - rows out and in: what changed in a beat becomes after-images, and
 * after-images become state again. docs/LOG.md describes each payload. A payload
 * begins with its version; a reader refuses one it does not know. Programmes and
 * teams are written by name, since indexes belong to one version of a policy. */
#include "core/record_bytes.h"

#include <stdlib.h>

#include "core/limits.h"

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
    *ret = (struct row_ref){.type = row[0],
                            .key = slice_of(row + ROW_HEAD, row[5]),
                            .payload = slice_of(row + ROW_HEAD + row[5], length - 1 - row[5]),
                            .whole = slice_of(row, length + 5)};
    *at += length + 5;
    return 1;
}

/* ---- agents, programmes, imports, the cell --------------------------------------------------- */

enum { AGENT_FIELDS_MAX = (29 + SKILLS_MAX) * NUMBER_BYTES_MAX + 2 * NAME_BYTES_MAX + 2 * 16 };

static void record_agent(const struct core *core, const struct agent *agent, struct buf *body)
{
    struct writer row = row_begin(body, ROW_AGENT, agent->name, strlen(agent->name), AGENT_FIELDS_MAX);
    put_uint(&row, agent->index);
    put_text(&row, core->policy.teams[agent->team].name);
    put_uint(&row, agent->intent);
    put_uint(&row, agent->away_code);
    put_uint(&row, agent->capacity);
    put_uint(&row, agent->n_skills);
    for (uint32_t i = 0; i < agent->n_skills; i++)
        put_uint(&row, agent->skills[i]);
    put_uint(&row, ((agent->present ? 1 : 0) | (agent->paused ? 2 : 0) | (agent->ready ? 4 : 0) |
                    (agent->kept_open ? 8 : 0) | (agent->skips ? 16 : 0) | (agent->quality ? 32 : 0)));
    put_uint(&row, agent->misses);
    put_int(&row, agent->penalty_until_ms);
    put_int(&row, agent->penalty_ms);
    put_int(&row, agent->idle_since_us);
    put_uint(&row, agent->won);
    put_uint(&row, agent->closed);
    put_int(&row, agent->absent_from_ms);
    put_int(&row, agent->absent_until_ms);
    put_int(&row, agent->gone_ms);
    put_int(&row, agent->ready_until_ms);
    put_uint(&row, agent->ready_wait_ms);
    put_id(&row, agent->ready_last.op);
    put_id(&row, agent->ready_last.lead);
    put_uint(&row, agent->ready_last.reason);
    put_uint(&row, agent->ready_last.wait_ms);
    put_int(&row, agent->served_us);
    put_uint(&row, agent->turn);
    if (agent->kept_open)
        put_uint(&row, agent->kept_open);
    if (agent->paused) {
        put_uint(&row, agent->paused);
        put_text(&row, agent->pause_note);
    }
    if (agent->skips) {
        put_uint(&row, agent->skips);
        put_int(&row, agent->skips_since_ms);
    }
    if (agent->quality)
        put_uint(&row, agent->quality);
    row_end(&row);
}

static void get_pulling(struct reader *reader, uint8_t flags, struct agent *agent)
{
    agent->skips = flags & 16 ? get_u32(reader) : 0;
    agent->skips_since_ms = flags & 16 ? get_int(reader) : 0;
    agent->quality = flags & 32 ? get_u32(reader) : 0;
}

static bool apply_agent(struct core *core, struct slice name, struct reader *reader)
{
    const uint32_t index = get_u32(reader);
    const uint32_t named = team_find(core, get_text(reader));
    const uint32_t team =
        named == NONE ? policy_first_team(core) : named; /* gone from the policy: its agents must name another */
    if (reader->bad || index >= AGENTS_EVER || name.len > NAME_BYTES_MAX)
        return false;
    struct agent *agent = agent_find(core, name);
    if (agent && agent->index != index) { /* the view's may be of the name's next life, or of the one before */
        agent_drop(core, agent);
        agent = NULL;
    }
    if (!agent && !(agent = agent_new(core, name, index))) /* rows may come in any order */
        return false;
    agent_set_team(core, agent, team);
    agent->intent = get_u8(reader);
    if (strcmp(intent_name(agent->intent), "?") == 0)
        return false;
    if (named == NONE)
        agent->intent = INTENT_OFFLINE;
    agent->away_code = get_u32(reader);
    agent->capacity = get_u32(reader);
    agent->n_skills = get_u8(reader);
    if (agent->n_skills > SKILLS_MAX)
        return false;
    for (uint32_t i = 0; i < agent->n_skills; i++)
        agent->skills[i] = get_u32(reader);
    const uint8_t flags = get_u8(reader);
    agent->present = flags & 1;
    agent->ready = flags & 4;
    agent->misses = get_u32(reader);
    agent->penalty_until_ms = get_int(reader);
    agent->penalty_ms = get_int(reader);
    agent->idle_since_us = get_int(reader);
    agent->won = get_u32(reader);
    agent->closed = get_u32(reader);
    agent->absent_from_ms = get_int(reader);
    agent->absent_until_ms = get_int(reader);
    agent->gone_ms = get_int(reader);
    agent->ready_until_ms = get_int(reader);
    agent->ready_wait_ms = get_u32(reader);
    agent->ready_last.op = get_id(reader);
    agent->ready_last.lead = get_id(reader);
    agent->ready_last.reason = get_u16(reader);
    agent->ready_last.wait_ms = get_u32(reader);
    agent->served_us = get_int(reader);
    agent->turn = get_u64(reader);
    agent->kept_open = flags & 8 ? get_u32(reader) : 0;
    agent->paused = flags & 2 ? get_u16(reader) : REASON_OK;
    const struct slice note = flags & 2 ? get_text(reader) : slice_of("", 0);
    if (reader->bad || (note.len && memchr(note.at, 0, note.len)))
        return false;
    memcpy(agent->pause_note, note.at, note.len);
    agent->pause_note[note.len] = 0;
    get_pulling(reader, flags, agent);
    return !reader->bad && reader->at == reader->end;
}

static void record_programme(const struct core *core, uint32_t index, struct buf *body)
{
    const struct programme_state *state = &core->programmes[index];
    const char *name = programme_of(core, index)->name;
    struct writer row = row_begin(body, ROW_PROGRAMME, name, strlen(name), 16 * NUMBER_BYTES_MAX);
    put_uint(&row, state->rotation);
    const uint64_t counts[] = {state->received,       state->offers,          state->accepts,
                               state->declines,       state->lapses,          state->redistributions,
                               state->alerts,         state->decided_scored,  state->decided_plain,
                               state->decided_greedy, state->greedy_gap_cents};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        put_uint(&row, counts[i]);
    put_uint(&row, state->distributions_most);
    put_uint(&row, state->moved_in);
    put_uint(&row, state->never_contacted);
    row_end(&row);
}

/* Of one that is gone from the policy nothing is kept but what its leads are counted in. */
static bool apply_programme(struct core *core, struct slice name, struct reader *reader)
{
    uint32_t index = programme_by_name(core, name);
    struct programme_state former = {0}, *state = index == NONE ? &former : &core->programmes[index];
    state->rotation = get_u64(reader);
    uint64_t *counts[] = {&state->received,       &state->offers,          &state->accepts,
                          &state->declines,       &state->lapses,          &state->redistributions,
                          &state->alerts,         &state->decided_scored,  &state->decided_plain,
                          &state->decided_greedy, &state->greedy_gap_cents};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        *counts[i] = get_u64(reader);
    state->distributions_most = get_u32(reader);
    if (index != NONE && state->distributions_most < programme_of(core, index)->distributions_max)
        state->distributions_most = programme_of(core, index)->distributions_max; /* a row from before the policy */
    state->moved_in = get_u64(reader);
    state->never_contacted = get_u64(reader);
    if (index == NONE && former.received + former.moved_in > 0 && (index = policy_retire(core, name)) != NONE)
        core->programmes[index] = former;
    return !reader->bad && reader->at == reader->end;
}

static void record_import(const struct core *core, const struct import *import, struct buf *body)
{
    const size_t standing = (import->chunks + 7) / 8;
    struct writer row =
        row_begin_id(body, ROW_IMPORT, import->id, 6 * NUMBER_BYTES_MAX + 1 + NAME_BYTES_MAX + standing);
    put_text(&row, core->sources[import->source]);
    put_uint(&row, import->rows);
    put_uint(&row, import->chunks);
    put_uint(&row, import->accepted);
    put_uint(&row, import->duplicate);
    put_uint(&row, import->rejected);
    put_int(&row, import->changed_us);
    put_bytes(&row, import->standing, standing);
    row_end(&row);
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
    import->changed_us = get_int(reader);
    const struct slice standing = get_slice(reader, (chunks + 7) / 8);
    if (reader->bad || reader->at != reader->end || chunks != import->chunks)
        return false;
    memcpy(import->standing, standing.at, standing.len);
    return true;
}

static void record_cell(const struct core *core, struct buf *body)
{
    struct writer row = row_begin(body, ROW_CELL, "cell", 4, 4 * NUMBER_BYTES_MAX);
    put_int(&row, core->paused_ms);
    put_uint(&row, core->rejected);
    put_int(&row, core->now_us);
    put_uint(&row, core->n_agents);
    row_end(&row);
}

static bool apply_cell(struct core *core, struct reader *reader)
{
    core->paused_ms = get_int(reader);
    core->rejected = get_u64(reader);
    const int64_t at_us = get_int(reader);
    if (at_us > core->last_us)
        core->last_us = at_us;
    agent_indexes(core, (uint32_t) get_uint(reader, AGENTS_EVER));
    return !reader->bad && reader->at == reader->end;
}

static void record_policy(const struct policy_kept *kept, struct buf *body)
{
    struct buf version = {0};
    buf_printf(&version, "%u", kept->version);
    struct writer row =
        row_begin(body, ROW_POLICY, version.at, version.len, 2 * NUMBER_BYTES_MAX + (size_t) kept->text_len);
    buf_fini(&version);
    put_int(&row, kept->at_us);
    put_uint(&row, kept->text_len);
    put_bytes(&row, kept->text, kept->text_len);
    row_end(&row);
}

bool policy_glance(const struct row_ref *row, struct policy_glance *ret)
{
    struct reader reader = {row->payload.at, row->payload.at + row->payload.len, false};
    if (row->type != ROW_POLICY || get_u8(&reader) != RECORD_VERSION || row->key.len == 0 || row->key.len > 9)
        return false;
    *ret = (struct policy_glance){0};
    for (uint32_t i = 0; i < row->key.len; i++) {
        if (row->key.at[i] < '0' || row->key.at[i] > '9')
            return false;
        ret->version = ret->version * 10 + (row->key.at[i] - '0');
    }
    ret->at_us = get_int(&reader);
    ret->text = get_slice(&reader, get_u32(&reader));
    return !reader.bad && reader.at == reader.end && ret->version > 0;
}

static bool apply_policy(struct core *core, const struct row_ref *row)
{
    struct policy_glance glance;
    if (!policy_glance(row, &glance) || glance.version > core->policy.version)
        return false; /* or its maker forgot core_load_policy() */
    policy_keep(core, glance.version, glance.at_us, glance.text, false);
    return true;
}

/* ---- sealing a beat, loading, dumping ------------------------------------------------------------ */

uint32_t core_seal(struct core *core, struct buf *body)
{
    uint32_t rows = core->n_policies_dirty;
    for (; core->n_policies_dirty; core->n_policies_dirty--) /* what follows may name what only this one has */
        record_policy(&core->policies[core->n_policies - core->n_policies_dirty], body);
    buf_add(body, core->gone.at, core->gone.len); /* a row of the same key may follow: somebody came back */
    rows += core->n_gone;
    core->gone.len = core->n_gone = 0;
    for (struct lead *lead = core->dirty_leads; lead; lead = lead->dirty_next)
        if (lead->fresh)
            record_input(core, lead, body); /* side by side: the view keeps them so */
    for (struct lead *lead = core->dirty_leads; lead; lead = lead->dirty_next, rows++) {
        record_lead(core, lead, body);
        lead->dirty = lead->fresh = lead->moved = false;
        lead->steps = 0;
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
    core->steps.len = 0;
    rows += limits_seal(core, body);
    rows += suppress_seal(core, body);
    rows += units_seal(core, body);
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
    core->loading = true;
    if (row->type == ROW_SNAPSHOT)
        return true;
    if (row_is_gone(row))
        return record_apply_gone(core, row);
    if (get_u8(&reader) != RECORD_VERSION)
        return false;
    if ((row->type == ROW_INPUT || row->type == ROW_LEAD || row->type == ROW_IMPORT) && row->key.len != 16)
        return false;
    switch (row->type) {
    case ROW_INPUT:
    case ROW_LEAD: {
        const struct id id = id_from_bytes(row->key.at);
        struct lead *lead = leads_find(core, id);
        if (!lead)
            lead = leads_add(core, id);
        lead->fresh = false;
        const bool good =
            row->type == ROW_INPUT ? record_apply_input(core, lead, &reader) : record_apply_lead(core, lead, &reader);
        lead->moved = false;
        core->steps.len = 0;
        return good;
    }
    case ROW_AGENT:
        return apply_agent(core, row->key, &reader);
    case ROW_PROGRAMME:
        return apply_programme(core, row->key, &reader);
    case ROW_IMPORT:
        return apply_import(core, id_from_bytes(row->key.at), &reader);
    case ROW_CELL:
        return apply_cell(core, &reader);
    case ROW_POLICY:
        return apply_policy(core, row);
    case ROW_METER:
        return limits_apply(core, row->key, &reader);
    case ROW_SUPPRESSED:
        return suppress_apply(core, row->key, &reader);
    case ROW_TURN:
        return units_apply(core, row->key, &reader);
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
    struct lead **list = malloc(((size_t) core->leads.n + 1) * sizeof(struct lead *));
    assert(list);
    for (uint32_t i = 0; i < core->leads.n; i++)
        list[i] = lead_at(&core->leads, i);
    qsort(list, core->leads.n, sizeof(struct lead *), by_id);
    return list;
}

/* Rows came in any order. */
static void sort_known(struct core *core)
{
    core->n_known = 0;
    for (uint32_t i = 0; i < core->n_agents; i++)
        if (core->agents[i])
            core->known[core->n_known++] = core->agents[i];
}

static bool is_known(const struct core *core, uint32_t agent)
{
    return agent < core->n_agents && core->agents[agent];
}

/* All whom it names but past owners, who may be forgotten by now. */
static bool fits(struct core *core, const struct lead *lead)
{
    const uint32_t assign_to = followup_look(lead)->assign_to;
    bool fits = lead->raw && lead->state != LEAD_RECEIVED && (lead->owner == NONE || is_known(core, lead->owner)) &&
                (lead->state == LEAD_REVOKING ? is_known(core, lead->former) : lead->former == NONE) &&
                (lead->owner != NONE) ==
                    (lead->state >= LEAD_OFFERED && lead->state <= LEAD_PIPELINE && lead->state != LEAD_REVOKING);
    for (uint32_t e = 0; e < lead->n_excludes && fits; e++)
        if ((fits = lead->excludes[e].agent < AGENTS_EVER))
            agent_indexes(core, lead->excludes[e].agent + 1);
    return fits && (assign_to == NONE || (lead->state == LEAD_REVOKING && is_known(core, assign_to)));
}

/* Returns false when records do not fit together: an owner that is nobody, a lead without its input. */
bool core_loaded(struct core *core)
{
    bool whole = true;
    sort_known(core);
    imports_loaded(core);
    core->now_us = core->last_us;
    core->loading = false;
    for (uint32_t i = 0; i < core->n_known; i++) {
        struct agent *agent = core->known[i];
        core->team_present[agent->team] += agent->present;
        agent->heard_ms = run_ms(core);
        agent->valid_until_ms = run_ms(core) + core->policy.lease_ms + core->policy.guard_ms;
        agent->dirty = false;
    }
    core->dirty_agents = NULL;
    core->dirty_cell = false;
    struct lead **leads = sorted_leads(core); /* a fixed order, so that a load is repeatable */
    for (uint32_t i = 0; i < core->leads.n && whole; i++) {
        struct lead *lead = leads[i];
        whole = fits(core, lead);
        if (whole) {
            record_place_lead(core, lead);
            lead_attach(core, lead);
        }
    }
    free(leads);
    policy_loaded(core);
    balance_arrange(core);
    contacts_loaded(core);
    for (uint32_t i = 0; i < core->n_known && whole; i++)
        agent_update(core, core->known[i]);
    return whole;
}

void core_dump(const struct core *core, struct buf *body)
{
    struct lead **leads = sorted_leads(core);
    for (uint32_t i = 0; i < core->n_policies; i++)
        record_policy(&core->policies[i], body);
    for (uint32_t i = 0; i < core->leads.n; i++) {
        record_input(core, leads[i], body);
        record_lead(core, leads[i], body);
    }
    free(leads);
    for (uint32_t i = 0; i < core->n_agents; i++)
        if (core->agents[i])
            record_agent(core, core->agents[i], body);
    uint32_t order[POLICY_PROGRAMMES_MAX]; /* by name: places depend on what was before */
    uint32_t n = 0;
    for (uint32_t i = 0; i < core->policy.n_programmes; i++) {
        uint32_t at = n;
        if (!programme_of(core, i)->name[0])
            continue;
        for (n++; at > 0 && strcmp(programme_of(core, order[at - 1])->name, programme_of(core, i)->name) > 0; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (uint32_t i = 0; i < n; i++)
        record_programme(core, order[i], body);
    limits_dump(core, body);
    suppress_dump(core, body);
    units_dump(core, body);
}
