/* SPDX-License-Identifier: Apache-2.0
 * aside.c - leads that nobody with a card may have. Who decides that is window.c;
 * which agents are asked about them again, and when, allocate.c.
 *
 * Where a hundred thousand leads wait for the few who are licensed for them, they
 * must cost the others nothing. So they stand in groups by kind: what filters,
 * licences and budgets say of one, they say of all of its kind. A group is closed
 * while nobody with a card may have its leads; then another of its kind joins it
 * unasked. An agent who comes free opens those it may have: one look a group, and
 * no lead is moved. What is kept from people one by one, by exclusions, stands
 * beside them each by itself. */
#include "core/core_private.h"

#include <stdlib.h>

static struct lead *lead_of(const struct heap_node *node)
{
    return heap_entry(node, struct lead, place);
}

/* ---- groups ------------------------------------------------------------------------ */

static struct aside *make(struct core *core, struct pool *pool, uint64_t kind)
{
    struct aside *aside = core->free_asides;
    if (aside) {
        core->free_asides = aside->next;
    } else {
        core->asides = reallocarray(core->asides, (size_t) core->n_asides + 1, sizeof aside);
        aside = calloc(1, sizeof *aside);
        assert(core->asides && aside);
        aside->index = core->n_asides;
        core->asides[core->n_asides++] = aside;
    }
    aside->kind = kind;
    HASH_ADD(hh, pool->asides, kind, sizeof kind, aside);
    return aside;
}

static void unmake(struct core *core, struct pool *pool, struct aside *aside)
{
    heap_remove(&pool->open, &aside->open);
    heap_fini(&aside->leads);
    HASH_DEL(pool->asides, aside);
    aside->next = core->free_asides;
    core->free_asides = aside;
}

static void add(struct core *core, struct pool *pool, struct aside *aside, struct lead *lead)
{
    heap_remove(&pool->waiting, &lead->place);
    heap_add(&aside->leads, &lead->place, lead_key(core, lead));
    lead->aside = aside->index + 1;
}

/* Its first lead is another, or none is left. */
static void follow(struct core *core, struct pool *pool, struct aside *aside)
{
    if (aside->leads.n == 0)
        unmake(core, pool, aside);
    else if (heap_has(&aside->open))
        heap_move(&pool->open, &aside->open, aside->leads.at[0].key);
}

bool aside_is_for(const struct core *core, const struct aside *aside, const struct agent *agent)
{
    struct pair_lead pair;
    pair_begin(core, lead_of(heap_first(&aside->leads)), &pair);
    return pair_kind(core, &pair, agent) == REASON_OK;
}

/* ---- one lead ------------------------------------------------------------------------ */

const struct lead *aside_front(const struct pool *pool)
{
    const struct heap_item *first = aside_first_item(pool);
    for (const struct aside *aside = pool->asides; aside; aside = aside->hh.next)
        if (!first || heap_before(aside->leads.at[0].key, first->key))
            first = aside->leads.at;
    if (!first && pool->passed.n)
        first = pool->passed.at;
    return first ? lead_of(first->node) : NULL;
}

void aside_forsake(struct core *core, struct pool *pool, struct lead *lead)
{
    struct aside *aside = core->asides[lead->aside - 1];
    heap_remove(&aside->leads, &lead->place);
    lead->aside = 0;
    follow(core, pool, aside);
}

void aside_moved(struct core *core, struct pool *pool, struct lead *lead)
{
    struct aside *aside = lead->aside ? core->asides[lead->aside - 1] : NULL;
    heap_move(aside          ? &aside->leads
              : lead->passed ? &pool->passed
                             : &pool->waiting,
              &lead->place, lead_key(core, lead));
    if (aside)
        follow(core, pool, aside);
}

bool aside_join(struct core *core, struct pool *pool, struct lead *lead)
{
    struct aside *aside = NULL;
    if (lead->aside || !pool->asides)
        return false;
    const uint64_t kind = pair_kind_of(core, lead);
    HASH_FIND(hh, pool->asides, &kind, sizeof kind, aside);
    if (!aside || heap_has(&aside->open))
        return false;
    add(core, pool, aside, lead);
    return true;
}

