/* SPDX-License-Identifier: Apache-2.0
 * wire_decode.c - protobuf-c's structs to struct msg, one function a kind.
 *
 * Runs after the scan and before the checks, and judges only what struct msg
 * cannot express: ids that are not 16 bytes, columns of unequal length. An
 * absent scalar is 0, as protobuf-c leaves it; an absent text has at == NULL.
 * Everything made here lies in the frame's arena. */
#include "proto/wire_internal.h"

#include <stddef.h>

#include "takt.pb-c.h"

/* Stops at the first thing that cannot be read. */
#define NEED(holds, why)                                                                                               \
    do {                                                                                                               \
        if (!(holds))                                                                                                  \
            return (why);                                                                                              \
    } while (0)
#define BYTES_OF(m, field) bytes_of((m)->has_##field, (m)->field)
#define ID_OF(m, field, ret_id) id_of((m)->has_##field, (m)->field, ret_id)

static const char no_room[] = "frame: unpacks to more than it may";

static struct slice bytes_of(protobuf_c_boolean has, ProtobufCBinaryData data)
{
    return has && data.len > 0 ? slice_of(data.data, data.len) : (struct slice){0};
}

static bool id_of(protobuf_c_boolean has, ProtobufCBinaryData data, struct id *ret_id)
{
    *ret_id = (struct id){0, 0};
    if (has && data.len == 16)
        *ret_id = id_from_bytes(data.data);
    return !has || data.len == 16;
}

static struct slice *slices_of(struct wire *wire, const ProtobufCBinaryData *data, size_t n)
{
    struct slice *to = wire_arena_take(&wire->frame, n, sizeof *to);
    for (size_t i = 0; to != NULL && i < n; i++)
        to[i] = bytes_of(true, data[i]);
    return to;
}

static const char *decode_hello(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__Hello *from = frame->hello;
    struct msg_hello *to = &msg->hello;
    (void) wire;
    *to = (struct msg_hello){
        .protocol = from->protocol,
        .role = from->has_role ? (enum role) from->role : 0,
        .name = BYTES_OF(from, name),
        .team = BYTES_OF(from, team),
        .intent = from->intent,
        .capacity = from->capacity,
        .seen_epoch = from->seen_epoch,
        .seen_beat = from->seen_beat,
        .replaces = from->replaces,
        .place = BYTES_OF(from, place),
        .n_skills = (uint32_t) from->n_skills, /* the scan let no more than SKILLS_MAX pass */
    };
    for (size_t i = 0; i < from->n_skills; i++)
        to->skills[i] = bytes_of(true, from->skills[i]);
    return NULL;
}

static const char *decode_welcome(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__Welcome *from = frame->welcome;
    (void) wire;
    msg->welcome = (struct msg_welcome){
        .session = from->session,
        .epoch = from->epoch,
        .beat = from->beat,
        .heartbeat_ms = from->heartbeat_ms,
        .lease_ms = from->lease_ms,
        .guard_ms = from->guard_ms,
        .level = from->level,
        .rows_max = from->rows_max,
        .cell = BYTES_OF(from, cell),
    };
    return NULL;
}

static const char *decode_nothing(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    (void) wire, (void) frame, (void) msg;
    return NULL;
}

static const char *decode_beat(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    (void) wire;
    msg->heartbeat.draining = frame->heartbeat->draining;
    return NULL;
}

static const char *decode_heard(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    (void) wire;
    msg->heard = (struct msg_heard){.seq = frame->heard->seq, .valid_ms = frame->heard->valid_ms};
    return NULL;
}

static const char *decode_error(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__Error *from = frame->error;
    (void) wire;
    msg->error = (struct msg_error){
        .reason = from->reason,
        .seq = from->seq,
        .text = BYTES_OF(from, text),
        .retry_after_ms = from->retry_after_ms,
    };
    return NULL;
}

