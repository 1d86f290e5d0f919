/* SPDX-License-Identifier: Apache-2.0
 * test_pending.c - rows waiting for the view, and which pool a lead stands in,
 * each against a list that is too simple to be wrong. */
#include "broker/pending.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "broker/pools.h"

enum { KEYS = 400, STEPS = 60000, TAKEN_MAX = 50 };

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random >> 20;
}

/* An entry of rows (key, value), as the store would keep it. */
static struct kept *entry_of(struct position at, const uint32_t (*rows)[2], uint32_t n)
{
    struct buf body = {0};
    for (uint32_t i = 0; i < n; i++) {
        const uint8_t type = i == 2 ? ROW_SNAPSHOT : ROW_LEAD, key_len = 4;
        const uint32_t length = 1 + 4 + 4;
        buf_add(&body, &type, 1);
        buf_add(&body, &length, 4);
        buf_add(&body, &key_len, 1);
        buf_add(&body, rows[i], 8);
    }
    struct kept *kept = kept_new((uint32_t) entry_size((uint32_t) body.len));
    const struct entry entry = {.at = at, .body = {body.at, (uint32_t) body.len}};
    const struct entry_hash none = {0};
    entry_encode(&entry, &none, kept->bytes, &kept->hash);
    kept->at = at;
    buf_fini(&body);
    return kept;
}

struct simple { /* by key: is it pending, since which beat, with what value */
    uint64_t first[KEYS];
    uint32_t value[KEYS];
};

static uint32_t key_of(const struct pending_row *row)
{
    uint32_t key;
    memcpy(&key, row->row.key.at, sizeof key);
    return key;
}

static uint32_t value_of(const struct pending_row *row)
{
    uint32_t value;
    memcpy(&value, row->row.payload.at, sizeof value);
    return value;
}

static void feed_some(struct pending *pending, struct simple *simple, uint64_t beat, uint64_t *random)
{
    uint32_t rows[5][2];
    for (uint32_t i = 0; i < 5; i++) {
        rows[i][0] = (uint32_t) (next_random(random) % KEYS);
        rows[i][1] = (uint32_t) (5 * beat + i);
        if (i == 2)
            continue; /* the snapshot */
        if (simple->first[rows[i][0]] == 0)
            simple->first[rows[i][0]] = beat;
        simple->value[rows[i][0]] = rows[i][1];
    }
    struct kept *kept = entry_of((struct position){1, beat}, rows, 5);
    assert_true(pending_feed(pending, kept, true, (int64_t) beat));
    kept_release(&kept);
}

static uint32_t count(const struct simple *simple)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < KEYS; i++)
        n += simple->first[i] != 0;
    return n;
}

/* Take up to `n` out, in order; then either they are written or they come back. */
static void take_some(struct pending *pending, struct simple *simple, uint64_t *beat, uint64_t *random)
{
    struct pending_row rows[TAKEN_MAX];
    uint32_t n = 0;
    const uint32_t want = (uint32_t) (next_random(random) % TAKEN_MAX);
    const bool written = next_random(random) % 2 == 0;
    uint64_t first = 0;
    while (n < want && pending_take(pending, &rows[n])) {
        const uint32_t key = key_of(&rows[n]);
        assert_int_equal(rows[n].first.beat, simple->first[key]);
        assert_int_equal(value_of(&rows[n]), simple->value[key]);
        assert_true(rows[n].first.beat >= first);
        first = rows[n].first.beat;
        if (written)
            simple->first[key] = 0;
        n++;
    }
    if (!written) /* changes while the write is out */
        feed_some(pending, simple, (*beat)++, random);
    while (n-- > 0) {
        if (written)
            kept_release(&rows[n].kept);
        else
            pending_put_back(pending, &rows[n]);
        assert_null(rows[n].kept);
    }
}

static void rows_come_out_newest_of_each_key_oldest_change_first(void **state)
{
    (void) state;
    struct pending *pending = pending_new(1);
    struct simple simple = {0};
    uint64_t random = 88172645463325252ull, beat = 1;
    for (int step = 0; step < STEPS; step++) {
        if (next_random(&random) % 8 > 0)
            feed_some(pending, &simple, beat++, &random);
        else
            take_some(pending, &simple, &beat, &random);
        if (step % 1000 == 0)
            assert_int_equal(pending_count(pending), count(&simple));
    }
    struct pending_row row;
    uint64_t first = 0;
    struct position oldest;
    int64_t since_us;
    while (pending_first(pending, &oldest, &since_us)) {
        assert_true(pending_take(pending, &row));
        assert_int_equal(oldest.beat, row.first.beat);
        assert_int_equal(oldest.beat, simple.first[key_of(&row)]);
        assert_int_equal(value_of(&row), simple.value[key_of(&row)]);
        assert_true(row.first.beat >= first);
        first = row.first.beat;
        simple.first[key_of(&row)] = 0;
        kept_release(&row.kept);
    }
    assert_int_equal(count(&simple), 0);
    assert_int_equal(pending_count(pending), 0);
    pending_destroy(&pending);
}

