/* SPDX-License-Identifier: Apache-2.0
 * test_store_redis.c - what only a store in Redis can get wrong: settings, late
 * bytes, killed servers, power cuts, full memory. Keys: test_store_keys.c. */
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

static void configure(struct redis_server *server, const char *name, const char *value)
{
    redisReply *reply = redis_server_command(server, "CONFIG SET %s %s", name, value);
    assert_int_equal(reply->type, REDIS_REPLY_STATUS);
    freeReplyObject(reply);
}

static long long log_length(struct rig *rig)
{
    return redis_server_integer(rig->server, "XLEN {%s}:log", rig->cell);
}

/* ---- settings -------------------------------------------------------------------- */

static void a_setting_that_could_lose_leads_is_refused_by_name(void **state)
{
    static const char *const unsafe[][3] = {
        {"appendonly", "no", "yes"},
        {"appendfsync", "everysec", "always"},
        {"appendfsync", "no", "always"},
        {"maxmemory-policy", "allkeys-lru", "noeviction"},
        {"maxmemory-policy", "volatile-ttl", "noeviction"},
        {"no-appendfsync-on-rewrite", "yes", "no"},
    };
    struct rig *rig = rig_new(*state);
    char why[256];
    for (size_t i = 0; i < sizeof unsafe / sizeof *unsafe; i++) {
        configure(rig->server, unsafe[i][0], unsafe[i][1]);
        assert_int_equal(rig_open_status(rig, false, why), STORE_UNSAFE);
        assert_non_null(strstr(why, unsafe[i][0]));
        assert_non_null(strstr(why, unsafe[i][2]));
        configure(rig->server, unsafe[i][0], unsafe[i][2]);
    }
    configure(rig->server, "appendfsync", "everysec");
    assert_int_equal(rig_open_status(rig, true, why), STORE_OK);
    configure(rig->server, "appendfsync", "always");
    assert_int_equal(rig_open_status(rig, false, why), STORE_OK);
    rig_destroy(&rig);
}

static void a_replica_is_refused(void **state)
{
    (void) state;
    struct redis_server *server = redis_server_start(NULL);
    struct rig *rig = rig_new(server);
    char why[256];
    freeReplyObject(redis_server_command(server, "REPLICAOF 127.0.0.1 1"));
    assert_int_equal(rig_open_status(rig, false, why), STORE_UNSAFE);
    assert_non_null(strstr(why, "replica"));
    rig_destroy(&rig);
    redis_server_stop(&server);
}

static void a_server_that_is_not_there_is_away(void **state)
{
    struct rig *rig = rig_new(*state);
    const struct store_redis_options options = {.address = "unix:/nowhere/redis.sock", .cell = rig->cell};
    struct store *store = store_redis_new(&options);
    uint64_t epoch;
    assert_int_equal(store_open(store, nothing_seen, &epoch), STORE_AWAY);
    assert_non_null(strstr(store_why(store), "connecting"));
    store_close(&store);
    rig_destroy(&rig);
}

static void a_cell_without_its_epoch_is_not_made_anew(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    store_close(&store);
    freeReplyObject(redis_server_command(rig->server, "DEL {%s}:epoch", rig->cell));
    store = rig_store(rig);
    assert_int_equal(store_create_cell(store), STORE_DAMAGED);
    store_close(&store);
    char why[256];
    assert_int_equal(rig_open_status(rig, false, why), STORE_NO_CELL);
    rig_destroy(&rig);
}

/* ---- late bytes, late answers ---------------------------------------------------- */

static void bytes_of_a_closed_connection_that_arrive_late_change_nothing(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    uint64_t epoch;
    rig_until_flushed(store);
    rig_until_stands(store, rig_append_lead(store, 1, "W a 1 1"));
    redis_proxy_mode(rig->proxy, PROXY_HOLD_REQUESTS);
    rig_append_lead(store, 1, "W b 2 2"); /* held on its way, and so is the write of the view */
    rig_append_lead(store, 2, "W b 2 2");
    store_idle(store, true);
    rig_pump(store);
    rig_break(rig, store);
    store_idle(store, false);
    assert_int_equal(store_reopen(store, &epoch), STORE_OK);
    rig_until_stands(store, 3);
    rig_until_stands(store, rig_append_lead(store, 2, "H 9"));
    rig_until_flushed(store);
    const long long length = log_length(rig);
    redis_proxy_deliver(rig->proxy);
    assert_int_equal(log_length(rig), length);
    rig_until_stands(store, rig_append_lead(store, 3, "H 9"));
    rig_until_flushed(store);
    store_close(&store);
    struct loaded loaded;
    char why[256], text[512];
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_OK);
    assert_string_equal(model_get(loaded.model, ROW_LEAD, 1), "W b 2 2");
    assert_string_equal(model_get(loaded.model, ROW_LEAD, 2), "H 9");
    rig_members(rig, "pool:a", text);
    assert_string_equal(text, "");
    rig_members(rig, "pool:b", text);
    assert_string_equal(text, "1:2 ");
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

