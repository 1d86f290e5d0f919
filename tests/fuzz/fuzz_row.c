/* SPDX-License-Identifier: Apache-2.0
 * fuzz_row.c - any bytes as one encoded Lead: never a crash, and what is accepted
 * goes round with the same id, and its contact data is judged. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/contact.h"
#include "proto/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wire *wire; /* kept, since each input must find it as good as new */
    static const struct slice source = {(const uint8_t *) "fuzz", 4};
    uint8_t once[ROW_BYTES_MAX], twice[ROW_BYTES_MAX];
    struct row row;

    if (wire == NULL)
        wire = wire_new();
    if (wire_decode_row(wire, slice_of(data, size), source, &row) != REASON_OK) {
        assert(row.reject != REASON_OK && id_is_none(row.lead) && row.key.at == NULL);
        return 0;
    }
    enum reason reject = REASON_OK;
    contact_check(&row, &reject);
    assert(reject == REASON_OK || reject == REASON_NO_CONTACT);
    struct id lead = row.lead;
    size_t len = wire_encode_row(&row, once, sizeof once);
    assert(len > 0); /* ours is the shortest form */
    enum reason reason = wire_decode_row(wire, slice_of(once, len), source, &row);
    assert(reason == REASON_OK && id_equal(row.lead, lead));
    assert(wire_encode_row(&row, twice, sizeof twice) == len && memcmp(once, twice, len) == 0);
    return 0;
}
