/* SPDX-License-Identifier: Apache-2.0
 * supervise.c - one poll loop over a signalfd and a pipe per child.
 *
 * A child that dies is started again at once. Only one that dies within
 * QUICK_DEATH_MS of its start waits, twice as long each time, so that a broken
 * configuration does not spin while a killed process is back within a second. */
#include "cli/supervise.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"

enum {
    QUICK_DEATH_MS = 2000,
    BACKOFF_FIRST_MS = 100,
    BACKOFF_MAX_MS = 5000,
    LOG_BYTES_MAX = 10 * 1024 * 1024,
    LINE_MAX_BYTES = 4096,
};

struct child {
    char *name;
    char *args[SUPERVISE_ARGS_MAX];
    char *ready_word, *final_why;
    int final_exit;
    pid_t pid; /* 0 = not running */
    int output_fd, log_fd;
    int64_t log_bytes;
    bool ready, stopping, ended;    /* ended: stays so */
    int64_t started_us, restart_us; /* restart_us 0 = no restart planned */
    int64_t backoff_ms;
    uint32_t deaths;
    char line[LINE_MAX_BYTES]; /* the output's last line so far, for ready_word */
    char ready_line[LINE_MAX_BYTES];
    size_t line_len;
};

struct supervisor {
    char *log_dir;
    int keep_fd, signal_fd;
    sigset_t old_mask;
    supervise_tell_fn *tell; /* NULL: nobody asked */
    void *tell_arg;
    int n_children;
    struct child *children[SUPERVISE_CHILDREN_MAX];
};

static char *copy_text(const char *text)
{
    if (!text)
        return NULL;
    char *copy = strdup(text);
    if (!copy)
        abort();
    return copy;
}

static void *alloc_zeroed(size_t size)
{
    void *at = calloc(1, size);
    if (!at)
        abort();
    return at;
}

struct supervisor *supervise_new(const char *log_dir, int keep_fd)
{
    struct supervisor *s = alloc_zeroed(sizeof *s);
    s->log_dir = copy_text(log_dir);
    s->keep_fd = keep_fd;
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGHUP);
    sigaddset(&mask, SIGCHLD);
    sigprocmask(SIG_BLOCK, &mask, &s->old_mask);
    s->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
    if (s->signal_fd < 0)
        abort();
    return s;
}

void supervise_tell(struct supervisor *s, supervise_tell_fn *tell, void *arg)
{
    s->tell = tell;
    s->tell_arg = arg;
}

static void tell_event(const struct supervisor *s, const struct child_event *event)
{
    if (s->tell)
        s->tell(s->tell_arg, event);
}

static void set_ready(const struct supervisor *s, struct child *child)
{
    if (!child->ready)
        tell_event(s, &(struct child_event){.name = child->name, .pid = child->pid, .is_up = true});
    child->ready = true;
}

/* ---- a child's log -------------------------------------------------------------- */

static void open_log(struct supervisor *s, struct child *child)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.log", s->log_dir, child->name);
    child->log_fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    struct stat st;
    child->log_bytes = child->log_fd >= 0 && fstat(child->log_fd, &st) == 0 ? st.st_size : 0;
    if (child->log_fd < 0)
        fprintf(stderr, "takt up: %s: %s; its output is lost\n", path, strerror(errno));
}

static void rotate_log(struct supervisor *s, struct child *child)
{
    char path[4096], old[4200];
    snprintf(path, sizeof path, "%s/%s.log", s->log_dir, child->name);
    snprintf(old, sizeof old, "%s.1", path);
    close(child->log_fd);
    rename(path, old);
    open_log(s, child);
}

static void write_log(struct supervisor *s, struct child *child, const char *bytes, size_t len)
{
    int fd = s->log_dir ? child->log_fd : STDERR_FILENO;
    while (fd >= 0 && len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* disk full: the children must go on all the same */
        bytes += n;
        len -= (size_t) n;
        child->log_bytes += n;
    }
    if (s->log_dir && child->log_bytes > LOG_BYTES_MAX)
        rotate_log(s, child);
}

static void watch_line(const struct supervisor *s, struct child *child, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != '\n') {
            if (child->line_len < sizeof child->line - 1)
                child->line[child->line_len++] = bytes[i];
            continue;
        }
        child->line[child->line_len] = '\0';
        child->line_len = 0;
        if (child->ready_word && strstr(child->line, child->ready_word)) {
            set_ready(s, child);
            memcpy(child->ready_line, child->line, sizeof child->ready_line);
        }
    }
}

