/* SPDX-License-Identifier: Apache-2.0
 * store_redis_view.c - the view's writes: rows, sorted sets and mark in one
 * transaction, on a connection of their own, so that they never stand before a
 * beat.
 *
 * They are fenced as the log's appends are (redis_fence.h): at most one is out,
 * and a takeover in between voids it.
 *
 * The rows that many leads have when they first get here lie together, as their
 * inputs do: a key is the dearest part of a row. Such a value is never written
 * again. What a lead becomes later is a key of its own, and that goes before it;
 * so does one that waits, since readers look at row and sorted set together
 * (docs/adr/0015-first-rows.md). */
#include "broker/store_redis_private.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    REST_US = 1000 * 1000,
    FIRSTS_MIN = 64, /* fewer are keys of their own: each value stays for ever, whatever becomes of its leads */
};

static struct redis_store *redis_of(struct store *store)
{
    return (struct redis_store *) store;
}

/* ---- the commands of a write ---------------------------------------------------- */

static void add_value(struct redis_store *redis, const struct row_ref *row)
{
    const uint64_t check = htole64(entry_check(row->whole.at, row->whole.len));
    if (row->type == ROW_INPUT) /* many; they are ours until the write stands, or the connection is closed */
        redis_link_lend(redis->view, row->whole.at, row->whole.len, &check, sizeof check);
    else
        redis_link_arg2(redis->view, row->whole.at, row->whole.len, &check, sizeof check);
}

const char *redis_row_hash(const struct redis_keys *keys, const struct row_ref *row, uint32_t *ret_skip)
{
    *ret_skip = row->type == ROW_POLICY ? REDIS_POLICY_SKIP : 0;
    const bool counts =
        row->type == ROW_PROGRAMME || row->type == ROW_CELL || row->type == ROW_METER || row->type == ROW_TURN;
    return row->type == ROW_POLICY ? keys->policy : counts ? keys->counters : NULL;
}

static bool may_lie_together(const struct view_write *write, uint32_t i)
{
    return write->rows[i].fresh && write->pools_after[i] == 0;
}

struct firsts {          /* a value of them */
    uint32_t first;      /* its first row's number in the write */
    uint32_t begin, end; /* bytes of redis->first_rows */
};

static const struct firsts *firsts_of(const struct redis_store *redis, uint32_t *ret_n)
{
    *ret_n = (uint32_t) (redis->firsts.len / sizeof(struct firsts));
    return (const struct firsts *) (const void *) redis->firsts.at;
}

static void end_firsts(struct redis_store *redis, struct firsts *value)
{
    struct buf *rows = &redis->first_rows;
    if (rows->len == value->begin)
        return;
    const uint64_t check = htole64(entry_check(rows->at + value->begin, rows->len - value->begin));
    buf_add(rows, &check, sizeof check);
    value->end = (uint32_t) rows->len;
    buf_add(&redis->firsts, value, sizeof *value);
}

/* They are sent from where they are put: only one write is out. */
static void gather_firsts(struct redis_store *redis)
{
    const struct view_write *write = &redis->base.write;
    struct firsts value = {0};
    uint32_t n = 0;
    redis->first_rows.len = redis->firsts.len = 0;
    for (uint32_t i = 0; i < write->n; i++)
        n += may_lie_together(write, i);
    for (uint32_t i = 0; n >= FIRSTS_MIN && i < write->n; i++) {
        const struct slice row = write->rows[i].row.whole;
        if (!may_lie_together(write, i))
            continue;
        if (redis->first_rows.len - value.begin + row.len > TOGETHER_BYTES_MAX) {
            end_firsts(redis, &value);
            value.begin = (uint32_t) redis->first_rows.len;
        }
        if (redis->first_rows.len == value.begin)
            value.first = i;
        buf_add(&redis->first_rows, row.at, row.len);
    }
    end_firsts(redis, &value);
}

/* A command each, as with the inputs of an entry. */
static uint32_t add_firsts(struct redis_store *redis)
{
    uint32_t n;
    const struct firsts *values = firsts_of(redis, &n);
    char key[VIEW_KEY_MAX];
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t len = view_firsts_key(&redis->base.write.rows[values[i].first], key);
        redis_link_command(redis->view, 3);
        redis_link_text(redis->view, "SET");
        redis_link_arg2(redis->view, redis->keys.prefix, strlen(redis->keys.prefix), key, len);
        redis_link_lend(redis->view, redis->first_rows.at + values[i].begin, values[i].end - values[i].begin, NULL, 0);
    }
    return n;
}

