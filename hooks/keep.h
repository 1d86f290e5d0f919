/* SPDX-License-Identifier: Apache-2.0
 * keep.h - what must survive a restart: of each hook the events it was not told
 * yet, as lines.
 *
 * Lines are added at the end and the file is written anew when that is cheap, or
 * half of it is over. So after a kill some events are there that were delivered already:
 * a receiver sees them again, under the same id. */
#ifndef TAKT_HOOKS_KEEP_H
#define TAKT_HOOKS_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hooks/queue.h"

struct kept_queue { /* zero-initialise */
    uint64_t bytes; /* of the file */
    bool is_torn;   /* it ends within a line */
};

/* Bring the file in line with what waits in the queue. */
bool keep_queue(struct kept_queue *kept, const char *path, struct queue *queue);

/* The file's lines into an empty queue. Returns how many were no events, or -1 when it cannot be read. */
int64_t keep_load(struct kept_queue *kept, const char *path, struct queue *queue);

#endif
