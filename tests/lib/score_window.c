/* SPDX-License-Identifier: Apache-2.0
 * score_window.c - see score_window.h. The checks go over all pairs with
 * score_pair(), which shares no loop with score_request(). */
#include "tests/lib/score_window.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint64_t random_state;

void random_seed(uint64_t seed)
{
    random_state = seed;
}

uint32_t below(uint32_t n)
{
    assert_true(n > 0);
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t) ((random_state >> 33) % n);
}

uint32_t key_of(const char *attribute)
{
    return feature_key(attribute, strlen(attribute));
}

void window_open(struct window *window, enum strategy strategy, uint32_t n_leads, uint32_t n_agents)
{
    memset(window, 0, sizeof *window);
    for (uint32_t i = 0; i < n_leads; i++)
        window->leads[i] = (struct request_lead){.value_cents = 100000, .features = window->features[i]};
    for (uint32_t a = 0; a < n_agents; a++)
        window->agents[a] = (struct request_agent){.slots = 1, .turn = a + 1, .skills = window->skills[a]};
    window->request = (struct msg_request){.id = 7,
                                           .strategy = strategy,
                                           .policy_version = 3,
                                           .leads = window->leads,
                                           .n_leads = n_leads,
                                           .agents = window->agents,
                                           .n_agents = n_agents,
                                           .excluded = window->excluded};
}

void window_exclude(struct window *window, uint32_t lead, uint32_t agent)
{
    window->excluded[window->request.n_excluded++] = (struct exclusion){(uint16_t) lead, (uint16_t) agent};
}

void window_add(struct window *window, uint32_t lead, const char *attribute, int64_t value)
{
    window->features[lead][window->leads[lead].n_features++] = (struct feature){key_of(attribute), value};
}

static const char *const skill_words[] = {"es", "pt", "zh", "veteran"};

int64_t text_of(const char *text)
{
    return feature_text(text, strlen(text));
}

void window_fill(struct window *window, enum strategy strategy, uint32_t n_leads, uint32_t n_agents)
{
    window_open(window, strategy, n_leads, n_agents);
    for (uint32_t i = 0; i < n_leads; i++) {
        window->leads[i].value_cents = below(4) == 0 ? 0 : 1000 + below(500000);
        window->leads[i].age_ms = below(2) == 0 ? 0 : below(72 * HOUR_MS);
        window->leads[i].only_agent = below(8) == 0 ? 1 + below(n_agents) : 0;
        window_add(window, i, "amount", below(100));
        window_add(window, i, "language", text_of(skill_words[below(4)]));
        window_add(window, i, "unknown", below(100));
    }
    for (uint32_t a = 0; a < n_agents; a++) {
        uint32_t closed = below(100);
        window->agents[a] = (struct request_agent){.slots = below(4),
                                                   .open = below(3),
                                                   .idle_ms = below(3) * 1000,
                                                   .turn = 1 + (a * 7) % 41,
                                                   .closed = closed,
                                                   .won = below(closed + 1),
                                                   .n_skills = below(4),
                                                   .skills = window->skills[a]};
        for (uint32_t i = 0; i < window->agents[a].n_skills; i++)
            window->skills[a][i] = feature_skill(skill_words[below(4)], strlen(skill_words[0]));
    }
    for (uint32_t i = below(2 * n_leads); i > 0; i--)
        window_exclude(window, below(n_leads), below(n_agents));
}

struct scoring plain_scoring(void)
{
    return (struct scoring){.base_permille = 100, .value_cents = 50000};
}

