/* SPDX-License-Identifier: Apache-2.0
 * test_routes.c - where a lead is routed: each criterion, which of several rules
 * counts, targets anywhere in the tree, how a lead that nobody takes widens, how it
 * is routed again, and what a change of the rules does to leads that wait. */
#include <stdlib.h>

#include "tests/sim/route_world.h"

enum { UNCLAIMED_MS = 2000 };

/* The lead of one policy and two kinds of attributes: routed by the rule, and not. */
struct golden {
    const char *name, *when, *match, *other;
};

static void a_criterion_routes_what_matches_and_nothing_else(void **state)
{
    const struct golden *golden = *state;
    char yaml[512];
    snprintf(yaml, sizeof yaml,
             "programmes:\n  - name: home\n    teams: [a, b]\n    routes:\n      - {when: {%s}, to: b}\n",
             golden->when);
    struct sim *sim = world_new(yaml);
    assert_pool(sim, world_lead(sim, "web", golden->match), "home/b");
    assert_pool(sim, world_lead(sim, strcmp(golden->when, "source: web") == 0 ? "tv" : "web", golden->other), "home");
    sim_destroy(&sim);
}

static struct golden goldens[] = {
    {"004-03: by state", "state: CA", "state=CA", "state=NV"},
    {"004-03: by county", "county: Washoe", "county=washoe", "county=Clark"},
    {"004-03: by metro area", "metro: [31080, 41860]", "metro=41860", "metro=12345"},
    {"004-03: by city", "city: [Reno, Sparks]", "city=sparks", "city=Elko"},
    {"004-04: by area code", "area_code: [212, 646]", "area_code=646", "area_code=213"},
    {"004-05: by a whole zip", "zip: \"02139\"", "zip=02139", "zip=02138"},
    {"004-05: by a whole zip, whatever stands behind it", "zip: 90210", "zip=90210-1234", "zip=90211"},
    {"004-05: by the beginning of a zip", "zip: [\"902*\", 10*]", "zip=10001", "zip=90310"},
    {"004-05: by a range of zips", "zip: {from: 90001, to: 90300}", "zip=90210", "zip=90300"},
    {"by source", "source: web", "x=1", "x=1"},
    {"by campaign", "campaign: spring-24", "campaign=spring-24", "campaign=spring-25"},
    {"by product", "product: [refinance, purchase]", "product=purchase", "product=heloc"},
    {"004-08: demography, by a range", "age: {from: 25, to: 65}", "age=64", "age=65"},
    {"004-08: authority, one of a list", "authority: [owner, partner]", "authority=owner", "authority=tenant"},
    {"004-08: budget, from an amount on", "budget: {from: 250000}", "budget=250000", "budget=249999"},
    {"004-08: budget, below an amount", "budget: {to: -5}", "budget=-6", "budget=-5"},
    {"two criteria hold together", "state: CA, product: refinance", "state=CA product=refinance",
     "state=CA product=heloc"},
};

static const char west[] = "units:\n"
                           "  - {name: west, kind: region}\n"
                           "  - {name: bay, kind: area, in: west}\n"
                           "  - {name: oakland, kind: office, in: bay}\n"
                           "  - {name: calls, in: oakland, kind: inside}\n"
                           "  - {name: visits, in: oakland, kind: field}\n"
                           "  - {name: reno, in: west}\n"
                           "programmes:\n"
                           "  - name: home\n"
                           "    teams: [calls, visits, reno, east]\n"
                           "    agents: [{name: ana}, {name: ben}]\n"
                           "    routes:\n"
                           "      - {when: {to: region}, to: west}\n"
                           "      - {when: {to: area}, to: bay}\n"
                           "      - {when: {to: office}, to: oakland}\n"
                           "      - {when: {to: inside}, to: calls}\n"
                           "      - {when: {to: field}, to: visits}\n"
                           "      - {when: {to: ana}, to: ana}\n"
                           "      - {when: {to: all}, to: home}\n";

