/* SPDX-License-Identifier: Apache-2.0
 * takt_ready.c - the three ways in which an agent asks for a lead: any, a list to
 * choose from, one off that list. All are one request of the protocol, of which one
 * is out at a time; what is heard of it is takt_agent.c. */
#include "client/takt_private.h"

static int ask(struct takt *takt, uint32_t wait_ms, uint32_t list, struct id take)
{
    int failed = takt_may(takt, TAKT_AGENT);
    if (failed)
        return failed;
    if (requests_find(&takt->requests, REQUEST_READY, takt->ready_op))
        return takt_fail(takt, TAKT_EBUSY, "a ready waits for its answer");
    takt->ready_op = takt_next_op(takt);
    struct request *request = requests_add(&takt->requests, REQUEST_READY, takt->ready_op);
    if (!request)
        return takt_fail(takt, TAKT_ENOMEM, "no memory");
    request->ready.wait_ms = wait_ms;
    request->ready.list = list;
    request->ready.take = take;
    return TAKT_OK;
}

int takt_ready(takt_t *takt, uint32_t wait_ms)
{
    return ask(takt, wait_ms, 0, (struct id){0});
}

int takt_ready_list(takt_t *takt, unsigned n)
{
    if (n < 1 || n > CANDIDATES_MAX)
        return takt_fail(takt, TAKT_EUSAGE, "a list has 1 to 10 leads");
    return ask(takt, 0, n, (struct id){0});
}

int takt_ready_take(takt_t *takt, takt_id lead)
{
    return ask(takt, 0, 0, takt_id_in(lead));
}
