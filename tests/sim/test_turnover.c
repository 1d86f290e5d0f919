/* SPDX-License-Identifier: Apache-2.0
 * test_turnover.c - people come and go, and nobody keeps the list: who is forgotten,
 * who never is, and that what is known of the past stays true. At last three years
 * of newcomers in a cell that is far too small to know them all. */
#include "tests/sim/pacing_world.h"
#include "tests/sim/sim_private.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "broker/digest.h"

enum { FORGET = 2 * HOUR };

static struct policy *short_memory(void)
{
    struct policy *policy = slow_policy();
    policy->forget_after_ms = FORGET;
    return policy;
}

static const struct agent *known(struct sim *sim, const char *name)
{
    return agent_find(sim_core(sim), slice_of(name, strlen(name)));
}

static void sell(struct sim *sim, struct sim_agent *agent, struct id lead)
{
    story_work_up_to(sim, agent, lead, LEAD_WORKING);
    assert_int_equal(story_dispose(sim, agent, lead, DISPOSITION_SALE, "sold"), REASON_OK);
}

/* While nobody is there: from one deadline of the core to the next. */
static void days_pass(struct sim *sim, int64_t ms)
{
    const int64_t until_us = sim->now_us + ms * 1000;
    sim_run_ms(sim, 5); /* what was just said is heard */
    while (sim->now_us < until_us) {
        const int64_t next_us = core_next_us(sim->core);
        sim->now_us = next_us > until_us ? until_us : next_us > sim->now_us ? next_us : sim->now_us;
        sim_run_ms(sim, 1);
    }
}

static void come_back(struct sim *sim, struct sim_agent *agent)
{
    agent->on = true;
    agent->session = agent->replaces = 0;
    agent->error = REASON_OK;
    sim_hello(sim, agent);
    sim_run_ms(sim, 5);
}

/* Neither an hour, nor all but a minute of the time. */
static void who_stays_away_is_forgotten_after_the_policys_time_and_not_before(void **state)
{
    (void) state;
    struct sim *sim = story_new(short_memory());
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    sell(sim, ana, lead);
    story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    sim_bye(sim, ana);
    sim_run_ms(sim, FORGET - MINUTE);
    come_back(sim, ana);
    assert_int_equal(story_core_agent(sim, ana)->index, 0);
    assert_int_equal(story_core_agent(sim, ana)->won, 1); /* she is who she was */
    sim_bye(sim, ana);
    sim_run_ms(sim, FORGET + MINUTE);
    assert_null(known(sim, "ana"));
    assert_non_null(known(sim, "ben")); /* who sits there all the time */
    crash(sim);
    assert_null(known(sim, "ana"));
    come_back(sim, ana);
    assert_int_equal(story_core_agent(sim, ana)->index, 2); /* a newcomer, and never another's index */
    assert_int_equal(story_core_agent(sim, ana)->won, 0);
    sim_destroy(&sim);
}

/* proves 000-09: nobody says bye to a list either */
static void whose_line_fell_silent_is_forgotten_too_and_then_told_to_say_hello(void **state)
{
    (void) state;
    struct sim *sim = story_new(short_memory());
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_silence(sim, ana, true);
    sim_run_ms(sim, FORGET + HOUR);
    assert_null(known(sim, "ana"));
    sim_silence(sim, ana, false);
    sim_run_ms(sim, 10);
    assert_int_equal(ana->error, REASON_HELLO_FIRST);
    assert_true(story_core_agent(sim, ana)->present); /* the same program went on, and never noticed */
    sim_destroy(&sim);
}

static void who_owns_a_lead_is_remembered_for_as_long_as_that_lasts(void **state)
{
    (void) state;
    struct sim *sim = story_new(short_memory());
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    story_work_up_to(sim, ana, lead, LEAD_WRAP_UP);
    sim_act(sim, ana, lead, VERB_DISPOSITION, DISPOSITION_CALLBACK, "call again"); /* in a minute; then it waits */
    sim_run_ms(sim, 5);
    sim_bye(sim, ana);
    days_pass(sim, 12 * FORGET);
    assert_owner(sim, lead, "ana");
    sim_query(sim, QUERY_FORGET, "ana");
    sim_run_ms(sim, 1);
    assert_int_equal(sim_applied(sim, NULL), REASON_HAS_LEADS);
    assert_int_equal(story_order(sim, lead, ORDER_RELEASE, "", 0), REASON_OK);
    assert_state(sim, lead, POOLED);
    days_pass(sim, 3 * (int64_t) DAY); /* past owner of a lead that goes on: she must not get it again */
    assert_non_null(known(sim, "ana"));
    struct sim_agent *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    sim_run_ms(sim, 5);
    sell(sim, ben, lead);
    sim_bye(sim, ben);
    days_pass(sim, DAY + HOUR);
    assert_null(known(sim, "ana"));
    sim_destroy(&sim);
}

