/* SPDX-License-Identifier: Apache-2.0
 * policies.c - policies in, scoring out; policies.h says for whom. */
#include "broker/policies.h"

#include <assert.h>
#include <stdlib.h>

#include "common/gzip.h"
#include "policy/policy_yaml.h"
#include "worker/score.h"

static bool unpack(struct policies *policies, struct msg_apply *apply)
{
    policies->text.len = 0;
    if (!gzip_is(apply->text))
        return true;
    if (!gzip_unpack(apply->text, POLICY_TEXT_MAX, &policies->text)) {
        buf_printf(&policies->faults, "policy: came as gzip that is damaged, or longer than %d bytes\n",
                   POLICY_TEXT_MAX);
        return false;
    }
    apply->text = slice_of(policies->text.at, policies->text.len);
    return true;
}

void policies_read(struct policies *policies, struct msg_apply *apply)
{
    if (!policies->read)
        policies->read = malloc(sizeof *policies->read);
    assert(policies->read);
    policies->faults.len = 0;
    const bool sound = unpack(policies, apply) && policy_parse((const char *) apply->text.at, apply->text.len, "policy",
                                                               policies->read, &policies->faults) == 0;
    apply->policy = sound ? policies->read : NULL;
    apply->faults = slice_of(policies->faults.at, policies->faults.len);
}

struct slice policies_scoring(struct policies *policies, const struct policy *policy)
{
    struct buf *scoring = &policies->scoring;
    if (policies->scoring_version != policy->version) {
        struct scoring all[POLICY_PROGRAMMES_MAX];
        for (uint32_t i = 0; i < policy->n_programmes; i++)
            all[i] = policy->programmes[i].scoring;
        scoring->len = 0;
        uint8_t *to = buf_more(scoring, POLICY_BYTES_MAX);
        scoring->len = scoring_encode(all, policy->n_programmes, to, POLICY_BYTES_MAX);
        policies->scoring_version = policy->version;
    }
    return slice_of(scoring->at, scoring->len);
}

void policies_fini(struct policies *policies)
{
    free(policies->read);
    buf_fini(&policies->faults);
    buf_fini(&policies->text);
    buf_fini(&policies->scoring);
    *policies = (struct policies){0};
}
