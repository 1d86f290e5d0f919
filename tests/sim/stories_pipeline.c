/* SPDX-License-Identifier: Apache-2.0
 * stories_pipeline.c - a lead that is not final comes back to its owner: when, in
 * which rank, and what happens when it is not taken. Time that stood still moves
 * what was to last, not what was agreed. */
#include "tests/sim/story.h"

enum { MINUTE_MS = 60000 }; /* a callback is agreed for a minute from now: sim_act() */

static struct id disposed(struct sim *sim, struct sim_agent *agent, const char *source, enum disposition code)
{
    const struct id lead = story_lead(sim, source, 0);
    if (agent->intent == INTENT_ON_DEMAND)
        assert_int_equal(story_ready(sim, agent, 0), REASON_OK);
    sim_run_ms(sim, 2);
    story_work_up_to(sim, agent, lead, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, agent, lead, code, "spoke to her"), REASON_OK);
    assert_state(sim, lead, PIPELINE);
    assert_owner(sim, lead, agent->name);
    assert_null(sim_held(agent, lead));
    return lead;
}

/* proves 000-11, 000-12: forced back after its attempt's gap, again and again */
static void a_lead_that_is_not_final_comes_back_to_its_owner_after_the_gap_of_its_attempt(void **state)
{
    (void) state;
    static const int64_t gaps[] = {1000, 3000, 3000};
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    const struct id lead = disposed(sim, ana, "to-push", DISPOSITION_NO_ANSWER);
    for (size_t i = 0; i < sizeof gaps / sizeof *gaps; i++) {
        assert_about(story_until_state(sim, lead, LEAD_OWNED, 5000), gaps[i]);
        assert_owner(sim, lead, "ana");
        sim_run_ms(sim, 1);
        assert_int_equal(sim_held(ana, lead)->attempts, i + 1);
        story_work_up_to(sim, ana, lead, LEAD_WORKING);
        assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    }
    sim_destroy(&sim);
}

static void progress_charges_no_attempt(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = disposed(sim, ana, "to-push", DISPOSITION_SENT_DOCUMENTS);
    assert_int_equal(story_of(sim, lead)->attempts, 0);
    sim_destroy(&sim);
}

static void what_nobody_acted_on_cannot_be_put_off(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_SALE, NULL), REASON_WRONG_STATE);
    story_work_up_to(sim, ana, lead, LEAD_OWNED);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_NO_ANSWER, NULL), REASON_OWES_FIRST_ACTION);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_CALLBACK, NULL), REASON_OWES_FIRST_ACTION);
    assert_int_equal(story_dispose(sim, ana, lead, (enum disposition) 99, NULL), REASON_UNKNOWN_CODE);
    assert_state(sim, lead, OWNED);
    sim_destroy(&sim);
}

/* A judge that gives the first agent the lead of the highest value, due or fresh. */
static void highest_value(void *context, const struct msg_request *request, struct verdict *verdicts,
                          struct msg_decision *decision)
{
    (void) context;
    (void) decision;
    uint32_t best = 0;
    for (uint32_t i = 1; i < request->n_leads; i++)
        if (request->leads[i].priority > request->leads[best].priority)
            best = i;
    if (request->n_leads)
        verdicts[best] = (struct verdict){.agent = 1, .score = request->leads[best].priority};
}

/* `worker`: who ranks, a worker or the plain order. `fresh`: priority of the new lead; the due one's is 0. */
static bool due_lead_comes_first(bool worker, int32_t fresh)
{
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    const struct id due = disposed(sim, ana, "to-pull", DISPOSITION_NO_ANSWER);
    if (worker) {
        sim_judge(sim, highest_value, NULL, 0, false);
        sim_workers(sim, 1);
    }
    sim_run_ms(sim, 1500);
    assert_state(sim, due, PIPELINE); /* due, and waits until it is asked for */
    const struct id other = story_lead(sim, "to-pull", fresh);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    const bool first = id_equal(ana->ready.lead, due);
    assert_true(first || id_equal(ana->ready.lead, other));
    assert_state(sim, first ? due : other, OWNED);
    assert_int_equal(sim_asked(sim) > 0, worker);
    sim_destroy(&sim);
    return first;
}

