/* SPDX-License-Identifier: Apache-2.0
 * store_memory.c - a log and its view in memory, with faults on demand: for tests,
 * simulation and measurement.
 *
 * The world is what would be the server: it outlives the stores on it. It keeps
 * the same bytes as Redis does, entries with their chain and rows with their
 * check, so that recovery runs through the same code on the same input. Nothing
 * is ever pending in a pump: what was queued is done, or lost, at once. */
#include "broker/store_private.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

enum { TRIM_STEP = 2 }; /* entries: few, so that a trim has a middle to crash in */

struct world_row {
    UT_hash_handle hh;
    uint32_t key_len, value_len;
    uint8_t bytes[]; /* key, then value */
};

struct memory_world {
    enum memory_fault fault;
    enum memory_fault armed; /* becomes the fault at an armed_step to come */
    enum memory_step armed_step;
    uint32_t armed_after; /* steps of this kind that go well before */
    bool has_cell;
    uint64_t epoch, nonce;
    struct kept **log;
    uint32_t n_log, log_max;
    struct world_row *rows;
    struct view_mark mark;
    struct position trimmed, archive;
    bool has_archive;
};

struct memory_store {
    struct store base;
    struct memory_world *world;
};

static struct memory_world *world_of(const struct store *store)
{
    return ((const struct memory_store *) store)->world;
}

/* ---- the world ------------------------------------------------------------------ */

struct memory_world *memory_world_new(void)
{
    struct memory_world *world = calloc(1, sizeof *world);
    if (world == NULL)
        abort();
    return world;
}

static void forget_rows(struct memory_world *world)
{
    struct world_row *row, *next;
    HASH_ITER(hh, world->rows, row, next)
    {
        HASH_DEL(world->rows, row);
        free(row);
    }
}

void memory_world_destroy(struct memory_world **world_p)
{
    struct memory_world *world = *world_p;
    *world_p = NULL;
    if (world == NULL)
        return;
    forget_rows(world);
    while (world->n_log > 0)
        kept_release(&world->log[--world->n_log]);
    free(world->log);
    free(world);
}

void memory_world_fault(struct memory_world *world, enum memory_fault fault)
{
    world->fault = fault;
    world->armed = FAULT_NONE;
}

void memory_world_fault_at(struct memory_world *world, enum memory_step step, uint32_t after, enum memory_fault fault)
{
    world->armed = fault;
    world->armed_after = after;
    world->armed_step = step;
}

void memory_world_archive(struct memory_world *world, struct position at)
{
    world->has_archive = true;
    world->archive = at;
}

static void add_entry(struct memory_world *world, const struct kept *kept)
{
    if (world->n_log == world->log_max) {
        world->log_max = world->log_max > 0 ? 2 * world->log_max : 64;
        world->log = reallocarray(world->log, world->log_max, sizeof *world->log);
        if (world->log == NULL)
            abort();
    }
    struct kept *copy = kept_new(kept->len); /* the store may write to its own again */
    copy->at = kept->at;
    copy->hash = kept->hash;
    memcpy(copy->bytes, kept->bytes, kept->len);
    world->log[world->n_log++] = copy;
}

static void put_row(struct memory_world *world, const struct pending_row *pending)
{
    const struct row_ref *ref = &pending->row;
    char key[VIEW_KEY_MAX];
    const uint32_t key_len = view_place_key(pending, key);
    const uint64_t check = htole64(entry_check(ref->whole.at, ref->whole.len));
    struct world_row *row;
    HASH_FIND(hh, world->rows, key, key_len, row);
    if (row != NULL) {
        HASH_DEL(world->rows, row);
        free(row);
    }
    if (row_is_gone(ref))
        return;
    row = calloc(1, sizeof *row + key_len + ref->whole.len + sizeof check);
    if (row == NULL)
        abort();
    row->key_len = key_len;
    row->value_len = ref->whole.len + (uint32_t) sizeof check;
    memcpy(row->bytes, key, key_len);
    memcpy(row->bytes + key_len, ref->whole.at, ref->whole.len);
    memcpy(row->bytes + key_len + ref->whole.len, &check, sizeof check);
    HASH_ADD_KEYPTR(hh, world->rows, row->bytes, row->key_len, row);
}

static struct position end_of(const struct memory_world *world)
{
    return world->n_log > 0 ? world->log[world->n_log - 1]->at : (struct position){0};
}

static uint64_t nonce_of(const struct kept *takeover)
{
    uint64_t nonce;
    memcpy(&nonce, kept_body(takeover).at, sizeof nonce);
    return nonce;
}

