/* SPDX-License-Identifier: Apache-2.0
 * cmd_hooks.c - `takt hooks`: tell others what happens to leads. `run` is the
 * process that does it, `takt up --hooks FILE` runs one as a child; check, test
 * and status are for people. The work is hooks/'s. */
#include "cli/cli.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "cli/logs.h"
#include "cli/print.h"
#include "common/clock.h"
#include "common/log.h"
#include "hooks/hooks.h"

enum { PATH_ROOM = 4096, COLUMNS = 9 };

struct asked {
    struct cli_common common;
    const char *redis, *cell, *state;
    char state_text[PATH_ROOM];
};

static bool read_hooks(const char *path, struct hook_file *ret)
{
    char why[HOOK_WHY_MAX];
    if (hook_file_read(path, ret, why))
        return true;
    cli_say("%s", why);
    return false;
}

static void set_signals(void)
{
    signal(SIGPIPE, SIG_IGN); /* a receiver that hangs up */
    signal(SIGCHLD, SIG_DFL); /* where it is ignored, from whoever started us, no exit code can be had */
}

/* ---- check ----------------------------------------------------------------------------- */

/* Of a URL only where it leads: its path may be a secret. */
static json_t *hook_json(const struct hook *hook)
{
    const char *host = hook->url ? strstr(hook->url, "//") + 2 : hook->program.at[0];
    const int len = hook->url ? (int) (host - hook->url + (ptrdiff_t) strcspn(host, "/?#")) : (int) strlen(host);
    char *to = strndup(hook->url ? hook->url : host, (size_t) len);
    json_t *events = json_array();
    if (!to)
        abort();
    for (enum hook_event event = 0; event < HOOK_EVENTS; event++)
        if (hook->events >> event & 1)
            json_array_append_new(events, json_string(hook_event_word(event)));
    json_t *row = json_pack("{s:s, s:o, s:b, s:s, s:o}", "hook", hook->name, "to", print_string(to), "signed",
                            hook->key.len > 0, "fields", hook_fields_word(hook->fields), "events", events);
    free(to);
    return row;
}

static const char *word_of(const json_t *row, const char *name)
{
    return json_string_value(json_object_get(row, name));
}

static void show_hook(const json_t *row)
{
    size_t i;
    json_t *event;
    printf("%s: %s%s, fields %s,", word_of(row, "hook"), word_of(row, "to"),
           json_is_true(json_object_get(row, "signed")) ? ", signed" : "", word_of(row, "fields"));
    json_array_foreach(json_object_get(row, "events"), i, event) printf(" %s", json_string_value(event));
    putchar('\n');
}

static int check(struct asked *asked, const struct hook_file *file, const char *which)
{
    (void) which;
    json_t *rows = json_array();
    for (uint32_t i = 0; i < file->n; i++) {
        json_array_append_new(rows, hook_json(&file->hooks[i]));
        if (!asked->common.json)
            show_hook(json_array_get(rows, i));
    }
    if (asked->common.json)
        print_value(stdout, rows, 1);
    else
        json_decref(rows);
    return CLI_DONE;
}

/* ---- test ------------------------------------------------------------------------------ */

struct trial {
    const struct hook_file *file;
    json_t *rows; /* NULL: lines for people, as they come */
    uint32_t failed;
};

static void tell_trial(void *arg, uint32_t number, void *item, const char *why)
{
    struct trial *trial = arg;
    (void) item;
    trial->failed += why != NULL;
    const char *name = trial->file->hooks[number].name;
    if (trial->rows)
        json_array_append_new(trial->rows, json_pack("{s:s, s:b, s:o}", "hook", name, "delivered", why == NULL, "why",
                                                     why ? print_string(why) : json_null()));
    else
        printf("%s: %s\n", name, why ? why : "delivered");
}

static int try_out(struct asked *asked, const struct hook_file *file, const char *which)
{
    struct trial trial = {.file = file, .rows = asked->common.json ? json_array() : NULL};
    struct event_head head;
    struct buf line = {0};
    uint32_t n = 0;
    set_signals();
    struct sender *sender = sender_new(tell_trial, &trial, true);
    event_json_sample("sample", clock_wall_ms(), &line);
    if (!event_json_head(slice_of(line.at, line.len), &head))
        abort();
    for (uint32_t i = 0; i < file->n; i++) {
        if (which && strcmp(which, file->hooks[i].name) != 0)
            continue;
        n++;
        sender_start(sender,
                     &(struct send_job){
                         .hook = &file->hooks[i], .number = i, .head = &head, .body = slice_of(line.at, line.len)});
    }
    while (sender_out(sender) > 0)
        sender_wait(sender, -1, 1000);
    sender_destroy(&sender);
    buf_fini(&line);
    if (n > 0 && trial.rows)
        print_value(stdout, trial.rows, 1);
    else
        json_decref(trial.rows);
    if (n == 0)
        cli_say("there is no hook \"%s\" in it; `takt hooks check FILE` lists them", which);
    return n > 0 && trial.failed == 0 ? CLI_DONE : CLI_FAILED;
}

/* ---- status ---------------------------------------------------------------------------- */

static const char *const columns[COLUMNS] = {"hook", "running",  "delivered", "behind", "given_up",
                                             "lost", "failures", "failing",   "why"};

