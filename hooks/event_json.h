/* SPDX-License-Identifier: Apache-2.0
 * event_json.h - an event as the line of JSON that its receivers see; docs/HOOKS.md
 * describes it. The line without what is in the lead is made once, kept and
 * queued; what a hook may see of the lead is put in when it is sent, so contact
 * data lies in no file of ours. */
#ifndef TAKT_HOOKS_EVENT_JSON_H
#define TAKT_HOOKS_EVENT_JSON_H

#include "broker/store.h"
#include "common/buf.h"
#include "hooks/event.h"
#include "hooks/hook_file.h"

struct event_facts {
    struct told told;
    const struct image_lead *now;
    struct id lead;
    struct slice agent, team; /* empty: none */
    struct slice input;       /* its ROW_INPUT whole, if a hook wants it; empty: none */
    const char *cell;
    struct position entry;
};

void event_json(const struct event_facts *facts, struct buf *ret_line);

/* What a queue and a sender need of such a line, wherever it was kept. */
enum { EVENT_ID_MAX = 96, EVENT_WORD_MAX = 16 };
struct event_head {
    char id[EVENT_ID_MAX], word[EVENT_WORD_MAX];
    struct id lead;
    int64_t at_ms;
    struct position entry;
};
bool event_json_head(struct slice line, struct event_head *ret);

/* The line with `lead_data`, as much of it as `fields` allows; `input` is a ROW_INPUT whole, empty: there is none. */
struct wire;
void event_json_whole(struct slice line, enum hook_fields fields, struct slice input, struct wire *wire,
                      struct buf *ret_body);

/* What `takt hooks test` sends. */
void event_json_sample(const char *cell, int64_t at_ms, struct buf *ret_line);

#endif
