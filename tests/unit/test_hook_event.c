/* SPDX-License-Identifier: Apache-2.0
 * test_hook_event.c - what is told of a lead's change, and what is not: after-images
 * by hand. tests/sim/test_hook_log.c does the same with whole days. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "hooks/event_json.h"

enum { NOW_MS = 100000, POOLED = 3, OFFERED, OWNED, WORKING, WRAP_UP, REVOKING, PIPELINE, WON = 16, EXHAUSTED = 21 };

static struct held held_by(uint32_t agent, unsigned state, int64_t due_ms)
{
    return (struct held){.state = state, .owner = agent, .fence = 10, .due_ms = due_ms};
}

struct beat { /* after it, and its moves in order */
    struct image_lead now;
    struct image_step moves[3];
};

/* As it is now, by one move of this beat. */
static struct beat now_at(unsigned state, uint32_t owner, uint64_t fence, enum reason reason)
{
    return (struct beat){.now = {.state = state,
                                 .owner = owner,
                                 .fence = fence,
                                 .reason = reason,
                                 .state_us = NOW_MS * INT64_C(1000),
                                 .due_ms = NOW_MS + 1000,
                                 .n_steps = 1},
                         .moves = {{state, reason, owner}}};
}

/* ... and by this one before all others. */
static void first_came(struct beat *beat, unsigned state, uint32_t owner, enum reason reason)
{
    assert_true(beat->now.n_steps < sizeof beat->moves / sizeof *beat->moves);
    memmove(beat->moves + 1, beat->moves, beat->now.n_steps++ * sizeof *beat->moves);
    beat->moves[0] = (struct image_step){state, reason, owner};
}

/* "withdrawal 1 LEASE_LOST, offer 2 SCORED": events, whom they are about, why. */
static void assert_told(const struct held *before, struct beat *beat, const char *wanted)
{
    beat->now.steps = beat->moves;
    struct told told[TOLD_MAX];
    char text[256] = "";
    const uint32_t n = event_derive(before, &beat->now, told);
    for (uint32_t i = 0; i < n; i++) {
        const size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%s %d %s", i > 0 ? ", " : "", hook_event_word(told[i].event),
                 (int) told[i].agent, reason_name(told[i].reason));
    }
    assert_string_equal(text, wanted);
}

static void a_new_hold_is_an_offer_and_the_same_hold_is_told_once(void **state)
{
    (void) state;
    struct held held = held_by(1, OFFERED, NOW_MS + 500);
    struct beat beat = now_at(OFFERED, 1, 10, REASON_SCORED);
    assert_told(NULL, &beat, "offer 1 SCORED");
    beat.now.n_steps = 0;
    assert_told(&held, &beat, ""); /* touched again, an exclusion came */
    beat = now_at(OWNED, 1, 10, REASON_ACCEPTED);
    assert_told(&held, &beat, "");
    beat = now_at(OWNED, 1, 11, REASON_PLAIN_ORDER);
    assert_told(NULL, &beat, "offer 1 PLAIN_ORDER"); /* pull: granted */
    held.state = PIPELINE;
    assert_told(&held, &beat, "offer 1 PLAIN_ORDER"); /* due again, to its own owner: nothing was taken from it */
}

static void what_an_agent_gives_away_is_no_withdrawal(void **state)
{
    (void) state;
    const struct held offered = held_by(1, OFFERED, NOW_MS + 500), wrap_up = held_by(1, WRAP_UP, NOW_MS + 500);
    struct beat beat = now_at(POOLED, IMAGE_NOBODY, 11, REASON_DECLINED);
    assert_told(&offered, &beat, "");
    beat = now_at(OFFERED, 2, 12, REASON_SCORED); /* declined, and at once in another hand */
    first_came(&beat, POOLED, IMAGE_NOBODY, REASON_DECLINED);
    assert_told(&offered, &beat, "offer 2 SCORED");
    beat.moves[0].reason = REASON_RELEASED;
    assert_told(&wrap_up, &beat, "offer 2 SCORED");
    beat = now_at(EXHAUSTED, IMAGE_NOBODY, 11, REASON_MAX_ATTEMPTS);
    beat.now.worked_on = true;
    assert_told(&wrap_up, &beat, "closed 1 MAX_ATTEMPTS");
    beat = now_at(WON, IMAGE_NOBODY, 10, REASON_DISPOSED_FINAL);
    assert_told(&wrap_up, &beat, "closed 1 DISPOSED_FINAL");
}

