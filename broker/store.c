/* SPDX-License-Identifier: Apache-2.0
 * store.c - the contract of store.h, above any back end: tickets, beats in
 * flight, and when the view moves. Opening, loading and reopening are in
 * store_recover.c.
 *
 * An entry is encoded once, around the rows where they were sealed, and that
 * memory serves as what is sent, as the beat to repeat after a lost reply, and as
 * the rows of the view until they are written. */
#include "broker/store_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

void store_init(struct store *store, const struct store_ops *ops)
{
    *store = (struct store){
        .ops = ops, .behind_us = NOT_BEHIND, .first_pump_us = NOT_BEHIND, .read_patience_us = LOAD_PATIENCE_US};
    clock_random(&store->nonce, sizeof store->nonce);
    store->pending = pending_new(store->nonce);
    store->pools = pools_new();
    store_retain(store, LOG_KEEP_BYTES, LOG_KEEP_US);
}

void store_fini(struct store *store)
{
    while (store->first != NULL) {
        struct flight *flight = store->first;
        store->first = flight->next;
        kept_release(&flight->kept);
        free(flight);
    }
    for (uint32_t i = 0; store->write.out && i < store->write.n; i++)
        kept_release(&store->write.rows[i].kept);
    pending_destroy(&store->pending);
    pools_destroy(&store->pools);
}

enum store_status store_fail(struct store *store, enum store_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(store->why, sizeof store->why, format, args);
    va_end(args);
    return store->status = status;
}

/* ---- beats ---------------------------------------------------------------------- */

/* Make the entry the next of the chain, in kept's memory. */
static void encode_next(struct store *store, struct kept *kept, struct entry *entry)
{
    entry->at = (struct position){store->tail.at.epoch, store->tail.at.beat + 1};
    entry_encode(entry, &store->tail.hash, kept->bytes, &kept->hash);
    kept->at = entry->at;
    store->tail = (struct chain){kept->at, kept->hash};
}

void store_queue(struct store *store, struct flight *flight)
{
    flight->sent_us = 0;
    if (flight->kept != NULL) {
        struct kept *kept = flight->kept;
        struct entry entry;
        struct entry_hash previous;
        const char *wrong = entry_decode((struct slice){kept->bytes, kept->len}, &entry, &previous);
        assert(wrong == NULL);
        encode_next(store, kept, &entry);
    }
}

static struct flight *add_flight(struct store *store, struct kept *kept)
{
    struct flight *flight = malloc(sizeof *flight);
    if (flight == NULL)
        abort();
    *flight = (struct flight){.ticket = ++store->tickets, .kept = kept};
    *(store->first == NULL ? &store->first : &store->last->next) = flight;
    store->last = flight;
    if (store->unsent == NULL)
        store->unsent = flight;
    store->n_in_flight++;
    store->bytes_in_flight += kept != NULL ? kept->len : 0;
    return flight;
}

enum { BODY_AT = offsetof(struct kept, bytes) + ENTRY_HEAD_BYTES };

void store_body(const struct store *store, struct buf *body)
{
    body->len = 0;
    if (body->at == NULL) /* about as much as last time: it is not copied while it grows */
        buf_more(body, BODY_AT + store->body_room);
    body->len = 0;
    buf_more(body, BODY_AT);
}

uint64_t store_append(struct store *store, int64_t time_ms, uint32_t policy_version, struct buf *body)
{
    assert(store->loaded); /* or the view's position could pass what only the log has */
    const uint32_t len = (uint32_t) (body->len - BODY_AT);
    store->body_room = len + len / 4;
    buf_more(body, ENTRY_CHECK_BYTES);
    struct kept *kept = kept_of(body);
    struct entry entry = {
        .time_ms = time_ms, .policy_version = policy_version, .body = slice_of(kept->bytes + ENTRY_HEAD_BYTES, len)};
    const struct flight *flight = add_flight(store, kept);
    encode_next(store, kept, &entry);
    return flight->ticket;
}

uint64_t store_renew(struct store *store)
{
    assert(store->loaded);
    return add_flight(store, NULL)->ticket;
}

static void take_flight(struct store *store)
{
    struct flight *flight = store->first;
    store->first = flight->next;
    if (store->first == NULL)
        store->last = NULL;
    if (store->unsent == flight)
        store->unsent = store->first;
    store->n_in_flight--;
    store->bytes_in_flight -= flight->kept != NULL ? flight->kept->len : 0;
    kept_release(&flight->kept);
    free(flight);
}

void store_stood(struct store *store)
{
    const struct flight *flight = store->first;
    assert(flight != NULL && flight->ticket == store->stands + 1);
    store->stands = flight->ticket;
    if (flight->kept == NULL) {
        store->renewals++;
    } else {
        struct kept *kept = flight->kept;
        store->stood = (struct chain){kept->at, kept->hash};
        trim_note(store, kept->at, kept->len - kept->apart);
        const bool whole = pending_feed(store->pending, kept, true, store->now_us);
        assert(whole); /* the body is our own core's */
        if (store->behind_us == NOT_BEHIND)
            store->behind_us = store->now_us;
        store->appends++;
        store->append_us_sum += flight->sent_us > 0 ? (uint64_t) (store->now_us - flight->sent_us) : 0;
    }
    take_flight(store);
}

