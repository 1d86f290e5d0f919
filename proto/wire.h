/* SPDX-License-Identifier: Apache-2.0
 * wire.h - frames to messages and back: the only code that knows protobuf-c.
 *
 * Decoding, in this order: frame size, pre-scan (depth, counts, duplicates of
 * singular fields, unknown fields), capped arena unpack, field checks (UTF-8,
 * lengths, ranges). What comes out is in range and complete; nothing behind it
 * checks again. A bad row of a chunk is marked in row.reject and does not fail
 * the frame; anything else bad does. */
#ifndef TAKT_PROTO_WIRE_H
#define TAKT_PROTO_WIRE_H

#include "proto/msg.h"

struct wire; /* a codec: its arena and scratch; one a thread */

struct wire *wire_new(void);
void wire_destroy(struct wire **wire_p);

/* Decode `len` bytes into *ret_msg, which borrows from the bytes and from
 * `wire` until the next decode. Returns REASON_OK, or BAD_FRAME,
 * FRAME_TOO_LARGE, BAD_FIELD, PROTOCOL_VERSION with *ret_msg holding session and
 * seq if they could be read (else 0), and wire_why() saying what was wrong. */
enum reason wire_decode(struct wire *wire, const void *frame, size_t len, struct msg *ret_msg);
const char *wire_why(const struct wire *wire); /* static or owned by wire; never holds contents */

/* Encode into a buffer owned by `wire`, valid until the next encode. Asserts on
 * a message that the decoder would refuse, except for its size: returns false,
 * and nothing, when the frame would be over FRAME_BYTES_MAX. A row of a chunk goes
 * as its raw bytes if it has them, else it is encoded from its fields; it is the
 * one thing that may be bad, for its receiver judges it by itself. */
bool wire_encode(struct wire *wire, const struct msg *msg, struct slice *ret_frame);

/* NULL, or what a decoder would refuse in `msg`: static text, never contents. For
 * what somebody else wrote, before it is encoded. */
const char *wire_check_msg(const struct msg *msg);

/* One encoded Lead, as in struct offer.row. *ret_row borrows from `raw`, and from
 * `wire` until the next wire_decode_row(); a decoded message stays as it is.
 * `source` is needed for the lead id; an empty one leaves row.lead none. */
enum reason wire_decode_row(struct wire *wire, struct slice raw, struct slice source, struct row *ret_row);
/* The same of an offer that shows only a part, which has no key and may be empty. */
enum reason wire_decode_part(struct wire *wire, struct slice raw, struct row *ret_row);

/* Encode a row's fields (all but raw, reject, lead) into the buffer at `to`.
 * Returns its length, 0 when it would be over `room` bytes. */
size_t wire_encode_row(const struct row *row, uint8_t *to, size_t room);

#endif
