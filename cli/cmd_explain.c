/* SPDX-License-Identifier: Apache-2.0
 * cmd_explain.c - `takt explain LEAD`: what the broker says of it now, then its last
 * decision made again from the log; `takt explain --agent NAME`: what keeps it from
 * the next lead. The log is enough: a lead is explained beside a broker that is gone. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/explain.h"
#include "cli/logs.h"

enum { LIMIT_MAX = 1000, FIELD_WIDTH = 24 };

struct asked {
    struct logs_asked logs;
    const char *endpoint, *agent;
    bool json;
    int64_t patience_ms;
};

static const struct cli_usage usage = {
    .synopsis = "takt explain LEAD [--agent NAME] [options]\n"
                "       takt explain --agent NAME [options]",
    .about = "Why a lead went where it went: who got it, who was next and by how much, what each score is\n"
             "made of, why nobody else did, and with --agent the smallest change that would have given it\n"
             "to that one. The decision is made again from the log and compared with the record: it is as\n"
             "things were then, not as they are. With --agent and no lead: why that one gets nothing now.",
    .example = "takt explain 0123456789abcdef0123456789abcdef\n"
               "  takt explain 0123456789abcdef0123456789abcdef --agent ana\n"
               "  takt explain --agent ana",
    .words_least = 0,
    .words_most = 1,
};

/* ---- lines ------------------------------------------------------------------------------ */

static void add(struct explain_lines *lines, takt_text field, takt_text value)
{
    buf_add(&lines->text, field.at, field.len);
    buf_add(&lines->text, "", 1);
    if (value.len > 0)
        buf_add(&lines->text, value.at, value.len);
    buf_add(&lines->text, "", 1);
    lines->n++;
}

static bool ends_with(takt_text text, const char *end)
{
    const size_t len = strlen(end);
    return text.len >= len && memcmp(text.at + text.len - len, end, len) == 0;
}

/* Moments and durations as people read them; in JSON they keep their ms. */
static void show(const struct explain_lines *lines, bool json)
{
    const takt_text columns[] = {print_text("field", 5), print_text("value", 5)};
    takt_text *cells = calloc((size_t) lines->n * 2 + 1, sizeof *cells);
    const char *at = (const char *) lines->text.at;
    if (!cells || !at)
        abort(); /* there is always a line */
    for (size_t i = 0; i < (size_t) lines->n * 2; i++) {
        cells[i] = print_text(at, strlen(at));
        at += cells[i].len + 1;
    }
    for (size_t i = 0; i < lines->n && !json; i++) {
        const takt_text field = cells[2 * i];
        const bool span = ends_with(field, "_in_ms"), moment = !span && ends_with(field, "_ms");
        char name[PRINT_CELL_MAX], value[PRINT_CELL_MAX];
        print_cell(cells[2 * i], 's', name);
        if (span || moment)
            name[strlen(name) - strlen("_ms")] = '\0';
        print_cell(cells[2 * i + 1], span ? 'd' : moment ? 't' : 's', value);
        printf("%-*s %s\n", FIELD_WIDTH, name, value);
    }
    if (json)
        print_json(stdout, &(struct print_table){2, lines->n, columns, "ss", cells});
    free(cells);
}

/* ---- a lead -------------------------------------------------------------------------------- */

static bool has_broker(const struct asked *asked)
{
    return asked->endpoint || (!asked->logs.archive && !asked->logs.redis);
}

/* CLI_DONE also when the broker does not answer: the log knows the lead, too. */
static int ask_broker(const struct asked *asked, const char *lead, struct explain_lines *lines)
{
    const struct cli_common common = {.dir = asked->logs.dir, .endpoint = asked->endpoint};
    struct takt_event event;
    if (!has_broker(asked))
        return CLI_DONE;
    takt_t *takt = ask_open(&common);
    if (!takt)
        return CLI_FAILED;
    const int exit_code = ask_report(takt, "EXPLAIN", lead, LIMIT_MAX, asked->patience_ms, &event);
    const struct print_table table = exit_code == CLI_DONE ? ask_table(&event) : (struct print_table){0};
    for (size_t row = 0; row < table.n_rows; row++)
        add(lines, table.cells[2 * row], table.cells[2 * row + 1]);
    takt_close(&takt);
    return exit_code == CLI_UNANSWERED && !asked->endpoint ? CLI_DONE : exit_code;
}

static int read_log(const struct asked *asked, struct explain *explain, struct explain_lines *lines)
{
    struct walked walked;
    const struct walk_visitor find = {explain_find_row, explain}, gather = {explain_gather_row, explain};
    if (asked->endpoint && !asked->logs.archive && !asked->logs.redis && !asked->logs.dir)
        return CLI_DONE; /* a broker alone was named */
    if (!logs_walk(&asked->logs, &find, &walked))
        return CLI_FAILED;
    if (!explain_wants_more(explain)) {
        cli_say("the log knows no lead of this id; `takt import` names the ids of what it sent with --json");
        return CLI_FAILED;
    }
    if (!logs_walk(&asked->logs, &gather, &walked))
        return CLI_FAILED;
    if (explain_tell(explain, asked->agent, lines))
        return CLI_DONE;
    cli_say("the log knows no agent \"%s\"; `takt agents` lists them", asked->agent);
    return CLI_FAILED;
}

