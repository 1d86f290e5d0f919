/* SPDX-License-Identifier: Apache-2.0
 * record_lead.c - the two rows of a lead: what came in, and the mutable part. */
#include "core/record_bytes.h"

#include <stdlib.h>

enum { INPUT_FIELDS_MAX = 20 * NUMBER_BYTES_MAX + NAME_BYTES_MAX, FEATURE_MAX = 4 + NUMBER_BYTES_MAX };

void record_input(const struct core *core, const struct lead *lead, struct buf *body)
{
    const size_t room = INPUT_FIELDS_MAX + (size_t) lead->n_features * FEATURE_MAX + lead->raw_len;
    struct writer row = row_begin_id(body, ROW_INPUT, lead->id, room);
    put_id(&row, lead->op);
    put_uint(&row, lead->op_row);
    put_uint(&row, lead->seq);
    put_int(&row, lead->received_us);
    put_int(&row, lead->priority);
    put_uint(&row, lead->value_cents);
    put_uint(&row, lead->cost_cents);
    put_text(&row, core->sources[lead->source]);
    put_uint(&row, lead->n_features);
    for (uint32_t i = 0; i < lead->n_features; i++) {
        put_bytes(&row, &lead->features[i].key, 4); /* a hash: never small */
        put_int(&row, lead->features[i].value);
    }
    put_uint(&row, lead->raw_len);
    put_bytes(&row, lead->raw, lead->raw_len);
    if (lead->given_len < lead->raw_len)
        put_uint(&row, lead->raw_len - lead->given_len);
    row_end(&row);
}

enum {
    FLAG_DUE = 1,
    FLAG_NOTED = 2,
    FLAG_LATE = 4,
    FLAG_CONTACTED = 8,
    FLAG_ALERTED = 16,
    FLAG_APPOINTMENT = 32,
    FLAG_DECIDED = 64,
    FLAG_ROUTED = 128,
    FLAG_FOLLOWED = 256
};

static bool is_routed(const struct lead *lead)
{
    return lead->route_version || lead->home != NONE || lead->ring == RING_AGENT;
}

/* The first part is what lead_glance() reads: keep the two together. */
static void put_glance(const struct core *core, const struct lead *lead, struct writer *row)
{
    const bool decided = lead->past && lead->past->decision.winner != NONE;
    put_uint(row, lead->state);
    put_uint(row, (lead->due ? FLAG_DUE : 0) | (lead->noted ? FLAG_NOTED : 0) | (lead->late ? FLAG_LATE : 0) |
                      (lead->contacted ? FLAG_CONTACTED : 0) | (lead->alerted ? FLAG_ALERTED : 0) |
                      (lead->timer.appointment ? FLAG_APPOINTMENT : 0) | (decided ? FLAG_DECIDED : 0) |
                      (is_routed(lead) ? FLAG_ROUTED : 0) | (lead->past && lead->past->follow ? FLAG_FOLLOWED : 0));
    put_int(row, lead->timer.appointment ? lead->timer.at_ms : lead->timer.at_ms + core->paused_ms);
    put_uint(row, lead->ring);
    put_text(row, programme_of(core, lead->programme)->name);
    put_text(row, pool_member(core, lead->ring, lead->team));
    if (lead->state == LEAD_POOLED)
        put_f64(row, lead_rank(core, lead));
}

struct front { /* of a lead's row */
    uint8_t state, ring;
    uint16_t flags;
    int64_t due_ms;
    struct slice programme, team;
    double rank;
};

static struct front get_front(struct reader *reader)
{
    struct front front = {.state = get_u8(reader)};
    front.flags = get_u16(reader);
    front.due_ms = get_int(reader);
    front.ring = get_u8(reader);
    front.programme = get_text(reader);
    front.team = get_text(reader);
    if (front.state == LEAD_POOLED)
        front.rank = get_f64(reader);
    reader->bad = reader->bad || front.ring > RING_AGENT ||
                  (front.ring == RING_TEAM || front.ring == RING_AGENT) != (front.team.len > 0);
    return front;
}

