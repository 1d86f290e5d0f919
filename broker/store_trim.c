/* SPDX-License-Identifier: Apache-2.0
 * store_trim.c - how far the log may be trimmed, and when.
 *
 * Three things hold an entry back: the view's position (the entry at it stays,
 * recovery begins with it), the archive's, and the retention for late readers.
 * The first two are needs, so the back end checks the archive's again in the very
 * step that trims; the third is a courtesy and ends when memory gets short.
 *
 * Only our own entries have an age and a length here. What a former broker left
 * counts as of the moment we took over: it is kept a little longer, never less. */
#include "broker/store_private.h"

enum {
    MARKS_A_KEEP = 64,         /* so finely the retention is measured out */
    MEMORY_SHORT_PERCENT = 60, /* before intake is refused, see broker/beat.c */
    REFUSED_REST_US = 1000 * 1000,
};

static struct log_mark *mark_at(struct trim *trim, uint32_t i)
{
    return &trim->marks[(trim->first + i) % LOG_MARKS_MAX];
}

static void drop_first(struct trim *trim)
{
    trim->past = *mark_at(trim, 0);
    trim->first = (trim->first + 1) % LOG_MARKS_MAX;
    trim->n--;
}

static void add_mark(struct store *store, struct position at)
{
    struct trim *trim = &store->trim;
    if (trim->n == LOG_MARKS_MAX)
        drop_first(trim);
    *mark_at(trim, trim->n++) = (struct log_mark){at, store->now_us, trim->bytes};
}

void store_retain(struct store *store, uint64_t bytes, int64_t age_us)
{
    store->trim.keep_bytes = bytes;
    store->trim.keep_us = age_us;
    if (store->loaded)
        add_mark(store, store->stood.at); /* what was not measured out so finely before */
}

void trim_begin(struct store *store, struct position done)
{
    store->trim.done = done;
    store->trim.n = 0;
    store->trim.past = (struct log_mark){0};
    add_mark(store, store->stood.at);
}

void trim_note(struct store *store, struct position at, uint32_t bytes)
{
    struct trim *trim = &store->trim;
    trim->bytes += bytes;
    const struct log_mark *last = trim->n > 0 ? mark_at(trim, trim->n - 1) : &trim->past;
    if (trim->bytes - last->bytes >= trim->keep_bytes / MARKS_A_KEEP ||
        store->now_us - last->at_us >= trim->keep_us / MARKS_A_KEEP)
        add_mark(store, at);
}

/* What was loaded has its age from the first pump on, the first time we know. */
static bool is_old(const struct store *store, const struct log_mark *mark)
{
    const int64_t since_us = mark->at_us > store->first_pump_us ? mark->at_us : store->first_pump_us;
    return store->now_us - since_us >= store->trim.keep_us || store->trim.bytes - mark->bytes >= store->trim.keep_bytes;
}

static void forget_old_marks(struct store *store)
{
    while (store->trim.n > 0 && is_old(store, mark_at(&store->trim, 0)))
        drop_first(&store->trim);
}

static bool memory_is_short(const struct store *store)
{
    return store->memory_max > 0 && store->memory_used >= store->memory_max / 100 * MEMORY_SHORT_PERCENT;
}

static struct position lower(struct position a, struct position b)
{
    return position_compare(a, b) < 0 ? a : b;
}

/* Where the log should begin. */
static struct position wanted(const struct store *store, bool short_of_memory)
{
    struct position below = store->view.at;
    if (store->has_archive)
        below = lower(below, store->archive);
    return short_of_memory ? below : lower(below, store->trim.past.at);
}

void store_archived(struct store *store, bool has_archive, struct position at)
{
    store->has_archive = has_archive;
    store->archive = at;
    if (!has_archive || position_compare(at, store->archive_goal) < 0)
        return;
    store->archive_goal = store->stood.at;
    store->goal_us = store->now_us;
}

void trim_move(struct store *store)
{
    struct trim *trim = &store->trim;
    while (store->status == STORE_OK && store->loaded && !trim->out && store->now_us >= trim->rest_us &&
           store->ops->trim_ready(store)) {
        const bool short_of_memory = memory_is_short(store);
        forget_old_marks(store);
        const struct position below = wanted(store, short_of_memory);
        if (position_compare(below, trim->done) <= 0)
            return;
        if (!store->idle && !short_of_memory && trim->past.bytes - trim->done_bytes < trim->keep_bytes)
            return;
        trim->out = true;
        trim->below = below;
        store->ops->trim(store, below);
    }
}

void store_trimmed(struct store *store, bool more)
{
    struct trim *trim = &store->trim;
    trim->out = false;
    if (more)
        return;
    trim->done = trim->below;
    if (position_compare(trim->done, trim->past.at) == 0)
        trim->done_bytes = trim->past.bytes;
}

void store_trim_failed(struct store *store)
{
    store->trim.out = false;
    store->trim.rest_us = store->now_us + REFUSED_REST_US;
}
