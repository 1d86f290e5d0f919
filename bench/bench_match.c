/* SPDX-License-Identifier: Apache-2.0
 * bench_match.c - what it costs to score and allocate a window, and what the
 * joint optimum gains. Only the worker's arithmetic: no socket, no wire. Prints
 * one JSON object; times are medians over windows that differ, so that neither
 * branch predictor nor cache learns one by heart.
 *
 * Agents share a scale (some are simply better), as people do: then all leads
 * want the same agents, which is the hardest case for the solver. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "proto/msg.h"
#include "worker/score.h"

enum { LEADS = 256, AGENTS = 100, FEATURES = 20, SKILLS = 4, WEIGHTS = 12, WINDOWS = 32, ROUNDS = 201 };
enum {
    SKEWED = 100001,
    TIED
}; /* as a number of slots: few can take 20 and most 2; 3, and all leads are worth the same */

struct window {
    struct msg_request request;
    struct request_lead leads[LEADS];
    struct request_agent agents[AGENTS];
    struct feature features[LEADS][FEATURES];
    uint32_t skills[AGENTS][SKILLS];
    struct exclusion excluded[LEADS / 8];
};

static uint64_t random_state = 1;

static uint32_t below(uint32_t n)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t) ((random_state >> 33) % n);
}

static uint32_t key_of(uint32_t attribute)
{
    return feature_key(&attribute, sizeof attribute);
}

static void fill(struct window *window, enum strategy strategy, uint32_t slots)
{
    for (uint32_t i = 0; i < LEADS; i++) {
        for (uint32_t f = 0; f < FEATURES; f++)
            window->features[i][f] = (struct feature){key_of(f), f == 0 ? below(8) : below(100)};
        window->leads[i] = (struct request_lead){.age_ms = below(48 * 3600 * 1000),
                                                 .value_cents = 10000 + below(500000),
                                                 .n_features = FEATURES,
                                                 .features = window->features[i]};
    }
    for (uint32_t i = 0; i < LEADS && slots == TIED; i++)
        window->leads[i].age_ms = 0, window->leads[i].value_cents = 100000;
    for (uint32_t a = 0; a < AGENTS; a++) {
        for (uint32_t i = 0; i < SKILLS; i++)
            window->skills[a][i] = below(8);
        uint32_t closed = below(400);
        window->agents[a] = (struct request_agent){.slots = slots == TIED     ? 3
                                                            : slots == SKEWED ? (a % 20 == 0 ? 20 : 2)
                                                                              : slots,
                                                   .open = below(4),
                                                   .idle_ms = below(600000),
                                                   .weight = 1 + a % 4,
                                                   .turn = a + 1,
                                                   .closed = closed,
                                                   .won = closed * below(40) / 100,
                                                   .n_skills = SKILLS,
                                                   .skills = window->skills[a]};
    }
    for (uint32_t i = 0; i < LEADS / 8; i++)
        window->excluded[i] = (struct exclusion){(uint16_t) below(LEADS), (uint16_t) below(AGENTS)};
    window->request = (struct msg_request){.strategy = strategy,
                                           .leads = window->leads,
                                           .n_leads = LEADS,
                                           .agents = window->agents,
                                           .n_agents = AGENTS,
                                           .excluded = window->excluded,
                                           .n_excluded = LEADS / 8};
}

static struct scoring scoring_with(int32_t load_permille, bool with_skill)
{
    struct scoring scoring = {.base_permille = 80,
                              .load_permille = load_permille,
                              .performance_permille = 300,
                              .value_cents = 20000,
                              .half_life_ms = 24 * 3600 * 1000,
                              .n_weights = WEIGHTS};
    for (uint32_t w = 0; w < WEIGHTS; w++)
        scoring.weights[w] = (struct weight){
            .key = key_of(w + 1), .kind = WEIGHT_RANGE, .from = below(60), .to = 100, .add_permille = 15};
    if (with_skill)
        scoring.weights[0] = (struct weight){.key = key_of(0), .kind = WEIGHT_SKILL, .add_permille = 60};
    return scoring;
}

static int by_size(const void *a, const void *b)
{
    int64_t left = *(const int64_t *) a, right = *(const int64_t *) b;
    return (left > right) - (left < right);
}

