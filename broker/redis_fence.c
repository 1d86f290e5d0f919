/* SPDX-License-Identifier: Apache-2.0
 * redis_fence.c - one fenced transaction at a time; redis_fence.h says why so. */
#include "broker/redis_fence.h"

#include <assert.h>
#include <string.h>

static void watch(struct redis_fence *fence)
{
    redis_link_command(fence->link, 2);
    redis_link_text(fence->link, "WATCH");
    redis_link_text(fence->link, fence->epoch_key);
    redis_link_command(fence->link, 2);
    redis_link_text(fence->link, "GET");
    redis_link_text(fence->link, fence->epoch_key);
    fence->answers = 0;
    fence->refused = false;
}

void redis_fence_arm(struct redis_fence *fence)
{
    watch(fence);
    fence->answers_max = 2;
    fence->phase = FENCE_ARMING;
}

void redis_fence_begin(struct redis_fence *fence)
{
    assert(fence->phase == FENCE_READY);
    redis_link_command(fence->link, 1);
    redis_link_text(fence->link, "MULTI");
}

void redis_fence_end(struct redis_fence *fence, uint32_t commands)
{
    redis_link_command(fence->link, 1);
    redis_link_text(fence->link, "EXEC");
    watch(fence);
    fence->answers_max = commands + 4; /* MULTI, the commands, EXEC, WATCH, GET */
    fence->phase = FENCE_WRITING;
}

static bool is_temporary(const redisReply *reply)
{
    static const char *const words[] = {"OOM ", "MISCONF ", "NOREPLICAS ", "READONLY ", "BUSY ", "LOADING "};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(reply->str, words[i], strlen(words[i])) == 0)
            return true;
    return false;
}

/* EXEC: nil = :epoch moved. An error within it can only be a key that is not what it should be. */
static enum fence_news take_exec(struct redis_fence *fence, const redisReply *reply, const redisReply **ret_culprit)
{
    if (reply->type == REDIS_REPLY_NIL)
        return FENCE_TAKEN;
    if (fence->refused)
        return FENCE_WAITS; /* was told at the first refusal */
    if (reply->type == REDIS_REPLY_ERROR) {
        fence->refused = true;
        return FENCE_REFUSED;
    }
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        if (reply->element[i]->type == REDIS_REPLY_ERROR) {
            *ret_culprit = reply->element[i];
            return FENCE_BROKEN;
        }
    }
    return reply->type == REDIS_REPLY_ARRAY ? FENCE_STANDS : FENCE_BROKEN;
}

static enum fence_news take_epoch(struct redis_fence *fence, const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_STRING && reply->type != REDIS_REPLY_NIL)
        return FENCE_BROKEN;
    if (reply->type == REDIS_REPLY_NIL || strcmp(reply->str, fence->epoch_text) != 0)
        return FENCE_TAKEN;
    fence->phase = FENCE_READY;
    return FENCE_ARMED;
}

enum fence_news redis_fence_take(struct redis_fence *fence, const redisReply *reply, const redisReply **ret_culprit)
{
    assert(fence->phase == FENCE_ARMING || fence->phase == FENCE_WRITING);
    const uint32_t left = fence->answers_max - ++fence->answers;
    *ret_culprit = reply;
    if (left == 0)
        return take_epoch(fence, reply);
    if (left == 2)
        return take_exec(fence, reply, ret_culprit);
    if (reply->type == REDIS_REPLY_ERROR && is_temporary(reply)) {
        const bool first = !fence->refused;
        fence->refused = true;
        return first ? FENCE_REFUSED : FENCE_WAITS;
    }
    return reply->type == REDIS_REPLY_STATUS ? FENCE_WAITS : FENCE_BROKEN;
}
