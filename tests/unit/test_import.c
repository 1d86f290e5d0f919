/* SPDX-License-Identifier: Apache-2.0
 * test_import.c - a file to a broker: chunks, receipts, what stood before, what
 * was refused, and a broker that goes away.
 *
 * The import runs in a thread of its own and the broker is this test, so that
 * each answer can be given, given late, or not given. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <pthread.h>

#include "cli/import_send.h"
#include "tests/lib/fake_broker.h"

enum { ROWS = 600, CHUNKS = 3 };

struct run {
    char path[32];
    struct fake_broker broker;
    struct intake *intake;
    struct intake_plan plan;
    struct send_options options;
    struct tally tally;
    FILE *rejects;
    char *rejected; /* what is in the rejects file, after finish() */
    size_t rejected_len;
    enum send_result result;
    pthread_t thread;
};

/* Rows 100 and 400 have a column too few. */
static void write_file(struct run *run)
{
    strcpy(run->path, "/tmp/takt-import-XXXXXX");
    FILE *file = fdopen(mkstemp(run->path), "w");
    assert_non_null(file);
    fputs("id,name,phone\n", file);
    for (int i = 1; i <= ROWS; i++)
        fprintf(file, i == 100 || i == 400 ? "%d,=Ann\n" : "%d,Ann,2565550100\n", i);
    fclose(file);
}

static void open_intake(struct run *run)
{
    char why[256] = "";
    struct buf said = {0};
    run->intake = intake_open(run->path, INTAKE_BY_NAME, NULL, "test", &said, why);
    buf_fini(&said);
    if (!run->intake)
        fail_msg("%s", why);
    assert_true(intake_measure(run->intake, &run->plan));
    run->tally.rows = run->plan.rows;
}

static int open_run(void **state)
{
    struct run *run = calloc(1, sizeof *run);
    write_file(run);
    open_intake(run);
    fake_open(&run->broker);
    run->options = (struct send_options){.endpoint = run->broker.endpoint, .timeout_ms = PATIENCE_MS};
    run->rejects = open_memstream(&run->rejected, &run->rejected_len);
    *state = run;
    return 0;
}

static int close_run(void **state)
{
    struct run *run = *state;
    fake_close(&run->broker);
    intake_close(&run->intake);
    unlink(run->path);
    free(run->rejected);
    free(run);
    return 0;
}

static void *import(void *arg)
{
    struct run *run = arg;
    run->result = import_send(run->intake, &run->plan, &run->options, &run->tally, run->rejects);
    return NULL;
}

static void begin(struct run *run)
{
    assert_int_equal(pthread_create(&run->thread, NULL, import, run), 0);
}

static void finish(struct run *run, enum send_result expected)
{
    assert_int_equal(pthread_join(run->thread, NULL), 0);
    assert_int_equal(fclose(run->rejects), 0);
    assert_int_equal(run->result, expected);
}

static void answer_manifest(struct run *run, uint8_t standing, enum reason reason)
{
    struct msg msg;
    fake_expect(&run->broker, MSG_MANIFEST, &msg);
    assert_int_equal(msg.manifest.rows, ROWS - 2);
    assert_int_equal(msg.manifest.chunks, CHUNKS);
    assert_true(id_equal(msg.manifest.import, intake_import_id(run->intake, &run->plan, 0)));
    fake_send(&run->broker,
              &(struct msg){.kind = MSG_MANIFEST_STATE,
                            .manifest_state = {
                                .import = msg.manifest.import, .reason = reason, .standing = slice_of(&standing, 1)}});
}

static uint32_t expect_chunk(struct run *run, uint32_t number)
{
    struct msg msg;
    fake_expect(&run->broker, MSG_CHUNK, &msg);
    struct id import = intake_import_id(run->intake, &run->plan, 0);
    assert_int_equal(msg.chunk.number, number);
    assert_true(id_equal(msg.chunk.import, import));
    assert_true(id_equal(msg.chunk.op, intake_op(import, number)));
    for (uint32_t i = 0; i < msg.chunk.n_rows; i++)
        assert_int_equal(msg.chunk.rows[i].reject, REASON_OK);
    return msg.chunk.n_rows;
}

