/* SPDX-License-Identifier: Apache-2.0
 * source_probe.c - a source that writes down what was acknowledged to it: one
 * line "lead-id outcome" per row of each receipt, all of a receipt in one
 * write(2), before anything else is done. Killed at any instant, its file names
 * no row that was not acknowledged, and misses only what it had not heard yet.
 *
 *     source_probe ENDPOINT SOURCE PREFIX ROWS RATE FILE
 *
 * Keys are PREFIX-0, PREFIX-1, ... and an op is made from PREFIX and the chunk's
 * number, so that the same command again asks the same things. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <unistd.h>

#include "client/takt.h"
#include "common/buf.h"
#include "common/clock.h"

enum { CHUNK_ROWS = 4, PATIENCE_S = 60 };

struct probe {
    takt_t *takt;
    const char *source, *prefix;
    long rows, rate;
    int file;
    long chunks, sent, answered;
};

static void write_down(const struct probe *probe, const struct takt_event *event)
{
    struct buf lines = {0};
    for (size_t i = 0; i < event->receipt.n_rows; i++) {
        char id[33];
        takt_id_text(event->receipt.ids[i], id);
        buf_printf(&lines, "%s %s\n", id, takt_reason_name(event->receipt.outcomes[i]));
    }
    ssize_t written = write(probe->file, lines.at, lines.len);
    assert(written == (ssize_t) lines.len);
    buf_fini(&lines);
}

static takt_id op_of(const struct probe *probe, long chunk)
{
    takt_id op = {{0}};
    size_t len = strlen(probe->prefix);
    memcpy(op.bytes, probe->prefix, len < 8 ? len : 8);
    for (int i = 0; i < 8; i++)
        op.bytes[8 + i] = (uint8_t) ((uint64_t) (chunk + 1) >> (8 * i));
    return op;
}

static int send_chunk(struct probe *probe, long chunk)
{
    struct takt_lead leads[CHUNK_ROWS] = {0};
    char keys[CHUNK_ROWS][48], names[CHUNK_ROWS][48];
    long first = chunk * CHUNK_ROWS, n = probe->rows - first < CHUNK_ROWS ? probe->rows - first : CHUNK_ROWS;
    for (long i = 0; i < n; i++) {
        int key_len = snprintf(keys[i], sizeof keys[i], "%s-%ld", probe->prefix, first + i);
        int name_len = snprintf(names[i], sizeof names[i], "Probe %ld", first + i);
        leads[i] = (struct takt_lead){.key = {keys[i], (size_t) key_len}, .name = {names[i], (size_t) name_len}};
    }
    return takt_chunk(probe->takt, op_of(probe, chunk), probe->source, NULL, 0, leads, (size_t) n);
}

static void take_event(struct probe *probe, const struct takt_event *event)
{
    if (event->kind == TAKT_REFUSED || (event->kind == TAKT_RECEIPT && event->reason != 0)) {
        fprintf(stderr, "source_probe: %s\n", takt_reason_name(event->reason));
        exit(1);
    }
    if (event->kind != TAKT_RECEIPT)
        return;
    write_down(probe, event);
    probe->answered++;
}

/* Returns 0 when every row was acknowledged. */
static int run(struct probe *probe)
{
    int64_t start_us = clock_mono_us(), heard_us = start_us;
    while (probe->answered < probe->chunks) {
        int64_t due_us = start_us + probe->sent * CHUNK_ROWS * 1000000 / probe->rate, now_us = clock_mono_us();
        if (probe->sent < probe->chunks && due_us <= now_us && send_chunk(probe, probe->sent) == TAKT_OK)
            probe->sent++;
        struct takt_event event;
        int64_t left_ms = probe->sent < probe->chunks && due_us > now_us ? (due_us - now_us) / 1000 + 1 : 20;
        if (takt_next(probe->takt, &event, (int) left_ms) == 1) {
            take_event(probe, &event);
            heard_us = clock_mono_us();
        }
        if (clock_mono_us() - heard_us > (int64_t) PATIENCE_S * 1000000)
            return 3;
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 7) {
        fputs("usage: source_probe ENDPOINT SOURCE PREFIX ROWS RATE FILE\n", stderr);
        return 2;
    }
    struct probe probe = {
        .source = argv[2], .prefix = argv[3], .rows = strtol(argv[4], NULL, 10), .rate = strtol(argv[5], NULL, 10)};
    probe.chunks = (probe.rows + CHUNK_ROWS - 1) / CHUNK_ROWS;
    probe.file = open(argv[6], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    char name[80], why[160];
    snprintf(name, sizeof name, "probe-%s", probe.prefix);
    struct takt_options options = {.role = TAKT_SOURCE, .endpoint = argv[1], .name = name};
    probe.takt = takt_open(&options, why);
    if (probe.file < 0 || probe.rate <= 0 || !probe.takt) {
        fprintf(stderr, "source_probe: cannot begin\n");
        return 2;
    }
    int exit_code = run(&probe);
    takt_close(&probe.takt);
    close(probe.file);
    return exit_code;
}
