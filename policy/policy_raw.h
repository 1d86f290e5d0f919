/* SPDX-License-Identifier: Apache-2.0
 * policy_raw.h - a policy file as it is written: every scalar still text, NULL
 * where the key is missing. libcyaml would turn a missing number into 0, and 0
 * is a value here. Internal to policy/; the only code that knows libcyaml. */
#ifndef TAKT_POLICY_POLICY_RAW_H
#define TAKT_POLICY_POLICY_RAW_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

struct raw_weight {
    char *attribute, *is, *from, *to, *skill, *add;
};

struct raw_score {
#define SCORE_KEY(key, member, kind, initial, least, most) char *key;
#include "policy/policy_keys.def"
    struct raw_weight *weights;
    uint32_t weights_count;
};

struct raw_timers {
#define TIMER_KEY(key, member, kind, initial, least, most) char *key;
#include "policy/policy_keys.def"
};

struct raw_programme {
    char *name, *mode, *strategy, *widen, *order;
    char **teams, **sources, **attempt_gaps;
    uint32_t teams_count, sources_count, attempt_gaps_count;
#define PROGRAMME_KEY(key, member, kind, initial, least, most) char *key;
#include "policy/policy_keys.def"
    struct raw_timers timers;
    struct raw_score score;
};

struct raw_policy {
    char *cell, *default_programme;
#define CELL_KEY(key, member, kind, initial, least, most) char *key;
#include "policy/policy_keys.def"
    struct raw_programme *programmes;
    uint32_t programmes_count;
};

/* NULL, and a line in `findings`, when the text is no YAML or has a key that is
 * not known. */
struct raw_policy *raw_read(const char *text, size_t len, const char *name, struct buf *findings);
void raw_free(struct raw_policy **raw_p);

#endif
