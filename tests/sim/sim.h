/* SPDX-License-Identifier: Apache-2.0
 * sim.h - the core in a world of numbers: virtual time, a network that delays,
 * loses and repeats, agents and workers that fall silent, a broker that crashes
 * between deciding and committing. One seed, one run. After every beat the
 * invariants are checked, that no two agents believe they own a lead, and that
 * the log alone gives the same state.
 *
 * A broken promise fails the running cmocka test with the seed in the message. */
#ifndef TAKT_TESTS_SIM_H
#define TAKT_TESTS_SIM_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "common/buf.h"
#include "core/core.h"
#include "core/core_private.h"

enum { SIM_AGENTS_MAX = 1024, SIM_LEADS_MAX = 4096, SIM_HELD_MAX = 64 };

struct sim_held {
    struct id lead;
    uint64_t fence;
    int64_t valid_until_us;
    unsigned state;
    uint32_t attempts;
    bool confirmed; /* offered in this session: what a Heard extends */
    enum see see;
};

struct sim_agent {
    char name[16], team[16];
    enum intent intent;
    uint32_t capacity;
    const char *skill; /* NULL: none */
    bool on, silent;   /* silent: neither sends nor hears */
    bool by_hand;      /* does nothing by itself but its heartbeats */
    bool clings;       /* does not carry out withdrawals */
    bool twin;         /* another device of an agent that is there already: what it shows is no second owner */
    uint32_t peer;
    uint64_t session, replaces, seq, ops;
    int64_t sent_us[1024]; /* by seq, wrapping */
    int64_t next_us;       /* its next move */
    struct sim_held held[SIM_HELD_MAX];
    uint32_t n_held;
    uint32_t n_offers, n_withdrawals, n_readies; /* heard so far */
    struct offer candidates[CANDIDATES_MAX];     /* of the last list; without rows */
    uint32_t n_candidates;
    struct ready_result ready; /* the last heard of each */
    struct act_result result;
    struct withdrawal withdrawal;
    enum reason error;
};

struct sim_faults { /* permille a message; all 0 = a friendly world */
    uint32_t lose, repeat, silence, crash, worker_mute;
    int64_t delay_us; /* up to */
};

struct sim_row { /* of a hand-made chunk */
    uint32_t key;
    const char *payload, *added; /* added: what the edge found out */
    enum reason reject;          /* the edge's verdict */
    int32_t priority;
    bool no_contact;
    const char *zone, *state; /* attributes of these names; NULL = none */
    const struct attribute *attributes;
    uint32_t n_attributes;
    uint32_t cost_cents;
    uint64_t value_cents;
};

struct sim_receipt {
    enum reason reason;
    uint32_t n_heard; /* so many receipts came */
    uint32_t n_rows, retry_after_ms, outcomes[CHUNK_ROWS_MAX], warnings[CHUNK_ROWS_MAX];
    struct id leads[CHUNK_ROWS_MAX];
};

/* A worker's mind: fills `verdicts`, one a lead, all zero at the call. */
typedef void sim_judge_fn(void *context, const struct msg_request *request, struct verdict *verdicts,
                          struct msg_decision *decision);

struct sim;

/* Three programmes: push, pull, push/pull; short timers; static, fresh at each call. */
struct policy *sim_policy(void);
struct sim *sim_new(uint64_t seed, const struct policy *policy);
void sim_destroy(struct sim **sim_p);
struct core *sim_core(struct sim *sim);
int64_t sim_now_ms(const struct sim *sim);
void sim_faults(struct sim *sim, struct sim_faults faults);
void sim_audit_every(struct sim *sim, uint32_t beats); /* compare log and state; 1 = each beat, at first */
void sim_others_every(struct sim *sim, int64_t ms);    /* sources and workers say that they live; 300, at first */

/* ---- workers ------------------------------------------------------------------ */

void sim_workers(struct sim *sim, uint32_t n);
/* How they decide and how long it takes; NULL: any valid decision, now and then a foul one.
 * A complete judge leaves no lead that it could place: then, as without workers, after each
 * beat nobody may wait for a lead that waits for somebody. */
