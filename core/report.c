/* SPDX-License-Identifier: Apache-2.0
 * report.c - answers to operators: tables. Some questions are orders as well: about a worker or an agent, and the
 * answer is its row. Lead ids, names of agents and codes only; contact data never leaves by this door. */
#include "core/report_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- status ------------------------------------------------------------------------- */

const char *report_mode_name(const struct programme *programme)
{
    const enum mode mode = programme->mode;
    return programme->retired ? "retired" : mode == MODE_PUSH ? "push" : mode == MODE_PULL ? "pull" : "push_pull";
}

static uint64_t ended(const uint64_t *count)
{
    uint64_t sum = 0;
    for (unsigned s = LEAD_CLOSED_WON; s < LEAD_STATES; s++)
        sum += count[s];
    return sum;
}

static void report_status(struct table *table, const struct msg_query *query)
{
    (void) query;
    const struct core *core = table->core;
    for (uint32_t p = 0; p < core->policy.n_programmes && !full(table); p++) {
        const struct programme_state *state = &core->programmes[p];
        const uint64_t *count = state->count;
        if (!programme_of(core, p)->name[0])
            continue; /* a free place */
        cell(table, "%s", programme_of(core, p)->name);
        cell(table, "%s", report_mode_name(programme_of(core, p)));
        const uint64_t cells[] = {state->received,
                                  count[LEAD_POOLED],
                                  count[LEAD_HELD],
                                  count[LEAD_OFFERED],
                                  count[LEAD_OWNED],
                                  count[LEAD_WORKING],
                                  count[LEAD_WRAP_UP],
                                  count[LEAD_REVOKING],
                                  count[LEAD_PIPELINE],
                                  count[LEAD_COOLING],
                                  count[LEAD_CLOSED_WON],
                                  count[LEAD_CLOSED_LOST],
                                  count[LEAD_CLOSED_INVALID],
                                  count[LEAD_SUPPRESSED],
                                  count[LEAD_EXHAUSTED],
                                  ended(count),
                                  state->decided_scored,
                                  state->decided_plain,
                                  state->alerts,
                                  state->never_contacted};
        for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
            number(table, cells[i]);
    }
}

/* ---- leads -------------------------------------------------------------------------------- */

static void report_kin(struct table *table, const struct lead *lead)
{
    char hex[33];
    if (!lead->past || id_is_none(lead->past->kin))
        return;
    id_to_hex(lead->past->kin, hex);
    cell(table, lead->state == LEAD_DUPLICATE ? "merged_into" : "last_merged"), cell(table, "%s", hex);
    cell(table, "merged"), number(table, lead->past->merged);
}

static void lead_fields(struct table *table, const struct lead *lead)
{
    const struct core *core = table->core;
    char hex[33];
    id_to_hex(lead->id, hex);
    cell(table, "lead"), cell(table, "%s", hex);
    cell(table, "state"), cell(table, "%s", lead_state_name(lead->state));
    cell(table, "because"), cell(table, "%s", reason_text(lead->reason));
    cell(table, "since_ms"), cell(table, "%" PRId64, lead->state_us / 1000);
    cell(table, "owner"), cell(table, "%s", report_agent_name(core, lead->owner));
    cell(table, "programme"), cell(table, "%s", programme_of(core, lead->programme)->name);
    cell(table, "source"), cell(table, "%s", core->sources[lead->source]);
    cell(table, "received_ms"), cell(table, "%" PRId64, lead->received_us / 1000);
    cell(table, "first_in_hand_ms"), time_cell(table, lead->handed_us);
    cell(table, "fence"), cell(table, "%" PRIu64 ".%" PRIu64, lead->fence >> 32, lead->fence & UINT32_MAX);
    cell(table, "attempts"), number(table, lead->attempts);
    cell(table, "distributions"), number(table, lead->distributions);
    cell(table, "recycles"), number(table, followup_look(lead)->recycles);
    cell(table, "disposition"), cell(table, "%s", lead->disposition ? disposition_word(lead->disposition) : "");
    report_kin(table, lead);
    cell(table, "deadline_in_ms");
    if (lead_terminal(lead))
        cell(table, "none");
    else
        cell(table, "%" PRId64, lead->timer.at_ms - (lead->timer.appointment ? now_ms(core) : run_ms(core)));
    report_follow(table, lead);
}

