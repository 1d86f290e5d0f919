/* SPDX-License-Identifier: Apache-2.0
 * away.h - while the store is away nothing is promised and nothing accepted: whoever
 * speaks is told so, and the store is opened anew as soon as it is there. */
#ifndef TAKT_BROKER_AWAY_H
#define TAKT_BROKER_AWAY_H

#include "broker/beat.h"

struct away {
    int64_t since_us; /* mono; 0: the store is there */
    int64_t reopen_us;
};

/* One round. *ret_epoch is set when the store is back, and of that epoch. */
enum store_status away_round(struct away *away, const struct beat_parts *parts, bool *leave, uint64_t *ret_epoch);

/* The answer to a message that is not taken now: come again. */
void away_busy(struct door *door, uint32_t peer, const struct msg *msg);

#endif