static const char *decode_manifest(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__Manifest *from = frame->manifest;
    struct msg_manifest *to = &msg->manifest;
    (void) wire;
    *to = (struct msg_manifest){.source = BYTES_OF(from, source), .rows = from->rows, .chunks = from->chunks};
    NEED(ID_OF(from, import, &to->import), "manifest.import: not 16 bytes");
    return NULL;
}

static const char *decode_manifest_state(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__ManifestState *from = frame->manifest_state;
    struct msg_manifest_state *to = &msg->manifest_state;
    (void) wire;
    *to = (struct msg_manifest_state){
        .reason = from->reason,
        .standing = BYTES_OF(from, standing),
        .accepted = from->accepted,
        .duplicate = from->duplicate,
        .rejected = from->rejected,
    };
    NEED(ID_OF(from, import, &to->import), "manifest_state.import: not 16 bytes");
    return NULL;
}

static const char *decode_chunk(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__Chunk *from = frame->chunk;
    struct msg_chunk *to = &msg->chunk;
    struct row *rows = wire_arena_take(&wire->frame, from->n_leads, sizeof *rows);
    NEED(rows != NULL, no_room);
    *to = (struct msg_chunk){
        .number = from->number,
        .source = BYTES_OF(from, source),
        .rows = rows,
        .n_rows = (uint32_t) from->n_leads,
    };
    NEED(ID_OF(from, op, &to->op), "chunk.op: not 16 bytes");
    NEED(ID_OF(from, import, &to->import), "chunk.import: not 16 bytes");
    NEED(to->source.len <= NAME_BYTES_MAX, "chunk.source: not [A-Za-z0-9._@-]{1,64}");
    for (size_t i = 0; i < from->n_leads; i++)
        wire_row_decode(&wire->frame, bytes_of(true, from->leads[i]), to->source, &rows[i]);
    return NULL;
}

static const char *decode_receipt(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__Receipt *from = frame->receipt;
    struct msg_receipt *to = &msg->receipt;
    size_t n = from->n_outcomes;
    struct id *leads = wire_arena_take(&wire->frame, n, sizeof *leads);
    NEED(leads != NULL, no_room);
    *to = (struct msg_receipt){
        .reason = from->reason,
        .level = from->level,
        .retry_after_ms = from->retry_after_ms,
        .epoch = from->epoch,
        .beat = from->beat,
        .n_rows = (uint32_t) n,
        .leads = leads,
        .outcomes = from->outcomes,
        .warnings = from->warnings,
    };
    NEED(ID_OF(from, op, &to->op), "receipt.op: not 16 bytes");
    NEED(BYTES_OF(from, lead_ids).len == n * 16 && from->n_warnings == n,
         "receipt.lead_ids, outcomes, warnings: not equally many");
    for (size_t i = 0; i < n; i++)
        leads[i] = id_from_bytes(from->lead_ids.data + 16 * i);
    return NULL;
}

static const char *decode_says(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__AgentSays *from = frame->agent_says;
    struct msg_agent_says *to = &msg->says;
    struct act *acts = wire_arena_take(&wire->frame, from->n_acts, sizeof *acts);
    NEED(acts != NULL, no_room);
    *to = (struct msg_agent_says){
        .acts = acts,
        .n_acts = (uint32_t) from->n_acts,
        .has_ready = from->ready != NULL,
        .has_intent = from->has_intent,
        .intent = from->intent,
        .away_code = from->away_code,
    };
    for (size_t i = 0; i < from->n_acts; i++) {
        const Wire__Act *act = from->acts[i];
        acts[i] = (struct act){
            .fence = act->fence,
            .verb = act->verb,
            .code = act->code,
            .note = BYTES_OF(act, note),
            .at_ms = act->at_ms,
        };
        NEED(ID_OF(act, op, &acts[i].op), "act.op: not 16 bytes");
        NEED(ID_OF(act, lead, &acts[i].lead), "act.lead: not 16 bytes");
    }
    if (from->ready != NULL) {
        to->ready_wait_ms = from->ready->wait_ms;
        to->ready_list = from->ready->list;
        NEED(ID_OF(from->ready, take, &to->ready_take), "ready.take: not 16 bytes");
        NEED(ID_OF(from->ready, op, &to->ready_op), "ready.op: not 16 bytes");
    }
    return NULL;
}

