/*
 * SFrame cipher suites, and keys derived for a key id (RFC 9605, sections 4.4.2 and 4.5).
 * SPDX-License-Identifier: ISC
 */
#ifndef SFRAME_KEY_H
#define SFRAME_KEY_H

#include "crypto/ctrhmac.h"

#define SFRAME_KEY_MAX CTRHMAC_KEY_MAX
#define SFRAME_SALT_MAX AEAD_NONCE_MAX

/** A cipher suite with the backends picked for it. */
struct sframe_suite {
  uint16_t id; /* RFC 9605, section 8.1, and its registry */
  const char *name;
  const struct hash *hash;
  const struct aead *aead;
};

/** @return OK, or ERR_UNSUPPORTED: unknown, or without a backend here.  After provider_init(). */
CHECKED enum err sframe_suite_find(uint16_t id, struct sframe_suite *out);

/** sframe_secret of a base_key: all that has to be kept of it, for it is the same for every key id. */
CHECKED enum err sframe_secret(const struct sframe_suite *suite, struct view base_key,
                               struct secret *out);

/** The base_key of a sender's next ratchet step (RFC 9605, section 5.1): as long as the suite's hash.
 *  @param secret  sframe_secret of this step */
CHECKED enum err sframe_ratchet(const struct sframe_suite *suite, const struct secret *secret,
                                struct secret *base_key);

/**
 * sframe_key and sframe_salt of a key id.  Allocates nothing.
 * @param key   out: suite->aead->key_size bytes, to be wiped
 * @param salt  out: suite->aead->nonce_size bytes, to be wiped
 */
CHECKED enum err sframe_derive(const struct sframe_suite *suite, const struct secret *secret,
                               uint64_t kid, uint8_t *key, uint8_t *salt);

/** A key ready for frames.  One thread at a time. */
struct sframe_key {
  const struct aead *aead;
  struct aead_key *cipher; /* NULL if there is none */
  uint64_t kid;
  uint8_t salt[SFRAME_SALT_MAX];
};

/** Make room for a key.  The one allocation in a key's life; frames need sframe_key_set() first. */
CHECKED enum err sframe_key_new(const struct sframe_suite *suite, struct sframe_key *out);

/** Derive and put in the key of a key id, in place of the one before.  Allocates nothing; after a
 *  failure the room is empty. */
CHECKED enum err sframe_key_set(const struct sframe_suite *suite, const struct secret *secret,
                                uint64_t kid, struct sframe_key *key);

/** Wipe the key but keep the room. */
void sframe_key_wipe(struct sframe_key *key);

/** Wipe and free; safe on a zeroed struct. */
void sframe_key_free(struct sframe_key *key);

#endif
