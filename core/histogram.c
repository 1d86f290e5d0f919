/* SPDX-License-Identifier: Apache-2.0
 * histogram.c - how long it took from intake to hand, counted without keeping each:
 * eight buckets an octave, so that a quantile is at most an eighth too high. */
#include "core/core_private.h"

static uint32_t bucket_of(int64_t us)
{
    if (us < 8)
        return us < 0 ? 0 : (uint32_t) us;
    const uint32_t octave = 63 - (uint32_t) __builtin_clzll((unsigned long long) us);
    const uint32_t bucket = (octave - 2) * 8 + ((uint32_t) (us >> (octave - 3)) & 7);
    return bucket < HISTOGRAM_BUCKETS ? bucket : HISTOGRAM_BUCKETS - 1;
}

int64_t histogram_top_us(uint32_t bucket)
{
    return bucket < 8 ? bucket + 1 : (int64_t) (8 + bucket % 8 + 1) << (bucket / 8 - 1);
}

void histogram_add(struct histogram *histogram, int64_t us)
{
    if (us < 0)
        us = 0;
    histogram->n++;
    histogram->sum_us += (uint64_t) us;
    if ((uint64_t) us > histogram->max_us)
        histogram->max_us = (uint64_t) us;
    histogram->bucket[bucket_of(us)]++;
}

int64_t histogram_quantile_us(const struct histogram *histogram, double q)
{
    uint64_t want = (uint64_t) ((double) histogram->n * q), seen = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        seen += histogram->bucket[i];
        if (seen > want) {
            const int64_t top = histogram_top_us(i);
            return top < (int64_t) histogram->max_us ? top : (int64_t) histogram->max_us;
        }
    }
    return (int64_t) histogram->max_us;
}
