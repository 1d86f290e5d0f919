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

enum { STORY_BEATS = 24, STORY_BEATS_MAX = 300, STORY_LEADS = 40, STORY_AGENTS = 4, BULK = 1000 };
enum { ONE_BY_ONE = STORY_LEADS + 512, FIRST_OF_BULKS = 1000 }; /* numbers of leads: below, and from there on */

/* A broker's life of seeded steps, with crashes, lost replies and writes anywhere
 * between append, flush, position and trim. After each restart the state must be that
 * of a prefix of the beats, with all in it that stood. */
struct story {
    struct rig *rig;
    struct store *store;
    uint64_t random;
    struct buf bodies[STORY_BEATS_MAX];
    uint32_t n_bodies;
    uint32_t base;      /* bodies that were loaded, before this store's first ticket */
    struct model *sure; /* the state after the first n_sure bodies, which cannot get lost any more */
    uint32_t n_sure;
    bool has_archive;
    struct position archive;
    bool has_input[ONE_BY_ONE]; /* a lead comes once */
    uint32_t n_of_bulks;        /* leads that came in bulks */
};

static uint32_t roll(struct story *story, uint32_t below)
{
    story->random ^= story->random << 13;
    story->random ^= story->random >> 7;
    story->random ^= story->random << 17;
    return (uint32_t) (story->random >> 33) % below;
}

/* A lead's row, or that it is over. */
static void put_lead(struct story *story, struct buf *body, uint32_t number)
{
    char payload[64];
    if (roll(story, 3) > 0)
        snprintf(payload, sizeof payload, "W pool-%u %u %u", roll(story, 3), roll(story, 100), story->n_bodies);
    else
        snprintf(payload, sizeof payload, "H %u", story->n_bodies);
    row_put(body, ROW_LEAD, number, roll(story, 8) == 0 ? "T" : payload);
}

/* So many inputs that they lie apart, in one place or in two, and behind another row; so many leads that their first
 * rows lie together. */
static void add_bulk(struct story *story, struct buf *body)
{
    const uint32_t n = BULK + roll(story, 2 * BULK), first = FIRST_OF_BULKS + story->n_of_bulks;
    row_put(body, ROW_AGENT, STORY_AGENTS, "H 0");
    for (uint32_t i = 0; i < n; i++)
        row_put(body, ROW_INPUT, first + i, NULL);
    for (uint32_t i = 0; i < n; i++) { /* few wait: those are keys of their own */
        if (i % 8 == 0)
            put_lead(story, body, first + i);
        else
            row_put(body, ROW_LEAD, first + i, "H 1");
    }
    story->n_of_bulks += n;
}

/* A lead that came alone, for the first time or again; or one of a bulk. */
static void add_lead(struct story *story, struct buf *body, uint32_t spread)
{
    const uint32_t number = roll(story, STORY_LEADS) + spread;
    if (story->n_of_bulks > 0 && roll(story, 3) == 0) {
        put_lead(story, body, FIRST_OF_BULKS + roll(story, story->n_of_bulks));
        return;
    }
    if (!story->has_input[number])
        row_put(body, ROW_INPUT, number, NULL);
    story->has_input[number] = true;
    put_lead(story, body, number);
}

static void append_beat(struct story *story)
{
    assert_true(story->n_bodies < STORY_BEATS_MAX);
    struct buf *body = &story->bodies[story->n_bodies++];
    const uint32_t rows = 1 + roll(story, 6) * roll(story, 6) * roll(story, 12);
    if (roll(story, story->rig->is_redis ? 32 : 96) == 0) /* memory keeps nothing apart */
        add_bulk(story, body);
    for (uint32_t i = 0; i < rows; i++)
        add_lead(story, body, rows > 100 ? i : 0);
    for (uint32_t i = 0; i < 2; i++) /* people come and go */
        row_put(body, ROW_AGENT, roll(story, STORY_AGENTS), roll(story, 2) == 0 ? NULL : "H 1");
    rig_append(story->store, story->n_bodies, body_slice(body));
}

