/* SPDX-License-Identifier: Apache-2.0
 * tables.h - what the core keeps. Seen by this folder only. Reading order: core.c
 * (who may say what), lead.c (states), cards.c and presence.c (agents), intake.c,
 * allocate.c and verdicts.c, acts.c, revoke.c.
 *
 * Two clocks: `now_us` is core time; the run clock is core time less all outages
 * and pauses. Durations are deadlines on the run clock, appointments on core time. */
#ifndef TAKT_CORE_TABLES_H
#define TAKT_CORE_TABLES_H

#include <assert.h>

#define HASH_FUNCTION(key, len, hashv) ((hashv) = key_hash((key), (len)))
#define uthash_fatal(msg) assert(!msg)
#include <uthash.h>

#include "core/contacts.h"
#include "core/core.h"
#include "core/heap.h"
#include "core/lead_states.h"
#include "core/routes.h"

unsigned key_hash(const void *key, size_t len);

enum { NONE = UINT32_MAX };
enum { RECEIPTS_KEPT = 4, EXCLUSIONS_MAX = 64, FEATURES_MAX = ROW_ATTRIBUTES_MAX };
enum { ASKS_MAX = 64 };
enum { POLICIES_MAX = 10000, POLICIES_BYTES_MAX = 256 << 20 };
enum { BUSY_RETRY_MS = 500, AGENTS_CEILING = 100000, SOURCES_MAX = 4096, IMPORTS_MAX = 65536 };
enum { AGENTS_EVER = 1 << 22 }; /* indexes: 250 newcomers a day for 46 years */

enum {
    LEAD_MOVES = 0
#define LEAD_MOVE(from, event, to, fence) +1
#include "core/lead_states.def"
};

enum lead_event {
    MOVE_INTAKE,
    MOVE_REFILL,
    MOVE_REPOOL,
    MOVE_UNCLAIMED,
    MOVE_UNCLAIMED_ALERT,
    MOVE_OFFER,
    MOVE_GRANT,
    MOVE_EXHAUST,
    MOVE_ACCEPT,
    MOVE_LET_GO,
    MOVE_REVOKE,
    MOVE_ACTION,
    MOVE_ATTEMPT_END,
    MOVE_DISPOSE_FINAL,
    MOVE_DISPOSE_PIPELINE,
    MOVE_LATE,
    MOVE_DUE,
    MOVE_HOLD,
    MOVE_OPEN,
    MOVE_POSTPONE,
    MOVE_REJECT,
    MOVE_COOL,
    MOVE_RECYCLE,
    MOVE_ASSIGN,
    MOVE_REOPEN,
    MOVE_MERGE,
    MOVE_SUPPRESS,
};

/* ---- deadlines --------------------------------------------------------------- */

enum timer_owner { TIMER_LEAD = 1, TIMER_AGENT, TIMER_WORKER, TIMER_ASK, TIMER_POOL, TIMER_METER, TIMER_DUTY };
struct timer {
    struct heap_node node;
    uint8_t owner; /* enum timer_owner */
    bool appointment;
    int64_t at_ms; /* on the run clock, or on core time for an appointment */
};

/* ---- leads --------------------------------------------------------------------- */

struct exclude {
    uint32_t agent;
    uint16_t reason;
    int64_t until_ms;
}; /* run clock; INT64_MAX = for ever */

struct decision {     /* why the lead went where it went, the last time */
    uint64_t request; /* of the ROW_SNAPSHOT in the log */
    int64_t at_us;
    uint32_t winner, runner_up; /* agent index or NONE */
    uint32_t policy_version, candidates;
    int32_t score, margin;
    uint16_t by; /* REASON_SCORED, GREEDY, PLAIN_ORDER or CHOSEN */
    uint8_t strategy;
    uint8_t counted; /* against whose limits: COUNTED_AGENT, COUNTED_TEAM; and COUNTED_LATER */
};

