/* SPDX-License-Identifier: Apache-2.0
 * wire.c - the codec itself: its memory, and the order of the gates.
 *
 * Everything is allocated once, in wire_new(): a decode bumps through an arena
 * that ends, and an encode writes into one buffer. Rows of offers have an arena
 * of their own, so that a client can open them while the message stands. */
#include "proto/wire_internal.h"

#include <assert.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    FRAME_ARENA_BYTES = 8 * 1024 * 1024, /* the largest frame within the limits takes half of it */
    ROW_ARENA_BYTES = 4096,              /* its attributes; the texts are where they came in */
    OUT_BYTES = FRAME_BYTES_MAX + 64,    /* lengths are written wide first, see wire_encode.c */
    ALIGNMENT = 8,
};

static void *take(void *arena_p, size_t size)
{
    struct arena *arena = arena_p;
    if (size > arena->room - arena->used)
        return NULL;
    void *at = arena->base + arena->used;
    arena->used += (size + ALIGNMENT - 1) & ~(size_t) (ALIGNMENT - 1); /* room is a multiple of it */
    return at;
}

static void leave(void *arena, void *at)
{
    (void) arena, (void) at; /* the next decode takes all of it back */
}

void *wire_arena_take(struct arena *arena, size_t n, size_t size)
{
    return take(arena, n * size); /* both bounded by the limits of wire_scan.c */
}

void wire_arena_shrink(struct arena *arena, void *last, size_t size)
{
    if (last != NULL)
        arena->used = (size_t) ((uint8_t *) last - arena->base);
    take(arena, last != NULL ? size : 0);
}

static void arena_init(struct arena *arena, size_t room)
{
    arena->base = malloc(room);
    if (arena->base == NULL)
        abort();
    arena->used = 0;
    arena->room = room;
    arena->allocator = (ProtobufCAllocator){.alloc = take, .free = leave, .allocator_data = arena};
}

struct wire *wire_new(void)
{
    struct wire *wire = calloc(1, sizeof *wire);
    if (wire == NULL || sodium_init() < 0) /* picks the fastest BLAKE2b */
        abort();
    arena_init(&wire->frame, FRAME_ARENA_BYTES);
    arena_init(&wire->row, ROW_ARENA_BYTES);
    wire->out = malloc(OUT_BYTES);
    if (wire->out == NULL)
        abort();
    wire->why = "";
    return wire;
}

void wire_destroy(struct wire **wire_p)
{
    struct wire *wire = *wire_p;
    if (wire == NULL)
        return;
    free(wire->frame.base);
    free(wire->row.base);
    free(wire->out);
    free(wire);
    *wire_p = NULL;
}

static enum reason refuse(struct wire *wire, enum reason reason, const char *why)
{
    wire->why = why;
    return reason;
}

static enum reason refuse_scan(struct wire *wire, enum scan_verdict verdict, const struct scan *scan)
{
    snprintf(wire->why_room, sizeof wire->why_room, "%s%s%s: %s", scan->message, scan->field[0] != '\0' ? "." : "",
             scan->field, scan->why);
    return refuse(wire, verdict == SCAN_DAMAGED ? REASON_BAD_FRAME : REASON_BAD_FIELD, wire->why_room);
}

enum reason wire_decode(struct wire *wire, const void *frame, size_t len, struct msg *ret_msg)
{
    struct scan scan;

    ret_msg->session = ret_msg->seq = 0;
    ret_msg->kind = 0;
    wire->why = "";
    wire->frame.used = 0;
    if (len == 0)
        return refuse(wire, REASON_BAD_FRAME, "frame: empty");
    if (len > FRAME_BYTES_MAX)
        return refuse(wire, REASON_FRAME_TOO_LARGE, "frame: over 256 KiB");
    struct slice bytes = slice_of(frame, len);
    enum scan_verdict verdict = wire_scan_frame(bytes, &scan);
    ret_msg->session = scan.session;
    ret_msg->seq = scan.seq;
    if (verdict != SCAN_OK)
        return refuse_scan(wire, verdict, &scan);
    const char *why = wire_decode_body(wire, bytes, ret_msg);
    if (ret_msg->kind == 0)
        return refuse(wire, REASON_BAD_FRAME, why);
    if (why == NULL)
        why = wire_check_msg(ret_msg);
    if (why == NULL)
        return REASON_OK;
    bool other_protocol = ret_msg->kind == MSG_HELLO && ret_msg->hello.protocol != PROTOCOL_VERSION;
    return refuse(wire, other_protocol ? REASON_PROTOCOL_VERSION : REASON_BAD_FIELD, why);
}

const char *wire_why(const struct wire *wire)
{
    return wire->why;
}

bool wire_encode(struct wire *wire, const struct msg *msg, struct slice *ret_frame)
{
    const char *why = wire_check_msg(msg);
    if (why != NULL)
        fprintf(stderr, "wire_encode: %s\n", why); /* the assertion alone would not say which */
    assert(why == NULL);
    size_t len = wire_encode_msg(msg, wire->out, OUT_BYTES);
    if (len == 0 || len > FRAME_BYTES_MAX)
        return false;
    *ret_frame = slice_of(wire->out, len);
    return true;
}

enum reason wire_decode_row(struct wire *wire, struct slice raw, struct slice source, struct row *ret_row)
{
    wire->row.used = 0;
    return wire_row_decode(&wire->row, raw, source, ret_row);
}

enum reason wire_decode_part(struct wire *wire, struct slice raw, struct row *ret_row)
{
    wire->row.used = 0;
    return wire_row_decode_part(&wire->row, raw, ret_row);
}
