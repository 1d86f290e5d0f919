/* SPDX-License-Identifier: Apache-2.0
 * workers.c - the scoring workers as the core sees them: who is there, how much
 * each may have in hand, who did not answer in time. */
#include "core/core_private.h"

#include <inttypes.h>
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

static bool is_host_of(const char *place, const char *other)
{
    const char *slash = strrchr(place, '/');
    return slash && slash > place && strncmp(place, other, (size_t) (slash - place + 1)) == 0;
}

static uint32_t find_named(const struct core *core, const char *name, uint32_t but)
{
    for (uint32_t i = 0; i < core->n_workers; i++)
        if (i != but && core->workers[i].used && strcmp(core->workers[i].name, name) == 0)
            return i;
    return NONE;
}

/* On its own host a name is taken over, since there it was started again; from another host it gets a number,
 * so that a report and the metrics never have one name twice. */
static void settle_name(struct core *core, uint32_t index)
{
    struct worker *worker = &core->workers[index];
    char hello_name[sizeof worker->name];
    memcpy(hello_name, worker->name, sizeof hello_name);
    const uint32_t before = find_named(core, worker->name, index);
    if (before != NONE && is_host_of(worker->place, core->workers[before].place)) {
        if (strcmp(worker->place, core->workers[before].place) !=
            0) /* another process: it must not come back for the name */
            effects_error(core->effects, core->workers[before].peer, REASON_SESSION_FENCED, 0, "", 0);
        worker_leave(core, before);
    }
    struct buf name = {0};
    for (uint32_t n = 2; find_named(core, worker->name, index) != NONE; n++) {
        name.len = 0;
        buf_printf(&name, "%.58s.%" PRIu32, hello_name, n);
        memcpy(worker->name, name.at, name.len + 1);
    }
    buf_fini(&name);
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
                              .hello_us = core->now_us,
                              .heard_ms = run_ms(core),
                              .capacity = capacity < WORKER_REQUESTS_MAX ? capacity : WORKER_REQUESTS_MAX};
    worker->timer.owner = TIMER_WORKER;
    memcpy(worker->name, hello->name.at, hello->name.len);
    if (hello->place.len)
        memcpy(worker->place, hello->place.at, hello->place.len);
    settle_name(core, index);
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

bool worker_may_be_asked(const struct worker *worker)
{
    return worker->used && !worker->late && !worker->drained && !worker->leaving;
}

bool worker_any(const struct core *core)
{
    for (uint32_t i = 0; i < core->n_workers; i++)
        if (worker_may_be_asked(&core->workers[i]))
            return true;
    return false;
}

/* What it has in hand it finishes; windows not yet asked go to the others, or to the plain order, in this beat. */
bool worker_drain(struct core *core, struct slice name, bool drained)
{
    bool found = false;
    for (uint32_t i = 0; i < core->n_workers; i++) {
        struct worker *worker = &core->workers[i];
        if (!worker->used || !slice_is(name, worker->name))
            continue;
        worker->drained = drained;
        found = true;
    }
    return found;
}

/* ---- how busy they are ------------------------------------------------------------------- */

/* Seconds that passed without a word from it were idle ones. */
static void turn_ring(struct worker *worker, int64_t second)
{
    if (second - worker->busy_second >= BUSY_SECONDS)
        memset(worker->busy_us, 0, sizeof worker->busy_us);
    else
        for (int64_t s = worker->busy_second + 1; s <= second; s++)
            worker->busy_us[s % BUSY_SECONDS] = 0;
    worker->busy_second = second;
}

void worker_busy(struct worker *worker, int64_t now_us, uint32_t spent_us)
{
    turn_ring(worker, now_us / 1000000);
    worker->spent_us += spent_us;
    worker->busy_us[worker->busy_second % BUSY_SECONDS] += spent_us;
}

uint32_t worker_busy_permille(const struct worker *worker, int64_t now_us)
{
    struct worker copy = *worker;
    uint64_t busy_us = 0;
    turn_ring(&copy, now_us / 1000000);
    for (uint32_t i = 0; i < BUSY_SECONDS; i++)
        busy_us += copy.busy_us[i];
    uint64_t span_us = (uint64_t) ((BUSY_SECONDS - 1) * 1000000 + now_us % 1000000);
    const uint64_t here_us = (uint64_t) (now_us - worker->hello_us);
    if (here_us < span_us)
        span_us = here_us;
    return span_us == 0 ? 0 : busy_us >= span_us ? 1000 : (uint32_t) (busy_us * 1000 / span_us);
}

/* ---- whom to ask --------------------------------------------------------------------------- */

struct worker *worker_pick(struct core *core, uint32_t *ret_index)
{
    if (core->n_asks >= ASKS_MAX - 1) /* one is left for the plain order */
        return NULL;
    for (uint32_t i = 0; i < core->n_workers; i++) {
        const uint32_t at = (core->worker_turn + i) % core->n_workers;
        struct worker *worker = &core->workers[at];
        if (!worker_may_be_asked(worker) || worker->out >= worker->capacity)
            continue;
        core->worker_turn = (at + 1) % core->n_workers;
        *ret_index = at;
        return worker;
    }
    return NULL;
}
