/*
 * Secrets: values that are moved, not copied, and wiped on every path; and locked memory for those
 * that live longer than a call.
 * SPDX-License-Identifier: ISC
 */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/wipe.h"

/** The largest secret in use: a P-521 private key. */
#define SECRET_MAX 66

/** A short secret.  An empty one (size 0) stands for "none". */
struct secret {
  uint16_t size;
  uint8_t bytes[SECRET_MAX];
};

/** 1 if equal, in time that depends on the sizes alone.  Different sizes are never equal. */
bool secret_equal(struct view a, struct view b);

struct view secret_view(const struct secret *secret);

/** @return OK, or ERR_INTERNAL if it is longer than SECRET_MAX */
CHECKED enum err secret_set(struct secret *secret, struct view bytes);

/** Move: `from` is empty and wiped afterwards. */
void secret_move(struct secret *to, struct secret *from);

void secret_wipe(struct secret *secret);

/**
 * Zeroed memory that is locked into RAM and left out of core dumps as far as the system allows
 * (where it allows little, the library must work too).  Small blocks share pages.  Any thread.
 */
CHECKED void *locked_new(size_t size);

/** Wipe and free; accepts NULL.  @param size  as given to locked_new() */
void locked_free(void *memory, size_t size);

#endif
