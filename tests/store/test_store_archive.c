/* SPDX-License-Identifier: Apache-2.0
 * test_store_archive.c - the archive of a cell in a real Redis: what it holds, how
 * it goes on after crashes, what it refuses, and a cell restored from it. */
#include "tests/store/store_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "archive/archive.h"
#include "broker/store_inspect.h"
#include "common/clock.h"

enum { BODIES_MAX = 6000, PATH_ROOM = 512 };

struct place { /* a cell, its broker, its archive's folder, and all it ever appended */
    struct rig *rig;
    struct store *store;
    char dir[200];
    uint64_t epoch;
    uint32_t n; /* bodies[i] is beat i + 1 of its epoch */
    struct buf bodies[BODIES_MAX];
    char why[256];
};

static struct place *place_new(void **state)
{
    static unsigned folders;
    struct place *place = calloc(1, sizeof *place);
    place->rig = rig_new(*state);
    place->store = rig_opened(place->rig);
    place->epoch = rig_epoch(place->store);
    snprintf(place->dir, sizeof place->dir, "%s/archive-%u", redis_server_folder(place->rig->server), folders++);
    return place;
}

static void remove_folder(const char *dir)
{
    char path[PATH_ROOM], name[SEGMENT_NAME_MAX];
    struct position *begins = NULL;
    const int64_t n = archive_list(dir, &begins);
    for (int64_t i = 0; i < n; i++) {
        segment_name(begins[i], name);
        snprintf(path, sizeof path, "%s/%s", dir, name);
        unlink(path);
    }
    free(begins);
    snprintf(path, sizeof path, "%s/lock", dir);
    unlink(path);
    rmdir(dir);
}

static void place_destroy(struct place **place_p)
{
    struct place *place = *place_p;
    store_close(&place->store);
    for (uint32_t i = 0; i < place->n; i++)
        buf_fini(&place->bodies[i]);
    remove_folder(place->dir);
    rig_destroy(&place->rig);
    free(place);
    *place_p = NULL;
}

static void append(struct place *place)
{
    struct buf *body = &place->bodies[place->n++];
    char payload[32];
    assert_true(place->n < BODIES_MAX);
    for (uint32_t i = 0; i < 1 + place->n % 3; i++) {
        snprintf(payload, sizeof payload, "W pool-%u %u %u", i, place->n, i);
        row_put(body, (place->n + i) % 4 == 0 ? ROW_INPUT : ROW_LEAD, place->n * 7 % 900 + i, payload);
    }
    rig_append(place->store, place->n, body_slice(body));
}

static void live_on(struct place *place, uint32_t beats)
{
    for (uint32_t i = 0; i < beats; i++)
        append(place);
    rig_until_stands(place->store, store_stands(place->store) + store_in_flight(place->store));
    rig_until_flushed(place->store);
}

/* Archive what is there, then leave. */
static enum store_status archive(struct place *place, uint64_t least_bytes)
{
    const struct archive_options options = {.redis = redis_server_address(place->rig->server),
                                            .cell = place->rig->cell,
                                            .dir = place->dir,
                                            .least_bytes = least_bytes};
    struct buf why = {0};
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(write(ends[1], "", 1), 1);
    const enum store_status status = archive_follow(&options, ends[0], &why);
    snprintf(place->why, sizeof place->why, "%.*s", (int) why.len, (const char *) why.at);
    buf_fini(&why);
    close(ends[0]);
    close(ends[1]);
    return status;
}

static void expect_archived(struct place *place, uint64_t least_bytes)
{
    if (archive(place, least_bytes) != STORE_OK)
        fail_msg("%s", place->why);
}

static bool take_row(void *arg, const struct row_ref *row)
{
    return loaded_row(arg, row, NULL);
}

static bool take_entry(void *arg, const struct tap_entry *entry)
{
    struct row_ref row;
    uint32_t at = 0;
    while (!entry->entry.takeover && row_next(entry->entry.body, &at, &row) > 0)
        loaded_row(arg, &row, &entry->entry);
    return true;
}

/* The state after the beats up to `to`. */
static struct model *state_at(const struct place *place, uint64_t to)
{
    struct model *model = model_new();
    for (uint64_t i = 0; i < to; i++)
        model_apply(model, body_slice(&place->bodies[i]));
    return model;
}

