/* SPDX-License-Identifier: Apache-2.0
 * policy_near.c - distance of two words: letters added, left out, changed, or
 * swapped with their neighbour, each counts one (optimal string alignment). */
#include "policy/policy_near.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LEN_MAX = 32 };

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    const unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

static unsigned distance(const char *a, const char *b)
{
    unsigned d[LEN_MAX + 1][LEN_MAX + 1];
    const size_t n = strlen(a), m = strlen(b);
    if (n > LEN_MAX || m > LEN_MAX)
        return LEN_MAX;
    for (unsigned i = 0; i <= n; i++)
        d[i][0] = i;
    for (unsigned k = 0; k <= m; k++)
        d[0][k] = k;
    for (unsigned i = 1; i <= n; i++)
        for (unsigned k = 1; k <= m; k++) {
            d[i][k] = least(d[i - 1][k] + 1, d[i][k - 1] + 1, d[i - 1][k - 1] + (a[i - 1] != b[k - 1]));
            if (i > 1 && k > 1 && a[i - 1] == b[k - 2] && a[i - 2] == b[k - 1] && d[i - 2][k - 2] + 1 < d[i][k])
                d[i][k] = d[i - 2][k - 2] + 1;
        }
    return d[n][m];
}

void near_try(struct near *near, const char *typed, const char *known)
{
    const size_t len = strlen(typed);
    const bool begins = len > 2 && strncmp(typed, known, len) == 0; /* "wip" for "wip_max" */
    const unsigned far = begins ? 1 : distance(typed, known);
    if (far > 2 || 3 * far > len + 1 || (near->word != NULL && far >= near->distance))
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
