/* SPDX-License-Identifier: Apache-2.0
 * session.c - owns the socket of one peer, its sequence numbers, its heartbeats
 * and the way back after a loss. Knows nothing of leads.
 *
 *     CLOSED -> CONNECTING -> GREETING -> UP          REFUSED: for good
 *        ^___________|___________|________|
 *
 * A socket serves one connection: when that is lost the socket is closed with
 * all it had queued, since those frames belong to a session that may be over.
 * `seq` goes on counting over sessions, so that an answer to a frame of an
 * earlier session can be told from one to this. */
#include "client/session.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "common/clock.h"

enum {
    SENT_KEPT = 1024, /* a power of two */
    REOPEN_MS = 250,
    REOPEN_MAX_MS = 5000,
    GREETINGS_MAX = 3,   /* unanswered, then another connection is tried */
    HEARTBEAT_MS = 5000, /* if the Welcome says none */
    DOUBT_MS = 1000,     /* between heartbeats while an answer is late */
    UNANSWERED_MAX = 3,  /* heartbeats, before silence counts */
};

enum state { CLOSED, CONNECTING, GREETING, UP, REFUSED };

struct session {
    struct session_options options;
    struct wire *wire;
    struct sock *sock; /* NULL while CLOSED and REFUSED */
    int epoll;         /* holds the fd of the current sock */
    enum state state;
    enum reason refusal;
    bool lost;      /* the owner gave this session up */
    bool recheck;   /* a send may have taken the edge of the fd */
    int64_t due_us; /* CLOSED: reopen; GREETING: hello; UP: heartbeat */
    int64_t heard_us;
    int64_t hello_us;        /* of the last hello */
    uint32_t unanswered;     /* hellos or heartbeats since a frame came */
    uint32_t reopened;       /* since a session stood */
    uint64_t seq, hello_seq; /* of the last frame sent, of the last hello */
    uint64_t in_seq;         /* of the last frame taken in this session */
    struct msg_welcome welcome;
    int64_t sent_us[SENT_KEPT]; /* by seq */
};

/* ---- opening and closing ------------------------------------------------------ */

static int64_t backoff_us(uint32_t tries)
{
    uint32_t most_ms = tries < 5 ? (uint32_t) REOPEN_MS << tries : REOPEN_MAX_MS;
    if (most_ms > REOPEN_MAX_MS)
        most_ms = REOPEN_MAX_MS;
    uint32_t random;
    clock_random(&random, sizeof random);
    return (int64_t) (most_ms / 2 + random % (most_ms / 2)) * 1000;
}

static bool open_sock(struct session *session, char why[160])
{
    session->sock =
        sock_connect(session->options.net, SOCK_DEALER, session->options.endpoint, session->options.hwm, why);
    if (!session->sock)
        return false;
    struct epoll_event readable = {.events = EPOLLIN};
    int failed = epoll_ctl(session->epoll, EPOLL_CTL_ADD, sock_fd(session->sock), &readable);
    assert(!failed);
    session->state = CONNECTING;
    return true;
}

static void close_sock(struct session *session)
{
    if (!session->sock)
        return;
    epoll_ctl(session->epoll, EPOLL_CTL_DEL, sock_fd(session->sock), NULL);
    sock_close(&session->sock);
}

static void reopen_later(struct session *session, int64_t now_us)
{
    close_sock(session);
    session->lost = session->recheck = false;
    session->state = CLOSED;
    session->due_us = now_us + backoff_us(session->reopened++);
}

struct session *session_new(const struct session_options *options, char why[160])
{
    struct session *session = calloc(1, sizeof *session);
    if (!session)
        abort();
    session->options = *options;
    session->options.endpoint = strdup(options->endpoint);
    session->options.hello.protocol = PROTOCOL_VERSION;
    session->wire = wire_new();
    session->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (!session->options.endpoint)
        abort();
    if (session->epoll < 0)
        snprintf(why, 160, "no file descriptor is left");
    if (session->epoll < 0 || !open_sock(session, why))
        session_destroy(&session);
    return session;
}

void session_destroy(struct session **session_p)
{
    struct session *session = *session_p;
    if (!session)
        return;
    session_send(session, &(struct msg){.kind = MSG_BYE}, clock_mono_us());
    close_sock(session);
    if (session->epoll >= 0)
        close(session->epoll);
    wire_destroy(&session->wire);
    free((char *) session->options.endpoint);
    free(session);
    *session_p = NULL;
}

/* ---- sending ------------------------------------------------------------------ */

