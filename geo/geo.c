/* SPDX-License-Identifier: Apache-2.0
 * geo.c - a geo file opened, checked once, and asked. See geo.h; the bytes are
 * described in geo_format.h. */
#include "geo/geo.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "common/bytes.h"
#include "common/utf8.h"
#include "geo/geo_format.h"

struct geo {
    uint8_t *map;
    size_t size;
    struct geo_counts counts;
    uint32_t n_places, text_bytes;
    const uint8_t *places, *cities, *metros, *zips, *states, *areas, *texts;
};

/* ---- what reader and builder share ------------------------------------------------ */

static uint8_t upper(uint8_t c)
{
    return c >= 'a' && c <= 'z' ? (uint8_t) (c - 32) : c;
}

uint32_t geo_state_index(struct slice code)
{
    if (code.len != 2)
        return GEO_STATES;
    const uint8_t a = upper(code.at[0]), b = upper(code.at[1]);
    if (a < 'A' || a > 'Z' || b < 'A' || b > 'Z')
        return GEO_STATES;
    return (uint32_t) (a - 'A') * 26 + b - 'A';
}

uint64_t geo_city_key(struct slice city, uint32_t state_index)
{
    uint8_t key[2 + GEO_TEXT_MAX] = {(uint8_t) state_index, (uint8_t) (state_index >> 8)};
    size_t n = 2;
    for (uint32_t i = 0; i < city.len && n < sizeof key; i++) {
        const uint8_t c = upper(city.at[i]);
        if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80)
            key[n++] = c;
    }
    return XXH3_64bits(key, n);
}

uint64_t geo_check(const uint8_t *at, size_t len)
{
    return XXH3_64bits(at, len);
}

/* ---- opening ------------------------------------------------------------------------ */

static const uint8_t *record(const uint8_t *table, uint32_t i, size_t bytes)
{
    return table + (size_t) i * bytes;
}

/* Where each table lies. False: the counts of the head do not make this size. */
static bool lay_out(struct geo *geo)
{
    const uint8_t *head = geo->map;
    geo->counts = (struct geo_counts){.zips = bytes_u32(head + GEO_AT_ZIPS),
                                      .counties = bytes_u32(head + GEO_AT_COUNTIES),
                                      .cities = bytes_u32(head + GEO_AT_CITIES),
                                      .metros = bytes_u32(head + GEO_AT_METROS),
                                      .area_codes = bytes_u32(head + GEO_AT_AREA_CODES)};
    geo->n_places = bytes_u32(head + GEO_AT_PLACES);
    geo->text_bytes = bytes_u32(head + GEO_AT_TEXT);
    const struct {
        const uint8_t **at;
        uint64_t bytes;
    } tables[] = {
        {&geo->places, (uint64_t) geo->n_places * GEO_PLACE_BYTES},
        {&geo->cities, (uint64_t) geo->counts.cities * GEO_CITY_BYTES},
        {&geo->metros, (uint64_t) geo->counts.metros * GEO_METRO_BYTES},
        {&geo->zips, (uint64_t) GEO_ZIPS * GEO_ZIP_BYTES},
        {&geo->states, (uint64_t) GEO_STATES * GEO_STATE_BYTES},
        {&geo->areas, (uint64_t) GEO_AREA_CODES * GEO_AREA_BYTES},
        {&geo->texts, geo->text_bytes},
    };
    size_t at = GEO_HEAD_BYTES, left = geo->size - GEO_HEAD_BYTES - GEO_CHECK_BYTES;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) {
        if (tables[i].bytes > left)
            return false;
        *tables[i].at = geo->map + at;
        at += tables[i].bytes;
        left -= tables[i].bytes;
    }
    return left == 0 && geo->text_bytes > 0;
}

/* It lies within the file, and is what a lead may hold: it goes into leads as it is. */
static bool text_holds(const struct geo *geo, const uint8_t *reference)
{
    const uint32_t at = bytes_u32(reference);
    return at < geo->text_bytes && geo->texts[at] < geo->text_bytes - at &&
           utf8_is_text(geo->texts + at + 1, geo->texts[at]);
}

static bool number_is_at_most(const uint8_t *reference, uint32_t most)
{
    return bytes_u32(reference) <= most;
}

