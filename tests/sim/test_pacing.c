/* SPDX-License-Identifier: Apache-2.0
 * test_pacing.c - how fast leads flow, as agents, teams and sources notice it: caps,
 * budgets, refunds, crowds. What a meter counts at its edges is tests/unit/test_meter.c.
 * The simulator compares the log with the state after every beat, so each test
 * proves as well that counters are in it. */
#include "tests/sim/pacing_world.h"

#include <stdio.h>
#include <stdlib.h>

static const int64_t midnight_ms = INT64_C(1700006400000); /* the first after the simulator's beginning */

static int64_t opens_in_ms(struct sim *sim, const struct sim_agent *agent)
{
    return limits_wait_ms(sim_core(sim), story_core_agent(sim, agent));
}

/* ---- caps -------------------------------------------------------------------------- */

/* proves 003-34, 3-14, 3-03: the cap of an hour slides, and what it frees comes by itself */
static void an_agent_gets_no_more_in_an_hour_than_its_cap_and_the_next_when_the_first_is_an_hour_old(void **state)
{
    (void) state;
    struct sim *sim = story_new(policy_with(LIMIT_AGENT, PER_HOUR, 2000));
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    leads(sim, "to-push", 2);
    const struct id third = lead_that_costs(sim, "to-push", 0);
    assert_int_equal(in_hand(sim, ana), 2);
    assert_int_equal(why_none(sim, ana), REASON_CAP_HOUR);
    assert_string_equal(told(sim, QUERY_AGENTS, "", "ana", "why_none"), "CAP_HOUR");
    assert_non_null(strstr(explained(sim, third, "ana"), "CAP_HOUR"));
    story_stays(sim, third, LEAD_POOLED, 1);
    sim_run_ms(sim, 59 * MINUTE + 50 * SECOND);
    assert_state(sim, third, POOLED);
    story_until_owner(sim, third, "ana", 70 * SECOND);
    sim_destroy(&sim);
}

/* proves 003-34, 3-14: midnight of the wall clock opens the day, to the millisecond */
static void a_cap_of_a_day_opens_at_midnight(void **state)
{
    (void) state;
    struct sim *sim = story_new(policy_with(LIMIT_AGENT, PER_DAY, 2000));
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    leads(sim, "to-push", 4);
    assert_int_equal(in_hand(sim, ana), 2);
    assert_int_equal(why_none(sim, ana), REASON_CAP_DAY);
    assert_in_range(opens_in_ms(sim, ana), midnight_ms - sim_now_ms(sim), midnight_ms - sim_now_ms(sim) + 4);
    sim_run_ms(sim, midnight_ms - sim_now_ms(sim));
    assert_int_equal(in_hand(sim, ana), 2);
    sim_run_ms(sim, 2);
    assert_int_equal(in_hand(sim, ana), 4);
    sim_destroy(&sim);
}

/* proves 3-14: each programme by its own wall clock */
static void midnight_is_that_of_the_programme(void **state)
{
    (void) state;
    struct policy *policy = policy_with(LIMIT_AGENT, PER_DAY, 1000);
    policy->n_zones = 2;
    policy->zones[1].zone.offset_s = -5 * 3600;
    policy->programmes[0].zone = 1;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    leads(sim, "to-push", 2);
    sim_run_ms(sim, midnight_ms - sim_now_ms(sim) + 10); /* of the cell */
    assert_int_equal(in_hand(sim, ana), 1);
    assert_in_range(opens_in_ms(sim, ana), 5 * HOUR - 400, 5 * HOUR + 400);
    sim_run_ms(sim, midnight_ms + 5 * HOUR - sim_now_ms(sim));
    assert_int_equal(in_hand(sim, ana), 1);
    sim_run_ms(sim, 2);
    assert_int_equal(in_hand(sim, ana), 2);
    sim_destroy(&sim);
}

static void a_week_and_a_month_are_caps_as_well(void **state)
{
    (void) state;
    static const enum reason reasons[PERIODS] = {[PER_WEEK] = REASON_CAP_WEEK, [PER_MONTH] = REASON_CAP_MONTH};
    static const int64_t opens[PERIODS] = {[PER_WEEK] = INT64_C(1700438400000), [PER_MONTH] = INT64_C(1701388800000)};
    for (enum limit_per per = PER_WEEK; per <= PER_MONTH; per++) {
        struct sim *sim = story_new(policy_with(LIMIT_AGENT, per, 1000));
        struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
        leads(sim, "to-push", 2);
        assert_int_equal(why_none(sim, ana), reasons[per]);
        sim_stall(sim, opens[per] - sim_now_ms(sim) - 1000);
        sim_run_ms(sim, 999);
        assert_int_equal(in_hand(sim, ana), 1);
        sim_run_ms(sim, 3);
        assert_int_equal(in_hand(sim, ana), 2);
        sim_destroy(&sim);
    }
}