/* proves 000-14: one ranking of new and pipeline leads; the better one comes first, whichever it is */
static void new_and_due_leads_compete_in_one_ranking(void **state)
{
    (void) state;
    assert_true(due_lead_comes_first(true, -1));
    assert_false(due_lead_comes_first(true, 1));
    assert_true(due_lead_comes_first(false, -1));
    assert_true(due_lead_comes_first(false, 0)); /* the older of equals */
    assert_false(due_lead_comes_first(false, 1));
}

/* proves 3-03, 000-11: of many due leads the owner gets its own, as soon as it has a free hand */
static void a_due_lead_waits_for_its_owners_free_hand_and_goes_to_nobody_else(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent_of(sim, "ana", "east", INTENT_AVAILABLE, 1);
    const struct id due = disposed(sim, ana, "to-push", DISPOSITION_NO_ANSWER);
    const struct id busy = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    story_work_up_to(sim, ana, busy, LEAD_WORKING);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 3000);
    assert_true(story_of(sim, due)->due);
    assert_int_equal(story_dispose(sim, ana, busy, DISPOSITION_SALE, NULL), REASON_OK);
    assert_state(sim, due, OWNED);
    assert_owner(sim, due, "ana");
    sim_destroy(&sim);
}

/* proves 3-10, features 5.1 t_grace */
static void a_due_lead_its_owner_does_not_take_moves_on(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    const struct id lead = disposed(sim, ana, "to-pull", DISPOSITION_NO_ANSWER);
    assert_about(story_until_state(sim, lead, LEAD_POOLED, 20000), 1000 + 8000);
    assert_int_equal(story_of(sim, lead)->reason, REASON_PIPELINE_LATE);
    assert_int_equal(story_of(sim, lead)->distributions, 1);
    assert_int_equal(story_ready(sim, ana, 0), REASON_NO_LEAD); /* not back to her */
    struct sim_agent *ben = story_agent(sim, "ben", "hunters", INTENT_ON_DEMAND);
    assert_int_equal(story_ready(sim, ben, 0), REASON_OK);
    assert_owner(sim, lead, "ben");
    sim_destroy(&sim);
}

static void a_due_lead_of_an_agent_who_left_moves_on_until_it_was_given_out_too_often(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].distributions_max = 1;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = disposed(sim, ana, "to-push", DISPOSITION_NO_ANSWER);
    sim_bye(sim, ana);
    sim_run_ms(sim, 500);
    assert_state(sim, lead, PIPELINE); /* a vacation of one evening loses nobody's pipeline */
    story_until_state(sim, lead, LEAD_EXHAUSTED, 10000);
    assert_false(story_of(sim, lead)->alerted); /* somebody did act on it */
    sim_destroy(&sim);
}

/* proves 000-12 */
static void after_the_last_attempt_a_retry_ends_the_lead_and_a_callback_does_not(void **state)
{
    (void) state;
    for (enum lead_state from = LEAD_WORKING; from <= LEAD_WRAP_UP; from++) {
        struct policy *policy = sim_policy();
        policy->programmes[0].attempts_max = 2;
        policy->programmes[0].gap_ms[0] = policy->programmes[0].gap_ms[1] = 100;
        struct sim *sim = story_new(policy);
        struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
        const struct id lead = disposed(sim, ana, "to-push", DISPOSITION_NO_ANSWER);
        const struct id agreed = disposed(sim, ana, "to-push", DISPOSITION_NO_ANSWER);
        story_until_state(sim, agreed, LEAD_OWNED, 200);
        story_work_up_to(sim, ana, lead, from);
        story_work_up_to(sim, ana, agreed, LEAD_WORKING);
        assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_MACHINE, NULL), REASON_OK);
        assert_state(sim, lead, EXHAUSTED);
        assert_int_equal(story_of(sim, lead)->reason, REASON_MAX_ATTEMPTS);
        assert_int_equal(story_dispose(sim, ana, agreed, DISPOSITION_CALLBACK, NULL), REASON_OK);
        assert_state(sim, agreed, PIPELINE);
        sim_destroy(&sim);
    }
}