static uint64_t send_frame(struct session *session, const struct msg *msg, uint64_t id, int64_t now_us)
{
    struct msg numbered = *msg;
    numbered.session = id;
    numbered.seq = session->seq + 1;
    struct slice frame;
    bool fits = wire_encode(session->wire, &numbered, &frame);
    assert(fits);
    session->recheck = true;
    if (sock_send(session->sock, NULL, frame) != SENT_OK)
        return 0;
    session->seq++;
    session->sent_us[session->seq % SENT_KEPT] = now_us;
    return session->seq;
}

uint64_t session_send(struct session *session, const struct msg *msg, int64_t now_us)
{
    if (session->state != UP || session->lost)
        return 0;
    return send_frame(session, msg, session->welcome.session, now_us);
}

int64_t session_sent_us(const struct session *session, uint64_t seq)
{
    if (seq == 0 || seq > session->seq || session->seq - seq >= SENT_KEPT)
        return 0;
    return session->sent_us[seq % SENT_KEPT];
}

static void send_hello(struct session *session, int64_t now_us)
{
    session->state = GREETING;
    uint64_t seq = send_frame(session, &(struct msg){.kind = MSG_HELLO, .hello = session->options.hello}, 0, now_us);
    if (seq)
        session->hello_seq = seq;
    session->hello_us = now_us;
    session->due_us = now_us + ((int64_t) DOUBT_MS * 1000 << session->unanswered++);
}

static int64_t heartbeat_us(const struct session *session)
{
    return (int64_t) session->welcome.heartbeat_ms * 1000;
}

/* Heartbeats do not wait for other traffic to stop: each asks for a Heard, which
 * alone extends what is held. While an answer is late they come faster, because a
 * broker that forgot this session says so to any frame. */
static void send_heartbeat(struct session *session, int64_t now_us)
{
    session_send(session, &(struct msg){.kind = MSG_HEARTBEAT}, now_us);
    session->unanswered++;
    bool doubt = now_us - session->heard_us >= heartbeat_us(session) || session->unanswered > 1;
    int64_t pause_us = heartbeat_us(session);
    if (doubt && pause_us > DOUBT_MS * 1000)
        pause_us = DOUBT_MS * 1000;
    session->due_us = now_us + pause_us;
}

/* ---- receiving ---------------------------------------------------------------- */

static enum session_news take_welcome(struct session *session, const struct msg *msg)
{
    bool stands = session->state == UP && session->welcome.session == msg->welcome.session;
    if (session->state < GREETING || stands)
        return SESSION_QUIET;
    session->welcome = msg->welcome;
    session->welcome.cell = (struct slice){0};
    if (!session->welcome.heartbeat_ms)
        session->welcome.heartbeat_ms = HEARTBEAT_MS;
    session->state = UP;
    session->in_seq = msg->seq;
    session->reopened = 0;
    session->unanswered = 0;
    session->due_us = session->heard_us; /* speak at once: only then the broker knows that its Welcome came */
    session->options.hello.replaces = msg->welcome.session;
    session_saw(session, msg->welcome.epoch, msg->welcome.beat);
    return SESSION_IS_UP;
}

static enum session_news refuse(struct session *session, enum reason reason)
{
    session->refusal = reason;
    session->state = REFUSED;
    close_sock(session);
    return SESSION_IS_REFUSED;
}

static enum session_news take_error(struct session *session, const struct msg *msg, int64_t now_us)
{
    if (msg->error.seq && msg->error.seq < session->hello_seq)
        return SESSION_QUIET; /* about an earlier session */
    bool was_up = session->state == UP;
    switch (msg->error.reason) {
    case REASON_HELLO_FIRST: /* at once, unless the last hello was just now */
        session->state = GREETING;
        session->unanswered = 0;
        session->due_us = session->hello_us + REOPEN_MS * 1000;
        return was_up ? SESSION_IS_DOWN : SESSION_QUIET;
    case REASON_SESSION_FENCED:
    case REASON_UNKNOWN_TEAM:
    case REASON_PROTOCOL_VERSION:
    case REASON_WRONG_ROLE:
        return refuse(session, msg->error.reason);
    case REASON_BUSY:
    case REASON_NOT_ACTIVE:
    case REASON_STATE_ROLLED_BACK:
    case REASON_TOO_MANY:
        if (was_up)
            return SESSION_GOT;
        session->unanswered = 0; /* it lives; it only does not want us now */
        session->due_us = now_us + (msg->error.retry_after_ms ? (int64_t) msg->error.retry_after_ms * 1000
                                                              : backoff_us(session->reopened++));
        return SESSION_QUIET;
    default:
        return was_up ? SESSION_GOT : refuse(session, msg->error.reason);
    }
}

