/* SPDX-License-Identifier: Apache-2.0
 * stories_contacts.c - the same person twice, and people who must not be called. */
#include "tests/sim/story.h"

#include <stdio.h>

struct person {
    const char *name, *phone, *email, *street;
};
static const struct person ada = {"Ada Byron", "310/246-1501", "Ada@Example.com", "12 St James's Square"};

static struct sim *world_of(enum duplicates duplicates)
{
    struct policy *policy = sim_policy();
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        policy->programmes[i].duplicates = duplicates;
        policy->programmes[i].look_back_ms = DAY_MS;
        policy->programmes[i].decline_exclusion_ms = 0;
    }
    return story_new(policy);
}

/* A field of an encoded Lead: numbers 16 to 19 take two bytes of tag. */
static char *put_field(char *at, int number, const char *text)
{
    if (text)
        at += sprintf(at, "%c%c%c%s", (number << 3 & 0x7f) | 0x82, 1, (int) strlen(text), text);
    return at;
}

static struct id lead_of(struct sim *sim, const char *source, const struct person *person)
{
    const uint32_t key = 1000000 + sim_receipt(sim)->n_heard;
    char payload[512], *at = payload;
    *at = '\0';
    at = put_field(at, 16, person->name);
    at = put_field(at, 17, person->phone);
    at = put_field(at, 18, person->email);
    at = put_field(at, 19, person->street);
    sim_chunk(sim, key, source, 0, 0, &(struct sim_row){.key = key, .payload = payload}, 1);
    sim_run_ms(sim, 2);
    return sim_lead_id(key);
}

static enum reason outcome(const struct sim *sim)
{
    return (enum reason) sim_receipt(sim)->outcomes[0];
}
static uint32_t warnings(const struct sim *sim) /* the simulated edge hands over the name alone */
{
    return sim_receipt(sim)->warnings[0] & ~(uint32_t) ROW_WARNING_NO_REACH;
}

/* ---- duplicates -------------------------------------------------------------------------- */

static void a_second_row_of_a_person_is_refused_and_names_the_first(void **state)
{
    (void) state;
    static const struct person again[] = {
        {"someone else", NULL, "ADA@example.com", NULL},                   /* the e-mail alone */
        {"ADA BYRON", "+1 (310) 246-1501", NULL, NULL},                    /* the phone and the name */
        {"A. King", "310.246.1501 ext. 7", NULL, "12 St. James's Square"}, /* the phone and the street */
    };
    struct sim *sim = world_of(DUPLICATES_REJECT);
    const struct id first = lead_of(sim, "to-push", &ada);
    assert_int_equal(outcome(sim), REASON_OK);
    for (int crashed = 0; crashed < 2; crashed++) {
        for (size_t i = 0; i < 3; i++) {
            lead_of(sim, "to-push", &again[i]);
            assert_int_equal(outcome(sim), REASON_DUPLICATE_CONTACT);
            assert_true(id_equal(sim_receipt(sim)->leads[0], first));
        }
        sim_crash(sim);
        sim_run_ms(sim, 10);
    }
    assert_int_equal(sim_core(sim)->leads.n, 1);
    sim_destroy(&sim);
}

static void a_phone_alone_is_a_warning_and_no_more(void **state)
{
    (void) state;
    static const struct person other = {"Charles Babbage", "310-246-1501", "charles@example.com", "1 Dorset St"};
    static const enum duplicates all[] = {DUPLICATES_REJECT, DUPLICATES_MERGE, DUPLICATES_ATTACH};
    for (size_t i = 0; i < 3; i++) {
        struct sim *sim = world_of(all[i]);
        lead_of(sim, "to-push", &ada);
        const struct id lead = lead_of(sim, "to-push", &other);
        assert_int_equal(outcome(sim), REASON_OK);
        assert_int_equal(warnings(sim), ROW_WARNING_PHONE_KNOWN);
        assert_state(sim, lead, POOLED);
        sim_destroy(&sim);
    }
}

