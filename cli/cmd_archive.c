/* SPDX-License-Identifier: Apache-2.0
 * cmd_archive.c - `takt archive`: the process that keeps a cell's log on disk.
 * `takt up` runs it as a child; with a Redis of your own it is a service beside
 * the broker. It needs no broker and tells none: the position it publishes in
 * Redis is what the broker trims by. */
#include "cli/cli.h"

#include <stdio.h>
#include <unistd.h>

#include <jansson.h>

#include "archive/archive.h"
#include "cli/logs.h"
#include "cli/print.h"
#include "common/log.h"

enum { PATH_ROOM = 4096, SEGMENT_KIB = 64 * 1024, SEGMENT_KIB_MAX = 1024 * 1024 };

struct asked {
    struct cli_common common;
    const char *redis, *cell, *folder;
    int64_t segment_kib;
    bool end;
};

static int say_status(enum store_status status, const struct buf *why)
{
    if (status == STORE_OK)
        return CLI_DONE;
    cli_say("archive: %.*s", (int) why->len, (const char *) why->at);
    return status == STORE_DAMAGED || status == STORE_ROLLED_BACK ? CLI_UNFIT : CLI_FAILED;
}

static void tell_event(void *arg, const char *event, struct position end)
{
    const struct asked *asked = arg;
    char last[48];
    print_event(stdout, json_pack("{s:s, s:s, s:o, s:s}", "event", event, "cell", asked->cell, "folder",
                                  print_string(asked->folder), "last", logs_position(end, last)));
}

static int follow(struct asked *asked)
{
    const struct archive_options options = {.redis = asked->redis,
                                            .cell = asked->cell,
                                            .dir = asked->folder,
                                            .least_bytes = (uint64_t) asked->segment_kib * 1024,
                                            .tell = asked->common.json ? tell_event : NULL,
                                            .arg = asked};
    struct buf why = {0};
    const int stop_fd = cli_stop_fd();
    log_open("takt-archive", LOG_INFO);
    (void) !nice(10); /* broker and Redis first: what is not archived yet, they keep */
    const int exit_code = say_status(archive_follow(&options, stop_fd, &why), &why);
    close(stop_fd);
    buf_fini(&why);
    return exit_code;
}

static int end(const struct asked *asked)
{
    struct tap *tap = NULL;
    struct buf why = {0};
    enum store_status status = tap_open(asked->redis, asked->cell, &tap, &why);
    if (status == STORE_OK && (status = tap_end_archive(tap)) != STORE_OK)
        buf_printf(&why, "%s", tap_why(tap));
    if (status == STORE_OK && asked->common.json)
        print_value(stdout, json_pack("{s:s, s:b}", "cell", asked->cell, "archived", 0), 0);
    else if (status == STORE_OK)
        printf("cell %s is not archived any more: its log is trimmed without waiting\n", asked->cell);
    const int exit_code = say_status(status, &why);
    tap_close(&tap);
    buf_fini(&why);
    return exit_code;
}

static const struct cli_usage usage = {
    .synopsis = "takt archive [--dir DIR | --redis ADDR --cell NAME --to FOLDER] [--end]",
    .about = "Keeps a cell's log in FOLDER, in segments that each begin with an image of all state, until\n"
             "SIGTERM. Entries leave Redis only when they are on this disk. `takt up` runs one by itself.\n"
             "`takt fsck --archive FOLDER` checks it, `takt cell restore --from FOLDER` restores from it.\n"
             "With --json it prints an object a line: \"ready\" with the last entry it has when it begins\n"
             "to follow, also again after an outage of Redis, and \"ended\".\n"
             "Exit code 0 stopped, 1 failed, 4 folder and Redis do not fit.",
    .example = "takt archive --redis unix:/run/takt/redis.sock --cell demo --to /var/lib/takt/archive\n"
               "  takt archive --dir takt-data --end --json",
};

int cmd_archive(int argc, char **argv)
{
    struct asked asked = {.segment_kib = SEGMENT_KIB};
    const struct cli_option options[] = {
        CLI_DIR_OPTION(asked.common.dir),
        LOGS_REDIS_OPTION(asked.redis),
        LOGS_CELL_OPTION(asked.cell),
        {"to", "FOLDER", CLI_TEXT, &asked.folder, 0, 0, "where segments are kept (default: DIR/archive)"},
        {"segment-kib", "N", CLI_NUMBER, &asked.segment_kib, 1, SEGMENT_KIB_MAX,
         "a new segment begins after N KiB of log, and not before an image's worth (default: 65536)"},
        CLI_JSON_OPTION(asked.common.json),
        {"end", NULL, CLI_FLAG, &asked.end, 0, 0, "nothing archives this cell any more: its log must not wait"},
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    char folder[PATH_ROOM];
    struct logs_room room;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    exit_code = logs_find_cell(&asked.common, &asked.redis, &asked.cell, &room);
    if (exit_code != CLI_DONE)
        return exit_code;
    snprintf(folder, sizeof folder, "%s/archive", cli_dir(&asked.common));
    if (!asked.folder)
        asked.folder = folder;
    return asked.end ? end(&asked) : follow(&asked);
}
