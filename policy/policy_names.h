/* SPDX-License-Identifier: Apache-2.0
 * policy_names.h - names of one policy file, sorted, so that ten thousand rules may
 * each look for their target. Internal to policy/. */
#ifndef TAKT_POLICY_POLICY_NAMES_H
#define TAKT_POLICY_POLICY_NAMES_H

#include <stdint.h>

#include "common/buf.h"
#include "policy/policy_findings.h"

struct names { /* zero-initialise; names_fini() frees */
    struct buf list;
};
struct name { /* the text is borrowed */
    const char *text;
    uint32_t group; /* names are found within one */
    uint32_t kind, index;
};

void names_add(struct names *names, struct name name);
void names_end(struct names *names); /* after the last one, before the first search */
void names_fini(struct names *names);

/* Those of this text, in the order of kind and index: the first of *ret_n, or NULL. */
const struct name *names_find(const struct names *names, uint32_t group, const char *text, uint32_t *ret_n);

/* "; did you mean la?" or "", for a finding that is about to be added: all names are looked at, so what is not kept
 * gets none. */
const char *names_hint(const struct policy_findings *findings, const struct names *names, uint32_t group,
                       const char *text, char ret_text[64]);

#endif
