/* SPDX-License-Identifier: Apache-2.0
 * sim_private.h - what the files of the simulator share: the world in sim.c, the
 * agents in sim_agent.c, sources and workers in sim_peers.c, the checks in
 * sim_check.c. */
#ifndef TAKT_TESTS_SIM_PRIVATE_H
#define TAKT_TESTS_SIM_PRIVATE_H

#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <inttypes.h>

enum {
    PEER_SOURCE = 1,
    PEER_WORKER = 2,
    PEER_OPERATOR = 8,
    PEER_AGENTS = 16,
    POLICIES_OF_SIM = 64,
    MAILS_MAX = 8192,
    WORKERS = 4,
    SUBMISSIONS_MAX = 512
};

struct mail { /* one message under way */
    bool used, to_broker;
    int64_t at_us;
    uint64_t order;
    uint32_t peer;
    struct msg msg;
    void *own[4]; /* what the message borrows */
};

struct submission {
    struct id op;
    char source[16];
    uint32_t first, n;
    bool answered;
    int64_t again_us;
};

struct sim {
    struct policy policy;
    struct core *core;
    struct core *follower; /* knows the log alone */
    struct effects *effects;
    struct buf *log; /* bodies that stand */
    uint32_t n_log, log_room, audit_every;
    struct buf dumps[2]; /* of two states, while they are compared */
    uint64_t epoch, random, seed, order, beats, source_session;
    int64_t now_us, others_us, others_every_us;
    struct sim_faults faults;
    int64_t last_us[2][PEER_AGENTS + SIM_AGENTS_MAX];
    struct mail *mails;
    uint32_t mails_top; /* all in use are below it */
    struct sim_agent *agents;
    uint32_t n_agents, keys;
    struct id *believed; /* by all agents, in the check of a beat */

    struct policy *policies[POLICIES_OF_SIM]; /* by what their text says: what policy/ would make of it */
    uint32_t n_policies;
    uint64_t orders;
    enum reason applied; /* the last answer to an Apply */
    char applied_why[2048];

    uint64_t worker_session[WORKERS];
    bool worker_left[WORKERS];
    uint32_t n_workers, asked;
    sim_judge_fn *judge;
    void *judge_context;
    int64_t judge_us;
    bool judge_is_complete; /* leaves no lead that it could place */

    struct submission subs[SUBMISSIONS_MAX];
    uint32_t n_subs;
    struct id acked[SIM_LEADS_MAX];
    uint32_t n_acked;
    struct id last_lead;
    struct sim_receipt receipt;
    struct msg_manifest_state manifest_state;
    uint8_t standing[CHUNKS_MAX / 8];
};

static inline bool happens(struct sim *sim, uint32_t permille)
{
    return sim_rand(sim, 1000) < permille;
}

/* sim.c */
void sim_post(struct sim *sim, bool to_broker, uint32_t peer, const struct msg *msg); /* may be lost or repeated */
void sim_post_once(struct sim *sim, bool to_broker, uint32_t peer, const struct msg *msg, int64_t after_us);
void sim_step(struct sim *sim, uint32_t peer, const struct msg *msg); /* no way between */

/* sim_check.c */
void sim_check(struct sim *sim);
void sim_same_state(struct sim *sim, const struct core *a, const struct core *b, const char *what);

/* sim_agent.c */
void sim_agent_hear(struct sim *sim, struct sim_agent *agent, const struct msg *msg);
void sim_agent_move(struct sim *sim, struct sim_agent *agent);
bool sim_agent_believes(const struct sim *sim, const struct sim_held *held);

/* sim_peers.c */
void sim_others_hear(struct sim *sim, uint32_t peer, const struct msg *msg);
void sim_others_move(struct sim *sim);
void sim_submissions_move(struct sim *sim);

#endif
