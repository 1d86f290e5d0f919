/* SPDX-License-Identifier: Apache-2.0
 * belief.h - the diary of who believed to hold which lead, and when.
 *
 * An agent's program writes a line when it starts and when it stops showing a
 * lead, on CLOCK_MONOTONIC, which is one clock for all processes of a machine:
 *
 *     * us                     a program begins
 *     + agent lead fence us    shown from now on
 *     - agent lead fence us    no longer shown
 *     ! us                     the program was killed (written by who killed it)
 *
 * Each line is one write(2), so that a killed program loses none. What is still
 * shown when a program's lines end is taken as shown until its last time. */
#ifndef TAKT_CLI_BELIEF_H
#define TAKT_CLI_BELIEF_H

#include <stdint.h>
#include <stdio.h>

struct belief_log;

struct belief_log *belief_open(const char *path); /* NULL: cannot; errno says why */
void belief_close(struct belief_log **log_p);
void belief_start(struct belief_log *log, const char *agent, const char *lead, uint64_t fence);
void belief_stop(struct belief_log *log, const char *agent, const char *lead, uint64_t fence);

struct belief_counts {
    uint64_t files, lines, damaged; /* damaged: lines that are none of the above */
    uint64_t intervals, open, leads, agents;
    uint64_t two_owners; /* leads shown to two agents at one instant */
};

/* Read diaries and look for a lead with two believers at one instant; tells the
 * first 20 of them on `out`. Returns 0, or -1 when a file cannot be read. */
int belief_check(const char *const *paths, int n_paths, FILE *out, struct belief_counts *ret_counts);

#endif
