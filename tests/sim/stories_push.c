/* SPDX-License-Identifier: Apache-2.0
 * stories_push.c - push: whom an offer may go to, in which order, and that no lead
 * waits while somebody could take it. */
#include "tests/sim/story.h"

static void fill(struct sim *sim, uint32_t n)
{
    while (n--)
        story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
}

/* proves 002-03, 003-09 */
static void push_offers_only_to_who_is_available(void **state)
{
    (void) state;
    static const enum intent others[] = {INTENT_AWAY, INTENT_OFFLINE, INTENT_ON_DEMAND};
    struct sim *sim = story_new(NULL);
    struct sim_agent *agents[3];
    const char *const names[] = {"away", "off", "demand"};
    for (int i = 0; i < 3; i++)
        agents[i] = story_agent(sim, names[i], "east", others[i]);
    const struct id lead = story_lead(sim, "to-push", 0);
    story_stays(sim, lead, LEAD_POOLED, 1000);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    assert_state(sim, lead, OFFERED);
    assert_owner(sim, lead, ana->name);
    for (int i = 0; i < 3; i++)
        assert_int_equal(agents[i]->n_offers, 0);
    sim_destroy(&sim);
}

/* proves 002-03, 2.4 Asterisk can_ring_entry: one offer a slot */
static void nobody_holds_more_than_the_limit_of_leads_at_once(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].untouched_max = 10;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *ben = story_agent_of(sim, "ben", "east", INTENT_AVAILABLE, 2);
    struct sim_agent *cleo = story_agent_of(sim, "cleo", "east", INTENT_AVAILABLE, 9);
    fill(sim, 30);
    assert_int_equal(story_offered_to(sim, ana), 3);
    assert_int_equal(story_offered_to(sim, ben), 2);  /* its own capacity lowers the limit */
    assert_int_equal(story_offered_to(sim, cleo), 3); /* and does not raise it */
    const struct id mine = ana->held[0].lead;
    story_work_up_to(sim, ana, mine, LEAD_WORKING);
    assert_int_equal(story_offered_to(sim, ana), 2); /* a lead in work fills its slot */
    assert_int_equal(story_dispose(sim, ana, mine, DISPOSITION_SALE, NULL), REASON_OK);
    assert_int_equal(story_offered_to(sim, ana), 3); /* freed capacity is used at once: 3-03 */
    sim_destroy(&sim);
}

/* proves 004-11 */
static void over_the_untouched_threshold_an_agent_is_skipped_until_below_it(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].wip_max = 8;
    policy->programmes[0].untouched_max = 2;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    fill(sim, 6);
    assert_int_equal(ana->n_held, 2);
    assert_string_equal(story_told_of(sim, ana, "why_none"), "UNTOUCHED_OVER");
    const struct id lead = ana->held[0].lead;
    assert_int_equal(story_act(sim, ana, lead, VERB_ACCEPT), REASON_OK);
    sim_run_ms(sim, 500);
    assert_int_equal(ana->n_held, 2); /* accepted is still untouched */
    assert_int_equal(story_act(sim, ana, lead, VERB_ACTION), REASON_OK);
    assert_int_equal(ana->n_held, 3); /* touched: below the threshold, the next one comes at once */
    sim_run_ms(sim, 500);
    assert_int_equal(ana->n_held, 3);
    sim_destroy(&sim);
}

/* proves 3-03: a login drains what waited, priority first, then the oldest */
static void a_login_drains_what_waited_in_its_order(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].unclaimed_ms = 60000;
    struct sim *sim = story_new(policy);
    const struct id low = story_lead(sim, "to-push", 1), old = story_lead(sim, "to-push", 5);
    const struct id young = story_lead(sim, "to-push", 5), high = story_lead(sim, "to-push", 9);
    sim_run_ms(sim, 4000);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    assert_owner(sim, high, ana->name);
    assert_owner(sim, old, ana->name);
    assert_owner(sim, young, ana->name);
    assert_state(sim, low, POOLED);
    sim_destroy(&sim);
}

