/* SPDX-License-Identifier: Apache-2.0
 * test_report.c - a day that is known to the second, lived by a real core whose log
 * is then counted: every report has one right answer. */
#include "report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "broker/entry.h"
#include "core/core.h"
#include "policy/policy_yaml.h"
#include "proto/wire.h"

enum { PEER_SOURCE = 1, PEER_AGENTS = 10, BEATS_MAX = 256, S = 1000 };

static const char policy_text[] = "version: 1\n"
                                  "cell: test\n"
                                  "default_programme: fresh\n"
                                  "programmes:\n"
                                  "  - name: fresh\n"
                                  "    mode: push\n"
                                  "    teams: [north, south]\n"
                                  "    sources: [web]\n"
                                  "    strategy: longest_idle\n"
                                  "    timers: {offer: 2m, first_action: 1h, unclaimed: 1h}\n"
                                  "    score: {value: 300}\n"
                                  "  - name: aged\n"
                                  "    mode: pull\n"
                                  "    teams: [desk]\n"
                                  "    sources: [bought]\n"
                                  "    timers: {first_action: 1h, unclaimed: 1h}\n";

#define BEGIN_US INT64_C(1700000000000000)

/* ---- a cell that lives by hand ---------------------------------------------------------- */

struct beat {
    int64_t time_ms;
    struct buf body;
};

struct day {
    struct core *core;
    struct effects *effects;
    int64_t now_us;
    uint64_t sessions[16], ops, keys;
    struct beat beats[BEATS_MAX];
    uint32_t n_beats;
    uint64_t fences[16]; /* of each lead's last offer, by the low half of its id */
};

static struct slice text(const char *at)
{
    return slice_of(at, strlen(at));
}

static void hear(struct day *day)
{
    struct msg msg;
    uint32_t peer;
    while (effects_next_out(day->effects, &peer, &msg)) {
        if (msg.kind == MSG_WELCOME)
            day->sessions[peer] = msg.welcome.session;
        for (uint32_t i = 0; msg.kind == MSG_AGENT_HEARS && i < msg.hears.n_offers; i++)
            day->fences[msg.hears.offers[i].lead.lo] = msg.hears.offers[i].fence;
        if (msg.kind == MSG_AGENT_HEARS)
            for (uint32_t i = 0; i < msg.hears.n_results; i++)
                if (msg.hears.results[i].reason != REASON_OK)
                    fail_msg("op %d at %d: %s", (int) msg.hears.results[i].op.lo,
                             (int) ((day->now_us - BEGIN_US) / 1000), reason_name(msg.hears.results[i].reason));
        assert_int_not_equal(msg.kind, MSG_ERROR);
    }
    effects_clear(day->effects);
}

static void beat(struct day *day, uint32_t peer, const struct msg *msg)
{
    struct buf body = {0};
    if (msg)
        core_step(day->core, &(struct event){EVENT_MESSAGE, day->now_us, 0, peer, msg}, day->effects);
    core_step(day->core, &(struct event){.kind = EVENT_TIME, .now_us = day->now_us}, day->effects);
    if (core_seal(day->core, &body) > 0) {
        assert_true(day->n_beats < BEATS_MAX);
        day->beats[day->n_beats++] = (struct beat){(day->now_us + 999) / 1000, body};
    } else {
        buf_fini(&body);
    }
    hear(day);
}

static void at(struct day *day, int64_t ms)
{
    const int64_t then_us = BEGIN_US + ms * 1000;
    while (core_next_us(day->core) <= then_us) {
        day->now_us = core_next_us(day->core);
        beat(day, 0, NULL);
    }
    day->now_us = then_us;
}

static struct day *day_under(const char *yaml)
{
    struct day *day = calloc(1, sizeof *day);
    struct policy *policy = calloc(1, sizeof *policy);
    struct buf lines = {0};
    assert_non_null(day);
    assert_non_null(policy);
    if (policy_parse(yaml, strlen(yaml), "test", policy, &lines) != 0)
        fail_msg("%.*s", (int) lines.len, (const char *) lines.at);
    policy->lease_ms = INT64_C(1000) * 3600 * 1000; /* nobody beats here, and nobody is lost */
    policy->heartbeat_ms = policy->lease_ms / 4;
    day->core = core_new(policy);
    day->effects = effects_new();
    day->now_us = BEGIN_US;
    core_epoch(day->core, 1, day->now_us, true);
    policy->waiting_max++;
    assert_int_equal(core_change_policy(day->core, policy, text(yaml), &lines), REASON_OK);
    beat(day, PEER_SOURCE,
         &(struct msg){
             .seq = 1, .kind = MSG_HELLO, .hello = {.protocol = 1, .role = ROLE_SOURCE, .name = text("import")}});
    free(policy);
    buf_fini(&lines);
    return day;
}

