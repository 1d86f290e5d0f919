/* SPDX-License-Identifier: Apache-2.0
 * test_swarm.c - seeded chaos: messages lost, repeated and late, agents that fall
 * silent and come back, or leave for newcomers and are forgotten, workers that are mute or foul, a policy that changes
 * now and then, a broker that crashes before and after its commit. Then the faults stop, and everything must move on.
 */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STAFF = 20, ROUNDS = 12, PEOPLE = STAFF + ROUNDS };

static struct sim_agent *hire(struct sim *sim, uint32_t i)
{
    static const struct {
        const char *team;
        enum intent intent;
    } kinds[] = {{"east", INTENT_AVAILABLE},
                 {"hunters", INTENT_ON_DEMAND},
                 {"north", INTENT_AVAILABLE},
                 {"south", INTENT_ON_DEMAND}};
    char name[16];
    snprintf(name, sizeof name, "agent-%02u", i);
    return sim_agent(sim, name, kinds[i % 4].team, kinds[i % 4].intent);
}

static void populate(struct sim *sim, struct sim_agent **people)
{
    for (uint32_t i = 0; i < STAFF; i++)
        people[i] = hire(sim, i);
}

/* One leaves, with a word or without, and a newcomer sits down, or one who had left; an operator tidies up. */
static void turn_over(struct sim *sim, struct sim_agent **people, uint32_t *n)
{
    struct sim_agent *leaver = people[sim_rand(sim, *n)], *back = people[sim_rand(sim, *n)];
    char name[16];
    snprintf(name, sizeof name, "agent-%02u", sim_rand(sim, *n));
    sim_query(sim, QUERY_FORGET, name);
    if (leaver->on && sim_rand(sim, 2))
        sim_bye(sim, leaver);
    leaver->on = false;
    leaver->n_held = 0;
    if (!back->on && sim_rand(sim, 2)) {
        back->on = true;
        back->session = back->replaces = 0;
        back->next_us = 0;
        return;
    }
    people[*n] = hire(sim, *n);
    ++*n;
}

static struct policy_range test_of_source(struct sim *sim, struct policy *policy)
{
    static const char *const sources[] = {"to-push", "to-pull", "to-pushpull"};
    const char *source = sources[sim_rand(sim, 3)];
    policy->values[policy->n_values] = feature_text(source, strlen(source));
    policy->tests[policy->n_tests] =
        (struct policy_test){.key = feature_key("source", 6), .values = {policy->n_values++, 1}};
    return (struct policy_range){policy->n_tests++, 1};
}

/* Two units above some teams of a programme, a filter, and rules to whatever there is. */
static void add_rules(struct sim *sim, struct policy *policy)
{
    const uint32_t n_teams = policy->n_teams, chosen = sim_rand(sim, n_teams),
                   programme = policy->teams[chosen].programme;
    policy->teams[n_teams] = (struct policy_team){.name = "area", .programme = programme, .kind = UNIT_AREA};
    policy->teams[n_teams + 1] = (struct policy_team){.name = "region", .programme = programme, .kind = UNIT_REGION};
    policy->teams[n_teams].in = sim_rand(sim, 2) ? n_teams + 2 : 0;
    policy->teams[chosen].in = n_teams + 1;
    for (uint32_t i = 0; i < n_teams; i++)
        if (policy->teams[i].programme == programme && sim_rand(sim, 2))
            policy->teams[i].in = n_teams + 1 + sim_rand(sim, policy->teams[n_teams].in ? 2 : 1);
    policy->n_teams += policy->teams[n_teams].in ? 2 : 1;
    policy->agents[0] = (struct policy_agent){.name = "agent-02", .programme = programme, .weight = 1};
    policy->n_agents = 1;
    if (sim_rand(sim, 4) == 0)
        policy->teams[chosen].only = test_of_source(sim, policy);
    for (uint32_t i = 0; i < 6; i++) {
        struct policy_route *route = &policy->routes[policy->n_routes++];
        const uint32_t to = sim_rand(sim, policy->n_teams + 2);
        *route = (struct policy_route){.programme = to < policy->n_teams ? policy->teams[to].programme : programme,
                                       .number = i,
                                       .line = i + 1,
                                       .set = sim_rand(sim, 2) ? ROUTES_FIRST : ROUTES_AGAIN,
                                       .target = to < policy->n_teams    ? ROUTE_TO_TEAM
                                                 : to == policy->n_teams ? ROUTE_TO_AGENT
                                                                         : ROUTE_TO_PROGRAMME,
                                       .to = to < policy->n_teams ? to : 0};
        if (sim_rand(sim, 2))
            route->when = test_of_source(sim, policy);
    }
}

