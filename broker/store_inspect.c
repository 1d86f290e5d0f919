/* SPDX-License-Identifier: Apache-2.0
 * store_inspect.c - a cell's keys as they lie, over the Redis store's own
 * connection and paging, with checks of its own. */
#include "broker/store_inspect.h"

#include <endian.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "broker/store_redis_private.h"
#include "common/clock.h"

enum { SET_PAGE = 1000, SET_NAME_MAX = 2 * NAME_BYTES_MAX + 32 };

struct inspect {
    struct store *store;
    struct redis_store *redis; /* the same, as what it is */
};

enum store_status inspect_open(const char *address, const char *cell, struct inspect **ret_inspect, struct buf *why)
{
    struct store_redis_options options = {.address = address, .cell = cell, .allow_unsafe = true};
    struct store *store = store_redis_new(&options);
    enum store_status status = store->ops->connect(store, clock_mono_us() + LOAD_PATIENCE_US);
    if (status != STORE_OK) {
        buf_printf(why, "%s", store_why(store));
        store_close(&store);
        return status;
    }
    struct inspect *inspect = malloc(sizeof *inspect);
    if (inspect == NULL)
        abort();
    *inspect = (struct inspect){store, (struct redis_store *) store};
    *ret_inspect = inspect;
    return STORE_OK;
}

void inspect_close(struct inspect **inspect_p)
{
    if (*inspect_p == NULL)
        return;
    store_close(&(*inspect_p)->store);
    free(*inspect_p);
    *inspect_p = NULL;
}

const char *inspect_why(const struct inspect *inspect)
{
    return store_why(inspect->store);
}

static redisReply *answer(struct inspect *inspect, int type)
{
    return redis_answer(inspect->redis, redis_patience_us(inspect->redis), type, REDIS_REPLY_NIL);
}

enum store_status inspect_marks(struct inspect *inspect, struct inspect_marks *ret)
{
    struct view_mark mark;
    enum store_status status = redis_read_mark(inspect->store, &mark);
    if (status != STORE_OK)
        return status;
    *ret = (struct inspect_marks){.view = mark.at, .has_view = mark.writes > 0};
    status = redis_read_last(inspect->store, &ret->last);
    return status == STORE_OK ? redis_read_trimmed(inspect->store, &ret->trimmed) : status;
}

/* ---- the view's rows -------------------------------------------------------------- */

struct looking {
    struct store *store;
    inspect_value_fn *each;
    inspect_entry_fn *each_entry;
    void *arg;
    bool begun;
    struct chain chain;
};

/* A row under its own name, or any number of inputs, or of leads' first rows. */
static const char *rows_wrong(struct slice key, struct slice body)
{
    const bool inputs = view_is_under(key, VIEW_INPUTS), firsts = view_is_under(key, VIEW_FIRSTS);
    struct row_ref row;
    uint32_t at = 0, n = 0;
    char name[VIEW_KEY_MAX];
    int more;
    while ((more = row_next(body, &at, &row)) > 0) {
        if (row.type == ROW_SNAPSHOT || (row.type == ROW_INPUT) != inputs || (firsts && row.type != ROW_LEAD))
            return "it is a row of another kind";
        if (!inputs && !firsts && (view_key(&row, name) != key.len || memcmp(name, key.at, key.len) != 0))
            return "it is the row of another key";
        n++;
    }
    return more < 0 || n == 0 || (n != 1 && !inputs && !firsts) ? "it is not one row" : NULL;
}

static void tell_rows(const struct looking *looking, struct slice body)
{
    struct row_ref row;
    uint32_t at = 0;
    char name[VIEW_KEY_MAX];
    while (row_next(body, &at, &row) > 0) {
        const uint32_t len = view_key(&row, name);
        looking->each(looking->arg, slice_of(name, len), &row, NULL);
    }
}

static enum store_status look_at_value(void *arg, struct slice key, struct slice value)
{
    struct looking *looking = arg;
    const char *wrong = NULL;
    uint64_t check = 0;
    const struct slice body = {value.at, value.len < sizeof check ? 0 : value.len - (uint32_t) sizeof check};
    if (value.len >= sizeof check)
        memcpy(&check, value.at + body.len, sizeof check);
    if (body.len == 0 || le64toh(check) != entry_check(body.at, body.len))
        wrong = "its check does not match";
    else
        wrong = rows_wrong(key, body);
    if (wrong != NULL)
        looking->each(looking->arg, key, NULL, wrong);
    else
        tell_rows(looking, body);
    return STORE_OK;
}

