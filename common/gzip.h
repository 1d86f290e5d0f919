/* SPDX-License-Identifier: Apache-2.0
 * gzip.h - long texts made short for a message, and long again. The only code
 * beside the readers of files that knows zlib. */
#ifndef TAKT_COMMON_GZIP_H
#define TAKT_COMMON_GZIP_H

#include <stdbool.h>

#include "common/buf.h"
#include "proto/msg.h"

bool gzip_is(struct slice bytes); /* begins as gzip does, and as no text can */
void gzip_pack(struct slice text, struct buf *ret_packed);

/* Appends the text. False: the bytes are damaged, or it is longer than `most`. */
bool gzip_unpack(struct slice packed, size_t most, struct buf *ret_text);

#endif
