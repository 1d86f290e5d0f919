/* SPDX-License-Identifier: Apache-2.0
 * cmd_fsck.c - `takt fsck`: read a cell's Redis, say what is in it and what is
 * wrong with it. Needs no broker and disturbs none; writes nothing. */
#include "cli/cli.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "cli/fsck.h"
#include "cli/fsck_archive.h"
#include "cli/logs.h"
#include "cli/print.h"
#include "client/takt.h"
#include "policy/policy_yaml.h"

enum { FSCK_CLEAN = 0, FSCK_FOUND = 1, FSCK_UNREADABLE = 2, LOOKS_MAX = 3, TOLD_MAX = 100, PATH_ROOM = 512 };

struct asked {
    struct cli_common common;
    const char *redis, *policy_path, *states_path, *archive;
    bool orphans, digest;
};

static bool load_policy(const struct asked *asked, struct policy *ret)
{
    char path[PATH_ROOM];
    struct buf findings = {0};
    snprintf(path, sizeof path, "%s/policy.yaml", cli_dir(&asked->common));
    bool good = policy_load(asked->policy_path ? asked->policy_path : path, ret, &findings) == 0;
    if (!good)
        fwrite(findings.at, 1, findings.len, stderr);
    ret->version = 0; /* the rules are those of the policy that the cell has in force */
    buf_fini(&findings);
    return good;
}

/* ---- output ------------------------------------------------------------------------ */

static void show_text(const struct fsck_result *result, const char *cell)
{
    char first[48], last[48], view[48];
    printf("cell %s: %" PRIu64 " log entries %s to %s, view at %s with %" PRIu64 " rows\n", cell, result->entries,
           logs_position(result->first, first), logs_position(result->last, last), logs_position(result->view, view),
           result->rows);
    printf("%" PRIu64 " leads, %" PRIu64 " not ended; %" PRIu64 " agents; %" PRIu64 " members of sorted sets\n",
           result->leads, result->open_leads, result->agents, result->members);
    if (result->digest) {
        char digest[33];
        digest_text(result->digest, digest);
        printf("digest %s over %" PRIu64 " rows\n", digest, digest_rows(result->digest));
    }
    if (result->moved)
        printf("a broker went on writing meanwhile\n");
    uint64_t n = fsck_count(result);
    for (uint64_t i = 0; i < n && i < TOLD_MAX; i++) {
        const struct fsck_finding *finding = fsck_finding_at(result, i);
        printf("%s %s: %s: %s\n", fsck_kind_name(finding->kind), finding->id, fsck_kind_text(finding->kind),
               finding->detail);
    }
    printf("%" PRIu64 " findings%s\n", n, n > TOLD_MAX ? ", the first 100 above" : "");
}

static void show_json(const struct fsck_result *result, const char *cell)
{
    char first[48], last[48], view[48];
    json_t *list = json_array();
    for (uint64_t i = 0; i < fsck_count(result); i++) {
        const struct fsck_finding *finding = fsck_finding_at(result, i);
        json_array_append_new(list, json_pack("{s:s, s:s, s:s}", "name", fsck_kind_name(finding->kind), "id",
                                              finding->id, "detail", finding->detail));
    }
    json_t *all = json_pack("{s:s, s:I, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:b, s:b, s:o}", "cell", cell,
                            "entries", (json_int_t) result->entries, "first", logs_position(result->first, first),
                            "last", logs_position(result->last, last), "view", logs_position(result->view, view),
                            "rows", (json_int_t) result->rows, "leads", (json_int_t) result->leads, "open_leads",
                            (json_int_t) result->open_leads, "agents", (json_int_t) result->agents, "members",
                            (json_int_t) result->members, "moved", result->moved, "recovered", result->recovered,
                            "findings", list);
    if (result->digest) {
        char digest[33];
        digest_text(result->digest, digest);
        json_object_set_new(all, "digest", json_string(digest));
    }
    print_value(stdout, all, 1);
}

static bool write_states(const struct fsck_result *result, const char *path)
{
    FILE *file = fopen(path, "we");
    const struct fsck_state *states = (const struct fsck_state *) (const void *) result->states.at;
    for (size_t i = 0; file && i < result->states.len / sizeof *states; i++) {
        char hex[33];
        id_to_hex(states[i].lead, hex);
        fprintf(file, "%s %s\n", hex, takt_state_name(states[i].state));
    }
    bool written = file && fclose(file) == 0;
    if (!written)
        cli_say("%s: %s", path, strerror(errno));
    return written;
}

