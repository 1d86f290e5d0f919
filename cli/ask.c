/* SPDX-License-Identifier: Apache-2.0
 * ask.c - an operator's question and its answer. See ask.h. */
#include "cli/ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "proto/msg.h"

takt_t *ask_open(const struct cli_common *common)
{
    char endpoint[256], name[32], why[160] = "no memory";
    if (!cli_endpoint(common, "operator", endpoint))
        return NULL;
    snprintf(name, sizeof name, "takt-%d", (int) getpid());
    takt_t *takt = takt_open(&(struct takt_options){.role = TAKT_OPERATOR, .endpoint = endpoint, .name = name}, why);
    if (!takt)
        cli_say("%s", why);
    return takt;
}

/* CLI_DONE: the answer to what was asked, with whatever reason, is in *ret_event. */
static int wait_report(takt_t *takt, int asked, int64_t patience_ms, struct takt_event *ret_event)
{
    const int64_t until_us = clock_mono_us() + patience_ms * 1000;
    if (asked < 0) {
        cli_say("%s", takt_why(takt));
        return CLI_USAGE;
    }
    for (;;) {
        const int64_t left_us = until_us - clock_mono_us();
        if (left_us <= 0) {
            cli_say("no answer from the broker in %lld ms; is `takt up` running?", (long long) patience_ms);
            return CLI_UNANSWERED;
        }
        if (takt_next(takt, ret_event, (int) (left_us / 1000) + 1) == 1 &&
            (ret_event->kind == TAKT_REFUSED || ret_event->kind == TAKT_REPORT))
            return CLI_DONE;
    }
}

/* What an operator does next, where the reason's own text, which agents and sources read as well, cannot say it. */
static const char *next_step(unsigned reason)
{
    static const struct {
        enum reason reason;
        const char *text;
    } nexts[] = {
        {REASON_UNKNOWN_LEAD, "; `takt history ID` looks for it in the log"},
        {REASON_WRONG_STATE, "; `takt lead ID` tells its state, docs/LEAD.md what may follow"},
    };
    for (size_t i = 0; i < sizeof nexts / sizeof *nexts; i++)
        if (nexts[i].reason == reason)
            return nexts[i].text;
    return "";
}

static int say_reason(int exit_code, const struct takt_event *event)
{
    if (exit_code != CLI_DONE || event->reason == 0)
        return exit_code;
    cli_say("%s: %s%s", takt_reason_name(event->reason), takt_reason_text(event->reason), next_step(event->reason));
    return CLI_FAILED;
}

int ask_report(takt_t *takt, const char *query, const char *arg, uint32_t limit, int64_t patience_ms,
               struct takt_event *ret_event)
{
    const int asked = takt_query(takt, takt_query_by_name(query), arg, limit);
    return say_reason(wait_report(takt, asked, patience_ms, ret_event), ret_event);
}

int ask_apply(takt_t *takt, const char *text, size_t len, int64_t patience_ms, struct takt_event *ret_event)
{
    return wait_report(takt, takt_apply(takt, text, len), patience_ms, ret_event);
}

int ask_order(takt_t *takt, unsigned what, takt_id lead, const char *agent, unsigned code, const char *actor,
              const char *why, int64_t patience_ms, struct takt_event *ret_event)
{
    const int asked = takt_order(takt, what, lead, agent, code, actor, why);
    return say_reason(wait_report(takt, asked, patience_ms, ret_event), ret_event);
}

int ask_suppress(takt_t *takt, const char *contacts, size_t len, bool remove, int64_t patience_ms,
                 struct takt_event *ret_event)
{
    const int asked = takt_suppress(takt, contacts, len, remove);
    return say_reason(wait_report(takt, asked, patience_ms, ret_event), ret_event);
}

struct print_table ask_table(const struct takt_event *event)
{
    return (struct print_table){.n_columns = event->report.n_columns,
                                .n_rows = event->report.n_rows,
                                .columns = event->report.columns,
                                .types = event->report.types,
                                .cells = event->report.cells};
}

static bool ends_with(takt_text text, const char *end)
{
    const size_t len = strlen(end);
    return text.len >= len && memcmp(text.at + text.len - len, end, len) == 0;
}

/* A report of fields and values, a line each: moments and durations as people read them. */
void ask_show_fields(const struct print_table *table)
{
    for (size_t i = 0; i < table->n_rows; i++) {
        const takt_text field = table->cells[2 * i];
        const bool span = ends_with(field, "_in_ms"), moment = !span && ends_with(field, "_ms");
        const size_t unit = span || moment ? strlen("_ms") : 0;
        char value[PRINT_CELL_MAX];
        print_cell(table->cells[2 * i + 1], span ? 'd' : moment ? 't' : 's', value);
        printf("%-17.*s %s\n", (int) (field.len - unit), field.at, value);
    }
}

bool ask_is_fields(const struct print_table *table)
{
    return table->n_columns == 2 && ends_with(table->columns[0], "field");
}

takt_text ask_cell(const struct print_table *table, size_t row, const char *column)
{
    for (size_t c = 0; c < table->n_columns; c++)
        if (print_text_is(table->columns[c], column))
            return table->cells[row * table->n_columns + c];
    return (takt_text){0};
}

double ask_number(const struct print_table *table, size_t row, const char *column)
{
    char text[32];
    const takt_text cell = ask_cell(table, row, column);
    if (cell.len == 0 || cell.len >= sizeof text)
        return 0;
    memcpy(text, cell.at, cell.len);
    text[cell.len] = '\0';
    return strtod(text, NULL);
}

double ask_sum(const struct print_table *table, const char *column)
{
    double sum = 0;
    for (size_t row = 0; row < table->n_rows; row++)
        sum += ask_number(table, row, column);
    return sum;
}
