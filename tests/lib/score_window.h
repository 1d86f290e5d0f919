/* SPDX-License-Identifier: Apache-2.0
 * score_window.h - scoring requests for tests: by hand or at random from a seed,
 * so that a failure repeats, and what any decision must keep to. */
#ifndef TAKT_TESTS_SCORE_WINDOW_H
#define TAKT_TESTS_SCORE_WINDOW_H

#include "worker/score.h"

enum { LEADS_MAX = 40, AGENTS_MAX = 40, FEATURES_MAX = 6 };
enum { HOUR_MS = 3600000 };

struct window {
    struct msg_request request;
    struct request_lead leads[LEADS_MAX];
    struct request_agent agents[AGENTS_MAX];
    struct feature features[LEADS_MAX][FEATURES_MAX];
    uint32_t skills[AGENTS_MAX][SKILLS_MAX];
    struct exclusion excluded[4 * LEADS_MAX];
};

void random_seed(uint64_t seed);
uint32_t below(uint32_t n);

uint32_t key_of(const char *attribute);
int64_t text_of(const char *text);

/* Leads worth 1,000.00 each, agents with a slot each and turns 1, 2, ... */
void window_open(struct window *window, enum strategy strategy, uint32_t n_leads, uint32_t n_agents);
void window_exclude(struct window *window, uint32_t lead, uint32_t agent);
void window_add(struct window *window, uint32_t lead, const char *attribute, int64_t value);
void window_fill(struct window *window, enum strategy strategy, uint32_t n_leads, uint32_t n_agents);

struct scoring plain_scoring(void); /* 100 permille of 500.00, and nothing else */
struct scoring rich_scoring(void);  /* everything; weights on amount and language, as window_fill() makes them */

struct msg_decision decide(struct scorer *scorer, const struct window *window, const struct scoring *scoring);
bool is_eligible(const struct window *window, uint32_t lead, uint32_t agent);
/* What the agent scores who was given so many more leads. */
int32_t score_with(const struct window *window, const struct scoring *scoring, uint32_t lead, uint32_t agent,
                   uint32_t given);
int64_t total_in_snapshot(const struct window *window, const struct scoring *scoring,
                          const struct msg_decision *decision);
uint32_t n_assigned(const struct msg_decision *decision);

/* Every verdict of a strategy that goes lead by lead, against the formula. */
void check_verdicts(const struct window *window, const struct scoring *scoring, const struct msg_decision *decision,
                    bool is_best);

#endif
