/* SPDX-License-Identifier: Apache-2.0
 * charset.h - is it UTF-8, and ISO 8859-1 to UTF-8. Own, and not iconv(3): two
 * loops without a locale, a handle or a failure of their own. */
#ifndef TAKT_CLI_CHARSET_H
#define TAKT_CLI_CHARSET_H

#include <stdbool.h>

#include "common/buf.h"

/* Strict: no surrogates, no overlong forms, nothing above U+10FFFF. NULs are fine. */
bool charset_is_utf8(const uint8_t *at, size_t len);

/* Append ISO 8859-1 text as UTF-8. */
void charset_add_latin1(struct buf *to, const uint8_t *at, size_t len);

#endif
