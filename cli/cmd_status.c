/* SPDX-License-Identifier: Apache-2.0
 * cmd_status.c - the operator's questions: status, agents, pools, workers, lead
 * ID, explain ID and so on. One function for all of them, since each is a query by
 * name whose answer is a table; what is in the table is the broker's business. */
#include "cli/cli.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#include "cli/print.h"
#include "client/takt.h"
#include "common/clock.h"

enum { LIMIT_MAX = 1000, WORD_ROOM = 16 };

struct question {
    const char *word; /* of the command line; in capitals the query's name */
    const char *about, *synopsis, *example;
    int n_args;
};

static const struct question questions[] = {
    {"status", "Counts by state, mode and programme; levels; health.", "takt status", "takt status --json", 0},
    {"agents", "Who is here: intent, activity, what they hold.", "takt agents", "takt agents", 0},
    {"pools", "What waits in each pool, since when, and who could take it.", "takt pools", "takt pools", 0},
    {"workers", "Scoring workers: capacity, requests in work, answered, lapsed.", "takt workers", "takt workers", 0},
    {"metrics", "The broker's counters as Prometheus text, as far as they are about leads.", "takt metrics",
     "takt metrics | grep intake_to_hand", 0},
    {"orphans", "The dead-queue radar: leads without live owner and without armed deadline. Must be empty.",
     "takt orphans", "takt orphans", 0},
    {"lead", "One lead by its id: state, owner, deadline, history of owners.", "takt lead ID",
     "takt lead 0123456789abcdef0123456789abcdef", 1},
    {"explain", "Why a lead went where it went.", "takt explain ID", "takt explain 0123456789abcdef0123456789abcdef",
     1},
};

static const struct question *find_question(const char *word)
{
    size_t i = 0;
    while (i < sizeof questions / sizeof *questions - 1 && strcmp(questions[i].word, word) != 0)
        i++;
    return &questions[i];
}

static unsigned query_of(const char *word)
{
    char name[WORD_ROOM] = "";
    for (size_t i = 0; i < sizeof name - 1 && word[i]; i++)
        name[i] = (char) toupper((unsigned char) word[i]);
    return takt_query_by_name(name);
}

static bool ends_with(takt_text text, const char *end)
{
    const size_t len = strlen(end);
    return text.len >= len && memcmp(text.at + text.len - len, end, len) == 0;
}

/* A report of fields and values, a line each: moments and durations as people read them. */
static void show_fields(const struct print_table *table)
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

static void show(const struct takt_event *event, bool json, bool lines)
{
    struct print_table table = {.n_columns = event->report.n_columns,
                                .n_rows = event->report.n_rows,
                                .columns = event->report.columns,
                                .types = event->report.types,
                                .cells = event->report.cells};
    if (json)
        print_json(stdout, &table);
    else if (lines)
        for (size_t i = 0; i < table.n_rows; i++)
            printf("%.*s\n", (int) table.cells[i].len, table.cells[i].at);
    else if (table.n_columns == 2 && ends_with(table.columns[0], "field"))
        show_fields(&table);
    else
        print_table(stdout, &table);
    if (event->report.more)
        cli_say("there are more rows; ask with a larger --limit");
}

struct asking {
    unsigned what;
    const char *arg;
    uint32_t limit;
    bool json, lines; /* lines: one column of text, without its name */
};

/* One event of the conversation. Returns an enum cli_exit when it is over, -1 while it goes on. */
static int converse(takt_t *takt, const struct asking *asking, const struct takt_event *event)
{
    if (event->kind == TAKT_CONNECTED && takt_query(takt, asking->what, asking->arg, asking->limit) < 0) {
        cli_say("%s", takt_why(takt));
        return CLI_USAGE;
    }
    if (event->kind != TAKT_REFUSED && event->kind != TAKT_REPORT)
        return -1;
    if (event->reason != 0) {
        cli_say("%s: %s", takt_reason_name(event->reason), takt_reason_text(event->reason));
        return CLI_FAILED;
    }
    show(event, asking->json, asking->lines);
    return CLI_DONE;
}

static int ask(const char *endpoint, const struct asking *asking, int64_t patience_ms)
{
    char name[32], why[160];
    snprintf(name, sizeof name, "takt-%d", (int) getpid());
    struct takt_options options = {.role = TAKT_OPERATOR, .endpoint = endpoint, .name = name};
    takt_t *takt = takt_open(&options, why);
    if (!takt) {
        cli_say("%s", why);
        return CLI_FAILED;
    }
    int64_t until_us = clock_mono_us() + patience_ms * 1000;
    int exit_code = -1;
    while (exit_code < 0) {
        int64_t left_us = until_us - clock_mono_us();
        struct takt_event event;
        if (left_us <= 0) {
            cli_say("no answer from %s in %lld ms; is `takt up` running?", endpoint, (long long) patience_ms);
            exit_code = CLI_UNANSWERED;
        } else if (takt_next(takt, &event, (int) (left_us / 1000) + 1) == 1) {
            exit_code = converse(takt, asking, &event);
        }
    }
    takt_close(&takt);
    return exit_code;
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
    const struct cli_usage usage = {.synopsis = question->synopsis,
                                    .about = question->about,
                                    .example = question->example,
                                    .words_least = question->n_args,
                                    .words_most = question->n_args};
    int exit_code = CLI_FAILED;
    int words = cli_options(&usage, options, argc, argv, &exit_code);
    if (words < 0)
        return exit_code;
    char endpoint[256];
    takt_id id;
    if (words == 1 && !takt_id_parse(argv[1], &id)) {
        cli_say("\"%s\" is not an id of 32 hex digits", argv[1]);
        return CLI_USAGE;
    }
    if (!cli_endpoint(&common, "operator", endpoint))
        return CLI_FAILED;
    struct asking asking = {.what = query_of(question->word),
                            .arg = words == 1 ? argv[1] : "",
                            .limit = (uint32_t) limit,
                            .json = common.json,
                            .lines = strcmp(question->word, "metrics") == 0};
    return ask(endpoint, &asking, patience_ms);
}
