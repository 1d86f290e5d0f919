/* SPDX-License-Identifier: Apache-2.0
 * story.c - see story.h. */
#include "tests/sim/story.h"
#include "worker/score.h"

enum { ANSWER_MS = 2 }; /* a message there, a beat, and one back */

struct sim *story_new(const struct policy *policy)
{
    struct sim *sim = sim_new(1, policy ? policy : sim_policy());
    sim_workers(sim, 0);
    sim_run_ms(sim, 10);
    return sim;
}

struct id story_lead(struct sim *sim, const char *source, int32_t priority)
{
    const uint32_t key = 1000000 + (uint32_t) sim_core(sim)->leads.n;
    char payload[24];
    snprintf(payload, sizeof payload, "row-%u", key);
    sim_chunk(sim, key, source, 0, 0, &(struct sim_row){.key = key, .payload = payload, .priority = priority}, 1);
    return sim_lead_id(key);
}

struct sim_agent *story_agent_of(struct sim *sim, const char *name, const char *team, enum intent intent,
                                 uint32_t capacity)
{
    struct sim_agent *agent = sim_agent(sim, name, team, intent);
    agent->by_hand = true;
    agent->capacity = capacity;
    sim_run_ms(sim, ANSWER_MS);
    assert_true(agent->session != 0);
    return agent;
}

struct sim_agent *story_agent(struct sim *sim, const char *name, const char *team, enum intent intent)
{
    return story_agent_of(sim, name, team, intent, 0);
}

enum reason story_act(struct sim *sim, struct sim_agent *agent, struct id lead, enum act_verb verb)
{
    agent->result = (struct act_result){.reason = (enum reason) REASON_MAX};
    sim_act(sim, agent, lead, verb, 0, verb == VERB_NOTE ? "spoke to her" : NULL);
    sim_run_ms(sim, ANSWER_MS);
    return agent->result.reason;
}

enum reason story_dispose(struct sim *sim, struct sim_agent *agent, struct id lead, enum disposition code,
                          const char *note)
{
    agent->result = (struct act_result){.reason = (enum reason) REASON_MAX};
    sim_act(sim, agent, lead, VERB_DISPOSITION, code, note);
    sim_run_ms(sim, ANSWER_MS);
    return agent->result.reason;
}

enum reason story_ready(struct sim *sim, struct sim_agent *agent, uint32_t wait_ms)
{
    agent->ready = (struct ready_result){.reason = (enum reason) REASON_MAX};
    sim_ready(sim, agent, wait_ms);
    sim_run_ms(sim, ANSWER_MS);
    return agent->ready.reason;
}

enum reason story_order(struct sim *sim, struct id lead, enum order_what what, const char *agent, uint32_t code)
{
    sim_order(sim, 0, lead, what, agent, code);
    sim_run_ms(sim, 1);
    return sim_applied(sim, NULL);
}

void story_work_up_to(struct sim *sim, struct sim_agent *agent, struct id lead, enum lead_state state)
{
    assert_owner(sim, lead, agent->name);
    for (unsigned now; (now = sim_state(sim, lead)) < state;) {
        const enum act_verb verb = now == LEAD_OFFERED ? VERB_ACCEPT
                                   : now == LEAD_OWNED ? VERB_ACTION
                                                       : VERB_ATTEMPT_END;
        assert_int_equal(story_act(sim, agent, lead, verb), REASON_OK);
    }
}

int64_t story_until_state(struct sim *sim, struct id lead, enum lead_state state, int64_t at_most_ms)
{
    for (int64_t ms = 0; ms <= at_most_ms; ms++) {
        if (sim_state(sim, lead) == state)
            return ms;
        sim_run_ms(sim, 1);
    }
    fail_msg("the lead is %s, not %s", lead_state_name(sim_state(sim, lead)), lead_state_name(state));
    return -1;
}

int64_t story_until_owner(struct sim *sim, struct id lead, const char *owner, int64_t at_most_ms)
{
    for (int64_t ms = 0; ms <= at_most_ms; ms++) {
        if (strcmp(sim_owner(sim, lead), owner) == 0)
            return ms;
        sim_run_ms(sim, 1);
    }
    fail_msg("the lead is %s and with '%s', not '%s'", lead_state_name(sim_state(sim, lead)), sim_owner(sim, lead),
             owner);
    return -1;
}

void story_stays(struct sim *sim, struct id lead, enum lead_state state, int64_t ms)
{
    for (; ms > 0; ms--) {
        assert_string_equal(lead_state_name(sim_state(sim, lead)), lead_state_name(state));
        sim_run_ms(sim, 1);
    }
    assert_string_equal(lead_state_name(sim_state(sim, lead)), lead_state_name(state));
}

const struct lead *story_of(struct sim *sim, struct id lead)
{
    const struct lead *it = leads_find(sim_core(sim), lead);
    assert_non_null(it);
    return it;
}

const struct agent *story_core_agent(struct sim *sim, const struct sim_agent *agent)
{
    const struct agent *it = agent_find(sim_core(sim), slice_of(agent->name, strlen(agent->name)));
    assert_non_null(it);
    return it;
}

uint32_t story_offered_to(struct sim *sim, const struct sim_agent *agent)
{
    return story_core_agent(sim, agent)->offered;
}

void story_decide(void *scoring, const struct msg_request *request, struct verdict *verdicts,
                  struct msg_decision *decision)
{
    static const struct scoring usual = {.base_permille = 100, .value_cents = 10000};
    struct scorer *scorer = scorer_new();
    score_request(scorer, scoring ? scoring : &usual, request, decision);
    memcpy(verdicts, decision->verdicts, decision->n_verdicts * sizeof *verdicts);
    decision->verdicts = verdicts;
    scorer_destroy(&scorer);
}

const char *story_told_of(struct sim *sim, const struct sim_agent *agent, const char *column)
{
    static char text[64];
    const struct slice name = slice_of(agent->name, strlen(agent->name));
    struct msg_report report = {0};
    core_report(sim_core(sim), &(struct msg_query){.what = QUERY_AGENTS, .limit = 1000}, &report);
    for (uint32_t c = 0; c < report.n_columns; c++)
        for (uint32_t r = 0; r < report.n_rows; r++) {
            const struct slice *row = &report.cells[(size_t) r * report.n_columns];
            if (report.columns[c].len != strlen(column) || memcmp(report.columns[c].at, column, strlen(column)) != 0 ||
                row->len != name.len || memcmp(row->at, name.at, name.len) != 0)
                continue;
            snprintf(text, sizeof text, "%.*s", (int) row[c].len, (const char *) row[c].at);
            return text;
        }
    fail_msg("nothing is told of %s in %s", agent->name, column);
    return NULL;
}
