/* SPDX-License-Identifier: Apache-2.0
 * stories_hours.c - when a lead may be called, where it is. The simulated world begins on a Tuesday at 22:13:20 UTC;
 * five hours west of it, where most of these leads are, that is 17:13:20. */
#include "tests/sim/story.h"

enum { SECOND_MS = 1000, MINUTE_MS = 60000, HOUR_MS = 60 * MINUTE_MS, TUESDAY = 1440 };

static struct policy_zone zone(const char *name, int32_t offset_h)
{
    struct policy_zone zone = {.text = feature_text(name, strlen(name)), .leads = true};
    zone.zone.offset_s = offset_h * 3600;
    snprintf(zone.zone.name, sizeof zone.zone.name, "%s", name);
    return zone;
}

/* On each day from one time to another, minutes of the day there. */
static void set_hours(struct policy *policy, uint32_t which, uint32_t from_min, uint32_t to_min)
{
    struct hours *hours = &policy->hours[which].hours;
    hours->n_spans = 7;
    for (uint32_t day = 0; day < 7; day++)
        hours->spans[day] = (struct hours_span){day * 1440 + from_min, day * 1440 + to_min};
}

/* West, and east six hours before it. All leads may be called from one time to another. */
static struct policy *calling(uint32_t from_min, uint32_t to_min)
{
    struct policy *policy = sim_policy();
    policy->n_zones = 3;
    policy->zones[1] = zone("west", -5);
    policy->zones[2] = zone("east", +1);
    policy->n_hours = 2;
    set_hours(policy, 0, from_min, to_min);
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        policy->programmes[i].n_calling = 1;
        policy->programmes[i].calling[0] = (struct calling){.hours = 0};
    }
    return policy;
}

/* Until it is so many minutes after midnight, UTC, the next time. */
static int64_t until_ms(const struct sim *sim, uint32_t minute)
{
    const int64_t of_day_ms = sim_now_ms(sim) % DAY_MS, wanted_ms = (int64_t) minute * MINUTE_MS;
    return wanted_ms - of_day_ms + (wanted_ms <= of_day_ms ? DAY_MS : 0);
}

static struct id lead_in(struct sim *sim, const char *zone, const char *state)
{
    const uint32_t key = 1000000 + (uint32_t) sim_core(sim)->leads.n;
    char payload[24];
    snprintf(payload, sizeof payload, "row-%u", key);
    sim_chunk(sim, key, "to-push", 0, 0,
              &(struct sim_row){.key = key, .payload = payload, .zone = zone, .state = state}, 1);
    sim_run_ms(sim, 2);
    return sim_lead_id(key);
}

enum { OPENS = 17 * 60 + 14, CLOSES = 17 * 60 + 16 }; /* 40 s and 160 s after the beginning */

/* proves 4-14 */
static void a_lead_that_comes_too_early_is_held_and_offered_when_it_may_be_called(void **state)
{
    (void) state;
    struct sim *sim = story_new(calling(OPENS, CLOSES));
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = lead_in(sim, "west", NULL);
    assert_state(sim, lead, HELD);
    assert_int_equal(story_of(sim, lead)->reason, REASON_LEAD_OUT_OF_HOURS);
    assert_about(story_until_state(sim, lead, LEAD_OFFERED, MINUTE_MS), 40 * SECOND_MS - 12);
    sim_destroy(&sim);
}

static void hours_on_hold_are_no_wait_that_alarms_when_the_first_one_declines(void **state)
{
    (void) state;
    struct sim *sim = story_new(calling(OPENS, CLOSES));
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = lead_in(sim, "west", NULL);
    story_until_state(sim, lead, LEAD_OFFERED, MINUTE_MS); /* longer than all its rings */
    sim_run_ms(sim, 2);
    assert_int_equal(story_act(sim, ana, lead, VERB_DECLINE), REASON_OK);
    assert_state(sim, lead, POOLED);
    assert_false(story_of(sim, lead)->alerted);
    assert_int_equal(sim_core(sim)->programmes[0].alerts, 0);
    sim_destroy(&sim);
}