/* Is this one of the rows that the command is about? */
static bool is_told(const struct redis_store *redis, uint32_t i, const char *hash, bool gone, uint32_t *ret_skip)
{
    const struct view_write *write = &redis->base.write;
    const struct row_ref *row = &write->rows[i].row;
    return redis_row_hash(&redis->keys, row, ret_skip) == hash && row_is_gone(row) == gone &&
           (redis->firsts.len == 0 || !may_lie_together(write, i));
}

/* MSET of the rows with a key of their own, or HSET of those in `hash`; DEL or HDEL of those that are `gone`. */
static uint32_t add_rows(struct redis_store *redis, const char *hash, bool gone)
{
    const struct view_write *write = &redis->base.write;
    char key[VIEW_KEY_MAX];
    uint32_t n = 0, skip;
    for (uint32_t i = 0; i < write->n; i++)
        n += is_told(redis, i, hash, gone, &skip);
    if (n == 0)
        return 0;
    redis_link_command(redis->view, (gone ? n : 2 * n) + (hash != NULL ? 2 : 1));
    redis_link_text(redis->view, hash != NULL ? (gone ? "HDEL" : "HSET") : gone ? "DEL" : "MSET");
    if (hash != NULL)
        redis_link_text(redis->view, hash);
    const char *prefix = hash != NULL ? "" : redis->keys.prefix;
    for (uint32_t i = 0; i < write->n; i++) {
        const struct row_ref *row = &write->rows[i].row;
        if (!is_told(redis, i, hash, gone, &skip))
            continue;
        const uint32_t len = view_place_key(&write->rows[i], key);
        redis_link_arg2(redis->view, prefix, strlen(prefix), key + skip, len - skip);
        if (!gone)
            add_value(redis, row);
    }
    return 1;
}

static void add_score(struct redis_store *redis, double score)
{
    char text[40];
    if (fabs(score) < 1e15 && score == (double) (int64_t) score)
        snprintf(text, sizeof text, "%" PRId64, (int64_t) score);
    else
        snprintf(text, sizeof text, "%.17g", score);
    redis_link_text(redis->view, text);
}

static void add_member(struct redis_store *redis, uint32_t i)
{
    static const size_t prefix_len = sizeof "lead:" - 1;
    char key[VIEW_KEY_MAX];
    const uint32_t len = view_key(&redis->base.write.rows[i].row, key);
    redis_link_arg(redis->view, key + prefix_len, len - prefix_len);
}

static void begin_pool(struct redis_store *redis, const char *verb, uint32_t n_args, uint32_t pool)
{
    char key[KEY_MAX + 2 * NAME_BYTES_MAX + 16];
    const int len = snprintf(key, sizeof key, "%spool:%s", redis->keys.prefix, pools_name(redis->base.pools, pool));
    assert(len > 0 && (size_t) len < sizeof key);
    redis_link_command(redis->view, 2 + n_args);
    redis_link_text(redis->view, verb);
    redis_link_arg(redis->view, key, (size_t) len);
}

/* One ZREM for each pool that is left, or one ZADD for each that is entered or kept. `pools` says which, per row; the
 * rows of one pool are chained first, so that many pools cost no more than few. */
static uint32_t add_pools(struct redis_store *redis, const uint32_t *pools, const uint32_t *others, bool adding)
{
    const struct view_write *write = &redis->base.write;
    uint32_t next[VIEW_ROWS_MAX] = {0}, commands = 0; /* next: a row's number + 1; 0: none */
    uint32_t *firsts = calloc(pools_count(redis->base.pools) + 1, sizeof *firsts);
    if (firsts == NULL)
        abort();
    for (uint32_t i = write->n; i-- > 0;) {
        if (pools[i] == 0 || (!adding && pools[i] == others[i]))
            continue;
        next[i] = firsts[pools[i]];
        firsts[pools[i]] = i + 1;
    }
    for (uint32_t i = 0; i < write->n; i++) {
        if (firsts[pools[i]] != i + 1)
            continue;
        uint32_t n = 0;
        for (uint32_t row = i + 1; row > 0; row = next[row - 1])
            n++;
        begin_pool(redis, adding ? "ZADD" : "ZREM", adding ? 2 * n : n, pools[i]);
        for (uint32_t row = i + 1; row > 0; row = next[row - 1]) {
            if (adding)
                add_score(redis, write->ranks[row - 1]);
            add_member(redis, row - 1);
        }
        commands++;
    }
    free(firsts);
    return commands;
}

