/* SPDX-License-Identifier: Apache-2.0
 * stories_pools.c - push/pull: many small pools of limited depth, fed in turn, and
 * what becomes of a lead that its own pool leaves lying. */
#include "tests/sim/story.h"

enum { UNCLAIMED_MS = 6000 }; /* of sim_policy() */

static uint32_t depth_of(struct sim *sim, const char *team)
{
    const struct core *core = sim_core(sim);
    for (uint32_t t = 0; t < core->policy.n_teams; t++)
        if (strcmp(core->policy.teams[t].name, team) == 0)
            return core->pools[pool_index(2, RING_TEAM, t)].depth;
    fail_msg("no team %s", team);
    return 0;
}

static uint32_t upstream(struct sim *sim)
{
    return sim_core(sim)->pools[pool_index(2, RING_OWN, NONE)].depth;
}

/* proves 002-07, 002-08, 002-09: limited pools, the rest waits upstream */
static void team_pools_are_as_deep_as_their_team_is_present_and_the_rest_waits_upstream(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    for (int i = 0; i < 12; i++)
        story_lead(sim, "to-pushpull", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(upstream(sim), 12); /* nobody there: nowhere to go */
    story_agent(sim, "ana", "north", INTENT_ON_DEMAND);
    assert_int_equal(depth_of(sim, "north"), 3);
    story_agent(sim, "ben", "south", INTENT_ON_DEMAND);
    story_agent(sim, "cleo", "south", INTENT_AWAY); /* present is present */
    assert_int_equal(depth_of(sim, "north"), 3);
    assert_int_equal(depth_of(sim, "south"), 6);
    assert_int_equal(upstream(sim), 3);
    sim_destroy(&sim);
}

/* proves 002-07: only that team can pull it */
static void only_its_team_can_pull_what_is_in_a_pool(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "north", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pushpull", 0);
    sim_run_ms(sim, 2);
    struct sim_agent *ben = story_agent(sim, "ben", "south", INTENT_ON_DEMAND);
    assert_int_equal(story_ready(sim, ben, 0), REASON_NO_LEAD);
    assert_state(sim, lead, POOLED);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_owner(sim, lead, "ana");
    sim_destroy(&sim);
}

/* proves 002-09: pools are refilled in turn, as soon as there is room, and the turn is remembered */
static void pools_are_refilled_in_turn_also_over_a_crash(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[2].depth_per_agent = 2;
    policy->programmes[2].unclaimed_ms = 600000;
    struct sim *sim = story_new(policy);
    story_agent(sim, "ana", "north", INTENT_ON_DEMAND);
    story_agent(sim, "ben", "south", INTENT_ON_DEMAND);
    const char *const turns[] = {"north", "south", "north", "south"};
    for (int i = 0; i < 4; i++) {
        const uint32_t before = depth_of(sim, turns[i]);
        const struct id lead = story_lead(sim, "to-pushpull", 0);
        sim_run_ms(sim, 2);
        assert_int_equal(depth_of(sim, turns[i]), before + 1);
        assert_int_equal(story_of(sim, lead)->reason, REASON_REFILL);
        sim_crash(sim);
        sim_run_ms(sim, 600);
    }
    story_lead(sim, "to-pushpull", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(upstream(sim), 1);
    struct sim_agent *dora = story_agent(sim, "dora", "south", INTENT_OFFLINE);
    assert_int_equal(upstream(sim), 0); /* there is one more of the team: the pool is deeper */
    (void) dora;
    story_lead(sim, "to-pushpull", 0);
    story_lead(sim, "to-pushpull", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(upstream(sim), 1);
    struct sim_agent *emil = story_agent(sim, "emil", "north", INTENT_AVAILABLE);
    sim_run_ms(sim, 2);
    assert_int_equal(emil->n_held, 3); /* what he takes makes room, which is filled at once */
    assert_int_equal(upstream(sim), 0);
    sim_destroy(&sim);
}

/* In push/pull, who is AVAILABLE has standing cards and who is ON_DEMAND earns them. */
static void either_kind_of_card_serves_a_small_pool(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent_of(sim, "ana", "north", INTENT_AVAILABLE, 1);
    struct sim_agent *ben = story_agent(sim, "ben", "north", INTENT_ON_DEMAND);
    const struct id first = story_lead(sim, "to-pushpull", 0), second = story_lead(sim, "to-pushpull", 0);
    sim_run_ms(sim, 2);
    assert_state(sim, first, OFFERED);
    assert_owner(sim, first, "ana");
    assert_state(sim, second, POOLED);
    assert_int_equal(story_ready(sim, ben, 0), REASON_OK);
    assert_state(sim, second, OWNED);
    assert_int_equal(ana->n_held, 1);
    sim_destroy(&sim);
}

static enum ring ring_of(struct sim *sim, struct id lead)
{
    assert_state(sim, lead, POOLED);
    return story_of(sim, lead)->ring;
}

/* proves 002-06, 002-11: widen, then the best available without a card, then an alert, and again */
static void an_unclaimed_lead_is_widened_then_pushed_then_alerted_about(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pull", 0);
    sim_run_ms(sim, UNCLAIMED_MS - 10);
    assert_int_equal(ring_of(sim, lead), RING_OWN);
    sim_run_ms(sim, 20);
    assert_int_equal(ring_of(sim, lead), RING_WIDE); /* still nobody asks: pull */
    sim_run_ms(sim, UNCLAIMED_MS - 20);
    assert_state(sim, lead, POOLED);
    assert_about(story_until_owner(sim, lead, "ana", 100), 10);
    assert_state(sim, lead, OFFERED); /* pushed to the best available, who may decline */
    assert_int_equal(story_act(sim, ana, lead, VERB_DECLINE), REASON_OK);
    sim_bye(sim, ana);
    assert_int_equal(ring_of(sim, lead), RING_OWN); /* a new round */
    sim_run_ms(sim, 2 * UNCLAIMED_MS + 10);
    assert_int_equal(ring_of(sim, lead), RING_LAST);
    assert_int_equal(sim_core(sim)->programmes[1].alerts, 0);
    sim_run_ms(sim, UNCLAIMED_MS);
    assert_int_equal(ring_of(sim, lead), RING_LAST);
    assert_true(story_of(sim, lead)->alerted);
    assert_int_equal(sim_core(sim)->programmes[1].alerts, 1);
    sim_run_ms(sim, UNCLAIMED_MS);
    assert_int_equal(sim_core(sim)->programmes[1].alerts, 2);
    struct sim_agent *ben = story_agent(sim, "ben", "hunters", INTENT_AVAILABLE);
    assert_owner(sim, lead, ben->name); /* who comes is found: 3-03 */
    sim_destroy(&sim);
}

/* proves 3-15: when all declined: widened, then again when the exclusion is over; never in limbo, never in a loop */
static void a_lead_that_everybody_declined_is_neither_lost_nor_rung_round(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    for (uint32_t i = 0; i < 12; i++) {
        story_until_owner(sim, lead, "ana", 12000);
        assert_int_equal(story_act(sim, ana, lead, VERB_DECLINE), REASON_OK);
    }
    assert_in_range(ana->n_offers, 12, 12);
    assert_true(sim_now_ms(sim) - story_of(sim, lead)->received_us / 1000 >= 11 * 5000);
    sim_destroy(&sim);
}

/* proves 002-06: a cell-wide programme lets other programmes' agents help, a narrow one does not */
static void widening_reaches_as_far_as_the_programme_says(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE); /* of the push programme */
    const struct id cell = story_lead(sim, "to-pushpull", 0), narrow = story_lead(sim, "to-pull", 0);
    sim_run_ms(sim, UNCLAIMED_MS - 10);
    assert_int_equal(ana->n_held, 0);
    sim_run_ms(sim, 20);
    assert_owner(sim, cell, "ana");
    sim_run_ms(sim, 2 * UNCLAIMED_MS);
    assert_int_equal(ring_of(sim, narrow), RING_LAST);
    sim_destroy(&sim);
}

static void the_way_down_to_a_team_does_not_start_the_wait_anew(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    const struct id lead = story_lead(sim, "to-pushpull", 0);
    sim_run_ms(sim, 4000);
    story_agent(sim, "ana", "north", INTENT_ON_DEMAND);
    assert_int_equal(ring_of(sim, lead), RING_TEAM);
    sim_run_ms(sim, 1990);
    assert_int_equal(ring_of(sim, lead), RING_TEAM);
    sim_run_ms(sim, 20);
    assert_int_equal(ring_of(sim, lead), RING_WIDE);
    sim_destroy(&sim);
}

/* proves 000-08, 002-11: with nobody there at all, every lead is known, timed, and alerted about */
static void in_an_empty_house_no_lead_is_forgotten(void **state)
{
    (void) state;
    static const char *const sources[] = {"to-push", "to-pull", "to-pushpull"};
    struct sim *sim = story_new(NULL);
    for (int i = 0; i < 30; i++)
        story_lead(sim, sources[i % 3], i);
    sim_run_ms(sim, 3 * UNCLAIMED_MS + 10);
    for (uint32_t i = 0; i < sim_core(sim)->leads.n; i++) {
        const struct lead *lead = lead_at(&sim_core(sim)->leads, i);
        assert_true(lead->alerted);
        assert_true(heap_has(&lead->timer.node));
    }
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_pools[] = {
    cmocka_unit_test(team_pools_are_as_deep_as_their_team_is_present_and_the_rest_waits_upstream),
    cmocka_unit_test(only_its_team_can_pull_what_is_in_a_pool),
    cmocka_unit_test(pools_are_refilled_in_turn_also_over_a_crash),
    cmocka_unit_test(either_kind_of_card_serves_a_small_pool),
    cmocka_unit_test(an_unclaimed_lead_is_widened_then_pushed_then_alerted_about),
    cmocka_unit_test(a_lead_that_everybody_declined_is_neither_lost_nor_rung_round),
    cmocka_unit_test(widening_reaches_as_far_as_the_programme_says),
    cmocka_unit_test(the_way_down_to_a_team_does_not_start_the_wait_anew),
    cmocka_unit_test(in_an_empty_house_no_lead_is_forgotten),
};
const size_t n_stories_of_pools = sizeof stories_of_pools / sizeof *stories_of_pools;
