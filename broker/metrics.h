/* SPDX-License-Identifier: Apache-2.0
 * metrics.h - Prometheus text over HTTP, on a port of its own, served from the
 * broker's own loop by libmicrohttpd without threads. */
#ifndef TAKT_BROKER_METRICS_H
#define TAKT_BROKER_METRICS_H

#include "broker/beat.h"
#include "broker/door.h"
#include "broker/store.h"
#include "common/net.h"
#include "core/core.h"

struct metrics;

/* `address` is "127.0.0.1:PORT"; only loopback. NULL and why[160] on failure. The
 * parts are read at each request. */
struct metrics *metrics_open(const char *address, struct core *core, const struct store *store, const struct door *door,
                             char why[160]);
void metrics_beat(struct metrics *metrics, const struct beat *beat); /* read from now on */
void metrics_close(struct metrics **metrics_p);
int metrics_wait_fd(const struct metrics *metrics, struct wait_fd *ret_fd); /* returns 1 */
void metrics_run(struct metrics *metrics);

#endif
