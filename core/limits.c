/* SPDX-License-Identifier: Apache-2.0
 * limits.c - see limits.h. A subject has a meter from the moment a limit is about
 * it; without limits there are none, and nothing here costs anything. What a
 * clock opens is waited for by one timer a meter: cards come back by it. */
#include "core/limits.h"

#include "core/core_private.h"

#include <stdlib.h>
#include <string.h>

static const char kinds[] = {[LIMIT_AGENT] = 'a', [LIMIT_TEAM] = 't', [LIMIT_SOURCE] = 's'};

/* ---- meters -------------------------------------------------------------------------- */

static struct meter *find(const struct core *core, enum limit_of of, struct slice name)
{
    struct meter *meter;
    char key[NAME_BYTES_MAX + 2] = {kinds[of]};
    assert(name.len <= NAME_BYTES_MAX);
    memcpy(key + 1, name.at, name.len);
    HASH_FIND(hh, core->meters, key, name.len + 1, meter);
    return meter;
}

static struct meter *make(struct core *core, struct slice key)
{
    struct meter *meter = calloc(1, sizeof *meter);
    assert(meter && key.len < sizeof meter->key);
    memcpy(meter->key, key.at, key.len);
    meter->timer.owner = TIMER_METER;
    meter->quotas.zone = &core->policy.zones[0].zone;
    meter_init(&meter->counts);
    HASH_ADD_KEYPTR(hh, core->meters, meter->key, key.len, meter);
    return meter;
}

struct meter *limits_meter(struct core *core, struct slice key)
{
    struct meter *meter;
    HASH_FIND(hh, core->meters, key.at, key.len, meter);
    return meter ? meter : make(core, key);
}

static void touch(struct core *core, struct meter *meter)
{
    if (!meter->counts.since_us)
        meter->counts.since_us = core->now_us;
    if (meter->dirty)
        return;
    meter->dirty = true;
    meter->dirty_next = core->dirty_meters;
    core->dirty_meters = meter;
}

static const struct standing *look(const struct core *core, struct meter *meter)
{
    if (now_ms(core) >= meter->standing.until_ms)
        meter->standing = meter_standing(&meter->counts, &meter->quotas, now_ms(core));
    return &meter->standing;
}

static void arm(struct core *core, struct meter *meter)
{
    meter->standing = meter_standing(&meter->counts, &meter->quotas, now_ms(core));
    if (meter->key[0] == kinds[LIMIT_SOURCE])
        return; /* asked when a row comes */
    if (meter->standing.wake_ms < INT64_MAX)
        core_arm(core, &meter->timer, meter->standing.wake_ms, true);
    else
        core_disarm(core, &meter->timer);
}

/* NONE: it is no longer in the policy, or no limit is about it. */
static uint32_t team_of(const struct core *core, const struct meter *meter)
{
    const uint32_t team = team_find(core, slice_of(meter->key + 1, strlen(meter->key + 1)));
    return team != NONE && core->team_meters[team] == meter ? team : NONE;
}

/* A team's members are told only when it opens or closes: in between, each row of a decision asks again. */
static void settle(struct core *core, struct meter *meter)
{
    arm(core, meter);
    const bool closed = meter->standing.room == 0;
    if (meter->key[0] != kinds[LIMIT_TEAM] || meter->closed == closed)
        return;
    meter->closed = closed;
    const uint32_t team = team_of(core, meter);
    for (struct agent *agent = team == NONE ? NULL : core->team_agents[team]; agent; agent = agent->mates_next)
        agent_update(core, agent);
}

static void count(struct core *core, struct meter *meter, uint64_t cost_cents)
{
    touch(core, meter);
    meter_take(&meter->counts, &meter->quotas, core->now_us, cost_cents);
    settle(core, meter);
}

/* ---- which limits hold for whom -------------------------------------------------------- */

