/* SPDX-License-Identifier: Apache-2.0
 * stories_seeds.c - claims of the seeds about whole days: no dead queue, no lead
 * untouched, push as quick as pull. Their ids are those of tests/rows.tsv. */
#include "tests/sim/sim_private.h"
#include "tests/sim/story.h"

#include <stdlib.h>

/* ---- 000-10: push and pull ------------------------------------------------------------------- */

enum { DAY_LEADS = 400, DAY_AGENTS = 10, GRID_MS = 500, ARRIVAL_MS = 9000, CALL_MS = 60000 };

struct clerk { /* one agent at work: looks up a moment after a lead comes, then talks */
    struct sim_agent *agent;
    struct id lead;
    int64_t look_ms, end_ms;
    uint32_t asked;
    bool busy;
};

static uint32_t of_lead(struct id lead, uint32_t salt, uint32_t below) /* the same in both modes */
{
    uint64_t x = (lead.lo + salt) * UINT64_C(0x9E3779B97F4A7C15);
    x ^= x >> 29;
    x *= UINT64_C(0xBF58476D1CE4E5B9);
    return (uint32_t) (x >> 32) % below;
}

static void clerk_moves(struct sim *sim, struct clerk *clerk, bool pull)
{
    const int64_t now = sim_now_ms(sim);
    struct sim_agent *agent = clerk->agent;
    if (!clerk->busy && agent->n_held > 0) {
        clerk->busy = true;
        clerk->lead = agent->held[0].lead;
        clerk->look_ms = now + 1000 + of_lead(clerk->lead, 1, 4000);
        clerk->end_ms = clerk->look_ms + CALL_MS / 2 + of_lead(clerk->lead, 2, CALL_MS);
    } else if (clerk->busy && clerk->look_ms && clerk->look_ms <= now) {
        clerk->look_ms = 0;
        story_work_up_to(sim, agent, clerk->lead, LEAD_WORKING);
    } else if (clerk->busy && clerk->end_ms <= now) {
        assert_int_equal(story_dispose(sim, agent, clerk->lead, DISPOSITION_NOT_INTERESTED, "no"), REASON_OK);
        clerk->busy = false;
    }
    if (pull && !clerk->busy && agent->n_held == 0 && agent->n_readies >= clerk->asked) {
        clerk->asked = agent->n_readies + 1;
        sim_ready(sim, agent, 600000);
    }
}

static int by_size(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *) a, y = *(const int64_t *) b;
    return (x > y) - (x < y);
}

struct day {
    struct sim *sim;
    struct clerk clerks[DAY_AGENTS];
    struct id leads[DAY_LEADS];
    int64_t came_ms[DAY_LEADS], shown_ms[DAY_LEADS], begun_ms[DAY_LEADS]; /* since it came; 0 = not yet */
    uint32_t n, n_begun, busy;                                            /* busy: percent of the clerks' time */
};

static void look(struct day *day)
{
    for (uint32_t i = 0; i < day->n; i++) {
        const int64_t since_ms = sim_now_ms(day->sim) - day->came_ms[i];
        for (uint32_t c = 0; c < DAY_AGENTS && !day->shown_ms[i]; c++)
            day->shown_ms[i] = sim_held(day->clerks[c].agent, day->leads[i]) ? since_ms : 0;
        if (day->begun_ms[i] || sim_state(day->sim, day->leads[i]) < LEAD_WORKING)
            continue;
        day->begun_ms[i] = since_ms;
        day->n_begun++;
    }
}

static void live(struct day *day, bool pull)
{
    uint64_t busy = 0, all = 0;
    for (int64_t next_ms = sim_now_ms(day->sim); day->n_begun < DAY_LEADS;) {
        if (day->n < DAY_LEADS && next_ms <= sim_now_ms(day->sim)) {
            day->came_ms[day->n] = sim_now_ms(day->sim);
            day->leads[day->n] = story_lead(day->sim, pull ? "to-pull" : "to-push", 0);
            next_ms += ARRIVAL_MS / 10 + of_lead(day->leads[day->n++], 3, ARRIVAL_MS * 9 / 5);
        }
        for (int ms = 1; ms <= GRID_MS; ms += ms < 4 ? 1 : GRID_MS - 4) {
            sim_run_ms(day->sim, ms < 4 ? 1 : GRID_MS - 4);
            look(day);
        }
        for (uint32_t i = 0; i < DAY_AGENTS; i++, all++) {
            clerk_moves(day->sim, &day->clerks[i], pull);
            busy += day->clerks[i].busy;
        }
    }
    day->busy = (uint32_t) (busy * 100 / all);
}