void redis_view_send(struct store *store)
{
    struct redis_store *redis = redis_of(store);
    const struct view_write *write = &store->write;
    char at[48], mark[80];
    position_text(write->mark.at, at);
    snprintf(mark, sizeof mark, "%s %" PRIu64, at, write->mark.writes);
    gather_firsts(redis);
    redis_fence_begin(&redis->view_fence);
    uint32_t commands = add_firsts(redis) + add_rows(redis, NULL, false) +
                        add_rows(redis, redis->keys.counters, false) + add_rows(redis, redis->keys.policy, false);
    commands += add_rows(redis, NULL, true) + add_rows(redis, redis->keys.counters, true);
    commands += add_pools(redis, write->pools_before, write->pools_after, false);
    commands += add_pools(redis, write->pools_after, write->pools_before, true);
    redis_link_command(redis->view, 3);
    redis_link_text(redis->view, "SET");
    redis_link_text(redis->view, redis->keys.view);
    redis_link_text(redis->view, mark);
    redis_fence_end(&redis->view_fence, commands + 1);
    redis->view_sent_us = store->now_us;
    if (!redis_link_move(redis->view))
        redis_fail(redis, redis->view, NULL);
}

/* ---- the answers ---------------------------------------------------------------- */

enum store_status redis_view_arm(struct redis_store *redis)
{
    redis->aside = ASIDE_NONE;
    redis->view_resting = false;
    redis->view_fence =
        (struct redis_fence){.link = redis->view, .epoch_key = redis->keys.epoch, .epoch_text = redis->epoch_text};
    redis_fence_arm(&redis->view_fence);
    redis->view_sent_us = 0; /* the clock of the next pump counts */
    return redis_link_move(redis->view) ? STORE_OK : redis_fail(redis, redis->view, NULL);
}

static void take_answer(struct redis_store *redis, const redisReply *reply)
{
    const redisReply *culprit;
    if (redis->view_fence.phase == FENCE_READY) {
        if (redis->aside != ASIDE_NONE)
            redis_aside_take(redis, reply);
        else
            redis_fail(redis, redis->view, reply);
        return;
    }
    switch (redis_fence_take(&redis->view_fence, reply, &culprit)) {
    case FENCE_WAITS:
    case FENCE_ARMED:
        break;
    case FENCE_STANDS:
        store_view_stood(&redis->base);
        break;
    case FENCE_REFUSED:
        store_view_failed(&redis->base);
        redis->view_resting = true;
        redis->rest_us = redis->base.now_us + REST_US;
        break;
    case FENCE_TAKEN:
        store_fail(&redis->base, STORE_FENCED, "another broker took over: a write of the view was void");
        break;
    case FENCE_BROKEN:
        redis_fail(redis, redis->view, culprit);
        break;
    }
}

/* ---- its turn in the loop ------------------------------------------------------- */

static bool is_waiting(const struct redis_store *redis)
{
    return redis->aside != ASIDE_NONE || redis->view_fence.phase != FENCE_READY;
}

void redis_view_pump(struct redis_store *redis)
{
    struct store *store = &redis->base;
    const bool there = redis_link_move(redis->view);
    redisReply *reply;
    if (redis->view_sent_us == 0)
        redis->view_sent_us = store->now_us;
    while (store->status == STORE_OK && (reply = redis_link_take(redis->view)) != NULL) {
        take_answer(redis, reply);
        freeReplyObject(reply);
    }
    if (store->status != STORE_OK)
        return;
    if (!there) {
        redis_fail(redis, redis->view, NULL);
        return;
    }
    if (is_waiting(redis)) {
        if (store->now_us - redis->view_sent_us > REPLY_PATIENCE_US)
            store_fail(store, STORE_AWAY, "no answer to a write of the view for %d ms", REPLY_PATIENCE_US / 1000);
        return;
    }
    redis->view_resting = redis->view_resting && store->now_us < redis->rest_us;
    if (store->now_us < redis->levels_us)
        return;
    redis_aside_ask_levels(redis);
    if (!redis_link_move(redis->view))
        redis_fail(redis, redis->view, NULL);
}

bool redis_view_ready(const struct store *store)
{
    const struct redis_store *redis = (const struct redis_store *) store;
    return redis->view_fence.phase == FENCE_READY && !redis->view_resting && redis->aside == ASIDE_NONE;
}

int64_t redis_view_next_us(const struct redis_store *redis)
{
    if (is_waiting(redis))
        return redis->view_sent_us + REPLY_PATIENCE_US + 1;
    return redis->view_resting && redis->rest_us < redis->levels_us ? redis->rest_us : redis->levels_us;
}
