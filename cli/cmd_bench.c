/* SPDX-License-Identifier: Apache-2.0
 * cmd_bench.c - `takt bench`: a load on a cell of one's own: leads of source
 * `bench` in, simulated agents who take and close them, and how long both took.
 *
 * It must never touch a real lead or bother a real agent: it begins only on a cell
 * that is empty of both, its agents give back at once what is not of its making,
 * and what they close they close as no real lead. */
#include "cli/cli.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cli/ask.h"
#include "cli/crowd.h"
#include "cli/load.h"
#include "common/clock.h"

enum { LIMIT = 1000, ASK_MS = 5000, CONNECT_US = 20 * 1000 * 1000, LOOK_MS = 200 };

static const struct cli_usage usage = {
    .synopsis = "takt bench [--leads N] [--seconds S] [--rate R] [--agents N] [options]",
    .about = "Sends leads of its own making (source `bench`, keys takt-bench-...) to a cell, at a rate or\n"
             "as fast as they are accepted, has simulated agents take them and close them as `fake`, and\n"
             "prints how long a receipt and the way into a hand took. With a rate, times count from when\n"
             "a lead was due. For a cell of your own: it refuses one that holds other open leads or has\n"
             "agents, who would be handed bench leads. --yes runs all the same; bench agents then give\n"
             "back at once what is not of the bench.\n"
             "Exit code: 0 every lead was accepted and handed over, 1 it could not be done, 3 not all.",
    .example = "takt bench --leads 10000 --agents 50\n"
               "  takt bench --rate 200 --seconds 30 --agents 20 --json",
};

struct bench {
    struct cli_common common;
    const char *source_endpoint, *agent_endpoint, *operator_endpoint, *team;
    char team_kept[NAME_BYTES_MAX + 1], source_kept[256], agent_kept[256];
    int64_t leads, seconds, rate, a_chunk, agents, act_ms, drain_s;
    bool yes, pull;
    struct load_plan load_plan;
    struct load *load;
    struct crew_plan crew_plan;
    struct crew_counts crew;
    struct crowd *crowd;
    struct buf hand_us; /* uint32_t each */
    int64_t start_us, moved_us;
    int64_t answered_us; /* all that was sent has its receipt; 0 = not yet */
    int signal_fd;
};

/* ---- may it --------------------------------------------------------------------- */

static double open_leads(const struct print_table *status)
{
    static const char *const states[] = {"waiting", "offered", "owned", "working", "wrap_up", "revoking", "pipeline"};
    double sum = 0;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        sum += ask_sum(status, states[i]);
    return sum;
}

/* The first team of the policy, unless one was named. */
static bool take_team(struct bench *bench, const struct print_table *teams)
{
    for (size_t row = 0; row < teams->n_rows; row++) {
        const takt_text name = ask_cell(teams, row, "team");
        snprintf(bench->team_kept, sizeof bench->team_kept, "%.*s", (int) name.len, name.at);
        if (!bench->team || strcmp(bench->team, bench->team_kept) == 0) {
            bench->team = bench->team_kept;
            return true;
        }
    }
    cli_say("the policy has no team \"%s\"; `takt teams` lists them", bench->team ? bench->team : "");
    return false;
}

static int look_first(struct bench *bench, takt_t *takt)
{
    struct takt_event event;
    int exit_code = ask_report(takt, "STATUS", "", LIMIT, ASK_MS, &event);
    if (exit_code != CLI_DONE)
        return exit_code;
    struct print_table table = ask_table(&event);
    const double open = open_leads(&table);
    exit_code = ask_report(takt, "TEAMS", "", LIMIT, ASK_MS, &event);
    if (exit_code != CLI_DONE)
        return exit_code;
    table = ask_table(&event);
    const double present = ask_sum(&table, "present");
    if (!take_team(bench, &table))
        return CLI_USAGE;
    if (bench->yes || (open == 0 && present == 0))
        return CLI_DONE;
    cli_say(
        "this cell has %.0f open leads and %.0f agents: agents would be handed bench leads, bench agents real ones.\n"
        "      Use a cell of its own (`takt up --dir ./bench-data --policy FILE`), or say --yes",
        open, present);
    return CLI_FAILED;
}

/* ---- the run -------------------------------------------------------------------- */

