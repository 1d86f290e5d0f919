/* SPDX-License-Identifier: Apache-2.0
 * follow.h - what a lead has that was tried, taken back or moved by hand; the many
 * that wait do without. followup.c and orders.c change it. Seen by this folder only. */
#ifndef TAKT_CORE_FOLLOW_H
#define TAKT_CORE_FOLLOW_H

#include "core/tables.h"

enum { ORDERS_KEPT = 8 };
struct order { /* of an operator */
    struct id op;
    int64_t at_us;
    uint32_t agent; /* or NONE */
    uint8_t what;   /* enum order_what */
    char actor[NAME_BYTES_MAX + 1], why[WHY_BYTES_MAX + 1];
};
struct follow {           /* of a lead that was tried, or taken back: followup.c */
    struct order *orders; /* the last ones, oldest first */
    int64_t renewed_us;   /* its age counts from here; 0: since it came */
    int64_t back_us;      /* when it was last taken from an owner; 0 = never */
    uint32_t back_from;   /* agent index */
    uint16_t back_reason;
    uint16_t attempts_before, distributions_before; /* of the rounds before this one */
    uint32_t day, assign_to;                        /* assign_to: agent index; who gets it when REVOKING is over */
    uint8_t attempts_day, recycles, n_orders;       /* attempts_day: on that day */
    bool owned;                                     /* REVOKING: it was more than an offer */
    bool redirected;                                /* to another programme, when it last came back */
};

#endif
