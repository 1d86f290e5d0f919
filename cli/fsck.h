/* SPDX-License-Identifier: Apache-2.0
 * fsck.h - is what lies in Redis whole, and does it fit together?
 *
 * Three looks, each by itself: every row and entry against its own check and its
 * neighbour; the view's rows against what the log says they should be, and the
 * sorted sets against the rows; and a recovery into a core of its own, whose
 * invariants are then counted. Beside a living broker rows may be newer than the
 * position read first, never older: that is what is checked, so that motion is
 * no finding. A set's member that looks wrong is looked at again together with
 * its row, in one transaction, before it is one. */
#ifndef TAKT_CLI_FSCK_H
#define TAKT_CLI_FSCK_H

#include <stdbool.h>
#include <stdint.h>

#include "broker/digest.h"
#include "broker/store.h"
#include "common/buf.h"
#include "core/core.h"

#define FSCK_FINDINGS(FINDING)                                                                                         \
    FINDING(ROW_DAMAGED, "a row of the view fails its check")                                                          \
    FINDING(ROW_MISSING, "the log has it, the view should and does not")                                               \
    FINDING(ROW_DIFFERS, "the view's row is none that the log says it could be")                                       \
    FINDING(ENTRY_DAMAGED, "a log entry fails its check")                                                              \
    FINDING(LOG_BROKEN, "a log entry does not follow the one before it")                                               \
    FINDING(LOG_HEAD_MISSING, "the log begins later than it was ever trimmed to")                                      \
    FINDING(POSITION_AHEAD, "the view claims more than the log holds")                                                 \
    FINDING(LAST_DIFFERS, "the log's last entry is missing")                                                           \
    FINDING(POOL_MISSING, "a waiting lead is not in its pool's set")                                                   \
    FINDING(POOL_EXTRA, "a member of a pool's set does not wait there")                                                \
    FINDING(POOL_SCORE, "a rank in a pool's set is not the lead's")                                                    \
    FINDING(NOT_RECOVERABLE, "a broker could not load this")                                                           \
    FINDING(INVARIANT, "recovered, and a rule is broken")

enum fsck_kind {
#define FINDING(name, text) FSCK_##name,
    FSCK_FINDINGS(FINDING)
#undef FINDING
        FSCK_KINDS,
};

const char *fsck_kind_name(enum fsck_kind kind);
const char *fsck_kind_text(enum fsck_kind kind);

struct fsck_finding {
    enum fsck_kind kind;
    char id[80]; /* a key, a log id, a lead; never contents */
    char detail[160];
};

struct fsck_result {
    uint64_t rows, entries, leads, open_leads, agents, members;
    struct position view, first, last;
    bool moved;     /* the store moved on while it was read */
    bool recovered; /* core holds the state: yours to use until fsck_fini() */
    struct core *core;
    struct digest *digest; /* asked for: of the rows that were recovered */
    struct buf findings;   /* struct fsck_finding */
    struct buf states;     /* struct fsck_state: of every lead */
};

struct fsck_state {
    struct id lead;
    uint32_t state;
};

/* One look at everything. STORE_OK: it could be read; else `why` says why not. */
enum store_status fsck_run(const char *redis, const struct policy *policy, bool with_digest, struct fsck_result *ret,
                           struct buf *why);
uint64_t fsck_count(const struct fsck_result *result);
const struct fsck_finding *fsck_finding_at(const struct fsck_result *result, uint64_t i);
void fsck_fini(struct fsck_result *result);

#endif
