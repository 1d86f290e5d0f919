/* SPDX-License-Identifier: Apache-2.0
 * wire_field.c - see wire_field.h. */
#include "proto/wire_field.h"

bool wire_take_long_varint(const uint8_t **at, const uint8_t *end, uint64_t *ret_value)
{
    const uint8_t *p = *at;
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && p < end; shift += 7) {
        uint8_t byte = *p++;
        if (shift == 63 && byte > 1)
            return false;
        value |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80) {
            *at = p;
            *ret_value = value;
            return true;
        }
    }
    return false;
}
