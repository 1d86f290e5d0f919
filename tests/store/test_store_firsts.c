/* SPDX-License-Identifier: Apache-2.0
 * test_store_firsts.c - the first rows of a bulk's leads, which lie together in the
 * view: whoever reads it sees each lead once, and as it is now. */
#include "tests/store/store_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "broker/entry.h"
#include "broker/store_inspect.h"

struct inspected { /* what a checker is told */
    struct model *model;
    uint32_t rows, wrong;
    char key[64], why[128]; /* of the last that is wrong */
};

static void inspected_row(void *arg, struct slice key, const struct row_ref *row, const char *wrong)
{
    struct inspected *inspected = arg;
    if (wrong != NULL) {
        inspected->wrong++;
        snprintf(inspected->key, sizeof inspected->key, "%.*s", (int) key.len, (const char *) key.at);
        snprintf(inspected->why, sizeof inspected->why, "%s", wrong);
        return;
    }
    inspected->rows++;
    model_apply(inspected->model, row->whole);
}

static void inspect(struct rig *rig, struct inspected *ret)
{
    struct inspect *inspect = NULL;
    *ret = (struct inspected){.model = model_new()};
    assert_int_equal(inspect_open(redis_server_address(rig->server), rig->cell, &inspect, NULL), STORE_OK);
    assert_int_equal(inspect_view(inspect, inspected_row, ret), STORE_OK);
    inspect_close(&inspect);
}

/* Who loads, who reads without a fence and who checks see each lead once, and what it is now. */
static void expect_all_see(struct rig *rig, const struct model *model)
{
    const struct store_redis_options options = {.address = redis_server_address(rig->server), .cell = rig->cell};
    struct loaded loaded = {.model = model_new()};
    struct inspected inspected;
    assert_int_equal(store_redis_read(&options, loaded_row, &loaded, NULL), STORE_OK);
    assert_true(model_equal(loaded.model, model));
    assert_int_equal(loaded.view_rows, model_count(model));
    model_destroy(&loaded.model);
    inspect(rig, &inspected);
    assert_int_equal(inspected.wrong, 0);
    assert_int_equal(inspected.rows, model_count(model));
    assert_true(model_equal(inspected.model, model));
    model_destroy(&inspected.model);
    rig_expect_all(rig, model);
}

static void change_leads(struct store *store, struct model *model, uint32_t first, uint32_t n, const char *payload)
{
    struct buf body = {0};
    for (uint32_t i = first; i < first + n; i++)
        row_put(&body, ROW_LEAD, i, payload);
    model_apply(model, body_slice(&body));
    rig_until_stands(store, rig_append(store, 2, body_slice(&body)));
    buf_fini(&body);
}

/* With their inputs, in one beat. */
static void take_in(struct store *store, struct model *model, uint32_t n, const char *payload)
{
    struct buf body = {0};
    for (uint32_t i = 0; i < 2 * n; i++)
        row_put(&body, i < n ? ROW_INPUT : ROW_LEAD, i % n, payload);
    model_apply(model, body_slice(&body));
    rig_until_stands(store, rig_append(store, 1, body_slice(&body)));
    rig_until_flushed(store);
    buf_fini(&body);
}

static void first_rows_lie_together_and_later_ones_go_before_them(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    rig_append_bulk(store, model, 0);
    change_leads(store, model, 20, 10, "H 2"); /* before the view had them */
    rig_until_flushed(store);
    const long long together = rig_count_keys(rig, "leads:*");
    assert_in_range(together, RIG_BULK * 25 / (64 * 1024), RIG_BULK / 64);
    assert_int_equal(rig_count_keys(rig, "lead:*"), 0);
    change_leads(store, model, 25, 300, "H 3");
    rig_until_flushed(store);
    assert_int_equal(rig_count_keys(rig, "leads:*"), together);
    assert_int_equal(rig_count_keys(rig, "lead:*"), 300);
    store_close(&store);
    expect_all_see(rig, model);
    store = rig_opened(rig);
    change_leads(store, model, 300, 50, "H 4");
    rig_until_stands(store, rig_append_bulk(store, model, RIG_BULK));
    rig_until_flushed(store);
    assert_true(rig_count_keys(rig, "leads:*") > together);
    assert_int_equal(rig_count_keys(rig, "lead:*"), 325);
    store_close(&store);
    expect_all_see(rig, model);
    model_destroy(&model);
    rig_destroy(&rig);
}