static struct lead *lead_by_arg(struct core *core, const struct msg_query *query)
{
    char hex[33] = "";
    struct id id;
    if (query->arg.len != 32)
        return NULL;
    memcpy(hex, query->arg.at, 32);
    return id_from_hex(hex, &id) ? leads_find(core, id) : NULL;
}

static void report_lead(struct table *table, const struct msg_query *query)
{
    const struct lead *lead = lead_by_arg(table->core, query);
    if (lead)
        lead_fields(table, lead);
    else
        table->report->reason = REASON_UNKNOWN_LEAD;
}

/* The choice in words. A strategy that did not decide is named by its own row, and is not the reason. */
static void why_cells(struct table *table, const struct decision *decision)
{
    const char *winner = report_agent_name(table->core, decision->winner);
    const char *other = decision->runner_up == NONE ? "nobody" : report_agent_name(table->core, decision->runner_up);
    const char *rule = decision->by == REASON_SCORED   ? strategy_text(decision->strategy)
                       : decision->by == REASON_CHOSEN ? "its own choice"
                       : decision->by == REASON_GREEDY ? strategy_text(STRATEGY_BEST_SCORE)
                                                       : strategy_text(STRATEGY_LONGEST_IDLE);
    cell(table, "why"), cell(table, "%s: %s, then %s", rule, winner, other);
}

static void decision_fields(struct table *table, const struct decision *decision)
{
    const struct core *core = table->core;
    cell(table, "decision"), cell(table, "%s", reason_text(decision->by));
    cell(table, "decided_ms"), cell(table, "%" PRId64, decision->at_us / 1000);
    cell(table, "policy_version"), number(table, decision->policy_version);
    cell(table, "winner"), cell(table, "%s", report_agent_name(core, decision->winner));
    if (decision->by == REASON_ASSIGNED)
        return; /* by hand: nobody was compared */
    cell(table, "strategy"), cell(table, "%s", strategy_word(decision->strategy));
    why_cells(table, decision);
    cell(table, "candidates"), number(table, decision->candidates);
    cell(table, "score"), cell(table, "%d", decision->score);
    cell(table, "runner_up"), cell(table, "%s", report_agent_name(core, decision->runner_up));
    cell(table, "margin"), cell(table, "%d", decision->margin);
    cell(table, "snapshot"), cell(table, "%" PRIx64, decision->request);
}

static void report_explain(struct table *table, const struct msg_query *query)
{
    const struct core *core = table->core;
    const struct lead *lead = lead_by_arg(table->core, query);
    if (!lead) {
        table->report->reason = REASON_UNKNOWN_LEAD;
        return;
    }
    const struct decision *decision = lead->past ? &lead->past->decision : NULL;
    lead_fields(table, lead);
    report_routing(table, lead);
    if (!decision || decision->winner == NONE)
        cell(table, "decision"), cell(table, "none yet: waiting for a card in its pool");
    else
        decision_fields(table, decision);
    for (uint32_t i = 0; i < lead->n_excludes; i++) {
        cell(table, "not %s", report_agent_name(core, lead->excludes[i].agent));
        cell(table, "%s", reason_text(lead->excludes[i].reason));
    }
    report_kept_from(table, lead);
    report_no_cards(table, lead);
}

/* ---- pools --------------------------------------------------------------------- */

/* Pools of teams are shown where leads are handed down to them, else only while there is something in them. */
static bool is_shown(const struct core *core, const struct pool *pool)
{
    if (pool->ring == RING_TEAM && !core->policy.teams[pool->team].name[0])
        return false; /* the place of one that is gone */
    const struct programme *programme = programme_of(core, pool->programme);
    if (!programme->name[0] || programme->retired)
        return false;
    return pool->ring != RING_TEAM || pool->depth > 0 || programme->mode == MODE_PUSH_PULL;
}

/* Who could take from it now; above limited pools nobody does. */
static uint32_t with_card(struct core *core, const struct pool *pool)
{
    if (pool->ring == RING_AGENT)
        return allocate_free_slots(core, core->agents[pool->team], pool->ring) > 0;
    if (allocate_is_upstream(core, pool))
        return 0;
    return pool_cards(core, pool)->n;
}

