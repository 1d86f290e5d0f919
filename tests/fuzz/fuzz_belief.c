/* SPDX-License-Identifier: Apache-2.0
 * fuzz_belief.c - any bytes as two diaries (a NUL between them): never a crash,
 * every line is counted, and the order of the files makes no difference. */
#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/belief.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file_of(const uint8_t *data, size_t size)
{
    int fd = memfd_create("fuzz", 0);
    assert(fd >= 0 && write(fd, data, size) == (ssize_t) size);
    return fd;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static FILE *nowhere;
    char paths[2][64];
    struct belief_counts counts, turned;
    const size_t first = size ? strnlen((const char *) data, size) : 0;
    const size_t second = first < size ? first + 1 : size;
    int fds[2] = {file_of(data, first), file_of(data + second, size - second)};
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    for (int i = 0; i < 2; i++)
        snprintf(paths[i], sizeof paths[i], "/proc/self/fd/%d", fds[i]);
    int failed = belief_check((const char *const[]){paths[0], paths[1]}, 2, nowhere, &counts);
    assert(!failed && counts.damaged <= counts.lines && counts.open <= counts.intervals);
    failed = belief_check((const char *const[]){paths[1], paths[0]}, 2, nowhere, &turned);
    assert(!failed && turned.two_owners == counts.two_owners && turned.intervals == counts.intervals);
    close(fds[0]);
    close(fds[1]);
    return 0;
}
