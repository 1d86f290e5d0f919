/* SPDX-License-Identifier: Apache-2.0
 * policy_near.h - "did you mean": of known words the one nearest to what was
 * typed, or none when none is near enough to be meant. Internal to policy/. */
#ifndef TAKT_POLICY_POLICY_NEAR_H
#define TAKT_POLICY_POLICY_NEAR_H

struct near { /* zero-initialise, then try each known word */
    const char *word;
    unsigned distance;
};

void near_try(struct near *near, const char *typed, const char *known);

/* "; did you mean offer?" or "". */
const char *near_hint(const struct near *near, char ret_text[64]);

#endif
