/* SPDX-License-Identifier: Apache-2.0
 * wire_scan.c - the first look at bytes from outside, before anything is
 * allocated for them.
 *
 * protobuf-c by itself lets 256 KiB of empty sub-messages become megabytes,
 * takes the last of two equal fields, cuts large numbers down and follows any
 * nesting. So the bytes are walked once along the schema's own descriptors, and
 * only what is bounded, unambiguous and in range is unpacked. The walk knows no
 * message by name: a new field is covered as soon as it is in takt.proto, and a
 * new repeated one only lacks its line in `limits`. Rows of a chunk are bytes
 * here; wire_row.c looks into them with the same care. */
#include "proto/wire_internal.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

#include "takt.pb-c.h"

enum {
    DEPTH_MAX = 4,
    FIELDS_MAX = 65536, /* in one frame; the densest frame within the limits below has fewer */
    MESSAGE_FIELDS_MAX = 32,
};

/* How many elements each repeated field may have. */
static const struct limit {
    const ProtobufCMessageDescriptor *type;
    uint32_t field, max;
} limits[] = {
    {&wire__chunk__descriptor, 5, CHUNK_ROWS_MAX},
    {&wire__agent_says__descriptor, 1, ACTS_MAX},
    {&wire__agent_hears__descriptor, 1, HEARS_ITEMS_MAX},
    {&wire__agent_hears__descriptor, 2, HEARS_ITEMS_MAX},
    {&wire__agent_hears__descriptor, 3, HEARS_ITEMS_MAX},
    {&wire__agent_hears__descriptor, 5, CANDIDATES_MAX},
    {&wire__receipt__descriptor, 7, CHUNK_ROWS_MAX},
    {&wire__receipt__descriptor, 8, CHUNK_ROWS_MAX},
    {&wire__request__descriptor, 9, REQUEST_AGENTS_MAX},
    {&wire__request__descriptor, 10, REQUEST_EXCLUDED_MAX},
    {&wire__request__descriptor, 20, REQUEST_LEADS_MAX},
    {&wire__request__descriptor, 21, REQUEST_LEADS_MAX},
    {&wire__request__descriptor, 22, REQUEST_LEADS_MAX},
    {&wire__request__descriptor, 23, REQUEST_LEADS_MAX},
    {&wire__request__descriptor, 24, REQUEST_LEADS_MAX},
    {&wire__request__descriptor, 25, REQUEST_LEADS_MAX},
    {&wire__request__descriptor, 26, REQUEST_LEADS_MAX *ROW_ATTRIBUTES_MAX},
    {&wire__request__descriptor, 27, REQUEST_LEADS_MAX *ROW_ATTRIBUTES_MAX},
    {&wire__request_agent__descriptor, 8, SKILLS_MAX},
    {&wire__decision__descriptor, 3, REQUEST_LEADS_MAX},
    {&wire__decision__descriptor, 4, REQUEST_LEADS_MAX},
    {&wire__decision__descriptor, 5, REQUEST_LEADS_MAX},
    {&wire__decision__descriptor, 6, REQUEST_LEADS_MAX},
    {&wire__hello__descriptor, 7, SKILLS_MAX},
    {&wire__report__descriptor, 3, REPORT_COLUMNS_MAX},
    {&wire__report__descriptor, 4, REPORT_CELLS_MAX},
};

/* How each type of the schema lies on the wire, and the largest number it takes. */
static const struct type {
    bool known;
    uint8_t wire, width;
    uint64_t max;
} types[] = {
    [PROTOBUF_C_TYPE_UINT32] = {true, WIRE_VARINT, 0, UINT32_MAX},
    [PROTOBUF_C_TYPE_SINT32] = {true, WIRE_VARINT, 0, UINT32_MAX}, /* zigzag */
    [PROTOBUF_C_TYPE_UINT64] = {true, WIRE_VARINT, 0, UINT64_MAX},
    [PROTOBUF_C_TYPE_SINT64] = {true, WIRE_VARINT, 0, UINT64_MAX},
    [PROTOBUF_C_TYPE_ENUM] = {true, WIRE_VARINT, 0, INT32_MAX},
    [PROTOBUF_C_TYPE_BOOL] = {true, WIRE_VARINT, 0, 1},
    [PROTOBUF_C_TYPE_FIXED32] = {true, WIRE_FIXED32, 4, 0},
    [PROTOBUF_C_TYPE_FIXED64] = {true, WIRE_FIXED64, 8, 0},
    [PROTOBUF_C_TYPE_SFIXED64] = {true, WIRE_FIXED64, 8, 0},
    [PROTOBUF_C_TYPE_BYTES] = {true, WIRE_BYTES, 0, 0},
    [PROTOBUF_C_TYPE_MESSAGE] = {true, WIRE_BYTES, 0, 0},
};

struct counts { /* of one message while it is walked */
    uint32_t n[MESSAGE_FIELDS_MAX];
    bool oneof_seen, repeated_seen;
};

static enum scan_verdict refuse(struct scan *scan, enum scan_verdict verdict, const char *field, const char *why)
{
    if (scan->why == NULL) {
        scan->field = field;
        scan->why = why;
    }
    return verdict;
}

