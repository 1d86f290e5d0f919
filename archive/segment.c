/* SPDX-License-Identifier: Apache-2.0
 * segment.c - blocks to a file and back.
 *
 * Reading maps the file: rows and entries are handed out where they lie. A torn
 * tail is what a crash or a power cut may leave, anything else is damage; the
 * difference is whether a sound block follows the bad one, so it is looked for. */
#include "archive/segment.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/entry.h"
#include "common/bytes.h"

/* A block: magic, kind, number, length; payload; check of all before it. */
enum { HEAD_BYTES = 16, CHECK_BYTES = 8, HEAD_PAYLOAD_MIN = 20, IMAGE_PAYLOAD = 24 };
enum { AT_KIND = 4, AT_NUMBER = 8, AT_LENGTH = 12 };
enum { ROWS_BYTES = 256 * 1024, OUT_BYTES = 1024 * 1024 };
static const char magic[4] = {'T', 'A', 'K', 'B'};

void segment_name(struct position begin, char to[SEGMENT_NAME_MAX])
{
    snprintf(to, SEGMENT_NAME_MAX, "%010" PRIu64 "-%012" PRIu64 ".takt", begin.epoch, begin.beat);
}

bool segment_name_parse(const char *name, struct position *ret)
{
    char again[SEGMENT_NAME_MAX];
    struct position begin;
    if (sscanf(name, "%" SCNu64 "-%" SCNu64, &begin.epoch, &begin.beat) != 2)
        return false;
    segment_name(begin, again);
    if (strcmp(name, again) != 0)
        return false;
    *ret = begin;
    return true;
}

/* ---- writing ---------------------------------------------------------------------- */

static bool flush(struct segment_writer *writer)
{
    size_t sent = 0;
    while (sent < writer->out.len) {
        const ssize_t n = write(writer->fd, writer->out.at + sent, writer->out.len - sent);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        sent += (size_t) n;
    }
    writer->out.len = 0;
    return true;
}

static bool add_block(struct segment_writer *writer, enum block_kind kind, const void *bytes, size_t len)
{
    const size_t begin = writer->out.len;
    uint8_t head[HEAD_BYTES] = {0}, check[CHECK_BYTES];
    memcpy(head, magic, sizeof magic);
    head[AT_KIND] = (uint8_t) kind;
    bytes_put_u32(head + AT_NUMBER, writer->blocks++);
    bytes_put_u32(head + AT_LENGTH, (uint32_t) len);
    buf_add(&writer->out, head, sizeof head);
    buf_add(&writer->out, bytes, len);
    bytes_put_u64(check, entry_check(writer->out.at + begin, sizeof head + len));
    buf_add(&writer->out, check, sizeof check);
    writer->bytes += sizeof head + len + sizeof check;
    writer->unsynced += sizeof head + len + sizeof check;
    return writer->out.len < OUT_BYTES || flush(writer);
}

