/* SPDX-License-Identifier: Apache-2.0
 * row_contact.h - who a lead is, for rules that compare persons. Reads an encoded
 * Lead without decoding it; what two contacts must have in common to be of one
 * person is the core's. */
#ifndef TAKT_PROTO_ROW_CONTACT_H
#define TAKT_PROTO_ROW_CONTACT_H

#include "proto/msg.h"

/* Who an encoded Lead is: slices of it; absent fields are empty. */
struct row_contact {
    struct slice name, phone, email, street;
};
struct row_contact row_contact(struct slice raw);

struct slice row_key(struct slice raw); /* its source's own key; empty: it has none */

/* A phone or e-mail as one number, for this cell. Its name is the key: the one thing that all brokers of a cell, its
 * log and its archive have in common. It keeps cells apart and is no secret: who has the list can try all phone
 * numbers. */
uint64_t contact_hash(const char *cell, char kind, const void *text, size_t len);

#endif
