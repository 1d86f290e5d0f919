/* SPDX-License-Identifier: Apache-2.0
 * stories_strategies.c - a story a strategy: the core asks, a real worker's
 * arithmetic decides (worker/score.c), and what a strategy must remember between
 * two windows is found again after a crash. */
#include "tests/sim/story.h"

static const char *const names[] = {"ana", "ben", "cleo"};
enum { AGENTS = 3 };

static struct policy *policy_of(enum strategy strategy)
{
    struct policy *policy = sim_policy();
    policy->programmes[0].strategy = strategy;
    policy->programmes[0].wip_max = policy->programmes[0].untouched_max = 50;
    policy->programmes[0].offer_ms = policy->programmes[0].first_action_ms = 600000;
    return policy;
}

static void list(struct policy *policy, const char *name, uint32_t weight)
{
    struct policy_agent *listed = &policy->agents[policy->n_agents++];
    *listed = (struct policy_agent){.weight = weight};
    snprintf(listed->name, sizeof listed->name, "%s", name);
}

static struct sim *world(const struct policy *policy, struct sim_agent *agents[AGENTS])
{
    struct sim *sim = story_new(policy);
    sim_judge(sim, story_decide, NULL, 100, false);
    sim_workers(sim, 1);
    for (int i = 0; i < AGENTS; i++)
        agents[i] = story_agent(sim, names[i], "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 700);
    return sim;
}

/* Who gets the next lead, by a worker's choice. */
static uint32_t next(struct sim *sim)
{
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    assert_int_equal(story_of(sim, lead)->past->decision.by, REASON_SCORED);
    for (uint32_t i = 0; i < AGENTS; i++)
        if (strcmp(sim_owner(sim, lead), names[i]) == 0)
            return i;
    fail_msg("nobody has it");
    return 0;
}

static void crash(struct sim *sim)
{
    sim_crash(sim);
    sim_run_ms(sim, 1200);
}

static void weights_of_the_policy_are_honoured_over_crashes(void **state)
{
    (void) state;
    struct policy *policy = policy_of(STRATEGY_WEIGHTED_ROUND_ROBIN);
    struct sim_agent *agents[AGENTS];
    uint32_t given[AGENTS] = {0};
    list(policy, "cleo", 3); /* the others weigh 1 */
    struct sim *sim = world(policy, agents);
    for (int i = 1; i <= 20; i++) {
        given[next(sim)]++;
        if (i % 3 == 0)
            crash(sim);
    }
    assert_int_equal(given[0], 4);
    assert_int_equal(given[1], 4);
    assert_int_equal(given[2], 12);
    sim_destroy(&sim);
}

/* proves 003-42: the manager turns the tap, and the next lead flows by it */
static void other_weights_hold_at_once(void **state)
{
    (void) state;
    struct policy *policy = policy_of(STRATEGY_WEIGHTED_ROUND_ROBIN);
    struct sim_agent *agents[AGENTS];
    uint32_t given[2][AGENTS] = {0};
    list(policy, "cleo", 3);
    struct sim *sim = world(policy, agents);
    for (int i = 0; i < 10; i++)
        given[0][next(sim)]++;
    policy->n_agents = 0;
    list(policy, "ana", 8);
    sim_apply(sim, policy);
    sim_run_ms(sim, 5);
    assert_int_equal(sim_applied(sim, NULL), REASON_OK);
    for (int i = 0; i < 20; i++)
        given[1][next(sim)]++;
    assert_int_equal(given[0][2], 6);
    assert_in_range(given[1][0], 15, 17);
    assert_in_range(given[1][2], 1, 3);
    sim_destroy(&sim);
}

static void who_was_away_is_not_flooded_by_weighted_turns(void **state)
{
    (void) state;
    struct policy *policy = policy_of(STRATEGY_WEIGHTED_ROUND_ROBIN);
    struct sim_agent *agents[AGENTS];
    uint32_t given[AGENTS] = {0};
    struct sim *sim = world(policy, agents);
    sim_intent(sim, agents[1], INTENT_AWAY);
    sim_run_ms(sim, 5);
    for (int i = 0; i < 20; i++)
        assert_int_not_equal(next(sim), 1);
    sim_intent(sim, agents[1], INTENT_AVAILABLE);
    sim_run_ms(sim, 5);
    for (int i = 0; i < 9; i++)
        given[next(sim)]++;
    assert_in_range(given[1], 3, 4);
    sim_destroy(&sim);
}

static void the_fewest_open_leads_come_first(void **state)
{
    (void) state;
    struct sim_agent *agents[AGENTS];
    struct sim *sim = world(policy_of(STRATEGY_FEWEST_OPEN), agents);
    for (int i = 0; i < 6; i++)
        next(sim);
    for (int i = 0; i < AGENTS; i++)
        assert_int_equal(story_offered_to(sim, agents[i]), 2);
    const struct id done = agents[2]->held[0].lead; /* cleo closes one, and has been free the shortest */
    story_work_up_to(sim, agents[2], done, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, agents[2], done, DISPOSITION_SALE, NULL), REASON_OK);
    assert_int_equal(next(sim), 2);
    sim_destroy(&sim);
}

