/* SPDX-License-Identifier: Apache-2.0
 * follow.h - from a cell's log to events: what stands, in order, once a run.
 *
 * Remembers of the cell who the agents are and which leads are in a hand, which
 * is little, and where it is in the log; follow_save() makes that durable. The
 * log does not wait for it: if it was trimmed beyond that place, what was lost is
 * counted, and it begins anew where the log ends, with what the view says. */
#ifndef TAKT_HOOKS_FOLLOW_H
#define TAKT_HOOKS_FOLLOW_H

#include "broker/store_tap.h"
#include "hooks/event_json.h"

struct follow;

struct follow *follow_new(const char *cell);
void follow_destroy(struct follow **follow_p);

typedef void follow_fn(void *arg, const struct event_facts *facts);

/* What the rows of one beat tell; `each` NULL: it is only remembered. False: they are damaged. */
bool follow_body(struct follow *follow, struct slice body, struct position at, follow_fn *each, void *arg);

/* One page of the log. STORE_OK, or what tap_why() says; then only a new tap goes on. */
enum store_status follow_read(struct follow *follow, struct tap *tap, follow_fn *each, void *arg, uint32_t *ret_n);

/* Hooks want to see what is in leads: from now on each event brings it. It is kept in memory, of those that live and of
 * those that are `wanted`; what came before this run is read out of the view once. */
typedef bool follow_wanted_fn(void *arg, struct id lead);
void follow_keep_inputs(struct follow *follow, follow_wanted_fn *wanted, void *arg);
void follow_told(struct follow *follow, struct id lead); /* an event of it waits no more: is it wanted still? */

/* Its ROW_INPUT whole; empty: there is none. False: not known yet. */
bool follow_input(const struct follow *follow, struct id lead, struct slice *ret);

/* On a new tap, before it is read: is this the log that was followed? */
enum store_status follow_join(struct follow *follow, struct tap *tap);

struct position follow_at(const struct follow *follow);
uint64_t follow_missed(const struct follow *follow); /* entries that were trimmed unread, or damaged; at least */

/* Load false: there is none, or it is not whole or of another cell; then it begins anew. */
bool follow_save(const struct follow *follow, const char *path);
bool follow_load(struct follow *follow, const char *path);

#endif
