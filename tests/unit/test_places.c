/* SPDX-License-Identifier: Apache-2.0
 * test_places.c - what the broker adds to a lead before the core sees it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "broker/places.h"
#include "proto/wire.h"
#include "tests/lib/geo_tables.h"

static char path[GEO_TABLES_PATH];
static struct geo *geo;
static struct wire *wire;

static int open_tables(void **state)
{
    (void) state;
    geo_tables_path(path);
    geo = geo_tables_open(path);
    wire = wire_new();
    return 0;
}

static int close_tables(void **state)
{
    (void) state;
    wire_destroy(&wire);
    geo_close(&geo);
    geo_tables_remove(path);
    return 0;
}

static struct slice text(const char *at)
{
    return slice_of(at, strlen(at));
}

static struct attribute said(const char *name, const char *value)
{
    return (struct attribute){.name = text(name), .text = text(value)};
}

/* As it comes from a socket: encoded and decoded. `room` keeps the bytes. */
static struct row come_in(struct row row, uint8_t room[ROW_BYTES_MAX])
{
    struct row decoded;
    row.key = text("1");
    const size_t len = wire_encode_row(&row, room, ROW_BYTES_MAX);
    assert_true(len > 0);
    assert_int_equal(wire_decode_row(wire, slice_of(room, len), text("web"), &decoded), REASON_OK);
    return decoded;
}

static const struct attribute *find(const struct row *row, const char *name)
{
    const struct attribute *found = NULL;
    for (uint32_t i = 0; i < row->n_attributes; i++)
        if (row->attributes[i].name.len == strlen(name) && !memcmp(row->attributes[i].name.at, name, strlen(name))) {
            assert_null(found); /* each once */
            found = &row->attributes[i];
        }
    return found;
}

static void has(const struct row *row, const char *name, const char *value)
{
    const struct attribute *found = find(row, name);
    assert_non_null(found);
    assert_int_equal(found->text.len, strlen(value));
    assert_memory_equal(found->text.at, value, found->text.len);
}

/* What an agent or a report reads: the row's bytes with what was added behind them. */
static struct row whole(const struct row *row)
{
    static uint8_t bytes[ROW_BYTES_MAX];
    struct row again;
    memcpy(bytes, row->raw.at, row->raw.len);
    memcpy(bytes + row->raw.len, row->added.at, row->added.len);
    assert_int_equal(wire_decode_row(wire, slice_of(bytes, row->raw.len + row->added.len), text("web"), &again),
                     REASON_OK);
    return again;
}

static void a_lead_gets_its_place_and_keeps_its_own_bytes(void **state)
{
    (void) state;
    uint8_t room[ROW_BYTES_MAX];
    const struct attribute given[] = {said("product", "solar"), said("zip", "35762")};
    const struct row row = come_in(
        (struct row){.name = text("Ann"), .phone = text("(256) 372-5000"), .attributes = given, .n_attributes = 2},
        room);
    struct msg_chunk chunk = {.rows = &row, .n_rows = 1};
    struct places *places = places_new(geo);
    places_resolve(places, &chunk);
    for (int times = 0; times < 2; times++) {
        const struct row found = times ? whole(&chunk.rows[0]) : chunk.rows[0];
        assert_int_equal(found.n_attributes, 8);
        has(&found, "product", "solar");
        has(&found, "state", "AL");
        has(&found, "county", "Madison");
        has(&found, "metro", "Huntsville, AL");
        has(&found, "city", "Normal");
        has(&found, "zone", "America/Chicago");
        assert_int_equal(find(&found, "area_code")->number, 256);
        assert_true(id_equal(found.lead, row.lead));
    }
    assert_ptr_equal(chunk.rows[0].raw.at, row.raw.at);
    assert_int_equal(chunk.rows[0].raw.len, row.raw.len);
    places_destroy(&places);
}

static void what_the_source_gave_is_left_as_it_is(void **state)
{
    (void) state;
    uint8_t room[ROW_BYTES_MAX];
    const struct attribute given[] = {said("county", "Madison County"), said("zip", "35762"), said("zone", "mine"),
                                      said("area_code", "none")};
    const struct row row = come_in(
        (struct row){.name = text("Ann"), .phone = text("2563725000"), .attributes = given, .n_attributes = 4}, room);
    struct msg_chunk chunk = {.rows = &row, .n_rows = 1};
    struct places *places = places_new(geo);
    places_resolve(places, &chunk);
    has(&chunk.rows[0], "county", "Madison County");
    has(&chunk.rows[0], "zone", "mine");
    has(&chunk.rows[0], "area_code", "none");
    has(&chunk.rows[0], "metro", "Huntsville, AL");
    places_destroy(&places);
}

/* Florida has two clocks, and so has 850: calling hours must not believe that most of it is all of it. */
static void a_zone_that_is_only_guessed_is_not_told(void **state)
{
    (void) state;
    uint8_t room[2][ROW_BYTES_MAX];
    const struct attribute given[] = {said("state", "FL")};
    const struct row rows[] = {
        come_in((struct row){.name = text("Ann"), .phone = text("8503725000"), .attributes = given, .n_attributes = 1},
                room[0]),
        come_in((struct row){.name = text("Bob"), .phone = text("8503725001")}, room[1])};
    struct msg_chunk chunk = {.rows = rows, .n_rows = 2};
    struct places *places = places_new(geo);
    places_resolve(places, &chunk);
    for (int i = 0; i < 2; i++) {
        has(&chunk.rows[i], "state", "FL");
        assert_null(find(&chunk.rows[i], "zone"));
    }
    places_destroy(&places);
}

