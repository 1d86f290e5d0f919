/* SPDX-License-Identifier: Apache-2.0
 * test_bounds.c - what a peer can do to the core at its edges: too many workers,
 * more requests than may be out, an offer and its withdrawal in one beat. */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

enum { PEER_AGENT = 1, PEER_SOURCE = 2, PEER_WORKERS = 10 };

static int64_t now_us = 1700000000000000;

static void step(struct core *core, struct effects *effects, uint32_t peer, const struct msg *msg)
{
    core_step(
        core,
        &(struct event){.kind = msg ? EVENT_MESSAGE : EVENT_TIME, .now_us = now_us += 1000, .peer = peer, .msg = msg},
        effects);
}

/* Says hello and takes in what is answered. Returns the session, 0 when there was no Welcome. */
static uint64_t hello(struct core *core, struct effects *effects, uint32_t peer, enum role role, const char *name)
{
    struct msg msg = {.seq = 1,
                      .kind = MSG_HELLO,
                      .hello = {.protocol = 1,
                                .role = role,
                                .name = slice_of(name, strlen(name)),
                                .team = slice_of("east", role == ROLE_AGENT ? 4 : 0),
                                .intent = INTENT_AVAILABLE,
                                .capacity = 16}};
    uint64_t session = 0;
    uint32_t to;
    step(core, effects, peer, &msg);
    while (effects_next_out(effects, &to, &msg))
        if (msg.kind == MSG_WELCOME)
            session = msg.welcome.session;
    effects_clear(effects);
    return session;
}

static void one_worker_too_many_is_told_so(void **state)
{
    (void) state;
    struct core *core = core_new(sim_policy());
    struct effects *effects = effects_new();
    core_epoch(core, 1, now_us, true);
    for (uint32_t i = 0; i < 256; i++)
        assert_true(hello(core, effects, PEER_WORKERS + i, ROLE_WORKER, "w") != 0);
    assert_true(hello(core, effects, PEER_WORKERS + 256, ROLE_WORKER, "w") == 0);
    effects_destroy(&effects);
    core_destroy(&core);
}

/* 100 teams, a lead in each one's pool, 20 workers with room for 320 requests: 63 are out, the rest waits its turn. */
static void requests_are_bounded_whatever_the_workers_offer(void **state)
{
    (void) state;
    static struct row rows[200];
    static char raw[200][16];
    struct policy *policy = sim_policy();
    policy->n_teams = 100;
    policy->agents_max = 1000;
    for (uint32_t i = 0; i < 100; i++) {
        snprintf(policy->teams[i].name, sizeof policy->teams[i].name, "team-%u", i);
        policy->teams[i].programme = 2;
    }
    struct core *core = core_new(policy);
    struct effects *effects = effects_new();
    core_epoch(core, 1, now_us, true);
    for (uint32_t i = 0; i < 20; i++) {
        const uint64_t session = hello(core, effects, PEER_WORKERS + i, ROLE_WORKER, "w");
        step(core, effects, PEER_WORKERS + i, &(struct msg){.session = session, .seq = 2, .kind = MSG_HEARTBEAT});
    }
    for (uint32_t i = 0; i < 100; i++) {
        char name[16];
        struct msg msg = {.seq = 1, .kind = MSG_HELLO};
        snprintf(name, sizeof name, "a-%u", i);
        msg.hello = (struct msg_hello){.protocol = 1,
                                       .role = ROLE_AGENT,
                                       .name = slice_of(name, strlen(name)),
                                       .team = slice_of(policy->teams[i].name, strlen(policy->teams[i].name)),
                                       .intent = INTENT_AVAILABLE};
        step(core, effects, PEER_WORKERS + 100 + i, &msg);
    }
    const uint64_t source = hello(core, effects, PEER_SOURCE, ROLE_SOURCE, "src");
    for (uint32_t i = 0; i < 200; i++) {
        snprintf(raw[i], sizeof raw[i], "row-%u", i);
        rows[i] =
            (struct row){.raw = slice_of(raw[i], strlen(raw[i])), .lead = {i + 1, i + 1}, .name = slice_of("Ada", 3)};
    }
    step(core, effects, PEER_SOURCE,
         &(struct msg){.session = source,
                       .seq = 2,
                       .kind = MSG_CHUNK,
                       .chunk = {.op = {7, 7}, .source = slice_of("to-pushpull", 11), .rows = rows, .n_rows = 200}});
    step(core, effects, 0, NULL);
    struct core_levels levels;
    core_levels(core, &levels);
    assert_int_equal(levels.requests_out, ASKS_MAX - 1);
    assert_int_equal(core_check(core, NULL), 0);
    now_us += 100000; /* nobody answered: all lapse, and the plain order places every lead that has a hand */
    for (int i = 0; i < 4; i++)
        step(core, effects, 0, NULL);
    core_levels(core, &levels);
    assert_int_equal(levels.offered, 200);
    effects_destroy(&effects);
    core_destroy(&core);
}

