/* SPDX-License-Identifier: Apache-2.0
 * test_swarm.c - seeded chaos: messages lost, repeated and late, agents that fall
 * silent and come back, workers that are mute or foul, a broker that crashes
 * before and after its commit. Then the faults stop, and everything must move on. */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static void populate(struct sim *sim)
{
    static const struct {
        const char *team;
        enum intent intent;
    } kinds[] = {{"east", INTENT_AVAILABLE},
                 {"hunters", INTENT_ON_DEMAND},
                 {"north", INTENT_AVAILABLE},
                 {"south", INTENT_ON_DEMAND}};
    for (uint32_t i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "agent-%02u", i);
        sim_agent(sim, name, kinds[i % 4].team, kinds[i % 4].intent);
    }
}

static uint32_t ended(struct sim *sim)
{
    struct core_levels levels;
    core_levels(sim_core(sim), &levels);
    return (uint32_t) levels.terminal;
}

static void one_seed(uint64_t seed, bool crashes)
{
    static const char *const sources[] = {"to-push", "to-pull", "to-pushpull"};
    struct sim *sim = sim_new(seed, sim_policy());
    sim_audit_every(sim, 64);
    populate(sim);
    sim_workers(sim, (uint32_t) (seed % 3));
    sim_faults(
        sim,
        (struct sim_faults){
            .lose = 20, .repeat = 30, .silence = 10, .crash = crashes ? 1 : 0, .worker_mute = 100, .delay_us = 20000});
    for (uint32_t i = 0; i < 12; i++) {
        sim_submit(sim, sources[sim_rand(sim, 3)], 1 + sim_rand(sim, 12));
        sim_run_ms(sim, 500);
    }
    sim_faults(sim, (struct sim_faults){0});
    for (int i = 0; i < 120 && ended(sim) < sim_acked(sim); i++)
        sim_run_ms(sim, 5000);
    if (sim_lost(sim))
        fail_msg("seed %llu: %u acknowledged leads are lost", (unsigned long long) seed, sim_lost(sim));
    if (ended(sim) < sim_acked(sim) || sim_acked(sim) == 0)
        fail_msg("seed %llu: %u of %u leads came to an end after the faults stopped", (unsigned long long) seed,
                 ended(sim), sim_acked(sim));
    sim_destroy(&sim);
}

static uint32_t seeds(void)
{
    const char *n = getenv("SIM_SEEDS");
    return n ? (uint32_t) atoi(n) : 20;
}

static void faults_without_crashes_break_no_promise(void **state)
{
    (void) state;
    for (uint64_t seed = 1; seed <= seeds(); seed++)
        one_seed(seed, false);
}

static void faults_with_crashes_break_no_promise(void **state)
{
    (void) state;
    for (uint64_t seed = 1001; seed <= 1000 + seeds(); seed++)
        one_seed(seed, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_without_crashes_break_no_promise),
        cmocka_unit_test(faults_with_crashes_break_no_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
