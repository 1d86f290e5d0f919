/* SPDX-License-Identifier: Apache-2.0
 * test_scale.c - the core with thousands of people over days of virtual time, and
 * nobody who administers anything: people are hired and vanish without a word, or
 * work in shifts and just close their laptops. The rest of the simulator looks
 * after every beat at everything and is too thorough for that many; here the house
 * is looked through once an hour, and every offer when it is made.
 *
 * A beat is a second. Heartbeats are rare, so that a day is a few million steps;
 * lease and grace last longer by as much, and less than any deadline of work. */
#include "tests/sim/sim.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    STAFF = 5000,
    CLERKS_MAX = STAFF + 1000,
    TEAMS = 2000,
    TEAM = 3,
    HELD_MAX = 8,
    HEARTBEAT_S = 300,
    HOUR_S = 3600,
    DAY_S = 24 * HOUR_S,
    SHIFT_S = 9 * HOUR_S,
    SHIFTS = 3,
    BEGIN_MIN = 22 * 60 + 13, /* of the day, when the house begins */
    REPLACED_A_DAY = STAFF / 20,
    LEADS_A_DAY = 40000,
    PEER_SOURCE = 1,
    PEER_CLERKS = 2
};

static const int64_t begin_us = INT64_C(1700000000000000); /* 20 s after BEGIN_MIN */

struct held {
    struct id lead;
    uint64_t fence;
    unsigned state;
};

struct clerk {
    char name[16];
    bool here;      /* at the desk */
    bool left;      /* the house, for ever, without a word */
    uint32_t shift; /* of three, when there are shifts */
    uint32_t team;
    uint64_t session, seq;
    int64_t spoke_us;
    struct held held[HELD_MAX];
    uint32_t n_held;
};

struct house {
    struct core *core;
    struct effects *effects;
    struct buf body;
    struct clerk *clerks;
    uint32_t n_clerks, n_left;
    bool shifts;
    bool small_pools; /* many teams that pull, and not one that is pushed to */
    uint64_t random, source_session, ops, leads, offers;
    int64_t now_us;
    struct {
        uint32_t clerk;
        struct act act;
    } let_go[4096]; /* withdrawals to be answered with the next beat */
    uint32_t n_let_go;
};

static uint32_t below(struct house *house, uint32_t n)
{
    house->random ^= house->random << 13;
    house->random ^= house->random >> 7;
    house->random ^= house->random << 17;
    return (uint32_t) (house->random >> 16) % n;
}

static struct slice slice_of_text(const char *text)
{
    return slice_of(text, strlen(text));
}

static void step(struct house *house, uint32_t peer, const struct msg *msg)
{
    core_step(
        house->core,
        &(struct event){.kind = msg ? EVENT_MESSAGE : EVENT_TIME, .now_us = house->now_us, .peer = peer, .msg = msg},
        house->effects);
}

/* ---- hearing ----------------------------------------------------------------------------------- */

static struct held *held_of(struct clerk *clerk, struct id lead)
{
    for (uint32_t i = 0; i < clerk->n_held; i++)
        if (id_equal(clerk->held[i].lead, lead))
            return &clerk->held[i];
    return NULL;
}

static void forget(struct clerk *clerk, struct held *held)
{
    if (held)
        *held = clerk->held[--clerk->n_held];
}

static bool on_shift(const struct house *house, const struct clerk *clerk, int64_t second)
{
    return !house->shifts || (second + (int64_t) clerk->shift * 8 * HOUR_S) % DAY_S < SHIFT_S;
}

/* proves C-01: nobody gets a lead who was not heard within two heartbeats, whatever he called himself last. */
static void hear_offer(struct house *house, struct clerk *clerk, const struct offer *offer)
{
    struct held *held = held_of(clerk, offer->lead);
    house->offers++;
    if (!held) {
        if (house->now_us - clerk->spoke_us > 2 * HEARTBEAT_S * INT64_C(1000000))
            fail_msg("%s gets a lead and was last heard %lld s ago", clerk->name,
                     (long long) (house->now_us - clerk->spoke_us) / 1000000);
        assert_true(on_shift(house, clerk, (house->now_us - begin_us) / 1000000));
        assert_true(clerk->n_held < HELD_MAX);
        held = &clerk->held[clerk->n_held++];
    }
    *held = (struct held){offer->lead, offer->fence, offer->state};
}

