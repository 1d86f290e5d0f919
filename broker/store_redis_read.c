/* SPDX-License-Identifier: Apache-2.0
 * store_redis_read.c - marks and log of a cell out of Redis, in pages: for loading,
 * and for readers without a fence (fsck, explain). The view is read in
 * store_redis_read_view.c. */
#include "broker/store_redis_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

enum { READ_ENTRIES = 16 };

static struct redis_store *redis_of(struct store *store)
{
    return (struct redis_store *) store;
}

enum store_status redis_read_position(struct store *store, const char *key, struct position *ret, bool *ret_there)
{
    struct redis_store *redis = redis_of(store);
    *ret = (struct position){0};
    redis_ask(redis, 2, (const char *const[]){"GET", key});
    redisReply *reply = redis_answer(redis, redis_patience_us(redis), REDIS_REPLY_STRING, REDIS_REPLY_NIL);
    if (reply == NULL)
        return store->status;
    enum store_status status = STORE_OK;
    *ret_there = reply->type == REDIS_REPLY_STRING;
    if (*ret_there && !position_parse(reply->str, reply->len, ret))
        status = store_fail(store, STORE_DAMAGED, "%s holds no position", key);
    freeReplyObject(reply);
    return status;
}

enum store_status redis_read_trimmed(struct store *store, struct position *ret)
{
    bool there;
    return redis_read_position(store, redis_of(store)->keys.trimmed, ret, &there);
}

/* Of the entry that was the last to be written, whether it is still there or not. */
enum store_status redis_read_last(struct store *store, struct position *ret)
{
    struct redis_store *redis = redis_of(store);
    *ret = (struct position){0};
    redis_ask(redis, 3, (const char *const[]){"XINFO", "STREAM", redis->keys.log});
    redisReply *reply = redis_answer(redis, redis_patience_us(redis), REDIS_REPLY_ARRAY, REDIS_REPLY_ERROR);
    if (reply == NULL)
        return store->status;
    enum store_status status = STORE_OK;
    const redisReply *last = reply->type == REDIS_REPLY_ARRAY ? redis_field(reply, "last-generated-id") : NULL;
    if (reply->type == REDIS_REPLY_ERROR && !redis_is_no_key(reply))
        status = redis_fail(redis, redis->log, reply);
    else if (last != NULL && !position_parse(last->str, last->len, ret))
        status = store_fail(store, STORE_DAMAGED, "%s ends with no position", redis->keys.log);
    freeReplyObject(reply);
    return status;
}

/* "<epoch>-<beat> <writes>"; no key: nothing was written yet. */
enum store_status redis_read_mark(struct store *store, struct view_mark *ret)
{
    struct redis_store *redis = redis_of(store);
    *ret = (struct view_mark){0};
    redis_ask(redis, 2, (const char *const[]){"GET", redis->keys.view});
    redisReply *reply = redis_answer(redis, redis_patience_us(redis), REDIS_REPLY_STRING, REDIS_REPLY_NIL);
    if (reply == NULL)
        return store->status;
    enum store_status status = STORE_OK;
    if (reply->type == REDIS_REPLY_STRING) {
        const char *space = strchr(reply->str, ' ');
        if (space == NULL || !position_parse(reply->str, (size_t) (space - reply->str), &ret->at))
            status = store_fail(store, STORE_DAMAGED, "%s holds no position", redis->keys.view);
        else
            ret->writes = strtoull(space + 1, NULL, 10);
    }
    freeReplyObject(reply);
    return status;
}

/* ---- the log -------------------------------------------------------------------- */

static enum store_status read_entry(struct redis_store *redis, const redisReply *entry, struct position *ret_id,
                                    store_entry_fn *each, void *arg)
{
    struct buf joined = {0};
    struct slice bytes;
    if (entry->elements != 2 || !position_parse(entry->element[0]->str, entry->element[0]->len, ret_id))
        return store_fail(&redis->base, STORE_DAMAGED, "%s holds what is no entry", redis->keys.log);
    enum store_status status =
        redis_join_entry(redis, *ret_id, entry->element[1], redis_patience_us(redis), &joined, &bytes);
    if (status == STORE_OK)
        status = each(arg, *ret_id, bytes);
    buf_fini(&joined);
    return status;
}

enum store_status redis_read_page(struct store *store, const struct redis_range *range, store_entry_fn *each, void *arg,
                                  uint32_t *ret_n, struct position *ret_last)
{
    struct redis_store *redis = redis_of(store);
    char begin[49] = "(", end[48], count[16];
    position_text(range->from, begin + (range->itself ? 0 : 1));
    position_text(range->to, end);
    snprintf(count, sizeof count, "%u", range->count);
    const char *const words[] = {"XRANGE", redis->keys.log, begin, end, "COUNT", count};
    redis_link_command(redis->log, sizeof words / sizeof *words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        redis_link_text(redis->log, words[i]);
    redisReply *reply = redis_answer(redis, redis_patience_us(redis), REDIS_REPLY_ARRAY, REDIS_REPLY_ARRAY);
    if (reply == NULL)
        return store->status;
    enum store_status status = STORE_OK;
    *ret_n = (uint32_t) reply->elements;
    for (size_t i = 0; i < reply->elements && status == STORE_OK; i++)
        status = read_entry(redis, reply->element[i], ret_last, each, arg);
    freeReplyObject(reply);
    return status;
}

enum store_status redis_read_log(struct store *store, struct position from, struct position to, store_entry_fn *each,
                                 void *arg)
{
    struct redis_range range = {from, to, true, READ_ENTRIES};
    enum store_status status = STORE_OK;
    for (uint32_t n = READ_ENTRIES; n == READ_ENTRIES && status == STORE_OK; range.itself = false)
        status = redis_read_page(store, &range, each, arg, &n, &range.from);
    return status;
}

enum store_status store_redis_read(const struct store_redis_options *options, store_row_fn *each, void *arg,
                                   struct buf *why)
{
    struct store *store = store_redis_new(options);
    struct redis_store *redis = redis_of(store);
    const int64_t deadline_us = clock_mono_us() + OPEN_PATIENCE_US;
    struct store_head head = {0};
    char lost[160];
    /* No check of the configuration: reading endangers nothing and may be all one is allowed. */
    redis->log = redis_link_open(redis->address, deadline_us, lost);
    enum store_status status =
        redis->log == NULL ? store_fail(store, STORE_AWAY, "%s", lost) : store->ops->head(store, deadline_us, &head);
    if (status == STORE_OK)
        status = store_walk(store, (struct position){INT64_MAX, INT64_MAX}, each, arg);
    if (status != STORE_OK && why != NULL)
        buf_printf(why, "%s", store_why(store));
    buf_fini(&head.last);
    store_close(&store);
    return status;
}
