/*
 * Work on several threads, which end with the call.
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_PARALLEL_H
#define BASE_PARALLEL_H

#include <stddef.h>

#include "base/err.h"

/** The most threads that a call works on. */
#define PARALLEL_MAX 16u

/** One piece of work; different ones may run at the same time.  @param state  the same for all */
typedef enum err parallel_piece(const void *state, size_t index, struct why *why);

/**
 * Do the pieces 0 to count - 1, as one loop that ends with the first error would.
 * @param threads  the calling one included; fewer where the system gives no more
 * @return what the first piece by index that fails returns, and its `why`; which of those after it were
 *         done is not determined
 */
CHECKED enum err parallel_each(unsigned threads, size_t count, parallel_piece *piece,
                               const void *state, struct why *why);

#endif