static void what_is_taken_is_told_with_its_reason_also_when_the_next_one_has_it_at_once(void **state)
{
    (void) state;
    struct held before = held_by(1, OFFERED, NOW_MS + 500);
    struct beat beat = now_at(REVOKING, IMAGE_NOBODY, 11, REASON_LEASE_LOST);
    assert_told(&before, &beat, "withdrawal 1 LEASE_LOST");
    beat = now_at(OFFERED, 2, 12, REASON_SCORED);
    first_came(&beat, POOLED, IMAGE_NOBODY, REASON_OFFER_LAPSED);
    assert_told(&before, &beat, "withdrawal 1 OFFER_LAPSED, offer 2 SCORED");
    beat.moves[0].reason = REASON_FIRST_ACTION_LATE;
    assert_told(&before, &beat, "withdrawal 1 FIRST_ACTION_LATE, breach 1 FIRST_ACTION_LATE, offer 2 SCORED");
    first_came(&beat, OWNED, 1, REASON_ACCEPTED); /* it was still its own */
    assert_told(&before, &beat, "withdrawal 1 FIRST_ACTION_LATE, breach 1 FIRST_ACTION_LATE, offer 2 SCORED");
    beat = now_at(POOLED, IMAGE_NOBODY, 11, REASON_REFILL); /* back, and on into a team's pool */
    first_came(&beat, POOLED, IMAGE_NOBODY, REASON_ACTIVITY_LATE);
    assert_told(&before, &beat, "withdrawal 1 ACTIVITY_LATE");
}

static void missed_deadlines_are_breaches(void **state)
{
    (void) state;
    const struct held owned = held_by(1, OWNED, NOW_MS);
    struct beat beat = now_at(REVOKING, IMAGE_NOBODY, 11, REASON_FIRST_ACTION_LATE);
    assert_told(&owned, &beat, "withdrawal 1 FIRST_ACTION_LATE, breach 1 FIRST_ACTION_LATE");
    beat = now_at(POOLED, IMAGE_NOBODY, 3, REASON_UNCLAIMED);
    assert_told(NULL, &beat, "breach -1 UNCLAIMED");
    beat.now.n_steps = 0;
    assert_told(NULL, &beat, ""); /* that was told with an earlier beat */
    beat = now_at(POOLED, IMAGE_NOBODY, 3, REASON_UNCLAIMED_ALERT);
    assert_told(NULL, &beat, "breach -1 UNCLAIMED_ALERT");
    beat = now_at(OFFERED, 2, 4, REASON_SCORED); /* widened, and taken in the same beat */
    first_came(&beat, POOLED, IMAGE_NOBODY, REASON_UNCLAIMED);
    assert_told(NULL, &beat, "breach -1 UNCLAIMED, offer 2 SCORED");
}

