/* SPDX-License-Identifier: Apache-2.0
 * run.c - the loop: read the log, put what a hook wants into its queue, send what
 * is due, write down where everything stands.
 *
 * Written down once a second, events that wait before the place in the log: a
 * kill in between repeats some of them, and loses none. */
#include "hooks/hooks.h"

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
#include "common/log.h"
#include "hooks/follow.h"
#include "hooks/keep.h"
#include "proto/wire.h"

enum {
    PATH_ROOM = 4096,
    POLL_MS = 200, /* as the archive, for the same reason */
    REOPEN_MS = 500,
    SAVE_MS = 1000,
    SAVE_SHARE = 20, /* saving takes at most one part in so many of the time */
    LEAVE_MS = 2000,
    LOCK_PATIENCE_MS = 300, /* `takt hooks status` looks at the lock by holding it for a moment */
};

struct teller { /* one hook at work */
    const struct hook *hook;
    struct queue *queue;
    struct kept_queue kept;
    char why[SEND_WHY_MAX];
    bool is_told_down, is_told_full;
};

struct running {
    const struct hooks_options *options;
    struct buf *why;
    struct teller tellers[HOOKS_MAX];
    uint32_t n;
    struct follow *follow;
    struct tap *tap; /* NULL: away */
    struct sender *sender;
    struct wire *wire;
    struct buf line, body;
    int lock_fd;
    int64_t read_ms, save_ms; /* when next */
    bool is_changed, is_reading, is_told_away, is_told_disk;
};

static int64_t mono_ms(void)
{
    return clock_mono_us() / 1000;
}

static void path_of(const struct running *run, const char *name, const char *ending, char to[PATH_ROOM])
{
    snprintf(to, PATH_ROOM, "%s/%s%s", run->options->dir, name, ending);
}

/* ---- from the log into the queues --------------------------------------------------------- */

static void queue_event(struct running *run, struct teller *teller, const struct event_facts *facts)
{
    const struct slice line = slice_of(run->line.at, run->line.len);
    struct queued *item = queue_add(teller->queue, facts->lead, facts->now->state_us / 1000, line);
    if (item != NULL && teller->hook->fields != FIELDS_NONE && facts->input.len > 0)
        buf_add(&item->input, facts->input.at, facts->input.len);
    if (item == NULL && !teller->is_told_full) {
        teller->is_told_full = true;
        log_line(LOG_ERROR, "hooks.full", "hook=%s behind=%d: events are lost from here on", teller->hook->name,
                 QUEUE_MAX);
    }
}

static void take_event(void *arg, const struct event_facts *facts)
{
    struct running *run = arg;
    bool is_made = false;
    for (uint32_t i = 0; i < run->n; i++) {
        if (!hook_wants(run->tellers[i].hook, facts->told.event, facts->now->programme, facts->team))
            continue;
        if (!is_made)
            event_json(facts, &run->line);
        is_made = true;
        queue_event(run, &run->tellers[i], facts);
    }
}

static void lose_tap(struct running *run, const char *why)
{
    if (!run->is_told_away)
        log_line(LOG_WARN, "hooks.away", "why=\"%s\"", why);
    run->is_told_away = true;
    run->is_reading = false;
    tap_close(&run->tap);
    run->read_ms = mono_ms() + REOPEN_MS;
}

static bool open_tap(struct running *run)
{
    run->why->len = 0;
    enum store_status status = tap_open(run->options->redis, run->options->cell, &run->tap, run->why);
    if (status == STORE_OK && (status = follow_join(run->follow, run->tap)) != STORE_OK)
        buf_printf(run->why, "%s", tap_why(run->tap));
    buf_add(run->why, "", 1);
    if (status != STORE_OK)
        lose_tap(run, (const char *) run->why->at);
    return status == STORE_OK;
}

/* Whatever waits already: the broker trims the log without asking us. */
static void read_log(struct running *run)
{
    uint32_t n;
    if (mono_ms() < run->read_ms || (run->tap == NULL && !open_tap(run)))
        return;
    const struct position before = follow_at(run->follow);
    const enum store_status status = follow_read(run->follow, run->tap, take_event, run, &n);
    run->is_changed = run->is_changed || position_compare(before, follow_at(run->follow)) != 0;
    if (status != STORE_OK) {
        lose_tap(run, status == STORE_REFUSING ? "the log holds what this program cannot read" : tap_why(run->tap));
        return;
    }
    run->read_ms = n < TAP_PAGE ? mono_ms() + POLL_MS : 0;
    if (!run->is_reading)
        log_line(LOG_INFO, "hooks.ready", "at=%" PRIu64 "-%" PRIu64 " hooks=%u", follow_at(run->follow).epoch,
                 follow_at(run->follow).beat, run->n);
    run->is_reading = true;
    run->is_told_away = false;
}

