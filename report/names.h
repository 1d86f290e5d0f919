/* SPDX-License-Identifier: Apache-2.0
 * names.h - a number for each different name: a million leads share a few
 * sources, campaigns, pools and agents, and keep two bytes or four of them. */
#ifndef TAKT_REPORT_NAMES_H
#define TAKT_REPORT_NAMES_H

#include "proto/msg.h"

struct names; /* number 0 is the empty name */

struct names *names_new(void);
void names_destroy(struct names **names_p);

uint32_t names_number(struct names *names, struct slice text);
struct slice names_text(const struct names *names, uint32_t number); /* until the next new name */

#endif
