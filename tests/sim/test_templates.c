/* SPDX-License-Identifier: Apache-2.0
 * test_templates.c - each shipped policy through a day as it is: its leads from its
 * sources, its teams at their desks and at home for the night, with lost messages,
 * people who fall silent and brokers that crash; once in the plain order, and once
 * with workers that decide by the file's own strategies and scores. The simulator
 * looks at the invariants after each beat; at the end nothing is lost and nothing
 * lies dead, and each line of a score has counted for somebody. Only the heartbeat is not the file's: longer, that
 * of all peers, so that a day costs seconds. */
#include <stdlib.h>

#include "policy/policy_yaml.h"
#include "tests/sim/route_world.h"
#include "worker/score.h"

enum { HOUR_MS = 3600000, HEARTBEAT_MS = 30000, LEADS_MAX = 256, STRANGERS = 2 };

struct template
{
    const char *name;
    const char *staff;     /* "ana@phones": those that the file lists; each team has STRANGERS more */
    const char *leads[12]; /* "source: attributes" */
};

static struct template templates[] = {
    {"default",
     "",
     {"web: product=refinance amount=250000", "web: language=spanish", "purchased: product=equity",
      "partner: amount=90000", "unknown: state=TX"}},
    {"mortgage",
     "ana@phones ben@phones cho@visitors dee@reno",
     {"web: zip=94612 state=CA loan=450000 zone=America/Los_Angeles",
      "web: zip=90210 state=CA loan=90000 language=spanish", "portal: state=NV loan=200000 zone=America/Los_Angeles",
      "portal: state=AZ credit=excellent", "purchased: state=TX product=refinance zone=America/Chicago",
      "realtors: state=FL zone=America/New_York", "somebody: state=OH"}},
    {"real-estate",
     "mia@lakeside noah@uptown ola@lakeside",
     {"portal: zip=60611 price=900000 zone=America/Chicago", "portal: zip=60601 price=300000",
      "website: zip=60640 financing=approved", "website: county=Cook", "valuation: zip=60614", "valuation: zip=60453",
      "open-house: zip=53703", "archive: state=IL zone=America/Chicago"}},
    {"insurance",
     "eve@plains fay@gulf gil@plains hal@gulf",
     {"web: state=TX age=64 zone=America/Chicago", "web: state=LA household=4", "comparison: state=OK tobacco=yes",
      "comparison: state=KS age=30 language=spanish", "web: state=TX age=40", "car-web: state=TX",
      "policies: state=OH"}},
    {"debt-credit",
     "ike@tampa jan@tampa kim@dallas lou@dallas",
     {"web: state=FL debt=60000 zone=America/New_York", "web: state=GA debt=20000", "radio: state=TX debt=15000",
      "radio: state=NY debt=35000 behind=yes", "score-check: state=OH debt=3000", "somebody: state=ME"}},
    {"other-finance",
     "pia@senior raj@leasing",
     {"web: product=fleet amount=2000000", "web: product=lease amount=40000", "referral: amount=300000 years=5",
      "referral: product=loan revenue=2000000 years=0", "purchased: amount=8000", "broker: amount=70000",
      "somebody: amount=1000"}},
};

struct day {
    struct sim *sim;
    const struct template *template;
    struct {
        struct id id;
        const char *row;
    } leads[LEADS_MAX];
    uint32_t n_leads;
    struct sim_agent *staff[64];
    uint32_t n_staff;
};

struct desk { /* of the workers: what they were asked */
    const struct policy *policy;
    struct scorer *scorer;
    uint32_t agent_weight_max;
    uint64_t counted[POLICY_PROGRAMMES_MAX]; /* a bit for each line of the score that changed one */
};

static struct policy *load(const char *name)
{
    struct policy *policy = malloc(sizeof *policy);
    struct buf findings = {0};
    char path[256];
    assert_non_null(policy);
    snprintf(path, sizeof path, "%s/%s.yaml", POLICIES, name);
    if (policy_load(path, policy, &findings) != 0)
        fail_msg("%.*s", (int) findings.len, (const char *) findings.at);
    buf_fini(&findings);
    policy->heartbeat_ms = HEARTBEAT_MS;
    policy->lease_ms = 120000;
    return policy;
}

/* Who pulls asks; of others every second one does, too, where a team has a pool of its own. */
static void hire(struct day *day, const struct policy *policy, const char *name, uint32_t team)
{
    const enum mode mode = policy->programmes[policy->teams[team].programme].mode;
    const bool asks = mode == MODE_PULL || (mode == MODE_PUSH_PULL && day->n_staff % 2);
    assert_true(day->n_staff < 64 && strlen(policy->teams[team].name) < sizeof day->staff[0]->team);
    day->staff[day->n_staff++] =
        sim_agent(day->sim, name, policy->teams[team].name, asks ? INTENT_ON_DEMAND : INTENT_AVAILABLE);
    day->staff[day->n_staff - 1]->skill = day->n_staff % 2 ? "spanish" : NULL;
}

