/* SPDX-License-Identifier: Apache-2.0
 * orders.c - what operators do with a lead by hand: give it to an agent, take it
 * back, let it out of HELD or refuse it there, open it again. A hand wins over the
 * rules, but not over the fence: whoever has the lead lets go first, as always.
 *
 * Who gave the order and why stands on the lead, so it is in the log for good. No
 * rotation moves: whose turn it was is whose turn it is. An agent may get more
 * than its limit by hand; it gets nothing else until it is below it again. */
#include "core/core_private.h"
#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

#define IN(state) (1u << LEAD_##state)

typedef enum reason order_fn(struct core *core, struct lead *lead, const struct msg_order *order, struct agent *agent);

static void assign(struct core *core, struct lead *lead, struct agent *agent)
{
    leads_past(lead)->decision = (struct decision){.at_us = core->now_us,
                                                   .winner = agent->index,
                                                   .runner_up = NONE,
                                                   .policy_version = core->policy.version,
                                                   .by = REASON_ASSIGNED,
                                                   .counted = limits_take(core, agent, lead->cost_cents)};
    lead_admit(core, lead, agent->index);
    followup_by_hand(core, lead);
    activity_given(core, agent);
    core->programmes[lead->programme].offers++;
    lead_move(core, lead, MOVE_ASSIGN, LEAD_OWNED, agent->index, REASON_ASSIGNED);
    lead->noted = lead->passed = false;
    lead->refusals = 0;
    lead_handed(core, lead);
    agent_keep_open(core, agent);
    verdict_tell(core, lead, agent);
}

/* What the law asks, what was bought for and what was promised, no hand may give away. */
static enum reason why_not(const struct core *core, const struct lead *lead, const struct agent *agent)
{
    enum reason why = pair_rules(core, lead, agent);
    if (why == REASON_OK)
        why = duty_why_not(core, agent);
    if (why != REASON_OK)
        return why;
    if (suppress_has(core, slice_of(lead->raw, lead->given_len)))
        return REASON_SUPPRESSED_CONTACT;
    if (calling_closed(core, lead))
        return REASON_LEAD_OUT_OF_HOURS;
    if (limits_room(core, agent, &why) == 0)
        return why;
    return limits_affords(core, agent, lead) ? REASON_OK : REASON_BUDGET;
}

bool orders_assign(struct core *core, struct lead *lead)
{
    struct agent *agent = core->agents[followup_look(lead)->assign_to];
    followup_assign_to(core, lead, NONE);
    if (!agent->present || !agent->peer || why_not(core, lead, agent) != REASON_OK)
        return false;
    assign(core, lead, agent);
    return true;
}

static enum reason order_assign(struct core *core, struct lead *lead, const struct msg_order *order,
                                struct agent *agent)
{
    (void) order;
    if (!agent)
        return REASON_UNKNOWN_AGENT;
    if (!agent->present || !agent->peer || agent->intent == INTENT_OFFLINE)
        return REASON_NOT_CONNECTED;
    const enum reason why = why_not(core, lead, agent);
    if (why != REASON_OK)
        return why;
    if (lead->state == LEAD_REVOKING || lead->owner != NONE)
        followup_assign_to(core, lead, agent->index);
    if (lead->owner != NONE)
        revoke_begin(core, lead, REASON_TAKEN_BY_HAND);
    else if (lead->state != LEAD_REVOKING)
        assign(core, lead, agent);
    return REASON_OK;
}

static enum reason order_release(struct core *core, struct lead *lead, const struct msg_order *order,
                                 struct agent *agent)
{
    (void) order;
    (void) agent;
    if (lead->owner != NONE)
        revoke_begin(core, lead, REASON_TAKEN_BY_HAND);
    else if (lead->state == LEAD_COOLING)
        followup_recycle(core, lead, REASON_TAKEN_BY_HAND);
    else
        place_back(core, lead, MOVE_OPEN, lead->reason == REASON_VETTING ? REASON_VETTED : REASON_TAKEN_BY_HAND);
    return REASON_OK;
}

