/* SPDX-License-Identifier: Apache-2.0
 * cmd_up.c - `takt up`: everything on one machine. What a cell is made of is the
 * broker's business; this only starts processes and keeps them. Their folder is
 * up_files.c. */
#include "cli/up.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "broker/store_tap.h"
#include "common/clock.h"

enum {
    READY_MS = 60 * 1000, /* a large log takes its time to load */
    STOP_MS = 10 * 1000,
    BROKER_FENCED_EXIT = 4,
};

static bool is_program(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode) && access(path, X_OK) == 0;
}

/* Beside takt itself, as installed or in a build tree; else in PATH. */
static bool find_program(const char *name, char ret_path[2 * PATH_ROOM])
{
    static const char *const beside[] = {"", "../broker/", "../worker/"};
    char self[PATH_ROOM];
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len > 0 ? len : 0] = '\0';
    char *slash = strrchr(self, '/');
    if (slash)
        slash[1] = '\0';
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        snprintf(ret_path, 2 * PATH_ROOM, "%s%s%s", self, beside[i], name);
        if (is_program(ret_path))
            return true;
    }
    for (const char *at = getenv("PATH"); at && *at; at += strcspn(at, ":"), at += *at == ':') {
        snprintf(ret_path, 2 * PATH_ROOM, "%.*s/%s", (int) strcspn(at, ":"), at, name);
        if (is_program(ret_path))
            return true;
    }
    cli_say("%s is neither beside takt nor in PATH", name);
    return false;
}

static bool start_redis(struct up *up)
{
    char program[2 * PATH_ROOM], path[2 * PATH_ROOM], text[2048];
    if (!find_program("redis-server", program))
        return false;
    int len = snprintf(text, sizeof text,
                       "# written by takt up at each start: no edit lasts\n"
                       "port 0\nunixsocket %s/redis.sock\nunixsocketperm 700\ndir %s/redis\ndatabases 1\n"
                       "daemonize no\nprotected-mode yes\nloglevel notice\nlogfile \"\"\n"
                       "appendonly yes\nappendfsync always\nno-appendfsync-on-rewrite no\nsave \"\"\n"
                       "maxmemory-policy noeviction\n",
                       up->dir, up->dir);
    up_path_in(up, "redis.conf", path);
    if (!up_put_file(up, "redis.conf", text, (size_t) len))
        return false;
    struct child_options child = {.name = "redis", .ready_word = "eady to accept connections"};
    child.args[0] = program;
    child.args[1] = path;
    up->redis = supervise_start(up->supervisor, &child);
    return true;
}

static bool start_broker(struct up *up)
{
    char program[2 * PATH_ROOM], redis[2 * PATH_ROOM], policy[2 * PATH_ROOM], geo[2 * PATH_ROOM];
    if (!find_program("takt-broker", program))
        return false;
    up_path_in(up, "places.geo", geo);
    snprintf(redis, sizeof redis, "unix:%s/redis.sock", up->dir);
    up_path_in(up, "policy.yaml", policy);
    char at[UP_PORTS][64];
    for (int i = 0; i < UP_PORTS; i++)
        up_port_address(&up->ports, i, at[i]);
    struct child_options child = {.name = "broker",
                                  .ready_word = "broker.ready",
                                  .final_exit = BROKER_FENCED_EXIT,
                                  .final_why = "another broker took the cell over"};
    const char *args[] = {program,       "--cell",     up->cell,        "--redis",   redis,         "--policy",
                          policy,        "--source",   at[UP_SOURCE],   "--agent",   at[UP_AGENT],  "--worker",
                          at[UP_WORKER], "--operator", at[UP_OPERATOR], "--metrics", at[UP_METRICS]};
    size_t n = sizeof args / sizeof *args;
    memcpy(child.args, args, sizeof args);
    if (up->create_cell)
        child.args[n++] = "--create-cell";
    if (up->has_geo) {
        child.args[n++] = "--geo";
        child.args[n++] = geo;
    }
    up->broker = supervise_start(up->supervisor, &child);
    return true;
}

/* The log must not wait for an archive that was here before. */
static bool end_archive(const char *redis, const char *cell)
{
    struct tap *tap = NULL;
    struct buf why = {0};
    bool ended = tap_open(redis, cell, &tap, &why) == STORE_OK && tap_end_archive(tap) == STORE_OK;
    if (!ended)
        cli_say("ending the archive: %.*s%s", (int) why.len, (const char *) why.at, tap ? tap_why(tap) : "");
    tap_close(&tap);
    buf_fini(&why);
    return ended;
}

