/* SPDX-License-Identifier: Apache-2.0
 * door.c - see door.h. */
#include "broker/door.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <uthash.h>

enum { REFUSED_IN_A_ROW = 1000 };

/* Frames queued for and from one peer. At 256 KiB a frame this is what one who floods, or never reads, can make
 * us hold: who has more to hear than that is taken for gone. Out, a source's 64 open chunks and an agent's share
 * of a beat fit twice and more, since ZeroMQ counts as queued up to half of what has left. */
static const struct {
    int in, out;
} queued[DOOR_ROLES] = {[ROLE_SOURCE - 1] = {32, 256},
                        [ROLE_AGENT - 1] = {256, 512},
                        [ROLE_WORKER - 1] = {64, 64},
                        [ROLE_OPERATOR - 1] = {16, 16}};

struct peer_key {
    uint8_t role, len, id[8];
};

struct peer {
    struct peer_key key;
    UT_hash_handle hh;
    uint32_t number;
    bool gone; /* told, or about to be */
    int64_t heard_us;
};

struct door {
    struct net *net;
    struct sock *socks[DOOR_ROLES];
    struct wire *wire; /* decodes; its arena lives until the next door_next() */
    struct wire *out;  /* encodes */
    struct peer *by_key;
    struct peer **peers; /* by number; [0] unused */
    uint32_t n_peers, room, *free, n_free;
    uint32_t *gone, n_gone;
    struct door_levels levels;
};

struct door *door_open(const char *const endpoints[DOOR_ROLES], char why[160])
{
    struct door *door = calloc(1, sizeof *door);
    assert(door);
    door->net = net_new();
    door->wire = wire_new();
    door->out = wire_new();
    door->n_peers = 1;
    for (int i = 0; i < DOOR_ROLES; i++)
        if (!(door->socks[i] = sock_bind(door->net, SOCK_ROUTER, endpoints[i], queued[i].in, queued[i].out, why))) {
            door_close(&door);
            return NULL;
        }
    return door;
}

void door_close(struct door **door_p)
{
    struct door *door = *door_p;
    if (!door)
        return;
    for (int i = 0; i < DOOR_ROLES; i++)
        sock_close(&door->socks[i]);
    HASH_CLEAR(hh, door->by_key);
    for (uint32_t i = 1; i < door->n_peers; i++)
        free(door->peers[i]);
    free(door->peers);
    free(door->free);
    free(door->gone);
    wire_destroy(&door->wire);
    wire_destroy(&door->out);
    net_destroy(&door->net);
    free(door);
    *door_p = NULL;
}

const char *door_endpoint(const struct door *door, enum role role)
{
    return sock_endpoint(door->socks[role - 1]);
}

void door_wait(struct door *door, unsigned roles, struct wait_fd *fds, int n_fds, int timeout_ms)
{
    struct sock *socks[DOOR_ROLES];
    int n = 0;
    for (int i = 0; i < DOOR_ROLES; i++)
        if (roles & 1u << (i + 1))
            socks[n++] = door->socks[i];
    net_wait(socks, n, fds, n_fds, timeout_ms);
}

/* ---- peers --------------------------------------------------------------------- */

static struct peer *peer_of(struct door *door, enum role role, const struct address *from)
{
    struct peer_key key = {.role = (uint8_t) role, .len = from->len};
    struct peer *peer;
    memcpy(key.id, from->id, from->len);
    HASH_FIND(hh, door->by_key, &key, sizeof key, peer);
    if (peer)
        return peer;
    peer = calloc(1, sizeof *peer);
    assert(peer);
    peer->key = key;
    if (door->n_free) {
        peer->number = door->free[--door->n_free];
    } else {
        if (door->n_peers >= door->room) {
            door->room = door->room ? door->room * 2 : 256;
            door->peers = realloc(door->peers, door->room * sizeof(struct peer *));
            door->free = realloc(door->free, door->room * sizeof *door->free);
            door->gone = realloc(door->gone, door->room * sizeof *door->gone);
            assert(door->peers && door->free && door->gone);
        }
        peer->number = door->n_peers++;
    }
    door->peers[peer->number] = peer;
    door->levels.peers++;
    HASH_ADD(hh, door->by_key, key, sizeof peer->key, peer);
    return peer;
}

