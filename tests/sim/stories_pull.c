/* SPDX-License-Identifier: Apache-2.0
 * stories_pull.c - pull: a lead is earned, one at a time, and asked for. */
#include "tests/sim/story.h"

/* proves 000-01, 001-03, 002-04 */
static void without_a_ready_nothing_is_handed_over(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_AVAILABLE);
    struct sim_agent *ben = story_agent(sim, "ben", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pull", 0);
    story_stays(sim, lead, LEAD_POOLED, 5000);
    assert_int_equal(ana->n_offers + ben->n_offers, 0);
    assert_int_equal(story_ready(sim, ben, 0), REASON_OK);
    assert_true(id_equal(ben->ready.lead, lead));
    assert_state(sim, lead, OWNED); /* accepted by asking */
    assert_owner(sim, lead, "ben");
    sim_destroy(&sim);
}

/* proves 000-02, 001-05, 001-06, 001-13: annotated and dispositioned before the next */
static void the_next_lead_is_refused_with_what_is_owed_until_it_is_paid(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pull", 0), next = story_lead(sim, "to-pull", 0);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OWES_FIRST_ACTION);
    assert_true(id_equal(ana->ready.lead, lead));
    assert_int_equal(story_act(sim, ana, lead, VERB_ACTION), REASON_OK);
    assert_int_equal(story_ready(sim, ana, 2000), REASON_OWES_DISPOSITION);
    assert_true(id_equal(ana->ready.lead, lead));
    assert_int_equal(story_act(sim, ana, lead, VERB_ATTEMPT_END), REASON_OK);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OWES_NOTE);
    assert_true(id_equal(ana->ready.lead, lead));
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_SALE, NULL), REASON_NOTE_REQUIRED);
    assert_int_equal(story_act(sim, ana, lead, VERB_NOTE), REASON_OK);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OWES_DISPOSITION);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_SALE, NULL), REASON_OK);
    assert_state(sim, next, POOLED); /* paid, but not asked for */
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_true(id_equal(ana->ready.lead, next));
    sim_destroy(&sim);
}

static void a_note_pays_for_one_disposition_only(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-pull", 0);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    story_work_up_to(sim, ana, lead, LEAD_WRAP_UP);
    sim_act(sim, ana, lead, VERB_NOTE, 0, NULL);
    sim_run_ms(sim, 2);
    assert_int_equal(ana->result.reason, REASON_NOTE_REQUIRED); /* an empty one pays nothing */
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_NO_ANSWER, "rang out"), REASON_OK);
    sim_run_ms(sim, 1100); /* it is due again */
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    story_work_up_to(sim, ana, lead, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_SALE, NULL), REASON_NOTE_REQUIRED);
    sim_destroy(&sim);
}

/* proves 002-05: caps and filters hold for pull as for push */
static void one_lead_at_a_time_also_for_who_would_take_more(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[1].wip_max = 3;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent_of(sim, "ana", "hunters", INTENT_ON_DEMAND, 9);
    story_lead(sim, "to-pull", 0);
    story_lead(sim, "to-pull", 0);
    assert_int_equal(story_ready(sim, ana, 5000), REASON_OK);
    sim_run_ms(sim, 100);
    assert_int_equal(ana->n_held, 1);
    assert_int_equal(story_ready(sim, ana, 5000), REASON_OWES_FIRST_ACTION);
    assert_int_equal(ana->n_held, 1);
    sim_destroy(&sim);
}

static void without_a_lead_the_answer_is_no_at_once_or_a_credit_that_waits(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    assert_int_equal(story_ready(sim, ana, 0), REASON_NO_LEAD);
    const struct id first = story_lead(sim, "to-pull", 0);
    story_stays(sim, first, LEAD_POOLED, 100); /* the credit went with the no */
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    story_work_up_to(sim, ana, first, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, first, DISPOSITION_SALE, "sold"), REASON_OK);

    assert_int_equal(story_ready(sim, ana, 2000), REASON_OK);
    assert_true(id_is_none(ana->ready.lead));
    sim_run_ms(sim, 1500);
    const struct id second = story_lead(sim, "to-pull", 0);
    sim_run_ms(sim, 1);
    assert_owner(sim, second, "ana");
    assert_true(id_equal(ana->ready.lead, second));
    story_work_up_to(sim, ana, second, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, second, DISPOSITION_SALE, "sold"), REASON_OK);

    assert_int_equal(story_ready(sim, ana, 2000), REASON_OK);
    sim_run_ms(sim, 1995);
    assert_int_equal(ana->ready.reason, REASON_OK);
    sim_run_ms(sim, 5);
    assert_int_equal(ana->ready.reason, REASON_READY_LAPSED);
    story_stays(sim, story_lead(sim, "to-pull", 0), LEAD_POOLED, 100);
    sim_destroy(&sim);
}

