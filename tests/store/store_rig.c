/* SPDX-License-Identifier: Apache-2.0
 * store_rig.c - places, faults, rows and the model of the store tests. */
#include "tests/store/store_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <poll.h>
#include <cmocka.h>
#include <uthash.h>

#include "common/clock.h"
#include "common/net.h"

enum { PATIENCE_US = 10 * 1000 * 1000 };

/* ---- leads as these tests write them --------------------------------------------- */

bool __wrap_lead_glance(struct slice payload, struct lead_glance *ret);

bool __wrap_lead_glance(struct slice payload, struct lead_glance *ret)
{
    char text[128];
    long long number = 0; /* says nothing: it tells one row of a lead from the next */
    snprintf(text, sizeof text, "%.*s", (int) payload.len, (const char *) payload.at);
    *ret = (struct lead_glance){.terminal = text[0] == 'T', .waiting = text[0] == 'W'};
    if (ret->waiting && sscanf(text, "W %99s %lf %lld", ret->pool_name, &ret->rank, &number) != 3)
        return false;
    if (text[0] == 'H' && sscanf(text, "H %lld", &number) != 1)
        return false;
    return text[0] == 'W' || text[0] == 'H' || text[0] == 'T';
}

static uint8_t make_key(enum row_type type, uint32_t number, uint8_t key[16])
{
    if (type == ROW_AGENT || type == ROW_PROGRAMME || type == ROW_TURN)
        return (uint8_t) snprintf((char *) key, 16, "name-%u", number);
    if (type == ROW_CELL) {
        memcpy(key, "cell", 4);
        return 4;
    }
    if (type == ROW_METER)
        return (uint8_t) snprintf((char *) key, 16, "aname-%u", number);
    if (type == ROW_POLICY)
        return (uint8_t) snprintf((char *) key, 16, "%u", number);
    memset(key, 0xa5, 16);
    memcpy(key + 12, &number, sizeof number);
    return type == ROW_SNAPSHOT ? 8 : 16;
}

void row_put(struct buf *body, enum row_type type, uint32_t number, const char *payload)
{
    uint8_t key[16];
    char input[32];
    const uint8_t head = (uint8_t) type, key_len = make_key(type, number, key);
    if (type == ROW_INPUT) {
        snprintf(input, sizeof input, "input %u", number);
        payload = input;
    }
    const uint32_t payload_len = payload != NULL ? (uint32_t) strlen(payload) : 1; /* one byte: ROW_GONE */
    const uint32_t length = 1u + key_len + payload_len;
    buf_add(body, &head, 1);
    buf_add(body, &length, sizeof length);
    buf_add(body, &key_len, 1);
    buf_add(body, key, key_len);
    buf_add(body, payload != NULL ? payload : "", payload_len);
}

struct slice body_slice(const struct buf *body)
{
    return (struct slice){body->at, (uint32_t) body->len};
}

/* ---- the model ------------------------------------------------------------------- */

struct model_row {
    UT_hash_handle hh;
    uint32_t key_len, payload_len;
    uint8_t key[32];
    char payload[160];
};

struct model {
    struct model_row *rows;
};

struct model *model_new(void)
{
    return calloc(1, sizeof(struct model));
}

void model_destroy(struct model **model_p)
{
    struct model *model = *model_p;
    struct model_row *row, *next;
    *model_p = NULL;
    if (model == NULL)
        return;
    HASH_ITER(hh, model->rows, row, next)
    {
        HASH_DEL(model->rows, row);
        free(row);
    }
    free(model);
}

static void model_put(struct model *model, const struct row_ref *ref)
{
    uint8_t key[32];
    const uint32_t key_len = 1 + ref->key.len;
    struct model_row *row;
    assert_true(key_len <= sizeof key && ref->payload.len < sizeof row->payload);
    key[0] = (uint8_t) ref->type;
    memcpy(key + 1, ref->key.at, ref->key.len);
    HASH_FIND(hh, model->rows, key, key_len, row);
    if (row_is_gone(ref)) {
        if (row != NULL)
            HASH_DEL(model->rows, row);
        free(row);
        return;
    }
    if (row == NULL) {
        row = calloc(1, sizeof *row);
        memcpy(row->key, key, key_len);
        row->key_len = key_len;
        HASH_ADD_KEYPTR(hh, model->rows, row->key, key_len, row);
    }
    memset(row->payload, 0, sizeof row->payload);
    memcpy(row->payload, ref->payload.at, ref->payload.len);
    row->payload_len = ref->payload.len;
}

