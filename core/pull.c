/* SPDX-License-Identifier: Apache-2.0
 * pull.c - what an agent sees of a lead, and when. Every offer leaves here: how
 * much of the row it shows is decided at this one place, and the encoder cuts it.
 *
 * Who previews may skip a few leads an hour. Each skip costs the credit and counts;
 * when they are used up leads come blind, and giving one back costs what it costs
 * anybody. So nobody can turn lead after lead over until a good one comes.
 *
 * Who chooses sees what is free, and nothing is kept for him meanwhile: a lead that
 * he takes is checked then, whatever the list said. */
#include "core/core_private.h"

enum { SKIPS_PERIOD_MS = 3600 * 1000, LIST_LOOKS_MAX = 64 };

void pull_show(struct core *core, struct lead *lead, const struct agent *agent, int64_t answer_ms)
{
    const enum see see = lead->state == LEAD_OFFERED ? (enum see) programme_of(core, lead->programme)->see : SEE_FULL;
    lead->masked = see != SEE_FULL;
    effects_offer(core->effects, agent->peer,
                  &(struct offer){.lead = lead->id,
                                  .fence = lead->fence,
                                  .state = lead->state,
                                  .valid_seq = agent->heard_seq,
                                  .valid_ms = (uint32_t) core->policy.lease_ms,
                                  .attempts = lead->attempts,
                                  .score = lead_score(lead),
                                  .answer_ms = (uint32_t) (answer_ms > 0 ? answer_ms : 0),
                                  .see = see,
                                  .row = slice_of(lead->raw, lead->raw_len)});
}

static uint32_t skips_left(const struct core *core, const struct agent *agent)
{
    const uint32_t most = programme_of(core, agent->programme)->skips_max;
    const uint32_t used = run_ms(core) - agent->skips_since_ms < SKIPS_PERIOD_MS ? agent->skips : 0;
    return used < most ? most - used : 0;
}

bool pull_previews(const struct core *core, const struct agent *agent)
{
    return programme_of(core, agent->programme)->pull == PULL_PREVIEW && skips_left(core, agent) > 0;
}

bool pull_skip(struct core *core, struct agent *agent)
{
    if (!agent_earns(core, agent) || !pull_previews(core, agent))
        return false;
    if (agent->skips == 0 || run_ms(core) - agent->skips_since_ms >= SKIPS_PERIOD_MS) {
        agent->skips = 0;
        agent->skips_since_ms = run_ms(core);
    }
    agent->skips++;
    agent_touch(core, agent);
    return true;
}

/* ---- choosing ------------------------------------------------------------------------------- */

static bool may_take(const struct core *core, const struct lead *lead, const struct agent *agent, enum reason *ret_why)
{
    if (!pair_allowed(core, lead, agent, ret_why))
        return false;
    if (calling_closed(core, lead))
        *ret_why = REASON_LEAD_OUT_OF_HOURS;
    return *ret_why == REASON_OK;
}

struct list {
    struct lead *leads[CANDIDATES_MAX];
    uint32_t n, want;
};

/* The first of a heap in its order, among what is on the list from `from` on. */
static void list_heap(struct core *core, const struct agent *agent, struct heap *heap, uint32_t from, struct list *list)
{
    struct lead *looked_at[LIST_LOOKS_MAX];
    uint32_t n = 0;
    for (struct heap_node *node; n < LIST_LOOKS_MAX && (node = heap_take(heap)); n++) {
        struct lead *lead = looked_at[n] = heap_entry(node, struct lead, place);
        const struct heap_key key = lead_key(core, lead);
        const bool full = list->n == list->want;
        enum reason why;
        if (full && (from == list->n || !heap_before(key, lead_key(core, list->leads[list->n - 1])))) {
            n++;
            break; /* nor does one that comes behind it */
        }
        if (!may_take(core, lead, agent, &why))
            continue;
        uint32_t at = full ? list->n - 1 : list->n++;
        for (; at > from && heap_before(key, lead_key(core, list->leads[at - 1])); at--)
            list->leads[at] = list->leads[at - 1];
        list->leads[at] = lead;
    }
    for (uint32_t i = 0; i < n; i++)
        heap_add(heap, &looked_at[i]->place, lead_key(core, looked_at[i]));
}

void pull_list(struct core *core, struct agent *agent, const struct msg_agent_says *says)
{
    struct ready_result result = {.op = says->ready_op};
    struct pool *pools[POOLS_FOR_ONE];
    struct list list = {.want = says->ready_list};
    const bool ready = agent->ready;
    agent->ready = true; /* what would be answered to a Ready of one who asks for any? */
    const uint32_t cards = agent_cards(core, agent, &result.reason, &result.lead);
    agent->ready = ready;
    const bool chooses = programme_of(core, agent->programme)->pull == PULL_CHOOSE;
    const uint32_t n = cards && chooses ? allocate_pools_for(core, agent, pools) : 0;
    if (cards && !chooses)
        result.reason = REASON_NO_CHOICE;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t from = list.n;
        if (allocate_is_upstream(core, pools[i]))
            continue;
        list_heap(core, agent, &pools[i]->waiting, from, &list);
        list_heap(core, agent, &pools[i]->passed, from, &list);
        for (struct aside *aside = pools[i]->asides; aside; aside = aside->hh.next)
            if (aside_is_for(core, aside, agent))
                list_heap(core, agent, &aside->leads, from, &list);
    }
    for (uint32_t i = 0; i < list.n; i++) {
        const struct lead *lead = list.leads[i];
        effects_candidate(core->effects, agent->peer,
                          &(struct offer){.lead = lead->id,
                                          .state = lead->state,
                                          .attempts = lead->attempts,
                                          .see = (enum see) programme_of(core, lead->programme)->see,
                                          .row = slice_of(lead->raw, lead->raw_len)});
    }
    if (result.reason == REASON_OK && list.n == 0) {
        result.reason = REASON_NO_LEAD;
        result.wait_ms = forecast_ms(core, agent);
    }
    effects_ready(core->effects, agent->peer, &result);
}

enum reason pull_take(struct core *core, struct agent *agent, struct id id)
{
    struct lead *lead = leads_find(core, id);
    enum reason why;
    if (programme_of(core, agent->programme)->pull != PULL_CHOOSE)
        return REASON_NO_CHOICE;
    if (!lead || lead->state != LEAD_POOLED) /* what is not here, and what is somebody's, look the same */
        return REASON_LEAD_TAKEN;
    const struct pool *pool = pool_of(core, lead);
    if (allocate_is_upstream(core, pool) || !allocate_in_scope(core, pool, agent))
        return REASON_NOT_IN_POOL;
    if (!may_take(core, lead, agent, &why))
        return why;
    if (allocate_free_slots(core, agent, pool->ring) == 0) /* a request has its slot, for the moment */
        return REASON_BUSY;
    verdict_chosen(core, lead, agent);
    return REASON_OK;
}
