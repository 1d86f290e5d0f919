/* SPDX-License-Identifier: Apache-2.0
 * test_store_keys.c - what lies in Redis: keys, sorted sets, what a reader without
 * a fence sees; and that damage of any of it is found. */
#include "tests/store/store_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/clock.h"

/* ---- helpers --------------------------------------------------------------------- */

/* ---- damage ---------------------------------------------------------------------- */

/* Flip one bit of the first place in the append-only file that holds `text`. */
static void flip_in_file(struct redis_server *server, const char *text)
{
    char path[160];
    snprintf(path, sizeof path, "%s/appendonlydir/appendonly.aof.1.incr.aof", redis_server_folder(server));
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    struct buf bytes = {0};
    uint8_t chunk[4096];
    size_t n;
    while ((n = fread(chunk, 1, sizeof chunk, file)) > 0)
        buf_add(&bytes, chunk, n);
    const uint8_t *at = memmem(bytes.at, bytes.len, text, strlen(text));
    assert_non_null(at);
    fseek(file, at - bytes.at, SEEK_SET);
    fputc(*at ^ 1, file);
    fclose(file);
    buf_fini(&bytes);
}

static void a_bit_flipped_in_the_file_is_found(void **state)
{
    (void) state;
    struct redis_server *server = redis_server_start(NULL);
    struct rig *rig = rig_new(server);
    struct store *store = rig_opened(rig);
    struct loaded loaded;
    char why[256];
    rig_until_stands(store, rig_append_lead(store, 1, "H 1 what-it-says"));
    rig_until_stands(store, rig_append_lead(store, 2, "H 1"));
    store_close(&store);
    redis_server_kill(server);
    flip_in_file(server, "what-it-says");
    redis_server_restart(server); /* Redis itself does not mind */
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_DAMAGED);
    assert_non_null(strstr(why, "1-1"));
    assert_non_null(strstr(why, "check"));
    model_destroy(&loaded.model);
    rig_destroy(&rig);
    redis_server_stop(&server);
}

static void a_byte_changed_in_the_view_is_found(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct loaded loaded;
    char why[256];
    rig_until_stands(store, rig_append_row(store, ROW_AGENT, 1, "H 1 what-it-says"));
    rig_until_flushed(store);
    store_close(&store);
    freeReplyObject(redis_server_command(rig->server, "SETRANGE {%s}:agent:name-1 20 X", rig->cell));
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_DAMAGED);
    assert_non_null(strstr(why, "agent:name-1"));
    assert_non_null(strstr(why, "check"));
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

static void a_value_under_another_key_is_found(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct loaded loaded;
    char why[256];
    rig_until_stands(store, rig_append_row(store, ROW_AGENT, 1, "H 1"));
    rig_until_flushed(store);
    store_close(&store);
    freeReplyObject(
        redis_server_command(rig->server, "COPY {%s}:agent:name-1 {%s}:agent:name-2", rig->cell, rig->cell));
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_DAMAGED);
    assert_non_null(strstr(why, "agent:name-2 holds the row of another key"));
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

static void an_entry_that_was_taken_out_is_missed(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct loaded loaded;
    char why[256];
    for (uint32_t i = 0; i < 3; i++)
        rig_until_stands(store, rig_append_lead(store, i, "H 1"));
    store_close(&store);
    redis_server_integer(rig->server, "XDEL {%s}:log 1-2", rig->cell);
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_DAMAGED);
    assert_non_null(strstr(why, "1-3"));
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

/* Sound in itself and under the right id: only the chain can tell. */
static void an_entry_of_another_history_is_found(void **state)
{
    struct rig *rigs[2];
    redisReply *logs[2];
    struct loaded loaded;
    char why[256];
    for (int i = 0; i < 2; i++) {
        rigs[i] = rig_new(*state);
        struct store *store = rig_opened(rigs[i]);
        rig_until_stands(store, rig_append_lead(store, 1, i == 0 ? "H 1" : "H 2"));
        rig_until_stands(store, rig_append_lead(store, 2, "H 1"));
        store_close(&store);
        logs[i] = redis_server_command(rigs[i]->server, "XRANGE {%s}:log - +", rigs[i]->cell);
        assert_int_equal(logs[i]->elements, 3);
    }
    freeReplyObject(redis_server_command(rigs[0]->server, "DEL {%s}:log", rigs[0]->cell));
    for (int i = 0; i < 3; i++) {
        const redisReply *entry = logs[i == 1]->element[i], *bytes = entry->element[1]->element[1];
        freeReplyObject(redis_server_command(rigs[0]->server, "XADD {%s}:log %s entry %b", rigs[0]->cell,
                                             entry->element[0]->str, bytes->str, bytes->len));
    }
    assert_int_equal(rig_load_status(rigs[0], &loaded, why), STORE_DAMAGED);
    assert_non_null(strstr(why, "names another entry"));
    model_destroy(&loaded.model);
    for (int i = 0; i < 2; i++) {
        freeReplyObject(logs[i]);
        rig_destroy(&rigs[i]);
    }
}

