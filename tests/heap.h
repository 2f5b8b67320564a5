/*
 * What the library has on the heap, for programs linked with
 * -Wl,--wrap=mem_new,--wrap=mem_grow,--wrap=mem_free.  Locked memory, that of secrets, is not counted,
 * as its size does not depend on what a stranger sends.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_HEAP_H
#define TESTS_HEAP_H

#include <stddef.h>

/** Begin to count at nothing. */
void heap_start(void);

/** @return bytes at most at one time since then */
size_t heap_most(void);

#endif
