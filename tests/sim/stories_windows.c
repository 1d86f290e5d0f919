/* SPDX-License-Identifier: Apache-2.0
 * stories_windows.c - many leads, many agents, several windows at once: every
 * eligible pair is matched within a window of whatever unlocked it (3-03), turns
 * are kept, and slots lent to one window and not used there serve the others. The
 * checker looks after each beat that nobody waits in vain; these stories drive it. */
#include "tests/sim/story.h"

/* A complete worker: the plain order, by what the request says. Honours slots, exclusions, reservations. */
static void plain(void *context, const struct msg_request *request, struct verdict *verdicts,
                  struct msg_decision *decision)
{
    (void) context;
    (void) decision;
    uint32_t taken[ASK_AGENTS_MAX] = {0};
    for (uint32_t i = 0; i < request->n_leads; i++)
        for (uint32_t a = 0; a < request->n_agents && !verdicts[i].agent; a++) {
            const uint32_t only = request->leads[i].only_agent;
            bool may = taken[a] < request->agents[a].slots && (!only || only == a + 1);
            for (uint32_t e = 0; e < request->n_excluded; e++)
                may = may && !(request->excluded[e].lead == i && request->excluded[e].agent == a);
            if (may) {
                verdicts[i].agent = a + 1;
                taken[a]++;
            }
        }
}

/* Round robin as a worker does it: the next turn after the last one served, around. */
static void round_robin(void *context, const struct msg_request *request, struct verdict *verdicts,
                        struct msg_decision *decision)
{
    (void) context;
    uint64_t last = request->rotation;
    for (uint32_t i = 0; i < request->n_leads; i++) {
        uint32_t next = NONE, lowest = NONE;
        for (uint32_t a = 0; a < request->n_agents; a++) {
            if (lowest == NONE || request->agents[a].turn < request->agents[lowest].turn)
                lowest = a;
            if (request->agents[a].turn > last &&
                (next == NONE || request->agents[a].turn < request->agents[next].turn))
                next = a;
        }
        const uint32_t chosen = next == NONE ? lowest : next;
        verdicts[i].agent = chosen + 1;
        last = request->agents[chosen].turn;
    }
    decision->rotation = last;
}

/* proves 004-09, 3-06, 2.4 SuiteCRM/LibreDesk/Frappe: the turn is in the log */
static void the_turn_of_round_robin_survives_crashes_and_leavers(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].strategy = STRATEGY_ROUND_ROBIN;
    policy->programmes[0].wip_max = policy->programmes[0].untouched_max = 50;
    policy->programmes[0].offer_ms = 600000;
    struct sim *sim = story_new(policy);
    sim_judge(sim, round_robin, NULL, 100, false);
    sim_workers(sim, 1);
    const char *const names[] = {"ana", "ben", "cleo", "dora"};
    struct sim_agent *agents[4];
    for (int i = 0; i < 4; i++)
        agents[i] = story_agent(sim, names[i], "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 700);
    const char *const turns[] = {"ana", "ben", "cleo", "dora", "ana", "dora", "ana", "ben"};
    struct id of_cleo = {0};
    for (int i = 0; i < 8; i++) {
        if (i == 3)
            of_cleo = agents[2]->held[0].lead;
        if (i == 5) {
            sim_bye(sim, agents[2]); /* a leaver does not start the round anew */
            sim_run_ms(sim, 5);
            assert_owner(sim, of_cleo, "ben");
        }
        const struct id lead = story_lead(sim, "to-push", 0);
        sim_run_ms(sim, 5);
        assert_owner(sim, lead, turns[i]);
        assert_int_equal(story_of(sim, lead)->past->decision.by, REASON_SCORED);
        if (i % 2 == 0) {
            sim_crash(sim);
            sim_run_ms(sim, 1200);
        }
    }
    sim_destroy(&sim);
}

