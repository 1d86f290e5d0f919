/* SPDX-License-Identifier: Apache-2.0
 * digest.h - one number for the state of a cell: equal states, equal digests,
 * wherever the state was read from: Redis, another Redis, the archive.
 *
 * XXH3-128 over all rows in the order of their keys, each the newest of its key,
 * as the bytes that stand in the log. Left out are the cell's own row, which holds
 * the clocks and moves with every takeover, and snapshots, which are no state.
 * Rows, not the core's tables: so what is compared is what was stored, and no
 * policy is needed. */
#ifndef TAKT_BROKER_DIGEST_H
#define TAKT_BROKER_DIGEST_H

#include "core/record.h"

struct digest;
struct digest *digest_new(void);
void digest_destroy(struct digest **digest_p);
void digest_row(struct digest *digest, const struct row_ref *ref); /* replaces an older one of its key */
uint64_t digest_rows(const struct digest *digest);
void digest_text(const struct digest *digest, char ret[33]); /* 32 hex digits */

#endif
