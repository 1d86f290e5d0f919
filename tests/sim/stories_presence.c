/* SPDX-License-Identifier: Apache-2.0
 * stories_presence.c - agents fall silent, come back, leave, and say who they are
 * twice; and the time between two owners, in which nobody owns. */
#include "tests/sim/story.h"

enum { SUSPECT_MS = 1000, LEASE_MS = 2000, GUARD_MS = 200, GRACE_MS = 3000 }; /* of sim_policy() */

static struct id given(struct sim *sim, struct sim_agent *agent, enum lead_state state)
{
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    story_work_up_to(sim, agent, lead, state);
    return lead;
}

/* Falls silent right after it was heard, so that instants can be told. */
static void falls_silent(struct sim *sim, struct sim_agent *agent)
{
    sim_intent(sim, agent, agent->intent);
    sim_run_ms(sim, 1);
    sim_silence(sim, agent, true);
}

/* proves 3-02, 3-04, 000-05: an offer is taken back when the lease is over, and given on when it cannot be shown */
static void the_offer_of_a_silent_agent_is_withdrawn_at_the_lease_and_goes_on_after_the_guard(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].offer_ms = 60000;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = given(sim, ana, LEAD_OFFERED);
    const uint64_t fence = story_of(sim, lead)->fence;
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    falls_silent(sim, ana);
    assert_about(story_until_state(sim, lead, LEAD_REVOKING, LEASE_MS), LEASE_MS);
    assert_false(story_core_agent(sim, ana)->present);
    assert_int_equal(story_of(sim, lead)->reason, REASON_LEASE_LOST);
    assert_about(story_until_owner(sim, lead, "ben", GUARD_MS + 1), GUARD_MS);
    assert_true(story_of(sim, lead)->fence > fence);
    assert_int_equal(story_of(sim, lead)->distributions, 0); /* no penalty to the lead */
    sim_destroy(&sim);
}

/* proves 000-05, 000-07, 3-02, 3-01 */
static void what_a_silent_agent_owns_is_redistributed_after_lease_and_grace(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].first_action_ms = policy->programmes[0].activity_ms = 60000;
    policy->programmes[0].disposition_ms = 60000;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id owned = given(sim, ana, LEAD_OWNED), working = given(sim, ana, LEAD_WORKING);
    const struct id wrap_up = given(sim, ana, LEAD_WRAP_UP);
    falls_silent(sim, ana);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    assert_about(story_until_owner(sim, owned, "ben", 6000), LEASE_MS + GRACE_MS - 2);
    assert_owner(sim, working, "ben");
    assert_owner(sim, wrap_up, "ben");
    assert_int_equal(story_of(sim, owned)->distributions, 1);
    assert_int_equal(sim_core(sim)->programmes[0].redistributions, 3);
    const struct agent *gone = story_core_agent(sim, ana);
    assert_int_equal(gone->offered + gone->owned + gone->working + gone->wrap_up, 0);
    sim_destroy(&sim);
}

/* proves 3-02: the grace absorbs a reconnect */
static void an_agent_back_within_the_grace_keeps_what_it_owns(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].first_action_ms = 60000;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = given(sim, ana, LEAD_OWNED);
    const uint64_t fence = story_of(sim, lead)->fence;
    falls_silent(sim, ana);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    sim_run_ms(sim, LEASE_MS + GRACE_MS - 50);
    sim_silence(sim, ana, false);
    sim_hello(sim, ana); /* its client saw the validity end, and begins anew */
    sim_run_ms(sim, 10000);
    assert_owner(sim, lead, "ana");
    assert_non_null(sim_held(ana, lead));
    assert_true(sim_held(ana, lead)->fence == fence);
    assert_int_equal(story_act(sim, ana, lead, VERB_ACTION), REASON_OK);
    sim_destroy(&sim);
}

