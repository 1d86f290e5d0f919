/* SPDX-License-Identifier: Apache-2.0
 * fuzz_segment.c - any bytes as a segment of an archive: never a crash, what is
 * handed out lies in the file, and what a torn tail leaves is a sound segment.
 *
 * Numbers and checks of blocks are made anew for half of it: chance does not find
 * 64 bits. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/segment.h"
#include "broker/entry.h"
#include "common/bytes.h"

/* As docs/LOG.md has it: magic, kind, number, length; payload; check. */
enum { HEAD_BYTES = 16, CHECK_BYTES = 8, AT_NUMBER = 8, AT_LENGTH = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Bytes as a file that has a path. */
static int file_of(const uint8_t *bytes, size_t len, char path[64])
{
    const int fd = memfd_create("segment", MFD_CLOEXEC);
    const bool written = fd >= 0 && write(fd, bytes, len) == (ssize_t) len;
    assert(written);
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static void look_into(const struct segment_reader *reader, enum block_kind kind, struct slice bytes)
{
    struct row_ref row;
    struct entry entry;
    struct entry_hash previous;
    uint32_t at = 0;
    assert(bytes.at >= reader->map && bytes.at + bytes.len <= reader->map + reader->size);
    while (kind == BLOCK_ROWS && row_next(bytes, &at, &row) == 1)
        assert(row.whole.at >= bytes.at && row.whole.at + row.whole.len <= bytes.at + bytes.len);
    if (kind == BLOCK_ENTRY && !entry_decode(bytes, &entry, &previous))
        assert(entry.body.len < bytes.len);
}

static enum segment_end read_all(const char *path, size_t *ret_sound)
{
    struct segment_reader reader;
    enum block_kind kind;
    struct slice bytes;
    enum segment_end end = segment_open(&reader, path);
    while (end == SEGMENT_MORE) {
        const size_t before = reader.at;
        end = segment_next(&reader, &kind, &bytes);
        assert(reader.at <= reader.size && (end != SEGMENT_MORE || reader.at > before));
        if (end == SEGMENT_MORE)
            look_into(&reader, kind, bytes);
    }
    *ret_sound = reader.at;
    segment_fini(&reader);
    return end;
}

static void read_it(const uint8_t *bytes, size_t len)
{
    char path[64];
    size_t sound, again;
    const int fd = file_of(bytes, len, path);
    if (read_all(path, &sound) == SEGMENT_TORN) {
        const bool cut = ftruncate(fd, (off_t) sound) == 0;
        assert(cut);
        const enum segment_end end = read_all(path, &again);
        assert(end == SEGMENT_ENDS && again == sound);
    }
    close(fd);
}

static void repair(uint8_t *bytes, size_t size)
{
    size_t at = 0;
    for (uint32_t number = 0; size - at >= HEAD_BYTES + CHECK_BYTES; number++) {
        const size_t room = size - at - HEAD_BYTES - CHECK_BYTES, named = bytes_u32(bytes + at + AT_LENGTH);
        const size_t len = named <= room ? named : room;
        memcpy(bytes + at, "TAKB", 4);
        bytes_put_u32(bytes + at + AT_NUMBER, number);
        bytes_put_u32(bytes + at + AT_LENGTH, (uint32_t) len);
        bytes_put_u64(bytes + at + HEAD_BYTES + len, entry_check(bytes + at, HEAD_BYTES + len));
        at += HEAD_BYTES + len + CHECK_BYTES;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size + 1);
    assert(bytes);
    read_it(data, size);
    memcpy(bytes, data, size);
    repair(bytes, size);
    read_it(bytes, size);
    free(bytes);
    return 0;
}
