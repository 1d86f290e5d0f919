/* SPDX-License-Identifier: Apache-2.0
 * geo.h - where a lead is: its zip, city, state and area code to state, county,
 * metro area and time zone, out of one file that `takt geo build` made of an
 * operator's own tables (docs/GEO.md). Reading only; geo_build.h writes.
 *
 * The broker asks once a lead, at intake, and the answer goes into the lead as
 * plain attributes (broker/places.c). So neither rules nor replay need this file,
 * and another one changes no lead that stands.
 *
 * Why mapped and not loaded: brokers, stand-bys and tools on one machine share
 * its pages, and opening it is checking it. All of it is checked then, so that
 * finding checks nothing. Whoever replaces the file renames a new one over it. */
#ifndef TAKT_GEO_GEO_H
#define TAKT_GEO_GEO_H

#include "proto/msg.h"

struct geo;

enum { GEO_WHY_BYTES = 160 };

/* NULL and a sentence in `why` when the file cannot be read, is none of ours, is of another version, or is damaged. */
struct geo *geo_open(const char *path, char why[GEO_WHY_BYTES]);
void geo_close(struct geo **geo_p);

struct geo_counts {
    uint32_t zips, counties, metros, cities, area_codes;
};
struct geo_counts geo_counts(const struct geo *geo);

struct geo_asked { /* what is known of a lead; at == NULL or 0: not known */
    struct slice zip, city, state;
    uint32_t area_code; /* core/contact.h: contact_area_code() */
};

enum geo_zone_by { GEO_ZONE_UNKNOWN, GEO_ZONE_BY_COUNTY, GEO_ZONE_BY_STATE, GEO_ZONE_BY_AREA_CODE, GEO_ZONE_GUESSED };

struct geo_place {       /* texts borrow from `geo`; at == NULL: not known */
    struct slice state;  /* "AL" */
    struct slice county; /* "Madison", as the postal table has it; unique within its state only */
    struct slice metro;  /* "Huntsville, AL" */
    struct slice city;   /* "Normal" */
    struct slice zone;   /* "America/Chicago" */
    uint32_t area_code, county_code, metro_code; /* as asked, FIPS, CBSA; 0: not known */
    enum geo_zone_by zone_by;                    /* GUESSED: where most of the state or of the area code is */
};

/* The zip counts first, then city and state, then the area code. A zip that lies in
 * another state than the one asked for is not believed; one that lost its leading zeros
 * only when state or area code bear it out. `geo` may be NULL: then nothing is found. */
void geo_find(const struct geo *geo, const struct geo_asked *asked, struct geo_place *ret);

#endif
