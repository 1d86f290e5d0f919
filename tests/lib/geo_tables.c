/* SPDX-License-Identifier: Apache-2.0
 * geo_tables.c - see geo_tables.h. */
#include "tests/lib/geo_tables.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct slice text(const char *at)
{
    return slice_of(at, strlen(at));
}

void geo_tables_path(char ret_path[GEO_TABLES_PATH])
{
    const char *folder = getenv("TMPDIR");
    snprintf(ret_path, GEO_TABLES_PATH, "%.200s/geo-XXXXXX", folder ? folder : "/tmp");
    const bool made = mkdtemp(ret_path) != NULL;
    assert(made);
    strcat(ret_path, "/places.geo");
}

void geo_tables_remove(const char *path)
{
    char folder[GEO_TABLES_PATH];
    snprintf(folder, sizeof folder, "%.*s", (int) (strrchr(path, '/') - path), path);
    unlink(path);
    rmdir(folder);
}

struct geo_build *geo_tables_new(void)
{
    static const char *const metros[][4] = {{"01", "089", "26620", "Huntsville, AL"},
                                            {"12", "033", "37860", "Pensacola-Ferry Pass-Brent, FL"},
                                            {"09", "170", "35300", "New Haven, CT"},
                                            {"17", "031", "16980", "Chicago-Naperville-Elgin, IL-IN"},
                                            {"17", "043", "16980", "Chicago-Naperville-Elgin, IL-IN"}};
    static const char *const zips[][5] = {{"35762", "Normal", "AL", "Madison", "089"},
                                          {"35757", "Madison", "AL", "Madison", "089"},
                                          {"35756", "Madison", "AL", "Limestone", "083"},
                                          {"32501", "Pensacola", "FL", "Escambia", "033"},
                                          {"32301", "Tallahassee", "FL", "Leon", "073"},
                                          {"06510", "New Haven", "CT", "South Central Regional", "170"},
                                          {"60601", "Chicago", "IL", "Cook", "031"},
                                          {"60101", "Addison", "IL", "DuPage", "043"},
                                          {"60510", "Elgin", "IL", "Cook", "031"},
                                          {"60511", "Elgin", "IL", "DuPage", "043"},
                                          {"63101", "Saint Louis", "MO", "St. Louis (city)", "510"},
                                          {"86503", "Chinle", "AZ", "Apache", "001"}};
    static const char *const areas[][6] = {{"256", "G", "Y", "US", "AL", "C"},
                                           {"850", "G", "Y", "US", "FL", "EC"},
                                           {"305", "G", "Y", "US", "FL", "E"},
                                           {"203", "G", "Y", "US", "CT", "E"},
                                           {"928", "G", "Y", "US", "AZ", "M"},
                                           {"902", "G", "Y", "CANADA", "NOVA SCOTIA - PRINCE EDWARD ISLAND", "A"},
                                           {"416", "G", "Y", "CANADA", "ONTARIO", "E"}};
    struct geo_build *build = geo_build_new();
    bool taken = true;
    for (size_t i = 0; i < sizeof metros / sizeof *metros; i++)
        taken = taken &&
                geo_build_metro(build, text(metros[i][0]), text(metros[i][1]), text(metros[i][2]), text(metros[i][3]));
    for (size_t i = 0; i < sizeof zips / sizeof *zips; i++)
        taken = taken && geo_build_zip(build, &(struct geo_zip){text(zips[i][0]), text(zips[i][1]), text(zips[i][2]),
                                                                text(zips[i][3]), text(zips[i][4])});
    for (size_t i = 0; i < sizeof areas / sizeof *areas; i++)
        taken = taken && geo_build_area_code(build, &(struct geo_area_code){text(areas[i][0]), text(areas[i][1]),
                                                                            text(areas[i][2]), text(areas[i][3]),
                                                                            text(areas[i][4]), text(areas[i][5])});
    assert(taken);
    return build;
}

struct geo *geo_tables_open(const char *path)
{
    char why[GEO_WHY_BYTES];
    struct geo_build *build = geo_tables_new();
    const bool written = geo_build_write(build, path, why);
    assert(written);
    geo_build_destroy(&build);
    struct geo *geo = geo_open(path, why);
    assert(geo);
    return geo;
}
