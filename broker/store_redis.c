/* SPDX-License-Identifier: Apache-2.0
 * store_redis.c - the log in Redis: connection, configuration check, the fence.
 *
 * The fence is one script, for appends, renewals and takeovers alike, called by
 * its digest and loaded at each connect: so brokers of two versions never meet
 * each other's code, and nothing has to be installed in the server, as a Redis
 * function would. It runs under allow-oom: what was decided must get in, or the
 * cell could not even shrink. The log's last id is kept in a key of its own,
 * moved by the same script: asking the stream for it costs a copy of the whole
 * last entry, 0.5 us a lead. */
#include "broker/store_redis_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

static const char fence_script[] =
    "#!lua flags=allow-oom\n"
    "-- KEYS epoch last log leader; ARGV what :epoch and :last must be, new id, new entry, new :epoch, broker\n"
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED the epoch is not ours') end\n"
    "if (redis.call('GET', KEYS[2]) or '0-0') ~= ARGV[2] then\n"
    "    return redis.error_reply('GAP the log does not end where it should')\n"
    "end\n"
    "if not ARGV[3] then return redis.call('HINCRBY', KEYS[4], 'renewals', 1) end\n"
    "redis.call('XADD', KEYS[3], ARGV[3], 'entry', ARGV[4])\n"
    "redis.call('SET', KEYS[2], ARGV[3])\n"
    "if ARGV[5] then\n"
    "    redis.call('SET', KEYS[1], ARGV[5])\n"
    "    redis.call('HSET', KEYS[4], 'broker', ARGV[6], 'since', ARGV[3], 'renewals', 0)\n"
    "end\n"
    "return 1\n";

static const char create_script[] =
    "if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end\n"
    "if redis.call('EXISTS', KEYS[2], KEYS[3], KEYS[4]) > 0 then\n"
    "    return redis.error_reply('REMAINS a log or a view of this cell is there, but no epoch')\n"
    "end\n"
    "redis.call('SET', KEYS[1], ARGV[1])\n"
    "return 1\n";

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
        {"REMAINS", STORE_DAMAGED},
        {"OOM", STORE_REFUSING},
        {"MISCONF", STORE_REFUSING},
        {"NOREPLICAS", STORE_REFUSING},
        {"READONLY", STORE_REFUSING},
        {"NOPERM", STORE_REFUSING},
        {"NOAUTH", STORE_REFUSING},
        {"LOADING", STORE_AWAY},
        {"BUSY", STORE_AWAY},
        {"NOSCRIPT", STORE_AWAY},
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

/* Wait for one answer and say whether it is of this kind; else fail. Free it in any case. */
static redisReply *expect(struct redis_store *redis, int64_t deadline_us, int type)
{
    redisReply *reply = redis_link_wait(redis->log, deadline_us);
    if (reply != NULL && reply->type == type)
        return reply;
    redis_fail(redis, redis->log, reply);
    if (reply != NULL)
        freeReplyObject(reply);
    return NULL;
}

/* ---- connect -------------------------------------------------------------------- */

static const struct {
    const char *name, *value;
} settings[] = {
    {"appendonly", "yes"},
    {"appendfsync", "always"},
    {"maxmemory-policy", "noeviction"},
    {"no-appendfsync-on-rewrite", "no"},
};
enum { N_SETTINGS = sizeof settings / sizeof *settings };

static enum store_status check_setting(struct redis_store *redis, int64_t deadline_us, uint32_t i)
{
    redisReply *reply = expect(redis, deadline_us, REDIS_REPLY_ARRAY);
    if (reply == NULL)
        return redis->base.status;
    const char *value = reply->elements == 2 && reply->element[1]->str != NULL ? reply->element[1]->str : "unknown";
    enum store_status status = STORE_OK;
    if (strcmp(value, settings[i].value) != 0)
        status = store_fail(&redis->base, STORE_UNSAFE,
                            "this Redis could lose what was acknowledged: set \"%s %s\" (it is \"%.40s\")",
                            settings[i].name, settings[i].value, value);
    freeReplyObject(reply);
    return status;
}

