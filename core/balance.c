/* SPDX-License-Identifier: Apache-2.0
 * balance.c - easy leads and hard ones fall alike on all of a team, where the policy
 * says so: nobody gets easier ones by turning the others down. A lead is as easy as
 * its chance to close, as the weights of the score see it, whoever has it.
 *
 * Of each agent the average over what it worked on lately is kept. What it gives back
 * untried does not count: who turns down all that is hard is left with an average of
 * easy leads, and if it did count, a hard lead given back would be paid for with the
 * next easy one. Who is that much above its team stands aside from a window's easy
 * leads as long as the window has a hard one for it, or somebody else for the easy
 * one. So nothing ever waits for the sake of balance: this is an order, no limit. */
#include "core/core_private.h"
#include "core/limits.h"

#include <string.h>

enum {
    QUALITY_LEADS = 16,  /* an average over about so many */
    QUALITY_UNIT = 1000, /* in millionths, so that steps of a sixteenth arrive */
    PLACE_WORDS = ASK_AGENTS_MAX / 64
};

uint32_t balance_permille(uint32_t quality)
{
    return (quality + QUALITY_UNIT / 2) / QUALITY_UNIT;
}

static uint32_t quality_of(const struct core *core, const struct lead *lead)
{
    const struct scoring *scoring = &programme_of(core, lead->programme)->scoring;
    const struct facts facts = {lead->features, lead->n_features};
    int64_t permille = scoring->base_permille, value;
    for (uint32_t i = 0; i < scoring->n_weights; i++)
        if (facts_get(&facts, scoring->weights[i].key, &value) && weight_is_met(&scoring->weights[i], value))
            permille += scoring->weights[i].add_permille;
    return (uint32_t) (permille < 1 ? 1 : permille > 1000 ? 1000 : permille) * QUALITY_UNIT;
}

/* ---- averages ------------------------------------------------------------------------ */

void balance_joins(struct core *core, const struct agent *agent)
{
    core->team_quality[agent->team].sum += agent->quality;
    core->team_quality[agent->team].n += agent->quality > 0;
}

void balance_leaves(struct core *core, const struct agent *agent)
{
    core->team_quality[agent->team].sum -= agent->quality;
    core->team_quality[agent->team].n -= agent->quality > 0;
}

void balance_arrange(struct core *core)
{
    memset(core->team_quality, 0, POLICY_TEAMS_MAX * sizeof *core->team_quality);
    for (uint32_t i = 0; i < core->n_known; i++)
        if (core->known[i]->present)
            balance_joins(core, core->known[i]);
}

/* Of those who are present: what the others did on other days is no measure of today's leads. 0 = of nobody. */
static uint32_t average_of(const struct core *core, uint32_t team)
{
    const struct team_quality *quality = &core->team_quality[team];
    return quality->n ? (uint32_t) (quality->sum / quality->n) : 0;
}

/* A newcomer begins where its team is. */
void balance_worked(struct core *core, struct agent *agent, struct lead *lead)
{
    if (!lead->past || !(lead->past->decision.counted & COUNTED_LATER))
        return;
    lead->past->decision.counted &= (uint8_t) ~COUNTED_LATER;
    if (lead->programme != agent->programme)
        return;
    const int64_t quality = quality_of(core, lead), average = average_of(core, agent->team);
    const int64_t before = agent->quality ? agent->quality : average ? average : quality;
    if (agent->present)
        balance_leaves(core, agent);
    agent->quality = (uint32_t) (before + (quality - before) / QUALITY_LEADS);
    if (agent->present)
        balance_joins(core, agent);
    agent_touch(core, agent);
}

/* ---- a window ---------------------------------------------------------------------------- */

struct places { /* of agents in a window */
    uint64_t bits[PLACE_WORDS];
};

static void put(struct places *places, uint32_t place)
{
    places->bits[place / 64] |= UINT64_C(1) << (place % 64);
}

static bool has(const struct places *places, uint32_t place)
{
    return places->bits[place / 64] >> (place % 64) & 1;
}

struct ahead { /* one who had it easier than its team */
    uint32_t place, average;
    bool has_hard; /* there is something else for it here */
};