static const char *decode_results(const Wire__AgentHears *from, struct act_result *to)
{
    for (size_t i = 0; i < from->n_results; i++) {
        const Wire__ActResult *result = from->results[i];
        to[i] = (struct act_result){.reason = result->reason, .state = result->state};
        NEED(ID_OF(result, op, &to[i].op), "act_result.op: not 16 bytes");
        NEED(ID_OF(result, lead, &to[i].lead), "act_result.lead: not 16 bytes");
    }
    return NULL;
}

static const char *decode_withdrawals(const Wire__AgentHears *from, struct withdrawal *to)
{
    for (size_t i = 0; i < from->n_withdrawals; i++) {
        const Wire__Withdrawal *withdrawal = from->withdrawals[i];
        to[i] = (struct withdrawal){.fence = withdrawal->fence, .reason = withdrawal->reason};
        NEED(ID_OF(withdrawal, lead, &to[i].lead), "withdrawal.lead: not 16 bytes");
    }
    return NULL;
}

static const char *decode_offers(Wire__Offer *const *from, size_t n, struct offer *to)
{
    for (size_t i = 0; i < n; i++) {
        const Wire__Offer *offer = from[i];
        to[i] = (struct offer){
            .fence = offer->fence,
            .state = offer->state,
            .valid_seq = offer->valid_seq,
            .valid_ms = offer->valid_ms,
            .answer_ms = offer->answer_ms,
            .attempts = offer->attempts,
            .score = offer->score,
            .see = offer->see,
            .row = BYTES_OF(offer, row),
        };
        NEED(ID_OF(offer, lead, &to[i].lead), "offer.lead: not 16 bytes");
    }
    return NULL;
}

static const char *decode_hears(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__AgentHears *from = frame->agent_hears;
    struct msg_agent_hears *to = &msg->hears;
    struct act_result *results = wire_arena_take(&wire->frame, from->n_results, sizeof *results);
    struct withdrawal *withdrawals = wire_arena_take(&wire->frame, from->n_withdrawals, sizeof *withdrawals);
    struct offer *offers = wire_arena_take(&wire->frame, from->n_offers, sizeof *offers);
    struct offer *candidates = wire_arena_take(&wire->frame, from->n_candidates, sizeof *candidates);
    NEED(results != NULL && withdrawals != NULL && offers != NULL && candidates != NULL, no_room);
    *to = (struct msg_agent_hears){
        .candidates = candidates,
        .n_candidates = (uint32_t) from->n_candidates,
        .results = results,
        .withdrawals = withdrawals,
        .offers = offers,
        .n_results = (uint32_t) from->n_results,
        .n_withdrawals = (uint32_t) from->n_withdrawals,
        .n_offers = (uint32_t) from->n_offers,
        .has_ready = from->ready != NULL,
    };
    if (from->ready != NULL) {
        to->ready.reason = from->ready->reason;
        to->ready.wait_ms = from->ready->wait_ms;
        NEED(ID_OF(from->ready, op, &to->ready.op), "ready_result.op: not 16 bytes");
        NEED(ID_OF(from->ready, lead, &to->ready.lead), "ready_result.lead: not 16 bytes");
    }
    const char *why = decode_results(from, results);
    if (why == NULL)
        why = decode_withdrawals(from, withdrawals);
    if (why == NULL)
        why = decode_offers(from->offers, from->n_offers, offers);
    return why == NULL ? decode_offers(from->candidates, from->n_candidates, candidates) : why;
}