static void live_a_day(struct day *day, bool pull)
{
    struct policy *policy = sim_policy();
    struct programme *programme = &policy->programmes[pull];
    policy->heartbeat_ms = 5000, policy->lease_ms = 20000;
    programme->wip_max = 1;
    programme->offer_ms = 20000, programme->first_action_ms = programme->unclaimed_ms = 300000;
    programme->activity_ms = programme->disposition_ms = programme->ready_ms = 1200000;
    *day = (struct day){.sim = story_new(policy)};
    sim_audit_every(day->sim, 1000);
    for (uint32_t i = 0; i < DAY_AGENTS; i++) {
        char name[16];
        snprintf(name, sizeof name, "clerk-%u", i);
        day->clerks[i].agent =
            story_agent(day->sim, name, pull ? "hunters" : "east", pull ? INTENT_ON_DEMAND : INTENT_AVAILABLE);
    }
    live(day, pull);
    sim_destroy(&day->sim);
    qsort(day->shown_ms, DAY_LEADS, sizeof *day->shown_ms, by_size);
    qsort(day->begun_ms, DAY_LEADS, sizeof *day->begun_ms, by_size);
}

static int64_t mean(const int64_t values[DAY_LEADS])
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < DAY_LEADS; i++)
        sum += values[i];
    return sum / DAY_LEADS;
}

static bool differ_less(int64_t a, int64_t b, int64_t percent)
{
    return llabs(a - b) * 100 < percent * (a < b ? a : b);
}

/* proves 000-10: from intake until an agent's client shows the lead */
static void push_and_pull_reach_a_lead_equally_fast_when_capacity_is_enough(void **state)
{
    (void) state;
    static struct day days[2];
    for (int pull = 0; pull < 2; pull++) {
        const struct day *day = &days[pull];
        live_a_day(&days[pull], pull);
        printf("%s: from intake to a hand %lld ms, %lld in the mean, to the first action %lld; busy for %u %%\n",
               pull ? "pull" : "push", (long long) day->shown_ms[DAY_LEADS / 2], (long long) mean(day->shown_ms),
               (long long) day->begun_ms[DAY_LEADS / 2], day->busy);
        assert_in_range(day->busy, 50, 80);
        assert_in_range(day->shown_ms[DAY_LEADS / 2], 0, 2); /* some agent is free */
    }
    assert_true(differ_less(days[0].shown_ms[DAY_LEADS / 2], days[1].shown_ms[DAY_LEADS / 2], 5));
    assert_true(differ_less(days[0].begun_ms[DAY_LEADS / 2], days[1].begun_ms[DAY_LEADS / 2], 5));
    assert_true(
        differ_less(mean(days[0].shown_ms), mean(days[1].shown_ms), 10)); /* those that found nobody free, too */
}

/* ---- dead queues -------------------------------------------------------------------------------- */

/* Takes and closes what it is given until nothing is open any more. */
static void close_all(struct sim *sim, struct sim_agent *agent, int64_t at_most_ms)
{
    struct core_levels levels;
    for (int64_t ms = 0; ms < at_most_ms; ms += 10) {
        while (agent->n_held > 0) {
            const struct id lead = agent->held[0].lead;
            story_work_up_to(sim, agent, lead, LEAD_WORKING);
            assert_int_equal(story_dispose(sim, agent, lead, DISPOSITION_SALE, NULL), REASON_OK);
        }
        core_levels(sim_core(sim), &levels);
        if (levels.terminal == levels.leads)
            return;
        sim_run_ms(sim, 10);
    }
    fail_msg("%llu of %llu leads are still open", (unsigned long long) (levels.leads - levels.terminal),
             (unsigned long long) levels.leads);
}

