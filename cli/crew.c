/* SPDX-License-Identifier: Apache-2.0
 * crew.c - the simulated agent.
 *
 * One act a lead is out at a time: the answer names the lead's state and the
 * state names the next act. A diary line is written when an offer is taken from
 * the library, and when the lead leaves this agent's hands: at a withdrawal, at
 * the receipt of a disposition, or when its fence is refused. */
#include "cli/crew.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "core/lead_states.h"
#include "proto/msg.h"

enum {
    HOLDS_MAX = 256,
    REFUSALS_MAX = 3, /* of one lead, then it is let be */
    READY_WAIT_MS = 60 * 1000,
    READY_AGAIN_MS = 200,
    READY_PATIENCE_MS = 500, /* after a ready credit must have lapsed */
    CALLBACK_MS = 3600 * 1000,
};

struct hold {
    takt_id lead;
    uint64_t fence;
    unsigned state, refusals;
    bool asked;               /* an act is out */
    bool foreign;             /* not this crew's: it goes back */
    int64_t asked_us, act_us; /* act_us: when the next act is due; INT64_MAX = none */
};

struct crew_agent {
    const struct crew_plan *plan;
    struct crew_counts *counts;
    takt_t *takt;
    char name[65];
    uint64_t chance;
    int64_t ready_us, next_us;
    uint32_t n_holds;
    struct hold holds[HOLDS_MAX];
};

/* splitmix64: the same seed gives the same crew */
static uint32_t draw(struct crew_agent *agent, uint32_t below)
{
    uint64_t z = agent->chance += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (uint32_t) ((z ^ (z >> 31)) % below);
}

/* ---- what it holds -------------------------------------------------------------- */

static struct hold *find_hold(struct crew_agent *agent, takt_id lead)
{
    for (uint32_t i = 0; i < agent->n_holds; i++)
        if (memcmp(agent->holds[i].lead.bytes, lead.bytes, sizeof lead.bytes) == 0)
            return &agent->holds[i];
    return NULL;
}

static void note_belief(const struct crew_agent *agent, const struct hold *hold, bool begins)
{
    if (!agent->plan->belief)
        return;
    char lead[33];
    takt_id_text(hold->lead, lead);
    if (begins)
        belief_start(agent->plan->belief, agent->name, lead, hold->fence);
    else
        belief_stop(agent->plan->belief, agent->name, lead, hold->fence);
}

static void let_go(struct crew_agent *agent, struct hold *hold)
{
    note_belief(agent, hold, false);
    *hold = agent->holds[--agent->n_holds];
    if (agent->plan->pull && agent->n_holds == 0)
        agent->ready_us = 0;
}

static struct hold *take_hold(struct crew_agent *agent, const struct takt_event *event)
{
    struct hold *hold = find_hold(agent, event->lead_id);
    if (hold && hold->fence != event->fence) {
        let_go(agent, hold);
        hold = NULL;
    }
    if (!hold) {
        if (agent->n_holds == HOLDS_MAX)
            return NULL;
        hold = &agent->holds[agent->n_holds++];
        *hold = (struct hold){.lead = event->lead_id, .fence = event->fence};
        note_belief(agent, hold, true);
    }
    return hold;
}

/* ---- acts ----------------------------------------------------------------------- */

static int dispose(struct crew_agent *agent, const struct hold *hold)
{
    /* nobody says "do not call": that ends all leads of a person, and a crew counts what it did itself */
    static const unsigned final[] = {DISPOSITION_SALE,           DISPOSITION_NOT_INTERESTED, DISPOSITION_NOT_INTERESTED,
                                     DISPOSITION_WENT_ELSEWHERE, DISPOSITION_CANNOT_QUALIFY, DISPOSITION_WRONG_NUMBER,
                                     DISPOSITION_APPLICATION,    DISPOSITION_NOT_INTERESTED};
    static const unsigned later[] = {DISPOSITION_NO_ANSWER, DISPOSITION_NO_ANSWER, DISPOSITION_MACHINE,
                                     DISPOSITION_CALLBACK, DISPOSITION_CONTACTED};
    if (agent->plan->disposition)
        return takt_dispose(agent->takt, hold->lead, hold->fence, agent->plan->disposition, "simulated", 0);
    bool pipeline = draw(agent, 100) < agent->plan->pipeline_percent;
    unsigned code =
        pipeline ? later[draw(agent, sizeof later / sizeof *later)] : final[draw(agent, sizeof final / sizeof *final)];
    int64_t at_ms = code == DISPOSITION_CALLBACK ? clock_wall_ms() + CALLBACK_MS : 0;
    return takt_dispose(agent->takt, hold->lead, hold->fence, code, "simulated", at_ms);
}