/* proves the defect of Odoo (monthly capacity below 15) over days and restarts */
static void half_a_lead_a_day_is_one_every_second_day_over_restarts(void **state)
{
    (void) state;
    struct sim *sim = story_new(policy_with(LIMIT_AGENT, PER_DAY, 500));
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    leads(sim, "to-push", 10);
    for (uint32_t day = 0; day < 6; day++) {
        assert_int_equal(in_hand(sim, ana), day / 2 + 1);
        if (day % 2)
            crash(sim);
        sim_stall(sim, DAY);
        sim_run_ms(sim, 5);
    }
    sim_destroy(&sim);
}

static void gives_each_to_another(void *context, const struct msg_request *request, struct verdict *verdicts,
                                  struct msg_decision *decision)
{
    (void) context;
    (void) decision;
    for (uint32_t i = 0; i < request->n_leads && i < request->n_agents; i++)
        verdicts[i].agent = i + 1;
}

/* proves 3-14: a cap of a team, with its members in several windows at once */
static void a_team_is_never_over_while_many_windows_are_out(void **state)
{
    (void) state;
    for (uint32_t seed = 0; seed < 20; seed++) {
        struct policy *policy = policy_with(LIMIT_TEAM, PER_DAY, 7000);
        add_limit(policy, LIMIT_AGENT, "", PER_HOUR, UNIT_LEADS, 2000);
        policy->scorer_deadline_ms = 200;
        struct sim *sim = sim_new(seed + 1, policy);
        struct sim_agent *agents[200];
        sim_workers(sim, 4);
        sim_judge(sim, gives_each_to_another, NULL, 15000, false);
        for (int i = 0; i < 200; i++) { /* more than a window holds */
            char name[16];
            snprintf(name, sizeof name, "a%03d", i);
            agents[i] = sim_agent(sim, name, "east", INTENT_AVAILABLE);
            agents[i]->by_hand = true;
        }
        sim_run_ms(sim, 400);
        for (int i = 0; i < 12; i++) {
            sim_submit(sim, "to-push", 10);
            sim_run_ms(sim, 1);
        }
        sim_run_ms(sim, 1000);
        uint32_t sum = 0;
        for (int i = 0; i < 200; i++) {
            assert_in_range(in_hand(sim, agents[i]), 0, 2);
            sum += in_hand(sim, agents[i]);
        }
        assert_int_equal(sum, 7);
        assert_true(sim_asked(sim) > 1);
        assert_int_equal(why_none(sim, agents[150]), REASON_TEAM_LIMIT);
        sim_destroy(&sim);
    }
}

