/* SPDX-License-Identifier: Apache-2.0
 * test_wire_check.c - the rules of each message, one change to a good sample at a
 * time, with the sentence that names what is wrong.
 *
 * The frames are made with the encoder's inside, which does not check; the same
 * rule must also hold for who is about to send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "proto/wire_internal.h"
#include "tests/lib/wire_samples.h"

static struct wire *wire;
static uint8_t bytes[2 * FRAME_BYTES_MAX];

static int setup(void **state)
{
    (void) state;
    wire = wire_new();
    return 0;
}

static int teardown(void **state)
{
    (void) state;
    wire_destroy(&wire);
    return 0;
}

static const struct msg *sample_of(enum msg_kind kind)
{
    unsigned i = 0;
    while (wire_sample(i)->kind != kind)
        i++;
    return wire_sample(i);
}

/* `why` NULL: accepted. */
static void expect(const struct msg *msg, enum reason reason, const char *why)
{
    struct msg back;
    size_t len = wire_encode_msg(msg, bytes, sizeof bytes);
    assert_true(len > 0);
    assert_int_equal(wire_decode(wire, bytes, len, &back), reason);
    assert_string_equal(wire_why(wire), why == NULL ? "" : why);
    const char *own = wire_check_msg(msg);
    assert_true((own == NULL) == (why == NULL));
}

#define TEXT(words) ((struct slice){(const uint8_t *) (words), sizeof(words) - 1})
#define EXPECT(kind, change, why)                                                                                      \
    do {                                                                                                               \
        struct msg m = *sample_of(kind);                                                                               \
        change;                                                                                                        \
        expect(&m, (why) == NULL ? REASON_OK : REASON_BAD_FIELD, why);                                                 \
    } while (0)

