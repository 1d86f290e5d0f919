/* SPDX-License-Identifier: Apache-2.0
 * workers.c - the scoring workers as the core sees them: who is there, how much
 * each may have in hand, who did not answer in time. */
#include "core/core_private.h"

#include <stdlib.h>
#include <string.h>

enum { WORKERS_MAX = 256, WORKER_REQUESTS_MAX = 16 };

static uint32_t free_worker(struct core *core)
{
    if (!core->workers) { /* never moved: timers stand in heaps */
        core->workers = calloc(WORKERS_MAX, sizeof *core->workers);
        assert(core->workers);
    }
    for (uint32_t i = 0; i < core->n_workers; i++)
        if (!core->workers[i].used)
            return i;
    return core->n_workers < WORKERS_MAX ? core->n_workers++ : NONE;
}

void worker_hello(struct core *core, uint32_t peer, const struct msg *msg)
{
    const struct msg_hello *hello = &msg->hello;
    const uint32_t index = free_worker(core);
    if (index == NONE) {
        effects_error(core->effects, peer, REASON_TOO_MANY, msg->seq, "256 workers", 0);
        return;
    }
    struct worker *worker = &core->workers[index];
    const uint32_t capacity = hello->capacity ? hello->capacity : 1;
    /* asks do not wait for a beat, its Welcome does: it is asked after its first heartbeat */
    *worker = (struct worker){.used = true,
                              .late = true,
                              .peer = peer,
                              .heard_ms = run_ms(core),
                              .capacity = capacity < WORKER_REQUESTS_MAX ? capacity : WORKER_REQUESTS_MAX};
    worker->timer.owner = TIMER_WORKER;
    memcpy(worker->name, hello->name.at, hello->name.len);
    core_arm(core, &worker->timer, run_ms(core) + core->policy.lease_ms, false);
    core->peers[peer].index = index;
}

void worker_leave(struct core *core, uint32_t index)
{
    struct worker *worker = &core->workers[index];
    if (!worker->used)
        return;
    worker->used = false;
    core_disarm(core, &worker->timer);
    core->peers[worker->peer].session = 0;
    for (uint32_t i = 0; i < ASKS_MAX; i++)
        if (core->asks[i] && core->asks[i]->id && core->asks[i]->worker == index)
            verdict_withdraw(core, core->asks[i]);
}

struct worker *worker_pick(struct core *core, uint32_t *ret_index)
{
    if (core->n_asks >= ASKS_MAX - 1) /* one is left for the plain order */
        return NULL;
    for (uint32_t i = 0; i < core->n_workers; i++) {
        const uint32_t at = (core->worker_turn + i) % core->n_workers;
        struct worker *worker = &core->workers[at];
        if (!worker->used || worker->late || worker->out >= worker->capacity)
            continue;
        core->worker_turn = (at + 1) % core->n_workers;
        *ret_index = at;
        return worker;
    }
    return NULL;
}
