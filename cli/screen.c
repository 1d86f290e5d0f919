/* SPDX-License-Identifier: Apache-2.0
 * screen.c - see screen.h. What is written is made whole first and leaves with
 * one write, so that nothing flickers. */
#include "cli/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "common/buf.h"

/* alternate screen, no cursor, no line wrap; and back */
#define ENTER "\033[?1049h\033[?25l\033[?7l\033[H\033[2J"
#define LEAVE "\033[?7h\033[?25h\033[?1049l"

struct screen {
    struct termios before;
    bool keyboard;
    int guard; /* the write end of the pipe at which the guard waits */
    pid_t guard_pid;
    struct buf frame;
};

static void put(const void *bytes, size_t len)
{
    const char *at = bytes;
    while (len > 0) {
        ssize_t n = write(STDOUT_FILENO, at, len);
        if (n < 0 && errno != EINTR)
            return; /* the terminal is gone */
        at += n > 0 ? n : 0;
        len -= n > 0 ? (size_t) n : 0;
    }
}

static void enter(const struct screen *screen)
{
    struct termios raw = screen->before;
    raw.c_lflag &= ~(tcflag_t) (ICANON | ECHO); /* signals stay: Ctrl-C ends, Ctrl-Z stops */
    raw.c_cc[VMIN] = 1; /* not 0: a shell that reads before the guard restored would take nothing for the end */
    raw.c_cc[VTIME] = 0;
    if (screen->keyboard)
        tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    put(ENTER, sizeof ENTER - 1);
}

static void leave(const struct screen *screen)
{
    put(LEAVE, sizeof LEAVE - 1);
    if (screen->keyboard)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &screen->before);
}

/* A byte comes when the view ended in order; the end of the pipe when it did not. */
static _Noreturn void stand_guard(const struct screen *screen, int pipe_fd)
{
    char byte;
    ssize_t n;
    sigset_t all;
    sigfillset(&all); /* also SIGTTOU: by then the shell may have the terminal */
    sigprocmask(SIG_SETMASK, &all, NULL);
    while ((n = read(pipe_fd, &byte, 1)) < 0 && errno == EINTR)
        continue;
    if (n == 0)
        leave(screen);
    _exit(0);
}

static bool start_guard(struct screen *screen)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    screen->guard_pid = fork();
    if (screen->guard_pid == 0) {
        close(ends[1]);
        stand_guard(screen, ends[0]);
    }
    close(ends[0]);
    screen->guard = ends[1];
    if (screen->guard_pid < 0)
        close(ends[1]);
    return screen->guard_pid > 0;
}

struct screen *screen_open(void)
{
    const char *term = getenv("TERM");
    if (!isatty(STDOUT_FILENO) || !term || strcmp(term, "dumb") == 0)
        return NULL;
    struct screen *screen = calloc(1, sizeof *screen);
    if (!screen)
        abort();
    screen->keyboard = tcgetattr(STDIN_FILENO, &screen->before) == 0;
    if (!start_guard(screen)) {
        free(screen);
        return NULL;
    }
    enter(screen);
    return screen;
}

void screen_close(struct screen **screen_p)
{
    struct screen *screen = *screen_p;
    if (!screen)
        return;
    leave(screen);
    while (write(screen->guard, "q", 1) < 0 && errno == EINTR)
        continue;
    close(screen->guard);
    waitpid(screen->guard_pid, NULL, 0);
    buf_fini(&screen->frame);
    free(screen);
    *screen_p = NULL;
}

void screen_suspend(struct screen *screen)
{
    leave(screen);
    kill(getpid(), SIGSTOP); /* goes on here after SIGCONT */
    enter(screen);
}

/* ---- drawing ------------------------------------------------------------------- */

/* How many bytes of a line fit the width. */
static size_t fitting(const char *line, size_t len, unsigned width)
{
    unsigned columns = 0;
    size_t i = 0;
    for (; i < len; i++) {
        columns += ((unsigned char) line[i] & 0xc0) != 0x80;
        if (columns > width)
            break;
    }
    return i;
}

static void draw_line(struct buf *frame, const char *line, size_t len, unsigned width)
{
    const char *style = len > 0 && line[0] == SCREEN_BOLD[0] ? "\033[1m" : "";
    if (len > 0 && line[0] == SCREEN_REVERSE[0])
        style = "\033[7m";
    const size_t mark = *style ? 1 : 0;
    buf_add(frame, style, strlen(style));
    buf_add(frame, line + mark, fitting(line + mark, len - mark, width));
    buf_printf(frame, "%s\033[K", *style ? "\033[0m" : "");
}

static unsigned count_lines(const char *text, size_t len)
{
    unsigned n = 0;
    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

void screen_draw(struct screen *screen, const char *text, size_t len)
{
    struct winsize size = {0};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
        size = (struct winsize){.ws_row = 24, .ws_col = 80};
    const unsigned n = count_lines(text, len);
    struct buf *frame = &screen->frame;
    frame->len = 0;
    buf_printf(frame, "\033[H");
    for (unsigned row = 0; row < size.ws_row && len > 0; row++) {
        const char *newline = memchr(text, '\n', len);
        const size_t line = newline ? (size_t) (newline - text) : len;
        char more[48];
        if (row > 0)
            buf_printf(frame, "\r\n");
        if (row + 1u == size.ws_row && n > size.ws_row)
            draw_line(frame, more, (size_t) snprintf(more, sizeof more, "... %u lines more", n - row), size.ws_col);
        else
            draw_line(frame, text, line, size.ws_col);
        len -= newline ? line + 1 : line;
        text += newline ? line + 1 : line;
    }
    buf_printf(frame, "\033[J");
    put(frame->at, frame->len);
}

/* ---- keys ---------------------------------------------------------------------- */

int screen_fd(const struct screen *screen)
{
    return screen->keyboard ? STDIN_FILENO : -1;
}

int screen_key(struct screen *screen)
{
    unsigned char key;
    ssize_t n = screen->keyboard ? read(STDIN_FILENO, &key, 1) : 0;
    if (n < 0 && errno != EINTR && errno != EAGAIN)
        screen->keyboard = false;
    return n == 1 ? key : 0;
}