/* The next act of this lead's state. Returns whether one left. */
static bool act(struct crew_agent *agent, struct hold *hold, int64_t now_us)
{
    int rc = TAKT_EUSAGE;
    if (hold->foreign)
        rc = hold->state == LEAD_OFFERED ? takt_decline(agent->takt, hold->lead, hold->fence)
                                         : takt_release(agent->takt, hold->lead, hold->fence);
    else if (hold->state == LEAD_OFFERED)
        rc = takt_accept(agent->takt, hold->lead, hold->fence);
    else if (agent->plan->accept_only)
        rc = TAKT_EUSAGE;
    else if (hold->state == LEAD_OWNED)
        rc = takt_action(agent->takt, hold->lead, hold->fence);
    else if (hold->state == LEAD_WORKING)
        rc = takt_attempt_end(agent->takt, hold->lead, hold->fence);
    else if (hold->state == LEAD_WRAP_UP)
        rc = dispose(agent, hold);
    hold->act_us = rc == TAKT_EBUSY ? now_us + 10 * 1000 : INT64_MAX;
    hold->asked = rc == TAKT_OK;
    hold->asked_us = now_us;
    return hold->asked;
}

static void plan_act(struct crew_agent *agent, struct hold *hold, unsigned state, int64_t now_us)
{
    hold->state = state;
    hold->asked = false;
    hold->act_us = now_us + (state == LEAD_WORKING ? agent->plan->act_ms * 1000 : 0);
}

/* ---- what it hears -------------------------------------------------------------- */

static void hear_offer(struct crew_agent *agent, const struct takt_event *event, int64_t now_us)
{
    if (event->state == LEAD_PIPELINE)
        return; /* it is the owner's, but not in hand */
    struct hold *hold = take_hold(agent, event);
    if (!hold)
        return;
    agent->ready_us = INT64_MAX;
    bool known = hold->state != 0;
    agent->counts->offers += !known;
    agent->counts->granted += !known && event->state == LEAD_OWNED;
    if (!known && agent->plan->is_ours && !agent->plan->is_ours(agent->plan->context, event)) {
        hold->foreign = true;
        agent->counts->given_back++;
    }
    if (!known || (!hold->asked && hold->state != event->state))
        plan_act(agent, hold, event->state, now_us);
}

static void hear_acted(struct crew_agent *agent, const struct takt_event *event, int64_t now_us)
{
    struct hold *hold = find_hold(agent, event->lead_id);
    if (!hold || !hold->asked)
        return;
    if (event->reason != 0) {
        agent->counts->refused_acts++;
        bool over = event->reason == REASON_STALE_FENCE || event->reason == REASON_UNKNOWN_LEAD;
        if (over || ++hold->refusals >= REFUSALS_MAX)
            let_go(agent, hold);
        else
            plan_act(agent, hold, event->state ? event->state : hold->state, now_us);
        return;
    }
    if (hold->state == LEAD_OFFERED && !hold->foreign) {
        uint32_t us = (uint32_t) (clock_mono_us() - hold->asked_us);
        buf_add(&agent->counts->receipt_us, &us, sizeof us);
        agent->counts->accepted++;
    }
    bool in_hand = event->state >= LEAD_OFFERED && event->state <= LEAD_WRAP_UP;
    agent->counts->pipeline += event->state == LEAD_PIPELINE;
    agent->counts->closed += event->state >= LEAD_CLOSED_WON;
    if (in_hand)
        plan_act(agent, hold, event->state, now_us);
    else
        let_go(agent, hold);
}

static void hear_ready(struct crew_agent *agent, const struct takt_event *event, int64_t now_us)
{
    int64_t again_ms = READY_AGAIN_MS;
    if (event->reason == 0)
        again_ms = READY_WAIT_MS + READY_PATIENCE_MS;
    else if (event->wait_ms > 0)
        again_ms = event->wait_ms;
    if (agent->n_holds == 0)
        agent->ready_us = now_us + again_ms * 1000;
}

static void hear_withdrawn(struct crew_agent *agent, const struct takt_event *event)
{
    struct hold *hold = find_hold(agent, event->lead_id);
    if (!hold || hold->fence != event->fence)
        return;
    agent->counts->withdrawn++;
    let_go(agent, hold);
}

