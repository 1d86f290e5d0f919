/* SPDX-License-Identifier: Apache-2.0
 * stories_duty.c - shifts and planned absences. The simulated world begins on a Tuesday at 22:13:20 UTC; the teams
 * are five hours west of it, where that is 17:13:20. */
#include "tests/sim/story.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS };
enum { BEGINS = 17 * 60 + 14, ENDS = 17 * 60 + 16 }; /* 40 s and 160 s after the beginning */

/* Every day from one time to another, minutes of the day where the teams are. */
static struct policy *shift(uint32_t from_min, uint32_t to_min)
{
    struct policy *policy = sim_policy();
    policy->n_zones = 2;
    policy->zones[1].zone.offset_s = -5 * 3600;
    policy->n_hours = 1;
    policy->hours[0].hours.n_spans = 7;
    for (uint32_t day = 0; day < 7; day++)
        policy->hours[0].hours.spans[day] = (struct hours_span){day * 1440 + from_min, day * 1440 + to_min};
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        policy->programmes[i].shift = 1;
        policy->programmes[i].zone = 1;
    }
    return policy;
}

static enum reason why_none(struct sim *sim, const struct sim_agent *agent)
{
    enum reason why;
    agent_cards(sim_core(sim), story_core_agent(sim, agent), &why, NULL);
    return why;
}

static void plan(struct sim *sim, const char *name, int64_t from_ms, int64_t until_ms)
{
    char arg[128];
    snprintf(arg, sizeof arg, "%s %lld %lld", name, (long long) from_ms, (long long) until_ms);
    sim_query(sim, QUERY_ABSENCE, arg);
}

static void nobody_gets_a_lead_before_its_shift(void **state)
{
    (void) state;
    struct sim *sim = story_new(shift(BEGINS, ENDS));
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *hugo = story_agent(sim, "hugo", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    assert_state(sim, lead, POOLED);
    assert_int_equal(why_none(sim, ana), REASON_OFF_SHIFT);
    assert_int_equal(story_ready(sim, hugo, 0), REASON_OFF_SHIFT);
    story_until_state(sim, lead, LEAD_OFFERED, MINUTE_MS);
    assert_owner(sim, lead, "ana");
    assert_about(sim_now_ms(sim), INT64_C(1700000000000) + 40 * SECOND_MS + 2);
    sim_destroy(&sim);
}

/* proves 5.2: shift end is a drain */
static void when_a_shift_ends_what_is_untouched_goes_on_and_nobody_is_blamed(void **state)
{
    (void) state;
    struct policy *policy = shift(17 * 60, BEGINS);
    policy->programmes[0].shift = 0; /* always, but for the team of those who go home */
    policy->teams[0].shift = 1;
    policy->teams[0].zone = 2;
    policy->programmes[0].activity_ms = HOUR_MS;
    policy->programmes[0].first_action_ms = HOUR_MS;
    snprintf(policy->teams[policy->n_teams].name, sizeof policy->teams[0].name, "night");
    policy->teams[policy->n_teams++].programme = 0;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 30 * SECOND_MS);
    const struct id worked = story_lead(sim, "to-push", 0), owned = story_lead(sim, "to-push", 0),
                    offered = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    story_work_up_to(sim, ana, worked, LEAD_WORKING);
    story_work_up_to(sim, ana, owned, LEAD_OWNED);
    struct sim_agent *nora = story_agent(sim, "nora", "night", INTENT_AVAILABLE);
    story_until_owner(sim, owned, "nora", 15 * SECOND_MS);
    sim_run_ms(sim, 10);
    assert_about(sim_now_ms(sim), INT64_C(1700000000000) + 40 * SECOND_MS + 12);
    assert_owner(sim, offered, "nora");
    assert_owner(sim, worked, "ana");
    assert_state(sim, worked, WORKING);
    assert_int_equal(story_of(sim, owned)->distributions, 0);
    assert_int_equal(story_of(sim, owned)->n_excludes, 0);
    assert_int_equal(story_dispose(sim, ana, worked, DISPOSITION_SALE, NULL), REASON_OK); /* it may finish */
    assert_int_equal(why_none(sim, ana), REASON_OFF_SHIFT);
    (void) nora;
    sim_destroy(&sim);
}

static void a_shift_that_ended_while_nobody_looked_is_over_after_the_restart(void **state)
{
    (void) state;
    struct policy *policy = shift(17 * 60, BEGINS);
    policy->programmes[0].first_action_ms = HOUR_MS;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    story_work_up_to(sim, ana, lead, LEAD_OWNED);
    sim_run_ms(sim, 30 * SECOND_MS);
    sim_stall(sim, MINUTE_MS);
    sim_crash(sim);
    sim_run_ms(sim, 3 * SECOND_MS);
    assert_owner(sim, lead, "");
    sim_destroy(&sim);
}

