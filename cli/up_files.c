/* SPDX-License-Identifier: Apache-2.0
 * up_files.c - the folder of `takt up`.
 *
 * DIR holds it all: redis/ (the data), policy.yaml and places.geo (the policy and the geo
 * file given last), cell (its name, once it was created), endpoints (where the others find
 * it), archive/, hooks/, log/ and lock. The lock is inherited by the children: an orphaned redis-server
 * keeps it, so that never two of them write the same files. */
#include "cli/up.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "geo/geo.h"
#include "hooks/hook_file.h"
#include "policy/policy_yaml.h"

enum {
    SOCKET_PATH_MAX = 100, /* sun_path is 108 bytes */
    LOCK_PATIENCE_MS = 3000,
};

void up_path_in(const struct up *up, const char *name, char ret_path[2 * PATH_ROOM])
{
    snprintf(ret_path, 2 * PATH_ROOM, "%s/%s", up->dir, name);
}

static bool make_folder(const char *path, bool *ret_made)
{
    *ret_made = mkdir(path, 0700) == 0;
    if (*ret_made || errno == EEXIST)
        return true;
    cli_say("%s: %s", path, strerror(errno));
    return false;
}

bool up_open_folder(struct up *up)
{
    const char *dir = cli_dir(&up->common);
    bool made;
    if (!make_folder(dir, &made))
        return false;
    char *whole = realpath(dir, NULL);
    if (!whole || strlen(whole) + strlen("/redis.sock") > SOCKET_PATH_MAX) {
        cli_say("%s: %s", dir,
                whole ? "this path is too long for a socket in it; take a shorter one" : strerror(errno));
        free(whole);
        if (made)
            rmdir(dir);
        return false;
    }
    snprintf(up->dir, sizeof up->dir, "%s", whole);
    up->made_dir = made;
    free(whole);
    char path[2 * PATH_ROOM];
    up_path_in(up, "redis", path);
    if (!make_folder(path, &made))
        return false;
    up_path_in(up, "log", path);
    return make_folder(path, &made);
}

void up_leave_folder(struct up *up)
{
    static const char *const names[] = {"redis", "log", "lock", ""};
    char path[2 * PATH_ROOM];
    for (size_t i = 0; up->made_dir && i < sizeof names / sizeof *names; i++) {
        up_path_in(up, names[i], path);
        remove(path); /* of a folder only when it is empty: what somebody else put there stays */
    }
}

/* The children of a killed `takt up` hold the lock for the moment they need to end, so wait a little. */
static bool wait_lock(int fd)
{
    const int64_t until_us = clock_mono_us() + LOCK_PATIENCE_MS * 1000;
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_mono_us() > until_us)
            return false;
        usleep(50 * 1000);
    }
    return true;
}

bool up_take_lock(struct up *up)
{
    char path[2 * PATH_ROOM], pid[32] = "";
    struct stat st;
    up_path_in(up, "lock", path);
    up->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const bool made = up->made_dir;
    up->made_dir = false; /* somebody else's, until the lock is ours */
    if (up->lock_fd >= 0 && !wait_lock(up->lock_fd)) {
        const ssize_t len = pread(up->lock_fd, pid, sizeof pid - 1, 0);
        cli_say("%s is in use by another takt up (pid %.*s)", up->dir, len > 0 ? (int) strcspn(pid, "\n") : 0, pid);
        return false;
    }
    if (up->lock_fd < 0 || fstat(up->lock_fd, &st) != 0 || ftruncate(up->lock_fd, 0) != 0 ||
        dprintf(up->lock_fd, "%d\n", (int) getpid()) < 0) {
        cli_say("%s: %s", path, strerror(errno));
        return false;
    }
    if (st.st_nlink == 0) /* who had it before has taken the folder away */
        cli_say("%s was just removed; start again", up->dir);
    up->made_dir = made && st.st_nlink > 0;
    return st.st_nlink > 0;
}

