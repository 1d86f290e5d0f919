/* SPDX-License-Identifier: Apache-2.0
 * load.h - a source that makes its own leads and sends them at a rate, or as fast
 * as they are accepted, and knows of each when it was sent.
 *
 * A lead's key says which run made it and its number there, so that whoever is
 * handed it can ask how long that took. With a rate, times count from when a lead
 * was due and not from when it left: a broker that holds up the source would
 * otherwise look fast. */
#ifndef TAKT_CLI_LOAD_H
#define TAKT_CLI_LOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "client/takt.h"
#include "common/buf.h"
#include "proto/msg.h"

#define LOAD_KEY_PREFIX "takt-bench-" /* of every lead of every run */

enum { LOAD_LEADS_MAX = 10 * 1000 * 1000 };

struct load_plan {
    const char *endpoint, *source;
    uint32_t leads;   /* at most */
    int64_t send_us;  /* at most so long; 0 = no limit */
    int64_t rate;     /* leads a second; 0 = as fast as they are accepted */
    uint32_t a_chunk; /* leads a chunk */
};

struct load_counts {
    uint64_t sent, accepted, rejected, chunks, busy;
    unsigned rejected_reason; /* of the last one */
    struct buf receipt_us;    /* uint32_t each, of a chunk */
};

struct load;

/* NULL and a sentence in why[160]. */
struct load *load_new(const struct load_plan *plan, char why[160]);
void load_destroy(struct load **load_p);

bool load_is_connected(const struct load *load);
void load_begin(struct load *load, int64_t now_us); /* before that nothing is sent */
void load_end(struct load *load);                   /* nothing more is sent */

/* Call load_turn() when the descriptor is readable and at load_next_us(). False
 * when the broker will not have it: load_why(). */
int load_fd(const struct load *load);
int64_t load_next_us(const struct load *load, int64_t now_us);
bool load_turn(struct load *load, int64_t now_us);
const char *load_why(const struct load *load);

bool load_is_over(const struct load *load); /* all is sent that was to be, and answered */
const struct load_counts *load_counts(const struct load *load);

/* A lead of this run was handed over: how long after it was sent, once a lead;
 * -1 when it is not of this run, or was handed over before. */
int64_t load_handed(struct load *load, takt_text key, int64_t now_us);

#endif