/* 004-02, 004-06, 004-07, 003-06 */
static void a_rule_may_name_any_unit_of_the_tree_a_team_or_an_agent(void **state)
{
    (void) state;
    struct sim *sim = world_new(west);
    sim_agent(sim, "ana", "calls", INTENT_AWAY);
    sim_run_ms(sim, 5);
    assert_pool(sim, world_lead(sim, "web", "to=region"), "home/west");
    assert_pool(sim, world_lead(sim, "web", "to=area"), "home/bay");
    assert_pool(sim, world_lead(sim, "web", "to=office"), "home/oakland");
    assert_pool(sim, world_lead(sim, "web", "to=inside"), "home/calls");
    assert_pool(sim, world_lead(sim, "web", "to=field"), "home/visits");
    assert_pool(sim, world_lead(sim, "web", "to=ana"), "home>ana");
    assert_pool(sim, world_lead(sim, "web", "to=all"), "home");
    assert_pool(sim, world_lead(sim, "web", "to=nowhere"), "home");
    sim_destroy(&sim);
}

/* 003-06: instantly, and to nobody outside */
static void a_unit_s_lead_goes_to_whoever_is_below_it_and_to_nobody_else(void **state)
{
    (void) state;
    struct sim *sim = world_new(west);
    struct sim_agent *far = story_agent(sim, "far", "east", INTENT_AVAILABLE);
    const struct id lead = world_lead(sim, "web", "to=area");
    sim_run_ms(sim, 100);
    assert_state(sim, lead, POOLED);
    assert_int_equal(story_offered_to(sim, far), 0);
    struct sim_agent *near = story_agent(sim, "near", "visits", INTENT_AVAILABLE);
    assert_owner(sim, lead, "near");
    assert_int_equal(story_offered_to(sim, near), 1);
    const struct id other = world_lead(sim, "web", "to=inside"); /* beside it, not below */
    assert_state(sim, other, POOLED);
    sim_destroy(&sim);
}

/* 003-07 */
static void state_a_goes_to_person_1_and_state_b_to_person_2(void **state)
{
    (void) state;
    struct sim *sim = world_new("programmes:\n"
                                "  - name: home\n"
                                "    teams: [all]\n"
                                "    agents: [{name: one}, {name: two}]\n"
                                "    routes:\n"
                                "      - {when: {state: A}, to: one}\n"
                                "      - {when: {state: B}, to: two}\n");
    story_agent(sim, "two", "all", INTENT_AVAILABLE);
    story_agent(sim, "one", "all", INTENT_AVAILABLE);
    const char *const states[] = {"state=A", "state=B", "state=B", "state=A"};
    for (int i = 0; i < 4; i++)
        assert_owner(sim, world_lead(sim, "web", states[i]), states[i][6] == 'A' ? "one" : "two");
    sim_destroy(&sim);
}

static void an_agent_s_lead_widens_to_its_team_when_the_agent_does_not_take_it(void **state)
{
    (void) state;
    struct sim *sim = world_new(west);
    struct sim_agent *ana = story_agent(sim, "ana", "calls", INTENT_AVAILABLE);
    story_agent(sim, "ben", "calls", INTENT_AVAILABLE);
    story_agent(sim, "eva", "visits", INTENT_AVAILABLE);
    for (int i = 0; i < 3; i++)
        story_work_up_to(sim, ana, world_lead(sim, "web", "to=ana"), LEAD_WORKING);
    const struct id lead = world_lead(sim, "web", "to=ana"); /* her hands are full, his are not */
    assert_pool(sim, lead, "home>ana");
    story_until_owner(sim, lead, "ben", UNCLAIMED_MS + 5);
    assert_string_equal(world_explain(sim, lead, "routed"), "home routes[5], line 23 of policy 1: to ana");
    sim_destroy(&sim);
}

static void who_is_not_known_or_works_elsewhere_is_nobody_s_target(void **state)
{
    (void) state;
    struct sim *sim = world_new(west);
    assert_pool(sim, world_lead(sim, "web", "to=ana"), "home"); /* never seen here */
    sim_destroy(&sim);
}

/* the design's ladder: unit, the units above it, the programme, and on as without rules */
static void a_lead_that_nobody_takes_climbs_the_tree(void **state)
{
    static const char *const ladder[] = {"home/calls", "home/oakland", "home/bay",  "home/west",
                                         "home",       "home/+wide",   "home/+last"};
    (void) state;
    struct sim *sim = world_new(west);
    const struct id lead = world_lead(sim, "web", "to=inside");
    for (size_t i = 0; i < sizeof ladder / sizeof *ladder; i++) {
        assert_pool(sim, lead, ladder[i]);
        if (i == 2)
            sim_crash(sim); /* where it stands outlasts that */
        sim_run_ms(sim, UNCLAIMED_MS - (i == 0 ? 1 : 0));
    }
    sim_destroy(&sim);
}

