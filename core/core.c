/* SPDX-License-Identifier: Apache-2.0
 * core.c - the machine itself: its life, its clocks, and the table of who may
 * say what. Every event enters by core_step(); what the handlers do is in the
 * files they are named after. */
#include "core/core_private.h"
#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

/* Of names and imports: FNV-1a. What iterates decides nothing. */
unsigned key_hash(const void *key, size_t len)
{
    uint64_t h = 14695981039346656037u;
    for (size_t i = 0; i < len; i++)
        h = (h ^ ((const uint8_t *) key)[i]) * 1099511628211u;
    return (unsigned) (h >> 32 ^ h);
}

/* ---- deadlines --------------------------------------------------------------- */

void core_disarm(struct core *core, struct timer *timer)
{
    heap_remove(timer->appointment ? &core->appointments : &core->durations, &timer->node);
}

void core_arm(struct core *core, struct timer *timer, int64_t at_ms, bool appointment)
{
    const struct heap_key key = {at_ms, (int64_t) core->timer_order++};
    if (timer->appointment != appointment)
        core_disarm(core, timer);
    timer->at_ms = at_ms;
    timer->appointment = appointment;
    (heap_has(&timer->node) ? heap_move : heap_add)(appointment ? &core->appointments : &core->durations, &timer->node,
                                                    key);
}

static struct timer *timer_first(const struct heap *heap)
{
    struct heap_node *node = heap_first(heap);
    return node ? heap_entry(node, struct timer, node) : NULL;
}

static void fire(struct core *core, struct timer *timer)
{
    core_disarm(core, timer);
    switch (timer->owner) {
    case TIMER_LEAD:
        lead_due_fire(core, heap_entry(timer, struct lead, timer));
        break;
    case TIMER_AGENT:
        presence_timer_fire(core, heap_entry(timer, struct agent, timer));
        break;
    case TIMER_WORKER:
        worker_leave(core, (uint32_t) (heap_entry(timer, struct worker, timer) - core->workers));
        break;
    case TIMER_ASK:
        verdict_lapsed(core, heap_entry(timer, struct ask, timer));
        break;
    case TIMER_POOL:
        aside_due(core, heap_entry(timer, struct pool, timer));
        break;
    case TIMER_DUTY:
        duty_timer_fire(core, heap_entry(timer, struct agent, duty));
        break;
    case TIMER_METER:
        limits_timer_fire(core, heap_entry(timer, struct meter, timer));
        break;
    }
}

static void fire_due(struct core *core)
{
    struct timer *timer;
    while ((timer = timer_first(&core->durations)) && timer->at_ms <= run_ms(core))
        fire(core, timer);
    while ((timer = timer_first(&core->appointments)) && timer->at_ms <= now_ms(core))
        fire(core, timer);
}

int64_t core_next_us(const struct core *core)
{
    const struct timer *run = timer_first(&core->durations), *wall = timer_first(&core->appointments);
    int64_t next_ms = INT64_MAX / 1000;
    if (core->n_dirty_pools && !core->blocked)
        return core->now_us;
    if (run)
        next_ms = run->at_ms + core->paused_ms;
    if (wall && wall->at_ms < next_ms)
        next_ms = wall->at_ms;
    return next_ms == INT64_MAX / 1000 ? INT64_MAX : next_ms * 1000;
}

bool core_answer_is_late(const struct core *core, int64_t now_us)
{
    const struct timer *timer = timer_first(&core->durations);
    return timer && timer->owner == TIMER_ASK && timer->at_ms + core->paused_ms <= now_us / 1000;
}

/* ---- life ------------------------------------------------------------------------ */

static void make_pools(struct core *core)
{
    /* room for what any policy may hold: pools and scopes stand in lists, so they never move */
    enum { PROGRAMMES = POLICY_PROGRAMMES_MAX, TEAMS = POLICY_TEAMS_MAX, POOLS = PROGRAMMES * 3 + TEAMS };
    core->pools = calloc(POOLS, sizeof *core->pools);
    core->dirty_pools = calloc(POOLS + AGENTS_CEILING, sizeof(struct pool *)); /* an agent may have one of its own */
    core->programme_scopes = calloc(PROGRAMMES, sizeof *core->programme_scopes);
    core->team_scopes = calloc(TEAMS, sizeof *core->team_scopes);
    core->programmes = calloc(PROGRAMMES, sizeof *core->programmes);
    core->running_pools = calloc(POOLS + AGENTS_CEILING, sizeof(struct pool *));
    core->short_pools = calloc(POOLS + AGENTS_CEILING, sizeof(struct pool *));
    core->turned_pools = calloc(POOLS, sizeof(struct pool *));
    core->team_present = calloc(TEAMS, sizeof *core->team_present);
    core->team_agents = calloc(TEAMS, sizeof(struct agent *));
    core->team_meters = calloc(TEAMS, sizeof(struct meter *));
    core->team_quality = calloc(TEAMS, sizeof *core->team_quality);
    assert(core->running_pools && core->short_pools && core->turned_pools && core->team_quality);
    assert(core->team_present && core->team_agents && core->team_meters);
    assert(core->pools && core->dirty_pools && core->programme_scopes && core->team_scopes && core->programmes);
    for (uint32_t i = 0; i < POOLS; i++) {
        struct pool *pool = &core->pools[i];
        pool->index = i;
        pool->dry_us = INT64_MIN;
        pool->turn = NONE;
        pool->timer.owner = TIMER_POOL;
    }
    policy_place_pools(core);
}

