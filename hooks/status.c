/* SPDX-License-Identifier: Apache-2.0
 * status.c - what hooks did so far, in a file that `takt hooks status` and `takt
 * watch` read, and that the next run counts on from. */
#include "hooks/hooks.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <jansson.h>

#include "common/file.h"

enum { PATH_ROOM = 4096 };

static void path_of(const char *dir, const char *name, char to[PATH_ROOM])
{
    snprintf(to, PATH_ROOM, "%s/%s", dir, name);
}

bool hooks_status_save(const struct hooks_status *status, const char *dir)
{
    char path[PATH_ROOM];
    json_t *list = json_array();
    for (uint32_t i = 0; i < status->n; i++) {
        const struct hook_status *one = &status->hooks[i];
        json_array_append_new(list,
                              json_pack("{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "hook", one->name, "delivered",
                                        (json_int_t) one->counts.delivered, "behind", (json_int_t) one->counts.behind,
                                        "given_up", (json_int_t) one->counts.given_up, "lost",
                                        (json_int_t) one->counts.lost, "failures", (json_int_t) one->counts.failures,
                                        "failing_ms", (json_int_t) one->counts.failing_ms, "why", one->why));
    }
    json_t *object = json_pack("{s:I, s:o}", "missed", (json_int_t) status->missed, "hooks", list);
    char *text = json_dumps(object, JSON_INDENT(1));
    if (text == NULL)
        abort();
    path_of(dir, "status.json", path);
    const bool saved = file_put(path, text, strlen(text), 0600);
    free(text);
    json_decref(object);
    return saved;
}

static bool load_hook(json_t *item, struct hook_status *ret)
{
    const char *name, *why;
    json_int_t delivered, behind, given_up, lost, failures, failing_ms;
    if (json_unpack(item, "{s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:s}", "hook", &name, "delivered", &delivered, "behind",
                    &behind, "given_up", &given_up, "lost", &lost, "failures", &failures, "failing_ms", &failing_ms,
                    "why", &why) != 0)
        return false;
    *ret = (struct hook_status){.counts = {.delivered = (uint64_t) delivered,
                                           .given_up = (uint64_t) given_up,
                                           .lost = (uint64_t) lost,
                                           .failures = (uint64_t) failures,
                                           .behind = (uint32_t) behind,
                                           .failing_ms = failing_ms}};
    snprintf(ret->name, sizeof ret->name, "%s", name);
    snprintf(ret->why, sizeof ret->why, "%s", why);
    return true;
}

bool hooks_status_load(const char *dir, struct hooks_status *ret)
{
    char path[PATH_ROOM];
    json_int_t missed = 0;
    json_t *list = NULL, *item;
    size_t i;
    path_of(dir, "status.json", path);
    json_t *object = json_load_file(path, 0, NULL);
    const bool is_there = object != NULL && json_unpack(object, "{s:I, s:o}", "missed", &missed, "hooks", &list) == 0;
    *ret = (struct hooks_status){.missed = (uint64_t) missed};
    if (is_there)
        json_array_foreach(list, i, item) if (ret->n < HOOKS_MAX && load_hook(item, &ret->hooks[ret->n])) ret->n++;
    json_decref(object);
    return is_there;
}

bool hooks_is_running(const char *dir)
{
    char path[PATH_ROOM];
    path_of(dir, "lock", path);
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    const bool is_held = fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) != 0;
    if (fd >= 0)
        close(fd);
    return is_held;
}