/* Returns false when the table is full. */
static bool pool_row(struct table *table, const struct pool *pool, const struct msg_query *query)
{
    struct core *core = table->core;
    char name[POOL_NAME_MAX];
    if (table->n_cells / table->report->n_columns >= query->limit || full(table)) {
        table->report->more = true;
        return false;
    }
    const bool limited = pool->ring == RING_TEAM && unit_is_team(core, pool->team) &&
                         programme_of(core, pool->programme)->mode == MODE_PUSH_PULL;
    const struct lead *first = aside_front(pool);
    pool_name(core, pool, name);
    cell(table, "%s", name);
    number(table, pool->depth);
    number(table, limited ? team_depth_max(core, pool->team) : 0);
    cell(table, "%" PRId64, first ? (core->now_us - first->pooled_us) / 1000 : 0);
    number(table, with_card(core, pool));
    return true;
}

static void report_pools(struct table *table, const struct msg_query *query)
{
    const struct core *core = table->core;
    for (uint32_t i = 0; i < core->n_pools; i++)
        if (is_shown(core, &core->pools[i]) && !pool_row(table, &core->pools[i], query))
            return;
    for (uint32_t i = 0; i < core->n_known; i++)
        if (core->known[i]->direct && core->known[i]->direct->depth > 0 &&
            !pool_row(table, core->known[i]->direct, query))
            return;
}

/* ---- metrics ------------------------------------------------------------------------------------------ */

static void histogram_lines(struct table *table, const struct histogram *histogram, const char *met)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
        sum += histogram->bucket[i];
        if (i % 8 == 7 && i > 40 && i < 300) /* an octave a bucket is enough to show */
            cell(table, "takt_intake_to_hand_seconds_bucket{met=\"%s\",le=\"%.6f\"} %" PRIu64, met,
                 (double) histogram_top_us(i) * 1e-6, sum);
    }
    cell(table, "takt_intake_to_hand_seconds_bucket{met=\"%s\",le=\"+Inf\"} %" PRIu64, met, histogram->n);
    cell(table, "takt_intake_to_hand_seconds_sum{met=\"%s\"} %.6f", met, (double) histogram->sum_us * 1e-6);
    cell(table, "takt_intake_to_hand_seconds_count{met=\"%s\"} %" PRIu64, met, histogram->n);
}

static void quantile_lines(struct table *table, const struct histogram *histogram, const char *met)
{
    static const struct {
        double q;
        const char *name;
    } quantiles[] = {{0.5, "0.5"}, {0.99, "0.99"}};
    for (size_t i = 0; i < 2; i++)
        cell(table, "takt_intake_to_hand_quantile_seconds{met=\"%s\",q=\"%s\"} %.6f", met, quantiles[i].name,
             (double) histogram_quantile_us(histogram, quantiles[i].q) * 1e-6);
    cell(table, "takt_intake_to_hand_quantile_seconds{met=\"%s\",q=\"1\"} %.6f", met,
         (double) histogram->max_us * 1e-6);
}

static void counter(struct table *table, const char *name, const char *help, size_t offset)
{
    cell(table, "# HELP %s %s", name, help);
    cell(table, "# TYPE %s counter", name);
    for (uint32_t p = 0; p < table->core->policy.n_programmes; p++) {
        uint64_t value;
        if (!programme_of(table->core, p)->name[0])
            continue;
        memcpy(&value, (const char *) &table->core->programmes[p] + offset, sizeof value);
        cell(table, "%s{programme=\"%s\"} %" PRIu64, name, programme_of(table->core, p)->name, value);
    }
}

static void gauge(struct table *table, const char *name, const char *help, uint64_t value)
{
    cell(table, "# HELP %s %s", name, help);
    cell(table, "# TYPE %s gauge", name);
    cell(table, "%s %" PRIu64, name, value);
}

