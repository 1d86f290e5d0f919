/* SPDX-License-Identifier: Apache-2.0
 * huge.c - see huge.h. Where the system has no huge pages to give, these are ordinary ones. */
#include "common/huge.h"

#include <stdlib.h>
#include <sys/mman.h>

void *huge_new(void)
{
    void *at = aligned_alloc(HUGE_BYTES, HUGE_BYTES);
    if (at == NULL)
        abort();
    madvise(at, HUGE_BYTES, MADV_HUGEPAGE);
    return at;
}
