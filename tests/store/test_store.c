/* SPDX-License-Identifier: Apache-2.0
 * test_store.c - the contract of broker/store.h, the same tests against the store
 * in memory and the one in Redis. What only Redis can do wrong is in
 * test_store_redis.c, crashes at every step in test_store_crash.c. */
#include "tests/store/store_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/clock.h"

static const struct position nothing_seen = {0, 0};

/* ---- helpers --------------------------------------------------------------------- */

static struct rig *rig_of(void **state)
{
    return rig_new(*state);
}

/* What a broker that starts now would find. The caller frees the model. */
static struct loaded load_anew(struct rig *rig)
{
    struct store *store = rig_store(rig);
    struct loaded loaded = {0};
    uint64_t epoch;
    if (store_open(store, nothing_seen, &epoch) != STORE_OK || rig_load(store, &loaded) != STORE_OK)
        fail_msg("%s", store_why(store));
    store_close(&store);
    return loaded;
}

static struct position last_of(const struct store *store)
{
    struct store_levels levels;
    store_levels(store, &levels);
    return levels.last;
}

static struct position view_of(const struct store *store)
{
    struct store_levels levels;
    store_levels(store, &levels);
    return levels.view;
}

static uint64_t behind_of(const struct store *store)
{
    struct store_levels levels;
    store_levels(store, &levels);
    return levels.view_rows_behind;
}

/* ---- appending ------------------------------------------------------------------- */

