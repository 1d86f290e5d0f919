/* SPDX-License-Identifier: Apache-2.0
 * forecast.c - when may something come for an agent who was told that there is
 * nothing? The earliest instant that is already known: a lead of its own falls due,
 * one that nobody may call yet may be called, a decline is forgiven. What sources
 * will send nobody knows, so it may come sooner; and who asks then may find that
 * another was quicker. Where thousands of leads wait, a part of them is looked at:
 * a forecast must cost no more than the answer it comes with. */
#include "core/core_private.h"

enum { LOOKS_MAX = 128 };

struct forecast {
    const struct core *core;
    const struct agent *agent;
    int64_t wait_ms; /* of the earliest so far; INT64_MAX = none */
};

static void may_come(struct forecast *forecast, int64_t wait_ms)
{
    if (wait_ms < 1)
        wait_ms = 1;
    if (wait_ms < forecast->wait_ms)
        forecast->wait_ms = wait_ms;
}

static int64_t left_ms(const struct core *core, const struct timer *timer)
{
    return timer->at_ms - (timer->appointment ? now_ms(core) : run_ms(core));
}

static void look_at_own(struct forecast *forecast)
{
    uint32_t looks = 0;
    for (const struct lead *lead = forecast->agent->held; lead && looks < LOOKS_MAX; lead = lead->held_next, looks++)
        if (lead->state == LEAD_PIPELINE && !lead->due)
            may_come(forecast, left_ms(forecast->core, &lead->timer));
}

/* A heap's first places hold its earliest, though not in order. */
static void look_at_held(struct forecast *forecast)
{
    const struct core *core = forecast->core;
    const struct heap *heap = &core->appointments;
    for (uint32_t i = 0; i < heap->n && i < LOOKS_MAX; i++) {
        const struct timer *timer = heap_entry(heap->at[i].node, const struct timer, node);
        enum reason why;
        if (timer->owner != TIMER_LEAD || left_ms(core, timer) >= forecast->wait_ms)
            continue;
        const struct lead *lead = heap_entry(timer, const struct lead, timer);
        if (lead->state == LEAD_HELD && lead->programme == forecast->agent->programme &&
            pair_allowed(core, lead, forecast->agent, &why))
            may_come(forecast, left_ms(core, timer));
    }
}

static uint32_t look_at_excluded(struct forecast *forecast, const struct heap *heap, uint32_t looks)
{
    const int64_t now = run_ms(forecast->core);
    for (uint32_t i = 0; i < heap->n && looks < LOOKS_MAX; i++, looks++) {
        const struct lead *lead = heap_entry(heap->at[i].node, const struct lead, place);
        const struct exclude *exclude = lead_excluded(lead, forecast->agent->index, now);
        if (exclude && exclude->until_ms < INT64_MAX)
            may_come(forecast, exclude->until_ms - now);
    }
    return looks;
}

uint32_t forecast_ms(struct core *core, const struct agent *agent)
{
    struct forecast forecast = {.core = core, .agent = agent, .wait_ms = INT64_MAX};
    struct pool *pools[POOLS_FOR_ONE];
    uint32_t looks = 0;
    look_at_own(&forecast);
    look_at_held(&forecast);
    const uint32_t n = allocate_pools_for(core, agent, pools);
    for (uint32_t i = 0; i < n; i++) {
        looks = look_at_excluded(&forecast, &pools[i]->waiting, looks);
        looks = look_at_excluded(&forecast, &pools[i]->passed, looks);
        for (struct aside *aside = pools[i]->asides; aside && looks < LOOKS_MAX; aside = aside->hh.next)
            looks = look_at_excluded(&forecast, &aside->leads, looks);
    }
    return forecast.wait_ms > UINT32_MAX ? 0 : (uint32_t) forecast.wait_ms;
}
