/* SPDX-License-Identifier: Apache-2.0
 * queue.c - see queue.h. One list in order of arrival, and by lead the last event
 * of it in that list, which the next one of this lead waits behind. */
#include "hooks/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) abort()
#include <uthash.h>

enum { DOUBLINGS_MAX = 30, DOWN_AFTER = 2 };

struct line { /* of one lead */
    struct id lead;
    struct queued *last;
    UT_hash_handle hh;
};

struct queue {
    struct queue_limits limits;
    struct queue_counts counts;
    struct queued *first, *last;
    struct line *lines;
    uint32_t n_out;
    uint32_t failed_in_a_row; /* attempts that began after the one before had failed */
    int64_t failed_ms;        /* when the last of them ended */
    int64_t open_ms;          /* the hook as a whole waits until then */
};

static void *alloc_zeroed(size_t size)
{
    void *at = calloc(1, size);
    if (at == NULL)
        abort();
    return at;
}

struct queue *queue_new(const struct queue_limits *limits)
{
    struct queue *queue = alloc_zeroed(sizeof *queue);
    queue->limits = *limits;
    return queue;
}

void queue_destroy(struct queue **queue_p)
{
    struct queue *queue = *queue_p;
    if (queue == NULL)
        return;
    for (struct queued *item = queue->first, *next; item != NULL; item = next) {
        next = item->next;
        buf_fini(&item->input);
        free(item);
    }
    for (struct line *line = queue->lines, *next; line != NULL; line = next) {
        next = line->hh.next;
        HASH_DEL(queue->lines, line);
        free(line);
    }
    free(queue);
    *queue_p = NULL;
}

int64_t queue_back_off_ms(uint32_t failures, int64_t most_ms)
{
    if (failures == 0)
        return 0;
    const uint32_t doublings = failures - 1 < DOUBLINGS_MAX ? failures - 1 : DOUBLINGS_MAX;
    const int64_t wait_ms = (int64_t) QUEUE_RETRY_MS << doublings;
    return wait_ms < most_ms ? wait_ms : most_ms;
}

/* ---- coming and going ------------------------------------------------------------ */

static void stand_in_line(struct queue *queue, struct queued *item)
{
    struct line *line;
    HASH_FIND(hh, queue->lines, &item->lead, sizeof item->lead, line);
    if (line == NULL) {
        line = alloc_zeroed(sizeof *line);
        line->lead = item->lead;
        HASH_ADD(hh, queue->lines, lead, sizeof line->lead, line);
    } else {
        line->last->after = item;
        item->is_blocked = true;
    }
    line->last = item;
}

struct queued *queue_add(struct queue *queue, struct id lead, int64_t at_ms, struct slice text)
{
    if (queue->counts.behind == QUEUE_MAX) {
        queue->counts.lost++;
        return NULL;
    }
    struct queued *item = alloc_zeroed(sizeof *item + text.len + 1);
    item->lead = lead;
    item->at_ms = at_ms;
    item->len = text.len;
    memcpy(item->text, text.at, text.len);
    item->before = queue->last;
    if (queue->last != NULL)
        queue->last->next = item;
    else
        queue->first = item;
    queue->last = item;
    stand_in_line(queue, item);
    queue->counts.behind++;
    return item;
}

static void leave(struct queue *queue, struct queued *item)
{
    if (item->after != NULL) {
        item->after->is_blocked = false;
    } else {
        struct line *line;
        HASH_FIND(hh, queue->lines, &item->lead, sizeof item->lead, line);
        assert(line != NULL); /* it stands in one */
        HASH_DEL(queue->lines, line);
        free(line);
    }
    if (item->before != NULL)
        item->before->next = item->next;
    else
        queue->first = item->next;
    if (item->next != NULL)
        item->next->before = item->before;
    else
        queue->last = item->before;
    queue->counts.behind--;
    buf_fini(&item->input);
    free(item);
}

/* ---- attempts --------------------------------------------------------------------- */

static bool is_down(const struct queue *queue)
{
    return queue->failed_in_a_row >= DOWN_AFTER;
}

static uint32_t at_once(const struct queue *queue)
{
    return is_down(queue) ? 1 : queue->limits.parallel;
}

struct queued *queue_next(struct queue *queue, int64_t now_ms)
{
    if (queue->n_out >= at_once(queue) || (is_down(queue) && now_ms < queue->open_ms))
        return NULL;
    for (struct queued *item = queue->first; item != NULL; item = item->next) {
        if (item->is_out || item->is_blocked || item->try_ms > now_ms)
            continue;
        item->is_out = true;
        item->began_ms = now_ms;
        queue->n_out++;
        return item;
    }
    return NULL;
}

int64_t queue_when(const struct queue *queue, int64_t now_ms)
{
    int64_t when_ms = INT64_MAX;
    if (queue->n_out >= at_once(queue))
        return INT64_MAX;
    for (const struct queued *item = queue->first; item != NULL && when_ms > now_ms; item = item->next)
        if (!item->is_out && !item->is_blocked && item->try_ms < when_ms)
            when_ms = item->try_ms;
    return is_down(queue) && when_ms < queue->open_ms ? queue->open_ms : when_ms;
}

static void note_success(struct queue *queue)
{
    if (is_down(queue)) /* it was the hook, not these events: they need not wait any longer */
        for (struct queued *item = queue->first; item != NULL; item = item->next)
            item->try_ms = 0;
    queue->failed_in_a_row = 0;
    queue->counts.failing_ms = 0;
    queue->counts.delivered++;
}

/* Attempts that were on their way together fail together, and count as one. */
static void note_failure(struct queue *queue, const struct queued *item, int64_t now_ms, int64_t wall_ms)
{
    queue->counts.failures++;
    if (queue->counts.failing_ms == 0)
        queue->counts.failing_ms = wall_ms;
    if (queue->failed_in_a_row > 0 && item->began_ms < queue->failed_ms)
        return;
    queue->failed_in_a_row++;
    queue->failed_ms = now_ms;
    queue->open_ms = now_ms + queue_back_off_ms(queue->failed_in_a_row, queue->limits.retry_most_ms);
}

void queue_put_off(struct queue *queue, struct queued *item, int64_t until_ms)
{
    item->is_out = false;
    item->try_ms = until_ms;
    queue->n_out--;
}

void queue_done(struct queue *queue, struct queued *item, bool delivered, int64_t now_ms, int64_t wall_ms)
{
    item->tries++;
    queue_put_off(queue, item, now_ms + queue_back_off_ms(item->tries, queue->limits.retry_most_ms));
    if (delivered)
        note_success(queue);
    else
        note_failure(queue, item, now_ms, wall_ms);
    if (!delivered && wall_ms - item->at_ms < queue->limits.retry_for_ms)
        return;
    queue->counts.given_up += !delivered;
    leave(queue, item);
}

bool queue_has(const struct queue *queue, struct id lead)
{
    const struct line *line;
    HASH_FIND(hh, queue->lines, &lead, sizeof lead, line);
    return line != NULL;
}

struct queued *queue_first(const struct queue *queue)
{
    return queue->first;
}

const struct queue_counts *queue_counts(const struct queue *queue)
{
    return &queue->counts;
}

void queue_set_counts(struct queue *queue, const struct queue_counts *counts)
{
    const uint32_t behind = queue->counts.behind;
    queue->counts = *counts;
    queue->counts.behind = behind;
}
