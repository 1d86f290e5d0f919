/* SPDX-License-Identifier: Apache-2.0
 * restore.c - a cell from its last segment into a Redis that lacks it.
 *
 * The image becomes the view, at the position it was begun at, and the entries
 * become the log, as they were: byte for byte what a broker left behind. What is
 * to be made of it is recovery's business, the same as after any restart. */
#include "archive/archive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct planting {
    struct tap *tap;
    enum store_status status;
};

static bool plant_row(void *arg, const struct row_ref *row)
{
    struct planting *planting = arg;
    return (planting->status = tap_plant_row(planting->tap, row)) == STORE_OK;
}

static bool plant_entry(void *arg, const struct tap_entry *entry)
{
    struct planting *planting = arg;
    return (planting->status = tap_plant_entry(planting->tap, entry->id, entry->bytes)) == STORE_OK;
}

/* Once without doing anything: nothing is planted that could not be finished. */
static enum store_status look_before(const char *dir, const char *cell, struct position *ret_begin, struct buf *why)
{
    struct position *begins = NULL;
    struct archive_segment segment;
    struct segment_reader reader;
    const struct archive_visitor nothing = {0};
    const int64_t n = archive_list(dir, &begins);
    if (n <= 0) {
        buf_printf(why, "%s: %s", dir, n < 0 ? strerror(errno) : "there is no segment of an archive");
        return STORE_NO_CELL;
    }
    *ret_begin = begins[n - 1];
    free(begins);
    enum store_status status = archive_read(dir, *ret_begin, &nothing, &segment, &reader, why);
    if (status != STORE_OK) {
        buf_printf(why, "; moved out of the folder, the segments before it can be restored, up to where it begins");
        return status;
    }
    if (strcmp(reader.cell, cell) != 0) {
        buf_printf(why, "%s is the archive of cell %s", dir, reader.cell);
        status = STORE_NO_CELL;
    }
    segment_fini(&reader);
    return status;
}

enum store_status archive_restore(const char *dir, const char *redis, const char *cell, struct archive_segment *ret,
                                  struct buf *why)
{
    struct planting planting = {0};
    const struct archive_visitor visitor = {plant_row, plant_entry, &planting};
    struct position begin;
    enum store_status status = look_before(dir, cell, &begin, why);
    if (status == STORE_OK)
        status = tap_open(redis, cell, &planting.tap, why);
    if (status != STORE_OK)
        return status;
    struct buf unread = {0};
    status = tap_plant_begin(planting.tap);
    if (status == STORE_OK && archive_read(dir, begin, &visitor, ret, NULL, &unread) != STORE_OK)
        status = planting.status != STORE_OK ? planting.status : STORE_DAMAGED;
    if (status == STORE_OK)
        status = tap_plant_end(planting.tap, begin, ret->first.at, ret->end.at);
    if (status != STORE_OK)
        buf_printf(why, "%s",
                   planting.status == STORE_OK && unread.len > 0 ? "the segment changed while it was read"
                                                                 : tap_why(planting.tap));
    buf_fini(&unread);
    tap_close(&planting.tap);
    return status;
}