/* It loads the log after so long without any. */
static void another_broker(struct day *day, int64_t after_us)
{
    struct policy *policy = malloc(sizeof *policy);
    assert_non_null(policy);
    *policy = *core_policy(day->core);
    core_destroy(&day->core);
    day->core = core_new(policy);
    for (uint32_t i = 0; i < day->n_beats; i++) {
        struct row_ref row;
        struct policy_glance glance;
        for (uint32_t from = 0; row_next(slice_of(day->beats[i].body.at, day->beats[i].body.len), &from, &row) == 1;) {
            if (policy_glance(&row, &glance) && core_wants_policy(day->core, glance.version))
                core_load_policy(day->core, policy, glance.version);
            assert_true(core_apply(day->core, &row));
        }
    }
    free(policy);
    assert_true(core_loaded(day->core));
    day->now_us += after_us;
    core_epoch(day->core, 2, day->now_us, true);
}

static void day_destroy(struct day **day_p)
{
    for (uint32_t i = 0; i < (*day_p)->n_beats; i++)
        buf_fini(&(*day_p)->beats[i].body);
    effects_destroy(&(*day_p)->effects);
    core_destroy(&(*day_p)->core);
    free(*day_p);
    *day_p = NULL;
}

static uint32_t arrives(struct day *day, uint32_t number, const char *name, const char *team, enum intent intent)
{
    const uint32_t peer = PEER_AGENTS + number;
    const struct msg msg = {
        .seq = 1,
        .kind = MSG_HELLO,
        .hello = {.protocol = 1, .role = ROLE_AGENT, .name = text(name), .team = text(team), .intent = intent}};
    beat(day, peer, &msg);
    return peer;
}

static void leaves(struct day *day, uint32_t peer)
{
    beat(day, peer, &(struct msg){.session = day->sessions[peer], .seq = 900, .kind = MSG_BYE});
}

static struct id comes(struct day *day, const char *source, const char *campaign, uint32_t cost_cents,
                       uint64_t value_cents)
{
    uint8_t raw[512];
    char key[24];
    struct attribute attribute = {text("campaign"), campaign ? text(campaign) : slice_of(NULL, 0), 7};
    snprintf(key, sizeof key, "key-%u", (unsigned) ++day->keys);
    struct row row = {.key = text(key),
                      .name = text("Ada"),
                      .cost_cents = cost_cents,
                      .value_cents = value_cents,
                      .attributes = &attribute,
                      .n_attributes = 1,
                      .lead = {5, day->keys}};
    row.raw = slice_of(raw, wire_encode_row(&row, raw, sizeof raw));
    const struct msg msg = {.session = day->sessions[PEER_SOURCE],
                            .seq = 1 + day->keys,
                            .kind = MSG_CHUNK,
                            .chunk = {.op = {6, day->keys}, .source = text(source), .rows = &row, .n_rows = 1}};
    beat(day, PEER_SOURCE, &msg);
    return row.lead;
}

static struct act act_of(struct day *day, struct id lead, enum act_verb verb, uint32_t code, const char *note)
{
    return (struct act){.op = {7, ++day->ops},
                        .lead = lead,
                        .fence = day->fences[lead.lo],
                        .verb = verb,
                        .code = code,
                        .note = note ? text(note) : slice_of(NULL, 0)};
}

static void say(struct day *day, uint32_t peer, const struct act *acts, uint32_t n)
{
    const struct msg msg = {.session = day->sessions[peer],
                            .seq = 10 + day->ops,
                            .kind = MSG_AGENT_SAYS,
                            .says = {.acts = acts, .n_acts = n}};
    beat(day, peer, &msg);
}

static void does(struct day *day, uint32_t peer, struct id lead, enum act_verb verb, uint32_t code, const char *note)
{
    const struct act act = act_of(day, lead, verb, code, note);
    say(day, peer, &act, 1);
}

static void is_ready(struct day *day, uint32_t peer)
{
    const struct msg msg = {.session = day->sessions[peer],
                            .seq = 500 + ++day->ops,
                            .kind = MSG_AGENT_SAYS,
                            .says = {.has_ready = true, .ready_op = {8, day->ops}, .ready_wait_ms = 1000}};
    beat(day, peer, &msg);
}

