/* SPDX-License-Identifier: Apache-2.0
 * test_contact.c - which rows are refused at intake, and what is said of damage. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "core/contact.h"

static struct slice text(const char *at)
{
    return slice_of(at, strlen(at));
}

static void dialable_phones_are_plausible(void **state)
{
    (void) state;
    static const char *const phones[] = {
        "2563725000",
        "256-372-5000",
        "(256) 372-5000",
        "256.372.5000",
        "256/372-5000",
        "1-256-372-5000",
        "+1 256 372 5000",
        "+12563725000",
        "12563725000",
        "256 372 5000 x12",
        "256-372-5000 ext. 12345",
        "2563725000#7",
        "256-372-5000 extension 12",
        "8667111700",
        "+44 20 7946 0958",
        "+49-30-901820",
        "(+44) 20 7946 0958",
        " 2563725000 ",
    };
    for (size_t i = 0; i < sizeof phones / sizeof phones[0]; i++)
        if (!contact_phone_is_plausible(text(phones[i])))
            fail_msg("refused: %s", phones[i]);
}

static void an_area_code_is_read_from_a_phone_of_the_plan_alone(void **state)
{
    (void) state;
    static const struct {
        const char *phone;
        uint32_t code;
    } phones[] = {
        {"2563725000", 256},
        {"+1 (907) 372-5000 x12", 907},
        {"12563725000", 256},
        {"8667111700", 866},
        {"+44 20 7946", 0},
        {"+2563725000", 0},
        {"9.12345E+11", 0},
        {"256372500", 0},
        {"", 0},
        {"0563725000", 0},
        {"01 256 3725000", 0},
        {"call 2563725000", 0},
    };
    for (size_t i = 0; i < sizeof phones / sizeof phones[0]; i++)
        assert_int_equal(contact_area_code(text(phones[i].phone)), phones[i].code);
    assert_int_equal(contact_area_code((struct slice){0}), 0);
}

static void damaged_phones_are_not(void **state)
{
    (void) state;
    static const char *const phones[] = {
        "",
        " ",
        "9.12345E+11",
        "3.34387E+13",
        "26946799450",
        "256372500",
        "372-5000",
        "0563725000",
        "1563725000",
        "2561725000",
        "9113725000",
        "call after 6",
        "256-372-5000 x",
        "256-372-5000 x12345678",
        "256+3725000",
        "+0 20 7946 0958",
        "+4412345",
        "256372500012345678",
        "-",
        "x12",
        "256-372-5000 or 6",
    };
    for (size_t i = 0; i < sizeof phones / sizeof phones[0]; i++)
        if (contact_phone_is_plausible(text(phones[i])))
            fail_msg("taken: %s", phones[i]);
}

static uint32_t check(struct row row, enum reason expected)
{
    enum reason reject = REASON_BUSY;
    uint32_t warnings = contact_check(&row, &reject);
    assert_int_equal(reject, expected);
    return warnings;
}

static void a_row_is_refused_only_without_name_and_reach(void **state)
{
    (void) state;
    assert_int_equal(check((struct row){0}, REASON_NO_CONTACT), 0);
    assert_int_equal(check((struct row){.name = text("  "), .phone = text(" ")}, REASON_NO_CONTACT), 0);
    assert_int_equal(check((struct row){.remarks = text("call him")}, REASON_NO_CONTACT), 0);
    assert_int_equal(check((struct row){.name = text("Ann")}, REASON_OK), ROW_WARNING_NO_REACH);
    static const size_t reaches[] = {offsetof(struct row, phone), offsetof(struct row, email),
                                     offsetof(struct row, street), offsetof(struct row, web),
                                     offsetof(struct row, ref)};
    for (size_t i = 0; i < sizeof reaches / sizeof reaches[0]; i++) {
        struct row row = {0};
        struct slice some = text("2563725000@a.bc");
        memcpy((char *) &row + reaches[i], &some, sizeof some);
        assert_true(check(row, REASON_OK) & ROW_WARNING_NO_NAME);
    }
}

static void damage_is_a_warning_and_not_a_refusal(void **state)
{
    (void) state;
    struct row row = {.name = text("Ann"), .phone = text("9.12345E+11"), .email = text("ann")};
    assert_int_equal(check(row, REASON_OK), ROW_WARNING_PHONE_DAMAGED | ROW_WARNING_EMAIL_DAMAGED);
}

static uint32_t check_zip(const char *zip, int64_t number)
{
    struct attribute attributes[] = {
        {.name = text("zi"), .number = 1},
        {.name = text("zip"), .text = zip ? text(zip) : (struct slice){0}, .number = number}};
    return check((struct row){.name = text("Ann"), .ref = text("1"), .attributes = attributes, .n_attributes = 2},
                 REASON_OK);
}

static void a_zip_is_five_or_nine_digits(void **state)
{
    (void) state;
    static const char *const good[] = {"02139", "35294-0110", "352940110"};
    static const char *const bad[] = {"2139", "ABCDE", "123456", "9021O", "02108-12", "0210-81234", "-", "02139-"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(check_zip(good[i], 0), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(check_zip(bad[i], 0), ROW_WARNING_ZIP_DAMAGED);
    assert_int_equal(check_zip(NULL, 35762), 0);
    assert_int_equal(check_zip(NULL, 352940110), 0);
    assert_int_equal(check_zip(NULL, 2139), ROW_WARNING_ZIP_DAMAGED);
}

static void an_email_has_a_user_and_a_domain(void **state)
{
    (void) state;
    static const char *const good[] = {"a@b.co", "ann.lee+x@mail.example.com"};
    static const char *const bad[] = {"ann",    "@b.co",    "ann@",     "ann@b",    "ann@.co",
                                      "ann@b.", "a b@c.de", "a@b@c.de", "ann@b..co"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(check((struct row){.name = text("A"), .email = text(good[i])}, REASON_OK), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(check((struct row){.name = text("A"), .email = text(bad[i])}, REASON_OK),
                         ROW_WARNING_EMAIL_DAMAGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(dialable_phones_are_plausible),
        cmocka_unit_test(an_area_code_is_read_from_a_phone_of_the_plan_alone),
        cmocka_unit_test(damaged_phones_are_not),
        cmocka_unit_test(a_row_is_refused_only_without_name_and_reach),
        cmocka_unit_test(damage_is_a_warning_and_not_a_refusal),
        cmocka_unit_test(a_zip_is_five_or_nine_digits),
        cmocka_unit_test(an_email_has_a_user_and_a_domain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
