/* SPDX-License-Identifier: Apache-2.0
 * score_private.h - what score.c (a window laid out, one lead rated, its verdict)
 * and strategy.c (which lead next, and to whom) share. Internal to worker/.
 *
 * For the choice, chance and place in the queue are packed into one int32_t a
 * pair, the key: the larger the better, and the inner loop is one maximum. Among
 * agents for one lead a higher chance is a higher score, before rounding to cents. */
#ifndef TAKT_WORKER_SCORE_PRIVATE_H
#define TAKT_WORKER_SCORE_PRIVATE_H

#include "worker/formula.h"
#include "worker/score.h"
#include "worker/solve.h"

enum {
    LANES = SOLVE_LANES, /* columns are padded to this, so that the inner loop has no tail */
    PLACE_BITS = 20,     /* below the chance in a key; larger = longer free */
    PLACE_MAX = (1 << PLACE_BITS) - 1,
    NOT_POSSIBLE = -1, /* as a key, and as a mask that makes any key one */
};

struct lead_rank {
    int32_t priority, score;
    uint32_t lead;
};

struct scorer {
    struct formula formula;
    const struct msg_request *request;
    bool is_frozen;                  /* scores stay those of the snapshot */
    const struct score_watch *watch; /* or NULL */

    uint32_t width, width_room; /* agent columns */
    int32_t *points, *skill_points, *place, *full, *barred, *key;
    uint32_t *slots, *given;
    uint64_t *order, *turn; /* the strategy's: less comes first; as in the request, and moved on */
    uint64_t rotation;      /* the same of the programme */

    uint32_t leads_room;
    struct verdict *verdicts;
    struct lead_rank *ranks;      /* in the order in which leads are served */
    int32_t *agents, *priorities; /* joint optimum: settled; by lead, for the solver */
    uint32_t *excluded_from;      /* n_leads + 1: where a lead's agents begin in `excluded` */
    uint32_t *at_place;           /* agent by place, counted from the front: n_agents + n_leads */
    uint32_t n_places, places_room;

    uint32_t *excluded;
    uint32_t excluded_room;
    uint64_t *skills, *ring; /* sorted: skill << 32 | agent; idleness << 32 | agent */
    size_t n_skills, skills_room;
    double *scores; /* joint optimum: n_leads rows of width */
    size_t scores_room;
    struct solver *solver;
    enum reason reason; /* of the decision: OK or GREEDY */
    int64_t bound;
};

struct rating { /* of one lead, with all agents */
    struct lead_terms terms;
    uint32_t lead;
    int32_t best_open, best; /* keys: of those with slots left, of all */
};

/* Leaves the lead's bars and skills in place for whoever chooses; score_end_rating() takes them away. */
void score_begin_rating(struct scorer *s, uint32_t lead, struct rating *ret_rating);
void score_end_rating(struct scorer *s, const struct rating *rating);

/* Who else scores best for the lead just rated, room or not; -1 = nobody. */
int32_t score_best_other(struct scorer *s, const struct rating *rating, int32_t agent);

/* The verdict on the lead just rated: agent and runner-up; -1 = nobody. */
void score_settle(struct scorer *s, const struct rating *rating, int32_t agent, int32_t other);

/* One slot less, one lead more, and to the end of the queue of those who have been free. */
void score_give(struct scorer *s, uint32_t agent);

/* All agents as the request has them: takes back what was given. */
void score_lay_out_agents(struct scorer *s);

bool strategy_goes_by_score(enum strategy strategy);

/* Settles all leads of the window laid out. */
void strategy_decide(struct scorer *s);

static inline uint32_t key_agent(const struct scorer *s, int32_t key)
{
    return s->at_place[PLACE_MAX - (key & PLACE_MAX)];
}

static inline int32_t key_score(const struct rating *rating, int32_t key)
{
    return formula_score(rating->terms.worth, key >> PLACE_BITS);
}

#endif
