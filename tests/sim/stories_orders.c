/* SPDX-License-Identifier: Apache-2.0
 * stories_orders.c - an operator's hand: it wins over the rules, and never over the
 * fence; it is answered, done once, and remembered with who and why. */
#include "tests/sim/story.h"

/* A lead in this state; ana has it, where somebody must. */
static struct id lead_in(struct sim *sim, struct sim_agent *ana, enum lead_state state)
{
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    if (state == LEAD_HELD || state == LEAD_POOLED)
        return lead;
    if (state <= LEAD_WRAP_UP) {
        story_work_up_to(sim, ana, lead, state);
    } else if (state == LEAD_PIPELINE) {
        story_work_up_to(sim, ana, lead, LEAD_WORKING);
        assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    } else if (state == LEAD_COOLING) {
        story_work_up_to(sim, ana, lead, LEAD_OWNED);
        assert_int_equal(story_act(sim, ana, lead, VERB_RELEASE), REASON_OK);
    } else {
        story_work_up_to(sim, ana, lead, LEAD_OWNED);
        ana->clings = true; /* the withdrawal is not carried out, and her validity not extended */
        story_until_state(sim, lead, LEAD_REVOKING, 5001);
        sim_silence(sim, ana, true);
    }
    assert_int_equal(sim_state(sim, lead), state);
    return lead;
}

static struct policy *policy_for(enum lead_state state)
{
    struct policy *policy = sim_policy();
    policy->programmes[0].vet = state == LEAD_HELD;
    policy->programmes[0].vet_ms = 60000;
    policy->programmes[0].recycles_max = 1;
    policy->programmes[0].cool_off_ms = 60000;
    policy->programmes[0].distributions_max = state == LEAD_COOLING ? 1 : 3;
    return policy;
}

static const enum lead_state live[] = {LEAD_HELD,    LEAD_POOLED,   LEAD_OFFERED,  LEAD_OWNED,  LEAD_WORKING,
                                       LEAD_WRAP_UP, LEAD_REVOKING, LEAD_PIPELINE, LEAD_COOLING};

/* proves 3-09, features 5.1 manual_assign: from wherever it is, and the former owner is out before the new one is in */
static void a_lead_is_given_to_an_agent_by_hand_wherever_it_is(void **state)
{
    (void) state;
    for (size_t i = 0; i < sizeof live / sizeof *live; i++) {
        struct sim *sim = story_new(policy_for(live[i]));
        struct sim_agent *ana =
            story_agent(sim, "ana", "east", live[i] == LEAD_POOLED ? INTENT_ON_DEMAND : INTENT_AVAILABLE);
        const struct id lead = lead_in(sim, ana, live[i]);
        const uint64_t fence = story_of(sim, lead)->fence;
        struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_ON_DEMAND);
        assert_int_equal(story_order(sim, lead, ORDER_ASSIGN, "ben", 0), REASON_OK);
        story_until_owner(sim, lead, "ben", 5000);
        assert_state(sim, lead, OWNED);
        assert_true(story_of(sim, lead)->fence > fence);
        assert_int_equal(story_of(sim, lead)->reason, REASON_ASSIGNED);
        sim_run_ms(sim, 5);
        assert_non_null(sim_held(ben, lead));
        if (story_of(sim, lead)->former == NONE && live[i] != LEAD_REVOKING)
            assert_null(sim_held(ana, lead));
        const struct follow *follow = followup_look(story_of(sim, lead));
        assert_int_equal(follow->n_orders, 1);
        assert_string_equal(follow->orders[0].actor, "chief");
        assert_string_equal(follow->orders[0].why, "I say so");
        story_work_up_to(sim, ben, lead, LEAD_WORKING);
        assert_int_equal(story_dispose(sim, ben, lead, DISPOSITION_SALE, NULL), REASON_OK);
        sim_destroy(&sim);
    }
}

/* proves features 5.1 manual_release, reopen's counterpart: out of any hand, and to somebody else */
static void a_lead_is_taken_from_an_agent_by_hand(void **state)
{
    (void) state;
    static const enum lead_state from[] = {LEAD_OFFERED, LEAD_OWNED,    LEAD_WORKING,
                                           LEAD_WRAP_UP, LEAD_PIPELINE, LEAD_COOLING};
    for (size_t i = 0; i < sizeof from / sizeof *from; i++) {
        struct sim *sim = story_new(policy_for(from[i]));
        struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
        const struct id lead = lead_in(sim, ana, from[i]);
        const uint8_t distributions = story_of(sim, lead)->distributions;
        assert_int_equal(story_order(sim, lead, ORDER_RELEASE, "", 0), REASON_OK);
        sim_run_ms(sim, 5);
        assert_state(sim, lead, POOLED); /* and she does not get it again at once */
        assert_null(sim_held(ana, lead));
        assert_int_equal(story_of(sim, lead)->distributions,
                         from[i] == LEAD_COOLING ? 0 : distributions); /* none failed */
        assert_int_equal(story_order(sim, lead, ORDER_RELEASE, "", 0), REASON_WRONG_STATE);
        sim_destroy(&sim);
    }
}

