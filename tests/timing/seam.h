/*
 * One call of an algorithm, with what it publishes marked as public.
 * SPDX-License-Identifier: ISC
 */
#ifndef TESTS_TIMING_SEAM_H
#define TESTS_TIMING_SEAM_H

#include "crypto/provider.h"

CHECKED enum err seam_seal(const struct aead *aead, struct aead_key *key, const uint8_t *nonce,
                           const struct view *aad, size_t aad_count, struct view plaintext,
                           uint8_t *out);
CHECKED enum err seam_open(const struct aead *aead, struct aead_key *key, const uint8_t *nonce,
                           const struct view *aad, size_t aad_count, struct view ciphertext,
                           uint8_t *out);
CHECKED enum err seam_derive_public(const struct dh *dh, const uint8_t *private_key,
                                    uint8_t *public_key);
CHECKED enum err seam_agree(const struct dh *dh, const uint8_t *private_key,
                            const uint8_t *public_key, uint8_t *shared);
CHECKED enum err seam_generate(const struct signature *scheme, uint8_t *private_key,
                               uint8_t *public_key);
CHECKED enum err seam_sign(const struct signature *scheme, const uint8_t *private_key,
                           struct view message, uint8_t *out, size_t *size);

#endif
