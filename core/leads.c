/* SPDX-License-Identifier: Apache-2.0
 * leads.c - where leads live: in blocks of a huge page, so that one never moves
 * and costs no allocation of its own, and in an index by id. What a lead does is in lead.c.
 *
 * An index of our own instead of uthash, because leads may be a million: uthash
 * takes 66 bytes of each, a slot here takes 8, and a look-up compares 32 bits of
 * hash before it touches a lead, which is nearly always a cache miss. Linear
 * probing; a lead is never taken out. */
#include "core/core_private.h"

#include <stdlib.h>
#include <string.h>

#include "common/huge.h"

enum { FIRST_SLOTS = 1024 };
_Static_assert(LEADS_A_BLOCK * sizeof(struct lead) == HUGE_BYTES, "a block is a huge page");

struct lead_slot {
    uint32_t hash;
    uint32_t place; /* 1 + the lead's; 0 = empty */
};

/* Ids are hashes as a rule; both halves count, for they need not be. */
static uint32_t hash_of(struct id id)
{
    const uint64_t h = (id.hi ^ id.lo >> 32 ^ id.lo << 32) * 0x9e3779b97f4a7c15u;
    return (uint32_t) (h >> 32);
}

/* Whoever looks one up asks for all of its cache lines: they come together, while its id is compared. */
static void fetch(const struct lead *lead)
{
    for (size_t at = CACHE_LINE; at < sizeof *lead; at += CACHE_LINE)
        __builtin_prefetch((const char *) lead + at);
}

/* The slot of this id, or the empty one where it would go. */
static struct lead_slot *find(const struct leads *leads, struct id id, uint32_t hash)
{
    for (uint32_t at = hash & leads->mask;; at = (at + 1) & leads->mask) {
        struct lead_slot *slot = &leads->slots[at];
        if (slot->place == 0)
            return slot;
        if (slot->hash != hash)
            continue;
        const struct lead *lead = lead_at(leads, slot->place - 1);
        fetch(lead);
        if (id_equal(lead->id, id))
            return slot;
    }
}

static void double_slots(struct leads *leads)
{
    struct lead_slot *old = leads->slots;
    const uint32_t n_old = old ? leads->mask + 1 : 0, n = old ? 2 * n_old : FIRST_SLOTS;
    leads->slots = calloc(n, sizeof *leads->slots);
    assert(leads->slots && n > n_old);
    leads->mask = n - 1;
    for (uint32_t i = 0; i < n_old; i++) {
        uint32_t at = old[i].hash & leads->mask;
        while (leads->slots[at].place)
            at = (at + 1) & leads->mask;
        leads->slots[at] = old[i];
    }
    free(old);
}

struct lead *leads_find(const struct core *core, struct id id)
{
    const struct leads *leads = &core->leads;
    if (leads->n == 0)
        return NULL;
    const struct lead_slot *slot = find(leads, id, hash_of(id));
    return slot->place ? lead_at(leads, slot->place - 1) : NULL;
}

static struct lead *next_place(struct leads *leads)
{
    if (leads->n % LEADS_A_BLOCK == 0) {
        leads->blocks = reallocarray(leads->blocks, leads->n / LEADS_A_BLOCK + 1, sizeof *leads->blocks);
        assert(leads->blocks);
        leads->blocks[leads->n / LEADS_A_BLOCK] = huge_new();
    }
    return lead_at(leads, leads->n++);
}

struct lead *leads_add(struct core *core, struct id id)
{
    struct leads *leads = &core->leads;
    if (!leads->slots || leads->n >= leads->mask - leads->mask / 4)
        double_slots(leads);
    const uint32_t hash = hash_of(id);
    struct lead_slot *slot = find(leads, id, hash);
    assert(!slot->place);
    struct lead *lead = next_place(leads);
    *slot = (struct lead_slot){hash, leads->n};
    *lead = (struct lead){.id = id,
                          .timer.owner = TIMER_LEAD,
                          .state = LEAD_RECEIVED,
                          .team = NONE,
                          .home = NONE,
                          .owner = NONE,
                          .former = NONE,
                          .fresh = true};
    return lead;
}

void leads_set_input(struct lead *lead, const struct feature *features, uint32_t n_features, struct slice raw,
                     struct slice added)
{
    const size_t features_len = n_features * sizeof *features;
    assert(n_features <= FEATURES_MAX && raw.len + added.len <= ROW_BYTES_MAX);
    lead->features = realloc(lead->features, features_len + raw.len + added.len + 1);
    assert(lead->features);
    lead->raw = (uint8_t *) (lead->features + n_features);
    memcpy(lead->features, features, features_len);
    memcpy(lead->raw, raw.at, raw.len);
    if (added.len > 0)
        memcpy(lead->raw + raw.len, added.at, added.len);
    lead->n_features = (uint8_t) n_features;
    lead->raw_len = (uint16_t) (raw.len + added.len);
    lead->given_len = (uint16_t) raw.len;
}

struct past *leads_past(struct lead *lead)
{
    if (lead->past)
        return lead->past;
    lead->past = calloc(1, sizeof *lead->past);
    assert(lead->past);
    lead->past->decision.winner = lead->past->decision.runner_up = NONE;
    return lead->past;
}

void leads_fini(struct core *core)
{
    struct leads *leads = &core->leads;
    for (uint32_t i = 0; i < leads->n; i++) {
        struct lead *lead = lead_at(leads, i);
        free(lead->features);
        free(lead->excludes);
        if (lead->past && lead->past->follow) {
            free(lead->past->follow->orders);
            free(lead->past->follow);
        }
        free(lead->past);
    }
    for (uint32_t i = 0; i < leads->n; i += LEADS_A_BLOCK)
        free(leads->blocks[i / LEADS_A_BLOCK]);
    free(leads->blocks);
    free(leads->slots);
}
