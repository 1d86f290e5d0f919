/* SPDX-License-Identifier: Apache-2.0
 * huge.h - memory for what is many and looked at all over: on ordinary pages, each
 * look at another one first needs the address of its page. Aborts when memory is short. */
#ifndef TAKT_COMMON_HUGE_H
#define TAKT_COMMON_HUGE_H

enum { HUGE_BYTES = 2 << 20 };

void *huge_new(void); /* HUGE_BYTES at a multiple of that, not cleared; free() it */

#endif
