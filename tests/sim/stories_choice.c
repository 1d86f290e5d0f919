/* SPDX-License-Identifier: Apache-2.0
 * stories_choice.c - pull in its variants: what earns the next lead, in which order
 * leads come, how much is seen before one is taken. */
#include "tests/sim/story.h"

/* proves 000-03: a quick first action earns the next lead */
static void a_first_action_in_time_earns_the_next_lead_where_the_programme_says_so(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[1].earn = EARN_FIRST_ACTION;
    policy->programmes[1].wip_max = 2;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    const struct id first = story_lead(sim, "to-pull", 0), second = story_lead(sim, "to-pull", 0);
    const struct id third = story_lead(sim, "to-pull", 0);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OWES_FIRST_ACTION);
    assert_true(id_equal(ana->ready.lead, first));
    story_work_up_to(sim, ana, first, LEAD_WORKING);
    assert_state(sim, second, POOLED); /* earned, and not asked for */
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_true(id_equal(ana->ready.lead, second));
    assert_state(sim, first, WORKING);

    assert_int_equal(story_ready(sim, ana, 0), REASON_OWES_FIRST_ACTION); /* of the second, though two are in hand */
    assert_true(id_equal(ana->ready.lead, second));
    story_work_up_to(sim, ana, second, LEAD_WORKING);
    assert_int_equal(story_ready(sim, ana, 0), REASON_WIP_FULL);
    assert_int_equal(story_act(sim, ana, first, VERB_ATTEMPT_END), REASON_OK);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OWES_NOTE); /* what is over is disposed of first */
    assert_true(id_equal(ana->ready.lead, first));
    assert_int_equal(story_dispose(sim, ana, first, DISPOSITION_SALE, "sold"), REASON_OK);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_true(id_equal(ana->ready.lead, third));
    sim_destroy(&sim);
}

static void a_first_action_that_comes_too_late_earns_nothing(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[1].earn = EARN_FIRST_ACTION;
    policy->programmes[1].wip_max = 2;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pull", 0);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    sim_run_ms(sim, 4990);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OWES_FIRST_ACTION);
    sim_run_ms(sim, 20);
    assert_int_equal(ana->n_held, 0); /* it was taken back */
    assert_int_equal(story_act(sim, ana, lead, VERB_ACTION), REASON_STALE_FENCE);
    sim_destroy(&sim);
}

static void the_other_way_of_earning_comes_into_force_with_the_policy(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[1].wip_max = 2;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pull", 0);
    story_lead(sim, "to-pull", 0);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    story_work_up_to(sim, ana, lead, LEAD_WORKING);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OWES_DISPOSITION);
    policy->programmes[1].earn = EARN_FIRST_ACTION;
    sim_apply(sim, policy);
    sim_run_ms(sim, 5);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    sim_destroy(&sim);
}

enum { DRAWN = 12 };

/* In which order these leads were handed over: the place of the n-th among those that came in. */
static void draw_all(struct sim *sim, bool crash, uint32_t ret_order[DRAWN])
{
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    struct id leads[DRAWN];
    for (uint32_t i = 0; i < DRAWN; i++)
        leads[i] = story_lead(sim, "to-pull", i == DRAWN - 1 ? 5 : 0);
    sim_run_ms(sim, 5);
    if (crash) {
        sim_crash(sim);
        sim_run_ms(sim, 1200);
    }
    for (uint32_t n = 0; n < DRAWN; n++) {
        assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
        for (uint32_t i = 0; i < DRAWN; i++)
            if (id_equal(leads[i], ana->ready.lead))
                ret_order[n] = i;
        story_work_up_to(sim, ana, ana->ready.lead, LEAD_WRAP_UP);
        assert_int_equal(story_dispose(sim, ana, ana->ready.lead, DISPOSITION_SALE, "sold"), REASON_OK);
    }
}

