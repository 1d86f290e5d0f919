/* SPDX-License-Identifier: Apache-2.0
 * test_filters.c - who may have a lead at all: licences, filters of agents, teams
 * and units, what an explanation says of them; and what the linter finds in rules
 * and trees. */
#include <stdlib.h>

#include "tests/sim/route_world.h"

static const char licensed[] = "programmes:\n"
                               "  - name: home\n"
                               "    teams: [all]\n"
                               "    licence: state\n"
                               "    agents:\n"
                               "      - {name: ana, licences: [CA, NV]}\n"
                               "      - {name: ben, licences: [AZ]}\n";

static void without_a_licence_for_its_state_nobody_gets_a_lead(void **state)
{
    (void) state;
    struct sim *sim = world_new(licensed);
    story_agent(sim, "ben", "all", INTENT_AVAILABLE);
    story_agent(sim, "stranger", "all", INTENT_AVAILABLE); /* not listed: no licence */
    const struct id lead = world_lead(sim, "web", "state=NV"), unknown = world_lead(sim, "web", "city=Reno");
    sim_run_ms(sim, 100);
    assert_state(sim, lead, POOLED);
    assert_string_equal(world_explain(sim, lead, "not ben"), "has no licence for this lead");
    assert_string_equal(world_explain(sim, lead, "not stranger"), "has no licence for this lead");
    story_agent(sim, "ana", "all", INTENT_AVAILABLE);
    assert_owner(sim, lead, "ana");
    assert_state(sim, unknown, POOLED); /* of no state: nobody is licensed for that */
    sim_run_ms(sim, 10000);             /* however wide it is offered */
    assert_string_equal(sim_owner(sim, unknown), "");
    sim_destroy(&sim);
}

/* 003-18 */
static void preselected_criteria_of_a_person_hold_when_it_pulls(void **state)
{
    (void) state;
    struct sim *sim = world_new("programmes:\n"
                                "  - name: home\n"
                                "    mode: pull\n"
                                "    note_required: false\n"
                                "    teams: [all]\n"
                                "    agents: [{name: ana, only: {state: CA, budget: {from: 100}}}]\n");
    struct sim_agent *ana = story_agent(sim, "ana", "all", INTENT_ON_DEMAND);
    const struct id other = world_lead(sim, "web", "state=NV budget=500"),
                    poor = world_lead(sim, "web", "state=CA budget=99"),
                    hers = world_lead(sim, "web", "state=CA budget=100");
    assert_int_equal(story_ready(sim, ana, 0), REASON_OK);
    assert_owner(sim, hers, "ana");
    story_work_up_to(sim, ana, hers, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, ana, hers, DISPOSITION_NOT_INTERESTED, "no"), REASON_OK);
    assert_int_equal(story_ready(sim, ana, 0), REASON_NO_LEAD);
    assert_string_equal(world_explain(sim, poor, "not ana"),
                        "its own, its team's or its unit's filter leaves this lead out");
    struct sim_agent *ben = story_agent(sim, "ben", "all", INTENT_ON_DEMAND);
    assert_int_equal(story_ready(sim, ben, 0), REASON_OK); /* who chose nothing takes the first */
    assert_owner(sim, other, "ben");
    sim_destroy(&sim);
}

