/* SPDX-License-Identifier: Apache-2.0
 * parts.c - a score taken apart, for who explains it. No arithmetic of its own: each
 * part is what the formula says of a scoring that has this weight and no other, so
 * parts cannot tell another story than scores do. */

#include "worker/formula.h"
#include "worker/score.h"

static void add(struct score_parts *parts, struct score_part part)
{
    parts->parts[parts->n_parts++] = part;
    parts->points += part.permille;
}

static int32_t points_of_weight(const struct scoring *scoring, uint32_t weight, const struct request_lead *lead,
                                const struct request_agent *agent)
{
    struct scoring alone = *scoring;
    struct formula formula;
    struct lead_terms terms;
    alone.weights[0] = scoring->weights[weight];
    alone.n_weights = 1;
    formula_prepare(&formula, &alone);
    formula_read_lead(&formula, lead, &terms);
    return terms.points - scoring->base_permille + formula_skill_points(&terms, agent);
}

void score_parts(const struct scoring *scoring, const struct request_lead *lead, const struct request_agent *agent,
                 struct score_parts *ret)
{
    *ret = (struct score_parts){.value_cents = lead->value_cents > 0 ? lead->value_cents : scoring->value_cents};
    ret->worth_cents = formula_worth(ret->value_cents, lead->age_ms, scoring->half_life_ms);
    add(ret, (struct score_part){PART_BASE, 0, scoring->base_permille});
    for (uint32_t w = 0; w < scoring->n_weights; w++) {
        const int32_t permille = points_of_weight(scoring, w, lead, agent);
        if (permille != 0)
            add(ret, (struct score_part){PART_WEIGHT, w, permille});
    }
    const int32_t free_handed = formula_agent_points(scoring, agent, 0);
    add(ret, (struct score_part){PART_PERFORMANCE, 0, free_handed});
    add(ret, (struct score_part){PART_LOAD, 0, formula_agent_points(scoring, agent, agent->open) - free_handed});
    ret->chance = formula_chance(ret->points);
    ret->score = formula_score(ret->worth_cents, ret->chance);
}
