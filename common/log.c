/* SPDX-License-Identifier: Apache-2.0
 * log.c - owns the level and the program's name: the only state of a process
 * that is set once and read from everywhere. One event is one write(2) to
 * stderr, so lines of several threads do not mix; control characters become
 * '?', so a value cannot forge a line. */
#include "common/log.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"

enum { LINE_BYTES_MAX = 1024 };

static struct {
    const char *program;
    enum log_level level;
} log_to = {"takt", LOG_INFO};

void log_open(const char *program, enum log_level level)
{
    log_to.program = program;
    log_to.level = level;
}

static size_t write_head(char *line, enum log_level level, const char *event)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    int64_t now_ms = clock_wall_ms();
    time_t now_s = (time_t) (now_ms / 1000);
    struct tm utc;
    char time_text[32];
    gmtime_r(&now_s, &utc);
    strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%S", &utc);
    int n = snprintf(line, LINE_BYTES_MAX, "%s.%03dZ %s %s %s ", time_text, (int) (now_ms % 1000), log_to.program,
                     names[level], event);
    return n < 0 ? 0 : (size_t) n < LINE_BYTES_MAX ? (size_t) n : LINE_BYTES_MAX - 1;
}

void log_line(enum log_level level, const char *event, const char *format, ...)
{
    if (level > log_to.level)
        return;
    char line[LINE_BYTES_MAX + 1];
    size_t len = write_head(line, level, event);
    va_list args;
    va_start(args, format);
    int n = vsnprintf(line + len, LINE_BYTES_MAX - len, format, args);
    va_end(args);
    if (n > 0)
        len = (size_t) n < LINE_BYTES_MAX - len ? len + (size_t) n : LINE_BYTES_MAX - 1;
    for (size_t i = 0; i < len; i++)
        if ((unsigned char) line[i] < 0x20 || line[i] == 0x7f)
            line[i] = '?';
    line[len++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, len);
    (void) written; /* nowhere left to complain to */
}
