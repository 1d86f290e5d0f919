/* SPDX-License-Identifier: Apache-2.0
 * policy_findings.h - what is wrong with a policy file, as lines that say where,
 * what, and what is allowed. Internal to policy/. */
#ifndef TAKT_POLICY_POLICY_FINDINGS_H
#define TAKT_POLICY_POLICY_FINDINGS_H

#include "common/buf.h"

struct findings {
    struct buf *lines;
    const char *name; /* of the file */
    char where[48];   /* "programmes[1]." */
    unsigned n;
};

/* Adds the line "file: where.key: ...". */
void finding_add(struct findings *findings, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
