/* SPDX-License-Identifier: Apache-2.0
 * solve_private.h - what solve.c (exact, by shortest paths) and solve_bids.c (an
 * auction, for a start) share: the scratch memory, and who is where. Internal. */
#ifndef TAKT_WORKER_SOLVE_PRIVATE_H
#define TAKT_WORKER_SOLVE_PRIVATE_H

#include <math.h>
#include <stddef.h>

#include "worker/solve.h"

enum { NONE = -1, NOBODY = -2 }; /* as an agent: none, and so it stays; as yet undecided */

struct solver {
    const struct assignment *problem;
    /* one a column */
    double *price;
    double *toll; /* the price, or infinite once the column was passed */
    double *distance;
    float *bid_price; /* in the auction, which need not be exact: half as wide is twice as fast */
    int32_t *first;   /* of the leads held; the column behind the last is "no agent" */
    uint32_t *held;
    struct passed {
        uint32_t column, n_taken; /* so many steps had been taken when it was */
        double distance;
    } * passed;
    uint32_t n_passed;
    struct step { /* of the search: this lead can leave its place at this distance */
        int32_t lead;
        double start;
    } * taken;
    uint32_t n_taken;
    double none_distance; /* of the column "no agent" */
    int32_t none_via;
    double none_cost; /* of that column to leads of the priority in hand */
    int32_t priority;
    float step;
    uint64_t rows; /* looked at */
    /* one a lead */
    int32_t *next, *previous; /* among the leads of one column */
    float *limit;             /* in the auction: the price up to which the lead stays */
    float *bid_scores;        /* n_leads rows of width */
    struct entrant {
        double best;
        int32_t priority, lead;
    } * entrants;
    int32_t *queue;
    uint32_t columns_room, leads_room;
    size_t scores_room;
};

static inline const double *row_of(const struct solver *solver, int32_t lead)
{
    return solver->problem->scores + (size_t) lead * solver->problem->width;
}

static inline uint32_t column_of(const struct solver *solver, int32_t agent)
{
    return agent == NONE ? solver->problem->width : (uint32_t) agent;
}

static inline void hold(struct solver *solver, int32_t lead, int32_t agent)
{
    const uint32_t column = column_of(solver, agent);
    int32_t after = solver->first[column];
    solver->next[lead] = after;
    solver->previous[lead] = NONE;
    if (after != NONE)
        solver->previous[after] = lead;
    solver->first[column] = lead;
    solver->held[column]++;
    solver->problem->agents[lead] = agent;
}

static inline void let_go(struct solver *solver, int32_t lead)
{
    const uint32_t column = column_of(solver, solver->problem->agents[lead]);
    int32_t before = solver->previous[lead], after = solver->next[lead];
    if (before != NONE)
        solver->next[before] = after;
    else
        solver->first[column] = after;
    if (after != NONE)
        solver->previous[after] = before;
    solver->held[column]--;
    solver->problem->agents[lead] = NOBODY;
}

static inline bool has_room(const struct solver *solver, int32_t agent)
{
    return solver->held[agent] < solver->problem->slots[agent];
}

/* What "no agent" is worth to a lead: who is of a higher priority than the one in hand must have one. */
static inline double worth_of_none(const struct solver *solver, int32_t lead)
{
    return solver->problem->priorities[lead] == solver->priority ? -solver->none_cost : -INFINITY;
}

/* Score less price of the lead's best agent. */
double solve_best_value(struct solver *solver, int32_t lead);

/* Leads of the priority in hand and above bid for agents, and are then with agents who
 * are exactly their best, or NOBODY's. Only full agents' prices rise, but who is let go
 * of at the end may leave a free slot with a price. */
void solve_bid(struct solver *solver, double highest);

#endif
