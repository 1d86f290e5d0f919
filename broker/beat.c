/* SPDX-License-Identifier: Apache-2.0
 * beat.c - one beat: events in, decide, one append, and only when it stands do
 * messages leave. While one is on its way to the disk the next is decided, round
 * by round, and sealed when the one before stands: so beats are as large as the
 * disk is slow, and a lead that changes twice in one is written once. What each may
 * say waits in its own effects. A crash at any line is safe: either a beat stands
 * and can be told again, or nobody was told.
 *
 * A lead that finds the house idle pays for one flush, not two: its scoring
 * request leaves at once and the beat holds its commit for the answer. */
#include "broker/beat.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "broker/away.h"
#include "broker/metrics.h"
#include "broker/places.h"
#include "broker/policies.h"
#include "common/clock.h"
#include "common/log.h"

enum {
    FRAMES_LATE = 65536, /* taken in one round after a pause: more than live peers have under way */
    HOLD_US = 1000,
    HOLD_EVENTS_MAX = 4,
    GROW_US = 20 * 1000, /* a beat of a bulk may wait so long to be larger */
    GROW_LEADS = 8,      /* for each peer, are enough */
    LATE_LOOKS = 2,      /* of a millisecond, at what workers say, before one is judged late */
    SWEEP_US = 5 * 1000 * 1000,
    MEMORY_REFUSE_PERCENT = 70,
    LEAVE_US = 3 * 1000 * 1000,
};

/* What is taken of each role in one round and in one beat. Sources last: agents,
 * workers and operators are few bytes and many people wait for them. A bulk import
 * must not hold up the others, and an operator's answer is large and waits in
 * memory for the disk. */
static const struct turn {
    enum role role;
    uint32_t a_round, a_beat;
} turns[] = {
    {ROLE_WORKER, 256, 4096}, {ROLE_AGENT, 256, 4096},  {ROLE_OPERATOR, 8, 32},
    {ROLE_SOURCE, 8, 64},     {ROLE_WORKER, 256, 4096}, /* again: what came meanwhile must not be judged late */
};
enum { N_TURNS = sizeof turns / sizeof *turns };

struct flight { /* a beat: being decided, or on its way */
    struct effects *effects;
    uint64_t ticket, number;
    uint32_t events, taken[N_TURNS]; /* taken: by role, as in turns[] */
    uint32_t leads;                  /* taken in */
    bool more;                       /* sources had more to say than the last round took */
    int64_t since_us;                /* mono: its first round */
};

struct retired { /* a peer's number, and the beat that may still speak to who had it */
    uint32_t peer;
    uint64_t beat;
};

struct beat {
    struct beat_parts parts;
    struct flight out, open; /* on its way to the disk, if is_out; being decided */
    bool is_out;
    uint64_t number;    /* of the open one */
    struct buf retired; /* of struct retired */
    struct buf body;
    int64_t base_core_us, base_mono_us;
    int64_t woke_us; /* mono: when the last wait was over */
    int64_t sweep_us;
    int64_t lag_us; /* of the beat in hand */
    struct away away;
    struct beat_levels levels;
    struct policies policies;
    bool leave;
};

/* ---- time ---------------------------------------------------------------------------- */

static int64_t core_time(const struct beat *beat)
{
    return beat->base_core_us + clock_mono_us() - beat->base_mono_us;
}

static int timeout_ms(const struct beat *beat)
{
    int64_t next = core_next_us(beat->parts.core), now = core_time(beat);
    const int64_t store = store_next_us(beat->parts.store);
    int64_t wait_us = next == INT64_MAX ? INT64_MAX : next - now;
    if (store != INT64_MAX && store - clock_mono_us() < wait_us)
        wait_us = store - clock_mono_us();
    if (wait_us > SWEEP_US)
        wait_us = SWEEP_US;
    return wait_us <= 0 ? 0 : (int) ((wait_us + 999) / 1000);
}

/* A pause of the process must not cost live agents their leases: what it took is
 * told to the core, which extends running durations by it. */
static void note_lag(struct beat *beat, int waited_ms)
{
    const int64_t now = clock_mono_us(), took = now - beat->woke_us - (int64_t) waited_ms * 1000;
    beat->woke_us = now;
    if (took <= core_policy(beat->parts.core)->heartbeat_ms * 500)
        return;
    beat->lag_us += took;
    log_line(LOG_WARN, "beat.late", "lag_ms=%lld", (long long) (took / 1000));
}

/* Who may still be heard in this beat, as door_wait() wants it. */
static unsigned roles_open(const struct flight *open)
{
    unsigned roles = 0;
    for (int i = 0; i < N_TURNS; i++)
        if (open->taken[i] < turns[i].a_beat)
            roles |= 1u << turns[i].role;
    return roles;
}

