/* SPDX-License-Identifier: Apache-2.0
 * rejects.c - the rows that did not become leads. See rejects.h. */
#include "cli/rejects.h"

#include <string.h>

static void keep_cell(struct buf *to, struct slice cell)
{
    bool formula = cell.len > 0 && memchr("=+-@\t\r", cell.at[0], 7);
    buf_add(to, formula ? "\"'" : "\"", formula ? 2 : 1);
    for (uint32_t i = 0; i < cell.len; i++) {
        if (cell.at[i] == '"')
            buf_add(to, "\"", 1);
        buf_add(to, &cell.at[i], 1);
    }
    buf_add(to, "\"", 1);
}

static bool is_bare(struct slice cell)
{
    for (uint32_t i = 0; i < cell.len; i++)
        if (cell.at[i] < 0x20 || memchr("\",;'|=+-@", cell.at[i], 9))
            return false;
    return true;
}

void rejects_keep(struct buf *to, const struct slice *cells, uint32_t n_cells)
{
    for (uint32_t i = 0; i < n_cells; i++) {
        buf_add(to, ",", 1);
        if (is_bare(cells[i]))
            buf_add(to, cells[i].at, cells[i].len);
        else
            keep_cell(to, cells[i]);
    }
}

void rejects_write_header(FILE *file, const struct slice *columns, uint32_t n_columns)
{
    struct buf kept = {0};
    rejects_keep(&kept, columns, n_columns);
    fprintf(file, "line,reason,sentence");
    fwrite(kept.at, 1, kept.len, file);
    fputc('\n', file);
    buf_fini(&kept);
}

void rejects_write(FILE *file, uint64_t line, enum reason reason, const char *why, struct slice kept)
{
    fprintf(file, "%llu,%s,\"%s\"", (unsigned long long) line, reason_name(reason), why);
    fwrite(kept.at, 1, kept.len, file);
    fputc('\n', file);
}
