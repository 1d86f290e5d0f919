/* SPDX-License-Identifier: Apache-2.0
 * wire_pen.h - protobuf's elements, written one after another into a frame of
 * limited room. For wire_encode.c alone; here so that what a message is made of
 * and what messages there are can be read apart. */
#ifndef TAKT_PROTO_WIRE_PEN_H
#define TAKT_PROTO_WIRE_PEN_H

#include <endian.h>
#include <string.h>

#include "proto/wire_internal.h"

enum { VARINT = 0, FIXED64 = 1, BYTES = 2 };
enum { LENGTH_BYTES = 3 }; /* three times seven bits: any length within a frame */

struct pen {
    uint8_t *at, *end;
    bool full; /* something did not fit: nothing more is written */
};

static inline bool has_room(struct pen *pen, size_t len)
{
    if ((size_t) (pen->end - pen->at) < len)
        pen->full = true;
    return !pen->full;
}

static inline unsigned varint_len(uint64_t value)
{
    return (63 - (unsigned) __builtin_clzll(value | 1)) / 7 + 1;
}

static inline void put_varint(struct pen *pen, uint64_t value)
{
    if (!has_room(pen, varint_len(value)))
        return;
    while (value >= 0x80) {
        *pen->at++ = (uint8_t) (value | 0x80);
        value >>= 7;
    }
    *pen->at++ = (uint8_t) value;
}

static inline uint64_t zigzag(int64_t value)
{
    return (uint64_t) value << 1 ^ (value < 0 ? UINT64_MAX : 0);
}

static inline void put_tag(struct pen *pen, uint32_t field, unsigned wire)
{
    put_varint(pen, field << 3 | wire);
}

static inline void put_uint(struct pen *pen, uint32_t field, uint64_t value)
{
    if (value == 0)
        return;
    put_tag(pen, field, VARINT);
    put_varint(pen, value);
}

static inline void put_sint(struct pen *pen, uint32_t field, int64_t value)
{
    put_uint(pen, field, zigzag(value));
}

static inline void put_plain(struct pen *pen, const void *bytes, size_t len)
{
    if (len == 0 || !has_room(pen, len))
        return;
    memcpy(pen->at, bytes, len);
    pen->at += len;
}

static inline void put_plain32(struct pen *pen, uint32_t value)
{
    uint32_t little = htole32(value);
    put_plain(pen, &little, sizeof little);
}

static inline void put_plain64(struct pen *pen, uint64_t value)
{
    uint64_t little = htole64(value);
    put_plain(pen, &little, sizeof little);
}

static inline void put_fixed64(struct pen *pen, uint32_t field, uint64_t value)
{
    if (value == 0)
        return;
    put_tag(pen, field, FIXED64);
    put_plain64(pen, value);
}

/* An element of a list, or a text whose presence means something: also when empty. */
static inline void put_element(struct pen *pen, uint32_t field, struct slice bytes)
{
    put_tag(pen, field, BYTES);
    put_varint(pen, bytes.len);
    put_plain(pen, bytes.at, bytes.len);
}

static inline void put_bytes(struct pen *pen, uint32_t field, struct slice bytes)
{
    if (bytes.len > 0)
        put_element(pen, field, bytes);
}

static inline void put_id(struct pen *pen, uint32_t field, struct id id)
{
    uint8_t bytes[16];
    if (id_is_none(id))
        return;
    id_to_bytes(id, bytes);
    put_element(pen, field, slice_of(bytes, sizeof bytes));
}

/* A message or a packed column, whose length is known only at its end: three
 * bytes are kept for the length, and the rest moves up when it takes fewer. */
static inline uint8_t *begin(struct pen *pen, uint32_t field)
{
    put_tag(pen, field, BYTES);
    if (has_room(pen, LENGTH_BYTES))
        pen->at += LENGTH_BYTES;
    return pen->at;
}

static inline void end(struct pen *pen, uint8_t *from)
{
    if (pen->full)
        return;
    size_t len = (size_t) (pen->at - from);
    unsigned n = varint_len(len);
    if (n < LENGTH_BYTES)
        memmove(from - LENGTH_BYTES + n, from, len);
    pen->at = from - LENGTH_BYTES;
    put_varint(pen, len);
    pen->at += len;
}

#endif
