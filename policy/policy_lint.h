/* SPDX-License-Identifier: Apache-2.0
 * policy_lint.h - findings, and the checks that need more than one key. Internal
 * to policy/. */
#ifndef TAKT_POLICY_POLICY_LINT_H
#define TAKT_POLICY_POLICY_LINT_H

#include "common/buf.h"
#include "core/policy.h"

struct findings {
    struct buf *lines;
    const char *name;                /* of the file */
    char where[48];                  /* "programmes[1]." */
    unsigned n;
};

/* Adds the line "file: where.key: ...". */
void finding_add(struct findings *findings, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Every value is in its own range already. */
void policy_lint(const struct policy *policy, struct findings *findings);

#endif
