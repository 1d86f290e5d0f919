/* SPDX-License-Identifier: Apache-2.0
 * follow_private.h - what follow.c keeps and follow_state.c writes down. */
#ifndef TAKT_HOOKS_FOLLOW_PRIVATE_H
#define TAKT_HOOKS_FOLLOW_PRIVATE_H

#include <stdlib.h>

#define uthash_fatal(msg) abort()
#include <uthash.h>

#include "hooks/follow.h"

struct held_lead {
    struct id lead;
    struct held held;
    UT_hash_handle hh;
};

struct input_kept {
    struct id lead;
    UT_hash_handle hh;
    bool is_over;     /* its lead has ended: kept for the events that are still to be told */
    bool is_reopened; /* since then */
    uint32_t len;     /* 0: not read again yet */
    uint8_t row[];
};

struct agent_name {
    uint32_t index; /* never another agent's */
    UT_hash_handle hh;
    char name[NAME_BYTES_MAX + 1], team[NAME_BYTES_MAX + 1];
};

struct follow {
    char cell[CELL_NAME_MAX + 1];
    struct image *image;
    bool is_there; /* at is where it is; else it begins anew */
    struct position at;
    int64_t beat_us; /* core time of that beat */
    uint64_t missed;
    struct agent_name *agents;
    struct held_lead *held;

    struct input_kept *inputs;
    follow_wanted_fn *wanted; /* NULL: inputs are not kept */
    void *wanted_arg;
    bool has_inputs; /* those that came before this run, too */

    follow_fn *each; /* of the page in hand; NULL: nothing is told */
    void *arg;
    bool is_gap, is_told_damaged;
};

void follow_forget(struct follow *follow);
void follow_set_agent(struct follow *follow, uint32_t index, struct slice name, struct slice team);
void follow_set_input(struct follow *follow, struct id lead, struct slice row);
void follow_end_input(struct follow *follow, struct id lead); /* its lead has ended */
void follow_reopen_input(struct follow *follow, struct id lead);
void follow_forget_inputs(struct follow *follow);
enum store_status follow_fill_inputs(struct follow *follow, struct tap *tap);
void follow_drop_agent(struct follow *follow, uint32_t index);
void follow_set_held(struct follow *follow, struct id lead, const struct held *held); /* NULL: not any more */

#endif