static void hear(struct house *house, uint32_t peer, const struct msg *msg)
{
    if (peer == PEER_SOURCE) {
        if (msg->kind == MSG_WELCOME)
            house->source_session = msg->welcome.session;
        assert_true(msg->kind != MSG_RECEIPT || msg->receipt.reason == REASON_OK);
        return;
    }
    struct clerk *clerk = &house->clerks[peer - PEER_CLERKS];
    if (msg->kind == MSG_WELCOME)
        clerk->session = msg->welcome.session;
    assert_int_not_equal(msg->kind, MSG_ERROR);
    if (msg->kind != MSG_AGENT_HEARS)
        return;
    for (uint32_t i = 0; i < msg->hears.n_results; i++) {
        const struct act_result *result = &msg->hears.results[i];
        struct held *held = held_of(clerk, result->lead);
        if (held && (result->reason != REASON_OK || result->state >= LEAD_REVOKING || result->state == LEAD_POOLED))
            forget(clerk, held);
        else if (held)
            held->state = result->state;
    }
    for (uint32_t i = 0; i < msg->hears.n_withdrawals && clerk->here; i++) {
        const struct withdrawal *gone = &msg->hears.withdrawals[i];
        forget(clerk, held_of(clerk, gone->lead));
        assert_true(house->n_let_go < sizeof house->let_go / sizeof *house->let_go);
        house->let_go[house->n_let_go].clerk = peer - PEER_CLERKS;
        house->let_go[house->n_let_go++].act =
            (struct act){.lead = gone->lead, .fence = gone->fence, .verb = VERB_WITHDRAWN};
    }
    for (uint32_t i = 0; i < msg->hears.n_offers; i++)
        hear_offer(house, clerk, &msg->hears.offers[i]);
}

/* ---- doing ----------------------------------------------------------------------------------------- */

static void say(struct house *house, uint32_t clerk, struct msg msg)
{
    struct clerk *it = &house->clerks[clerk];
    msg.session = msg.kind == MSG_HELLO ? 0 : it->session;
    msg.seq = ++it->seq;
    it->spoke_us = house->now_us;
    step(house, PEER_CLERKS + clerk, &msg);
}

static void act(struct house *house, uint32_t clerk, const struct held *held, enum act_verb verb, uint32_t code)
{
    const struct act one = {.op = {1, ++house->ops},
                            .lead = held->lead,
                            .fence = held->fence,
                            .verb = verb,
                            .code = code,
                            .at_ms = house->now_us / 1000 + HOUR_S * 1000};
    say(house, clerk, (struct msg){.kind = MSG_AGENT_SAYS, .says = {.acts = &one, .n_acts = 1}});
}

static void work_on(struct house *house, uint32_t clerk, const struct held *held)
{
    static const uint32_t codes[] = {DISPOSITION_SALE, DISPOSITION_NOT_INTERESTED, DISPOSITION_NO_ANSWER,
                                     DISPOSITION_CALLBACK, DISPOSITION_WRONG_NUMBER};
    const uint32_t dice = below(house, 100);
    switch (held->state) {
    case LEAD_OFFERED:
        act(house, clerk, held, dice < 90 ? VERB_ACCEPT : VERB_DECLINE, 0);
        break;
    case LEAD_OWNED:
        act(house, clerk, held, VERB_ACTION, 0);
        break;
    case LEAD_WORKING:
        act(house, clerk, held, VERB_ATTEMPT_END, 0);
        break;
    case LEAD_WRAP_UP:
        act(house, clerk, held, VERB_DISPOSITION, codes[below(house, 5)]);
        break;
    default:
        fail_msg("an agent holds a lead that is %s", lead_state_name(held->state));
    }
}