/* 004-05 */
static void the_longest_zip_counts_then_the_order_in_the_file(void **state)
{
    (void) state;
    struct sim *sim = world_new("programmes:\n"
                                "  - name: home\n"
                                "    teams: [nine, hills, whole, ca, web]\n"
                                "    routes:\n"
                                "      - {when: {state: CA}, to: ca}\n"
                                "      - {when: {zip: \"9*\"}, to: nine}\n"
                                "      - {when: {zip: [\"902*\", \"1*\"]}, to: hills}\n"
                                "      - {when: {zip: 90210}, to: whole}\n"
                                "      - {when: {source: web}, to: web}\n");
    assert_pool(sim, world_lead(sim, "tv", "zip=90210 state=CA"), "home/whole");
    assert_pool(sim, world_lead(sim, "tv", "zip=90211 state=CA"), "home/hills");
    assert_pool(sim, world_lead(sim, "tv", "zip=91000 state=CA"), "home/nine");
    assert_pool(sim, world_lead(sim, "web", "zip=80000 state=CA"), "home/ca"); /* no zip: the first one */
    assert_pool(sim, world_lead(sim, "web", "zip=9"), "home/nine");
    assert_pool(sim, world_lead(sim, "web", "zip=80000"), "home/web");
    sim_destroy(&sim);
}

/* 003-04 */
static void a_lead_that_was_taken_back_goes_by_its_own_rules(void **state)
{
    (void) state;
    struct sim *sim = world_new("programmes:\n"
                                "  - name: home\n"
                                "    teams: [first, second]\n"
                                "    timers: {first_action: 500ms}\n"
                                "    routes:\n"
                                "      - {when: {state: CA}, to: first}\n"
                                "    reroutes:\n"
                                "      - {when: {state: CA}, to: second}\n");
    struct sim_agent *ana = story_agent(sim, "ana", "first", INTENT_AVAILABLE);
    const struct id lead = world_lead(sim, "web", "state=CA");
    assert_string_equal(world_explain(sim, lead, "routed"), "home routes[0], line 11 of policy 1: to first");
    assert_int_equal(story_act(sim, ana, lead, VERB_ACCEPT), REASON_OK);
    sim_run_ms(sim, 510); /* no first action */
    assert_pool(sim, lead, "home/second");
    assert_string_equal(world_explain(sim, lead, "routed"), "home reroutes[0], line 13 of policy 1: to second");
    sim_destroy(&sim);
}

static void without_rules_of_its_own_a_lead_taken_back_goes_by_the_first_ones(void **state)
{
    (void) state;
    struct sim *sim = world_new("programmes:\n"
                                "  - name: home\n"
                                "    teams: [first, second]\n"
                                "    agents: [{name: ana}]\n"
                                "    timers: {first_action: 500ms}\n"
                                "    routes:\n"
                                "      - {when: {state: CA}, to: ana}\n");
    struct sim_agent *ana = story_agent(sim, "ana", "first", INTENT_AVAILABLE);
    const struct id lead = world_lead(sim, "web", "state=CA");
    assert_int_equal(story_act(sim, ana, lead, VERB_ACCEPT), REASON_OK);
    sim_run_ms(sim, 510);
    assert_pool(sim, lead, "home/first"); /* not to ana again, who had it: her team */
    sim_destroy(&sim);
}

/* 003-24: each programme by its own rules */
static void rules_belong_to_their_programme(void **state)
{
    (void) state;
    struct sim *sim = world_new(
        "programmes:\n"
        "  - {name: home, mode: push, teams: [a, b], sources: [s], routes: [{when: {state: CA}, to: b}]}\n"
        "  - {name: auto, mode: pull, teams: [c, d], sources: [t], routes: [{when: {state: CA}, to: d}]}\n"
        "  - {name: life, mode: push_pull, teams: [e, f], sources: [u], routes: [{when: {state: CA}, to: f}]}\n");
    struct sim_agent *eli = story_agent(sim, "eli", "e", INTENT_ON_DEMAND);
    story_agent(sim, "fay", "f", INTENT_ON_DEMAND);
    assert_pool(sim, world_lead(sim, "s", "state=CA"), "home/b");
    assert_pool(sim, world_lead(sim, "t", "state=CA"), "auto/d");
    assert_pool(sim, world_lead(sim, "u", "state=CA"), "life/f");
    assert_int_equal(story_ready(sim, eli, 0), REASON_NO_LEAD);
    sim_destroy(&sim);
}

