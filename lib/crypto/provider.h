/*
 * Which table serves an algorithm on this machine: those of backend.h are listed best first, and the
 * first one that is available() is used.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_PROVIDER_H
#define CRYPTO_PROVIDER_H

#include "crypto/algorithm.h"

/* The best table for each algorithm on this machine; NULL if no backend has it.  Those of curves are
 * not to be relied on before they were tried: see provider_try_dh(). */
const struct hash *provider_hash(enum hash_id id);
const struct aead *provider_aead(enum aead_id id);
const struct ctr *provider_ctr(enum ctr_id id);
const struct dh *provider_dh(enum dh_id id);
const struct signature *provider_signature(enum signature_id id);

/* All tables that work here, for tests that run one backend against another, best first; NULL after
 * the last.  After provider_init(). */
const struct hash *provider_hash_at(enum hash_id id, size_t index);
const struct aead *provider_aead_at(enum aead_id id, size_t index);
const struct ctr *provider_ctr_at(enum ctr_id id, size_t index);
const struct dh *provider_dh_at(enum dh_id id, size_t index);
const struct signature *provider_signature_at(enum signature_id id, size_t index);

/**
 * Open the random source, pick the tables and try known answers (selftest.h) of hashes and ciphers,
 * once for the process.  Any thread.
 * @return OK, ERR_RANDOM, or ERR_INTERNAL if a known answer came out wrong
 */
CHECKED enum err provider_init(void);

/**
 * Try the known answer of the table that was picked, if nobody has: curves are slow to try, so this is
 * done for those that are used, by suite_use().  Any thread, after provider_init(), for a table that
 * is there.
 * @return OK; ERR_INTERNAL if the answer came out wrong, then and ever after; ERR_NOMEM, which may pass
 */
CHECKED enum err provider_try_dh(enum dh_id id);
CHECKED enum err provider_try_signature(enum signature_id id);

/** Random bytes; cannot fail once provider_init() has succeeded. */
void provider_random(uint8_t *out, size_t size);

/** A secret of so many random bytes.  @return OK, or ERR_INTERNAL if that is more than SECRET_MAX */
CHECKED enum err provider_random_secret(struct secret *out, size_t size);

#endif
