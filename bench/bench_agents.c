/* SPDX-License-Identifier: Apache-2.0
 * bench_agents.c - see bench_agents.h. One epoll over the handles' descriptors;
 * a sweep over all of them now and then serves heartbeats and timeouts, so that
 * no timer a handle is needed. */
#include "bench/bench_agents.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/clock.h"

void bench_die(const char *what, const char *why)
{
    fprintf(stderr, "bench_load: %s: %s\n", what, why);
    exit(1);
}

takt_t *bench_open(const struct options *options, enum takt_role role, const char *name)
{
    const char *endpoints[] = {
        [TAKT_SOURCE] = options->source, [TAKT_AGENT] = options->agent, [TAKT_OPERATOR] = options->operator_};
    struct takt_options opening = {.role = role, .endpoint = endpoints[role], .name = name};
    char why[160] = "";

    if (role == TAKT_AGENT) {
        opening.team = options->team;
        opening.intent = TAKT_AVAILABLE;
    }
    takt_t *handle = takt_open(&opening, why);
    if (handle == NULL)
        bench_die(name, why);
    return handle;
}

void agents_watch(struct agents *agents, int fd, uint32_t what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = what};

    if (epoll_ctl(agents->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        bench_die("epoll", strerror(errno));
}

void agents_open(struct agents *agents, const struct options *options, struct shared *shared)
{
    *agents = (struct agents){.options = options, .shared = shared, .epoll = epoll_create1(EPOLL_CLOEXEC)};
    for (uint32_t i = 0; i < options->agents; i++) {
        char name[24];
        snprintf(name, sizeof name, "bench-agent-%" PRIu32, i);
        agents->handles[i] = bench_open(options, TAKT_AGENT, name);
        agents_watch(agents, takt_fd(agents->handles[i]), i);
    }
}

void agents_close(struct agents *agents)
{
    for (uint32_t i = 0; i < agents->options->agents; i++)
        takt_close(&agents->handles[i]);
    close(agents->epoll);
}

static void count_accept(struct shared *shared, const struct options *options, takt_id lead)
{
    if (shared->accepted == options->leads) {
        shared->extra++;
        return;
    }
    shared->ids[shared->accepted] = lead;
    shared->accepted_us = clock_mono_us();
    __atomic_add_fetch(&shared->accepted, 1, __ATOMIC_RELEASE);
}

static void hear_agent(struct agents *agents, takt_t *handle, const struct takt_event *event)
{
    struct shared *shared = agents->shared;

    switch (event->kind) {
    case TAKT_CONNECTED:
        __atomic_add_fetch(&shared->connected, 1, __ATOMIC_RELEASE);
        break;
    case TAKT_REFUSED:
    case TAKT_DISCONNECTED:
        bench_die("an agent lost its session", takt_why(handle));
        break;
    case TAKT_OFFER:
        shared->offered++;
        shared->offered_us = clock_mono_us();
        if (takt_accept(handle, event->lead_id, event->fence) != 0)
            bench_die("accept", takt_why(handle));
        break;
    case TAKT_ACTED:
        if (event->reason == 0)
            count_accept(shared, agents->options, event->lead_id);
        else
            shared->refused++;
        break;
    default:
        break;
    }
}

/* Empty one handle. Acts leave with takt_flush(), and sending may swallow the
 * wake-up of something that came meanwhile: so look again until nothing came. */
static void drain_agent(struct agents *agents, takt_t *handle)
{
    struct takt_event event;
    bool heard;

    do {
        heard = false;
        while (takt_next(handle, &event, 0) == 1) {
            hear_agent(agents, handle, &event);
            heard = true;
        }
        takt_flush(handle);
    } while (heard);
}

bool agents_serve(struct agents *agents, int wait_ms)
{
    struct epoll_event ready[AGENTS_MAX];
    const int n = epoll_wait(agents->epoll, ready, AGENTS_MAX, wait_ms);
    bool running = true;

    for (int i = 0; i < n; i++) {
        if (ready[i].data.u32 == WATCH_STOP)
            running = false;
        else if (ready[i].data.u32 < AGENTS_MAX)
            drain_agent(agents, agents->handles[ready[i].data.u32]);
    }
    const int64_t now_us = clock_mono_us();
    if (now_us - agents->swept_us >= SWEEP_MS * 1000) {
        for (uint32_t i = 0; i < agents->options->agents; i++)
            drain_agent(agents, agents->handles[i]);
        agents->swept_us = now_us;
    }
    return running;
}