static void show_status(const struct hooks_status *status, bool running, bool json)
{
    takt_text names[COLUMNS], cells[HOOKS_MAX * COLUMNS];
    char text[HOOKS_MAX][COLUMNS][SEND_WHY_MAX];
    for (size_t c = 0; c < COLUMNS; c++)
        names[c] = print_text(columns[c], strlen(columns[c]));
    for (uint32_t i = 0; i < status->n; i++) {
        const struct hook_status *one = &status->hooks[i];
        const uint64_t counts[] = {one->counts.delivered, one->counts.behind, one->counts.given_up, one->counts.lost,
                                   one->counts.failures};
        const int64_t failing_ms = one->counts.failing_ms ? clock_wall_ms() - one->counts.failing_ms : 0;
        snprintf(text[i][0], SEND_WHY_MAX, "%s", one->name);
        snprintf(text[i][1], SEND_WHY_MAX, "%s", running ? "yes" : "no");
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            snprintf(text[i][2 + c], SEND_WHY_MAX, "%llu", (unsigned long long) counts[c]);
        snprintf(text[i][7], SEND_WHY_MAX, "%lld", (long long) failing_ms);
        snprintf(text[i][8], SEND_WHY_MAX, "%s", one->why);
        for (size_t c = 0; c < COLUMNS; c++)
            cells[i * COLUMNS + c] = print_text(text[i][c], strlen(text[i][c]));
    }
    const struct print_table table = {
        .n_columns = COLUMNS, .n_rows = status->n, .columns = names, .types = "ssnnnnnds", .cells = cells};
    (json ? print_json : print_table)(stdout, &table);
    if (!json && status->missed > 0)
        printf("%llu entries of the log were missed: trimmed before they were read, or damaged\n",
               (unsigned long long) status->missed);
}

static int show(struct asked *asked)
{
    struct hooks_status *status = malloc(sizeof *status);
    if (!status)
        abort();
    const bool is_there = hooks_status_load(asked->state, status);
    if (is_there)
        show_status(status, hooks_is_running(asked->state), asked->common.json);
    else
        cli_say("%s: no hooks have run here; `takt up --hooks FILE` runs them", asked->state);
    free(status);
    return is_there ? CLI_DONE : CLI_FAILED;
}

/* ---- run ------------------------------------------------------------------------------- */

static int run(struct asked *asked, const struct hook_file *file, const char *which)
{
    (void) which;
    struct buf why = {0};
    struct logs_room room;
    const int found = logs_find_cell(&asked->common, &asked->redis, &asked->cell, &room);
    if (found != CLI_DONE)
        return found;
    const int stop_fd = cli_stop_fd();
    set_signals();
    log_open("takt-hooks", LOG_INFO);
    (void) !nice(10); /* the broker first */
    const struct hooks_options options = {asked->redis, asked->cell, asked->state};
    const enum store_status status = hooks_run(&options, file, stop_fd, &why);
    if (status != STORE_OK)
        cli_say("hooks: %.*s", (int) why.len, (const char *) why.at);
    close(stop_fd);
    buf_fini(&why);
    if (status == STORE_OK && asked->common.json)
        return show(asked);
    return status == STORE_OK ? CLI_DONE : CLI_FAILED;
}

/* ---- the command ----------------------------------------------------------------------- */

static const struct cli_usage usage = {
    .synopsis = "takt hooks run FILE | check FILE | test FILE [HOOK] | status",
    .about = "Tells others what happens to leads: offers, withdrawals, missed deadlines, leads that are used\n"
             "up or closed go to webhooks and programs, as FILE says. `check` says what is wrong with it,\n"
             "`test` sends a sample to each hook, or to one, `run` works until SIGTERM, `status` counts.\n"
             "`takt up --hooks FILE` runs it beside a cell. docs/HOOKS.md has the file and the events.\n"
             "With --json each prints an array with an object a hook; `run` at its end, as `status`.",
    .example = "takt hooks test hooks.yaml crm\n"
               "  takt up --policy deploy/policies/default.yaml --hooks hooks.yaml",
    .words_least = 1,
    .words_most = 3,
};

static const struct {
    const char *word;
    int (*run)(struct asked *asked, const struct hook_file *file, const char *which);
    int words_most;
} verbs[] = {{"run", run, 2}, {"check", check, 2}, {"test", try_out, 3}};

static int with_file(struct asked *asked, int n, char **argv)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].word) != 0 || n < 2 || n > verbs[i].words_most)
            continue;
        struct hook_file *file = calloc(1, sizeof *file);
        if (!file)
            abort();
        const int exit_code =
            read_hooks(argv[2], file) ? verbs[i].run(asked, file, n > 2 ? argv[3] : NULL) : CLI_FAILED;
        hook_file_fini(file);
        free(file);
        return exit_code;
    }
    return cli_say_usage(&usage);
}

int cmd_hooks(int argc, char **argv)
{
    struct asked asked = {0};
    const struct cli_option options[] = {
        CLI_DIR_OPTION(asked.common.dir),
        LOGS_REDIS_OPTION(asked.redis),
        LOGS_CELL_OPTION(asked.cell),
        {"state", "FOLDER", CLI_TEXT, &asked.state, 0, 0, "what it must remember (default: DIR/hooks)"},
        CLI_JSON_OPTION(asked.common.json),
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    const int n = cli_options(&usage, options, argc, argv, &exit_code);
    if (n < 0)
        return exit_code;
    snprintf(asked.state_text, sizeof asked.state_text, "%s/hooks", cli_dir(&asked.common));
    if (!asked.state)
        asked.state = asked.state_text;
    if (n == 1 && strcmp(argv[1], "status") == 0)
        return show(&asked);
    return with_file(&asked, n, argv);
}
