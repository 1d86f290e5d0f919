/* SPDX-License-Identifier: Apache-2.0
 * test_geo_data.c - real tables through `takt geo build`, asked for 6,163 institutions
 * whose true county and metro area are known: zips and phones as a spreadsheet left them.
 *
 * The data is not part of the project: it is looked for in $TAKT_DATA, else beside
 * the source in ../shared/data; where it is absent the tests are skipped by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "cli/csv.h"
#include "core/contact.h"
#include "geo/geo.h"

enum { STATE, ZIP, PHONE, COUNTY, METRO, COLUMNS };
static const char *const columns[COLUMNS] = {"STABBR", "ZIP", "GENTELE", "COUNTYCD", "CBSA"};

static char folder[3072], built[3200];

/* The path of a file of the data, or NULL. */
static const char *data(const char *file, char ret_path[4096])
{
    const char *from = getenv("TAKT_DATA");
    snprintf(ret_path, 4096, "%s/%s", from ? from : TAKT_SOURCE_DIR "/../shared/data", file);
    return access(ret_path, R_OK) == 0 ? ret_path : NULL;
}

static void need_data(void)
{
    const char *ci = getenv("CI");
    char path[4096];
    static const char *const files[] = {"ipeds-institutions-2023.csv.gz", "geonames-us-postal.tsv.gz",
                                        "county-cbsa.csv.gz", "nanpa-npa-report.csv.gz"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        if (data(files[i], path))
            continue;
        print_message("skipped: %s is absent\n", path);
        if (ci && !strcmp(ci, "true"))
            fail_msg("%s is absent", path);
        skip();
    }
}

static int make_folder(void **state)
{
    (void) state;
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/geo-data-XXXXXX", tmp ? tmp : "/tmp");
    snprintf(built, sizeof built, "%s/places.geo", mkdtemp(folder) ? folder : "");
    return 0;
}

static int remove_folder(void **state)
{
    (void) state;
    unlink(built);
    return rmdir(folder);
}

static struct geo *build(void)
{
    char postal[4096], metros[4096], areas[4096], command[16384], why[GEO_WHY_BYTES];
    assert_non_null(data("geonames-us-postal.tsv.gz", postal));
    assert_non_null(data("county-cbsa.csv.gz", metros));
    assert_non_null(data("nanpa-npa-report.csv.gz", areas));
    snprintf(command, sizeof command, "'%s' geo build --postal '%s' --metros '%s' --area-codes '%s' --to '%s' 2>&1",
             TAKT, postal, metros, areas, built);
    assert_int_equal(system(command), 0);
    struct geo *geo = geo_open(built, why);
    if (!geo)
        fail_msg("%s", why);
    return geo;
}

struct share {
    uint32_t right, of;
};

static void count(struct share *share, bool right)
{
    share->right += right;
    share->of++;
}

static void expect_share(const struct share *share, const char *what, uint32_t permille, uint32_t at_least)
{
    print_message("%s: %u of %u\n", what, share->right, share->of);
    if (share->of < at_least || (uint64_t) share->right * 1000 < (uint64_t) share->of * permille)
        fail_msg("%s: %u of %u are right", what, share->right, share->of);
}

static bool same(struct slice a, struct slice b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

static struct csv *open_institutions(int ret_at[COLUMNS])
{
    char path[4096], why[160];
    uint32_t n;
    struct csv *csv =
        csv_open(data("ipeds-institutions-2023.csv.gz", path), &(struct csv_options){.header_line = 1}, why);
    assert_non_null(csv);
    const struct slice *header = csv_columns(csv, &n);
    for (int i = 0; i < COLUMNS; i++) {
        ret_at[i] = -1;
        for (uint32_t k = 0; k < n; k++)
            if (same(header[k], slice_of(columns[i], strlen(columns[i]))))
                ret_at[i] = (int) k;
        assert_true(ret_at[i] >= 0);
    }
    return csv;
}

static uint32_t number_of(struct slice digits)
{
    char copy[16];
    snprintf(copy, sizeof copy, "%.*s", (int) digits.len, digits.at ? (const char *) digits.at : "");
    const long number = strtol(copy, NULL, 10);
    return number > 0 ? (uint32_t) number : 0;
}

/* A damaged zip counts, too: with its state beside it, which it came with. */
static void institutions_are_found_where_they_are(void **state)
{
    (void) state;
    int at[COLUMNS];
    struct share states = {0}, counties = {0}, metros = {0}, areas = {0}, repaired = {0}, zones = {0};
    need_data();
    struct geo *geo = build();
    struct csv *csv = open_institutions(at);
    struct csv_row row;
    while (csv_next(csv, &row) == 1) {
        const struct slice state_given = row.cells[at[STATE]], zip = row.cells[at[ZIP]];
        struct geo_place by_zip, with_state, by_phone;
        geo_find(geo, &(struct geo_asked){.zip = zip}, &by_zip);
        geo_find(geo, &(struct geo_asked){.zip = zip, .state = state_given}, &with_state);
        geo_find(geo, &(struct geo_asked){.area_code = contact_area_code(row.cells[at[PHONE]])}, &by_phone);
        if (by_zip.state.at)
            count(&states, same(by_zip.state, state_given));
        if (with_state.county.at) {
            count(&counties, with_state.county_code == number_of(row.cells[at[COUNTY]]));
            count(&metros, with_state.metro_code == number_of(row.cells[at[METRO]]));
            count(&zones, with_state.zone.at != NULL);
        }
        if (!by_zip.state.at && with_state.county.at)
            count(&repaired, with_state.county_code == number_of(row.cells[at[COUNTY]]));
        if (by_phone.state.at)
            count(&areas, same(by_phone.state, state_given));
    }
    expect_share(&states, "state by zip", 1000, 5700);
    expect_share(&counties, "county", 980, 6000);
    expect_share(&metros, "metro area", 980, 6000);
    expect_share(&areas, "state by area code", 990, 5200);
    expect_share(&repaired, "county of a zip without its leading zeros", 980, 200);
    expect_share(&zones, "zone", 1000, 6000);
    csv_close(&csv);
    geo_close(&geo);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(institutions_are_found_where_they_are)};
    return cmocka_run_group_tests_name("test_geo_data", tests, make_folder, remove_folder);
}
