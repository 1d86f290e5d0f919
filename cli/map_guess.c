/* SPDX-License-Identifier: Apache-2.0
 * map_guess.c - a map out of well-known column names.
 *
 * Only names of headers.def are taken: an attribute is seen by routing and by
 * scoring, and a column nobody knows may hold contact data. The guess is said in
 * the form of a map, so that correcting it is editing a file and not writing one. */
#include "cli/map.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

enum header_kind { KEY, FIELD, FIRST, LAST, ATTRIBUTE };

static const struct header {
    const char *plain;
    enum header_kind kind;
    const char *what;
} headers[] = {
#define HEADER(plain_, kind_, what_) {plain_, kind_, what_},
#include "cli/headers.def"
#undef HEADER
};
enum { HEADERS = sizeof headers / sizeof headers[0] };

static const char *const field_words[] = {
#define FIELD(name, word) word,
#include "cli/map_fields.def"
#undef FIELD
};

struct guess {
    struct map *map;
    char first[MAP_SPEC_MAX + 1], last[MAP_SPEC_MAX + 1];
    bool taken[CSV_COLUMNS_MAX];
};

static bool is_named(struct slice column, const char *plain)
{
    uint32_t i = 0;
    for (; i < column.len; i++) {
        uint8_t c = column.at[i];
        if (c >= 'A' && c <= 'Z')
            c = (uint8_t) (c + 32);
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')))
            continue;
        if ((uint8_t) *plain != c)
            return false;
        plain++;
    }
    return *plain == '\0';
}

static bool is_twice(const struct slice *columns, uint32_t n_columns, uint32_t column)
{
    for (uint32_t i = 0; i < n_columns; i++)
        if (i != column && columns[i].len == columns[column].len &&
            !strncasecmp((const char *) columns[i].at, (const char *) columns[column].at, columns[i].len))
            return true;
    return false;
}

/* Where the name of such a column is to be put; NULL when there is one already. */
static char *place_of(struct guess *guess, const struct header *header)
{
    struct map *map = guess->map;
    char *place = NULL;
    switch (header->kind) {
    case KEY:
        place = map->key[0];
        break;
    case FIRST:
        place = guess->first;
        break;
    case LAST:
        place = guess->last;
        break;
    case FIELD:
        for (int i = 0; i < MAP_FIELDS; i++)
            if (!strcmp(field_words[i], header->what))
                place = map->fields[i];
        break;
    case ATTRIBUTE:
        for (uint32_t i = 0; i < map->n_attributes; i++)
            if (!strcmp(map->attributes[i].name, header->what))
                return NULL;
        snprintf(map->attributes[map->n_attributes].name, ATTRIBUTE_NAME_MAX + 1, "%s", header->what);
        place = map->attributes[map->n_attributes++].spec;
        break;
    }
    return place && place[0] == '\0' ? place : NULL;
}

static void look_for(struct guess *guess, const struct header *header, const struct slice *columns, uint32_t n_columns)
{
    for (uint32_t i = 0; i < n_columns; i++) {
        struct slice name = columns[i];
        if (guess->taken[i] || name.len == 0 || name.len > MAP_SPEC_MAX / 2 || memchr("={", name.at[0], 2) ||
            !is_named(name, header->plain) || is_twice(columns, n_columns, i))
            continue;
        char *place = place_of(guess, header);
        if (!place)
            return;
        memcpy(place, name.at, name.len);
        place[name.len] = '\0';
        guess->taken[i] = true;
    }
}

static void join_name(struct guess *guess)
{
    char *name = guess->map->fields[FIELD_NAME];
    const char *first = guess->first, *last = guess->last;
    if (name[0] == '\0' && first[0] && last[0])
        snprintf(name, MAP_SPEC_MAX + 1, "={%.120s} {%.120s}", first, last);
    else if (name[0] == '\0')
        snprintf(name, MAP_SPEC_MAX + 1, "%s", first[0] ? first : last);
}

/* A YAML word: always quoted, so that no name needs a rule. */
static void say_word(struct buf *said, const char *text, size_t len)
{
    buf_add(said, "\"", 1);
    for (size_t i = 0; i < len; i++) {
        if (text[i] == '"' || text[i] == '\\')
            buf_add(said, "\\", 1);
        buf_add(said, (unsigned char) text[i] < 0x20 ? "?" : &text[i], 1);
    }
    buf_add(said, "\"", 1);
}

static void say(const struct guess *guess, const struct slice *columns, uint32_t n_columns, struct buf *said)
{
    const struct map *map = guess->map;
    buf_printf(said, "key: ");
    if (map->n_key)
        say_word(said, map->key[0], strlen(map->key[0]));
    else
        buf_printf(said, "none");
    buf_printf(said, "\nfields:\n");
    for (int i = 0; i < MAP_FIELDS; i++) {
        if (!map->fields[i][0])
            continue;
        buf_printf(said, "  %s: ", field_words[i]);
        say_word(said, map->fields[i], strlen(map->fields[i]));
        buf_printf(said, "\n");
    }
    buf_printf(said, "attributes:\n");
    for (uint32_t i = 0; i < map->n_attributes; i++) {
        buf_printf(said, "  - %s: ", map->attributes[i].name);
        say_word(said, map->attributes[i].spec, strlen(map->attributes[i].spec));
        buf_printf(said, "\n");
    }
    for (uint32_t i = 0; i < n_columns; i++) {
        if (guess->taken[i])
            continue;
        buf_printf(said, "# not taken: ");
        say_word(said, (const char *) columns[i].at, columns[i].len);
        buf_printf(said, "\n");
    }
}

void map_guess(const struct slice *columns, uint32_t n_columns, struct map *ret_map, struct buf *said)
{
    struct guess guess = {.map = ret_map};
    size_t before = said->len;
    *ret_map = (struct map){.csv.header_line = CSV_HEADER_FIND};
    for (int i = 0; i < HEADERS; i++)
        look_for(&guess, &headers[i], columns, n_columns);
    ret_map->n_key = ret_map->key[0][0] != '\0';
    join_name(&guess);
    say(&guess, columns, n_columns, said);
    crypto_generichash(ret_map->digest, sizeof ret_map->digest, said->at + before, said->len - before, NULL, 0);
}