/* 003-18: the same of a pool: its team pulls nothing else, in whatever order it came */
static void preselected_criteria_of_a_pool_hold_when_its_team_pulls(void **state)
{
    (void) state;
    struct sim *sim = world_new("units:\n"
                                "  - {name: coast, only: {state: [CA, OR]}}\n"
                                "  - {name: desert, only: {state: NV}}\n"
                                "programmes:\n"
                                "  - name: home\n"
                                "    mode: pull\n"
                                "    note_required: false\n"
                                "    teams: [coast, desert]\n"
                                "    timers: {ready: 1s}\n");
    struct sim_agent *cora = story_agent(sim, "cora", "coast", INTENT_ON_DEMAND);
    struct sim_agent *dan = story_agent(sim, "dan", "desert", INTENT_ON_DEMAND);
    const struct id dry = world_lead(sim, "web", "state=NV"), wet = world_lead(sim, "web", "state=OR");
    assert_int_equal(story_ready(sim, cora, 0), REASON_OK); /* passes what came before */
    assert_owner(sim, wet, "cora");
    story_work_up_to(sim, cora, wet, LEAD_WRAP_UP);
    assert_int_equal(story_dispose(sim, cora, wet, DISPOSITION_NOT_INTERESTED, "no"), REASON_OK);
    assert_int_equal(story_ready(sim, cora, 0), REASON_NO_LEAD);
    sim_choose(sim, cora, CANDIDATES_MAX, (struct id){0});
    sim_run_ms(sim, 2);
    assert_int_equal(cora->n_candidates, 0); /* nor is it in her list */
    assert_string_equal(world_explain(sim, dry, "not cora"),
                        "its own, its team's or its unit's filter leaves this lead out");
    assert_int_equal(story_ready(sim, dan, 0), REASON_OK);
    assert_owner(sim, dry, "dan");
    sim_destroy(&sim);
}

static void filters_of_team_and_units_add_up(void **state)
{
    (void) state;
    struct sim *sim = world_new("units:\n"
                                "  - {name: west, kind: region, only: {state: [CA, NV]}}\n"
                                "  - {name: field, kind: field, in: west, only: {budget: {from: 100}}}\n"
                                "  - {name: calls, kind: inside, in: west}\n"
                                "programmes:\n"
                                "  - name: home\n"
                                "    teams: [field, calls]\n");
    story_agent(sim, "fay", "field", INTENT_AVAILABLE);
    const struct id small = world_lead(sim, "web", "state=CA budget=50"),
                    far = world_lead(sim, "web", "state=TX budget=500"),
                    fit = world_lead(sim, "web", "state=NV budget=500");
    assert_owner(sim, fit, "fay");
    story_agent(sim, "cal", "calls", INTENT_AVAILABLE);
    assert_owner(sim, small, "cal");
    assert_state(sim, far, POOLED);
    sim_destroy(&sim);
}

static void a_rule_to_an_agent_who_may_not_have_the_lead_means_its_team(void **state)
{
    (void) state;
    char yaml[sizeof licensed + 64];
    snprintf(yaml, sizeof yaml, "%s    routes: [{to: ben}]\n", licensed);
    struct sim *sim = world_new(yaml);
    story_agent(sim, "ben", "all", INTENT_AWAY);
    assert_pool(sim, world_lead(sim, "web", "state=AZ"), "home>ben");
    assert_pool(sim, world_lead(sim, "web", "state=CA"), "home/all");
    sim_destroy(&sim);
}

/* Two hundred who may not come first, and one who may */
static void the_one_who_may_is_found_behind_hundreds_who_may_not(void **state)
{
    (void) state;
    char yaml[sizeof licensed + 64];
    snprintf(yaml, sizeof yaml, "%s      - {name: zoe, licences: [NV]}\n", licensed);
    struct sim *sim = world_new(yaml);
    for (int i = 0; i < 200; i++) {
        char name[16];
        snprintf(name, sizeof name, "idle-%d", i);
        sim_agent(sim, name, "all", INTENT_AVAILABLE)->by_hand = true;
    }
    sim_run_ms(sim, 5);
    story_agent(sim, "zoe", "all", INTENT_AVAILABLE);
    struct id leads[40];
    for (int i = 0; i < 40; i++)
        leads[i] = world_lead(sim, "web", i % 20 ? "state=TX" : "state=NV");
    assert_owner(sim, leads[0], "zoe");
    assert_owner(sim, leads[20], "zoe");
    assert_state(sim, leads[1], POOLED);
    sim_destroy(&sim);
}

