/* SPDX-License-Identifier: Apache-2.0
 * test_ndjson.c - rows, columns and damage of files with a JSON object a line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <zlib.h>

#include "cli/intake.h"
#include "cli/ndjson.h"

static char path[] = "/tmp/takt-ndjson-XXXXXX", map_path[] = "/tmp/takt-ndjson-map-XXXXXX";

static int make_files(void **state)
{
    (void) state;
    int a = mkstemp(path), b = mkstemp(map_path);
    return a < 0 || b < 0 || close(a) || close(b);
}

static int remove_files(void **state)
{
    (void) state;
    return unlink(path) || unlink(map_path);
}

static void put(const char *to, const void *bytes, size_t len)
{
    FILE *file = fopen(to, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static struct ndjson *open_or_fail(void)
{
    char why[160] = "";
    struct ndjson *ndjson = ndjson_open(path, why);
    if (!ndjson)
        fail_msg("%s", why);
    return ndjson;
}

/* "a,b 1:x|y 4!TOO_LONG ...": the columns, then each row. */
static void read_all(struct ndjson *ndjson, struct buf *ret)
{
    uint32_t n;
    struct csv_row row;
    int got;
    const struct slice *columns = ndjson_columns(ndjson, &n);
    ret->len = 0;
    for (uint32_t i = 0; i < n; i++)
        buf_printf(ret, "%s%.*s", i ? "," : "", (int) columns[i].len, columns[i].at);
    while ((got = ndjson_next(ndjson, &row)) == 1) {
        buf_printf(ret, " %llu", (unsigned long long) row.line);
        if (row.reason != REASON_OK)
            buf_printf(ret, "!%s(%s)", reason_name(row.reason), row.why);
        for (uint32_t i = 0; row.reason == REASON_OK && i < row.n_cells; i++)
            buf_printf(ret, "%s%.*s", i ? "|" : ":", (int) row.cells[i].len, row.cells[i].at);
    }
    assert_int_equal(got, 0);
    buf_add(ret, "", 1);
}

static void expect(const char *text, const char *expected)
{
    struct buf got = {0};
    put(path, text, strlen(text));
    struct ndjson *ndjson = open_or_fail();
    read_all(ndjson, &got);
    assert_string_equal((char *) got.at, expected);
    assert_true(ndjson_again(ndjson));
    read_all(ndjson, &got);
    assert_string_equal((char *) got.at, expected);
    ndjson_close(&ndjson);
    buf_fini(&got);
}

static void columns_are_all_keys_in_the_order_they_come(void **state)
{
    (void) state;
    expect("{\"a\": \"x\", \"b\": \"y\"}\n{\"c\": \"z\", \"a\": \"w\"}\n", "a,b,c 1:x|y| 2:w||z");
    expect("\n  \r\n{\"a\": \"x\"}\r\n\n{\"a\": \"y\"}", "a 3:x 5:y"); /* empty lines count and are no rows */
    expect("\xef\xbb\xbf{\"a\": \"x\"}\n", "a 1:x");
    expect("{\"a\": null}\n{\"a\": \"\"}\n{}\n", "a 1: 2: 3:");
}

static void nested_keys_and_arrays_become_columns(void **state)
{
    (void) state;
    expect(
        "{\"id\": 1, \"address\": {\"zip\": \"02139\", \"geo\": {\"lat\": 42.5}}, \"phones\": [\"a\", {\"b\": 2}]}\n",
        "id,address.zip,address.geo.lat,phones.0,phones.1.b 1:1|02139|42.5|a|2");
    expect("{\"a.b\": 1, \"a\": {\"b\": 2}}\n{\"a\": {\"b\": 3}}\n",
           "a.b 1!BAD_TEXT(a key stands twice, once with a dot and once nested) 2:3");
    expect("{\"a\": 1}\n{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{\"i\":1}}}}}}}}\n"
           "{\"b\":{\"c\":{\"d\":{\"e\":{\"f\":{\"g\":{\"h\":{\"i\":[1]}}}}}}}}\n",
           "a,b.c.d.e.f.g.h.i 1:1| 2:|1 3!BAD_TEXT(objects are nested over 8 deep)");
}

