/* SPDX-License-Identifier: Apache-2.0
 * cmd_workers.c - `takt workers`: the scoring workers, what they do, and drain.
 *
 * A drained worker stays connected and idle: so it can be asked again, and it is
 * the operator who decides when its process ends. */
#include "cli/cli.h"

#include <string.h>

#include <unistd.h>

#include "cli/ask.h"
#include "common/clock.h"

enum { LIMIT = 1000, LOOK_MS = 50 };

static const struct cli_usage usage = {
    .synopsis = "takt workers [drain NAME | undrain NAME] [options]",
    .about = "Scoring workers, a row each: where it runs (host/pid), its state, the requests it may\n"
             "have and has in hand, requests answered and leads decided since it connected, the\n"
             "share of the last 10 s it was busy, its mean time for a request, requests that\n"
             "lapsed (the plain order decided), answers that came too late all the same, decisions\n"
             "dropped because they held no more, and when it was last heard.\n"
             "`drain NAME` gives it no new request and waits until it has none in hand: then it can\n"
             "be stopped, and no lead notices. It stays connected; `undrain NAME` asks it again. With\n"
             "all workers drained the plain order decides. A broker that is restarted has forgotten.",
    .example = "takt workers\n"
               "  takt workers drain worker-1",
    .words_least = 0,
    .words_most = 2,
};

struct workers {
    struct cli_common common;
    int64_t patience_ms;
    takt_t *takt;
};

static void show_people(const struct print_table *table, double scored, double plain)
{
    print_table(stdout, table);
    if (table->n_rows == 0)
        puts("no worker is connected: the plain order decides");
    const double all = scored + plain;
    printf("decided in this cell: %.0f by workers, %.0f by the plain order (%.1f %%)\n", scored, plain,
           all > 0 ? plain * 100 / all : 0);
}

static int list(struct workers *workers)
{
    struct takt_event event;
    int exit_code = ask_report(workers->takt, "STATUS", "", LIMIT, workers->patience_ms, &event);
    if (exit_code != CLI_DONE)
        return exit_code;
    struct print_table table = ask_table(&event);
    const double scored = ask_sum(&table, "scored"), plain = ask_sum(&table, "plain");
    exit_code = ask_report(workers->takt, "WORKERS", "", LIMIT, workers->patience_ms, &event);
    if (exit_code != CLI_DONE)
        return exit_code;
    table = ask_table(&event);
    if (workers->common.json) {
        printf("{\"decided_by_workers\": %.0f, \"decided_by_plain_order\": %.0f, \"busy_window_s\": 10, \"workers\": ",
               scored, plain);
        print_json_rows(stdout, &table);
        puts("}");
    } else {
        show_people(&table, scored, plain);
    }
    return CLI_DONE;
}

/* Until it has nothing in hand. A worker that left meanwhile has nothing either. */
static int await_empty(struct workers *workers, const char *name, struct takt_event *event)
{
    const int64_t until_us = clock_mono_us() + workers->patience_ms * 1000;
    for (;;) {
        const struct print_table table = ask_table(event);
        if (ask_sum(&table, "requests") == 0)
            return CLI_DONE;
        if (clock_mono_us() > until_us) {
            cli_say("%s still has %.0f requests in hand; it gets no new ones. `takt workers` shows it", name,
                    ask_sum(&table, "requests"));
            return CLI_UNANSWERED;
        }
        usleep(LOOK_MS * 1000);
        const int exit_code = ask_report(workers->takt, "WORKERS", name, LIMIT, workers->patience_ms, event);
        if (exit_code != CLI_DONE)
            return exit_code;
    }
}

static int order(struct workers *workers, bool drain, const char *name)
{
    struct takt_event event;
    int exit_code = ask_report(workers->takt, drain ? "DRAIN" : "UNDRAIN", name, LIMIT, workers->patience_ms, &event);
    if (exit_code == CLI_DONE && drain)
        exit_code = await_empty(workers, name, &event);
    if (exit_code != CLI_DONE)
        return exit_code;
    const struct print_table table = ask_table(&event);
    if (workers->common.json)
        print_json(stdout, &table);
    else if (drain)
        printf("%s is drained: nothing in hand, and it gets nothing new. Stop it, or `takt workers undrain %s`\n", name,
               name);
    else
        printf("%s is asked again\n", name);
    return CLI_DONE;
}

int cmd_workers(int argc, char **argv)
{
    struct workers workers = {.patience_ms = 5000};
    const struct cli_option options[] = {
        CLI_COMMON_OPTIONS(workers.common),
        {"timeout", "MS", CLI_NUMBER, &workers.patience_ms, 1, 600000,
         "how long to wait for an answer (default: 5000)"},
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    const int words = cli_options(&usage, options, argc, argv, &exit_code);
    if (words < 0)
        return exit_code;
    const bool drain = words > 0 && strcmp(argv[1], "drain") == 0;
    if (words == 1 || (words == 2 && !drain && strcmp(argv[1], "undrain") != 0))
        return cli_say_usage(&usage);
    if (!(workers.takt = ask_open(&workers.common)))
        return CLI_FAILED;
    exit_code = words == 2 ? order(&workers, drain, argv[2]) : list(&workers);
    takt_close(&workers.takt);
    return exit_code;
}
