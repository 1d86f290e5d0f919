/* SPDX-License-Identifier: Apache-2.0
 * seal_row.c - stdin: a row; stdout: the same with its check, as the view keeps
 * it. So a test can plant a row that is wrong and yet passes its check. */
#include <endian.h>
#include <stdio.h>

#include "broker/entry.h"

int main(void)
{
    static uint8_t row[1024 * 1024];
    size_t len = fread(row, 1, sizeof row, stdin);
    uint64_t check = htole64(entry_check(row, len));
    return fwrite(row, 1, len, stdout) == len && fwrite(&check, sizeof check, 1, stdout) == 1 ? 0 : 1;
}
