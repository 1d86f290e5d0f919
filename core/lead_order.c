/* SPDX-License-Identifier: Apache-2.0
 * lead_order.c - a lead's place among those that wait, and the timers that a pool has
 * of its own. Both are the programme's, or what the unit says whose pool it waits in
 * or whose agent has it; what units inherit from one another is settled by policy/.
 *
 * An order by attributes is not a comparison of leads but a number, made when a lead
 * enters a heap: whatever the order, a heap compares two words. Only leads of one pool
 * are compared, so that a number needs no more bits than the keys of its order. */
#include "core/core_private.h"

#include <math.h>

#include "core/contact.h"
#include "proto/row_contact.h"

enum {
    ARRIVAL_BITS = 40, /* a thousand leads a second for 34 years */
    PLACE_LOW_BITS = 64 - ARRIVAL_BITS,
    PLACE_HIGH_BITS = 52, /* beside priorities up to PRIORITY_MAX */
    NUMBER_BITS = 32,
    LISTED_BITS = 7
};
_Static_assert((int64_t) PRIORITY_MAX << PLACE_HIGH_BITS > 0 && PRIORITY_MAX < 1 << (63 - PLACE_HIGH_BITS), "they fit");
_Static_assert(POLICY_ORDER_NUMBERS_MAX *NUMBER_BITS +
                       (POLICY_ORDER_KEYS_MAX - POLICY_ORDER_NUMBERS_MAX) * LISTED_BITS <=
                   PLACE_LOW_BITS + PLACE_HIGH_BITS,
               "and so do the keys");
_Static_assert(POLICY_ORDER_VALUES_MAX + 2 <= 1 << LISTED_BITS, "those that are not listed, and those without a value");

#define ARRIVALS (UINT64_C(1) << ARRIVAL_BITS)
#define NUMBER_LEAST ((int64_t) INT32_MIN)
#define NUMBER_MOST ((int64_t) INT32_MAX - 1) /* the last code is that of no number */
#define NUMBERS_MAX INT64_C(1000000000000000) /* a feature beyond is the hash of a text, hardly ever one below */

/* ---- whose word counts ------------------------------------------------------------------------------- */

/* The unit in whose pool it waits, the team whose agent it waits for or who has it; NONE: its programme alone. */
static uint32_t unit_of(const struct core *core, const struct lead *lead)
{
    const uint32_t index = lead->owner != NONE ? lead->owner : lead->ring == RING_AGENT ? lead->team : NONE;
    if (index == NONE)
        return lead->ring == RING_TEAM ? lead->team : NONE;
    const struct agent *agent = core->agents[index];
    return agent->programme == lead->programme ? agent->team : NONE;
}

static const struct policy_pool *own_of(const struct core *core, uint32_t unit)
{
    const uint32_t own = unit == NONE ? 0 : core->policy.teams[unit].pool;
    return own ? &core->policy.pools[own - 1] : NULL;
}

int64_t lead_timer_ms(const struct core *core, const struct lead *lead, enum pool_timer timer)
{
    const struct programme *programme = programme_of(core, lead->programme);
    const struct policy_pool *own = own_of(core, unit_of(core, lead));
    switch (timer) {
    case POOL_OFFER:
        return own && own->offer_ms ? own->offer_ms : programme->offer_ms;
    case POOL_FIRST_ACTION:
        return own && own->first_action_ms ? own->first_action_ms : programme->first_action_ms;
    case POOL_UNCLAIMED:
        break;
    }
    return own && own->unclaimed_ms ? own->unclaimed_ms : programme->unclaimed_ms;
}

static const struct policy_order *order_of(const struct core *core, uint32_t programme, uint32_t unit)
{
    const struct policy_pool *own = own_of(core, unit);
    return own && own->has_order ? &own->order : &programme_of(core, programme)->order;
}

const struct policy_order *lead_order(const struct core *core, const struct lead *lead)
{
    return order_of(core, lead->programme, unit_of(core, lead));
}

/* ---- by attributes --------------------------------------------------------------------------------------- */

struct place { /* an unsigned number of 128 bits */
    uint64_t high, low;
    uint32_t bits;
};

static void add_key(struct place *place, uint32_t bits, uint64_t code)
{
    place->high = place->high << bits | place->low >> (64 - bits);
    place->low = place->low << bits | code;
    place->bits += bits;
}

static bool value_of(const struct lead *lead, const struct order_key *key, int64_t *ret)
{
    const struct facts facts = {lead->features, lead->n_features};
    if (facts_get(&facts, key->key, ret))
        return true;
    if (!key->contacts)
        return false;
    const struct row_contact contact = row_contact(slice_of(lead->raw, lead->raw_len));
    *ret = contact_ways(contact.phone, contact.email);
    return true;
}

