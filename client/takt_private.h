/* SPDX-License-Identifier: Apache-2.0
 * takt_private.h - what the files of libtakt share; nobody else includes it.
 *
 * A handle is a session, the requests that are not answered yet, and, for an
 * agent, the leads it may show. Events are not queued: takt_next() makes one at
 * a time out of the last frame, so that an offer costs no memory on its way to
 * the caller. Acts leave before the socket is read, and so once for all events
 * of a frame. */
#ifndef TAKT_CLIENT_PRIVATE_H
#define TAKT_CLIENT_PRIVATE_H

#include <stdlib.h>
#include <string.h>

#define uthash_fatal(text) abort()
#define HASH_FUNCTION(key, len, hashv) ((hashv) = hash_of_id(key))
#define HASH_KEYCMP(a, b, len) keys_differ(a, b, len)
#define HASH_BKT_CAPACITY_THRESH 3 /* short chains for hundreds of leads; with 2 each collision doubles the table */
#include <uthash.h>

#include "client/session.h"
#include "client/takt.h"

/* All keys here begin with an id; ids are hashes, or count up from random bytes. */
static inline unsigned hash_of_id(const void *id)
{
    uint64_t halves[2];
    memcpy(halves, id, sizeof halves);
    return (unsigned) (halves[0] ^ halves[1]);
}

/* Keys are two or three words: compared in place, not by a call. */
static inline int keys_differ(const void *a, const void *b, size_t len)
{
    uint64_t differ = 0;
    for (size_t i = 0; i < len; i += sizeof differ) {
        uint64_t x, y;
        memcpy(&x, (const char *) a + i, sizeof x);
        memcpy(&y, (const char *) b + i, sizeof y);
        differ |= x ^ y;
    }
    return differ != 0;
}

enum {
    /* Chunks out at once: what the broker takes in a beat, or in two with eight leads for each of 1,000 peers. */
    WINDOW = 64,
    REQUESTS_MAX = 8192,
    BUSY_MS = 250, /* if the broker does not say how long */
};

/* ---- requests not answered yet: takt_requests.c -------------------------------- */

enum request_kind { REQUEST_ACT = 1, REQUEST_READY, REQUEST_INTENT, REQUEST_MANIFEST, REQUEST_CHUNK, REQUEST_QUERY };

struct request_key {
    struct id id; /* the op; an import for a manifest; none where only one may be out */
    uint64_t kind;
};

struct request_chunk {
    struct msg_chunk chunk; /* rows is NULL: they are raws, until it is sent */
    const struct slice *raws;
};

struct request {
    struct request_key key;
    UT_hash_handle hh;
    struct request *prev, *next; /* in exactly one list of struct requests */
    struct request **list;
    uint64_t number; /* in the order of asking */
    uint64_t seq;    /* of the frame it left in last */
    int64_t due_us;  /* when it is said again */
    uint32_t tries;
    enum reason refusal;
    union {
        struct act act;
        struct {
            uint32_t wait_ms, list;
            struct id take;
        } ready;
        struct {
            enum intent intent;
            uint32_t away_code;
        } intent;
        struct msg_manifest manifest;
        struct request_chunk chunk;
        struct msg_query query;
    };
    struct slice policy;           /* REQUEST_QUERY: empty, or the policy to put in force */
    const struct msg_order *order; /* REQUEST_QUERY: NULL, or the order, at the start of bytes */
    struct msg_suppress suppress;  /* REQUEST_QUERY: no contacts, or those of this order */
    void *bytes;                   /* what its slices point into; freed with it */
};

struct requests {
    struct request *by_key;
    struct request *waiting; /* to be sent, in order */
    struct request *out;     /* sent, or put off */
    struct request *refused; /* to be told */
    struct request *spare;
    uint64_t asked;
    uint32_t n_waiting, n_chunks;
    int64_t next_us; /* nothing in `out` is due before */
};

struct request *requests_add(struct requests *all, enum request_kind kind, struct id id); /* waits; NULL: no memory */
struct request *requests_find(struct requests *all, enum request_kind kind, struct id id);
void requests_done(struct requests *all, struct request *request);
void requests_sent(struct requests *all, struct request *request, uint64_t seq, int64_t now_us);
void requests_put_off(struct requests *all, struct request *request, int64_t due_us);
unsigned requests_put_off_seq(struct requests *all, uint64_t seq, int64_t due_us); /* how many */
void requests_refuse_seq(struct requests *all, uint64_t seq, enum reason reason);
void requests_again(struct requests *all);               /* a session ended: all that was out waits again, in order */
bool requests_due(struct requests *all, int64_t now_us); /* what is due waits again; true: a query was late */
void requests_fini(struct requests *all);

/* ---- the handle --------------------------------------------------------------- */

struct held { /* a lead that may be shown */
    struct id lead;
    UT_hash_handle hh;
    struct held *spare;
    uint64_t fence;
    int64_t end_us;  /* no longer shown from then on */
    enum reason why; /* of the end */
    bool confirmed;  /* offered in this session: a Heard extends it */
    enum see see;    /* how much of it the caller was shown */
};

struct takt {
    struct net *net; /* shared by all handles */
    struct session *session;
    enum takt_role role;
    char *strings; /* what the hello points into */
    char why[160];
    bool refused;
    struct id next_op, ready_op;
    struct requests requests;

    struct msg got; /* the frame that is being told */
    bool telling;   /* an AgentHears, of which this is told: */
    uint32_t told_results, told_withdrawals, told_offers, told_candidates;

    struct held *held, *spare_held;
    int64_t held_next_us; /* none ends before */
    struct act *acks;     /* withdrawals carried out, to be said once */
    uint32_t n_acks, acks_room;

    uint8_t *scratch; /* of a chunk's rows */
    struct takt_attribute attributes[ROW_ATTRIBUTES_MAX];
    takt_id receipt_ids[CHUNK_ROWS_MAX];
    takt_text *cells; /* of a report, its columns first */
    size_t cells_room;
};

int takt_fail(struct takt *takt, int code, const char *why); /* returns code */
int takt_may(struct takt *takt, enum takt_role role);        /* 0, or why this handle may not do it */
struct id takt_next_op(struct takt *takt);
bool takt_is_busy(enum reason reason); /* repeated without the caller */
bool takt_put_off(struct takt *takt, struct request *request, uint32_t wait_ms,
                  struct takt_event *ret_event); /* true */

static inline takt_id takt_id_out(struct id id)
{
    takt_id out;
    id_to_bytes(id, out.bytes);
    return out;
}

static inline struct id takt_id_in(takt_id id)
{
    return id_from_bytes(id.bytes);
}

/* Each of these returns true and fills *ret_event when there is something to tell. */
bool agent_tell_next(struct takt *takt, int64_t now_us, struct takt_event *ret_event);
bool agent_tell_ended(struct takt *takt, int64_t now_us, struct takt_event *ret_event);
bool source_tell(struct takt *takt, struct takt_event *ret_event);
bool operator_tell(struct takt *takt, struct takt_event *ret_event);

void agent_heard(struct takt *takt, const struct msg_heard *heard);
void agent_session_ended(struct takt *takt, bool for_good);
void agent_fini(struct takt *takt);

/* Send what waits. Returns false when the session does not take more now. */
bool agent_flush(struct takt *takt, int64_t now_us);
bool source_send(struct takt *takt, struct request *request, int64_t now_us);
bool operator_send(struct takt *takt, struct request *request, int64_t now_us);

#endif
