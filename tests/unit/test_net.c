/* SPDX-License-Identifier: Apache-2.0
 * test_net.c - the socket options of common/net.c as behaviour: what a ROUTER
 * does with a peer that is gone, full, or sends several frames. Misbehaving peers
 * are made with libzmq itself, since sock_send() cannot misbehave. */
#include "common/net.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <zmq.h>

#include "common/clock.h"

enum { HWM = 4, PATIENCE_MS = 5000 };

struct pair {
    struct net *net;
    struct sock *router, *dealer;
};

static int open_pair(void **state)
{
    static struct pair pair;
    char why[160];
    pair.net = net_new();
    pair.router = sock_bind(pair.net, SOCK_ROUTER, "tcp://127.0.0.1:*", HWM, HWM, why);
    assert_non_null(pair.router);
    pair.dealer = sock_connect(pair.net, SOCK_DEALER, sock_endpoint(pair.router), HWM, why);
    assert_non_null(pair.dealer);
    *state = &pair;
    return 0;
}

static int close_pair(void **state)
{
    struct pair *pair = *state;
    sock_close(&pair->dealer);
    sock_close(&pair->router);
    net_destroy(&pair->net);
    return 0;
}

/* Receive one frame within the patience; fails the test otherwise. */
static struct slice expect_frame(struct sock *sock, struct address *ret_from)
{
    struct slice frame;
    int64_t until_us = clock_mono_us() + PATIENCE_MS * 1000;
    while (!sock_recv(sock, ret_from, &frame)) {
        assert_true(clock_mono_us() < until_us);
        net_wait(&sock, 1, NULL, 0, 100);
    }
    return frame;
}

static void wait_connected(struct sock *dealer, bool connected)
{
    int64_t until_us = clock_mono_us() + PATIENCE_MS * 1000;
    while (sock_connected(dealer, NULL) != connected) {
        assert_true(clock_mono_us() < until_us);
        net_wait(&dealer, 1, NULL, 0, PATIENCE_MS);
    }
}

static struct slice text(const char *bytes)
{
    return slice_of(bytes, strlen(bytes));
}

/* Let the router learn the dealer's address. */
static struct address greet(struct pair *pair)
{
    struct address peer;
    wait_connected(pair->dealer, true);
    assert_int_equal(sock_send(pair->dealer, NULL, text("hi")), SENT_OK);
    expect_frame(pair->router, &peer);
    return peer;
}

static void test_a_frame_goes_there_and_back(void **state)
{
    struct pair *pair = *state;
    struct address peer;
    wait_connected(pair->dealer, true);
    assert_int_equal(sock_send(pair->dealer, NULL, text("ping")), SENT_OK);
    struct slice frame = expect_frame(pair->router, &peer);
    assert_int_equal(frame.len, 4);
    assert_memory_equal(frame.at, "ping", 4);
    assert_int_equal(peer.len, 5);
    assert_int_equal(sock_send(pair->router, &peer, text("pong!")), SENT_OK);
    frame = expect_frame(pair->dealer, NULL);
    assert_int_equal(frame.len, 5);
    assert_memory_equal(frame.at, "pong!", 5);
}

static void test_an_empty_socket_gives_nothing_and_does_not_block(void **state)
{
    struct pair *pair = *state;
    struct slice frame;
    assert_false(sock_recv(pair->router, NULL, &frame));
    assert_false(sock_recv(pair->dealer, NULL, &frame));
}

static void test_a_dealer_without_a_connection_queues_nothing(void **state)
{
    struct pair *pair = *state;
    char why[160];
    struct sock *alone = sock_connect(pair->net, SOCK_DEALER, "ipc:///nonexistent/takt-test", HWM, why);
    assert_non_null(alone);
    assert_false(sock_connected(alone, NULL));
    assert_int_equal(sock_send(alone, NULL, text("lost")), SENT_FULL);
    sock_close(&alone);
    assert_null(alone);
    sock_close(&alone);
}

static void test_a_lost_connection_ends_the_wait_at_once(void **state)
{
    struct pair *pair = *state;
    greet(pair);
    sock_close(&pair->router);
    int64_t from_us = clock_mono_us();
    wait_connected(pair->dealer, false);
    assert_true(clock_mono_us() - from_us < 1000000);
}

static void test_a_connection_made_while_nobody_looked_ends_the_wait(void **state)
{
    struct pair *pair = *state;
    struct slice frame;
    struct pollfd fd = {.fd = sock_fd(pair->dealer), .events = POLLIN};
    while (poll(&fd, 1, 200) > 0)
        assert_false(sock_recv(pair->dealer, NULL, &frame)); /* takes the edge, tells nobody */
    int64_t from_us = clock_mono_us();
    net_wait(&pair->dealer, 1, NULL, 0, PATIENCE_MS);
    assert_true(clock_mono_us() - from_us < 1000000);
    assert_true(sock_connected(pair->dealer, NULL));
}

