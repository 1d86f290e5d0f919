/* SPDX-License-Identifier: Apache-2.0
 * rejects.h - the rows that did not become leads, as a CSV file to correct and
 * import again: line, reason, sentence, then the cells as they were.
 *
 * A cell that a spreadsheet would take for a formula (= + - @ TAB CR first) gets
 * a ' before it: this file is opened by people, and its cells are strangers'. */
#ifndef TAKT_CLI_REJECTS_H
#define TAKT_CLI_REJECTS_H

#include <stdio.h>

#include "common/buf.h"
#include "proto/msg.h"

/* Append ",cell,cell..." for the cells of one row: what rejects_write() wants. */
void rejects_keep(struct buf *to, const struct slice *cells, uint32_t n_cells);

void rejects_write_header(FILE *file, const struct slice *columns, uint32_t n_columns);
void rejects_write(FILE *file, uint64_t line, enum reason reason, const char *why, struct slice kept);

#endif