/* proves 000-07, D-04, C-02, C-10: lease, guard, grace and the state's own deadline, and the lead goes on */
static void whatever_state_its_owner_vanished_in_a_lead_comes_to_who_is_there(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].wip_max = policy->programmes[0].untouched_max = 8;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    static const enum lead_state reached[] = {LEAD_OFFERED, LEAD_OWNED, LEAD_WORKING, LEAD_PIPELINE, LEAD_WRAP_UP};
    struct id leads[7];
    for (uint32_t i = 0; i < 5; i++) {
        leads[i] = story_lead(sim, "to-push", 0);
        sim_run_ms(sim, 2);
        story_work_up_to(sim, ana, leads[i], reached[i] == LEAD_PIPELINE ? LEAD_WRAP_UP : reached[i]);
        if (reached[i] == LEAD_PIPELINE)
            assert_int_equal(story_dispose(sim, ana, leads[i], DISPOSITION_NO_ANSWER, NULL), REASON_OK);
        assert_int_equal(sim_state(sim, leads[i]), reached[i]);
    }
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE); /* will not answer a withdrawal */
    ben->clings = true;
    leads[5] = story_lead(sim, "to-push", 0);
    story_until_state(sim, leads[5], LEAD_OFFERED, 10);
    assert_owner(sim, leads[5], "ben");
    story_until_state(sim, leads[5], LEAD_REVOKING, 3000);
    sim_silence(sim, ana, true);
    sim_silence(sim, ben, true);
    leads[6] = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 20000); /* nobody is there, and nobody administers anything */
    for (uint32_t i = 0; i < 7; i++)
        assert_state(sim, leads[i], POOLED);
    const struct agent *gone[] = {story_core_agent(sim, ana), story_core_agent(sim, ben)};
    for (uint32_t i = 0; i < 2; i++)
        assert_int_equal(agent_open(gone[i]) + gone[i]->pipeline, 0);
    struct sim_agent *neu = story_agent(sim, "neu", "east", INTENT_AVAILABLE);
    close_all(sim, neu, 2000);
    assert_int_equal(story_core_agent(sim, neu)->won, 7);
    sim_destroy(&sim);
}

static struct msg_report asked(struct sim *sim, enum query_what what)
{
    struct msg_report report = {0};
    core_report(sim_core(sim), &(struct msg_query){.what = what, .limit = 100}, &report);
    assert_int_equal(report.reason, REASON_OK);
    return report;
}

/* proves 000-08: the list is empty all day, and it would not be if there were one */
static void the_list_of_leads_that_nothing_would_move_is_empty_all_day(void **state)
{
    (void) state;
    struct sim *sim = sim_new(7, sim_policy());
    sim_audit_every(sim, 64);
    sim_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_agent(sim, "ben", "hunters", INTENT_ON_DEMAND);
    sim_agent(sim, "cleo", "north", INTENT_AVAILABLE);
    sim_faults(sim, (struct sim_faults){.lose = 20, .silence = 20, .worker_mute = 100, .delay_us = 20000});
    sim_submit(sim, "to-push", 30);
    sim_submit(sim, "to-pull", 30);
    sim_submit(sim, "to-pushpull", 30);
    for (int i = 0; i < 120; i++) {
        sim_run_ms(sim, 250);
        assert_int_equal(asked(sim, QUERY_ORPHANS).n_rows, 0);
    }
    uint32_t planted = 0;
    for (uint32_t i = 0; i < sim_core(sim)->leads.n && !planted; i++) {
        struct lead *lead = lead_at(&sim_core(sim)->leads, i);
        char hex[33];
        if (lead_terminal(lead))
            continue;
        planted++;
        core_disarm(sim_core(sim), &lead->timer); /* what must never happen */
        const struct msg_report report = asked(sim, QUERY_ORPHANS);
        id_to_hex(lead->id, hex);
        assert_int_equal(report.n_rows, 1);
        assert_memory_equal(report.cells[0].at, hex, 32);
    }
    assert_int_equal(planted, 1);
    sim_destroy(&sim);
}

/* ---- 002-11: nothing goes untouched ----------------------------------------------------------------- */

enum temper { NOBODY, GHOSTS, DECLINERS, IDLERS, A_MIX, TEMPERS };

