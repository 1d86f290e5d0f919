/* SPDX-License-Identifier: Apache-2.0
 * away.c - see away.h. What was on its way when the store went is the store's to
 * repeat; here is only how the broker lives until it can. */
#include "broker/away.h"

#include "broker/metrics.h"
#include "common/clock.h"
#include "common/log.h"

enum {
    FRAMES_MAX = 256, /* answered at a time, of each role */
    WAIT_MS = 50,
    REOPEN_US = 100 * 1000,
    BUSY_RETRY_MS = 500,
};

void away_busy(struct door *door, uint32_t peer, const struct msg *msg)
{
    struct msg busy = {.kind = MSG_ERROR, .error = {REASON_BUSY, msg->seq, slice_of("", 0), BUSY_RETRY_MS}};
    if (msg->kind == MSG_CHUNK)
        busy = (struct msg){
            .kind = MSG_RECEIPT,
            .receipt = {.op = msg->chunk.op, .reason = REASON_BUSY, .level = 1, .retry_after_ms = BUSY_RETRY_MS}};
    door_send(door, peer, &busy);
}

static void answer_busy(struct door *door)
{
    for (enum role role = ROLE_SOURCE; role <= ROLE_OPERATOR; role++) {
        uint32_t peer;
        struct msg msg;
        for (int n = 0; n < FRAMES_MAX && door_next(door, role, clock_mono_us(), &peer, &msg); n++)
            away_busy(door, peer, &msg);
    }
}

static bool wait_for_news(const struct beat_parts *parts)
{
    struct wait_fd fds[2] = {{.fd = parts->signal_fd}};
    const int n = 1 + (parts->metrics ? metrics_wait_fd(parts->metrics, &fds[1]) : 0);
    door_wait(parts->door, ROLES_ALL, fds, n, WAIT_MS);
    if (n > 1)
        metrics_run(parts->metrics);
    return fds[0].readable;
}

enum store_status away_round(struct away *away, const struct beat_parts *parts, bool *leave, uint64_t *ret_epoch)
{
    const int64_t now_us = clock_mono_us();
    if (!away->since_us) {
        log_line(LOG_ERROR, "store.away", "why=\"%s\"", store_why(parts->store));
        *away = (struct away){.since_us = now_us, .reopen_us = now_us};
    }
    answer_busy(parts->door);
    if (now_us < away->reopen_us) {
        *leave = wait_for_news(parts) || *leave;
        return STORE_OK;
    }
    uint64_t epoch;
    const enum store_status status = store_reopen(parts->store, &epoch);
    away->reopen_us = clock_mono_us() + REOPEN_US;
    if (status == STORE_AWAY || status == STORE_REFUSING)
        return STORE_OK;
    if (status != STORE_OK)
        return status;
    log_line(LOG_INFO, "store.back", "epoch=%llu outage_ms=%lld", (unsigned long long) epoch,
             (long long) ((clock_mono_us() - away->since_us) / 1000));
    away->since_us = 0;
    *ret_epoch = epoch;
    return STORE_OK;
}