static enum reason order_reject(struct core *core, struct lead *lead, const struct msg_order *order,
                                struct agent *agent)
{
    (void) agent;
    const enum lead_state final = lead_final_state(disposition_class(order->code));
    if (final == 0 || final == LEAD_CLOSED_WON)
        return REASON_UNKNOWN_CODE;
    lead->disposition = (uint16_t) order->code;
    lead_move(core, lead, MOVE_REJECT, final, NONE, REASON_REJECTED);
    return REASON_OK;
}

/* Not while a device that its last owner left behind may show it. */
static enum reason order_reopen(struct core *core, struct lead *lead, const struct msg_order *order,
                                struct agent *agent)
{
    (void) order;
    (void) agent;
    if (!revoke_is_unseen(core, lead))
        return REASON_STILL_SHOWN;
    if (programme_of(core, lead->programme)->retired)
        return REASON_NO_PROGRAMME;
    if (suppress_has(core, slice_of(lead->raw, lead->given_len)))
        return REASON_SUPPRESSED_CONTACT;
    followup_begin_again(core, lead);
    place_lead(core, lead, MOVE_REOPEN, ROUTES_FIRST, REASON_REOPENED);
    return REASON_OK;
}

static const struct {
    enum order_what what;
    uint32_t states;
    order_fn *order;
} orders[] = {
    {ORDER_ASSIGN,
     IN(HELD) | IN(POOLED) | IN(OFFERED) | IN(OWNED) | IN(WORKING) | IN(WRAP_UP) | IN(REVOKING) | IN(PIPELINE) |
         IN(COOLING),
     order_assign},
    {ORDER_RELEASE, IN(HELD) | IN(OFFERED) | IN(OWNED) | IN(WORKING) | IN(WRAP_UP) | IN(PIPELINE) | IN(COOLING),
     order_release},
    {ORDER_REJECT, IN(HELD), order_reject},
    {ORDER_REOPEN, IN(CLOSED_WON) | IN(CLOSED_LOST) | IN(CLOSED_INVALID) | IN(EXHAUSTED), order_reopen},
};

static bool was_done(const struct lead *lead, struct id op)
{
    const struct follow *follow = followup_look(lead);
    for (uint32_t i = 0; i < follow->n_orders; i++)
        if (id_equal(follow->orders[i].op, op))
            return true;
    return false;
}

static void copy_text(struct slice text, char *to, size_t max)
{
    assert(text.len <= max);
    memcpy(to, text.at, text.len);
    to[text.len] = 0;
}

static void keep(struct core *core, struct lead *lead, const struct msg_order *order, const struct agent *agent)
{
    struct follow *follow = followup_of(lead);
    if (!follow->orders && !(follow->orders = calloc(ORDERS_KEPT, sizeof *follow->orders)))
        abort();
    if (follow->n_orders == ORDERS_KEPT)
        memmove(follow->orders, follow->orders + 1, --follow->n_orders * sizeof *follow->orders);
    struct order *kept = &follow->orders[follow->n_orders++];
    *kept = (struct order){
        .op = order->op, .at_us = core->now_us, .agent = agent ? agent->index : NONE, .what = (uint8_t) order->what};
    copy_text(order->actor, kept->actor, NAME_BYTES_MAX);
    copy_text(order->why, kept->why, WHY_BYTES_MAX);
    lead_touch(core, lead);
}

static enum reason take(struct core *core, struct lead *lead, const struct msg_order *order)
{
    struct agent *agent = order->what == ORDER_ASSIGN ? agent_find(core, order->agent) : NULL;
    if (was_done(lead, order->op))
        return REASON_OK;
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        if (orders[i].what != order->what)
            continue;
        if (!(orders[i].states >> lead->state & 1))
            return REASON_WRONG_STATE;
        const enum reason reason = orders[i].order(core, lead, order, agent);
        if (reason == REASON_OK)
            keep(core, lead, order, agent);
        return reason;
    }
    return REASON_BAD_FIELD;
}

void orders_take(struct core *core, uint32_t peer, const struct msg *msg)
{
    struct lead *lead = leads_find(core, msg->order.lead);
    report_lead_answer(core, peer, msg->order.lead, lead ? take(core, lead, &msg->order) : REASON_UNKNOWN_LEAD);
}
