/* SPDX-License-Identifier: Apache-2.0
 * fuzz_policy.c - any text as a policy file: never a crash, a refusal always says
 * why, and what is accepted is a policy a broker can run. */
#include <assert.h>
#include <string.h>

#include "policy/policy_yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct policy policy;
    struct buf findings = {0};

    if (policy_parse((const char *) data, size, "policy.yaml", &policy, &findings) == 0) {
        assert(findings.len == 0);
        assert(policy.n_programmes > 0 && policy.n_programmes <= POLICY_PROGRAMMES_MAX);
        assert(policy.n_teams > 0 && policy.n_teams <= POLICY_TEAMS_MAX &&
               policy.default_programme <= policy.n_programmes);
        assert(policy.lease_ms >= 3 * policy.heartbeat_ms && policy.guard_ms < policy.lease_ms);
    } else {
        assert(findings.len > 0 && findings.at[findings.len - 1] == '\n');
    }
    buf_fini(&findings);
    return 0;
}
