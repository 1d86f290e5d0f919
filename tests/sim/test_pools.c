/* SPDX-License-Identifier: Apache-2.0
 * test_pools.c - in which order the leads of a pool go, by what they are and not by
 * their age alone, and what a unit says of its own pool: over crashes, and while
 * the policy changes. */
#include <stdlib.h>

#include "tests/sim/route_world.h"

#define PULL(order)                                                                                                    \
    "programmes:\n"                                                                                                    \
    "  - {name: home, mode: pull, note_required: false, teams: [all, other],\n"                                        \
    "     timers: {first_action: 30d, unclaimed: 30d}, " order "}\n"
#define BY_THREE "order: [{state: [CA, nv]}, {contact_quality: highest}, {loan: highest}]"

/* A field of an encoded Lead: numbers 16 to 19 take two bytes of tag. */
static char *put_field(char *at, int number, const char *text)
{
    return at + sprintf(at, "%c%c%c%s", (number << 3 & 0x7f) | 0x82, 1, (int) strlen(text), text);
}

struct wanted { /* a lead; NULL: without */
    const char *state, *loan, *quality, *phone, *email;
    int32_t priority;
};

static struct id lead_of(struct sim *sim, const struct wanted *wanted)
{
    const char *const names[] = {"state", "loan", "contact_quality"};
    const char *const texts[] = {wanted->state, wanted->loan, wanted->quality};
    const uint32_t key = 1000000 + (uint32_t) sim_core(sim)->leads.n;
    struct attribute attributes[3];
    struct sim_row row = {.key = key, .priority = wanted->priority, .attributes = attributes};
    char payload[256], *at = put_field(payload, 16, "Ada");
    for (int i = 0; i < 3; i++)
        if (texts[i])
            attributes[row.n_attributes++] = (struct attribute){.name = slice_of(names[i], strlen(names[i])),
                                                                .text = slice_of(texts[i], strlen(texts[i]))};
    at = wanted->phone ? put_field(at, 17, wanted->phone) : at;
    at = wanted->email ? put_field(at, 18, wanted->email) : at;
    row.payload = payload;
    sim_chunk(sim, key, "web", 0, 0, &row, 1);
    sim_run_ms(sim, 2);
    return sim_lead_id(key);
}

/* One lead after the other; which of `leads` came as the n-th. */
static void pull_all(struct sim *sim, struct sim_agent *agent, const struct id *leads, uint32_t n, uint32_t *ret_order)
{
    for (uint32_t turn = 0; turn < n; turn++) {
        assert_int_equal(story_ready(sim, agent, 0), REASON_OK);
        ret_order[turn] = n;
        for (uint32_t i = 0; i < n; i++)
            if (id_equal(leads[i], agent->ready.lead))
                ret_order[turn] = i;
        story_work_up_to(sim, agent, agent->ready.lead, LEAD_WRAP_UP);
        assert_int_equal(story_dispose(sim, agent, agent->ready.lead, DISPOSITION_NOT_INTERESTED, "no"), REASON_OK);
    }
}

#define assert_order(order, ...)                                                                                       \
    do {                                                                                                               \
        static const uint32_t wanted_[] = {__VA_ARGS__};                                                               \
        for (size_t i_ = 0; i_ < sizeof wanted_ / sizeof *wanted_; i_++)                                               \
            assert_int_equal((order)[i_], wanted_[i_]);                                                                \
    } while (0)

/* ---- by attributes ------------------------------------------------------------------------- */

static const char phone[] = "256 372 5000", mail[] = "ada@example.com";
static const struct wanted old_leads[] = {
    {"TX", "900000", NULL, phone, mail, 0}, /* 0: of no state that is wanted */
    {"NV", "100", NULL, phone, mail, 0},    /* 1 */
    {"CA", "100", NULL, "12", NULL, 0},     /* 2: a phone that nobody can dial */
    {"CA", "5000", NULL, phone, "x", 0},    /* 3: one way */
    {"CA", "70000", NULL, NULL, mail, 0},   /* 4: one way, and more money */
    {"CA", "100", NULL, phone, mail, 0},    /* 5: both */
    {NULL, "900000", NULL, phone, mail, 0}, /* 6: nobody knows where */
    {"CA", "lots", NULL, phone, mail, 0},   /* 7: both, and the loan is no number */
    {"ca", "99", "9", NULL, NULL, 0},       /* 8: its source says how good the contact is */
    {"TX", "1", NULL, NULL, NULL, 3},       /* 9: a higher priority */
    {"CA", "100", NULL, phone, mail, 0},    /* 10: as 5, and younger */
};
enum { OLD = sizeof old_leads / sizeof *old_leads };

