/* SPDX-License-Identifier: Apache-2.0
 * cli.h - what all subcommands of `takt` share: the table of commands, options
 * by a table, exit codes, and where a running takt is found.
 *
 * A command is one file cmd_x.c with one function and one row in commands.def.
 * Everything else (usage, `takt help`, --help of each command) is made from
 * tables. Why --dir beside --endpoint: `takt up` picks free ports and writes them
 * to DIR/endpoints, so on one machine nobody types an address. */
#ifndef TAKT_CLI_CLI_H
#define TAKT_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

enum cli_exit {
    CLI_DONE = 0,
    CLI_FAILED = 1,     /* it could not be done: refused, unreadable, broken */
    CLI_USAGE = 2,      /* the command line is wrong */
    CLI_UNANSWERED = 3, /* not everything got an answer in time; doing it again is safe */
    CLI_UNFIT = 4,      /* an archive and a Redis that do not fit: doing it again helps nothing */
};

/* One function a command, by the list: int cmd_import(int argc, char **argv);
 * argv[0] is the command's word. Returns an enum cli_exit. */
#define COMMAND(function, word, text) int function(int argc, char **argv);
#include "cli/commands.def"
#undef COMMAND

enum cli_kind {
    CLI_FLAG,   /* bool: set to true */
    CLI_TEXT,   /* const char *: borrowed from argv */
    CLI_NUMBER, /* int64_t in least..most */
};

struct cli_option {
    const char *name;     /* "endpoint" for --endpoint; NULL ends the table */
    const char *argument; /* as the help shows it, "URL"; NULL for a flag */
    enum cli_kind kind;
    void *to;
    int64_t least, most;
    const char *help;
};

struct cli_usage {
    const char *synopsis;        /* "takt import FILE [options]" */
    const char *about;           /* a few lines on what it does */
    const char *example;         /* at least one line to copy */
    int words_least, words_most; /* arguments that are not options */
};

/* Read options; afterwards argv[1..n] are the arguments that are no options.
 * Returns n; or -1 when the command must end now with *ret_exit: help was asked
 * for (CLI_DONE) or something is wrong (CLI_USAGE, already said on stderr). */
int cli_options(const struct cli_usage *usage, const struct cli_option *options, int argc, char **argv, int *ret_exit);

/* Options most commands have; zero-initialise, then put the rows into the table. */
struct cli_common {
    const char *dir, *endpoint;
    bool json;
};
/* clang-format off */
#define CLI_DIR_OPTION(to) \
    {"dir", "DIR", CLI_TEXT, &(to), 0, 0, "where `takt up` runs (default: $TAKT_DIR, else ./takt-data)"}
#define CLI_JSON_OPTION(to) \
    {"json", NULL, CLI_FLAG, &(to), 0, 0, "print JSON"}
#define CLI_COMMON_OPTIONS(common) \
    CLI_DIR_OPTION((common).dir), \
    {"endpoint", "URL", CLI_TEXT, &(common).endpoint, 0, 0, "the broker's socket (default: as found in DIR)"}, \
    CLI_JSON_OPTION((common).json)
#define CLI_END {NULL, NULL, CLI_FLAG, NULL, 0, 0, NULL}
/* clang-format on */

/* The directory in force: --dir, $TAKT_DIR, ./takt-data. */
const char *cli_dir(const struct cli_common *common);

/* The endpoint for "source", "agent", "worker", "operator", "metrics" or "redis":
 * --endpoint, else the line of that role in DIR/endpoints ("source tcp://127.0.0.1:7701").
 * Returns false after saying on stderr what is missing and what to do. */
bool cli_endpoint(const struct cli_common *common, const char *role, char ret_endpoint[256]);

/* SIGTERM and SIGINT, as something to poll instead of a handler. The caller closes it. */
int cli_stop_fd(void);

/* The calendar has this day; the C library would take 30 February for 2 March. */
bool cli_is_day(const struct tm *day);

/* How it is called, on stderr. Returns CLI_USAGE. */
int cli_say_usage(const struct cli_usage *usage);

/* One line "takt: ..." on stderr. */
void cli_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