/* One segment by itself holds the state at its end. */
static struct archive_segment expect_sound(const struct place *place, struct position begin)
{
    struct loaded loaded = {.model = model_new()};
    const struct archive_visitor visitor = {take_row, take_entry, &loaded};
    struct archive_segment segment;
    struct buf why = {0};
    if (archive_read(place->dir, begin, &visitor, &segment, NULL, &why) != STORE_OK)
        fail_msg("%.*s", (int) why.len, (const char *) why.at);
    struct model *model = state_at(place, segment.end.at.epoch < place->epoch ? 0 : segment.end.at.beat);
    assert_true(model_equal(loaded.model, model));
    model_destroy(&model);
    model_destroy(&loaded.model);
    buf_fini(&why);
    return segment;
}

/* All segments are sound, each begins within the one before. Returns how many; the end of the last. */
static uint32_t expect_whole(const struct place *place, struct position *ret_end)
{
    struct position *begins = NULL, end = {0};
    const int64_t n = archive_list(place->dir, &begins);
    for (int64_t i = 0; i < n; i++) {
        const struct archive_segment segment = expect_sound(place, begins[i]);
        assert_true(i == 0 || position_compare(segment.first.at, end) <= 0);
        assert_true(position_compare(segment.end.at, end) >= 0);
        end = segment.end.at;
    }
    free(begins);
    *ret_end = end;
    return (uint32_t) n;
}

static struct position published(const struct place *place)
{
    redisReply *reply = redis_server_command(place->rig->server, "GET {%s}:archive", place->rig->cell);
    unsigned long long epoch, beat;
    assert_int_equal(reply->type, REDIS_REPLY_STRING);
    assert_int_equal(sscanf(reply->str, "%llu-%llu", &epoch, &beat), 2);
    freeReplyObject(reply);
    return (struct position){epoch, beat};
}

static char *path_of_last(const struct place *place, char path[PATH_ROOM])
{
    struct position *begins = NULL;
    char name[SEGMENT_NAME_MAX];
    const int64_t n = archive_list(place->dir, &begins);
    assert_true(n > 0);
    segment_name(begins[n - 1], name);
    free(begins);
    snprintf(path, PATH_ROOM, "%s/%s", place->dir, name);
    return path;
}

static void read_file(const char *path, struct buf *ret)
{
    FILE *file = fopen(path, "rb");
    int c;
    assert_non_null(file);
    while ((c = fgetc(file)) != EOF) {
        const uint8_t byte = (uint8_t) c;
        buf_add(ret, &byte, 1);
    }
    fclose(file);
}

static void write_file(const char *path, const uint8_t *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    fclose(file);
}

/* ---- following ------------------------------------------------------------------------ */

static void what_stands_is_archived_and_published(void **state)
{
    struct place *place = place_new(state);
    struct position end;
    expect_archived(place, UINT64_MAX); /* a cell with nothing in it */
    assert_int_equal(expect_whole(place, &end), 1);
    assert_int_equal(end.beat, 0);
    live_on(place, 50);
    expect_archived(place, UINT64_MAX);
    assert_int_equal(expect_whole(place, &end), 1);
    assert_int_equal(end.beat, 50);
    assert_int_equal(published(place).beat, 50);
    live_on(place, 50);
    expect_archived(place, UINT64_MAX); /* another process goes on in the same file */
    assert_int_equal(expect_whole(place, &end), 1);
    assert_int_equal(end.beat, 100);
    place_destroy(&place);
}

static void a_segment_that_is_full_is_followed_by_one_with_an_image_of_its_own(void **state)
{
    struct place *place = place_new(state);
    struct position end;
    for (int i = 0; i < 6; i++) {
        live_on(place, 200);
        expect_archived(place, 4000);
        expect_archived(place, 4000); /* nothing more to copy: the time for an image */
    }
    assert_true(expect_whole(place, &end) >= 3);
    assert_int_equal(end.beat, 1200);
    assert_int_equal(published(place).beat, 1200);
    place_destroy(&place);
}