static void a_lead_that_nobody_worked_on_ends_as_exhausted_and_others_as_closed(void **state)
{
    (void) state;
    struct held owned = held_by(1, OWNED, NOW_MS);
    struct beat beat = now_at(EXHAUSTED, IMAGE_NOBODY, 11, REASON_MAX_DISTRIBUTIONS);
    assert_told(&owned, &beat,
                "withdrawal 1 FIRST_ACTION_LATE, breach 1 FIRST_ACTION_LATE, exhausted 1 MAX_DISTRIBUTIONS");
    owned.due_ms = NOW_MS + 1; /* not late: it fell silent */
    assert_told(&owned, &beat, "withdrawal 1 MAX_DISTRIBUTIONS, exhausted 1 MAX_DISTRIBUTIONS");
    beat.now.worked_on = true;
    assert_told(NULL, &beat, "closed -1 MAX_DISTRIBUTIONS");
    beat.now.n_steps = 0;
    assert_told(NULL, &beat, "");
    for (unsigned end = WON; end < EXHAUSTED; end++) {
        beat = now_at(end, IMAGE_NOBODY, 11, REASON_DISPOSED_FINAL);
        assert_told(NULL, &beat, "closed -1 DISPOSED_FINAL");
    }
}

/* A receiver that remembers ids must not take one for the other. */
static void two_breaches_of_one_moment_have_two_ids(void **state)
{
    (void) state;
    struct beat beat = now_at(POOLED, IMAGE_NOBODY, 3, REASON_WIDENED);
    first_came(&beat, POOLED, IMAGE_NOBODY, REASON_UNCLAIMED);
    assert_told(NULL, &beat, "breach -1 WIDENED, breach -1 UNCLAIMED");
    struct told told[TOLD_MAX];
    struct event_head heads[2];
    assert_int_equal(event_derive(NULL, &beat.now, told), 2);
    for (int i = 0; i < 2; i++) {
        const struct event_facts facts = {.told = told[i], .now = &beat.now, .cell = "test"};
        struct buf line = {0};
        event_json(&facts, &line);
        assert_true(event_json_head(slice_of(line.at, line.len), &heads[i]));
        buf_fini(&line);
    }
    assert_string_not_equal(heads[0].id, heads[1].id);
}

/* 32 hex digits, 16, the longest word, 16, and a reason, with dashes between. */
static void the_longest_id_is_read_back(void **state)
{
    (void) state;
    struct beat beat = now_at(EXHAUSTED, IMAGE_NOBODY, UINT64_MAX, (enum reason)(REASON_MAX - 1));
    beat.now.state_us = -1;
    const struct event_facts facts = {.told = {HOOK_WITHDRAWAL, IMAGE_NOBODY, UINT64_MAX, (enum reason) REASON_MAX},
                                      .now = &beat.now,
                                      .lead = {UINT64_MAX, UINT64_MAX},
                                      .cell = "test"};
    struct buf line = {0};
    struct event_head head;
    event_json(&facts, &line);
    assert_true(event_json_head(slice_of(line.at, line.len), &head));
    assert_true(strlen(head.id) > 70);
    buf_fini(&line);
}

static void words_of_events_and_states_are_those_of_their_lists(void **state)
{
    (void) state;
    enum hook_event event;
    for (unsigned i = 0; i < HOOK_EVENTS; i++) {
        assert_true(hook_event_by_word(hook_event_word((enum hook_event) i), &event));
        assert_int_equal(event, i);
    }
    assert_false(hook_event_by_word("nonsense", &event));
    assert_string_equal(lead_state_name(WRAP_UP), "WRAP_UP");
    assert_string_equal(lead_state_name(11), "?");
    assert_string_equal(lead_state_name(LEAD_STATES), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_hold_is_an_offer_and_the_same_hold_is_told_once),
        cmocka_unit_test(what_an_agent_gives_away_is_no_withdrawal),
        cmocka_unit_test(what_is_taken_is_told_with_its_reason_also_when_the_next_one_has_it_at_once),
        cmocka_unit_test(missed_deadlines_are_breaches),
        cmocka_unit_test(a_lead_that_nobody_worked_on_ends_as_exhausted_and_others_as_closed),
        cmocka_unit_test(two_breaches_of_one_moment_have_two_ids),
        cmocka_unit_test(the_longest_id_is_read_back),
        cmocka_unit_test(words_of_events_and_states_are_those_of_their_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
