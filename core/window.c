/* SPDX-License-Identifier: Apache-2.0
 * window.c - a window is what is decided at once: the first leads of a pool and the
 * agents with a card who have been free the longest. Which pool, and who decides,
 * is allocate.c; what becomes of the answer, verdicts.c.
 *
 * Where filters or licences stand between leads and agents, the first of each may
 * have nothing to do with one another. Then the window is for the first lead: the
 * agents are those who may have it, and further leads those that one of them may. */
#include "core/core_private.h"
#include "core/snapshot.h"

#include <stdlib.h>

enum { DUE_PER_AGENT = 8, UNFIT_MAX = 256 };

static void mark_as_short(struct core *core, struct pool *pool, bool is_short)
{
    if (is_short && !pool->short_of)
        core->short_pools[core->n_short_pools++] = pool;
    pool->short_of |= is_short;
}

static struct ask *ask_new(struct core *core, const struct pool *pool)
{
    for (uint32_t i = 0;; i++) {
        assert(i < ASKS_MAX); /* worker_pick() lends no more than there are */
        if (!core->asks[i] && !(core->asks[i] = calloc(1, sizeof(struct ask))))
            abort();
        struct ask *ask = core->asks[i];
        if (ask->id)
            continue;
        ask->id = core->epoch << 40 | ++core->ask_id;
        core->n_asks++;
        ask->pool = (struct pool *) pool;
        ask->programme = pool->programme;
        ask->strategy = (uint8_t) programme_of(core, pool->programme)->strategy;
        ask->rotation = core->programmes[pool->programme].rotation;
        ask->worker = NONE;
        ask->built_us = core->now_us;
        ask->asked_us = 0;
        ask->n_leads = ask->n_agents = ask->n_excluded = 0;
        ask->timer.owner = TIMER_ASK;
        return ask;
    }
}

struct ask *window_ask_of(struct core *core, uint64_t id)
{
    for (uint32_t i = 0; i < ASKS_MAX; i++)
        if (core->asks[i] && core->asks[i]->id == id)
            return core->asks[i];
    return NULL;
}

/* Where the agent stands among others, as the window's strategy counts it. A weighted
 * turn from long ago is one lead owed, and no more: absence is made up for by nobody. */
static uint64_t turn_of(const struct ask *ask, const struct agent *agent)
{
    const uint64_t step = turn_step(agent->weight);
    if (ask->strategy == STRATEGY_TOP_DOWN)
        return agent->list_place;
    if (ask->strategy != STRATEGY_WEIGHTED_ROUND_ROBIN)
        return agent->index + 1;
    return ask->rotation > step && agent->turn < ask->rotation - step ? ask->rotation - step : agent->turn;
}

static void add_agent(struct ask *ask, struct agent *agent, uint32_t free)
{
    const uint32_t i = ask->n_agents++;
    agent->in_ask = ask->id;
    agent->ask_place = i;
    ask->agents[i] = agent->index;
    ask->slots[i] = free;
    const int64_t since_us = strategy_keeps(ask->strategy) == KEEPS_GIVEN ? agent->served_us : agent->queue_us;
    ask->request_agents[i] = (struct request_agent){.open = agent_open(agent),
                                                    .idle_ms = snapshot_age_ms(since_us, ask->built_us),
                                                    .weight = agent->weight,
                                                    .turn = turn_of(ask, agent),
                                                    .won = agent->won,
                                                    .closed = agent->closed,
                                                    .n_skills = agent->n_skills,
                                                    .skills = agent->skills};
}

void window_end(struct core *core, struct ask *ask)
{
    core_disarm(core, &ask->timer);
    ask->id = 0;
    core->n_asks--;
}

static bool exclude(struct ask *ask, const struct agent *agent, enum reason why)
{
    if (ask->n_excluded == ASK_EXCLUDED_MAX)
        return false;
    ask->excluded_why[ask->n_excluded] = (uint16_t) why;
    ask->excluded[ask->n_excluded++] = (struct exclusion){(uint16_t) ask->n_leads, (uint16_t) agent->ask_place};
    return true;
}

