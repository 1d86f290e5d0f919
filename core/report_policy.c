/* SPDX-License-Identifier: Apache-2.0
 * report_policy.c - what operators are told of policies: the versions, the text
 * of one, and what became of one that they wanted to come into force. */
#include "core/report_private.h"

#include <string.h>

void report_policies(struct table *table, const struct msg_query *query)
{
    const struct core *core = table->core;
    for (uint32_t i = core->n_policies; i > 0; i--) {
        const struct policy_kept *kept = &core->policies[i - 1];
        if (core->n_policies - i == query->limit || full(table)) {
            table->report->more = true;
            return;
        }
        number(table, kept->version);
        time_cell(table, kept->at_us);
        number(table, kept->text_len);
        cell(table, "%s", kept->version == core->policy.version ? "yes" : "no");
    }
}

static uint32_t take_number(struct slice *arg)
{
    uint32_t value = 0;
    while (arg->len && *arg->at == ' ')
        *arg = slice_of(arg->at + 1, arg->len - 1);
    for (; arg->len && *arg->at >= '0' && *arg->at <= '9' && value < 100000000; arg->at++, arg->len--)
        value = value * 10 + (uint32_t) (*arg->at - '0');
    return value;
}

/* Lines as they were given, without what ends them. */
void report_policy(struct table *table, const struct msg_query *query)
{
    struct slice arg = query->arg;
    const uint32_t version = take_number(&arg), from = take_number(&arg);
    const struct policy_kept *kept = policy_kept_of(table->core, version ? version : table->core->policy.version);
    if (!kept || arg.len) {
        table->report->reason = REASON_BAD_FIELD;
        return;
    }
    uint32_t line = 0;
    for (const uint8_t *at = kept->text, *end = at + kept->text_len; at < end; line++) {
        const uint8_t *stop = memchr(at, '\n', (size_t) (end - at));
        const size_t len = (size_t) ((stop ? stop : end) - at);
        if (line >= from && (table->n_cells == query->limit || full(table))) {
            table->report->more = true;
            return;
        }
        if (line >= from)
            cell(table, "%.*s", (int) (len && at[len - 1] == '\r' ? len - 1 : len), (const char *) at);
        at += len + 1;
    }
}

void report_applied(struct core *core, uint32_t peer, enum reason reason, struct slice why)
{
    struct msg answer = {.kind = MSG_REPORT};
    if (reason == REASON_OK || reason == REASON_POLICY_UNCHANGED) {
        core_report(core, &(struct msg_query){.what = QUERY_POLICIES, .limit = 1}, &answer.report);
    } else {
        static const char *const columns[] = {"why"};
        struct table table = {.core = core, .report = &answer.report};
        answer.report = (struct msg_report){.what = QUERY_POLICIES, .types = "s", .n_columns = 1};
        core->report.len = 0;
        for (uint32_t at = 0; at < why.len && !full(&table);) {
            const uint8_t *stop = memchr(why.at + at, '\n', why.len - at);
            const uint32_t len = stop ? (uint32_t) (stop - why.at) - at : why.len - at;
            cell(&table, "%.*s", (int) len, (const char *) why.at + at);
            at += len + 1;
        }
        report_cut(&table, columns);
    }
    answer.report.reason = reason;
    effects_msg(core->effects, peer, &answer);
}