static enum store_status check_role(struct redis_store *redis, int64_t deadline_us)
{
    redisReply *reply = expect(redis, deadline_us, REDIS_REPLY_ARRAY);
    if (reply == NULL)
        return redis->base.status;
    const char *role = reply->elements > 0 && reply->element[0]->str != NULL ? reply->element[0]->str : "unknown";
    enum store_status status = STORE_OK;
    if (strcmp(role, "master") != 0)
        status = store_fail(&redis->base, STORE_UNSAFE,
                            "this Redis is a replica: name its primary (its role is \"%.20s\")", role);
    freeReplyObject(reply);
    return status;
}

static enum store_status check_configuration(struct redis_store *redis, int64_t deadline_us)
{
    for (uint32_t i = 0; i < N_SETTINGS; i++) {
        redis_link_command(redis->log, 3);
        redis_link_text(redis->log, "CONFIG");
        redis_link_text(redis->log, "GET");
        redis_link_text(redis->log, settings[i].name);
    }
    redis_link_command(redis->log, 1);
    redis_link_text(redis->log, "ROLE");
    for (uint32_t i = 0; i < N_SETTINGS; i++) {
        const enum store_status status = check_setting(redis, deadline_us, i);
        if (status != STORE_OK)
            return status;
    }
    return check_role(redis, deadline_us);
}

static enum store_status load_fence(struct redis_store *redis, int64_t deadline_us)
{
    redis_link_command(redis->log, 3);
    redis_link_text(redis->log, "SCRIPT");
    redis_link_text(redis->log, "LOAD");
    redis_link_text(redis->log, fence_script);
    redisReply *reply = redis_link_wait(redis->log, deadline_us);
    enum store_status status = STORE_OK;
    if (reply == NULL || reply->type != REDIS_REPLY_STRING)
        status = redis_fail(redis, redis->log, reply);
    else
        snprintf(redis->fence, sizeof redis->fence, "%s", reply->str);
    if (reply != NULL && reply->type == REDIS_REPLY_ERROR && strstr(reply->str, "compiling") != NULL)
        status =
            store_fail(&redis->base, STORE_UNSAFE, "Redis 7.0 or newer is needed: this one does not know script flags");
    if (reply != NULL)
        freeReplyObject(reply);
    return status;
}

static enum store_status redis_connect(struct store *store, int64_t deadline_us)
{
    struct redis_store *redis = redis_of(store);
    char why[160];
    redis_link_close(&redis->log);
    redis_link_close(&redis->view);
    redis->phase = VIEW_OFF;
    redis->log = redis_link_open(redis->address, deadline_us, why);
    if (redis->log != NULL)
        redis->view = redis_link_open(redis->address, deadline_us, why);
    if (redis->view == NULL)
        return store_fail(store, STORE_AWAY, "%s", why);
    if (!redis->allow_unsafe) {
        const enum store_status status = check_configuration(redis, deadline_us);
        if (status != STORE_OK)
            return status;
    }
    return load_fence(redis, deadline_us);
}

static enum store_status redis_create(struct store *store, int64_t deadline_us)
{
    struct redis_store *redis = redis_of(store);
    char first[48];
    snprintf(first, sizeof first, "0:%016" PRIx64, store->nonce);
    redis_link_command(redis->log, 8);
    redis_link_text(redis->log, "EVAL");
    redis_link_text(redis->log, create_script);
    redis_link_text(redis->log, "4");
    redis_link_text(redis->log, redis->keys.epoch);
    redis_link_text(redis->log, redis->keys.last);
    redis_link_text(redis->log, redis->keys.log);
    redis_link_text(redis->log, redis->keys.view);
    redis_link_text(redis->log, first);
    redisReply *reply = expect(redis, deadline_us, REDIS_REPLY_INTEGER);
    if (reply == NULL)
        return store->status;
    freeReplyObject(reply);
    return STORE_OK;
}

/* ---- takeover ------------------------------------------------------------------- */

/* "<epoch>:<nonce hex>" */
static bool parse_epoch(const redisReply *reply, struct store_head *ret)
{
    char rest;
    return reply->type == REDIS_REPLY_STRING &&
           sscanf(reply->str, "%" SCNu64 ":%16" SCNx64 "%c", &ret->epoch, &ret->nonce, &rest) == 2;
}

