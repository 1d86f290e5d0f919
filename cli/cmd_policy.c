/* SPDX-License-Identifier: Apache-2.0
 * cmd_policy.c - `takt policy check FILE`: what the broker would say about this
 * policy, before it is put in force. The judgement is policy/'s; this prints it. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_yaml.h"
#include "proto/msg.h"

static const char *mode_word(enum mode mode)
{
    return mode == MODE_PUSH ? "push" : mode == MODE_PULL ? "pull" : "push/pull";
}

static uint32_t teams_of(const struct policy *policy, uint32_t programme)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < policy->n_teams; i++)
        n += policy->teams[i].programme == programme;
    return n;
}

static void show_policy(const struct policy *policy)
{
    printf("cell %s, version %u: %u programmes, %u teams, %u sources\n", policy->cell, policy->version,
           policy->n_programmes, policy->n_teams, policy->n_sources);
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        const struct programme *programme = &policy->programmes[i];
        printf("  %s: %s, %s, %u teams\n", programme->name, mode_word(programme->mode),
               strategy_word(programme->strategy), teams_of(policy, i));
    }
}

static const struct cli_usage usage = {
    .synopsis = "takt policy check FILE",
    .about = "Reads a policy file as the broker would: prints its errors and warnings with their\n"
             "place in the file, and what the policy holds. Exit code 1 when it cannot be used.",
    .example = "takt policy check deploy/policies/default.yaml",
    .words_least = 2,
    .words_most = 2,
};

int cmd_policy(int argc, char **argv)
{
    const struct cli_option options[] = {CLI_END};
    int exit_code = CLI_FAILED;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    if (strcmp(argv[1], "check") != 0) {
        cli_say("policy: \"%s\" is not known; there is: check", argv[1]);
        return CLI_USAGE;
    }
    struct policy *policy = malloc(sizeof *policy);
    if (!policy)
        abort();
    struct buf findings = {0};
    bool good = policy_load(argv[2], policy, &findings) == 0;
    if (findings.len > 0)
        fwrite(findings.at, 1, findings.len, stderr);
    if (good)
        show_policy(policy);
    buf_fini(&findings);
    free(policy);
    return good ? CLI_DONE : CLI_FAILED;
}
