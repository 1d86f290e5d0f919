/* SPDX-License-Identifier: Apache-2.0
 * cmd_geo.c - `takt geo`: an operator's tables to one file of places, and what that
 * file says of a zip or a phone. Which tables: docs/GEO.md. */
#include "cli/cli.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "cli/csv.h"
#include "cli/print.h"
#include "core/contact.h"
#include "geo/geo_build.h"

enum { COLUMNS_WANTED = 6, NOWHERE = -1 };

struct asked {
    struct cli_common common;
    const char *postal, *metros, *area_codes, *to, *file, *state, *city;
};

static const struct cli_usage usage = {
    .synopsis = "takt geo build --postal FILE --metros FILE --area-codes FILE --to FILE\n"
                "       takt geo find ZIP|PHONE [--state XX] [--city NAME] [--file FILE]",
    .about = "build: one file of places out of three tables: GeoNames' postal codes, counties with\n"
             "their metro areas, the numbering plan's area codes. Each may be gzip. `takt up --geo FILE`\n"
             "then gives each lead its county, metro area and time zone.\n"
             "find: what such a file says.",
    .example = "takt geo build --postal US.txt --metros cbsa2fipsxw.csv --area-codes npa_report.csv --to places.geo\n"
               "  takt geo find 35762 --file places.geo",
    .words_least = 1,
    .words_most = 2,
};

/* ---- build --------------------------------------------------------------------------- */

struct line { /* a cell for each column that was wanted, in that order */
    struct slice cells[COLUMNS_WANTED];
};

struct table {
    const char *what;
    const char *option;
    const char *const columns[COLUMNS_WANTED]; /* letters and digits of their headers; none: as GeoNames has them */
    bool (*take)(struct geo_build *build, const struct line *line);
};

/* GeoNames: country, code, place, state's name and code, county's name and code. */
static const int geonames_columns[COLUMNS_WANTED] = {1, 2, 4, 5, 6, 0};

/* Territories of the US are countries there; what is a code of another country, such as DE, is no state. */
static struct slice geonames_state(struct slice country, struct slice state)
{
    static const char territories[][3] = {"AS", "GU", "MP", "PR", "VI"};
    if (country.len != 2 || !memcmp(country.at, "US", 2))
        return country.len == 2 ? state : (struct slice){0};
    for (size_t i = 0; i < sizeof territories / sizeof *territories; i++)
        if (!memcmp(country.at, territories[i], 2))
            return country;
    return (struct slice){0};
}

static bool take_zip(struct geo_build *build, const struct line *line)
{
    const struct slice *cell = line->cells;
    return geo_build_zip(build, &(struct geo_zip){.zip = cell[0],
                                                  .city = cell[1],
                                                  .state = geonames_state(cell[5], cell[2]),
                                                  .county = cell[3],
                                                  .county_fips = cell[4]});
}

static bool take_metro(struct geo_build *build, const struct line *line)
{
    return geo_build_metro(build, line->cells[0], line->cells[1], line->cells[2], line->cells[3]);
}

static bool take_area_code(struct geo_build *build, const struct line *line)
{
    const struct slice *cell = line->cells;
    return geo_build_area_code(build, &(struct geo_area_code){.code = cell[0],
                                                              .use = cell[1],
                                                              .in_service = cell[2],
                                                              .country = cell[3],
                                                              .location = cell[4],
                                                              .zone = cell[5]});
}

static const struct table postal_table = {"postal codes", "--postal", {0}, take_zip};
static const struct table metro_table = {
    "counties with a metro area", "--metros", {"fipsstatecode", "fipscountycode", "cbsacode", "cbsatitle"}, take_metro};
static const struct table area_table = {
    "area codes", "--area-codes", {"npaid", "use", "inservice", "country", "location", "timezone"}, take_area_code};

static bool is_header(struct slice cell, const char *letters)
{
    for (uint32_t i = 0; i < cell.len; i++) {
        if (!isalnum(cell.at[i]))
            continue;
        if (tolower(cell.at[i]) != *letters)
            return false;
        letters++;
    }
    return *letters == '\0';
}

/* Where the wanted columns stand. Returns the one that is not there, or NULL. */
static const char *find_columns(const struct table *table, const struct csv *csv, int ret_at[COLUMNS_WANTED])
{
    uint32_t n;
    const struct slice *columns = csv_columns(csv, &n);
    for (int i = 0; i < COLUMNS_WANTED; i++) {
        ret_at[i] = NOWHERE;
        for (uint32_t k = 0; table->columns[i] && k < n && ret_at[i] == NOWHERE; k++)
            ret_at[i] = is_header(columns[k], table->columns[i]) ? (int) k : NOWHERE;
        if (table->columns[i] && ret_at[i] == NOWHERE)
            return table->columns[i];
    }
    return NULL;
}