static void an_entry_added_by_hand_stops_the_cell(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    char why[256];
    rig_until_stands(store, rig_append_lead(store, 1, "H 1"));
    freeReplyObject(redis_server_command(rig->server, "XADD {%s}:log 1-2 entry forged", rig->cell));
    rig_append_lead(store, 2, "H 1");
    rig_until_status(store, STORE_DAMAGED);
    assert_int_equal(store_stands(store), 1);
    store_close(&store);
    assert_int_equal(rig_open_status(rig, false, why), STORE_DAMAGED);
    rig_destroy(&rig);
}

/* ---- reading, keys --------------------------------------------------------------- */

static void a_reader_without_a_fence_sees_the_same(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    struct buf body = {0}, why = {0};
    for (uint32_t i = 0; i < 600; i++) {
        body.len = 0;
        row_put(&body, i % 2 == 0 ? ROW_LEAD : ROW_INPUT, i / 3, "W a 1 1");
        model_apply(model, body_slice(&body));
        const uint64_t ticket = rig_append(store, 1, body_slice(&body));
        if (i == 590) { /* what comes then stands long before the view moves by itself, also on a slow disk */
            rig_until_stands(store, ticket);
            rig_until_flushed(store);
        }
    }
    rig_until_stands(store, 600);
    const struct store_redis_options options = {.address = redis_server_address(rig->server), .cell = rig->cell};
    struct loaded loaded = {.model = model_new()};
    assert_int_equal(store_redis_read(&options, loaded_row, &loaded, &why), STORE_OK);
    assert_true(model_equal(loaded.model, model));
    assert_int_equal(loaded.log_rows, 9);
    rig_until_stands(store, rig_append_lead(store, 1, "H 1")); /* it took nothing from the broker */
    const struct store_redis_options absent = {.address = redis_server_address(rig->server), .cell = "absent"};
    assert_int_equal(store_redis_read(&absent, loaded_row, &loaded, &why), STORE_NO_CELL);
    assert_true(why.len > 0);
    store_close(&store);
    model_destroy(&loaded.model);
    model_destroy(&model);
    buf_fini(&body);
    buf_fini(&why);
    rig_destroy(&rig);
}

static void sorted_sets_follow_the_leads(void **state)
{
    struct rig *rig = rig_new(*state);
    char text[512];
    struct store *store = rig_opened(rig);
    rig_append_lead(store, 1, "W a 10 100");
    rig_append_lead(store, 2, "W a -0.5 200");
    rig_append_lead(store, 3, "W b/team 7 300");
    rig_until_stands(store, rig_append_lead(store, 4, "H 400"));
    rig_until_flushed(store);
    rig_members(rig, "pool:a", text);
    assert_string_equal(text, "2:-0.5 1:10 ");
    rig_members(rig, "pool:b/team", text);
    assert_string_equal(text, "3:7 ");
    store_close(&store);

    store = rig_opened(rig); /* another broker knows from the rows where each lead stands */
    rig_append_lead(store, 1, "W b/team 10 101");
    rig_append_lead(store, 2, "T");
    rig_append_lead(store, 3, "H 301");
    rig_until_stands(store, rig_append_lead(store, 4, "W a 4 401"));
    rig_until_flushed(store);
    rig_members(rig, "pool:a", text);
    assert_string_equal(text, "4:4 ");
    rig_members(rig, "pool:b/team", text);
    assert_string_equal(text, "1:10 ");
    rig_until_stands(store, rig_append_lead(store, 1, "W b/team 11 102")); /* stays, with another rank */
    rig_until_flushed(store);
    rig_members(rig, "pool:b/team", text);
    assert_string_equal(text, "1:11 ");
    store_close(&store);
    rig_destroy(&rig);
}