struct balance {
    struct ask *ask;
    struct ahead ahead[ASK_AGENTS_MAX];
    uint32_t n_ahead, qualities[ASK_LEADS_MAX];
    struct places others;
    uint64_t room;                           /* for leads, in the others' hands */
    struct exclusion kept[ASK_EXCLUDED_MAX]; /* what they stand aside from */
    uint32_t n_kept;
};

static void find_ahead(const struct core *core, struct balance *balance)
{
    const struct ask *ask = balance->ask;
    const uint32_t most = programme_of(core, ask->programme)->balance_permille * QUALITY_UNIT;
    for (uint32_t i = 0; i < ask->n_agents; i++) {
        const struct agent *agent = core->agents[ask->agents[i]];
        const uint32_t average = average_of(core, agent->team);
        if (agent->programme == ask->programme && agent->quality > average + most) { /* others' is of another scale */
            balance->ahead[balance->n_ahead++] = (struct ahead){i, average, false};
        } else if (ask->slots[i] > 0) {
            put(&balance->others, i);
            balance->room += ask->slots[i];
        }
    }
}

static uint32_t end_of(const struct ask *ask, uint32_t lead)
{
    return lead + 1 < ask->n_leads ? ask->excluded_from[lead + 1] : ask->n_excluded;
}

static struct places excluded_from(const struct ask *ask, uint32_t lead)
{
    struct places excluded = {{0}};
    for (uint32_t i = ask->excluded_from[lead]; i < end_of(ask, lead); i++)
        put(&excluded, ask->excluded[i].agent);
    return excluded;
}

static void look_at_leads(const struct core *core, struct balance *balance)
{
    const struct ask *ask = balance->ask;
    for (uint32_t i = 0; i < ask->n_leads; i++) {
        if (ask->request_leads[i].only_agent)
            continue;
        const struct places excluded = excluded_from(ask, i);
        balance->qualities[i] = quality_of(core, ask->leads[i]);
        for (struct ahead *one = balance->ahead; one < balance->ahead + balance->n_ahead; one++)
            one->has_hard |= balance->qualities[i] <= one->average && !has(&excluded, one->place);
    }
}

/* Who stands aside from this lead, besides those who are excluded anyway. */
static void keep_from(struct balance *balance, uint32_t lead)
{
    const struct ask *ask = balance->ask;
    const struct places excluded = excluded_from(ask, lead);
    const uint32_t before = balance->n_kept;
    bool taker = false;
    for (uint32_t i = 0; i < PLACE_WORDS; i++)
        taker |= balance->room > 0 && (balance->others.bits[i] & ~excluded.bits[i]) != 0;
    for (const struct ahead *one = balance->ahead; one < balance->ahead + balance->n_ahead; one++)
        if (balance->qualities[lead] > one->average && !has(&excluded, one->place) && (taker || one->has_hard) &&
            ask->n_excluded + balance->n_kept < ASK_EXCLUDED_MAX)
            balance->kept[balance->n_kept++] = (struct exclusion){(uint16_t) lead, (uint16_t) one->place};
    balance->room -= taker && balance->n_kept > before;
}

/* From the end, in place: both lists are in the order of leads. */
static void merge(struct balance *balance)
{
    struct ask *ask = balance->ask;
    uint32_t from = ask->n_excluded, n = balance->n_kept, to = from + n;
    ask->n_excluded = to;
    for (uint32_t lead = ask->n_leads; lead-- > 0; ask->excluded_from[lead] = to) {
        for (; n > 0 && balance->kept[n - 1].lead == lead; n--) {
            ask->excluded[--to] = balance->kept[n - 1];
            ask->excluded_why[to] = REASON_AHEAD_OF_TEAM;
        }
        for (; from > ask->excluded_from[lead]; from--) {
            ask->excluded[--to] = ask->excluded[from - 1];
            ask->excluded_why[to] = ask->excluded_why[from - 1];
        }
    }
}

bool balance_window(const struct core *core, struct ask *ask)
{
    if (!programme_of(core, ask->programme)->balance_permille || ask->pool->ring == RING_AGENT)
        return false;
    struct balance balance = {.ask = ask};
    find_ahead(core, &balance);
    if (balance.n_ahead == 0)
        return false;
    look_at_leads(core, &balance);
    for (uint32_t lead = 0; lead < ask->n_leads; lead++)
        if (!ask->request_leads[lead].only_agent)
            keep_from(&balance, lead);
    merge(&balance);
    return balance.n_kept > 0;
}