/* Returns whether any does. */
static bool find_quotas(const struct core *core, enum limit_of of, struct slice name, uint32_t programme,
                        struct meter_quotas *quotas)
{
    uint32_t rank[LIMIT_PERS][UNITS] = {{0}};
    bool any = false;
    const uint32_t zone = programme == NONE ? 0 : programme_of(core, programme)->zone;
    *quotas = (struct meter_quotas){.zone = &core->policy.zones[zone].zone};
    for (uint32_t i = 0; i < core->policy.n_limits; i++) {
        const struct policy_limit *limit = &core->policy.limits[i];
        const bool named = limit->name[0] != 0;
        const uint32_t own = 1u + !limit->of_cell + 2u * named;
        if (limit->of != of || (!limit->of_cell && limit->programme != programme) ||
            (named && !slice_is(name, limit->name)) || own < rank[limit->per][limit->unit])
            continue;
        rank[limit->per][limit->unit] = own;
        quotas->most[limit->per][limit->unit] = limit->most;
        any = true;
    }
    return any;
}

static struct meter *follow(struct core *core, enum limit_of of, struct slice name, const struct meter_quotas *quotas,
                            bool any)
{
    struct meter *meter = find(core, of, name);
    if (!meter && any) {
        char key[NAME_BYTES_MAX + 2] = {kinds[of]};
        memcpy(key + 1, name.at, name.len);
        meter = make(core, slice_of(key, name.len + 1));
    }
    if (!meter)
        return NULL;
    meter->quotas = *quotas;
    arm(core, meter);
    meter->closed = meter->standing.room == 0; /* members are updated by whoever changed the policy */
    return meter;
}

void limits_follow(struct core *core, struct agent *agent)
{
    const struct programme *programme = programme_of(core, agent->programme);
    const struct slice name = slice_of(agent->name, strlen(agent->name));
    struct meter_quotas quotas;
    bool any = find_quotas(core, LIMIT_AGENT, name, agent->programme, &quotas);
    quotas.ramp_leads = programme->ramp_leads;
    quotas.unworked_max = programme->unworked_max;
    any |= quotas.ramp_leads || quotas.unworked_max;
    agent->meter = any || core->meters ? follow(core, LIMIT_AGENT, name, &quotas, any) : NULL;
}

struct meter *limits_of_source(struct core *core, struct slice source, uint32_t programme)
{
    struct meter_quotas quotas;
    if (core->policy.n_limits == 0)
        return NULL;
    const bool any = find_quotas(core, LIMIT_SOURCE, source, programme, &quotas);
    return any ? follow(core, LIMIT_SOURCE, source, &quotas, any) : NULL;
}

void limits_place(struct core *core)
{
    for (struct meter *meter = core->meters; meter; meter = meter->hh.next) {
        meter->quotas = (struct meter_quotas){.zone = &core->policy.zones[0].zone};
        meter->standing.until_ms = 0;
        core_disarm(core, &meter->timer);
        const struct slice name = slice_of(meter->key + 1, strlen(meter->key + 1));
        if (meter->key[0] == kinds[LIMIT_SOURCE])
            limits_of_source(core, name, intake_programme_of(core, name));
    }
    core->budgets = false;
    for (uint32_t i = 0; i < core->policy.n_limits; i++)
        core->budgets |= core->policy.limits[i].unit == UNIT_CENTS && core->policy.limits[i].per != PER_OUTCOME;
    for (uint32_t t = 0; t < POLICY_TEAMS_MAX; t++) {
        const struct policy_team *team = &core->policy.teams[t];
        core->team_meters[t] = NULL;
        if (t >= core->policy.n_teams || !unit_is_team(core, t))
            continue;
        const struct slice name = slice_of(team->name, strlen(team->name));
        struct meter_quotas quotas;
        const bool any = find_quotas(core, LIMIT_TEAM, name, team->programme, &quotas);
        core->team_meters[t] = any || core->meters ? follow(core, LIMIT_TEAM, name, &quotas, any) : NULL;
    }
}

