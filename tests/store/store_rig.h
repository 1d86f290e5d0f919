/* SPDX-License-Identifier: Apache-2.0
 * store_rig.h - what the store tests stand on: a place for a store to lie (memory,
 * or Redis behind a proxy) with the same faults, rows to append, and a model of
 * what must come back.
 *
 * A lead's payload is text here, "W pool rank due" (waiting), "H due" (held by
 * somebody) or "T" (terminal); lead_glance() is wrapped to read it. */
#ifndef TAKT_TESTS_STORE_STORE_RIG_H
#define TAKT_TESTS_STORE_STORE_RIG_H

#include "broker/store.h"
#include "tests/lib/redis_proxy.h"
#include "tests/lib/redis_server.h"

struct rig {
    bool is_redis;
    struct memory_world *world;
    struct redis_server *server;
    struct redis_proxy *proxy;
    char cell[33];
};

/* `server` NULL: memory. Each rig is a cell of its own, created. */
struct rig *rig_new(struct redis_server *server);
void rig_destroy(struct rig **rig_p);
struct store *rig_store(struct rig *rig);  /* not open */
struct store *rig_opened(struct rig *rig); /* open and loaded; fails the test if it cannot */
uint64_t rig_epoch(struct store *store);   /* its epoch, from the levels */

/* The next write is done, or not, and its answer lost; then everything is away
 * until rig_heal(). Call rig_break() after the write was pumped. */
void rig_lose_reply(struct rig *rig);
void rig_lose_write(struct rig *rig);
void rig_break(struct rig *rig, struct store *store); /* returns when the store has seen it: STORE_AWAY */
void rig_heal(struct rig *rig);

/* What an archive would publish; entries in the log; where the log may begin. */
void rig_archive(struct rig *rig, struct position at);
uint64_t rig_log_entries(struct rig *rig, struct store *store);

/* Pump until it is so; fail the test after 10 s, or when the status is another. */
void rig_until_stands(struct store *store, uint64_t ticket);
void rig_until_flushed(struct store *store);
void rig_until_trimmed(struct store *store, struct position below);
void rig_until_status(struct store *store, enum store_status status);
void rig_pump(struct store *store); /* once, with the clock */

/* Rows. `number` makes the key; and the payload of an input, which never changes. */
/* `payload` NULL: the thing is gone. */
void row_put(struct buf *body, enum row_type type, uint32_t number, const char *payload);
struct slice body_slice(const struct buf *body);

/* What rows say, by key: the newest of each. */
struct model;
struct model *model_new(void);
void model_destroy(struct model **model_p);
void model_apply(struct model *model, struct slice body);
bool model_equal(const struct model *a, const struct model *b);
uint32_t model_count(const struct model *model);
const char *model_get(const struct model *model, enum row_type type, uint32_t number); /* NULL: none */

struct loaded {
    struct model *model;
    uint32_t view_rows, log_rows, entries;
    struct position last_entry;
    int64_t last_time_ms;
};
enum store_status rig_load(struct store *store, struct loaded *ret);              /* into a new model */
bool loaded_row(void *arg, const struct row_ref *row, const struct entry *entry); /* the store_row_fn of it */

/* Short cuts: append a copy of these rows; append one row; what a store that starts now would say. */
uint64_t rig_append(struct store *store, int64_t time_ms, struct slice rows);
uint64_t rig_append_row(struct store *store, enum row_type type, uint32_t number, const char *payload);
uint64_t rig_append_lead(struct store *store, uint32_t number, const char *payload);

/* Leads `first` and on, "H 1", with their inputs, in one beat, behind a row of another kind: so many that they lie
 * apart. */
enum { RIG_BULK = 9000 };
uint64_t rig_append_bulk(struct store *store, struct model *model, uint32_t first);

void rig_expect_all(struct rig *rig, const struct model *model); /* a store that starts now has exactly this */
long long rig_count_keys(struct rig *rig, const char *pattern);  /* of this cell; Redis only */

enum store_status rig_open_status(struct rig *rig, bool allow_unsafe, char why[256]); /* Redis only */
enum store_status rig_load_status(struct rig *rig, struct loaded *ret, char why[256]);
void rig_members(struct rig *rig, const char *set, char text[512]); /* "number:score " each, by score; Redis only */

#endif