/* What refers to something refers to what is there: finding relies on it. */
static bool references_hold(const struct geo *geo)
{
    bool good = geo->texts[0] == 0;
    for (uint32_t i = 0; good && i < geo->n_places; i++) {
        const uint8_t *place = record(geo->places, i, GEO_PLACE_BYTES);
        good = text_holds(geo, place + GEO_PLACE_STATE) && text_holds(geo, place + GEO_PLACE_COUNTY) &&
               text_holds(geo, place + GEO_PLACE_ZONE) &&
               number_is_at_most(place + GEO_PLACE_METRO, geo->counts.metros) &&
               number_is_at_most(place + GEO_PLACE_ZONE_BY, GEO_ZONE_GUESSED);
    }
    for (uint32_t i = 0; good && i < geo->counts.cities; i++)
        good = number_is_at_most(record(geo->cities, i, GEO_CITY_BYTES) + GEO_CITY_PLACE, geo->n_places);
    for (uint32_t i = 0; good && i < geo->counts.metros; i++)
        good = text_holds(geo, record(geo->metros, i, GEO_METRO_BYTES) + GEO_METRO_TITLE);
    for (uint32_t i = 0; good && i < GEO_ZIPS; i++) {
        const uint8_t *zip = record(geo->zips, i, GEO_ZIP_BYTES);
        good = number_is_at_most(zip, geo->n_places) && text_holds(geo, zip + GEO_ZIP_CITY);
    }
    for (uint32_t i = 0; good && i < GEO_STATES; i++)
        good = number_is_at_most(record(geo->states, i, GEO_STATE_BYTES), geo->n_places);
    for (uint32_t i = 0; good && i < GEO_AREA_CODES; i++) {
        const uint8_t *area = record(geo->areas, i, GEO_AREA_BYTES);
        good = number_is_at_most(area, geo->n_places) && text_holds(geo, area + GEO_AREA_ZONE);
    }
    return good;
}

/* NULL, or what is wrong with the bytes. */
static const char *fault(struct geo *geo)
{
    if (geo->size < sizeof GEO_MAGIC - 1 || memcmp(geo->map, GEO_MAGIC, sizeof GEO_MAGIC - 1) != 0)
        return "is no geo file; `takt geo build` makes one";
    if (geo->size < GEO_HEAD_BYTES + GEO_CHECK_BYTES)
        return "is cut off; build it again";
    if (bytes_u32(geo->map + GEO_AT_VERSION) != GEO_VERSION)
        return "is of another version; build it again with this takt";
    const size_t checked = geo->size - GEO_CHECK_BYTES;
    if (bytes_u64(geo->map + checked) != geo_check(geo->map, checked) || !lay_out(geo) || !references_hold(geo))
        return "is damaged; build it again";
    return NULL;
}

static bool map_file(const char *path, struct geo *geo, char why[GEO_WHY_BYTES])
{
    struct stat st;
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && fstat(fd, &st) == 0;
    if (!good) {
        snprintf(why, GEO_WHY_BYTES, "%.100s: %s", path, strerror(errno));
    } else if (st.st_size <= 0 || st.st_size > GEO_FILE_BYTES_MAX) {
        snprintf(why, GEO_WHY_BYTES, "%.100s is no geo file; `takt geo build` makes one", path);
        good = false;
    } else {
        geo->size = (size_t) st.st_size;
        void *map = mmap(NULL, geo->size, PROT_READ, MAP_SHARED, fd, 0);
        good = map != MAP_FAILED;
        geo->map = good ? map : NULL;
        if (!good)
            snprintf(why, GEO_WHY_BYTES, "%.100s: %s", path, strerror(errno));
    }
    if (fd >= 0)
        close(fd);
    return good;
}

struct geo *geo_open(const char *path, char why[GEO_WHY_BYTES])
{
    struct geo *geo = calloc(1, sizeof *geo);
    if (!geo)
        abort();
    const char *wrong = NULL;
    if (map_file(path, geo, why) && !(wrong = fault(geo)))
        return geo;
    if (wrong)
        snprintf(why, GEO_WHY_BYTES, "%.100s %s", path, wrong);
    geo_close(&geo);
    return NULL;
}

void geo_close(struct geo **geo_p)
{
    if (!*geo_p)
        return;
    if ((*geo_p)->map)
        munmap((*geo_p)->map, (*geo_p)->size);
    free(*geo_p);
    *geo_p = NULL;
}

struct geo_counts geo_counts(const struct geo *geo)
{
    return geo->counts;
}

/* ---- finding ------------------------------------------------------------------------ */

static struct slice text_at(const struct geo *geo, const uint8_t *reference)
{
    const uint8_t *text = geo->texts + bytes_u32(reference);
    assert(text);
    return text[0] ? slice_of(text + 1, text[0]) : (struct slice){0};
}

/* The record of a place by its reference; NULL for none. */
static const uint8_t *place_at(const struct geo *geo, const uint8_t *reference)
{
    const uint32_t number = bytes_u32(reference);
    return number ? record(geo->places, number - 1, GEO_PLACE_BYTES) : NULL;
}

/* The number of a zip of 5 or 9 digits, a dash between or not. A spreadsheet may have taken up to two zeros from
 * its front: *ret_short. GEO_ZIPS when it is no zip. */
