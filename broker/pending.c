/* SPDX-License-Identifier: Apache-2.0
 * pending.c - rows waiting for the view.
 *
 * A table of our own instead of uthash, because feeding it is the store's only
 * work per row: rows lie in one array (no allocation each), the table holds
 * 32-bit places in it, and a probe compares 32 bits of hash before it touches a
 * row. Linear probing, deletion by moving back, so there are no tombstones. */
#include "broker/pending.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum {
    NO_PLACE = UINT32_MAX,
    FIRST_SLOTS = 1024,
    AHEAD = 8,           /* rows looked up together */
    GREAT_LAG = 1 << 15, /* rows: what is kept for more of them is given back */
};

struct place { /* a pending row in the array, linked in order of its first change */
    struct kept *kept;
    const uint8_t *row; /* within it */
    struct position first;
    int64_t since_us;
    uint32_t len : 31; /* of the row, or of all inputs that stay together */
    uint32_t fresh : 1;
    uint32_t hash, before, after;
};

struct slot {
    uint32_t hash, place; /* place == NO_PLACE: empty */
};

struct pending {
    uint64_t seed;
    struct place *places;
    uint32_t n_places, places_max;
    uint32_t free_places; /* list through .after */
    uint32_t first, last;
    struct slot *slots;
    uint32_t mask;    /* slots - 1 */
    uint32_t n_slots; /* taken: one a row, but for inputs, which nobody looks up */
    uint32_t count;
};

static void *grow(void *at, size_t count, size_t size)
{
    at = reallocarray(at, count, size);
    if (at == NULL)
        abort();
    return at;
}

struct kept *kept_new(uint32_t len)
{
    struct kept *kept = malloc(sizeof *kept + len);
    if (kept == NULL)
        abort();
    *kept = (struct kept){.refs = 1, .len = len};
    return kept;
}

struct kept *kept_of(struct buf *buf)
{
    struct kept *kept = realloc(buf->at, buf->len); /* what was too much goes back */
    if (kept == NULL)
        abort();
    *kept = (struct kept){.refs = 1, .len = (uint32_t) (buf->len - offsetof(struct kept, bytes))};
    *buf = (struct buf){0};
    return kept;
}

void kept_release(struct kept **kept_p)
{
    struct kept *kept = *kept_p;
    *kept_p = NULL;
    if (kept == NULL)
        return;
    assert(kept->refs > 0);
    if (--kept->refs == 0)
        free(kept);
}

struct slice kept_body(const struct kept *kept)
{
    return (struct slice){kept->bytes + ENTRY_HEAD_BYTES, kept->len - ENTRY_HEAD_BYTES - ENTRY_CHECK_BYTES};
}

static struct slot *slots_new(uint32_t count)
{
    struct slot *slots = grow(NULL, count, sizeof *slots);
    memset(slots, 0xff, count * sizeof *slots);
    return slots;
}

static void make_empty(struct pending *pending, uint64_t seed)
{
    *pending = (struct pending){.seed = seed, .free_places = NO_PLACE, .first = NO_PLACE, .last = NO_PLACE};
    pending->slots = slots_new(FIRST_SLOTS);
    pending->mask = FIRST_SLOTS - 1;
}

struct pending *pending_new(uint64_t seed)
{
    struct pending *pending = grow(NULL, 1, sizeof *pending);
    make_empty(pending, seed);
    return pending;
}

/* The view has caught up with a great import: its entries left holes of hundreds
 * of MiB between the leads, which malloc would keep. Some 0.1 ms a MiB, once. */
static void give_back(struct pending *pending)
{
    free(pending->places);
    free(pending->slots);
    make_empty(pending, pending->seed);
    malloc_trim(0);
}

void pending_clear(struct pending *pending)
{
    struct pending_row row;
    while (pending_take(pending, &row))
        kept_release(&row.kept);
}

void pending_destroy(struct pending **pending_p)
{
    struct pending *pending = *pending_p;
    *pending_p = NULL;
    if (pending == NULL)
        return;
    pending_clear(pending);
    free(pending->places);
    free(pending->slots);
    free(pending);
}

static uint32_t hash_of(const struct pending *pending, const struct row_ref *row)
{
    return (uint32_t) XXH3_64bits_withSeed(row->key.at, row->key.len, pending->seed + (uint64_t) row->type);
}

static struct row_ref row_at(const struct place *place)
{
    const struct slice body = kept_body(place->kept);
    uint32_t at = (uint32_t) (place->row - body.at);
    struct row_ref row;
    const int found = row_next(body, &at, &row);
    assert(found == 1); /* it was read when it came in */
    row.whole.len = place->len;
    return row;
}

static struct pending_row pending_row_at(const struct place *place)
{
    return (struct pending_row){place->kept, row_at(place), place->first, place->since_us, place->fresh};
}