/* proves features 5.1 reopen: ended leads begin again, but not those that must not be called */
static void an_ended_lead_is_opened_again_but_not_a_suppressed_one(void **state)
{
    (void) state;
    static const enum disposition codes[] = {DISPOSITION_SALE, DISPOSITION_NOT_INTERESTED, DISPOSITION_FAKE,
                                             DISPOSITION_DO_NOT_CALL, DISPOSITION_NO_ANSWER};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct policy *policy = sim_policy();
        policy->programmes[0].attempts_max = 1;
        policy->programmes[0].age_max_ms = 20000;
        struct sim *sim = story_new(policy);
        struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
        const struct id lead = story_lead(sim, "to-push", 0);
        sim_run_ms(sim, 2);
        story_work_up_to(sim, ana, lead, LEAD_WORKING);
        assert_int_equal(story_dispose(sim, ana, lead, codes[i], NULL), REASON_OK);
        assert_int_equal(story_order(sim, lead, ORDER_ASSIGN, "ana", 0), REASON_WRONG_STATE);
        const bool may = codes[i] != DISPOSITION_DO_NOT_CALL;
        assert_int_equal(story_order(sim, lead, ORDER_REOPEN, "", 0), may ? REASON_STILL_SHOWN : REASON_WRONG_STATE);
        sim_run_ms(sim, 25000); /* older than age_max: it is counted from now */
        assert_int_equal(story_order(sim, lead, ORDER_REOPEN, "", 0), may ? REASON_OK : REASON_WRONG_STATE);
        if (may) {
            assert_int_equal(story_of(sim, lead)->attempts, 0);
            struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
            for (int ms = 0; ms < 9000 && sim_state(sim, lead) != LEAD_OFFERED; ms++)
                sim_run_ms(sim, 1);
            assert_state(sim, lead, OFFERED);
            (void) ben;
        }
        sim_destroy(&sim);
    }
}

/* proves the peers' defect of moved rotation (2.4, EspoCRM): whose turn it was is whose turn it is */
static void a_hand_does_not_move_the_rotation(void **state)
{
    (void) state;
    const char *names[2][3];
    for (int hand = 0; hand < 2; hand++) {
        struct policy *policy = sim_policy();
        policy->programmes[0].strategy = STRATEGY_WEIGHTED_ROUND_ROBIN;
        policy->programmes[0].vet = true;
        policy->programmes[0].vet_ms = 600000;
        struct sim *sim = story_new(policy);
        story_agent(sim, "ana", "east", INTENT_AVAILABLE);
        struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
        story_agent(sim, "cal", "east", INTENT_AVAILABLE);
        const struct id moved = story_lead(sim, "to-push", 0);
        const struct agent *agent = story_core_agent(sim, ben);
        const int64_t served_us = agent->served_us, idle_us = agent->idle_since_us;
        const uint64_t turn = agent->turn, rotation = sim_core(sim)->programmes[0].rotation;
        if (hand) {
            assert_int_equal(story_order(sim, moved, ORDER_ASSIGN, "ben", 0), REASON_OK);
            assert_owner(sim, moved, "ben");
        }
        assert_true(agent->served_us == served_us && agent->turn == turn && agent->idle_since_us == idle_us);
        assert_int_equal(sim_core(sim)->programmes[0].rotation, rotation);
        for (int i = 0; i < 3; i++) {
            const struct id lead = story_lead(sim, "to-push", 0);
            assert_int_equal(story_order(sim, lead, ORDER_RELEASE, "", 0), REASON_OK);
            sim_run_ms(sim, 2);
            names[hand][i] = strdup(sim_owner(sim, lead));
        }
        sim_destroy(&sim);
    }
    for (int i = 0; i < 3; i++) {
        assert_string_equal(names[0][i], names[1][i]);
        free((char *) names[0][i]);
        free((char *) names[1][i]);
    }
}