static void after_the_look_back_it_is_a_new_lead(void **state)
{
    (void) state;
    struct sim *sim = world_of(DUPLICATES_REJECT);
    lead_of(sim, "to-push", &ada);
    sim_run_ms(sim, DAY_MS - 1000);
    lead_of(sim, "to-push", &ada);
    assert_int_equal(outcome(sim), REASON_DUPLICATE_CONTACT);
    sim_run_ms(sim, 2000);
    lead_of(sim, "to-push", &ada);
    assert_int_equal(outcome(sim), REASON_OK);
    assert_int_equal(warnings(sim), 0);
    sim_destroy(&sim);
}

static void without_the_key_and_for_another_programme_nothing_is_compared(void **state)
{
    (void) state;
    struct sim *sim = world_of(DUPLICATES_ACCEPT);
    lead_of(sim, "to-push", &ada);
    assert_state(sim, lead_of(sim, "to-push", &ada), POOLED);
    assert_int_equal(warnings(sim), 0);
    assert_false(sim_core(sim)->contacts.indexed);
    sim_destroy(&sim);
    sim = world_of(DUPLICATES_REJECT);
    lead_of(sim, "to-push", &ada);
    assert_state(sim, lead_of(sim, "to-pull", &ada), POOLED);
    sim_destroy(&sim);
}

static void a_merged_row_is_a_lead_that_ended_and_both_name_each_other(void **state)
{
    (void) state;
    struct sim *sim = world_of(DUPLICATES_MERGE);
    const struct id first = lead_of(sim, "to-push", &ada);
    const struct id second = lead_of(sim, "to-push", &ada), third = lead_of(sim, "to-push", &ada);
    assert_int_equal(outcome(sim), REASON_OK);
    assert_int_equal(warnings(sim), ROW_WARNING_MERGED);
    for (int crashed = 0; crashed < 2; crashed++) {
        assert_state(sim, first, POOLED);
        assert_state(sim, second, DUPLICATE);
        assert_state(sim, third, DUPLICATE);
        assert_true(id_equal(story_of(sim, second)->past->kin, first));
        assert_true(id_equal(story_of(sim, third)->past->kin, first));
        assert_true(id_equal(story_of(sim, first)->past->kin, third));
        assert_int_equal(story_of(sim, first)->past->merged, 2);
        sim_crash(sim);
        sim_run_ms(sim, 10);
    }
    sim_destroy(&sim);
}

static void an_attached_lead_goes_to_the_owner_of_the_first_while_it_is_live(void **state)
{
    (void) state;
    struct sim *sim = world_of(DUPLICATES_ATTACH);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id first = lead_of(sim, "to-push", &ada);
    story_until_owner(sim, first, "ana", 1000);
    story_work_up_to(sim, ana, first, LEAD_WORKING);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE); /* has waited longer than ana since her last lead */
    const struct id second = lead_of(sim, "to-push", &ada);
    assert_int_equal(warnings(sim), ROW_WARNING_SAME_PERSON);
    story_until_owner(sim, second, "ana", 1000);
    story_work_up_to(sim, ana, second, LEAD_WORKING);
    assert_int_equal(story_dispose(sim, ana, first, DISPOSITION_SALE, "n"), REASON_OK);
    assert_int_equal(story_dispose(sim, ana, second, DISPOSITION_SALE, "n"), REASON_OK);
    const struct id third = lead_of(sim, "to-push", &ada); /* nobody owns the first any more */
    sim_run_ms(sim, 100);
    assert_int_not_equal(story_of(sim, third)->ring, RING_AGENT);
    sim_destroy(&sim);
}