/* Of this thread alone: others on the machine are not what is measured. */
static int64_t cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t) now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t median_us(struct scorer *scorer, const struct scoring *scoring, const struct window *windows,
                         int64_t *ret_worst)
{
    static int64_t us[ROUNDS];
    struct msg_decision decision;
    for (int i = 0; i < ROUNDS; i++) {
        int64_t start = cpu_us();
        score_request(scorer, scoring, &windows[i % WINDOWS].request, &decision);
        us[i] = cpu_us() - start;
    }
    qsort(us, ROUNDS, sizeof us[0], by_size);
    *ret_worst = us[ROUNDS - 1];
    return us[ROUNDS / 2];
}

/* Of all windows, as a share of the optimum: a strategy's total in the snapshot's own scores. */
static double share_of_optimum(struct scorer *scorer, const struct scoring *scoring, struct window *windows,
                               enum strategy strategy)
{
    int64_t total[2] = {0, 0};
    const enum strategy strategies[2] = {strategy, STRATEGY_JOINT_OPTIMUM};
    struct msg_decision decision;
    for (int w = 0; w < WINDOWS; w++)
        for (int which = 0; which < 2; which++) {
            windows[w].request.strategy = strategies[which];
            score_request(scorer, scoring, &windows[w].request, &decision);
            for (uint32_t i = 0; i < LEADS; i++)
                if (decision.verdicts[i].agent > 0)
                    total[which] +=
                        score_pair(scoring, &windows[w].leads[i], &windows[w].agents[decision.verdicts[i].agent - 1]);
        }
    return (double) total[0] / (double) total[1];
}

int main(void)
{
    static const struct {
        const char *name;
        enum strategy strategy;
        uint32_t slots;
        int32_t load;
        bool with_skill;
    } cases[] = {
        {"best_score", STRATEGY_BEST_SCORE, 1000, 10, false},
        {"best_score_skills", STRATEGY_BEST_SCORE, 1000, 10, true},
        {"round_robin", STRATEGY_ROUND_ROBIN, 1000, 10, false},
        {"weighted_round_robin", STRATEGY_WEIGHTED_ROUND_ROBIN, 1000, 10, false},
        {"longest_idle", STRATEGY_LONGEST_IDLE, 1000, 10, false},
        {"random", STRATEGY_RANDOM, 1000, 10, false},
        {"joint_optimum_room_for_all", STRATEGY_JOINT_OPTIMUM, 1000, 0, true},
        {"joint_optimum_3_slots", STRATEGY_JOINT_OPTIMUM, 3, 0, true},
        {"joint_optimum_3_slots_one_scale", STRATEGY_JOINT_OPTIMUM, 3, 0, false},
        {"joint_optimum_2_slots_too_few", STRATEGY_JOINT_OPTIMUM, 2, 0, true},
        {"joint_optimum_20_slots_skewed", STRATEGY_JOINT_OPTIMUM, SKEWED, 0, true},
        {"joint_optimum_3_slots_ties", STRATEGY_JOINT_OPTIMUM, TIED, 0, true},
    };
    struct scorer *scorer = scorer_new();
    struct window *windows = calloc(WINDOWS, sizeof *windows);
    if (windows == NULL)
        return 1;
    printf("{\"bench\":\"match\",\"leads\":%d,\"agents\":%d,\"rounds\":%d", LEADS, AGENTS, ROUNDS);
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        int64_t worst;
        for (int w = 0; w < WINDOWS; w++)
            fill(&windows[w], cases[c].strategy, cases[c].slots);
        struct scoring scoring = scoring_with(cases[c].load, cases[c].with_skill);
        int64_t us = median_us(scorer, &scoring, windows, &worst);
        printf(",\"%s\":{\"window_us\":%lld,\"worst_us\":%lld,\"lead_ns\":%lld", cases[c].name, (long long) us,
               (long long) worst, (long long) us * 1000 / LEADS);
        if (cases[c].strategy == STRATEGY_JOINT_OPTIMUM)
            printf(",\"best_score_reaches\":%.4f,\"round_robin_reaches\":%.4f",
                   share_of_optimum(scorer, &scoring, windows, STRATEGY_BEST_SCORE),
                   share_of_optimum(scorer, &scoring, windows, STRATEGY_ROUND_ROBIN));
        printf("}");
    }
    printf("}\n");
    free(windows);
    scorer_destroy(&scorer);
    return 0;
}
