/* SPDX-License-Identifier: Apache-2.0
 * solve.c - leads to agents by prices: each lead is with an agent whose score less
 * price is its highest, and only agents without a free slot have a price. Such an
 * assignment has the highest total there is, and the prices prove it.
 *
 * First an auction: leads bid and outbid each other by at least a small step. That
 * is fast and almost right; a lead that is then with an agent not quite its best
 * lets go. What is left is set right exactly, by shortest augmenting paths (Jonker
 * and Volgenant, with capacities): let_in() finds each such lead a place over a
 * chain of "this one moves there, that one moves on"; lower() finds the free slots
 * that still have a price somebody to fill them, or lowers it. The graph has a node
 * an agent and not one a slot: slots of one agent are alike.
 *
 * "No agent" is one more column with room for all, worth nothing: as scores are
 * not negative, nobody stays there who could fill a slot, unless bars make the
 * highest total leave one empty. Then who is left over comes in again with "no
 * agent" very dear. Higher priorities go first, and of those in it nobody is let
 * go again. This is exact: which leads of the higher priorities have an agent may
 * matter to the lower ones' scores, but not to how many of them can.
 *
 * Doubles hold nothing but whole numbers below 2^53, so every sum is exact; they
 * are used because plain x86-64 compares two of them at once, and int64_t not. */
#include "worker/solve_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* More than all scores of a window together: 2^31 x 2^13 leads. */
static const double dear = 0x1p45;

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
    free(solver->bid_price);
    free(solver->bid_scores);
    free(solver->taken);
    free(solver->first);
    free(solver->held);
    free(solver->passed);
    free(solver->next);
    free(solver->previous);
    free(solver->limit);
    free(solver->entrants);
    free(solver->queue);
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
        solver->bid_price = resized(solver->bid_price, columns, sizeof *solver->bid_price);
        solver->first = resized(solver->first, columns, sizeof *solver->first);
        solver->held = resized(solver->held, columns, sizeof *solver->held);
        solver->passed = resized(solver->passed, columns, sizeof *solver->passed);
        solver->columns_room = columns;
    }
    if (leads > solver->leads_room) {
        solver->next = resized(solver->next, leads, sizeof *solver->next);
        solver->previous = resized(solver->previous, leads, sizeof *solver->previous);
        solver->limit = resized(solver->limit, leads, sizeof *solver->limit);
        solver->entrants = resized(solver->entrants, leads, sizeof *solver->entrants);
        solver->queue = resized(solver->queue, leads, sizeof *solver->queue);
        solver->taken = resized(solver->taken, leads, sizeof *solver->taken);
        solver->leads_room = leads;
    }
    if ((size_t) columns * leads > solver->scores_room) {
        solver->scores_room = (size_t) columns * leads;
        solver->bid_scores = resized(solver->bid_scores, solver->scores_room, sizeof *solver->bid_scores);
    }
}

/* ---- shortest paths ------------------------------------------------------------------ */

/* The hot loop: let `lead`, which can leave its place at distance `start`,
 * shorten the way to each column. Which lead did is found out again where it matters. */
static void relax(struct solver *solver, int32_t lead, double start)
{
    const double *restrict row = row_of(solver, lead), *restrict toll = solver->toll;
    double *restrict distance = solver->distance;
    const uint32_t width = solver->problem->width / SOLVE_LANES * SOLVE_LANES;
    const double none = start - worth_of_none(solver, lead);
    for (uint32_t k = 0; k < width; k++) {
        const double here = start + toll[k] - row[k];
        distance[k] = here < distance[k] ? here : distance[k];
    }
    if (none < solver->none_distance) {
        solver->none_distance = none;
        solver->none_via = lead;
    }
    solver->taken[solver->n_taken++] = (struct step){lead, start};
    solver->rows++;
}

static void relax_all(struct solver *solver, int32_t agent, double here)
{
    const double start = agent == NONE ? here : here - solver->price[agent];
    for (int32_t lead = solver->first[column_of(solver, agent)]; lead != NONE; lead = solver->next[lead])
        relax(solver, lead, start + (agent == NONE ? -solver->none_cost : row_of(solver, lead)[agent]));
}

