/* SPDX-License-Identifier: Apache-2.0
 * store_private.h - what store.c asks of a place where a log can lie, and what
 * both share. Seen by broker/store*.c alone.
 *
 * store.c holds the protocol: tickets, what is in flight, the chain of hashes,
 * takeover, what to do after a lost reply, when and how far the view moves. A
 * back end holds bytes: it carries them there and back and enforces the fence.
 * So the two stores cannot differ in what they promise. */
#ifndef TAKT_BROKER_STORE_PRIVATE_H
#define TAKT_BROKER_STORE_PRIVATE_H

#include <stdarg.h>
#include <string.h>

#include "broker/entry.h"
#include "broker/pending.h"
#include "broker/pools.h"
#include "broker/store.h"
#include "common/net.h"

enum {
    NOT_BEHIND = -1,
    VIEW_KEY_MAX = 16 + 2 * 255,
    VIEW_ROWS = 200,       /* of one write of the view, at least: beats wait for it, half a millisecond */
    VIEW_ROWS_MAX = 8000,  /* at most: 10 ms or so, and only while very much waits */
    VIEW_PARTS = 4,        /* of what waits, one: the last rows of a bulk go in a dozen writes, each with its flush */
    VIEW_ROW_BYTES = 1024, /* so many of inputs kept together count as a row more */
    VIEW_LAG_ROWS = 20000,
    VIEW_PATIENCE_US = 700 * 1000, /* under load: the oldest change waits so long, then it is written */
    VIEW_LAG_PATIENCE_US =
        200 * 1000, /* while more than VIEW_LAG_ROWS wait: what a bulk changes thrice it has by then */
    REPLY_PATIENCE_US = 3000 * 1000,
    OPEN_PATIENCE_US = 2000 * 1000,
    REOPEN_PATIENCE_US = 1000 * 1000,
    LOAD_PATIENCE_US = 5000 * 1000, /* for each page of rows or entries */
    LOG_KEEP_BYTES = 64 * 1024 * 1024,
    LOG_KEEP_US = 100 * 1000 * 1000, /* ten times as long as a cell of a million waiting leads may take to load */
    LOG_MARKS_MAX = 192,
};

struct flight { /* one ticket that does not stand yet */
    struct flight *next;
    uint64_t ticket;
    int64_t sent_us;   /* 0: not seen by a pump yet */
    struct kept *kept; /* NULL: a renewal */
};

struct chain { /* an entry and the hash of its bytes */
    struct position at;
    struct entry_hash hash;
};

struct view_mark {      /* what the view says of itself, written with its rows in one go */
    struct position at; /* everything up to this entry is in the view */
    uint64_t writes;    /* how many there were: tells one write from the next at the same position */
};

struct view_write { /* one write of the view: all of it or nothing */
    bool out;       /* sent, its outcome not known yet */
    struct view_mark mark;
    uint32_t n;
    struct pending_row rows[VIEW_ROWS_MAX];
    double ranks[VIEW_ROWS_MAX];                                      /* of the leads that wait in a pool */
    uint32_t pools_before[VIEW_ROWS_MAX], pools_after[VIEW_ROWS_MAX]; /* 0: in none */
};

struct log_mark { /* where the log stood, and when */
    struct position at;
    int64_t at_us;
    uint64_t bytes; /* that we appended, up to and with it */
};

struct trim { /* store_trim.c */
    uint64_t keep_bytes;
    int64_t keep_us;
    struct log_mark marks[LOG_MARKS_MAX]; /* young entries, a ring, oldest first */
    uint32_t first, n;
    struct log_mark past; /* the youngest entry that is kept for nobody */
    uint64_t bytes;
    bool out;              /* a step is sent, its outcome not known yet */
    struct position below; /* of that step */
    struct position done;  /* entries before this one may be gone */
    uint64_t done_bytes;   /* past.bytes of the last step */
    int64_t rest_us;       /* not before: the server refused a step */
};

struct store_head { /* the end of a log, as it is now */
    uint64_t epoch, nonce;
    bool empty;
    struct buf last; /* the last entry's bytes, and the id it is stored under */
    struct position last_at;
};

struct store {
    const struct store_ops *ops;
    enum store_status status; /* anything but OK: until reopen */
    char why[256];
    uint64_t nonce; /* with the epoch: tells our takeover from anybody else's */
    uint64_t epoch; /* 0: not open */
    bool loaded;
    struct chain tail, stood; /* the last entry queued, the last that stands */
    int64_t last_time_ms;     /* of the last entry loaded */
    struct flight *first, *last, *unsent;
    uint32_t body_room; /* for the next beat's rows, by the last one's */
    uint64_t tickets, stands, bytes_in_flight;
    uint32_t n_in_flight;
    int64_t now_us;           /* of the last pump */
    int64_t read_patience_us; /* for each answer of read_mark, read_view, read_log */
    struct pending *pending;
    struct pools *pools;
    struct view_mark view;
    struct view_write write;
    bool idle;
    int64_t behind_us; /* since when the view's mark is not the last entry; or NOT_BEHIND */
    int64_t first_pump_us;
    struct trim trim;
    bool has_archive;
    struct position archive, archive_goal; /* goal: what stood at goal_us and was not archived then */
    int64_t goal_us;
    uint64_t log_entries, log_bytes, memory_used, memory_max;
    uint64_t appends, renewals, append_us_sum;
};

