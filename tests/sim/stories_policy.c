/* SPDX-License-Identifier: Apache-2.0
 * stories_policy.c - the policy changes while leads wait and agents work. That the
 * invariants hold and that the log alone gives the same state is looked at after
 * every beat of these as of all stories. */
#include "tests/sim/story.h"

static struct policy *changed(void)
{
    struct policy *policy = sim_policy();
    policy->version = 0; /* what a file says: the cell numbers it */
    return policy;
}

static void applies(struct sim *sim, const struct policy *policy)
{
    const uint32_t before = core_policy(sim_core(sim))->version;
    const char *why;
    sim_apply(sim, policy);
    sim_run_ms(sim, 2);
    if (sim_applied(sim, &why) != REASON_OK)
        fail_msg("%s: %s", reason_name(sim_applied(sim, &why)), why);
    assert_int_equal(core_policy(sim_core(sim))->version, before + 1);
}

/* Refused for this, and nothing at all has changed. */
static void refuses(struct sim *sim, const struct policy *policy, const char *because)
{
    struct buf before = {0}, after = {0};
    const char *why;
    const uint32_t version = core_policy(sim_core(sim))->version;
    core_dump(sim_core(sim), &before);
    sim_apply(sim, policy);
    core_dump(sim_core(sim), &after);
    assert_int_equal(before.len, after.len);
    assert_memory_equal(before.at, after.at, before.len);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_applied(sim, &why), REASON_POLICY_IN_USE);
    if (!strstr(why, because))
        fail_msg("it said: %s", why);
    assert_int_equal(core_policy(sim_core(sim))->version, version);
    buf_fini(&before);
    buf_fini(&after);
}

/* Programme 1, "pull", with its team and its source, is no more. */
static void without_pull(struct policy *policy)
{
    policy->programmes[1] = policy->programmes[2];
    policy->n_programmes = 2;
    policy->teams[1] = policy->teams[2];
    policy->teams[2] = policy->teams[3];
    policy->n_teams = 3;
    policy->sources[1] = policy->sources[2];
    policy->n_sources = 2;
    policy->teams[1].programme = policy->teams[2].programme = policy->sources[1].programme = 1;
}

static uint32_t slot_of(struct sim *sim, const char *programme)
{
    const struct policy *policy = core_policy(sim_core(sim));
    for (uint32_t i = 0; i < policy->n_programmes; i++)
        if (strcmp(policy->programmes[i].name, programme) == 0)
            return i;
    return NONE;
}

static void each_decision_names_the_version_it_was_made_by(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id first = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    applies(sim, changed());
    const struct id second = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_owner(sim, first, ana->name);
    assert_owner(sim, second, ana->name);
    assert_int_equal(story_of(sim, first)->past->decision.policy_version, 1);
    assert_int_equal(story_of(sim, second)->past->decision.policy_version, 2);
    sim_crash(sim);
    assert_int_equal(core_policy(sim_core(sim))->version, 2);
    assert_int_equal(story_of(sim, first)->past->decision.policy_version, 1);
    sim_destroy(&sim);
}

static void the_text_in_force_applied_again_changes_and_writes_nothing(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    applies(sim, changed());
    const uint32_t written = sim_log_len(sim);
    sim_apply_again(sim);
    sim_run_ms(sim, 50);
    assert_int_equal(sim_applied(sim, NULL), REASON_POLICY_UNCHANGED);
    assert_int_equal(core_policy(sim_core(sim))->version, 2);
    assert_int_equal(sim_log_len(sim), written);
    sim_destroy(&sim);
}

/* A change that did not stand never was. */
static void a_crash_before_it_stands_leaves_the_policy_that_was(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    sim_apply(sim, changed());
    assert_int_equal(core_policy(sim_core(sim))->version, 2);
    sim_crash(sim);
    assert_int_equal(core_policy(sim_core(sim))->version, 1);
    assert_int_equal(sim_applied(sim, NULL), REASON_MAX); /* nobody was told */
    applies(sim, changed());
    sim_destroy(&sim);
}

static void waiting_leads_stay_in_their_place_with_their_deadline(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    const struct id low = story_lead(sim, "to-push", 0), high = story_lead(sim, "to-push", 5);
    sim_run_ms(sim, 100);
    const int64_t due_ms = story_of(sim, low)->timer.at_ms;
    struct policy *policy = changed();
    policy->programmes[0].unclaimed_ms = 60000;
    policy->programmes[0].wip_max = 1;
    const struct programme moved = policy->programmes[0]; /* its place in the file changes, its name does not */
    policy->programmes[0] = policy->programmes[2];
    policy->programmes[2] = moved;
    policy->teams[0].programme = policy->sources[0].programme = 2;
    policy->teams[2].programme = policy->teams[3].programme = policy->sources[2].programme = 0;
    policy->default_programme = 3;
    applies(sim, policy);
    assert_state(sim, low, POOLED);
    assert_true(story_of(sim, low)->timer.at_ms == due_ms); /* armed under the old one */
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    assert_owner(sim, high, ana->name);
    assert_state(sim, low, POOLED);
    const struct id later = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_true(story_of(sim, later)->timer.at_ms > due_ms + 50000); /* and this under the new one */
    sim_crash(sim);
    assert_true(story_of(sim, low)->timer.at_ms == due_ms);
    sim_destroy(&sim);
}

