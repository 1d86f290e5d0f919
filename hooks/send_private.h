/* SPDX-License-Identifier: Apache-2.0
 * send_private.h - the two ways of sending, for send.c. An attempt belongs to its
 * way from *_start() until it is told as done. */
#ifndef TAKT_HOOKS_SEND_PRIVATE_H
#define TAKT_HOOKS_SEND_PRIVATE_H

#include "hooks/send.h"

struct attempt {
    uint32_t hook;
    void *item;
};
typedef void attempt_done_fn(void *arg, const struct attempt *attempt, const char *why);

/* Requests: send_http.c, the only code that knows libcurl. It also does the waiting, as its sockets are its own. */
struct http;
struct http *http_new(attempt_done_fn *done, void *arg);
void http_destroy(struct http **http_p);
void http_start(struct http *http, const struct send_job *job);
void http_wait(struct http *http, const int *fds, uint32_t n_fds, int timeout_ms);

/* Programs: send_program.c */
struct programs;
struct programs *programs_new(attempt_done_fn *done, void *arg, bool show);
void programs_destroy(struct programs **programs_p);
void programs_start(struct programs *programs, const struct send_job *job);
enum { PROGRAMS_MAX = HOOKS_MAX * HOOK_PROGRAMS_MAX };
uint32_t programs_fds(const struct programs *programs, int fds[PROGRAMS_MAX]); /* readable: one has ended */
int64_t programs_next_us(const struct programs *programs);                     /* when one must be killed */
void programs_reap(struct programs *programs);

#endif