static void populate(struct sim *sim, enum temper temper)
{
    for (uint32_t i = 0; temper != NOBODY && i < 9; i++) {
        static const char *const teams[] = {"east", "hunters", "north"};
        char name[16];
        snprintf(name, sizeof name, "agent-%u", i);
        struct sim_agent *agent = sim_agent(sim, name, teams[i % 3], i % 3 == 1 ? INTENT_ON_DEMAND : INTENT_AVAILABLE);
        agent->by_hand = temper != A_MIX || i < 5;
    }
}

static void act_out(struct sim *sim, struct sim_agent *agent, enum temper temper)
{
    if (agent->intent == INTENT_ON_DEMAND && agent->n_held == 0)
        sim_ready(sim, agent, 1000);
    for (uint32_t i = 0; i < agent->n_held; i++) {
        const bool offered = agent->held[i].state == LEAD_OFFERED;
        if (temper == DECLINERS || temper == A_MIX) {
            sim_act(sim, agent, agent->held[i].lead, offered ? VERB_DECLINE : VERB_RELEASE, 0, NULL);
            return;
        }
        if (temper == IDLERS && offered)
            sim_act(sim, agent, agent->held[i].lead, VERB_ACCEPT, 0, NULL);
    }
    if (temper == GHOSTS && sim_rand(sim, 20) == 0)
        sim_intent(sim, agent, INTENT_AVAILABLE); /* says it is there, and does nothing */
}

static void nobody_is_forgotten(struct sim *sim, enum temper temper, int64_t hard_ms)
{
    const struct core *core = sim_core(sim);
    for (uint32_t i = 0; i < core->leads.n; i++) {
        const struct lead *lead = lead_at(&core->leads, i);
        const int64_t age_ms = sim_now_ms(sim) - lead->received_us / 1000;
        if (age_ms > hard_ms && !lead->contacted && !lead->alerted && !lead_terminal(lead))
            fail_msg("world %d: a lead of programme %u is %s, untouched for %lld ms", temper, lead->programme,
                     lead_state_name(lead->state), (long long) age_ms);
    }
}

/* proves 002-11: with nobody, ghosts, decliners, idlers and a mix: action, end or alert before the hard deadline */
static void no_lead_goes_untouched_beyond_its_hard_deadline(void **state)
{
    (void) state;
    for (enum temper temper = NOBODY; temper < TEMPERS; temper++) {
        const struct policy *policy = sim_policy();
        const struct programme *p = &policy->programmes[0]; /* the three have the same times */
        /* three rings, a round of hands, and three rings again */
        const int64_t hand_ms = p->offer_ms + p->first_action_ms + policy->lease_ms + policy->guard_ms;
        const int64_t hard_ms = 6 * p->unclaimed_ms + hand_ms + policy->orphan_grace_ms;
        struct sim *sim = sim_new(31 + temper, policy);
        sim_audit_every(sim, 1000);
        populate(sim, temper);
        sim_run_ms(sim, 1000);
        sim_submit(sim, "to-push", 20);
        sim_submit(sim, "to-pull", 20);
        sim_submit(sim, "to-pushpull", 20);
        for (int i = 0; i < 600; i++) {
            sim_run_ms(sim, 250);
            for (uint32_t a = 0; a < 9 && temper != NOBODY; a++)
                if (sim->agents[a].by_hand)
                    act_out(sim, &sim->agents[a], temper);
            nobody_is_forgotten(sim, temper, hard_ms);
        }
        uint64_t declines = 0, accepts = 0, lapses = 0; /* they did what their temper says */
        for (uint32_t i = 0; i < 3; i++) {
            declines += sim_core(sim)->programmes[i].declines;
            accepts += sim_core(sim)->programmes[i].accepts;
            lapses += sim_core(sim)->programmes[i].lapses;
        }
        assert_true(temper != DECLINERS || declines > 0);
        assert_true(temper != IDLERS || accepts > 0);
        assert_true(temper != GHOSTS || lapses > 0);
        assert_true(temper != NOBODY || declines + accepts + lapses == 0);
        sim_destroy(&sim);
    }
}

