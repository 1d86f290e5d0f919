/* SPDX-License-Identifier: Apache-2.0
 * stories_workers.c - workers advise, the core decides: what happens with no worker,
 * a mute one, a late one, a foul one, and one whose advice came too late to hold. */
#include "tests/sim/story.h"

/* What a scripted worker does with a request of one window. */
struct script {
    uint32_t n; /* verdicts to give, for the first leads of a request */
    struct verdict verdicts[4];
    uint32_t answers; /* how many verdicts it claims; 0 = one a lead */
    enum reason reason;
    uint32_t asked, n_leads, n_agents, only_agent, attempts, excluded; /* of the last request */
};

static void by_script(void *context, const struct msg_request *request, struct verdict *verdicts,
                      struct msg_decision *decision)
{
    struct script *script = context;
    for (uint32_t i = 0; i < script->n && i < request->n_leads; i++)
        verdicts[i] = script->verdicts[i];
    if (script->answers)
        decision->n_verdicts = script->answers;
    decision->reason = script->reason;
    script->asked++;
    script->n_leads = request->n_leads;
    script->n_agents = request->n_agents;
    script->excluded = request->n_excluded;
    script->attempts = request->n_leads ? request->leads[0].attempts : 0;
    script->only_agent = request->n_leads ? request->leads[0].only_agent : 0;
}

static struct sim *scripted(const struct policy *policy, struct script *script, int64_t takes_us)
{
    struct sim *sim = story_new(policy);
    sim_judge(sim, by_script, script, takes_us, false);
    sim_workers(sim, 1);
    sim_run_ms(sim, 700); /* it was heard, so it is asked */
    return sim;
}

/* proves 000-13, 003-10: the worker's choice is what happens, and it is on record */
static void what_a_worker_decides_is_done_and_recorded(void **state)
{
    (void) state;
    struct script script = {.n = 1, .verdicts = {{.agent = 2, .runner_up = 1, .score = 77, .margin = 7}}};
    struct sim *sim = scripted(NULL, &script, 300);
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_owner(sim, lead, "ben");
    const struct decision *decision = &story_of(sim, lead)->past->decision;
    assert_int_equal(decision->by, REASON_SCORED);
    assert_int_equal(decision->score, 77);
    assert_int_equal(decision->margin, 7);
    assert_int_equal(decision->candidates, 2);
    assert_int_equal(decision->runner_up, 0);
    assert_int_equal(sim_core(sim)->programmes[0].decided_scored, 1);
    sim_destroy(&sim);
}

/* proves architecture 2 "no worker, no stop", 4-12 */
static void a_mute_worker_costs_its_deadline_and_not_a_millisecond_more(void **state)
{
    (void) state;
    struct script script = {.n = 1, .verdicts = {{.agent = 1}}};
    struct sim *sim = scripted(NULL, &script, 300);
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_faults(sim, (struct sim_faults){.worker_mute = 1000});
    const struct id lead = story_lead(sim, "to-push", 0);
    story_stays(sim, lead, LEAD_POOLED, 20);
    sim_run_ms(sim, 1);
    assert_owner(sim, lead, "ana");
    const struct lead *it = story_of(sim, lead);
    assert_int_equal(it->past->decision.at_us - it->received_us, 20000);
    assert_int_equal(it->past->decision.by, REASON_PLAIN_ORDER);
    const struct id next = story_lead(sim, "to-push", 0); /* who was mute is not asked before it was heard */
    sim_run_ms(sim, 1);
    assert_owner(sim, next, "ana");
    assert_int_equal(sim_asked(sim), 1);
    assert_int_equal(sim_core(sim)->programmes[0].decided_plain, 2);
    sim_destroy(&sim);
}

