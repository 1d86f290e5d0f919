/* SPDX-License-Identifier: Apache-2.0
 * store_redis_open.c - from nothing to a cell that is ours: connect, check the
 * configuration, create, take over.
 *
 * A takeover is a script, not a transaction: it must get in where memory is short,
 * which Redis allows scripts only, or a full cell could not even shrink. Appends
 * use it then, too; otherwise not, since a script copies what passes through it. */
#include "broker/store_redis_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char fenced_script[] =
    "#!lua flags=allow-oom\n"
    "-- KEYS epoch log leader; ARGV what :epoch must be, id, entry, then of a takeover: the log's last id,\n"
    "-- new :epoch, broker. No id: a renewal.\n"
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED the epoch is not ours') end\n"
    "if not ARGV[2] then return redis.call('HINCRBY', KEYS[3], 'renewals', 1) end\n"
    "if ARGV[4] then\n"
    "    local last = redis.call('XREVRANGE', KEYS[2], '+', '-', 'COUNT', 1)[1]\n"
    "    if (last and last[1] or '0-0') ~= ARGV[4] then\n"
    "        return redis.error_reply('GAP the log does not end where it should')\n"
    "    end\n"
    "end\n"
    "if not ARGV[4] and redis.call('EXISTS', KEYS[2]) == 0 then return redis.error_reply('GAP the log is gone') end\n"
    "redis.call('XADD', KEYS[2], ARGV[2], 'entry', ARGV[3])\n"
    "if ARGV[4] then\n"
    "    redis.call('SET', KEYS[1], ARGV[5])\n"
    "    redis.call('HSET', KEYS[3], 'broker', ARGV[6], 'since', ARGV[2], 'renewals', 0)\n"
    "end\n"
    "return 1\n";

