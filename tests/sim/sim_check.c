/* SPDX-License-Identifier: Apache-2.0
 * sim_check.c - what is looked at after each beat: the core's own invariants, that
 * no two agents believe they own a lead, that the log says what the core knows,
 * and that nobody waits for a lead that waits for somebody. */
#include "tests/sim/sim_private.h"

#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

static int by_id(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct id));
}

static void check_belief(struct sim *sim)
{
    uint32_t n = 0;
    for (uint32_t a = 0; a < sim->n_agents; a++)
        for (uint32_t i = 0; i < sim->agents[a].n_held; i++)
            if (!sim->agents[a].twin && sim_agent_believes(sim, &sim->agents[a].held[i]))
                sim->believed[n++] = sim->agents[a].held[i].lead;
    qsort(sim->believed, n, sizeof *sim->believed, by_id);
    for (uint32_t i = 1; i < n; i++)
        if (id_equal(sim->believed[i - 1], sim->believed[i]))
            fail_msg("seed %" PRIu64 " at %" PRId64 " ms: two agents believe they own lead %" PRIu64, sim->seed,
                     sim->now_us / 1000, sim->believed[i].lo);
}

/* ---- nobody waits in vain --------------------------------------------------------------------- */

static bool may_take(struct sim *sim, const struct lead *lead, const struct agent *agent)
{
    enum reason why;
    struct id owed;
    if (!allocate_in_scope(sim->core, pool_of(sim->core, lead), agent) || !pair_allowed(sim->core, lead, agent, &why))
        return false;
    const uint32_t free = lead->ring == RING_LAST ? agent_slots(sim->core, agent, &why, &owed)
                                                  : agent_cards(sim->core, agent, &why, &owed);
    return free > agent->lent;
}

/* Below what this lead waits for. */
static bool team_has_room(const struct core *core, const struct lead *lead)
{
    const uint32_t programme = lead->programme;
    for (uint32_t t = 0; t < core->policy.n_teams; t++)
        if (core->policy.teams[t].programme == programme && unit_is_team(core, t) &&
            (lead->ring == RING_OWN || unit_has(core, lead->team, t)) &&
            core->pools[pool_index(programme, RING_TEAM, t)].depth <
                core->team_present[t] * programme_of(core, programme)->depth_per_agent)
            return true;
    return false;
}

static void waits_in_vain(struct sim *sim, const struct lead *lead, const char *whom)
{
    fail_msg("seed %" PRIu64 " at %" PRId64 " ms: lead %" PRIu64 " of ring %u and state %s waits, and so does %s",
             sim->seed, sim->now_us / 1000, lead->id.lo, lead->ring, lead_state_name(lead->state), whom);
}

/* At the end of a beat in which nothing is under decision: no lead and agent who could be matched. */
static void check_waiting(struct sim *sim)
{
    struct core *core = sim->core;
    struct core_levels levels;
    enum reason why;
    core_levels(core, &levels);
    if (levels.requests_out || core->n_dirty_pools)
        return;
    for (uint32_t i = 0; i < core->leads.n; i++) {
        const struct lead *lead = lead_at(&core->leads, i);
        if (lead->state == LEAD_PIPELINE && lead->due && agent_due_cards(core, core->agents[lead->owner]) &&
            pair_allowed(core, lead, core->agents[lead->owner], &why))
            waits_in_vain(sim, lead, core->agents[lead->owner]->name);
        if (lead->state != LEAD_POOLED)
            continue;
        const bool above_teams = lead->ring == RING_OWN || (lead->ring == RING_TEAM && !unit_is_team(core, lead->team));
        if (above_teams && programme_of(core, lead->programme)->mode == MODE_PUSH_PULL) {
            if (team_has_room(core, lead))
                waits_in_vain(sim, lead, "a team with room");
            continue;
        }
        for (uint32_t a = 0; a < core->n_known; a++)
            if (may_take(sim, lead, core->known[a]))
                waits_in_vain(sim, lead, core->known[a]->name);
    }
}

void sim_check(struct sim *sim)
{
    struct buf findings = {0};
    if (core_check(sim->core, &findings))
        fail_msg("seed %" PRIu64 " at %" PRId64 " ms: %.*s", sim->seed, sim->now_us / 1000, (int) findings.len,
                 (char *) findings.at);
    buf_fini(&findings);
    check_belief(sim);
    if (sim->n_workers == 0 || sim->judge_is_complete)
        check_waiting(sim);
}

void sim_same_state(struct sim *sim, const struct core *a, const struct core *b, const char *what)
{
    struct buf *one = &sim->dumps[0], *two = &sim->dumps[1];
    one->len = two->len = 0;
    core_dump(a, one);
    core_dump(b, two);
    if (one->len == two->len && memcmp(one->at, two->at, one->len) == 0)
        return;
    uint32_t at = 0, at_two = 0;
    struct row_ref row, other;
    while (row_next(slice_of(one->at, one->len), &at, &row) == 1)
        if (row_next(slice_of(two->at, two->len), &at_two, &other) != 1 || row.whole.len != other.whole.len ||
            memcmp(row.whole.at, other.whole.at, row.whole.len) != 0)
            fail_msg("seed %" PRIu64 " at %" PRId64 " ms: %s: they differ in the row of type %u, key %.*s", sim->seed,
                     sim->now_us / 1000, what, row.type, row.type <= ROW_LEAD ? 0 : (int) row.key.len,
                     (const char *) row.key.at);
    fail_msg("seed %" PRIu64 " at %" PRId64 " ms: %s: the second has more rows", sim->seed, sim->now_us / 1000, what);
}