/* proves features 5.4 t_ready: a credit must not outlive attention */
static void a_credit_lives_no_longer_than_the_programme_allows(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    assert_int_equal(story_ready(sim, ana, 3600000), REASON_OK);
    sim_run_ms(sim, 9990);
    assert_int_equal(ana->n_readies, 1);
    sim_run_ms(sim, 20);
    assert_int_equal(ana->ready.reason, REASON_READY_LAPSED);
    assert_int_equal(story_ready(sim, ana, 3600000), REASON_OK);
    sim_intent(sim, ana, INTENT_AWAY); /* and it does not outlive going away */
    sim_run_ms(sim, 2);
    assert_int_equal(ana->ready.reason, REASON_AWAY);
    sim_destroy(&sim);
}

static void the_same_ready_again_gets_the_same_answer_and_no_second_lead(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    assert_int_equal(story_ready(sim, ana, 0), REASON_NO_LEAD);
    const struct id lead = story_lead(sim, "to-pull", 0), other = story_lead(sim, "to-pull", 0);
    sim_ready_again(sim, ana, 0);
    sim_run_ms(sim, 2);
    assert_int_equal(ana->n_readies, 2);
    assert_int_equal(ana->ready.reason, REASON_NO_LEAD);
    assert_state(sim, lead, POOLED);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    for (int i = 0; i < 2; i++) {
        sim_ready_again(sim, ana, 0);
        sim_run_ms(sim, 2);
        assert_int_equal(ana->ready.reason, REASON_OK);
        assert_true(id_equal(ana->ready.lead, lead));
        if (i == 0) { /* nor does a crash make it another request */
            sim_crash(sim);
            sim_run_ms(sim, 600);
        }
    }
    assert_state(sim, other, POOLED);
    sim_destroy(&sim);
}

/* Asked, and the broker dies before it answers. `waits`: is there a lead when it is back? */
static void ask_and_crash(bool waits, enum reason answer)
{
    struct sim *sim = story_new(NULL);
    sim_faults(sim, (struct sim_faults){.worker_mute = 1000});
    sim_workers(sim, 1);
    sim_run_ms(sim, 700);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    struct sim_agent *ben = story_agent(sim, "ben", "hunters", INTENT_ON_DEMAND);
    story_lead(sim, "to-pull", 0);
    sim_ready(sim, ana, 0);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_asked(sim), 1); /* under decision */
    assert_int_equal(ana->n_readies, 0);
    sim_crash(sim);
    sim_workers(sim, 0);
    ana->next_us += 2000000; /* the other is back first */
    sim_run_ms(sim, 600);
    if (!waits)
        assert_int_equal(story_ready(sim, ben, 0), REASON_OK);
    sim_run_ms(sim, 2000);
    sim_ready_again(sim, ana, 0);
    sim_run_ms(sim, 2);
    assert_int_equal(ana->ready.reason, answer);
    assert_int_equal(ana->n_held, waits ? 1 : 0);
    story_lead(sim, "to-pull", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(ana->n_held, waits ? 1 : 0); /* no credit was left over */
    sim_destroy(&sim);
}

static void a_ready_that_was_not_answered_before_a_crash_is_answered_after_it(void **state)
{
    (void) state;
    ask_and_crash(true, REASON_OK);
    ask_and_crash(false, REASON_NO_LEAD);
}

static void a_credit_ends_with_the_lease_and_says_so_when_asked_again(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "hunters", INTENT_ON_DEMAND);
    assert_int_equal(story_ready(sim, ana, 9000), REASON_OK);
    sim_silence(sim, ana, true);
    sim_run_ms(sim, 3000);
    const struct id lead = story_lead(sim, "to-pull", 0);
    sim_silence(sim, ana, false);
    story_stays(sim, lead, LEAD_POOLED, 100);
    sim_ready_again(sim, ana, 9000);
    sim_run_ms(sim, 2);
    assert_int_equal(ana->ready.reason, REASON_READY_LAPSED);
    assert_state(sim, lead, POOLED);
    sim_destroy(&sim);
}

