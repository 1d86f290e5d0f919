/* SPDX-License-Identifier: Apache-2.0
 * cli.c - options by a table, and where a running takt is found.
 *
 * getopt_long(3) does the reading, so that abbreviations, --x=y and options after
 * the arguments behave as everywhere; the tables only say what there is. */
#include "cli/cli.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>

enum { OPTIONS_MAX = 40, LINE_MAX_BYTES = 512, HELP = 1000 };

void cli_say(const char *format, ...)
{
    char text[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    fprintf(stderr, "takt: %s\n", text);
}

int cli_say_usage(const struct cli_usage *usage)
{
    const char *rest = strchr(usage->synopsis, ' '); /* of "takt word ..." */
    const int len = (int) (rest ? (size_t) (rest - usage->synopsis) + 1 + strcspn(rest + 1, " \n") : 0);
    fprintf(stderr, "usage: %s\n`%.*s --help` tells more\n", usage->synopsis, len, usage->synopsis);
    return CLI_USAGE;
}

/* "--endpoint URL" */
static int print_option(const struct cli_option *option, char ret[64])
{
    return snprintf(ret, 64, "--%s%s%s", option->name, option->argument ? " " : "",
                    option->argument ? option->argument : "");
}

static void print_help(const struct cli_usage *usage, const struct cli_option *options)
{
    char left[64];
    int width = 20;
    for (const struct cli_option *option = options; option->name; option++) {
        const int len = print_option(option, left);
        width = len > width ? len : width;
    }
    printf("usage: %s\n\n%s\n\noptions:\n", usage->synopsis, usage->about);
    for (const struct cli_option *option = options; option->name; option++) {
        print_option(option, left);
        printf("  %-*s %s\n", width, left, option->help);
    }
    printf("  %-*s %s\n\nexample:\n  %s\n", width, "--help", "this text", usage->example);
}

static bool take_number(const struct cli_option *option, const char *text)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno == ERANGE || number < option->least || number > option->most) {
        cli_say("--%s takes a number from %lld to %lld, not \"%s\"", option->name, (long long) option->least,
                (long long) option->most, text);
        return false;
    }
    *(int64_t *) option->to = number;
    return true;
}

static bool take(const struct cli_option *option, const char *text)
{
    switch (option->kind) {
    case CLI_FLAG:
        *(bool *) option->to = true;
        return true;
    case CLI_TEXT:
        *(const char **) option->to = text;
        return true;
    case CLI_NUMBER:
        return take_number(option, text);
    }
    return false;
}

static void make_long(const struct cli_option *options, struct option *ret_long)
{
    int n = 0;
    for (; options[n].name; n++) {
        assert(n < OPTIONS_MAX);
        ret_long[n] = (struct option){.name = options[n].name,
                                      .has_arg = options[n].kind == CLI_FLAG ? no_argument : required_argument,
                                      .val = n};
    }
    ret_long[n++] = (struct option){.name = "help", .has_arg = no_argument, .val = HELP};
    ret_long[n] = (struct option){0};
}

static bool read_options(const struct cli_usage *usage, const struct cli_option *options, int argc, char **argv,
                         int *ret_exit)
{
    struct option names[OPTIONS_MAX + 2];
    make_long(options, names);
    *ret_exit = CLI_USAGE;
    optind = 0;
    for (int got; (got = getopt_long(argc, argv, "", names, NULL)) != -1;) {
        if (got == HELP) {
            print_help(usage, options);
            *ret_exit = CLI_DONE;
            return false;
        }
        if (got == '?')
            fprintf(stderr, "`%s --help` lists the options\n", argv[0]);
        if (got == '?' || !take(&options[got], optarg))
            return false;
    }
    return true;
}

int cli_options(const struct cli_usage *usage, const struct cli_option *options, int argc, char **argv, int *ret_exit)
{
    char name[64], *word = argv[0];
    snprintf(name, sizeof name, "takt %s", word);
    argv[0] = name; /* whom getopt names when it complains */
    const bool sound = read_options(usage, options, argc, argv, ret_exit);
    argv[0] = word;
    if (!sound)
        return -1;
    int n = argc - optind;
    if (n < usage->words_least || n > usage->words_most) {
        *ret_exit = cli_say_usage(usage);
        return -1;
    }
    memmove(argv + 1, argv + optind, (size_t) n * sizeof *argv);
    return n;
}

const char *cli_dir(const struct cli_common *common)
{
    const char *set = getenv("TAKT_DIR");
    return common->dir ? common->dir : set && *set ? set : "./takt-data";
}

/* "role endpoint\n" -> endpoint, or NULL when the line is another role's. */
static char *endpoint_of(char *line, const char *role)
{
    size_t len = strlen(role);
    if (strncmp(line, role, len) || line[len] != ' ')
        return NULL;
    line[strcspn(line, "\r\n")] = '\0';
    return line + len + 1;
}

static bool find_endpoint(FILE *file, const char *role, char ret_endpoint[256])
{
    for (char line[LINE_MAX_BYTES]; fgets(line, sizeof line, file);) {
        const char *endpoint = endpoint_of(line, role);
        if (endpoint && snprintf(ret_endpoint, 256, "%s", endpoint) < 256)
            return true;
    }
    return false;
}

bool cli_endpoint(const struct cli_common *common, const char *role, char ret_endpoint[256])
{
    if (common->endpoint) {
        bool fits = snprintf(ret_endpoint, 256, "%s", common->endpoint) < 256;
        if (!fits)
            cli_say("--endpoint is too long");
        return fits;
    }
    char path[4096];
    snprintf(path, sizeof path, "%s/endpoints", cli_dir(common));
    FILE *file = fopen(path, "re");
    if (!file) {
        cli_say("no takt runs here: %s: %s; start one with `takt up`, or name --dir or --endpoint", path,
                strerror(errno));
        return false;
    }
    bool found = find_endpoint(file, role, ret_endpoint);
    fclose(file);
    if (!found)
        cli_say("%s has no line \"%s ...\"; is the takt that wrote it of this version?", path, role);
    return found;
}

int cli_stop_fd(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool cli_is_day(const struct tm *day)
{
    struct tm moved = {.tm_year = day->tm_year, .tm_mon = day->tm_mon, .tm_mday = day->tm_mday};
    timegm(&moved);
    return moved.tm_mday == day->tm_mday;
}
