/* SPDX-License-Identifier: Apache-2.0
 * policy_names.c - a sorted list of names. */
#include "policy/policy_names.h"

#include <stdlib.h>
#include <string.h>

#include "policy/policy_near.h"

static const struct name *list_of(const struct names *names, size_t *ret_n)
{
    *ret_n = names->list.len / sizeof(struct name);
    return (const struct name *) (const void *) names->list.at;
}

void names_add(struct names *names, struct name name)
{
    buf_add(&names->list, &name, sizeof name);
}

static int by_text(const struct name *x, uint32_t group, const char *text)
{
    return x->group != group ? (x->group > group) * 2 - 1 : strcmp(x->text, text);
}

static int by_name(const void *a, const void *b)
{
    const struct name *x = a, *y = b;
    const int order = by_text(x, y->group, y->text);
    if (order != 0)
        return order;
    return x->kind != y->kind ? (x->kind > y->kind) * 2 - 1 : (x->index > y->index) - (x->index < y->index);
}

void names_end(struct names *names)
{
    if (names->list.len > 0)
        qsort(names->list.at, names->list.len / sizeof(struct name), sizeof(struct name), by_name);
}

void names_fini(struct names *names)
{
    buf_fini(&names->list);
}

const struct name *names_find(const struct names *names, uint32_t group, const char *text, uint32_t *ret_n)
{
    size_t n, from = 0;
    const struct name *at = list_of(names, &n);
    for (size_t to = n; from < to;) {
        const size_t middle = from + (to - from) / 2;
        if (by_text(&at[middle], group, text) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    *ret_n = 0;
    while (from + *ret_n < n && by_text(&at[from + *ret_n], group, text) == 0)
        ++*ret_n;
    return *ret_n > 0 ? &at[from] : NULL;
}

const char *names_hint(const struct policy_findings *findings, const struct names *names, uint32_t group,
                       const char *text, char ret_text[64])
{
    struct near near = {0};
    size_t n;
    const struct name *at = list_of(names, &n);
    for (size_t i = 0; i < n && findings->n < FINDINGS_MAX; i++)
        if (at[i].group == group)
            near_try(&near, text, at[i].text);
    return near_hint(&near, ret_text);
}
