/* SPDX-License-Identifier: Apache-2.0
 * test_solve.c - the assignment problem against two judges that share nothing with
 * it: on small windows a minimum cost flow by Bellman and Ford over single slots'
 * worth of flow, on large ones the prices themselves. Total and price bound being
 * equal prove an optimum, whoever found it and however. */
#include "worker/solve.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LEADS = 300, AGENTS = 104, SMALL_LEADS = 12, SMALL_AGENTS = 6 };

struct instance {
    struct assignment problem;
    double scores[LEADS * AGENTS];
    int32_t priorities[LEADS], agents[LEADS];
    uint32_t slots[AGENTS];
};

static struct solver *solver;
static struct instance instance;
static uint64_t random_state;

static uint32_t below(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t) ((random_state >> 33) % n);
}

static double *score_at(uint32_t lead, uint32_t agent)
{
    return &instance.scores[(size_t) lead * instance.problem.width + agent];
}

static void open_instance(uint32_t n_leads, uint32_t n_agents)
{
    memset(&instance, 0, sizeof instance);
    instance.problem = (struct assignment){.n_leads = n_leads,
                                           .n_agents = n_agents,
                                           .width = (n_agents + SOLVE_LANES - 1) / SOLVE_LANES * SOLVE_LANES,
                                           .scores = instance.scores,
                                           .priorities = instance.priorities,
                                           .slots = instance.slots,
                                           .agents = instance.agents};
    for (uint32_t i = 0; i < n_leads; i++)
        for (uint32_t k = 0; k < instance.problem.width; k++)
            *score_at(i, k) = SOLVE_BARRED;
}

static int64_t solve(void)
{
    int64_t total = 0, bound;
    uint32_t held[AGENTS] = {0};
    assert_true(solve_assignment(solver, &instance.problem, &bound));
    for (uint32_t i = 0; i < instance.problem.n_leads; i++) {
        const int32_t agent = instance.agents[i];
        if (agent < 0)
            continue;
        assert_true((uint32_t) agent < instance.problem.n_agents && *score_at(i, (uint32_t) agent) >= 0);
        assert_true(held[agent]++ < instance.slots[agent]);
        total += (int64_t) *score_at(i, (uint32_t) agent);
    }
    return total;
}

/* ---- small: minimum cost flow ------------------------------------------------------- */

/* What a lead brings by having an agent at all: more than all scores, and more than all lower priorities. */
static int64_t prize_of(int32_t priority)
{
    return INT64_C(1) << (36 + 5 * priority);
}

struct flow {
    int64_t distance[SMALL_LEADS + SMALL_AGENTS];
    int from[SMALL_LEADS + SMALL_AGENTS]; /* node; -1 = it begins here */
    int with[SMALL_LEADS];                /* agent, -1 = none */
    uint32_t held[SMALL_AGENTS];
};

static int64_t gain(uint32_t lead, uint32_t agent)
{
    return prize_of(instance.priorities[lead]) + (int64_t) *score_at(lead, agent);
}

/* One round of Bellman and Ford over the residual graph: a lead reaches agents, an agent the leads it holds. */
static bool relax_edges(struct flow *flow)
{
    bool moved = false;
    const uint32_t n = instance.problem.n_leads;
    for (uint32_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < instance.problem.n_agents; k++) {
            if (*score_at(i, k) < 0)
                continue;
            const bool back = flow->with[i] == (int) k;
            const uint32_t a = back ? n + k : i, b = back ? i : n + k;
            const int64_t cost = back ? gain(i, k) : -gain(i, k);
            if (flow->distance[a] != INT64_MAX && flow->distance[a] + cost < flow->distance[b]) {
                flow->distance[b] = flow->distance[a] + cost;
                flow->from[b] = (int) a;
                moved = true;
            }
        }
    return moved;
}

/* One more unit of flow, on the way that gains most; false when none gains. */
static bool push(struct flow *flow)
{
    const uint32_t n = instance.problem.n_leads;
    int end = -1;
    for (uint32_t v = 0; v < n + instance.problem.n_agents; v++) {
        flow->distance[v] = v < n && flow->with[v] < 0 ? 0 : INT64_MAX;
        flow->from[v] = -1;
    }
    while (relax_edges(flow))
        ;
    for (uint32_t k = 0; k < instance.problem.n_agents; k++)
        if (flow->held[k] < instance.slots[k] && flow->distance[n + k] < 0 &&
            (end < 0 || flow->distance[n + k] < flow->distance[end]))
            end = (int) (n + k);
    if (end < 0)
        return false;
    flow->held[(uint32_t) end - n]++;
    for (int to = end; to >= 0;) {
        const int lead = flow->from[to];
        flow->with[lead] = to - (int) n;
        to = flow->from[lead];
    }
    return true;
}

static int64_t value_of(const int *with)
{
    int64_t value = 0;
    for (uint32_t i = 0; i < instance.problem.n_leads; i++)
        value += with[i] >= 0 ? gain(i, (uint32_t) with[i]) : 0;
    return value;
}

