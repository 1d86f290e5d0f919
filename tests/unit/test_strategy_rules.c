/* SPDX-License-Identifier: Apache-2.0
 * test_strategy_rules.c - what each strategy promises, over random windows and
 * over many windows in a row: whose turn it is, who comes first, that a draw is
 * fair and repeats, and that no priority is ever served before a higher one. */
#include "worker/score.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/lib/score_window.h"

static struct scorer *scorer;

static bool goes_lead_by_lead(enum strategy strategy)
{
    return strategy != STRATEGY_JOINT_OPTIMUM && strategy != STRATEGY_BEST_SCORE;
}

static void every_strategy_keeps_slots_and_bars_and_serves_whoever_can_be_served(void **state)
{
    (void) state;
    struct window window;
    struct scoring scoring = rich_scoring();
    random_seed(41);
    for (int i = 0; i < 4000; i++) {
        const enum strategy strategy = (enum strategy)(1 + i % (STRATEGIES - 1));
        window_fill(&window, strategy, 1 + below(LEADS_MAX), 1 + below(AGENTS_MAX));
        window.request.seed = below(1000000);
        window.request.rotation = below(45);
        for (uint32_t a = 0; a < window.request.n_agents; a++)
            window.agents[a].weight = below(5);
        struct msg_decision decision = decide(scorer, &window, &scoring);
        if (goes_lead_by_lead(strategy))
            check_verdicts(&window, &scoring, &decision, false);
    }
}

static void no_lead_waits_while_a_lower_priority_has_an_agent_it_could_have(void **state)
{
    (void) state;
    struct window window;
    struct scoring scoring = rich_scoring();
    int n_waiting = 0;
    random_seed(42);
    for (int i = 0; i < 4000; i++) {
        window_fill(&window, (enum strategy)(1 + i % (STRATEGIES - 1)), 1 + below(LEADS_MAX),
                    1 + below(AGENTS_MAX / 2));
        for (uint32_t k = 0; k < window.request.n_leads; k++) {
            window.leads[k].priority = (int32_t) below(3) - 1;
            if (window.leads[k].priority < 0) { /* neither age nor value lifts it into a higher band */
                window.leads[k].age_ms = below(2) * UINT32_MAX;
                window.leads[k].value_cents = UINT64_C(30000000000);
            }
        }
        struct msg_decision decision = decide(scorer, &window, &scoring);
        for (uint32_t high = 0; high < window.request.n_leads; high++) {
            n_waiting += decision.verdicts[high].agent == 0;
            for (uint32_t low = 0; low < window.request.n_leads; low++)
                if (decision.verdicts[high].agent == 0 && decision.verdicts[low].agent > 0 &&
                    window.leads[low].priority < window.leads[high].priority)
                    assert_false(is_eligible(&window, high, decision.verdicts[low].agent - 1));
        }
    }
    assert_true(n_waiting > 1000); /* else there was room for all */
}

/* ---- turns ----------------------------------------------------------------------- */

static void round_robin_serves_who_is_always_there_equally_often(void **state)
{
    (void) state;
    enum { AGENTS = 12, ALWAYS = 8 };
    struct window window;
    struct scoring scoring = plain_scoring();
    uint32_t given[AGENTS] = {0};
    uint64_t rotation = 0;
    random_seed(43);
    for (int round = 0; round < 2000; round++) {
        window_open(&window, STRATEGY_ROUND_ROBIN, 1 + below(20), AGENTS);
        window.request.rotation = rotation;
        for (uint32_t a = 0; a < AGENTS; a++)
            window.agents[a].slots = a < ALWAYS ? LEADS_MAX : below(3); /* the others come and go */
        struct msg_decision decision = decide(scorer, &window, &scoring);
        rotation = decision.rotation;
        uint32_t least = UINT32_MAX, most = 0;
        for (uint32_t i = 0; i < decision.n_verdicts; i++)
            given[decision.verdicts[i].agent - 1]++;
        for (uint32_t a = 0; a < ALWAYS; a++) {
            least = given[a] < least ? given[a] : least;
            most = given[a] > most ? given[a] : most;
        }
        assert_true(most - least <= 1);
    }
}

/* What the broker keeps between windows: a turn an agent, moved by a step for each lead. */
struct turns {
    uint64_t rotation, turn[AGENTS_MAX];
    uint32_t weight[AGENTS_MAX], given[AGENTS_MAX], n;
};

