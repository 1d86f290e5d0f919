/* SPDX-License-Identifier: Apache-2.0
 * explain.h - one decision, made again from the log: what it was made from (read),
 * how all agents stood when it was this lead's turn and what would have given it to
 * another (why), and the lines that say so (tell).
 *
 * The log is read twice: the first time finds the lead's last decision and what its
 * window was, the second how that window's leads came in and how agents stood then.
 * So memory is that of one window, whatever the log's length. Today's state is not
 * asked: it would explain another choice than the one that was made. */
#ifndef TAKT_CLI_EXPLAIN_H
#define TAKT_CLI_EXPLAIN_H

#include "common/buf.h"
#include "core/image.h"
#include "core/snapshot.h"
#include "worker/score.h"

struct entry;
struct explain;

struct explain_agent { /* by index; as its row was when the window was built */
    char name[NAME_BYTES_MAX + 1], team[NAME_BYTES_MAX + 1];
    bool known;
    struct image_agent as_was; /* its name and team are those above */
    uint32_t open;             /* leads in its hands then */
    enum reason why_none;      /* why it had no card for this lead then; OK: it had one */
};

struct explain_lead {
    bool known;
    int64_t received_us;
    int32_t priority;
    uint64_t value_cents;
    uint32_t n_features;
    struct feature *features;
};

struct explain_window { /* all that the decision was made from */
    const struct snapshot *snapshot;
    const struct policy *policy;
    const struct programme *programme;
    const struct explain_lead *leads;   /* n_leads of the snapshot */
    const struct explain_agent *agents; /* by index: n_agents */
    uint32_t n_agents;
    uint32_t lead;    /* its place in the window */
    struct slice raw; /* the lead as it came */
};

/* ---- explain_read.c ------------------------------------------------------------------ */

struct explain *explain_new(struct id lead);
void explain_destroy(struct explain **explain_p);

/* Visitors of walk.h: all of the log by the first, then by the second. */
bool explain_find_row(void *explain, const struct row_ref *row, const struct entry *entry);
bool explain_gather_row(void *explain, const struct row_ref *row, const struct entry *entry);
bool explain_wants_more(const struct explain *explain); /* after the first: is there anything to gather? */

/* NULL: the log has no row of this lead. */
const struct image_lead *explain_lead_row(const struct explain *explain);
const char *explain_agent_name(const struct explain *explain, uint32_t index); /* "nobody" for IMAGE_NOBODY */

/* False: `*ret_why` says what the log no longer has. */
bool explain_window(struct explain *explain, struct explain_window *ret, const char **ret_why);

/* ---- explain_why.c -------------------------------------------------------------------- */

struct explain_change { /* of one agent, from how it was */
    bool freed;         /* one free slot more */
    bool admitted;      /* not excluded from this lead */
    int32_t permille;   /* points more for this lead */
    uint32_t idle_ms;   /* free for longer */
    uint32_t open_less; /* leads fewer in its hands */
};

struct explain_why {
    enum reason by;             /* SCORED, GREEDY, PLAIN_ORDER */
    uint32_t winner, runner_up; /* indexes of agents; IMAGE_NOBODY */
    int32_t score, margin;
    uint32_t n_agents;
    struct score_seen *seen; /* by place in the snapshot; of a plain order without scores */
    bool scored;
};

/* The decision again. `seen` is the caller's to free. */
void explain_decide(const struct explain_window *window, enum reason by, struct explain_why *ret);

/* The smallest change that gives the lead to the agent at this place of the snapshot; place n_agents: to the one
 * of this index, who was not in the window. False: none of these does. */
bool explain_smallest_change(const struct explain_window *window, enum reason by, uint32_t place, uint32_t index,
                             const struct score_seen *seen, struct explain_change *ret);

/* The request as the decider saw it, for the parts of a score. */
struct request_lead explain_request_lead(const struct explain_window *window, uint32_t lead);
struct request_agent explain_request_agent(const struct explain_window *window, uint32_t place);

/* ---- explain_tell.c ------------------------------------------------------------------- */

struct explain_lines { /* fields and values, one behind the other, each ended by a NUL */
    struct buf text;
    uint32_t n;
};

/* `agent`: tell what would have given it to this one, too; or NULL. False: nobody of this name is known. */
bool explain_tell(struct explain *explain, const char *agent, struct explain_lines *to);

#endif
