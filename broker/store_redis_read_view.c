/* SPDX-License-Identifier: Apache-2.0
 * store_redis_read_view.c - every row of a cell's view out of Redis, in pages.
 *
 * Rows are found by SCAN, never by rank in a sorted set: members that leave while
 * one pages by rank make it skip others. SCAN may name a key twice, which does no
 * harm, and misses none that is there all the time; one that comes meanwhile is
 * in the log behind the view's mark, which is read first.
 *
 * A lead is read from its own key, and from the value with its first row only
 * where there was no such key: one that comes meanwhile is in the log, too. */
#include "broker/store_redis_private.h"

#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How much is asked for at once. A broker that loads has the server for itself; a reader beside a broker
 * makes it wait, so it asks for what takes half a millisecond. */
struct portions {
    uint32_t scan_keys, rows, bytes; /* bytes: of inputs */
};
static const struct portions alone = {10000, 2000, 512 * 1024}, beside = {500, 250, 64 * 1024};

/* Rows of these kinds, in this order: what a lead refers to comes before it. */
enum { KIND_AGENT, KIND_IMPORT, KIND_SUPPRESSED, KIND_INPUTS, KIND_LEAD, KIND_FIRSTS, N_KINDS };
static const char *const kinds[N_KINDS] = {"agent:", "import:", "suppressed:", VIEW_INPUTS, "lead:", VIEW_FIRSTS};

struct names {       /* keys of one kind, without the cell's prefix */
    struct buf text; /* one after the other */
    struct buf lens; /* of uint16_t */
};

struct view_reading {
    struct redis_store *redis;
    store_value_fn *each;
    void *arg;
    const struct portions *portions;
    struct names names[N_KINDS];
    struct names asked;           /* the leads whose inputs were read last */
    uint64_t n_values, n_bytes;   /* of inputs, so far */
    struct buf met;               /* struct id each: leads that were asked for and had a key */
    uint64_t met_sum, listed_sum; /* of the hashes of their names, and of the leads' names that SCAN found */
};

static void add_name(struct names *names, const void *name, size_t len)
{
    const uint16_t short_len = (uint16_t) len;
    buf_add(&names->text, name, len);
    buf_add(&names->lens, &short_len, sizeof short_len);
}

static void drop_names(struct names *names)
{
    buf_fini(&names->text);
    buf_fini(&names->lens);
}

static void sort_in(struct view_reading *reading, const char *name, size_t len)
{
    for (int i = 0; i < N_KINDS; i++) {
        if (!view_is_under(slice_of(name, len), kinds[i]))
            continue;
        add_name(&reading->names[i], name, len);
        if (i == KIND_LEAD)
            reading->listed_sum += entry_check(name, len);
        return;
    }
}

static enum store_status scan(struct view_reading *reading)
{
    struct redis_store *redis = reading->redis;
    char pattern[KEY_MAX + 1], cursor[24] = "0";
    const size_t prefix_len = strlen(redis->keys.prefix);
    snprintf(pattern, sizeof pattern, "%s*", redis->keys.prefix);
    do {
        char count[16];
        snprintf(count, sizeof count, "%u", reading->portions->scan_keys);
        redis_link_command(redis->log, 6);
        redis_link_text(redis->log, "SCAN");
        redis_link_text(redis->log, cursor);
        redis_link_text(redis->log, "MATCH");
        redis_link_text(redis->log, pattern);
        redis_link_text(redis->log, "COUNT");
        redis_link_text(redis->log, count);
        redisReply *reply = redis_answer(redis, redis_patience_us(redis), REDIS_REPLY_ARRAY, REDIS_REPLY_ARRAY);
        if (reply == NULL)
            return redis->base.status;
        snprintf(cursor, sizeof cursor, "%s", reply->element[0]->str);
        const redisReply *keys = reply->element[1];
        for (size_t i = 0; i < keys->elements; i++)
            if (keys->element[i]->len > prefix_len && keys->element[i]->len < UINT16_MAX)
                sort_in(reading, keys->element[i]->str + prefix_len, keys->element[i]->len - prefix_len);
        freeReplyObject(reply);
    } while (strcmp(cursor, "0") != 0);
    return STORE_OK;
}

