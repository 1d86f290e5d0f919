/* SPDX-License-Identifier: Apache-2.0
 * policy_lint.h - the checks that need more than one key. Internal to policy/. */
#ifndef TAKT_POLICY_POLICY_LINT_H
#define TAKT_POLICY_POLICY_LINT_H

#include "core/policy.h"
#include "policy/policy_findings.h"

/* Every value is in its own range already. */
void policy_lint(const struct policy *policy, struct policy_findings *findings);

#endif
