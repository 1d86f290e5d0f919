/* SPDX-License-Identifier: Apache-2.0
 * progress.h - how far a long command is, on stderr: a bar that moves on a
 * terminal, a line each 5 s otherwise. */
#ifndef TAKT_CLI_PROGRESS_H
#define TAKT_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "rows" */
    uint64_t total;
    bool terminal, shown;
    int64_t start_us, next_us;
};

void progress_begin(struct progress *progress, const char *what, uint64_t total);
void progress_show(struct progress *progress, uint64_t done); /* cheap; call it as often as you like */
void progress_clear(struct progress *progress);               /* before any other line on stderr, and at the end */

#endif
