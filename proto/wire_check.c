/* SPDX-License-Identifier: Apache-2.0
 * wire_check.c - is what a message says complete and in range?
 *
 * One function a kind, on struct msg and not on protobuf-c's structs, because
 * the encoder asserts the same rules: what takt sends, takt accepts. Whether a
 * team, a lead or a code exists is for the core to say. */
#include "proto/wire_internal.h"

#include <assert.h>

#include "common/utf8.h"

/* Stops at the first rule that does not hold. */
#define RULE(holds, why)                                                                                               \
    do {                                                                                                               \
        if (!(holds))                                                                                                  \
            return (why);                                                                                              \
    } while (0)

enum { LOWER = 1, UPPER = 2, DIGIT = 4, UNDERSCORE = 8, DASH = 16, DOT_AT = 32 };

static const uint8_t classes_of[256] = {
    ['a' ... 'z'] = LOWER, ['A' ... 'Z'] = UPPER, ['0' ... '9'] = DIGIT, ['_'] = UNDERSCORE,
    ['-'] = DASH,          ['.'] = DOT_AT,        ['@'] = DOT_AT,
};

static bool is_made_of(struct slice text, unsigned classes)
{
    for (uint32_t i = 0; i < text.len; i++)
        if ((classes_of[text.at[i]] & classes) == 0)
            return false;
    return true;
}

static bool is_known(const char *name)
{
    return name[0] != '?'; /* names.c has no name for it */
}

static bool name_is_valid(struct slice name)
{
    return name.len >= 1 && name.len <= NAME_BYTES_MAX &&
           is_made_of(name, LOWER | UPPER | DIGIT | UNDERSCORE | DASH | DOT_AT);
}

static bool text_is_valid(struct slice text)
{
    return utf8_is_text(text.at, text.len);
}

static const char *check_hello(const struct msg *msg)
{
    const struct msg_hello *m = &msg->hello;
    RULE(m->protocol == PROTOCOL_VERSION, "hello.protocol: not 1");
    RULE(m->role >= ROLE_SOURCE && m->role <= ROLE_OPERATOR, "hello.role: not 1..4");
    RULE(name_is_valid(m->name), "hello.name: not [A-Za-z0-9._@-]{1,64}");
    RULE(m->team.len == 0 || name_is_valid(m->team), "hello.team: not [A-Za-z0-9._@-]{1,64}");
    RULE(is_known(intent_name(m->intent)), "hello.intent: not in agent_intents.def");
    RULE(m->capacity <= CAPACITY_MAX, "hello.capacity: over 65536");
    RULE(m->n_skills <= SKILLS_MAX, "hello.skills: over 16");
    for (uint32_t i = 0; i < m->n_skills; i++)
        RULE(m->skills[i].len >= 1 && m->skills[i].len <= NAME_BYTES_MAX && text_is_valid(m->skills[i]),
             "hello.skills: not text of 1..64 bytes");
    RULE(m->place.len <= NAME_BYTES_MAX && text_is_valid(m->place), "hello.place: not text of at most 64 bytes");
    return NULL;
}

static const char *check_welcome(const struct msg *msg)
{
    const struct msg_welcome *m = &msg->welcome;
    RULE(m->session != 0, "welcome.session: missing");
    RULE(m->heartbeat_ms > 0 && m->lease_ms > 0, "welcome.heartbeat_ms, lease_ms: missing");
    RULE(m->cell.len >= 1 && m->cell.len <= CELL_NAME_MAX && is_made_of(m->cell, LOWER | DIGIT | DASH),
         "welcome.cell: not [a-z0-9-]{1,32}");
    RULE(m->level >= 1 && m->level <= LEVEL_MAX, "welcome.level: not 1..3");
    RULE(m->rows_max >= 1 && m->rows_max <= CHUNK_ROWS_MAX, "welcome.rows_max: not 1..256");
    return NULL;
}

static const char *check_nothing(const struct msg *msg)
{
    (void) msg;
    return NULL;
}

static const char *check_error(const struct msg *msg)
{
    const struct msg_error *m = &msg->error;
    RULE(m->reason != REASON_OK && (unsigned) m->reason <= REASON_MAX, "error.reason: not 1..999");
    RULE(m->text.len <= ERROR_TEXT_MAX && text_is_valid(m->text), "error.text: not text of at most 512 bytes");
    return NULL;
}