void model_apply(struct model *model, struct slice body)
{
    struct row_ref row;
    uint32_t at = 0;
    int more;
    while ((more = row_next(body, &at, &row)) > 0)
        if (row.type != ROW_SNAPSHOT)
            model_put(model, &row);
    assert_int_equal(more, 0);
}

bool model_equal(const struct model *a, const struct model *b)
{
    struct model_row *row, *next, *other;
    if (HASH_COUNT(a->rows) != HASH_COUNT(b->rows))
        return false;
    HASH_ITER(hh, a->rows, row, next)
    {
        HASH_FIND(hh, b->rows, row->key, row->key_len, other);
        if (other == NULL || other->payload_len != row->payload_len ||
            memcmp(other->payload, row->payload, row->payload_len) != 0)
            return false;
    }
    return true;
}

uint32_t model_count(const struct model *model)
{
    return HASH_COUNT(model->rows);
}

const char *model_get(const struct model *model, enum row_type type, uint32_t number)
{
    uint8_t key[17];
    struct model_row *row;
    key[0] = (uint8_t) type;
    const uint32_t key_len = 1u + make_key(type, number, key + 1);
    HASH_FIND(hh, model->rows, key, key_len, row);
    return row != NULL ? row->payload : NULL;
}

bool loaded_row(void *arg, const struct row_ref *row, const struct entry *entry)
{
    struct loaded *loaded = arg;
    if (entry == NULL) {
        loaded->view_rows++;
        assert_int_equal(loaded->log_rows, 0); /* the view comes first */
    } else {
        loaded->log_rows++;
        loaded->entries += entry->at.epoch != loaded->last_entry.epoch || entry->at.beat != loaded->last_entry.beat;
        loaded->last_entry = entry->at;
    }
    if (row->type != ROW_SNAPSHOT)
        model_put(loaded->model, row);
    return true;
}

enum store_status rig_load(struct store *store, struct loaded *ret)
{
    *ret = (struct loaded){.model = model_new()};
    return store_load(store, loaded_row, ret, &ret->last_time_ms);
}

/* ---- places ---------------------------------------------------------------------- */

struct rig *rig_new(struct redis_server *server)
{
    static unsigned cells;
    struct rig *rig = calloc(1, sizeof *rig);
    rig->is_redis = server != NULL;
    rig->server = server;
    snprintf(rig->cell, sizeof rig->cell, "cell-%u", cells++);
    if (rig->is_redis)
        rig->proxy = redis_proxy_start(redis_server_folder(server), redis_server_address(server));
    else
        rig->world = memory_world_new();
    struct store *store = rig_store(rig);
    assert_int_equal(store_create_cell(store), STORE_OK);
    store_close(&store);
    return rig;
}

void rig_destroy(struct rig **rig_p)
{
    struct rig *rig = *rig_p;
    *rig_p = NULL;
    redis_proxy_stop(&rig->proxy);
    memory_world_destroy(&rig->world);
    free(rig);
}

struct store *rig_store(struct rig *rig)
{
    if (!rig->is_redis)
        return store_memory_new(rig->world);
    const struct store_redis_options options = {
        .address = redis_proxy_address(rig->proxy), .cell = rig->cell, .broker_id = "test"};
    return store_redis_new(&options);
}

struct store *rig_opened(struct rig *rig)
{
    struct store *store = rig_store(rig);
    struct loaded loaded;
    uint64_t epoch = 0;
    if (store_open(store, (struct position){0}, &epoch) != STORE_OK || rig_load(store, &loaded) != STORE_OK)
        fail_msg("%s", store_why(store));
    assert_true(epoch > 0);
    model_destroy(&loaded.model);
    return store;
}

