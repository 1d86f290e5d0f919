/* SPDX-License-Identifier: Apache-2.0
 * test_score.c - the formula by numbers worked out by hand, best_score by what it
 * promises, and a scoring as bytes. */
#include "worker/score.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>

#include <string.h>

#include <cmocka.h>

#include "tests/lib/score_window.h"
#include "worker/formula.h"

static struct scorer *scorer;

/* ---- the formula --------------------------------------------------------------- */

static void a_score_is_chance_times_value(void **state)
{
    (void) state;
    struct scoring scoring = plain_scoring();
    struct request_lead lead = {.value_cents = 120000};
    struct request_agent agent = {0};
    assert_int_equal(score_pair(&scoring, &lead, &agent), 12000); /* 100 permille of 1,200.00 */
    lead.value_cents = 0;
    assert_int_equal(score_pair(&scoring, &lead, &agent), 5000); /* of the programme's 500.00 */
    lead.value_cents = 19;
    assert_int_equal(score_pair(&scoring, &lead, &agent), 1); /* 1.9 cents, rounded down */
}

static void load_and_performance_move_the_chance(void **state)
{
    (void) state;
    struct scoring scoring = plain_scoring();
    struct request_lead lead = {.value_cents = 100000};
    struct request_agent agent = {.open = 3};
    scoring.load_permille = 20;
    assert_int_equal(score_pair(&scoring, &lead, &agent), 4000); /* 100 - 3 x 20 = 40 */
    scoring.performance_permille = 500;
    /* nobody's record: the base rate of 100 x 500 / 1000 = 50 more */
    assert_int_equal(score_pair(&scoring, &lead, &agent), 9000);
    /* 30 of 80: (30,000 + 20 x 100) / (80 + 20) = 320; x 500 / 1000 = 160 more */
    agent.closed = 80;
    agent.won = 30;
    assert_int_equal(score_pair(&scoring, &lead, &agent), 20000);
}

static void the_chance_stays_between_one_and_a_thousand(void **state)
{
    (void) state;
    struct scoring scoring = plain_scoring();
    struct request_lead lead = {.value_cents = 100000};
    struct request_agent agent = {.open = 4000000000};
    scoring.load_permille = 1000;
    assert_int_equal(score_pair(&scoring, &lead, &agent), 100);
    scoring.load_permille = 0;
    scoring.base_permille = 1500;
    assert_int_equal(score_pair(&scoring, &lead, &agent), 100000);
    lead.value_cents = UINT64_MAX;
    assert_int_equal(score_pair(&scoring, &lead, &agent), INT32_MAX);
    scoring.base_permille = 1;
    lead.value_cents = UINT64_C(1000000000000);
    assert_int_equal(score_pair(&scoring, &lead, &agent), 1000000000); /* no saturation before its time */
}