static void inputs_of_a_beat_share_keys_and_all_come_back(void **state)
{
    enum { LEADS = 9000 };
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    struct buf body = {0};
    for (uint32_t i = 0; i < LEADS; i++)
        row_put(&body, ROW_INPUT, i, NULL);
    for (uint32_t i = 0; i < LEADS; i++)
        row_put(&body, ROW_LEAD, i, i % 2 == 0 ? "W a 1 1" : "H 1");
    model_apply(model, body_slice(&body));
    rig_until_stands(store, rig_append(store, 1, body_slice(&body)));
    body.len = 0;
    row_put(&body, ROW_INPUT, LEADS, NULL); /* comes alone */
    row_put(&body, ROW_LEAD, LEADS, "H 1");
    model_apply(model, body_slice(&body));
    rig_until_stands(store, rig_append(store, 2, body_slice(&body)));
    rig_until_flushed(store);
    store_close(&store);
    assert_int_equal(redis_server_integer(rig->server, "EXISTS {%s}:inputs:1-1-0", rig->cell), 1);
    assert_int_equal(redis_server_integer(rig->server, "EXISTS {%s}:inputs:1-2-0", rig->cell), 1);
    const long long bytes = redis_server_integer(rig->server, "STRLEN {%s}:inputs:1-1-0", rig->cell);
    assert_in_range(bytes, 60 * 1024, 64 * 1024);
    struct loaded loaded;
    char why[256];
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_OK);
    assert_true(model_equal(loaded.model, model));
    assert_int_equal(loaded.view_rows, 2 * LEADS + 2);
    model_destroy(&loaded.model);
    freeReplyObject(redis_server_command(rig->server, "SETRANGE {%s}:inputs:1-1-0 30000 X", rig->cell));
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_DAMAGED);
    assert_non_null(strstr(why, "inputs:1-1-0 does not match its check"));
    model_destroy(&loaded.model);
    freeReplyObject(redis_server_command(rig->server,
                                         "COPY {%s}:lead:a5a5a5a5a5a5a5a5a5a5a5a500000000 {%s}:inputs:1-1-0 REPLACE",
                                         rig->cell, rig->cell));
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_DAMAGED);
    assert_non_null(strstr(why, "inputs:1-1-0 holds more than inputs"));
    model_destroy(&loaded.model);
    model_destroy(&model);
    buf_fini(&body);
    rig_destroy(&rig);
}

/* ---- a bulk: its inputs lie apart ------------------------------------------------- */

static long long bytes_of_log(struct rig *rig)
{
    return redis_server_integer(rig->server, "MEMORY USAGE {%s}:log SAMPLES 0", rig->cell);
}

static void inputs_of_a_bulk_are_written_once(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    struct store_levels levels;
    rig_until_stands(store, rig_append_bulk(store, model, 0));
    store_levels(store, &levels);
    assert_int_equal(levels.view_rows_behind, RIG_BULK + 1); /* the inputs are there */
    const long long inputs = rig_count_keys(rig, "inputs:1-1-*");
    assert_true(inputs > 1);
    const long long without = bytes_of_log(rig);
    rig_lose_write(rig); /* nothing of the view gets there, and the log is what is read */
    store_close(&store);
    rig_heal(rig);
    assert_int_equal(rig_count_keys(rig, "lead:*"), 0);
    rig_expect_all(rig, model); /* whole, also for the takeover that comes right behind it */
    store = rig_opened(rig);
    rig_until_flushed(store);
    store_close(&store);
    assert_int_equal(rig_count_keys(rig, "inputs:*"), inputs);
    assert_int_equal(rig_count_keys(rig, "lead:*"),
                     RIG_BULK); /* who finds them in the log cannot tell what the view had */
    assert_int_equal(rig_count_keys(rig, "leads:*"), 0);
    assert_in_range(without, RIG_BULK * 25, RIG_BULK * 40); /* a lead's row is 25 bytes, an input's 32 */
    rig_expect_all(rig, model);
    model_destroy(&model);
    rig_destroy(&rig);
}

static void a_bulk_whose_answer_was_lost_is_found_or_repeated(void **state)
{
    for (int lost = 0; lost < 2; lost++) {
        struct rig *rig = rig_new(*state);
        struct store *store = rig_opened(rig);
        struct model *model = model_new();
        uint64_t epoch;
        rig_until_stands(store, rig_append_bulk(store, model, 0));
        (lost == 0 ? rig_lose_reply : rig_lose_write)(rig);
        rig_append_bulk(store, model, RIG_BULK);
        rig_pump(store);
        for (int i = 0; lost == 0 && rig_count_keys(rig, "inputs:1-2-*") == 0;
             i++) { /* no socket takes all of it at once */
            assert_true(i < 10000);
            rig_pump(store);
        }
        rig_break(rig, store);
        rig_heal(rig);
        assert_int_equal(store_reopen(store, &epoch), STORE_OK);
        rig_until_stands(store, 2);
        assert_true(rig_count_keys(rig, lost == 0 ? "inputs:1-2-*" : "inputs:2-1-*") > 1);
        assert_int_equal(rig_count_keys(rig, lost == 0 ? "inputs:2-1-*" : "inputs:1-2-*"), 0);
        rig_until_flushed(store);
        store_close(&store);
        rig_expect_all(rig, model);
        model_destroy(&model);
        rig_destroy(&rig);
    }
}

