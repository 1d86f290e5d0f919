/* SPDX-License-Identifier: Apache-2.0
 * hooks.h - telling the world outside what happens to leads, as a process of its
 * own beside the broker.
 *
 * It follows the cell's log as the archive does, so it tells only what stands,
 * goes on where it stopped, and no receiver, however slow, is ever waited for by
 * a lead. Each event is delivered at least once under an id that stays the same. */
#ifndef TAKT_HOOKS_HOOKS_H
#define TAKT_HOOKS_HOOKS_H

#include "broker/store.h"
#include "hooks/hook_file.h"
#include "hooks/send.h"

struct hooks_options {
    const char *redis, *cell, *dir; /* dir: where it keeps what it needs after a restart */
};

/* Until `stop_fd` can be read. STORE_OK, or why it cannot go on. */
enum store_status hooks_run(const struct hooks_options *options, const struct hook_file *file, int stop_fd,
                            struct buf *why);

/* ---- how it stands: a file in its folder, written once a second while something changes ---- */

struct hook_status {
    char name[HOOK_NAME_MAX + 1];
    struct queue_counts counts;
    char why[SEND_WHY_MAX]; /* of the last failure, while it fails */
};

struct hooks_status {
    struct hook_status hooks[HOOKS_MAX];
    uint32_t n;
    uint64_t missed; /* entries of the log that were trimmed unread, or damaged */
};

bool hooks_status_save(const struct hooks_status *status, const char *dir);
bool hooks_status_load(const char *dir, struct hooks_status *ret); /* false: there is none */
bool hooks_is_running(const char *dir);                            /* somebody holds the folder's lock */

#endif
