/* SPDX-License-Identifier: Apache-2.0
 * test_hook_file.c - hooks.yaml: what it may say, and that every fault has a line
 * and a sentence; signatures by a known answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "hooks/hook_file.h"
#include "hooks/send.h"

static bool parse(const char *text, struct hook_file *file, char why[HOOK_WHY_MAX])
{
    return hook_file_parse(slice_of(text, strlen(text)), "h.yaml", file, why);
}

static struct slice text(const char *at)
{
    return slice_of(at, strlen(at));
}

static void a_hook_says_who_is_told_what(void **state)
{
    (void) state;
    struct hook_file *file = calloc(1, sizeof *file);
    char why[HOOK_WHY_MAX] = "";
    assert_true(parse("hooks:\n"
                      "  - name: crm\n    url: https://crm.example/x\n    fields: full\n    timeout: 3s\n"
                      "    retry_most: 2m\n    retry_for: 1h\n    parallel: 64\n"
                      "  - name: mail\n    program: [/bin/mail, -s, late]\n    events: [breach, exhausted]\n"
                      "    programmes: [fresh]\n    teams: [north, south]\n",
                      file, why));
    assert_int_equal(file->n, 2);
    const struct hook *crm = &file->hooks[0], *mail = &file->hooks[1];
    assert_string_equal(crm->url, "https://crm.example/x");
    assert_int_equal(crm->fields, FIELDS_FULL);
    assert_int_equal(crm->timeout_ms, 3000);
    assert_int_equal(crm->limits.retry_most_ms, 120000);
    assert_int_equal(crm->limits.retry_for_ms, 3600000);
    assert_int_equal(crm->limits.parallel, 64);
    assert_true(hook_wants(crm, HOOK_OFFER, "any", text("")));
    assert_null(mail->url);
    assert_string_equal(mail->program.at[2], "late");
    assert_null(mail->program.at[3]); /* as execv() wants it */
    assert_int_equal(mail->fields, FIELDS_NONE);
    assert_true(hook_wants(mail, HOOK_BREACH, "fresh", text("south")));
    assert_false(hook_wants(mail, HOOK_OFFER, "fresh", text("south")));
    assert_false(hook_wants(mail, HOOK_BREACH, "aged", text("south")));
    assert_false(hook_wants(mail, HOOK_BREACH, "fresh", text("east")));
    assert_false(hook_wants(mail, HOOK_BREACH, "fresh", text("")));
    hook_file_fini(file);
    free(file);
}

