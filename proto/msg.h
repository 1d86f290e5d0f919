/* SPDX-License-Identifier: Apache-2.0
 * msg.h - the messages of takt as plain C: the vocabulary of wire, core, worker
 * and client alike. proto/wire.c turns a frame into one of these, checked, and
 * back. A decoded message borrows from its frame and from the decoder's arena
 * until the next decode; whoever keeps something copies it. */
#ifndef TAKT_PROTO_MSG_H
#define TAKT_PROTO_MSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/feature.h"
#include "proto/slice.h"
#include "proto/strategy.h"

enum {
    FRAME_BYTES_MAX = 256 * 1024,
    CHUNK_ROWS_MAX = 256,
    ROW_BYTES_MAX = 8 * 1024, /* an encoded Lead */
    ROW_ATTRIBUTES_MAX = 48,
    KEY_BYTES_MAX = 128,
    NAME_BYTES_MAX = 64, /* of agents, teams, sources, workers */
    NOTE_BYTES_MAX = 2000,
    ACTS_MAX = 512, /* in one frame */
    SKILLS_MAX = 16,
    CHUNKS_MAX = 8192, /* of one import */
    REQUEST_LEADS_MAX = 1024,
    REQUEST_AGENTS_MAX = 512,
    CANDIDATES_MAX = 10, /* shown to one who chooses */
    QUERY_LIMIT_MAX = 1000,
    PROTOCOL_VERSION = 1,
    TEXT_BYTES_MAX = 1024,   /* a text of a row: contact data, an attribute; remarks: NOTE_BYTES_MAX */
    ATTRIBUTE_NAME_MAX = 32, /* [a-z0-9_] */
    CELL_NAME_MAX = 32,      /* [a-z0-9-] */
    PRIORITY_MAX = 1000,     /* and -1000 */
    CAPACITY_MAX = 65536,
    CODE_MAX = 65535, /* disposition, decline, release, away codes */
    REASON_MAX = 999, /* what a peer must be ready to see */
    STATE_MAX = 255,
    LEVEL_MAX = 3,
    HEARS_ITEMS_MAX = 8192, /* of each list of an AgentHears; a frame of whole ones ends before */
    REQUEST_EXCLUDED_MAX = 65536,
    POLICY_BYTES_MAX = 65536, /* of a Request */
    ERROR_TEXT_MAX = 512,
    POLICY_TEXT_MAX = 2 * 1024 * 1024, /* of a policy file */
    APPLY_BYTES_MAX = 240 * 1024,      /* of one that is sent: a longer one goes as gzip */
    QUERY_ARG_MAX = 256,
    WHY_BYTES_MAX = 200,
    SUPPRESS_BYTES_MAX = 240 * 1024,
    REPORT_COLUMNS_MAX = 32,
    REPORT_CELLS_MAX = 32000,
    REPORT_CELL_BYTES_MAX = 65536,
};

#define VALUE_CENTS_MAX UINT64_C(1000000000000) /* of a row */
#define AT_MS_MAX INT64_C(253402300799999)      /* the end of the year 9999 */

struct id {          /* a lead, an import or an op: 16 bytes; all zero = none */
    uint64_t hi, lo; /* hi = first eight bytes, big endian */
};

enum reason {
#define REASON(number, name, text) REASON_##name = number,
#include "proto/reasons.def"
#undef REASON
};

enum row_warning {
#define ROW_WARNING(bit, name, text) ROW_WARNING_##name = 1 << bit,
#include "proto/row_warnings.def"
#undef ROW_WARNING
};

enum act_verb {
#define ACT_VERB(number, name, text) VERB_##name = number,
#include "proto/act_verbs.def"
#undef ACT_VERB
};

enum intent {
#define AGENT_INTENT(number, name, text) INTENT_##name = number,
#include "proto/agent_intents.def"
#undef AGENT_INTENT
};

enum query_what {
#define QUERY(number, name, text) QUERY_##name = number,
#include "proto/queries.def"
#undef QUERY
};

enum order_what {
#define ORDER(number, name, word, text) ORDER_##name = number,
#include "proto/orders.def"
#undef ORDER
};

enum disposition_class {
    CLASS_WON = 1,
    CLASS_LOST,
    CLASS_INVALID,
    CLASS_SUPPRESSED,
    CLASS_RETRY,
    CLASS_CALLBACK,
    CLASS_PROGRESS
};

enum disposition {
#define DISPOSITION(number, name, class_, word, text) DISPOSITION_##name = number,
#include "proto/dispositions.def"
#undef DISPOSITION
};

