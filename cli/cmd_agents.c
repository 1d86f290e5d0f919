/* SPDX-License-Identifier: Apache-2.0
 * cmd_agents.c - `takt agents`: who is here and what keeps each from the next
 * lead; the operator's pause of one, absences that are planned, and who is forgotten.
 *
 * A pause takes nothing away: the agent finishes what it holds and gets nothing
 * new, whatever it says itself, until it is resumed. It outlasts restarts. */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/ask.h"

enum { LIMIT_MAX = 1000 };

static const struct cli_usage usage = {
    .synopsis = "takt agents [--pause NAME [--reason WORD] | --resume NAME |\n"
                "                    --absent NAME [--from DAY] [--until DAY] | --back NAME |\n"
                "                    --forget NAME] [options]",
    .about = "Agents, a row each: what they mean to do (intent), whether they are connected, how\n"
             "many leads they could be given now (cards) and, where none, why and after how long\n"
             "that opens by itself; what they hold, won and closed, how easy the leads were that they\n"
             "worked on lately (quality; where the policy balances), and how long they have been idle.\n"
             "--pause gives one no new lead until --resume; what it holds it may finish. --resume ends\n"
             "any pause, also that of an agent who missed offers or showed no sign of work.\n"
             "--absent plans an absence, from the first minute of one day to the first of another, on\n"
             "the clock of this machine: meanwhile the agent gets nothing, and what it has not touched\n"
             "goes to others. --back ends it, or calls it off.\n"
             "--forget takes one who has left and has no leads off the list at once, and shows the last\n"
             "row of it. By itself that happens after `forget_after` of the policy, or when the list is\n"
             "full. Who comes back is a newcomer; what the log and the reports say stays as it is.",
    .example = "takt agents\n"
               "  takt agents --pause ana --reason coaching\n"
               "  takt agents --resume ana\n"
               "  takt agents --absent ana --from 2026-12-21 --until 2027-01-04\n"
               "  takt agents --forget ben",
    .words_least = 0,
    .words_most = 0,
};

struct agents {
    struct cli_common common;
    const char *pause, *resume, *reason, *absent, *from, *until, *back, *forget;
    int64_t from_ms, until_ms; /* of the absence */
    int64_t limit, patience_ms;
};

/* "2026-12-21" to the first instant of that day here. */
static bool read_day(const char *text, int64_t *ret_ms)
{
    struct tm day = {.tm_isdst = -1};
    const char *end = strptime(text, "%Y-%m-%d", &day);
    const time_t at = end && !*end && cli_is_day(&day) ? mktime(&day) : (time_t) -1;
    if (at == (time_t) -1) {
        cli_say("\"%.40s\" is no day; give one as in 2026-12-21", text);
        return false;
    }
    *ret_ms = (int64_t) at * 1000;
    return true;
}

static int order_absence(const struct agents *agents, takt_t *takt, struct takt_event *ret_event)
{
    char arg[256];
    snprintf(arg, sizeof arg, "%s %" PRId64 " %" PRId64, agents->absent ? agents->absent : agents->back,
             agents->from_ms, agents->until_ms);
    return ask_report(takt, "ABSENCE", arg, 1, agents->patience_ms, ret_event);
}

static int order(const struct agents *agents, takt_t *takt, struct takt_event *ret_event)
{
    char arg[256];
    const char *what = agents->pause ? "PAUSE" : agents->resume ? "RESUME" : "FORGET";
    snprintf(arg, sizeof arg, "%s%s%s",
             agents->pause    ? agents->pause
             : agents->resume ? agents->resume
                              : agents->forget,
             agents->reason ? " " : "", agents->reason ? agents->reason : "");
    return ask_report(takt, what, arg, 1, agents->patience_ms, ret_event);
}

static bool is_sound(struct agents *agents)
{
    const int orders = (agents->pause != NULL) + (agents->resume != NULL) + (agents->absent != NULL) +
                       (agents->back != NULL) + (agents->forget != NULL);
    if (orders > 1 || (agents->reason && !agents->pause) || ((agents->from || agents->until) && !agents->absent)) {
        cli_say_usage(&usage);
        return false;
    }
    if (agents->reason && (strlen(agents->reason) > 64 || strchr(agents->reason, ' '))) {
        cli_say("--reason is one word of up to 64 letters, as in --reason coaching");
        return false;
    }
    agents->until_ms = agents->absent ? INT64_C(253402300800000) : 0; /* the end of the year 9999 */
    if ((agents->from && !read_day(agents->from, &agents->from_ms)) ||
        (agents->until && !read_day(agents->until, &agents->until_ms)))
        return false;
    if (agents->from_ms < agents->until_ms || !agents->absent)
        return true;
    cli_say("--until must be a day after --from");
    return false;
}

int cmd_agents(int argc, char **argv)
{
    struct agents agents = {.limit = LIMIT_MAX, .patience_ms = 5000};
    const struct cli_option options[] = {
        CLI_COMMON_OPTIONS(agents.common),
        {"pause", "NAME", CLI_TEXT, &agents.pause, 0, 0, "give this agent no new lead"},
        {"reason", "WORD", CLI_TEXT, &agents.reason, 0, 0, "why, as `takt agents` shows it"},
        {"resume", "NAME", CLI_TEXT, &agents.resume, 0, 0, "end its pause"},
        {"absent", "NAME", CLI_TEXT, &agents.absent, 0, 0, "this agent will not be there"},
        {"from", "DAY", CLI_TEXT, &agents.from, 0, 0, "its first day away (default: now)"},
        {"until", "DAY", CLI_TEXT, &agents.until, 0, 0, "the day it is back (default: until --back)"},
        {"back", "NAME", CLI_TEXT, &agents.back, 0, 0, "it is there, or will be"},
        {"forget", "NAME", CLI_TEXT, &agents.forget, 0, 0, "it has left for good"},
        {"limit", "N", CLI_NUMBER, &agents.limit, 1, LIMIT_MAX, "rows at most (default: 1000)"},
        {"timeout", "MS", CLI_NUMBER, &agents.patience_ms, 1, 600000,
         "how long to wait for the answer (default: 5000)"},
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    if (!is_sound(&agents))
        return CLI_USAGE;
    takt_t *takt = ask_open(&agents.common);
    if (!takt)
        return CLI_FAILED;
    struct takt_event event;
    const bool is_order = agents.absent || agents.back || agents.pause || agents.resume || agents.forget;
    exit_code = agents.absent || agents.back ? order_absence(&agents, takt, &event)
                : is_order                   ? order(&agents, takt, &event)
                           : ask_report(takt, "AGENTS", "", (uint32_t) agents.limit, agents.patience_ms, &event);
    if (exit_code == CLI_DONE) {
        const struct print_table table = ask_table(&event);
        if (agents.common.json)
            print_json(stdout, &table);
        else
            print_table(stdout, &table);
        if (event.report.more && !is_order)
            cli_say(agents.limit < LIMIT_MAX ? "there are more rows; ask with a larger --limit"
                                             : "there are more agents than are listed at once; `takt explain --agent "
                                               "NAME` tells of each");
    }
    takt_close(&takt);
    return exit_code;
}
