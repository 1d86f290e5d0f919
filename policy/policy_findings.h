/* SPDX-License-Identifier: Apache-2.0
 * policy_findings.h - what is wrong with a policy file: where, what, and what is
 * allowed. One finding a place: what follows from a fault that is told already
 * is not told again. Bounded; a file that is wrong all over needs no longer list. */
#ifndef TAKT_POLICY_POLICY_FINDINGS_H
#define TAKT_POLICY_POLICY_FINDINGS_H

#include <stdint.h>

#include "common/buf.h"

enum { FINDINGS_MAX = 100, FINDING_PATH_MAX = 160, FINDING_TEXT_MAX = 320 };

enum policy_fault {
#define FAULT(name, text) FAULT_##name,
#include "policy/policy_faults.def"
#undef FAULT
};
const char *policy_fault_name(enum policy_fault fault); /* "UNKNOWN_KEY" */

struct policy_finding {
    uint32_t line, column;       /* from 1; 0: of the file as a whole */
    char path[FINDING_PATH_MAX]; /* "programmes[2].timers.offer"; "" at the top */
    enum policy_fault fault;
    char text[FINDING_TEXT_MAX];
};

struct policy_index;

struct policy_findings { /* zero-initialise; findings_fini() frees */
    struct policy_finding *at;
    uint32_t n, n_more;               /* n_more: found, not kept */
    const struct policy_index *index; /* internal: where each path is */
    char where[48];                   /* internal: "programmes[1]." */
};

void findings_fini(struct policy_findings *findings);

/* By line and column. */
void findings_sort(struct policy_findings *findings);

/* A line each: "policy.yaml:3:11: programmes[0].mode: is ..." */
void findings_print(const struct policy_findings *findings, const char *file, struct buf *lines);

/* At the place of findings->where + key, or of what it is missing from. */
void finding_add(struct policy_findings *findings, enum policy_fault fault, const char *key, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* At a place of its own; `path` as a whole. */
void finding_add_at(struct policy_findings *findings, enum policy_fault fault, uint32_t line, uint32_t column,
                    const char *path, const char *format, ...) __attribute__((format(printf, 6, 7)));

#endif