/* All rows with this outcome, or the whole chunk refused. */
static void answer_chunk(struct run *run, uint32_t number, uint32_t n_rows, enum reason outcome, enum reason refusal)
{
    struct id leads[CHUNK_ROWS_MAX] = {{0}};
    uint32_t outcomes[CHUNK_ROWS_MAX], warnings[CHUNK_ROWS_MAX] = {0};
    for (uint32_t i = 0; i < n_rows; i++) {
        leads[i].lo = outcome == REASON_OK;
        outcomes[i] = outcome;
    }
    warnings[0] = outcome == REASON_OK ? ROW_WARNING_PHONE_DAMAGED : 0;
    struct msg_receipt receipt = {.op = intake_op(intake_import_id(run->intake, &run->plan, 0), number),
                                  .reason = refusal,
                                  .level = 1,
                                  .epoch = 7,
                                  .beat = 101};
    if (refusal == REASON_OK) {
        receipt.n_rows = n_rows;
        receipt.leads = leads;
        receipt.outcomes = outcomes;
        receipt.warnings = warnings;
    }
    fake_send(&run->broker, &(struct msg){.kind = MSG_RECEIPT, .receipt = receipt});
}

static void every_row_gets_its_outcome(void **state)
{
    struct run *run = *state;
    uint32_t rows[CHUNKS];
    begin(run);
    fake_welcome(&run->broker, 1);
    answer_manifest(run, 0, REASON_OK);
    for (uint32_t i = 0; i < CHUNKS; i++)
        rows[i] = expect_chunk(run, i);
    assert_int_equal(rows[0] + rows[1] + rows[2], ROWS - 2);
    answer_chunk(run, 2, rows[2], REASON_NO_CONTACT, REASON_OK); /* the last one first */
    answer_chunk(run, 0, rows[0], REASON_OK, REASON_OK);
    answer_chunk(run, 1, rows[1], REASON_DUPLICATE_KEY, REASON_OK);
    finish(run, SEND_DONE);
    assert_int_equal(tally_accepted(&run->tally), rows[0]);
    assert_int_equal(tally_duplicates(&run->tally), rows[1]);
    assert_int_equal(run->tally.outcomes[REASON_NO_CONTACT], rows[2]);
    assert_int_equal(run->tally.outcomes[REASON_COLUMNS_DIFFER], 2);
    assert_int_equal(run->tally.warnings[0], 1);
    assert_int_equal(run->tally.known, 0);
    assert_int_equal(tally_unanswered(&run->tally), 0);
}

static void rejects_are_in_the_order_of_the_file_and_safe_to_open(void **state)
{
    struct run *run = *state;
    begin(run);
    fake_welcome(&run->broker, 1);
    answer_manifest(run, 0, REASON_OK);
    /* a duplicate stands already and is nothing to correct */
    static const enum reason outcomes[CHUNKS] = {REASON_OK, REASON_PAYLOAD_DIFFERS, REASON_DUPLICATE_KEY};
    uint32_t rows[CHUNKS];
    for (uint32_t i = 0; i < CHUNKS; i++)
        rows[i] = expect_chunk(run, i);
    for (uint32_t i = CHUNKS; i-- > 0;)
        answer_chunk(run, i, rows[i], outcomes[i], REASON_OK);
    finish(run, SEND_DONE);
    unsigned long long line = 0, last = 0, lines = 0;
    for (char *at = run->rejected; at && *at; at = strchr(at, '\n') + 1, last = line, lines++) {
        line = strtoull(at, NULL, 10);
        assert_true(line > last);
    }
    assert_int_equal(lines, 2 + rows[1]);
    assert_non_null(strstr(run->rejected,
                           "101,COLUMNS_DIFFER,\"the row has another number of columns than the header\","
                           "100,\"'=Ann\"\n"));
}

static void chunks_that_stood_before_are_told_as_known(void **state)
{
    struct run *run = *state;
    begin(run);
    fake_welcome(&run->broker, 1);
    answer_manifest(run, 1 << 1, REASON_OK);
    uint32_t rows[CHUNKS];
    for (uint32_t i = 0; i < CHUNKS; i++) {
        rows[i] = expect_chunk(run, i);
        answer_chunk(run, i, rows[i], REASON_OK, REASON_OK);
    }
    finish(run, SEND_DONE);
    assert_int_equal(run->tally.known, rows[1]);
    assert_int_equal(tally_accepted(&run->tally), ROWS - 2);
}

