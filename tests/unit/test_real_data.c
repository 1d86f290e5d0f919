/* SPDX-License-Identifier: Apache-2.0
 * test_real_data.c - real files through reader, map and intake rule: counts per
 * outcome and per warning, as they were counted by other means.
 *
 * The data is not part of the project: it is looked for in $TAKT_DATA, else
 * beside the source in ../shared/data. A test whose file is absent is skipped by
 * name; where CI is set it fails, so that a skipped test never looks green there. */
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
#include "cli/judge.h"
#include "cli/tally.h"
#include "core/contact.h"

static char path[4096];

/* The path of a file of the data; skips the test when it is absent. */
static void need(const char *file)
{
    const char *folder = getenv("TAKT_DATA"), *ci = getenv("CI");
    snprintf(path, sizeof path, "%s/%s", folder ? folder : TAKT_SOURCE_DIR "/../shared/data", file);
    if (access(path, R_OK) == 0)
        return;
    print_message("skipped: %s is absent\n", path);
    if (ci && !strcmp(ci, "true"))
        fail_msg("%s is absent", path);
    skip();
}

static void judge_file(const char *file, const char *map, struct tally *ret_tally)
{
    char why[256] = "", map_path[4096];
    struct judge judge = {0};
    struct intake_row row;
    need(file);
    snprintf(map_path, sizeof map_path, TAKT_SOURCE_DIR "/deploy/maps/%s", map);
    struct intake *intake = intake_open(path, INTAKE_BY_NAME, map_path, NULL, NULL, why);
    if (!intake)
        fail_msg("%s", why);
    *ret_tally = (struct tally){0};
    int got;
    while ((got = intake_next(intake, &row)) == 1) {
        uint32_t warnings;
        enum reason outcome = judge_row(&judge, &row, &warnings);
        tally_add(ret_tally, outcome, warnings, false);
        ret_tally->rows++;
    }
    assert_int_equal(got, 0);
    judge_fini(&judge);
    intake_close(&intake);
}

struct golden {
    uint64_t rows, phone_damaged, zip_damaged, email_damaged, no_reach, no_name;
};

/* All rows are in; warnings are as expected. */
static void expect_all_in(const struct tally *tally, const struct golden *golden)
{
    assert_int_equal(tally->rows, golden->rows);
    assert_int_equal(tally_accepted(tally), golden->rows);
    const uint64_t expected[] = {golden->phone_damaged, golden->zip_damaged, golden->email_damaged, golden->no_reach,
                                 golden->no_name};
    for (unsigned bit = 0; bit < sizeof expected / sizeof expected[0]; bit++)
        if (tally->warnings[bit] != expected[bit])
            fail_msg("%s: %llu, not %llu", row_warning_name(bit), (unsigned long long) tally->warnings[bit],
                     (unsigned long long) expected[bit]);
}

static void ipeds_has_523_damaged_phones_and_300_damaged_zips(void **state)
{
    (void) state;
    struct tally tally;
    judge_file("ipeds-institutions-2023.csv.gz", "ipeds.yaml", &tally);
    /* 459 like 9.12345E+11 and 64 of 11 digits; 76 are blank and no phone at all */
    expect_all_in(&tally, &(struct golden){.rows = 6163, .phone_damaged = 459 + 64, .zip_damaged = 300});
}

static void bank_rows_without_a_key_are_all_in(void **state)
{
    (void) state;
    struct tally tally;
    judge_file("bank-additional-full.csv.gz", "bank-additional.yaml", &tally);
    /* 12 rows are exact duplicates: each is a lead of its own */
    expect_all_in(&tally, &(struct golden){.rows = 41188, .no_name = 41188});
}

static void x_education_leads_are_all_in(void **state)
{
    (void) state;
    struct tally tally;
    judge_file("x-education-leads.csv.gz", "x-education.yaml", &tally);
    expect_all_in(&tally, &(struct golden){.rows = 9240, .no_name = 9240});
}

static void olist_leads_are_all_in(void **state)
{
    (void) state;
    struct tally tally;
    judge_file("olist_marketing_qualified_leads_dataset.csv.gz", "olist-leads.yaml", &tally);
    expect_all_in(&tally, &(struct golden){.rows = 8000, .no_name = 8000});
}

static void every_file_has_its_rows_and_columns(void **state)
{
    (void) state;
    static const struct {
        const char *file;
        uint64_t rows;
        uint32_t columns;
        char delimiter;
        uint64_t header_line;
    } files[] = {
        {"bank-additional-full.csv.gz", 41188, 21, ';', 1},
        {"bank-full.csv.gz", 45211, 17, ';', 1},
        {"x-education-leads.csv.gz", 9240, 37, ',', 1},
        {"olist_marketing_qualified_leads_dataset.csv.gz", 8000, 4, ',', 1},
        {"olist_closed_deals_dataset.csv.gz", 842, 14, ',', 1},
        {"olist_sellers_dataset.csv.gz", 3095, 4, ',', 1},
        {"restaurants-dedup.tsv.gz", 864, 7, '\t', 1},
        {"ipeds-institutions-2023.csv.gz", 6163, 17, ',', 1},
        {"geonames-us-postal.tsv.gz", 41490, 12, '\t', 0},
        {"county-cbsa.csv.gz", 1915, 12, ',', 1},
        {"nanpa-npa-report.csv.gz", 800, 32, ',', 2},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char why[160] = "";
        uint32_t columns;
        uint64_t rows = 0;
        struct csv_row row;
        need(files[i].file);
        struct csv_options options = {.header_line = files[i].header_line ? CSV_HEADER_FIND : CSV_HEADER_NONE};
        struct csv *csv = csv_open(path, &options, why);
        if (!csv)
            fail_msg("%s: %s", files[i].file, why);
        csv_columns(csv, &columns);
        assert_int_equal(columns, files[i].columns);
        assert_int_equal(csv_delimiter(csv), files[i].delimiter);
        assert_int_equal(csv_header_line(csv), files[i].header_line);
        for (; csv_next(csv, &row) == 1; rows++)
            if (row.reason != REASON_OK)
                fail_msg("%s:%llu: %s", files[i].file, (unsigned long long) row.line, row.why);
        assert_int_equal(rows, files[i].rows);
        csv_close(&csv);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ipeds_has_523_damaged_phones_and_300_damaged_zips),
        cmocka_unit_test(bank_rows_without_a_key_are_all_in),
        cmocka_unit_test(x_education_leads_are_all_in),
        cmocka_unit_test(olist_leads_are_all_in),
        cmocka_unit_test(every_file_has_its_rows_and_columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
