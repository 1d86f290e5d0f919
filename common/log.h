/* SPDX-License-Identifier: Apache-2.0
 * log.h - one line per event on stderr: time level event key=value...
 * Programs log; core, proto, client and common do not. Ids and reason codes
 * only: never a payload, at no level. */
#ifndef TAKT_COMMON_LOG_H
#define TAKT_COMMON_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO };

void log_open(const char *program, enum log_level level);
/* `event` is a stable dotted name ("store.fenced"); `format` makes the key=value part. */
void log_line(enum log_level level, const char *event, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
