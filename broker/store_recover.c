/* SPDX-License-Identifier: Apache-2.0
 * store_recover.c - taking over, loading, and what to do after a connection was
 * lost: the part where an acknowledged lead could be lost, or decided twice.
 *
 * One rule carries it: first append our own takeover entry, then read the log up
 * to it, only then decide. Bytes of a closed socket may still arrive, and of a
 * former broker too; behind the takeover entry they cannot. A takeover appends
 * only if epoch and last entry are still those it read, so its chain hash holds;
 * if not, it reads again. */
#include "broker/store_private.h"

#include <assert.h>
#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

/* ---- takeover ------------------------------------------------------------------- */

static struct kept *takeover_entry(const struct store *store, const struct store_head *head, uint64_t epoch,
                                   const struct entry *last)
{
    struct kept *kept = kept_new((uint32_t) entry_size(sizeof store->nonce));
    struct entry_hash previous = {0};
    if (!head->empty)
        entry_hash((struct slice){head->last.at, (uint32_t) head->last.len}, &previous);
    const struct entry entry = {
        .at = {epoch, 0},
        .time_ms = last->time_ms,
        .policy_version = last->policy_version,
        .takeover = true,
        .body = {(const uint8_t *) &store->nonce, sizeof store->nonce}, /* so that two histories never hash alike */
    };
    entry_encode(&entry, &previous, kept->bytes, &kept->hash);
    kept->at = entry.at;
    return kept;
}

/* Is the end of the log one that we may build on? */
static enum store_status check_head(struct store *store, const struct store_head *head, struct position seen,
                                    struct entry *ret_last)
{
    struct entry_hash previous;
    *ret_last = (struct entry){0};
    if (!head->empty) {
        const char *wrong = entry_decode((struct slice){head->last.at, (uint32_t) head->last.len}, ret_last, &previous);
        if (wrong == NULL && position_compare(ret_last->at, head->last_at) != 0)
            wrong = "it is stored under another id";
        if (wrong != NULL)
            return store_fail(store, STORE_DAMAGED, "log entry %" PRIu64 "-%" PRIu64 ": %s", head->last_at.epoch,
                              head->last_at.beat, wrong);
    }
    if (store->epoch > 0 && head->nonce != store->nonce && head->epoch > store->epoch)
        return store_fail(store, STORE_FENCED, "another broker holds epoch %" PRIu64, head->epoch);
    if (store->epoch > 0 && (head->nonce != store->nonce || head->epoch < store->epoch))
        return store_fail(store, STORE_ROLLED_BACK, "the cell is at epoch %" PRIu64 " again; it was ours at %" PRIu64,
                          head->epoch, store->epoch);
    if (position_compare(ret_last->at, seen) < 0)
        return store_fail(store, STORE_ROLLED_BACK,
                          "the log ends at %" PRIu64 "-%" PRIu64 ", but %" PRIu64 "-%" PRIu64
                          " was acknowledged: what lies between is missing",
                          ret_last->at.epoch, ret_last->at.beat, seen.epoch, seen.beat);
    if (head->epoch != ret_last->at.epoch)
        return store_fail(store, STORE_DAMAGED, "the epoch is %" PRIu64 ", but the log ends at %" PRIu64 "-%" PRIu64,
                          head->epoch, ret_last->at.epoch, ret_last->at.beat);
    return STORE_OK;
}

static enum store_status take_over_once(struct store *store, struct position seen, int64_t deadline_us, bool *ret_moved)
{
    struct store_head head = {0};
    struct entry last;
    enum store_status status = store->ops->head(store, deadline_us, &head);
    if (status == STORE_OK)
        status = check_head(store, &head, seen, &last);
    if (status == STORE_OK) {
        const uint64_t epoch = head.epoch + 1;
        struct kept *kept = takeover_entry(store, &head, epoch, &last);
        status = store->ops->take(store, deadline_us, &head, epoch, kept, ret_moved);
        if (status == STORE_OK && !*ret_moved) {
            store->epoch = epoch;
            store->tail = (struct chain){kept->at, kept->hash};
        }
        kept_release(&kept);
    }
    buf_fini(&head.last);
    return status;
}

/* Append our takeover entry. Another broker may write until the very moment: read
 * and try again. */
static enum store_status take_over(struct store *store, struct position seen, int64_t deadline_us)
{
    bool moved = true;
    while (moved) {
        moved = false;
        enum store_status status = take_over_once(store, seen, deadline_us, &moved);
        if (status != STORE_OK)
            return status;
        if (moved && clock_mono_us() > deadline_us)
            return store_fail(store, STORE_AWAY, "another broker wrote all the time while this one took over");
    }
    return STORE_OK;
}