struct step {        /* a move of this beat that another one followed, or a note: the row says what is behind it */
    uint32_t before; /* 1 + index in core->steps of the same lead's step before; 0 = none */
    uint32_t agent;  /* who held it then, or NONE */
    uint16_t reason;
    uint8_t state;
};

struct follow;
struct past { /* of a lead that was decided: those that still wait, the many, do without */
    struct decision decision;
    struct id receipts[RECEIPTS_KEPT]; /* op ids of the last acts that were done */
    uint8_t n_receipts, receipt_next;
    struct follow *follow; /* NULL: has none */
    struct id kin;   /* of the same person: DUPLICATE: the first lead; else the last one that was merged into it */
    uint32_t merged; /* so many were */
};

enum { CACHE_LINE = 64 };
/* A million of them may wait: what few have is behind a pointer, and each group stands without holes. */
struct lead {
    _Alignas(CACHE_LINE) struct id id;
    struct timer timer; /* its one armed deadline, unless terminal; at_ms is part of ROW_LEAD */
    struct lead *dirty_next;

    /* ROW_INPUT: what never changes */
    struct id op; /* of the chunk that brought it, and the row there */
    uint64_t seq; /* order of arrival in the cell */
    int64_t received_us;
    uint64_t value_cents;
    struct feature *features; /* and behind them, in the same memory, raw */
    uint8_t *raw;
    uint32_t cost_cents, source; /* index in core->sources */
    int32_t priority;
    uint16_t op_row, raw_len, given_len; /* given_len: of raw, as it came; the rest was found out at intake */
    uint8_t n_features;

    /* ROW_LEAD: the mutable part */
    uint8_t state, ring, attempts, distributions;
    uint8_t n_excludes, excludes_room;
    bool due : 1;   /* PIPELINE: its time has come */
    bool noted : 1; /* annotated since it was last handed over */
    bool late : 1;  /* WRAP_UP: past the first deadline */
    bool contacted : 1, alerted : 1;

    bool dirty : 1, fresh : 1; /* changed since the last seal; never sealed */
    bool masked : 1;           /* derived: its offer showed less than all of it */
    bool met_free : 1;         /* derived: since it was pooled, its pool always had a card */
    bool passed : 1;           /* derived: stands aside by itself: who had a free slot could not take it */
    bool moved : 1;            /* since the last seal, and nothing was noted behind it */

    uint16_t programme;
    uint16_t reason; /* of the last move */
    uint16_t disposition;
    uint32_t team;          /* of the pool: a team or unit, in RING_AGENT an agent; else NONE */
    uint32_t owner, former; /* agent index; former: who must let go while REVOKING */
    uint64_t fence;
    int64_t state_us;  /* since when */
    int64_t pooled_us; /* since when waiting; until somebody acts on it, over offers that came to nothing, too */
    int64_t handed_us; /* first time in a hand; 0 = never */
    struct exclude *excludes;
    struct past *past; /* NULL: never decided */

    /* routing: also of the mutable part */
    uint32_t home;                      /* the unit it waits for, wherever below it stands; NONE = the programme */
    uint32_t route_version, route_line; /* the rule that placed it last; version 0: none did */
    uint16_t route_number;              /* in its set */
    bool rerouted;                      /* which was `reroutes` */

    /* derived */
    uint64_t ask;                       /* request it is in; 0 = none. A mark, not a lock */
    uint32_t refusals;                  /* verdicts that did not hold any more */
    uint32_t steps;                     /* 1 + index in core->steps of its last one since the seal; 0 = none */
    struct heap_node place;             /* in a heap of its pool while POOLED and not asked for */
    uint32_t aside;                     /* 1 + index in core->asides while it stands there; 0 = it does not */
    struct lead *held_prev, *held_next; /* its owner's list */
};

static inline int32_t lead_score(const struct lead *lead) /* of the last decision */
{
    return lead->past ? lead->past->decision.score : 0;
}

