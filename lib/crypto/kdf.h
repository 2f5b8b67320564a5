/*
 * HKDF (RFC 5869) and the labelled derivations of RFC 9420, sections 5.2 and 8.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

#include "crypto/suite.h"

/** HKDF-Extract.  An empty salt or input is that many zero bytes only if the caller passes them. */
CHECKED enum err kdf_extract(const struct hash *hash, struct view salt, struct view input,
                             struct secret *out);

/** HKDF-Expand into out[0..size).  @param info  in parts */
CHECKED enum err kdf_expand(const struct hash *hash, struct view key, const struct view *info,
                            size_t info_count, uint8_t *out, size_t size);

/** The same with a key that is used more than once, and was hashed ahead. */
CHECKED enum err kdf_expand_keyed(const struct hash *hash, const struct hmac_key *key,
                                  const struct view *info, size_t info_count, uint8_t *out,
                                  size_t size);

/** ExpandWithLabel (section 8); label without the "MLS 1.0 " prefix.  For outputs of any size. */
CHECKED enum err kdf_expand_with_label(const struct suite *suite, struct view secret,
                                       struct view label, struct view context, uint8_t *out,
                                       size_t size);

/** DeriveSecret (section 8): ExpandWithLabel with an empty context and the hash's size. */
CHECKED enum err kdf_derive_secret(const struct suite *suite, const struct secret *secret,
                                   struct view label, struct secret *out);

/** DeriveTreeSecret (section 9). */
CHECKED enum err kdf_derive_tree_secret(const struct suite *suite, const struct secret *secret,
                                        struct view label, uint32_t generation, uint8_t *out,
                                        size_t size);

/** RefHash (section 5.2) with the full label, into hash->size bytes. */
CHECKED enum err kdf_ref_hash(const struct suite *suite, struct view label, struct view value,
                              uint8_t *out);

/** MAC of the suite: HMAC with its hash, into hash->size bytes. */
CHECKED enum err kdf_mac(const struct suite *suite, const struct secret *key, struct view message,
                         uint8_t *out);

/** Hash of the suite, into hash->size bytes. */
CHECKED enum err kdf_hash(const struct suite *suite, struct view message, uint8_t *out);

/** Fill a secret with `size` random bytes. */
CHECKED enum err kdf_random(struct secret *out, size_t size);

#endif