/* proves 5.2 SUSPECT */
static void an_agent_whose_heartbeats_are_late_gets_nothing_new_and_loses_nothing(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id owned = given(sim, ana, LEAD_OWNED);
    falls_silent(sim, ana);
    sim_run_ms(sim, SUSPECT_MS - 5);
    const struct id just = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 1);
    assert_owner(sim, just, "ana"); /* late only after two heartbeats */
    sim_run_ms(sim, 10);
    const struct id late = story_lead(sim, "to-push", 0);
    story_stays(sim, late, LEAD_POOLED, 500);
    assert_owner(sim, owned, "ana");
    sim_silence(sim, ana, false);
    sim_run_ms(sim, 2);
    assert_owner(sim, late, "ana"); /* heard again: the same instant brings what waited (3-03) */
    assert_owner(sim, owned, "ana");
    sim_destroy(&sim);
}

/* proves 000-05, 5.2 "agent removed": goodbye needs no lease */
static void a_goodbye_lets_go_of_what_is_not_in_work_at_once(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id owned = given(sim, ana, LEAD_OWNED), working = given(sim, ana, LEAD_WORKING);
    const struct id offered = given(sim, ana, LEAD_OFFERED);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    sim_bye(sim, ana);
    sim_run_ms(sim, 2);
    assert_owner(sim, offered, "ben");
    assert_owner(sim, owned, "ben");
    assert_owner(sim, working, "ana"); /* a call may be going on: it has the grace */
    assert_about(story_until_owner(sim, working, "ben", 4000), GRACE_MS);
    sim_destroy(&sim);
}

/* proves 003-09, 5.2 "intent AWAY: finishes what is held" */
static void who_is_away_gets_nothing_new_and_may_finish(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = given(sim, ana, LEAD_WORKING);
    sim_intent(sim, ana, INTENT_AWAY);
    sim_run_ms(sim, 2);
    const struct id next = story_lead(sim, "to-push", 0);
    story_stays(sim, next, LEAD_POOLED, 3000);
    assert_int_equal(story_ready(sim, ana, 0), REASON_AWAY);
    story_work_up_to(sim, ana, lead, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_SALE, NULL), REASON_OK);
    story_stays(sim, next, LEAD_POOLED, 500);
    sim_intent(sim, ana, INTENT_AVAILABLE);
    sim_run_ms(sim, 1);
    assert_owner(sim, next, "ana");
    sim_destroy(&sim);
}

/* proves 5.2 "login: older session fenced" */
static void the_newer_session_of_a_name_fences_the_older(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *old = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = given(sim, old, LEAD_OWNED);
    old->n_held = 0; /* one desk: what the other shows is one belief */
    struct sim_agent *new = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    assert_int_equal(old->error, REASON_SESSION_FENCED);
    assert_non_null(sim_held(new, lead));
    old->on = true; /* one that does not obey is not heard */
    const uint64_t fence = story_of(sim, lead)->fence;
    sim_say(sim, old, &(struct act){.op = {1, 1}, .lead = lead, .fence = fence, .verb = VERB_RELEASE});
    sim_bye(sim, old);
    sim_run_ms(sim, 2);
    assert_state(sim, lead, OWNED);
    assert_true(story_core_agent(sim, new)->present);
    assert_int_equal(story_act(sim, new, lead, VERB_ACTION), REASON_OK);
    sim_destroy(&sim);
}

/* The older device did not hear that it was fenced, and shows the lead as long as it may. */
static void leave_a_device_behind(bool bye)
{
    struct policy *policy = sim_policy();
    policy->programmes[0].first_action_ms = 60000;
    struct sim *sim = story_new(policy);
    struct sim_agent *old = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = given(sim, old, LEAD_OWNED);
    falls_silent(sim, old);
    const int64_t until_ms = story_core_agent(sim, old)->heard_ms + LEASE_MS + GUARD_MS;
    sim_run_ms(sim, 300);
    struct sim_agent *new = sim_agent(sim, "ana", "east", INTENT_AVAILABLE);
    new->by_hand = new->twin = true; /* one person: no two owners */
    sim_run_ms(sim, 2);
    assert_non_null(sim_held(new, lead));
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    if (bye)
        sim_bye(sim, new);
    else
        sim_act(sim, new, lead, VERB_RELEASE, 0, NULL);
    while (run_ms(sim_core(sim)) < until_ms - 1) {
        assert_string_not_equal(sim_owner(sim, lead), "ben");
        sim_run_ms(sim, 1);
    }
    story_until_owner(sim, lead, "ben", LEASE_MS + GUARD_MS);
    sim_destroy(&sim);
}