static void a_server_that_does_not_answer_for_three_seconds_is_away(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    uint64_t epoch;
    rig_until_flushed(store); /* so that it is the beat that waits, not the view */
    redis_proxy_mode(rig->proxy, PROXY_LOSE_REPLIES);
    rig_append_lead(store, 1, "H 1");
    const int64_t now_us = clock_mono_us();
    assert_int_equal(store_pump(store, now_us), STORE_OK);
    assert_true(store_next_us(store) <= now_us + 3000001);
    assert_int_equal(store_pump(store, now_us + 2900000), STORE_OK);
    assert_int_equal(store_pump(store, now_us + 3100000), STORE_AWAY);
    assert_non_null(strstr(store_why(store), "no answer to a write for"));
    redis_proxy_cut(rig->proxy);
    assert_int_equal(store_reopen(store, &epoch), STORE_OK);
    rig_until_stands(store, 1);
    store_close(&store);
    rig_destroy(&rig);
}

static long refusals(struct redis_server *server)
{
    redisReply *reply = redis_server_command(server, "INFO errorstats");
    const char *at = strstr(reply->str, "errorstat_NOREPLICAS:count=");
    const long n = at != NULL ? atol(at + strlen("errorstat_NOREPLICAS:count=")) : 0;
    freeReplyObject(reply);
    return n;
}

/* Sent before the refusal of the one before was read, and taken by the server by then. */
static void a_beat_dies_with_the_one_before_it(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct loaded loaded;
    uint64_t epoch;
    char why[256];
    rig_until_stands(store, rig_append_lead(store, 1, "H 1"));
    configure(rig->server, "min-replicas-to-write", "1");
    const long before = refusals(rig->server);
    const int64_t give_up_us = clock_mono_us() + 10 * 1000 * 1000;
    rig_append_lead(store, 2, "H 1");
    rig_pump(store);
    while (refusals(rig->server) == before)
        assert_true(clock_mono_us() < give_up_us);
    configure(rig->server, "min-replicas-to-write", "0");
    rig_append_lead(store, 3, "H 1");
    rig_until_status(store, STORE_REFUSING);
    assert_int_equal(log_length(rig), 2);
    assert_int_equal(store_reopen(store, &epoch), STORE_OK);
    rig_until_stands(store, 3);
    store_close(&store);
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_OK);
    assert_int_equal(loaded.entries, 3);
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

/* ---- killed servers, power cuts -------------------------------------------------- */

enum { ROUNDS = 5, BEATS_A_ROUND = 40 };

/* Append until about half a round stands, take the server down, start it, reopen. */
static uint32_t one_round(struct rig *rig, struct store *store, uint32_t n, void (*take_down)(struct redis_server *))
{
    uint64_t epoch, ticket = 0;
    for (uint32_t i = 0; i < BEATS_A_ROUND; i++) {
        ticket = rig_append_lead(store, n++, "W a 1 1");
        if (i == BEATS_A_ROUND / 2)
            rig_until_stands(store, ticket);
        rig_pump(store);
        store_idle(store, i % 3 == 0);
    }
    store_idle(store, false);
    take_down(rig->server);
    rig_until_status(store, STORE_AWAY);
    redis_server_restart(rig->server);
    if (store_reopen(store, &epoch) != STORE_OK)
        fail_msg("%s", store_why(store));
    rig_until_stands(store, ticket);
    return n;
}

static void take_down_and_count(struct redis_server *server, void (*take_down)(struct redis_server *))
{
    struct rig *rig = rig_new(server);
    struct store *store = rig_opened(rig);
    uint32_t n = 0;
    for (int round = 0; round < ROUNDS; round++)
        n = one_round(rig, store, n, take_down);
    store_close(&store);
    struct loaded loaded;
    char why[256];
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_OK);
    assert_int_equal(model_count(loaded.model), n);
    /* none twice: all beats, our takeovers (open, one a round), and the one of this load */
    assert_int_equal(log_length(rig), n + 1 + ROUNDS + 1);
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

static void a_killed_server_loses_nothing_and_repeats_nothing(void **state)
{
    (void) state;
    struct redis_server *server = redis_server_start(NULL);
    take_down_and_count(server, redis_server_kill);
    redis_server_stop(&server);
}

static void a_power_cut_loses_nothing_that_stood(void **state)
{
    (void) state;
    const struct redis_server_options options = {.power_shim = POWER_SHIM};
    struct redis_server *server = redis_server_start(&options);
    take_down_and_count(server, redis_server_cut_power);
    redis_server_stop(&server);
}

/* The same with everysec: what stood is gone. It proves the power cut, and that
 * the loss is seen. */
