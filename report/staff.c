/* SPDX-License-Identifier: Apache-2.0
 * staff.c - see staff.h. On duty is counted by team and by programme as it changes,
 * so that a claim costs a look and not a count. */
#include "report/staff.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/buf.h"
#include "policy/policy_yaml.h"

struct staff {
    struct names *names;
    struct window window;
    struct duty *agents; /* by index */
    uint32_t n, room;
    int64_t paused_us; /* all outages so far */
    struct policy policy;
    uint32_t of_team[POLICY_TEAMS_MAX], of_programme[POLICY_PROGRAMMES_MAX], of_cell;
};

struct staff *staff_new(struct names *names, const struct window *window)
{
    struct staff *staff = calloc(1, sizeof *staff);
    assert(staff);
    staff->names = names;
    staff->window = *window;
    return staff;
}

void staff_destroy(struct staff **staff_p)
{
    if (!*staff_p)
        return;
    free((*staff_p)->agents);
    free(*staff_p);
    *staff_p = NULL;
}

/* ---- who can draw from what ---------------------------------------------------------------- */

static const struct policy_team *find_team(const struct policy *policy, struct slice name)
{
    for (uint32_t i = 0; i < policy->n_teams; i++)
        if (policy->teams[i].kind < UNIT_OFFICE && slice_is(name, policy->teams[i].name))
            return &policy->teams[i];
    return NULL;
}

/* A unit is there once for each programme. */
static const struct policy_team *find_unit(const struct policy *policy, uint32_t programme, struct slice name)
{
    for (uint32_t i = 0; i < policy->n_teams; i++)
        if (policy->teams[i].programme == programme && slice_is(name, policy->teams[i].name))
            return &policy->teams[i];
    return NULL;
}

static void count(struct staff *staff, const struct duty *agent, int by)
{
    const struct policy_team *team = find_team(&staff->policy, names_text(staff->names, agent->team));
    staff->of_cell += (uint32_t) by;
    if (!team)
        return;
    staff->of_programme[team->programme] += (uint32_t) by;
    staff->of_team[team - staff->policy.teams] += (uint32_t) by;
    while (team->in) { /* and of the units above it */
        team = &staff->policy.teams[team->in - 1];
        staff->of_team[team - staff->policy.teams] += (uint32_t) by;
    }
}

static void count_all(struct staff *staff)
{
    memset(staff->of_team, 0, sizeof staff->of_team);
    memset(staff->of_programme, 0, sizeof staff->of_programme);
    staff->of_cell = 0;
    for (uint32_t i = 0; i < staff->n; i++)
        if (staff->agents[i].on_duty)
            count(staff, &staff->agents[i], 1);
}

uint32_t staff_of_pool(const struct staff *staff, const char *pool)
{
    const size_t len = strcspn(pool, "/>");
    const char *rest = pool[len] ? pool + len + 1 : "";
    const struct programme *programme = staff_programme(staff, slice_of(pool, len));
    if (!programme)
        return 0;
    const uint32_t number = (uint32_t) (programme - staff->policy.programmes);
    if (pool[len] == '>')
        return 1;     /* it waits for one agent alone */
    if (*rest == '+') /* a ring, wider than its programme's own */
        return programme->widen == WIDEN_CELL ? staff->of_cell : staff->of_programme[number];
    const struct policy_team *team = *rest ? find_unit(&staff->policy, number, slice_of(rest, strlen(rest))) : NULL;
    return team ? staff->of_team[team - staff->policy.teams] : staff->of_programme[number];
}

/* ---- rows ------------------------------------------------------------------------------------- */

static struct duty *agent_at(struct staff *staff, uint32_t index)
{
    if (index >= staff->room) {
        const uint32_t room = index < 64 ? 64 : 2 * index;
        staff->agents = reallocarray(staff->agents, room, sizeof *staff->agents);
        assert(staff->agents);
        memset(staff->agents + staff->room, 0, (room - staff->room) * sizeof *staff->agents);
        staff->room = room;
    }
    if (index >= staff->n)
        staff->n = index + 1;
    return &staff->agents[index];
}