/* ---- room ---------------------------------------------------------------------------------- */

uint32_t limits_room(const struct core *core, const struct agent *agent, enum reason *ret_why)
{
    struct meter *team = core->team_meters[agent->team];
    if (team && look(core, team)->room == 0) {
        *ret_why = REASON_TEAM_LIMIT;
        return 0;
    }
    if (!agent->meter)
        return UINT32_MAX;
    const struct standing *standing = look(core, agent->meter);
    if (standing->room == 0)
        *ret_why = standing->why;
    return standing->room;
}

uint32_t limits_wait_ms(const struct core *core, const struct agent *agent)
{
    struct meter *const meters[] = {agent->meter, core->team_meters[agent->team]};
    int64_t free_ms = 0;
    for (int i = 0; i < 2; i++)
        if (meters[i] && look(core, meters[i])->room == 0 && meters[i]->standing.free_ms > free_ms)
            free_ms = meters[i]->standing.free_ms;
    const int64_t wait_ms = free_ms == INT64_MAX ? 0 : free_ms - now_ms(core);
    return wait_ms <= 0 ? 0 : wait_ms > UINT32_MAX ? UINT32_MAX : (uint32_t) wait_ms;
}

bool limits_affords(const struct core *core, const struct agent *agent, const struct lead *lead)
{
    struct meter *team = core->team_meters[agent->team];
    return !core->budgets || ((!team || look(core, team)->cents >= lead->cost_cents) &&
                              (!agent->meter || look(core, agent->meter)->cents >= lead->cost_cents));
}

/* To the first n of a team from this one on. Leads that were too dear stand aside, each for others. */
static void offer_room(struct core *core, struct agent *agent, uint32_t n)
{
    for (; agent && n > 0; agent = agent->mates_next, n--) {
        agent_update(core, agent);
        if (agent->slots_seen > agent->lent)
            allocate_agent(core, agent);
    }
}

/* ---- what happens ------------------------------------------------------------------------------ */

uint8_t limits_take(struct core *core, struct agent *agent, uint64_t cost_cents)
{
    struct meter *team = core->team_meters[agent->team];
    if (agent->meter)
        count(core, agent->meter, cost_cents);
    if (team)
        count(core, team, cost_cents);
    return (uint8_t) ((agent->meter ? COUNTED_AGENT : 0) | (team ? COUNTED_TEAM : 0));
}

static void give_back(struct core *core, struct meter *meter, int64_t at_us, uint64_t cost_cents)
{
    touch(core, meter);
    meter_refund(&meter->counts, &meter->quotas, at_us, cost_cents);
    settle(core, meter);
}

void limits_refund(struct core *core, const struct lead *lead, enum reason reason)
{
    const struct decision *decision = lead->past ? &lead->past->decision : NULL;
    const bool left_alone =
        reason == REASON_FIRST_ACTION_LATE || reason == REASON_RELEASED || reason == REASON_AGENT_LEFT;
    if (!decision || !decision->counted || (lead->state != LEAD_OFFERED && (lead->state != LEAD_OWNED || left_alone)))
        return;
    struct agent *agent = core->agents[lead->owner];
    struct meter *team = core->team_meters[agent->team];
    if (agent->meter && (decision->counted & COUNTED_AGENT))
        give_back(core, agent->meter, decision->at_us, lead->cost_cents);
    if (team && (decision->counted & COUNTED_TEAM))
        give_back(core, team, decision->at_us, lead->cost_cents);
    if (core->budgets && team && (decision->counted & COUNTED_TEAM))
        offer_room(core, core->team_agents[agent->team], UINT32_MAX);
    else if (core->budgets && agent->meter && (decision->counted & COUNTED_AGENT))
        offer_room(core, agent, 1);
}

void limits_acted(struct core *core, struct agent *agent)
{
    if (!agent->meter || agent->meter->counts.unworked == 0)
        return;
    touch(core, agent->meter);
    agent->meter->counts.unworked = 0;
    settle(core, agent->meter);
    agent_update(core, agent);
}