static uint64_t turn_shown(const struct turns *turns, uint32_t agent)
{
    const uint64_t step = turn_step(turns->weight[agent]);
    return turns->rotation > step && turns->turn[agent] < turns->rotation - step ? turns->rotation - step
                                                                                 : turns->turn[agent];
}

static void serve(struct turns *turns, uint32_t n_leads, uint64_t absent)
{
    struct window window;
    struct scoring scoring = plain_scoring();
    window_open(&window, STRATEGY_WEIGHTED_ROUND_ROBIN, n_leads, turns->n);
    window.request.rotation = turns->rotation;
    for (uint32_t a = 0; a < turns->n; a++) {
        window.agents[a].weight = turns->weight[a];
        window.agents[a].turn = turn_shown(turns, a);
        window.agents[a].slots = absent >> a & 1 ? 0 : LEADS_MAX;
    }
    struct msg_decision decision = decide(scorer, &window, &scoring);
    for (uint32_t i = 0; i < n_leads; i++) {
        const uint32_t a = decision.verdicts[i].agent - 1;
        assert_true(decision.verdicts[i].agent > 0);
        const uint64_t shown = window.agents[a].turn;
        turns->turn[a] = (turns->turn[a] > shown ? turns->turn[a] : shown) + turn_step(turns->weight[a]);
        turns->given[a]++;
    }
    turns->rotation = decision.rotation;
}

static void weighted_turns_are_never_a_lead_away_from_the_share(void **state)
{
    (void) state;
    random_seed(44);
    for (int round = 0; round < 60; round++) {
        struct turns turns = {.n = 1 + below(20)};
        uint32_t weights = 0, served = 0;
        for (uint32_t a = 0; a < turns.n; a++)
            weights += turns.weight[a] = round % 3 == 0 ? 1 + below(50) : 1 + below(5);
        while (served < 6 * weights) {
            uint32_t n = 1 + below(LEADS_MAX);
            n = n > weights - served % weights ? weights - served % weights : n;
            serve(&turns, n, 0);
            served += n;
            for (uint32_t a = 0; a < turns.n; a++) {
                const double share = (double) served * turns.weight[a] / weights;
                assert_true(turns.given[a] < share + 1.001 && turns.given[a] > share - 1.001);
            }
        }
        for (uint32_t a = 0; a < turns.n; a++)
            assert_in_range(turns.given[a], 6 * turns.weight[a] - 1, 6 * turns.weight[a] + 1);
    }
}

static void weighted_turns_are_spread_and_not_in_a_row(void **state)
{
    (void) state;
    struct turns turns = {.n = 3, .weight = {5, 1, 1}};
    uint32_t row = 0, longest = 0;
    for (int i = 0; i < 70; i++) {
        const uint32_t before = turns.given[0];
        serve(&turns, 1, 0);
        row = turns.given[0] > before ? row + 1 : 0;
        longest = row > longest ? row : longest;
    }
    assert_int_equal(turns.given[0], 50);
    assert_int_equal(turns.given[1], 10);
    assert_in_range(longest, 2, 4); /* and not 5 */
}

static void absence_is_not_made_up_for_and_costs_nothing_later(void **state)
{
    (void) state;
    struct turns turns = {.n = 4, .weight = {1, 2, 1, 4}};
    for (int i = 0; i < 80; i++)
        serve(&turns, 1, 0);
    for (int i = 0; i < 600; i++)
        serve(&turns, 1, 1u << 1); /* the second one is away */
    memset(turns.given, 0, sizeof turns.given);
    for (int i = 0; i < 80; i++)
        serve(&turns, 1, 0);
    static const uint32_t fair[] = {10, 20, 10, 40};
    for (int a = 0; a < 4; a++)
        assert_in_range(turns.given[a], fair[a] - 2, fair[a] + 2);
}

/* ---- orders ---------------------------------------------------------------------- */

