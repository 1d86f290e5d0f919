/* SPDX-License-Identifier: Apache-2.0
 * make_corpus.c - writes what the fuzzers of frames, rows, cores, logs, segments
 * and clients start from: make_corpus tests/fuzz/corpus writes fuzz_wire/<kind>, fuzz_row/<n>
 * and so on there.
 *
 * Run it when a message or a row of the log changes; the files are kept in the repository. */
#include <stdio.h>
#include <string.h>

#include "archive/segment.h"
#include "broker/entry.h"
#include "proto/wire.h"
#include "tests/fuzz/small_cell.h"
#include "tests/lib/wire_samples.h"

static int write_file(const char *folder, const char *sub, unsigned name, struct slice bytes)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s/%u", folder, sub, name);
    FILE *file = fopen(path, "wb");
    if (file == NULL || fwrite(bytes.at, 1, bytes.len, file) != bytes.len || fclose(file) != 0) {
        perror(path);
        return 1;
    }
    return 0;
}

static int write_samples(const char *folder, struct wire *wire)
{
    int failed = 0;
    for (unsigned i = 0; !failed && wire_sample(i) != NULL; i++) {
        const struct msg *msg = wire_sample(i);
        struct slice frame;
        failed = !wire_encode(wire, msg, &frame) || write_file(folder, "fuzz_wire", msg->kind, frame);
        for (uint32_t k = 0; !failed && msg->kind == MSG_CHUNK && k < msg->chunk.n_rows; k++) {
            uint8_t row[ROW_BYTES_MAX];
            size_t len = wire_encode_row(&msg->chunk.rows[k], row, sizeof row);
            failed = write_file(folder, "fuzz_row", k, slice_of(row, len));
        }
    }
    return failed;
}

/* ---- a day in a cell ------------------------------------------------------------- */

static void say(struct buf *turns, struct wire *wire, unsigned peer, const struct msg *msg)
{
    struct slice frame;
    if (wire_encode(wire, msg, &frame))
        small_cell_turn(turns, SMALL_FRAME | SMALL_FITTING | peer, frame.at, frame.len);
}

static void hello(struct buf *turns, struct wire *wire, unsigned peer, enum role role, const char *name,
                  const char *team, enum intent intent)
{
    say(turns, wire, peer,
        &(struct msg){.kind = MSG_HELLO,
                      .seq = 1,
                      .hello = {.protocol = 1,
                                .role = role,
                                .name = slice_of(name, strlen(name)),
                                .team = slice_of(team, strlen(team)),
                                .intent = intent,
                                .capacity = role == ROLE_WORKER ? 4 : 0}});
}

static void chunk(struct buf *turns, struct wire *wire, uint64_t op, const char *source)
{
    struct row rows[4];
    static const char keys[] = "abcd";
    for (unsigned i = 0; i < 4; i++)
        rows[i] = (struct row){.key = slice_of(&keys[i], 1), .name = slice_of("Jo", 2), .priority = (int32_t) i};
    say(turns, wire, SMALL_SOURCE,
        &(struct msg){.kind = MSG_CHUNK,
                      .chunk = {.op = {0, op}, .source = slice_of(source, strlen(source)), .rows = rows, .n_rows = 4}});
}

static void act(struct buf *turns, struct wire *wire, unsigned peer, uint64_t op, enum act_verb verb, uint32_t code)
{
    const struct act one = {
        .op = {1, op}, .lead = {1, 1}, .fence = 1, .verb = verb, .code = code, .note = slice_of("note", 4)};
    say(turns, wire, peer, &(struct msg){.kind = MSG_AGENT_SAYS, .says = {.acts = &one, .n_acts = 1}});
}

static void ready(struct buf *turns, struct wire *wire, unsigned peer, uint64_t op, uint32_t wait_ms)
{
    say(turns, wire, peer,
        &(struct msg){.kind = MSG_AGENT_SAYS,
                      .says = {.has_ready = true, .ready_op = {2, op}, .ready_wait_ms = wait_ms}});
}

static void wait(struct buf *turns, uint32_t ms)
{
    small_cell_turn(turns, SMALL_WAIT, &ms, sizeof ms);
}