/* Names out of the lists above, by number; "?" where there is none. names.c */
const char *reason_name(unsigned reason);   /* "OWES_NOTE" */
const char *reason_text(unsigned reason);   /* "a lead waits for its note" */
const char *row_warning_name(unsigned bit); /* of bit 0, 1, ... */
const char *act_verb_name(unsigned verb);
const char *intent_name(unsigned intent);
const char *query_name(unsigned what);
const char *order_word(unsigned what);    /* "assign" */
unsigned order_by_word(const char *word); /* 0 = none */
const char *disposition_word(unsigned code);
const char *disposition_text(unsigned code);    /* "wrong number" */
unsigned disposition_by_word(const char *word); /* 0 = none */
int disposition_class(unsigned code);           /* enum disposition_class; 0 = no such code */

enum role { ROLE_SOURCE = 1, ROLE_AGENT, ROLE_WORKER, ROLE_OPERATOR };

enum msg_kind { /* equals the field numbers of Frame.body */
                MSG_HELLO = 10,
                MSG_WELCOME,
                MSG_HEARTBEAT,
                MSG_HEARD,
                MSG_BYE,
                MSG_ERROR,
                MSG_MANIFEST = 20,
                MSG_MANIFEST_STATE,
                MSG_CHUNK,
                MSG_RECEIPT,
                MSG_AGENT_SAYS = 30,
                MSG_AGENT_HEARS,
                MSG_REQUEST = 40,
                MSG_DECISION,
                MSG_QUERY = 50,
                MSG_REPORT,
                MSG_APPLY,
                MSG_ORDER,
                MSG_SUPPRESS,
};

struct msg_hello {
    uint32_t protocol;
    enum role role;
    struct slice name, team;
    enum intent intent;
    uint32_t capacity;
    struct slice skills[SKILLS_MAX];
    uint32_t n_skills;
    uint64_t seen_epoch, seen_beat, replaces; /* replaces: the session this same program had before */
    struct slice place;                       /* workers: host/pid */
};

struct msg_welcome {
    uint64_t session, epoch, beat;
    uint32_t heartbeat_ms, lease_ms, guard_ms, level, rows_max;
    struct slice cell;
};

struct msg_heartbeat {
    bool draining; /* a worker that wants no further request */
};

struct msg_heard {
    uint64_t seq;
    uint32_t valid_ms;
};

struct msg_error {
    enum reason reason;
    uint64_t seq;
    struct slice text;
    uint32_t retry_after_ms;
};

struct attribute {
    struct slice name;
    struct slice text; /* at == NULL: a number */
    int64_t number;
};

struct row {            /* one decoded Lead; fields that were absent have at == NULL */
    struct slice raw;   /* the encoded Lead, as it came */
    struct slice added; /* what the broker found out, encoded: fields that go on behind raw. Never on a source's wire */
    enum reason reject; /* OK, or why this row alone is refused (the edge's verdict) */
    struct id lead;     /* derived from source and key: id_of_key() */
    struct slice key;
    struct slice name, phone, email, street, web, ref, remarks;
    int32_t priority;
    uint64_t value_cents;
    uint32_t cost_cents;
    const struct attribute *attributes;
    uint32_t n_attributes;
};

struct msg_manifest {
    struct id import;
    struct slice source;
    uint32_t rows, chunks;
};

struct msg_manifest_state {
    struct id import;
    enum reason reason;
    struct slice standing;
    uint32_t accepted, duplicate, rejected;
};

struct msg_chunk {
    struct id op, import;
    uint32_t number;
    struct slice source;
    const struct row *rows;
    uint32_t n_rows;
};

struct msg_receipt {
    struct id op;
    enum reason reason;
    uint32_t level, retry_after_ms;
    uint64_t epoch, beat;
    uint32_t n_rows;
    const struct id *leads; /* n_rows each */
    const uint32_t *outcomes;
    const uint32_t *warnings;
};

struct act {
    struct id op, lead;
    uint64_t fence;
    enum act_verb verb;
    uint32_t code;
    struct slice note;
    int64_t at_ms;
};

struct msg_agent_says {
    const struct act *acts;
    uint32_t n_acts;
    bool has_ready, has_intent;
    struct id ready_op;
    uint32_t ready_wait_ms, ready_list;
    struct id ready_take; /* none: the broker chooses */
    enum intent intent;
    uint32_t away_code;
};

enum see { SEE_FULL, SEE_COARSE, SEE_NONE }; /* of a lead that is offered: all, no contact data, nothing */

struct offer {
    struct id lead;
    uint64_t fence;
    uint32_t state; /* enum lead_state: core/lead.h, names in lead_states.def */
    uint64_t valid_seq;
    uint32_t valid_ms, answer_ms, attempts;
    int32_t score;
    enum see see; /* how much of `row` leaves: the encoder cuts it */
    struct slice
        row; /* an encoded Lead; decode with wire_decode_row(), or what is left of one with wire_decode_part() */
};