static void fewest_open_levels_what_agents_hold(void **state)
{
    (void) state;
    struct window window;
    struct scoring scoring = rich_scoring();
    random_seed(45);
    for (int round = 0; round < 500; round++) {
        window_open(&window, STRATEGY_FEWEST_OPEN, 1 + below(LEADS_MAX), 1 + below(AGENTS_MAX));
        uint32_t open[AGENTS_MAX], lowest = UINT32_MAX, served = 0;
        for (uint32_t a = 0; a < window.request.n_agents; a++) {
            window.agents[a].slots = LEADS_MAX;
            open[a] = window.agents[a].open = below(6);
        }
        struct msg_decision decision = decide(scorer, &window, &scoring);
        for (uint32_t i = 0; i < decision.n_verdicts; i++)
            open[decision.verdicts[i].agent - 1]++;
        for (uint32_t a = 0; a < window.request.n_agents; a++)
            lowest = open[a] < lowest ? open[a] : lowest;
        for (uint32_t a = 0; a < window.request.n_agents; a++) {
            served += open[a] - window.agents[a].open;
            assert_true(open[a] <= lowest + 1 || open[a] == window.agents[a].open);
        }
        assert_int_equal(served, decision.n_verdicts);
    }
}

static void top_down_fills_the_list_from_its_top(void **state)
{
    (void) state;
    struct window window;
    struct scoring scoring = rich_scoring();
    window_open(&window, STRATEGY_TOP_DOWN, 6, 4);
    static const uint32_t places[] = {30, 10, 40, 20}, slots[] = {2, 1, 9, 2}, expected[] = {2, 4, 4, 1, 1, 3};
    for (int a = 0; a < 4; a++) {
        window.agents[a].turn = places[a];
        window.agents[a].slots = slots[a];
        window.agents[a].idle_ms = 1000u * (uint32_t) a;
    }
    struct msg_decision decision = decide(scorer, &window, &scoring);
    for (int i = 0; i < 6; i++)
        assert_int_equal(decision.verdicts[i].agent, expected[i]);
    assert_int_equal(decision.verdicts[0].runner_up, 4); /* who would have had it */
}

/* proves D-02 (Asterisk calc_metric): bands are compared, never added up, after whatever wait and at whatever value */
static void no_wait_and_no_value_carries_anybody_over_a_band(void **state)
{
    (void) state;
    struct window window;
    struct scoring scoring = rich_scoring();
    for (enum strategy strategy = STRATEGY_BEST_SCORE; strategy < STRATEGIES; strategy++)
        for (uint32_t days = 0; days < 49; days++) {
            window_open(&window, strategy, 2, 1);
            window.leads[0].priority = 1;
            window.leads[1].priority = 2;
            window.leads[0].age_ms = days * 24 * HOUR_MS;
            window.leads[0].value_cents = days * 1000000000u;
            struct msg_decision decision = decide(scorer, &window, &scoring);
            assert_int_equal(decision.verdicts[0].agent, 0);
            assert_int_equal(decision.verdicts[1].agent, 1);
        }
    for (uint32_t days = 0; days < 49; days++) { /* 12 days and more is where it went wrong */
        window_open(&window, STRATEGY_TOP_DOWN, 1, 2);
        window.agents[0].idle_ms = days * 24 * HOUR_MS;
        window.agents[0].turn = 20;
        window.agents[1].turn = 10;
        assert_int_equal(decide(scorer, &window, &scoring).verdicts[0].agent, 2);
    }
}

static void least_recent_goes_by_the_clock_it_is_given(void **state)
{
    (void) state;
    struct window window;
    struct scoring scoring = rich_scoring();
    window_open(&window, STRATEGY_LEAST_RECENT, 4, 3);
    for (int a = 0; a < 3; a++)
        window.agents[a].slots = 2;
    window.agents[1].idle_ms = 900;
    window.agents[2].idle_ms = 500;
    struct msg_decision decision = decide(scorer, &window, &scoring);
    static const uint32_t expected[] = {2, 3, 1, 2};
    for (int i = 0; i < 4; i++)
        assert_int_equal(decision.verdicts[i].agent, expected[i]);
}

