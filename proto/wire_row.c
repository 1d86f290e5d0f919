/* SPDX-License-Identifier: Apache-2.0
 * wire_row.c - one encoded Lead to a struct row.
 *
 * A row is judged alone: in a file of thousands one damaged line must not hold
 * the others up, so what is wrong with it becomes row.reject and not an error. A
 * rejected row keeps its raw bytes and nothing else: no half-read lead gets on.
 *
 * Read by hand and not by protobuf-c: 0.25 us for a row with six attributes, and
 * not 0.9, and rows are what an import consists of. Field numbers are takt.proto's
 * Lead and Attribute; test_wire_row compares with protobuf-c. */
#include "proto/wire_internal.h"

#include <stddef.h>

enum { FIELD_ATTRIBUTE = 2 };

enum number { NONE, UINT32, UINT64, SINT32 };

/* Where each field of a Lead goes. */
static const struct place {
    uint16_t offset;
    uint8_t wire;
    uint8_t number; /* enum number, if it is one */
} places[] = {
    [1] = {offsetof(struct row, key), WIRE_BYTES, NONE},
    [3] = {offsetof(struct row, priority), WIRE_VARINT, SINT32},
    [4] = {offsetof(struct row, value_cents), WIRE_VARINT, UINT64},
    [5] = {offsetof(struct row, cost_cents), WIRE_VARINT, UINT32},
    [16] = {offsetof(struct row, name), WIRE_BYTES, NONE},
    [17] = {offsetof(struct row, phone), WIRE_BYTES, NONE},
    [18] = {offsetof(struct row, email), WIRE_BYTES, NONE},
    [19] = {offsetof(struct row, street), WIRE_BYTES, NONE},
    [20] = {offsetof(struct row, web), WIRE_BYTES, NONE},
    [21] = {offsetof(struct row, ref), WIRE_BYTES, NONE},
    [22] = {offsetof(struct row, remarks), WIRE_BYTES, NONE},
};
enum { N_PLACES = sizeof places / sizeof places[0] };

struct reading {
    struct row *row;
    struct attribute *attributes; /* room for ROW_ATTRIBUTES_MAX */
    uint32_t seen;                /* bit n: field n was there */
    uint32_t n_unknown;
};

static int64_t unzigzag(uint64_t value)
{
    return (int64_t) (value >> 1 ^ (0 - (value & 1)));
}

static enum reason read_unknown(struct reading *reading)
{
    return ++reading->n_unknown > WIRE_UNKNOWN_MAX ? REASON_TOO_LONG : REASON_OK;
}

/* Each attribute is either a text, possibly empty, or a number. */
static enum reason read_attribute(struct reading *reading, struct slice bytes)
{
    struct row *row = reading->row;
    const uint8_t *at = bytes.at, *end = at + bytes.len;
    static const uint8_t wires[] = {[1] = WIRE_BYTES, [2] = WIRE_BYTES, [3] = WIRE_VARINT};
    unsigned seen = 0;

    if (row->n_attributes == ROW_ATTRIBUTES_MAX)
        return REASON_TOO_LONG;
    struct attribute *attribute = &reading->attributes[row->n_attributes++];
    *attribute = (struct attribute){0};
    while (at < end) {
        struct wire_field field = {0};
        if (!wire_take_field(&at, end, &field))
            return REASON_BAD_FRAME;
        if (field.number >= sizeof wires) {
            enum reason reason = read_unknown(reading);
            if (reason != REASON_OK)
                return reason;
            continue;
        }
        if (field.wire != wires[field.number] || (seen & 1u << field.number) != 0)
            return REASON_BAD_FRAME;
        seen |= 1u << field.number;
        if (field.number == 1)
            attribute->name = field.bytes;
        else if (field.number == 2)
            attribute->text = field.bytes;
        else
            attribute->number = unzigzag(field.value);
    }
    bool has_text = (seen & 1u << 2) != 0, has_number = (seen & 1u << 3) != 0;
    return has_text != has_number ? REASON_OK : REASON_BAD_FIELD;
}

static enum reason read_field(struct reading *reading, const struct wire_field *field)
{
    if (field->number == FIELD_ATTRIBUTE)
        return field->wire == WIRE_BYTES ? read_attribute(reading, field->bytes) : REASON_BAD_FRAME;
    if (field->number >= N_PLACES || places[field->number].offset == 0)
        return read_unknown(reading);
    const struct place *place = &places[field->number];
    if (field->wire != place->wire || (reading->seen & 1u << field->number) != 0)
        return REASON_BAD_FRAME;
    reading->seen |= 1u << field->number;
    void *to = (uint8_t *) reading->row + place->offset;
    if (place->wire == WIRE_BYTES) {
        if (field->bytes.len > 0) /* absent and empty are the same for a text of a row */
            *(struct slice *) to = field->bytes;
    } else if (place->number == UINT64) {
        *(uint64_t *) to = field->value;
    } else {
        if (field->value > UINT32_MAX)
            return REASON_BAD_NUMBER;
        *(uint32_t *) to = place->number == SINT32 ? (uint32_t) unzigzag(field->value) : (uint32_t) field->value;
    }
    return REASON_OK;
}

static enum reason read_lead(struct reading *reading, bool is_part)
{
    struct slice raw = reading->row->raw;

    if (raw.len == 0) /* of the edge's part there may be nothing */
        return is_part ? REASON_OK : REASON_NO_KEY;
    if (raw.len > ROW_BYTES_MAX)
        return REASON_TOO_LONG;
    const uint8_t *at = raw.at, *end = at + raw.len;
    while (at < end) {
        struct wire_field field = {0};
        if (!wire_take_field(&at, end, &field))
            return REASON_BAD_FRAME;
        enum reason reason = read_field(reading, &field);
        if (reason != REASON_OK)
            return reason;
    }
    return wire_check_row(reading->row, is_part);
}

static enum reason decode(struct arena *arena, struct slice raw, bool is_part, struct row *ret_row)
{
    struct attribute *attributes = wire_arena_take(arena, ROW_ATTRIBUTES_MAX, sizeof *attributes);
    enum reason reason = REASON_TOO_LONG;

    *ret_row = (struct row){.raw = raw, .attributes = attributes};
    if (attributes != NULL)
        reason = read_lead(&(struct reading){.row = ret_row, .attributes = attributes}, is_part);
    if (reason != REASON_OK)
        *ret_row = (struct row){.raw = raw, .reject = reason};
    wire_arena_shrink(arena, attributes, ret_row->n_attributes * sizeof *attributes);
    return reason;
}

enum reason wire_row_decode(struct arena *arena, struct slice raw, struct slice source, struct row *ret_row)
{
    const enum reason reason = decode(arena, raw, false, ret_row);
    if (reason == REASON_OK && source.len > 0)
        ret_row->lead = id_of_key(source, ret_row->key);
    return reason;
}

enum reason wire_row_decode_part(struct arena *arena, struct slice raw, struct row *ret_row)
{
    return decode(arena, raw, true, ret_row);
}