static void is_now(struct day *day, uint32_t peer, enum intent intent)
{
    const struct msg_agent_says says = {.has_intent = true, .intent = intent, .away_code = intent == INTENT_AWAY};
    beat(day, peer,
         &(struct msg){.session = day->sessions[peer], .seq = 600 + ++day->ops, .kind = MSG_AGENT_SAYS, .says = says});
}

/* ---- its log, counted ------------------------------------------------------------------------ */

static void fold(struct tales *tales, const struct beat *beats, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct entry entry = {.at = {1, i + 1}, .time_ms = beats[i].time_ms};
        struct row_ref row;
        for (uint32_t from = 0; row_next(slice_of(beats[i].body.at, beats[i].body.len), &from, &row) == 1;)
            assert_true(tales_row(tales, &row, &entry));
    }
}

static struct tales *tales_of(const struct day *day, const struct window *window)
{
    static const struct window all = {INT64_MIN, INT64_MAX};
    struct tales *tales = tales_new(window ? window : &all, NULL);
    fold(tales, day->beats, day->n_beats);
    tales_end(tales);
    return tales;
}

static struct report_table made(const struct tales *tales, const char *name, const char *key,
                                const struct report_asked *like)
{
    struct report_asked asked = like ? *like : (struct report_asked){.window = {INT64_MIN, INT64_MAX}};
    struct report_table table;
    assert_true(report_find(name, &asked.name));
    asked.key = report_first_key(asked.name);
    if (key) {
        assert_true(report_find_key(key, &asked.key));
        assert_true(report_has_key(asked.name, asked.key));
    }
    asked.target_us = 60 * INT64_C(1000000);
    asked.limit_us = asked.limit_us ? asked.limit_us : 300 * INT64_C(1000000);
    report_make(tales, &asked, &table);
    return table;
}

static struct report_table made_after(struct report_table *before, const struct tales *tales, const char *name,
                                      const char *key, const struct report_asked *like)
{
    report_fini(before);
    return made(tales, name, key, like);
}

/* The cell in the row of this key; key NULL: the row of all together. */
static const char *cell(const struct report_table *table, const char *key, const char *column)
{
    static char shown[8][64];
    static unsigned turn;
    uint32_t r = 0, c = 0;
    while (c < table->n_columns && strcmp(table->columns[c], column) != 0)
        c++;
    for (; key && r < table->n_rows; r++) {
        const struct slice name = table->cells[(size_t) r * table->n_columns];
        if (name.len == strlen(key) && memcmp(name.at, key, name.len) == 0)
            break;
    }
    r = key ? r : table->n_rows;
    if (c == table->n_columns || (key && r == table->n_rows))
        return "not there";
    const struct slice found = table->cells[(size_t) r * table->n_columns + c];
    snprintf(shown[++turn % 8], sizeof shown[0], "%.*s", (int) found.len, (const char *) found.at);
    return shown[turn % 8];
}

#define assert_cell(table, key, column, wanted) assert_string_equal(cell(&(table), (key), (column)), (wanted))

static void done(struct report_table *table, struct tales **tales_p, struct day **day_p)
{
    report_fini(table);
    tales_destroy(tales_p);
    day_destroy(day_p);
}

/* A won lead in 5 s, one that waits for a second agent, one pulled late, one never touched, a second won one. */
static struct day *known_day(void)
{
    struct day *day = day_under(policy_text);
    const uint32_t ana = arrives(day, 0, "ana", "north", INTENT_AVAILABLE);
    at(day, 10 * S);
    const struct id a = comes(day, "web", "spring", 1000, 50000);
    at(day, 12 * S);
    does(day, ana, a, VERB_ACCEPT, 0, NULL);
    at(day, 15 * S);
    does(day, ana, a, VERB_ACTION, 0, NULL);
    at(day, 40 * S);
    does(day, ana, a, VERB_ATTEMPT_END, 0, NULL);
    does(day, ana, a, VERB_DISPOSITION, DISPOSITION_SALE, "she signs");
    at(day, 100 * S);
    const struct id b = comes(day, "web", "=1+1", 2000, 0);
    at(day, 101 * S);
    does(day, ana, b, VERB_DECLINE, 0, NULL);
    at(day, 130 * S);
    const uint32_t ben = arrives(day, 1, "ben", "south", INTENT_AVAILABLE);
    does(day, ben, b, VERB_ACCEPT, 0, NULL);
    at(day, 170 * S);
    does(day, ben, b, VERB_ACTION, 0, NULL);
    does(day, ben, b, VERB_ATTEMPT_END, 0, NULL);
    does(day, ben, b, VERB_DISPOSITION, DISPOSITION_NO_ANSWER, "rang long");
    at(day, 200 * S);
    const struct id c = comes(day, "bought", NULL, 500, 0);
    at(day, 260 * S);
    const uint32_t cid = arrives(day, 2, "cid", "desk", INTENT_ON_DEMAND);
    is_ready(day, cid);
    at(day, 600 * S);
    does(day, cid, c, VERB_ACTION, 0, NULL);
    does(day, cid, c, VERB_ATTEMPT_END, 0, NULL);
    does(day, cid, c, VERB_DISPOSITION, DISPOSITION_NOT_INTERESTED, "no");
    leaves(day, cid);
    at(day, 700 * S);
    leaves(day, ben);
    const struct id d = comes(day, "web", "spring", 1000, 0);
    does(day, ana, d, VERB_ACCEPT, 0, NULL);
    at(day, 1000 * S);
    comes(day, "bought", "spring", 500, 0);
    at(day, 1100 * S);
    leaves(day, ana);
    return day;
}