/* Ana is served before ben and works longer: free the longest is ben, the last lead the longest ago had ana. */
static void the_least_recent_is_not_the_longest_idle(void **state)
{
    (void) state;
    for (int is_recent = 0; is_recent < 2; is_recent++) {
        struct sim_agent *agents[AGENTS];
        struct sim *sim = world(policy_of(is_recent ? STRATEGY_LEAST_RECENT : STRATEGY_LONGEST_IDLE), agents);
        sim_intent(sim, agents[2], INTENT_AWAY);
        sim_run_ms(sim, 5);
        assert_int_equal(next(sim), 0);
        assert_int_equal(next(sim), 1);
        for (int i = 1; i >= 0; i--) {
            const struct id lead = agents[i]->held[0].lead;
            story_work_up_to(sim, agents[i], lead, LEAD_WRAP_UP);
            assert_int_equal(story_dispose(sim, agents[i], lead, DISPOSITION_SALE, NULL), REASON_OK);
            sim_run_ms(sim, 50);
        }
        crash(sim);
        assert_int_equal(next(sim), is_recent ? 0 : 1);
        sim_destroy(&sim);
    }
}

/* Ana came first and was served last: while all hold leads, a restart does not put her first again. */
static void the_order_of_who_holds_leads_survives_a_crash(void **state)
{
    (void) state;
    struct sim_agent *agents[AGENTS];
    struct sim *sim = world(policy_of(STRATEGY_LONGEST_IDLE), agents);
    sim_intent(sim, agents[0], INTENT_AWAY);
    sim_run_ms(sim, 5);
    assert_int_equal(next(sim), 1);
    assert_int_equal(next(sim), 2);
    sim_intent(sim, agents[0], INTENT_AVAILABLE);
    sim_run_ms(sim, 5);
    assert_int_equal(next(sim), 0);
    crash(sim);
    assert_int_equal(next(sim), 1);
    crash(sim);
    assert_int_equal(next(sim), 2);
    assert_int_equal(next(sim), 0);
    sim_destroy(&sim);
}

