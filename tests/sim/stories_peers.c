/* SPDX-License-Identifier: Apache-2.0
 * stories_peers.c - what goes wrong in the peers' own source (D-NN) and what users
 * complain about (C-NN), told against takt. Their ids are those of tests/rows.tsv. */
#include "tests/sim/sim_private.h"
#include "tests/sim/story.h"

static struct sim *decided(const struct policy *policy)
{
    struct sim *sim = story_new(policy);
    sim_judge(sim, story_decide, NULL, 100, false);
    sim_workers(sim, 1);
    sim_run_ms(sim, 700);
    return sim;
}

static struct policy *wide_hands(enum strategy strategy)
{
    struct policy *policy = sim_policy();
    policy->programmes[0].strategy = strategy;
    policy->programmes[0].wip_max = policy->programmes[0].untouched_max = 200;
    policy->programmes[0].offer_ms = policy->programmes[0].first_action_ms = 600000;
    return policy;
}

static struct id next_lead(struct sim *sim)
{
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 3);
    return lead;
}

/* proves D-03 (Asterisk can_ring_entry): with and without workers who think about both queues at once */
static void an_agent_whom_two_queues_want_at_once_is_rung_once(void **state)
{
    (void) state;
    for (uint32_t workers = 0; workers <= 2; workers++) {
        struct policy *policy = sim_policy();
        for (int i = 0; i < 3; i++)
            policy->programmes[i].widen = WIDEN_CELL;
        policy->programmes[0].wip_max = 1;
        policy->programmes[0].offer_ms = policy->programmes[0].unclaimed_ms = 60000;
        struct sim *sim = story_new(policy);
        sim_judge(sim, story_decide, NULL, 5000, false);
        sim_workers(sim, workers);
        struct id leads[4];
        for (int i = 0; i < 3; i++)
            leads[i] = story_lead(sim, i ? "to-pushpull" : "to-pull", 0);
        sim_run_ms(sim, policy->programmes[1].unclaimed_ms + 100); /* both may be taken by anybody in the cell now */
        leads[3] = story_lead(sim, "to-push", 0);
        struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
        for (int i = 0; i < 200; i++) {
            sim_run_ms(sim, 1);
            assert_true(ana->n_held <= 1);
        }
        assert_int_equal(ana->n_offers, 1);
        uint32_t hers = 0;
        for (int i = 0; i < 4; i++)
            hers += strcmp(sim_owner(sim, leads[i]), "ana") == 0;
        assert_int_equal(hers, 1);
        sim_destroy(&sim);
    }
}

/* Remembers the request, and answers it for the first agent. */
static void to_the_first(void *context, const struct msg_request *request, struct verdict *verdicts,
                         struct msg_decision *decision)
{
    *(uint64_t *) context = request->id;
    (void) decision;
    verdicts[0].agent = 1;
}

/* proves D-05 (Open Match UpdateAssignments): the second one is late, and neither owner nor fence moves */
static void a_second_decision_about_the_same_lead_overwrites_nothing(void **state)
{
    (void) state;
    uint64_t request = 0;
    struct sim *sim = story_new(NULL);
    sim_judge(sim, to_the_first, &request, 100, false);
    sim_workers(sim, 1);
    sim_run_ms(sim, 700);
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    const struct id lead = next_lead(sim);
    assert_owner(sim, lead, "ana");
    const uint64_t fence = story_of(sim, lead)->fence;
    sim_step(sim, PEER_WORKER,
             &(struct msg){.session = sim->worker_session[0],
                           .seq = 10,
                           .kind = MSG_DECISION,
                           .decision = {.id = request, .verdicts = &(struct verdict){.agent = 2}, .n_verdicts = 1}});
    sim_run_ms(sim, 5);
    assert_owner(sim, lead, "ana");
    assert_int_equal(story_of(sim, lead)->fence, fence);
    assert_int_equal(ben->n_offers, 0);
    assert_int_equal(sim_core(sim)->workers[0].too_late, 1);
    sim_destroy(&sim);
}

