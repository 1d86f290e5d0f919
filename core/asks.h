/* SPDX-License-Identifier: Apache-2.0
 * asks.h - workers, and what they were asked: a window of leads and agents, until
 * its answer or its deadline. window.c builds one, verdicts.c ends it, workers.c
 * chooses who is asked. Seen by this folder only. */
#ifndef TAKT_CORE_ASKS_H
#define TAKT_CORE_ASKS_H

#include "core/tables.h"

enum { ASK_LEADS_MAX = 1024, ASK_AGENTS_MAX = 128, ASK_EXCLUDED_MAX = ASK_LEADS_MAX * 4 };
enum { ASK_LEADS_MIN = 32 };

enum { BUSY_SECONDS = 10 };
struct worker {
    bool used;
    bool late;    /* did not answer in time, or never spoke: not asked until it is heard */
    bool drained; /* by an operator: not asked until the operator says so */
    bool leaving; /* by itself: not asked any more */
    uint32_t peer, capacity, out;
    char name[NAME_BYTES_MAX + 1], place[NAME_BYTES_MAX + 1];
    struct timer timer;
    int64_t hello_us, heard_ms;
    uint32_t policy_version;           /* the scoring it is known to hold */
    uint64_t answered, lapsed;         /* requests in time; those that were not */
    uint64_t too_late;                 /* answers that came after the deadline all the same */
    uint64_t decided, dropped;         /* leads it gave to an agent; those of them that held no more */
    uint64_t spent_us;                 /* on answers, as it says itself */
    uint64_t busy_us[BUSY_SECONDS];    /* the same by second, a ring */
    int64_t busy_second;               /* the last one in it */
    uint64_t greedy, greedy_gap_cents; /* requests too large for the optimum in time; as of the programme */
};

struct ask {
    uint64_t id; /* 0 = free */
    struct timer timer;
    struct pool *pool;
    uint32_t worker, programme;
    bool needs_policy;
    bool fitted;      /* built for what filters leave: others may have a card, and other leads wait */
    bool balanced;    /* what an agent was kept from may be its own in the next one */
    bool of_one;      /* built for the due leads of one agent: others may have a card, too */
    int64_t built_us; /* ages and times free count up to here */
    int64_t asked_us; /* when it left for the worker; 0 = it did not */
    struct lead *leads[ASK_LEADS_MAX];
    uint32_t agents[ASK_AGENTS_MAX], slots[ASK_AGENTS_MAX];
    struct request_lead request_leads[ASK_LEADS_MAX];
    struct request_agent request_agents[ASK_AGENTS_MAX];
    struct exclusion excluded[ASK_EXCLUDED_MAX];
    uint16_t excluded_why[ASK_EXCLUDED_MAX]; /* enum reason */
    uint32_t excluded_from[ASK_LEADS_MAX];   /* where a lead's begin in it */
    uint32_t n_leads, n_agents, n_excluded;
    uint64_t rotation;
    uint8_t strategy;
};

#endif