static bool same_key(const struct place *place, const struct row_ref *row)
{
    return place->row[0] == row->type && place->row[ROW_KEY_LEN_AT] == row->key.len &&
           memcmp(place->row + ROW_HEAD, row->key.at, row->key.len) == 0;
}

/* The slot of this key, or the empty one where it would go. */
static struct slot *find(const struct pending *pending, const struct row_ref *row, uint32_t hash)
{
    for (uint32_t at = hash & pending->mask;; at = (at + 1) & pending->mask) {
        struct slot *slot = &pending->slots[at];
        if (slot->place == NO_PLACE)
            return slot;
        if (slot->hash == hash && same_key(&pending->places[slot->place], row))
            return slot;
    }
}

static void double_slots(struct pending *pending)
{
    struct slot *old = pending->slots;
    const uint32_t n_old = pending->mask + 1;
    assert(n_old <= UINT32_MAX / 4);
    pending->slots = slots_new(2 * n_old);
    pending->mask = 2 * n_old - 1;
    for (uint32_t i = 0; i < n_old; i++) {
        if (old[i].place == NO_PLACE)
            continue;
        uint32_t at = old[i].hash & pending->mask;
        while (pending->slots[at].place != NO_PLACE)
            at = (at + 1) & pending->mask;
        pending->slots[at] = old[i];
    }
    free(old);
}

static uint32_t new_place(struct pending *pending)
{
    if (pending->free_places != NO_PLACE) {
        const uint32_t place = pending->free_places;
        pending->free_places = pending->places[place].after;
        return place;
    }
    if (pending->n_places == pending->places_max) {
        pending->places_max = pending->places_max > 0 ? 2 * pending->places_max : FIRST_SLOTS / 2;
        pending->places = grow(pending->places, pending->places_max, sizeof *pending->places);
    }
    return pending->n_places++;
}

static void link_behind(struct pending *pending, uint32_t place, uint32_t before)
{
    struct place *at = &pending->places[place];
    at->before = before;
    at->after = before == NO_PLACE ? pending->first : pending->places[before].after;
    *(before == NO_PLACE ? &pending->first : &pending->places[before].after) = place;
    *(at->after == NO_PLACE ? &pending->last : &pending->places[at->after].before) = place;
}

static void unlink_place(struct pending *pending, uint32_t place)
{
    const struct place *at = &pending->places[place];
    *(at->before == NO_PLACE ? &pending->first : &pending->places[at->before].after) = at->after;
    *(at->after == NO_PLACE ? &pending->last : &pending->places[at->after].before) = at->before;
}

/* A new row behind `before` (NO_PLACE: at the front), not in the table. Takes over the reference to row->kept. */
static uint32_t add_place(struct pending *pending, const struct pending_row *row, uint32_t before)
{
    const uint32_t place = new_place(pending);
    pending->places[place] = (struct place){.kept = row->kept,
                                            .row = row->row.whole.at,
                                            .first = row->first,
                                            .since_us = row->since_us,
                                            .len = row->row.whole.len & INT32_MAX,
                                            .fresh = row->fresh};
    link_behind(pending, place, before);
    pending->count++;
    return place;
}

static void add(struct pending *pending, struct slot *slot, uint32_t hash, const struct pending_row *row,
                uint32_t before)
{
    const uint32_t place = add_place(pending, row, before);
    pending->places[place].hash = hash;
    *slot = (struct slot){hash, place};
    if (++pending->n_slots > pending->mask / 2)
        double_slots(pending);
}

/* The newest of its key: where `hash` led to, or a new place at the end. */
static void feed_row(struct pending *pending, const struct pending_row *row, uint32_t hash)
{
    struct slot *slot = find(pending, &row->row, hash);
    row->kept->refs++;
    if (slot->place == NO_PLACE) {
        add(pending, slot, hash, row, pending->last);
        return;
    }
    struct place *older = &pending->places[slot->place];
    kept_release(&older->kept);
    older->kept = row->kept;
    older->row = row->row.whole.at;
    older->len = row->row.whole.len & INT32_MAX;
}

bool inputs_next(struct slice body, uint32_t *at, struct slice *ret_inputs)
{
    const uint32_t begin = *at;
    uint32_t next = begin;
    struct row_ref row;
    while (next < body.len && body.at[next] == ROW_INPUT && row_next(body, &next, &row) > 0 &&
           (*at == begin || next - begin <= TOGETHER_BYTES_MAX))
        *at = next;
    *ret_inputs = slice_of(body.at + begin, *at - begin);
    return *at > begin;
}

/* All that lie here, and behind them *at. Nobody looks one up, so they are not in the table. *apart: of the first that
 * are met, so much is in the view. */
