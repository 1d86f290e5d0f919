/* SPDX-License-Identifier: Apache-2.0
 * stories_intake.c - leads come in: once, whole, each row with its own answer. */
#include "tests/sim/story.h"

static void expect(const struct sim *sim, enum reason a, enum reason b, enum reason c)
{
    const struct sim_receipt *receipt = sim_receipt(sim);
    const enum reason wanted[] = {a, b, c};
    assert_int_equal(receipt->reason, REASON_OK);
    assert_int_equal(receipt->n_rows, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(receipt->outcomes[i], wanted[i]);
}

static const struct sim_row three[] = {
    {.key = 1, .payload = "one"}, {.key = 2, .payload = "two"}, {.key = 3, .payload = "three"}};

/* proves 004-16, PostHog #56057 */
static void the_same_chunk_again_gets_its_first_answer_and_adds_nothing(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    for (uint32_t times = 1; times <= 3; times++) {
        sim_chunk(sim, 5, "to-push", 0, 0, three, 3);
        sim_run_ms(sim, 2);
        assert_int_equal(sim_receipt(sim)->n_heard, times);
        expect(sim, REASON_OK, REASON_OK, REASON_OK);
        assert_int_equal(sim_core(sim)->leads.n, 3);
    }
    sim_crash(sim); /* the answer is remembered by the log, not by the broker */
    sim_run_ms(sim, 400);
    sim_chunk(sim, 5, "to-push", 0, 0, three, 3);
    sim_run_ms(sim, 2);
    expect(sim, REASON_OK, REASON_OK, REASON_OK);
    assert_int_equal(sim_core(sim)->leads.n, 3);
    sim_destroy(&sim);
}

static void a_known_key_under_another_op_is_a_duplicate_and_the_first_lead_stands(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    const struct sim_row other[] = {
        {.key = 1, .payload = "one"}, {.key = 2, .payload = "changed"}, {.key = 4, .payload = "four"}};
    sim_chunk(sim, 5, "to-push", 0, 0, three, 3);
    sim_chunk(sim, 6, "to-push", 0, 0, other, 3);
    sim_run_ms(sim, 2);
    expect(sim, REASON_DUPLICATE_KEY, REASON_PAYLOAD_DIFFERS, REASON_OK);
    assert_int_equal(sim_core(sim)->leads.n, 4);
    const struct lead *kept = story_of(sim, sim_lead_id(2));
    assert_int_equal(kept->raw_len, 3);
    assert_memory_equal(kept->raw, "two", 3);
    for (int i = 0; i < 3; i++) /* a duplicate is answered with the id of the lead that stands */
        assert_true(id_equal(sim_receipt(sim)->leads[i], sim_lead_id(other[i].key)));
    sim_destroy(&sim);
}

/* Tables of places are exchanged now and then: what is found out in them is no part of what a source says. */
static void what_the_edge_found_out_stays_with_the_lead_and_makes_no_repeat_another_one(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    const struct sim_row found[] = {
        {.key = 1, .payload = "one", .added = "+AL"}, {.key = 2, .payload = "two"}, {.key = 3, .payload = "three"}};
    const struct sim_row other[] = {{.key = 1, .payload = "one", .added = "+FL, at length"},
                                    {.key = 2, .payload = "two", .added = "+AL"},
                                    {.key = 3, .payload = "thr", .added = "ee"}};
    sim_chunk(sim, 5, "to-push", 0, 0, found, 3);
    sim_run_ms(sim, 2);
    for (int times = 0; times < 2; times++) {
        sim_chunk(sim, 6, "to-push", 0, 0, other, 3);
        sim_run_ms(sim, 2);
        expect(sim, REASON_DUPLICATE_KEY, REASON_DUPLICATE_KEY, REASON_PAYLOAD_DIFFERS);
        const struct lead *lead = story_of(sim, sim_lead_id(1));
        assert_int_equal(lead->raw_len, 6);
        assert_memory_equal(lead->raw, "one+AL", 6);
        assert_int_equal(story_of(sim, sim_lead_id(2))->raw_len, 3);
        sim_crash(sim); /* and the log knows it */
        sim_run_ms(sim, 400);
    }
    sim_destroy(&sim);
}

static void an_op_that_named_other_rows_before_is_refused_whole(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    const struct sim_row other[] = {{.key = 9, .payload = "nine"}, {.key = 2, .payload = "changed"}};
    sim_chunk(sim, 5, "to-push", 0, 0, three, 3);
    sim_run_ms(sim, 2);
    sim_chunk(sim, 5, "to-push", 0, 0, other, 2);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_receipt(sim)->reason, REASON_OP_ID_REUSED);
    assert_null(leads_find(sim_core(sim), sim_lead_id(9)));
    sim_destroy(&sim);
}

