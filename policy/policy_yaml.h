/* SPDX-License-Identifier: Apache-2.0
 * policy_yaml.h - a policy file to the compiled policy: defaults, ranges, linter. */
#ifndef TAKT_POLICY_POLICY_YAML_H
#define TAKT_POLICY_POLICY_YAML_H

#include <stddef.h>

#include "common/buf.h"
#include "core/policy.h"
#include "policy/policy_findings.h"

/* Returns 0 and fills *ret, or -1 with what is wrong, sorted by place. */
int policy_read(const char *text, size_t len, struct policy *ret, struct policy_findings *findings);

/* The same, with what is wrong as lines ("policy.yaml:3:11: programmes[1].mode: is ..."). */
int policy_parse(const char *text, size_t len, const char *name, struct policy *ret, struct buf *lines);
int policy_load(const char *path, struct policy *ret, struct buf *lines);

/* A file's text, at most POLICY_TEXT_MAX bytes. */
int policy_read_file(const char *path, struct buf *ret_text, struct policy_findings *findings);

/* The defaults of every field, as one programme and one cell: what a missing key means. */
void policy_defaults(struct policy *ret);

#endif