/* What it has is counted from its leads and not one by one: so it is right from the moment the limit is there. */
void limits_hold(struct core *core, struct agent *agent)
{
    struct meter *meter = agent->meter;
    const uint64_t now[UNITS] = {[UNIT_LEADS] = agent_open(agent) + agent->pipeline, [UNIT_CENTS] = agent->held_cents};
    if (!meter || (!meter->quotas.most[PER_OUTCOME][UNIT_LEADS] && !meter->quotas.most[PER_OUTCOME][UNIT_CENTS]) ||
        memcmp(now, meter->counts.undecided, sizeof now) == 0)
        return;
    touch(core, meter);
    memcpy(meter->counts.undecided, now, sizeof now);
    settle(core, meter);
}

void limits_arrived(struct core *core, struct agent *agent, int64_t absent_ms)
{
    const struct programme *programme = programme_of(core, agent->programme);
    if (!programme->ramp_leads || absent_ms < programme->ramp_after_ms)
        return;
    touch(core, agent->meter);
    agent->meter->counts.ramp_until_ms = now_ms(core) + programme->ramp_ms;
    settle(core, agent->meter);
}

void limits_moved(struct core *core, struct agent *agent)
{
    for (struct lead *lead = agent->held; lead; lead = lead->held_next)
        if (lead->past && (lead->past->decision.counted & COUNTED_TEAM)) {
            lead->past->decision.counted &= (uint8_t) ~COUNTED_TEAM;
            lead_touch(core, lead);
        }
}

enum reason limits_admit(struct core *core, struct meter *source, uint64_t cost_cents)
{
    const struct standing *standing = look(core, source);
    if (standing->room == 0)
        return standing->why;
    if (standing->cents < cost_cents)
        return REASON_BUDGET;
    count(core, source, cost_cents);
    return REASON_OK;
}

bool limits_count_now(const struct core *core, const struct agent *agent)
{
    const struct meter *meter = agent->meter;
    uint64_t used = 0;
    for (enum limit_per per = PER_HOUR; meter && per < PERIODS; per++)
        used += meter_used(&meter->counts, &meter->quotas, per, UNIT_LEADS, now_ms(core));
    return used > 0;
}

static void drop(struct core *core, struct meter *meter)
{
    struct meter **at = &core->dirty_meters;
    while (meter->dirty && *at != meter)
        at = &(*at)->dirty_next;
    if (meter->dirty)
        *at = meter->dirty_next;
    core_disarm(core, &meter->timer);
    HASH_DEL(core->meters, meter);
    free(meter);
}

void limits_forget(struct core *core, const struct agent *agent)
{
    struct meter *meter = find(core, LIMIT_AGENT, slice_of(agent->name, strlen(agent->name)));
    if (!meter)
        return;
    if (meter->counts.since_us)
        record_meter_gone(core, meter->key);
    drop(core, meter);
}

void limits_drop(struct core *core, struct slice key)
{
    struct meter *meter;
    HASH_FIND(hh, core->meters, key.at, key.len, meter);
    if (meter)
        drop(core, meter);
}

void limits_timer_fire(struct core *core, struct meter *meter)
{
    const bool of_team = meter->key[0] == kinds[LIMIT_TEAM];
    settle(core, meter);
    if (of_team && team_of(core, meter) != NONE) {
        offer_room(core, core->team_agents[team_of(core, meter)], UINT32_MAX);
    } else if (!of_team) {
        struct agent *agent = agent_find(core, slice_of(meter->key + 1, strlen(meter->key + 1)));
        if (agent && agent->meter == meter)
            offer_room(core, agent, 1);
    }
}

void limits_fini(struct core *core)
{
    struct meter *meter, *next;
    HASH_ITER(hh, core->meters, meter, next)
    {
        HASH_DEL(core->meters, meter);
        free(meter);
    }
    free(core->team_meters);
}
