/* SPDX-License-Identifier: Apache-2.0
 * logs.c - see logs.h. */
#include "cli/logs.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/print.h"

enum { PATH_ROOM = 4096 };

static int check_cell(const char *cell)
{
    if (!cell || store_cell_is_valid(cell))
        return CLI_DONE;
    cli_say("--cell takes [a-z0-9-], at most 32 characters");
    return CLI_USAGE;
}

int logs_find_cell(const struct cli_common *common, const char **redis, const char **cell, struct logs_room *room)
{
    if (!*redis) {
        if (!cli_endpoint(common, "redis", room->redis))
            return CLI_FAILED;
        *redis = room->redis;
    }
    if (!*cell) {
        if (!cli_endpoint(common, "cell", room->cell))
            return CLI_FAILED;
        *cell = room->cell;
    }
    return check_cell(*cell);
}

bool logs_walk(const struct logs_asked *asked, const struct walk_visitor *visitor, struct walked *ret)
{
    char folder[PATH_ROOM];
    struct logs_room room;
    struct stat found;
    const struct cli_common common = {.dir = asked->dir};
    struct walk_source source = {asked->redis, asked->cell, asked->archive};
    snprintf(folder, sizeof folder, "%s/archive", cli_dir(&common));
    const bool alone = asked->archive && !asked->redis; /* what an archive holds is asked of no Redis */
    if ((alone ? check_cell(asked->cell) : logs_find_cell(&common, &source.redis, &source.cell, &room)) != CLI_DONE)
        return false;
    if (!asked->archive && !asked->redis && stat(folder, &found) == 0)
        source.archive = folder;
    struct buf why = {0};
    const enum store_status status = walk_log(&source, visitor, ret, &why);
    if (status != STORE_OK)
        cli_say("the log cannot be read: %.*s", (int) why.len, (const char *) why.at);
    buf_fini(&why);
    return status == STORE_OK;
}

bool logs_read(const struct logs_asked *asked, struct tales *tales, struct walked *ret)
{
    const struct walk_visitor visitor = {tales_row, tales};
    const bool good = logs_walk(asked, &visitor, ret);
    tales_end(tales);
    return good;
}

const char *logs_position(struct position at, char ret[48])
{
    snprintf(ret, 48, "%" PRIu64 "-%" PRIu64, at.epoch, at.beat);
    return ret;
}

const char *logs_time(int64_t ms, char ret[32])
{
    char number[24], shown[PRINT_CELL_MAX];
    const int len = snprintf(number, sizeof number, "%" PRId64, ms);
    print_cell(print_text(number, (size_t) len), 't', shown);
    snprintf(ret, 32, "%.31s", shown);
    return ret;
}

const char *logs_time_ms(int64_t ms, char ret[32])
{
    logs_time(ms, ret);
    char *end = strrchr(ret, 'Z');
    if (end && end - ret < 24)
        snprintf(end, (size_t) (ret + 32 - end), ".%03dZ", (int) (ms % 1000));
    return ret;
}