uint64_t store_stands(const struct store *store)
{
    return store->stands;
}

uint32_t store_in_flight(const struct store *store)
{
    return store->n_in_flight;
}

uint64_t store_in_flight_bytes(const struct store *store)
{
    return store->bytes_in_flight;
}

/* ---- the view ------------------------------------------------------------------- */

/* Since when there is something to write; NOT_BEHIND: there is nothing. What was
 * loaded waits since the first pump, the first time we know. */
static int64_t behind_since(const struct store *store)
{
    int64_t since_us = store->behind_us;
    struct position first;
    if (store->write.out && store->write.n > 0)
        since_us = store->write.rows[0].since_us;
    else
        pending_first(store->pending, &first, &since_us);
    return since_us != NOT_BEHIND && since_us < store->first_pump_us ? store->first_pump_us : since_us;
}

static bool view_can_move(const struct store *store)
{
    return behind_since(store) != NOT_BEHIND && store->loaded && !store->write.out && store->ops->view_ready(store);
}

static bool is_far_behind(const struct store *store)
{
    return pending_count(store->pending) > VIEW_LAG_ROWS;
}

/* When the oldest change has waited long enough: sooner in a bulk, for what is written beside its beats need not be
 * written behind them, by two processes in turns. */
static int64_t view_due_us(const struct store *store)
{
    return behind_since(store) + (is_far_behind(store) ? VIEW_LAG_PATIENCE_US : VIEW_PATIENCE_US);
}

static bool view_is_due(const struct store *store)
{
    return view_can_move(store) && (store->idle || store->now_us >= view_due_us(store));
}

uint32_t view_key(const struct row_ref *row, char to[VIEW_KEY_MAX])
{
    static const struct {
        const char *prefix;
        bool hex;
    } kinds[] = {
        [ROW_INPUT] = {"input:", true},           [ROW_LEAD] = {"lead:", true},
        [ROW_AGENT] = {"agent:", false},          [ROW_PROGRAMME] = {"programme:", false},
        [ROW_IMPORT] = {"import:", true},         [ROW_CELL] = {"", false},
        [ROW_POLICY] = {"policy:", false},        [ROW_METER] = {"limits:", false},
        [ROW_SUPPRESSED] = {"suppressed:", true}, [ROW_TURN] = {"turn:", false},
    };
    assert(row->type < sizeof kinds / sizeof *kinds && kinds[row->type].prefix != NULL && row->key.len <= 255);
    char *at = stpcpy(to, kinds[row->type].prefix);
    if (!kinds[row->type].hex) {
        memcpy(at, row->key.at, row->key.len);
        return (uint32_t) (at - to) + row->key.len;
    }
    for (uint32_t i = 0; i < row->key.len; i++) {
        *at++ = "0123456789abcdef"[row->key.at[i] >> 4];
        *at++ = "0123456789abcdef"[row->key.at[i] & 15];
    }
    return (uint32_t) (at - to);
}

static uint32_t place_key(const char *prefix, struct position at, uint32_t byte, char to[VIEW_KEY_MAX])
{
    return (uint32_t) snprintf(to, VIEW_KEY_MAX, "%s%" PRIu64 "-%" PRIu64 "-%" PRIu32, prefix, at.epoch, at.beat, byte);
}

static uint32_t byte_of(const struct pending_row *row)
{
    return (uint32_t) (row->row.whole.at - kept_body(row->kept).at);
}

uint32_t view_inputs_key(struct position at, uint32_t byte, char to[VIEW_KEY_MAX])
{
    return place_key(VIEW_INPUTS, at, byte, to);
}

uint32_t view_firsts_key(const struct pending_row *first, char to[VIEW_KEY_MAX])
{
    return place_key(VIEW_FIRSTS, first->kept->at, byte_of(first), to);
}

uint32_t view_place_key(const struct pending_row *row, char to[VIEW_KEY_MAX])
{
    if (row->row.type != ROW_INPUT)
        return view_key(&row->row, to);
    return view_inputs_key(row->kept->at, byte_of(row), to);
}

/* The place of a lead in the sorted sets before and after this write. */
static void place_lead(struct store *store, uint32_t i)
{
    struct view_write *write = &store->write;
    const struct row_ref *row = &write->rows[i].row;
    struct lead_glance glance;
    const bool sound = row->key.len == 16 && lead_glance(row->payload, &glance);
    assert(sound); /* our own core's, or checked while loading */
    write->pools_before[i] = pools_of(store->pools, row->key.at);
    write->pools_after[i] = glance.waiting ? pools_number(store->pools, glance.pool_name) : 0;
    write->ranks[i] = glance.rank;
}