/* Callbacks while reading. `value` is what the view keeps under `key`: rows and their check. */
typedef enum store_status store_value_fn(void *arg, struct slice key, struct slice value);
typedef enum store_status store_entry_fn(void *arg, struct position id, struct slice bytes);

/* All return STORE_OK or fail through store_fail(). Those with a deadline block until it at most. */
struct store_ops {
    enum store_status (*create)(struct store *store, int64_t deadline_us);
    /* Drop what was connected, connect anew, check the configuration. */
    enum store_status (*connect)(struct store *store, int64_t deadline_us);
    enum store_status (*head)(struct store *store, int64_t deadline_us, struct store_head *ret);
    /* If the end is still `head`: set the epoch and append `kept`, in one step. Otherwise *ret_moved. */
    enum store_status (*take)(struct store *store, int64_t deadline_us, const struct store_head *head, uint64_t epoch,
                              const struct kept *kept, bool *ret_moved);
    /* Ours now: from here on all writes are fenced by our epoch. */
    enum store_status (*arm)(struct store *store, int64_t deadline_us);
    enum store_status (*read_mark)(struct store *store, struct view_mark *ret);
    enum store_status (*read_trimmed)(struct store *store, struct position *ret); /* {0,0}: never was */
    enum store_status (*read_view)(struct store *store, store_value_fn *each, void *arg);
    /* From `from` itself to `to` itself. */
    enum store_status (*read_log)(struct store *store, struct position from, struct position to, store_entry_fn *each,
                                  void *arg);
    void (*pump)(
        struct store *store); /* write the flights, move bytes; store_stood() for each that is done, in order */
    bool (*view_ready)(const struct store *store);
    void (*view_send)(struct store *store); /* store->write; store_view_stood() or store_view_failed() when known */
    bool (*trim_ready)(const struct store *store);
    /* A bounded step: take entries before `below` out of the log, unless the archive needs them. Then
     * store_trimmed() or store_trim_failed(). */
    void (*trim)(struct store *store, struct position below);
    int (*wait_fds)(struct store *store, struct wait_fd *fds);
    int64_t (*next_us)(const struct store *store);
    void (*close)(struct store *store); /* frees the store itself too */
};

/* For the back ends. */
void store_init(struct store *store, const struct store_ops *ops);
void store_fini(struct store *store);
enum store_status store_fail(struct store *store, enum store_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void store_stood(struct store *store);              /* the first flight stands */
void store_view_stood(struct store *store);         /* store->write is done */
void store_view_failed(struct store *store);        /* it certainly is not: rows go back */
void store_trimmed(struct store *store, bool more); /* the step is done; `more`: there may be more to take */
void store_trim_failed(struct store *store);        /* it is not, for a reason that passes */
void store_archived(struct store *store, bool has_archive, struct position at); /* what was published */

/* What a row is called: "lead:<hex>", "agent:<name>", "programme:<name>", "cell", ... The view keeps it under this
 * name. Inputs, which nobody changes and nobody asks for one by one, lie there as they lay side by side in an entry,
 * under the name of that place: "inputs:<epoch>-<beat>-<byte>"; leads' first rows under the place of the first of them:
 * "leads:<epoch>-<beat>-<byte>". All return the length. */
uint32_t view_key(const struct row_ref *row, char to[VIEW_KEY_MAX]);
uint32_t view_inputs_key(struct position at, uint32_t byte, char to[VIEW_KEY_MAX]);
uint32_t view_firsts_key(const struct pending_row *first, char to[VIEW_KEY_MAX]);
uint32_t view_place_key(const struct pending_row *row, char to[VIEW_KEY_MAX]);

/* What the view keeps under `key`: NULL and its rows, sound for row_next(), or what is wrong with it. */
const char *view_value_is_wrong(struct slice key, struct slice value, struct slice *ret_rows);

#define VIEW_INPUTS "inputs:" /* so begin the names of those places */
#define VIEW_FIRSTS "leads:"
static inline bool view_is_under(struct slice key, const char *prefix)
{
    return key.len >= strlen(prefix) && memcmp(key.at, prefix, strlen(prefix)) == 0;
}

/* For store_recover.c: a flight that does not stand, encoded anew behind store->tail. */
void store_queue(struct store *store, struct flight *flight);

/* Trimming, for store.c and store_recover.c: what stood just now; where a broker begins; a step if one is due. */
void trim_note(struct store *store, struct position at, uint32_t bytes);
void trim_begin(struct store *store, struct position done);
void trim_move(struct store *store);

/* Read everything from the view's mark to the entry `to`, checking all of it. For
 * a broker (store->epoch > 0) the log's rows go to store->pending too. */
enum store_status store_walk(struct store *store, struct position to, store_row_fn *each, void *arg);

#endif
