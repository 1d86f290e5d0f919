/* SPDX-License-Identifier: Apache-2.0
 * cmd_lead.c - `takt lead`: one lead, and what an operator does with it by hand. An
 * order needs a reason: it stands in the lead's history, with who gave it. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"

static const struct cli_usage usage = {
    .synopsis = "takt lead ID [--assign AGENT | --release | --reject CODE | --reopen] [--why TEXT]",
    .about = "One lead by its id: state, owner, deadline, attempts, what was done with it by hand.\n"
             "--assign gives it to an agent who is connected and on duty, whoever has it and however\n"
             "much the agent holds; licences, filters, caps, budgets and calling hours keep it back.\n"
             "--release puts it back into its pool: out of an agent's hands, out of vetting, out of\n"
             "its rest. --reject ends what waits to be vetted, with a final disposition. --reopen\n"
             "begins anew with a lead that has ended; not with one that must not be called. Whoever\n"
             "has the lead lets go first. Each needs --why; it stays with the lead, and is no place\n"
             "for a customer's name or number.",
    .example = "takt lead 0123456789abcdef0123456789abcdef\n"
               "  takt lead 0123456789abcdef0123456789abcdef --assign ana --why 'knows the family'",
    .words_least = 1,
    .words_most = 1,
};

struct wish {
    struct cli_common common;
    const char *assign, *reject, *why, *by;
    bool release, reopen;
    int64_t patience_ms;
};

/* What is ordered: 0 = nothing, it is only asked; negative: wrong, and said. */
static int ordered(const struct wish *wish, unsigned *ret_code)
{
    const int n = (wish->assign != NULL) + (wish->reject != NULL) + wish->release + wish->reopen;
    *ret_code = wish->reject ? takt_disposition(wish->reject) : 0;
    if (n > 1)
        cli_say("one of --assign, --release, --reject, --reopen at a time");
    else if (n == 0 && wish->why)
        cli_say("--why goes with an order: --assign, --release, --reject or --reopen");
    else if (n == 1 && (!wish->why || !*wish->why))
        cli_say("say --why: it is kept with the lead");
    else if (n == 1 && (!wish->by || !*wish->by))
        cli_say("say --by NAME: who orders this is kept with the lead, and $USER is not set");
    else if (wish->reject && *ret_code == 0)
        cli_say("\"%s\" is no disposition; such as fake, wrong-number, out-of-area, cannot-qualify, do-not-call",
                wish->reject);
    else
        return n == 0 ? 0
                      : (int) takt_order_by_word(wish->assign    ? "assign"
                                                 : wish->release ? "release"
                                                 : wish->reject  ? "reject"
                                                                 : "reopen");
    return -1;
}

int cmd_lead(int argc, char **argv)
{
    struct wish wish = {.by = getenv("USER"), .patience_ms = 5000};
    const struct cli_option options[] = {
        CLI_COMMON_OPTIONS(wish.common),
        {"assign", "AGENT", CLI_TEXT, &wish.assign, 0, 0, "give it to this agent"},
        {"release", NULL, CLI_FLAG, &wish.release, 0, 0, "put it into its pool"},
        {"reject", "CODE", CLI_TEXT, &wish.reject, 0, 0, "end it: a final disposition, such as fake"},
        {"reopen", NULL, CLI_FLAG, &wish.reopen, 0, 0, "begin anew with a lead that has ended"},
        {"why", "TEXT", CLI_TEXT, &wish.why, 0, 0, "the reason, up to 200 bytes; an order needs it"},
        {"by", "NAME", CLI_TEXT, &wish.by, 0, 0, "who orders it (default: $USER)"},
        {"timeout", "MS", CLI_NUMBER, &wish.patience_ms, 1, 600000, "how long to wait for the answer (default: 5000)"},
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    unsigned code;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    takt_id id;
    struct takt_event event;
    if (!takt_id_parse(argv[1], &id)) {
        cli_say("\"%s\" is not an id of 32 hex digits", argv[1]);
        return CLI_USAGE;
    }
    const int what = ordered(&wish, &code);
    if (what < 0)
        return CLI_USAGE;
    takt_t *takt = ask_open(&wish.common);
    if (!takt)
        return CLI_FAILED;
    exit_code =
        what ? ask_order(takt, (unsigned) what, id, wish.assign, code, wish.by, wish.why, wish.patience_ms, &event)
             : ask_report(takt, "LEAD", argv[1], 1, wish.patience_ms, &event);
    if (exit_code == CLI_DONE) {
        const struct print_table table = ask_table(&event);
        if (wish.common.json)
            print_json(stdout, &table);
        else
            ask_show_fields(&table);
    }
    takt_close(&takt);
    return exit_code;
}
