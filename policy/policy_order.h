/* SPDX-License-Identifier: Apache-2.0
 * policy_order.h - `order`: which of the leads of a pool go first. Internal to policy/. */
#ifndef TAKT_POLICY_POLICY_ORDER_H
#define TAKT_POLICY_POLICY_ORDER_H

#include "core/policy.h"
#include "policy/policy_findings.h"
#include "policy/policy_raw.h"

/* Of the programme or unit at `path`: "" or "units[2].". Without entries `ret` stays as it is. */
void order_read(struct policy_findings *findings, const char *path, const struct raw_order *raw, uint32_t n,
                struct policy *policy, struct policy_order *ret);

#endif
