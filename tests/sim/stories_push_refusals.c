/* SPDX-License-Identifier: Apache-2.0
 * stories_push_refusals.c - an offer that is not taken, an owner who does nothing:
 * declines, misses, back-off, exclusions, redistribution, and their end. */
#include "tests/sim/story.h"

static struct id offered(struct sim *sim, const struct sim_agent *agent)
{
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_state(sim, lead, OFFERED);
    assert_owner(sim, lead, agent->name);
    return lead;
}

/* proves 3-15: a decline goes on to the next, excludes for a while, and is offered again when the while is over */
static void a_declined_lead_goes_to_another_and_comes_back_when_the_exclusion_is_over(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].unclaimed_ms = 60000;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = offered(sim, ana);
    assert_int_equal(story_act(sim, ana, lead, VERB_DECLINE), REASON_OK);
    assert_state(sim, lead, POOLED);
    assert_non_null(lead_excluded(story_of(sim, lead), 0, 0));
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    assert_owner(sim, lead, ben->name);
    assert_int_equal(story_act(sim, ben, lead, VERB_DECLINE), REASON_OK);
    assert_int_equal(story_of(sim, lead)->distributions, 0); /* nobody owned it */
    const int64_t waited = story_until_owner(sim, lead, ana->name, 20000);
    assert_about(waited, 5000 - 4); /* at the instant at which its own exclusion is over: 3-03 */
    sim_destroy(&sim);
}

/* proves 3-03: an exclusion that ends is a dispatch trigger, also for a lead far back in a pool of excluded ones */
static void among_many_declined_leads_each_comes_back_when_its_own_exclusion_is_over(void **state)
{
    (void) state;
    enum { LEADS = 100 };
    struct policy *policy = sim_policy();
    policy->programmes[0].unclaimed_ms = 600000;
    policy->programmes[0].decline_exclusion_ms = 100000;
    policy->programmes[0].penalty_ms = policy->programmes[0].penalty_max_ms = 1;
    policy->programmes[0].distributions_max = 200;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent_of(sim, "ana", "east", INTENT_AVAILABLE, 1);
    struct id leads[LEADS];
    int64_t declined_ms[LEADS];
    for (uint32_t i = 0; i < LEADS; i++) {
        leads[i] = offered(sim, ana);
        assert_int_equal(story_act(sim, ana, leads[i], VERB_DECLINE), REASON_OK);
        declined_ms[i] = sim_now_ms(sim);
        sim_run_ms(sim, 98);
    }
    for (uint32_t i = 0; i < LEADS; i++) {
        story_until_owner(sim, leads[i], ana->name, 100000);
        assert_in_range(sim_now_ms(sim), declined_ms[i] + 100000 - 3, declined_ms[i] + 100000 + 1);
        story_work_up_to(sim, ana, leads[i], LEAD_OWNED);
        assert_int_equal(story_dispose(sim, ana, leads[i], DISPOSITION_SALE, NULL), REASON_OK);
    }
    sim_destroy(&sim);
}

/* proves 3-15: back-off doubles up to its maximum and ends by accepting; 3-03: its end is a dispatch trigger */
static void declines_back_off_for_longer_and_longer_and_the_end_of_it_brings_a_lead(void **state)
{
    (void) state;
    static const int64_t waits[] = {500, 1000, 2000, 2000};
    struct policy *policy = sim_policy();
    policy->programmes[0].wip_max = 1;
    policy->programmes[0].decline_exclusion_ms = policy->programmes[0].unclaimed_ms = 60000;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct id lead = offered(sim, ana);
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        assert_int_equal(story_act(sim, ana, lead, VERB_DECLINE), REASON_OK);
        lead = story_lead(sim, "to-push", 0);
        assert_about(story_until_owner(sim, lead, ana->name, 5000), waits[i]);
    }
    story_work_up_to(sim, ana, lead, LEAD_WORKING);
    sim_crash(sim); /* that it accepted is remembered */
    sim_run_ms(sim, 600);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_SALE, NULL), REASON_OK);
    lead = offered(sim, ana);
    assert_int_equal(story_act(sim, ana, lead, VERB_DECLINE), REASON_OK);
    lead = story_lead(sim, "to-push", 0);
    assert_about(story_until_owner(sim, lead, ana->name, 5000), 500);
    sim_destroy(&sim);
}