/* The shell looks once more at what workers say before it lets time judge them. */
static void whoever_asks_learns_that_an_answer_is_about_to_be_late(void **state)
{
    (void) state;
    struct script script = {.n = 1, .verdicts = {{.agent = 1}}};
    struct sim *sim = scripted(NULL, &script, 300);
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_faults(sim, (struct sim_faults){.worker_mute = 1000});
    const int64_t asked_us = sim_now_ms(sim) * 1000;
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 10);
    assert_false(core_answer_is_late(sim_core(sim), asked_us + 19000));
    assert_true(core_answer_is_late(sim_core(sim), asked_us + 21000));
    sim_run_ms(sim, 11);
    assert_owner(sim, lead, "ana");
    assert_false(core_answer_is_late(sim_core(sim), asked_us + 21000)); /* it was judged */
    sim_destroy(&sim);
}

static void a_late_answer_is_ignored_and_the_worker_is_used_again(void **state)
{
    (void) state;
    struct script script = {.n = 1, .verdicts = {{.agent = 2, .score = 5}}};
    struct sim *sim = scripted(NULL, &script, 30000);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 100);
    assert_owner(sim, lead, "ana"); /* the plain order's choice stands */
    assert_int_equal(ana->n_offers, 1);
    assert_int_equal(ben->n_offers, 0);
    assert_int_equal(sim_core(sim)->workers[0].lapsed, 1);
    sim_judge(sim, by_script, &script, 300, false);
    sim_run_ms(sim, 700);
    const struct id next = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    assert_int_equal(story_of(sim, next)->past->decision.by, REASON_SCORED);
    assert_int_equal(sim_core(sim)->workers[0].out, 0);
    sim_destroy(&sim);
}

static void a_worker_that_leaves_costs_nothing_at_all(void **state)
{
    (void) state;
    struct script script = {.n = 0};
    struct sim *sim = scripted(NULL, &script, 60000000);
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    assert_state(sim, lead, POOLED);
    sim_worker_leaves(sim);
    sim_run_ms(sim, 1);
    assert_owner(sim, lead, "ana");
    sim_destroy(&sim);
}

/* proves F26: verdicts are checked row by row; one foul row spoils itself and no other */
static void foul_verdicts_are_refused_row_by_row_and_the_rest_stands(void **state)
{
    (void) state;
    struct script script = {.n = 4, .verdicts = {{.agent = 1}, {.agent = 1}, {.agent = 99}, {.agent = 2}}};
    struct sim *sim = scripted(NULL, &script, 300);
    struct id leads[4];
    for (int i = 0; i < 4; i++)
        leads[i] = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    sim_run_ms(sim, 100);
    sim_faults(sim, (struct sim_faults){.worker_mute = 0});
    struct sim_agent *ana = sim_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *ben = sim_agent(sim, "ben", "east", INTENT_AVAILABLE);
    ana->by_hand = ben->by_hand = true;
    ana->capacity = ben->capacity = 1;
    sim_run_ms(sim, 1); /* both say hello in one beat: one window of two */
    assert_int_equal(script.n_agents, 2);
    assert_owner(sim, leads[0], "ana");
    assert_state(sim, leads[1], POOLED); /* over the slots of ana */
    assert_state(sim, leads[2], POOLED); /* nobody's index */
    assert_owner(sim, leads[3], "ben");
    assert_int_equal(story_of(sim, leads[1])->refusals, 1);
    assert_int_equal(ana->n_held + ben->n_held, 2);
    sim_destroy(&sim);
}

static void a_lead_refused_twice_is_taken_by_the_plain_order(void **state)
{
    (void) state;
    struct script script = {.n = 1, .verdicts = {{.agent = 7}}};
    struct sim *sim = scripted(NULL, &script, 300);
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 10);
    assert_owner(sim, lead, "ana");
    assert_int_equal(story_of(sim, lead)->past->decision.by, REASON_PLAIN_ORDER);
    assert_int_equal(sim_asked(sim), 2);
    sim_destroy(&sim);
}