/* Returns false when there is no room for what keeps this lead from the window's agents. */
static bool add_exclusions(const struct core *core, struct ask *ask, const struct lead *lead)
{
    const uint32_t before = ask->n_excluded;
    bool room = true;
    for (uint32_t e = 0; e < lead->n_excludes && room; e++) {
        const struct agent *agent = core->agents[lead->excludes[e].agent];
        if (!agent || agent->in_ask != ask->id || lead->excludes[e].until_ms <= run_ms(core))
            continue;
        room = exclude(ask, agent, lead->excludes[e].reason);
    }
    if (pair_has_rules(core, lead->programme) && room) {
        struct pair_lead pair;
        pair_begin(core, lead, &pair);
        ask->n_excluded = before; /* those above are among these */
        for (uint32_t i = 0; i < ask->n_agents && room; i++) {
            enum reason why;
            if (!pair_may(core, &pair, core->agents[ask->agents[i]], &why))
                room = exclude(ask, core->agents[ask->agents[i]], why);
        }
    }
    if (!room)
        ask->n_excluded = before;
    return room;
}

enum added { ADDED, UNFIT, FULL };

static enum added add_lead(struct core *core, struct ask *ask, struct lead *lead, uint32_t only_agent)
{
    const uint32_t excluded_from = ask->n_excluded;
    if (ask->n_leads == ASK_LEADS_MAX || !add_exclusions(core, ask, lead))
        return FULL;
    if (ask->fitted && !only_agent && ask->n_excluded - excluded_from == ask->n_agents) {
        ask->n_excluded = excluded_from;
        return UNFIT;
    }
    ask->excluded_from[ask->n_leads] = excluded_from;
    lead->ask = ask->id;
    lead->met_free = lead->pooled_us > pool_of(core, lead)->dry_us;
    ask->leads[ask->n_leads] = lead;
    ask->request_leads[ask->n_leads++] =
        (struct request_lead){.age_ms = snapshot_age_ms(lead->received_us, ask->built_us),
                              .attempts = lead->attempts,
                              .priority = lead->priority,
                              .value_cents = lead->value_cents,
                              .only_agent = only_agent,
                              .n_features = lead->n_features,
                              .features = lead->features};
    return ADDED;
}

struct due {
    struct lead *lead;
    struct heap_key key;
};

/* The due leads of the window's agents, in the order of its pool. */
static uint32_t gather_due(struct core *core, const struct ask *ask, struct due due[ASK_LEADS_MAX])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < ask->n_agents; i++) {
        const struct agent *agent = core->agents[ask->agents[i]];
        uint32_t own = 0;
        for (struct lead *lead = agent->due ? agent->held : NULL; lead && own < DUE_PER_AGENT; lead = lead->held_next) {
            if (lead->state != LEAD_PIPELINE || !lead->due || lead->ask || n == ASK_LEADS_MAX ||
                calling_closed(core, lead))
                continue;
            const struct heap_key key = lead_key_in(core, ask->pool, lead);
            uint32_t at = n++;
            for (; at > 0 && heap_before(key, due[at - 1].key); at--)
                due[at] = due[at - 1];
            due[at] = (struct due){lead, key};
            own++;
        }
    }
    return n;
}

/* New and due leads in one ranking: what decides may go by it. */
static void add_leads(struct core *core, struct ask *ask, struct pool *pool, uint64_t want)
{
    struct due due[ASK_LEADS_MAX];
    struct lead *unfit[UNFIT_MAX];
    const uint32_t n_due = gather_due(core, ask, due);
    uint32_t n_unfit = 0;
    for (uint32_t at = 0;;) {
        const struct heap_item *item = ask->n_leads < want && n_unfit < UNFIT_MAX ? aside_first_item(pool) : NULL;
        if (at < n_due && (!item || heap_before(due[at].key, item->key))) {
            if (add_lead(core, ask, due[at].lead, core->agents[due[at].lead->owner]->ask_place + 1) != ADDED)
                break;
            at++;
            continue;
        }
        struct lead *lead = item ? heap_entry(item->node, struct lead, place) : NULL;
        if (lead && calling_hold(core, lead))
            continue;
        const enum added added = lead ? add_lead(core, ask, lead, 0) : FULL;
        if (added == FULL)
            break;
        aside_leave(core, pool, lead);
        if (added == UNFIT)
            unfit[n_unfit++] = lead;
    }
    for (uint32_t i = 0; i < n_unfit; i++)
        heap_add(&pool->waiting, &unfit[i]->place, lead_key(core, unfit[i]));
}