/* proves 3-10: an offer nobody answers lapses */
static void an_unanswered_offer_lapses_and_is_withdrawn(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = offered(sim, ana);
    const uint64_t fence = sim_held(ana, lead)->fence;
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    assert_about(story_until_owner(sim, lead, ben->name, 5000), 2000 - 2);
    sim_run_ms(sim, 2);
    assert_null(sim_held(ana, lead));
    assert_int_equal(ana->withdrawal.reason, REASON_OFFER_LAPSED);
    assert_true(sim_held(ben, lead)->fence > fence);
    assert_int_equal(story_core_agent(sim, ana)->misses, 1);
    assert_int_equal(sim_core(sim)->programmes[0].lapses, 1);
    sim_destroy(&sim);
}

static void miss_one(struct sim *sim, struct sim_agent *agent)
{
    const struct id lead = story_lead(sim, "to-push", 0);
    story_until_owner(sim, lead, agent->name, 3000);
    story_until_owner(sim, lead, "", 3000);
}

/* proves features 5.4 "misses to PAUSED" */
static void misses_in_a_row_pause_an_agent_until_it_says_its_intent(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].decline_exclusion_ms = policy->programmes[0].unclaimed_ms = 60000;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent_of(sim, "ana", "east", INTENT_AVAILABLE, 1);
    miss_one(sim, ana);
    miss_one(sim, ana);
    struct id lead = story_lead(sim, "to-push", 0);
    story_until_owner(sim, lead, ana->name, 3000);
    story_work_up_to(sim, ana, lead, LEAD_OWNED); /* an answer in between: the row is broken */
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_SALE, NULL), REASON_OK);
    for (int i = 0; i < 3; i++) {
        assert_false(story_core_agent(sim, ana)->paused);
        miss_one(sim, ana);
    }
    assert_true(story_core_agent(sim, ana)->paused);
    assert_int_equal(story_core_agent(sim, ana)->intent, INTENT_AVAILABLE); /* what it said stands: 3-04 */
    lead = story_lead(sim, "to-push", 0);
    story_stays(sim, lead, LEAD_POOLED, 5000);
    assert_int_equal(story_ready(sim, ana, 0), REASON_PAUSED);
    sim_intent(sim, ana, INTENT_AVAILABLE);
    sim_run_ms(sim, 2);
    assert_int_equal(ana->n_held, 1);
    sim_destroy(&sim);
}

/* proves 003-14, 3-05 */
static void an_owner_who_does_nothing_loses_the_lead_for_ever_and_both_are_told(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = offered(sim, ana);
    story_work_up_to(sim, ana, lead, LEAD_OWNED);
    const uint64_t fence = story_of(sim, lead)->fence;
    assert_about(story_until_state(sim, lead, LEAD_POOLED, 6000), 5000);
    sim_run_ms(sim, 2);
    assert_int_equal(ana->withdrawal.reason, REASON_FIRST_ACTION_LATE);
    assert_null(sim_held(ana, lead));
    assert_int_equal(story_of(sim, lead)->distributions, 1);
    story_stays(sim, lead, LEAD_POOLED, 30000); /* past every exclusion that ends, through all rings */
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    assert_owner(sim, lead, ben->name);
    assert_non_null(sim_held(ben, lead));
    assert_true(story_of(sim, lead)->fence > fence);
    assert_int_equal(sim_core(sim)->programmes[0].redistributions, 1);
    sim_destroy(&sim);
}

static void a_first_action_in_time_keeps_the_lead_and_each_action_renews_it(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = offered(sim, ana);
    story_work_up_to(sim, ana, lead, LEAD_OWNED);
    sim_run_ms(sim, 4900);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(story_act(sim, ana, lead, VERB_ACTION), REASON_OK);
        story_stays(sim, lead, LEAD_WORKING, 7900);
    }
    sim_destroy(&sim);
}

/* proves 003-27: a lead in work is kept while its owner lives; features 5.1 t_activity, t_disposition */
static void work_that_stops_blocks_its_agent_first_and_then_moves_the_lead(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = offered(sim, ana), next = story_lead(sim, "to-push", 0);
    story_work_up_to(sim, ana, lead, LEAD_WORKING);
    story_work_up_to(sim, ana, next, LEAD_OWNED);
    assert_int_equal(story_dispose(sim, ana, next, DISPOSITION_SALE, NULL), REASON_OK);
    story_until_state(sim, lead, LEAD_WRAP_UP, 8000);
    assert_owner(sim, lead, ana->name);
    const struct id third = story_lead(sim, "to-push", 0);
    story_stays(sim, third, LEAD_POOLED, 3900); /* the agent owes a disposition */
    assert_int_equal(story_ready(sim, ana, 0), REASON_OWES_DISPOSITION);
    assert_true(id_equal(ana->ready.lead, lead));
    sim_run_ms(sim, 200);
    assert_true(story_of(sim, lead)->late);
    assert_owner(sim, lead, ana->name);
    ana->clings = true; /* it goes from WRAP_UP by REVOKING as from anywhere */
    story_until_state(sim, lead, LEAD_REVOKING, 8000);
    assert_int_equal(story_of(sim, lead)->reason, REASON_DISPOSITION_LATE);
    story_until_state(sim, lead, LEAD_POOLED, 2300);
    sim_destroy(&sim);
}

