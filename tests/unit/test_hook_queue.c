/* SPDX-License-Identifier: Apache-2.0
 * test_hook_queue.c - when an event is tried, when again, when no more; and that
 * what waits is on disk. Time is a number here. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "hooks/keep.h"
#include "hooks/queue.h"

static const struct queue_limits limits = {.retry_most_ms = 4000, .retry_for_ms = 60000, .parallel = 3};

static struct queued *add(struct queue *queue, uint64_t lead, const char *text)
{
    return queue_add(queue, (struct id){0, lead}, 0, slice_of(text, strlen(text)));
}

static void assert_next(struct queue *queue, int64_t now_ms, const char *wanted, struct queued **ret_item)
{
    struct queued *item = queue_next(queue, now_ms);
    assert_string_equal(item != NULL ? item->text : "none", wanted);
    if (ret_item != NULL)
        *ret_item = item;
}

static void the_back_off_doubles_up_to_its_bound(void **state)
{
    (void) state;
    static const int64_t wanted[] = {0, 500, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
    for (uint32_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
        assert_int_equal(queue_back_off_ms(i, 60000), wanted[i]);
    assert_int_equal(queue_back_off_ms(UINT32_MAX, 60000), 60000);
    assert_int_equal(queue_back_off_ms(1, 100), 100);
}

static void events_of_one_lead_go_one_after_another_and_of_many_at_once(void **state)
{
    (void) state;
    struct queue *queue = queue_new(&limits);
    struct queued *first, *other;
    add(queue, 1, "a1");
    add(queue, 1, "a2");
    add(queue, 2, "b1");
    add(queue, 1, "a3");
    add(queue, 3, "c1");
    add(queue, 4, "d1");
    assert_next(queue, 0, "a1", &first);
    assert_next(queue, 0, "b1", &other);
    assert_next(queue, 0, "c1", NULL);
    assert_next(queue, 0, "none", NULL); /* three at once */
    assert_int_equal(queue_when(queue, 0), INT64_MAX);
    queue_done(queue, other, true, 1, 1);
    assert_next(queue, 1, "d1", &other);
    queue_done(queue, other, true, 1, 1);
    assert_next(queue, 1, "none", NULL); /* a2 and a3 wait for a1 */
    assert_int_equal(queue_when(queue, 1), INT64_MAX);
    queue_done(queue, first, true, 2, 2);
    assert_next(queue, 2, "a2", &first);
    assert_next(queue, 2, "none", NULL);
    queue_done(queue, first, true, 3, 3);
    assert_next(queue, 3, "a3", &first);
    queue_done(queue, first, true, 3, 3);
    assert_int_equal(queue_counts(queue)->delivered, 5);
    assert_int_equal(queue_counts(queue)->behind, 1); /* c1 is on its way */
    queue_destroy(&queue);
}

static void one_that_fails_waits_by_itself_and_the_others_go_on(void **state)
{
    (void) state;
    struct queue *queue = queue_new(&limits);
    struct queued *bad, *good;
    add(queue, 1, "bad");
    add(queue, 2, "good");
    assert_next(queue, 0, "bad", &bad);
    queue_done(queue, bad, false, 10, 10);
    assert_next(queue, 10, "good", &good);
    queue_done(queue, good, true, 11, 11);
    assert_int_equal(queue_when(queue, 11), 510);
    assert_next(queue, 509, "none", NULL);
    assert_next(queue, 510, "bad", &bad);
    queue_done(queue, bad, false, 510, 510);
    assert_int_equal(queue_when(queue, 510), 1510);
    assert_next(queue, 1510, "bad", &bad);
    queue_done(queue, bad, false, 1510, limits.retry_for_ms); /* it is old now */
    assert_int_equal(queue_counts(queue)->given_up, 1);
    assert_int_equal(queue_counts(queue)->behind, 0);
    assert_int_equal(queue_when(queue, 1510), INT64_MAX);
    queue_destroy(&queue);
}

static void a_dead_hook_costs_one_attempt_a_wait_and_gets_everything_when_it_is_back(void **state)
{
    (void) state;
    struct queue *queue = queue_new(&limits);
    struct queued *item, *more[3];
    int64_t now_ms = 0;
    char text[8];
    for (uint64_t i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "e%u", (unsigned) i);
        add(queue, i, text);
    }
    for (int i = 0; i < 3; i++)
        assert_next(queue, 0, i == 0 ? "e0" : i == 1 ? "e1" : "e2", &more[i]);
    for (int i = 0; i < 3; i++)
        queue_done(queue, more[i], false, 20, 20); /* together: one failure of the hook */
    uint32_t attempts = 0;
    for (; now_ms < 20000; attempts++) {
        const int64_t when_ms = queue_when(queue, now_ms + 20);
        now_ms = when_ms > now_ms + 20 ? when_ms : now_ms + 20;
        item = queue_next(queue, now_ms);
        assert_non_null(item);
        assert_int_equal(item->text[0], 'e');
        if (attempts > 0)
            assert_null(queue_next(queue, now_ms)); /* one at a time */
        queue_done(queue, item, false, now_ms, now_ms);
    }
    assert_in_range(attempts, 6, 10); /* 20 s with waits up to 4 s */
    assert_int_equal(queue_counts(queue)->behind, 100);
    assert_int_equal(queue_counts(queue)->failing_ms, 20);
    now_ms = queue_when(queue, now_ms);
    item = queue_next(queue, now_ms);
    queue_done(queue, item, true, now_ms, now_ms);
    assert_int_equal(queue_counts(queue)->failing_ms, 0);
    for (uint32_t i = 0; i < 99; i++) { /* at this very instant, in order */
        item = queue_next(queue, now_ms);
        assert_non_null(item);
        queue_done(queue, item, true, now_ms, now_ms);
    }
    assert_int_equal(queue_counts(queue)->delivered, 100);
    queue_destroy(&queue);
}

