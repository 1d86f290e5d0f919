/* SPDX-License-Identifier: Apache-2.0
 * seen.h - which 16-byte digests were seen, and a number for each.
 *
 * The only thing about a file that takes memory by the row (48 to 96 bytes): counting
 * identical rows of a file without a key, and finding duplicates in a dry run. */
#ifndef TAKT_CLI_SEEN_H
#define TAKT_CLI_SEEN_H

#include <stddef.h>

#include "proto/msg.h"

struct seen { /* zero-initialise; seen_fini() frees and makes it empty */
    struct seen_slot {
        struct id digest;
        uint64_t value;
    } * slots;
    size_t used, room; /* room: a power of two */
};

void seen_fini(struct seen *seen);

/* The number of this digest, 0 when it is new; to be set by the caller. Valid
 * until the next call. The digest must not be none. */
uint64_t *seen_value(struct seen *seen, struct id digest);

#endif
