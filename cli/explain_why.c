/* SPDX-License-Identifier: Apache-2.0
 * explain_why.c - a window decided again by what decided it: the worker's scorer, or
 * the plain order. What would have given the lead to somebody else is not argued but
 * tried: the same window with one thing changed, decided again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "cli/explain.h"
#include "core/plain.h"

/* ---- the request ------------------------------------------------------------------------ */

struct request { /* made again, and ours to change */
    struct msg_request msg;
    struct request_lead *leads;
    struct request_agent *agents;
    struct exclusion *excluded;
    struct scoring scoring;
    struct feature *features; /* of the lead in question, with room for one more */
    uint32_t *skills;         /* of the agent in question, with room for one more */
};

struct request_lead explain_request_lead(const struct explain_window *window, uint32_t lead)
{
    const struct explain_lead *from = &window->leads[lead];
    return (struct request_lead){.age_ms = snapshot_age_ms(from->received_us, window->snapshot->built_us),
                                 .priority = from->priority,
                                 .value_cents = from->value_cents,
                                 .only_agent = window->snapshot->leads[lead].only_agent,
                                 .n_features = from->n_features,
                                 .features = from->features};
}

struct request_agent explain_request_agent(const struct explain_window *window, uint32_t place)
{
    const struct snapshot_agent *from = &window->snapshot->agents[place];
    const struct image_agent *row = &window->agents[from->index].as_was;
    struct request_agent agent = from->as_seen;
    agent.skills = row->skills;
    agent.n_skills = row->n_skills;
    return agent;
}

/* Somebody who was not in the window, as its row was then, with no slot. */
static struct request_agent outsider(const struct explain_window *window, uint32_t index)
{
    const struct explain_agent *from = &window->agents[index];
    return (struct request_agent){.open = from->open,
                                  .idle_ms = snapshot_age_ms(from->as_was.idle_since_us, window->snapshot->built_us),
                                  .weight = 1,
                                  .turn = (uint64_t) index + 1,
                                  .won = from->as_was.won,
                                  .closed = from->as_was.closed,
                                  .skills = from->as_was.skills,
                                  .n_skills = from->as_was.n_skills};
}

static void *room_for(size_t n, size_t size)
{
    void *room = calloc(n, size);
    assert(room);
    return room;
}

static void request_init(struct request *request, const struct explain_window *window)
{
    const struct snapshot *snapshot = window->snapshot;
    *request = (struct request){.scoring = window->programme->scoring};
    request->leads = room_for(snapshot->n_leads + 1, sizeof *request->leads);
    request->agents = room_for(snapshot->n_agents + 1, sizeof *request->agents);
    request->excluded = room_for(snapshot->n_excluded + 1, sizeof *request->excluded);
    for (uint32_t i = 0; i < snapshot->n_leads; i++)
        request->leads[i] = explain_request_lead(window, i);
    for (uint32_t i = 0; i < snapshot->n_agents; i++)
        request->agents[i] = explain_request_agent(window, i);
    for (uint32_t i = 0; i < snapshot->n_excluded; i++)
        request->excluded[i] =
            (struct exclusion){(uint16_t) snapshot->excluded[i].lead, (uint16_t) snapshot->excluded[i].agent};
    request->msg = (struct msg_request){.id = snapshot->request,
                                        .seed = snapshot_seed(snapshot->request),
                                        .rotation = snapshot->rotation,
                                        .policy_version = snapshot->policy_version,
                                        .deadline_ms = (uint32_t) window->policy->scorer_deadline_ms,
                                        .strategy = snapshot->strategy,
                                        .leads = request->leads,
                                        .agents = request->agents,
                                        .excluded = request->excluded,
                                        .n_leads = snapshot->n_leads,
                                        .n_agents = snapshot->n_agents,
                                        .n_excluded = snapshot->n_excluded};
}

static void request_fini(struct request *request)
{
    free(request->leads);
    free(request->agents);
    free(request->excluded);
    free(request->features);
    free(request->skills);
}

/* ---- deciding ------------------------------------------------------------------------------ */

/* Who gets the lead; `seen` of a plain order stays as it was. */
static struct verdict decide(const struct request *request, enum reason by, uint32_t lead, struct score_seen *seen,
                             enum reason *ret_by)
{
    struct verdict verdict;
    if (by == REASON_PLAIN_ORDER) {
        struct verdict *all = room_for(request->msg.n_leads + 1, sizeof *all);
        plain_decide(&request->msg, all);
        verdict = all[lead];
        free(all);
        *ret_by = REASON_PLAIN_ORDER;
        return verdict;
    }
    struct scorer *scorer = scorer_new();
    const struct score_watch watch = {lead, seen};
    struct msg_decision decision;
    score_request_watched(scorer, &request->scoring, &request->msg, &watch, &decision);
    verdict = decision.verdicts[lead];
    *ret_by = decision.reason == REASON_GREEDY ? REASON_GREEDY : REASON_SCORED;
    scorer_destroy(&scorer);
    return verdict;
}

static uint32_t index_of(const struct snapshot *snapshot, uint32_t one_and_place)
{
    return one_and_place > 0 ? snapshot->agents[one_and_place - 1].index : IMAGE_NOBODY;
}

void explain_decide(const struct explain_window *window, enum reason by, struct explain_why *ret)
{
    const uint32_t n = window->snapshot->n_agents;
    struct request request;
    request_init(&request, window);
    *ret = (struct explain_why){.n_agents = n, .scored = by != REASON_PLAIN_ORDER};
    ret->seen = room_for(n + 1, sizeof *ret->seen);
    const struct verdict verdict = decide(&request, by, window->lead, ret->seen, &ret->by);
    ret->winner = index_of(window->snapshot, verdict.agent);
    ret->runner_up = index_of(window->snapshot, verdict.runner_up);
    ret->score = verdict.score;
    ret->margin = verdict.margin;
    request_fini(&request);
}

