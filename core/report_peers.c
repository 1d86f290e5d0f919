/* SPDX-License-Identifier: Apache-2.0
 * report_peers.c - who is connected, as operators ask: workers, and agents by
 * team. Here stands the one order an operator can give, to drain a worker; it
 * answers with the rows it changed, so that the asker sees what came of it. */
#include "core/report_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *worker_state(const struct worker *worker)
{
    if (worker->drained || worker->leaving)
        return worker->out ? "draining" : worker->leaving ? "leaving" : "drained";
    return worker->late ? "late" : "ready";
}

static void worker_row(struct table *table, const struct worker *worker)
{
    const uint32_t busy = worker_busy_permille(worker, table->core->now_us);
    cell(table, "%s", worker->name);
    cell(table, "%s", worker->place);
    cell(table, "%s", worker_state(worker));
    number(table, worker->capacity);
    number(table, worker->out);
    number(table, worker->answered);
    number(table, worker->decided);
    cell(table, "%" PRIu32 ".%" PRIu32, busy / 10, busy % 10);
    number(table, worker->answered ? worker->spent_us / (worker->answered + worker->too_late) : 0);
    number(table, worker->lapsed);
    number(table, worker->too_late);
    number(table, worker->dropped);
    cell(table, "%" PRId64, run_ms(table->core) - worker->heard_ms);
}

void report_workers(struct table *table, const struct msg_query *query)
{
    for (uint32_t i = 0; i < table->core->n_workers && !full(table); i++) {
        const struct worker *worker = &table->core->workers[i];
        if (worker->used && (query->arg.len == 0 || slice_is(query->arg, worker->name)))
            worker_row(table, worker);
    }
}

/* An order, and then the rows it changed. */
static void drain(struct table *table, const struct msg_query *query, bool drained)
{
    if (worker_drain(table->core, query->arg, drained))
        report_workers(table, query);
    else
        table->report->reason = REASON_UNKNOWN_WORKER;
}

void report_drain(struct table *table, const struct msg_query *query)
{
    drain(table, query, true);
}

void report_undrain(struct table *table, const struct msg_query *query)
{
    drain(table, query, false);
}

/* ---- teams: what a thousand rows of agents say in one ------------------------------------------- */

struct team_row {
    uint64_t known, present, by_intent[INTENT_AWAY + 1], lost, card, offered, owned, working, wrap_up;
};

static void count_agent(const struct core *core, const struct agent *agent, struct team_row *row)
{
    enum reason why;
    struct id lead;
    row->known++;
    row->present += agent->present;
    row->lost += agent->present && !agent->peer;
    row->by_intent[agent->intent] += agent->present;
    row->card += agent_cards(core, agent, &why, &lead) > 0;
    row->offered += agent->offered;
    row->owned += agent->owned;
    row->working += agent->working;
    row->wrap_up += agent->wrap_up;
}

void report_teams(struct table *table, const struct msg_query *query)
{
    const struct core *core = table->core;
    struct team_row *rows = calloc(core->policy.n_teams, sizeof *rows);
    assert(rows);
    for (uint32_t i = 0; i < core->n_known; i++)
        count_agent(core, core->known[i], &rows[core->known[i]->team]);
    for (uint32_t t = 0, shown = 0; t < core->policy.n_teams; t++) {
        const struct team_row *row = &rows[t];
        if (!core->policy.teams[t].name[0])
            continue; /* the place of one that is gone */
        table->report->more = shown++ >= query->limit || full(table);
        if (table->report->more)
            break;
        cell(table, "%s", core->policy.teams[t].name);
        cell(table, "%s", programme_of(core, core->policy.teams[t].programme)->name);
        const uint64_t cells[] = {row->known,
                                  row->present,
                                  row->by_intent[INTENT_AVAILABLE],
                                  row->by_intent[INTENT_ON_DEMAND],
                                  row->by_intent[INTENT_AWAY],
                                  row->lost,
                                  row->card,
                                  row->offered,
                                  row->owned,
                                  row->working,
                                  row->wrap_up};
        for (size_t i = 0; i < sizeof cells / sizeof *cells; i++)
            number(table, cells[i]);
    }
    free(rows);
}

/* ---- metrics ------------------------------------------------------------------------------------ */

static void worker_counter(struct table *table, const char *name, const char *help, size_t offset, double unit)
{
    cell(table, "# HELP %s %s", name, help);
    cell(table, "# TYPE %s counter", name);
    for (uint32_t i = 0; i < table->core->n_workers; i++) {
        const struct worker *worker = &table->core->workers[i];
        uint64_t value;
        memcpy(&value, (const char *) worker + offset, sizeof value);
        if (worker->used)
            cell(table, "%s{worker=\"%s\"} %.15g", name, worker->name, (double) value * unit);
    }
}

void report_worker_metrics(struct table *table)
{
#define COUNTER(name, help, field, unit) worker_counter(table, name, help, offsetof(struct worker, field), unit)
    COUNTER("takt_worker_busy_seconds_total", "Time a worker spent on requests.", spent_us, 1e-6);
    COUNTER("takt_worker_answers_total", "Requests a worker answered in time.", answered, 1);
    COUNTER("takt_worker_lapses_total", "Requests it did not answer in time: the plain order took them.", lapsed, 1);
    COUNTER("takt_worker_dropped_total", "Leads it gave to an agent who could not take them any more.", dropped, 1);
#undef COUNTER
}
