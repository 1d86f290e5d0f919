/* SPDX-License-Identifier: Apache-2.0
 * small_cell.h - a broker without sockets, clock and store, driven by bytes: what
 * fuzz_core feeds, and where make_corpus gets its rows of a log from.
 *
 * The bytes are turns: kind u8, length u16 (little endian), then `length` bytes.
 * Low three bits of the kind: who (each has its role); next two: what. Frames go
 * the way of the broker's own: decoded, checked for their role, decided, sealed,
 * answers encoded. With SMALL_FITTING a message speaks of what there is (its own
 * session, the lead last offered, the request last asked), so that chance gets
 * behind the first check; without it stays as it was sent. */
#ifndef TAKT_TESTS_FUZZ_SMALL_CELL_H
#define TAKT_TESTS_FUZZ_SMALL_CELL_H

#include "common/buf.h"
#include "core/core.h"

enum {
    SMALL_SOURCE = 0, /* peers */
    SMALL_PUSH = 1,
    SMALL_PULL = 2,
    SMALL_PARTNER = 3,
    SMALL_WORKER = 4,
    SMALL_OPERATOR = 5,
    SMALL_FRAME = 0 << 3, /* what: the bytes are a frame */
    SMALL_WAIT = 1 << 3,  /* up to 4 bytes: so many ms pass */
    SMALL_GONE = 2 << 3,  /* the peer cannot be reached */
    SMALL_ANEW = 3 << 3,  /* a crash: the log so far, and a new epoch */
    SMALL_FITTING = 1 << 5,
};

struct small_cell;

struct small_cell *small_cell_new(void);
void small_cell_destroy(struct small_cell **cell_p);
void small_cell_play(struct small_cell *cell, const uint8_t *turns, size_t len); /* asserts what must hold */
const struct policy *small_cell_policy(void);
/* Bodies of the beats so far, one after the other: rows. */
struct slice small_cell_log(const struct small_cell *cell);

void small_cell_turn(struct buf *turns, unsigned kind, const void *bytes, size_t len); /* write one */

#endif
