/* SPDX-License-Identifier: Apache-2.0
 * revoke.c - how an owner is replaced. Ownership ends for the old agent before it
 * begins for the next: a lead is free only when the old one said that it let go, or
 * cannot show it any more because its validity and the guard are over. In between
 * it is REVOKING; for whom it is over at once, for no time. followup.c goes on. */
#include "core/core_private.h"
#include "core/limits.h"

static bool redistribution(const struct lead *lead)
{
    return lead->state == LEAD_OWNED || lead->state == LEAD_WORKING || lead->state == LEAD_WRAP_UP ||
           lead->state == LEAD_PIPELINE;
}

bool revoke_is_unseen(const struct core *core, const struct lead *lead)
{
    return core->now_us - lead->state_us >= (core->policy.lease_ms + core->policy.guard_ms) * 1000;
}

static bool own_act(enum reason reason)
{
    return reason == REASON_DECLINED || reason == REASON_RELEASED;
}

/* Who declines or gives back shows it no more, but a device that the agent left behind may. What waits for its day is
 * not shown either, but the answer that put it there may be on its way still. */
static bool lets_go_at_once(const struct core *core, const struct lead *lead, const struct agent *owner,
                            enum reason reason)
{
    return owner->valid_until_ms <= run_ms(core) || (own_act(reason) && owner->shown_until_ms <= run_ms(core)) ||
           (lead->state == LEAD_PIPELINE && revoke_is_unseen(core, lead));
}

/* Its last attempt, its age or an operator took it: the owner did not fail. */
static bool counts(enum reason reason)
{
    return reason != REASON_MAX_ATTEMPTS && reason != REASON_MAX_AGE && reason != REASON_TAKEN_BY_HAND;
}

void revoke_begin(struct core *core, struct lead *lead, enum reason reason)
{
    struct agent *owner = core->agents[lead->owner];
    const struct programme *programme = programme_of(core, lead->programme);
    const bool at_once = lets_go_at_once(core, lead, owner, reason);
    limits_refund(core, lead, reason);
    if (reason == REASON_LEAD_OUT_OF_HOURS || reason == REASON_OFF_SHIFT || reason == REASON_ABSENT ||
        reason == REASON_SUPPRESSED_CONTACT) {
        /* its owner could not have called it */
    } else if (redistribution(lead)) {
        lead->distributions = (uint8_t) (lead->distributions + counts(reason));
        core->programmes[lead->programme].redistributions += counts(reason);
        lead_exclude(core, lead, lead->owner, REASON_EXCLUDED_PAST_OWNER, INT64_MAX);
        followup_taken(core, lead, reason);
    } else if (reason == REASON_OFFER_LAPSED || reason == REASON_DECLINED || reason == REASON_TAKEN_BY_HAND) {
        lead_exclude(core, lead, lead->owner, REASON_DECLINED_UNTIL, run_ms(core) + programme->decline_exclusion_ms);
    }
    if (owner->peer && !own_act(reason))
        effects_withdrawal(core->effects, owner->peer, &(struct withdrawal){lead->id, lead->fence, reason});
    lead_move(core, lead, MOVE_REVOKE, LEAD_REVOKING, NONE, reason);
    if (at_once)
        revoke_let_go(core, lead, reason);
}

void revoke_let_go(struct core *core, struct lead *lead, enum reason reason)
{
    if (lead->state == LEAD_REVOKING && !suppress_ends(core, lead))
        followup_free(core, lead, reason);
}
