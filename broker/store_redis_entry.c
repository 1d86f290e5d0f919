/* SPDX-License-Identifier: Apache-2.0
 * store_redis_entry.c - how an entry lies in Redis: whole, as the field `entry` of
 * the stream; or, of a bulk, without its inputs, which the same transaction writes
 * where the view keeps them. So the greater part of an import passes through Redis
 * and to its disk once, not twice. A second field, `inputs`, says where they begin
 * and end. Above this file every entry is whole: chain, check and recovery know
 * nothing of it. docs/adr/0014-inputs-once.md. */
#include "broker/store_redis_private.h"

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    APART_BYTES = 32 * 1024, /* inputs of so many are a bulk: a few leads are one command, and one key of the view */
};

/* ---- out ------------------------------------------------------------------------ */

static void begin_xadd(struct redis_store *redis, const struct kept *kept, uint32_t n_fields)
{
    char id[48];
    position_text(kept->at, id);
    redis_link_command(redis->log, 4 + 2 * n_fields);
    redis_link_text(redis->log, "XADD");
    redis_link_text(redis->log, redis->keys.log);
    redis_link_text(redis->log, "NOMKSTREAM"); /* a log that vanished is damage, not a new log */
    redis_link_text(redis->log, id);           /* Redis refuses one that is not above its last */
    redis_link_text(redis->log, "entry");
}

/* Where the inputs begin: a byte of the body. False: there are none. */
static bool find_inputs(struct slice body, uint32_t *ret_at)
{
    struct row_ref row;
    *ret_at = 0;
    while (*ret_at < body.len && body.at[*ret_at] != ROW_INPUT)
        if (row_next(body, ret_at, &row) <= 0)
            return false;
    return *ret_at < body.len;
}

/* A command each: Redis puts one together for its file in one piece of memory, and an MSET would be megabytes. */
static uint32_t add_inputs(struct redis_store *redis, const struct kept *kept, const struct buf *inputs)
{
    const struct slice *at = (const struct slice *) (const void *) inputs->at;
    const uint32_t n = (uint32_t) (inputs->len / sizeof *at);
    char key[VIEW_KEY_MAX];
    for (uint32_t i = 0; i < n; i++) {
        redis_link_command(redis->log, 3);
        redis_link_text(redis->log, "SET");
        const uint64_t check = htole64(entry_check(at[i].at, at[i].len));
        const uint32_t len = view_inputs_key(kept->at, (uint32_t) (at[i].at - kept_body(kept).at), key);
        redis_link_arg2(redis->log, redis->keys.prefix, strlen(redis->keys.prefix), key, len);
        redis_link_lend(redis->log, at[i].at, at[i].len, &check, sizeof check);
    }
    return n;
}

/* What is lent is in flight, or the connection is closed, until it is sent. */
uint32_t redis_add_entry(struct redis_store *redis, struct kept *kept)
{
    const struct slice body = kept_body(kept);
    struct buf places = {0}, inputs = {0}; /* of struct slice */
    struct slice next;
    uint32_t begin, end, commands = 1;
    const bool any = find_inputs(body, &begin);
    for (end = begin; any && inputs_next(body, &end, &next); buf_add(&inputs, &next, sizeof next))
        buf_printf(&places, "%" PRIu32 " ", (uint32_t) (next.at - body.at));
    kept->apart = end - begin >= APART_BYTES ? end - begin : 0;
    if (kept->apart > 0) {
        buf_printf(&places, "%" PRIu32, end);
        begin_xadd(redis, kept, 2);
        redis_link_lend2(redis->log, kept->bytes, ENTRY_HEAD_BYTES + begin, body.at + end,
                         body.len - end + ENTRY_CHECK_BYTES);
        redis_link_text(redis->log, "inputs");
        redis_link_arg(redis->log, places.at, places.len);
        commands += add_inputs(redis, kept, &inputs);
    } else {
        begin_xadd(redis, kept, 1);
        redis_link_lend(redis->log, kept->bytes, kept->len, NULL, 0);
    }
    buf_fini(&places);
    buf_fini(&inputs);
    return commands;
}

/* ---- in ------------------------------------------------------------------------- */

/* "72 65540 131010": where each begins, then where the last ends. Returns how many numbers, 0: it is not that. */
static uint32_t parse_places(const redisReply *text, uint32_t room, uint32_t *ret_places)
{
    uint32_t n = 0;
    const char *at = text->str, *end = at + text->len;
    while (at < end && n < room) {
        char *next;
        const unsigned long place = strtoul(at, &next, 10); /* hiredis ends every text with a zero */
        if (next == at || (*next != ' ' && next != end) || place > UINT32_MAX || (n > 0 && place <= ret_places[n - 1]))
            return 0;
        ret_places[n++] = (uint32_t) place;
        at = next < end ? next + 1 : end;
    }
    return at == end && n >= 2 ? n : 0;
}

static void ask_inputs(struct redis_store *redis, struct position id, const uint32_t *places, uint32_t n)
{
    char key[VIEW_KEY_MAX];
    redis_link_command(redis->log, 1 + n);
    redis_link_text(redis->log, "MGET");
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t len = view_inputs_key(id, places[i], key);
        redis_link_arg2(redis->log, redis->keys.prefix, strlen(redis->keys.prefix), key, len);
    }
}

/* The check at the end of each value is the view's; the entry has one over all of it. False: one is not what lay there.
 */
static bool add_values(const redisReply *values, const uint32_t *places, uint32_t n, struct buf *joined)
{
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t len = places[i + 1] - places[i];
        if (i >= values->elements || values->element[i]->type != REDIS_REPLY_STRING ||
            values->element[i]->len != len + sizeof(uint64_t))
            return false;
        buf_add(joined, values->element[i]->str, len);
    }
    return true;
}

/* Inputs that are not where it says: *ret is what lies there without them, which fails the entry's check. */
static void join(const redisReply *rest, const redisReply *values, const uint32_t *places, uint32_t n,
                 struct buf *joined, struct slice *ret)
{
    const size_t begin = ENTRY_HEAD_BYTES + (size_t) places[0];
    if (begin > rest->len)
        return;
    buf_add(joined, rest->str, begin);
    if (!add_values(values, places, n, joined))
        return;
    buf_add(joined, rest->str + begin, rest->len - begin);
    *ret = slice_of(joined->at, joined->len);
}

enum store_status redis_join_entry(struct redis_store *redis, struct position id, const redisReply *fields,
                                   int64_t deadline_us, struct buf *joined, struct slice *ret)
{
    if (fields->elements != 2 && (fields->elements != 4 || strcmp(fields->element[2]->str, "inputs") != 0))
        return store_fail(&redis->base, STORE_DAMAGED, "%s holds what is no entry", redis->keys.log);
    *ret = slice_of(fields->element[1]->str, fields->element[1]->len);
    if (fields->elements == 2)
        return STORE_OK;
    const uint32_t room = (uint32_t) (fields->element[3]->len / 2 + 1); /* a digit and a blank each, at least */
    uint32_t *places = calloc(room, sizeof *places);
    if (places == NULL)
        abort();
    const uint32_t n = parse_places(fields->element[3], room, places);
    redisReply *values = NULL;
    if (n > 0) {
        ask_inputs(redis, id, places, n - 1);
        values = redis_answer(redis, deadline_us, REDIS_REPLY_ARRAY, REDIS_REPLY_ARRAY);
    }
    const bool lost = n > 0 && values == NULL;
    if (values != NULL)
        join(fields->element[1], values, places, n - 1, joined, ret);
    freeReplyObject(values);
    free(places);
    return lost ? redis->base.status : STORE_OK;
}
