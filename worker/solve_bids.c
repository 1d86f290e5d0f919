/* SPDX-License-Identifier: Apache-2.0
 * solve_bids.c - an auction: leads bid for agents and outbid each other by at least
 * a small step, in rounds from coarse to fine. Almost right, and quickly so; what
 * is wrong by less than a step is solve.c's. In single precision, since a start
 * need not be exact: half as wide is twice as fast. Prices stay whole numbers. */
#include "worker/solve_private.h"

/* The auction's steps, as parts of the highest score: from coarse to fine each is a fraction of the one before. */
static const double coarsest = 128, finest = 8192, fraction = 4;

enum { BIDS_PER_LEAD = 64 };

struct bid {
    int32_t agent; /* the best one, or NONE */
    float value;   /* score less price */
    float next;    /* the same of the second best, or of none */
};

/* The two highest of what each lane found. */
static struct bid best_of_lanes(const float best[SOLVE_LANES], const float second[SOLVE_LANES])
{
    struct bid bid = {NONE, best[0], second[0]};
    for (uint32_t lane = 1; lane < SOLVE_LANES; lane++) {
        const float less = best[lane] < bid.value ? best[lane] : bid.value;
        const float next = second[lane] > bid.next ? second[lane] : bid.next;
        bid.value = best[lane] > bid.value ? best[lane] : bid.value;
        bid.next = less > next ? less : next;
    }
    return bid;
}

static int32_t agent_of_value(const float *row, const float *price, float value)
{
    uint32_t at = 0, hits = 0;
    for (; hits == 0; at += SOLVE_LANES)
        for (uint32_t lane = 0; lane < SOLVE_LANES; lane++)
            hits |= row[at + lane] - price[at + lane] == value;
    for (at -= SOLVE_LANES; row[at] - price[at] != value;)
        at++;
    return (int32_t) at;
}

/* The auction's hot loop. */
static struct bid bid_of(struct solver *solver, int32_t lead)
{
    const uint32_t width = solver->problem->width / SOLVE_LANES * SOLVE_LANES;
    const float *restrict row = solver->bid_scores + (size_t) lead * width, *restrict price = solver->bid_price;
    const float none = (float) worth_of_none(solver, lead);
    float best[SOLVE_LANES], second[SOLVE_LANES];
    solver->rows++;
    for (uint32_t lane = 0; lane < SOLVE_LANES; lane++)
        best[lane] = second[lane] = -INFINITY;
    for (uint32_t k = 0; k < width; k += SOLVE_LANES)
        for (uint32_t lane = 0; lane < SOLVE_LANES; lane++) {
            const float value = row[k + lane] - price[k + lane];
            const float less = value < best[lane] ? value : best[lane];
            best[lane] = value > best[lane] ? value : best[lane];
            second[lane] = less > second[lane] ? less : second[lane];
        }
    struct bid bid = best_of_lanes(best, second);
    bid.next = bid.next < (float) SOLVE_BARRED / 2 || bid.next < none ? none : bid.next;
    if (bid.value >= (float) SOLVE_BARRED / 2 && bid.value >= none)
        bid.agent = agent_of_value(row, price, bid.value);
    return bid;
}

/* Who of an agent's leads would leave at the lowest price. */
static int32_t first_to_leave(const struct solver *solver, int32_t agent)
{
    int32_t found = solver->first[agent];
    for (int32_t lead = found; lead != NONE; lead = solver->next[lead])
        if (solver->limit[lead] < solver->limit[found])
            found = lead;
    return found;
}

/* Each lead in the queue gets an agent or none, or is too long in getting one. */
static void auction(struct solver *solver, uint32_t n)
{
    uint64_t bids = (uint64_t) n * BIDS_PER_LEAD;
    int32_t *queue = solver->queue;
    for (uint32_t i = 0; i < n && bids > 0; bids--) {
        const int32_t lead = queue[i];
        const struct bid bid = bid_of(solver, lead);
        if (bid.agent == NONE) {
            i++;
            continue;
        }
        float *price = &solver->bid_price[bid.agent];
        const float limit = *price + bid.value - bid.next + solver->step;
        const int32_t other = has_room(solver, bid.agent) ? NONE : first_to_leave(solver, bid.agent);
        if (has_room(solver, bid.agent)) {
            i++;
        } else if (other != NONE && solver->limit[other] < limit) {
            *price = solver->limit[other] > *price ? solver->limit[other] : *price;
            let_go(solver, other);
            queue[i] = other;
        } else if (limit < INFINITY) {
            *price = limit;
            continue;
        } else { /* it must have this one, and so must all who do */
            i++;
            continue;
        }
        hold(solver, lead, bid.agent);
        solver->limit[lead] = limit;
    }
}

/* Who is with an agent that is a step or more below its best, lets go of it and bids. */
static uint32_t call_bidders(struct solver *solver)
{
    const uint32_t width = solver->problem->width;
    uint32_t n = 0;
    for (uint32_t i = 0; i < solver->problem->n_leads && solver->entrants[i].priority >= solver->priority; i++) {
        const int32_t lead = solver->entrants[i].lead, agent = solver->problem->agents[lead];
        if (agent >= 0 && bid_of(solver, lead).value > solver->bid_scores[(size_t) lead * width + (uint32_t) agent] -
                                                           solver->bid_price[agent] + solver->step)
            let_go(solver, lead);
        if (solver->problem->agents[lead] == NOBODY)
            solver->queue[n++] = lead;
    }
    return n;
}

/* Scores that are all multiples of something have an optimum at prices that are, too: prices that are only almost
 * so are rounded, and leads that are equally well off with two agents then stay. A sample will do for a start. */
static double grain_of(const struct solver *solver)
{
    uint64_t grain = 0;
    for (uint32_t i = 0; i < solver->problem->n_leads + solver->problem->n_agents && grain != 1; i++) {
        const uint32_t n = solver->problem->n_leads;
        const double score = i < n ? solver->entrants[i].best : row_of(solver, solver->entrants[0].lead)[i - n];
        for (uint64_t rest = score > 0 ? (uint64_t) score : 0; rest > 0;) {
            const uint64_t next = grain % rest;
            grain = rest;
            rest = next;
        }
    }
    return grain > 0 ? (double) grain : 1;
}

void solve_bid(struct solver *solver, double highest)
{
    for (uint32_t k = 0; k < solver->problem->width; k++)
        solver->bid_price[k] = (float) solver->price[k];
    double part = coarsest;
    while (part <= finest) {
        solver->step = (float) floor(highest / part) + 1;
        auction(solver, call_bidders(solver));
        part *= fraction;
    }
    const double grain = grain_of(solver);
    for (uint32_t k = 0; k < solver->problem->width; k++)
        if (solver->bid_price[k] != (float) solver->price[k])
            solver->price[k] = floor((double) solver->bid_price[k] / grain + 0.5) * grain;
    for (uint32_t i = 0; i < solver->problem->n_leads; i++) {
        const int32_t lead = (int32_t) i, agent = solver->problem->agents[i];
        if (agent < 0)
            continue;
        const double value = row_of(solver, lead)[agent] - solver->price[agent];
        if (value < solve_best_value(solver, lead) || value < worth_of_none(solver, lead))
            let_go(solver, lead);
    }
}