static void add_duty(const struct staff *staff, struct duty *agent, int64_t now_us)
{
    const struct window *window = &staff->window;
    const int64_t from_us = agent->since_us > window->from_us ? agent->since_us : window->from_us;
    const int64_t until_us = now_us < window->until_us ? now_us : window->until_us;
    if (agent->on_duty && until_us > from_us)
        agent->duty_us += until_us - from_us;
    agent->before_us = agent->on_duty ? agent->since_us : now_us;
    agent->since_us = now_us;
}

bool staff_agent(struct staff *staff, const struct row_ref *row, int64_t at_us)
{
    struct image_agent image;
    if (!image_agent(row, &image))
        return false;
    struct duty *agent = agent_at(staff, image.index);
    if (agent->on_duty)
        count(staff, agent, -1);
    add_duty(staff, agent, at_us);
    agent->name = names_number(staff->names, image.name);
    agent->team = names_number(staff->names, image.team);
    agent->known = true;
    agent->on_duty = image.on_duty;
    if (agent->on_duty)
        count(staff, agent, 1);
    return true;
}

/* Within an entry this row follows those of agents: a duty that ended there was counted with the outage in it. */
bool staff_cell(struct staff *staff, const struct row_ref *row, int64_t at_us)
{
    struct image_cell cell;
    if (!image_cell(row, &cell))
        return false;
    const int64_t outage_us = cell.paused_ms * 1000 - staff->paused_us;
    staff->paused_us += outage_us > 0 ? outage_us : 0;
    for (uint32_t i = 0; outage_us > 0 && i < staff->n; i++) {
        struct duty *agent = &staff->agents[i];
        const int64_t from_us = agent->since_us == at_us ? agent->before_us : agent->since_us;
        const int64_t off_us = outage_us < at_us - from_us ? outage_us : at_us - from_us;
        if (agent->since_us == at_us)
            agent->duty_us -= off_us < agent->duty_us ? off_us : agent->duty_us;
        else
            agent->since_us += off_us;
    }
    return true;
}

/* A policy that this program cannot read leaves the one before in force: a report is no decision. */
bool staff_policy(struct staff *staff, const struct row_ref *row)
{
    struct policy_glance glance;
    struct buf lines = {0};
    if (!policy_glance(row, &glance))
        return false;
    struct policy *policy = malloc(sizeof *policy);
    assert(policy);
    if (glance.version >= staff->policy.version &&
        policy_parse((const char *) glance.text.at, glance.text.len, "policy", policy, &lines) == 0) {
        staff->policy = *policy;
        staff->policy.version = glance.version;
        count_all(staff);
    }
    free(policy);
    buf_fini(&lines);
    return true;
}

void staff_end(struct staff *staff, int64_t now_us)
{
    for (uint32_t i = 0; i < staff->n; i++)
        add_duty(staff, &staff->agents[i], now_us);
}

/* ---- answers ------------------------------------------------------------------------------------ */

uint32_t staff_n(const struct staff *staff)
{
    return staff->n;
}

const struct duty *staff_duty(const struct staff *staff, uint32_t agent)
{
    return agent < staff->n && staff->agents[agent].known ? &staff->agents[agent] : NULL;
}

const struct programme *staff_programme(const struct staff *staff, struct slice name)
{
    for (uint32_t i = 0; i < staff->policy.n_programmes; i++)
        if (slice_is(name, staff->policy.programmes[i].name))
            return &staff->policy.programmes[i];
    return NULL;
}

const struct programme *staff_programme_of_team(const struct staff *staff, struct slice team)
{
    const struct policy_team *member = find_team(&staff->policy, team);
    return member ? &staff->policy.programmes[member->programme] : NULL;
}
