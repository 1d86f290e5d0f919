/* SPDX-License-Identifier: Apache-2.0
 * heap.h - an intrusive heap: waiting leads, agents with a card and deadlines all
 * stand in one. Removal from the middle costs O(log n). Keys of a heap must
 * differ, so that a run is repeatable.
 *
 * A key stands in the heap's array and not in what is ordered, and a node has
 * four children, not two: with a hundred thousand leads nearly every look at one
 * is a cache miss, and finding the least of four keys side by side is not. */
#ifndef TAKT_CORE_HEAP_H
#define TAKT_CORE_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct heap_node {
    uint32_t place;
}; /* 1 + index; 0 = in no heap */

struct heap_key { /* the smaller goes first; `second` where `first` is equal */
    int64_t first, second;
};

struct heap { /* all zero: empty */
    struct heap_item {
        struct heap_key key;
        struct heap_node *node;
    } * at;
    uint32_t n, room;
};

#define heap_entry(node, type, member) ((type *) (void *) ((char *) (node) -offsetof(type, member)))

void heap_fini(struct heap *heap);
void heap_add(struct heap *heap, struct heap_node *node, struct heap_key key);  /* not in a heap yet */
void heap_move(struct heap *heap, struct heap_node *node, struct heap_key key); /* in it: to another place */
void heap_remove(struct heap *heap, struct heap_node *node);                    /* not in it: nothing happens */
struct heap_node *heap_take(struct heap *heap); /* the first, removed; NULL when empty */
static inline struct heap_node *heap_first(const struct heap *heap)
{
    return heap->n ? heap->at[0].node : NULL;
}
static inline bool heap_has(const struct heap_node *node)
{
    return node->place != 0;
}
static inline bool heap_before(struct heap_key a, struct heap_key b)
{
    return a.first != b.first ? a.first < b.first : a.second < b.second;
}

#endif
