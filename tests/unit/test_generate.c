/* SPDX-License-Identifier: Apache-2.0
 * test_generate.c - made-up leads: the same bytes anywhere, and an import finds
 * exactly what was planted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include <sodium.h>

#include "cli/generate.h"
#include "cli/intake.h"
#include "cli/judge.h"
#include "cli/tally.h"

static void digest_of(uint64_t leads, uint64_t seed, char ret_hex[33])
{
    char *text = NULL;
    size_t len = 0;
    uint8_t digest[16];
    struct generated made;
    FILE *file = open_memstream(&text, &len);
    assert_true(generate_leads(file, leads, seed, &made));
    fclose(file);
    crypto_generichash(digest, sizeof digest, (uint8_t *) text, len, NULL, 0);
    id_to_hex(id_from_bytes(digest), ret_hex);
    free(text);
}

static void a_seed_makes_the_same_bytes_everywhere(void **state)
{
    (void) state;
    char first[33], second[33], other[33];
    digest_of(1000, 7, first);
    digest_of(1000, 7, second);
    digest_of(1000, 8, other);
    assert_string_equal(first, second);
    assert_string_not_equal(first, other);
    assert_string_equal(first, "6a3947f5b6e783f140593eb9ebb09ea2");
}

static void more_leads_begin_with_the_same_ones(void **state)
{
    (void) state;
    char *texts[2] = {NULL, NULL};
    size_t lens[2];
    for (int i = 0; i < 2; i++) {
        struct generated made;
        FILE *file = open_memstream(&texts[i], &lens[i]);
        assert_true(generate_leads(file, i ? 500 : 100, 3, &made));
        fclose(file);
    }
    assert_true(lens[0] < lens[1]);
    assert_memory_equal(texts[0], texts[1], lens[0]);
    free(texts[0]);
    free(texts[1]);
}

static void import_into(struct tally *tally, const char *path)
{
    char why[256] = "";
    struct judge judge = {0};
    struct intake_row row;
    struct intake *intake =
        intake_open(path, INTAKE_BY_NAME, TAKT_SOURCE_DIR "/deploy/maps/generated.yaml", NULL, NULL, why);
    if (!intake)
        fail_msg("%s", why);
    while (intake_next(intake, &row) == 1) {
        uint32_t warnings;
        enum reason outcome = judge_row(&judge, &row, &warnings);
        tally_add(tally, outcome, warnings, false);
        tally->rows++;
    }
    judge_fini(&judge);
    intake_close(&intake);
}

static void an_import_finds_what_was_planted(void **state)
{
    (void) state;
    char path[] = "/tmp/takt-generate-XXXXXX";
    struct generated made;
    struct tally tally = {0};
    FILE *file = fdopen(mkstemp(path), "w");
    assert_non_null(file);
    assert_true(generate_leads(file, 20000, 5, &made));
    fclose(file);
    import_into(&tally, path);
    unlink(path);
    const uint64_t *planted = made.plants;
    assert_int_equal(tally.rows, 20000);
    assert_int_equal(tally_unanswered(&tally), 0);
    assert_int_equal(tally_accepted(&tally),
                     planted[PLANT_CLEAN] + planted[PLANT_DAMAGED_PHONE] + planted[PLANT_DAMAGED_ZIP]);
    assert_int_equal(tally.outcomes[REASON_DUPLICATE_KEY], planted[PLANT_IDENTICAL]);
    assert_int_equal(tally.outcomes[REASON_PAYLOAD_DIFFERS], planted[PLANT_DIFFERENT]);
    assert_int_equal(tally.outcomes[REASON_NO_CONTACT], planted[PLANT_NO_CONTACT]);
    assert_int_equal(tally.outcomes[REASON_COLUMNS_DIFFER], planted[PLANT_COLUMN_LESS] + planted[PLANT_COLUMN_MORE]);
    assert_int_equal(tally.outcomes[REASON_BAD_TEXT], planted[PLANT_NOT_UTF8] + planted[PLANT_CONTROL]);
    assert_int_equal(tally.warnings[0], planted[PLANT_DAMAGED_PHONE]);
    assert_int_equal(tally.warnings[1], planted[PLANT_DAMAGED_ZIP]);
}

static void about_two_percent_repeat_and_one_percent_is_dirty(void **state)
{
    (void) state;
    struct generated made;
    FILE *file = fopen("/dev/null", "w");
    assert_true(generate_leads(file, 100000, 11, &made));
    fclose(file);
    uint64_t sum = 0, repeated = made.plants[PLANT_IDENTICAL] + made.plants[PLANT_DIFFERENT];
    for (int i = 0; i < GENERATE_PLANT_KINDS; i++) {
        assert_true(made.plants[i] > 0);
        sum += made.plants[i];
    }
    assert_int_equal(sum, 100000);
    assert_in_range(repeated, 1800, 2200);
    assert_in_range(sum - made.plants[PLANT_CLEAN] - repeated, 850, 1150);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_makes_the_same_bytes_everywhere),
        cmocka_unit_test(more_leads_begin_with_the_same_ones),
        cmocka_unit_test(an_import_finds_what_was_planted),
        cmocka_unit_test(about_two_percent_repeat_and_one_percent_is_dirty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
