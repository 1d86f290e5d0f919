/* SPDX-License-Identifier: Apache-2.0
 * bench_agents.h - the many agents of a measurement: each accepts what it is
 * offered at once, in one loop over the descriptors of the client library.
 * bench_load.c decides when and in which process they live. */
#ifndef TAKT_BENCH_BENCH_AGENTS_H
#define TAKT_BENCH_BENCH_AGENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "client/takt.h"

enum {
    AGENTS_MAX = 1024,
    WATCH_OTHER = AGENTS_MAX, /* among what is watched: wakes the loop up, is the caller's to read */
    WATCH_STOP,               /* ready means: end */
    SWEEP_MS = 20,            /* at the latest then each handle gets its turn: heartbeats, timeouts */
};

struct options {
    const char *mode, *source, *agent, *operator_, *team, *source_name;
    uint32_t leads, agents, limit_s, metrics_port;
};

/* What the process of the agents tells the one of the source. */
struct shared {
    uint32_t connected, offered, accepted, refused;
    uint32_t extra;                  /* accepts beyond the number of leads: must stay 0 */
    int64_t offered_us, accepted_us; /* the latest */
    int64_t cpu_us;                  /* of the agents' process, once it has ended */
    takt_id ids[];                   /* of the accepted leads, in order of their receipts */
};

struct agents {
    const struct options *options;
    struct shared *shared;
    int epoll;
    int64_t swept_us;
    takt_t *handles[AGENTS_MAX];
};

/* Say what is wrong on stderr and leave with 1. */
void bench_die(const char *what, const char *why) __attribute__((noreturn));
takt_t *bench_open(const struct options *options, enum takt_role role, const char *name);

void agents_open(struct agents *agents, const struct options *options, struct shared *shared);
void agents_watch(struct agents *agents, int fd, uint32_t what);
void agents_close(struct agents *agents);

/* One turn: wait for anything, then serve the agents it came to. Returns false
 * when what was watched as WATCH_STOP is ready. */
bool agents_serve(struct agents *agents, int wait_ms);

#endif
