/* SPDX-License-Identifier: Apache-2.0
 * plain.h - the plain order: who gets what when no worker decides. Leads in the order
 * of their window, each to whoever of those who may has got the least of it, and has
 * been free the longest. It sees the request and nothing else, as a worker does, so
 * that such a decision can be made again, too. */
#ifndef TAKT_CORE_PLAIN_H
#define TAKT_CORE_PLAIN_H

#include "proto/msg.h"

/* `ret`: n_leads. Agents of the request stand in the order of their idle time, exclusions in that of their leads. */
void plain_decide(const struct msg_request *request, struct verdict *ret);

#endif