static void the_funnel_says_what_became_of_each_lead(void **state)
{
    (void) state;
    struct day *day = known_day();
    struct tales *tales = tales_of(day, NULL);
    struct report_table table = made(tales, "funnel", NULL, NULL);
    static const char *const wanted[][8] = {
        /* source, leads, offered, touched, contacted, won, lost, open */
        {"web", "3", "3", "2", "1", "1", "0", "2"},
        {"bought", "2", "1", "1", "1", "0", "1", "1"},
        {NULL, "5", "4", "3", "2", "1", "1", "3"},
    };
    assert_int_equal(table.n_rows, 2);
    for (size_t i = 0; i < 3; i++) {
        static const char *const columns[] = {"leads", "offered", "touched", "contacted", "won", "lost", "open"};
        for (size_t c = 0; c < 7; c++)
            assert_cell(table, wanted[i][0], columns[c], wanted[i][c + 1]);
    }
    assert_cell(table, "web", "contact_rate_pct", "33.3");
    assert_cell(table, "web", "close_rate_pct", "33.3");
    assert_int_equal(table.leads, 5);
    assert_int_equal(table.older, 0);
    assert_int_equal(table.states[LEAD_CLOSED_WON] + table.states[LEAD_CLOSED_LOST] + table.states[LEAD_OWNED] +
                         table.states[LEAD_PIPELINE] + table.states[LEAD_POOLED],
                     5);
    table = made_after(&table, tales, "funnel", "campaign", NULL);
    assert_cell(table, "spring", "leads", "3");
    assert_cell(table, "=1+1", "leads", "1");
    assert_cell(table, "7", "leads", "1");
    assert_cell(table, "spring", "duplicate", "");
    done(&table, &tales, &day);
}

static void by_agent_and_team_a_lead_counts_for_each_that_was_offered_it(void **state)
{
    (void) state;
    struct day *day = known_day();
    struct tales *tales = tales_of(day, NULL);
    struct report_table table = made(tales, "funnel", "agent", NULL);
    static const char *const wanted[][6] = {
        /* agent, leads, accepted, touched, won, open */
        {"ana", "3", "2", "1", "1", "2"}, {"ben", "1", "1", "1", "0", "1"}, {"cid", "1", "1", "1", "0", "0"},
        {"", "1", "0", "0", "0", "1"},    {NULL, "5", "4", "3", "1", "3"},
    };
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        static const char *const columns[] = {"leads", "accepted", "touched", "won", "open"};
        for (size_t c = 0; c < 5; c++)
            assert_cell(table, wanted[i][0], columns[c], wanted[i][c + 1]);
    }
    table = made_after(&table, tales, "funnel", "team", NULL);
    assert_cell(table, "north", "leads", "3");
    assert_cell(table, "south", "leads", "1");
    assert_cell(table, "desk", "lost", "1");
    done(&table, &tales, &day);
}

static void costs_are_those_of_the_leads_and_gains_those_of_the_closes(void **state)
{
    (void) state;
    struct day *day = known_day();
    struct tales *tales = tales_of(day, NULL);
    struct report_table table = made(tales, "cost", NULL, NULL);
    assert_cell(table, "web", "cost", "40.00");
    assert_cell(table, "web", "value", "500.00");
    assert_cell(table, "web", "cost_per_lead", "13.33");
    assert_cell(table, "web", "cost_per_close", "40.00");
    assert_cell(table, "web", "roi_pct", "1150.0");
    assert_cell(table, "bought", "cost", "10.00");
    assert_cell(table, "bought", "cost_per_close", "");
    assert_cell(table, "bought", "roi_pct", "-100.0");
    table = made_after(&table, tales, "cost", "agent", NULL);
    assert_cell(table, "ana", "cost", "20.00"); /* not of the one that was declined */
    assert_cell(table, "ben", "cost", "20.00");
    done(&table, &tales, &day);
}

