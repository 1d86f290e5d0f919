/* SPDX-License-Identifier: Apache-2.0
 * policy_change.c - another policy comes into force while leads wait and agents
 * work. Owns the versions and what a change means for what is there; what a
 * policy file may say is policy/'s.
 *
 * Programmes and teams are known by name and keep their place in the tables for
 * as long as they are in the policy, so that leads, agents, pools and scopes need
 * not be touched. All that could refuse a change is asked before anything is
 * done; then it is done whole. A programme that is gone keeps its place, retired,
 * while ended leads are counted in it. */
#include "core/core_private.h"
#include "core/limits.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static uint64_t live_leads(const struct programme_state *state)
{
    uint64_t sum = 0;
    for (unsigned s = 0; s < LEAD_CLOSED_WON; s++)
        sum += state->count[s];
    return sum;
}

/* ---- may it come into force? -------------------------------------------------------------- */

static void refuse_programmes(const struct core *core, const struct policy *policy, struct buf *why)
{
    uint32_t places = policy->n_programmes;
    for (uint32_t i = 0; i < core->policy.n_programmes; i++) {
        const struct programme *programme = programme_of(core, i);
        const uint64_t leads = live_leads(&core->programmes[i]);
        if (!programme->name[0] || policy_stays(core, policy, i))
            continue;
        places += !policy_is_empty(core, i);
        if (leads)
            buf_printf(why,
                       "programme %s is not in it, and %" PRIu64 " leads are; keep it, without sources, until they "
                       "have ended\n",
                       programme->name, leads);
    }
    if (places > POLICY_PROGRAMMES_MAX)
        buf_printf(why, "with the programmes that are gone but have ended leads it would be %u; a cell has up to %d\n",
                   places, POLICY_PROGRAMMES_MAX);
}

static void refuse_teams(const struct core *core, const struct policy *policy, struct buf *why)
{
    struct {
        bool stays;
        uint32_t present, holding;
    } *teams = calloc(core->policy.n_teams, sizeof *teams);
    assert(teams);
    for (uint32_t i = 0; i < policy->n_teams; i++)
        if (policy_place_now(core, policy, i) != NONE)
            teams[policy_place_now(core, policy, i)].stays = true;
    for (uint32_t i = 0; i < core->n_known; i++) {
        const struct agent *agent = core->known[i];
        teams[agent->team].present += agent->present;
        teams[agent->team].holding += !agent->present && agent->held;
    }
    for (uint32_t t = 0; t < core->policy.n_teams; t++)
        if (core->policy.teams[t].name[0] && !teams[t].stays && teams[t].present + teams[t].holding)
            buf_printf(why,
                       "team %s is not in it, and %u agents of it are here and %u more hold leads; keep it until they "
                       "have left\n",
                       core->policy.teams[t].name, teams[t].present, teams[t].holding);
    free(teams);
}

/* What clients were told when they connected cannot be taken back. */
static void refuse_presence(const struct core *core, const struct policy *policy, struct buf *why)
{
    uint32_t bound = 0;
    if (policy->heartbeat_ms == core->policy.heartbeat_ms && policy->lease_ms == core->policy.lease_ms &&
        policy->guard_ms == core->policy.guard_ms)
        return;
    for (uint32_t i = 0; i < core->n_known; i++)
        bound += core->known[i]->present || core->known[i]->valid_until_ms > run_ms(core);
    if (bound)
        buf_printf(why,
                   "it changes heartbeat, lease or guard, which %u agents were told when they connected; apply it when "
                   "none is here\n",
                   bound);
}

static void refuse_rest(const struct core *core, const struct policy *policy, struct slice text, struct buf *why)
{
    if (strcmp(policy->cell, core->policy.cell) != 0)
        buf_printf(why, "it is for the cell %s, this is %s\n", policy->cell, core->policy.cell);
    if (core->n_policies == POLICIES_MAX || core->policies_bytes + text.len > POLICIES_BYTES_MAX)
        buf_printf(why, "a cell keeps up to %d versions and %d MiB of them, and these are full\n", POLICIES_MAX,
                   POLICIES_BYTES_MAX >> 20);
}

/* ---- versions ---------------------------------------------------------------------------------- */

struct policy_kept *policy_kept_of(struct core *core, uint32_t version)
{
    for (uint32_t i = core->n_policies; i > 0; i--) /* the last ones are asked for most */
        if (core->policies[i - 1].version == version)
            return &core->policies[i - 1];
    return NULL;
}

/* Versions are few and come in order but while loading the view. */
void policy_keep(struct core *core, uint32_t version, int64_t at_us, struct slice text, bool dirty)
{
    if (policy_kept_of(core, version))
        return;
    core->policies = realloc(core->policies, (core->n_policies + 1) * sizeof *core->policies);
    assert(core->policies);
    uint32_t at = core->n_policies++;
    for (; at > 0 && core->policies[at - 1].version > version; at--)
        core->policies[at] = core->policies[at - 1];
    core->policies[at] =
        (struct policy_kept){.version = version, .text_len = text.len, .at_us = at_us, .text = malloc(text.len + 1)};
    assert(core->policies[at].text);
    memcpy(core->policies[at].text, text.at, text.len);
    core->policies_bytes += text.len;
    core->n_policies_dirty += dirty;
}

