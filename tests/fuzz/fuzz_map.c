/* SPDX-License-Identifier: Apache-2.0
 * fuzz_map.c - any bytes as a map, a header and a row (a NUL between them): never
 * a crash, and what a mapper makes of a row the codec can take or refuse. The
 * header is also guessed from. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/map.h"
#include "proto/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CELLS_MAX = 64 };

/* Cells between TABs, up to a NUL. Returns what is left behind it. */
static struct slice split(struct slice text, struct slice *ret_cells, uint32_t *ret_n)
{
    const uint8_t *end = text.len ? memchr(text.at, 0, text.len) : NULL, *at = text.at;
    const uint8_t *stop = end ? end : text.at + text.len;
    for (*ret_n = 0; *ret_n < CELLS_MAX;) {
        const uint8_t *tab = stop > at ? memchr(at, '\t', (size_t) (stop - at)) : NULL;
        ret_cells[(*ret_n)++] = slice_of(at, (size_t) ((tab ? tab : stop) - at));
        if (!tab)
            break;
        at = tab + 1;
    }
    return end ? slice_of(end + 1, (size_t) (text.at + text.len - end - 1)) : (struct slice){text.at + text.len, 0};
}

static void map_row(const struct map *map, const struct slice *columns, const struct slice *cells, uint32_t n)
{
    static struct wire *wire;
    uint8_t encoded[ROW_BYTES_MAX];
    char why[256] = "";
    struct row row, decoded;
    if (wire == NULL)
        wire = wire_new();
    struct mapper *mapper = mapper_new(map, columns, n, why);
    assert(mapper || why[0]);
    if (!mapper)
        return;
    const char *row_why;
    struct csv_row from = {.line = 2, .cells = cells, .n_cells = n};
    enum reason reason = mapper_row(mapper, &from, &row, &row_why);
    assert(reason == REASON_OK || row_why[0]);
    size_t len = reason == REASON_OK ? wire_encode_row(&row, encoded, sizeof encoded) : 0;
    if (len > 0)
        wire_decode_row(wire, slice_of(encoded, len), slice_of("fuzz", 4), &decoded);
    mapper_destroy(&mapper);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct map map;
    struct slice columns[CELLS_MAX], cells[CELLS_MAX] = {{0}};
    struct buf said = {0};
    uint32_t n_columns, n_cells;
    char why[256] = "";
    size_t yaml_len = size ? strnlen((const char *) data, size) : 0;
    struct slice rest = slice_of(data + yaml_len, size - yaml_len);
    if (rest.len > 0)
        rest = slice_of(rest.at + 1, rest.len - 1);
    rest = split(rest, columns, &n_columns);
    split(rest, cells, &n_cells);
    for (; n_cells < n_columns; n_cells++)
        cells[n_cells] = slice_of("", 0);
    if (map_parse((const char *) data, yaml_len, "fuzz", &map, why))
        map_row(&map, columns, cells, n_columns);
    else
        assert(why[0]);
    map_guess(columns, n_columns, &map, &said);
    map_row(&map, columns, cells, n_columns);
    buf_fini(&said);
    return 0;
}