void aside_kind(struct core *core, struct pool *pool, struct lead *lead)
{
    struct aside *aside = lead->aside ? core->asides[lead->aside - 1] : NULL;
    if (!aside) {
        const uint64_t kind = pair_kind_of(core, lead);
        HASH_FIND(hh, pool->asides, &kind, sizeof kind, aside);
        if (!aside)
            aside = make(core, pool, kind);
        add(core, pool, aside, lead);
    }
    heap_remove(&pool->open, &aside->open);
}

/* What an exclusion keeps waiting is tried again when it is over. */
static void watch(struct core *core, struct pool *pool, const struct lead *lead)
{
    for (uint32_t i = 0; i < lead->n_excludes; i++) {
        const int64_t until_ms = lead->excludes[i].until_ms;
        if (until_ms > run_ms(core) && until_ms < INT64_MAX &&
            (!heap_has(&pool->timer.node) || until_ms < pool->timer.at_ms))
            core_arm(core, &pool->timer, until_ms, false);
    }
}

void aside_pass(struct core *core, struct pool *pool, struct lead *lead)
{
    if (heap_has(&lead->place))
        aside_leave(core, pool, lead);
    lead->passed = true;
    heap_add(&pool->passed, &lead->place, lead_key(core, lead));
    watch(core, pool, lead);
}

/* ---- back ------------------------------------------------------------------------------- */

static void wait_again(struct core *core, struct pool *pool, struct lead *lead)
{
    aside_leave(core, pool, lead);
    lead->passed = false;
    heap_add(&pool->waiting, &lead->place, lead_key(core, lead));
}

void aside_open(struct core *core, struct pool *pool, const struct agent *agent)
{
    for (struct aside *aside = pool->asides; aside; aside = aside->hh.next)
        if (!heap_has(&aside->open) && aside_is_for(core, aside, agent))
            heap_add(&pool->open, &aside->open, aside->leads.at[0].key);
    if (aside_any(pool))
        allocate_mark(core, pool);
}

typedef bool wanted_fn(struct core *core, const struct lead *lead, const void *by);

/* Those of the single ones that are wanted back. */
static void take_back(struct core *core, struct pool *pool, wanted_fn *is_wanted, const void *by)
{
    struct buf found = {0};
    for (uint32_t i = 0; i < pool->passed.n; i++) {
        struct lead *lead = lead_of(pool->passed.at[i].node);
        if (is_wanted(core, lead, by))
            buf_add(&found, &lead, sizeof(struct lead *));
    }
    struct lead *const *leads = (struct lead *const *) (const void *) found.at;
    for (size_t i = 0; i < found.len / sizeof(struct lead *); i++)
        wait_again(core, pool, leads[i]);
    buf_fini(&found);
    if (aside_any(pool))
        allocate_mark(core, pool);
}

static bool is_allowed(struct core *core, const struct lead *lead, const void *by)
{
    enum reason why;
    return pair_allowed(core, lead, by, &why);
}

void aside_look(struct core *core, struct pool *pool, const struct agent *agent)
{
    aside_open(core, pool, agent);
    if (pool->passed.n)
        take_back(core, pool, is_allowed, agent);
}

void aside_retry(struct core *core, struct pool *pool)
{
    while (pool->passed.n)
        wait_again(core, pool, lead_of(heap_first(&pool->passed)));
    if (aside_any(pool))
        allocate_mark(core, pool);
}

static bool is_over(struct core *core, const struct lead *lead, const void *by)
{
    const int64_t *since_ms = by;
    for (uint32_t i = 0; i < lead->n_excludes; i++)
        if (lead->excludes[i].until_ms >= *since_ms && lead->excludes[i].until_ms <= run_ms(core))
            return true;
    return false;
}

void aside_due(struct core *core, struct pool *pool)
{
    const int64_t since_ms = pool->timer.at_ms;
    take_back(core, pool, is_over, &since_ms);
    for (uint32_t i = 0; i < pool->passed.n; i++)
        watch(core, pool, lead_of(pool->passed.at[i].node));
}

void aside_end(struct core *core, struct pool *pool)
{
    while (pool->asides)
        wait_again(core, pool, lead_of(heap_first(&pool->asides->leads)));
    aside_retry(core, pool);
}

void aside_fini(struct core *core, struct pool *pool)
{
    while (pool->asides)
        unmake(core, pool, pool->asides);
    heap_fini(&pool->open);
    heap_fini(&pool->waiting);
    heap_fini(&pool->passed);
}

void aside_forget(struct core *core)
{
    for (uint32_t i = 0; i < core->n_asides; i++)
        free(core->asides[i]);
    free(core->asides);
}
