/* SPDX-License-Identifier: Apache-2.0
 * record_follow.c - the part of a lead's row that few leads have: of those that
 * were tried, taken back, or moved by hand. */
#include "core/record_bytes.h"

#include <stdlib.h>

void record_put_follow(const struct follow *follow, int64_t state_us, struct writer *row)
{
    put_uint(row, (follow->owned ? 1 : 0) | (follow->redirected ? 2 : 0));
    put_int(row, follow->renewed_us ? state_us - follow->renewed_us : -1);
    put_int(row, follow->back_us ? state_us - follow->back_us : -1);
    put_index(row, follow->back_from);
    put_uint(row, follow->back_reason);
    put_uint(row, follow->attempts_before);
    put_uint(row, follow->distributions_before);
    put_uint(row, follow->day);
    put_uint(row, follow->attempts_day);
    put_uint(row, follow->recycles);
    put_index(row, follow->assign_to);
    put_uint(row, follow->n_orders);
    for (const struct order *order = follow->orders; order && order < follow->orders + follow->n_orders; order++) {
        put_id(row, order->op);
        put_int(row, order->at_us);
        put_uint(row, order->what);
        put_index(row, order->agent);
        put_text(row, order->actor);
        put_uint(row, strlen(order->why));
        put_bytes(row, order->why, strlen(order->why));
    }
}

static int64_t moment_before(int64_t state_us, int64_t since_us)
{
    return since_us == -1 ? 0 : state_us - since_us;
}

static bool get_order(struct reader *reader, struct order *ret)
{
    *ret = (struct order){.op = get_id(reader), .at_us = get_int(reader)};
    ret->what = get_u8(reader);
    ret->agent = get_index(reader);
    const struct slice actor = get_text(reader);
    const struct slice why = get_slice(reader, (uint32_t) get_uint(reader, WHY_BYTES_MAX));
    if (reader->bad)
        return false;
    if (actor.len > 0)
        memcpy(ret->actor, actor.at, actor.len);
    if (why.len > 0)
        memcpy(ret->why, why.at, why.len);
    return true;
}

/* Its orders are in `orders`, which has room for ORDERS_KEPT. */
static struct follow get_follow(struct reader *reader, int64_t state_us, struct order *orders)
{
    const uint8_t flags = get_u8(reader);
    struct follow follow = {.owned = flags & 1, .redirected = flags & 2};
    follow.renewed_us = moment_before(state_us, get_int(reader));
    follow.back_us = moment_before(state_us, get_int(reader));
    follow.back_from = get_index(reader);
    follow.back_reason = get_u16(reader);
    follow.attempts_before = get_u16(reader);
    follow.distributions_before = get_u16(reader);
    follow.day = get_u32(reader);
    follow.attempts_day = get_u8(reader);
    follow.recycles = get_u8(reader);
    follow.assign_to = get_index(reader);
    const uint8_t n_orders = get_u8(reader);
    reader->bad = reader->bad || n_orders > ORDERS_KEPT;
    while (!reader->bad && follow.n_orders < n_orders && get_order(reader, &orders[follow.n_orders]))
        follow.n_orders++;
    return follow;
}

void record_apply_follow(struct lead *lead, struct reader *reader)
{
    struct order orders[ORDERS_KEPT], *kept = followup_of(lead)->orders;
    struct follow follow = get_follow(reader, lead->state_us, orders);
    if (follow.n_orders && !kept)
        kept = calloc(ORDERS_KEPT, sizeof *kept);
    assert(follow.n_orders == 0 || kept);
    if (follow.n_orders)
        memcpy(kept, orders, follow.n_orders * sizeof *kept);
    follow.orders = kept;
    *followup_of(lead) = follow;
}
