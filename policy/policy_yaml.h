/* SPDX-License-Identifier: Apache-2.0
 * policy_yaml.h - a policy file to the compiled policy: defaults, ranges, linter. */
#ifndef TAKT_POLICY_POLICY_YAML_H
#define TAKT_POLICY_POLICY_YAML_H

#include <stddef.h>

#include "common/buf.h"
#include "core/policy.h"

/* Returns 0 and fills *ret, or -1 with the findings as lines in `findings`
 * ("policy.yaml: programmes[1].mode: ..."). Warnings are written there too. */
int policy_load(const char *path, struct policy *ret, struct buf *findings);
int policy_parse(const char *text, size_t len, const char *name, struct policy *ret, struct buf *findings);

/* The defaults of every field, as one programme and one cell: what a missing key means. */
void policy_defaults(struct policy *ret);

#endif
