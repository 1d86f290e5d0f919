/* SPDX-License-Identifier: Apache-2.0
 * policy_zones.h - the system's zone database, as tables for the core. */
#ifndef TAKT_POLICY_POLICY_ZONES_H
#define TAKT_POLICY_POLICY_ZONES_H

#include "core/calendar.h"

/* Fills *ret with the zone of this name and its turns from 2020 to 2060. False when the
 * system has no such zone. Changes TZ for the time of the call. */
bool policy_zone(const char *name, struct zone *ret);

#endif