/* Returns false at the end of the output. */
static bool take_output(struct supervisor *s, struct child *child)
{
    char bytes[16384];
    for (;;) {
        ssize_t n = read(child->output_fd, bytes, sizeof bytes);
        if (n > 0) {
            watch_line(s, child, bytes, (size_t) n);
            write_log(s, child, bytes, (size_t) n);
            continue;
        }
        return n < 0 && (errno == EAGAIN || errno == EINTR);
    }
}

/* ---- start and end -------------------------------------------------------------- */

static _Noreturn void become_child(const struct supervisor *s, const struct child *child, int output_fd, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);  /* the parent died before prctl() */
    setpgid(0, 0); /* Ctrl-C is for the supervisor, which stops its children in order */
    sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
    int null_fd = open("/dev/null", O_RDONLY);
    dup2(null_fd, STDIN_FILENO);
    dup2(output_fd, STDOUT_FILENO);
    dup2(output_fd, STDERR_FILENO);
    if (s->keep_fd >= 0)
        fcntl(s->keep_fd, F_SETFD, 0);
    execv(child->args[0], child->args);
    dprintf(STDERR_FILENO, "cannot run %s: %s\n", child->args[0], strerror(errno));
    _exit(127);
}

static void launch(struct supervisor *s, struct child *child)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        abort();
    fcntl(ends[0], F_SETFL, O_NONBLOCK);
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid == 0)
        become_child(s, child, ends[1], parent);
    close(ends[1]);
    child->restart_us = 0;
    child->started_us = clock_mono_us();
    child->line_len = 0;
    if (pid < 0) {
        close(ends[0]);
        child->restart_us = child->started_us + BACKOFF_MAX_MS * 1000;
        fprintf(stderr, "takt up: %s: fork: %s; trying again in %d s\n", child->name, strerror(errno),
                BACKOFF_MAX_MS / 1000);
        return;
    }
    child->pid = pid;
    child->output_fd = ends[0];
    if (!child->ready_word)
        set_ready(s, child);
}

int supervise_start(struct supervisor *s, const struct child_options *options)
{
    assert(s->n_children < SUPERVISE_CHILDREN_MAX);
    struct child *child = alloc_zeroed(sizeof *child);
    child->name = copy_text(options->name);
    for (int i = 0; i < SUPERVISE_ARGS_MAX - 1 && options->args[i]; i++)
        child->args[i] = copy_text(options->args[i]);
    child->ready_word = copy_text(options->ready_word);
    child->final_exit = options->final_exit;
    child->final_why = copy_text(options->final_why);
    child->output_fd = child->log_fd = -1;
    if (s->log_dir)
        open_log(s, child);
    s->children[s->n_children] = child;
    launch(s, child);
    return s->n_children++;
}

static void tell_death(const struct child *child, int status, int64_t wait_ms)
{
    char how[64], next[64] = "starting it again";
    if (WIFSIGNALED(status))
        snprintf(how, sizeof how, "was killed by signal %d", WTERMSIG(status));
    else
        snprintf(how, sizeof how, "ended with exit code %d", WEXITSTATUS(status));
    if (child->ended)
        snprintf(next, sizeof next, "it stays ended");
    else if (wait_ms > 0)
        snprintf(next, sizeof next, "starting it again in %lld ms", (long long) wait_ms);
    fprintf(stderr, "takt up: %s (pid %d) %s%s%s; %s\n", child->name, (int) child->pid, how, child->ended ? ": " : "",
            child->ended ? child->final_why : "", next);
}

static void bury(struct supervisor *s, struct child *child, int status)
{
    if (child->output_fd >= 0) {
        take_output(s, child);
        close(child->output_fd);
        child->output_fd = -1;
    }
    int64_t restart_ms = -1;
    child->deaths++;
    child->ready = false;
    if (!child->stopping) {
        int64_t now_us = clock_mono_us();
        bool quick = now_us - child->started_us < QUICK_DEATH_MS * 1000;
        if (!quick)
            child->backoff_ms = 0;
        child->ended = child->final_exit != 0 && WIFEXITED(status) && WEXITSTATUS(status) == child->final_exit;
        tell_death(child, status, child->backoff_ms);
        restart_ms = child->ended ? -1 : child->backoff_ms;
        if (!child->ended)
            child->restart_us = now_us + child->backoff_ms * 1000;
        if (quick)
            child->backoff_ms = child->backoff_ms == 0 ? BACKOFF_FIRST_MS : 2 * child->backoff_ms;
        if (child->backoff_ms > BACKOFF_MAX_MS)
            child->backoff_ms = BACKOFF_MAX_MS;
    }
    tell_event(s, &(struct child_event){child->name, child->pid, false, status, restart_ms});
    child->pid = 0;
}

