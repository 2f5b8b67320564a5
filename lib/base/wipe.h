/*
 * Overwriting what was secret.
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_WIPE_H
#define BASE_WIPE_H

#include <stddef.h>

/** Overwrite with zeros; the compiler may not remove it. */
void wipe(void *memory, size_t size);

#endif
