/* SPDX-License-Identifier: Apache-2.0
 * formula.c - what one lead is worth in one agent's hands. Knows nothing of
 * windows, slots or strategies. Decay is a table of 2^(-i/64) with a straight
 * line between its points: 0.0015 % off at most, and the same everywhere, which
 * exp2() of a libm is not. */
#include "worker/formula.h"

#include <assert.h>
#include <string.h>

enum {
    POINTS_MAX = 1000 * 1000 * 1000, /* of an agent; a lead's and a skill's are below 65 million each */
    PERMILLE_MAX = 1000 * 1000,
    SMOOTHING = 20, /* outcomes that an agent without any is taken to have had, at the base rate */
    DECAY_BITS = 30,
    DECAY_STEPS = 64,
    STEP_WIDTH = (1 << DECAY_BITS) / DECAY_STEPS,
};

/* A chance of a permille of this much is the largest score already. */
static const uint64_t worth_max = (uint64_t) INT32_MAX * CHANCE_MAX;

static const uint32_t decay_table[DECAY_STEPS + 1] = {
    1073741824, 1062175491, 1050733751, 1039415261, 1028218693, 1017142735, 1006186087, 995347464, 984625594, 974019220,
    963527098,  953147997,  942880699,  932724001,  922676710,  912737649,  902905651,  893179563, 883558244, 874040567,
    864625413,  855311680,  846098274,  836984114,  827968132,  819049271,  810226483,  801498734, 792865000, 784324269,
    775875538,  767517817,  759250125,  751071493,  742980960,  734977579,  727060411,  719228525, 711481005, 703816941,
    696235434,  688735596,  681316545,  673977412,  666717336,  659535466,  652430958,  645402981, 638450708, 631573326,
    624770026,  618040012,  611382493,  604796689,  598281827,  591837143,  585461881,  579155293, 572916640, 566745190,
    560640218,  554601009,  548626854,  542717053,  536870912,
};

static bool in_range(int32_t permille)
{
    return permille >= -PERMILLE_MAX && permille <= PERMILLE_MAX;
}

bool formula_accepts(const struct scoring *scoring)
{
    if (!in_range(scoring->base_permille) || !in_range(scoring->load_permille) ||
        !in_range(scoring->performance_permille) || scoring->half_life_ms < 0 ||
        scoring->n_weights > POLICY_WEIGHTS_MAX)
        return false;
    for (uint32_t i = 0; i < scoring->n_weights; i++) {
        const struct weight *weight = &scoring->weights[i];
        if (!in_range(weight->add_permille) ||
            (weight->kind != WEIGHT_IS && weight->kind != WEIGHT_RANGE && weight->kind != WEIGHT_SKILL))
            return false;
    }
    return true;
}

void formula_prepare(struct formula *formula, const struct scoring *scoring)
{
    assert(formula_accepts(scoring));
    memset(formula, 0, sizeof *formula);
    formula->scoring = scoring;
    for (uint32_t i = scoring->n_weights; i-- > 0;) {
        uint8_t *head = &formula->head[scoring->weights[i].key & 255];
        formula->next[i] = *head;
        *head = (uint8_t) (i + 1);
        formula->n_skill_weights += scoring->weights[i].kind == WEIGHT_SKILL;
    }
}

static void apply_weight(const struct weight *weight, int64_t value, int64_t *points, struct lead_terms *terms)
{
    if (weight->kind == WEIGHT_SKILL)
        terms->skills[terms->n_skills++] = (struct skill_term){(uint32_t) value, weight->add_permille};
    else if (weight_is_met(weight, value))
        *points += weight->add_permille;
}

void formula_read_lead(const struct formula *formula, const struct request_lead *lead, struct lead_terms *ret_terms)
{
    const struct scoring *scoring = formula->scoring;
    int64_t points = scoring->base_permille;
    uint64_t used = 0; /* each weight counts once, however often a lead repeats its attribute */

    ret_terms->n_skills = 0;
    for (uint32_t i = 0; i < lead->n_features; i++) {
        const struct feature *feature = &lead->features[i];
        for (uint32_t w = formula->head[feature->key & 255]; w > 0; w = formula->next[w - 1]) {
            const struct weight *weight = &scoring->weights[w - 1];
            if (weight->key != feature->key || (used >> (w - 1) & 1) != 0)
                continue;
            used |= UINT64_C(1) << (w - 1);
            apply_weight(weight, feature->value, &points, ret_terms);
        }
    }
    ret_terms->points = (int32_t) points;
    ret_terms->worth = formula_worth(lead->value_cents > 0 ? lead->value_cents : scoring->value_cents, lead->age_ms,
                                     scoring->half_life_ms);
}

int32_t formula_agent_points(const struct scoring *scoring, const struct request_agent *agent, uint64_t open)
{
    uint32_t won = agent->won < agent->closed ? agent->won : agent->closed;
    int64_t rate = ((int64_t) won * CHANCE_MAX + (int64_t) scoring->base_permille * SMOOTHING) /
                   ((int64_t) agent->closed + SMOOTHING);
    if (open > UINT32_MAX)
        open = UINT32_MAX;
    int64_t points = rate * scoring->performance_permille / CHANCE_MAX - (int64_t) open * scoring->load_permille;
    if (points > POINTS_MAX)
        return POINTS_MAX;
    return points < -POINTS_MAX ? -POINTS_MAX : (int32_t) points;
}

int32_t formula_skill_points(const struct lead_terms *terms, const struct request_agent *agent)
{
    int32_t points = 0;
    for (uint32_t t = 0; t < terms->n_skills; t++)
        for (uint32_t i = 0; i < agent->n_skills; i++)
            if (agent->skills[i] == terms->skills[t].skill) {
                points += terms->skills[t].add;
                break;
            }
    return points;
}

uint64_t formula_worth(uint64_t value_cents, uint32_t age_ms, int64_t half_life_ms)
{
    uint64_t value = value_cents < worth_max ? value_cents : worth_max;
    if (half_life_ms <= 0)
        return value;
    uint64_t halvings = age_ms / (uint64_t) half_life_ms, rest = age_ms % (uint64_t) half_life_ms;
    if (halvings > DECAY_BITS)
        return 0;
    /* rest < 2^32, as age_ms is */
    uint64_t fraction = (rest << DECAY_BITS) / (uint64_t) half_life_ms;
    uint64_t step = fraction / STEP_WIDTH, part = fraction % STEP_WIDTH;
    uint64_t here = decay_table[step], there = decay_table[step + 1];
    uint64_t factor = (here - (here - there) * part / STEP_WIDTH) >> halvings;
    return (uint64_t) ((unsigned __int128) value * factor >> DECAY_BITS);
}
