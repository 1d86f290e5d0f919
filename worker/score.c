/* SPDX-License-Identifier: Apache-2.0
 * score.c - a window laid out in columns, one lead rated against all agents, and
 * its verdict. The arithmetic of one pair is formula.c, which lead goes to whom
 * strategy.c, the assignment problem solve.c, bytes scoring.c.
 *
 * A window decides as if its leads had come one by one: who just got a lead
 * holds one more and has been free for the shortest time. So leads spread over
 * agents also within a window, ties rotate, and the choice does not depend on
 * how the broker cut the queue. Two exceptions: with fewer slots than leads
 * best_score takes them by priority, then score (strategy.c:rank_leads), and the
 * joint optimum takes the window as one. */
#include "worker/score_private.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct scorer *scorer_new(void)
{
    struct scorer *scorer = calloc(1, sizeof *scorer);
    if (scorer == NULL)
        abort();
    scorer->solver = solver_new();
    return scorer;
}

void scorer_destroy(struct scorer **scorer_p)
{
    struct scorer *scorer = *scorer_p;
    if (scorer == NULL)
        return;
    free(scorer->points);
    free(scorer->slots);
    free(scorer->order);
    free(scorer->verdicts);
    free(scorer->ranks);
    free(scorer->agents);
    free(scorer->priorities);
    free(scorer->excluded_from);
    free(scorer->at_place);
    free(scorer->excluded);
    free(scorer->skills);
    free(scorer->ring);
    free(scorer->scores);
    solver_destroy(&scorer->solver);
    free(scorer);
    *scorer_p = NULL;
}

int32_t score_pair(const struct scoring *scoring, const struct request_lead *lead, const struct request_agent *agent)
{
    struct formula formula;
    struct lead_terms terms;
    formula_prepare(&formula, scoring);
    formula_read_lead(&formula, lead, &terms);
    int32_t points =
        terms.points + formula_agent_points(scoring, agent, agent->open) + formula_skill_points(&terms, agent);
    return formula_score(terms.worth, formula_chance(points));
}

/* ---- a window is laid out ------------------------------------------------------ */

static void *resized(void *at, size_t n, size_t size)
{
    at = reallocarray(at, n, size);
    if (at == NULL)
        abort();
    return at;
}

static void reserve(struct scorer *s, const struct msg_request *request)
{
    s->width = (request->n_agents / LANES + 1) * LANES; /* never 0 */
    if (s->width > s->width_room) {
        int32_t **columns[] = {&s->points, &s->skill_points, &s->place, &s->full, &s->barred, &s->key};
        int32_t *block = resized(s->points, s->width, sizeof columns / sizeof columns[0] * sizeof *block);
        for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
            *columns[i] = block + i * s->width;
        s->slots = resized(s->slots, s->width, 2 * sizeof *s->slots);
        s->given = s->slots + s->width;
        s->order = resized(s->order, s->width, 2 * sizeof *s->order);
        s->turn = s->order + s->width;
        s->ring = resized(s->ring, s->width, sizeof *s->ring);
        s->width_room = s->width;
    }
    if (request->n_leads >= s->leads_room) {
        s->leads_room = request->n_leads + 1;
        s->verdicts = resized(s->verdicts, s->leads_room, sizeof *s->verdicts);
        s->ranks = resized(s->ranks, s->leads_room, sizeof *s->ranks);
        s->agents = resized(s->agents, s->leads_room, sizeof *s->agents);
        s->priorities = resized(s->priorities, s->leads_room, sizeof *s->priorities);
        s->excluded_from = resized(s->excluded_from, s->leads_room, sizeof *s->excluded_from);
    }
    assert(request->n_agents <= PLACE_MAX / 2 && request->n_leads <= PLACE_MAX / 2);
    if (request->n_agents + request->n_leads > s->places_room) {
        s->places_room = request->n_agents + request->n_leads;
        s->at_place = resized(s->at_place, s->places_room, sizeof *s->at_place);
    }
    if (request->n_excluded > s->excluded_room) {
        s->excluded_room = request->n_excluded;
        s->excluded = resized(s->excluded, s->excluded_room, sizeof *s->excluded);
    }
    size_t n_scores = request->strategy == STRATEGY_JOINT_OPTIMUM ? (size_t) request->n_leads * s->width : 0;
    if (n_scores > s->scores_room) {
        s->scores = resized(s->scores, n_scores, sizeof *s->scores);
        s->scores_room = n_scores;
    }
}

static int compare_numbers(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *) a, right = *(const uint64_t *) b;
    return (left > right) - (left < right);
}

static void set_points(struct scorer *s, uint32_t agent)
{
    const struct request_agent *from = &s->request->agents[agent];
    s->points[agent] = formula_agent_points(s->formula.scoring, from, (uint64_t) from->open + s->given[agent]);
}

