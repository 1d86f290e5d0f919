/* SPDX-License-Identifier: Apache-2.0
 * geo_build.c - tables collected, joined and written; see geo_build.h and
 * geo_format.h.
 *
 * Joined by FIPS numbers: names of counties differ from table to table. A city
 * that lies in several counties has those parts of a place that they share. */
#include "geo/geo_build.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define uthash_fatal(msg) assert(!msg)
#include <uthash.h>

#include "common/buf.h"
#include "common/bytes.h"
#include "common/file.h"
#include "common/utf8.h"
#include "geo/geo_format.h"

static const struct region {
    const char *code, *name;
    uint32_t fips;
    const char *zone;
    bool whole;
} regions[] = {
#define REGION(code, name, fips, zone, whole) {code, name, fips, zone, whole},
#include "geo/regions.def"
#undef REGION
};
enum { N_REGIONS = sizeof regions / sizeof *regions };

enum { COUNTY_ZONE_MAX = 48 };
static const struct {
    uint32_t fips;
    const char *zone;
    uint16_t counties[COUNTY_ZONE_MAX]; /* ended by 0 */
} county_zones[] = {
#define COUNTY_ZONE(fips, zone, ...) {fips, zone, {__VA_ARGS__}},
#include "geo/county_zones.def"
#undef COUNTY_ZONE
};

/* The numbering plan's letters. Where a letter has several clocks, a region's own goes before the first. */
static const struct {
    const char *letter, *zone;
} clocks[] = {{"E", "America/New_York"},   {"C", "America/Chicago"},        {"C", "America/Regina"},
              {"M", "America/Denver"},     {"M", "America/Phoenix"},        {"P", "America/Los_Angeles"},
              {"A", "America/Halifax"},    {"A", "America/Puerto_Rico"},    {"N", "America/St_Johns"},
              {"AK", "America/Anchorage"}, {"(UTC-10)", "Pacific/Honolulu"}};

struct text {
    uint32_t at; /* in build->texts */
    UT_hash_handle hh;
    char bytes[];
};

struct county_metro {
    uint32_t fips, metro; /* 1 + number */
    UT_hash_handle hh;
};

struct place { /* what is one place and what is another: all of it */
    uint32_t region, county, code, metro, zone, zone_by;
};
struct known_place {
    struct place place;
    uint32_t number; /* from 1 */
    UT_hash_handle hh;
};

struct city {
    uint64_t key;
    struct place place; /* what all its zips share */
    UT_hash_handle hh;
};

struct geo_build {
    struct buf texts, places, metros;
    struct text *text_index;
    struct county_metro *county_metros;
    struct known_place *place_index;
    struct city *cities;
    uint32_t n_zips, n_counties, n_places, n_metros, n_area_codes;
    uint32_t zip_place[GEO_ZIPS], zip_city[GEO_ZIPS];
    uint32_t area_place[GEO_AREA_CODES], area_zone[GEO_AREA_CODES];
};

struct geo_build *geo_build_new(void)
{
    struct geo_build *build = calloc(1, sizeof *build);
    if (!build)
        abort();
    buf_add(&build->texts, "", 1); /* the empty text, at 0 */
    return build;
}

#define FREE_ALL(type, head)                                                                                           \
    do {                                                                                                               \
        struct type *one, *next;                                                                                       \
        HASH_ITER(hh, head, one, next)                                                                                 \
        {                                                                                                              \
            HASH_DEL(head, one);                                                                                       \
            free(one);                                                                                                 \
        }                                                                                                              \
    } while (0)

void geo_build_destroy(struct geo_build **build_p)
{
    struct geo_build *build = *build_p;
    if (!build)
        return;
    FREE_ALL(text, build->text_index);
    FREE_ALL(county_metro, build->county_metros);
    FREE_ALL(known_place, build->place_index);
    FREE_ALL(city, build->cities);
    buf_fini(&build->texts);
    buf_fini(&build->places);
    buf_fini(&build->metros);
    free(build);
    *build_p = NULL;
}

static void *one_more(size_t bytes)
{
    void *at = calloc(1, bytes);
    if (!at)
        abort();
    return at;
}

/* As the reader wants texts to be: see geo_open(). */
static bool is_text(struct slice text)
{
    return text.len <= GEO_TEXT_MAX && utf8_is_text(text.at, text.len);
}

static uint32_t keep_text(struct geo_build *build, struct slice text)
{
    struct text *known;
    const uint32_t len = text.len;
    assert(len <= GEO_TEXT_MAX);
    if (len == 0)
        return 0;
    HASH_FIND(hh, build->text_index, text.at, len, known);
    if (known)
        return known->at;
    known = one_more(sizeof *known + len);
    memcpy(known->bytes, text.at, len);
    known->at = (uint32_t) build->texts.len;
    buf_add(&build->texts, &(uint8_t){(uint8_t) len}, 1);
    buf_add(&build->texts, text.at, len);
    HASH_ADD_KEYPTR(hh, build->text_index, known->bytes, len, known);
    return known->at;
}

static uint32_t keep_word(struct geo_build *build, const char *word)
{
    return keep_text(build, slice_of(word, strlen(word)));
}

