/* SPDX-License-Identifier: Apache-2.0
 * policy_hours.h - zones, hours and calling of a policy file. Internal to policy/. */
#ifndef TAKT_POLICY_POLICY_HOURS_H
#define TAKT_POLICY_POLICY_HOURS_H

#include "core/policy.h"
#include "policy/policy_findings.h"
#include "policy/policy_raw.h"

void zones_read(struct policy_findings *findings, const struct raw_policy *raw, struct policy *policy);
void hours_read(struct policy_findings *findings, const struct raw_policy *raw, struct policy *policy);
void calling_read(struct policy_findings *findings, const struct raw_programme *raw, const struct policy *policy,
                  struct programme *programme);

/* The zone's index, put into the table when it is not there yet; a finding, and 0, when the system knows none of
 * this name or the table is full. */
uint32_t zone_take(struct policy_findings *findings, const char *key, const char *name, struct policy *policy);

/* The index of the hours of this name; a finding, and 0, when there are none. */
uint32_t hours_take(struct policy_findings *findings, const char *key, const char *name, const struct policy *policy);

#endif
