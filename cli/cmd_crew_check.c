/* SPDX-License-Identifier: Apache-2.0
 * cmd_crew_check.c - `takt crew-check`: was any lead believed to be held by two
 * agents at one instant? Reads diaries of `takt crew --belief` and of whoever
 * else writes them (belief.h); needs no broker, and the diaries may be of a
 * program that was killed. */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/belief.h"

enum { FILES_MAX = 1024 };

static void show_counts(const struct belief_counts *counts, bool json)
{
    const char *format = json ? "{\"files\": %" PRIu64 ", \"lines\": %" PRIu64 ", \"damaged\": %" PRIu64
                                ", \"intervals\": %" PRIu64 ", \"open\": %" PRIu64 ", \"leads\": %" PRIu64
                                ", \"agents\": %" PRIu64 ", \"two_owners\": %" PRIu64 "}\n"
                              : "%" PRIu64 " files, %" PRIu64 " lines (%" PRIu64 " damaged): %" PRIu64
                                " intervals (%" PRIu64 " open at an end) of %" PRIu64 " leads and %" PRIu64
                                " agents; leads with two owners at once: %" PRIu64 "\n";
    printf(format, counts->files, counts->lines, counts->damaged, counts->intervals, counts->open, counts->leads,
           counts->agents, counts->two_owners);
}

static const struct cli_usage usage = {
    .synopsis = "takt crew-check FILE...",
    .about = "Reads diaries of believed ownership and looks for a lead that two agents believed to\n"
             "hold at one instant. Exit code 1 when there is one, or when a line is damaged.",
    .example = "takt crew-check belief-*.log",
    .words_least = 1,
    .words_most = FILES_MAX,
};

int cmd_crew_check(int argc, char **argv)
{
    bool json = false;
    const struct cli_option options[] = {CLI_JSON_OPTION(json), CLI_END};
    int exit_code = CLI_FAILED;
    int n = cli_options(&usage, options, argc, argv, &exit_code);
    if (n < 0)
        return exit_code;
    struct belief_counts counts;
    if (belief_check((const char *const *) argv + 1, n, stderr, &counts) != 0) {
        cli_say("%s: %s", argv[1 + counts.files], strerror(errno)); /* those before it were read */
        return CLI_FAILED;
    }
    show_counts(&counts, json);
    return counts.two_owners == 0 && counts.damaged == 0 ? CLI_DONE : CLI_FAILED;
}
