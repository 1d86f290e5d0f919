/* SPDX-License-Identifier: Apache-2.0
 * cmd_history.c - `takt history ID`: everything that happened to a lead. The same
 * folding as `takt report`, watched at one lead, so that both tell one story. */
#include "cli/cli.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/logs.h"
#include "cli/print.h"

enum { COLUMNS = 6, WORD_ROOM = 32 };

struct told { /* a step, as far as a row needs it; names of agents are known at the end */
    int64_t at_us;
    uint32_t state, agent, disposition;
    enum reason reason;
    bool by_agent, disposed, found;
};

struct telling {
    struct buf steps; /* struct told */
    struct buf text;
    takt_text cells[COLUMNS];
};

static void take_step(void *arg, const struct tale_step *step)
{
    struct telling *telling = arg;
    const struct told told = {.at_us = step->at_us,
                              .state = step->state,
                              .agent = step->agent,
                              .disposition = step->image->disposition,
                              .reason = step->reason,
                              .by_agent = step->by_agent,
                              .disposed = step->disposed,
                              .found = step->found};
    buf_add(&telling->steps, &told, sizeof told);
}

static bool is_allocation(enum reason reason)
{
    return reason == REASON_SCORED || reason == REASON_PLAIN_ORDER || reason == REASON_GREEDY ||
           reason == REASON_CHOSEN;
}

static const char *event_of(const struct told *told, char ret[WORD_ROOM])
{
    const char *name = told->found                                                  ? "found"
                       : is_allocation(told->reason) && told->state == LEAD_OFFERED ? "offered"
                       : is_allocation(told->reason)                                ? "granted"
                                                                                    : reason_name(told->reason);
    snprintf(ret, WORD_ROOM, "%s", name);
    for (char *at = ret; *at; at++)
        *at = (char) tolower((unsigned char) *at);
    return ret;
}

static void put(struct telling *telling, uint32_t column, const char *text, size_t len)
{
    buf_add(&telling->text, text, len);
    telling->cells[column] = print_text(NULL, len);
}

static void put_row(struct telling *telling, const struct tales *tales, const struct told *told, bool json)
{
    char number[32], word[WORD_ROOM];
    const struct duty *duty = staff_duty(tales_staff(tales), told->agent);
    const struct slice agent = names_text(tales_names(tales), duty ? duty->name : 0);
    const char *by = told->by_agent ? (const char *) agent.at : "takt";
    const char *detail = told->disposed ? disposition_word(told->disposition) : reason_text(told->reason);
    telling->text.len = 0;
    if (json)
        put(telling, 0, number, (size_t) snprintf(number, sizeof number, "%" PRId64, told->at_us / 1000));
    else
        put(telling, 0, number, strlen(logs_time_ms(told->at_us / 1000, number)));
    put(telling, 1, word, strlen(event_of(told, word)));
    put(telling, 2, by, strlen(by));
    put(telling, 3, (const char *) agent.at, agent.len);
    put(telling, 4, lead_state_name(told->state), strlen(lead_state_name(told->state)));
    put(telling, 5, detail, strlen(detail));
    const char *at = (const char *) telling->text.at;
    for (uint32_t c = 0; c < COLUMNS; c++) {
        telling->cells[c].at = at;
        at += telling->cells[c].len;
    }
}

static void show(struct telling *telling, const struct tales *tales, bool json)
{
    static const char *const names[COLUMNS] = {"at_ms", "event", "by", "agent", "state", "detail"};
    const struct told *steps = (const struct told *) (const void *) telling->steps.at;
    const size_t n = telling->steps.len / sizeof *steps;
    takt_text columns[COLUMNS];
    struct buf *texts = calloc(n, sizeof *texts);
    takt_text *cells = calloc(n * COLUMNS, sizeof *cells);
    if (!texts || !cells)
        abort();
    for (size_t i = 0; i < n; i++) {
        put_row(telling, tales, &steps[i], json);
        memcpy(cells + i * COLUMNS, telling->cells, sizeof telling->cells);
        texts[i] = telling->text;
        telling->text = (struct buf){0};
    }
    for (uint32_t c = 0; c < COLUMNS; c++)
        columns[c] = print_text(names[c], strlen(names[c]));
    if (!json)
        columns[0] = print_text("at", 2);
    const struct print_table table = {COLUMNS, n, columns, json ? "nsssss" : "ssssss", cells};
    (json ? print_json : print_table)(stdout, &table);
    for (size_t i = 0; i < n; i++)
        buf_fini(&texts[i]);
    free(texts);
    free(cells);
}

static const struct cli_usage usage = {
    .synopsis = "takt history ID [--dir DIR | --archive FOLDER | --redis ADDR --cell NAME] [--json]",
    .about = "Everything that happened to a lead, from the log: each offer, accept, action, note, disposition\n"
             "and release, and what takt decided about it, with who and when. Needs no broker.\n"
             "`takt lead ID` says how it is now, `takt explain ID` why it went where it went.",
    .example = "takt history 0123456789abcdef0123456789abcdef",
    .words_least = 1,
    .words_most = 1,
};

int cmd_history(int argc, char **argv)
{
    struct logs_asked asked = {0};
    struct tale_watch watch = {.step = take_step};
    bool json = false;
    const struct cli_option options[] = {LOGS_OPTIONS(asked), CLI_JSON_OPTION(json), CLI_END};
    int exit_code = CLI_FAILED;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    if (!id_from_hex(argv[1], &watch.id) || id_is_none(watch.id)) {
        cli_say("\"%s\" is not an id of 32 hex digits", argv[1]);
        return CLI_USAGE;
    }
    struct telling telling = {0};
    const struct window window = {INT64_MIN, INT64_MAX};
    struct walked walked;
    watch.arg = &telling;
    struct tales *tales = tales_new(&window, &watch);
    exit_code = logs_read(&asked, tales, &walked) ? CLI_DONE : CLI_FAILED;
    if (exit_code == CLI_DONE && telling.steps.len == 0) {
        cli_say("the log knows no lead of this id; `takt fsck --states FILE` writes down the ids of all leads");
        exit_code = CLI_FAILED;
    } else if (exit_code == CLI_DONE) {
        show(&telling, tales, json);
    }
    tales_destroy(&tales);
    buf_fini(&telling.steps);
    return exit_code;
}