/* The answer of XREVRANGE ... COUNT 1: [[id, [field, bytes]]] */
static bool parse_last(const redisReply *reply, struct store_head *ret)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements > 1)
        return false;
    ret->empty = reply->elements == 0;
    if (ret->empty)
        return true;
    const redisReply *entry = reply->element[0];
    if (entry->elements != 2 || entry->element[1]->elements != 2)
        return false;
    const redisReply *id = entry->element[0], *bytes = entry->element[1]->element[1];
    buf_add(&ret->last, bytes->str, bytes->len);
    return position_parse(id->str, id->len, &ret->last_at);
}

/* :last must be the id of the log's last entry. */
static bool same_last(const redisReply *reply, const struct store_head *head)
{
    struct position last = {0};
    if (reply->type == REDIS_REPLY_STRING && !position_parse(reply->str, reply->len, &last))
        return false;
    return position_compare(last, head->last_at) == 0;
}

static enum store_status parse_head(struct redis_store *redis, redisReply *const answers[3], struct store_head *ret)
{
    for (int i = 0; i < 3; i++)
        if (answers[i] == NULL || answers[i]->type == REDIS_REPLY_ERROR)
            return redis_fail(redis, redis->log, answers[i]);
    if (answers[0]->type == REDIS_REPLY_NIL)
        return store_fail(&redis->base, STORE_NO_CELL, "there is no such cell here: `takt cell create` makes it");
    if (!parse_epoch(answers[0], ret))
        return store_fail(&redis->base, STORE_DAMAGED, "%s does not hold an epoch", redis->keys.epoch);
    if (!parse_last(answers[1], ret))
        return store_fail(&redis->base, STORE_DAMAGED, "%s does not end with an entry", redis->keys.log);
    if (!same_last(answers[2], ret))
        return store_fail(&redis->base, STORE_DAMAGED, "%s is not the last id of the log", redis->keys.last);
    return STORE_OK;
}

static enum store_status redis_head(struct store *store, int64_t deadline_us, struct store_head *ret)
{
    struct redis_store *redis = redis_of(store);
    redisReply *answers[3];
    redis_link_command(redis->log, 1);
    redis_link_text(redis->log, "MULTI");
    redis_link_command(redis->log, 2);
    redis_link_text(redis->log, "GET");
    redis_link_text(redis->log, redis->keys.epoch);
    redis_link_command(redis->log, 6);
    redis_link_text(redis->log, "XREVRANGE");
    redis_link_text(redis->log, redis->keys.log);
    redis_link_text(redis->log, "+");
    redis_link_text(redis->log, "-");
    redis_link_text(redis->log, "COUNT");
    redis_link_text(redis->log, "1");
    redis_link_command(redis->log, 2);
    redis_link_text(redis->log, "GET");
    redis_link_text(redis->log, redis->keys.last);
    redis_link_command(redis->log, 1);
    redis_link_text(redis->log, "EXEC");
    for (int i = 0; i < 4; i++) {
        redisReply *queued = expect(redis, deadline_us, REDIS_REPLY_STATUS);
        if (queued == NULL)
            return store->status;
        freeReplyObject(queued);
    }
    redisReply *exec = expect(redis, deadline_us, REDIS_REPLY_ARRAY);
    if (exec == NULL)
        return store->status;
    assert(exec->elements == 3);
    memcpy(answers, exec->element, sizeof answers);
    const enum store_status status = parse_head(redis, answers, ret);
    freeReplyObject(exec);
    return status;
}

static void begin_fence(struct redis_store *redis, uint32_t n_args, const char *epoch_text, struct position last)
{
    char last_text[48];
    position_text(last, last_text);
    redis_link_command(redis->log, 7 + n_args);
    redis_link_text(redis->log, "EVALSHA");
    redis_link_text(redis->log, redis->fence);
    redis_link_text(redis->log, "4");
    redis_link_text(redis->log, redis->keys.epoch);
    redis_link_text(redis->log, redis->keys.last);
    redis_link_text(redis->log, redis->keys.log);
    redis_link_text(redis->log, redis->keys.leader);
    redis_link_text(redis->log, epoch_text);
    redis_link_text(redis->log, last_text);
}

