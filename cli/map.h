/* SPDX-License-Identifier: Apache-2.0
 * map.h - which column of a file is what of a lead.
 *
 *   source: ipeds                  # in whose name; --source wins
 *   delimiter: ","                 # , ; | or tab; found when absent
 *   header_line: 1                 # found when absent; 0 = none, columns are "1", "2", ...
 *   encoding: utf-8                # or latin-1
 *   key: UNITID                    # or [A, B], joined by a dash; or none: the row's digest
 *   fields: {name: INSTNM, ref: "=ipeds {UNITID}", remarks: "=from row {row}"}
 *   attributes: [ZIP, {state: STABBR}]
 *   missing: [unknown, Select]     # cells that mean: absent. Empty ones always do
 *
 * Every value is a column, or "=" and text in which {Column} is that cell and
 * {row} the row's line in the file; such text is absent when all its columns are.
 * In cells, tabs and line ends become one blank, and a ' before = + - @ (a mark
 * of spreadsheets and of our rejects file) is not part of the text. value and cost are amounts with
 * at most two decimals ("$1,250.50"), priority an integer. An attribute that is
 * an integer as one writes it (no leading zero, no plus) is a number, any other
 * is text; so is `zip` always, or 02139 and 10001 would be of different kinds.
 * Decimals stay text: a scale that is guessed is worse than none. */
#ifndef TAKT_CLI_MAP_H
#define TAKT_CLI_MAP_H

#include "cli/csv.h"
#include "common/buf.h"
#include "proto/msg.h"

enum {
    MAP_SPEC_MAX = 255, /* bytes of a column's name or a text */
    MAP_KEY_COLUMNS_MAX = 8,
    MAP_MISSING_MAX = 32,
    MAP_FILE_BYTES_MAX = 64 * 1024,
};

enum map_field {
#define FIELD(name, word) FIELD_##name,
#include "cli/map_fields.def"
#undef FIELD
    MAP_FIELDS,
};

struct map { /* as written or guessed; plain data */
    char source[NAME_BYTES_MAX + 1];
    struct csv_options csv;
    char key[MAP_KEY_COLUMNS_MAX][MAP_SPEC_MAX + 1];
    uint32_t n_key; /* 0 = none */
    char fields[MAP_FIELDS][MAP_SPEC_MAX + 1];
    struct {
        char name[ATTRIBUTE_NAME_MAX + 1], spec[MAP_SPEC_MAX + 1];
    } attributes[ROW_ATTRIBUTES_MAX];
    uint32_t n_attributes;
    char missing[MAP_MISSING_MAX][MAP_SPEC_MAX + 1];
    uint32_t n_missing;
    uint8_t digest[16]; /* of the file, or of what was guessed: part of an import's identity */
};

/* Returns false and "FILE:LINE: what is wrong" in why[256]. */
bool map_load(const char *path, struct map *ret_map, char why[256]);
bool map_parse(const char *text, size_t len, const char *name, struct map *ret_map, char why[256]);

/* No map was given: take the columns with well-known names (headers.def). What
 * was taken is appended to `said` as a map file, with the rest as comments. */
void map_guess(const struct slice *columns, uint32_t n_columns, struct map *ret_map, struct buf *said);

/* "Lead Origin" -> "lead_origin". Returns false when nothing is left. */
bool map_clean_name(struct slice text, char ret_name[ATTRIBUTE_NAME_MAX + 1]);

/* A source's name: [A-Za-z0-9._@-]{1,64}. */
bool map_is_source(const char *source);

/* ---- rows ---------------------------------------------------------------------- */

struct mapper;

/* Find the map's columns in a header. NULL and a sentence in why[256] if one is
 * absent or occurs twice. Copies what it needs. */
struct mapper *mapper_new(const struct map *map, const struct slice *columns, uint32_t n_columns, char why[256]);
void mapper_destroy(struct mapper **mapper_p);
void mapper_again(struct mapper *mapper); /* before the first row of a second pass: forgets occurrences */

/* One row of the file to a row of the wire, borrowed until the next call. Returns
 * OK, or NO_KEY, BAD_NUMBER, TOO_LONG with a sentence (which names a column, never
 * a cell) in *ret_why. */
enum reason mapper_row(struct mapper *mapper, const struct csv_row *from, struct row *ret_row, const char **ret_why);

#endif
