/* SPDX-License-Identifier: Apache-2.0
 * store_redis_read.c - everything of a cell out of Redis, in pages: for loading,
 * and for readers without a fence (fsck, explain).
 *
 * Rows are found by SCAN, never by rank in a sorted set: members that leave while
 * one pages by rank make it skip others. SCAN may name a key twice, which does no
 * harm, and misses none that is there all the time; one that comes meanwhile is
 * in the log behind the view's mark, which is read first. */
#include "broker/store_redis_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

enum { SCAN_KEYS = 1000, READ_ROWS = 500, READ_ENTRIES = 16 };

/* Rows of these kinds, in this order: what a lead refers to comes before it. */
static const char *const kinds[] = {"agent:", "import:", "input:", "lead:"};
enum { N_KINDS = sizeof kinds / sizeof *kinds };

static struct redis_store *redis_of(struct store *store)
{
    return (struct redis_store *) store;
}

/* One answer of this type, or fail. */
static redisReply *answer(struct redis_store *redis, int type)
{
    redisReply *reply = redis_link_wait(redis->log, clock_mono_us() + redis->base.read_patience_us);
    if (reply != NULL && reply->type == type)
        return reply;
    redis_fail(redis, redis->log, reply);
    if (reply != NULL)
        freeReplyObject(reply);
    return NULL;
}

/* "<epoch>-<beat> <writes>"; no key: nothing was written yet. */
enum store_status redis_read_mark(struct store *store, struct view_mark *ret)
{
    struct redis_store *redis = redis_of(store);
    redis_link_command(redis->log, 2);
    redis_link_text(redis->log, "GET");
    redis_link_text(redis->log, redis->keys.view);
    redisReply *reply = redis_link_wait(redis->log, clock_mono_us() + redis->base.read_patience_us);
    enum store_status status = STORE_OK;
    *ret = (struct view_mark){0};
    if (reply == NULL || (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_NIL)) {
        status = redis_fail(redis, redis->log, reply);
    } else if (reply->type == REDIS_REPLY_STRING) {
        const char *space = strchr(reply->str, ' ');
        if (space == NULL || !position_parse(reply->str, (size_t) (space - reply->str), &ret->at))
            status = store_fail(store, STORE_DAMAGED, "%s holds no position", redis->keys.view);
        else
            ret->writes = strtoull(space + 1, NULL, 10);
    }
    if (reply != NULL)
        freeReplyObject(reply);
    return status;
}

/* ---- the view ------------------------------------------------------------------- */

struct names {       /* keys of one kind, without the cell's prefix */
    struct buf text; /* one after the other */
    struct buf lens; /* of uint16_t */
};

static void sort_in(struct names names[N_KINDS], const char *name, size_t len)
{
    for (int i = 0; i < N_KINDS; i++) {
        const size_t kind_len = strlen(kinds[i]);
        if (len < kind_len || memcmp(name, kinds[i], kind_len) != 0)
            continue;
        const uint16_t short_len = (uint16_t) len;
        buf_add(&names[i].text, name, len);
        buf_add(&names[i].lens, &short_len, sizeof short_len);
        return;
    }
}

static enum store_status scan(struct redis_store *redis, struct names names[N_KINDS])
{
    char pattern[KEY_MAX + 1], cursor[24] = "0";
    const size_t prefix_len = strlen(redis->keys.prefix);
    snprintf(pattern, sizeof pattern, "%s*", redis->keys.prefix);
    do {
        char count[16];
        snprintf(count, sizeof count, "%d", SCAN_KEYS);
        redis_link_command(redis->log, 6);
        redis_link_text(redis->log, "SCAN");
        redis_link_text(redis->log, cursor);
        redis_link_text(redis->log, "MATCH");
        redis_link_text(redis->log, pattern);
        redis_link_text(redis->log, "COUNT");
        redis_link_text(redis->log, count);
        redisReply *reply = answer(redis, REDIS_REPLY_ARRAY);
        if (reply == NULL)
            return redis->base.status;
        snprintf(cursor, sizeof cursor, "%s", reply->element[0]->str);
        const redisReply *keys = reply->element[1];
        for (size_t i = 0; i < keys->elements; i++)
            if (keys->element[i]->len > prefix_len && keys->element[i]->len < UINT16_MAX)
                sort_in(names, keys->element[i]->str + prefix_len, keys->element[i]->len - prefix_len);
        freeReplyObject(reply);
    } while (strcmp(cursor, "0") != 0);
    return STORE_OK;
}