enum store_status inspect_view(struct inspect *inspect, inspect_value_fn *each, void *arg)
{
    struct looking looking = {.each = each, .arg = arg};
    return redis_read_view(inspect->store, look_at_value, &looking);
}

/* ---- the log ---------------------------------------------------------------------- */

static const char *link_wrong(const struct looking *looking, const struct entry *entry,
                              const struct entry_hash *previous)
{
    const struct position before = looking->chain.at;
    if (!looking->begun)
        return NULL; /* whether it may be the first is up to the marks */
    if (entry->takeover ? entry->at.beat != 0 || entry->at.epoch != before.epoch + 1
                        : entry->at.epoch != before.epoch || entry->at.beat != before.beat + 1)
        return "the entry before it is missing";
    if (memcmp(previous, &looking->chain.hash, sizeof *previous) != 0)
        return "it names another entry as the one before";
    return NULL;
}

/* Beside a broker the log may be trimmed between two pages: then what is missing is no damage. */
static enum store_status look_at_trim(const struct looking *looking)
{
    struct position trimmed;
    const enum store_status status = redis_read_trimmed(looking->store, &trimmed);
    if (status == STORE_OK && position_compare(trimmed, looking->chain.at) > 0)
        return store_fail(looking->store, STORE_AWAY, "the log was trimmed while it was read: read again");
    return status;
}

static enum store_status look_at_entry(void *arg, struct position id, struct slice bytes)
{
    struct looking *looking = arg;
    struct entry entry;
    struct entry_hash previous;
    const char *wrong = entry_decode(bytes, &entry, &previous);
    const bool whole = wrong == NULL;
    enum store_status status = STORE_OK;
    if (whole && position_compare(entry.at, id) != 0)
        wrong = "it is stored under another id";
    else if (whole && (wrong = link_wrong(looking, &entry, &previous)) != NULL)
        status = look_at_trim(looking);
    if (status != STORE_OK)
        return status;
    looking->each_entry(looking->arg, id, whole ? &entry : NULL, wrong);
    looking->begun = true;
    looking->chain.at = id;
    entry_hash(bytes, &looking->chain.hash);
    return STORE_OK;
}

enum store_status inspect_log(struct inspect *inspect, inspect_entry_fn *each, void *arg)
{
    struct looking looking = {.store = inspect->store, .each_entry = each, .arg = arg};
    return redis_read_log(inspect->store, (struct position){0, 0}, (struct position){INT64_MAX, INT64_MAX},
                          look_at_entry, &looking);
}

/* ---- the sorted sets -------------------------------------------------------------- */

bool inspect_member_lead(struct slice member, struct id *ret_lead)
{
    char hex[33];
    if (member.len != 32)
        return false;
    memcpy(hex, member.at, 32);
    hex[32] = '\0';
    return id_from_hex(hex, ret_lead);
}

/* Calls for each pair of [cursor, [a, b, a, b, ...]] and moves the cursor on; false when Redis failed. */
static bool scan_page(struct inspect *inspect, uint32_t n, const char *const words[], char cursor[24],
                      void (*each)(void *arg, const redisReply *a, const redisReply *b), size_t step, void *arg)
{
    redis_ask(inspect->redis, n, words);
    redisReply *reply = answer(inspect, REDIS_REPLY_ARRAY);
    if (reply == NULL)
        return false;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) {
        snprintf(cursor, 24, "%s", reply->element[0]->str);
        const redisReply *found = reply->element[1];
        for (size_t i = 0; i + step <= found->elements; i += step)
            each(arg, found->element[i], found->element[i + step - 1]);
    }
    freeReplyObject(reply);
    return true;
}

struct set_reading {
    const char *set;
    inspect_member_fn *each;
    void *arg;
};

static void take_member(void *arg, const redisReply *member, const redisReply *score)
{
    const struct set_reading *reading = arg;
    reading->each(reading->arg, reading->set, slice_of(member->str, member->len), strtod(score->str, NULL));
}

