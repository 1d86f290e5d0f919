/* SPDX-License-Identifier: Apache-2.0
 * report_column.c - the list of reports, and what a column makes of a group's facts.
 *
 * Quantiles are exact, by nearest rank: a lead more is 8 bytes more, and a report
 * that rounds is one that does not add up. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "report/report_group.h"

enum kind {
    KIND_COUNT,
    KIND_COUNT_OF_ROWS, /* of imports: known by source only */
    KIND_MONEY,
    KIND_MONEY_EACH, /* A / B */
    KIND_PERCENT,    /* A / B */
    KIND_GAIN,       /* (A - B) / B */
    KIND_HOURS,
    KIND_PER_HOUR, /* A / B */
    KIND_QUANTILE, /* of measure A, B of 1000 */
    KIND_SHARE,    /* of A, over all groups */
    KIND_PLACE,    /* by A / B */
    KIND_INVERTED, /* closes A, leads B */
};

static const char kind_types[] = "nnnnnnnndnns"; /* by kind */

static const struct {
    const char *word, *text;
    enum report_key first_key;
    uint32_t keys;
} reports[] = {
#define BY(key) (1u << KEY_##key)
#define REPORT(NAME, word, COUNTS, FIRST_KEY, KEYS, SORT, text) {word, text, KEY_##FIRST_KEY, KEYS},
#include "report/reports.def"
#undef BY
};

static const char *const keys[] = {
#define KEY(NAME, word, text) word,
#include "report/reports.def"
};

/* A column's A and B are facts, a measure and a number, or nothing, as its kind has it. */
enum operand {
    OPERAND_NONE = FACT_NONE,
#define FACT(NAME) OPERAND_##NAME = FACT_##NAME,
#include "report/reports.def"
#define MEASURE(NAME) OPERAND_##NAME = MEASURE_##NAME,
#include "report/reports.def"
    OPERAND_500 = 500,
    OPERAND_900 = 900,
    OPERAND_990 = 990,
    OPERAND_1000 = 1000,
};

static const struct column {
    enum report_name report;
    const char *word;
    enum kind kind;
    enum operand a, b;
} columns[] = {
#define COLUMN(REPORT, word, KIND, A, B, text) {REPORT_##REPORT, word, KIND_##KIND, OPERAND_##A, OPERAND_##B},
#include "report/reports.def"
};
enum { N_COLUMNS = sizeof columns / sizeof *columns };

const char *report_word(enum report_name name)
{
    return reports[name].word;
}

const char *report_text(enum report_name name)
{
    return reports[name].text;
}

const char *report_key_word(enum report_key key)
{
    return keys[key];
}

enum report_key report_first_key(enum report_name name)
{
    return reports[name].first_key;
}

bool report_has_key(enum report_name name, enum report_key key)
{
    return reports[name].keys >> key & 1;
}

bool report_find(const char *word, enum report_name *ret_name)
{
    for (unsigned i = 0; i < REPORTS; i++)
        if (strcmp(word, reports[i].word) == 0) {
            *ret_name = (enum report_name) i;
            return true;
        }
    return false;
}

bool report_find_key(const char *word, enum report_key *ret_key)
{
    for (unsigned i = 0; i < KEYS; i++)
        if (strcmp(word, keys[i]) == 0) {
            *ret_key = (enum report_key) i;
            return true;
        }
    return false;
}

uint32_t report_columns(enum report_name name, const char **ret_words, char *ret_types)
{
    uint32_t n = 0;
    for (size_t i = 0; i < N_COLUMNS; i++)
        if (columns[i].report == name) {
            assert(n < REPORT_COLUMNS);
            ret_words[n] = columns[i].word;
            ret_types[n++] = kind_types[columns[i].kind];
        }
    return n;
}

bool report_wants(enum report_name name, enum measure measure)
{
    for (size_t i = 0; i < N_COLUMNS; i++)
        if (columns[i].report == name && columns[i].kind == KIND_QUANTILE && (int) columns[i].a == (int) measure)
            return true;
    return false;
}

