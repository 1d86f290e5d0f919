/* SPDX-License-Identifier: Apache-2.0
 * report_routing.c - what an explanation says of a lead's way: the pool it waits
 * in, the rule that sent it there, and whom filters and licences keep from it. */
#include "core/report_private.h"

enum { KEPT_SHOWN_MAX = 100 };

static const char *target_of(const struct core *core, const struct lead *lead)
{
    const struct policy *policy = &core->policy;
    const enum route_set set = lead->rerouted ? ROUTES_AGAIN : ROUTES_FIRST;
    for (uint32_t i = 0; i < policy->n_routes; i++) {
        const struct policy_route *route = &policy->routes[i];
        if (route->programme == lead->programme && route->set == set && route->number == lead->route_number)
            return route->target == ROUTE_TO_TEAM    ? policy->teams[route->to].name
                   : route->target == ROUTE_TO_AGENT ? policy->agents[route->to].name
                                                     : programme_of(core, lead->programme)->name;
    }
    return "";
}

/* As the policy check names places: `takt policy show VERSION` prints that line. */
static void rule_cell(struct table *table, const struct lead *lead)
{
    const struct core *core = table->core;
    const bool in_force = lead->route_version == core->policy.version;
    cell(table, "%s %s[%u], line %u of policy %u%s%s", programme_of(core, lead->programme)->name,
         lead->rerouted ? "reroutes" : "routes", lead->route_number, lead->route_line, lead->route_version,
         in_force ? ": to " : "", in_force ? target_of(core, lead) : "");
}

/* By which its pool hands out, and where it is said: a unit's own, or its programme's. */
static void order_cell(struct table *table, const struct policy_order *order)
{
    static const char *const last[] = {
        [ORDER_OLDEST_FIRST] = "oldest_first", [ORDER_NEWEST_FIRST] = "newest_first", [ORDER_RANDOM] = "random"};
    static const char *const by[] = {
        [ORDER_LOWEST] = "lowest", [ORDER_HIGHEST] = "highest", [ORDER_LISTED] = "as listed"};
    struct buf *text = &table->core->report;
    for (uint32_t i = 0; i < order->n_keys; i++)
        buf_printf(text, "%s %s, then ", order->keys[i].name, by[order->keys[i].by]);
    buf_printf(text, "%s", last[order->last]);
    if (order->line)
        buf_printf(text, "; line %u of policy %u", order->line, table->core->policy.version);
    end_cell(table);
}

void report_routing(struct table *table, const struct lead *lead)
{
    struct core *core = table->core;
    char name[POOL_NAME_MAX] = "";
    if (lead->state == LEAD_POOLED)
        pool_name(core, pool_of(core, lead), name);
    cell(table, "pool"), cell(table, "%s", name);
    cell(table, "order");
    if (lead->state == LEAD_POOLED)
        order_cell(table, lead_order(core, lead));
    else
        cell(table, "%s", "");
    cell(table, "routed");
    if (lead->route_version)
        rule_cell(table, lead);
    else
        cell(table, "%s", core->policy.n_routes ? "by no rule: to the programme" : "");
}

/* Agents of its programme that are here: the others could not have it anyway. Past owners stand with the lead. */
void report_kept_from(struct table *table, const struct lead *lead)
{
    const struct core *core = table->core;
    uint32_t n = 0;
    if (!pair_has_rules(core, lead->programme) || lead_terminal(lead))
        return;
    for (uint32_t i = 0; i < core->n_known && n < KEPT_SHOWN_MAX && !full(table); i++) {
        const struct agent *agent = core->known[i];
        enum reason why;
        if (!agent->present || agent->programme != lead->programme || pair_allowed(core, lead, agent, &why) ||
            lead_excluded(lead, agent->index, run_ms(core)))
            continue;
        cell(table, "not %s", agent->name), cell(table, "%s", reason_text(why));
        n++;
    }
}
