/* SPDX-License-Identifier: Apache-2.0
 * stories_log.c - ownership numbers, repeated and stale requests, and what a crash
 * may not change. That the log alone gives the same state is looked at after every
 * beat of every story; here the broker dies at every beat of a day in turn. */
#include "tests/sim/story.h"

static struct id owned(struct sim *sim, struct sim_agent *agent, enum lead_state state)
{
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    story_work_up_to(sim, agent, lead, state);
    return lead;
}

static void dump(struct sim *sim, struct buf *ret)
{
    ret->len = 0;
    core_dump(sim_core(sim), ret);
}

/* proves 3-09, 2.4 Open Match: no write under an ownership that is over, or another's, or of nobody */
static void every_act_under_a_stale_fence_is_refused_and_changes_nothing(void **state)
{
    (void) state;
    for (enum lead_state is = LEAD_OFFERED; is <= LEAD_WRAP_UP; is++) {
        struct sim *sim = story_new(NULL);
        struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
        const struct id lead = owned(sim, ana, is);
        struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
        const uint64_t fence = story_of(sim, lead)->fence;
        const struct {
            struct sim_agent *agent;
            uint64_t fence;
        } stale[] = {{ana, fence - 1},          {ana, fence + 1}, {ana, 0},
                     {ana, fence ^ 1ull << 32}, {ben, fence},     {ben, fence + 1}};
        struct buf before = {0}, after = {0};
        dump(sim, &before);
        for (size_t i = 0; i < sizeof stale / sizeof *stale; i++)
            for (enum act_verb verb = VERB_ACCEPT; verb <= VERB_RELEASE; verb++) {
                stale[i].agent->result = (struct act_result){0};
                sim_say(sim, stale[i].agent,
                        &(struct act){.op = {99, 100 * i + verb},
                                      .lead = lead,
                                      .fence = stale[i].fence,
                                      .verb = verb,
                                      .code = DISPOSITION_SALE,
                                      .note = slice_of("note", 4),
                                      .at_ms = sim_now_ms(sim) + 1000});
                sim_run_ms(sim, 1);
                assert_int_equal(stale[i].agent->result.reason, REASON_STALE_FENCE);
                assert_int_equal(stale[i].agent->result.state, 0); /* a stranger learns nothing of it */
            }
        dump(sim, &after);
        assert_int_equal(before.len, after.len);
        assert_memory_equal(before.at, after.at, before.len);
        assert_int_equal(sim_core(sim)->stale_refusals, 42);
        buf_fini(&before);
        buf_fini(&after);
        sim_destroy(&sim);
    }
}

static void an_act_that_does_not_fit_the_state_is_refused_and_changes_nothing(void **state)
{
    (void) state;
    static const struct {
        enum lead_state is;
        enum act_verb verb;
    } wrong[] = {{LEAD_OFFERED, VERB_ACTION},  {LEAD_OFFERED, VERB_ATTEMPT_END}, {LEAD_OFFERED, VERB_NOTE},
                 {LEAD_OFFERED, VERB_RELEASE}, {LEAD_OFFERED, VERB_DISPOSITION}, {LEAD_OWNED, VERB_ACCEPT},
                 {LEAD_OWNED, VERB_DECLINE},   {LEAD_OWNED, VERB_ATTEMPT_END},   {LEAD_WORKING, VERB_ACCEPT},
                 {LEAD_WORKING, VERB_DECLINE}, {LEAD_WRAP_UP, VERB_ACTION},      {LEAD_WRAP_UP, VERB_ATTEMPT_END}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct sim *sim = story_new(NULL);
        struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
        const struct id lead = owned(sim, ana, wrong[i].is);
        const struct act act = {.op = {9, 9},
                                .lead = lead,
                                .fence = story_of(sim, lead)->fence,
                                .verb = wrong[i].verb,
                                .code = DISPOSITION_SALE};
        sim_say(sim, ana, &act);
        sim_run_ms(sim, 2);
        assert_int_equal(ana->result.reason, REASON_WRONG_STATE);
        assert_int_equal(sim_state(sim, lead), wrong[i].is);
        sim_destroy(&sim);
    }
}

/* An op is done once, however often it is said, and whoever asks again is told so, crash or not. */
static void an_act_said_again_is_done_once_and_answered_again(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = owned(sim, ana, LEAD_WORKING);
    const struct act retry = {.op = {7, 7},
                              .lead = lead,
                              .fence = story_of(sim, lead)->fence,
                              .verb = VERB_DISPOSITION,
                              .code = DISPOSITION_NO_ANSWER};
    for (int times = 0; times < 3; times++) {
        sim_say(sim, ana, &retry);
        sim_run_ms(sim, 2);
        assert_int_equal(ana->result.reason, REASON_OK);
        assert_int_equal(ana->result.state, LEAD_PIPELINE);
        assert_int_equal(story_of(sim, lead)->attempts, 1);
        if (times == 1) {
            sim_crash(sim);
            sim_run_ms(sim, 600);
        }
    }
    story_until_state(sim, lead, LEAD_OWNED, 5000);
    sim_say(sim, ana, &retry); /* late, when it is hers again: still the old answer */
    sim_run_ms(sim, 2);
    assert_int_equal(ana->result.reason, REASON_OK);
    assert_state(sim, lead, OWNED);
    sim_destroy(&sim);
}

