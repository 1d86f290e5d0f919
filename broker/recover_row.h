/* SPDX-License-Identifier: Apache-2.0
 * recover_row.h - a row of a store into a core, with the one thing that the core
 * cannot do by itself: make a policy of its text. For the broker and for fsck. */
#ifndef TAKT_BROKER_RECOVER_ROW_H
#define TAKT_BROKER_RECOVER_ROW_H

#include "broker/store.h"
#include "core/core.h"

/* As a store_row_fn, with the core as its argument. */
bool recover_row(void *core, const struct row_ref *row, const struct entry *entry);

#endif
