/* SPDX-License-Identifier: Apache-2.0
 * row_contact.c - the few fields that the rules read of an encoded Lead, which was
 * checked when it came. Without the codec: leads wait sealed, and the rules link
 * libc alone. What is no Lead has neither contact nor key. */
#include "proto/row_contact.h"

#include "proto/wire_field.h"

enum { KEY_FIELD = 1, NAME_FIELD = 16, PHONE_FIELD, EMAIL_FIELD, STREET_FIELD };

static bool next(struct slice *raw, struct wire_field *ret)
{
    const uint8_t *at = raw->at;
    *ret = (struct wire_field){0};
    if (raw->len == 0 || !wire_take_field(&at, raw->at + raw->len, ret))
        return false;
    *raw = slice_of(at, raw->len - (uint32_t) (at - raw->at));
    return true;
}

struct row_contact row_contact(struct slice raw)
{
    struct row_contact contact = {0};
    struct slice *const fields[] = {&contact.name, &contact.phone, &contact.email, &contact.street};
    for (struct wire_field field; next(&raw, &field);)
        if (field.wire == WIRE_BYTES && field.number >= NAME_FIELD && field.number <= STREET_FIELD)
            *fields[field.number - NAME_FIELD] = field.bytes;
    return contact;
}

struct slice row_key(struct slice raw)
{
    for (struct wire_field field; next(&raw, &field);)
        if (field.wire == WIRE_BYTES && field.number == KEY_FIELD && field.bytes.len <= KEY_BYTES_MAX)
            return field.bytes;
    return slice_of("", 0);
}
