/* SPDX-License-Identifier: Apache-2.0
 * report_group.h - what report.c counts into and report_column.c reads. */
#ifndef TAKT_REPORT_REPORT_GROUP_H
#define TAKT_REPORT_REPORT_GROUP_H

#include "report/report.h"

enum fact {
    FACT_NONE,
#define FACT(NAME) FACT_##NAME,
#include "report/reports.def"
    FACTS
};

enum measure {
#define MEASURE(NAME) MEASURE_##NAME,
#include "report/reports.def"
    MEASURES
};

struct group {
    UT_hash_handle hh;
    uint32_t name; /* names_number() of its key */
    uint64_t facts[FACTS];
    struct buf measures[MEASURES]; /* int64_t, us */
};

struct groups {
    struct group *first;  /* in the order of the rows */
    struct group all;     /* each lead once */
    uint64_t sums[FACTS]; /* over the groups */
    bool has_rows;        /* rows of imports are known by this key */
};

/* The columns of a report, in their order. */
uint32_t report_columns(enum report_name name, const char **ret_words, char *ret_types);
enum { REPORT_COLUMNS = 24 };
/* Does a column of it want this measure? */
bool report_wants(enum report_name name, enum measure measure);

/* The cell of a report's n-th column, appended to `to`; nothing when there is no such value. */
void report_cell(enum report_name name, uint32_t number, struct group *group, const struct groups *groups,
                 struct buf *to);

#endif
