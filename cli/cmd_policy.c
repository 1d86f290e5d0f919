/* SPDX-License-Identifier: Apache-2.0
 * cmd_policy.c - `takt policy`: what is wrong with a file, putting it in force,
 * and which versions there were. The judgement is policy/'s, the change the
 * broker's; a file is judged here first, so that a fault costs no round trip. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli/ask.h"
#include "cli/templates.h"
#include "policy/policy_yaml.h"
#include "proto/msg.h"

enum { VERSIONS_MAX = 1000 };

struct asked {
    struct cli_common common;
    int64_t patience_ms;
};

static const char *mode_word(enum mode mode)
{
    return mode == MODE_PUSH ? "push" : mode == MODE_PULL ? "pull" : "push/pull";
}

static uint32_t teams_of(const struct policy *policy, uint32_t programme)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < policy->n_teams; i++)
        n += policy->teams[i].programme == programme && policy->teams[i].kind < UNIT_OFFICE;
    return n;
}

static void show_policy(const struct policy *policy)
{
    uint32_t n_teams = 0;
    for (uint32_t i = 0; i < policy->n_programmes; i++)
        n_teams += teams_of(policy, i);
    printf("cell %s: %u programmes, %u teams, %u sources\n", policy->cell, policy->n_programmes, n_teams,
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
    print_value(stdout, list, 1);
}

static bool read_policy(const char *path, struct buf *ret_text, struct policy *ret,
                        struct policy_findings *ret_findings)
{
    return policy_read_file(path, ret_text, ret_findings) == 0 &&
           policy_read((const char *) ret_text->at, ret_text->len, ret, ret_findings) == 0;
}

/* What is wrong goes to stderr. Returns CLI_DONE with *ret_text and *ret, or CLI_FAILED. */
static int judge(const char *path, struct buf *ret_text, struct policy *ret)
{
    struct policy_findings findings = {0};
    const bool good = read_policy(path, ret_text, ret, &findings);
    show_findings(&findings, path);
    findings_fini(&findings);
    return good ? CLI_DONE : CLI_FAILED;
}

static int check(const struct asked *asked, int argc, char **argv)
{
    (void) argc;
    struct policy *policy = malloc(sizeof *policy);
    struct policy_findings findings = {0};
    struct buf text = {0};
    if (!policy)
        abort();
    const bool good = read_policy(argv[2], &text, policy, &findings);
    if (asked->common.json)
        show_findings_json(&findings);
    else
        show_findings(&findings, argv[2]);
    if (good && !asked->common.json)
        show_policy(policy);
    findings_fini(&findings);
    buf_fini(&text);
    free(policy);
    return good ? CLI_DONE : CLI_FAILED;
}

/* What the broker made of it. */
static int show_applied(const struct takt_event *event, bool json)
{
    const struct print_table table = ask_table(event);
    const bool is_new = event->reason == 0, same = event->reason == REASON_POLICY_UNCHANGED;
    if (!is_new && !same) {
        cli_say("%s: %s", takt_reason_name(event->reason), takt_reason_text(event->reason));
        for (size_t row = 0; row < table.n_rows && table.n_columns == 1; row++)
            fprintf(stderr, "  %.*s\n", (int) table.cells[row].len, table.cells[row].at);
        return CLI_FAILED;
    }
    if (json)
        print_json(stdout, &table);
    else
        printf(is_new ? "version %.0f is in force\n" : "version %.0f is in force already, and is this policy\n",
               ask_number(&table, 0, "version"));
    return CLI_DONE;
}

static int apply(const struct asked *asked, int argc, char **argv)
{
    (void) argc;
    struct policy *policy = malloc(sizeof *policy);
    struct buf text = {0};
    struct takt_event event;
    takt_t *takt = NULL;
    if (!policy)
        abort();
    int exit_code = judge(argv[2], &text, policy);
    if (exit_code == CLI_DONE && !(takt = ask_open(&asked->common)))
        exit_code = CLI_FAILED;
    if (exit_code == CLI_DONE)
        exit_code = ask_apply(takt, (const char *) text.at, text.len, asked->patience_ms, &event);
    if (exit_code == CLI_DONE)
        exit_code = show_applied(&event, asked->common.json);
    takt_close(&takt);
    buf_fini(&text);
    free(policy);
    return exit_code;
}

static int versions(const struct asked *asked, int argc, char **argv)
{
    (void) argc;
    (void) argv;
    struct takt_event event;
    takt_t *takt = ask_open(&asked->common);
    if (!takt)
        return CLI_FAILED;
    const int exit_code = ask_report(takt, "POLICIES", "", VERSIONS_MAX, asked->patience_ms, &event);
    if (exit_code == CLI_DONE) {
        const struct print_table table = ask_table(&event);
        (asked->common.json ? print_json : print_table)(stdout, &table);
        if (event.report.more)
            cli_say("these are the newest; `takt policy show N` shows any");
    }
    takt_close(&takt);
    return exit_code;
}