static void come(struct house *house, uint32_t clerk)
{
    struct clerk *it = &house->clerks[clerk];
    const struct policy *policy = core_policy(house->core);
    it->here = true;
    it->n_held = 0; /* it will be offered again what is still its own */
    say(house, clerk,
        (struct msg){.kind = MSG_HELLO,
                     .hello = {.protocol = 1,
                               .role = ROLE_AGENT,
                               .name = slice_of_text(it->name),
                               .team = slice_of_text(policy->teams[it->team].name),
                               .intent = house->small_pools ? INTENT_ON_DEMAND : INTENT_AVAILABLE}});
}

/* The simulator's first team is pushed to; those of the other shifts stand after all of its own. */
static uint32_t team_of_shift(uint32_t shift)
{
    return shift ? sim_policy()->n_teams - 1 + shift : 0;
}

static void hire(struct house *house)
{
    const uint32_t clerk = house->n_clerks++;
    assert_true(clerk < CLERKS_MAX);
    snprintf(house->clerks[clerk].name, sizeof house->clerks[clerk].name, "clerk-%05u", clerk);
    house->clerks[clerk].shift = clerk % SHIFTS;
    house->clerks[clerk].team = house->small_pools ? clerk / TEAM : house->shifts ? team_of_shift(clerk % SHIFTS) : 0;
    if (!house->shifts)
        come(house, clerk);
}

static void replace_somebody(struct house *house)
{
    struct clerk *clerk = &house->clerks[below(house, house->n_clerks)];
    if (clerk->left)
        return;
    clerk->here = false;
    clerk->left = true;
    house->n_left++;
    hire(house);
}

static void clerks_move(struct house *house, int64_t second)
{
    for (uint32_t c = (uint32_t) (second % HEARTBEAT_S); c < house->n_clerks; c += HEARTBEAT_S) {
        struct clerk *clerk = &house->clerks[c];
        if (clerk->left)
            continue;
        if (clerk->here && !on_shift(house, clerk, second)) {
            clerk->here = false; /* the laptop is closed, whatever was in hand */
            continue;
        }
        if (!clerk->here && on_shift(house, clerk, second))
            come(house, c);
        else if (clerk->here && clerk->session)
            say(house, c, (struct msg){.kind = MSG_HEARTBEAT});
        for (uint32_t i = 0; clerk->here && i < clerk->n_held; i++)
            work_on(house, c, &clerk->held[i]);
    }
}

static void leads_come(struct house *house, uint32_t n)
{
    struct row rows[CHUNK_ROWS_MAX];
    char raw[CHUNK_ROWS_MAX][24];
    for (uint32_t i = 0; i < n; i++) {
        const uint64_t key = ++house->leads;
        snprintf(raw[i], sizeof raw[i], "row-%llu", (unsigned long long) key);
        rows[i] = (struct row){.raw = slice_of_text(raw[i]),
                               .lead = {key * UINT64_C(0x9E3779B97F4A7C15), key},
                               .name = slice_of_text("Ada")};
    }
    step(house, PEER_SOURCE,
         &(struct msg){.session = house->source_session,
                       .seq = 1,
                       .kind = MSG_CHUNK,
                       .chunk = {.op = {2, house->leads},
                                 .source = slice_of_text(house->small_pools ? "to-pushpull" : "to-push"),
                                 .rows = rows,
                                 .n_rows = n}});
}

static void end_beat(struct house *house)
{
    uint32_t peer;
    struct msg msg;
    for (uint32_t i = 0; i < house->n_let_go; i++)
        if (house->clerks[house->let_go[i].clerk].here)
            say(house, house->let_go[i].clerk,
                (struct msg){.kind = MSG_AGENT_SAYS, .says = {.acts = &house->let_go[i].act, .n_acts = 1}});
    house->n_let_go = 0;
    step(house, 0, NULL);
    house->body.len = 0;
    core_seal(house->core, &house->body);
    while (effects_next_out(house->effects, &peer, &msg))
        hear(house, peer, &msg);
    effects_clear(house->effects);
}

/* ---- the house ------------------------------------------------------------------------------------------ */

