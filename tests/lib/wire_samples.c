/* SPDX-License-Identifier: Apache-2.0
 * wire_samples.c - the samples: every field of every message differs from zero
 * and from its neighbours, so that one left out or swapped is seen. */
#include "tests/lib/wire_samples.h"

#define TEXT(words)                                                                                                    \
    {                                                                                                                  \
        (const uint8_t *) (words), sizeof(words) - 1                                                                   \
    }
#define COUNT(list) ((uint32_t) (sizeof(list) / sizeof((list)[0])))

static const struct attribute attributes[] = {
    {.name = TEXT("state"), .text = TEXT("CA")},   {.name = TEXT("age"), .number = 41},
    {.name = TEXT("balance"), .number = -1200},    {.name = TEXT("none"), .number = 0},
    {.name = TEXT("job_title"), .text = TEXT("")},
};

static const struct row rows[] = {
    {
        .key = TEXT("row-1"),
        .name = TEXT("Zo\xc3\xab Example"),
        .phone = TEXT("+1 555 0100"),
        .email = TEXT("zoe@example.org"),
        .street = TEXT("1 Main Street"),
        .web = TEXT("https://example.org/zoe"),
        .ref = TEXT("crm-77"),
        .remarks = TEXT("likes \xe2\x82\xac and \xf0\x9f\x8c\xb3"),
        .priority = -7,
        .value_cents = 123456789,
        .cost_cents = 4200,
        .attributes = attributes,
        .n_attributes = COUNT(attributes),
    },
    {.key = TEXT("row-2"), .name = TEXT("B")},
    {.name = TEXT("a row without a key is rejected alone")},
};

static const struct id receipt_leads[] = {{1, 2}, {0, 0}, {UINT64_C(0xfedcba9876543210), 3}};
static const uint32_t receipt_outcomes[] = {REASON_OK, REASON_NO_KEY, REASON_PAYLOAD_DIFFERS};
static const uint32_t receipt_warnings[] = {ROW_WARNING_NO_NAME, 0,
                                            ROW_WARNING_PHONE_DAMAGED | ROW_WARNING_ZIP_DAMAGED};

static const struct act acts[] = {
    {.op = {11, 12}, .lead = {13, 14}, .fence = 15, .verb = VERB_ACCEPT},
    {.op = {21, 22},
     .lead = {23, 24},
     .fence = UINT64_MAX,
     .verb = VERB_DISPOSITION,
     .code = DISPOSITION_CALLBACK,
     .note = TEXT("call at nine"),
     .at_ms = INT64_C(1900000000000)},
};

static const struct act_result results[] = {
    {.op = {31, 32}, .lead = {33, 34}, .reason = REASON_OK, .state = 5},
    {.op = {35, 36}, .lead = {37, 38}, .reason = REASON_STALE_FENCE, .state = 3},
};
static const struct withdrawal withdrawals[] = {
    {.lead = {41, 42}, .fence = 43, .reason = REASON_OFFER_LAPSED},
};
static const struct offer offers[] = {
    {.lead = {51, 52},
     .fence = 53,
     .state = 4,
     .valid_seq = 54,
     .valid_ms = 20000,
     .answer_ms = 19000,
     .attempts = 2,
     .score = -5,
     .row = TEXT("\x0a\x05row-1")},
    {.lead = {61, 62}, .fence = 63, .state = 5, .score = 1, .row = TEXT("\x0a\x05row-2")},
    {.lead = {65, 66},
     .fence = 67,
     .state = 4,
     .see = SEE_COARSE,
     .row = TEXT("\x12\x05\x0a\x01z\x18\x02\x18\x03\x20\x04")},
    {.lead = {68, 69}, .fence = 70, .state = 4, .see = SEE_NONE},
};

static const struct offer candidates[] = {
    {.lead = {71, 73}, .state = 2, .attempts = 3, .score = 6, .see = SEE_FULL, .row = TEXT("\x0a\x05row-3")},
};

