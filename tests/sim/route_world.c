/* SPDX-License-Identifier: Apache-2.0
 * route_world.c - see route_world.h. */
#include "tests/sim/route_world.h"

#include <stdlib.h>

#include "policy/policy_yaml.h"

static const char head[] = "cell: sim\nheartbeat: 500ms\nlease: 2s\nguard: 200ms\norphan_grace: 3s\n";

static void hurry(struct policy *policy)
{
    for (uint32_t i = 0; i < policy->n_programmes; i++) {
        policy->programmes[i].unclaimed_ms = 2000;
        policy->programmes[i].offer_ms = 1000;
    }
}

static struct policy *parse(const char *yaml, struct buf *lines)
{
    struct policy *policy = malloc(sizeof *policy);
    struct buf text = {0};
    assert_non_null(policy);
    buf_printf(&text, "%s%s", head, yaml);
    if (policy_parse((const char *) text.at, text.len, "p", policy, lines) == 0)
        hurry(policy);
    buf_fini(&text);
    return policy;
}

static struct policy *parse_good(const char *yaml)
{
    struct buf lines = {0};
    struct policy *policy = parse(yaml, &lines);
    buf_add(&lines, "", 1);
    assert_string_equal((const char *) lines.at, "");
    buf_fini(&lines);
    return policy;
}

const char *world_findings(const char *yaml)
{
    static char text[4096];
    struct buf lines = {0};
    free(parse(yaml, &lines));
    snprintf(text, sizeof text, "%.*s", (int) lines.len, (const char *) lines.at);
    buf_fini(&lines);
    return text;
}

struct sim *world_new(const char *yaml)
{
    struct policy *policy = parse_good(yaml);
    struct sim *sim = story_new(policy);
    free(policy);
    return sim;
}

void world_apply(struct sim *sim, const char *yaml)
{
    struct policy *policy = parse_good(yaml);
    const char *why;
    sim_apply(sim, policy);
    sim_run_ms(sim, 2);
    assert_int_equal(sim_applied(sim, &why), REASON_OK);
    free(policy);
}

struct id world_lead(struct sim *sim, const char *source, const char *attributes)
{
    struct attribute list[ROW_ATTRIBUTES_MAX];
    const uint32_t key = 1000000 + (uint32_t) sim_core(sim)->leads.n;
    char payload[24];
    uint32_t n = 0;
    for (const char *at = attributes; *at; n++) {
        const char *is = strchr(at, '='), *end = at + strcspn(at, " ");
        assert_true(is && is < end && n < ROW_ATTRIBUTES_MAX);
        list[n] = (struct attribute){.name = slice_of(at, (size_t) (is - at)),
                                     .text = slice_of(is + 1, (size_t) (end - is - 1))};
        at = end + strspn(end, " ");
    }
    snprintf(payload, sizeof payload, "row-%u", key);
    sim_chunk(sim, key, source, 0, 0,
              &(struct sim_row){.key = key, .payload = payload, .attributes = list, .n_attributes = n}, 1);
    sim_run_ms(sim, 2);
    return sim_lead_id(key);
}

const char *world_pool(struct sim *sim, struct id lead)
{
    static char name[POOL_NAME_MAX];
    name[0] = 0;
    if (story_of(sim, lead)->state == LEAD_POOLED)
        pool_name(sim_core(sim), pool_of(sim_core(sim), story_of(sim, lead)), name);
    return name;
}

const char *world_explain(struct sim *sim, struct id lead, const char *field)
{
    static char text[256];
    struct msg_report report;
    char hex[33];
    id_to_hex(lead, hex);
    core_report(sim_core(sim), &(struct msg_query){.what = QUERY_EXPLAIN, .arg = slice_of(hex, 32)}, &report);
    assert_int_equal(report.reason, REASON_OK);
    text[0] = 0;
    for (uint32_t i = 0; i < report.n_rows; i++) {
        const struct slice *row = &report.cells[2 * i];
        if (row[0].len == strlen(field) && memcmp(row[0].at, field, row[0].len) == 0)
            snprintf(text, sizeof text, "%.*s", (int) row[1].len, (const char *) row[1].at);
    }
    return text;
}