/* ---- what would have given it to somebody else ------------------------------------------------ */

/* Points for this pair alone: a skill that no other has, which no other lead asks for. */
static void add_points(struct request *request, uint32_t lead, uint32_t place, int32_t permille)
{
    const uint32_t mark = feature_key("takt explain", strlen("takt explain"));
    struct request_lead *to = &request->leads[lead];
    struct request_agent *agent = &request->agents[place];
    request->features = room_for(to->n_features + 1, sizeof *request->features);
    request->skills = room_for(agent->n_skills + 1, sizeof *request->skills);
    if (to->n_features > 0)
        memcpy(request->features, to->features, to->n_features * sizeof *request->features);
    if (agent->n_skills > 0)
        memcpy(request->skills, agent->skills, agent->n_skills * sizeof *request->skills);
    request->features[to->n_features++] = (struct feature){mark, mark};
    request->skills[agent->n_skills++] = mark;
    to->features = request->features;
    agent->skills = request->skills;
    request->scoring.weights[request->scoring.n_weights++] =
        (struct weight){.key = mark, .kind = WEIGHT_SKILL, .add_permille = permille};
}

static void admit(struct request *request, uint32_t lead, uint32_t place)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < request->msg.n_excluded; i++)
        if (request->excluded[i].lead != lead || request->excluded[i].agent != place)
            request->excluded[kept++] = request->excluded[i];
    request->msg.n_excluded = kept;
}

struct trial {
    const struct explain_window *window;
    enum reason by;
    uint32_t place, index;
};

static bool gets_it(const struct trial *trial, const struct explain_change *change)
{
    struct request request;
    struct score_seen *seen = room_for(trial->window->snapshot->n_agents + 2, sizeof *seen);
    enum reason by;
    request_init(&request, trial->window);
    struct request_agent *agent = &request.agents[trial->place];
    if (trial->place == trial->window->snapshot->n_agents) {
        *agent = outsider(trial->window, trial->index);
        request.msg.n_agents++;
    }
    agent->slots += change->freed;
    agent->idle_ms += change->idle_ms < UINT32_MAX - agent->idle_ms ? change->idle_ms : UINT32_MAX - agent->idle_ms;
    agent->open -= change->open_less;
    if (change->admitted)
        admit(&request, trial->window->lead, trial->place);
    if (change->permille > 0)
        add_points(&request, trial->window->lead, trial->place, change->permille);
    const struct verdict verdict = decide(&request, trial->by, trial->window->lead, seen, &by);
    free(seen);
    request_fini(&request);
    return verdict.agent == trial->place + 1;
}

/* The least of 1..most that does it: more of it never does less. */
static bool find_least(const struct trial *trial, struct explain_change *change, uint32_t *of_change, uint32_t most)
{
    uint32_t low = 1, high = most;
    *of_change = most;
    if (most == 0 || !gets_it(trial, change)) {
        *of_change = 0;
        return false;
    }
    while (low < high) {
        *of_change = low + (high - low) / 2;
        if (gets_it(trial, change))
            high = *of_change;
        else
            low = *of_change + 1;
    }
    *of_change = low;
    return true;
}

static bool find_points(const struct trial *trial, struct explain_change *change)
{
    int32_t low = 1, high = 2000;
    change->permille = high;
    if (trial->window->programme->scoring.n_weights == POLICY_WEIGHTS_MAX || !gets_it(trial, change)) {
        change->permille = 0;
        return false;
    }
    while (low < high) {
        change->permille = low + (high - low) / 2;
        if (gets_it(trial, change))
            high = change->permille;
        else
            low = change->permille + 1;
    }
    change->permille = low;
    return true;
}

bool explain_smallest_change(const struct explain_window *window, enum reason by, uint32_t place, uint32_t index,
                             const struct score_seen *seen, struct explain_change *ret)
{
    const struct snapshot *snapshot = window->snapshot;
    const struct trial trial = {window, by, place, index};
    const uint32_t strategy = by == REASON_PLAIN_ORDER ? STRATEGY_LONGEST_IDLE : snapshot->strategy;
    *ret = (struct explain_change){.freed = place == snapshot->n_agents || snapshot->agents[place].as_seen.slots == 0 ||
                                            (seen && seen->slots == 0)};
    if (place == snapshot->n_agents && snapshot->n_agents == SNAPSHOT_AGENTS_MAX)
        return false;
    for (uint32_t i = 0; i < snapshot->n_excluded; i++)
        ret->admitted |= snapshot->excluded[i].lead == window->lead && snapshot->excluded[i].agent == place;
    if (gets_it(&trial, ret))
        return true;
    if (!ret->freed) { /* it had a slot, and an earlier lead of the window took it */
        ret->freed = true;
        if (gets_it(&trial, ret))
            return true;
        ret->freed = false;
    }
    switch (strategy) {
    case STRATEGY_BEST_SCORE:
    case STRATEGY_JOINT_OPTIMUM:
        return find_points(&trial, ret);
    case STRATEGY_LONGEST_IDLE:
    case STRATEGY_LEAST_RECENT:
        return by != REASON_PLAIN_ORDER && find_least(&trial, ret, &ret->idle_ms, UINT32_MAX);
    case STRATEGY_FEWEST_OPEN:
        return find_least(&trial, ret, &ret->open_less,
                          place < snapshot->n_agents ? snapshot->agents[place].as_seen.open
                                                     : window->agents[index].open);
    default: /* a turn, a place in a list, a draw: no small change of the agent's */
        return false;
    }
}
