/* SPDX-License-Identifier: Apache-2.0
 * test_store_trim.c - the log's beginning: what leaves it, when, and what holds it
 * back; on both stores. Crashes within it are in test_store_crash.c. */
#include "tests/store/store_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/clock.h"

enum { NODE_ENTRIES = 100 }; /* Redis trims whole nodes: so many may be left over */

static const int64_t for_ever_us = INT64_MAX / 2;

static struct position position(uint64_t epoch, uint64_t beat)
{
    return (struct position){epoch, beat};
}

static struct store_levels levels_of(const struct store *store)
{
    struct store_levels levels;
    store_levels(store, &levels);
    return levels;
}

/* `n` beats that stand and are in the view. */
static void live_on(struct store *store, struct model *model, uint32_t n)
{
    struct buf body = {0};
    uint64_t ticket = 0;
    for (uint32_t i = 0; i < n; i++) {
        char payload[32];
        snprintf(payload, sizeof payload, "W a %u 1", i);
        body.len = 0;
        row_put(&body, i % 5 == 0 ? ROW_INPUT : ROW_LEAD, i % 90, payload);
        model_apply(model, body_slice(&body));
        ticket = rig_append(store, 1 + i, body_slice(&body));
    }
    buf_fini(&body);
    rig_until_stands(store, ticket);
    rig_until_flushed(store);
}

static void expect_state(struct rig *rig, const struct model *model)
{
    struct loaded loaded;
    char why[256];
    if (rig_load_status(rig, &loaded, why) != STORE_OK)
        fail_msg("%s", why);
    assert_true(model_equal(loaded.model, model));
    model_destroy(&loaded.model);
}

static void what_the_view_has_and_nobody_else_needs_leaves_the_log(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    store_retain(store, 0, 0);
    live_on(store, model, 400);
    rig_until_trimmed(store, position(1, 400));
    assert_in_range(rig_log_entries(rig, store), 1, NODE_ENTRIES);
    store_close(&store);
    expect_state(rig, model);
    store = rig_opened(rig); /* the next broker goes on from there */
    assert_int_equal(levels_of(store).trimmed.beat, 400);
    store_retain(store, 0, 0);
    live_on(store, model, 400);
    rig_until_trimmed(store, position(3, 400));
    store_close(&store);
    expect_state(rig, model);
    model_destroy(&model);
    rig_destroy(&rig);
}

static void young_entries_stay_for_late_readers(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    live_on(store, model, 300);
    rig_until_flushed(store);
    assert_int_equal(levels_of(store).trimmed.epoch, 0);
    assert_int_equal(rig_log_entries(rig, store), 301);
    store_retain(store, 4000, for_ever_us); /* some of the next ones fit */
    live_on(store, model, 300);
    const int64_t give_up_us = clock_mono_us() + 10 * 1000 * 1000;
    for (store_idle(store, true); levels_of(store).trimmed.beat < 500;) {
        rig_pump(store);
        assert_true(clock_mono_us() < give_up_us);
    }
    assert_in_range(levels_of(store).trimmed.beat, 500, 599);
    store_close(&store);
    expect_state(rig, model);
    model_destroy(&model);
    rig_destroy(&rig);
}

static void the_log_is_kept_until_it_is_archived(void **state)
{
    struct rig *rig = rig_new(*state);
    rig_archive(rig, position(1, 120));
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    store_retain(store, 0, 0);
    live_on(store, model, 400);
    rig_until_trimmed(store, position(1, 120));
    assert_in_range(rig_log_entries(rig, store), 281, 281 + NODE_ENTRIES);
    rig_pump(store);
    assert_true(levels_of(store).has_archive);
    assert_int_equal(levels_of(store).archive.beat, 120);
    rig_archive(rig, position(1, 399));
    rig_until_trimmed(store, position(1, 399));
    store_close(&store);
    expect_state(rig, model);
    model_destroy(&model);
    rig_destroy(&rig);
}

static void a_former_broker_trims_nothing(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    live_on(store, model, 300);
    struct store *other = rig_opened(rig);
    store_retain(store, 0, 0);
    store_idle(store, true);
    rig_until_status(store, STORE_FENCED);
    assert_int_equal(rig_log_entries(rig, other), 302);
    store_close(&store);
    store_close(&other);
    expect_state(rig, model);
    model_destroy(&model);
    rig_destroy(&rig);
}