static void an_excluded_pair_is_named_to_the_worker_and_refused_from_it(void **state)
{
    (void) state;
    struct script script = {.n = 1, .verdicts = {{.agent = 1}}};
    struct policy *policy = sim_policy();
    policy->programmes[0].unclaimed_ms = policy->programmes[0].decline_exclusion_ms = 600000;
    struct sim *sim = scripted(policy, &script, 300);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(story_act(sim, ana, lead, VERB_DECLINE), REASON_OK);
    story_stays(sim, lead, LEAD_POOLED, 5000);
    assert_int_equal(script.excluded, 1);
    assert_int_equal(ana->n_offers, 1);
    assert_in_range(sim_asked(sim), 2, 4); /* and it is not asked in circles */
    sim_destroy(&sim);
}

static void an_answer_of_the_wrong_length_or_a_refusal_falls_back_to_the_plain_order(void **state)
{
    (void) state;
    for (int i = 0; i < 2; i++) {
        struct script script = {.n = 1,
                                .verdicts = {{.agent = 2}},
                                .answers = i == 0 ? 2 : 0,
                                .reason = i == 1 ? REASON_NEED_POLICY : REASON_OK};
        struct sim *sim = scripted(NULL, &script, 300);
        story_agent(sim, "ana", "east", INTENT_AVAILABLE);
        story_agent(sim, "ben", "east", INTENT_AVAILABLE);
        const struct id lead = story_lead(sim, "to-push", 0);
        sim_run_ms(sim, 2);
        assert_owner(sim, lead, "ana");
        assert_int_equal(story_of(sim, lead)->past->decision.by, REASON_PLAIN_ORDER);
        assert_int_equal(sim_core(sim)->workers[0].policy_version, 0); /* it is sent the policy with the next */
        sim_destroy(&sim);
    }
}

/* Leads are not locked while a worker thinks: what moved on meanwhile is not given twice. */
static void what_changed_while_the_worker_thought_is_not_granted(void **state)
{
    (void) state;
    struct script script = {.n = 1, .verdicts = {{.agent = 1}}};
    struct policy *policy = sim_policy();
    policy->scorer_deadline_ms = 1000;
    struct sim *sim = scripted(policy, &script, 100000);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 10);
    sim_intent(sim, ana, INTENT_AWAY);
    sim_run_ms(sim, 200);
    assert_state(sim, lead, POOLED);
    assert_int_equal(ana->n_offers, 0);
    sim_destroy(&sim);
}

