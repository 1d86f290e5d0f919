/* SPDX-License-Identifier: Apache-2.0
 * solve.c - shortest augmenting paths with prices (Jonker and Volgenant, with
 * capacities). Leads enter one by one; each goes to the agent that is nearest
 * over a chain of "this lead moves there, that one moves on", and a full agent's
 * price rises by what he is fought over. The graph has a node an agent and not
 * one a slot: slots of one agent are alike. "No agent" is one more column, dear
 * and with room for all, so that every lead finds a path and few end there.
 *
 * Higher priorities enter first, and for an entrant only a lead of its own priority
 * is left without agent. This is exact: which leads of the higher priorities have
 * an agent may matter to the lower ones' scores, but not to how many of them can.
 *
 * Doubles hold nothing but whole numbers below 2^53, so every sum is exact; they
 * are used because plain x86-64 compares two of them at once, and int64_t not. */
#include "worker/solve.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More than all scores of a window together: 2^31 x 2^13 leads. */
static const double unassigned_cost = 0x1p45;

enum { NONE = -1 };

struct solver {
    /* one a column */
    double *price;
    double *toll; /* the price, or infinite once the column was passed */
    double *distance;
    int64_t *via;   /* the lead that would move here; as wide as a double, for the loop's sake */
    int32_t *first; /* of the leads held */
    uint32_t *held;
    struct passed {
        uint32_t column;
        double distance;
    } * passed;
    double none_distance; /* of the column "no agent" */
    int32_t none_via;
    int32_t priority; /* of the entrant: who is above it keeps an agent */
    /* one a lead */
    int32_t *next, *previous; /* among the leads of one agent */
    struct entrant {
        double best;
        int32_t priority, lead;
    } * entrants;
    uint32_t columns_room, leads_room;
};

struct solver *solver_new(void)
{
    struct solver *solver = calloc(1, sizeof *solver);
    if (solver == NULL)
        abort();
    return solver;
}

void solver_destroy(struct solver **solver_p)
{
    struct solver *solver = *solver_p;
    if (solver == NULL)
        return;
    free(solver->price);
    free(solver->toll);
    free(solver->distance);
    free(solver->via);
    free(solver->first);
    free(solver->held);
    free(solver->passed);
    free(solver->next);
    free(solver->previous);
    free(solver->entrants);
    free(solver);
    *solver_p = NULL;
}

static void *resized(void *at, size_t n, size_t size)
{
    at = reallocarray(at, n, size);
    if (at == NULL)
        abort();
    return at;
}

static void reserve(struct solver *solver, uint32_t columns, uint32_t leads)
{
    if (columns > solver->columns_room) {
        solver->price = resized(solver->price, columns, sizeof *solver->price);
        solver->toll = resized(solver->toll, columns, sizeof *solver->toll);
        solver->distance = resized(solver->distance, columns, sizeof *solver->distance);
        solver->via = resized(solver->via, columns, sizeof *solver->via);
        solver->first = resized(solver->first, columns, sizeof *solver->first);
        solver->held = resized(solver->held, columns, sizeof *solver->held);
        solver->passed = resized(solver->passed, columns, sizeof *solver->passed);
        solver->columns_room = columns;
    }
    if (leads > solver->leads_room) {
        solver->next = resized(solver->next, leads, sizeof *solver->next);
        solver->previous = resized(solver->previous, leads, sizeof *solver->previous);
        solver->entrants = resized(solver->entrants, leads, sizeof *solver->entrants);
        solver->leads_room = leads;
    }
}

static void hold(struct solver *solver, int32_t lead, int32_t agent)
{
    int32_t after = solver->first[agent];
    solver->next[lead] = after;
    solver->previous[lead] = NONE;
    if (after != NONE)
        solver->previous[after] = lead;
    solver->first[agent] = lead;
    solver->held[agent]++;
}

static void let_go(struct solver *solver, int32_t lead, int32_t agent)
{
    int32_t before = solver->previous[lead], after = solver->next[lead];
    if (before != NONE)
        solver->next[before] = after;
    else
        solver->first[agent] = after;
    if (after != NONE)
        solver->previous[after] = before;
    solver->held[agent]--;
}

/* The hot loop: let `lead`, which can leave its place at distance `start`,
 * shorten the way to each column. */
static void relax(struct solver *solver, const struct assignment *problem, int32_t lead, double start)
{
    const double *restrict row = problem->scores + (size_t) lead * problem->width, *restrict toll = solver->toll;
    double *restrict distance = solver->distance;
    int64_t *restrict via = solver->via;
    uint32_t width = problem->width / SOLVE_LANES * SOLVE_LANES;
    for (uint32_t k = 0; k < width; k++) {
        double here = start + toll[k] - row[k], known = distance[k];
        distance[k] = here < known ? here : known;
        via[k] = here < known ? lead : via[k];
    }
    if (problem->priorities[lead] == solver->priority && start + unassigned_cost < solver->none_distance) {
        solver->none_distance = start + unassigned_cost;
        solver->none_via = lead;
    }
}

