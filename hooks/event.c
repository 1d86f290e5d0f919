/* SPDX-License-Identifier: Apache-2.0
 * event.c - see event.h. */
#include "hooks/event.h"

#include <assert.h>
#include <string.h>

enum change { CHANGE_LOST, CHANGE_TAKEN, CHANGE_MOVED, CHANGE_UNMET, CHANGE_MET };

enum {
    LEAD_ANY = 0,
    REASON_ANY = REASON_MAX + 1,
};

static const struct {
    enum hook_event event;
    enum change change;
    unsigned state, reason;
} whens[] = {
#define HOOK_WHEN(name, change, state, reason) {HOOK_##name, CHANGE_##change, LEAD_##state, REASON_##reason},
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

bool event_is_end(const struct image_lead *now)
{
    return lead_state_kind(now->state) == LEAD_KIND_END;
}

bool event_is_held(const struct image_lead *now, struct held *ret)
{
    if (lead_state_kind(now->state) != LEAD_KIND_AGENT || now->owner == IMAGE_NOBODY)
        return false;
    *ret = (struct held){now->state, now->owner, now->fence, now->due_ms};
    return true;
}

static bool is_move(const struct image_step *step)
{
    return step->reason != REASON_NOTED;
}

/* The move by which its former holder lost it: the first of the beat that left it with nobody or another. */
static const struct image_step *loss_of(const struct held *before, const struct image_lead *now)
{
    for (uint32_t i = 0; i < now->n_steps; i++)
        if (is_move(&now->steps[i]) && now->steps[i].agent != before->owner)
            return &now->steps[i];
    return NULL;
}

/* Used up with the loss: the row says that, and not what the agent was late with. Its deadline does. */
static enum reason loss_reason(const struct held *before, const struct image_lead *now, const struct image_step *loss)
{
    if (loss->reason != REASON_MAX_DISTRIBUTIONS || before->due_ms > now->state_us / 1000)
        return loss->reason;
    switch (before->state) {
    case LEAD_OWNED:
        return REASON_FIRST_ACTION_LATE;
    case LEAD_WORKING:
        return REASON_ACTIVITY_LATE;
    case LEAD_WRAP_UP:
        return REASON_DISPOSITION_LATE;
    case LEAD_PIPELINE:
        return REASON_PIPELINE_LATE;
    default:
        return REASON_MAX_DISTRIBUTIONS;
    }
}

static bool is_own_act(unsigned reason)
{
    static const unsigned own[] = {
#define HOOK_OWN_ACT(reason) REASON_##reason,
#include "hooks/hook_events.def"
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i] == reason)
            return true;
    return false;
}

/* The latest move of the beat that is as the row says. */
static const struct image_step *move_of(const struct image_lead *now, unsigned state, unsigned reason)
{
    for (uint32_t i = now->n_steps; i > 0; i--) {
        const struct image_step *step = &now->steps[i - 1];
        if (is_move(step) && (state == LEAD_ANY || step->state == state) &&
            (reason == REASON_ANY || step->reason == reason))
            return step;
    }
    return NULL;
}

/* What of this change a row of the list is about; NULL: nothing. */
static const struct image_step *match(size_t when, const struct held *before, const struct image_lead *now)
{
    const unsigned state = whens[when].state, reason = whens[when].reason;
    const struct image_step *loss = before != NULL ? loss_of(before, now) : NULL;
    struct held held;
    switch (whens[when].change) {
    case CHANGE_LOST:
        return loss != NULL && !is_own_act(loss->reason) &&
                       (reason == REASON_ANY || reason == loss_reason(before, now, loss))
                   ? loss
                   : NULL;
    case CHANGE_TAKEN:
        if (!event_is_held(now, &held) || state != now->state || (before != NULL && before->fence == held.fence))
            return NULL;
        return move_of(now, state, reason);
    case CHANGE_UNMET:
        return now->worked_on ? NULL : move_of(now, state, reason);
    case CHANGE_MET:
        return now->worked_on ? move_of(now, state, reason) : NULL;
    case CHANGE_MOVED:
        return move_of(now, state, reason);
    }
    return NULL;
}

uint32_t event_derive(const struct held *before, const struct image_lead *now, struct told ret[TOLD_MAX])
{
    uint32_t n = 0;
    for (size_t i = 0; i < sizeof whens / sizeof *whens; i++) {
        const struct image_step *step = match(i, before, now);
        if (step == NULL)
            continue;
        assert(n < TOLD_MAX);
        const bool of_former = whens[i].change == CHANGE_LOST;
        const bool knows_former = of_former || (before != NULL && lead_state_kind(step->state) == LEAD_KIND_END);
        ret[n++] = (struct told){.event = whens[i].event,
                                 .agent = knows_former ? before->owner : step->agent,
                                 .fence = of_former ? before->fence : now->fence,
                                 .reason = of_former ? loss_reason(before, now, step) : step->reason};
    }
    return n;
}
