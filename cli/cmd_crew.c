/* SPDX-License-Identifier: Apache-2.0
 * cmd_crew.c - `takt crew`: many simulated agents in one process. What an agent
 * does is crew.c's; this starts them, decides when it is enough, and prints what
 * they did. */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/crowd.h"
#include "common/clock.h"

enum { SKILLS_ROOM = 16, IDLE_LOOK_US = 50 * 1000 };

struct crew {
    struct cli_common common;
    struct crew_plan plan;
    struct crew_counts counts;
    const char *mode, *prefix, *belief_path, *skills_text;
    int64_t agents, seed, capacity, pipeline_percent, idle_ms, leads;
    const char *skills[SKILLS_ROOM + 1];
    char *skills_copy;
    struct crowd *crowd;
    int signal_fd;
    int64_t last_work_us;
};

static bool read_plan(struct crew *crew)
{
    crew->plan.capacity = (uint32_t) crew->capacity;
    crew->plan.pipeline_percent = (uint32_t) crew->pipeline_percent;
    if (crew->skills_text) {
        char *rest = crew->skills_copy = strdup(crew->skills_text), *word;
        for (int n = 0; n < SKILLS_ROOM && (word = strsep(&rest, ",")); n++)
            crew->skills[n] = word;
        crew->plan.skills = crew->skills;
    }
    if (crew->belief_path && !(crew->plan.belief = belief_open(crew->belief_path))) {
        cli_say("%s: %s", crew->belief_path, strerror(errno));
        return false;
    }
    return true;
}

static bool is_enough(const struct crew *crew, int64_t now_us)
{
    const struct crew_counts *counts = &crew->counts;
    uint64_t done = crew->plan.accept_only ? counts->accepted + counts->granted : counts->closed + counts->pipeline;
    if (counts->fatal_reason != 0 || (crew->leads > 0 && done >= (uint64_t) crew->leads))
        return true;
    return crew->idle_ms > 0 && now_us - crew->last_work_us >= crew->idle_ms * 1000 &&
           (crew->plan.accept_only || crowd_holds(crew->crowd) == 0);
}

static int wait_ms(const struct crew *crew, int64_t now_us)
{
    int64_t next_us = crew->idle_ms > 0 ? crew->last_work_us + crew->idle_ms * 1000 : INT64_MAX;
    if (next_us <= now_us)
        next_us = now_us + IDLE_LOOK_US; /* idle but for the leads held */
    if (crowd_next_us(crew->crowd) < next_us)
        next_us = crowd_next_us(crew->crowd);
    if (next_us == INT64_MAX)
        return -1;
    return next_us <= now_us ? 0 : (int) ((next_us - now_us + 999) / 1000);
}

/* Only leads are work: heartbeats and reconnects must not keep an idle crew going. */
static uint64_t work_done(const struct crew_counts *counts)
{
    return counts->offers + counts->accepted + counts->closed + counts->pipeline + counts->withdrawn;
}

static void work(struct crew *crew)
{
    bool asked_to_end = false;
    crew->last_work_us = clock_mono_us();
    while (!asked_to_end && !is_enough(crew, clock_mono_us())) {
        struct pollfd fds[] = {{.fd = crowd_fd(crew->crowd), .events = POLLIN},
                               {.fd = crew->signal_fd, .events = POLLIN}};
        poll(fds, 2, wait_ms(crew, clock_mono_us()));
        int64_t now_us = clock_mono_us();
        uint64_t before = work_done(&crew->counts);
        asked_to_end = fds[1].revents != 0;
        crowd_turn(crew->crowd, now_us);
        if (work_done(&crew->counts) != before)
            crew->last_work_us = now_us;
    }
}

static void show(struct crew *crew)
{
    struct crew_counts *c = &crew->counts;
    const struct crew_spread receipt = crew_spread(&c->receipt_us);
    const char *format =
        crew->common.json
            ? "{\"agents\": %" PRId64 ", \"connects\": %" PRIu64 ", \"offers\": %" PRIu64 ", \"accepted\": %" PRIu64
              ", \"granted\": %" PRIu64 ", \"closed\": %" PRIu64 ", \"pipeline\": %" PRIu64 ", \"withdrawn\": %" PRIu64
              ", \"refused_acts\": %" PRIu64 ", \"busy\": %" PRIu64 ", \"held\": %u"
              ", \"receipt_us\": {\"p50\": %" PRIu32 ", \"p99\": %" PRIu32 ", \"max\": %" PRIu32 "}}\n"
            : "%" PRId64 " agents, %" PRIu64 " connects: %" PRIu64 " offers, %" PRIu64 " accepted, %" PRIu64
              " granted, %" PRIu64 " closed, %" PRIu64 " in pipeline, %" PRIu64 " withdrawn, %" PRIu64
              " acts refused, %" PRIu64 " times busy, %u held; accept to receipt p50 %" PRIu32 " us, p99 %" PRIu32
              " us, max %" PRIu32 " us\n";
    printf(format, crew->agents, c->connects, c->offers, c->accepted, c->granted, c->closed, c->pipeline, c->withdrawn,
           c->refused_acts, c->busy, crowd_holds(crew->crowd), receipt.p50, receipt.p99, receipt.most);
    fflush(stdout);
    if (c->fatal_reason != 0)
        cli_say("team %s: %s: %s", crew->plan.team, takt_reason_name(c->fatal_reason),
                takt_reason_text(c->fatal_reason));
}

