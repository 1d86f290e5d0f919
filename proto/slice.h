/* SPDX-License-Identifier: Apache-2.0
 * slice.h - bytes that lie somewhere else: borrowed, never freed, not terminated.
 * A name out of a message is one until somebody keeps it. */
#ifndef TAKT_PROTO_SLICE_H
#define TAKT_PROTO_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *at;
    uint32_t len;
};

static inline struct slice slice_of(const void *at, size_t len)
{
    return (struct slice){at, (uint32_t) len};
}

static inline bool slice_is(struct slice slice, const char *text)
{
    return slice.len == strlen(text) && (slice.len == 0 || memcmp(slice.at, text, slice.len) == 0);
}

#endif