/* ---- from the queues to the hooks ----------------------------------------------------------- */

static void attempt_ended(void *arg, uint32_t number, void *of, const char *why)
{
    struct running *run = arg;
    struct teller *teller = &run->tellers[number];
    struct queued *item = of;
    struct event_head head = {0};
    const struct queue_counts *counts = queue_counts(teller->queue);
    const uint64_t given_up = counts->given_up;
    event_json_head(slice_of(item->text, item->len), &head);
    const struct id lead = item->lead;
    queue_done(teller->queue, item, why == NULL, mono_ms(), clock_wall_ms());
    follow_told(run->follow, lead);
    run->is_changed = true;
    snprintf(teller->why, sizeof teller->why, "%s", why != NULL ? why : "");
    if (why != NULL && !teller->is_told_down)
        log_line(LOG_WARN, "hooks.failing", "hook=%s why=\"%s\"", teller->hook->name, why);
    if (why == NULL && teller->is_told_down)
        log_line(LOG_INFO, "hooks.again", "hook=%s behind=%" PRIu32, teller->hook->name, counts->behind);
    if (counts->given_up > given_up)
        log_line(LOG_ERROR, "hooks.given_up", "hook=%s event=%s why=\"%s\"", teller->hook->name, head.id, teller->why);
    teller->is_told_down = why != NULL;
    teller->is_told_full = teller->is_told_full && counts->behind == QUEUE_MAX;
}

/* Came with the event; or the event was kept from a former run. False: not known yet, ask again. */
static bool find_input(const struct running *run, const struct queued *item, struct slice *ret)
{
    *ret = slice_of(item->input.at, item->input.len);
    return item->input.len > 0 || follow_input(run->follow, item->lead, ret);
}

static void start(struct running *run, uint32_t number, struct queued *item)
{
    struct teller *teller = &run->tellers[number];
    struct event_head head;
    struct slice input = {0};
    const struct slice line = slice_of(item->text, item->len);
    const bool is_event = event_json_head(line, &head);
    if (!is_event)
        abort(); /* it was made, or checked, before it was queued */
    if (teller->hook->fields != FIELDS_NONE && !find_input(run, item, &input)) {
        queue_put_off(teller->queue, item, mono_ms() + POLL_MS);
        return;
    }
    event_json_whole(line, teller->hook->fields, input, run->wire, &run->body);
    sender_start(run->sender, &(struct send_job){.hook = teller->hook,
                                                 .number = number,
                                                 .item = item,
                                                 .head = &head,
                                                 .body = slice_of(run->body.at, run->body.len)});
}

static void start_due(struct running *run)
{
    const int64_t now_ms = mono_ms();
    for (uint32_t i = 0; i < run->n; i++)
        for (struct queued *item; (item = queue_next(run->tellers[i].queue, now_ms)) != NULL;)
            start(run, i, item);
}

/* ---- what stays ------------------------------------------------------------------------------- */

static void fill_status(const struct running *run, struct hooks_status *ret)
{
    *ret = (struct hooks_status){.n = run->n, .missed = follow_missed(run->follow)};
    for (uint32_t i = 0; i < run->n; i++) {
        snprintf(ret->hooks[i].name, sizeof ret->hooks[i].name, "%s", run->tellers[i].hook->name);
        ret->hooks[i].counts = *queue_counts(run->tellers[i].queue);
        snprintf(ret->hooks[i].why, sizeof ret->hooks[i].why, "%s", run->tellers[i].why);
    }
}

static void save(struct running *run)
{
    char path[PATH_ROOM];
    const int64_t began_ms = mono_ms();
    struct hooks_status *status = malloc(sizeof *status);
    if (status == NULL)
        abort();
    bool saved = true;
    for (uint32_t i = 0; i < run->n && saved; i++) {
        path_of(run, run->tellers[i].hook->name, ".events", path);
        saved = keep_queue(&run->tellers[i].kept, path, run->tellers[i].queue);
    }
    fill_status(run, status);
    path_of(run, "position", ".json", path);
    saved = saved && hooks_status_save(status, run->options->dir) && follow_save(run->follow, path);
    free(status);
    if (!saved && !run->is_told_disk)
        log_line(LOG_ERROR, "hooks.disk", "dir=%s why=\"%s\"", run->options->dir, strerror(errno));
    run->is_told_disk = !saved;
    run->is_changed = !saved;
    const int64_t now_ms = mono_ms(), rest_ms = (now_ms - began_ms) * SAVE_SHARE;
    run->save_ms = now_ms + (rest_ms > SAVE_MS ? rest_ms : SAVE_MS);
}