static enum store_status read_set(struct inspect *inspect, const char *set, inspect_member_fn *each, void *arg)
{
    char key[KEY_MAX + SET_NAME_MAX], cursor[24] = "0", count[16];
    struct set_reading reading = {set, each, arg};
    snprintf(key, sizeof key, "%s%s", inspect->redis->keys.prefix, set);
    snprintf(count, sizeof count, "%d", SET_PAGE);
    do {
        const char *const words[] = {"ZSCAN", key, cursor, "COUNT", count};
        if (!scan_page(inspect, 5, words, cursor, take_member, 2, &reading))
            return inspect->store->status;
    } while (strcmp(cursor, "0") != 0);
    return STORE_OK;
}

struct pool_names {
    struct buf text; /* each with its NUL */
    size_t prefix_len;
};

static void take_name(void *arg, const redisReply *key, const redisReply *same)
{
    (void) same;
    struct pool_names *names = arg;
    if (key->len - names->prefix_len < SET_NAME_MAX)
        buf_add(&names->text, key->str + names->prefix_len, key->len - names->prefix_len + 1);
}

enum store_status inspect_sets(struct inspect *inspect, inspect_member_fn *each, void *arg)
{
    char pattern[KEY_MAX + 8], cursor[24] = "0", count[16];
    struct pool_names names = {.prefix_len = strlen(inspect->redis->keys.prefix)};
    snprintf(pattern, sizeof pattern, "%spool:*", inspect->redis->keys.prefix);
    snprintf(count, sizeof count, "%d", SET_PAGE);
    enum store_status status = STORE_OK;
    do {
        const char *const words[] = {"SCAN", cursor, "MATCH", pattern, "COUNT", count};
        if (status == STORE_OK && !scan_page(inspect, 6, words, cursor, take_name, 1, &names))
            status = inspect->store->status;
    } while (status == STORE_OK && strcmp(cursor, "0") != 0);
    for (size_t at = 0; at < names.text.len && status == STORE_OK;) {
        const char *name = (const char *) names.text.at + at;
        status = read_set(inspect, name, each, arg);
        at += strlen(name) + 1;
    }
    buf_fini(&names.text);
    return status;
}

/* ---- one lead, at one instant ------------------------------------------------------ */

static void take_place(const redisReply *exec, struct inspect_place *ret)
{
    const redisReply *value = exec->element[0], *score = exec->element[1];
    struct row_ref row;
    uint32_t at = 0;
    *ret = (struct inspect_place){.has_score = score->type == REDIS_REPLY_STRING};
    if (ret->has_score)
        ret->score = strtod(score->str, NULL);
    if (value->type != REDIS_REPLY_STRING || value->len <= sizeof(uint64_t))
        return;
    const struct slice body = slice_of(value->str, value->len - sizeof(uint64_t));
    ret->has_row = row_next(body, &at, &row) == 1 && row.type == ROW_LEAD && lead_glance(row.payload, &ret->glance);
}

enum store_status inspect_place(struct inspect *inspect, struct id lead, const char *set, struct inspect_place *ret)
{
    char hex[33], row_key[KEY_MAX + 48], set_key[KEY_MAX + SET_NAME_MAX];
    id_to_hex(lead, hex);
    snprintf(row_key, sizeof row_key, "%slead:%s", inspect->redis->keys.prefix, hex);
    snprintf(set_key, sizeof set_key, "%s%s", inspect->redis->keys.prefix, set);
    const char *const commands[4][3] = {{"MULTI"}, {"GET", row_key}, {"ZSCORE", set_key, hex}, {"EXEC"}};
    static const uint32_t lens[4] = {1, 2, 3, 1};
    for (int i = 0; i < 4; i++)
        redis_ask(inspect->redis, lens[i], commands[i]);
    for (int i = 0; i < 4; i++) {
        redisReply *reply = answer(inspect, i < 3 ? REDIS_REPLY_STATUS : REDIS_REPLY_ARRAY);
        if (reply == NULL)
            return inspect->store->status;
        if (i == 3 && reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
            take_place(reply, ret);
        freeReplyObject(reply);
    }
    return STORE_OK;
}
