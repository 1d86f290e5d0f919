/* SPDX-License-Identifier: Apache-2.0
 * test_names.c - names, ids, hashes; and that docs/PROTOCOL.md tells a stranger
 * the same numbers and words as the .def lists tell the compiler. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "common/buf.h"
#include "proto/msg.h"

static void test_numbers_have_the_names_of_the_lists(void **state)
{
    (void) state;
    assert_string_equal(reason_name(REASON_OK), "OK");
    assert_string_equal(reason_name(REASON_OWES_NOTE), "OWES_NOTE");
    assert_string_equal(reason_text(REASON_OWES_NOTE), "a lead waits for its note");
    assert_string_equal(row_warning_name(0), "PHONE_DAMAGED");
    assert_string_equal(act_verb_name(VERB_WITHDRAWN), "WITHDRAWN");
    assert_string_equal(intent_name(INTENT_ON_DEMAND), "ON_DEMAND");
    assert_string_equal(strategy_word(STRATEGY_JOINT_OPTIMUM), "joint_optimum");
    assert_string_equal(query_name(QUERY_ORPHANS), "ORPHANS");
    assert_string_equal(disposition_word(DISPOSITION_NO_ANSWER), "no-answer");
    assert_int_equal(disposition_class(DISPOSITION_NO_ANSWER), CLASS_RETRY);
    assert_int_equal(disposition_class(DISPOSITION_SALE), CLASS_WON);
}

static void test_numbers_out_of_the_lists_have_no_name(void **state)
{
    static const unsigned numbers[] = {38, 59, 200, 255, 256, 999, 1u << 31, UINT32_MAX};
    (void) state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        assert_string_equal(reason_name(numbers[i]), "?");
        assert_string_equal(reason_text(numbers[i]), "?");
        assert_string_equal(row_warning_name(numbers[i]), "?");
        assert_string_equal(act_verb_name(numbers[i]), "?");
        assert_string_equal(intent_name(numbers[i]), "?");
        assert_string_equal(strategy_word(numbers[i]), "?");
        assert_string_equal(query_name(numbers[i]), "?");
        assert_string_equal(disposition_word(numbers[i]), "?");
        assert_int_equal(disposition_class(numbers[i]), 0);
    }
    assert_string_equal(act_verb_name(0), "?");
    assert_string_equal(disposition_word(0), "?");
}

static void test_words_lead_back_to_their_numbers(void **state)
{
    (void) state;
    for (unsigned i = 1; i < 300; i++) {
        if (disposition_class(i) != 0)
            assert_int_equal(disposition_by_word(disposition_word(i)), i);
    }
    assert_int_equal(disposition_by_word("SALE"), 0);
    assert_int_equal(disposition_by_word(""), 0);
    assert_int_equal(disposition_by_word("?"), 0);
}

static void test_ids_are_the_same_as_bytes_and_as_hex(void **state)
{
    static const uint8_t bytes[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 0xff};
    static const char hex[] = "000102030405060708090a0b0c0d0eff";
    struct id id = id_from_bytes(bytes), back;
    uint8_t to[16];
    char text[33];
    (void) state;
    assert_true(id.hi == UINT64_C(0x0001020304050607) && id.lo == UINT64_C(0x08090a0b0c0d0eff));
    id_to_bytes(id, to);
    assert_memory_equal(to, bytes, 16);
    id_to_hex(id, text);
    assert_string_equal(text, hex);
    assert_true(id_from_hex(hex, &back) && id_equal(id, back));
    assert_true(id_from_hex("000102030405060708090A0B0C0D0EFF", &back) && id_equal(id, back));
}

static void test_what_is_not_hex_of_an_id_is_refused(void **state)
{
    static const char *const bad[] = {
        "",
        "0",
        "000102030405060708090a0b0c0d0ef",
        "000102030405060708090a0b0c0d0eff0",
        "g00102030405060708090a0b0c0d0eff",
        " 00102030405060708090a0b0c0d0eff",
        "-0010203-0405060708090a0b0c0d0e",
        "0x0102030405060708090a0b0c0d0eff",
    };
    struct id id;
    (void) state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(id_from_hex(bad[i], &id));
}

static void test_features_are_hashes_anyone_can_compute(void **state)
{
    char text[1000];
    (void) state;
    assert_int_equal(feature_key("state", 5), 2704973861u);
    assert_true(feature_text("ca", 2) == INT64_C(-7291843037335391810));
    assert_true(feature_text("CA", 2) == feature_text("ca", 2)); /* ASCII case does not count */
    assert_true(feature_text("\xc3\x89", 2) != feature_text("\xc3\xa9", 2));
    assert_true(feature_text("", 0) == INT64_C(3244421341483603138));
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char) ("abcDEF"[i % 6]);
    assert_true(feature_text(text, 256) == INT64_C(-5157101986950530891));
    assert_true(feature_text(text, 257) == INT64_C(5053085014745250580));
    assert_true(feature_text(text, 1000) == INT64_C(-9193344133060615092));
}

