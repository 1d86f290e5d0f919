/* SPDX-License-Identifier: Apache-2.0
 * queue.h - what one hook has not been told yet: order, how often and when it is
 * tried, when it is given up.
 *
 * Pure: time is a number of the caller's. Two waits exist. An event that failed
 * waits by itself, twice as long each time, so one that a receiver cannot digest
 * holds up nobody. A hook that failed twice in a row waits as a whole and is then asked
 * by one event at a time, so a dead receiver costs one attempt a wait, whatever piles up.
 * Events of one lead go one after another, each when the one before it is over. */
#ifndef TAKT_HOOKS_QUEUE_H
#define TAKT_HOOKS_QUEUE_H

#include "common/buf.h"
#include "proto/msg.h"

enum {
    QUEUE_MAX = 100000, /* events; what comes while so many wait is lost, and counted */
    QUEUE_RETRY_MS = 500,
};

struct queue_limits {
    int64_t retry_most_ms; /* no wait is longer */
    int64_t retry_for_ms;  /* an attempt that fails when the event is so old was its last */
    uint32_t parallel;     /* attempts at once */
};

struct queue_counts {
    uint64_t delivered, given_up, lost; /* events */
    uint64_t failures;                  /* attempts */
    uint32_t behind;                    /* events that wait or are on their way */
    int64_t failing_ms;                 /* time of the first of the failures without a success since; 0: none */
};

struct queued {
    struct queued *before, *next; /* in the order they came */
    struct queued *after;         /* of the same lead, waits for this one */
    struct id lead;
    int64_t at_ms;            /* of the event itself */
    int64_t try_ms, began_ms; /* not before; the attempt on its way */
    uint32_t tries;
    bool is_out, is_blocked;
    bool is_kept;     /* the caller's: on disk */
    struct buf input; /* the caller's: what is in its lead; never on disk */
    size_t len;
    char text[]; /* one line, without its end */
};

struct queue;

struct queue *queue_new(const struct queue_limits *limits);
void queue_destroy(struct queue **queue_p);

/* NULL when it is full. */
struct queued *queue_add(struct queue *queue, struct id lead, int64_t at_ms, struct slice text);

/* An event that may be tried now, on its way from then on; NULL: none. */
struct queued *queue_next(struct queue *queue, int64_t now_ms);
int64_t queue_when(const struct queue *queue,
                   int64_t now_ms); /* when there may be one; INT64_MAX: after a queue_done() */

/* How the attempt ended. Frees it, unless it will be tried again. `wall_ms` is on the events' own clock. */
void queue_done(struct queue *queue, struct queued *item, bool delivered, int64_t now_ms, int64_t wall_ms);
void queue_put_off(struct queue *queue, struct queued *item, int64_t until_ms); /* it was not tried */

bool queue_has(const struct queue *queue, struct id lead); /* does an event of it wait? */
struct queued *queue_first(const struct queue *queue);     /* the oldest; go on by ->next */
const struct queue_counts *queue_counts(const struct queue *queue);
void queue_set_counts(struct queue *queue, const struct queue_counts *counts); /* of a former run */

/* The wait after so many failures in a row. */
int64_t queue_back_off_ms(uint32_t failures, int64_t most_ms);

#endif
