/* SPDX-License-Identifier: Apache-2.0
 * record.h - what the log and the view are made of: rows, each the whole mutable
 * part of one thing after a beat (an after-image), or what never changes (an
 * input, a snapshot). Applying a row needs no re-deciding and may be repeated.
 *
 *   body := row*      row := type u8, length u32, key_len u8, key, payload
 *
 * Integers are little endian. `length` counts all after itself. docs/LOG.md
 * describes each payload. The core writes and applies rows; stores and fsck only
 * carry them, and read of a lead what struct lead_glance holds. Who reads a history
 * has core/image.h. */
#ifndef TAKT_CORE_RECORD_H
#define TAKT_CORE_RECORD_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/msg.h"

enum row_type {
    ROW_INPUT = 1,     /* key: lead id. The sealed Lead, its source, when and by which op it came */
    ROW_LEAD = 2,      /* key: lead id. After-image */
    ROW_AGENT = 3,     /* key: agent name. After-image */
    ROW_PROGRAMME = 4, /* key: programme name. Rotation and counters, after-image */
    ROW_IMPORT = 5,    /* key: import id. After-image */
    ROW_SNAPSHOT = 6,  /* key: request id, 8 bytes. What a decision was made from; log only */
    ROW_CELL = 7,      /* key: "cell". Counters and clocks of the cell, after-image */
    ROW_POLICY = 8,    /* key: version in digits. A policy as it was given; never changes */
    ROW_METER = 9, /* key: a, t or s and the name of an agent, team or source. What its limits counted, after-image */
    ROW_SUPPRESSED = 10, /* key: the hash of a contact, 8 bytes. Whether it must not be called, after-image */
    ROW_TURN = 11,       /* key: name of a pool that refills those below it. The team that was last, after-image */
};

enum { ROW_KEY_LEN_AT = 5, ROW_HEAD = 6 }; /* bytes before key_len, before the key */

struct row_ref { /* one row, borrowed from a body */
    enum row_type type;
    struct slice key;
    struct slice payload;
    struct slice whole; /* type and length included: what the view keeps */
};

/* Instead of the version: the thing is no more, and its row leaves the view. What follows is for who reads a history.
 */
enum { ROW_GONE = 0 };
static inline bool row_is_gone(const struct row_ref *row)
{
    return row->payload.len > 0 && row->payload.at[0] == ROW_GONE;
}

/* Walk a body: start with *at = 0. Returns 1 and the next row, 0 at the end, -1
 * when the body is damaged. */
int row_next(struct slice body, uint32_t *at, struct row_ref *ret);

/* What a ROW_POLICY says. The highest version is in force. */
struct policy_glance {
    uint32_t version;
    int64_t at_us;
    struct slice text;
};
bool policy_glance(const struct row_ref *row, struct policy_glance *ret);

/* What the view's sorted sets need of a ROW_LEAD payload. */
enum { POOL_NAME_MAX = 2 * NAME_BYTES_MAX + 8 };
struct lead_glance {
    uint32_t state;                /* enum lead_state */
    bool terminal, waiting;        /* waiting: POOLED, so a member of pool_name's set */
    char pool_name[POOL_NAME_MAX]; /* "programme", "programme/team", "programme/wide", ... */
    double rank;                   /* smaller = earlier in the pool */
    int64_t due_ms;                /* its deadline: core time */
};
bool lead_glance(struct slice payload, struct lead_glance *ret);

#endif
