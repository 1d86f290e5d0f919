/* SPDX-License-Identifier: Apache-2.0
 * test_geo.c - places by zip, city, state and area code; and a file that cannot be trusted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "common/bytes.h"
#include "geo/geo_format.h"
#include "tests/lib/geo_tables.h"

static char path[GEO_TABLES_PATH];
static struct geo *geo;

static int open_tables(void **state)
{
    (void) state;
    geo_tables_path(path);
    geo = geo_tables_open(path);
    return 0;
}

static int close_tables(void **state)
{
    (void) state;
    geo_close(&geo);
    geo_tables_remove(path);
    return 0;
}

static struct slice text(const char *at)
{
    return at ? slice_of(at, strlen(at)) : (struct slice){0};
}

static struct geo_place find(const char *zip, const char *city, const char *state, uint32_t area_code)
{
    struct geo_place place;
    geo_find(geo, &(struct geo_asked){text(zip), text(city), text(state), area_code}, &place);
    return place;
}

static void is(struct slice found, const char *wanted)
{
    if (!wanted) {
        assert_null(found.at);
        return;
    }
    assert_non_null(found.at);
    assert_int_equal(found.len, strlen(wanted));
    assert_memory_equal(found.at, wanted, found.len);
}

/* ---- finding ----------------------------------------------------------------------- */

static void a_zip_tells_state_county_metro_city_and_zone(void **state)
{
    (void) state;
    static const char *const forms[] = {"35762", "35762-0110", "357620110"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        const struct geo_place place = find(forms[i], NULL, NULL, 256);
        is(place.state, "AL");
        is(place.county, "Madison");
        is(place.metro, "Huntsville, AL");
        is(place.city, "Normal");
        is(place.zone, "America/Chicago");
        assert_int_equal(place.county_code, 1089);
        assert_int_equal(place.metro_code, 26620);
        assert_int_equal(place.area_code, 256);
        assert_int_equal(place.zone_by, GEO_ZONE_BY_COUNTY);
    }
}

static void what_is_no_zip_of_the_file_finds_nothing(void **state)
{
    (void) state;
    static const char *const zips[] = {"",           "35763",       "3576",    "35",       "357620",
                                       "35762-",     "35762-01",    "K1A 0B1", "3576a",    "-35762",
                                       "35762-011x", "357620-1104", "99999",   "35762 AL", "3-5762"};
    for (size_t i = 0; i < sizeof zips / sizeof *zips; i++) {
        const struct geo_place place = find(zips[i], NULL, NULL, 0);
        is(place.state, NULL);
        is(place.city, NULL);
        is(place.zone, NULL);
    }
}

static void a_zip_without_its_leading_zeros_needs_a_witness(void **state)
{
    (void) state;
    is(find("6510", NULL, NULL, 0).county, NULL);
    is(find("6510", NULL, "CT", 0).county, "South Central Regional");
    is(find("6510-1234", NULL, "ct", 0).metro, "New Haven, CT");
    is(find("65101234", NULL, NULL, 203).state, "CT");
    is(find("6510", NULL, "NY", 0).county, NULL);
    is(find("6510", NULL, NULL, 256).county, NULL);
    is(find("6510", NULL, NULL, 256).state, "AL"); /* of the area code, then */
}

static void a_zip_in_another_state_is_not_believed(void **state)
{
    (void) state;
    const struct geo_place place = find("35762", NULL, "FL", 0);
    is(place.county, NULL);
    is(place.city, NULL);
    is(place.state, "FL");
    is(find("35762", NULL, "??", 0).state, "AL"); /* what is no state contradicts nothing */
    is(find("35762", NULL, "Alabama", 0).state, "AL");
}

static void a_city_has_what_all_its_zips_share(void **state)
{
    (void) state;
    is(find(NULL, "chicago", "il", 0).county, "Cook");
    is(find(NULL, "ST  LOUIS", "MO", 0).county, NULL); /* no synonyms */
    is(find(NULL, "saint-louis", "MO", 0).county, "St. Louis (city)");
    const struct geo_place elgin = find(NULL, "Elgin", "IL", 0);
    is(elgin.county, NULL);
    is(elgin.metro, "Chicago-Naperville-Elgin, IL-IN");
    assert_int_equal(elgin.county_code, 0);
    is(find(NULL, "Elgin", NULL, 0).metro, NULL);
    is(find(NULL, "Madison", "AL", 0).metro, NULL); /* here its counties differ in that, too */
    is(find(NULL, "Madison", "AL", 0).zone, "America/Chicago");
    is(find("99999", "Normal", "AL", 0).county, "Madison"); /* where the zip is unknown */
}

