/* SPDX-License-Identifier: Apache-2.0
 * lines.h - lines of a file, plain or gzip: numbered, bounded, digested, and from
 * the beginning again. What a line means is the reader's business: csv.c, ndjson.c.
 *
 * The bytes of the row in work stay in the buffer until it ends, since a row may
 * have several lines and a damaged one is read again from its second. Why not
 * mmap: a file may be gzip, and larger than the machine's memory. */
#ifndef TAKT_CLI_LINES_H
#define TAKT_CLI_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sodium.h>
#include <zlib.h>

enum { LINES_ROW_BYTES_MAX = 1024 * 1024 };

struct lines { /* zero-initialise */
    gzFile file;
    crypto_generichash_state digest;
    bool eof, failed;
    char why[160];          /* when failed */
    uint8_t *in;            /* what was read */
    size_t row_at, at, end; /* begin of the row in work, next line, end of what was read */
    uint64_t count;         /* lines before `at` */
};

/* False with a sentence in `why`. A byte order mark is skipped, UTF-16 refused. */
bool lines_open(struct lines *lines, const char *path);
void lines_close(struct lines *lines);
bool lines_again(struct lines *lines); /* from the first line */

void lines_begin_row(struct lines *lines); /* the row in work begins at the next line */

/* The next line without its end: 1; 0 at the end of the file; -1 on failure or,
 * with *ret_long, when the row in work would be over the limit. */
int lines_next(struct lines *lines, const uint8_t **ret_line, size_t *ret_len, bool *ret_long);

/* Go on after the first line of the row in work, which is line `number`, however long it is. */
void lines_skip_first(struct lines *lines, uint64_t number);

bool lines_fail(struct lines *lines, const char *why); /* returns false */

/* BLAKE2b-128 of the unpacked bytes read so far. */
void lines_digest(const struct lines *lines, uint8_t ret_digest[16]);

#endif
