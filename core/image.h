/* SPDX-License-Identifier: Apache-2.0
 * image.h - rows of the log as plain values, for who reads a history and is no
 * broker: reports, one lead's life.
 *
 * Nothing is kept from row to row. Leads are read by the functions that recover
 * them, into one lead of a core that nobody else sees, so that the bytes of a row
 * are known in one place. Names of programmes are those of the row, since the
 * policy of then need not be the one of now. */
#ifndef TAKT_CORE_IMAGE_H
#define TAKT_CORE_IMAGE_H

#include "core/policy.h"
#include "core/record.h"

struct image_step { /* a move or a note */
    uint32_t state; /* enum lead_state, as it was then */
    enum reason reason;
    uint32_t agent; /* index of who held it then; IMAGE_NOBODY */
};

struct image_lead {
    struct id id;
    uint32_t state;
    enum reason reason; /* of the last move */
    int64_t state_us;   /* when that was */
    char programme[NAME_BYTES_MAX + 1];
    char pool[POOL_NAME_MAX]; /* it waits in; "" */
    bool terminal, worked_on; /* worked_on: at least one action */
    uint32_t owner, winner;   /* winner: of the last decision. Indexes of agents, or IMAGE_NOBODY */
    uint32_t attempts, disposition;
    int64_t handed_us;              /* when it was first in a hand; 0 = never */
    bool moved_last;                /* in this beat, and behind all steps */
    const struct image_step *steps; /* what else happened in this beat, in order; until the next row */
    uint32_t n_steps;
};

struct image_input {
    struct id id;
    struct slice source, raw; /* raw: the encoded Lead as it came; until the next row */
    int64_t received_us;
    uint64_t value_cents; /* 0: none was named */
    uint32_t cost_cents;
};

struct image_agent {
    struct slice name, team;
    uint32_t index;
    bool on_duty; /* here, and available or on demand */
};

struct image_import {
    struct id id;
    struct slice source;
    uint32_t accepted, duplicate, rejected;
};

struct image; /* a reader of rows; one a log */

struct image *image_new(const struct policy *policy); /* any policy */
void image_destroy(struct image **image_p);

/* False: the row is damaged or of another kind; *ret is then of no use. */
bool image_lead(struct image *image, const struct row_ref *row, struct image_lead *ret);
bool image_input(struct image *image, const struct row_ref *row, struct image_input *ret);
bool image_agent(const struct row_ref *row, struct image_agent *ret);
bool image_import(const struct row_ref *row, struct image_import *ret);
bool image_cell(const struct row_ref *row, int64_t *ret_paused_ms); /* all outages and pauses so far */

const char *image_state_name(uint32_t state); /* "POOLED"; "?" */

#endif
