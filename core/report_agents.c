/* SPDX-License-Identifier: Apache-2.0
 * report_agents.c - agents as operators ask: a row each, with what keeps it from
 * the next lead and for how long; the limits and how far they are used; and the
 * order to pause an agent, which unlike that to drain a worker is kept: it
 * changes the agent's row. */
#include "core/report_private.h"

#include <stdlib.h>
#include <string.h>

#include "core/limits.h"

enum { NO_CARDS_MAX = 24 };

static void agent_row(struct table *table, const struct agent *agent)
{
    const struct core *core = table->core;
    enum reason why;
    struct id lead;
    const uint32_t cards = agent_cards(core, agent, &why, &lead);
    cell(table, "%s", agent->name);
    cell(table, "%s", core->policy.teams[agent->team].name);
    cell(table, "%s", intent_name(agent->intent));
    cell(table, "%s", agent->present ? (agent->peer ? "yes" : "lost") : "no");
    number(table, cards);
    cell(table, "%s", cards ? "" : reason_name(why));
    number(table, cards ? 0 : limits_wait_ms(core, agent));
    cell(table, "%s", agent->pause_note);
    number(table, agent->offered);
    number(table, agent->owned);
    number(table, agent->working);
    number(table, agent->wrap_up);
    number(table, agent->pipeline);
    number(table, agent->won);
    number(table, agent->closed);
    number(table, balance_permille(agent->quality));
    cell(table, "%" PRId64, (core->now_us - agent->idle_since_us) / 1000);
}

static bool is_full(struct table *table, const struct msg_query *query)
{
    table->report->more = table->n_cells / table->report->n_columns >= query->limit || full(table);
    return table->report->more;
}

/* ---- one agent; an order is answered with the row it changed -------------------------------- */

static void answer(struct table *table, struct slice name, bool found)
{
    if (found)
        agent_row(table, agent_find(table->core, name));
    else
        table->report->reason = REASON_UNKNOWN_AGENT;
}

/* All, or the one named: a cell may know more than a report has room for. */
void report_agents(struct table *table, const struct msg_query *query)
{
    if (query->arg.len > 0)
        answer(table, query->arg, agent_find(table->core, query->arg) != NULL);
    for (uint32_t i = 0; query->arg.len == 0 && i < table->core->n_known && !is_full(table, query); i++)
        agent_row(table, table->core->known[i]);
}

/* "ana", or "ana coaching". */
void report_pause(struct table *table, const struct msg_query *query)
{
    const uint8_t *blank = query->arg.len ? memchr(query->arg.at, ' ', query->arg.len) : NULL;
    const uint32_t len = blank ? (uint32_t) (blank - query->arg.at) : query->arg.len;
    const struct slice name = slice_of(query->arg.at, len);
    const struct slice note = blank ? slice_of(blank + 1, query->arg.len - len - 1) : slice_of("", 0);
    bool plain = note.len <= NAME_BYTES_MAX;
    for (uint32_t i = 0; i < note.len; i++)
        plain &= note.at[i] > ' ' && note.at[i] < 0x7f;
    if (!plain)
        table->report->reason = REASON_BAD_FIELD;
    else
        answer(table, name, activity_pause(table->core, name, note));
}

void report_resume(struct table *table, const struct msg_query *query)
{
    answer(table, query->arg, activity_resume(table->core, query->arg));
}

static bool next_ms(const char **text, int64_t *ret_ms)
{
    char *end = NULL;
    if (**text != ' ')
        return false;
    *ret_ms = strtoll(*text + 1, &end, 10);
    const bool digits = end != *text + 1;
    *text = end;
    return digits && *ret_ms >= 0;
}

/* "ana 1767000000000 1768000000000". */
void report_absence(struct table *table, const struct msg_query *query)
{
    char text[NAME_BYTES_MAX + 64];
    int64_t from_ms = 0, until_ms = 0;
    const uint32_t len = query->arg.len < sizeof text ? query->arg.len : (uint32_t) sizeof text - 1;
    memcpy(text, query->arg.at, len);
    text[len] = 0;
    const uint32_t name = (uint32_t) strcspn(text, " ");
    const char *at = text + name;
    if (!next_ms(&at, &from_ms) || !next_ms(&at, &until_ms) || *at || from_ms > until_ms ||
        until_ms > ABSENT_UNTIL_MAX_MS)
        table->report->reason = REASON_BAD_FIELD;
    else
        answer(table, slice_of(text, name), duty_plan_absence(table->core, slice_of(text, name), from_ms, until_ms));
}