static const struct feature features[] = {{0xdeadbeef, -1}, {7, INT64_MAX}, {8, INT64_MIN}};
static const struct request_lead request_leads[] = {
    {.age_ms = 1,
     .attempts = 2,
     .priority = -3,
     .value_cents = 4,
     .only_agent = 2,
     .n_features = 2,
     .features = features},
    {.age_ms = 500000, .priority = 9, .value_cents = 99},
    {.age_ms = 8, .n_features = 1, .features = features + 2},
};
static const uint32_t agent_skills[] = {0x11223344, 5};
static const struct request_agent request_agents[] = {
    {.slots = 1,
     .open = 2,
     .idle_ms = 3,
     .weight = 4,
     .turn = UINT64_C(1) << 40,
     .won = 6,
     .closed = 7,
     .n_skills = 2,
     .skills = agent_skills},
    {.slots = 300},
};
static const struct exclusion excluded[] = {{0, 1}, {2, 0}};
static const struct verdict verdicts[] = {
    {.agent = 2, .runner_up = 1, .score = 70000, .margin = 300},
    {0},
    {.agent = 1, .score = -1, .margin = -2},
};

static const struct slice columns[] = {TEXT("state"), TEXT("n")};
static const struct slice cells[] = {TEXT("POOLED"), TEXT("16000"), TEXT(""), TEXT("3")};

