/*
 * The labelled derivations of RFC 9420, sections 5.2 and 8.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_KDF_H
#define CRYPTO_KDF_H

#include "crypto/suite.h"

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

#endif
