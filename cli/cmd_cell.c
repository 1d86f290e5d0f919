/* SPDX-License-Identifier: Apache-2.0
 * cmd_cell.c - `takt cell create`: the one way a cell comes into being in a
 * Redis that `takt up` does not own. A broker never creates one by itself: data
 * that is gone must not look like a new beginning. */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "broker/store.h"

static const struct cli_usage usage = {
    .synopsis = "takt cell create --redis ADDR --cell NAME",
    .about = "Creates an empty cell in a Redis. A cell that is there already stays as it is.",
    .example = "takt cell create --redis unix:/run/takt/redis.sock --cell demo",
    .words_least = 1,
    .words_most = 1,
};

int cmd_cell(int argc, char **argv)
{
    const char *redis = NULL, *cell = NULL;
    const struct cli_option options[] = {
        {"redis", "ADDR", CLI_TEXT, &redis, 0, 0, "unix:/path or 127.0.0.1:6379"},
        {"cell", "NAME", CLI_TEXT, &cell, 0, 0, "[a-z0-9-], at most 32 characters"},
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    if (strcmp(argv[1], "create") != 0) {
        cli_say("cell: \"%s\" is not known; there is: create", argv[1]);
        return CLI_USAGE;
    }
    if (!redis || !cell || !*cell || strlen(cell) > 32 ||
        strspn(cell, "abcdefghijklmnopqrstuvwxyz0123456789-") != strlen(cell)) {
        cli_say("cell create needs --redis ADDR and --cell NAME of [a-z0-9-], at most 32 characters");
        return CLI_USAGE;
    }
    struct store_redis_options store_options = {.address = redis, .cell = cell, .broker_id = "takt cell create"};
    struct store *store = store_redis_new(&store_options);
    enum store_status status = store_create_cell(store);
    if (status == STORE_OK)
        printf("cell %s stands at %s\n", cell, redis);
    else
        cli_say("cell %s at %s: %s", cell, redis, store_why(store));
    store_close(&store);
    return status == STORE_OK ? CLI_DONE : CLI_FAILED;
}
