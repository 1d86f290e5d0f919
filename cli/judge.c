/* SPDX-License-Identifier: Apache-2.0
 * judge.c - the outcome a broker that knows nothing yet would give each row. */
#include "cli/judge.h"

#include <sodium.h>

#include "core/contact.h"

void judge_fini(struct judge *judge)
{
    seen_fini(&judge->leads);
}

enum reason judge_row(struct judge *judge, const struct intake_row *row, uint32_t *ret_warnings)
{
    *ret_warnings = 0;
    if (row->reason != REASON_OK)
        return row->reason;
    enum reason reject;
    uint32_t warnings = contact_check(&row->row, &reject);
    if (reject != REASON_OK)
        return reject;
    uint8_t digest[16];
    crypto_generichash(digest, sizeof digest, row->encoded.at, row->encoded.len, NULL, 0);
    uint64_t contents = id_from_bytes(digest).hi | 1; /* 0 means new */
    uint64_t *first = seen_value(&judge->leads, row->lead);
    if (*first != 0)
        return *first == contents ? REASON_DUPLICATE_KEY : REASON_PAYLOAD_DIFFERS;
    *first = contents;
    *ret_warnings = warnings;
    return REASON_OK;
}
