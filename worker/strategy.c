/* SPDX-License-Identifier: Apache-2.0
 * strategy.c - the strategies: which lead of a window is next, and who gets it.
 * What a pair scores is score.c, the exact solution of a whole window solve.c.
 *
 * Each pick is written for the lead at hand; only best_score with too few slots
 * and the joint optimum look at all leads first. Then both serve the higher
 * priority first: best_score by falling score within it, the joint optimum so
 * that as many as can be get an agent, and then with the highest total. */
#include "worker/score_private.h"

#include <stdlib.h>

/* ---- one by one: who gets the lead just rated; -1 = nobody can ---------------------- */

static int32_t pick_best(struct scorer *s, const struct rating *rating)
{
    return rating->best_open == NOT_POSSIBLE ? -1 : (int32_t) key_agent(s, rating->best_open);
}

static int32_t pick_idle(struct scorer *s, const struct rating *rating)
{
    int32_t best = NOT_POSSIBLE;
    (void) rating;
    for (uint32_t a = 0; a < s->width; a++) {
        int32_t place = s->place[a] | s->full[a] | s->barred[a];
        best = best > place ? best : place;
    }
    return best == NOT_POSSIBLE ? -1 : (int32_t) key_agent(s, best);
}

struct rotation {
    uint32_t at;   /* where in the ring to go on */
    uint64_t last; /* turn served */
};

static void rotation_begin(struct scorer *s, struct rotation *rotation)
{
    uint32_t n = s->request->n_agents;
    for (uint32_t a = 0; a < n; a++)
        s->ring[a] = (uint64_t) s->request->agents[a].turn << 32 | a;
    qsort(s->ring, n, sizeof *s->ring, score_compare_numbers);
    for (rotation->at = 0; rotation->at < n && s->ring[rotation->at] >> 32 <= rotation->last;)
        rotation->at++;
}

/* A lead kept for its owner is nobody's turn: it does not move the rotation. */
static int32_t pick_next(struct scorer *s, const struct rating *rating, struct rotation *rotation)
{
    uint32_t n = s->request->n_agents;
    if (s->request->leads[rating->lead].only_agent > 0)
        return pick_best(s, rating);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t at = (rotation->at + i) % n, agent = (uint32_t) s->ring[at];
        if ((s->full[agent] | s->barred[agent]) == 0) {
            rotation->at = (at + 1) % n;
            rotation->last = s->ring[at] >> 32;
            return (int32_t) agent;
        }
    }
    return -1;
}

static int by_rank(const void *a, const void *b)
{
    const struct lead_rank *left = a, *right = b;
    if (left->priority != right->priority)
        return left->priority > right->priority ? -1 : 1;
    if (left->score != right->score)
        return left->score > right->score ? -1 : 1;
    return left->lead < right->lead ? -1 : 1;
}

/* The order in which leads are served. With fewer slots than leads the best score
 * is a choice among leads too: within a priority the ones most worth calling. */
static void rank_leads(struct scorer *s)
{
    const struct msg_request *request = s->request;
    uint64_t slots = 0;
    for (uint32_t a = 0; a < request->n_agents; a++)
        slots += request->agents[a].slots;
    const bool scarce = request->strategy == STRATEGY_BEST_SCORE && slots < request->n_leads;
    for (uint32_t i = 0; i < request->n_leads; i++) {
        struct rating rating;
        s->ranks[i] = (struct lead_rank){.lead = i};
        if (!scarce)
            continue;
        score_begin_rating(s, i, &rating);
        score_end_rating(s, &rating);
        s->ranks[i].priority = request->leads[i].priority;
        s->ranks[i].score = rating.best_open == NOT_POSSIBLE ? -1 : key_score(&rating, rating.best_open);
    }
    if (scarce)
        qsort(s->ranks, request->n_leads, sizeof *s->ranks, by_rank);
}

/* Returns the rotation: round robin's last turn served. */
static uint64_t decide_one_by_one(struct scorer *s)
{
    struct rotation rotation = {0, s->request->rotation};
    struct rating rating;
    enum strategy strategy = s->request->strategy;
    if (strategy == STRATEGY_ROUND_ROBIN)
        rotation_begin(s, &rotation);
    rank_leads(s);
    for (uint32_t i = 0; i < s->request->n_leads; i++) {
        score_begin_rating(s, s->ranks[i].lead, &rating);
        int32_t agent = strategy == STRATEGY_ROUND_ROBIN    ? pick_next(s, &rating, &rotation)
                        : strategy == STRATEGY_LONGEST_IDLE ? pick_idle(s, &rating)
                                                            : pick_best(s, &rating);
        score_settle(s, &rating, agent);
        score_end_rating(s, &rating);
        if (agent >= 0)
            score_give(s, (uint32_t) agent);
    }
    return rotation.last;
}

/* ---- the joint optimum --------------------------------------------------------- */

/* Every lead to one of its best agents who has a slot left. Returns how many
 * found none: at 0 nothing can be better. */
static uint32_t settle_contented(struct scorer *s)
{
    struct rating rating;
    uint32_t n_left = 0;
    for (uint32_t i = 0; i < s->request->n_leads; i++) {
        score_begin_rating(s, i, &rating);
        score_end_rating(s, &rating);
        s->agents[i] = -1;
        if (rating.best == NOT_POSSIBLE)
            continue;
        if (rating.best_open >> PLACE_BITS == rating.best >> PLACE_BITS) {
            s->agents[i] = (int32_t) key_agent(s, rating.best_open);
            score_give(s, (uint32_t) s->agents[i]);
        } else {
            n_left++;
        }
    }
    return n_left;
}

static void fill_scores(struct scorer *s)
{
    struct rating rating;
    double *at = s->scores;
    for (uint32_t i = 0; i < s->request->n_leads; i++) {
        score_begin_rating(s, i, &rating);
        score_end_rating(s, &rating);
        for (uint32_t a = 0; a < s->width; a++)
            *at++ = s->key[a] == NOT_POSSIBLE ? SOLVE_BARRED : key_score(&rating, s->key[a]);
    }
}

static void decide_jointly(struct scorer *s)
{
    const struct msg_request *request = s->request;
    struct rating rating;
    s->is_frozen = true;
    if (settle_contented(s) > 0) {
        fill_scores(s);
        for (uint32_t a = 0; a < request->n_agents; a++)
            s->slots[a] = request->agents[a].slots;
        for (uint32_t i = 0; i < request->n_leads; i++)
            s->priorities[i] = request->leads[i].priority;
        solve_assignment(s->solver, &(struct assignment){request->n_leads, request->n_agents, s->width, s->scores,
                                                         s->priorities, s->slots, s->agents});
    }
    for (uint32_t i = 0; i < request->n_leads; i++) {
        score_begin_rating(s, i, &rating);
        score_settle(s, &rating, s->agents[i]);
        score_end_rating(s, &rating);
    }
}

uint64_t strategy_decide(struct scorer *s)
{
    if (s->request->strategy != STRATEGY_JOINT_OPTIMUM)
        return decide_one_by_one(s);
    decide_jointly(s);
    return s->request->rotation;
}