/* proves 003-19: blind and random, and the same again for the same log */
static void a_random_order_is_no_order_of_arrival_and_the_same_after_a_crash(void **state)
{
    (void) state;
    uint32_t orders[2][DRAWN];
    for (int crash = 0; crash < 2; crash++) {
        struct policy *policy = sim_policy();
        policy->programmes[1].order.last = ORDER_RANDOM;
        policy->programmes[1].unclaimed_ms = 600000;
        struct sim *sim = story_new(policy);
        draw_all(sim, crash, orders[crash]);
        sim_destroy(&sim);
    }
    assert_memory_equal(orders[0], orders[1], sizeof orders[0]);
    assert_int_equal(orders[0][0], DRAWN - 1); /* priorities stay bands */
    uint32_t falls = 0, rises = 0;
    for (uint32_t n = 2; n < DRAWN; n++) {
        falls += orders[0][n] < orders[0][n - 1];
        rises += orders[0][n] > orders[0][n - 1];
    }
    assert_true(falls >= 2 && rises >= 2);
}

/* ---- previews ---------------------------------------------------------------------------- */

static struct policy *preview_policy(enum see see, uint32_t skips_max)
{
    struct policy *policy = sim_policy();
    policy->programmes[1].pull = PULL_PREVIEW;
    policy->programmes[1].see = see;
    policy->programmes[1].skips_max = skips_max;
    policy->programmes[1].unclaimed_ms = 36000000;
    return policy;
}

/* proves 003-17, 003-20: what is seen before it is taken is the programme's to say */
static void a_preview_shows_as_much_as_the_programme_says_and_all_when_it_is_accepted(void **state)
{
    (void) state;
    for (int see = SEE_FULL; see <= SEE_NONE; see++) {
        struct sim *sim = story_new(preview_policy((enum see) see, 5));
        struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
        const struct id lead = story_lead(sim, "to-pull", 0);
        assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
        assert_true(id_equal(ana->ready.lead, lead));
        assert_state(sim, lead, OFFERED);
        assert_int_equal(sim_held(ana, lead)->see, see);
        sim_hello(sim, ana); /* another session is shown no more */
        sim_run_ms(sim, 5);
        assert_int_equal(sim_held(ana, lead)->see, see);
        const uint32_t offers = ana->n_offers;
        assert_int_equal(story_act(sim, ana, lead, VERB_ACCEPT), REASON_OK);
        assert_int_equal(ana->n_offers, offers + (see != SEE_FULL));
        assert_int_equal(sim_held(ana, lead)->see, SEE_FULL);
        assert_int_equal(sim_held(ana, lead)->state, LEAD_OWNED);
        sim_destroy(&sim);
    }
}

static void a_masked_preview_survives_a_crash_masked(void **state)
{
    (void) state;
    struct sim *sim = story_new(preview_policy(SEE_NONE, 5));
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pull", 0);
    sim_core(sim)->policy.programmes[1].offer_ms = 20000;
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    sim_crash(sim);
    sim_run_ms(sim, 600);
    assert_state(sim, lead, OFFERED);
    assert_int_equal(sim_held(ana, lead)->see, SEE_NONE);
    assert_int_equal(story_act(sim, ana, lead, VERB_ACCEPT), REASON_OK);
    assert_int_equal(sim_held(ana, lead)->see, SEE_FULL);
    sim_destroy(&sim);
}

static void one_preview_at_a_time_and_each_skip_costs_its_credit(void **state)
{
    (void) state;
    struct policy *policy = preview_policy(SEE_COARSE, 5);
    policy->programmes[1].wip_max = 3;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    const struct id first = story_lead(sim, "to-pull", 0), second = story_lead(sim, "to-pull", 0);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OWES_ANSWER);
    assert_true(id_equal(ana->ready.lead, first));
    assert_int_equal(story_act(sim, ana, first, VERB_DECLINE), REASON_OK);
    sim_run_ms(sim, 100);
    assert_int_equal(ana->n_held, 0); /* the credit went with the skip */
    assert_state(sim, second, POOLED);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK); /* and no penalty runs */
    assert_true(id_equal(ana->ready.lead, second));        /* not the one that was just skipped */
    sim_destroy(&sim);
}