struct core *core_new(const struct policy *policy)
{
    struct core *core = calloc(1, sizeof *core);
    assert(core && policy->n_programmes > 0 && policy->n_teams > 0);
    core->policy = *policy;
    core->known = calloc(AGENTS_CEILING, sizeof(struct agent *));
    core->due_agents = calloc(AGENTS_CEILING, sizeof *core->due_agents);
    core->running_agents = calloc(AGENTS_CEILING, sizeof *core->running_agents);
    core->now_agents = calloc(AGENTS_CEILING, sizeof *core->now_agents);
    assert(core->known && core->due_agents && core->running_agents && core->now_agents);
    make_pools(core);
    limits_place(core);
    return core;
}

static void free_agents(struct core *core)
{
    while (core->n_known)
        agent_drop(core, core->known[core->n_known - 1]);
    free(core->agents);
    free(core->known);
}

void core_destroy(struct core **core_p)
{
    struct core *core = *core_p;
    if (!core)
        return;
    leads_fini(core);
    limits_fini(core);
    free_agents(core);
    struct import *import, *next_import;
    HASH_ITER(hh, core->imports, import, next_import)
    {
        import_drop(core, import);
    }
    for (uint32_t i = 0; i < POLICY_PROGRAMMES_MAX * 3 + POLICY_TEAMS_MAX; i++)
        aside_fini(core, &core->pools[i]);
    aside_forget(core);
    for (uint32_t i = 0; i < POLICY_PROGRAMMES_MAX; i++) {
        heap_fini(&core->programme_scopes[i].card);
        heap_fini(&core->programme_scopes[i].able);
    }
    for (uint32_t i = 0; i < POLICY_TEAMS_MAX; i++) {
        heap_fini(&core->team_scopes[i].card);
        heap_fini(&core->team_scopes[i].able);
    }
    heap_fini(&core->cell_scope.card);
    heap_fini(&core->cell_scope.able);
    heap_fini(&core->durations);
    heap_fini(&core->appointments);
    for (uint32_t i = 0; i < ASKS_MAX; i++)
        free(core->asks[i]);
    for (uint32_t i = 0; i < core->n_policies; i++)
        free(core->policies[i].text);
    free(core->policies);
    buf_fini(&core->snapshots);
    buf_fini(&core->steps);
    buf_fini(&core->gone);
    buf_fini(&core->report);
    free(core->pools);
    free(core->dirty_pools);
    free(core->running_pools);
    free(core->short_pools);
    free(core->turned_pools);
    free(core->team_present);
    free(core->team_quality);
    free(core->team_agents);
    units_fini(core);
    contacts_fini(core);
    routes_destroy(&core->routes);
    free(core->team_scopes);
    free(core->programme_scopes);
    free(core->programmes);
    free(core->due_agents);
    free(core->running_agents);
    free(core->now_agents);
    free(core->sources);
    free(core->workers);
    free(core->peers);
    free(core);
    *core_p = NULL;
}

static uint32_t find_source(const struct core *core, struct slice name)
{
    for (uint32_t i = 0; i < core->n_sources; i++)
        if (slice_is(name, core->sources[i]))
            return i;
    return NONE;
}

bool core_has_room_for_source(const struct core *core, struct slice name)
{
    return core->n_sources < SOURCES_MAX || find_source(core, name) != NONE;
}

uint32_t core_source(struct core *core, struct slice name)
{
    const uint32_t known = find_source(core, name);
    if (known != NONE)
        return known;
    assert(name.len <= NAME_BYTES_MAX);
    core->sources = realloc(core->sources, (core->n_sources + 1) * sizeof *core->sources);
    assert(core->sources);
    memcpy(core->sources[core->n_sources], name.at, name.len);
    core->sources[core->n_sources][name.len] = 0;
    return core->n_sources++;
}