/* Orders and timers of some teams; leads of a name alone, so that only the keys' place is tried. */
static void add_pools(struct sim *sim, struct policy *policy)
{
    static const char contacts[] = "contact_quality", source[] = "source";
    policy->n_pools = 1 + sim_rand(sim, policy->n_teams);
    for (uint32_t i = 0; i < policy->n_pools; i++) {
        struct policy_order *order = &policy->pools[i].order;
        policy->pools[i] = (struct policy_pool){.has_order = sim_rand(sim, 3) > 0,
                                                .offer_ms = sim_rand(sim, 2) * 700,
                                                .first_action_ms = sim_rand(sim, 2) * 900,
                                                .unclaimed_ms = sim_rand(sim, 2) * 1500};
        order->n_keys = sim_rand(sim, 3);
        order->keys[0] = (struct order_key){
            .by = ORDER_HIGHEST, .contacts = true, .key = feature_key(contacts, sizeof contacts - 1)};
        order->keys[1] = (struct order_key){.by = ORDER_LOWEST, .key = feature_key(source, sizeof source - 1)};
        order->last = (enum lead_order) sim_rand(sim, 3);
        policy->teams[sim_rand(sim, policy->n_teams)].pool = i + 1;
    }
}

/* What everybody had waits for its age to end. */
static struct policy *first_policy(void)
{
    struct policy *policy = sim_policy();
    policy->agents_max = STAFF + 3;
    policy->forget_after_ms = 4000;
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        policy->programmes[i].age_max_ms = 120000;
        policy->programmes[i].recycles_max = 2;
        policy->programmes[i].cool_off_ms = 1000;
        policy->programmes[i].attempts_min = 2;
    }
    return policy;
}

/* Other limits, modes, orders, places; now and then without a programme or a team. */
static void change_policy(struct sim *sim)
{
    struct policy *policy = first_policy();
    for (uint32_t i = 0; i < 3; i++) {
        struct programme *programme = &policy->programmes[i];
        programme->mode = (enum mode)(MODE_PUSH + (i + (sim_rand(sim, 4) == 0)) % 3);
        programme->wip_max = 1 + sim_rand(sim, 5);
        programme->untouched_max = 1 + sim_rand(sim, 4);
        programme->distributions_max = 1 + sim_rand(sim, 4);
        programme->depth_per_agent = 1 + sim_rand(sim, 4);
        programme->order.last = (enum lead_order) sim_rand(sim, 3);
        programme->earn = (enum earn) sim_rand(sim, 2);
        programme->pull = (enum pull) sim_rand(sim, 3);
        programme->see = sim_rand(sim, 3);
        programme->skips_max = sim_rand(sim, 4);
        programme->widen = sim_rand(sim, 2) ? WIDEN_CELL : WIDEN_PROGRAMME;
        programme->offer_ms = 500 + sim_rand(sim, 3000);
        programme->recycles_max = sim_rand(sim, 3);
        programme->cool_off_ms = sim_rand(sim, 2000);
        programme->attempts_min = sim_rand(sim, 3);
        programme->attempts_day = sim_rand(sim, 2) * 200;
        programme->vet = sim_rand(sim, 3) == 0;
        programme->vet_ms = 500 + sim_rand(sim, 2000);
        programme->redistribute_to = i < 2 ? sim_rand(sim, 2) * (i + 2) : 0;
    }
    if (sim_rand(sim, 3) == 0)
        policy->teams[3].programme = sim_rand(sim, 3);
    if (sim_rand(sim, 3) == 0) { /* another place in the file */
        const struct policy_team last = policy->teams[3];
        policy->teams[3] = policy->teams[0];
        policy->teams[0] = last;
    }
    if (sim_rand(sim, 4) == 0)
        policy->n_teams--;
    if (sim_rand(sim, 4) == 0)
        snprintf(policy->programmes[1].name, sizeof policy->programmes[1].name, "other");
    if (sim_rand(sim, 2))
        add_rules(sim, policy);
    if (sim_rand(sim, 2))
        add_pools(sim, policy);
    sim_apply(sim, policy);
}

