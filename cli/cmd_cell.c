/* SPDX-License-Identifier: Apache-2.0
 * cmd_cell.c - `takt cell`: the two ways a cell comes into being in a Redis that
 * `takt up` does not own: created empty, or restored from its archive. A broker
 * never does either by itself: data that is gone must not look like a new
 * beginning. */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "archive/archive.h"
#include "cli/logs.h"
#include "cli/print.h"

struct asked {
    bool json;
    const char *redis, *cell, *from;
};

static const struct cli_usage usage = {
    .synopsis = "takt cell create|restore --redis ADDR --cell NAME [--from FOLDER]",
    .about = "create: an empty cell in a Redis. A cell that is there already stays as it is.\n"
             "restore: the cell as its archive in FOLDER has it, in a Redis that lacks it. What was\n"
             "acknowledged after the archive's last entry is not in it.\n"
             "Exit code 0 done, 1 it could not be, 2 wrong usage.",
    .example = "takt cell create --redis unix:/run/takt/redis.sock --cell demo\n"
               "  takt cell restore --from /var/lib/takt/archive --redis unix:/run/takt/redis.sock --cell demo",
    .words_least = 1,
    .words_most = 1,
};

static json_t *told(const struct asked *asked)
{
    return json_pack("{s:s, s:o}", "cell", asked->cell, "redis", print_string(asked->redis));
}

static void tell_restored(const struct asked *asked, const struct archive_segment *segment)
{
    char last[48];
    logs_position(segment->end.at, last);
    if (!asked->json) {
        printf("cell %s stands at %s as of entry %s: %" PRIu64 " rows, %" PRIu64 " entries\n", asked->cell,
               asked->redis, last, segment->rows, segment->entries);
        return;
    }
    json_t *line = told(asked);
    json_object_set_new(line, "last", json_string(last));
    json_object_set_new(line, "rows", json_integer((json_int_t) segment->rows));
    json_object_set_new(line, "entries", json_integer((json_int_t) segment->entries));
    print_value(stdout, line, 0);
}

static int create(const struct asked *asked)
{
    struct store_redis_options options = {
        .address = asked->redis, .cell = asked->cell, .broker_id = "takt cell create"};
    struct store *store = store_redis_new(&options);
    enum store_status status = store_create_cell(store);
    if (status == STORE_OK && asked->json)
        print_value(stdout, told(asked), 0);
    else if (status == STORE_OK)
        printf("cell %s stands at %s\n", asked->cell, asked->redis);
    else
        cli_say("cell %s at %s: %s", asked->cell, asked->redis, store_why(store));
    store_close(&store);
    return status == STORE_OK ? CLI_DONE : CLI_FAILED;
}

static int restore(const struct asked *asked)
{
    struct archive_segment segment;
    struct buf why = {0};
    if (!asked->from) {
        cli_say("cell restore needs --from FOLDER, the folder of the archive");
        return CLI_USAGE;
    }
    enum store_status status = archive_restore(asked->from, asked->redis, asked->cell, &segment, &why);
    if (status == STORE_OK)
        tell_restored(asked, &segment);
    else
        cli_say("cell %s at %s: %.*s", asked->cell, asked->redis, (int) why.len, (const char *) why.at);
    buf_fini(&why);
    return status == STORE_OK ? CLI_DONE : CLI_FAILED;
}

static const struct {
    const char *word;
    int (*run)(const struct asked *asked);
} words[] = {{"create", create}, {"restore", restore}};

int cmd_cell(int argc, char **argv)
{
    struct asked asked = {0};
    const struct cli_option options[] = {
        {"redis", "ADDR", CLI_TEXT, &asked.redis, 0, 0, "unix:/path or 127.0.0.1:6379"},
        {"cell", "NAME", CLI_TEXT, &asked.cell, 0, 0, "[a-z0-9-], at most 32 characters"},
        {"from", "FOLDER", CLI_TEXT, &asked.from, 0, 0, "restore: the archive's folder"},
        CLI_JSON_OPTION(asked.json),
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    if (!asked.redis || !asked.cell || !store_cell_is_valid(asked.cell)) {
        cli_say("cell %s needs --redis ADDR and --cell NAME of [a-z0-9-], at most 32 characters", argv[1]);
        return CLI_USAGE;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(argv[1], words[i].word) == 0)
            return words[i].run(&asked);
    cli_say("cell: \"%s\" is not known; there are: create, restore", argv[1]);
    return CLI_USAGE;
}
