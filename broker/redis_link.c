/* SPDX-License-Identifier: Apache-2.0
 * redis_link.c - a non-blocking connection to Redis. */
#include "broker/redis_link.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "common/buf.h"
#include "common/clock.h"

enum { SENT_KEPT_MAX = 64 * 1024, PIECES_MAX = 64 };

struct lent { /* bytes that belong between two of `out` */
    size_t at;
    const uint8_t *bytes;
    size_t len;
};

struct redis_link {
    redisContext *redis;
    struct buf out;
    size_t sent;      /* of out */
    struct buf lents; /* of struct lent, in order, those not sent yet */
    bool lost;
    char why[160];
};

static bool lose(struct redis_link *link, const char *what)
{
    if (!link->lost)
        snprintf(link->why, sizeof link->why, "%.*s", (int) sizeof link->why - 1, what);
    link->lost = true;
    return false;
}

/* Wait for `events`; false when the deadline is over. */
static bool wait_for(int fd, short events, int64_t deadline_us)
{
    struct pollfd poll_fd = {.fd = fd, .events = events};
    for (;;) {
        const int64_t left_us = deadline_us - clock_mono_us();
        if (left_us <= 0)
            return false;
        const int n = poll(&poll_fd, 1, (int) ((left_us + 999) / 1000));
        if (n > 0)
            return true;
        if (n < 0 && errno != EINTR)
            return false;
    }
}

static redisContext *connect_to(const char *address, char why[160])
{
    static const char unix_prefix[] = "unix:";
    if (strncmp(address, unix_prefix, strlen(unix_prefix)) == 0)
        return redisConnectUnixNonBlock(address + strlen(unix_prefix));
    const char *colon = strrchr(address, ':');
    char host[128];
    const int port = colon != NULL ? (int) strtol(colon + 1, NULL, 10) : 0;
    if (colon == NULL || colon == address || (size_t) (colon - address) >= sizeof host || port <= 0 || port > 65535) {
        snprintf(why, 160, "\"%.80s\" is no address of a Redis: unix:/path or host:port", address);
        return NULL;
    }
    snprintf(host, sizeof host, "%.*s", (int) (colon - address), address);
    return redisConnectNonBlock(host, port);
}

struct redis_link *redis_link_open(const char *address, int64_t deadline_us, char why[160])
{
    why[0] = '\0';
    redisContext *redis = connect_to(address, why);
    int error = 0;
    socklen_t error_len = sizeof error;
    if (redis == NULL) {
        if (why[0] == '\0')
            abort();
        return NULL;
    }
    if (redis->err != 0)
        snprintf(why, 160, "connecting to Redis: %.120s", redis->errstr);
    else if (!wait_for(redis->fd, POLLOUT, deadline_us))
        snprintf(why, 160, "connecting to Redis took too long");
    else if (getsockopt(redis->fd, SOL_SOCKET, SO_ERROR, &error, &error_len) != 0 || error != 0)
        snprintf(why, 160, "connecting to Redis: %.120s", strerror(error));
    if (why[0] != '\0') {
        redisFree(redis);
        return NULL;
    }
    struct redis_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        abort();
    link->redis = redis;
    return link;
}

void redis_link_close(struct redis_link **link_p)
{
    struct redis_link *link = *link_p;
    *link_p = NULL;
    if (link == NULL)
        return;
    redisFree(link->redis);
    buf_fini(&link->out);
    buf_fini(&link->lents);
    free(link);
}

/* "*3\r\n", "$12\r\n": by hand, since it is done for each argument of each row. */
static void add_header(struct redis_link *link, char kind, uint64_t number)
{
    char text[24], *at = text + sizeof text;
    *--at = '\n';
    *--at = '\r';
    do
        *--at = (char) ('0' + number % 10);
    while ((number /= 10) > 0);
    *--at = kind;
    buf_add(&link->out, at, (size_t) (text + sizeof text - at));
}

static struct lent *lents_of(const struct redis_link *link, uint32_t *ret_n)
{
    *ret_n = (uint32_t) (link->lents.len / sizeof(struct lent));
    return (struct lent *) (void *) link->lents.at;
}

void redis_link_command(struct redis_link *link, uint32_t n)
{
    /* A socket that never empties under load must not make the queue grow for ever. */
    if (link->sent > SENT_KEPT_MAX && link->sent > link->out.len / 2) {
        link->out.len -= link->sent;
        memmove(link->out.at, link->out.at + link->sent, link->out.len);
        uint32_t n_lents;
        struct lent *lents = lents_of(link, &n_lents);
        for (uint32_t i = 0; i < n_lents; i++)
            lents[i].at -= link->sent;
        link->sent = 0;
    }
    add_header(link, '*', n);
}

