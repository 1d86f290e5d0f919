/* SPDX-License-Identifier: Apache-2.0
 * policy_limits.h - the part of a policy file about pacing: limits, ramp, signs of
 * work. Internal to policy/. */
#ifndef TAKT_POLICY_POLICY_LIMITS_H
#define TAKT_POLICY_POLICY_LIMITS_H

#include "core/policy.h"
#include "policy/policy_findings.h"
#include "policy/policy_raw.h"

void pacing_defaults(struct programme *programme);
void pacing_read(struct policy_findings *findings, const struct raw_programme *raw, struct policy *policy,
                 struct programme *programme);

/* A list of limits, of the programme or, with NONE_OF_THEM, of the cell. Teams and sources are known by then. */
enum { NONE_OF_THEM = UINT32_MAX };
void limits_read(struct policy_findings *findings, const struct raw_limit *raw, uint32_t n, uint32_t programme,
                 struct policy *policy);

/* Limits that others make pointless. */
void limits_lint(const struct policy *policy, struct policy_findings *findings);

#endif