bool up_put_file(const struct up *up, const char *name, const char *text, size_t len)
{
    char path[2 * PATH_ROOM];
    up_path_in(up, name, path);
    const bool done = file_put(path, text, len, 0600);
    if (!done)
        cli_say("%s: %s", path, strerror(errno));
    return done;
}

static bool get_file(const char *path, struct buf *ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;
    while (fd >= 0 && n > 0) {
        char bytes[4096];
        n = read(fd, bytes, sizeof bytes);
        if (n > 0)
            buf_add(ret, bytes, (size_t) n);
    }
    if (fd >= 0)
        close(fd);
    return fd >= 0 && n == 0;
}

/* ---- what it runs --------------------------------------------------------------- */

/* The policy given, or the one of last time. */
bool up_take_policy(struct up *up)
{
    char kept[2 * PATH_ROOM];
    up_path_in(up, "policy.yaml", kept);
    const char *path = up->policy_path ? up->policy_path : kept;
    struct buf *text = &up->policy_text, findings = {0};
    struct policy *policy = malloc(sizeof *policy);
    if (!policy)
        abort();
    bool good = get_file(path, text);
    if (!good && !up->policy_path)
        cli_say("%s has no policy yet: give one with --policy FILE; `takt policy template` prints some", up->dir);
    else if (!good)
        cli_say("%s: %s", path, strerror(errno));
    good = good && policy_load(path, policy, &findings) == 0;
    if (findings.len > 0)
        fwrite(findings.at, 1, findings.len, stderr);
    if (good)
        snprintf(up->cell, sizeof up->cell, "%s", policy->cell);
    buf_fini(&findings);
    free(policy);
    return good;
}

/* The geo file given, or the one of last time. */
bool up_take_geo(struct up *up)
{
    char kept[2 * PATH_ROOM], why[GEO_WHY_BYTES];
    up_path_in(up, "places.geo", kept);
    if (!up->geo_path && access(kept, F_OK) != 0)
        return true;
    struct geo *geo = geo_open(up->geo_path ? up->geo_path : kept, why);
    up->has_geo = geo != NULL;
    geo_close(&geo);
    if (!up->has_geo)
        cli_say("%s%s", why, up->geo_path ? "" : "; give another one with --geo FILE, or remove it");
    if (up->has_geo && up->geo_path) {
        up->has_geo = get_file(up->geo_path, &up->geo_bytes);
        if (!up->has_geo)
            cli_say("%s: %s", up->geo_path, strerror(errno));
    }
    return up->has_geo;
}

static bool keep(const struct up *up, const char *given, const char *name, const struct buf *bytes)
{
    return !given || up_put_file(up, name, (const char *) bytes->at, bytes->len);
}

/* Copies, which nobody changes or cuts short under the broker's hands. */
bool up_keep_given(struct up *up)
{
    const bool kept = keep(up, up->policy_path, "policy.yaml", &up->policy_text) &&
                      keep(up, up->geo_path, "places.geo", &up->geo_bytes);
    buf_fini(&up->policy_text);
    buf_fini(&up->geo_bytes);
    return kept;
}

/* A cell is created once in the life of a folder. Lost data must not look like a new beginning. */
bool up_check_cell(struct up *up)
{
    char path[2 * PATH_ROOM];
    up_path_in(up, "cell", path);
    struct buf text = {0};
    up->create_cell = !get_file(path, &text);
    buf_add(&text, "", 1);
    text.at[strcspn((const char *) text.at, "\n")] = '\0';
    bool same = up->create_cell || strcmp((const char *) text.at, up->cell) == 0;
    if (!same)
        cli_say("%s holds the cell %s, the policy is for %s", up->dir, (const char *) text.at, up->cell);
    buf_fini(&text);
    return same;
}

bool up_check_hooks(const struct up *up)
{
    char why[HOOK_WHY_MAX];
    if (!up->hooks_path)
        return true;
    struct hook_file *file = calloc(1, sizeof *file);
    if (!file)
        abort();
    const bool good = hook_file_read(up->hooks_path, file, why);
    if (!good)
        cli_say("%s", why);
    hook_file_fini(file);
    free(file);
    return good;
}
