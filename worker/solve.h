/* SPDX-License-Identifier: Apache-2.0
 * solve.h - the assignment problem: leads to agents with capacities. Exact.
 * Knows scores and slots, not leads. Internal to worker/. */
#ifndef TAKT_WORKER_SOLVE_H
#define TAKT_WORKER_SOLVE_H

#include <stdbool.h>
#include <stdint.h>

struct solver; /* scratch memory */

enum { SOLVE_LANES = 8, SOLVE_LEADS_MAX = 8192 };
#define SOLVE_BARRED (-0x1p49) /* a pair that must not be */

struct assignment {
    uint32_t n_leads, n_agents;
    uint32_t width;            /* of a row of scores: at least n_agents, a multiple of SOLVE_LANES */
    const double *scores;      /* n_leads rows: whole numbers 0..INT32_MAX, or BARRED; BARRED in the padding */
    const int32_t *priorities; /* one a lead */
    const uint32_t *slots;     /* width of them, 0 in the padding */
    uint64_t rows_max;         /* rows of scores that may be looked at before it is given up; 0 = as many as it takes */
    int32_t *agents;           /* one a lead, to be filled; -1 = nobody */
};

struct solver *solver_new(void);
void solver_destroy(struct solver **solver_p);

/* As many leads as possible get an agent: of the highest priority, then of the
 * next, which together are also the most that can be. Of all ways to do that, one
 * with the highest total score. False: given up, and no assignment's total is
 * above *ret_bound. */
bool solve_assignment(struct solver *solver, const struct assignment *problem, int64_t *ret_bound);

/* The agents' prices of the last solution: with them anybody can check that there is no better one. */
const double *solve_prices(const struct solver *solver);

#endif