struct taken {
    uint64_t rows, left_out;
};

/* False: the file cannot be read to its end. */
static bool take_rows(const struct table *table, struct csv *csv, const int at[COLUMNS_WANTED], struct geo_build *build,
                      struct taken *ret)
{
    struct csv_row from;
    int got;
    *ret = (struct taken){0};
    while ((got = csv_next(csv, &from)) == 1) {
        struct line line = {0};
        for (int i = 0; i < COLUMNS_WANTED; i++)
            if (at[i] != NOWHERE && (uint32_t) at[i] < from.n_cells)
                line.cells[i] = from.cells[at[i]];
        const bool taken = from.reason == REASON_OK && table->take(build, &line);
        ret->rows += taken;
        ret->left_out += !taken;
    }
    return got == 0;
}

static bool read_open_table(const struct table *table, const char *path, struct csv *csv, struct geo_build *build)
{
    int found[COLUMNS_WANTED];
    struct taken taken;
    const bool geonames = !table->columns[0];
    const char *missing = geonames ? NULL : find_columns(table, csv, found);
    if (missing) {
        cli_say("%s has no column %s, so it is no table for %s; see docs/GEO.md", path, missing, table->option);
        return false;
    }
    if (!take_rows(table, csv, geonames ? geonames_columns : found, build, &taken)) {
        cli_say("%s: %s", path, csv_why(csv));
        return false;
    }
    fprintf(stderr, "%s: %" PRIu64 " %s, %" PRIu64 " lines left out\n", path, taken.rows, table->what, taken.left_out);
    if (taken.rows == 0)
        cli_say("%s: no line is of use, so it is no table for %s; see docs/GEO.md", path, table->option);
    return taken.rows > 0;
}

static bool read_table(const struct table *table, const char *path, struct geo_build *build)
{
    char why[160];
    const bool geonames = !table->columns[0];
    const struct csv_options options = {.delimiter = geonames ? '\t' : '\0',
                                        .header_line = geonames ? CSV_HEADER_NONE : CSV_HEADER_FIND};
    struct csv *csv = csv_open(path, &options, why);
    if (!csv)
        cli_say("%s: %s", path, why);
    const bool good = csv && read_open_table(table, path, csv, build);
    csv_close(&csv);
    return good;
}

static void show_counts(const char *path, const struct geo *geo, bool json)
{
    const struct geo_counts counts = geo_counts(geo);
    if (!json) {
        printf("%s: %u zips, %u counties, %u metro areas, %u cities, %u area codes\n", path, counts.zips,
               counts.counties, counts.metros, counts.cities, counts.area_codes);
        return;
    }
    json_t *row =
        json_pack("{s:i, s:i, s:i, s:i, s:i}", "zips", (int) counts.zips, "counties", (int) counts.counties, "metros",
                  (int) counts.metros, "cities", (int) counts.cities, "area_codes", (int) counts.area_codes);
    json_object_set_new(row, "file", print_string(path));
    print_value(stdout, row, 0);
}

static int build_file(const struct asked *asked)
{
    char why[GEO_WHY_BYTES];
    if (!asked->postal || !asked->metros || !asked->area_codes || !asked->to) {
        cli_say("geo build needs --postal, --metros, --area-codes and --to; `takt geo --help` shows how");
        return CLI_USAGE;
    }
    struct geo_build *build = geo_build_new();
    bool good = read_table(&metro_table, asked->metros, build) && read_table(&postal_table, asked->postal, build) &&
                read_table(&area_table, asked->area_codes, build);
    if (good && !(good = geo_build_write(build, asked->to, why)))
        cli_say("%s", why);
    geo_build_destroy(&build);
    struct geo *geo = good ? geo_open(asked->to, why) : NULL;
    if (good && !geo)
        cli_say("%s", why);
    if (!geo)
        return CLI_FAILED;
    show_counts(asked->to, geo, asked->common.json);
    geo_close(&geo);
    return CLI_DONE;
}

/* ---- find ---------------------------------------------------------------------------- */

static struct slice slice_of_word(const char *word)
{
    return word ? slice_of(word, strlen(word)) : (struct slice){0};
}

