/* SPDX-License-Identifier: Apache-2.0
 * fsck.c - the three looks.
 *
 * Read in this order: marks, view, log, sets. A row of the view may then be any
 * after-image from the newest at or before the view's position on; and the sets
 * are compared with the rows just read, candidates with the rows of their own
 * instant. */
#include "cli/fsck.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(text) abort()
#include <uthash.h>

#include "broker/recover_row.h"
#include "broker/store_inspect.h"
#include "broker/entry.h"
#include "broker/store_private.h"

enum { KEY_ROOM = 96, LATER_STEP = 8, READS_MAX = 3 };

struct known { /* a key of the view, as the view and the log tell it */
    UT_hash_handle hh;
    uint32_t key_len;
    bool in_view, damaged, has_base;
    bool base_gone, later_gone, is_gone; /* its row left the view, then, since then, or at last */
    bool in_pool;                        /* of a lead */
    uint32_t n_later;
    uint64_t view_hash, base_hash;
    uint64_t *later; /* few rows are newer than the view's position */
    struct id lead;  /* none: this is no lead */
    uint32_t newest_state;
    bool newest_terminal;
    struct lead_glance *glance; /* of the view's row */
    char key[];
};

struct fsck {
    struct fsck_result *result;
    struct inspect *inspect;
    struct known *known;
    struct inspect_marks marks;
    bool core_sound, with_digest;
};

static const struct {
    const char *name, *text;
} kinds[FSCK_KINDS] = {
#define FINDING(name, text) {#name, text},
    FSCK_FINDINGS(FINDING)
#undef FINDING
};

const char *fsck_kind_name(enum fsck_kind kind)
{
    return kinds[kind].name;
}
const char *fsck_kind_text(enum fsck_kind kind)
{
    return kinds[kind].text;
}

uint64_t fsck_count(const struct fsck_result *result)
{
    return result->findings.len / sizeof(struct fsck_finding);
}

const struct fsck_finding *fsck_finding_at(const struct fsck_result *result, uint64_t i)
{
    return (const struct fsck_finding *) (const void *) result->findings.at + i;
}

__attribute__((format(printf, 4, 5))) static void add(struct fsck *fsck, enum fsck_kind kind, const char *id,
                                                      const char *format, ...)
{
    struct fsck_finding finding = {.kind = kind};
    snprintf(finding.id, sizeof finding.id, "%.79s", id);
    va_list args;
    va_start(args, format);
    vsnprintf(finding.detail, sizeof finding.detail, format, args);
    va_end(args);
    buf_add(&fsck->result->findings, &finding, sizeof finding);
}

static struct known *know(struct fsck *fsck, struct slice key)
{
    struct known *known;
    HASH_FIND(hh, fsck->known, key.at, key.len, known);
    if (known)
        return known;
    known = calloc(1, sizeof *known + key.len + 1);
    if (!known)
        abort();
    memcpy(known->key, key.at, key.len);
    known->key_len = key.len;
    HASH_ADD_KEYPTR(hh, fsck->known, known->key, known->key_len, known);
    return known;
}

static bool note_lead(struct known *known, const struct row_ref *row, struct lead_glance *ret)
{
    if (row->type != ROW_LEAD || row->key.len != 16 || !lead_glance(row->payload, ret))
        return false;
    known->lead = id_from_bytes(row->key.at);
    known->newest_state = ret->state;
    known->newest_terminal = ret->terminal;
    return true;
}

/* ---- rows and entries -------------------------------------------------------------- */

static void take_value(void *arg, struct slice key, const struct row_ref *row, const char *wrong)
{
    struct fsck *fsck = arg;
    struct known *known = know(fsck, key);
    fsck->result->rows += !known->in_view; /* SCAN may name a key twice */
    if (wrong && !known->damaged)
        add(fsck, FSCK_ROW_DAMAGED, known->key, "%s", wrong);
    known->in_view = true;
    known->damaged = wrong != NULL;
    if (wrong)
        return;
    known->view_hash = entry_check(row->whole.at, row->whole.len);
    struct lead_glance glance;
    if (!note_lead(known, row, &glance))
        return;
    if (!known->glance && !(known->glance = malloc(sizeof glance)))
        abort();
    *known->glance = glance;
}

