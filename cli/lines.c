/* SPDX-License-Identifier: Apache-2.0
 * lines.c - lines of a file. See lines.h. */
#include "cli/lines.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { READ_BYTES = 256 * 1024, ROOM = LINES_ROW_BYTES_MAX + READ_BYTES };

bool lines_fail(struct lines *lines, const char *why)
{
    snprintf(lines->why, sizeof lines->why, "%s", why);
    lines->failed = true;
    return false;
}

void lines_begin_row(struct lines *lines)
{
    lines->row_at = lines->at;
}

/* Read more behind what there is, moving the row in work to the front. */
static bool fill(struct lines *lines)
{
    memmove(lines->in, lines->in + lines->row_at, lines->end - lines->row_at);
    lines->at -= lines->row_at;
    lines->end -= lines->row_at;
    lines->row_at = 0;
    assert(lines->end < ROOM);
    size_t room = ROOM - lines->end;
    int got = gzread(lines->file, lines->in + lines->end, (unsigned) (room < READ_BYTES ? room : READ_BYTES));
    int error = Z_OK;
    const char *text = gzerror(lines->file, &error);
    if (got < 0 || error == Z_BUF_ERROR)
        return lines_fail(lines, error == Z_ERRNO       ? strerror(errno)
                                 : error == Z_BUF_ERROR ? "the gzip file ends before its end"
                                                        : text);
    lines->eof = got == 0;
    crypto_generichash_update(&lines->digest, lines->in + lines->end, (unsigned) got);
    lines->end += (size_t) got;
    return true;
}

int lines_next(struct lines *lines, const uint8_t **ret_line, size_t *ret_len, bool *ret_long)
{
    size_t looked = lines->at;
    *ret_long = false;
    for (;;) {
        const uint8_t *newline = memchr(lines->in + looked, '\n', lines->end - looked);
        if (newline || (lines->eof && lines->at < lines->end)) {
            const uint8_t *line = lines->in + lines->at, *stop = newline ? newline : lines->in + lines->end;
            if (stop - (lines->in + lines->row_at) > LINES_ROW_BYTES_MAX)
                break;
            lines->at = (size_t) (stop - lines->in) + (newline ? 1 : 0);
            lines->count++;
            *ret_line = line;
            *ret_len = (size_t) (stop - line) - (stop > line && stop[-1] == '\r');
            return 1;
        }
        if (lines->eof)
            return 0;
        if (lines->end - lines->row_at > LINES_ROW_BYTES_MAX)
            break;
        looked = lines->end - lines->row_at;
        if (!fill(lines))
            return -1;
    }
    *ret_long = true;
    return -1;
}

void lines_skip_first(struct lines *lines, uint64_t number)
{
    lines->at = lines->row_at;
    lines->count = number;
    for (;;) {
        const uint8_t *newline = memchr(lines->in + lines->at, '\n', lines->end - lines->at);
        lines->at = newline ? (size_t) (newline - lines->in) + 1 : lines->end;
        lines->row_at = lines->at;
        if (newline || lines->eof || !fill(lines))
            break;
    }
}

static bool start(struct lines *lines)
{
    crypto_generichash_init(&lines->digest, NULL, 0, 16);
    lines->row_at = lines->at = lines->end = 0;
    lines->count = 0;
    lines->eof = false;
    while (lines->end < READ_BYTES && !lines->eof)
        if (!fill(lines))
            return false;
    if (lines->end >= 2 && (!memcmp(lines->in, "\xff\xfe", 2) || !memcmp(lines->in, "\xfe\xff", 2)))
        return lines_fail(lines, "the file is UTF-16; save it as UTF-8");
    if (lines->end >= 3 && !memcmp(lines->in, "\xef\xbb\xbf", 3))
        lines->at = 3;
    return true;
}

bool lines_again(struct lines *lines)
{
    return gzrewind(lines->file) == 0 ? start(lines) : lines_fail(lines, "the file cannot be read a second time");
}

bool lines_open(struct lines *lines, const char *path)
{
    struct stat is;
    bool there = stat(path, &is) == 0;
    lines->file = there && S_ISREG(is.st_mode) ? gzopen(path, "re") : NULL;
    if (!lines->file)
        return lines_fail(lines,
                          there && !S_ISREG(is.st_mode) ? "not a regular file (it is read twice)" : strerror(errno));
    gzbuffer(lines->file, READ_BYTES);
    lines->in = malloc(ROOM);
    if (!lines->in || sodium_init() < 0)
        abort();
    return start(lines);
}

void lines_close(struct lines *lines)
{
    if (lines->file)
        gzclose_r(lines->file);
    free(lines->in);
    *lines = (struct lines){0};
}

void lines_digest(const struct lines *lines, uint8_t ret_digest[16])
{
    crypto_generichash_state copy = lines->digest;
    crypto_generichash_final(&copy, ret_digest, 16);
}
