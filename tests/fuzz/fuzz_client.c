/* SPDX-License-Identifier: Apache-2.0
 * fuzz_client.c - any frames from a broker, to a source, an agent or an operator of
 * libtakt: never a crash, whatever the library says itself is a valid frame, and
 * when nothing comes any more an agent shows no lead in the end.
 *
 * Sockets and clock are this file's own, in place of common/net.c and
 * common/clock.c: one input, one course of events. The first byte is the role; then
 * turns as in small_cell.h, whose kinds mean: a frame comes, time passes, the
 * connection goes or comes, the program says something. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "client/takt.h"
#include "common/clock.h"
#include "common/net.h"
#include "proto/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SHOWN_MAX = 64, NEWS_MAX = 20000 };

/* ---- in place of the network and the clock ---------------------------------------- */

struct net {
    int64_t now_us;
    uint64_t chance;
    bool connected;
    const uint8_t *frame; /* to be received; NULL: none */
    size_t frame_len;
    struct wire *wire;
};

struct sock {
    int fd;
};

static struct net world;

int64_t clock_mono_us(void)
{
    return world.now_us;
}

int64_t clock_wall_ms(void)
{
    return world.now_us / 1000;
}

void clock_random(void *to, size_t len)
{
    for (size_t i = 0; i < len; i++)
        ((uint8_t *) to)[i] = (uint8_t) (world.chance = world.chance * 6364136223846793005u + 1442695040888963407u);
}

struct net *net_new(void)
{
    return &world;
}

void net_destroy(struct net **net_p)
{
    *net_p = NULL;
}

struct sock *sock_connect(struct net *net, enum sock_kind kind, const char *endpoint, int hwm, char why[160])
{
    (void) net;
    (void) kind;
    (void) endpoint;
    (void) hwm;
    (void) why;
    struct sock *sock = calloc(1, sizeof *sock);
    assert(sock);
    sock->fd = eventfd(0, EFD_CLOEXEC);
    world.frame = NULL;
    return sock;
}

void sock_close(struct sock **sock_p)
{
    if (*sock_p)
        close((*sock_p)->fd);
    free(*sock_p);
    *sock_p = NULL;
}

int sock_fd(const struct sock *sock)
{
    return sock->fd;
}

bool sock_connected(struct sock *sock, bool *ret_readable)
{
    (void) sock;
    if (ret_readable)
        *ret_readable = world.frame;
    return world.connected;
}

bool sock_recv(struct sock *sock, struct address *ret_from, struct slice *ret_frame)
{
    (void) sock;
    (void) ret_from;
    if (!world.frame)
        return false;
    *ret_frame = slice_of(world.frame, world.frame_len);
    world.frame = NULL;
    return true;
}

enum sock_sent sock_send(struct sock *sock, const struct address *to, struct slice frame)
{
    struct msg msg;
    assert(sock && !to);
    if (!world.connected)
        return SENT_FULL;
    enum reason reason = wire_decode(world.wire, frame.at, frame.len, &msg);
    assert(reason == REASON_OK);
    return SENT_OK;
}

void net_wait(struct sock *const *socks, int n_socks, struct wait_fd *fds, int n_fds, int timeout_ms)
{
    (void) socks;
    (void) n_socks;
    (void) fds;
    (void) n_fds;
    (void) timeout_ms;
}

bool endpoint_is_local(const char *endpoint)
{
    return endpoint != NULL;
}

/* ---- the program ---------------------------------------------------------------------- */

struct program {
    takt_t *takt;
    enum takt_role role;
    struct {
        takt_id lead;
        uint64_t fence;
    } shown[SHOWN_MAX];
    int n_shown;
    bool too_many;
};

static int find(const struct program *program, takt_id lead)
{
    for (int i = 0; i < program->n_shown; i++)
        if (!memcmp(&program->shown[i].lead, &lead, sizeof lead))
            return i;
    return -1;
}

static void forget(struct program *program, int i)
{
    if (i >= 0)
        program->shown[i] = program->shown[--program->n_shown];
}

static void offer(struct program *program, const struct takt_event *event)
{
    int i = find(program, event->lead_id);
    assert(i < 0 || event->fence >= program->shown[i].fence);
    if (i < 0 && program->n_shown == SHOWN_MAX) {
        program->too_many = true;
        return;
    }
    if (i < 0)
        i = program->n_shown++;
    program->shown[i].lead = event->lead_id;
    program->shown[i].fence = event->fence;
}

