/* SPDX-License-Identifier: Apache-2.0
 * ndjson.h - rows of a file with a JSON object a line, as if it were a table.
 *
 * Gives what csv.h gives, so that maps, outcomes and the rejects file are the same
 * for both. Its columns are the keys of all its objects, in the order in which
 * they first come; that needs a pass of its own when the file is opened. Nested
 * keys are joined by dots (address.zip), places in arrays count from 0 (phones.0).
 * A number is a cell in its shortest form: 1.50 is "1.5". null is an empty cell. */
#ifndef TAKT_CLI_NDJSON_H
#define TAKT_CLI_NDJSON_H

#include "cli/csv.h"

enum { NDJSON_DEPTH_MAX = 8, NDJSON_NAME_MAX = 255 };

struct ndjson;

/* NULL and a sentence in why[160] if the file cannot be read or has too many keys. */
struct ndjson *ndjson_open(const char *path, char why[160]);
void ndjson_close(struct ndjson **ndjson_p);

const struct slice *ndjson_columns(const struct ndjson *ndjson, uint32_t *ret_n);

/* As in csv.h. A line that is no object, or that has what cannot be a cell, is a
 * row with a reason; no sentence quotes it. */
int ndjson_next(struct ndjson *ndjson, struct csv_row *ret_row);
const char *ndjson_why(const struct ndjson *ndjson);
void ndjson_digest(struct ndjson *ndjson, uint8_t ret_digest[16]);
bool ndjson_again(struct ndjson *ndjson);

#endif