static void who_skipped_as_often_as_allowed_gets_the_next_lead_blind_for_an_hour(void **state)
{
    (void) state;
    struct sim *sim = story_new(preview_policy(SEE_COARSE, 2));
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    for (uint32_t i = 0; i < 3; i++)
        story_lead(sim, "to-pull", 0);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
        assert_int_equal(story_act(sim, ana, ana->ready.lead, VERB_DECLINE), REASON_OK);
    }
    sim_crash(sim); /* nor is it forgotten */
    sim_run_ms(sim, 1200);
    assert_int_equal(story_core_agent(sim, ana)->skips, 2);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    const struct id blind = ana->ready.lead;
    assert_state(sim, blind, OWNED);
    assert_int_equal(sim_held(ana, blind)->see, SEE_FULL);
    story_work_up_to(sim, ana, blind, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, blind, DISPOSITION_SALE, "sold"), REASON_OK);
    sim_audit_every(sim, 1000);
    sim_run_ms(sim, 3600 * 1000);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_state(sim, ana->ready.lead, OFFERED);
    assert_int_equal(story_act(sim, ana, ana->ready.lead, VERB_DECLINE), REASON_OK);
    assert_int_equal(story_core_agent(sim, ana)->skips, 1);
    sim_destroy(&sim);
}

static void what_comes_back_to_its_owner_is_no_preview(void **state)
{
    (void) state;
    struct sim *sim = story_new(preview_policy(SEE_NONE, 5));
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pull", 0);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    story_work_up_to(sim, ana, lead, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_NO_ANSWER, "rang out"), REASON_OK);
    sim_run_ms(sim, 1100);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_state(sim, lead, OWNED);
    assert_int_equal(sim_held(ana, lead)->see, SEE_FULL);
    sim_destroy(&sim);
}

static void a_pushed_offer_may_be_masked_and_declining_it_is_no_skip(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].see = SEE_COARSE;
    policy->programmes[0].pull = PULL_PREVIEW;
    policy->programmes[0].skips_max = 5;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_held(ana, lead)->see, SEE_COARSE);
    assert_int_equal(story_act(sim, ana, lead, VERB_DECLINE), REASON_OK);
    assert_int_equal(story_ready(sim, ana, 0), REASON_PENALTY);
    sim_destroy(&sim);
}

/* ---- choosing ------------------------------------------------------------------------------- */

static struct policy *choose_policy(void)
{
    struct policy *policy = preview_policy(SEE_COARSE, 0);
    policy->programmes[1].pull = PULL_CHOOSE;
    return policy;
}

static enum reason list_of(struct sim *sim, struct sim_agent *agent, uint32_t n)
{
    agent->ready = (struct ready_result){.reason = (enum reason) REASON_MAX};
    sim_choose(sim, agent, n, (struct id){0});
    sim_run_ms(sim, 2);
    return agent->ready.reason;
}

static enum reason take(struct sim *sim, struct sim_agent *agent, struct id lead)
{
    agent->ready = (struct ready_result){.reason = (enum reason) REASON_MAX};
    sim_choose(sim, agent, 0, lead);
    sim_run_ms(sim, 2);
    return agent->ready.reason;
}

/* proves 003-17: choose from a list, or be given the next */
static void who_may_choose_sees_a_list_and_takes_what_is_still_free(void **state)
{
    (void) state;
    struct sim *sim = story_new(choose_policy());
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    struct sim_agent *ben = story_agent(sim, "ben", "hunters", INTENT_ON_DEMAND);
    assert_int_equal(list_of(sim, ana, 10), REASON_NO_LEAD);
    struct id leads[12];
    for (uint32_t i = 0; i < 12; i++)
        leads[i] = story_lead(sim, "to-pull", i == 11 ? 7 : 0);
    assert_int_equal(list_of(sim, ana, 3), REASON_OK);
    assert_int_equal(ana->n_candidates, 3);
    assert_true(id_equal(ana->candidates[0].lead, leads[11])); /* in the order in which they would come */
    assert_true(id_equal(ana->candidates[1].lead, leads[0]));
    assert_true(id_equal(ana->candidates[2].lead, leads[1]));
    assert_int_equal(ana->candidates[0].see, SEE_COARSE);
    assert_int_equal(list_of(sim, ben, 10), REASON_OK); /* nothing is kept for her */
    assert_int_equal(ben->n_candidates, 10);
    assert_int_equal(take(sim, ben, leads[1]), REASON_OK);
    assert_true(id_equal(ben->ready.lead, leads[1]));
    assert_state(sim, leads[1], OWNED);
    assert_owner(sim, leads[1], "ben");
    assert_int_equal(sim_held(ben, leads[1])->see, SEE_FULL);
    assert_int_equal(story_of(sim, leads[1])->reason, REASON_CHOSEN);
    assert_int_equal(take(sim, ana, leads[1]), REASON_LEAD_TAKEN);
    assert_int_equal(take(sim, ana, leads[5]), REASON_OK); /* on no list of hers, and free */
    assert_int_equal(take(sim, ana, leads[6]), REASON_OWES_FIRST_ACTION);
    assert_int_equal(list_of(sim, ana, 3), REASON_OWES_FIRST_ACTION);
    assert_int_equal(ana->n_candidates, 0);
    story_work_up_to(sim, ana, leads[5], LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, leads[5], DISPOSITION_SALE, "sold"), REASON_OK);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK); /* or whatever comes next */
    assert_true(id_equal(ana->ready.lead, leads[11]));
    sim_destroy(&sim);
}

