/* SPDX-License-Identifier: Apache-2.0
 * stories_followup.c - a lead after its first owner: rounds, rest, people who never
 * had it, days, age, vetting, another programme. Each comes to an end, and none is
 * ever without owner or deadline. */
#include "tests/sim/story.h"

enum { COOL_MS = 3000, FIRST_ACTION_MS = 5000, LET_GO_MS = 20 };

static struct policy *rounds(uint32_t distributions, uint32_t recycles)
{
    struct policy *policy = sim_policy();
    policy->programmes[0].distributions_max = distributions;
    policy->programmes[0].recycles_max = recycles;
    policy->programmes[0].cool_off_ms = COOL_MS;
    policy->programmes[0].penalty_ms = 0;
    return policy;
}

/* Accepted, and then nothing: the first action's deadline takes it back. */
static void sleep_on(struct sim *sim, struct sim_agent *agent, struct id lead)
{
    story_until_owner(sim, lead, agent->name, 60000);
    story_work_up_to(sim, agent, lead, LEAD_OWNED);
    sim_run_ms(sim, FIRST_ACTION_MS + LET_GO_MS);
    assert_true(sim_state(sim, lead) != LEAD_OWNED || strcmp(sim_owner(sim, lead), agent->name) != 0);
}

/* proves 003-02, 003-15, features 5.1 COOLING: recycled to new people, so often and no more; alert when never contacted
 */
static void a_lead_that_nobody_worked_rests_and_goes_to_people_who_never_had_it(void **state)
{
    (void) state;
    struct sim *sim = story_new(rounds(1, 1));
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sleep_on(sim, ana, lead);
    assert_state(sim, lead, COOLING);
    assert_int_equal(story_of(sim, lead)->reason, REASON_MAX_DISTRIBUTIONS);
    sim_crash(sim); /* the rest is remembered */
    assert_state(sim, lead, COOLING);
    assert_in_range(story_until_state(sim, lead, LEAD_POOLED, 10000), COOL_MS - 200, COOL_MS + 2500);
    assert_int_equal(story_of(sim, lead)->reason, REASON_RECYCLED);
    assert_int_equal(followup_look(story_of(sim, lead))->recycles, 1);
    sim_run_ms(sim, 20000); /* ana is here and free, and does not get it */
    assert_state(sim, lead, POOLED);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    sleep_on(sim, ben, lead);
    assert_state(sim, lead, EXHAUSTED);
    assert_true(story_of(sim, lead)->alerted);
    assert_int_equal(sim_core(sim)->programmes[0].never_contacted, 1);
    assert_int_equal(followup_look(story_of(sim, lead))->distributions_before, 1);
    sim_destroy(&sim);
}