bool core_wants_policy(const struct core *core, uint32_t version)
{
    return version > core->policy.version;
}

struct slice core_policy_text(const struct core *core)
{
    const struct policy_kept *kept = policy_kept_of((struct core *) core, core->policy.version);
    return kept ? slice_of(kept->text, kept->text_len) : slice_of("", 0);
}

/* ---- the change ---------------------------------------------------------------------------------- */

/* Decided by the policy that was, they must not be granted under the one that is. */
static void withdraw_asks(struct core *core)
{
    for (uint32_t i = 0; i < ASKS_MAX; i++) {
        struct ask *ask = core->asks[i];
        if (!ask || !ask->id)
            continue;
        core->workers[ask->worker].out--;
        verdict_withdraw(core, ask);
    }
}

/* Leads that wait in the pool of a unit go to the programme's when the unit is no more; those that only were handed
 * down to a team also when the programme has no limited pools any more. `moved`: which. */
static void empty_team_pools(struct core *core, const struct policy *new, struct buf *moved)
{
    for (uint32_t t = 0; t < core->policy.n_teams; t++) {
        struct pool *pool = &core->pools[pool_index(0, RING_TEAM, t)];
        const size_t begun = moved->len;
        if (!pool->depth)
            continue;
        const bool stays = policy_is_same_unit(&new->teams[t], &core->policy.teams[t]);
        aside_end(core, pool); /* also those that stood aside */
        for (uint32_t i = 0; i < pool->waiting.n; i++) {
            struct lead *lead = heap_entry(pool->waiting.at[i].node, struct lead, place);
            if (!stays || (lead->home == NONE && new->programmes[pool->programme].mode != MODE_PUSH_PULL))
                buf_add(moved, &lead, sizeof(struct lead *));
        }
        struct lead **leads = (struct lead **) (void *) moved->at;
        for (size_t i = begun / sizeof(struct lead *); i < moved->len / sizeof(struct lead *); i++)
            lead_pool(core, leads[i], MOVE_REPOOL, RING_OWN, NONE, REASON_POLICY_CHANGED);
    }
}

/* They go where the new rules say. Leads whose pool is still there stay in it. */
static void place_again(struct core *core, const struct buf *moved)
{
    struct lead *const *leads = (struct lead *const *) (const void *) moved->at;
    for (size_t i = 0; i < moved->len / sizeof(struct lead *) && core->policy.n_routes; i++)
        if (leads[i]->state == LEAD_POOLED) /* and not held: then it is placed when its hours open */
            place_back(core, leads[i], MOVE_REPOOL, REASON_POLICY_CHANGED);
}

/* Handed down by a unit that is no more, a lead is its programme's. */
static void forget_homes(struct core *core, const struct policy *old)
{
    bool any = false;
    for (uint32_t t = 0; t < old->n_teams; t++)
        any |= old->teams[t].name[0] && !policy_is_same_unit(&old->teams[t], &core->policy.teams[t]);
    for (uint32_t i = 0; any && i < core->leads.n; i++) {
        struct lead *lead = lead_at(&core->leads, i);
        if (lead->home == NONE || policy_is_same_unit(&old->teams[lead->home], &core->policy.teams[lead->home]))
            continue;
        lead->home = NONE;
        lead_touch(core, lead);
    }
}

static bool has_order(const struct policy_order *order)
{
    return order->n_keys > 0 || order->last != ORDER_OLDEST_FIRST;
}

/* Any other order than the first one has; a lead that keeps its place costs little. */
static bool has_orders(const struct policy *policy)
{
    for (uint32_t i = 0; i < policy->n_programmes; i++)
        if (has_order(&policy->programmes[i].order))
            return true;
    for (uint32_t i = 0; i < policy->n_pools; i++)
        if (policy->pools[i].has_order)
            return true;
    return false;
}

static void reorder(struct core *core, const struct policy *old)
{
    if (!has_orders(old) && !has_orders(&core->policy))
        return;
    for (uint32_t i = 0; i < core->leads.n; i++)
        lead_reorder(core, lead_at(&core->leads, i));
}

