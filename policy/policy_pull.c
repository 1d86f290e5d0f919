/* SPDX-License-Identifier: Apache-2.0
 * policy_pull.c - see policy_pull.h. What one word makes meaningless of another is
 * told as a fault: a key that does nothing would be believed to do something. */
#include "policy/policy_pull.h"

#include "policy/policy_take.h"
#include "proto/msg.h"

static const struct value_word pulls[] = {
    {"blind", PULL_BLIND}, {"preview", PULL_PREVIEW}, {"choose", PULL_CHOOSE}, {NULL, 0}};
static const struct value_word sights[] = {{"none", SEE_NONE}, {"coarse", SEE_COARSE}, {"full", SEE_FULL}, {NULL, 0}};
static const struct value_word earns[] = {
    {"disposition", EARN_DISPOSITION}, {"first_action", EARN_FIRST_ACTION}, {NULL, 0}};

void pull_read(struct policy_findings *findings, const struct raw_programme *raw, struct programme *programme)
{
    programme->earn = (enum earn) take_word(findings, "earn", raw->earn, earns, EARN_DISPOSITION);
    programme->pull = (enum pull) take_word(findings, "pull", raw->pull, pulls, PULL_BLIND);
    programme->see =
        (uint32_t) take_word(findings, "see", raw->see, sights, programme->pull == PULL_BLIND ? SEE_FULL : SEE_COARSE);
}

void pull_lint(struct policy_findings *findings, const struct programme *programme)
{
    if (programme->earn == EARN_FIRST_ACTION && programme->wip_max == 1)
        finding_add(findings, FAULT_CONFLICT, "earn",
                    "is first_action, but with wip_max 1 there is no next lead before the last one is disposed of; set "
                    "wip_max to 2 or more");
}
