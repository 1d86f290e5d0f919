/* SPDX-License-Identifier: Apache-2.0
 * screen.h - the terminal of a live view: full-screen text, single keys, and the
 * terminal as it was when the view ends.
 *
 * Plain ANSI and termios: a screen of text once a second needs no curses. A
 * process of its own waits at a pipe for the view to end and then restores the
 * terminal, so that no end of it, not even kill -9, leaves a terminal without
 * echo behind. */
#ifndef TAKT_CLI_SCREEN_H
#define TAKT_CLI_SCREEN_H

#include <stddef.h>

struct screen;

/* A line of text that begins with one of these is shown so; the mark is not. */
#define SCREEN_BOLD "\1"
#define SCREEN_REVERSE "\2"

/* NULL when stdout is no terminal, or one without a cursor: then print plain lines. */
struct screen *screen_open(void);
void screen_close(struct screen **screen_p);

/* Lines of text: cut at the width; of those that do not fit the height the last
 * line says how many there are. The size is asked of the terminal each time. */
void screen_draw(struct screen *screen, const char *text, size_t len);

int screen_fd(const struct screen *screen); /* readable: a key; -1: there is no keyboard */
int screen_key(struct screen *screen);      /* the key pressed, once it is readable; 0 = none */
void screen_suspend(struct screen *screen); /* for Ctrl-Z: give it back, stop, and take it again */

#endif