static const char *check_manifest(const struct msg *msg)
{
    const struct msg_manifest *m = &msg->manifest;
    RULE(!id_is_none(m->import), "manifest.import: missing");
    RULE(name_is_valid(m->source), "manifest.source: not [A-Za-z0-9._@-]{1,64}");
    RULE(m->chunks <= CHUNKS_MAX, "manifest.chunks: over 8192");
    RULE(m->rows >= m->chunks && m->rows <= m->chunks * CHUNK_ROWS_MAX, "manifest.rows: not 1..256 a chunk");
    return NULL;
}

static const char *check_manifest_state(const struct msg *msg)
{
    const struct msg_manifest_state *m = &msg->manifest_state;
    RULE(!id_is_none(m->import), "manifest_state.import: missing");
    RULE((unsigned) m->reason <= REASON_MAX, "manifest_state.reason: over 999");
    RULE(m->standing.len <= CHUNKS_MAX / 8, "manifest_state.standing: over 1024 bytes");
    return NULL;
}

static const char *check_chunk(const struct msg *msg)
{
    const struct msg_chunk *m = &msg->chunk;
    RULE(!id_is_none(m->op), "chunk.op: missing");
    RULE(name_is_valid(m->source), "chunk.source: not [A-Za-z0-9._@-]{1,64}");
    RULE(m->number < CHUNKS_MAX, "chunk.number: over 8191");
    RULE(m->n_rows >= 1 && m->n_rows <= CHUNK_ROWS_MAX, "chunk.leads: not 1..256");
    return NULL;
}

static const char *check_receipt(const struct msg *msg)
{
    const struct msg_receipt *m = &msg->receipt;
    RULE(!id_is_none(m->op), "receipt.op: missing");
    RULE((unsigned) m->reason <= REASON_MAX, "receipt.reason: over 999");
    RULE(m->level <= LEVEL_MAX, "receipt.level: over 3");
    RULE(m->n_rows <= CHUNK_ROWS_MAX, "receipt.outcomes: over 256");
    for (uint32_t i = 0; i < m->n_rows; i++)
        RULE(m->outcomes[i] <= REASON_MAX, "receipt.outcomes: over 999");
    return NULL;
}

static const char *check_says(const struct msg *msg)
{
    const struct msg_agent_says *m = &msg->says;
    RULE(m->n_acts <= ACTS_MAX, "agent_says.acts: over 512");
    for (uint32_t i = 0; i < m->n_acts; i++) {
        const struct act *act = &m->acts[i];
        RULE(!id_is_none(act->op), "act.op: missing");
        RULE(!id_is_none(act->lead), "act.lead: missing");
        RULE(is_known(act_verb_name(act->verb)), "act.verb: not in act_verbs.def");
        RULE(act->code <= CODE_MAX, "act.code: over 65535");
        RULE(act->note.len <= NOTE_BYTES_MAX && text_is_valid(act->note), "act.note: not text of at most 2000 bytes");
        RULE(act->at_ms >= 0 && act->at_ms <= AT_MS_MAX, "act.at_ms: not between 1970 and 9999");
    }
    RULE(!m->has_ready || !id_is_none(m->ready_op), "ready.op: missing");
    RULE(m->ready_list <= CANDIDATES_MAX, "ready.list: over 10");
    RULE(!m->ready_list || id_is_none(m->ready_take), "ready.list, ready.take: one of them");
    RULE(!m->has_intent || is_known(intent_name(m->intent)), "agent_says.intent: not in agent_intents.def");
    RULE(m->away_code <= CODE_MAX, "agent_says.away_code: over 65535");
    return NULL;
}

static const char *check_offers(const struct offer *offers, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct offer *offer = &offers[i];
        RULE(!id_is_none(offer->lead), "offer.lead: missing");
        RULE(offer->state >= 1 && offer->state <= STATE_MAX, "offer.state: not 1..255");
        RULE((unsigned) offer->see <= SEE_NONE, "offer.see: not 0..2");
        RULE((offer->row.len >= 1 || offer->see) && offer->row.len <= ROW_BYTES_MAX, "offer.row: not 1..8192 bytes");
    }
    return NULL;
}