static const char limited[] = "units:\n"
                              "  - {name: west, kind: region}\n"
                              "  - {name: a, in: west}\n"
                              "  - {name: b, in: west}\n"
                              "programmes:\n"
                              "  - name: pp\n"
                              "    mode: push_pull\n"
                              "    depth_per_agent: 1\n"
                              "    teams: [a, b, c]\n"
                              "    routes:\n"
                              "      - {when: {to: west}, to: west}\n"
                              "      - {when: {to: a}, to: a}\n";

/* 002-08, 002-09, 002-10 */
static void a_unit_s_leads_go_down_into_the_limited_pools_below_it_in_turn(void **state)
{
    (void) state;
    struct sim *sim = world_new(limited);
    struct id leads[6];
    story_agent(sim, "cat", "c", INTENT_ON_DEMAND);
    for (int i = 0; i < 6; i++)
        leads[i] = world_lead(sim, "web", "to=west");
    assert_pool(sim, leads[0], "pp/west"); /* nobody is below it */
    story_agent(sim, "ana", "a", INTENT_ON_DEMAND);
    struct sim_agent *ben = story_agent(sim, "ben", "b", INTENT_ON_DEMAND);
    assert_pool(sim, leads[0], "pp/a");
    assert_pool(sim, leads[1], "pp/b");
    assert_pool(sim, leads[2], "pp/west");
    assert_int_equal(story_ready(sim, ben, 0), REASON_OK);
    sim_run_ms(sim, 2);
    assert_owner(sim, leads[1], "ben");
    assert_pool(sim, leads[2], "pp/b"); /* refilled at once */
    sim_destroy(&sim);
}

/* Also when another policy lists teams in another order and a new unit comes; and it is in the log. */
static void whose_turn_it_is_to_be_refilled_outlasts_a_crash_and_a_policy(void **state)
{
    (void) state;
    static const char again[] = "units:\n"
                                "  - {name: east, kind: region}\n"
                                "  - {name: west, kind: region}\n"
                                "  - {name: b, in: west}\n"
                                "  - {name: a, in: west}\n"
                                "programmes:\n"
                                "  - {name: other, teams: [x, y], sources: [no]}\n"
                                "  - name: pp\n"
                                "    mode: push_pull\n"
                                "    depth_per_agent: 1\n"
                                "    teams: [c, b, a]\n"
                                "    sources: [web]\n"
                                "    routes: [{when: {to: west}, to: west}]\n";
    struct sim *sim = world_new(limited);
    struct sim_agent *ana = story_agent(sim, "ana", "a", INTENT_ON_DEMAND);
    struct sim_agent *ben = story_agent(sim, "ben", "b", INTENT_ON_DEMAND);
    struct id leads[6];
    leads[0] = world_lead(sim, "web", "to=west");
    assert_pool(sim, leads[0], "pp/a"); /* so it is b's turn */
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    sim_run_ms(sim, 2);
    sim_crash(sim);
    sim_hello(sim, ana);
    sim_hello(sim, ben);
    sim_run_ms(sim, 5);
    leads[1] = world_lead(sim, "web", "to=west");
    assert_pool(sim, leads[1], "pp/b"); /* so it is a's */
    assert_int_equal(story_ready(sim, ben, 0), REASON_OK);
    sim_run_ms(sim, 2);
    world_apply(sim, again);
    leads[2] = world_lead(sim, "web", "to=west");
    assert_pool(sim, leads[2], "pp/a");
    sim_crash(sim);
    sim_destroy(&sim);
}

static void a_full_pool_overflows_into_the_unit_above_it(void **state)
{
    (void) state;
    struct sim *sim = world_new(limited);
    story_agent(sim, "ana", "a", INTENT_ON_DEMAND);
    story_agent(sim, "ben", "b", INTENT_ON_DEMAND);
    assert_pool(sim, world_lead(sim, "web", "to=a"), "pp/a");
    assert_pool(sim, world_lead(sim, "web", "to=a"), "pp/b"); /* by way of west */
    assert_pool(sim, world_lead(sim, "web", "to=a"), "pp/west");
    sim_destroy(&sim);
}

