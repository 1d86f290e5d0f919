/* SPDX-License-Identifier: Apache-2.0
 * report.h - tales counted by source, agent and so on, as a table: one mechanism for
 * every report of reports.def.
 *
 * Each lead, or each agent that had it, adds its facts to the group it belongs to;
 * a column is a fact, or what is made of two, or a quantile. So a new report is
 * lines of the list, and none can count differently from another. */
#ifndef TAKT_REPORT_REPORT_H
#define TAKT_REPORT_REPORT_H

#include "common/buf.h"
#include "report/tale.h"

enum report_key {
#define KEY(NAME, word, text) KEY_##NAME,
#include "report/reports.def"
    KEYS
};

enum report_name {
#define REPORT(NAME, word, COUNTS, FIRST_KEY, KEYS, SORT, text) REPORT_##NAME,
#include "report/reports.def"
    REPORTS
};

/* Words and texts of the list. */
const char *report_word(enum report_name name);
const char *report_text(enum report_name name);
const char *report_key_word(enum report_key key);
bool report_find(const char *word, enum report_name *ret_name);
enum report_key report_first_key(enum report_name name);
bool report_has_key(enum report_name name, enum report_key key);
bool report_find_key(const char *word, enum report_key *ret_key);

struct report_asked {
    enum report_name name;
    enum report_key key;
    const char *programme; /* only its leads and agents; NULL: all */
    struct window window;  /* leads taken in within it; work done within it for STAFF */
    int64_t target_us, limit_us;
};

struct report_table {
    uint32_t n_columns, n_rows; /* the row behind the last is of all together; its key is empty */
    const char **columns;       /* the key's word first */
    const char *types;          /* as in cli/print.h: s, n, d */
    struct slice *cells;
    uint64_t leads, states[LEAD_STATES]; /* leads that were asked for, by the state they are in */
    uint64_t older;                      /* of these, older than the log: most of their times are not known */
    struct buf text;
};

void report_make(const struct tales *tales, const struct report_asked *asked, struct report_table *ret);
void report_fini(struct report_table *table);

#endif