/* proves D-08: who has none gets the next ones, as many as a newcomer gets at once, and no more */
static void a_newcomer_among_the_least_busy_is_served_and_not_flooded(void **state)
{
    (void) state;
    struct policy *policy = policy_of(STRATEGY_FEWEST_OPEN);
    struct sim_agent *agents[AGENTS];
    policy->programmes[0].ramp_leads = 2;
    policy->programmes[0].ramp_ms = 60000;
    struct sim *sim = world(policy, agents);
    sim_run_ms(sim, 61000); /* those are newcomers no more */
    sim_bye(sim, agents[2]);
    for (int i = 0; i < 12; i++)
        next(sim);
    struct sim_agent *neu = story_agent(sim, "neu", "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 10);
    for (int i = 0; i < 6; i++) {
        const struct id lead = story_lead(sim, "to-push", 0);
        sim_run_ms(sim, 5);
        assert_int_equal(strcmp(sim_owner(sim, lead), "neu") == 0, i < 2);
    }
    assert_int_equal(story_offered_to(sim, neu), 2);
    assert_string_equal(story_told_of(sim, neu, "why_none"), "RAMP");
    sim_run_ms(sim, 60000);
    for (int i = 0; i < 6; i++) { /* and then until it has as many as the others */
        const struct id lead = story_lead(sim, "to-push", 0);
        sim_run_ms(sim, 5);
        assert_owner(sim, lead, "neu");
    }
    assert_int_equal(story_offered_to(sim, neu), 8);
    sim_destroy(&sim);
}

static void the_list_is_served_from_its_top_as_long_as_there_is_room(void **state)
{
    (void) state;
    struct policy *policy = policy_of(STRATEGY_TOP_DOWN);
    struct sim_agent *agents[AGENTS];
    policy->programmes[0].wip_max = policy->programmes[0].untouched_max = 2;
    list(policy, "cleo", 1);
    list(policy, "ana", 1); /* ben is not listed: behind who is */
    struct sim *sim = world(policy, agents);
    static const uint32_t expected[] = {2, 2, 0, 0, 1, 1};
    for (int i = 0; i < 6; i++)
        assert_int_equal(next(sim), expected[i]);
    sim_destroy(&sim);
}

static void a_draw_reaches_everybody_and_the_same_day_draws_the_same(void **state)
{
    (void) state;
    uint32_t drawn[2][30], given[AGENTS] = {0};
    for (int day = 0; day < 2; day++) {
        struct sim_agent *agents[AGENTS];
        struct sim *sim = world(policy_of(STRATEGY_RANDOM), agents);
        for (int i = 0; i < 30; i++)
            given[drawn[day][i] = next(sim)]++;
        sim_destroy(&sim);
    }
    assert_memory_equal(drawn[0], drawn[1], sizeof drawn[0]);
    for (int i = 0; i < AGENTS; i++)
        assert_in_range(given[i], 6, 40);
}

/* proves 004-09 under concurrency: two workers at once would both begin at ana */
static void turns_are_not_handed_out_twice_to_two_workers_at_once(void **state)
{
    (void) state;
    static const enum strategy strategies[] = {STRATEGY_ROUND_ROBIN, STRATEGY_WEIGHTED_ROUND_ROBIN};
    for (int s = 0; s < 2; s++) {
        struct policy *policy = policy_of(strategies[s]);
        struct sim_agent *agents[AGENTS];
        policy->scorer_deadline_ms = 100;
        struct sim *sim = world(policy, agents);
        sim_workers(sim, 2);
        sim_run_ms(sim, 700);
        sim_judge(sim, story_decide, NULL, 10000, false);
        for (int i = 0; i < AGENTS; i++) {
            story_lead(sim, "to-push", 0);
            sim_run_ms(sim, 2);
        }
        sim_run_ms(sim, 50);
        for (int i = 0; i < AGENTS; i++)
            assert_int_equal(story_offered_to(sim, agents[i]), 1);
        sim_destroy(&sim);
    }
}

static void greedy(void *context, const struct msg_request *request, struct verdict *verdicts,
                   struct msg_decision *decision)
{
    (void) context;
    (void) request;
    verdicts[0] = (struct verdict){.agent = 2, .runner_up = 1, .score = 900, .margin = -50};
    decision->reason = REASON_GREEDY;
    decision->total = 900;
    decision->bound = 1234;
}

static void assert_explained(struct sim *sim, struct id lead, const char *field, const char *value)
{
    char hex[33];
    struct msg_report report;
    id_to_hex(lead, hex);
    core_report(sim_core(sim), &(struct msg_query){.what = QUERY_EXPLAIN, .arg = slice_of(hex, 32)}, &report);
    for (uint32_t i = 0; i < report.n_rows; i++) {
        const struct slice *row = &report.cells[2 * i];
        if (row[0].len != strlen(field) || memcmp(row[0].at, field, row[0].len) != 0)
            continue;
        assert_int_equal(row[1].len, strlen(value));
        assert_memory_equal(row[1].at, value, row[1].len);
        return;
    }
    fail_msg("no field %s", field);
}

static void a_greedy_decision_is_counted_and_explained_as_one(void **state)
{
    (void) state;
    struct sim_agent *agents[AGENTS];
    struct sim *sim = world(policy_of(STRATEGY_JOINT_OPTIMUM), agents);
    sim_judge(sim, greedy, NULL, 100, false);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    assert_int_equal(story_of(sim, lead)->past->decision.by, REASON_GREEDY);
    const struct programme_state *counts = &sim_core(sim)->programmes[0];
    assert_int_equal(counts->decided_scored, 1);
    assert_int_equal(counts->decided_greedy, 1);
    assert_int_equal(counts->greedy_gap_cents, 334);
    assert_int_equal(sim_core(sim)->workers[0].greedy_gap_cents, 334);
    crash(sim);
    assert_int_equal(sim_core(sim)->programmes[0].greedy_gap_cents, 334);
    assert_explained(sim, lead, "strategy", "joint_optimum");
    assert_explained(sim, lead, "decision", reason_text(REASON_GREEDY));
    sim_destroy(&sim);
}

/* The strategy of then, not the one the policy says now. */
static void a_decision_is_explained_by_the_strategy_that_made_it(void **state)
{
    (void) state;
    struct policy *policy = policy_of(STRATEGY_TOP_DOWN);
    struct sim_agent *agents[AGENTS];
    list(policy, "cleo", 1);
    struct sim *sim = world(policy, agents);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    policy->programmes[0].strategy = STRATEGY_RANDOM;
    sim_apply(sim, policy);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_applied(sim, NULL), REASON_OK);
    assert_explained(sim, lead, "strategy", "top_down");
    assert_explained(sim, lead, "why", "the first in the programme's list of agents who has room: cleo, then ana");
    sim_destroy(&sim);
}

