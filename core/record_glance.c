/* SPDX-License-Identifier: Apache-2.0
 * record_glance.c - a few fields out of rows, for readers of the log that keep no
 * core. They stand before anything of variable length that such a reader could
 * do without, so the rest of a row is not looked at. */
#include "core/record_bytes.h"

static struct reader open_row(struct slice payload)
{
    struct reader reader = {payload.at, payload.at + payload.len, false};
    reader.bad = get_u8(&reader) != RECORD_VERSION || reader.bad;
    return reader;
}

bool input_glance(struct slice payload, struct input_glance *ret)
{
    struct reader reader = open_row(payload);
    get_id(&reader);  /* the op that brought it ... */
    get_u16(&reader); /* ... and its row there */
    get_u64(&reader); /* order of arrival */
    struct input_glance glance = {.received_us = get_int(&reader)};
    get_i32(&reader); /* priority, value and cost: they are in the sealed Lead, too */
    get_u64(&reader);
    get_u32(&reader);
    glance.source = get_text(&reader);
    for (uint32_t n = get_u8(&reader); n > 0 && !reader.bad; n--) {
        take(&reader, 4);
        get_int(&reader);
    }
    glance.raw = get_slice(&reader, get_u32(&reader));
    if (reader.bad)
        return false;
    *ret = glance;
    return true;
}

bool agent_glance(struct slice payload, uint32_t *ret_index, struct slice *ret_team)
{
    struct reader reader = open_row(payload);
    const uint32_t index = get_u32(&reader);
    const struct slice team = get_text(&reader);
    if (reader.bad || index >= AGENTS_CEILING)
        return false;
    *ret_index = index;
    *ret_team = team;
    return true;
}

bool cell_glance(struct slice payload, int64_t *ret_now_us)
{
    struct reader reader = open_row(payload);
    get_int(&reader); /* paused */
    get_u64(&reader); /* rows rejected */
    const int64_t now_us = get_int(&reader);
    if (reader.bad)
        return false;
    *ret_now_us = now_us;
    return true;
}