/* 003-21: geography, contact-data quality and requested loan size as plain sort keys */
static void old_leads_go_by_where_they_are_how_they_can_be_reached_and_what_they_want(void **state)
{
    (void) state;
    for (int crash = 0; crash < 2; crash++) {
        struct sim *sim = world_new(PULL(BY_THREE));
        struct id leads[OLD];
        uint32_t order[OLD];
        for (uint32_t i = 0; i < OLD; i++)
            leads[i] = lead_of(sim, &old_leads[i]);
        if (crash) {
            sim_crash(sim);
            sim_run_ms(sim, 1200);
        }
        assert_string_equal(
            world_explain(sim, leads[0], "order"),
            "state as listed, then contact_quality highest, then loan highest, then oldest_first; line 8 "
            "of policy 1");
        pull_all(sim, story_agent(sim, "ana", "all", INTENT_ON_DEMAND), leads, OLD, order);
        assert_order(order, 9, 8, 5, 10, 7, 4, 3, 2, 1, 0, 6);
        sim_destroy(&sim);
    }
}

static void another_order_holds_at_once_for_the_leads_that_wait(void **state)
{
    (void) state;
    struct sim *sim = world_new(PULL(BY_THREE));
    struct id leads[OLD];
    uint32_t order[OLD];
    for (uint32_t i = 0; i < OLD; i++)
        leads[i] = lead_of(sim, &old_leads[i]);
    world_apply(sim, PULL("order: [{loan: lowest}, newest_first]"));
    assert_string_equal(world_explain(sim, leads[0], "order"), "loan lowest, then newest_first; line 8 of policy 2");
    sim_crash(sim);
    sim_run_ms(sim, 1200);
    pull_all(sim, story_agent(sim, "ana", "all", INTENT_ON_DEMAND), leads, OLD, order);
    assert_order(order, 9, 8, 10, 5, 2, 1, 3, 4, 6, 0, 7);
    sim_destroy(&sim);

    sim = world_new(PULL("order: newest_first"));
    for (uint32_t i = 0; i < OLD; i++)
        leads[i] = lead_of(sim, &old_leads[i]);
    world_apply(sim, PULL("strategy: best_score"));
    assert_string_equal(world_explain(sim, leads[0], "order"), "oldest_first");
    pull_all(sim, story_agent(sim, "ana", "all", INTENT_ON_DEMAND), leads, OLD, order);
    assert_order(order, 9, 0, 1, 2, 3, 4, 5, 6, 7, 8, 10);
    sim_destroy(&sim);
}

static void beginnings_of_zips_and_the_ends_of_numbers_have_their_place(void **state)
{
    (void) state;
    static const char *const leads_of[] = {"zip=10001 x=5",
                                           "zip=94612 x=-3",
                                           "zip=94704 x=99999999999",
                                           "zip=94600-1234 x=-3",
                                           "zip=946 x=-99999999999",
                                           "zip=94704 x=2147483646",
                                           "x=7",
                                           "zip=94600 x=0"};
    struct sim *sim = world_new(PULL("order: [{zip: [\"94600\", 946*, 947*]}, {x: highest}]"));
    struct id leads[8];
    uint32_t order[8];
    for (uint32_t i = 0; i < 8; i++)
        leads[i] = world_lead(sim, "web", leads_of[i]);
    pull_all(sim, story_agent(sim, "ana", "all", INTENT_ON_DEMAND), leads, 8, order);
    assert_order(order, 7, 3, 1, 4, 2, 5, 0, 6);
    sim_destroy(&sim);
}

/* ---- against a plain sort ------------------------------------------------------------------ */

enum { MANY = 60 };
struct drawn {
    int64_t a, b, c, arrival;
    uint32_t number;
};