static void lend(struct core *core, struct ask *ask)
{
    for (uint32_t i = 0; i < ask->n_agents; i++) {
        struct agent *agent = core->agents[ask->agents[i]];
        if (ask->slots[i] > ask->n_leads)
            ask->slots[i] = ask->n_leads;
        ask->request_agents[i].slots = ask->slots[i];
        agent->lent += ask->slots[i];
        agent_update(core, agent);
    }
}

/* ---- where not everybody may have everything -------------------------------------------------- */

/* Of those with a card who may have the lead, the first by their place. *ret_of_kind: and if nobody may, because it is
 * of its kind. */
static uint32_t who_fits(struct core *core, const struct pool *pool, const struct lead *lead,
                         struct agent *ret[ASK_AGENTS_MAX], bool *ret_of_kind)
{
    const struct heap *cards = pool_cards(core, pool);
    struct pair_lead pair;
    struct heap_key keys[ASK_AGENTS_MAX];
    uint32_t n = 0;
    pair_begin(core, lead, &pair);
    *ret_of_kind = true;
    for (uint32_t i = 0; i < cards->n; i++) {
        enum reason why;
        const struct heap_key key = cards->at[i].key;
        if (n == ASK_AGENTS_MAX && !heap_before(key, keys[n - 1]))
            continue;
        if (!pair_may(core, &pair, agent_at(cards->at[i].node), &why)) {
            *ret_of_kind &= pair_is_of_kind(why);
            continue;
        }
        uint32_t at = n < ASK_AGENTS_MAX ? n++ : n - 1;
        for (; at > 0 && heap_before(key, keys[at - 1]); at--) {
            keys[at] = keys[at - 1];
            ret[at] = ret[at - 1];
        }
        keys[at] = key;
        ret[at] = agent_at(cards->at[i].node);
    }
    return n;
}

/* The first lead that somebody may have, and who; 0 = there is none, and all stand aside. */
static uint32_t fit(struct core *core, struct pool *pool, struct agent *only, struct agent *ret[ASK_AGENTS_MAX])
{
    for (struct lead *lead; (lead = aside_first(pool));) {
        enum reason why;
        bool of_kind;
        if (calling_hold(core, lead) || aside_join(core, pool, lead))
            continue;
        ret[0] = only;
        const uint32_t n = only ? pair_allowed(core, lead, only, &why) : who_fits(core, pool, lead, ret, &of_kind);
        if (n > 0)
            return n;
        if (only ? pair_is_of_kind(why) : of_kind)
            aside_kind(core, pool, lead);
        else
            aside_pass(core, pool, lead);
    }
    return 0;
}

/* ---- the window ------------------------------------------------------------------------------------ */

static uint64_t add_agents(struct core *core, struct ask *ask, struct agent *const *agents, uint32_t n)
{
    struct heap *cards = pool_cards(core, ask->pool);
    uint64_t total = 0;
    while (ask->n_agents < ASK_AGENTS_MAX && (agents ? ask->n_agents < n : cards->n > 0)) {
        struct agent *agent = agents ? agents[ask->n_agents] : agent_at(heap_first(cards));
        const uint32_t free = allocate_free_slots(core, agent, ask->pool->ring);
        if (!agents)
            heap_remove(cards, heap_first(cards)); /* agent_update() in lend() puts it back */
        if (free || agents)
            add_agent(ask, agent, ask->of_one ? agent_free_due(core, agent, ask->pool->ring) : free);
        total += free;
    }
    return total;
}

struct ask *window_build(struct core *core, struct pool *pool, struct agent *only)
{
    struct agent *agents[ASK_AGENTS_MAX] = {only};
    const bool own = pool->ring == RING_AGENT, fitted = own || (!only && pair_has_rules(core, pool->programme));
    mark_as_short(core, pool, !own && pool_scope(core, pool)->lent > 0);
    const uint32_t n = fitted ? fit(core, pool, own ? only : NULL, agents) : 1;
    if (n == 0)
        return NULL;
    struct ask *ask = ask_new(core, pool);
    ask->fitted = fitted;
    ask->of_one = only && !own;
    pool->dry = false;
    const uint64_t total = add_agents(core, ask, only || fitted ? agents : NULL, n);
    const uint64_t want = total == 0 ? 0 : total * 4 < ASK_LEADS_MIN ? ASK_LEADS_MIN : total * 4;
    add_leads(core, ask, pool, want);
    ask->balanced = balance_window(core, ask);
    lend(core, ask);
    return ask;
}
