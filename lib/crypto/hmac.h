/*
 * HMAC (RFC 2104) over any hash, for backends whose own HMAC is slow or missing.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_HMAC_H
#define CRYPTO_HMAC_H

#include "base/buf.h"

#define HMAC_BLOCK_MAX 128 /* SHA-384 and SHA-512 */

/** Hash of `first` followed by the parts. */
typedef void hmac_hash(struct view first, const struct view *parts, size_t count, uint8_t *out);

/**
 * @param block,size  input block and output of the hash, in bytes
 * @param out         `size` bytes
 */
void hmac_compute(hmac_hash *hash, size_t block, size_t size, struct view key,
                  const struct view *parts, size_t count, uint8_t *out);

#endif