static uint64_t number_code(enum order_by by, bool has, int64_t number)
{
    const uint64_t last = (uint64_t) (NUMBER_MOST - NUMBER_LEAST);
    if (!has || number > NUMBERS_MAX || number < -NUMBERS_MAX)
        return last + 1;
    const int64_t kept = number < NUMBER_LEAST ? NUMBER_LEAST : number > NUMBER_MOST ? NUMBER_MOST : number;
    const uint64_t code = (uint64_t) (kept - NUMBER_LEAST);
    return by == ORDER_HIGHEST ? last - code : code;
}

static bool is_listed(const struct order_key *key, int64_t listed, int64_t value)
{
    return listed == value || (key->zip && listed < 0 && zip_begin(value, zip_len(-listed)) == -listed);
}

static uint64_t listed_code(const struct policy *policy, const struct order_key *key, bool has, int64_t value)
{
    const int64_t *listed = policy->values + key->values.first;
    uint32_t i = 0;
    while (has && i < key->values.n && !is_listed(key, listed[i], value))
        i++;
    return has ? i : key->values.n + 1u;
}

static struct place place_by(const struct core *core, const struct policy_order *order, const struct lead *lead)
{
    struct place place = {0};
    for (uint32_t i = 0; i < order->n_keys; i++) {
        const struct order_key *key = &order->keys[i];
        int64_t value = 0;
        const bool has = value_of(lead, key, &value);
        if (key->by == ORDER_LISTED)
            add_key(&place, LISTED_BITS, listed_code(&core->policy, key, has, value));
        else
            add_key(&place, NUMBER_BITS, number_code(key->by, has, value));
    }
    return place;
}

/* ---- keys -------------------------------------------------------------------------------------------------- */

/* A number that nobody can aim at with a key of his choice, the same in every replay of a log: different for each seq,
 * since each step can be undone. */
static uint64_t draw(uint64_t seq)
{
    uint64_t x = (seq + UINT64_C(0x9E3779B97F4A7C15)) % ARRIVALS;
    x = (x ^ x >> 19) * UINT64_C(0xBF58476D1CE4E5B9) % ARRIVALS;
    x = (x ^ x >> 17) * UINT64_C(0x94D049BB133111EB) % ARRIVALS;
    return x ^ x >> 20;
}

static uint64_t arrival(enum lead_order order, uint64_t seq)
{
    switch (order) {
    case ORDER_NEWEST_FIRST:
        return ARRIVALS - 1 - seq % ARRIVALS;
    case ORDER_RANDOM:
        return draw(seq);
    case ORDER_OLDEST_FIRST:
        break;
    }
    return seq % ARRIVALS;
}

static struct heap_key key_by(const struct core *core, const struct policy_order *order, const struct lead *lead)
{
    const uint64_t last = arrival(order->last, lead->seq);
    struct heap_key key = {-(int64_t) lead->priority * (INT64_C(1) << PLACE_HIGH_BITS), (int64_t) last};
    if (order->n_keys == 0)
        return key;
    const struct place place = place_by(core, order, lead);
    key.first += (int64_t) (place.high << ARRIVAL_BITS | place.low >> PLACE_LOW_BITS);
    key.second = (int64_t) ((place.low << ARRIVAL_BITS | last) ^ UINT64_C(1) << 63); /* as unsigned ones are compared */
    return key;
}

struct heap_key lead_key(const struct core *core, const struct lead *lead)
{
    return key_by(core, lead_order(core, lead), lead);
}

struct heap_key lead_key_in(const struct core *core, const struct pool *pool, const struct lead *lead)
{
    const uint32_t unit = pool->ring == RING_TEAM    ? pool->team
                          : pool->ring == RING_AGENT ? core->agents[pool->team]->team
                                                     : NONE;
    return key_by(core, order_of(core, pool->programme, unit), lead);
}

/* For people and views: cut to what keeps priorities apart. */
double lead_rank(const struct core *core, const struct lead *lead)
{
    const struct policy_order *order = lead_order(core, lead);
    const double band = -(double) lead->priority * 1e12;
    if (order->n_keys > 0) {
        const struct place place = place_by(core, order, lead);
        return band + ldexp(ldexp((double) place.high, 64) + (double) place.low, -(int) place.bits) * 1e12;
    }
    if (order->last == ORDER_NEWEST_FIRST)
        return band - (double) lead->seq;
    return band + (order->last == ORDER_RANDOM ? (double) (draw(lead->seq) >> 1) : (double) lead->seq);
}