/* Cut anywhere behind its image, a segment is refused or holds a state that was. Returns how often it was refused. */
static uint32_t expect_sound_when_cut(struct place *place, struct position begin)
{
    struct place cut = *place;
    struct buf whole = {0};
    char name[SEGMENT_NAME_MAX], path[PATH_ROOM];
    uint32_t refused = 0;
    segment_name(begin, name);
    snprintf(path, sizeof path, "%s/%s", place->dir, name);
    read_file(path, &whole);
    const struct archive_segment segment = expect_sound(place, begin);
    snprintf(cut.dir, sizeof cut.dir, "%.180s-cut", place->dir);
    assert_int_equal(mkdir(cut.dir, 0700), 0);
    snprintf(path, sizeof path, "%s/%s", cut.dir, name);
    for (size_t len = segment.image_bytes; len < whole.len && len < segment.image_bytes + 10000; len += 50) {
        const struct archive_visitor nothing = {0};
        struct archive_segment found;
        struct buf why = {0};
        write_file(path, whole.at, len);
        if (archive_read(cut.dir, begin, &nothing, &found, NULL, &why) == STORE_OK)
            expect_sound(&cut, begin);
        else
            refused++;
        buf_fini(&why);
    }
    remove_folder(cut.dir);
    buf_fini(&whole);
    return refused;
}

/* The image is read while a broker writes the rows it is made of. */
static void each_segment_is_sound_though_its_image_was_read_beside_a_living_broker(void **state)
{
    struct place *place = place_new(state);
    struct position end = {0};
    int ends[2];
    live_on(place, 800);
    assert_int_equal(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
        const struct archive_options options = {.redis = redis_server_address(place->rig->server),
                                                .cell = place->rig->cell,
                                                .dir = place->dir,
                                                .least_bytes = 1};
        struct buf why = {0};
        _exit((int) archive_follow(&options, ends[0], &why));
    }
    const int64_t give_up_us = clock_mono_us() + 30 * 1000 * 1000;
    uint32_t segments = 0;
    store_idle(place->store, true);
    while (segments < 5 && place->n < BODIES_MAX - 2) {
        struct position *begins = NULL;
        append(place);
        rig_until_stands(place->store, store_stands(place->store) + 1);
        const int64_t n = archive_list(place->dir, &begins);
        segments = n > 0 ? (uint32_t) n : 0;
        free(begins);
        assert_true(clock_mono_us() < give_up_us);
    }
    assert_int_equal(write(ends[1], "", 1), 1);
    int code = 0;
    assert_int_equal(waitpid(child, &code, 0), child);
    assert_true(WIFEXITED(code) && WEXITSTATUS(code) == STORE_OK);
    assert_true(expect_whole(place, &end) >= 2);
    assert_int_equal(end.beat, place->n);
    struct position *begins = NULL;
    uint32_t refused = 0;
    for (int64_t i = archive_list(place->dir, &begins) - 1; i >= 0; i--)
        refused += expect_sound_when_cut(place, begins[i]);
    assert_true(refused > 3); /* some of it was written while the image was read */
    free(begins);
    close(ends[0]);
    close(ends[1]);
    place_destroy(&place);
}

/* ---- crashes and damage ------------------------------------------------------------------ */

static void a_torn_tail_is_cut_and_written_again(void **state)
{
    struct place *place = place_new(state);
    struct archive_segment segment;
    struct position end;
    struct buf whole = {0};
    char path[PATH_ROOM];
    live_on(place, 20);
    expect_archived(place, UINT64_MAX);
    expect_whole(place, &end);
    const size_t sound = (segment = expect_sound(place, (struct position){0})).sound_bytes;
    live_on(place, 20);
    expect_archived(place, UINT64_MAX);
    read_file(path_of_last(place, path), &whole);
    for (size_t len = sound + 400; len < whole.len; len += len < whole.len - 400 ? 37 : 1) {
        write_file(path, whole.at, len);
        segment = expect_sound(place, (struct position){0}); /* a reader takes what is whole */
        expect_archived(place, UINT64_MAX);
        assert_int_equal(expect_whole(place, &end), 1);
        assert_int_equal(end.beat, 40);
    }
    buf_fini(&whole);
    place_destroy(&place);
}

