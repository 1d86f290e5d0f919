/* SPDX-License-Identifier: Apache-2.0
 * geo_tables.h - a geo file of a few real places, for tests without real data. */
#ifndef TAKT_TESTS_GEO_TABLES_H
#define TAKT_TESTS_GEO_TABLES_H

#include "geo/geo_build.h"

/* A path in a folder of its own under $TMPDIR; geo_tables_remove() takes both away. */
enum { GEO_TABLES_PATH = 256 };
void geo_tables_path(char ret_path[GEO_TABLES_PATH]);
void geo_tables_remove(const char *path);

struct geo_build *geo_tables_new(void); /* the tables, not yet written */
struct geo *geo_tables_open(const char *path);

#endif
