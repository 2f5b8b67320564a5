/*
 * MLS cipher suites (RFC 9420, section 17.1): rows of a table, nothing else.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_SUITE_H
#define CRYPTO_SUITE_H

#include "crypto/kem.h"

/** One cipher suite with the backends picked for it. */
struct suite {
  uint16_t id;       /* MLS code point */
  uint16_t hpke_kdf; /* RFC 9180, section 7 code points; the KEM has its own */
  uint16_t hpke_aead;
  const struct kem *kem;
  const struct hash *hash; /* HKDF, HMAC, transcripts, tree hashes */
  const struct aead *aead;
  const struct signature *signature;
  enum signature_id signature_id;
};

/** To see whether there is a suite, not to compute with it: NULL if the code point is unknown or an
 *  algorithm of it has no backend here.  Any thread, after provider_init(). */
const struct suite *suite_find(uint16_t id);

/** The same to compute with: who comes first waits until its KEM and its signature scheme have given
 *  their known answers.
 *  @return OK; ERR_UNSUPPORTED where suite_find() gives NULL; ERR_INTERNAL if an answer came out wrong,
 *          then and ever after; ERR_NOMEM */
CHECKED enum err suite_use(uint16_t id, const struct suite **out);

/** Walk the code points in the table, usable or not: 0, 1, …; 0 at the end. */
uint16_t suite_id_at(size_t index);

#endif
