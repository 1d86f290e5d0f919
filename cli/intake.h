/* SPDX-License-Identifier: Apache-2.0
 * intake.h - a file of leads as rows ready to send, or refused with a reason.
 *
 * Joins the reader, the map and the wire's own checks: what comes out OK is what
 * a broker's edge lets in. Rows are also put into chunks here, because the same
 * file must give the same chunks every time: the op of chunk n says "this was
 * sent before" only if chunk n is the same bytes again. So an import is two
 * passes: the first counts rows and chunks and makes the digest, the second
 * sends. A file without any change gives both passes the same. */
#ifndef TAKT_CLI_INTAKE_H
#define TAKT_CLI_INTAKE_H

#include "cli/map.h"

enum {
    INTAKE_PARTS_MAX =
        CSV_ROWS_MAX / CHUNKS_MAX + 1, /* imports one file may need: each has at most CHUNKS_MAX chunks */
};

struct intake_row {
    uint64_t line;             /* of the file */
    enum reason reason;        /* OK: to be sent */
    const char *why;           /* a sentence when not OK */
    struct row row;            /* when OK */
    struct slice encoded;      /* when OK: the Lead as it goes over the wire */
    struct id lead;            /* when OK */
    const struct slice *cells; /* as in the file */
    uint32_t n_cells;
    uint64_t chunk; /* the chunk it belongs to, from 0; also of rows that are refused */
};

/* What the first pass finds out. */
struct intake_plan {
    uint64_t rows, sendable, chunks;
    uint32_t part_rows[INTAKE_PARTS_MAX]; /* sendable rows of each CHUNKS_MAX chunks */
    uint8_t digest[16];                   /* of the file's unpacked bytes */
};

struct intake;

enum intake_format { INTAKE_BY_NAME, INTAKE_CSV, INTAKE_NDJSON }; /* .ndjson and .jsonl, also with .gz, else CSV */

/* `map_path` NULL: the map is guessed and appended to `said`. `source` NULL: the
 * map's, else the file's name without endings. NULL and a sentence in why[256]
 * on failure. */
struct intake *intake_open(const char *path, enum intake_format format, const char *map_path, const char *source,
                           struct buf *said, char why[256]);
void intake_close(struct intake **intake_p);
const char *intake_source(const struct intake *intake);
const struct slice *intake_columns(const struct intake *intake, uint32_t *ret_n);

/* The next row: 1, 0 at the end, -1 when the file cannot be read any further. */
int intake_next(struct intake *intake, struct intake_row *ret_row);
const char *intake_why(const struct intake *intake);
bool intake_again(struct intake *intake);

/* The first pass; intake_again() is done. False when the file cannot be read. */
bool intake_measure(struct intake *intake, struct intake_plan *ret_plan);

/* The ids of an import: from source, map, file and part; and of chunk `number` of it. */
struct id intake_import_id(const struct intake *intake, const struct intake_plan *plan, uint32_t part);
struct id intake_op(struct id import, uint32_t number);

/* True when the pass just ended read other bytes than the plan was made from. */
bool intake_changed(struct intake *intake, const struct intake_plan *plan);

#endif
