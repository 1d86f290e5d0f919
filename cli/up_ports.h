/* SPDX-License-Identifier: Apache-2.0
 * up_ports.h - the loopback ports of one `takt up`, kept from start to start.
 *
 * Free ports are taken below the kernel's range for outgoing connections: a port
 * inside it may be lent to somebody else while the broker restarts. */
#ifndef TAKT_CLI_UP_PORTS_H
#define TAKT_CLI_UP_PORTS_H

#include <stdbool.h>
#include <stddef.h>

enum { UP_SOURCE, UP_AGENT, UP_WORKER, UP_OPERATOR, UP_METRICS, UP_PORTS };

struct up_ports {
    int port[UP_PORTS];
};

/* `base` 0: those named in the file `last` where they are free, else free ones.
 * Returns false after saying on stderr which port of the wanted ones is taken. */
bool up_ports_choose(struct up_ports *ports, const char *last, int base);

/* "tcp://127.0.0.1:7701", and "127.0.0.1:7705" for the metrics. */
void up_port_address(const struct up_ports *ports, int which, char ret_address[64]);

const char *up_port_role(int which); /* "source" */

/* The lines of the endpoints file, one a role; returns the length. */
size_t up_ports_text(const struct up_ports *ports, char *to, size_t room);

#endif