/* Whatever byte is changed: it is said, or it only cost the last block. */
static void a_flipped_byte_never_passes_for_a_state(void **state)
{
    struct place *place = place_new(state);
    struct position end;
    struct buf whole = {0}, why = {0};
    char path[PATH_ROOM];
    live_on(place, 30);
    expect_archived(place, UINT64_MAX);
    live_on(place, 10);
    expect_archived(place, UINT64_MAX);
    read_file(path_of_last(place, path), &whole);
    uint32_t refused = 0;
    for (size_t i = 0; i < whole.len; i += 11) {
        struct archive_segment segment;
        const struct archive_visitor nothing = {0};
        whole.at[i] ^= 0x10;
        write_file(path, whole.at, whole.len);
        whole.at[i] ^= 0x10;
        if (archive_read(place->dir, (struct position){0}, &nothing, &segment, NULL, &why) != STORE_OK) {
            assert_int_equal(archive(place, UINT64_MAX), STORE_DAMAGED);
            assert_non_null(strstr(place->why, "takt, byte "));
            refused++;
            continue;
        }
        assert_int_equal(segment.end.at.beat, 39);
        expect_archived(place, UINT64_MAX);
        assert_int_equal(expect_whole(place, &end), 1);
        assert_int_equal(end.beat, 40);
    }
    assert_true(refused > whole.len / 11 / 2);
    buf_fini(&whole);
    buf_fini(&why);
    place_destroy(&place);
}

/* ---- archive and Redis -------------------------------------------------------------------- */

static void a_log_that_was_trimmed_meanwhile_makes_a_gap_and_a_new_segment(void **state)
{
    struct place *place = place_new(state);
    struct position *begins = NULL;
    live_on(place, 100);
    expect_archived(place, UINT64_MAX);
    freeReplyObject(redis_server_command(place->rig->server, "DEL {%s}:archive", place->rig->cell));
    store_retain(place->store, 0, 0);
    live_on(place, 500);
    rig_until_trimmed(place->store, (struct position){1, 600});
    expect_archived(place, UINT64_MAX);
    assert_int_equal(archive_list(place->dir, &begins), 2);
    assert_int_equal(expect_sound(place, begins[0]).end.at.beat, 100);
    assert_int_equal(expect_sound(place, begins[1]).end.at.beat, 600);
    assert_int_equal(published(place).beat, 600);
    free(begins);
    place_destroy(&place);
}

/* The view's key as a reader may find it a moment before the broker moves it and trims. Returns what it held. */
static redisReply *view_lags(struct place *place, const char *at)
{
    redisReply *held = redis_server_command(place->rig->server, "GET {%s}:view", place->rig->cell);
    assert_int_equal(held->type, REDIS_REPLY_STRING);
    freeReplyObject(
        redis_server_command(place->rig->server, "SET {%s}:view %s%s", place->rig->cell, at, strchr(held->str, ' ')));
    return held;
}

static void view_is_back(struct place *place, redisReply *held)
{
    freeReplyObject(
        redis_server_command(place->rig->server, "SET {%s}:view %b", place->rig->cell, held->str, held->len));
    freeReplyObject(held);
}

static void no_segment_begins_with_an_entry_that_was_trimmed_away_meanwhile(void **state)
{
    struct place *place = place_new(state);
    struct position *begins = NULL, end;
    live_on(place, 100);
    redisReply *held = view_lags(place, "1-50");
    freeReplyObject(redis_server_command(place->rig->server, "XTRIM {%s}:log MINID 1-80", place->rig->cell));
    freeReplyObject(redis_server_command(place->rig->server, "SET {%s}:trimmed 1-80", place->rig->cell));
    expect_archived(place, UINT64_MAX); /* it was asked to leave and had found no beginning */
    assert_int_equal(archive_list(place->dir, &begins), 0);
    free(begins);
    view_is_back(place, held);
    expect_archived(place, UINT64_MAX);
    assert_int_equal(expect_whole(place, &end), 1);
    assert_int_equal(end.beat, 100);
    place_destroy(&place);
}