static void an_order_is_done_once_and_refused_with_a_reason(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    story_work_up_to(sim, ana, lead, LEAD_OWNED);
    assert_int_equal(story_order(sim, lead, ORDER_ASSIGN, "nobody", 0), REASON_UNKNOWN_AGENT);
    assert_int_equal(story_order(sim, sim_lead_id(5), ORDER_ASSIGN, "ben", 0), REASON_UNKNOWN_LEAD);
    assert_int_equal(story_order(sim, lead, ORDER_REJECT, "", DISPOSITION_FAKE), REASON_WRONG_STATE);
    assert_int_equal(story_order(sim, lead, ORDER_REOPEN, "", 0), REASON_WRONG_STATE);
    assert_owner(sim, lead, "ana"); /* none of it changed anything */
    assert_null(followup_look(story_of(sim, lead))->orders);
    sim_order(sim, 77, lead, ORDER_ASSIGN, "ben", 0);
    sim_run_ms(sim, 5);
    assert_owner(sim, lead, "ben");
    const uint64_t fence = story_of(sim, lead)->fence;
    sim_crash(sim);
    sim_order(sim, 77, lead, ORDER_ASSIGN, "ben", 0); /* repeated, over a takeover */
    sim_run_ms(sim, 5);
    assert_int_equal(sim_applied(sim, NULL), REASON_OK);
    assert_int_equal(story_of(sim, lead)->fence, fence);
    sim_run_ms(sim, 1000);
    sim_bye(sim, ben);
    sim_run_ms(sim, 5);
    assert_int_equal(story_order(sim, lead, ORDER_ASSIGN, "ben", 0), REASON_NOT_CONNECTED);
    sim_destroy(&sim);
}

/* proves 3-09: the answer that put a lead into the pipeline may not have come: until then its owner may show it */
static void a_hand_waits_for_an_owner_who_did_not_hear_that_it_is_over(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_ON_DEMAND);
    const struct id lead = lead_in(sim, ana, LEAD_WRAP_UP);
    sim_act(sim, ana, lead, VERB_DISPOSITION, DISPOSITION_NO_ANSWER, NULL);
    sim_silence(sim, ana, true);
    sim_run_ms(sim, 1);
    assert_state(sim, lead, PIPELINE);
    assert_non_null(sim_held(ana, lead));
    assert_int_equal(story_order(sim, lead, ORDER_ASSIGN, ben->name, 0), REASON_OK);
    assert_state(sim, lead, REVOKING);
    story_until_owner(sim, lead, "ben", 3000);
    sim_destroy(&sim);
}

/* Who had a lead before and gets it by hand is its owner like any other. */
static void a_past_owner_may_get_it_again_by_hand(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = lead_in(sim, ana, LEAD_WORKING);
    assert_int_equal(story_act(sim, ana, lead, VERB_RELEASE), REASON_OK);
    assert_state(sim, lead, POOLED);
    assert_int_equal(story_order(sim, lead, ORDER_ASSIGN, "ana", 0), REASON_OK);
    sim_run_ms(sim, 2);
    story_work_up_to(sim, ana, lead, LEAD_WORKING);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    story_until_state(sim, lead, LEAD_OWNED, 2000); /* and comes back to her */
    assert_owner(sim, lead, "ana");
    sim_destroy(&sim);
}

/* To whom it was to go may be gone when the former owner has let go. And more than a limit by hand: it is kept. */
static void a_hand_may_fill_beyond_the_limit_and_a_target_that_left_gets_nothing(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_ON_DEMAND);
    struct id leads[4];
    for (int i = 0; i < 4; i++) {
        leads[i] = story_lead(sim, "to-push", 0);
        sim_run_ms(sim, 2);
        story_work_up_to(sim, ana, leads[i], LEAD_WORKING);
        assert_int_equal(story_order(sim, leads[i], ORDER_ASSIGN, "ben", 0), REASON_OK);
        story_until_owner(sim, leads[i], "ben", 100);
    }
    assert_int_equal(story_core_agent(sim, ben)->owned, 4); /* his limit is 3 */
    assert_int_equal(story_ready(sim, ben, 0), REASON_WIP_FULL);
    ben->clings = true;
    assert_int_equal(story_order(sim, leads[0], ORDER_ASSIGN, "ana", 0), REASON_OK);
    sim_run_ms(sim, 2);
    assert_state(sim, leads[0], REVOKING);
    sim_crash(sim); /* to whom it goes is remembered */
    assert_int_equal(followup_look(story_of(sim, leads[0]))->assign_to, story_core_agent(sim, ana)->index);
    sim_bye(sim, ana);
    sim_run_ms(sim, 20);
    story_until_state(sim, leads[0], LEAD_POOLED, 10000);
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_orders[] = {
    cmocka_unit_test(a_lead_is_given_to_an_agent_by_hand_wherever_it_is),
    cmocka_unit_test(a_lead_is_taken_from_an_agent_by_hand),
    cmocka_unit_test(an_ended_lead_is_opened_again_but_not_a_suppressed_one),
    cmocka_unit_test(a_hand_does_not_move_the_rotation),
    cmocka_unit_test(an_order_is_done_once_and_refused_with_a_reason),
    cmocka_unit_test(a_hand_waits_for_an_owner_who_did_not_hear_that_it_is_over),
    cmocka_unit_test(a_past_owner_may_get_it_again_by_hand),
    cmocka_unit_test(a_hand_may_fill_beyond_the_limit_and_a_target_that_left_gets_nothing),
};
const size_t n_stories_of_orders = sizeof stories_of_orders / sizeof *stories_of_orders;