static void whom_somebody_administers_is_not_forgotten(void **state)
{
    (void) state;
    struct policy *policy = short_memory();
    char until[64];
    policy->agents[0] = (struct policy_agent){.name = "ana", .programme = 0, .weight = 2};
    policy->n_agents = 1;
    struct sim *sim = story_new(policy);
    struct sim_agent *people[4];
    static const char *const names[] = {"ana", "ben", "cleo", "dora"};
    for (int i = 0; i < 4; i++)
        people[i] = story_agent(sim, names[i], "east", INTENT_AVAILABLE);
    snprintf(until, sizeof until, "cleo 0 %lld", (long long) sim_now_ms(sim) + 10 * FORGET);
    sim_query(sim, QUERY_PAUSE, "ben gone");
    sim_query(sim, QUERY_ABSENCE, until);
    for (int i = 0; i < 4; i++)
        sim_bye(sim, people[i]);
    days_pass(sim, FORGET + MINUTE);
    assert_null(known(sim, "dora"));
    crash(sim);
    days_pass(sim, 4 * FORGET);
    assert_true(known(sim, "ana") && known(sim, "ben") && known(sim, "cleo"));
    days_pass(sim, 6 * FORGET + DAY); /* the absence is over */
    assert_true(known(sim, "ana") && known(sim, "ben"));
    assert_null(known(sim, "cleo"));
    sim_query(sim, QUERY_RESUME, "ben");
    days_pass(sim, DAY + HOUR);
    assert_null(known(sim, "ben"));
    sim_destroy(&sim);
}

/* The longest gone makes room; who just left does not, so that a crowd of strangers cannot empty the list. */
static void when_the_list_is_full_the_longest_gone_makes_room_for_a_newcomer(void **state)
{
    (void) state;
    struct policy *policy = short_memory();
    policy->forget_after_ms = 30 * (int64_t) DAY;
    policy->agents_max = 3;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE),
                     *ben = story_agent(sim, "ben", "east", INTENT_AVAILABLE);
    story_agent(sim, "cleo", "east", INTENT_AVAILABLE);
    sim_bye(sim, ben);
    sim_run_ms(sim, MINUTE);
    sim_bye(sim, ana);
    sim_run_ms(sim, 30 * MINUTE);
    struct sim_agent *dora = sim_agent(sim, "dora", "east", INTENT_AVAILABLE);
    dora->by_hand = true;
    sim_run_ms(sim, 5);
    assert_int_equal(dora->error, REASON_TOO_MANY);
    sim_run_ms(sim, 31 * MINUTE); /* she asks again and again */
    assert_true(dora->session != 0);
    assert_null(known(sim, "ben"));
    assert_non_null(known(sim, "ana"));
    come_back(sim, ben);
    assert_null(known(sim, "ana"));
    assert_non_null(known(sim, "cleo")); /* who was never gone */
    sim_destroy(&sim);
}

static void past_owners_make_room_only_when_nobody_else_can(void **state)
{
    (void) state;
    struct policy *policy = short_memory();
    policy->forget_after_ms = 30 * (int64_t) DAY;
    policy->agents_max = 2;
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    sim_run_ms(sim, 5);
    story_work_up_to(sim, ana, lead, LEAD_WORKING);
    assert_int_equal(story_act(sim, ana, lead, VERB_RELEASE), REASON_OK);
    sim_bye(sim, ana);
    struct sim_agent *hugo = story_agent(sim, "hugo", "hunters", INTENT_ON_DEMAND);
    sim_bye(sim, hugo);
    sim_run_ms(sim, 2 * HOUR);
    struct sim_agent *helen = story_agent(sim, "helen", "hunters", INTENT_ON_DEMAND);
    assert_null(known(sim, "hugo")); /* though he left after her */
    sim_bye(sim, helen);
    sim_run_ms(sim, HOUR / 2);
    story_agent(sim, "ines", "hunters", INTENT_ON_DEMAND);
    assert_null(known(sim, "ana"));
    come_back(sim, ana); /* helen is gone for half an hour: too short, for as many as that */
    assert_int_equal(ana->error, REASON_TOO_MANY);
    sim_destroy(&sim);
}

