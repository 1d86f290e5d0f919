/* SPDX-License-Identifier: Apache-2.0
 * policy_values.c - text to number and back, for the kinds of policy_keys.def.
 * Own code instead of strtoll(): a policy must not take " 20", "0x14", "1e3" or
 * a duration without its unit spelt right, and no value may wrap around. */
#include "policy/policy_values.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const struct unit {
    const char *word;
    int64_t ms;
} units[] = {
    {"d", INT64_C(86400000)}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1},
};

enum { DIGITS_MAX = 16 }; /* 10^16 times the largest factor still fits */

/* Digits at the start of *text_p, which is moved behind them. */
static bool take_digits(const char **text_p, int64_t *ret_number)
{
    const char *at = *text_p;
    int64_t number = 0;
    for (; *at >= '0' && *at <= '9'; at++) {
        if (at - *text_p == DIGITS_MAX)
            return false;
        number = number * 10 + (*at - '0');
    }
    bool is_some = at > *text_p;
    *text_p = at;
    *ret_number = number;
    return is_some;
}

static bool read_whole(const char *text, int64_t *ret_value)
{
    bool is_negative = *text == '-';
    text += is_negative;
    if (!take_digits(&text, ret_value) || *text != '\0')
        return false;
    if (is_negative)
        *ret_value = -*ret_value;
    return true;
}

static bool read_ms(const char *text, int64_t *ret_value)
{
    int64_t number;
    if (!take_digits(&text, &number))
        return false;
    if (*text == '\0') {
        *ret_value = number;
        return true;
    }
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(text, units[i].word) == 0)
            return !__builtin_mul_overflow(number, units[i].ms, ret_value);
    return false;
}

static bool read_money(const char *text, int64_t *ret_value)
{
    int64_t number, part = 0;
    if (!take_digits(&text, &number))
        return false;
    if (*text == '.') {
        const char *decimals = ++text;
        if (!take_digits(&text, &part) || text - decimals > 2)
            return false;
        if (text - decimals == 1)
            part *= 10;
    }
    *ret_value = number * 100 + part;
    return *text == '\0';
}

bool value_read(enum value_kind kind, const char *text, int64_t *ret_value)
{
    switch (kind) {
    case VALUE_COUNT:
    case VALUE_PERMILLE:
        return read_whole(text, ret_value);
    case VALUE_MS:
        return read_ms(text, ret_value);
    case VALUE_MONEY:
        return read_money(text, ret_value);
    case VALUE_FLAG:
        *ret_value = strcmp(text, "true") == 0;
        return *ret_value == 1 || strcmp(text, "false") == 0;
    }
    return false;
}

void value_print(enum value_kind kind, int64_t value, char ret_text[VALUE_TEXT_MAX])
{
    size_t i = 0;
    switch (kind) {
    case VALUE_MS:
        while (value % units[i].ms != 0)
            i++;
        snprintf(ret_text, VALUE_TEXT_MAX, "%" PRId64 "%s", value / units[i].ms, value == 0 ? "" : units[i].word);
        break;
    case VALUE_MONEY:
        snprintf(ret_text, VALUE_TEXT_MAX, "%" PRId64 ".%02d", value / 100, (int) (value % 100));
        break;
    case VALUE_FLAG:
        snprintf(ret_text, VALUE_TEXT_MAX, "%s", value ? "true" : "false");
        break;
    case VALUE_COUNT:
    case VALUE_PERMILLE:
        snprintf(ret_text, VALUE_TEXT_MAX, "%" PRId64, value);
        break;
    }
}

const char *value_form(enum value_kind kind)
{
    static const char *const forms[] = {
        [VALUE_COUNT] = "a whole number",
        [VALUE_PERMILLE] = "a whole number (thousandths)",
        [VALUE_MS] = "a duration such as 20s, 5m, 24h or 250ms",
        [VALUE_MONEY] = "an amount such as 120 or 99.50",
        [VALUE_FLAG] = "true or false",
    };
    return forms[kind];
}

bool value_read_word(const struct value_word *words, const char *text, int *ret_number)
{
    for (; words->word != NULL; words++)
        if (strcmp(words->word, text) == 0) {
            *ret_number = words->number;
            return true;
        }
    return false;
}

static bool is_made_of(const char *text, const char *letters, size_t len_max)
{
    size_t len = strlen(text);
    return len > 0 && len <= len_max && strspn(text, letters) == len;
}

#define SMALL "abcdefghijklmnopqrstuvwxyz0123456789"

bool value_is_name(const char *text, unsigned len_max)
{
    return is_made_of(text, SMALL "ABCDEFGHIJKLMNOPQRSTUVWXYZ._@-", len_max);
}

bool value_is_cell(const char *text)
{
    return is_made_of(text, SMALL "-", 32);
}

bool value_is_attribute(const char *text)
{
    return is_made_of(text, SMALL "_", 32);
}
