/* SPDX-License-Identifier: Apache-2.0
 * places.h - what the broker finds out about a lead before the core sees it: the
 * area code of its phone and, with a geo file, its place and time zone. Once, at
 * the edge, as plain attributes of the lead: so rules, weights, records and replay
 * need neither the file nor its version. */
#ifndef TAKT_BROKER_PLACES_H
#define TAKT_BROKER_PLACES_H

#include "geo/geo.h"

struct places;

struct places *places_new(const struct geo *geo); /* borrowed; NULL: area codes only */
void places_destroy(struct places **places_p);

/* Each good row of the chunk gets the attributes of places.def that its source did not give, as far as they are
 * known and the row has room. The chunk then borrows from `places` until the next call. */
void places_resolve(struct places *places, struct msg_chunk *chunk);

#endif
