/* SPDX-License-Identifier: Apache-2.0
 * tally.h - outcomes of an import, counted, and told at its end.
 *
 * Every row has exactly one outcome: accepted, duplicate (the same contents, or
 * others) or rejected; what has none yet is unanswered. The three are counted one
 * by one and must add up to the rows of the file, which are counted elsewhere. */
#ifndef TAKT_CLI_TALLY_H
#define TAKT_CLI_TALLY_H

#include <stdio.h>

#include "proto/msg.h"

enum { TALLY_WARNINGS = 32 };

struct tally {      /* zero-initialise */
    uint64_t rows;  /* of the file */
    uint64_t known; /* of the accepted ones: stood before this run */
    uint64_t outcomes[REASON_MAX + 1];
    uint64_t warnings[TALLY_WARNINGS]; /* by bit */
};

struct tally_about {                     /* what else the summary says */
    const char *file, *source, *rejects; /* rejects NULL: not written */
    struct id import;
    int64_t took_us;
    bool dry;
};

void tally_add(struct tally *tally, uint32_t outcome, uint32_t warnings, bool known);

static inline bool tally_is_duplicate(uint32_t outcome)
{
    return outcome == REASON_DUPLICATE_KEY || outcome == REASON_PAYLOAD_DIFFERS;
}

uint64_t tally_accepted(const struct tally *tally);
uint64_t tally_duplicates(const struct tally *tally);
uint64_t tally_unanswered(const struct tally *tally);

void tally_print(FILE *to, const struct tally *tally, const struct tally_about *about);
void tally_print_json(FILE *to, const struct tally *tally, const struct tally_about *about);

#endif
