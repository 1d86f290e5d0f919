/* SPDX-License-Identifier: Apache-2.0
 * ndjson.c - rows of JSON objects. See ndjson.h.
 *
 * jansson reads a line; its own words for what is wrong quote the line, and with
 * it contact data, so they are replaced by ours. */
#include "cli/ndjson.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) abort()
#include <jansson.h>
#include <uthash.h>

#include "cli/lines.h"
#include "common/buf.h"

enum { SHOWN_BYTES = 4096, NUMBER_ROOM = 40 };

struct column {
    char *name;
    uint32_t index;
    uint64_t row; /* the last one that has it */
    UT_hash_handle hh;
};

struct value { /* of the row in work; places in `text` */
    size_t name_at, name_len, at, len;
};

struct ndjson {
    struct lines from;
    uint64_t rows;
    struct column *by_name;
    struct slice columns[CSV_COLUMNS_MAX];
    uint32_t n_columns;
    bool collecting; /* the first pass: names are new */

    struct buf text, path; /* names and values of the row in work; the name of the value in work */
    struct value values[CSV_COLUMNS_MAX];
    uint32_t n_values;
    struct slice cells[CSV_COLUMNS_MAX];
    struct buf shown; /* a line that is refused */
    enum reason reason;
    char why[96];
};

/* ---- one object ------------------------------------------------------------------ */

static bool refuse(struct ndjson *ndjson, enum reason reason, const char *why)
{
    ndjson->reason = reason;
    snprintf(ndjson->why, sizeof ndjson->why, "%s", why);
    return false;
}

static bool add_value(struct ndjson *ndjson, const char *text, size_t len)
{
    if (ndjson->n_values == CSV_COLUMNS_MAX)
        return refuse(ndjson, REASON_TOO_LONG, "the object has over 512 values");
    struct value *value = &ndjson->values[ndjson->n_values++];
    *value = (struct value){.name_at = ndjson->text.len, .name_len = ndjson->path.len, .len = len};
    buf_add(&ndjson->text, ndjson->path.at, ndjson->path.len);
    value->at = ndjson->text.len;
    if (len > 0)
        buf_add(&ndjson->text, text, len);
    return true;
}

/* The shortest digits that give the same number again. */
static bool add_real(struct ndjson *ndjson, double real)
{
    char text[NUMBER_ROOM];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
    return add_value(ndjson, text, strlen(text));
}

static bool add_any(struct ndjson *ndjson, const json_t *json, int depth);

/* One value under `name`, and the path as it was before. */
static bool add_under(struct ndjson *ndjson, const char *name, const json_t *json, int depth)
{
    const size_t before = ndjson->path.len;
    if (before + 1 + strlen(name) > NDJSON_NAME_MAX)
        return refuse(ndjson, REASON_TOO_LONG, "a key is over 255 bytes with those it stands in");
    if (depth > 1)
        buf_add(&ndjson->path, ".", 1);
    buf_add(&ndjson->path, name, strlen(name));
    const bool added = add_any(ndjson, json, depth);
    ndjson->path.len = before;
    return added;
}

static bool add_object(struct ndjson *ndjson, const json_t *json, int depth)
{
    const char *key;
    json_t *value;
    json_object_foreach((json_t *) json, key, value) if (!add_under(ndjson, key, value, depth + 1)) return false;
    return true;
}

static bool add_array(struct ndjson *ndjson, const json_t *json, int depth)
{
    for (size_t i = 0; i < json_array_size(json); i++) {
        char name[24];
        snprintf(name, sizeof name, "%zu", i);
        if (!add_under(ndjson, name, json_array_get(json, i), depth + 1))
            return false;
    }
    return true;
}