/* A worker that uses nothing of what is lent to it for the first pool asked, and is complete for the others. */
struct picky {
    uint32_t programme;
};
static void picky(void *context, const struct msg_request *request, struct verdict *verdicts,
                  struct msg_decision *decision)
{
    const struct picky *of = context;
    if (request->programme != of->programme)
        plain(NULL, request, verdicts, decision);
}

/* proves 3-03, 3-12: a queue that does not use its agents holds up no other queue */
static void slots_lent_to_a_window_that_does_not_use_them_serve_the_pools_that_found_none(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    for (int i = 0; i < 3; i++) {
        policy->programmes[i].widen = WIDEN_CELL;
        policy->programmes[i].unclaimed_ms = 2000;
    }
    policy->programmes[0].untouched_max = policy->programmes[0].wip_max = 1;
    policy->scorer_deadline_ms = 200;
    struct sim *sim = story_new(policy);
    struct picky first = {.programme = 1};
    sim_judge(sim, picky, &first, 20000, false);
    sim_workers(sim, 1);
    const struct id unloved = story_lead(sim, "to-pull", 0), other = story_lead(sim, "to-pushpull", 0);
    sim_run_ms(sim, 2500);
    assert_int_equal(story_of(sim, unloved)->ring, RING_WIDE);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE); /* one slot for two wide pools */
    sim_run_ms(sim, 100);
    assert_state(sim, unloved, POOLED);
    assert_owner(sim, other, ana->name);
    assert_in_range(sim_asked(sim), 2, 3);
    sim_destroy(&sim);
}

