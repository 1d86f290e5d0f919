/* SPDX-License-Identifier: Apache-2.0
 * clock.c - reads the system's clocks and its random source. Whoever must be
 * testable (the core, a session) is handed the time instead of asking here. */
#include "common/clock.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

static struct timespec read_clock(clockid_t id)
{
    struct timespec at;
    int failed = clock_gettime(id, &at);
    assert(!failed);
    return at;
}

int64_t clock_mono_us(void)
{
    struct timespec at = read_clock(CLOCK_MONOTONIC);
    return (int64_t) at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

int64_t clock_wall_ms(void)
{
    struct timespec at = read_clock(CLOCK_REALTIME);
    return (int64_t) at.tv_sec * 1000 + at.tv_nsec / 1000000;
}

void clock_random(void *to, size_t len)
{
    uint8_t *at = to;
    while (len > 0) {
        ssize_t n = getrandom(at, len, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            abort();
        at += n;
        len -= (size_t) n;
    }
}
