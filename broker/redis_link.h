/* SPDX-License-Identifier: Apache-2.0
 * redis_link.h - one connection to Redis that never blocks unless asked to:
 * commands are queued, flushed when the socket takes them, and answered in order.
 *
 * hiredis connects, reads and parses. Writing is ours: commands are put together
 * where they are sent from, great arguments are sent from where they lie, and with
 * MSG_NOSIGNAL, since a lost connection must not end the process. No callbacks, so nothing is ever
 * freed inside one. Knows no store and no key. */
#ifndef TAKT_BROKER_REDIS_LINK_H
#define TAKT_BROKER_REDIS_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <hiredis/hiredis.h>

#include "proto/msg.h"

struct redis_link;

/* `address`: "unix:/path" or "host:port". Waits for the connection until the
 * deadline (clock_mono_us). NULL and a sentence in `why` on failure. */
struct redis_link *redis_link_open(const char *address, int64_t deadline_us, char why[160]);
void redis_link_close(struct redis_link **link_p);

/* A command of `n` arguments, its name counted in, then each of them. */
void redis_link_command(struct redis_link *link, uint32_t n);
void redis_link_arg(struct redis_link *link, const void *bytes, size_t len);
void redis_link_arg2(struct redis_link *link, const void *a, size_t a_len, const void *b, size_t b_len); /* joined */
void redis_link_text(struct redis_link *link, const char *text);
/* As _arg2, but `bytes` are not copied: they stay till sent; of _lend2 both. */
void redis_link_lend(struct redis_link *link, const void *bytes, size_t len, const void *tail, size_t tail_len);
void redis_link_lend2(struct redis_link *link, const void *a, size_t a_len, const void *b, size_t b_len);

/* Send what the socket takes; read what is there. False: the connection is lost. */
bool redis_link_move(struct redis_link *link);
redisReply *redis_link_take(struct redis_link *link); /* the next answer, yours to free; NULL: none yet, or lost */

/* Send all, then wait for one answer until the deadline. NULL: lost or too late. */
redisReply *redis_link_wait(struct redis_link *link, int64_t deadline_us);

int redis_link_fd(const struct redis_link *link);
bool redis_link_wants_write(const struct redis_link *link);
const char *redis_link_why(const struct redis_link *link); /* after lost */

#endif