/* Returns NONE for "no agent". */
static int32_t nearest(const struct solver *solver)
{
    const double *distance = solver->distance;
    const uint32_t width = solver->problem->width;
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

static void pass(struct solver *solver, int32_t agent)
{
    const double here = solver->distance[agent];
    solver->passed[solver->n_passed++] = (struct passed){(uint32_t) agent, solver->n_taken, here};
    solver->distance[agent] = solver->toll[agent] = INFINITY;
    relax_all(solver, agent, here);
}

/* The lead that made the way to this agent as short as it is; NOBODY: it began there. */
static int32_t via(const struct solver *solver, int32_t agent)
{
    double distance = solver->distance[agent];
    uint32_t n = solver->n_taken;
    for (uint32_t i = 0; i < solver->n_passed; i++)
        if (solver->passed[i].column == (uint32_t) agent) {
            distance = solver->passed[i].distance;
            n = solver->passed[i].n_taken;
        }
    for (uint32_t i = 0; i < n; i++) {
        const struct step *step = &solver->taken[i];
        if (step->start + solver->price[agent] - row_of(solver, step->lead)[agent] == distance)
            return step->lead;
    }
    return NOBODY;
}

/* Moves leads along the path that was found, from its end back to where it began. Before prices change. */
static void move_along(struct solver *solver, int32_t to)
{
    for (;;) {
        const int32_t moved = to == NONE ? solver->none_via : via(solver, to);
        if (moved == NOBODY)
            return;
        const int32_t from = solver->problem->agents[moved];
        if (from != NOBODY)
            let_go(solver, moved);
        hold(solver, moved, to);
        if (from < 0)
            return;
        to = from;
    }
}

static void let_in(struct solver *solver, int32_t lead)
{
    int32_t end;
    for (uint32_t k = 0; k < solver->problem->width; k++)
        solver->distance[k] = INFINITY;
    memcpy(solver->toll, solver->price, solver->problem->width * sizeof *solver->toll);
    solver->none_distance = INFINITY;
    solver->n_passed = solver->n_taken = 0;
    relax(solver, lead, 0);
    while ((end = nearest(solver)) != NONE && !has_room(solver, end))
        pass(solver, end);

    const double reached = end == NONE ? solver->none_distance : solver->distance[end];
    move_along(solver, end);
    for (uint32_t i = 0; i < solver->n_passed; i++)
        solver->price[solver->passed[i].column] += reached - solver->passed[i].distance;
}

/* A free slot with a price: the nearest of them is filled, over a chain that begins where a slot is free for
 * nothing or at "no agent", or its price falls. All other prices fall with it, or stay. */
static void lower(struct solver *solver)
{
    const uint32_t n_agents = solver->problem->n_agents;
    int32_t end;
    for (uint32_t k = 0; k < solver->problem->width; k++)
        solver->distance[k] = solver->toll[k] = k < n_agents ? solver->price[k] : INFINITY;
    solver->n_passed = solver->n_taken = 0;
    relax_all(solver, NONE, 0);
    for (;;) {
        solver->none_distance = INFINITY; /* from there, and never back */
        end = nearest(solver);
        if (has_room(solver, end) && solver->price[end] > 0)
            break;
        pass(solver, end);
    }
    const double reached = solver->distance[end];
    move_along(solver, end);
    for (uint32_t i = 0; i < solver->n_passed; i++)
        solver->price[solver->passed[i].column] += reached - solver->passed[i].distance;
    for (uint32_t k = 0; k < n_agents; k++)
        solver->price[k] -= reached;
}

/* ---- a priority's leads --------------------------------------------------------------- */

static bool is_over(const struct solver *solver)
{
    return solver->problem->rows_max > 0 && solver->rows > solver->problem->rows_max;
}

double solve_best_value(struct solver *solver, int32_t lead)
{
    const double *restrict row = row_of(solver, lead), *restrict price = solver->price;
    double best[SOLVE_LANES], value = -INFINITY;
    solver->rows++;
    for (uint32_t lane = 0; lane < SOLVE_LANES; lane++)
        best[lane] = -INFINITY;
    for (uint32_t k = 0; k < solver->problem->width; k += SOLVE_LANES)
        for (uint32_t lane = 0; lane < SOLVE_LANES; lane++)
            best[lane] = row[k + lane] - price[k + lane] > best[lane] ? row[k + lane] - price[k + lane] : best[lane];
    for (uint32_t lane = 0; lane < SOLVE_LANES; lane++)
        value = best[lane] > value ? best[lane] : value;
    return value;
}

static bool let_in_all(struct solver *solver)
{
    for (uint32_t i = 0; i < solver->problem->n_leads; i++) {
        if (is_over(solver))
            return false;
        if (solver->problem->agents[i] == NOBODY && solver->problem->priorities[i] >= solver->priority)
            let_in(solver, (int32_t) i);
    }
    return true;
}

static bool lower_all(struct solver *solver)
{
    for (uint32_t k = 0; k < solver->problem->n_agents; k++)
        while (solver->price[k] > 0 && has_room(solver, (int32_t) k)) {
            if (is_over(solver))
                return false;
            lower(solver);
        }
    return true;
}

/* Who is left over although a slot is: a place for as many as can be, whatever that costs the total. */
static bool fill_up(struct solver *solver)
{
    bool has_slot = false;
    for (uint32_t k = 0; k < solver->problem->n_agents; k++)
        has_slot = has_slot || has_room(solver, (int32_t) k);
    const uint32_t none = solver->problem->width;
    uint32_t n = 0;
    for (int32_t lead = solver->first[none]; lead != NONE; lead = solver->next[lead])
        solver->queue[n++] = lead;
    if (!has_slot)
        n = 0;
    solver->none_cost = dear;
    for (uint32_t i = 0; i < n; i++)
        let_go(solver, solver->queue[i]);
    const bool is_done = let_in_all(solver);
    solver->none_cost = 0;
    solver->first[none] = NONE; /* they stay without, and have no part in what follows */
    solver->held[none] = 0;
    return is_done;
}

static bool settle_priority(struct solver *solver, double highest)
{
    solve_bid(solver, highest);
    return let_in_all(solver) && lower_all(solver) && fill_up(solver);
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

/* Within a priority the most valuable leads first: they are outbid least. */
static double line_up(struct solver *solver)
{
    const struct assignment *problem = solver->problem;
    double highest = 0;
    for (uint32_t i = 0; i < problem->n_leads; i++) {
        const double *row = row_of(solver, (int32_t) i);
        struct entrant entrant = {0, problem->priorities[i], (int32_t) i};
        float *bid_row = solver->bid_scores + (size_t) i * problem->width;
        for (uint32_t k = 0; k < problem->width; k++) {
            entrant.best = row[k] > entrant.best ? row[k] : entrant.best;
            bid_row[k] = (float) row[k];
        }
        highest = entrant.best > highest ? entrant.best : highest;
        solver->entrants[i] = entrant;
        problem->agents[i] = NOBODY;
    }
    qsort(solver->entrants, problem->n_leads, sizeof *solver->entrants, by_rank);
    return highest;
}

/* Any prices prove a bound: no total is above what all slots cost and each lead can have beyond that. */
static int64_t bound_of(struct solver *solver)
{
    double at_prices = 0, at_best = 0;
    for (uint32_t k = 0; k < solver->problem->n_agents; k++)
        at_prices += solver->price[k] * solver->problem->slots[k];
    solver->none_cost = 0;
    for (uint32_t i = 0; i < solver->problem->n_leads; i++) {
        const double value = solve_best_value(solver, (int32_t) i);
        at_prices += value > 0 ? value : 0;
        at_best += solver->entrants[i].best;
    }
    return (int64_t) (at_prices < at_best ? at_prices : at_best);
}

bool solve_assignment(struct solver *solver, const struct assignment *problem, int64_t *ret_bound)
{
    assert(problem->n_leads <= SOLVE_LEADS_MAX && problem->width % SOLVE_LANES == 0);
    assert(problem->n_leads > 0 && problem->n_agents > 0 && problem->n_agents <= problem->width);
    reserve(solver, problem->width + 1, problem->n_leads);
    solver->problem = problem;
    solver->rows = 0;
    solver->none_cost = 0;
    for (uint32_t k = 0; k <= problem->width; k++) {
        solver->price[k] = 0;
        solver->first[k] = NONE;
        solver->held[k] = 0;
    }
    const double highest = line_up(solver);
    for (uint32_t i = 0; i < problem->n_leads; i++) {
        solver->priority = solver->entrants[i].priority;
        if (i + 1 < problem->n_leads && solver->entrants[i + 1].priority == solver->priority)
            continue;
        if (!settle_priority(solver, highest)) {
            *ret_bound = bound_of(solver);
            return false;
        }
    }
    return true;
}

const double *solve_prices(const struct solver *solver)
{
    return solver->price;
}