uint64_t rig_epoch(struct store *store)
{
    struct store_levels levels;
    store_levels(store, &levels);
    return levels.last.epoch;
}

/* ---- faults ---------------------------------------------------------------------- */

void rig_lose_reply(struct rig *rig)
{
    if (rig->is_redis)
        redis_proxy_mode(rig->proxy, PROXY_LOSE_REPLIES);
    else
        memory_world_fault(rig->world, FAULT_REPLY_LOST);
}

void rig_lose_write(struct rig *rig)
{
    if (rig->is_redis)
        redis_proxy_mode(rig->proxy, PROXY_LOSE_REQUESTS);
    else
        memory_world_fault(rig->world, FAULT_WRITE_LOST);
}

void rig_break(struct rig *rig, struct store *store)
{
    if (rig->is_redis)
        redis_proxy_cut(rig->proxy);
    rig_until_status(store, STORE_AWAY);
}

void rig_heal(struct rig *rig)
{
    if (rig->is_redis)
        redis_proxy_mode(rig->proxy, PROXY_PASS);
    else
        memory_world_fault(rig->world, FAULT_NONE);
}

/* ---- the log's length ------------------------------------------------------------- */

void rig_archive(struct rig *rig, struct position at)
{
    if (rig->is_redis)
        freeReplyObject(redis_server_command(rig->server, "SET {%s}:archive %llu-%llu", rig->cell,
                                             (unsigned long long) at.epoch, (unsigned long long) at.beat));
    else
        memory_world_archive(rig->world, at);
}

uint64_t rig_log_entries(struct rig *rig, struct store *store)
{
    struct store_levels levels;
    if (rig->is_redis)
        return (uint64_t) redis_server_integer(rig->server, "XLEN {%s}:log", rig->cell);
    rig_pump(store);
    store_levels(store, &levels);
    return levels.log_entries;
}

/* ---- turning the loop ------------------------------------------------------------ */

void rig_pump(struct store *store)
{
    store_pump(store, clock_mono_us());
}

static void wait_a_little(struct store *store)
{
    struct wait_fd waits[2];
    struct pollfd fds[2];
    const int n = store_wait_fds(store, waits);
    for (int i = 0; i < n; i++)
        fds[i] = (struct pollfd){waits[i].fd, (short) (POLLIN | (waits[i].want_write ? POLLOUT : 0)), 0};
    const int64_t left_us = store_next_us(store) - clock_mono_us();
    poll(fds, (nfds_t) n, left_us <= 0 ? 0 : left_us > 20000 ? 20 : (int) (left_us / 1000) + 1);
}

void rig_until_stands(struct store *store, uint64_t ticket)
{
    const int64_t deadline_us = clock_mono_us() + PATIENCE_US;
    for (;;) {
        if (store_pump(store, clock_mono_us()) != STORE_OK)
            fail_msg("%s", store_why(store));
        if (store_stands(store) >= ticket)
            return;
        assert_true(clock_mono_us() < deadline_us);
        wait_a_little(store);
    }
}

void rig_until_flushed(struct store *store)
{
    const int64_t deadline_us = clock_mono_us() + PATIENCE_US;
    store_idle(store, true);
    for (;;) {
        struct store_levels levels;
        if (store_pump(store, clock_mono_us()) != STORE_OK)
            fail_msg("%s", store_why(store));
        store_levels(store, &levels);
        if (levels.view_rows_behind == 0 && levels.view.epoch == levels.last.epoch &&
            levels.view.beat == levels.last.beat)
            break;
        assert_true(clock_mono_us() < deadline_us);
        wait_a_little(store);
    }
    store_idle(store, false);
}

void rig_until_trimmed(struct store *store, struct position below)
{
    const int64_t deadline_us = clock_mono_us() + PATIENCE_US;
    store_idle(store, true);
    for (;;) {
        struct store_levels levels;
        if (store_pump(store, clock_mono_us()) != STORE_OK)
            fail_msg("%s", store_why(store));
        store_levels(store, &levels);
        if (levels.trimmed.epoch == below.epoch && levels.trimmed.beat == below.beat)
            break;
        assert_true(clock_mono_us() < deadline_us);
        wait_a_little(store);
    }
    store_idle(store, false);
}