/* Asked for again after its answer was lost, nobody is known under this name any more. */
void report_forget(struct table *table, const struct msg_query *query)
{
    const struct agent *agent = agent_find(table->core, query->arg);
    if (agent)
        agent_row(table, agent);
    table->report->reason = turnover_forget(table->core, query->arg);
    if (table->report->reason != REASON_OK) {
        table->core->report.len = 0;
        table->n_cells = 0;
    }
}

/* ---- limits ----------------------------------------------------------------------------------- */

static void amount(struct table *table, enum limit_unit unit, uint64_t value)
{
    const uint64_t whole = unit == UNIT_LEADS ? 1000 : 100, part = value % whole / (whole / 100);
    if (unit == UNIT_LEADS && part == 0)
        cell(table, "%" PRIu64, value / whole);
    else
        cell(table, "%" PRIu64 ".%02" PRIu64, value / whole, part);
}

static void limit_row(struct table *table, const struct meter *meter, enum limit_per per, enum limit_unit unit)
{
    static const char *const pers[LIMIT_PERS] = {"hour", "day", "week", "month", "outcome"};
    const int64_t now = now_ms(table->core);
    const uint64_t used = meter_used(&meter->counts, &meter->quotas, per, unit, now);
    const struct standing standing = meter_standing(&meter->counts, &meter->quotas, now);
    const int64_t opens = standing.room == 0 && standing.free_ms < INT64_MAX ? standing.free_ms - now : 0;
    cell(table, "%s", meter->key[0] == 'a' ? "agent" : meter->key[0] == 't' ? "team" : "source");
    cell(table, "%s", meter->key + 1);
    cell(table, "%s", pers[per]);
    cell(table, "%s", unit == UNIT_LEADS ? "leads" : "money");
    amount(table, unit, unit == UNIT_LEADS ? used * LEAD_MILLI : used);
    amount(table, unit, meter->quotas.most[per][unit]);
    cell(table, "%" PRId64, opens);
}

/* Of this agent, or of its team; NULL: of anybody. */
static bool is_about(const struct table *table, const struct meter *meter, const struct agent *agent)
{
    return !agent || (meter->key[0] == 'a' && strcmp(meter->key + 1, agent->name) == 0) ||
           (meter->key[0] == 't' && strcmp(meter->key + 1, table->core->policy.teams[agent->team].name) == 0);
}

void report_limits(struct table *table, const struct msg_query *query)
{
    const struct agent *agent = query->arg.len > 0 ? agent_find(table->core, query->arg) : NULL;
    if (query->arg.len > 0 && !agent) {
        table->report->reason = REASON_UNKNOWN_AGENT;
        return;
    }
    for (const struct meter *meter = table->core->meters; meter; meter = meter->hh.next)
        for (enum limit_per per = PER_HOUR; per < LIMIT_PERS; per++)
            for (enum limit_unit unit = UNIT_LEADS; unit < UNITS; unit++) {
                if (!meter->quotas.most[per][unit] || !is_about(table, meter, agent))
                    continue;
                if (is_full(table, query))
                    return;
                limit_row(table, meter, per, unit);
            }
}

/* ---- why a lead still waits ----------------------------------------------------------------------- */

static void no_card(struct table *table, const struct agent *agent, enum reason why)
{
    const uint32_t wait_ms = limits_wait_ms(table->core, agent);
    cell(table, "not %s", agent->name);
    if (wait_ms)
        cell(table, "%s: %s; in %" PRIu32 " s there is room", reason_name(why), reason_text(why),
             (wait_ms + 999) / 1000);
    else
        cell(table, "%s: %s", reason_name(why), reason_text(why));
}

/* Who is here comes first: it is they who could be waited for. */
void report_no_cards(struct table *table, const struct lead *lead)
{
    struct core *core = table->core;
    uint32_t n = 0;
    if (lead->state != LEAD_POOLED)
        return;
    const struct pool *pool = pool_of(core, lead);
    for (int present = 1; present >= 0; present--)
        for (uint32_t i = 0; i < core->n_known && n < NO_CARDS_MAX; i++) {
            const struct agent *agent = core->known[i];
            enum reason why = REASON_OK;
            if (agent->present != present || !allocate_in_scope(core, pool, agent) ||
                !pair_allowed(core, lead, agent, &why) || agent_cards(core, agent, &why, NULL) > 0)
                continue;
            no_card(table, agent, why);
            n++;
        }
}