enum store_status store_create_cell(struct store *store)
{
    const int64_t deadline_us = clock_mono_us() + OPEN_PATIENCE_US;
    store->status = STORE_OK;
    enum store_status status = store->ops->connect(store, deadline_us);
    return status == STORE_OK ? store->ops->create(store, deadline_us) : status;
}

enum store_status store_open(struct store *store, struct position seen, uint64_t *ret_epoch)
{
    assert(!store->loaded);
    const int64_t deadline_us = clock_mono_us() + OPEN_PATIENCE_US;
    store->status = STORE_OK;
    store->epoch = 0;
    enum store_status status = store->ops->connect(store, deadline_us);
    if (status == STORE_OK)
        status = take_over(store, seen, deadline_us);
    if (status == STORE_OK)
        status = store->ops->arm(store, deadline_us);
    if (status == STORE_OK) {
        store->stood = store->tail;
        *ret_epoch = store->epoch;
    }
    return status;
}

/* ---- load ----------------------------------------------------------------------- */

struct walk {
    struct store *store;
    store_row_fn *each;
    void *arg;
    bool begun;    /* chain holds an entry */
    bool headless; /* the entry at the view's mark is not there any more */
    bool unlinked; /* or the one behind `chain`, which was the last */
    struct chain chain;
    struct view_mark mark;
    int64_t last_time_ms;
};

static bool glance_at(const struct row_ref *row, struct lead_glance *ret)
{
    return row->key.len == 16 && lead_glance(row->payload, ret);
}

/* A type that view_key() can name; row_next() has checked the rest. */
static bool is_viewed(const struct row_ref *row)
{
    return row->type >= ROW_INPUT && row->type <= ROW_TURN && row->type != ROW_SNAPSHOT;
}

static const char *rows_are_not_of(struct slice body, enum row_type type)
{
    struct row_ref row;
    uint32_t at = 0;
    int more;
    while ((more = row_next(body, &at, &row)) > 0)
        if (row.type != type)
            return type == ROW_INPUT ? "holds more than inputs" : "holds more than leads";
    return more < 0 || at == 0 ? "holds no rows" : NULL;
}

const char *view_value_is_wrong(struct slice key, struct slice value, struct slice *ret_rows)
{
    uint64_t check;
    uint32_t at = 0;
    struct row_ref row;
    char name[VIEW_KEY_MAX];
    if (value.len < sizeof check)
        return "is too short";
    const struct slice body = {value.at, value.len - (uint32_t) sizeof check};
    memcpy(&check, value.at + body.len, sizeof check);
    if (le64toh(check) != entry_check(body.at, body.len))
        return "does not match its check";
    *ret_rows = body;
    if (view_is_under(key, VIEW_INPUTS))
        return rows_are_not_of(body, ROW_INPUT);
    if (view_is_under(key, VIEW_FIRSTS))
        return rows_are_not_of(body, ROW_LEAD);
    if (row_next(body, &at, &row) != 1 || at != body.len || !is_viewed(&row))
        return "is not one row";
    const uint32_t len = view_key(&row, name);
    if (len != key.len || memcmp(name, key.at, len) != 0)
        return "holds the row of another key";
    return NULL;
}

static const char *walk_row(struct walk *walk, const struct row_ref *row)
{
    struct store *store = walk->store;
    struct lead_glance glance;
    if (row->type == ROW_LEAD && !glance_at(row, &glance))
        return "is no lead";
    if (row->type == ROW_LEAD && glance.waiting && store->epoch > 0)
        pools_set(store->pools, row->key.at, pools_number(store->pools, glance.pool_name));
    return walk->each(walk->arg, row, NULL) ? NULL : "was refused";
}

static enum store_status walk_value(void *arg, struct slice key, struct slice value)
{
    struct walk *walk = arg;
    struct store *store = walk->store;
    struct slice rows;
    struct row_ref row;
    uint32_t at = 0;
    const char *wrong = view_value_is_wrong(key, value, &rows);
    while (wrong == NULL && row_next(rows, &at, &row) > 0)
        wrong = walk_row(walk, &row);
    if (wrong != NULL)
        return store_fail(store, STORE_DAMAGED, "the view's %.*s %s", (int) key.len, (const char *) key.at, wrong);
    return STORE_OK;
}

static const char *rows_are_wrong(struct walk *walk, const struct entry *entry)
{
    uint32_t at = 0;
    struct row_ref row;
    struct lead_glance glance;
    int more;
    while ((more = row_next(entry->body, &at, &row)) > 0) {
        if (row.type != ROW_SNAPSHOT && !is_viewed(&row))
            return "it holds a row of a kind not known here";
        if (row.type == ROW_LEAD && !glance_at(&row, &glance))
            return "it holds a lead that is none";
        if (!walk->each(walk->arg, &row, entry))
            return "one of its rows was refused";
    }
    return more < 0 ? "its rows are damaged" : NULL;
}

