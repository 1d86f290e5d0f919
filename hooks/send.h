/* SPDX-License-Identifier: Apache-2.0
 * send.h - attempts on their way: requests and programs, many at once, in one
 * thread. What a receiver answers beyond yes or no is not read: it may hold
 * anything, and would end up in a log. */
#ifndef TAKT_HOOKS_SEND_H
#define TAKT_HOOKS_SEND_H

#include "hooks/event_json.h"
#include "hooks/hook_file.h"

struct sender;

/* How an attempt ended: `why` is a few words for people, NULL when it was delivered. */
enum { SEND_WHY_MAX = 96 };
typedef void send_done_fn(void *arg, uint32_t hook, void *item, const char *why);

/* `show`: what programs print is shown, not thrown away; for trying a hook out. */
struct sender *sender_new(send_done_fn *done, void *arg, bool show);
void sender_destroy(struct sender **sender_p); /* what is on its way is broken off, and not told */

/* Its end is told by a later sender_wait(). */
struct send_job {
    const struct hook *hook;
    uint32_t number; /* of the hook, and the item: for send_done_fn */
    void *item;
    const struct event_head *head;
    struct slice body; /* copied */
};
void sender_start(struct sender *sender, const struct send_job *job);

/* Wait until something ended, `stop_fd` can be read, or the time is over. */
void sender_wait(struct sender *sender, int stop_fd, int timeout_ms);
uint32_t sender_out(const struct sender *sender); /* attempts on their way */

/* "sha256=<hex>" of HMAC-SHA256 over the body. */
enum { SEND_SIGNATURE_MAX = 80 };
void send_sign(const struct buf *key, struct slice body, char ret[SEND_SIGNATURE_MAX]);

#endif
