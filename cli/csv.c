/* SPDX-License-Identifier: Apache-2.0
 * csv.c - rows of a CSV file. See csv.h.
 *
 * The file is fed to libcsv line by line. That gives true line numbers, and tells
 * an open quote without looking into libcsv: the line is over and the row is not. */
#include "cli/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csv.h>

#include "cli/charset.h"
#include "cli/lines.h"
#include "common/buf.h"
#include "common/utf8.h"

enum { SNIFF_LINES = 20, HEADER_WITHIN = 10, SHOWN_BYTES = 4096, BLOCK = 8192 };

struct csv {
    struct lines from;
    struct csv_options options;
    struct csv_parser parser;
    bool parser_live;
    uint64_t rows, header_line;

    struct buf text; /* cells of the row in work, one after the other */
    uint32_t ends[CSV_COLUMNS_MAX];
    uint32_t n_cells; /* counted beyond CSV_COLUMNS_MAX, not kept */
    bool row_done;
    struct slice cells[CSV_COLUMNS_MAX];
    struct buf spare; /* cells turned into UTF-8; a damaged line as it is */

    struct buf names;
    struct slice columns[CSV_COLUMNS_MAX];
    uint32_t n_columns;
};

static void take_cell(void *cell, size_t len, void *arg)
{
    struct csv *csv = arg;
    if (csv->n_cells < CSV_COLUMNS_MAX) {
        buf_add(&csv->text, cell, len);
        csv->ends[csv->n_cells] = (uint32_t) csv->text.len;
    }
    csv->n_cells++;
}

static void end_row(int terminator, void *arg)
{
    (void) terminator;
    struct csv *csv = arg;
    csv->row_done = true;
}

static int is_line_end(unsigned char c)
{
    return c == '\n';
}

static void begin_row(struct csv *csv)
{
    csv->text.len = 0;
    csv->n_cells = 0;
    csv->row_done = false;
    lines_begin_row(&csv->from);
}

static void reset_parser(struct csv *csv)
{
    if (csv->parser_live)
        csv_free(&csv->parser);
    if (csv_init(&csv->parser, CSV_STRICT) != 0)
        abort();
    csv->parser_live = true;
    csv_set_term_func(&csv->parser, is_line_end);
    csv_set_delim(&csv->parser, (unsigned char) csv->options.delimiter);
    csv_set_blk_size(&csv->parser, BLOCK); /* its own grows a long cell by 128 bytes at a time, each time anew */
    begin_row(csv);
}

/* ---- rows -------------------------------------------------------------------- */

static void slice_cells(struct csv *csv)
{
    uint32_t from = 0, n = csv->n_cells < CSV_COLUMNS_MAX ? csv->n_cells : CSV_COLUMNS_MAX;
    for (uint32_t i = 0; i < n; i++) {
        csv->cells[i] = slice_of(csv->text.at ? csv->text.at + from : (const uint8_t *) "", csv->ends[i] - from);
        from = csv->ends[i];
    }
}

static void turn_latin(struct csv *csv)
{
    csv->spare.len = 0;
    uint32_t from = 0, n = csv->n_cells < CSV_COLUMNS_MAX ? csv->n_cells : CSV_COLUMNS_MAX;
    for (uint32_t i = 0; i < n; i++) {
        if (csv->ends[i] > from)
            charset_add_latin1(&csv->spare, csv->text.at + from, csv->ends[i] - from);
        from = csv->ends[i];
        csv->ends[i] = (uint32_t) csv->spare.len;
    }
    struct buf swap = csv->text;
    csv->text = csv->spare;
    csv->spare = swap;
}

static void judge(struct csv *csv, struct csv_row *row)
{
    if (csv->options.latin1)
        turn_latin(csv);
    slice_cells(csv);
    row->cells = csv->cells;
    row->n_cells = csv->n_cells < CSV_COLUMNS_MAX ? csv->n_cells : CSV_COLUMNS_MAX;
    if (csv->n_columns > 0 && csv->n_cells != csv->n_columns) {
        row->reason = REASON_COLUMNS_DIFFER;
        row->why = reason_text(REASON_COLUMNS_DIFFER);
    } else if (csv->text.len && memchr(csv->text.at, 0, csv->text.len)) {
        row->reason = REASON_BAD_TEXT;
        row->why = "the row has a NUL byte";
    } else if (!utf8_is_sound(csv->text.at, csv->text.len)) {
        row->reason = REASON_BAD_TEXT;
        row->why = "the row is not UTF-8";
    }
}