/* The same, when the other pool did find a card, of one who may not have its lead. */
static void a_lead_passed_over_while_an_agent_was_lent_is_tried_again_when_it_is_back(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    for (int i = 0; i < 3; i++)
        policy->programmes[i].widen = WIDEN_CELL;
    policy->programmes[2].unclaimed_ms = policy->programmes[2].decline_exclusion_ms = 600000;
    policy->programmes[0].unclaimed_ms = policy->programmes[1].unclaimed_ms = 1000;
    policy->programmes[0].untouched_max = policy->programmes[0].wip_max = 1;
    policy->programmes[2].penalty_ms = policy->programmes[2].penalty_max_ms = 1;
    policy->scorer_deadline_ms = 200;
    struct sim *sim = story_new(policy);
    struct picky first = {.programme = 1};
    struct sim_agent *ana = story_agent_of(sim, "ana", "north", INTENT_AVAILABLE, 1);
    const struct id lead = story_lead(sim, "to-pushpull", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(story_act(sim, ana, lead, VERB_DECLINE), REASON_OK);
    sim_intent(sim, ana, INTENT_AWAY);
    const struct id unloved = story_lead(sim, "to-pull", 0);
    sim_run_ms(sim, 1500);
    assert_int_equal(story_of(sim, unloved)->ring, RING_WIDE);
    sim_judge(sim, picky, &first, 20000, false);
    sim_workers(sim, 1);
    sim_run_ms(sim, 700);
    struct sim_agent *ben =
        story_agent_of(sim, "ben", "north", INTENT_AVAILABLE, 1); /* lent to the unloved one first */
    sim_intent(sim, ana, INTENT_AVAILABLE);                       /* has a card, and may not have the lead */
    sim_run_ms(sim, 200);
    assert_owner(sim, lead, ben->name);
    sim_destroy(&sim);
}

/* A lead falls due while its owner's only slot is lent to a window that will not use it. */
static void a_lead_that_falls_due_while_its_owner_is_lent_is_given_when_it_is_back(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[1].widen = WIDEN_CELL;
    policy->programmes[1].unclaimed_ms = 1000;
    policy->scorer_deadline_ms = 500;
    struct sim *sim = story_new(policy);
    struct picky first = {.programme = 1};
    struct sim_agent *ana = story_agent_of(sim, "ana", "east", INTENT_AVAILABLE, 1);
    const struct id due = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    story_work_up_to(sim, ana, due, LEAD_WRAP_UP);
    sim_judge(sim, picky, &first, 300000, false);
    sim_workers(sim, 1);
    const struct id unloved = story_lead(sim, "to-pull", 0);
    sim_run_ms(sim, 150);
    assert_int_equal(story_dispose(sim, ana, due, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    sim_run_ms(sim, 950); /* it is asked about the unloved one for 0.3 s, in which hers falls due */
    assert_int_equal(story_of(sim, unloved)->ring, RING_WIDE);
    assert_int_equal(story_core_agent(sim, ana)->lent, 1);
    assert_false(story_of(sim, due)->due);
    story_until_state(sim, due, LEAD_OWNED, 600);
    sim_destroy(&sim);
}

/* A window for one agent's due leads also shows it what waits; what it may not have is still for others. */
static void what_one_agent_may_not_have_goes_to_another_although_a_due_lead_came_first(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].untouched_max = 2;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent_of(sim, "ana", "east", INTENT_AVAILABLE, 2);
    const struct id due = story_lead(sim, "to-push", 0), given_back = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    story_work_up_to(sim, ana, due, LEAD_WRAP_UP);
    story_work_up_to(sim, ana, given_back, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, due, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    story_agent_of(sim, "ben", "east", INTENT_AVAILABLE, 1);
    sim_run_ms(sim, 1200);
    assert_true(story_of(sim, due)->due); /* waits: ana owes a disposition */
    sim_act(sim, ana, given_back, VERB_RELEASE, 0, NULL);
    sim_run_ms(sim, 1);
    assert_owner(sim, due, "ana");
    assert_owner(sim, given_back, "ben");
    sim_destroy(&sim);
}

/* An operator who cannot decide: each worker drained, or asked again, or left as it is. */
static void drain_by_chance(struct sim *sim, uint32_t workers)
{
    static const char *const names[] = {"w", "w.2"};
    for (uint32_t w = 0; w < workers && w < 2; w++) {
        struct msg_report report;
        const uint32_t what = sim_rand(sim, 3);
        if (what == 0)
            continue;
        core_report(sim_core(sim),
                    &(struct msg_query){.what = what == 1 ? QUERY_DRAIN : QUERY_UNDRAIN,
                                        .arg = slice_of(names[w], strlen(names[w]))},
                    &report);
        assert_int_equal(report.n_rows, 1);
    }
}

/* Random days with complete workers: after each beat without a request out, nobody waits in vain. */
static void a_day(uint64_t seed, uint32_t workers)
{
    static const struct {
        const char *team;
        enum intent intent;
    } kinds[] = {{"east", INTENT_AVAILABLE},
                 {"hunters", INTENT_ON_DEMAND},
                 {"north", INTENT_AVAILABLE},
                 {"south", INTENT_ON_DEMAND}};
    static const char *const sources[] = {"to-push", "to-pull", "to-pushpull"};
    struct policy *policy = sim_policy();
    policy->programmes[seed % 3].widen = WIDEN_CELL;
    policy->programmes[(seed + 1) % 3].decline_exclusion_ms = 777;
    policy->scorer_deadline_ms = 1000; /* later than any answer: a lapse would leave the plain order to it */
    struct sim *sim = sim_new(seed, policy);
    sim_audit_every(sim, 64);
    sim_judge(sim, plain, NULL, 1500, true);
    sim_workers(sim, workers);
    for (uint32_t i = 0; i < 16; i++) {
        char name[16];
        snprintf(name, sizeof name, "agent-%02u", i);
        sim_agent(sim, name, kinds[i % 4].team, kinds[i % 4].intent);
    }
    sim_faults(sim, (struct sim_faults){.silence = 15, .delay_us = 2000});
    for (uint32_t i = 0; i < 10; i++) {
        sim_submit(sim, sources[sim_rand(sim, 3)], 1 + sim_rand(sim, 8));
        sim_run_ms(sim, 700);
        drain_by_chance(sim, workers);
    }
    sim_run_ms(sim, 20000);
    sim_destroy(&sim);
}

static void on_random_days_nobody_waits_for_a_lead_that_waits_for_somebody(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= 12; seed++)
        a_day(seed, (uint32_t) (seed % 3));
}

/* proves 003-31 in small, 3-08: an import of many leads meets many agents, and each hand is filled */
static void many_leads_and_many_agents_meet_until_one_side_is_used_up(void **state)
{
    (void) state;
    enum { AGENTS = 300, LEADS = 1000 };
    for (uint32_t workers = 0; workers < 2; workers++) {
        struct policy *policy = sim_policy();
        policy->heartbeat_ms = 5000;
        policy->lease_ms = 20000;
        policy->programmes[0].offer_ms = 60000;
        struct sim *sim = story_new(policy);
        sim_audit_every(sim, 64);
        sim_judge(sim, plain, NULL, 100, true);
        sim_workers(sim, workers);
        sim_run_ms(sim, 700);
        for (uint32_t i = 0; i < AGENTS; i++) {
            char name[16];
            snprintf(name, sizeof name, "agent-%04u", i);
            sim_agent(sim, name, "east", INTENT_AVAILABLE)->by_hand = true;
        }
        for (uint32_t i = 0; i < LEADS / 250; i++)
            sim_submit(sim, "to-push", 250);
        sim_run_ms(sim, 60);
        struct core_levels levels;
        core_levels(sim_core(sim), &levels);
        assert_int_equal(levels.offered, AGENTS * 3);
        assert_int_equal(levels.waiting, LEADS - AGENTS * 3);
        sim_destroy(&sim);
    }
}

/* More agents than one window holds have a lead due at the same instant. */
static void hundreds_of_leads_that_fall_due_at_once_all_go_home(void **state)
{
    (void) state;
    enum { AGENTS = 300 };
    struct policy *policy = sim_policy();
    policy->heartbeat_ms = 5000;
    policy->lease_ms = 20000;
    policy->programmes[0].wip_max = 1;
    policy->programmes[0].gap_ms[0] = 1000;
    struct sim *sim = story_new(policy);
    sim_audit_every(sim, 64);
    static struct sim_agent *agents[AGENTS];
    for (uint32_t i = 0; i < AGENTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "agent-%04u", i);
        agents[i] = sim_agent(sim, name, "east", INTENT_AVAILABLE);
        agents[i]->by_hand = true;
    }
    sim_submit(sim, "to-push", 150);
    sim_submit(sim, "to-push", 150);
    sim_run_ms(sim, 5);
    static const enum act_verb verbs[] = {VERB_ACCEPT, VERB_ACTION, VERB_DISPOSITION};
    for (int v = 0; v < 3; v++) {
        for (uint32_t i = 0; i < AGENTS; i++)
            sim_act(sim, agents[i], agents[i]->held[0].lead, verbs[v], DISPOSITION_NO_ANSWER, NULL);
        sim_run_ms(sim, 2);
    }
    struct core_levels levels;
    core_levels(sim_core(sim), &levels);
    assert_int_equal(levels.owned, 0);
    sim_run_ms(sim, 1005);
    core_levels(sim_core(sim), &levels);
    assert_int_equal(levels.owned, AGENTS);
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_windows[] = {
    cmocka_unit_test(the_turn_of_round_robin_survives_crashes_and_leavers),
    cmocka_unit_test(slots_lent_to_a_window_that_does_not_use_them_serve_the_pools_that_found_none),
    cmocka_unit_test(a_lead_passed_over_while_an_agent_was_lent_is_tried_again_when_it_is_back),
    cmocka_unit_test(a_lead_that_falls_due_while_its_owner_is_lent_is_given_when_it_is_back),
    cmocka_unit_test(what_one_agent_may_not_have_goes_to_another_although_a_due_lead_came_first),
    cmocka_unit_test(on_random_days_nobody_waits_for_a_lead_that_waits_for_somebody),
    cmocka_unit_test(many_leads_and_many_agents_meet_until_one_side_is_used_up),
    cmocka_unit_test(hundreds_of_leads_that_fall_due_at_once_all_go_home),
};
const size_t n_stories_of_windows = sizeof stories_of_windows / sizeof *stories_of_windows;