static void live(struct buf *turns, struct wire *wire)
{
    hello(turns, wire, SMALL_SOURCE, ROLE_SOURCE, "shop", "", INTENT_OFFLINE);
    hello(turns, wire, SMALL_PUSH, ROLE_AGENT, "ana", "north", INTENT_AVAILABLE);
    hello(turns, wire, SMALL_PULL, ROLE_AGENT, "bob", "desk", INTENT_ON_DEMAND);
    hello(turns, wire, SMALL_PARTNER, ROLE_AGENT, "eve", "east", INTENT_AVAILABLE);
    hello(turns, wire, SMALL_OPERATOR, ROLE_OPERATOR, "ops", "", INTENT_OFFLINE);
    chunk(turns, wire, 1, "web");
    chunk(turns, wire, 2, "purchased");
    chunk(turns, wire, 3, "partner");
    act(turns, wire, SMALL_PUSH, 1, VERB_ACCEPT, 0);
    act(turns, wire, SMALL_PUSH, 2, VERB_ACTION, 0);
    act(turns, wire, SMALL_PUSH, 3, VERB_DISPOSITION, 40);
    ready(turns, wire, SMALL_PULL, 1, 1000);
    act(turns, wire, SMALL_PULL, 4, VERB_ACTION, 0);
    act(turns, wire, SMALL_PULL, 5, VERB_NOTE, 0);
    act(turns, wire, SMALL_PULL, 6, VERB_DISPOSITION, 1);
    act(turns, wire, SMALL_PARTNER, 7, VERB_DECLINE, 1);
    wait(turns, 3000);
    for (unsigned peer = SMALL_PUSH; peer <= SMALL_PARTNER; peer++)
        say(turns, wire, peer, &(struct msg){.kind = MSG_HEARTBEAT});
    wait(turns, 19000);
    act(turns, wire, SMALL_PUSH, 8, VERB_WITHDRAWN, 0);
    hello(turns, wire, SMALL_WORKER, ROLE_WORKER, "w", "", INTENT_OFFLINE);
    say(turns, wire, SMALL_WORKER, &(struct msg){.kind = MSG_HEARTBEAT});
    wait(turns, 3600 * 1000);
    const struct verdict verdicts[3] = {{.agent = 1}, {.agent = 2}, {.agent = 1}};
    say(turns, wire, SMALL_WORKER,
        &(struct msg){.kind = MSG_DECISION, .decision = {.id = 1, .verdicts = verdicts, .n_verdicts = 3}});
    small_cell_turn(turns, SMALL_ANEW, NULL, 0);
    hello(turns, wire, SMALL_PUSH, ROLE_AGENT, "ana", "north", INTENT_AVAILABLE);
    for (unsigned what = QUERY_STATUS; what <= QUERY_ORPHANS; what++)
        say(turns, wire, SMALL_OPERATOR,
            &(struct msg){.kind = MSG_QUERY, .query = {.what = (enum query_what) what, .limit = 10}});
}

/* A segment of an archive: the rows as its image, and the entry. */
static int write_segment(const char *folder, struct slice rows, struct slice entry)
{
    struct segment_writer out;
    struct row_ref row;
    uint32_t at = 0;
    char path[4096];
    snprintf(path, sizeof path, "%s/fuzz_segment/0", folder);
    bool written = segment_create(&out, path, "small", (struct position){1, 1});
    while (written && row_next(rows, &at, &row) == 1)
        written = segment_row(&out, &row);
    written = written && segment_image_ends(&out, (struct position){1, 1}) && segment_entry(&out, entry) &&
              segment_sync(&out);
    segment_close(&out);
    return !written;
}

/* The day, what the log says of it as rows, those as one entry, and both as a segment. */
static int write_day(const char *folder, struct wire *wire)
{
    struct buf turns = {0};
    uint8_t bytes[64 * 1024];
    struct small_cell *cell = small_cell_new();
    live(&turns, wire);
    small_cell_play(cell, turns.at, turns.len);
    const struct slice rows = small_cell_log(cell);
    const struct entry entry = {.at = {1, 1}, .body = rows};
    struct entry_hash hash;
    int failed = entry_size(rows.len) > sizeof bytes;
    if (!failed)
        entry_encode(&entry, &(struct entry_hash){{0}}, bytes, &hash);
    failed = failed || write_file(folder, "fuzz_core", 0, slice_of(turns.at, turns.len)) ||
             write_file(folder, "fuzz_log", 0, rows) ||
             write_file(folder, "fuzz_log", 1, slice_of(bytes, entry_size(rows.len))) ||
             write_segment(folder, rows, slice_of(bytes, entry_size(rows.len)));
    small_cell_destroy(&cell);
    buf_fini(&turns);
    return failed;
}

/* What a broker might say to each kind of client, between what the program says. */
static int write_talks(const char *folder, struct wire *wire)
{
    int failed = 0;
    for (unsigned role = 0; role < 3 && !failed; role++) {
        struct buf talk = {0};
        const uint8_t first = (uint8_t) role;
        buf_add(&talk, &first, 1);
        for (unsigned round = 0; round < 2; round++)
            for (unsigned i = 0; wire_sample(i) != NULL; i++) {
                struct slice frame;
                const enum msg_kind kind = wire_sample(i)->kind;
                const uint8_t what = (uint8_t) (i + 16 * round);
                if (round == 0 && kind != MSG_WELCOME)
                    continue;
                if (wire_encode(wire, wire_sample(i), &frame) && frame.len < 1000)
                    small_cell_turn(&talk, SMALL_FRAME, frame.at, frame.len);
                small_cell_turn(&talk, SMALL_ANEW, &what, 1);
            }
        failed = write_file(folder, "fuzz_client", role, slice_of(talk.at, talk.len));
        buf_fini(&talk);
    }
    return failed;
}

int main(int argc, char **argv)
{
    struct wire *wire = wire_new();
    const int failed =
        argc != 2 || write_samples(argv[1], wire) || write_day(argv[1], wire) || write_talks(argv[1], wire);
    wire_destroy(&wire);
    return failed;
}