void sim_judge(struct sim *sim, sim_judge_fn *judge, void *context, int64_t takes_us, bool is_complete);
void sim_worker_drains(struct sim *sim);   /* the first one says it wants nothing more */
void sim_worker_leaves(struct sim *sim);   /* the first one, without a word, for good */
uint32_t sim_asked(const struct sim *sim); /* requests that reached a worker */

/* ---- agents ------------------------------------------------------------------- */

struct sim_agent *sim_agent(struct sim *sim, const char *name, const char *team, enum intent intent);
void sim_hello(struct sim *sim, struct sim_agent *agent);
void sim_bye(struct sim *sim, struct sim_agent *agent);
void sim_cut(struct sim *sim, struct sim_agent *agent); /* the broker notices that it cannot be reached */
void sim_intent(struct sim *sim, struct sim_agent *agent, enum intent intent);
void sim_silence(struct sim *sim, struct sim_agent *agent, bool silent);
void sim_act(struct sim *sim, struct sim_agent *agent, struct id lead, enum act_verb verb, uint32_t code,
             const char *note);
void sim_say(struct sim *sim, struct sim_agent *agent, const struct act *act);    /* as it stands */
void sim_ready(struct sim *sim, struct sim_agent *agent, uint32_t wait_ms);       /* under a new op */
void sim_ready_again(struct sim *sim, struct sim_agent *agent, uint32_t wait_ms); /* under the last op */
/* A list of so many, or that lead of one. */
void sim_choose(struct sim *sim, struct sim_agent *agent, uint32_t list, struct id take);
struct sim_held *sim_held(struct sim_agent *agent, struct id lead); /* NULL = it does not show it */

/* ---- sources ------------------------------------------------------------------ */

/* One chunk of n rows of this source; row keys count on from the last call. Repeated until answered. */
void sim_submit(struct sim *sim, const char *source, uint32_t n);
/* Once, at this instant; the receipt comes with the next run. `op` 0 = none needed. */
void sim_chunk(struct sim *sim, uint64_t op, const char *source, uint64_t import, uint32_t number,
               const struct sim_row *rows, uint32_t n);
void sim_manifest(struct sim *sim, uint64_t import, const char *source, uint32_t rows, uint32_t chunks);
const struct sim_receipt *sim_receipt(const struct sim *sim);
const struct msg_manifest_state *sim_manifest_state(const struct sim *sim);
struct id sim_lead_id(uint32_t key);
struct id sim_last_lead(const struct sim *sim);

/* ---- the broker --------------------------------------------------------------- */

void sim_crash(struct sim *sim); /* what did not stand is lost, a new one loads */

/* An operator applies this policy, in the beat of this instant; a text of its own each time. The answer comes
 * when it stands. */
void sim_apply(struct sim *sim, const struct policy *policy);
void sim_apply_again(struct sim *sim); /* the last text once more */
/* Contacts, a line each, that must not be called, or may be again. */
void sim_suppress(struct sim *sim, const char *contacts, bool remove);
enum reason sim_applied(const struct sim *sim, const char **ret_why);
/* So does an order; sim_applied() has the answer. `op` 0: a new one. */
void sim_order(struct sim *sim, uint64_t op, struct id lead, enum order_what what, const char *agent, uint32_t code);
/* An operator asks, or orders by a question. */
void sim_query(struct sim *sim, enum query_what what, const char *arg);
uint32_t sim_log_len(const struct sim *sim);
void sim_stall(struct sim *sim, int64_t ms); /* no beat for so long, then one that knows that it is late */
void sim_run_ms(struct sim *sim, int64_t ms);

unsigned sim_state(struct sim *sim, struct id lead);
const char *sim_owner(struct sim *sim, struct id lead); /* "" = nobody */
uint32_t sim_acked(const struct sim *sim);              /* rows acknowledged as accepted */
uint32_t sim_lost(struct sim *sim);                     /* acknowledged and unknown to the core */
uint32_t sim_rand(struct sim *sim, uint32_t below);

/* How often each line of LEAD_MOVE in lead_states.def happened, in all simulations so far. */
const uint64_t *sim_moves_seen(void);

#endif