static void a_key_twice_in_one_chunk_is_one_lead(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    const struct sim_row rows[] = {
        {.key = 1, .payload = "one"}, {.key = 1, .payload = "one"}, {.key = 1, .payload = "uno"}};
    for (int times = 0; times < 2; times++) {
        sim_chunk(sim, 5, "to-push", 0, 0, rows, 3);
        sim_run_ms(sim, 2);
        expect(sim, REASON_OK, REASON_DUPLICATE_KEY, REASON_PAYLOAD_DIFFERS);
    }
    assert_int_equal(sim_core(sim)->leads.n, 1);
    sim_destroy(&sim);
}

static void rejected_rows_do_not_stop_good_ones(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    const struct sim_row rows[] = {{.key = 1, .payload = "a", .reject = REASON_BAD_TEXT},
                                   {.key = 2, .payload = "b"},
                                   {.key = 3, .payload = "c", .no_contact = true}};
    sim_chunk(sim, 5, "to-push", 0, 0, rows, 3);
    sim_run_ms(sim, 2);
    expect(sim, REASON_BAD_TEXT, REASON_OK, REASON_NO_CONTACT);
    assert_true(id_is_none(sim_receipt(sim)->leads[0]));
    assert_int_equal(sim_core(sim)->leads.n, 1);
    assert_int_equal(sim_core(sim)->rejected, 2);
    sim_destroy(&sim);
}

static void a_source_that_no_programme_takes_is_told_so(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->default_programme = 0;
    struct sim *sim = story_new(policy);
    sim_chunk(sim, 5, "somebody", 0, 0, three, 3);
    sim_run_ms(sim, 2);
    expect(sim, REASON_NO_PROGRAMME, REASON_NO_PROGRAMME, REASON_NO_PROGRAMME);
    assert_int_equal(sim_core(sim)->leads.n, 0);
    sim_destroy(&sim);
}

static void expect_import(struct sim *sim, uint8_t standing, uint32_t accepted, uint32_t duplicate, uint32_t rejected)
{
    sim_manifest(sim, 9, "to-push", 9, 3);
    sim_run_ms(sim, 2);
    const struct msg_manifest_state *is = sim_manifest_state(sim);
    assert_int_equal(is->reason, REASON_OK);
    assert_int_equal(is->standing.len, 1);
    assert_int_equal(is->standing.at[0], standing);
    assert_int_equal(is->accepted, accepted);
    assert_int_equal(is->duplicate, duplicate);
    assert_int_equal(is->rejected, rejected);
}

/* proves 004-01, 3-08: an import goes on where it stopped */
static void a_manifest_tells_which_chunks_stand_and_counts_each_once(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    const struct sim_row more[] = {{.key = 1, .payload = "one"},
                                   {.key = 5, .payload = "5"},
                                   {.key = 6, .payload = "6", .reject = REASON_TOO_LONG}};
    expect_import(sim, 0, 0, 0, 0);
    sim_chunk(sim, 1, "to-push", 9, 0, three, 3);
    sim_chunk(sim, 1, "to-push", 9, 0, three, 3);
    expect_import(sim, 1, 3, 0, 0);
    sim_chunk(sim, 3, "to-push", 9, 2, more, 3);
    expect_import(sim, 5, 4, 1, 1);
    sim_crash(sim);
    sim_run_ms(sim, 400);
    sim_chunk(sim, 3, "to-push", 9, 2, more, 3);
    expect_import(sim, 5, 4, 1, 1);
    sim_chunk(sim, 4, "to-push", 9, 7, more, 3); /* no such chunk: the rows are answered, the import is not touched */
    expect_import(sim, 5, 4, 1, 1);
    sim_manifest(sim, 9, "to-push", 9, 4);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_manifest_state(sim)->reason, REASON_OP_ID_REUSED);
    sim_destroy(&sim);
}

