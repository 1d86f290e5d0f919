/* SPDX-License-Identifier: Apache-2.0
 * heap.c - see heap.h. */
#include "core/heap.h"

#include <assert.h>
#include <stdlib.h>

static void put(struct heap *heap, uint32_t i, struct heap_node *node)
{
    heap->at[i] = node;
    node->place = i + 1;
}

static void rise(struct heap *heap, uint32_t i, struct heap_node *node)
{
    while (i > 0 && heap->before(node, heap->at[(i - 1) / 2])) {
        put(heap, i, heap->at[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    put(heap, i, node);
}

static void sink(struct heap *heap, uint32_t i, struct heap_node *node)
{
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= heap->n)
            break;
        if (child + 1 < heap->n && heap->before(heap->at[child + 1], heap->at[child]))
            child++;
        if (!heap->before(heap->at[child], node))
            break;
        put(heap, i, heap->at[child]);
        i = child;
    }
    put(heap, i, node);
}

void heap_init(struct heap *heap, bool (*before)(const struct heap_node *, const struct heap_node *))
{
    *heap = (struct heap){.before = before};
}

void heap_fini(struct heap *heap)
{
    free(heap->at);
    heap->at = NULL;
    heap->n = heap->room = 0;
}

void heap_add(struct heap *heap, struct heap_node *node)
{
    assert(node->place == 0);
    if (heap->n == heap->room) {
        heap->room = heap->room ? heap->room * 2 : 16;
        heap->at = realloc(heap->at, heap->room * sizeof(struct heap_node *));
        assert(heap->at);
    }
    rise(heap, heap->n++, node);
}

void heap_remove(struct heap *heap, struct heap_node *node)
{
    if (node->place == 0)
        return;
    const uint32_t i = node->place - 1;
    assert(i < heap->n && heap->at[i] == node);
    struct heap_node *last = heap->at[--heap->n];
    node->place = 0;
    if (last == node)
        return;
    if (i > 0 && heap->before(last, heap->at[(i - 1) / 2]))
        rise(heap, i, last);
    else
        sink(heap, i, last);
}

struct heap_node *heap_take(struct heap *heap)
{
    struct heap_node *node = heap_first(heap);
    if (node)
        heap_remove(heap, node);
    return node;
}