static void reap(struct supervisor *s)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < s->n_children; i++)
            if (s->children[i]->pid == pid)
                bury(s, s->children[i], status);
}

/* ---- the loop ------------------------------------------------------------------- */

static int take_signals(struct supervisor *s)
{
    struct signalfd_siginfo info;
    int asked = 0;
    while (read(s->signal_fd, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGCHLD)
            reap(s);
        else
            asked = info.ssi_signo == SIGHUP ? SIGTERM : (int) info.ssi_signo;
    }
    return asked;
}

static int restart_due(struct supervisor *s, int timeout_ms)
{
    int64_t now_us = clock_mono_us();
    for (int i = 0; i < s->n_children; i++) {
        struct child *child = s->children[i];
        if (child->restart_us == 0 || child->stopping)
            continue;
        if (child->restart_us <= now_us) {
            launch(s, child);
            continue;
        }
        int left_ms = (int) ((child->restart_us - now_us + 999) / 1000);
        if (timeout_ms < 0 || left_ms < timeout_ms)
            timeout_ms = left_ms;
    }
    return timeout_ms;
}

int supervise_turn(struct supervisor *s, int timeout_ms)
{
    timeout_ms = restart_due(s, timeout_ms);
    struct pollfd fds[1 + SUPERVISE_CHILDREN_MAX] = {{.fd = s->signal_fd, .events = POLLIN}};
    struct child *of_fd[1 + SUPERVISE_CHILDREN_MAX];
    nfds_t n = 1;
    for (int i = 0; i < s->n_children; i++)
        if (s->children[i]->output_fd >= 0) {
            of_fd[n] = s->children[i];
            fds[n++] = (struct pollfd){.fd = s->children[i]->output_fd, .events = POLLIN};
        }
    if (poll(fds, n, timeout_ms) < 0 && errno != EINTR)
        abort();
    for (nfds_t i = 1; i < n; i++)
        if (fds[i].revents && !take_output(s, of_fd[i])) {
            close(of_fd[i]->output_fd); /* it closed its output; its death comes as a signal */
            of_fd[i]->output_fd = -1;
        }
    int asked = take_signals(s);
    restart_due(s, -1);
    return asked;
}

void supervise_stop(struct supervisor *s, int number, int patience_ms)
{
    struct child *child = s->children[number];
    child->stopping = true;
    child->restart_us = 0;
    if (child->pid == 0)
        return;
    bool killed = patience_ms == 0;
    kill(child->pid, killed ? SIGKILL : SIGTERM);
    int64_t until_us = clock_mono_us() + (int64_t) patience_ms * 1000;
    while (child->pid != 0) {
        int64_t left_us = until_us - clock_mono_us();
        if (left_us <= 0 && !killed) {
            fprintf(stderr, "takt up: %s (pid %d) does not end; killing it\n", child->name, (int) child->pid);
            kill(child->pid, SIGKILL);
            killed = true;
        }
        supervise_turn(s, killed ? 1000 : (int) (left_us / 1000) + 1);
    }
}

const char *supervise_ready_line(const struct supervisor *s, int child)
{
    return s->children[child]->ready_line;
}

bool supervise_is_ready(const struct supervisor *s, int child)
{
    return s->children[child]->pid != 0 && s->children[child]->ready;
}

bool supervise_is_up(const struct supervisor *s, int child)
{
    return s->children[child]->pid != 0;
}

pid_t supervise_pid(const struct supervisor *s, int child)
{
    return s->children[child]->pid;
}

uint32_t supervise_deaths(const struct supervisor *s, int child)
{
    return s->children[child]->deaths;
}

void supervise_destroy(struct supervisor **supervisor_p)
{
    struct supervisor *s = *supervisor_p;
    if (!s)
        return;
    for (int i = s->n_children - 1; i >= 0; i--)
        supervise_stop(s, i, 0);
    for (int i = 0; i < s->n_children; i++) {
        struct child *child = s->children[i];
        if (child->log_fd >= 0)
            close(child->log_fd);
        for (int k = 0; k < SUPERVISE_ARGS_MAX; k++)
            free(child->args[k]);
        free(child->name);
        free(child->ready_word);
        free(child->final_why);
        free(child);
    }
    close(s->signal_fd);
    sigprocmask(SIG_SETMASK, &s->old_mask, NULL);
    free(s->log_dir);
    free(s);
    *supervisor_p = NULL;
}
