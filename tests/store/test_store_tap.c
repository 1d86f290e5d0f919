/* SPDX-License-Identifier: Apache-2.0
 * test_store_tap.c - planting a cell, step by step: what a restore that was cut
 * off leaves behind, and what is refused. Whole restores are in
 * test_store_archive.c. */
#include "tests/store/store_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "broker/store_tap.h"

static struct tap *tap_at(struct redis_server *server, const char *cell)
{
    struct tap *tap;
    struct buf why = {0};
    assert_int_equal(tap_open(redis_server_address(server), cell, &tap, &why), STORE_OK);
    return tap;
}

static enum store_status create_at(struct redis_server *server, const char *cell, char why[256])
{
    const struct store_redis_options options = {
        .address = redis_server_address(server), .cell = cell, .allow_unsafe = true};
    struct store *store = store_redis_new(&options);
    const enum store_status status = store_create_cell(store);
    snprintf(why, 256, "%s", store_why(store));
    store_close(&store);
    return status;
}

static void no_cell_is_made_where_a_restore_was_cut_off(void **state)
{
    static const char *const remains[] = {"trimmed", "policy", "counters", "view", "log"};
    struct redis_server *server = *state;
    char why[256], cell[33];
    struct tap *tap = tap_at(server, "cut-off");
    assert_int_equal(tap_plant_begin(tap), STORE_OK); /* and not one row after it */
    tap_close(&tap);
    assert_int_equal(create_at(server, "cut-off", why), STORE_DAMAGED);
    assert_non_null(strstr(why, "{cut-off}:trimmed"));
    tap = tap_at(server, "cut-off");
    assert_int_equal(tap_plant_begin(tap), STORE_REFUSING);
    tap_close(&tap);
    for (size_t i = 0; i < sizeof remains / sizeof *remains; i++) {
        snprintf(cell, sizeof cell, "remains-%zu", i);
        freeReplyObject(redis_server_command(server, "SET {%s}:%s x", cell, remains[i]));
        assert_int_equal(create_at(server, cell, why), STORE_DAMAGED);
        assert_non_null(strstr(why, remains[i]));
    }
}

static void a_restore_takes_no_cell_that_was_made_meanwhile(void **state)
{
    struct redis_server *server = *state;
    struct tap *tap = tap_at(server, "both");
    assert_int_equal(tap_plant_begin(tap), STORE_OK);
    freeReplyObject(redis_server_command(server, "SET {both}:epoch 0:1"));
    assert_int_equal(tap_plant_end(tap, (struct position){1, 1}, (struct position){1, 1}, (struct position){1, 1}),
                     STORE_REFUSING);
    assert_non_null(strstr(tap_why(tap), "created while it was restored"));
    redisReply *reply = redis_server_command(server, "GET {both}:epoch");
    assert_string_equal(reply->str, "0:1");
    freeReplyObject(reply);
    tap_close(&tap);
}

static void plant_lead(struct tap *tap, const char *payload)
{
    struct buf body = {0};
    struct row_ref row;
    uint32_t at = 0;
    row_put(&body, ROW_LEAD, 7, payload);
    assert_int_equal(row_next(body_slice(&body), &at, &row), 1);
    assert_int_equal(tap_plant_row(tap, &row), STORE_OK);
    buf_fini(&body);
}

static void a_lead_that_moved_while_the_image_was_read_is_restored_to_one_pool(void **state)
{
    struct redis_server *server = *state;
    struct tap *tap = tap_at(server, "moved");
    const struct position at = {1, 1};
    assert_int_equal(tap_plant_begin(tap), STORE_OK);
    plant_lead(tap, "W one 1 1");
    plant_lead(tap, "W two 2 1");
    assert_int_equal(tap_plant_end(tap, at, at, at), STORE_OK);
    assert_int_equal(redis_server_integer(server, "ZCARD {moved}:pool:one"), 0);
    assert_int_equal(redis_server_integer(server, "ZCARD {moved}:pool:two"), 1);
    tap_close(&tap);
    tap = tap_at(server, "offered");
    assert_int_equal(tap_plant_begin(tap), STORE_OK);
    plant_lead(tap, "W one 1 1");
    plant_lead(tap, "H 1");
    assert_int_equal(tap_plant_end(tap, at, at, at), STORE_OK);
    assert_int_equal(redis_server_integer(server, "ZCARD {offered}:pool:one"), 0);
    tap_close(&tap);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_cell_is_made_where_a_restore_was_cut_off),
        cmocka_unit_test(a_restore_takes_no_cell_that_was_made_meanwhile),
        cmocka_unit_test(a_lead_that_moved_while_the_image_was_read_is_restored_to_one_pool),
    };
    return cmocka_run_group_tests(tests, redis_server_setup, redis_server_teardown);
}