static void the_log_waits_at_the_beginning_of_a_segment_that_is_being_made(void **state)
{
    struct place *place = place_new(state);
    struct position end;
    char path[PATH_ROOM];
    live_on(place, 100);
    expect_archived(place, UINT64_MAX);
    live_on(place, 400);
    expect_archived(place, UINT64_MAX);
    assert_int_equal(published(place).beat, 500);
    redisReply *held = view_lags(place, "1-450");
    snprintf(path, sizeof path, "%s/segment.new", place->dir);
    assert_int_equal(mkdir(path, 0700), 0); /* in its way: it stops where the image would begin */
    assert_int_equal(archive(place, 1), STORE_REFUSING);
    assert_int_equal(published(place).beat, 450);
    assert_int_equal(rmdir(path), 0);
    expect_archived(place, 1);
    view_is_back(place, held);
    assert_int_equal(expect_whole(place, &end), 2);
    assert_int_equal(published(place).beat, 500);
    place_destroy(&place);
}

static void a_segment_of_a_cell_without_a_view_begins_with_the_first_entry(void **state)
{
    (void) state;
    const struct position none = {0, 0}, later = {2, 7};
    assert_true(archive_is_first(none, (struct position){1, 0}));
    assert_false(archive_is_first(none, (struct position){1, 1}));
    assert_true(archive_is_first(later, later));
    assert_false(archive_is_first(later, (struct position){2, 8}));
}

static void a_hole_in_the_log_is_no_trim(void **state)
{
    struct place *place = place_new(state);
    live_on(place, 10);
    expect_archived(place, UINT64_MAX);
    live_on(place, 10);
    redis_server_integer(place->rig->server, "XDEL {%s}:log 1-15", place->rig->cell);
    assert_int_equal(archive(place, UINT64_MAX), STORE_DAMAGED);
    assert_non_null(strstr(place->why, "hole"));
    redis_server_integer(place->rig->server, "XDEL {%s}:log 1-14", place->rig->cell); /* its own last entry */
    assert_int_equal(archive(place, UINT64_MAX), STORE_DAMAGED);
    place_destroy(&place);
}

static void an_archive_goes_on_with_no_redis_but_its_own(void **state)
{
    struct place *places[2] = {place_new(state), place_new(state)};
    for (int i = 0; i < 2; i++) {
        live_on(places[i], i == 0 ? 30 : 20);
        expect_archived(places[i], UINT64_MAX);
    }
    char dir[200];
    memcpy(dir, places[0]->dir, sizeof dir);
    memcpy(places[0]->dir, places[1]->dir, sizeof dir);
    assert_int_equal(archive(places[0], UINT64_MAX), STORE_ROLLED_BACK);
    assert_non_null(strstr(places[0]->why, "another cell"));
    memcpy(places[0]->dir, dir, sizeof dir);
    /* the same cell with another past, once shorter, once longer than the archive */
    freeReplyObject(redis_server_command(places[0]->rig->server, "DEL {%s}:log", places[0]->rig->cell));
    redisReply *log = redis_server_command(places[0]->rig->server, "XRANGE {%s}:log - +", places[1]->rig->cell);
    for (size_t i = 0; i < log->elements; i++) {
        const redisReply *bytes = log->element[i]->element[1]->element[1];
        freeReplyObject(redis_server_command(places[0]->rig->server, "XADD {%s}:log %s entry %b", places[0]->rig->cell,
                                             log->element[i]->element[0]->str, bytes->str, bytes->len));
    }
    freeReplyObject(log);
    freeReplyObject(redis_server_command(places[0]->rig->server, "SET {%s}:last 1-20", places[0]->rig->cell));
    assert_int_equal(archive(places[0], UINT64_MAX), STORE_ROLLED_BACK);
    assert_non_null(strstr(places[0]->why, "holds more than this Redis"));
    place_destroy(&places[0]);
    place_destroy(&places[1]);
}

static void set_memory(struct place *place, const char *bytes)
{
    freeReplyObject(redis_server_command(place->rig->server, "CONFIG SET maxmemory %s", bytes));
}

static void a_redis_that_is_full_learns_how_far_it_is_archived(void **state)
{
    struct place *place = place_new(state);
    live_on(place, 50);
    expect_archived(place, UINT64_MAX);
    live_on(place, 20);
    set_memory(place, "1");
    const enum store_status status = archive(place, UINT64_MAX);
    const struct position at = published(place);
    set_memory(place, "0");
    assert_int_equal(status, STORE_OK);
    assert_int_equal(at.beat, 70);
    place_destroy(&place);
}