static bool start_archive(struct up *up)
{
    char self[PATH_ROOM], redis[2 * PATH_ROOM], folder[2 * PATH_ROOM];
    snprintf(redis, sizeof redis, "unix:%s/redis.sock", up->dir);
    if (up->no_archive)
        return end_archive(redis, up->cell);
    up_path_in(up, "archive", folder);
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len > 0 ? len : 0] = '\0';
    struct child_options child = {.name = "archive",
                                  .args = {self, "archive", "--redis", redis, "--cell", up->cell, "--to", folder},
                                  .final_exit = CLI_UNFIT,
                                  .final_why = "archive and Redis do not fit; the log is kept, and grows"};
    up->archive = supervise_start(up->supervisor, &child);
    return true;
}

static bool start_hooks(struct up *up)
{
    char self[PATH_ROOM], redis[2 * PATH_ROOM], folder[2 * PATH_ROOM];
    if (!up->hooks_path)
        return true;
    snprintf(redis, sizeof redis, "unix:%s/redis.sock", up->dir);
    up_path_in(up, "hooks", folder);
    ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
    self[len > 0 ? len : 0] = '\0';
    struct child_options child = {
        .name = "hooks",
        .args = {self, "hooks", "run", up->hooks_path, "--redis", redis, "--cell", up->cell, "--state", folder}};
    up->hooks = supervise_start(up->supervisor, &child);
    return true;
}

/* As the policy: what is wrong with it is said before anything runs. */
static bool start_workers(struct up *up)
{
    char program[2 * PATH_ROOM], at[64];
    if (up->workers > 0 && !find_program("takt-worker", program))
        return false;
    up_port_address(&up->ports, UP_WORKER, at);
    for (int i = 0; i < up->workers; i++) {
        char name[32];
        snprintf(name, sizeof name, "worker-%d", i + 1);
        struct child_options child = {.name = name};
        const char *args[] = {program, "--endpoint", at, "--name", name};
        for (size_t k = 0; k < sizeof args / sizeof *args; k++)
            child.args[k] = args[k];
        up->worker[i] = supervise_start(up->supervisor, &child);
    }
    return true;
}

/* ---- up and down ---------------------------------------------------------------- */

/* A death before the first "ready" is a wrong configuration: no use in trying again. */
static bool wait_ready(struct up *up, int child, const char *name)
{
    int64_t until_us = clock_mono_us() + (int64_t) READY_MS * 1000;
    while (!supervise_is_ready(up->supervisor, child)) {
        if (supervise_deaths(up->supervisor, child) > 0) {
            cli_say("%s does not start; %s%s/log/%s.log says why", name, up->log_to_stderr ? "" : "see ", up->dir,
                    name);
            return false;
        }
        if (clock_mono_us() > until_us) {
            cli_say("%s is not ready after %d s", name, READY_MS / 1000);
            return false;
        }
        if (supervise_turn(up->supervisor, 100) != 0)
            return false;
    }
    return true;
}

/* Where other commands find it, from now on. */
static bool put_endpoints(const struct up *up)
{
    char text[1024], cell[40];
    size_t len = up_ports_text(&up->ports, text, sizeof text);
    len += (size_t) snprintf(text + len, sizeof text - len, "redis unix:%s/redis.sock\ncell %s\n", up->dir, up->cell);
    const int cell_len = snprintf(cell, sizeof cell, "%s\n", up->cell);
    return up_put_file(up, "cell", cell, (size_t) cell_len) && up_put_file(up, "endpoints", text, len);
}

static bool start_all(struct up *up)
{
    return start_redis(up) && wait_ready(up, up->redis, "redis") && start_broker(up) &&
           wait_ready(up, up->broker, "broker") && start_archive(up) && start_hooks(up) && start_workers(up) &&
           put_endpoints(up) && up_tell_ready(up);
}