/* Who waits for a lead of the team's next window gets one: each, not whoever looks first. */
static void when_a_limit_of_a_team_opens_each_of_it_that_waits_has_room(void **state)
{
    (void) state;
    struct policy *policy = policy_with(LIMIT_TEAM, PER_DAY, 3000);
    struct sim_agent *agents[3];
    static const char *const names[] = {"ana", "ben", "cleo"};
    policy->programmes[0].wip_max = 1;
    struct sim *sim = story_new(policy);
    for (int i = 0; i < 3; i++)
        agents[i] = story_agent(sim, names[i], "east", INTENT_AVAILABLE);
    leads(sim, "to-push", 3);
    for (int i = 0; i < 3; i++) {
        const struct id lead = agents[i]->held[0].lead;
        story_work_up_to(sim, agents[i], lead, LEAD_WORKING);
        assert_int_equal(story_dispose(sim, agents[i], lead, DISPOSITION_SALE, "sold"), REASON_OK);
    }
    leads(sim, "to-push", 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(why_none(sim, agents[i]), REASON_TEAM_LIMIT);
    sim_run_ms(sim, midnight_ms - sim_now_ms(sim) + 5);
    for (int i = 0; i < 3; i++)
        assert_int_equal(in_hand(sim, agents[i]), 1);
    sim_destroy(&sim);
}

static void what_is_said_by_name_holds_instead_of_what_is_said_of_all(void **state)
{
    (void) state;
    struct policy *policy = policy_with(LIMIT_AGENT, PER_DAY, 1000);
    add_limit(policy, LIMIT_AGENT, "ana", PER_DAY, UNIT_LEADS, 3000);
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    leads(sim, "to-push", 6);
    assert_int_equal(in_hand(sim, ana), 3);
    assert_int_equal(in_hand(sim, ben), 1);
    assert_string_equal(told(sim, QUERY_LIMITS, "", "ana", "used"), "3");
    assert_string_equal(told(sim, QUERY_LIMITS, "", "ben", "most"), "1");
    sim_destroy(&sim);
}

/* proves 002-05, 003-34: pull is limited as push is, and told for how long */
static void a_pull_over_the_cap_is_refused_with_the_time_until_it_opens(void **state)
{
    (void) state;
    struct sim *sim = story_new(policy_with(LIMIT_AGENT, PER_DAY, 1000));
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    leads(sim, "to-pull", 2);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    const struct id first = ana->ready.lead;
    story_work_up_to(sim, ana, first, LEAD_WORKING);
    assert_int_equal(story_dispose(sim, ana, first, DISPOSITION_SALE, "sold"), REASON_OK);
    assert_int_equal(story_ready(sim, ana, 0), REASON_CAP_DAY);
    assert_about((int64_t) ana->ready.wait_ms, midnight_ms - sim_now_ms(sim) + 2);
    sim_stall(sim, ana->ready.wait_ms);
    sim_run_ms(sim, 2);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    sim_destroy(&sim);
}

/* A callback was promised: no cap of new leads may hold it up. */
static void a_lead_that_comes_back_to_its_owner_is_no_new_lead(void **state)
{
    (void) state;
    static const struct {
        const char *team, *source;
        enum intent intent;
    } kinds[] = {{"east", "to-push", INTENT_AVAILABLE}, {"hunters", "to-pull", INTENT_ON_DEMAND}};
    for (int i = 0; i < 2; i++) {
        struct sim *sim = story_new(policy_with(LIMIT_AGENT, PER_DAY, 1000));
        struct sim_agent *ana = story_agent(sim, "ana", kinds[i].team, kinds[i].intent);
        const struct id lead = lead_that_costs(sim, kinds[i].source, 0),
                        next = lead_that_costs(sim, kinds[i].source, 0);
        if (i)
            story_ready(sim, ana, 0);
        story_work_up_to(sim, ana, lead, LEAD_WORKING);
        assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_NO_ANSWER, "rang out"), REASON_OK);
        assert_int_equal(why_none(sim, ana), i ? REASON_CAP_DAY : REASON_CAP_DAY);
        sim_run_ms(sim, 1100); /* the first gap */
        if (i)
            assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
        story_until_state(sim, lead, LEAD_OWNED, 10);
        assert_owner(sim, lead, "ana");
        assert_state(sim, next, POOLED);
        assert_string_equal(told(sim, QUERY_LIMITS, "", "ana", "used"), "1");
        sim_destroy(&sim);
    }
}

/* ---- refunds ----------------------------------------------------------------------- */

static const char *used(struct sim *sim, const char *name)
{
    return told(sim, QUERY_LIMITS, "", name, "used");
}

/* proves 3-14: what comes back without having been accepted is refunded, to the agent and to its team */
static void a_declined_and_a_lapsed_offer_are_refunded(void **state)
{
    (void) state;
    struct policy *policy = policy_with(LIMIT_AGENT, PER_DAY, 2000);
    add_limit(policy, LIMIT_TEAM, "", PER_DAY, UNIT_LEADS, 5000);
    policy->programmes[0].offer_ms = 20 * SECOND;
    policy->programmes[0].decline_exclusion_ms = DAY;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id first = lead_that_costs(sim, "to-push", 0);
    const struct id second = lead_that_costs(sim, "to-push", 0);
    assert_string_equal(used(sim, "ana"), "2");
    story_act(sim, ana, first, VERB_DECLINE);
    assert_string_equal(used(sim, "ana"), "1");
    assert_string_equal(used(sim, "east"), "1");
    sim_run_ms(sim, 21 * SECOND);
    assert_state(sim, second, POOLED);
    assert_string_equal(used(sim, "ana"), "0");
    assert_string_equal(used(sim, "east"), "0");
    sim_destroy(&sim);
}

static void a_lead_lost_with_the_connection_before_the_first_action_is_refunded(void **state)
{
    (void) state;
    struct sim *sim = story_new(policy_with(LIMIT_AGENT, PER_DAY, 3000));
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id offered = lead_that_costs(sim, "to-push", 0);
    const struct id owned = lead_that_costs(sim, "to-push", 0), worked = lead_that_costs(sim, "to-push", 0);
    story_work_up_to(sim, ana, owned, LEAD_OWNED);
    story_work_up_to(sim, ana, worked, LEAD_WORKING);
    sim_silence(sim, ana, true);
    sim_run_ms(sim, 400 * SECOND);
    assert_true(sim_state(sim, offered) == LEAD_POOLED && sim_state(sim, owned) == LEAD_POOLED);
    assert_string_equal(used(sim, "ana"), "1"); /* the one that was worked on */
    sim_destroy(&sim);
}