static void a_programme_may_take_the_newest_first(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].order.last = ORDER_NEWEST_FIRST;
    struct sim *sim = story_new(policy);
    const struct id old = story_lead(sim, "to-push", 5), young = story_lead(sim, "to-push", 5);
    const struct id high = story_lead(sim, "to-push", 9);
    sim_run_ms(sim, 5);
    sim_crash(sim); /* and remembers it */
    sim_run_ms(sim, 5);
    story_agent_of(sim, "ana", "east", INTENT_AVAILABLE, 1);
    assert_owner(sim, high, "ana");
    story_agent_of(sim, "ben", "east", INTENT_AVAILABLE, 1);
    assert_owner(sim, young, "ben");
    assert_state(sim, old, POOLED);
    sim_destroy(&sim);
}

/* proves 2.4 SuiteCRM least-busy: a newcomer with none is not forgotten; 2.4 FreeSWITCH longest idle */
static void the_longest_idle_is_next_and_a_newcomer_has_its_turn(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent_of(sim, "ana", "east", INTENT_AVAILABLE, 1);
    sim_run_ms(sim, 100);
    struct sim_agent *ben = story_agent_of(sim, "ben", "east", INTENT_AVAILABLE, 1);
    const struct id first = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    assert_owner(sim, first, ana->name);
    story_work_up_to(sim, ana, first, LEAD_WORKING);
    assert_int_equal(story_dispose(sim, ana, first, DISPOSITION_SALE, NULL), REASON_OK);
    sim_run_ms(sim, 100);
    struct sim_agent *cleo = story_agent_of(sim, "cleo", "east", INTENT_AVAILABLE, 1);
    const char *const turns[] = {ben->name, ana->name, cleo->name};
    for (int i = 0; i < 3; i++) {
        const struct id lead = story_lead(sim, "to-push", 0);
        sim_run_ms(sim, 5);
        assert_owner(sim, lead, turns[i]);
    }
    sim_destroy(&sim);
}

/* proves 2.4 OpenACD: the idle clock cannot be gamed; features 5.2 */
static void the_idle_clock_is_moved_by_no_toggle_no_decline_and_no_reconnect(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent_of(sim, "ana", "east", INTENT_AVAILABLE, 1);
    const int64_t idle_since_us = story_core_agent(sim, ana)->idle_since_us;
    sim_run_ms(sim, 100);
    story_agent_of(sim, "ben", "east", INTENT_AVAILABLE, 1);
    sim_intent(sim, ana, INTENT_AWAY);
    sim_run_ms(sim, 50);
    sim_intent(sim, ana, INTENT_AVAILABLE);
    sim_run_ms(sim, 50);
    sim_hello(sim, ana);
    sim_run_ms(sim, 50);
    assert_int_equal(story_core_agent(sim, ana)->idle_since_us, idle_since_us);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    assert_owner(sim, lead, ana->name); /* still the longest idle */
    assert_int_equal(story_act(sim, ana, lead, VERB_DECLINE), REASON_OK);
    assert_int_equal(story_core_agent(sim, ana)->idle_since_us, idle_since_us);
    sim_crash(sim);
    sim_run_ms(sim, 600);
    assert_int_equal(story_core_agent(sim, ana)->idle_since_us, idle_since_us);
    sim_destroy(&sim);
}

/* proves 002-02, 003-12: the decision is made in the beat of the intake */
static void a_lead_is_offered_in_the_beat_in_which_it_came(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 100);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 1);
    assert_owner(sim, lead, ana->name);
    const struct lead *it = story_of(sim, lead);
    assert_int_equal(it->past->decision.at_us, it->received_us);
    assert_int_equal(it->past->decision.by, REASON_PLAIN_ORDER);
    assert_int_equal(it->past->decision.candidates, 1);
    sim_destroy(&sim);
}