static void an_area_code_tells_the_state_and_its_zone(void **state)
{
    (void) state;
    const struct geo_place place = find(NULL, NULL, NULL, 203);
    is(place.state, "CT");
    is(place.zone, "America/New_York");
    is(place.county, NULL);
    is(find(NULL, NULL, NULL, 212).state, NULL);
    is(find(NULL, NULL, NULL, 1000).state, NULL);
    is(find(NULL, NULL, NULL, UINT32_MAX).state, NULL);
    is(find(NULL, NULL, NULL, 902).state, NULL); /* two provinces */
    is(find(NULL, NULL, NULL, 902).zone, "America/Halifax");
    is(find(NULL, NULL, NULL, 416).state, "ON");
}

/* A county, then a state with one clock, then the area code within its state, then most of the state. */
static void the_zone_comes_from_the_best_that_is_known(void **state)
{
    (void) state;
    static const struct {
        const char *zip, *state, *zone;
        uint32_t area_code;
        enum geo_zone_by by;
    } cases[] = {
        {"32501", NULL, "America/Chicago", 305, GEO_ZONE_BY_COUNTY}, /* Pensacola: not as most of Florida */
        {"32301", NULL, "America/New_York", 850, GEO_ZONE_BY_COUNTY},
        {"86503", NULL, "America/Denver", 928, GEO_ZONE_BY_COUNTY}, /* the Navajo Nation has summer time */
        {NULL, "AL", "America/Chicago", 203, GEO_ZONE_BY_STATE},    /* a phone that moved along */
        {NULL, "FL", "America/New_York", 305, GEO_ZONE_BY_AREA_CODE},
        {NULL, "FL", "America/New_York", 850, GEO_ZONE_GUESSED},
        {NULL, "FL", "America/New_York", 256, GEO_ZONE_GUESSED},     /* another state's area code says nothing */
        {NULL, NULL, "America/Phoenix", 928, GEO_ZONE_BY_AREA_CODE}, /* and not Denver, whose letter it has */
        {NULL, NULL, "America/New_York", 850, GEO_ZONE_GUESSED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct geo_place place = find(cases[i].zip, NULL, cases[i].state, cases[i].area_code);
        is(place.zone, cases[i].zone);
        assert_int_equal(place.zone_by, cases[i].by);
    }
    assert_int_equal(find("1", NULL, NULL, 0).zone_by, GEO_ZONE_UNKNOWN);
}

static void without_a_file_only_the_area_code_is_known(void **state)
{
    (void) state;
    struct geo_place place;
    geo_find(NULL, &(struct geo_asked){text("35762"), text("Normal"), text("AL"), 256}, &place);
    assert_int_equal(place.area_code, 256);
    is(place.state, NULL);
    is(place.zone, NULL);
}

/* ---- building ------------------------------------------------------------------------ */

static void rows_of_no_use_are_left_out(void **state)
{
    (void) state;
    struct geo_build *build = geo_tables_new();
    const struct slice none = {0};
    assert_false(geo_build_metro(build, text("01"), text("089"), text("1"), text("again")));
    assert_false(geo_build_metro(build, text("x"), text("089"), text("1"), text("no number")));
    assert_false(geo_build_zip(build, &(struct geo_zip){text("35762"), text("again"), text("AL"), none, none}));
    assert_false(geo_build_zip(build, &(struct geo_zip){text("09012"), text("APO"), none, none, none}));
    assert_false(geo_build_zip(build, &(struct geo_zip){text("K1A"), text("Ottawa"), text("ON"), none, none}));
    char longest[GEO_TEXT_MAX + 2] = "";
    memset(longest, 'x', GEO_TEXT_MAX + 1);
    assert_false(geo_build_metro(build, text("01"), text("001"), text("1"), text("a\tb")));
    assert_false(geo_build_zip(build, &(struct geo_zip){text("35801"), text("A\nB"), text("AL"), none, none}));
    assert_false(geo_build_zip(build, &(struct geo_zip){text("35801"), text("A"), text("AL"), text("\xff"), none}));
    assert_false(geo_build_zip(build, &(struct geo_zip){text("35801"), text(longest), text("AL"), none, none}));
    longest[GEO_TEXT_MAX] = '\0';
    assert_true(geo_build_zip(build, &(struct geo_zip){text("35801"), text(longest), text("AL"), none, none}));
    assert_false(geo_build_area_code(
        build, &(struct geo_area_code){text("800"), text("N"), text("Y"), text("US"), none, text("E")}));
    assert_false(geo_build_area_code(build, &(struct geo_area_code){text("876"), text("G"), text("Y"), text("JAMAICA"),
                                                                    text("JAMAICA"), text("E")}));
    geo_build_destroy(&build);
}

static void counts_are_those_of_the_tables(void **state)
{
    (void) state;
    const struct geo_counts counts = geo_counts(geo);
    assert_int_equal(counts.zips, 12);
    assert_int_equal(counts.counties, 9);
    assert_int_equal(counts.metros, 4);
    assert_int_equal(counts.cities, 10);
    assert_int_equal(counts.area_codes, 7);
}

static void a_new_file_takes_the_place_of_one_that_is_in_use(void **state)
{
    (void) state;
    char why[GEO_WHY_BYTES];
    struct geo *again = geo_tables_open(path); /* builds it anew */
    is(find("35762", NULL, NULL, 0).county, "Madison");
    geo_close(&again);
    struct geo_build *build = geo_tables_new();
    assert_false(geo_build_write(build, "/nowhere/at/all.geo", why));
    assert_non_null(strstr(why, "/nowhere/at/all.geo"));
    geo_build_destroy(&build);
}

/* ---- a file that cannot be trusted ------------------------------------------------------- */

static size_t read_whole(uint8_t **ret_bytes)
{
    struct stat st;
    const int fd = open(path, O_RDONLY);
    assert_true(fd >= 0 && fstat(fd, &st) == 0);
    uint8_t *bytes = malloc((size_t) st.st_size);
    assert_non_null(bytes);
    assert_int_equal(read(fd, bytes, (size_t) st.st_size), st.st_size);
    close(fd);
    *ret_bytes = bytes;
    return (size_t) st.st_size;
}

static void put_whole(const char *to, const void *bytes, size_t len)
{
    const int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, len), len);
    close(fd);
}

