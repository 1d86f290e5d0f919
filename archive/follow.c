/* SPDX-License-Identifier: Apache-2.0
 * follow.c - the archive's process: log entries from Redis to the disk, fsynced,
 * then published, so that the broker may trim them.
 *
 * It polls. Redis could push (XREAD BLOCK), but would then copy each beat out in a
 * turn of its own while a broker waits for the next; a fifth of a second gathers
 * many, and one fsync serves them all. What the archive may lose is what Redis
 * still has.
 *
 * A new segment is written beside the running one under another name and takes
 * its place when its image is consistent: a crash leaves the old one as the last. */
#include "archive/archive.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/log.h"

enum {
    POLL_MS = 200,
    REOPEN_MS = 200,
    LEAVE_US = 2 * 1000 * 1000,
    SYNC_BYTES = 8 * 1024 * 1024,
    PATH_ROOM = 4096,
    BURST_FACTOR = 4,
    BEGIN_TRIES = 5,
    PACE_ROWS = 500, /* of an image at once: Redis serves a broker at the same time */
    PACE_US = 1000,
};

struct follow {
    const struct archive_options *options;
    int stop_fd, lock_fd;
    struct tap *tap;
    struct buf *why;
    struct segment_writer out; /* the last segment */
    struct position begin;
    uint64_t sound_bytes;   /* of it, until it was consistent: image and the entries that were there already */
    struct archive_end end; /* of all that is archived */
    struct position published;
    int disk_errno; /* 0: the disk took everything */
    bool told_away; /* once an outage */
    bool found_gap; /* the log does not go on where the archive ends */
};

/* Where a page of entries goes. */
struct target {
    struct follow *follow;
    struct segment_writer *out;
    struct archive_end *end;
    const struct position *begin; /* of a new segment, which must begin with this entry; else NULL */
    const char *wrong;
    bool lacks_first;
};

static enum store_status fail(struct follow *follow, enum store_status status, const char *what)
{
    follow->why->len = 0;
    buf_printf(follow->why, "%s", what);
    return status;
}

static enum store_status fail_disk(struct follow *follow)
{
    follow->why->len = 0;
    buf_printf(follow->why, "%s: %s", follow->options->dir, strerror(errno));
    return STORE_REFUSING;
}

/* In a callback, whose caller knows no more than that it stopped. */
static bool note_disk(struct follow *follow, bool written)
{
    follow->disk_errno = written ? 0 : errno;
    return written;
}

/* What the tap said; or the disk, when it was a callback of ours that stopped it. A Redis that refuses may take it
 * later: its memory or its disk is full, and it is the archive that lets the log be trimmed. */
static enum store_status fail_tap(struct follow *follow, enum store_status status)
{
    errno = follow->disk_errno;
    if (errno != 0)
        return fail_disk(follow);
    return fail(follow, status == STORE_REFUSING ? STORE_AWAY : status, tap_why(follow->tap));
}

static void path_of(const struct follow *follow, const char *name, char to[PATH_ROOM])
{
    snprintf(to, PATH_ROOM, "%s/%s", follow->options->dir, name);
}

static bool is_stopped(const struct follow *follow, int wait_ms)
{
    struct pollfd fd = {.fd = follow->stop_fd, .events = POLLIN};
    return poll(&fd, 1, wait_ms) > 0;
}

/* ---- entries to a file ------------------------------------------------------------ */

static bool add_entry(void *arg, const struct tap_entry *entry)
{
    struct target *target = arg;
    target->lacks_first = target->begin != NULL && !target->end->there && !archive_is_first(*target->begin, entry->id);
    if (target->lacks_first)
        return false;
    target->wrong = archive_link_wrong(target->end, entry);
    if (target->wrong != NULL)
        return false;
    archive_advance(target->end, entry);
    return note_disk(target->follow, segment_entry(target->out, entry->bytes));
}

static enum store_status add_page(struct follow *follow, struct target *target, struct position from, bool itself,
                                  uint32_t *ret_n)
{
    *ret_n = 0;
    const enum store_status status = tap_log(follow->tap, from, itself, add_entry, target, ret_n);
    if (target->wrong != NULL) {
        follow->found_gap = true;
        return fail(follow, STORE_AWAY, target->wrong);
    }
    if (target->lacks_first)
        return fail(follow, STORE_AWAY, "the log lacks the entry that a new segment is to begin with");
    return status == STORE_OK ? STORE_OK : fail_tap(follow, status);
}

