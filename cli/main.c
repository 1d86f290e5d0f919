/* SPDX-License-Identifier: Apache-2.0
 * main.c - the program `takt`: finds the command and calls it.
 *
 * Commands are rows of commands.def; nothing here knows any of them. */
#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *word, *text;
    int (*run)(int argc, char **argv);
} commands[] = {
#define COMMAND(function, word_, text_) {word_, text_, function},
#include "cli/commands.def"
#undef COMMAND
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void print_commands(FILE *to)
{
    int width = 0;
    for (int i = 0; i < COMMANDS; i++)
        width = (int) strlen(commands[i].word) > width ? (int) strlen(commands[i].word) : width;
    fputs("takt hands sales leads to sales people.\n\nusage: takt COMMAND [arguments]\n\n", to);
    for (int i = 0; i < COMMANDS; i++)
        fprintf(to, "  %-*s  %s\n", width, commands[i].word, commands[i].text);
    fputs("\n`takt COMMAND --help` tells about one of them; `takt --version` says which takt this is.\n", to);
}

static int run(const char *word, int argc, char **argv)
{
    for (int i = 0; i < COMMANDS; i++)
        if (!strcmp(commands[i].word, word))
            return commands[i].run(argc, argv);
    cli_say("no command \"%s\"; `takt help` lists them", word);
    return CLI_USAGE;
}

static int help(int argc, char **argv)
{
    if (argc < 3) {
        print_commands(stdout);
        return CLI_DONE;
    }
    char ask[] = "--help";
    char *args[] = {argv[2], ask, NULL};
    return run(argv[2], 2, args);
}

int main(int argc, char **argv)
{
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, said by the command that writes */
    if (argc < 2) {
        print_commands(stderr);
        return CLI_USAGE;
    }
    const char *word = argv[1];
    if (!strcmp(word, "--version")) {
        puts("takt " TAKT_VERSION);
        return CLI_DONE;
    }
    if (!strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h"))
        return help(argc, argv);
    return run(word, argc - 1, argv + 1);
}