/* proves 003-02, 003-13, features 5.1 EXHAUSTED: an alert when nobody ever reached the lead */
static void a_lead_given_out_too_often_ends_with_an_alert_if_nobody_acted_on_it(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    const char *const names[] = {"ana", "ben", "cleo"};
    struct id quiet = {0}, touched = {0};
    for (int i = 0; i < 3; i++) {
        struct sim_agent *agent = story_agent_of(sim, names[i], "east", INTENT_AVAILABLE, 2);
        if (i == 0) {
            quiet = offered(sim, agent);
            touched = offered(sim, agent);
        }
        story_until_owner(sim, quiet, agent->name, 10000);
        story_until_owner(sim, touched, agent->name, 10000);
        story_work_up_to(sim, agent, quiet, LEAD_OWNED);
        story_work_up_to(sim, agent, touched, LEAD_WORKING);
        assert_int_equal(story_act(sim, agent, touched, VERB_RELEASE), REASON_OK);
        story_until_owner(sim, quiet, "", 6000);
        assert_int_equal(story_of(sim, touched)->distributions, i + 1);
    }
    assert_state(sim, quiet, EXHAUSTED);
    assert_state(sim, touched, EXHAUSTED);
    assert_int_equal(story_of(sim, quiet)->reason, REASON_MAX_DISTRIBUTIONS);
    assert_true(story_of(sim, quiet)->alerted);
    assert_false(story_of(sim, touched)->alerted);
    assert_int_equal(sim_core(sim)->programmes[0].alerts, 1);
    sim_destroy(&sim);
}

/* The policy is lowered: what was given out so often already ends with its next return. */
static void a_lowered_limit_ends_a_lead_even_from_an_offer(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].offer_ms = 60000;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = offered(sim, ana);
    story_work_up_to(sim, ana, lead, LEAD_OWNED);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    assert_int_equal(story_act(sim, ana, lead, VERB_RELEASE), REASON_OK);
    assert_owner(sim, lead, ben->name);
    policy->programmes[0].distributions_max = 1;
    sim_apply(sim, policy);
    sim_run_ms(sim, 2);
    assert_int_equal(story_act(sim, ben, lead, VERB_DECLINE), REASON_OK);
    assert_state(sim, lead, EXHAUSTED);
    assert_true(story_of(sim, lead)->alerted);
    sim_destroy(&sim);
}

static void a_released_lead_goes_on_at_once_from_each_state_and_not_back(void **state)
{
    (void) state;
    for (enum lead_state from = LEAD_OWNED; from <= LEAD_WRAP_UP; from++) {
        struct sim *sim = story_new(NULL);
        struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
        const struct id lead = offered(sim, ana);
        story_work_up_to(sim, ana, lead, from);
        assert_int_equal(story_act(sim, ana, lead, VERB_RELEASE), REASON_OK);
        assert_state(sim, lead, POOLED);
        story_stays(sim, lead, LEAD_POOLED, 20000);
        struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
        assert_owner(sim, lead, ben->name);
        sim_destroy(&sim);
    }
}

const struct CMUnitTest stories_of_push_refusals[] = {
    cmocka_unit_test(a_declined_lead_goes_to_another_and_comes_back_when_the_exclusion_is_over),
    cmocka_unit_test(among_many_declined_leads_each_comes_back_when_its_own_exclusion_is_over),
    cmocka_unit_test(declines_back_off_for_longer_and_longer_and_the_end_of_it_brings_a_lead),
    cmocka_unit_test(an_unanswered_offer_lapses_and_is_withdrawn),
    cmocka_unit_test(misses_in_a_row_pause_an_agent_until_it_says_its_intent),
    cmocka_unit_test(an_owner_who_does_nothing_loses_the_lead_for_ever_and_both_are_told),
    cmocka_unit_test(a_first_action_in_time_keeps_the_lead_and_each_action_renews_it),
    cmocka_unit_test(work_that_stops_blocks_its_agent_first_and_then_moves_the_lead),
    cmocka_unit_test(a_lead_given_out_too_often_ends_with_an_alert_if_nobody_acted_on_it),
    cmocka_unit_test(a_lowered_limit_ends_a_lead_even_from_an_offer),
    cmocka_unit_test(a_released_lead_goes_on_at_once_from_each_state_and_not_back),
};
const size_t n_stories_of_push_refusals = sizeof stories_of_push_refusals / sizeof *stories_of_push_refusals;
