/* SPDX-License-Identifier: Apache-2.0
 * intake.c - a file of leads as rows ready to send. See intake.h. */
#include "cli/intake.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include "cli/ndjson.h"
#include "proto/wire.h"

enum {
    CHUNK_BYTES_MAX = FRAME_BYTES_MAX - 16 * 1024, /* encoded rows of a chunk; the rest of the frame is its head */
    CHUNK_CELLS_MAX = 1024 * 1024,                 /* cells of a chunk, kept until its receipt for the rejects file */
    ROW_HEAD = 8,                                  /* a row's tag and length in a chunk */
};

struct intake {
    struct csv *csv; /* or */
    struct ndjson *ndjson;
    struct mapper *mapper;
    struct wire *wire;
    struct map map;
    uint8_t encoded[ROW_BYTES_MAX];
    uint64_t chunk;      /* of the next row */
    uint32_t chunk_rows; /* in it that are sent */
    size_t chunk_bytes, chunk_cells;
    char why[256];
};

/* ---- the file: of one format or the other ------------------------------------------- */

static bool ends_with(const char *text, size_t len, const char *end)
{
    return len >= strlen(end) && !strncasecmp(text + len - strlen(end), end, strlen(end));
}

static bool is_ndjson(const char *path, enum intake_format format)
{
    size_t len = strlen(path);
    if (format != INTAKE_BY_NAME)
        return format == INTAKE_NDJSON;
    if (ends_with(path, len, ".gz"))
        len -= 3;
    return ends_with(path, len, ".ndjson") || ends_with(path, len, ".jsonl");
}

static bool open_file(struct intake *intake, const char *path, enum intake_format format, char why[160])
{
    if (!is_ndjson(path, format)) {
        intake->csv = csv_open(path, &intake->map.csv, why);
    } else if (intake->map.csv.latin1) {
        snprintf(why, 160, "JSON is UTF-8, and the map says latin-1");
    } else {
        intake->ndjson = ndjson_open(path, why);
    }
    return intake->csv || intake->ndjson;
}

static int next_row(struct intake *intake, struct csv_row *ret_row)
{
    return intake->csv ? csv_next(intake->csv, ret_row) : ndjson_next(intake->ndjson, ret_row);
}

static void digest_file(struct intake *intake, uint8_t ret_digest[16])
{
    if (intake->csv)
        csv_digest(intake->csv, ret_digest);
    else
        ndjson_digest(intake->ndjson, ret_digest);
}

const struct slice *intake_columns(const struct intake *intake, uint32_t *ret_n)
{
    return intake->csv ? csv_columns(intake->csv, ret_n) : ndjson_columns(intake->ndjson, ret_n);
}

const char *intake_why(const struct intake *intake)
{
    return intake->csv ? csv_why(intake->csv) : ndjson_why(intake->ndjson);
}

/* ---- begin and end -------------------------------------------------------------------- */

/* "/x/my leads.csv.gz" -> "my-leads". */
static bool name_by_file(const char *path, char ret[NAME_BYTES_MAX + 1])
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    size_t n = 0;
    for (; *name && *name != '.' && n < NAME_BYTES_MAX; name++)
        ret[n++] = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-", *name) ? *name : '-';
    ret[n] = '\0';
    return n > 0;
}

static bool name_source(struct intake *intake, const char *path, const char *source, char why[256])
{
    if (source && !map_is_source(source)) {
        snprintf(why, 256, "a source is letters, digits and . _ @ - only, at most 64");
        return false;
    }
    if (source)
        snprintf(intake->map.source, sizeof intake->map.source, "%s", source);
    if (intake->map.source[0] || name_by_file(path, intake->map.source))
        return true;
    snprintf(why, 256, "no source could be made from the file's name; say --source");
    return false;
}

static bool open_map(struct intake *intake, const char *path, enum intake_format format, const char *map_path,
                     struct buf *said, char why[256])
{
    char short_why[160];
    intake->map.csv.header_line = CSV_HEADER_FIND;
    if (map_path && !map_load(map_path, &intake->map, why))
        return false;
    if (!open_file(intake, path, format, short_why)) {
        snprintf(why, 256, "%.80s: %s", path, short_why);
        return false;
    }
    uint32_t n;
    const struct slice *columns = intake_columns(intake, &n);
    if (!map_path)
        map_guess(columns, n, &intake->map, said);
    intake->mapper = mapper_new(&intake->map, columns, n, why);
    return intake->mapper != NULL;
}

struct intake *intake_open(const char *path, enum intake_format format, const char *map_path, const char *source,
                           struct buf *said, char why[256])
{
    struct intake *intake = calloc(1, sizeof *intake);
    if (!intake || sodium_init() < 0)
        abort();
    intake->wire = wire_new();
    if (!open_map(intake, path, format, map_path, said, why) || !name_source(intake, path, source, why))
        intake_close(&intake);
    return intake;
}

void intake_close(struct intake **intake_p)
{
    struct intake *intake = *intake_p;
    if (!intake)
        return;
    csv_close(&intake->csv);
    ndjson_close(&intake->ndjson);
    mapper_destroy(&intake->mapper);
    wire_destroy(&intake->wire);
    free(intake);
    *intake_p = NULL;
}