/* As a backup from before those entries would look: its view matches its log. */
void memory_world_lose_tail(struct memory_world *world, uint32_t entries)
{
    assert(entries <= world->n_log && world->trimmed.epoch == 0); /* its rows come from the whole log */
    while (entries-- > 0)
        kept_release(&world->log[--world->n_log]);
    forget_rows(world);
    world->mark = (struct view_mark){end_of(world), world->mark.writes + 1};
    world->epoch = end_of(world).epoch;
    for (uint32_t i = 0; i < world->n_log; i++) {
        struct kept *kept = world->log[i];
        uint32_t at = 0;
        struct row_ref row;
        if (kept->at.beat == 0)
            world->nonce = nonce_of(kept);
        while (kept->at.beat > 0 && row_next(kept_body(kept), &at, &row) > 0)
            if (row.type != ROW_SNAPSHOT)
                put_row(world, &(struct pending_row){.kept = kept, .row = row});
    }
}

/* ---- faults --------------------------------------------------------------------- */

static enum store_status fail_away(struct store *store)
{
    return store_fail(store, STORE_AWAY, "the store is away");
}

static enum store_status check_reachable(struct store *store)
{
    return world_of(store)->fault == FAULT_AWAY ? fail_away(store) : STORE_OK;
}

/* What becomes of a write. *ret_done: the world must do it, whatever the store is told. */
static enum store_status meet_fault(struct store *store, enum memory_step step, bool *ret_done)
{
    struct memory_world *world = world_of(store);
    if (world->armed != FAULT_NONE && world->armed_step == step && world->armed_after-- == 0)
        memory_world_fault(world, world->armed);
    *ret_done = world->fault == FAULT_NONE || world->fault == FAULT_REPLY_LOST;
    switch (world->fault) {
    case FAULT_NONE:
        return STORE_OK;
    case FAULT_REFUSING:
        return store_fail(store, STORE_REFUSING, "the store takes no writes now");
    case FAULT_AWAY:
    case FAULT_REPLY_LOST:
    case FAULT_WRITE_LOST:
        break;
    }
    world->fault = FAULT_AWAY;
    return fail_away(store);
}

/* ---- operations ----------------------------------------------------------------- */

static enum store_status memory_create(struct store *store, int64_t deadline_us)
{
    (void) deadline_us;
    struct memory_world *world = world_of(store);
    bool done;
    const enum store_status status = meet_fault(store, MEMORY_TAKEOVER, &done);
    if (done && !world->has_cell) {
        world->has_cell = true;
        world->nonce = store->nonce;
    }
    return status;
}

static enum store_status memory_connect(struct store *store, int64_t deadline_us)
{
    (void) deadline_us;
    return check_reachable(store);
}

static enum store_status memory_head(struct store *store, int64_t deadline_us, struct store_head *ret)
{
    (void) deadline_us;
    const struct memory_world *world = world_of(store);
    if (check_reachable(store) != STORE_OK)
        return store->status;
    if (!world->has_cell)
        return store_fail(store, STORE_NO_CELL, "there is no such cell");
    ret->epoch = world->epoch;
    ret->nonce = world->nonce;
    ret->empty = world->n_log == 0;
    ret->last_at = end_of(world);
    if (!ret->empty)
        buf_add(&ret->last, world->log[world->n_log - 1]->bytes, world->log[world->n_log - 1]->len);
    return STORE_OK;
}

static enum store_status memory_take(struct store *store, int64_t deadline_us, const struct store_head *head,
                                     uint64_t epoch, const struct kept *kept, bool *ret_moved)
{
    (void) deadline_us;
    (void) head; /* nobody writes between head and take here */
    (void) ret_moved;
    struct memory_world *world = world_of(store);
    bool done;
    const enum store_status status = meet_fault(store, MEMORY_TAKEOVER, &done);
    if (done) {
        add_entry(world, kept);
        world->epoch = epoch;
        world->nonce = store->nonce;
    }
    return status;
}

static enum store_status memory_arm(struct store *store, int64_t deadline_us)
{
    (void) deadline_us;
    return check_reachable(store);
}

static bool is_ours(const struct store *store)
{
    return world_of(store)->epoch == store->epoch && world_of(store)->nonce == store->nonce;
}

static enum store_status memory_read_mark(struct store *store, struct view_mark *ret)
{
    *ret = world_of(store)->mark;
    return check_reachable(store);
}

static enum store_status memory_read_trimmed(struct store *store, struct position *ret)
{
    *ret = world_of(store)->trimmed;
    return check_reachable(store);
}

