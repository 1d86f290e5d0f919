/* SPDX-License-Identifier: Apache-2.0
 * test_activity.c - who gets leads because of what they do: newcomers and returners,
 * who shows no work, who leaves leads untouched, whom a manager holds back. */
#include "tests/sim/pacing_world.h"

#include <stdio.h>
#include <string.h>

/* ---- newcomers and returners ------------------------------------------------------- */

static void cycle(struct sim *sim, struct sim_agent *agent) /* works off all it was offered */
{
    while (agent->n_held) {
        const struct id lead = agent->held[0].lead;
        story_work_up_to(sim, agent, lead, LEAD_WORKING);
        assert_int_equal(story_dispose(sim, agent, lead, DISPOSITION_SALE, "sold"), REASON_OK);
    }
}

/* proves 3-07: no flood on the first day, none after an absence, and none needed after a short one */
static void newcomers_and_returners_are_not_flooded(void **state)
{
    (void) state;
    struct policy *policy = slow_policy();
    policy->programmes[0].ramp_leads = 5;
    policy->programmes[0].ramp_ms = HOUR;
    policy->programmes[0].ramp_after_ms = 8 * HOUR;
    struct sim *sim = slow_story(policy);
    leads(sim, "to-push", 40);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 5);
    assert_int_equal(in_hand(sim, ana), 5);
    assert_int_equal(why_none(sim, ana), REASON_RAMP);
    sim_run_ms(sim, HOUR - 1000);
    assert_int_equal(in_hand(sim, ana), 5);
    sim_run_ms(sim, 2000); /* the rest comes by itself */
    assert_int_equal(in_hand(sim, ana), 40);
    cycle(sim, ana);
    sim_bye(sim, ana);
    sim_run_ms(sim, HOUR);
    ana->on = true;
    sim_hello(sim, ana);
    leads(sim, "to-push", 10);
    assert_int_equal(in_hand(sim, ana), 10);
    cycle(sim, ana);
    sim_bye(sim, ana);
    leads(sim, "to-push", 10);
    sim_run_ms(sim, 8 * HOUR + 1000);
    ana->on = true;
    sim_hello(sim, ana);
    sim_run_ms(sim, 10);
    assert_int_equal(in_hand(sim, ana), 5);
    sim_destroy(&sim);
}

/* ---- signs of work ----------------------------------------------------------------- */

/* proves 003-35, 003-36, 000-04: at 5, 20 and 45 minutes, and not before */
static void who_shows_no_work_for_the_window_is_paused_until_it_acts(void **state)
{
    (void) state;
    static const int64_t windows[] = {5 * MINUTE, 20 * MINUTE, 45 * MINUTE};
    for (int i = 0; i < 3; i++) {
        struct policy *policy = slow_policy();
        policy->programmes[0].inactive_ms = windows[i];
        struct sim *sim = slow_story(policy);
        struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
        sim_run_ms(sim, 2 * windows[i]);
        assert_int_equal(why_none(sim, ana), REASON_OK); /* nothing was there to be done */
        const struct id first = lead_that_costs(sim, "to-push", 0);
        story_work_up_to(sim, ana, first, LEAD_WORKING);
        sim_run_ms(sim, windows[i] - 1000);
        assert_int_equal(why_none(sim, ana), REASON_OK);
        sim_run_ms(sim, 1000);
        assert_int_equal(why_none(sim, ana), REASON_INACTIVE);
        assert_string_equal(told(sim, QUERY_AGENTS, "", "ana", "why_none"), "INACTIVE");
        const struct id second = lead_that_costs(sim, "to-push", 0);
        story_stays(sim, second, LEAD_POOLED, 100);
        assert_non_null(strstr(explained(sim, second, "ana"), "INACTIVE"));
        assert_int_equal(story_act(sim, ana, first, VERB_ACTION), REASON_OK); /* one logged: work comes again */
        assert_owner(sim, second, "ana");
        sim_destroy(&sim);
    }
}

