/* SPDX-License-Identifier: Apache-2.0
 * logs.h - where the log is that `takt report`, `takt history` and `takt explain` read, and reading it.
 *
 * By default all there is in DIR: the archive, and what Redis holds beyond it. An
 * archive alone is enough, so that neither a broker nor a Redis need run. */
#ifndef TAKT_CLI_LOGS_H
#define TAKT_CLI_LOGS_H

#include "cli/cli.h"
#include "report/tale.h"
#include "report/walk.h"

struct logs_asked { /* zero-initialise, then put the rows into the table of options */
    const char *dir, *redis, *cell, *archive;
};
/* clang-format off */
#define LOGS_REDIS_OPTION(to) \
    {"redis", "ADDR", CLI_TEXT, &(to), 0, 0, "unix:/path or 127.0.0.1:6379, instead of the one in DIR"}
#define LOGS_CELL_OPTION(to) \
    {"cell", "NAME", CLI_TEXT, &(to), 0, 0, "the cell in that Redis (default: the one in DIR)"}
#define LOGS_OPTIONS(asked) \
    CLI_DIR_OPTION((asked).dir), \
    {"archive", "FOLDER", CLI_TEXT, &(asked).archive, 0, 0, "an archive; without --redis it alone is read"}, \
    LOGS_REDIS_OPTION((asked).redis), \
    LOGS_CELL_OPTION((asked).cell)
/* clang-format on */

/* The Redis and the cell of DIR for what was not named (NULL); room for their text. CLI_DONE; else what is wrong was
 * said on stderr. */
struct logs_room {
    char redis[256], cell[256];
};
int logs_find_cell(const struct cli_common *common, const char **redis, const char **cell, struct logs_room *room);

/* Read all of the log; or fold it. False after saying on stderr what is in the way. */
bool logs_walk(const struct logs_asked *asked, const struct walk_visitor *visitor, struct walked *ret);
bool logs_read(const struct logs_asked *asked, struct tales *tales, struct walked *ret);

/* "1-0"; "2026-01-31 12:00:00Z". `ret` is returned. */
const char *logs_position(struct position at, char ret[48]);
const char *logs_time(int64_t ms, char ret[32]);
const char *logs_time_ms(int64_t ms, char ret[32]); /* "2026-01-31 12:00:00.123Z" */

#endif
