/* SPDX-License-Identifier: Apache-2.0
 * heap.h - an intrusive binary heap: waiting leads, agents with a card and
 * deadlines all stand in one. Removal from the middle costs O(log n). `before`
 * must be a total order, so that a run is repeatable. */
#ifndef TAKT_CORE_HEAP_H
#define TAKT_CORE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    uint32_t place;
}; /* 1 + index; 0 = in no heap */

struct heap {
    struct heap_node **at;
    uint32_t n, room;
    bool (*before)(const struct heap_node *a, const struct heap_node *b);
};

#define heap_entry(node, type, member) ((type *) (void *) ((char *) (node) -offsetof(type, member)))

void heap_init(struct heap *heap, bool (*before)(const struct heap_node *, const struct heap_node *));
void heap_fini(struct heap *heap);
void heap_add(struct heap *heap, struct heap_node *node);    /* not in a heap yet */
void heap_remove(struct heap *heap, struct heap_node *node); /* not in it: nothing happens */
struct heap_node *heap_take(struct heap *heap);              /* the first, removed; NULL when empty */
static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->n ? heap->at[0] : NULL;
}
static inline bool heap_has(const struct heap_node *node)
{
    return node->place != 0;
}

#endif