static void what_was_accepted_and_then_left_alone_or_given_back_is_not_refunded(void **state)
{
    (void) state;
    struct policy *policy = policy_with(LIMIT_AGENT, PER_DAY, 5000);
    policy->programmes[0].first_action_ms = 30 * SECOND;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id late = lead_that_costs(sim, "to-push", 0), released = lead_that_costs(sim, "to-push", 0);
    story_act(sim, ana, late, VERB_ACCEPT);
    story_act(sim, ana, released, VERB_ACCEPT);
    story_act(sim, ana, released, VERB_RELEASE);
    sim_run_ms(sim, 31 * SECOND);
    assert_true(sim_state(sim, late) == LEAD_POOLED && sim_state(sim, released) == LEAD_POOLED);
    assert_string_equal(used(sim, "ana"), "2");
    sim_destroy(&sim);
}

static void a_team_is_not_refunded_for_what_another_team_was_charged(void **state)
{
    (void) state;
    struct policy *policy = policy_with(LIMIT_TEAM, PER_DAY, 1000);
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "north", INTENT_AVAILABLE);
    struct sim_agent *ben = story_agent(sim, "ben", "south", INTENT_AVAILABLE);
    leads(sim, "to-pushpull", 2);
    assert_int_equal(in_hand(sim, ana), 1);
    assert_int_equal(in_hand(sim, ben), 1);
    snprintf(ana->team, sizeof ana->team, "south");
    sim_hello(sim, ana);
    sim_run_ms(sim, 5);
    story_act(sim, ana, ana->held[0].lead, VERB_DECLINE);
    sim_run_ms(sim, 100);
    assert_string_equal(used(sim, "south"), "1"); /* ben's; what ana declined was north's */
    assert_int_equal(in_hand(sim, ben), 1);
    sim_destroy(&sim);
}

/* ---- money ------------------------------------------------------------------------- */

/* proves 4-07: pacing by what leads cost; a lead too dear for one is had by another */
static void a_budget_is_never_overdrawn_and_a_lead_too_dear_goes_to_who_can_afford_it(void **state)
{
    (void) state;
    struct policy *policy = slow_policy();
    add_limit(policy, LIMIT_AGENT, "", PER_DAY, UNIT_CENTS, 10000);
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id first = lead_that_costs(sim, "to-push", 6000), dear = lead_that_costs(sim, "to-push", 6000);
    assert_owner(sim, first, "ana");
    assert_state(sim, dear, POOLED);
    assert_non_null(strstr(explained(sim, dear, "ana"), "budget"));
    const struct id cheap = lead_that_costs(sim, "to-push", 3000);
    assert_owner(sim, cheap, "ana");
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    assert_owner(sim, dear, "ben");
    const struct id last = lead_that_costs(sim, "to-push", 6000);
    assert_state(sim, last, POOLED);
    assert_string_equal(told(sim, QUERY_LIMITS, "", "ana", "used"), "90.00");
    assert_int_equal(in_hand(sim, ana) + in_hand(sim, ben), 3);
    sim_run_ms(sim, midnight_ms - sim_now_ms(sim) + 2); /* the next day it can be had */
    assert_int_equal(in_hand(sim, ana) + in_hand(sim, ben), 4);
    sim_destroy(&sim);
}

static void what_a_lead_that_came_back_had_cost_buys_one_that_was_too_dear(void **state)
{
    (void) state;
    struct policy *policy = slow_policy();
    add_limit(policy, LIMIT_TEAM, "", PER_DAY, UNIT_CENTS, 10000);
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    const struct id first = lead_that_costs(sim, "to-push", 6000), dear = lead_that_costs(sim, "to-push", 6001);
    assert_owner(sim, first, "ana");
    assert_state(sim, dear, POOLED);
    story_work_up_to(sim, ana, first, LEAD_OWNED);
    sim_intent(sim, ana, INTENT_AWAY);
    assert_int_equal(story_order(sim, first, ORDER_RELEASE, "", 0), REASON_OK);
    story_until_owner(sim, dear, "ben", 50);
    sim_destroy(&sim);
}

