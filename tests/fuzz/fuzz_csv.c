/* SPDX-License-Identifier: Apache-2.0
 * fuzz_csv.c - any bytes as a file: never a crash, line numbers only rise, a row
 * that is OK has the header's columns and no NUL, and a second pass reads the same. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pass {
    uint64_t rows, refused, bytes, last_line;
    uint8_t digest[16];
};

static void read_all(struct csv *csv, struct pass *ret)
{
    uint32_t n_columns;
    struct csv_row row;
    int got;
    csv_columns(csv, &n_columns);
    *ret = (struct pass){0};
    while ((got = csv_next(csv, &row)) == 1) {
        assert(row.line > ret->last_line);
        ret->last_line = row.line;
        ret->rows++;
        ret->refused += row.reason != REASON_OK;
        assert(row.reason == REASON_OK ? row.n_cells == n_columns : row.why != NULL);
        for (uint32_t i = 0; i < row.n_cells; i++) {
            ret->bytes += row.cells[i].len;
            assert(row.reason != REASON_OK || row.cells[i].len == 0 || !memchr(row.cells[i].at, 0, row.cells[i].len));
        }
    }
    assert(got == 0 || csv_why(csv)[0]);
    csv_digest(csv, ret->digest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64], why[160] = "";
    if (size < 1)
        return 0;
    int fd = memfd_create("fuzz", 0);
    assert(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t) size - 1);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct csv_options options = {
        .delimiter = ",;\t|\0"[(data[0] & 7) % 5], .header_line = (data[0] >> 3 & 7) - 1, .latin1 = data[0] >> 7};
    struct csv *csv = csv_open(path, &options, why);
    assert(csv || why[0]);
    if (csv) {
        struct pass first, second;
        read_all(csv, &first);
        if (csv_why(csv)[0] == '\0') {
            bool again = csv_again(csv);
            assert(again);
            read_all(csv, &second);
            assert(!memcmp(&first, &second, sizeof first));
        }
    }
    csv_close(&csv);
    close(fd);
    return 0;
}
