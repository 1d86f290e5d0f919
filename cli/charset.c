/* SPDX-License-Identifier: Apache-2.0
 * charset.c - is it UTF-8, and ISO 8859-1 to UTF-8. See charset.h. */
#include "cli/charset.h"

bool charset_is_utf8(const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len;) {
        uint8_t c = at[i++];
        if (c < 0x80)
            continue;
        unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : 1;
        if (c < 0xc2 || c > 0xf4 || len - i < more)
            return false;
        uint8_t least = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80, most = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
        if (at[i] < least || at[i] > most)
            return false;
        for (unsigned k = 1; k < more; k++)
            if ((at[i + k] & 0xc0) != 0x80)
                return false;
        i += more;
    }
    return true;
}

void charset_add_latin1(struct buf *to, const uint8_t *at, size_t len)
{
    for (size_t i = 0; i < len; i++) { /* its code points are those of Unicode */
        uint8_t two[] = {(uint8_t) (0xc0 | at[i] >> 6), (uint8_t) (0x80 | (at[i] & 0x3f))};
        if (at[i] < 0x80)
            buf_add(to, &at[i], 1);
        else
            buf_add(to, two, 2);
    }
}