struct page { /* of names: one MGET */
    const uint8_t *text;
    const uint16_t *lens;
    uint32_t n;
    size_t bytes;
};

/* The page behind `before`, or the first; n is 0 behind the last one. */
static struct page next_page(const struct names *names, const struct page *before, uint32_t rows)
{
    const size_t n_names = names->lens.len / sizeof(uint16_t);
    struct page page = {names->text.at, (const uint16_t *) (const void *) names->lens.at, 0, 0};
    if (n_names == 0)
        return page;
    if (before != NULL)
        page = (struct page){before->text + before->bytes, before->lens + before->n, 0, 0};
    const size_t done = (size_t) (page.lens - (const uint16_t *) (const void *) names->lens.at);
    page.n = n_names - done < rows ? (uint32_t) (n_names - done) : rows;
    for (uint32_t i = 0; i < page.n; i++)
        page.bytes += page.lens[i];
    return page;
}

static void send_page(struct redis_store *redis, const struct page *page)
{
    const size_t prefix_len = strlen(redis->keys.prefix);
    const uint8_t *at = page->text;
    if (page->n == 0)
        return;
    redis_link_command(redis->log, 1 + page->n);
    redis_link_text(redis->log, "MGET");
    for (uint32_t i = 0; i < page->n; at += page->lens[i++])
        redis_link_arg2(redis->log, redis->keys.prefix, prefix_len, at, page->lens[i]);
    redis_link_move(redis->log); /* a lost connection is seen by who waits for the answer */
}

static enum store_status take_row(struct view_reading *reading, struct slice name, const redisReply *value)
{
    if (value->type != REDIS_REPLY_STRING)
        return store_fail(&reading->redis->base, STORE_DAMAGED, "the view's %.*s is no row", (int) name.len,
                          (const char *) name.at);
    return reading->each(reading->arg, name, (struct slice){(const uint8_t *) value->str, (uint32_t) value->len});
}

typedef enum store_status take_fn(struct view_reading *reading, struct slice name, const redisReply *value);

static enum store_status take_page(struct view_reading *reading, const struct page *page, take_fn *take)
{
    redisReply *reply =
        redis_answer(reading->redis, redis_patience_us(reading->redis), REDIS_REPLY_ARRAY, REDIS_REPLY_ARRAY);
    if (reply == NULL)
        return reading->redis->base.status;
    enum store_status status = STORE_OK;
    const uint8_t *at = page->text;
    if (reply->elements != (size_t) page->n)
        status = store_fail(&reading->redis->base, STORE_DAMAGED, "Redis answered for another number of rows");
    for (uint32_t i = 0; i < page->n && status == STORE_OK; at += page->lens[i++])
        status = take(reading, (struct slice){at, page->lens[i]}, reply->element[i]);
    freeReplyObject(reply);
    return status;
}

/* While we take one page in, the server gathers the next. */
static enum store_status read_names(struct view_reading *reading, const struct names *names, uint32_t a_page,
                                    take_fn *take)
{
    struct page page = next_page(names, NULL, a_page);
    enum store_status status = STORE_OK;
    send_page(reading->redis, &page);
    while (page.n > 0 && status == STORE_OK) {
        const struct page next = next_page(names, &page, a_page);
        send_page(reading->redis, &next);
        status = take_page(reading, &page, take);
        page = next;
    }
    return status;
}

/* ---- leads ---------------------------------------------------------------------- */

static enum store_status take_inputs(struct view_reading *reading, struct slice name, const redisReply *value)
{
    static const uint32_t check_len = sizeof(uint64_t);
    const enum store_status status = take_row(reading, name, value);
    char key[VIEW_KEY_MAX];
    struct row_ref row;
    uint32_t at = 0;
    if (status != STORE_OK || value->len < check_len)
        return status;
    const struct slice rows = slice_of(value->str, value->len - check_len);
    while (row_next(rows, &at, &row) > 0) {
        row.type = ROW_LEAD; /* of the same key */
        add_name(&reading->asked, key, view_key(&row, key));
    }
    reading->n_values++;
    reading->n_bytes += value->len;
    return STORE_OK;
}