static int explain_lead(const struct asked *asked, const char *word)
{
    struct id id;
    struct explain_lines lines = {0};
    if (!id_from_hex(word, &id) || id_is_none(id)) {
        cli_say("\"%s\" is not an id of 32 hex digits", word);
        return CLI_USAGE;
    }
    int exit_code = ask_broker(asked, word, &lines);
    struct explain *explain = explain_new(id);
    if (exit_code == CLI_DONE)
        exit_code = read_log(asked, explain, &lines);
    if (exit_code == CLI_DONE)
        show(&lines, asked->json);
    explain_destroy(&explain);
    buf_fini(&lines.text);
    return exit_code;
}

/* ---- an agent ---------------------------------------------------------------------------------- */

static enum reason reason_of(takt_text name)
{
    for (unsigned reason = 1; reason < 1000; reason++)
        if (print_text_is(name, reason_name(reason)))
            return (enum reason) reason;
    return REASON_OK;
}

/* Its row, and what it means. */
static void tell_agent(const struct print_table *table, struct explain_lines *lines)
{
    const takt_text why = ask_cell(table, 0, "why_none");
    const char *text =
        why.len ? reason_text(reason_of(why)) : "nothing keeps it: the next lead of its pools can be its";
    add(lines, print_text("why_none", 8), why);
    add(lines, print_text("because", 7), print_text(text, strlen(text)));
    if (ask_number(table, 0, "opens") > 0)
        add(lines, print_text("opens_in_ms", 11), ask_cell(table, 0, "opens"));
    for (size_t c = 0; c < table->n_columns; c++)
        if (!print_text_is(table->columns[c], "why_none") && !print_text_is(table->columns[c], "opens"))
            add(lines, table->columns[c], table->cells[c]);
}

/* Limits of its own and of its team, and how far each is used. */
static void tell_limits(const struct print_table *table, struct explain_lines *lines)
{
    char value[256];
    for (size_t row = 0; row < table->n_rows; row++) {
        const takt_text of = ask_cell(table, row, "of");
        const takt_text used = ask_cell(table, row, "used"), most = ask_cell(table, row, "most");
        const takt_text per = ask_cell(table, row, "per"), unit = ask_cell(table, row, "counts");
        const int len = snprintf(value, sizeof value, "%.*s of %.*s %.*s a %.*s", (int) used.len, used.at,
                                 (int) most.len, most.at, (int) unit.len, unit.at, (int) per.len, per.at);
        add(lines, print_text_is(of, "agent") ? print_text("limit", 5) : print_text("limit of its team", 17),
            print_text(value, (size_t) len < sizeof value ? (size_t) len : sizeof value - 1));
    }
}

static int explain_agent(const struct asked *asked)
{
    const struct cli_common common = {.dir = asked->logs.dir, .endpoint = asked->endpoint};
    struct takt_event event;
    struct explain_lines lines = {0};
    takt_t *takt = ask_open(&common);
    if (!takt)
        return CLI_FAILED;
    int exit_code = ask_report(takt, "AGENTS", asked->agent, 1, asked->patience_ms, &event);
    if (exit_code == CLI_DONE) {
        const struct print_table table = ask_table(&event);
        tell_agent(&table, &lines);
    }
    if (exit_code == CLI_DONE)
        exit_code = ask_report(takt, "LIMITS", asked->agent, LIMIT_MAX, asked->patience_ms, &event);
    if (exit_code == CLI_DONE) {
        const struct print_table table = ask_table(&event);
        tell_limits(&table, &lines);
        show(&lines, asked->json);
    }
    takt_close(&takt);
    buf_fini(&lines.text);
    return exit_code;
}

int cmd_explain(int argc, char **argv)
{
    struct asked asked = {.patience_ms = 5000};
    const struct cli_option options[] = {
        LOGS_OPTIONS(asked.logs),
        {"endpoint", "URL", CLI_TEXT, &asked.endpoint, 0, 0, "the broker's socket (default: as found in DIR)"},
        {"agent", "NAME", CLI_TEXT, &asked.agent, 0, 0, "what would have given it to this one"},
        {"timeout", "MS", CLI_NUMBER, &asked.patience_ms, 1, 600000, "how long to wait for the broker (default: 5000)"},
        CLI_JSON_OPTION(asked.json),
        CLI_END};
    int exit_code = CLI_FAILED;
    const int words = cli_options(&usage, options, argc, argv, &exit_code);
    if (words < 0)
        return exit_code;
    if (words == 0 && !asked.agent)
        return cli_say_usage(&usage);
    return words == 1 ? explain_lead(&asked, argv[1]) : explain_agent(&asked);
}