static int by_all(const void *x, const void *y)
{
    const struct drawn *p = x, *q = y;
    const int64_t by[][2] = {{p->a, q->a}, {-p->b, -q->b}, {p->c, q->c}, {-p->arrival, -q->arrival}};
    for (int i = 0; i < 4; i++)
        if (by[i][0] != by[i][1])
            return by[i][0] < by[i][1] ? -1 : 1;
    return 0;
}

static void the_order_is_that_of_a_sort_by_one_key_after_the_other(void **state)
{
    (void) state;
    struct sim *sim = world_new(PULL("order: [{a: lowest}, {b: highest}, {c: [c0, c1, c2, c3]}, newest_first]"));
    struct drawn drawn[MANY];
    struct id leads[MANY];
    uint32_t order[MANY];
    for (uint32_t i = 0; i < MANY; i++) {
        char attributes[96];
        drawn[i] = (struct drawn){(int64_t) sim_rand(sim, 3) * 1000000000 - 1000000000,
                                  (int64_t) sim_rand(sim, 3) * 2 - 2147483640, sim_rand(sim, 5), i, i};
        snprintf(attributes, sizeof attributes, "a=%lld b=%lld c=c%lld", (long long) drawn[i].a, (long long) drawn[i].b,
                 (long long) drawn[i].c);
        leads[i] = world_lead(sim, "web", attributes);
    }
    pull_all(sim, story_agent(sim, "ana", "all", INTENT_ON_DEMAND), leads, MANY, order);
    qsort(drawn, MANY, sizeof *drawn, by_all);
    for (uint32_t i = 0; i < MANY; i++)
        assert_int_equal(order[i], drawn[i].number);
    sim_destroy(&sim);
}

static void what_a_view_ranks_by_agrees_with_the_order_and_keeps_priorities_apart(void **state)
{
    (void) state;
    struct sim *sim = world_new(PULL("order: [{state: [CA]}, {loan: highest}, random]"));
    static const struct wanted leads[] = {
        {"TX", "-2147483648", NULL, NULL, NULL, 1}, {"CA", "3", NULL, NULL, NULL, 0},
        {"CA", "2", NULL, NULL, NULL, 0},           {"TX", "9", NULL, NULL, NULL, 0},
        {NULL, NULL, NULL, NULL, NULL, 0},          {"CA", "2147483646", NULL, NULL, NULL, -1}};
    double before = -1e18;
    for (uint32_t i = 0; i < 6; i++) {
        const double rank = lead_rank(sim_core(sim), story_of(sim, lead_of(sim, &leads[i])));
        assert_true(rank > before);
        before = rank;
    }
    sim_destroy(&sim);
}

/* ---- pools of units -------------------------------------------------------------------------- */

#define UNITS(oakland)                                                                                                 \
    "units:\n"                                                                                                         \
    "  - {name: oakland, kind: office, " oakland "}\n"                                                                 \
    "  - {name: callers, in: oakland, timers: {first_action: 3s}}\n"                                                   \
    "  - {name: closers, in: oakland, order: newest_first}\n"                                                          \
    "programmes:\n"                                                                                                    \
    "  - {name: home, teams: [callers, closers, east], wip_max: 1,\n"                                                  \
    "     timers: {first_action: 20s}, routes: [{when: {to: a}, to: callers}, {when: {to: b}, to: closers},\n"         \
    "     {when: {to: c}, to: east}, {when: {to: d}, to: oakland}]}\n"
#define OAKLAND "order: [{loan: highest}], timers: {offer: 4s, unclaimed: 7s}"

static struct id first_of(struct sim *sim, const char *to, const char *team)
{
    char attributes[32];
    struct id leads[3];
    struct sim_agent *agent;
    for (uint32_t i = 0; i < 3; i++) {
        snprintf(attributes, sizeof attributes, "to=%s loan=%u", to, (i * 2 + 2) % 5);
        leads[i] = world_lead(sim, "web", attributes); /* loans of 2, 4, 1 */
    }
    agent = story_agent(sim, team, team, INTENT_AVAILABLE);
    for (uint32_t i = 0; i < 3; i++)
        if (strcmp(sim_owner(sim, leads[i]), agent->name) == 0)
            return sim_lead_id(1000000 + i);
    fail_msg("%s got none", team);
    return leads[0];
}