static struct policy *house_policy(void)
{
    struct policy *policy = sim_policy();
    struct programme *push = &policy->programmes[0];
    policy->heartbeat_ms = HEARTBEAT_S * 1000;
    policy->lease_ms = 4 * policy->heartbeat_ms;
    policy->guard_ms = 2000;
    policy->orphan_grace_ms = 2 * policy->heartbeat_ms;
    policy->agents_max = CLERKS_MAX;
    push->offer_ms = 2 * policy->heartbeat_ms;
    push->first_action_ms = push->activity_ms = push->disposition_ms = 12 * policy->heartbeat_ms;
    push->disposition_hard_ms = 24 * policy->heartbeat_ms;
    push->unclaimed_ms = policy->heartbeat_ms;
    push->pipeline_grace_ms = 12 * policy->heartbeat_ms;
    push->decline_exclusion_ms = 3 * policy->heartbeat_ms;
    push->misses_max = 1000; /* nobody says his intent again when he comes back */
    push->distributions_max = 50;
    push->gap_ms[0] = push->gap_ms[1] = HOUR_S * 1000;
    return policy;
}

/* Around the clock, an hour of two teams together; a team whose shift is over is off duty. */
static struct policy *policy_of_shifts(void)
{
    const uint32_t day = 24 * 60, length = SHIFT_S / 60;
    static struct policy of_shifts;
    of_shifts = *house_policy();
    of_shifts.n_zones = 1;
    of_shifts.n_hours = SHIFTS;
    for (uint32_t s = 0; s < SHIFTS; s++) {
        const uint32_t begin = (BEGIN_MIN + day - s * 8 * 60) % day, at = team_of_shift(s);
        struct hours *hours = &of_shifts.hours[s].hours;
        if (begin + length > day) /* the night that began on Sunday */
            hours->spans[hours->n_spans++] = (struct hours_span){0, begin + length - day};
        for (uint32_t d = 0; d < 7; d++) {
            const uint32_t end = d * day + begin + length;
            hours->spans[hours->n_spans++] = (struct hours_span){d * day + begin, end < 7 * day ? end : 7 * day};
        }
        of_shifts.teams[at].programme = 0;
        of_shifts.teams[at].shift = s + 1;
        snprintf(of_shifts.teams[at].name, sizeof of_shifts.teams[at].name, "shift-%u", s);
    }
    of_shifts.n_teams += SHIFTS - 1;
    return &of_shifts;
}

static struct house *house_new(const struct policy *policy, uint64_t seed)
{
    struct house *house = calloc(1, sizeof *house);
    assert_non_null(house);
    house->clerks = calloc(CLERKS_MAX, sizeof *house->clerks);
    assert_non_null(house->clerks);
    house->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    house->now_us = begin_us;
    house->core = core_new(policy);
    house->effects = effects_new();
    core_epoch(house->core, 1, house->now_us, true);
    step(house, PEER_SOURCE,
         &(struct msg){.kind = MSG_HELLO, .hello = {.protocol = 1, .role = ROLE_SOURCE, .name = slice_of_text("src")}});
    end_beat(house);
    return house;
}

static void house_destroy(struct house *house)
{
    core_destroy(&house->core);
    effects_destroy(&house->effects);
    buf_fini(&house->body);
    free(house->clerks);
    free(house);
}

/* A lead with somebody who is not there, for longer than anything may keep it there. */
static void look_for_dead_queues(struct house *house)
{
    const struct core *core = house->core;
    const struct policy *policy = core_policy(core);
    const int64_t open_ms = policy->lease_ms + policy->orphan_grace_ms + policy->guard_ms + 2000;
    const int64_t off_ms = house->shifts ? (DAY_S - SHIFT_S) * INT64_C(1000) : 0; /* another attempt waits so long */
    const int64_t pipeline_ms =
        off_ms + HOUR_S * 1000 + policy->programmes[0].pipeline_grace_ms + policy->lease_ms + 2000;
    struct msg_report report = {0};
    core_report(house->core, &(struct msg_query){.what = QUERY_ORPHANS, .limit = 100}, &report);
    assert_int_equal(report.n_rows, 0);
    assert_int_equal(core_check(core, NULL), 0);
    for (uint32_t i = 0; i < core->leads.n; i++) {
        const struct lead *lead = lead_at(&core->leads, i);
        if (lead->owner == NONE)
            continue;
        const struct clerk *owner =
            &house->clerks[strtoul(core->agents[lead->owner]->name + strlen("clerk-"), NULL, 10)];
        const int64_t silent_ms = (house->now_us - owner->spoke_us) / 1000;
        if (silent_ms > (lead->state == LEAD_PIPELINE ? pipeline_ms : open_ms))
            fail_msg("a lead is %s with %s, who is silent for %lld s", lead_state_name(lead->state), owner->name,
                     (long long) silent_ms / 1000);
    }
}