static enum session_news take_frame(struct session *session, struct slice frame, int64_t now_us, struct msg *ret_msg)
{
    if (wire_decode(session->wire, frame.at, frame.len, ret_msg) != REASON_OK)
        return SESSION_QUIET;
    session->heard_us = now_us;
    if (ret_msg->kind == MSG_WELCOME)
        return take_welcome(session, ret_msg);
    if (ret_msg->kind == MSG_ERROR)
        return take_error(session, ret_msg, now_us);
    bool stale = ret_msg->session && ret_msg->session != session->welcome.session;
    bool again = ret_msg->seq && ret_msg->seq <= session->in_seq;
    if (session->state != UP || stale || again)
        return SESSION_QUIET;
    session->in_seq = ret_msg->seq;
    if (session->unanswered) {
        session->unanswered = 0;
        session->due_us = now_us + heartbeat_us(session);
    }
    return SESSION_GOT;
}

/* ---- the step ----------------------------------------------------------------- */

static bool is_silent(const struct session *session, int64_t now_us)
{
    /* Not by time alone: after a pause of this process nobody had been asked. */
    return session->unanswered >= UNANSWERED_MAX && now_us - session->heard_us >= 2 * heartbeat_us(session);
}

static enum session_news do_due(struct session *session, bool connected, int64_t now_us)
{
    if (session->state >= GREETING && (session->lost || !connected)) {
        bool was_up = session->state == UP;
        reopen_later(session, now_us);
        return was_up ? SESSION_IS_DOWN : SESSION_QUIET;
    }
    if (session->state == CONNECTING && connected) {
        session->unanswered = 0;
        send_hello(session, now_us);
    }
    if (now_us < session->due_us)
        return SESSION_QUIET;
    if (session->state == GREETING && session->unanswered < GREETINGS_MAX)
        send_hello(session, now_us);
    else if (session->state == GREETING)
        reopen_later(session, now_us);
    else if (session->state == UP && !is_silent(session, now_us))
        send_heartbeat(session, now_us);
    else if (session->state == UP) {
        reopen_later(session, now_us);
        return SESSION_IS_DOWN;
    }
    return SESSION_QUIET;
}

enum session_news session_step(struct session *session, int64_t now_us, struct msg *ret_msg)
{
    char why[160]; /* the endpoint was good before: what fails now is a lack of descriptors, and passes */
    if (session->state == REFUSED || (session->state == CLOSED && now_us < session->due_us))
        return SESSION_QUIET;
    if (session->state == CLOSED && !open_sock(session, why)) {
        reopen_later(session, now_us);
        return SESSION_QUIET;
    }
    bool connected, readable;
    while ((connected = sock_connected(session->sock, &readable)), readable && !session->lost) {
        struct slice frame;
        enum session_news news = SESSION_QUIET;
        if (sock_recv(session->sock, NULL, &frame))
            news = take_frame(session, frame, now_us, ret_msg);
        if (news != SESSION_QUIET)
            return news;
    }
    session->recheck = false;
    return do_due(session, connected, now_us);
}

/* ---- the rest ----------------------------------------------------------------- */

bool session_is_up(const struct session *session)
{
    return session->state == UP && !session->lost;
}

const struct msg_welcome *session_welcome(const struct session *session)
{
    return &session->welcome;
}

enum reason session_refusal(const struct session *session)
{
    return session->refusal;
}

struct wire *session_wire(struct session *session)
{
    return session->wire;
}

void session_set_intent(struct session *session, enum intent intent)
{
    session->options.hello.intent = intent;
}

void session_saw(struct session *session, uint64_t epoch, uint64_t beat)
{
    struct msg_hello *hello = &session->options.hello;
    if (epoch < hello->seen_epoch || (epoch == hello->seen_epoch && beat <= hello->seen_beat))
        return;
    hello->seen_epoch = epoch;
    hello->seen_beat = beat;
}

void session_restart(struct session *session)
{
    session->lost = session->state == UP;
}

struct sock *session_sock(const struct session *session)
{
    return session->sock;
}

int session_fd(const struct session *session)
{
    return session->epoll;
}

int64_t session_next_us(const struct session *session)
{
    if (session->state == REFUSED)
        return INT64_MAX;
    if (session->recheck || session->lost)
        return 0;
    return session->state == CONNECTING ? INT64_MAX : session->due_us;
}

void session_wait(struct session *session, int64_t until_us)
{
    int64_t next_us = session_next_us(session);
    if (next_us > until_us)
        next_us = until_us;
    int64_t left_us = next_us - clock_mono_us();
    int left_ms = next_us == INT64_MAX ? -1
                  : left_us <= 0       ? 0
                  : left_us > 60000000 ? 60000
                                       : (int) ((left_us + 999) / 1000);
    net_wait(&session->sock, session->sock ? 1 : 0, NULL, 0, left_ms);
}
