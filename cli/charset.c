/* SPDX-License-Identifier: Apache-2.0
 * charset.c - ISO 8859-1 to UTF-8. See charset.h. */
#include "cli/charset.h"

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
