/* SPDX-License-Identifier: Apache-2.0
 * strategy.c - the strategies: which lead of a window is next, and who gets it.
 * What a pair scores is score.c, the exact solution of a whole window solve.c.
 *
 * Leads are served by priority, always and strictly: no age and no value lifts one
 * over another's band, since the two are compared and never added. Within it most
 * strategies are one mechanism, a column of numbers: who has the least comes first,
 * among equals who has been free the longest (the place in score.c's queue). A
 * strategy says how the column is filled before a lead, and what moves on after it.
 * The joint optimum alone takes the window as one; when that would outlast the
 * request's deadline, best_score decides, and the decision says what it may have
 * cost. */
#include "worker/score_private.h"

#include <stdlib.h>

/* Pairs of lead and agent that the optimum may look at for each ms of the deadline: half of what a core of 2023
 * does in it. Counted and not timed, so that the same request ends the same way wherever it is decided again. */
enum { PAIRS_PER_MS = 400000 };

static const uint64_t order_max = (UINT64_C(1) << (63 - PLACE_BITS)) - 1; /* what an order and a place fit into */

struct choice { /* agents; -1 = nobody */
    int32_t agent, other;
};

/* ---- the strategies' columns --------------------------------------------------------- */

static void order_none(struct scorer *s, uint32_t lead)
{
    (void) lead;
    for (uint32_t a = 0; a < s->width; a++)
        s->order[a] = 0;
}

static void order_by_open(struct scorer *s, uint32_t lead)
{
    (void) lead;
    for (uint32_t a = 0; a < s->request->n_agents; a++)
        s->order[a] = (uint64_t) s->request->agents[a].open + s->given[a];
}

static void order_by_list(struct scorer *s, uint32_t lead)
{
    (void) lead;
    for (uint32_t a = 0; a < s->width; a++)
        s->order[a] = s->turn[a] & order_max;
}

/* How far the turn is from the last one served, around. */
static void order_by_turn(struct scorer *s, uint32_t lead)
{
    (void) lead;
    for (uint32_t a = 0; a < s->width; a++)
        s->order[a] = (uint32_t) (s->turn[a] - s->rotation - 1);
}

static void turn_moves(struct scorer *s, uint32_t agent)
{
    s->rotation = s->turn[agent];
}

/* In virtual time an agent's next lead may come no sooner than its turn, and should
 * be there a step later: of those whose turn has come, the one due first. Nobody is
 * ever a whole lead ahead of the share of its weight, or behind (worst-case fair
 * weighted fair queueing). Credits as in smooth weighted round robin spread leads as
 * evenly, but each lead would change every agent's, and all of them would be logged. */
static void order_by_due_turn(struct scorer *s, uint32_t lead)
{
    (void) lead;
    for (uint32_t a = 0; a < s->request->n_agents; a++) {
        const int64_t round = (int64_t) TURN_ROUND, step = (int64_t) turn_step(s->request->agents[a].weight);
        int64_t wait = (int64_t) (s->turn[a] - s->rotation);
        wait = wait < -2 * round ? -2 * round : wait > 2 * round ? 2 * round : wait;
        s->order[a] = (uint64_t) (wait > 0 ? wait + 4 * round : wait + step + 2 * round);
    }
}

/* A lead is one step of everybody who could take one; time does not stand still while no turn has come. */
static void due_turn_moves(struct scorer *s, uint32_t agent)
{
    const struct request_agent *agents = s->request->agents;
    uint64_t weights = 0, first = UINT64_MAX;
    s->turn[agent] += turn_step(agents[agent].weight);
    for (uint32_t a = 0; a < s->request->n_agents; a++) {
        if (s->full[a] != 0)
            continue;
        weights += agents[a].weight > 0 ? agents[a].weight : 1;
        first = s->turn[a] < first ? s->turn[a] : first;
    }
    if (weights == 0)
        return; /* all hands are full */
    s->rotation += TURN_ROUND / weights;
    s->rotation = s->rotation > first ? s->rotation : first;
}

