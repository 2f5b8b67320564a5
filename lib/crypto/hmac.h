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
 * Define the `struct hash` of a SHA-2 that a backend exports, PREFIX_shaBITS, from what the backend has
 * written of a `struct hmac_hash`: shaBITS_first() and shaBITS_rest(), and from its available().
 * @param title  of the backend
 */
#define DEFINE_HASH(prefix, title, bits, block_size)                                               \
  static const struct hmac_hash sha##bits##_functions = {.size = bits / 8,                         \
                                                         .block = block_size,                      \
                                                         .first = sha##bits##_first,               \
                                                         .rest = sha##bits##_rest};                \
  static enum err sha##bits##_digest(const struct view *parts, size_t count, uint8_t *out) {       \
    sha##bits##_rest(NULL, parts, count, out);                                                     \
    return OK;                                                                                     \
  }                                                                                                \
  static void sha##bits##_hmac_key(struct view key, struct hmac_key *out) {                        \
    hmac_key_set(&sha##bits##_functions, key, out);                                                \
  }                                                                                                \
  static enum err sha##bits##_hmac_keyed(const struct hmac_key *key, const struct view *parts,     \
                                         size_t count, uint8_t *out) {                             \
    hmac_compute(&sha##bits##_functions, key, parts, count, out);                                  \
    return OK;                                                                                     \
  }                                                                                                \
  static enum err sha##bits##_hmac(struct view key, const struct view *parts, size_t count,        \
                                   uint8_t *out) {                                                 \
    struct hmac_key halves;                                                                        \
    hmac_key_set(&sha##bits##_functions, key, &halves);                                            \
    hmac_compute(&sha##bits##_functions, &halves, parts, count, out);                              \
    wipe(&halves, sizeof halves);                                                                  \
    return OK;                                                                                     \
  }                                                                                                \
  const struct hash prefix##_sha##bits = {.name = "SHA-" #bits,                                    \
                                          .backend = title,                                        \
                                          .size = bits / 8,                                        \
                                          .available = available,                                  \
                                          .digest = sha##bits##_digest,                            \
                                          .hmac = sha##bits##_hmac,                                \
                                          .hmac_key = sha##bits##_hmac_key,                        \
                                          .hmac_keyed = sha##bits##_hmac_keyed}

#endif