static void a_step_whose_reply_was_lost_is_done_again(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    uint64_t epoch;
    for (int lost = 0; lost < 2; lost++) {
        store_retain(store, UINT64_MAX, for_ever_us);
        live_on(store, model, 300);
        (lost == 0 ? rig_lose_reply : rig_lose_write)(rig);
        store_retain(store, 0, 0);
        store_idle(store, true);
        rig_pump(store);
        rig_break(rig, store);
        rig_heal(rig);
        assert_int_equal(store_reopen(store, &epoch), STORE_OK);
        rig_until_trimmed(store, position(1 + (uint64_t) lost, 300));
    }
    store_close(&store);
    expect_state(rig, model);
    model_destroy(&model);
    rig_destroy(&rig);
}

/* Time is a number only where no server answers in its own. */
static void a_busy_store_lets_its_log_grow_to_twice_the_retention(void **state)
{
    if (*state != NULL)
        return;
    struct rig *rig = rig_new(NULL);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    const uint64_t keep = 20000;
    int64_t at_us = 5000000;
    uint64_t most = 0;
    store_retain(store, keep, for_ever_us);
    store_pump(store, at_us);
    for (int i = 0; i < 3000; i++) {
        store_idle(store, false);
        rig_append_lead(store, 1, "W a 1 1");
        assert_int_equal(store_pump(store, at_us += 1000), STORE_OK);
        const uint64_t entries = rig_log_entries(rig, store);
        most = entries > most ? entries : most;
    }
    const uint64_t entry_bytes = 64 + 6 + 16 + 7;
    assert_true(most > 2 * keep / entry_bytes - 20);
    assert_true(most < 2 * keep / entry_bytes + 1000); /* and a second of the view's patience */
    store_close(&store);
    model_destroy(&model);
    rig_destroy(&rig);
}

static void a_server_short_of_memory_gets_it_back_at_once(void **state)
{
    if (*state == NULL)
        return; /* memory of whom? */
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    live_on(store, model, 400);
    assert_int_equal(rig_log_entries(rig, store), 401);
    freeReplyObject(
        redis_server_command(rig->server, "CONFIG SET maxmemory 1")); /* it refuses the view's writes, too */
    const uint64_t ticket = rig_append_lead(store, 95, "H 1");
    rig_until_stands(store, ticket);
    rig_until_trimmed(store, position(1, 400));
    assert_in_range(rig_log_entries(rig, store), 2, NODE_ENTRIES);
    freeReplyObject(redis_server_command(rig->server, "CONFIG SET maxmemory 0"));
    store_close(&store);
    model_destroy(&model);
    rig_destroy(&rig);
}

static void an_archive_position_that_cannot_be_read_keeps_everything(void **state)
{
    if (*state == NULL)
        return;
    struct rig *rig = rig_new(*state);
    freeReplyObject(redis_server_command(rig->server, "RPUSH {%s}:archive 9-9", rig->cell));
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    store_retain(store, 0, 0);
    live_on(store, model, 300);
    const int64_t until_us = clock_mono_us() + 50 * 1000;
    for (store_idle(store, true); clock_mono_us() < until_us || !levels_of(store).has_archive;)
        rig_pump(store);
    assert_int_equal(rig_log_entries(rig, store), 301);
    store_close(&store);
    model_destroy(&model);
    rig_destroy(&rig);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_view_has_and_nobody_else_needs_leaves_the_log),
        cmocka_unit_test(young_entries_stay_for_late_readers),
        cmocka_unit_test(the_log_is_kept_until_it_is_archived),
        cmocka_unit_test(a_former_broker_trims_nothing),
        cmocka_unit_test(a_step_whose_reply_was_lost_is_done_again),
        cmocka_unit_test(a_busy_store_lets_its_log_grow_to_twice_the_retention),
        cmocka_unit_test(a_server_short_of_memory_gets_it_back_at_once),
        cmocka_unit_test(an_archive_position_that_cannot_be_read_keeps_everything),
    };
    const int failed_memory = cmocka_run_group_tests_name("memory", tests, NULL, NULL);
    return failed_memory + cmocka_run_group_tests_name("redis", tests, redis_server_setup, redis_server_teardown);
}
