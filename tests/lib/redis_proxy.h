/* SPDX-License-Identifier: Apache-2.0
 * redis_proxy.h - a wire that can be cut where it hurts: between a store and its
 * Redis, in a thread of the test. Commands take effect before they return. */
#ifndef TAKT_TESTS_LIB_REDIS_PROXY_H
#define TAKT_TESTS_LIB_REDIS_PROXY_H

struct redis_proxy;

enum proxy_mode {
    PROXY_PASS = 'p',
    PROXY_LOSE_REPLIES = 'r',  /* requests arrive, their replies do not */
    PROXY_LOSE_REQUESTS = 'q', /* requests do not arrive */
    PROXY_HOLD_REQUESTS = 'h', /* requests arrive late: at redis_proxy_deliver() */
};

/* Listens at <folder>/proxy.sock; `address` ("unix:...") is the server's. */
struct redis_proxy *redis_proxy_start(const char *folder, const char *address);
const char *redis_proxy_address(const struct redis_proxy *proxy);
void redis_proxy_mode(struct redis_proxy *proxy, enum proxy_mode mode);
void redis_proxy_cut(struct redis_proxy *proxy);     /* close what is connected; mode PASS for what comes */
void redis_proxy_deliver(struct redis_proxy *proxy); /* what was held, though its sender is long gone */
void redis_proxy_stop(struct redis_proxy **proxy_p);

#endif
