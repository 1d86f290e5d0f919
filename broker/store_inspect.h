/* SPDX-License-Identifier: Apache-2.0
 * store_inspect.h - read a cell's keys as they lie in Redis, damage included.
 *
 * Recovery stops at the first thing that is wrong; a checker wants all of them.
 * So everything is handed over with a sentence of what is wrong with it, or NULL,
 * and reading goes on. The checks are this file's own, not those of recovery: a
 * checker that shared them would share their mistakes. Writes nothing, takes no
 * fence, and may run beside a living broker. */
#ifndef TAKT_BROKER_STORE_INSPECT_H
#define TAKT_BROKER_STORE_INSPECT_H

#include "broker/store.h"

struct inspect;

/* All that answer a status: STORE_OK, or what inspect_why() says. */
enum store_status inspect_open(const char *address, const char *cell, struct inspect **ret_inspect, struct buf *why);
void inspect_close(struct inspect **inspect_p);
const char *inspect_why(const struct inspect *inspect);

struct inspect_marks {
    struct position view, last; /* of the view; of the entry that was the last to be written */
    struct position trimmed;    /* entries before this one may be gone; {0,0}: none is */
    bool has_view;              /* false: nothing was written there yet */
};
enum store_status inspect_marks(struct inspect *inspect, struct inspect_marks *ret);

/* Each row under its name; where something is wrong, the key it is in, without the cell's prefix, and no row. */
typedef void inspect_value_fn(void *arg, struct slice key, const struct row_ref *row, const char *wrong);
enum store_status inspect_view(struct inspect *inspect, inspect_value_fn *each, void *arg);

/* Every entry that is still there, from the first to the last. `entry` is NULL
 * when its bytes are damaged; `wrong` may also name a broken link to the one before.
 * STORE_AWAY also when the log was trimmed past what was read: begin again with the marks. */
typedef void inspect_entry_fn(void *arg, struct position id, const struct entry *entry, const char *wrong);
enum store_status inspect_log(struct inspect *inspect, inspect_entry_fn *each, void *arg);

/* Each member of the sorted sets: `set` is "pool:" and a pool's name. */
typedef void inspect_member_fn(void *arg, const char *set, struct slice member, double score);
enum store_status inspect_sets(struct inspect *inspect, inspect_member_fn *each, void *arg);

/* One lead's row and its score in one set, both of the same instant. */
struct inspect_place {
    bool has_row, has_score;
    struct lead_glance glance; /* when has_row */
    double score;
};
enum store_status inspect_place(struct inspect *inspect, struct id lead, const char *set, struct inspect_place *ret);

/* The member of the sorted sets that stands for a lead, and back. */
bool inspect_member_lead(struct slice member, struct id *ret_lead);

#endif
