/* SPDX-License-Identifier: Apache-2.0
 * cmd_gen.c - `takt generate`: a file of made-up leads, and what was planted in it. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/generate.h"
#include "cli/print.h"
#include "proto/msg.h"

static const struct cli_usage usage = {
    .synopsis = "takt generate --leads N [--seed S] [--out FILE] [--json]",
    .about = "Makes a CSV file of leads: names, US phones, places and zips that fit together,\n"
             "vendors of different cost and quality. About 2 % of the rows repeat an earlier\n"
             "key, about 1 % are dirty. The same seed makes the same bytes on any machine.\n"
             "What was planted is told at the end, so that an import can be compared with it.\n"
             "Import it with deploy/maps/generated.yaml.",
    .example = "takt generate --leads 16000 --seed 7 --out leads.csv",
};

/* What an import must answer for each plant. */
static const struct {
    enum reason outcome;
    unsigned warning;
} answers[GENERATE_PLANT_KINDS] = {
    [PLANT_CLEAN] = {REASON_OK, 0},
    [PLANT_IDENTICAL] = {REASON_DUPLICATE_KEY, 0},
    [PLANT_DIFFERENT] = {REASON_PAYLOAD_DIFFERS, 0},
    [PLANT_NO_CONTACT] = {REASON_NO_CONTACT, 0},
    [PLANT_COLUMN_LESS] = {REASON_COLUMNS_DIFFER, 0},
    [PLANT_COLUMN_MORE] = {REASON_COLUMNS_DIFFER, 0},
    [PLANT_NOT_UTF8] = {REASON_BAD_TEXT, 0},
    [PLANT_CONTROL] = {REASON_BAD_TEXT, 0},
    [PLANT_DAMAGED_PHONE] = {REASON_OK, ROW_WARNING_PHONE_DAMAGED},
    [PLANT_DAMAGED_ZIP] = {REASON_OK, ROW_WARNING_ZIP_DAMAGED},
};

static const char *warning_word(unsigned warning)
{
    return warning ? row_warning_name((unsigned) __builtin_ctz(warning)) : "";
}

static void tell(FILE *to, const struct generated *made, bool json)
{
    static const takt_text columns[] = {{"planted", 7}, {"rows", 4}, {"outcome", 7}, {"warning", 7}};
    char counts[GENERATE_PLANT_KINDS][24];
    takt_text cells[GENERATE_PLANT_KINDS * 4];
    for (int i = 0; i < GENERATE_PLANT_KINDS; i++) {
        const char *outcome = reason_name(answers[i].outcome), *warning = warning_word(answers[i].warning);
        int len = snprintf(counts[i], sizeof counts[i], "%llu", (unsigned long long) made->plants[i]);
        cells[i * 4] = print_text(generate_plant_words[i], strlen(generate_plant_words[i]));
        cells[i * 4 + 1] = print_text(counts[i], (size_t) len);
        cells[i * 4 + 2] = print_text(outcome, strlen(outcome));
        cells[i * 4 + 3] = print_text(warning, strlen(warning));
    }
    struct print_table table = {4, GENERATE_PLANT_KINDS, columns, "snss", cells};
    (json ? print_json : print_table)(to, &table);
}

int cmd_generate(int argc, char **argv)
{
    int64_t leads = 0, seed = 1;
    const char *out = NULL;
    bool json = false;
    const struct cli_option options[] = {
        {"leads", "N", CLI_NUMBER, &leads, 1, GENERATE_LEADS_MAX, "how many rows"},
        {"seed", "S", CLI_NUMBER, &seed, 0, INT64_MAX, "which ones (default: 1)"},
        {"out", "FILE", CLI_TEXT, &out, 0, 0, "write there (default: standard output)"},
        {"json", NULL, CLI_FLAG, &json, 0, 0, "tell what was planted as JSON; on standard error without --out"},
        CLI_END,
    };
    int exit_code;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    if (leads == 0) {
        cli_say("--leads is missing: how many rows?");
        return CLI_USAGE;
    }
    FILE *file = out ? fopen(out, "we") : stdout;
    if (!file) {
        cli_say("%s: %s", out, strerror(errno));
        return CLI_FAILED;
    }
    struct generated made;
    bool written = generate_leads(file, (uint64_t) leads, (uint64_t) seed, &made);
    if (out)
        written = fclose(file) == 0 && written;
    if (!written) {
        cli_say("%s: %s", out ? out : "standard output", strerror(errno));
        return CLI_FAILED;
    }
    tell(out ? stdout : stderr, &made, json);
    return CLI_DONE;
}
