/*
 * Known answers: each algorithm picked is tried on fixed input before anything relies on it.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_SELFTEST_H
#define CRYPTO_SELFTEST_H

#include "crypto/algorithm.h"

/* OK, ERR_NOMEM, or ERR_INTERNAL if the table does not give the known answer. */
CHECKED enum err selftest_hash(enum hash_id id, const struct hash *hash);
CHECKED enum err selftest_aead(enum aead_id id, const struct aead *aead);
CHECKED enum err selftest_ctr(enum ctr_id id, const struct ctr *ctr);
CHECKED enum err selftest_dh(enum dh_id id, const struct dh *dh);
CHECKED enum err selftest_signature(enum signature_id id, const struct signature *signature);

#endif
