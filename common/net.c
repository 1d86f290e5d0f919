/* SPDX-License-Identifier: Apache-2.0
 * net.c - owns the ZeroMQ context, the sockets, their options and the waiting.
 * What a frame means is not known here.
 *
 * net_wait() polls the sockets' own descriptors instead of calling zmq_poll():
 * that returns on every change of a socket, the loss of its connection included,
 * and zmq_poll() sleeps through that. The descriptors are edge-triggered, so
 * ZMQ_EVENTS is read before each sleep; a change after that wakes it up. */
#include "common/net.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <zmq.h>

enum {
    SOCKETS_MAX = 20000,
    FRAME_SLACK_BYTES = 1024, /* a frame just over the limit is still read, and refused with a reason */
    BACKLOG = 4096,
    HANDSHAKE_MS = 3000,
    LINGER_MS = 200, /* long enough for a bye, too short to hang on */
    RECONNECT_MS = 250,
    RECONNECT_MAX_MS = 500,
    ENDPOINT_BYTES_MAX = 256,
    WAIT_MAX = 64,
    DROPPED_IN_A_ROW = 1000,
};

struct net {
    void *context;
};

struct sock {
    void *zmq;
    enum sock_kind kind;
    int fd;
    zmq_msg_t in;   /* what sock_recv() lent out */
    bool connected; /* as told last */
    uint64_t dropped;
    char endpoint[ENDPOINT_BYTES_MAX];
};

struct net *net_new(void)
{
    struct net *net = calloc(1, sizeof *net);
    if (!net)
        return NULL;
    net->context = zmq_ctx_new();
    if (!net->context) {
        free(net);
        return NULL;
    }
    int failed = zmq_ctx_set(net->context, ZMQ_MAX_SOCKETS, SOCKETS_MAX);
    assert(!failed);
    return net;
}

void net_destroy(struct net **net_p)
{
    struct net *net = *net_p;
    if (!net)
        return;
    while (zmq_ctx_term(net->context) && errno == EINTR)
        ;
    free(net);
    *net_p = NULL;
}

void net_raise_fds(uint64_t wanted)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= wanted)
        return;
    limit.rlim_cur = wanted < limit.rlim_max ? wanted : limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

/* ---- opening and closing ------------------------------------------------------ */

bool endpoint_is_local(const char *endpoint)
{
    static const char *const local_hosts[] = {"tcp://127.", "tcp://localhost:", "tcp://[::1]:"};
    if (!strncmp(endpoint, "ipc://", 6) || !strncmp(endpoint, "inproc://", 9))
        return true;
    for (size_t i = 0; i < sizeof local_hosts / sizeof *local_hosts; i++)
        if (!strncmp(endpoint, local_hosts[i], strlen(local_hosts[i])))
            /* "127." may also begin a name, and a ';' a source address: digits, dots and the port only */
            return i > 0 ? !strchr(endpoint, ';') : strspn(endpoint + 6, "0123456789.:*") == strlen(endpoint + 6);
    return false;
}

static void set_int(struct sock *sock, int option, int value)
{
    int failed = zmq_setsockopt(sock->zmq, option, &value, sizeof value);
    assert(!failed);
}