const char *intake_source(const struct intake *intake)
{
    return intake->map.source;
}

/* Encode, and decode again as the broker's edge does: it is the judge of texts and lengths. */
static enum reason encode(struct intake *intake, struct intake_row *row)
{
    struct row decoded;
    size_t len = wire_encode_row(&row->row, intake->encoded, sizeof intake->encoded);
    if (len == 0)
        return REASON_TOO_LONG;
    row->encoded = slice_of(intake->encoded, len);
    struct slice source = slice_of(intake->map.source, strlen(intake->map.source));
    enum reason reason = wire_decode_row(intake->wire, row->encoded, source, &decoded);
    if (reason == REASON_OK)
        reason = decoded.reject;
    row->lead = decoded.lead;
    return reason;
}

/* Into the chunk in work, or into the next when that would be too large. */
static void place(struct intake *intake, struct intake_row *row)
{
    bool sent = row->reason == REASON_OK;
    size_t bytes = sent ? row->encoded.len + ROW_HEAD : 0, cells = 0;
    for (uint32_t i = 0; i < row->n_cells; i++)
        cells += row->cells[i].len + 1;
    if (intake->chunk_rows == CHUNK_ROWS_MAX || intake->chunk_bytes + bytes > CHUNK_BYTES_MAX ||
        (intake->chunk_rows > 0 && intake->chunk_cells + cells > CHUNK_CELLS_MAX)) {
        intake->chunk++;
        intake->chunk_rows = 0;
        intake->chunk_bytes = intake->chunk_cells = 0;
    }
    intake->chunk_rows += sent;
    intake->chunk_bytes += bytes;
    intake->chunk_cells += cells;
    row->chunk = intake->chunk;
}

int intake_next(struct intake *intake, struct intake_row *ret_row)
{
    struct csv_row csv;
    int got = next_row(intake, &csv);
    if (got != 1)
        return got;
    *ret_row = (struct intake_row){
        .line = csv.line, .reason = csv.reason, .why = csv.why, .cells = csv.cells, .n_cells = csv.n_cells};
    if (ret_row->reason == REASON_OK)
        ret_row->reason = mapper_row(intake->mapper, &csv, &ret_row->row, &ret_row->why);
    if (ret_row->reason == REASON_OK) {
        ret_row->reason = encode(intake, ret_row);
        ret_row->why = reason_text(ret_row->reason);
    }
    place(intake, ret_row);
    return 1;
}

bool intake_again(struct intake *intake)
{
    mapper_again(intake->mapper);
    intake->chunk = intake->chunk_rows = 0;
    intake->chunk_bytes = intake->chunk_cells = 0;
    return intake->csv ? csv_again(intake->csv) : ndjson_again(intake->ndjson);
}

bool intake_measure(struct intake *intake, struct intake_plan *ret_plan)
{
    struct intake_row row;
    int got;
    *ret_plan = (struct intake_plan){0};
    while ((got = intake_next(intake, &row)) == 1) {
        ret_plan->rows++;
        if (row.reason != REASON_OK)
            continue;
        ret_plan->sendable++;
        ret_plan->chunks = row.chunk + 1;
        uint64_t part = row.chunk / CHUNKS_MAX;
        assert(part < INTAKE_PARTS_MAX); /* CSV_ROWS_MAX rows of at most ROW_BYTES_MAX */
        ret_plan->part_rows[part]++;
    }
    digest_file(intake, ret_plan->digest);
    return got == 0 && intake_again(intake);
}

struct id intake_import_id(const struct intake *intake, const struct intake_plan *plan, uint32_t part)
{
    crypto_generichash_state state;
    uint8_t number[4] = {(uint8_t) part, (uint8_t) (part >> 8), (uint8_t) (part >> 16), (uint8_t) (part >> 24)};
    uint8_t digest[16];
    const char *source = intake->map.source;
    crypto_generichash_init(&state, NULL, 0, sizeof digest);
    crypto_generichash_update(&state, (const unsigned char *) source, strlen(source) + 1);
    crypto_generichash_update(&state, intake->map.digest, sizeof intake->map.digest);
    crypto_generichash_update(&state, plan->digest, sizeof plan->digest);
    crypto_generichash_update(&state, number, sizeof number);
    crypto_generichash_final(&state, digest, sizeof digest);
    return id_from_bytes(digest);
}

struct id intake_op(struct id import, uint32_t number)
{
    uint8_t text[20] = {[16] = (uint8_t) number,
                        [17] = (uint8_t) (number >> 8),
                        [18] = (uint8_t) (number >> 16),
                        [19] = (uint8_t) (number >> 24)};
    uint8_t digest[16];
    id_to_bytes(import, text);
    crypto_generichash(digest, sizeof digest, text, sizeof text, NULL, 0);
    return id_from_bytes(digest);
}

bool intake_changed(struct intake *intake, const struct intake_plan *plan)
{
    uint8_t digest[16];
    digest_file(intake, digest);
    return memcmp(digest, plan->digest, sizeof digest) != 0;
}
