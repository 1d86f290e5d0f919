/* SPDX-License-Identifier: Apache-2.0
 * record_bytes.h - the bytes of rows: what record.c and record_lead.c write and
 * read with. A reader that runs past the end turns bad and reads zeros. */
#ifndef TAKT_CORE_RECORD_BYTES_H
#define TAKT_CORE_RECORD_BYTES_H

#include <string.h>

#include "core/core_private.h"

enum { RECORD_VERSION = 1, ROW_HEAD = 6 };

/* ---- bytes ------------------------------------------------------------------------- */

#define PUTTER(name, type)                                                                                             \
    static inline void put_##name(struct buf *buf, type value)                                                         \
    {                                                                                                                  \
        memcpy(buf_more(buf, sizeof value), &value, sizeof value);                                                     \
    }
PUTTER(u8, uint8_t)
PUTTER(u16, uint16_t)
PUTTER(u32, uint32_t)
PUTTER(u64, uint64_t)
PUTTER(i64, int64_t)
PUTTER(f64, double)

static inline void put_text(struct buf *buf, const char *text)
{
    const size_t len = strlen(text);
    assert(len <= UINT8_MAX);
    put_u8(buf, (uint8_t) len);
    buf_add(buf, text, len);
}

static inline void put_id(struct buf *buf, struct id id)
{
    id_to_bytes(id, buf_more(buf, 16));
}

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

#define GETTER(name, type)                                                                                             \
    static inline type get_##name(struct reader *reader)                                                               \
    {                                                                                                                  \
        type value;                                                                                                    \
        memcpy(&value, take(reader, sizeof value), sizeof value);                                                      \
        return value;                                                                                                  \
    }
GETTER(u8, uint8_t)
GETTER(u16, uint16_t)
GETTER(u32, uint32_t)
GETTER(u64, uint64_t)
GETTER(i64, int64_t)
GETTER(f64, double)

static inline struct slice get_slice(struct reader *reader, uint32_t len)
{
    const uint8_t *at = take(reader, len);
    return reader->bad ? (struct slice){0} : slice_of(at, len);
}

static inline struct slice get_text(struct reader *reader)
{
    return get_slice(reader, get_u8(reader));
}
static inline struct id get_id(struct reader *reader)
{
    return id_from_bytes(take(reader, 16));
}

static inline bool same(struct slice slice, const char *text)
{
    return slice.at && strlen(text) == slice.len && memcmp(text, slice.at, slice.len) == 0;
}

/* ---- rows ------------------------------------------------------------------------------ */

static inline size_t row_begin(struct buf *body, enum row_type type, const void *key, size_t key_len)
{
    const size_t at = body->len;
    put_u8(body, (uint8_t) type);
    put_u32(body, 0);
    put_u8(body, (uint8_t) key_len);
    buf_add(body, key, key_len);
    put_u8(body, RECORD_VERSION);
    return at;
}

static inline void row_end(struct buf *body, size_t at)
{
    const uint32_t length = (uint32_t) (body->len - at - 5);
    memcpy(body->at + at + 1, &length, sizeof length);
}

static inline size_t row_begin_id(struct buf *body, enum row_type type, struct id id)
{
    uint8_t key[16];
    id_to_bytes(id, key);
    return row_begin(body, type, key, sizeof key);
}

static inline uint32_t programme_by_name(const struct core *core, struct slice name)
{
    for (uint32_t i = 0; i < core->policy.n_programmes; i++)
        if (same(name, core->policy.programmes[i].name))
            return i;
    return NONE;
}

static inline uint32_t team_by_name(const struct core *core, struct slice name)
{
    for (uint32_t i = 0; i < core->policy.n_teams; i++)
        if (same(name, core->policy.teams[i].name))
            return i;
    return NONE;
}

#endif
