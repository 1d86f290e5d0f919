/* SPDX-License-Identifier: Apache-2.0
 * walk.h - every row that a cell's log holds, in order: from the archive's segments
 * as far as they reach, then from Redis. Writes nothing and needs no broker.
 *
 * Where the log begins later than the cell, since its beginning was trimmed and
 * nobody archived it, the rows of the view, or of the first segment's image, come
 * last. They are states and no history: what became of a lead is in them, most of
 * when it did is not. They come last, since they may be newer than the first entries;
 * but for policies, which the first entries may need. */
#ifndef TAKT_REPORT_WALK_H
#define TAKT_REPORT_WALK_H

#include "broker/store_tap.h"

struct walk_source {
    const char *redis, *cell; /* NULL: the archive alone */
    const char *archive;      /* a folder of segments, which may be empty; NULL: Redis alone */
};

struct walk_visitor {
    /* A row, and the entry it is from; entry NULL: a state from before the first one. False: stop, the row is damaged.
     */
    bool (*row)(void *arg, const struct row_ref *row, const struct entry *entry);
    void *arg;
};

struct walked { /* what was read */
    struct position first, last;
    int64_t first_ms, last_ms;
    uint64_t entries;
};

/* STORE_OK; else `why` says what is in the way. */
enum store_status walk_log(const struct walk_source *source, const struct walk_visitor *visitor, struct walked *ret,
                           struct buf *why);

#endif
