/* SPDX-License-Identifier: Apache-2.0
 * file.h - small files that must survive a power cut. The folder is synced as
 * well: without that a new name is on disk some time later, or never. */
#ifndef TAKT_COMMON_FILE_H
#define TAKT_COMMON_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* All return false when errno says why. */

/* A reader, and who comes after a power cut, finds the old or the new one, never half of it. It lies as PATH.new
 * until it is whole. */
bool file_put(const char *path, const void *bytes, size_t len, mode_t mode);

/* At the end of one that is there already. False: it may end with a part of them. */
bool file_add(const char *path, const void *bytes, size_t len);

/* Over whatever has the name `path`, in the same folder; what is in `fresh` was synced before. */
bool file_move(const char *fresh, const char *path);

#endif