bool lead_glance(struct slice payload, struct lead_glance *ret)
{
    struct reader reader = {payload.at, payload.at + payload.len, false};
    if (get_u8(&reader) != RECORD_VERSION)
        return false;
    const struct front front = get_front(&reader);
    if (reader.bad)
        return false;
    ret->state = front.state;
    ret->terminal = front.state >= LEAD_CLOSED_WON;
    ret->waiting = front.state == LEAD_POOLED;
    ret->rank = front.rank;
    ret->due_ms = front.due_ms;
    pool_name_of(front.programme, front.ring, front.team, ret->pool_name);
    return true;
}

/* The unit it waits for, by name; the agent by number, since its own row may come later; and the rule. */
static void put_routing(const struct core *core, const struct lead *lead, struct writer *row)
{
    put_text(row, lead->home == NONE ? "" : core->policy.teams[lead->home].name);
    put_index(row, lead->ring == RING_AGENT ? lead->team : NONE);
    put_uint(row, lead->route_version);
    if (!lead->route_version)
        return;
    put_uint(row, lead->route_line);
    put_uint(row, lead->route_number * 2u + lead->rerouted);
}

struct routing { /* of a lead's row */
    struct slice home;
    uint32_t agent;
};

static struct routing get_routing(struct lead *lead, struct reader *reader)
{
    struct routing routing = {.home = get_text(reader)};
    routing.agent = get_index(reader);
    lead->route_version = get_u32(reader);
    lead->route_line = lead->route_version ? get_u32(reader) : 0;
    const uint32_t number = lead->route_version ? get_u32(reader) : 0;
    lead->route_number = (uint16_t) (number / 2);
    lead->rerouted = number & 1;
    return routing;
}

/* Times are told as what they differ from the last move's. */
static void put_decision(const struct decision *decision, int64_t state_us, struct writer *row)
{
    put_uint(row, decision->request);
    put_int(row, state_us - decision->at_us);
    put_index(row, decision->winner);
    put_index(row, decision->runner_up);
    put_uint(row, decision->policy_version);
    put_uint(row, decision->candidates);
    put_int(row, decision->score);
    put_int(row, decision->margin);
    put_uint(row, decision->by);
    put_uint(row, decision->strategy);
    put_uint(row, decision->counted);
}

static struct decision get_decision(struct reader *reader, int64_t state_us)
{
    struct decision decision = {.request = get_u64(reader)};
    decision.at_us = state_us - get_int(reader);
    decision.winner = get_index(reader);
    decision.runner_up = get_index(reader);
    decision.policy_version = get_u32(reader);
    decision.candidates = get_u32(reader);
    decision.score = get_i32(reader);
    decision.margin = get_i32(reader);
    decision.by = get_u16(reader);
    decision.strategy = get_u8(reader);
    decision.counted = get_u8(reader);
    return decision;
}

enum {
    LEAD_FIELDS_MAX = 38 * NUMBER_BYTES_MAX + 3 * NAME_BYTES_MAX + 8 + 16 * (RECEIPTS_KEPT + 1),
    EXCLUDE_MAX = 3 * NUMBER_BYTES_MAX,
    STEP_MAX = 3 * NUMBER_BYTES_MAX
};

static const struct step *step_of(const struct core *core, uint32_t number)
{
    return (const struct step *) (const void *) core->steps.at + (number - 1);
}

static uint32_t count_steps(const struct core *core, const struct lead *lead)
{
    uint32_t n = 0;
    for (uint32_t at = lead->steps; at; at = step_of(core, at)->before)
        n++;
    return n;
}

static void put_steps(const struct core *core, const struct lead *lead, uint32_t n, struct writer *row)
{
    put_uint(row, 2 * (uint64_t) n + lead->moved);
    for (uint32_t at = lead->steps; at; at = step_of(core, at)->before) {
        put_uint(row, step_of(core, at)->state);
        put_uint(row, step_of(core, at)->reason);
        put_index(row, step_of(core, at)->agent);
    }
}

