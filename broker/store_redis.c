/* SPDX-License-Identifier: Apache-2.0
 * store_redis.c - the log in Redis: appends, and what an answer means. Connecting
 * and taking over are in store_redis_open.c.
 *
 * One beat is out at a time, in a fenced transaction. So it can never stand without
 * the one before, and its explicit id, the next of the stream, does the rest:
 * Redis takes no id that is not above the last, so whatever was written in between
 * makes it fail. */
#include "broker/store_redis_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

static struct redis_store *redis_of(struct store *store)
{
    return (struct redis_store *) store;
}

/* ---- answers -------------------------------------------------------------------- */

enum store_status redis_fail(struct redis_store *redis, const struct redis_link *link, const redisReply *reply)
{
    static const struct {
        const char *word;
        enum store_status status;
    } meanings[] = {
        {"FENCED", STORE_FENCED},
        {"GAP", STORE_DAMAGED},
        {"OOM", STORE_REFUSING},
        {"MISCONF", STORE_REFUSING},
        {"NOREPLICAS", STORE_REFUSING},
        {"READONLY", STORE_REFUSING},
        {"NOPERM", STORE_REFUSING},
        {"NOAUTH", STORE_REFUSING},
        {"LOADING", STORE_AWAY},
        {"BUSY", STORE_AWAY},
        {"MASTERDOWN", STORE_AWAY},
        {"WRONGTYPE", STORE_DAMAGED},
        {"ERR The ID specified", STORE_DAMAGED},
        {"CLUSTERDOWN", STORE_AWAY},
        {"ERR max number of clients", STORE_AWAY},
    };
    if (reply == NULL)
        return store_fail(&redis->base, STORE_AWAY, "Redis is away: %s", redis_link_why(link));
    if (reply->type != REDIS_REPLY_ERROR)
        return store_fail(&redis->base, STORE_DAMAGED, "Redis gave an answer of a kind not expected");
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        const size_t len = strlen(meanings[i].word);
        if (strncmp(reply->str, meanings[i].word, len) == 0 && (reply->str[len] == ' ' || reply->str[len] == '\0'))
            return store_fail(&redis->base, meanings[i].status, "Redis said: %.200s", reply->str);
    }
    return store_fail(&redis->base, STORE_REFUSING, "Redis said: %.200s", reply->str);
}

void position_text(struct position at, char to[48])
{
    snprintf(to, 48, "%" PRIu64 "-%" PRIu64, at.epoch, at.beat);
}

bool position_parse(const char *text, size_t len, struct position *ret)
{
    uint64_t parts[2] = {0, 0};
    int part = 0, digits = 0;
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '-' && part == 0 && digits > 0) {
            part = 1;
            digits = 0;
            continue;
        }
        if (text[i] < '0' || text[i] > '9' || ++digits > 19)
            return false;
        parts[part] = parts[part] * 10 + (uint64_t) (text[i] - '0');
    }
    *ret = (struct position){parts[0], parts[1]};
    return part == 1 && digits > 0;
}

const redisReply *redis_field(const redisReply *map, const char *name)
{
    for (size_t i = 0; i + 1 < map->elements; i += 2)
        if (map->element[i]->type == REDIS_REPLY_STRING && strcmp(map->element[i]->str, name) == 0)
            return map->element[i + 1];
    return NULL;
}

void redis_ask(struct redis_store *redis, uint32_t n, const char *const words[])
{
    redis_link_command(redis->log, n);
    for (uint32_t i = 0; i < n; i++)
        redis_link_text(redis->log, words[i]);
}

redisReply *redis_answer(struct redis_store *redis, int64_t deadline_us, int type, int or_type)
{
    redisReply *reply = redis_link_wait(redis->log, deadline_us);
    if (reply != NULL && (reply->type == type || reply->type == or_type))
        return reply;
    redis_fail(redis, redis->log, reply);
    if (reply != NULL)
        freeReplyObject(reply);
    return NULL;
}

int64_t redis_patience_us(const struct redis_store *redis)
{
    return clock_mono_us() + redis->base.read_patience_us;
}

bool redis_is_no_key(const redisReply *reply)
{
    static const char words[] = "ERR no such key";
    return reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, words, strlen(words)) == 0;
}

/* ---- beats ---------------------------------------------------------------------- */

static void take_answer(struct redis_store *redis, const redisReply *reply);

static enum store_status redis_arm(struct store *store, int64_t deadline_us)
{
    struct redis_store *redis = redis_of(store);
    redis->log_fence =
        (struct redis_fence){.link = redis->log, .epoch_key = redis->keys.epoch, .epoch_text = redis->epoch_text};
    redis_fence_arm(&redis->log_fence);
    while (store->status == STORE_OK && redis->log_fence.phase != FENCE_READY) {
        redisReply *reply = redis_link_wait(redis->log, deadline_us);
        if (reply == NULL)
            return redis_fail(redis, redis->log, NULL);
        take_answer(redis, reply);
        freeReplyObject(reply);
    }
    return store->status == STORE_OK ? redis_view_arm(redis) : store->status;
}

/* The oldest in flight, alone: EXEC undoes nothing, so with two of them the second
 * could stand where the first was refused. */
static void send_beat(struct redis_store *redis)
{
    struct kept *kept = redis->base.first->kept;
    uint32_t commands = 1;
    redis->is_out = true;
    if (redis->short_of_memory) {
        if (kept != NULL)
            kept->apart = 0;
        redis_script(redis, redis->epoch_text, kept, NULL);
        return;
    }
    redis_fence_begin(&redis->log_fence);
    if (kept != NULL) {
        commands = redis_add_entry(redis, kept);
    } else {
        redis_link_command(redis->log, 4);
        redis_link_text(redis->log, "HINCRBY");
        redis_link_text(redis->log, redis->keys.leader);
        redis_link_text(redis->log, "renewals");
        redis_link_text(redis->log, "1");
    }
    redis_fence_end(&redis->log_fence, commands);
}