static void a_lower_limit_takes_no_lead_away_and_holds_for_the_next(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct id leads[4];
    for (int i = 0; i < 4; i++)
        leads[i] = story_lead(sim, "to-push", 3 - i);
    sim_run_ms(sim, 2);
    for (int i = 0; i < 3; i++)
        story_work_up_to(sim, ana, leads[i], LEAD_WORKING);
    struct policy *policy = changed();
    policy->programmes[0].wip_max = 1;
    policy->programmes[0].activity_ms = 60000;
    applies(sim, policy);
    assert_int_equal(story_core_agent(sim, ana)->working, 3);
    sim_crash(sim); /* what it may keep outlives the broker */
    sim_run_ms(sim, 600);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(story_dispose(sim, ana, leads[i], DISPOSITION_SALE, NULL), REASON_OK);
        assert_state(sim, leads[3], POOLED); /* still as many as the limit allows, or more */
    }
    assert_int_equal(story_dispose(sim, ana, leads[2], DISPOSITION_SALE, NULL), REASON_OK);
    assert_owner(sim, leads[3], ana->name);
    sim_destroy(&sim);
}

/* Given out twice already when once becomes the limit: no rule is broken by that, and its next return is its end. */
static void a_lead_given_out_more_often_than_a_new_limit_allows_breaks_nothing(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    const struct id lead = story_lead(sim, "to-push", 0);
    static const char *const names[] = {"ana", "ben", "cleo"};
    struct sim_agent *agents[3];
    for (int i = 0; i < 3; i++) {
        agents[i] = story_agent(sim, names[i], "east", INTENT_AVAILABLE);
        story_until_owner(sim, lead, names[i], 100);
        sim_run_ms(sim, 2);
        story_work_up_to(sim, agents[i], lead, LEAD_OWNED);
        if (i < 2)
            assert_int_equal(story_act(sim, agents[i], lead, VERB_RELEASE), REASON_OK);
    }
    assert_int_equal(story_of(sim, lead)->distributions, 2);
    struct policy *policy = changed();
    policy->programmes[0].distributions_max = 1;
    applies(sim, policy);
    assert_owner(sim, lead, "cleo");
    sim_crash(sim);
    sim_run_ms(sim, 600);
    assert_int_equal(story_act(sim, agents[2], lead, VERB_RELEASE), REASON_OK);
    assert_state(sim, lead, EXHAUSTED);
    sim_destroy(&sim);
}

static void deeper_pools_of_teams_are_filled_at_once(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[2].depth_per_agent = 1;
    struct sim *sim = story_new(policy);
    story_agent(sim, "cleo", "north", INTENT_AWAY);
    struct id leads[4];
    for (int i = 0; i < 4; i++)
        leads[i] = story_lead(sim, "to-pushpull", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(story_of(sim, leads[1])->ring, RING_OWN);
    applies(sim, changed());
    assert_int_equal(story_of(sim, leads[2])->ring, RING_TEAM);
    assert_int_equal(story_of(sim, leads[3])->ring, RING_OWN);
    sim_destroy(&sim);
}

static void a_higher_limit_brings_a_waiting_lead_at_once(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].wip_max = 1;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    story_lead(sim, "to-push", 1);
    const struct id second = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_state(sim, second, POOLED);
    applies(sim, changed());
    assert_owner(sim, second, ana->name);
    sim_destroy(&sim);
}

static void a_programme_that_goes_while_leads_are_in_it_is_refused_with_their_number(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    for (int i = 0; i < 3; i++)
        story_lead(sim, "to-pull", 0);
    sim_run_ms(sim, 2);
    struct policy *policy = changed();
    without_pull(policy);
    refuses(sim, policy, "programme pull is not in it, and 3 leads are");
    sim_destroy(&sim);
}

