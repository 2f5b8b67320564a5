/*
 * HKDF (RFC 5869).
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_HKDF_H
#define CRYPTO_HKDF_H

#include "crypto/algorithm.h"

/** HKDF-Extract.  An empty salt or input is that many zero bytes only if the caller passes them. */
CHECKED enum err hkdf_extract(const struct hash *hash, struct view salt, struct view input,
                              struct secret *out);

/** HKDF-Expand into out[0..size).  @param info  in parts */
CHECKED enum err hkdf_expand(const struct hash *hash, struct view key, const struct view *info,
                             size_t info_count, uint8_t *out, size_t size);

/** The same with a key that is used more than once, and was hashed ahead. */
CHECKED enum err hkdf_expand_keyed(const struct hash *hash, const struct hmac_key *key,
                                   const struct view *info, size_t info_count, uint8_t *out,
                                   size_t size);

#endif
