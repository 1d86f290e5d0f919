/* SPDX-License-Identifier: Apache-2.0
 * pools.c - lead to pool number, and pool numbers to names.
 *
 * Names are few: uthash. Leads may be a million: an open-addressing table with
 * the id in the slot, 20 bytes instead of uthash's 90. */
#include "broker/pools.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { FIRST_SLOTS = 1024 };

struct name {
    UT_hash_handle hh;
    uint32_t number;
    char text[];
};

struct slot {
    uint8_t lead[16];
    uint32_t number; /* 0: empty */
};

struct pools {
    struct name *by_text;
    struct name **by_number; /* number - 1 */
    uint32_t n_names;
    struct slot *slots;
    uint64_t mask, count;
};

static void *zeroed(size_t count, size_t size)
{
    void *at = calloc(count, size);
    if (at == NULL)
        abort();
    return at;
}

struct pools *pools_new(void)
{
    struct pools *pools = zeroed(1, sizeof *pools);
    pools->slots = zeroed(FIRST_SLOTS, sizeof *pools->slots);
    pools->mask = FIRST_SLOTS - 1;
    return pools;
}

void pools_clear(struct pools *pools)
{
    memset(pools->slots, 0, (pools->mask + 1) * sizeof *pools->slots);
    pools->count = 0;
}

void pools_destroy(struct pools **pools_p)
{
    struct pools *pools = *pools_p;
    *pools_p = NULL;
    if (pools == NULL)
        return;
    HASH_CLEAR(hh, pools->by_text);
    for (uint32_t i = 0; i < pools->n_names; i++)
        free(pools->by_number[i]);
    free(pools->by_number);
    free(pools->slots);
    free(pools);
}

uint32_t pools_number(struct pools *pools, const char *text)
{
    struct name *name;
    HASH_FIND_STR(pools->by_text, text, name);
    if (name != NULL)
        return name->number;
    const size_t len = strlen(text);
    name = zeroed(1, sizeof *name + len + 1);
    memcpy(name->text, text, len);
    name->number = pools->n_names + 1;
    pools->by_number = reallocarray(pools->by_number, name->number, sizeof *pools->by_number);
    if (pools->by_number == NULL)
        abort();
    pools->by_number[pools->n_names++] = name;
    HASH_ADD_KEYPTR(hh, pools->by_text, name->text, len, name);
    return name->number;
}

const char *pools_name(const struct pools *pools, uint32_t number)
{
    assert(number > 0 && number <= pools->n_names);
    return pools->by_number[number - 1]->text;
}

uint32_t pools_count(const struct pools *pools)
{
    return pools->n_names;
}

static uint64_t home_of(const struct pools *pools, const uint8_t lead[16])
{
    return XXH3_64bits(lead, 16) & pools->mask;
}

static uint64_t find(const struct pools *pools, const uint8_t lead[16])
{
    uint64_t at = home_of(pools, lead);
    while (pools->slots[at].number != 0 && memcmp(pools->slots[at].lead, lead, 16) != 0)
        at = (at + 1) & pools->mask;
    return at;
}

uint32_t pools_of(const struct pools *pools, const uint8_t lead[16])
{
    return pools->slots[find(pools, lead)].number;
}

static void double_slots(struct pools *pools)
{
    struct slot *old = pools->slots;
    const uint64_t n_old = pools->mask + 1;
    pools->slots = zeroed(2 * n_old, sizeof *pools->slots);
    pools->mask = 2 * n_old - 1;
    for (uint64_t i = 0; i < n_old; i++)
        if (old[i].number != 0)
            pools->slots[find(pools, old[i].lead)] = old[i];
    free(old);
}

/* Close the gap at slot `at`: move back whatever probed past it. */
static void clear_slot(struct pools *pools, uint64_t at)
{
    for (uint64_t next = (at + 1) & pools->mask; pools->slots[next].number != 0; next = (next + 1) & pools->mask) {
        const uint64_t home = home_of(pools, pools->slots[next].lead);
        if (((next - home) & pools->mask) < ((next - at) & pools->mask))
            continue;
        pools->slots[at] = pools->slots[next];
        at = next;
    }
    pools->slots[at].number = 0;
    pools->count--;
}

void pools_set(struct pools *pools, const uint8_t lead[16], uint32_t number)
{
    const uint64_t at = find(pools, lead);
    struct slot *slot = &pools->slots[at];
    if (number == 0) {
        if (slot->number != 0)
            clear_slot(pools, at);
        return;
    }
    if (slot->number == 0) {
        memcpy(slot->lead, lead, sizeof slot->lead);
        pools->count++;
    }
    slot->number = number;
    if (pools->count > pools->mask - pools->mask / 4)
        double_slots(pools);
}