/* 002-10: the order of each pool */
static void each_pool_has_its_team_s_order(void **state)
{
    (void) state;
    static const struct {
        const char *to, *team;
        uint32_t first;
        const char *said;
    } pools[] = {{"a", "callers", 1, "loan highest, then oldest_first; line 7 of policy 1"}, /* its unit's */
                 {"b", "closers", 2, "newest_first; line 9 of policy 1"},                    /* its own */
                 {"c", "east", 0, "oldest_first"}};                                          /* its programme's */
    for (int i = 0; i < 3; i++) {
        struct sim *sim = world_new(UNITS(OAKLAND));
        const struct id first = first_of(sim, pools[i].to, pools[i].team);
        assert_true(id_equal(first, sim_lead_id(1000000 + pools[i].first)));
        assert_string_equal(world_explain(sim, sim_lead_id(1000000 + (pools[i].first + 1) % 3), "order"),
                            pools[i].said);
        sim_destroy(&sim);
    }
}

/* 002-10: the timers of each pool */
static void each_pool_has_its_team_s_timers(void **state)
{
    (void) state;
    struct sim *sim = world_new(UNITS(OAKLAND));
    const struct id lead = world_lead(sim, "web", "to=a"), east = world_lead(sim, "web", "to=c");
    assert_pool(sim, lead, "home/callers");
    assert_pool(sim, east, "home/east");
    sim_run_ms(sim, 2100);
    assert_pool(sim, east, "home"); /* unclaimed is 2 s for whom nothing else is said */
    assert_pool(sim, lead, "home/callers");
    sim_crash(sim);
    sim_run_ms(sim, 5000);
    assert_pool(sim, lead, "home/oakland"); /* 7 s in each pool of the unit */
    sim_run_ms(sim, 7000);
    assert_pool(sim, lead, "home");

    struct sim_agent *cal = story_agent(sim, "cal", "callers", INTENT_AVAILABLE);
    const struct id hers = strcmp(sim_owner(sim, lead), "cal") == 0 ? lead : east;
    story_stays(sim, hers, LEAD_OFFERED, 3900); /* out of the programme's pool, and her team's 4 s to answer */
    assert_int_equal(story_act(sim, cal, hers, VERB_ACCEPT), REASON_OK);
    assert_in_range(story_until_state(sim, hers, LEAD_POOLED, 4000), 2900, 3100); /* and 3 s to begin */

    struct sim_agent *eve = story_agent(sim, "eve", "east", INTENT_AVAILABLE);
    story_until_owner(sim, hers, "eve", 20000);
    assert_int_equal(story_act(sim, eve, hers, VERB_ACCEPT), REASON_OK);
    story_stays(sim, hers, LEAD_OWNED, 19000); /* of another team: the programme's 20 s */
    sim_destroy(&sim);
}

static void what_a_unit_says_of_its_pool_changes_without_a_restart(void **state)
{
    (void) state;
    struct sim *sim = world_new(UNITS(OAKLAND));
    const struct id small = world_lead(sim, "web", "to=a loan=1"), large = world_lead(sim, "web", "to=a loan=9");
    world_apply(sim, UNITS("order: [{loan: lowest}], timers: {offer: 500ms}"));
    sim_crash(sim);
    sim_run_ms(sim, 1200);
    assert_string_equal(world_explain(sim, large, "order"), "loan lowest, then oldest_first; line 7 of policy 2");
    story_agent(sim, "cal", "callers", INTENT_AVAILABLE);
    assert_owner(sim, small, "cal");
    assert_in_range(story_until_state(sim, small, LEAD_POOLED, 600), 450, 510);
    world_apply(sim, UNITS("only: {loan: {from: 0}}")); /* it says nothing any more */
    sim_crash(sim);
    sim_run_ms(sim, 1200);
    assert_string_equal(world_explain(sim, large, "order"), sim_state(sim, large) == LEAD_POOLED ? "oldest_first" : "");
    sim_destroy(&sim);
}

