/* SPDX-License-Identifier: Apache-2.0
 * fake_broker.h - a broker in the hands of a test: a ROUTER and the codec, no
 * rules. The test says what is answered. Everything waits with a bound and fails
 * the test when it is over. While it waits, the client under test is driven by
 * `drive`, so both ends live in one thread. */
#ifndef TAKT_TESTS_FAKE_BROKER_H
#define TAKT_TESTS_FAKE_BROKER_H

#include "common/net.h"
#include "proto/wire.h"

enum { PATIENCE_MS = 5000, FAKE_HEARTBEAT_MS = 5000, FAKE_LEASE_MS = 20000 };

struct fake_broker {
    struct net *net;
    struct sock *router;
    struct wire *wire;
    struct address peer; /* who spoke last */
    char endpoint[128];
    uint64_t session, seq; /* of what is sent */
    uint32_t heartbeat_ms, guard_ms;
    void (*drive)(void *context); /* one step of the client; does not wait */
    void *context;
};

void fake_open(struct fake_broker *fake);   /* on a free port */
void fake_reopen(struct fake_broker *fake); /* on the same port, as after a crash; forgets the session */
void fake_close_router(struct fake_broker *fake);
void fake_close(struct fake_broker *fake);

/* The next frame; expect fails the test if it is not of `kind`. Heartbeats are
 * skipped unless they are asked for. *ret_msg is borrowed until the next one. */
bool fake_take(struct fake_broker *fake, struct msg *ret_msg, int patience_ms);
void fake_expect(struct fake_broker *fake, enum msg_kind kind, struct msg *ret_msg);

void fake_send(struct fake_broker *fake, const struct msg *msg); /* session and seq are set */
void fake_welcome(struct fake_broker *fake, uint64_t session);   /* expects the hello first */
void fake_heartbeat(struct fake_broker *fake);                   /* expects one and answers it */
void fake_refuse(struct fake_broker *fake, enum reason reason, uint64_t seq, uint32_t retry_after_ms);

#endif