static void tell_gone(struct door *door, struct peer *peer)
{
    if (peer->gone)
        return;
    peer->gone = true;
    door->gone[door->n_gone++] = peer->number;
}

bool door_gone(struct door *door, uint32_t *ret_peer)
{
    if (door->n_gone == 0)
        return false;
    struct peer *peer = door->peers[door->gone[--door->n_gone]];
    *ret_peer = peer->number;
    HASH_DEL(door->by_key, peer);
    door->peers[peer->number] = NULL;
    door->levels.peers--;
    free(peer);
    return true;
}

void door_free(struct door *door, uint32_t number)
{
    assert(!door->peers[number]);
    door->free[door->n_free++] = number;
}

void door_sweep(struct door *door, int64_t now_us, int64_t silent_us)
{
    for (uint32_t i = 1; i < door->n_peers; i++)
        if (door->peers[i] && now_us - door->peers[i]->heard_us > silent_us)
            tell_gone(door, door->peers[i]);
}

/* ---- frames ---------------------------------------------------------------------- */

static void refuse(struct door *door, uint32_t peer, enum reason reason, uint64_t seq, const char *text)
{
    struct msg msg = {.kind = MSG_ERROR, .error = {reason, seq, slice_of(text, strlen(text)), 0}};
    door->levels.bad++;
    door_send(door, peer, &msg);
}

bool door_next(struct door *door, enum role role, int64_t now_us, uint32_t *ret_peer, struct msg *ret_msg)
{
    struct address from;
    struct slice frame;
    /* Peers are read in turn, so a thousand bad frames on end means that nobody else waits. Not to go on
     * for ever: the sockets are still readable, and the next beat begins at once. */
    for (int n = 0; n < REFUSED_IN_A_ROW && sock_recv(door->socks[role - 1], &from, &frame); n++) {
        struct peer *peer = peer_of(door, role, &from);
        if (peer->gone)
            continue;
        peer->heard_us = now_us;
        door->levels.frames_in++;
        door->levels.bytes_in += frame.len;
        const enum reason reason = wire_decode(door->wire, frame.at, frame.len, ret_msg);
        if (reason != REASON_OK) {
            refuse(door, peer->number, reason, ret_msg->seq, wire_why(door->wire));
            continue;
        }
        if (ret_msg->kind == MSG_HELLO && ret_msg->hello.role != role) {
            refuse(door, peer->number, REASON_WRONG_ROLE, ret_msg->seq, "this socket is for another role");
            continue;
        }
        *ret_peer = peer->number;
        return true;
    }
    return false;
}

void door_send(struct door *door, uint32_t number, const struct msg *msg)
{
    struct slice frame;
    if (number >= door->n_peers || !door->peers[number] || door->peers[number]->gone)
        return;
    struct peer *peer = door->peers[number];
    struct address to = {.len = peer->key.len};
    memcpy(to.id, peer->key.id, sizeof to.id);
    const bool fits = wire_encode(door->out, msg, &frame);
    assert(fits); /* effects.c and report.c keep to the limit */
    switch (sock_send(door->socks[peer->key.role - 1], &to, frame)) {
    case SENT_OK:
        door->levels.frames_out++;
        door->levels.bytes_out += frame.len;
        break;
    case SENT_FULL: /* it does not read, and what it missed may be a withdrawal: it must say hello again */
        door->levels.dropped++;
        tell_gone(door, peer);
        break;
    case SENT_GONE:
        tell_gone(door, peer);
        break;
    }
}

void door_levels(const struct door *door, struct door_levels *ret)
{
    *ret = door->levels;
    for (int i = 0; i < DOOR_ROLES; i++)
        ret->bad += sock_dropped(door->socks[i]);
}