static void count_on(struct running *run, struct teller *teller)
{
    struct hooks_status *status = malloc(sizeof *status);
    if (status == NULL)
        abort();
    if (hooks_status_load(run->options->dir, status))
        for (uint32_t i = 0; i < status->n; i++)
            if (strcmp(status->hooks[i].name, teller->hook->name) == 0) {
                status->hooks[i].counts.failing_ms = 0;
                queue_set_counts(teller->queue, &status->hooks[i].counts);
            }
    free(status);
}

static bool is_wanted(void *arg, struct id lead)
{
    const struct running *run = arg;
    for (uint32_t i = 0; i < run->n; i++)
        if (run->tellers[i].hook->fields != FIELDS_NONE && queue_has(run->tellers[i].queue, lead))
            return true;
    return false;
}

static bool load(struct running *run, const struct hook_file *file)
{
    char path[PATH_ROOM];
    run->n = file->n;
    for (uint32_t i = 0; i < file->n; i++) {
        struct teller *teller = &run->tellers[i];
        teller->hook = &file->hooks[i];
        teller->queue = queue_new(&teller->hook->limits);
        path_of(run, teller->hook->name, ".events", path);
        const int64_t bad = keep_load(&teller->kept, path, teller->queue);
        if (bad < 0)
            return false;
        if (bad > 0)
            log_line(LOG_WARN, "hooks.torn", "hook=%s lines=%" PRId64, teller->hook->name, bad);
        count_on(run, teller);
        if (teller->hook->fields != FIELDS_NONE)
            follow_keep_inputs(run->follow, is_wanted, run);
    }
    path_of(run, "position", ".json", path);
    follow_load(run->follow, path);
    return true;
}

static bool lock(int fd)
{
    const int64_t until_ms = mono_ms() + LOCK_PATIENCE_MS;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || mono_ms() >= until_ms)
            return false;
        poll(NULL, 0, 20);
    }
    return true;
}

static bool take_folder(struct running *run)
{
    char path[PATH_ROOM];
    if (mkdir(run->options->dir, 0700) != 0 && errno != EEXIST)
        return false;
    path_of(run, "lock", "", path);
    run->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    return run->lock_fd >= 0 && lock(run->lock_fd);
}

/* ---- the loop ----------------------------------------------------------------------------------- */

static int wait_ms(const struct running *run)
{
    const int64_t now_ms = mono_ms();
    int64_t until_ms = run->read_ms;
    if (run->is_changed && run->save_ms < until_ms)
        until_ms = run->save_ms;
    for (uint32_t i = 0; i < run->n; i++) {
        const int64_t when_ms = queue_when(run->tellers[i].queue, now_ms);
        until_ms = when_ms < until_ms ? when_ms : until_ms;
    }
    return until_ms <= now_ms ? 0 : (int) (until_ms - now_ms);
}

static bool is_stopped(int stop_fd)
{
    struct pollfd fd = {.fd = stop_fd, .events = POLLIN};
    return poll(&fd, 1, 0) > 0;
}

static void work(struct running *run, int stop_fd)
{
    save(run);        /* so that there is a status from the start, ... */
    run->save_ms = 0; /* ... and where it begins as soon as that is known */
    while (!is_stopped(stop_fd)) {
        read_log(run);
        start_due(run);
        if (run->is_changed && mono_ms() >= run->save_ms)
            save(run);
        sender_wait(run->sender, stop_fd, wait_ms(run));
    }
    const int64_t leave_ms = mono_ms() + LEAVE_MS;
    while (sender_out(run->sender) > 0 && mono_ms() < leave_ms)
        sender_wait(run->sender, -1, (int) (leave_ms - mono_ms()));
    save(run);
}

enum store_status hooks_run(const struct hooks_options *options, const struct hook_file *file, int stop_fd,
                            struct buf *why)
{
    struct running *run = calloc(1, sizeof *run);
    if (run == NULL)
        abort();
    *run = (struct running){.options = options, .why = why, .lock_fd = -1};
    run->follow = follow_new(options->cell);
    run->sender = sender_new(attempt_ended, run, false);
    run->wire = wire_new();
    enum store_status status = STORE_OK;
    if (take_folder(run) && load(run, file)) {
        work(run, stop_fd);
    } else {
        buf_printf(why, "%s: %s", options->dir,
                   errno == EWOULDBLOCK ? "another takt hooks works here" : strerror(errno));
        status = STORE_REFUSING;
    }
    sender_destroy(&run->sender);
    tap_close(&run->tap);
    follow_destroy(&run->follow);
    wire_destroy(&run->wire);
    for (uint32_t i = 0; i < run->n; i++)
        queue_destroy(&run->tellers[i].queue);
    buf_fini(&run->line);
    buf_fini(&run->body);
    if (run->lock_fd >= 0)
        close(run->lock_fd);
    free(run);
    return status;
}
