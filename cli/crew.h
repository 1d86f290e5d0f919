/* SPDX-License-Identifier: Apache-2.0
 * crew.h - a simulated agent: takes leads over a real socket, works on them by a
 * seeded mix, and keeps a diary of what it believes to hold.
 *
 * What it does next it reads from the lead's state in the broker's last word,
 * not from what it did before, so that it goes on after any reconnect. */
#ifndef TAKT_CLI_CREW_H
#define TAKT_CLI_CREW_H

#include <stdbool.h>
#include <stdint.h>

#include "cli/belief.h"
#include "client/takt.h"
#include "common/buf.h"

struct crew_plan { /* the same for all agents of a crew */
    const char *endpoint, *team;
    bool pull;                 /* one lead for each ready; else AVAILABLE */
    bool accept_only;          /* take leads and do nothing with them */
    uint32_t capacity;         /* 0 = the programme's */
    int64_t act_ms;            /* from the first action to the end of the attempt */
    uint32_t pipeline_percent; /* of the dispositions that are not final */
    const char *const *skills; /* NULL-terminated, or NULL */
    struct belief_log *belief; /* NULL = none */
    unsigned disposition;      /* of every lead; 0 = by the mix */
    /* Called with each lead that is new in hand; false: it is not this crew's to work on and goes back. NULL: all are.
     */
    bool (*is_ours)(void *context, const struct takt_event *offer);
    void *context;
};

struct crew_counts {
    uint64_t connects, offers, accepted, granted, closed, pipeline, withdrawn, refused_acts, busy, given_back;
    unsigned fatal_reason; /* of an agent the broker will not have; 0 = none */
    struct buf receipt_us; /* uint32_t each: from an accept to its receipt */
};

struct crew_spread {
    uint32_t p50, p99, most; /* 0 of nothing */
    size_t n;
};
struct crew_spread crew_spread(const struct buf *times_us); /* uint32_t each; they are put in order */

struct crew_agent;

struct crew_agent *crew_new(const struct crew_plan *plan, struct crew_counts *counts, const char *name, uint64_t seed,
                            char why[160]);
void crew_destroy(struct crew_agent **agent_p);
int crew_fd(const struct crew_agent *agent);

/* Deal with all that arrived and all that is due; returns how many events and
 * acts that were. Call it when crew_fd() is readable and at crew_next_us(). */
unsigned crew_turn(struct crew_agent *agent, int64_t now_us);
int64_t crew_next_us(const struct crew_agent *agent);
unsigned crew_holds(const struct crew_agent *agent);

#endif
