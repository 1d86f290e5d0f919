/* SPDX-License-Identifier: Apache-2.0
 * formula.h - the arithmetic of struct scoring (core/policy.h), taken apart so
 * that a window costs one addition and one clamp a pair: what depends on the
 * lead alone, on the agent alone, and on both (skills). Integers only, so that
 * every machine gets the same score. Internal to worker/. */
#ifndef TAKT_WORKER_FORMULA_H
#define TAKT_WORKER_FORMULA_H

#include "core/policy.h"
#include "proto/msg.h"

enum { CHANCE_MAX = 1000 }; /* permille */

struct formula { /* a scoring, indexed by attribute */
    const struct scoring *scoring;
    uint32_t n_skill_weights;
    uint8_t head[256]; /* by the low byte of the key: 1 + index of a weight, 0 = none */
    uint8_t next[POLICY_WEIGHTS_MAX];
};

struct lead_terms {
    int32_t points; /* permille, before clamping */
    uint64_t worth; /* cents at a certain close, decayed by age */
    uint32_t n_skills;
    struct skill_term {
        uint32_t skill;
        int32_t add;
    } skills[POLICY_WEIGHTS_MAX];
};

/* Within what 32 bits can add up, and of known kinds: holds for every compiled policy. */
bool formula_accepts(const struct scoring *scoring);

void formula_prepare(struct formula *formula, const struct scoring *scoring);
void formula_read_lead(const struct formula *formula, const struct request_lead *lead, struct lead_terms *ret_terms);

/* Permille that an agent brings who holds `open` leads; within +-POINTS_MAX, so
 * that sums with a lead's points stay in 32 bits. */
int32_t formula_agent_points(const struct scoring *scoring, const struct request_agent *agent, uint64_t open);
int32_t formula_skill_points(const struct lead_terms *terms, const struct request_agent *agent);

/* 2^(-age / half_life) x value, in cents, below the largest that matters. */
uint64_t formula_worth(uint64_t value_cents, uint32_t age_ms, int64_t half_life_ms);

static inline int32_t formula_chance(int32_t points)
{
    int32_t chance = points < 1 ? 1 : points;
    return chance > CHANCE_MAX ? CHANCE_MAX : chance;
}

static inline int32_t formula_score(uint64_t worth, int32_t chance)
{
    uint64_t cents = worth * (uint64_t) chance / CHANCE_MAX;
    return cents > INT32_MAX ? INT32_MAX : (int32_t) cents;
}

#endif
