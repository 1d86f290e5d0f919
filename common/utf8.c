/* SPDX-License-Identifier: Apache-2.0
 * utf8.c - see utf8.h. Every text of every message goes through here, and most
 * are plain ASCII: eight bytes at a time. */
#include "common/utf8.h"

#include <string.h>

/* The length of the sequence at `at`; 0: it is none, or a control character where these are not wanted. */
static size_t sequence(const uint8_t *at, size_t room, bool controls)
{
    const uint8_t c = at[0];
    if (c < 0x80)
        return controls || (c >= 0x20 && c != 0x7f);
    if (c < 0xe0) /* below U+00A0 are controls, above overlong forms */
        return c >= 0xc2 && room >= 2 && (at[1] & 0xc0) == 0x80 && (controls || c > 0xc2 || at[1] >= 0xa0) ? 2 : 0;
    if (room < 3 || (at[1] & 0xc0) != 0x80 || (at[2] & 0xc0) != 0x80)
        return 0;
    if (c < 0xf0)
        return (c == 0xe0 && at[1] < 0xa0) || (c == 0xed && at[1] >= 0xa0) ? 0 : 3;
    if (c > 0xf4 || room < 4 || (at[3] & 0xc0) != 0x80)
        return 0;
    return (c == 0xf0 && at[1] < 0x90) || (c == 0xf4 && at[1] >= 0x90) ? 0 : 4;
}

/* Eight bytes that are all plain ASCII, the usual case: high bits, bytes below
 * 0x20 and bytes equal to 0x7f are each found with one subtraction. */
static bool is_plain(const uint8_t *at)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t v;
    memcpy(&v, at, 8);
    return ((v | (v - ones * 0x20) | ((v ^ ones * 0x7f) - ones)) & high) == 0;
}

static bool is_made_of(const uint8_t *at, size_t len, bool controls)
{
    size_t i = 0;
    while (i < len) {
        if (len - i >= 8 && is_plain(at + i)) {
            i += 8;
            continue;
        }
        const size_t n = sequence(at + i, len - i, controls);
        if (n == 0)
            return false;
        i += n;
    }
    return true;
}

bool utf8_is_sound(const uint8_t *at, size_t len)
{
    return is_made_of(at, len, true);
}

bool utf8_is_text(const uint8_t *at, size_t len)
{
    return is_made_of(at, len, false);
}
