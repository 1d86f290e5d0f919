/* SPDX-License-Identifier: Apache-2.0
 * up_tell.c - what `takt up` says on standard output: one line for people when all
 * is up, or with --json an object a line, also for each program that comes and goes.
 *
 * The prose about deaths on standard error is supervise.c's and stays with --json:
 * it is for the terminal or the journal, the objects are for the program that
 * started us. */
#include "cli/up.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <jansson.h>

#include "cli/print.h"
#include "common/file.h"

/* A cell that has a policy goes on with it, whatever file it is started with. */
static bool policy_differs(const struct up *up)
{
    return up->policy_path && strstr(supervise_ready_line(up->supervisor, up->broker), " file=differs ");
}

static char *ready_words(const struct up *up)
{
    char metrics[64], source[64], agent[64], line[1024];
    up_port_address(&up->ports, UP_METRICS, metrics);
    up_port_address(&up->ports, UP_SOURCE, source);
    up_port_address(&up->ports, UP_AGENT, agent);
    snprintf(line, sizeof line,
             "takt is up: cell %s, %d worker%s, sources %s, agents %s, metrics http://%s/metrics, in %s", up->cell,
             (int) up->workers, up->workers == 1 ? "" : "s", source, agent, metrics, up->dir);
    return strdup(line);
}

static void add_program(const struct up *up, json_t *programs, const char *name, int child)
{
    if (child >= 0 && supervise_is_up(up->supervisor, child))
        json_object_set_new(programs, name, json_integer(supervise_pid(up->supervisor, child)));
}

static char *ready_json(const struct up *up)
{
    char text[2 * PATH_ROOM];
    json_t *endpoints = json_object(), *programs = json_object();
    for (int i = 0; i < UP_PORTS; i++) {
        up_port_address(&up->ports, i, text);
        json_object_set_new(endpoints, up_port_role(i), json_string(text));
    }
    snprintf(text, sizeof text, "unix:%s/redis.sock", up->dir);
    json_object_set_new(endpoints, "redis", print_string(text));
    add_program(up, programs, "redis", up->redis);
    add_program(up, programs, "broker", up->broker);
    add_program(up, programs, "archive", up->archive);
    add_program(up, programs, "hooks", up->hooks);
    for (int i = 0; i < up->workers; i++) {
        snprintf(text, sizeof text, "worker-%d", i + 1);
        add_program(up, programs, text, up->worker[i]);
    }
    json_t *ready =
        json_pack("{s:s, s:s, s:o, s:b, s:o, s:o}", "event", "ready", "cell", up->cell, "dir", print_string(up->dir),
                  "policy_differs", policy_differs(up), "endpoints", endpoints, "programs", programs);
    char *line = json_dumps(ready, JSON_COMPACT);
    json_decref(ready);
    return line;
}

bool up_tell_ready(const struct up *up)
{
    char *line = up->common.json ? ready_json(up) : ready_words(up);
    if (!line)
        abort();
    puts(line);
    fflush(stdout);
    if (policy_differs(up))
        cli_say("%s is not the policy in force; `takt policy apply %s` puts it in force", up->policy_path,
                up->policy_path);
    const size_t len = strlen(line);
    line[len] = '\n'; /* in the place of its end: a file is bytes with a length */
    const bool told = !up->ready_file || file_put(up->ready_file, line, len + 1, 0600);
    if (!told)
        cli_say("%s: %s", up->ready_file, strerror(errno));
    free(line);
    return told;
}

void up_tell_child(void *arg, const struct child_event *event)
{
    const struct up *up = arg;
    if (!up->common.json)
        return;
    json_t *line = json_pack("{s:s, s:s, s:i}", "event", event->is_up ? "up" : "down", "program", event->name, "pid",
                             (int) event->pid);
    if (!event->is_up) {
        const bool killed = WIFSIGNALED(event->status);
        json_object_set_new(line, killed ? "signal" : "exit_code",
                            json_integer(killed ? WTERMSIG(event->status) : WEXITSTATUS(event->status)));
        json_object_set_new(line, "restart_in_ms",
                            event->restart_ms < 0 ? json_null() : json_integer(event->restart_ms));
    }
    print_event(stdout, line);
}

void up_tell_ending(const struct up *up)
{
    fputs("takt up: ending\n", stderr);
    if (up->common.json)
        print_event(stdout, json_pack("{s:s}", "event", "ending"));
}
