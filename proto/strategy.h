/* SPDX-License-Identifier: Apache-2.0
 * strategy.h - the strategies by number and name, what each needs to be remembered,
 * and the virtual time of weighted turns, which core and worker must count alike.
 * How a strategy chooses is worker/strategy.c. */
#ifndef TAKT_PROTO_STRATEGY_H
#define TAKT_PROTO_STRATEGY_H

#include <stdint.h>

enum strategy {
#define STRATEGY(number, name, word, keeps, text) STRATEGY_##name = number,
#include "proto/strategies.def"
#undef STRATEGY
    STRATEGIES
};
enum keeps { KEEPS_NOTHING, KEEPS_TURN, KEEPS_PASS, KEEPS_GIVEN };

const char *strategy_word(unsigned strategy);
const char *strategy_text(unsigned strategy);
enum keeps strategy_keeps(unsigned strategy);

/* Virtual time of WEIGHTED_ROUND_ROBIN: in one round each agent has as many leads as its weight, one a step. */
#define TURN_ROUND (UINT64_C(1) << 32)
static inline uint64_t turn_step(uint32_t weight)
{
    return TURN_ROUND / (weight > 0 ? weight : 1);
}

#endif