struct lead_slot; /* leads.c */
enum { LEADS_A_BLOCK = 8192 };
struct leads {
    struct lead **blocks;
    struct lead_slot *slots; /* by id */
    uint32_t n, mask;        /* mask: slots - 1 */
};

static inline struct lead *lead_at(const struct leads *leads, uint32_t place) /* in order of arrival here */
{
    return &leads->blocks[place / LEADS_A_BLOCK][place % LEADS_A_BLOCK];
}

/* ---- agents -------------------------------------------------------------------- */

enum { SCOPES = 2 + POLICY_UNITS_DEEP }; /* the programme, the units above an agent from its team up, the cell */
struct agent_node {
    struct heap_node node;
    struct agent *agent;
};

struct agent { /* what every act of it asks for stands in front */
    uint32_t index;
    bool dirty;

    /* ROW_AGENT */
    bool present; /* its lease runs */
    bool ready;   /* holds an unconsumed one-shot credit */
    uint32_t team, programme;
    enum intent intent;
    uint32_t capacity;
    uint32_t kept_open;       /* it held so many when its limit was lowered: it may keep them; 0 = within the limit */
    uint32_t misses;          /* lapsed offers in a row */
    uint16_t paused;          /* enum reason; OK = it is not */
    int64_t penalty_until_ms; /* run clock */
    int64_t penalty_ms;       /* of the next one */
    int64_t idle_since_us;    /* end of its last lead; no toggle, decline or reconnect moves it */
    int64_t absent_from_ms, absent_until_ms; /* core time: planned; both 0 = nothing is */
    int64_t ready_until_ms;                  /* run clock */
    uint32_t won, closed;

    /* derived */
    struct agent *dirty_next;
    struct timer timer; /* the earliest of lease, grace, penalty, credit */
    struct timer duty;  /* when its duty may begin or end next */
    uint32_t peer;      /* 0: not connected to this broker */
    uint64_t session;
    int64_t heard_ms; /* run clock */
    uint64_t heard_seq;
    uint32_t offered, owned, working, wrap_up, pipeline, due;
    uint32_t slots_seen, cards_seen, due_seen; /* at the last agent_update(); due: for leads of its own pipeline */
    uint32_t lent;                             /* slots in requests not yet answered */
    bool lent_whole;                           /* counted in scope->lent */
    bool due_listed, now_listed;               /* in core->due_agents, core->now_agents */
    uint64_t held_cents;                       /* what its leads cost, those of its pipeline too */
    int64_t given_us;                          /* when it was last handed a lead */
    int64_t queue_us; /* its place among agents: free since, or last handed one while it holds any */
    struct lead *held;
    struct meter *meter;            /* pacing: NULL = no limit is about it */
    int64_t quiet_ms;               /* run clock: since when evidence of work is awaited; 0 = it is not */
    struct agent_node able[SCOPES]; /* while it could be given a lead at all */
    struct agent_node card[SCOPES]; /* in the scope's heap while it has a card */
    uint64_t in_ask;                /* request being built, and its place there */
    uint32_t ask_place;
    uint32_t weight, list_place; /* out of the policy's list of agents; POLICY_AGENTS_MAX or more: not in it */
    struct pool *direct;         /* leads routed to it and nobody else; NULL: none ever was */
    int64_t gone_ms;             /* run clock: since when the lease is over */
    int64_t shown_until_ms;      /* run clock: until when a device this agent left may still show its leads */
    int64_t valid_until_ms;      /* run clock: until when it may still show what it held, guard included */
    struct agent *mates_prev, *mates_next; /* core->team_agents */

    /* turnover.c: why it is not forgotten yet */
    uint32_t awaited;  /* leads that are REVOKING from it, or assigned to it meanwhile */
    uint32_t excluded; /* leads, not ended, that it had and may not have again */
    int64_t kept_ms;   /* run clock: when it was looked at last, and had to be kept; 0 = never */

