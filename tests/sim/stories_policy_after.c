/* SPDX-License-Identifier: Apache-2.0
 * stories_policy_after.c - what is seen after a policy has changed: in reports, and
 * after a crash. The changes themselves are in stories_policy.c. */
#include "tests/sim/story.h"

static void apply(struct sim *sim, struct policy *policy)
{
    policy->version = 0;
    sim_apply(sim, policy);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_applied(sim, NULL), REASON_OK);
}

static void a_team_that_is_gone_is_in_no_report(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct policy *policy = sim_policy();
    const uint32_t left = --policy->n_teams;
    struct msg_report report;
    apply(sim, policy);
    core_report(sim_core(sim), &(struct msg_query){.what = QUERY_TEAMS, .limit = 100}, &report);
    assert_int_equal(report.n_rows, left);
    assert_false(report.more);
    core_report(sim_core(sim), &(struct msg_query){.what = QUERY_POOLS, .limit = 100}, &report);
    for (uint32_t i = 0; i < report.n_rows; i++)
        assert_true(report.cells[i * report.n_columns].len > 1);
    sim_destroy(&sim);
}

static void an_agent_whose_team_moved_is_in_its_programme_after_a_crash(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 700);
    struct policy *policy = sim_policy();
    policy->teams[0].programme = 2; /* "east" changes places with "hunters" */
    policy->teams[1].programme = 0;
    policy->programmes[0].wip_max = policy->programmes[0].untouched_max = 1;
    apply(sim, policy);
    for (int i = 0; i < 3; i++) {
        story_lead(sim, "to-pushpull", 0);
        sim_run_ms(sim, 5);
    }
    sim_silence(sim, ana, true);
    sim_crash(sim);
    assert_int_equal(story_core_agent(sim, ana)->programme, 2);
    sim_destroy(&sim); /* the invariants are looked at here as everywhere: three leads, and one would be too many */
}

const struct CMUnitTest stories_of_policy_after[] = {
    cmocka_unit_test(a_team_that_is_gone_is_in_no_report),
    cmocka_unit_test(an_agent_whose_team_moved_is_in_its_programme_after_a_crash),
};
const size_t n_stories_of_policy_after = sizeof stories_of_policy_after / sizeof *stories_of_policy_after;