static bool add_any(struct ndjson *ndjson, const json_t *json, int depth)
{
    char text[NUMBER_ROOM];
    if (depth > NDJSON_DEPTH_MAX)
        return refuse(ndjson, REASON_BAD_TEXT, "objects are nested over 8 deep");
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return add_object(ndjson, json, depth);
    case JSON_ARRAY:
        return add_array(ndjson, json, depth);
    case JSON_STRING:
        return add_value(ndjson, json_string_value(json), json_string_length(json));
    case JSON_INTEGER:
        snprintf(text, sizeof text, "%lld", (long long) json_integer_value(json));
        return add_value(ndjson, text, strlen(text));
    case JSON_REAL:
        return add_real(ndjson, json_real_value(json));
    case JSON_TRUE:
        return add_value(ndjson, "true", 4);
    case JSON_FALSE:
        return add_value(ndjson, "false", 5);
    case JSON_NULL:
        return add_value(ndjson, "", 0);
    }
    return false;
}

static bool tell_error(struct ndjson *ndjson, const json_error_t *error)
{
    switch (json_error_code(error)) {
    case json_error_invalid_utf8:
        return refuse(ndjson, REASON_BAD_TEXT, "the line is not UTF-8");
    case json_error_duplicate_key:
        return refuse(ndjson, REASON_BAD_TEXT, "a key stands twice");
    case json_error_numeric_overflow:
        return refuse(ndjson, REASON_BAD_NUMBER, "a number is too large; write it as text");
    case json_error_premature_end_of_input:
        return refuse(ndjson, REASON_BAD_TEXT, "the line ends before its object does");
    case json_error_end_of_input_expected:
        return refuse(ndjson, REASON_BAD_TEXT, "something stands behind the object");
    default:
        ndjson->reason = REASON_BAD_TEXT;
        snprintf(ndjson->why, sizeof ndjson->why, "not JSON, near column %d", error->column);
        return false;
    }
}

static bool read_object(struct ndjson *ndjson, const uint8_t *line, size_t len)
{
    json_error_t error;
    json_t *json = json_loadb((const char *) line, len, JSON_REJECT_DUPLICATES, &error);
    ndjson->text.len = ndjson->path.len = 0;
    ndjson->n_values = 0;
    if (!json)
        return tell_error(ndjson, &error);
    const bool read = json_is_object(json) ? add_object(ndjson, json, 0)
                                           : refuse(ndjson, REASON_BAD_TEXT, "the line is an array, not an object");
    json_decref(json);
    return read;
}

/* ---- columns --------------------------------------------------------------------- */

static struct column *find_column(struct ndjson *ndjson, const char *name, size_t len)
{
    struct column *column;
    HASH_FIND(hh, ndjson->by_name, name, len, column);
    if (column || !ndjson->collecting || ndjson->n_columns == CSV_COLUMNS_MAX)
        return column;
    column = calloc(1, sizeof *column);
    if (!column || !(column->name = malloc(len + 1)))
        abort();
    memcpy(column->name, name, len);
    column->name[len] = '\0';
    column->index = ndjson->n_columns++;
    ndjson->columns[column->index] = slice_of(column->name, len);
    HASH_ADD_KEYPTR(hh, ndjson->by_name, column->name, len, column);
    return column;
}

/* Values to their columns' cells; the others are empty. */
static bool place_values(struct ndjson *ndjson)
{
    const char *text = ndjson->text.at ? (const char *) ndjson->text.at : "";
    for (uint32_t i = 0; i < ndjson->n_columns; i++)
        ndjson->cells[i] = slice_of("", 0);
    for (uint32_t i = 0; i < ndjson->n_values; i++) {
        const struct value *value = &ndjson->values[i];
        struct column *column = find_column(ndjson, text + value->name_at, value->name_len);
        if (!column && ndjson->collecting)
            return lines_fail(&ndjson->from, "the objects of the file have over 512 different keys");
        if (!column)
            continue; /* the file has changed; its digest tells */
        if (column->row == ndjson->rows)
            return refuse(ndjson, REASON_BAD_TEXT, "a key stands twice, once with a dot and once nested");
        column->row = ndjson->rows;
        ndjson->cells[column->index] = slice_of(text + value->at, value->len);
    }
    return true;
}

/* ---- rows ------------------------------------------------------------------------ */

