/* SPDX-License-Identifier: Apache-2.0
 * supervise.h - child processes that are kept alive: start, log, start again,
 * stop. Knows nothing of takt; `takt up` says what the children are.
 *
 * A child's output comes through a pipe into its log file, because "ready" is a
 * word in that output and a pipe allows files of bounded size. A child is ended
 * by the kernel when its supervisor is killed (PR_SET_PDEATHSIG). */
#ifndef TAKT_CLI_SUPERVISE_H
#define TAKT_CLI_SUPERVISE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { SUPERVISE_CHILDREN_MAX = 72, SUPERVISE_ARGS_MAX = 32 };

struct supervisor;

struct child_options {
    const char *name;                     /* of messages and of its log file */
    const char *args[SUPERVISE_ARGS_MAX]; /* NULL-terminated; args[0] is the program's path; copied */
    const char *ready_word;               /* in its output: it serves. NULL: ready when started */
    int final_exit;                       /* exit code after which it stays ended; 0 = there is none */
    const char *final_why;                /* what that code means, for people */
};

/* A child serves, or is gone. */
struct child_event {
    const char *name;
    pid_t pid;
    bool is_up;
    int status;         /* of what is gone, as of wait(2) */
    int64_t restart_ms; /* until it is started again; -1: it stays ended */
};

typedef void supervise_tell_fn(void *arg, const struct child_event *event);

/* `log_dir` NULL: output goes to stderr. `keep_fd` is inherited by every child
 * (-1: none), so that a lock outlives a killed supervisor as long as a child does. */
struct supervisor *supervise_new(const char *log_dir, int keep_fd);
void supervise_tell(struct supervisor *s, supervise_tell_fn *tell, void *arg); /* of each event from now on */
void supervise_destroy(struct supervisor **supervisor_p);                      /* kills what still runs */

int supervise_start(struct supervisor *supervisor, const struct child_options *options); /* returns its number */
bool supervise_is_ready(const struct supervisor *supervisor, int child);
const char *supervise_ready_line(const struct supervisor *s, int child); /* with the word in it; "": not yet */
bool supervise_is_up(const struct supervisor *supervisor, int child);
pid_t supervise_pid(const struct supervisor *supervisor, int child); /* 0 when it does not run */
uint32_t supervise_deaths(const struct supervisor *supervisor, int child);

/* Wait up to timeout_ms (-1: no limit) and deal with what happened: output,
 * deaths, restarts. Returns SIGTERM or SIGINT when one came, else 0. */
int supervise_turn(struct supervisor *supervisor, int timeout_ms);

/* SIGTERM, and SIGKILL after patience_ms; at once when that is 0. Returns when it is gone. */
void supervise_stop(struct supervisor *s, int number, int patience_ms);

#endif