static void add_later(struct known *known, uint64_t hash)
{
    if (known->n_later % LATER_STEP == 0) {
        known->later = realloc(known->later, (known->n_later + LATER_STEP) * sizeof *known->later);
        if (!known->later)
            abort();
    }
    known->later[known->n_later++] = hash;
}

static void take_row(struct fsck *fsck, const struct row_ref *row, struct position at)
{
    char key[VIEW_KEY_MAX];
    struct lead_glance glance;
    if (row->type == ROW_SNAPSHOT)
        return;
    const uint32_t len = view_key(row, key);
    struct known *known = know(fsck, (struct slice){(const uint8_t *) key, len});
    const uint64_t hash = entry_check(row->whole.at, row->whole.len);
    if (position_compare(at, fsck->marks.view) <= 0) {
        known->has_base = true;
        known->base_hash = hash;
        known->base_gone = row_is_gone(row);
    } else {
        add_later(known, hash);
        known->later_gone |= row_is_gone(row);
    }
    known->is_gone = row_is_gone(row);
    note_lead(known, row, &glance);
}

static void take_entry(void *arg, struct position id, const struct entry *entry, const char *wrong)
{
    struct fsck *fsck = arg;
    char name[48];
    snprintf(name, sizeof name, "%" PRIu64 "-%" PRIu64, id.epoch, id.beat);
    if (fsck->result->entries++ == 0)
        fsck->result->first = id;
    fsck->result->last = id;
    if (wrong)
        add(fsck, entry ? FSCK_LOG_BROKEN : FSCK_ENTRY_DAMAGED, name, "%s", wrong);
    if (!entry || entry->takeover)
        return;
    uint32_t at = 0;
    struct row_ref row;
    int more;
    while ((more = row_next(entry->body, &at, &row)) > 0)
        take_row(fsck, &row, id);
    if (more < 0)
        add(fsck, FSCK_ENTRY_DAMAGED, name, "its rows are damaged");
}

static bool may_be(const struct known *known)
{
    if (!known->has_base && known->n_later == 0)
        return true; /* the log does not reach back to it */
    bool found = known->has_base && known->base_hash == known->view_hash;
    for (uint32_t i = 0; i < known->n_later; i++)
        found |= known->later[i] == known->view_hash;
    return found;
}

static void compare_view(struct fsck *fsck)
{
    struct fsck_result *result = fsck->result;
    for (const struct known *known = fsck->known; known; known = known->hh.next) {
        if (known->has_base && !known->base_gone && !known->in_view && !known->later_gone)
            add(fsck, FSCK_ROW_MISSING, known->key, "the log changed it at or before %" PRIu64 "-%" PRIu64,
                fsck->marks.view.epoch, fsck->marks.view.beat);
        else if (known->in_view && !known->damaged && !may_be(known))
            add(fsck, FSCK_ROW_DIFFERS, known->key, "not one of the %u rows it could be",
                known->has_base + known->n_later);
        if (!id_is_none(known->lead)) {
            const struct fsck_state state = {known->lead, known->newest_state};
            buf_add(&result->states, &state, sizeof state);
            result->leads++;
            result->open_leads += !known->newest_terminal;
        }
        result->agents += strncmp(known->key, "agent:", 6) == 0 && !known->is_gone;
    }
    if (position_compare(fsck->marks.view, result->last) > 0)
        add(fsck, FSCK_POSITION_AHEAD, "view",
            "it stands at %" PRIu64 "-%" PRIu64 ", the log ends at %" PRIu64 "-%" PRIu64, fsck->marks.view.epoch,
            fsck->marks.view.beat, result->last.epoch, result->last.beat);
    if (position_compare(fsck->marks.last, result->last) > 0)
        add(fsck, FSCK_LAST_DIFFERS, "log",
            "the last entry written was %" PRIu64 "-%" PRIu64 ", it ends at %" PRIu64 "-%" PRIu64,
            fsck->marks.last.epoch, fsck->marks.last.beat, result->last.epoch, result->last.beat);
}

