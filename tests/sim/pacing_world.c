/* SPDX-License-Identifier: Apache-2.0
 * pacing_world.c - see pacing_world.h. */
#include "tests/sim/pacing_world.h"

#include <stdio.h>

struct policy *slow_policy(void)
{
    struct policy *policy = sim_policy();
    policy->heartbeat_ms = 60 * SECOND;
    policy->lease_ms = 300 * SECOND;
    for (int i = 0; i < 3; i++) {
        struct programme *p = &policy->programmes[i];
        p->offer_ms = p->first_action_ms = p->activity_ms = p->disposition_ms = p->disposition_hard_ms =
            40 * (int64_t) DAY;
        p->unclaimed_ms = p->pipeline_grace_ms = 40 * (int64_t) DAY;
        p->wip_max = p->untouched_max = 100;
        p->evidence = EVIDENCE_ALL;
        p->note_required = false;
    }
    return policy;
}

struct sim *slow_story(const struct policy *policy)
{
    struct sim *sim = story_new(policy);
    sim_others_every(sim, 36 * SECOND); /* as often as agents do */
    return sim;
}

void add_limit(struct policy *policy, enum limit_of of, const char *name, enum limit_per per, enum limit_unit unit,
               uint64_t most)
{
    struct policy_limit *limit = &policy->limits[policy->n_limits++];
    *limit = (struct policy_limit){
        .of_cell = true, .of = (uint8_t) of, .per = (uint8_t) per, .unit = (uint8_t) unit, .most = most};
    snprintf(limit->name, sizeof limit->name, "%s", name);
}

struct policy *policy_with(enum limit_of of, enum limit_per per, uint64_t leads_milli)
{
    struct policy *policy = slow_policy();
    add_limit(policy, of, "", per, UNIT_LEADS, leads_milli);
    return policy;
}

struct id lead_that_costs(struct sim *sim, const char *source, uint32_t cents)
{
    const uint32_t key = 2000000 + (uint32_t) sim_core(sim)->leads.n;
    char payload[24];
    snprintf(payload, sizeof payload, "row-%u", key);
    sim_chunk(sim, key, source, 0, 0, &(struct sim_row){.key = key, .payload = payload, .cost_cents = cents}, 1);
    sim_run_ms(sim, 2);
    return sim_lead_id(key);
}

void crowd_in_trouble(struct sim *sim)
{
    static const char *const teams[] = {"east", "hunters", "north", "south"};
    for (uint32_t i = 0; i < 16; i++) {
        char name[16];
        snprintf(name, sizeof name, "agent-%02u", i);
        sim_agent(sim, name, teams[i % 4], i % 4 == 1 ? INTENT_ON_DEMAND : INTENT_AVAILABLE);
    }
    sim_faults(sim, (struct sim_faults){
                        .lose = 10, .repeat = 30, .silence = 5, .crash = 1, .worker_mute = 100, .delay_us = 20000});
}

void crash(struct sim *sim)
{
    sim_crash(sim);
    sim_run_ms(sim, 130 * SECOND);
}

void leads(struct sim *sim, const char *source, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        lead_that_costs(sim, source, 0);
}

uint32_t in_hand(struct sim *sim, const struct sim_agent *agent)
{
    return agent_open(story_core_agent(sim, agent));
}

enum reason why_none(struct sim *sim, const struct sim_agent *agent)
{
    enum reason why = REASON_OK;
    return agent_cards(sim_core(sim), story_core_agent(sim, agent), &why, NULL) ? REASON_OK : why;
}

const char *told(struct sim *sim, enum query_what what, const char *arg, const char *row, const char *column)
{
    static char text[512];
    struct msg_report report;
    core_report(sim_core(sim), &(struct msg_query){.what = what, .arg = slice_of(arg, strlen(arg)), .limit = 100},
                &report);
    for (uint32_t i = 0; i < report.n_rows * report.n_columns; i++) {
        const struct slice name = report.columns[i % report.n_columns];
        for (uint32_t c = 0; c < report.n_columns; c++) {
            const struct slice cell = report.cells[i / report.n_columns * report.n_columns + c];
            if (cell.len == strlen(row) && memcmp(cell.at, row, cell.len) == 0 && name.len == strlen(column) &&
                memcmp(name.at, column, name.len) == 0) {
                snprintf(text, sizeof text, "%.*s", (int) report.cells[i].len, (const char *) report.cells[i].at);
                return text;
            }
        }
    }
    return "";
}

const char *explained(struct sim *sim, struct id lead, const char *agent)
{
    char hex[33], row[80];
    id_to_hex(lead, hex);
    snprintf(row, sizeof row, "not %s", agent);
    return told(sim, QUERY_EXPLAIN, hex, row, "value");
}