/* A window is for its first lead; what comes behind and needs others is not put aside with it. */
static void leads_that_come_together_each_find_who_may_have_them(void **state)
{
    (void) state;
    static const char *const states[] = {"CA", "AZ", "CA", "AZ"};
    struct sim *sim = world_new(licensed);
    struct attribute attributes[4];
    struct sim_row rows[4];
    story_agent(sim, "ana", "all", INTENT_AVAILABLE);
    story_agent(sim, "ben", "all", INTENT_AVAILABLE);
    for (uint32_t i = 0; i < 4; i++) {
        attributes[i] = (struct attribute){.name = slice_of("state", 5), .text = slice_of(states[i], 2)};
        rows[i] = (struct sim_row){.key = 500 + i, .payload = "row", .attributes = &attributes[i], .n_attributes = 1};
    }
    sim_chunk(sim, 500, "web", 0, 0, rows, 4);
    sim_run_ms(sim, 5);
    for (uint32_t i = 0; i < 4; i++)
        assert_owner(sim, sim_lead_id(500 + i), i % 2 ? "ben" : "ana");
    sim_destroy(&sim);
}

/* The window of the first lead has no room for all behind it; somebody who is not in it has. */
static void what_a_window_leaves_over_goes_to_who_was_not_in_it(void **state)
{
    (void) state;
    struct sim *sim = world_new("programmes:\n"
                                "  - name: home\n"
                                "    teams: [all]\n"
                                "    licence: state\n"
                                "    agents:\n"
                                "      - {name: ana, licences: [CA, NV]}\n"
                                "      - {name: ben, licences: [CA]}\n"
                                "      - {name: zoe, licences: [NV]}\n");
    struct attribute attributes[6];
    struct sim_row rows[6];
    story_agent(sim, "ana", "all", INTENT_AVAILABLE);
    story_agent(sim, "ben", "all", INTENT_AVAILABLE);
    story_agent(sim, "zoe", "all", INTENT_AVAILABLE);
    for (uint32_t i = 0; i < 6; i++) {
        attributes[i] = (struct attribute){.name = slice_of("state", 5), .text = slice_of(i ? "NV" : "CA", 2)};
        rows[i] = (struct sim_row){.key = 600 + i, .payload = "row", .attributes = &attributes[i], .n_attributes = 1};
    }
    sim_chunk(sim, 600, "web", 0, 0, rows, 6);
    sim_run_ms(sim, 5);
    for (uint32_t i = 0; i < 6; i++)
        assert_state(sim, sim_lead_id(600 + i), OFFERED);
    sim_destroy(&sim);
}

static void a_licence_that_is_taken_away_holds_at_once(void **state)
{
    (void) state;
    struct sim *sim = world_new(licensed);
    story_agent(sim, "ana", "all", INTENT_AVAILABLE);
    assert_owner(sim, world_lead(sim, "web", "state=NV"), "ana");
    world_apply(sim, "programmes:\n"
                     "  - name: home\n"
                     "    teams: [all]\n"
                     "    licence: state\n"
                     "    agents: [{name: ana, licences: [CA]}]\n");
    const struct id lead = world_lead(sim, "web", "state=NV");
    sim_run_ms(sim, 100);
    assert_state(sim, lead, POOLED);
    sim_crash(sim);
    sim_run_ms(sim, 100);
    assert_state(sim, lead, POOLED);
    sim_destroy(&sim);
}

/* ---- the linter -------------------------------------------------------------------- */

struct fault {
    const char *name, *yaml, *told;
};

static void a_planted_fault_is_told_at_its_place(void **state)
{
    const struct fault *fault = *state;
    char yaml[1024], wanted[256];
    snprintf(
        yaml, sizeof yaml,
        "programmes:\n  - {name: home, teams: [a, b], agents: [{name: ana}, {name: b2}],\n     routes: [\n%s]}\n%s",
        fault->told[0] == 'p' ? fault->yaml : "", fault->told[0] == 'p' ? "" : fault->yaml);
    snprintf(wanted, sizeof wanted, "p:%s", strchr(fault->told, ':') + 1);
    if (!strstr(world_findings(yaml), wanted))
        fail_msg("found: %s\nwanted: %s", world_findings(yaml), wanted);
}