    /* the rest of ROW_AGENT */
    char name[NAME_BYTES_MAX + 1];
    char pause_note[NAME_BYTES_MAX + 1]; /* the operator's word for it */
    UT_hash_handle hh;
    uint32_t away_code, n_skills, skills[SKILLS_MAX];
    uint32_t ready_wait_ms;
    struct ready_result ready_last;
    int64_t served_us;      /* its last lead: LEAST_RECENT; under other strategies it stands still, and is not logged */
    uint64_t turn;          /* in virtual time: WEIGHTED_ROUND_ROBIN */
    uint32_t skips;         /* of previews, since then */
    uint32_t quality;       /* of the leads it worked on lately, balance.c; 0 = of none */
    int64_t skips_since_ms; /* run clock */
};

struct scope {
    struct heap card, able; /* agents by queue_us */
    uint32_t lent;          /* agents all of whose slots are in requests */
};

/* ---- pools --------------------------------------------------------------------- */

enum ring { RING_OWN, RING_TEAM, RING_WIDE, RING_LAST, RING_AGENT };

struct pool {
    uint32_t index;
    uint16_t programme;
    uint32_t team; /* RING_TEAM: the team, or the unit above teams; RING_AGENT: the agent */
    uint32_t turn; /* push_pull, of a unit or a whole programme: the team below it that was last refilled, or NONE */
    enum ring ring;
    struct heap waiting;  /* leads by rank */
    struct heap passed;   /* each by itself: those that nobody with a card could take, until something changes */
    struct timer timer;   /* when the next exclusion ends that kept one of them waiting */
    struct aside *asides; /* by kind: those that rules keep from everybody with a card, and others like them */
    struct heap open;     /* of these groups: those that somebody may have by now; by their first lead */
    uint32_t depth;       /* leads in it, asked ones included */
    int64_t dry_us;       /* when it last had leads and no card */
    bool dry;             /* its last window found no card */
    bool short_of;        /* at its last window, slots were lent that may come back unused */
    bool dirty;
    bool turned; /* since the last seal, the turn is another */
};

struct programme_state {
    uint64_t rotation;           /* round robin: the agent index last served, + 1; weighted: virtual time */
    uint32_t distributions_most; /* the highest distributions_max it ever had */
    uint64_t count[LEAD_STATES];
    uint64_t received, offers, accepts, declines, lapses, redistributions, alerts, decided_scored, decided_plain;
    uint64_t moved_in;                         /* leads that came from another programme */
    uint64_t never_contacted;                  /* exhausted, and nobody ever acted on them */
    uint64_t decided_greedy, greedy_gap_cents; /* of decided_scored; what the optimum may have been above them */
    bool dirty;
};

/* ---- the rest ---------------------------------------------------------------------- */

struct import {
    struct id id;
    UT_hash_handle hh;
    struct import *dirty_next;
    bool dirty;
    uint32_t source, rows, chunks;
    uint32_t accepted, duplicate, rejected;
    uint8_t *standing; /* (chunks + 7) / 8 bytes */
    int64_t changed_us;
};

struct peer {
    enum role role;
    uint32_t index;
    uint64_t session;
}; /* index: of the agent or worker */

enum { HISTOGRAM_BUCKETS = 328 };
struct histogram {
    uint64_t n, sum_us, max_us, bucket[HISTOGRAM_BUCKETS];
};

struct team_quality { /* of those present who have one: balance.c */
    uint64_t sum;
    uint32_t n;
};

struct policy_kept { /* a version of the policy, as it was given */
    uint32_t version, text_len;
    int64_t at_us; /* since when it is in force */
    uint8_t *text;
};

struct core {
    struct policy policy;         /* programmes and teams keep their places over its changes: policy_change.c */
    struct policy_kept *policies; /* all versions, oldest first */
    uint32_t n_policies, n_policies_dirty; /* the last ones */
    uint64_t policies_bytes;
    uint64_t epoch;
    int64_t now_us, last_us; /* last_us: of the last logged beat, while loading */
    int64_t paused_ms;
    bool loading; /* rows are applied, nothing is derived from them yet */
    struct heap durations, appointments;
    uint64_t timer_order; /* of arming: breaks ties */

