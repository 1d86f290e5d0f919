/* SPDX-License-Identifier: Apache-2.0
 * crowd.c - many simulated agents on one epoll. See crowd.h. */
#include "cli/crowd.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "cli/cli.h"
#include "common/clock.h"
#include "common/net.h"

enum { EVENTS_MAX = 256, FDS_PER_AGENT = 8 };

struct crowd {
    int epoll_fd;
    uint32_t n;
    struct crew_agent *agents[CROWD_MAX];
};

struct crowd *crowd_new(const struct crew_plan *plan, struct crew_counts *counts, uint32_t n, const char *prefix,
                        uint64_t seed)
{
    struct crowd *crowd = calloc(1, sizeof *crowd);
    net_raise_fds((uint64_t) n * FDS_PER_AGENT + 64);
    if (!crowd || (crowd->epoll_fd = epoll_create1(EPOLL_CLOEXEC)) < 0)
        abort();
    for (uint32_t i = 0; i < n; i++) {
        char name[65], why[160];
        snprintf(name, sizeof name, "%s-%04" PRIu32, prefix, i + 1);
        struct crew_agent *agent = crew_new(plan, counts, name, seed * 1000003u + i, why);
        if (!agent) {
            cli_say("agent %s: %s", name, why);
            crowd_destroy(&crowd);
            return NULL;
        }
        crowd->agents[crowd->n++] = agent;
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        if (epoll_ctl(crowd->epoll_fd, EPOLL_CTL_ADD, crew_fd(agent), &event) != 0)
            abort();
        crew_turn(agent, clock_mono_us());
    }
    return crowd;
}

void crowd_destroy(struct crowd **crowd_p)
{
    struct crowd *crowd = *crowd_p;
    if (!crowd)
        return;
    for (uint32_t i = 0; i < crowd->n; i++)
        crew_destroy(&crowd->agents[i]);
    close(crowd->epoll_fd);
    free(crowd);
    *crowd_p = NULL;
}

int crowd_fd(const struct crowd *crowd)
{
    return crowd->epoll_fd;
}

int64_t crowd_next_us(const struct crowd *crowd)
{
    int64_t next_us = INT64_MAX;
    for (uint32_t i = 0; i < crowd->n; i++)
        if (crew_next_us(crowd->agents[i]) < next_us)
            next_us = crew_next_us(crowd->agents[i]);
    return next_us;
}

void crowd_turn(struct crowd *crowd, int64_t now_us)
{
    struct epoll_event events[EVENTS_MAX];
    const int n = epoll_wait(crowd->epoll_fd, events, EVENTS_MAX, 0);
    for (int i = 0; i < n; i++)
        crew_turn(crowd->agents[events[i].data.u32], now_us);
    for (uint32_t i = 0; i < crowd->n; i++)
        if (crew_next_us(crowd->agents[i]) <= now_us)
            crew_turn(crowd->agents[i], now_us);
}

unsigned crowd_holds(const struct crowd *crowd)
{
    unsigned n = 0;
    for (uint32_t i = 0; i < crowd->n; i++)
        n += crew_holds(crowd->agents[i]);
    return n;
}
