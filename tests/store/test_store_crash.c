/* SPDX-License-Identifier: Apache-2.0
 * test_store_crash.c - seeded lives of a broker with crashes and losses at every
 * step between append, flush and position, on both stores: whatever happens, what
 * comes back is a state that was, with all in it that was acknowledged. */
#include "tests/store/store_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/clock.h"

static const struct position nothing_seen = {0, 0};

enum { STORY_BEATS = 24, STORY_LEADS = 40 };

/* A broker's life of seeded steps, with crashes, lost replies and writes anywhere
 * between append, flush and position. After each restart the state must be that
 * of a prefix of the beats, with all in it that stood. */
struct story {
    struct rig *rig;
    struct store *store;
    uint64_t random;
    struct buf bodies[STORY_BEATS];
    uint32_t n_bodies;
    uint32_t base; /* bodies that were loaded, before this store's first ticket */
};

static uint32_t roll(struct story *story, uint32_t below)
{
    story->random ^= story->random << 13;
    story->random ^= story->random >> 7;
    story->random ^= story->random << 17;
    return (uint32_t) (story->random >> 33) % below;
}

static void write_beat(struct story *story)
{
    struct buf *body = &story->bodies[story->n_bodies++];
    const uint32_t rows = 1 + roll(story, 6) * roll(story, 6) * roll(story, 12);
    char payload[64];
    for (uint32_t i = 0; i < rows; i++) {
        const uint32_t number = roll(story, STORY_LEADS) + (rows > 100 ? i : 0);
        if (roll(story, 3) > 0)
            snprintf(payload, sizeof payload, "W pool-%u %u %u", roll(story, 3), i, story->n_bodies);
        else
            snprintf(payload, sizeof payload, "H %u", story->n_bodies);
        row_put(body, roll(story, 5) == 0 ? ROW_INPUT : ROW_LEAD, number, roll(story, 8) == 0 ? "T" : payload);
    }
    rig_append(story->store, story->n_bodies, body_slice(body));
    if (roll(story, 3) == 0)
        rig_until_stands(story->store, store_stands(story->store) + store_in_flight(story->store));
}

static void lose_something(struct story *story)
{
    uint64_t epoch;
    (roll(story, 2) == 0 ? rig_lose_reply : rig_lose_write)(story->rig);
    store_idle(story->store, roll(story, 2) == 0);
    if (roll(story, 2) == 0)
        store_renew(story->store);
    rig_pump(story->store);
    if (story->rig->is_redis)
        rig_break(story->rig, story->store);
    rig_heal(story->rig);
    if (store_pump(story->store, clock_mono_us()) != STORE_OK && store_reopen(story->store, &epoch) != STORE_OK)
        fail_msg("%s", store_why(story->store));
}

/* Which prefix of the beats is this? */
static uint32_t prefix_of(const struct story *story, const struct model *found, uint32_t from)
{
    struct model *model = model_new();
    uint32_t n = 0;
    while (n < from || !model_equal(model, found)) {
        if (n == story->n_bodies)
            fail_msg("what was loaded is no state that ever was");
        model_apply(model, body_slice(&story->bodies[n++]));
    }
    model_destroy(&model);
    return n;
}

static void crash_and_restart(struct story *story, uint32_t appends_stood)
{
    store_close(&story->store);
    struct store *store = rig_store(story->rig);
    struct loaded loaded = {0};
    uint64_t epoch;
    if (store_open(store, nothing_seen, &epoch) != STORE_OK || rig_load(store, &loaded) != STORE_OK)
        fail_msg("%s", store_why(store));
    const uint32_t prefix = prefix_of(story, loaded.model, story->base + appends_stood);
    for (uint32_t i = prefix; i < story->n_bodies; i++) /* what was never promised and is gone */
        buf_fini(&story->bodies[i]);
    story->n_bodies = story->base = prefix;
    story->store = store;
    model_destroy(&loaded.model);
}

static uint32_t appends_of(const struct store *store)
{
    struct store_levels levels;
    store_levels(store, &levels);
    return (uint32_t) levels.appends;
}

static void live(struct rig *rig, uint64_t seed)
{
    struct story story = {.rig = rig, .store = rig_opened(rig), .random = seed * 0x9e3779b97f4a7c15 + 1};
    while (story.n_bodies < STORY_BEATS) {
        switch (roll(&story, 6)) {
        case 0:
            store_idle(story.store, roll(&story, 2) == 0);
            rig_pump(story.store);
            break;
        case 1:
            rig_until_flushed(story.store);
            break;
        case 2:
            crash_and_restart(&story, appends_of(story.store));
            break;
        case 3:
            lose_something(&story);
            break;
        default:
            write_beat(&story);
        }
    }
    rig_until_stands(story.store, store_stands(story.store) + store_in_flight(story.store));
    crash_and_restart(&story, appends_of(story.store));
    assert_int_equal(story.n_bodies, STORY_BEATS);
    store_close(&story.store);
    for (uint32_t i = 0; i < story.n_bodies; i++)
        buf_fini(&story.bodies[i]);
}

static void a_crash_between_any_two_steps_recovers_what_was_acknowledged(void **state)
{
    const uint64_t stories = *state != NULL ? 40 : 500;
    for (uint64_t seed = 1; seed <= stories; seed++) {
        struct rig *rig = rig_new(*state);
        live(rig, seed);
        rig_destroy(&rig);
    }
}

static int start_redis(void **state)
{
    *state = redis_server_start(NULL);
    return 0;
}

static int stop_redis(void **state)
{
    struct redis_server *server = *state;
    redis_server_stop(&server);
    return 0;
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_between_any_two_steps_recovers_what_was_acknowledged),
    };
    const int failed_memory = cmocka_run_group_tests_name("memory", tests, NULL, NULL);
    return failed_memory + cmocka_run_group_tests_name("redis", tests, start_redis, stop_redis);
}
