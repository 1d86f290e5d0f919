/* SPDX-License-Identifier: Apache-2.0
 * up.h - one `takt up`: what it was asked for, the folder it works in, the
 * processes it keeps. */
#ifndef TAKT_CLI_UP_H
#define TAKT_CLI_UP_H

#include "cli/cli.h"
#include "cli/supervise.h"
#include "cli/up_ports.h"
#include "common/buf.h"

enum { PATH_ROOM = 256, UP_WORKERS_MAX = 64 };

struct up {
    struct cli_common common;
    const char *policy_path, *geo_path, *ready_file, *hooks_path;
    int64_t workers, port_base;
    bool log_to_stderr, no_archive, has_geo;
    char dir[PATH_ROOM];
    char cell[33];
    bool create_cell, made_dir;
    int lock_fd;
    struct buf policy_text, geo_bytes; /* of the files given now; not in the folder before all was found good */
    struct up_ports ports;
    struct supervisor *supervisor;
    int redis, broker, archive, hooks, worker[UP_WORKERS_MAX];
};

/* up_files.c: each says why on standard error when it returns false. */
void up_path_in(const struct up *up, const char *name, char ret_path[2 * PATH_ROOM]);
bool up_put_file(const struct up *up, const char *name, const char *text, size_t len);
bool up_open_folder(struct up *up);
bool up_take_lock(struct up *up);
bool up_take_policy(struct up *up);
bool up_take_geo(struct up *up);
bool up_check_cell(struct up *up);
bool up_check_hooks(const struct up *up);
bool up_keep_given(struct up *up);
void up_leave_folder(struct up *up); /* nothing was started: a folder that was made for it goes again */

/* up_tell.c: on standard output. */
bool up_tell_ready(const struct up *up);
void up_tell_child(void *arg, const struct child_event *event); /* of supervise_tell(); arg: the struct up */
void up_tell_ending(const struct up *up);

#endif
