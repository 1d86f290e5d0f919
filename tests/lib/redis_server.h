/* SPDX-License-Identifier: Apache-2.0
 * redis_server.h - a redis-server of a test's own: on a UNIX socket in a folder of
 * its own, append-only with fsync always, ended with the test. It can be killed,
 * started again, and have its power cut. */
#ifndef TAKT_TESTS_LIB_REDIS_SERVER_H
#define TAKT_TESTS_LIB_REDIS_SERVER_H

#include <stdbool.h>

#include <hiredis/hiredis.h>

struct redis_server;

struct redis_server_options {
    const char *const *arguments; /* more of them, NULL at the end; may be NULL */
    const char *power_shim;       /* tests/fault/power.c as built; NULL: power cannot be cut */
    int fsync_delay_ms;           /* with the shim: a slow disk */
};

/* Aborts with a message when it does not answer within 10 s. options may be NULL. */
struct redis_server *redis_server_start(const struct redis_server_options *options);
const char *redis_server_address(const struct redis_server *server); /* "unix:..." */
const char *redis_server_folder(const struct redis_server *server);

void redis_server_kill(struct redis_server *server);      /* kill -9 */
void redis_server_cut_power(struct redis_server *server); /* and every byte that was not synced is gone */
void redis_server_restart(struct redis_server *server);   /* after either */
void redis_server_stop(struct redis_server **server_p);   /* kill, and remove its folder */

/* Of a group of tests, whose state it is. */
int redis_server_setup(void **state);
int redis_server_teardown(void **state);

/* One command on a connection of its own; the reply is yours to free. Aborts when there is none. */
redisReply *redis_server_command(struct redis_server *server, const char *format, ...);
long long redis_server_integer(struct redis_server *server, const char *format, ...);

#endif