/* Other hours and shifts may open sooner than those that leads wait for. */
static void reopen(struct core *core)
{
    for (uint32_t i = 0; i < core->leads.n; i++) {
        struct lead *lead = lead_at(&core->leads, i);
        const bool shift = lead->state == LEAD_PIPELINE && !lead->due && lead->reason == REASON_OFF_SHIFT;
        const bool hours = (lead->state == LEAD_HELD || (lead->state == LEAD_PIPELINE && !lead->due)) &&
                           lead->reason == REASON_LEAD_OUT_OF_HOURS;
        const int64_t opens_ms = shift   ? duty_begins_ms(core, core->agents[lead->owner])
                                 : hours ? calling_opens_ms(core, lead)
                                         : CALENDAR_NEVER;
        if (opens_ms >= lead->timer.at_ms || !lead->timer.appointment)
            continue;
        core_arm(core, &lead->timer, opens_ms, true);
        lead_touch(core, lead);
    }
}

/* A lower limit takes no lead away: it holds for the next ones. */
void agent_keep_open(struct core *core, struct agent *agent)
{
    const uint32_t open = agent_open(agent), keep = open > programme_of(core, agent->programme)->wip_max ? open : 0;
    if (keep == agent->kept_open)
        return;
    agent->kept_open = keep;
    agent_touch(core, agent);
}

/* Of a team that is gone: it must name another when it comes back. A turn counts within one programme and strategy. */
static void fit_agent(struct core *core, struct agent *agent, const struct policy *old)
{
    const bool gone = strcmp(core->policy.teams[agent->team].name, old->teams[agent->team].name) != 0 ||
                      !unit_is_team(core, agent->team);
    const uint32_t programme = agent->programme;
    const uint64_t turn = agent->turn;
    agent_set_team(core, agent, gone ? policy_first_team(core) : agent->team);
    place_leave_agent(core, agent);
    limits_follow(core, agent);
    limits_hold(core, agent);
    if (gone)
        agent->intent = INTENT_OFFLINE;
    if (programme_of(core, agent->programme)->strategy != old->programmes[agent->programme].strategy)
        agent->turn = 0;
    if (gone || agent->programme != programme || agent->turn != turn)
        agent_touch(core, agent);
    agent_keep_open(core, agent);
    duty_follow(core, agent);
}

static void put_in_force(struct core *core, const struct policy *policy)
{
    struct policy *new = policy_arrange(core, policy), *old = malloc(sizeof *old);
    struct buf moved = {0};
    assert(old);
    withdraw_asks(core);
    empty_team_pools(core, new, &moved);
    for (uint32_t i = 0; i < core->n_known; i++)
        agent_leave_scopes(core, core->known[i]);
    *old = core->policy;
    units_keep_turns(core, new, false);
    policy_set(core, new, old->version + 1);
    forget_homes(core, old);
    for (uint32_t i = 0; i < core->policy.n_programmes; i++) {
        core->programmes[i].dirty =
            programme_of(core, i)->name[0]; /* or a row of its name's former life spoke for it */
        if (programme_of(core, i)->strategy != old->programmes[i].strategy)
            core->programmes[i].rotation = 0; /* it counted something else */
    }
    reorder(core, old);
    limits_place(core);
    for (uint32_t i = 0; i < core->n_known; i++)
        fit_agent(core, core->known[i], old);
    balance_arrange(core);
    for (uint32_t i = 0; i < core->n_pools; i++)
        if (core->pools[i].depth)
            aside_end(core, &core->pools[i]);
    for (uint32_t i = 0; i < core->n_known; i++)
        if (core->known[i]->direct && core->known[i]->direct->depth)
            aside_end(core, core->known[i]->direct);
    for (uint32_t i = 0; i < core->n_known; i++) /* what a filter kept from its owner, it may take now */
        if (core->known[i]->due)
            allocate_agent(core, core->known[i]);
    reopen(core);
    place_again(core, &moved);
    buf_fini(&moved);
    free(new);
    free(old);
}

enum reason core_change_policy(struct core *core, const struct policy *policy, struct slice text, struct buf *why)
{
    const struct slice now = core_policy_text(core);
    const size_t begun = why->len;
    if (text.len == now.len && memcmp(text.at, now.at, text.len) == 0)
        return REASON_POLICY_UNCHANGED;
    if (core->policy.version > 0) { /* else it is the first, and there is nothing it could break */
        refuse_programmes(core, policy, why);
        refuse_teams(core, policy, why);
        refuse_presence(core, policy, why);
    }
    refuse_rest(core, policy, text, why);
    if (why->len > begun)
        return REASON_POLICY_IN_USE;
    put_in_force(core, policy);
    policy_keep(core, core->policy.version, core->now_us, text, true);
    core->dirty_cell = true;
    return REASON_OK;
}

void policy_apply(struct core *core, uint32_t peer, const struct msg *msg)
{
    const struct msg_apply *apply = &msg->apply;
    struct buf why = {0};
    enum reason reason = REASON_POLICY_FAULTY;
    if (apply->policy)
        reason = core_change_policy(core, apply->policy, apply->text, &why);
    else
        buf_add(&why, apply->faults.at, apply->faults.len);
    report_applied(core, peer, reason, slice_of(why.at, why.len));
    buf_fini(&why);
}