static void what_was_handed_down_widens_from_the_unit_it_is_for(void **state)
{
    (void) state;
    struct sim *sim = world_new(limited);
    story_agent(sim, "ana", "a", INTENT_ON_DEMAND);
    const struct id lead = world_lead(sim, "web", "to=west");
    assert_pool(sim, lead, "pp/a");
    sim_crash(sim);
    sim_run_ms(sim, 20);
    assert_pool(sim, lead, "pp/a");
    sim_run_ms(sim, UNCLAIMED_MS);
    assert_pool(sim, lead, "pp/a"); /* above west is the programme, which hands it down once more */
    sim_run_ms(sim, UNCLAIMED_MS);
    assert_pool(sim, lead, "pp/+wide");
    sim_destroy(&sim);
}

/* live change */
static void leads_of_a_unit_that_goes_are_routed_by_the_new_rules(void **state)
{
    (void) state;
    struct sim *sim = world_new(west);
    const struct id lead = world_lead(sim, "web", "to=office"), stays = world_lead(sim, "web", "to=region");
    assert_pool(sim, lead, "home/oakland");
    world_apply(sim, "units:\n"
                     "  - {name: west, kind: division}\n"
                     "  - {name: san-jose, kind: office, in: west}\n"
                     "  - {name: calls, in: san-jose}\n"
                     "programmes:\n"
                     "  - name: home\n"
                     "    teams: [east, reno, calls]\n"
                     "    routes:\n"
                     "      - {when: {to: office}, to: san-jose}\n"
                     "      - {when: {to: region}, to: east}\n");
    assert_pool(sim, lead, "home/san-jose");
    assert_string_equal(world_explain(sim, lead, "routed"), "home routes[0], line 14 of policy 2: to san-jose");
    assert_pool(sim, stays, "home/west"); /* its pool is still there */
    sim_crash(sim);
    assert_pool(sim, lead, "home/san-jose");
    struct sim_agent *ana = story_agent(sim, "ana", "calls", INTENT_AVAILABLE);
    sim_run_ms(sim, 2);
    assert_int_equal(story_offered_to(sim, ana), 2);
    sim_destroy(&sim);
}

static void a_team_may_move_in_the_tree_while_leads_wait(void **state)
{
    (void) state;
    struct sim *sim = world_new(west);
    struct sim_agent *eva = story_agent(sim, "eva", "east", INTENT_AVAILABLE);
    const struct id lead = world_lead(sim, "web", "to=region");
    char yaml[sizeof west + 64];
    snprintf(yaml, sizeof yaml, "units:\n  - {name: east, in: west}\n%s", west + strlen("units:\n"));
    assert_state(sim, lead, POOLED);
    world_apply(sim, yaml);
    assert_owner(sim, lead, "eva");
    (void) eva;
    sim_destroy(&sim);
}

/* Each waits for one agent, too dear for what the team may still spend: the next day both can be had. */
static void when_a_team_s_budget_opens_each_lead_that_was_too_dear_goes_to_its_agent(void **state)
{
    (void) state;
    struct sim *sim = world_new("programmes:\n"
                                "  - name: home\n"
                                "    teams: [all]\n"
                                "    agents: [{name: ana}, {name: ben}]\n"
                                "    limits: [{of: team, per: day, money: 1.00}]\n"
                                "    routes:\n"
                                "      - {when: {to: ana}, to: ana}\n"
                                "      - {when: {to: ben}, to: ben}\n");
    static const struct {
        const char *to;
        uint32_t cents;
    } rows[] = {{"ana", 70}, {"ana", 40}, {"ben", 40}};
    const int64_t midnight_ms = (sim_now_ms(sim) / DAY_MS + 1) * DAY_MS;
    struct id leads[3];
    sim_stall(sim, midnight_ms - sim_now_ms(sim) - 500);
    struct sim_agent *agents[] = {story_agent(sim, "ana", "all", INTENT_AWAY),
                                  story_agent(sim, "ben", "all", INTENT_AWAY)};
    for (uint32_t i = 0; i < 3; i++) {
        const struct attribute to = {.name = slice_of("to", 2), .text = slice_of(rows[i].to, 3)};
        sim_chunk(
            sim, 50 + i, "web", 0, 0,
            &(struct sim_row){
                .key = i, .payload = rows[i].to, .attributes = &to, .n_attributes = 1, .cost_cents = rows[i].cents},
            1);
        leads[i] = sim_lead_id(i);
        sim_run_ms(sim, 2);
    }
    for (uint32_t i = 0; i < 2; i++) {
        sim_intent(sim, agents[i], INTENT_AVAILABLE);
        sim_run_ms(sim, 5);
    }
    assert_owner(sim, leads[0], "ana");
    assert_pool(sim, leads[1], "home>ana");
    assert_pool(sim, leads[2], "home>ben");
    sim_run_ms(sim, midnight_ms - sim_now_ms(sim) + 5);
    assert_owner(sim, leads[1], "ana");
    assert_owner(sim, leads[2], "ben");
    sim_destroy(&sim);
}

