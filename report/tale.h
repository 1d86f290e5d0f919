/* SPDX-License-Identifier: Apache-2.0
 * tale.h - what became of each lead: the after-images of the log folded into one
 * small record a lead, and one more for each agent that was offered it.
 *
 * A report counts tales and knows no rows. Times are core time in us, 0 where it is
 * not known when: of leads whose beginning is no longer in the log. The clock of
 * each time starts at intake and not at the offer, since that is what a prospect
 * waits for; docs/REPORTS.md has the words. */
#ifndef TAKT_REPORT_TALE_H
#define TAKT_REPORT_TALE_H

#include <assert.h>

#define uthash_fatal(msg) assert(!msg)
#include <uthash.h>

#include "core/image.h"
#include "report/staff.h"

struct entry;

enum { TALE_NOBODY = IMAGE_NOBODY };

enum deed { /* what happened, once or more often */
            DEED_OFFERED = 1,
            DEED_ACCEPTED = 2,  /* by accepting, by a pull, or by taking it back from the pipeline of another */
            DEED_TOUCHED = 4,   /* a first action, or a disposition that came without one */
            DEED_CONTACTED = 8, /* a disposition says that somebody was spoken to */
            DEED_DISPOSED = 16,
};

struct deeds {
    int64_t offered_us, accepted_us, touched_us; /* the first time */
    uint32_t dispositions;
    uint8_t did, end; /* enum deed; the state it ended in, 0 = it did not */
};

struct hand {          /* an agent that was offered the lead, or got it */
    struct hand *next; /* the one before */
    uint32_t agent;
    uint32_t pool, pool_agents; /* where it was claimed from, and how many on duty could; names_number() */
    int64_t claim_us;           /* from entering that pool to being accepted; -1 = never, or not known */
    struct deeds deeds;         /* end: it ended in this agent's hand */
};

struct tale {
    struct id id;
    UT_hash_handle hh;
    int64_t received_us;
    uint64_t value_cents;
    uint32_t cost_cents;
    uint32_t source, campaign, programme; /* names_number() */
    uint32_t holder;                      /* agent's index, or TALE_NOBODY */
    uint32_t pool;
    int64_t pool_us; /* since when it waits to be claimed; 0 = it does not */
    struct hand *hands;
    struct deeds deeds;
    uint8_t state;
    bool from_input; /* its log began with its input: nothing is missing */
};

struct row_counts { /* of a source's imports; within the window */
    uint64_t duplicate, rejected;
};

struct tale_step { /* one thing that happened to a lead, as a history tells it */
    int64_t at_us;
    uint32_t state; /* after it */
    enum reason reason;
    uint32_t agent;                 /* who held it then, or had until then; TALE_NOBODY */
    bool by_agent;                  /* or takt decided it */
    bool disposed;                  /* by the disposition that image has */
    bool found;                     /* so it was where the log begins: what led to it is not known */
    const struct image_lead *image; /* of the beat, so of its last step */
};

struct tale_watch { /* each step of one lead as it is folded, and no other lead */
    struct id id;
    void (*step)(void *arg, const struct tale_step *step);
    void *arg;
};

struct tales;

/* `window`: for what is counted by when it happened and not by its lead: duty, dispositions, rows of imports. */
struct tales *tales_new(const struct window *window, const struct tale_watch *watch); /* watch: or NULL */
void tales_destroy(struct tales **tales_p);

/* A row, in the order of walk.h; false: it is damaged. */
bool tales_row(void *tales, const struct row_ref *row, const struct entry *entry);
void tales_end(struct tales *tales); /* after the last row */

struct tale *tales_first(const struct tales *tales);
static inline struct tale *tale_next(const struct tale *tale)
{
    return tale->hh.next;
}
int64_t tales_now_us(const struct tales *tales); /* the time of the last entry */
struct names *tales_names(const struct tales *tales);
const struct staff *tales_staff(const struct tales *tales);
uint64_t tales_dispositions(const struct tales *tales, uint32_t agent);
/* Of sources, by their number as of names_number(); false: nothing of it was imported. */
uint32_t tales_n_sources(const struct tales *tales); /* ends the numbers that may have any */
bool tales_rows(const struct tales *tales, uint32_t source, struct row_counts *ret);

#endif
