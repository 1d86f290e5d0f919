/* SPDX-License-Identifier: Apache-2.0
 * revoke.c - how an owner is replaced. Ownership ends for the old agent before it
 * begins for the next: a lead goes back to its pool only when the old one said
 * that it let go, or cannot show it any more because its validity and the guard
 * are over. In between it is REVOKING. */
#include "core/core_private.h"
#include "core/limits.h"

static bool redistribution(const struct lead *lead)
{
    return lead->state == LEAD_OWNED || lead->state == LEAD_WORKING || lead->state == LEAD_WRAP_UP ||
           lead->state == LEAD_PIPELINE;
}

/* Its way through the rings begins anew with each hand it was in. Who is only handed round, declined or not answered,
 * is told of when all rings would have been over: nobody else would. */
static void alert_of_untouched(struct core *core, struct lead *lead)
{
    const int64_t rings_us = 3 * 1000 * programme_of(core, lead->programme)->unclaimed_ms;
    if (lead->contacted || lead->alerted || core->now_us - lead->pooled_us < rings_us)
        return;
    lead->alerted = true;
    core->programmes[lead->programme].alerts++;
}

static void to_pool(struct core *core, struct lead *lead, enum reason reason)
{
    lead->noted = false;
    alert_of_untouched(core, lead);
    place_lead(core, lead, MOVE_LET_GO, ROUTES_AGAIN, reason);
}

/* Who declines or gives back shows it no more; but a device this agent left behind may. */
static bool lets_go_at_once(const struct core *core, const struct agent *owner, enum reason reason)
{
    return owner->valid_until_ms <= run_ms(core) ||
           ((reason == REASON_DECLINED || reason == REASON_RELEASED) && owner->shown_until_ms <= run_ms(core));
}

void revoke_begin(struct core *core, struct lead *lead, enum reason reason)
{
    struct agent *owner = core->agents[lead->owner];
    const struct programme *programme = programme_of(core, lead->programme);
    limits_refund(core, lead, reason);
    if (reason == REASON_LEAD_OUT_OF_HOURS || reason == REASON_OFF_SHIFT || reason == REASON_ABSENT) {
        /* its owner could not have called it */
    } else if (redistribution(lead)) {
        lead->distributions++;
        core->programmes[lead->programme].redistributions++;
        lead_exclude(core, lead, lead->owner, REASON_EXCLUDED_PAST_OWNER, INT64_MAX);
    } else if (reason == REASON_OFFER_LAPSED || reason == REASON_DECLINED) {
        lead_exclude(core, lead, lead->owner, REASON_DECLINED_UNTIL, run_ms(core) + programme->decline_exclusion_ms);
    }
    if (owner->peer && reason != REASON_DECLINED && reason != REASON_RELEASED)
        effects_withdrawal(core->effects, owner->peer, &(struct withdrawal){lead->id, lead->fence, reason});
    if (lead->distributions >= programme->distributions_max) {
        if (!lead->contacted) {
            lead->alerted = true;
            core->programmes[lead->programme].alerts++;
        }
        lead_move(core, lead, MOVE_EXHAUST, LEAD_EXHAUSTED, NONE, REASON_MAX_DISTRIBUTIONS);
    } else if (lets_go_at_once(core, owner, reason)) {
        to_pool(core, lead, reason);
    } else if (lead->state == LEAD_PIPELINE) {
        to_pool(core, lead, reason); /* not shown while it waits: nothing to take back */
    } else {
        lead_move(core, lead, MOVE_REVOKE, LEAD_REVOKING, NONE, reason);
    }
}

void revoke_let_go(struct core *core, struct lead *lead, enum reason reason)
{
    if (lead->state == LEAD_REVOKING)
        to_pool(core, lead, reason);
}