static void soak(bool shifts, uint32_t days)
{
    struct house *house = house_new(shifts ? policy_of_shifts() : house_policy(), 3);
    struct core_levels levels;
    house->shifts = shifts;
    for (uint32_t i = 0; i < STAFF; i++)
        hire(house);
    int64_t second = 0;
    const int64_t last = (int64_t) days * DAY_S;
    for (;; second++) {
        house->now_us += 1000000;
        if (second < last && below(house, DAY_S) < REPLACED_A_DAY)
            replace_somebody(house);
        if (second < last && second % 60 == 0)
            leads_come(house, LEADS_A_DAY / (DAY_S / 60));
        clerks_move(house, second);
        end_beat(house);
        if (second % HOUR_S == 0) {
            look_for_dead_queues(house);
            core_levels(house->core, &levels);
            if (second > last && levels.terminal == levels.leads)
                break;
        }
        assert_true(second < last + 3 * DAY_S); /* all came to an end */
    }
    printf("%u days: %llu leads, %llu times in a hand, %u of %u people left without a word\n", days,
           (unsigned long long) house->leads, (unsigned long long) house->offers, house->n_left, house->n_clerks);
    assert_int_equal(levels.terminal, house->leads);
    assert_true(house->n_left > days * REPLACED_A_DAY / 2);
    house_destroy(house);
}

/* proves 000-09, 001-07, C-01: one in twenty replaced a day, and no operator says a word */
static void five_thousand_people_with_high_turnover_leave_no_dead_queue(void **state)
{
    (void) state;
    soak(false, 2);
}

/* proves 001-09: size, scheduling and turnover together */
static void five_thousand_people_in_shifts_leave_no_dead_queue(void **state)
{
    (void) state;
    soak(true, 2);
}

/* ---- small pools ---------------------------------------------------------------------------------------- */

static struct policy *policy_of_small_pools(void)
{
    struct policy *policy = house_policy();
    policy->n_teams = TEAMS;
    for (uint32_t t = 0; t < TEAMS; t++) {
        snprintf(policy->teams[t].name, sizeof policy->teams[t].name, "team-%04u", t);
        policy->teams[t].programme = 2;
    }
    policy->programmes[2].unclaimed_ms = policy->programmes[2].first_action_ms = DAY_S * 1000;
    return policy;
}

/* Fills which team's pool each lead is in, NONE for upstream; and looks that no pool is too deep or too shallow. */
static void look_into_pools(const struct core *core, uint32_t staffed, uint32_t *teams)
{
    const uint32_t deep = TEAM * core_policy(core)->programmes[2].depth_per_agent;
    uint32_t upstream = 0;
    for (uint32_t i = 0; i < core->leads.n; i++) {
        const struct lead *lead = lead_at(&core->leads, i);
        teams[lead->id.lo] = lead->state == LEAD_POOLED && lead->ring == RING_TEAM ? lead->team : NONE;
        upstream += lead->state == LEAD_POOLED && lead->ring != RING_TEAM;
    }
    for (uint32_t t = 0; t < TEAMS; t++) {
        const uint32_t depth = core->pools[pool_index(2, RING_TEAM, t)].depth;
        assert_in_range(depth, upstream && t < staffed ? deep : 0, t < staffed ? deep : 0);
    }
}

