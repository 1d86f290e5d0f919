/* SPDX-License-Identifier: Apache-2.0
 * policy_zones.c - turns of a zone, asked of the C library: it reads the
 * system's zone database and knows the rules of years to come, and no package
 * gives the turns themselves. So the offset is probed in steps shorter than any
 * summer time, and each difference halved down to its second. */
#include "policy/policy_zones.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const int64_t begins_s = INT64_C(1577836800), ends_s = INT64_C(2840140800); /* 2020 and 2060 */
enum { STEP_S = 20 * 86400 };

static int32_t offset_s(int64_t at_s)
{
    const time_t at = (time_t) at_s;
    struct tm local;
    return localtime_r(&at, &local) != NULL ? (int32_t) local.tm_gmtoff : 0;
}

static void find_turns(struct zone *zone)
{
    zone->offset_s = offset_s(begins_s);
    int32_t before = zone->offset_s;
    for (int64_t at = begins_s; at < ends_s; at += STEP_S) {
        int64_t low = at, high = at + STEP_S; /* low has the offset before, high another */
        const int32_t after = offset_s(high);
        if (after == before || zone->n_turns == ZONE_TURNS_MAX)
            continue;
        while (high - low > 1) {
            const int64_t middle = low + (high - low) / 2;
            if (offset_s(middle) == before)
                low = middle;
            else
                high = middle;
        }
        zone->turns[zone->n_turns++] = (struct zone_turn){high, after};
        before = after;
    }
}

/* The database has folders and texts beside its zones; zones begin so. */
static bool is_zone_file(const char *path)
{
    char begin[4] = "";
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    const bool is = fread(begin, sizeof begin, 1, file) == 1 && memcmp(begin, "TZif", sizeof begin) == 0;
    fclose(file);
    return is;
}

static bool is_known(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/_+-";
    char path[256];
    const char *folder = getenv("TZDIR");
    if (name[0] == '\0' || name[0] == '/' || strlen(name) > ZONE_NAME_MAX || name[strspn(name, allowed)] != '\0')
        return false;
    snprintf(path, sizeof path, "%s/%s", folder != NULL ? folder : "/usr/share/zoneinfo", name);
    return is_zone_file(path);
}

bool policy_zone(const char *name, struct zone *ret)
{
    char zone[ZONE_NAME_MAX + 2];
    memset(ret, 0, sizeof *ret);
    if (!is_known(name))
        return false;
    const char *set = getenv("TZ");
    char *before = set != NULL ? strdup(set) : NULL;
    if (set != NULL && before == NULL)
        abort();
    snprintf(ret->name, sizeof ret->name, "%s", name);
    snprintf(zone, sizeof zone, ":%s", name);
    setenv("TZ", zone, 1);
    tzset();
    find_turns(ret);
    if (before != NULL)
        setenv("TZ", before, 1);
    else
        unsetenv("TZ");
    tzset();
    free(before);
    return true;
}