static void waiting_is_measured_from_intake(void **state)
{
    (void) state;
    struct day *day = known_day();
    struct tales *tales = tales_of(day, NULL);
    struct report_table table = made(tales, "speed", NULL, NULL);
    assert_cell(table, "fresh", "offer_max_ms", "0");
    assert_cell(table, "fresh", "accept_p50_ms", "2000"); /* of 0, 2 and 30 s */
    assert_cell(table, "fresh", "accept_max_ms", "30000");
    assert_cell(table, "fresh", "contact_p50_ms", "5000");
    assert_cell(table, "fresh", "contact_max_ms", "70000");
    assert_cell(table, "aged", "offer_p50_ms", "60000");
    assert_cell(table, "aged", "accept_p50_ms", "60000"); /* pulled is accepted by asking */
    assert_cell(table, "aged", "contact_p99_ms", "400000");
    table = made_after(&table, tales, "speed", "mode", NULL);
    assert_cell(table, "push", "touched", "2");
    assert_cell(table, "pull", "contact_p50_ms", "400000");
    table = made_after(&table, tales, "histogram", NULL, NULL);
    assert_cell(table, "fresh", "within_10s", "1");
    assert_cell(table, "fresh", "within_1min", "1");
    assert_cell(table, "fresh", "within_5min", "2");
    assert_cell(table, "aged", "within_5min", "0");
    assert_cell(table, "aged", "within_30min", "1");
    assert_cell(table, "aged", "never", "1");
    done(&table, &tales, &day);
}

static void the_objective_counts_those_whose_time_is_over(void **state)
{
    (void) state;
    struct day *day = known_day();
    struct tales *tales = tales_of(day, NULL);
    struct report_table table = made(tales, "slo", NULL, NULL);
    assert_cell(table, "web", "within_target", "1");
    assert_cell(table, "web", "target_pct", "33.3"); /* the third is 400 s old and untouched */
    assert_cell(table, "web", "within_limit", "2");
    assert_cell(table, "web", "limit_pct", "66.7");
    assert_cell(table, "bought", "target_pct", "0.0");
    assert_cell(table, "bought", "limit_pct", "0.0"); /* of one: the other is 100 s old, the limit may still be met */
    assert_cell(table, "bought", "never", "1");
    report_fini(&table);
    const struct report_asked patient = {.window = {INT64_MIN, INT64_MAX}, .limit_us = 500 * INT64_C(1000000)};
    table = made(tales, "slo", NULL, &patient);
    assert_cell(table, "web", "limit_pct", "100.0"); /* it may still be met for the one that is 400 s old */
    done(&table, &tales, &day);
}

static void attempts_pools_and_consumption_have_one_right_answer(void **state)
{
    (void) state;
    struct day *day = known_day();
    struct tales *tales = tales_of(day, NULL);
    struct report_table table = made(tales, "attempts", NULL, NULL);
    assert_cell(table, "0", "leads", "2");
    assert_cell(table, "1", "leads", "3");
    assert_cell(table, "1", "won", "1");
    assert_cell(table, "1", "open", "1");
    table = made_after(&table, tales, "pools", NULL, NULL);
    assert_cell(table, "1", "claims", "3"); /* ana alone twice, cid alone */
    assert_cell(table, "1", "claim_max_ms", "60000");
    assert_cell(table, "2", "claims",
                "1"); /* ben when ana was there too: from its intake, the declined offer included */
    assert_cell(table, "2", "claim_p50_ms", "30000");
    table = made_after(&table, tales, "consumption", NULL, NULL);
    assert_cell(table, "ana", "taken", "2");
    assert_cell(table, "ana", "share_taken_pct", "50.0");
    assert_cell(table, "ana", "share_won_pct", "100.0");
    assert_cell(table, "ana", "place", "1");
    assert_cell(table, "ana", "inverted", "");
    assert_cell(table, "ben", "place", "2");
    assert_cell(table, "ben", "inverted", ""); /* takes less than an even share */
    done(&table, &tales, &day);
}

