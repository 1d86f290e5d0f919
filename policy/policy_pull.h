/* SPDX-License-Identifier: Apache-2.0
 * policy_pull.h - the keys of a programme about leads that agents ask for: in which
 * order they come, what earns the next one. Internal to policy/. */
#ifndef TAKT_POLICY_POLICY_PULL_H
#define TAKT_POLICY_POLICY_PULL_H

#include "core/policy.h"
#include "policy/policy_findings.h"
#include "policy/policy_raw.h"

void pull_read(struct policy_findings *findings, const struct raw_programme *raw, struct programme *programme);
void pull_lint(struct policy_findings *findings, const struct programme *programme);

#endif
