/* SPDX-License-Identifier: Apache-2.0
 * core.h - the rules of lead distribution, and nothing else.
 *
 * A deterministic machine: the caller hands it one event at a time, with the
 * time in it; it changes its own tables and writes down what must now happen.
 * It reads no clock, opens no socket, knows no Redis and writes no log, so a
 * whole day of traffic replays in a unit test and always ends the same.
 *
 * One beat (broker/beat.c is the only caller in production):
 *
 *     core_step() x N          events in, effects out
 *     effects_next_ask()       scoring requests may leave at once
 *     core_seal()              after-images of all that changed -> one log entry
 *     ... the entry stands ... only now:
 *     effects_next_out()       messages leave
 *
 * Not thread-safe. Aborts when memory is short. Breaking a rule is answered by
 * a message; breaking an invariant is our bug and asserts. */
#ifndef TAKT_CORE_CORE_H
#define TAKT_CORE_CORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "core/policy.h"
#include "core/record.h"
#include "proto/msg.h"

struct core;
struct effects;

enum event_kind {
    EVENT_MESSAGE,   /* .msg came from .peer */
    EVENT_PEER_GONE, /* .peer cannot be reached any more (a send said so) */
    EVENT_TIME,      /* ends each beat: fires what is due, refills, allocates */
};

struct event {
    enum event_kind kind;
    int64_t now_us;        /* core time since 1970 UTC: never steps back, see broker/beat.c */
    int64_t lag_us;        /* how much too late this event is: running durations are extended by it first */
    uint32_t peer;         /* the door's handle, > 0 */
    const struct msg *msg; /* borrowed until core_step() returns */
};

/* Copies the policy. Version 0: only until one is loaded or comes into force. */
struct core *core_new(const struct policy *policy);
void core_destroy(struct core **core_p);

/* After a takeover, before the first event of the new epoch: fences and
 * sessions from now on carry it. With `forget_peers` (a new broker) every peer must
 * say hello again, every agent counts as heard now, and the time since the last
 * logged beat is an outage: it extends running durations. */
void core_epoch(struct core *core, uint64_t epoch, int64_t now_us, bool forget_peers);

void core_step(struct core *core, const struct event *event, struct effects *effects);

/* When the core next needs an EVENT_TIME, on the clock of event.now_us;
 * INT64_MAX if it waits only for messages. */
int64_t core_next_us(const struct core *core);

/* The next EVENT_TIME, at this time, would judge a worker late. */
bool core_answer_is_late(const struct core *core, int64_t now_us);

/* Another policy comes into force, whole or not at all: REASON_OK, POLICY_UNCHANGED
 * (this text is in force), or POLICY_IN_USE with lines of `why`. `text` is what it
 * was made from; it is kept as the next version. An operator's Apply does the same. */
enum reason core_change_policy(struct core *core, const struct policy *policy, struct slice text, struct buf *why);
struct slice core_policy_text(const struct core *core); /* in force; empty: none was kept yet */

/* Append the rows of all that changed since the last seal to `body`. Returns
 * how many; 0 = nothing to commit. */
uint32_t core_seal(struct core *core, struct buf *body);

/* Set what one row says, while loading: view rows first, then log bodies in
 * order. Returns false when the row is damaged or unknown. After the last one,
 * core_loaded() arms deadlines and rebuilds pools; false: the records do not fit
 * together. */
bool core_apply(struct core *core, const struct row_ref *row);

/* The core reads no YAML: while loading, its caller makes a policy of the text of a
 * ROW_POLICY that is wanted, and hands it over before the next row. */
bool core_wants_policy(const struct core *core, uint32_t version);
void core_load_policy(struct core *core, const struct policy *policy, uint32_t version);
bool core_loaded(struct core *core);

/* All state as rows, in a canonical order: equal states give equal bytes. */
void core_dump(const struct core *core, struct buf *body);

/* The four invariants, counted. Appends a line per violation to `findings`
 * (may be NULL). Returns the number of violations. */
uint32_t core_check(const struct core *core, struct buf *findings);

/* The answer to an operator's question; borrows from the core until its next call. Some of the
 * questions are orders: DRAIN and UNDRAIN a worker, which no record knows; PAUSE, RESUME and ABSENCE of an agent. */
void core_report(struct core *core, const struct msg_query *query, struct msg_report *ret);

/* What the shell needs for admission and metrics. */
struct core_levels {
    uint64_t leads, waiting, offered, owned, terminal;
    uint32_t agents_present, workers;
    uint32_t requests_out; /* scoring requests not yet answered */
    uint32_t rows_out;     /* leads in them */
};
void core_levels(const struct core *core, struct core_levels *ret);
const struct policy *core_policy(const struct core *core);
int64_t core_now_us(const struct core *core);

/* ---- effects: what must now happen ------------------------------------------ */

struct effects *effects_new(void);
void effects_destroy(struct effects **effects_p);

/* Scoring requests of this beat: may leave before the commit, since they promise
 * nothing. *ret borrows from the core until its next step. With *ret_wants_policy
 * the shell adds the scoring part of the policy. */
bool effects_next_ask(struct effects *effects, uint32_t *ret_peer, struct msg *ret, bool *ret_wants_policy);

/* Messages of this beat, only after it stands. Session and seq are set by the
 * shell. At most one AgentHears a peer unless it would not fit a frame. */
bool effects_next_out(struct effects *effects, uint32_t *ret_peer, struct msg *ret);
bool effects_has_out(const struct effects *effects);

/* When the oldest of the scoring requests that this beat decided, answered or
 * lapsed, was asked: core time; 0 = none. */
int64_t effects_oldest_ask_us(const struct effects *effects);

void effects_clear(struct effects *effects);

#endif
