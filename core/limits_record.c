/* SPDX-License-Identifier: Apache-2.0
 * limits_record.c - the row of a meter: what was counted, and in which windows.
 * The quotas are the policy's and stand in no row. */
#include "core/limits.h"

#include "core/record_bytes.h"

#include <stdlib.h>
#include <string.h>

enum { METER_FIELDS_MAX = (7 + PERIODS * 4 + METER_MINUTES * 3) * NUMBER_BYTES_MAX };

static void record(const struct meter *meter, struct buf *body)
{
    const struct meter_counts *counts = &meter->counts;
    struct writer row = row_begin(body, ROW_METER, meter->key, strlen(meter->key), METER_FIELDS_MAX);
    uint32_t n = 0;
    put_int(&row, counts->since_us);
    put_int(&row, counts->ramp_until_ms);
    put_uint(&row, counts->unworked);
    put_uint(&row, counts->undecided[UNIT_LEADS]);
    put_uint(&row, counts->undecided[UNIT_CENTS]);
    for (int per = PER_DAY; per < PERIODS; per++) {
        put_int(&row, counts->windows[per].day);
        put_uint(&row, counts->windows[per].used[UNIT_LEADS]);
        put_uint(&row, counts->windows[per].used[UNIT_CENTS]);
        put_uint(&row, counts->windows[per].carry_milli);
    }
    put_int(&row, counts->minute);
    for (int i = 0; i < METER_MINUTES; i++)
        n += counts->minutes[i][UNIT_LEADS] || counts->minutes[i][UNIT_CENTS];
    put_uint(&row, n);
    for (uint32_t i = 0; i < METER_MINUTES; i++) {
        if (!counts->minutes[i][UNIT_LEADS] && !counts->minutes[i][UNIT_CENTS])
            continue;
        put_uint(&row, i);
        put_uint(&row, counts->minutes[i][UNIT_LEADS]);
        put_uint(&row, counts->minutes[i][UNIT_CENTS]);
    }
    row_end(&row);
}

bool limits_apply(struct core *core, struct slice key, struct reader *reader)
{
    if (key.len < 2 || key.len > NAME_BYTES_MAX + 1 || !strchr("ats", key.at[0]) || memchr(key.at, 0, key.len))
        return false;
    struct meter_counts *counts = &limits_meter(core, key)->counts;
    meter_init(counts);
    counts->since_us = get_int(reader);
    counts->ramp_until_ms = get_int(reader);
    counts->unworked = get_u32(reader);
    counts->undecided[UNIT_LEADS] = get_u64(reader);
    counts->undecided[UNIT_CENTS] = get_u64(reader);
    for (int per = PER_DAY; per < PERIODS; per++) {
        counts->windows[per].day = get_int(reader);
        counts->windows[per].used[UNIT_LEADS] = get_u64(reader);
        counts->windows[per].used[UNIT_CENTS] = get_u64(reader);
        counts->windows[per].carry_milli = get_u32(reader);
        reader->bad |= counts->windows[per].day < -1 || counts->windows[per].day > METER_DAY_MAX ||
                       counts->windows[per].used[UNIT_LEADS] > UINT32_MAX ||
                       counts->windows[per].carry_milli >= LEAD_MILLI;
    }
    counts->minute = get_int(reader);
    const uint8_t n = get_u8(reader);
    reader->bad |= n > METER_MINUTES || counts->minute < 0 || counts->minute > METER_DAY_MAX * INT64_C(1440);
    for (uint32_t i = 0; i < n && !reader->bad; i++) {
        const uint8_t at = get_u8(reader);
        if (at >= METER_MINUTES)
            return false;
        counts->minutes[at][UNIT_LEADS] = get_u64(reader);
        counts->minutes[at][UNIT_CENTS] = get_u64(reader);
    }
    return !reader->bad && reader->at == reader->end;
}

uint32_t limits_seal(struct core *core, struct buf *body)
{
    uint32_t rows = 0;
    for (struct meter *meter = core->dirty_meters; meter; meter = meter->dirty_next, rows++) {
        record(meter, body);
        meter->dirty = false;
    }
    core->dirty_meters = NULL;
    return rows;
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const struct meter *const *) a)->key, (*(const struct meter *const *) b)->key);
}

void limits_dump(const struct core *core, struct buf *body)
{
    const uint32_t n = HASH_COUNT(core->meters);
    const struct meter **list = malloc((n + 1) * sizeof *list);
    uint32_t at = 0;
    assert(list);
    for (const struct meter *meter = core->meters; meter; meter = meter->hh.next)
        if (meter->counts.since_us)
            list[at++] = meter;
    qsort(list, at, sizeof *list, by_key);
    for (uint32_t i = 0; i < at; i++)
        record(list[i], body);
    free(list);
}