static void hear(struct crew_agent *agent, const struct takt_event *event, int64_t now_us)
{
    switch (event->kind) {
    case TAKT_CONNECTED:
        agent->counts->connects++;
        if (agent->plan->pull && agent->n_holds == 0)
            agent->ready_us = now_us;
        break;
    case TAKT_REFUSED:
        agent->counts->fatal_reason = event->reason;
        break;
    case TAKT_OFFER:
        hear_offer(agent, event, now_us);
        break;
    case TAKT_WITHDRAWN:
        hear_withdrawn(agent, event);
        break;
    case TAKT_ACTED:
        hear_acted(agent, event, now_us);
        break;
    case TAKT_READY_ANSWER:
        hear_ready(agent, event, now_us);
        break;
    case TAKT_BUSY:
        agent->counts->busy++;
        break;
    default: /* a disconnect changes nothing: the library keeps what is out and says when belief must end */
        break;
    }
}

/* ---- its turn ------------------------------------------------------------------- */

static unsigned do_due(struct crew_agent *agent, int64_t now_us)
{
    unsigned done = 0;
    for (uint32_t i = 0; i < agent->n_holds; i++)
        if (!agent->holds[i].asked && agent->holds[i].act_us <= now_us)
            done += act(agent, &agent->holds[i], now_us);
    if (agent->plan->pull && agent->n_holds == 0 && agent->ready_us <= now_us && takt_connected(agent->takt)) {
        agent->ready_us = INT64_MAX; /* the answer sets the next one */
        done += takt_ready(agent->takt, READY_WAIT_MS) == TAKT_OK;
    }
    if (done)
        takt_flush(agent->takt);
    return done;
}

unsigned crew_turn(struct crew_agent *agent, int64_t now_us)
{
    unsigned done = 0, before;
    do {
        struct takt_event event;
        before = done;
        while (takt_next(agent->takt, &event, 0) == 1) {
            hear(agent, &event, now_us);
            done++;
        }
        done += do_due(agent, now_us);
    } while (done != before); /* the descriptor is edge-triggered: leave nothing in it */
    int wait_ms = takt_timeout_ms(agent->takt);
    agent->next_us = wait_ms < 0 ? INT64_MAX : now_us + (int64_t) wait_ms * 1000;
    if (agent->plan->pull && agent->n_holds == 0 && takt_connected(agent->takt) && agent->ready_us < agent->next_us)
        agent->next_us = agent->ready_us;
    for (uint32_t i = 0; i < agent->n_holds; i++)
        if (!agent->holds[i].asked && agent->holds[i].act_us < agent->next_us)
            agent->next_us = agent->holds[i].act_us;
    return done;
}

int64_t crew_next_us(const struct crew_agent *agent)
{
    return agent->next_us;
}

unsigned crew_holds(const struct crew_agent *agent)
{
    return agent->n_holds;
}

int crew_fd(const struct crew_agent *agent)
{
    return takt_fd(agent->takt);
}

struct crew_agent *crew_new(const struct crew_plan *plan, struct crew_counts *counts, const char *name, uint64_t seed,
                            char why[160])
{
    struct takt_options options = {.role = TAKT_AGENT,
                                   .endpoint = plan->endpoint,
                                   .name = name,
                                   .team = plan->team,
                                   .intent = plan->pull ? TAKT_ON_DEMAND : TAKT_AVAILABLE,
                                   .capacity = plan->capacity,
                                   .skills = plan->skills};
    takt_t *takt = takt_open(&options, why);
    if (!takt)
        return NULL;
    struct crew_agent *agent = calloc(1, sizeof *agent);
    if (!agent)
        abort();
    agent->plan = plan;
    agent->counts = counts;
    agent->takt = takt;
    agent->chance = seed;
    agent->ready_us = INT64_MAX;
    snprintf(agent->name, sizeof agent->name, "%s", name);
    return agent;
}

void crew_destroy(struct crew_agent **agent_p)
{
    struct crew_agent *agent = *agent_p;
    if (!agent)
        return;
    while (agent->n_holds > 0)
        let_go(agent, &agent->holds[agent->n_holds - 1]);
    takt_close(&agent->takt);
    free(agent);
    *agent_p = NULL;
}

/* ---- how long it took ----------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *) a, y = *(const uint32_t *) b;
    return (x > y) - (x < y);
}

struct crew_spread crew_spread(const struct buf *times_us)
{
    const size_t n = times_us->len / sizeof(uint32_t);
    uint32_t *us = (uint32_t *) (void *) times_us->at;
    if (n == 0)
        return (struct crew_spread){0};
    qsort(us, n, sizeof *us, by_size);
    return (struct crew_spread){us[n / 2], us[n * 99 / 100], us[n - 1], n};
}
