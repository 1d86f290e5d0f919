/* SPDX-License-Identifier: Apache-2.0
 * acts.c - what agents do with the leads they were handed. A table says in which
 * states each verb is allowed; every act carries the fence of its offer, so a
 * late one of a former owner changes nothing. */
#include "core/core_private.h"

#define CALLBACK_MAX_MS (INT64_C(90) * 24 * 3600 * 1000) /* later is no appointment but a lead put aside */

typedef enum reason act_fn(struct core *core, struct lead *lead, struct agent *agent, const struct act *act);

static enum reason act_accept(struct core *core, struct lead *lead, struct agent *agent, const struct act *act)
{
    (void) act;
    if (agent->misses) {
        agent->misses = 0;
        agent_touch(core, agent);
    }
    core->programmes[lead->programme].accepts++;
    lead_handed(core, lead);
    lead_move(core, lead, MOVE_ACCEPT, LEAD_OWNED, agent->index, REASON_ACCEPTED);
    if (lead->masked)
        pull_show(core, lead, agent, lead_timer_ms(core, lead, POOL_FIRST_ACTION));
    return REASON_OK;
}

static enum reason act_decline(struct core *core, struct lead *lead, struct agent *agent, const struct act *act)
{
    (void) act;
    core->programmes[lead->programme].declines++;
    if (!pull_skip(core, agent))
        agent_declined(core, agent);
    revoke_begin(core, lead, REASON_DECLINED);
    return REASON_OK;
}

static enum reason act_action(struct core *core, struct lead *lead, struct agent *agent, const struct act *act)
{
    (void) act;
    if (calling_closed(core, lead))
        return REASON_LEAD_OUT_OF_HOURS;
    if (agent->penalty_ms) { /* who works pays no more; who accepts and gives back goes on paying */
        agent->penalty_ms = 0;
        agent_touch(core, agent);
    }
    lead->contacted = true;
    lead_move(core, lead, MOVE_ACTION, LEAD_WORKING, agent->index, REASON_ACTION);
    return REASON_OK;
}

static enum reason act_attempt_end(struct core *core, struct lead *lead, struct agent *agent, const struct act *act)
{
    (void) act;
    lead_move(core, lead, MOVE_ATTEMPT_END, LEAD_WRAP_UP, agent->index, REASON_ATTEMPT_ENDED);
    return REASON_OK;
}

static enum reason act_note(struct core *core, struct lead *lead, struct agent *agent, const struct act *act)
{
    if (act->note.len == 0)
        return REASON_NOTE_REQUIRED;
    lead_noted(core, lead);
    agent_update(core, agent);
    return REASON_OK;
}

enum lead_state lead_final_state(int class)
{
    switch (class) {
    case CLASS_WON:
        return LEAD_CLOSED_WON;
    case CLASS_LOST:
        return LEAD_CLOSED_LOST;
    case CLASS_INVALID:
        return LEAD_CLOSED_INVALID;
    case CLASS_SUPPRESSED:
        return LEAD_SUPPRESSED;
    default:
        return 0;
    }
}

static enum reason act_disposition(struct core *core, struct lead *lead, struct agent *agent, const struct act *act)
{
    const struct programme *programme = programme_of(core, lead->programme);
    const int class = disposition_class(act->code);
    const enum lead_state final = lead_final_state(class);
    if (class == 0)
        return REASON_UNKNOWN_CODE;
    if (!final && lead->state == LEAD_OWNED)
        return REASON_OWES_FIRST_ACTION;
    if (class == CLASS_CALLBACK && (act->at_ms <= now_ms(core) || act->at_ms > now_ms(core) + CALLBACK_MAX_MS))
        return REASON_BAD_FIELD;
    if (programme->note_required && !lead->noted && act->note.len == 0)
        return REASON_NOTE_REQUIRED;
    if (act->note.len > 0)
        lead_noted(core, lead);
    lead->disposition = (uint16_t) act->code;
    if (final) {
        agent->closed++;
        agent->won += class == CLASS_WON;
        agent_touch(core, agent);
        lead_move(core, lead, MOVE_DISPOSE_FINAL, final, NONE, REASON_DISPOSED_FINAL);
        if (class == CLASS_SUPPRESSED)
            suppress_lead(core, lead);
        return REASON_OK;
    }
    followup_dispose(core, lead, class, act->at_ms);
    return REASON_OK;
}