/* The dead-queue radar. Returns how many there are. */
static uint64_t show_orphans(const struct fsck_result *result, bool json)
{
    struct msg_query query = {.what = QUERY_ORPHANS, .limit = QUERY_LIMIT_MAX};
    struct msg_report report;
    core_report(result->core, &query, &report);
    size_t n = report.n_columns * (size_t) (report.n_rows + 1);
    takt_text *cells = calloc(n, sizeof *cells);
    if (!cells)
        abort();
    for (size_t i = 0; i < n; i++) {
        const struct slice *from = i < report.n_columns ? &report.columns[i] : &report.cells[i - report.n_columns];
        cells[i] = print_text((const char *) from->at, from->len);
    }
    struct print_table table = {report.n_columns, report.n_rows, cells, report.types, cells + report.n_columns};
    if (json)
        print_json(stdout, &table);
    else if (report.n_rows > 0)
        print_table(stdout, &table);
    else
        puts("no lead without a live owner and without an armed deadline");
    free(cells);
    return report.n_rows;
}

static int show(const struct asked *asked, const struct fsck_result *result, const char *cell)
{
    if (asked->states_path && !write_states(result, asked->states_path))
        return FSCK_UNREADABLE;
    if (asked->orphans && !result->recovered) {
        cli_say("the state cannot be recovered; look without --orphans");
        return FSCK_UNREADABLE;
    }
    if (asked->orphans)
        return show_orphans(result, asked->common.json) == 0 ? FSCK_CLEAN : FSCK_FOUND;
    (asked->common.json ? show_json : show_text)(result, cell);
    return fsck_count(result) == 0 ? FSCK_CLEAN : FSCK_FOUND;
}

/* ---- the command ------------------------------------------------------------------- */

/* What looks broken while a broker writes is looked at again; what stays is broken. */
static int look(const struct asked *asked, const char *redis, const struct policy *policy)
{
    struct fsck_result result;
    for (int looks = 1;; looks++) {
        struct buf why = {0};
        enum store_status status = fsck_run(redis, policy, asked->digest, &result, &why);
        buf_add(&why, "", 1);
        if (status != STORE_OK)
            cli_say("%s: %s", redis, (const char *) why.at);
        buf_fini(&why);
        if (status != STORE_OK) {
            fsck_fini(&result);
            return FSCK_UNREADABLE;
        }
        if (!result.moved || fsck_count(&result) == 0 || looks == LOOKS_MAX)
            break;
        cli_say("findings while a broker writes: looking again");
        fsck_fini(&result);
    }
    int exit_code = show(asked, &result, policy->cell);
    fsck_fini(&result);
    return exit_code;
}

static const struct cli_usage usage = {
    .synopsis = "takt fsck [--dir DIR | --redis ADDR --policy FILE | --archive FOLDER] [--digest]",
    .about = "Reads a cell's Redis itself, with no broker: every row and log entry against its check,\n"
             "the view against the log, the sorted sets against the rows; then recovers it and counts\n"
             "the invariants. With --archive it reads an archive's segments instead, and nothing else.\n"
             "Exit code 0 clean, 1 findings, 2 cannot be read.",
    .example = "takt fsck --dir takt-data",
};

int cmd_fsck(int argc, char **argv)
{
    struct asked asked = {0};
    const struct cli_option options[] = {
        CLI_DIR_OPTION(asked.common.dir),
        LOGS_REDIS_OPTION(asked.redis),
        {"policy", "FILE", CLI_TEXT, &asked.policy_path, 0, 0,
         "any policy of this cell, for its name (default: DIR/policy.yaml)"},
        {"digest", NULL, CLI_FLAG, &asked.digest, 0, 0, "print one number for the state: equal states, equal digests"},
        {"archive", "FOLDER", CLI_TEXT, &asked.archive, 0, 0, "check an archive's segments instead, without a Redis"},
        {"orphans", NULL, CLI_FLAG, &asked.orphans, 0, 0, "only leads without live owner and without armed deadline"},
        {"states", "FILE", CLI_TEXT, &asked.states_path, 0, 0, "write a line \"id STATE\" for each lead"},
        CLI_JSON_OPTION(asked.common.json),
        CLI_END,
    };
    int exit_code = FSCK_UNREADABLE;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    if (asked.archive)
        return fsck_archive(asked.archive, asked.digest, asked.common.json);
    char found[256];
    if (!asked.redis && !cli_endpoint(&asked.common, "redis", found))
        return FSCK_UNREADABLE;
    struct policy *policy = malloc(sizeof *policy);
    if (!policy)
        abort();
    exit_code = FSCK_UNREADABLE;
    if (load_policy(&asked, policy))
        exit_code = look(&asked, asked.redis ? asked.redis : found, policy);
    free(policy);
    return exit_code;
}
