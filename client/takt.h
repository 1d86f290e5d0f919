/* SPDX-License-Identifier: Apache-2.0
 * takt.h - the client library: lead sources, agents, operators.
 *
 * One handle is one peer of the broker. The library says hello, keeps the
 * session alive, reconnects with jitter, repeats what was not answered under the
 * same op id, and tells an agent to stop showing a lead before the broker may
 * give it to somebody else. It starts no thread of its own; call takt_next()
 * (it waits) or, from a loop of your own, takt_next() with 0 ms whenever
 * takt_fd() is readable, and at the latest after takt_timeout_ms().
 *
 * Functions return 0, or a negative TAKT_E code with the sentence in
 * takt_why(). Pointers in events are the library's and live until the next call
 * on the same handle. A handle belongs to one thread; handles are independent. */
#ifndef TAKT_H
#define TAKT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct takt takt_t;

enum { TAKT_OK = 0, TAKT_EUSAGE = -1, TAKT_ETOOBIG = -2, TAKT_EBUSY = -3, TAKT_ENOMEM = -4, TAKT_EREFUSED = -5 };

/* Reasons, act verbs, intents, dispositions and lead states are numbers on the
 * wire; the library names them. */
const char *takt_reason_name(unsigned reason); /* "OWES_NOTE"; 0 is "OK" */
const char *takt_reason_text(unsigned reason);
const char *takt_state_name(unsigned state);      /* "OWNED" */
const char *takt_disposition_word(unsigned code); /* "no-answer" */
unsigned takt_disposition(const char *word);      /* 0 = no such disposition */

typedef struct {
    uint8_t bytes[16];
} takt_id;
void takt_id_text(takt_id id, char ret_text[33]);
bool takt_id_parse(const char *text, takt_id *ret_id);

typedef struct {
    const char *at;
    size_t len;
} takt_text; /* not terminated; at NULL = absent */

enum takt_role { TAKT_SOURCE = 1, TAKT_AGENT, TAKT_WORKER, TAKT_OPERATOR };
enum takt_intent { TAKT_OFFLINE, TAKT_AVAILABLE, TAKT_ON_DEMAND, TAKT_AWAY };

struct takt_options {
    enum takt_role role;
    const char *endpoint;      /* "tcp://127.0.0.1:7701"; one for each role, see docs/PROTOCOL.md */
    const char *name;          /* of this agent, source or tool */
    const char *team;          /* agents */
    enum takt_intent intent;   /* agents: on hello */
    uint32_t capacity;         /* agents: most leads at once; 0 = the programme's */
    const char *const *skills; /* agents: NULL-terminated, or NULL */
};

/* Returns at once; TAKT_CONNECTED comes as an event. NULL only for want of memory
 * or a bad option, with the reason in why[160] if that is not NULL. */
takt_t *takt_open(const struct takt_options *options, char *why);
void takt_close(takt_t **takt_p); /* says bye; NULL is fine */
const char *takt_why(const takt_t *takt);

int takt_fd(const takt_t *takt); /* edge-triggered: call takt_next(…, 0) until it returns 0 */
int takt_timeout_ms(const takt_t *takt);
bool takt_connected(const takt_t *takt);

/* ---- what happens ---------------------------------------------------------- */

enum takt_event_kind {
    TAKT_CONNECTED = 1, /* hello answered; .position */
    TAKT_DISCONNECTED,  /* silence or a reset; the library tries again */
    TAKT_REFUSED,       /* hello refused for good: .reason; the handle is of no more use */
    TAKT_RECEIPT,       /* source: a chunk stands or was refused */
    TAKT_MANIFEST,      /* source: which chunks of the import stand */
    TAKT_OFFER,         /* agent: a lead, to accept (state OFFERED) or already yours */
    TAKT_WITHDRAWN,     /* agent: stop showing this lead now (the library has told the broker, or its validity ends) */
    TAKT_ACTED,         /* agent: the answer to an act */
    TAKT_READY_ANSWER,  /* agent: the answer to takt_ready() */
    TAKT_REPORT,        /* operator: the answer to takt_query() and to each order */
    TAKT_CANDIDATE,     /* agent: a lead of the list that takt_ready_list() asked for; nobody's yet */
    TAKT_BUSY,          /* the broker asked to slow down; the library repeats by itself */
};

struct takt_lead { /* of a source's row, and of an offer */
    takt_text key, name, phone, email, street, web, ref, remarks;
    int32_t priority;
    uint64_t value_cents;
    uint32_t cost_cents;
    const struct takt_attribute {
        takt_text name, text;
        int64_t number;
    } * attributes; /* text.at NULL: a number */
    size_t n_attributes;
};

enum takt_see { TAKT_SEE_FULL, TAKT_SEE_COARSE, TAKT_SEE_NONE };

