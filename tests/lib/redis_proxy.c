/* SPDX-License-Identifier: Apache-2.0
 * redis_proxy.c - one thread, poll(2), a pair of sockets a connection.
 *
 * The test talks to the thread over a socket pair, one byte a command and one
 * back, so that the two share no state. */
#include "tests/lib/redis_proxy.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/buf.h"

enum { WIRES_MAX = 32, READ_BYTES = 64 * 1024, CUT = 'c', DELIVER = 'd', STOP = 's' };

struct wire {
    int client, server; /* -1: closed */
    struct buf held;
};

struct redis_proxy {
    pthread_t thread;
    int ours, theirs; /* the socket pair: the test's end, the thread's end */
    int listener;
    char server_path[108], address[128];
    /* the thread's alone */
    int mode;
    struct wire wires[WIRES_MAX];
    int n_wires;
};

static struct sockaddr_un unix_address(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    assert(strlen(path) < sizeof address.sun_path);
    strcpy(address.sun_path, path);
    return address;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static bool send_all(int fd, const uint8_t *at, size_t len)
{
    while (len > 0) {
        const ssize_t n = send(fd, at, len, MSG_NOSIGNAL);
        if (n < 0)
            return false;
        at += n;
        len -= (size_t) n;
    }
    return true;
}

static void accept_one(struct redis_proxy *proxy)
{
    const struct sockaddr_un address = unix_address(proxy->server_path);
    const int client = accept(proxy->listener, NULL, NULL);
    const int server = socket(AF_UNIX, SOCK_STREAM, 0);
    int place = 0;
    while (place < proxy->n_wires && (proxy->wires[place].client >= 0 || proxy->wires[place].server >= 0))
        place++;
    if (place == proxy->n_wires)
        proxy->n_wires++;
    assert(client >= 0 && server >= 0 && place < WIRES_MAX);
    struct wire *wire = &proxy->wires[place];
    buf_fini(&wire->held);
    *wire = (struct wire){.client = client, .server = server};
    if (connect(server, (const struct sockaddr *) &address, sizeof address) != 0) {
        close_fd(&wire->client);
        close_fd(&wire->server);
    }
}

static void from_client(struct redis_proxy *proxy, struct wire *wire)
{
    uint8_t bytes[READ_BYTES];
    const ssize_t n = recv(wire->client, bytes, sizeof bytes, 0);
    if (n <= 0) {
        close_fd(&wire->client);
        if (wire->held.len == 0)
            close_fd(&wire->server);
    } else if (proxy->mode == PROXY_HOLD_REQUESTS) {
        buf_add(&wire->held, bytes, (size_t) n);
    } else if (proxy->mode != PROXY_LOSE_REQUESTS && !send_all(wire->server, bytes, (size_t) n)) {
        close_fd(&wire->client);
    }
}

static void from_server(struct redis_proxy *proxy, struct wire *wire)
{
    uint8_t bytes[READ_BYTES];
    const ssize_t n = recv(wire->server, bytes, sizeof bytes, 0);
    if (n <= 0) {
        close_fd(&wire->server);
        close_fd(&wire->client);
    } else if (proxy->mode != PROXY_LOSE_REPLIES && wire->client >= 0) {
        send_all(wire->client, bytes, (size_t) n);
    }
}

/* Nothing more will come; read until the server has answered all it got and closes. */
static void drain(struct wire *wire)
{
    uint8_t bytes[READ_BYTES];
    shutdown(wire->server, SHUT_WR);
    while (recv(wire->server, bytes, sizeof bytes, 0) > 0)
        ;
    close_fd(&wire->server);
}

static void cut(struct redis_proxy *proxy)
{
    for (int i = 0; i < proxy->n_wires; i++) {
        struct wire *wire = &proxy->wires[i];
        close_fd(&wire->client);
        if (wire->server >= 0 && wire->held.len == 0)
            drain(wire);
    }
    proxy->mode = PROXY_PASS;
}

/* Late bytes arrive; wait for the answers, so that the test can look at what they did. */
static void deliver(struct redis_proxy *proxy)
{
    for (int i = 0; i < proxy->n_wires; i++) {
        struct wire *wire = &proxy->wires[i];
        if (wire->held.len == 0)
            continue;
        send_all(wire->server, wire->held.at, wire->held.len);
        wire->held.len = 0;
        drain(wire);
    }
}

/* False: stop. */
static bool obey(struct redis_proxy *proxy)
{
    char command = STOP;
    if (recv(proxy->theirs, &command, 1, 0) != 1)
        return false;
    if (command == CUT)
        cut(proxy);
    else if (command == DELIVER)
        deliver(proxy);
    else if (command != STOP)
        proxy->mode = command;
    send(proxy->theirs, &command, 1, MSG_NOSIGNAL);
    return command != STOP;
}

static void *run(void *arg)
{
    struct redis_proxy *proxy = arg;
    for (;;) {
        struct pollfd fds[2 + 2 * WIRES_MAX];
        const int n_wires = proxy->n_wires;
        fds[0] = (struct pollfd){.fd = proxy->theirs, .events = POLLIN};
        fds[1] = (struct pollfd){.fd = proxy->listener, .events = POLLIN};
        for (int i = 0; i < n_wires; i++) { /* poll() leaves out descriptors below 0 */
            fds[2 + 2 * i] = (struct pollfd){.fd = proxy->wires[i].client, .events = POLLIN};
            fds[3 + 2 * i] = (struct pollfd){.fd = proxy->wires[i].server, .events = POLLIN};
        }
        if (poll(fds, (nfds_t) (2 + 2 * n_wires), -1) < 0 && errno != EINTR)
            abort();
        /* A command comes after what was sent before it. */
        for (int i = 0; i < n_wires; i++) {
            struct wire *wire = &proxy->wires[i];
            if (wire->client >= 0 && fds[2 + 2 * i].revents != 0)
                from_client(proxy, wire);
            if (wire->server >= 0 && fds[3 + 2 * i].revents != 0)
                from_server(proxy, wire);
        }
        if (fds[1].revents != 0)
            accept_one(proxy);
        else if (fds[0].revents != 0 && !obey(proxy))
            return NULL;
    }
}

struct redis_proxy *redis_proxy_start(const char *folder, const char *address)
{
    struct redis_proxy *proxy = calloc(1, sizeof *proxy);
    int pair[2];
    if (proxy == NULL || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        abort();
    proxy->ours = pair[0];
    proxy->theirs = pair[1];
    proxy->mode = PROXY_PASS;
    snprintf(proxy->server_path, sizeof proxy->server_path, "%s", address + strlen("unix:"));
    snprintf(proxy->address, sizeof proxy->address, "unix:%s/proxy.sock", folder);
    const struct sockaddr_un own = unix_address(proxy->address + strlen("unix:"));
    unlink(own.sun_path); /* of the proxy before */
    proxy->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (bind(proxy->listener, (const struct sockaddr *) &own, sizeof own) != 0 || listen(proxy->listener, 16) != 0 ||
        pthread_create(&proxy->thread, NULL, run, proxy) != 0)
        abort();
    return proxy;
}

const char *redis_proxy_address(const struct redis_proxy *proxy)
{
    return proxy->address;
}

static void tell(struct redis_proxy *proxy, char command)
{
    if (send(proxy->ours, &command, 1, MSG_NOSIGNAL) != 1 || recv(proxy->ours, &command, 1, 0) != 1)
        abort();
}

void redis_proxy_mode(struct redis_proxy *proxy, enum proxy_mode mode)
{
    tell(proxy, (char) mode);
}

void redis_proxy_cut(struct redis_proxy *proxy)
{
    tell(proxy, CUT);
}

void redis_proxy_deliver(struct redis_proxy *proxy)
{
    tell(proxy, DELIVER);
}

void redis_proxy_stop(struct redis_proxy **proxy_p)
{
    struct redis_proxy *proxy = *proxy_p;
    *proxy_p = NULL;
    if (proxy == NULL)
        return;
    tell(proxy, STOP);
    pthread_join(proxy->thread, NULL);
    for (int i = 0; i < proxy->n_wires; i++) {
        close_fd(&proxy->wires[i].client);
        close_fd(&proxy->wires[i].server);
        buf_fini(&proxy->wires[i].held);
    }
    close(proxy->listener);
    close(proxy->ours);
    close(proxy->theirs);
    free(proxy);
}
