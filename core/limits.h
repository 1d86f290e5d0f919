/* SPDX-License-Identifier: Apache-2.0
 * limits.h - the policy's limits, in force: caps by hour, day, week and month and
 * budgets of agents, teams and sources; what an agent may have without an outcome; the ramp of newcomers; the throttle
 * on who gets leads and does nothing with them. Seen by this folder only.
 *
 * One number comes of all of them: how many leads more, now. cards.c asks for it for
 * whatever hands out a lead, orders.c for an operator's hand; so each keeps every limit. Taken in the same
 * step as the offer or grant; a team's is looked at again for each row of a
 * decision, since its members are in several windows at once. */
#ifndef TAKT_CORE_LIMITS_H
#define TAKT_CORE_LIMITS_H

#include "core/meter.h"
#include "core/tables.h"

struct reader; /* record_bytes.h */

/* decision.counted: who was charged for it; and that its quality counts as soon as it is worked on (balance.c) */
enum { COUNTED_AGENT = 1, COUNTED_TEAM = 2, COUNTED_LATER = 4 };

struct meter { /* of one subject; the key is the kind and the name, "a" "ana" */
    char key[NAME_BYTES_MAX + 2];
    UT_hash_handle hh;
    struct meter *dirty_next;
    bool dirty;
    bool closed; /* a team's: what its members were told last */
    struct timer timer;
    struct meter_counts counts;
    struct meter_quotas quotas;
    struct standing standing; /* as of the last look */
};

/* How many more leads it may be given now, and why none. UINT32_MAX: no limit. */
uint32_t limits_room(const struct core *core, const struct agent *agent, enum reason *ret_why);
/* ms until there is room again; 0: there is, or time alone does not help. */
uint32_t limits_wait_ms(const struct core *core, const struct agent *agent);
/* A budget that is not used up may still be too small for this lead. */
bool limits_affords(const struct core *core, const struct agent *agent, const struct lead *lead);

/* Returns who was charged. */
uint8_t limits_take(struct core *core, struct agent *agent, uint64_t cost_cents);
/* Before `lead` is taken from its owner. What was not accepted is refunded, and what was lost with the connection
 * before the first action; what was accepted and then left alone or given back is not. */
void limits_refund(struct core *core, const struct lead *lead, enum reason reason);
void limits_acted(struct core *core, struct agent *agent);
void limits_hold(struct core *core, struct agent *agent); /* it has a lead more or less, or a new limit */
/* Came for the first time, or back after so long. */
void limits_arrived(struct core *core, struct agent *agent, int64_t absent_ms);
void limits_moved(struct core *core, struct agent *agent); /* to another team: that one is not to be refunded */

/* A row of this source: REASON_OK and counted, or the limit that it would break. */
struct meter *limits_of_source(struct core *core, struct slice source, uint32_t programme); /* NULL: none */
enum reason limits_admit(struct core *core, struct meter *source, uint64_t cost_cents);

void limits_follow(struct core *core, struct agent *agent); /* its team or the policy is another */
void limits_place(struct core *core);                       /* the policy is another: before its agents follow */
void limits_timer_fire(struct core *core, struct meter *meter);
/* Some of its windows is not over in which a lead was counted. */
bool limits_count_now(const struct core *core, const struct agent *agent);
void limits_forget(struct core *core, const struct agent *agent);
void limits_fini(struct core *core);

struct meter *limits_meter(struct core *core, struct slice key); /* made when it is not there */

/* rows: limits_record.c */
uint32_t limits_seal(struct core *core, struct buf *body);
void limits_drop(struct core *core, struct slice key); /* of who was forgotten */
bool limits_apply(struct core *core, struct slice key, struct reader *reader);
void limits_dump(const struct core *core, struct buf *body);

#endif