static void a_full_queue_counts_what_it_loses(void **state)
{
    (void) state;
    struct queue *queue = queue_new(&limits);
    for (uint64_t i = 0; i < QUEUE_MAX; i++)
        assert_non_null(add(queue, i, "x"));
    assert_null(add(queue, 0, "x"));
    assert_int_equal(queue_counts(queue)->lost, 1);
    assert_int_equal(queue_counts(queue)->behind, QUEUE_MAX);
    queue_destroy(&queue);
}

/* ---- on disk -------------------------------------------------------------------------- */

static void make_event(unsigned i, char text[256])
{
    snprintf(
        text, 256,
        "{\"id\":\"%u\",\"event\":\"offer\",\"at_ms\":%u,\"lead\":\"%032x\",\"entry\":\"1-%u\",\"more\":\"%0128d\"}", i,
        1000 + i, i % 7, i, 0);
}

static void what_waits_is_on_disk_and_what_is_told_is_not(void **state)
{
    (void) state;
    char folder[] = "/tmp/takt-queue-XXXXXX", path[64], text[256];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/crm.events", folder);
    struct queue *queue = queue_new(&limits);
    struct kept_queue kept = {0}, again = {0};
    for (unsigned i = 0; i < 5000; i++) { /* over what is cheap to write anew */
        make_event(i, text);
        queue_add(queue, (struct id){0, i % 7}, 0, slice_of(text, strlen(text)));
        if (i % 500 == 0)
            assert_true(keep_queue(&kept, path, queue));
    }
    assert_true(keep_queue(&kept, path, queue));
    for (uint32_t told = 0; told <= 5000; told += 1000) {
        struct queue *other = queue_new(&limits);
        assert_int_equal(keep_load(&again, path, other), 0);
        assert_true(queue_counts(other)->behind >= 5000 - told && queue_counts(other)->behind <= 2 * (5000 - told) + 1);
        const struct queued *last = queue_first(other);
        while (last != NULL && last->next != NULL)
            last = last->next;
        if (last != NULL)
            assert_string_equal(last->text, text);
        queue_destroy(&other);
        for (uint32_t i = 0; i < 1000 && told < 5000; i++)
            queue_done(queue, queue_next(queue, 0), true, 0, 0);
        assert_true(keep_queue(&kept, path, queue));
    }
    assert_int_equal(kept.bytes, 0);
    unlink(path);
    rmdir(folder);
    queue_destroy(&queue);
}

static void a_torn_last_line_is_left_out_and_what_follows_is_whole(void **state)
{
    (void) state;
    char folder[] = "/tmp/takt-queue-XXXXXX", path[64], text[256];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/crm.events", folder);
    FILE *file = fopen(path, "w");
    make_event(1, text);
    fprintf(file, "%s\n{\"id\":\"2\",\"ev", text);
    fclose(file);
    struct queue *queue = queue_new(&limits), *other = queue_new(&limits);
    struct kept_queue kept = {0}, again = {0};
    assert_int_equal(keep_load(&kept, path, queue), 1);
    assert_int_equal(queue_counts(queue)->behind, 1);
    make_event(3, text);
    queue_add(queue, (struct id){0, 3}, 0, slice_of(text, strlen(text)));
    assert_true(keep_queue(&kept, path, queue));
    assert_int_equal(keep_load(&again, path, other), 0);
    assert_int_equal(queue_counts(other)->behind, 2);
    unlink(path);
    rmdir(folder);
    queue_destroy(&queue);
    queue_destroy(&other);
}

/* The disk is full for a while, in the middle of a line. */
static void what_was_added_by_halves_is_written_whole_later(void **state)
{
    (void) state;
    char folder[] = "/tmp/takt-queue-XXXXXX", path[64], text[256];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/crm.events", folder);
    struct queue *queue = queue_new(&limits), *other = queue_new(&limits);
    struct kept_queue kept = {0}, again = {0};
    struct rlimit usual, full;
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &usual), 0);
    for (unsigned i = 0; i < 5002; i++) {
        make_event(i, text);
        queue_add(queue, (struct id){0, i % 7}, 0, slice_of(text, strlen(text)));
        if (i < 4999)
            continue;
        full = (struct rlimit){.rlim_cur = i == 5000 ? kept.bytes + 100 : usual.rlim_cur, .rlim_max = usual.rlim_max};
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &full), 0);
        assert_int_equal(keep_queue(&kept, path, queue), i != 5000);
    }
    assert_int_equal(keep_load(&again, path, other), 0); /* no line is none */
    assert_int_equal(queue_counts(other)->behind, 5002);
    unlink(path);
    rmdir(folder);
    queue_destroy(&queue);
    queue_destroy(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_back_off_doubles_up_to_its_bound),
        cmocka_unit_test(events_of_one_lead_go_one_after_another_and_of_many_at_once),
        cmocka_unit_test(one_that_fails_waits_by_itself_and_the_others_go_on),
        cmocka_unit_test(a_dead_hook_costs_one_attempt_a_wait_and_gets_everything_when_it_is_back),
        cmocka_unit_test(a_full_queue_counts_what_it_loses),
        cmocka_unit_test(what_waits_is_on_disk_and_what_is_told_is_not),
        cmocka_unit_test(a_torn_last_line_is_left_out_and_what_follows_is_whole),
        cmocka_unit_test(what_was_added_by_halves_is_written_whole_later),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