static void a_power_cut_under_everysec_is_seen_as_a_roll_back(void **state)
{
    (void) state;
    static const char *const everysec[] = {"--appendfsync", "everysec", NULL};
    const struct redis_server_options options = {.power_shim = POWER_SHIM, .arguments = everysec};
    struct redis_server *server = redis_server_start(&options);
    const struct store_redis_options unsafe = {
        .address = redis_server_address(server), .cell = "cell", .broker_id = "test", .allow_unsafe = true};
    struct store *store = store_redis_new(&unsafe);
    struct loaded loaded;
    uint64_t epoch;
    assert_int_equal(store_create_cell(store), STORE_OK);
    freeReplyObject(redis_server_command(server, "CONFIG SET appendfsync always")); /* a synced cell to begin with */
    assert_int_equal(store_open(store, nothing_seen, &epoch), STORE_OK);
    assert_int_equal(rig_load(store, &loaded), STORE_OK);
    model_destroy(&loaded.model);
    freeReplyObject(redis_server_command(server, "CONFIG SET appendfsync everysec"));
    for (uint32_t i = 0; i < 20; i++)
        rig_until_stands(store, rig_append_lead(store, i, "H 1"));
    redis_server_cut_power(server);
    rig_until_status(store, STORE_AWAY);
    redis_server_restart(server);
    assert_int_equal(store_reopen(store, &epoch), STORE_ROLLED_BACK);
    assert_non_null(strstr(store_why(store), "missing"));
    store_close(&store);
    redis_server_stop(&server);
}

static void a_slow_disk_makes_beats_slow_and_nothing_else(void **state)
{
    (void) state;
    const struct redis_server_options options = {.power_shim = POWER_SHIM, .fsync_delay_ms = 30};
    struct redis_server *server = redis_server_start(&options);
    struct rig *rig = rig_new(server);
    struct store *store = rig_opened(rig);
    const int64_t begin_us = clock_mono_us();
    for (uint32_t i = 1; i <= 10; i++) {
        rig_until_stands(store, rig_append_lead(store, i, "H 1"));
        assert_true(clock_mono_us() - begin_us >= i * 30000); /* nothing stands before its flush */
    }
    assert_true(clock_mono_us() - begin_us < 10 * 10 * 30000);
    store_close(&store);
    rig_destroy(&rig);
    redis_server_stop(&server);
}

/* ---- memory ---------------------------------------------------------------------- */

static void a_full_server_takes_beats_while_the_view_waits(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct store_levels levels;
    rig_until_flushed(store);
    configure(rig->server, "maxmemory", "1");
    store_idle(store, true);
    rig_until_stands(store, rig_append_lead(store, 1, "W a 1 1"));
    rig_until_stands(store, rig_append_lead(store, 2, "W a 1 1"));
    rig_until_stands(store, store_renew(store));
    store_levels(store, &levels);
    assert_int_equal(levels.view_rows_behind, 2);
    uint64_t epoch;
    rig_break(rig, store);
    assert_int_equal(store_reopen(store, &epoch), STORE_OK); /* a takeover, too, gets in */
    rig_until_stands(store, rig_append_lead(store, 2, "H 1"));
    configure(rig->server, "maxmemory", "0");
    rig_until_flushed(store);
    store_close(&store);
    rig_destroy(&rig);
}

static void levels_tell_the_servers_memory(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct store_levels levels = {0};
    const int64_t give_up_us = clock_mono_us() + 10 * 1000 * 1000;
    configure(rig->server, "maxmemory", "1gb");
    while (levels.memory_max == 0) {
        rig_pump(store);
        store_levels(store, &levels);
        assert_true(clock_mono_us() < give_up_us);
    }
    assert_int_equal(levels.memory_max, 1 << 30);
    assert_true(levels.memory_used > 100000);
    configure(rig->server, "maxmemory", "0");
    store_close(&store);
    rig_destroy(&rig);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_setting_that_could_lose_leads_is_refused_by_name),
        cmocka_unit_test(a_replica_is_refused),
        cmocka_unit_test(a_server_that_is_not_there_is_away),
        cmocka_unit_test(a_cell_without_its_epoch_is_not_made_anew),
        cmocka_unit_test(bytes_of_a_closed_connection_that_arrive_late_change_nothing),
        cmocka_unit_test(a_server_that_does_not_answer_for_three_seconds_is_away),
        cmocka_unit_test(a_beat_dies_with_the_one_before_it),
        cmocka_unit_test(a_killed_server_loses_nothing_and_repeats_nothing),
        cmocka_unit_test(a_power_cut_loses_nothing_that_stood),
        cmocka_unit_test(a_power_cut_under_everysec_is_seen_as_a_roll_back),
        cmocka_unit_test(a_slow_disk_makes_beats_slow_and_nothing_else),
        cmocka_unit_test(a_full_server_takes_beats_while_the_view_waits),
        cmocka_unit_test(levels_tell_the_servers_memory),
    };
    return cmocka_run_group_tests(tests, redis_server_setup, redis_server_teardown);
}
