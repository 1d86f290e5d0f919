/* SPDX-License-Identifier: Apache-2.0
 * buf.h - a growing byte buffer. Aborts when memory is short. */
#ifndef TAKT_COMMON_BUF_H
#define TAKT_COMMON_BUF_H

#include <stddef.h>
#include <stdint.h>

struct buf { /* zero-initialise; buf_fini() frees */
    uint8_t *at;
    size_t len, room;
};

void buf_fini(struct buf *buf);
uint8_t *buf_more(struct buf *buf, size_t len); /* room for len more at the end, counted in */
void buf_add(struct buf *buf, const void *bytes, size_t len);
void buf_printf(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
