/* SPDX-License-Identifier: Apache-2.0
 * utf8.h - is it UTF-8? Strict: no surrogates, no overlong forms, nothing above
 * U+10FFFF. What a text may hold beyond that is for who asks. */
#ifndef TAKT_COMMON_UTF8_H
#define TAKT_COMMON_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

bool utf8_is_sound(const uint8_t *at, size_t len); /* control characters and NULs are fine */
bool utf8_is_text(const uint8_t *at, size_t len);  /* and none of them is in it */

#endif
