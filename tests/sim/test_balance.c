/* SPDX-License-Identifier: Apache-2.0
 * test_balance.c - who gets the easy leads over a shift, with balance and without:
 * a crew in which one gives back whatever is hard, and one in which all are honest.
 * A third of the leads is easy. After each beat the simulator looks whether anybody
 * waits for a lead that waits for somebody: balance keeps nothing waiting. */
#include "tests/sim/pacing_world.h"
#include "tests/sim/sim_private.h"

#include <stdio.h>
#include <stdlib.h>

enum { CREW = 4, SHIFT_MS = 2 * HOUR, STEP_MS = SECOND, CALL_MS = MINUTE, BACKLOG = 24, BASE = 100, EASY = 300 };

struct desk {
    struct sim_agent *agent;
    struct id lead;
    int64_t end_ms;
    uint32_t asked, dealt, worked, easy, quality; /* quality: sum over `dealt`, in permille */
    bool busy;
};

struct shift {
    struct sim *sim;
    struct desk desks[CREW];
    bool pull, picky; /* picky: the first one is */
};

static bool is_easy(struct id lead)
{
    return (lead.lo * UINT64_C(0x9E3779B97F4A7C15) >> 40) % 3 == 0;
}

static struct id add_lead(struct sim *sim, const char *source, bool easy)
{
    const struct attribute quality = {.name = slice_of("quality", 7), .text = slice_of(easy ? "A" : "C", 1)};
    uint32_t key = 1000000 + 16 * (uint32_t) sim_core(sim)->leads.n;
    while (is_easy(sim_lead_id(key)) != easy)
        key++;
    sim_chunk(sim, key, source, 0, 0,
              &(struct sim_row){.key = key, .payload = "row", .attributes = &quality, .n_attributes = 1}, 1);
    return sim_lead_id(key);
}

static struct policy *policy_of(uint32_t balance)
{
    struct policy *policy = slow_policy();
    for (int i = 0; i < 3; i++) {
        struct programme *programme = &policy->programmes[i];
        programme->balance_permille = balance;
        programme->wip_max = programme->untouched_max = 1;
        programme->distributions_max = 40;
        programme->penalty_ms = 10 * SECOND;
        programme->penalty_max_ms = 60 * SECOND;
        programme->scoring =
            (struct scoring){.base_permille = BASE,
                             .value_cents = 10000,
                             .n_weights = 1,
                             .weights = {{.key = feature_key("quality", 7),
                                          .kind = WEIGHT_IS,
                                          .is = feature_of(&(struct attribute){.text = slice_of("A", 1)}),
                                          .add_permille = EASY}}};
    }
    return policy;
}

/* One second at a desk: the end of a call; a new lead, called or given back; asking for the next. */
static void sit(struct shift *shift, struct desk *desk, bool picky)
{
    struct sim *sim = shift->sim;
    struct sim_agent *agent = desk->agent;
    if (desk->busy && desk->end_ms <= sim_now_ms(sim)) {
        assert_int_equal(story_dispose(sim, agent, desk->lead, DISPOSITION_NOT_INTERESTED, "no"), REASON_OK);
        desk->busy = false;
    }
    if (!desk->busy && agent->n_held > 0) {
        desk->lead = agent->held[0].lead;
        const bool easy = is_easy(desk->lead);
        desk->dealt++;
        desk->quality += easy ? BASE + EASY : BASE;
        if (sim_state(sim, desk->lead) == LEAD_OFFERED)
            story_act(sim, agent, desk->lead, VERB_ACCEPT);
        if (picky && !easy) {
            assert_int_equal(story_act(sim, agent, desk->lead, VERB_RELEASE), REASON_OK);
            return;
        }
        assert_int_equal(story_act(sim, agent, desk->lead, VERB_ACTION), REASON_OK);
        desk->worked++;
        desk->easy += easy;
        desk->busy = true;
        desk->end_ms = sim_now_ms(sim) + CALL_MS;
    }
    if (shift->pull && !desk->busy && agent->n_held == 0 && agent->n_readies >= desk->asked) {
        desk->asked = agent->n_readies + 1;
        sim_ready(sim, agent, 600 * SECOND);
    }
}

static struct shift shift_of(bool pull, bool picky, uint32_t balance, bool troubled)
{
    static const char *const names[CREW] = {"ana", "ben", "cho", "dee"};
    struct shift shift = {.sim = slow_story(policy_of(balance)), .pull = pull, .picky = picky};
    static struct scoring scoring;
    uint32_t draw = 1;
    scoring = sim_core(shift.sim)->policy.programmes[pull].scoring;
    sim_audit_every(shift.sim, 100);
    if (troubled) { /* one worker, and now and then a new broker */
        sim_workers(shift.sim, 1);
        sim_judge(shift.sim, story_decide, &scoring, 500, true);
    }
    for (uint32_t i = 0; i < CREW; i++)
        shift.desks[i].agent =
            story_agent(shift.sim, names[i], pull ? "hunters" : "east", pull ? INTENT_ON_DEMAND : INTENT_AVAILABLE);
    const int64_t begun_ms = sim_now_ms(shift.sim);
    for (uint32_t step = 0; sim_now_ms(shift.sim) < begun_ms + SHIFT_MS; step++) {
        while (sim_core(shift.sim)->programmes[pull].count[LEAD_POOLED] < BACKLOG) {
            draw = draw * 1664525 + 1013904223;
            add_lead(shift.sim, pull ? "to-pull" : "to-push", (draw >> 16) % 3 == 0);
            sim_run_ms(shift.sim, 1);
        }
        for (uint32_t i = 0; i < CREW; i++)
            sit(&shift, &shift.desks[i], picky && i == 0);
        sim_run_ms(shift.sim, STEP_MS);
        if (troubled && step % 1000 == 999)
            crash(shift.sim);
    }
    return shift;
}