/* The elements of a packed field, each checked. */
static enum scan_verdict scan_packed(const struct type *type, const struct wire_field *field, uint32_t *count)
{
    if (type->width > 0) {
        *count += (uint32_t) (field->bytes.len / type->width);
        return field->bytes.len % type->width == 0 ? SCAN_OK : SCAN_DAMAGED;
    }
    const uint8_t *at = field->bytes.at, *end = at + field->bytes.len;
    while (at < end) {
        uint64_t value;
        if (!wire_take_varint(&at, end, &value))
            return SCAN_DAMAGED;
        if (value > type->max)
            return SCAN_RANGE;
        ++*count;
    }
    return SCAN_OK;
}

static enum scan_verdict scan_message(struct scan *scan, const ProtobufCMessageDescriptor *type, struct slice bytes,
                                      unsigned depth);

static enum scan_verdict scan_value(struct scan *scan, const ProtobufCFieldDescriptor *known,
                                    const struct wire_field *field, unsigned depth, uint32_t *count)
{
    const struct type *type = &types[known->type];
    assert(type->known);
    if (known->label == PROTOBUF_C_LABEL_REPEATED && type->wire != WIRE_BYTES && field->wire == WIRE_BYTES)
        return scan_packed(type, field, count);
    if (field->wire != type->wire)
        return SCAN_DAMAGED;
    ++*count;
    if (type->wire == WIRE_VARINT && field->value > type->max)
        return SCAN_RANGE;
    if (known->type == PROTOBUF_C_TYPE_MESSAGE)
        return scan_message(scan, known->descriptor, field->bytes, depth + 1);
    return SCAN_OK;
}

/* The refusal of a frame names it, so these are kept even if the rest is damaged. */
static void note_envelope(struct scan *scan, const struct wire_field *field)
{
    if (field->number == 1) {
        assert(field->bytes.at != NULL); /* a fixed64, as was checked */
        memcpy(&scan->session, field->bytes.at, sizeof scan->session);
        scan->session = le64toh(scan->session);
    } else if (field->number == 2) {
        scan->seq = field->value;
    }
}

/* Our messages number their fields from 1 without a gap, mostly: then there is nothing to search. */
static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessageDescriptor *type, uint32_t number)
{
    if (number <= type->n_fields && type->fields[number - 1].id == number) /* no field has the number 0 */
        return &type->fields[number - 1];
    return protobuf_c_message_descriptor_get_field(type, number);
}

static enum scan_verdict scan_field(struct scan *scan, const ProtobufCMessageDescriptor *type,
                                    const struct wire_field *field, unsigned depth, struct counts *counts)
{
    const ProtobufCFieldDescriptor *known = field_of(type, field->number);
    if (known == NULL) {
        if (++scan->n_unknown > WIRE_UNKNOWN_MAX)
            return refuse(scan, SCAN_TOO_MANY, "", "too many unknown fields");
        return SCAN_OK;
    }
    uint32_t *count = &counts->n[known - type->fields];
    bool repeated = known->label == PROTOBUF_C_LABEL_REPEATED;
    bool oneof = (known->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
    if ((!repeated && *count > 0) || (oneof && counts->oneof_seen))
        return refuse(scan, SCAN_DAMAGED, known->name, "more than once");
    counts->oneof_seen |= oneof;
    counts->repeated_seen |= repeated;
    enum scan_verdict verdict = scan_value(scan, known, field, depth, count);
    if (verdict == SCAN_RANGE)
        return refuse(scan, verdict, known->name, "number too large for its type");
    if (verdict != SCAN_OK)
        return refuse(scan, verdict, known->name, "not encoded as the schema says");
    if (type == &wire__frame__descriptor)
        note_envelope(scan, field);
    return SCAN_OK;
}

static uint32_t limit_of(const ProtobufCMessageDescriptor *type, uint32_t number)
{
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++)
        if (limits[i].type == type && limits[i].field == number)
            return limits[i].max;
    assert(false); /* a repeated field without a line in `limits` */
    return 0;
}

static enum scan_verdict scan_message(struct scan *scan, const ProtobufCMessageDescriptor *type, struct slice bytes,
                                      unsigned depth)
{
    struct counts counts = {0};
    const uint8_t *at = bytes.at, *end = at + bytes.len;

    assert(type->n_fields <= MESSAGE_FIELDS_MAX);
    scan->message = type->short_name;
    if (depth > DEPTH_MAX)
        return refuse(scan, SCAN_DAMAGED, "", "nested too deep");
    while (at < end) {
        struct wire_field field = {0};
        if (!wire_take_field(&at, end, &field))
            return refuse(scan, SCAN_DAMAGED, "", "not a protobuf message");
        if (++scan->n_fields > FIELDS_MAX)
            return refuse(scan, SCAN_TOO_MANY, "", "too many fields");
        enum scan_verdict verdict = scan_field(scan, type, &field, depth, &counts);
        if (verdict != SCAN_OK)
            return verdict;
        scan->message = type->short_name;
    }
    for (unsigned i = 0; counts.repeated_seen && i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *known = &type->fields[i];
        if (known->label == PROTOBUF_C_LABEL_REPEATED && counts.n[i] > 0 && counts.n[i] > limit_of(type, known->id))
            return refuse(scan, SCAN_TOO_MANY, known->name, "too many elements");
    }
    return SCAN_OK;
}

enum scan_verdict wire_scan_frame(struct slice frame, struct scan *ret_scan)
{
    *ret_scan = (struct scan){0};
    return scan_message(ret_scan, &wire__frame__descriptor, frame, 1);
}