struct scoring rich_scoring(void)
{
    struct scoring scoring = {.base_permille = 120,
                              .load_permille = 15,
                              .performance_permille = 300,
                              .value_cents = 70000,
                              .half_life_ms = 24 * HOUR_MS,
                              .n_weights = 3};
    scoring.weights[0] =
        (struct weight){.key = key_of("amount"), .kind = WEIGHT_RANGE, .from = 30, .to = 60, .add_permille = 80};
    scoring.weights[1] = (struct weight){.key = key_of("amount"), .kind = WEIGHT_IS, .is = 7, .add_permille = -90};
    scoring.weights[2] = (struct weight){.key = key_of("language"), .kind = WEIGHT_SKILL, .add_permille = 110};
    return scoring;
}

struct msg_decision decide(struct scorer *scorer, const struct window *window, const struct scoring *scoring)
{
    struct msg_decision decision;
    score_request(scorer, scoring, &window->request, &decision);
    assert_int_equal(decision.id, window->request.id);
    assert_int_equal(decision.policy_version, window->request.policy_version);
    assert_int_equal(decision.n_verdicts, window->request.n_leads);
    return decision;
}

bool is_eligible(const struct window *window, uint32_t lead, uint32_t agent)
{
    uint32_t only = window->leads[lead].only_agent;
    for (uint32_t i = 0; i < window->request.n_excluded; i++)
        if (window->excluded[i].lead == lead && window->excluded[i].agent == agent)
            return false;
    return only == 0 || only == agent + 1;
}

int32_t score_with(const struct window *window, const struct scoring *scoring, uint32_t lead, uint32_t agent,
                   uint32_t given)
{
    struct request_agent busier = window->agents[agent];
    busier.open += given;
    return score_pair(scoring, &window->leads[lead], &busier);
}

int64_t total_in_snapshot(const struct window *window, const struct scoring *scoring,
                          const struct msg_decision *decision)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < decision->n_verdicts; i++)
        if (decision->verdicts[i].agent > 0)
            total += score_with(window, scoring, i, decision->verdicts[i].agent - 1, 0);
    return total;
}

uint32_t n_assigned(const struct msg_decision *decision)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < decision->n_verdicts; i++)
        n += decision->verdicts[i].agent > 0;
    return n;
}

void check_verdicts(const struct window *window, const struct scoring *scoring, const struct msg_decision *decision,
                    bool is_best)
{
    uint32_t given[AGENTS_MAX] = {0};
    int64_t total = 0;
    for (uint32_t i = 0; i < decision->n_verdicts; i++) {
        const struct verdict *verdict = &decision->verdicts[i];
        int32_t best_open = -1, best_other = -1;
        for (uint32_t a = 0; a < window->request.n_agents; a++) {
            if (!is_eligible(window, i, a))
                continue;
            int32_t score = score_with(window, scoring, i, a, given[a]);
            if (given[a] < window->agents[a].slots && score > best_open)
                best_open = score;
            if (a + 1 != verdict->agent && score > best_other && (is_best || given[a] < window->agents[a].slots))
                best_other = score;
        }
        assert_int_equal(verdict->agent == 0, best_open < 0);
        assert_int_equal(verdict->runner_up == 0, best_other < 0);
        if (verdict->runner_up > 0) {
            const uint32_t other = verdict->runner_up - 1;
            const int32_t score = score_with(window, scoring, i, other, given[other]);
            assert_true(is_eligible(window, i, other) && verdict->runner_up != verdict->agent);
            if (is_best)
                assert_int_equal(score, best_other);
            else
                assert_true(given[other] < window->agents[other].slots);
            best_other = score;
        }
        assert_int_equal(verdict->margin, verdict->score - (best_other < 0 ? 0 : best_other));
        if (verdict->agent == 0) {
            assert_int_equal(verdict->score, 0);
            continue;
        }
        uint32_t agent = verdict->agent - 1;
        assert_true(is_eligible(window, i, agent));
        assert_int_equal(verdict->score, score_with(window, scoring, i, agent, given[agent]));
        if (is_best)
            assert_int_equal(verdict->score, best_open);
        assert_true(given[agent]++ < window->agents[agent].slots);
        total += verdict->score;
    }
    assert_int_equal(decision->total, total);
}