static struct redis_store *redis_of(struct store *store)
{
    return (struct redis_store *) store;
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
    redisReply *reply = redis_answer(redis, deadline_us, REDIS_REPLY_ARRAY, REDIS_REPLY_ARRAY);
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
    redisReply *reply = redis_answer(redis, deadline_us, REDIS_REPLY_ARRAY, REDIS_REPLY_ARRAY);
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

void redis_disconnect(struct redis_store *redis)
{
    redis_link_close(&redis->log);
    redis_link_close(&redis->view);
    redis->log_fence.phase = redis->view_fence.phase = FENCE_OFF;
    redis->is_out = false;
}

enum store_status redis_connect(struct store *store, int64_t deadline_us)
{
    struct redis_store *redis = redis_of(store);
    char why[160];
    redis_disconnect(redis);
    redis->log = redis_link_open(redis->address, deadline_us, why);
    if (redis->log != NULL)
        redis->view = redis_link_open(redis->address, deadline_us, why);
    if (redis->view == NULL)
        return store_fail(store, STORE_AWAY, "%s", why);
    return redis->allow_unsafe ? STORE_OK : check_configuration(redis, deadline_us);
}

/* Only where nothing of the cell is: an epoch that got lost must not be made anew. */
enum store_status redis_create(struct store *store, int64_t deadline_us)
{
    struct redis_store *redis = redis_of(store);
    const struct redis_keys *keys = &redis->keys;
    const char *const remains[] = {keys->epoch, keys->log, keys->view, keys->trimmed, keys->policy, keys->counters};
    enum { N_REMAINS = sizeof remains / sizeof *remains };
    char first[48];
    snprintf(first, sizeof first, "0:%016" PRIx64, store->nonce);
    for (int i = 0; i < N_REMAINS; i++) {
        redis_link_command(redis->log, 2);
        redis_link_text(redis->log, "EXISTS");
        redis_link_text(redis->log, remains[i]);
        redisReply *reply = redis_answer(redis, deadline_us, REDIS_REPLY_INTEGER, REDIS_REPLY_INTEGER);
        if (reply == NULL)
            return store->status;
        const bool found = reply->integer != 0;
        freeReplyObject(reply);
        if (found && i == 0)
            return STORE_OK;
        if (found)
            return store_fail(store, STORE_DAMAGED,
                              "%s is there, but no epoch: an epoch got lost, or a restore is going on or was cut off; "
                              "empty this Redis, then restore the cell or create it",
                              remains[i]);
    }
    redis_link_command(redis->log, 4);
    redis_link_text(redis->log, "SET");
    redis_link_text(redis->log, redis->keys.epoch);
    redis_link_text(redis->log, first);
    redis_link_text(redis->log, "NX"); /* two at once: one of them makes it */
    redisReply *reply = redis_link_wait(redis->log, deadline_us);
    if (reply == NULL || (reply->type != REDIS_REPLY_STATUS && reply->type != REDIS_REPLY_NIL))
        redis_fail(redis, redis->log, reply);
    if (reply != NULL)
        freeReplyObject(reply);
    return store->status;
}

/* ---- takeover ------------------------------------------------------------------- */

/* "<epoch>:<nonce hex>" */
static bool parse_epoch(const redisReply *reply, struct store_head *ret)
{
    char rest;
    return reply->type == REDIS_REPLY_STRING &&
           sscanf(reply->str, "%" SCNu64 ":%16" SCNx64 "%c", &ret->epoch, &ret->nonce, &rest) == 2;
}

static enum store_status take_last(struct redis_store *redis, const redisReply *fields, int64_t deadline_us,
                                   struct store_head *ret)
{
    struct buf joined = {0};
    struct slice bytes;
    const enum store_status status = redis_join_entry(redis, ret->last_at, fields, deadline_us, &joined, &bytes);
    if (status == STORE_OK)
        buf_add(&ret->last, bytes.at, bytes.len);
    buf_fini(&joined);
    return status;
}

/* XINFO STREAM: the last entry, [id, fields], must be the one that was written last. */
static enum store_status parse_log(struct redis_store *redis, const redisReply *reply, int64_t deadline_us,
                                   struct store_head *ret)
{
    struct position written;
    ret->empty = redis_is_no_key(reply);
    if (ret->empty)
        return STORE_OK;
    if (reply->type != REDIS_REPLY_ARRAY)
        return redis_fail(redis, redis->log, reply);
    const redisReply *id = redis_field(reply, "last-generated-id"), *last = redis_field(reply, "last-entry");
    if (id == NULL || !position_parse(id->str, id->len, &written) || last == NULL || last->type != REDIS_REPLY_ARRAY ||
        last->elements != 2 || !position_parse(last->element[0]->str, last->element[0]->len, &ret->last_at) ||
        position_compare(written, ret->last_at) != 0)
        return store_fail(&redis->base, STORE_DAMAGED, "%s does not end with the entry written last", redis->keys.log);
    return take_last(redis, last->element[1], deadline_us, ret);
}

static enum store_status parse_head(struct redis_store *redis, const redisReply *epoch, const redisReply *log,
                                    int64_t deadline_us, struct store_head *ret)
{
    if (epoch->type == REDIS_REPLY_ERROR)
        return redis_fail(redis, redis->log, epoch);
    if (epoch->type == REDIS_REPLY_NIL)
        return store_fail(&redis->base, STORE_NO_CELL, "there is no such cell here: `takt cell create` makes it");
    if (!parse_epoch(epoch, ret))
        return store_fail(&redis->base, STORE_DAMAGED, "%s does not hold an epoch", redis->keys.epoch);
    return parse_log(redis, log, deadline_us, ret);
}

enum store_status redis_head(struct store *store, int64_t deadline_us, struct store_head *ret)
{
    struct redis_store *redis = redis_of(store);
    redisReply *answers[2] = {NULL};
    redis_link_command(redis->log, 2);
    redis_link_text(redis->log, "GET");
    redis_link_text(redis->log, redis->keys.epoch);
    redis_link_command(redis->log, 3);
    redis_link_text(redis->log, "XINFO");
    redis_link_text(redis->log, "STREAM");
    redis_link_text(redis->log, redis->keys.log);
    int n = 0;
    while (n < 2 && (answers[n] = redis_link_wait(redis->log, deadline_us)) != NULL)
        n++;
    const enum store_status status =
        n < 2 ? redis_fail(redis, redis->log, NULL) : parse_head(redis, answers[0], answers[1], deadline_us, ret);
    while (n > 0)
        freeReplyObject(answers[--n]);
    return status;
}

void redis_script(struct redis_store *redis, const char *epoch_text, const struct kept *kept, const struct take *take)
{
    char id[48], last[48];
    redis_link_command(redis->log, 7U + (kept ? 2 : 0) + (take ? 3 : 0));
    redis_link_text(redis->log, "EVAL");
    redis_link_text(redis->log, fenced_script);
    redis_link_text(redis->log, "3");
    redis_link_text(redis->log, redis->keys.epoch);
    redis_link_text(redis->log, redis->keys.log);
    redis_link_text(redis->log, redis->keys.leader);
    redis_link_text(redis->log, epoch_text);
    if (kept == NULL)
        return;
    position_text(kept->at, id);
    redis_link_text(redis->log, id);
    redis_link_arg(redis->log, kept->bytes, kept->len);
    if (take == NULL)
        return;
    position_text(take->last_at, last);
    redis_link_text(redis->log, last);
    redis_link_text(redis->log, take->epoch_text);
    redis_link_text(redis->log, redis->broker_id);
}

enum store_status redis_take(struct store *store, int64_t deadline_us, const struct store_head *head, uint64_t epoch,
                             const struct kept *kept, bool *ret_moved)
{
    struct redis_store *redis = redis_of(store);
    char old[48];
    snprintf(old, sizeof old, "%" PRIu64 ":%016" PRIx64, head->epoch, head->nonce);
    snprintf(redis->epoch_text, sizeof redis->epoch_text, "%" PRIu64 ":%016" PRIx64, epoch, store->nonce);
    redis_script(redis, old, kept, &(struct take){head->last_at, redis->epoch_text});
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