/* 003-08 */
static void ten_thousand_rules_route_each_lead_by_its_own(void **state)
{
    (void) state;
    struct buf yaml = {0};
    buf_printf(&yaml, "programmes:\n- name: home\n  teams: [");
    for (int t = 0; t < 1000; t++)
        buf_printf(&yaml, "t%d,%s", t, t % 100 ? "" : "\n    ");
    buf_printf(&yaml, "]\n  routes:\n");
    for (int i = 0; i < 10000; i++)
        buf_printf(&yaml, "  - {when: {zip: %05d}, to: t%d}\n", i * 9, i % 1000);
    buf_add(&yaml, "", 1);
    struct sim *sim = world_new((const char *) yaml.at);
    for (int i = 0; i < 10000; i += 1234) {
        char attributes[32], pool[32];
        snprintf(attributes, sizeof attributes, "zip=%05d", i * 9);
        snprintf(pool, sizeof pool, "home/t%d", i % 1000);
        assert_pool(sim, world_lead(sim, "web", attributes), pool);
    }
    assert_pool(sim, world_lead(sim, "web", "zip=00001"), "home");
    buf_fini(&yaml);
    sim_destroy(&sim);
}

int main(void)
{
    enum { GOLDENS = sizeof goldens / sizeof *goldens };
    struct CMUnitTest criteria[GOLDENS];
    for (size_t i = 0; i < GOLDENS; i++)
        criteria[i] = (struct CMUnitTest){
            .name = goldens[i].name,
            .test_func = a_criterion_routes_what_matches_and_nothing_else,
            .initial_state = &goldens[i],
        };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rule_may_name_any_unit_of_the_tree_a_team_or_an_agent),
        cmocka_unit_test(a_unit_s_lead_goes_to_whoever_is_below_it_and_to_nobody_else),
        cmocka_unit_test(state_a_goes_to_person_1_and_state_b_to_person_2),
        cmocka_unit_test(an_agent_s_lead_widens_to_its_team_when_the_agent_does_not_take_it),
        cmocka_unit_test(who_is_not_known_or_works_elsewhere_is_nobody_s_target),
        cmocka_unit_test(a_lead_that_nobody_takes_climbs_the_tree),
        cmocka_unit_test(the_longest_zip_counts_then_the_order_in_the_file),
        cmocka_unit_test(a_lead_that_was_taken_back_goes_by_its_own_rules),
        cmocka_unit_test(without_rules_of_its_own_a_lead_taken_back_goes_by_the_first_ones),
        cmocka_unit_test(rules_belong_to_their_programme),
        cmocka_unit_test(a_unit_s_leads_go_down_into_the_limited_pools_below_it_in_turn),
        cmocka_unit_test(whose_turn_it_is_to_be_refilled_outlasts_a_crash_and_a_policy),
        cmocka_unit_test(a_full_pool_overflows_into_the_unit_above_it),
        cmocka_unit_test(what_was_handed_down_widens_from_the_unit_it_is_for),
        cmocka_unit_test(leads_of_a_unit_that_goes_are_routed_by_the_new_rules),
        cmocka_unit_test(a_team_may_move_in_the_tree_while_leads_wait),
        cmocka_unit_test(when_a_team_s_budget_opens_each_lead_that_was_too_dear_goes_to_its_agent),
        cmocka_unit_test(ten_thousand_rules_route_each_lead_by_its_own),
    };
    return _cmocka_run_group_tests("criteria", criteria, GOLDENS, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