static enum reason act_release(struct core *core, struct lead *lead, struct agent *agent, const struct act *act)
{
    (void) act;
    if (lead->state == LEAD_OWNED) /* not even tried: looking for an easy one costs */
        agent_declined(core, agent);
    revoke_begin(core, lead, REASON_RELEASED);
    return REASON_OK;
}

#define IN(state) (1u << LEAD_##state)
static const struct {
    enum act_verb verb;
    uint32_t states;
    act_fn *act;
    uint32_t evidence; /* of work: enum evidence */
} verbs[] = {
    {VERB_ACCEPT, IN(OFFERED), act_accept, EVIDENCE_ACCEPT},
    {VERB_DECLINE, IN(OFFERED), act_decline, 0},
    {VERB_ACTION, IN(OWNED) | IN(WORKING), act_action, EVIDENCE_ACT},
    {VERB_ATTEMPT_END, IN(WORKING), act_attempt_end, EVIDENCE_ACT},
    {VERB_NOTE, IN(OWNED) | IN(WORKING) | IN(WRAP_UP), act_note, EVIDENCE_NOTE},
    {VERB_DISPOSITION, IN(OWNED) | IN(WORKING) | IN(WRAP_UP), act_disposition, EVIDENCE_DISPOSITION},
    {VERB_RELEASE, IN(OWNED) | IN(WORKING) | IN(WRAP_UP), act_release, 0},
};

static bool was_done(const struct lead *lead, struct id op)
{
    const struct past *past = lead->past;
    for (uint32_t i = 0; past && i < past->n_receipts; i++)
        if (!id_is_none(op) && id_equal(past->receipts[i], op))
            return true;
    return false;
}

static void keep_receipt(struct lead *lead, struct id op)
{
    struct past *past = leads_past(lead);
    past->receipts[past->receipt_next] = op;
    past->receipt_next = (uint8_t) ((past->receipt_next + 1) % RECEIPTS_KEPT);
    past->n_receipts = (uint8_t) (past->n_receipts < RECEIPTS_KEPT ? past->n_receipts + 1 : RECEIPTS_KEPT);
}

static enum reason perform(struct core *core, struct lead *lead, struct agent *agent, const struct act *act)
{
    if (act->verb == VERB_WITHDRAWN) {
        /* it names the ownership that ended, whose fence is one before that of the revocation */
        if (lead->state == LEAD_REVOKING && lead->former == agent->index && agent->shown_until_ms <= run_ms(core) &&
            (uint32_t) lead->fence == (uint32_t) act->fence + 1)
            revoke_let_go(core, lead, REASON_WITHDRAWN);
        return REASON_OK;
    }
    if (was_done(lead, act->op))
        return REASON_OK;
    if (lead->owner != agent->index || lead->fence != act->fence) {
        core->stale_refusals++;
        return REASON_STALE_FENCE;
    }
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (verbs[i].verb != act->verb)
            continue;
        if (!(verbs[i].states >> lead->state & 1))
            return REASON_WRONG_STATE;
        const enum reason reason = verbs[i].act(core, lead, agent, act);
        if (reason == REASON_OK) { /* refusals changed nothing and may be tried again */
            keep_receipt(lead, act->op);
            lead_touch(core, lead);
            activity_seen(core, agent, verbs[i].evidence);
            if (verbs[i].evidence & (EVIDENCE_ACT | EVIDENCE_DISPOSITION))
                balance_worked(core, agent, lead);
        }
        return reason;
    }
    return REASON_BAD_FIELD;
}

void acts_say(struct core *core, uint32_t peer, const struct msg *msg)
{
    struct agent *agent = core->agents[core->peers[peer].index];
    const struct msg_agent_says *says = &msg->says;
    struct lead *leads[ACTS_MAX]; /* all looked up first: they come from memory side by side */
    assert(says->n_acts <= ACTS_MAX);
    for (uint32_t i = 0; i < says->n_acts; i++)
        leads[i] = leads_find(core, says->acts[i].lead);
    for (uint32_t i = 0; i < says->n_acts; i++) {
        const struct act *act = &says->acts[i];
        struct lead *lead = leads[i];
        /* absent and never yours look the same to a stranger */
        const enum reason reason = lead ? perform(core, lead, agent, act) : REASON_STALE_FENCE;
        effects_result(
            core->effects, peer,
            &(struct act_result){act->op, act->lead, reason, reason == REASON_STALE_FENCE ? 0 : lead->state});
    }
    if (says->has_intent)
        presence_intent(core, agent, says);
    if (says->has_ready) {
        activity_seen(core, agent, EVIDENCE_READY);
        presence_ready(core, agent, says);
    }
}
