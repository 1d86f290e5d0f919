/* SPDX-License-Identifier: Apache-2.0
 * desk.h - one agent's leads in hand, and the words to work on them: the part of
 * `takt agent` that is the same for a person and for a script.
 *
 * A word without a lead id means the lead that came last; with one lead at a
 * time, which is the rule, nobody types an id. */
#ifndef TAKT_CLI_DESK_H
#define TAKT_CLI_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include "client/takt.h"

enum { DESK_LEADS_MAX = 64 };

struct desk_lead {
    takt_id id;
    uint64_t fence;
    unsigned state;
    int64_t answer_until_us; /* monotonic; 0 = no time runs */
};

struct desk {
    takt_t *takt;
    enum takt_intent intent; /* what "back" goes back to */
    bool quit;
    unsigned n_leads;
    struct desk_lead leads[DESK_LEADS_MAX]; /* oldest first */
};

/* Keep the leads in hand as an event says. */
void desk_take(struct desk *desk, const struct takt_event *event, int64_t now_us);

/* Do one line of words. Returns 0, or -1 with a sentence in why. */
int desk_do(struct desk *desk, char *line, char why[200]);

/* The words there are, as lines for people. */
const char *desk_help(void);

#endif
