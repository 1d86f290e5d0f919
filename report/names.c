/* SPDX-License-Identifier: Apache-2.0
 * names.c - see names.h. Texts stand one after the other in one buffer; the hash
 * table's entries are their own allocation each, for there are few. */
#include "report/names.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define uthash_fatal(msg) assert(!msg)
#include <uthash.h>

#include "common/buf.h"

struct name {
    UT_hash_handle hh;
    uint32_t number, len;
    char text[];
};

struct names {
    struct name *by_text;
    struct buf by_number; /* struct name * */
};

struct names *names_new(void)
{
    struct names *names = calloc(1, sizeof *names);
    assert(names);
    names_number(names, slice_of("", 0));
    return names;
}

void names_destroy(struct names **names_p)
{
    struct names *names = *names_p;
    struct name *name, *next;
    if (!names)
        return;
    HASH_ITER(hh, names->by_text, name, next)
    {
        HASH_DEL(names->by_text, name);
        free(name);
    }
    buf_fini(&names->by_number);
    free(names);
    *names_p = NULL;
}

uint32_t names_number(struct names *names, struct slice text)
{
    struct name *name;
    HASH_FIND(hh, names->by_text, text.at, text.len, name);
    if (name)
        return name->number;
    name = malloc(sizeof *name + text.len + 1);
    assert(name);
    name->number = (uint32_t) (names->by_number.len / sizeof(struct name *));
    name->len = text.len;
    if (text.len > 0)
        memcpy(name->text, text.at, text.len);
    name->text[text.len] = '\0';
    HASH_ADD(hh, names->by_text, text, text.len, name);
    buf_add(&names->by_number, &name, sizeof(struct name *));
    return name->number;
}

struct slice names_text(const struct names *names, uint32_t number)
{
    const struct name *const *by_number = (const struct name *const *) (const void *) names->by_number.at;
    assert(number < names->by_number.len / sizeof(struct name *));
    return slice_of(by_number[number]->text, by_number[number]->len);
}
