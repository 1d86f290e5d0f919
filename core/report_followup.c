/* SPDX-License-Identifier: Apache-2.0
 * report_followup.c - what became of leads after their first owner: what came back
 * and why, what an operator did by hand, what goes back to its source, and the
 * list that must be empty. Each walks over all leads: questions of people, asked
 * now and then, that need no index. */
#include "core/report_private.h"

#include <stdlib.h>
#include <string.h>

void report_follow(struct table *table, const struct lead *lead)
{
    const struct core *core = table->core;
    const struct follow *follow = followup_look(lead);
    if (follow->attempts_before || follow->distributions_before) {
        cell(table, "attempts_before"), number(table, follow->attempts_before);
        cell(table, "distributions_before"), number(table, follow->distributions_before);
    }
    if (follow->back_us) { /* two decisions: that it moved, and who was to get it */
        const struct programme *programme = programme_of(core, lead->programme);
        cell(table, "taken_back_ms"), time_cell(table, follow->back_us);
        cell(table, "taken_from"), cell(table, "%s", report_agent_name(core, follow->back_from));
        cell(table, "taken_because"), cell(table, "%s", reason_text(follow->back_reason));
        cell(table, "goes_to"),
            cell(table, "%s, by %s: %s", programme->name, report_mode_name(programme),
                 follow->redirected ? "redistribute_to of the programme it was in" : "the programme it was in");
    }
    if (follow->assign_to != NONE)
        cell(table, "assigned_to"), cell(table, "%s", report_agent_name(core, follow->assign_to));
    for (uint32_t i = 0; i < follow->n_orders; i++) {
        const struct order *order = &follow->orders[i];
        cell(table, "by_hand_ms"), time_cell(table, order->at_us);
        cell(table, "by_hand"),
            cell(table, "%s%s%s, by %s: %s", order_word(order->what), order->agent == NONE ? "" : " ",
                 report_agent_name(core, order->agent), order->actor, order->why);
    }
}

/* The one query for what must not be; checks and tests ask by it. */
void report_orphans(struct table *table, const struct msg_query *query)
{
    const struct core *core = table->core;
    uint32_t n = 0;
    for (uint32_t i = 0; i < core->leads.n && n < query->limit; i++) {
        const struct lead *lead = lead_at(&core->leads, i);
        char hex[33];
        if (!check_is_dead(lead))
            continue;
        id_to_hex(lead->id, hex);
        cell(table, "%s", hex);
        cell(table, "%s", lead_state_name(lead->state));
        n++;
    }
}

/* ---- back to who sold it ------------------------------------------------------------ */

static bool is_returned(const struct lead *lead)
{
    return lead->state == LEAD_CLOSED_INVALID;
}

/* "NAME N": the number behind the name, which is cut off. */
static uint64_t take_number(struct slice *name)
{
    const uint8_t *blank = name->len ? memchr(name->at, ' ', name->len) : NULL;
    uint64_t number = 0;
    if (!blank)
        return 0;
    for (const uint8_t *at = blank + 1; at < name->at + name->len && *at >= '0' && *at <= '9'; at++)
        number = number * 10 + (*at - '0');
    name->len = (uint32_t) (blank - name->at);
    return number;
}

/* Found by its rules to be no lead: a number that is wrong, or nobody vouched for it in time. */
void report_returns(struct table *table, const struct msg_query *query)
{
    const struct core *core = table->core;
    struct slice name = query->arg;
    uint64_t skip = take_number(&name);
    for (uint32_t i = 0; i < core->leads.n; i++) {
        const struct lead *lead = lead_at(&core->leads, i);
        const char *source = core->sources[lead->source];
        char hex[33];
        if (!is_returned(lead) || (name.len && !slice_is(name, source)))
            continue;
        if (skip > 0) {
            skip--;
            continue;
        }
        if (table->n_cells / table->report->n_columns >= query->limit || full(table)) {
            table->report->more = true;
            return;
        }
        id_to_hex(lead->id, hex);
        cell(table, "%s", source);
        cell(table, "%s", hex);
        const struct slice key = row_key(slice_of(lead->raw, lead->raw_len));
        cell(table, "%.*s", (int) key.len, (const char *) key.at);
        cell(table, "%s", lead->disposition ? disposition_word(lead->disposition) : reason_name(lead->reason));
        cell(table, "%s", lead->disposition ? disposition_text(lead->disposition) : reason_text(lead->reason));
        time_cell(table, lead->state_us);
        number(table, lead->cost_cents);
    }
}

void report_sources(struct table *table, const struct msg_query *query)
{
    const struct core *core = table->core;
    struct {
        uint64_t leads, live, won, returns, cents;
    } *sums = calloc(core->n_sources + 1, sizeof *sums);
    assert(sums);
    for (uint32_t i = 0; i < core->leads.n; i++) {
        const struct lead *lead = lead_at(&core->leads, i);
        sums[lead->source].leads++;
        sums[lead->source].live += !lead_terminal(lead);
        sums[lead->source].won += lead->state == LEAD_CLOSED_WON;
        sums[lead->source].returns += is_returned(lead);
        sums[lead->source].cents += is_returned(lead) ? lead->cost_cents : 0;
    }
    for (uint32_t i = 0; i < core->n_sources && i < query->limit; i++) {
        cell(table, "%s", core->sources[i]);
        number(table, sums[i].leads);
        number(table, sums[i].live);
        number(table, sums[i].won);
        number(table, sums[i].returns);
        number(table, sums[i].cents);
    }
    free(sums);
}