/* proves 002-07: nor does a lead of a team's pool go to one who has joined another team meanwhile */
static void an_agent_who_changed_team_while_the_worker_thought_gets_nothing_of_the_old_one(void **state)
{
    (void) state;
    struct script script = {.n = 1, .verdicts = {{.agent = 1}}};
    struct policy *policy = sim_policy();
    policy->scorer_deadline_ms = 1000;
    struct sim *sim = scripted(policy, &script, 100000);
    story_agent(sim, "emil", "north", INTENT_AWAY); /* keeps the pool of the team open */
    struct sim_agent *ana = story_agent(sim, "ana", "north", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-pushpull", 0);
    sim_run_ms(sim, 10);
    assert_int_equal(script.asked, 1);
    snprintf(ana->team, sizeof ana->team, "south");
    sim_hello(sim, ana);
    sim_run_ms(sim, 200);
    assert_state(sim, lead, POOLED);
    assert_int_equal(ana->n_offers, 0);
    sim_destroy(&sim);
}

/* ---- drained ---------------------------------------------------------------------------- */

/* An operator's order; returns the rows of the answer. */
static uint32_t order(struct sim *sim, enum query_what what, const char *name)
{
    struct msg_report report;
    core_report(sim_core(sim), &(struct msg_query){.what = what, .arg = slice_of(name, strlen(name))}, &report);
    return report.reason == REASON_OK ? report.n_rows : 0;
}

static void the_place_of_a_lead_that_another_got_meanwhile_goes_to_the_next_at_once(void **state)
{
    (void) state;
    struct script script = {.n = 1, .verdicts = {{.agent = 1}}};
    struct policy *policy = sim_policy();
    policy->scorer_deadline_ms = 1000;
    struct sim *sim = scripted(policy, &script, 50000);
    const struct id first = story_lead(sim, "to-push", 0), second = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    story_agent_of(sim, "ana", "east", INTENT_AVAILABLE, 1);
    sim_run_ms(sim, 10); /* the worker has both, and gives her the first */
    story_agent(sim, "ben", "east", INTENT_ON_DEMAND);
    assert_int_equal(story_order(sim, first, ORDER_ASSIGN, "ben", 0), REASON_OK);
    sim_run_ms(sim, 150);
    assert_owner(sim, second, "ana");
    sim_destroy(&sim);
}

static void a_drained_worker_gets_nothing_new_and_nobody_waits_for_it(void **state)
{
    (void) state;
    struct script script = {.n = 1, .verdicts = {{.agent = 1}}};
    struct sim *sim = scripted(NULL, &script, 300);
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    assert_int_equal(order(sim, QUERY_DRAIN, "nobody"), 0);
    assert_int_equal(order(sim, QUERY_DRAIN, "w"), 1);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2); /* and not the 20 ms of a mute one */
    assert_owner(sim, lead, "ana");
    assert_int_equal(story_of(sim, lead)->past->decision.by, REASON_PLAIN_ORDER);
    sim_run_ms(sim, 2000); /* its heartbeats do not make it askable */
    story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_asked(sim), 0);
    assert_int_equal(order(sim, QUERY_UNDRAIN, "w"), 1);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    const struct id next = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(story_of(sim, next)->past->decision.by, REASON_SCORED);
    sim_destroy(&sim);
}

static void what_a_worker_has_in_hand_when_it_is_drained_it_finishes(void **state)
{
    (void) state;
    struct script script = {.n = 1, .verdicts = {{.agent = 2}}};
    struct policy *policy = sim_policy();
    policy->scorer_deadline_ms = 1000;
    struct sim *sim = scripted(policy, &script, 50000);
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 10);
    assert_state(sim, lead, POOLED);
    order(sim, QUERY_DRAIN, "w");
    sim_run_ms(sim, 100);
    assert_owner(sim, lead, "ben");
    assert_int_equal(story_of(sim, lead)->past->decision.by, REASON_SCORED);
    assert_int_equal(sim_core(sim)->workers[0].out, 0);
    assert_int_equal(sim_core(sim)->workers[0].decided, 1);
    sim_destroy(&sim);
}

static void a_worker_that_says_it_drains_is_asked_nothing_more(void **state)
{
    (void) state;
    struct script script = {.n = 1, .verdicts = {{.agent = 1}}};
    struct sim *sim = scripted(NULL, &script, 300);
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_worker_drains(sim);
    sim_run_ms(sim, 2);
    assert_int_equal(order(sim, QUERY_UNDRAIN, "w"), 1); /* it is not the operator's to keep */
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_owner(sim, lead, "ana");
    assert_int_equal(sim_asked(sim), 0);
    sim_destroy(&sim);
}

static void two_workers_of_one_name_are_told_apart(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    sim_workers(sim, 2); /* both say "w", and not where they run */
    sim_run_ms(sim, 700);
    assert_string_equal(sim_core(sim)->workers[0].name, "w");
    assert_string_equal(sim_core(sim)->workers[1].name, "w.2");
    assert_int_equal(order(sim, QUERY_DRAIN, "w"), 1);
    assert_false(sim_core(sim)->workers[1].drained);
    sim_destroy(&sim);
}

