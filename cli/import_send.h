/* SPDX-License-Identifier: Apache-2.0
 * import_send.h - rows to the broker, outcomes to the tally and the rejects file.
 *
 * Owns the conversation of one import: manifests, chunks within the window, the
 * wait for receipts, what to say when the broker is away. It keeps of a chunk in
 * flight only what the rejects file may need, and settles chunks in their order,
 * so that the file is in the order of the rows. */
#ifndef TAKT_CLI_IMPORT_SEND_H
#define TAKT_CLI_IMPORT_SEND_H

#include <stdio.h>

#include "cli/intake.h"
#include "cli/tally.h"

struct send_options {
    const char *endpoint;
    int64_t timeout_ms; /* without any progress */
    int64_t rate;       /* rows a second; 0 = no limit */
    int64_t window;     /* chunks in flight; 0 = the library's */
};

enum send_result {
    SEND_DONE,    /* every row has an outcome */
    SEND_SILENT,  /* no answer within the timeout */
    SEND_REFUSED, /* the broker will not take this import; said on stderr */
    SEND_FILE,    /* the file could not be read, or changed; said on stderr */
};

/* Send all rows of `intake`, which stands before its first row. `rejects` may be NULL. */
enum send_result import_send(struct intake *intake, const struct intake_plan *plan, const struct send_options *options,
                             struct tally *tally, FILE *rejects);

#endif