static bool is_ours(void *context, const struct takt_event *offer)
{
    struct bench *bench = context;
    const takt_text key = offer->lead.key;
    const size_t len = strlen(LOAD_KEY_PREFIX);
    if (key.len < len || memcmp(key.at, LOAD_KEY_PREFIX, len) != 0)
        return false;
    const int64_t took_us = load_handed(bench->load, key, clock_mono_us());
    if (took_us >= 0) {
        const uint32_t us = took_us > UINT32_MAX ? UINT32_MAX : (uint32_t) took_us;
        buf_add(&bench->hand_us, &us, sizeof us);
    }
    return true;
}

static uint64_t handed(const struct bench *bench)
{
    return bench->hand_us.len / sizeof(uint32_t);
}

static uint64_t progress(const struct bench *bench)
{
    const struct load_counts *counts = load_counts(bench->load);
    return counts->sent + counts->accepted + counts->rejected + handed(bench) + bench->crew.closed;
}

static bool is_over(const struct bench *bench, int64_t now_us)
{
    if (bench->crew.fatal_reason != 0 || now_us - bench->moved_us > bench->drain_s * 1000000)
        return true;
    return load_is_over(bench->load) && handed(bench) >= load_counts(bench->load)->accepted &&
           crowd_holds(bench->crowd) == 0;
}

/* To the microsecond: a rate of thousands a second has less than a millisecond between two leads. */
static struct timespec wait_time(const struct bench *bench)
{
    const int64_t now_us = clock_mono_us();
    int64_t next_us = load_next_us(bench->load, now_us);
    if (crowd_next_us(bench->crowd) < next_us)
        next_us = crowd_next_us(bench->crowd);
    int64_t left_us = next_us - now_us;
    left_us = left_us < 0 ? 0 : left_us > LOOK_MS * 1000 ? LOOK_MS * 1000 : left_us;
    return (struct timespec){.tv_sec = left_us / 1000000, .tv_nsec = left_us % 1000000 * 1000};
}

/* One turn of everything. Returns false when the run must end. */
static bool turn(struct bench *bench)
{
    struct pollfd fds[] = {{.fd = load_fd(bench->load), .events = POLLIN},
                           {.fd = crowd_fd(bench->crowd), .events = POLLIN},
                           {.fd = bench->signal_fd, .events = POLLIN}};
    const struct timespec wait = wait_time(bench);
    ppoll(fds, sizeof fds / sizeof *fds, &wait, NULL);
    const uint64_t before = progress(bench);
    crowd_turn(bench->crowd, clock_mono_us());
    if (!load_turn(bench->load, clock_mono_us())) {
        cli_say("%s", load_why(bench->load));
        return false;
    }
    struct signalfd_siginfo info;
    if (fds[2].revents && read(bench->signal_fd, &info, sizeof info) == sizeof info)
        load_end(bench->load); /* what was sent is still waited for */
    if (progress(bench) != before)
        bench->moved_us = clock_mono_us();
    return true;
}

static bool connect_all(struct bench *bench)
{
    const int64_t until_us = clock_mono_us() + CONNECT_US;
    while (bench->crew.connects < (uint64_t) bench->agents || !load_is_connected(bench->load)) {
        if (!turn(bench) || bench->crew.fatal_reason != 0)
            return false;
        if (clock_mono_us() > until_us) {
            cli_say("only %" PRIu64 " of %" PRId64 " agents are connected after 20 s; is the broker there?",
                    bench->crew.connects, bench->agents);
            return false;
        }
    }
    return true;
}

static bool work(struct bench *bench)
{
    if (!connect_all(bench))
        return false;
    bench->start_us = bench->moved_us = clock_mono_us();
    load_begin(bench->load, bench->start_us);
    load_turn(bench->load, bench->start_us);
    while (!is_over(bench, clock_mono_us())) {
        if (!turn(bench))
            return false;
        if (bench->answered_us == 0 && load_is_over(bench->load))
            bench->answered_us = clock_mono_us();
    }
    return bench->crew.fatal_reason == 0;
}

/* ---- what came of it ------------------------------------------------------------ */

/* Until the last receipt. */
static double took(const struct bench *bench)
{
    const int64_t end_us = bench->answered_us ? bench->answered_us : clock_mono_us();
    return (double) (end_us - bench->start_us) / 1e6;
}