static void without_a_geo_file_only_a_phone_adds_something(void **state)
{
    (void) state;
    uint8_t room[2][ROW_BYTES_MAX];
    const struct attribute given[] = {said("zip", "35762")};
    struct places *places = places_new(NULL);
    struct row rows[2];
    rows[0] = come_in((struct row){.name = text("A"), .attributes = given, .n_attributes = 1}, room[0]);
    struct msg_chunk chunk = {.rows = rows, .n_rows = 1};
    places_resolve(places, &chunk);
    assert_int_equal(chunk.rows[0].n_attributes, 1);
    assert_int_equal(chunk.rows[0].added.len, 0);
    rows[0] = come_in((struct row){.phone = text("+1 256 372 5000")}, room[1]);
    chunk = (struct msg_chunk){.rows = rows, .n_rows = 1};
    places_resolve(places, &chunk);
    assert_int_equal(chunk.rows[0].n_attributes, 1);
    assert_int_equal(find(&chunk.rows[0], "area_code")->number, 256);
    places_destroy(&places);
}

static void a_zip_may_come_as_a_number(void **state)
{
    (void) state;
    uint8_t room[ROW_BYTES_MAX];
    const struct {
        int64_t zip;
        const char *county;
    } cases[] = {{35762, "Madison"}, {357620110, "Madison"}, {6510, "South Central Regional"}, {-35762, NULL},
                 {0, NULL},          {INT64_MAX, NULL}};
    struct places *places = places_new(geo);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct attribute given[] = {{.name = text("zip"), .number = cases[i].zip},
                                          said("state", cases[i].zip == 6510 ? "CT" : "AL")};
        const struct row row = come_in((struct row){.name = text("A"), .attributes = given, .n_attributes = 2}, room);
        struct msg_chunk chunk = {.rows = &row, .n_rows = 1};
        places_resolve(places, &chunk);
        if (cases[i].county)
            has(&chunk.rows[0], "county", cases[i].county);
        else
            assert_null(find(&chunk.rows[0], "county"));
    }
    places_destroy(&places);
}

static void a_row_without_room_stays_as_it_came(void **state)
{
    (void) state;
    uint8_t room[ROW_BYTES_MAX];
    char names[ROW_ATTRIBUTES_MAX][16], filler[TEXT_BYTES_MAX];
    struct attribute many[ROW_ATTRIBUTES_MAX];
    struct places *places = places_new(geo);
    memset(filler, 'x', sizeof filler);
    many[0] = said("zip", "35762");
    for (int i = 1; i < ROW_ATTRIBUTES_MAX; i++) {
        snprintf(names[i], sizeof names[i], "a%d", i);
        many[i] = said(names[i], "b");
    }
    struct row row =
        come_in((struct row){.name = text("A"), .attributes = many, .n_attributes = ROW_ATTRIBUTES_MAX - 4},
                room); /* five would be added */
    struct msg_chunk chunk = {.rows = &row, .n_rows = 1};
    places_resolve(places, &chunk);
    assert_int_equal(chunk.rows[0].n_attributes, ROW_ATTRIBUTES_MAX - 4);
    assert_int_equal(chunk.rows[0].added.len, 0);
    for (int i = 1; i < 8; i++)
        many[i].text = slice_of(filler, i < 7 ? sizeof filler : 950);
    row = come_in((struct row){.name = text("A"), .attributes = many, .n_attributes = 8}, room);
    assert_true(row.raw.len > ROW_BYTES_MAX - 1200);
    many[8] = (struct attribute){.name = text("fill"), .text = slice_of(filler, ROW_BYTES_MAX - 40 - row.raw.len)};
    row = come_in((struct row){.name = text("A"), .attributes = many, .n_attributes = 9}, room);
    chunk = (struct msg_chunk){.rows = &row, .n_rows = 1};
    places_resolve(places, &chunk);
    assert_int_equal(chunk.rows[0].n_attributes, 9);
    assert_int_equal(chunk.rows[0].added.len, 0);
    places_destroy(&places);
}

static void rejected_rows_and_their_neighbours_keep_their_order(void **state)
{
    (void) state;
    uint8_t room[ROW_BYTES_MAX];
    const struct attribute given[] = {said("zip", "60601")};
    const struct row row = come_in((struct row){.name = text("A"), .attributes = given, .n_attributes = 1}, room);
    struct row rows[CHUNK_ROWS_MAX];
    for (int i = 0; i < CHUNK_ROWS_MAX; i++)
        rows[i] = i % 2 ? (struct row){.raw = text("damaged"), .reject = REASON_BAD_TEXT} : row;
    struct msg_chunk chunk = {.rows = rows, .n_rows = CHUNK_ROWS_MAX};
    struct places *places = places_new(geo);
    places_resolve(places, &chunk);
    for (int i = 0; i < CHUNK_ROWS_MAX; i++) {
        assert_int_equal(chunk.rows[i].reject, i % 2 ? REASON_BAD_TEXT : REASON_OK);
        if (i % 2)
            assert_int_equal(chunk.rows[i].n_attributes, 0);
        else
            has(&chunk.rows[i], "county", "Cook");
    }
    places_destroy(&places);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lead_gets_its_place_and_keeps_its_own_bytes),
        cmocka_unit_test(what_the_source_gave_is_left_as_it_is),
        cmocka_unit_test(a_zone_that_is_only_guessed_is_not_told),
        cmocka_unit_test(without_a_geo_file_only_a_phone_adds_something),
        cmocka_unit_test(a_zip_may_come_as_a_number),
        cmocka_unit_test(a_row_without_room_stays_as_it_came),
        cmocka_unit_test(rejected_rows_and_their_neighbours_keep_their_order),
    };
    return cmocka_run_group_tests(tests, open_tables, close_tables);
}