/* proves D-10 (SuiteCRM random): what is handed on is the agent, whatever it calls itself */
static void names_that_look_like_numbers_are_only_names(void **state)
{
    (void) state;
    static const char *const names[] = {"2", "0", "1", "Ana Lee"};
    struct sim *sim = decided(wide_hands(STRATEGY_RANDOM));
    struct sim_agent *agents[4];
    uint32_t given[4] = {0};
    for (int i = 0; i < 4; i++)
        agents[i] = story_agent(sim, names[i], "east", INTENT_AVAILABLE);
    for (int n = 0; n < 40; n++) {
        const struct id lead = next_lead(sim);
        const struct lead *it = story_of(sim, lead);
        uint32_t hands = 0;
        for (uint32_t i = 0; i < 4; i++) {
            const bool has = sim_held(agents[i], lead) != NULL;
            hands += has;
            given[i] += has;
            if (has) {
                assert_owner(sim, lead, names[i]);
                assert_string_equal(sim_core(sim)->agents[it->past->decision.winner]->name, names[i]);
            }
        }
        assert_int_equal(hands, 1);
    }
    for (int i = 0; i < 4; i++)
        assert_true(given[i] > 0);
    sim_destroy(&sim);
}

/* proves D-11 (EspoCRM): a lead that goes by another way than its turn shifts nobody's */
static void a_lead_that_comes_back_to_its_owner_moves_nobodys_turn(void **state)
{
    (void) state;
    static const char *const names[] = {"ana", "ben", "cleo"};
    struct sim *sim = decided(wide_hands(STRATEGY_ROUND_ROBIN));
    struct sim_agent *agents[3];
    for (int i = 0; i < 3; i++)
        agents[i] = story_agent(sim, names[i], "east", INTENT_AVAILABLE);
    const struct id first = next_lead(sim);
    assert_owner(sim, first, "ana");
    assert_owner(sim, next_lead(sim), "ben");
    story_work_up_to(sim, agents[0], first, LEAD_WORKING);
    assert_int_equal(story_dispose(sim, agents[0], first, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    story_until_state(sim, first, LEAD_OWNED, 2000); /* her own again: the newest that was handed over */
    assert_owner(sim, first, "ana");
    assert_owner(sim, next_lead(sim), "cleo");
    assert_owner(sim, next_lead(sim), "ana");
    sim_destroy(&sim);
}

/* proves D-11, D-08: equally busy agents are served in turn, not the first of the list again and again */
static void ties_among_the_least_busy_rotate(void **state)
{
    (void) state;
    static const char *const names[] = {"ana", "ben", "cleo"};
    struct sim *sim = decided(wide_hands(STRATEGY_FEWEST_OPEN));
    struct sim_agent *agents[3];
    uint32_t given[3] = {0};
    for (int i = 0; i < 3; i++)
        agents[i] = story_agent(sim, names[i], "east", INTENT_AVAILABLE);
    for (int n = 0; n < 12; n++) {
        const struct id lead = next_lead(sim);
        for (int i = 0; i < 3; i++)
            if (sim_held(agents[i], lead)) {
                given[i]++;
                story_work_up_to(sim, agents[i], lead, LEAD_WORKING);
                assert_int_equal(story_dispose(sim, agents[i], lead, DISPOSITION_SALE, NULL), REASON_OK);
            }
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(given[i], 4);
    sim_destroy(&sim);
}

/* ---- complaints -------------------------------------------------------------------------------- */

static void send_bulk(struct sim *sim, uint32_t first, uint32_t n, uint32_t bad)
{
    static char payload[CHUNK_ROWS_MAX][24];
    struct sim_row rows[CHUNK_ROWS_MAX];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(payload[i], sizeof payload[i], "bulk-%u", first + i);
        rows[i] = (struct sim_row){
            .key = first + i, .payload = payload[i], .reject = first + i == bad ? REASON_BAD_TEXT : REASON_OK};
    }
    sim_chunk(sim, first, "to-push", 0, 0, rows, n);
    sim_run_ms(sim, 50);
}

/* proves C-08: not all to one, no new beginning with each batch, an outcome for each row */
static void a_bulk_is_shared_out_row_by_row_and_the_next_goes_on_after_it(void **state)
{
    (void) state;
    enum { AGENTS = 7, ROWS = 60, BAD = 25 };
    struct sim *sim = decided(wide_hands(STRATEGY_ROUND_ROBIN));
    struct sim_agent *agents[AGENTS];
    for (uint32_t i = 0; i < AGENTS; i++)
        agents[i] = story_agent(sim, (char[]){(char) ('a' + i), 0}, "east", INTENT_AVAILABLE);
    uint32_t given = 0;
    for (uint32_t batch = 0; batch < 3; batch++) {
        send_bulk(sim, batch * ROWS, ROWS, BAD);
        assert_int_equal(sim_receipt(sim)->n_rows, ROWS);
        for (uint32_t i = 0; i < ROWS; i++)
            assert_int_equal(sim_receipt(sim)->outcomes[i], batch * ROWS + i == BAD ? REASON_BAD_TEXT : REASON_OK);
        given += batch == 0 ? ROWS - 1 : ROWS;
        for (uint32_t i = 0; i < AGENTS; i++)
            assert_int_equal(agents[i]->n_held, given / AGENTS + (i < given % AGENTS));
    }
    sim_destroy(&sim);
}

/* proves C-08: whoever is fresh and marked so goes first, however much lies before it */
static void a_fresh_lead_of_higher_priority_passes_a_bulk_that_waits(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].wip_max = 1;
    policy->programmes[0].unclaimed_ms = 600000;
    struct sim *sim = decided(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    for (uint32_t first = 0; first < 1024; first += CHUNK_ROWS_MAX)
        send_bulk(sim, first, CHUNK_ROWS_MAX, UINT32_MAX);
    const struct id old = ana->held[0].lead, fresh = story_lead(sim, "to-push", 10);
    sim_run_ms(sim, 5);
    assert_state(sim, fresh, POOLED);
    story_work_up_to(sim, ana, old, LEAD_WORKING);
    assert_int_equal(story_dispose(sim, ana, old, DISPOSITION_SALE, NULL), REASON_OK);
    sim_run_ms(sim, 2);
    assert_owner(sim, fresh, "ana");
    sim_destroy(&sim);
}

/* proves C-11: over queues, toggles, a reconnect and a crash, and it is shown */
static void wrap_up_is_a_state_of_the_agent_in_every_queue_and_it_is_shown(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    for (int i = 0; i < 3; i++) {
        policy->programmes[i].widen = WIDEN_CELL;
        policy->programmes[i].unclaimed_ms = 500;
        policy->programmes[i].disposition_ms = policy->programmes[i].disposition_hard_ms = 600000;
    }
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = next_lead(sim);
    story_work_up_to(sim, ana, lead, LEAD_WRAP_UP);
    const struct id others[] = {story_lead(sim, "to-push", 9), story_lead(sim, "to-pull", 9),
                                story_lead(sim, "to-pushpull", 9)};
    sim_run_ms(sim, 1000); /* they may be taken by anybody in the cell */
    sim_intent(sim, ana, INTENT_AWAY);
    sim_run_ms(sim, 100);
    sim_intent(sim, ana, INTENT_AVAILABLE);
    sim_run_ms(sim, 100);
    sim_hello(sim, ana);
    sim_run_ms(sim, 100);
    sim_crash(sim);
    sim_run_ms(sim, 2000);
    for (int i = 0; i < 3; i++)
        assert_state(sim, others[i], POOLED);
    assert_string_equal(story_told_of(sim, ana, "why_none"), "OWES_DISPOSITION");
    assert_string_equal(story_told_of(sim, ana, "wrap_up"), "1");
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_SALE, NULL), REASON_OK);
    for (int i = 0; i < 3; i++)
        assert_owner(sim, others[i], "ana");
    sim_destroy(&sim);
}

