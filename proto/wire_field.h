/* SPDX-License-Identifier: Apache-2.0
 * wire_field.h - one field of a protobuf message as it lies on the wire. Knows no
 * schema and no library: for the scan, for rows, and for the few fields that the
 * rules read of a sealed row. */
#ifndef TAKT_PROTO_WIRE_FIELD_H
#define TAKT_PROTO_WIRE_FIELD_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/slice.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };
struct wire_field {
    uint32_t number;
    uint8_t wire;
    uint64_t value;     /* WIRE_VARINT */
    struct slice bytes; /* the others */
};
bool wire_take_long_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret_value);

/* Inline for the sake of rows: some dozens of calls a row are what its decoding costs. */
static inline bool wire_take_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    if (*at == end || **at >= 0x80)
        return wire_take_long_varint(at, end, ret_value);
    *ret_value = *(*at)++;
    return true;
}

static inline bool wire_take_field(const uint8_t **at, const uint8_t *end, struct wire_field *ret_field)
{
    uint64_t tag, len;
    if (!wire_take_varint(at, end, &tag) || tag > UINT32_MAX || tag >> 3 == 0)
        return false;
    ret_field->number = (uint32_t) (tag >> 3);
    ret_field->wire = tag & 7;
    switch (ret_field->wire) {
    case WIRE_VARINT:
        return wire_take_varint(at, end, &ret_field->value);
    case WIRE_FIXED64:
        len = 8;
        break;
    case WIRE_FIXED32:
        len = 4;
        break;
    case WIRE_BYTES:
        if (!wire_take_varint(at, end, &len))
            return false;
        break;
    default: /* groups */
        return false;
    }
    if (len > (size_t) (end - *at))
        return false;
    ret_field->bytes = slice_of(*at, (size_t) len);
    *at += len;
    return true;
}

#endif
