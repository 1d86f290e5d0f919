/* SPDX-License-Identifier: Apache-2.0
 * entry.h - one log entry as bytes: a header, the body, a check. docs/LOG.md has
 * the layout.
 *
 * Owns the bytes around the body and nothing in it. Each entry names the hash of
 * the whole entry before it, so a log that was cut, swapped or continued by
 * another history is seen by whoever reads two entries. XXH3 and not CRC32C:
 * docs/adr/0002-one-hash-for-checks.md. */
#ifndef TAKT_BROKER_ENTRY_H
#define TAKT_BROKER_ENTRY_H

#include <stddef.h>

#include "broker/store.h"

enum {
    ENTRY_HEAD_BYTES = 56,
    ENTRY_CHECK_BYTES = 8,
    ENTRY_VERSION = 2, /* of what is written; see docs/LOG.md for what is read */
    ENTRY_VERSION_MIN = 1,
};

struct entry_hash {
    uint8_t bytes[16];
};

size_t entry_size(uint32_t body_len);

/* Write `entry`, whose predecessor hashes to `previous` (all zero: none), to `to`,
 * entry_size() bytes; *ret_hash is its hash. entry->body may already lie where it belongs. */
void entry_encode(const struct entry *entry, const struct entry_hash *previous, uint8_t *to,
                  struct entry_hash *ret_hash);

/* Check and take apart. Returns NULL, or what is wrong; then *ret is untouched. A
 * takeover's body is the nonce of its broker, not rows. */
const char *entry_decode(struct slice bytes, struct entry *ret, struct entry_hash *ret_previous);

void entry_hash(struct slice bytes, struct entry_hash *ret);

/* The check of whatever is stored beside the log: the view's rows. */
uint64_t entry_check(const void *bytes, size_t len);

/* < 0, 0, > 0: a before, at, after b. */
int position_compare(struct position a, struct position b);

#endif
