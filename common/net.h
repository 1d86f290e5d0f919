/* SPDX-License-Identifier: Apache-2.0
 * net.h - ZeroMQ sockets as takt uses them: one frame a message, nothing blocks,
 * bounded queues. The only code that knows zmq.h.
 *
 * ROUTERs: MANDATORY, no HANDOVER, ids made by the socket; MAXMSGSIZE, HWM,
 * BACKLOG, HANDSHAKE_IVL set before bind. DEALERs: IMMEDIATE, small LINGER, no
 * routing id. Until encryption exists only loopback, ipc and inproc endpoints
 * are accepted, for bind and for connect. */
#ifndef TAKT_COMMON_NET_H
#define TAKT_COMMON_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/msg.h"

struct net; /* a context: one a process */
struct sock;

struct address {
    uint8_t len, id[8];
}; /* of a peer of a ROUTER; not an identity */

enum sock_kind { SOCK_ROUTER, SOCK_DEALER };

enum sock_sent { SENT_OK, SENT_FULL, SENT_GONE }; /* queued is not delivered */

struct net *net_new(void);
void net_destroy(struct net **net_p); /* close every sock first */

/* Take as many descriptors as the hard limit allows, up to `wanted`. A connection needs one at
 * the ROUTER; a listener that has none left turns its thread round and round. */
void net_raise_fds(uint64_t wanted);

/* Returns NULL and a sentence in why[160] on failure. `endpoint` as in ZeroMQ
 * ("tcp://127.0.0.1:*", "ipc:///run/x"). At most `hwm` messages wait each way, for each peer
 * of a ROUTER; more are not read, or SENT_FULL. */
struct sock *sock_bind(struct net *net, enum sock_kind kind, const char *endpoint, int hwm_in, int hwm_out,
                       char why[160]);
struct sock *sock_connect(struct net *net, enum sock_kind kind, const char *endpoint, int hwm, char why[160]);
void sock_close(struct sock **sock_p);
const char *sock_endpoint(const struct sock *sock); /* as bound, port filled in */

/* Take one frame if there is one. *ret_frame is borrowed until the next
 * sock_recv() on this sock. Messages of more than one frame are dropped whole
 * and counted; after a thousand of them in a row it returns false, and net_wait()
 * at once. ret_from may be NULL for a DEALER. */
bool sock_recv(struct sock *sock, struct address *ret_from, struct slice *ret_frame);
uint64_t sock_dropped(const struct sock *sock);

/* Whether a DEALER has its connection and room to send: a loss shows here at
 * once, a full send queue looks the same, and net_wait() returns when the answer
 * changes. *ret_readable (may be NULL): a frame came since the last sock_recv(). */
bool sock_connected(struct sock *sock, bool *ret_readable);

/* Copy the frame into the socket's queue. `to` is NULL for a DEALER. */
enum sock_sent sock_send(struct sock *sock, const struct address *to, struct slice frame);

/* Wait until a sock can be read, an fd is ready, or the time is over (-1: no
 * limit). Any of the counts may be 0. */
struct wait_fd {
    int fd;
    bool want_write, readable, writable;
};
void net_wait(struct sock *const *socks, int n_socks, struct wait_fd *fds, int n_fds, int timeout_ms);

/* The socket's own descriptor for a foreign loop: edge-triggered, so call
 * sock_recv() until false after every wake-up and after every sock_send(). */
int sock_fd(const struct sock *sock);

bool endpoint_is_local(const char *endpoint);

#endif
