/* SPDX-License-Identifier: Apache-2.0
 * power.c - an LD_PRELOAD for redis-server that knows what a power cut would leave:
 * beside each append-only file it writes down the size that was last synced.
 * tests/lib/redis_server.c cuts the file to that size after a kill -9.
 *
 * FSYNC_DELAY_MS makes the disk slow: each sync takes that much longer. What it
 * cannot show is a disk that lies about having synced. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

typedef int sync_fn(int fd);

/* Before the real call: what is written later than this is not covered by it. */
static long long size_of(int fd)
{
    struct stat status;
    return fstat(fd, &status) == 0 ? (long long) status.st_size : -1;
}

static void write_down(int fd, long long size)
{
    char link[64], path[512], note[544], text[32];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    const ssize_t len = readlink(link, path, sizeof path - 1);
    if (len <= 0 || size < 0)
        return;
    path[len] = '\0';
    if (strstr(path, ".aof") == NULL)
        return;
    snprintf(note, sizeof note, "%s.synced", path);
    const int file = open(note, O_CREAT | O_WRONLY, 0600);
    if (file < 0)
        return;
    const int text_len = snprintf(text, sizeof text, "%-20lld\n", size); /* one length: one write replaces it whole */
    if (pwrite(file, text, (size_t) text_len, 0) != text_len)
        abort();
    close(file);
}

static int sync_and_note(const char *name, int fd)
{
    sync_fn *real;
    void *symbol = dlsym(RTLD_NEXT, name);
    memcpy(&real, &symbol, sizeof real);
    const char *delay = getenv("FSYNC_DELAY_MS");
    const int delay_ms = delay != NULL ? atoi(delay) : 0;
    const struct timespec pause = {.tv_sec = delay_ms / 1000, .tv_nsec = delay_ms % 1000 * 1000000L};
    const long long size = size_of(fd);
    if (delay_ms > 0)
        nanosleep(&pause, NULL);
    const int failed = real(fd);
    if (!failed)
        write_down(fd, size);
    return failed;
}

int fdatasync(int fd)
{
    return sync_and_note("fdatasync", fd);
}

int fsync(int fd)
{
    return sync_and_note("fsync", fd);
}
