/* SPDX-License-Identifier: Apache-2.0
 * store.h - where a cell's truth lies: a fenced log of entries, and a view of it.
 *
 * One contract, two stores: Redis (store_redis*.c over redis_link.c, the only
 * code that knows hiredis) and memory (store_memory.c, with faults on demand);
 * store.c and store_recover.c hold what both promise.
 * tests/store runs the same tests on both. Single-threaded; nothing here
 * blocks but open, load and reopen, which are bounded in time.
 *
 * The log: entries (epoch, beat), each naming the hash of the one before. An
 * append stands only if the epoch is ours and the entry before is the last. A
 * takeover is an entry too: (epoch + 1, 0). */
#ifndef TAKT_BROKER_STORE_H
#define TAKT_BROKER_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "core/record.h"

struct store;

enum store_status {
    STORE_OK,
    STORE_AWAY,        /* not reachable, or answers too late: reopen */
    STORE_REFUSING,    /* reachable but takes no writes now (memory, disk, replicas): reopen later; why() says */
    STORE_FENCED,      /* another broker took over: throw the core away and leave */
    STORE_UNSAFE,      /* its configuration could lose what was acknowledged; why() says what to set */
    STORE_NO_CELL,     /* no such cell: `takt cell create` makes it */
    STORE_DAMAGED,     /* log or view fail their checks; why() says where */
    STORE_ROLLED_BACK, /* behind a position seen before */
};

struct position {
    uint64_t epoch, beat;
};

struct entry { /* one log entry, borrowed */
    struct position at;
    int64_t time_ms; /* core time of the beat, rounded up */
    uint32_t policy_version;
    bool takeover;
    struct slice body; /* rows: core/record.h */
};

/* Create the cell: epoch 0, empty log. STORE_OK also when it is there already. */
enum store_status store_create_cell(struct store *store);

/* Connect, check the configuration, take over: afterwards *ret_epoch is ours and
 * only what we append can follow. `seen` is the highest position any peer showed
 * or {0,0}. Bounded: about 2 s. */
enum store_status store_open(struct store *store, struct position seen, uint64_t *ret_epoch);

/* After store_open(), before the first append: all state, the view's rows first (entry NULL), then the
 * log's entries after the view's position up to our own takeover. Stops with
 * STORE_DAMAGED when `each` returns false. */
typedef bool store_row_fn(void *arg, const struct row_ref *row, const struct entry *entry);
enum store_status store_load(struct store *store, store_row_fn *each, void *arg, int64_t *ret_last_time_ms);

/* Make `body` ready for a beat's rows, which the caller adds at its end: whatever
 * it held is gone, and the room before them is for the entry's head. */
void store_body(const struct store *store, struct buf *body);

/* Queue one beat, whose rows are in `body`; takes over the memory and leaves it
 * empty. Beats stand in order. Ticket numbers count up from 1 over the store's
 * life, renewals included. */
uint64_t store_append(struct store *store, int64_t time_ms, uint32_t policy_version, struct buf *body);

/* Queue a fence-checked write that changes nothing: for beats with answers but no rows. */
uint64_t store_renew(struct store *store);

/* Send what is queued, take what came back, move the view on. Call it when
 * store_wait_fds() are ready and at the latest at store_next_us(). `now_us` is
 * monotonic. After anything but STORE_OK nothing more stands until reopen. */
enum store_status store_pump(struct store *store, int64_t now_us);
uint64_t store_stands(const struct store *store);    /* highest ticket that stands, with all before it */
uint32_t store_in_flight(const struct store *store); /* tickets queued or sent, not standing */
uint64_t store_in_flight_bytes(const struct store *store);

/* After STORE_AWAY or STORE_REFUSING: connect again, take over with a new epoch,
 * find in the log which of the beats in flight stand, queue the others again
 * unchanged. Bounded: about 1 s; STORE_AWAY = try later. FENCED if anybody else
 * wrote. */
enum store_status store_reopen(struct store *store, uint64_t *ret_epoch);

/* Descriptors to wait on: up to 2. Returns how many. */
struct wait_fd;
int store_wait_fds(struct store *store, struct wait_fd *fds);
int64_t store_next_us(const struct store *store); /* INT64_MAX: nothing timed */

/* The view. `idle`: nothing else to do, so write it now, not later. */
void store_idle(struct store *store, bool idle);
struct store_levels {
    struct position last; /* last entry that stands */
    struct position view; /* the entry before the oldest change not yet in the view */
    uint64_t view_rows_behind;
    int64_t view_lag_ms;
    struct position trimmed;          /* entries before this one may be gone from the log */
    struct position archive;          /* entries up to this one are archived; {0,0} with has_archive: none yet */
    bool has_archive;                 /* somebody archives this cell: the log is kept for it */
    int64_t archive_lag_ms;           /* since when it has not reached an entry that stands; 0: it has them all */
    uint64_t log_entries, log_bytes;  /* of the whole log, bytes by the server's estimate; 0 = unknown */
    uint64_t memory_used, memory_max; /* of the server; max: its limit, or its machine's memory; 0 = unknown */
    uint64_t appends, renewals, append_us_sum;
};
void store_levels(const struct store *store, struct store_levels *ret);

/* Trimming. An entry leaves the log when the view has it, the archive has it (if the cell has one), and no
 * late reader is likely to need it: it is older than `age_us` or `bytes` of newer ones are there. Default 100 s,
 * 64 MiB. It waits until nothing else is to do, while the log is not twice as long as that; when the
 * server's memory gets short it waits for nobody but view and archive. */
void store_retain(struct store *store, uint64_t bytes, int64_t age_us);

const char *store_why(const struct store *store); /* one sentence for people */
void store_close(struct store **store_p);

/* ---- the two stores ------------------------------------------------------------ */

struct store_redis_options {
    const char *address; /* "unix:/path" or "127.0.0.1:6379" */
    const char *cell;
    const char *broker_id; /* for the :leader hash, for people */
    bool allow_unsafe;     /* tests of the power cut only: skip the configuration check */
};
bool store_cell_is_valid(const char *cell); /* 1 to 32 of [a-z0-9-] */
struct store *store_redis_new(const struct store_redis_options *options);

/* In memory, with faults. `world` outlives the stores: a broker restart is a
 * second store on the same world. */
struct memory_world;
struct memory_world *memory_world_new(void);
void memory_world_destroy(struct memory_world **world_p);
struct store *store_memory_new(struct memory_world *world);
enum memory_fault {
    FAULT_NONE,
    FAULT_AWAY,       /* nothing gets through */
    FAULT_REPLY_LOST, /* the next write is done, its reply lost, then away */
    FAULT_WRITE_LOST, /* the next write is not done, then away */
    FAULT_REFUSING,   /* as memory or disk full */
};
void memory_world_fault(struct memory_world *world, enum memory_fault fault);
enum memory_step { MEMORY_TAKEOVER, MEMORY_APPEND, MEMORY_RENEW, MEMORY_FLUSH, MEMORY_TRIM, MEMORY_STEPS };
void memory_world_fault_at(struct memory_world *world, enum memory_step step, uint32_t after, enum memory_fault fault);
void memory_world_lose_tail(struct memory_world *world, uint32_t entries); /* a restored backup */
void memory_world_archive(struct memory_world *world, struct position at); /* as an archive would publish it */

/* Read-only: what fsck and explain need, with no broker and no fence. Calls
 * `each` for the view's rows, then for the log's entries after the view's position. */
enum store_status store_redis_read(const struct store_redis_options *options, store_row_fn *each, void *arg,
                                   struct buf *why);

#endif
