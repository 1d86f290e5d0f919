/* SPDX-License-Identifier: Apache-2.0
 * places.c - see places.h. Rows are copied and not changed where they lie, for they
 * belong to the decoder. What is added goes on behind a row's own bytes, which stay
 * as they came: a repeat is known by them. */
#include "broker/places.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/contact.h"
#include "proto/wire.h"

/* The attributes that are looked at; those of places.def, and the area code, are added, too. */
enum name {
    NAME_zip,
    NAME_area_code,
#define PLACE(field) NAME_##field,
#include "broker/places.def"
#undef PLACE
    NAMES
};
static const struct {
    const char *name;
    uint32_t len;
} names[] = {
    [NAME_zip] = {"zip", 3},
    [NAME_area_code] = {"area_code", 9},
#define PLACE(field) [NAME_##field] = {#field, sizeof #field - 1},
#include "broker/places.def"
#undef PLACE
};
enum { ADDED_MAX = NAMES - 1, ADDED_BYTES_MAX = 1024, ZIP_DIGITS = 9 };

struct places {
    const struct geo *geo;
    struct row rows[CHUNK_ROWS_MAX];
    struct attribute *attributes; /* of all rows of a chunk */
    size_t attributes_room;
    uint8_t added[CHUNK_ROWS_MAX * ADDED_BYTES_MAX]; /* one behind the other: a cache line is shared */
};

struct places *places_new(const struct geo *geo)
{
    struct places *places = calloc(1, sizeof *places);
    assert(places);
    places->geo = geo;
    return places;
}

void places_destroy(struct places **places_p)
{
    if (!*places_p)
        return;
    free((*places_p)->attributes);
    free(*places_p);
    *places_p = NULL;
}

/* What the source gave of it, by name. */
static void look(const struct row *row, const struct attribute *ret_given[NAMES])
{
    memset(ret_given, 0, NAMES * sizeof *ret_given);
    for (uint32_t i = 0; i < row->n_attributes; i++) {
        const struct slice *name = &row->attributes[i].name;
        for (int k = 0; k < NAMES; k++)
            if (name->len == names[k].len && name->at[0] == (uint8_t) names[k].name[0] &&
                !memcmp(name->at, names[k].name, name->len))
                ret_given[k] = &row->attributes[i];
    }
}

static struct slice text_of(const struct attribute *given)
{
    return given ? given->text : (struct slice){0};
}

/* A zip is digits, and some sources send it as a number. */
static struct slice zip_of(const struct attribute *given, uint8_t room[ZIP_DIGITS])
{
    uint32_t n = ZIP_DIGITS;
    if (!given || given->text.at || given->number <= 0)
        return text_of(given);
    for (int64_t rest = given->number; rest > 0 && n > 0; rest /= 10)
        room[--n] = (uint8_t) ('0' + rest % 10);
    return slice_of(room + n, ZIP_DIGITS - n);
}

static void find(const struct places *places, const struct row *row, const struct attribute *const given[NAMES],
                 struct geo_place *ret)
{
    uint8_t zip[ZIP_DIGITS];
    const struct geo_asked asked = {.zip = zip_of(given[NAME_zip], zip),
                                    .city = text_of(given[NAME_city]),
                                    .state = text_of(given[NAME_state]),
                                    .area_code = row->phone.len ? contact_area_code(row->phone) : 0};
    geo_find(places->geo, &asked, ret);
}

/* A zone that is only guessed is not told: calling hours are law, and keep who has none to those of all zones. */
static bool is_sure(const struct geo_place *place, int name)
{
    return name != NAME_zone || place->zone_by != GEO_ZONE_GUESSED;
}

/* Returns how many were added. */
static uint32_t add(const struct geo_place *place, const struct attribute *const given[NAMES], struct attribute *to)
{
    const struct slice found[] = {
#define PLACE(field) [NAME_##field] = place->field,
#include "broker/places.def"
#undef PLACE
    };
    uint32_t n = 0;
    if (place->area_code && !given[NAME_area_code])
        to[n++] = (struct attribute){.name = slice_of(names[NAME_area_code].name, names[NAME_area_code].len),
                                     .number = place->area_code};
    for (int k = NAME_area_code + 1; k < NAMES; k++)
        if (found[k].at && !given[k] && is_sure(place, k))
            to[n++] = (struct attribute){.name = slice_of(names[k].name, names[k].len), .text = found[k]};
    return n;
}

static void resolve(const struct places *places, struct row *row, struct attribute *attributes, uint8_t *added)
{
    const struct attribute *given[NAMES];
    struct geo_place place;
    look(row, given);
    find(places, row, given, &place);
    const uint32_t n = add(&place, given, attributes + row->n_attributes);
    if (n == 0 || row->n_attributes + n > ROW_ATTRIBUTES_MAX)
        return;
    const struct row found = {.attributes = attributes + row->n_attributes, .n_attributes = n};
    const size_t len = wire_encode_row(&found, added, ADDED_BYTES_MAX);
    if (len == 0 || row->raw.len + len > ROW_BYTES_MAX)
        return;
    if (row->n_attributes > 0)
        memcpy(attributes, row->attributes, row->n_attributes * sizeof *attributes);
    row->attributes = attributes;
    row->n_attributes += n;
    row->added = slice_of(added, len);
}

void places_resolve(struct places *places, struct msg_chunk *chunk)
{
    size_t needed = 0, used = 0, added = 0;
    assert(chunk->n_rows <= CHUNK_ROWS_MAX);
    for (uint32_t i = 0; i < chunk->n_rows; i++)
        needed += chunk->rows[i].n_attributes + ADDED_MAX;
    if (needed > places->attributes_room) {
        places->attributes = reallocarray(places->attributes, needed, sizeof *places->attributes);
        assert(places->attributes);
        places->attributes_room = needed;
    }
    for (uint32_t i = 0; i < chunk->n_rows; i++) {
        struct row *row = &places->rows[i];
        *row = chunk->rows[i];
        if (row->reject == REASON_OK)
            resolve(places, row, places->attributes + used, places->added + added);
        added += row->added.len;
        used += chunk->rows[i].n_attributes + ADDED_MAX;
    }
    chunk->rows = places->rows;
}