static void numbers_are_cells_in_their_shortest_form(void **state)
{
    (void) state;
    expect(
        "{\"a\": 41, \"b\": -1.10, \"c\": 93.994, \"d\": 1e3, \"e\": true, \"f\": false, \"g\": 9223372036854775807}\n",
        "a,b,c,d,e,f,g 1:41|-1.1|93.994|1000|true|false|9223372036854775807");
    expect("{\"a\": 1}\n{\"a\": 9223372036854775808}\n{\"a\": 0.1}\n",
           "a 1:1 2!BAD_NUMBER(a number is too large; write it as text) 3:0.1");
}

static void a_damaged_line_costs_itself_and_is_not_quoted(void **state)
{
    (void) state;
    expect(
        "{\"a\": \"1\"}\n{\"a\": \"Zebulon\n{\"a\": Zebulon}\n[1, 2]\n\"text\"\n{\"a\": \"2\"} {}\n{\"a\": 1, \"a\": "
        "2}\n{\"a\": "
        "\"\xff\"}\n{\"a\": \"\\u0000\"}\n{\"a\": \"3\"}\n",
        "a 1:1 2!BAD_TEXT(the line ends before its object does) 3!BAD_TEXT(not JSON, near column 13) 4!BAD_TEXT(the "
        "line is an array, not an object) 5!BAD_TEXT(not JSON, near column 6) 6!BAD_TEXT(something stands behind the "
        "object) 7!BAD_TEXT(a key stands twice) 8!BAD_TEXT(the line is not UTF-8) 9!BAD_TEXT(not JSON, near column 14) "
        "10:3");
}

static void limits_are_refused_by_name(void **state)
{
    (void) state;
    struct buf text = {0}, got = {0};
    char why[160] = "";
    buf_printf(&text, "{\"a\": \"1\"}\n{\"a\": \"");
    memset(buf_more(&text, CSV_ROW_BYTES_MAX), 'x', CSV_ROW_BYTES_MAX);
    buf_printf(&text, "\"}\n{\"a\": \"2\"}\n{\"");
    for (int i = 0; i < 300; i++)
        buf_printf(&text, "k");
    buf_printf(&text, "\": 1}\n{\"n\": [");
    for (int i = 0; i < 513; i++)
        buf_printf(&text, "%s1", i ? "," : "");
    buf_printf(&text, "]}\n{\"a\": \"3\"}\n");
    put(path, text.at, text.len);
    struct ndjson *ndjson = open_or_fail();
    read_all(ndjson, &got);
    assert_string_equal((char *) got.at,
                        "a 1:1 2!TOO_LONG(the line is over 1 MiB) 3:2 4!TOO_LONG(a key is over 255 bytes with those it "
                        "stands in) 5!TOO_LONG(the object has over 512 values) 6:3");
    ndjson_close(&ndjson);
    text.len = 0;
    for (int i = 0; i < 513; i++)
        buf_printf(&text, "{\"key%d\": 1}\n", i);
    put(path, text.at, text.len);
    assert_null(ndjson_open(path, why));
    assert_string_equal(why, "the objects of the file have over 512 different keys");
    put(path, "", 0);
    assert_null(ndjson_open(path, why));
    assert_string_equal(why, "the file has no line with a JSON object");
    assert_null(ndjson_open("/nonexistent/x.ndjson", why));
    buf_fini(&text);
    buf_fini(&got);
}

static void a_gzip_file_is_read_as_it_is(void **state)
{
    (void) state;
    gzFile file = gzopen(path, "we");
    assert_true(gzputs(file, "{\"a\": \"x\"}\n{\"a\": \"y\"}\n") > 0);
    assert_int_equal(gzclose(file), Z_OK);
    struct buf got = {0};
    struct ndjson *ndjson = open_or_fail();
    read_all(ndjson, &got);
    assert_string_equal((char *) got.at, "a 1:x 2:y");
    ndjson_close(&ndjson);
    buf_fini(&got);
}

