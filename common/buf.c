/* SPDX-License-Identifier: Apache-2.0
 * buf.c - a growing byte buffer: log bodies, reports, lines of text.
 *
 * It doubles and never shrinks, so a buffer kept over many beats stops calling
 * the allocator after the largest one. Short memory aborts: every table here is
 * bounded, so it means a wrong limit, not a busy day. */
#include "common/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 256 };

static void reserve(struct buf *buf, size_t len)
{
    assert(len <= SIZE_MAX / 4 - buf->len);
    size_t need = buf->len + len;
    if (need <= buf->room)
        return;
    size_t room = buf->room > 0 ? buf->room : FIRST_ROOM;
    while (room < need)
        room *= 2;
    uint8_t *at = realloc(buf->at, room);
    if (at == NULL)
        abort();
    buf->at = at;
    buf->room = room;
}

void buf_fini(struct buf *buf)
{
    free(buf->at);
    *buf = (struct buf){0};
}

uint8_t *buf_more(struct buf *buf, size_t len)
{
    reserve(buf, len);
    uint8_t *at = buf->at + buf->len;
    buf->len += len;
    return at;
}

void buf_add(struct buf *buf, const void *bytes, size_t len)
{
    if (len > 0)
        memcpy(buf_more(buf, len), bytes, len);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    assert(len >= 0);
    reserve(buf, (size_t) len + 1); /* vsnprintf ends with a NUL, which is not counted in */
    vsnprintf((char *) buf->at + buf->len, (size_t) len + 1, format, again);
    va_end(again);
    va_end(args);
    buf->len += (size_t) len;
}