static void a_few_and_those_that_wait_are_keys_of_their_own(void **state)
{
    enum { FEW = 63 };
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    struct buf body = {0};
    for (uint32_t i = 0; i < 4 * FEW; i++)
        row_put(&body, ROW_INPUT, i, NULL);
    for (uint32_t i = 0; i < 4 * FEW; i++)
        row_put(&body, ROW_LEAD, i, i < FEW ? "H 1" : "W a 1 1");
    model_apply(model, body_slice(&body));
    rig_until_stands(store, rig_append(store, 1, body_slice(&body)));
    rig_until_flushed(store);
    assert_int_equal(rig_count_keys(rig, "leads:*"), 0);
    assert_int_equal(rig_count_keys(rig, "lead:*"), 4 * FEW);
    body.len = 0;
    for (uint32_t i = 1000; i <= 1000 + 2 * FEW; i++)
        row_put(&body, ROW_INPUT, i, NULL);
    for (uint32_t i = 1000; i <= 1000 + 2 * FEW; i++) /* one more of those that hold */
        row_put(&body, ROW_LEAD, i, i % 2 == 0 ? "H 1" : "W a 1 1");
    model_apply(model, body_slice(&body));
    rig_until_stands(store, rig_append(store, 2, body_slice(&body)));
    rig_until_flushed(store);
    assert_int_equal(rig_count_keys(rig, "leads:*"), 1);
    assert_int_equal(rig_count_keys(rig, "lead:*"), 5 * FEW);
    assert_int_equal(redis_server_integer(rig->server, "ZCARD {%s}:pool:a", rig->cell), 4 * FEW);
    store_close(&store);
    expect_all_see(rig, model);
    buf_fini(&body);
    model_destroy(&model);
    rig_destroy(&rig);
}

/* A row of any key and payload, where row_put() makes them. */
static void put_lead(struct buf *body, enum row_type type, const uint8_t key[16], const char *payload)
{
    const uint8_t head = (uint8_t) type, key_len = 16;
    const uint32_t length = (uint32_t) (1 + 16 + strlen(payload));
    buf_add(body, &head, 1);
    buf_add(body, &length, sizeof length);
    buf_add(body, &key_len, 1);
    buf_add(body, key, 16);
    buf_add(body, payload, strlen(payload));
}

static void first_rows_fill_values_of_64_kib(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    long long longest = 0;
    take_in(store, model, RIG_BULK, "H 1 and so much more that a write of them is more than one value takes, or two");
    store_close(&store);
    redisReply *keys = redis_server_command(rig->server, "KEYS {%s}:leads:*", rig->cell);
    for (size_t i = 0; i < keys->elements; i++) {
        const long long len = redis_server_integer(rig->server, "STRLEN %s", keys->element[i]->str);
        assert_in_range(len, 1, 64 * 1024);
        longest = len > longest ? len : longest;
    }
    assert_in_range(longest, 63 * 1024, 64 * 1024);
    freeReplyObject(keys);
    expect_all_see(rig, model);
    model_destroy(&model);
    rig_destroy(&rig);
}

/* The names of these two leads have the same XXH3-64, which is what the store checks bytes by. */
static void leads_are_told_apart_by_their_ids(void **state)
{
    static const uint8_t twins[2][16] = {
        {0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0x80, 0xe9, 0x18, 0xd3, 0x68, 0x14, 0xb7, 0xfc},
        {0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0x17, 0xa1, 0x0c, 0x58, 0x90, 0xce, 0x23, 0x36}};
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    struct buf body = {0};
    for (uint32_t kind = ROW_INPUT; kind <= ROW_LEAD; kind++) {
        for (uint32_t i = 0; i < 100; i++)
            row_put(&body, kind, i, "H 1");
        put_lead(&body, kind, twins[0], "H 1");
        put_lead(&body, kind, twins[1], "H 1");
    }
    model_apply(model, body_slice(&body));
    rig_until_stands(store, rig_append(store, 1, body_slice(&body)));
    rig_until_flushed(store);
    body.len = 0;
    put_lead(&body, ROW_LEAD, twins[0], "H 2");
    model_apply(model, body_slice(&body));
    rig_until_stands(store, rig_append(store, 2, body_slice(&body)));
    rig_until_flushed(store);
    store_close(&store);
    assert_int_equal(rig_count_keys(rig, "lead:*"), 1);
    expect_all_see(rig, model);
    buf_fini(&body);
    model_destroy(&model);
    rig_destroy(&rig);
}

