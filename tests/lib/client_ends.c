/* SPDX-License-Identifier: Apache-2.0
 * client_ends.c - see client_ends.h. */
#include "tests/lib/client_ends.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

void ends_drive(void *context)
{
    struct client_ends *ends = context;
    assert_true(ends->n_events < 32);
    if (takt_next(ends->takt, &ends->events[ends->n_events], 0) == 1)
        ends->n_events++;
}

int ends_set_up(void **state)
{
    static struct client_ends ends;
    memset(&ends, 0, sizeof ends);
    fake_open(&ends.broker);
    ends.broker.drive = ends_drive;
    ends.broker.context = &ends;
    *state = &ends;
    return 0;
}

int ends_tear_down(void **state)
{
    struct client_ends *ends = *state;
    takt_close(&ends->takt);
    fake_close(&ends->broker);
    return 0;
}

struct takt_event ends_expect(struct client_ends *ends, enum takt_event_kind kind)
{
    struct takt_event event = {0};
    if (ends->n_seen < ends->n_events)
        event = ends->events[ends->n_seen++];
    else
        assert_int_equal(takt_next(ends->takt, &event, PATIENCE_MS), 1);
    assert_int_equal(event.kind, kind);
    return event;
}

void ends_expect_nothing(struct client_ends *ends, int for_ms)
{
    struct takt_event event;
    assert_int_equal(ends->n_seen, ends->n_events);
    assert_int_equal(takt_next(ends->takt, &event, for_ms), 0);
}

void ends_open(struct client_ends *ends, enum takt_role role)
{
    static const char *const skills[] = {"spanish", "term life", NULL};
    struct takt_options options = {.role = role, .endpoint = ends->broker.endpoint, .name = "ann"};
    if (role == TAKT_AGENT) {
        options.team = "north";
        options.intent = TAKT_AVAILABLE;
        options.capacity = 3;
        options.skills = skills;
    }
    ends->takt = takt_open(&options, NULL);
    assert_non_null(ends->takt);
    fake_welcome(&ends->broker, 1);
    ends_expect(ends, TAKT_CONNECTED);
    fake_heartbeat(&ends->broker);
}

void ends_lose_session(struct client_ends *ends, uint64_t session)
{
    fake_refuse(&ends->broker, REASON_HELLO_FIRST, 0, 0);
    ends_expect(ends, TAKT_DISCONNECTED);
    fake_welcome(&ends->broker, session);
    ends_expect(ends, TAKT_CONNECTED);
}
