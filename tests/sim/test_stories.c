/* SPDX-License-Identifier: Apache-2.0
 * test_stories.c - runs the stories, file by file, and then asks whether every
 * move in core/lead_states.def was told by some of them: a move that no story
 * reaches is either not needed or not proven. */
#include "tests/sim/story.h"

static void every_move_of_a_lead_was_told_by_some_story(void **state)
{
    (void) state;
    static const char *const moves[LEAD_MOVES] = {
#define LEAD_MOVE(from, event, to, fence) #from " -" #event "-> " #to,
#include "core/lead_states.def"
    };
    uint32_t missing = 0;
    for (uint32_t i = 0; i < LEAD_MOVES; i++) {
        printf("%8llu  %s\n", (unsigned long long) sim_moves_seen()[i], moves[i]);
        missing += sim_moves_seen()[i] == 0;
    }
    if (missing)
        fail_msg("%u moves were told by no story", missing);
}

int main(void)
{
    static const struct CMUnitTest at_last[] = {cmocka_unit_test(every_move_of_a_lead_was_told_by_some_story)};
    int failed = 0;
#define RUN(name) failed += _cmocka_run_group_tests(#name, stories_of_##name, n_stories_of_##name, NULL, NULL);
    RUN(intake)
    RUN(push)
    RUN(push_refusals)
    RUN(presence)
    RUN(pull)
    RUN(pipeline)
    RUN(followup)
    RUN(orders)
    RUN(pools)
    RUN(workers)
    RUN(windows)
    RUN(policy_after)
    RUN(strategies)
    RUN(hours)
    RUN(duty)
    RUN(log)
    RUN(policy)
    RUN(seeds)
    RUN(peers)
    RUN(contacts)
    RUN(choice)
#undef RUN
    return failed + cmocka_run_group_tests(at_last, NULL, NULL);
}
