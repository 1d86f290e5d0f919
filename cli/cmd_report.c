/* SPDX-License-Identifier: Apache-2.0
 * cmd_report.c - `takt report NAME`: reads the log, counts, shows. What there is to
 * count and how is the business of report/; here are the options and the three
 * forms of output. */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

#include "cli/logs.h"
#include "cli/print.h"
#include "cli/rejects.h"
#include "report/report.h"

enum { TARGET_S = 60, LIMIT_S = 300, SECONDS_MAX = 366 * 86400 };

struct asked {
    struct logs_asked logs;
    struct report_asked report;
    const char *by, *since, *until;
    int64_t target_s, limit_s;
    bool csv, json;
};

/* ---- what is asked ------------------------------------------------------------------ */

/* "2026-01-31", "2026-01-31T14:05", "2026-01-31T14:05:30", in UTC. */
static bool take_time(const char *option, const char *text, int64_t *ret_us)
{
    static const char *const forms[] = {"%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"};
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        struct tm utc = {0};
        const char *end = strptime(text, forms[i], &utc);
        if (!end || (strcmp(end, "") != 0 && strcmp(end, "Z") != 0) || !cli_is_day(&utc))
            continue;
        *ret_us = (int64_t) timegm(&utc) * 1000000;
        return true;
    }
    cli_say("--%s takes 2026-01-31 or 2026-01-31T14:05, in UTC, not \"%s\"", option, text);
    return false;
}

static void say_keys(enum report_name name)
{
    struct buf words = {0};
    for (unsigned key = 0; key < KEYS; key++)
        if (report_has_key(name, (enum report_key) key))
            buf_printf(&words, " %s", report_key_word((enum report_key) key));
    cli_say("takt report %s is grouped --by one of:%.*s", report_word(name), (int) words.len, (const char *) words.at);
    buf_fini(&words);
}

static bool take_asked(struct asked *asked, const char *word)
{
    struct report_asked *report = &asked->report;
    if (!report_find(word, &report->name)) {
        cli_say("there is no report \"%s\"; `takt report` lists them", word);
        return false;
    }
    report->key = report_first_key(report->name);
    if (asked->by && (!report_find_key(asked->by, &report->key) || !report_has_key(report->name, report->key))) {
        say_keys(report->name);
        return false;
    }
    const int64_t target_s = asked->target_s ? asked->target_s : TARGET_S;
    const int64_t limit_s = asked->limit_s ? asked->limit_s : LIMIT_S;
    report->target_us = target_s * 1000000;
    report->limit_us = limit_s * 1000000;
    if (asked->csv && asked->json)
        cli_say("--csv or --json, not both");
    else if ((asked->target_s || asked->limit_s) && report->name != REPORT_SLO)
        cli_say("--target and --limit are for `takt report slo`");
    else if (report->name == REPORT_SLO && target_s > limit_s)
        cli_say("--target is %" PRId64 " s, above --limit, %" PRId64 " s", target_s, limit_s);
    else
        return true;
    return false;
}

static bool take_window(const struct asked *asked, struct window *ret)
{
    *ret = (struct window){INT64_MIN, INT64_MAX};
    if ((asked->since && !take_time("since", asked->since, &ret->from_us)) ||
        (asked->until && !take_time("until", asked->until, &ret->until_us)))
        return false;
    if (ret->from_us < ret->until_us)
        return true;
    cli_say("--until must be after --since");
    return false;
}

/* ---- what is shown -------------------------------------------------------------------- */

static void list(bool json)
{
    json_t *names = json_array();
    for (unsigned i = 0; i < REPORTS; i++) {
        const char *word = report_word((enum report_name) i), *text = report_text((enum report_name) i);
        json_array_append_new(names, json_pack("{s:s, s:s}", "report", word, "about", text));
        if (!json)
            printf("%-12s %s\n", word, text);
    }
    if (json)
        print_value(stdout, names, 1);
    else
        json_decref(names);
}