static void test_a_gone_peer_is_gone_and_not_silently_dropped(void **state)
{
    struct pair *pair = *state;
    struct address peer = greet(pair), unknown = {.len = 5, .id = {0, 1, 2, 3, 4}};
    assert_int_equal(sock_send(pair->router, &unknown, text("who?")), SENT_GONE);
    sock_close(&pair->dealer);
    int64_t until_us = clock_mono_us() + PATIENCE_MS * 1000;
    enum sock_sent sent = SENT_OK;
    while (sent != SENT_GONE) {
        assert_true(clock_mono_us() < until_us);
        net_wait(&pair->router, 1, NULL, 0, 10);
        sent = sock_send(pair->router, &peer, text("still there?"));
    }
}

static void test_a_peer_that_does_not_read_is_full_and_does_not_block_the_others(void **state)
{
    struct pair *pair = *state;
    char why[160];
    struct address lazy = greet(pair), other;
    struct sock *reader = sock_connect(pair->net, SOCK_DEALER, sock_endpoint(pair->router), HWM, why);
    wait_connected(reader, true);
    sock_send(reader, NULL, text("hi"));
    expect_frame(pair->router, &other);

    static const uint8_t large[FRAME_BYTES_MAX];
    int n = 0;
    while (sock_send(pair->router, &lazy, slice_of(large, sizeof large)) == SENT_OK)
        assert_true(++n < 1000);
    assert_int_equal(sock_send(pair->router, &lazy, text("more")), SENT_FULL);
    assert_int_equal(sock_send(pair->router, &other, text("you")), SENT_OK);
    assert_int_equal(expect_frame(reader, NULL).len, 3);
    sock_close(&reader);
}