void record_lead(const struct core *core, const struct lead *lead, struct buf *body)
{
    const uint32_t n_steps = count_steps(core, lead);
    const struct follow *follow = lead->past ? lead->past->follow : NULL;
    struct writer row = row_begin_id(body, ROW_LEAD, lead->id,
                                     LEAD_FIELDS_MAX + (size_t) lead->n_excludes * EXCLUDE_MAX +
                                         (size_t) n_steps * STEP_MAX + (follow ? RECORD_FOLLOW_MAX : 0));
    put_glance(core, lead, &row);
    put_index(&row, lead->owner);
    put_index(&row, lead->former);
    put_uint(&row, lead->fence);
    put_uint(&row, lead->attempts);
    put_uint(&row, lead->distributions);
    put_uint(&row, lead->reason);
    put_uint(&row, lead->disposition);
    put_int(&row, lead->state_us);
    put_int(&row, lead->state_us - lead->pooled_us);
    put_int(&row, lead->handed_us ? lead->state_us - lead->handed_us : -1); /* -1: never in a hand */
    put_int(&row, lead->timer.appointment ? 0 : core->paused_ms);
    if (lead->past && lead->past->decision.winner != NONE)
        put_decision(&lead->past->decision, lead->state_us, &row);
    if (is_routed(lead))
        put_routing(core, lead, &row);
    if (follow)
        record_put_follow(follow, lead->state_us, &row);
    put_uint(&row, lead->n_excludes);
    for (uint32_t i = 0; i < lead->n_excludes; i++) {
        put_uint(&row, lead->excludes[i].agent);
        put_uint(&row, lead->excludes[i].reason);
        put_int(&row, lead->excludes[i].until_ms);
    }
    const struct past *past = lead->past;
    put_uint(&row, past ? past->n_receipts : 0);
    for (uint32_t i = 0; past && i < past->n_receipts; i++) {
        const uint32_t from = past->n_receipts < RECEIPTS_KEPT ? 0 : past->receipt_next; /* oldest first */
        put_id(&row, past->receipts[(from + i) % RECEIPTS_KEPT]);
    }
    put_steps(core, lead, n_steps, &row);
    if (past && !id_is_none(past->kin)) {
        put_id(&row, past->kin);
        put_uint(&row, past->merged);
    }
    row_end(&row);
}

bool record_apply_input(struct core *core, struct lead *lead, struct reader *reader)
{
    lead->op = get_id(reader);
    lead->op_row = get_u16(reader);
    lead->seq = get_u64(reader);
    lead->received_us = get_int(reader);
    lead->priority = get_i32(reader);
    lead->value_cents = get_u64(reader);
    lead->cost_cents = get_u32(reader);
    const struct slice source = get_text(reader);
    if (reader->bad || source.len > NAME_BYTES_MAX)
        return false;
    lead->source = core_source(core, source);
    struct feature features[FEATURES_MAX];
    const uint32_t n_features = get_u8(reader);
    if (n_features > FEATURES_MAX)
        return false;
    for (uint32_t i = 0; i < n_features; i++) {
        memcpy(&features[i].key, take(reader, 4), 4);
        features[i].value = get_int(reader);
    }
    const struct slice raw = get_slice(reader, get_u32(reader));
    const uint32_t added = reader->at < reader->end ? get_u32(reader) : 0;
    if (reader->bad || raw.len > ROW_BYTES_MAX || added > raw.len)
        return false;
    leads_set_input(lead, features, n_features, slice_of(raw.at, raw.len - added),
                    slice_of(raw.at + raw.len - added, added));
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
        lead->excludes[i].until_ms = get_int(reader);
    }
    const uint8_t n_receipts = get_u8(reader);
    if (n_receipts > RECEIPTS_KEPT) {
        reader->bad = true;
        return;
    }
    if (n_receipts == 0 && !lead->past)
        return;
    struct past *past = leads_past(lead);
    for (past->n_receipts = 0; past->n_receipts < n_receipts; past->n_receipts++)
        past->receipts[past->n_receipts] = get_id(reader);
    past->receipt_next = (uint8_t) (n_receipts % RECEIPTS_KEPT);
}

static uint32_t default_programme(const struct core *core)
{
    uint32_t i = core->policy.default_programme ? core->policy.default_programme - 1 : 0;
    while (i + 1 < core->policy.n_programmes && (!programme_of(core, i)->name[0] || programme_of(core, i)->retired))
        i++;
    return i;
}

