/* SPDX-License-Identifier: ISC */
#include "base/wipe.h"

#include <sodium.h>

void wipe(void *memory, size_t size) {
  sodium_memzero(memory, size);
}