static enum store_status publish(struct follow *follow)
{
    if (follow->out.unsynced > 0 && !segment_sync(&follow->out))
        return fail_disk(follow);
    if (!follow->end.there || position_compare(follow->end.at, follow->published) == 0)
        return STORE_OK;
    const enum store_status status = tap_publish(follow->tap, follow->end.at);
    if (status != STORE_OK)
        return fail_tap(follow, status);
    follow->published = follow->end.at;
    return STORE_OK;
}

/* What has come since. Less than a page: that is all of it. */
static enum store_status go_on(struct follow *follow, uint32_t *ret_n)
{
    struct target target = {.follow = follow, .out = &follow->out, .end = &follow->end};
    enum store_status status = add_page(follow, &target, follow->end.at, false, ret_n);
    if (status == STORE_OK && (*ret_n < TAP_PAGE || follow->out.unsynced >= SYNC_BYTES))
        status = publish(follow);
    return status;
}

/* ---- a new segment ------------------------------------------------------------------ */

struct image {
    struct follow *follow;
    struct segment_writer *out;
};

static bool add_row(void *arg, const struct row_ref *row)
{
    const struct image *image = arg;
    if (image->out->n_rows % PACE_ROWS == PACE_ROWS - 1)
        usleep(PACE_US);
    return note_disk(image->follow, segment_row(image->out, row));
}

static enum store_status write_image(struct follow *follow, struct segment_writer *out)
{
    struct image image = {follow, out};
    struct tap_marks marks;
    enum store_status status = tap_view(follow->tap, add_row, &image);
    if (status == STORE_OK)
        status = tap_marks(follow->tap, &marks);
    if (status != STORE_OK)
        return fail_tap(follow, status);
    return segment_image_ends(out, marks.last) ? STORE_OK : fail_disk(follow);
}

/* Entries from the image's position on, until it is consistent with them. */
static enum store_status make_sound(struct follow *follow, struct segment_writer *out, struct position begin,
                                    struct archive_end *ret_end)
{
    struct tap_marks marks;
    struct target target = {.follow = follow, .out = out, .end = ret_end, .begin = &begin};
    enum store_status status = tap_marks(follow->tap, &marks);
    if (status != STORE_OK)
        return fail_tap(follow, status);
    while (status == STORE_OK && (!ret_end->there || position_compare(ret_end->at, marks.last) < 0)) {
        uint32_t n;
        const bool first = !ret_end->there;
        status = add_page(follow, &target, first ? begin : ret_end->at, first, &n);
        if (target.lacks_first && position_compare(marks.trimmed, begin) <= 0)
            return fail(follow, STORE_DAMAGED, "the log lacks the entry at the view's position: see takt fsck");
        if (status == STORE_OK && n == 0)
            return fail(follow, STORE_DAMAGED, "the log lacks its last entry");
    }
    return status;
}

static bool put_in_place(struct follow *follow, const char *fresh, struct position begin)
{
    char name[SEGMENT_NAME_MAX], path[PATH_ROOM];
    segment_name(begin, name);
    path_of(follow, name, path);
    return file_move(fresh, path);
}

static enum store_status write_segment(struct follow *follow, struct position begin, struct segment_writer *ret_out,
                                       struct archive_end *ret_end)
{
    char fresh[PATH_ROOM];
    path_of(follow, "segment.new", fresh);
    if (!segment_create(ret_out, fresh, follow->options->cell, begin))
        return fail_disk(follow);
    enum store_status status = write_image(follow, ret_out);
    if (status == STORE_OK)
        status = make_sound(follow, ret_out, begin, ret_end);
    if (status == STORE_OK && !(segment_sync(ret_out) && put_in_place(follow, fresh, begin)))
        status = fail_disk(follow);
    return status;
}

/* Where the view stands, and what the old segment has reached; the very first begins with the log, if that is whole,
 * so that the archive has all of the cell's history. */
static enum store_status find_begin(struct follow *follow, struct position *ret_begin)
{
    struct tap_marks marks;
    enum store_status status = tap_marks(follow->tap, &marks);
    if (status != STORE_OK)
        return fail_tap(follow, status);
    while (follow->end.there && status == STORE_OK && position_compare(follow->end.at, marks.view) < 0) {
        uint32_t n;
        status = go_on(follow, &n);
    }
    if (status == STORE_OK && follow->out.unsynced > 0 && !segment_sync(&follow->out))
        status = fail_disk(follow);
    *ret_begin = follow->end.there || marks.trimmed.epoch > 0 ? marks.view : (struct position){0};
    return status;
}

/* A position where the log waits for us until its image is made: published, though the old segment is further,
 * and not trimmed away in the moment before that. */
