/* SPDX-License-Identifier: Apache-2.0
 * csv.h - rows of a CSV or TSV file, plain or gzip, with their true line numbers.
 *
 * libcsv does the quoting (RFC 4180, strict); this file adds what it leaves out:
 * delimiter and header found or given, byte order mark, limits, UTF-8, and what
 * to do with damage. A damaged row is returned like any other, with a reason:
 * reading never stops for it. A quote that is never closed costs its own line
 * only: what it swallowed is read again from the line after. Why not mmap: a
 * file may be gzip, and larger than the machine's memory. */
#ifndef TAKT_CLI_CSV_H
#define TAKT_CLI_CSV_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/msg.h"

enum {
    CSV_ROW_BYTES_MAX = 1024 * 1024, /* as lines.h */
    CSV_COLUMNS_MAX = 512,
    CSV_ROWS_MAX = 10 * 1000 * 1000,
    CSV_HEADER_FIND = -1, /* the first row that has as many cells as most of the first ten */
    CSV_HEADER_NONE = 0,  /* columns are named "1", "2", ... */
};

struct csv_options {
    char delimiter;      /* 0 = find: one of , ; TAB | */
    int64_t header_line; /* from 1, or one of the above */
    bool latin1;         /* ISO 8859-1; else UTF-8 */
};

struct csv_row {
    uint64_t line;             /* of the file, from 1, where the row begins */
    enum reason reason;        /* OK; or BAD_TEXT, TOO_LONG, COLUMNS_DIFFER */
    const char *why;           /* a sentence when not OK */
    const struct slice *cells; /* trimmed of blanks unless quoted; what there is of them when not OK */
    uint32_t n_cells;
};

struct csv;

/* Returns NULL and a sentence in why[160] if the file cannot be read or has no
 * usable header. */
struct csv *csv_open(const char *path, const struct csv_options *options, char why[160]);
void csv_close(struct csv **csv_p);

const struct slice *csv_columns(const struct csv *csv, uint32_t *ret_n);
char csv_delimiter(const struct csv *csv);
uint64_t csv_header_line(const struct csv *csv);

/* The next row: 1; 0 at the end; -1 when the file cannot be read any further
 * (csv_why()). The row borrows until the next call. */
int csv_next(struct csv *csv, struct csv_row *ret_row);
const char *csv_why(const struct csv *csv);

/* BLAKE2b-128 of the unpacked bytes, once csv_next() has returned 0. */
void csv_digest(struct csv *csv, uint8_t ret_digest[16]);

/* From the first row again. Returns false when the file cannot be read. */
bool csv_again(struct csv *csv);

#endif