static void an_operator_forgets_at_once_but_nobody_who_is_there(void **state)
{
    (void) state;
    struct sim *sim = story_new(short_memory());
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    sim_query(sim, QUERY_FORGET, "ana");
    sim_run_ms(sim, 1);
    assert_int_equal(sim_applied(sim, NULL), REASON_STILL_HERE);
    sim_query(sim, QUERY_PAUSE, "ana");
    sim_bye(sim, ana);
    sim_run_ms(sim, 5);
    sim_query(sim, QUERY_FORGET, "ana");
    sim_run_ms(sim, 1);
    assert_int_equal(sim_applied(sim, NULL), REASON_OK);
    assert_null(known(sim, "ana"));
    sim_query(sim, QUERY_FORGET, "ana");
    sim_run_ms(sim, 1);
    assert_int_equal(sim_applied(sim, NULL), REASON_UNKNOWN_AGENT);
    come_back(sim, ana);
    assert_string_equal(told(sim, QUERY_AGENTS, "", "ana", "why_none"), ""); /* his own pause went with her */
    sim_destroy(&sim);
}

/* Else a quota could be had twice, by who stays away a little; and what was counted would stay for ever. */
static void what_was_counted_against_limits_is_kept_for_its_windows_and_goes_then(void **state)
{
    (void) state;
    struct policy *policy = short_memory();
    add_limit(policy, LIMIT_AGENT, "", PER_DAY, UNIT_LEADS, 2000);
    struct sim *sim = story_new(policy);
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    leads(sim, "to-push", 2);
    while (ana->n_held)
        sell(sim, ana, ana->held[0].lead);
    sim_bye(sim, ana);
    days_pass(sim, FORGET + DAY / 2); /* the counters also say when a week and a month began */
    come_back(sim, ana);
    assert_int_equal(story_core_agent(sim, ana)->index, 0);
    sim_bye(sim, ana);
    days_pass(sim, 33 * (int64_t) DAY);
    assert_null(known(sim, "ana"));
    assert_int_equal(HASH_COUNT(sim_core(sim)->meters), 0);
    crash(sim);
    assert_int_equal(HASH_COUNT(sim_core(sim)->meters), 0);
    sim_destroy(&sim);
}

static void an_old_decision_never_names_who_came_later(void **state)
{
    (void) state;
    struct sim *sim = story_new(short_memory());
    struct sim_agent *ana = story_agent(sim, "ana", "east", INTENT_AVAILABLE);
    const struct id lead = story_lead(sim, "to-push", 0);
    char hex[33];
    id_to_hex(lead, hex);
    sim_run_ms(sim, 5);
    sell(sim, ana, lead);
    assert_string_equal(told(sim, QUERY_EXPLAIN, hex, "winner", "value"), "ana");
    sim_bye(sim, ana);
    sim_run_ms(sim, FORGET + MINUTE);
    for (int i = 0; i < 3; i++) {
        char name[16];
        snprintf(name, sizeof name, "new-%d", i);
        story_agent(sim, name, "east", INTENT_AVAILABLE);
    }
    assert_string_equal(told(sim, QUERY_EXPLAIN, hex, "winner", "value"), "(forgotten)");
    crash(sim);
    assert_string_equal(told(sim, QUERY_EXPLAIN, hex, "winner", "value"), "(forgotten)");
    sim_destroy(&sim);
}

