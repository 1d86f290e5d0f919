/* SPDX-License-Identifier: Apache-2.0
 * row_contact.c - who a lead is, out of its encoded Lead, which was checked when it
 * came. By hand, without the codec: the rules compare leads that wait sealed, and
 * the rules link libc alone. What is no Lead has no contact. */
#include "proto/row_contact.h"

enum { NAME_FIELD = 16, PHONE_FIELD, EMAIL_FIELD, STREET_FIELD, BYTES_WIRE = 2 };

static uint64_t take_varint(const uint8_t **at, const uint8_t *end)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && *at < end; shift += 7) {
        const uint8_t byte = *(*at)++;
        value |= (uint64_t) (byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    return value;
}

struct row_contact row_contact(struct slice raw)
{
    static const uint8_t widths[] = {[1] = 8, [5] = 4};
    struct row_contact contact = {0};
    struct slice *const fields[] = {&contact.name, &contact.phone, &contact.email, &contact.street};
    const uint8_t *at = raw.at, *const end = raw.at + raw.len;
    while (at < end) {
        const uint64_t tag = take_varint(&at, end), field = tag >> 3;
        const unsigned wire = tag & 7;
        uint64_t len = wire < sizeof widths ? widths[wire] : 0;
        if (wire == 0)
            take_varint(&at, end);
        else if (wire == BYTES_WIRE)
            len = take_varint(&at, end);
        if (len > (uint64_t) (end - at))
            break;
        if (wire == BYTES_WIRE && field >= NAME_FIELD && field <= STREET_FIELD)
            *fields[field - NAME_FIELD] = slice_of(at, len);
        at += len;
    }
    return contact;
}