static void beat_stood(struct redis_store *redis)
{
    redis->is_out = false;
    store_stood(&redis->base);
}

static void take_answer(struct redis_store *redis, const redisReply *reply)
{
    const redisReply *culprit;
    if (redis->log_fence.phase == FENCE_READY) { /* to the script */
        if (reply->type == REDIS_REPLY_INTEGER && redis->is_out)
            beat_stood(redis);
        else
            redis_fail(redis, redis->log, reply);
        return;
    }
    switch (redis_fence_take(&redis->log_fence, reply, &culprit)) {
    case FENCE_WAITS:
    case FENCE_ARMED:
        break;
    case FENCE_STANDS:
        if (reply->element[0]->type == REDIS_REPLY_NIL) /* NOMKSTREAM */
            store_fail(&redis->base, STORE_DAMAGED, "%s is gone", redis->keys.log);
        else
            beat_stood(redis);
        break;
    case FENCE_REFUSED:
        if (strncmp(culprit->str, "OOM ", 4) != 0 || redis->short_of_memory) {
            redis_fail(redis, redis->log, culprit);
            break;
        }
        redis->short_of_memory = true; /* again, by the script */
        redis->is_out = false;
        break;
    case FENCE_BROKEN:
        redis_fail(redis, redis->log, culprit);
        break;
    case FENCE_TAKEN:
        store_fail(&redis->base, STORE_FENCED, "another broker took over: the epoch is not ours any more");
        break;
    }
}

static void redis_pump(struct store *store)
{
    struct redis_store *redis = redis_of(store);
    const bool there = redis_link_move(redis->log);
    redisReply *reply;
    while (store->status == STORE_OK && (reply = redis_link_take(redis->log)) != NULL) {
        take_answer(redis, reply); /* what came before the end still counts */
        freeReplyObject(reply);
    }
    if (store->status != STORE_OK)
        return;
    if (there && store->first != NULL && !redis->is_out && redis->log_fence.phase == FENCE_READY)
        send_beat(redis);
    if (!there || !redis_link_move(redis->log)) {
        redis_fail(redis, redis->log, NULL);
        return;
    }
    redis_view_pump(redis);
}

static int redis_wait_fds(struct store *store, struct wait_fd *fds)
{
    const struct redis_store *redis = redis_of(store);
    fds[0] = (struct wait_fd){.fd = redis_link_fd(redis->log), .want_write = redis_link_wants_write(redis->log)};
    fds[1] = (struct wait_fd){.fd = redis_link_fd(redis->view), .want_write = redis_link_wants_write(redis->view)};
    return 2;
}

static int64_t redis_next_us(const struct store *store)
{
    return redis_view_next_us((const struct redis_store *) store);
}

static void redis_close(struct store *store)
{
    struct redis_store *redis = redis_of(store);
    redis_disconnect(redis);
    store_fini(store);
    buf_fini(&redis->first_rows);
    buf_fini(&redis->firsts);
    free(redis->address);
    free(redis->broker_id);
    free(redis);
}

static const struct store_ops redis_ops = {
    .create = redis_create,
    .connect = redis_connect,
    .head = redis_head,
    .take = redis_take,
    .arm = redis_arm,
    .read_mark = redis_read_mark,
    .read_trimmed = redis_read_trimmed,
    .read_view = redis_read_view,
    .read_log = redis_read_log,
    .pump = redis_pump,
    .view_ready = redis_view_ready,
    .view_send = redis_view_send,
    .trim_ready = redis_trim_ready,
    .trim = redis_trim,
    .wait_fds = redis_wait_fds,
    .next_us = redis_next_us,
    .close = redis_close,
};

static void name_keys(struct redis_keys *keys, const char *cell)
{
    snprintf(keys->prefix, sizeof keys->prefix, "{%s}:", cell);
    snprintf(keys->epoch, sizeof keys->epoch, "{%s}:epoch", cell);
    snprintf(keys->log, sizeof keys->log, "{%s}:log", cell);
    snprintf(keys->leader, sizeof keys->leader, "{%s}:leader", cell);
    snprintf(keys->view, sizeof keys->view, "{%s}:view", cell);
    snprintf(keys->counters, sizeof keys->counters, "{%s}:counters", cell);
    snprintf(keys->policy, sizeof keys->policy, "{%s}:policy", cell);
    snprintf(keys->trimmed, sizeof keys->trimmed, "{%s}:trimmed", cell);
    snprintf(keys->archive, sizeof keys->archive, "{%s}:archive", cell);
}

bool store_cell_is_valid(const char *cell)
{
    const size_t len = strlen(cell);
    return len > 0 && len <= CELL_MAX && strspn(cell, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

struct store *store_redis_new(const struct store_redis_options *options)
{
    assert(store_cell_is_valid(options->cell));
    struct redis_store *redis = calloc(1, sizeof *redis);
    if (redis == NULL)
        abort();
    store_init(&redis->base, &redis_ops);
    redis->address = strdup(options->address);
    redis->broker_id = strdup(options->broker_id != NULL ? options->broker_id : "");
    if (redis->address == NULL || redis->broker_id == NULL)
        abort();
    redis->allow_unsafe = options->allow_unsafe;
    name_keys(&redis->keys, options->cell);
    return &redis->base;
}