/* ---- cells ------------------------------------------------------------------------------------ */

static void put_money(struct buf *to, uint64_t cents)
{
    buf_printf(to, "%" PRIu64 ".%02" PRIu64, cents / 100, cents % 100);
}

/* a / b x scale with one decimal, or more. */
static void put_ratio(struct buf *to, double a, double b, double scale, int decimals)
{
    if (b > 0)
        buf_printf(to, "%.*f", decimals, a * scale / b);
}

static int by_value(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

static void put_quantile(struct buf *to, struct buf *measure, uint32_t of_1000)
{
    int64_t *values = (int64_t *) (void *) measure->at;
    const size_t n = measure->len / sizeof *values;
    if (n == 0)
        return;
    qsort(values, n, sizeof *values, by_value);
    const size_t rank = (n * of_1000 + 999) / 1000;
    buf_printf(to, "%" PRId64, values[rank > 0 ? rank - 1 : 0] / 1000);
}

/* Is x's a / b above y's? Exact: both products fit. */
static bool rate_above(const struct group *x, const struct group *y, enum operand a, enum operand b)
{
    return x->facts[a] * y->facts[b] > y->facts[a] * x->facts[b];
}

static void put_place(struct buf *to, const struct group *group, const struct groups *groups,
                      const struct column *column)
{
    uint32_t place = 1;
    if (group->facts[column->b] == 0 || group == &groups->all)
        return;
    for (const struct group *other = groups->first; other; other = other->hh.next)
        place += other->facts[column->b] > 0 && rate_above(other, group, column->a, column->b);
    buf_printf(to, "%u", place);
}

static void put_inverted(struct buf *to, const struct group *group, const struct groups *groups,
                         const struct column *column)
{
    uint64_t takers = 0;
    const uint64_t taken = group->facts[column->b], closed = group->facts[column->a];
    if (group == &groups->all)
        return;
    for (const struct group *other = groups->first; other; other = other->hh.next)
        takers += other->facts[column->b] > 0;
    const bool much = taken > 0 && taken * takers >= groups->sums[column->b];
    const bool little = 2 * closed * groups->sums[column->b] < groups->sums[column->a] * taken;
    buf_printf(to, "%s", much && little ? "yes" : "");
}

void report_cell(enum report_name name, uint32_t number, struct group *group, const struct groups *groups,
                 struct buf *to)
{
    const struct column *column = columns;
    for (uint32_t n = 0; column->report != name || n++ < number; column++)
        ;
    const bool of_facts = column->kind != KIND_QUANTILE;
    const uint64_t a = of_facts ? group->facts[column->a] : 0, b = of_facts ? group->facts[column->b] : 0;
    switch (column->kind) {
    case KIND_COUNT_OF_ROWS:
        if (!groups->has_rows && group != &groups->all)
            break;
        __attribute__((fallthrough));
    case KIND_COUNT:
        buf_printf(to, "%" PRIu64, a);
        break;
    case KIND_MONEY:
        put_money(to, a);
        break;
    case KIND_MONEY_EACH:
        put_ratio(to, (double) a, (double) b, 0.01, 2);
        break;
    case KIND_PERCENT:
        put_ratio(to, (double) a, (double) b, 100, 1);
        break;
    case KIND_GAIN:
        put_ratio(to, (double) a - (double) b, (double) b, 100, 1);
        break;
    case KIND_HOURS:
        put_ratio(to, (double) a, 3600e6, 1, 3);
        break;
    case KIND_PER_HOUR:
        put_ratio(to, (double) a, (double) b, 3600e6, 2);
        break;
    case KIND_QUANTILE:
        put_quantile(to, &group->measures[column->a], column->b);
        break;
    case KIND_SHARE:
        put_ratio(to, (double) a, (double) groups->sums[column->a], 100, 1);
        break;
    case KIND_PLACE:
        put_place(to, group, groups, column);
        break;
    case KIND_INVERTED:
        put_inverted(to, group, groups, column);
        break;
    }
}