/* The head of the world has five lines: rules begin in line 9, units in line 10. */
static struct fault faults[] = {
    {"unreachable: the same again", "{when: {state: CA}, to: a},\n{when: {state: CA}, to: a}",
     "p:10:1: programmes[0].routes[1]: is never reached: the rule in line 9 catches all of it"},
    {"unreachable: a narrower one", "{when: {state: CA}, to: a},\n{when: {source: x, state: CA}, to: b}",
     "p:10:1: programmes[0].routes[1]: is never reached: the rule in line 9"},
    {"unreachable: behind a catch-all", "{to: a},\n{when: {source: x}, to: b}",
     "p:10:1: programmes[0].routes[1]: is never reached: the rule in line 9"},
    {"unreachable: piece by piece",
     "{when: {state: CA}, to: a}, {when: {state: NV}, to: a},\n{when: {state: [CA, NV], product: x}, to: a}",
     "p:10:1: programmes[0].routes[2]: is never reached"},
    {"unreachable: a range within",
     "{when: {age: {from: 20, to: 60}}, to: a},\n{when: {age: {from: 30, to: 40}, state: CA}, to: a}",
     "p:10:1: programmes[0].routes[1]: is never reached"},
    {"unreachable: a zip by the same beginning", "{when: {zip: 902*}, to: a},\n{when: {zip: 902*, state: CA}, to: b}",
     "p:10:1: programmes[0].routes[1]: is never reached"},
    {"overlap: the same, elsewhere", "{when: {state: CA}, to: a},\n{when: {state: CA}, to: b}",
     "p:10:1: programmes[0].routes[1]: the same leads go to a already, by the rule in line 9"},
    {"overlap: in part", "{when: {zip: [90210, 90211]}, to: a},\n{when: {zip: [90211, 90212]}, to: b}",
     "p:10:1: programmes[0].routes[1]: some of the same leads go to a already"},
    {"an unknown target", "{to: ann}",
     "p:9:6: programmes[0].routes[0].to: is \"ann\"; no unit, team or listed agent of this programme is called that; "
     "did you mean ana?"},
    {"no target", "{when: {state: CA}}", "p:9:1: programmes[0].routes[0].to: is missing"},
    {"a prefix of no zip", "{when: {city: san*}, to: a}",
     "p:9:15: programmes[0].routes[0].when.city[0]: is \"san*\"; only a zip may end with *"},
    {"an empty range", "{when: {age: {from: 5, to: 5}}, to: a}",
     "p:9:14: programmes[0].routes[0].when.age: from must be less than to"},
    {"an unknown key of a range", "{when: {age: {form: 5}}, to: a}",
     "p:9:15: programmes[0].routes[0].when.age.form: is no key that is known here; did you mean from?"},
    {"an attribute twice", "{when: {age: 5, age: 6}, to: a}",
     "p:9:17: programmes[0].routes[0].when.age: is there twice"},
    {"a circle", "units: [{name: x, kind: area, in: y}, {name: y, kind: area, in: x}]",
     "u:10:35: units[0].in: goes in a circle: x would be part of itself"},
    {"an unknown unit above", "units: [{name: a, in: wset}, {name: west, kind: area}]",
     "u:10:23: units[0].in: is \"wset\", and no unit is called that; did you mean west?"},
    {"below a team", "units: [{name: a}, {name: b, in: a}]",
     "u:10:34: units[1].in: is \"a\", a team, and a team has nothing below it"},
    {"a team of nobody", "units: [{name: c, kind: field}]",
     "u:10:25: units[0].kind: is \"field\", and no programme has a team c"},
    {"a name twice", "units: [{name: x, kind: area}, {name: x, kind: area}]",
     "u:10:39: units[1].name: \"x\" is there twice"},
    {"too deep",
     "units: [{name: s, kind: area}, {name: t, kind: area, in: s}, {name: u, kind: area, in: t}, {name: v, kind: area, "
     "in: u}, {name: w, kind: area, in: v}, {name: x, kind: area, in: w}, {name: a, in: x}]",
     "u:10:196: units[6].in: lies deeper than 6 units"},
};