static void hear(struct program *program)
{
    struct takt_event event;
    int got, n = 0;
    while ((got = takt_next(program->takt, &event, 0)) == 1) {
        assert(n++ < NEWS_MAX);
        if (event.kind == TAKT_OFFER)
            offer(program, &event);
        else if (event.kind == TAKT_WITHDRAWN)
            forget(program, find(program, event.lead_id));
        else if (event.kind == TAKT_ACTED && event.state > 7) /* closed, or in the pipeline */
            forget(program, find(program, event.lead_id));
        else if (event.kind == TAKT_REPORT)
            assert(event.report.n_rows == 0 || event.report.n_columns > 0);
    }
}

static void say(struct program *program, const uint8_t *bytes, size_t len)
{
    static const struct takt_lead lead = {.key = {"k", 1}, .name = {"n", 1}};
    const unsigned what = len ? bytes[0] : 0;
    const int i = program->n_shown ? (int) (what >> 4) % program->n_shown : -1;
    takt_id op = {.bytes = {(uint8_t) what, 1}}, none = {{0}};
    const takt_id id = i >= 0 ? program->shown[i].lead : op;
    const uint64_t fence = i >= 0 ? program->shown[i].fence : what;
    takt_t *takt = program->takt;
    if (program->role == TAKT_SOURCE)
        what & 1 ? takt_chunk(takt, op, "web", what & 2 ? &op : NULL, what, &lead, 1)
                 : takt_manifest(takt, op, "web", 1, 1);
    else if (program->role == TAKT_OPERATOR)
        takt_query(takt, what, "x", what);
    else
        switch (what & 15) {
        case 0:
            takt_accept(takt, id, fence);
            break;
        case 1:
            takt_decline(takt, id, fence);
            break;
        case 2:
            takt_note(takt, id, fence, "note");
            break;
        case 3:
            takt_dispose(takt, id, fence, 10, "note", 0);
            break;
        case 4:
            takt_release(takt, id, fence);
            break;
        case 5:
            takt_ready(takt, what);
            break;
        case 6:
            takt_intent(takt, TAKT_AWAY, what);
            break;
        case 7:
            takt_action(takt, none, fence);
            break;
        default:
            takt_flush(takt);
        }
}

static void turn(struct program *program, unsigned kind, const uint8_t *bytes, size_t len)
{
    uint32_t wait_ms = 0;
    switch (kind >> 3 & 3) {
    case 0:
        world.frame = world.connected ? bytes : NULL;
        world.frame_len = len;
        break;
    case 1:
        memcpy(&wait_ms, bytes, len < sizeof wait_ms ? len : sizeof wait_ms);
        world.now_us += (int64_t) wait_ms * 1000;
        break;
    case 2:
        world.connected = kind & 1;
        break;
    default:
        say(program, bytes, len);
    }
    hear(program);
}

static void play(struct program *program, const uint8_t *at, const uint8_t *end)
{
    hear(program);
    for (int n = 0; n < 200 && end - at >= 3; n++) {
        const unsigned kind = at[0];
        size_t len = at[1] | (size_t) at[2] << 8;
        at += 3;
        if (len > (size_t) (end - at))
            len = (size_t) (end - at);
        turn(program, kind, at, len);
        at += len;
    }
    /* silence: whatever was promised for, it ends */
    world.connected = false;
    world.frame = NULL;
    for (int i = 0; i < 4; i++) {
        world.now_us += (int64_t) UINT32_MAX * 1000;
        hear(program);
    }
    assert(program->n_shown == 0 || program->too_many || program->role != TAKT_AGENT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum takt_role roles[] = {TAKT_AGENT, TAKT_SOURCE, TAKT_OPERATOR};
    if (size < 1)
        return 0;
    struct wire *wire = world.wire ? world.wire : wire_new();
    world = (struct net){.now_us = INT64_C(1000) * 1000000, .connected = true, .wire = wire};
    struct program program = {.role = roles[data[0] % 3]};
    program.takt = takt_open(&(struct takt_options){.role = program.role,
                                                    .endpoint = "inproc://broker",
                                                    .name = "ann",
                                                    .team = "west",
                                                    .intent = TAKT_AVAILABLE},
                             NULL);
    assert(program.takt);
    play(&program, data + 1, data + size);
    takt_close(&program.takt);
    return 0;
}
