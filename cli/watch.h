/* SPDX-License-Identifier: Apache-2.0
 * watch.h - the figures of a live view: from the tables of one refresh and of the
 * one before to totals, rates and alerts, and these as text, line or JSON.
 *
 * Knows neither socket nor terminal, so that a test can hand it tables. A rate is
 * the difference of two refreshes by the time between them: what the cell did,
 * not what it promises. */
#ifndef TAKT_CLI_WATCH_H
#define TAKT_CLI_WATCH_H

#include <stdbool.h>

#include "cli/print.h"
#include "common/buf.h"

enum watch_table { WATCH_STATUS, WATCH_POOLS, WATCH_TEAMS, WATCH_WORKERS, WATCH_TABLES };

enum watch_alert {
#define ALERT(name, text) WATCH_##name,
#include "cli/watch_alerts.def"
#undef ALERT
    WATCH_ALERTS
};

struct watch;

struct watch *watch_new(void);
void watch_destroy(struct watch **watch_p);

const char *watch_query(enum watch_table which);                                               /* "STATUS" */
void watch_take(struct watch *watch, enum watch_table which, const struct print_table *table); /* copied */

void watch_note_hooks(struct watch *watch, bool failing); /* is a hook not told what it should be? */

/* All tables are there (or, with `answered` false, none came): make the figures. */
void watch_refresh(struct watch *watch, int64_t mono_us, int64_t wall_ms, bool answered);

bool watch_is_raised(const struct watch *watch, enum watch_alert alert);
void watch_text(const struct watch *watch, struct buf *to); /* for screen_draw() */
void watch_line(const struct watch *watch, FILE *to);
void watch_json(const struct watch *watch, FILE *to); /* one object, one line */

#endif