static void a_window_that_would_overdraw_a_budget_is_cut_row_by_row(void **state)
{
    (void) state;
    struct policy *policy = slow_policy();
    add_limit(policy, LIMIT_TEAM, "", PER_MONTH, UNIT_CENTS, 10000);
    struct sim *sim = story_new(policy);
    struct sim_row rows[12];
    for (uint32_t i = 0; i < 12; i++)
        rows[i] = (struct sim_row){.key = 500 + i, .payload = "a row", .cost_cents = 3000};
    sim_chunk(sim, 77, "to-push", 0, 0, rows, 12);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 50);
    assert_int_equal(in_hand(sim, ana) + in_hand(sim, ben), 3);
    assert_string_equal(used(sim, "east"), "90.00");
    sim_destroy(&sim);
}

/* ---- sources ----------------------------------------------------------------------- */

/* proves 003-34: a source over its cap is told so row by row, and nothing is taken and dropped */
static void rows_over_the_cap_of_their_source_are_refused_by_name(void **state)
{
    (void) state;
    struct policy *policy = policy_with(LIMIT_SOURCE, PER_DAY, 3000);
    struct sim *sim = story_new(policy);
    struct sim_row rows[5];
    for (uint32_t i = 0; i < 5; i++)
        rows[i] = (struct sim_row){.key = 900 + i, .payload = "a row"};
    sim_manifest(sim, 5, "to-push", 5, 1);
    sim_chunk(sim, 88, "to-push", 5, 0, rows, 5);
    sim_run_ms(sim, 2);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(sim_receipt(sim)->outcomes[i], i < 3 ? REASON_OK : REASON_CAP_DAY);
    assert_int_equal(sim_core(sim)->leads.n, 3);
    sim_manifest(sim, 5, "to-push", 0, 0);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_manifest_state(sim)->accepted, 3);
    assert_int_equal(sim_manifest_state(sim)->rejected, 2);
    sim_chunk(sim, 88, "to-push", 5, 0, rows, 5); /* said again: the same answer, and nothing counted twice */
    sim_run_ms(sim, 2);
    assert_int_equal(sim_receipt(sim)->outcomes[2], REASON_OK);
    assert_int_equal(sim_receipt(sim)->outcomes[3], REASON_CAP_DAY);
    sim_chunk(sim, 89, "to-pull", 0, 0, &(struct sim_row){.key = 990, .payload = "another source"}, 1);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_receipt(sim)->outcomes[0], REASON_OK);
    sim_crash(sim); /* counters outlast it */
    sim_run_ms(sim, 1000);
    sim_chunk(sim, 90, "to-push", 0, 0, &rows[3], 1);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_receipt(sim)->outcomes[0], REASON_CAP_DAY);
    sim_stall(sim, DAY);
    sim_chunk(sim, 91, "to-push", 0, 0, &rows[3], 2);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_receipt(sim)->outcomes[0], REASON_OK);
    assert_int_equal(sim_core(sim)->leads.n, 6);
    sim_destroy(&sim);
}

static void a_budget_of_a_source_refuses_the_row_that_would_break_it(void **state)
{
    (void) state;
    struct policy *policy = slow_policy();
    add_limit(policy, LIMIT_SOURCE, "to-push", PER_MONTH, UNIT_CENTS, 5000);
    struct sim *sim = story_new(policy);
    const struct sim_row rows[] = {{.key = 1, .payload = "a", .cost_cents = 4000},
                                   {.key = 2, .payload = "b", .cost_cents = 2000},
                                   {.key = 3, .payload = "c", .cost_cents = 1000}};
    sim_chunk(sim, 1, "to-push", 0, 0, rows, 3);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_receipt(sim)->outcomes[0], REASON_OK);
    assert_int_equal(sim_receipt(sim)->outcomes[1], REASON_BUDGET);
    assert_int_equal(sim_receipt(sim)->outcomes[2], REASON_OK);
    sim_destroy(&sim);
}

/* ---- crowds ------------------------------------------------------------------------ */

