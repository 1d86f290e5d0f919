/* SPDX-License-Identifier: Apache-2.0
 * cmd_policy.c - `takt policy check FILE`: what the broker would say about this
 * policy, before it is put in force. The judgement is policy/'s; this prints it. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "policy/policy_yaml.h"
#include "proto/msg.h"

struct asked {
    struct cli_common common;
};

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
    printf("cell %s: %u programmes, %u teams, %u sources\n", policy->cell, policy->n_programmes, policy->n_teams,
           policy->n_sources);
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        const struct programme *programme = &policy->programmes[i];
        printf("  %s: %s, %s, %u teams\n", programme->name, mode_word(programme->mode),
               strategy_word(programme->strategy), teams_of(policy, i));
    }
}

static void show_findings(const struct policy_findings *findings, const char *file)
{
    struct buf lines = {0};
    findings_print(findings, file, &lines);
    fwrite(lines.at, 1, lines.len, stderr);
    buf_fini(&lines);
}

static void show_findings_json(const struct policy_findings *findings)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < findings->n; i++) {
        const struct policy_finding *one = &findings->at[i];
        json_array_append_new(list, json_pack("{s:i, s:i, s:s, s:s, s:s}", "line", (int) one->line, "column",
                                              (int) one->column, "path", one->path, "reason",
                                              policy_fault_name(one->fault), "message", one->text));
    }
    json_dumpf(list, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(list);
}

/* The text of a file, judged. Returns CLI_DONE with *ret_text and *ret, or what to exit with. */
static int read_policy(const char *path, bool json, struct buf *ret_text, struct policy *ret)
{
    struct policy_findings findings = {0};
    int exit_code = CLI_DONE;
    if (policy_read_file(path, ret_text, &findings) < 0 ||
        policy_read((const char *) ret_text->at, ret_text->len, ret, &findings) < 0)
        exit_code = CLI_FAILED;
    if (json)
        show_findings_json(&findings);
    else
        show_findings(&findings, path);
    findings_fini(&findings);
    return exit_code;
}

static int check(const struct asked *asked, int argc, char **argv)
{
    (void) argc;
    struct policy *policy = malloc(sizeof *policy);
    struct buf text = {0};
    if (!policy)
        abort();
    const int exit_code = read_policy(argv[2], asked->common.json, &text, policy);
    if (exit_code == CLI_DONE && !asked->common.json)
        show_policy(policy);
    buf_fini(&text);
    free(policy);
    return exit_code;
}

static const struct {
    const char *word, *argument;
    int words_least, words_most;
    int (*run)(const struct asked *asked, int argc, char **argv);
} verbs[] = {
    {"check", "FILE", 2, 2, check},
};

static const struct cli_usage usage = {
    .synopsis = "takt policy check FILE",
    .about = "check FILE   tells all that is wrong with a policy file, each with line and column, and what\n"
             "             the policy holds. --json: an array of {line, column, path, reason, message}.\n"
             "Exit code 0 when it is good, 1 when it cannot be used, 2 for a wrong command line.\n"
             "Every key is explained in docs/POLICY.md.",
    .example = "takt policy check deploy/policies/default.yaml",
    .words_least = 1,
    .words_most = 2,
};

int cmd_policy(int argc, char **argv)
{
    struct asked asked = {0};
    const struct cli_option options[] = {
        {"json", NULL, CLI_FLAG, &asked.common.json, 0, 0, "print JSON"},
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    const int words = cli_options(&usage, options, argc, argv, &exit_code);
    if (words < 0)
        return exit_code;
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].word) != 0)
            continue;
        if (words >= verbs[i].words_least && words <= verbs[i].words_most)
            return verbs[i].run(&asked, words, argv);
        cli_say("policy: it is `takt policy %s %s`", verbs[i].word, verbs[i].argument);
        return CLI_USAGE;
    }
    cli_say("policy: \"%s\" is not known; see takt policy --help", argv[1]);
    return CLI_USAGE;
}
