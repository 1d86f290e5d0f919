/* SPDX-License-Identifier: Apache-2.0
 * hook_file.h - hooks.yaml: who is told what, and how. docs/HOOKS.md describes it.
 *
 * Secrets are in files of their own that the file names, so that it can be shown
 * around, and never on a command line. */
#ifndef TAKT_HOOKS_HOOK_FILE_H
#define TAKT_HOOKS_HOOK_FILE_H

#include "common/buf.h"
#include "hooks/event.h"
#include "hooks/queue.h"

enum { HOOKS_MAX = 32, HOOK_WORDS_MAX = 64, HOOK_NAME_MAX = 32, HOOK_WHY_MAX = 256, HOOK_PROGRAMS_MAX = 8 };

enum hook_fields { FIELDS_NONE, FIELDS_COARSE, FIELDS_FULL };

struct words {
    char *at[HOOK_WORDS_MAX + 1]; /* ends with NULL, as argv does */
    uint32_t n;
};

struct hook {
    char name[HOOK_NAME_MAX + 1];
    char *url;            /* NULL: it is a program */
    struct words program; /* n is 0: it is a URL */
    struct words headers;
    struct buf key;                 /* empty: nothing is signed */
    unsigned events;                /* bits */
    struct words programmes, teams; /* n is 0: all */
    enum hook_fields fields;
    int64_t timeout_ms;
    struct queue_limits limits;
};

struct hook_file {
    struct hook hooks[HOOKS_MAX];
    uint32_t n;
};

/* False, and "FILE:LINE: what is wrong" in `why`. Reads the files it names as well. */
bool hook_file_read(const char *path, struct hook_file *ret, char why[HOOK_WHY_MAX]);
bool hook_file_parse(struct slice text, const char *name, struct hook_file *ret, char why[HOOK_WHY_MAX]);
void hook_file_fini(struct hook_file *file);

/* Does it want this event? `team` may be empty. */
bool hook_wants(const struct hook *hook, enum hook_event event, const char *programme, struct slice team);

const char *hook_fields_word(enum hook_fields fields);

#endif
