/* SPDX-License-Identifier: Apache-2.0
 * policy_near.c - distance of two words: letters added, left out, changed, or
 * swapped with their neighbour, each counts one (optimal string alignment). */
#include "policy/policy_near.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LEN_MAX = 32, FAR_MAX = 2 };

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    const unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Right up to FAR_MAX, and more than that beyond: a cell that lies further from the diagonal counts as LEN_MAX, so a
 * hundred words may each be held against ten thousand names. */
static unsigned distance(const char *a, const char *b)
{
    unsigned d[LEN_MAX + 1][LEN_MAX + FAR_MAX + 2];
    const unsigned n = (unsigned) strnlen(a, LEN_MAX + 1), m = (unsigned) strnlen(b, LEN_MAX + 1);
    if (n > LEN_MAX || m > LEN_MAX || n > m + FAR_MAX || m > n + FAR_MAX)
        return LEN_MAX;
    for (unsigned k = 0; k <= FAR_MAX + 1; k++)
        d[0][k] = k;
    for (unsigned i = 1; i <= n; i++) {
        const unsigned first = i > FAR_MAX ? i - FAR_MAX : 1;
        d[i][first - 1] = i > FAR_MAX ? LEN_MAX : i;
        for (unsigned k = first; k <= i + FAR_MAX && k <= m; k++) {
            d[i][k] = least(d[i - 1][k] + 1, d[i][k - 1] + 1, d[i - 1][k - 1] + (a[i - 1] != b[k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] && d[i - 2][k - 2] + 1 < d[i][k])
                d[i][k] = d[i - 2][k - 2] + 1;
        }
        d[i][i + FAR_MAX + 1] = LEN_MAX;
    }
    return d[n][m];
}

void near_try(struct near *near, const char *typed, const char *known)
{
    const size_t len = strlen(typed);
    const bool begins = len > 2 && strncmp(typed, known, len) == 0; /* "wip" for "wip_max" */
    const unsigned far = begins ? 1 : distance(typed, known);
    if (far > FAR_MAX || 3 * far > len + 1 || (near->word != NULL && far >= near->distance))
        return;
    *near = (struct near){known, far};
}

const char *near_hint(const struct near *near, char ret_text[64])
{
    ret_text[0] = '\0';
    if (near->word != NULL)
        snprintf(ret_text, 64, "; did you mean %s?", near->word);
    return ret_text;
}