/* Returns NONE for "no agent". */
static int32_t nearest(const struct solver *solver, uint32_t width)
{
    const double *distance = solver->distance;
    double best[SOLVE_LANES], least = solver->none_distance;
    for (uint32_t lane = 0; lane < SOLVE_LANES; lane++)
        best[lane] = INFINITY;
    for (uint32_t k = 0; k < width; k += SOLVE_LANES)
        for (uint32_t lane = 0; lane < SOLVE_LANES; lane++)
            best[lane] = distance[k + lane] < best[lane] ? distance[k + lane] : best[lane];
    for (uint32_t lane = 0; lane < SOLVE_LANES; lane++)
        least = best[lane] < least ? best[lane] : least;
    if (least == solver->none_distance)
        return NONE;
    for (uint32_t k = 0;; k++)
        if (distance[k] == least)
            return (int32_t) k;
}

/* Moves leads along the path that was found, from its end back to the entrant. */
static void augment(struct solver *solver, int32_t *agents, int32_t entrant, int32_t end)
{
    for (int32_t to = end;;) {
        int32_t moved = to == NONE ? solver->none_via : (int32_t) solver->via[to], from = agents[moved];
        if (from != NONE)
            let_go(solver, moved, from);
        agents[moved] = to;
        if (to != NONE)
            hold(solver, moved, to);
        if (moved == entrant)
            return;
        to = from;
    }
}

static void enter(struct solver *solver, const struct assignment *problem, int32_t entrant)
{
    uint32_t n_passed = 0;
    int32_t end;
    for (uint32_t k = 0; k < problem->width; k++)
        solver->distance[k] = INFINITY;
    memcpy(solver->toll, solver->price, problem->width * sizeof *solver->toll);
    solver->none_distance = INFINITY;
    solver->priority = problem->priorities[entrant];
    relax(solver, problem, entrant, 0);

    while ((end = nearest(solver, problem->width)) != NONE && solver->held[end] == problem->slots[end]) {
        double here = solver->distance[end];
        solver->passed[n_passed++] = (struct passed){(uint32_t) end, here};
        solver->distance[end] = solver->toll[end] = INFINITY;
        for (int32_t lead = solver->first[end]; lead != NONE; lead = solver->next[lead])
            relax(solver, problem, lead,
                  here - solver->price[end] + problem->scores[(size_t) lead * problem->width + (uint32_t) end]);
    }

    double reached = end == NONE ? solver->none_distance : solver->distance[end];
    for (uint32_t i = 0; i < n_passed; i++)
        solver->price[solver->passed[i].column] += reached - solver->passed[i].distance;
    augment(solver, problem->agents, entrant, end);
}

static int by_rank(const void *a, const void *b)
{
    const struct entrant *left = a, *right = b;
    if (left->priority != right->priority)
        return left->priority < right->priority ? 1 : -1;
    if (left->best != right->best)
        return left->best < right->best ? 1 : -1;
    return (left->lead > right->lead) - (left->lead < right->lead);
}

/* Within a priority the most valuable leads enter first: they are moved least, which halves the work. */
static uint32_t line_up(struct solver *solver, const struct assignment *problem)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < problem->n_leads; i++) {
        const double *row = problem->scores + (size_t) i * problem->width;
        if (problem->agents[i] != NONE)
            continue;
        struct entrant entrant = {SOLVE_BARRED, problem->priorities[i], (int32_t) i};
        for (uint32_t k = 0; k < problem->n_agents; k++)
            entrant.best = row[k] > entrant.best ? row[k] : entrant.best;
        if (entrant.best > SOLVE_BARRED)
            solver->entrants[n++] = entrant;
    }
    qsort(solver->entrants, n, sizeof *solver->entrants, by_rank);
    return n;
}

void solve_assignment(struct solver *solver, const struct assignment *problem)
{
    assert(problem->n_leads <= SOLVE_LEADS_MAX && problem->width % SOLVE_LANES == 0);
    assert(problem->n_leads > 0 && problem->n_agents > 0 && problem->n_agents <= problem->width);
    reserve(solver, problem->width, problem->n_leads);
    for (uint32_t k = 0; k < problem->width; k++) {
        solver->price[k] = 0;
        solver->first[k] = NONE;
        solver->held[k] = 0;
    }
    int32_t highest = INT32_MIN;
    for (uint32_t i = 0; i < problem->n_leads; i++)
        highest = problem->priorities[i] > highest ? problem->priorities[i] : highest;
    for (uint32_t i = 0; i < problem->n_leads; i++) {
        if (problem->priorities[i] < highest)
            problem->agents[i] = NONE; /* enters in its turn */
        if (problem->agents[i] != NONE)
            hold(solver, (int32_t) i, problem->agents[i]);
    }
    uint32_t n = line_up(solver, problem);
    for (uint32_t i = 0; i < n; i++)
        enter(solver, problem, solver->entrants[i].lead);
}