static enum store_status memory_read_view(struct store *store, store_value_fn *each, void *arg)
{
    enum store_status status = check_reachable(store);
    struct world_row *row, *next;
    for (int policies = 1; policies >= 0; policies--) /* first: the others name their teams */
        HASH_ITER(hh, world_of(store)->rows, row, next)
        {
            const bool is_policy = row->key_len > 7 && memcmp(row->bytes, "policy:", 7) == 0;
            if (status == STORE_OK && is_policy == policies)
                status = each(arg, (struct slice){row->bytes, row->key_len},
                              (struct slice){row->bytes + row->key_len, row->value_len});
        }
    return status;
}

static enum store_status memory_read_log(struct store *store, struct position from, struct position to,
                                         store_entry_fn *each, void *arg)
{
    const struct memory_world *world = world_of(store);
    enum store_status status = check_reachable(store);
    for (uint32_t i = 0; i < world->n_log && status == STORE_OK; i++) {
        const struct kept *kept = world->log[i];
        if (position_compare(kept->at, from) >= 0 && position_compare(kept->at, to) <= 0)
            status = each(arg, kept->at, (struct slice){kept->bytes, kept->len});
    }
    return status;
}

static void memory_pump(struct store *store)
{
    struct memory_world *world = world_of(store);
    store_archived(store, world->has_archive, world->archive);
    store->log_entries = world->n_log;
    while (store->first != NULL) {
        const struct flight *flight = store->first;
        bool done;
        const enum store_status status = meet_fault(store, flight->kept != NULL ? MEMORY_APPEND : MEMORY_RENEW, &done);
        if (done && !is_ours(store)) {
            store_fail(store, STORE_FENCED, "another broker took over");
            return;
        }
        if (done && flight->kept != NULL) {
            assert(flight->kept->at.beat == end_of(world).beat + 1);
            add_entry(world, flight->kept);
        }
        if (status != STORE_OK)
            return;
        store_stood(store);
    }
}

static bool memory_view_ready(const struct store *store)
{
    return world_of(store)->fault != FAULT_REFUSING;
}

static void memory_view_send(struct store *store)
{
    struct memory_world *world = world_of(store);
    bool done;
    const enum store_status status = meet_fault(store, MEMORY_FLUSH, &done);
    if (done && !is_ours(store)) {
        store_fail(store, STORE_FENCED, "another broker took over");
        return;
    }
    if (done) {
        for (uint32_t i = 0; i < store->write.n; i++)
            put_row(world, &store->write.rows[i]);
        world->mark = store->write.mark;
    }
    if (status == STORE_OK)
        store_view_stood(store);
}

static bool memory_trim_ready(const struct store *store)
{
    return world_of(store)->fault != FAULT_REFUSING;
}

static void memory_trim(struct store *store, struct position below)
{
    struct memory_world *world = world_of(store);
    uint32_t n = 0;
    bool done;
    const enum store_status status = meet_fault(store, MEMORY_TRIM, &done);
    if (done && !is_ours(store)) {
        store_fail(store, STORE_FENCED, "another broker took over");
        return;
    }
    if (done) {
        assert(!world->has_archive || position_compare(below, world->archive) <= 0);
        while (n < TRIM_STEP && n < world->n_log && position_compare(world->log[n]->at, below) < 0)
            kept_release(&world->log[n++]);
        world->n_log -= n;
        memmove(world->log, world->log + n, world->n_log * sizeof *world->log);
        world->trimmed = below;
    }
    if (status == STORE_OK)
        store_trimmed(store, n == TRIM_STEP);
}

static int memory_wait_fds(struct store *store, struct wait_fd *fds)
{
    (void) store;
    (void) fds;
    return 0;
}

static int64_t memory_next_us(const struct store *store)
{
    (void) store;
    return INT64_MAX;
}

static void memory_close(struct store *store)
{
    store_fini(store);
    free(store);
}

static const struct store_ops memory_ops = {
    .create = memory_create,
    .connect = memory_connect,
    .head = memory_head,
    .take = memory_take,
    .arm = memory_arm,
    .read_mark = memory_read_mark,
    .read_trimmed = memory_read_trimmed,
    .read_view = memory_read_view,
    .read_log = memory_read_log,
    .pump = memory_pump,
    .view_ready = memory_view_ready,
    .view_send = memory_view_send,
    .trim_ready = memory_trim_ready,
    .trim = memory_trim,
    .wait_fds = memory_wait_fds,
    .next_us = memory_next_us,
    .close = memory_close,
};

struct store *store_memory_new(struct memory_world *world)
{
    struct memory_store *memory = calloc(1, sizeof *memory);
    if (memory == NULL)
        abort();
    store_init(&memory->base, &memory_ops);
    memory->world = world;
    return &memory->base;
}
