/* SPDX-License-Identifier: Apache-2.0
 * ids.c - the lead id of a source's key.
 *
 * Derived, not drawn: the same key of the same source is the same lead, on any
 * broker and after any restart, without a table to ask. BLAKE2b because a source
 * must not be able to make two keys collide. */
#include "proto/msg.h"

#include <assert.h>
#include <sodium.h>
#include <string.h>

struct id id_of_key(struct slice source, struct slice key)
{
    uint8_t both[NAME_BYTES_MAX + 1 + KEY_BYTES_MAX];
    uint8_t hash[16];

    assert(source.len <= NAME_BYTES_MAX && key.len > 0 && key.len <= KEY_BYTES_MAX);
    if (source.len > 0)
        memcpy(both, source.at, source.len);
    both[source.len] = 0;
    memcpy(both + source.len + 1, key.at, key.len);
    int rc = crypto_generichash(hash, sizeof hash, both, source.len + 1 + key.len, NULL, 0);
    assert(rc == 0);
    return id_from_bytes(hash);
}
