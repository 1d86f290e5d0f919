/* SPDX-License-Identifier: Apache-2.0
 * door.h - peers and frames. One ROUTER socket a role, so that one role's flood
 * cannot starve another. A peer is a small number for its address on its role's
 * socket; numbers are the door's and say nothing about who somebody is. */
#ifndef TAKT_BROKER_DOOR_H
#define TAKT_BROKER_DOOR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net.h"
#include "proto/wire.h"

enum { DOOR_ROLES = 4 };

struct door;

/* `endpoints` by role - 1: source, agent, worker, operator. NULL and why[160] on failure. */
struct door *door_open(const char *const endpoints[DOOR_ROLES], char why[160]);
void door_close(struct door **door_p);
const char *door_endpoint(const struct door *door, enum role role);

/* Sleep until a frame or a descriptor is there, or the time is over. Only the
 * sockets of `roles` are looked at: 1 << role each. */
enum { ROLES_ALL = 1 << ROLE_SOURCE | 1 << ROLE_AGENT | 1 << ROLE_WORKER | 1 << ROLE_OPERATOR };
void door_wait(struct door *door, unsigned roles, struct wait_fd *fds, int n_fds, int timeout_ms);

/* The next message of this role's socket, decoded; it borrows until the next
 * call. Frames that are no valid message, or say hello in another role than the
 * socket's, are answered here and passed over. */
bool door_next(struct door *door, enum role role, int64_t now_us, uint32_t *ret_peer, struct msg *ret_msg);

/* Queue a message to the peer of this number. One that cannot be reached any more is reported by
 * door_gone() once. */
void door_send(struct door *door, uint32_t number, const struct msg *msg);
bool door_gone(struct door *door, uint32_t *ret_peer);

/* The number of a peer that is gone may be given to another one from now on:
 * nothing that was meant for the former can still be sent. */
void door_free(struct door *door, uint32_t number);

/* Peers not heard for this long are forgotten: each is reported by door_gone(). */
void door_sweep(struct door *door, int64_t now_us, int64_t silent_us);

struct door_levels {
    uint64_t frames_in, frames_out, bytes_in, bytes_out, bad, dropped;
    uint32_t peers;
};
void door_levels(const struct door *door, struct door_levels *ret);

#endif