/* The bulk's is not the last entry: reading finds what is wrong with it, not the takeover. */
static struct rig *rig_with_bulk(struct redis_server *server)
{
    struct rig *rig = rig_new(server);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    rig_until_stands(store, rig_append_bulk(store, model, 0));
    rig_until_stands(store, rig_append_lead(store, RIG_BULK, "H 1"));
    store_close(&store);
    model_destroy(&model);
    return rig;
}

static void a_bulk_without_its_inputs_is_damage(void **state)
{
    struct rig *rig = rig_with_bulk(*state);
    struct loaded loaded;
    char why[256];
    redisReply *keys = redis_server_command(rig->server, "KEYS {%s}:inputs:*", rig->cell);
    redis_server_integer(rig->server, "DEL %s", keys->element[0]->str);
    freeReplyObject(keys);
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_DAMAGED);
    assert_string_equal(why, "log entry 1-1: its check does not match");
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

/* The entry that holds the bulk, with `inputs` as its second field. */
static void forge_places(struct rig *rig, const char *field, const char *inputs)
{
    redisReply *entries = redis_server_command(rig->server, "XRANGE {%s}:log - +", rig->cell);
    redis_server_integer(rig->server, "DEL {%s}:log", rig->cell);
    for (size_t i = 0; i < entries->elements; i++) {
        const redisReply *id = entries->element[i]->element[0], *fields = entries->element[i]->element[1],
                         *entry = fields->element[1];
        freeReplyObject(fields->elements == 2
                            ? redis_server_command(rig->server, "XADD {%s}:log %s entry %b", rig->cell, id->str,
                                                   entry->str, entry->len)
                            : redis_server_command(rig->server, "XADD {%s}:log %s entry %b %s %s", rig->cell, id->str,
                                                   entry->str, entry->len, field, inputs));
    }
    freeReplyObject(entries);
}

static void places_of_inputs_that_are_none_are_damage(void **state)
{
    static const char *const bad[] = {"",
                                      "7",
                                      "47 ",
                                      "47 x",
                                      "65567 47",
                                      "47 47",
                                      "4294967343 65567",
                                      "-1 65567",
                                      "47 65567 47",
                                      "1 2",
                                      "99999999 99999999999999999999",
                                      "47,65567"};
    struct rig *rig = rig_with_bulk(*state);
    struct loaded loaded;
    char why[256];
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        forge_places(rig, "inputs", bad[i]);
        assert_int_equal(rig_load_status(rig, &loaded, why), STORE_DAMAGED);
        assert_string_equal(why, "log entry 1-1: its check does not match");
        model_destroy(&loaded.model);
    }
    forge_places(rig, "outputs", "47 65567");
    assert_int_equal(rig_load_status(rig, &loaded, why), STORE_DAMAGED);
    assert_non_null(strstr(why, "holds what is no entry"));
    model_destroy(&loaded.model);
    rig_destroy(&rig);
}

/* Only the first that lie side by side are apart. */
static void inputs_behind_a_bulk_and_its_leads_come_with_the_view(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    struct buf body = {0};
    for (uint32_t i = 0; i < 2 * RIG_BULK; i++)
        row_put(&body, i < RIG_BULK || i == RIG_BULK + 7 ? ROW_INPUT : ROW_LEAD, i % RIG_BULK, "H 1");
    model_apply(model, body_slice(&body));
    rig_until_stands(store, rig_append(store, 1, body_slice(&body)));
    buf_fini(&body);
    const long long apart = rig_count_keys(rig, "inputs:*");
    rig_until_flushed(store);
    store_close(&store);
    assert_int_equal(rig_count_keys(rig, "inputs:*"), apart + 1);
    assert_int_equal(rig_count_keys(rig, "lead:*"), RIG_BULK - 1);
    rig_expect_all(rig, model);
    model_destroy(&model);
    rig_destroy(&rig);
}