static enum store_status redis_take(struct store *store, int64_t deadline_us, const struct store_head *head,
                                    uint64_t epoch, const struct kept *kept, bool *ret_moved)
{
    struct redis_store *redis = redis_of(store);
    char old[48], id[48];
    snprintf(old, sizeof old, "%" PRIu64 ":%016" PRIx64, head->epoch, head->nonce);
    snprintf(redis->epoch_text, sizeof redis->epoch_text, "%" PRIu64 ":%016" PRIx64, epoch, store->nonce);
    position_text(kept->at, id);
    begin_fence(redis, 6, old, head->last_at);
    redis_link_text(redis->log, id);
    redis_link_arg(redis->log, kept->bytes, kept->len);
    redis_link_text(redis->log, redis->epoch_text);
    redis_link_text(redis->log, redis->broker_id);
    redisReply *reply = redis_link_wait(redis->log, deadline_us);
    enum store_status status = STORE_OK;
    if (reply == NULL || reply->type != REDIS_REPLY_INTEGER) {
        status = redis_fail(redis, redis->log, reply);
        *ret_moved = reply != NULL && reply->type == REDIS_REPLY_ERROR &&
                     (strncmp(reply->str, "FENCED", 6) == 0 || strncmp(reply->str, "GAP", 3) == 0);
    }
    if (*ret_moved)
        status = store->status = STORE_OK;
    if (reply != NULL)
        freeReplyObject(reply);
    return status;
}

/* ---- beats ---------------------------------------------------------------------- */

static void redis_send(struct store *store, const struct flight *flight)
{
    struct redis_store *redis = redis_of(store);
    const struct kept *kept = flight->kept;
    char id[48];
    begin_fence(redis, kept != NULL ? 4 : 2, redis->epoch_text, flight->after);
    if (kept == NULL)
        return;
    position_text(kept->at, id);
    redis_link_text(redis->log, id);
    redis_link_arg(redis->log, kept->bytes, kept->len);
}

static void redis_pump(struct store *store)
{
    struct redis_store *redis = redis_of(store);
    const bool there = redis_link_move(redis->log);
    redisReply *reply;
    while ((reply = redis_link_take(redis->log)) != NULL) { /* what came before the end still counts */
        if (reply->type == REDIS_REPLY_INTEGER && store->first != NULL)
            store_stood(store);
        else
            redis_fail(redis, redis->log, reply);
        freeReplyObject(reply);
        if (store->status != STORE_OK)
            return;
    }
    if (!there) {
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
    redis_link_close(&redis->log);
    redis_link_close(&redis->view);
    store_fini(store);
    free(redis->address);
    free(redis->broker_id);
    free(redis);
}

static const struct store_ops redis_ops = {
    .create = redis_create,
    .connect = redis_connect,
    .head = redis_head,
    .take = redis_take,
    .arm = redis_view_arm,
    .read_mark = redis_read_mark,
    .read_view = redis_read_view,
    .read_log = redis_read_log,
    .send = redis_send,
    .pump = redis_pump,
    .view_ready = redis_view_ready,
    .view_send = redis_view_send,
    .wait_fds = redis_wait_fds,
    .next_us = redis_next_us,
    .close = redis_close,
};

static void name_keys(struct redis_keys *keys, const char *cell)
{
    snprintf(keys->prefix, sizeof keys->prefix, "{%s}:", cell);
    snprintf(keys->epoch, sizeof keys->epoch, "{%s}:epoch", cell);
    snprintf(keys->last, sizeof keys->last, "{%s}:last", cell);
    snprintf(keys->log, sizeof keys->log, "{%s}:log", cell);
    snprintf(keys->leader, sizeof keys->leader, "{%s}:leader", cell);
    snprintf(keys->view, sizeof keys->view, "{%s}:view", cell);
    snprintf(keys->due, sizeof keys->due, "{%s}:due", cell);
    snprintf(keys->counters, sizeof keys->counters, "{%s}:counters", cell);
}

struct store *store_redis_new(const struct store_redis_options *options)
{
    const size_t len = strlen(options->cell);
    assert(len > 0 && len <= CELL_MAX && strspn(options->cell, "abcdefghijklmnopqrstuvwxyz0123456789-") == len);
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
