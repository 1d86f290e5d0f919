/* SPDX-License-Identifier: Apache-2.0
 * wire_bytes.c - protobuf by hand, for tests: a tag, a number or bytes, and
 * nothing that would keep a test from writing nonsense. */
#include "tests/lib/wire_bytes.h"

static void put_varint(struct buf *buf, uint64_t value)
{
    for (; value >= 0x80; value >>= 7)
        *buf_more(buf, 1) = (uint8_t) (value | 0x80);
    *buf_more(buf, 1) = (uint8_t) value;
}

void wire_bytes_put(struct buf *buf, uint32_t field, unsigned wire_type, uint64_t value)
{
    put_varint(buf, field << 3 | wire_type);
    put_varint(buf, value);
}

void wire_bytes_add(struct buf *buf, uint32_t field, const void *at, size_t len)
{
    wire_bytes_put(buf, field, PUT_BYTES, len);
    buf_add(buf, at, len);
}

enum reason wire_bytes_decode(struct wire *wire, enum msg_kind kind, struct buf *body)
{
    struct msg msg;
    struct buf frame = {0};
    wire_bytes_add(&frame, kind, body->at, body->len);
    enum reason reason = wire_decode(wire, frame.at, frame.len, &msg);
    buf_fini(&frame);
    buf_fini(body);
    return reason;
}