/* ---- 002-02: the same again ---------------------------------------------------------------------------- */

static void a_day(struct buf *ret)
{
    struct policy *policy = sim_policy();
    policy->programmes[0].strategy = STRATEGY_LONGEST_IDLE;
    struct sim *sim = sim_new(11, policy);
    sim_judge(sim, story_decide, NULL, 100, false);
    sim_audit_every(sim, 1000);
    sim_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_agent(sim, "ben", "east", INTENT_AVAILABLE);
    sim_agent(sim, "cleo", "hunters", INTENT_ON_DEMAND);
    sim_faults(sim, (struct sim_faults){.lose = 20, .repeat = 20, .silence = 10, .delay_us = 20000});
    sim_submit(sim, "to-push", 50);
    sim_submit(sim, "to-pull", 20);
    sim_run_ms(sim, 20000);
    core_dump(sim_core(sim), ret);
    sim_destroy(&sim);
}

/* proves 002-02: who got what, why and when, to the byte */
static void the_same_day_again_ends_the_same(void **state)
{
    (void) state;
    struct buf once = {0}, again = {0};
    a_day(&once);
    a_day(&again);
    assert_int_equal(once.len, again.len);
    assert_memory_equal(once.at, again.at, once.len);
    buf_fini(&once);
    buf_fini(&again);
}

/* ---- 003-01: what triggers ---------------------------------------------------------------------------------- */

/* proves 003-01: intake, a ready, a presence, a timer, a disposition, and somebody who gives it back by hand; each
 * hands a lead over in its own instant */
static void each_kind_of_trigger_hands_a_lead_to_a_person_at_once(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].wip_max = policy->programmes[0].untouched_max = 1;
    policy->programmes[0].unclaimed_ms = policy->programmes[0].decline_exclusion_ms = 60000;
    policy->programmes[1].unclaimed_ms = 60000;
    struct sim *sim = story_new(policy);
    const struct id pulled = story_lead(sim, "to-pull", 0);
    struct sim_agent *hal = story_agent(sim, "hal", "hunters", INTENT_ON_DEMAND);
    assert_state(sim, pulled, POOLED);
    assert_int_equal(story_ready(sim, hal, 0), REASON_OK); /* a ready */
    assert_owner(sim, pulled, "hal");
    const struct id first = story_lead(sim, "to-push", 3), second = story_lead(sim, "to-push", 2);
    const struct id third = story_lead(sim, "to-push", 1);
    sim_run_ms(sim, 500);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE); /* a presence */
    assert_owner(sim, first, "ana");
    story_work_up_to(sim, ana, first, LEAD_WORKING);
    assert_int_equal(story_dispose(sim, ana, first, DISPOSITION_SALE, NULL), REASON_OK); /* a disposition */
    assert_owner(sim, second, "ana");
    assert_int_equal(story_act(sim, ana, second, VERB_DECLINE), REASON_OK);
    assert_state(sim, third, POOLED);
    assert_about(story_until_owner(sim, third, "ana", 1000), policy->programmes[0].penalty_ms - 2); /* a timer */
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    struct sim_agent *cleo = story_agent(sim, "cleo", "east", INTENT_AVAILABLE);
    assert_owner(sim, second, ben->name);
    const struct id fresh = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 1);
    assert_owner(sim, fresh, cleo->name); /* intake */
    sim_bye(sim, cleo);
    sim_run_ms(sim, 5);
    assert_state(sim, fresh, POOLED);
    story_work_up_to(sim, ben, second, LEAD_WORKING);                       /* untried it would cost him a rest */
    assert_int_equal(story_act(sim, ben, second, VERB_RELEASE), REASON_OK); /* by hand */
    assert_owner(sim, fresh, "ben");
    sim_destroy(&sim);
}

/* ---- 001-08: by performance ------------------------------------------------------------------------------- */

