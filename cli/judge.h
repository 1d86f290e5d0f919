/* SPDX-License-Identifier: Apache-2.0
 * judge.h - the outcome a broker that knows nothing yet would give each row: for
 * a dry run. Duplicates are those within the file. */
#ifndef TAKT_CLI_JUDGE_H
#define TAKT_CLI_JUDGE_H

#include "cli/intake.h"
#include "cli/seen.h"

struct judge {
    struct seen leads;
}; /* zero-initialise; judge_fini() frees */

void judge_fini(struct judge *judge);
enum reason judge_row(struct judge *judge, const struct intake_row *row, uint32_t *ret_warnings);

#endif