static void show_people(const struct bench *bench, struct crew_spread receipt, struct crew_spread hand)
{
    const struct load_counts *c = load_counts(bench->load);
    const double took_s = took(bench), done_s = (double) (bench->moved_us - bench->start_us) / 1e6;
    printf("%" PRIu64 " leads of source bench in %.2f s: %" PRIu64 " accepted (%.0f/s), %" PRIu64 " rejected\n",
           c->sent, took_s, c->accepted, took_s > 0 ? (double) c->accepted / took_s : 0, c->rejected);
    if (c->rejected)
        printf("  the last for %s: %s\n", takt_reason_name(c->rejected_reason), takt_reason_text(c->rejected_reason));
    printf("  receipt   p50 %.2f ms, p99 %.2f ms, max %.2f ms: %zu chunks\n", receipt.p50 / 1e3, receipt.p99 / 1e3,
           receipt.most / 1e3, receipt.n);
    printf("  in hand   p50 %.2f ms, p99 %.2f ms, max %.2f ms: %zu leads, %" PRId64 " agents of team %s\n",
           hand.p50 / 1e3, hand.p99 / 1e3, hand.most / 1e3, hand.n, bench->agents, bench->team);
    printf("  busy      %" PRIu64 " times to the source, %" PRIu64 " to agents\n", c->busy, bench->crew.busy);
    printf("  closed    %" PRIu64 " as fake after %.2f s; %" PRIu64 " not handed over; %" PRIu64
           " of others given back\n",
           bench->crew.closed, done_s, c->accepted - handed(bench), bench->crew.given_back);
}

static void show_json(const struct bench *bench, struct crew_spread receipt, struct crew_spread hand)
{
    const struct load_counts *c = load_counts(bench->load);
    const double took_s = took(bench), done_s = (double) (bench->moved_us - bench->start_us) / 1e6;
    printf("{\"leads\": %" PRIu64 ", \"accepted\": %" PRIu64 ", \"rejected\": %" PRIu64 ", \"unanswered\": %" PRIu64
           ", \"handed\": %zu, \"closed\": %" PRIu64 ", \"given_back\": %" PRIu64 ", \"agents\": %" PRId64
           ", \"took_s\": %.3f, \"done_s\": %.3f, \"accepted_per_s\": %.1f, \"busy_source\": %" PRIu64
           ", \"busy_agents\": %" PRIu64,
           c->sent, c->accepted, c->rejected, c->sent - c->accepted - c->rejected, hand.n, bench->crew.closed,
           bench->crew.given_back, bench->agents, took_s, done_s, took_s > 0 ? (double) c->accepted / took_s : 0,
           c->busy, bench->crew.busy);
    printf(", \"receipt_us\": {\"p50\": %" PRIu32 ", \"p99\": %" PRIu32 ", \"max\": %" PRIu32 "}", receipt.p50,
           receipt.p99, receipt.most);
    printf(", \"hand_us\": {\"p50\": %" PRIu32 ", \"p99\": %" PRIu32 ", \"max\": %" PRIu32 "}}\n", hand.p50, hand.p99,
           hand.most);
}

static int tell(const struct bench *bench)
{
    const struct load_counts *counts = load_counts(bench->load);
    (bench->common.json ? show_json : show_people)(bench, crew_spread(&counts->receipt_us),
                                                   crew_spread(&bench->hand_us));
    const bool all = counts->accepted == counts->sent && handed(bench) == counts->accepted;
    if (!all)
        cli_say("not every lead was accepted and handed over; does a programme take source bench, and is %s one of its "
                "teams?",
                bench->team);
    return all ? CLI_DONE : CLI_UNANSWERED;
}

