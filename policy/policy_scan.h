/* SPDX-License-Identifier: Apache-2.0
 * policy_scan.h - one pass over a policy's text: is its shape that of a policy,
 * and where is what? Internal to policy/; the only code that knows libyaml.
 *
 * libcyaml stops at its first fault and keeps no places. So this pass tells all
 * faults of syntax and shape, remembers the place of every path, and hands on
 * the text without what is wrong with it, which libcyaml then loads. */
#ifndef TAKT_POLICY_POLICY_SCAN_H
#define TAKT_POLICY_POLICY_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "policy/policy_findings.h"
#include "policy/policy_index.h"

/* Fills `findings` and `index`, and `ret_sound` with the sound part, in YAML's flow
 * form. False: nothing of it can be used. */
bool policy_scan(const char *text, size_t len, struct policy_findings *findings, struct policy_index *index,
                 struct buf *ret_sound);

#endif