static void add_u32(struct buf *to, uint32_t value)
{
    bytes_put_u32(buf_more(to, 4), value);
}

/* ---- places ----------------------------------------------------------------------------- */

static uint32_t place_number(struct geo_build *build, const struct place *place)
{
    struct known_place *known;
    HASH_FIND(hh, build->place_index, place, sizeof *place, known);
    if (known)
        return known->number;
    known = one_more(sizeof *known);
    known->place = *place;
    known->number = ++build->n_places;
    HASH_ADD(hh, build->place_index, place, sizeof *place, known);
    build->n_counties += place->county != 0;
    add_u32(&build->places, keep_word(build, regions[place->region].code));
    add_u32(&build->places, place->county);
    add_u32(&build->places, place->zone);
    add_u32(&build->places, place->code);
    add_u32(&build->places, place->metro);
    add_u32(&build->places, place->zone_by);
    return known->number;
}

static struct place region_place(struct geo_build *build, uint32_t region)
{
    return (struct place){.region = region,
                          .zone = keep_word(build, regions[region].zone),
                          .zone_by = regions[region].whole ? GEO_ZONE_BY_STATE : GEO_ZONE_GUESSED};
}

static uint32_t region_of(struct slice word)
{
    uint32_t i = 0;
    for (; i < N_REGIONS; i++) {
        const struct region *region = &regions[i];
        if ((strlen(region->code) == word.len && !strncasecmp(region->code, (const char *) word.at, word.len)) ||
            (strlen(region->name) == word.len && !strncasecmp(region->name, (const char *) word.at, word.len)))
            break;
    }
    return i;
}

static bool number_of(struct slice digits, uint32_t most, uint32_t *ret)
{
    uint32_t number = 0;
    for (uint32_t i = 0; i < digits.len; i++) {
        if (digits.at[i] < '0' || digits.at[i] > '9')
            return false;
        number = number * 10 + digits.at[i] - '0';
        if (number > most)
            return false;
    }
    *ret = number;
    return digits.len > 0;
}

static const char *county_zone(uint32_t region, uint32_t county)
{
    for (size_t i = 0; i < sizeof county_zones / sizeof *county_zones; i++)
        for (int k = 0; county_zones[i].fips == regions[region].fips && county_zones[i].counties[k]; k++)
            if (county_zones[i].counties[k] == county)
                return county_zones[i].zone;
    return regions[region].zone;
}

/* ---- rows --------------------------------------------------------------------------------- */

bool geo_build_metro(struct geo_build *build, struct slice state_fips, struct slice county_fips,
                     struct slice metro_code, struct slice title)
{
    uint32_t state, county, code, metro = 0;
    struct county_metro *known;
    if (!number_of(state_fips, 99, &state) || !number_of(county_fips, 999, &county) ||
        !number_of(metro_code, 99999, &code) || title.len == 0 || !is_text(title))
        return false;
    const uint32_t fips = state * 1000 + county, text = keep_text(build, title);
    HASH_FIND(hh, build->county_metros, &fips, sizeof fips, known);
    if (known)
        return false;
    for (uint32_t i = 0; i < build->n_metros && !metro; i++)
        if (bytes_u32(build->metros.at + (size_t) i * GEO_METRO_BYTES) == code)
            metro = i + 1;
    if (!metro) {
        add_u32(&build->metros, code);
        add_u32(&build->metros, text);
        metro = ++build->n_metros;
    }
    known = one_more(sizeof *known);
    *known = (struct county_metro){.fips = fips, .metro = metro};
    HASH_ADD(hh, build->county_metros, fips, sizeof fips, known);
    return true;
}

static struct place county_place(struct geo_build *build, uint32_t region, struct slice name, uint32_t county)
{
    struct place place = region_place(build, region);
    struct county_metro *metro;
    if (name.len == 0)
        return place;
    place.county = keep_text(build, name);
    if (county == 0 || regions[region].fips == 0)
        return place;
    place.code = regions[region].fips * 1000 + county;
    place.zone = keep_word(build, county_zone(region, county));
    place.zone_by = GEO_ZONE_BY_COUNTY;
    HASH_FIND(hh, build->county_metros, &place.code, sizeof place.code, metro);
    place.metro = metro ? metro->metro : 0;
    return place;
}

static void add_city(struct geo_build *build, struct slice name, const struct place *place)
{
    struct city *city;
    const char *code = regions[place->region].code;
    const uint64_t key = geo_city_key(name, geo_state_index(slice_of(code, 2)));
    HASH_FIND(hh, build->cities, &key, sizeof key, city);
    if (!city) {
        city = one_more(sizeof *city);
        city->key = key;
        city->place = *place;
        HASH_ADD(hh, build->cities, key, sizeof key, city);
        return;
    }
    struct place *shared = &city->place;
    if (shared->code != place->code || shared->county != place->county)
        shared->code = shared->county = 0;
    if (shared->metro != place->metro)
        shared->metro = 0;
    if (shared->zone != place->zone) {
        const struct place whole = region_place(build, place->region);
        shared->zone = whole.zone;
        shared->zone_by = GEO_ZONE_GUESSED;
    }
}

