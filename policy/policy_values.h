/* SPDX-License-Identifier: Apache-2.0
 * policy_values.h - the scalars of a policy file: text to number and back.
 * Knows kinds and ranges, not what a key means. For policy/, and for hooks.yaml. */
#ifndef TAKT_POLICY_POLICY_VALUES_H
#define TAKT_POLICY_POLICY_VALUES_H

#include <stdbool.h>
#include <stdint.h>

enum value_kind { VALUE_COUNT, VALUE_PERMILLE, VALUE_MS, VALUE_MONEY, VALUE_FLAG };

enum { VALUE_TEXT_MAX = 32 };

/* No attribute counts that far, and the hash of a text is hardly ever below it: an open end of a range must not
 * catch words. */
#define VALUE_NUMBER_MAX INT64_C(1000000000000000)

/* False when `text` is no value of this kind. Ranges are the caller's. */
bool value_read(enum value_kind kind, const char *text, int64_t *ret_value);

/* As a policy file would say it. */
void value_print(enum value_kind kind, int64_t value, char ret_text[VALUE_TEXT_MAX]);

const char *value_form(enum value_kind kind); /* "a duration such as 20s, 5m, 24h or 250ms" */

/* An enum by its words in a policy file; the list ends with a NULL word. */
struct value_word {
    const char *word;
    int number;
};
bool value_read_word(const struct value_word *words, const char *text, int *ret_number);

/* Names of agents, teams and the like: [A-Za-z0-9._@-]{1,max}; of attributes: [a-z0-9_]{1,32}. */
bool value_is_name(const char *text, unsigned len_max);
bool value_is_cell(const char *text); /* [a-z0-9-]{1,32} */
bool value_is_attribute(const char *text);

#endif
