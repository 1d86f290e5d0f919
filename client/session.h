/* SPDX-License-Identifier: Apache-2.0
 * session.h - one peer's session on a broker: hello, sequence numbers, heartbeats,
 * reconnect. Internal; the client library and takt-worker stand on it. What is
 * said once the session stands, and repeating what was not answered, is theirs.
 *
 * A frame that was sent is only queued. When a session ends, everything not yet
 * answered must be said again in the next one: SESSION_IS_UP tells when.
 *
 * The loop of its owner:
 *
 *     do {
 *         switch (session_step(session, clock_mono_us(), &msg)) { ... }
 *     } until SESSION_QUIET;
 *     session_wait(session, until_us);
 *
 * Not thread-safe; no thread of its own. Aborts when memory is short. */
#ifndef TAKT_CLIENT_SESSION_H
#define TAKT_CLIENT_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/net.h"
#include "proto/msg.h"
#include "proto/wire.h"

struct session;

struct session_options {
    struct net *net;        /* outlives the session */
    const char *endpoint;   /* copied */
    int hwm;                /* frames each way */
    struct msg_hello hello; /* its slices are borrowed for the session's life; protocol, seen_* are set here */
};

/* NULL and a sentence in why[160] when the endpoint cannot be used. A broker that
 * is not there is no failure: connecting goes on in session_step(). */
struct session *session_new(const struct session_options *options, char why[160]);
void session_destroy(struct session **session_p); /* says bye */

enum session_news {
    SESSION_QUIET,      /* nothing more to tell now */
    SESSION_IS_UP,      /* a new session stands; *ret_msg is its Welcome */
    SESSION_IS_DOWN,    /* it ended: lost connection, silence, or the broker forgot it */
    SESSION_IS_REFUSED, /* for good; session_refusal() */
    SESSION_GOT,        /* *ret_msg is for the owner: not Welcome, Heartbeat nor an Error about the session */
};

/* Do what is due at now_us (CLOCK_MONOTONIC) and take the next piece of news.
 * *ret_msg is borrowed until the next call. */
enum session_news session_step(struct session *session, int64_t now_us, struct msg *ret_msg);

/* Send `msg`; session and seq are set here. Returns its seq, or 0 when the
 * session is not up or the queue is full: try again after the next news. The
 * caller keeps a message below FRAME_BYTES_MAX. */
uint64_t session_send(struct session *session, const struct msg *msg, int64_t now_us);

/* When frame `seq` was handed to the socket; 0 if that is not known any more
 * (older than the last 1,024). What is held is valid until this + valid_ms. */
int64_t session_sent_us(const struct session *session, uint64_t seq);

bool session_is_up(const struct session *session);
const struct msg_welcome *
session_welcome(const struct session *session); /* the last one; zeroes before; no cell name */
enum reason session_refusal(const struct session *session);
struct wire *session_wire(struct session *session); /* for wire_decode_row() on what was got */

/* Intent and position of the next hello. */
void session_set_intent(struct session *session, enum intent intent);
void session_saw(struct session *session, uint64_t epoch, uint64_t beat); /* the highest counts */

/* End this session and begin another, as after a lost connection. */
void session_restart(struct session *session);

/* Waiting. session_sock() is NULL between two connections; session_fd() stays
 * the same for the session's life and becomes readable when session_step() has
 * something to do (call it until SESSION_QUIET). session_next_us() is when it
 * must be called at the latest. */
struct sock *session_sock(const struct session *session);
int session_fd(const struct session *session);
int64_t session_next_us(const struct session *session);
void session_wait(struct session *session, int64_t until_us); /* at most until then; INT64_MAX: no limit of its own */

#endif
