/* SPDX-License-Identifier: Apache-2.0
 * policy_take.h - the values of a policy file, each with its range, or a finding that
 * says what is allowed. Knows no key; a missing one (NULL) keeps what is there.
 * Internal to policy/. */
#ifndef TAKT_POLICY_POLICY_TAKE_H
#define TAKT_POLICY_POLICY_TAKE_H

#include <stddef.h>

#include "core/policy.h"
#include "policy/policy_findings.h"
#include "policy/policy_values.h"

struct key { /* a row of policy_keys.def: from a member of the file as written to one of the compiled policy */
    const char *name;
    enum value_kind kind;
    size_t raw_at, member_at;
    int64_t initial, least, most;
};

void take_initial(const struct key *keys, size_t n, void *to);

/* `group` stands before the key's name in a finding: "timers.". */
void take_keys(struct policy_findings *findings, const char *group, const struct key *keys, size_t n, const void *raw,
               void *to);

bool take_value(struct policy_findings *findings, const char *key, const char *text, enum value_kind kind,
                int64_t least, int64_t most, int64_t *ret_value);

/* Returns `initial` when the key is missing or its word unknown. */
int take_word(struct policy_findings *findings, const char *key, const char *text, const struct value_word *words,
              int initial);

/* [A-Za-z0-9._@-]{1,64}; it must be there. */
void take_name(struct policy_findings *findings, const char *key, const char *text, char ret_name[POLICY_NAME_MAX + 1]);

#endif
