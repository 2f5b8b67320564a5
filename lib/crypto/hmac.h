/*
 * HMAC (RFC 2104) over any hash of a backend.
 *
 * The first block of both hashes depends on the key alone.  What is left of it is the state between
 * two blocks, which a key that is used often keeps: half the work for a short message.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include "crypto/provider.h"

#define HMAC_BLOCK_MAX 128 /* SHA-384 and SHA-512 */

/** What a backend's hash has to be able to do. */
struct hmac_hash {
  size_t size;  /* of a digest */
  size_t block; /* that it takes at a time */
  /** Hash one block, and tell the state after it. */
  void (*first)(const uint8_t *block, uint64_t *state);
  /** Hash the parts, after a first block that left this state; or, with NULL, from the beginning. */
  void (*rest)(const uint64_t *state, const struct view *parts, size_t count, uint8_t *out);
};

void hmac_key_set(const struct hmac_hash *hash, struct view key, struct hmac_key *out);

/** @param out  hash->size bytes */
void hmac_compute(const struct hmac_hash *hash, const struct hmac_key *key,
                  const struct view *parts, size_t count, uint8_t *out);

/**
 * Define, for a `struct hmac_hash` named PREFIX_functions, what a `struct hash` has: PREFIX_digest(),
 * PREFIX_hmac(), PREFIX_hmac_key(), PREFIX_hmac_keyed().
 */
#define DEFINE_HASH_FUNCTIONS(prefix)                                                              \
  static enum err prefix##_digest(const struct view *parts, size_t count, uint8_t *out) {          \
    prefix##_functions.rest(NULL, parts, count, out);                                              \
    return OK;                                                                                     \
  }                                                                                                \
  static void prefix##_hmac_key(struct view key, struct hmac_key *out) {                           \
    hmac_key_set(&prefix##_functions, key, out);                                                   \
  }                                                                                                \
  static enum err prefix##_hmac_keyed(const struct hmac_key *key, const struct view *parts,        \
                                      size_t count, uint8_t *out) {                                \
    hmac_compute(&prefix##_functions, key, parts, count, out);                                     \
    return OK;                                                                                     \
  }                                                                                                \
  static enum err prefix##_hmac(struct view key, const struct view *parts, size_t count,           \
                                uint8_t *out) {                                                    \
    struct hmac_key halves;                                                                        \
    hmac_key_set(&prefix##_functions, key, &halves);                                               \
    hmac_compute(&prefix##_functions, &halves, parts, count, out);                                 \
    wipe(&halves, sizeof halves);                                                                  \
    return OK;                                                                                     \
  }

#endif