static void a_device_left_behind_keeps_the_lead_from_others_as_long_as_it_may_show_it(void **state)
{
    (void) state;
    leave_a_device_behind(false);
    leave_a_device_behind(true);
}

static void an_agent_that_cannot_be_reached_gets_no_offer_until_it_is_back(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_cut(sim, ana);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 1);
    assert_state(sim, lead, POOLED);
    story_until_owner(sim, lead, "ana", 600); /* its next frame is told to say hello */
    assert_int_equal(ana->error, REASON_HELLO_FIRST);
    sim_destroy(&sim);
}

/* proves 3-09, architecture 4: ownership ends for the old agent before it begins for the next */
static void an_agent_that_answers_a_withdrawal_frees_the_lead_at_once(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = given(sim, ana, LEAD_OWNED);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    assert_about(story_until_owner(sim, lead, "ben", 6000), 5000 - 2);
    assert_int_equal(ana->n_withdrawals, 1);
    assert_null(sim_held(ana, lead));
    sim_destroy(&sim);
}

static void an_agent_that_clings_keeps_the_lead_from_others_until_its_validity_and_the_guard_are_over(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = given(sim, ana, LEAD_OWNED);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    ana->clings = true;
    story_until_state(sim, lead, LEAD_REVOKING, 5000);
    const struct agent *former = story_core_agent(sim, ana);
    const int64_t until_ms = former->heard_ms + LEASE_MS + GUARD_MS;
    sim_silence(sim, ana, true); /* from here on nothing extends what it shows */
    while (run_ms(sim_core(sim)) < until_ms - 1) {
        assert_owner(sim, lead, "");
        sim_run_ms(sim, 1);
    }
    sim_run_ms(sim, 2);
    assert_owner(sim, lead, "ben");
    sim_destroy(&sim);
}

/* The former owner's answer to an older withdrawal, late, is not an answer to this one. */
static void an_old_answer_to_a_withdrawal_does_not_end_a_newer_one(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].decline_exclusion_ms = 1;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent_of(sim, "ana", "east", INTENT_AVAILABLE, 1);
    const struct id lead = given(sim, ana, LEAD_OFFERED);
    story_until_owner(sim, lead, "", 2100); /* the first offer lapses, and is let go */
    sim_run_ms(sim, 2);
    const struct withdrawal first = ana->withdrawal;
    story_until_owner(sim, lead, "ana", 3000);
    ana->clings = true;
    story_until_state(sim, lead, LEAD_REVOKING, 2100);
    sim_say(sim, ana, &(struct act){.lead = lead, .fence = first.fence, .verb = VERB_WITHDRAWN});
    sim_run_ms(sim, 2);
    assert_state(sim, lead, REVOKING);
    assert_true(ana->withdrawal.fence != first.fence);
    sim_say(sim, ana, &(struct act){.lead = lead, .fence = ana->withdrawal.fence, .verb = VERB_WITHDRAWN});
    sim_run_ms(sim, 2);
    assert_state(sim, lead, POOLED);
    sim_destroy(&sim);
}

static void a_stranger_cannot_let_go_for_another(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = given(sim, ana, LEAD_OWNED);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    ana->clings = true;
    story_until_state(sim, lead, LEAD_REVOKING, 5000);
    sim_run_ms(sim, 2);
    sim_say(sim, ben, &(struct act){.lead = lead, .fence = ana->withdrawal.fence, .verb = VERB_WITHDRAWN});
    sim_run_ms(sim, 2);
    assert_state(sim, lead, REVOKING);
    sim_destroy(&sim);
}

/* In work and in wrap-up, the deadline may end in the short time between lease and guard. */
static void a_deadline_that_ends_right_after_the_lease_still_waits_for_the_guard(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].activity_ms = LEASE_MS + 100;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = given(sim, ana, LEAD_WORKING);
    sim_silence(sim, ana, true);
    assert_about(story_until_state(sim, lead, LEAD_REVOKING, 4000), LEASE_MS + 100);
    assert_about(story_until_state(sim, lead, LEAD_POOLED, 300), 100);
    sim_destroy(&sim);
}

