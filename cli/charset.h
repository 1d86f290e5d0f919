/* SPDX-License-Identifier: Apache-2.0
 * charset.h - ISO 8859-1 to UTF-8. Own, and not iconv(3): a loop without a locale,
 * a handle or a failure of its own. */
#ifndef TAKT_CLI_CHARSET_H
#define TAKT_CLI_CHARSET_H

#include "common/buf.h"

/* Append ISO 8859-1 text as UTF-8. */
void charset_add_latin1(struct buf *to, const uint8_t *at, size_t len);

#endif
