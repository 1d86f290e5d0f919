/* SPDX-License-Identifier: Apache-2.0
 * file.c - see file.h. */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_ROOM = 4096 };

static bool write_all(int fd, const uint8_t *at, size_t len)
{
    while (len > 0) {
        const ssize_t n = write(fd, at, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += n;
        len -= (size_t) n;
    }
    return true;
}

/* What went wrong first is what is told. */
static bool close_with(int fd, bool done)
{
    const int kept_errno = errno;
    close(fd);
    errno = kept_errno;
    return done;
}

static bool write_synced(int fd, const void *bytes, size_t len)
{
    return fd >= 0 && close_with(fd, write_all(fd, bytes, len) && fdatasync(fd) == 0);
}

bool file_put(const char *path, const void *bytes, size_t len, mode_t mode)
{
    char fresh[PATH_ROOM];
    if (snprintf(fresh, sizeof fresh, "%s.new", path) >= (int) sizeof fresh) {
        errno = ENAMETOOLONG;
        return false;
    }
    if (write_synced(open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode), bytes, len))
        return file_move(fresh, path);
    const int kept_errno = errno;
    unlink(fresh); /* a full disk has better use for it */
    errno = kept_errno;
    return false;
}

bool file_add(const char *path, const void *bytes, size_t len)
{
    return write_synced(open(path, O_WRONLY | O_APPEND | O_CLOEXEC), bytes, len);
}

bool file_move(const char *fresh, const char *path)
{
    char folder[PATH_ROOM] = ".";
    const char *slash = strrchr(path, '/');
    if (slash != NULL)
        snprintf(folder, sizeof folder, "%.*s", (int) (slash - path) + 1, path);
    if (rename(fresh, path) != 0)
        return false;
    const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 && close_with(fd, fsync(fd) == 0);
}