/* A hand in whatever happens to be going on. */
static void give_orders(struct sim *sim, uint32_t n_people)
{
    for (uint32_t i = 0; i < 4 && sim_core(sim)->leads.n; i++) {
        const struct id lead = lead_at(&sim_core(sim)->leads, sim_rand(sim, sim_core(sim)->leads.n))->id;
        char name[16];
        snprintf(name, sizeof name, "agent-%02u", sim_rand(sim, n_people));
        sim_order(sim, 0, lead, 1 + sim_rand(sim, 4), name, DISPOSITION_FAKE);
        sim_run_ms(sim, sim_rand(sim, 100));
    }
}

static uint32_t ended(struct sim *sim)
{
    struct core_levels levels;
    core_levels(sim_core(sim), &levels);
    return (uint32_t) levels.terminal;
}

static void one_seed(uint64_t seed, bool crashes, uint32_t *counts)
{
    static const char *const sources[] = {"to-push", "to-pull", "to-pushpull"};
    struct sim *sim = sim_new(seed, first_policy());
    struct sim_agent *people[PEOPLE];
    uint32_t n_people = STAFF;
    sim_audit_every(sim, 64);
    populate(sim, people);
    sim_workers(sim, (uint32_t) (seed % 3));
    sim_faults(
        sim,
        (struct sim_faults){
            .lose = 20, .repeat = 30, .silence = 10, .crash = crashes ? 1 : 0, .worker_mute = 100, .delay_us = 20000});
    for (uint32_t i = 0; i < ROUNDS; i++) {
        sim_submit(sim, sources[sim_rand(sim, 3)], 1 + sim_rand(sim, 12));
        sim_run_ms(sim, 500);
        give_orders(sim, n_people);
        turn_over(sim, people, &n_people);
        if (sim_rand(sim, 3) > 0)
            continue;
        change_policy(sim);
        sim_run_ms(sim, 300);
        counts[0] += sim_applied(sim, NULL) == REASON_OK;
        counts[1] += sim_applied(sim, NULL) == REASON_POLICY_IN_USE;
    }
    sim_apply(sim, first_policy()); /* who had no team any more has one again */
    sim_faults(sim, (struct sim_faults){0});
    for (int i = 0; i < 120 && ended(sim) < sim_acked(sim); i++)
        sim_run_ms(sim, 5000);
    if (sim_lost(sim))
        fail_msg("seed %llu: %u acknowledged leads are lost", (unsigned long long) seed, sim_lost(sim));
    if (ended(sim) < sim_acked(sim) || sim_acked(sim) == 0)
        fail_msg("seed %llu: %u of %u leads came to an end after the faults stopped", (unsigned long long) seed,
                 ended(sim), sim_acked(sim));
    counts[2] += sim_core(sim)->n_agents - sim_core(sim)->n_known;
    sim_destroy(&sim);
}

static uint32_t seeds(void)
{
    const char *n = getenv("SIM_SEEDS");
    return n ? (uint32_t) atoi(n) : 20;
}

static void much_happened(const uint32_t counts[3])
{
    printf("policies: %u changes, %u refused; agents: %u forgotten\n", counts[0], counts[1], counts[2]);
    assert_true(counts[0] > 0 && counts[1] > 0 && counts[2] > seeds());
}

static void faults_without_crashes_break_no_promise(void **state)
{
    (void) state;
    uint32_t counts[3] = {0};
    for (uint64_t seed = 1; seed <= seeds(); seed++)
        one_seed(seed, false, counts);
    much_happened(counts);
}

static void faults_with_crashes_break_no_promise(void **state)
{
    (void) state;
    uint32_t counts[3] = {0};
    for (uint64_t seed = 1001; seed <= 1000 + seeds(); seed++)
        one_seed(seed, true, counts);
    much_happened(counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(faults_without_crashes_break_no_promise),
        cmocka_unit_test(faults_with_crashes_break_no_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