static void a_chunk_is_sent_again_when_the_broker_comes_back(void **state)
{
    struct run *run = *state;
    begin(run);
    fake_welcome(&run->broker, 1);
    answer_manifest(run, 0, REASON_OK);
    expect_chunk(run, 0);
    fake_reopen(&run->broker);
    fake_welcome(&run->broker, 2);
    for (uint32_t i = 0; i < CHUNKS; i++)
        answer_chunk(run, i, expect_chunk(run, i), REASON_OK, REASON_OK);
    finish(run, SEND_DONE);
    assert_int_equal(tally_accepted(&run->tally), ROWS - 2);
}

static void a_refused_chunk_is_rejected_row_by_row(void **state)
{
    struct run *run = *state;
    begin(run);
    fake_welcome(&run->broker, 1);
    answer_manifest(run, 0, REASON_OK);
    uint32_t refused = 0;
    for (uint32_t i = 0; i < CHUNKS; i++) {
        uint32_t rows = expect_chunk(run, i);
        refused += i == 1 ? rows : 0;
        answer_chunk(run, i, rows, REASON_OK, i == 1 ? REASON_NO_PROGRAMME : REASON_OK);
    }
    finish(run, SEND_DONE);
    assert_int_equal(run->tally.outcomes[REASON_NO_PROGRAMME], refused);
    assert_int_equal(tally_accepted(&run->tally), ROWS - 2 - refused);
    assert_int_equal(tally_unanswered(&run->tally), 0);
}

static void no_more_chunks_are_out_than_the_window(void **state)
{
    struct run *run = *state;
    struct msg msg;
    run->options.window = 1;
    begin(run);
    fake_welcome(&run->broker, 1);
    answer_manifest(run, 0, REASON_OK);
    for (uint32_t i = 0; i < CHUNKS; i++) {
        uint32_t rows = expect_chunk(run, i);
        while (fake_take(&run->broker, &msg, 50))
            assert_int_equal(msg.kind, MSG_HEARTBEAT);
        answer_chunk(run, i, rows, REASON_OK, REASON_OK);
    }
    finish(run, SEND_DONE);
}

static void silence_ends_the_import_after_the_timeout(void **state)
{
    struct run *run = *state;
    run->options.timeout_ms = 300;
    begin(run);
    fake_welcome(&run->broker, 1);
    answer_manifest(run, 0, REASON_OK);
    answer_chunk(run, 0, expect_chunk(run, 0), REASON_OK, REASON_OK);
    finish(run, SEND_SILENT);
    assert_true(tally_accepted(&run->tally) > 0);
    assert_int_equal(tally_unanswered(&run->tally), ROWS - tally_accepted(&run->tally) - 1);
}

static void a_refused_import_ends_at_once(void **state)
{
    struct run *run = *state;
    begin(run);
    fake_welcome(&run->broker, 1);
    answer_manifest(run, 0, REASON_NO_PROGRAMME);
    finish(run, SEND_REFUSED);
    assert_int_equal(tally_accepted(&run->tally), 0);
}

static void a_file_that_changes_between_the_passes_is_noticed(void **state)
{
    struct run *run = *state;
    run->plan.digest[0] ^= 1;
    begin(run);
    fake_welcome(&run->broker, 1);
    answer_manifest(run, 0, REASON_OK);
    for (uint32_t i = 0; i < CHUNKS; i++)
        answer_chunk(run, i, expect_chunk(run, i), REASON_OK, REASON_OK);
    finish(run, SEND_FILE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_row_gets_its_outcome, open_run, close_run),
        cmocka_unit_test_setup_teardown(rejects_are_in_the_order_of_the_file_and_safe_to_open, open_run, close_run),
        cmocka_unit_test_setup_teardown(chunks_that_stood_before_are_told_as_known, open_run, close_run),
        cmocka_unit_test_setup_teardown(a_chunk_is_sent_again_when_the_broker_comes_back, open_run, close_run),
        cmocka_unit_test_setup_teardown(a_refused_chunk_is_rejected_row_by_row, open_run, close_run),
        cmocka_unit_test_setup_teardown(no_more_chunks_are_out_than_the_window, open_run, close_run),
        cmocka_unit_test_setup_teardown(silence_ends_the_import_after_the_timeout, open_run, close_run),
        cmocka_unit_test_setup_teardown(a_refused_import_ends_at_once, open_run, close_run),
        cmocka_unit_test_setup_teardown(a_file_that_changes_between_the_passes_is_noticed, open_run, close_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