bool geo_build_zip(struct geo_build *build, const struct geo_zip *zip)
{
    uint32_t number, county = 0;
    const uint32_t region = region_of(zip->state);
    if (zip->zip.len != 5 || !number_of(zip->zip, GEO_ZIPS - 1, &number) || region == N_REGIONS ||
        !is_text(zip->city) || !is_text(zip->county) ||
        (zip->county_fips.len > 0 && !number_of(zip->county_fips, 999, &county)) || build->zip_place[number])
        return false;
    const struct place place = county_place(build, region, zip->county, county);
    build->zip_place[number] = place_number(build, &place);
    build->zip_city[number] = keep_text(build, zip->city);
    build->n_zips++;
    if (zip->city.len > 0)
        add_city(build, zip->city, &place);
    return true;
}

static bool is_word(struct slice text, const char *word)
{
    return text.len == strlen(word) && !strncasecmp((const char *) text.at, word, text.len);
}

/* NULL where an area code has several clocks. */
static const char *clock_of(struct slice letters, uint32_t region)
{
    const char *zone = NULL;
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++) {
        if (!is_word(letters, clocks[i].letter))
            continue;
        if (region < N_REGIONS && !strcmp(clocks[i].zone, regions[region].zone))
            return clocks[i].zone;
        zone = zone ? zone : clocks[i].zone;
    }
    return zone;
}

bool geo_build_area_code(struct geo_build *build, const struct geo_area_code *area)
{
    uint32_t code;
    const uint32_t region = region_of(area->location);
    if (!number_of(area->code, GEO_AREA_CODES - 1, &code) || !is_word(area->use, "G") ||
        !is_word(area->in_service, "Y") || !(is_word(area->country, "US") || is_word(area->country, "CANADA")))
        return false;
    const char *zone = clock_of(area->zone, region);
    if (build->area_place[code] || build->area_zone[code] || (region == N_REGIONS && !zone))
        return false;
    if (region < N_REGIONS) {
        const struct place place = region_place(build, region);
        build->area_place[code] = place_number(build, &place);
    }
    build->area_zone[code] = zone ? keep_word(build, zone) : 0;
    build->n_area_codes++;
    return true;
}

/* ---- the file ------------------------------------------------------------------------------- */

static int by_key(const struct city *a, const struct city *b)
{
    return a->key < b->key ? -1 : a->key > b->key;
}

static void put_cities(struct geo_build *build, struct buf *to)
{
    HASH_SORT(build->cities, by_key);
    for (const struct city *city = build->cities; city; city = city->hh.next) {
        bytes_put_u64(buf_more(to, 8), city->key);
        add_u32(to, place_number(build, &city->place));
    }
}

static void put_states(struct geo_build *build, struct buf *to)
{
    uint32_t places[GEO_STATES] = {0};
    for (uint32_t i = 0; i < N_REGIONS; i++) {
        const struct place place = region_place(build, i);
        places[geo_state_index(slice_of(regions[i].code, 2))] = place_number(build, &place);
    }
    for (uint32_t i = 0; i < GEO_STATES; i++)
        add_u32(to, places[i]);
}

static void put_file(struct geo_build *build, struct buf *to)
{
    struct buf cities = {0}, states = {0};
    put_cities(build, &cities); /* the last places are made here */
    put_states(build, &states);
    const uint32_t head[] = {GEO_VERSION,
                             build->n_zips,
                             build->n_counties,
                             build->n_places,
                             HASH_COUNT(build->cities),
                             build->n_metros,
                             build->n_area_codes,
                             (uint32_t) build->texts.len,
                             0};
    buf_add(to, GEO_MAGIC, sizeof GEO_MAGIC - 1);
    for (size_t i = 0; i < sizeof head / sizeof *head; i++)
        add_u32(to, head[i]);
    assert(to->len == GEO_HEAD_BYTES);
    buf_add(to, build->places.at, build->places.len);
    buf_add(to, cities.at, cities.len);
    buf_add(to, build->metros.at, build->metros.len);
    for (uint32_t i = 0; i < GEO_ZIPS; i++) {
        add_u32(to, build->zip_place[i]);
        add_u32(to, build->zip_city[i]);
    }
    buf_add(to, states.at, states.len);
    for (uint32_t i = 0; i < GEO_AREA_CODES; i++) {
        add_u32(to, build->area_place[i]);
        add_u32(to, build->area_zone[i]);
    }
    buf_add(to, build->texts.at, build->texts.len);
    const uint64_t check = geo_check(to->at, to->len);
    bytes_put_u64(buf_more(to, GEO_CHECK_BYTES), check);
    buf_fini(&cities);
    buf_fini(&states);
}

bool geo_build_write(struct geo_build *build, const char *path, char why[GEO_WHY_BYTES])
{
    struct buf file = {0};
    put_file(build, &file);
    const bool done = file_put(path, file.at, file.len, 0644);
    if (!done)
        snprintf(why, GEO_WHY_BYTES, "%.100s: %s", path, strerror(errno));
    buf_fini(&file);
    return done;
}