static void beats_stand_in_order_and_are_loaded_as_they_were(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *store = rig_opened(rig);
    assert_int_equal(rig_append_lead(store, 1, "W pool 1 5"), 1);
    rig_until_stands(store, 1);
    assert_int_equal(rig_append_lead(store, 2, "H 7"), 2);
    assert_int_equal(rig_append_lead(store, 1, "T"), 3);
    assert_int_equal(store_in_flight(store), 2);
    assert_true(store_in_flight_bytes(store) > 0);
    rig_until_stands(store, 3);
    assert_int_equal(store_in_flight(store), 0);
    assert_int_equal(store_in_flight_bytes(store), 0);
    assert_int_equal(last_of(store).beat, 3);
    store_close(&store); /* as killed: nothing was flushed */

    struct loaded loaded = load_anew(rig);
    assert_int_equal(model_count(loaded.model), 2);
    assert_string_equal(model_get(loaded.model, ROW_LEAD, 1), "T");
    assert_string_equal(model_get(loaded.model, ROW_LEAD, 2), "H 7");
    assert_int_equal(loaded.view_rows, 0);
    assert_int_equal(loaded.entries, 3);
    assert_int_equal(loaded.last_time_ms, 1001);
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

static void tickets_count_renewals_and_stand_with_all_before_them(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *store = rig_opened(rig);
    for (uint32_t i = 0; i < 50; i++) {
        assert_int_equal(rig_append_lead(store, i, "H 1"), 2 * i + 1);
        assert_int_equal(store_renew(store), 2 * i + 2);
    }
    uint64_t stands = 0;
    while (stands < 100) {
        rig_until_stands(store, stands + 1);
        assert_true(store_stands(store) > stands);
        stands = store_stands(store);
        assert_int_equal(store_in_flight(store), 100 - stands);
    }
    struct store_levels levels;
    store_levels(store, &levels);
    assert_int_equal(levels.appends, 50);
    assert_int_equal(levels.renewals, 50);
    assert_int_equal(levels.last.beat, 50);
    store_close(&store);
    rig_destroy(&rig);
}

static void every_kind_of_row_comes_back(void **state)
{
    static const enum row_type kinds[] = {ROW_INPUT, ROW_LEAD,   ROW_AGENT, ROW_PROGRAMME,  ROW_IMPORT, ROW_SNAPSHOT,
                                          ROW_CELL,  ROW_POLICY, ROW_METER, ROW_SUPPRESSED, ROW_TURN};
    for (int flushed = 0; flushed < 2; flushed++) {
        struct rig *rig = rig_of(state);
        struct store *store = rig_opened(rig);
        struct buf body = {0};
        struct model *model = model_new();
        for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
            row_put(&body, kinds[i], 3, "H 1 what it says");
        model_apply(model, body_slice(&body));
        rig_until_stands(store, rig_append(store, 5, body_slice(&body)));
        if (flushed)
            rig_until_flushed(store);
        store_close(&store);
        struct loaded loaded = load_anew(rig);
        assert_true(model_equal(loaded.model, model));
        assert_int_equal(loaded.view_rows, flushed ? 10 : 0);
        assert_int_equal(loaded.log_rows, flushed ? 0 : 11);
        model_destroy(&loaded.model);
        model_destroy(&model);
        buf_fini(&body);
        rig_destroy(&rig);
    }
}

/* Each step of a life, written to the view at once or not at all; and once more, when it was there before. */
static void what_is_gone_leaves_the_view_and_no_load_brings_it_back(void **state)
{
    static const char *const lives[][5] = {{"H 1", NULL}, {"H 1", NULL, "H 2"}, {"H 1", "H 2", NULL, "H 3", NULL}};
    for (uint32_t story = 0; story < 3 * 32; story++) {
        const uint32_t life = story / 32, steps = life == 0 ? 2 : life == 1 ? 3 : 5;
        struct rig *rig = rig_of(state);
        struct store *store = rig_opened(rig);
        struct model *model = model_new();
        for (uint32_t i = 0; i < steps && story % 32 < 1u << steps; i++) {
            struct buf body = {0};
            row_put(&body, ROW_AGENT, 1, lives[life][i]);
            row_put(&body, ROW_METER, 1, lives[life][i]);
            row_put(&body, ROW_AGENT, 2, "H stays");
            model_apply(model, body_slice(&body));
            rig_until_stands(store, rig_append(store, i, body_slice(&body)));
            if (story >> i & 1)
                rig_until_flushed(store);
            buf_fini(&body);
        }
        store_close(&store);
        struct loaded loaded = load_anew(rig);
        assert_true(model_equal(loaded.model, model));
        model_destroy(&loaded.model);
        model_destroy(&model);
        rig_destroy(&rig);
    }
}

static bool note_order(void *arg, const struct row_ref *row, const struct entry *entry)
{
    struct buf *order = arg;
    (void) entry;
    buf_printf(order, "%s", row->type == ROW_POLICY ? "P" : "r");
    return true;
}

/* What the other rows name is in a policy: who loads must know them first. */
static void policies_come_before_all_other_rows_of_the_view(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *store = rig_opened(rig);
    for (uint32_t i = 1; i <= 3; i++) {
        rig_append_row(store, ROW_AGENT, i, "H 1");
        rig_append_lead(store, i, "H 1");
        rig_append_row(store, ROW_PROGRAMME, i, "H 1");
        rig_until_stands(store, rig_append_row(store, ROW_POLICY, i, "H 1 a text"));
    }
    rig_until_flushed(store);
    store_close(&store);
    struct buf order = {0};
    uint64_t epoch;
    int64_t last_ms;
    store = rig_store(rig);
    assert_int_equal(store_open(store, nothing_seen, &epoch), STORE_OK);
    assert_int_equal(store_load(store, note_order, &order, &last_ms), STORE_OK);
    buf_add(&order, "", 1);
    assert_string_equal((const char *) order.at, "PPPrrrrrrrrr");
    buf_fini(&order);
    store_close(&store);
    rig_destroy(&rig);
}

/* ---- the cell -------------------------------------------------------------------- */

static void a_cell_that_was_not_created_is_refused(void **state)
{
    struct rig *rig = rig_of(state);
    struct memory_world *empty = memory_world_new(), *world = rig->world;
    uint64_t epoch = 77;
    rig->world = empty;
    snprintf(rig->cell, sizeof rig->cell, "no-such-cell");
    struct store *store = rig_store(rig);
    assert_int_equal(store_open(store, nothing_seen, &epoch), STORE_NO_CELL);
    assert_int_equal(epoch, 77);
    assert_true(strlen(store_why(store)) > 0);
    store_close(&store);
    rig->world = world;
    memory_world_destroy(&empty);
    rig_destroy(&rig);
}

static void creating_a_cell_again_changes_nothing(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *store = rig_opened(rig);
    rig_until_stands(store, rig_append_lead(store, 1, "H 1"));
    struct store *other = rig_store(rig);
    assert_int_equal(store_create_cell(other), STORE_OK);
    store_close(&other);
    rig_until_stands(store, rig_append_lead(store, 2, "H 1"));
    store_close(&store);
    struct loaded loaded = load_anew(rig);
    assert_int_equal(model_count(loaded.model), 2);
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

static void every_open_takes_a_higher_epoch(void **state)
{
    struct rig *rig = rig_of(state);
    for (uint64_t expected = 1; expected < 4; expected++) {
        struct store *store = rig_opened(rig);
        assert_int_equal(rig_epoch(store), expected);
        store_close(&store);
    }
    rig_destroy(&rig);
}

/* ---- the fence ------------------------------------------------------------------- */

static void a_takeover_fences_the_former_brokers_beats(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *former = rig_opened(rig);
    rig_until_stands(former, rig_append_lead(former, 1, "H 1"));
    struct store *next = rig_opened(rig);
    rig_append_lead(former, 2, "H 1");
    rig_until_status(former, STORE_FENCED);
    assert_int_equal(store_stands(former), 1);
    uint64_t epoch;
    assert_int_equal(store_reopen(former, &epoch), STORE_FENCED);
    rig_until_stands(next, rig_append_lead(next, 3, "H 1"));
    store_close(&former);
    store_close(&next);
    struct loaded loaded = load_anew(rig);
    assert_int_equal(model_count(loaded.model), 2);
    assert_null(model_get(loaded.model, ROW_LEAD, 2));
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

static void a_takeover_fences_the_former_brokers_renewals(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *former = rig_opened(rig);
    rig_until_stands(former, store_renew(former));
    struct store *next = rig_opened(rig);
    store_renew(former);
    rig_until_status(former, STORE_FENCED);
    assert_int_equal(store_stands(former), 1);
    store_close(&former);
    store_close(&next);
    rig_destroy(&rig);
}

static void a_takeover_fences_the_former_brokers_view(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *former = rig_opened(rig);
    rig_until_stands(former, rig_append_lead(former, 1, "H 1"));
    struct store *next = rig_opened(rig);
    rig_until_stands(next, rig_append_lead(next, 1, "H 2"));
    rig_until_flushed(next);
    store_idle(former, true); /* would write "H 1" over it */
    rig_until_status(former, STORE_FENCED);
    store_close(&former);
    store_close(&next);
    struct loaded loaded = load_anew(rig);
    assert_string_equal(model_get(loaded.model, ROW_LEAD, 1), "H 2");
    assert_int_equal(loaded.log_rows, 0);
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

/* ---- lost connections ------------------------------------------------------------ */

enum loss { REPLY_LOST, WRITE_LOST };

/* Three beats and a renewal in flight when the connection goes; after reopening
 * they all stand, each once, and a fourth follows. */
static void lose_and_reopen(struct rig *rig, enum loss loss)
{
    struct store *store = rig_opened(rig);
    const uint64_t first_epoch = rig_epoch(store);
    rig_until_stands(store, rig_append_lead(store, 1, "H 1"));
    (loss == REPLY_LOST ? rig_lose_reply : rig_lose_write)(rig);
    rig_append_lead(store, 2, "H 1");
    rig_append_lead(store, 3, "H 1");
    store_renew(store);
    rig_append_lead(store, 4, "H 1");
    rig_pump(store);
    rig_break(rig, store);
    assert_int_equal(store_stands(store), 1);
    rig_append_lead(store, 5, "H 1"); /* decided while the store is away */
    rig_heal(rig);
    uint64_t epoch = 0;
    assert_int_equal(store_reopen(store, &epoch), STORE_OK);
    assert_true(epoch > first_epoch);
    rig_until_stands(store, 6);
    rig_until_stands(store, rig_append_lead(store, 6, "H 1"));
    store_close(&store);

    struct loaded loaded = load_anew(rig);
    assert_int_equal(model_count(loaded.model), 6);
    assert_int_equal(loaded.entries, 6); /* none twice */
    model_destroy(&loaded.model);
}

static void a_beat_whose_reply_was_lost_stands_once(void **state)
{
    struct rig *rig = rig_of(state);
    lose_and_reopen(rig, REPLY_LOST);
    rig_destroy(&rig);
}

static void a_beat_that_was_lost_is_appended_again_unchanged(void **state)
{
    struct rig *rig = rig_of(state);
    lose_and_reopen(rig, WRITE_LOST);
    rig_destroy(&rig);
}

static void a_reply_lost_during_reopen_is_no_harm(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *store = rig_opened(rig);
    uint64_t epoch = 0;
    rig_lose_write(rig);
    rig_append_lead(store, 1, "H 1");
    rig_pump(store);
    rig_break(rig, store);
    rig_heal(rig);
    rig_lose_reply(rig); /* of our own takeover */
    assert_int_equal(store_reopen(store, &epoch), STORE_AWAY);
    rig_heal(rig);
    assert_int_equal(store_reopen(store, &epoch), STORE_OK);
    rig_until_stands(store, 1);
    store_close(&store);
    struct loaded loaded = load_anew(rig);
    assert_int_equal(loaded.entries, 1);
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

static void whoever_finds_another_broker_at_reopen_is_fenced(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *former = rig_opened(rig);
    rig_lose_write(rig);
    rig_append_lead(former, 1, "H 1");
    rig_pump(former);
    rig_break(rig, former);
    rig_heal(rig);
    struct store *next = rig_opened(rig);
    uint64_t epoch;
    assert_int_equal(store_reopen(former, &epoch), STORE_FENCED);
    rig_until_stands(next, store_renew(next)); /* and leaves the other one alone */
    store_close(&former);
    store_close(&next);
    rig_destroy(&rig);
}

static void a_view_write_whose_reply_was_lost_is_settled_at_reopen(void **state)
{
    for (int loss = 0; loss < 2; loss++) {
        struct rig *rig = rig_of(state);
        struct store *store = rig_opened(rig);
        uint64_t epoch;
        rig_until_flushed(store);
        rig_until_stands(store, rig_append_lead(store, 1, "W a 1 1"));
        rig_until_stands(store, rig_append_lead(store, 2, "W a 2 2"));
        (loss == 0 ? rig_lose_reply : rig_lose_write)(rig);
        store_idle(store, true);
        rig_pump(store);
        rig_break(rig, store);
        store_idle(store, false);
        rig_heal(rig);
        assert_int_equal(store_reopen(store, &epoch), STORE_OK);
        assert_int_equal(behind_of(store), loss == 0 ? 0 : 2); /* what was written is not written again */
        rig_until_stands(store, rig_append_lead(store, 1, "W b 1 1"));
        rig_until_flushed(store);
        store_close(&store);
        struct loaded loaded = load_anew(rig);
        assert_int_equal(loaded.log_rows, 0);
        assert_string_equal(model_get(loaded.model, ROW_LEAD, 1), "W b 1 1");
        assert_string_equal(model_get(loaded.model, ROW_LEAD, 2), "W a 2 2");
        model_destroy(&loaded.model);
        rig_destroy(&rig);
    }
}

/* The position stays where it was while the first rows of a large beat are
 * written: it alone cannot tell whether a write was done. */
static void a_lost_view_write_that_would_not_move_the_position_is_repeated(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *store = rig_opened(rig);
    struct buf body = {0};
    struct model *model = model_new();
    uint64_t epoch;
    for (uint32_t i = 0; i < 450; i++)
        row_put(&body, ROW_LEAD, i, "H 1");
    model_apply(model, body_slice(&body));
    rig_until_flushed(store);
    rig_until_stands(store, rig_append(store, 1, body_slice(&body)));
    rig_lose_write(rig);
    store_idle(store, true);
    rig_pump(store);
    rig_break(rig, store);
    rig_heal(rig);
    assert_int_equal(store_reopen(store, &epoch), STORE_OK);
    rig_until_flushed(store);
    store_close(&store);
    struct loaded loaded = load_anew(rig);
    assert_true(model_equal(loaded.model, model));
    assert_int_equal(loaded.view_rows, 450);
    model_destroy(&loaded.model);
    model_destroy(&model);
    buf_fini(&body);
    rig_destroy(&rig);
}

/* ---- rolled back ----------------------------------------------------------------- */

static void a_log_behind_what_was_seen_is_not_built_upon(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *store = rig_opened(rig);
    rig_until_stands(store, rig_append_lead(store, 1, "H 1"));
    const struct position last = last_of(store);
    store_close(&store);
    store = rig_store(rig);
    uint64_t epoch;
    assert_int_equal(store_open(store, (struct position){last.epoch, last.beat + 1}, &epoch), STORE_ROLLED_BACK);
    assert_non_null(strstr(store_why(store), "missing"));
    store_close(&store);
    store = rig_store(rig); /* and nothing was written by the one that refused */
    assert_int_equal(store_open(store, last, &epoch), STORE_OK);
    assert_int_equal(epoch, last.epoch + 1);
    store_close(&store);
    rig_destroy(&rig);
}

static void a_log_that_lost_what_stood_is_seen_at_reopen(void **state)
{
    struct rig *rig = rig_of(state);
    if (rig->is_redis) { /* test_store_redis.c does it by power cut */
        rig_destroy(&rig);
        return;
    }
    struct store *store = rig_opened(rig);
    rig_until_stands(store, rig_append_lead(store, 1, "H 1"));
    rig_until_stands(store, rig_append_lead(store, 2, "H 1"));
    memory_world_fault(rig->world, FAULT_AWAY);
    store_renew(store);
    rig_until_status(store, STORE_AWAY);
    memory_world_fault(rig->world, FAULT_NONE);
    memory_world_lose_tail(rig->world, 1);
    uint64_t epoch;
    assert_int_equal(store_reopen(store, &epoch), STORE_ROLLED_BACK);
    store_close(&store);
    rig_destroy(&rig);
}

/* ---- the view -------------------------------------------------------------------- */

static void rows_that_changed_often_are_written_once(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *store = rig_opened(rig);
    char payload[32];
    uint64_t ticket = 0;
    for (int i = 0; i < 300; i++) {
        snprintf(payload, sizeof payload, "H %d", i);
        ticket = rig_append_lead(store, (uint32_t) i % 3, payload);
    }
    rig_until_stands(store, ticket);
    assert_int_equal(behind_of(store), 3);
    rig_until_flushed(store);
    assert_int_equal(behind_of(store), 0);
    store_close(&store);
    struct loaded loaded = load_anew(rig);
    assert_int_equal(loaded.view_rows, 3);
    assert_int_equal(loaded.log_rows, 0);
    assert_string_equal(model_get(loaded.model, ROW_LEAD, 2), "H 299");
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

/* 1,000 rows of one beat and 1 of a later one take six writes; while the first
 * beat's rows are not all written the position must stay before it. */
static void the_position_never_passes_a_change_that_is_not_written(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *store = rig_opened(rig);
    struct buf body = {0};
    struct model *model = model_new();
    rig_until_flushed(store);
    for (uint32_t i = 0; i < 1000; i++)
        row_put(&body, ROW_LEAD, i, i % 2 == 0 ? "W many 1 1" : "H 5");
    model_apply(model, body_slice(&body));
    rig_until_stands(store, rig_append(store, 1, body_slice(&body)));
    body.len = 0;
    row_put(&body, ROW_LEAD, 0, "T");
    model_apply(model, body_slice(&body));
    rig_until_stands(store, rig_append(store, 1, body_slice(&body)));
    assert_int_equal(behind_of(store), 1000);
    assert_int_equal(view_of(store).beat, 0);
    store_idle(store, true);
    const int64_t give_up_us = clock_mono_us() + 10 * 1000 * 1000;
    while (behind_of(store) > 0) {
        rig_pump(store);
        assert_true(clock_mono_us() < give_up_us);
        if (behind_of(store) > 0)
            assert_int_equal(view_of(store).beat, 0);
    }
    assert_int_equal(view_of(store).beat, 2);
    store_close(&store);
    struct loaded loaded = load_anew(rig);
    assert_true(model_equal(loaded.model, model));
    model_destroy(&loaded.model);
    model_destroy(&model);
    buf_fini(&body);
    rig_destroy(&rig);
}

static void under_load_the_view_follows_within_a_second(void **state)
{
    struct rig *rig = rig_of(state);
    if (rig->is_redis) { /* time is a number only where no server answers in its own */
        rig_destroy(&rig);
        return;
    }
    struct store *store = rig_opened(rig);
    const int64_t start_us = 5000000;
    store_pump(store, start_us);
    rig_append_lead(store, 1, "H 1");
    store_pump(store, start_us + 100);
    for (int64_t at_us = start_us + 100; at_us < start_us + 700000; at_us += 1000) {
        rig_append_lead(store, 2, "H 1");
        assert_int_equal(store_pump(store, at_us), STORE_OK);
    }
    assert_int_equal(view_of(store).epoch, 0);
    assert_true(store_next_us(store) <= start_us + 700100);
    assert_int_equal(store_pump(store, start_us + 700100), STORE_OK);
    assert_int_equal(behind_of(store), 0);
    assert_int_equal(store_next_us(store), INT64_MAX);
    store_close(&store);
    rig_destroy(&rig);
}

/* ---- refusing -------------------------------------------------------------------- */

static void set_refusing(struct rig *rig, bool refusing)
{
    if (rig->is_redis)
        freeReplyObject(redis_server_command(rig->server, "CONFIG SET min-replicas-to-write %d", refusing ? 1 : 0));
    else
        memory_world_fault(rig->world, refusing ? FAULT_REFUSING : FAULT_NONE);
}

static void beats_that_were_refused_stand_once_the_store_takes_them(void **state)
{
    struct rig *rig = rig_of(state);
    struct store *store = rig_opened(rig);
    uint64_t epoch;
    rig_until_stands(store, rig_append_lead(store, 1, "H 1"));
    set_refusing(rig, true);
    rig_append_lead(store, 2, "H 1");
    rig_append_lead(store, 3, "H 1");
    rig_until_status(store, STORE_REFUSING);
    assert_int_equal(store_stands(store), 1);
    assert_int_equal(store_reopen(store, &epoch), STORE_REFUSING);
    set_refusing(rig, false);
    assert_int_equal(store_reopen(store, &epoch), STORE_OK);
    rig_until_stands(store, 3);
    store_close(&store);
    struct loaded loaded = load_anew(rig);
    assert_int_equal(loaded.entries, 3);
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

/* ---- both ------------------------------------------------------------------------ */

int main(void)
{
    static const struct CMUnitTest contract[] = {
        cmocka_unit_test(beats_stand_in_order_and_are_loaded_as_they_were),
        cmocka_unit_test(tickets_count_renewals_and_stand_with_all_before_them),
        cmocka_unit_test(every_kind_of_row_comes_back),
        cmocka_unit_test(what_is_gone_leaves_the_view_and_no_load_brings_it_back),
        cmocka_unit_test(policies_come_before_all_other_rows_of_the_view),
        cmocka_unit_test(a_cell_that_was_not_created_is_refused),
        cmocka_unit_test(creating_a_cell_again_changes_nothing),
        cmocka_unit_test(every_open_takes_a_higher_epoch),
        cmocka_unit_test(a_takeover_fences_the_former_brokers_beats),
        cmocka_unit_test(a_takeover_fences_the_former_brokers_renewals),
        cmocka_unit_test(a_takeover_fences_the_former_brokers_view),
        cmocka_unit_test(a_beat_whose_reply_was_lost_stands_once),
        cmocka_unit_test(a_beat_that_was_lost_is_appended_again_unchanged),
        cmocka_unit_test(a_reply_lost_during_reopen_is_no_harm),
        cmocka_unit_test(whoever_finds_another_broker_at_reopen_is_fenced),
        cmocka_unit_test(a_view_write_whose_reply_was_lost_is_settled_at_reopen),
        cmocka_unit_test(a_lost_view_write_that_would_not_move_the_position_is_repeated),
        cmocka_unit_test(a_log_behind_what_was_seen_is_not_built_upon),
        cmocka_unit_test(a_log_that_lost_what_stood_is_seen_at_reopen),
        cmocka_unit_test(rows_that_changed_often_are_written_once),
        cmocka_unit_test(the_position_never_passes_a_change_that_is_not_written),
        cmocka_unit_test(under_load_the_view_follows_within_a_second),
        cmocka_unit_test(beats_that_were_refused_stand_once_the_store_takes_them),
    };
    const int failed_memory = cmocka_run_group_tests_name("memory", contract, NULL, NULL);
    return failed_memory + cmocka_run_group_tests_name("redis", contract, redis_server_setup, redis_server_teardown);
}