static void set_options(struct sock *sock, const char *endpoint, int hwm_in, int hwm_out)
{
    int64_t frame_max = FRAME_BYTES_MAX + FRAME_SLACK_BYTES;
    int failed = zmq_setsockopt(sock->zmq, ZMQ_MAXMSGSIZE, &frame_max, sizeof frame_max);
    assert(!failed);
    set_int(sock, ZMQ_RCVHWM, hwm_in);
    set_int(sock, ZMQ_SNDHWM, hwm_out);
    set_int(sock, ZMQ_LINGER, LINGER_MS);
    set_int(sock, ZMQ_BACKLOG, BACKLOG);
    set_int(sock, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    set_int(sock, ZMQ_TCP_KEEPALIVE, 1);
    if (strchr(endpoint, '['))
        set_int(sock, ZMQ_IPV6, 1);
    if (sock->kind == SOCK_ROUTER) {
        set_int(sock, ZMQ_ROUTER_MANDATORY, 1);
    } else {
        set_int(sock, ZMQ_IMMEDIATE, 1);
        set_int(sock, ZMQ_RECONNECT_IVL, RECONNECT_MS);
        set_int(sock, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    }
}

static struct sock *open_sock(struct net *net, enum sock_kind kind, const char *endpoint, int hwm_in, int hwm_out,
                              char why[160])
{
    if (!endpoint_is_local(endpoint)) {
        snprintf(why, 160, "only loopback (tcp://127.0.0.1:PORT) and ipc:// endpoints may be used without encryption");
        return NULL;
    }
    if (strlen(endpoint) >= ENDPOINT_BYTES_MAX) {
        snprintf(why, 160, "the endpoint is longer than %d characters", ENDPOINT_BYTES_MAX - 1);
        return NULL;
    }
    struct sock *sock = calloc(1, sizeof *sock);
    if (sock)
        sock->zmq = zmq_socket(net->context, kind == SOCK_ROUTER ? ZMQ_ROUTER : ZMQ_DEALER);
    if (!sock || !sock->zmq) {
        snprintf(why, 160, "no socket: %s", zmq_strerror(errno));
        free(sock);
        return NULL;
    }
    sock->kind = kind;
    zmq_msg_init(&sock->in);
    set_options(sock, endpoint, hwm_in, hwm_out);
    size_t len = sizeof sock->fd;
    int failed = zmq_getsockopt(sock->zmq, ZMQ_FD, &sock->fd, &len);
    assert(!failed);
    return sock;
}

struct sock *sock_bind(struct net *net, enum sock_kind kind, const char *endpoint, int hwm_in, int hwm_out,
                       char why[160])
{
    struct sock *sock = open_sock(net, kind, endpoint, hwm_in, hwm_out, why);
    if (!sock)
        return NULL;
    size_t len = sizeof sock->endpoint;
    if (zmq_bind(sock->zmq, endpoint) || zmq_getsockopt(sock->zmq, ZMQ_LAST_ENDPOINT, sock->endpoint, &len)) {
        snprintf(why, 160, "cannot bind %.100s: %s", endpoint, zmq_strerror(errno));
        sock_close(&sock);
    }
    return sock;
}

struct sock *sock_connect(struct net *net, enum sock_kind kind, const char *endpoint, int hwm, char why[160])
{
    struct sock *sock = open_sock(net, kind, endpoint, hwm, hwm, why);
    if (!sock)
        return NULL;
    snprintf(sock->endpoint, sizeof sock->endpoint, "%s", endpoint);
    if (zmq_connect(sock->zmq, endpoint)) {
        snprintf(why, 160, "cannot connect %.100s: %s", endpoint, zmq_strerror(errno));
        sock_close(&sock);
    }
    return sock;
}

void sock_close(struct sock **sock_p)
{
    struct sock *sock = *sock_p;
    if (!sock)
        return;
    zmq_msg_close(&sock->in);
    zmq_close(sock->zmq);
    free(sock);
    *sock_p = NULL;
}

const char *sock_endpoint(const struct sock *sock)
{
    return sock->endpoint;
}

int sock_fd(const struct sock *sock)
{
    return sock->fd;
}

uint64_t sock_dropped(const struct sock *sock)
{
    return sock->dropped;
}

/* ---- frames ------------------------------------------------------------------- */

/* Receive one part into sock->in. Returns false when there is nothing to read. */
static bool recv_part(struct sock *sock)
{
    while (zmq_msg_recv(&sock->in, sock->zmq, ZMQ_DONTWAIT) < 0) {
        if (errno == EAGAIN)
            return false;
        assert(errno == EINTR);
    }
    return true;
}

/* Parts of one message arrive together, so none of these waits. */
static void drop_rest(struct sock *sock)
{
    while (zmq_msg_more(&sock->in)) {
        bool got = recv_part(sock);
        assert(got);
    }
    sock->dropped++;
}

bool sock_recv(struct sock *sock, struct address *ret_from, struct slice *ret_frame)
{
    /* a flood of what is dropped must not keep the caller here */
    for (int dropped = 0; dropped < DROPPED_IN_A_ROW && recv_part(sock); dropped++) {
        if (sock->kind == SOCK_ROUTER) {
            size_t len = zmq_msg_size(&sock->in);
            struct address from = {0};
            if (len > sizeof from.id || !zmq_msg_more(&sock->in)) {
                drop_rest(sock);
                continue;
            }
            from.len = (uint8_t) len;
            memcpy(from.id, zmq_msg_data(&sock->in), len);
            bool got = recv_part(sock);
            assert(got);
            if (ret_from)
                *ret_from = from;
        }
        if (zmq_msg_more(&sock->in)) {
            drop_rest(sock);
            continue;
        }
        *ret_frame = slice_of(zmq_msg_data(&sock->in), zmq_msg_size(&sock->in));
        return true;
    }
    return false;
}

/* Returns 0 or the errno of a send that did not happen. */
static int send_part(struct sock *sock, const void *at, size_t len, int flags)
{
    while (zmq_send(sock->zmq, at, len, flags | ZMQ_DONTWAIT) < 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

enum sock_sent sock_send(struct sock *sock, const struct address *to, struct slice frame)
{
    assert(!to == (sock->kind == SOCK_DEALER));
    assert(frame.len <= FRAME_BYTES_MAX + FRAME_SLACK_BYTES);
    int failed = to ? send_part(sock, to->id, to->len, ZMQ_SNDMORE) : 0;
    /* A ROUTER decides at the address; a payload for a peer gone since then is dropped, and that is queued too. */
    if (!failed)
        failed = send_part(sock, frame.at, frame.len, 0);
    assert(!failed || failed == EAGAIN || failed == EHOSTUNREACH);
    return !failed ? SENT_OK : failed == EAGAIN ? SENT_FULL : SENT_GONE;
}

/* ---- waiting ------------------------------------------------------------------ */

static int read_events(const struct sock *sock)
{
    int events = 0;
    size_t len = sizeof events;
    while (zmq_getsockopt(sock->zmq, ZMQ_EVENTS, &events, &len))
        assert(errno == EINTR);
    return events;
}

bool sock_connected(struct sock *sock, bool *ret_readable)
{
    assert(sock->kind == SOCK_DEALER);
    int events = read_events(sock);
    sock->connected = events & ZMQ_POLLOUT;
    if (ret_readable)
        *ret_readable = events & ZMQ_POLLIN;
    return sock->connected;
}

/* Reading the events, like any call on a socket, takes the edge of its descriptor:
 * what it shows must be told now, or nobody wakes up for it. */
static bool has_news(const struct sock *sock)
{
    int events = read_events(sock);
    bool connected = events & ZMQ_POLLOUT;
    return events & ZMQ_POLLIN || (sock->kind == SOCK_DEALER && connected != sock->connected);
}

void net_wait(struct sock *const *socks, int n_socks, struct wait_fd *fds, int n_fds, int timeout_ms)
{
    struct pollfd polls[WAIT_MAX];
    assert(n_socks + n_fds <= WAIT_MAX);
    for (int i = 0; i < n_socks; i++) {
        polls[i] = (struct pollfd){.fd = socks[i]->fd, .events = POLLIN};
        if (has_news(socks[i]))
            timeout_ms = 0;
    }
    for (int i = 0; i < n_fds; i++)
        polls[n_socks + i] =
            (struct pollfd){.fd = fds[i].fd, .events = (short) (POLLIN | (fds[i].want_write ? POLLOUT : 0))};
    int n = poll(polls, (nfds_t) (n_socks + n_fds), timeout_ms);
    assert(n >= 0 || errno == EINTR);
    for (int i = 0; i < n_fds; i++) {
        short got = n > 0 ? polls[n_socks + i].revents : 0;
        assert(!(got & POLLNVAL));
        fds[i].readable = got & (POLLIN | POLLHUP | POLLERR);
        fds[i].writable = got & (POLLOUT | POLLERR);
    }
}