static const char *check_hears(const struct msg *msg)
{
    const struct msg_agent_hears *m = &msg->hears;
    RULE(m->n_results <= HEARS_ITEMS_MAX && m->n_withdrawals <= HEARS_ITEMS_MAX && m->n_offers <= HEARS_ITEMS_MAX,
         "agent_hears: over 8192 items");
    for (uint32_t i = 0; i < m->n_results; i++) {
        RULE(!id_is_none(m->results[i].op), "act_result.op: missing");
        RULE((unsigned) m->results[i].reason <= REASON_MAX, "act_result.reason: over 999");
        RULE(m->results[i].state <= STATE_MAX, "act_result.state: over 255");
    }
    for (uint32_t i = 0; i < m->n_withdrawals; i++) {
        RULE(!id_is_none(m->withdrawals[i].lead), "withdrawal.lead: missing");
        RULE((unsigned) m->withdrawals[i].reason <= REASON_MAX, "withdrawal.reason: over 999");
    }
    RULE(!m->has_ready || !id_is_none(m->ready.op), "ready_result.op: missing");
    RULE(!m->has_ready || (unsigned) m->ready.reason <= REASON_MAX, "ready_result.reason: over 999");
    RULE(m->n_candidates <= CANDIDATES_MAX, "agent_hears.candidates: over 10");
    const char *why = check_offers(m->offers, m->n_offers);
    return why ? why : check_offers(m->candidates, m->n_candidates);
}

static const char *check_request(const struct msg *msg)
{
    const struct msg_request *m = &msg->request;
    RULE(m->id != 0, "request.id: missing");
    RULE(is_known(strategy_word(m->strategy)), "request.strategy: not in strategies.def");
    RULE(m->n_leads <= REQUEST_LEADS_MAX, "request.age_ms: over 1024 leads");
    RULE(m->n_agents <= REQUEST_AGENTS_MAX, "request.agents: over 512");
    RULE(m->n_excluded <= REQUEST_EXCLUDED_MAX, "request.excluded: over 65536");
    RULE(m->policy.len <= POLICY_BYTES_MAX, "request.policy: over 64 KiB");
    for (uint32_t i = 0; i < m->n_leads; i++) {
        RULE(m->leads[i].only_agent <= m->n_agents, "request.only_agent: no such agent");
        RULE(m->leads[i].n_features <= ROW_ATTRIBUTES_MAX, "request.feature_count: over 48");
    }
    for (uint32_t i = 0; i < m->n_agents; i++)
        RULE(m->agents[i].n_skills <= SKILLS_MAX, "request_agent.skills: over 16");
    for (uint32_t i = 0; i < m->n_excluded; i++)
        RULE(m->excluded[i].lead < m->n_leads && m->excluded[i].agent < m->n_agents,
             "request.excluded: no such lead or agent");
    return NULL;
}

static const char *check_decision(const struct msg *msg)
{
    const struct msg_decision *m = &msg->decision;
    RULE(m->id != 0, "decision.id: missing");
    RULE((unsigned) m->reason <= REASON_MAX, "decision.reason: over 999");
    RULE(m->n_verdicts <= REQUEST_LEADS_MAX, "decision.agent: over 1024 leads");
    for (uint32_t i = 0; i < m->n_verdicts; i++)
        RULE(m->verdicts[i].agent <= REQUEST_AGENTS_MAX && m->verdicts[i].runner_up <= REQUEST_AGENTS_MAX,
             "decision.agent, runner_up: over 512");
    return NULL;
}

static const char *check_query(const struct msg *msg)
{
    const struct msg_query *m = &msg->query;
    RULE(is_known(query_name(m->what)), "query.what: not in queries.def");
    RULE(m->arg.len <= QUERY_ARG_MAX && text_is_valid(m->arg), "query.arg: not text of at most 256 bytes");
    RULE(m->limit <= QUERY_LIMIT_MAX, "query.limit: over 1000");
    return NULL;
}

static const char *check_apply(const struct msg *msg)
{
    RULE(msg->apply.text.len >= 1 && msg->apply.text.len <= APPLY_BYTES_MAX, "apply.text: not 1..245760 bytes");
    return NULL;
}

static const char *check_order(const struct msg *msg)
{
    const struct msg_order *m = &msg->order;
    RULE(!id_is_none(m->op) && !id_is_none(m->lead), "order.op, lead: missing");
    RULE(is_known(order_word(m->what)), "order.what: not in orders.def");
    RULE(m->agent.len <= NAME_BYTES_MAX && text_is_valid(m->agent), "order.agent: not text of at most 64 bytes");
    RULE(m->what != ORDER_ASSIGN || m->agent.len > 0, "order.agent: missing");
    RULE(m->actor.len >= 1 && m->actor.len <= NAME_BYTES_MAX && text_is_valid(m->actor),
         "order.actor: not text of 1 to 64 bytes");
    RULE(m->why.len >= 1 && m->why.len <= WHY_BYTES_MAX && text_is_valid(m->why),
         "order.why: not text of 1 to 200 bytes");
    return NULL;
}

