/* SPDX-License-Identifier: Apache-2.0
 * send_program.c - events to programs, one run each: the event on stdin, exit
 * code 0 for a yes.
 *
 * Its stdin is a file in memory that holds the event already, so nothing waits
 * for a program to read. It gets a process group of its own, so that what it has
 * started ends with it, when its time is over. No shell, and nothing of the event
 * among its arguments or in its environment. */
#include "hooks/send_private.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"

struct run {
    struct attempt attempt;
    pid_t pid; /* 0: it could not be started */
    int pidfd; /* -1: there was none left; its end is seen late then */
    int64_t until_us;
    bool is_killed;
    int start_errno;
};

struct programs {
    attempt_done_fn *done;
    void *arg;
    bool show;
    struct run runs[PROGRAMS_MAX];
    uint32_t n;
};

struct programs *programs_new(attempt_done_fn *done, void *arg, bool show)
{
    struct programs *programs = calloc(1, sizeof *programs);
    if (programs == NULL)
        abort();
    programs->done = done;
    programs->arg = arg;
    programs->show = show;
    return programs;
}

void programs_destroy(struct programs **programs_p)
{
    struct programs *programs = *programs_p;
    if (programs == NULL)
        return;
    for (uint32_t i = 0; i < programs->n; i++) {
        if (programs->runs[i].pid > 0) {
            kill(-programs->runs[i].pid, SIGKILL);
            waitpid(programs->runs[i].pid, NULL, 0);
            close(programs->runs[i].pidfd);
        }
    }
    free(programs);
    *programs_p = NULL;
}

/* A file in memory with the event and a line's end, to be read from its beginning. */
static int event_fd(struct slice body)
{
    const int fd = memfd_create("event", MFD_CLOEXEC);
    if (fd < 0)
        return -1;
    if (write(fd, body.at, body.len) == (ssize_t) body.len && write(fd, "\n", 1) == 1 && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    close(fd);
    return -1;
}

static int spawn(const struct programs *programs, char *const *argv, int stdin_fd, pid_t *ret_pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    sigset_t none, usual;
    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    posix_spawn_file_actions_adddup2(&files, stdin_fd, STDIN_FILENO);
    if (!programs->show) {
        posix_spawn_file_actions_addopen(&files, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
    posix_spawnattr_setpgroup(&how, 0);
    posix_spawnattr_setsigmask(&how, &none);
    posix_spawnattr_setsigdefault(&how, &usual);
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    const int failed = posix_spawn(ret_pid, argv[0], &files, &how, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&how);
    return failed;
}

void programs_start(struct programs *programs, const struct send_job *job)
{
    assert(programs->n < PROGRAMS_MAX);
    struct run *run = &programs->runs[programs->n++];
    *run = (struct run){
        .attempt = {job->number, job->item}, .pidfd = -1, .until_us = clock_mono_us() + job->hook->timeout_ms * 1000};
    const int fd = event_fd(job->body);
    run->start_errno = fd < 0 ? errno : spawn(programs, job->hook->program.at, fd, &run->pid);
    if (fd >= 0)
        close(fd);
    if (run->start_errno == 0) {
        run->pidfd = pidfd_open(run->pid, 0);
    } else {
        run->pid = 0;
        run->until_us = 0;
    }
}

uint32_t programs_fds(const struct programs *programs, int fds[PROGRAMS_MAX])
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < programs->n; i++)
        if (programs->runs[i].pidfd >= 0)
            fds[n++] = programs->runs[i].pidfd;
    return n;
}

int64_t programs_next_us(const struct programs *programs)
{
    int64_t next_us = INT64_MAX;
    for (uint32_t i = 0; i < programs->n; i++)
        if (!programs->runs[i].is_killed && programs->runs[i].until_us < next_us)
            next_us = programs->runs[i].until_us;
    return next_us;
}

/* Has it ended? Then why[0] is 0 for a yes. */
static bool has_ended(struct run *run, char why[SEND_WHY_MAX])
{
    int status = 0;
    why[0] = '\0';
    if (run->pid == 0) {
        snprintf(why, SEND_WHY_MAX, "it cannot be run: %s", strerror(run->start_errno));
        return true;
    }
    if (waitpid(run->pid, &status, WNOHANG) != run->pid)
        return false;
    close(run->pidfd);
    if (run->is_killed)
        snprintf(why, SEND_WHY_MAX, "its time was over");
    else if (WIFSIGNALED(status))
        snprintf(why, SEND_WHY_MAX, "signal %d", WTERMSIG(status));
    else if (WEXITSTATUS(status) != 0)
        snprintf(why, SEND_WHY_MAX, "exit code %d", WEXITSTATUS(status));
    return true;
}

void programs_reap(struct programs *programs)
{
    const int64_t now_us = clock_mono_us();
    char why[SEND_WHY_MAX];
    for (uint32_t i = 0; i < programs->n;) {
        struct run *run = &programs->runs[i];
        if (has_ended(run, why)) {
            const struct attempt attempt = run->attempt;
            *run = programs->runs[--programs->n];
            programs->done(programs->arg, &attempt, why[0] != '\0' ? why : NULL);
            continue;
        }
        if (!run->is_killed && run->until_us <= now_us) {
            run->is_killed = true;
            kill(-run->pid, SIGKILL);
        }
        i++;
    }
}