/* ---- docs/PROTOCOL.md ------------------------------------------------------------ */

static char *read_page(void)
{
    FILE *file = fopen(TAKT_SOURCE_DIR "/docs/PROTOCOL.md", "r");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_true(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

static int count(const char *text, const char *what)
{
    int n = 0;
    for (const char *at = text; (at = strstr(at, what)) != NULL; at++)
        n++;
    return n;
}

/* The lines of a list, each of which the page must have once, and no more of them. */
static void test_a_zip_is_the_same_as_a_number_and_as_text(void **state)
{
    (void) state;
    static const struct {
        int64_t number;
        const char *text;
    } zips[] = {{90210, "90210"}, {501, "00501"}, {0, "00000"}, {902101234, "902101234"}};
    const struct slice name = slice_of("zip", 3);
    for (size_t i = 0; i < sizeof zips / sizeof *zips; i++)
        assert_int_equal(
            feature_of(&(struct attribute){.name = name, .number = zips[i].number}),
            feature_of(&(struct attribute){.name = name, .text = slice_of(zips[i].text, strlen(zips[i].text))}));
}

static void assert_listed(const char *page, const char *heading, const char *lines, int n)
{
    const char *from = strstr(page, heading);
    if (from == NULL) {
        fail_msg("no section %s", heading);
        return;
    }
    const char *to = strstr(from + strlen(heading), "\n## ");
    char *section = strndup(from, to != NULL ? (size_t) (to - from) : strlen(from));
    for (const char *line = lines; *line != '\0'; line = strchr(line, '\n') + 1) {
        char *one = strndup(line, (size_t) (strchr(line, '\n') + 1 - line));
        if (count(section, one) != 1)
            fail_msg("%s: not there once: %s", heading, one);
        free(one);
    }
    assert_int_equal(count(section, "\n| ") - 2, n); /* but the two lines of the head */
    free(section);
}

static void test_the_protocol_page_tells_every_number(void **state)
{
    char *page = read_page();
    struct buf lines = {0};
    int n = 0;
    (void) state;
#define LIST(heading)                                                                                                  \
    buf_add(&lines, "", 1);                                                                                            \
    assert_listed(page, heading, (const char *) lines.at, n);                                                          \
    buf_fini(&lines);                                                                                                  \
    n = 0
#define REASON(number, name, text) buf_printf(&lines, "| %d | %s | %s |\n", number, #name, text), n++;
#include "proto/reasons.def"
    LIST("\n## Reasons");
#define ROW_WARNING(bit, name, text) buf_printf(&lines, "| %d | %s | %s |\n", bit, #name, text), n++;
#include "proto/row_warnings.def"
    LIST("\n## Warnings");
#define ACT_VERB(number, name, text) buf_printf(&lines, "| %d | %s | %s |\n", number, #name, text), n++;
#include "proto/act_verbs.def"
    LIST("\n## Verbs");
#define AGENT_INTENT(number, name, text) buf_printf(&lines, "| %d | %s | %s |\n", number, #name, text), n++;
#include "proto/agent_intents.def"
    LIST("\n## Intents");
#define STRATEGY(number, name, word, keeps, text) buf_printf(&lines, "| %d | %s | %s |\n", number, word, text), n++;
#include "proto/strategies.def"
    LIST("\n## Strategies");
#define ORDER(number, name, word, text) buf_printf(&lines, "| %d | %s | %s |\n", number, word, text), n++;
#include "proto/orders.def"
#undef ORDER
    LIST("\n## Orders");
#define QUERY(number, name, text) buf_printf(&lines, "| %d | %s | %s |\n", number, #name, text), n++;
#include "proto/queries.def"
    LIST("\n## Queries");
#define DISPOSITION(number, name, class_, word, text)                                                                  \
    buf_printf(&lines, "| %d | %s | %s | %s |\n", number, word, #class_, text), n++;
#include "proto/dispositions.def"
    LIST("\n## Dispositions");
#define LEAD_STATE(number, name, kind, text)                                                                           \
    buf_printf(&lines, "| %d | %s | %s | %s |\n", number, #name, #kind, text), n++;
#include "core/lead_states.def"
    LIST("\n## States");
    free(page);
}

static void test_the_default_policy_tells_every_strategy(void **state)
{
    (void) state;
    FILE *file = fopen(TAKT_SOURCE_DIR "/deploy/policies/default.yaml", "re");
    char text[8192];
    assert_non_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    for (unsigned i = 1; i < STRATEGIES; i++) {
        char line[200];
        snprintf(line, sizeof line, "\n#   %s: %s\n", strategy_word(i), strategy_text(i));
        if (strstr(text, line) == NULL)
            fail_msg("not in the default policy: %s", line);
    }
}

static void test_the_protocol_page_tells_every_limit(void **state)
{
    char *page = read_page();
    (void) state;
#define LIMIT(name)                                                                                                    \
    do {                                                                                                               \
        char line[80];                                                                                                 \
        snprintf(line, sizeof line, "| %s | %lld |", #name, (long long) (name));                                       \
        if (count(page, line) != 1)                                                                                    \
            fail_msg("not there once: %s", line);                                                                      \
    } while (0)
    LIMIT(FRAME_BYTES_MAX);
    LIMIT(CHUNK_ROWS_MAX);
    LIMIT(CHUNKS_MAX);
    LIMIT(ROW_BYTES_MAX);
    LIMIT(ROW_ATTRIBUTES_MAX);
    LIMIT(KEY_BYTES_MAX);
    LIMIT(WHY_BYTES_MAX);
    LIMIT(NAME_BYTES_MAX);
    LIMIT(ATTRIBUTE_NAME_MAX);
    LIMIT(TEXT_BYTES_MAX);
    LIMIT(NOTE_BYTES_MAX);
    LIMIT(PRIORITY_MAX);
    LIMIT(VALUE_CENTS_MAX);
    LIMIT(ACTS_MAX);
    LIMIT(SKILLS_MAX);
    LIMIT(CAPACITY_MAX);
    LIMIT(CODE_MAX);
    LIMIT(REASON_MAX);
    LIMIT(STATE_MAX);
    LIMIT(HEARS_ITEMS_MAX);
    LIMIT(REQUEST_LEADS_MAX);
    LIMIT(REQUEST_AGENTS_MAX);
    LIMIT(REQUEST_EXCLUDED_MAX);
    LIMIT(POLICY_BYTES_MAX);
    LIMIT(APPLY_BYTES_MAX);
    LIMIT(POLICY_TEXT_MAX);
    LIMIT(QUERY_LIMIT_MAX);
    LIMIT(QUERY_ARG_MAX);
    LIMIT(ERROR_TEXT_MAX);
    LIMIT(REPORT_COLUMNS_MAX);
    LIMIT(REPORT_CELLS_MAX);
    LIMIT(REPORT_CELL_BYTES_MAX);
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers_have_the_names_of_the_lists),
        cmocka_unit_test(test_numbers_out_of_the_lists_have_no_name),
        cmocka_unit_test(test_words_lead_back_to_their_numbers),
        cmocka_unit_test(test_ids_are_the_same_as_bytes_and_as_hex),
        cmocka_unit_test(test_what_is_not_hex_of_an_id_is_refused),
        cmocka_unit_test(test_features_are_hashes_anyone_can_compute),
        cmocka_unit_test(test_a_zip_is_the_same_as_a_number_and_as_text),
        cmocka_unit_test(test_the_protocol_page_tells_every_number),
        cmocka_unit_test(test_the_default_policy_tells_every_strategy),
        cmocka_unit_test(test_the_protocol_page_tells_every_limit),
    };
    return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