static void a_redis_that_refuses_for_now_is_waited_for(void **state)
{
    struct place *place = place_new(state);
    struct position end;
    live_on(place, 50);
    freeReplyObject(redis_server_command(place->rig->server, "ACL SETUSER default -eval"));
    const enum store_status status = archive(place, UINT64_MAX); /* asked to leave, it does; it does not give up */
    freeReplyObject(redis_server_command(place->rig->server, "ACL SETUSER default +eval"));
    assert_int_equal(status, STORE_OK);
    expect_archived(place, UINT64_MAX);
    assert_int_equal(expect_whole(place, &end), 1);
    assert_int_equal(published(place).beat, 50);
    place_destroy(&place);
}

static void two_archives_do_not_share_a_folder(void **state)
{
    struct place *place = place_new(state);
    char path[PATH_ROOM];
    expect_archived(place, UINT64_MAX);
    snprintf(path, sizeof path, "%s/lock", place->dir);
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0); /* as the other one would */
    assert_int_equal(archive(place, UINT64_MAX), STORE_REFUSING);
    close(fd);
    expect_archived(place, UINT64_MAX);
    place_destroy(&place);
}

/* ---- readers beside a broker that trims ------------------------------------------------------- */

struct reading {
    struct place *place;
    bool told;      /* the broker says how far it trimmed */
    uint32_t wrong; /* entries */
    uint32_t entries;
};

/* At the first entry, so between two pages. */
static void trim_meanwhile(struct reading *reading)
{
    if (reading->entries++ > 0)
        return;
    freeReplyObject(
        redis_server_command(reading->place->rig->server, "XTRIM {%s}:log MINID 1-60", reading->place->rig->cell));
    if (reading->told)
        freeReplyObject(
            redis_server_command(reading->place->rig->server, "SET {%s}:trimmed 1-60", reading->place->rig->cell));
}

static bool read_row(void *arg, const struct row_ref *row, const struct entry *entry)
{
    (void) row;
    if (entry != NULL)
        trim_meanwhile(arg);
    return true;
}

static void look_at(void *arg, struct position id, const struct entry *entry, const char *wrong)
{
    struct reading *reading = arg;
    (void) id;
    (void) entry;
    trim_meanwhile(reading);
    reading->wrong += wrong != NULL;
}

static enum store_status recover_while_trimmed(void **state, bool told)
{
    struct place *place = place_new(state);
    struct reading reading = {.place = place, .told = told};
    const struct store_redis_options options = {
        .address = redis_server_address(place->rig->server), .cell = place->rig->cell, .allow_unsafe = true};
    live_on(place, 100);
    freeReplyObject(view_lags(place, "1-10"));
    const enum store_status status = store_redis_read(&options, read_row, &reading, NULL);
    place_destroy(&place);
    return status;
}

static enum store_status inspect_while_trimmed(void **state, bool told, uint32_t *ret_wrong)
{
    struct place *place = place_new(state);
    struct reading reading = {.place = place, .told = told};
    struct inspect *inspect;
    struct buf why = {0};
    live_on(place, 100);
    assert_int_equal(inspect_open(redis_server_address(place->rig->server), place->rig->cell, &inspect, &why),
                     STORE_OK);
    const enum store_status status = inspect_log(inspect, look_at, &reading);
    *ret_wrong = reading.wrong;
    inspect_close(&inspect);
    place_destroy(&place);
    return status;
}

static void a_log_that_is_trimmed_between_two_pages_of_a_reader_is_not_damaged(void **state)
{
    uint32_t wrong;
    assert_int_equal(recover_while_trimmed(state, true), STORE_AWAY);
    assert_int_equal(recover_while_trimmed(state, false), STORE_DAMAGED);
    assert_int_equal(inspect_while_trimmed(state, true, &wrong), STORE_AWAY);
    assert_int_equal(wrong, 0);
    assert_int_equal(inspect_while_trimmed(state, false, &wrong), STORE_OK);
    assert_int_equal(wrong, 1);
}

/* ---- restoring --------------------------------------------------------------------------------- */

