/* SPDX-License-Identifier: Apache-2.0
 * policies.h - what a broker does with policies beside deciding by them: it reads
 * an applied text for the core, which knows no YAML, and writes for the workers
 * the part that they score by. */
#ifndef TAKT_BROKER_POLICIES_H
#define TAKT_BROKER_POLICIES_H

#include "common/buf.h"
#include "core/policy.h"
#include "proto/msg.h"

struct policies { /* zero-initialise; policies_fini() frees */
    struct policy *read;
    struct buf faults, scoring, text; /* text: of one that came packed */
    uint32_t scoring_version;         /* of what `scoring` holds */
};

/* Fill apply->policy, or apply->faults, from apply->text, which is unpacked first: borrowed until the next call. */
void policies_read(struct policies *policies, struct msg_apply *apply);

/* The scoring part of `policy`, encoded: borrowed until it is asked for another version. */
struct slice policies_scoring(struct policies *policies, const struct policy *policy);

void policies_fini(struct policies *policies);

#endif