static void a_draw_repeats_under_its_seed_and_is_fair_over_many(void **state)
{
    (void) state;
    enum { AGENTS = 20, ROUNDS = 1000 };
    struct window window;
    struct scoring scoring = plain_scoring();
    struct verdict first[LEADS_MAX];
    uint32_t drawn[AGENTS] = {0}, pairs[AGENTS] = {0}, same = 0;
    for (uint64_t seed = 1; seed <= ROUNDS; seed++) {
        window_open(&window, STRATEGY_RANDOM, LEADS_MAX, AGENTS);
        window.request.seed = seed * 0x9E3779B97F4A7C15u; /* as the broker makes them */
        for (uint32_t a = 0; a < AGENTS; a++)
            window.agents[a].slots = LEADS_MAX;
        struct msg_decision decision = decide(scorer, &window, &scoring);
        same += seed > 1 && memcmp(first, decision.verdicts, sizeof first) == 0;
        memcpy(first, decision.verdicts, sizeof first);
        decision = decide(scorer, &window, &scoring);
        assert_memory_equal(decision.verdicts, first, sizeof first);
        for (uint32_t i = 0; i < LEADS_MAX; i++) {
            drawn[first[i].agent - 1]++;
            if (i > 0) /* nor does one draw tell the next */
                pairs[(first[i].agent + AGENTS - first[i - 1].agent) % AGENTS]++;
        }
    }
    assert_int_equal(same, 0);
    double drawn_square = 0, pairs_square = 0;
    for (uint32_t a = 0; a < AGENTS; a++) {
        const double one = ROUNDS * LEADS_MAX / (double) AGENTS, other = ROUNDS * (LEADS_MAX - 1) / (double) AGENTS;
        drawn_square += (drawn[a] - one) * (drawn[a] - one) / one;
        pairs_square += (pairs[a] - other) * (pairs[a] - other) / other;
    }
    assert_true(drawn_square < 43.8 && pairs_square < 43.8); /* chi-square, 19 degrees: 1 in 1,000 is above */
}

/* ---- the optimum in time ------------------------------------------------------------ */

static void an_optimum_that_would_be_late_is_greedy_and_says_what_that_may_cost(void **state)
{
    (void) state;
    enum { LEADS = 1000, AGENTS = 400 };
    static struct request_lead leads[LEADS];
    static struct request_agent agents[AGENTS];
    struct scoring scoring = rich_scoring();
    struct msg_decision decision;
    random_seed(46);
    for (uint32_t i = 0; i < LEADS; i++)
        leads[i] = (struct request_lead){.value_cents = 1000 + below(500000)};
    for (uint32_t a = 0; a < AGENTS; a++)
        agents[a] = (struct request_agent){.slots = below(5), .closed = 300, .won = below(150)};
    struct msg_request request = {
        .strategy = STRATEGY_JOINT_OPTIMUM, .leads = leads, .n_leads = LEADS, .agents = agents, .n_agents = AGENTS};
    score_request(scorer, &scoring, &request, &decision);
    assert_int_equal(decision.reason, REASON_OK);
    const int64_t best = decision.total;
    request.deadline_ms = 1;
    score_request(scorer, &scoring, &request, &decision);
    assert_int_equal(decision.reason, REASON_GREEDY);
    assert_true(decision.total <= best && best <= decision.bound);
    assert_true(decision.total > best * 8 / 10);
    request.deadline_ms = 10000;
    score_request(scorer, &scoring, &request, &decision);
    assert_int_equal(decision.reason, REASON_OK);
    assert_int_equal(decision.total, best);
}

static int set_up(void **state)
{
    (void) state;
    scorer = scorer_new();
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    scorer_destroy(&scorer);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_strategy_keeps_slots_and_bars_and_serves_whoever_can_be_served),
        cmocka_unit_test(no_lead_waits_while_a_lower_priority_has_an_agent_it_could_have),
        cmocka_unit_test(round_robin_serves_who_is_always_there_equally_often),
        cmocka_unit_test(weighted_turns_are_never_a_lead_away_from_the_share),
        cmocka_unit_test(weighted_turns_are_spread_and_not_in_a_row),
        cmocka_unit_test(absence_is_not_made_up_for_and_costs_nothing_later),
        cmocka_unit_test(fewest_open_levels_what_agents_hold),
        cmocka_unit_test(top_down_fills_the_list_from_its_top),
        cmocka_unit_test(no_wait_and_no_value_carries_anybody_over_a_band),
        cmocka_unit_test(least_recent_goes_by_the_clock_it_is_given),
        cmocka_unit_test(a_draw_repeats_under_its_seed_and_is_fair_over_many),
        cmocka_unit_test(an_optimum_that_would_be_late_is_greedy_and_says_what_that_may_cost),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