static void report_metrics(struct table *table, const struct msg_query *query)
{
    (void) query;
    struct core *core = table->core;
    struct core_levels levels;
    core_levels(core, &levels);
    cell(table, "# HELP takt_leads Leads by programme and state.");
    cell(table, "# TYPE takt_leads gauge");
    for (uint32_t p = 0; p < core->policy.n_programmes; p++)
        for (unsigned s = 1; s < LEAD_STATES; s++)
            if (core->programmes[p].count[s])
                cell(table, "takt_leads{programme=\"%s\",state=\"%s\"} %" PRIu64, programme_of(core, p)->name,
                     lead_state_name(s), core->programmes[p].count[s]);
    cell(table, "# HELP takt_moves_total Moves of leads since this broker started.");
    cell(table, "# TYPE takt_moves_total counter");
    for (unsigned i = 0; i < LEAD_MOVES; i++)
        if (core->moved[i])
            cell(table, "takt_moves_total{%s} %" PRIu64, lead_move_labels[i], core->moved[i]);
#define COUNTER(name, help, field) counter(table, name, help, offsetof(struct programme_state, field))
    COUNTER("takt_leads_received_total", "Leads taken in.", received);
    COUNTER("takt_offers_total", "Leads handed to an agent, by offer or grant.", offers);
    COUNTER("takt_accepts_total", "Offers accepted.", accepts);
    COUNTER("takt_declines_total", "Offers declined.", declines);
    COUNTER("takt_offers_lapsed_total", "Offers not answered in time.", lapses);
    COUNTER("takt_redistributions_total", "Leads taken from an owner.", redistributions);
    COUNTER("takt_alerts_total", "Leads that need somebody to look.", alerts);
    COUNTER("takt_never_contacted_total", "Leads exhausted that nobody ever acted on.", never_contacted);
    COUNTER("takt_decisions_scored_total", "Decisions made by workers.", decided_scored);
    COUNTER("takt_decisions_plain_total", "Decisions made by the plain order.", decided_plain);
    COUNTER("takt_decisions_greedy_total", "Decisions lead by lead, since the optimum would have come too late.",
            decided_greedy);
    COUNTER("takt_greedy_gap_cents_total", "What the optimum may have been worth above them, at most.",
            greedy_gap_cents);
#undef COUNTER
    gauge(table, "takt_agents_present", "Agents whose lease runs.", levels.agents_present);
    gauge(table, "takt_workers", "Scoring workers attached.", levels.workers);
    report_worker_metrics(table);
    gauge(table, "takt_requests_out", "Scoring requests not yet answered.", levels.requests_out);
    gauge(table, "takt_rows_rejected", "Rows refused at intake.", core->rejected);
    gauge(table, "takt_agents_known", "Agents that are known, here or not.", core->n_known);
    gauge(table, "takt_agents_forgotten", "Agents forgotten since this broker started.", core->forgotten);
    gauge(table, "takt_presence_losses", "Agents that fell silent or left since this broker started.",
          core->presence_losses);
    gauge(table, "takt_stale_refusals", "Acts refused for their fence since this broker started.",
          core->stale_refusals);
    cell(table, "# HELP takt_intake_to_hand_seconds From receipt to an agent's hand.");
    cell(table, "# TYPE takt_intake_to_hand_seconds histogram");
    histogram_lines(table, &core->hand_free, "free");
    histogram_lines(table, &core->hand_busy, "busy");
    cell(table, "# HELP takt_intake_to_hand_quantile_seconds The same as quantiles, 1 = the slowest.");
    cell(table, "# TYPE takt_intake_to_hand_quantile_seconds gauge");
    quantile_lines(table, &core->hand_free, "free");
    quantile_lines(table, &core->hand_busy, "busy");
}

/* ---- the table of questions ---------------------------------------------------------------------------- */