static void small_windows_equal_the_minimum_cost_flow(void **state)
{
    (void) state;
    random_state = 31;
    for (int round = 0; round < 20000; round++) {
        open_instance(1 + below(SMALL_LEADS), 1 + below(SMALL_AGENTS));
        const uint32_t most = round % 4 == 0 ? 3 : round % 4 == 1 ? 100 : round % 4 == 2 ? 1000000 : INT32_MAX;
        for (uint32_t k = 0; k < instance.problem.n_agents; k++)
            instance.slots[k] = below(4);
        for (uint32_t i = 0; i < instance.problem.n_leads; i++) {
            instance.priorities[i] = round % 3 == 0 ? (int32_t) below(3) : 0;
            for (uint32_t k = 0; k < instance.problem.n_agents; k++)
                if (below(4) > 0 || round % 5 == 0)
                    *score_at(i, k) = below(most);
        }
        struct flow flow = {0};
        for (int i = 0; i < SMALL_LEADS; i++)
            flow.with[i] = -1;
        while (push(&flow))
            ;
        solve();
        assert_int_equal(value_of(instance.agents), value_of(flow.with));
    }
}

/* ---- large: the prices prove it ----------------------------------------------------- */

static int64_t best_less_price(uint32_t lead, int64_t least)
{
    for (uint32_t k = 0; k < instance.problem.n_agents; k++)
        if (*score_at(lead, k) >= 0) {
            const int64_t value = (int64_t) *score_at(lead, k) - (int64_t) solve_prices(solver)[k];
            least = value > least ? value : least;
        }
    return least;
}

/* No assignment can have more than what all slots cost and what each lead has beyond that. `without` is what a lead
 * without an agent counts as: 0, or less than any total where a lead more is worth more than all scores. */
static void check_by_prices(int64_t total)
{
    uint64_t slots = 0;
    uint32_t left = 0, room = 0;
    for (uint32_t i = 0; i < instance.problem.n_leads; i++)
        left += instance.agents[i] < 0;
    for (uint32_t k = 0; k < instance.problem.n_agents; k++)
        slots += instance.slots[k];
    room = (uint32_t) slots + left - instance.problem.n_leads;
    const int64_t without = left > 0 && room > 0 ? -(INT64_C(1) << 45) : 0;
    __int128 bound = 0, reached = (__int128) total + (__int128) without * left;
    for (uint32_t k = 0; k < instance.problem.n_agents; k++) {
        assert_true(solve_prices(solver)[k] >= 0);
        bound += (__int128) solve_prices(solver)[k] * instance.slots[k];
    }
    for (uint32_t i = 0; i < instance.problem.n_leads; i++)
        bound += best_less_price(i, without);
    assert_true(bound == reached);
}

enum kind { UNIFORM, ONE_SCALE, TIES, TIGHT, OVERLOAD, BARRED, LARGEST, EQUAL, KINDS };

static double score_of(enum kind kind, uint32_t worth, uint32_t skill)
{
    switch (kind) {
    case ONE_SCALE:
    case OVERLOAD:
        return (double) worth * (1 + skill) / 10 - (double) (worth * (1 + skill) % 10) / 10;
    case TIES:
        return 1000.0 * below(30);
    case LARGEST:
        return INT32_MAX - (double) below(1000000);
    case EQUAL:
        return 5;
    default:
        return below(500000);
    }
}

static void fill(enum kind kind)
{
    open_instance(200 + below(LEADS - 199), 40 + below(AGENTS - 39));
    const uint32_t n = instance.problem.n_agents;
    uint32_t left = instance.problem.n_leads;
    for (uint32_t k = 0; k < n; k++)
        instance.slots[k] = kind == OVERLOAD ? below(3) : below(8) == 0 ? 20 : 1 + below(4);
    for (uint32_t k = 0; kind == TIGHT && k < n; k++) { /* as many slots as leads */
        instance.slots[k] = k + 1 < n ? left / (n - k) : left;
        left -= instance.slots[k];
    }
    for (uint32_t i = 0; i < instance.problem.n_leads; i++) {
        const uint32_t worth = below(50000);
        for (uint32_t k = 0; k < n; k++)
            if (kind != BARRED || below(40) == 0)
                *score_at(i, k) = score_of(kind, worth, k * 7919 % n);
    }
}

static void large_windows_are_proved_by_their_prices(void **state)
{
    (void) state;
    random_state = 32;
    for (int round = 0; round < 40; round++)
        for (enum kind kind = UNIFORM; kind < KINDS; kind++) {
            fill(kind);
            check_by_prices(solve());
        }
}

static void the_same_window_gives_the_same_assignment_after_any_other(void **state)
{
    (void) state;
    static int32_t first[LEADS];
    for (enum kind kind = UNIFORM; kind < KINDS; kind++) {
        for (int again = 0; again < 2; again++) {
            random_state = 33;
            fill(kind);
            solve();
            if (again)
                assert_memory_equal(instance.agents, first, instance.problem.n_leads * sizeof *first);
            memcpy(first, instance.agents, sizeof first);
            fill(BARRED); /* leaves dirt in the scratch */
            solve();
        }
    }
}

static void what_is_given_up_has_a_bound_above_the_optimum(void **state)
{
    (void) state;
    random_state = 34;
    for (int round = 0; round < 20; round++)
        for (enum kind kind = UNIFORM; kind < KINDS; kind++) {
            int64_t bound = 0;
            fill(kind);
            const int64_t total = solve();
            instance.problem.rows_max = 1 + below(2000);
            if (!solve_assignment(solver, &instance.problem, &bound))
                assert_true(bound >= total);
        }
}

static int set_up(void **state)
{
    (void) state;
    solver = solver_new();
    return 0;
}

static int tear_down(void **state)
{
    (void) state;
    solver_destroy(&solver);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_windows_equal_the_minimum_cost_flow),
        cmocka_unit_test(large_windows_are_proved_by_their_prices),
        cmocka_unit_test(the_same_window_gives_the_same_assignment_after_any_other),
        cmocka_unit_test(what_is_given_up_has_a_bound_above_the_optimum),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