static void a_refused_act_may_be_tried_again_under_its_op(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = owned(sim, ana, LEAD_OWNED);
    const struct act act = {.op = {7, 7}, .lead = lead, .fence = story_of(sim, lead)->fence, .verb = VERB_ATTEMPT_END};
    sim_say(sim, ana, &act);
    sim_run_ms(sim, 2);
    assert_int_equal(ana->result.reason, REASON_WRONG_STATE);
    assert_int_equal(story_act(sim, ana, lead, VERB_ACTION), REASON_OK);
    sim_say(sim, ana, &act);
    sim_run_ms(sim, 2);
    assert_int_equal(ana->result.reason, REASON_OK);
    assert_state(sim, lead, WRAP_UP);
    sim_destroy(&sim);
}

/* proves 3-09, invariant 1: fences only grow, over every change of hands and every crash */
static void fences_only_grow_over_crashes(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].decline_exclusion_ms = 1;
    policy->programmes[0].distributions_max = 100;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = owned(sim, ana, LEAD_OFFERED);
    uint64_t fence = story_of(sim, lead)->fence;
    for (int i = 0; i < 6; i++) {
        if (i % 2 == 0) {
            sim_crash(sim);
            sim_run_ms(sim, 600);
            assert_true(story_of(sim, lead)->fence == fence); /* a crash takes nothing from its owner */
            assert_true(sim_held(ana, lead)->fence == fence);
        }
        assert_int_equal(story_act(sim, ana, lead, VERB_DECLINE), REASON_OK);
        assert_true(story_of(sim, lead)->fence > fence);
        fence = story_of(sim, lead)->fence;
        story_until_owner(sim, lead, "ana", 3000);
        sim_run_ms(sim, 2);
        assert_true(story_of(sim, lead)->fence > fence);
        fence = story_of(sim, lead)->fence;
    }
    sim_destroy(&sim);
}

/* A small day on which much happens; the broker dies at its beat `crash_ms`. */
static void a_day_with_a_crash(int64_t crash_ms)
{
    struct policy *policy = sim_policy();
    policy->programmes[1].unclaimed_ms = 700;
    struct sim *sim = sim_new(1 + (uint64_t) crash_ms, policy);
    sim_workers(sim, (uint32_t) crash_ms % 2);
    sim_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_agent(sim, "ben", "hunters", INTENT_ON_DEMAND);
    sim_agent(sim, "cleo", "north", INTENT_AVAILABLE);
    sim_agent(sim, "dora", "south", INTENT_ON_DEMAND);
    sim_run_ms(sim, 5);
    sim_submit(sim, "to-push", 4);
    sim_submit(sim, "to-pull", 4);
    sim_submit(sim, "to-pushpull", 6);
    sim_run_ms(sim, crash_ms);
    sim_crash(sim);
    sim_run_ms(sim, 2000);
    assert_int_equal(sim_lost(sim), 0);
    assert_int_equal(sim_acked(sim), 14);
    sim_destroy(&sim);
}

/* proves 000-08, 3-10, architecture 1.4: a crash of any part at any moment loses nothing and changes nothing */
static void a_crash_at_any_beat_of_a_day_changes_nothing_that_stood(void **state)
{
    (void) state;
    for (int64_t ms = 1; ms < 3000; ms += 37)
        a_day_with_a_crash(ms);
}

/* All that was taken in is somewhere: each story's beats are checked; here the levels are compared with the sum. */
static void what_came_in_is_the_sum_of_where_it_is(void **state)
{
    (void) state;
    struct sim *sim = sim_new(5, sim_policy());
    sim_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_agent(sim, "ben", "hunters", INTENT_ON_DEMAND);
    sim_submit(sim, "to-push", 20);
    sim_submit(sim, "to-pull", 20);
    for (int i = 0; i < 40; i++) {
        sim_run_ms(sim, 500);
        uint64_t sum = 0;
        for (uint32_t p = 0; p < 3; p++)
            for (unsigned s = 0; s < LEAD_STATES; s++)
                sum += sim_core(sim)->programmes[p].count[s];
        assert_int_equal(sum, 40);
    }
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_log[] = {
    cmocka_unit_test(every_act_under_a_stale_fence_is_refused_and_changes_nothing),
    cmocka_unit_test(an_act_that_does_not_fit_the_state_is_refused_and_changes_nothing),
    cmocka_unit_test(an_act_said_again_is_done_once_and_answered_again),
    cmocka_unit_test(a_refused_act_may_be_tried_again_under_its_op),
    cmocka_unit_test(fences_only_grow_over_crashes),
    cmocka_unit_test(a_crash_at_any_beat_of_a_day_changes_nothing_that_stood),
    cmocka_unit_test(what_came_in_is_the_sum_of_where_it_is),
};
const size_t n_stories_of_log = sizeof stories_of_log / sizeof *stories_of_log;