/* Gives nothing at first; later the last lead to the first agent. */
static void nothing_at_first(void *context, const struct msg_request *request, struct verdict *verdicts,
                             struct msg_decision *decision)
{
    int *answers = context;
    (void) decision;
    if ((*answers)++)
        verdicts[request->n_leads - 1].agent = 1;
}

static void who_was_asked_about_one_lead_in_vain_gets_another_that_only_he_may_have(void **state)
{
    (void) state;
    struct sim *sim = world_new(licensed);
    int answers = 0;
    sim_workers(sim, 1);
    sim_judge(sim, nothing_at_first, &answers, 5000, false);
    sim_run_ms(sim, 600);
    story_agent_of(sim, "ana", "all", INTENT_AVAILABLE, 1);
    story_agent(sim, "ben", "all", INTENT_AVAILABLE); /* free all the while, and not licensed */
    world_lead(sim, "web", "state=CA");
    const struct id second = world_lead(sim, "web", "state=NV"); /* comes while her one slot is in the request */
    assert_state(sim, second, POOLED);
    story_until_owner(sim, second, "ana", 200);
    sim_destroy(&sim);
}

/* Leads of a kind that stands aside join it unasked; who may have them finds them in their order. */
static void leads_that_nobody_here_may_have_go_out_in_order_when_somebody_comes(void **state)
{
    (void) state;
    char yaml[sizeof licensed + 64];
    snprintf(yaml, sizeof yaml, "%s    wip_max: 1\n", licensed);
    struct sim *sim = world_new(yaml);
    struct id leads[6];
    story_agent(sim, "ben", "all", INTENT_AVAILABLE);
    for (int i = 0; i < 6; i++)
        leads[i] = world_lead(sim, "web", i % 3 == 0 ? "state=NV" : i % 3 == 1 ? "state=CA" : "state=TX");
    struct sim_agent *ana = story_agent(sim, "ana", "all", INTENT_AVAILABLE);
    for (int i = 0; i < 6; i++) {
        if (i % 3 == 2) {
            assert_state(sim, leads[i], POOLED);
            continue;
        }
        assert_owner(sim, leads[i], "ana");
        story_work_up_to(sim, ana, leads[i], LEAD_WRAP_UP);
        assert_int_equal(story_dispose(sim, ana, leads[i], DISPOSITION_NOT_INTERESTED, "no"), REASON_OK);
        sim_run_ms(sim, 2);
    }
    assert_owner(sim, world_lead(sim, "web", "state=NV"), "ana"); /* the kind is known, and she is free */
    sim_destroy(&sim);
}

/* Also those that wait for her alone. */
/* Two kinds, however their costs and the filters that they pass are put together: 1001 ^ 2 is 1000 ^ 3. */
static void leads_that_cost_alike_and_pass_other_filters_do_not_wait_for_each_other(void **state)
{
    (void) state;
    struct sim *sim = world_new("programmes:\n"
                                "  - name: home\n"
                                "    teams: [all]\n"
                                "    agents: [{name: ana, only: {state: CA}}]\n"
                                "    limits: [{of: team, per: day, money: 1000}]\n");
    static const struct {
        const char *state;
        uint32_t cents;
    } rows[] = {{"TX", 1000}, {"CA", 999}};
    story_agent(sim, "ana", "all", INTENT_AVAILABLE);
    for (uint32_t i = 0; i < 2; i++) {
        const struct attribute in = {.name = slice_of("state", 5), .text = slice_of(rows[i].state, 2)};
        sim_chunk(sim, 70 + i, "web", 0, 0,
                  &(struct sim_row){
                      .key = i, .payload = "row", .attributes = &in, .n_attributes = 1, .cost_cents = rows[i].cents},
                  1);
        sim_run_ms(sim, 2);
    }
    assert_state(sim, sim_lead_id(0), POOLED);
    assert_owner(sim, sim_lead_id(1), "ana");
    sim_destroy(&sim);
}

