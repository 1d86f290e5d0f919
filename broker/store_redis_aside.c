/* SPDX-License-Identifier: Apache-2.0
 * store_redis_aside.c - what goes over the view's connection between two of its
 * writes: once a second the server's levels and the archive's position, and the
 * steps that trim the log.
 *
 * Trimming is a script, though the view's writes are not: it must go through when
 * the server takes no writes for want of memory, since it is what gives memory
 * back, and only a script may say so (allow-oom). Whole nodes of the stream are
 * taken ("~"): cheap, and what is left over is less than a node. `:trimmed` says
 * how far it was ever allowed to go, so that a checker can tell a trimmed log
 * from one that lost its beginning. The script is sent whole each time: steps are
 * rare, and there is nothing to load and to lose. */
#include "broker/store_redis_private.h"

#include <stdlib.h>
#include <string.h>

enum { LEVELS_US = 1000 * 1000, LEVELS_ANSWERS = 4 };

#define STEP_ENTRIES "500" /* taken at once: some milliseconds of the server with the largest beats */

static const char trim_script[] =
    "#!lua flags=allow-oom\n"
    "-- KEYS epoch log trimmed archive; ARGV what :epoch must be, the first entry that stays, most of one step\n"
    "if redis.call('GET', KEYS[1]) ~= ARGV[1] then return redis.error_reply('FENCED the epoch is not ours') end\n"
    "local archived = redis.pcall('GET', KEYS[4])\n"
    "if archived then\n"
    "    if type(archived) ~= 'string' then return -1 end\n"
    "    local epoch, beat = string.match(archived, '^(%d+)-(%d+)$')\n"
    "    local to_epoch, to_beat = string.match(ARGV[2], '^(%d+)-(%d+)$')\n"
    "    if not epoch or tonumber(epoch) < tonumber(to_epoch) then return -1 end\n"
    "    if tonumber(epoch) == tonumber(to_epoch) and tonumber(beat) < tonumber(to_beat) then return -1 end\n"
    "end\n"
    "redis.call('SET', KEYS[3], ARGV[2])\n"
    "return redis.call('XTRIM', KEYS[2], 'MINID', '~', ARGV[2], 'LIMIT', ARGV[3])\n";

static void begin(struct redis_store *redis, enum aside aside)
{
    redis->aside = aside;
    redis->aside_answers = 0;
    redis->view_sent_us = redis->base.now_us;
}

/* ---- levels ----------------------------------------------------------------------- */

void redis_aside_ask_levels(struct redis_store *redis)
{
    const char *const commands[LEVELS_ANSWERS][3] = {{"INFO", "memory", NULL},
                                                     {"XLEN", redis->keys.log, NULL},
                                                     {"MEMORY", "USAGE", redis->keys.log},
                                                     {"GET", redis->keys.archive, NULL}};
    for (int i = 0; i < LEVELS_ANSWERS; i++) {
        const uint32_t n = commands[i][2] != NULL ? 3 : 2;
        redis_link_command(redis->view, n);
        for (uint32_t k = 0; k < n; k++)
            redis_link_text(redis->view, commands[i][k]);
    }
    begin(redis, ASIDE_LEVELS);
    redis->levels_us = redis->base.now_us + LEVELS_US;
}

static void take_memory(struct redis_store *redis, const redisReply *reply)
{
    struct store *store = &redis->base;
    if (reply->type != REDIS_REPLY_STRING)
        return;
    const char *used = strstr(reply->str, "\nused_memory:"), *max = strstr(reply->str, "\nmaxmemory:");
    const char *machine = strstr(reply->str, "\ntotal_system_memory:");
    if (used != NULL && max != NULL) {
        store->memory_used = strtoull(used + strlen("\nused_memory:"), NULL, 10);
        store->memory_max = strtoull(max + strlen("\nmaxmemory:"), NULL, 10);
        if (store->memory_max == 0 && machine != NULL) /* no limit of its own: the machine's */
            store->memory_max = strtoull(machine + strlen("\ntotal_system_memory:"), NULL, 10);
        redis->short_of_memory = redis->short_of_memory && store->memory_used > store->memory_max / 10 * 9;
    }
}

static void take_archive(struct store *store, const redisReply *reply)
{
    struct position at = {0};
    if (reply->type == REDIS_REPLY_STRING)
        position_parse(reply->str, reply->len, &at);
    store_archived(store, reply->type != REDIS_REPLY_NIL, at); /* not readable: as if it needed all of the log */
}

/* What we are not allowed to ask stays unknown. */
static void take_level(struct redis_store *redis, const redisReply *reply)
{
    struct store *store = &redis->base;
    switch (redis->aside_answers++) {
    case 0:
        take_memory(redis, reply);
        break;
    case 1:
        store->log_entries = reply->type == REDIS_REPLY_INTEGER ? (uint64_t) reply->integer : 0;
        break;
    case 2:
        store->log_bytes = reply->type == REDIS_REPLY_INTEGER ? (uint64_t) reply->integer : 0;
        break;
    default:
        take_archive(store, reply);
        redis->aside = ASIDE_NONE;
    }
}

/* ---- trimming ---------------------------------------------------------------------- */

bool redis_trim_ready(const struct store *store)
{
    const struct redis_store *redis = (const struct redis_store *) store;
    return redis->view_fence.phase == FENCE_READY && redis->aside == ASIDE_NONE &&
           redis->levels_us > 0; /* asked once: whether there is an archive is known */
}

void redis_trim(struct store *store, struct position below)
{
    struct redis_store *redis = (struct redis_store *) store;
    char text[48];
    position_text(below, text);
    const char *const words[] = {"EVAL",
                                 trim_script,
                                 "4",
                                 redis->keys.epoch,
                                 redis->keys.log,
                                 redis->keys.trimmed,
                                 redis->keys.archive,
                                 redis->epoch_text,
                                 text,
                                 STEP_ENTRIES};
    redis_link_command(redis->view, sizeof words / sizeof *words);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        redis_link_text(redis->view, words[i]);
    begin(redis, ASIDE_TRIM);
    if (!redis_link_move(redis->view))
        redis_fail(redis, redis->view, NULL);
}

static void take_trim(struct redis_store *redis, const redisReply *reply)
{
    redis->aside = ASIDE_NONE;
    if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "FENCED ", strlen("FENCED ")) == 0)
        redis_fail(redis, redis->view, reply);
    else if (reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0)
        store_trimmed(&redis->base, reply->integer > 0);
    else
        store_trim_failed(&redis->base); /* the archive is not so far, or it may not be: nothing to stop a cell for */
}

void redis_aside_take(struct redis_store *redis, const redisReply *reply)
{
    if (redis->aside == ASIDE_LEVELS)
        take_level(redis, reply);
    else
        take_trim(redis, reply);
}