static void a_cell_is_restored_as_it_was_and_lives_on(void **state)
{
    struct place *place = place_new(state);
    struct redis_server *empty = redis_server_start(NULL);
    struct archive_segment segment;
    struct loaded loaded;
    struct buf why = {0};
    char said[256], sets[2][512];
    live_on(place, 300);
    expect_archived(place, 2000);
    expect_archived(place, 2000);
    live_on(place, 300);
    expect_archived(place, 2000);
    assert_int_equal(archive_restore(place->dir, redis_server_address(empty), place->rig->cell, &segment, &why),
                     STORE_OK);
    assert_int_equal(segment.end.at.beat, 600);
    struct rig other = {.is_redis = true, .server = empty};
    snprintf(other.cell, sizeof other.cell, "%s", place->rig->cell);
    other.proxy = redis_proxy_start(redis_server_folder(empty), redis_server_address(empty));
    if (rig_load_status(&other, &loaded, said) != STORE_OK)
        fail_msg("%s", said);
    struct model *model = state_at(place, 600);
    assert_true(model_equal(loaded.model, model));
    rig_members(place->rig, "pool:pool-2", sets[0]);
    rig_members(&other, "pool:pool-2", sets[1]);
    assert_true(strlen(sets[0]) > 0);
    struct store *store = rig_opened(&other);
    rig_until_stands(store, rig_append_lead(store, 1, "H 1"));
    rig_until_flushed(store);
    store_close(&store);
    assert_int_equal(archive_restore(place->dir, redis_server_address(empty), place->rig->cell, &segment, &why),
                     STORE_REFUSING);
    assert_non_null(strstr((const char *) why.at, "is here already"));
    model_destroy(&loaded.model);
    model_destroy(&model);
    redis_proxy_stop(&other.proxy);
    redis_server_stop(&empty);
    buf_fini(&why);
    place_destroy(&place);
}

static void a_restore_that_was_cut_off_is_no_cell(void **state)
{
    struct place *place = place_new(state);
    struct redis_server *empty = redis_server_start(NULL);
    struct archive_segment segment;
    struct buf why = {0};
    live_on(place, 50);
    expect_archived(place, UINT64_MAX);
    freeReplyObject(redis_server_command(empty, "SET {%s}:lead:1 remains", place->rig->cell));
    assert_int_equal(archive_restore(place->dir, redis_server_address(empty), place->rig->cell, &segment, &why),
                     STORE_REFUSING);
    assert_non_null(strstr((const char *) why.at, "empty this Redis"));
    why.len = 0;
    assert_int_equal(archive_restore(place->dir, redis_server_address(empty), "other", &segment, &why), STORE_NO_CELL);
    redis_server_stop(&empty);
    buf_fini(&why);
    place_destroy(&place);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_stands_is_archived_and_published),
        cmocka_unit_test(a_segment_that_is_full_is_followed_by_one_with_an_image_of_its_own),
        cmocka_unit_test(each_segment_is_sound_though_its_image_was_read_beside_a_living_broker),
        cmocka_unit_test(a_torn_tail_is_cut_and_written_again),
        cmocka_unit_test(a_flipped_byte_never_passes_for_a_state),
        cmocka_unit_test(a_log_that_was_trimmed_meanwhile_makes_a_gap_and_a_new_segment),
        cmocka_unit_test(no_segment_begins_with_an_entry_that_was_trimmed_away_meanwhile),
        cmocka_unit_test(the_log_waits_at_the_beginning_of_a_segment_that_is_being_made),
        cmocka_unit_test(a_segment_of_a_cell_without_a_view_begins_with_the_first_entry),
        cmocka_unit_test(a_hole_in_the_log_is_no_trim),
        cmocka_unit_test(an_archive_goes_on_with_no_redis_but_its_own),
        cmocka_unit_test(a_redis_that_is_full_learns_how_far_it_is_archived),
        cmocka_unit_test(a_redis_that_refuses_for_now_is_waited_for),
        cmocka_unit_test(two_archives_do_not_share_a_folder),
        cmocka_unit_test(a_log_that_is_trimmed_between_two_pages_of_a_reader_is_not_damaged),
        cmocka_unit_test(a_cell_is_restored_as_it_was_and_lives_on),
        cmocka_unit_test(a_restore_that_was_cut_off_is_no_cell),
    };
    return cmocka_run_group_tests(tests, redis_server_setup, redis_server_teardown);
}
