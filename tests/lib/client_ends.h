/* SPDX-License-Identifier: Apache-2.0
 * client_ends.h - both ends of a libtakt connection in one thread: a handle and
 * the scripted broker it talks to. Set up and torn down for each test. */
#ifndef TAKT_TESTS_CLIENT_ENDS_H
#define TAKT_TESTS_CLIENT_ENDS_H

#include "client/takt.h"
#include "tests/lib/fake_broker.h"

struct client_ends {
    struct fake_broker broker;
    takt_t *takt;
    struct takt_event events[32]; /* taken while the broker waited; what they borrow is gone */
    int n_events, n_seen;
};

int ends_set_up(void **state); /* no handle yet */
int ends_tear_down(void **state);
void ends_drive(void *context); /* for broker.drive */

void ends_open(struct client_ends *ends, enum takt_role role); /* "ann", connected */
/* The next event, which must be of this kind. */
struct takt_event ends_expect(struct client_ends *ends, enum takt_event_kind kind);
void ends_expect_nothing(struct client_ends *ends, int for_ms);
/* The broker forgets the session; the next hello gets a new one. */
void ends_lose_session(struct client_ends *ends, uint64_t session);

#endif