/* Nobody vets a lead for the other source's sake, nor skips it for its owner's. */
static void a_second_row_from_a_vetted_source_is_vetted_though_its_person_has_an_owner(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    snprintf(policy->sources[policy->n_sources].name, sizeof policy->sources[0].name, "to-vet");
    policy->sources[policy->n_sources++].vet = true;
    policy->programmes[0].vet_some = true;
    policy->programmes[0].vet_ms = 60000;
    policy->programmes[0].duplicates = DUPLICATES_ATTACH;
    policy->programmes[0].look_back_ms = DAY_MS;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id first = lead_of(sim, "to-push", &ada);
    story_until_owner(sim, first, "ana", 100);
    story_work_up_to(sim, ana, first, LEAD_WORKING);
    const struct id second = lead_of(sim, "to-vet", &ada);
    assert_int_equal(warnings(sim), ROW_WARNING_SAME_PERSON);
    story_stays(sim, second, LEAD_HELD, 1000);
    assert_int_equal(story_of(sim, second)->reason, REASON_VETTING);
    assert_null(sim_held(ana, second));
    assert_int_equal(story_order(sim, second, ORDER_RELEASE, "", 0), REASON_OK); /* it is good */
    story_until_state(sim, second, LEAD_OFFERED, 100);
    sim_destroy(&sim);
}

/* ---- do not call ----------------------------------------------------------------------------- */

static void who_must_not_be_called_is_refused_at_the_door(void **state)
{
    (void) state;
    struct sim *sim = world_of(DUPLICATES_ACCEPT);
    sim_suppress(sim, "+1 310 246 1501\nnonsense\ncharles@example.com", false);
    sim_run_ms(sim, 10);
    for (int crashed = 0; crashed < 2; crashed++) {
        lead_of(sim, "to-push", &ada);
        assert_int_equal(outcome(sim), REASON_SUPPRESSED_CONTACT);
        assert_true(id_is_none(sim_receipt(sim)->leads[0]));
        lead_of(sim, "to-pull", &(struct person){"C. B.", NULL, "Charles@Example.COM", NULL});
        assert_int_equal(outcome(sim), REASON_SUPPRESSED_CONTACT);
        sim_crash(sim);
        sim_run_ms(sim, 10);
    }
    sim_suppress(sim, "310-246-1501", true);
    sim_run_ms(sim, 10);
    for (int crashed = 0; crashed < 2; crashed++) {
        lead_of(sim, "to-push", &ada);
        assert_int_equal(outcome(sim), REASON_OK);
        sim_crash(sim);
        sim_run_ms(sim, 10);
    }
    sim_destroy(&sim);
}

static void a_lead_that_waits_ends_at_once(void **state)
{
    (void) state;
    struct sim *sim = world_of(DUPLICATES_ACCEPT);
    const struct id lead = lead_of(sim, "to-push", &ada),
                    other = lead_of(sim, "to-push", &(struct person){.name = "B"});
    sim_suppress(sim, "3102461501", false);
    assert_state(sim, lead, SUPPRESSED);
    assert_state(sim, other, POOLED);
    assert_int_equal(story_of(sim, lead)->reason, REASON_SUPPRESSED_CONTACT);
    sim_destroy(&sim);
}

static void a_lead_that_is_held_for_its_hours_ends_at_once(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->n_zones = 2;
    policy->zones[1] = (struct policy_zone){.text = feature_text("there", 5), .leads = true};
    policy->n_hours = 1;
    policy->hours[0].hours = (struct hours){.n_spans = 1, .spans = {{600, 660}}}; /* once a week */
    policy->programmes[0].n_calling = 1;
    struct sim *sim = story_new(policy);
    const struct id lead = lead_of(sim, "to-push", &ada);
    assert_state(sim, lead, HELD);
    sim_suppress(sim, "3102461501", false);
    assert_state(sim, lead, SUPPRESSED);
    sim_run_ms(sim, 10);
    sim_destroy(&sim);
}