static struct policy *random_policy(struct sim *sim)
{
    struct policy *policy = sim_policy();
    static const enum limit_of kinds[] = {LIMIT_AGENT, LIMIT_TEAM};
    for (int k = 0; k < 2; k++)
        for (enum limit_per per = PER_HOUR; per < PERIODS; per++)
            if (sim_rand(sim, 2))
                add_limit(policy, kinds[k], "", per, UNIT_LEADS, 1000 * (2 + sim_rand(sim, k ? 30 : 8)));
    if (sim_rand(sim, 2))
        add_limit(policy, LIMIT_AGENT, "", PER_OUTCOME, UNIT_LEADS, 1000 * (1 + sim_rand(sim, 6)));
    if (sim_rand(sim, 2))
        add_limit(policy, LIMIT_AGENT, "", PER_DAY, UNIT_LEADS, 1500 + sim_rand(sim, 3000));
    for (int i = 0; i < 3; i++) {
        policy->programmes[i].evidence = EVIDENCE_ALL;
        policy->programmes[i].inactive_ms = sim_rand(sim, 2) ? 3000 : 0;
        policy->programmes[i].unworked_max = sim_rand(sim, 2) ? 4 : 0;
        policy->programmes[i].ramp_leads = sim_rand(sim, 2) ? 2 : 0;
        policy->programmes[i].ramp_ms = 10 * SECOND;
        policy->programmes[i].ramp_after_ms = 5 * SECOND;
    }
    return policy;
}

/* Whom a lead went to last and was charged for it, and still has it or closed it: at least so many were given. */
static uint64_t kept(const struct core *core, const struct agent *agent, uint32_t team, int64_t since_us)
{
    uint64_t n = 0;
    for (uint32_t i = 0; i < core->leads.n; i++) {
        const struct lead *lead = lead_at(&core->leads, i);
        const struct decision *decision = lead->past ? &lead->past->decision : NULL;
        if (!decision || decision->winner == NONE || decision->at_us < since_us || lead->state <= LEAD_POOLED ||
            lead->state == LEAD_REVOKING)
            continue;
        const struct agent *winner = core->agents[decision->winner];
        n += agent ? winner == agent && (decision->counted & COUNTED_AGENT)
                   : winner->team == team && (decision->counted & COUNTED_TEAM);
    }
    return n;
}

static void check_meter(struct sim *sim, const struct meter *meter, const struct agent *agent, uint32_t team)
{
    const struct core *core = sim_core(sim);
    if (!meter)
        return;
    for (enum limit_per per = PER_HOUR; per < PERIODS; per++) {
        const uint64_t most = meter->quotas.most[per][UNIT_LEADS];
        const uint64_t counted = meter_used(&meter->counts, &meter->quotas, per, UNIT_LEADS, sim_now_ms(sim));
        if (most)
            assert_true(counted <= (most + 999) / 1000);
        if (per == PER_DAY || per == PER_HOUR) /* it all lies within the hour */
            assert_true(kept(core, agent, team, 0) <= counted);
    }
}

static void check_undecided(const struct agent *agent)
{
    const uint64_t most = agent->meter ? agent->meter->quotas.most[PER_OUTCOME][UNIT_LEADS] / 1000 : 0;
    const uint32_t has = agent_open(agent) + agent->pipeline;
    if (most == 0)
        return;
    assert_true(has <= most);
    assert_int_equal(agent->meter->counts.undecided[UNIT_LEADS], has);
}

static void crowd(uint64_t seed, uint32_t *closed)
{
    static const char *const sources[] = {"to-push", "to-pull", "to-pushpull"};
    struct sim *dice = sim_new(seed, sim_policy()), *sim = sim_new(seed, random_policy(dice));
    sim_destroy(&dice);
    sim_audit_every(sim, 16);
    sim_workers(sim, (uint32_t) (seed % 4));
    crowd_in_trouble(sim);
    for (uint32_t i = 0; i < 12; i++) {
        sim_submit(sim, sources[sim_rand(sim, 3)], 1 + sim_rand(sim, 20));
        sim_run_ms(sim, 800);
        const struct core *core = sim_core(sim);
        for (uint32_t a = 0; a < core->n_known; a++) {
            enum reason why = REASON_OK;
            check_meter(sim, core->known[a]->meter, core->known[a], NONE);
            check_undecided(core->known[a]);
            *closed += limits_room(core, core->known[a], &why) == 0;
        }
        for (uint32_t t = 0; t < core->policy.n_teams; t++)
            check_meter(sim, core->team_meters[t], NULL, t);
    }
    assert_int_equal(sim_lost(sim), 0);
    sim_destroy(&sim);
}

/* proves 3-14, 003-34: lost and repeated messages, crashes, workers with many windows: never over */
static void no_crowd_gets_over_a_limit(void **state)
{
    (void) state;
    uint32_t closed = 0;
    for (uint64_t seed = 1; seed <= 40; seed++)
        crowd(seed, &closed);
    printf("%u times somebody was at a limit\n", closed);
    assert_true(closed > 500);
}

/* ---- all caps at once ---------------------------------------------------------------- */