static takt_text cell_of(struct slice text)
{
    return text.at ? print_text((const char *) text.at, text.len) : print_text("", 0);
}

static takt_text number_cell(uint32_t number, char room[16])
{
    const int len = number ? snprintf(room, 16, "%u", number) : 0;
    return print_text(room, (size_t) len);
}

static void show_place(const struct geo_place *place, bool json)
{
    static const char *const by[] = {
        [GEO_ZONE_UNKNOWN] = "",      [GEO_ZONE_BY_COUNTY] = "county",       [GEO_ZONE_BY_STATE] = "state",
        [GEO_ZONE_GUESSED] = "guess", [GEO_ZONE_BY_AREA_CODE] = "area code",
    };
    static const char *const names[] = {"state", "county",    "county_code", "metro",  "metro_code",
                                        "city",  "area_code", "zone",        "zone_by"};
    enum { COLUMNS = sizeof names / sizeof *names };
    char county[16], metro[16], area[16];
    takt_text columns[COLUMNS];
    for (size_t i = 0; i < COLUMNS; i++)
        columns[i] = print_text(names[i], strlen(names[i]));
    const takt_text cells[COLUMNS] = {cell_of(place->state),
                                      cell_of(place->county),
                                      number_cell(place->county_code, county),
                                      cell_of(place->metro),
                                      number_cell(place->metro_code, metro),
                                      cell_of(place->city),
                                      number_cell(place->area_code, area),
                                      cell_of(place->zone),
                                      print_text(by[place->zone_by], strlen(by[place->zone_by]))};
    const struct print_table table = {COLUMNS, 1, columns, "ssnsnsnss", cells};
    if (json)
        print_json(stdout, &table);
    else
        print_table(stdout, &table);
}

/* What `takt up --geo` keeps is what is asked, unless --file names another. */
static int find_word(const struct asked *asked, const char *word)
{
    char kept[4096], why[GEO_WHY_BYTES];
    struct geo_place place;
    snprintf(kept, sizeof kept, "%s/places.geo", cli_dir(&asked->common));
    struct geo *geo = geo_open(asked->file ? asked->file : kept, why);
    if (!geo) {
        cli_say("%s%s", why, asked->file ? "" : "; --file FILE asks another one");
        return CLI_FAILED;
    }
    const uint32_t area_code = contact_area_code(slice_of_word(word));
    geo_find(geo,
             &(struct geo_asked){.zip = area_code ? (struct slice){0} : slice_of_word(word),
                                 .area_code = area_code,
                                 .state = slice_of_word(asked->state),
                                 .city = slice_of_word(asked->city)},
             &place);
    const bool found = place.state.at || place.city.at || place.zone.at;
    if (found)
        show_place(&place, asked->common.json);
    else
        cli_say("%s is neither a zip nor a phone with an area code of the file", word);
    geo_close(&geo);
    return found ? CLI_DONE : CLI_FAILED;
}

int cmd_geo(int argc, char **argv)
{
    struct asked asked = {0};
    const struct cli_option options[] = {
        {"postal", "FILE", CLI_TEXT, &asked.postal, 0, 0, "build: postal codes of GeoNames, such as US.txt"},
        {"metros", "FILE", CLI_TEXT, &asked.metros, 0, 0, "build: counties with their metro area, as CSV"},
        {"area-codes", "FILE", CLI_TEXT, &asked.area_codes, 0, 0, "build: the numbering plan's report, as CSV"},
        {"to", "FILE", CLI_TEXT, &asked.to, 0, 0, "build: the file that is made"},
        {"file", "FILE", CLI_TEXT, &asked.file, 0, 0, "find: the file that is asked (default: places.geo in DIR)"},
        {"state", "XX", CLI_TEXT, &asked.state, 0, 0, "find: the state that is known beside it"},
        {"city", "NAME", CLI_TEXT, &asked.city, 0, 0, "find: the city that is known beside it"},
        CLI_DIR_OPTION(asked.common.dir),
        CLI_JSON_OPTION(asked.common.json),
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    const int n = cli_options(&usage, options, argc, argv, &exit_code);
    if (n < 0)
        return exit_code;
    const bool builds = asked.postal || asked.metros || asked.area_codes || asked.to;
    const bool finds = asked.file || asked.state || asked.city;
    if (n == 1 && !strcmp(argv[1], "build") && !finds)
        return build_file(&asked);
    if (n == 2 && !strcmp(argv[1], "find") && !builds)
        return find_word(&asked, argv[2]);
    return cli_say_usage(&usage);
}