static void feed_inputs(struct pending *pending, struct kept *kept, uint32_t *at, uint32_t *apart, int64_t now_us)
{
    const struct slice body = kept_body(kept);
    struct slice inputs;
    if (*at < body.len && body.at[*at] == ROW_INPUT) {
        *at += *apart;
        *apart = 0;
    }
    while (inputs_next(body, at, &inputs)) {
        kept->refs++;
        add_place(pending, &(struct pending_row){kept, {.whole = inputs}, kept->at, now_us, false}, pending->last);
    }
}

/* Is this the row of the lead whose input is at *input? Then that moves on: new leads come in the order of inputs. */
static bool is_fresh(struct slice body, uint32_t *input, const struct row_ref *row)
{
    struct row_ref next;
    uint32_t behind = *input;
    if (row->type != ROW_LEAD || row_next(body, &behind, &next) <= 0 || next.type != ROW_INPUT ||
        next.key.len != row->key.len || memcmp(next.key.at, row->key.at, row->key.len) != 0)
        return false;
    *input = behind;
    return true;
}

bool pending_feed(struct pending *pending, struct kept *kept, bool just_stood, int64_t now_us)
{
    const struct slice body = kept_body(kept);
    struct pending_row rows[AHEAD]; /* read, their slots on the way from memory: a table of millions is in no cache */
    uint32_t hashes[AHEAD], at = 0, n_read = 0, n_fed = 0, apart = kept->apart;
    uint32_t input = body.len; /* the first whose lead was not met; at the end: none is looked for */
    int more = 1;
    while (more > 0 || n_fed < n_read) {
        struct pending_row *row = &rows[n_read % AHEAD];
        if (just_stood && input == body.len && at < body.len && body.at[at] == ROW_INPUT)
            input = at;
        if (more > 0)
            feed_inputs(pending, kept, &at, &apart, now_us);
        *row = (struct pending_row){.kept = kept, .first = kept->at, .since_us = now_us};
        more = more > 0 ? row_next(body, &at, &row->row) : more;
        if (more > 0 && row->row.type != ROW_SNAPSHOT) {
            hashes[n_read % AHEAD] = hash_of(pending, &row->row);
            __builtin_prefetch(&pending->slots[hashes[n_read % AHEAD] & pending->mask]);
            row->fresh = is_fresh(body, &input, &row->row);
            n_read++;
        }
        if (n_fed < n_read && (n_read - n_fed == AHEAD || more <= 0)) {
            feed_row(pending, &rows[n_fed % AHEAD], hashes[n_fed % AHEAD]);
            n_fed++;
        }
    }
    return more == 0;
}

/* Close the gap at slot `at`: move back whatever probed past it. */
static void clear_slot(struct pending *pending, uint32_t at)
{
    for (uint32_t next = (at + 1) & pending->mask;; next = (next + 1) & pending->mask) {
        const struct slot slot = pending->slots[next];
        if (slot.place == NO_PLACE)
            break;
        const uint32_t home = slot.hash & pending->mask;
        if (((next - home) & pending->mask) < ((next - at) & pending->mask))
            continue;
        pending->slots[at] = slot;
        at = next;
    }
    pending->slots[at].place = NO_PLACE;
}

bool pending_take(struct pending *pending, struct pending_row *ret)
{
    const uint32_t place = pending->first;
    if (place == NO_PLACE)
        return false;
    struct place *at = &pending->places[place];
    *ret = pending_row_at(at);
    if (ret->row.type != ROW_INPUT) {
        uint32_t slot = at->hash & pending->mask;
        while (pending->slots[slot].place != place)
            slot = (slot + 1) & pending->mask;
        clear_slot(pending, slot);
        pending->n_slots--;
    }
    unlink_place(pending, place);
    at->after = pending->free_places;
    pending->free_places = place;
    pending->count--;
    if (pending->count == 0 && pending->places_max > GREAT_LAG)
        give_back(pending);
    return true;
}

void pending_put_back(struct pending *pending, struct pending_row *row)
{
    if (row->row.type == ROW_INPUT) {
        add_place(pending, row, NO_PLACE);
        row->kept = NULL;
        return;
    }
    const uint32_t hash = hash_of(pending, &row->row);
    struct slot *slot = find(pending, &row->row, hash);
    if (slot->place == NO_PLACE) {
        add(pending, slot, hash, row, NO_PLACE);
        row->kept = NULL;
        return;
    }
    struct place *newer = &pending->places[slot->place];
    newer->first = row->first;
    newer->since_us = row->since_us;
    newer->fresh = row->fresh;
    unlink_place(pending, slot->place);
    link_behind(pending, slot->place, NO_PLACE);
    kept_release(&row->kept);
}

bool pending_first(const struct pending *pending, struct position *ret_first, int64_t *ret_since_us)
{
    if (pending->first == NO_PLACE)
        return false;
    *ret_first = pending->places[pending->first].first;
    *ret_since_us = pending->places[pending->first].since_us;
    return true;
}

uint32_t pending_count(const struct pending *pending)
{
    return pending->count;
}
