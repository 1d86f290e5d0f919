/* SPDX-License-Identifier: Apache-2.0
 * test_csv.c - rows, line numbers and damage of CSV files. */
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

#include "cli/csv.h"
#include "common/buf.h"

static char path[] = "/tmp/takt-csv-XXXXXX";

static int make_file(void **state)
{
    (void) state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void) state;
    return unlink(path);
}

static void put(const void *bytes, size_t len)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static struct csv *open_or_fail(const struct csv_options *options)
{
    char why[160] = "";
    struct csv *csv = csv_open(path, options, why);
    if (!csv)
        fail_msg("%s", why);
    return csv;
}

static const struct csv_options find = {.header_line = CSV_HEADER_FIND};

static struct csv *open_text(const char *text)
{
    put(text, strlen(text));
    return open_or_fail(&find);
}

/* "2:a|b 4!TOO_LONG ..." of all rows that follow. */
static void expect_rows(struct csv *csv, const char *expected)
{
    struct buf got = {0};
    struct csv_row row;
    int more;
    while ((more = csv_next(csv, &row)) == 1) {
        buf_printf(&got, "%s%llu", got.len ? " " : "", (unsigned long long) row.line);
        if (row.reason != REASON_OK) {
            assert_non_null(row.why);
            buf_printf(&got, "!%s", reason_name(row.reason));
            continue;
        }
        for (uint32_t i = 0; i < row.n_cells; i++)
            buf_printf(&got, "%s%.*s", i ? "|" : ":", (int) row.cells[i].len, row.cells[i].at);
    }
    assert_int_equal(more, 0);
    buf_add(&got, "", 1);
    assert_string_equal((char *) got.at, expected);
    buf_fini(&got);
}

static void expect_file(const char *text, const char *expected)
{
    struct csv *csv = open_text(text);
    expect_rows(csv, expected);
    assert_true(csv_again(csv));
    expect_rows(csv, expected);
    csv_close(&csv);
}

static void expect_error(const char *text, size_t len, const char *expected)
{
    char why[160] = "";
    put(text, len);
    assert_null(csv_open(path, &find, why));
    assert_string_equal(why, expected);
}

static void rows_have_the_line_they_begin_at(void **state)
{
    (void) state;
    expect_file("a,b\n1,2\n\n\n3,4\n", "2:1|2 5:3|4");
    expect_file("a,b\r\n1,2\r\n3,4\r\n", "2:1|2 3:3|4");
    expect_file("a,b\n\"1\nx\",2\n3,\"4\r\n\r\n5\"\n6,7", "2:1\nx|2 4:3|4\n\n5 7:6|7");
    expect_file("a,b\n\"1\nx\ny\",2\n3,4\n", "2:1\nx\ny|2 5:3|4");
    expect_file("a,b\n 1 , 2\t\n\" 3\",4\n", "2:1|2 3: 3|4");
    expect_file("a,b\n\"say \"\"hi\"\"\",\"x,y\"\n", "2:say \"hi\"|x,y");
}

static void a_byte_order_mark_is_skipped(void **state)
{
    (void) state;
    struct csv *csv = open_text("\xef\xbb\xbf"
                                "key,b\n1,2\n");
    uint32_t n;
    const struct slice *columns = csv_columns(csv, &n);
    assert_int_equal(n, 2);
    assert_int_equal(columns[0].len, 3);
    expect_rows(csv, "2:1|2");
    csv_close(&csv);
}

static void the_delimiter_is_found(void **state)
{
    (void) state;
    expect_file("a;b;c\n1,5;2,5;3\n", "2:1,5|2,5|3");
    expect_file("a\tb\n1, 2 and 3\tx\n", "2:1, 2 and 3|x");
    expect_file("a|b\n1|2\n", "2:1|2");
    expect_file("email\na@b.cd\n", "2:a@b.cd");
    expect_file("a,b\n\"1;2;3\",x\n\"4;5;6\",y\n", "2:1;2;3|x 3:4;5;6|y");
}

static void the_header_is_found_or_given(void **state)
{
    (void) state;
    struct csv *csv = open_text("File Date,11/26/2025\nid,name,x\n1,2,3\n");
    assert_int_equal(csv_header_line(csv), 2);
    expect_rows(csv, "3:1|2|3");
    csv_close(&csv);
    put("x\ny,z\na,b\n1,2\n", 14);
    struct csv_options third = {.header_line = 3, .delimiter = ','};
    csv = open_or_fail(&third);
    expect_rows(csv, "4:1|2");
    csv_close(&csv);
    put("1,2\n3,4\n", 8);
    struct csv_options none = {.header_line = CSV_HEADER_NONE};
    csv = open_or_fail(&none);
    uint32_t n;
    assert_memory_equal(csv_columns(csv, &n)[1].at, "2", 1);
    assert_int_equal(n, 2);
    expect_rows(csv, "1:1|2 2:3|4");
    csv_close(&csv);
}

static void a_damaged_row_is_a_row_with_a_reason(void **state)
{
    (void) state;
    expect_file("a,b\n1\n1,2,3\n4,5\n", "2!COLUMNS_DIFFER 3!COLUMNS_DIFFER 4:4|5");
    expect_file("a,b\nJos\xe9,2\n4,\xf0\x9f\x98\x80\n\xed\xa0\x80,1\n\xc0\x80,1\n\xe0\x80\x80,1\n",
                "2!BAD_TEXT 3:4|\xf0\x9f\x98\x80 4!BAD_TEXT 5!BAD_TEXT 6!BAD_TEXT");
    expect_file("a,b\n1,x\"y\n2,\"x\"y\n3,4\n", "2!BAD_TEXT 3!BAD_TEXT 4:3|4");
    put("a,b\n1,x\0y\n3,4\n", 14);
    struct csv *csv = open_or_fail(&find);
    expect_rows(csv, "2!BAD_TEXT 3:3|4");
    csv_close(&csv);
}

