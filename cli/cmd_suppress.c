/* SPDX-License-Identifier: Apache-2.0
 * cmd_suppress.c - `takt suppress`: who must not be called. The broker keeps hashes:
 * what is on the list can be asked for by nobody, only how many are. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "common/buf.h"
#include "proto/msg.h"

static const struct cli_usage usage = {
    .synopsis = "takt suppress [FILE] [--phone X] [--email Y] [--remove]",
    .about = "Contacts that must not be called, from now on and in all leads that are here: leads that\n"
             "wait end as SUPPRESSED, those in an agent's hands are withdrawn first, and new rows are\n"
             "refused with SUPPRESSED_CONTACT. FILE has a phone or an e-mail a line; - is the standard\n"
             "input. --remove takes them off the list; leads that ended stay ended. Without any of\n"
             "them it says how many are on the list. It may be repeated without harm.",
    .example = "takt suppress do-not-call.txt\n"
               "  takt suppress --phone '+1 256 372 5000'\n"
               "  takt suppress --email ada@example.com --remove",
    .words_least = 0,
    .words_most = 1,
};

struct wish {
    struct cli_common common;
    const char *phone, *email;
    bool remove;
    int64_t patience_ms;
};

static bool read_file(const char *path, struct buf *text)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    char piece[65536];
    size_t n;
    if (!file) {
        cli_say("%s: %s", path, strerror(errno));
        return false;
    }
    while ((n = fread(piece, 1, sizeof piece, file)) > 0)
        buf_add(text, piece, n);
    const bool good = !ferror(file);
    if (!good)
        cli_say("%s: %s", path, strerror(errno));
    if (file != stdin)
        fclose(file);
    if (good && text->len > 0 && text->at[text->len - 1] != '\n')
        buf_add(text, "\n", 1);
    return good;
}

/* As many whole lines as one message takes; 0: a line is too long. */
static size_t piece_of(const struct buf *text, size_t at)
{
    const size_t left = text->len - at, most = left < SUPPRESS_BYTES_MAX ? left : SUPPRESS_BYTES_MAX;
    const uint8_t *last = memrchr(text->at + at, '\n', most);
    return last ? (size_t) (last + 1 - (text->at + at)) : 0;
}

enum { CHANGED, AS_IT_WAS, UNREADABLE, TOLD };
static const char *const told_by[TOLD] = {"changed", "as_it_was", "unreadable"};

static void show(const struct wish *wish, const struct print_table *table, const double told[TOLD], bool ordered)
{
    if (wish->common.json)
        printf("{\"contacts\": %.0f, \"leads_ended\": %.0f, \"changed\": %.0f, \"as_it_was\": %.0f, "
               "\"unreadable\": %.0f}\n",
               ask_number(table, 0, "contacts"), ask_number(table, 0, "leads_ended"), told[CHANGED], told[AS_IT_WAS],
               told[UNREADABLE]);
    else if (ordered)
        printf("%.0f %s the list, %.0f %s before, %.0f neither a phone nor an e-mail; %.0f are on it\n", told[CHANGED],
               wish->remove ? "taken off" : "put on", told[AS_IT_WAS], wish->remove ? "not on it" : "on it",
               told[UNREADABLE], ask_number(table, 0, "contacts"));
    else
        printf("%.0f contacts must not be called; %.0f leads ended as SUPPRESSED\n", ask_number(table, 0, "contacts"),
               ask_number(table, 0, "leads_ended"));
}

static int order(takt_t *takt, const struct wish *wish, const struct buf *text)
{
    double told[TOLD] = {0};
    struct takt_event event;
    struct print_table table;
    int exit_code = CLI_DONE;
    size_t at = 0, len;
    do {
        len = text->len ? piece_of(text, at) : 0;
        if (text->len && len == 0) {
            cli_say("a line is longer than %d bytes; one phone or e-mail a line", (int) SUPPRESS_BYTES_MAX);
            return CLI_USAGE;
        }
        exit_code = len ? ask_suppress(takt, (const char *) text->at + at, len, wish->remove, wish->patience_ms, &event)
                        : ask_report(takt, "SUPPRESSED", "", 1, wish->patience_ms, &event);
        if (exit_code != CLI_DONE)
            return exit_code;
        table = ask_table(&event);
        for (int i = 0; i < TOLD; i++)
            told[i] += ask_number(&table, 0, told_by[i]);
    } while ((at += len) < text->len);
    show(wish, &table, told, text->len > 0);
    return told[UNREADABLE] > 0 ? CLI_FAILED : CLI_DONE;
}

int cmd_suppress(int argc, char **argv)
{
    struct wish wish = {.patience_ms = 30000};
    const struct cli_option options[] = {
        CLI_COMMON_OPTIONS(wish.common),
        {"phone", "X", CLI_TEXT, &wish.phone, 0, 0, "this phone number"},
        {"email", "Y", CLI_TEXT, &wish.email, 0, 0, "this e-mail address"},
        {"remove", NULL, CLI_FLAG, &wish.remove, 0, 0, "take them off the list"},
        {"timeout", "MS", CLI_NUMBER, &wish.patience_ms, 1, 600000, "how long to wait for an answer (default: 30000)"},
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    const int n = cli_options(&usage, options, argc, argv, &exit_code);
    if (n < 0)
        return exit_code;
    struct buf text = {0};
    if (wish.remove && n == 0 && !wish.phone && !wish.email) {
        cli_say("--remove needs what to take off the list: a FILE, --phone or --email");
        return CLI_USAGE;
    }
    if (n == 1 && !read_file(argv[1], &text)) {
        buf_fini(&text);
        return CLI_FAILED;
    }
    if (wish.phone)
        buf_printf(&text, "%s\n", wish.phone);
    if (wish.email)
        buf_printf(&text, "%s\n", wish.email);
    takt_t *takt = ask_open(&wish.common);
    exit_code = takt ? order(takt, &wish, &text) : CLI_FAILED;
    takt_close(&takt);
    buf_fini(&text);
    return exit_code;
}
