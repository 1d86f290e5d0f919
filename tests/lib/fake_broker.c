/* SPDX-License-Identifier: Apache-2.0
 * fake_broker.c - see fake_broker.h. */
#include "tests/lib/fake_broker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/clock.h"

void fake_open(struct fake_broker *fake)
{
    char why[160];
    *fake = (struct fake_broker){.heartbeat_ms = FAKE_HEARTBEAT_MS};
    fake->net = net_new();
    fake->wire = wire_new();
    fake->router = sock_bind(fake->net, SOCK_ROUTER, "tcp://127.0.0.1:*", 1000, 1000, why);
    assert_non_null(fake->router);
    snprintf(fake->endpoint, sizeof fake->endpoint, "%s", sock_endpoint(fake->router));
}

void fake_close_router(struct fake_broker *fake)
{
    sock_close(&fake->router);
}

void fake_reopen(struct fake_broker *fake)
{
    char why[160];
    sock_close(&fake->router);
    fake->session = 0;
    int64_t until_us = clock_mono_us() + PATIENCE_MS * 1000;
    while (!(fake->router = sock_bind(fake->net, SOCK_ROUTER, fake->endpoint, 1000, 1000, why))) {
        assert_true(clock_mono_us() < until_us); /* the old socket is closed in the background */
        net_wait(NULL, 0, NULL, 0, 5);
    }
}

void fake_close(struct fake_broker *fake)
{
    sock_close(&fake->router);
    wire_destroy(&fake->wire);
    net_destroy(&fake->net);
}

bool fake_take(struct fake_broker *fake, struct msg *ret_msg, int patience_ms)
{
    struct slice frame;
    int64_t until_us = clock_mono_us() + (int64_t) patience_ms * 1000;
    while (!sock_recv(fake->router, &fake->peer, &frame)) {
        if (clock_mono_us() >= until_us)
            return false;
        if (fake->drive)
            fake->drive(fake->context);
        net_wait(&fake->router, 1, NULL, 0, 2);
    }
    if (wire_decode(fake->wire, frame.at, frame.len, ret_msg) != REASON_OK)
        fail_msg("the client sent a bad frame: %s", wire_why(fake->wire));
    return true;
}

void fake_expect(struct fake_broker *fake, enum msg_kind kind, struct msg *ret_msg)
{
    do {
        if (!fake_take(fake, ret_msg, PATIENCE_MS))
            fail_msg("no frame of kind %d came", (int) kind);
    } while (ret_msg->kind == MSG_HEARTBEAT && kind != MSG_HEARTBEAT);
    assert_int_equal(ret_msg->kind, kind);
}

void fake_send(struct fake_broker *fake, const struct msg *msg)
{
    struct msg numbered = *msg;
    struct slice frame;
    numbered.session = fake->session;
    numbered.seq = ++fake->seq;
    assert_true(wire_encode(fake->wire, &numbered, &frame));
    assert_int_equal(sock_send(fake->router, &fake->peer, frame), SENT_OK);
}

void fake_welcome(struct fake_broker *fake, uint64_t session)
{
    struct msg msg;
    fake_expect(fake, MSG_HELLO, &msg);
    fake->session = session;
    fake_send(fake, &(struct msg){.kind = MSG_WELCOME,
                                  .welcome = {.session = session,
                                              .epoch = 7,
                                              .beat = 100,
                                              .heartbeat_ms = fake->heartbeat_ms,
                                              .lease_ms = FAKE_LEASE_MS,
                                              .guard_ms = fake->guard_ms,
                                              .level = 1,
                                              .rows_max = CHUNK_ROWS_MAX,
                                              .cell = slice_of("test", 4)}});
}

void fake_heartbeat(struct fake_broker *fake)
{
    struct msg msg;
    fake_expect(fake, MSG_HEARTBEAT, &msg);
    fake_send(fake, &(struct msg){.kind = MSG_HEARD, .heard = {.seq = msg.seq, .valid_ms = FAKE_LEASE_MS}});
}

void fake_refuse(struct fake_broker *fake, enum reason reason, uint64_t seq, uint32_t retry_after_ms)
{
    fake_send(fake, &(struct msg){.kind = MSG_ERROR,
                                  .error = {.reason = reason, .seq = seq, .retry_after_ms = retry_after_ms}});
}