static void an_open_quote_costs_its_own_line_only(void **state)
{
    (void) state;
    expect_file("a,b\n1,\"x\n3,4\n5,6", "2!BAD_TEXT 3:3|4 4:5|6");
    expect_file("a,b\n1,\"x\n3,\"y\"\n5,6\n", "2!BAD_TEXT 3:3|y 4:5|6");
    expect_file("a,b\n1,2\n\"", "2:1|2 3!BAD_TEXT");
}

static void a_row_over_the_limit_is_refused_and_the_next_is_read(void **state)
{
    (void) state;
    struct buf text = {0};
    buf_printf(&text, "a,b\n1,");
    memset(buf_more(&text, 3 * CSV_ROW_BYTES_MAX), 'x', 3 * CSV_ROW_BYTES_MAX);
    buf_printf(&text, "\n3,4\n5,\"");
    for (int i = 0; i < CSV_ROW_BYTES_MAX / 4 + 10; i++)
        buf_printf(&text, "\n6,7");
    put(text.at, text.len);
    buf_fini(&text);
    struct csv *csv = open_or_fail(&find);
    struct csv_row row;
    static const struct {
        uint64_t line;
        enum reason reason;
    } expected[] = {{2, REASON_TOO_LONG}, {3, REASON_OK}, {4, REASON_BAD_TEXT}, {5, REASON_OK}, {6, REASON_OK}};
    for (int i = 0; i < 5; i++) {
        assert_int_equal(csv_next(csv, &row), 1);
        assert_int_equal(row.line, expected[i].line);
        assert_int_equal(row.reason, expected[i].reason);
    }
    uint64_t rows = 5;
    while (csv_next(csv, &row) == 1)
        rows++;
    assert_int_equal(rows, 3 + CSV_ROW_BYTES_MAX / 4 + 10);
    csv_close(&csv);
}

static void many_columns_are_refused_by_name(void **state)
{
    (void) state;
    struct buf text = {0};
    buf_printf(&text, "a,b\n");
    for (int i = 0; i < 100000; i++)
        buf_printf(&text, ",");
    buf_printf(&text, "\n1,2\n");
    buf_add(&text, "", 1);
    expect_file((char *) text.at, "2!COLUMNS_DIFFER 3:1|2");
    expect_error((char *) text.at + 4, text.len - 5, "the header has over 512 columns");
    buf_fini(&text);
}

static void latin_1_is_turned_into_utf_8_when_said(void **state)
{
    (void) state;
    put("n\xe4me,b\nJos\xe9,\xff\n", 14);
    struct csv_options latin = {.header_line = 1, .latin1 = true};
    struct csv *csv = open_or_fail(&latin);
    expect_rows(csv, "2:Jos\xc3\xa9|\xc3\xbf");
    csv_close(&csv);
}

static void a_gzip_file_is_read_like_its_contents(void **state)
{
    (void) state;
    uint8_t plain[16], packed[16];
    struct csv *csv = open_text("a,b\n1,2\n");
    expect_rows(csv, "2:1|2");
    csv_digest(csv, plain);
    csv_close(&csv);
    gzFile file = gzopen(path, "we");
    assert_int_equal(gzwrite(file, "a,b\n1,2\n", 8), 8);
    assert_int_equal(gzclose(file), Z_OK);
    csv = open_or_fail(&find);
    expect_rows(csv, "2:1|2");
    csv_digest(csv, packed);
    assert_memory_equal(plain, packed, 16);
    csv_close(&csv);
    assert_int_equal(truncate(path, 20), 0);
    char why[160] = "";
    assert_null(csv_open(path, &find, why));
    assert_string_equal(why, "the gzip file ends before its end");
}

static void an_unusable_file_is_refused_with_a_sentence(void **state)
{
    (void) state;
    char why[160] = "";
    expect_error("", 0, "the file is empty");
    expect_error("\n\n", 2, "the file is empty");
    expect_error("\xff\xfe"
                 "a\0,\0b\0",
                 8, "the file is UTF-16; save it as UTF-8");
    expect_error("Jos\xe9,b\n1,2\n", 11, "line 1, the header: the row is not UTF-8");
    assert_null(csv_open("/nonexistent/x.csv", &find, why));
    assert_string_equal(why, "No such file or directory");
    assert_null(csv_open("/tmp", &find, why));
    assert_string_equal(why, "not a regular file (it is read twice)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_the_line_they_begin_at),
        cmocka_unit_test(a_byte_order_mark_is_skipped),
        cmocka_unit_test(the_delimiter_is_found),
        cmocka_unit_test(the_header_is_found_or_given),
        cmocka_unit_test(a_damaged_row_is_a_row_with_a_reason),
        cmocka_unit_test(an_open_quote_costs_its_own_line_only),
        cmocka_unit_test(a_row_over_the_limit_is_refused_and_the_next_is_read),
        cmocka_unit_test(many_columns_are_refused_by_name),
        cmocka_unit_test(latin_1_is_turned_into_utf_8_when_said),
        cmocka_unit_test(a_gzip_file_is_read_like_its_contents),
        cmocka_unit_test(an_unusable_file_is_refused_with_a_sentence),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
