/* SPDX-License-Identifier: Apache-2.0
 * record_bytes.h - the bytes of rows: what record.c and record_lead.c write and
 * read with. A reader that runs past the end turns bad and reads zeros. */
#ifndef TAKT_CORE_RECORD_BYTES_H
#define TAKT_CORE_RECORD_BYTES_H

#include <string.h>

#include "core/core_private.h"

enum { RECORD_VERSION = 3, NUMBER_BYTES_MAX = 10 };

/* ---- out ----------------------------------------------------------------------------- */

/* One row being written. Its room was taken at once by row_begin(), so a field costs no call. */
struct writer {
    struct buf *body;
    size_t begin;
    uint8_t *at;
};

/* LEB128: 7 bits a byte, lowest first. Most fields are small or zero. */
static inline void put_uint(struct writer *writer, uint64_t value)
{
    while (value >= 0x80) {
        *writer->at++ = (uint8_t) (value | 0x80);
        value >>= 7;
    }
    *writer->at++ = (uint8_t) value;
}

/* Zigzag: small negative numbers are small, too. */
static inline void put_int(struct writer *writer, int64_t value)
{
    put_uint(writer, (uint64_t) value << 1 ^ (uint64_t) (value >> 63));
}

/* An index of an agent, or NONE. Whoever reads a history has arrays by it, so none is beyond the ceiling. */
static inline void put_index(struct writer *writer, uint32_t index)
{
    put_uint(writer, index == NONE ? 0 : (uint64_t) index + 1);
}

static inline void put_bytes(struct writer *writer, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(writer->at, bytes, len);
    writer->at += len;
}

static inline void put_f64(struct writer *writer, double value)
{
    put_bytes(writer, &value, sizeof value);
}

static inline void put_text(struct writer *writer, const char *text)
{
    const size_t len = strlen(text);
    assert(len <= NAME_BYTES_MAX);
    put_uint(writer, len);
    put_bytes(writer, text, len);
}

static inline void put_id(struct writer *writer, struct id id)
{
    id_to_bytes(id, writer->at);
    writer->at += 16;
}

/* `payload_max`: bytes that the row's fields may take at most. */
static inline struct writer row_begin(struct buf *body, enum row_type type, const void *key, size_t key_len,
                                      size_t payload_max)
{
    struct writer writer = {.body = body, .begin = body->len};
    writer.at = buf_more(body, ROW_HEAD + key_len + 1 + payload_max);
    *writer.at = (uint8_t) type;
    writer.at[ROW_KEY_LEN_AT] = (uint8_t) key_len;
    writer.at += ROW_HEAD;
    put_bytes(&writer, key, key_len);
    *writer.at++ = RECORD_VERSION;
    return writer;
}

static inline struct writer row_begin_id(struct buf *body, enum row_type type, struct id id, size_t payload_max)
{
    uint8_t key[16];
    id_to_bytes(id, key);
    return row_begin(body, type, key, sizeof key, payload_max);
}

static inline void row_end(struct writer *writer)
{
    struct buf *body = writer->body;
    const size_t end = (size_t) (writer->at - body->at);
    const uint32_t length = (uint32_t) (end - writer->begin - 5);
    assert(end <= body->len); /* or payload_max was wrong */
    memcpy(body->at + writer->begin + 1, &length, sizeof length);
    body->len = end;
}

/* ---- in ------------------------------------------------------------------------------ */

struct reader {
    const uint8_t *at, *end;
    bool bad;
};

static inline const uint8_t *take(struct reader *reader, size_t len)
{
    static const uint8_t zeros[16];
    if ((size_t) (reader->end - reader->at) < len) {
        reader->bad = true;
        reader->at = reader->end;
        return len <= sizeof zeros ? zeros : NULL;
    }
    const uint8_t *at = reader->at;
    reader->at += len;
    return at;
}

static inline uint64_t get_uint(struct reader *reader, uint64_t max)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && reader->at < reader->end; shift += 7) {
        const uint8_t byte = *reader->at++;
        value |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80) {
            reader->bad = reader->bad || value > max;
            return value > max ? 0 : value;
        }
    }
    reader->bad = true;
    reader->at = reader->end;
    return 0;
}

static inline uint8_t get_u8(struct reader *reader)
{
    return (uint8_t) get_uint(reader, UINT8_MAX);
}
static inline uint16_t get_u16(struct reader *reader)
{
    return (uint16_t) get_uint(reader, UINT16_MAX);
}
static inline uint32_t get_u32(struct reader *reader)
{
    return (uint32_t) get_uint(reader, UINT32_MAX);
}
static inline uint64_t get_u64(struct reader *reader)
{
    return get_uint(reader, UINT64_MAX);
}
static inline int64_t get_int(struct reader *reader)
{
    const uint64_t value = get_u64(reader);
    return (int64_t) (value >> 1 ^ -(value & 1));
}
static inline int32_t get_i32(struct reader *reader)
{
    const int64_t value = get_int(reader);
    reader->bad = reader->bad || value < INT32_MIN || value > INT32_MAX;
    return (int32_t) value;
}
static inline uint32_t get_index(struct reader *reader)
{
    const uint64_t value = get_uint(reader, AGENTS_EVER);
    return value ? (uint32_t) (value - 1) : NONE;
}

static inline double get_f64(struct reader *reader)
{
    double value;
    memcpy(&value, take(reader, sizeof value), sizeof value);
    return value;
}

static inline struct slice get_slice(struct reader *reader, uint32_t len)
{
    const uint8_t *at = take(reader, len);
    return reader->bad ? (struct slice){0} : slice_of(at, len);
}

static inline struct slice get_text(struct reader *reader)
{
    return get_slice(reader, (uint32_t) get_uint(reader, NAME_BYTES_MAX));
}
static inline struct id get_id(struct reader *reader)
{
    return id_from_bytes(take(reader, 16));
}

/* ---- what few leads have: record_follow.c ------------------------------------------------ */

enum {
    RECORD_FOLLOW_MAX =
        12 * NUMBER_BYTES_MAX + ORDERS_KEPT * (16 + 5 * NUMBER_BYTES_MAX + NAME_BYTES_MAX + WHY_BYTES_MAX)
};
void record_put_follow(const struct follow *follow, int64_t state_us, struct writer *row);
void record_apply_follow(struct lead *lead, struct reader *reader);

/* ---- names --------------------------------------------------------------------------- */

static inline uint32_t programme_by_name(const struct core *core, struct slice name)
{
    for (uint32_t i = 0; i < core->policy.n_programmes && name.len; i++)
        if (slice_is(name, core->policy.programmes[i].name))
            return i;
    return NONE;
}

#endif