static void expect_refused(const char *which, const char *said)
{
    char why[GEO_WHY_BYTES] = "";
    struct geo *opened = geo_open(which, why);
    if (opened)
        fail_msg("opened: should be refused as \"%s\"", said);
    if (!strstr(why, said))
        fail_msg("said \"%s\" and not \"%s\"", why, said);
}

static void what_is_no_geo_file_is_refused_with_what_to_do(void **state)
{
    (void) state;
    char other[GEO_TABLES_PATH + 8];
    uint8_t *bytes;
    const size_t len = read_whole(&bytes);
    snprintf(other, sizeof other, "%s.other", path);
    expect_refused(other, "No such file");
    put_whole(other, "", 0);
    expect_refused(other, "no geo file; `takt geo build` makes one");
    put_whole(other, "zip,city\n35762,Normal\n", 22);
    expect_refused(other, "no geo file");
    put_whole(other, bytes, 20);
    expect_refused(other, "is cut off");
    put_whole(other, bytes, len - 1);
    expect_refused(other, "is damaged; build it again");
    bytes[GEO_AT_VERSION]++;
    put_whole(other, bytes, len);
    expect_refused(other, "another version");
    unlink(other);
    free(bytes);
}

/* Each byte of head, check and what is beside them; of the long tables between one in a thousand. */
static void a_flip_of_any_byte_is_found(void **state)
{
    (void) state;
    char other[GEO_TABLES_PATH + 8], why[GEO_WHY_BYTES];
    uint8_t *bytes;
    const size_t len = read_whole(&bytes);
    snprintf(other, sizeof other, "%s.other", path);
    put_whole(other, bytes, len);
    const int fd = open(other, O_WRONLY);
    for (size_t at = 0; at < len; at += at < 2000 || at + 2000 > len ? 1 : 997) {
        const uint8_t flipped = bytes[at] ^ (uint8_t) (1u << at % 8);
        assert_int_equal(pwrite(fd, &flipped, 1, (off_t) at), 1);
        struct geo *opened = geo_open(other, why);
        if (opened)
            fail_msg("byte %zu flipped and nobody noticed", at);
        assert_int_equal(pwrite(fd, &bytes[at], 1, (off_t) at), 1);
    }
    struct geo *opened = geo_open(other, why);
    assert_non_null(opened); /* all of them are as they were */
    geo_close(&opened);
    close(fd);
    unlink(other);
    free(bytes);
}

