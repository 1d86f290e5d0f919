/* SPDX-License-Identifier: Apache-2.0
 * fuzz_ndjson.c - any bytes as a file of JSON lines: never a crash, line numbers
 * only rise, a row that is OK has all columns, and a second pass reads the same. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/ndjson.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pass {
    uint64_t rows, refused, bytes, last_line;
    uint8_t digest[16];
};

static void read_all(struct ndjson *ndjson, struct pass *ret)
{
    uint32_t n_columns;
    struct csv_row row;
    int got;
    ndjson_columns(ndjson, &n_columns);
    *ret = (struct pass){0};
    while ((got = ndjson_next(ndjson, &row)) == 1) {
        assert(row.line > ret->last_line);
        ret->last_line = row.line;
        ret->rows++;
        ret->refused += row.reason != REASON_OK;
        assert(row.reason == REASON_OK ? row.n_cells == n_columns : row.why != NULL && row.n_cells == 1);
        for (uint32_t i = 0; i < row.n_cells; i++) {
            ret->bytes += row.cells[i].len;
            assert(row.reason != REASON_OK || row.cells[i].len == 0 || !memchr(row.cells[i].at, 0, row.cells[i].len));
        }
    }
    assert(got == 0 || ndjson_why(ndjson)[0]);
    ndjson_digest(ndjson, ret->digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], why[160] = "";
    int fd = memfd_create("fuzz", 0);
    assert(fd >= 0 && write(fd, data, size) == (ssize_t) size);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct ndjson *ndjson = ndjson_open(path, why);
    assert(ndjson || why[0]);
    if (ndjson) {
        struct pass first, second;
        read_all(ndjson, &first);
        bool again = ndjson_again(ndjson);
        assert(again);
        read_all(ndjson, &second);
        assert(!memcmp(&first, &second, sizeof first));
    }
    ndjson_close(&ndjson);
    close(fd);
    return 0;
}