static enum store_status hold_log(struct follow *follow, struct position *ret_begin)
{
    for (int tries = 0; tries < BEGIN_TRIES; tries++) {
        struct tap_marks marks;
        enum store_status status = find_begin(follow, ret_begin);
        if (status != STORE_OK)
            return status;
        if ((status = tap_publish(follow->tap, *ret_begin)) != STORE_OK)
            return fail_tap(follow, status);
        follow->published = *ret_begin;
        if ((status = tap_marks(follow->tap, &marks)) != STORE_OK)
            return fail_tap(follow, status);
        if (position_compare(marks.trimmed, *ret_begin) <= 0)
            return STORE_OK;
    }
    return fail(follow, STORE_AWAY, "the log was trimmed each time a segment was to begin");
}

/* Begin a segment where the view stands, and make it the last one. */
static enum store_status begin_segment(struct follow *follow)
{
    struct position begin;
    struct segment_writer out = {.fd = -1};
    struct archive_end end = {0};
    enum store_status status = hold_log(follow, &begin);
    if (status == STORE_OK)
        status = write_segment(follow, begin, &out, &end);
    if (status != STORE_OK) {
        segment_close(&out);
        return status;
    }
    segment_close(&follow->out);
    follow->out = out;
    follow->end = end;
    follow->begin = begin;
    follow->sound_bytes = out.bytes;
    log_line(LOG_INFO, "archive.segment", "begin=%" PRIu64 "-%" PRIu64 " rows=%" PRIu64 " bytes=%" PRIu64,
             follow->begin.epoch, follow->begin.beat, follow->out.n_rows, out.bytes);
    return publish(follow);
}

/* An image costs Redis a walk through everything: in the middle of a burst it waits, though not for ever. */
static bool is_full(const struct follow *follow, bool burst)
{
    const uint64_t fresh = (follow->out.bytes - follow->sound_bytes) / (burst ? BURST_FACTOR : 1);
    return fresh >= follow->options->least_bytes && fresh >= follow->sound_bytes;
}

static enum store_status roll(struct follow *follow)
{
    struct tap_marks marks;
    const enum store_status status = tap_marks(follow->tap, &marks);
    if (status != STORE_OK)
        return fail_tap(follow, status);
    return position_compare(marks.view, follow->begin) > 0 ? begin_segment(follow) : STORE_OK;
}

/* ---- where it stopped ------------------------------------------------------------------ */

/* The last segment, without its torn tail. */
static enum store_status resume(struct follow *follow)
{
    struct position *begins = NULL;
    struct segment_reader reader;
    struct archive_segment segment;
    const struct archive_visitor nothing = {0};
    char name[SEGMENT_NAME_MAX], path[PATH_ROOM];
    path_of(follow, "segment.new", path);
    unlink(path); /* one that was never finished */
    const int64_t n = archive_list(follow->options->dir, &begins);
    const struct position begin = n > 0 ? begins[n - 1] : (struct position){0};
    free(begins);
    if (n <= 0)
        return n == 0 ? STORE_OK : fail_disk(follow);
    follow->why->len = 0;
    const enum store_status status =
        archive_read(follow->options->dir, begin, &nothing, &segment, &reader, follow->why);
    if (status != STORE_OK)
        return status;
    segment_name(begin, name);
    path_of(follow, name, path);
    const bool same_cell = strcmp(reader.cell, follow->options->cell) == 0;
    const bool resumed = same_cell && segment_resume(&follow->out, path, &reader);
    segment_fini(&reader);
    if (!same_cell)
        return fail(follow, STORE_ROLLED_BACK, "the folder holds the archive of another cell");
    if (!resumed)
        return fail_disk(follow);
    if (segment.torn_bytes > 0)
        log_line(LOG_WARN, "archive.torn", "segment=%s cut_bytes=%" PRIu64, name, segment.torn_bytes);
    follow->begin = begin;
    follow->sound_bytes = segment.sound_bytes;
    follow->end = segment.end;
    return STORE_OK;
}

struct meeting { /* of the archive's end and the log */
    const struct archive_end *end;
    bool same, other; /* its entry is there, as it was, or is another one */
};

static bool meet(void *arg, const struct tap_entry *entry)
{
    struct meeting *meeting = arg;
    struct archive_end there = {0};
    if (position_compare(entry->id, meeting->end->at) != 0)
        return true;
    archive_advance(&there, entry);
    meeting->same = memcmp(&there.hash, &meeting->end->hash, sizeof there.hash) == 0;
    meeting->other = !meeting->same;
    return true;
}

