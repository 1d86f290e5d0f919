/* SPDX-License-Identifier: Apache-2.0
 * bench_agents.h - the many agents of a measurement: a crew lives in processes of
 * its own, does at once what its orders say, and tells what happened through a
 * page shared with who started it, so that counting costs the measurement
 * nothing. Over client/takt.h alone, as any user's program would be.
 *
 * A process holds a part of the crew: a connection takes two descriptors. */
#ifndef TAKT_BENCH_BENCH_AGENTS_H
#define TAKT_BENCH_BENCH_AGENTS_H

#include <stdint.h>
#include <sys/types.h>

#include "client/takt.h"

enum {
    ACCEPTS_MAX = 1 << 22,
    CREW_PART_MAX = 2500, /* agents of a process */
    CREW_PARTS_MAX = 16,
};

/* What the crew tells. Counts only grow; times are of the latest, on the clock of common/clock.h. */
struct tally {
    uint32_t connected, offered, accepted, closed, refused;
    int64_t asked_us, offered_us, accepted_us;
    uint32_t n_ids; /* places taken; all up to `accepted` are filled once nothing moves */
    takt_id ids[ACCEPTS_MAX];
};

struct crew {
    const char *endpoint, *team;
    enum takt_intent intent;
    uint32_t n, capacity; /* 0: the programme's */
    uint32_t n_parts, turn;
    pid_t pids[CREW_PARTS_MAX];
    int orders[CREW_PARTS_MAX]; /* written here; closed: the part leaves */
};

enum crew_order {
    ORDER_AVAILABLE = 'a',
    ORDER_AWAY = 'w',
    ORDER_CLOSE = 'c', /* dispose of every lead in hand */
    ORDER_READY = 'r', /* the next agent in turn asks for a lead, and closes it when it has it */
};

/* Say what is wrong on stderr and leave with 1. */
void bench_die(const char *what, const char *why) __attribute__((noreturn));

struct tally *tally_new(void);

/* Fork the crew. Before any other handle is opened in this process: a context does not survive a fork. */
void crew_start(struct crew *crew, struct tally *tally);
void crew_order(struct crew *crew, enum crew_order order); /* to all, READY to the parts in turn */
void crew_stop(struct crew *crew);

#endif