/* ---- sorted sets -------------------------------------------------------------------- */

/* Should a lead with this row be in this set, and with which score? */
static bool belongs(const struct lead_glance *glance, const char *set, double *ret_score)
{
    *ret_score = glance->rank;
    return glance->waiting && strcmp(set + strlen("pool:"), glance->pool_name) == 0;
}

/* Look once more, at row and set of one instant. */
static void look_again(struct fsck *fsck, struct id lead, const char *set)
{
    struct inspect_place place;
    double score = 0;
    char hex[33];
    id_to_hex(lead, hex);
    if (inspect_place(fsck->inspect, lead, set, &place) != STORE_OK)
        return;
    const bool should = place.has_row && belongs(&place.glance, set, &score);
    if (should && !place.has_score)
        add(fsck, FSCK_POOL_MISSING, hex, "%s", set);
    else if (!should && place.has_score)
        add(fsck, FSCK_POOL_EXTRA, hex, "%s%s", set, place.has_row ? "" : ": it has no row of its own");
    else if (should && place.score != score)
        add(fsck, FSCK_POOL_SCORE, hex, "%s has %.17g, the lead %.17g", set, place.score, score);
}

static void take_member(void *arg, const char *set, struct slice member, double score)
{
    struct fsck *fsck = arg;
    struct id lead;
    fsck->result->members++;
    if (!inspect_member_lead(member, &lead)) {
        add(fsck, FSCK_POOL_EXTRA, set, "a member that is no lead's id");
        return;
    }
    char key[KEY_ROOM];
    struct known *known;
    double wanted;
    const int len = snprintf(key, sizeof key, "lead:%.*s", (int) member.len, (const char *) member.at);
    HASH_FIND(hh, fsck->known, key, (unsigned) len, known);
    if (known)
        known->in_pool = true;
    if (known && known->damaged)
        return; /* nothing to compare with; told already */
    if (!known || !known->glance || !belongs(known->glance, set, &wanted) || wanted != score)
        look_again(fsck, lead, set);
}

static void compare_sets(struct fsck *fsck)
{
    char set[sizeof(struct lead_glance) + 8];
    for (const struct known *known = fsck->known; known; known = known->hh.next) {
        if (!known->glance || known->damaged)
            continue;
        if (known->glance->waiting && !known->in_pool) {
            snprintf(set, sizeof set, "pool:%s", known->glance->pool_name);
            look_again(fsck, known->lead, set);
        }
    }
}

/* ---- recovery ---------------------------------------------------------------------- */

static bool apply_row(void *arg, const struct row_ref *row, const struct entry *entry)
{
    struct fsck *fsck = arg;
    if (fsck->core_sound)
        fsck->core_sound = recover_row(fsck->result->core, row, entry);
    if (fsck->result->digest)
        digest_row(fsck->result->digest, row);
    return fsck->core_sound;
}

static void check_invariants(struct fsck *fsck)
{
    struct buf lines = {0};
    core_epoch(fsck->result->core, fsck->result->last.epoch + 1, 0, false);
    core_check(fsck->result->core, &lines);
    buf_add(&lines, "", 1);
    for (char *rest = (char *) lines.at, *line; (line = strsep(&rest, "\n")) && *line;)
        add(fsck, FSCK_INVARIANT, "core", "%.159s", line);
    buf_fini(&lines);
}