/* ---- turns, when what they count in changes ---------------------------------------------- */

/* How many of the next `n` leads go to each, by a worker or by the plain order. */
static void give(struct sim *sim, const char *source, int n, int ret_had[AGENTS])
{
    memset(ret_had, 0, AGENTS * sizeof *ret_had);
    for (int i = 0; i < n; i++) {
        const struct id lead = story_lead(sim, source, 0);
        sim_run_ms(sim, 5);
        for (int k = 0; k < AGENTS; k++)
            ret_had[k] += strcmp(sim_owner(sim, lead), names[k]) == 0;
    }
}

static struct policy *roomy(enum strategy strategy)
{
    struct policy *policy = policy_of(strategy);
    policy->programmes[1] = policy->programmes[0];
    snprintf(policy->programmes[1].name, sizeof policy->programmes[1].name, "pull");
    for (int i = 0; i < 2; i++) {
        policy->programmes[i].wip_max = policy->programmes[i].untouched_max = 500;
        policy->programmes[i].offer_ms = policy->programmes[i].first_action_ms = 6000000;
    }
    return policy;
}

static void two_of_three_came(struct sim **ret_sim, struct sim_agent *agents[AGENTS])
{
    *ret_sim = story_new(roomy(STRATEGY_WEIGHTED_ROUND_ROBIN));
    sim_judge(*ret_sim, story_decide, NULL, 100, false);
    sim_workers(*ret_sim, 1);
    for (int i = 0; i < 2; i++)
        agents[i] = story_agent(*ret_sim, names[i], "east", INTENT_AVAILABLE);
    sim_run_ms(*ret_sim, 700);
}

static void applies(struct sim *sim, enum strategy strategy)
{
    struct policy *policy = roomy(strategy);
    policy->version = 0;
    sim_apply(sim, policy);
    sim_run_ms(sim, 50);
    assert_int_equal(sim_applied(sim, NULL), REASON_OK);
}

