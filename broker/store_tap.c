/* SPDX-License-Identifier: Apache-2.0
 * store_tap.c - a cell in Redis for its archive and its hooks, over the Redis store's own
 * connection, keys and paging. */
#include "broker/store_tap.h"

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "broker/store_redis_private.h"
#include "common/clock.h"

enum { PLANT_OUT_MAX = 512 };

struct tap {
    struct store *store;
    struct redis_store *redis; /* the same, as what it is */
    uint32_t planted_out;      /* commands sent, not answered */
    struct pools *planted;     /* where each waiting lead was planted */
    struct buf inputs;         /* not planted yet: they stay together */
    uint32_t n_inputs;         /* planted: such keys */
    uint64_t nonce;
};

enum store_status tap_open(const char *address, const char *cell, struct tap **ret_tap, struct buf *why)
{
    struct store_redis_options options = {.address = address, .cell = cell, .allow_unsafe = true};
    struct store *store = store_redis_new(&options);
    struct redis_store *redis = (struct redis_store *) store;
    char lost[160];
    redis->log = redis_link_open(address, clock_mono_us() + LOAD_PATIENCE_US, lost);
    if (redis->log == NULL) {
        buf_printf(why, "%s", lost);
        store_close(&store);
        return STORE_AWAY;
    }
    struct tap *tap = calloc(1, sizeof *tap);
    if (tap == NULL)
        abort();
    *tap = (struct tap){.store = store, .redis = redis, .planted = pools_new()};
    *ret_tap = tap;
    return STORE_OK;
}

void tap_close(struct tap **tap_p)
{
    if (*tap_p == NULL)
        return;
    store_close(&(*tap_p)->store);
    pools_destroy(&(*tap_p)->planted);
    buf_fini(&(*tap_p)->inputs);
    free(*tap_p);
    *tap_p = NULL;
}

const char *tap_why(const struct tap *tap)
{
    return store_why(tap->store);
}

static void send(struct tap *tap, uint32_t n, const char *const words[])
{
    redis_ask(tap->redis, n, words);
}

static redisReply *answer(struct tap *tap, int type)
{
    return redis_answer(tap->redis, redis_patience_us(tap->redis), type, REDIS_REPLY_NIL);
}

/* ---- reading ------------------------------------------------------------------------ */

enum store_status tap_marks(struct tap *tap, struct tap_marks *ret)
{
    struct view_mark mark;
    bool there;
    *ret = (struct tap_marks){0};
    send(tap, 2, (const char *const[]){"EXISTS", tap->redis->keys.epoch});
    redisReply *reply = answer(tap, REDIS_REPLY_INTEGER);
    if (reply == NULL)
        return tap->store->status;
    const bool exists = reply->integer == 1;
    freeReplyObject(reply);
    if (!exists)
        return store_fail(tap->store, STORE_NO_CELL, "there is no such cell here: `takt cell create` makes it");
    enum store_status status = redis_read_mark(tap->store, &mark);
    ret->view = mark.at;
    if (status == STORE_OK)
        status = redis_read_last(tap->store, &ret->last);
    if (status == STORE_OK)
        status = redis_read_position(tap->store, tap->redis->keys.trimmed, &ret->trimmed, &there);
    if (status == STORE_OK)
        status = redis_read_position(tap->store, tap->redis->keys.archive, &ret->archive, &ret->has_archive);
    return status;
}

struct row_taking {
    struct tap *tap;
    tap_row_fn *each;
    void *arg;
};

static enum store_status take_value(void *arg, struct slice key, struct slice value)
{
    const struct row_taking *taking = arg;
    struct slice rows;
    struct row_ref row;
    uint32_t at = 0;
    const char *wrong = view_value_is_wrong(key, value, &rows);
    if (wrong != NULL)
        return store_fail(taking->tap->store, STORE_DAMAGED, "the view's %.*s %s", (int) key.len, (const char *) key.at,
                          wrong);
    while (row_next(rows, &at, &row) > 0)
        if (!taking->each(taking->arg, &row))
            return STORE_REFUSING;
    return STORE_OK;
}

enum store_status tap_view(struct tap *tap, tap_row_fn *each, void *arg)
{
    struct row_taking taking = {tap, each, arg};
    return redis_read_view(tap->store, take_value, &taking);
}

struct entry_taking {
    struct tap *tap;
    tap_entry_fn *each;
    void *arg;
};

static enum store_status take_entry(void *arg, struct position id, struct slice bytes)
{
    const struct entry_taking *taking = arg;
    struct tap_entry entry = {.id = id, .bytes = bytes};
    const char *wrong = entry_decode(bytes, &entry.entry, &entry.previous);
    if (wrong == NULL && position_compare(id, entry.entry.at) != 0)
        wrong = "it is stored under another id";
    if (wrong != NULL)
        return store_fail(taking->tap->store, STORE_DAMAGED, "log entry %" PRIu64 "-%" PRIu64 ": %s", id.epoch, id.beat,
                          wrong);
    return taking->each(taking->arg, &entry) ? STORE_OK : STORE_REFUSING;
}

