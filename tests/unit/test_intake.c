/* SPDX-License-Identifier: Apache-2.0
 * test_intake.c - a file as rows and chunks: the same every time, and never more
 * than a frame takes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/intake.h"

static char csv_path[] = "/tmp/takt-intake-XXXXXX", map_path[] = "/tmp/takt-intake-map-XXXXXX";

static int make_files(void **state)
{
    (void) state;
    int a = mkstemp(csv_path), b = mkstemp(map_path);
    return a < 0 || b < 0 || close(a) || close(b);
}

static int remove_files(void **state)
{
    (void) state;
    return unlink(csv_path) || unlink(map_path);
}

static void write_map(const char *text)
{
    FILE *file = fopen(map_path, "w");
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static struct intake *open_with(const char *source)
{
    char why[256] = "";
    struct intake *intake = intake_open(csv_path, INTAKE_BY_NAME, map_path, source, NULL, why);
    if (!intake)
        fail_msg("%s", why);
    return intake;
}

static struct id import_id(const char *map, const char *source)
{
    struct intake_plan plan;
    write_map(map);
    struct intake *intake = open_with(source);
    assert_true(intake_measure(intake, &plan));
    struct id id = intake_import_id(intake, &plan, 0);
    assert_false(id_equal(id, intake_import_id(intake, &plan, 1)));
    intake_close(&intake);
    return id;
}

static void write_rows(int n, int bytes)
{
    FILE *file = fopen(csv_path, "w");
    fputs("n,notes,more\n", file);
    for (int i = 0; i < n; i++)
        fprintf(file, "%d,%0*d,x\n", i / 2, bytes, i / 2);
    assert_int_equal(fclose(file), 0);
}

static void an_import_is_named_by_source_map_and_file(void **state)
{
    (void) state;
    write_rows(10, 5);
    struct id first = import_id("key: none\n", "a");
    assert_true(id_equal(first, import_id("key: none\n", "a")));
    assert_false(id_equal(first, import_id("key: none\n", "b")));
    assert_false(id_equal(first, import_id("key: none\nmissing: [x]\n", "a")));
    write_rows(11, 5);
    assert_false(id_equal(first, import_id("key: none\n", "a")));
    assert_false(id_equal(intake_op(first, 0), intake_op(first, 1)));
}

static void both_passes_give_the_same_rows_in_the_same_chunks(void **state)
{
    (void) state;
    enum { ROWS = 1000 };
    static struct id leads[ROWS];
    static uint64_t chunks[ROWS];
    write_rows(ROWS, 5);
    write_map("key: none\nfields: {remarks: notes}\n");
    struct intake *intake = open_with("a");
    struct intake_row row;
    for (int pass = 0; pass < 2; pass++) {
        int i = 0;
        for (; intake_next(intake, &row) == 1; i++) {
            assert_int_equal(row.reason, REASON_OK);
            assert_true(pass == 0 || (id_equal(leads[i], row.lead) && chunks[i] == row.chunk));
            assert_int_equal(row.chunk, i / CHUNK_ROWS_MAX);
            leads[i] = row.lead;
            chunks[i] = row.chunk;
        }
        assert_int_equal(i, ROWS);
        assert_true(intake_again(intake));
    }
    for (int i = 0; i + 1 < ROWS; i += 2)
        assert_false(id_equal(leads[i], leads[i + 1])); /* identical rows, two leads */
    intake_close(&intake);
}

static void a_chunk_of_long_rows_fits_a_frame(void **state)
{
    (void) state;
    enum { ROWS = 700 };
    write_rows(ROWS, 1900);
    write_map("key: none\nfields: {remarks: notes}\n");
    struct intake *intake = open_with("a");
    struct intake_plan plan;
    struct intake_row row;
    assert_true(intake_measure(intake, &plan));
    uint64_t chunk = 0, bytes = 0;
    while (intake_next(intake, &row) == 1) {
        if (row.chunk != chunk) {
            assert_int_equal(row.chunk, chunk + 1);
            assert_true(bytes > FRAME_BYTES_MAX / 2);
            chunk = row.chunk;
            bytes = 0;
        }
        bytes += row.encoded.len + 4;
        assert_true(bytes < FRAME_BYTES_MAX - 256);
    }
    assert_int_equal(plan.chunks, chunk + 1);
    assert_int_equal(plan.part_rows[0], ROWS);
    assert_false(intake_changed(intake, &plan));
    intake_close(&intake);
}

static void texts_the_wire_does_not_take_are_refused_here(void **state)
{
    (void) state;
    FILE *file = fopen(csv_path, "w");
    fprintf(file, "n,notes,more\n1,Jo\x01n,x\n2,%01100d,x\n3,ok,x\n", 0);
    fclose(file);
    write_map("key: n\nfields: {name: notes}\n");
    struct intake *intake = open_with("a");
    static const enum reason expected[] = {REASON_BAD_TEXT, REASON_TOO_LONG, REASON_OK};
    struct intake_row row;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(intake_next(intake, &row), 1);
        assert_int_equal(row.reason, expected[i]);
    }
    intake_close(&intake);
}

static void the_source_is_given_or_the_maps_or_the_files_name(void **state)
{
    (void) state;
    char why[256] = "";
    write_rows(2, 5);
    write_map("source: m\n");
    struct intake *intake = open_with("given");
    assert_string_equal(intake_source(intake), "given");
    intake_close(&intake);
    intake = open_with(NULL);
    assert_string_equal(intake_source(intake), "m");
    intake_close(&intake);
    write_map("key: none\n");
    intake = open_with(NULL);
    assert_string_equal(intake_source(intake), csv_path + strlen("/tmp/"));
    intake_close(&intake);
    assert_null(intake_open(csv_path, INTAKE_BY_NAME, map_path, "a b", NULL, why));
    assert_string_equal(why, "a source is letters, digits and . _ @ - only, at most 64");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_import_is_named_by_source_map_and_file),
        cmocka_unit_test(both_passes_give_the_same_rows_in_the_same_chunks),
        cmocka_unit_test(a_chunk_of_long_rows_fits_a_frame),
        cmocka_unit_test(texts_the_wire_does_not_take_are_refused_here),
        cmocka_unit_test(the_source_is_given_or_the_maps_or_the_files_name),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