/* A list of two for a day of eight people; the broker dies at the beat `crash_ms`, before or after it stands. */
static void a_day_of_turnover_with_a_crash(int64_t crash_ms)
{
    struct policy *policy = sim_policy();
    policy->agents_max = 3;
    policy->forget_after_ms = 300;
    policy->heartbeat_ms = 20;
    policy->lease_ms = 100;
    policy->guard_ms = 10;
    policy->orphan_grace_ms = 50;
    struct sim *sim = sim_new(1 + (uint64_t) crash_ms, policy);
    struct sim_agent *agent = NULL;
    sim_audit_every(sim, 64);
    char name[16];
    for (int64_t ms = 0; ms < 2400; ms++) {
        if (ms % 300 == 0) {
            snprintf(name, sizeof name, "agent-%d", (int) (ms / 300));
            if (agent && ms % 600)
                sim_bye(sim, agent);
            else if (agent)
                agent->on = false;
            agent = sim_agent(sim, name, "east", INTENT_AVAILABLE);
            agent->by_hand = true; /* what it is offered comes back */
        }
        if (ms % 100 == 0)
            sim_submit(sim, "to-push", 1);
        if (ms == crash_ms)
            sim_crash(sim);
        sim_run_ms(sim, 1);
    }
    assert_true(agent->session != 0);
    assert_int_equal(sim_lost(sim), 0);
    assert_int_equal(sim_core(sim)->n_agents, 8);
    assert_in_range(sim_core(sim)->n_known, 1, 3);
    sim_destroy(&sim);
}

static void a_crash_at_any_beat_of_a_day_brings_nobody_back(void **state)
{
    (void) state;
    for (int64_t ms = 1; ms < 2400; ms += 61)
        a_day_of_turnover_with_a_crash(ms);
}

/* ---- three years ---------------------------------------------------------------------------- */

enum { DAYS = 1000, NEWCOMERS = 250, LEADS_A_DAY = 2 };

struct firm { /* each day its people are all others */
    struct core *core;
    struct effects *effects;
    struct buf body;
    struct digest *view; /* its rows are as many as the view's */
    int64_t now_us;
    uint64_t source, refused, welcomed, sessions[PEER_AGENTS + NEWCOMERS];
};

static void firm_step(struct firm *firm, uint32_t peer, const struct msg *msg)
{
    core_step(firm->core,
              &(struct event){
                  .kind = msg ? EVENT_MESSAGE : EVENT_TIME, .now_us = firm->now_us += 1000, .peer = peer, .msg = msg},
              firm->effects);
}

static void firm_beat(struct firm *firm)
{
    struct row_ref row;
    struct msg msg;
    uint32_t at = 0, peer;
    firm_step(firm, 0, NULL);
    firm->body.len = 0;
    core_seal(firm->core, &firm->body);
    while (row_next(slice_of(firm->body.at, firm->body.len), &at, &row) == 1)
        digest_row(firm->view, &row);
    while (effects_next_out(firm->effects, &peer, &msg)) {
        firm->refused += msg.kind == MSG_ERROR;
        firm->welcomed += msg.kind == MSG_WELCOME;
        if (msg.kind == MSG_WELCOME)
            firm->sessions[peer] = msg.welcome.session;
    }
    effects_clear(firm->effects);
}

static void firm_hello(struct firm *firm, uint32_t peer, enum role role, const char *name)
{
    firm_step(firm, peer,
              &(struct msg){.kind = MSG_HELLO,
                            .hello = {.protocol = 1,
                                      .role = role,
                                      .name = slice_of(name, strlen(name)),
                                      .team = slice_of("east", role == ROLE_AGENT ? 4 : 0),
                                      .intent = INTENT_AVAILABLE}});
}

/* 250 strangers come; at night half of them say bye, and the others only close the lid. */
static void firm_day(struct firm *firm, uint32_t day)
{
    char name[32];
    for (uint32_t i = 0; i < NEWCOMERS; i++) {
        snprintf(name, sizeof name, "clerk-%u", day * NEWCOMERS + i);
        firm_hello(firm, PEER_AGENTS + i, ROLE_AGENT, name);
    }
    for (uint64_t i = 0; i < LEADS_A_DAY; i++) {
        const struct row row = {.raw = slice_of("row", 3), .lead = {day + 1, i + 1}, .name = slice_of("Ada", 3)};
        firm_step(firm, PEER_SOURCE,
                  &(struct msg){
                      .session = firm->sessions[PEER_SOURCE],
                      .kind = MSG_CHUNK,
                      .chunk = {.op = {day + 1, i + 1}, .source = slice_of("to-push", 7), .rows = &row, .n_rows = 1}});
    }
    firm_beat(firm);
    for (uint32_t i = 0; i < NEWCOMERS; i += 2)
        firm_step(firm, PEER_AGENTS + i, &(struct msg){.session = firm->sessions[PEER_AGENTS + i], .kind = MSG_BYE});
    firm_beat(firm);
    const int64_t morning_us = firm->now_us + DAY * INT64_C(1000);
    while (core_next_us(firm->core) < morning_us && firm->now_us < morning_us) { /* what is due in a quarter, at once */
        firm->now_us += HOUR / 4 * INT64_C(1000);
        firm_beat(firm);
    }
    firm->now_us = morning_us;
}