enum store_status tap_log(struct tap *tap, struct position from, bool itself, tap_entry_fn *each, void *arg,
                          uint32_t *ret_n)
{
    struct entry_taking taking = {tap, each, arg};
    const struct redis_range range = {from, {INT64_MAX, INT64_MAX}, itself, TAP_PAGE};
    struct position last;
    return redis_read_page(tap->store, &range, take_entry, &taking, ret_n, &last);
}

/* ---- :archive ------------------------------------------------------------------------- */

/* A script, since only that gets in where memory is short: there the broker can trim no further than this says,
 * so without it a full Redis would stay full. */
static const char publish_script[] = "#!lua flags=allow-oom\n"
                                     "redis.call('SET', KEYS[1], ARGV[1])\n"
                                     "return 1\n";

enum store_status tap_publish(struct tap *tap, struct position archived)
{
    char text[48];
    position_text(archived, text);
    send(tap, 5, (const char *const[]){"EVAL", publish_script, "1", tap->redis->keys.archive, text});
    redisReply *reply = answer(tap, REDIS_REPLY_INTEGER);
    if (reply == NULL)
        return tap->store->status;
    freeReplyObject(reply);
    return STORE_OK;
}

enum store_status tap_end_archive(struct tap *tap)
{
    send(tap, 2, (const char *const[]){"DEL", tap->redis->keys.archive});
    redisReply *reply = answer(tap, REDIS_REPLY_INTEGER);
    if (reply == NULL)
        return tap->store->status;
    freeReplyObject(reply);
    return STORE_OK;
}

/* ---- planting --------------------------------------------------------------------------- */

/* A key that must not be there yet. */
static enum store_status plant_new(struct tap *tap, const char *key, const char *text, const char *taken)
{
    send(tap, 4, (const char *const[]){"SET", key, text, "NX"});
    redisReply *reply = answer(tap, REDIS_REPLY_STATUS);
    if (reply == NULL)
        return tap->store->status;
    const bool is_new = reply->type == REDIS_REPLY_STATUS;
    freeReplyObject(reply);
    return is_new ? STORE_OK : store_fail(tap->store, STORE_REFUSING, "%s", taken);
}

/* :trimmed comes first: if the restore is cut off, what remains is never taken for a place with nothing in it. */
enum store_status tap_plant_begin(struct tap *tap)
{
    char pattern[KEY_MAX + 8], cursor[24] = "0";
    const struct redis_keys *keys = &tap->redis->keys;
    bool found = false;
    clock_random(&tap->nonce, sizeof tap->nonce);
    send(tap, 2, (const char *const[]){"EXISTS", keys->epoch});
    redisReply *reply = answer(tap, REDIS_REPLY_INTEGER);
    if (reply == NULL)
        return tap->store->status;
    found = reply->integer != 0;
    freeReplyObject(reply);
    if (found)
        return store_fail(tap->store, STORE_REFUSING, "the cell is here already: restore into a Redis that lacks it");
    snprintf(pattern, sizeof pattern, "%s*", keys->prefix);
    do {
        send(tap, 6, (const char *const[]){"SCAN", cursor, "MATCH", pattern, "COUNT", "1000"});
        if ((reply = answer(tap, REDIS_REPLY_ARRAY)) == NULL)
            return tap->store->status;
        found = reply->elements == 2 && reply->element[1]->elements > 0;
        snprintf(cursor, sizeof cursor, "%s", reply->elements == 2 ? reply->element[0]->str : "0");
        freeReplyObject(reply);
    } while (!found && strcmp(cursor, "0") != 0);
    if (found)
        return store_fail(tap->store, STORE_REFUSING,
                          "keys of the cell are here, left by a restore that was cut off or by hand: empty this Redis");
    return plant_new(tap, keys->trimmed, "0-0", "another restore of this cell is going on");
}

static enum store_status settle(struct tap *tap, uint32_t most)
{
    while (tap->planted_out > most) {
        redisReply *reply = redis_link_wait(tap->redis->log, redis_patience_us(tap->redis));
        if (reply == NULL || reply->type == REDIS_REPLY_ERROR) {
            redis_fail(tap->redis, tap->redis->log, reply);
            if (reply != NULL)
                freeReplyObject(reply);
            return tap->store->status;
        }
        freeReplyObject(reply);
        tap->planted_out--;
    }
    return STORE_OK;
}

enum { SET_KEY_MAX = KEY_MAX + 2 * NAME_BYTES_MAX + 16 };

static void name_set(const struct tap *tap, uint32_t pool, char key[SET_KEY_MAX])
{
    snprintf(key, SET_KEY_MAX, "%spool:%s", tap->redis->keys.prefix, pools_name(tap->planted, pool));
}