static void velocity_counts_work_by_when_it_was_done(void **state)
{
    (void) state;
    struct day *day = known_day();
    struct tales *tales = tales_of(day, NULL);
    struct report_table table = made(tales, "velocity", NULL, NULL);
    assert_cell(table, "ana", "hours", "0.306"); /* 1100 s */
    assert_cell(table, "ben", "hours", "0.158"); /* 130 to 700 s */
    assert_cell(table, "cid", "hours", "0.094"); /* 260 to 600 s */
    assert_cell(table, "ben", "worked_per_hour", "6.32");
    assert_cell(table, NULL, "dispositions", "3");
    report_fini(&table);
    tales_destroy(&tales);
    const struct report_asked noon = {.window = {BEGIN_US + 150000 * INT64_C(1000), BEGIN_US + 330000 * INT64_C(1000)}};
    tales = tales_of(day, &noon.window);
    table = made(tales, "velocity", NULL, &noon);
    assert_cell(table, "ana", "hours", "0.050");
    assert_cell(table, "ana", "worked", "0");
    assert_cell(table, "ben", "worked", "1");
    assert_cell(table, "cid", "hours", "0.019");
    table = made_after(&table, tales, "funnel", NULL, &noon); /* leads by their intake, whatever came later */
    assert_cell(table, NULL, "leads", "1");
    assert_cell(table, "bought", "lost", "1");
    done(&table, &tales, &day);
}

static void an_outage_is_no_duty(void **state)
{
    (void) state;
    struct day *day = day_under(policy_text);
    arrives(day, 0, "ana", "north", INTENT_AVAILABLE);
    arrives(day, 1, "ben", "south", INTENT_AVAILABLE);
    at(day, 360 * S);
    comes(day, "bought", NULL, 0, 0); /* an entry: the outage is counted from the last one */
    another_broker(day, INT64_C(86400000000));
    const uint32_t ana = arrives(day, 0, "ana", "north", INTENT_AVAILABLE);
    day->now_us += INT64_C(360000000);
    leaves(day, ana);
    struct tales *tales = tales_of(day, NULL);
    struct report_table table = made(tales, "velocity", NULL, NULL);
    assert_cell(table, "ana", "hours", "0.200");
    assert_cell(table, "ben", "hours", "0.200");
    done(&table, &tales, &day);
}

/* The day begins on a Tuesday at 22:13:20 UTC. */
static void time_on_hold_is_no_time_to_claim(void **state)
{
    (void) state;
    struct day *day = day_under("version: 1\n"
                                "cell: test\n"
                                "zones: [UTC]\n"
                                "hours:\n"
                                "  - {name: late, open: [mon-sun 22:20-23:00]}\n"
                                "programmes:\n"
                                "  - name: fresh\n"
                                "    teams: [north]\n"
                                "    calling: [{hours: late}]\n"
                                "    timers: {unclaimed: 1h}\n");
    const uint32_t ana = arrives(day, 0, "ana", "north", INTENT_AVAILABLE);
    at(day, 100 * S);
    const struct id lead = comes(day, "web", "spring", 0, 0);
    at(day, 405 * S);
    does(day, ana, lead, VERB_ACCEPT, 0, NULL);
    struct tales *tales = tales_of(day, NULL);
    struct report_table table = made(tales, "pools", NULL, NULL);
    assert_cell(table, "1", "claim_max_ms", "5000"); /* it opened after 400 s */
    table = made_after(&table, tales, "speed", NULL, NULL);
    assert_cell(table, "fresh", "accept_max_ms", "305000"); /* who sent it waited all the same */
    done(&table, &tales, &day);
}

static void a_lead_that_waits_for_one_agent_is_of_its_programme_and_that_pool(void **state)
{
    (void) state;
    struct day *day = day_under("version: 1\n"
                                "cell: test\n"
                                "programmes:\n"
                                "  - name: fresh\n"
                                "    teams: [north]\n"
                                "    agents: [{name: ben}]\n"
                                "    routes:\n"
                                "      - {when: {source: web}, to: ben}\n"
                                "    timers: {unclaimed: 1h}\n");
    arrives(day, 0, "ana", "north", INTENT_AVAILABLE);
    const uint32_t ben = arrives(day, 1, "ben", "north", INTENT_AVAILABLE);
    is_now(day, ben, INTENT_AWAY);
    at(day, 10 * S);
    const struct id lead = comes(day, "web", "spring", 0, 0);
    struct tales *tales = tales_of(day, NULL);
    struct report_table table = made(tales, "funnel", "programme", NULL);
    assert_cell(table, "fresh", "open", "1");
    report_fini(&table);
    tales_destroy(&tales);
    at(day, 30 * S);
    is_now(day, ben, INTENT_AVAILABLE);
    does(day, ben, lead, VERB_ACCEPT, 0, NULL);
    tales = tales_of(day, NULL);
    table = made(tales, "pools", "pool", NULL);
    assert_cell(table, "fresh>ben", "claim_max_ms", "20000");
    table = made_after(&table, tales, "pools", "size", NULL);
    assert_cell(table, "1", "claims", "1");
    done(&table, &tales, &day);
}

