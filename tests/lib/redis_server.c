/* SPDX-License-Identifier: Apache-2.0
 * redis_server.c - start, kill, restart a private redis-server.
 *
 * The child dies with the test (PR_SET_PDEATHSIG), so a test that aborts leaves no
 * server behind; its folder under /tmp it does leave, for whoever asks why. */
#include "tests/lib/redis_server.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

enum { ARGUMENTS_MAX = 64, PATH_BYTES = 512, START_US = 10 * 1000 * 1000 };

struct redis_server {
    pid_t pid; /* 0: not running */
    char folder[64], address[96];
    char *arguments[ARGUMENTS_MAX];
    int n_arguments;
    char *power_shim;
    int fsync_delay_ms;
    redisContext *redis;
};

static _Noreturn void give_up(const struct redis_server *server, const char *what)
{
    fprintf(stderr, "redis-server in %s: %s\n", server->folder, what);
    abort();
}

static void add_argument(struct redis_server *server, const char *argument)
{
    if (server->n_arguments == ARGUMENTS_MAX - 1)
        give_up(server, "too many arguments");
    server->arguments[server->n_arguments++] = strdup(argument);
}

static void run_child(const struct redis_server *server, pid_t parent)
{
    char path[PATH_BYTES], number[16];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(1);
    snprintf(path, sizeof path, "%s/server.log", server->folder);
    const int log = open(path, O_CREAT | O_WRONLY | O_APPEND, 0600);
    if (log >= 0) {
        dup2(log, STDOUT_FILENO);
        dup2(log, STDERR_FILENO);
    }
    if (server->power_shim != NULL) {
        snprintf(number, sizeof number, "%d", server->fsync_delay_ms);
        setenv("LD_PRELOAD", server->power_shim, 1);
        setenv("FSYNC_DELAY_MS", number, 1);
    }
    execvp(server->arguments[0], server->arguments);
    _exit(127);
}

static bool answers(struct redis_server *server)
{
    redisContext *redis = redisConnectUnix(server->address + strlen("unix:"));
    redisReply *reply = redis != NULL && redis->err == 0 ? redisCommand(redis, "PING") : NULL;
    const bool ready = reply != NULL && reply->type == REDIS_REPLY_STATUS;
    if (reply != NULL)
        freeReplyObject(reply);
    if (ready)
        server->redis = redis;
    else if (redis != NULL)
        redisFree(redis);
    return ready;
}

void redis_server_restart(struct redis_server *server)
{
    const pid_t parent = getpid();
    const int64_t deadline_us = clock_mono_us() + START_US;
    server->pid = fork();
    if (server->pid == 0)
        run_child(server, parent);
    if (server->pid < 0)
        give_up(server, "fork failed");
    while (!answers(server)) {
        const struct timespec pause = {.tv_nsec = 2 * 1000 * 1000};
        if (waitpid(server->pid, NULL, WNOHANG) == server->pid)
            give_up(server, "it ended at once; see server.log there");
        if (clock_mono_us() > deadline_us)
            give_up(server, "no answer");
        nanosleep(&pause, NULL);
    }
}

struct redis_server *redis_server_start(const struct redis_server_options *options)
{
    static const char *const base[] = {"--port", "0", "--appendonly", "yes", "--appendfsync", "always", "--save",
                                       "",       NULL};
    struct redis_server *server = calloc(1, sizeof *server);
    if (server == NULL)
        abort();
    snprintf(server->folder, sizeof server->folder, "/tmp/takt-redis-XXXXXX");
    if (mkdtemp(server->folder) == NULL)
        give_up(server, "no folder");
    snprintf(server->address, sizeof server->address, "unix:%s/redis.sock", server->folder);
    add_argument(server, "redis-server");
    add_argument(server, "--dir");
    add_argument(server, server->folder);
    add_argument(server, "--unixsocket");
    add_argument(server, server->address + strlen("unix:"));
    for (int i = 0; base[i] != NULL; i++)
        add_argument(server, base[i]);
    for (int i = 0; options != NULL && options->arguments != NULL && options->arguments[i] != NULL; i++)
        add_argument(server, options->arguments[i]);
    if (options != NULL && options->power_shim != NULL)
        server->power_shim = strdup(options->power_shim);
    server->fsync_delay_ms = options != NULL ? options->fsync_delay_ms : 0;
    redis_server_restart(server);
    return server;
}

const char *redis_server_address(const struct redis_server *server)
{
    return server->address;
}

const char *redis_server_folder(const struct redis_server *server)
{
    return server->folder;
}

void redis_server_kill(struct redis_server *server)
{
    if (server->pid == 0)
        return;
    kill(server->pid, SIGKILL);
    waitpid(server->pid, NULL, 0);
    server->pid = 0;
    if (server->redis != NULL)
        redisFree(server->redis);
    server->redis = NULL;
}

/* The size the file had at its last fsync; the shim wrote it down beside it. */
static long long synced_size(const char *path)
{
    char note[PATH_BYTES + 16];
    long long size = 0;
    snprintf(note, sizeof note, "%s.synced", path);
    FILE *file = fopen(note, "r");
    if (file == NULL)
        return 0;
    if (fscanf(file, "%lld", &size) != 1)
        size = 0;
    fclose(file);
    return size;
}

void redis_server_cut_power(struct redis_server *server)
{
    static const char suffix[] = ".incr.aof";
    char folder[PATH_BYTES / 2], path[PATH_BYTES];
    redis_server_kill(server);
    if (server->power_shim == NULL)
        give_up(server, "its power cannot be cut: it runs without the shim");
    snprintf(folder, sizeof folder, "%s/appendonlydir", server->folder);
    DIR *files = opendir(folder);
    const struct dirent *file;
    while (files != NULL && (file = readdir(files)) != NULL) {
        const size_t len = strlen(file->d_name);
        if (len < strlen(suffix) || strcmp(file->d_name + len - strlen(suffix), suffix) != 0)
            continue;
        snprintf(path, sizeof path, "%s/%.200s", folder, file->d_name);
        if (truncate(path, (off_t) synced_size(path)) != 0)
            give_up(server, "a file could not be cut");
    }
    if (files != NULL)
        closedir(files);
}

static int remove_one(const char *path, const struct stat *status, int flag, struct FTW *walk)
{
    (void) status;
    (void) flag;
    (void) walk;
    return remove(path);
}

void redis_server_stop(struct redis_server **server_p)
{
    struct redis_server *server = *server_p;
    *server_p = NULL;
    if (server == NULL)
        return;
    redis_server_kill(server);
    nftw(server->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    for (int i = 0; i < server->n_arguments; i++)
        free(server->arguments[i]);
    free(server->power_shim);
    free(server);
}

static redisReply *command(struct redis_server *server, const char *format, va_list arguments)
{
    redisReply *reply = redisvCommand(server->redis, format, arguments);
    if (reply == NULL)
        give_up(server, "no reply to a command");
    return reply;
}

redisReply *redis_server_command(struct redis_server *server, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = command(server, format, arguments);
    va_end(arguments);
    return reply;
}

long long redis_server_integer(struct redis_server *server, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = command(server, format, arguments);
    va_end(arguments);
    if (reply->type != REDIS_REPLY_INTEGER)
        give_up(server, "a number was expected");
    const long long integer = reply->integer;
    freeReplyObject(reply);
    return integer;
}

int redis_server_setup(void **state)
{
    *state = redis_server_start(NULL);
    return 0;
}

int redis_server_teardown(void **state)
{
    struct redis_server *server = *state;
    redis_server_stop(&server);
    return 0;
}