/* Rows that the view lacks will have to be written there, by us. */
static void keep_rows(struct store *store, const struct entry *entry, struct slice bytes)
{
    struct kept *kept = kept_new(bytes.len);
    memcpy(kept->bytes, bytes.at, bytes.len);
    kept->at = entry->at;
    const bool sound = pending_feed(store->pending, kept, false, 0);
    assert(sound); /* rows_are_wrong() went through it */
    kept_release(&kept);
}

/* The next entry must be named by this one: same epoch and next beat, or a later
 * epoch's takeover; and name the hash of the one before. */
static const char *link_is_wrong(const struct walk *walk, const struct entry *entry, const struct entry_hash *previous)
{
    static const struct entry_hash none = {0};
    if (entry->takeover != (entry->at.beat == 0))
        return "a takeover must have beat 0, and nothing else";
    if (entry->at.beat > 0 && (entry->at.epoch != walk->chain.at.epoch || entry->at.beat != walk->chain.at.beat + 1))
        return "it does not follow the one before";
    if (entry->at.beat == 0 && entry->at.epoch != walk->chain.at.epoch + 1)
        return "an epoch was skipped";
    if (memcmp(previous, walk->begun ? &walk->chain.hash : &none, sizeof none) != 0)
        return "it names another entry as the one before";
    return NULL;
}

static enum store_status walk_entry(void *arg, struct position id, struct slice bytes)
{
    struct walk *walk = arg;
    struct store *store = walk->store;
    struct entry entry;
    struct entry_hash previous;
    const bool known = !walk->begun && walk->mark.at.epoch > 0; /* the entry at the view's mark: already in the view */
    const char *wrong = entry_decode(bytes, &entry, &previous);
    if (wrong == NULL && position_compare(id, entry.at) != 0)
        wrong = "it is stored under another id";
    walk->headless = wrong == NULL && known && position_compare(id, walk->mark.at) != 0;
    if (walk->headless)
        wrong = "the log begins behind the view's position";
    if (wrong == NULL && !known)
        walk->unlinked = (wrong = link_is_wrong(walk, &entry, &previous)) != NULL;
    if (wrong == NULL && !known && !entry.takeover)
        wrong = rows_are_wrong(walk, &entry);
    if (wrong != NULL)
        return store_fail(store, STORE_DAMAGED, "log entry %" PRIu64 "-%" PRIu64 ": %s", id.epoch, id.beat, wrong);
    walk->begun = true;
    walk->chain.at = entry.at;
    entry_hash(bytes, &walk->chain.hash);
    walk->last_time_ms = entry.time_ms;
    if (!known && !entry.takeover && store->epoch > 0)
        keep_rows(store, &entry, bytes);
    return STORE_OK;
}

/* A reader beside a living broker: view and log may have moved on since the mark was read. */
static enum store_status tell_trim_from_hole(struct store *store, struct position mark)
{
    struct position trimmed;
    if (store->ops->read_trimmed(store, &trimmed) != STORE_OK)
        return store->status;
    if (position_compare(trimmed, mark) > 0)
        return store_fail(store, STORE_AWAY, "the log was trimmed while it was read: read again");
    return store->status = STORE_DAMAGED;
}

enum store_status store_walk(struct store *store, struct position to, store_row_fn *each, void *arg)
{
    struct walk walk = {.store = store, .each = each, .arg = arg};
    enum store_status status = store->ops->read_mark(store, &walk.mark);
    if (status == STORE_OK)
        status = store->ops->read_view(store, walk_value, &walk);
    if (status == STORE_OK)
        status = store->ops->read_log(store, walk.mark.at, to, walk_entry, &walk);
    if ((walk.headless || walk.unlinked) && store->epoch == 0)
        return tell_trim_from_hole(store, walk.headless ? walk.mark.at : walk.chain.at);
    if (status != STORE_OK)
        return status;
    if (!walk.begun && walk.mark.at.epoch > 0)
        return store_fail(store, STORE_ROLLED_BACK, "the view stands at %" PRIu64 "-%" PRIu64 ", the log ends before",
                          walk.mark.at.epoch, walk.mark.at.beat);
    store->view = walk.mark;
    store->last_time_ms = walk.last_time_ms;
    if (store->epoch > 0 && (position_compare(walk.chain.at, store->stood.at) != 0 ||
                             memcmp(&walk.chain.hash, &store->stood.hash, sizeof walk.chain.hash) != 0))
        return store_fail(store, STORE_DAMAGED, "the log does not lead to our own takeover");
    return STORE_OK;
}