static void an_entry_is_freed_with_its_last_row_and_not_before(void **state)
{
    (void) state;
    struct pending *pending = pending_new(1);
    static const uint32_t old_rows[2][2] = {{1, 10}, {2, 20}}, new_rows[1][2] = {{1, 11}};
    struct kept *old = entry_of((struct position){1, 1}, old_rows, 2),
                *new = entry_of((struct position){1, 2}, new_rows, 1);
    struct pending_row row;
    assert_true(pending_feed(pending, old, true, 1));
    assert_int_equal(old->refs, 3);
    assert_true(pending_feed(pending, new, true, 2));
    assert_int_equal(old->refs, 2);
    assert_int_equal(new->refs, 2);
    assert_true(pending_take(pending, &row));
    assert_int_equal(row.first.beat, 1); /* keeps the place of its oldest change */
    assert_int_equal(value_of(&row), 11);
    kept_release(&row.kept);
    assert_int_equal(new->refs, 1);
    kept_release(&old);
    kept_release(&new);
    pending_destroy(&pending); /* frees what is left */
}

static void add_row(struct buf *body, uint8_t type, uint32_t key, uint32_t payload_len)
{
    static const uint8_t nothing[1024];
    const uint8_t key_len = sizeof key;
    const uint32_t length = 1 + key_len + payload_len;
    buf_add(body, &type, 1);
    buf_add(body, &length, sizeof length);
    buf_add(body, &key_len, 1);
    buf_add(body, &key, sizeof key);
    buf_add(body, nothing, payload_len);
}

/* 100 inputs of 1,000 bytes, a lead, one input more. */
static struct kept *entry_of_inputs(void)
{
    struct buf body = {0};
    for (uint32_t i = 0; i < 100; i++)
        add_row(&body, ROW_INPUT, i, 990);
    add_row(&body, ROW_LEAD, 7, 10);
    add_row(&body, ROW_INPUT, 100, 990);
    struct kept *kept = kept_new((uint32_t) entry_size((uint32_t) body.len));
    const struct entry entry = {.at = {1, 1}, .body = {body.at, (uint32_t) body.len}};
    const struct entry_hash none = {0};
    entry_encode(&entry, &none, kept->bytes, &kept->hash);
    kept->at = entry.at;
    buf_fini(&body);
    return kept;
}

/* The first input of those that stay together, and how many bytes they are; back it goes if it is to. */
static void expect_inputs(struct pending *pending, uint32_t first, uint32_t n, bool back)
{
    struct pending_row row;
    assert_true(pending_take(pending, &row));
    assert_int_equal(row.row.type, ROW_INPUT);
    assert_int_equal(key_of(&row), first);
    assert_int_equal(row.row.whole.len, n * 1000);
    if (back)
        pending_put_back(pending, &row);
    else
        kept_release(&row.kept);
}

static void inputs_side_by_side_stay_together_up_to_a_bound(void **state)
{
    (void) state;
    struct pending *pending = pending_new(1);
    struct pending_row row;
    struct kept *kept = entry_of_inputs();
    const uint32_t fit = TOGETHER_BYTES_MAX / 1000;
    assert_true(pending_feed(pending, kept, true, 1));
    assert_int_equal(pending_count(pending), 4);
    assert_int_equal(kept->refs, 5);
    expect_inputs(pending, 0, fit, true); /* was not written: it comes first again, as it was */
    expect_inputs(pending, 0, fit, false);
    expect_inputs(pending, fit, 100 - fit, false);
    for (uint32_t left = 2; left > 0; left--) { /* the lead between ends the stretch */
        assert_true(pending_take(pending, &row));
        assert_int_equal(row.row.whole.len, row.row.type == ROW_LEAD ? 20 : 1000);
        kept_release(&row.kept);
    }
    assert_int_equal(pending_count(pending), 0);
    assert_int_equal(kept->refs, 1);
    kept_release(&kept);
    pending_destroy(&pending);
}

static void pools_remember_each_lead(void **state)
{
    (void) state;
    enum { LEADS = 5000 };
    struct pools *pools = pools_new();
    static uint32_t expected[LEADS];
    uint64_t random = 12345678910111213ull;
    assert_int_equal(pools_number(pools, "a"), 1);
    assert_int_equal(pools_number(pools, "b/team"), 2);
    assert_int_equal(pools_number(pools, "c"), 3);
    assert_int_equal(pools_number(pools, "a"), 1);
    assert_string_equal(pools_name(pools, 2), "b/team");
    for (int step = 0; step < 200000; step++) {
        const uint32_t lead = (uint32_t) (next_random(&random) % LEADS);
        uint8_t id[16] = {0};
        memcpy(id + 8, &(uint32_t){lead % 61}, 4); /* many on one slot */
        memcpy(id, &lead, 4);
        assert_int_equal(pools_of(pools, id), expected[lead]);
        expected[lead] = (uint32_t) (next_random(&random) % 4);
        pools_set(pools, id, expected[lead]);
    }
    pools_clear(pools);
    assert_int_equal(pools_of(pools, (const uint8_t[16]){0}), 0);
    pools_destroy(&pools);
}