/* Somebody's own builder may get it wrong and still put a right check behind it. */
static void a_reference_to_nothing_is_found_behind_a_right_check(void **state)
{
    (void) state;
    char other[GEO_TABLES_PATH + 8];
    uint8_t *bytes;
    const size_t len = read_whole(&bytes);
    snprintf(other, sizeof other, "%s.other", path);
    static const size_t references[] = {GEO_AT_PLACES,
                                        GEO_AT_CITIES,
                                        GEO_AT_METROS,
                                        GEO_AT_TEXT,
                                        GEO_HEAD_BYTES + GEO_PLACE_COUNTY,
                                        GEO_HEAD_BYTES + GEO_PLACE_METRO,
                                        GEO_HEAD_BYTES + GEO_PLACE_ZONE_BY};
    for (size_t i = 0; i < sizeof references / sizeof *references; i++) {
        const uint32_t before = bytes_u32(bytes + references[i]);
        bytes_put_u32(bytes + references[i], UINT32_MAX);
        bytes_put_u64(bytes + len - GEO_CHECK_BYTES, geo_check(bytes, len - GEO_CHECK_BYTES));
        put_whole(other, bytes, len);
        expect_refused(other, "is damaged");
        bytes_put_u32(bytes + references[i], before);
    }
    unlink(other);
    free(bytes);
}

/* They go into leads, where no such text may come from a source either. */
static void a_text_that_no_lead_may_hold_is_found_behind_a_right_check(void **state)
{
    (void) state;
    static const char *const wrong[] = {"Mad\x01son", "Mad\nson", "Madi\xffon", "Madiso\xc3", "Ma\xed\xa0\x80on"};
    char other[GEO_TABLES_PATH + 8];
    uint8_t *bytes;
    const size_t len = read_whole(&bytes);
    uint8_t *county = memmem(bytes, len, "\7Madison", 8);
    assert_non_null(county);
    snprintf(other, sizeof other, "%s.other", path);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        memcpy(county + 1, wrong[i], 7);
        bytes_put_u64(bytes + len - GEO_CHECK_BYTES, geo_check(bytes, len - GEO_CHECK_BYTES));
        put_whole(other, bytes, len);
        expect_refused(other, "is damaged");
    }
    unlink(other);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zip_tells_state_county_metro_city_and_zone),
        cmocka_unit_test(what_is_no_zip_of_the_file_finds_nothing),
        cmocka_unit_test(a_zip_without_its_leading_zeros_needs_a_witness),
        cmocka_unit_test(a_zip_in_another_state_is_not_believed),
        cmocka_unit_test(a_city_has_what_all_its_zips_share),
        cmocka_unit_test(an_area_code_tells_the_state_and_its_zone),
        cmocka_unit_test(the_zone_comes_from_the_best_that_is_known),
        cmocka_unit_test(without_a_file_only_the_area_code_is_known),
        cmocka_unit_test(rows_of_no_use_are_left_out),
        cmocka_unit_test(counts_are_those_of_the_tables),
        cmocka_unit_test(a_new_file_takes_the_place_of_one_that_is_in_use),
        cmocka_unit_test(what_is_no_geo_file_is_refused_with_what_to_do),
        cmocka_unit_test(a_flip_of_any_byte_is_found),
        cmocka_unit_test(a_reference_to_nothing_is_found_behind_a_right_check),
        cmocka_unit_test(a_text_that_no_lead_may_hold_is_found_behind_a_right_check),
    };
    return cmocka_run_group_tests(tests, open_tables, close_tables);
}