/* A due lead is looked at in the order of the pool that it competes with, not in that of its owner's team. */
static void a_due_lead_has_its_place_in_the_order_of_the_pool_beside_it(void **state)
{
    (void) state;
    static const char *const orders[] = {"oldest_first", "newest_first"};
    for (int i = 0; i < 2; i++) {
        char yaml[512];
        snprintf(yaml, sizeof yaml,
                 "units: [{name: a, order: %s}]\n"
                 "programmes:\n  - {name: home, mode: pull, note_required: false, teams: [a, b], order: %s,\n"
                 "     attempt_gaps: [1s], timers: {ready: 1h}, routes: [{when: {to: a}, to: a}]}\n",
                 orders[1 - i], orders[i]);
        struct sim *sim = world_new(yaml);
        struct sim_agent *ana = story_agent(sim, "ana", "a", INTENT_ON_DEMAND);
        sim_core(sim)->policy.programmes[0].unclaimed_ms = 600000;
        const struct id due = world_lead(sim, "web", "to=all");
        assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
        story_work_up_to(sim, ana, due, LEAD_WRAP_UP);
        assert_int_equal(story_dispose(sim, ana, due, DISPOSITION_NO_ANSWER, "no"), REASON_OK);
        const struct id young = world_lead(sim, "web", "to=all");
        sim_run_ms(sim, 1500);
        assert_true(story_of(sim, due)->due);
        assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
        assert_true(id_equal(ana->ready.lead, i == 0 ? due : young));
        sim_destroy(&sim);
    }
}

static void who_changes_the_team_takes_the_order_along_for_leads_of_his_own(void **state)
{
    (void) state;
    struct sim *sim = world_new("units: [{name: a, order: newest_first}]\n"
                                "programmes:\n"
                                "  - {name: home, mode: pull, note_required: false, teams: [a, b], agents: [{name: "
                                "ana}],\n     timers: {unclaimed: 30d}, routes: [{to: ana}]}\n");
    struct sim_agent *ana = story_agent(sim, "ana", "b", INTENT_ON_DEMAND);
    struct id leads[4];
    uint32_t order[4];
    sim_core(sim)->policy.programmes[0].unclaimed_ms = 600000;
    for (int i = 0; i < 4; i++)
        leads[i] = world_lead(sim, "web", "x=1");
    assert_pool(sim, leads[0], "home>ana");
    assert_string_equal(world_explain(sim, leads[0], "order"), "oldest_first");
    sim_bye(sim, ana);
    sim_run_ms(sim, 10);
    ana = story_agent(sim, "ana", "a", INTENT_ON_DEMAND);
    assert_string_equal(world_explain(sim, leads[0], "order"), "newest_first; line 6 of policy 1");
    pull_all(sim, ana, leads, 4, order);
    assert_order(order, 3, 2, 1, 0);
    sim_destroy(&sim);
}

/* ---- what cannot work -------------------------------------------------------------------------- */