/* The last pump may have brought the answer already: then nobody would wake us. */
static bool stands(const struct beat *beat)
{
    return beat->is_out && beat->out.ticket <= store_stands(beat->parts.store);
}

static void sleep_until_needed(struct beat *beat)
{
    struct wait_fd fds[8];
    const int signal_at = store_wait_fds(beat->parts.store, fds), metrics_at = signal_at + 1;
    fds[signal_at] = (struct wait_fd){.fd = beat->parts.signal_fd};
    const int n = metrics_at + (beat->parts.metrics ? metrics_wait_fd(beat->parts.metrics, &fds[metrics_at]) : 0);
    const bool grows = !beat->is_out && beat->open.events > 0; /* and is not forgotten when nothing more comes */
    const int wait = stands(beat) || grows ? 0 : timeout_ms(beat);
    door_wait(beat->parts.door, roles_open(&beat->open), fds, n, wait);
    beat->leave = beat->leave || fds[signal_at].readable;
    if (n > metrics_at)
        metrics_run(beat->parts.metrics);
    note_lag(beat, wait);
}

/* ---- in: decide ------------------------------------------------------------------------ */

static void step(struct beat *beat, struct effects *effects, enum event_kind kind, uint32_t peer, const struct msg *msg)
{
    core_step(beat->parts.core,
              &(struct event){.kind = kind,
                              .now_us = core_time(beat),
                              .peer = peer,
                              .msg = msg,
                              .lag_us = kind == EVENT_TIME ? beat->lag_us : 0},
              effects);
    if (kind == EVENT_TIME)
        beat->lag_us = 0;
}

/* Intake is refused before memory is short, and before it costs anything: what is taken in must be kept. */
static bool let_in(struct beat *beat, uint32_t peer, struct msg *msg)
{
    struct store_levels levels;
    if (msg->kind != MSG_CHUNK)
        return true;
    store_pump(beat->parts.store, clock_mono_us()); /* a chunk is a millisecond's work: the view moves on beside it */
    store_levels(beat->parts.store, &levels);
    if (levels.memory_max == 0 || levels.memory_used < levels.memory_max / 100 * MEMORY_REFUSE_PERCENT) {
        places_resolve(beat->parts.places, &msg->chunk);
        return true;
    }
    away_busy(beat->parts.door, peer, msg);
    return false;
}

/* The core reads no YAML: what a policy's text says goes in with the event. */
static void step_apply(struct beat *beat, struct effects *effects, uint32_t peer, struct msg *msg)
{
    const uint32_t before = core_policy(beat->parts.core)->version;
    policies_read(&beat->policies, &msg->apply);
    step(beat, effects, EVENT_MESSAGE, peer, msg);
    if (core_policy(beat->parts.core)->version != before)
        log_line(LOG_INFO, "policy.changed", "version=%u bytes=%u", core_policy(beat->parts.core)->version,
                 msg->apply.text.len);
}

/* Beats in flight may still hold words for the peer that had this number. */
static void retire(struct beat *beat, uint32_t peer)
{
    buf_add(&beat->retired, &(struct retired){.peer = peer, .beat = beat->number}, sizeof(struct retired));
}

static void free_retired(struct beat *beat)
{
    const uint64_t oldest = beat->is_out ? beat->out.number : beat->number;
    struct retired *retired = (struct retired *) (void *) beat->retired.at;
    size_t kept = 0;
    for (size_t i = 0; i < beat->retired.len / sizeof *retired; i++)
        if (retired[i].beat < oldest)
            door_free(beat->parts.door, retired[i].peer);
        else
            retired[kept++] = retired[i];
    beat->retired.len = kept * sizeof *retired;
}

static uint32_t take_events(struct beat *beat, bool late)
{
    struct flight *open = &beat->open;
    uint32_t events = 0, peer;
    while (door_gone(beat->parts.door, &peer)) {
        step(beat, open->effects, EVENT_PEER_GONE, peer, NULL);
        retire(beat, peer);
        events++;
    }
    for (int i = 0; i < N_TURNS; i++) {
        const struct turn *turn = &turns[i];
        const uint32_t left = turn->a_beat - open->taken[i];
        uint32_t most = left < turn->a_round ? left : turn->a_round, n = 0;
        if (late && (turn->role == ROLE_WORKER || turn->role == ROLE_AGENT))
            most = FRAMES_LATE; /* hear everybody before anyone is judged silent */
        struct msg msg;
        for (; n < most && door_next(beat->parts.door, turn->role, beat->woke_us, &peer, &msg); n++) {
            if (msg.kind == MSG_APPLY && turn->role == ROLE_OPERATOR) /* others are told that it is not theirs to say */
                step_apply(beat, open->effects, peer, &msg);
            else if (let_in(beat, peer, &msg)) {
                open->leads += msg.kind == MSG_CHUNK ? msg.chunk.n_rows : 0;
                step(beat, open->effects, EVENT_MESSAGE, peer, &msg);
            }
        }
        if (turn->role == ROLE_SOURCE)
            open->more = n == most && n < left;
        open->taken[i] += n < left ? n : left;
        events += n;
    }
    if (open->events == 0)
        open->since_us = beat->woke_us;
    open->events += events;
    return events;
}