static const char *decode_request_leads(struct wire *wire, const Wire__Request *from, struct msg_request *to)
{
    size_t n = from->n_age_ms;
    NEED(from->n_priority == n && from->n_value_cents == n && from->n_attempts == n && from->n_only_agent == n &&
             from->n_feature_count == n,
         "request: columns of leads not equally long");
    NEED(from->n_feature_keys == from->n_feature_values, "request: columns of features not equally long");
    struct request_lead *leads = wire_arena_take(&wire->frame, n, sizeof *leads);
    struct feature *features = wire_arena_take(&wire->frame, from->n_feature_keys, sizeof *features);
    NEED(leads != NULL && features != NULL, no_room);
    for (size_t i = 0; i < from->n_feature_keys; i++)
        features[i] = (struct feature){from->feature_keys[i], from->feature_values[i]};
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        NEED(from->feature_count[i] <= from->n_feature_keys - used, "request.feature_count: over the features sent");
        leads[i] = (struct request_lead){
            .age_ms = from->age_ms[i],
            .attempts = from->attempts[i],
            .priority = from->priority[i],
            .value_cents = from->value_cents[i],
            .only_agent = from->only_agent[i],
            .n_features = from->feature_count[i],
            .features = features + used,
        };
        used += from->feature_count[i];
    }
    NEED(used == from->n_feature_keys, "request.feature_count: under the features sent");
    to->leads = leads;
    to->n_leads = (uint32_t) n;
    return NULL;
}

static const char *decode_request_agents(struct wire *wire, const Wire__Request *from, struct msg_request *to)
{
    struct request_agent *agents = wire_arena_take(&wire->frame, from->n_agents, sizeof *agents);
    struct exclusion *excluded = wire_arena_take(&wire->frame, from->n_excluded, sizeof *excluded);
    NEED(agents != NULL && excluded != NULL, no_room);
    for (size_t i = 0; i < from->n_agents; i++) {
        const Wire__RequestAgent *agent = from->agents[i];
        agents[i] = (struct request_agent){
            .slots = agent->slots,
            .open = agent->open,
            .idle_ms = agent->idle_ms,
            .weight = agent->weight,
            .turn = agent->turn,
            .won = agent->won,
            .closed = agent->closed,
            .n_skills = (uint32_t) agent->n_skills,
            .skills = agent->skills,
        };
    }
    for (size_t i = 0; i < from->n_excluded; i++) {
        NEED(from->excluded[i] >> 12 <= UINT16_MAX, "request.excluded: no such lead or agent");
        excluded[i] = (struct exclusion){(uint16_t) (from->excluded[i] >> 12), (uint16_t) (from->excluded[i] & 0xfff)};
    }
    to->agents = agents;
    to->n_agents = (uint32_t) from->n_agents;
    to->excluded = excluded;
    to->n_excluded = (uint32_t) from->n_excluded;
    return NULL;
}

static const char *decode_request(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__Request *from = frame->request;
    struct msg_request *to = &msg->request;
    *to = (struct msg_request){
        .id = from->id,
        .seed = from->seed,
        .rotation = from->rotation,
        .policy_version = from->policy_version,
        .deadline_ms = from->deadline_ms,
        .programme = from->programme,
        .strategy = from->strategy,
        .policy = BYTES_OF(from, policy),
    };
    const char *why = decode_request_leads(wire, from, to);
    return why == NULL ? decode_request_agents(wire, from, to) : why;
}

static const char *decode_decision(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__Decision *from = frame->decision;
    size_t n = from->n_agent;
    struct verdict *verdicts = wire_arena_take(&wire->frame, n, sizeof *verdicts);
    NEED(verdicts != NULL, no_room);
    NEED(from->n_score == n && from->n_runner_up == n && from->n_margin == n, "decision: columns not equally long");
    for (size_t i = 0; i < n; i++)
        verdicts[i] = (struct verdict){from->agent[i], from->runner_up[i], from->score[i], from->margin[i]};
    msg->decision = (struct msg_decision){
        .id = from->id,
        .rotation = from->rotation,
        .reason = from->reason,
        .verdicts = verdicts,
        .n_verdicts = (uint32_t) n,
        .spent_us = from->spent_us,
        .policy_version = from->policy_version,
        .total = from->total,
        .bound = from->bound,
    };
    return NULL;
}