/* proves 000-06: the owner on holiday */
static void who_is_absent_as_planned_gets_nothing_and_keeps_nothing_unworked(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].first_action_ms = HOUR_MS;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id first = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    story_work_up_to(sim, ana, first, LEAD_OWNED);
    plan(sim, "ana", sim_now_ms(sim) + 10 * SECOND_MS, sim_now_ms(sim) + 14 * 24 * (int64_t) HOUR_MS);
    sim_run_ms(sim, 5 * SECOND_MS);
    assert_owner(sim, first, "ana"); /* not yet */
    sim_crash(sim);
    sim_run_ms(sim, 100);
    sim_hello(sim, ana);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    story_until_owner(sim, first, "ben", 8 * SECOND_MS);
    const struct id second = story_lead(sim, "to-push", 1);
    sim_run_ms(sim, 5);
    assert_owner(sim, second, "ben");
    assert_int_equal(why_none(sim, ana), REASON_ABSENT);
    plan(sim, "ana", 0, 0);
    sim_run_ms(sim, 5);
    assert_int_equal(why_none(sim, ana), REASON_OK);
    (void) ben;
    sim_destroy(&sim);
}

static void a_callback_of_who_is_off_goes_to_who_is_there_and_another_attempt_waits(void **state)
{
    (void) state;
    struct policy *policy = shift(17 * 60, BEGINS);
    policy->programmes[0].shift = 0;
    policy->programmes[0].gap_ms[0] = MINUTE_MS;
    policy->teams[0].shift = 1;
    policy->teams[0].zone = 2;
    snprintf(policy->teams[policy->n_teams].name, sizeof policy->teams[0].name, "night");
    policy->teams[policy->n_teams++].programme = 0;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id agreed = story_lead(sim, "to-push", 0), retried = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    story_work_up_to(sim, ana, agreed, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, agreed, DISPOSITION_CALLBACK, NULL), REASON_OK); /* in a minute */
    story_work_up_to(sim, ana, retried, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, retried, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    sim_run_ms(sim, 45 * SECOND_MS); /* ana's shift is over */
    story_agent(sim, "nora", "night", INTENT_AVAILABLE);
    story_until_owner(sim, agreed, "nora", 30 * SECOND_MS);
    sim_run_ms(sim, 30 * SECOND_MS);
    assert_state(sim, retried, PIPELINE);
    assert_owner(sim, retried, "ana");
    assert_false(story_of(sim, retried)->due);
    assert_int_equal(story_of(sim, retried)->timer.at_ms / MINUTE_MS % 1440, 22 * 60); /* 17:00 where she is */
    sim_destroy(&sim);
}

/* Her lead waits for her next shift, which the new policy begins today. */
static void a_shift_that_begins_sooner_wakes_what_waits_for_the_old_one_when_it_begins(void **state)
{
    (void) state;
    struct policy *policy = shift(17 * 60, BEGINS);
    policy->programmes[0].gap_ms[0] = 45 * SECOND_MS;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id tried = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    story_work_up_to(sim, ana, tried, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, tried, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    sim_run_ms(sim, 50 * SECOND_MS);
    assert_state(sim, tried, PIPELINE);
    assert_int_equal(story_of(sim, tried)->reason, REASON_OFF_SHIFT);
    assert_false(story_of(sim, tried)->due);
    sim_apply(sim, shift(ENDS, 18 * 60));
    sim_run_ms(sim, 5);
    assert_int_equal(sim_applied(sim, NULL), REASON_OK);
    assert_state(sim, tried, PIPELINE);
    sim_crash(sim);
    sim_run_ms(sim, 10);
    sim_run_ms(sim, INT64_C(1700000000000) + 160 * SECOND_MS - sim_now_ms(sim) - 100);
    assert_state(sim, tried, PIPELINE);
    story_until_state(sim, tried, LEAD_OWNED, 200);
    assert_owner(sim, tried, "ana");
    sim_destroy(&sim);
}

static void not_even_a_hand_gives_a_lead_to_who_is_off(void **state)
{
    (void) state;
    struct sim *sim = story_new(shift(BEGINS, ENDS));
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    assert_int_equal(story_order(sim, lead, ORDER_ASSIGN, "ana", 0), REASON_OFF_SHIFT);
    plan(sim, "ana", sim_now_ms(sim) - SECOND_MS, sim_now_ms(sim) + HOUR_MS);
    assert_int_equal(story_order(sim, lead, ORDER_ASSIGN, "ana", 0), REASON_ABSENT);
    assert_state(sim, lead, POOLED);
    plan(sim, "ana", 0, 0);
    sim_run_ms(sim, 41 * SECOND_MS); /* her shift has begun, and it came to her by itself */
    assert_owner(sim, lead, "ana");
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_duty[] = {
    cmocka_unit_test(nobody_gets_a_lead_before_its_shift),
    cmocka_unit_test(when_a_shift_ends_what_is_untouched_goes_on_and_nobody_is_blamed),
    cmocka_unit_test(a_shift_that_ended_while_nobody_looked_is_over_after_the_restart),
    cmocka_unit_test(who_is_absent_as_planned_gets_nothing_and_keeps_nothing_unworked),
    cmocka_unit_test(a_callback_of_who_is_off_goes_to_who_is_there_and_another_attempt_waits),
    cmocka_unit_test(a_shift_that_begins_sooner_wakes_what_waits_for_the_old_one_when_it_begins),
    cmocka_unit_test(not_even_a_hand_gives_a_lead_to_who_is_off),
};
const size_t n_stories_of_duty = sizeof stories_of_duty / sizeof *stories_of_duty;
