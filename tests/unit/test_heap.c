/* SPDX-License-Identifier: Apache-2.0
 * test_heap.c - the heap under waiting leads, cards and deadlines, against a plain
 * array that is searched: adding, moving, taking the first, removing from the middle. */
#include "core/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdlib.h>

enum { ITEMS = 300, STEPS = 20000 };

struct item {
    struct heap_node node;
    uint32_t rank, number; /* rank may be shared: number makes the order total */
};

static struct heap_key key_of(const struct item *item)
{
    return (struct heap_key){item->rank, item->number};
}

static uint32_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t) (*seed >> 33);
}

static const struct item *first_by_search(const struct item items[ITEMS])
{
    const struct item *first = NULL;
    for (int i = 0; i < ITEMS; i++)
        if (heap_has(&items[i].node) && (!first || heap_before(key_of(&items[i]), key_of(first))))
            first = &items[i];
    return first;
}

static void any_mix_of_adding_moving_taking_and_removing_keeps_the_order(void **state)
{
    (void) state;
    static struct item items[ITEMS];
    struct heap heap = {0};
    uint64_t seed = 7;
    uint32_t n = 0;
    for (int step = 0; step < STEPS; step++) {
        struct item *item = &items[next_random(&seed) % ITEMS];
        if (!heap_has(&item->node)) {
            *item = (struct item){.rank = next_random(&seed) % 50, .number = (uint32_t) (item - items)};
            heap_add(&heap, &item->node, key_of(item));
            n++;
        } else if (next_random(&seed) % 2) {
            item->rank = next_random(&seed) % 50;
            heap_move(&heap, &item->node, key_of(item));
        } else if (next_random(&seed) % 3) {
            heap_remove(&heap, &item->node);
            assert_false(heap_has(&item->node));
            n--;
        } else {
            const struct item *first = first_by_search(items);
            assert_ptr_equal(heap_entry(heap_take(&heap), struct item, node), first);
            assert_false(heap_has(&first->node));
            n--;
        }
        assert_int_equal(heap.n, n);
        const struct item *first = first_by_search(items);
        assert_ptr_equal(heap_first(&heap), first ? &first->node : NULL);
    }
    uint32_t last = 0;
    for (struct heap_node *node; (node = heap_take(&heap)); n--) {
        assert_true(heap_entry(node, struct item, node)->rank >= last);
        last = heap_entry(node, struct item, node)->rank;
    }
    assert_int_equal(n, 0);
    heap_fini(&heap);
}

static void taking_from_an_empty_heap_gives_nothing(void **state)
{
    (void) state;
    struct heap heap = {0};
    assert_null(heap_first(&heap));
    assert_null(heap_take(&heap));
    heap_fini(&heap);
}

static void removing_what_is_in_no_heap_changes_nothing(void **state)
{
    (void) state;
    struct heap heap = {0};
    struct item in = {.rank = 1}, out = {.rank = 0};
    heap_add(&heap, &in.node, key_of(&in));
    heap_remove(&heap, &out.node);
    assert_int_equal(heap.n, 1);
    assert_ptr_equal(heap_take(&heap), &in.node);
    heap_fini(&heap);
}

static void a_heap_may_be_used_again_after_its_end(void **state)
{
    (void) state;
    struct heap heap = {0};
    struct item item = {.rank = 1};
    heap_add(&heap, &item.node, key_of(&item));
    heap_remove(&heap, &item.node);
    heap_fini(&heap);
    heap_add(&heap, &item.node, key_of(&item));
    assert_ptr_equal(heap_first(&heap), &item.node);
    heap_fini(&heap);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_mix_of_adding_moving_taking_and_removing_keeps_the_order),
        cmocka_unit_test(taking_from_an_empty_heap_gives_nothing),
        cmocka_unit_test(removing_what_is_in_no_heap_changes_nothing),
        cmocka_unit_test(a_heap_may_be_used_again_after_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
