/* SPDX-License-Identifier: Apache-2.0
 * calling.c - when a lead may be called: hours on the wall clock of its place. A
 * hard constraint: nothing is offered, granted or begun outside of them, and a
 * lead that would wait for it is HELD until they open. A lead whose zone or
 * state is unknown is called only when it would be allowed wherever it may be. */
#include "core/core_private.h"

#include <string.h>

enum { ROUNDS_MAX = 64 };
_Static_assert(POLICY_HOURS_MAX <= 32, "each has a bit");

static bool text_of(const struct lead *lead, const char *attribute, int64_t *ret)
{
    const uint32_t key = feature_key(attribute, strlen(attribute));
    for (uint32_t i = 0; i < lead->n_features; i++)
        if (lead->features[i].key == key) {
            *ret = lead->features[i].value;
            return true;
        }
    return false;
}

/* When all zones it may be in, or the one it is in, have opened at or after at_ms, each by itself. */
static int64_t opens_ms(const struct policy *policy, const struct hours *hours, const int64_t *zone, int64_t at_ms)
{
    bool known = false;
    int64_t last_ms = at_ms;
    for (uint32_t i = 0; zone && i < policy->n_zones; i++)
        known |= policy->zones[i].leads && policy->zones[i].text == *zone;
    for (uint32_t i = 0; i < policy->n_zones; i++) {
        if (!policy->zones[i].leads || (known && policy->zones[i].text != *zone))
            continue;
        const int64_t next_ms = calendar_opens_ms(hours, &policy->zones[i].zone, at_ms);
        if (next_ms > last_ms)
            last_ms = next_ms;
    }
    return last_ms;
}

static bool is_named(const struct programme *programme, int64_t state)
{
    for (uint32_t i = 0; i < programme->n_calling; i++)
        if (programme->calling[i].state == state)
            return true;
    return false;
}

/* Where it is; when that is not known, the cell's. NULL: none is named, so days are those of UTC. */
const struct zone *calling_zone(const struct core *core, const struct lead *lead)
{
    const struct policy *policy = &core->policy;
    int64_t zone;
    const bool has_zone = policy->n_zones > 0 && text_of(lead, "zone", &zone);
    for (uint32_t i = 0; has_zone && i < policy->n_zones; i++)
        if (policy->zones[i].text == zone)
            return &policy->zones[i].zone;
    return policy->n_zones > 0 ? &policy->zones[0].zone : NULL;
}

int64_t calling_opens_ms(const struct core *core, const struct lead *lead)
{
    const struct programme *programme = programme_of(core, lead->programme);
    int64_t zone = 0, state = 0, at_ms = now_ms(core);
    if (programme->n_calling == 0)
        return at_ms;
    const bool has_zone = text_of(lead, "zone", &zone), has_state = text_of(lead, "state", &state);
    const int64_t hours_of = is_named(programme, state) ? state : 0;
    uint32_t wanted = 0; /* many states may name the same hours */
    for (uint32_t i = 0; i < programme->n_calling; i++)
        if (!has_state || programme->calling[i].state == hours_of)
            wanted |= UINT32_C(1) << programme->calling[i].hours;
    for (uint32_t round = 0; round < ROUNDS_MAX; round++) { /* until nothing moves it on */
        const int64_t before_ms = at_ms;
        for (uint32_t left = wanted; left; left &= left - 1)
            at_ms =
                opens_ms(&core->policy, &core->policy.hours[__builtin_ctz(left)].hours, has_zone ? &zone : NULL, at_ms);
        if (at_ms == before_ms || at_ms == CALENDAR_NEVER)
            break;
    }
    /* it never opens, or not soon: somebody may have changed the policy by then */
    return at_ms < now_ms(core) + 8 * DAY_MS ? at_ms : now_ms(core) + DAY_MS;
}

bool calling_hold(struct core *core, struct lead *lead)
{
    if (!calling_closed(core, lead))
        return false;
    lead_wait(core, lead, LEAD_HELD, calling_opens_ms(core, lead), REASON_LEAD_OUT_OF_HOURS);
    return true;
}