static const struct msg samples[] = {
    {.seq = 1,
     .kind = MSG_HELLO,
     .hello = {.protocol = 1,
               .role = ROLE_AGENT,
               .name = TEXT("ana.b_c-d@team"),
               .team = TEXT("west"),
               .intent = INTENT_ON_DEMAND,
               .capacity = 3,
               .skills = {TEXT("solar"), TEXT("espa\xc3\xb1ol")},
               .n_skills = 2,
               .seen_epoch = 9,
               .seen_beat = 300,
               .replaces = UINT64_C(0x8000000000000002),
               .place = TEXT("host-7/4711")}},
    {.session = 5,
     .seq = 1,
     .kind = MSG_WELCOME,
     .welcome = {.session = UINT64_C(0x8000000000000001),
                 .epoch = 10,
                 .beat = 11,
                 .heartbeat_ms = 5000,
                 .lease_ms = 20000,
                 .guard_ms = 2000,
                 .level = 1,
                 .rows_max = 256,
                 .cell = TEXT("demo-1")}},
    {.session = 5, .seq = UINT64_MAX, .kind = MSG_HEARTBEAT, .heartbeat = {.draining = true}},
    {.session = 5, .seq = 3, .kind = MSG_HEARD, .heard = {.seq = 77, .valid_ms = 20000}},
    {.session = 5, .seq = 4, .kind = MSG_BYE},
    {.session = 5,
     .seq = 5,
     .kind = MSG_ERROR,
     .error = {.reason = REASON_BUSY, .seq = 6, .text = TEXT("try again"), .retry_after_ms = 50}},
    {.session = 5,
     .seq = 6,
     .kind = MSG_MANIFEST,
     .manifest = {.import = {71, 72}, .source = TEXT("webform"), .rows = 300, .chunks = 2}},
    {.session = 5,
     .seq = 7,
     .kind = MSG_MANIFEST_STATE,
     .manifest_state = {.import = {71, 72},
                        .reason = REASON_TOO_MANY,
                        .standing = TEXT("\x03\x00\xff"),
                        .accepted = 290,
                        .duplicate = 7,
                        .rejected = 3}},
    {.session = 5,
     .seq = 8,
     .kind = MSG_CHUNK,
     .chunk = {.op = {81, 82},
               .import = {71, 72},
               .number = 1,
               .source = TEXT("webform"),
               .rows = rows,
               .n_rows = COUNT(rows)}},
    {.session = 5,
     .seq = 9,
     .kind = MSG_RECEIPT,
     .receipt = {.op = {81, 82},
                 .reason = REASON_OP_ID_REUSED,
                 .level = 2,
                 .retry_after_ms = 12,
                 .epoch = 13,
                 .beat = 14,
                 .n_rows = COUNT(receipt_leads),
                 .leads = receipt_leads,
                 .outcomes = receipt_outcomes,
                 .warnings = receipt_warnings}},
    {.session = 5,
     .seq = 10,
     .kind = MSG_AGENT_SAYS,
     .says = {.acts = acts,
              .n_acts = COUNT(acts),
              .has_ready = true,
              .has_intent = true,
              .ready_op = {91, 92},
              .ready_wait_ms = 600000,
              .ready_take = {94, 95},
              .intent = INTENT_OFFLINE,
              .away_code = 4}},
    {.session = 5,
     .seq = 11,
     .kind = MSG_AGENT_HEARS,
     .hears = {.results = results,
               .withdrawals = withdrawals,
               .offers = offers,
               .n_results = COUNT(results),
               .n_withdrawals = COUNT(withdrawals),
               .n_offers = COUNT(offers),
               .candidates = candidates,
               .n_candidates = COUNT(candidates),
               .has_ready = true,
               .ready = {.op = {91, 92}, .lead = {93, 94}, .reason = REASON_OWES_NOTE, .wait_ms = 30}}},
    {.session = 5,
     .seq = 12,
     .kind = MSG_REQUEST,
     .request = {.id = 101,
                 .seed = UINT64_MAX,
                 .rotation = 102,
                 .policy_version = 103,
                 .deadline_ms = 20,
                 .programme = 2,
                 .strategy = STRATEGY_JOINT_OPTIMUM,
                 .leads = request_leads,
                 .agents = request_agents,
                 .excluded = excluded,
                 .n_leads = COUNT(request_leads),
                 .n_agents = COUNT(request_agents),
                 .n_excluded = COUNT(excluded),
                 .policy = TEXT("\x00\xff\x01")}},
    {.session = 5,
     .seq = 13,
     .kind = MSG_DECISION,
     .decision = {.id = 101,
                  .rotation = 104,
                  .reason = REASON_NEED_POLICY,
                  .verdicts = verdicts,
                  .n_verdicts = COUNT(verdicts),
                  .spent_us = 105,
                  .policy_version = 103,
                  .total = -106,
                  .bound = 107}},
    {.session = 5, .seq = 14, .kind = MSG_QUERY, .query = {.what = QUERY_LEAD, .arg = TEXT("00ff"), .limit = 1000}},
    {.session = 5,
     .seq = 15,
     .kind = MSG_REPORT,
     .report = {.what = QUERY_STATUS,
                .reason = REASON_UNKNOWN_LEAD,
                .columns = columns,
                .types = "sn",
                .cells = cells,
                .n_columns = 2,
                .n_rows = 2,
                .more = true}},
    {.session = 5,
     .seq = 17,
     .kind = MSG_AGENT_SAYS,
     .says = {.has_ready = true, .ready_op = {96, 97}, .ready_list = 9}},
    {.session = 5, .seq = 16, .kind = MSG_APPLY, .apply = {.text = TEXT("programmes:\n")}},
    {.session = 5,
     .seq = 17,
     .kind = MSG_ORDER,
     .order = {.op = {111, 112},
               .lead = {113, 114},
               .what = ORDER_ASSIGN,
               .code = DISPOSITION_FAKE,
               .agent = TEXT("ben"),
               .actor = TEXT("chief"),
               .why = TEXT("knows her")}},
    {.session = 5,
     .seq = 18,
     .kind = MSG_SUPPRESS,
     .suppress = {.contacts = TEXT("310-246-1501\nada@example.com\n"), .remove = true}},
};

const struct msg *wire_sample(unsigned i)
{
    return i < COUNT(samples) ? &samples[i] : NULL;
}