static int run(struct bench *bench)
{
    char why[160] = "";
    int exit_code = CLI_FAILED;
    bench->load_plan = (struct load_plan){.endpoint = bench->source_endpoint,
                                          .source = "bench",
                                          .leads = (uint32_t) bench->leads,
                                          .send_us = bench->seconds * 1000000,
                                          .rate = bench->rate,
                                          .a_chunk = (uint32_t) bench->a_chunk};
    bench->crew_plan = (struct crew_plan){.endpoint = bench->agent_endpoint,
                                          .team = bench->team,
                                          .pull = bench->pull,
                                          .act_ms = bench->act_ms,
                                          .disposition = takt_disposition("fake"),
                                          .is_ours = is_ours,
                                          .context = bench};
    bench->load = load_new(&bench->load_plan, why);
    if (!bench->load)
        cli_say("%s", why);
    else if ((bench->crowd = crowd_new(&bench->crew_plan, &bench->crew, (uint32_t) bench->agents, "bench", 1)) &&
             work(bench))
        exit_code = tell(bench);
    if (bench->crew.fatal_reason)
        cli_say("team %s: %s", bench->team, takt_reason_text(bench->crew.fatal_reason));
    crowd_destroy(&bench->crowd);
    load_destroy(&bench->load);
    buf_fini(&bench->hand_us);
    buf_fini(&bench->crew.receipt_us);
    return exit_code;
}

static int begin(struct bench *bench)
{
    struct cli_common at_source = bench->common, at_agent = bench->common, at_operator = bench->common;
    at_source.endpoint = bench->source_endpoint;
    at_agent.endpoint = bench->agent_endpoint;
    at_operator.endpoint = bench->operator_endpoint;
    if (!cli_endpoint(&at_source, "source", bench->source_kept) || !cli_endpoint(&at_agent, "agent", bench->agent_kept))
        return CLI_FAILED;
    bench->source_endpoint = bench->source_kept;
    bench->agent_endpoint = bench->agent_kept;
    takt_t *takt = ask_open(&at_operator);
    if (!takt)
        return CLI_FAILED;
    int exit_code = look_first(bench, takt);
    takt_close(&takt);
    if (exit_code != CLI_DONE)
        return exit_code;
    bench->signal_fd = cli_stop_fd();
    exit_code = run(bench);
    close(bench->signal_fd);
    return exit_code;
}

int cmd_bench(int argc, char **argv)
{
    struct bench bench = {.agents = 20, .drain_s = 30};
    const struct cli_option options[] = {
        {"leads", "N", CLI_NUMBER, &bench.leads, 1, LOAD_LEADS_MAX, "send N leads (default: 10000, or by --seconds)"},
        {"seconds", "S", CLI_NUMBER, &bench.seconds, 1, 86400, "send for S seconds at most"},
        {"rate", "R", CLI_NUMBER, &bench.rate, 1, 1000000, "leads a second (default: as fast as accepted)"},
        {"chunk", "N", CLI_NUMBER, &bench.a_chunk, 1, CHUNK_ROWS_MAX, "leads a chunk (default: 256, or R/100)"},
        {"agents", "N", CLI_NUMBER, &bench.agents, 1, CROWD_MAX, "simulated agents (default: 20)"},
        {"team", "T", CLI_TEXT, &bench.team, 0, 0, "their team (default: the first of the policy)"},
        {"pull", NULL, CLI_FLAG, &bench.pull, 0, 0, "they ask for each lead"},
        {"act-ms", "MS", CLI_NUMBER, &bench.act_ms, 0, 3600000, "how long they work on a lead (default: 0)"},
        {"drain", "S", CLI_NUMBER, &bench.drain_s, 1, 86400, "end after S seconds without progress (default: 30)"},
        {"yes", NULL, CLI_FLAG, &bench.yes, 0, 0, "also on a cell with open leads or agents"},
        CLI_DIR_OPTION(bench.common.dir),
        {"source-endpoint", "URL", CLI_TEXT, &bench.source_endpoint, 0, 0,
         "the broker's socket for sources (default: as found in DIR)"},
        {"agent-endpoint", "URL", CLI_TEXT, &bench.agent_endpoint, 0, 0,
         "the broker's socket for agents (default: as found in DIR)"},
        {"operator-endpoint", "URL", CLI_TEXT, &bench.operator_endpoint, 0, 0,
         "the broker's socket for operators (default: as found in DIR)"},
        CLI_JSON_OPTION(bench.common.json),
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    if (bench.leads == 0)
        bench.leads = bench.seconds ? LOAD_LEADS_MAX : 10000;
    if (bench.a_chunk == 0)
        bench.a_chunk =
            bench.rate == 0 || bench.rate >= 100 * CHUNK_ROWS_MAX ? CHUNK_ROWS_MAX : (bench.rate + 99) / 100;
    return begin(&bench);
}
