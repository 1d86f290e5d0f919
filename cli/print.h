/* SPDX-License-Identifier: Apache-2.0
 * print.h - tables for people and the same as JSON.
 *
 * Types are those of Report in proto/takt.proto: s text, n number, d duration in
 * ms, t time in ms since 1970. People see "1.5 s" and "2026-01-31 12:00:00Z";
 * JSON has the number itself. Cells are somebody else's bytes: control characters
 * are shown as "?", so that no report can drive a terminal. */
#ifndef TAKT_CLI_PRINT_H
#define TAKT_CLI_PRINT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "client/takt.h"

struct print_table {
    size_t n_columns, n_rows;
    const takt_text *columns; /* n_columns */
    const char *types;        /* n_columns letters */
    const takt_text *cells;   /* row by row */
};

enum { PRINT_CELL_MAX = 2048 }; /* bytes of a cell; a note has up to 2,000 */

/* A cell as people see it. Returns its width in columns. */
size_t print_cell(takt_text cell, char type, char ret[PRINT_CELL_MAX]);

/* A header, a line a row, columns aligned: text left, the rest right. */
void print_table(FILE *to, const struct print_table *table);

/* An array of objects, a line a row. A cell of type n, d or t that is no number
 * becomes null when it is empty and a string otherwise. */
void print_json(FILE *to, const struct print_table *table);
void print_json_rows(FILE *to, const struct print_table *table); /* the same within one line, without its end */

/* "1,234,567"; "850 ms", "12.3 s", "4 min 05 s", "3 h 10 min". `ret` is returned. */
const char *print_count(uint64_t count, char ret[32]);
const char *print_duration(int64_t ms, char ret[32]);

/* A value of jansson, which is freed: `indent` columns a level, or on one line with 0. Flushed, so that who reads along
 * has it at once. */
struct json_t;
void print_value(FILE *to, struct json_t *value, unsigned indent);
void print_event(FILE *to, struct json_t *value); /* a line, left out where nobody reads: for who must not wait */
struct json_t *print_string(const char *text);    /* a file's name may be any bytes: "(not UTF-8)" then */

static inline takt_text print_text(const char *at, size_t len)
{
    return (takt_text){at, len};
}

static inline bool print_text_is(takt_text text, const char *word)
{
    return text.len == strlen(word) && memcmp(text.at, word, text.len) == 0;
}

#endif
