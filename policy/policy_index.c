/* SPDX-License-Identifier: Apache-2.0
 * policy_index.c - places by path. A policy of ten thousand rules has a hundred
 * thousand of them and asks for many, so they are sorted once and then searched. */
#include "policy/policy_index.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy_findings.h"

struct place {
    size_t path_at; /* in index->paths, which moves while it grows */
    uint32_t line, column;
};
struct policy_index {
    struct buf paths, places;
};

struct policy_index *policy_index_new(void)
{
    struct policy_index *index = calloc(1, sizeof *index);
    if (index == NULL)
        abort();
    return index;
}

void policy_index_free(struct policy_index **index_p)
{
    if (*index_p == NULL)
        return;
    buf_fini(&(*index_p)->paths);
    buf_fini(&(*index_p)->places);
    free(*index_p);
    *index_p = NULL;
}

void policy_index_add(struct policy_index *index, const char *path, uint32_t line, uint32_t column)
{
    const struct place place = {index->paths.len, line, column};
    buf_add(&index->paths, path, strlen(path) + 1);
    buf_add(&index->places, &place, sizeof place);
}

/* Of two that are alike the first counts. */
static int by_path(const void *a, const void *b, void *paths)
{
    const struct place *x = a, *y = b;
    const int order = strcmp((const char *) paths + x->path_at, (const char *) paths + y->path_at);
    return order != 0 ? order : (x->path_at > y->path_at) - (x->path_at < y->path_at);
}

void policy_index_end(struct policy_index *index)
{
    if (index->places.len > 0)
        qsort_r(index->places.at, index->places.len / sizeof(struct place), sizeof(struct place), by_path,
                index->paths.at);
}

static const struct place *find(const struct policy_index *index, const char *path)
{
    const struct place *places = (const struct place *) (const void *) index->places.at;
    size_t from = 0, to = index->places.len / sizeof *places;
    while (from < to) {
        const size_t middle = from + (to - from) / 2;
        if (strcmp((const char *) index->paths.at + places[middle].path_at, path) < 0)
            from = middle + 1;
        else
            to = middle;
    }
    const bool there = from < index->places.len / sizeof *places &&
                       strcmp((const char *) index->paths.at + places[from].path_at, path) == 0;
    return there ? &places[from] : NULL;
}

/* "a[1].b" -> "a[1]" -> "a" -> "". */
static void cut_last(char *path)
{
    char *dot = strrchr(path, '.'), *bracket = strrchr(path, '[');
    char *last = bracket > dot ? bracket : dot;
    *(last != NULL ? last : path) = '\0';
}

void policy_index_find(const struct policy_index *index, const char *path, uint32_t *ret_line, uint32_t *ret_column)
{
    char shorter[FINDING_PATH_MAX];
    const struct place *place = NULL;
    snprintf(shorter, sizeof shorter, "%s", path);
    while (index != NULL && (place = find(index, shorter)) == NULL && shorter[0] != '\0')
        cut_last(shorter);
    *ret_line = place != NULL ? place->line : 0;
    *ret_column = place != NULL ? place->column : 0;
}
