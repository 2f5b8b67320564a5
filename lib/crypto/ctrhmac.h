/*
 * AEADs composed of AES in counter mode and HMAC, whose tags may be short (RFC 9605, section 4.5.1).
 * As any `struct aead` they allocate for a key and never for a message.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_CTRHMAC_H
#define CRYPTO_CTRHMAC_H

#include "crypto/provider.h"

/** The key of the cipher, then that of HMAC, which is as long as its hash. */
#define CTRHMAC_KEY_MAX (AEAD_KEY_MAX + HASH_MAX)

/** Named by cipher, hash and bits of the tag.  available() after provider_init(). */
extern const struct aead ctrhmac_aes128_sha256_80, ctrhmac_aes128_sha256_64,
    ctrhmac_aes128_sha256_32, ctrhmac_aes256_sha512_80, ctrhmac_aes256_sha512_64,
    ctrhmac_aes256_sha512_32;

#endif