/* Does the log go on where the archive ends? If it was trimmed beyond that, a new segment begins. */
static enum store_status join(struct follow *follow)
{
    struct tap_marks marks;
    struct meeting meeting = {.end = &follow->end};
    uint32_t n;
    enum store_status status = tap_marks(follow->tap, &marks);
    if (status == STORE_OK && follow->end.there)
        status = tap_log(follow->tap, follow->end.at, true, meet, &meeting, &n);
    if (status != STORE_OK)
        return fail_tap(follow, status);
    if (!follow->end.there && marks.last.epoch == 0)
        return fail(follow, STORE_AWAY, "no broker has taken this cell over yet");
    follow->published = marks.archive;
    if (follow->end.there && meeting.same)
        return follow->found_gap ? fail(follow, STORE_DAMAGED, "the log has a hole: see takt fsck") : publish(follow);
    follow->found_gap = false;
    if (meeting.other)
        return fail(follow, STORE_ROLLED_BACK, "the archive and this Redis hold two histories: give it a new folder");
    if (follow->end.there && position_compare(marks.last, follow->end.at) < 0)
        return fail(follow, STORE_ROLLED_BACK,
                    "the archive holds more than this Redis, which has lost entries or is another one");
    if (follow->end.there && position_compare(marks.trimmed, follow->end.at) <= 0)
        return fail(follow, STORE_DAMAGED, "the log lacks the archive's last entry: see takt fsck");
    if (follow->end.there)
        log_line(LOG_WARN, "archive.gap", "after=%" PRIu64 "-%" PRIu64 " trimmed=%" PRIu64 "-%" PRIu64,
                 follow->end.at.epoch, follow->end.at.beat, marks.trimmed.epoch, marks.trimmed.beat);
    follow->end = (struct archive_end){0};
    status = begin_segment(follow);
    return follow->found_gap ? fail(follow, STORE_DAMAGED, "the log has a hole: see takt fsck") : status;
}

/* ---- its life ----------------------------------------------------------------------------- */

static enum store_status take_folder(struct follow *follow)
{
    char path[PATH_ROOM];
    if (mkdir(follow->options->dir, 0700) != 0 && errno != EEXIST)
        return fail_disk(follow);
    path_of(follow, "lock", path);
    follow->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (follow->lock_fd >= 0 && flock(follow->lock_fd, LOCK_EX | LOCK_NB) == 0)
        return STORE_OK;
    if (follow->lock_fd < 0 || errno != EWOULDBLOCK)
        return fail_disk(follow);
    buf_printf(follow->why, "%s: another takt archive keeps it already", follow->options->dir);
    return STORE_REFUSING;
}

static void tell_ready(const struct follow *follow)
{
    log_line(LOG_INFO, "archive.ready", "at=%" PRIu64 "-%" PRIu64, follow->end.at.epoch, follow->end.at.beat);
    if (follow->options->tell)
        follow->options->tell(follow->options->arg, "ready", follow->end.at);
}

static enum store_status one_connection(struct follow *follow)
{
    follow->why->len = 0;
    enum store_status status = tap_open(follow->options->redis, follow->options->cell, &follow->tap, follow->why);
    if (status == STORE_OK)
        status = join(follow);
    follow->told_away = follow->told_away && status != STORE_OK;
    if (status == STORE_OK)
        tell_ready(follow);
    for (int64_t leave_us = INT64_MAX; status == STORE_OK;) {
        uint32_t n;
        status = go_on(follow, &n);
        if (status == STORE_OK && is_full(follow, n > 0))
            status = roll(follow);
        if (leave_us != INT64_MAX && (n < TAP_PAGE || clock_mono_us() >= leave_us))
            break; /* asked to leave before this look at the log */
        if (leave_us == INT64_MAX && is_stopped(follow, n < TAP_PAGE ? POLL_MS : 0))
            leave_us = clock_mono_us() + LEAVE_US;
    }
    if (status == STORE_OK)
        status = publish(follow);
    tap_close(&follow->tap);
    return status;
}

enum store_status archive_follow(const struct archive_options *options, int stop_fd, struct buf *why)
{
    struct follow follow = {.options = options, .stop_fd = stop_fd, .lock_fd = -1, .why = why, .out = {.fd = -1}};
    enum store_status status = take_folder(&follow);
    if (status == STORE_OK)
        status = resume(&follow);
    while (status == STORE_OK) {
        status = one_connection(&follow);
        if (status != STORE_AWAY)
            break;
        if (!follow.told_away)
            log_line(LOG_WARN, "archive.away", "why=\"%.*s\"", (int) why->len, (const char *) why->at);
        follow.told_away = true;
        status = STORE_OK;
        if (!follow.found_gap && is_stopped(&follow, REOPEN_MS))
            break;
    }
    if (status == STORE_OK && options->tell)
        options->tell(options->arg, "ended", follow.end.at);
    segment_close(&follow.out);
    if (follow.lock_fd >= 0)
        close(follow.lock_fd);
    return status;
}
