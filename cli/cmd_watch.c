/* SPDX-License-Identifier: Apache-2.0
 * cmd_watch.c - `takt watch`: the cell as it is, once a second: on a terminal a
 * view that stays in place, else a line a refresh, or an object with --json.
 *
 * The questions of one refresh go out one after another. When the broker is away
 * the view goes on, says so, and is right again when it is back. */
#include "cli/cli.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/screen.h"
#include "cli/watch.h"
#include "common/clock.h"
#include "hooks/hooks.h"

enum { LIMIT = 1000, PATIENCE_US = 2 * 1000 * 1000 };

static const struct cli_usage usage = {
    .synopsis = "takt watch [options]",
    .about = "The cell live: what waits and how long, what comes in, is handed out and closed a\n"
             "second, agents by team, workers, alerts. Refreshed once a second; q or Ctrl-C quits.\n"
             "When the output is no terminal it is a line a refresh; with --json an object a line.\n"
             "docs/OPERATING.md says what to do at each alert.",
    .example = "takt watch\n"
               "  takt watch --json --count 60 > minute.ndjson",
};

struct watching {
    struct cli_common common;
    int64_t every_ms, count;
    takt_t *takt;
    struct watch *watch;
    struct screen *screen; /* NULL: lines */
    struct buf text;
    int signal_fd;
    enum watch_table next; /* the table asked for; WATCH_TABLES: the round is over */
    int64_t round_us, show_us;
    int64_t shown;
    bool over, failed;
};

static int take_signals(void)
{
    static const int ours[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGCONT, SIGWINCH};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigaddset(&set, ours[i]);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static void draw(struct watching *w)
{
    if (!w->screen)
        return;
    watch_text(w->watch, &w->text);
    screen_draw(w->screen, (const char *) w->text.at, w->text.len);
}

static bool hooks_fail(const struct watching *w)
{
    struct hooks_status *status = malloc(sizeof *status);
    char dir[4096];
    bool fails = false;
    if (!status)
        abort();
    snprintf(dir, sizeof dir, "%s/hooks", cli_dir(&w->common));
    if (hooks_status_load(dir, status)) {
        const bool running = hooks_is_running(dir);
        for (uint32_t i = 0; i < status->n; i++)
            fails = fails || (status->hooks[i].counts.behind > 0 && (status->hooks[i].counts.failing_ms || !running));
    }
    free(status);
    return fails;
}

static void show(struct watching *w, bool answered)
{
    watch_note_hooks(w->watch, hooks_fail(w));
    watch_refresh(w->watch, clock_mono_us(), clock_wall_ms(), answered);
    if (w->screen)
        draw(w);
    else
        (w->common.json ? watch_json : watch_line)(w->watch, stdout);
    w->over = w->over || (w->count > 0 && ++w->shown == w->count) || ferror(stdout);
    w->show_us += w->every_ms * 1000;
    if (w->show_us < clock_mono_us()) /* it was stopped for a while */
        w->show_us = clock_mono_us() + w->every_ms * 1000;
}

static void ask_next(struct watching *w)
{
    if (takt_query(w->takt, takt_query_by_name(watch_query(w->next)), "", LIMIT) != TAKT_OK)
        w->failed = w->over = true;
}

static void hear(struct watching *w, const struct takt_event *event)
{
    if (event->kind == TAKT_REFUSED || (event->kind == TAKT_REPORT && event->reason != 0)) {
        screen_close(&w->screen);
        cli_say("%s: %s", takt_reason_name(event->reason), takt_reason_text(event->reason));
        w->failed = w->over = true;
    } else if (event->kind == TAKT_REPORT) {
        const struct print_table table = ask_table(event);
        watch_take(w->watch, w->next, &table);
        if (++w->next < WATCH_TABLES)
            ask_next(w);
        else
            show(w, true);
    }
}

static void turn_time(struct watching *w)
{
    const int64_t now_us = clock_mono_us();
    if (now_us < w->show_us)
        return;
    if (w->next == WATCH_TABLES) {
        w->next = WATCH_STATUS;
        w->round_us = now_us;
        ask_next(w);
    } else if (now_us - w->round_us >= PATIENCE_US) {
        show(w, false);
    }
}

static void hear_signals(struct watching *w)
{
    struct signalfd_siginfo info;
    while (read(w->signal_fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTSTP && w->screen)
            screen_suspend(w->screen);
        else if (info.ssi_signo == SIGTSTP)
            kill(getpid(), SIGSTOP);
        else if (info.ssi_signo != SIGWINCH && info.ssi_signo != SIGCONT)
            w->over = true;
    }
    draw(w);
}

static int wait_ms(const struct watching *w)
{
    const int64_t now_us = clock_mono_us();
    int64_t until_us = w->show_us;
    if (w->next != WATCH_TABLES && w->round_us + PATIENCE_US > until_us)
        until_us = w->round_us + PATIENCE_US;
    const int left_ms = until_us <= now_us ? 0 : (int) ((until_us - now_us) / 1000) + 1;
    const int takt_ms = takt_timeout_ms(w->takt);
    return takt_ms >= 0 && takt_ms < left_ms ? takt_ms : left_ms;
}

static void run(struct watching *w)
{
    w->show_us = clock_mono_us();
    w->next = WATCH_TABLES;
    while (!w->over) {
        struct takt_event event;
        int got;
        turn_time(w);
        while (!w->over && (got = takt_next(w->takt, &event, 0)) != 0) {
            if (got < 0)
                w->failed = w->over = true;
            else
                hear(w, &event);
        }
        if (w->over)
            break;
        struct pollfd fds[] = {{.fd = takt_fd(w->takt), .events = POLLIN},
                               {.fd = w->signal_fd, .events = POLLIN},
                               {.fd = w->screen ? screen_fd(w->screen) : -1, .events = POLLIN}};
        poll(fds, sizeof fds / sizeof *fds, wait_ms(w));
        if (fds[1].revents)
            hear_signals(w);
        if (fds[2].revents) {
            const int key = screen_key(w->screen);
            w->over = w->over || key == 'q' || key == 'Q' || (fds[2].revents & (POLLHUP | POLLERR));
        }
    }
}

int cmd_watch(int argc, char **argv)
{
    struct watching w = {.every_ms = 1000};
    const struct cli_option options[] = {
        CLI_COMMON_OPTIONS(w.common),
        {"every", "MS", CLI_NUMBER, &w.every_ms, 100, 3600000, "time between two refreshes (default: 1000)"},
        {"count", "N", CLI_NUMBER, &w.count, 1, INT64_MAX, "end after N refreshes"},
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    if (!(w.takt = ask_open(&w.common)))
        return CLI_FAILED;
    w.signal_fd = take_signals();
    w.watch = watch_new();
    w.screen = w.common.json ? NULL : screen_open();
    run(&w);
    screen_close(&w.screen);
    watch_destroy(&w.watch);
    buf_fini(&w.text);
    close(w.signal_fd);
    takt_close(&w.takt);
    return w.failed ? CLI_FAILED : CLI_DONE;
}