struct takt_event {
    enum takt_event_kind kind;
    takt_id op;      /* what this answers */
    takt_id lead_id; /* OFFER, WITHDRAWN, ACTED, READY_ANSWER (the lead that owes) */
    uint64_t fence;
    unsigned reason;   /* 0 = OK */
    unsigned state;    /* of the lead */
    uint32_t wait_ms;  /* READY_ANSWER (with NO_LEAD a forecast: a known lead may come then), BUSY */
    int64_t answer_ms; /* OFFER: time left */
    uint32_t attempts;
    int32_t score;
    struct takt_lead lead; /* OFFER, CANDIDATE */
    enum takt_see see; /* how much of it `lead` shows; of an OFFER less than all: accept, and all comes by another */
    struct {           /* RECEIPT */
        size_t n_rows;
        const takt_id *ids;
        const uint32_t *outcomes, *warnings;
        uint64_t epoch, beat;
        uint32_t level;
    } receipt;
    struct { /* MANIFEST */
        takt_id import;
        const uint8_t *standing; /* bitmap of chunks */
        size_t standing_len;
        uint32_t accepted, duplicate, rejected;
    } manifest;
    struct { /* REPORT: a table */
        unsigned what;
        size_t n_columns, n_rows;
        const takt_text *columns, *cells; /* cells row by row */
        const char *types;                /* s n d t: see proto/takt.proto */
        bool more;
    } report;
    struct {
        uint64_t epoch, beat;
    } position;
};

/* Wait up to timeout_ms (-1: no limit) for the next event. Returns 1 and the
 * event, 0 when the time is over, or a negative code. */
int takt_next(takt_t *takt, struct takt_event *ret_event, int timeout_ms);

/* ---- sources --------------------------------------------------------------- */

/* Say what import is coming (or ask which of its chunks stand): TAKT_MANIFEST follows. */
int takt_manifest(takt_t *takt, takt_id import, const char *source, uint32_t rows, uint32_t chunks);

/* Send up to 256 rows as one chunk: all of it stands or none. `op` names it for
 * ever: the same op is answered the same. `import` may be NULL (a single post).
 * Kept and repeated until TAKT_RECEIPT. TAKT_EBUSY: takt_window() are out already. */
int takt_chunk(takt_t *takt, takt_id op, const char *source, const takt_id *import, uint32_t number,
               const struct takt_lead *leads, size_t n);
unsigned takt_window(const takt_t *takt); /* chunks that may be out at once */
unsigned takt_out(const takt_t *takt);    /* requests sent, not answered */

/* ---- agents ---------------------------------------------------------------- */

takt_id takt_new_op(takt_t *takt);

/* Each returns at once; TAKT_ACTED follows. Acts of one moment share a frame:
 * they leave at the next takt_next(), takt_flush() or when the frame is full. */
int takt_accept(takt_t *takt, takt_id lead, uint64_t fence);
int takt_decline(takt_t *takt, takt_id lead, uint64_t fence);
int takt_action(takt_t *takt, takt_id lead, uint64_t fence);
int takt_attempt_end(takt_t *takt, takt_id lead, uint64_t fence);
int takt_note(takt_t *takt, takt_id lead, uint64_t fence, const char *note);
int takt_dispose(takt_t *takt, takt_id lead, uint64_t fence, unsigned disposition, const char *note, int64_t at_ms);
int takt_release(takt_t *takt, takt_id lead, uint64_t fence);
int takt_ready(takt_t *takt, uint32_t wait_ms);
/* Where the programme lets agents choose: up to 10 leads as TAKT_CANDIDATE, then TAKT_READY_ANSWER. Nothing is kept for
 * you while you choose; takt_ready_take() gets the lead as takt_ready() does, or LEAD_TAKEN. */
int takt_ready_list(takt_t *takt, unsigned n);
int takt_ready_take(takt_t *takt, takt_id lead);
int takt_intent(takt_t *takt, enum takt_intent intent, uint32_t away_code);
int takt_flush(takt_t *takt);

/* ---- operators ------------------------------------------------------------- */

unsigned takt_query_by_name(const char *name); /* "STATUS"; queries.def */
int takt_query(takt_t *takt, unsigned what, const char *arg, uint32_t limit);

/* Put this policy file's text in force: TAKT_REPORT follows, of POLICIES, whose reason
 * says whether it is (docs/PROTOCOL.md, Apply). May be repeated. */
int takt_apply(takt_t *takt, const char *text, size_t len);

/* Do this with a lead, by hand (proto/orders.def): TAKT_REPORT follows, of LEAD, whose reason says whether it is
 * done. `agent` for assign, `code` (a disposition) for reject, else NULL and 0. `actor` and `why` stay with the lead.
 */
unsigned takt_order_by_word(const char *word); /* "assign"; 0 = no such order */
int takt_order(takt_t *takt, unsigned what, takt_id lead, const char *agent, unsigned code, const char *actor,
               const char *why);

/* These must not be called, or may be again: lines of a phone or an e-mail each, up to 240 KiB at once. TAKT_REPORT
 * follows, of SUPPRESSED: what it changed (docs/PROTOCOL.md, Suppress). May be repeated. */
int takt_suppress(takt_t *takt, const char *contacts, size_t len, bool remove);

#ifdef __cplusplus
}
#endif
#endif
