/* SPDX-License-Identifier: Apache-2.0
 * archive.h - a cell's log on disk: segments in a folder, written by one process
 * that follows Redis, read by whoever must do without that Redis.
 *
 * archive.c reads a folder, follow.c writes it, restore.c plants a cell from it.
 * Segments overlap: each begins at the view's position of its image, at or before
 * the last entry of the one before. So together they hold every entry, and each
 * alone a state. None is ever changed again but the last, which grows. */
#ifndef TAKT_ARCHIVE_ARCHIVE_H
#define TAKT_ARCHIVE_ARCHIVE_H

#include "archive/segment.h"
#include "broker/store_tap.h"

/* ---- reading -------------------------------------------------------------------- */

struct archive_end { /* the last entry of what was read so far */
    bool there;
    struct position at;
    struct entry_hash hash;
};

struct archive_visitor {
    tap_row_fn *row;     /* of the image; may be NULL, as the next */
    tap_entry_fn *entry; /* in order; each follows the one before */
    void *arg;
};

struct archive_segment { /* what was found in one */
    struct position begin, sound_from;
    struct archive_end first, end;
    uint64_t rows, entries, bytes, torn_bytes;
    uint64_t image_bytes, sound_bytes; /* of bytes: until the image ended, until it was consistent */
};

/* Begins of the segments, oldest first. Returns how many, or -1 with errno; the caller frees. */
int64_t archive_list(const char *dir, struct position **ret_begins);

/* One segment, whole: every block, every row, every entry and that they follow one another. STORE_OK also
 * with a torn tail; STORE_DAMAGED and a sentence in `why`. With `ret_reader` it stays open, for segment_resume(). */
enum store_status archive_read(const char *dir, struct position begin, const struct archive_visitor *visitor,
                               struct archive_segment *ret, struct segment_reader *ret_reader, struct buf *why);

/* Is `id` what a segment of this name begins with: the entry of the name, or the cell's first. */
bool archive_is_first(struct position begin, struct position id);

/* Why `entry` cannot follow `end`; NULL: it does. */
const char *archive_link_wrong(const struct archive_end *end, const struct tap_entry *entry);
void archive_advance(struct archive_end *end, const struct tap_entry *entry);

/* ---- writing -------------------------------------------------------------------- */

struct archive_options {
    const char *redis, *cell, *dir;
    uint64_t least_bytes; /* a new segment begins when this, and as much as it began with, was added to it */
    void (*tell)(void *arg, const char *event, struct position end); /* "ready" whenever it begins to follow, "ended" */
    void *arg;
};

/* Follow the cell until `stop_fd` is readable. STORE_OK, or why it cannot go on: STORE_DAMAGED,
 * STORE_ROLLED_BACK (archive and Redis do not fit), STORE_REFUSING (the disk, the folder), STORE_NO_CELL. */
enum store_status archive_follow(const struct archive_options *options, int stop_fd, struct buf *why);

/* Plant the cell from the folder's last segment into a Redis that lacks it. */
enum store_status archive_restore(const char *dir, const char *redis, const char *cell, struct archive_segment *ret,
                                  struct buf *why);

#endif
