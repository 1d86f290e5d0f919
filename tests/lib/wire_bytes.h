/* SPDX-License-Identifier: Apache-2.0
 * wire_bytes.h - frames put together byte by byte, to say what the encoder never
 * would: fields twice, numbers too large, lists too long. */
#ifndef TAKT_TESTS_LIB_WIRE_BYTES_H
#define TAKT_TESTS_LIB_WIRE_BYTES_H

#include "common/buf.h"
#include "proto/wire.h"

enum { PUT_VARINT = 0, PUT_BYTES = 2 };

void wire_bytes_put(struct buf *buf, uint32_t field, unsigned wire_type, uint64_t value);
void wire_bytes_add(struct buf *buf, uint32_t field, const void *at, size_t len);

/* Decodes a frame whose message, of this kind, has `body`; frees and clears the body. */
enum reason wire_bytes_decode(struct wire *wire, enum msg_kind kind, struct buf *body);

#endif