void redis_link_arg2(struct redis_link *link, const void *a, size_t a_len, const void *b, size_t b_len)
{
    add_header(link, '$', a_len + b_len);
    buf_add(&link->out, a, a_len);
    buf_add(&link->out, b, b_len);
    buf_add(&link->out, "\r\n", 2);
}

void redis_link_arg(struct redis_link *link, const void *bytes, size_t len)
{
    redis_link_arg2(link, bytes, len, NULL, 0);
}

static void lend(struct redis_link *link, const void *bytes, size_t len)
{
    const struct lent lent = {link->out.len, bytes, len};
    buf_add(&link->lents, &lent, sizeof lent);
}

void redis_link_lend(struct redis_link *link, const void *bytes, size_t len, const void *tail, size_t tail_len)
{
    add_header(link, '$', len + tail_len);
    lend(link, bytes, len);
    buf_add(&link->out, tail, tail_len);
    buf_add(&link->out, "\r\n", 2);
}

void redis_link_lend2(struct redis_link *link, const void *a, size_t a_len, const void *b, size_t b_len)
{
    add_header(link, '$', a_len + b_len);
    lend(link, a, a_len);
    lend(link, b, b_len);
    buf_add(&link->out, "\r\n", 2);
}

void redis_link_text(struct redis_link *link, const char *text)
{
    redis_link_arg(link, text, strlen(text));
}

/* What is to be sent next, as pieces. Returns how many; 0: nothing. */
static uint32_t next_pieces(const struct redis_link *link, struct iovec pieces[PIECES_MAX])
{
    uint32_t n_lents, n = 0;
    const struct lent *lents = lents_of(link, &n_lents);
    size_t at = link->sent;
    for (uint32_t i = 0; n + 2 <= PIECES_MAX && i <= n_lents; i++) {
        const size_t until = i < n_lents ? lents[i].at : link->out.len;
        if (until > at)
            pieces[n++] = (struct iovec){link->out.at + at, until - at};
        if (i < n_lents) {
            pieces[n].iov_len = lents[i].len; /* only read from, though an iovec cannot say so */
            memcpy(&pieces[n++].iov_base, &lents[i].bytes, sizeof lents[i].bytes);
        }
        at = until;
    }
    return n;
}

/* `len` more bytes have left. */
static void note_sent(struct redis_link *link, size_t len)
{
    uint32_t n_lents, done = 0;
    struct lent *lents = lents_of(link, &n_lents);
    while (len > 0) {
        const bool is_lent = done < n_lents && lents[done].at == link->sent;
        const size_t until = done < n_lents ? lents[done].at : link->out.len;
        const size_t room = is_lent ? lents[done].len : until - link->sent, taken = len < room ? len : room;
        if (!is_lent)
            link->sent += taken;
        else if (taken == room)
            done++;
        else
            lents[done] = (struct lent){lents[done].at, lents[done].bytes + taken, lents[done].len - taken};
        len -= taken;
    }
    if (done > 0) {
        link->lents.len -= done * sizeof *lents;
        memmove(lents, lents + done, link->lents.len);
    }
}

static bool flush(struct redis_link *link)
{
    struct iovec pieces[PIECES_MAX];
    struct msghdr message = {.msg_iov = pieces};
    while ((message.msg_iovlen = next_pieces(link, pieces)) > 0) {
        const ssize_t n = sendmsg(link->redis->fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return true;
        if (n < 0)
            return lose(link, strerror(errno));
        note_sent(link, (size_t) n);
    }
    link->out.len = 0;
    link->sent = 0;
    return true;
}

bool redis_link_move(struct redis_link *link)
{
    if (link->lost || !flush(link))
        return false;
    if (redisBufferRead(link->redis) != REDIS_OK)
        return lose(link, link->redis->errstr);
    return true;
}

redisReply *redis_link_take(struct redis_link *link)
{
    void *reply = NULL;
    if (redisGetReplyFromReader(link->redis, &reply) != REDIS_OK) {
        lose(link, link->redis->errstr);
        return NULL;
    }
    return reply;
}

redisReply *redis_link_wait(struct redis_link *link, int64_t deadline_us)
{
    for (;;) {
        redisReply *reply = redis_link_take(link);
        if (reply != NULL || link->lost)
            return reply;
        if (!flush(link))
            return NULL;
        const short events = (short) (POLLIN | (redis_link_wants_write(link) ? POLLOUT : 0));
        if (!wait_for(link->redis->fd, events, deadline_us)) {
            lose(link, "no answer in time");
            return NULL;
        }
        if (!redis_link_move(link))
            return NULL;
    }
}

int redis_link_fd(const struct redis_link *link)
{
    return link->redis->fd;
}

bool redis_link_wants_write(const struct redis_link *link)
{
    return link->sent < link->out.len; /* something of ours follows whatever is lent */
}

const char *redis_link_why(const struct redis_link *link)
{
    return link->why;
}