typedef void report_fn(struct table *table, const struct msg_query *query);
static const struct {
    enum query_what what;
    report_fn *report;
    const char *types;
    const char *columns[COLUMNS_MAX];
} queries[] = {
    {QUERY_STATUS,
     report_status,
     "ssnnnnnnnnnnnnnnnnnnnn",
     {"programme", "mode",     "received", "waiting", "held",   "offered",        "owned",   "working",
      "wrap_up",   "revoking", "pipeline", "cooling", "won",    "lost",           "invalid", "suppressed",
      "exhausted", "ended",    "scored",   "plain",   "alerts", "never_contacted"}},
    {QUERY_LEAD, report_lead, "ss", {"field", "value"}},
    {QUERY_AGENTS, report_agents, AGENT_TYPES, AGENT_COLUMNS},
    {QUERY_PAUSE, report_pause, AGENT_TYPES, AGENT_COLUMNS},
    {QUERY_FORGET, report_forget, AGENT_TYPES, AGENT_COLUMNS},
    {QUERY_ABSENCE, report_absence, AGENT_TYPES, AGENT_COLUMNS},
    {QUERY_RESUME, report_resume, AGENT_TYPES, AGENT_COLUMNS},
    {QUERY_LIMITS, report_limits, "ssssssd", {"of", "name", "per", "counts", "used", "most", "opens"}},
    {QUERY_POOLS, report_pools, "snndn", {"pool", "waiting", "depth_max", "oldest", "with_card"}},
    {QUERY_EXPLAIN, report_explain, "ss", {"field", "value"}},
    {QUERY_WORKERS, report_workers, WORKER_TYPES, WORKER_COLUMNS},
    {QUERY_DRAIN, report_drain, WORKER_TYPES, WORKER_COLUMNS},
    {QUERY_UNDRAIN, report_undrain, WORKER_TYPES, WORKER_COLUMNS},
    {QUERY_TEAMS,
     report_teams,
     "ssnnnnnnnnnnn",
     {"team", "programme", "agents", "present", "available", "on_demand", "away", "lost", "with_card", "offered",
      "owned", "working", "wrap_up"}},
    {QUERY_SUPPRESSED, report_suppressed, SUPPRESSED_TYPES, SUPPRESSED_COLUMNS},
    {QUERY_METRICS, report_metrics, "s", {"line"}},
    {QUERY_ORPHANS, report_orphans, "ss", {"lead", "state"}},
    {QUERY_RETURNS, report_returns, "ssssstn", {"source", "lead", "key", "reason", "text", "at", "cost_cents"}},
    {QUERY_SOURCES, report_sources, "snnnnn", {"source", "leads", "live", "won", "returns", "returns_cents"}},
    {QUERY_POLICIES, report_policies, "ntns", {"version", "in_force_since", "bytes", "in_force"}},
    {QUERY_POLICY, report_policy, "s", {"line"}},
};

void report_cut(struct table *table, const char *const *names)
{
    struct core *core = table->core;
    struct msg_report *report = table->report;
    const uint32_t n = report->n_columns + table->n_cells;
    const size_t text = core->report.len, at = (text + 15) & ~(size_t) 15;
    buf_more(&core->report, at - text + n * sizeof(struct slice));
    struct slice *slices = (struct slice *) (void *) (core->report.at + at);
    for (uint32_t i = 0; i < report->n_columns; i++)
        slices[i] = slice_of(names[i], strlen(names[i]));
    const char *c = (const char *) core->report.at;
    for (uint32_t i = 0; i < table->n_cells; i++, c += strlen(c) + 1)
        slices[report->n_columns + i] = slice_of(c, strlen(c));
    report->columns = slices;
    report->cells = slices + report->n_columns;
    assert(report->n_columns > 0);
    report->n_rows = table->n_cells / report->n_columns;
}

void core_report(struct core *core, const struct msg_query *query, struct msg_report *ret)
{
    *ret = (struct msg_report){.what = query->what, .reason = REASON_BAD_FIELD};
    core->report.len = 0;
    struct msg_query bounded = *query;
    if (bounded.limit == 0 || bounded.limit > QUERY_LIMIT_MAX)
        bounded.limit = QUERY_LIMIT_MAX;
    for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
        if (queries[i].what == query->what) {
            struct table table = {.core = core, .report = ret};
            ret->reason = REASON_OK;
            ret->types = queries[i].types;
            ret->n_columns = (uint32_t) strlen(ret->types);
            assert(ret->n_columns == COLUMNS_MAX || !queries[i].columns[ret->n_columns]); /* a letter for each */
            queries[i].report(&table, &bounded);
            report_cut(&table, queries[i].columns);
        }
}

void report_lead_answer(struct core *core, uint32_t peer, struct id lead, enum reason reason)
{
    char hex[33];
    struct msg answer = {.kind = MSG_REPORT};
    id_to_hex(lead, hex);
    core_report(core, &(struct msg_query){.what = QUERY_LEAD, .arg = slice_of(hex, 32)}, &answer.report);
    answer.report.reason = reason;
    effects_msg(core->effects, peer, &answer);
}

void report_query(struct core *core, uint32_t peer, const struct msg *msg)
{
    struct msg answer = {.kind = MSG_REPORT};
    core_report(core, &msg->query, &answer.report);
    effects_msg(core->effects, peer, &answer);
}