static const char *decode_query(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__Query *from = frame->query;
    (void) wire;
    msg->query = (struct msg_query){.what = from->what, .arg = BYTES_OF(from, arg), .limit = from->limit};
    return NULL;
}

static const char *decode_apply(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    (void) wire;
    msg->apply = (struct msg_apply){.text = BYTES_OF(frame->apply, text)};
    return NULL;
}

static const char *decode_order(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__Order *from = frame->order;
    (void) wire;
    msg->order = (struct msg_order){.what = from->what,
                                    .code = from->code,
                                    .agent = BYTES_OF(from, agent),
                                    .actor = BYTES_OF(from, actor),
                                    .why = BYTES_OF(from, why)};
    NEED(ID_OF(from, op, &msg->order.op), "order.op: not 16 bytes");
    NEED(ID_OF(from, lead, &msg->order.lead), "order.lead: not 16 bytes");
    return NULL;
}

static const char *decode_suppress(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    (void) wire;
    msg->suppress =
        (struct msg_suppress){.contacts = BYTES_OF(frame->suppress, contacts), .remove = frame->suppress->remove};
    return NULL;
}

static const char *decode_report(struct wire *wire, const Wire__Frame *frame, struct msg *msg)
{
    const Wire__Report *from = frame->report;
    struct slice types = BYTES_OF(from, types);
    struct slice *columns = slices_of(wire, from->columns, from->n_columns);
    struct slice *cells = slices_of(wire, from->cells, from->n_cells);
    NEED(columns != NULL && cells != NULL, no_room);
    NEED(types.len == from->n_columns, "report.types: not one a column");
    NEED(from->n_columns > 0 ? from->n_cells % from->n_columns == 0 : from->n_cells == 0,
         "report.cells: not whole rows");
    msg->report = (struct msg_report){
        .what = from->what,
        .reason = from->reason,
        .columns = columns,
        .types = (const char *) types.at,
        .cells = cells,
        .n_columns = (uint32_t) from->n_columns,
        .n_rows = from->n_columns > 0 ? (uint32_t) (from->n_cells / from->n_columns) : 0,
        .more = from->more,
    };
    return NULL;
}

typedef const char *decode_fn(struct wire *wire, const Wire__Frame *frame, struct msg *msg);

static decode_fn *const decoders[] = {
    [MSG_HELLO] = decode_hello,       [MSG_WELCOME] = decode_welcome,
    [MSG_HEARTBEAT] = decode_beat,    [MSG_HEARD] = decode_heard,
    [MSG_BYE] = decode_nothing,       [MSG_ERROR] = decode_error,
    [MSG_MANIFEST] = decode_manifest, [MSG_MANIFEST_STATE] = decode_manifest_state,
    [MSG_CHUNK] = decode_chunk,       [MSG_RECEIPT] = decode_receipt,
    [MSG_AGENT_SAYS] = decode_says,   [MSG_AGENT_HEARS] = decode_hears,
    [MSG_REQUEST] = decode_request,   [MSG_DECISION] = decode_decision,
    [MSG_QUERY] = decode_query,       [MSG_REPORT] = decode_report,
    [MSG_APPLY] = decode_apply,       [MSG_ORDER] = decode_order,
    [MSG_SUPPRESS] = decode_suppress,
};

const char *wire_decode_body(struct wire *wire, struct slice bytes, struct msg *ret_msg)
{
    const Wire__Frame *frame = wire__frame__unpack(&wire->frame.allocator, bytes.len, bytes.at);
    NEED(frame != NULL, no_room);
    NEED(frame->body_case != WIRE__FRAME__BODY__NOT_SET, "frame: no message in it");
    ret_msg->kind = (enum msg_kind) frame->body_case;
    return decoders[ret_msg->kind](wire, frame, ret_msg);
}