static uint32_t team_called(const struct policy *policy, const char *name, size_t len)
{
    for (uint32_t t = 0; t < policy->n_teams; t++)
        if (strlen(policy->teams[t].name) == len && strncmp(policy->teams[t].name, name, len) == 0)
            return t;
    fail_msg("there is no team %.*s", (int) len, name);
    return 0;
}

static void hire_all(struct day *day, const struct policy *policy)
{
    char name[16];
    for (const char *at = day->template->staff; *at;) {
        const char *team = strchr(at, '@') + 1;
        const size_t len = strcspn(team, " ");
        snprintf(name, sizeof name, "%.*s", (int) (team - at - 1), at);
        hire(day, policy, name, team_called(policy, team, len));
        at = team + len + strspn(team + len, " ");
    }
    for (uint32_t t = 0; t < policy->n_teams; t++)
        for (int i = 0; policy->teams[t].kind < UNIT_OFFICE && i < STRANGERS; i++) {
            snprintf(name, sizeof name, "%.12s-%d", policy->teams[t].name, i);
            hire(day, policy, name, t);
        }
}

static void leads_come(struct day *day)
{
    for (uint32_t i = 0; day->template->leads[i]; i++) {
        const char *colon = strchr(day->template->leads[i], ':');
        char source[16];
        snprintf(source, sizeof source, "%.*s", (int) (colon - day->template->leads[i]), day->template->leads[i]);
        assert_true(day->n_leads < LEADS_MAX);
        day->leads[day->n_leads].row = day->template->leads[i];
        day->leads[day->n_leads++].id = world_lead(day->sim, source, colon + 2);
    }
}

static void see_what_counts(struct desk *desk, const struct scoring *scoring, const struct msg_request *request)
{
    for (uint32_t a = 0; a < request->n_agents; a++) {
        if (request->agents[a].weight > desk->agent_weight_max)
            desk->agent_weight_max = request->agents[a].weight;
        for (uint32_t i = 0; i < request->n_leads; i++) {
            struct score_parts parts;
            score_parts(scoring, &request->leads[i], &request->agents[a], &parts);
            for (uint32_t p = 0; p < parts.n_parts; p++)
                if (parts.parts[p].kind == PART_WEIGHT)
                    desk->counted[request->programme] |= UINT64_C(1) << parts.parts[p].weight;
        }
    }
}

/* As the worker does it, by what the file says of this programme. */
static void decide(void *context, const struct msg_request *request, struct verdict *verdicts,
                   struct msg_decision *decision)
{
    struct desk *desk = context;
    const struct programme *programme = &desk->policy->programmes[request->programme];
    assert_int_equal(request->strategy, programme->strategy);
    see_what_counts(desk, &programme->scoring, request);
    score_request(desk->scorer, &programme->scoring, request, decision);
    memcpy(verdicts, decision->verdicts, decision->n_verdicts * sizeof *verdicts);
    decision->verdicts = verdicts;
}

static void go_home(struct day *day)
{
    for (uint32_t i = 0; i < day->n_staff; i++)
        if (day->staff[i]->on)
            sim_bye(day->sim, day->staff[i]);
}

/* Whoever was at home, or was paused for not answering, says that it is there. */
static void come(struct day *day)
{
    for (uint32_t i = 0; i < day->n_staff; i++) {
        struct sim_agent *agent = day->staff[i];
        agent->on = true;
        sim_silence(day->sim, agent, false);
        if (!agent->session || agent->n_held == 0)
            sim_hello(day->sim, agent);
        sim_intent(day->sim, agent, agent->intent);
    }
}

/* 22:13 UTC, a Tuesday: late afternoon in the east, noon in the west. */
static void live_a_day(struct day *day, uint32_t workers)
{
    /* workers must be heard within their deadline, or the plain order decides all the same */
    const struct sim_faults none = {0}, bad = {.lose = 10,
                                               .repeat = 20,
                                               .silence = 10,
                                               .worker_mute = 20,
                                               .delay_us = workers ? 10000 : 20000};
    for (int hour = 0; hour < 24; hour++) {
        const bool night = hour >= 5 && hour < 15;
        if (hour == 5)
            go_home(day);
        else if (!night)
            come(day);
        sim_run_ms(day->sim, 2000);
        sim_faults(day->sim, none);
        sim_run_ms(day->sim, 1000);
        if (hour < 20 && hour % 2 == 0)
            leads_come(day);
        sim_faults(day->sim, hour < 20 ? bad : none);
        sim_run_ms(day->sim, HOUR_MS / 2);
        if (hour % 4 == 3)
            sim_crash(day->sim);
        sim_run_ms(day->sim, HOUR_MS / 2);
    }
}

