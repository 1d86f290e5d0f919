/* SPDX-License-Identifier: Apache-2.0
 * store_redis_private.h - what the parts of the Redis store share: keys, the two
 * connections, what an answer means. docs/KEYS.md describes each key. */
#ifndef TAKT_BROKER_STORE_REDIS_PRIVATE_H
#define TAKT_BROKER_STORE_REDIS_PRIVATE_H

#include "broker/redis_fence.h"
#include "broker/store_private.h"

enum { KEY_MAX = 64, CELL_MAX = 32 };

/* Rows of policies are fields of one hash: "12", where view_key() says "policy:12". */
enum { REDIS_POLICY_SKIP = sizeof "policy:" - 1 };

struct redis_keys {
    char prefix[KEY_MAX]; /* "{cell}:" */
    char epoch[KEY_MAX], log[KEY_MAX], leader[KEY_MAX], trimmed[KEY_MAX], archive[KEY_MAX];
    char view[KEY_MAX], counters[KEY_MAX], policy[KEY_MAX];
};

enum aside { /* what is asked on the view's connection between two writes */
             ASIDE_NONE,
             ASIDE_LEVELS,
             ASIDE_TRIM,
};

struct redis_store {
    struct store base;
    char *address, *broker_id;
    bool allow_unsafe;
    struct redis_keys keys;
    char epoch_text[48]; /* what :epoch holds while the cell is ours */
    struct redis_link *log, *view;
    struct redis_fence log_fence, view_fence;
    bool is_out;          /* the oldest flight, on the log's connection */
    bool short_of_memory; /* the server refused an append for it */
    bool view_resting;
    enum aside aside;
    uint32_t aside_answers; /* taken so far */
    int64_t view_sent_us, rest_us, levels_us;
    struct buf first_rows, firsts; /* of the write that is out: rows that lie together, and in which values */
};

/* "12-7" and back. False: it is no such text. */
void position_text(struct position at, char to[48]);
bool position_parse(const char *text, size_t len, struct position *ret);

/* The value of a field of "[name, value, name, value, ...]"; NULL: it has none. */
const redisReply *redis_field(const redisReply *map, const char *name);

bool redis_is_no_key(const redisReply *reply); /* an error that says: there is no such key */

/* Fail by what the server said, or by the lost connection when reply is NULL. */
enum store_status redis_fail(struct redis_store *redis, const struct redis_link *link, const redisReply *reply);

/* One command of these words, on the log's connection. */
void redis_ask(struct redis_store *redis, uint32_t n, const char *const words[]);

/* The next answer there, if it is of this type or of that; else fail, and NULL.
 * Free it. redis_patience_us(): the deadline of who reads in pages. */
redisReply *redis_answer(struct redis_store *redis, int64_t deadline_us, int type, int or_type);
int64_t redis_patience_us(const struct redis_store *redis);

/* Opening: store_redis_open.c */
enum store_status redis_create(struct store *store, int64_t deadline_us);
enum store_status redis_connect(struct store *store, int64_t deadline_us);
void redis_disconnect(struct redis_store *redis);
enum store_status redis_head(struct store *store, int64_t deadline_us, struct store_head *ret);
enum store_status redis_take(struct store *store, int64_t deadline_us, const struct store_head *head, uint64_t epoch,
                             const struct kept *kept, bool *ret_moved);

/* Send the script that writes even where memory is short: an entry, or a renewal
 * when `kept` is NULL, if :epoch is `epoch_text`; with `take`, a takeover. Its
 * answer is an integer. */
struct take {
    struct position last_at; /* where the log must end */
    const char *epoch_text;  /* what :epoch becomes */
};
void redis_script(struct redis_store *redis, const char *epoch_text, const struct kept *kept, const struct take *take);

/* Entries with their great inputs apart: store_redis_entry.c. The first queues the commands that append `kept`, and
 * returns how many; XADD is the first of them. The other says what was appended so: `fields` are those of an entry in
 * the stream, *ret lies in them or in `joined`; where inputs are gone it fails its check. */
uint32_t redis_add_entry(struct redis_store *redis, struct kept *kept);
enum store_status redis_join_entry(struct redis_store *redis, struct position id, const redisReply *fields,
                                   int64_t deadline_us, struct buf *joined, struct slice *ret);

/* The view's connection: store_redis_view.c */
enum store_status redis_view_arm(struct redis_store *redis);
void redis_view_pump(struct redis_store *redis);
bool redis_view_ready(const struct store *store);
void redis_view_send(struct store *store);
int64_t redis_view_next_us(const struct redis_store *redis);

/* Between its writes: store_redis_aside.c */
void redis_aside_ask_levels(struct redis_store *redis);
void redis_aside_take(struct redis_store *redis, const redisReply *reply);
bool redis_trim_ready(const struct store *store);
void redis_trim(struct store *store, struct position below);

/* Reading: store_redis_read.c */
enum store_status redis_read_position(struct store *store, const char *key, struct position *ret, bool *ret_there);
enum store_status redis_read_trimmed(struct store *store, struct position *ret);
enum store_status redis_read_last(struct store *store, struct position *ret); /* {0,0}: no entry was ever written */
enum store_status redis_read_mark(struct store *store, struct view_mark *ret);
struct redis_range {
    struct position from, to;
    bool itself; /* `from`, or the next one on */
    uint32_t count;
};
enum store_status redis_read_page(struct store *store, const struct redis_range *range, store_entry_fn *each, void *arg,
                                  uint32_t *ret_n, struct position *ret_last);
enum store_status redis_read_log(struct store *store, struct position from, struct position to, store_entry_fn *each,
                                 void *arg);

/* The same of the view: store_redis_read_view.c */
enum store_status redis_read_view(struct store *store, store_value_fn *each, void *arg);

/* The hash that holds rows of this kind, under their names less `*ret_skip` bytes; NULL: a key of their own. */
const char *redis_row_hash(const struct redis_keys *keys, const struct row_ref *row, uint32_t *ret_skip);

#endif