static enum store_status recover(struct fsck *fsck, const char *redis, const struct policy *policy)
{
    struct fsck_result *result = fsck->result;
    struct store_redis_options options = {.address = redis, .cell = policy->cell, .allow_unsafe = true};
    struct buf why = {0};
    enum store_status status = STORE_AWAY;
    for (int tries = 0; tries < READS_MAX && status == STORE_AWAY; tries++) { /* the log may be trimmed meanwhile */
        core_destroy(&result->core);
        digest_destroy(&result->digest);
        result->digest = fsck->with_digest ? digest_new() : NULL;
        result->core = core_new(policy);
        fsck->core_sound = true;
        why.len = 0;
        status = store_redis_read(&options, apply_row, fsck, &why);
    }
    buf_add(&why, "", 1);
    if (status == STORE_AWAY || status == STORE_REFUSING || status == STORE_NO_CELL)
        goto out;
    if (status != STORE_OK)
        add(fsck, FSCK_NOT_RECOVERABLE, "store", "%.159s", (const char *) why.at);
    else if (!core_loaded(result->core))
        add(fsck, FSCK_NOT_RECOVERABLE, "core", "the records do not fit together, or not to this policy");
    else
        result->recovered = true;
    status = STORE_OK;
    if (result->recovered)
        check_invariants(fsck);
out:
    buf_fini(&why);
    return status;
}

/* A log begins with the first takeover, or at what it was trimmed to at the latest. */
static void check_head(struct fsck *fsck, struct position trimmed)
{
    const struct position first = fsck->result->first, allowed = trimmed.epoch > 0 ? trimmed : (struct position){1, 0};
    if (fsck->result->entries > 0 && position_compare(first, allowed) > 0)
        add(fsck, FSCK_LOG_HEAD_MISSING, "log",
            "it begins at %" PRIu64 "-%" PRIu64 ", it may begin at %" PRIu64 "-%" PRIu64 " at the latest", first.epoch,
            first.beat, allowed.epoch, allowed.beat);
}

/* ---- all of it ----------------------------------------------------------------------- */

static void forget(struct fsck *fsck)
{
    struct known *known, *next;
    HASH_ITER(hh, fsck->known, known, next)
    {
        HASH_DEL(fsck->known, known);
        free(known->glance);
        free(known->later);
        free(known);
    }
}

/* Rows and log from one position on; again if that was trimmed away meanwhile: a row may come from what is gone. */
static enum store_status look_at_keys(struct fsck *fsck)
{
    enum store_status status = STORE_AWAY;
    for (int tries = 0; tries < READS_MAX && status == STORE_AWAY; tries++) {
        forget(fsck);
        fsck_fini(fsck->result);
        *fsck->result = (struct fsck_result){0};
        status = inspect_marks(fsck->inspect, &fsck->marks);
        fsck->result->view = fsck->marks.view;
        if (status == STORE_OK)
            status = inspect_view(fsck->inspect, take_value, fsck);
        if (status == STORE_OK)
            status = inspect_log(fsck->inspect, take_entry, fsck);
    }
    return status;
}

static enum store_status look(struct fsck *fsck, const char *redis, const struct policy *policy)
{
    struct inspect_marks after;
    enum store_status status = look_at_keys(fsck);
    if (status == STORE_OK)
        compare_view(fsck);
    if (status == STORE_OK)
        status = inspect_sets(fsck->inspect, take_member, fsck);
    if (status == STORE_OK)
        compare_sets(fsck);
    if (status == STORE_OK)
        status = recover(fsck, redis, policy);
    if (status == STORE_OK)
        status = inspect_marks(fsck->inspect, &after);
    if (status != STORE_OK)
        return status;
    check_head(fsck, after.trimmed);
    fsck->result->moved =
        position_compare(after.last, fsck->marks.last) != 0 || position_compare(after.view, fsck->marks.view) != 0;
    return status;
}

enum store_status fsck_run(const char *redis, const struct policy *policy, bool with_digest, struct fsck_result *ret,
                           struct buf *why)
{
    struct fsck fsck = {.result = ret, .with_digest = with_digest};
    *ret = (struct fsck_result){0};
    enum store_status status = inspect_open(redis, policy->cell, &fsck.inspect, why);
    if (status != STORE_OK)
        return status;
    status = look(&fsck, redis, policy);
    if (status != STORE_OK)
        buf_printf(why, "%s", inspect_why(fsck.inspect));
    forget(&fsck);
    inspect_close(&fsck.inspect);
    return status;
}

void fsck_fini(struct fsck_result *result)
{
    core_destroy(&result->core);
    digest_destroy(&result->digest);
    buf_fini(&result->findings);
    buf_fini(&result->states);
}