/* Beside others of it, one byte; then what is sound in itself and belongs elsewhere. */
static void damage_among_first_rows_is_found(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    struct loaded loaded;
    struct inspected inspected;
    char why[256];
    rig_until_stands(store, rig_append_bulk(store, model, 0));
    rig_until_flushed(store);
    rig_append_row(store, ROW_AGENT, 1, "H 1");
    rig_until_stands(store, rig_append_lead(store, 4, "H 2"));
    rig_until_flushed(store);
    store_close(&store);
    redisReply *keys = redis_server_command(rig->server, "KEYS {%s}:leads:*", rig->cell);
    const char *key = keys->element[0]->str, *name = strchr(key, ':') + 1;
    freeReplyObject(redis_server_command(rig->server, "COPY %s {%s}:kept", key, rig->cell));
    freeReplyObject(redis_server_command(rig->server, "SETRANGE %s 500 X", key));
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_DAMAGED);
    assert_non_null(strstr(why, name));
    assert_non_null(strstr(why, "does not match its check"));
    model_destroy(&loaded.model);
    inspect(rig, &inspected);
    assert_int_equal(inspected.wrong, 1);
    assert_string_equal(inspected.key, name);
    model_destroy(&inspected.model);
    freeReplyObject(redis_server_command(rig->server, "COPY {%s}:agent:name-1 %s REPLACE", rig->cell, key));
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_DAMAGED);
    assert_non_null(strstr(why, "holds more than leads"));
    model_destroy(&loaded.model);
    inspect(rig, &inspected);
    assert_int_equal(inspected.wrong, 1);
    assert_string_equal(inspected.why, "it is a row of another kind");
    model_destroy(&inspected.model);
    freeReplyObject(redis_server_command(rig->server, "RENAME {%s}:kept %s", rig->cell, key));
    freeReplyObject(keys);
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_OK);
    model_destroy(&loaded.model);
    model_destroy(&model);
    rig_destroy(&rig);
}

/* Each row of the value is out of date, and behind them lies what is none: with a check that is right. */
static void damage_behind_rows_out_of_date_is_found(void **state)
{
    enum { LEADS = 64 };
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    struct buf body = {0};
    struct loaded loaded;
    char why[256];
    take_in(store, model, LEADS, "H 1");
    change_leads(store, model, 0, LEADS, "H 2");
    rig_until_flushed(store);
    store_close(&store);
    expect_all_see(rig, model);
    redisReply *keys = redis_server_command(rig->server, "KEYS {%s}:leads:*", rig->cell);
    assert_int_equal(keys->elements, 1);
    redisReply *value = redis_server_command(rig->server, "GET %s", keys->element[0]->str);
    buf_add(&body, value->str, value->len - sizeof(uint64_t));
    buf_add(&body, "none", 4);
    const uint64_t check = entry_check(body.at, body.len);
    buf_add(&body, &check, sizeof check);
    freeReplyObject(redis_server_command(rig->server, "SET %s %b", keys->element[0]->str, body.at, body.len));
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_DAMAGED);
    assert_non_null(strstr(why, "holds no rows"));
    model_destroy(&loaded.model);
    freeReplyObject(value);
    freeReplyObject(keys);
    buf_fini(&body);
    model_destroy(&model);
    rig_destroy(&rig);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_rows_lie_together_and_later_ones_go_before_them),
        cmocka_unit_test(a_few_and_those_that_wait_are_keys_of_their_own),
        cmocka_unit_test(first_rows_fill_values_of_64_kib),
        cmocka_unit_test(leads_are_told_apart_by_their_ids),
        cmocka_unit_test(damage_among_first_rows_is_found),
        cmocka_unit_test(damage_behind_rows_out_of_date_is_found),
    };
    return cmocka_run_group_tests(tests, redis_server_setup, redis_server_teardown);
}