static const char *check_suppress(const struct msg *msg)
{
    RULE(msg->suppress.contacts.len >= 1 && msg->suppress.contacts.len <= SUPPRESS_BYTES_MAX,
         "suppress.contacts: not 1..245760 bytes");
    return NULL;
}

static const char *check_report(const struct msg *msg)
{
    const struct msg_report *m = &msg->report;
    RULE(is_known(query_name(m->what)), "report.what: not in queries.def");
    RULE((unsigned) m->reason <= REASON_MAX, "report.reason: over 999");
    RULE(m->n_columns <= REPORT_COLUMNS_MAX, "report.columns: over 32");
    RULE((uint64_t) m->n_columns * m->n_rows <= REPORT_CELLS_MAX, "report.cells: over 32000");
    for (uint32_t i = 0; i < m->n_columns; i++) {
        RULE(m->columns[i].len <= NAME_BYTES_MAX && text_is_valid(m->columns[i]),
             "report.columns: not text of at most 64 bytes");
        RULE(m->types[i] != '\0' && strchr("sndt", m->types[i]) != NULL, "report.types: not of s, n, d, t");
    }
    for (uint32_t i = 0; i < m->n_columns * m->n_rows; i++)
        RULE(m->cells[i].len <= REPORT_CELL_BYTES_MAX && text_is_valid(m->cells[i]),
             "report.cells: not text of at most 64 KiB");
    return NULL;
}

typedef const char *check_fn(const struct msg *msg);

static check_fn *const checks[] = {
    [MSG_HELLO] = check_hello,       [MSG_WELCOME] = check_welcome,
    [MSG_HEARTBEAT] = check_nothing, [MSG_HEARD] = check_nothing,
    [MSG_BYE] = check_nothing,       [MSG_ERROR] = check_error,
    [MSG_MANIFEST] = check_manifest, [MSG_MANIFEST_STATE] = check_manifest_state,
    [MSG_CHUNK] = check_chunk,       [MSG_RECEIPT] = check_receipt,
    [MSG_AGENT_SAYS] = check_says,   [MSG_AGENT_HEARS] = check_hears,
    [MSG_REQUEST] = check_request,   [MSG_DECISION] = check_decision,
    [MSG_QUERY] = check_query,       [MSG_REPORT] = check_report,
    [MSG_APPLY] = check_apply,       [MSG_ORDER] = check_order,
    [MSG_SUPPRESS] = check_suppress,
};

const char *wire_check_msg(const struct msg *msg)
{
    unsigned kind = msg->kind;
    assert(kind < sizeof checks / sizeof checks[0] && checks[kind] != NULL);
    return checks[kind](msg);
}

static enum reason check_attributes(const struct row *row)
{
    for (uint32_t i = 0; i < row->n_attributes; i++) {
        const struct attribute *attribute = &row->attributes[i];
        if (attribute->name.len == 0 || !is_made_of(attribute->name, LOWER | DIGIT | UNDERSCORE))
            return REASON_BAD_TEXT;
        if (attribute->name.len > ATTRIBUTE_NAME_MAX || attribute->text.len > TEXT_BYTES_MAX)
            return REASON_TOO_LONG;
        if (!text_is_valid(attribute->text))
            return REASON_BAD_TEXT;
    }
    return REASON_OK;
}

enum reason wire_check_row(const struct row *row, bool is_part)
{
    const struct slice texts[] = {row->key,    row->name, row->phone, row->email,
                                  row->street, row->web,  row->ref,   row->remarks};
    static const uint32_t texts_max[] = {KEY_BYTES_MAX,  TEXT_BYTES_MAX, TEXT_BYTES_MAX, TEXT_BYTES_MAX,
                                         TEXT_BYTES_MAX, TEXT_BYTES_MAX, TEXT_BYTES_MAX, NOTE_BYTES_MAX};
    if (row->key.len == 0 && !is_part)
        return REASON_NO_KEY;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        if (texts[i].len > texts_max[i])
            return REASON_TOO_LONG;
        if (!text_is_valid(texts[i]))
            return REASON_BAD_TEXT;
    }
    if (row->priority < -PRIORITY_MAX || row->priority > PRIORITY_MAX || row->value_cents > VALUE_CENTS_MAX)
        return REASON_BAD_NUMBER;
    return check_attributes(row);
}
