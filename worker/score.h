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

/* The scoring part of a policy as bytes, for struct msg_request.policy. */
size_t scoring_encode(const struct scoring *all, uint32_t n_programmes, uint8_t *to, size_t room);
bool scoring_decode(struct slice bytes, struct scoring *ret_all, uint32_t *ret_n_programmes);

#endif