/* The same rows in both formats: what is told of each, outcome and lead. */
static void tell_rows(enum intake_format format, struct buf *ret)
{
    char why[256] = "", hex[33];
    struct intake *intake = intake_open(path, format, map_path, "web", NULL, why);
    struct intake_row row;
    if (!intake)
        fail_msg("%s", why);
    while (intake_next(intake, &row) == 1) {
        id_to_hex(row.lead, hex);
        buf_printf(ret, "%s %s %.*s\n", reason_name(row.reason), hex, (int) row.row.key.len, row.row.key.at);
        buf_add(ret, row.encoded.at ? (const void *) row.encoded.at : "", row.encoded.len);
    }
    intake_close(&intake);
}

static void both_formats_give_the_same_leads(void **state)
{
    (void) state;
    static const char map[] =
        "key: id\nfields: {name: who, phone: address.phone}\nattributes: [amount, {state: address.state}]\n"
        "missing: [unknown]\n";
    static const char csv[] = "id,who,address.phone,amount,address.state\n"
                              "1,Ada,+1 303 555 0101,250000,CA\n"
                              ",Ben,,1,TX\n"
                              "3,unknown,,,NY\n"
                              "4,Cleo,3035550104,12.5,unknown\n";
    static const char ndjson[] = "{\"id\": 1, \"who\": \"Ada\", \"address\": {\"phone\": \"+1 303 555 0101\", "
                                 "\"state\": \"CA\"}, \"amount\": 250000}\n"
                                 "{\"who\": \"Ben\", \"amount\": 1, \"address\": {\"state\": \"TX\"}}\n"
                                 "{\"id\": \"3\", \"who\": \"unknown\", \"address\": {\"state\": \"NY\"}}\n"
                                 "{\"id\": 4, \"who\": \"Cleo\", \"amount\": 12.5, \"address\": {\"phone\": "
                                 "3035550104, \"state\": \"unknown\"}}\n";
    struct buf of_csv = {0}, of_ndjson = {0};
    put(map_path, map, strlen(map));
    put(path, csv, strlen(csv));
    tell_rows(INTAKE_CSV, &of_csv);
    put(path, ndjson, strlen(ndjson));
    tell_rows(INTAKE_NDJSON, &of_ndjson);
    assert_int_equal(of_csv.len, of_ndjson.len);
    assert_memory_equal(of_csv.at, of_ndjson.at, of_csv.len);
    buf_fini(&of_csv);
    buf_fini(&of_ndjson);
}

static void a_map_names_keys_that_are_there(void **state)
{
    (void) state;
    char why[256] = "";
    put(path, "{\"a\": 1}\n", 9);
    put(map_path, "key: b\n", 7);
    assert_null(intake_open(path, INTAKE_NDJSON, map_path, "web", NULL, why));
    assert_non_null(strstr(why, "no column \"b\""));
    put(map_path, "key: a\nencoding: latin-1\n", 25);
    assert_null(intake_open(path, INTAKE_NDJSON, map_path, "web", NULL, why));
    assert_non_null(strstr(why, "JSON is UTF-8"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_all_keys_in_the_order_they_come),
        cmocka_unit_test(nested_keys_and_arrays_become_columns),
        cmocka_unit_test(numbers_are_cells_in_their_shortest_form),
        cmocka_unit_test(a_damaged_line_costs_itself_and_is_not_quoted),
        cmocka_unit_test(limits_are_refused_by_name),
        cmocka_unit_test(a_gzip_file_is_read_as_it_is),
        cmocka_unit_test(both_formats_give_the_same_leads),
        cmocka_unit_test(a_map_names_keys_that_are_there),
    };
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