static void every_fault_has_a_line_and_a_sentence(void **state)
{
    (void) state;
    static const struct {
        const char *text, *wanted;
    } faults[] = {
        {"", "h.yaml:1: it begins with the line \"hooks:\""},
        {"hooks: [", "h.yaml:2: "},
        {"hooks: []", "h.yaml:1: hooks: a list of hooks"},
        {"hook: []", "h.yaml:1: there is one key here, hooks; not: hook"},
        {"hooks:\n  - url: http://x/", "h.yaml:2: a hook has a name"},
        {"hooks:\n  - name: a", "h.yaml:2: a hook has either a url or a program: a"},
        {"hooks:\n  - name: a\n    url: http://x/\n    program: [/x]", "h.yaml:2: a hook has either"},
        {"hooks:\n  - name: ../a", "h.yaml:2: name: "},
        {"hooks:\n  - {name: a, url: http://x/}\n  - {name: a, url: http://x/}",
         "h.yaml:3: two hooks have the same name: a"},
        {"hooks:\n  - name: a\n    url: ftp://x/", "h.yaml:3: url: http://"},
        {"hooks:\n  - name: a\n    url: http://", "h.yaml:3: url: http://"},
        {"hooks:\n  - name: a\n    url: https://me:word@x/", "h.yaml:3: url: no name and password"},
        {"hooks:\n  - name: a\n    program: mail", "h.yaml:3: program: "},
        {"hooks:\n  - name: a\n    program: [mail]", "h.yaml:3: program: the path of it"},
        {"hooks:\n  - name: a\n    events: [sale]", "h.yaml:3: events: a list of offer withdrawal"},
        {"hooks:\n  - name: a\n    events: []", "h.yaml:3: events: "},
        {"hooks:\n  - name: a\n    fields: all", "h.yaml:3: fields: none, coarse or full"},
        {"hooks:\n  - name: a\n    timeout: soon", "h.yaml:3: timeout: a duration"},
        {"hooks:\n  - name: a\n    retry_for: 99d", "h.yaml:3: retry_for: a duration"},
        {"hooks:\n  - name: a\n    parallel: 0", "h.yaml:3: parallel: a number from 1 to 64"},
        {"hooks:\n  - name: a\n    program: [/x]\n    parallel: 9", "h.yaml:2: parallel: at most 8 of a program"},
        {"hooks:\n  - name: a\n    colour: red", "h.yaml:3: not a key of a hook; docs/HOOKS.md has them all: colour"},
        {"hooks:\n  - name: a\n    name: a", "h.yaml:3: this is here twice: name"},
        {"hooks:\n  - name: a\n    key_file: /nowhere/key", "h.yaml:3: key_file: /nowhere/key: No such file"},
        {"hooks:\n  - name: a\n    header_file: /nowhere/h", "h.yaml:3: header_file: /nowhere/h: No such file"},
        {"hooks:\n  - {name: a, url: http://crm.example/, fields: full}", "h.yaml:2: what is in leads"},
        {"hooks:\n  - {name: a, url: http://127.0.0.1.example/, fields: coarse}", "h.yaml:2: what is in leads"},
    };
    struct hook_file *file = calloc(1, sizeof *file);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char why[HOOK_WHY_MAX] = "nothing";
        assert_false(parse(faults[i].text, file, why));
        if (strncmp(why, faults[i].wanted, strlen(faults[i].wanted)) != 0)
            fail_msg("\"%s\" gives \"%s\", not \"%s\"", faults[i].text, why, faults[i].wanted);
        assert_int_equal(file->n, 0);
    }
    static const char *const good[] = {"http://127.0.0.1:8/", "http://localhost/x", "http://[::1]:1/",
                                       "https://x.example"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        char yaml[128], why[HOOK_WHY_MAX] = "";
        snprintf(yaml, sizeof yaml, "hooks:\n  - {name: a, url: '%s', fields: full}", good[i]);
        if (!parse(yaml, file, why))
            fail_msg("%s: %s", good[i], why);
        hook_file_fini(file);
    }
    free(file);
}

static void a_secret_that_is_too_short_is_refused_and_never_shown(void **state)
{
    (void) state;
    char path[] = "/tmp/takt-key-XXXXXX", yaml[128], why[HOOK_WHY_MAX];
    struct hook_file *file = calloc(1, sizeof *file);
    const int fd = mkstemp(path);
    assert_int_equal(write(fd, "short-secret\n", 13), 13);
    snprintf(yaml, sizeof yaml, "hooks:\n  - {name: a, url: http://x/, key_file: %s}", path);
    assert_false(parse(yaml, file, why));
    assert_non_null(strstr(why, "at least 16 bytes"));
    assert_null(strstr(why, "short-secret"));
    assert_int_equal(write(fd, "and-longer-now\r\n", 16), 16);
    assert_true(parse(yaml, file, why));
    assert_int_equal(file->hooks[0].key.len, 27);
    hook_file_fini(file);
    close(fd);
    unlink(path);
    free(file);
}

/* RFC 4231, test case 2 */
static void a_signature_is_hmac_sha256_of_the_body(void **state)
{
    (void) state;
    char key_text[] = "Jefe", signature[SEND_SIGNATURE_MAX];
    const struct buf key = {.at = (uint8_t *) key_text, .len = 4};
    send_sign(&key, text("what do ya want for nothing?"), signature);
    assert_string_equal(signature, "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hook_says_who_is_told_what),
        cmocka_unit_test(every_fault_has_a_line_and_a_sentence),
        cmocka_unit_test(a_secret_that_is_too_short_is_refused_and_never_shown),
        cmocka_unit_test(a_signature_is_hmac_sha256_of_the_body),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
