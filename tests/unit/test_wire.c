/* SPDX-License-Identifier: Apache-2.0
 * test_wire.c - frames: what goes round, and what is refused and why.
 *
 * protobuf-c's own view of the schema is the second opinion on what the
 * hand-written encoder says. test_wire_limits.c has the limits, test_wire_check.c
 * the rules of each message, test_wire_row.c the rows of a chunk. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "proto/wire_internal.h"
#include "takt.pb-c.h"
#include "tests/lib/wire_samples.h"

static struct wire *wire;
static uint8_t bytes[2 * FRAME_BYTES_MAX];

static int setup(void **state)
{
    (void) state;
    wire = wire_new();
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    wire_destroy(&wire);
    assert_null(wire);
    wire_destroy(&wire); /* twice is fine */
    return 0;
}

static enum reason decode_plain(const void *frame, size_t len)
{
    struct msg msg;
    return wire_decode(wire, frame, len, &msg);
}

#define DECODE_STRING(frame) decode_plain(frame, sizeof(frame) - 1)

/* ---- round trips ----------------------------------------------------------- */

static void test_every_kind_comes_back_as_it_went(void **state)
{
    (void) state;
    for (unsigned i = 0; wire_sample(i) != NULL; i++) {
        const struct msg *msg = wire_sample(i);
        struct msg back;
        struct slice frame;
        assert_true(wire_encode(wire, msg, &frame));
        uint32_t len = frame.len;
        memcpy(bytes, frame.at, len);
        assert_int_equal(wire_decode(wire, bytes, len, &back), REASON_OK);
        assert_string_equal(wire_why(wire), "");
        assert_int_equal(back.kind, msg->kind);
        assert_true(back.session == msg->session && back.seq == msg->seq);
        assert_true(wire_encode(wire, &back, &frame));
        assert_int_equal(frame.len, len);
        assert_memory_equal(frame.at, bytes, len);
    }
}

/* A bit for each field of each message type that was seen to be there. */
struct coverage {
    const ProtobufCMessageDescriptor *type[64];
    uint32_t fields[64];
    unsigned n;
};

static uint32_t *fields_of(struct coverage *coverage, const ProtobufCMessageDescriptor *type)
{
    unsigned i = 0;
    while (i < coverage->n && coverage->type[i] != type)
        i++;
    if (i == coverage->n)
        coverage->type[coverage->n++] = type;
    return &coverage->fields[i];
}

static void cover(struct coverage *coverage, const ProtobufCMessage *message)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    uint32_t *fields = fields_of(coverage, type);
    assert_int_equal(message->n_unknown_fields, 0);
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        const void *quantifier = (const uint8_t *) message + field->quantifier_offset;
        const void *value = (const uint8_t *) message + field->offset;
        bool is_message = field->type == PROTOBUF_C_TYPE_MESSAGE;
        size_t n = 0;
        if (field->label == PROTOBUF_C_LABEL_REPEATED)
            n = *(const size_t *) quantifier;
        else if (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF)
            n = *(const uint32_t *) quantifier == field->id;
        else if (is_message)
            n = *(ProtobufCMessage *const *) value != NULL;
        else
            n = *(const protobuf_c_boolean *) quantifier != 0;
        if (n > 0)
            *fields |= 1u << i;
        if (!is_message || n == 0)
            continue;
        if (field->label != PROTOBUF_C_LABEL_REPEATED)
            cover(coverage, *(ProtobufCMessage *const *) value);
        for (size_t k = 0; field->label == PROTOBUF_C_LABEL_REPEATED && k < n; k++)
            cover(coverage, (*(ProtobufCMessage *const *const *) value)[k]);
    }
}

static void cover_and_repack(struct coverage *coverage, const ProtobufCMessageDescriptor *type, struct slice packed)
{
    ProtobufCMessage *message = protobuf_c_message_unpack(type, NULL, packed.len, packed.at);
    assert_non_null(message);
    cover(coverage, message);
    assert_int_equal(protobuf_c_message_get_packed_size(message), packed.len);
    uint8_t *again = malloc(packed.len + 1);
    protobuf_c_message_pack(message, again);
    assert_memory_equal(again, packed.at, packed.len);
    free(again);
    protobuf_c_message_free_unpacked(message, NULL);
}

static void test_the_encoder_writes_every_field_of_the_schema_as_protobuf_c_would(void **state)
{
    struct coverage coverage = {0};
    (void) state;
    for (unsigned i = 0; wire_sample(i) != NULL; i++) {
        const struct msg *msg = wire_sample(i);
        struct slice frame;
        assert_true(wire_encode(wire, msg, &frame));
        cover_and_repack(&coverage, &wire__frame__descriptor, frame);
        for (uint32_t k = 0; msg->kind == MSG_CHUNK && k < msg->chunk.n_rows; k++) {
            size_t len = wire_encode_row(&msg->chunk.rows[k], bytes, ROW_BYTES_MAX);
            cover_and_repack(&coverage, &wire__lead__descriptor, slice_of(bytes, len));
        }
    }
    for (unsigned i = 0; i < coverage.n; i++)
        for (unsigned k = 0; k < coverage.type[i]->n_fields; k++)
            if ((coverage.fields[i] & 1u << k) == 0)
                fail_msg("no sample has %s.%s", coverage.type[i]->name, coverage.type[i]->fields[k].name);
}

static unsigned depth_of(const ProtobufCMessageDescriptor *type, unsigned above)
{
    unsigned deepest = 1;
    assert_in_range(above, 0, 3); /* the scan lets four levels pass; without an end it would be recursive */
    for (unsigned i = 0; i < type->n_fields; i++)
        if (type->fields[i].type == PROTOBUF_C_TYPE_MESSAGE) {
            unsigned depth = 1 + depth_of(type->fields[i].descriptor, above + 1);
            deepest = depth > deepest ? depth : deepest;
        }
    return deepest;
}