static void take_row(struct core *core, struct effects *effects, const char *source, uint32_t number)
{
    struct row row = {.raw = slice_of("row", 3), .lead = {number, number}, .name = slice_of("Ada", 3)};
    const uint64_t source_session = hello(core, effects, PEER_SOURCE, ROLE_SOURCE, "src");
    step(core, effects, PEER_SOURCE,
         &(struct msg){
             .session = source_session,
             .seq = 2,
             .kind = MSG_CHUNK,
             .chunk = {.op = {9, number}, .source = slice_of(source, strlen(source)), .rows = &row, .n_rows = 1}});
}

/* Whether this peer was answered NO_LEAD, or handed a lead, since the last clear. */
static void look(struct effects *effects, uint32_t at, bool *ret_refused, bool *ret_handed)
{
    struct msg msg;
    uint32_t peer;
    *ret_refused = *ret_handed = false;
    while (effects_next_out(effects, &peer, &msg))
        if (peer == at && msg.kind == MSG_AGENT_HEARS) {
            *ret_refused |= msg.hears.has_ready && msg.hears.ready.reason == REASON_NO_LEAD;
            *ret_handed |= msg.hears.n_offers > 0;
        }
    effects_clear(effects);
}

/* The only worker is busy with a push lead; somebody in the pull programme asks, and there is a lead for it. */
static void no_lead_is_not_said_while_a_pool_waits_for_a_worker(void **state)
{
    (void) state;
    struct core *core = core_new(sim_policy());
    struct effects *effects = effects_new();
    bool refused, handed;
    core_epoch(core, 1, now_us, true);
    struct msg msg = {.seq = 1, .kind = MSG_HELLO};
    msg.hello = (struct msg_hello){.protocol = 1, .role = ROLE_WORKER, .name = slice_of("w", 1), .capacity = 1};
    step(core, effects, PEER_WORKERS, &msg);
    effects_clear(effects);
    step(core, effects, PEER_WORKERS, &(struct msg){.session = 1ull << 32 | 1, .seq = 2, .kind = MSG_HEARTBEAT});
    assert_true(hello(core, effects, PEER_AGENT, ROLE_AGENT, "pusher") != 0);
    msg.hello = (struct msg_hello){.protocol = 1,
                                   .role = ROLE_AGENT,
                                   .name = slice_of("puller", 6),
                                   .team = slice_of("hunters", 7),
                                   .intent = INTENT_ON_DEMAND};
    step(core, effects, PEER_AGENT + 4, &msg);
    take_row(core, effects, "to-push", 1);
    step(core, effects, 0, NULL); /* the worker has its hands full now */
    take_row(core, effects, "to-pull", 2);
    effects_clear(effects);
    msg = (struct msg){
        .session = 1ull << 32 | 3, .seq = 2, .kind = MSG_AGENT_SAYS, .says = {.has_ready = true, .ready_op = {5, 5}}};
    step(core, effects, PEER_AGENT + 4, &msg);
    step(core, effects, 0, NULL);
    look(effects, PEER_AGENT + 4, &refused, &handed);
    assert_false(refused);
    assert_false(handed);
    now_us += 100000; /* it does not answer: the plain order decides both */
    step(core, effects, 0, NULL);
    look(effects, PEER_AGENT + 4, &refused, &handed);
    assert_false(refused);
    assert_true(handed);
    effects_destroy(&effects);
    core_destroy(&core);
}

/* A policy that lost a programme and a team: what was stored under them is read, and nothing is lost. */
static void a_cell_loads_after_its_policy_lost_a_programme(void **state)
{
    (void) state;
    struct policy *policy = sim_policy();
    struct core *core = core_new(policy);
    struct effects *effects = effects_new();
    struct buf body = {0};
    core_epoch(core, 1, now_us, true);
    struct msg msg = {.seq = 1, .kind = MSG_HELLO};
    msg.hello = (struct msg_hello){.protocol = 1,
                                   .role = ROLE_AGENT,
                                   .name = slice_of("nora", 4),
                                   .team = slice_of("north", 5),
                                   .intent = INTENT_AWAY};
    step(core, effects, PEER_AGENT, &msg);
    take_row(core, effects, "to-pushpull", 1);
    step(core, effects, 0, NULL); /* it goes down into the team's pool */
    assert_true(core_seal(core, &body) > 0);
    core_destroy(&core);
    policy->n_programmes = 2;
    policy->n_teams = 2;
    policy->n_sources = 2;
    core = core_new(policy);
    struct row_ref row;
    uint32_t at = 0;
    while (row_next(slice_of(body.at, body.len), &at, &row) == 1)
        assert_true(core_apply(core, &row));
    assert_true(core_loaded(core));
    core_epoch(core, 2, now_us, true);
    assert_int_equal(core_check(core, NULL), 0);
    struct core_levels levels;
    core_levels(core, &levels);
    assert_int_equal(levels.waiting, 1);
    assert_true(hello(core, effects, PEER_AGENT, ROLE_AGENT, "ernst") != 0);
    for (int i = 0; i < 2; i++)
        step(core, effects, 0, NULL);
    core_levels(core, &levels);
    assert_int_equal(levels.offered, 1); /* the default programme hands it out */
    buf_fini(&body);
    effects_destroy(&effects);
    core_destroy(&core);
}