/* The rows as print.h has them; with `all` the row of all together as the last one. Free its columns and cells. */
static struct print_table table_of(const struct report_table *report, bool all)
{
    const size_t n = (size_t) report->n_columns * (report->n_rows + all);
    takt_text *columns = calloc(report->n_columns, sizeof *columns), *cells = calloc(n + 1, sizeof *cells);
    if (!columns || !cells)
        abort();
    for (uint32_t c = 0; c < report->n_columns; c++)
        columns[c] = print_text(report->columns[c], strlen(report->columns[c]));
    for (size_t i = 0; i < n; i++)
        cells[i] = print_text((const char *) report->cells[i].at, report->cells[i].len);
    return (struct print_table){report->n_columns, report->n_rows + all, columns, report->types, cells};
}

static void free_table(struct print_table *table)
{
    free((takt_text *) table->columns);
    free((takt_text *) table->cells);
}

/* One line on what was counted, so that two reports can be compared. */
static void say_counted(FILE *to, const struct report_table *report, const struct walked *walked)
{
    char first[48], last[48], time[32];
    fprintf(to, "counted: log %s to %s, %s; %" PRIu64 " leads", logs_position(walked->first, first),
            logs_position(walked->last, last), logs_time(walked->last_ms, time), report->leads);
    if (report->older > 0)
        fprintf(to, ", %" PRIu64 " of them older than this log, most of whose times are not known", report->older);
    const char *between = ": ";
    for (uint32_t state = 0; state < LEAD_STATES; state++)
        if (report->states[state] > 0) {
            fprintf(to, "%s%" PRIu64 " %s", between, report->states[state], lead_state_name(state));
            between = ", ";
        }
    fputc('\n', to);
}

static void show_table(const struct report_table *report, const struct walked *walked)
{
    struct print_table table = table_of(report, true);
    static const char all[] = "(all)", none[] = "(none)";
    takt_text *cells = (takt_text *) table.cells;
    for (size_t row = 0; row < table.n_rows; row++)
        if (cells[row * table.n_columns].len == 0)
            cells[row * table.n_columns] =
                row + 1 == table.n_rows ? print_text(all, strlen(all)) : print_text(none, strlen(none));
    print_table(stdout, &table);
    free_table(&table);
    putchar('\n');
    say_counted(stdout, report, walked);
}

/* A spreadsheet must take no cell for a formula. Numbers are takt's own, and a negative one stays a number. */
static void put_csv(const struct slice *cells, const char *types, uint32_t n)
{
    struct buf line = {0};
    for (uint32_t i = 0; i < n; i++)
        if (types[i] == 's')
            rejects_keep(&line, &cells[i], 1);
        else
            buf_printf(&line, ",%.*s", (int) cells[i].len, (const char *) cells[i].at);
    fwrite(line.at + 1, 1, line.len - 1, stdout); /* each cell follows a comma */
    putchar('\n');
    buf_fini(&line);
}

static void show_csv(const struct report_table *report, const struct walked *walked)
{
    struct slice columns[32];
    for (uint32_t c = 0; c < report->n_columns; c++)
        columns[c] = slice_of(report->columns[c], strlen(report->columns[c]));
    put_csv(columns, report->types, report->n_columns);
    for (uint32_t row = 0; row < report->n_rows; row++)
        put_csv(report->cells + (size_t) row * report->n_columns, report->types, report->n_columns);
    say_counted(stderr, report, walked);
}