static uint32_t ask_workers(struct beat *beat, struct effects *effects)
{
    uint32_t asked = 0, peer;
    struct msg msg;
    bool wants_policy;
    while (effects_next_ask(effects, &peer, &msg, &wants_policy)) {
        if (wants_policy)
            msg.request.policy = policies_scoring(&beat->policies, core_policy(beat->parts.core));
        door_send(beat->parts.door, peer, &msg);
        asked++;
    }
    return asked;
}

/* Up to `most` decisions, or what comes within a millisecond. Returns how many. */
static uint32_t wait_for_workers(struct beat *beat, struct effects *effects, uint32_t most)
{
    uint32_t peer, n = 0, left = turns[0].a_round; /* a worker may talk without end, and answer nothing */
    struct msg msg;
    door_wait(beat->parts.door, 1u << ROLE_WORKER, NULL, 0, 1);
    while (n < most && left-- > 0 && door_next(beat->parts.door, ROLE_WORKER, clock_mono_us(), &peer, &msg)) {
        n += msg.kind == MSG_DECISION;
        step(beat, effects, EVENT_MESSAGE, peer, &msg);
    }
    return n;
}

static void hold_for_workers(struct beat *beat, struct effects *effects, uint32_t asked)
{
    const int64_t until_us = clock_mono_us() + HOLD_US;
    while (asked > 0 && clock_mono_us() < until_us)
        asked -= wait_for_workers(beat, effects, asked);
    step(beat, effects, EVENT_TIME, 0, NULL);
    ask_workers(beat, effects);
}

/* Before an answer is judged late: where every core is taken, it may be waiting for ours, or behind the frames of a
 * thousand agents. A worker that hangs costs this once for each request that it has, since it gets no more. */
static void wait_for_late(struct beat *beat, struct effects *effects)
{
    for (int n = 0; n < LATE_LOOKS && core_answer_is_late(beat->parts.core, core_time(beat)); n++)
        wait_for_workers(beat, effects, UINT32_MAX);
}

/* ---- out: only what stands ----------------------------------------------------------------- */

/* In a bulk each beat costs each agent a frame or two: a few leads in it pay for that better than one. */
static bool may_grow(const struct beat *beat)
{
    const struct flight *open = &beat->open;
    struct door_levels levels;
    if (!open->more || clock_mono_us() - open->since_us > GROW_US)
        return false;
    door_levels(beat->parts.door, &levels);
    return open->leads / GROW_LEADS < levels.peers;
}

static void commit(struct beat *beat)
{
    struct flight *flight = &beat->open;
    assert(!beat->is_out);
    store_body(beat->parts.store, &beat->body);
    flight->events = flight->leads = 0;
    flight->more = false;
    memset(flight->taken, 0, sizeof flight->taken);
    flight->number = beat->number++;
    const uint32_t rows = core_seal(beat->parts.core, &beat->body);
    if (rows > 0)
        flight->ticket = store_append(beat->parts.store, (core_time(beat) + 999) / 1000,
                                      core_policy(beat->parts.core)->version, &beat->body);
    else if (effects_has_out(flight->effects))
        flight->ticket = store_renew(beat->parts.store);
    else {
        effects_clear(flight->effects);
        return;
    }
    const struct flight out = beat->out; /* its effects are empty: the next beat's */
    beat->out = beat->open;
    beat->open = out;
    beat->is_out = true;
}

static void send_all(struct beat *beat, struct effects *effects)
{
    struct store_levels levels;
    uint32_t peer;
    struct msg msg;
    store_levels(beat->parts.store, &levels);
    while (effects_next_out(effects, &peer, &msg)) {
        if (msg.kind == MSG_RECEIPT) {
            msg.receipt.epoch = levels.last.epoch;
            msg.receipt.beat = levels.last.beat;
        } else if (msg.kind == MSG_WELCOME) {
            msg.welcome.epoch = levels.last.epoch;
            msg.welcome.beat = levels.last.beat;
        }
        door_send(beat->parts.door, peer, &msg);
    }
    effects_clear(effects);
}

/* From a scoring request to the moment its decision stands: the promise of "no worker, no stop". */
static void note_decision(struct beat *beat, const struct effects *effects)
{
    const int64_t asked_us = effects_oldest_ask_us(effects);
    if (!asked_us)
        return;
    const uint64_t took_us = (uint64_t) (core_time(beat) - asked_us);
    beat->levels.decisions++;
    beat->levels.decision_us_sum += took_us;
    if (took_us > beat->levels.decision_us_max)
        beat->levels.decision_us_max = took_us;
}

