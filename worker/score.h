/* SPDX-License-Identifier: Apache-2.0
 * score.h - what a lead is worth in an agent's hands, and who should get it.
 * Pure and fixed-point: the same request gives the same decision bit for bit,
 * on any machine, so that a decision can be recomputed when it is questioned. */
#ifndef TAKT_WORKER_SCORE_H
#define TAKT_WORKER_SCORE_H

#include "core/policy.h"
#include "proto/msg.h"

struct scorer; /* scratch memory; one a thread */

struct scorer *scorer_new(void);
void scorer_destroy(struct scorer **scorer_p);

/* The score of one pair, as the strategies see it: the formula at struct scoring. */
int32_t score_pair(const struct scoring *scoring, const struct request_lead *lead, const struct request_agent *agent);

/* Decide a whole request. *ret_decision borrows from `scorer` until the next
 * call. Never gives an agent more than its slots, nor an excluded or reserved
 * (only_agent) pair. Sets everything but spent_us. */
void score_request(struct scorer *scorer, const struct scoring *scoring, const struct msg_request *request,
                   struct msg_decision *ret_decision);

/* The same, and how all agents stood when it was one lead's turn: who explains a choice asks that. */
struct score_seen {
    int32_t points, score; /* points: permille before they are cut to 1..1000 */
    uint32_t open, slots;  /* with what it was given before this lead, in this window */
    bool barred;           /* excluded, or the lead is kept for another */
    uint64_t order;        /* who has least comes first, of those who are not barred */
};
struct score_watch {
    uint32_t lead;             /* in the request */
    struct score_seen *agents; /* room for n_agents; filled in */
};
void score_request_watched(struct scorer *scorer, const struct scoring *scoring, const struct msg_request *request,
                           const struct score_watch *watch, struct msg_decision *ret_decision);

/* What the points of a pair are made of. They add up to points; weights stand in the order of the policy. */
struct score_part {
    enum { PART_BASE = 1, PART_WEIGHT, PART_PERFORMANCE, PART_LOAD } kind;
    uint32_t weight; /* PART_WEIGHT: its index */
    int32_t permille;
};
struct score_parts {
    struct score_part parts[POLICY_WEIGHTS_MAX + 3];
    uint32_t n_parts;
    int32_t points, chance, score;
    uint64_t value_cents, worth_cents; /* worth: what age left of the value */
};
void score_parts(const struct scoring *scoring, const struct request_lead *lead, const struct request_agent *agent,
                 struct score_parts *ret);

/* The scoring part of a policy as bytes, for struct msg_request.policy. */
size_t scoring_encode(const struct scoring *all, uint32_t n_programmes, uint8_t *to, size_t room);
bool scoring_decode(struct slice bytes, struct scoring *ret_all, uint32_t *ret_n_programmes);

#endif