void rig_until_status(struct store *store, enum store_status status)
{
    const int64_t deadline_us = clock_mono_us() + PATIENCE_US;
    while (store_pump(store, clock_mono_us()) == STORE_OK) {
        assert_true(clock_mono_us() < deadline_us);
        wait_a_little(store);
    }
    if (store_pump(store, clock_mono_us()) != status)
        fail_msg("another status: %s", store_why(store));
}

/* ---- short cuts ------------------------------------------------------------------ */

uint64_t rig_append(struct store *store, int64_t time_ms, struct slice rows)
{
    struct buf body = {0};
    store_body(store, &body);
    buf_add(&body, rows.at, rows.len);
    const uint64_t ticket = store_append(store, time_ms, 1, &body);
    assert_null(body.at); /* the store's now */
    return ticket;
}

uint64_t rig_append_row(struct store *store, enum row_type type, uint32_t number, const char *payload)
{
    struct buf body = {0};
    row_put(&body, type, number, payload);
    const uint64_t ticket = rig_append(store, 1000 + number, body_slice(&body));
    buf_fini(&body);
    return ticket;
}

uint64_t rig_append_lead(struct store *store, uint32_t number, const char *payload)
{
    return rig_append_row(store, ROW_LEAD, number, payload);
}

enum store_status rig_open_status(struct rig *rig, bool allow_unsafe, char why[256])
{
    const struct store_redis_options options = {.address = redis_server_address(rig->server),
                                                .cell = rig->cell,
                                                .broker_id = "test",
                                                .allow_unsafe = allow_unsafe};
    struct store *store = store_redis_new(&options);
    uint64_t epoch;
    const enum store_status status = store_open(store, (struct position){0}, &epoch);
    snprintf(why, 256, "%s", store_why(store));
    store_close(&store);
    return status;
}

enum store_status rig_load_status(struct rig *rig, struct loaded *ret, char why[256])
{
    struct store *store = rig_store(rig);
    uint64_t epoch;
    enum store_status status = store_open(store, (struct position){0}, &epoch);
    *ret = (struct loaded){0};
    if (status == STORE_OK)
        status = rig_load(store, ret);
    snprintf(why, 256, "%s", store_why(store));
    store_close(&store);
    return status;
}

void rig_members(struct rig *rig, const char *set, char text[512])
{
    redisReply *reply = redis_server_command(rig->server, "ZRANGE {%s}:%s 0 -1 WITHSCORES", rig->cell, set);
    text[0] = '\0';
    for (size_t i = 0; i + 1 < reply->elements; i += 2) {
        unsigned number; /* little endian at the end of the id */
        sscanf(reply->element[i]->str + 24, "%2x", &number);
        const size_t len = strlen(text);
        snprintf(text + len, 512 - len, "%u:%s ", number, reply->element[i + 1]->str);
    }
    freeReplyObject(reply);
}

uint64_t rig_append_bulk(struct store *store, struct model *model, uint32_t first)
{
    struct buf body = {0};
    row_put(&body, ROW_AGENT, first, NULL);
    for (uint32_t i = first; i < first + RIG_BULK; i++)
        row_put(&body, ROW_INPUT, i, NULL);
    for (uint32_t i = first; i < first + RIG_BULK; i++)
        row_put(&body, ROW_LEAD, i, "H 1");
    model_apply(model, body_slice(&body));
    const uint64_t ticket = rig_append(store, 1, body_slice(&body));
    buf_fini(&body);
    return ticket;
}

void rig_expect_all(struct rig *rig, const struct model *model)
{
    struct loaded loaded;
    char why[256];
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_OK);
    assert_true(model_equal(loaded.model, model));
    model_destroy(&loaded.model);
}

long long rig_count_keys(struct rig *rig, const char *pattern)
{
    redisReply *keys = redis_server_command(rig->server, "KEYS {%s}:%s", rig->cell, pattern);
    const long long n = (long long) keys->elements;
    freeReplyObject(keys);
    return n;
}
