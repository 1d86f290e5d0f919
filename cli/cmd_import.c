/* SPDX-License-Identifier: Apache-2.0
 * cmd_import.c - `takt import`: the leads of a file, with an outcome for each row.
 *
 * Exit code 0 means that every row has its outcome, rejects included: a file with
 * bad rows was imported, and says so; 3 that some have none, and that the same
 * command again is safe and goes on. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/import_send.h"
#include "cli/intake.h"
#include "cli/judge.h"
#include "cli/rejects.h"
#include "cli/tally.h"
#include "common/clock.h"

static const struct cli_usage usage = {
    .synopsis = "takt import FILE [--map MAP] [--source NAME] [options]",
    .about = "Sends the rows of a CSV, TSV or NDJSON file (also gzip) as leads and waits for the outcome of\n"
             "each: accepted, duplicate, or rejected with a reason. The same file again changes\n"
             "nothing: rows that stand are told as known. Without --map columns are taken by\n"
             "well-known names; what was taken is told in the form of a map to start from.\n"
             "deploy/maps has examples, docs/IMPORT.md the format.\n"
             "Exit code: 0 every row has an outcome, 1 it could not be done, 2 wrong usage,\n"
             "3 some rows have no outcome yet (do it again: that is safe).",
    .example = "takt import leads.csv --map deploy/maps/generated.yaml --rejects bad.csv\n"
               "  takt import leads.csv --dry-run\n"
               "  takt import leads.ndjson --map map.yaml",
    .words_least = 1,
    .words_most = 1,
};

struct import {
    struct cli_common common;
    struct send_options send;
    const char *path, *map, *source, *rejects;
    enum intake_format format;
    int64_t timeout_s;
    char endpoint[256];
    bool dry;
    struct intake *intake;
    struct intake_plan plan;
    struct tally tally;
    FILE *rejects_file;
};

static int dry_run(struct import *import)
{
    struct judge judge = {0};
    struct intake_row row;
    struct buf kept = {0};
    int got;
    while ((got = intake_next(import->intake, &row)) == 1) {
        uint32_t warnings;
        enum reason outcome = judge_row(&judge, &row, &warnings);
        tally_add(&import->tally, outcome, warnings, false);
        if (!import->rejects_file || outcome == REASON_OK || outcome == REASON_DUPLICATE_KEY)
            continue;
        kept.len = 0;
        rejects_keep(&kept, row.cells, row.n_cells);
        rejects_write(import->rejects_file, row.line, outcome, row.reason ? row.why : reason_text(outcome),
                      slice_of(kept.at, kept.len));
    }
    if (got < 0)
        cli_say("%s: %s", import->path, intake_why(import->intake));
    judge_fini(&judge);
    buf_fini(&kept);
    return got == 0 ? CLI_DONE : CLI_FAILED;
}

static int real_run(struct import *import)
{
    struct send_options send = import->send;
    send.endpoint = import->endpoint;
    send.timeout_ms = import->timeout_s * 1000;
    switch (import_send(import->intake, &import->plan, &send, &import->tally, import->rejects_file)) {
    case SEND_DONE:
        return CLI_DONE;
    case SEND_SILENT:
        cli_say("no progress for %lld s; not every row has an outcome. The same command again goes on from here.",
                (long long) import->timeout_s);
        return CLI_UNANSWERED;
    case SEND_REFUSED:
    case SEND_FILE:
        break;
    }
    return CLI_FAILED;
}

static bool read_format(const char *word, enum intake_format *ret)
{
    static const char *const words[] = {[INTAKE_CSV] = "csv", [INTAKE_NDJSON] = "ndjson"};
    for (enum intake_format format = INTAKE_CSV; word && format <= INTAKE_NDJSON; format++)
        if (!strcmp(word, words[format]))
            *ret = format;
    if (word && *ret == INTAKE_BY_NAME)
        cli_say("--format is csv or ndjson, not \"%s\"", word);
    return !word || *ret != INTAKE_BY_NAME;
}

static bool open_files(struct import *import)
{
    struct buf said = {0};
    char why[256];
    import->intake = intake_open(import->path, import->format, import->map, import->source, &said, why);
    if (!import->intake) {
        cli_say("%s", why);
    } else if (!import->map) {
        cli_say("no --map: columns were taken by their names; save this to correct it:");
        fwrite(said.at, 1, said.len, stderr);
    }
    buf_fini(&said);
    if (!import->intake)
        return false;
    if (import->rejects && !(import->rejects_file = fopen(import->rejects, "we"))) {
        cli_say("%s: %s", import->rejects, strerror(errno));
        return false;
    }
    if (!intake_measure(import->intake, &import->plan)) {
        cli_say("%s: %s", import->path, intake_why(import->intake));
        return false;
    }
    return true;
}

static bool close_rejects(struct import *import)
{
    if (!import->rejects_file)
        return true;
    bool written = !ferror(import->rejects_file);
    written = fclose(import->rejects_file) == 0 && written;
    if (!written)
        cli_say("%s: %s", import->rejects, strerror(errno));
    return written;
}

static int run(struct import *import)
{
    if ((!import->dry && !cli_endpoint(&import->common, "source", import->endpoint)) || !open_files(import))
        return CLI_FAILED;
    import->tally.rows = import->plan.rows;
    if (import->rejects_file) {
        uint32_t n;
        const struct slice *columns = intake_columns(import->intake, &n);
        rejects_write_header(import->rejects_file, columns, n);
    }
    int64_t start_us = clock_mono_us();
    int exit_code = import->dry ? dry_run(import) : real_run(import);
    struct tally_about about = {.file = import->path,
                                .source = intake_source(import->intake),
                                .rejects = import->rejects,
                                .import = intake_import_id(import->intake, &import->plan, 0),
                                .took_us = clock_mono_us() - start_us,
                                .dry = import->dry};
    (import->common.json ? tally_print_json : tally_print)(stdout, &import->tally, &about);
    return exit_code;
}

int cmd_import(int argc, char **argv)
{
    struct import import = {.timeout_s = 60};
    const char *format = NULL;
    const struct cli_option options[] = {
        {"map", "MAP", CLI_TEXT, &import.map, 0, 0, "which column is what (default: by well-known names)"},
        {"format", "F", CLI_TEXT, &format, 0, 0, "csv or ndjson (default: ndjson for .ndjson and .jsonl)"},
        {"source", "NAME", CLI_TEXT, &import.source, 0, 0, "in whose name (default: the map's, else the file's name)"},
        {"rejects", "FILE", CLI_TEXT, &import.rejects, 0, 0, "write the rows that are not in, with the reason, there"},
        {"dry-run", NULL, CLI_FLAG, &import.dry, 0, 0, "read, map and judge; send nothing"},
        {"timeout", "S", CLI_NUMBER, &import.timeout_s, 1, 86400,
         "give up after S seconds without progress (default: 60)"},
        {"rate", "N", CLI_NUMBER, &import.send.rate, 1, INT32_MAX, "at most N rows a second"},
        {"window", "N", CLI_NUMBER, &import.send.window, 1, 64, "at most N chunks in flight"},
        CLI_COMMON_OPTIONS(import.common),
        CLI_END,
    };
    int exit_code;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    if (!read_format(format, &import.format))
        return CLI_USAGE;
    import.path = argv[1];
    exit_code = run(&import);
    if (!close_rejects(&import))
        exit_code = CLI_FAILED;
    intake_close(&import.intake);
    return exit_code;
}
