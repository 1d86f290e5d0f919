/* SPDX-License-Identifier: Apache-2.0
 * walk.c - see walk.h. Segments overlap: an entry that was seen is passed over, and
 * the first new one must name the last one seen as the one before it, here and
 * where Redis takes over. */
#include "report/walk.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "archive/archive.h"

struct walk {
    const struct walk_source *source;
    const struct walk_visitor *visitor;
    struct walked *walked;
    struct archive_end end; /* the last entry that was seen */
    const char *wrong;      /* why the walk was stopped */
    struct position wrong_at;
    bool states; /* this pass is for the rows of an image */
    struct position image;
    bool has_image;
};

static bool give_rows(struct walk *walk, const struct tap_entry *entry)
{
    uint32_t at = 0;
    struct row_ref row;
    int more = 0;
    while (!entry->entry.takeover && (more = row_next(entry->entry.body, &at, &row)) > 0)
        if (!walk->visitor->row(walk->visitor->arg, &row, &entry->entry))
            more = -1;
    return more >= 0;
}

static bool take_entry(void *arg, const struct tap_entry *entry)
{
    struct walk *walk = arg;
    struct walked *walked = walk->walked;
    if (walk->states || (walk->end.there && position_compare(entry->id, walk->end.at) <= 0))
        return true;
    walk->wrong_at = entry->id;
    if (walk->end.there)
        walk->wrong = archive_link_wrong(&walk->end, entry);
    if (walk->wrong == NULL && !give_rows(walk, entry))
        walk->wrong = "a row in it is damaged";
    if (walk->wrong != NULL)
        return false;
    if (walked->entries++ == 0) {
        walked->first = entry->id;
        walked->first_ms = entry->entry.time_ms;
    }
    walked->last = entry->id;
    if (entry->entry.time_ms > walked->last_ms)
        walked->last_ms = entry->entry.time_ms;
    archive_advance(&walk->end, entry);
    return true;
}

/* Policies come first: they never change, and the first entries may need them. */
static bool take_state(void *arg, const struct row_ref *row)
{
    struct walk *walk = arg;
    if (walk->states ? row->type == ROW_POLICY : row->type != ROW_POLICY)
        return true;
    if (walk->visitor->row(walk->visitor->arg, row, NULL))
        return true;
    walk->wrong = "a row of the state before it is damaged";
    walk->wrong_at = walk->walked->first;
    return false;
}

static void say_wrong(const struct walk *walk, struct buf *why)
{
    if (walk->wrong == NULL)
        return;
    why->len = 0;
    buf_printf(why, "log entry %" PRIu64 "-%" PRIu64 ": %s", walk->wrong_at.epoch, walk->wrong_at.beat, walk->wrong);
}

/* ---- the archive ------------------------------------------------------------------------ */

static enum store_status read_segment(struct walk *walk, struct position begin, struct buf *why)
{
    const struct archive_visitor visitor = {take_state, take_entry, walk};
    struct archive_segment segment;
    const enum store_status status = archive_read(walk->source->archive, begin, &visitor, &segment, NULL, why);
    if (status != STORE_OK)
        say_wrong(walk, why);
    return status;
}

static enum store_status read_archive(struct walk *walk, struct buf *why)
{
    struct position *begins = NULL;
    const int64_t n = archive_list(walk->source->archive, &begins);
    enum store_status status = STORE_OK;
    if (walk->source->redis == NULL && n <= 0) {
        buf_printf(why, "%s: %s", walk->source->archive,
                   n < 0 ? strerror(errno) : "there is no segment of an archive; name the folder that has them");
        status = STORE_REFUSING;
    }
    for (int64_t i = 0; i < n && status == STORE_OK; i++)
        status = read_segment(walk, begins[i], why);
    if (n > 0) {
        walk->image = begins[0];
        walk->has_image = true;
    }
    free(begins);
    return status;
}

/* ---- Redis -------------------------------------------------------------------------------- */

static enum store_status read_redis(struct walk *walk, struct tap *tap)
{
    uint32_t n = TAP_PAGE;
    struct tap_marks marks;
    enum store_status status = tap_marks(tap, &marks);
    if (status == STORE_OK && !walk->end.there && marks.trimmed.epoch > 0)
        status = tap_view(tap, take_state, walk);
    /* As far as it reached when this began: a cell that is busy writes as fast as this reads. */
    while (status == STORE_OK && n == TAP_PAGE && position_compare(walk->end.at, marks.last) < 0)
        status = tap_log(tap, walk->end.at, !walk->end.there, take_entry, walk, &n);
    if (status == STORE_OK && position_compare(walk->end.at, marks.last) < 0) {
        walk->wrong = "it was trimmed before it could be read; do it again";
        walk->wrong_at = marks.last;
        return STORE_DAMAGED;
    }
    return status;
}

/* ---- both ------------------------------------------------------------------------------------ */

static enum store_status read_states(struct walk *walk, struct tap *tap, struct buf *why)
{
    walk->states = true;
    if (walk->has_image)
        return read_segment(walk, walk->image, why);
    return tap_view(tap, take_state, walk);
}

enum store_status walk_log(const struct walk_source *source, const struct walk_visitor *visitor, struct walked *ret,
                           struct buf *why)
{
    struct walk walk = {.source = source, .visitor = visitor, .walked = ret};
    struct tap *tap = NULL;
    enum store_status status = STORE_OK;
    *ret = (struct walked){0};
    if (source->archive != NULL)
        status = read_archive(&walk, why);
    if (status == STORE_OK && source->redis != NULL)
        status = tap_open(source->redis, source->cell, &tap, why);
    if (status == STORE_OK && tap != NULL)
        status = read_redis(&walk, tap);
    if (status == STORE_OK && ret->entries > 0 && position_compare(ret->first, (struct position){1, 0}) > 0)
        status = read_states(&walk, tap, why);
    if (status != STORE_OK && walk.wrong != NULL)
        say_wrong(&walk, why);
    else if (status != STORE_OK && tap != NULL)
        buf_printf(why, "%s", tap_why(tap));
    tap_close(&tap);
    return status;
}