/* Inputs `first` to `last`, then rows of the leads `numbers`. */
static struct kept *entry_of_leads(uint64_t beat, uint32_t first, uint32_t last, const uint32_t *numbers, uint32_t n)
{
    struct buf body = {0};
    add_row(&body, ROW_AGENT, 77, 5);
    for (uint32_t i = first; i <= last; i++)
        add_row(&body, ROW_INPUT, i, 30);
    for (uint32_t i = 0; i < n; i++)
        add_row(&body, ROW_LEAD, numbers[i], 10);
    struct kept *kept = kept_new((uint32_t) entry_size((uint32_t) body.len));
    const struct entry entry = {.at = {1, beat}, .body = {body.at, (uint32_t) body.len}};
    const struct entry_hash none = {0};
    entry_encode(&entry, &none, kept->bytes, &kept->hash);
    kept->at = entry.at;
    buf_fini(&body);
    return kept;
}

/* How many leads come, and whether each is fresh: bit by bit of `wanted`, in order. */
static void expect_fresh(struct pending *pending, uint32_t n, uint32_t wanted)
{
    struct pending_row row;
    uint32_t leads = 0;
    while (leads < n && pending_take(pending, &row)) {
        if (row.row.type == ROW_LEAD)
            assert_int_equal(row.fresh, wanted >> leads++ & 1);
        else
            assert_false(row.fresh);
        kept_release(&row.kept);
    }
    assert_int_equal(leads, n);
}

static void a_lead_is_fresh_until_the_view_has_it(void **state)
{
    (void) state;
    struct pending *pending = pending_new(1);
    struct pending_row rows[4];
    struct kept *came = entry_of_leads(1, 1, 3, (const uint32_t[]){1, 2, 3, 9}, 4),
                *changed = entry_of_leads(2, 4, 4, (const uint32_t[]){2, 1}, 2);
    assert_true(pending_feed(pending, came, true, 1));
    assert_true(pending_feed(pending, changed, true, 2)); /* before it was written: 2 and 1 stay fresh */
    expect_fresh(pending, 4, 7);                          /* 9 has no input here: the view may have it */
    assert_true(pending_feed(pending, changed, true, 3));
    expect_fresh(pending, 2, 0);
    assert_true(pending_feed(pending, came, true, 4)); /* taken, but not written: they are as they were */
    for (uint32_t i = 0; i < 4; i++)
        assert_true(pending_take(pending, &rows[i])); /* agent, inputs, 1, 2 */
    for (uint32_t i = 4; i > 0; i--)
        pending_put_back(pending, &rows[i - 1]);
    expect_fresh(pending, 4, 7);
    assert_true(pending_feed(pending, came, true, 5)); /* and so where they changed meanwhile */
    for (uint32_t i = 0; i < 4; i++)
        assert_true(pending_take(pending, &rows[i]));
    assert_true(pending_feed(pending, changed, true, 6));
    for (uint32_t i = 4; i > 0; i--)
        pending_put_back(pending, &rows[i - 1]);
    expect_fresh(pending, 4, 7);
    assert_true(pending_take(pending, &rows[0])); /* the input of the change, and its agent */
    kept_release(&rows[0].kept);
    assert_true(pending_feed(pending, came, false, 7)); /* it may be there all the same */
    expect_fresh(pending, 4, 0);
    kept_release(&came);
    kept_release(&changed);
    pending_destroy(&pending);
}

/* A beat's leads come in the order of their inputs; who is not sure is not fresh. */
static void only_in_the_order_of_the_inputs_is_a_lead_fresh(void **state)
{
    (void) state;
    struct pending *pending = pending_new(1);
    struct kept *other = entry_of_leads(1, 1, 4, (const uint32_t[]){1, 8, 2, 4, 3}, 5);
    assert_true(pending_feed(pending, other, true, 1));
    expect_fresh(pending, 5, 1 | 4 | 16);
    kept_release(&other);
    pending_destroy(&pending);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_out_newest_of_each_key_oldest_change_first),
        cmocka_unit_test(an_entry_is_freed_with_its_last_row_and_not_before),
        cmocka_unit_test(inputs_side_by_side_stay_together_up_to_a_bound),
        cmocka_unit_test(a_lead_is_fresh_until_the_view_has_it),
        cmocka_unit_test(only_in_the_order_of_the_inputs_is_a_lead_fresh),
        cmocka_unit_test(pools_remember_each_lead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
