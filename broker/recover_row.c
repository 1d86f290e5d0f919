/* SPDX-License-Identifier: Apache-2.0
 * recover_row.c - see recover_row.h. A text that was good when it came into force
 * and is not any more, since this program knows fewer keys, stops the load: a
 * cell must not go on by rules that nobody gave it. */
#include "broker/recover_row.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "policy/policy_yaml.h"

static bool load_policy(struct core *core, const struct policy_glance *glance)
{
    struct policy *policy = malloc(sizeof *policy);
    struct buf lines = {0};
    assert(policy != NULL);
    const bool good = policy_parse((const char *) glance->text.at, glance->text.len, "policy", policy, &lines) == 0;
    if (good)
        core_load_policy(core, policy, glance->version);
    else
        log_line(LOG_ERROR, "policy.unreadable", "version=%u why=\"%.*s\"", glance->version,
                 (int) strcspn((const char *) lines.at, "\n"), (const char *) lines.at);
    buf_fini(&lines);
    free(policy);
    return good;
}

bool recover_row(void *core, const struct row_ref *row, const struct entry *entry)
{
    struct policy_glance glance;
    (void) entry;
    if (policy_glance(row, &glance) && core_wants_policy(core, glance.version) && !load_policy(core, &glance))
        return false;
    return core_apply(core, row);
}