static void above_waiting_max_a_chunk_is_refused_whole_and_a_repeat_is_still_answered(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    policy->waiting_max = 4;
    struct sim *sim = story_new(policy);
    sim_chunk(sim, 5, "to-push", 0, 0, three, 3);
    sim_run_ms(sim, 2);
    const struct sim_row more[] = {{.key = 7, .payload = "7"}, {.key = 8, .payload = "8"}};
    sim_chunk(sim, 6, "to-push", 0, 0, more, 2);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_receipt(sim)->reason, REASON_BUSY);
    assert_true(sim_receipt(sim)->retry_after_ms > 0);
    assert_int_equal(sim_receipt(sim)->n_rows, 0);
    assert_int_equal(sim_core(sim)->leads.n, 3);
    assert_null(leads_find(sim_core(sim), sim_lead_id(7)));
    sim_chunk(sim, 5, "to-push", 0, 0, three, 3);
    sim_run_ms(sim, 2);
    expect(sim, REASON_OK, REASON_OK, REASON_OK);
    sim_chunk(sim, 7, "to-push", 0, 0, more, 1); /* there is room for one */
    sim_run_ms(sim, 2);
    assert_int_equal(sim_receipt(sim)->reason, REASON_OK);
    story_agent(sim, "ana", "east", INTENT_AVAILABLE); /* takes three: what is handed out does not wait */
    sim_chunk(sim, 6, "to-push", 0, 0, more, 2);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_receipt(sim)->reason, REASON_OK);
    assert_int_equal(sim_receipt(sim)->outcomes[0], REASON_DUPLICATE_KEY);
    assert_int_equal(sim_core(sim)->leads.n, 5);
    sim_destroy(&sim);
}

/* proves 002-02, 000-17, 000-21: each programme has its mode, side by side in one cell */
static void each_source_feeds_its_own_programme(void **state)
{
    (void) state;
    struct sim *sim = story_new(NULL);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    struct sim_agent *ben = story_agent(sim, "ben", "hunters", INTENT_ON_DEMAND);
    struct sim_agent *cleo = story_agent(sim, "cleo", "north", INTENT_AVAILABLE);
    const struct id push = story_lead(sim, "to-push", 0), pull = story_lead(sim, "to-pull", 0);
    const struct id both = story_lead(sim, "to-pushpull", 0);
    assert_int_equal(story_ready(sim, ben, 0), REASON_OK);
    assert_owner(sim, push, ana->name);
    assert_owner(sim, pull, ben->name);
    assert_owner(sim, both, cleo->name);
    sim_destroy(&sim);
}

const struct CMUnitTest stories_of_intake[] = {
    cmocka_unit_test(the_same_chunk_again_gets_its_first_answer_and_adds_nothing),
    cmocka_unit_test(a_known_key_under_another_op_is_a_duplicate_and_the_first_lead_stands),
    cmocka_unit_test(what_the_edge_found_out_stays_with_the_lead_and_makes_no_repeat_another_one),
    cmocka_unit_test(an_op_that_named_other_rows_before_is_refused_whole),
    cmocka_unit_test(a_key_twice_in_one_chunk_is_one_lead),
    cmocka_unit_test(rejected_rows_do_not_stop_good_ones),
    cmocka_unit_test(a_source_that_no_programme_takes_is_told_so),
    cmocka_unit_test(a_manifest_tells_which_chunks_stand_and_counts_each_once),
    cmocka_unit_test(above_waiting_max_a_chunk_is_refused_whole_and_a_repeat_is_still_answered),
    cmocka_unit_test(each_source_feeds_its_own_programme),
};
const size_t n_stories_of_intake = sizeof stories_of_intake / sizeof *stories_of_intake;
