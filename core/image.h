/* SPDX-License-Identifier: Apache-2.0
 * image.h - rows of the log as plain values, for who reads a history and is no
 * broker: reports, one lead's life, hooks.
 *
 * Nothing is kept from row to row. Leads are read by the functions that recover
 * them, into one lead of a core that nobody else sees, so that the bytes of their
 * rows are known in one place; of other rows a few fields, by hand. Names of programmes are those of the row, since the
 * policy of then need not be the one of now. */
#ifndef TAKT_CORE_IMAGE_H
#define TAKT_CORE_IMAGE_H

#include "core/lead_states.h"
#include "core/record.h"

enum { IMAGE_NOBODY = UINT32_MAX };

struct image_step { /* a move or a note */
    uint32_t state; /* enum lead_state, as it was then */
    enum reason reason;
    uint32_t agent; /* index of who held it then; IMAGE_NOBODY */
};

struct image_decision { /* why the lead went where it went, the last time */
    uint64_t request;   /* of the snapshot; 0: none was made */
    int64_t at_us;
    uint32_t winner, runner_up; /* indexes of agents, or IMAGE_NOBODY */
    uint32_t policy_version, candidates;
    int32_t score, margin;
    enum reason by;
    uint32_t strategy;
};
struct image_route { /* the rule that placed it; version 0: none */
    uint32_t policy_version, line, number;
    bool again; /* of those for leads that were taken back */
};

struct image_lead {
    struct id id;
    uint32_t state;
    enum reason reason; /* of the last move */
    int64_t state_us;   /* when that was */
    char programme[NAME_BYTES_MAX + 1];
    char pool[POOL_NAME_MAX];      /* it waits in; "" */
    char team[NAME_BYTES_MAX + 1]; /* whose pool that is; "" */
    bool terminal, worked_on;      /* worked_on: at least one action */
    uint32_t owner, winner;        /* winner: of the last decision. Indexes of agents, or IMAGE_NOBODY */
    uint64_t fence;
    uint32_t attempts, disposition;
    int64_t due_ms;                 /* its deadline: core time */
    int64_t handed_us;              /* when it was first in a hand; 0 = never */
    bool moved_last;                /* in this beat: the last step is its state of now, since state_us */
    const struct image_step *steps; /* what happened in this beat, in order; until the next row */
    uint32_t n_steps;
    struct image_decision decision;
    struct image_route route;
};

struct image_input {
    struct id id;
    struct slice source, raw; /* raw: the encoded Lead */
    int64_t received_us;
    uint64_t value_cents; /* 0: none was named */
    uint32_t cost_cents;
    int32_t priority;
    uint64_t seq; /* order of arrival */
    uint32_t n_features;
    struct feature features[ROW_ATTRIBUTES_MAX];
};

struct image_agent {
    struct slice name, team;
    uint32_t index;
    bool gone;    /* it was forgotten: name, team and index are all there is */
    bool on_duty; /* here, and available or on demand */
    int64_t idle_since_us;
    uint32_t won, closed;
    uint32_t n_skills, skills[SKILLS_MAX];
};

struct image_import {
    struct id id;
    struct slice source;
    uint32_t accepted, duplicate, rejected;
};

struct image_cell {
    int64_t paused_ms; /* all outages and pauses so far */
    int64_t now_us;    /* when the beat was */
};

struct image; /* a reader of leads; one a log */

struct image *image_new(void);
void image_destroy(struct image **image_p);

/* False: the row is damaged or of another kind; *ret is then of no use. */
bool image_lead(struct image *image, const struct row_ref *row, struct image_lead *ret);
bool image_input(const struct row_ref *row, struct image_input *ret);
bool image_agent(const struct row_ref *row, struct image_agent *ret);
bool image_import(const struct row_ref *row, struct image_import *ret);
bool image_cell(const struct row_ref *row, struct image_cell *ret);

#endif
