/* SPDX-License-Identifier: Apache-2.0
 * store_redis_private.h - what the parts of the Redis store share: keys, the two
 * connections, what an answer means. docs/KEYS.md describes each key. */
#ifndef TAKT_BROKER_STORE_REDIS_PRIVATE_H
#define TAKT_BROKER_STORE_REDIS_PRIVATE_H

#include "broker/redis_link.h"
#include "broker/store_private.h"

enum { KEY_MAX = 64, CELL_MAX = 32 };

struct redis_keys {
    char prefix[KEY_MAX]; /* "{cell}:" */
    char epoch[KEY_MAX], last[KEY_MAX], log[KEY_MAX], leader[KEY_MAX];
    char view[KEY_MAX], due[KEY_MAX], counters[KEY_MAX];
};

enum view_phase {
    VIEW_OFF,    /* not armed */
    VIEW_ARMING, /* WATCH and GET are out */
    VIEW_READY,  /* :epoch is ours, and watched since we saw it */
    VIEW_WRITING,
    VIEW_RESTING, /* the server refused a write of the view: again after rest_us */
};

struct redis_store {
    struct store base;
    char *address, *broker_id;
    bool allow_unsafe;
    struct redis_keys keys;
    struct redis_link *log, *view;
    char fence[48];      /* SHA1 of the fence script, as the server named it */
    char epoch_text[48]; /* what :epoch holds while the cell is ours */
    enum view_phase phase;
    uint32_t view_answers, view_answers_max; /* to what is out on the view's connection */
    bool view_refused, info_out;
    int64_t view_sent_us, rest_us, info_us;
};

/* "12-7" and back. False: it is no such text. */
void position_text(struct position at, char to[48]);
bool position_parse(const char *text, size_t len, struct position *ret);

/* Fail by what the server said, or by the lost connection when reply is NULL. */
enum store_status redis_fail(struct redis_store *redis, const struct redis_link *link, const redisReply *reply);

/* The view's connection: store_redis_view.c */
enum store_status redis_view_arm(struct store *store);
void redis_view_pump(struct redis_store *redis);
bool redis_view_ready(const struct store *store);
void redis_view_send(struct store *store);
int64_t redis_view_next_us(const struct redis_store *redis);

/* Reading: store_redis_read.c */
enum store_status redis_read_mark(struct store *store, struct view_mark *ret);
enum store_status redis_read_view(struct store *store, store_value_fn *each, void *arg);
enum store_status redis_read_log(struct store *store, struct position from, struct position to, store_entry_fn *each,
                                 void *arg);

#endif