/* proves 002-08: each lead in one pool at a time, of a team that is there, and only that team gets it */
static void two_thousand_small_pools_are_filled_and_each_serves_its_own_team(void **state)
{
    (void) state;
    enum { STAFFED = TEAMS - 100, LEADS = 20000 };
    struct house *house = house_new(policy_of_small_pools(), 7);
    uint32_t *teams = calloc(LEADS + 1, sizeof *teams);
    assert_non_null(teams);
    house->small_pools = true;
    for (uint32_t i = 0; i < STAFFED * TEAM; i++)
        hire(house);
    end_beat(house);
    for (uint32_t n = 0; n < LEADS; n += 250) {
        leads_come(house, 250);
        end_beat(house);
    }
    for (uint32_t round = 0; round < 3; round++) {
        look_into_pools(house->core, STAFFED, teams);
        for (uint32_t c = 0; c < house->n_clerks; c++)
            say(house, c,
                (struct msg){.kind = MSG_AGENT_SAYS, .says = {.has_ready = true, .ready_op = {3, ++house->ops}}});
        end_beat(house);
        for (uint32_t c = 0; c < house->n_clerks; c++) {
            struct clerk *clerk = &house->clerks[c];
            assert_int_equal(clerk->n_held, 1);
            assert_int_equal(teams[clerk->held[0].lead.lo], clerk->team);
            act(house, c, &clerk->held[0], VERB_DISPOSITION, DISPOSITION_SALE);
        }
        end_beat(house);
    }
    assert_int_equal(core_check(house->core, NULL), 0);
    free(teams);
    house_destroy(house);
}

/* ---- cost ---------------------------------------------------------------------------------------------- */

static int64_t cpu_ns(void)
{
    struct timespec at;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return (int64_t) at.tv_sec * 1000000000 + at.tv_nsec;
}

/* What a lead costs from its pool to its end, with so many waiting behind it. */
static int64_t cost_ns(uint32_t waiting)
{
    enum { CLERKS = 50, BEATS = 30 };
    struct policy *policy = house_policy();
    policy->waiting_max = 1000000;
    struct house *house = house_new(policy, 5);
    struct core_levels before, after;
    for (uint32_t n = 0; n < waiting; n += 250) {
        leads_come(house, 250);
        end_beat(house);
    }
    for (uint32_t i = 0; i < CLERKS; i++)
        hire(house);
    end_beat(house);
    core_levels(house->core, &before);
    const int64_t begun_ns = cpu_ns();
    for (uint32_t beat = 0; beat < BEATS; beat++) {
        house->now_us += 1000000;
        for (uint32_t c = 0; c < CLERKS; c++)
            for (uint32_t i = 0; i < house->clerks[c].n_held; i++)
                work_on(house, c, &house->clerks[c].held[i]);
        end_beat(house);
    }
    const int64_t spent_ns = cpu_ns() - begun_ns;
    core_levels(house->core, &after);
    assert_true(after.waiting < before.waiting && after.waiting > 0);
    const int64_t each_ns = spent_ns / (int64_t) (before.waiting - after.waiting);
    house_destroy(house);
    return each_ns;
}

/* proves D-07 (Open Match query): a hundred times as many waiting, and a lead costs the same */
static void a_decision_reads_not_all_that_waits(void **state)
{
    (void) state;
    int64_t few_ns = INT64_MAX, many_ns = INT64_MAX;
    for (int i = 0; i < 3; i++) { /* the best of three: this machine may have other work */
        const int64_t few = cost_ns(2000), many = cost_ns(200000);
        few_ns = few < few_ns ? few : few_ns;
        many_ns = many < many_ns ? many : many_ns;
    }
    printf("a lead costs %lld ns among 2,000 and %lld ns among 200,000\n", (long long) few_ns, (long long) many_ns);
    assert_true(many_ns < 4 * few_ns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(five_thousand_people_with_high_turnover_leave_no_dead_queue),
        cmocka_unit_test(five_thousand_people_in_shifts_leave_no_dead_queue),
        cmocka_unit_test(two_thousand_small_pools_are_filled_and_each_serves_its_own_team),
        cmocka_unit_test(a_decision_reads_not_all_that_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