/* The row is its first line alone, shown as one cell (what fits the buffer of it). */
static int refuse(struct csv *csv, struct csv_row *row, enum reason reason, const char *why)
{
    const uint8_t *line = csv->from.in + csv->from.row_at,
                  *newline = memchr(line, '\n', csv->from.end - csv->from.row_at);
    size_t len = newline ? (size_t) (newline - line) : csv->from.end - csv->from.row_at;
    csv->spare.len = 0;
    buf_add(&csv->spare, line, len < SHOWN_BYTES ? len : SHOWN_BYTES);
    csv->cells[0] = slice_of(csv->spare.at, csv->spare.len);
    row->cells = csv->cells;
    row->n_cells = 1;
    row->reason = reason;
    row->why = why;
    lines_skip_first(&csv->from, row->line);
    reset_parser(csv);
    return csv->from.failed ? -1 : 1;
}

static int read_row(struct csv *csv, struct csv_row *row)
{
    begin_row(csv);
    *row = (struct csv_row){.line = csv->from.count + 1};
    for (;;) {
        const uint8_t *line = NULL;
        size_t len = 0;
        bool is_long;
        int got = lines_next(&csv->from, &line, &len, &is_long);
        bool in_row = csv->from.count >= row->line;
        if (got < 0 && !is_long)
            return -1;
        if (got < 0 && !in_row)
            return refuse(csv, row, REASON_TOO_LONG, "the line is over 1 MiB");
        if (got <= 0 && in_row)
            return refuse(csv, row, REASON_BAD_TEXT, "a quote is opened here and not closed");
        if (got == 0)
            return 0;
        if (csv_parse(&csv->parser, line, len, take_cell, end_row, csv) != len ||
            csv_parse(&csv->parser, "\n", 1, take_cell, end_row, csv) != 1)
            return refuse(csv, row, REASON_BAD_TEXT, "a quote stands inside a cell; it must be doubled");
        if (csv->row_done)
            break;
        /* no cell and no open quote: an empty line */
        if (csv->from.count == row->line && csv->n_cells == 0 && !memchr(line, '"', len)) {
            begin_row(csv);
            row->line = csv->from.count + 1;
        }
    }
    judge(csv, row);
    return 1;
}

int csv_next(struct csv *csv, struct csv_row *ret_row)
{
    if (csv->from.failed)
        return -1;
    int got = read_row(csv, ret_row);
    if (got == 1 && ++csv->rows > CSV_ROWS_MAX) {
        lines_fail(&csv->from, "the file has over 10,000,000 rows; split it");
        return -1;
    }
    return got;
}

/* ---- begin ------------------------------------------------------------------- */

/* Cells beyond the first in each of the first lines, for one delimiter. Returns
 * how many lines agree; *ret_count is what they agree on. */
static int count_agreement(const struct csv *csv, char delimiter, int *ret_count)
{
    int counts[SNIFF_LINES] = {0}, lines = 0, best = 0;
    bool quoted = false;
    for (size_t i = csv->from.at; i < csv->from.end && lines < SNIFF_LINES; i++) {
        char c = (char) csv->from.in[i];
        quoted ^= c == '"';
        counts[lines] += c == delimiter && !quoted;
        lines += c == '\n' && !quoted;
    }
    *ret_count = 0;
    for (int i = 0; i < lines || i == 0; i++) {
        int same = 0;
        for (int k = 0; k < lines || k == 0; k++)
            same += counts[k] == counts[i];
        if (counts[i] > 0 && same > best) {
            best = same;
            *ret_count = counts[i];
        }
    }
    return best;
}

static char find_delimiter(const struct csv *csv)
{
    char best = ',';
    int lines = 0, count = 0;
    for (const char *d = ",;\t|"; *d; d++) {
        int c, l = count_agreement(csv, *d, &c);
        if (l > lines || (l == lines && c > count)) {
            best = *d;
            lines = l;
            count = c;
        }
    }
    return best;
}

static void start(struct csv *csv)
{
    csv->rows = 0;
    if (csv->options.delimiter == 0)
        csv->options.delimiter = find_delimiter(csv);
    reset_parser(csv);
}

