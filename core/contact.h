/* SPDX-License-Identifier: Apache-2.0
 * contact.h - can this person be reached at all? The judgement on one row at
 * intake: refuse it, or take it with warnings.
 *
 * Only a row with neither a name nor any way to reach is refused: a damaged
 * number is still worth a person's look, so damage is a warning and the field
 * stays as it came. Phones by the rules of the North American numbering plan
 * without its table of codes in service: a rule does not age, a table does. */
#ifndef TAKT_CORE_CONTACT_H
#define TAKT_CORE_CONTACT_H

#include "proto/msg.h"

/* Returns the warnings of a row, bits of enum row_warning. *ret_reject is
 * REASON_OK, or REASON_NO_CONTACT and then no warnings. */
uint32_t contact_check(const struct row *row, enum reason *ret_reject);

/* Could this be dialled from the US: ten digits of the plan with or without a
 * leading 1, or + and a number abroad; punctuation and an extension may be there. */
bool contact_phone_is_plausible(struct slice phone);

/* By how many ways the person can be reached: a phone that could be dialled, an e-mail that could be sent. */
uint32_t contact_ways(struct slice phone, struct slice email);

/* 256 of "+1 (256) 372-5000"; 0 when it is no number of the North American plan. */
uint32_t contact_area_code(struct slice phone);

/* What is compared of two contacts, without what people write differently. False: there is nothing to compare. */
enum { CONTACT_TEXT_MAX = 256 };
struct contact_text {
    uint32_t len;
    char at[CONTACT_TEXT_MAX]; /* more than that is not compared */
};
bool contact_plain_phone(struct slice phone, struct contact_text *ret); /* digits, without a leading 1 or extension */
bool contact_plain_email(struct slice email, struct contact_text *ret); /* small letters, no blanks */
bool contact_plain_words(struct slice text, struct contact_text *ret);  /* of a name or street: letters and digits */

#endif