static void an_order_that_cannot_work_is_told_at_its_place(void **state)
{
    (void) state;
    static const struct {
        const char *yaml, *told;
    } faults[] = {
        {PULL("order: [{loan: most}]"),
         "p:8:66: programmes[0].order[0].loan: is \"most\"; allowed is one of lowest, highest\n"},
        {PULL("order: [loan]"),
         "p:8:59: programmes[0].order[0]: is \"loan\"; allowed is one of oldest_first, newest_first, "
         "random, or an attribute with what of it comes first: \"loan: highest\", lowest, or a list of "
         "values\n"},
        {PULL("order: [oldest_first, {loan: highest}]"),
         "p:8:80: programmes[0].order[1].loan: has no effect: \"oldest_first\" before it leaves no two leads equal\n"},
        {PULL("order: [{loan: highest}, {loan: lowest}]"),
         "p:8:83: programmes[0].order[1].loan: is there twice; what the first leaves equal is equal\n"},
        {PULL("order: [{a: highest}, {b: lowest}, {c: lowest}]"),
         "p:8:90: programmes[0].order[2].c: is a third number; allowed are 2, and lists besides\n"},
        {PULL("order: [{a: [x]}, {b: [x]}, {c: [x]}, {d: [x]}]"),
         "p:8:93: programmes[0].order[3].d: is one more than 3 attributes\n"},
        {PULL("order: [{state: [CA, NV, ca]}]"), "p:8:67: programmes[0].order[0].state: names \"ca\" twice\n"},
        {PULL("order: [{zip: lowest}]"),
         "p:8:65: programmes[0].order[0].zip: is \"lowest\"; a zip is no number, allowed is a list such as [946*]\n"},
        {PULL("order: [{a: lowest, b: lowest}]"),
         "p:8:71: programmes[0].order[0]: names more than one attribute; give each an entry of its own\n"},
        {PULL("order: [{Loan: lowest}]"),
         "p:8:60: programmes[0].order[0]: \"Loan\" is no attribute; allowed are 1 to 32 of a-z, 0-9 and _\n"},
        {PULL("order: [{loan: {a: b}}]"),
         "p:8:66: programmes[0].order[0].loan: is a mapping; a single value belongs here\n"},
        {PULL("order: [{}]"),
         "p:8:60: programmes[0].order[0]: \"\" is no attribute; allowed are 1 to 32 of a-z, 0-9 and _\n"},
        {PULL("order: []"), "p:8:58: programmes[0].order: is empty; allowed are 1 to 4 entries\n"},
        {PULL("order: {loan: highest}"), "p:8:58: programmes[0].order: is a mapping; a word or a list belongs here\n"},
        {PULL("order: [[loan]]"), "p:8:59: programmes[0].order[0]: is a list; a word or a mapping belongs here\n"},
        {PULL("order: [{state: []}]"), "p:8:67: programmes[0].order[0].state: is empty; allowed are 1 to 64 entries\n"},
        {PULL("order: fifo"),
         "p:8:58: programmes[0].order: is \"fifo\"; allowed is one of oldest_first, newest_first, random\n"},
        {UNITS("timers: {offer: 1ms}"), "p:7:51: units[0].timers.offer: is \"1ms\"; allowed is 50ms to 1d\n"},
        {UNITS("timers: {activity: 1h}"), "p:7:44: units[0].timers.activity: is no key that is known here\n"},
        {UNITS("order: [x]"),
         "p:7:43: units[0].order[0]: is \"x\"; allowed is one of oldest_first, newest_first, random, or an "
         "attribute with what of it comes first: \"x: highest\", lowest, or a list of values\n"},
        {"units: [{name: all, order: newest_first}]\n" PULL("widen: cell"),
         "p:6:28: units[0].order: has no effect: home has no routes, so its leads wait for the whole programme\n"},
        {"units: [{name: all, timers: {unclaimed: 5m, offer: 5m}}]\n" PULL("widen: cell"),
         "p:6:41: units[0].timers.unclaimed: has no effect: home has no routes, so its leads wait for the whole "
         "programme\n"},
        {"units: [{name: all, timers: {offer: 5m}}]\n" PULL("widen: cell"), ""},
        {"units: [{name: west, kind: area, order: random}]\n" PULL("widen: cell"),
         "p:6:41: units[0].order: has no effect: no team is in this unit\n"},
        {"units: [{name: all, order: random}]\n" PULL("duplicates: attach"), ""},
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        assert_string_equal(world_findings(faults[i].yaml), faults[i].told);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(old_leads_go_by_where_they_are_how_they_can_be_reached_and_what_they_want),
        cmocka_unit_test(another_order_holds_at_once_for_the_leads_that_wait),
        cmocka_unit_test(beginnings_of_zips_and_the_ends_of_numbers_have_their_place),
        cmocka_unit_test(the_order_is_that_of_a_sort_by_one_key_after_the_other),
        cmocka_unit_test(what_a_view_ranks_by_agrees_with_the_order_and_keeps_priorities_apart),
        cmocka_unit_test(each_pool_has_its_team_s_order),
        cmocka_unit_test(each_pool_has_its_team_s_timers),
        cmocka_unit_test(what_a_unit_says_of_its_pool_changes_without_a_restart),
        cmocka_unit_test(a_due_lead_has_its_place_in_the_order_of_the_pool_beside_it),
        cmocka_unit_test(who_changes_the_team_takes_the_order_along_for_leads_of_his_own),
        cmocka_unit_test(an_order_that_cannot_work_is_told_at_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