static void test_no_message_of_the_schema_contains_itself(void **state)
{
    (void) state;
    assert_int_equal(depth_of(&wire__frame__descriptor, 0), 3);
    assert_int_equal(depth_of(&wire__lead__descriptor, 0), 2);
}

/* ---- damage ------------------------------------------------------------------ */

static void test_a_frame_cut_anywhere_is_refused(void **state)
{
    (void) state;
    for (unsigned i = 0; wire_sample(i) != NULL; i++) {
        struct slice frame;
        assert_true(wire_encode(wire, wire_sample(i), &frame));
        for (uint32_t len = 0; len < frame.len; len++) {
            uint8_t *cut = malloc(len > 0 ? len : 1); /* its own block, so that a sanitizer sees one byte too far */
            memcpy(cut, frame.at, len);
            assert_int_equal(decode_plain(cut, len), REASON_BAD_FRAME);
            free(cut);
        }
    }
}

static void test_a_frame_with_any_byte_changed_is_refused_or_still_goes_round(void **state)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff, 0x07};
    (void) state;
    for (unsigned i = 0; wire_sample(i) != NULL; i++) {
        struct slice frame;
        assert_true(wire_encode(wire, wire_sample(i), &frame));
        uint32_t len = frame.len;
        memcpy(bytes, frame.at, len);
        for (uint32_t at = 0; at < len * sizeof changes; at++) {
            struct msg msg;
            bytes[at / sizeof changes] ^= changes[at % sizeof changes];
            if (wire_decode(wire, bytes, len, &msg) == REASON_OK)
                assert_true(wire_encode(wire, &msg, &frame));
            else
                assert_string_not_equal(wire_why(wire), "");
            bytes[at / sizeof changes] ^= changes[at % sizeof changes];
        }
    }
}

static void test_what_is_not_a_frame_of_this_schema_is_refused(void **state)
{
    (void) state;
    assert_int_equal(decode_plain(NULL, 0), REASON_BAD_FRAME);
    assert_int_equal(DECODE_STRING("\x62\x00"), REASON_OK);        /* a heartbeat alone */
    assert_int_equal(DECODE_STRING("\x10\x01"), REASON_BAD_FRAME); /* no message */
    assert_string_equal(wire_why(wire), "frame: no message in it");
    assert_int_equal(DECODE_STRING("\x62\x00\x62\x00"), REASON_BAD_FRAME); /* twice */
    assert_string_equal(wire_why(wire), "Frame.heartbeat: more than once");
    assert_int_equal(DECODE_STRING("\x62\x00\x72\x00"), REASON_BAD_FRAME); /* heartbeat and bye */
    assert_string_equal(wire_why(wire), "Frame.bye: more than once");
    assert_int_equal(DECODE_STRING("\x10\x01\x10\x01\x62\x00"), REASON_BAD_FRAME);
    assert_string_equal(wire_why(wire), "Frame.seq: more than once");
    assert_int_equal(DECODE_STRING("\x08\x01\x62\x00"), REASON_BAD_FRAME); /* session as a varint */
    assert_string_equal(wire_why(wire), "Frame.session: not encoded as the schema says");
    assert_int_equal(DECODE_STRING("\x60\x00"), REASON_BAD_FRAME);         /* heartbeat as a varint */
    assert_int_equal(DECODE_STRING("\x62\x00\x02\x00"), REASON_BAD_FRAME); /* field 0 */
    assert_string_equal(wire_why(wire), "Frame: not a protobuf message");
    assert_int_equal(DECODE_STRING("\x63\x64\x62\x00"), REASON_BAD_FRAME); /* a group */
    assert_int_equal(DECODE_STRING("\x62\x00\x87\x01"), REASON_BAD_FRAME); /* wire type 7 */
    assert_int_equal(DECODE_STRING("\x62\x01"), REASON_BAD_FRAME);         /* one byte missing */
    assert_int_equal(DECODE_STRING("\x62\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), REASON_BAD_FRAME); /* length -1 */
    assert_int_equal(DECODE_STRING("\x62\xff\xff\xff\xff\x0f"), REASON_BAD_FRAME);
    assert_int_equal(DECODE_STRING("\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02\x62\x00"), REASON_BAD_FRAME);
    assert_int_equal(DECODE_STRING("\x10\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x01\x62\x00"), REASON_BAD_FRAME);
}

static void test_session_and_seq_are_known_when_the_rest_is_damaged(void **state)
{
    static const char frame[] = "\x09\x01\x02\x03\x04\x05\x06\x07\x08\x10\x2a\x52\x01";
    struct msg msg;
    (void) state;
    assert_int_equal(wire_decode(wire, frame, sizeof frame - 1, &msg), REASON_BAD_FRAME);
    assert_true(msg.session == UINT64_C(0x0807060504030201));
    assert_int_equal(msg.seq, 42);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind_comes_back_as_it_went),
        cmocka_unit_test(test_the_encoder_writes_every_field_of_the_schema_as_protobuf_c_would),
        cmocka_unit_test(test_no_message_of_the_schema_contains_itself),
        cmocka_unit_test(test_a_frame_cut_anywhere_is_refused),
        cmocka_unit_test(test_a_frame_with_any_byte_changed_is_refused_or_still_goes_round),
        cmocka_unit_test(test_what_is_not_a_frame_of_this_schema_is_refused),
        cmocka_unit_test(test_session_and_seq_are_known_when_the_rest_is_damaged),
    };
    return cmocka_run_group_tests_name("wire", tests, setup, teardown);
}