static void test_peers_introduce_themselves_properly(void **state)
{
    static const char long_name[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    struct msg other = *sample_of(MSG_HELLO);
    (void) state;
    other.hello.protocol = 2;
    other.hello.role = 0;
    expect(&other, REASON_PROTOCOL_VERSION, "hello.protocol: not 1");
    EXPECT(MSG_HELLO, m.hello.role = 0, "hello.role: not 1..4");
    EXPECT(MSG_HELLO, m.hello.role = 5, "hello.role: not 1..4");
    EXPECT(MSG_HELLO, m.hello.role = INT32_MAX, "hello.role: not 1..4");
    EXPECT(MSG_HELLO, m.hello.name.len = 0, "hello.name: not [A-Za-z0-9._@-]{1,64}");
    EXPECT(MSG_HELLO, m.hello.name = TEXT("an a"), "hello.name: not [A-Za-z0-9._@-]{1,64}");
    EXPECT(MSG_HELLO, m.hello.name = TEXT("an/a"), "hello.name: not [A-Za-z0-9._@-]{1,64}");
    EXPECT(MSG_HELLO, m.hello.name = TEXT("ana\0"), "hello.name: not [A-Za-z0-9._@-]{1,64}");
    EXPECT(MSG_HELLO, m.hello.name = slice_of(long_name, 65), "hello.name: not [A-Za-z0-9._@-]{1,64}");
    EXPECT(MSG_HELLO, m.hello.name = slice_of(long_name, 64), NULL);
    EXPECT(MSG_HELLO, m.hello.team.len = 0, NULL);
    EXPECT(MSG_HELLO, m.hello.team = TEXT("w*"), "hello.team: not [A-Za-z0-9._@-]{1,64}");
    EXPECT(MSG_HELLO, m.hello.intent = 4, "hello.intent: not in agent_intents.def");
    EXPECT(MSG_HELLO, m.hello.capacity = 65537, "hello.capacity: over 65536");
    EXPECT(MSG_HELLO, m.hello.skills[1].len = 0, "hello.skills: not text of 1..64 bytes");
    EXPECT(MSG_HELLO, m.hello.skills[1] = TEXT("a\xff"), "hello.skills: not text of 1..64 bytes");
    EXPECT(MSG_WELCOME, m.welcome.session = 0, "welcome.session: missing");
    EXPECT(MSG_WELCOME, m.welcome.heartbeat_ms = 0, "welcome.heartbeat_ms, lease_ms: missing");
    EXPECT(MSG_WELCOME, m.welcome.cell = TEXT("Demo"), "welcome.cell: not [a-z0-9-]{1,32}");
    EXPECT(MSG_WELCOME, m.welcome.level = 4, "welcome.level: not 1..3");
    EXPECT(MSG_WELCOME, m.welcome.rows_max = 257, "welcome.rows_max: not 1..256");
    EXPECT(MSG_ERROR, m.error.reason = REASON_OK, "error.reason: not 1..999");
    EXPECT(MSG_ERROR, m.error.reason = 1000, "error.reason: not 1..999");
    EXPECT(MSG_ERROR, m.error.reason = 999, NULL); /* of a later version */
    EXPECT(MSG_ERROR, m.error.text = TEXT("a\nb"), "error.text: not text of at most 512 bytes");
}

static void test_sources_say_what_they_send(void **state)
{
    (void) state;
    EXPECT(MSG_MANIFEST, m.manifest.import = (struct id){0}, "manifest.import: missing");
    EXPECT(MSG_MANIFEST, m.manifest.source.len = 0, "manifest.source: not [A-Za-z0-9._@-]{1,64}");
    EXPECT(MSG_MANIFEST, m.manifest.chunks = 8193, "manifest.chunks: over 8192");
    EXPECT(MSG_MANIFEST, m.manifest.rows = 513, "manifest.rows: not 1..256 a chunk");
    EXPECT(MSG_MANIFEST, m.manifest.rows = 1, "manifest.rows: not 1..256 a chunk");
    EXPECT(MSG_MANIFEST, m.manifest.rows = m.manifest.chunks = 0, NULL); /* asks only */
    EXPECT(MSG_MANIFEST_STATE, m.manifest_state.import = (struct id){0}, "manifest_state.import: missing");
    EXPECT(MSG_MANIFEST_STATE, m.manifest_state.reason = 1000, "manifest_state.reason: over 999");
    EXPECT(MSG_MANIFEST_STATE, m.manifest_state.standing = slice_of(bytes + FRAME_BYTES_MAX, 1025),
           "manifest_state.standing: over 1024 bytes");
    EXPECT(MSG_CHUNK, m.chunk.op = (struct id){0}, "chunk.op: missing");
    EXPECT(MSG_CHUNK, m.chunk.import = (struct id){0}, NULL);
    EXPECT(MSG_CHUNK, m.chunk.source = TEXT("web form"), "chunk.source: not [A-Za-z0-9._@-]{1,64}");
    EXPECT(MSG_CHUNK, m.chunk.source = slice_of(bytes + FRAME_BYTES_MAX, 65),
           "chunk.source: not [A-Za-z0-9._@-]{1,64}");
    EXPECT(MSG_CHUNK, m.chunk.number = 8192, "chunk.number: over 8191");
    EXPECT(MSG_CHUNK, m.chunk.n_rows = 0, "chunk.leads: not 1..256");
    EXPECT(MSG_RECEIPT, m.receipt.op = (struct id){0}, "receipt.op: missing");
    EXPECT(MSG_RECEIPT, m.receipt.reason = 1000, "receipt.reason: over 999");
    EXPECT(MSG_RECEIPT, m.receipt.level = 4, "receipt.level: over 3");
    EXPECT(MSG_RECEIPT, m.receipt.n_rows = 0, NULL);
    static const uint32_t outcomes[] = {0, 1000, 0};
    EXPECT(MSG_RECEIPT, m.receipt.outcomes = outcomes, "receipt.outcomes: over 999");
}

static void test_agents_act_within_limits(void **state)
{
    static uint8_t note[2001];
    struct act act = sample_of(MSG_AGENT_SAYS)->says.acts[1];
#define EXPECT_ACT(change, why)                                                                                        \
    do {                                                                                                               \
        struct act a = act;                                                                                            \
        change;                                                                                                        \
        EXPECT(MSG_AGENT_SAYS, (m.says.acts = &a, m.says.n_acts = 1), why);                                            \
    } while (0)
    (void) state;
    memset(note, 'n', sizeof note);
    EXPECT_ACT(a.op = (struct id){0}, "act.op: missing");
    EXPECT_ACT(a.lead = (struct id){0}, "act.lead: missing");
    EXPECT_ACT(a.verb = 0, "act.verb: not in act_verbs.def");
    EXPECT_ACT(a.verb = 9, "act.verb: not in act_verbs.def");
    EXPECT_ACT(a.verb = INT32_MAX, "act.verb: not in act_verbs.def");
    EXPECT_ACT(a.code = 65536, "act.code: over 65535");
    EXPECT_ACT(a.note = slice_of(note, 2001), "act.note: not text of at most 2000 bytes");
    EXPECT_ACT(a.note = slice_of(note, 2000), NULL);
    EXPECT_ACT(a.note = TEXT("two\nlines"), "act.note: not text of at most 2000 bytes");
    EXPECT_ACT(a.at_ms = -1, "act.at_ms: not between 1970 and 9999");
    EXPECT_ACT(a.at_ms = INT64_MAX, "act.at_ms: not between 1970 and 9999");
    EXPECT(MSG_AGENT_SAYS, m.says.ready_op = (struct id){0}, "ready.op: missing");
    EXPECT(MSG_AGENT_SAYS, m.says.has_ready = false, NULL);
    EXPECT(MSG_AGENT_SAYS, m.says.ready_list = 10, "ready.list, ready.take: one of them");
    EXPECT(MSG_AGENT_SAYS, (m.says.ready_list = 10, m.says.ready_take = (struct id){0}), NULL);
    EXPECT(MSG_AGENT_SAYS, (m.says.ready_list = 11, m.says.ready_take = (struct id){0}), "ready.list: over 10");
    EXPECT(MSG_AGENT_SAYS, m.says.intent = 4, "agent_says.intent: not in agent_intents.def");
    EXPECT(MSG_AGENT_SAYS, m.says.away_code = 65536, "agent_says.away_code: over 65535");
}

static void test_agents_hear_whole_offers(void **state)
{
    struct offer offer = sample_of(MSG_AGENT_HEARS)->hears.offers[0];
    struct act_result result = sample_of(MSG_AGENT_HEARS)->hears.results[0];
    struct withdrawal withdrawal = sample_of(MSG_AGENT_HEARS)->hears.withdrawals[0];
#define EXPECT_HEARS(kind_of, list, change, why)                                                                       \
    do {                                                                                                               \
        kind_of o = list;                                                                                              \
        change;                                                                                                        \
        EXPECT(MSG_AGENT_HEARS, (m.hears.list##s = &o, m.hears.n_##list##s = 1), why);                                 \
    } while (0)
    (void) state;
    EXPECT_HEARS(struct offer, offer, o.lead = (struct id){0}, "offer.lead: missing");
    EXPECT_HEARS(struct offer, offer, o.state = 0, "offer.state: not 1..255");
    EXPECT_HEARS(struct offer, offer, o.state = 256, "offer.state: not 1..255");
    EXPECT_HEARS(struct offer, offer, o.row.len = 0, "offer.row: not 1..8192 bytes");
    EXPECT_HEARS(struct offer, offer, (o.row.len = 0, o.see = SEE_NONE), NULL);
    EXPECT_HEARS(struct offer, offer, o.see = (enum see) 3, "offer.see: not 0..2");
    EXPECT_HEARS(struct offer, offer, o.row = slice_of(bytes + FRAME_BYTES_MAX, 8193), "offer.row: not 1..8192 bytes");
    EXPECT_HEARS(struct act_result, result, o.op = (struct id){0}, "act_result.op: missing");
    EXPECT_HEARS(struct act_result, result, o.reason = 1000, "act_result.reason: over 999");
    EXPECT_HEARS(struct act_result, result, o.state = 256, "act_result.state: over 255");
    EXPECT_HEARS(struct withdrawal, withdrawal, o.lead = (struct id){0}, "withdrawal.lead: missing");
    EXPECT_HEARS(struct withdrawal, withdrawal, o.reason = 1000, "withdrawal.reason: over 999");
    EXPECT_HEARS(struct offer, offer, (o.state = 0, o.see = SEE_NONE), "offer.state: not 1..255");
    EXPECT(MSG_AGENT_HEARS, m.hears.ready.op = (struct id){0}, "ready_result.op: missing");
    EXPECT(MSG_AGENT_HEARS, m.hears.ready.reason = 1000, "ready_result.reason: over 999");
}

static void test_workers_hear_and_say_what_fits_together(void **state)
{
    static const struct exclusion no_lead = {3, 0}, no_agent = {0, 2};
    static const struct verdict no_such = {.agent = 513};
    struct request_lead lead = {.only_agent = 3};
    (void) state;
    EXPECT(MSG_REQUEST, m.request.id = 0, "request.id: missing");
    EXPECT(MSG_REQUEST, m.request.strategy = 0, "request.strategy: not in strategies.def");
    EXPECT(MSG_REQUEST, m.request.strategy = INT32_MAX, "request.strategy: not in strategies.def");
    EXPECT(MSG_REQUEST, (m.request.leads = &lead, m.request.n_leads = 1, m.request.n_excluded = 0),
           "request.only_agent: no such agent");
    EXPECT(MSG_REQUEST, (m.request.excluded = &no_lead, m.request.n_excluded = 1),
           "request.excluded: no such lead or agent");
    EXPECT(MSG_REQUEST, (m.request.excluded = &no_agent, m.request.n_excluded = 1),
           "request.excluded: no such lead or agent");
    EXPECT(MSG_REQUEST, m.request.policy = slice_of(bytes + FRAME_BYTES_MAX, 65537), "request.policy: over 64 KiB");
    EXPECT(MSG_DECISION, m.decision.id = 0, "decision.id: missing");
    EXPECT(MSG_DECISION, m.decision.reason = 1000, "decision.reason: over 999");
    EXPECT(MSG_DECISION, (m.decision.verdicts = &no_such, m.decision.n_verdicts = 1),
           "decision.agent, runner_up: over 512");
}

static void test_operators_ask_and_hear_tables(void **state)
{
    static const struct slice bad_cells[] = {{(const uint8_t *) "a\x1b[2J", 5}, {0}, {0}, {0}};
    (void) state;
    EXPECT(MSG_QUERY, m.query.what = 0, "query.what: not in queries.def");
    EXPECT(MSG_QUERY, m.query.what = 99, "query.what: not in queries.def");
    EXPECT(MSG_QUERY, m.query.limit = 1001, "query.limit: over 1000");
    EXPECT(MSG_QUERY, m.query.arg = TEXT("a\0"), "query.arg: not text of at most 256 bytes");
    EXPECT(MSG_REPORT, m.report.what = 0, "report.what: not in queries.def");
    EXPECT(MSG_REPORT, m.report.types = "sx", "report.types: not of s, n, d, t");
    EXPECT(MSG_REPORT, m.report.cells = bad_cells, "report.cells: not text of at most 64 KiB");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_peers_introduce_themselves_properly),
        cmocka_unit_test(test_sources_say_what_they_send),
        cmocka_unit_test(test_agents_act_within_limits),
        cmocka_unit_test(test_agents_hear_whole_offers),
        cmocka_unit_test(test_workers_hear_and_say_what_fits_together),
        cmocka_unit_test(test_operators_ask_and_hear_tables),
    };
    return cmocka_run_group_tests_name("wire_check", tests, setup, teardown);
}