static void the_share_of_busy_time_is_that_of_the_last_ten_seconds(void **state)
{
    (void) state;
    struct worker worker = {.hello_us = 1000000};
    worker_busy(&worker, 20500000, 500000);
    worker_busy(&worker, 21500000, 400000);
    assert_int_equal(worker_busy_permille(&worker, 22000000), 100); /* 0.9 s of the 9 s since 13 */
    assert_int_equal(worker_busy_permille(&worker, 30999999), 40);  /* the first half second is too long ago */
    assert_int_equal(worker_busy_permille(&worker, 40000000), 0);
    worker_busy(&worker, 40000000, UINT32_MAX); /* whatever it says */
    assert_int_equal(worker_busy_permille(&worker, 40000000), 1000);
    struct worker fresh = {.hello_us = 50000000};
    worker_busy(&fresh, 51000000, 250000);
    assert_int_equal(worker_busy_permille(&fresh, 51000000), 250);
}

static void with_all_hands_full_the_rest_waits_for_the_next_answer(void **state)
{
    (void) state;
    struct script script = {.n = 1, .verdicts = {{.agent = 1}}};
    struct policy *policy = sim_policy();
    policy->scorer_deadline_ms = 1000;
    struct sim *sim = scripted(policy, &script, 50000);
    static const char *const sources[] = {"to-push", "to-pull", "to-pushpull"};
    struct sim_agent *agents[] = {story_agent(sim, "ana", "east", INTENT_AVAILABLE),
                                  story_agent(sim, "ben", "hunters", INTENT_ON_DEMAND),
                                  story_agent(sim, "cleo", "north", INTENT_AVAILABLE)};
    struct id leads[3];
    sim_ready(sim, agents[1], 3000);
    sim_run_ms(sim, 1);
    for (int i = 0; i < 3; i++)
        leads[i] = story_lead(sim, sources[i], 0);
    sim_run_ms(sim, 10);
    assert_int_equal(sim_asked(sim), 2); /* its capacity */
    sim_run_ms(sim, 150);
    assert_int_equal(sim_asked(sim), 3);
    for (int i = 0; i < 3; i++)
        assert_owner(sim, leads[i], agents[i]->name);
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_workers[] = {
    cmocka_unit_test(what_a_worker_decides_is_done_and_recorded),
    cmocka_unit_test(a_mute_worker_costs_its_deadline_and_not_a_millisecond_more),
    cmocka_unit_test(whoever_asks_learns_that_an_answer_is_about_to_be_late),
    cmocka_unit_test(a_late_answer_is_ignored_and_the_worker_is_used_again),
    cmocka_unit_test(a_worker_that_leaves_costs_nothing_at_all),
    cmocka_unit_test(foul_verdicts_are_refused_row_by_row_and_the_rest_stands),
    cmocka_unit_test(a_lead_refused_twice_is_taken_by_the_plain_order),
    cmocka_unit_test(an_excluded_pair_is_named_to_the_worker_and_refused_from_it),
    cmocka_unit_test(an_answer_of_the_wrong_length_or_a_refusal_falls_back_to_the_plain_order),
    cmocka_unit_test(what_changed_while_the_worker_thought_is_not_granted),
    cmocka_unit_test(an_agent_who_changed_team_while_the_worker_thought_gets_nothing_of_the_old_one),
    cmocka_unit_test(the_place_of_a_lead_that_another_got_meanwhile_goes_to_the_next_at_once),
    cmocka_unit_test(a_drained_worker_gets_nothing_new_and_nobody_waits_for_it),
    cmocka_unit_test(what_a_worker_has_in_hand_when_it_is_drained_it_finishes),
    cmocka_unit_test(a_worker_that_says_it_drains_is_asked_nothing_more),
    cmocka_unit_test(two_workers_of_one_name_are_told_apart),
    cmocka_unit_test(the_share_of_busy_time_is_that_of_the_last_ten_seconds),
    cmocka_unit_test(with_all_hands_full_the_rest_waits_for_the_next_answer),
};
const size_t n_stories_of_workers = sizeof stories_of_workers / sizeof *stories_of_workers;
