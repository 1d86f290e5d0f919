/* SPDX-License-Identifier: Apache-2.0
 * test_hook_log.c - what hooks make of the log of a whole simulated cell, compared
 * with what the core has counted: chaos, crashes and changed policies included. */
#include "tests/sim/sim_private.h"

#include <stdlib.h>
#include <string.h>

#include "hooks/follow.h"

enum { TELLINGS_MAX = 65536 };

struct telling {
    struct id lead;
    uint64_t fence;
    int64_t at_us;
    enum hook_event event;
    enum reason reason;
    bool has_agent, has_team;
};

struct tellings {
    struct telling *at;
    uint32_t n;
};

static void note(void *arg, const struct event_facts *facts)
{
    struct tellings *tellings = arg;
    const struct telling telling = {.lead = facts->lead,
                                    .fence = facts->told.fence,
                                    .at_us = facts->now->state_us,
                                    .event = facts->told.event,
                                    .reason = facts->told.reason,
                                    .has_agent = facts->agent.len > 0,
                                    .has_team = facts->team.len > 0};
    for (uint32_t i = 0; i < tellings->n; i++)
        if (id_equal(tellings->at[i].lead, telling.lead) && tellings->at[i].fence == telling.fence &&
            tellings->at[i].at_us == telling.at_us && tellings->at[i].event == telling.event &&
            tellings->at[i].reason == telling.reason)
            return; /* two beats of one instant: told again under the same id */
    assert_true(tellings->n < TELLINGS_MAX);
    tellings->at[tellings->n++] = telling;
}

static uint32_t count(const struct tellings *tellings, enum hook_event event)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < tellings->n; i++)
        n += tellings->at[i].event == event;
    return n;
}

/* A day of chaos; afterwards its log is read as hooks do. */
static struct sim *day(uint64_t seed, uint32_t crash, struct tellings *ret)
{
    static const char *const sources[] = {"to-push", "to-pull", "to-pushpull"}, *const teams[] = {"east", "hunters",
                                                                                                  "north"};
    struct sim *sim = sim_new(seed, sim_policy());
    sim_audit_every(sim, 1024);
    for (uint32_t i = 0; i < 9; i++) {
        char name[16];
        snprintf(name, sizeof name, "agent-%u", i);
        sim_agent(sim, name, teams[i % 3], i % 3 == 1 ? INTENT_ON_DEMAND : INTENT_AVAILABLE);
    }
    sim_workers(sim, (uint32_t) (seed % 3));
    sim_faults(sim, (struct sim_faults){.lose = 20, .repeat = 20, .silence = 20, .crash = crash, .delay_us = 20000});
    for (uint32_t i = 0; i < 10; i++) {
        sim_submit(sim, sources[i % 3], 8);
        sim_run_ms(sim, 700);
    }
    sim_run_ms(sim, 60000);
    struct follow *follow = follow_new("sim");
    ret->n = 0;
    for (uint32_t i = 0; i < sim->n_log; i++)
        assert_true(follow_body(follow, slice_of(sim->log[i].at, sim->log[i].len), (struct position){1, i}, note, ret));
    follow_destroy(&follow);
    return sim;
}

static void offers_and_ends_are_as_many_as_the_core_counted(void **state)
{
    (void) state;
    struct tellings tellings = {.at = calloc(TELLINGS_MAX, sizeof *tellings.at)};
    uint32_t offers_all = 0, withdrawals_all = 0, breaches_all = 0;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct sim *sim = day(seed, seed % 2, &tellings);
        uint64_t offers = 0, closed = 0, exhausted = 0, alerts = 0;
        for (uint32_t i = 0; i < sim->core->policy.n_programmes; i++) {
            offers += sim->core->programmes[i].offers;
            alerts += sim->core->programmes[i].alerts;
        }
        for (uint32_t i = 0; i < sim->core->leads.n; i++) {
            const struct lead *lead = lead_at(&sim->core->leads, i);
            const bool unmet = lead->state == LEAD_EXHAUSTED && !lead->contacted;
            exhausted += unmet;
            closed += lead_terminal(lead) && !unmet;
        }
        assert_int_equal(count(&tellings, HOOK_OFFER), offers);
        assert_int_equal(count(&tellings, HOOK_CLOSED), closed);
        assert_int_equal(count(&tellings, HOOK_EXHAUSTED), exhausted);
        offers_all += (uint32_t) offers;
        withdrawals_all += count(&tellings, HOOK_WITHDRAWAL);
        breaches_all += count(&tellings, HOOK_BREACH);
        assert_true(alerts <= count(&tellings, HOOK_BREACH) + exhausted);
        sim_destroy(&sim);
    }
    print_message("%u offers, %u withdrawals, %u breaches\n", offers_all, withdrawals_all, breaches_all);
    assert_true(offers_all > 1000 && withdrawals_all > 100 && breaches_all > 100);
    free(tellings.at);
}

