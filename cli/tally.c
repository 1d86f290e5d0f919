/* SPDX-License-Identifier: Apache-2.0
 * tally.c - outcomes of an import, counted and told. See tally.h. */
#include "cli/tally.h"

#include <assert.h>

#include <jansson.h>

#include "cli/print.h"

void tally_add(struct tally *tally, uint32_t outcome, uint32_t warnings, bool known)
{
    tally->outcomes[outcome <= REASON_MAX ? outcome : REASON_MAX]++;
    tally->known += known && outcome == REASON_OK;
    for (unsigned bit = 0; bit < TALLY_WARNINGS; bit++)
        tally->warnings[bit] += warnings >> bit & 1;
}

uint64_t tally_accepted(const struct tally *tally)
{
    return tally->outcomes[REASON_OK];
}

uint64_t tally_duplicates(const struct tally *tally)
{
    return tally->outcomes[REASON_DUPLICATE_KEY] + tally->outcomes[REASON_PAYLOAD_DIFFERS];
}

static uint64_t rejected_of(const struct tally *tally)
{
    uint64_t sum = 0;
    for (uint32_t outcome = 1; outcome <= REASON_MAX; outcome++)
        sum += tally_is_duplicate(outcome) ? 0 : tally->outcomes[outcome];
    return sum;
}

uint64_t tally_unanswered(const struct tally *tally)
{
    uint64_t answered = tally_accepted(tally) + tally_duplicates(tally) + rejected_of(tally);
    assert(answered <= tally->rows);
    return tally->rows - answered;
}

static void line(FILE *to, int indent, const char *what, uint64_t count, const char *text)
{
    char shown[32];
    fprintf(to, "%*s%-*s %12s%s%s\n", indent, "", 22 - indent, what, print_count(count, shown), *text ? "  " : "",
            text);
}

static void print_lists(FILE *to, const struct tally *tally)
{
    for (uint32_t outcome = 1; outcome <= REASON_MAX; outcome++)
        if (tally->outcomes[outcome] && !tally_is_duplicate(outcome))
            line(to, 4, reason_name(outcome), tally->outcomes[outcome], reason_text(outcome));
    bool warned = false;
    for (unsigned bit = 0; bit < TALLY_WARNINGS; bit++) {
        if (tally->warnings[bit] == 0)
            continue;
        if (!warned)
            fputs("  warnings (these rows are in)\n", to);
        warned = true;
        line(to, 4, row_warning_name(bit), tally->warnings[bit], "");
    }
}

static uint64_t rows_a_second(const struct tally *tally, int64_t took_us)
{
    uint64_t answered = tally->rows - tally_unanswered(tally);
    return took_us > 0 ? answered * 1000000 / (uint64_t) took_us : 0;
}

void tally_print(FILE *to, const struct tally *tally, const struct tally_about *about)
{
    char a[32], b[32], c[32], d[32], split[96] = "";
    uint64_t accepted = tally_accepted(tally), unanswered = tally_unanswered(tally);
    fprintf(to, "%s: %s rows for source %s%s\n", about->file, print_count(tally->rows, a), about->source,
            about->dry ? " (dry run: nothing was sent)" : "");
    if (tally->known)
        snprintf(split, sizeof split, "%s new, %s already known from an earlier run of this import",
                 print_count(accepted - tally->known, a), print_count(tally->known, b));
    line(to, 2, "accepted", accepted, split);
    line(to, 2, "duplicates", tally->outcomes[REASON_DUPLICATE_KEY], "the key is known, with the same contents");
    line(to, 2, "payload differs", tally->outcomes[REASON_PAYLOAD_DIFFERS], "the key is known; the first lead stands");
    line(to, 2, "rejected", rejected_of(tally), about->rejects ? about->rejects : "");
    print_lists(to, tally);
    if (unanswered)
        line(to, 2, "without an answer", unanswered, "the same command again is safe and goes on from here");
    fprintf(to, "  %s in + %s duplicate + %s rejected%s = %s rows", print_count(accepted, a),
            print_count(tally_duplicates(tally), b), print_count(rejected_of(tally), c),
            unanswered ? " + those without an answer" : "", print_count(tally->rows, d));
    fprintf(to, "; %s, %s rows/s\n", print_duration(about->took_us / 1000, a),
            print_count(rows_a_second(tally, about->took_us), b));
}

static json_t *count(uint64_t n)
{
    return json_integer((json_int_t) n);
}

void tally_print_json(FILE *to, const struct tally *tally, const struct tally_about *about)
{
    json_t *root = json_object(), *rejected = json_object(), *warnings = json_object();
    char import[33];
    id_to_hex(about->import, import);
    for (uint32_t outcome = 1; outcome <= REASON_MAX; outcome++)
        if (tally->outcomes[outcome] && !tally_is_duplicate(outcome))
            json_object_set_new(rejected, reason_name(outcome), count(tally->outcomes[outcome]));
    for (unsigned bit = 0; bit < TALLY_WARNINGS; bit++)
        if (tally->warnings[bit])
            json_object_set_new(warnings, row_warning_name(bit), count(tally->warnings[bit]));
    json_object_set_new(root, "source", json_string(about->source));
    json_object_set_new(root, "import", json_string(import));
    json_object_set_new(root, "dry_run", json_boolean(about->dry));
    json_object_set_new(root, "rows", count(tally->rows));
    json_object_set_new(root, "accepted", count(tally_accepted(tally)));
    json_object_set_new(root, "new", count(tally_accepted(tally) - tally->known));
    json_object_set_new(root, "known", count(tally->known));
    json_object_set_new(root, "duplicate", count(tally->outcomes[REASON_DUPLICATE_KEY]));
    json_object_set_new(root, "payload_differs", count(tally->outcomes[REASON_PAYLOAD_DIFFERS]));
    json_object_set_new(root, "rejected", count(rejected_of(tally)));
    json_object_set_new(root, "unanswered", count(tally_unanswered(tally)));
    json_object_set_new(root, "rejected_by", rejected);
    json_object_set_new(root, "warnings", warnings);
    json_object_set_new(root, "took_ms", json_integer(about->took_us / 1000));
    json_object_set_new(root, "rows_a_second", count(rows_a_second(tally, about->took_us)));
    print_value(to, root, 2);
}
