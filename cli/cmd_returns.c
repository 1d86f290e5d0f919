/* SPDX-License-Identifier: Apache-2.0
 * cmd_returns.c - `takt returns`: what goes back to who sold it, as a list to send. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>

#include "cli/ask.h"
#include "cli/rejects.h"

enum { LIMIT_MAX = 1000 };

static const struct cli_usage usage = {
    .synopsis = "takt returns [SOURCE] [--csv]",
    .about = "Leads that turned out to be none (wrong number, fake, out of area, not vetted in time), of\n"
             "one source or of all: the source's own key, why, when, and what the lead had cost.\n"
             "`takt sources` counts them. No agent is worse off for a lead like that.",
    .example = "takt returns web --csv > to-web.csv",
    .words_least = 0,
    .words_most = 1,
};

static void print_csv(const struct print_table *table, bool with_header)
{
    struct buf line = {0};
    struct slice *cells = calloc(table->n_columns, sizeof *cells);
    if (!cells)
        abort();
    for (size_t row = with_header ? 0 : 1; row <= table->n_rows; row++) {
        const takt_text *from = row ? &table->cells[(row - 1) * table->n_columns] : table->columns;
        for (size_t c = 0; c < table->n_columns; c++)
            cells[c] = slice_of(from[c].at, from[c].len);
        line.len = 0;
        rejects_keep(&line, cells, (uint32_t) table->n_columns);
        printf("%.*s\n", (int) line.len - 1, (const char *) line.at + 1);
    }
    free(cells);
    buf_fini(&line);
}

/* All of them, as many questions as it takes. */
static int list_csv(takt_t *takt, const char *source, int64_t patience_ms)
{
    struct takt_event event = {.report.more = true};
    int exit_code = CLI_DONE;
    for (size_t n = 0; exit_code == CLI_DONE && event.report.more; n += event.report.n_rows) {
        char arg[160];
        snprintf(arg, sizeof arg, "%.120s %zu", source, n);
        exit_code = ask_report(takt, "RETURNS", arg, LIMIT_MAX, patience_ms, &event);
        if (exit_code == CLI_DONE)
            print_csv(&(struct print_table){.n_columns = event.report.n_columns,
                                            .n_rows = event.report.n_rows,
                                            .columns = event.report.columns,
                                            .cells = event.report.cells},
                      n == 0);
    }
    return exit_code;
}

static int list(takt_t *takt, const char *source, bool json, int64_t limit, int64_t patience_ms)
{
    struct takt_event event;
    const int exit_code = ask_report(takt, "RETURNS", source, (uint32_t) limit, patience_ms, &event);
    if (exit_code != CLI_DONE)
        return exit_code;
    const struct print_table table = ask_table(&event);
    if (json)
        print_json(stdout, &table);
    else
        print_table(stdout, &table);
    if (event.report.more)
        cli_say("there are more rows; --csv prints all of them");
    return CLI_DONE;
}

int cmd_returns(int argc, char **argv)
{
    struct cli_common common = {0};
    bool csv = false;
    int64_t limit = 0, patience_ms = 5000;
    const struct cli_option options[] = {
        CLI_COMMON_OPTIONS(common),
        {"csv", NULL, CLI_FLAG, &csv, 0, 0, "print CSV, for a spreadsheet or to send"},
        {"limit", "N", CLI_NUMBER, &limit, 1, LIMIT_MAX, "rows at most (default: 1000)"},
        {"timeout", "MS", CLI_NUMBER, &patience_ms, 1, 600000, "how long to wait for the answer (default: 5000)"},
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    const int words = cli_options(&usage, options, argc, argv, &exit_code);
    if (words < 0)
        return exit_code;
    if (csv && (common.json || limit > 0)) {
        cli_say(common.json ? "--csv or --json, not both" : "--csv prints all rows; --limit goes without it");
        return CLI_USAGE;
    }
    takt_t *takt = ask_open(&common);
    if (!takt)
        return CLI_FAILED;
    const char *source = words ? argv[1] : "";
    exit_code = csv ? list_csv(takt, source, patience_ms)
                    : list(takt, source, common.json, limit ? limit : LIMIT_MAX, patience_ms);
    takt_close(&takt);
    return exit_code;
}