/* proves C-12: bands are strict in a queue, and who waits behind them is widened, pushed and told of in time */
static void a_flood_of_higher_priority_starves_no_lead_for_longer_than_its_rings(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].wip_max = 1;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id high = story_lead(sim, "to-push", 9), low = story_lead(sim, "to-push", 1);
    const int64_t rings_ms = 3 * policy->programmes[0].unclaimed_ms;
    sim_run_ms(sim, 5);
    assert_owner(sim, high, "ana");
    int64_t ms = 0;
    for (; ms < rings_ms && !sim_held(ana, low); ms += 250) {
        story_lead(sim, "to-push", 9);
        story_lead(sim, "to-push", 9); /* twice what she can do */
        sim_run_ms(sim, 230);
        if (ms < policy->programmes[0].unclaimed_ms - 500)
            assert_state(sim, low, POOLED);
        if (sim_held(ana, low))
            break;
        const struct id lead = ana->held[0].lead;
        story_work_up_to(sim, ana, lead, LEAD_WORKING);
        assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_SALE, NULL), REASON_OK);
    }
    assert_true(sim_held(ana, low) || story_of(sim, low)->alerted);
    assert_true(ms >= policy->programmes[0].unclaimed_ms - 500);
    sim_destroy(&sim);
}

/* proves D-01: turns over windows of some of them, and over a crash in the middle of a round */
static void more_than_a_thousand_each_have_their_turn_once_a_round(void **state)
{
    (void) state;
    enum { MEMBERS = 1020, BULK = 102 };
    struct policy *policy = sim_policy();
    policy->programmes[0].strategy = STRATEGY_ROUND_ROBIN;
    policy->programmes[0].wip_max = policy->programmes[0].untouched_max = 8;
    policy->programmes[0].offer_ms = 6000000;
    policy->heartbeat_ms = 20000;
    policy->lease_ms = 80000;
    struct sim *sim = sim_new(1, policy);
    struct sim_agent *members[MEMBERS];
    sim_audit_every(sim, 1000);
    sim_judge(sim, story_decide, NULL, 100, false);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        char name[16];
        snprintf(name, sizeof name, "m%04u", i);
        members[i] = sim_agent(sim, name, "east", INTENT_AVAILABLE);
        members[i]->by_hand = true;
    }
    sim_run_ms(sim, 500);
    for (uint32_t round = 1; round <= 2; round++) {
        for (uint32_t n = 0; n < MEMBERS; n += BULK) {
            send_bulk(sim, round * 10000 + n, BULK, NONE);
            sim_run_ms(sim, 20);
            if (round == 1 && n == 4 * BULK) {
                sim_crash(sim);
                sim_run_ms(sim, 45000);
            }
        }
        for (uint32_t i = 0; i < MEMBERS; i++)
            assert_int_equal(story_offered_to(sim, members[i]), round);
    }
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_peers[] = {
    cmocka_unit_test(more_than_a_thousand_each_have_their_turn_once_a_round),
    cmocka_unit_test(an_agent_whom_two_queues_want_at_once_is_rung_once),
    cmocka_unit_test(a_second_decision_about_the_same_lead_overwrites_nothing),
    cmocka_unit_test(names_that_look_like_numbers_are_only_names),
    cmocka_unit_test(a_lead_that_comes_back_to_its_owner_moves_nobodys_turn),
    cmocka_unit_test(ties_among_the_least_busy_rotate),
    cmocka_unit_test(a_bulk_is_shared_out_row_by_row_and_the_next_goes_on_after_it),
    cmocka_unit_test(a_fresh_lead_of_higher_priority_passes_a_bulk_that_waits),
    cmocka_unit_test(wrap_up_is_a_state_of_the_agent_in_every_queue_and_it_is_shown),
    cmocka_unit_test(a_flood_of_higher_priority_starves_no_lead_for_longer_than_its_rings),
};
const size_t n_stories_of_peers = sizeof stories_of_peers / sizeof *stories_of_peers;
