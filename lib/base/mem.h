/*
 * Memory for public data: sizes checked for overflow; no item is of size 0.  Secrets live in
 * base/secret.h.
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/err.h"

/** Zeroed memory for `count` items of `size` bytes, to be freed with mem_free(); NULL if there is none. */
CHECKED void *mem_new(size_t count, size_t size);

/**
 * Make room in an array: at least `count` items of `size` bytes, growing geometrically.
 * @param[in,out] array     pointer to the array pointer, NULL for an empty one
 * @param[in,out] capacity  items that fit
 * @return OK or ERR_NOMEM (nothing changed)
 */
CHECKED enum err mem_grow(void *array, size_t *capacity, size_t count, size_t size);

/** Free; accepts NULL. */
void mem_free(void *memory);

#endif
