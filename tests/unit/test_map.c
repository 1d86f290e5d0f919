/* SPDX-License-Identifier: Apache-2.0
 * test_map.c - map files, guessed maps, and rows through them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "cli/map.h"

static struct map map;
static struct mapper *mapper;

/* Cells or names out of "a|b|c". */
static uint32_t split(const char *text, struct slice *ret)
{
    uint32_t n = 0;
    for (;; text++) {
        size_t len = strcspn(text, "|");
        ret[n++] = slice_of(text, len);
        text += len;
        if (!*text)
            return n;
    }
}

static void open_map(const char *yaml, const char *columns)
{
    struct slice names[16];
    char why[256] = "";
    if (!map_parse(yaml, strlen(yaml), "t", &map, why) ||
        !(mapper = mapper_new(&map, names, split(columns, names), why)))
        fail_msg("%s", why);
}

static void expect_fault(const char *yaml, const char *columns, const char *expected)
{
    struct slice names[16];
    char why[256] = "";
    if (map_parse(yaml, strlen(yaml), "t", &map, why))
        assert_null(mapper_new(&map, names, split(columns, names), why));
    assert_string_equal(why, expected);
}

static enum reason take(const char *cells, struct row *ret_row, const char **ret_why)
{
    static struct slice at[16];
    struct csv_row row = {.line = 7, .cells = at};
    row.n_cells = split(cells, at);
    return mapper_row(mapper, &row, ret_row, ret_why);
}

static struct row take_ok(const char *cells)
{
    struct row row;
    const char *why;
    if (take(cells, &row, &why) != REASON_OK)
        fail_msg("%s", why);
    return row;
}

static void expect_text(struct slice got, const char *expected)
{
    if (!expected)
        assert_null(got.at);
    else if (got.len != strlen(expected) || memcmp(got.at, expected, got.len))
        fail_msg("\"%.*s\" is not \"%s\"", (int) got.len, got.at, expected);
}

static void expect_refusal(const char *cells, enum reason reason, const char *expected)
{
    struct row row;
    const char *why;
    assert_int_equal(take(cells, &row, &why), reason);
    assert_string_equal(why, expected);
}

static int close_mapper(void **state)
{
    (void) state;
    mapper_destroy(&mapper);
    return 0;
}

static void every_key_of_a_map_file_is_taken(void **state)
{
    (void) state;
    open_map("source: a.b_c@d-1\ndelimiter: tab\nheader_line: 2\nencoding: latin-1\nkey: K\n"
             "fields: {name: N, ref: \"=at {row}\"}\nattributes: [Lead Origin, {state: N}]\nmissing: [Select, '']\n",
             "K|N|Lead Origin");
    assert_string_equal(map.source, "a.b_c@d-1");
    assert_int_equal(map.csv.delimiter, '\t');
    assert_int_equal(map.csv.header_line, 2);
    assert_true(map.csv.latin1);
    struct row row = take_ok("k1|Ann|Select");
    expect_text(row.key, "k1");
    expect_text(row.ref, "at 7");
    assert_int_equal(row.n_attributes, 1);
    expect_text(row.attributes[0].name, "state");
}

static void a_key_is_a_column_or_several_or_the_rows_digest(void **state)
{
    (void) state;
    open_map("key: [A, B]\n", "A|B");
    expect_text(take_ok("x|y").key, "x-y");
    expect_refusal("x|", REASON_NO_KEY, "the key is absent");
    mapper_destroy(&mapper);
    open_map("fields: {name: A}\n", "A|B");
    /* BLAKE2b-128 of each cell behind its length, as another implementation computes it */
    expect_text(take_ok("x|z").key, "73a28278735c6529a8148a78fb6b6a5d-1");
}

static void identical_rows_without_a_key_are_told_apart(void **state)
{
    (void) state;
    open_map("key: none\n", "A|B");
    char keys[3][64];
    for (int i = 0; i < 3; i++) {
        struct row row = take_ok(i < 2 ? "x|y" : "xy|");
        snprintf(keys[i], sizeof keys[i], "%.*s", (int) row.key.len, row.key.at);
    }
    assert_memory_equal(keys[0], keys[1], 33);
    assert_string_equal(keys[0] + 32, "-1");
    assert_string_equal(keys[1] + 32, "-2");
    assert_memory_not_equal(keys[0], keys[2], 32);
    mapper_again(mapper);
    struct row again = take_ok("x|y");
    expect_text(again.key, keys[0]);
}