enum { WEEKS_ROWS_MAX = 2048, PEOPLE = 3 };
static const uint32_t caps[][PERIODS] = {
    [LIMIT_AGENT] = {[PER_HOUR] = 2, [PER_DAY] = 5, [PER_WEEK] = 16, [PER_MONTH] = 36},
    [LIMIT_TEAM] = {[PER_HOUR] = 12, [PER_DAY] = 40, [PER_WEEK] = 120, [PER_MONTH] = 300},
    [LIMIT_SOURCE] = {[PER_HOUR] = 15, [PER_DAY] = 60, [PER_WEEK] = 200, [PER_MONTH] = 500},
};

/* By a calendar of its own: November and December 2023, in UTC. */
static bool same_window(enum limit_per per, int64_t from_ms, int64_t at_ms)
{
    const int64_t monday_ms = INT64_C(1699833600000), december_ms = INT64_C(1701388800000);
    if (per == PER_HOUR)
        return at_ms - from_ms < HOUR;
    if (per == PER_DAY)
        return from_ms / DAY == at_ms / DAY;
    if (per == PER_WEEK)
        return (from_ms - monday_ms) / (7 * DAY) == (at_ms - monday_ms) / (7 * DAY);
    return (from_ms < december_ms) == (at_ms < december_ms);
}