static enum reason announce(struct core *core, struct effects *effects, uint64_t session, uint64_t import)
{
    enum reason said = (enum reason) REASON_MAX;
    struct msg msg;
    uint32_t peer;
    step(core, effects, PEER_SOURCE,
         &(struct msg){.session = session,
                       .seq = 2,
                       .kind = MSG_MANIFEST,
                       .manifest = {.import = {8, import}, .source = slice_of("to-push", 7), .rows = 10, .chunks = 1}});
    while (effects_next_out(effects, &peer, &msg))
        if (msg.kind == MSG_MANIFEST_STATE)
            said = msg.manifest_state.reason;
    effects_clear(effects);
    return said;
}

/* A file every quarter of an hour: after two years there is no room for its memory, and it must be taken all the same.
 */
static void one_import_too_many_takes_the_place_of_the_oldest_after_a_day(void **state)
{
    (void) state;
    struct core *core = core_new(sim_policy()), *loaded = core_new(sim_policy());
    struct effects *effects = effects_new();
    struct buf body = {0};
    struct row_ref row;
    uint32_t at = 0;
    core_epoch(core, 1, now_us, true);
    const uint64_t session = hello(core, effects, PEER_SOURCE, ROLE_SOURCE, "src");
    for (uint64_t i = 0; i < IMPORTS_MAX; i++)
        assert_int_equal(announce(core, effects, session, i), REASON_OK);
    core_seal(core, &body);
    assert_int_equal(announce(core, effects, session, IMPORTS_MAX), REASON_TOO_MANY);
    assert_int_equal(announce(core, effects, session, 7), REASON_OK); /* known ones are told how they stand */
    now_us += DAY_MS * 1000;
    for (uint64_t i = 0; i < 10; i++)
        assert_int_equal(announce(core, effects, session, IMPORTS_MAX + i), REASON_OK);
    core_seal(core, &body);
    assert_int_equal(HASH_COUNT(core->imports), IMPORTS_MAX);
    while (row_next(slice_of(body.at, body.len), &at, &row) == 1)
        assert_true(core_apply(loaded, &row));
    assert_true(core_loaded(loaded));
    assert_int_equal(HASH_COUNT(loaded->imports), IMPORTS_MAX);
    assert_true(id_equal(loaded->imports->id, core->imports->id)); /* who goes next */
    buf_fini(&body);
    effects_destroy(&effects);
    core_destroy(&core);
    core_destroy(&loaded);
}

static void a_withdrawal_is_not_in_the_frame_of_an_offer_before_it(void **state)
{
    (void) state;
    struct effects *effects = effects_new();
    struct msg msg;
    uint32_t peer;
    effects_offer(effects, PEER_AGENT, &(struct offer){.lead = {1, 1}, .fence = 5});
    effects_withdrawal(effects, PEER_AGENT, &(struct withdrawal){.lead = {1, 1}, .fence = 5});
    assert_true(effects_next_out(effects, &peer, &msg));
    assert_int_equal(msg.hears.n_offers, 1);
    assert_int_equal(msg.hears.n_withdrawals, 0);
    assert_true(effects_next_out(effects, &peer, &msg));
    assert_int_equal(msg.hears.n_withdrawals, 1);
    assert_false(effects_next_out(effects, &peer, &msg));
    effects_destroy(&effects);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_worker_too_many_is_told_so),
        cmocka_unit_test(requests_are_bounded_whatever_the_workers_offer),
        cmocka_unit_test(no_lead_is_not_said_while_a_pool_waits_for_a_worker),
        cmocka_unit_test(a_cell_loads_after_its_policy_lost_a_programme),
        cmocka_unit_test(one_import_too_many_takes_the_place_of_the_oldest_after_a_day),
        cmocka_unit_test(a_withdrawal_is_not_in_the_frame_of_an_offer_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