static void text_around_columns_is_absent_with_all_of_them(void **state)
{
    (void) state;
    open_map("key: K\nfields: {name: \"={F} {L}\", ref: \"=crm {R}\", remarks: \"=plain\"}\n", "K|F|L|R");
    struct row row = take_ok("1|Ann|Lee|9");
    expect_text(row.name, "Ann Lee");
    expect_text(row.ref, "crm 9");
    row = take_ok("1|Ann||");
    expect_text(row.name, "Ann");
    expect_text(row.ref, NULL);
    row = take_ok("1|||");
    expect_text(row.name, NULL);
    expect_text(row.remarks, "plain");
}

static void line_ends_and_guards_are_not_part_of_a_text(void **state)
{
    (void) state;
    open_map("key: K\nfields: {street: S, phone: P}\n", "K|S|P");
    struct row row = take_ok("1| 12 Oak St\r\n\tApt 3 |'+12055550100");
    expect_text(row.street, "12 Oak St Apt 3");
    expect_text(row.phone, "+12055550100");
    expect_text(take_ok("1|'s Gravenhage|x").street, "'s Gravenhage");
}

static void integers_are_numbers_and_the_rest_is_text(void **state)
{
    (void) state;
    open_map("key: K\nattributes: [A]\n", "K|A");
    static const struct {
        const char *cell;
        int64_t number;
    } integers[] = {{"0", 0}, {"7", 7}, {"-12", -12}, {"123456789012345678", 123456789012345678}};
    for (size_t i = 0; i < sizeof integers / sizeof integers[0]; i++) {
        char cells[64];
        snprintf(cells, sizeof cells, "1|%s", integers[i].cell);
        struct row row = take_ok(cells);
        assert_null(row.attributes[0].text.at);
        assert_int_equal(row.attributes[0].number, integers[i].number);
    }
    static const char *const texts[] = {"007", "+7", "-", "-0", "1.5", "1e9", "1234567890123456789", "7a", "1,000"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char cells[64];
        snprintf(cells, sizeof cells, "1|%s", texts[i]);
        expect_text(take_ok(cells).attributes[0].text, texts[i]);
    }
    mapper_destroy(&mapper);
    open_map("key: K\nattributes: [{zip: A}]\n", "K|A");
    expect_text(take_ok("1|10001").attributes[0].text, "10001");
}

static void amounts_are_cents(void **state)
{
    (void) state;
    open_map("key: K\nfields: {value: V, cost: C, priority: P}\n", "K|V|C|P");
    static const struct {
        const char *cell;
        uint64_t cents;
    } amounts[] = {{"12", 1200}, {"12.5", 1250}, {"12.05", 1205}, {"$1,250.50", 125050}, {"0", 0}, {"12.", 1200}};
    for (size_t i = 0; i < sizeof amounts / sizeof amounts[0]; i++) {
        char cells[64];
        snprintf(cells, sizeof cells, "1|%s|3.21|-5", amounts[i].cell);
        struct row row = take_ok(cells);
        assert_int_equal(row.value_cents, amounts[i].cents);
        assert_int_equal(row.cost_cents, 321);
        assert_int_equal(row.priority, -5);
    }
    static const char *const bad[] = {"12.345", "-1", "1e308", "abc", "$", ".5", "1.2.3", "1234567890123456"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char cells[64];
        snprintf(cells, sizeof cells, "1|%s||", bad[i]);
        expect_refusal(cells, REASON_BAD_NUMBER, "value is no number or out of range");
    }
    expect_refusal("1|||1001", REASON_BAD_NUMBER, "priority is no number or out of range");
    expect_refusal("1||42949672.96|", REASON_BAD_NUMBER, "cost is no number or out of range");
}

static void too_long_texts_are_refused(void **state)
{
    (void) state;
    open_map("key: K\nfields: {name: N}\n", "K|N");
    char cells[4000];
    snprintf(cells, sizeof cells, "1|%03000d", 0);
    expect_refusal(cells, REASON_TOO_LONG, "name is too long");
    snprintf(cells, sizeof cells, "%0129d|x", 0);
    expect_refusal(cells, REASON_TOO_LONG, "the key is over 128 bytes");
}

static void columns_are_found_in_any_case_and_once(void **state)
{
    (void) state;
    open_map("key: lead id\n", "LEAD ID|x");
    expect_text(take_ok("5|").key, "5");
    mapper_destroy(&mapper);
    open_map("key: id\n", "ID|id");
    expect_text(take_ok("5|6").key, "6");
    expect_fault("key: X\n", "A|B", "the header has no column \"X\"");
    expect_fault("key: A\n", "A|B|A", "the header has the column \"A\" 2 times");
    expect_fault("key: A\nfields: {name: \"={A\"}\n", "A", "\"={A\" has a { without }");
}