    struct leads leads;
    uint64_t seq;
    struct agent *agents_by_name;
    struct agent **agents;          /* by index; NULL: forgotten, for no index is ever given again */
    uint32_t n_agents, agents_room; /* n_agents: indexes given so far */
    struct agent **known;           /* those there are, by index rising */
    uint32_t n_known;
    struct pool *pools;
    uint32_t n_pools;
    struct pool **dirty_pools, **running_pools;
    uint32_t n_dirty_pools;
    bool blocked;              /* what is dirty waits for a worker's answer, or its lapse */
    struct pool **short_pools; /* those that are short_of */
    uint32_t n_short_pools;
    struct pool **turned_pools;
    uint32_t n_turned_pools;
    uint32_t *team_present;       /* agents whose lease runs, by team */
    struct agent **team_agents;   /* by team: all of it, the last who joined first */
    struct tree *tree;            /* units.c */
    struct routes *routes;        /* of `policy`; NULL until a rule is asked for */
    struct policy_range *filters; /* of `policy`: every `only` in it */
    uint32_t n_filters;
    struct aside **asides, *free_asides; /* aside.c: all groups, by index, and those that are not used */
    uint32_t n_asides;
    struct team_quality *team_quality;
    struct scope *team_scopes, *programme_scopes, cell_scope;
    bool cell_wide; /* some programme of `policy` widens to the cell */
    struct programme_state *programmes;
    uint32_t *due_agents, *running_agents, *now_agents; /* room for AGENTS_CEILING each */
    uint32_t n_due_agents, n_now_agents;
    struct import *imports; /* the one that changed last stands last */
    struct contacts contacts;
    char (*sources)[NAME_BYTES_MAX + 1];
    uint32_t n_sources;

    struct worker *workers;
    uint32_t n_workers, worker_turn;
    struct ask *asks[ASKS_MAX];
    uint32_t n_asks; /* not yet over */
    uint64_t ask_id;
    struct peer *peers;
    uint32_t n_peers;
    uint64_t sessions;

    struct meter *meters;       /* limits.h: by kind and name */
    struct meter **team_meters; /* by team; NULL = no limit is about it */
    struct meter *dirty_meters;
    bool budgets; /* some limit is in money */

    struct lead *dirty_leads;
    struct agent *dirty_agents;
    struct import *dirty_imports;
    bool dirty_cell;
    struct buf snapshots; /* rows of this beat's decisions */
    struct buf steps;     /* struct step: what this beat's rows of leads would not show */
    struct buf gone;      /* rows of what was forgotten in this beat */
    uint32_t n_gone;
    int64_t full_ms; /* run clock: so long nobody is looked for who could make room for a newcomer */

    uint64_t rejected, presence_losses, stale_refusals, forgotten;
    uint64_t moved[LEAD_MOVES]; /* how often each line of lead_states.def happened */
    struct histogram hand_free, hand_busy;
    struct buf report;       /* what the last core_report() lent out */
    struct effects *effects; /* of the step in hand */
};

static inline int64_t now_ms(const struct core *core)
{
    return core->now_us / 1000;
}
static inline int64_t run_ms(const struct core *core)
{
    return core->now_us / 1000 - core->paused_ms;
}
static inline const struct programme *programme_of(const struct core *core, uint32_t i)
{
    return &core->policy.programmes[i];
}
static inline uint32_t agent_open(const struct agent *agent) /* leads in its hands; those in its pipeline are not */
{
    return agent->offered + agent->owned + agent->working + agent->wrap_up;
}
static inline bool lead_terminal(const struct lead *lead)
{
    return lead->state >= LEAD_CLOSED_WON;
}

#endif