/* proves architecture 7: appointments are never shifted, durations are */
static void a_pause_moves_what_was_to_last_and_not_what_was_agreed(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].gap_ms[0] = 40000;
    policy->programmes[0].pipeline_grace_ms = 600000;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id gap = disposed(sim, ana, "to-push", DISPOSITION_NO_ANSWER);
    const int64_t gap_ms = sim_now_ms(sim);
    const struct id agreed = disposed(sim, ana, "to-push", DISPOSITION_CALLBACK);
    const int64_t agreed_ms = sim_now_ms(sim);
    sim_run_ms(sim, 5000);
    sim_stall(sim, 30000);
    sim_run_ms(sim, 1);
    assert_true(story_core_agent(sim, ana)->present); /* a pause evicts nobody */
    story_until_state(sim, agreed, LEAD_OWNED, 90000);
    assert_about(sim_now_ms(sim) - agreed_ms, MINUTE_MS);
    assert_state(sim, gap, PIPELINE);
    assert_int_equal(story_dispose(sim, ana, agreed, DISPOSITION_SALE, NULL), REASON_OK);
    story_until_state(sim, gap, LEAD_OWNED, 90000);
    assert_about(sim_now_ms(sim) - gap_ms, 40000 + 30000);
    sim_destroy(&sim);
}

/* The same over a crash: the outage between the last beat and the load is a pause, too. */
static void an_outage_moves_what_was_to_last_and_not_what_was_agreed(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].pipeline_grace_ms = 600000;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const int64_t start_ms = sim_now_ms(sim);
    const struct id agreed = disposed(sim, ana, "to-push", DISPOSITION_CALLBACK);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    const int64_t left_ms = story_of(sim, lead)->timer.at_ms - run_ms(sim_core(sim));
    sim_stall(sim, 50000); /* nobody there: the stall is no beat that knows of it */
    sim_crash(sim);
    assert_about(story_of(sim, lead)->timer.at_ms - run_ms(sim_core(sim)), left_ms + 2);
    story_until_state(sim, agreed, LEAD_OWNED, 90000);
    assert_in_range(sim_now_ms(sim) - start_ms, MINUTE_MS, MINUTE_MS + 20);
    sim_destroy(&sim);
}

static void a_callback_in_the_past_is_refused(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    story_work_up_to(sim, ana, lead, LEAD_WORKING);
    sim_say(sim, ana,
            &(struct act){.op = {8, 8},
                          .lead = lead,
                          .fence = story_of(sim, lead)->fence,
                          .verb = VERB_DISPOSITION,
                          .code = DISPOSITION_CALLBACK,
                          .at_ms = sim_now_ms(sim) - 1});
    sim_run_ms(sim, 2);
    assert_int_equal(ana->result.reason, REASON_BAD_FIELD);
    assert_state(sim, lead, WORKING);
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_pipeline[] = {
    cmocka_unit_test(a_lead_that_is_not_final_comes_back_to_its_owner_after_the_gap_of_its_attempt),
    cmocka_unit_test(progress_charges_no_attempt),
    cmocka_unit_test(what_nobody_acted_on_cannot_be_put_off),
    cmocka_unit_test(new_and_due_leads_compete_in_one_ranking),
    cmocka_unit_test(a_due_lead_waits_for_its_owners_free_hand_and_goes_to_nobody_else),
    cmocka_unit_test(a_due_lead_its_owner_does_not_take_moves_on),
    cmocka_unit_test(a_due_lead_of_an_agent_who_left_moves_on_until_it_was_given_out_too_often),
    cmocka_unit_test(after_the_last_attempt_a_retry_ends_the_lead_and_a_callback_does_not),
    cmocka_unit_test(a_pause_moves_what_was_to_last_and_not_what_was_agreed),
    cmocka_unit_test(an_outage_moves_what_was_to_last_and_not_what_was_agreed),
    cmocka_unit_test(a_callback_in_the_past_is_refused),
};
const size_t n_stories_of_pipeline = sizeof stories_of_pipeline / sizeof *stories_of_pipeline;
