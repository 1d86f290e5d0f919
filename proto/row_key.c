/* SPDX-License-Identifier: Apache-2.0
 * row_key.c - the source's own key, out of an encoded Lead that was checked when it
 * came: all that the rules ever read of a sealed row. */
#include "proto/msg.h"

enum { KEY_FIELD = 1, BYTES_WIRE = 2 };

static uint64_t take_varint(const uint8_t **at, const uint8_t *end)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        const uint8_t byte = *(*at)++;
        value |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return value;
}

struct slice row_key(struct slice raw)
{
    static const uint8_t widths[] = {[1] = 8, [5] = 4};
    const uint8_t *at = raw.at, *const end = raw.at + raw.len;
    while (at < end) {
        const uint64_t tag = take_varint(&at, end);
        const unsigned wire = tag & 7;
        uint64_t len = wire < sizeof widths ? widths[wire] : 0;
        if (wire == 0)
            take_varint(&at, end);
        else if (wire == BYTES_WIRE)
            len = take_varint(&at, end);
        if (len > (uint64_t) (end - at))
            break;
        if (tag == (KEY_FIELD << 3 | BYTES_WIRE))
            return len <= KEY_BYTES_MAX ? slice_of(at, len) : slice_of("", 0);
        at += len;
    }
    return slice_of("", 0);
}