/* An image may hold a lead twice, once waiting and a moment later elsewhere: the last row says where it is. */
static enum store_status plant_places(struct tap *tap, const struct row_ref *row, const char *member)
{
    struct lead_glance glance;
    char key[SET_KEY_MAX], score[40];
    if (row->key.len != 16 || !lead_glance(row->payload, &glance))
        return store_fail(tap->store, STORE_DAMAGED, "the archive holds a lead that is none");
    const uint32_t before = pools_of(tap->planted, row->key.at);
    const uint32_t now = glance.waiting ? pools_number(tap->planted, glance.pool_name) : 0;
    pools_set(tap->planted, row->key.at, now);
    if (before != 0 && before != now) {
        name_set(tap, before, key);
        send(tap, 3, (const char *const[]){"ZREM", key, member});
        tap->planted_out++;
    }
    if (now != 0) {
        name_set(tap, now, key);
        snprintf(score, sizeof score, "%.17g", glance.rank);
        send(tap, 4, (const char *const[]){"ZADD", key, score, member});
        tap->planted_out++;
    }
    return STORE_OK;
}

/* Under names that no entry of a log has: epochs begin with 1. What a broker writes never falls on them. */
static void plant_inputs(struct tap *tap)
{
    struct redis_link *link = tap->redis->log;
    char key[KEY_MAX + 32];
    if (tap->inputs.len == 0)
        return;
    const uint64_t check = htole64(entry_check(tap->inputs.at, tap->inputs.len));
    snprintf(key, sizeof key, "%s" VIEW_INPUTS "0-0-%u", tap->redis->keys.prefix, tap->n_inputs++);
    redis_link_command(link, 3);
    redis_link_text(link, "SET");
    redis_link_text(link, key);
    redis_link_arg2(link, tap->inputs.at, tap->inputs.len, &check, sizeof check);
    tap->planted_out++;
    tap->inputs.len = 0;
}

static enum store_status plant_input(struct tap *tap, const struct row_ref *row)
{
    if (tap->inputs.len + row->whole.len > TOGETHER_BYTES_MAX)
        plant_inputs(tap);
    buf_add(&tap->inputs, row->whole.at, row->whole.len);
    return settle(tap, PLANT_OUT_MAX);
}

enum store_status tap_plant_row(struct tap *tap, const struct row_ref *row)
{
    static const size_t lead_prefix = sizeof "lead:" - 1;
    if (row->type == ROW_INPUT)
        return plant_input(tap, row);
    struct redis_link *link = tap->redis->log;
    const struct redis_keys *keys = &tap->redis->keys;
    char key[VIEW_KEY_MAX + 1];
    const uint32_t len = view_key(row, key);
    const uint64_t check = htole64(entry_check(row->whole.at, row->whole.len));
    uint32_t skip;
    const char *hash = redis_row_hash(keys, row, &skip);
    key[len] = '\0';
    redis_link_command(link, hash != NULL ? 4 : 3);
    redis_link_text(link, hash != NULL ? "HSET" : "SET");
    if (hash != NULL)
        redis_link_text(link, hash);
    redis_link_arg2(link, keys->prefix, hash != NULL ? 0 : strlen(keys->prefix), key + skip, len - skip);
    redis_link_arg2(link, row->whole.at, row->whole.len, &check, sizeof check);
    tap->planted_out++;
    if (row->type == ROW_LEAD && plant_places(tap, row, key + lead_prefix) != STORE_OK)
        return tap->store->status;
    return settle(tap, PLANT_OUT_MAX);
}

enum store_status tap_plant_entry(struct tap *tap, struct position id, struct slice bytes)
{
    char text[48];
    position_text(id, text);
    redis_link_command(tap->redis->log, 5);
    redis_link_text(tap->redis->log, "XADD");
    redis_link_text(tap->redis->log, tap->redis->keys.log);
    redis_link_text(tap->redis->log, text);
    redis_link_text(tap->redis->log, "entry");
    redis_link_arg(tap->redis->log, bytes.at, bytes.len);
    tap->planted_out++;
    return settle(tap, PLANT_OUT_MAX / 16);
}

static void plant_text(struct tap *tap, const char *key, const char *text)
{
    send(tap, 3, (const char *const[]){"SET", key, text});
    tap->planted_out++;
}

/* :epoch comes last and alone: before it there is no cell. A nonce of its own, so that no broker of the
 * lost Redis takes this for what it knew. */
enum store_status tap_plant_end(struct tap *tap, struct position view, struct position first, struct position last)
{
    char at[48], text[80];
    plant_inputs(tap);
    position_text(first, at);
    plant_text(tap, tap->redis->keys.trimmed, at);
    position_text(view, at);
    snprintf(text, sizeof text, "%s 1", at);
    if (view.epoch > 0)
        plant_text(tap, tap->redis->keys.view, text);
    if (settle(tap, 0) != STORE_OK)
        return tap->store->status;
    snprintf(text, sizeof text, "%" PRIu64 ":%016" PRIx64, last.epoch, tap->nonce);
    return plant_new(tap, tap->redis->keys.epoch, text,
                     "the cell was created while it was restored: empty this Redis and restore it again");
}