static uint32_t dealt_permille(const struct desk *desk)
{
    return desk->quality / desk->dealt;
}

/* Of the crew but the first. */
static uint32_t easy_of_others(const struct shift *shift)
{
    return (shift->desks[1].easy + shift->desks[2].easy + shift->desks[3].easy + 1) / 3;
}

static void tell(const char *what, const struct shift *shift)
{
    printf("%s:", what);
    for (uint32_t i = 0; i < CREW; i++)
        printf(" %s dealt %u of %u permille, worked %u, easy %u;", shift->desks[i].agent->name, shift->desks[i].dealt,
               dealt_permille(&shift->desks[i]), shift->desks[i].worked, shift->desks[i].easy);
    printf("\n");
}

/* proves 003-25, 4-07 */
static void who_gives_back_all_that_is_hard_gets_no_more_of_what_is_easy(void **state)
{
    (void) state;
    for (int pull = 0; pull < 2; pull++) {
        struct shift as_it_comes = shift_of(pull, true, 0, false), balanced = shift_of(pull, true, 30, false);
        tell(pull ? "pull, as it comes" : "push, as it comes", &as_it_comes);
        tell(pull ? "pull, balanced" : "push, balanced", &balanced);
        assert_true(as_it_comes.desks[0].easy * 2 > easy_of_others(&as_it_comes) * 3);
        assert_true(balanced.desks[0].easy <= easy_of_others(&balanced));
        assert_true(easy_of_others(&balanced) > easy_of_others(&as_it_comes));
        for (uint32_t i = 1; i < CREW; i++)
            assert_true(dealt_permille(&balanced.desks[0]) < dealt_permille(&balanced.desks[i]));
        sim_destroy(&as_it_comes.sim);
        sim_destroy(&balanced.sim);
    }
}

static uint32_t spread(const struct shift *shift)
{
    uint32_t least = UINT32_MAX, most = 0;
    for (uint32_t i = 0; i < CREW; i++) {
        const uint32_t permille = dealt_permille(&shift->desks[i]);
        least = permille < least ? permille : least;
        most = permille > most ? permille : most;
    }
    return most - least;
}

/* proves 003-25 */
static void over_a_shift_all_of_a_team_are_dealt_leads_of_like_quality(void **state)
{
    (void) state;
    for (int pull = 0; pull < 2; pull++) {
        struct shift as_it_comes = shift_of(pull, false, 0, true), balanced = shift_of(pull, false, 10, true);
        tell(pull ? "pull, as it comes" : "push, as it comes", &as_it_comes);
        tell(pull ? "pull, balanced" : "push, balanced", &balanced);
        assert_true(spread(&balanced) * 4 < spread(&as_it_comes));
        sim_destroy(&as_it_comes.sim);
        sim_destroy(&balanced.sim);
    }
}

/* ---- one lead, two agents ---------------------------------------------------------------- */

static void work_on(struct sim *sim, struct sim_agent *agent, bool easy, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct id lead = add_lead(sim, "to-push", easy);
        sim_run_ms(sim, 2);
        story_work_up_to(sim, agent, lead, LEAD_WORKING);
        assert_int_equal(story_dispose(sim, agent, lead, DISPOSITION_NOT_INTERESTED, "no"), REASON_OK);
    }
}

/* ana had easy leads while she was alone, ben hard ones; now both are free, ana for longer. */
static struct sim *ana_is_ahead(uint32_t balance, struct sim_agent **ret_ana, struct sim_agent **ret_ben)
{
    struct sim *sim = slow_story(policy_of(balance));
    struct sim_agent *ana = *ret_ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    work_on(sim, ana, true, 8);
    sim_intent(sim, ana, INTENT_AWAY);
    struct sim_agent *ben = *ret_ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    work_on(sim, ben, false, 16);
    sim_intent(sim, ana, INTENT_AVAILABLE);
    sim_run_ms(sim, 5);
    return sim;
}

