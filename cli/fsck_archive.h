/* SPDX-License-Identifier: Apache-2.0
 * fsck_archive.h - is what lies in an archive's folder whole, and does it fit
 * together? Needs no Redis and no policy; may run while the archive is written. */
#ifndef TAKT_CLI_FSCK_ARCHIVE_H
#define TAKT_CLI_FSCK_ARCHIVE_H

#include <stdbool.h>

/* Checks every segment and prints what it found. Returns the exit code of `takt fsck`. */
int fsck_archive(const char *folder, bool with_digest, bool json);

#endif