static void of_two_who_take_the_same_lead_one_gets_it_and_a_repeated_take_is_one(void **state)
{
    (void) state;
    struct sim *sim = story_new(choose_policy());
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    struct sim_agent *ben = story_agent(sim, "ben", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pull", 0), other = story_lead(sim, "to-pull", 0);
    sim_run_ms(sim, 2);
    sim_choose(sim, ana, 0, lead);
    sim_choose(sim, ben, 0, lead);
    sim_run_ms(sim, 3);
    assert_int_equal((ana->ready.reason == REASON_OK) + (ben->ready.reason == REASON_OK), 1);
    assert_int_equal((ana->ready.reason == REASON_LEAD_TAKEN) + (ben->ready.reason == REASON_LEAD_TAKEN), 1);
    struct sim_agent *winner = ana->ready.reason == REASON_OK ? ana : ben;
    sim_crash(sim);
    sim_run_ms(sim, 600);
    sim_ready_again(sim, winner, 0);
    sim_run_ms(sim, 2);
    assert_true(id_equal(winner->ready.lead, lead));
    assert_int_equal(winner->n_held, 1);
    assert_state(sim, other, POOLED);
    sim_destroy(&sim);
}

static void what_may_not_be_given_may_not_be_taken(void **state)
{
    (void) state;
    struct sim *sim = story_new(choose_policy());
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    struct sim_agent *eva = story_agent(sim, "eva", "east", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pull", 0), foreign = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(take(sim, ana, foreign), REASON_NOT_IN_POOL);
    assert_int_equal(take(sim, ana, (struct id){1, 2}), REASON_LEAD_TAKEN);
    assert_int_equal(take(sim, eva, foreign), REASON_NO_CHOICE);
    assert_int_equal(list_of(sim, eva, 3), REASON_NO_CHOICE);
    assert_int_equal(take(sim, ana, lead), REASON_OK);
    story_work_up_to(sim, ana, lead, LEAD_WORKING);
    assert_int_equal(story_act(sim, ana, lead, VERB_RELEASE), REASON_OK);
    sim_run_ms(sim, 2);
    assert_state(sim, lead, POOLED);
    assert_int_equal(take(sim, ana, lead), REASON_EXCLUDED_PAST_OWNER);
    assert_int_equal(list_of(sim, ana, 3), REASON_NO_LEAD);
    sim_destroy(&sim);
}

/* ---- what may come, and when ---------------------------------------------------------------- */

/* proves 4-15: who gets nothing is told when to ask again, and it comes true */
static void no_lead_says_when_one_that_is_known_may_come(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[1].gap_ms[0] = 60000;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    assert_int_equal(story_ready(sim, ana, 0), REASON_NO_LEAD);
    assert_int_equal(ana->ready.wait_ms, 0); /* nothing is known */
    const struct id lead = story_lead(sim, "to-pull", 0);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    story_work_up_to(sim, ana, lead, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_NO_ANSWER, "rang out"), REASON_OK);
    sim_run_ms(sim, 20000);
    assert_int_equal(story_ready(sim, ana, 0), REASON_NO_LEAD);
    assert_about(ana->ready.wait_ms, 40000);
    sim_crash(sim); /* the same question has the same answer */
    sim_run_ms(sim, 600);
    const uint32_t told = ana->ready.wait_ms;
    sim_ready_again(sim, ana, 0);
    sim_run_ms(sim, 2);
    assert_int_equal(ana->ready.wait_ms, told);
    assert_int_equal(story_ready(sim, ana, 0), REASON_NO_LEAD);
    sim_run_ms(sim, ana->ready.wait_ms + 2);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_true(id_equal(ana->ready.lead, lead));
    sim_destroy(&sim);
}

static void the_forecast_knows_a_decline_that_will_be_forgiven(void **state)
{
    (void) state;
    struct sim *sim = story_new(preview_policy(SEE_COARSE, 5));
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    struct sim_agent *ben = story_agent(sim, "ben", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pull", 0);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_int_equal(story_act(sim, ana, lead, VERB_DECLINE), REASON_OK);
    assert_int_equal(story_ready(sim, ana, 0), REASON_NO_LEAD);
    assert_about(ana->ready.wait_ms, 5000);
    sim_run_ms(sim, ana->ready.wait_ms + 2);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_int_equal(story_act(sim, ana, lead, VERB_ACCEPT), REASON_OK);
    assert_int_equal(story_act(sim, ana, lead, VERB_RELEASE), REASON_OK);
    assert_int_equal(story_ready(sim, ben, 0), REASON_OK);
    assert_int_equal(story_act(sim, ben, lead, VERB_DECLINE), REASON_OK);
    assert_int_equal(story_until_state(sim, lead, LEAD_POOLED, 10), 0);
    if (story_ready(sim, ana, 0) == REASON_NO_LEAD) /* else giving it back cost a pause */
        assert_int_equal(ana->ready.wait_ms, 0);    /* she had it before: that is for ever */
    sim_destroy(&sim);
}

/* The simulated world begins on a Tuesday at 22:13:20 UTC. */
static void the_forecast_knows_when_a_lead_may_be_called(void **state)
{
    (void) state;
    enum { OPENS_MIN = 1440 + 22 * 60 + 14 };
    struct policy *policy = sim_policy();
    policy->n_zones = policy->n_hours = 1;
    policy->zones[0].leads = true;
    policy->hours[0].hours = (struct hours){.n_spans = 1, .spans = {{OPENS_MIN, OPENS_MIN + 60}}};
    policy->programmes[1].n_calling = 1;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pull", 0);
    assert_int_equal(story_ready(sim, ana, 0), REASON_NO_LEAD);
    assert_state(sim, lead, HELD);
    assert_int_equal(ana->ready.wait_ms / 1000, 39);
    sim_run_ms(sim, ana->ready.wait_ms + 2);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_true(id_equal(ana->ready.lead, lead));
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_choice[] = {
    cmocka_unit_test(a_first_action_in_time_earns_the_next_lead_where_the_programme_says_so),
    cmocka_unit_test(a_first_action_that_comes_too_late_earns_nothing),
    cmocka_unit_test(the_other_way_of_earning_comes_into_force_with_the_policy),
    cmocka_unit_test(a_random_order_is_no_order_of_arrival_and_the_same_after_a_crash),
    cmocka_unit_test(a_preview_shows_as_much_as_the_programme_says_and_all_when_it_is_accepted),
    cmocka_unit_test(a_masked_preview_survives_a_crash_masked),
    cmocka_unit_test(one_preview_at_a_time_and_each_skip_costs_its_credit),
    cmocka_unit_test(who_skipped_as_often_as_allowed_gets_the_next_lead_blind_for_an_hour),
    cmocka_unit_test(what_comes_back_to_its_owner_is_no_preview),
    cmocka_unit_test(no_lead_says_when_one_that_is_known_may_come),
    cmocka_unit_test(the_forecast_knows_a_decline_that_will_be_forgiven),
    cmocka_unit_test(the_forecast_knows_when_a_lead_may_be_called),
    cmocka_unit_test(who_may_choose_sees_a_list_and_takes_what_is_still_free),
    cmocka_unit_test(of_two_who_take_the_same_lead_one_gets_it_and_a_repeated_take_is_one),
    cmocka_unit_test(what_may_not_be_given_may_not_be_taken),
    cmocka_unit_test(a_pushed_offer_may_be_masked_and_declining_it_is_no_skip),
};
const size_t n_stories_of_choice = sizeof stories_of_choice / sizeof *stories_of_choice;