static void an_attempt_too_many_is_one_disposition(void **state)
{
    (void) state;
    struct day *day =
        day_under("version: 1\n"
                  "cell: test\n"
                  "programmes:\n"
                  "  - {name: fresh, teams: [north], attempts_max: 1, attempts_min: 1, recycles_max: 0}\n");
    const uint32_t ana = arrives(day, 0, "ana", "north", INTENT_AVAILABLE);
    const struct id lead = comes(day, "web", "spring", 0, 0);
    does(day, ana, lead, VERB_ACCEPT, 0, NULL);
    does(day, ana, lead, VERB_ACTION, 0, NULL);
    at(day, 1 * S);
    does(day, ana, lead, VERB_DISPOSITION, DISPOSITION_NO_ANSWER, "rang");
    does(day, ana, lead, VERB_WITHDRAWN, 0, NULL);
    struct tales *tales = tales_of(day, NULL);
    const struct tale *tale = tales_first(tales);
    assert_int_equal(tale->deeds.dispositions, 1);
    assert_true(tale->deeds.did & DEED_DISPOSED);
    assert_false(tale->deeds.did & DEED_CONTACTED);
    assert_int_equal(tale->deeds.end, LEAD_EXHAUSTED);
    assert_int_equal(tale->hands->deeds.end, LEAD_EXHAUSTED);
    tales_destroy(&tales);
    day_destroy(&day);
}

static void a_programme_alone_is_counted_without_the_others(void **state)
{
    (void) state;
    struct day *day = known_day();
    struct tales *tales = tales_of(day, NULL);
    const struct report_asked aged = {.programme = "aged", .window = {INT64_MIN, INT64_MAX}};
    struct report_table table = made(tales, "funnel", NULL, &aged);
    assert_cell(table, NULL, "leads", "2");
    table = made_after(&table, tales, "velocity", NULL, &aged);
    assert_int_equal(table.n_rows, 1);
    assert_cell(table, "cid", "worked", "1");
    done(&table, &tales, &day);
}

/* Agents may say all of it in one frame, so that the log has one row for it. */
static void what_happens_within_one_beat_is_told_step_by_step(void **state)
{
    (void) state;
    struct day *day = day_under(policy_text);
    const uint32_t ana = arrives(day, 0, "ana", "north", INTENT_AVAILABLE);
    const struct id lead = comes(day, "web", "spring", 100, 0);
    at(day, 7 * S);
    const struct act acts[] = {
        act_of(day, lead, VERB_ACCEPT, 0, NULL),
        act_of(day, lead, VERB_ACTION, 0, NULL),
        act_of(day, lead, VERB_NOTE, 0, "not in"),
        act_of(day, lead, VERB_ACTION, 0, NULL),
        act_of(day, lead, VERB_ATTEMPT_END, 0, NULL),
        act_of(day, lead, VERB_NOTE, 0, "now she is"),
        act_of(day, lead, VERB_DISPOSITION, DISPOSITION_CALLBACK, NULL),
    };
    struct act now[7];
    memcpy(now, acts, sizeof now);
    now[6].at_ms = day->now_us / 1000 + 3600 * S;
    say(day, ana, now, 7);
    struct tales *tales = tales_of(day, NULL);
    const struct tale *tale = tales_first(tales);
    assert_int_equal(tale->deeds.did, DEED_OFFERED | DEED_ACCEPTED | DEED_TOUCHED | DEED_CONTACTED | DEED_DISPOSED);
    assert_int_equal(tale->deeds.touched_us - tale->received_us, 7 * S * 1000);
    assert_int_equal(tale->deeds.dispositions, 1);
    tales_destroy(&tales);
    day_destroy(&day);
}

struct heard {
    enum reason reasons[64];
    uint32_t states[64], agents[64], n, found;
};

static void take_step(void *arg, const struct tale_step *step)
{
    struct heard *heard = arg;
    assert_true(heard->n < 64);
    heard->agents[heard->n] = step->agent;
    heard->states[heard->n] = step->state;
    heard->found += step->found;
    heard->reasons[heard->n++] = step->reason;
}