bool segment_create(struct segment_writer *writer, const char *path, const char *cell, struct position begin)
{
    uint8_t head[HEAD_PAYLOAD_MIN + SEGMENT_CELL_MAX];
    const size_t cell_len = strnlen(cell, SEGMENT_CELL_MAX);
    *writer = (struct segment_writer){.fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    bytes_put_u32(head, SEGMENT_VERSION);
    bytes_put_u64(head + 4, begin.epoch);
    bytes_put_u64(head + 12, begin.beat);
    memcpy(head + HEAD_PAYLOAD_MIN, cell, cell_len);
    return writer->fd >= 0 && add_block(writer, BLOCK_HEAD, head, HEAD_PAYLOAD_MIN + cell_len);
}

static bool end_rows(struct segment_writer *writer)
{
    const size_t len = writer->rows.len;
    writer->rows.len = 0;
    return len == 0 || add_block(writer, BLOCK_ROWS, writer->rows.at, len);
}

bool segment_row(struct segment_writer *writer, const struct row_ref *row)
{
    buf_add(&writer->rows, row->whole.at, row->whole.len);
    writer->n_rows++;
    return writer->rows.len < ROWS_BYTES || end_rows(writer);
}

bool segment_image_ends(struct segment_writer *writer, struct position sound_from)
{
    uint8_t payload[IMAGE_PAYLOAD];
    bytes_put_u64(payload, writer->n_rows);
    bytes_put_u64(payload + 8, sound_from.epoch);
    bytes_put_u64(payload + 16, sound_from.beat);
    return end_rows(writer) && add_block(writer, BLOCK_IMAGE, payload, sizeof payload);
}

bool segment_entry(struct segment_writer *writer, struct slice entry)
{
    return add_block(writer, BLOCK_ENTRY, entry.at, entry.len);
}

bool segment_sync(struct segment_writer *writer)
{
    if (!flush(writer) || fdatasync(writer->fd) != 0)
        return false;
    writer->unsynced = 0;
    return true;
}

void segment_close(struct segment_writer *writer)
{
    if (writer->fd >= 0)
        close(writer->fd);
    buf_fini(&writer->out);
    buf_fini(&writer->rows);
    *writer = (struct segment_writer){.fd = -1};
}

bool segment_resume(struct segment_writer *writer, const char *path, const struct segment_reader *reader)
{
    *writer = (struct segment_writer){.fd = open(path, O_WRONLY | O_CLOEXEC),
                                      .blocks = reader->blocks,
                                      .bytes = reader->at,
                                      .n_rows = reader->n_rows};
    return writer->fd >= 0 && ftruncate(writer->fd, (off_t) reader->at) == 0 &&
           lseek(writer->fd, 0, SEEK_END) == (off_t) reader->at && fdatasync(writer->fd) == 0;
}

/* ---- reading ---------------------------------------------------------------------- */

/* The length of the whole sound block at `at`; 0: there is none. */
static size_t block_at(const struct segment_reader *reader, size_t at)
{
    const size_t left = reader->size - at;
    if (left < HEAD_BYTES + CHECK_BYTES || memcmp(reader->map + at, magic, sizeof magic) != 0)
        return 0;
    const size_t length = bytes_u32(reader->map + at + AT_LENGTH), checked = HEAD_BYTES + length;
    if (length > left - HEAD_BYTES - CHECK_BYTES)
        return 0;
    return bytes_u64(reader->map + at + checked) == entry_check(reader->map + at, checked) ? checked + CHECK_BYTES : 0;
}

static enum segment_end tell_torn_from_damaged(const struct segment_reader *reader)
{
    for (size_t at = reader->at + 1; at < reader->size; at++) {
        const uint8_t *next = memmem(reader->map + at, reader->size - at, magic, sizeof magic);
        if (next == NULL)
            break;
        at = (size_t) (next - reader->map);
        if (block_at(reader, at) > 0)
            return SEGMENT_DAMAGED;
    }
    return SEGMENT_TORN;
}

static bool take_head(struct segment_reader *reader, struct slice bytes)
{
    if (bytes.len < HEAD_PAYLOAD_MIN || bytes.len > HEAD_PAYLOAD_MIN + SEGMENT_CELL_MAX ||
        bytes_u32(bytes.at) != SEGMENT_VERSION)
        return false;
    reader->begin = (struct position){bytes_u64(bytes.at + 4), bytes_u64(bytes.at + 12)};
    memcpy(reader->cell, bytes.at + HEAD_PAYLOAD_MIN, bytes.len - HEAD_PAYLOAD_MIN);
    return true;
}

static bool take_image_end(struct segment_reader *reader, struct slice bytes)
{
    if (bytes.len != IMAGE_PAYLOAD)
        return false;
    reader->has_image = true;
    reader->image_bytes = reader->at;
    reader->n_rows = bytes_u64(bytes.at);
    reader->sound_from = (struct position){bytes_u64(bytes.at + 8), bytes_u64(bytes.at + 16)};
    return true;
}

/* Each kind in its place: the head first, then rows, the image's end, entries. */
static bool is_in_place(const struct segment_reader *reader, enum block_kind kind)
{
    switch (kind) {
    case BLOCK_HEAD:
        return reader->blocks == 0;
    case BLOCK_ROWS:
    case BLOCK_IMAGE:
        return reader->blocks > 0 && !reader->has_image;
    case BLOCK_ENTRY:
        return reader->has_image;
    }
    return false;
}

enum segment_end segment_next(struct segment_reader *reader, enum block_kind *ret_kind, struct slice *ret_bytes)
{
    if (reader->at == reader->size)
        return SEGMENT_ENDS;
    const size_t len = block_at(reader, reader->at);
    if (len == 0)
        return tell_torn_from_damaged(reader);
    const uint8_t *block = reader->map + reader->at;
    const enum block_kind kind = block[AT_KIND];
    const struct slice bytes = {block + HEAD_BYTES, (uint32_t) (len - HEAD_BYTES - CHECK_BYTES)};
    if (bytes_u32(block + AT_NUMBER) != reader->blocks || !is_in_place(reader, kind) ||
        (kind == BLOCK_HEAD && !take_head(reader, bytes)))
        return SEGMENT_DAMAGED;
    reader->at += len;
    reader->blocks++;
    if (kind == BLOCK_IMAGE && !take_image_end(reader, bytes))
        return SEGMENT_DAMAGED;
    *ret_kind = kind;
    *ret_bytes = bytes;
    return SEGMENT_MORE;
}

enum segment_end segment_open(struct segment_reader *reader, const char *path)
{
    struct stat st;
    enum block_kind kind;
    struct slice bytes;
    *reader = (struct segment_reader){0};
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0) {
        void *map = mmap(NULL, (size_t) st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (map != MAP_FAILED) {
            reader->map = map;
            reader->size = (size_t) st.st_size;
        }
    }
    if (fd >= 0)
        close(fd);
    if (reader->map == NULL)
        return SEGMENT_DAMAGED;
    madvise(reader->map, reader->size, MADV_SEQUENTIAL);
    const enum segment_end end = segment_next(reader, &kind, &bytes);
    return end == SEGMENT_MORE ? end : SEGMENT_DAMAGED;
}

void segment_fini(struct segment_reader *reader)
{
    if (reader->map != NULL)
        munmap(reader->map, reader->size);
    *reader = (struct segment_reader){0};
}
