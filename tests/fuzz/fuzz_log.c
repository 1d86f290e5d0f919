/* SPDX-License-Identifier: Apache-2.0
 * fuzz_log.c - any bytes as a log entry, and as the rows of one: never a crash, a
 * body is walked to its end or called damaged, and of a state that was accepted
 * the dump brings the same state back.
 *
 * The check of an entry is made anew here: chance does not find 64 bits. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "broker/entry.h"
#include "core/image.h"
#include "core/snapshot.h"
#include "report/report.h"
#include "tests/fuzz/small_cell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What readers of a history see of a row that the core took. */
static void images(struct image *image, const struct row_ref *row)
{
    struct image_lead lead;
    struct image_input input;
    struct image_agent agent;
    struct image_cell cell;
    if (row->type == ROW_LEAD && !image_lead(image, row, &lead))
        abort();
    if (row->type == ROW_INPUT && !image_input(row, &input))
        abort();
    if (row->type == ROW_AGENT && !image_agent(row, &agent))
        abort();
    if (row->type == ROW_CELL && !image_cell(row, &cell))
        abort();
}

/* Returns false when rows or state are damaged. */
static bool load(struct core *core, struct image *image, struct slice body)
{
    struct row_ref row;
    struct lead_glance glance;
    uint32_t at = 0;
    int got;
    while ((got = row_next(body, &at, &row)) == 1) {
        assert(row.whole.at >= body.at && row.whole.at + row.whole.len <= body.at + body.len);
        if (row.type == ROW_LEAD && lead_glance(row.payload, &glance))
            assert(memchr(glance.pool_name, 0, sizeof glance.pool_name));
        if (!core_apply(core, &row))
            return false;
        images(image, &row);
    }
    assert(got == 0 || got == -1);
    return got == 0 && core_loaded(core);
}

static void rows(struct slice body)
{
    struct core *core = core_new(small_cell_policy()), *again = core_new(small_cell_policy());
    struct image *image = image_new();
    if (load(core, image, body)) {
        struct buf once = {0}, twice = {0};
        core_dump(core, &once);
        bool loaded = load(again, image, slice_of(once.at, once.len));
        assert(loaded);
        core_dump(again, &twice);
        assert(once.len == twice.len && (once.len == 0 || memcmp(once.at, twice.at, once.len) == 0));
        buf_fini(&once);
        buf_fini(&twice);
    }
    core_destroy(&core);
    core_destroy(&again);
    image_destroy(&image);
}

/* So does an explanation. */
static void explained(struct slice body)
{
    struct row_ref row;
    for (uint32_t from = 0; row_next(body, &from, &row) == 1;) {
        struct snapshot *snapshot = snapshot_new(&row);
        for (uint32_t i = 0; snapshot && i < snapshot->n_excluded; i++)
            assert(snapshot->excluded[i].lead < snapshot->n_leads && snapshot->excluded[i].agent < snapshot->n_agents);
        snapshot_destroy(&snapshot);
    }
}

/* A report reads what no broker accepts, too. */
static void counted(struct slice body)
{
    const struct window all = {INT64_MIN, INT64_MAX};
    const struct entry at = {.time_ms = 1};
    struct report_asked asked = {.window = all};
    struct tales *tales = tales_new(&all, NULL);
    struct row_ref row;
    for (uint32_t from = 0; row_next(body, &from, &row) == 1;)
        tales_row(tales, &row, from % 2 ? &at : NULL);
    tales_end(tales);
    for (unsigned name = 0; name < REPORTS; name++) {
        struct report_table table;
        asked.name = (enum report_name) name;
        asked.key = report_first_key(asked.name);
        report_make(tales, &asked, &table);
        report_fini(&table);
    }
    tales_destroy(&tales);
}

static void entry(const uint8_t *data, size_t size)
{
    struct entry entry;
    struct entry_hash previous;
    const char *wrong = entry_decode(slice_of(data, size), &entry, &previous);
    if (size < ENTRY_HEAD_BYTES + ENTRY_CHECK_BYTES) {
        assert(wrong);
        return;
    }
    uint8_t *bytes = malloc(size), *again = malloc(size);
    assert(bytes && again);
    memcpy(bytes, data, size);
    const uint64_t check = entry_check(bytes, size - ENTRY_CHECK_BYTES);
    memcpy(bytes + size - ENTRY_CHECK_BYTES, &check, sizeof check);
    wrong = entry_decode(slice_of(bytes, size), &entry, &previous);
    if (!wrong) {
        assert(entry_size(entry.body.len) == size);
        struct entry_hash hash;
        entry_encode(&entry, &previous, again, &hash);
        memcpy(again + 4, bytes + 4, 2); /* read are older versions, too; and with it the check changes */
        assert(memcmp(bytes, again, size - ENTRY_CHECK_BYTES) == 0);
    }
    free(bytes);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    entry(data, size);
    rows(slice_of(data, size));
    counted(slice_of(data, size));
    explained(slice_of(data, size));
    return 0;
}