static void release(struct beat *beat)
{
    if (stands(beat)) {
        note_decision(beat, beat->out.effects);
        send_all(beat, beat->out.effects);
        beat->is_out = false;
    }
    free_retired(beat);
}

static enum store_status while_away(struct beat *beat)
{
    uint64_t epoch = 0;
    const int64_t since_us = beat->away.since_us > 0 ? beat->away.since_us : clock_mono_us();
    const enum store_status status = away_round(&beat->away, &beat->parts, &beat->leave, &epoch);
    if (epoch == 0)
        return status;
    core_epoch(beat->parts.core, epoch, core_time(beat), false);
    beat->woke_us = clock_mono_us();
    beat->lag_us = beat->woke_us - since_us;
    return status;
}

/* ---- the beat --------------------------------------------------------------------------------------- */

/* One round: what has come, what is due, whom to ask. */
static void decide(struct beat *beat)
{
    struct effects *effects = beat->open.effects;
    const bool late = beat->lag_us > 0;
    if (late) /* before anybody is judged by the run clock */
        step(beat, effects, EVENT_TIME, 0, NULL);
    const uint32_t events = take_events(beat, late);
    wait_for_late(beat, effects);
    if (clock_mono_us() >= beat->sweep_us) {
        door_sweep(beat->parts.door, clock_mono_us(), core_policy(beat->parts.core)->lease_ms * 3000);
        beat->sweep_us = clock_mono_us() + SWEEP_US;
    }
    step(beat, effects, EVENT_TIME, 0, NULL);
    const uint32_t asked = ask_workers(beat, effects);
    if (asked > 0 && events <= HOLD_EVENTS_MAX && !beat->is_out)
        hold_for_workers(beat, effects, asked);
}

static enum store_status beat_once(struct beat *beat)
{
    if (beat->away.since_us)
        return while_away(beat);
    if (!beat->lag_us)
        sleep_until_needed(beat);
    enum store_status status = store_pump(beat->parts.store, clock_mono_us());
    if (status == STORE_AWAY || status == STORE_REFUSING)
        return while_away(beat);
    if (status != STORE_OK)
        return status;
    release(beat);
    if (!beat->is_out && beat->open.events > 0 && !may_grow(beat)) {
        commit(beat); /* the disk first: it works while we decide on */
        store_pump(beat->parts.store, clock_mono_us());
    }
    decide(beat);
    if (!beat->is_out && !may_grow(beat))
        commit(beat);
    store_idle(beat->parts.store, !beat->is_out);
    status = store_pump(beat->parts.store, clock_mono_us());
    return status == STORE_AWAY || status == STORE_REFUSING ? while_away(beat) : status;
}

/* The door is closed to new events; what was decided gets its chance to stand. */
static enum store_status leave(struct beat *beat)
{
    const int64_t until_us = clock_mono_us() + LEAVE_US;
    enum store_status status = STORE_OK;
    struct store_levels levels;
    do {
        struct wait_fd fds[2];
        store_idle(beat->parts.store, true);
        status = store_pump(beat->parts.store, clock_mono_us());
        release(beat);
        store_levels(beat->parts.store, &levels);
        if (status == STORE_OK && !beat->is_out)
            commit(beat);
        if (status != STORE_OK || (!beat->is_out && levels.view_rows_behind == 0))
            break;
        net_wait(NULL, 0, fds, store_wait_fds(beat->parts.store, fds), 10);
    } while (clock_mono_us() < until_us);
    return status == STORE_AWAY || status == STORE_REFUSING ? STORE_OK : status;
}

enum store_status beat_run(struct beat *beat)
{
    enum store_status status = STORE_OK;
    while (status == STORE_OK && !beat->leave)
        status = beat_once(beat);
    return status == STORE_OK ? leave(beat) : status;
}

const struct beat_levels *beat_levels(const struct beat *beat)
{
    return &beat->levels;
}

struct beat *beat_new(const struct beat_parts *parts, int64_t core_time_us)
{
    struct beat *beat = calloc(1, sizeof *beat);
    assert(beat);
    beat->parts = *parts;
    beat->out.effects = effects_new();
    beat->open.effects = effects_new();
    beat->base_core_us = core_time_us;
    beat->base_mono_us = beat->woke_us = clock_mono_us();
    return beat;
}

void beat_destroy(struct beat **beat_p)
{
    struct beat *beat = *beat_p;
    if (!beat)
        return;
    effects_destroy(&beat->out.effects);
    effects_destroy(&beat->open.effects);
    buf_fini(&beat->body);
    policies_fini(&beat->policies);
    buf_fini(&beat->retired);
    free(beat);
    *beat_p = NULL;
}