static void weighted_turns_begin_anew_after_another_strategy(void **state)
{
    (void) state;
    struct sim *sim;
    struct sim_agent *agents[AGENTS];
    int had[AGENTS];
    two_of_three_came(&sim, agents);
    give(sim, "to-push", 40, had);
    applies(sim, STRATEGY_ROUND_ROBIN);
    give(sim, "to-push", 6, had);
    agents[2] = story_agent(sim, names[2], "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 700);
    applies(sim, STRATEGY_WEIGHTED_ROUND_ROBIN);
    give(sim, "to-push", 30, had);
    for (int i = 0; i < AGENTS; i++)
        assert_in_range(had[i], 9, 11);
    sim_destroy(&sim);
}

static void weighted_turns_of_another_programme_do_not_count(void **state)
{
    (void) state;
    struct sim *sim;
    struct sim_agent *agents[AGENTS];
    int had[AGENTS];
    two_of_three_came(&sim, agents);
    give(sim, "to-push", 60, had);
    for (int i = 0; i < 2; i++) {
        sim_bye(sim, agents[i]);
        sim_run_ms(sim, 50);
        snprintf(agents[i]->team, sizeof agents[i]->team, "hunters");
    }
    story_agent(sim, names[2], "hunters", INTENT_AVAILABLE);
    agents[0]->on = true;
    sim_hello(sim, agents[0]); /* with 30 turns in "push", beside one who has none */
    sim_run_ms(sim, 700);
    give(sim, "to-pull", 20, had);
    assert_in_range(had[0], 9, 11);
    assert_in_range(had[2], 9, 11);
    sim_destroy(&sim);
}

static void the_plain_order_moves_no_weighted_turn(void **state)
{
    (void) state;
    struct sim *sim;
    struct sim_agent *agents[AGENTS];
    int had[AGENTS];
    two_of_three_came(&sim, agents);
    agents[2] = story_agent(sim, names[2], "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 700);
    give(sim, "to-push", 9, had);
    sim_intent(sim, agents[2], INTENT_AWAY);
    sim_workers(sim, 0);
    sim_run_ms(sim, 3000);
    give(sim, "to-push", 40, had);
    sim_workers(sim, 1);
    sim_run_ms(sim, 1500);
    sim_intent(sim, agents[2], INTENT_AVAILABLE);
    sim_run_ms(sim, 5);
    give(sim, "to-push", 30, had);
    assert_in_range(had[2], 9, 11); /* and not the 20 that the others had meanwhile */
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_strategies[] = {
    cmocka_unit_test(weights_of_the_policy_are_honoured_over_crashes),
    cmocka_unit_test(other_weights_hold_at_once),
    cmocka_unit_test(who_was_away_is_not_flooded_by_weighted_turns),
    cmocka_unit_test(the_fewest_open_leads_come_first),
    cmocka_unit_test(the_least_recent_is_not_the_longest_idle),
    cmocka_unit_test(the_order_of_who_holds_leads_survives_a_crash),
    cmocka_unit_test(a_newcomer_among_the_least_busy_is_served_and_not_flooded),
    cmocka_unit_test(the_list_is_served_from_its_top_as_long_as_there_is_room),
    cmocka_unit_test(a_draw_reaches_everybody_and_the_same_day_draws_the_same),
    cmocka_unit_test(turns_are_not_handed_out_twice_to_two_workers_at_once),
    cmocka_unit_test(a_greedy_decision_is_counted_and_explained_as_one),
    cmocka_unit_test(a_decision_is_explained_by_the_strategy_that_made_it),
    cmocka_unit_test(weighted_turns_begin_anew_after_another_strategy),
    cmocka_unit_test(weighted_turns_of_another_programme_do_not_count),
    cmocka_unit_test(the_plain_order_moves_no_weighted_turn),
};
const size_t n_stories_of_strategies = sizeof stories_of_strategies / sizeof *stories_of_strategies;
