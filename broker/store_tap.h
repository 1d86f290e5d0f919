/* SPDX-License-Identifier: Apache-2.0
 * store_tap.h - what archive and hooks need of a cell in Redis: read it beside a living
 * broker, publish how far it is archived, and plant a lost cell anew.
 *
 * Takes no fence. The only key it writes to a living cell is :archive. Everything
 * read is checked row by row and entry by entry; that entries follow one another
 * is the caller's to check, who knows the one before. */
#ifndef TAKT_BROKER_STORE_TAP_H
#define TAKT_BROKER_STORE_TAP_H

#include "broker/entry.h"

struct tap;

/* All that answer a status: STORE_OK, or what tap_why() says. */
enum store_status tap_open(const char *address, const char *cell, struct tap **ret_tap, struct buf *why);
void tap_close(struct tap **tap_p);
const char *tap_why(const struct tap *tap);

/* Positions; {0,0} where nothing was written yet. */
struct tap_marks {
    struct position view, last, trimmed, archive;
    bool has_archive;
};
enum store_status tap_marks(struct tap *tap, struct tap_marks *ret);

/* Every row of the view. A caller that wants a state reads tap_marks() first and then, when the last
 * row was read, the log from marks.view itself to what is then the last entry. `each` false: stop, STORE_REFUSING. */
typedef bool tap_row_fn(void *arg, const struct row_ref *row);
enum store_status tap_view(struct tap *tap, tap_row_fn *each, void *arg);

enum { TAP_PAGE = 64 };

/* Up to TAP_PAGE entries, from `from` itself or from the next one on. */
struct tap_entry {
    struct position id;
    struct slice bytes;
    struct entry entry; /* decoded, its id compared */
    struct entry_hash previous;
};
typedef bool tap_entry_fn(void *arg, const struct tap_entry *entry);
enum store_status tap_log(struct tap *tap, struct position from, bool itself, tap_entry_fn *each, void *arg,
                          uint32_t *ret_n);

enum store_status tap_publish(struct tap *tap, struct position archived);
enum store_status tap_end_archive(struct tap *tap); /* nobody archives any more: the log need not wait */

/* Plant a cell where there is none: begin, then rows, then entries, end. It is
 * a cell only after tap_plant_end(); what was planted before is refused by everybody. */
enum store_status tap_plant_begin(struct tap *tap);
enum store_status tap_plant_row(struct tap *tap, const struct row_ref *row);
enum store_status tap_plant_entry(struct tap *tap, struct position id, struct slice bytes);
enum store_status tap_plant_end(struct tap *tap, struct position view, struct position first, struct position last);

#endif