static void stop_all(struct up *up)
{
    if (up->broker >= 0)
        supervise_stop(up->supervisor, up->broker, STOP_MS);
    for (int i = 0; i < UP_WORKERS_MAX; i++)
        if (up->worker[i] >= 0)
            supervise_stop(up->supervisor, up->worker[i], STOP_MS);
    if (up->archive >= 0) /* behind the broker: it takes the last beats along */
        supervise_stop(up->supervisor, up->archive, STOP_MS);
    if (up->hooks >= 0)
        supervise_stop(up->supervisor, up->hooks, STOP_MS);
    if (up->redis >= 0)
        supervise_stop(up->supervisor, up->redis, STOP_MS);
}

static int run(struct up *up)
{
    char log_dir[2 * PATH_ROOM];
    up_path_in(up, "log", log_dir);
    up->supervisor = supervise_new(up->log_to_stderr ? NULL : log_dir, up->lock_fd);
    supervise_tell(up->supervisor, up_tell_child, up);
    up->redis = up->broker = up->archive = up->hooks = -1;
    for (int i = 0; i < UP_WORKERS_MAX; i++)
        up->worker[i] = -1;
    bool started = start_all(up);
    while (started && supervise_turn(up->supervisor, -1) == 0)
        continue;
    if (started)
        up_tell_ending(up);
    stop_all(up);
    supervise_destroy(&up->supervisor);
    return started ? CLI_DONE : CLI_FAILED;
}

static const struct cli_usage usage = {
    .synopsis = "takt up [--dir DIR] [--policy FILE] [--geo FILE] [--hooks FILE] [--workers N] [options]",
    .about = "Runs a broker, scoring workers and a private redis-server on this machine, and\n"
             "starts again what dies. Everything is kept in DIR. Ctrl-C or SIGTERM ends it in\n"
             "order; the next `takt up` on DIR goes on where it stopped, with the policy that was in\n"
             "force: --policy is for the first start, `takt policy apply FILE` for every change.\n"
             "With --json it prints an object a line: {\"event\": \"ready\"} with endpoints and process ids\n"
             "once all is up; \"up\" and \"down\" as programs come and go; \"ending\".\n"
             "Exit code: 0 ended as asked, 1 it could not be started, 2 wrong usage.",
    .example = "takt up --policy deploy/policies/default.yaml\n"
               "  takt up --workers 2 --json > events.ndjson",
};

int cmd_up(int argc, char **argv)
{
    struct up up = {.workers = 1};
    const struct cli_option options[] = {
        {"dir", "DIR", CLI_TEXT, &up.common.dir, 0, 0, "the folder (default: $TAKT_DIR, else ./takt-data)"},
        {"policy", "FILE", CLI_TEXT, &up.policy_path, 0, 0,
         "the policy of a new cell; one that is there goes on with its own"},
        {"geo", "FILE", CLI_TEXT, &up.geo_path, 0, 0,
         "places by `takt geo build`, kept in DIR: leads get county, metro area, time zone"},
        {"workers", "N", CLI_NUMBER, &up.workers, 0, UP_WORKERS_MAX, "scoring workers (default: 1)"},
        {"port-base", "P", CLI_NUMBER, &up.port_base, 1024, 65530,
         "use the ports P to P+4 (default: those of last time, else free ones)"},
        {"ready-file", "FILE", CLI_TEXT, &up.ready_file, 0, 0, "write this file, too, when all is up"},
        {"hooks", "FILE", CLI_TEXT, &up.hooks_path, 0, 0, "tell these hooks what happens to leads (docs/HOOKS.md)"},
        {"no-archive", NULL, CLI_FLAG, &up.no_archive, 0, 0, "keep no archive of the log in DIR/archive"},
        {"json", NULL, CLI_FLAG, &up.common.json, 0, 0, "print JSON: a line when all is up, a line an event"},
        {"foreground-log", NULL, CLI_FLAG, &up.log_to_stderr, 0, 0, "logs to stderr instead of DIR/log"},
        CLI_END,
    };
    int exit_code = CLI_FAILED;
    if (cli_options(&usage, options, argc, argv, &exit_code) < 0)
        return exit_code;
    char path[2 * PATH_ROOM];
    const bool good = up_open_folder(&up) && up_take_lock(&up) && up_take_policy(&up) && up_take_geo(&up) &&
                      up_check_cell(&up) && up_check_hooks(&up);
    up_path_in(&up, "endpoints", path);
    if (good && up_ports_choose(&up.ports, path, (int) up.port_base) && up_keep_given(&up))
        return run(&up);
    up_leave_folder(&up);
    return CLI_FAILED;
}
