/* SPDX-License-Identifier: Apache-2.0
 * pools.h - which pool's sorted set each waiting lead stands in, as the view has
 * it. A lead that leaves a pool must be removed from the set by the set's name,
 * and its new row does not say where it was. 20 bytes a lead and slot, no
 * allocation each; leads in no pool take nothing. */
#ifndef TAKT_BROKER_POOLS_H
#define TAKT_BROKER_POOLS_H

#include <stdint.h>

#include "proto/msg.h"

struct pools;
struct pools *pools_new(void);
void pools_destroy(struct pools **pools_p);
void pools_clear(struct pools *pools);

/* Numbers of pool names, from 1; the same name gets the same number. */
uint32_t pools_number(struct pools *pools, const char *text);
const char *pools_name(const struct pools *pools, uint32_t number);
uint32_t pools_count(const struct pools *pools); /* the highest number */

/* `lead` is the 16 bytes of an id. 0 = in none. */
uint32_t pools_of(const struct pools *pools, const uint8_t lead[16]);
void pools_set(struct pools *pools, const uint8_t lead[16], uint32_t number);

#endif