/* proves 5.2: intent is the agent's own, machinery never overwrites it (3-04) */
static void machinery_never_overwrites_what_an_agent_intends(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    falls_silent(sim, ana);
    sim_run_ms(sim, 20000);
    assert_int_equal(story_core_agent(sim, ana)->intent, INTENT_AVAILABLE);
    sim_crash(sim);
    sim_run_ms(sim, 100);
    assert_int_equal(story_core_agent(sim, ana)->intent, INTENT_AVAILABLE);
    sim_destroy(&sim);
}

/* A cell of the report on teams, "" when there is none. */
static const char *team_cell(struct sim *sim, const char *team, const char *column, char ret[32])
{
    struct msg_report report;
    core_report(sim_core(sim), &(struct msg_query){.what = QUERY_TEAMS}, &report);
    ret[0] = '\0';
    for (uint32_t i = 0; i < report.n_rows * report.n_columns; i++) {
        const struct slice first = report.cells[i - i % report.n_columns], name = report.columns[i % report.n_columns];
        if (first.len == strlen(team) && !memcmp(first.at, team, first.len) && name.len == strlen(column) &&
            !memcmp(name.at, column, name.len))
            snprintf(ret, 32, "%.*s", (int) report.cells[i].len, report.cells[i].at);
    }
    return ret;
}

static void a_team_is_told_in_one_row(void **state)
{
    (void) state;
    char cell[32];
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    story_agent(sim, "ben", "east", INTENT_AWAY);
    struct sim_agent *cleo = story_agent(sim, "cleo", "east", INTENT_AVAILABLE);
    story_agent(sim, "dan", "north", INTENT_AVAILABLE);
    sim_bye(sim, cleo);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    story_work_up_to(sim, ana, lead, LEAD_WORKING);
    assert_string_equal(team_cell(sim, "east", "agents", cell), "3");
    assert_string_equal(team_cell(sim, "east", "present", cell), "2");
    assert_string_equal(team_cell(sim, "east", "available", cell), "1");
    assert_string_equal(team_cell(sim, "east", "away", cell), "1");
    assert_string_equal(team_cell(sim, "east", "working", cell), "1");
    assert_string_equal(team_cell(sim, "east", "programme", cell), "push");
    assert_string_equal(team_cell(sim, "north", "with_card", cell), "1");
    assert_string_equal(team_cell(sim, "south", "agents", cell), "0");
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_presence[] = {
    cmocka_unit_test(the_offer_of_a_silent_agent_is_withdrawn_at_the_lease_and_goes_on_after_the_guard),
    cmocka_unit_test(what_a_silent_agent_owns_is_redistributed_after_lease_and_grace),
    cmocka_unit_test(an_agent_back_within_the_grace_keeps_what_it_owns),
    cmocka_unit_test(an_agent_whose_heartbeats_are_late_gets_nothing_new_and_loses_nothing),
    cmocka_unit_test(a_goodbye_lets_go_of_what_is_not_in_work_at_once),
    cmocka_unit_test(who_is_away_gets_nothing_new_and_may_finish),
    cmocka_unit_test(the_newer_session_of_a_name_fences_the_older),
    cmocka_unit_test(a_device_left_behind_keeps_the_lead_from_others_as_long_as_it_may_show_it),
    cmocka_unit_test(an_agent_that_cannot_be_reached_gets_no_offer_until_it_is_back),
    cmocka_unit_test(an_agent_that_answers_a_withdrawal_frees_the_lead_at_once),
    cmocka_unit_test(an_agent_that_clings_keeps_the_lead_from_others_until_its_validity_and_the_guard_are_over),
    cmocka_unit_test(an_old_answer_to_a_withdrawal_does_not_end_a_newer_one),
    cmocka_unit_test(a_stranger_cannot_let_go_for_another),
    cmocka_unit_test(a_deadline_that_ends_right_after_the_lease_still_waits_for_the_guard),
    cmocka_unit_test(machinery_never_overwrites_what_an_agent_intends),
    cmocka_unit_test(a_team_is_told_in_one_row),
};
const size_t n_stories_of_presence = sizeof stories_of_presence / sizeof *stories_of_presence;
