/* SPDX-License-Identifier: Apache-2.0
 * fuzz_scoring.c - any bytes as the scoring part of a policy: never a crash, also
 * not when it is used, and what is accepted goes round to the same bytes. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "worker/score.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(const struct scoring *scoring, const uint8_t *data, size_t size)
{
    static struct scorer *scorer; /* kept, since each request must find it as good as new */
    uint32_t skill = 1;
    struct feature features[2] = {{.value = 1}, {.value = 1}};
    struct request_agent agents[2] = {{.slots = 2, .open = UINT32_MAX, .n_skills = 1, .skills = &skill}, {.slots = 1}};
    struct request_lead leads[2] = {
        {.age_ms = UINT32_MAX, .value_cents = UINT64_MAX, .n_features = 2, .features = features},
        {.n_features = 2, .features = features}};
    struct msg_request request = {.leads = leads, .n_leads = 2, .agents = agents, .n_agents = 2};
    struct msg_decision decision;

    if (scorer == NULL)
        scorer = scorer_new();
    for (size_t i = 0; i < size && i < sizeof features; i++)
        ((uint8_t *) features)[i] = data[size - 1 - i];
    for (unsigned strategy = STRATEGY_BEST_SCORE; strategy < STRATEGIES; strategy++) {
        request.strategy = (enum strategy) strategy;
        score_request(scorer, scoring, &request, &decision);
        assert(decision.verdicts[0].agent > 0 && decision.verdicts[1].agent > 0);
        assert(decision.verdicts[0].score >= 0 && decision.verdicts[1].score >= 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scoring all[POLICY_PROGRAMMES_MAX];
    static uint8_t again[64 * 1024];
    uint32_t n;

    if (!scoring_decode(slice_of(data, size), all, &n))
        return 0;
    size_t len = scoring_encode(all, n, again, sizeof again);
    assert(len == size);
    assert(scoring_decode(slice_of(again, len), all, &n));
    use(&all[n - 1], data, size);
    return 0;
}