static int run(struct crew *crew)
{
    char endpoint[256];
    if (!cli_endpoint(&crew->common, "agent", endpoint) || !read_plan(crew))
        return CLI_FAILED;
    crew->plan.endpoint = endpoint;
    crew->signal_fd = cli_stop_fd();
    crew->crowd = crowd_new(&crew->plan, &crew->counts, (uint32_t) crew->agents,
                            crew->prefix ? crew->prefix : crew->plan.team, (uint64_t) crew->seed);
    const bool started = crew->crowd != NULL;
    if (started) {
        work(crew);
        show(crew);
    }
    crowd_destroy(&crew->crowd);
    close(crew->signal_fd);
    belief_close(&crew->plan.belief);
    buf_fini(&crew->counts.receipt_us);
    free(crew->skills_copy);
    return started && crew->counts.fatal_reason == 0 ? CLI_DONE : CLI_FAILED;
}

static const struct cli_usage usage = {
    .synopsis = "takt crew --team T --agents N [options]",
    .about = "Simulated agents, each with a connection of its own: they come, take leads, work on\n"
             "them and say how they stand, by a seeded mix. Ends when idle, after so many leads, or\n"
             "on SIGTERM; prints what was done.",
    .example = "takt crew --team north --agents 20 --until-idle 3000 --belief belief.log",
};

int cmd_crew(int argc, char **argv)
{
    struct crew crew = {.mode = "auto", .pipeline_percent = 20};
    const struct cli_option options[] = {
        CLI_COMMON_OPTIONS(crew.common),
        {"team", "T", CLI_TEXT, &crew.plan.team, 0, 0, "their team, as in the policy"},
        {"agents", "N", CLI_NUMBER, &crew.agents, 1, CROWD_MAX, "how many"},
        {"prefix", "NAME", CLI_TEXT, &crew.prefix, 0, 0, "names are NAME-0001 and so on (default: the team)"},
        {"pull", NULL, CLI_FLAG, &crew.plan.pull, 0, 0, "ask for each lead (ON_DEMAND) instead of AVAILABLE"},
        {"mode", "MODE", CLI_TEXT, &crew.mode, 0, 0, "auto, or accept-only: take leads and keep them"},
        {"capacity", "N", CLI_NUMBER, &crew.capacity, 0, 64, "leads at once (default: the programme's)"},
        {"skills", "A,B", CLI_TEXT, &crew.skills_text, 0, 0, "their skills"},
        {"seed", "S", CLI_NUMBER, &crew.seed, 0, INT64_MAX, "of the mix (default: 0)"},
        {"act-ms", "MS", CLI_NUMBER, &crew.plan.act_ms, 0, 3600000, "length of an attempt (default: 0)"},
        {"pipeline", "PERCENT", CLI_NUMBER, &crew.pipeline_percent, 0, 100,
         "dispositions that are not final (default: 20)"},
        {"belief", "FILE", CLI_TEXT, &crew.belief_path, 0, 0, "diary of what they believe to hold, for crew-check"},
        {"until-idle", "MS", CLI_NUMBER, &crew.idle_ms, 1, 3600000, "end when nothing came for so long"},
        {"leads", "N", CLI_NUMBER, &crew.leads, 1, INT64_MAX, "end after so many leads"},
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    crew.plan.accept_only = strcmp(crew.mode, "accept-only") == 0;
    if (!crew.plan.team || crew.agents == 0)
        cli_say("crew needs --team T and --agents N; `takt teams` lists the teams");
    else if (!crew.plan.accept_only && strcmp(crew.mode, "auto") != 0)
        cli_say("--mode is auto or accept-only, not \"%s\"", crew.mode);
    else
        return run(&crew);
    return CLI_USAGE;
}