static void a_filter_that_is_lifted_lets_go_what_it_held_back(void **state)
{
    (void) state;
    static const char rules[] = "    routes: [{to: ana}]\n    timers: {unclaimed: 1h}\n    agents:\n";
    char open[512], narrow[512];
    snprintf(open, sizeof open, "programmes:\n  - name: home\n    teams: [all]\n%s      - {name: ana}\n", rules);
    snprintf(narrow, sizeof narrow,
             "programmes:\n  - name: home\n    teams: [all]\n%s      - {name: ana, only: {state: CA}}\n", rules);
    struct sim *sim = world_new(open);
    struct sim_agent *ana = story_agent(sim, "ana", "all", INTENT_AWAY);
    const struct id lead = world_lead(sim, "web", "state=TX");
    assert_pool(sim, lead, "home>ana");
    world_apply(sim, narrow);
    sim_intent(sim, ana, INTENT_AVAILABLE);
    sim_run_ms(sim, 10);
    assert_pool(sim, lead, "home>ana");
    world_apply(sim, open);
    story_until_owner(sim, lead, "ana", 10);
    sim_destroy(&sim);
}

static void an_empty_unit_is_no_target(void **state)
{
    (void) state;
    assert_non_null(strstr(world_findings("units: [{name: west, kind: area}]\n"
                                          "programmes:\n"
                                          "  - {name: home, teams: [a], routes: [{to: west}]}\n"),
                           "p:8:44: programmes[0].routes[0].to: is west, and no team of this programme is in it"));
}

static void a_longer_zip_behind_a_shorter_one_is_no_fault(void **state)
{
    (void) state;
    assert_string_equal(
        world_findings(
            "programmes:\n"
            "  - {name: home, teams: [a, b], routes: [{when: {zip: 9*}, to: a}, {when: {zip: 902*}, to: b},\n"
            "     {when: {state: CA}, to: a}, {when: {state: CA, zip: 90210}, to: b}, {to: b}]}\n"),
        "");
}

int main(void)
{
    enum { FAULTS = sizeof faults / sizeof *faults };
    struct CMUnitTest planted[FAULTS];
    for (size_t i = 0; i < FAULTS; i++)
        planted[i] = (struct CMUnitTest){
            .name = faults[i].name, .test_func = a_planted_fault_is_told_at_its_place, .initial_state = &faults[i]};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_licence_for_its_state_nobody_gets_a_lead),
        cmocka_unit_test(preselected_criteria_of_a_person_hold_when_it_pulls),
        cmocka_unit_test(preselected_criteria_of_a_pool_hold_when_its_team_pulls),
        cmocka_unit_test(filters_of_team_and_units_add_up),
        cmocka_unit_test(a_rule_to_an_agent_who_may_not_have_the_lead_means_its_team),
        cmocka_unit_test(the_one_who_may_is_found_behind_hundreds_who_may_not),
        cmocka_unit_test(leads_that_come_together_each_find_who_may_have_them),
        cmocka_unit_test(what_a_window_leaves_over_goes_to_who_was_not_in_it),
        cmocka_unit_test(who_was_asked_about_one_lead_in_vain_gets_another_that_only_he_may_have),
        cmocka_unit_test(leads_that_nobody_here_may_have_go_out_in_order_when_somebody_comes),
        cmocka_unit_test(leads_that_cost_alike_and_pass_other_filters_do_not_wait_for_each_other),
        cmocka_unit_test(a_filter_that_is_lifted_lets_go_what_it_held_back),
        cmocka_unit_test(a_licence_that_is_taken_away_holds_at_once),
        cmocka_unit_test(an_empty_unit_is_no_target),
        cmocka_unit_test(a_longer_zip_behind_a_shorter_one_is_no_fault),
    };
    return _cmocka_run_group_tests("planted faults", planted, FAULTS, NULL, NULL) +
           cmocka_run_group_tests(tests, NULL, NULL);
}