static void write_beat(struct story *story)
{
    append_beat(story);
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

/* Half of the brokers keep no more log than they must. */
static void choose_retention(struct story *story)
{
    if (roll(story, 2) == 0)
        store_retain(story->store, 0, 0);
}

static void move_archive(struct story *story)
{
    struct store_levels levels;
    store_levels(story->store, &levels);
    story->has_archive = true;
    if (levels.last.epoch > story->archive.epoch)
        story->archive = (struct position){levels.last.epoch, 0};
    if (levels.last.beat > story->archive.beat)
        story->archive.beat += roll(story, (uint32_t) (levels.last.beat - story->archive.beat) + 1);
    rig_archive(story->rig, story->archive);
}

/* Which prefix of the beats is this, at least the first `from`? What was found stands for good. */
static void take_prefix(struct story *story, const struct model *found, uint32_t from)
{
    while (story->n_sure < from || !model_equal(story->sure, found)) {
        if (story->n_sure == story->n_bodies)
            fail_msg("what was loaded is no state that ever was");
        model_apply(story->sure, body_slice(&story->bodies[story->n_sure++]));
    }
    for (uint32_t i = story->n_sure; i < story->n_bodies; i++) /* what was never promised and is gone */
        buf_fini(&story->bodies[i]);
    story->n_bodies = story->base = story->n_sure;
}

static void restart(struct story *story, uint32_t appends_stood)
{
    struct loaded loaded = {0};
    uint64_t epoch;
    story->store = rig_store(story->rig);
    if (store_open(story->store, nothing_seen, &epoch) != STORE_OK || rig_load(story->store, &loaded) != STORE_OK)
        fail_msg("%s", store_why(story->store));
    take_prefix(story, loaded.model, story->base + appends_stood);
    model_destroy(&loaded.model);
    choose_retention(story);
}

static void crash_and_restart(struct story *story, uint32_t appends_stood)
{
    store_close(&story->store);
    restart(story, appends_stood);
}

static uint32_t appends_of(const struct store *store)
{
    struct store_levels levels;
    store_levels(store, &levels);
    return (uint32_t) levels.appends;
}

/* ---- a crash at each named step, in memory where steps have names ----------------- */

/* Do what leads to the step that is armed, until it was met. */
static void walk_into(struct story *story, enum memory_step step)
{
    store_retain(story->store, 0, 0);
    while (store_pump(story->store, clock_mono_us()) == STORE_OK) {
        struct store_levels levels;
        store_levels(story->store, &levels);
        if (story->has_archive && step == MEMORY_TRIM) /* or it would hold the log */
            rig_archive(story->rig, story->archive = levels.last);
        if (step == MEMORY_RENEW)
            store_renew(story->store);
        else
            append_beat(story);
        store_idle(story->store, step != MEMORY_APPEND && step != MEMORY_RENEW);
    }
}

static void settle(struct story *story)
{
    rig_until_stands(story->store, store_stands(story->store) + store_in_flight(story->store));
}

static void reopen(struct story *story, enum store_status status)
{
    uint64_t epoch;
    if (store_reopen(story->store, &epoch) != status)
        fail_msg("%s", store_why(story->store));
}

static void crash_in_step(struct story *story, enum memory_step step, enum memory_fault fault, bool same_broker)
{
    struct memory_world *world = story->rig->world;
    settle(story);
    memory_world_fault_at(world, step, roll(story, 3), fault);
    walk_into(story, step);
    const uint32_t stood = appends_of(story->store);
    memory_world_fault(world, FAULT_NONE);
    if (same_broker)
        reopen(story, STORE_OK);
    else
        crash_and_restart(story, stood);
}

static void crash_in_takeover(struct story *story, enum memory_fault fault, bool same_broker)
{
    struct memory_world *world = story->rig->world;
    uint64_t epoch;
    settle(story);
    const uint32_t stood = appends_of(story->store);
    if (same_broker) {
        memory_world_fault(world, FAULT_AWAY);
        store_renew(story->store);
        rig_until_status(story->store, STORE_AWAY);
    } else {
        store_close(&story->store);
        story->store = rig_store(story->rig);
    }
    memory_world_fault(world, FAULT_NONE);
    memory_world_fault_at(world, MEMORY_TAKEOVER, 0, fault);
    if (same_broker)
        reopen(story, STORE_AWAY);
    else
        assert_int_equal(store_open(story->store, nothing_seen, &epoch), STORE_AWAY);
    memory_world_fault(world, FAULT_NONE);
    if (same_broker)
        reopen(story, STORE_OK);
    else
        crash_and_restart(story, stood);
}

static void crash_everywhere(struct story *story)
{
    const uint32_t begin = roll(story, 4 * MEMORY_STEPS);
    for (uint32_t i = 0; i < 4 * MEMORY_STEPS; i++) {
        const uint32_t at = (begin + i) % (4 * MEMORY_STEPS);
        const enum memory_fault fault = at % 2 == 0 ? FAULT_REPLY_LOST : FAULT_WRITE_LOST;
        if (at / 4 == MEMORY_TAKEOVER)
            crash_in_takeover(story, fault, at / 2 % 2 == 0);
        else
            crash_in_step(story, at / 4, fault, at / 2 % 2 == 0);
    }
}

/* ---- lives -------------------------------------------------------------------------- */

static void live_on(struct story *story, uint32_t beats)
{
    while (story->n_bodies < beats) {
        switch (roll(story, 7)) {
        case 0:
            store_idle(story->store, roll(story, 2) == 0);
            rig_pump(story->store);
            break;
        case 1:
            rig_until_flushed(story->store);
            break;
        case 2:
            crash_and_restart(story, appends_of(story->store));
            break;
        case 3:
            lose_something(story);
            break;
        case 4:
            if (story->has_archive)
                move_archive(story);
            break;
        default:
            write_beat(story);
        }
    }
}

static void live(struct rig *rig, uint64_t seed)
{
    struct story story = {.rig = rig, .store = rig_opened(rig), .random = seed * 0x9e3779b97f4a7c15 + 1};
    story.sure = model_new();
    story.has_archive = roll(&story, 2) == 0;
    if (story.has_archive)
        move_archive(&story);
    choose_retention(&story);
    live_on(&story, STORY_BEATS);
    if (!rig->is_redis)
        crash_everywhere(&story);
    live_on(&story, story.n_bodies + 2);
    rig_until_stands(story.store, store_stands(story.store) + store_in_flight(story.store));
    const uint32_t beats = story.n_bodies;
    crash_and_restart(&story, appends_of(story.store));
    assert_int_equal(story.n_bodies, beats);
    store_close(&story.store);
    for (uint32_t i = 0; i < story.n_bodies; i++)
        buf_fini(&story.bodies[i]);
    model_destroy(&story.sure);
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

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crash_between_any_two_steps_recovers_what_was_acknowledged),
    };
    const int failed_memory = cmocka_run_group_tests_name("memory", tests, NULL, NULL);
    return failed_memory + cmocka_run_group_tests_name("redis", tests, redis_server_setup, redis_server_teardown);
}
