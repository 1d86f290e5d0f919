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

/* 256 of "+1 (256) 372-5000"; 0 when it is no number of the North American plan. */
uint32_t contact_area_code(struct slice phone);

#endif
