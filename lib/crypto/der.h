/*
 * The one DER structure in use: ECDSA-Sig-Value, a SEQUENCE of the INTEGERs r and s (RFC 3279,
 * section 2.2.3).  Exactly one encoding of each signature is accepted.
 * SPDX-License-Identifier: ISC
 */
#ifndef CRYPTO_DER_H
#define CRYPTO_DER_H

#include "base/buf.h"

#define DER_NUMBER_MAX 66 /* P-521 */

/**
 * @param size  of a number: at most DER_NUMBER_MAX
 * @param r,s   out: `size` bytes each, big-endian
 * @return OK, or ERR_MALFORMED: not DER, negative, or longer than `size`
 */
CHECKED enum err der_read_signature(struct view der, size_t size, uint8_t *r, uint8_t *s);

/** @param out  2 * size + 9 bytes of room  @return the bytes used */
CHECKED size_t der_write_signature(const uint8_t *r, const uint8_t *s, size_t size, uint8_t *out);

#endif
