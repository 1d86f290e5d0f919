/* SPDX-License-Identifier: Apache-2.0
 * wire_internal.h - what the files of the codec share; nobody else includes it.
 *
 * A frame passes three gates, each a file: wire_scan.c (a sane protobuf message
 * of our schema?), wire_decode.c (protobuf-c's structs to struct msg, with
 * wire_row.c for the rows of a chunk), wire_check.c (is what it says in range?). wire_encode.c is the way back;
 * it asserts wire_check.c first, so both directions keep one set of rules. */
#ifndef TAKT_PROTO_WIRE_INTERNAL_H
#define TAKT_PROTO_WIRE_INTERNAL_H

#include <protobuf-c/protobuf-c.h>

#include "proto/wire.h"
#include "proto/wire_field.h"

/* A bump allocator with an end: protobuf-c unpacks into it, decoded arrays lie
 * in it, and the next decode starts it anew. What does not fit is NULL. */
struct arena {
    uint8_t *base;
    size_t used, room;
    ProtobufCAllocator allocator; /* the same arena, for protobuf-c */
};

struct wire {
    struct arena frame; /* of wire_decode() */
    struct arena row;   /* of wire_decode_row() */
    uint8_t *out;       /* of wire_encode() */
    const char *why;
    char why_room[160];
};

void *wire_arena_take(struct arena *arena, size_t n, size_t size);
void wire_arena_shrink(struct arena *arena, void *last, size_t size); /* give back all but `size` of the last take */

/* wire_scan.c */
enum scan_verdict {
    SCAN_OK,
    SCAN_DAMAGED,  /* not a message of this schema */
    SCAN_TOO_MANY, /* more elements than the limit */
    SCAN_RANGE,    /* a number too large for its field */
};
struct scan {
    uint64_t session, seq; /* of the frame, if they could be read */
    uint32_t n_fields, n_unknown;
    const char *message, *field, *why; /* where and what, if not SCAN_OK */
};
enum scan_verdict wire_scan_frame(struct slice frame, struct scan *ret_scan);

enum { WIRE_UNKNOWN_MAX = 16 };

/* wire_decode.c: sets kind and body of *ret_msg. Returns NULL, or what is wrong. */
const char *wire_decode_body(struct wire *wire, struct slice bytes, struct msg *ret_msg);

/* wire_row.c */
enum reason wire_row_decode(struct arena *arena, struct slice raw, struct slice source, struct row *ret_row);
enum reason wire_row_decode_part(struct arena *arena, struct slice raw, struct row *ret_row);

/* wire_check.c, besides wire_check_msg() */
enum reason wire_check_row(const struct row *row, bool is_part); /* a part may lack the key */

/* wire_encode.c: the length, 0 when it does not fit. */
size_t wire_encode_msg(const struct msg *msg, uint8_t *to, size_t room);

#endif