static void who_takes_no_lead_it_is_given_is_paused_as_well_and_its_intent_ends_that(void **state)
{
    (void) state;
    struct policy *policy = slow_policy();
    policy->programmes[0].inactive_ms = 20 * MINUTE;
    policy->programmes[0].offer_ms = 30 * SECOND;
    policy->programmes[0].misses_max = 100;
    struct sim *sim = slow_story(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = lead_that_costs(sim, "to-push", 0);
    sim_run_ms(sim, 19 * MINUTE); /* it lapsed, and was given again, and lapsed */
    assert_int_equal(story_core_agent(sim, ana)->paused, REASON_OK);
    sim_run_ms(sim, MINUTE);
    assert_int_equal(why_none(sim, ana), REASON_INACTIVE);
    crash(sim); /* the line came back, and that is no sign of work */
    assert_int_equal(why_none(sim, ana), REASON_INACTIVE);
    sim_intent(sim, ana, INTENT_AVAILABLE);
    sim_run_ms(sim, 5);
    assert_int_equal(why_none(sim, ana), REASON_OK);
    story_until_owner(sim, lead, "ana", 400 * SECOND); /* what it did not answer is first given up */
    sim_destroy(&sim);
}

/* Nobody could show work while the broker was away; from then on the time counts again. */
static void after_a_restart_the_time_without_work_begins_anew(void **state)
{
    (void) state;
    struct policy *policy = slow_policy();
    policy->programmes[0].inactive_ms = 20 * MINUTE;
    struct sim *sim = slow_story(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    lead_that_costs(sim, "to-push", 0);
    sim_run_ms(sim, 15 * MINUTE);
    crash(sim); /* some two minutes */
    sim_run_ms(sim, 17 * MINUTE);
    assert_int_equal(why_none(sim, ana), REASON_OK);
    sim_run_ms(sim, 2 * MINUTE);
    assert_int_equal(why_none(sim, ana), REASON_INACTIVE);
    sim_destroy(&sim);
}

static void only_what_the_policy_counts_is_a_sign_of_work(void **state)
{
    (void) state;
    static const struct {
        uint32_t evidence;
        enum reason reason;
    } kinds[] = {{EVIDENCE_NOTE, REASON_OK}, {EVIDENCE_ALL & ~EVIDENCE_NOTE, REASON_INACTIVE}};
    for (int i = 0; i < 2; i++) {
        struct policy *policy = slow_policy();
        policy->programmes[0].inactive_ms = 20 * MINUTE;
        policy->programmes[0].evidence = kinds[i].evidence;
        struct sim *sim = slow_story(policy);
        struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
        const struct id lead = lead_that_costs(sim, "to-push", 0);
        story_work_up_to(sim, ana, lead, LEAD_OWNED);
        sim_run_ms(sim, 15 * MINUTE);
        assert_int_equal(story_act(sim, ana, lead, VERB_NOTE), REASON_OK);
        sim_run_ms(sim, 10 * MINUTE);
        assert_int_equal(why_none(sim, ana), kinds[i].reason);
        sim_destroy(&sim);
    }
}

/* proves 000-04: leads go where they are worked on */
static void who_works_on_none_of_its_leads_is_throttled_until_it_does(void **state)
{
    (void) state;
    struct policy *policy = slow_policy();
    policy->programmes[0].unworked_max = 3;
    struct sim *sim = slow_story(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    leads(sim, "to-push", 20);
    assert_int_equal(in_hand(sim, ana), 3);
    assert_int_equal(why_none(sim, ana), REASON_UNWORKED_OVER);
    crash(sim);
    assert_int_equal(in_hand(sim, ana), 3);
    const struct id mine = ana->held[0].lead;
    story_work_up_to(sim, ana, mine, LEAD_OWNED);
    assert_int_equal(in_hand(sim, ana), 3); /* accepting is not working */
    story_work_up_to(sim, ana, mine, LEAD_WORKING);
    assert_int_equal(in_hand(sim, ana), 6);
    story_act(sim, ana, ana->held[1].lead, VERB_DECLINE); /* what it never had is not held against it */
    assert_int_equal(why_none(sim, ana), REASON_PENALTY);
    sim_run_ms(sim, 600);
    assert_int_equal(in_hand(sim, ana), 6);
    sim_destroy(&sim);
}

/* proves 004-11: the skip is in the explanation, and ends one below the threshold */
static void an_agent_over_the_untouched_threshold_is_skipped_and_the_explanation_says_so(void **state)
{
    (void) state;
    struct policy *policy = slow_policy();
    policy->programmes[0].untouched_max = 3;
    struct sim *sim = slow_story(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    leads(sim, "to-push", 3);
    const struct id lead = lead_that_costs(sim, "to-push", 0);
    assert_state(sim, lead, POOLED);
    assert_non_null(strstr(explained(sim, lead, "ana"), "UNTOUCHED_OVER"));
    story_work_up_to(sim, ana, ana->held[0].lead, LEAD_WORKING); /* two are untouched now */
    sim_run_ms(sim, 2);
    assert_owner(sim, lead, "ana");
    sim_destroy(&sim);
}

/* ---- the manager's hand ------------------------------------------------------------ */

/* proves 003-42: caps are changed while leads wait */
static void a_cap_that_is_changed_holds_at_once(void **state)
{
    (void) state;
    struct sim *sim = slow_story(policy_with(LIMIT_AGENT, PER_DAY, 2000));
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    leads(sim, "to-push", 12);
    assert_int_equal(in_hand(sim, ana), 2);
    struct policy *policy = policy_with(LIMIT_AGENT, PER_DAY, 5000);
    sim_apply(sim, policy);
    sim_run_ms(sim, 5);
    assert_int_equal(sim_applied(sim, NULL), REASON_OK);
    assert_int_equal(in_hand(sim, ana), 5);
    policy = policy_with(LIMIT_AGENT, PER_DAY, 1000); /* takes nothing away */
    sim_apply(sim, policy);
    sim_run_ms(sim, 5);
    assert_int_equal(in_hand(sim, ana), 5);
    assert_int_equal(why_none(sim, ana), REASON_CAP_DAY);
    policy = policy_with(LIMIT_TEAM, PER_DAY, 3000); /* of the team: counted from now on */
    sim_apply(sim, policy);
    sim_run_ms(sim, 5);
    assert_int_equal(in_hand(sim, ana), 8);
    crash(sim);
    assert_int_equal(why_none(sim, ana), REASON_TEAM_LIMIT);
    sim_apply(sim, slow_policy());
    sim_run_ms(sim, 5);
    assert_int_equal(in_hand(sim, ana), 12);
    sim_destroy(&sim);
}

static void a_limit_of_a_programme_keeps_its_programme_when_places_change(void **state)
{
    (void) state;
    struct policy *policy = slow_policy();
    struct sim *sim = slow_story(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *ned = story_agent(sim, "ned", "north", INTENT_AVAILABLE);
    add_limit(policy, LIMIT_AGENT, "", PER_DAY, UNIT_LEADS, 1000);
    policy->limits[0].of_cell = false;
    const struct programme push = policy->programmes[0]; /* it stands last in the new file, and is limited */
    policy->programmes[0] = policy->programmes[2];
    policy->programmes[2] = push;
    policy->limits[0].programme = 2;
    for (int i = 0; i < 4; i++)
        policy->teams[i].programme = 2 - policy->teams[i].programme;
    for (int i = 0; i < 3; i++)
        policy->sources[i].programme = 2 - policy->sources[i].programme;
    sim_apply(sim, policy);
    sim_run_ms(sim, 5);
    leads(sim, "to-push", 3);
    leads(sim, "to-pushpull", 2);
    assert_int_equal(in_hand(sim, ana), 1);
    assert_int_equal(in_hand(sim, ned), 2);
    sim_destroy(&sim);
}

/* proves 003-42: a pause by the manager, which neither the agent nor a restart ends */
static void a_paused_agent_gets_nothing_new_until_it_is_resumed(void **state)
{
    (void) state;
    struct sim *sim = slow_story(slow_policy());
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id held = lead_that_costs(sim, "to-push", 0);
    assert_string_equal(told(sim, QUERY_PAUSE, "ana coaching", "ana", "why_none"), "PAUSED_BY_OPERATOR");
    sim_run_ms(sim, 2);
    const struct id next = lead_that_costs(sim, "to-push", 0);
    assert_state(sim, next, POOLED);
    story_work_up_to(sim, ana, held, LEAD_WORKING);
    sim_intent(sim, ana, INTENT_AVAILABLE);
    crash(sim);
    assert_state(sim, next, POOLED);
    assert_string_equal(told(sim, QUERY_AGENTS, "", "ana", "note"), "coaching");
    assert_string_equal(told(sim, QUERY_RESUME, "ana", "ana", "why_none"), "");
    sim_run_ms(sim, 2);
    assert_owner(sim, next, "ana");
    struct msg_report report;
    core_report(sim_core(sim), &(struct msg_query){.what = QUERY_PAUSE, .arg = slice_of("bob", 3)}, &report);
    assert_int_equal(report.reason, REASON_UNKNOWN_AGENT);
    sim_destroy(&sim);
}

static void an_agent_beyond_what_a_report_lists_is_told_of_by_name(void **state)
{
    enum { AGENTS = 120 };
    (void) state;
    struct policy *policy = policy_with(LIMIT_AGENT, PER_DAY, 5000);
    add_limit(policy, LIMIT_TEAM, "", PER_WEEK, UNIT_LEADS, 900000);
    struct sim *sim = slow_story(policy);
    for (int i = 0; i < AGENTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "a%03d", i);
        story_agent(sim, name, "east", INTENT_AWAY);
    }
    assert_string_equal(told(sim, QUERY_AGENTS, "", "a119", "why_none"), ""); /* of 100 rows it is none */
    assert_string_equal(told(sim, QUERY_AGENTS, "a119", "a119", "why_none"), "AWAY");
    assert_string_equal(told(sim, QUERY_LIMITS, "", "a119", "most"), "");
    assert_string_equal(told(sim, QUERY_LIMITS, "a119", "a119", "most"), "5");
    assert_string_equal(told(sim, QUERY_LIMITS, "a119", "east", "most"), "900");
    assert_string_equal(told(sim, QUERY_LIMITS, "a119", "a118", "most"), "");
    assert_string_equal(told(sim, QUERY_LIMITS, "nobody", "a118", "most"), "");
    sim_destroy(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newcomers_and_returners_are_not_flooded),
        cmocka_unit_test(who_shows_no_work_for_the_window_is_paused_until_it_acts),
        cmocka_unit_test(who_takes_no_lead_it_is_given_is_paused_as_well_and_its_intent_ends_that),
        cmocka_unit_test(after_a_restart_the_time_without_work_begins_anew),
        cmocka_unit_test(only_what_the_policy_counts_is_a_sign_of_work),
        cmocka_unit_test(who_works_on_none_of_its_leads_is_throttled_until_it_does),
        cmocka_unit_test(an_agent_over_the_untouched_threshold_is_skipped_and_the_explanation_says_so),
        cmocka_unit_test(a_cap_that_is_changed_holds_at_once),
        cmocka_unit_test(a_limit_of_a_programme_keeps_its_programme_when_places_change),
        cmocka_unit_test(a_paused_agent_gets_nothing_new_until_it_is_resumed),
        cmocka_unit_test(an_agent_beyond_what_a_report_lists_is_told_of_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