/* It keeps its place and its sums as retired, and has them again when it comes back. */
static void a_programme_goes_when_its_leads_have_ended_and_is_not_forgotten(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ben = story_agent(sim, "ben", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pull", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(story_ready(sim, ben, 0), REASON_OK);
    story_work_up_to(sim, ben, lead, LEAD_WORKING);
    assert_int_equal(story_dispose(sim, ben, lead, DISPOSITION_SALE, "sold"), REASON_OK);
    struct policy *policy = changed();
    without_pull(policy);
    refuses(sim, policy, "team hunters is not in it, and 1 agents of it are here");
    sim_bye(sim, ben);
    sim_run_ms(sim, 2);
    applies(sim, policy);
    const uint32_t slot = slot_of(sim, "pull");
    assert_true(core_policy(sim_core(sim))->programmes[slot].retired);
    assert_int_equal(sim_core(sim)->programmes[slot].received, 1);
    assert_state(sim, lead, CLOSED_WON);
    const struct id stray = story_lead(sim, "to-pull", 0); /* its source is anybody's now: the default takes it */
    sim_run_ms(sim, 2);
    assert_int_equal(story_of(sim, stray)->programme, slot_of(sim, "push"));
    sim_crash(sim);
    assert_int_equal(sim_core(sim)->programmes[slot_of(sim, "pull")].count[LEAD_CLOSED_WON], 1);
    applies(sim, changed());
    assert_false(core_policy(sim_core(sim))->programmes[slot_of(sim, "pull")].retired);
    assert_int_equal(sim_core(sim)->programmes[slot_of(sim, "pull")].received, 1);
    sim_destroy(&sim);
}

static void an_agent_of_a_team_that_is_gone_must_name_another(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ben = story_agent(sim, "ben", "hunters", INTENT_ON_DEMAND);
    sim_bye(sim, ben);
    sim_run_ms(sim, 2);
    struct policy *policy = changed();
    without_pull(policy);
    applies(sim, policy);
    assert_int_equal(slot_of(sim, "pull"), NONE); /* nothing ever came to it */
    ben->on = true;
    sim_hello(sim, ben);
    sim_run_ms(sim, 2);
    assert_int_equal(ben->error, REASON_UNKNOWN_TEAM);
    snprintf(ben->team, sizeof ben->team, "north");
    sim_hello(sim, ben);
    sim_run_ms(sim, 2);
    assert_true(ben->session != 0);
    sim_crash(sim);
    assert_string_equal(core_policy(sim_core(sim))->teams[story_core_agent(sim, ben)->team].name, "north");
    sim_destroy(&sim);
}

/* Pools of teams are no more: what waited in them waits upstream, no longer and no less long than before. */
static void leads_in_a_teams_pool_go_upstream_when_there_are_no_such_pools_any_more(void **state)
{
    (void) state;
    for (int how = 0; how < 3; how++) {
        struct sim *sim = story_new(NULL);
        struct sim_agent *cleo = story_agent(sim, "cleo", "north", INTENT_AWAY);
        const struct id lead = story_lead(sim, "to-pushpull", 0);
        sim_run_ms(sim, 2);
        assert_int_equal(story_of(sim, lead)->ring, RING_TEAM);
        const int64_t due_ms = story_of(sim, lead)->timer.at_ms;
        struct policy *policy = changed();
        if (how == 0) {
            policy->programmes[2].mode = MODE_PUSH;
        } else {
            snprintf(policy->teams[2].name, sizeof policy->teams[2].name, how == 1 ? "west" : "north");
            policy->teams[2].programme = how == 1 ? 2 : 0;
            sim_bye(sim, cleo);
            sim_run_ms(sim, 2);
        }
        applies(sim, policy);
        assert_int_equal(story_of(sim, lead)->ring, RING_OWN);
        assert_int_equal(story_of(sim, lead)->reason, REASON_POLICY_CHANGED);
        assert_true(story_of(sim, lead)->timer.at_ms == due_ms);
        sim_crash(sim);
        assert_int_equal(story_of(sim, lead)->ring, RING_OWN);
        sim_destroy(&sim);
    }
}

/* Who is on the phone goes on; from now on the team works for another programme. */
static void a_team_moves_to_another_programme_with_what_its_agents_hold(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct id leads[3];
    for (int i = 0; i < 3; i++)
        leads[i] = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    for (int i = 0; i < 3; i++)
        story_work_up_to(sim, ana, leads[i], LEAD_OWNED);
    struct policy *policy = changed();
    policy->teams[0].programme = 1; /* where one lead at a time is the limit */
    policy->teams[1].programme = 0;
    applies(sim, policy);
    assert_int_equal(story_core_agent(sim, ana)->owned, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(story_dispose(sim, ana, leads[i], DISPOSITION_SALE, NULL), REASON_OK);
    const struct id pulled = story_lead(sim, "to-pull", 0);
    sim_run_ms(sim, 2);
    assert_state(sim, pulled, POOLED);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_owner(sim, pulled, ana->name);
    sim_destroy(&sim);
}

static void what_clients_were_told_changes_only_when_none_is_here(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct policy *policy = changed();
    policy->lease_ms = 4000;
    refuses(sim, policy, "it changes heartbeat, lease or guard, which 1 agents were told");
    sim_silence(sim, ana, true);
    sim_run_ms(sim, 1500);
    refuses(sim, policy, "1 agents were told"); /* it may still show what it held */
    sim_bye(sim, ana);
    sim_run_ms(sim, 3000);
    applies(sim, policy);
    ana->on = true;
    sim_silence(sim, ana, false);
    sim_hello(sim, ana);
    sim_run_ms(sim, 2);
    assert_int_equal(core_policy(sim_core(sim))->lease_ms, 4000);
    sim_destroy(&sim);
}

static void another_order_holds_for_the_leads_that_wait(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].wip_max = 1;
    struct sim *sim = story_new(policy);
    story_lead(sim, "to-push", 0);
    story_lead(sim, "to-push", 0);
    const struct id newest = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    policy = changed();
    policy->programmes[0].wip_max = 1;
    policy->programmes[0].order.last = ORDER_NEWEST_FIRST;
    applies(sim, policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    assert_owner(sim, newest, ana->name);
    sim_destroy(&sim);
}

static void gives_it_to_the_first(void *context, const struct msg_request *request, struct verdict *verdicts,
                                  struct msg_decision *decision)
{
    (void) decision;
    verdicts[0].agent = 1;
    *(uint32_t *) context = request->policy_version;
}

/* What a worker decides by the old scoring must not be granted under the new version's number. */
static void what_is_under_decision_is_decided_anew_by_the_new_version(void **state)
{
    (void) state;
    struct sim *sim = sim_new(1, sim_policy());
    uint32_t asked_by = 0;
    sim_workers(sim, 1);
    sim_judge(sim, gives_it_to_the_first, &asked_by, 15000, false);
    sim_run_ms(sim, 800);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    assert_true(story_of(sim, lead)->ask != 0);
    const uint64_t request = story_of(sim, lead)->ask;
    sim_apply(sim, changed());
    assert_int_equal(story_core_agent(sim, ana)->lent, 0);
    sim_run_ms(sim, 5);
    assert_true(story_of(sim, lead)->ask != request);
    assert_int_equal(asked_by, 2);
    sim_run_ms(sim, 100);
    assert_int_equal(story_of(sim, lead)->past->decision.policy_version, 2);
    sim_destroy(&sim);
}

static void a_policy_for_another_cell_or_with_no_place_left_is_refused(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    for (int i = 0; i < 3; i++)
        story_lead(sim, i == 0 ? "to-push" : i == 1 ? "to-pull" : "to-pushpull", 0);
    sim_run_ms(sim, 2);
    struct policy *policy = changed();
    snprintf(policy->cell, sizeof policy->cell, "other");
    refuses(sim, policy, "it is for the cell other, this is sim");
    policy = changed();
    for (uint32_t i = 0; i < POLICY_PROGRAMMES_MAX; i++) {
        policy->programmes[i] = policy->programmes[0];
        snprintf(policy->programmes[i].name, sizeof policy->programmes[i].name, "p%u", i);
    }
    policy->n_programmes = POLICY_PROGRAMMES_MAX;
    refuses(sim, policy, "it would be 19; a cell has up to 16");
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_policy[] = {
    cmocka_unit_test(each_decision_names_the_version_it_was_made_by),
    cmocka_unit_test(the_text_in_force_applied_again_changes_and_writes_nothing),
    cmocka_unit_test(a_crash_before_it_stands_leaves_the_policy_that_was),
    cmocka_unit_test(waiting_leads_stay_in_their_place_with_their_deadline),
    cmocka_unit_test(a_lower_limit_takes_no_lead_away_and_holds_for_the_next),
    cmocka_unit_test(a_lead_given_out_more_often_than_a_new_limit_allows_breaks_nothing),
    cmocka_unit_test(deeper_pools_of_teams_are_filled_at_once),
    cmocka_unit_test(a_higher_limit_brings_a_waiting_lead_at_once),
    cmocka_unit_test(a_programme_that_goes_while_leads_are_in_it_is_refused_with_their_number),
    cmocka_unit_test(a_programme_goes_when_its_leads_have_ended_and_is_not_forgotten),
    cmocka_unit_test(an_agent_of_a_team_that_is_gone_must_name_another),
    cmocka_unit_test(leads_in_a_teams_pool_go_upstream_when_there_are_no_such_pools_any_more),
    cmocka_unit_test(a_team_moves_to_another_programme_with_what_its_agents_hold),
    cmocka_unit_test(what_clients_were_told_changes_only_when_none_is_here),
    cmocka_unit_test(another_order_holds_for_the_leads_that_wait),
    cmocka_unit_test(what_is_under_decision_is_decided_anew_by_the_new_version),
    cmocka_unit_test(a_policy_for_another_cell_or_with_no_place_left_is_refused),
};
const size_t n_stories_of_policy = sizeof stories_of_policy / sizeof *stories_of_policy;
