/* SPDX-License-Identifier: Apache-2.0
 * geo_build.h - a geo file out of an operator's tables, row by row; `takt geo build`
 * reads the tables (cli/cmd_geo.c) and docs/GEO.md says where they come from.
 *
 * A row that is of no use is left out and counted by the caller: real tables have
 * military post offices and codes of other countries, and a file that lacks a few
 * places is worth having. */
#ifndef TAKT_GEO_GEO_BUILD_H
#define TAKT_GEO_GEO_BUILD_H

#include "geo/geo.h"

struct geo_build;

struct geo_build *geo_build_new(void);
void geo_build_destroy(struct geo_build **build_p);

/* A county lies in a metro area. All of these come before the first zip. False: left out. */
bool geo_build_metro(struct geo_build *build, struct slice state_fips, struct slice county_fips,
                     struct slice metro_code, struct slice title);

struct geo_zip { /* one line of the postal table; state as two letters, county_fips within the state */
    struct slice zip, city, state, county, county_fips;
};
bool geo_build_zip(struct geo_build *build, const struct geo_zip *zip);

struct geo_area_code { /* one line of the numbering plan's report */
    struct slice code, use, in_service, country, location, zone;
};
bool geo_build_area_code(struct geo_build *build, const struct geo_area_code *area);

/* Write the file, so that whoever opens `path` finds the old or the new one, never half of it. False, with a
 * sentence in `why`: it stays as it was. */
bool geo_build_write(struct geo_build *build, const char *path, char why[GEO_WHY_BYTES]);

#endif