static void it_waits_over_a_restart_and_a_stall_for_the_hour_that_was_meant(void **state)
{
    (void) state;
    struct sim *sim = story_new(calling(OPENS, CLOSES));
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = lead_in(sim, "west", NULL);
    sim_crash(sim);
    sim_run_ms(sim, 100);
    sim_stall(sim, 10 * SECOND_MS);
    sim_hello(sim, ana);
    assert_state(sim, lead, HELD);
    const int64_t before_ms = sim_now_ms(sim);
    story_until_state(sim, lead, LEAD_OFFERED, MINUTE_MS);
    assert_about(sim_now_ms(sim), INT64_C(1700000000000) + 40 * SECOND_MS + 3);
    assert_true(sim_now_ms(sim) > before_ms);
    sim_destroy(&sim);
}

static void one_that_nobody_took_is_held_when_its_hours_end_and_nobody_is_alarmed(void **state)
{
    (void) state;
    struct sim *sim = story_new(calling(17 * 60, CLOSES));
    const struct id lead = lead_in(sim, "west", NULL);
    assert_state(sim, lead, POOLED);
    story_until_state(sim, lead, LEAD_HELD, 3 * MINUTE_MS);
    const uint64_t alerts = sim_core(sim)->programmes[0].alerts;
    sim_run_ms(sim, until_ms(sim, 22 * 60) - 100); /* 17:00 there */
    assert_state(sim, lead, HELD);
    assert_int_equal(sim_core(sim)->programmes[0].alerts, alerts);
    story_until_state(sim, lead, LEAD_POOLED, 200);
    assert_int_equal(sim_now_ms(sim) / MINUTE_MS % 1440, 22 * 60);
    sim_destroy(&sim);
}

static void who_comes_after_hours_gets_nothing_of_what_still_waits(void **state)
{
    (void) state;
    struct policy *policy = calling(17 * 60, OPENS);
    policy->programmes[0].unclaimed_ms = 10 * MINUTE_MS;
    struct sim *sim = story_new(policy);
    const struct id lead = lead_in(sim, "west", NULL);
    story_stays(sim, lead, LEAD_POOLED, 45 * SECOND_MS);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 10);
    assert_state(sim, lead, HELD);
    assert_int_equal(story_offered_to(sim, ana), 0);
    sim_destroy(&sim);
}

static void give_the_first(void *context, const struct msg_request *request, struct verdict *verdicts,
                           struct msg_decision *decision)
{
    (void) context;
    (void) decision;
    if (request->n_leads && request->n_agents)
        verdicts[0] = (struct verdict){.agent = 1};
}

static void a_decision_that_comes_after_closing_does_not_hold(void **state)
{
    (void) state;
    struct policy *policy = calling(17 * 60, OPENS);
    policy->scorer_deadline_ms = 5000;
    struct sim *sim = story_new(policy);
    sim_workers(sim, 1);
    sim_judge(sim, give_the_first, NULL, 3 * 1000000, false);
    sim_run_ms(sim, 38 * SECOND_MS);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = lead_in(sim, "west", NULL);
    assert_state(sim, lead, POOLED); /* the worker thinks until 17:14:01 */
    story_until_state(sim, lead, LEAD_HELD, 10 * SECOND_MS);
    assert_int_equal(story_offered_to(sim, ana), 0);
    sim_destroy(&sim);
}

static void nobody_may_begin_a_call_after_hours_and_nobody_is_blamed_for_it(void **state)
{
    (void) state;
    struct sim *sim = story_new(calling(17 * 60, OPENS));
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 38 * SECOND_MS);
    const struct id lead = lead_in(sim, "west", NULL);
    sim_run_ms(sim, 10);
    story_work_up_to(sim, ana, lead, LEAD_OWNED);
    sim_run_ms(sim, 2 * SECOND_MS);
    assert_int_equal(story_act(sim, ana, lead, VERB_ACTION), REASON_LEAD_OUT_OF_HOURS);
    story_until_state(sim, lead, LEAD_HELD, 10 * SECOND_MS); /* its first action would be due */
    assert_int_equal(story_of(sim, lead)->distributions, 0);
    assert_int_equal(story_of(sim, lead)->n_excludes, 0);
    sim_destroy(&sim);
}

