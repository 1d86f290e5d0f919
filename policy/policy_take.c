/* SPDX-License-Identifier: Apache-2.0
 * policy_take.c - see policy_take.h. */
#include "policy/policy_take.h"

#include <stdio.h>
#include <string.h>

#include "policy/policy_near.h"

static void set_member(const struct key *key, void *to, int64_t value)
{
    uint8_t *at = (uint8_t *) to + key->member_at;
    switch (key->kind) {
    case VALUE_COUNT:
        *(uint32_t *) (void *) at = (uint32_t) value;
        break;
    case VALUE_PERMILLE:
        *(int32_t *) (void *) at = (int32_t) value;
        break;
    case VALUE_MS:
        *(int64_t *) (void *) at = value;
        break;
    case VALUE_MONEY:
        *(uint64_t *) (void *) at = (uint64_t) value;
        break;
    case VALUE_FLAG:
        *(bool *) (void *) at = value != 0;
        break;
    }
}

void take_initial(const struct key *keys, size_t n, void *to)
{
    for (size_t i = 0; i < n; i++)
        set_member(&keys[i], to, keys[i].initial);
}

bool take_value(struct policy_findings *findings, const char *key, const char *text, enum value_kind kind,
                int64_t least, int64_t most, int64_t *ret_value)
{
    char low[VALUE_TEXT_MAX], high[VALUE_TEXT_MAX];
    if (!value_read(kind, text, ret_value)) {
        finding_add(findings, FAULT_BAD_VALUE, key, "is \"%.40s\"; allowed is %s", text, value_form(kind));
        return false;
    }
    if (*ret_value >= least && *ret_value <= most)
        return true;
    value_print(kind, least, low);
    value_print(kind, most, high);
    finding_add(findings, FAULT_OUT_OF_RANGE, key, "is \"%.40s\"; allowed is %s%s%s", text, low,
                least < most ? " to " : "", least < most ? high : "");
    return false;
}

void take_keys(struct policy_findings *findings, const char *group, const struct key *keys, size_t n, const void *raw,
               void *to)
{
    for (const struct key *key = keys; key < keys + n; key++) {
        const char *text;
        char path[64];
        int64_t value;
        memcpy(&text, (const uint8_t *) raw + key->raw_at, sizeof text);
        snprintf(path, sizeof path, "%s%s", group, key->name);
        if (text != NULL && take_value(findings, path, text, key->kind, key->least, key->most, &value))
            set_member(key, to, value);
    }
}

int take_word(struct policy_findings *findings, const char *key, const char *text, const struct value_word *words,
              int initial)
{
    char allowed[240] = "", hint[64];
    struct near near = {0};
    int number = initial;
    if (text == NULL || value_read_word(words, text, &number))
        return number;
    for (const struct value_word *word = words; word->word != NULL; word++) {
        size_t len = strlen(allowed);
        snprintf(allowed + len, sizeof allowed - len, "%s%s", len > 0 ? ", " : "", word->word);
        near_try(&near, text, word->word);
    }
    finding_add(findings, FAULT_BAD_VALUE, key, "is \"%.40s\"; allowed is one of %s%s", text, allowed,
                near_hint(&near, hint));
    return initial;
}

void take_name(struct policy_findings *findings, const char *key, const char *text, char ret_name[POLICY_NAME_MAX + 1])
{
    if (text != NULL && value_is_name(text, POLICY_NAME_MAX))
        snprintf(ret_name, POLICY_NAME_MAX + 1, "%s", text);
    else if (text == NULL)
        finding_add(findings, FAULT_MISSING, key, "is missing");
    else
        finding_add(findings, FAULT_BAD_VALUE, key, "is \"%.70s\"; allowed are 1 to %d letters, digits and . _ @ -",
                    text, POLICY_NAME_MAX);
}
