/* SPDX-License-Identifier: Apache-2.0
 * segment.h - one file of the archive: an image of all state, then log entries.
 *
 * Owns the bytes of the file and nothing of what the rows and entries mean. A
 * file is a row of blocks, each with its number and a check, so that three things
 * can be told apart: the end, a tail that was torn off while it was written, and
 * damage before the end. docs/LOG.md has the layout.
 *
 * The image is fuzzy: its rows were read one after the other while a broker went
 * on writing, and each may be newer than the position it was begun at. Applying
 * the entries from that position on sets them right (they are after-images), but
 * only from the last entry on that was there when the last row was read:
 * `sound_from`. Before that the file is no state that ever was. */
#ifndef TAKT_ARCHIVE_SEGMENT_H
#define TAKT_ARCHIVE_SEGMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "broker/store.h"

enum { SEGMENT_VERSION = 1, SEGMENT_CELL_MAX = 32, SEGMENT_NAME_MAX = 64 };

enum block_kind {
    BLOCK_HEAD = 1,  /* whose file, from where; the first one */
    BLOCK_ROWS = 2,  /* of the image, one after the other */
    BLOCK_IMAGE = 3, /* the image ends */
    BLOCK_ENTRY = 4, /* one log entry */
};

/* ---- writing -------------------------------------------------------------------- */

struct segment_writer {
    int fd; /* -1: none is open */
    uint32_t blocks;
    uint64_t bytes, unsynced;
    struct buf out, rows;
    uint64_t n_rows;
};

/* All return false with errno when the disk did not take it. */
bool segment_create(struct segment_writer *writer, const char *path, const char *cell, struct position begin);
bool segment_row(struct segment_writer *writer, const struct row_ref *row);
bool segment_image_ends(struct segment_writer *writer, struct position sound_from);
bool segment_entry(struct segment_writer *writer, struct slice entry);
bool segment_sync(struct segment_writer *writer);
void segment_close(struct segment_writer *writer);

/* "0000000003-000000000120.takt": sorts as positions do. */
void segment_name(struct position begin, char to[SEGMENT_NAME_MAX]);
bool segment_name_parse(const char *name, struct position *ret);

/* ---- reading -------------------------------------------------------------------- */

enum segment_end {
    SEGMENT_MORE, /* a block was read */
    SEGMENT_ENDS, /* in order, or SEGMENT_TORN: it ends within a block that was never finished */
    SEGMENT_TORN,
    SEGMENT_DAMAGED, /* a block is wrong, and others follow it; or the file is none of ours */
};

struct segment_reader {
    uint8_t *map;    /* the file, read only */
    size_t size, at; /* at: behind the last sound block */
    uint32_t blocks;
    char cell[SEGMENT_CELL_MAX + 1];
    struct position begin;
    bool has_image; /* its end was read */
    struct position sound_from;
    uint64_t n_rows, image_bytes;
};

/* Opens and reads the head. SEGMENT_MORE, or what is wrong. */
enum segment_end segment_open(struct segment_reader *reader, const char *path);
enum segment_end segment_next(struct segment_reader *reader, enum block_kind *ret_kind, struct slice *ret_bytes);
void segment_fini(struct segment_reader *reader);

/* Go on writing behind what `reader` has read: what follows there is cut off. */
bool segment_resume(struct segment_writer *writer, const char *path, const struct segment_reader *reader);

#endif
