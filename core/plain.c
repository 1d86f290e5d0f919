/* SPDX-License-Identifier: Apache-2.0
 * plain.c - see plain.h. */
#include "core/plain.h"

#include <string.h>

#include "core/core_private.h"

struct barred { /* exclusions of the lead in hand */
    const struct exclusion *at;
    uint32_t n;
};

static bool is_barred(const struct barred *barred, uint32_t agent)
{
    for (uint32_t i = 0; i < barred->n; i++)
        if (barred->at[i].agent == agent)
            return true;
    return false;
}

static uint32_t choose(const struct msg_request *request, uint32_t lead, const struct barred *barred,
                       const uint32_t *taken, uint32_t not_agent)
{
    const uint32_t only = request->leads[lead].only_agent;
    uint32_t best = NONE;
    for (uint32_t a = 0; a < request->n_agents; a++) {
        if (a == not_agent || taken[a] >= request->agents[a].slots || (only && only != a + 1) || is_barred(barred, a))
            continue;
        if (best == NONE || taken[a] < taken[best])
            best = a;
    }
    return best;
}

void plain_decide(const struct msg_request *request, struct verdict *ret)
{
    uint32_t taken[ASK_AGENTS_MAX] = {0};
    struct barred barred = {request->excluded, 0};
    const struct exclusion *const end = request->excluded + request->n_excluded;
    assert(request->n_agents <= ASK_AGENTS_MAX);
    for (uint32_t i = 0; i < request->n_leads; i++) {
        for (barred.at += barred.n, barred.n = 0; barred.at + barred.n < end && barred.at[barred.n].lead == i;)
            barred.n++;
        ret[i] = (struct verdict){0};
        const uint32_t agent = choose(request, i, &barred, taken, NONE);
        if (agent == NONE)
            continue;
        const uint32_t second = choose(request, i, &barred, taken, agent);
        taken[agent]++;
        ret[i] = (struct verdict){.agent = agent + 1, .runner_up = second == NONE ? 0 : second + 1};
    }
}