/* Whose key is this? False: nobody's, so it is damage. */
static bool lead_of(struct slice name, struct id *ret_lead)
{
    const size_t prefix_len = strlen(kinds[KIND_LEAD]);
    char hex[33] = "", again[33];
    if (name.len != prefix_len + 32)
        return false;
    memcpy(hex, name.at + prefix_len, 32);
    if (!id_from_hex(hex, ret_lead))
        return false;
    id_to_hex(*ret_lead, again);
    return memcmp(hex, again, 32) == 0; /* not in capitals */
}

/* An input may be in the view already where its lead is still to come. */
static enum store_status take_lead(struct view_reading *reading, struct slice name, const redisReply *value)
{
    if (value->type == REDIS_REPLY_NIL)
        return STORE_OK;
    struct id lead;
    reading->met_sum += entry_check(name.at, name.len);
    if (lead_of(name, &lead))
        buf_add(&reading->met, &lead, sizeof lead);
    return take_row(reading, name, value);
}

/* How many keys of inputs make a portion: there may be hundreds in one, or one. */
static uint32_t inputs_a_page(const struct view_reading *reading)
{
    const struct portions *portions = reading->portions;
    const uint64_t n = reading->n_bytes > 0 ? portions->bytes * reading->n_values / reading->n_bytes : 1;
    return n < 1 ? 1 : n > portions->rows ? portions->rows : (uint32_t) n;
}

/* Names of leads that were asked for, in one page. */
struct asking {
    struct names names;
    struct page page;
};

static void ask_leads(struct view_reading *reading, struct asking *asking)
{
    asking->names = reading->asked;
    reading->asked = (struct names){0};
    asking->page = next_page(&asking->names, NULL, UINT32_MAX);
    send_page(reading->redis, &asking->page);
}

/* Each page of inputs, and then their leads: a core of a million finds what it has just made. One page further on is
 * always asked for, so that the server gathers leads while we take inputs in. */
static enum store_status read_inputs(struct view_reading *reading)
{
    const struct names *names = &reading->names[KIND_INPUTS];
    struct page page = next_page(names, NULL, inputs_a_page(reading));
    struct page next = next_page(names, &page, inputs_a_page(reading));
    struct asking asked = {0}, before = {0};
    enum store_status status = STORE_OK;
    send_page(reading->redis, &page);
    send_page(reading->redis, &next);
    while ((page.n > 0 || before.page.n > 0) && status == STORE_OK) {
        const struct page after = next_page(names, &next, inputs_a_page(reading));
        if (page.n > 0)
            status = take_page(reading, &page, take_inputs);
        if (status == STORE_OK) {
            ask_leads(reading, &asked);
            send_page(reading->redis, &after);
        }
        if (status == STORE_OK && before.page.n > 0)
            status = take_page(reading, &before.page, take_lead);
        drop_names(&before.names);
        before = asked;
        asked = (struct asking){0};
        page = next;
        next = after;
    }
    drop_names(&before.names);
    return status;
}

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct id));
}

/* Has it a key of its own? Once all are met, and sorted. */
static bool is_met(const struct view_reading *reading, struct id lead)
{
    const size_t n = reading->met.len / sizeof lead;
    return n > 0 && bsearch(&lead, reading->met.at, n, sizeof lead, by_id) != NULL;
}

/* Leads that SCAN found and no input led to. */
static enum store_status read_left_out(struct view_reading *reading)
{
    const struct names *listed = &reading->names[KIND_LEAD];
    const size_t n_listed = listed->lens.len / sizeof(uint16_t);
    const uint16_t *lens = (const uint16_t *) (const void *) listed->lens.at;
    const uint8_t *name = listed->text.at;
    struct names left_out = {0};
    for (size_t i = 0; i < n_listed; name += lens[i++]) {
        struct id lead;
        if (!lead_of(slice_of(name, lens[i]), &lead) || !is_met(reading, lead))
            add_name(&left_out, name, lens[i]);
    }
    const enum store_status status = read_names(reading, &left_out, reading->portions->rows, take_row);
    drop_names(&left_out);
    return status;
}

