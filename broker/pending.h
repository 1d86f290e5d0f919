/* SPDX-License-Identifier: Apache-2.0
 * pending.h - the rows of standing entries that the view does not have yet: the
 * newest of each key, the oldest change first. Inputs never change, so those that
 * lie side by side in an entry stay together and are written as one.
 *
 * Owns the memory of entries from append until the last row in it is written:
 * rows are not copied, they point into the entry they came with, and an entry
 * goes when nothing points into it any more. Knows nothing of Redis. A row keeps
 * its place in the order when it changes again, so the first row of all says how
 * far the view's position may move. */
#ifndef TAKT_BROKER_PENDING_H
#define TAKT_BROKER_PENDING_H

#include "broker/entry.h"

struct kept { /* one encoded entry */
    uint32_t refs;
    uint32_t len;
    struct position at;
    struct entry_hash hash;
    uint32_t apart; /* bytes of its first inputs that stand where the view has them since the entry stands; 0: none */
    uint8_t bytes[];
};

struct kept *kept_new(uint32_t len); /* refs = 1 */
/* Of a buffer that has its bytes where kept->bytes will be: takes over the memory. */
struct kept *kept_of(struct buf *buf);
void kept_release(struct kept **kept_p);
struct slice kept_body(const struct kept *kept);

enum {
    TOGETHER_BYTES_MAX = 64 * 1024 - 64
}; /* of rows in one value of the view, or of one; with its check it fills 64 KiB */

/* Inputs in `body`, from the row at *at on, that stay together. False: there is another row, or none. */
bool inputs_next(struct slice body, uint32_t *at, struct slice *ret_inputs);

struct pending_row {
    struct kept *kept;     /* counted in kept->refs */
    struct row_ref row;    /* of inputs: the first, but `whole` are all of them */
    struct position first; /* the oldest change of this key that is not in the view */
    int64_t since_us;      /* when that one stood */
    bool fresh;            /* a lead's, and the view never had one of it */
};

struct pending;
struct pending *pending_new(uint64_t seed);
void pending_destroy(struct pending **pending_p);
void pending_clear(struct pending *pending);

/* Every row of kept's body that the view holds (snapshots are log only) and does not have. Returns
 * false when the body is damaged; rows before the damage are in. `just_stood`: the view can have nothing
 * of this entry, so leads whose inputs are in it are fresh. */
bool pending_feed(struct pending *pending, struct kept *kept, bool just_stood, int64_t now_us);

/* Take the first row out; the caller releases row.kept. False: there is none. */
bool pending_take(struct pending *pending, struct pending_row *ret);

/* Put a row back to the front that was taken and not written. A newer change of
 * the key that came in between wins, in the old place. */
void pending_put_back(struct pending *pending, struct pending_row *row);

/* The oldest change of all, and when it stood. False: there is none. */
bool pending_first(const struct pending *pending, struct position *ret_first, int64_t *ret_since_us);
uint32_t pending_count(const struct pending *pending);

#endif