struct withdrawal {
    struct id lead;
    uint64_t fence;
    enum reason reason;
};

struct act_result {
    struct id op, lead;
    enum reason reason;
    uint32_t state;
};

struct ready_result {
    struct id op, lead;
    enum reason reason;
    uint32_t wait_ms;
};

struct msg_agent_hears {
    const struct act_result *results;
    const struct withdrawal *withdrawals;
    const struct offer *offers;
    uint32_t n_results, n_withdrawals, n_offers;
    const struct offer *candidates; /* to choose from; nobody's yet */
    uint32_t n_candidates;
    bool has_ready;
    struct ready_result ready;
};

struct feature {
    uint32_t key;
    int64_t value;
}; /* feature_key(), feature_of() */

struct request_lead {
    uint32_t age_ms, attempts;
    int32_t priority;
    uint64_t value_cents;
    uint32_t only_agent; /* 1 + agent index, 0 = anyone */
    uint32_t n_features;
    const struct feature *features;
};

struct request_agent {
    uint32_t slots, open;
    uint32_t idle_ms; /* how long it has waited: since it was free, or since it was last given a lead (LEAST_RECENT) */
    uint32_t weight;
    uint64_t turn; /* in the rotation; in the list (TOP_DOWN); in virtual time (WEIGHTED_ROUND_ROBIN) */
    uint32_t won, closed;
    uint32_t n_skills;
    const uint32_t *skills; /* hashes: feature_skill() */
};

struct exclusion {
    uint16_t lead, agent;
};

struct msg_request {
    uint64_t id, seed, rotation;
    uint32_t policy_version, deadline_ms, programme;
    enum strategy strategy;
    const struct request_lead *leads;
    const struct request_agent *agents;
    const struct exclusion *excluded;
    uint32_t n_leads, n_agents, n_excluded;
    struct slice policy; /* empty unless the worker lacks this version */
};

struct verdict {               /* of one lead of a request */
    uint32_t agent, runner_up; /* 1 + agent index, 0 = none */
    int32_t score, margin;
};

struct msg_decision {
    uint64_t id, rotation;
    enum reason reason;
    const struct verdict *verdicts; /* one a lead of the request */
    uint32_t n_verdicts;
    uint32_t spent_us, policy_version;
    int64_t total, bound; /* bound: with GREEDY, no assignment is worth more */
};

struct msg_query {
    enum query_what what;
    struct slice arg;
    uint32_t limit;
};

struct policy;

struct msg_apply { /* put this policy in force */
    struct slice text;
    const struct policy *policy; /* not on the wire: what the broker made of the text; NULL: it has faults */
    struct slice faults;         /* not on the wire: these, as lines */
};

struct msg_order { /* by an operator's hand; answered by a Report of the lead */
    struct id op, lead;
    enum order_what what;
    uint32_t code;           /* REJECT: the disposition */
    struct slice agent;      /* ASSIGN: to whom */
    struct slice actor, why; /* who says so, for what reason: kept with the lead */
};

struct msg_suppress {      /* these must not be called; with `remove` they may be again */
    struct slice contacts; /* lines: a phone or an e-mail each */
    bool remove;
};

struct msg_report {
    enum query_what what;
    enum reason reason;
    const struct slice *columns; /* n_columns */
    const char *types;           /* n_columns letters */
    const struct slice *cells;   /* n_columns * n_rows */
    uint32_t n_columns, n_rows;
    bool more;
};

struct msg {
    uint64_t session, seq;
    enum msg_kind kind;
    union {
        struct msg_hello hello;
        struct msg_welcome welcome;
        struct msg_heartbeat heartbeat;
        struct msg_heard heard;
        struct msg_error error;
        struct msg_manifest manifest;
        struct msg_manifest_state manifest_state;
        struct msg_chunk chunk;
        struct msg_receipt receipt;
        struct msg_agent_says says;
        struct msg_agent_hears hears;
        struct msg_request request;
        struct msg_decision decision;
        struct msg_query query;
        struct msg_apply apply;
        struct msg_order order;
        struct msg_suppress suppress;
        struct msg_report report;
    };
};

/* Ids. Hex is 32 digits and a NUL. */
static inline bool id_is_none(struct id id)
{
    return (id.hi | id.lo) == 0;
}
static inline bool id_equal(struct id a, struct id b)
{
    return a.hi == b.hi && a.lo == b.lo;
}
struct id id_from_bytes(const uint8_t bytes[16]);
void id_to_bytes(struct id id, uint8_t ret_bytes[16]);
void id_to_hex(struct id id, char ret_hex[33]);
bool id_from_hex(const char *hex, struct id *ret_id);
/* The lead id of a source's key: BLAKE2b-128 over source, NUL, key (RFC 7693). */
struct id id_of_key(struct slice source, struct slice key);

#endif