static void a_lead_in_a_hand_is_withdrawn_and_ends(void **state)
{
    (void) state;
    static const enum lead_state states[] = {LEAD_OFFERED, LEAD_OWNED, LEAD_WORKING, LEAD_WRAP_UP};
    for (size_t i = 0; i < 4; i++) {
        struct sim *sim = world_of(DUPLICATES_ACCEPT);
        struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
        const struct id lead = lead_of(sim, "to-push", &ada);
        story_until_owner(sim, lead, "ana", 1000);
        story_work_up_to(sim, ana, lead, states[i]);
        sim_suppress(sim, "ada@example.com", false);
        assert_state(sim, lead, REVOKING);
        assert_in_range(story_until_state(sim, lead, LEAD_SUPPRESSED, 1000), 0, 200);
        assert_int_equal(ana->withdrawal.reason, REASON_SUPPRESSED_CONTACT);
        assert_null(sim_held(ana, lead));
        sim_destroy(&sim);
    }
}

static void a_silent_agents_lead_ends_when_it_cannot_be_shown_any_more(void **state)
{
    (void) state;
    struct sim *sim = world_of(DUPLICATES_ACCEPT);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = lead_of(sim, "to-push", &ada);
    story_until_owner(sim, lead, "ana", 1000);
    sim_silence(sim, ana, true);
    sim_suppress(sim, "ada@example.com", false);
    sim_run_ms(sim, 100);
    assert_state(sim, lead, REVOKING);
    sim_crash(sim);
    story_until_state(sim, lead, LEAD_SUPPRESSED, 120000);
    sim_destroy(&sim);
}

/* The promise to the next one ends with the lead, also in the log. */
static void a_lead_promised_by_hand_and_suppressed_meanwhile_goes_to_nobody_also_after_a_crash(void **state)
{
    (void) state;
    struct sim *sim = world_of(DUPLICATES_ACCEPT);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_ON_DEMAND);
    const struct id lead = lead_of(sim, "to-push", &ada);
    story_until_owner(sim, lead, "ana", 1000);
    story_work_up_to(sim, ana, lead, LEAD_OWNED);
    ana->clings = true;
    assert_int_equal(story_order(sim, lead, ORDER_ASSIGN, "ben", 0), REASON_OK);
    assert_state(sim, lead, REVOKING);
    sim_suppress(sim, "ada@example.com", false);
    assert_int_equal(story_order(sim, lead, ORDER_ASSIGN, "ben", 0), REASON_SUPPRESSED_CONTACT);
    sim_silence(sim, ana, true);
    story_until_state(sim, lead, LEAD_SUPPRESSED, 10000);
    sim_crash(sim); /* what loads must take each row, and be what was */
    sim_run_ms(sim, 2000);
    assert_state(sim, lead, SUPPRESSED);
    assert_null(sim_held(ben, lead));
    sim_destroy(&sim);
}

static void a_lead_that_was_to_come_back_does_not(void **state)
{
    (void) state;
    struct sim *sim = world_of(DUPLICATES_ACCEPT);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = lead_of(sim, "to-push", &ada);
    story_until_owner(sim, lead, "ana", 1000);
    story_work_up_to(sim, ana, lead, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_NO_ANSWER, "n"), REASON_OK);
    assert_state(sim, lead, PIPELINE);
    sim_suppress(sim, "ada@example.com", false);
    story_until_state(sim, lead, LEAD_SUPPRESSED, 120000);
    sim_destroy(&sim);
}

static void a_lead_that_rests_ends_at_once(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->programmes[0].attempts_max = 1;
    policy->programmes[0].recycles_max = 1;
    policy->programmes[0].cool_off_ms = DAY_MS;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = lead_of(sim, "to-push", &ada);
    story_until_owner(sim, lead, "ana", 1000);
    story_work_up_to(sim, ana, lead, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_NO_ANSWER, "n"), REASON_OK);
    story_until_state(sim, lead, LEAD_COOLING, 20000);
    sim_suppress(sim, "ada@example.com", false);
    assert_state(sim, lead, SUPPRESSED);
    sim_destroy(&sim);
}

