/* SPDX-License-Identifier: Apache-2.0
 * fuzz_core.c - any peers saying anything in any order, time passing, crashes
 * between: never a crash of ours, each answer can be encoded, the invariants hold
 * after each beat, and the log alone brings the same state back. */
#include "tests/fuzz/small_cell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t crash[] = {SMALL_ANEW, 0, 0};
    struct small_cell *cell = small_cell_new();
    small_cell_play(cell, data, size);
    small_cell_play(cell, crash, sizeof crash);
    small_cell_destroy(&cell);
    return 0;
}