static bool restart(struct csv *csv)
{
    if (!lines_again(&csv->from))
        return false;
    start(csv);
    return true;
}

/* The line of the first row that has as many cells as most of the first rows have. */
static bool find_header(struct csv *csv)
{
    uint32_t cells[HEADER_WITHIN];
    uint64_t lines[HEADER_WITHIN];
    int n = 0, got = 1, header = 0, most = 0;
    for (struct csv_row row; n < HEADER_WITHIN && (got = read_row(csv, &row)) == 1; n++) {
        cells[n] = row.n_cells;
        lines[n] = row.line;
    }
    if (got < 0)
        return false;
    if (n == 0)
        return lines_fail(&csv->from, "the file is empty");
    for (int i = 0; i < n; i++) {
        int same = 0;
        for (int k = 0; k < n; k++)
            same += cells[k] == cells[i];
        if (cells[i] > 0 && same > most) {
            most = same;
            header = i;
        }
    }
    csv->options.header_line = (int64_t) lines[header];
    return restart(csv);
}

static void keep_names(struct csv *csv, const struct csv_row *row, bool by_number)
{
    uint32_t ends[CSV_COLUMNS_MAX];
    for (uint32_t i = 0; i < row->n_cells; i++) {
        struct slice cell = row->cells[i];
        if (by_number || cell.len == 0)
            buf_printf(&csv->names, "%u", i + 1);
        else
            buf_add(&csv->names, cell.at, cell.len);
        ends[i] = (uint32_t) csv->names.len;
    }
    for (uint32_t i = 0, from = 0; i < row->n_cells; from = ends[i++])
        csv->columns[i] = slice_of(csv->names.at + from, ends[i] - from);
    csv->n_columns = row->n_cells;
}

/* Read up to the header. The columns become known on the first time only. */
static bool pass_header(struct csv *csv)
{
    uint64_t want = (uint64_t) csv->options.header_line;
    struct csv_row row;
    int got;
    while ((got = read_row(csv, &row)) == 1 && row.line < want)
        ;
    if (got < 0)
        return false;
    if (got == 0 || (want > 0 && row.line != want))
        return lines_fail(&csv->from, want ? "no row begins at the header's line" : "the file is empty");
    if (csv->n_columns > 0)
        return want > 0 || restart(csv);
    if (row.reason != REASON_OK) {
        snprintf(csv->from.why, sizeof csv->from.why, "line %llu, the header: %s", (unsigned long long) row.line,
                 row.why);
        return false;
    }
    if (csv->n_cells > CSV_COLUMNS_MAX)
        return lines_fail(&csv->from, "the header has over 512 columns");
    csv->header_line = want;
    keep_names(csv, &row, want == 0);
    return want > 0 || restart(csv);
}

bool csv_again(struct csv *csv)
{
    return restart(csv) && pass_header(csv);
}

struct csv *csv_open(const char *path, const struct csv_options *options, char why[160])
{
    struct csv *csv = calloc(1, sizeof *csv);
    if (!csv)
        abort();
    csv->options = *options;
    bool opened = lines_open(&csv->from, path);
    if (opened)
        start(csv);
    if (!opened || (options->header_line < 0 && !find_header(csv)) || !pass_header(csv)) {
        snprintf(why, 160, "%s", csv->from.why);
        csv_close(&csv);
    }
    return csv;
}

void csv_close(struct csv **csv_p)
{
    struct csv *csv = *csv_p;
    if (!csv)
        return;
    if (csv->parser_live)
        csv_free(&csv->parser);
    lines_close(&csv->from);
    buf_fini(&csv->text);
    buf_fini(&csv->spare);
    buf_fini(&csv->names);
    free(csv);
    *csv_p = NULL;
}

const struct slice *csv_columns(const struct csv *csv, uint32_t *ret_n)
{
    *ret_n = csv->n_columns;
    return csv->columns;
}

char csv_delimiter(const struct csv *csv)
{
    return csv->options.delimiter;
}
uint64_t csv_header_line(const struct csv *csv)
{
    return csv->header_line;
}
const char *csv_why(const struct csv *csv)
{
    return csv->from.why;
}

void csv_digest(struct csv *csv, uint8_t ret_digest[16])
{
    lines_digest(&csv->from, ret_digest);
}
