/* SPDX-License-Identifier: Apache-2.0
 * cmd_status.c - the operator's questions: status, teams, pools, limits, orphans
 * and so on. One function for all of them, since each is a query by
 * name whose answer is a table; what is in the table is the broker's business. */
#include "cli/cli.h"

#include <ctype.h>
#include <string.h>

#include "cli/ask.h"

enum { LIMIT_MAX = 1000, WORD_ROOM = 16 };

struct question {
    const char *word; /* of the command line; in capitals the query's name */
    const char *about, *synopsis, *example;
};

static const struct question questions[] = {
    {"status", "Counts by state, mode and programme; levels; health.", "takt status [options]", "takt status --json"},
    {"pools", "What waits in each pool, since when, and who could take it.", "takt pools [options]", "takt pools"},
    {"limits", "What agents, teams and sources were given, against the limits that hold for them.",
     "takt limits [options]", "takt limits --json"},
    {"teams", "Who is here by team: present, away, with room for a lead, what they hold.", "takt teams [options]",
     "takt teams"},
    {"metrics", "The broker's counters as Prometheus text, as far as they are about leads.", "takt metrics [options]",
     "takt metrics | grep intake_to_hand"},
    {"sources", "Sources: their leads, how many live, what was won, what goes back to them and what it cost.",
     "takt sources [options]", "takt sources --json"},
    {"orphans", "The dead-queue radar: leads without live owner and without armed deadline. Must be empty.",
     "takt orphans [options]", "takt orphans"},
};

static const struct question *find_question(const char *word)
{
    size_t i = 0;
    while (i < sizeof questions / sizeof *questions - 1 && strcmp(questions[i].word, word) != 0)
        i++;
    return &questions[i];
}

static const char *query_of(const char *word, char ret_name[WORD_ROOM])
{
    memset(ret_name, 0, WORD_ROOM);
    for (size_t i = 0; i < WORD_ROOM - 1 && word[i]; i++)
        ret_name[i] = (char) toupper((unsigned char) word[i]);
    return ret_name;
}

static void show(const struct takt_event *event, bool json, bool lines, int64_t limit)
{
    struct print_table table = ask_table(event);
    if (json)
        print_json(stdout, &table);
    else if (lines)
        for (size_t i = 0; i < table.n_rows; i++)
            printf("%.*s\n", (int) table.cells[i].len, table.cells[i].at);
    else if (ask_is_fields(&table))
        ask_show_fields(&table);
    else
        print_table(stdout, &table);
    if (event->report.more)
        cli_say(limit < LIMIT_MAX ? "there are more rows; ask with a larger --limit"
                                  : "there are more rows than are shown at once");
}

/* Below the status: one line, since who decides is part of how a cell is. */
static int show_workers(takt_t *takt, int64_t patience_ms)
{
    struct takt_event event;
    const int exit_code = ask_report(takt, "WORKERS", "", LIMIT_MAX, patience_ms, &event);
    if (exit_code != CLI_DONE)
        return exit_code;
    const struct print_table table = ask_table(&event);
    fputs(table.n_rows ? "workers:" : "workers: none, the plain order decides", stdout);
    for (size_t row = 0; row < table.n_rows; row++) {
        const takt_text name = ask_cell(&table, row, "worker"), state = ask_cell(&table, row, "state");
        printf("%s %.*s %.*s %.1f %%", row ? "," : "", (int) name.len, name.at, (int) state.len, state.at,
               ask_number(&table, row, "busy_pct"));
    }
    fputc('\n', stdout);
    return CLI_DONE;
}

int cmd_query(int argc, char **argv)
{
    const struct question *question = find_question(argv[0]);
    struct cli_common common = {0};
    int64_t limit = LIMIT_MAX, patience_ms = 5000;
    const struct cli_option options[] = {
        CLI_COMMON_OPTIONS(common),
        {"limit", "N", CLI_NUMBER, &limit, 1, LIMIT_MAX, "rows at most (default: 1000)"},
        {"timeout", "MS", CLI_NUMBER, &patience_ms, 1, 600000, "how long to wait for the answer (default: 5000)"},
        CLI_END,
    };
    const struct cli_usage usage = {
        .synopsis = question->synopsis, .about = question->about, .example = question->example};
    int exit_code = CLI_FAILED;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    char name[WORD_ROOM];
    takt_t *takt = ask_open(&common);
    if (!takt)
        return CLI_FAILED;
    struct takt_event event;
    exit_code = ask_report(takt, query_of(question->word, name), "", (uint32_t) limit, patience_ms, &event);
    if (exit_code == CLI_DONE)
        show(&event, common.json, strcmp(question->word, "metrics") == 0, limit);
    if (exit_code == CLI_DONE && !common.json && strcmp(question->word, "status") == 0)
        exit_code = show_workers(takt, patience_ms);
    takt_close(&takt);
    return exit_code;
}