static void show_json(const struct report_asked *asked, const struct report_table *report, const struct walked *walked)
{
    char first[48], last[48];
    struct print_table table = table_of(report, true);
    const struct print_table all = {table.n_columns, 1, table.columns, table.types,
                                    table.cells + table.n_columns * report->n_rows};
    json_t *states = json_object();
    for (uint32_t state = 0; state < LEAD_STATES; state++)
        if (report->states[state] > 0)
            json_object_set_new(states, lead_state_name(state), json_integer((json_int_t) report->states[state]));
    table.n_rows = report->n_rows;
    printf("{\"report\": \"%s\", \"by\": \"%s\", \"first\": \"%s\", \"last\": \"%s\", \"last_ms\": %" PRId64
           ", \"leads\": %" PRIu64 ", \"older\": %" PRIu64 ", \"states\": ",
           report_word(asked->name), report_key_word(asked->key), logs_position(walked->first, first),
           logs_position(walked->last, last), walked->last_ms, report->leads, report->older);
    json_dumpf(states, stdout, JSON_COMPACT);
    printf(",\n\"all\": ");
    print_json_rows(stdout, &all);
    printf(",\n\"rows\": ");
    print_json(stdout, &table);
    puts("}");
    json_decref(states);
    free_table(&table);
}

/* ---- the command ------------------------------------------------------------------------ */

static const struct cli_usage usage = {
    .synopsis = "takt report [NAME] [--by KEY] [--since TIME] [--until TIME] [--programme NAME] [--csv | --json]",
    .about = "Counts what the cell's log tells: the archive as far as it reaches, then Redis. Needs no broker.\n"
             "Without a NAME it lists the reports; docs/REPORTS.md defines every column.\n"
             "--since and --until choose leads by when they were taken in; all that happened to them counts.",
    .example = "takt report funnel --by campaign --since 2026-01-01 --csv > funnel.csv",
    .words_most = 1,
};

static int run(const struct asked *asked)
{
    struct walked walked;
    struct report_table report;
    struct tales *tales = tales_new(&asked->report.window, NULL);
    const bool read = logs_read(&asked->logs, tales, &walked);
    if (read) {
        report_make(tales, &asked->report, &report);
        if (asked->json)
            show_json(&asked->report, &report, &walked);
        else
            (asked->csv ? show_csv : show_table)(&report, &walked);
        report_fini(&report);
    }
    tales_destroy(&tales);
    return read ? CLI_DONE : CLI_FAILED;
}

int cmd_report(int argc, char **argv)
{
    struct asked asked = {0};
    const struct cli_option options[] = {
        {"by", "KEY", CLI_TEXT, &asked.by, 0, 0, "source, campaign, programme, mode, team, agent, ..."},
        {"since", "TIME", CLI_TEXT, &asked.since, 0, 0, "leads taken in from then on: 2026-01-31 or 2026-01-31T14:05"},
        {"until", "TIME", CLI_TEXT, &asked.until, 0, 0, "leads taken in before"},
        {"programme", "NAME", CLI_TEXT, &asked.report.programme, 0, 0, "only this programme's leads and agents"},
        {"target", "S", CLI_NUMBER, &asked.target_s, 1, SECONDS_MAX,
         "slo: first contact within S seconds (default: 60)"},
        {"limit", "S", CLI_NUMBER, &asked.limit_s, 1, SECONDS_MAX,
         "slo: and within S seconds at the latest (default: 300)"},
        {"csv", NULL, CLI_FLAG, &asked.csv, 0, 0, "print CSV; no cell is a formula to a spreadsheet"},
        CLI_JSON_OPTION(asked.json),
        LOGS_OPTIONS(asked.logs),
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    const int words = cli_options(&usage, options, argc, argv, &exit_code);
    if (words < 0)
        return exit_code;
    if (words == 0 && (asked.csv || asked.by || asked.since || asked.until || asked.report.programme ||
                       asked.target_s || asked.limit_s)) {
        cli_say("say which report; `takt report` lists them");
        return CLI_USAGE;
    }
    if (words == 0) {
        list(asked.json);
        return CLI_DONE;
    }
    return take_asked(&asked, argv[1]) && take_window(&asked, &asked.report.window) ? run(&asked) : CLI_USAGE;
}