static void what_a_customer_tells_one_agent_holds_everywhere(void **state)
{
    (void) state;
    struct sim *sim = world_of(DUPLICATES_ACCEPT);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = lead_of(sim, "to-push", &ada);
    story_until_owner(sim, lead, "ana", 1000);
    story_work_up_to(sim, ana, lead, LEAD_WORKING);
    const struct id by_phone = lead_of(sim, "to-pull", &(struct person){.name = "Ada King", .phone = "310 246 1501"});
    const struct id by_email = lead_of(sim, "to-pushpull", &(struct person){.email = "ada@example.com"});
    assert_int_equal(story_dispose(sim, ana, lead, DISPOSITION_DO_NOT_CALL, "n"), REASON_OK);
    assert_state(sim, lead, SUPPRESSED);
    assert_state(sim, by_phone, SUPPRESSED);
    assert_state(sim, by_email, SUPPRESSED);
    sim_crash(sim);
    sim_run_ms(sim, 10);
    lead_of(sim, "to-push", &ada);
    assert_int_equal(outcome(sim), REASON_SUPPRESSED_CONTACT);
    sim_destroy(&sim);
}

static void a_number_that_thousands_share_is_found_in_all_of_them(void **state)
{
    (void) state;
    struct sim *sim = world_of(DUPLICATES_REJECT);
    for (int i = 0; i < 3000; i++) { /* through many splits of the index */
        char name[16], email[32];
        snprintf(name, sizeof name, "n%d", i);
        snprintf(email, sizeof email, "n%d@example.com", i);
        lead_of(sim, "to-push", &(struct person){name, i % 3 ? NULL : "2025550100", email, NULL});
        assert_int_equal(outcome(sim), REASON_OK);
    }
    for (int i = 0; i < 3000; i += 7) {
        char email[32];
        snprintf(email, sizeof email, "N%d@example.com", i);
        lead_of(sim, "to-push", &(struct person){.email = email});
        assert_int_equal(outcome(sim), REASON_DUPLICATE_CONTACT);
    }
    sim_suppress(sim, "202-555-0100", false);
    assert_int_equal(sim_core(sim)->programmes[0].count[LEAD_SUPPRESSED], 1000);
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_contacts[] = {
    cmocka_unit_test(a_second_row_of_a_person_is_refused_and_names_the_first),
    cmocka_unit_test(a_phone_alone_is_a_warning_and_no_more),
    cmocka_unit_test(after_the_look_back_it_is_a_new_lead),
    cmocka_unit_test(without_the_key_and_for_another_programme_nothing_is_compared),
    cmocka_unit_test(a_merged_row_is_a_lead_that_ended_and_both_name_each_other),
    cmocka_unit_test(an_attached_lead_goes_to_the_owner_of_the_first_while_it_is_live),
    cmocka_unit_test(a_second_row_from_a_vetted_source_is_vetted_though_its_person_has_an_owner),
    cmocka_unit_test(who_must_not_be_called_is_refused_at_the_door),
    cmocka_unit_test(a_lead_that_waits_ends_at_once),
    cmocka_unit_test(a_lead_that_is_held_for_its_hours_ends_at_once),
    cmocka_unit_test(a_lead_in_a_hand_is_withdrawn_and_ends),
    cmocka_unit_test(a_silent_agents_lead_ends_when_it_cannot_be_shown_any_more),
    cmocka_unit_test(a_lead_promised_by_hand_and_suppressed_meanwhile_goes_to_nobody_also_after_a_crash),
    cmocka_unit_test(a_lead_that_was_to_come_back_does_not),
    cmocka_unit_test(a_lead_that_rests_ends_at_once),
    cmocka_unit_test(what_a_customer_tells_one_agent_holds_everywhere),
    cmocka_unit_test(a_number_that_thousands_share_is_found_in_all_of_them),
};
const size_t n_stories_of_contacts = sizeof stories_of_contacts / sizeof *stories_of_contacts;
