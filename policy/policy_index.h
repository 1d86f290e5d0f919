/* SPDX-License-Identifier: Apache-2.0
 * policy_index.h - where each path of a policy file stands, for findings and for
 * the rules that a decision names by their line. Internal to policy/. */
#ifndef TAKT_POLICY_POLICY_INDEX_H
#define TAKT_POLICY_POLICY_INDEX_H

#include <stdint.h>

struct policy_index;

struct policy_index *policy_index_new(void);
void policy_index_free(struct policy_index **index_p);

/* While the file is read; after policy_index_end() no more. */
void policy_index_add(struct policy_index *index, const char *path, uint32_t line, uint32_t column);
void policy_index_end(struct policy_index *index);

/* The place of the value at `path`; of what it would be in, when it is not there; else of the file: 0. */
void policy_index_find(const struct policy_index *index, const char *path, uint32_t *ret_line, uint32_t *ret_column);

#endif
