/* SPDX-License-Identifier: Apache-2.0
 * ask.h - an operator's question from a command: a session, one question at a
 * time, its answer as a table whose cells are found by the column's name.
 *
 * By name and not by place, so that a broker of another version may have more
 * columns than the command knows. */
#ifndef TAKT_CLI_ASK_H
#define TAKT_CLI_ASK_H

#include "cli/cli.h"
#include "cli/print.h"
#include "client/takt.h"

/* A session with the operator endpoint of `common`. NULL after saying why on stderr. */
takt_t *ask_open(const struct cli_common *common);

/* Ask `query` ("STATUS") and wait. CLI_DONE: the report is in *ret_event until the
 * next call on `takt`; else what is wrong was said on stderr. */
int ask_report(takt_t *takt, const char *query, const char *arg, uint32_t limit, int64_t patience_ms,
               struct takt_event *ret_event);

/* As takt_suppress(). CLI_DONE: it was done, and the counts are in *ret_event; else what is wrong was said. */
int ask_suppress(takt_t *takt, const char *contacts, size_t len, bool remove, int64_t patience_ms,
                 struct takt_event *ret_event);

/* Put a policy in force. CLI_DONE: an answer is in *ret_event, whatever its reason. */
int ask_apply(takt_t *takt, const char *text, size_t len, int64_t patience_ms, struct takt_event *ret_event);

/* Do this with a lead, by hand. CLI_DONE: it was done, and the lead is in *ret_event; else what is wrong was said. */
int ask_order(takt_t *takt, unsigned what, takt_id lead, const char *agent, unsigned code, const char *actor,
              const char *why, int64_t patience_ms, struct takt_event *ret_event);

struct print_table ask_table(const struct takt_event *event);
bool ask_is_fields(const struct print_table *table); /* its rows are fields and values */
void ask_show_fields(const struct print_table *table);
takt_text ask_cell(const struct print_table *table, size_t row, const char *column); /* at NULL: no such column */
double ask_number(const struct print_table *table, size_t row, const char *column);  /* 0: no such column */
double ask_sum(const struct print_table *table, const char *column);                 /* over all rows */

#endif
