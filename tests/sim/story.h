/* SPDX-License-Identifier: Apache-2.0
 * story.h - what the stories share: they are told in this language. A story sets
 * up a small world in which nothing happens by itself but heartbeats, lets people
 * do one thing at a time, and looks at what became of it. Each file of stories
 * hands its list to test_stories.c, which runs them and then asks whether every
 * move of a lead was told by some story. */
#ifndef TAKT_TESTS_STORY_H
#define TAKT_TESTS_STORY_H

#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

/* A world without workers, awake for 10 ms; with `sim_policy()` when policy is NULL. */
struct sim *story_new(const struct policy *policy);

/* One lead of this source and priority, taken in now; decided with the next run. */
struct id story_lead(struct sim *sim, const char *source, int32_t priority);
/* An agent that does what the story says, welcomed. */
struct sim_agent *story_agent(struct sim *sim, const char *name, const char *team, enum intent intent);
struct sim_agent *story_agent_of(struct sim *sim, const char *name, const char *team, enum intent intent,
                                 uint32_t capacity);

/* Says it, waits for the answer, returns its reason. */
enum reason story_act(struct sim *sim, struct sim_agent *agent, struct id lead, enum act_verb verb);
enum reason story_dispose(struct sim *sim, struct sim_agent *agent, struct id lead, enum disposition code,
                          const char *note);
enum reason story_ready(struct sim *sim, struct sim_agent *agent, uint32_t wait_ms);
enum reason story_order(struct sim *sim, struct id lead, enum order_what what, const char *agent, uint32_t code);
/* Accepts what is offered, and acts on it, as far as `state`. */
void story_work_up_to(struct sim *sim, struct sim_agent *agent, struct id lead, enum lead_state state);

/* A worker's own arithmetic, for sim_judge(); its context is a struct scoring, or NULL: one in ten, a hundred each. */
void story_decide(void *scoring, const struct msg_request *request, struct verdict *verdicts,
                  struct msg_decision *decision);

/* Runs until the lead is in the state, or belongs to the agent; returns how many ms that took, or fails. */
int64_t story_until_state(struct sim *sim, struct id lead, enum lead_state state, int64_t at_most_ms);
int64_t story_until_owner(struct sim *sim, struct id lead, const char *owner, int64_t at_most_ms);
/* Runs; all the while the lead stays in the state. */
void story_stays(struct sim *sim, struct id lead, enum lead_state state, int64_t ms);

const struct lead *story_of(struct sim *sim, struct id lead);
const struct agent *story_core_agent(struct sim *sim, const struct sim_agent *agent);
uint32_t story_offered_to(struct sim *sim, const struct sim_agent *agent); /* open offers, as the core sees it */

/* What an operator is told of the agent in this column of `takt agents`; until the next call. */
const char *story_told_of(struct sim *sim, const struct sim_agent *agent, const char *column);

#define assert_state(sim, lead, name) assert_string_equal(lead_state_name(sim_state((sim), (lead))), #name)
#define assert_owner(sim, lead, name) assert_string_equal(sim_owner((sim), (lead)), (name))
/* Deadlines are kept to the millisecond; the story began to count up to three of them later. */
#define assert_about(ms, wanted) assert_in_range((ms), (wanted) -4, (wanted) + 1)

#define STORIES(name)                                                                                                  \
    extern const struct CMUnitTest stories_of_##name[];                                                                \
    extern const size_t n_stories_of_##name;
STORIES(intake)
STORIES(push)
STORIES(push_refusals)
STORIES(presence)
STORIES(pull)
STORIES(pipeline)
STORIES(followup)
STORIES(orders)
STORIES(pools)
STORIES(workers)
STORIES(windows)
STORIES(strategies)
STORIES(hours)
STORIES(duty)
STORIES(log)
STORIES(policy)
STORIES(policy_after)
STORIES(seeds)
STORIES(peers)
STORIES(contacts)
STORIES(choice)
#undef STORIES

#endif