static void write_view(struct store *store)
{
    struct view_write *write = &store->write;
    uint32_t most = pending_count(store->pending) / VIEW_PARTS;
    most = most < VIEW_ROWS ? VIEW_ROWS : most > VIEW_ROWS_MAX ? VIEW_ROWS_MAX : most;
    write->n = 0;
    for (uint32_t taken = 0; taken < most && pending_take(store->pending, &write->rows[write->n]);) {
        taken += 1 + write->rows[write->n].row.whole.len / VIEW_ROW_BYTES;
        write->pools_before[write->n] = write->pools_after[write->n] = 0;
        if (write->rows[write->n].row.type == ROW_LEAD)
            place_lead(store, write->n);
        write->n++;
    }
    /* Position: the entry before the oldest change that this write leaves out. Only
     * beats carry rows, so that entry is of the same epoch. */
    struct position left;
    int64_t since_us;
    write->mark.at = store->stood.at;
    if (pending_first(store->pending, &left, &since_us)) {
        assert(left.beat > 0);
        write->mark.at = (struct position){left.epoch, left.beat - 1};
    }
    write->mark.writes = store->view.writes + 1;
    write->out = true;
    store->ops->view_send(store);
}

void store_view_stood(struct store *store)
{
    struct view_write *write = &store->write;
    assert(write->out);
    for (uint32_t i = 0; i < write->n; i++) {
        if (write->pools_before[i] != write->pools_after[i])
            pools_set(store->pools, write->rows[i].row.key.at, write->pools_after[i]);
        kept_release(&write->rows[i].kept);
    }
    store->view = write->mark;
    write->out = false;
    if (position_compare(store->view.at, store->stood.at) == 0)
        store->behind_us = NOT_BEHIND;
    else
        store->behind_us = store->now_us;
}

void store_view_failed(struct store *store)
{
    struct view_write *write = &store->write;
    assert(write->out);
    for (uint32_t i = write->n; i > 0; i--) /* backwards: the oldest comes to the front last */
        pending_put_back(store->pending, &write->rows[i - 1]);
    write->out = false;
    if (store->behind_us == NOT_BEHIND)
        store->behind_us = store->now_us;
}

void store_idle(struct store *store, bool idle)
{
    store->idle = idle;
}

/* ---- the loop's side ------------------------------------------------------------ */

enum store_status store_pump(struct store *store, int64_t now_us)
{
    if (store->status != STORE_OK)
        return store->status;
    store->now_us = now_us;
    if (store->first_pump_us == NOT_BEHIND)
        store->first_pump_us = now_us;
    for (; store->unsent != NULL; store->unsent = store->unsent->next)
        store->unsent->sent_us = now_us;
    store->ops->pump(store);
    if (store->status == STORE_OK && store->first != NULL && now_us - store->first->sent_us > REPLY_PATIENCE_US)
        store_fail(store, STORE_AWAY, "no answer to a write for %d ms", REPLY_PATIENCE_US / 1000);
    while (store->status == STORE_OK && view_is_due(store))
        write_view(store);
    trim_move(store);
    return store->status;
}

int store_wait_fds(struct store *store, struct wait_fd *fds)
{
    return store->status == STORE_OK ? store->ops->wait_fds(store, fds) : 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t store_next_us(const struct store *store)
{
    if (store->status != STORE_OK)
        return INT64_MAX;
    if (store->unsent != NULL)
        return store->now_us;
    int64_t next_us = store->ops->next_us(store);
    if (store->first != NULL)
        next_us = earlier(next_us, store->first->sent_us + REPLY_PATIENCE_US + 1);
    if (view_can_move(store))
        next_us = earlier(next_us, store->idle ? store->now_us : view_due_us(store));
    return next_us;
}

void store_levels(const struct store *store, struct store_levels *ret)
{
    const int64_t since_us = behind_since(store);
    *ret = (struct store_levels){
        .last = store->stood.at,
        .view = store->view.at,
        .view_rows_behind = pending_count(store->pending) + (store->write.out ? store->write.n : 0),
        .view_lag_ms = since_us != NOT_BEHIND ? (store->now_us - since_us) / 1000 : 0,
        .trimmed = store->trim.done,
        .archive = store->archive,
        .has_archive = store->has_archive,
        .archive_lag_ms = store->has_archive && position_compare(store->archive, store->stood.at) < 0
                              ? (store->now_us - store->goal_us) / 1000
                              : 0,
        .log_entries = store->log_entries,
        .log_bytes = store->log_bytes,
        .memory_used = store->memory_used,
        .memory_max = store->memory_max,
        .appends = store->appends,
        .renewals = store->renewals,
        .append_us_sum = store->append_us_sum,
    };
}

const char *store_why(const struct store *store)
{
    return store->why;
}

void store_close(struct store **store_p)
{
    struct store *store = *store_p;
    *store_p = NULL;
    if (store != NULL)
        store->ops->close(store);
}