static uint32_t zip_of(struct slice zip, bool *ret_short)
{
    const uint8_t *dash = zip.len > 5 ? memchr(zip.at, '-', zip.len) : NULL;
    uint32_t len = zip.len, number = 0;
    if (dash)
        len = (uint32_t) (dash - zip.at);
    else if (zip.len > 6)
        len = zip.len - 4;
    if (len < 3 || len > 5 || (dash && zip.len != len + 5))
        return GEO_ZIPS;
    for (uint32_t i = 0; i < zip.len; i++) {
        const uint8_t c = zip.at[i];
        if (zip.at + i == dash)
            continue;
        if (c < '0' || c > '9')
            return GEO_ZIPS;
        number = i < len ? number * 10 + c - '0' : number;
    }
    *ret_short = len < 5;
    return number;
}

/* Equal texts lie in one place. */
static bool same_state(const uint8_t *a, const uint8_t *b)
{
    return a && b && bytes_u32(a + GEO_PLACE_STATE) == bytes_u32(b + GEO_PLACE_STATE);
}

static const uint8_t *place_of_state(const struct geo *geo, struct slice state)
{
    const uint32_t i = geo_state_index(state);
    return i < GEO_STATES ? place_at(geo, record(geo->states, i, GEO_STATE_BYTES)) : NULL;
}

static const uint8_t *place_of_area_code(const struct geo *geo, uint32_t area_code)
{
    return area_code < GEO_AREA_CODES ? place_at(geo, record(geo->areas, area_code, GEO_AREA_BYTES)) : NULL;
}

/* The place of the zip, if it is believed: see geo.h. */
static const uint8_t *place_of_zip(const struct geo *geo, const struct geo_asked *asked, struct slice *ret_city)
{
    bool is_short = false;
    const uint32_t number = zip_of(asked->zip, &is_short);
    if (number >= GEO_ZIPS)
        return NULL;
    const uint8_t *zip = record(geo->zips, number, GEO_ZIP_BYTES), *place = place_at(geo, zip);
    const uint8_t *witness = place_of_state(geo, asked->state);
    if (!witness && is_short && !(witness = place_of_area_code(geo, asked->area_code)))
        return NULL;
    if (witness && !same_state(witness, place))
        return NULL;
    *ret_city = text_at(geo, zip + GEO_ZIP_CITY);
    return place;
}

static const uint8_t *place_of_city(const struct geo *geo, const struct geo_asked *asked)
{
    const uint32_t state = geo_state_index(asked->state);
    if (asked->city.len == 0 || state == GEO_STATES)
        return NULL;
    const uint64_t key = geo_city_key(asked->city, state);
    uint32_t from = 0, to = geo->counts.cities;
    while (from < to) {
        const uint32_t middle = from + (to - from) / 2;
        const uint8_t *city = record(geo->cities, middle, GEO_CITY_BYTES);
        const uint64_t hash = bytes_u64(city);
        if (hash == key)
            return place_at(geo, city + GEO_CITY_PLACE);
        if (hash < key)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

static void describe(const struct geo *geo, const uint8_t *place, struct geo_place *ret)
{
    ret->state = text_at(geo, place + GEO_PLACE_STATE);
    ret->county = text_at(geo, place + GEO_PLACE_COUNTY);
    ret->zone = text_at(geo, place + GEO_PLACE_ZONE);
    ret->county_code = bytes_u32(place + GEO_PLACE_CODE);
    ret->zone_by = (enum geo_zone_by) bytes_u32(place + GEO_PLACE_ZONE_BY);
    const uint32_t metro = bytes_u32(place + GEO_PLACE_METRO);
    if (metro == 0)
        return;
    const uint8_t *its = record(geo->metros, metro - 1, GEO_METRO_BYTES);
    ret->metro = text_at(geo, its + GEO_METRO_TITLE);
    ret->metro_code = bytes_u32(its);
}

/* An area code knows the time better than a state with two, and a state better than an area code of another. */
static void ask_area_code(const struct geo *geo, const uint8_t *place, struct geo_place *ret)
{
    const uint8_t *home = place_of_area_code(geo, ret->area_code);
    if (ret->area_code >= GEO_AREA_CODES)
        return;
    if (!place && home)
        describe(geo, home, ret);
    const struct slice zone = text_at(geo, record(geo->areas, ret->area_code, GEO_AREA_BYTES) + GEO_AREA_ZONE);
    const bool is_vague = ret->zone_by == GEO_ZONE_UNKNOWN || ret->zone_by == GEO_ZONE_GUESSED;
    if (zone.at && is_vague && (!place || same_state(place, home))) {
        ret->zone = zone;
        ret->zone_by = GEO_ZONE_BY_AREA_CODE;
    }
}

void geo_find(const struct geo *geo, const struct geo_asked *asked, struct geo_place *ret)
{
    *ret = (struct geo_place){.area_code = asked->area_code};
    if (!geo)
        return;
    const uint8_t *place = place_of_zip(geo, asked, &ret->city);
    if (!place)
        place = place_of_city(geo, asked);
    if (!place)
        place = place_of_state(geo, asked->state);
    if (place)
        describe(geo, place, ret);
    ask_area_code(geo, place, ret);
}
