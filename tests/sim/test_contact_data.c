/* SPDX-License-Identifier: Apache-2.0
 * test_contact_data.c - 864 real restaurants, 112 of them twice, through the rules for
 * the same person again. No two phones of a pair are written alike, and some phones
 * belong to several restaurants.
 *
 * The data is not part of the project: it is looked for in $TAKT_DATA, else beside
 * the source in ../shared/data; absent, the test is skipped by name, and fails in CI. */
#include "tests/sim/story.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/csv.h"
#include "core/contact.h"

enum { ROWS = 864, PAIRS = 112, FOUND_LEAST = 108 };
enum column { NAME = 1, ADDRESS = 2, PHONE = 4, CLUSTER = 6 };

static struct csv *open_or_skip(void)
{
    char path[4096], why[160] = "";
    const char *folder = getenv("TAKT_DATA"), *ci = getenv("CI");
    snprintf(path, sizeof path, "%s/restaurants-dedup.tsv.gz", folder ? folder : TAKT_SOURCE_DIR "/../shared/data");
    if (access(path, R_OK) != 0) {
        print_message("skipped: %s is absent\n", path);
        if (ci && !strcmp(ci, "true"))
            fail_msg("%s is absent", path);
        skip();
    }
    struct csv *csv = csv_open(path, &(struct csv_options){.header_line = CSV_HEADER_FIND}, why);
    if (!csv)
        fail_msg("%s", why);
    return csv;
}

static char *put_field(char *at, int number, struct slice text)
{
    return at + sprintf(at, "%c%c%c%.*s", (number << 3 & 0x7f) | 0x82, 1, (int) text.len, (int) text.len,
                        (const char *) text.at);
}

static bool same(struct slice a, struct slice b)
{
    struct contact_text x, y;
    return contact_plain_words(a, &x) && contact_plain_words(b, &y) && x.len == y.len && !memcmp(x.at, y.at, x.len);
}

/* In more than the phone. */
static bool agree(const struct lead *a, const struct lead *b)
{
    const struct row_contact x = row_contact(slice_of(a->raw, a->raw_len)),
                             y = row_contact(slice_of(b->raw, b->raw_len));
    return same(x.name, y.name) || same(x.street, y.street);
}

struct counts {
    uint32_t rows, pairs, pairs_found, pairs_merged, merged, merged_wrong;
};

/* Rows of one restaurant stand side by side: the second of a pair names the same cluster as the one before. */
static void take(struct sim *sim, const struct csv_row *row, bool is_second, struct counts *counts)
{
    char payload[512], *at = put_field(payload, 16, row->cells[NAME]);
    at = put_field(at, 17, row->cells[PHONE]);
    put_field(at, 19, row->cells[ADDRESS]);
    const uint32_t key = 1000000 + counts->rows;
    sim_chunk(sim, key, "to-push", 0, 0, &(struct sim_row){.key = key, .payload = payload}, 1);
    sim_run_ms(sim, 2);
    const uint32_t warnings = sim_receipt(sim)->warnings[0];
    const struct lead *lead = story_of(sim, sim_lead_id(key));
    const bool merged = lead->state == LEAD_DUPLICATE;
    const bool right = merged && is_second && id_equal(lead->past->kin, sim_lead_id(key - 1));
    assert_int_equal(merged, (warnings & ROW_WARNING_MERGED) != 0);
    assert_true(!merged || agree(lead, story_of(sim, lead->past->kin)));
    counts->rows++;
    counts->pairs += is_second;
    counts->merged += merged;
    counts->merged_wrong += merged && !right;
    counts->pairs_merged += right;
    counts->pairs_found += is_second && (warnings & (ROW_WARNING_MERGED | ROW_WARNING_PHONE_KNOWN));
}

static void pairs_are_found_by_phone_and_merged_only_when_name_or_street_agree(void **state)
{
    (void) state;
    struct csv *csv = open_or_skip();
    struct policy *policy = sim_policy();
    policy->programmes[0].duplicates = DUPLICATES_MERGE;
    policy->programmes[0].look_back_ms = DAY_MS;
    struct sim *sim = story_new(policy);
    sim_audit_every(sim, 100);
    struct counts counts = {0};
    struct csv_row row;
    char before[32] = "";
    while (csv_next(csv, &row) == 1) {
        const struct slice cluster = row.cells[CLUSTER];
        assert_true(cluster.len < sizeof before);
        take(sim, &row, strlen(before) == cluster.len && !memcmp(before, cluster.at, cluster.len), &counts);
        memcpy(before, cluster.at, cluster.len);
        before[cluster.len] = '\0';
    }
    print_message("%u rows, %u pairs: %u found by phone, %u merged; %u merged that are none\n", counts.rows,
                  counts.pairs, counts.pairs_found, counts.pairs_merged, counts.merged_wrong);
    assert_int_equal(counts.rows, ROWS);
    assert_int_equal(counts.pairs, PAIRS);
    assert_in_range(counts.pairs_found, FOUND_LEAST, PAIRS);
    assert_int_equal(counts.pairs_merged, 100);
    assert_int_equal(counts.merged_wrong, 7); /* hotels: two restaurants, one switchboard, one street; 7 more have
                                               * one phone, but neither name nor street in common */
    csv_close(&csv);
    sim_destroy(&sim);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_are_found_by_phone_and_merged_only_when_name_or_street_agree),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