/* MGET of the next rows and their way to `each`. */
static enum store_status read_page(struct redis_store *redis, const uint8_t *text, const uint16_t *lens, uint32_t n,
                                   store_value_fn *each, void *arg)
{
    redis_link_command(redis->log, 1 + n);
    redis_link_text(redis->log, "MGET");
    const uint8_t *at = text;
    for (uint32_t i = 0; i < n; at += lens[i++])
        redis_link_arg2(redis->log, redis->keys.prefix, strlen(redis->keys.prefix), at, lens[i]);
    redisReply *reply = answer(redis, REDIS_REPLY_ARRAY);
    if (reply == NULL)
        return redis->base.status;
    enum store_status status = STORE_OK;
    at = text;
    for (uint32_t i = 0; i < n && i < reply->elements && status == STORE_OK; at += lens[i++]) {
        const redisReply *value = reply->element[i];
        if (value->type == REDIS_REPLY_STRING)
            status = each(arg, (struct slice){at, lens[i]},
                          (struct slice){(const uint8_t *) value->str, (uint32_t) value->len});
        else
            status =
                store_fail(&redis->base, STORE_DAMAGED, "the view's %.*s is no row", (int) lens[i], (const char *) at);
    }
    freeReplyObject(reply);
    return status;
}

static enum store_status read_names(struct redis_store *redis, const struct names *names, store_value_fn *each,
                                    void *arg)
{
    const uint16_t *lens = (const uint16_t *) (const void *) names->lens.at;
    const uint8_t *text = names->text.at;
    const size_t n_names = names->lens.len / sizeof *lens;
    for (size_t done = 0; done < n_names;) {
        const uint32_t n = n_names - done < READ_ROWS ? (uint32_t) (n_names - done) : READ_ROWS;
        const enum store_status status = read_page(redis, text, lens + done, n, each, arg);
        if (status != STORE_OK)
            return status;
        for (uint32_t i = 0; i < n; i++)
            text += lens[done + i];
        done += n;
    }
    return STORE_OK;
}

static enum store_status read_counters(struct redis_store *redis, store_value_fn *each, void *arg)
{
    redis_link_command(redis->log, 2);
    redis_link_text(redis->log, "HGETALL"); /* one field a programme: few */
    redis_link_text(redis->log, redis->keys.counters);
    redisReply *reply = answer(redis, REDIS_REPLY_ARRAY);
    if (reply == NULL)
        return redis->base.status;
    enum store_status status = STORE_OK;
    for (size_t i = 0; i + 1 < reply->elements && status == STORE_OK; i += 2) {
        const redisReply *name = reply->element[i], *value = reply->element[i + 1];
        status = each(arg, (struct slice){(const uint8_t *) name->str, (uint32_t) name->len},
                      (struct slice){(const uint8_t *) value->str, (uint32_t) value->len});
    }
    freeReplyObject(reply);
    return status;
}

enum store_status redis_read_view(struct store *store, store_value_fn *each, void *arg)
{
    struct redis_store *redis = redis_of(store);
    struct names names[N_KINDS] = {0};
    enum store_status status = read_counters(redis, each, arg);
    if (status == STORE_OK)
        status = scan(redis, names);
    for (int i = 0; i < N_KINDS; i++) {
        if (status == STORE_OK)
            status = read_names(redis, &names[i], each, arg);
        buf_fini(&names[i].text);
        buf_fini(&names[i].lens);
    }
    return status;
}

/* ---- the log -------------------------------------------------------------------- */

static enum store_status read_entry(struct redis_store *redis, const redisReply *entry, struct position *ret_id,
                                    store_entry_fn *each, void *arg)
{
    if (entry->elements != 2 || entry->element[1]->elements != 2 ||
        !position_parse(entry->element[0]->str, entry->element[0]->len, ret_id))
        return store_fail(&redis->base, STORE_DAMAGED, "%s holds what is no entry", redis->keys.log);
    const redisReply *bytes = entry->element[1]->element[1];
    return each(arg, *ret_id, (struct slice){(const uint8_t *) bytes->str, (uint32_t) bytes->len});
}

enum store_status redis_read_log(struct store *store, struct position from, struct position to, store_entry_fn *each,
                                 void *arg)
{
    struct redis_store *redis = redis_of(store);
    char begin[49], end[48], count[16];
    position_text(from, begin);
    position_text(to, end);
    snprintf(count, sizeof count, "%d", READ_ENTRIES);
    for (bool more = true; more;) {
        redis_link_command(redis->log, 6);
        redis_link_text(redis->log, "XRANGE");
        redis_link_text(redis->log, redis->keys.log);
        redis_link_text(redis->log, begin);
        redis_link_text(redis->log, end);
        redis_link_text(redis->log, "COUNT");
        redis_link_text(redis->log, count);
        redisReply *reply = answer(redis, REDIS_REPLY_ARRAY);
        if (reply == NULL)
            return store->status;
        enum store_status status = STORE_OK;
        struct position id = {0};
        for (size_t i = 0; i < reply->elements && status == STORE_OK; i++)
            status = read_entry(redis, reply->element[i], &id, each, arg);
        more = reply->elements == READ_ENTRIES;
        freeReplyObject(reply);
        if (status != STORE_OK)
            return status;
        begin[0] = '('; /* behind the last one */
        position_text(id, begin + 1);
    }
    return STORE_OK;
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