void core_epoch(struct core *core, uint64_t epoch, int64_t now_us, bool forget_peers)
{
    assert(epoch > core->epoch);
    core->epoch = epoch;
    if (!forget_peers)
        return;
    core->now_us = now_us > core->last_us ? now_us : core->last_us;
    if (core->last_us)
        core->paused_ms += core->now_us / 1000 - core->last_us / 1000;
    core->dirty_cell = true;
    for (uint32_t i = 0; i < core->n_known; i++) {
        struct agent *agent = core->known[i];
        agent->peer = 0;
        agent->heard_ms = run_ms(core);
        agent->valid_until_ms = run_ms(core) + core->policy.lease_ms + core->policy.guard_ms;
        agent->quiet_ms = agent_open(agent) ? run_ms(core) : 0;
        agent_update(core, agent);
    }
}

/* ---- who may say what ------------------------------------------------------------------ */

typedef void handler_fn(struct core *core, uint32_t peer, const struct msg *msg);
static const struct {
    enum role role;
    enum msg_kind kind;
    handler_fn *handle;
} rights[] = {
    {ROLE_SOURCE, MSG_MANIFEST, intake_manifest}, {ROLE_SOURCE, MSG_CHUNK, intake_chunk},
    {ROLE_AGENT, MSG_AGENT_SAYS, acts_say},       {ROLE_WORKER, MSG_DECISION, verdict_decision},
    {ROLE_OPERATOR, MSG_QUERY, report_query},     {ROLE_OPERATOR, MSG_APPLY, policy_apply},
    {ROLE_OPERATOR, MSG_ORDER, orders_take},      {ROLE_OPERATOR, MSG_SUPPRESS, suppress_take},
};

static void message(struct core *core, uint32_t peer, const struct msg *msg)
{
    if (msg->kind == MSG_HELLO) {
        presence_hello(core, peer, msg);
        return;
    }
    if (peer >= core->n_peers || core->peers[peer].session == 0 || core->peers[peer].session != msg->session) {
        effects_error(core->effects, peer, REASON_HELLO_FIRST, msg->seq, "", 0);
        return;
    }
    if (core->peers[peer].role == ROLE_AGENT &&
        core->agents[core->peers[peer].index]->session != core->peers[peer].session) {
        core->peers[peer].session = 0; /* the agent has a newer session */
        effects_error(core->effects, peer, REASON_SESSION_FENCED, msg->seq, "", 0);
        return;
    }
    presence_heard(core, peer, msg);
    if (msg->kind == MSG_HEARTBEAT) {
        presence_heartbeat(core, peer, msg);
        return;
    }
    if (msg->kind == MSG_BYE) {
        presence_bye(core, peer, msg);
        return;
    }
    for (size_t i = 0; i < sizeof rights / sizeof *rights; i++)
        if (rights[i].role == core->peers[peer].role && rights[i].kind == msg->kind) {
            rights[i].handle(core, peer, msg);
            return;
        }
    effects_error(core->effects, peer, REASON_WRONG_ROLE, msg->seq, "", 0);
}

void core_step(struct core *core, const struct event *event, struct effects *effects)
{
    core->effects = effects;
    if (event->now_us > core->now_us)
        core->now_us = event->now_us;
    if (event->lag_us >= 1000) { /* before anything is judged by the run clock */
        core->paused_ms += event->lag_us / 1000;
        core->dirty_cell = true;
    }
    switch (event->kind) {
    case EVENT_MESSAGE:
        message(core, event->peer, event->msg);
        break;
    case EVENT_PEER_GONE:
        presence_peer_gone(core, event->peer);
        break;
    case EVENT_TIME:
        fire_due(core);
        allocate_run(core);
        break;
    }
    core->effects = NULL;
}

const struct policy *core_policy(const struct core *core)
{
    return &core->policy;
}

int64_t core_now_us(const struct core *core)
{
    return core->now_us;
}

void core_levels(const struct core *core, struct core_levels *ret)
{
    *ret = (struct core_levels){.leads = core->leads.n};
    for (uint32_t p = 0; p < core->policy.n_programmes; p++) {
        const uint64_t *count = core->programmes[p].count;
        ret->waiting += count[LEAD_POOLED] + count[LEAD_HELD];
        ret->offered += count[LEAD_OFFERED];
        ret->owned += count[LEAD_OWNED] + count[LEAD_WORKING] + count[LEAD_WRAP_UP];
        for (unsigned state = LEAD_CLOSED_WON; state < LEAD_STATES; state++)
            ret->terminal += count[state];
    }
    for (uint32_t i = 0; i < core->n_known; i++)
        ret->agents_present += core->known[i]->present;
    for (uint32_t i = 0; i < core->n_workers; i++)
        ret->workers += core->workers[i].used;
    for (uint32_t i = 0; i < ASKS_MAX; i++)
        if (core->asks[i] && core->asks[i]->id) {
            ret->requests_out++;
            ret->rows_out += core->asks[i]->n_leads;
        }
}
