/* SPDX-License-Identifier: Apache-2.0
 * clock.h - the only clocks and the only random source. */
#ifndef TAKT_COMMON_CLOCK_H
#define TAKT_COMMON_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_mono_us(void);             /* CLOCK_MONOTONIC */
int64_t clock_wall_ms(void);             /* CLOCK_REALTIME since 1970 UTC */
void clock_random(void *to, size_t len); /* getrandom(2); aborts if it cannot */

#endif
