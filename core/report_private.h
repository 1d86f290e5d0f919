/* SPDX-License-Identifier: Apache-2.0
 * report_private.h - a report in the making: the files report*.c write cells into
 * it. Seen by them only. */
#ifndef TAKT_CORE_REPORT_PRIVATE_H
#define TAKT_CORE_REPORT_PRIVATE_H

#include <inttypes.h>

#include "core/core_private.h"

enum { COLUMNS_MAX = 24, REPORT_BYTES_MAX = 48 * 1024 };

/* Cells are written one after another, each ended by a NUL; slices are cut when
 * the table is complete, since the buffer moves while it grows. */
struct table {
    struct core *core;
    struct msg_report *report;
    uint32_t n_cells;
};

static inline void end_cell(struct table *table)
{
    buf_add(&table->core->report, "", 1);
    table->n_cells++;
}

#define cell(table, ...) (buf_printf(&(table)->core->report, __VA_ARGS__), end_cell(table))

static inline void number(struct table *table, uint64_t value)
{
    cell(table, "%" PRIu64, value);
}

static inline bool full(const struct table *table)
{
    return table->core->report.len > REPORT_BYTES_MAX;
}

static inline void time_cell(struct table *table, int64_t us)
{
    if (us)
        cell(table, "%" PRId64, us / 1000);
    else
        cell(table, "%s", "");
}

static inline const char *report_agent_name(const struct core *core, uint32_t index)
{
    if (index >= core->n_agents)
        return "";
    return core->agents[index] ? core->agents[index]->name : "(forgotten)";
}

/* report.c */
const char *report_mode_name(const struct programme *programme);
void report_cut(struct table *table, const char *const *names);

/* report_routing.c */
void report_routing(struct table *table, const struct lead *lead);
void report_kept_from(struct table *table, const struct lead *lead);
/* report_followup.c */
void report_follow(struct table *table, const struct lead *lead); /* fields of a lead */
void report_orphans(struct table *table, const struct msg_query *query);
void report_returns(struct table *table, const struct msg_query *query);
void report_sources(struct table *table, const struct msg_query *query);

/* suppress.c */
#define SUPPRESSED_TYPES "nnnnn"
#define SUPPRESSED_COLUMNS                                                                                             \
    {                                                                                                                  \
        "contacts", "leads_ended", "changed", "as_it_was", "unreadable"                                                \
    }
void report_suppressed(struct table *table, const struct msg_query *query);

/* report_policy.c */
void report_policies(struct table *table, const struct msg_query *query);
void report_policy(struct table *table, const struct msg_query *query);

/* report_agents.c */
#define AGENT_TYPES "ssssnsdsnnnnnnnnd"
#define AGENT_COLUMNS                                                                                                  \
    {                                                                                                                  \
        "agent", "team", "intent", "present", "cards", "why_none", "opens", "note", "offered", "owned", "working",     \
            "wrap_up", "pipeline", "won", "closed", "quality", "idle"                                                  \
    }
void report_agents(struct table *table, const struct msg_query *query);
void report_absence(struct table *table, const struct msg_query *query);
void report_pause(struct table *table, const struct msg_query *query);
void report_resume(struct table *table, const struct msg_query *query);
void report_forget(struct table *table, const struct msg_query *query);
void report_limits(struct table *table, const struct msg_query *query);
void report_no_cards(struct table *table, const struct lead *lead); /* of one that waits: whom it waits for, and why */

/* report_peers.c */
#define WORKER_TYPES "sssnnnnnnnnnd"
#define WORKER_COLUMNS                                                                                                 \
    {                                                                                                                  \
        "worker", "place", "state", "capacity", "requests", "answered", "decided", "busy_pct", "mean_us", "lapsed",    \
            "too_late", "dropped", "heard"                                                                             \
    }
void report_workers(struct table *table, const struct msg_query *query);
void report_drain(struct table *table, const struct msg_query *query);
void report_undrain(struct table *table, const struct msg_query *query);
void report_teams(struct table *table, const struct msg_query *query);
void report_worker_metrics(struct table *table);

#endif
