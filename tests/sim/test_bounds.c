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
        cmocka_unit_test(a_withdrawal_is_not_in_the_frame_of_an_offer_before_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
