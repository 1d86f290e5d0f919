/* SPDX-License-Identifier: Apache-2.0
 * event.h - what is worth telling of a lead's change, by the table in hook_events.def.
 *
 * Pure: an after-image in, and who had the lead before, events out. The image has
 * all moves of its beat, but a fence only for the last: an offer that was taken
 * back within its beat never left the broker, and is not told. */
#ifndef TAKT_HOOKS_EVENT_H
#define TAKT_HOOKS_EVENT_H

#include "core/image.h"

enum hook_event {
#define HOOK_EVENT(name, word, text) HOOK_##name,
#include "hooks/hook_events.def"
    HOOK_EVENTS
};

const char *hook_event_word(enum hook_event event); /* "offer" */
const char *hook_event_text(enum hook_event event);
bool hook_event_by_word(const char *word, enum hook_event *ret_event);

bool event_is_end(const struct image_lead *now);

/* Of a lead in a hand: what must be remembered until it leaves it. */
struct held {
    uint32_t state, owner;
    uint64_t fence;
    int64_t due_ms;
};

/* True, and what to remember, if somebody has the lead. */
bool event_is_held(const struct image_lead *now, struct held *ret);

struct told {
    enum hook_event event;
    uint32_t agent; /* whom it is about; IMAGE_NOBODY: nobody */
    uint64_t fence; /* of the ownership that it is about */
    enum reason reason;
};
enum {
    TOLD_MAX = 0
#define HOOK_WHEN(name, change, state, reason) +1
#include "hooks/hook_events.def"
};

/* `before`: NULL, when nobody had it. Returns how many. */
uint32_t event_derive(const struct held *before, const struct image_lead *now, struct told ret[TOLD_MAX]);

#endif