/* Leads that their agents gave back, or tried for the last time in a round. */
static uint64_t given_back(const struct sim *sim)
{
    struct image *image = image_new();
    uint64_t n = 0;
    for (uint32_t i = 0; i < sim->n_log; i++) {
        struct row_ref row;
        struct image_lead lead;
        for (uint32_t at = 0; row_next(slice_of(sim->log[i].at, sim->log[i].len), &at, &row) == 1;)
            if (image_lead(image, &row, &lead))
                for (uint32_t k = 0; k < lead.n_steps; k++)
                    n += lead.steps[k].state == LEAD_REVOKING &&
                         (lead.steps[k].reason == REASON_RELEASED || lead.steps[k].reason == REASON_MAX_ATTEMPTS);
    }
    image_destroy(&image);
    return n;
}

/* Each ownership that the core ended is a withdrawal, or its agent's own act. */
static void every_lost_ownership_is_told_once_and_names_its_agent(void **state)
{
    (void) state;
    struct tellings tellings = {.at = calloc(TELLINGS_MAX, sizeof *tellings.at)};
    uint32_t told_all = 0;
    for (uint64_t seed = 21; seed <= 30; seed++) {
        struct sim *sim = day(seed, 0, &tellings);
        static const struct {
            enum lead_state from;
            enum lead_event event;
        } moves[] = {
#define LEAD_MOVE(from, event, to, fence) {LEAD_##from, MOVE_##event},
#include "core/lead_states.def"
        };
        uint64_t ended = 0, declined = 0;
        for (size_t i = 0; i < sizeof moves / sizeof *moves; i++)
            if (moves[i].from >= LEAD_OFFERED && moves[i].from <= LEAD_PIPELINE && moves[i].from != LEAD_REVOKING &&
                (moves[i].event == MOVE_LET_GO || moves[i].event == MOVE_REVOKE || moves[i].event == MOVE_EXHAUST))
                ended += sim->core->moved[i];
        for (uint32_t i = 0; i < sim->core->policy.n_programmes; i++)
            declined += sim->core->programmes[i].declines;
        assert_int_equal(count(&tellings, HOOK_WITHDRAWAL), ended - declined - given_back(sim));
        told_all += count(&tellings, HOOK_WITHDRAWAL);
        for (uint32_t i = 0; i < tellings.n; i++) {
            const struct telling *one = &tellings.at[i];
            if (one->event == HOOK_WITHDRAWAL || one->event == HOOK_OFFER)
                assert_true(one->has_agent && one->has_team && one->fence > 0);
            if (one->event == HOOK_BREACH)
                assert_true(one->reason == REASON_FIRST_ACTION_LATE || one->reason == REASON_UNCLAIMED ||
                            one->reason == REASON_UNCLAIMED_ALERT);
        }
        sim_destroy(&sim);
    }
    assert_true(told_all > 100);
    free(tellings.at);
}

/* Hooks that see what is in leads have not told anything yet; then they have, of all leads. */
static bool is_wanted(void *arg, struct id lead)
{
    (void) lead;
    return *(const bool *) arg;
}

static void what_is_in_a_lead_is_kept_until_it_has_ended_and_all_of_it_is_told(void **state)
{
    (void) state;
    struct tellings tellings = {.at = calloc(TELLINGS_MAX, sizeof *tellings.at)};
    struct sim *sim = day(41, 1, &tellings);
    struct follow *follow = follow_new("sim");
    bool waits = true;
    uint32_t ended = 0, living = 0;
    follow_keep_inputs(follow, is_wanted, &waits);
    for (uint32_t i = 0; i < sim->n_log; i++)
        assert_true(
            follow_body(follow, slice_of(sim->log[i].at, sim->log[i].len), (struct position){1, i}, note, &tellings));
    for (int told = 0; told < 2; told++) {
        waits = !told;
        for (uint32_t i = 0; i < sim->core->leads.n; i++) {
            const struct lead *lead = lead_at(&sim->core->leads, i);
            struct slice input;
            if (told)
                follow_told(follow, lead->id);
            follow_input(follow, lead->id, &input);
            assert_int_equal(input.len > 0, !told || !lead_terminal(lead));
            ended += told && lead_terminal(lead);
            living += told && !lead_terminal(lead);
        }
    }
    assert_true(ended > 10 && living > 10);
    follow_destroy(&follow);
    sim_destroy(&sim);
    free(tellings.at);
}