/* proves 003-12: no job that looks again and again; between two events there is nothing to do */
static void an_idle_cell_with_waiting_leads_wants_no_beat_before_its_next_deadline(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 1);
    const struct lead *it = story_of(sim, lead);
    assert_state(sim, lead, POOLED);
    assert_int_equal(core_next_us(sim_core(sim)), it->received_us + sim_policy()->programmes[0].unclaimed_ms * 1000);
    sim_destroy(&sim);
}

/* proves 003-20, 000-20, 003-30: the first hand counts, and it counts from the receipt */
static void the_time_to_the_first_hand_is_counted_once_a_lead(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 500);
    assert_int_equal(sim_core(sim)->hand_free.n, 0); /* an offer is not yet a hand */
    story_work_up_to(sim, ana, lead, LEAD_OWNED);
    assert_int_equal(sim_core(sim)->hand_free.n, 1);
    assert_about((int64_t) sim_core(sim)->hand_free.max_us / 1000, 502);
    assert_int_equal(story_act(sim, ana, lead, VERB_RELEASE), REASON_OK);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    story_work_up_to(sim, ben, lead, LEAD_OWNED);
    assert_int_equal(sim_core(sim)->hand_free.n + sim_core(sim)->hand_busy.n, 1);
    sim_destroy(&sim);
}

/* proves 003-03: every final class ends the lead in its state, from wherever it is in hand */
static void every_final_disposition_ends_the_lead_from_each_state_in_hand(void **state)
{
    (void) state;
    static const struct {
        enum disposition code;
        enum lead_state end;
    } finals[] = {{DISPOSITION_SALE, LEAD_CLOSED_WON},
                  {DISPOSITION_CANNOT_QUALIFY, LEAD_CLOSED_LOST},
                  {DISPOSITION_WRONG_NUMBER, LEAD_CLOSED_INVALID},
                  {DISPOSITION_DO_NOT_CALL, LEAD_SUPPRESSED}};
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    for (size_t i = 0; i < sizeof finals / sizeof *finals; i++)
        for (enum lead_state from = LEAD_OWNED; from <= LEAD_WRAP_UP; from++) {
            const struct id lead = story_lead(sim, "to-push", 0);
            sim_run_ms(sim, 2);
            story_work_up_to(sim, ana, lead, from);
            assert_int_equal(story_dispose(sim, ana, lead, finals[i].code, NULL), REASON_OK);
            assert_int_equal(sim_state(sim, lead), finals[i].end);
            assert_null(sim_held(ana, lead));
            assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_SALE, NULL), REASON_STALE_FENCE);
        }
    assert_int_equal(story_core_agent(sim, ana)->closed, 12);
    assert_int_equal(story_core_agent(sim, ana)->won, 3);
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_push[] = {
    cmocka_unit_test(push_offers_only_to_who_is_available),
    cmocka_unit_test(nobody_holds_more_than_the_limit_of_leads_at_once),
    cmocka_unit_test(over_the_untouched_threshold_an_agent_is_skipped_until_below_it),
    cmocka_unit_test(a_login_drains_what_waited_in_its_order),
    cmocka_unit_test(a_programme_may_take_the_newest_first),
    cmocka_unit_test(the_longest_idle_is_next_and_a_newcomer_has_its_turn),
    cmocka_unit_test(the_idle_clock_is_moved_by_no_toggle_no_decline_and_no_reconnect),
    cmocka_unit_test(a_lead_is_offered_in_the_beat_in_which_it_came),
    cmocka_unit_test(an_idle_cell_with_waiting_leads_wants_no_beat_before_its_next_deadline),
    cmocka_unit_test(the_time_to_the_first_hand_is_counted_once_a_lead),
    cmocka_unit_test(every_final_disposition_ends_the_lead_from_each_state_in_hand),
};
const size_t n_stories_of_push = sizeof stories_of_push / sizeof *stories_of_push;