/* Its lines come in pages; a version never changes, so the pages fit together. */
static int read_version(takt_t *takt, unsigned long version, int64_t patience_ms, struct buf *text)
{
    struct takt_event event = {.report.more = true};
    int exit_code = CLI_DONE;
    for (size_t line = 0; exit_code == CLI_DONE && event.report.more; line += event.report.n_rows) {
        char arg[48];
        snprintf(arg, sizeof arg, "%lu %zu", version, line);
        exit_code = ask_report(takt, "POLICY", arg, VERSIONS_MAX, patience_ms, &event);
        for (size_t row = 0; exit_code == CLI_DONE && row < event.report.n_rows; row++)
            buf_printf(text, "%.*s\n", (int) event.report.cells[row].len, event.report.cells[row].at);
    }
    if (exit_code == CLI_FAILED && event.reason == REASON_BAD_FIELD)
        cli_say("there is no version %lu; `takt policy versions` lists them", version);
    return exit_code;
}

static int show(const struct asked *asked, int argc, char **argv)
{
    const unsigned long version = argc == 2 ? strtoul(argv[2], NULL, 10) : 0;
    if (argc == 2 && (version == 0 || strspn(argv[2], "0123456789") != strlen(argv[2]))) {
        cli_say("\"%s\" is no version; `takt policy versions` lists them", argv[2]);
        return CLI_USAGE;
    }
    struct buf text = {0};
    takt_t *takt = ask_open(&asked->common);
    const int exit_code = takt ? read_version(takt, version, asked->patience_ms, &text) : CLI_FAILED;
    if (exit_code == CLI_DONE && asked->common.json)
        print_value(stdout, json_pack("{s:s%}", "text", (const char *) text.at, text.len), 1);
    else if (exit_code == CLI_DONE)
        fwrite(text.at, 1, text.len, stdout);
    takt_close(&takt);
    buf_fini(&text);
    return exit_code;
}

/* Without a name all of them, by the first sentence of each. */
static int template(const struct asked *asked, int argc, char **argv)
{
    json_t *list = json_array();
    for (const struct template *one = templates; one->name; one++) {
        if (argc == 2 && strcmp(one->name, argv[2]) != 0)
            continue;
        json_array_append_new(list, json_pack("{s:s, s:s}", "name", one->name, "text", one->text));
        if (argc == 2 && !asked->common.json)
            fputs(one->text, stdout);
        else if (!asked->common.json)
            printf("%-14s %.*s\n", one->name, (int) strcspn(one->text + 2, ".\n"), one->text + 2);
    }
    const bool found = json_array_size(list) > 0;
    if (!found)
        cli_say("there is no template \"%s\"; `takt policy template` lists them", argv[2]);
    if (found && asked->common.json)
        print_value(stdout, list, 1);
    else
        json_decref(list);
    return found ? CLI_DONE : CLI_FAILED;
}

static const struct {
    const char *word, *argument;
    int words_least, words_most;
    int (*run)(const struct asked *asked, int argc, char **argv);
} verbs[] = {
    {"check", "FILE", 2, 2, check}, {"apply", "FILE", 2, 2, apply},         {"versions", "", 1, 1, versions},
    {"show", "[N]", 1, 2, show},    {"template", "[NAME]", 1, 2, template},
};

static const struct cli_usage usage = {
    .synopsis = "takt policy check FILE | apply FILE | versions | show [N] | template [NAME]",
    .about = "check FILE   tells all that is wrong with a policy file, each with line and column, and what\n"
             "             the policy holds. --json: an array of {line, column, path, reason, message}\n"
             "apply FILE   puts it in force without a restart, whole or not at all, and says which version\n"
             "             it is. Refused while leads or agents are where it has no place for them\n"
             "versions     lists what was in force since when, the newest first\n"
             "show [N]     prints version N as it was given; without N the one in force\n"
             "template [NAME]\n"
             "             prints a policy to begin with; without NAME lists them\n"
             "\n"
             "Exit code 0: good, or in force; 1: it cannot be used, or was refused; 2: the command line is\n"
             "wrong; 3: no answer in time, applying it again is safe. docs/POLICY.md explains every key.",
    .example = "takt policy template mortgage >policy.yaml && takt policy check policy.yaml",
    .words_least = 1,
    .words_most = 2,
};

int cmd_policy(int argc, char **argv)
{
    struct asked asked = {.patience_ms = 10000};
    const struct cli_option options[] = {
        CLI_COMMON_OPTIONS(asked.common),
        {"timeout", "MS", CLI_NUMBER, &asked.patience_ms, 1, 600000, "how long to wait for an answer (default: 10000)"},
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
