/* SPDX-License-Identifier: Apache-2.0
 * geo_format.h - the bytes of a geo file, for geo.c, which reads them, and geo_build.c.
 *
 * Little endian, in this order: head; places; cities by hash; metros; a place for
 * each zip, state and area code there could be; texts; XXH3-64 of everything
 * before it. Tables with a slot for every possible zip waste 300 KiB, and save the
 * search: a look-up touches one line of each table. */
#ifndef TAKT_GEO_GEO_FORMAT_H
#define TAKT_GEO_GEO_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/msg.h"

#define GEO_MAGIC "TAKG"
enum {
    GEO_VERSION = 1,
    GEO_HEAD_BYTES =
        40, /* magic, version u32, zips, counties, places, cities, metros, area codes, text bytes, 0: u32 */
    GEO_CHECK_BYTES = 8,
    GEO_FILE_BYTES_MAX = 64 << 20,
    GEO_ZIPS = 100000,
    GEO_STATES = 26 * 26,
    GEO_AREA_CODES = 1000,
    GEO_TEXT_MAX = 255,
};
enum { GEO_AT_VERSION = 4, GEO_AT_ZIPS = 8, GEO_AT_COUNTIES = 12, GEO_AT_PLACES = 16, GEO_AT_CITIES = 20 };
enum { GEO_AT_METROS = 24, GEO_AT_AREA_CODES = 28, GEO_AT_TEXT = 32 };

/* A text is its place in the texts, where a length byte stands before it; 0: none.
 * A place or a metro is 1 + its number; 0: none. */
enum { GEO_PLACE_BYTES = 24 }; /* state, county, zone: texts; county code, metro, zone_by */
enum { GEO_PLACE_STATE = 0, GEO_PLACE_COUNTY = 4, GEO_PLACE_ZONE = 8, GEO_PLACE_CODE = 12, GEO_PLACE_METRO = 16 };
enum { GEO_PLACE_ZONE_BY = 20 };
enum { GEO_CITY_BYTES = 12, GEO_CITY_PLACE = 8 };  /* hash u64 of geo_city_key(), rising; place */
enum { GEO_METRO_BYTES = 8, GEO_METRO_TITLE = 4 }; /* code, title */
enum { GEO_ZIP_BYTES = 8, GEO_ZIP_CITY = 4 };      /* place, city */
enum { GEO_STATE_BYTES = 4 };                      /* place: of the state as a whole */
enum { GEO_AREA_BYTES = 8, GEO_AREA_ZONE = 4 };    /* place: of its state; zone: only if all of it has one */

/* The place of a state's two letters in the table of states; GEO_STATES when it is no such code. */
uint32_t geo_state_index(struct slice code);

/* What a city is looked up by. Only letters and digits count: "St. Louis" is "st louis". */
uint64_t geo_city_key(struct slice city, uint32_t state_index);

uint64_t geo_check(const uint8_t *at, size_t len);

#endif
