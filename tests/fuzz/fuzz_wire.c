/* SPDX-License-Identifier: Apache-2.0
 * fuzz_wire.c - any bytes as a frame: never a crash, and what is accepted goes
 * round.
 *
 * Encoding what was decoded need not give the same bytes, since a stranger may
 * order fields as he likes. But decoding that again must give the same message,
 * and so the same bytes as before: that is what is compared. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct wire *wire; /* kept, since each input must find it as good as new */
    struct msg msg;
    struct slice frame;

    if (wire == NULL)
        wire = wire_new();
    if (wire_decode(wire, data, size, &msg) != REASON_OK) {
        assert(wire_why(wire)[0] != '\0');
        return 0;
    }
    if (!wire_encode(wire, &msg, &frame))
        return 0; /* of full size, in a shorter form than ours */
    uint32_t len = frame.len;
    uint8_t *once = malloc(len);
    assert(once != NULL);
    memcpy(once, frame.at, len);
    enum reason reason = wire_decode(wire, once, len, &msg);
    assert(reason == REASON_OK);
    bool encoded = wire_encode(wire, &msg, &frame);
    assert(encoded && frame.len == len && memcmp(frame.at, once, len) == 0);
    free(once);
    return 0;
}
