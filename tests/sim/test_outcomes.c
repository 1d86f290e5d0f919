/* SPDX-License-Identifier: Apache-2.0
 * test_outcomes.c - leads paced by what became of those before: the limits of what an
 * agent has undecided. Caps and budgets of a time are in test_pacing.c. */
#include "tests/sim/pacing_world.h"

#include <stdio.h>

static void what_an_agent_has_without_an_outcome_is_limited_wherever_it_stands(void **state)
{
    (void) state;
    struct policy *policy = slow_policy();
    add_limit(policy, LIMIT_AGENT, "", PER_OUTCOME, UNIT_LEADS, 2000);
    struct sim *sim = slow_story(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id first = lead_that_costs(sim, "to-push", 0), second = lead_that_costs(sim, "to-push", 0);
    const struct id third = lead_that_costs(sim, "to-push", 0);
    assert_state(sim, third, POOLED);
    assert_int_equal(why_none(sim, ana), REASON_UNDECIDED_OVER);
    assert_non_null(strstr(explained(sim, third, "ana"), "UNDECIDED_OVER"));
    story_work_up_to(sim, ana, first, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, first, DISPOSITION_NO_ANSWER, "rang out"), REASON_OK);
    assert_state(sim, first, PIPELINE);
    assert_state(sim, third, POOLED); /* tried, and no outcome yet */
    assert_string_equal(told(sim, QUERY_LIMITS, "", "outcome", "used"), "2");
    crash(sim);
    story_until_state(sim, first, LEAD_OWNED, 10); /* its own comes back all the same */
    story_work_up_to(sim, ana, first, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, first, DISPOSITION_SALE, "sold"), REASON_OK);
    assert_owner(sim, third, "ana");
    story_work_up_to(sim, ana, second, LEAD_OWNED);
    const struct id fourth = lead_that_costs(sim, "to-push", 0);
    assert_state(sim, fourth, POOLED);
    story_act(sim, ana, second, VERB_RELEASE); /* it left her: that makes room as well, after the rest */
    sim_run_ms(sim, 600);
    assert_owner(sim, fourth, "ana");
    sim_destroy(&sim);
}

static void apply_undecided(struct sim *sim, uint64_t most_cents)
{
    struct policy *policy = slow_policy();
    add_limit(policy, LIMIT_AGENT, "", PER_OUTCOME, UNIT_CENTS, most_cents);
    sim_apply(sim, policy);
    sim_run_ms(sim, 5);
    assert_int_equal(sim_applied(sim, NULL), REASON_OK);
}

static void a_limit_of_the_undecided_holds_from_the_moment_it_is_applied_and_counts_what_is_there(void **state)
{
    (void) state;
    struct sim *sim = slow_story(slow_policy());
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id first = lead_that_costs(sim, "to-push", 4000);
    story_work_up_to(sim, ana, first, LEAD_WORKING);
    apply_undecided(sim, 4000);
    const struct id dear = lead_that_costs(sim, "to-push", 7000), next = lead_that_costs(sim, "to-push", 100);
    assert_state(sim, dear, POOLED);
    apply_undecided(sim, 10000);
    assert_owner(sim, dear, "ana"); /* there is room now, and then it may be a dear one */
    assert_state(sim, next, POOLED);
    assert_string_equal(told(sim, QUERY_LIMITS, "", "outcome", "used"), "110.00");
    assert_int_equal(why_none(sim, ana), REASON_UNDECIDED_OVER);
    assert_int_equal(story_dispose(sim, ana, first, DISPOSITION_SALE, "sold"), REASON_OK);
    assert_owner(sim, next, "ana");
    sim_destroy(&sim);
}

enum { DEAR = 25000, CHEAP = 3000, UNDECIDED_MOST = 150000, SHIFT_MINUTES = 480, ATTEMPTS = 4 };

struct producer {
    struct sim_agent *agent;
    uint32_t n, won;       /* leads it was given */
    uint64_t value, calls; /* of them, in cents */
    uint64_t most_cents;   /* that it ever had undecided */
    uint32_t most;
};

