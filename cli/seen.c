/* SPDX-License-Identifier: Apache-2.0
 * seen.c - which digests were seen. See seen.h.
 *
 * Linear probing at most half full: digests are evenly spread by themselves, so
 * no hash function and no chains are needed. */
#include "cli/seen.h"

#include <assert.h>
#include <stdlib.h>

enum { ROOM_FIRST = 1024 };

void seen_fini(struct seen *seen)
{
    free(seen->slots);
    *seen = (struct seen){0};
}

static struct seen_slot *slot_of(struct seen_slot *slots, size_t room, struct id digest)
{
    size_t i = (size_t) digest.lo & (room - 1);
    while (!id_is_none(slots[i].digest) && !id_equal(slots[i].digest, digest))
        i = (i + 1) & (room - 1);
    return &slots[i];
}

static void grow(struct seen *seen)
{
    size_t room = seen->room ? seen->room * 2 : ROOM_FIRST;
    struct seen_slot *slots = calloc(room, sizeof *slots);
    if (!slots)
        abort();
    for (size_t i = 0; i < seen->room; i++)
        if (!id_is_none(seen->slots[i].digest))
            *slot_of(slots, room, seen->slots[i].digest) = seen->slots[i];
    free(seen->slots);
    seen->slots = slots;
    seen->room = room;
}

uint64_t *seen_value(struct seen *seen, struct id digest)
{
    assert(!id_is_none(digest));
    if (seen->used * 2 >= seen->room)
        grow(seen);
    struct seen_slot *slot = slot_of(seen->slots, seen->room, digest);
    if (id_is_none(slot->digest)) {
        slot->digest = digest;
        seen->used++;
    }
    return &slot->value;
}