static bool is_state(uint8_t state)
{
    return strcmp(lead_state_name(state), "?") != 0;
}

/* No state: whoever reads a history wants them. They are left in core->steps, the newest first. */
static void get_steps(struct core *core, struct lead *lead, struct reader *reader)
{
    const uint64_t n = get_uint(reader, UINT32_MAX);
    core->steps.len = 0;
    lead->moved = n & 1;
    for (uint64_t i = 0; i < n / 2 && !reader->bad; i++) {
        struct step step = {.state = get_u8(reader)};
        step.reason = get_u16(reader);
        step.agent = get_index(reader);
        reader->bad = reader->bad || !is_state(step.state);
        buf_add(&core->steps, &step, sizeof step);
    }
}

bool record_apply_lead(struct core *core, struct lead *lead, struct reader *reader)
{
    const struct front front = get_front(reader);
    lead->state = front.state;
    lead->due = front.flags & FLAG_DUE;
    lead->noted = front.flags & FLAG_NOTED;
    lead->late = front.flags & FLAG_LATE;
    lead->contacted = front.flags & FLAG_CONTACTED;
    lead->alerted = front.flags & FLAG_ALERTED;
    lead->timer.appointment = front.flags & FLAG_APPOINTMENT;
    lead->ring = front.ring;
    uint32_t programme = programme_by_name(core, front.programme);
    lead->owner = get_index(reader);
    lead->former = get_index(reader);
    lead->fence = get_u64(reader);
    lead->attempts = get_u8(reader);
    lead->distributions = get_u8(reader);
    lead->reason = get_u16(reader);
    lead->disposition = get_u16(reader);
    lead->state_us = get_int(reader);
    lead->pooled_us = lead->state_us - get_int(reader);
    const int64_t since_handed_us = get_int(reader);
    lead->handed_us = since_handed_us < 0 ? 0 : lead->state_us - since_handed_us;
    lead->timer.at_ms = front.due_ms - get_int(reader);
    if (front.flags & FLAG_DECIDED)
        leads_past(lead)->decision = get_decision(reader, lead->state_us);
    struct routing routing = {.agent = NONE};
    lead->route_version = lead->route_line = 0;
    lead->route_number = 0;
    lead->rerouted = false;
    if (front.flags & FLAG_ROUTED)
        routing = get_routing(lead, reader);
    if (front.flags & FLAG_FOLLOWED)
        record_apply_follow(lead, reader);
    apply_lists(lead, reader);
    get_steps(core, lead, reader);
    if (reader->at < reader->end) {
        leads_past(lead)->kin = get_id(reader);
        lead->past->merged = get_u32(reader);
    }
    if (reader->bad || reader->at != reader->end || !is_state(lead->state))
        return false;
    if (programme == NONE)
        programme = policy_retire(core, front.programme);
    if (programme == NONE)
        programme = default_programme(core);
    lead->team = lead->ring == RING_TEAM    ? unit_find(core, programme, front.team)
                 : lead->ring == RING_AGENT ? routing.agent
                                            : NONE;
    lead->home = routing.home.len ? unit_find(core, programme, routing.home) : NONE;
    if (lead->team == NONE && (lead->ring == RING_TEAM || lead->ring == RING_AGENT))
        lead->ring = RING_OWN;
    lead->programme = (uint16_t) programme;
    return true;
}

/* Where the last policy loaded has no place for it, it goes to the default, and is not lost. */
void record_place_lead(struct core *core, struct lead *lead)
{
    if (programme_of(core, lead->programme)->retired && !lead_terminal(lead))
        lead->programme = (uint16_t) default_programme(core);
    const bool gone = (lead->ring == RING_TEAM && core->policy.teams[lead->team].programme != lead->programme) ||
                      (lead->ring == RING_AGENT && (lead->team >= core->n_agents || !core->agents[lead->team] ||
                                                    core->agents[lead->team]->programme != lead->programme));
    if (gone) {
        lead->ring = RING_OWN;
        lead->team = NONE;
    }
    if (lead->home != NONE && (gone || core->policy.teams[lead->home].programme != lead->programme))
        lead->home = NONE;
    if (lead->ring == RING_AGENT)
        place_of_agent(core->agents[lead->team]);
}
