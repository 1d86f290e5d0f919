/* SPDX-License-Identifier: Apache-2.0
 * bench_agents.c - see bench_agents.h. One loop a process over the descriptors of
 * the client library; each offer is accepted at once, each lead that was asked
 * for is closed at once. */
#include "bench/bench_agents.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "core/lead_states.h"

enum { WATCH_ORDERS = CREW_PART_MAX, SWEEP_MS = 250, READY_EVENTS = 1024 };

struct held {
    takt_id lead;
    uint64_t fence;
};

struct heard { /* in one turn of an agent: told at its end, so that counting is not what is measured */
    uint32_t offered, accepted, closed, refused;
};

struct member {
    takt_t *handle;
    struct held *held;
    uint32_t n_held, room;
};

struct part {
    const struct crew *crew;
    struct tally *tally;
    struct member members[CREW_PART_MAX];
    uint32_t n, turn, sweep_at;
    int epoll;
    int64_t swept_us;
    unsigned closing; /* the disposition */
};

void bench_die(const char *what, const char *why)
{
    fprintf(stderr, "bench_load: %s: %s\n", what, why);
    exit(1);
}

/* ---- what the crew tells ---------------------------------------------------------- */

struct tally *tally_new(void)
{
    struct tally *tally =
        mmap(NULL, sizeof *tally, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (tally == MAP_FAILED)
        bench_die("memory", strerror(errno));
    return tally;
}

static void count(uint32_t *counter, uint32_t n)
{
    __atomic_fetch_add(counter, n, __ATOMIC_ACQ_REL);
}

static void note_time(int64_t *latest_us, int64_t now_us)
{
    int64_t before_us = __atomic_load_n(latest_us, __ATOMIC_RELAXED);

    while (before_us < now_us &&
           !__atomic_compare_exchange_n(latest_us, &before_us, now_us, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        continue;
}

/* Times before counts: who sees the count reads the time. */
static void count_heard(struct tally *tally, const struct heard *heard)
{
    const int64_t now_us = clock_mono_us();

    if (heard->offered > 0)
        note_time(&tally->offered_us, now_us);
    if (heard->accepted > 0)
        note_time(&tally->accepted_us, now_us);
    count(&tally->offered, heard->offered);
    count(&tally->accepted, heard->accepted);
    count(&tally->closed, heard->closed);
    count(&tally->refused, heard->refused);
}

static void note_accept(struct tally *tally, takt_id lead)
{
    const uint32_t place = __atomic_fetch_add(&tally->n_ids, 1, __ATOMIC_ACQ_REL);

    if (place >= ACCEPTS_MAX)
        bench_die("accepts", "more than can be checked");
    tally->ids[place] = lead;
}

/* ---- one agent ---------------------------------------------------------------------- */

static void keep(struct member *member, const struct takt_event *event)
{
    if (member->n_held == member->room) {
        member->room = member->room > 0 ? 2 * member->room : 4;
        member->held = reallocarray(member->held, member->room, sizeof *member->held);
        if (member->held == NULL)
            bench_die("memory", strerror(errno));
    }
    member->held[member->n_held++] = (struct held){event->lead_id, event->fence};
}

static void close_lead(const struct part *part, struct member *member, takt_id lead, uint64_t fence)
{
    if (takt_dispose(member->handle, lead, fence, part->closing, NULL, 0) != 0)
        bench_die("dispose", takt_why(member->handle));
}

/* An offer is taken; a lead that was asked for is the agent's already, and it closes it. */
static void hear_offer(struct part *part, struct member *member, const struct takt_event *event, struct heard *heard)
{
    heard->offered++;
    if (event->state == LEAD_OWNED) {
        note_accept(part->tally, event->lead_id);
        heard->accepted++;
        close_lead(part, member, event->lead_id, event->fence);
    } else if (takt_accept(member->handle, event->lead_id, event->fence) != 0) {
        bench_die("accept", takt_why(member->handle));
    }
}

static void hear_acted(struct part *part, struct member *member, const struct takt_event *event, struct heard *heard)
{
    if (event->reason != 0) {
        heard->refused++;
    } else if (event->state == LEAD_OWNED) {
        keep(member, event);
        note_accept(part->tally, event->lead_id);
        heard->accepted++;
    } else {
        heard->closed++;
    }
}

static void hear(struct part *part, struct member *member, const struct takt_event *event, struct heard *heard)
{
    switch (event->kind) {
    case TAKT_CONNECTED:
        count(&part->tally->connected, 1);
        break;
    case TAKT_REFUSED:
    case TAKT_DISCONNECTED:
        bench_die("an agent lost its session", takt_why(member->handle));
        break;
    case TAKT_OFFER:
        hear_offer(part, member, event, heard);
        break;
    case TAKT_ACTED:
        hear_acted(part, member, event, heard);
        break;
    case TAKT_READY_ANSWER:
        if (event->reason != 0)
            bench_die("a ready agent got no lead", takt_reason_name(event->reason));
        break;
    default:
        break;
    }
}

/* Empty one handle: takt_next() sends what was said before it looks for more. */
static void drain(struct part *part, struct member *member)
{
    struct takt_event event;
    struct heard heard = {0};

    while (takt_next(member->handle, &event, 0) == 1)
        hear(part, member, &event, &heard);
    count_heard(part->tally, &heard);
}

/* ---- orders ------------------------------------------------------------------------- */

static void set_intent(struct part *part, enum takt_intent intent)
{
    for (uint32_t i = 0; i < part->n; i++) {
        if (takt_intent(part->members[i].handle, intent, 0) != 0)
            bench_die("intent", takt_why(part->members[i].handle));
        drain(part, &part->members[i]);
    }
}

static void close_all(struct part *part)
{
    for (uint32_t i = 0; i < part->n; i++) {
        struct member *member = &part->members[i];
        for (; member->n_held > 0; member->n_held--)
            close_lead(part, member, member->held[member->n_held - 1].lead, member->held[member->n_held - 1].fence);
        drain(part, member);
    }
}

static void ask_for_one(struct part *part)
{
    struct member *member = &part->members[part->turn++ % part->n];

    note_time(&part->tally->asked_us, clock_mono_us());
    if (takt_ready(member->handle, 0) != 0)
        bench_die("ready", takt_why(member->handle));
    drain(part, member);
}

/* Returns false when there will be none any more. */
static bool follow_orders(struct part *part, int fd)
{
    char order;
    const ssize_t got = read(fd, &order, 1);

    if (got <= 0)
        return false;
    switch (order) {
    case ORDER_AVAILABLE:
        set_intent(part, TAKT_AVAILABLE);
        break;
    case ORDER_AWAY:
        set_intent(part, TAKT_AWAY);
        break;
    case ORDER_CLOSE:
        close_all(part);
        break;
    case ORDER_READY:
        ask_for_one(part);
        break;
    default:
        bench_die("order", "not known");
    }
    return true;
}

/* ---- a part of the crew, in its process ------------------------------------------------ */

static void watch(const struct part *part, int fd, uint32_t what)
{
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = what};

    if (epoll_ctl(part->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        bench_die("epoll", strerror(errno));
}

static void open_part(struct part *part, uint32_t first)
{
    for (uint32_t i = 0; i < part->n; i++) {
        char name[24], why[160] = "";
        snprintf(name, sizeof name, "bench-agent-%" PRIu32, first + i);
        part->members[i].handle = takt_open(&(struct takt_options){.role = TAKT_AGENT,
                                                                   .endpoint = part->crew->endpoint,
                                                                   .name = name,
                                                                   .team = part->crew->team,
                                                                   .intent = part->crew->intent,
                                                                   .capacity = part->crew->capacity},
                                            why);
        if (part->members[i].handle == NULL)
            bench_die(name, why);
        watch(part, takt_fd(part->members[i].handle), i);
    }
}

/* Each handle gets its turn now and then, whatever its descriptor says: heartbeats, timeouts. */
static void sweep(struct part *part)
{
    const int64_t now_us = clock_mono_us(), since_us = now_us - part->swept_us;
    uint32_t due = (uint32_t) (since_us * part->n / (SWEEP_MS * 1000));

    if (due == 0)
        return;
    part->swept_us = now_us;
    for (due = due < part->n ? due : part->n; due > 0; due--)
        drain(part, &part->members[part->sweep_at++ % part->n]);
}

static void run_part(struct part *part, uint32_t first, int orders)
{
    struct epoll_event ready[READY_EVENTS];
    bool running = true;

    part->closing = takt_disposition("not-interested");
    part->epoll = epoll_create1(EPOLL_CLOEXEC);
    open_part(part, first);
    watch(part, orders, WATCH_ORDERS);
    part->swept_us = clock_mono_us();
    while (running) {
        const int n = epoll_wait(part->epoll, ready, READY_EVENTS, SWEEP_MS / 10);
        for (int i = 0; i < n; i++) {
            if (ready[i].data.u32 == WATCH_ORDERS)
                running = follow_orders(part, orders);
            else
                drain(part, &part->members[ready[i].data.u32]);
        }
        sweep(part);
    }
    for (uint32_t i = 0; i < part->n; i++) {
        takt_close(&part->members[i].handle);
        free(part->members[i].held);
    }
}

/* ---- the crew ---------------------------------------------------------------------------- */

static void start_part(struct crew *crew, struct tally *tally, uint32_t first, uint32_t n)
{
    static struct part part;
    int orders[2];

    if (pipe(orders) != 0)
        bench_die("pipe", strerror(errno));
    const pid_t child = fork();
    if (child < 0)
        bench_die("fork", strerror(errno));
    if (child == 0) {
        close(orders[1]);
        for (uint32_t i = 0; i < crew->n_parts; i++) /* the others' ends: they must close with the parent's */
            close(crew->orders[i]);
        part.crew = crew;
        part.tally = tally;
        part.n = n;
        run_part(&part, first, orders[0]);
        exit(0);
    }
    close(orders[0]);
    crew->pids[crew->n_parts] = child;
    crew->orders[crew->n_parts++] = orders[1];
}

void crew_start(struct crew *crew, struct tally *tally)
{
    for (uint32_t first = 0; first < crew->n; first += CREW_PART_MAX) {
        if (crew->n_parts == CREW_PARTS_MAX)
            bench_die("agents", "too many for one crew");
        start_part(crew, tally, first, crew->n - first < CREW_PART_MAX ? crew->n - first : CREW_PART_MAX);
    }
}

void crew_order(struct crew *crew, enum crew_order order)
{
    const char byte = (char) order;
    const uint32_t only = crew->turn++ % crew->n_parts;

    for (uint32_t i = 0; i < crew->n_parts; i++)
        if ((order != ORDER_READY || i == only) && write(crew->orders[i], &byte, 1) != 1)
            bench_die("order", strerror(errno));
}

void crew_stop(struct crew *crew)
{
    for (uint32_t i = 0; i < crew->n_parts; i++)
        close(crew->orders[i]);
    for (uint32_t i = 0; i < crew->n_parts; i++) {
        int status = 0;
        if (waitpid(crew->pids[i], &status, 0) != crew->pids[i] || status != 0)
            bench_die("agents", "their process failed");
    }
    crew->n_parts = 0;
}