/* People come and go, and hooks forget whom the cell forgets: after that beat, and not before. */
static void no_event_lacks_its_agent_though_people_are_forgotten(void **state)
{
    (void) state;
    struct tellings tellings = {.at = calloc(TELLINGS_MAX, sizeof *tellings.at)};
    struct policy *policy = sim_policy();
    policy->forget_after_ms = 3000;
    struct sim *sim = sim_new(7, policy);
    sim_audit_every(sim, 1024);
    for (uint32_t i = 0; i < 24; i++) {
        char name[16];
        snprintf(name, sizeof name, "agent-%u", i);
        struct sim_agent *agent = sim_agent(sim, name, "east", INTENT_AVAILABLE);
        sim_submit(sim, "to-push", 2);
        sim_run_ms(sim, 2000);
        sim_bye(sim, agent);
    }
    struct sim_agent *last = sim_agent(sim, "last", "east", INTENT_AVAILABLE); /* ends leads that were others' */
    sim_run_ms(sim, 100000);
    sim_bye(sim, last);
    sim_run_ms(sim, 200000); /* who owns a callback is waited for */
    struct follow *follow = follow_new("sim");
    for (uint32_t i = 0; i < sim->n_log; i++)
        assert_true(
            follow_body(follow, slice_of(sim->log[i].at, sim->log[i].len), (struct position){1, i}, note, &tellings));
    assert_true(sim->core->n_agents == 25 && sim->core->n_known < 12);
    assert_true(count(&tellings, HOOK_OFFER) > 24);
    for (uint32_t i = 0; i < tellings.n; i++)
        if (tellings.at[i].event == HOOK_OFFER || tellings.at[i].event == HOOK_WITHDRAWAL)
            assert_true(tellings.at[i].has_agent);
    follow_destroy(&follow);
    sim_destroy(&sim);
    free(tellings.at);
}

static void expect_bounded(const struct image_lead *lead)
{
    const uint32_t agents[] = {lead->owner, lead->winner, lead->decision.runner_up};
    for (size_t i = 0; i < sizeof agents / sizeof *agents; i++)
        assert_true(agents[i] == IMAGE_NOBODY || agents[i] < AGENTS_EVER);
    for (uint32_t i = 0; i < lead->n_steps; i++) {
        assert_string_not_equal(lead_state_name(lead->steps[i].state), "?");
        assert_true(lead->steps[i].agent == IMAGE_NOBODY || lead->steps[i].agent < AGENTS_EVER);
    }
}

/* Reports and hooks have arrays by agents and states. */
static void a_row_with_any_byte_wrong_is_refused_or_names_no_agent_and_no_state_that_cannot_be(void **state)
{
    (void) state;
    struct tellings tellings = {.at = calloc(TELLINGS_MAX, sizeof *tellings.at)};
    struct sim *sim = day(42, 0, &tellings);
    struct image *image = image_new();
    uint32_t refused = 0, taken = 0;
    for (uint32_t i = 0; i < sim->n_log; i++) {
        struct row_ref row;
        struct image_lead lead;
        for (uint32_t at = 0; row_next(slice_of(sim->log[i].at, sim->log[i].len), &at, &row) == 1;)
            for (uint32_t k = 0; row.type == ROW_LEAD && k < row.payload.len; k++) {
                static const uint8_t wrong[] = {0x80, 0x7f, 0x0b, 0xff};
                uint8_t *byte = (uint8_t *) row.payload.at + k, was = *byte;
                *byte = wrong[(i + k) % sizeof wrong];
                const bool is_taken = image_lead(image, &row, &lead);
                if (is_taken)
                    expect_bounded(&lead);
                taken += is_taken;
                refused += !is_taken;
                *byte = was;
            }
    }
    print_message("%u refused, %u taken\n", refused, taken);
    assert_true(refused > 1000 && taken > 1000);
    image_destroy(&image);
    sim_destroy(&sim);
    free(tellings.at);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(offers_and_ends_are_as_many_as_the_core_counted),
        cmocka_unit_test(every_lost_ownership_is_told_once_and_names_its_agent),
        cmocka_unit_test(what_is_in_a_lead_is_kept_until_it_has_ended_and_all_of_it_is_told),
        cmocka_unit_test(a_row_with_any_byte_wrong_is_refused_or_names_no_agent_and_no_state_that_cannot_be),
        cmocka_unit_test(no_event_lacks_its_agent_though_people_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