static void what_is_due_at_night_comes_back_to_its_owner_in_the_morning(void **state)
{
    (void) state;
    struct policy *policy = calling(17 * 60, OPENS);
    policy->programmes[0].gap_ms[0] = MINUTE_MS;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    const struct id lead = lead_in(sim, "west", NULL);
    sim_run_ms(sim, 10);
    story_work_up_to(sim, ana, lead, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    sim_run_ms(sim, 2 * MINUTE_MS);
    sim_stall(sim, 20 * HOUR_MS);
    sim_run_ms(sim, until_ms(sim, 22 * 60) - 100); /* 17:00 there */
    assert_state(sim, lead, PIPELINE);
    assert_owner(sim, lead, "ana");
    story_until_state(sim, lead, LEAD_OWNED, 200);
    assert_owner(sim, lead, "ana");
    assert_int_equal(sim_now_ms(sim) / MINUTE_MS % 1440, 22 * 60);
    sim_destroy(&sim);
}

static void one_that_is_nowhere_known_is_called_when_it_is_allowed_everywhere(void **state)
{
    (void) state;
    /* 08:00 to 18:00: in the east from 07:00 to 17:00 UTC, in the west from 13:00 to 23:00 */
    struct sim *sim = story_new(calling(8 * 60, 18 * 60));
    const struct id here = lead_in(sim, "west", NULL), nowhere = lead_in(sim, NULL, NULL),
                    elsewhere = lead_in(sim, "moon", NULL);
    assert_state(sim, here, POOLED);
    assert_state(sim, nowhere, HELD);
    assert_state(sim, elsewhere, HELD);
    sim_run_ms(sim, until_ms(sim, 13 * 60) - 100);
    assert_state(sim, nowhere, HELD);
    story_until_state(sim, nowhere, LEAD_POOLED, 200);
    assert_int_equal(sim_now_ms(sim) / MINUTE_MS % 1440, 13 * 60);
    sim_destroy(&sim);
}

static void a_state_with_hours_of_its_own_has_those_and_one_without_a_state_all(void **state)
{
    (void) state;
    struct policy *policy = calling(0, 1440);
    set_hours(policy, 1, 9 * 60, 17 * 60);
    policy->programmes[0].calling[policy->programmes[0].n_calling++] = (struct calling){1, feature_text("TX", 2)};
    struct sim *sim = story_new(policy);
    assert_int_equal(sim_state(sim, lead_in(sim, "west", "CA")), LEAD_POOLED);
    assert_int_equal(sim_state(sim, lead_in(sim, "west", "TX")), LEAD_HELD);
    assert_int_equal(sim_state(sim, lead_in(sim, "west", NULL)), LEAD_HELD);
    sim_destroy(&sim);
}

static void other_hours_come_into_force_at_once(void **state)
{
    (void) state;
    struct sim *sim = story_new(calling(9 * 60, 17 * 60));
    const struct id lead = lead_in(sim, "west", NULL);
    assert_state(sim, lead, HELD);
    sim_apply(sim, calling(9 * 60, 20 * 60));
    sim_run_ms(sim, 5);
    assert_state(sim, lead, POOLED);
    sim_apply(sim, calling(9 * 60, 17 * 60));
    sim_run_ms(sim, 5);
    story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 5);
    assert_state(sim, lead, HELD);
    sim_destroy(&sim);
}

/* It waits for the old hours, and nobody would look before. */
static void hours_that_open_sooner_wake_what_waits_for_the_old_ones_when_they_open(void **state)
{
    (void) state;
    struct policy *policy = calling(17 * 60, OPENS);
    policy->programmes[0].gap_ms[0] = 45 * SECOND_MS;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id tried = lead_in(sim, "west", NULL);
    sim_run_ms(sim, 10);
    story_work_up_to(sim, ana, tried, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, tried, DISPOSITION_NO_ANSWER, NULL), REASON_OK);
    sim_run_ms(sim, 50 * SECOND_MS);
    const struct id fresh = lead_in(sim, "west", NULL);
    assert_state(sim, fresh, HELD); /* until 17:00 tomorrow */
    assert_state(sim, tried, PIPELINE);
    assert_int_equal(story_of(sim, tried)->reason, REASON_LEAD_OUT_OF_HOURS);
    sim_apply(sim, calling(CLOSES, 18 * 60)); /* 17:16, today */
    sim_run_ms(sim, 5);
    assert_int_equal(sim_applied(sim, NULL), REASON_OK);
    assert_state(sim, fresh, HELD);
    sim_crash(sim);
    sim_run_ms(sim, until_ms(sim, 22 * 60 + 16) - 100);
    assert_state(sim, fresh, HELD);
    assert_state(sim, tried, PIPELINE);
    story_until_state(sim, fresh, LEAD_OFFERED, 200);
    assert_state(sim, tried, OWNED);
    assert_owner(sim, tried, "ana");
    sim_destroy(&sim);
}

