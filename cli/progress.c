/* SPDX-License-Identifier: Apache-2.0
 * progress.c - how far a long command is. See progress.h. */
#include "cli/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/print.h"
#include "common/clock.h"

enum { BAR_EACH_US = 200 * 1000, LINE_EACH_US = 5 * 1000 * 1000, BAR_CELLS = 30 };

void progress_begin(struct progress *progress, const char *what, uint64_t total)
{
    int64_t now_us = clock_mono_us();
    *progress = (struct progress){.what = what, .total = total, .terminal = isatty(STDERR_FILENO), .start_us = now_us};
    progress->next_us = now_us + (progress->terminal ? BAR_EACH_US : LINE_EACH_US);
}

void progress_show(struct progress *progress, uint64_t done)
{
    int64_t now_us = clock_mono_us();
    if (now_us < progress->next_us)
        return;
    progress->next_us = now_us + (progress->terminal ? BAR_EACH_US : LINE_EACH_US);
    uint64_t rate = done * 1000000 / (uint64_t) (now_us - progress->start_us);
    char a[32], b[32], c[32], d[32] = "?", bar[BAR_CELLS + 1];
    if (rate > 0)
        print_duration((int64_t) ((progress->total - done) * 1000 / rate), d);
    uint64_t cells = progress->total ? done * BAR_CELLS / progress->total : 0;
    for (uint64_t i = 0; i < BAR_CELLS; i++)
        bar[i] = i < cells ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    fprintf(stderr, "%s[%s] %s of %s %s, %s/s, %s left%s", progress->terminal ? "\r" : "", bar, print_count(done, a),
            print_count(progress->total, b), progress->what, print_count(rate, c), d,
            progress->terminal ? "\033[K" : "\n");
    fflush(stderr);
    progress->shown = progress->terminal;
}

void progress_clear(struct progress *progress)
{
    if (progress->shown)
        fputs("\r\033[K", stderr);
    progress->shown = false;
}
