/* SPDX-License-Identifier: Apache-2.0
 * redis_fence.h - writes that are void once the cell is somebody else's: a
 * connection to Redis with one transaction out at a time.
 *
 * The fence is WATCH, not a script. :epoch is watched before it is read, and a
 * transaction goes out only after that read has shown it to be ours, so a takeover
 * in between voids it. The next WATCH travels behind each EXEC: one round trip a
 * transaction. One at a time, for a WATCH covers one EXEC only. docs/adr/0007 has
 * what a script costs instead. Knows no log, view or key but :epoch. */
#ifndef TAKT_BROKER_REDIS_FENCE_H
#define TAKT_BROKER_REDIS_FENCE_H

#include "broker/redis_link.h"

enum fence_phase {
    FENCE_OFF,     /* not armed */
    FENCE_ARMING,  /* WATCH and GET are out */
    FENCE_READY,   /* the epoch is ours, and watched since we saw it */
    FENCE_WRITING, /* a transaction is out, and the next WATCH and GET */
};

struct redis_fence {
    struct redis_link *link;
    const char *epoch_key, *epoch_text; /* :epoch, and what it holds while the cell is ours */
    enum fence_phase phase;
    uint32_t answers, answers_max; /* to what is out */
    bool refused;                  /* the server took none of the transaction */
};

enum fence_news {
    FENCE_WAITS,   /* nothing yet: the answer was one of many */
    FENCE_ARMED,   /* READY again */
    FENCE_STANDS,  /* the transaction is done, all of it; the reply is EXEC's */
    FENCE_REFUSED, /* the server takes no writes now: nothing of it was done */
    FENCE_TAKEN,   /* the cell is not ours any more: nothing of it was done */
    FENCE_BROKEN,  /* an answer that cannot be: *ret_culprit says what */
};

/* Send WATCH and GET. READY when their answers are taken. */
void redis_fence_arm(struct redis_fence *fence);

/* READY only: MULTI; then the caller's commands into `link`; then their number. */
void redis_fence_begin(struct redis_fence *fence);
void redis_fence_end(struct redis_fence *fence, uint32_t commands);

/* ARMING or WRITING: what this answer says. *ret_culprit: the reply to name in an
 * error, of REFUSED (the server's first refusal, or EXEC's) and BROKEN. */
enum fence_news redis_fence_take(struct redis_fence *fence, const redisReply *reply, const redisReply **ret_culprit);

#endif