enum store_status store_load(struct store *store, store_row_fn *each, void *arg, int64_t *ret_last_time_ms)
{
    assert(store->epoch > 0 && !store->loaded);
    pending_clear(store->pending);
    pools_clear(store->pools);
    enum store_status status = store_walk(store, store->stood.at, each, arg);
    if (status != STORE_OK)
        return status;
    struct position trimmed;
    status = store->ops->read_trimmed(store, &trimmed);
    if (status != STORE_OK)
        return status;
    trim_begin(store, trimmed);
    store->loaded = true;
    store->behind_us = 0; /* at least our takeover is not in the view's mark yet */
    *ret_last_time_ms = store->last_time_ms;
    return STORE_OK;
}

/* ---- reopen --------------------------------------------------------------------- */

/* Everything up to and with the first beat in flight stands: its entry was found. */
static void found_first_beat(struct store *store)
{
    while (store->first->kept == NULL)
        store_stood(store);
    store_stood(store);
}

static enum store_status settle_entry(void *arg, struct position id, struct slice bytes)
{
    struct store *store = arg;
    struct entry entry;
    struct entry_hash previous, hash;
    entry_hash(bytes, &hash);
    if (position_compare(id, store->stood.at) <= 0) {
        if (position_compare(id, store->stood.at) == 0 && memcmp(&hash, &store->stood.hash, sizeof hash) == 0)
            return STORE_OK;
        return store_fail(store, STORE_ROLLED_BACK, "log entry %" PRIu64 "-%" PRIu64 " is not the one that stood there",
                          id.epoch, id.beat);
    }
    const char *wrong = entry_decode(bytes, &entry, &previous);
    if (wrong != NULL)
        return store_fail(store, STORE_DAMAGED, "log entry %" PRIu64 "-%" PRIu64 ": %s", id.epoch, id.beat, wrong);
    if (memcmp(&previous, &store->stood.hash, sizeof previous) != 0)
        return store_fail(store, STORE_ROLLED_BACK, "log entry %" PRIu64 "-%" PRIu64 " follows another history",
                          id.epoch, id.beat);
    if (entry.takeover) { /* ours: the epoch carried our nonce all the way */
        store->stood = (struct chain){id, hash};
        return STORE_OK;
    }
    const struct flight *beat = store->first;
    while (beat != NULL && beat->kept == NULL)
        beat = beat->next;
    if (beat == NULL || beat->kept->len != bytes.len || memcmp(beat->kept->bytes, bytes.at, bytes.len) != 0)
        return store_fail(store, STORE_FENCED, "log entry %" PRIu64 "-%" PRIu64 " is not ours", id.epoch, id.beat);
    found_first_beat(store);
    return STORE_OK;
}

/* Was the view's write that was out when the connection broke done? Since our
 * takeover it cannot be done any more. */
static enum store_status settle_view(struct store *store)
{
    struct view_mark mark;
    enum store_status status = store->ops->read_mark(store, &mark);
    if (status != STORE_OK)
        return status;
    if (store->write.out && mark.writes == store->write.mark.writes &&
        position_compare(mark.at, store->write.mark.at) == 0) {
        store_view_stood(store);
        return STORE_OK;
    }
    if (store->write.out)
        store_view_failed(store);
    if (mark.writes != store->view.writes || position_compare(mark.at, store->view.at) != 0)
        return store_fail(store, STORE_ROLLED_BACK, "the view is not where it was left, at %" PRIu64 "-%" PRIu64,
                          store->view.at.epoch, store->view.at.beat);
    return STORE_OK;
}

static enum store_status settle_log(struct store *store)
{
    const struct chain ours = store->tail;
    enum store_status status = store->ops->read_log(store, store->stood.at, ours.at, settle_entry, store);
    if (status == STORE_OK && memcmp(&store->stood, &ours, sizeof ours) != 0)
        status = store_fail(store, STORE_DAMAGED, "the log does not lead to our own takeover");
    return status;
}

enum store_status store_reopen(struct store *store, uint64_t *ret_epoch)
{
    assert(store->loaded);
    if (store->status == STORE_FENCED || store->status == STORE_ROLLED_BACK)
        return store->status;
    const int64_t deadline_us = clock_mono_us() + REOPEN_PATIENCE_US;
    store->read_patience_us = REOPEN_PATIENCE_US;
    store->trim.out = false; /* a step may be repeated */
    store->status = STORE_OK;
    enum store_status status = store->ops->connect(store, deadline_us);
    if (status == STORE_OK)
        status = take_over(store, store->stood.at, deadline_us);
    if (status == STORE_OK)
        status = settle_log(store);
    if (status == STORE_OK)
        status = settle_view(store);
    if (status == STORE_OK)
        status = store->ops->arm(store, deadline_us);
    if (status != STORE_OK)
        return status;
    for (struct flight *flight = store->first; flight != NULL; flight = flight->next)
        store_queue(store, flight);
    store->unsent = store->first;
    if (store->behind_us == NOT_BEHIND)
        store->behind_us = store->now_us;
    *ret_epoch = store->epoch;
    return STORE_OK;
}