static void a_ready_of_an_available_agent_in_a_push_programme_is_a_lead_accepted_by_asking(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent_of(sim, "ana", "east", INTENT_AVAILABLE, 1);
    assert_int_equal(story_ready(sim, ana, 2000), REASON_OK);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 1);
    assert_state(sim, lead, OWNED);
    assert_int_equal(story_ready(sim, ana, 0), REASON_WIP_FULL);
    sim_destroy(&sim);
}

static void an_agent_on_demand_in_a_push_programme_gets_one_lead_for_each_ready(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-push", 0), next = story_lead(sim, "to-push", 0);
    story_stays(sim, lead, LEAD_POOLED, 1000);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_state(sim, lead, OWNED);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OWES_FIRST_ACTION);
    assert_state(sim, next, POOLED);
    sim_destroy(&sim);
}

/* proves 000-18: 1,000 agents pull at the same instant from 500 leads */
static void a_thousand_who_pull_at_once_get_five_hundred_leads_and_five_hundred_refusals(void **state)
{
    (void) state;
    enum { AGENTS = 1000, LEADS = 500 };
    struct policy *policy = sim_policy();
    policy->heartbeat_ms = 5000;
    policy->lease_ms = 20000;
    struct sim *sim = story_new(policy);
    sim_audit_every(sim, 16);
    static struct sim_agent *agents[AGENTS];
    for (uint32_t i = 0; i < AGENTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "agent-%04u", i);
        agents[i] = sim_agent(sim, name, "hunters", INTENT_ON_DEMAND);
        agents[i]->by_hand = true;
    }
    sim_submit(sim, "to-pull", 250);
    sim_submit(sim, "to-pull", 250);
    sim_run_ms(sim, 2);
    for (uint32_t i = 0; i < AGENTS; i++)
        sim_ready(sim, agents[i], 0);
    sim_run_ms(sim, 5);
    uint32_t owners = 0, refusals = 0;
    for (uint32_t i = 0; i < AGENTS; i++) {
        assert_int_equal(agents[i]->n_readies, 1);
        assert_int_equal(agents[i]->n_held, agents[i]->ready.reason == REASON_OK ? 1 : 0);
        owners += agents[i]->ready.reason == REASON_OK;
        refusals += agents[i]->ready.reason == REASON_NO_LEAD;
    }
    assert_int_equal(owners, LEADS);
    assert_int_equal(refusals, AGENTS - LEADS);
    for (uint32_t i = 0; i < LEADS; i++)
        assert_state(sim, sim_lead_id(i), OWNED); /* one owner each: looked at after every beat */
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_pull[] = {
    cmocka_unit_test(without_a_ready_nothing_is_handed_over),
    cmocka_unit_test(the_next_lead_is_refused_with_what_is_owed_until_it_is_paid),
    cmocka_unit_test(a_note_pays_for_one_disposition_only),
    cmocka_unit_test(one_lead_at_a_time_also_for_who_would_take_more),
    cmocka_unit_test(without_a_lead_the_answer_is_no_at_once_or_a_credit_that_waits),
    cmocka_unit_test(a_credit_lives_no_longer_than_the_programme_allows),
    cmocka_unit_test(the_same_ready_again_gets_the_same_answer_and_no_second_lead),
    cmocka_unit_test(a_ready_that_was_not_answered_before_a_crash_is_answered_after_it),
    cmocka_unit_test(a_credit_ends_with_the_lease_and_says_so_when_asked_again),
    cmocka_unit_test(a_ready_of_an_available_agent_in_a_push_programme_is_a_lead_accepted_by_asking),
    cmocka_unit_test(an_agent_on_demand_in_a_push_programme_gets_one_lead_for_each_ready),
    cmocka_unit_test(a_thousand_who_pull_at_once_get_five_hundred_leads_and_five_hundred_refusals),
};
const size_t n_stories_of_pull = sizeof stories_of_pull / sizeof *stories_of_pull;