static void three_years(uint32_t agents_max, int64_t forget_ms, uint32_t known_most)
{
    struct policy *policy = sim_policy();
    struct firm firm = {.now_us = INT64_C(1700000000000000), .effects = effects_new(), .view = digest_new()};
    size_t bytes = 0;
    policy->agents_max = agents_max;
    policy->forget_after_ms = forget_ms;
    policy->heartbeat_ms = HOUR / 4;
    policy->lease_ms = HOUR;
    policy->programmes[0].age_max_ms = 3 * (int64_t) DAY;
    firm.core = core_new(policy);
    core_epoch(firm.core, 1, firm.now_us, true);
    firm_hello(&firm, PEER_SOURCE, ROLE_SOURCE, "src");
    firm_beat(&firm);
    for (uint32_t day = 0; day < DAYS; day++) {
        firm_day(&firm, day);
        assert_int_equal(firm.refused, 0);
        assert_in_range(firm.core->n_known, NEWCOMERS, known_most);
        if (day % 100 == 0)
            assert_int_equal(core_check(firm.core, NULL), 0);
        if (day == DAYS / 5)
            bytes = mallinfo2().uordblks + mallinfo2().hblkhd;
    }
    const size_t more = mallinfo2().uordblks + mallinfo2().hblkhd - bytes;
    printf("%llu came, %u are known, %llu rows in the view; %zu KiB more than after %d days\n",
           (unsigned long long) firm.welcomed - 1, firm.core->n_known, (unsigned long long) digest_rows(firm.view),
           more / 1024, DAYS / 5);
    assert_int_equal(firm.welcomed, DAYS * NEWCOMERS + 1);
    assert_int_equal(firm.core->n_agents, DAYS * NEWCOMERS);
    assert_in_range(digest_rows(firm.view), 0, known_most + 2 * DAYS * LEADS_A_DAY + 8);
    /* leads stay, and of each agent eight bytes, in a table that doubles */
    assert_true(more < DAYS * LEADS_A_DAY * 2048 + 3 * DAYS * NEWCOMERS * 8);
    core_destroy(&firm.core);
    effects_destroy(&firm.effects);
    digest_destroy(&firm.view);
    buf_fini(&firm.body);
}

/* proves 000-09: a thousand days of 250 newcomers, nobody administers anything, and nobody is refused */
static void a_small_list_takes_a_thousand_days_of_newcomers(void **state)
{
    (void) state;
    three_years(2 * NEWCOMERS, INT64_C(30) * DAY, 2 * NEWCOMERS); /* by need */
    three_years(20000, INT64_C(7) * DAY, 9 * NEWCOMERS);          /* by time */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_stays_away_is_forgotten_after_the_policys_time_and_not_before),
        cmocka_unit_test(whose_line_fell_silent_is_forgotten_too_and_then_told_to_say_hello),
        cmocka_unit_test(who_owns_a_lead_is_remembered_for_as_long_as_that_lasts),
        cmocka_unit_test(whom_somebody_administers_is_not_forgotten),
        cmocka_unit_test(when_the_list_is_full_the_longest_gone_makes_room_for_a_newcomer),
        cmocka_unit_test(past_owners_make_room_only_when_nobody_else_can),
        cmocka_unit_test(an_operator_forgets_at_once_but_nobody_who_is_there),
        cmocka_unit_test(what_was_counted_against_limits_is_kept_for_its_windows_and_goes_then),
        cmocka_unit_test(an_old_decision_never_names_who_came_later),
        cmocka_unit_test(a_crash_at_any_beat_of_a_day_brings_nobody_back),
        cmocka_unit_test(a_small_list_takes_a_thousand_days_of_newcomers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