/* One call: ana tries four times and closes, ben asks once and drops it. */
static void call(struct sim *sim, struct producer *one, bool closer)
{
    if (one->agent->n_held == 0)
        return;
    const struct id id = one->agent->held[0].lead;
    const bool is_new = story_of(sim, id)->attempts == 0;
    story_work_up_to(sim, one->agent, id, LEAD_WRAP_UP);
    const bool again = closer && story_of(sim, id)->attempts + 1 < ATTEMPTS;
    assert_int_equal(story_dispose(sim, one->agent, id,
                                   again    ? DISPOSITION_NO_ANSWER
                                   : closer ? DISPOSITION_SALE
                                            : DISPOSITION_NOT_INTERESTED,
                                   "called"),
                     REASON_OK);
    one->calls++;
    one->won += closer && !again;
    one->n += is_new;
    one->value += is_new ? story_of(sim, id)->value_cents : 0;
}

static void shift_of_two(bool limited, struct producer *ana, struct producer *ben)
{
    static const struct scoring scoring = {.base_permille = 100, .performance_permille = 500, .value_cents = 10000};
    struct policy *policy = slow_policy();
    policy->programmes[0].strategy = STRATEGY_JOINT_OPTIMUM;
    policy->programmes[0].gap_ms[0] = policy->programmes[0].gap_ms[1] = 30 * MINUTE;
    if (limited)
        add_limit(policy, LIMIT_AGENT, "", PER_OUTCOME, UNIT_CENTS, UNDECIDED_MOST);
    struct sim *sim = slow_story(policy);
    sim_workers(sim, 1);
    sim_judge(sim, story_decide, (void *) (uintptr_t) &scoring, 500, true);
    sim_audit_every(sim, 50);
    ana->agent = story_agent_of(sim, "ana", "east", INTENT_AVAILABLE, 1);
    ben->agent = story_agent_of(sim, "ben", "east", INTENT_AVAILABLE, 3);
    for (uint32_t minute = 0; minute < SHIFT_MINUTES; minute++) {
        struct sim_row rows[3]; /* every three minutes a dear lead and two cheap ones */
        for (uint32_t i = 0; i < 3; i++)
            rows[i] = (struct sim_row){.key = 1000 + minute + i,
                                       .payload = "row",
                                       .cost_cents = i == 1 ? DEAR : CHEAP,
                                       .value_cents = i == 1 ? 1000000 : 50000};
        if (minute % 3 == 0)
            sim_chunk(sim, 1000 + minute, "to-push", 0, 0, rows, 3);
        sim_run_ms(sim, 10);
        call(sim, ana, true);
        call(sim, ben, false);
        const struct agent *agent = story_core_agent(sim, ana->agent);
        const uint32_t has = agent_open(agent) + agent->pipeline;
        ana->most = has > ana->most ? has : ana->most;
        ana->most_cents = agent->held_cents > ana->most_cents ? agent->held_cents : ana->most_cents;
        if (minute == SHIFT_MINUTES / 2)
            crash(sim);
        sim_run_ms(sim, MINUTE);
    }
    assert_int_equal(sim_core(sim)->programmes[0].redistributions, 0); /* none was taken before its outcome */
    sim_destroy(&sim);
}

/* proves 003-37: paced by value and outcome, who closes gets fewer leads, dearer ones, and works each to its end */
static void who_closes_gets_fewer_and_dearer_leads_and_keeps_each_to_its_outcome(void **state)
{
    (void) state;
    for (int limited = 0; limited < 2; limited++) {
        struct producer ana = {0}, ben = {0};
        shift_of_two(limited, &ana, &ben);
        printf("%s: ana %u leads of %llu, %llu calls, %u won, at most %u for %llu undecided; ben %u leads of %llu\n",
               limited ? "limited" : "unlimited", ana.n, (unsigned long long) (ana.n ? ana.value / ana.n : 0) / 100,
               (unsigned long long) ana.calls, ana.won, ana.most, (unsigned long long) ana.most_cents / 100, ben.n,
               (unsigned long long) (ben.n ? ben.value / ben.n : 0) / 100);
        assert_true(limited ? ana.most_cents < UNDECIDED_MOST + DEAR : ana.most_cents > UNDECIDED_MOST + DEAR);
        if (!limited)
            continue;
        assert_true(ana.n < ben.n);
        assert_true(ana.value / ana.n > 2 * (ben.value / ben.n));
        assert_true(ana.calls >= (ana.n - ana.most) * ATTEMPTS);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_agent_has_without_an_outcome_is_limited_wherever_it_stands),
        cmocka_unit_test(a_limit_of_the_undecided_holds_from_the_moment_it_is_applied_and_counts_what_is_there),
        cmocka_unit_test(who_closes_gets_fewer_and_dearer_leads_and_keeps_each_to_its_outcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