static void an_easy_lead_goes_to_who_had_hard_ones_and_a_hard_one_to_who_had_it_easy(void **state)
{
    (void) state;
    for (int balanced = 0; balanced < 2; balanced++) {
        struct sim_agent *ana, *ben;
        struct sim *sim = ana_is_ahead(balanced ? 30 : 0, &ana, &ben);
        if (balanced) {
            assert_string_equal(story_told_of(sim, ana, "quality"), "400");
            assert_in_range(atoi(story_told_of(sim, ben, "quality")), 150, 300);
        }
        const struct id easy = add_lead(sim, "to-push", true);
        sim_run_ms(sim, 2);
        assert_string_equal(sim_owner(sim, easy), balanced ? "ben" : "ana");
        const struct id hard = add_lead(sim, "to-push", false);
        sim_run_ms(sim, 2);
        assert_string_equal(sim_owner(sim, hard), balanced ? "ana" : "ben");
        sim_destroy(&sim);
    }
}

static void nothing_waits_for_balance(void **state)
{
    (void) state;
    struct sim_agent *ana, *ben;
    struct sim *sim = ana_is_ahead(30, &ana, &ben);
    const struct id first = add_lead(sim, "to-push", true), second = add_lead(sim, "to-push", true);
    sim_run_ms(sim, 2);
    assert_owner(sim, first, "ben"); /* and the other one is ana's at once: there is nobody else */
    assert_owner(sim, second, "ana");
    sim_destroy(&sim);
}

static void it_is_an_order_that_a_new_policy_changes_at_once_and_a_restart_does_not(void **state)
{
    (void) state;
    struct sim_agent *ana, *ben;
    struct sim *sim = ana_is_ahead(30, &ana, &ben);
    sim_crash(sim);
    sim_run_ms(sim, 130 * SECOND);
    assert_string_equal(story_told_of(sim, ana, "quality"), "400");
    const struct id first = add_lead(sim, "to-push", true);
    sim_run_ms(sim, 2);
    assert_owner(sim, first, "ben");
    story_work_up_to(sim, ben, first, LEAD_WORKING);
    story_dispose(sim, ben, first, DISPOSITION_NOT_INTERESTED, "no");
    sim_apply(sim, policy_of(1000));
    sim_run_ms(sim, 5);
    assert_int_equal(sim_applied(sim, NULL), REASON_OK);
    const struct id second = add_lead(sim, "to-push", true);
    sim_run_ms(sim, 2);
    assert_owner(sim, second, "ana");
    sim_destroy(&sim);
}

/* ---- a crowd in trouble ------------------------------------------------------------------------ */

static struct policy *policy_of_all_modes(bool by_score)
{
    const struct scoring scoring = policy_of(1)->programmes[0].scoring;
    struct policy *policy = sim_policy();
    for (int i = 0; i < 3; i++) {
        policy->programmes[i].balance_permille = 1;
        policy->programmes[i].scoring = scoring;
        policy->programmes[i].strategy = by_score ? STRATEGY_BEST_SCORE : STRATEGY_LONGEST_IDLE;
    }
    return policy;
}

/* Returns in how many windows somebody stood aside, of those that were looked at. */
static uint32_t crowd(uint64_t seed)
{
    static const char *const sources[] = {"to-push", "to-pull", "to-pushpull"};
    struct sim *sim = sim_new(seed, policy_of_all_modes(seed % 2));
    struct scoring scoring = sim_core(sim)->policy.programmes[0].scoring;
    uint32_t stood_aside = 0;
    sim_audit_every(sim, 16);
    sim_workers(sim, (uint32_t) (seed % 3));
    sim_judge(sim, story_decide, &scoring, 2000, true);
    crowd_in_trouble(sim);
    for (uint32_t i = 0; i < 60; i++) {
        for (uint32_t n = sim_rand(sim, 6); n > 0 && sim->source_session; n--)
            add_lead(sim, sources[sim_rand(sim, 3)], sim_rand(sim, 3) == 0);
        for (uint32_t ms = 0; ms < 200; ms++) {
            sim_run_ms(sim, 1);
            for (uint32_t k = 0; k < ASKS_MAX; k++)
                stood_aside += sim_core(sim)->asks[k] && sim_core(sim)->asks[k]->id && sim_core(sim)->asks[k]->balanced;
        }
    }
    assert_int_equal(sim_lost(sim), 0);
    sim_destroy(&sim);
    return stood_aside;
}

/* All modes at once, messages lost, people who give back at random, brokers that crash: the simulator looks. */
static void no_trouble_makes_balance_lose_or_hold_up_a_lead(void **state)
{
    (void) state;
    uint32_t stood_aside = 0;
    for (uint64_t seed = 1; seed <= 12; seed++)
        stood_aside += crowd(seed);
    printf("%u times a window was out in which somebody stood aside\n", stood_aside);
    assert_true(stood_aside > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_gives_back_all_that_is_hard_gets_no_more_of_what_is_easy),
        cmocka_unit_test(an_easy_lead_goes_to_who_had_hard_ones_and_a_hard_one_to_who_had_it_easy),
        cmocka_unit_test(nothing_waits_for_balance),
        cmocka_unit_test(it_is_an_order_that_a_new_policy_changes_at_once_and_a_restart_does_not),
        cmocka_unit_test(no_trouble_makes_balance_lose_or_hold_up_a_lead),
        cmocka_unit_test(over_a_shift_all_of_a_team_are_dealt_leads_of_like_quality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
