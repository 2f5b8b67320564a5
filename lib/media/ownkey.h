/*
 * The key that the own streams encrypt with where keys do not come from MLS (RFC 9605, section 5.1).
 *
 * All own streams have one key id, and so one counter: whoever spends a counter is the only one who
 * does.  Each generation and each step is an object of its own, whose counter begins at 0.
 * SPDX-License-Identifier: ISC
 */
#ifndef MEDIA_OWNKEY_H
#define MEDIA_OWNKEY_H

#include "media/keys.h"
#include "sframe/key.h"

/** Of a base_key that the application chooses, in bytes. */
#define OWNKEY_BASE_MIN 16u
#define OWNKEY_BASE_MAX 128u

#define OWNKEY_MARK 16u

/** In locked memory. */
struct own_key {
  struct outgoing outgoing;
  const struct sframe_suite *suite;
  unsigned bits; /* R */
  uint64_t generation, step;
  struct secret secret; /* sframe_secret of this step */
  uint8_t
      mark[OWNKEY_MARK]; /* tells the generation's first key if it comes again, and nothing else */
  uint8_t base_key[OWNKEY_BASE_MAX]; /* of this step, for who joins */
  size_t base_size;
  atomic_ullong counter; /* frames encrypted */
};

/** Step 0 of a generation.  @param suite  lives as long  @param base_key  OWNKEY_BASE_MIN to _MAX */
CHECKED enum err own_key_new(const struct sframe_suite *suite, unsigned bits, uint64_t generation,
                             struct view base_key, struct own_key **out);

/** The next step. */
CHECKED enum err own_key_next(const struct own_key *own, struct own_key **out);

/** Wipe and free, when no stream uses it any more; accepts NULL. */
void own_key_free(struct own_key *own);

/** Whether two generations began with the same key. */
bool own_key_same(const struct own_key *a, const struct own_key *b);

#endif
