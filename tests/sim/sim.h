/* SPDX-License-Identifier: Apache-2.0
 * sim.h - the core in a world of numbers: virtual time, a network that delays,
 * loses and repeats, agents and workers that fall silent, a broker that crashes
 * between deciding and committing. One seed, one run. After every beat the
 * invariants are checked, and that no two agents believe they own a lead.
 *
 * A broken promise fails the running cmocka test with the seed in the message. */
#ifndef TAKT_TESTS_SIM_H
#define TAKT_TESTS_SIM_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "core/core.h"
#include "core/core_private.h"

enum { SIM_AGENTS_MAX = 64, SIM_LEADS_MAX = 4096, SIM_HELD_MAX = 64 };

struct sim_held { struct id lead; uint64_t fence; int64_t valid_until_us, since_us; unsigned state; bool noted; };

struct sim_agent {
    char name[16], team[16];
    enum intent intent;
    bool on, silent;             /* silent: neither sends nor hears */
    bool by_hand;                /* does nothing by itself */
    uint32_t peer;
    uint64_t session, seq, ops;
    int64_t sent_us[1024];       /* by seq, wrapping */
    int64_t next_us;             /* its next move */
    struct sim_held held[SIM_HELD_MAX];
    uint32_t n_held;
    bool asked;                  /* a ready is out */
    struct ready_result ready;   /* its last answer */
    struct act_result result;    /* of its last act */
};

struct sim_faults {              /* permille a message; all 0 = a friendly world */
    uint32_t lose, repeat, silence, crash, worker_mute;
    int64_t delay_us;            /* up to */
};

struct sim;

struct policy *sim_policy(void);             /* three programmes: push, pull, push/pull; short timers; static, fresh at each call */
struct sim *sim_new(uint64_t seed, const struct policy *policy);
void sim_destroy(struct sim **sim_p);
struct core *sim_core(struct sim *sim);
int64_t sim_now_ms(const struct sim *sim);
void sim_faults(struct sim *sim, struct sim_faults faults);
void sim_workers(struct sim *sim, uint32_t n);

struct sim_agent *sim_agent(struct sim *sim, const char *name, const char *team, enum intent intent);
void sim_silence(struct sim *sim, struct sim_agent *agent, bool silent);
/* One chunk of n rows of this source; row keys count on from the last call. Repeated until answered. */
void sim_submit(struct sim *sim, const char *source, uint32_t n);
struct id sim_last_lead(const struct sim *sim);
void sim_act(struct sim *sim, struct sim_agent *agent, struct id lead, enum act_verb verb, uint32_t code, const char *note);
void sim_ready(struct sim *sim, struct sim_agent *agent, uint32_t wait_ms);
void sim_crash(struct sim *sim);             /* the broker: what did not stand is lost, a new one loads */
void sim_run_ms(struct sim *sim, int64_t ms);

unsigned sim_state(struct sim *sim, struct id lead);
const char *sim_owner(struct sim *sim, struct id lead);   /* "" = nobody */
uint32_t sim_acked(const struct sim *sim);                /* rows acknowledged as accepted */
uint32_t sim_lost(struct sim *sim);                       /* acknowledged and unknown to the core */
uint32_t sim_rand(struct sim *sim, uint32_t below);

#endif