static void a_wrong_map_is_refused_with_its_line(void **state)
{
    (void) state;
    expect_fault("key: A\nfeilds: {}\n", "A",
                 "t:2: source, delimiter, header_line, encoding, key, fields, attributes or missing; not: feilds");
    expect_fault("fields:\n  name: A\n  nmae: B\n", "A",
                 "t:3: fields: name, phone, email, street, web, ref, remarks, priority, value, cost; not: nmae");
    expect_fault("key: A\nkey: B\n", "A", "t:2: this is here twice: key");
    expect_fault("delimiter: x\n", "A", "t:1: delimiter: one of , ; | tab");
    expect_fault("header_line: -1\n", "A", "t:1: header_line: a number from 0 to 1000");
    expect_fault("encoding: ebcdic\n", "A", "t:1: encoding: utf-8 or latin-1");
    expect_fault("source: a b\n", "A", "t:1: source: letters, digits and . _ @ - only, at most 64");
    expect_fault("attributes: [A, {a: B}]\n", "A|B", "t:1: this attribute is here twice: a");
    expect_fault("attributes: [\"--\"]\n", "A", "t:1: attributes: a name has letters or digits");
    expect_fault("- a\n", "A", "t:1: a map begins with lines like \"key: Column\"");
    expect_fault("key: [A\n", "A", "t:2: did not find expected ',' or ']'");
}

static void attribute_names_are_cleaned(void **state)
{
    (void) state;
    char name[ATTRIBUTE_NAME_MAX + 1];
    static const char *const pairs[][2] = {
        {"Lead Origin", "lead_origin"},
        {"emp.var.rate", "emp_var_rate"},
        {"  ZIP-Code ", "zip_code"},
        {"Caf\xc3\xa9", "caf"},
        {"abcdefghijklmnopqrstuvwxyz0123456789", "abcdefghijklmnopqrstuvwxyz012345"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        assert_true(map_clean_name(slice_of(pairs[i][0], strlen(pairs[i][0])), name));
        assert_string_equal(name, pairs[i][1]);
    }
    assert_false(map_clean_name(slice_of("--", 2), name));
}

static void well_known_headers_are_guessed_and_said_as_a_map(void **state)
{
    (void) state;
    struct slice names[16];
    struct buf said = {0};
    char why[256] = "";
    uint32_t n = split("Lead ID|First Name|Last Name|Phone|Mobile|E-Mail|ZIP Code|State|SSN|City|City", names);
    map_guess(names, n, &map, &said);
    mapper = mapper_new(&map, names, n, why);
    assert_non_null(mapper);
    struct row row = take_ok("9|Ann|Lee|1|2|a@b.cd|02139|MA|secret|Rome|Rome");
    expect_text(row.key, "9");
    expect_text(row.name, "Ann Lee");
    expect_text(row.phone, "1");
    expect_text(row.email, "a@b.cd");
    assert_int_equal(row.n_attributes, 2);
    expect_text(row.attributes[0].name, "state");
    expect_text(row.attributes[1].text, "02139");
    buf_add(&said, "", 1);
    assert_non_null(strstr((char *) said.at, "# not taken: \"SSN\""));
    assert_non_null(strstr((char *) said.at, "# not taken: \"City\""));
    struct map parsed;
    if (!map_parse((char *) said.at, said.len - 1, "said", &parsed, why))
        fail_msg("%s", why);
    assert_memory_equal(parsed.key, map.key, sizeof map.key);
    assert_memory_equal(parsed.fields, map.fields, sizeof map.fields);
    assert_memory_equal(parsed.attributes, map.attributes, sizeof map.attributes);
    buf_fini(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_key_of_a_map_file_is_taken, close_mapper),
        cmocka_unit_test_teardown(a_key_is_a_column_or_several_or_the_rows_digest, close_mapper),
        cmocka_unit_test_teardown(identical_rows_without_a_key_are_told_apart, close_mapper),
        cmocka_unit_test_teardown(text_around_columns_is_absent_with_all_of_them, close_mapper),
        cmocka_unit_test_teardown(line_ends_and_guards_are_not_part_of_a_text, close_mapper),
        cmocka_unit_test_teardown(integers_are_numbers_and_the_rest_is_text, close_mapper),
        cmocka_unit_test_teardown(amounts_are_cents, close_mapper),
        cmocka_unit_test_teardown(too_long_texts_are_refused, close_mapper),
        cmocka_unit_test_teardown(columns_are_found_in_any_case_and_once, close_mapper),
        cmocka_unit_test(a_wrong_map_is_refused_with_its_line),
        cmocka_unit_test(attribute_names_are_cleaned),
        cmocka_unit_test_teardown(well_known_headers_are_guessed_and_said_as_a_map, close_mapper),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