static uint64_t mixed(uint64_t x) /* splitmix64 */
{
    x += UINT64_C(0x9E3779B97F4A7C15);
    x = (x ^ x >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    x = (x ^ x >> 27) * UINT64_C(0x94D049BB133111EB);
    return x ^ x >> 31;
}

/* A draw for each pair, the same whenever it is repeated. Mixed twice: the seeds of requests lie in a row. */
static void order_by_chance(struct scorer *s, uint32_t lead)
{
    const uint64_t of_lead = mixed(mixed(s->request->seed) + lead);
    for (uint32_t a = 0; a < s->request->n_agents; a++)
        s->order[a] = mixed(of_lead + a) & order_max;
}

static const struct {
    void (*order)(struct scorer *s, uint32_t lead);  /* NULL: by score */
    void (*moves)(struct scorer *s, uint32_t agent); /* once it was served */
} strategies[STRATEGIES] = {
    [STRATEGY_BEST_SCORE] = {NULL, NULL},
    [STRATEGY_ROUND_ROBIN] = {order_by_turn, turn_moves},
    [STRATEGY_LONGEST_IDLE] = {order_none, NULL},
    [STRATEGY_WEIGHTED_ROUND_ROBIN] = {order_by_due_turn, due_turn_moves},
    [STRATEGY_FEWEST_OPEN] = {order_by_open, NULL},
    [STRATEGY_LEAST_RECENT] = {order_none, NULL}, /* of the idleness that the broker counts from the last lead */
    [STRATEGY_TOP_DOWN] = {order_by_list, NULL},
    [STRATEGY_RANDOM] = {order_by_chance, NULL},
};

/* ---- one by one ---------------------------------------------------------------------- */

static struct choice choose_best(struct scorer *s, const struct rating *rating)
{
    const int32_t agent = rating->best_open == NOT_POSSIBLE ? -1 : (int32_t) key_agent(s, rating->best_open);
    return (struct choice){agent, score_best_other(s, rating, agent)};
}

/* The first in the column who can, and who would be first without that one. */
static struct choice choose_first(const struct scorer *s)
{
    uint64_t first = UINT64_MAX, second = UINT64_MAX;
    for (uint32_t a = 0; a < s->width; a++) {
        uint64_t key = s->order[a] << PLACE_BITS | (uint64_t) (PLACE_MAX - s->place[a]);
        key |= (uint64_t) (int64_t) (s->full[a] | s->barred[a]);
        const uint64_t later = key > first ? key : first;
        first = key < first ? key : first;
        second = later < second ? later : second;
    }
    return (struct choice){first == UINT64_MAX ? -1 : (int32_t) s->at_place[first & PLACE_MAX],
                           second == UINT64_MAX ? -1 : (int32_t) s->at_place[second & PLACE_MAX]};
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
static void rank_leads(struct scorer *s, enum strategy strategy)
{
    const struct msg_request *request = s->request;
    uint64_t slots = 0;
    for (uint32_t a = 0; a < request->n_agents; a++)
        slots += request->agents[a].slots;
    const bool scarce = strategy == STRATEGY_BEST_SCORE && slots < request->n_leads;
    bool sorted = !scarce;
    for (uint32_t i = 0; i < request->n_leads; i++) {
        struct rating rating;
        s->ranks[i] = (struct lead_rank){.lead = i, .priority = request->leads[i].priority};
        sorted = sorted && (i == 0 || s->ranks[i].priority <= s->ranks[i - 1].priority);
        if (!scarce)
            continue;
        score_begin_rating(s, i, &rating);
        score_end_rating(s, &rating);
        s->ranks[i].score = rating.best_open == NOT_POSSIBLE ? -1 : key_score(&rating, rating.best_open);
    }
    if (!sorted)
        qsort(s->ranks, request->n_leads, sizeof *s->ranks, by_rank);
}

/* A lead kept for its owner is nobody's turn: it moves nothing on. */
static void decide_one_by_one(struct scorer *s, enum strategy strategy)
{
    struct rating rating;
    rank_leads(s, strategy);
    for (uint32_t i = 0; i < s->request->n_leads; i++) {
        const uint32_t lead = s->ranks[i].lead;
        score_begin_rating(s, lead, &rating);
        if (strategies[strategy].order != NULL)
            strategies[strategy].order(s, lead);
        const struct choice choice = strategies[strategy].order != NULL ? choose_first(s) : choose_best(s, &rating);
        score_settle(s, &rating, choice.agent, choice.other);
        score_end_rating(s, &rating);
        if (choice.agent < 0)
            continue;
        if (strategies[strategy].moves != NULL && s->request->leads[lead].only_agent == 0)
            strategies[strategy].moves(s, (uint32_t) choice.agent);
        score_give(s, (uint32_t) choice.agent);
    }
}

/* ---- the joint optimum --------------------------------------------------------------- */

/* A lead with one of its best agents, as long as these have a slot left. Returns
 * whether that was so for all: then nothing can be better. */
static bool settle_contented(struct scorer *s)
{
    struct rating rating;
    for (uint32_t i = 0; i < s->request->n_leads; i++) {
        score_begin_rating(s, i, &rating);
        score_end_rating(s, &rating);
        s->agents[i] = -1;
        if (rating.best == NOT_POSSIBLE)
            continue;
        if (rating.best_open >> PLACE_BITS != rating.best >> PLACE_BITS)
            return false;
        s->agents[i] = (int32_t) key_agent(s, rating.best_open);
        score_give(s, (uint32_t) s->agents[i]);
    }
    return true;
}

static bool solve(struct scorer *s)
{
    const struct msg_request *request = s->request;
    struct rating rating;
    double *at = s->scores;
    score_lay_out_agents(s);
    for (uint32_t i = 0; i < request->n_leads; i++) {
        score_begin_rating(s, i, &rating);
        score_end_rating(s, &rating);
        for (uint32_t a = 0; a < s->width; a++)
            *at++ = s->key[a] == NOT_POSSIBLE ? SOLVE_BARRED : key_score(&rating, s->key[a]);
        s->priorities[i] = request->leads[i].priority;
    }
    const uint64_t pairs = (uint64_t) request->deadline_ms * PAIRS_PER_MS;
    const struct assignment problem = {.n_leads = request->n_leads,
                                       .n_agents = request->n_agents,
                                       .width = s->width,
                                       .scores = s->scores,
                                       .priorities = s->priorities,
                                       .slots = s->slots,
                                       .rows_max = s->width > 0 ? pairs / s->width : pairs,
                                       .agents = s->agents};
    return solve_assignment(s->solver, &problem, &s->bound);
}

static void decide_jointly(struct scorer *s)
{
    struct rating rating;
    s->is_frozen = true;
    if (!settle_contented(s) && !solve(s)) {
        s->reason = REASON_GREEDY; /* in the scores of the snapshot, as the bound is */
        decide_one_by_one(s, STRATEGY_BEST_SCORE);
        return;
    }
    for (uint32_t i = 0; i < s->request->n_leads; i++) {
        score_begin_rating(s, i, &rating);
        score_settle(s, &rating, s->agents[i], score_best_other(s, &rating, s->agents[i]));
        score_end_rating(s, &rating);
    }
}

bool strategy_goes_by_score(enum strategy strategy)
{
    return strategies[strategy].order == NULL;
}

void strategy_decide(struct scorer *s)
{
    if (s->request->strategy == STRATEGY_JOINT_OPTIMUM)
        decide_jointly(s);
    else
        decide_one_by_one(s, s->request->strategy);
}