static bool is_blank(const uint8_t *line, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
            return false;
    return true;
}

/* The row is its line, shown as one cell (what fits of it). */
static int show_refused(struct ndjson *ndjson, struct csv_row *row, const uint8_t *line, size_t len)
{
    ndjson->shown.len = 0;
    buf_add(&ndjson->shown, line, len < SHOWN_BYTES ? len : SHOWN_BYTES);
    ndjson->cells[0] = slice_of(ndjson->shown.at, ndjson->shown.len);
    row->cells = ndjson->cells;
    row->n_cells = 1;
    row->reason = ndjson->reason;
    row->why = ndjson->why;
    return 1;
}

int ndjson_next(struct ndjson *ndjson, struct csv_row *ret_row)
{
    const uint8_t *line = NULL;
    size_t len = 0;
    bool is_long;
    int got;
    if (ndjson->from.failed)
        return -1;
    do {
        lines_begin_row(&ndjson->from);
        *ret_row = (struct csv_row){.line = ndjson->from.count + 1};
        got = lines_next(&ndjson->from, &line, &len, &is_long);
    } while (got == 1 && is_blank(line, len));
    if (got <= 0 && !is_long)
        return got;
    if (++ndjson->rows > CSV_ROWS_MAX) {
        lines_fail(&ndjson->from, "the file has over 10,000,000 rows; split it");
        return -1;
    }
    if (is_long) {
        refuse(ndjson, REASON_TOO_LONG, "the line is over 1 MiB");
        show_refused(ndjson, ret_row, ndjson->from.in + ndjson->from.row_at, SHOWN_BYTES);
        lines_skip_first(&ndjson->from, ret_row->line);
        return ndjson->from.failed ? -1 : 1;
    }
    if (!read_object(ndjson, line, len) || !place_values(ndjson))
        return ndjson->from.failed ? -1 : show_refused(ndjson, ret_row, line, len);
    ret_row->cells = ndjson->cells;
    ret_row->n_cells = ndjson->n_columns;
    return 1;
}

bool ndjson_again(struct ndjson *ndjson)
{
    ndjson->rows = 0;
    struct column *column, *next;
    HASH_ITER(hh, ndjson->by_name, column, next)
    {
        column->row = 0;
    }
    return lines_again(&ndjson->from);
}

struct ndjson *ndjson_open(const char *path, char why[160])
{
    struct ndjson *ndjson = calloc(1, sizeof *ndjson);
    if (!ndjson)
        abort();
    struct csv_row row;
    ndjson->collecting = true;
    int got = lines_open(&ndjson->from, path) ? 1 : -1;
    while (got == 1)
        got = ndjson_next(ndjson, &row);
    if (got == 0 && ndjson->n_columns == 0)
        lines_fail(&ndjson->from, "the file has no line with a JSON object");
    ndjson->collecting = false;
    if (ndjson->from.failed || !ndjson_again(ndjson)) {
        snprintf(why, 160, "%s", ndjson->from.why);
        ndjson_close(&ndjson);
    }
    return ndjson;
}

void ndjson_close(struct ndjson **ndjson_p)
{
    struct ndjson *ndjson = *ndjson_p;
    if (!ndjson)
        return;
    struct column *column, *next;
    HASH_ITER(hh, ndjson->by_name, column, next)
    {
        HASH_DEL(ndjson->by_name, column);
        free(column->name);
        free(column);
    }
    lines_close(&ndjson->from);
    buf_fini(&ndjson->text);
    buf_fini(&ndjson->path);
    buf_fini(&ndjson->shown);
    free(ndjson);
    *ndjson_p = NULL;
}

const struct slice *ndjson_columns(const struct ndjson *ndjson, uint32_t *ret_n)
{
    *ret_n = ndjson->n_columns;
    return ndjson->columns;
}

const char *ndjson_why(const struct ndjson *ndjson)
{
    return ndjson->from.why;
}

void ndjson_digest(struct ndjson *ndjson, uint8_t ret_digest[16])
{
    lines_digest(&ndjson->from, ret_digest);
}