static void *open_raw_dealer(const struct pair *pair, void **ret_context)
{
    *ret_context = zmq_ctx_new();
    void *raw = zmq_socket(*ret_context, ZMQ_DEALER);
    int linger_ms = 0;
    zmq_setsockopt(raw, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    assert_int_equal(zmq_connect(raw, sock_endpoint(pair->router)), 0);
    return raw;
}

static void close_raw(void *raw, void *context)
{
    zmq_close(raw);
    zmq_ctx_term(context);
}

static void test_a_message_of_several_frames_is_dropped_whole_and_counted(void **state)
{
    struct pair *pair = *state;
    void *context, *raw = open_raw_dealer(pair, &context);
    zmq_send(raw, "", 0, ZMQ_SNDMORE);
    zmq_send(raw, "enveloped", 9, 0);
    zmq_send(raw, "one", 3, ZMQ_SNDMORE);
    zmq_send(raw, "two", 3, ZMQ_SNDMORE);
    zmq_send(raw, "three", 5, 0);
    zmq_send(raw, "single", 6, 0);
    struct slice frame = expect_frame(pair->router, NULL);
    assert_int_equal(frame.len, 6);
    assert_memory_equal(frame.at, "single", 6);
    assert_int_equal(sock_dropped(pair->router), 2);
    close_raw(raw, context);
}

static void test_a_flood_of_dropped_messages_does_not_keep_the_caller(void **state)
{
    struct pair *pair = *state;
    void *context, *raw = open_raw_dealer(pair, &context);
    struct slice frame;
    uint64_t dropped = 0;
    for (int i = 0; i < 1500; i++) {
        zmq_send(raw, "a", 1, ZMQ_SNDMORE);
        zmq_send(raw, "b", 1, 0);
    }
    zmq_send(raw, "single", 6, 0);
    for (int64_t until_us = clock_mono_us() + PATIENCE_MS * 1000; !sock_recv(pair->router, NULL, &frame);) {
        assert_true(sock_dropped(pair->router) - dropped <= 1000);
        dropped = sock_dropped(pair->router);
        assert_true(clock_mono_us() < until_us);
        net_wait(&pair->router, 1, NULL, 0, 100);
    }
    assert_int_equal(frame.len, 6);
    assert_int_equal(sock_dropped(pair->router), 1500);
    close_raw(raw, context);
}

static void test_a_peer_with_a_long_address_of_its_own_is_dropped(void **state)
{
    struct pair *pair = *state;
    void *context = zmq_ctx_new(), *raw = zmq_socket(context, ZMQ_DEALER);
    int linger_ms = 0;
    zmq_setsockopt(raw, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(raw, ZMQ_ROUTING_ID, "an-id-of-my-own", 15);
    zmq_connect(raw, sock_endpoint(pair->router));
    zmq_send(raw, "hello", 5, 0);
    struct slice frame;
    int64_t until_us = clock_mono_us() + PATIENCE_MS * 1000;
    while (sock_dropped(pair->router) == 0) {
        assert_false(sock_recv(pair->router, NULL, &frame));
        assert_true(clock_mono_us() < until_us);
        net_wait(&pair->router, 1, NULL, 0, 100);
    }
    close_raw(raw, context);
}

static void test_a_frame_over_the_limit_ends_only_its_own_connection(void **state)
{
    struct pair *pair = *state;
    static const uint8_t huge[2 * FRAME_BYTES_MAX];
    struct slice frame;
    int linger_ms = 0, immediate = 1, never = -1;
    void *context = zmq_ctx_new(), *raw = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(raw, ZMQ_LINGER, &linger_ms, sizeof linger_ms);
    zmq_setsockopt(raw, ZMQ_IMMEDIATE, &immediate, sizeof immediate);
    zmq_setsockopt(raw, ZMQ_RECONNECT_IVL, &never, sizeof never);
    greet(pair);
    zmq_connect(raw, sock_endpoint(pair->router));
    zmq_send(raw, huge, sizeof huge, 0);
    zmq_pollitem_t writable = {.socket = raw, .events = ZMQ_POLLOUT};
    int64_t until_us = clock_mono_us() + PATIENCE_MS * 1000;
    while (zmq_poll(&writable, 1, 0) == 1) { /* until it has lost its connection */
        assert_true(clock_mono_us() < until_us);
        net_wait(&pair->router, 1, NULL, 0, 5);
        assert_false(sock_recv(pair->router, NULL, &frame));
    }
    assert_int_equal(sock_send(pair->dealer, NULL, text("still here")), SENT_OK);
    assert_int_equal(expect_frame(pair->router, NULL).len, 10);
    close_raw(raw, context);
}

static void test_a_frame_just_over_the_limit_arrives_to_be_refused(void **state)
{
    struct pair *pair = *state;
    static const uint8_t large[FRAME_BYTES_MAX + 1];
    void *context, *raw = open_raw_dealer(pair, &context);
    zmq_send(raw, large, sizeof large, 0);
    assert_int_equal(expect_frame(pair->router, NULL).len, FRAME_BYTES_MAX + 1);
    close_raw(raw, context);
}

static void test_the_router_can_be_waited_for_together_with_a_descriptor(void **state)
{
    struct pair *pair = *state;
    struct wait_fd fd = {.fd = 1, .want_write = true};
    net_wait(&pair->router, 1, &fd, 1, PATIENCE_MS);
    assert_true(fd.writable);
    wait_connected(pair->dealer, true);
    sock_send(pair->dealer, NULL, text("x"));
    expect_frame(pair->router, NULL);
    int64_t from_us = clock_mono_us();
    net_wait(NULL, 0, NULL, 0, 5);
    assert_true(clock_mono_us() - from_us >= 4000);
}

static void test_only_local_endpoints_are_accepted(void **state)
{
    struct pair *pair = *state;
    static const char *const local[] = {"tcp://127.0.0.1:7701", "tcp://127.3.2.1:*", "tcp://localhost:1",
                                        "tcp://[::1]:7701",     "ipc:///run/takt/a", "inproc://x"};
    static const char *const foreign[] = {
        "tcp://0.0.0.0:7701",          "tcp://*:7701",    "tcp://10.0.0.1:1",
        "tcp://127.example.com:1",     "tcp://eth0:1",    "tcp://[::]:1",
        "tcp://127.0.0.1:1;8.8.8.8:1", "udp://127.0.0.1", "",
        "tcp://localhost.example:1",   "pgm://127.0.0.1", "tcp://localhost:1;9.9.9.9:1"};
    char why[160];
    for (size_t i = 0; i < sizeof local / sizeof *local; i++)
        assert_true(endpoint_is_local(local[i]));
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        assert_false(endpoint_is_local(foreign[i]));
        why[0] = '\0';
        assert_null(sock_bind(pair->net, SOCK_ROUTER, foreign[i], HWM, HWM, why));
        assert_non_null(strstr(why, "loopback"));
        assert_null(sock_connect(pair->net, SOCK_DEALER, foreign[i], HWM, why));
    }
}

static void test_a_second_bind_says_why_it_failed(void **state)
{
    struct pair *pair = *state;
    char why[160] = "";
    assert_null(sock_bind(pair->net, SOCK_ROUTER, sock_endpoint(pair->router), HWM, HWM, why));
    assert_non_null(strstr(why, "in use"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_pair, close_pair)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_frame_goes_there_and_back),
        TEST(test_an_empty_socket_gives_nothing_and_does_not_block),
        TEST(test_a_dealer_without_a_connection_queues_nothing),
        TEST(test_a_lost_connection_ends_the_wait_at_once),
        TEST(test_a_connection_made_while_nobody_looked_ends_the_wait),
        TEST(test_a_gone_peer_is_gone_and_not_silently_dropped),
        TEST(test_a_peer_that_does_not_read_is_full_and_does_not_block_the_others),
        TEST(test_a_message_of_several_frames_is_dropped_whole_and_counted),
        TEST(test_a_flood_of_dropped_messages_does_not_keep_the_caller),
        TEST(test_a_peer_with_a_long_address_of_its_own_is_dropped),
        TEST(test_a_frame_over_the_limit_ends_only_its_own_connection),
        TEST(test_a_frame_just_over_the_limit_arrives_to_be_refused),
        TEST(test_the_router_can_be_waited_for_together_with_a_descriptor),
        TEST(test_only_local_endpoints_are_accepted),
        TEST(test_a_second_bind_says_why_it_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
