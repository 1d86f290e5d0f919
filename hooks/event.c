/* SPDX-License-Identifier: Apache-2.0
 * event.c - see event.h. Which reason a lead was lost for is in its row only while
 * no further move of the same beat wrote another one there: an offer whose time is
 * over may go to the next agent at once. Then its former deadline says whether
 * that was the cause, and REASON_OK stands for "not known". */
#include "hooks/event.h"

#include <assert.h>
#include <string.h>

enum change { CHANGE_LOST, CHANGE_TAKEN, CHANGE_MOVED, CHANGE_UNMET, CHANGE_MET, CHANGES };

enum {
    STATE_ANY = 0,
    REASON_ANY = REASON_MAX + 1,
#define LEAD_STATE(number, name, kind, text) STATE_##name = number,
#include "core/lead_states.def"
};

static const struct {
    enum hook_event event;
    enum change change;
    unsigned state, reason;
} whens[] = {
#define HOOK_WHEN(name, change, state, reason) {HOOK_##name, CHANGE_##change, STATE_##state, REASON_##reason},
#include "hooks/hook_events.def"
};

static const struct {
    const char *word, *text;
} events[HOOK_EVENTS] = {
#define HOOK_EVENT(name, word, text) {#word, text},
#include "hooks/hook_events.def"
};

const char *hook_event_word(enum hook_event event)
{
    return events[event].word;
}

const char *hook_event_text(enum hook_event event)
{
    return events[event].text;
}

bool hook_event_by_word(const char *word, enum hook_event *ret_event)
{
    for (unsigned i = 0; i < HOOK_EVENTS; i++)
        if (strcmp(events[i].word, word) == 0) {
            *ret_event = (enum hook_event) i;
            return true;
        }
    return false;
}

enum state_kind { KIND_NONE, KIND_NOBODY, KIND_AGENT, KIND_END };
static const struct {
    enum state_kind kind;
    const char *name;
} states[STATE_MAX + 1] = {
#define LEAD_STATE(number, name, kind, text) [number] = {KIND_##kind, #name},
#include "core/lead_states.def"
};

const char *hook_state_name(unsigned state)
{
    return state <= STATE_MAX && states[state].name != NULL ? states[state].name : "?";
}

bool event_is_end(const struct lead_image *now)
{
    return now->state <= STATE_MAX && states[now->state].kind == KIND_END;
}

bool event_is_held(const struct lead_image *now, struct held *ret)
{
    if (now->state > STATE_MAX || states[now->state].kind != KIND_AGENT || now->owner == IMAGE_NOBODY)
        return false;
    *ret = (struct held){now->state, now->owner, now->fence, now->due_ms, now->last_act};
    return true;
}

/* What each state's deadline is called when it is over. */
static enum reason overdue(const struct held *before, const struct lead_image *now)
{
    if (before->due_ms > now->state_us / 1000)
        return REASON_OK;
    switch (before->state) {
    case STATE_OFFERED:
        return REASON_OFFER_LAPSED;
    case STATE_OWNED:
        return REASON_FIRST_ACTION_LATE;
    case STATE_WORKING:
        return REASON_ACTIVITY_LATE;
    case STATE_WRAP_UP:
        return REASON_DISPOSITION_LATE;
    case STATE_PIPELINE:
        return REASON_PIPELINE_LATE;
    default:
        return REASON_OK;
    }
}

static enum reason lost_for(const struct held *before, const struct lead_image *now)
{
    const bool told = now->state == STATE_REVOKING || (now->state == STATE_POOLED && now->reason != REASON_REFILL) ||
                      now->state == STATE_SUPPRESSED;
    return told ? (enum reason) now->reason : overdue(before, now);
}

/* Which of the changes this is, as a set of bits. */
static unsigned changes_of(const struct held *before, const struct lead_image *now, bool fresh)
{
    struct held held;
    const bool is_held = event_is_held(now, &held);
    const bool same_hold = before != NULL && is_held && held.fence == before->fence;
    const bool other_hand = before != NULL && !(is_held && held.owner == before->owner);
    /* each act of an agent leaves its op; what takes a lead from one does not */
    const bool own_act = before != NULL && !id_equal(before->last_act, now->last_act);
    unsigned set = 0;
    if (other_hand && !own_act)
        set |= 1u << CHANGE_LOST;
    if (is_held && !same_hold)
        set |= 1u << CHANGE_TAKEN;
    if (fresh || (before != NULL && !same_hold))
        set |= 1u << CHANGE_MOVED | 1u << (now->contacted ? CHANGE_MET : CHANGE_UNMET);
    return set;
}

uint32_t event_derive(const struct held *before, const struct lead_image *now, bool fresh, struct told ret[TOLD_MAX])
{
    const unsigned set = changes_of(before, now, fresh);
    const enum reason lost = set >> CHANGE_LOST & 1 ? lost_for(before, now) : REASON_OK;
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof whens / sizeof *whens; i++) {
        const bool of_former = whens[i].change == CHANGE_LOST;
        const unsigned reason = of_former ? lost : now->reason;
        if (!(set >> whens[i].change & 1) || (whens[i].state != STATE_ANY && whens[i].state != now->state) ||
            (whens[i].reason != REASON_ANY && whens[i].reason != reason))
            continue;
        assert(n < TOLD_MAX);
        const bool knows_former = of_former || (before != NULL && states[now->state].kind == KIND_END);
        ret[n++] = (struct told){.event = whens[i].event,
                                 .agent = knows_former ? before->owner : now->owner,
                                 .fence = of_former ? before->fence : now->fence,
                                 .reason = (enum reason) reason};
    }
    return n;
}
