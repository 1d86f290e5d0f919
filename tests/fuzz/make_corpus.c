/* SPDX-License-Identifier: Apache-2.0
 * make_corpus.c - writes the samples as files, from which the fuzzers start:
 * make_corpus tests/fuzz/corpus writes fuzz_wire/<kind> and fuzz_row/<n> there.
 *
 * Run it when a message changes; the files are kept in the repository. */
#include <stdio.h>

#include "proto/wire.h"
#include "tests/lib/wire_samples.h"

static int write_file(const char *folder, const char *sub, unsigned name, struct slice bytes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%u", folder, sub, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes.at, 1, bytes.len, file) != bytes.len || fclose(file) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct wire *wire = wire_new();
    int failed = argc != 2;
    for (unsigned i = 0; !failed && wire_sample(i) != NULL; i++) {
        const struct msg *msg = wire_sample(i);
        struct slice frame;
        failed = !wire_encode(wire, msg, &frame) || write_file(argv[1], "fuzz_wire", msg->kind, frame);
        for (uint32_t k = 0; !failed && msg->kind == MSG_CHUNK && k < msg->chunk.n_rows; k++) {
            uint8_t row[ROW_BYTES_MAX];
            size_t len = wire_encode_row(&msg->chunk.rows[k], row, sizeof row);
            failed = write_file(argv[1], "fuzz_row", k, slice_of(row, len));
        }
    }
    wire_destroy(&wire);
    return failed;
}
