/* SPDX-License-Identifier: Apache-2.0
 * beat.h - the broker's loop, one page: sockets, core, store, sockets. */
#ifndef TAKT_BROKER_BEAT_H
#define TAKT_BROKER_BEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/door.h"
#include "broker/store.h"
#include "core/core.h"

struct beat;
struct metrics;
struct places;

struct beat_levels { /* beats that decided something, request to commit */
    uint64_t decisions, decision_us_sum, decision_us_max;
};

struct beat_parts { /* borrowed; they outlive the beat */
    struct door *door;
    struct store *store;
    struct core *core;
    struct places *places;
    struct metrics *metrics; /* may be NULL */
    int signal_fd;           /* readable: leave */
};

struct beat *beat_new(const struct beat_parts *parts, int64_t core_time_us);
const struct beat_levels *beat_levels(const struct beat *beat);
void beat_destroy(struct beat **beat_p);

/* Run until the signal, then see that what is in flight stands and the view is
 * written. Returns STORE_OK, or what the store ended it with: FENCED, UNSAFE,
 * DAMAGED, NO_CELL. */
enum store_status beat_run(struct beat *beat);

#endif