/* proves 001-08: who closed what he had is preferred to who waits longer, until that is switched off */
static void who_closes_more_gets_the_next_unless_performance_counts_for_nothing(void **state)
{
    (void) state;
    for (int32_t performance = 0; performance <= 300; performance += 300) {
        struct scoring scoring = {.base_permille = 100, .value_cents = 10000, .performance_permille = performance};
        struct policy *policy = sim_policy();
        policy->programmes[0].wip_max = 1;
        struct sim *sim = story_new(policy);
        struct sim_agent *agents[2];
        for (int i = 0; i < 2; i++)
            agents[i] = story_agent(sim, i ? "ana" : "ben", "east", INTENT_AVAILABLE);
        for (int i = 0; i < 40; i++) { /* ben was free first, so they take turns; ana sells, and is free last */
            const struct id lead = story_lead(sim, "to-push", 0);
            sim_run_ms(sim, 5);
            assert_owner(sim, lead, i % 2 ? "ana" : "ben");
            story_work_up_to(sim, agents[i % 2], lead, LEAD_WORKING);
            story_dispose(sim, agents[i % 2], lead, i % 2 ? DISPOSITION_SALE : DISPOSITION_NOT_INTERESTED, NULL);
        }
        sim_judge(sim, story_decide, &scoring, 100, false);
        sim_workers(sim, 1);
        sim_run_ms(sim, 700);
        const struct id lead = story_lead(sim, "to-push", 0);
        sim_run_ms(sim, 5);
        assert_int_equal(story_of(sim, lead)->past->decision.by, REASON_SCORED);
        assert_owner(sim, lead, performance ? "ana" : "ben");
        sim_destroy(&sim);
    }
}

/* ---- 003-40: redistribution by push, pull or both --------------------------------------------------------- */

static void what_is_taken_back_goes_on_by_push_by_pull_or_by_both(void **state)
{
    (void) state;
    static const struct {
        uint32_t from, to; /* places of programmes */
        enum intent next;  /* of who is in the other programme */
    } ways[] = {{1, 0, INTENT_AVAILABLE}, {0, 1, INTENT_ON_DEMAND}, {0, 2, INTENT_AVAILABLE}, {0, 2, INTENT_ON_DEMAND}};
    static const char *const sources[] = {"to-push", "to-pull"}, *const teams[] = {"east", "hunters", "north"};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        struct policy *policy = sim_policy();
        policy->programmes[ways[i].from].redistribute_to = ways[i].to + 1;
        struct sim *sim = story_new(policy);
        struct sim_agent *ana =
            story_agent(sim, "ana", teams[ways[i].from], ways[i].from == 1 ? INTENT_ON_DEMAND : INTENT_AVAILABLE);
        struct sim_agent *ben = story_agent(sim, "ben", teams[ways[i].to], ways[i].next);
        const struct id lead = story_lead(sim, sources[ways[i].from], 0);
        sim_run_ms(sim, 2);
        if (ways[i].from == 1)
            assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
        story_work_up_to(sim, ana, lead, LEAD_OWNED);
        sim_run_ms(sim, policy->programmes[ways[i].from].first_action_ms + 50);
        assert_int_equal(story_of(sim, lead)->programme, ways[i].to);
        if (ways[i].next == INTENT_ON_DEMAND) { /* who pulls is given nothing before he asks */
            assert_state(sim, lead, POOLED);
            assert_int_equal(story_ready(sim, ben, 0), REASON_OK);
        }
        assert_owner(sim, lead, "ben");
        sim_destroy(&sim);
    }
}

const struct CMUnitTest stories_of_seeds[] = {
    cmocka_unit_test(push_and_pull_reach_a_lead_equally_fast_when_capacity_is_enough),
    cmocka_unit_test(whatever_state_its_owner_vanished_in_a_lead_comes_to_who_is_there),
    cmocka_unit_test(the_list_of_leads_that_nothing_would_move_is_empty_all_day),
    cmocka_unit_test(no_lead_goes_untouched_beyond_its_hard_deadline),
    cmocka_unit_test(the_same_day_again_ends_the_same),
    cmocka_unit_test(each_kind_of_trigger_hands_a_lead_to_a_person_at_once),
    cmocka_unit_test(who_closes_more_gets_the_next_unless_performance_counts_for_nothing),
    cmocka_unit_test(what_is_taken_back_goes_on_by_push_by_pull_or_by_both),
};
const size_t n_stories_of_seeds = sizeof stories_of_seeds / sizeof *stories_of_seeds;