static void a_full_server_takes_a_bulk_whole(void **state)
{
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct model *model = model_new();
    rig_until_flushed(store);
    freeReplyObject(redis_server_command(rig->server, "CONFIG SET maxmemory 1"));
    rig_until_stands(store, rig_append_bulk(store, model, 0));
    assert_int_equal(rig_count_keys(rig, "inputs:*"), 0);
    freeReplyObject(redis_server_command(rig->server, "CONFIG SET maxmemory 0"));
    rig_until_flushed(store);
    assert_true(rig_count_keys(rig, "inputs:1-1-*") > 1); /* with the view, then */
    store_close(&store);
    rig_expect_all(rig, model);
    model_destroy(&model);
    rig_destroy(&rig);
}

/* ---- the page of keys ------------------------------------------------------------- */

/* "| `:lead:<id>` | string |": the name up to '<' and the type. */
struct listed {
    char name[32], type[16];
    bool seen;
};

static size_t read_keys_page(struct listed *listed, size_t max)
{
    FILE *page = fopen(KEYS_PAGE, "r");
    char line[512];
    size_t n = 0;
    assert_non_null(page);
    while (fgets(line, sizeof line, page) != NULL && n < max) {
        listed[n] = (struct listed){0};
        if (sscanf(line, "| `:%31[^`<]%*[^|]| %15[a-z] |", listed[n].name, listed[n].type) == 2)
            n++;
    }
    fclose(page);
    return n;
}

static void the_keys_page_lists_what_a_live_server_holds(void **state)
{
    static const enum row_type kinds[] = {ROW_INPUT, ROW_LEAD,   ROW_AGENT, ROW_PROGRAMME,  ROW_IMPORT, ROW_SNAPSHOT,
                                          ROW_CELL,  ROW_POLICY, ROW_METER, ROW_SUPPRESSED, ROW_TURN};
    struct rig *rig = rig_new(*state);
    struct store *store = rig_opened(rig);
    struct listed listed[32];
    const size_t n = read_keys_page(listed, 32);
    struct model *unread = model_new();
    rig_append_bulk(store, unread, 2);
    model_destroy(&unread);
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        rig_append_row(store, kinds[i], 1, "W a 1 1");
    rig_until_stands(store, store_renew(store));
    store_retain(store, 0, 0);
    rig_archive(rig, (struct position){1, 7});
    rig_until_flushed(store);
    rig_until_trimmed(store, (struct position){1, 7});
    store_close(&store);
    redisReply *keys = redis_server_command(rig->server, "KEYS {%s}:*", rig->cell);
    const size_t prefix_len = strlen(rig->cell) + 3;
    for (size_t i = 0; i < keys->elements; i++) {
        redisReply *type = redis_server_command(rig->server, "TYPE %s", keys->element[i]->str);
        const char *name = keys->element[i]->str + prefix_len;
        size_t k = 0;
        while (k < n && (strncmp(name, listed[k].name, strlen(listed[k].name)) != 0 ||
                         (strchr(listed[k].name, ':') == NULL && strlen(listed[k].name) != strlen(name))))
            k++;
        if (k == n)
            fail_msg("a server holds :%s, which the page does not list", name);
        assert_string_equal(type->str, listed[k].type);
        listed[k].seen = true;
        freeReplyObject(type);
    }
    for (size_t k = 0; k < n; k++)
        if (!listed[k].seen)
            fail_msg("the page lists :%s, which no server holds", listed[k].name);
    assert_int_equal(n, 15);
    freeReplyObject(keys);
    rig_destroy(&rig);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bit_flipped_in_the_file_is_found),
        cmocka_unit_test(a_byte_changed_in_the_view_is_found),
        cmocka_unit_test(a_value_under_another_key_is_found),
        cmocka_unit_test(an_entry_that_was_taken_out_is_missed),
        cmocka_unit_test(an_entry_of_another_history_is_found),
        cmocka_unit_test(an_entry_added_by_hand_stops_the_cell),
        cmocka_unit_test(a_reader_without_a_fence_sees_the_same),
        cmocka_unit_test(sorted_sets_follow_the_leads),
        cmocka_unit_test(inputs_of_a_beat_share_keys_and_all_come_back),
        cmocka_unit_test(inputs_of_a_bulk_are_written_once),
        cmocka_unit_test(a_bulk_whose_answer_was_lost_is_found_or_repeated),
        cmocka_unit_test(a_bulk_without_its_inputs_is_damage),
        cmocka_unit_test(places_of_inputs_that_are_none_are_damage),
        cmocka_unit_test(inputs_behind_a_bulk_and_its_leads_come_with_the_view),
        cmocka_unit_test(a_full_server_takes_a_bulk_whole),
        cmocka_unit_test(the_keys_page_lists_what_a_live_server_holds),
    };
    return cmocka_run_group_tests(tests, redis_server_setup, redis_server_teardown);
}