static void weights_match_words_numbers_ranges_and_skills(void **state)
{
    (void) state;
    struct scoring scoring = plain_scoring();
    struct window window;
    uint32_t spanish = feature_skill("ES", 2);
    window_open(&window, STRATEGY_BEST_SCORE, 1, 1);
    scoring.weights[0] =
        (struct weight){.key = key_of("product"), .kind = WEIGHT_IS, .is = text_of("Refinance"), .add_permille = 1};
    scoring.weights[1] =
        (struct weight){.key = key_of("amount"), .kind = WEIGHT_RANGE, .from = 10, .to = 20, .add_permille = 2};
    scoring.weights[2] = (struct weight){.key = key_of("rooms"), .kind = WEIGHT_IS, .is = 4, .add_permille = 4};
    scoring.weights[3] = (struct weight){.key = key_of("language"), .kind = WEIGHT_SKILL, .add_permille = 8};
    scoring.n_weights = 4;

    const struct {
        const char *attribute;
        int64_t value;
        int32_t adds;
    } cases[] = {
        {"product", text_of("refinance"), 1},
        {"product", text_of("equity"), 0},
        {"amount", 9, 0},
        {"amount", 10, 2},
        {"amount", 19, 2},
        {"amount", 20, 0},
        {"rooms", 4, 4},
        {"rooms", 5, 0},
        {"language", text_of("es"), 8},
        {"language", text_of("pt"), 0},
        {"other", 4, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        window.leads[0].n_features = 0;
        window_add(&window, 0, cases[i].attribute, cases[i].value);
        window_add(&window, 0, cases[i].attribute, cases[i].value); /* said twice, counted once */
        window.agents[0].skills = (uint32_t[]){5, spanish, spanish};
        window.agents[0].n_skills = 3;
        assert_int_equal(score_with(&window, &scoring, 0, 0, 0), (100 + cases[i].adds) * 100);
        assert_int_equal(decide(scorer, &window, &scoring).verdicts[0].score, (100 + cases[i].adds) * 100);
    }
}

static void age_halves_the_worth_each_half_life(void **state)
{
    (void) state;
    assert_int_equal(formula_worth(1 << 20, 0, HOUR_MS), 1 << 20);
    assert_int_equal(formula_worth(1 << 20, HOUR_MS, HOUR_MS), 1 << 19);
    assert_int_equal(formula_worth(1 << 20, 20 * HOUR_MS, HOUR_MS), 1);
    assert_int_equal(formula_worth(1 << 20, UINT32_MAX, HOUR_MS), 0);
    assert_int_equal(formula_worth(1 << 20, UINT32_MAX, 0), 1 << 20); /* 0 = no decay */
    assert_int_equal(formula_worth(1 << 20, UINT32_MAX, INT64_MAX), 1 << 20);
    uint64_t last = UINT64_MAX;
    for (uint32_t age = 0; age < 5000; age++) {
        uint64_t worth = formula_worth(UINT64_C(1000000000000), age, 1000);
        double exact = 1e12 * exp2(-(double) age / 1000);
        assert_true(worth <= last);
        assert_true(fabs((double) worth - exact) <= exact * 0.00002 + 1);
        last = worth;
    }
}

/* ---- best score ---------------------------------------------------------------- */

static void best_score_gives_each_lead_to_the_best_with_a_slot(void **state)
{
    (void) state;
    struct window window;
    struct scoring scoring = rich_scoring();
    random_seed(11);
    for (int i = 0; i < 2000; i++) {
        scoring.load_permille = (int32_t) below(3) * 15;
        window_fill(&window, STRATEGY_BEST_SCORE, 1 + below(LEADS_MAX), 1 + below(AGENTS_MAX));
        window.agents[0].slots += LEADS_MAX; /* hands for all: leads are served in their order */
        struct msg_decision decision = decide(scorer, &window, &scoring);
        check_verdicts(&window, &scoring, &decision, true);
    }
}

/* proves 000-13: the lead handed over is the one most worth calling, within its priority */
static void with_few_hands_the_best_leads_go_first(void **state)
{
    (void) state;
    struct window window;
    struct scoring scoring = plain_scoring();
    window_open(&window, STRATEGY_BEST_SCORE, 4, 1);
    window.agents[0].slots = 1;
    for (uint32_t i = 0; i < 4; i++)
        window.leads[i].value_cents = 10000 * (1 + i % 3);
    assert_int_equal(decide(scorer, &window, &scoring).verdicts[2].agent, 1);
    window.leads[0].priority = 1;
    struct msg_decision decision = decide(scorer, &window, &scoring);
    assert_int_equal(decision.verdicts[0].agent, 1);
    assert_int_equal(decision.verdicts[2].agent, 0);
}

static void ties_go_to_the_longer_idle_then_to_the_lower_index(void **state)
{
    (void) state;
    struct window window;
    struct scoring scoring = plain_scoring();
    window_open(&window, STRATEGY_BEST_SCORE, 6, 3);
    for (int a = 0; a < 3; a++)
        window.agents[a].slots = 2;
    window.agents[1].idle_ms = 4000000000; /* 46 days: more than half of what 32 bits hold */
    window.agents[2].idle_ms = 10;
    struct msg_decision decision = decide(scorer, &window, &scoring);
    static const uint32_t expected[] = {2, 3, 1, 2, 3, 1}; /* and who got one goes to the back */
    for (int i = 0; i < 6; i++)
        assert_int_equal(decision.verdicts[i].agent, expected[i]);
    window.agents[1].idle_ms = window.agents[2].idle_ms = 0;
    assert_int_equal(decide(scorer, &window, &scoring).verdicts[0].agent, 1);
}

static void load_spreads_the_leads_of_one_window(void **state)
{
    (void) state;
    struct window window;
    struct scoring scoring = plain_scoring();
    uint32_t given[4] = {0};
    scoring.load_permille = 1;
    window_open(&window, STRATEGY_BEST_SCORE, 40, 4);
    for (int a = 0; a < 4; a++)
        window.agents[a].slots = 1000;
    window.agents[3].open = 8;
    struct msg_decision decision = decide(scorer, &window, &scoring);
    for (int i = 0; i < 40; i++)
        given[decision.verdicts[i].agent - 1]++;
    for (int a = 0; a < 4; a++)
        assert_int_equal(given[a] + window.agents[a].open, 12);
}

static void the_runner_up_may_have_full_hands(void **state)
{
    (void) state;
    struct window window;
    struct scoring scoring = plain_scoring();
    scoring.load_permille = 10;
    window_open(&window, STRATEGY_BEST_SCORE, 1, 3);
    window.agents[0].slots = 0; /* 100 permille */
    window.agents[1].open = 2;  /* 80 */
    window.agents[2].open = 5;  /* 50 */
    struct verdict verdict = decide(scorer, &window, &scoring).verdicts[0];
    assert_int_equal(verdict.agent, 2);
    assert_int_equal(verdict.runner_up, 1);
    assert_int_equal(verdict.score, 8000);
    assert_int_equal(verdict.margin, -2000);
}

/* ---- bytes --------------------------------------------------------------------- */

static void a_scoring_survives_its_bytes(void **state)
{
    (void) state;
    struct scoring all[2] = {rich_scoring(), plain_scoring()}, back[POLICY_PROGRAMMES_MAX];
    uint8_t bytes[1000], again[1000];
    uint32_t n = 0;
    all[0].weights[1].add_permille = -1000;
    all[0].weights[0].from = INT64_MIN;
    all[0].value_cents = UINT64_MAX;
    size_t len = scoring_encode(all, 2, bytes, sizeof bytes);
    assert_int_equal(len, 2 + 2 * 29 + 3 * 25);
    assert_true(scoring_decode(slice_of(bytes, len), back, &n));
    assert_int_equal(n, 2);
    assert_int_equal(back[0].weights[1].add_permille, -1000);
    assert_int_equal(back[0].weights[0].from, INT64_MIN);
    assert_int_equal(back[0].weights[2].kind, WEIGHT_SKILL);
    assert_int_equal(back[1].value_cents, 50000);
    assert_int_equal(scoring_encode(back, 2, again, sizeof again), len);
    assert_memory_equal(again, bytes, len);
    assert_int_equal(scoring_encode(all, 2, bytes, len - 1), 0);
}

static void damaged_bytes_are_no_scoring(void **state)
{
    (void) state;
    struct scoring all[2] = {rich_scoring(), plain_scoring()}, back[POLICY_PROGRAMMES_MAX];
    uint8_t bytes[1000];
    uint32_t n;
    size_t len = scoring_encode(all, 2, bytes, sizeof bytes);
    for (size_t cut = 0; cut < len; cut++)
        assert_false(scoring_decode(slice_of(bytes, cut), back, &n));
    assert_false(scoring_decode(slice_of(bytes, len + 1), back, &n));
    const struct {
        size_t at;
        uint8_t value;
    } faults[] = {
        {0, 2}, {1, 0}, {1, 17}, {5, 0x7f}, {29, 0x80}, {30, 65}, {35, 0}, {35, 4}, {55, 0x40},
    };
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        uint8_t before = bytes[faults[i].at];
        bytes[faults[i].at] = faults[i].value;
        assert_false(scoring_decode(slice_of(bytes, len), back, &n));
        bytes[faults[i].at] = before;
    }
    assert_true(scoring_decode(slice_of(bytes, len), back, &n));
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
        cmocka_unit_test(a_score_is_chance_times_value),
        cmocka_unit_test(load_and_performance_move_the_chance),
        cmocka_unit_test(the_chance_stays_between_one_and_a_thousand),
        cmocka_unit_test(weights_match_words_numbers_ranges_and_skills),
        cmocka_unit_test(age_halves_the_worth_each_half_life),
        cmocka_unit_test(best_score_gives_each_lead_to_the_best_with_a_slot),
        cmocka_unit_test(with_few_hands_the_best_leads_go_first),
        cmocka_unit_test(ties_go_to_the_longer_idle_then_to_the_lower_index),
        cmocka_unit_test(load_spreads_the_leads_of_one_window),
        cmocka_unit_test(the_runner_up_may_have_full_hands),
        cmocka_unit_test(a_scoring_survives_its_bytes),
        cmocka_unit_test(damaged_bytes_are_no_scoring),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
