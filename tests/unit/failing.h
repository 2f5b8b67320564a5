/*
 * Memory that runs out where a test wants it to.  The program is linked with the names of
 * failing.c's functions wrapped (`-Wl,--wrap`, see `failing` in tests/meson.build): what the library and
 * the test take through base/mem.h and base/secret.h is counted, and fails when it is to.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_FAILING_H
#define TESTS_FAILING_H

#include <stdbool.h>
#include <stddef.h>

/** Let the allocation after `after` more of them fail, that one only. */
void failing_after(size_t after);

/** Let no more allocations fail.  @return whether one did since failing_after() */
bool failing_stop(void);

/** Blocks that are allocated now. */
long failing_blocks(void);

#endif