static void not_even_a_hand_gives_a_lead_that_may_not_be_called(void **state)
{
    (void) state;
    struct sim *sim = story_new(calling(OPENS, CLOSES));
    story_agent(sim, "ana", "east", INTENT_ON_DEMAND);
    const struct id lead = lead_in(sim, "west", NULL);
    assert_state(sim, lead, HELD);
    assert_int_equal(story_order(sim, lead, ORDER_ASSIGN, "ana", 0), REASON_LEAD_OUT_OF_HOURS);
    assert_state(sim, lead, HELD);
    sim_run_ms(sim, 41 * SECOND_MS);
    assert_int_equal(story_order(sim, lead, ORDER_ASSIGN, "ana", 0), REASON_OK);
    assert_owner(sim, lead, "ana");
    sim_destroy(&sim);
}

/* proves 4-14: over a change of the clocks, no call at a forbidden hour. The watch is kept by another clock. */
static void over_a_change_of_the_clocks_nothing_is_offered_or_begun_at_a_forbidden_hour(void **state)
{
    (void) state;
    enum { HOURS = 54 };
    struct policy *policy = calling(8 * 60, 21 * 60);
    struct zone *west = &policy->zones[1].zone;
    const int64_t turn_s = 1700000000 + 30 * 3600; /* from -5 h to -6 h, at 04:13:20 UTC on Thursday */
    *west = (struct zone){.name = "west", .offset_s = -5 * 3600, .n_turns = 1, .turns = {{turn_s, -6 * 3600}}};
    policy->heartbeat_ms = 5000;
    policy->lease_ms = 20000;
    struct sim *sim = story_new(policy);
    sim_audit_every(sim, 1000);
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "agent-%d", i);
        sim_agent(sim, name, "east", INTENT_AVAILABLE);
    }
    sim_run_ms(sim, 45 * MINUTE_MS + 40 * SECOND_MS); /* a minute before the hour */
    uint32_t handed = 0;
    struct id leads[HOURS];
    for (uint32_t hour = 0; hour < HOURS; hour++) {
        leads[hour] = lead_in(sim, hour % 3 ? "west" : "east", NULL);
        sim_run_ms(sim, 2 * MINUTE_MS - 2);
        for (uint32_t i = 0; i <= hour; i++) {
            const struct past *past = story_of(sim, leads[i])->past;
            if (!past || !past->decision.at_us)
                continue;
            const int64_t at_s = past->decision.at_us / 1000000;
            const int64_t local_s = at_s + (i % 3 == 0 ? 3600 : at_s >= turn_s ? -6 * 3600 : -5 * 3600);
            assert_in_range(local_s % 86400, 8 * 3600, 21 * 3600 - 1);
            handed++;
        }
        sim_stall(sim, 58 * MINUTE_MS);
    }
    assert_true(handed > 0);
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_hours[] = {
    cmocka_unit_test(a_lead_that_comes_too_early_is_held_and_offered_when_it_may_be_called),
    cmocka_unit_test(hours_on_hold_are_no_wait_that_alarms_when_the_first_one_declines),
    cmocka_unit_test(it_waits_over_a_restart_and_a_stall_for_the_hour_that_was_meant),
    cmocka_unit_test(one_that_nobody_took_is_held_when_its_hours_end_and_nobody_is_alarmed),
    cmocka_unit_test(who_comes_after_hours_gets_nothing_of_what_still_waits),
    cmocka_unit_test(a_decision_that_comes_after_closing_does_not_hold),
    cmocka_unit_test(nobody_may_begin_a_call_after_hours_and_nobody_is_blamed_for_it),
    cmocka_unit_test(what_is_due_at_night_comes_back_to_its_owner_in_the_morning),
    cmocka_unit_test(one_that_is_nowhere_known_is_called_when_it_is_allowed_everywhere),
    cmocka_unit_test(a_state_with_hours_of_its_own_has_those_and_one_without_a_state_all),
    cmocka_unit_test(other_hours_come_into_force_at_once),
    cmocka_unit_test(hours_that_open_sooner_wake_what_waits_for_the_old_ones_when_they_open),
    cmocka_unit_test(not_even_a_hand_gives_a_lead_that_may_not_be_called),
    cmocka_unit_test(over_a_change_of_the_clocks_nothing_is_offered_or_begun_at_a_forbidden_hour),
};
const size_t n_stories_of_hours = sizeof stories_of_hours / sizeof *stories_of_hours;