static bool somebody_may(const struct core *core, const struct lead *lead)
{
    bool any = false;
    enum reason why;
    for (uint32_t i = 0; i < core->n_known; i++)
        any |= core->known[i]->programme == lead->programme && pair_allowed(core, lead, core->known[i], &why);
    return any;
}

static void nothing_lies_dead(struct day *day)
{
    struct core *core = sim_core(day->sim);
    struct msg_report report = {0};
    uint32_t ended = 0;
    core_report(core, &(struct msg_query){.what = QUERY_ORPHANS, .limit = 100}, &report);
    assert_int_equal(report.n_rows, 0);
    for (uint32_t i = 0; i < day->n_leads; i++) {
        const struct lead *lead = story_of(day->sim, day->leads[i].id); /* none is lost */
        ended += lead->state >= LEAD_CLOSED_WON;
        /* it is afternoon, and everybody is there: what waits is for nobody who is left, and somebody was told so */
        if ((lead->state == LEAD_POOLED && (somebody_may(core, lead) || !lead->alerted)) || lead->handed_us == 0)
            fail_msg("%s: lead %u, %s, is %s after %u owners", day->template->name, i, day->leads[i].row,
                     lead_state_name(lead->state), lead->distributions);
    }
    assert_int_equal(core->leads.n, day->n_leads);
    assert_int_equal(sim_lost(day->sim), 0);
    assert_true(ended > day->n_leads / 2);
}

static uint32_t agent_weight_max(const struct policy *policy)
{
    uint32_t most = 1;
    for (uint32_t i = 0; i < policy->n_agents; i++)
        most = policy->agents[i].weight > most ? policy->agents[i].weight : most;
    return most;
}

static void workers_decided_by_the_file(struct day *day, const struct desk *desk)
{
    const struct core *core = sim_core(day->sim);
    uint64_t scored = 0, plain = 0;
    for (uint32_t p = 0; p < desk->policy->n_programmes; p++) {
        const struct scoring *scoring = &desk->policy->programmes[p].scoring;
        scored += core->programmes[p].decided_scored;
        plain += core->programmes[p].decided_plain;
        for (uint32_t w = 0; w < scoring->n_weights; w++)
            if (!(desk->counted[p] >> w & 1))
                fail_msg("%s: line %u of the score of %s counted for no lead and no agent", day->template->name, w,
                         desk->policy->programmes[p].name);
    }
    if (scored < 4 * plain)
        fail_msg("%s: workers decided %llu, the plain order %llu", day->template->name, (unsigned long long) scored,
                 (unsigned long long) plain);
    assert_int_equal(desk->agent_weight_max, agent_weight_max(desk->policy));
}

static void live(const struct template *template, uint32_t workers)
{
    struct day day = {.template = template};
    struct policy *policy = load(template->name);
    struct desk desk = {.policy = policy, .scorer = scorer_new()};
    day.sim = sim_new(7, policy);
    sim_workers(day.sim, workers);
    sim_judge(day.sim, decide, &desk, 200, false);
    sim_audit_every(day.sim, 64);
    sim_others_every(day.sim, HEARTBEAT_MS);
    hire_all(&day, policy);
    live_a_day(&day, workers);
    nothing_lies_dead(&day);
    if (workers)
        workers_decided_by_the_file(&day, &desk);
    sim_destroy(&day.sim);
    scorer_destroy(&desk.scorer);
    free(policy);
}

/* proves 004-14, 003-43 */
static void a_template_as_it_is_keeps_all_promises_for_a_day(void **state)
{
    live(*state, 0);
}

/* proves 004-14, 003-43: as it says of itself whom a lead goes to */
static void a_template_s_strategies_and_scores_decide_all_day(void **state)
{
    live(*state, 2);
}

int main(void)
{
    enum { TEMPLATES = sizeof templates / sizeof *templates };
    struct CMUnitTest days[2 * TEMPLATES];
    char names[TEMPLATES][40];
    for (size_t i = 0; i < TEMPLATES; i++) {
        days[i] = (struct CMUnitTest){.name = templates[i].name,
                                      .test_func = a_template_as_it_is_keeps_all_promises_for_a_day,
                                      .initial_state = &templates[i]};
        snprintf(names[i], sizeof names[i], "%s with workers", templates[i].name);
        days[TEMPLATES + i] = (struct CMUnitTest){.name = names[i],
                                                  .test_func = a_template_s_strategies_and_scores_decide_all_day,
                                                  .initial_state = &templates[i]};
    }
    return _cmocka_run_group_tests("templates", days, 2 * TEMPLATES, NULL, NULL);
}