static struct id tried(struct sim *sim, struct sim_agent *agent, uint32_t attempts)
{
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    for (uint32_t i = 0; i < attempts; i++) {
        story_until_owner(sim, lead, agent->name, 10000);
        for (uint32_t ms = 0; ms < 10000 && sim_state(sim, lead) == LEAD_PIPELINE; ms++)
            sim_run_ms(sim, 1);
        story_work_up_to(sim, agent, lead, LEAD_WORKING);
        assert_int_equal(story_dispose(sim, agent, lead, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    }
    return lead;
}

/* proves 000-12, 001-11: after attempts_max the owner has done his part; another one begins anew */
static void after_the_last_attempt_of_a_round_somebody_else_tries(void **state)
{
    (void) state;
    struct policy *policy = rounds(3, 1);
    policy->programmes[0].attempts_max = 2;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = tried(sim, ana, 2);
    assert_state(sim, lead, COOLING);
    assert_int_equal(story_of(sim, lead)->reason, REASON_MAX_ATTEMPTS);
    assert_int_equal(story_of(sim, lead)->distributions, 0); /* it was worked: nobody failed */
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    story_until_owner(sim, lead, "ben", 10000);
    story_work_up_to(sim, ben, lead, LEAD_WORKING);
    assert_int_equal(story_of(sim, lead)->attempts, 0);
    assert_int_equal(story_dispose(sim, ben, lead, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    assert_int_equal(followup_attempts(story_of(sim, lead)), 3);
    assert_state(sim, lead, PIPELINE);
    sim_destroy(&sim);
}

/* proves 000-12: neither owners nor rounds end a lead that had fewer contacts than attempts_min; age does, with an
 * alert */
static void below_the_least_number_of_contacts_only_age_ends_a_lead(void **state)
{
    (void) state;
    struct policy *policy = rounds(1, 0);
    policy->programmes[0].attempts_min = 2;
    policy->programmes[0].age_max_ms = 60000;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const int64_t came_ms = sim_now_ms(sim);
    const struct id lead = tried(sim, ana, 1);
    story_until_state(sim, lead, LEAD_OWNED, 5000);
    sim_run_ms(sim, FIRST_ACTION_MS + LET_GO_MS);
    assert_state(sim, lead, COOLING); /* contacted once, given out as often as it may be: not the end */
    assert_true(story_of(sim, lead)->alerted);
    story_until_state(sim, lead, LEAD_POOLED, 5000);
    story_until_state(sim, lead, LEAD_EXHAUSTED, 60000);
    assert_about(sim_now_ms(sim) - came_ms, 60000);
    assert_int_equal(story_of(sim, lead)->reason, REASON_MAX_AGE);
    assert_int_equal(sim_core(sim)->programmes[0].never_contacted, 0);
    sim_destroy(&sim);
}

static void a_lead_with_all_its_contacts_ends_with_its_last_owner(void **state)
{
    (void) state;
    struct policy *policy = rounds(1, 0);
    policy->programmes[0].attempts_min = 2;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = tried(sim, ana, 2);
    story_until_state(sim, lead, LEAD_OWNED, 5000);
    sim_run_ms(sim, FIRST_ACTION_MS + LET_GO_MS);
    assert_state(sim, lead, EXHAUSTED);
    assert_false(story_of(sim, lead)->alerted);
    sim_destroy(&sim);
}

/* proves features 5.1 max_age: wherever nobody has it; who works on it is not disturbed (003-27) */
static void what_is_too_old_ends_where_nobody_has_it_and_not_in_a_hand(void **state)
{
    (void) state;
    struct policy *policy = rounds(1, 9);
    policy->programmes[0].age_max_ms = 10000;
    policy->programmes[0].cool_off_ms = 60000;
    policy->programmes[0].vet_ms = 60000;
    struct sim *sim = story_new(policy);
    const struct id waits = story_lead(sim, "to-push", -1);
    struct sim_agent *ana = story_agent_of(sim, "ana", "east", INTENT_AVAILABLE, 2);
    const struct id rests = story_lead(sim, "to-push", 2), worked = story_lead(sim, "to-push", 1);
    sim_run_ms(sim, 5);
    assert_state(sim, waits, OFFERED); /* she was free; she lets it go */
    assert_int_equal(story_act(sim, ana, waits, VERB_DECLINE), REASON_OK);
    for (int i = 0; i < 2; i++) {
        const struct id lead = i ? rests : worked;
        story_until_owner(sim, lead, "ana", 3000);
        story_work_up_to(sim, ana, lead, i ? LEAD_OWNED : LEAD_WORKING);
    }
    for (int i = 0; i < 12; i++) {
        sim_run_ms(sim, 1000);
        assert_int_equal(story_act(sim, ana, worked, VERB_ACTION), REASON_OK);
        if (sim_state(sim, waits) == LEAD_OFFERED)
            story_act(sim, ana, waits, VERB_DECLINE);
        if (i == 7)
            assert_state(sim, rests, COOLING);
    }
    assert_state(sim, rests, EXHAUSTED);
    assert_int_equal(story_of(sim, rests)->reason, REASON_MAX_AGE);
    assert_state(sim, waits, EXHAUSTED);
    assert_state(sim, worked, WORKING);
    assert_int_equal(story_dispose(sim, ana, worked, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    assert_state(sim, worked, EXHAUSTED); /* nothing more is due */
    policy->programmes[0].vet = true;
    sim_apply(sim, policy);
    sim_run_ms(sim, 2);
    const struct id held = story_lead(sim, "to-push", 0);
    assert_state(sim, held, HELD);
    assert_about(story_until_state(sim, held, LEAD_EXHAUSTED, 20000), 10000);
    sim_destroy(&sim);
}

enum { MINUTE_MS = 60000, TO_MIDNIGHT_MIN = 107 }; /* the simulator's day has so many minutes left */

static struct policy *few_a_day(void)
{
    struct policy *policy = sim_policy();
    policy->heartbeat_ms = MINUTE_MS;
    policy->lease_ms = 10 * MINUTE_MS;
    policy->programmes[0].attempts_day = 2;
    policy->programmes[0].first_action_ms = policy->programmes[0].activity_ms = 24 * 60 * MINUTE_MS;
    policy->programmes[0].pipeline_grace_ms = MINUTE_MS;
    return policy;
}

/* proves 5.4 attempts a day: the next one waits for the next day, for its owner and for anybody else */
static void so_many_attempts_a_day_and_no_more(void **state)
{
    (void) state;
    struct sim *sim = story_new(few_a_day());
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = tried(sim, ana, 2);
    sim_run_ms(sim, 100 * (int64_t) MINUTE_MS);
    assert_state(sim, lead, PIPELINE);
    assert_false(story_of(sim, lead)->due);
    assert_int_equal(story_order(sim, lead, ORDER_RELEASE, "", 0), REASON_OK); /* a hand wins */
    assert_state(sim, lead, POOLED);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    story_until_owner(sim, lead, "ben", 10000);
    story_work_up_to(sim, ben, lead, LEAD_OWNED);
    assert_int_equal(story_act(sim, ben, lead, VERB_RELEASE), REASON_OK);
    assert_state(sim, lead, HELD); /* but the rules give it to nobody today */
    assert_int_equal(story_of(sim, lead)->reason, REASON_ATTEMPTS_DAY);
    struct sim_agent *cal = story_agent(sim, "cal", "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 5 * (int64_t) MINUTE_MS);
    assert_state(sim, lead, HELD);
    story_until_owner(sim, lead, "cal", 5 * MINUTE_MS);
    assert_int_equal(sim_now_ms(sim) / (24 * 60 * MINUTE_MS), 1700000000 / 86400 + 1); /* the next day */
    story_work_up_to(sim, cal, lead, LEAD_WORKING);
    assert_int_equal(story_dispose(sim, cal, lead, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    assert_int_equal(followup_look(story_of(sim, lead))->attempts_day, 1);
    sim_destroy(&sim);
}

/* proves 5.4 attempts a day: the day is that of the place the lead is in */
static void the_next_day_begins_where_the_lead_is(void **state)
{
    (void) state;
    struct policy *policy = few_a_day();
    policy->programmes[0].attempts_day = 1;
    policy->n_zones = 2; /* the cell's is UTC */
    policy->zones[1] = (struct policy_zone){.text = feature_text("there", 5), .zone.offset_s = 105 * 60};
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_chunk(sim, 1, "to-push", 0, 0, &(struct sim_row){.key = 5, .payload = "row-5", .zone = "there"}, 1);
    const struct id lead = sim_lead_id(5);
    sim_run_ms(sim, 2);
    story_work_up_to(sim, ana, lead, LEAD_WORKING);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    story_until_state(sim, lead, LEAD_OWNED, 2 * MINUTE_MS);
    assert_int_equal((sim_now_ms(sim) + 105 * MINUTE_MS) % (24 * 60 * MINUTE_MS) / 1000, 0); /* midnight there */
    sim_destroy(&sim);
}

/* proves 000-11: what was agreed with a customer stands; and it is the same owner's */
static void an_agreed_time_is_kept_whatever_was_tried_that_day(void **state)
{
    (void) state;
    struct policy *policy = few_a_day();
    policy->programmes[0].attempts_day = 1;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    story_work_up_to(sim, ana, lead, LEAD_WORKING);
    const int64_t now_ms = sim_now_ms(sim);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_CALLBACK, NULL), REASON_OK);
    story_until_state(sim, lead, LEAD_OWNED, 2 * MINUTE_MS);
    assert_about(sim_now_ms(sim) - now_ms, MINUTE_MS);
    assert_owner(sim, lead, "ana");
    sim_destroy(&sim);
}

static const char *field(struct sim *sim, struct id lead, const char *name)
{
    static char text[200];
    struct msg_report report;
    char hex[33];
    id_to_hex(lead, hex);
    core_report(sim_core(sim), &(struct msg_query){.what = QUERY_EXPLAIN, .arg = slice_of(hex, 32)}, &report);
    for (uint32_t i = 0; i < report.n_rows; i++)
        if (report.cells[2 * i].len == strlen(name) && memcmp(report.cells[2 * i].at, name, strlen(name)) == 0) {
            snprintf(text, sizeof text, "%.*s", (int) report.cells[2 * i + 1].len,
                     (const char *) report.cells[2 * i + 1].at);
            return text;
        }
    return "";
}

/* proves 003-14, 003-38, 003-40: taken back by one rule, given on by another, each told; push hands on to pull */
static void what_comes_back_goes_to_another_programme_and_both_decisions_are_told(void **state)
{
    (void) state;
    struct policy *policy = rounds(2, 1);
    policy->programmes[0].redistribute_to = 2; /* pull */
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *cal = story_agent(sim, "cal", "hunters", INTENT_ON_DEMAND);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_int_equal(story_act(sim, ana, lead, VERB_DECLINE), REASON_OK);
    assert_int_equal(story_of(sim, lead)->programme, 0); /* it was nobody's yet */
    sleep_on(sim, ana, lead);
    assert_state(sim, lead, POOLED);
    assert_int_equal(story_of(sim, lead)->programme, 1);
    assert_int_equal(story_of(sim, lead)->distributions, 1); /* counted over all programmes */
    assert_string_equal(field(sim, lead, "taken_because"), "no first action in time");
    assert_string_equal(field(sim, lead, "taken_from"), "ana");
    assert_string_equal(field(sim, lead, "goes_to"), "pull, by pull: redistribute_to of the programme it was in");
    sim_crash(sim);
    sim_run_ms(sim, 3000);
    assert_string_equal(field(sim, lead, "taken_because"), "no first action in time");
    assert_int_equal(story_of(sim, lead)->programme, 1);
    assert_int_equal(story_ready(sim, cal, 0), REASON_OK);
    assert_owner(sim, lead, "cal");
    sim_destroy(&sim);
}

/* Programmes keep their places when a file has them in another order; so does what they name. */
static void where_leads_go_is_known_by_name_and_not_by_place(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    struct sim *sim = story_new(policy);
    const struct programme pull = policy->programmes[1];
    policy->programmes[1] = policy->programmes[2];
    policy->programmes[2] = pull;
    for (uint32_t i = 0; i < policy->n_teams; i++)
        policy->teams[i].programme = policy->teams[i].programme ? 3 - policy->teams[i].programme : 0;
    for (uint32_t i = 0; i < policy->n_sources; i++)
        policy->sources[i].programme = policy->sources[i].programme ? 3 - policy->sources[i].programme : 0;
    policy->programmes[0].redistribute_to = 3;
    sim_apply(sim, policy);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_applied(sim, NULL), REASON_OK);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sleep_on(sim, ana, lead);
    assert_string_equal(field(sim, lead, "goes_to"), "pull, by pull: redistribute_to of the programme it was in");
    sim_destroy(&sim);
}

static void a_rested_lead_goes_to_the_other_programme_too(void **state)
{
    (void) state;
    struct policy *policy = rounds(1, 1);
    policy->programmes[0].redistribute_to = 2;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sleep_on(sim, ana, lead);
    assert_state(sim, lead, COOLING);
    story_until_state(sim, lead, LEAD_POOLED, 5000);
    assert_int_equal(story_of(sim, lead)->programme, 1);
    sim_destroy(&sim);
}

/* proves 004-15: marketing vets first; what it does not look at in time is not lost */
static void a_lead_is_vetted_before_it_goes_to_a_pool(void **state)
{
    (void) state;
    static const struct {
        enum disposition code;
        enum lead_state end;
    } ends[] = {{DISPOSITION_FAKE, LEAD_CLOSED_INVALID},
                {DISPOSITION_CANNOT_QUALIFY, LEAD_CLOSED_LOST},
                {DISPOSITION_DO_NOT_CALL, LEAD_SUPPRESSED}};
    struct policy *policy = sim_policy();
    policy->programmes[0].vet = true;
    policy->programmes[0].vet_ms = 7000;
    struct sim *sim = story_new(policy);
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id good = story_lead(sim, "to-push", 0), late = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 2);
    assert_state(sim, good, HELD);
    assert_int_equal(story_of(sim, good)->reason, REASON_VETTING);
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        const struct id bad = story_lead(sim, "to-push", 0);
        assert_int_equal(story_order(sim, bad, ORDER_REJECT, "", DISPOSITION_SALE), REASON_UNKNOWN_CODE);
        assert_int_equal(story_order(sim, bad, ORDER_REJECT, "", DISPOSITION_NO_ANSWER), REASON_UNKNOWN_CODE);
        assert_int_equal(story_order(sim, bad, ORDER_REJECT, "", ends[i].code), REASON_OK);
        assert_int_equal(sim_state(sim, bad), ends[i].end);
    }
    assert_int_equal(story_order(sim, good, ORDER_RELEASE, "", 0), REASON_OK);
    assert_owner(sim, good, "ana");
    story_until_owner(sim, late, "ana", 7000);
    policy->programmes[0].vet_rejects_late = true;
    sim_apply(sim, policy);
    sim_run_ms(sim, 2);
    policy->programmes[0].vet = false;
    policy->programmes[0].vet_some = policy->sources[1].vet = true;
    policy->sources[1].programme = 0;
    sim_apply(sim, policy);
    sim_run_ms(sim, 2);
    const struct id free = story_lead(sim, "to-push", 0), never = story_lead(sim, "to-pull", 0);
    assert_int_not_equal(sim_state(sim, free), LEAD_HELD); /* one source is vetted, the other is not */
    story_until_state(sim, never, LEAD_CLOSED_INVALID, 7010);
    assert_int_equal(story_of(sim, never)->reason, REASON_VET_LATE);
    sim_destroy(&sim);
}

/* proves 003-25, 3-05: who gives back untried, or lets it lie, pays, and more each time until she works */
static void giving_leads_back_untried_costs_more_each_time(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent_of(sim, "ana", "hunters", INTENT_ON_DEMAND, 0);
    int64_t penalty_ms = 500;
    for (int i = 0; i < 2; i++, penalty_ms *= 2) {
        const struct id lead = story_lead(sim, "to-pull", 0);
        assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
        assert_owner(sim, lead, "ana");
        assert_int_equal(story_act(sim, ana, lead, VERB_RELEASE), REASON_OK);
        assert_int_equal(story_ready(sim, ana, 0), REASON_PENALTY);
        assert_in_range(ana->ready.wait_ms, penalty_ms - 10, penalty_ms);
        sim_run_ms(sim, penalty_ms);
    }
    const struct id worked = story_lead(sim, "to-pull", 0);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    story_work_up_to(sim, ana, worked, LEAD_WORKING);
    assert_int_equal(story_act(sim, ana, worked, VERB_RELEASE), REASON_OK); /* tried: free of charge */
    const struct id late = story_lead(sim, "to-pull", 0);
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_owner(sim, late, "ana");
    sim_run_ms(sim, FIRST_ACTION_MS);
    assert_int_equal(story_ready(sim, ana, 0), REASON_PENALTY);
    assert_in_range(ana->ready.wait_ms, 480, 500);
    sim_destroy(&sim);
}

/* proves 000-08: whatever becomes of leads, none is without a living owner and without a deadline */
static void no_lead_is_ever_dead(void **state)
{
    (void) state;
    struct policy *policy = rounds(1, 1);
    policy->programmes[0].vet = true;
    policy->programmes[0].vet_ms = 1000;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    for (int i = 0; i < 6; i++)
        story_lead(sim, "to-push", 0);
    for (int i = 0; i < 60; i++) {
        struct msg_report report;
        sim_run_ms(sim, 500);
        if (i == 6)
            sim_silence(sim, ana, true);
        if (i == 20)
            sim_bye(sim, ben);
        for (uint32_t k = 0; k < ana->n_held && i < 6; k++)
            sim_act(sim, ana, ana->held[k].lead, VERB_ACCEPT, 0, NULL);
        core_report(sim_core(sim), &(struct msg_query){.what = QUERY_ORPHANS}, &report);
        assert_int_equal(report.reason, REASON_OK);
        assert_int_equal(report.n_rows, 0);
    }
    struct lead *lead = (struct lead *) story_of(sim, sim_lead_id(1000000));
    core_disarm(sim_core(sim), &lead->timer); /* it finds one, if there is one */
    struct msg_report report;
    core_report(sim_core(sim), &(struct msg_query){.what = QUERY_ORPHANS}, &report);
    assert_int_equal(report.n_rows, 1);
    core_arm(sim_core(sim), &lead->timer, lead->timer.at_ms, lead->timer.appointment);
    sim_destroy(&sim);
}

/* proves 003-15: no past owner is forgotten, however many declined meanwhile; and so many owners, and no more */
static void past_owners_are_remembered_and_bounded(void **state)
{
    (void) state;
    struct policy *policy = rounds(1, 40);
    policy->programmes[0].cool_off_ms = 10;
    policy->programmes[0].decline_exclusion_ms = 3600000;
    struct sim *sim = story_new(policy);
    struct core *core = sim_core(sim);
    const struct id lead = story_lead(sim, "to-push", 0);
    struct lead *it = (struct lead *) story_of(sim, lead);
    for (int i = 0; i < 120; i++) { /* who they are does not matter here */
        char name[16];
        snprintf(name, sizeof name, "agent-%d", i);
        assert_non_null(agent_new(core, slice_of(name, strlen(name)), core->n_agents));
        agent_touch(core, core->agents[i]);
    }
    for (uint32_t i = 0; i < POLICY_OWNERS_MAX - 1; i++)
        lead_exclude(core, it, i, REASON_EXCLUDED_PAST_OWNER, INT64_MAX);
    for (uint32_t i = 50; i < 120; i++)
        lead_exclude(core, it, i, REASON_DECLINED_UNTIL, run_ms(core) + 1000 + i);
    for (uint32_t i = 0; i < POLICY_OWNERS_MAX - 1; i++)
        assert_non_null(lead_excluded(it, i, run_ms(core)));
    assert_non_null(lead_excluded(it, 119, run_ms(core)));
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sleep_on(sim, ana, lead);
    assert_state(sim, lead, EXHAUSTED); /* rounds are left, but nobody else */
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_followup[] = {
    cmocka_unit_test(a_lead_that_nobody_worked_rests_and_goes_to_people_who_never_had_it),
    cmocka_unit_test(after_the_last_attempt_of_a_round_somebody_else_tries),
    cmocka_unit_test(below_the_least_number_of_contacts_only_age_ends_a_lead),
    cmocka_unit_test(a_lead_with_all_its_contacts_ends_with_its_last_owner),
    cmocka_unit_test(what_is_too_old_ends_where_nobody_has_it_and_not_in_a_hand),
    cmocka_unit_test(so_many_attempts_a_day_and_no_more),
    cmocka_unit_test(the_next_day_begins_where_the_lead_is),
    cmocka_unit_test(an_agreed_time_is_kept_whatever_was_tried_that_day),
    cmocka_unit_test(what_comes_back_goes_to_another_programme_and_both_decisions_are_told),
    cmocka_unit_test(where_leads_go_is_known_by_name_and_not_by_place),
    cmocka_unit_test(a_rested_lead_goes_to_the_other_programme_too),
    cmocka_unit_test(a_lead_is_vetted_before_it_goes_to_a_pool),
    cmocka_unit_test(giving_leads_back_untried_costs_more_each_time),
    cmocka_unit_test(past_owners_are_remembered_and_bounded),
    cmocka_unit_test(no_lead_is_ever_dead),
};
const size_t n_stories_of_followup = sizeof stories_of_followup / sizeof *stories_of_followup;
