/* SPDX-License-Identifier: Apache-2.0
 * heap.c - see heap.h. */
#include "core/heap.h"

#include <assert.h>
#include <stdlib.h>

enum { CHILDREN = 4 };

static void put(struct heap *heap, uint32_t i, struct heap_item item)
{
    heap->at[i] = item;
    item.node->place = i + 1;
}

static void rise(struct heap *heap, uint32_t i, struct heap_item item)
{
    while (i > 0 && heap_before(item.key, heap->at[(i - 1) / CHILDREN].key)) {
        put(heap, i, heap->at[(i - 1) / CHILDREN]);
        i = (i - 1) / CHILDREN;
    }
    put(heap, i, item);
}

static void sink(struct heap *heap, uint32_t i, struct heap_item item)
{
    for (;;) {
        const uint32_t child = CHILDREN * i + 1, end = heap->n - child < CHILDREN ? heap->n : child + CHILDREN;
        if (child >= heap->n)
            break;
        uint32_t least = child;
        for (uint32_t other = child + 1; other < end; other++)
            if (heap_before(heap->at[other].key, heap->at[least].key))
                least = other;
        if (!heap_before(heap->at[least].key, item.key))
            break;
        put(heap, i, heap->at[least]);
        i = least;
    }
    put(heap, i, item);
}

static void settle(struct heap *heap, uint32_t i, struct heap_item item)
{
    if (i > 0 && heap_before(item.key, heap->at[(i - 1) / CHILDREN].key))
        rise(heap, i, item);
    else
        sink(heap, i, item);
}

void heap_fini(struct heap *heap)
{
    free(heap->at);
    *heap = (struct heap){0};
}

void heap_add(struct heap *heap, struct heap_node *node, struct heap_key key)
{
    assert(node->place == 0);
    if (heap->n == heap->room) {
        heap->room = heap->room ? heap->room * 2 : 16;
        heap->at = realloc(heap->at, heap->room * sizeof *heap->at);
        assert(heap->at);
    }
    rise(heap, heap->n++, (struct heap_item){key, node});
}

void heap_move(struct heap *heap, struct heap_node *node, struct heap_key key)
{
    assert(node->place > 0 && node->place <= heap->n && heap->at[node->place - 1].node == node);
    settle(heap, node->place - 1, (struct heap_item){key, node});
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (node->place == 0)
        return;
    const uint32_t i = node->place - 1;
    assert(i < heap->n && heap->at[i].node == node);
    const struct heap_item last = heap->at[--heap->n];
    node->place = 0;
    if (last.node != node)
        settle(heap, i, last);
}

struct heap_node *heap_take(struct heap *heap)
{
    struct heap_node *node = heap_first(heap);
    if (node)
        heap_remove(heap, node);
    return node;
}