/* Those of the rows that are still what their leads are. */
static void choose_firsts(const struct view_reading *reading, struct slice rows, struct buf *ret_rows)
{
    struct row_ref row;
    uint32_t at = 0;
    while (row_next(rows, &at, &row) > 0)
        if (row.type != ROW_LEAD || row.key.len != 16 || !is_met(reading, id_from_bytes(row.key.at)))
            buf_add(ret_rows, row.whole.at, row.whole.len);
    if (at < rows.len) /* damage, for the checks of who reads */
        buf_add(ret_rows, rows.at + at, rows.len - at);
}

/* With rows left out it needs a check of its own; a value that fails the one it has goes as it is. */
static enum store_status take_firsts(struct view_reading *reading, struct slice name, const redisReply *value)
{
    uint64_t check;
    struct buf left = {0};
    if (value->type != REDIS_REPLY_STRING || value->len <= sizeof check)
        return take_row(reading, name, value);
    const struct slice rows = slice_of(value->str, value->len - sizeof check);
    memcpy(&check, rows.at + rows.len, sizeof check);
    if (le64toh(check) != entry_check(rows.at, rows.len))
        return take_row(reading, name, value);
    choose_firsts(reading, rows, &left);
    if (left.len == 0)
        return STORE_OK;
    check = htole64(entry_check(left.at, left.len));
    buf_add(&left, &check, sizeof check);
    const enum store_status status = reading->each(reading->arg, name, slice_of(left.at, left.len));
    buf_fini(&left);
    return status;
}

/* A lead without its input is damage, which the core sees if it is told of the lead. The sums say that there may be
 * some, or that a lead's input lies there twice. */
static enum store_status read_leads(struct view_reading *reading)
{
    enum store_status status = read_inputs(reading);
    if (reading->met.len > 0)
        qsort(reading->met.at, reading->met.len / sizeof(struct id), sizeof(struct id), by_id);
    if (status == STORE_OK)
        status = read_names(reading, &reading->names[KIND_FIRSTS], reading->portions->bytes / TOGETHER_BYTES_MAX,
                            take_firsts);
    if (status == STORE_OK && reading->met_sum != reading->listed_sum)
        status = read_left_out(reading);
    return status;
}

/* All of a hash of rows, whose names begin with `prefix`: a field a programme or a policy, so few. */
static enum store_status read_hash(struct redis_store *redis, const char *hash, const char *prefix,
                                   store_value_fn *each, void *arg)
{
    char key[VIEW_KEY_MAX];
    redis_link_command(redis->log, 2);
    redis_link_text(redis->log, "HGETALL");
    redis_link_text(redis->log, hash);
    redisReply *reply = redis_answer(redis, redis_patience_us(redis), REDIS_REPLY_ARRAY, REDIS_REPLY_ARRAY);
    if (reply == NULL)
        return redis->base.status;
    enum store_status status = STORE_OK;
    for (size_t i = 0; i + 1 < reply->elements && status == STORE_OK; i += 2) {
        const redisReply *name = reply->element[i], *value = reply->element[i + 1];
        const int len = snprintf(key, sizeof key, "%s%.*s", prefix, (int) name->len, name->str);
        status = each(arg, slice_of(key, (size_t) len < sizeof key ? (size_t) len : sizeof key - 1),
                      (struct slice){(const uint8_t *) value->str, (uint32_t) value->len});
    }
    freeReplyObject(reply);
    return status;
}

enum store_status redis_read_view(struct store *store, store_value_fn *each, void *arg)
{
    struct view_reading reading = {.redis = (struct redis_store *) store,
                                   .each = each,
                                   .arg = arg,
                                   .portions = store->epoch > 0 ? &alone : &beside};
    enum store_status status =
        read_hash(reading.redis, reading.redis->keys.policy, "policy:", each, arg); /* the others name its teams */
    if (status == STORE_OK)
        status = read_hash(reading.redis, reading.redis->keys.counters, "", each, arg);
    if (status == STORE_OK)
        status = scan(&reading);
    for (int i = 0; i < KIND_INPUTS && status == STORE_OK; i++)
        status = read_names(&reading, &reading.names[i], reading.portions->rows, take_row);
    if (status == STORE_OK)
        status = read_leads(&reading);
    for (int i = 0; i < N_KINDS; i++)
        drop_names(&reading.names[i]);
    drop_names(&reading.asked);
    buf_fini(&reading.met);
    return status;
}