/* To the end of the queue of those who have been free. */
static void queue_up(struct scorer *s, uint32_t agent)
{
    s->place[agent] = PLACE_MAX - (int32_t) s->n_places;
    s->at_place[s->n_places++] = agent;
}

void score_lay_out_agents(struct scorer *s)
{
    const struct msg_request *request = s->request;
    for (uint32_t a = 0; a < request->n_agents; a++) {
        s->slots[a] = request->agents[a].slots;
        s->turn[a] = request->agents[a].turn;
        s->given[a] = 0;
        s->full[a] = s->slots[a] == 0 ? NOT_POSSIBLE : 0;
        s->barred[a] = 0;
        set_points(s, a);
        s->ring[a] = (uint64_t) (UINT32_MAX - request->agents[a].idle_ms) << 32 | a;
    }
    memset(s->skill_points, 0, s->width * sizeof *s->skill_points);
    for (uint32_t a = request->n_agents; a < s->width; a++) {
        s->points[a] = s->place[a] = 0;
        s->slots[a] = 0;
        s->full[a] = s->barred[a] = NOT_POSSIBLE;
        s->order[a] = s->turn[a] = 0;
    }
    qsort(s->ring, request->n_agents, sizeof *s->ring, compare_numbers);
    s->n_places = 0;
    for (uint32_t a = 0; a < request->n_agents; a++)
        queue_up(s, (uint32_t) s->ring[a]);
    s->rotation = request->rotation;
}

static void lay_out_skills(struct scorer *s)
{
    const struct msg_request *request = s->request;
    s->n_skills = 0;
    if (s->formula.n_skill_weights == 0)
        return;
    for (uint32_t a = 0; a < request->n_agents; a++)
        s->n_skills += request->agents[a].n_skills;
    if (s->n_skills > s->skills_room) {
        s->skills = resized(s->skills, s->n_skills, sizeof *s->skills);
        s->skills_room = s->n_skills;
    }
    uint64_t *at = s->skills;
    for (uint32_t a = 0; a < request->n_agents; a++)
        for (uint32_t i = 0; i < request->agents[a].n_skills; i++)
            *at++ = (uint64_t) request->agents[a].skills[i] << 32 | a;
    if (s->n_skills > 0)
        qsort(s->skills, s->n_skills, sizeof *s->skills, compare_numbers);
}

/* By lead, with a counting sort: from[i] ends as the place of lead i's first, and from[n] as the end. */
static void lay_out_exclusions(struct scorer *s)
{
    const struct msg_request *request = s->request;
    uint32_t *from = s->excluded_from, sum = 0;
    memset(from, 0, (request->n_leads + 1) * sizeof *from);
    for (uint32_t i = 0; i < request->n_excluded; i++) {
        assert(request->excluded[i].lead < request->n_leads && request->excluded[i].agent < request->n_agents);
        from[request->excluded[i].lead]++;
    }
    for (uint32_t i = 0; i <= request->n_leads; i++)
        from[i] = sum += from[i];
    for (uint32_t i = request->n_excluded; i-- > 0;)
        s->excluded[--from[request->excluded[i].lead]] = request->excluded[i].agent;
}

/* ---- one lead is rated --------------------------------------------------------- */

static void add_skill_points(struct scorer *s, const struct skill_term *term)
{
    size_t low = 0, high = s->n_skills;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->skills[middle] >> 32 < term->skill)
            low = middle + 1;
        else
            high = middle;
    }
    for (size_t i = low; i < s->n_skills && s->skills[i] >> 32 == term->skill; i++)
        if (i == low || s->skills[i] != s->skills[i - 1]) /* an agent may name a skill twice */
            s->skill_points[(uint32_t) s->skills[i]] += term->add;
}

static void bar(struct scorer *s, uint32_t lead, int32_t mask)
{
    for (uint32_t i = s->excluded_from[lead]; i < s->excluded_from[lead + 1]; i++)
        s->barred[s->excluded[i]] = mask;
    uint32_t only = s->request->leads[lead].only_agent;
    if (only > 0) {
        assert(only <= s->request->n_agents);
        int32_t own = s->barred[only - 1];
        for (uint32_t a = 0; a < s->request->n_agents; a++)
            s->barred[a] = mask;
        s->barred[only - 1] = own;
    }
}

/* The hot loop: all agents for one lead. */
static void rate_agents(struct scorer *s, struct rating *rating)
{
    const int32_t *restrict points = s->points, *restrict skill_points = s->skill_points;
    const int32_t *restrict place = s->place, *restrict full = s->full, *restrict barred = s->barred;
    int32_t *restrict key = s->key;
    int32_t lead_points = rating->terms.points, best = NOT_POSSIBLE, best_open = NOT_POSSIBLE;
    uint32_t width = s->width / LANES * LANES;

    for (uint32_t a = 0; a < width; a++) {
        int32_t chance = formula_chance(lead_points + points[a] + skill_points[a]);
        int32_t this_key = (chance * (1 << PLACE_BITS) + place[a]) | barred[a];
        int32_t open_key = this_key | full[a];
        key[a] = this_key;
        best = best > this_key ? best : this_key;
        best_open = best_open > open_key ? best_open : open_key;
    }
    rating->best = best;
    rating->best_open = best_open;
}

