/* SPDX-License-Identifier: Apache-2.0
 * policy_routes.h - the tree of units, routing rules and filters of a policy file,
 * compiled. Internal to policy/. */
#ifndef TAKT_POLICY_POLICY_ROUTES_H
#define TAKT_POLICY_POLICY_ROUTES_H

#include "core/policy.h"
#include "policy/policy_findings.h"
#include "policy/policy_names.h"
#include "policy/policy_raw.h"

/* The teams of all programmes are read; those that stand in the tree are placed, and the units above them become
 * entries of policy->teams, one for each programme that has a team there. `ret_units` gets the names of the file's
 * units: whether such a unit exists at all. */
void units_read(struct policy_findings *findings, const struct raw_policy *raw, struct policy *policy,
                struct names *ret_units);

/* Values of this attribute in the order of the file, for policy->values. */
struct policy_range values_take(struct policy_findings *findings, const char *path, const char *attribute,
                                char *const *texts, uint32_t n, struct policy *policy);

/* What `when` and `only` say, at `path`. */
struct policy_range tests_read(struct policy_findings *findings, const char *path, const struct raw_test *raw,
                               uint32_t n, struct policy *policy);

/* `licence` of a programme, and the licences and filters of its agents; `first`: of policy->agents. */
void filters_read(struct policy_findings *findings, const struct raw_programme *raw, struct programme *programme,
                  uint32_t first, struct policy *policy);

/* Of all programmes, when all that they may name is read. */
void routes_read(struct policy_findings *findings, const struct raw_policy *raw, const struct names *units,
                 struct policy *policy);

/* Rules that nothing reaches, rules that contradict each other. */
void routes_lint(const struct policy *policy, struct policy_findings *findings);

#endif