static void a_history_has_every_step_in_order_and_who_did_it(void **state)
{
    (void) state;
    struct day *day = known_day();
    static const enum reason wanted[] = {REASON_INTAKE,        REASON_PLAIN_ORDER, REASON_DECLINED,
                                         REASON_PLAIN_ORDER,   REASON_ACCEPTED,    REASON_ACTION,
                                         REASON_ATTEMPT_ENDED, REASON_NOTED,       REASON_DISPOSED_PIPELINE};
    static const uint32_t who[] = {TALE_NOBODY, 0, 0, 1, 1, 1, 1, 1, 1};
    struct heard heard = {0};
    const struct tale_watch watch = {{5, 2}, take_step, &heard};
    const struct window all = {INT64_MIN, INT64_MAX};
    struct tales *tales = tales_new(&all, &watch);
    fold(tales, day->beats, day->n_beats);
    assert_true(heard.n >= sizeof wanted / sizeof *wanted);
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        assert_int_equal(heard.reasons[i], wanted[i]);
        assert_int_equal(heard.agents[i], who[i]);
    }
    assert_int_equal(heard.found, 0);
    assert_null(tale_next(tales_first(tales))); /* no other lead is kept */
    tales_destroy(&tales);
    day_destroy(&day);
}

/* The log without its first beats, then the state, as walk.h gives them where the beginning was trimmed. */
static void a_log_that_lost_its_beginning_still_counts_every_lead_once(void **state)
{
    (void) state;
    struct day *day = known_day();
    struct buf dump = {0};
    const struct window all = {INT64_MIN, INT64_MAX};
    core_dump(day->core, &dump);
    for (uint32_t lost = 0; lost <= day->n_beats; lost++) {
        struct tales *tales = tales_new(&all, NULL);
        struct row_ref row;
        fold(tales, day->beats + lost, day->n_beats - lost);
        for (uint32_t from = 0; row_next(slice_of(dump.at, dump.len), &from, &row) == 1;)
            assert_true(tales_row(tales, &row, NULL));
        tales_end(tales);
        if (lost < day->n_beats) { /* else there is no time at all */
            struct report_table table = made(tales, "funnel", NULL, NULL);
            assert_int_equal(table.leads, 5);
            assert_cell(table, NULL, "offered", "4");
            assert_cell(table, NULL, "touched", "3");
            assert_cell(table, NULL, "won", "1");
            assert_cell(table, "web", "open", "2");
            report_fini(&table);
        }
        tales_destroy(&tales);
    }
    buf_fini(&dump);
    day_destroy(&day);
}

static void damaged_rows_are_refused(void **state)
{
    (void) state;
    struct day *day = known_day();
    const struct window all = {INT64_MIN, INT64_MAX};
    const struct entry entry = {.time_ms = 1};
    for (uint32_t i = 0; i < day->n_beats; i++) {
        struct row_ref row;
        for (uint32_t from = 0; row_next(slice_of(day->beats[i].body.at, day->beats[i].body.len), &from, &row) == 1;) {
            if (row.type != ROW_LEAD && row.type != ROW_INPUT)
                continue;
            struct tales *tales = tales_new(&all, NULL);
            row.payload.len -= 1;
            assert_false(tales_row(tales, &row, &entry));
            tales_destroy(&tales);
        }
    }
    day_destroy(&day);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_funnel_says_what_became_of_each_lead),
        cmocka_unit_test(by_agent_and_team_a_lead_counts_for_each_that_was_offered_it),
        cmocka_unit_test(costs_are_those_of_the_leads_and_gains_those_of_the_closes),
        cmocka_unit_test(waiting_is_measured_from_intake),
        cmocka_unit_test(the_objective_counts_those_whose_time_is_over),
        cmocka_unit_test(attempts_pools_and_consumption_have_one_right_answer),
        cmocka_unit_test(velocity_counts_work_by_when_it_was_done),
        cmocka_unit_test(an_outage_is_no_duty),
        cmocka_unit_test(time_on_hold_is_no_time_to_claim),
        cmocka_unit_test(a_lead_that_waits_for_one_agent_is_of_its_programme_and_that_pool),
        cmocka_unit_test(an_attempt_too_many_is_one_disposition),
        cmocka_unit_test(a_programme_alone_is_counted_without_the_others),
        cmocka_unit_test(what_happens_within_one_beat_is_told_step_by_step),
        cmocka_unit_test(a_history_has_every_step_in_order_and_who_did_it),
        cmocka_unit_test(a_log_that_lost_its_beginning_still_counts_every_lead_once),
        cmocka_unit_test(damaged_rows_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