void score_begin_rating(struct scorer *s, uint32_t lead, struct rating *ret_rating)
{
    ret_rating->lead = lead;
    formula_read_lead(&s->formula, &s->request->leads[lead], &ret_rating->terms);
    for (uint32_t t = 0; t < ret_rating->terms.n_skills; t++)
        add_skill_points(s, &ret_rating->terms.skills[t]);
    bar(s, lead, NOT_POSSIBLE);
    rate_agents(s, ret_rating);
}

void score_end_rating(struct scorer *s, const struct rating *rating)
{
    bar(s, rating->lead, 0);
    if (rating->terms.n_skills > 0)
        memset(s->skill_points, 0, s->width * sizeof *s->skill_points);
}

int32_t score_best_other(struct scorer *s, const struct rating *rating, int32_t agent)
{
    int32_t best = rating->best;
    if (agent >= 0 && best != NOT_POSSIBLE && key_agent(s, best) == (uint32_t) agent) {
        best = NOT_POSSIBLE;
        for (uint32_t a = 0; a < s->width; a++)
            best = a != (uint32_t) agent && s->key[a] > best ? s->key[a] : best;
    }
    return best == NOT_POSSIBLE ? -1 : (int32_t) key_agent(s, best);
}

static void look(const struct scorer *s, const struct rating *rating)
{
    const bool by_score = strategy_goes_by_score(s->request->strategy);
    for (uint32_t a = 0; a < s->request->n_agents; a++) {
        const int32_t points = rating->terms.points + s->points[a] + s->skill_points[a];
        const int32_t key = formula_chance(points) * (1 << PLACE_BITS) + s->place[a];
        s->watch->agents[a] =
            (struct score_seen){.points = points,
                                .score = key_score(rating, key),
                                .open = s->request->agents[a].open + (s->is_frozen ? 0 : s->given[a]),
                                .slots = s->slots[a],
                                .barred = s->barred[a] != 0,
                                .order = by_score ? (uint64_t) (INT32_MAX - key)
                                                  : s->order[a] << PLACE_BITS | (uint64_t) (PLACE_MAX - s->place[a])};
    }
}

void score_settle(struct scorer *s, const struct rating *rating, int32_t agent, int32_t other)
{
    if (s->watch != NULL && s->watch->lead == rating->lead)
        look(s, rating);
    struct verdict *verdict = &s->verdicts[rating->lead];
    *verdict = (struct verdict){0};
    if (agent >= 0) {
        assert(s->key[agent] >= 0);
        verdict->agent = (uint32_t) agent + 1;
        verdict->score = key_score(rating, s->key[agent]);
    }
    verdict->margin = verdict->score;
    if (other >= 0) {
        verdict->runner_up = (uint32_t) other + 1;
        verdict->margin -= key_score(rating, s->key[other]);
    }
}

void score_give(struct scorer *s, uint32_t agent)
{
    assert(s->slots[agent] > 0);
    s->slots[agent]--;
    s->given[agent]++;
    if (s->slots[agent] == 0)
        s->full[agent] = NOT_POSSIBLE;
    if (!s->is_frozen && s->formula.scoring->load_permille != 0)
        set_points(s, agent);
    queue_up(s, agent);
}

void score_request(struct scorer *scorer, const struct scoring *scoring, const struct msg_request *request,
                   struct msg_decision *ret_decision)
{
    score_request_watched(scorer, scoring, request, NULL, ret_decision);
}

void score_request_watched(struct scorer *scorer, const struct scoring *scoring, const struct msg_request *request,
                           const struct score_watch *watch, struct msg_decision *ret_decision)
{
    struct scorer *s = scorer;
    s->watch = watch;
    s->request = request;
    s->is_frozen = false;
    formula_prepare(&s->formula, scoring);
    reserve(s, request);
    score_lay_out_agents(s);
    lay_out_skills(s);
    lay_out_exclusions(s);
    s->reason = REASON_OK;
    s->bound = 0;
    strategy_decide(s);
    *ret_decision = (struct msg_decision){.id = request->id,
                                          .rotation = s->rotation,
                                          .reason = s->reason,
                                          .bound = s->bound,
                                          .verdicts = s->verdicts,
                                          .n_verdicts = request->n_leads,
                                          .policy_version = request->policy_version};
    for (uint32_t i = 0; i < request->n_leads; i++)
        ret_decision->total += s->verdicts[i].score;
}
