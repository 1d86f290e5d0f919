/* SPDX-License-Identifier: Apache-2.0
 * policy_followup.h - the keys of follow-up: where leads go that come back, and
 * what of it contradicts itself. Internal to policy/. */
#ifndef TAKT_POLICY_POLICY_FOLLOWUP_H
#define TAKT_POLICY_POLICY_FOLLOWUP_H

#include "core/policy.h"
#include "policy/policy_findings.h"
#include "policy/policy_raw.h"

/* After all programmes are read, since they name each other. */
void followup_read(struct policy_findings *findings, const struct raw_policy *raw, struct policy *policy);
void followup_lint(const struct policy *policy, struct policy_findings *findings);

#endif