/* The most that fell into one window; the times ascend. */
static uint32_t most_of(enum limit_per per, const int64_t *at_ms, uint32_t n)
{
    uint32_t most = 0;
    for (uint32_t first = 0, last = 0; last < n; last++) {
        while (!same_window(per, at_ms[first], at_ms[last]))
            first++;
        most = last - first + 1 > most ? last - first + 1 : most;
    }
    return most;
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

/* When leads were given to ana, to her team, and taken from the source. */
static void assert_each_cap_was_reached_and_none_passed(struct sim *sim, const struct sim_agent *ana)
{
    static int64_t times[LIMIT_SOURCE + 1][WEEKS_ROWS_MAX];
    uint32_t n[LIMIT_SOURCE + 1] = {0};
    const struct core *core = sim_core(sim);
    assert_in_range(core->leads.n, 1, WEEKS_ROWS_MAX);
    for (uint32_t i = 0; i < core->leads.n; i++) {
        const struct lead *lead = lead_at(&core->leads, i);
        times[LIMIT_SOURCE][n[LIMIT_SOURCE]++] = lead->received_us / 1000;
        if (!lead->past || lead->past->decision.winner == NONE)
            continue;
        times[LIMIT_TEAM][n[LIMIT_TEAM]++] = lead->past->decision.at_us / 1000;
        if (strcmp(core->agents[lead->past->decision.winner]->name, ana->name) == 0)
            times[LIMIT_AGENT][n[LIMIT_AGENT]++] = lead->past->decision.at_us / 1000;
    }
    for (enum limit_of of = LIMIT_AGENT; of <= LIMIT_SOURCE; of++) {
        qsort(times[of], n[of], sizeof times[of][0], ascending);
        for (enum limit_per per = PER_HOUR; per < PERIODS; per++)
            if (most_of(per, times[of], n[of]) != caps[of][per])
                fail_msg("limit %u, period %u: %u of %u at most", of, per, most_of(per, times[of], n[of]),
                         caps[of][per]);
    }
}

/* Three quarters of an hour: rows come while workers think, some of them twice; all that is given is worked off. */
static void let_a_while_pass(struct sim *sim, struct sim_agent *agents[PEOPLE], uint32_t *key)
{
    sim_run_ms(sim, 5);
    for (int chunk = 0; chunk < 10; chunk++) {
        struct sim_row rows[2] = {{.key = ++*key, .payload = "a"}, {.key = ++*key, .payload = "b"}};
        for (int twice = 0; twice <= chunk % 2; twice++)
            sim_chunk(sim, *key, "to-push", 0, 0, rows, 2);
        sim_run_ms(sim, 1);
    }
    for (int round = 0; round < 3; round++) {
        sim_run_ms(sim, 60);
        for (int i = 0; i < PEOPLE; i++)
            while (agents[i]->n_held) {
                const struct id lead = agents[i]->held[0].lead;
                story_work_up_to(sim, agents[i], lead, LEAD_WORKING);
                assert_int_equal(story_dispose(sim, agents[i], lead, DISPOSITION_SALE, "sold"), REASON_OK);
            }
    }
    sim_stall(sim, 45 * MINUTE);
}

/* proves 003-34: hour, day, week and month, of an agent, its team and a source, all in one policy, under four workers
 */
static void all_caps_hold_at_once_for_three_weeks_and_each_is_used_up(void **state)
{
    (void) state;
    static const char *const names[] = {"ana", "ben", "cleo"}, *const of[] = {"ana", "east", "to-push"};
    struct policy *policy = slow_policy();
    struct sim_agent *agents[PEOPLE];
    uint32_t key = 0;
    policy->scorer_deadline_ms = 200;
    for (enum limit_of kind = LIMIT_AGENT; kind <= LIMIT_SOURCE; kind++)
        for (enum limit_per per = PER_HOUR; per < PERIODS; per++)
            add_limit(policy, kind, of[kind - LIMIT_AGENT], per, UNIT_LEADS, 1000 * caps[kind][per]);
    struct sim *sim = story_new(policy);
    sim_audit_every(sim, 64);
    sim_workers(sim, 4);
    sim_judge(sim, story_decide, NULL, 10000, false);
    for (int i = 0; i < PEOPLE; i++)
        agents[i] = story_agent(sim, names[i], "east", INTENT_AVAILABLE);
    for (int day = 0; day < 20; day++) {
        const int64_t nine_ms = (sim_now_ms(sim) / DAY + 1) * DAY + 9 * (int64_t) HOUR;
        sim_stall(sim, nine_ms - sim_now_ms(sim));
        for (int i = 0; i < 10; i++)
            let_a_while_pass(sim, agents, &key);
        if (day % 5 == 2)
            crash(sim);
    }
    assert_each_cap_was_reached_and_none_passed(sim, agents[0]);
    sim_destroy(&sim);
}

/* What a damaged record says of limits is refused. */
static void a_row_of_limits_that_cannot_be_is_not_taken(void **state)
{
    (void) state;
    struct sim *sim = story_new(policy_with(LIMIT_AGENT, PER_DAY, 5000));
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    leads(sim, "to-push", 1);
    struct buf body = {0};
    struct row_ref row;
    uint32_t refused = 0, n = 0;
    core_dump(sim_core(sim), &body);
    for (uint32_t at = 0; row_next(slice_of(body.at, body.len), &at, &row) == 1;) {
        struct core *core = core_new(sim_policy());
        n += row.type == ROW_METER;
        if (row.type == ROW_METER) {
            assert_true(core_apply(core, &row));
            row.payload.len--;
            refused += !core_apply(core, &row);
            row.payload.len++;
            row.key = slice_of("x-ana", 5);
            refused += !core_apply(core, &row);
        }
        core_destroy(&core);
    }
    assert_int_equal(n, 1);
    assert_int_equal(refused, 2);
    buf_fini(&body);
    sim_destroy(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_agent_gets_no_more_in_an_hour_than_its_cap_and_the_next_when_the_first_is_an_hour_old),
        cmocka_unit_test(a_cap_of_a_day_opens_at_midnight),
        cmocka_unit_test(midnight_is_that_of_the_programme),
        cmocka_unit_test(a_week_and_a_month_are_caps_as_well),
        cmocka_unit_test(half_a_lead_a_day_is_one_every_second_day_over_restarts),
        cmocka_unit_test(a_team_is_never_over_while_many_windows_are_out),
        cmocka_unit_test(when_a_limit_of_a_team_opens_each_of_it_that_waits_has_room),
        cmocka_unit_test(what_is_said_by_name_holds_instead_of_what_is_said_of_all),
        cmocka_unit_test(a_pull_over_the_cap_is_refused_with_the_time_until_it_opens),
        cmocka_unit_test(a_lead_that_comes_back_to_its_owner_is_no_new_lead),
        cmocka_unit_test(a_declined_and_a_lapsed_offer_are_refunded),
        cmocka_unit_test(a_lead_lost_with_the_connection_before_the_first_action_is_refunded),
        cmocka_unit_test(what_was_accepted_and_then_left_alone_or_given_back_is_not_refunded),
        cmocka_unit_test(a_team_is_not_refunded_for_what_another_team_was_charged),
        cmocka_unit_test(a_budget_is_never_overdrawn_and_a_lead_too_dear_goes_to_who_can_afford_it),
        cmocka_unit_test(what_a_lead_that_came_back_had_cost_buys_one_that_was_too_dear),
        cmocka_unit_test(a_window_that_would_overdraw_a_budget_is_cut_row_by_row),
        cmocka_unit_test(rows_over_the_cap_of_their_source_are_refused_by_name),
        cmocka_unit_test(a_budget_of_a_source_refuses_the_row_that_would_break_it),
        cmocka_unit_test(a_row_of_limits_that_cannot_be_is_not_taken),
        cmocka_unit_test(no_crowd_gets_over_a_limit),
        cmocka_unit_test(all_caps_hold_at_once_for_three_weeks_and_each_is_used_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
